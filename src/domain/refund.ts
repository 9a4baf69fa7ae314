import { type Money, parseAmount } from './money.ts';
import type { Instant } from './time.ts';

/** Part of what a friend had paid, given back to them. */
export interface RefundFact {
  /** Who told it: a payment provider by its name, our own API, or the CRM itself. */
  readonly source: string;
  readonly id: string;
  readonly at: Instant;
  /** As the source wrote it, a decimal. */
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
  /** When it came to nothing after all, or a later amount took its place; null while it counts. */
  readonly undoneAt: Instant | null;
}

/** Those that count at a moment. */
export function refundsAt(refunds: readonly RefundFact[], at: Instant): RefundFact[] {
  return refunds.filter((refund) => refund.at <= at && (refund.undoneAt === null || refund.undoneAt > at));
}

/** When the refunds last changed, at a moment. */
export function refundsSince(refunds: readonly RefundFact[], at: Instant): Instant {
  return Math.max(0, ...momentsOfRefunds(refunds).filter((moment) => moment <= at));
}

export function momentsOfRefunds(refunds: readonly RefundFact[]): Instant[] {
  return refunds.flatMap(({ at, undoneAt }) => (undoneAt === null ? [at] : [at, undoneAt]));
}

/**
 * What was refunded of a deal, in its currency: of what several sources say the most, since they tell of the same refunds. Null when one cannot
 * be read, or is in another currency: amounts in two currencies are not compared.
 */
export function refundedOf(refunds: readonly RefundFact[], currency: string): Money | null {
  const sums = new Map<string, bigint>();
  for (const { source, amount, currency: own } of refunds) {
    const parsed = parseAmount(amount, own);
    if (!parsed.ok || own !== currency) return null;
    sums.set(source, (sums.get(source) ?? 0n) + parsed.money.minor);
  }
  return { minor: [...sums.values()].reduce((most, sum) => (sum > most ? sum : most), 0n), currency };
}
