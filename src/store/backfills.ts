import { sql } from 'kysely';
import type { Backfill, BackfillStore, Page } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { tell } from './queue.ts';
import type { Row, Session } from './schema.ts';
import { askAt } from './work.ts';

/** Beyond this it does not matter how many there are: nothing more is asked for. */
const WAITING_COUNTED_MAX = 10_000;

export function createBackfillStore(engine: Engine): BackfillStore {
  return {
    start: (backfill) =>
      engine.write(async (session) => {
        const { accountId, id, connectionId } = backfill;
        const same = await rowOf(session, accountId, id);
        if (same) return { kind: 'existing', backfill: backfillOf(same) };
        const added = await insertRows<'backfills', { id: string }>(
          session,
          'backfills',
          [rowFor(backfill)],
          'on conflict do nothing returning id',
        );
        if (added.length > 0) return { kind: 'started', backfill };
        const open = await openOf(session, accountId, connectionId);
        return open ? { kind: 'other_open', backfill: backfillOf(open) } : { kind: 'busy' };
      }),

    get: (accountId, id) =>
      engine.read(async (session) => {
        const row = await rowOf(session, accountId, id);
        return row ? backfillOf(row) : null;
      }),

    list: (accountId, { limit, cursor }, { connectionId } = {}) =>
      engine.read(async ({ db }): Promise<Page<Backfill>> => {
        // A person starts each of them, one at a time for a connection: an account has few, and those by time are gone through.
        const of = connectionId === undefined ? sql`` : sql`and connection_id = ${connectionId}`;
        const behind = cursor === null ? sql`` : sql`and (started_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'backfills'>>`select * from backfills
          where account_id = ${accountId} ${of} ${behind} order by started_at desc, id desc limit ${limit + 1}`.execute(
          db,
        );
        const items = rows.slice(0, limit).map(backfillOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.startedAt, id: last.id } : null };
      }),

    running: () =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'backfills'>>`select * from backfills where state = 'running'
          order by account_id, id`.execute(db);
        return rows.map(backfillOf);
      }),

    waiting: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ waiting: number }>`select count(*) as waiting from (
          select 1 from work where account_id = ${accountId} and connection_id = ${connectionId}
            and low = 1 and due_at is not null limit ${WAITING_COUNTED_MAX}) as asked`.execute(db);
        return Number(rows[0]?.waiting ?? 0);
      }),

    advance: (next, wakes) =>
      engine.write(async (session) => {
        const { accountId, connectionId } = next;
        const row = rowFor(next);
        const { numAffectedRows } = await sql`update backfills set object = ${row.object}, position = ${row.position},
            until_at = ${row.until_at}, found = ${row.found}, asked = ${row.asked}, total = ${row.total},
            active_ms = ${row.active_ms}, attempts = ${row.attempts}, not_before = ${row.not_before},
            error = ${row.error}, state = ${row.state}, updated_at = ${row.updated_at}, version = ${row.version}
          where account_id = ${accountId} and id = ${next.id} and version = ${row.version - 1}
            and state = 'running'`.execute(session.db);
        if (numAffectedRows !== 1n) return false;
        await askAt(session, accountId, wakes, 1);
        if (wakes.length > 0) tell(session, 'work', { accountId, connectionId });
        return true;
      }),

    turn: (accountId, id, { to, from, now }) =>
      engine.write(async ({ db, dialect }) => {
        const { rows } = await sql<Row<'backfills'>>`update backfills set state = ${to}, updated_at = ${now},
            attempts = 0, not_before = 0, version = version + 1
          where account_id = ${accountId} and id = ${id} and ${dialect.isIn('state', from)}
          returning *`.execute(db);
        return rows[0] ? backfillOf(rows[0]) : null;
      }),
  };
}

async function rowOf({ db }: Session, accountId: string, id: string): Promise<Row<'backfills'> | undefined> {
  const { rows } = await sql<Row<'backfills'>>`select * from backfills
    where account_id = ${accountId} and id = ${id}`.execute(db);
  return rows[0];
}

async function openOf({ db }: Session, accountId: string, connectionId: string) {
  const { rows } = await sql<Row<'backfills'>>`select * from backfills where account_id = ${accountId}
    and connection_id = ${connectionId} and state in ('running', 'paused')`.execute(db);
  return rows[0];
}

function rowFor(backfill: Backfill): Row<'backfills'> {
  return {
    account_id: backfill.accountId,
    id: backfill.id,
    connection_id: backfill.connectionId,
    since: backfill.since,
    objects: toJson(backfill.objects),
    state: backfill.state,
    object: backfill.object,
    position: backfill.position,
    until_at: backfill.untilAt,
    found: backfill.found,
    asked: backfill.asked,
    total: backfill.total,
    active_ms: Math.round(backfill.activeMs),
    attempts: backfill.attempts,
    not_before: Math.round(backfill.notBefore),
    error: backfill.error === null ? null : toText(backfill.error),
    started_by: toText(backfill.startedBy),
    started_at: backfill.startedAt,
    updated_at: backfill.updatedAt,
    version: backfill.version,
  };
}

function backfillOf(row: Row<'backfills'>): Backfill {
  return {
    accountId: row.account_id,
    id: row.id,
    connectionId: row.connection_id,
    since: row.since,
    objects: fromJson(row.objects),
    state: row.state as Backfill['state'],
    object: row.object as Backfill['object'],
    position: row.position,
    untilAt: row.until_at,
    found: row.found,
    asked: row.asked,
    total: row.total,
    activeMs: row.active_ms,
    attempts: row.attempts,
    notBefore: row.not_before,
    error: row.error,
    startedBy: row.started_by,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
