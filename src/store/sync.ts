import { type RawBuilder, sql } from 'kysely';
import type {
  ConnectionEvent,
  Page,
  PageInput,
  SweepRun,
  SyncCount,
  SyncMeasure,
  SyncQueue,
  SyncSigns,
  SyncStore,
} from '../application/ports/store.ts';
import { unparkCaseTasks } from './case-tasks.ts';
import { sweepMarkOf } from './connections.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { QueueTable } from './queue.ts';
import type { Row, Session } from './schema.ts';
import { tellOf } from './webhook-events.ts';

/** A week of quarters of an hour is a few thousand rows, and none of them is longer than its key. */
const BUCKET_MS = 900_000;

/** Texts of failures that are told apart; a person reads the first few. */
const FAILURES_MAX = 20;

export function createSyncStore(engine: Engine): SyncStore {
  return {
    count: (accountId, connectionId, counts, at) =>
      engine.write(async (session) => {
        const bucket = Math.floor(at / BUCKET_MS) * BUCKET_MS;
        // In one order everywhere, so that two nodes that count at the same time do not wait for each other.
        const inOneOrder = counts.toSorted((a, b) => (`${a.measure} ${a.label}` < `${b.measure} ${b.label}` ? -1 : 1));
        await insertRows(
          session,
          'sync_counts',
          inOneOrder.map((one) => ({ account_id: accountId, connection_id: connectionId, bucket, ...one })),
          `on conflict (account_id, connection_id, bucket, measure, label) do update set
            n = sync_counts.n + excluded.n, total = sync_counts.total + excluded.total,
            peak = case when excluded.peak > sync_counts.peak then excluded.peak else sync_counts.peak end`,
        );
      }),

    signs: (accountId, connectionId, since, now) =>
      engine.snapshot((session) => signsOf(session, accountId, connectionId, since, now)),

    sweepSigns: (accountId, connectionId) =>
      engine.snapshot((session) => sweepSignsOf(session, accountId, connectionId)),

    noteSweep: (accountId, connectionId, run, keepFrom) =>
      engine.write(async (session) => {
        const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
        await insertRows(session, 'sweeps', [
          {
            account_id: accountId,
            id: run.id,
            connection_id: connectionId,
            began_at: run.beganAt,
            ended_at: run.endedAt,
            is_full: run.isFull ? 1 : 0,
            changed: run.changed,
            missed: run.missed,
            problem: run.problem,
          },
        ]);
        await sql`delete from sweeps where ${own} and began_at < ${keepFrom}`.execute(session.db);
        await sql`delete from sync_counts where ${own} and bucket < ${keepFrom}`.execute(session.db);
      }),

    sweeps: (accountId, connectionId, page) =>
      engine.read((session) =>
        newestFirst(session, { table: 'sweeps', time: 'began_at', accountId, connectionId, page }, sweepOf),
      ),

    note: (accountId, connectionId, event) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'connection_events',
          [{ account_id: accountId, connection_id: connectionId, ...event }],
          'on conflict (account_id, id) do nothing',
        );
        if (event.kind !== 'connected' && event.kind !== 'reconnected') return;
        await tellOf(session, accountId, 'connection.connected', {
          subject: connectionId,
          sequence: event.at,
          at: event.at,
          data: { id: connectionId, again: event.kind === 'reconnected' },
        });
      }),

    events: (accountId, connectionId, page) =>
      engine.read((session) =>
        newestFirst(session, { table: 'connection_events', time: 'at', accountId, connectionId, page }, eventOf),
      ),

    heardOf: (accountId, connectionId, object, ids) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ record_id: string }>`select record_id from work
          where account_id = ${accountId} and connection_id = ${connectionId} and object = ${object}
            and ${dialect.isIn('record_id', ids)} and hinted_at is not null`.execute(db);
        return new Set(rows.map(({ record_id }) => record_id));
      }),

    retryParked: (accountId, connectionId, now) =>
      engine.write(async (session) => {
        let count = 0;
        for (const table of ['work', 'mirror', 'app_events'] as const) {
          const { numAffectedRows } = await sql`update ${sql.table(table)} set parked = 0, attempts = 0, error = null,
              run_at = ${now}, due_at = ${now}
            where account_id = ${accountId} and connection_id = ${connectionId} and parked = 1`.execute(session.db);
          count += Number(numAffectedRows ?? 0n);
        }
        return count + (await unparkCaseTasks(session, accountId, connectionId, now));
      }),
  };
}

interface ListOf {
  readonly table: 'sweeps' | 'connection_events';
  readonly time: 'began_at' | 'at';
  readonly accountId: string;
  readonly connectionId: string;
  readonly page: PageInput;
}

async function newestFirst<L extends ListOf['table'], T>(
  { db }: Session,
  { table, time, accountId, connectionId, page: { limit, cursor } }: ListOf & { readonly table: L },
  decode: (row: Row<L>) => T,
): Promise<Page<T>> {
  const at = sql.ref(time);
  const behind = cursor === null ? sql`` : sql`and (${at}, id) < (${cursor.at}, ${cursor.id})`;
  const { rows } = await sql<Row<L> & { id: string; at_: number }>`select *, ${at} as at_ from ${sql.table(table)}
    where account_id = ${accountId} and connection_id = ${connectionId} ${behind}
    order by ${at} desc, id desc limit ${limit + 1}`.execute(db);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(decode), next: rows.length > limit && last ? { at: last.at_, id: last.id } : null };
}

