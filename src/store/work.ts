import { sql } from 'kysely';
import type { Hint } from '../application/ports/crm.ts';
import type { ClaimInput, Connection, Shard, WorkItem, WorkStore } from '../application/ports/store.ts';
import type { Wake } from '../domain/plan.ts';
import { recordKey } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { keyOf, refOf, toFlag, toText } from './codec.ts';
import { type Columns, type Engine, insertRows, overRows } from './dialect.ts';
import { candidates, claimed, counts, dueShards, nextDueAt, tell, wholeRow } from './queue.ts';
import type { Row, Session } from './schema.ts';

/**
 * The records that have to be looked at, one row each however many hints have come.
 *
 * A hint asks for now, and once the record has been looked at it is answered. A wake asks for a moment, and a look before that
 * moment does not answer it: two holds on one deal end on two days. Wakes therefore have rows of their own (`wakes`), and a
 * record leaves the list only when none is ahead of it.
 */
export function createWorkStore(engine: Engine): WorkStore {
  return {
    claim: (input) =>
      engine.write(async (session) => {
        for (const shard of await candidates(session, 'work', input)) {
          const items = await claimOf(session, shard, input, 0);
          if (items.length > 0) return items;
          const past = await claimOf(session, shard, input, 1);
          if (past.length > 0) return past;
        }
        return [];
      }),
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'work', now, limit)),
    extend: (items, until) =>
      engine.write(async (session) => {
        const rows = heldRows(items).map((row) => ({ ...row, until }));
        await overRows(
          session,
          { ...HELD, until: 'int' },
          rows,
          (held) => `update work set due_at = held.until from ${held} as held where ${IS_HELD}`,
        );
      }),

    defer: (item, { runAt, error, parked }) =>
      engine.write(async ({ db }) => {
        const { connectionId, object, id } = item.record;
        // A hint that came meanwhile is news: what would have been parked is tried again.
        const parks = sql`(${toFlag(parked)} = 1 and wanted = ${item.wanted})`;
        await sql`update work set claim = null, claimed_at = null, attempts = attempts + 1, error = ${toText(error)},
            run_at = ${runAt},
            due_at = case when ${parks} then null else cast(${runAt} as bigint) end,
            parked = case when ${parks} then 1 else 0 end
          where account_id = ${item.accountId} and connection_id = ${connectionId} and object = ${object}
            and record_id = ${id} and claim = ${item.claim}`.execute(db);
      }),

    release: (items) =>
      engine.write(async (session) => {
        await overRows(
          session,
          HELD,
          heldRows(items),
          (held) =>
            `update work set claim = null, claimed_at = null, due_at = run_at from ${held} as held where ${IS_HELD}`,
        );
        for (const { accountId, record } of items)
          tell(session, 'work', { accountId, connectionId: record.connectionId });
      }),

    ask: (accountId, wakes) =>
      engine.write(async (session) => {
        await askAt(session, accountId, wakes);
        for (const { record } of wakes) tell(session, 'work', { accountId, connectionId: record.connectionId });
      }),
    nextDueAt: () => engine.read((session) => nextDueAt(session, 'work')),
    counts: (now) => engine.read((session) => counts(session, 'work', now)),
  };
}

/** What a backfill asked for (`low`) is claimed when nothing else is due, and apart from it: a batch of it may take its time. */
async function claimOf(
  { db, dialect }: Session,
  { accountId, connectionId }: Shard,
  input: ClaimInput,
  low: 0 | 1,
): Promise<WorkItem[]> {
  const { rows } = await sql<Row<'work'>>`
    with picked as (
      select object, record_id from work
      where account_id = ${accountId} and connection_id = ${connectionId} and due_at <= ${input.now}
        and low = ${sql.lit(low)}
      order by due_at limit ${sql.lit(input.limit)} ${dialect.skipLocked('work')}
    )
    update work set ${claimed(input, 'work')}, claimed_at = ${input.now}
    from picked
    where work.account_id = ${accountId} and work.connection_id = ${connectionId}
      and work.object = picked.object and work.record_id = picked.record_id
    returning ${wholeRow('work')}`.execute(db);
  return rows.sort((a, b) => a.run_at - b.run_at || (a.record_id < b.record_id ? -1 : 1)).map(itemOf);
}

function itemOf(row: Row<'work'>): WorkItem {
  return {
    accountId: row.account_id,
    record: refOf(row),
    claim: row.claim ?? '',
    wanted: row.wanted,
    attempts: row.attempts,
    erase: row.erase === 1,
    ...(row.low === 1 ? { isBackground: true } : {}),
    hintedAt: row.hinted_at,
  };
}

const HELD: Columns = {
  account_id: 'text',
  connection_id: 'text',
  object: 'text',
  record_id: 'text',
  claim: 'text',
  wanted: 'int',
};

function heldRows(items: readonly WorkItem[]) {
  return items.map(({ accountId, record, claim, wanted }) => ({ ...keyOf(accountId, record), claim, wanted }));
}

const IS_HELD = `work.account_id = held.account_id and work.connection_id = held.connection_id
  and work.object = held.object and work.record_id = held.record_id and work.claim = held.claim`;

/** The wakes of a record. */
const IS_OF_WORK = `wakes.account_id = work.account_id and wakes.connection_id = work.connection_id
  and wakes.object = work.object and wakes.record_id = work.record_id`;

const NEXT_WAKE = `(select min(wakes.at) from wakes where ${IS_OF_WORK})`;

