import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlertFacts, alertsOf, isSudden } from '../../src/domain/alert.ts';
import { escalate, USUAL_CHAIN } from '../../src/domain/case.ts';

const NOW = Date.UTC(2026, 2, 2);
const NOTHING: AlertFacts = { paces: [], budgets: [], parked: 0, overpaid: [] };
const eur = (minor: bigint) => ({ minor, currency: 'EUR' });
const told = (facts: Partial<AlertFacts>) => alertsOf('acc_1', { ...NOTHING, ...facts }, NOW);

describe('a rush', () => {
  test('is far more than chance makes of the four weeks before', () => {
    const member = (recent: number, before: number) => isSudden({ of: 'member', recent, before });
    // One a day: up to five by chance. Ten a day: up to 22.
    expect([member(5, 28), member(6, 28), member(22, 280), member(23, 280)]).toEqual([false, true, false, true]);
    expect([member(4, 0), member(5, 0)]).toEqual([false, true]);
  });

  test('is not what a program begins with', () => {
    expect(isSudden({ of: 'program', recent: 500, before: 0 })).toBe(false);
    expect(isSudden({ of: 'program', recent: 500, before: 28 })).toBe(true);
  });

  test('is none at or below its own daily mean, and a larger base never makes one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 14_000 }), (recent, before) => {
        if (recent <= before / 28) expect(isSudden({ of: 'member', recent, before })).toBe(false);
        if (!isSudden({ of: 'member', recent, before }))
          expect(isSudden({ of: 'member', recent, before: before + 28 })).toBe(false);
      }),
    );
  });
});

describe('a budget', () => {
  const budget = (spent: bigint, leftMinor: bigint) =>
    told({ budgets: [{ programId: 'default', spent: eur(spent), leftMinor }] });

  test('that lasts less than a week as it was spent is told, with the day', () => {
    expect(budget(7_000n, 7_000n)).toEqual([]);
    expect(budget(7_000n, 3_500n)).toMatchObject([
      {
        topic: 'budget_burn',
        severity: 'high',
        value: eur(3_500n),
        summary: expect.stringContaining('lasts until about 2026-03-05'),
      },
    ]);
  });

  test('that is spent is urgent, and one from which nothing was taken is nobody’s concern', () => {
    expect(budget(7_000n, 0n)).toMatchObject([{ severity: 'urgent', facts: { lastsDays: 0 } }]);
    expect(budget(0n, 0n)).toEqual([]);
  });
});

test('a few failures are failures, and many are a cause', () => {
  expect(told({ parked: 4 })).toEqual([]);
  expect(told({ parked: 5 })).toMatchObject([{ topic: 'many_failures', dedupeKey: 'alert many_failures' }]);
});

test('each cause has a key of its own, the same at every look', () => {
  const facts: AlertFacts = {
    paces: ['mem_1', 'mem_2'].map((id) => ({ of: 'member' as const, id, recent: 9, before: 0 })),
    budgets: [{ programId: 'default', spent: eur(7n), leftMinor: 0n }],
    parked: 9,
    overpaid: [{ of: 'member', id: 'mem_1', back: eur(7n) }],
  };
  const keys = (at: number) => alertsOf('acc_1', facts, at).map(({ dedupeKey }) => dedupeKey);
  expect(new Set(keys(NOW)).size).toBe(5);
  expect(keys(NOW + 1)).toEqual(keys(NOW));
});

test('a case goes from step to step of its chain, and then to nobody', () => {
  expect(escalate({ chain: USUAL_CHAIN, step: 0 }, NOW)).toEqual({
    step: 1,
    owner: 'account_owner',
    dueAt: NOW + 48 * 3_600_000,
  });
  expect(escalate({ chain: USUAL_CHAIN, step: 1 }, NOW)).toBeNull();
});
