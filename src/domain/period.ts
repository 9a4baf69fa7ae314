import { createHash } from 'node:crypto';
import type { Instant } from './time.ts';

/**
 * A node's clock may be a little behind, and what it has just decided bears its time. A month is closed this long after its end at the
 * earliest, so that nothing usual is turned away and booked into the next one.
 */
export const CLOSE_GRACE_MS = 15 * 60_000;

/** "2026-10": a calendar month in UTC, by the time at which something was booked. */
export type Month = string;

const MONTH = /^([0-9]{4})-(0[1-9]|1[0-2])$/;

export function isMonth(text: string): boolean {
  return MONTH.test(text);
}

export function monthOf(at: Instant): Month {
  return new Date(at).toISOString().slice(0, 7);
}

/** From its first moment up to, and not into, the first moment of the next one. @throws RangeError for what is no month. */
export function boundsOf(month: Month): { readonly from: Instant; readonly to: Instant } {
  const [, year, number] = MONTH.exec(month) ?? [];
  if (year === undefined || number === undefined) throw new RangeError(`"${month}" is not a month`);
  return { from: Date.UTC(Number(year), Number(number) - 1, 1), to: Date.UTC(Number(year), Number(number), 1) };
}

/** What was booked on one ledger account in one currency. Debits and credits are both counted upwards. */
export interface Movement {
  readonly account: string;
  readonly currency: string;
  readonly debits: bigint;
  readonly credits: bigint;
}

/** A ledger account in one currency over a month in which something was booked on it. Debits are positive, as everywhere in the ledger. */
export interface PeriodLine extends Movement {
  readonly opening: bigint;
  readonly closing: bigint;
}

/** All accounts whose names begin with the same word, in one currency; also those on which nothing was booked. */
export interface PeriodTotal {
  readonly kind: string;
  readonly currency: string;
  readonly opening: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly closing: bigint;
}

export function lineKey({ account, currency }: { readonly account: string; readonly currency: string }): string {
  return `${account}\n${currency}`;
}

export function kindOf(account: string): string {
  return account.slice(0, account.indexOf(':'));
}

/** Adds movements up, whatever the pages in which they come. */
export function createMovements() {
  const sums = new Map<string, Movement>();
  return {
    add(movement: Movement): void {
      const key = lineKey(movement);
      const before = sums.get(key);
      sums.set(
        key,
        before
          ? {
              ...before,
              debits: before.debits + movement.debits,
              credits: before.credits + movement.credits,
            }
          : movement,
      );
    },
    /** In the order of their keys. */
    all: (): Movement[] => [...sums.values()].sort(byKey),
  };
}

/** Code unit by code unit: a hash over them must not depend on a language. */
export function byKey(
  a: { readonly account: string; readonly currency: string },
  b: { readonly account: string; readonly currency: string },
): number {
  const [one, other] = [lineKey(a), lineKey(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** `openings`: by `lineKey`; an account on which nothing was ever booked is at zero. */
export function linesOf(movements: readonly Movement[], openings: ReadonlyMap<string, bigint>): PeriodLine[] {
  return movements.map((movement) => {
    const opening = openings.get(lineKey(movement)) ?? 0n;
    return { ...movement, opening, closing: opening + movement.debits - movement.credits };
  });
}

/** By kind and currency. What did not move is carried over from the totals of the month before. */
export function totalsOf(movements: readonly Movement[], before: readonly PeriodTotal[]): PeriodTotal[] {
  const totals = new Map<string, PeriodTotal>(
    before.map(({ kind, currency, closing }) => [
      `${kind}\n${currency}`,
      { kind, currency, opening: closing, debits: 0n, credits: 0n, closing },
    ]),
  );
  for (const { account, currency, debits, credits } of movements) {
    const kind = kindOf(account);
    const key = `${kind}\n${currency}`;
    const known = totals.get(key) ?? { kind, currency, opening: 0n, debits: 0n, credits: 0n, closing: 0n };
    totals.set(key, {
      ...known,
      debits: known.debits + debits,
      credits: known.credits + credits,
      closing: known.closing + debits - credits,
    });
  }
  return [...totals.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
}

/** Over lines in the order of their keys. */
export function linesHash(lines: Iterable<PeriodLine>): string {
  const sum = createHash('sha256');
  for (const { account, currency, opening, debits, credits, closing } of lines)
    sum.update(
      `${JSON.stringify([account, currency, opening, debits, credits, closing].map((value) => String(value)))}\n`,
    );
  return sum.digest('hex');
}

/** What somebody should look at before a month is closed. It can be closed all the same, with a reason. */
export const PERIOD_WARNINGS = [
  'batches_unsettled',
  'provider_differences',
  'orders_parked',
  'cases_open',
  'receivables',
] as const;
export type PeriodWarningCode = (typeof PERIOD_WARNINGS)[number];

export interface PeriodWarning {
  readonly code: PeriodWarningCode;
  /** How many there are; where only so many are looked at, that many. */
  readonly count: number;
  readonly remedy: string;
}

export const REMEDIES: Readonly<Record<PeriodWarningCode, string>> = {
  batches_unsettled: 'Mark the rows of these batches as paid or refused; until then the money stands as owed.',
  provider_differences: 'Go through the findings of the newest comparison with the provider and settle each.',
  orders_parked: 'Look why the provider did not carry these orders out, and try them again or take the rewards back.',
  cases_open: 'Decide these cases: rewards wait for them, and are in the books as held.',
  receivables: 'Collect what is owed back, leave it to be kept from the next reward, or write it off.',
};

// ── Chart of accounts ───────────────────────────────────────────────────────────────────────────────────────────────

/** Where a ledger account goes in the books of the company. */
export interface ChartEntry {
  /** A ledger account's name, or the first word with `:*` for all that begin so. */
  readonly account: string;
  readonly number: string;
  readonly label: string;
}

/** The entry for exactly this account, or else for its kind; null when nobody has named one. */
export function chartEntryOf(chart: readonly ChartEntry[], account: string): ChartEntry | null {
  const all = `${kindOf(account)}:*`;
  return chart.find((entry) => entry.account === account) ?? chart.find((entry) => entry.account === all) ?? null;
}
