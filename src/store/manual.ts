import { type RawBuilder, sql } from 'kysely';
import type { ManualBatch, ManualItem, ManualRow, ManualState, ManualStore } from '../application/ports/store.ts';
import { derivedId } from '../domain/ids.ts';
import type { Instant } from '../domain/time.ts';
import { fromMinor, toMinor, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { tell } from './queue.ts';
import type { Row, Session } from './schema.ts';

/** Orders that people pay, in batches. */
export function createManualStore(engine: Engine): ManualStore {
  const joining = (accountId: string, order: Parameters<ManualStore['join']>[1], now: Instant) =>
    engine.write(async (session) => {
      const known = await itemOf(session, accountId, order.key);
      if (known) return known;
      const row: Row<'manual_items'> = {
        account_id: accountId,
        intent_id: order.key,
        reward_id: order.rewardId,
        batch_id: await openBatch(session, accountId, now),
        minor: toMinor(order.money.minor),
        currency: order.money.currency,
        state: 'waiting',
        why: null,
        added_at: now,
        settled_at: null,
      };
      await insertRows(session, 'manual_items', [row]);
      return manualItemOf(row);
    });

  return {
    async join(accountId, order, now) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await joining(accountId, order, now);
        } catch (error) {
          // Two orders opened a batch at the same time, or the same order came twice: what stands now is found.
          if (tries === JOIN_TRIES || !engine.dialect.isUniqueViolation(error)) throw error;
        }
      }
    },

    item: (accountId, key) => engine.read((session) => itemOf(session, accountId, key)),

    itemsBetween: (accountId, from, to) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'manual_items'>>`select * from manual_items
          where account_id = ${accountId} and added_at >= ${from} and added_at < ${to} order by added_at, intent_id`.execute(
          db,
        );
        return rows.map(manualItemOf);
      }),

    withdraw: (accountId, key, now) =>
      engine.write(async (session) => {
        await sql`update manual_items set state = 'withdrawn', settled_at = ${now}
          where account_id = ${accountId} and intent_id = ${key} and state = 'waiting'
            and batch_id in (select id from manual_batches where account_id = ${accountId} and cut_at is null)`.execute(
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
          Row<'manual_items'> & { party: string; name: string | null; email: string | null }
        >`select i.*, r.party,
            case when r.party = 'friend' then f.friend_name else m.name end as name,
            case when r.party = 'friend' then f.friend_email else m.email end as email
          from manual_items i
          join rewards r on r.account_id = i.account_id and r.id = i.reward_id
          left join members m on m.account_id = i.account_id and m.id = r.beneficiary_id
          left join referrals f on f.account_id = i.account_id and f.id = r.referral_id
          where i.account_id = ${accountId} and i.batch_id = ${batchId}
          order by i.added_at, i.intent_id`.execute(db);
        return rows.map(({ party, name, email, ...row }): ManualRow => ({ ...manualItemOf(row), party, name, email }));
      }),

    cut: (accountId, batchId, now) =>
      engine.write(async ({ db }) => {
        const { numAffectedRows } = await sql`update manual_batches set cut_at = ${now}
          where account_id = ${accountId} and id = ${batchId} and cut_at is null`.execute(db);
        return numAffectedRows === 1n;
      }),

    mark: (accountId, batchId, { key, state, why }, now) =>
      engine.write(async (session) => {
        const { db } = session;
        const [batch] = await batches(session, accountId, sql`b.id = ${batchId}`);
        const item = await itemOf(session, accountId, key);
        if (!batch || item?.batchId !== batchId) return 'unknown';
        if (batch.cutAt === null) return 'open';
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

/** Each failure means that somebody else got further, so the third try finds everything there. */
const JOIN_TRIES = 3;

async function openBatch(session: Session, accountId: string, now: Instant): Promise<string> {
  const { db, dialect } = session;
  // Locked, so that a batch is not cut between this look and the order's row.
  const { rows } = await sql<{ id: string }>`select id from manual_batches
    where account_id = ${accountId} and cut_at is null ${sql.raw(dialect.forShare('manual_batches'))}`.execute(db);
  if (rows[0]) return rows[0].id;
  const { rows: last } = await sql<{ number: number }>`select coalesce(max(number), 0) as number from manual_batches
    where account_id = ${accountId}`.execute(db);
  const number = Number(last[0]?.number ?? 0) + 1;
  const id = derivedId('bat', accountId, number);
  await insertRows(session, 'manual_batches', [{ account_id: accountId, id, number, opened_at: now, cut_at: null }]);
  return id;
}

async function batches({ db }: Session, accountId: string, condition: RawBuilder<unknown>): Promise<ManualBatch[]> {
  const { rows } = await sql<Row<'manual_batches'> & Record<ManualState, number>>`
    select b.*,
      count(*) filter (where i.state = 'waiting') as waiting,
      count(*) filter (where i.state = 'paid') as paid,
      count(*) filter (where i.state = 'refused') as refused,
      count(*) filter (where i.state = 'withdrawn') as withdrawn
    from manual_batches b
    left join manual_items i on i.account_id = b.account_id and i.batch_id = b.id
    where b.account_id = ${accountId} and ${condition}
    group by b.account_id, b.id order by b.number desc`.execute(db);
  return rows.map(({ id, number, opened_at, cut_at, waiting, paid, refused, withdrawn }) => ({
    id,
    number,
    openedAt: opened_at,
    cutAt: cut_at,
    items: { waiting, paid, refused, withdrawn },
  }));
}

async function itemOf({ db }: Session, accountId: string, key: string): Promise<ManualItem | null> {
  const { rows } = await sql<Row<'manual_items'>>`select * from manual_items
    where account_id = ${accountId} and intent_id = ${key}`.execute(db);
  return rows[0] ? manualItemOf(rows[0]) : null;
}

function manualItemOf(row: Row<'manual_items'>): ManualItem {
  return {
    key: row.intent_id,
    rewardId: row.reward_id,
    batchId: row.batch_id,
    money: { minor: fromMinor(row.minor), currency: row.currency },
    state: row.state as ManualState,
    why: row.why,
    addedAt: row.added_at,
    settledAt: row.settled_at,
  };
}
