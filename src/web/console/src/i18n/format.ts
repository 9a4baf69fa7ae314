import { useMemo } from 'react';
import { useLocale } from './text.ts';

export interface Amount {
  readonly amount: string;
  readonly currency: string;
}

/** Decimal text is handed to Intl as text: no amount ever becomes a floating-point number. */
function moneyText(locale: string, { amount, currency }: Amount): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  return format.format(amount as Intl.StringNumericLiteral);
}

/** Numbers, money and times as the user's language writes them. */
export function useFormat() {
  const locale = useLocale();
  return useMemo(() => {
    const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
    const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    const dayInUtc = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
    const month = new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'short', timeZone: 'UTC' });
    const number = new Intl.NumberFormat(locale);
    const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
    const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
    return {
      day: (iso: string) => day.format(new Date(iso)),
      /** A day that is one in UTC, wherever the user is. */
      dayInUtc: (iso: string) => dayInUtc.format(new Date(iso)),
      /** The month that a day in UTC is in. */
      month: (iso: string) => month.format(new Date(iso)),
      moment: (iso: string) => moment.format(new Date(iso)),
      number: (value: number) => number.format(value),
      percent: (share: number) => percent.format(share),
      money: (amount: Amount) => moneyText(locale, amount),
      /** "3 days ago", "in 2 hours". */
      since(iso: string, now = Date.now()) {
        const seconds = Math.round((Date.parse(iso) - now) / 1_000);
        const units = [
          ['day', 86_400],
          ['hour', 3_600],
          ['minute', 60],
        ] as const;
        for (const [unit, length] of units)
          if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
        return relative.format(seconds, 'second');
      },
    };
  }, [locale]);
}
