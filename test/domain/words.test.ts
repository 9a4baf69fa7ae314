import { describe, expect, test } from 'vitest';
import { checkCondition, describeCondition, type Facts } from '../../src/domain/condition.ts';
import { withinLimits } from '../../src/domain/limit.ts';
import type { Condition, Limit, RewardRule } from '../../src/domain/program.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { tallyKey } from '../../src/domain/tally.ts';
import { MEMBER_RULE } from './world.ts';

const eur = (minor: bigint) => ({ minor, currency: 'EUR' });

const FACTS: Facts = {
  amount: eur(100_000n),
  pipelineId: 'sales',
  currency: 'EUR',
  source: 'label',
  days: 30,
  day: '2026-03-15',
  emailDomain: 'acme.example',
  wonReferrals: 3,
  tier: null,
  properties: { deal: undefined, friend: undefined, company: undefined },
};

describe('a condition', () => {
  test.each<[Condition, string, string, string, 'met' | 'unmet']>([
    [
      { fact: 'deal.amount', op: 'at_least', money: eur(100_000n) },
      'deal amount',
      'at least 1000.00 EUR',
      '1000.00 EUR',
      'met',
    ],
    [
      { fact: 'deal.amount', op: 'at_least', money: eur(100_001n) },
      'deal amount',
      'at least 1000.01 EUR',
      '1000.00 EUR',
      'unmet',
    ],
    [
      { fact: 'deal.amount', op: 'at_most', money: eur(100_000n) },
      'deal amount',
      'at most 1000.00 EUR',
      '1000.00 EUR',
      'met',
    ],
    [
      { fact: 'deal.amount', op: 'at_most', money: eur(99_999n) },
      'deal amount',
      'at most 999.99 EUR',
      '1000.00 EUR',
      'unmet',
    ],
    [
      { fact: 'deal.amount', op: 'at_most', money: { minor: 10n ** 9n, currency: 'JPY' } },
      'deal amount',
      'at most 1000000000 JPY',
      '1000.00 EUR',
      'unmet',
    ],
    [
      { fact: 'deal.pipeline', op: 'in', pipelineIds: ['renewals', 'sales'] },
      'deal pipeline',
      'renewals or sales',
      'sales',
      'met',
    ],
    [{ fact: 'deal.pipeline', op: 'not_in', pipelineIds: ['sales'] }, 'deal pipeline', 'not sales', 'sales', 'unmet'],
    [{ fact: 'deal.currency', op: 'in', currencies: ['USD'] }, 'deal currency', 'USD', 'EUR', 'unmet'],
    [{ fact: 'deal.currency', op: 'not_in', currencies: ['USD'] }, 'deal currency', 'not USD', 'EUR', 'met'],
    [
      { fact: 'referral.source', op: 'in', sources: ['code', 'label'] },
      'source of the referral',
      'code or label',
      'label',
      'met',
    ],
    [
      { fact: 'friend.email_domain', op: 'not_in', domains: ['acme.example'] },
      "domain of the friend's e-mail address",
      'not acme.example',
      'acme.example',
      'unmet',
    ],
    [{ fact: 'referral.days', op: 'at_most', days: 30 }, 'days since the referral', 'at most 30', '30', 'met'],
    [{ fact: 'referral.days', op: 'at_least', days: 31 }, 'days since the referral', 'at least 31', '30', 'unmet'],
    [{ fact: 'event.day', op: 'from', day: '2026-03-15' }, 'day of the event', 'from 2026-03-15', '2026-03-15', 'met'],
    [
      { fact: 'event.day', op: 'from', day: '2026-03-16' },
      'day of the event',
      'from 2026-03-16',
      '2026-03-15',
      'unmet',
    ],
    [
      { fact: 'event.day', op: 'until', day: '2026-03-15' },
      'day of the event',
      'until 2026-03-15',
      '2026-03-15',
      'met',
    ],
    [
      { fact: 'event.day', op: 'until', day: '2026-03-14' },
      'day of the event',
      'until 2026-03-14',
      '2026-03-15',
      'unmet',
    ],
    [
      { fact: 'member.won_referrals', op: 'at_least', count: 3 },
      'won referrals of the member',
      'at least 3',
      '3',
      'met',
    ],
    [
      { fact: 'member.won_referrals', op: 'at_most', count: 2 },
      'won referrals of the member',
      'at most 2',
      '3',
      'unmet',
    ],
  ])('number %$ of these asks for what its line says', (condition, name, expected, actual, verdict) => {
    expect(checkCondition(condition, FACTS).result).toEqual({ condition: name, expected, actual, verdict });
    expect(describeCondition(condition)).toEqual({ condition: name, expected });
  });

  const met: Condition = { fact: 'referral.days', op: 'at_most', days: 30 };
  const unmet: Condition = { fact: 'referral.days', op: 'at_least', days: 31 };
  const unknown: Condition = { fact: 'deal.amount', op: 'at_least', money: eur(1n) };

  test.each<[string, Condition, 'met' | 'unmet' | 'unknown']>([
    ['all of two that are met', { all: [met, met] }, 'met'],
    ['all of one that is met and one that is not known', { all: [met, unknown] }, 'unknown'],
    ['all of one that is not known and one that is not met', { all: [unknown, unmet] }, 'unmet'],
    ['one of two that are not met', { any: [unmet, unmet] }, 'unmet'],
    ['one of one that is not met and one that is not known', { any: [unmet, unknown] }, 'unknown'],
    ['one of one that is not known and one that is met', { any: [unknown, met] }, 'met'],
    ['not one that is met', { not: met }, 'unmet'],
    ['not one that is not met', { not: unmet }, 'met'],
    ['not one that is not known', { not: unknown }, 'unknown'],
  ])('that asks for %s', (_, condition, verdict) => {
    expect(checkCondition(condition, { ...FACTS, amount: null }).result.verdict).toBe(verdict);
  });

  test('with others inside is told in one line', () => {
    const days = { condition: 'days since the referral', expected: 'at most 30', actual: '30' };
    expect(checkCondition({ all: [met, unmet] }, FACTS).result).toMatchObject({
      condition: 'all of',
      expected: 'days since the referral at most 30 and days since the referral at least 31',
      actual: 'days since the referral 30, days since the referral 30',
    });
    expect(checkCondition({ any: [met, unmet] }, FACTS).result).toMatchObject({
      condition: 'one of',
      expected: 'days since the referral at most 30 or days since the referral at least 31',
    });
    expect(checkCondition({ not: met }, FACTS).result).toMatchObject({
      condition: 'none of',
      expected: `not: ${days.condition} ${days.expected}`,
      actual: `${days.condition} ${days.actual}`,
    });
  });

  test.each<[string, Condition, Partial<Facts>, string]>([
    ['unmet', unmet, {}, 'Not rewarded: days since the referral should be at least 31, it is 30.'],
    ['unmet, with a reason', { ...unmet, because: 'it was too soon.' }, {}, 'Not rewarded: it was too soon.'],
    [
      'not known, with a reason',
      { ...unknown, because: 'small.' },
      { amount: null },
      'Waiting: deal amount should be at least 0.01 EUR, it is not known.',
    ],
    [
      'of a currency that is not known',
      { fact: 'deal.currency', op: 'not_in', currencies: ['JPY'] },
      { currency: null },
      'Waiting: deal currency should be not JPY, it is not known.',
    ],
    [
      'of an address that is not known',
      { fact: 'friend.email_domain', op: 'in', domains: ['a.example'] },
      { emailDomain: null },
      "Waiting: domain of the friend's e-mail address should be a.example, it is not known.",
    ],
  ])('that is %s says so', (_, condition, facts, text) => {
    expect(reasonText(checkCondition(condition, { ...FACTS, ...facts }).reason)).toBe(text);
  });
});

