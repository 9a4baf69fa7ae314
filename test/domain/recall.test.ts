import { describe, expect, test } from 'vitest';
import type { Reward } from '../../src/domain/decision.ts';
import { expireUnused, hasExpired, isToRecall } from '../../src/domain/recall.ts';
import { contactOf, createWorld, DAY, dealOf, MEMBER_RULE, MINUTE, pointOf, T0, type World } from './world.ts';

const WON = { stageId: '4711' };

/** A reward for Bob's deal that was issued, and has to be used within a day. */
function issued(): World {
  const world = createWorld([{ ...MEMBER_RULE, payout: 'coupon', expiresAfterDays: 1 }]);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  world.putDeal(dealOf('100', ['2'], [pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, WON)]));
  world.process(T0 + 3 * MINUTE);
  world.pay(T0 + 4 * MINUTE);
  return world;
}

const only = (world: World): Reward => {
  const [reward] = world.state.rewards;
  if (!reward) throw new Error('nothing was granted');
  return reward;
};

describe('a reward that expired', () => {
  test('is not given again for its deal, whatever happens to that, and uses up the one deal that its rule pays for', () => {
    const world = issued();
    expect(only(world).expiresAt).toBe(T0 + 4 * MINUTE + DAY);
    world.change((draft) => expireUnused(draft, 'acc_1', only(world), T0 + 2 * DAY));
    expect(only(world)).toMatchObject({ state: 'expired', reason: { code: 'expired_unused' } });
    expect(world.balances()).toEqual({});
    const later = (minutes: number) => T0 + 3 * DAY + minutes * MINUTE;
    expect(world.process(later(0)).decisions).toEqual([]);
    const deal = world.deals.get('100');
    if (!deal) throw new Error('no deal');
    world.putDeal({
      ...deal,
      history: [...deal.history, pointOf(later(1)), pointOf(later(2), WON)],
    });
    world.process(later(3));
    world.putDeal(dealOf('101', ['2'], [pointOf(later(4)), pointOf(later(5), WON)]));
    world.process(later(6));
    expect(world.state.rewards).toHaveLength(1);
    expect(world.state.decisions.at(-1)).toMatchObject({ outcome: 'skipped', reason: { code: 'other_deal_rewarded' } });
  });

  test('has done so from its time on, and only while it is in somebody’s hands', () => {
    const reward = only(issued());
    const at = reward.expiresAt ?? 0;
    expect([hasExpired(reward, at - 1), hasExpired(reward, at)]).toEqual([false, true]);
    for (const state of ['redeemed', 'clawed_back', 'failed', 'expired'] as const)
      expect([state, isToRecall({ ...reward, state }, 'expire', at)]).toEqual([state, false]);
    expect(isToRecall({ ...reward, state: 'clawed_back' }, 'cancel', at)).toBe(true);
    expect(isToRecall(reward, 'cancel', at)).toBe(false);
  });
});