/** False when one of the claims is no longer held; nothing is changed then. */
export async function settleWork(session: Session, items: readonly WorkItem[]): Promise<boolean> {
  if (items.length === 0) return true;
  const rows = heldRows(items);
  const over = <R = never>(statement: (held: string) => string) => overRows<R>(session, HELD, rows, statement);
  const lock = session.dialect.forUpdate('work');
  const found = await over<{ record_id: string }>(
    (held) => `select work.record_id from ${held} as held join work on ${IS_HELD} ${lock}`,
  );
  if (found.rows.length < items.length) return false;

  // What has been answered.
  await over(
    (held) => `delete from wakes where ${isKeyOf('wakes', held)}
      and exists (select 1 from work where ${IS_OF_WORK} and wakes.at <= work.claimed_at)`,
  );
  await over(
    (held) => `update work set claim = null, claimed_at = null, attempts = 0, error = null, low = 0,
      erase = case when work.wanted = held.wanted then 0 else work.erase end,
      hinted_at = case when work.wanted = held.wanted or work.hinted_at is null then null
        when work.hinted_at > work.claimed_at then work.hinted_at else work.claimed_at end,
      run_at = case when work.wanted = held.wanted then coalesce(${NEXT_WAKE}, work.run_at) else work.run_at end,
      due_at = case when work.wanted = held.wanted then ${NEXT_WAKE} else work.run_at end
    from ${held} as held where ${IS_HELD}`,
  );
  // Nothing asked for meanwhile and nothing ahead: off the list.
  await over(
    (held) => `delete from work where ${isKeyOf('work', held)} and claim is null and due_at is null and parked = 0`,
  );
  return true;
}

/** The four columns of a record's key; both databases look each one up in the primary key. */
function isKeyOf(table: 'work' | 'wakes', rows: string): string {
  return `(${table}.account_id, ${table}.connection_id, ${table}.object, ${table}.record_id)
    in (select account_id, connection_id, object, record_id from ${rows} as keys)`;
}

/** Asks for the records of new hints to be looked at now; a parked one is given another chance. */
export async function askNow(
  session: Session,
  connection: Pick<Connection, 'id' | 'accountId'>,
  hints: readonly Hint[],
  now: Instant,
): Promise<void> {
  const rows = new Map<string, Row<'work'>>();
  for (const { records, kind, occurredAt } of hints) {
    // A clock that is ahead of ours tells of no waiting.
    const hintedAt = Math.min(occurredAt ?? now, now);
    for (const { object, id } of records) {
      const record = { connectionId: connection.id, object, id };
      const row = rows.get(recordKey(record)) ?? askedRow(connection.accountId, record, now, 0);
      rows.set(recordKey(record), {
        ...row,
        wanted: row.wanted + 1,
        hinted_at: Math.min(row.hinted_at ?? hintedAt, hintedAt),
        erase: kind === 'erasure' ? 1 : row.erase,
      });
    }
  }
  if (rows.size > 0) tell(session, 'work', { accountId: connection.accountId, connectionId: connection.id });
  await upsertWork(session, [...rows.values()], 'false');
}

/** Asks for records to be looked at, each at its time. */
export async function askAt(
  session: Session,
  accountId: string,
  wakes: readonly Wake[],
  low: 0 | 1 = 0,
): Promise<void> {
  if (wakes.length === 0) return;
  await insertRows(
    session,
    'wakes',
    wakes.map(({ record, at }) => ({ ...keyOf(accountId, record), at })),
    'on conflict do nothing',
  );
  const earliest = new Map<string, Row<'work'>>();
  for (const { record, at } of wakes) {
    const before = earliest.get(recordKey(record));
    if (!before || before.run_at > at) earliest.set(recordKey(record), { ...askedRow(accountId, record, at, 1), low });
  }
  // What lies ahead of a claim is found by its wake when the claim settles; it must not make the record due before its time.
  await upsertWork(session, [...earliest.values()], '(work.claim is not null and excluded.run_at > work.claimed_at)');
}

function askedRow(accountId: string, record: Wake['record'], at: Instant, wanted: number): Row<'work'> {
  return {
    ...keyOf(accountId, record),
    wanted,
    run_at: at,
    due_at: at,
    claim: null,
    claimed_at: null,
    attempts: 0,
    erase: 0,
    low: 0,
    hinted_at: null,
    parked: 0,
    error: null,
  };
}

/** Everything that is asked raises `wanted`, so that a claim does not answer for it, unless `liesAhead` of the claim. */
async function upsertWork(session: Session, rows: readonly Row<'work'>[], liesAhead: string): Promise<void> {
  if (rows.length === 0) return;
  const runAt = 'case when work.parked = 1 or excluded.run_at < work.run_at then excluded.run_at else work.run_at end';
  // In one order everywhere, so that two transactions that ask for the same records do not wait for each other.
  const ordered = [...rows].sort((a, b) => (lockOrder(a) < lockOrder(b) ? -1 : 1));
  await insertRows(
    session,
    'work',
    ordered,
    `on conflict (account_id, connection_id, object, record_id) do update set
      wanted = work.wanted + case when ${liesAhead} then 0 else excluded.wanted end,
      run_at = ${runAt},
      due_at = case when work.claim is not null then work.due_at else ${runAt} end,
      attempts = case when work.parked = 1 then 0 else work.attempts end,
      error = case when work.parked = 1 then null else work.error end,
      erase = case when excluded.erase = 1 then 1 else work.erase end,
      low = case when work.parked = 1 or excluded.low < work.low then excluded.low else work.low end,
      hinted_at = case when work.hinted_at is null or excluded.hinted_at < work.hinted_at then excluded.hinted_at
        else work.hinted_at end,
      parked = 0`,
  );
}

function lockOrder(row: Pick<Row<'work'>, 'connection_id' | 'object' | 'record_id'>): string {
  return `${row.connection_id} ${row.object} ${row.record_id}`;
}
