import type { Instant } from './time.ts';

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** When a batch is cut: at midnight, in UTC, at the beginning of the day. */
export type BatchSchedule =
  /** 1 to 28, or the last one: every month has it. */
  | { readonly kind: 'month_day'; readonly day: number | 'last' }
  | { readonly kind: 'weekday'; readonly weekday: Weekday };

/** Days of a month that every month has. */
export const MONTH_DAY_MAX = 28;

const DAY_MS = 86_400_000;

/** The next cut after `at`, and not at it: a batch that was cut just now is not cut once more. */
export function nextCut(schedule: BatchSchedule, at: Instant): Instant {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (schedule.kind === 'weekday') {
    const midnight = Date.UTC(year, month, date.getUTCDate());
    const ahead = (WEEKDAYS.indexOf(schedule.weekday) - date.getUTCDay() + 7) % 7;
    return midnight + (ahead === 0 ? 7 : ahead) * DAY_MS;
  }
  // The day before the first of the month after is the last.
  const inMonth = (offset: number) =>
    schedule.day === 'last' ? Date.UTC(year, month + offset + 1, 0) : Date.UTC(year, month + offset, schedule.day);
  return inMonth(0) > at ? inMonth(0) : inMonth(1);
}

/** "on the 15th of the month" as people say it. */
export function scheduleText(schedule: BatchSchedule): string {
  if (schedule.kind === 'weekday') return `every ${schedule.weekday}`;
  return schedule.day === 'last' ? 'on the last day of the month' : `on day ${schedule.day} of the month`;
}
