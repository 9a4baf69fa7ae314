import type { Amount } from '../../i18n/format.ts';
import type { Person } from './words.ts';

/** What somebody is called, as far as it is known. */
export function nameOf(person: Pick<Person, 'name' | 'email'> | undefined, otherwise: string): string {
  return person?.name ?? person?.email ?? otherwise;
}

/** Sums by currency, digit by digit: decimal text never becomes a floating-point number. */
export function sumsOf(amounts: readonly Amount[]): Amount[] {
  const sums = new Map<string, { minor: bigint; decimals: number }>();
  for (const { amount, currency } of amounts) {
    const [whole = '0', part = ''] = amount.split('.');
    const sum = sums.get(currency) ?? { minor: 0n, decimals: part.length };
    sums.set(currency, { ...sum, minor: sum.minor + BigInt(`${whole}${part}`) });
  }
  return [...sums].map(([currency, { minor, decimals }]) => {
    const digits = String(minor < 0n ? -minor : minor).padStart(decimals + 1, '0');
    const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
    return { amount: minor < 0n ? `-${text}` : text, currency };
  });
}
