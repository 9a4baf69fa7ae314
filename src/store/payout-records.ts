import { type RawBuilder, sql } from 'kysely';
import type {
  GivenPayout,
  PayoutRecord,
  PayoutRecordStore,
  SealedPayoutSecret,
  SealedPayoutSettings,
  WaitingNews,
} from '../application/ports/store.ts';
import type { PayoutIntent } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { applyPlan, assertBalanced } from './commit.ts';
import { Conflict } from './conflict.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session, Table } from './schema.ts';

/** Where each kind of secret lies: table, the column it is found by beside the account, and its own. */
const SECRETS = {
  settings: ['payout_settings', 'provider', 'sealed'],
  voucher: ['payout_references', 'intent_id', 'voucher'],
  coupon: ['coupon_codes', 'code_hash', 'sealed'],
} as const satisfies Record<string, readonly [Table, string, string]>;

export function createPayoutRecordStore(engine: Engine): PayoutRecordStore {
  const recordWhere = (accountId: string, condition: RawBuilder<unknown>) =>
    engine.read(async ({ db }) => {
      const { rows } = await sql<Row<'payout_references'>>`select * from payout_references
        where account_id = ${accountId} and ${condition} order by first_tried_at desc limit 1`.execute(db);
      return rows[0] ? recordOf(rows[0]) : null;
    });

  return {
    settings: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_settings'>>`select * from payout_settings
          where account_id = ${accountId} order by provider`.execute(db);
        return rows.map(settingOf);
      }),

    setting: (accountId, provider) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_settings'>>`select * from payout_settings
          where account_id = ${accountId} and provider = ${provider}`.execute(db);
        return rows[0] ? settingOf(rows[0]) : null;
      }),

    saveSetting: (accountId, provider, sealed, now) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'payout_settings',
          [{ account_id: accountId, provider, sealed, updated_at: now, version: 1 }],
          `on conflict (account_id, provider) do update set sealed = excluded.sealed, updated_at = excluded.updated_at,
            version = payout_settings.version + 1`,
        );
      }),

    removeSetting: (accountId, provider) =>
      engine.write(async ({ db }) => {
        const { numAffectedRows } = await sql`delete from payout_settings
          where account_id = ${accountId} and provider = ${provider}`.execute(db);
        return numAffectedRows === 1n;
      }),

    listSealed: (kind, after, limit) =>
      engine.read(async ({ db }) => {
        const [table, id, column] = SECRETS[kind];
        const { rows } = await sql<{ accountId: string; id: string; sealed: string }>`
          select account_id as "accountId", ${sql.ref(id)} as id, ${sql.ref(column)} as sealed from ${sql.table(table)}
          where (account_id, ${sql.ref(id)}) > (${after?.accountId ?? ''}, ${after?.id ?? ''}) and ${sql.ref(column)} is not null
          order by account_id, ${sql.ref(id)} limit ${limit}`.execute(db);
        return rows;
      }),

    replaceSealed: (kind, from: SealedPayoutSecret, to) =>
      engine.write(async ({ db }) => {
        const [table, id, column] = SECRETS[kind];
        const { numAffectedRows } = await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${to}
          where account_id = ${from.accountId} and ${sql.ref(id)} = ${from.id} and ${sql.ref(column)} = ${from.sealed}`.execute(
          db,
        );
        return numAffectedRows === 1n;
      }),

    begin: (accountId, intent, now) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'payout_references',
          [{ ...rowOf(accountId, intent, now), state: 'asked' }],
          'on conflict (account_id, intent_id) do nothing',
        );
        const { rows } = await sql<{ at: number }>`select first_tried_at as at from payout_references
          where account_id = ${accountId} and intent_id = ${intent.id}`.execute(session.db);
        return rows[0]?.at ?? now;
      }),

    choose: (accountId, key, value, now) =>
      engine.write(async ({ db }) => {
        await sql`update payout_references set reference = ${toText(value)}, updated_at = ${now}
          where account_id = ${accountId} and intent_id = ${key} and reference is null`.execute(db);
        const { rows } = await sql<{ reference: string | null }>`select reference from payout_references
          where account_id = ${accountId} and intent_id = ${key}`.execute(db);
        const chosen = rows[0]?.reference;
        if (chosen === undefined || chosen === null) throw new RangeError('the order was not begun');
        return chosen;
      }),

    record: (accountId, key) => recordWhere(accountId, sql`intent_id = ${key}`),
    recordByReference: (accountId, provider, reference) =>
      recordWhere(accountId, sql`provider = ${provider} and reference = ${reference}`),
    recordOfReward: (accountId, rewardId) => recordWhere(accountId, sql`reward_id = ${rewardId}`),

    recordsBetween: (accountId, provider, from, to) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_references'>>`select * from payout_references
          where account_id = ${accountId} and provider = ${provider} and first_tried_at >= ${from} and first_tried_at < ${to}
          order by first_tried_at, intent_id`.execute(db);
        return rows.map(recordOf);
      }),

    keepNews: (accountId, provider, news, now) =>
      engine.write(async (session) => {
        const rows = news.map(({ eventId, kind, key, reference, why, at, facts }) => ({
          account_id: accountId,
          provider,
          event_id: toText(eventId),
          kind,
          intent_id: toText(key),
          reference: toText(reference),
          why: toText(why),
          facts: facts ? toText(toJson(facts)) : null,
          at,
          received_at: now,
          effect: null,
          settled_at: null,
        }));
        const kept = await insertRows<'payout_news', { event_id: string }>(
          session,
          'payout_news',
          rows,
          'on conflict (account_id, provider, event_id) do nothing returning event_id',
        );
        return { accepted: kept.length, duplicates: rows.length - kept.length };
      }),

    waitingNews: (accountId, provider, order, limit) =>
      engine.read(async ({ db }) => {
        const isOfOrder = order
          ? sql`(intent_id = ${order.key} or (intent_id is null and reference = ${order.reference}))`
          : sql`1 = 1`;
        const { rows } = await sql<Row<'payout_news'>>`select * from payout_news
          where account_id = ${accountId} and provider = ${provider} and effect is null and ${isOfOrder}
          order by at, event_id limit ${limit}`.execute(db);
        return rows.map(newsOf);
      }),

    answeredNews: (accountId, limit) =>
      engine.read(async ({ db }) => {
        const isAnswered = (condition: RawBuilder<unknown>) => sql`exists (select 1 from payout_references r
          where r.account_id = n.account_id and ${condition} and r.provider = n.provider and r.state <> 'asked')`;
        const { rows } = await sql<Row<'payout_news'>>`select * from payout_news n
          where account_id = ${accountId} and effect is null
            and (${isAnswered(sql`r.intent_id = n.intent_id`)}
              or (n.intent_id is null and ${isAnswered(sql`r.reference = n.reference`)}))
          order by at desc, event_id limit ${limit}`.execute(db);
        return rows.map(newsOf);
      }),

    settleNews: async (accountId, news, { effect, key, plan }, now) => {
      if (plan) assertBalanced(plan.journals);
      try {
        return await engine.write(async (session) => {
          const { numAffectedRows } = await sql`update payout_news set effect = ${effect}, settled_at = ${now}
            where account_id = ${accountId} and provider = ${news.provider} and event_id = ${news.eventId} and effect is null`.execute(
            session.db,
          );
          if (numAffectedRows !== 1n) return false;
          if (key !== null)
            await sql`update payout_references set state = ${news.kind}, updated_at = ${now}
              where account_id = ${accountId} and intent_id = ${key}`.execute(session.db);
          if (plan) await applyPlan(session, accountId, plan, now);
          return true;
        });
      } catch (error) {
        if (error instanceof Conflict || engine.dialect.isUniqueViolation(error)) return false;
        throw error;
      }
    },
  };
}

/** What a provider gave, within the transaction that books it. */
export async function noteGiven(
  session: Session,
  accountId: string,
  intent: PayoutIntent,
  { reference, voucher, state }: GivenPayout,
  now: Instant,
): Promise<void> {
  await insertRows(
    session,
    'payout_references',
    [{ ...rowOf(accountId, intent, now), reference: toText(reference), voucher, state }],
    `on conflict (account_id, intent_id) do update set reference = excluded.reference, voucher = excluded.voucher,
      state = excluded.state, updated_at = excluded.updated_at`,
  );
}

function rowOf(accountId: string, { id, rewardId, provider }: PayoutIntent, now: Instant) {
  return {
    account_id: accountId,
    intent_id: id,
    reward_id: rewardId,
    provider,
    first_tried_at: now,
    reference: null,
    voucher: null,
    updated_at: now,
  };
}

function settingOf({ provider, sealed, updated_at, version }: Row<'payout_settings'>): SealedPayoutSettings {
  return { provider, sealed, updatedAt: updated_at, version };
}

function recordOf(row: Row<'payout_references'>): PayoutRecord {
  return {
    key: row.intent_id,
    rewardId: row.reward_id,
    provider: row.provider,
    firstTriedAt: row.first_tried_at,
    reference: row.reference,
    voucher: row.voucher,
    state: row.state as PayoutRecord['state'],
    updatedAt: row.updated_at,
  };
}

function newsOf(row: Row<'payout_news'>): WaitingNews {
  return {
    provider: row.provider,
    eventId: row.event_id,
    kind: row.kind as WaitingNews['kind'],
    key: row.intent_id,
    reference: row.reference,
    why: row.why,
    at: row.at,
    ...(row.facts === null ? {} : { facts: fromJson<Readonly<Record<string, string>>>(row.facts) }),
  };
}
