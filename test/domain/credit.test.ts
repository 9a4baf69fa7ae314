import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shareOf } from '../../src/domain/amount.ts';
import { type AttributionPolicy, DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import { policyHash } from '../../src/domain/policy.ts';
import { type RewardRule, rulesFor } from '../../src/domain/program.ts';
import { moveReferral } from '../../src/domain/re-attribute.ts';
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
const LOST = { stageId: 'gone' };
const PERCENT: RewardRule = {
  ...MEMBER_RULE,
  amount: { kind: 'percent', basisPoints: 1_000 },
  amountChanges: 'follow',
  payout: 'webhook',
};

/** Ada (1) and Bob (2) are members; a policy shares the credit 70 to 30. */
function worldOf(rules: RewardRule[] = [PERCENT, FRIEND_RULE], more: Partial<AttributionPolicy> = {}): World {
  const world = createWorld(rules);
  const policy = { ...DEFAULT_POLICY, assistPercent: 30, ...more };
  world.setState({
    attribution: { version: 1, policy, contentHash: policyHash(policy), publishedAt: T0, publishedBy: 'an admin' },
  });
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2'));
  world.putContact(contactOf('8', { referredByIds: ['1'] }));
  world.putContact(contactOf('9', { referredByIds: ['2'] }));
  world.process(T0 + MINUTE);
  return world;
}

function memberOf(world: World, contactId: string) {
  const member = world.state.members.find(({ contact }) => contact?.id === contactId);
  if (!member) throw new Error(`${contactId} is no member`);
  return member;
}

function referralOf(world: World, contactId: string) {
  const referral = world.state.referrals.find(({ friend }) => friend.contact?.id === contactId);
  if (!referral) throw new Error(`${contactId} was not referred`);
  return referral;
}

/** Contact 3, whom Ada's label and Bob's code speak for. */
function befriend(world: World, day = 1): void {
  world.putContact(contactOf('3', { referredByIds: ['1'], usedCode: memberOf(world, '2').code }));
  world.process(T0 + day * DAY);
}

function win(world: World, amount: string, day: number, id = 'd', contactId = '3'): void {
  const at = { amount, currency: 'EUR' };
  world.putDeal(dealOf(id, [contactId], [pointOf(T0 + MINUTE, at), pointOf(T0 + day * DAY, { ...WON, ...at })]));
  world.process(T0 + day * DAY + MINUTE);
}

function standing(world: World): string[] {
  const nameOf = (id: string) => world.state.members.find((member) => member.id === id)?.contact?.id ?? 'friend';
  return world.state.rewards
    .filter(({ state, reversalPending }) => !['voided', 'clawed_back'].includes(state) && !reversalPending)
    .map(
      ({ party, beneficiaryId, money, clawedBack }) => `${party} ${nameOf(beneficiaryId)} ${money.minor - clawedBack}`,
    )
    .sort();
}

describe('credit that two members share', () => {
  test('is shared also by a node whose clock is behind the one that shared it, and what it decides is recorded after that', () => {
    const world = worldOf([{ ...PERCENT, amountChanges: 'ignore' }]);
    befriend(world, 3);
    win(world, '1000.00', 2);
    expect(standing(world)).toEqual(['assist 2 3000', 'member 1 7000']);
    const since = referralOf(world, '3').assist?.since ?? Number.NaN;
    expect(Math.min(...world.state.decisions.map(({ recordedAt }) => recordedAt))).toBeGreaterThanOrEqual(since);
    world.process(T0 + 4 * DAY);
    expect(standing(world)).toEqual(['assist 2 3000', 'member 1 7000']);
  });

  test('begins and ends after what was decided before, though that was by a clock that was ahead', () => {
    const world = worldOf([
      {
        ...PERCENT,
        conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 1_000_000n, currency: 'EUR' } }],
      },
    ]);
    world.putContact(contactOf('3', { referredByIds: ['1'] }));
    win(world, '1000', 9);
    const skipped = Math.max(...world.state.decisions.map(({ recordedAt }) => recordedAt));
    expect(skipped).toBeGreaterThan(T0 + 9 * DAY);
    befriend(world, 3);
    const { assist } = referralOf(world, '3');
    expect(assist?.since).toBe(skipped + 1);
    world.change((draft) => {
      const move = { referralId: referralOf(world, '3').id, memberId: memberOf(world, '2').id };
      moveReferral(draft, world.state, { ...move, by: 'support', why: 'it was Bob', at: T0 + 4 * DAY });
    });
    expect(referralOf(world, '3').assist?.until).toBeGreaterThan(skipped);
  });

  test('gives each their part of what the rule gives, and the friend all of theirs', () => {
    const world = worldOf();
    befriend(world);
    win(world, '1000.10', 2);
    expect(standing(world)).toEqual(['assist 2 3000', 'friend friend 5000', 'member 1 7001']);
    const assist = world.state.decisions.find(({ party }) => party === 'assist');
    expect(assist?.calculation.at(-1)).toMatchObject({
      step: 'shared',
      values: { percent: '30', amount: '100.01 EUR' },
      result: '30.00 EUR',
    });
  });

  test('says among whom it was shared', () => {
    const world = worldOf();
    world.putContact(contactOf('3', { referredByIds: ['1'], usedCode: memberOf(world, '2').code }));
    const plan = world.process(T0 + DAY);
    expect(plan.attributions).toMatchObject([
      {
        memberId: memberOf(world, '1').id,
        candidates: [
          { source: 'label', verdict: 'winner' },
          { source: 'code', verdict: 'assist' },
        ],
      },
    ]);
    expect(referralOf(world, '3').assist).toEqual({ memberId: memberOf(world, '2').id, percent: 30, since: T0 + DAY });
  });

  test('is not shared by default', () => {
    const world = worldOf(undefined, { assistPercent: undefined });
    befriend(world);
    win(world, '1000', 2);
    expect(standing(world)).toEqual(['friend friend 5000', 'member 1 10000']);
  });

  test('is joined by evidence that appears before anything was granted, and by none after', () => {
    const late = worldOf();
    late.putContact(contactOf('3', { referredByIds: ['1'] }));
    late.process(T0 + DAY);
    befriend(late, 2);
    win(late, '1000', 3);
    expect(standing(late)).toEqual(['assist 2 3000', 'friend friend 5000', 'member 1 7000']);

    const tooLate = worldOf();
    tooLate.putContact(contactOf('3', { referredByIds: ['1'] }));
    win(tooLate, '1000', 3);
    befriend(tooLate, 4);
    expect(standing(tooLate)).toEqual(['friend friend 5000', 'member 1 10000']);
    expect(referralOf(tooLate, '3').assist).toBeUndefined();
  });

  test('is not joined where the referral was there before the policy', () => {
    const world = createWorld([PERCENT]);
    for (const id of ['1', '2']) world.putContact(contactOf(id));
    world.putContact(contactOf('3', { referredByIds: ['1'] }));
    world.putContact(contactOf('9', { referredByIds: ['2'] }));
    world.process(T0 + MINUTE);
    const policy = { ...DEFAULT_POLICY, assistPercent: 30 };
    world.setState({
      attribution: { version: 1, policy, contentHash: policyHash(policy), publishedAt: T0 + DAY, publishedBy: 'x' },
    });
    befriend(world, 2);
    expect(referralOf(world, '3').assist).toBeUndefined();
  });

  test('is never the friend’s own, nor that of somebody whom the friend referred', () => {
    const world = worldOf();
    world.putContact(contactOf('3', { referredByIds: ['1', '3'] }));
    world.process(T0 + DAY);
    expect(referralOf(world, '3').assist).toBeUndefined();
    world.putContact(contactOf('4', { referredByIds: ['3'] }));
    world.process(T0 + DAY + MINUTE);
    world.putContact(contactOf('3', { referredByIds: ['1', '4'] }));
    world.process(T0 + 2 * DAY);
    expect(referralOf(world, '3').assist).toBeUndefined();
  });

  test('shrinks for both when the deal does, and ends for both when it is lost', () => {
    const world = worldOf([PERCENT]);
    befriend(world);
    win(world, '1000', 2);
    world.pay(T0 + 3 * DAY);
    const at = (amount: string, day: number, stage: object = WON) => pointOf(T0 + day * DAY, { amount, ...stage });
    world.putDeal(dealOf('d', ['3'], [at('1000', 0, {}), at('1000', 2), at('500', 4)]));
    world.process(T0 + 4 * DAY);
    expect(standing(world)).toEqual(['assist 2 1500', 'member 1 3500']);
    const history = [at('1000', 0, {}), at('1000', 2), at('500', 4), at('500', 5, LOST)];
    world.putDeal(dealOf('d', ['3'], history));
    world.process(T0 + 5 * DAY);
    expect(standing(world)).toEqual([]);
    expect(world.balances()).toMatchObject({
      [`receivable:member:${memberOf(world, '1').id} EUR`]: '7000',
      [`receivable:member:${memberOf(world, '2').id} EUR`]: '3000',
    });
  });

  test('is one member’s again when a person gives the referral to one', () => {
    const world = worldOf([PERCENT]);
    befriend(world);
    win(world, '1000', 2);
    world.change((draft) => {
      const move = { referralId: referralOf(world, '3').id, memberId: memberOf(world, '2').id };
      moveReferral(draft, world.state, { ...move, by: 'support', why: 'it was Bob', at: T0 + 3 * DAY });
    });
    world.process(T0 + 3 * DAY + MINUTE);
    expect(standing(world)).toEqual(['member 2 10000']);
    expect(referralOf(world, '3').assist).toMatchObject({ until: T0 + 3 * DAY });
  });

  test('counts as one reward of the friend, and as one of each member', () => {
    const once = (per: 'friend' | 'member'): RewardRule => ({
      ...PERCENT,
      deals: { kind: 'every' },
      limits: [{ per, across: 'program', window: 'life', count: 1, money: null }],
    });
    for (const per of ['friend', 'member'] as const) {
      const world = worldOf([once(per)]);
      befriend(world);
      win(world, '1000', 2);
      win(world, '1000', 3, 'e');
      expect(standing(world), per).toEqual(['assist 2 3000', 'member 1 7000']);
    }
  });

  test('leaves to the member what they earned by their own number of wins', () => {
    const firstWin: RewardRule = {
      ...PERCENT,
      key: 'first-win',
      conditions: [{ fact: 'member.won_referrals', op: 'exactly', count: 1 }],
    };
    const world = worldOf([firstWin]);
    befriend(world);
    win(world, '1000', 2);
    expect(standing(world)).toEqual(['member 1 10000']);
  });

  test('loses and makes nothing, whatever the amount, the part and the rounding', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom('half_even' as const, 'half_up' as const, 'up' as const, 'down' as const),
        fc.constantFrom(1, 100),
        (minor, percent, mode, toMinor) => {
          const rule: RewardRule = { ...MEMBER_RULE, rounding: { mode, toMinor } };
          const assist = { memberId: 'mem_2', percent, since: T0 };
          const parts = rulesFor([rule], { assist }, T0).map(
            (one) => shareOf(one, { minor, currency: 'EUR' }).money?.minor ?? 0n,
          );
          expect(parts).toHaveLength(2);
          expect(parts.every((part) => part >= 0n)).toBe(true);
          expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(minor);
        },
      ),
    );
  });
});
