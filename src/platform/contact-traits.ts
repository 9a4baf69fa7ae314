import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { ContactTraits } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { mailKindOf } from './mail-domains.ts';

/** Shorter ones are extensions, and many people have those. */
const LOCAL_DIGITS_MIN = 7;

export interface RawTraits {
  readonly email: string | null;
  /** As people wrote them, the mobile one first. */
  readonly phones: readonly (string | null | undefined)[];
  /** ISO 3166, two letters; what a number without a country code is read by. */
  readonly countryCode: string | null | undefined;
  readonly street: string | null | undefined;
  readonly postalCode: string | null | undefined;
  readonly country: string | null | undefined;
  readonly customerSince: Instant | null;
}

/** What a CRM tells of a person, in the one form in which people are compared. */
export function traitsOf(raw: RawTraits): ContactTraits {
  const mail = mailKindOf(raw.email);
  const phones = [...new Set(raw.phones.flatMap((phone) => phoneOf(phone ?? '', raw.countryCode ?? '') ?? []))];
  const address = addressOf(raw);
  return {
    ...(mail === null ? {} : { mail }),
    ...(phones.length === 0 ? {} : { phones }),
    ...(address === null ? {} : { address }),
    ...(raw.customerSince === null ? {} : { customerSince: raw.customerSince }),
  };
}

/** E.164; `local:` and digits for a number that does not say its country; null for what is no number. */
export function phoneOf(text: string, countryCode: string): string | null {
  const country = countryCode.trim().toUpperCase();
  const parsed = parsePhoneNumberFromString(text.trim().replace(/^00/, '+'), isCountry(country) ? country : undefined);
  if (parsed?.isPossible()) return parsed.number;
  const digits = text.replace(/\D/g, '');
  return digits.length < LOCAL_DIGITS_MIN ? null : `local:${digits}`;
}

function isCountry(code: string): code is CountryCode {
  return isSupportedCountry(code);
}

/** A street without a postal code is a street in many towns, so both are needed. */
function addressOf({ street, postalCode, country }: RawTraits): string | null {
  const [line, code] = [plain(street), plain(postalCode).replaceAll(' ', '')];
  return line === '' || code === '' ? null : `${line}|${code}|${plain(country)}`;
}

/** Case, accents, dots and commas, and the word for street in the languages where it is shortened, make no other address. */
function plain(text: string | null | undefined): string {
  return (text ?? '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[.,;'’-]/g, ' ')
    .replace(/strasse\b/g, 'str')
    .replace(/\bstreet\b/g, 'st')
    .replace(/\bavenue\b/g, 'ave')
    .replace(/\broad\b/g, 'rd')
    .replace(/\s+/g, ' ')
    .trim();
}