describe('limits and the budget', () => {
  const limit = (more: Partial<Limit>): Limit => ({
    per: 'member',
    across: 'rule',
    window: 'life',
    count: null,
    money: null,
    ...more,
  });
  const AT = Date.UTC(2026, 2, 15);
  const ask = (
    rule: Partial<RewardRule>,
    used: Record<string, { count?: number; minor?: bigint }> = {},
    money = eur(10_000n),
  ) =>
    withinLimits({
      rule: { ...MEMBER_RULE, ...rule },
      programId: 'spring',
      memberId: 'mem_1',
      referralId: 'ref_1',
      company: null,
      at: AT,
      money,
      tally: (of) => ({ count: 0, minor: 0n, ...used[tallyKey(of).replaceAll('\n', ' | ')] }),
    });
  const RULE_LIFE = 'mem_1 | limit rule member-won life | ';

  test('count what was granted before, and say what they found', () => {
    const limits = [limit({ count: 1 })];
    expect(ask({ limits })).toEqual({
      kind: 'fits',
      money: eur(10_000n),
      results: [
        { condition: 'limit per member', expected: 'at most 1 reward', actual: '0 before this one', verdict: 'met' },
      ],
      uses: [{ owner: 'mem_1', key: 'limit rule member-won life', currency: '', count: 1, minor: 0n }],
    });
    const full = ask(
      { limits: [limit({ count: 2, window: 'month', per: 'friend', across: 'program' })] },
      { 'ref_1 | limit program spring month 2026-03 | ': { count: 2 } },
    );
    expect(full).toMatchObject({
      kind: 'full',
      results: [
        {
          condition: 'limit per friend and month',
          expected: 'at most 2 rewards',
          actual: '2 before this one',
          verdict: 'unmet',
        },
      ],
    });
    expect(ask({ limits: [limit({ count: 2 })] }, { [RULE_LIFE]: { count: 1 } }).kind).toBe('fits');
  });

  test('of money leave the rest of it, and nothing of another currency', () => {
    const limits = [limit({ per: 'program', window: 'year', money: eur(15_000n) })];
    const key = 'program spring | limit rule member-won year 2026 | EUR';
    expect(ask({ limits }, { [key]: { minor: 5_000n } })).toMatchObject({ kind: 'fits', money: eur(10_000n) });
    expect(ask({ limits }, { [key]: { minor: 5_001n } })).toMatchObject({
      kind: 'fits',
      money: eur(9_999n),
      results: [
        {
          condition: 'limit per program and year',
          expected: 'at most 150.00 EUR',
          actual: '50.01 EUR before this one',
          verdict: 'met',
        },
      ],
      uses: [
        { owner: 'program spring', key: 'limit rule member-won year 2026', currency: 'EUR', count: 0, minor: 9_999n },
      ],
    });
    expect(ask({ limits }, { [key]: { minor: 15_000n } })).toMatchObject({
      kind: 'full',
      results: [{ verdict: 'unmet' }],
    });
    expect(ask({ limits }, {}, { minor: 5n, currency: 'JPY' })).toMatchObject({
      kind: 'full',
      results: [{ actual: 'the reward is in JPY', verdict: 'unmet' }],
    });
  });

  test('that look at one tally are one use; the strictest of them decides', () => {
    const limits = [limit({ count: 5 }), limit({ count: 3 }), limit({ money: eur(4_000n) })];
    const outcome = ask({ limits }, { [RULE_LIFE]: { count: 2 } });
    expect(outcome).toMatchObject({ kind: 'fits', money: eur(4_000n) });
    expect(outcome.uses).toEqual([
      { owner: 'mem_1', key: 'limit rule member-won life', currency: '', count: 1, minor: 0n },
      { owner: 'mem_1', key: 'limit rule member-won life', currency: 'EUR', count: 0, minor: 4_000n },
    ]);
    expect(ask({ limits }, { [RULE_LIFE]: { count: 3 } }).kind).toBe('full');
  });

  test('a budget has to hold the whole of what the limits leave', () => {
    const rule = { usesBudget: true, limits: [limit({ money: eur(4_000n) })] };
    const budget = 'program spring | budget | EUR';
    expect(ask(rule, { [budget]: { minor: 4_000n } })).toMatchObject({
      kind: 'fits',
      money: eur(4_000n),
      results: [
        {},
        {
          condition: 'budget of the program',
          expected: 'at least 40.00 EUR left',
          actual: '40.00 EUR left',
          verdict: 'met',
        },
      ],
      uses: [{ minor: 4_000n }, { owner: 'program spring', key: 'budget', currency: 'EUR', count: 0, minor: -4_000n }],
    });
    expect(ask(rule, { [budget]: { minor: 3_999n } })).toMatchObject({
      kind: 'budget_spent',
      results: [{}, { actual: '39.99 EUR left', verdict: 'unmet' }],
    });
    expect(ask({ ...rule, limits: [limit({ count: 1 })] }, { [RULE_LIFE]: { count: 1 } }).kind).toBe('full');
  });
});
