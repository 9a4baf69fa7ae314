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

/** Days whose text is remembered: a program of 200 rules asks for the same few days hundreds of times for one change of one deal. */
const DAYS_KNOWN_MAX = 1_000;
const knownDays = new Map<number, string>();

/** The calendar day in UTC, for texts that people read. */
export function dayOf(at: Instant): string {
  const day = Math.floor(at / MS_PER_DAY);
  const known = knownDays.get(day);
  if (known !== undefined) return known;
  const text = isoOf(at).slice(0, 10);
  if (knownDays.size >= DAYS_KNOWN_MAX) knownDays.clear();
  knownDays.set(day, text);
  return text;
}

/** Midnight, in UTC, of the next such day of a month (1 to 28) that is not before `at`. */
export function nextDayOfMonth(at: Instant, day: number): Instant {
  const date = new Date(at);
  const inMonth = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, day);
  return inMonth(0) >= at ? inMonth(0) : inMonth(1);
}

/** The CRM's clock and ours may differ; a deal won this much before the referral or the program is not "before" them. */
export const CLOCK_SKEW_ALLOWED_MS = 5 * 60_000;
