import * as isoCurrencies from 'dinero.js/currencies';

/** An exact amount: integer minor units (cents for EUR, yen for JPY, fils for BHD) of an ISO 4217 currency. */
export interface Money {
  readonly minor: bigint;
  readonly currency: string;
}

/**
 * 10^15 minor units: ten trillion euros, far above any deal, and below 2^53, so that no database driver or JSON reader
 * on the way can lose a digit.
 */
export const AMOUNT_MINOR_MAX = 10n ** 15n;

export const ROUNDING_MODES = ['half_even', 'half_up', 'up', 'down'] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

/** One basis point is a hundredth of a percent. */
const BASIS_POINTS_PER_WHOLE = 10_000n;

/** dinero.js models these two as fifths of the unit; ISO 4217 lists two decimals, which is what a CRM stores. */
const EXPONENT_CORRECTIONS: Readonly<Record<string, number>> = { MGA: 2, MRU: 2 };

const EXPONENTS: ReadonlyMap<string, number> = new Map(
  Object.values(isoCurrencies).map(({ code, exponent }) => [code, EXPONENT_CORRECTIONS[code] ?? exponent]),
);

export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].sort();

export type AmountProblem = 'empty' | 'not_decimal' | 'negative' | 'too_precise' | 'too_large' | 'unknown_currency';

export type AmountResult =
  | { readonly ok: true; readonly money: Money }
  | { readonly ok: false; readonly problem: AmountProblem };

/** Digits after the decimal point that ISO 4217 gives the currency, or undefined when the code is not in the standard. */
export function exponentOf(currency: string): number | undefined {
  return EXPONENTS.get(currency);
}

/**
 * Reads a decimal string as a CRM stores it, without a float on the way.
 *
 * Only ASCII digits with one optional point are an amount: "1e3", "١٢", "1,000" and " " are problems, never zero.
 * Decimals beyond the currency's exponent are accepted when they are zeros ("12.50000" EUR) and refused otherwise.
 */
export function parseAmount(raw: string | null | undefined, currency: string): AmountResult {
  const exponent = exponentOf(currency);
  if (exponent === undefined) return { ok: false, problem: 'unknown_currency' };
  const text = raw?.trim() ?? '';
  if (text === '') return { ok: false, problem: 'empty' };
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (!match) return { ok: false, problem: 'not_decimal' };
  const [, sign, whole = '', decimals = ''] = match;
  const kept = decimals.slice(0, exponent).padEnd(exponent, '0');
  if (/[1-9]/.test(decimals.slice(exponent))) return { ok: false, problem: 'too_precise' };
  const minor = BigInt(whole + kept);
  if (sign === '-' && minor !== 0n) return { ok: false, problem: 'negative' };
  if (minor > AMOUNT_MINOR_MAX) return { ok: false, problem: 'too_large' };
  return { ok: true, money: { minor, currency } };
}

/** The decimal string of an amount, always with the currency's own number of decimals: "1250.00", "900", "-1.005". */
export function decimalOf({ minor, currency }: Money): string {
  const exponent = exponentOf(currency) ?? 0;
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const decimals = digits.slice(digits.length - exponent);
  return `${minor < 0n ? '-' : ''}${whole}${decimals === '' ? '' : `.${decimals}`}`;
}

/** How people read it in a reason: "1250.00 EUR". */
export function textOf(money: Money): string {
  return `${decimalOf(money)} ${money.currency}`;
}

/** A share of an amount, rounded half to even, so that many rewards together carry no bias in either direction. */
export function percentOf(base: Money, basisPoints: number): Money {
  return roundedShare(base, basisPoints, 'half_even', 1).money;
}

/**
 * A share of an amount, in basis points, rounded to a multiple of `toMinor` smallest units of its currency. `isExact` when nothing had to be
 * rounded. Amounts are never negative here, so "up" is away from zero.
 *
 * @throws RangeError when `toMinor` is not a positive whole number.
 */
export function roundedShare(
  base: Money,
  basisPoints: number,
  mode: RoundingMode,
  toMinor: number,
): { readonly money: Money; readonly isExact: boolean } {
  if (!Number.isSafeInteger(toMinor) || toMinor < 1)
    throw new RangeError('amounts are rounded to a positive whole number of units');
  const unit = BASIS_POINTS_PER_WHOLE * BigInt(toMinor);
  const product = base.minor * BigInt(basisPoints);
  return {
    money: { minor: dividedBy(product, unit, mode) * BigInt(toMinor), currency: base.currency },
    isExact: product % unit === 0n,
  };
}

/** A part of an amount as a ratio of two others, exact and then rounded once, to multiples of `toMinor`. The ratio is from 0 to 1. */
export function ratioOf(base: Money, part: bigint, whole: bigint, mode: RoundingMode, toMinor: number): Money {
  if (whole <= 0n || part < 0n || part > whole) throw new RangeError('a part lies between nothing and the whole');
  const minor = dividedBy(base.minor * part, whole * BigInt(toMinor), mode) * BigInt(toMinor);
  // Rounded up to whole units, a part may come out above what it is a part of.
  return { minor: minor < base.minor ? minor : base.minor, currency: base.currency };
}

/** A whole number of times, rounded. Neither is negative here, so "up" is away from zero. */
export function dividedBy(dividend: bigint, divisor: bigint, mode: RoundingMode): bigint {
  const quotient = dividend / divisor;
  const remainder = dividend % divisor;
  return remainder > 0n && roundsUp(mode, remainder * 2n - divisor, quotient) ? quotient + 1n : quotient;
}

/** A decimal without an exponent, in units of 10^-`digits`; it has no more of them. */
export function scaledDecimal(decimal: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const value = BigInt(whole + fraction.padEnd(digits, '0'));
  return decimal.startsWith('-') ? -value : value;
}

/** `beyondHalf` is below, at or above zero as what is left over is below, at or above one half. */
function roundsUp(mode: RoundingMode, beyondHalf: bigint, quotient: bigint): boolean {
  switch (mode) {
    case 'up':
      return true;
    case 'down':
      return false;
    case 'half_up':
      return beyondHalf >= 0n;
    case 'half_even':
      return beyondHalf > 0n || (beyondHalf === 0n && quotient % 2n === 1n);
  }
}

/**
 * Splits an amount by integer weights and loses nothing: the parts always add up to the whole. What division leaves over
 * goes, one minor unit each, to the parts with the largest remainders (the earlier part on a tie).
 *
 * @throws RangeError when no weight is positive, or one or the amount is negative.
 */
export function splitByWeights(whole: Money, weights: readonly number[]): Money[] {
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  if (total <= 0n || weights.some((weight) => weight < 0))
    throw new RangeError('weights must be >= 0, one of them > 0');
  if (whole.minor < 0n) throw new RangeError('an amount below zero is not split');
  const parts = weights.map((weight, index) => {
    const product = whole.minor * BigInt(weight);
    return { index, minor: product / total, remainder: product % total };
  });
  let left = whole.minor - parts.reduce((sum, part) => sum + part.minor, 0n);
  const neediest = [...parts].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const part of neediest) {
    if (left === 0n) break;
    part.minor += 1n;
    left -= 1n;
  }
  return parts.map(({ minor }) => ({ minor, currency: whole.currency }));
}
