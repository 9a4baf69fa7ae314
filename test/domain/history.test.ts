import { describe, expect, test } from 'vitest';
import { releaseByPerson } from '../../src/domain/desk-word.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { reasonText } from '../../src/domain/reason.ts';
import {
  contactOf,
  createWorld,
  DAY,
  dealOf,
  FRIEND_RULE,
  MEMBER_RULE,
  MINUTE,
  pointOf,
  T0,
  type World,
} from './world.ts';

const WON = { stageId: '4711' };
const LONG_AGO = T0 - 90 * DAY;
const WORD = { by: 'key:admin', why: 'A gift to our first members.', at: T0 + 2 * MINUTE };

/** Ada (1) referred Bob (2), who won a deal long before Wonward came. */
function worldWith(rules: readonly RewardRule[] = [MEMBER_RULE], won: readonly number[] = [LONG_AGO]): World {
  const world = createWorld(rules);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  won.forEach((at, index) => {
    world.putDeal(dealOf(String(100 + index), ['2'], [pointOf(at - DAY), pointOf(at, WON)]));
  });
  world.process(T0 + MINUTE);
  return world;
}

function lastOf(world: World, dealId = '100', ruleKey = 'member-won') {
  const own = world.state.decisions.filter(({ deal, ruleKey: key }) => deal.id === dealId && key === ruleKey);
  const last = own.at(-1);
  if (!last) throw new Error(`nothing was decided on ${dealId}`);
  return last;
}

function release(world: World, dealId = '100', ruleKey = 'member-won') {
  world.change((draft) => void releaseByPerson(draft, 'acc_1', lastOf(world, dealId, ruleKey), WORD));
}

describe('a deal that was won before the program began', () => {
  test('is decided on with what it would have paid, and nothing moves', () => {
    const world = worldWith();
    expect(lastOf(world)).toMatchObject({
      outcome: 'history',
      money: { minor: 10_000n, currency: 'EUR' },
      rewardId: null,
    });
    expect(reasonText(lastOf(world).reason)).toContain('It would have paid 100.00 EUR');
    expect(lastOf(world).calculation).not.toEqual([]);
    expect(world.journals).toEqual([]);
    expect(world.intents).toEqual([]);
    for (let again = 2; again < 20; again += 1) world.process(T0 + again * MINUTE);
    expect(world.state.decisions).toHaveLength(1);
  });

  test('of which a rule would not have paid anyway is no history: its reason is told as ever', () => {
    const over = { fact: 'deal.amount' as const, op: 'at_least' as const, money: { minor: 500_000n, currency: 'EUR' } };
    const world = worldWith([{ ...MEMBER_RULE, conditions: [over] }]);
    expect(lastOf(world)).toMatchObject({ outcome: 'skipped', reason: { code: 'deal_before_program' }, money: null });
  });

  test('would have been paid once where a rule pays the first deal, and stands in no later one’s way', () => {
    const world = worldWith([MEMBER_RULE], [LONG_AGO, LONG_AGO + DAY]);
    expect(lastOf(world).outcome).toBe('history');
    expect(lastOf(world, '101')).toMatchObject({ outcome: 'skipped' });
    world.putDeal(dealOf('102', ['2'], [pointOf(T0 + DAY), pointOf(T0 + 2 * DAY, WON)]));
    world.process(T0 + 3 * DAY);
    expect(lastOf(world, '102').outcome).toBe('rewarded');
  });

  test('of one group is listed by the rule that would have paid most', () => {
    const [small, large] = [
      { ...MEMBER_RULE, key: 'small', bestOf: 'one' },
      { ...MEMBER_RULE, key: 'large', bestOf: 'one', amount: { kind: 'percent' as const, basisPoints: 2_000 } },
    ];
    const world = worldWith([small, large]);
    expect(lastOf(world, '100', 'large').outcome).toBe('history');
    expect(lastOf(world, '100', 'small')).toMatchObject({ outcome: 'skipped', reason: { code: 'other_rule_better' } });
  });

  test('and is lost since, or deleted, is not on the list any more', () => {
    const world = worldWith([MEMBER_RULE, FRIEND_RULE]);
    world.putDeal(dealOf('100', ['2'], [pointOf(LONG_AGO - DAY), pointOf(LONG_AGO, WON), pointOf(T0 + DAY)]));
    world.process(T0 + DAY + MINUTE);
    expect(lastOf(world)).toMatchObject({ outcome: 'skipped', reason: { code: 'left_won' }, money: null });
    const gone = worldWith();
    gone.putDeal(dealOf('100', ['2'], [pointOf(LONG_AGO, WON)], { presence: 'deleted' }));
    gone.process(T0 + DAY);
    expect(lastOf(gone)).toMatchObject({ outcome: 'skipped', reason: { code: 'deal_deleted' } });
  });
});

describe('history that a person releases', () => {
  test('is paid once, however often it is asked for, and by nothing but the rules', () => {
    const world = worldWith();
    release(world);
    world.process(T0 + 3 * MINUTE);
    expect(lastOf(world)).toMatchObject({ outcome: 'rewarded', money: { minor: 10_000n } });
    expect(world.intents).toHaveLength(1);
    release(world);
    world.process(T0 + 4 * MINUTE);
    expect(world.intents).toHaveLength(1);
    expect(world.state.rewards).toHaveLength(1);
    world.pay(T0 + 5 * MINUTE);
    expect(Object.values(world.balances()).sort()).toEqual(['-10000', '10000']);
  });

  test('is released for the rule that was named, and for no other', () => {
    const world = worldWith([MEMBER_RULE, FRIEND_RULE]);
    release(world, '100', 'friend-won');
    world.process(T0 + 3 * MINUTE);
    expect(world.state.rewards.map(({ ruleKey }) => ruleKey)).toEqual(['friend-won']);
    expect(lastOf(world).outcome).toBe('history');
  });

  test('asks limits, holds and reviews like everything that is paid', () => {
    const limited: RewardRule = {
      ...MEMBER_RULE,
      deals: { kind: 'every' },
      limits: [{ per: 'member', across: 'rule', window: 'life', count: 1, money: null }],
    };
    const world = worldWith([limited], [LONG_AGO, LONG_AGO + DAY]);
    expect([lastOf(world).outcome, lastOf(world, '101').outcome]).toEqual(['history', 'history']);
    release(world);
    release(world, '101');
    world.process(T0 + 3 * MINUTE);
    expect([lastOf(world).outcome, lastOf(world, '101').outcome]).toEqual(['rewarded', 'capped']);
    const reviewed = worldWith([{ ...MEMBER_RULE, review: { when: 'always' } }]);
    release(reviewed);
    reviewed.process(T0 + 3 * MINUTE);
    expect(lastOf(reviewed).outcome).toBe('in_review');
    expect(reviewed.intents).toEqual([]);
  });

  test('is taken back like any other when its deal is lost', () => {
    const world = worldWith();
    release(world);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    world.putDeal(dealOf('100', ['2'], [pointOf(LONG_AGO - DAY), pointOf(LONG_AGO, WON), pointOf(T0 + DAY)]));
    world.process(T0 + DAY + MINUTE);
    expect(lastOf(world)).toMatchObject({ outcome: 'reversed', reason: { code: 'left_won' } });
    expect(world.state.rewards[0]?.state).toBe('clawed_back');
  });
});
