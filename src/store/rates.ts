import { sql } from 'kysely';
import type { RateStore } from '../application/ports/store.ts';
import { nextRates, type Rate } from '../domain/rates.ts';
import { rateTally } from '../domain/tally.ts';
import { toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';
import { wakeWaiting } from './tallies.ts';

export function createRateStore(engine: Engine): RateStore {
  return {
    all: (accountId, from = '') =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('fx_rates')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('until_day', '>=', from)
          .execute();
        return rows.map(rateOf);
      }),

    list: (accountId, currency, { limit, before }) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('fx_rates')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('currency', '=', currency)
          .$if(before !== null, (query) => query.where('day', '<', before ?? ''))
          .orderBy('day', 'desc')
          .limit(sql.lit(limit))
          .execute();
        return rows.map(rateOf);
      }),

    enter: (accountId, rates, by, now) =>
      engine.write(async (session) => {
        // Two who enter at once enter one behind the other.
        await lockAccount(session, accountId);
        const added: Rate[] = [];
        const newest = new Map<string, Rate | undefined>();
        for (const [at, rate] of rates.entries()) {
          if (!newest.has(rate.currency)) newest.set(rate.currency, await newestOf(session, accountId, rate.currency));
          const before = newest.get(rate.currency);
          const next = nextRates(before, rate);
          if ('problem' in next) return { kind: 'refused', at, problem: next.problem, newest: before ?? null };
          added.push(...next.add);
          newest.set(rate.currency, next.add.at(-1) ?? before);
        }
        await insertRows(
          session,
          'fx_rates',
          added.map((rate) => ({
            account_id: accountId,
            currency: rate.currency,
            day: rate.day,
            until_day: rate.until,
            base: rate.base,
            per_base: rate.perBase,
            source: toText(rate.source),
            entered_by: toText(by),
            entered_at: now,
          })),
        );
        for (const currency of new Set(added.map((rate) => rate.currency)))
          while ((await wakeWaiting(session, accountId, [rateTally(currency)], now)) > 0);
        return { kind: 'entered', added: added.length };
      }),
  };
}

async function newestOf({ db }: Session, accountId: string, currency: string): Promise<Rate | undefined> {
  const row = await db
    .selectFrom('fx_rates')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('currency', '=', currency)
    .orderBy('day', 'desc')
    .limit(sql.lit(1))
    .executeTakeFirst();
  return row && rateOf(row);
}

export function rateOf(row: Row<'fx_rates'>): Rate {
  return {
    currency: row.currency,
    base: row.base,
    day: row.day,
    until: row.until_day,
    perBase: row.per_base,
    source: row.source,
  };
}
