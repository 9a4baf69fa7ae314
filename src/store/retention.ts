import { sql } from 'kysely';
import type { Pruning, RetentionStore } from '../application/ports/store.ts';
import type { RetentionItem } from '../domain/retention.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

export function createRetentionStore(engine: Engine): RetentionStore {
  return {
    pruneInbox: (accountId, connectionId, before, { now, limit }) =>
      engine.write(async (session) => {
        const { db, dialect } = session;
        const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
        const { rows } = await sql<{ event_key: string }>`select event_key from inbox
          where ${own} and received_at < ${before} and received_at < (select max(received_at) from inbox where ${own})
          order by received_at limit ${limit}`.execute(db);
        if (rows.length === 0) return 0;
        const keys = rows.map(({ event_key }) => event_key);
        // First the mark: without it the database refuses to lose a delivery.
        await mark(session, accountId, [{ item: 'inbox', upTo: before, at: now, rows: keys.length }]);
        await sql`delete from inbox where ${own} and ${dialect.isIn('event_key', keys)}`.execute(db);
        return keys.length;
      }),

    pruneAuditLog: (accountId, before, limit) =>
      engine.write(async ({ db, dialect }) => {
        const { rows } = await sql<{ id: string }>`select id from audit_entries
          where account_id = ${accountId} and at < ${before} order by at limit ${limit}`.execute(db);
        const ids = rows.map(({ id }) => id);
        if (ids.length > 0)
          await sql`delete from audit_entries where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(
            db,
          );
        return ids.length;
      }),

    note: (accountId, prunings) => engine.write((session) => mark(session, accountId, prunings)),

    prunings: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'prunings'>>`select * from prunings where account_id = ${accountId}
          order by item`.execute(db);
        return rows.map((row) => ({
          item: row.item as RetentionItem,
          upTo: row.up_to,
          at: row.pruned_at,
          rows: row.row_count,
        }));
      }),
  };
}

async function mark(session: Session, accountId: string, prunings: readonly Pruning[]): Promise<void> {
  await insertRows(
    session,
    'prunings',
    prunings.map(({ item, upTo, at, rows }) => ({
      account_id: accountId,
      item,
      up_to: upTo,
      pruned_at: at,
      row_count: rows,
    })),
    `on conflict (account_id, item) do update set
      up_to = case when excluded.up_to > prunings.up_to then excluded.up_to else prunings.up_to end,
      pruned_at = case when excluded.pruned_at > prunings.pruned_at then excluded.pruned_at else prunings.pruned_at end,
      row_count = prunings.row_count + excluded.row_count`,
  );
}
