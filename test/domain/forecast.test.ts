import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outlookOfRule } from '../../src/domain/explain.ts';
import { createForecastBuilder, type ForecastLine, forecastLine } from '../../src/domain/forecast.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { CHANCE_WHOLE, chanceOf, closingOf } from '../../src/domain/prospect.ts';
import type { DealPoint, DealProspect } from '../../src/domain/record.ts';
import { dealsAt } from '../../src/domain/timeline.ts';
import { CATALOG, CONNECTION, dealOf, MEMBER_RULE, OPEN_REFERRAL, pointOf, T0 } from './world.ts';

const NOW = Date.UTC(2026, 10, 23, 10);
const mapping = { version: 'map_1', entries: mapCatalog(CATALOG, []) };

function lineOf(
  prospect: Partial<DealProspect> = {},
  {
    rule = {},
    point = {},
    ...more
  }: { rule?: Partial<RewardRule>; point?: Partial<DealPoint>; [K: string]: unknown } = {},
) {
  const own: RewardRule = { ...MEMBER_RULE, ...rule };
  const deal = dealOf('7', ['2'], [pointOf(T0 + 1, point)]);
  const [dealAt = null] = dealsAt([deal], mapping, Number.POSITIVE_INFINITY);
  const outlook = outlookOfRule({
    ...{
      rule: own,
      referral: OPEN_REFERRAL,
      friend: {},
      dealAt,
      beneficiary: 'Ada',
      names: new Map(),
      stageLabel: 'Open',
    },
    ...{ startsAt: T0, wonReferrals: 1, rates: undefined, now: NOW },
    ...(more.outlook as object),
  });
  return forecastLine({
    ...{ referralId: 'ref_1', outlook, rule: own, deal: deal.ref, batch: null, now: NOW, stageChance: null },
    prospect: { chance: 4_000, closesAt: Date.UTC(2026, 11, 10), ...prospect },
    ...(more.line as object),
  });
}

describe('a probability', () => {
  test.each<[string | null | undefined, 1 | 100, number | null]>([
    ['0.2', 1, 2_000],
    ['0.200000000000000011102230246251565404', 1, 2_000],
    ['1.0', 1, 10_000],
    ['0', 1, 0],
    ['75', 100, 7_500],
    ['12.5', 100, 1_250],
    ['100', 100, 10_000],
    ['101', 100, null],
    ['1.01', 1, null],
    ['-0.1', 1, null],
    ['', 1, null],
    ['  ', 1, null],
    ['1e-1', 1, null],
    ['much', 1, null],
    [null, 1, null],
    [undefined, 100, null],
  ])('%j of %d is %j of 10,000', (raw, whole, chance) => {
    expect(chanceOf(raw, whole)).toBe(chance);
  });

  test.each<[string | null, string | null]>([
    ['2026-12-31', '2026-12-31T00:00:00.000Z'],
    ['2026-12-31T10:00:00.000Z', '2026-12-31T10:00:00.000Z'],
    ['2999-12-31', null],
    ['soon', null],
    ['', null],
    [null, null],
  ])('a close date %j is %j', (raw, at) => {
    expect(closingOf(raw)).toBe(at === null ? null : Date.parse(at));
  });
});

const FIXED = { kind: 'fixed' as const, money: { minor: 2_500n, currency: 'EUR' as const } };
const IN_DOLLARS: Partial<RewardRule> = {
  conditions: [{ fact: 'deal.currency', op: 'in', currencies: ['USD'] }],
};

