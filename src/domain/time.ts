/** A moment in UTC, in milliseconds since 1970-01-01, as every CRM and database here can store it exactly. */
export type Instant = number;

const MS_PER_DAY = 86_400_000;

/** Days of exactly 24 hours: a hold must not become shorter because a clock went forward in spring. */
export function addDays(at: Instant, days: number): Instant {
  return at + days * MS_PER_DAY;
}

export function isoOf(at: Instant): string {
  return new Date(at).toISOString();
}

/** The calendar day in UTC, for texts that people read. */
export function dayOf(at: Instant): string {
  return isoOf(at).slice(0, 10);
}
