import { type RawBuilder, sql } from 'kysely';
import type { ClaimInput, Hop, Shard } from '../application/ports/store.ts';
import type { CrmObject } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { type Row, type Session, TABLES } from './schema.ts';

/**
 * What `work`, `mirror`, `intents`, `workflow_waits`, `app_events` and `webhook_deliveries` share. Of the last one a shard's `connectionId` is
 * an endpoint's id.
 *
 * | column     | meaning                                                                                        |
 * |------------|------------------------------------------------------------------------------------------------|
 * | `run_at`   | when the row asked, or was asked, to be looked at                                              |
 * | `due_at`   | when it can be claimed: `run_at` while unclaimed, the lease's end while claimed, null for never |
 * | `claim`    | token of the claim that holds it; null while unclaimed                                         |
 * | `attempts` | failed ones since the last success; a lease that ran out counts as one                         |
 * | `parked`   | 1: left alone until something new comes; `error` says why                                      |
 * | `wanted`   | rises with everything that is asked; a claim answers only for what was asked when it was made  |
 *
 * One column decides whether a row can be claimed, so one index serves every claim, and a row whose worker died needs nobody to
 * free it.
 */
export type QueueTable = 'work' | 'mirror' | 'intents' | 'workflow_waits' | 'webhook_deliveries' | 'app_events';

/** Which hop drains which table. */
export const HOP_OF: Readonly<Record<QueueTable, Hop>> = {
  work: 'process',
  mirror: 'mirror',
  intents: 'payouts',
  workflow_waits: 'callbacks',
  webhook_deliveries: 'webhooks',
  // Written to the same records of the same CRM, with the same calls to spare.
  app_events: 'mirror',
};

/** How many shards a claim that names none tries when others are taking the same rows, before it says that nothing is due. */
const CANDIDATES_MAX = 16;

/** Mirror rows are found by object too, since one write to a CRM is of one kind of record. */
export const MIRRORED: readonly CrmObject[] = ['contact', 'deal', 'company'];

/**
 * Each connected connection (and object), or each account, with its first row that fulfils `condition`: one probe of an index each.
 * Nothing here is grouped, sorted or limited: on SQLite that makes a temporary table, which costs forty times the probe.
 */
function firstDue(table: QueueTable, condition: RawBuilder<unknown>): RawBuilder<unknown> {
  if (table === 'intents')
    return sql`
      select account_id, connection_id, due_at from (
        select a.id as account_id, null as connection_id, (
          select q.due_at from intents q where q.account_id = a.id and ${condition} order by q.due_at limit 1
        ) as due_at
        from accounts a) as first_of_account
      where due_at is not null`;
  // One that rests after a failure is due when it has rested, whatever waits for it.
  if (table === 'webhook_deliveries')
    return sql`
      select account_id, connection_id, case when due_at < rests_until then rests_until else due_at end as due_at from (
        select e.account_id, e.id as connection_id, e.rests_until, (
          select q.due_at from webhook_deliveries q
          where q.account_id = e.account_id and q.endpoint_id = e.id and ${condition} order by q.due_at limit 1
        ) as due_at
        from webhook_endpoints e where e.state = 'enabled') as first_of_endpoint
      where due_at is not null`;
  const ofObject = (object: string | null) => sql`
    select account_id, connection_id, due_at from (
      select c.account_id, c.id as connection_id, (
        select q.due_at from ${sql.table(table)} q
        where q.account_id = c.account_id and q.connection_id = c.id ${object === null ? sql`` : sql`and q.object = ${sql.lit(object)}`}
          and ${condition}
        order by q.due_at limit 1
      ) as due_at
      from connections c where c.status = 'connected') as first_of_connection
    where due_at is not null`;
  return sql.join((table === 'mirror' ? MIRRORED : [null]).map(ofObject), sql` union all `);
}

/** Shards that have something due, longest due first. */
export async function dueShards({ db }: Session, table: QueueTable, now: Instant, limit: number): Promise<Shard[]> {
  const { rows } = await sql<{ account_id: string; connection_id: string | null; due_at: Instant }>`
    ${firstDue(table, sql`q.due_at <= ${now}`)}`.execute(db);
  const named = rows
    .filter(({ due_at: dueAt }) => dueAt <= now)
    .map(({ account_id, connection_id, due_at }) => ({
      name: `${account_id} ${connection_id ?? ''}`,
      dueAt: due_at,
      shard: { accountId: account_id, connectionId: connection_id },
    }));
  named.sort((a, b) => a.dueAt - b.dueAt || (a.name < b.name ? -1 : 1));
  return [...new Map(named.map(({ name, shard }) => [name, shard])).values()].slice(0, limit);
}

/** The shard that is asked for, if its connection is connected, or those that have something due. */
export async function candidates(session: Session, table: QueueTable, input: ClaimInput): Promise<Shard[]> {
  if (!input.shard) return dueShards(session, table, input.now, CANDIDATES_MAX);
  const { accountId, connectionId } = input.shard;
  if (table === 'intents') return [input.shard];
  if (table === 'webhook_deliveries') {
    const { rows } = await sql`select id from webhook_endpoints where account_id = ${accountId} and id = ${connectionId}
      and state = 'enabled' and rests_until <= ${input.now}`.execute(session.db);
    return rows.length === 0 ? [] : [input.shard];
  }
  const { rows } = await sql`select id from connections
    where account_id = ${accountId} and id = ${connectionId} and status = 'connected'`.execute(session.db);
  return rows.length === 0 ? [] : [input.shard];
}