describe('what an open deal puts into the forecast', () => {
  test('is the outlook’s amount, its probability, and the day on which it would be paid', () => {
    expect(lineOf()).toMatchObject({
      money: { minor: 10_000n, currency: 'EUR' },
      ...{ chance: 4_000, chanceFrom: 'deal', isOverdue: false, lacks: null },
      expectedAt: Date.UTC(2026, 11, 10),
    });
    const rule = { holdDays: 14, payOnDay: 1 };
    expect(lineOf({}, { rule })?.expectedAt).toBe(Date.UTC(2027, 0, 1));
    const batch = { kind: 'month_day', day: 15 } as const;
    expect(lineOf({}, { rule: { holdDays: 14 }, line: { batch } })?.expectedAt).toBe(Date.UTC(2027, 0, 15));
  });

  test('falls back to the probability of the stage, and is unknown without either, never 0 and never 1', () => {
    expect(lineOf({ chance: null }, { line: { stageChance: 2_000 } })).toMatchObject({
      chance: 2_000,
      chanceFrom: 'stage',
    });
    expect(lineOf({ chance: 0 }, { line: { stageChance: 2_000 } })).toMatchObject({ chance: 0, chanceFrom: 'deal' });
    expect(lineOf({ chance: null })).toMatchObject({ chance: null, chanceFrom: null });
    expect(lineOf({}, { line: { prospect: undefined } })).toMatchObject({
      chance: null,
      closesAt: null,
      expectedAt: null,
    });
  });

  test('a close date that has passed counts as today, and is told; today’s has not passed', () => {
    expect(lineOf({ closesAt: Date.UTC(2026, 7, 1) })).toMatchObject({ isOverdue: true, expectedAt: NOW });
    expect(lineOf({ closesAt: Date.UTC(2026, 10, 23) })).toMatchObject({ isOverdue: false, expectedAt: NOW });
    expect(lineOf({ closesAt: Date.UTC(2026, 10, 22) })).toMatchObject({ isOverdue: true });
  });

  test('of a deal without an amount is a line without one; of what nobody can change there is none', () => {
    expect(lineOf({}, { point: { amount: null } })).toMatchObject({ money: null, lacks: 'amount_missing' });
    expect(lineOf({}, { outlook: { otherDealsRewarded: 1 } })).toBeNull();
  });

  test('of a rule whose condition is not met is what it names, and nothing of one that takes a share: it is not that it could not say', () => {
    expect(lineOf({}, { rule: IN_DOLLARS })).toBeNull();
    expect(lineOf({}, { rule: { ...IN_DOLLARS, conditions: [], amount: FIXED } })).toMatchObject({ lacks: null });
    expect(lineOf({}, { rule: { ...IN_DOLLARS, amount: FIXED } })).toMatchObject({
      money: { minor: 2_500n, currency: 'EUR' },
      lacks: 'condition_unmet',
    });
  });
});

const LINE: ForecastLine = {
  ...{ referralId: 'ref_1', ruleKey: 'member-won', party: 'member' as const },
  deal: { connectionId: CONNECTION, object: 'deal', id: '7' },
  money: { minor: 10_000n, currency: 'EUR' },
  ...{ chance: 4_000, chanceFrom: 'deal' as const, closesAt: NOW, expectedAt: NOW, isOverdue: false, lacks: null },
};

function sumUp(...deals: readonly (readonly ForecastLine[])[]) {
  const builder = createForecastBuilder();
  for (const lines of deals) builder.add(lines);
  return builder.result();
}

