import { sql } from 'kysely';
import type { AttributionStore } from '../application/ports/store.ts';
import { policyHash } from '../domain/attribution-policy.ts';
import { attributionOf, policyVersionOf, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createAttributionStore(engine: Engine): AttributionStore {
  return {
    publish: (accountId, policy, by, now) =>
      engine.write(async (session) => {
        // Two admins who publish at once get two versions, one after the other.
        await lockAccount(session, accountId);
        const versions = await versionsOf(session, accountId);
        const newest = versions.at(-1);
        const contentHash = policyHash(policy);
        if (newest?.content_hash === contentHash) return policyVersionOf(newest);
        const row: Row<'attribution_policies'> = {
          account_id: accountId,
          version: (newest?.version ?? 0) + 1,
          policy: toJson(policy),
          content_hash: contentHash,
          published_at: now,
          published_by: toText(by),
        };
        await insertRows(session, 'attribution_policies', [row]);
        return policyVersionOf(row);
      }),

    newest: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'attribution_policies'>>`select * from attribution_policies
          where account_id = ${accountId} order by version desc limit 1`.execute(db);
        return rows[0] ? policyVersionOf(rows[0]) : null;
      }),

    versions: (accountId) =>
      engine.read(async (session) => (await versionsOf(session, accountId)).map(policyVersionOf)),

    decisions: (accountId, referralId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'attribution_decisions'>>`select * from attribution_decisions
          where account_id = ${accountId} and referral_id = ${referralId} order by sequence`.execute(db);
        return rows.map(attributionOf);
      }),
  };
}

async function versionsOf({ db }: Session, accountId: string): Promise<Row<'attribution_policies'>[]> {
  const { rows } = await sql<Row<'attribution_policies'>>`select * from attribution_policies
    where account_id = ${accountId} order by version`.execute(db);
  return rows;
}
