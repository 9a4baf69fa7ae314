import { randomUUID } from 'node:crypto';
import { createForecasts } from '../application/forecasts.ts';
import type { KeptForecast } from '../application/ports/store.ts';
import { decimalOf } from '../domain/money.ts';
import { isoOf } from '../domain/time.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Somebody else may have taken the count up: a million referrals take minutes. */
const LOOKS_MAX = 600;
const LOOK_EVERY_MS = 1_000;

function forecastsOf({ store, now }: Pick<Services, 'store' | 'now'>) {
  return createForecasts({
    ...{ store, clock: { ...systemClock, now }, newId: randomUUID },
    log: createLog({ level: 'silent' }),
    recordUrl: () => null,
    onStarted: () => {},
  });
}

/** What open deals may still cost, as it was counted last. */
export function showForecast(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    return resultOf((await forecastsOf(services).newest(id)).done);
  });
}

/** Counts it now, and shows what came of it. The service may go on. */
export function countForecast(terminal: Terminal, account: string, by: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const forecasts = forecastsOf(services);
    await forecasts.count(id, by);
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const { done, running } = await forecasts.newest(id);
      if (!running) return resultOf(done);
      await systemClock.sleep(LOOK_EVERY_MS);
    }
    throw new CliError('The service is still counting.', '"forecast show" shows it when it is done.');
  });
}

function resultOf(kept: KeptForecast | null): Result {
  if (!kept?.forecast) return { json: null, lines: ['Not counted yet. "forecast count" counts now.'] };
  const { cells, totals, deals, withoutAmount, withoutChance, withoutCloseDate, overdue } = kept.forecast;
  const rows = [...cells, ...totals.map((total) => ({ ...total, month: 'total' }))].map((sum) => ({
    month: sum.month,
    currency: sum.currency,
    deals: sum.deals,
    weighted: decimalOf({ minor: sum.weightedMinor, currency: sum.currency }),
    expected: decimalOf({ minor: sum.minor, currency: sum.currency }),
    overdue: decimalOf({ minor: sum.overdueMinor, currency: sum.currency }),
    unknown: decimalOf({ minor: sum.unknownMinor, currency: sum.currency }),
  }));
  const countedAt = isoOf(kept.finishedAt ?? kept.startedAt);
  return {
    json: { countedAt, deals, withoutAmount, withoutChance, withoutCloseDate, overdue, rows },
    lines: [
      `As of ${countedAt}: ${deals} open deals; ${overdue} past their close date, ${withoutChance} without a probability, ${withoutCloseDate} without a close date, ${withoutAmount} without an amount.`,
      ...(rows.length === 0
        ? []
        : table([
            ['month', 'currency', 'deals', 'weighted', 'if all are won', 'overdue', 'no probability'],
            ...rows.map(({ month, currency, deals: count, weighted, expected, overdue: late, unknown }) => [
              ...[month ?? 'no close date', currency, String(count)],
              ...[weighted, expected, late, unknown],
            ]),
          ])),
    ],
  };
}
