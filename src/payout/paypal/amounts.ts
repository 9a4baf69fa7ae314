import type { AmountRange } from '../../application/ports/payout.ts';
import { exponentOf } from '../../domain/money.ts';

/** developer.paypal.com/api/rest/reference/currency-codes. */
const SUPPORTED =
  'AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD'.split(' ');

/** "This currency does not support decimals" (the same page), though two of them have cents in ISO 4217. */
const WHOLE: readonly string[] = ['HUF', 'JPY', 'TWD'];

/** "Individual payout maximum: $20,000.00 USD" (developer.paypal.com/docs/payouts/standard/reference/fees). */
const USD_MAX_MINOR = 2_000_000n;

/** In other currencies the limit is "up to $20,000 in your country's local currency", which is no fixed number: PayPal judges it. */
export const PAYPAL_AMOUNTS: readonly AmountRange[] = SUPPORTED.map((currency) => {
  const stepMinor = WHOLE.includes(currency) ? 10n ** BigInt(exponentOf(currency) ?? 0) : 1n;
  return { currency, minMinor: stepMinor, maxMinor: currency === 'USD' ? USD_MAX_MINOR : null, stepMinor };
});

/** Without decimals where PayPal takes none. */
export function wholeIfNeeded(decimal: string, currency: string): string {
  return WHOLE.includes(currency) ? decimal.replace(/\.0+$/, '') : decimal;
}