/** At the end of this transaction somebody is told that the shard has something due, where there is anybody to tell. */
export function tell({ told }: Session, table: QueueTable, shard: Shard): void {
  const hop = HOP_OF[table];
  told.set(`${hop} ${shard.accountId} ${shard.connectionId ?? ''}`, { hop, shard });
}

/** What a claim sets. */
export function claimed(
  input: { claim: string; now: Instant; leaseMs: number },
  table: QueueTable,
): RawBuilder<unknown> {
  return sql`
    attempts = ${sql.ref(`${table}.attempts`)} + case when ${sql.ref(`${table}.claim`)} is null then 0 else 1 end,
    claim = ${input.claim},
    due_at = ${input.now + input.leaseMs}`;
}

/** The whole row after a claim; SQLite takes no `table.*` after RETURNING, and `*` would mean the joined rows too. */
export function wholeRow(table: QueueTable): RawBuilder<unknown> {
  return sql.join(Object.keys(TABLES[table]).map((column) => sql.ref(`${table}.${column}`)));
}

/** By which column rows belong to a shard, and by which they are told apart in it, where one is enough. */
const KEY_OF = {
  workflow_waits: { shard: 'connection_id', row: 'callback_id' },
  app_events: { shard: 'connection_id', row: 'id' },
  webhook_deliveries: { shard: 'endpoint_id', row: 'event_id' },
} as const;

/** Claims what is due of one shard, longest due first and `limit` at most; the rows as they are then, in no order. */
export async function claimRows<T extends keyof typeof KEY_OF>(
  { db, dialect }: Session,
  table: T,
  { accountId, connectionId }: Shard,
  input: Pick<ClaimInput, 'now' | 'leaseMs' | 'limit' | 'claim'>,
): Promise<Row<T>[]> {
  const own = sql.table(table);
  const [shard, row] = [KEY_OF[table].shard, KEY_OF[table].row].map((column) => sql.ref(column));
  const { rows } = await sql<Row<T>>`
    with picked as (
      select ${row} as picked_row from ${own}
      where account_id = ${accountId} and ${shard} = ${connectionId} and due_at <= ${input.now}
      order by due_at limit ${sql.lit(input.limit)} ${dialect.skipLocked(table)}
    )
    update ${own} set ${claimed(input, table)}
    from picked
    where ${own}.account_id = ${accountId} and ${own}.${shard} = ${connectionId} and ${own}.${row} = picked.picked_row
    returning ${wholeRow(table)}`.execute(db);
  return rows;
}

/** Whether the row's connection is connected, or its endpoint takes something now; payouts wait for no CRM. */
function reachable(table: QueueTable, now: Instant): RawBuilder<unknown> {
  if (table === 'webhook_deliveries')
    return sql`exists (select 1 from webhook_endpoints e where e.account_id = q.account_id and e.id = q.endpoint_id
      and e.state = 'enabled' and e.rests_until <= ${now})`;
  return table === 'intents'
    ? sql`1 = 1`
    : sql`exists (select 1 from connections c
        where c.account_id = q.account_id and c.id = q.connection_id and c.status = 'connected')`;
}

export async function nextDueAt({ db }: Session, table: QueueTable): Promise<Instant | null> {
  const due = firstDue(table, sql`q.due_at is not null`);
  const statement = sql<{ at: number | null }>`select min(due_at) as at from (${due}) as due`;
  return (await statement.execute(db)).rows[0]?.at ?? null;
}

/** Whatever was parked is due again, as if it had never failed. */
export async function unpark({ db }: Session, table: QueueTable, accountId: string, now: Instant): Promise<number> {
  const { numAffectedRows } = await sql`update ${sql.table(table)} set parked = 0, attempts = 0, error = null,
      run_at = ${now}, due_at = ${now}
    where account_id = ${accountId} and parked = 1`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

export interface Counts {
  due: number;
  claimed: number;
  later: number;
  parked: number;
}

/** Reads every row that waits: for metrics and readiness, not for a loop. */
export async function counts({ db }: Session, table: QueueTable, now: Instant): Promise<Counts> {
  const { rows } = await sql<Counts>`
    select
      count(*) filter (where q.due_at <= ${now} and ${reachable(table, now)}) as due,
      count(*) filter (where q.due_at > ${now} and q.claim is not null) as claimed,
      count(*) filter (where (q.due_at > ${now} and q.claim is null) or (q.due_at <= ${now} and not ${reachable(table, now)})) as later,
      count(*) filter (where q.parked = 1) as parked
    from ${sql.table(table)} q where q.due_at is not null or q.parked = 1`.execute(db);
  return rows[0] ?? { due: 0, claimed: 0, later: 0, parked: 0 };
}
