/** Only what the story needs: euros as decimal text, added up exactly. The service has its own money; it must not vouch for itself. */

const EURO_DECIMALS = 2;

/** @throws when the text is not an amount in euros and cents. */
export function centsOf(amount: string): bigint {
  if (!/^-?[0-9]+\.[0-9]{2}$/.test(amount)) throw new Error(`${amount} is not an amount in euros and cents`);
  return BigInt(amount.replace('.', ''));
}

export function euros(cents: bigint): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(EURO_DECIMALS + 1, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -EURO_DECIMALS)}.${digits.slice(-EURO_DECIMALS)}`;
}

/** "1200.00" as people read it. */
export function readable(amount: string): string {
  const [whole = '', decimals] = amount.split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${decimals === undefined ? '' : `.${decimals}`} EUR`;
}
