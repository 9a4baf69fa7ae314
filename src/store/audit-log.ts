import { sql } from 'kysely';
import type { AuditEntry, AuditLogStore } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row } from './schema.ts';

export function createAuditLogStore(engine: Engine): AuditLogStore {
  return {
    begin: (accountId, entry) =>
      engine.write(async (session) => {
        await insertRows(session, 'audit_entries', [
          {
            account_id: accountId,
            id: entry.id,
            at: entry.at,
            actor: toText(entry.actor),
            via: entry.via,
            operation: entry.operation,
            subject: entry.subject,
            input: jsonOrNull(entry.input),
            before_change: jsonOrNull(entry.before),
            after_change: null,
            status: null,
            ref: entry.ref,
          },
        ]);
      }),

    finish: (accountId, id, { after, status, subject }) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('audit_entries')
          .set({ after_change: jsonOrNull(after), status, subject })
          .where('account_id', '=', accountId)
          .where('id', '=', id)
          // What is said once is not said over.
          .where('status', 'is', null)
          .execute();
      }),

    list: (accountId, { limit, cursor }, { actor, operation, subject }) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'audit_entries'>>`select * from audit_entries where account_id = ${accountId}
          ${subject === undefined ? sql`` : sql`and subject = ${subject}`}
          ${actor === undefined ? sql`` : sql`and actor = ${actor}`}
          ${operation === undefined ? sql`` : sql`and operation = ${operation}`}
          ${cursor ? sql`and id < ${cursor.id}` : sql``}
          order by id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(entryOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.at, id: last.id } : null };
      }),
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : toJson(value);
}

function entryOf(row: Row<'audit_entries'>): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: row.actor,
    via: row.via as AuditEntry['via'],
    operation: row.operation,
    subject: row.subject,
    input: row.input === null ? null : fromJson(row.input),
    before: row.before_change === null ? null : fromJson(row.before_change),
    after: row.after_change === null ? null : fromJson(row.after_change),
    status: row.status,
    ref: row.ref,
  };
}
