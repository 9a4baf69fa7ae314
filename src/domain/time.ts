/** A moment in UTC, in milliseconds since 1970-01-01, as every CRM and database here can store it exactly. */
export type Instant = number;

const MS_PER_DAY = 86_400_000;

/** Days of exactly 24 hours: a hold must not become shorter because a clock went forward in spring. */
export function addDays(at: Instant, days: number): Instant {
  return at + days * MS_PER_DAY;
}

/** Days since 1970-01-01, in UTC. */
export function dayNumber(at: Instant): number {
  return Math.floor(at / MS_PER_DAY);
}

/** Whole days from one moment to another; 0 when it is not later. */
export function daysBetween(from: Instant, to: Instant): number {
  return Math.max(0, Math.floor((to - from) / MS_PER_DAY));
}

export function isoOf(at: Instant): string {
  return new Date(at).toISOString();
}

/** The calendar day in UTC, for texts that people read. */
export function dayOf(at: Instant): string {
  return isoOf(at).slice(0, 10);
}

/** Midnight, in UTC, of the next such day of a month (1 to 28) that is not before `at`. */
export function nextDayOfMonth(at: Instant, day: number): Instant {
  const date = new Date(at);
  const inMonth = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, day);
  return inMonth(0) >= at ? inMonth(0) : inMonth(1);
}
