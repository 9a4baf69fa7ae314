import { sql } from 'kysely';
import type { CouponCount, CouponStore, GivenCoupon } from '../application/ports/store.ts';
import { fromMinor, toMinor } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** Codes are found by their hash; only who has the key reads them. */
export function createCouponStore(engine: Engine): CouponStore {
  const giving = async (
    accountId: string,
    key: string,
    take: (session: Session) => Promise<GivenCoupon | null>,
  ): Promise<GivenCoupon | null> => {
    const run = () =>
      engine.write(async (session) => (await ofOrder(session, accountId, key)) ?? (await take(session)));
    try {
      return await run();
    } catch (error) {
      // Another attempt at the same order was first, or the code is somebody's: what stands now tells which.
      if (!engine.dialect.isUniqueViolation(error)) throw error;
      return engine.read((session) => ofOrder(session, accountId, key));
    }
  };

  return {
    add: (accountId, coupons, { minor, currency }, now) =>
      engine.write(async (session) => {
        const rows = coupons.map(({ hash, sealed }) => ({
          account_id: accountId,
          code_hash: hash,
          sealed,
          minor: toMinor(minor),
          currency,
          added_at: now,
          intent_id: null,
          given_at: null,
          redeemed_at: null,
          withdrawn_at: null,
        }));
        const added = await insertRows<'coupon_codes', { code_hash: string }>(
          session,
          'coupon_codes',
          rows,
          'on conflict (account_id, code_hash) do nothing returning code_hash',
        );
        return { added: added.length, duplicates: rows.length - added.length };
      }),

    take: (accountId, key, { minor, currency }, now) =>
      giving(accountId, key, async ({ db, dialect }) => {
        const { rows } = await sql<Row<'coupon_codes'>>`
          with picked as (
            select account_id, code_hash from coupon_codes
            where account_id = ${accountId} and currency = ${currency} and minor = ${toMinor(minor)}
              and intent_id is null and withdrawn_at is null
            order by added_at, code_hash limit 1 ${dialect.skipLocked('coupon_codes')}
          )
          update coupon_codes set intent_id = ${key}, given_at = ${now} from picked
          where coupon_codes.account_id = picked.account_id and coupon_codes.code_hash = picked.code_hash
          returning ${sql.join(COLUMNS)}`.execute(db);
        return rows[0] ? couponOf(rows[0]) : null;
      }),

    give: (accountId, key, { hash, sealed }, { minor, currency }, now) =>
      giving(accountId, key, async (session) => {
        const row: Row<'coupon_codes'> = {
          account_id: accountId,
          code_hash: hash,
          sealed,
          minor: toMinor(minor),
          currency,
          added_at: now,
          intent_id: key,
          given_at: now,
          redeemed_at: null,
          withdrawn_at: null,
        };
        await insertRows(session, 'coupon_codes', [row]);
        return couponOf(row);
      }),

    ofOrder: (accountId, key) => engine.read((session) => ofOrder(session, accountId, key)),

    givenBetween: (accountId, from, to) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'coupon_codes'>>`select * from coupon_codes
          where account_id = ${accountId} and given_at >= ${from} and given_at < ${to} and intent_id is not null
          order by given_at, code_hash`.execute(db);
        return rows.map(couponOf);
      }),

    redeem: (accountId, hash, now) =>
      engine.write(async ({ db }) => {
        await sql`update coupon_codes set redeemed_at = ${now} where account_id = ${accountId} and code_hash = ${hash}
          and intent_id is not null and redeemed_at is null and withdrawn_at is null`.execute(db);
        const { rows } = await sql<Row<'coupon_codes'>>`select * from coupon_codes
          where account_id = ${accountId} and code_hash = ${hash} and intent_id is not null`.execute(db);
        return rows[0] ? couponOf(rows[0]) : null;
      }),

    withdraw: (accountId, key, now) =>
      engine.write(async (session) => {
        await sql`update coupon_codes set withdrawn_at = ${now} where account_id = ${accountId} and intent_id = ${key}
          and redeemed_at is null and withdrawn_at is null`.execute(session.db);
        const coupon = await ofOrder(session, accountId, key);
        if (!coupon) return 'unknown';
        return coupon.withdrawnAt === null ? 'too_late' : 'withdrawn';
      }),

    counts: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<
          Record<'minor' | 'free' | 'given' | 'redeemed' | 'withdrawn', number> & { currency: string }
        >`
          select currency, minor,
            count(*) filter (where intent_id is null and withdrawn_at is null) as free,
            count(*) filter (where intent_id is not null) as given,
            count(*) filter (where redeemed_at is not null) as redeemed,
            count(*) filter (where withdrawn_at is not null) as withdrawn
          from coupon_codes where account_id = ${accountId} group by currency, minor order by currency, minor`.execute(
          db,
        );
        return rows.map(
          ({ currency, minor, free, given, redeemed, withdrawn }): CouponCount => ({
            money: { minor: fromMinor(minor), currency },
            free,
            given,
            redeemed,
            withdrawn,
          }),
        );
      }),
  };
}

/** SQLite takes no `table.*` after RETURNING. */
const COLUMNS = [
  'account_id',
  'code_hash',
  'sealed',
  'minor',
  'currency',
  'added_at',
  'intent_id',
  'given_at',
  'redeemed_at',
  'withdrawn_at',
].map((column) => sql.ref(`coupon_codes.${column}`));

async function ofOrder({ db }: Session, accountId: string, key: string): Promise<GivenCoupon | null> {
  const { rows } = await sql<Row<'coupon_codes'>>`select * from coupon_codes
    where account_id = ${accountId} and intent_id = ${key}`.execute(db);
  return rows[0] ? couponOf(rows[0]) : null;
}

function couponOf(row: Row<'coupon_codes'>): GivenCoupon {
  return {
    hash: row.code_hash,
    sealed: row.sealed,
    key: row.intent_id ?? '',
    money: { minor: fromMinor(row.minor), currency: row.currency },
    givenAt: row.given_at ?? 0,
    redeemedAt: row.redeemed_at,
    withdrawnAt: row.withdrawn_at,
  };
}