describe('the sums', () => {
  test('are rounded once for a month and currency, half to even, and never for each deal', () => {
    // A cent at one half each: deal by deal every half would go to the even cent, which is none.
    const cent = { ...LINE, money: { minor: 1n, currency: 'EUR' }, chance: 5_000 };
    const { cells } = sumUp(...Array.from({ length: 10 }, () => [cent]));
    expect(cells).toMatchObject([{ minor: 10n, weightedMinor: 5n, deals: 10 }]);
    expect(sumUp([cent]).totals).toMatchObject([{ weightedMinor: 0n }]);
    expect(sumUp([cent], [cent], [cent]).totals).toMatchObject([{ weightedMinor: 2n }]);
  });

  test('keep what has no probability out of the weighted sum, and say how much that is', () => {
    const unknown = { ...LINE, chance: null, chanceFrom: null };
    expect(sumUp([LINE], [unknown])).toMatchObject({
      ...{ deals: 2, withoutChance: 1 },
      totals: [{ deals: 2, minor: 20_000n, weightedMinor: 4_000n, unknownDeals: 1, unknownMinor: 10_000n }],
    });
  });

  test('count a deal once in a month and in a currency, however many rules would pay for it', () => {
    const later = { ...LINE, ruleKey: 'second', expectedAt: Date.UTC(2026, 11, 24) };
    const none = { ...LINE, ruleKey: 'third', money: null };
    const { cells, totals, ...counts } = sumUp([LINE, { ...LINE, ruleKey: 'friend-won' }, later, none]);
    expect(cells.map(({ month, deals }) => [month, deals])).toEqual([
      ['2026-11', 1],
      ['2026-12', 1],
    ]);
    expect(totals).toMatchObject([{ deals: 1, minor: 30_000n }]);
    expect(counts).toMatchObject({ deals: 1, withoutAmount: 1 });
  });

  test('put deals without a close date behind all months', () => {
    const { cells, withoutCloseDate } = sumUp([{ ...LINE, closesAt: null, expectedAt: null }], [LINE]);
    expect(cells.map(({ month }) => month)).toEqual(['2026-11', null]);
    expect(withoutCloseDate).toBe(1);
  });

  const anyLine = fc.record({
    minor: fc.option(fc.bigInt(0n, 10n ** 15n)),
    currency: fc.constantFrom('EUR', 'USD', 'JPY'),
    chance: fc.option(fc.integer({ min: 0, max: CHANCE_WHOLE })),
    expectedAt: fc.option(fc.integer({ min: NOW, max: NOW + 400 * 86_400_000 })),
    isOverdue: fc.boolean(),
    lacks: fc.option(fc.constant('condition_unmet')),
  });

  test('weighted is never more than unweighted, months come to the total, and all of it to the lines', () => {
    const deals = fc.array(fc.array(anyLine, { minLength: 1, maxLength: 4 }), { maxLength: 30 });
    fc.assert(
      fc.property(deals, (drawn) => {
        const lines = drawn.map((rules) =>
          rules.map(
            ({ minor, currency, ...rest }): ForecastLine => ({
              ...LINE,
              ...rest,
              // Of one deal.
              chance: rules[0]?.chance ?? null,
              money: minor === null ? null : { minor, currency },
            }),
          ),
        );
        const { cells, totals, ...counts } = sumUp(...lines);
        const withMoney = lines.flat().flatMap(({ money, chance }) => (money ? [{ ...money, chance }] : []));
        expect(totals.map(({ currency }) => currency)).toEqual(
          [...new Set(withMoney.map(({ currency }) => currency))].sort(),
        );
        for (const sum of [...cells, ...totals]) {
          expect(sum.weightedMinor <= sum.minor - sum.unknownMinor).toBe(true);
          expect(sum.weightedMinor >= 0n).toBe(true);
          expect([sum.overdueMinor, sum.lackingMinor, sum.unknownMinor].every((part) => part <= sum.minor)).toBe(true);
          expect(sum.deals).toBeGreaterThan(0);
        }
        for (const total of totals) {
          const months = cells.filter(({ currency }) => currency === total.currency);
          for (const key of ['minor', 'weightedMinor', 'unknownMinor', 'overdueMinor', 'lackingMinor'] as const)
            expect(months.reduce((sum, month) => sum + month[key], 0n)).toBe(total[key]);
          const own = withMoney.filter(({ currency }) => currency === total.currency);
          expect(own.reduce((sum, { minor }) => sum + minor, 0n)).toBe(total.minor);
          // Never further from the exact sum than half a unit for each month.
          const exact = own.reduce((sum, { minor, chance }) => sum + minor * BigInt(chance ?? 0), 0n);
          const off = total.weightedMinor * BigInt(CHANCE_WHOLE) - exact;
          expect((off < 0n ? -off : off) * 2n <= BigInt(months.length * CHANCE_WHOLE)).toBe(true);
          expect(months.every(({ deals: count }) => count <= total.deals)).toBe(true);
        }
        expect(counts.deals).toBe(lines.length);
        // In whatever order they come.
        const again = sumUp(...lines.toReversed());
        expect(again).toEqual({ cells, totals, ...counts });
      }),
    );
  });
});
