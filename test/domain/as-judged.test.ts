import { describe, expect, test } from 'vitest';
import { qualifiedAt, tierIn, tierReachedIn, tierThen, wonReferralsIn } from '../../src/domain/as-judged.ts';
import {
  checkCondition,
  type Facts,
  NO_TIER,
  TIER_CONDITION,
  WON_REFERRALS_CONDITION,
} from '../../src/domain/condition.ts';
import type { ConditionResult, Decision } from '../../src/domain/decision.ts';
import { TIER_REACHED_CONDITION } from '../../src/domain/eligibility.ts';
import type { Condition } from '../../src/domain/program.ts';
import { reason } from '../../src/domain/reason.ts';
import { decisionOf } from './granted.ts';
import { T0 } from './world.ts';

describe('a win is paid by what it was when it qualified', () => {
  const waited = (minute: number, more: Partial<Decision> = {}) =>
    decisionOf({ outcome: 'capped', rewardId: null, effectiveAt: T0 + minute, ...more });
  const NO_RATE = { outcome: 'waiting', reason: reason('rate_missing') } as const;

  test.each<[string, readonly Decision[], number | null]>([
    ['which is now where it was never decided on', [], null],
    ['which is now where nothing of it waited for room', [waited(1, { outcome: 'skipped' })], null],
    ['which is when a limit was reached', [waited(1)], 1],
    ['which is when the budget was spent', [waited(1, { outcome: 'queued' })], 1],
    ['which is when there was no rate', [waited(1, NO_RATE)], 1],
    ['the first time of several', [waited(1, NO_RATE), waited(2), waited(3, { outcome: 'queued' })], 1],
    ['not before something else was missing', [waited(1, { outcome: 'waiting' }), waited(2)], 2],
    ['anew after a reward', [waited(1), decisionOf(), waited(3)], 3],
    ['which is now right after a reward', [waited(1), decisionOf()], null],
    [
      'anew after the referral was given to another member',
      [waited(1), waited(2, { outcome: 'reversed', reason: reason('re_attributed') }), waited(3)],
      3,
    ],
  ])('%s', (_, before, minute) => {
    const at = minute === null ? null : T0 + minute;
    expect(qualifiedAt({}, before)).toBe(at);
    expect(qualifiedAt({ amountChanges: 'ignore' }, before)).toBe(at);
    expect(qualifiedAt({ amountChanges: 'follow' }, before)).toBeNull();
  });
});

const LEVELS = [
  { key: 'bronze', name: 'Bronze', from: 1 },
  { key: 'silver', name: 'Silver', from: 3 },
  { key: 'gold', name: 'Gold', from: 5 },
];
const FACTS: Facts = {
  amount: null,
  pipelineId: 'sales',
  currency: null,
  source: 'label',
  days: 0,
  day: '2026-01-05',
  emailDomain: null,
  wonReferrals: 12,
  tier: { levels: LEVELS, held: 'silver', reached: 'gold' },
  properties: { deal: undefined, friend: undefined, company: undefined },
};
const PIPELINE = { fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] } as const;
const COUNT = { fact: 'member.won_referrals', op: 'at_least', count: 3 } as const;
const TIER = { fact: 'member.tier', op: 'at_least', tier: 'bronze' } as const;

/** As conditions are written into a decision. */
const told = (...conditions: Condition[]) => ({
  conditions: conditions.map((one) => checkCondition(one, FACTS).result),
  calculation: [],
});
const line = (condition: string, actual: string): ConditionResult => ({
  condition,
  expected: '',
  actual,
  verdict: 'met',
});
const lines = (...conditions: ConditionResult[]) => ({ conditions, calculation: [] });
const byStep = (step: 'step_by_count' | 'step_by_tier' | 'converted', values: Record<string, string>) => ({
  step,
  values,
  result: '',
});

