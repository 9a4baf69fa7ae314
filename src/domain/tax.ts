import type { Money } from './money.ts';

/**
 * What beneficiaries were given in a calendar year, held against thresholds that an account's finance has entered. It says who comes near a
 * figure, and is no advice: whether a reward is income, which form goes where and who counts as a resident is for a tax adviser.
 */
export interface TaxThreshold {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** From this year on, until the next entry for the country. */
  readonly fromYear: number;
  readonly amount: Money;
  /** What is to be filed, in the words of the country: "Form 1099-NEC". */
  readonly form: string;
  /** Where it stands. */
  readonly source: string;
}

export interface TaxSettings {
  /** The CRM's own name of the contact property that holds a person's country; null while nobody has chosen one. */
  readonly countryProperty: string | null;
  /** From this share of a threshold on somebody is near it. */
  readonly warnAtPercent: number;
  readonly thresholds: readonly TaxThreshold[];
}

/** Only what a public source can be named for; the rest is for the account. */
export const USUAL_TAX_SETTINGS: TaxSettings = {
  countryProperty: null,
  warnAtPercent: 80,
  thresholds: [
    {
      country: 'US',
      fromYear: 1954,
      amount: { minor: 60_000n, currency: 'USD' },
      form: 'Form 1099-NEC or 1099-MISC',
      source: '26 U.S.C. § 6041(a) as in force for payments up to 2025',
    },
    {
      country: 'US',
      fromYear: 2026,
      amount: { minor: 200_000n, currency: 'USD' },
      form: 'Form 1099-NEC or 1099-MISC',
      source:
        '26 U.S.C. § 6041(a) as amended by Public Law 119-21, section 70433, for payments made after 31 December 2025; adjusted for inflation from 2027 on',
    },
  ],
};

/**
 * above: at the threshold or beyond · near: from the share on that the account warns at · below · other_currency: given in another currency
 * than the threshold's, which is not converted · no_threshold: none was entered for the country · unknown_country.
 */
export const TAX_STATES = ['above', 'near', 'unknown_country', 'other_currency', 'no_threshold', 'below'] as const;
export type TaxState = (typeof TAX_STATES)[number];

/** The one that holds for the year: the newest that began by then. */
export function thresholdFor(
  thresholds: readonly TaxThreshold[],
  country: string,
  year: number,
): TaxThreshold | undefined {
  return thresholds
    .filter((one) => one.country === country && one.fromYear <= year)
    .reduce<TaxThreshold | undefined>((best, one) => (best && best.fromYear >= one.fromYear ? best : one), undefined);
}

export function taxStateOf(
  given: Money,
  country: string | null,
  year: number,
  { thresholds, warnAtPercent }: Pick<TaxSettings, 'thresholds' | 'warnAtPercent'>,
): { readonly state: TaxState; readonly threshold: TaxThreshold | null } {
  if (country === null) return { state: 'unknown_country', threshold: null };
  const threshold = thresholdFor(thresholds, country, year) ?? null;
  if (threshold === null) return { state: 'no_threshold', threshold };
  if (threshold.amount.currency !== given.currency) return { state: 'other_currency', threshold };
  if (given.minor >= threshold.amount.minor) return { state: 'above', threshold };
  const isNear = given.minor * 100n >= threshold.amount.minor * BigInt(warnAtPercent);
  return { state: isNear ? 'near' : 'below', threshold };
}

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** English names of countries, as people type them into a CRM, to their codes. Made when it is first asked for. */
let namesOfCountries: ReadonlyMap<string, string> | undefined;

function countryNames(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const found = new Map<string, string>([
    ['usa', 'US'],
    ['uk', 'GB'],
  ]);
  for (const first of LETTERS)
    for (const second of LETTERS) {
      const code = `${first}${second}`;
      const name = names.of(code);
      // Codes that were withdrawn have the names of those that took their place: the first one stays.
      if (
        name !== undefined &&
        new Intl.Locale('und', { region: code }).region === code &&
        !found.has(name.toLowerCase())
      )
        found.set(name.toLowerCase(), code);
    }
  return found;
}

/** The code of what stands in the CRM: a code of two letters, or an English name. Null for what is neither. */
export function countryOf(text: string | null | undefined): string | null {
  const plain = text?.trim() ?? '';
  if (plain === '') return null;
  namesOfCountries ??= countryNames();
  const named = namesOfCountries.get(plain.toLowerCase());
  if (named !== undefined) return named;
  const code = plain.toUpperCase();
  return /^[A-Z]{2}$/.test(code) && [...namesOfCountries.values()].includes(code) ? code : null;
}
