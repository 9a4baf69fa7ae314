import { describe, expect, test } from 'vitest';
import { type BatchSchedule, nextCut, scheduleText } from '../../src/domain/batch-schedule.ts';

const at = (iso: string) => Date.parse(iso);
const next = (schedule: BatchSchedule, from: string) => new Date(nextCut(schedule, at(from))).toISOString();

describe('the next cut of a schedule', () => {
  test.each([
    [{ kind: 'month_day', day: 15 }, '2026-11-15T00:00:00.000Z', '2026-12-15T00:00:00.000Z'],
    [{ kind: 'month_day', day: 15 }, '2026-11-14T23:59:59.999Z', '2026-11-15T00:00:00.000Z'],
    [{ kind: 'month_day', day: 28 }, '2026-12-31T00:00:00.000Z', '2027-01-28T00:00:00.000Z'],
    [{ kind: 'month_day', day: 'last' }, '2026-02-01T00:00:00.000Z', '2026-02-28T00:00:00.000Z'],
    [{ kind: 'month_day', day: 'last' }, '2028-02-01T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    [{ kind: 'month_day', day: 'last' }, '2026-12-31T00:00:00.000Z', '2027-01-31T00:00:00.000Z'],
    [{ kind: 'weekday', weekday: 'monday' }, '2026-11-22T12:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    [{ kind: 'weekday', weekday: 'sunday' }, '2026-11-22T12:00:00.000Z', '2026-11-29T00:00:00.000Z'],
  ] as const)('%j after %s is %s', (schedule, from, expected) => {
    expect(next(schedule, from)).toBe(expected);
  });

  test('is always later, so that one stroke of the clock cuts once', () => {
    const schedules: BatchSchedule[] = [
      { kind: 'weekday', weekday: 'friday' },
      { kind: 'month_day', day: 'last' },
      { kind: 'month_day', day: 1 },
    ];
    for (const schedule of schedules) {
      let before = at('2024-01-01T00:00:00.000Z');
      for (let times = 0; times < 60; times += 1) {
        const cut = nextCut(schedule, before);
        expect(cut).toBeGreaterThan(before);
        expect(cut % 86_400_000).toBe(0);
        before = cut;
      }
    }
  });

  test('is said as people say it', () => {
    expect(scheduleText({ kind: 'month_day', day: 'last' })).toBe('on the last day of the month');
    expect(scheduleText({ kind: 'month_day', day: 3 })).toBe('on day 3 of the month');
    expect(scheduleText({ kind: 'weekday', weekday: 'friday' })).toBe('every friday');
  });
});
