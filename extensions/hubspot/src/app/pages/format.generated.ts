// Copied by scripts/hubspot-project.ts from extensions/hubspot/src/app/cards/format.ts. Change that one, then run it again.

import type { Money } from './home-view.generated.ts';

/** Writes money and times the reader's way. */
export interface Format {
  money(money: Money): string;
  /** Sums of several currencies: "€100.00 + $20.00". */
  sum(amounts: readonly Money[]): string;
  date(time: string): string;
  dateTime(time: string): string;
}

/** Used when HubSpot names no locale, or one that the browser does not know. */
const FALLBACK_LOCALE = 'en';
const FALLBACK_TIME_ZONE = 'UTC';

export function createFormat(reader: { locale?: string | undefined; timeZone?: string | undefined }): Format {
  const locale = usable(reader.locale?.replace('_', '-'), FALLBACK_LOCALE, (value) => new Intl.NumberFormat(value));
  const timeZone = usable(
    reader.timeZone,
    FALLBACK_TIME_ZONE,
    (value) => new Intl.DateTimeFormat(FALLBACK_LOCALE, { timeZone: value }),
  );
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone });

  function money({ amount, currency }: Money): string {
    try {
      // The decimal text goes to Intl as it is: through a float, large amounts would lose cents.
      return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(amount as Intl.StringNumericLiteral);
    } catch {
      // A deal in HubSpot may carry a currency that is none; a card that stops over it would hide everything else too.
      return `${amount} ${currency}`;
    }
  }

  function written(time: string, form: Intl.DateTimeFormat): string {
    const date = new Date(time);
    return Number.isNaN(date.valueOf()) ? time : form.format(date);
  }

  return {
    money,
    sum: (amounts) => amounts.map(money).join(' + '),
    date: (time) => written(time, day),
    dateTime: (time) => written(time, moment),
  };
}

function usable(value: string | undefined, fallback: string, attempt: (value: string) => unknown): string {
  if (value === undefined || value === '') return fallback;
  try {
    attempt(value);
    return value;
  } catch {
    return fallback;
  }
}
