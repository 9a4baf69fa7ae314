import { type RawBuilder, sql } from 'kysely';
import type {
  BatchItem,
  BatchItemState,
  Batching,
  BatchRow,
  BatchStore,
  ClaimedPayout,
  DueBatching,
  PayoutBatch,
} from '../application/ports/store.ts';
import { derivedId } from '../domain/ids.ts';
import type { Money } from '../domain/money.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, fromMinor, toJson, toMinor, toText } from './codec.ts';
import { Conflict } from './conflict.ts';
import { type Engine, insertRows } from './dialect.ts';
import { tell } from './queue.ts';
import type { Row, Session } from './schema.ts';

interface Joining {
  readonly key: string;
  readonly rewardId: string;
  readonly money: Money;
  readonly provider?: string;
}

/** Orders that go out together: paid by hand, or sent to their provider once somebody has approved them. */
export function createBatchStore(engine: Engine): BatchStore {
  /** Two orders opened a batch at the same time, or the same order came twice: what stands now is found. */
  async function untilSettled<T>(run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await run();
      } catch (error) {
        if (tries === JOIN_TRIES || !engine.dialect.isUniqueViolation(error)) throw error;
      }
    }
  }

  return {
    batchings: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_schedules'>>`select * from payout_schedules
          where account_id = ${accountId} order by provider`.execute(db);
        return rows.map(batchingOf);
      }),

    batching: (accountId, provider) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_schedules'>>`select * from payout_schedules
          where account_id = ${accountId} and provider = ${provider}`.execute(db);
        return rows[0] ? batchingOf(rows[0]) : null;
      }),

    setBatching: (accountId, { provider, schedule, approval, nextCutAt }, now) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'payout_schedules',
          [
            {
              account_id: accountId,
              provider,
              schedule: schedule && toJson(schedule),
              approval,
              next_cut_at: nextCutAt,
              updated_at: now,
            },
          ],
          `on conflict (account_id, provider) do update set schedule = excluded.schedule, approval = excluded.approval,
            next_cut_at = excluded.next_cut_at, updated_at = excluded.updated_at`,
        );
      }),

    removeBatching: (accountId, provider) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql`select id from manual_batches
          where account_id = ${accountId} and provider = ${provider} and approved_at is null
            and exists (select 1 from manual_items i
              join intents x on x.account_id = i.account_id and x.id = i.intent_id
              where i.account_id = ${accountId} and i.batch_id = manual_batches.id
                and i.state = 'waiting' and x.state = 'pending') limit 1`.execute(db);
        if (rows.length > 0) return 'waiting';
        const { numAffectedRows } = await sql`delete from payout_schedules
          where account_id = ${accountId} and provider = ${provider}`.execute(db);
        return numAffectedRows === 1n ? 'removed' : 'unknown';
      }),

    dueBatchings: (now, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_schedules'>>`select * from payout_schedules
          where next_cut_at <= ${now} order by next_cut_at limit ${limit}`.execute(db);
        return rows.map((row) => ({
          ...batchingOf(row),
          accountId: row.account_id,
          nextCutAt: row.next_cut_at ?? now,
        }));
      }),

    cutDue: ({ accountId, provider, approval, nextCutAt: dueAt }: DueBatching, nextCutAt, now) =>
      engine.write(async (session) => {
        const { numAffectedRows } = await sql`update payout_schedules set next_cut_at = ${nextCutAt}
          where account_id = ${accountId} and provider = ${provider} and next_cut_at = ${dueAt}`.execute(session.db);
        if (numAffectedRows !== 1n) return false;
        const open = await openBatchOf(session, accountId, provider);
        if (open !== null && (await isFilled(session, accountId, open)))
          await cut(session, accountId, open, { by: SCHEDULE, approval }, now);
        return true;
      }),

    async admit(payout, money, now) {
      try {
        return await untilSettled(() => engine.write((session) => admit(session, payout, money, now)));
      } catch (error) {
        if (error instanceof Conflict) return 'taken_back';
        throw error;
      }
    },

    join: (accountId, order, now) =>
      untilSettled(() => engine.write((session) => join(session, accountId, order, now))),

    item: (accountId, key) => engine.read((session) => itemOf(session, accountId, key)),

    itemsBetween: (accountId, from, to) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'manual_items'>>`select * from manual_items
          where account_id = ${accountId} and added_at >= ${from} and added_at < ${to} order by added_at, intent_id`.execute(
          db,
        );
        return rows.map(itemOfRow);
      }),

    withdraw: (accountId, key, now) =>
      engine.write(async (session) => {
        await sql`update manual_items set state = 'withdrawn', settled_at = ${now}
          where account_id = ${accountId} and intent_id = ${key} and state = 'waiting'
            and batch_id in (select id from manual_batches where account_id = ${accountId} and exported_at is null)`.execute(
          session.db,
        );
        const item = await itemOf(session, accountId, key);
        if (!item) return 'unknown';
        return item.state === 'withdrawn' || item.state === 'refused' ? 'withdrawn' : 'too_late';
      }),

    batches: (accountId) => engine.read((session) => batches(session, accountId, sql`1 = 1`)),
    batch: (accountId, batchId) =>
      engine.read(async (session) => (await batches(session, accountId, sql`b.id = ${batchId}`))[0] ?? null),

    rows: (accountId, batchId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<
          Row<'manual_items'> & { shown: string; party: string; name: string | null; email: string | null }
        >`select i.*, ${SHOWN_STATE} as shown, r.party,
            case when r.party = 'friend' then f.friend_name else m.name end as name,
            case when r.party = 'friend' then f.friend_email else m.email end as email
          from manual_items i
          join rewards r on r.account_id = i.account_id and r.id = i.reward_id
          left join intents x on x.account_id = i.account_id and x.id = i.intent_id
          left join members m on m.account_id = i.account_id and m.id = r.beneficiary_id
          left join referrals f on f.account_id = i.account_id and f.id = r.referral_id
          where i.account_id = ${accountId} and i.batch_id = ${batchId}
          order by i.added_at, i.intent_id`.execute(db);
        return rows.map(
          ({ shown, party, name, email, ...row }): BatchRow => ({
            ...itemOfRow({ ...row, state: shown }),
            party,
            name,
            email,
          }),
        );
      }),

    cut: (accountId, batchId, how, now) => engine.write((session) => cut(session, accountId, batchId, how, now)),

    approve: (accountId, batchId, by, now) =>
      engine.write(async (session) => {
        const { numAffectedRows } =
          await sql`update manual_batches set approved_at = ${now}, approved_by = ${toText(by)}
          where account_id = ${accountId} and id = ${batchId} and cut_at is not null and approved_at is null`.execute(
            session.db,
          );
        if (numAffectedRows !== 1n) return false;
        await releaseOrders(session, accountId, batchId, now);
        return true;
      }),

    noteExport: (accountId, batchId, now) =>
      engine.write(async ({ db }) => {
        await sql`update manual_batches set exported_at = ${now} where account_id = ${accountId} and id = ${batchId}
          and approved_at is not null and exported_at is null`.execute(db);
      }),

    mark: (accountId, batchId, { key, state, why }, now) =>
      engine.write(async (session) => {
        const { db } = session;
        const [batch] = await batches(session, accountId, sql`b.id = ${batchId}`);
        const item = await itemOf(session, accountId, key);
        if (!batch || item?.batchId !== batchId) return 'unknown';
        if (batch.approvedAt === null) return 'open';
        const { numAffectedRows } =
          await sql`update manual_items set state = ${state}, why = ${toText(why)}, settled_at = ${now}
          where account_id = ${accountId} and intent_id = ${key} and state = 'waiting'`.execute(db);
        if (numAffectedRows !== 1n) return 'settled';
        // An order that a worker is asking about just now comes up by itself.
        await sql`update intents set run_at = ${now}, due_at = ${now}, parked = 0
          where account_id = ${accountId} and id = ${key} and state = 'pending' and claim is null`.execute(db);
        tell(session, 'intents', { accountId, connectionId: null });
        return 'marked';
      }),
  };
}

/** Each failure means that somebody else got further, so a few tries find everything there. */
const JOIN_TRIES = 5;

/** Who is said to have cut what a schedule cuts. */
const SCHEDULE = 'schedule';

/**
 * What became of an item. A row that a person pays says it itself; that of another provider is what its order and its reward are. An order
 * that was taken back before it went out has left the batch.
 */
const SHOWN_STATE = sql.raw<string>(`case
  when i.state <> 'waiting' then i.state
  when x.state = 'cancelled' or r.state = 'voided' then 'withdrawn'
  when r.state in ('issued', 'redeemed', 'expired', 'clawed_back') then 'paid'
  when r.state = 'failed' then 'refused'
  else 'waiting' end`);

async function join(session: Session, accountId: string, order: Joining, now: Instant): Promise<BatchItem> {
  const known = await itemOf(session, accountId, order.key);
  if (known) return known;
  const row: Row<'manual_items'> = {
    account_id: accountId,
    intent_id: order.key,
    reward_id: order.rewardId,
    batch_id: await openBatch(session, accountId, order.provider ?? 'manual', now),
    minor: toMinor(order.money.minor),
    currency: order.money.currency,
    state: 'waiting',
    why: null,
    added_at: now,
    settled_at: null,
  };
  await insertRows(session, 'manual_items', [row]);
  return itemOfRow(row);
}

/** @throws Conflict when the order was to be held and its reward is to end, so that nothing of this is written. */
async function admit(
  session: Session,
  { accountId, intent, claim }: ClaimedPayout,
  money: Money,
  now: Instant,
): Promise<'go' | 'held'> {
  const { db, dialect } = session;
  const order = { key: intent.id, rewardId: intent.rewardId, money, provider: intent.provider };
  const { batchId } = await join(session, accountId, order, now);
  // Locked, so that it is not approved between this look and the order's row: nobody would send the order then.
  const { rows } = await sql<{ approved_at: number | null }>`select approved_at from manual_batches
    where account_id = ${accountId} and id = ${batchId} ${sql.raw(dialect.forShare('manual_batches'))}`.execute(db);
  if (rows[0] && rows[0].approved_at !== null) return 'go';
  const held = await sql`update intents set claim = null, due_at = null, attempts = 0, error = null
    where account_id = ${accountId} and id = ${intent.id} and claim = ${claim}`.execute(db);
  if (held.numAffectedRows !== 1n) return 'held';
  const put = await sql`update rewards set state = 'approved', updated_at = ${now}, version = version + 1
    where account_id = ${accountId} and id = ${intent.rewardId} and state = 'issuing' and reversal_pending = 0`.execute(
    db,
  );
  if (put.numAffectedRows !== 1n) throw new Conflict('the reward is to be taken back');
  return 'held';
}

async function cut(
  session: Session,
  accountId: string,
  batchId: string,
  { by, approval }: { readonly by: string; readonly approval: Batching['approval'] },
  now: Instant,
): Promise<boolean> {
  const isApproved = approval === 'none';
  const { numAffectedRows } = await sql`update manual_batches set cut_at = ${now}, cut_by = ${toText(by)},
      approved_at = ${isApproved ? now : null}, approved_by = ${isApproved ? toText(by) : null}
    where account_id = ${accountId} and id = ${batchId} and cut_at is null`.execute(session.db);
  if (numAffectedRows !== 1n) return false;
  if (isApproved) await releaseOrders(session, accountId, batchId, now);
  return true;
}

/** Whatever waits in an approved batch comes up. */
async function releaseOrders(session: Session, accountId: string, batchId: string, now: Instant): Promise<void> {
  await sql`update intents set run_at = ${now}, due_at = ${now}, parked = 0
    where account_id = ${accountId} and state = 'pending' and claim is null
      and id in (select intent_id from manual_items
        where account_id = ${accountId} and batch_id = ${batchId} and state = 'waiting')`.execute(session.db);
  tell(session, 'intents', { accountId, connectionId: null });
}

async function openBatchOf({ db, dialect }: Session, accountId: string, provider: string): Promise<string | null> {
  // Locked, so that a batch is not cut between this look and the order's row.
  const { rows } = await sql<{ id: string }>`select id from manual_batches where account_id = ${accountId}
    and provider = ${provider} and cut_at is null ${sql.raw(dialect.forShare('manual_batches'))}`.execute(db);
  return rows[0]?.id ?? null;
}

/** Whether anything in it waits to be paid. */
async function isFilled({ db }: Session, accountId: string, batchId: string): Promise<boolean> {
  const { rows } = await sql`select i.intent_id from manual_items i
    left join intents x on x.account_id = i.account_id and x.id = i.intent_id
    where i.account_id = ${accountId} and i.batch_id = ${batchId} and i.state = 'waiting'
      and coalesce(x.state, 'pending') = 'pending' limit 1`.execute(db);
  return rows.length > 0;
}

async function openBatch(session: Session, accountId: string, provider: string, now: Instant): Promise<string> {
  const { db } = session;
  const open = await openBatchOf(session, accountId, provider);
  if (open !== null) return open;
  const { rows: last } = await sql<{ number: number }>`select coalesce(max(number), 0) as number from manual_batches
    where account_id = ${accountId}`.execute(db);
  const number = Number(last[0]?.number ?? 0) + 1;
  const id = derivedId('bat', accountId, number);
  await insertRows(session, 'manual_batches', [
    {
      account_id: accountId,
      id,
      number,
      opened_at: now,
      cut_at: null,
      provider,
      cut_by: null,
      approved_at: null,
      approved_by: null,
      exported_at: null,
    },
  ]);
  return id;
}

async function batches({ db }: Session, accountId: string, condition: RawBuilder<unknown>): Promise<PayoutBatch[]> {
  const { rows } = await sql<Row<'manual_batches'> & Record<BatchItemState, number>>`
    select b.*,
      count(*) filter (where i.shown = 'waiting') as waiting,
      count(*) filter (where i.shown = 'paid') as paid,
      count(*) filter (where i.shown = 'refused') as refused,
      count(*) filter (where i.shown = 'withdrawn') as withdrawn
    from manual_batches b
    left join (
      select i.account_id, i.batch_id, ${SHOWN_STATE} as shown from manual_items i
      left join intents x on x.account_id = i.account_id and x.id = i.intent_id
      left join rewards r on r.account_id = i.account_id and r.id = i.reward_id
      where i.account_id = ${accountId}
    ) i on i.account_id = b.account_id and i.batch_id = b.id
    where b.account_id = ${accountId} and ${condition}
    group by b.account_id, b.id order by b.number desc`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    provider: row.provider,
    number: row.number,
    openedAt: row.opened_at,
    cutAt: row.cut_at,
    cutBy: row.cut_by,
    approvedAt: row.approved_at,
    approvedBy: row.approved_by,
    exportedAt: row.exported_at,
    items: { waiting: row.waiting, paid: row.paid, refused: row.refused, withdrawn: row.withdrawn },
  }));
}

function batchingOf({ provider, schedule, approval, next_cut_at }: Row<'payout_schedules'>): Batching {
  return {
    provider,
    schedule: schedule === null ? null : fromJson(schedule),
    approval: approval as Batching['approval'],
    nextCutAt: next_cut_at,
  };
}

async function itemOf({ db }: Session, accountId: string, key: string): Promise<BatchItem | null> {
  const { rows } = await sql<Row<'manual_items'>>`select * from manual_items
    where account_id = ${accountId} and intent_id = ${key}`.execute(db);
  return rows[0] ? itemOfRow(rows[0]) : null;
}

function itemOfRow(row: Row<'manual_items'>): BatchItem {
  return {
    key: row.intent_id,
    rewardId: row.reward_id,
    batchId: row.batch_id,
    money: { minor: fromMinor(row.minor), currency: row.currency },
    state: row.state as BatchItemState,
    why: row.why,
    addedAt: row.added_at,
    settledAt: row.settled_at,
  };
}