async function signsOf(
  session: Session,
  accountId: string,
  connectionId: string,
  since: number,
  now: number,
): Promise<SyncSigns> {
  const { db } = session;
  const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
  const received = await sql<{ at: number | null }>`select max(received_at) as at from inbox where ${own}`.execute(db);
  const { rows: counts } = await sql<{ measure: string; label: string; n: number; total: number; peak: number }>`
    select measure, label, cast(sum(n) as bigint) as n, cast(sum(total) as bigint) as total, max(peak) as peak
    from sync_counts where ${own} and bucket >= ${since} group by measure, label order by measure, label`.execute(db);
  const { rows: swept } = await sql<{ runs: number; missed: number; failed: number }>`
    select count(*) as runs, cast(coalesce(sum(missed), 0) as bigint) as missed,
      count(*) filter (where problem is not null) as failed
    from sweeps where ${own} and began_at >= ${since}`.execute(db);
  const { rows: marks } = await sql<Row<'sweep_marks'>>`select * from sweep_marks where ${own} order by object`.execute(
    db,
  );
  return {
    decisions: await queueOf(session, 'work', own, now),
    mirror: await queueOf(session, 'mirror', own, now),
    tasks: await parkedOf(session, 'case_tasks', own),
    timelines: await parkedOf(session, 'app_events', own),
    lastReceivedAt: received.rows[0]?.at ?? null,
    counts: counts.map((row): SyncCount => ({ ...row, measure: row.measure as SyncMeasure })),
    ...(await sweepSignsOf(session, accountId, connectionId)),
    swept: swept[0] ?? { runs: 0, missed: 0, failed: 0 },
    sweptTo: marks.map(sweepMarkOf),
  };
}

async function sweepSignsOf(
  { db }: Session,
  accountId: string,
  connectionId: string,
): Promise<Pick<SyncSigns, 'lastSweep' | 'lastTroubledSweep' | 'firstSweepAt' | 'events'>> {
  const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
  const first = async (statement: RawBuilder<Row<'sweeps'> & { at_: number }>) => (await statement.execute(db)).rows[0];
  const last = await first(
    sql`select *, began_at as at_ from sweeps where ${own} order by began_at desc, id desc limit 1`,
  );
  const troubled = await first(sql`select *, began_at as at_ from sweeps where ${own}
    and (missed > 0 or problem is not null) order by began_at desc limit 1`);
  const oldest = await first(sql`select *, began_at as at_ from sweeps where ${own} order by began_at, id limit 1`);
  const { rows: events } = await sql<Row<'connection_events'>>`
    select * from connection_events where ${own} order by at desc, id desc limit ${EVENTS_MAX}`.execute(db);
  const newest = new Map(events.toReversed().map((row) => [row.kind, eventOf(row)]));
  return {
    lastSweep: last ? sweepOf(last) : null,
    lastTroubledSweep: troubled ? sweepOf(troubled) : null,
    firstSweepAt: oldest?.began_at ?? null,
    events: [...newest.values()],
  };
}

/** Of these the newest of each kind is told; a connection has a handful in its life, and more only while it is tried to be mended. */
const EVENTS_MAX = 100;

async function queueOf(
  { db }: Session,
  table: Extract<QueueTable, 'work' | 'mirror'>,
  own: RawBuilder<unknown>,
  now: number,
): Promise<SyncQueue> {
  const name = sql.table(table);
  const since = sql.ref(table === 'work' ? 'hinted_at' : 'marked_at');
  // Each object by itself: mirror rows are found by their object.
  const kinds = table === 'work' ? sql`` : sql`and object in ('contact', 'deal', 'company')`;
  // "> 0" says the same as "is not null" and is a range that SQLite finds in the index.
  const waits = sql`due_at > 0 and (due_at <= ${now} or claim is not null or attempts > 0)`;
  const { rows } = await sql<{ waiting: number; parked: number; oldest: number | null }>`select
    (select count(*) from ${name} where ${own} ${kinds} and ${waits}) as waiting,
    (select count(*) from ${name} where ${own} and parked = 1) as parked,
    (select min(${since}) from ${name} where ${own} and ${since} is not null) as oldest`.execute(db);
  const { rows: failures } = await sql<{ error: string | null; parked: number; count: number }>`
    select error, parked, count(*) as count from (
      select error, parked from ${name} where ${own} ${kinds} and due_at > 0 and attempts > 0
      union all select error, parked from ${name} where ${own} and parked = 1) as failing
    group by error, parked order by count(*) desc, error limit ${FAILURES_MAX}`.execute(db);
  return {
    waiting: rows[0]?.waiting ?? 0,
    oldestAt: rows[0]?.oldest ?? null,
    parked: rows[0]?.parked ?? 0,
    failures: failures.map(({ error, parked, count }) => ({ error: error ?? '', count, isParked: parked === 1 })),
  };
}

/** In the words of `case_tasks_parked` and `app_events_parked`, which is how both databases know them. */
async function parkedOf(
  { db }: Session,
  table: 'case_tasks' | 'app_events',
  own: RawBuilder<unknown>,
): Promise<SyncSigns['tasks']> {
  const { rows } = await sql<{
    error: string | null;
    count: number;
  }>`select error, count(*) as count from ${sql.table(table)}
    where ${own} and parked = 1 group by error order by count(*) desc, error`.execute(db);
  return {
    parked: rows.reduce((sum, { count }) => sum + Number(count), 0),
    failures: rows
      .slice(0, FAILURES_MAX)
      .map(({ error, count }) => ({ error: error ?? '', count: Number(count), isParked: true })),
  };
}

function sweepOf(row: Row<'sweeps'>): SweepRun {
  const { id, began_at, ended_at, is_full, changed, missed, problem } = row;
  return { id, beganAt: began_at, endedAt: ended_at, isFull: is_full === 1, changed, missed, problem };
}

function eventOf({ id, kind, detail, at }: Row<'connection_events'>): ConnectionEvent {
  return { id, kind: kind as ConnectionEvent['kind'], detail, at };
}
