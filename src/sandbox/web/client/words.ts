import type { DealSummary } from '../source.ts';

export function moneyText({ amount, currency }: Pick<DealSummary, 'amount' | 'currency'>): string {
  if (amount === '') return 'No amount';
  try {
    return new Intl.NumberFormat(navigator.language, { style: 'currency', currency }).format(Number(amount));
  } catch {
    // The sandbox may hold what a careless import would: show it as it is.
    return `${amount} ${currency}`.trim();
  }
}

/** A moment of today, in milliseconds since the epoch. */
export function timeText(at: number, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(navigator.language, { timeStyle: 'medium', timeZone }).format(at);
}

export function dateTimeText(iso: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(navigator.language, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(
    new Date(iso),
  );
}

export function initials(name: string): string {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
}
