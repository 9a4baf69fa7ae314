import type { AmountRange } from '../../application/ports/payout.ts';
import { CURRENCIES, exponentOf, type Money } from '../../domain/money.ts';

/*
 * Amounts as Stripe writes them (docs.stripe.com/currencies). Nearly always ISO 4217's minor units; these differ.
 */

/** Taken as hundredths though nobody uses them any more: amounts end in 00. */
const HUNDREDTHS: readonly string[] = ['ISK', 'UGX'];
/** Without decimals at Stripe, with two in ISO 4217. */
const WHOLE: readonly string[] = ['MGA'];
/** With three decimals, of which the last must be 0. */
const TENTHS_ONLY: readonly string[] = ['BHD', 'JOD', 'KWD', 'OMR', 'TND'];

/** docs.stripe.com/currencies, "Supported presentment currencies", as far as ISO 4217 still lists them. */
const SUPPORTED: readonly string[] = (
  'USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE ' +
  'CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW ' +
  'KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN ' +
  'PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV WST XAF ' +
  'XCD XOF XPF YER ZAR ZMW BHD JOD KWD OMR TND'
).split(' ');

/** "The amount supports up to eight digits" (docs.stripe.com/api, amounts of a charge); a coupon beyond it could never be used up. */
const DIGITS_MAX = 99_999_999n;

export const STRIPE_AMOUNTS: readonly AmountRange[] = SUPPORTED.filter((code) => CURRENCIES.includes(code)).map(
  (currency) => {
    const exponent = exponentOf(currency) ?? 2;
    const stepMinor = WHOLE.includes(currency) ? 10n ** BigInt(exponent) : TENTHS_ONLY.includes(currency) ? 10n : 1n;
    const max = fromStripe(Number(DIGITS_MAX), currency).minor;
    return { currency, minMinor: stepMinor, maxMinor: max - (max % stepMinor), stepMinor };
  },
);

export function toStripe({ minor, currency }: Money): number {
  if (HUNDREDTHS.includes(currency)) return Number(minor * 100n);
  if (WHOLE.includes(currency)) return Number(minor / 100n);
  return Number(minor);
}

export function fromStripe(amount: number, currency: string): Money {
  const code = currency.toUpperCase();
  const whole = BigInt(amount);
  if (HUNDREDTHS.includes(code)) return { minor: whole / 100n, currency: code };
  if (WHOLE.includes(code)) return { minor: whole * 100n, currency: code };
  return { minor: whole, currency: code };
}
