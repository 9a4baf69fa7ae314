import { sql } from 'kysely';
import { type PolicyVersion, policyHash } from '../domain/policy.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

/** Tables of one form: a policy of the account in versions, of which the newest is in force. */
type PolicyTable = 'attribution_policies' | 'connections_policies';

export interface Policies<P> {
  /** The version in force; publishing what is in force already adds none. */
  publish(accountId: string, policy: P, by: string, now: Instant): Promise<PolicyVersion<P>>;
  newest(accountId: string): Promise<PolicyVersion<P> | null>;
  /** The oldest first. */
  versions(accountId: string): Promise<PolicyVersion<P>[]>;
}

export function createPolicies<P extends object>(engine: Engine, table: PolicyTable): Policies<P> {
  return {
    publish: (accountId, policy, by, now) =>
      engine.write(async (session) => {
        // Two admins who publish at once get two versions, one after the other.
        await lockAccount(session, accountId);
        const newest = await newestPolicy<P>(session, table, accountId);
        const contentHash = policyHash(policy);
        if (newest?.contentHash === contentHash) return newest;
        const row: Row<PolicyTable> = {
          account_id: accountId,
          version: (newest?.version ?? 0) + 1,
          policy: toJson(policy),
          content_hash: contentHash,
          published_at: now,
          published_by: toText(by),
        };
        await insertRows(session, table, [row]);
        return policyVersionOf(row);
      }),
    newest: (accountId) => engine.read((session) => newestPolicy(session, table, accountId)),
    versions: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<PolicyTable>>`select * from ${sql.table(table)}
          where account_id = ${accountId} order by version`.execute(db);
        return rows.map((row) => policyVersionOf<P>(row));
      }),
  };
}

export async function newestPolicy<P>(
  { db }: Session,
  table: PolicyTable,
  accountId: string,
): Promise<PolicyVersion<P> | null> {
  const { rows } = await sql<Row<PolicyTable>>`select * from ${sql.table(table)}
    where account_id = ${accountId} order by version desc limit 1`.execute(db);
  return rows[0] ? policyVersionOf(rows[0]) : null;
}

export function policyVersionOf<P>(row: Row<PolicyTable>): PolicyVersion<P> {
  return {
    version: row.version,
    policy: fromJson(row.policy),
    contentHash: row.content_hash,
    publishedAt: row.published_at,
    publishedBy: row.published_by,
  };
}
