import type { Amount } from '../../i18n/format.ts';

/** What the names of ledger accounts begin with. */
export const KINDS = ['held', 'payable', 'credit', 'receivable', 'provider', 'expense'] as const;
export type Kind = (typeof KINDS)[number];

/** Decimal text as whole units of its last place: sums are made of integers, never of floating-point numbers. */
function unitsOf(amount: string): { units: bigint; places: number } {
  const [whole = '0', part = ''] = amount.split('.');
  return { units: BigInt(`${whole}${part}`), places: part.length };
}

/** Amounts of one currency, which all have its own number of decimals. */
export function sumOf(amounts: readonly Amount[]): Amount | null {
  const [first] = amounts;
  if (!first) return null;
  const { places } = unitsOf(first.amount);
  const units = amounts.reduce((sum, { amount }) => sum + unitsOf(amount).units, 0n);
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return { amount: units < 0n ? `-${text}` : text, currency: first.currency };
}

/** One sum for each currency, in the order in which they come. */
export function sumsOf(amounts: readonly Amount[]): Amount[] {
  return [...Map.groupBy(amounts, ({ currency }) => currency).values()].flatMap((own) => sumOf(own) ?? []);
}

/** A liability is a credit in the books and so is negative; to a reader it is what is owed. */
export function negated({ amount, currency }: Amount): Amount {
  if (/^-?0+(\.0+)?$/.test(amount)) return { amount: amount.replace('-', ''), currency };
  return { amount: amount.startsWith('-') ? amount.slice(1) : `-${amount}`, currency };
}

export function isZero({ amount }: Amount): boolean {
  return /^-?0+(\.0+)?$/.test(amount);
}