describe('which won referral it was', () => {
  test.each<[string, Parameters<typeof wonReferralsIn>[0], number | null]>([
    ['is not told where it did not matter', told(PIPELINE), null],
    ['is told by a condition', told(PIPELINE, COUNT), 12],
    ['also inside others', told({ all: [PIPELINE, COUNT, TIER] }), 12],
    ['also where none of it is to be', told({ not: { any: [COUNT, PIPELINE] } }), 12],
    [
      'by the amount’s step, before any condition',
      { ...told(COUNT), calculation: [byStep('step_by_count', { count: '4' })] },
      4,
    ],
    ['not by a step of another kind', { conditions: [], calculation: [byStep('step_by_tier', { count: '4' })] }, null],
  ])('%s', (_, judged, expected) => {
    expect(wonReferralsIn(judged)).toBe(expected);
  });
});

describe('the tier that it went by', () => {
  test.each<[string, Parameters<typeof tierIn>[0], ReturnType<typeof tierIn>]>([
    ['is not told where none was asked for', told(PIPELINE, COUNT), undefined],
    ['is told by a condition', told(TIER), 'silver'],
    ['also inside others', told({ any: [TIER, PIPELINE] }), 'silver'],
    ['is none where the member had none', lines(line(TIER_CONDITION, NO_TIER)), null],
    ['is none inside others as well', lines(line('one of', `${TIER_CONDITION} ${NO_TIER}, deal pipeline sales`)), null],
    [
      'is told by the amount’s step, before any condition',
      { ...told(TIER), calculation: [byStep('step_by_tier', { tier: 'gold' })] },
      'gold',
    ],
    ['is none where that step had none', { ...told(TIER), calculation: [byStep('step_by_tier', { tier: '' })] }, null],
    [
      'is not that of another step',
      { conditions: [], calculation: [byStep('converted', { tier: 'gold' })] },
      undefined,
    ],
    ['is none where nothing follows its name', lines(line('all of', `${TIER_CONDITION} `)), undefined],
  ])('%s', (_, judged, expected) => {
    expect(tierIn(judged)).toBe(expected);
  });

  test('and the one that the score reached are two', () => {
    const judged = lines(line(TIER_CONDITION, 'silver'), line(TIER_REACHED_CONDITION, 'gold'));
    expect([tierIn(judged), tierReachedIn(judged)]).toEqual(['silver', 'gold']);
    expect(tierReachedIn(lines(line(TIER_REACHED_CONDITION, NO_TIER)))).toBeNull();
    expect(tierReachedIn(told(TIER))).toBeUndefined();
    expect(wonReferralsIn(lines(line(WON_REFERRALS_CONDITION, '7')))).toBe(7);
  });
});

describe('a tier is judged by again as it was', () => {
  const NOW = { levels: LEVELS, held: 'bronze', reached: 'silver' };
  const held = (tier: string) => lines(line(TIER_CONDITION, tier));
  const reached = (tier: string) => lines(line(TIER_REACHED_CONDITION, tier));

  test.each<[string, Parameters<typeof tierThen>, ReturnType<typeof tierThen>]>([
    ['which is nothing in a program without tiers', [null, [held('gold')]], null],
    ['which is as it is now where nothing was told', [NOW, [told(PIPELINE)]], NOW],
    ['by the tier that was held', [NOW, [told(PIPELINE), held('gold'), held('silver')]], { ...NOW, held: 'gold' }],
    ['also where none was held', [NOW, [held(NO_TIER)]], { ...NOW, held: null }],
    ['by the tier that was reached', [NOW, [told(PIPELINE), reached('bronze')]], { ...NOW, reached: 'bronze' }],
    ['also where none was reached', [NOW, [reached(NO_TIER)]], { ...NOW, reached: null }],
    ['by what is left of a score that has fallen since', [NOW, [reached('gold')]], NOW],
    ['by the same where it has not', [NOW, [reached('silver')]], NOW],
  ])('%s', (_, input, expected) => {
    expect(tierThen(...input)).toEqual(expected);
  });
});
