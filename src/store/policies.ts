import { sql } from 'kysely';
import type { PolicyStore } from '../application/ports/store.ts';
import { type PolicyVersion, policyHash } from '../domain/policy.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

/** Tables of one form. */
type PolicyTable = 'attribution_policies' | 'connections_policies';

export function createPolicies<P extends object>(engine: Engine, table: PolicyTable): PolicyStore<P> {
  return {
    publish: (accountId, policy, by, now, dryRunId) =>
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
          // Of two nodes one clock may be behind: what is published later holds later.
          published_at: Math.max(now, newest?.publishedAt ?? 0),
          published_by: toText(by),
          dry_run_id: dryRunId ?? null,
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
    ...(row.dry_run_id === null ? {} : { dryRunId: row.dry_run_id }),
  };
}
