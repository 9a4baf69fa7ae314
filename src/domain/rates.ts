import type { CalculationStep } from './amount.ts';
import { AMOUNT_MINOR_MAX, dividedBy, exponentOf, type Money, scaledDecimal, textOf } from './money.ts';
import { addDays, dayOf, type Instant } from './time.ts';

/** So many of a currency for one of the base, on these days in UTC (both included). Never changed once it was entered. */
export interface Rate {
  readonly currency: string;
  readonly base: string;
  readonly day: string;
  readonly until: string;
  /** A decimal as text, as its source wrote it. */
  readonly perBase: string;
  readonly source: string;
}

/** The rates of an account by currency, each in the order of its days. */
export type Rates = ReadonlyMap<string, readonly Rate[]>;

export function ratesOf(rates: readonly Rate[]): Rates {
  const inOrder = rates.toSorted((a, b) => (a.day < b.day ? -1 : 1));
  return Map.groupBy(inOrder, ({ currency }) => currency);
}

/** Up to twelve digits on both sides; every central bank writes fewer. */
export const RATE = /^\d{1,12}(\.\d{1,12})?$/;

const RATE_DECIMALS = 12;

export type Conversion =
  | { readonly ok: true; readonly money: Money; readonly step: CalculationStep }
  | { readonly ok: false; readonly missing: string; readonly day: string };

/**
 * An amount in another currency, by the rates of the day before the event: that day is over when the event happens, so whenever it is
 * looked up the answer is the same one. Rounded half to even to the currency's smallest unit.
 */
export function convert(money: Money, to: string, eventAt: Instant, rates: Rates): Conversion {
  const day = dayOf(addDays(eventAt, -1));
  const from = rateOn(rates, money.currency, day);
  const into = rateOn(rates, to, day);
  const base = into?.base ?? from?.base ?? [...rates.values()][0]?.[0]?.base;
  const [one, other] = [from ?? unit(money.currency, base), into ?? unit(to, base)];
  if (!one || !other || one.base !== other.base) return { ok: false, missing: one ? to : money.currency, day };
  const shift = (exponentOf(to) ?? 0) - (exponentOf(money.currency) ?? 0);
  const numerator = money.minor * scaledDecimal(other.perBase, RATE_DECIMALS) * 10n ** BigInt(Math.max(0, shift));
  const denominator = scaledDecimal(one.perBase, RATE_DECIMALS) * 10n ** BigInt(Math.max(0, -shift));
  const minor = dividedBy(numerator, denominator, 'half_even');
  if (minor > AMOUNT_MINOR_MAX) return { ok: false, missing: to, day };
  const converted = { minor, currency: to };
  return {
    ok: true,
    money: converted,
    step: {
      step: 'converted',
      values: {
        amount: textOf(money),
        rate:
          one.currency === one.base
            ? other.perBase
            : other.currency === other.base
              ? one.perBase
              : `${other.perBase}/${one.perBase}`,
        base: one.base,
        day,
        source: (from ?? into)?.source ?? '',
      },
      result: textOf(converted),
    },
  };
}

/** By halves: a currency has a row for each day of many years. */
function rateOn(rates: Rates, currency: string, day: string): Rate | undefined {
  const own = rates.get(currency) ?? [];
  let [low, high] = [0, own.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((own[middle]?.until ?? '') < day) low = middle + 1;
    else high = middle;
  }
  const found = own[low];
  return found && found.day <= day ? found : undefined;
}

/** The base itself costs one of itself. */
function unit(currency: string, base: string | undefined): Pick<Rate, 'currency' | 'base' | 'perBase'> | undefined {
  return currency === base ? { currency, base, perBase: '1' } : undefined;
}

/** Friday, as `Date` counts. */
const FRIDAY = 5;

/** Through which day a rate holds where nobody said: markets are closed at the weekend, and Friday's is the last one. */
export function usualUntil(day: string): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  return new Date(at).getUTCDay() === FRIDAY ? dayOf(addDays(at, 2)) : day;
}

export type RateProblem = 'zero' | 'other_base' | 'base_itself' | 'ends_before' | 'known_otherwise' | 'not_after';

/**
 * What entering one more rate of a currency adds, given the newest one. The days between the two are the earlier one's: nothing was published
 * for them. Rates are only ever added behind the newest, so that what was decided by one is never looked up as another.
 */
export function nextRates(
  newest: Rate | undefined,
  rate: Rate,
): { readonly add: readonly Rate[] } | { readonly problem: RateProblem } {
  if (!/[1-9]/.test(rate.perBase)) return { problem: 'zero' };
  if (rate.currency === rate.base) return { problem: 'base_itself' };
  if (rate.until < rate.day) return { problem: 'ends_before' };
  if (!newest) return { add: [rate] };
  if (newest.base !== rate.base) return { problem: 'other_base' };
  if (newest.day === rate.day) return newest.perBase === rate.perBase ? { add: [] } : { problem: 'known_otherwise' };
  if (rate.day <= newest.until) return { problem: 'not_after' };
  const gapFrom = dayOf(addDays(Date.parse(newest.until), 1));
  if (gapFrom === rate.day) return { add: [rate] };
  const gap = { ...newest, day: gapFrom, until: dayOf(addDays(Date.parse(rate.day), -1)) };
  return {
    add: [{ ...gap, source: `${newest.source}, carried on from ${newest.day}`.slice(0, SOURCE_LENGTH_MAX) }, rate],
  };
}

/** A name, not a text. */
export const SOURCE_LENGTH_MAX = 100;
