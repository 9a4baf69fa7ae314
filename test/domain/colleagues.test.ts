import { describe, expect, test } from 'vitest';
import { type AttributionPolicy, DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import { policyHash } from '../../src/domain/policy.ts';
import type { Referral } from '../../src/domain/referral.ts';
import { contactOf, createWorld, DAY, dealOf, MEMBER_RULE, MINUTE, pointOf, T0, type World } from './world.ts';

const WON = { stageId: '4711' };
const ACME = { company: { id: 'acme', properties: {} } };

/** Ada (1) referred contact 3 of Acme; contact 4 works there too. */
function worldOf(more: Partial<AttributionPolicy> = {}): World {
  const world = createWorld([MEMBER_RULE]);
  const policy = { ...DEFAULT_POLICY, sources: ['email', 'label', 'code', 'company'] as const, ...more };
  world.setState({
    attribution: { version: 1, policy, contentHash: policyHash(policy), publishedAt: T0, publishedBy: 'an admin' },
  });
  world.putContact(contactOf('1'));
  world.putContact(contactOf('3', { referredByIds: ['1'], ...ACME }));
  world.process(T0 + 2 * DAY);
  const first = referralOf(world, '3');
  if (first) world.setState({ companies: new Map([['acme', first.id]]) });
  return world;
}

function referralOf(world: World, contactId: string): Referral | undefined {
  return world.state.referrals.find(({ friend }) => friend.contact?.id === contactId);
}

/** The colleague's deal, won on a day. */
function win(world: World, day: number): void {
  world.putContact(contactOf('4', ACME));
  world.putDeal(dealOf('d', ['4'], [pointOf(T0 + MINUTE), pointOf(T0 + day * DAY, WON)]));
  world.process(T0 + 4 * DAY);
}

function outcomes(world: World): string[] {
  return world.state.decisions.map(({ outcome, reason }) => `${outcome} ${reason.code}`);
}

function change(world: World, contactId: string, more: Partial<Referral>): void {
  const referrals = world.state.referrals.map((one) =>
    one.friend.contact?.id === contactId ? { ...one, ...more } : one,
  );
  world.setState({ referrals });
}

describe('a colleague', () => {
  test('is the member’s, and whose referral it follows is kept', () => {
    const world = worldOf();
    win(world, 3);
    const first = referralOf(world, '3');
    expect(referralOf(world, '4')).toMatchObject({
      source: 'company',
      memberId: first?.memberId,
      submittedAt: first?.submittedAt,
      follows: { referralId: first?.id, since: null },
    });
    expect(outcomes(world)).toEqual(['rewarded rewarded']);
  });

  test('whom the CRM named a friend of brings what was won since the program began', () => {
    const world = worldOf();
    win(world, 1);
    expect(outcomes(world)).toEqual(['rewarded rewarded']);
  });

  test('of a friend who was submitted brings nothing that was won before', () => {
    for (const [day, said] of [
      [1, 'skipped deal_before_referral'],
      [3, 'rewarded rewarded'],
    ] as const) {
      const world = worldOf();
      change(world, '3', { source: 'explicit' });
      win(world, day);
      expect(referralOf(world, '4')?.follows?.since).toBe(T0 + 2 * DAY);
      expect(outcomes(world)).toEqual([said]);
    }
  });

  test('follows no referral that was declined, that is too old, or that follows one itself', () => {
    const declined = worldOf();
    change(declined, '3', {
      stage: 'declined',
      reason: { code: 'existing_customer', values: { wonOn: '2026-01-01' } },
    });
    win(declined, 3);
    expect(referralOf(declined, '4')).toBeUndefined();

    const old = worldOf({ windowDays: 1 });
    win(old, 3);
    expect(referralOf(old, '4')).toBeUndefined();

    const second = worldOf();
    change(second, '3', { source: 'company' });
    win(second, 3);
    expect(referralOf(second, '4')).toBeUndefined();
  });

  test('who is on the deal beside the friend takes nothing from the friend', () => {
    const world = worldOf();
    world.putContact(contactOf('2', ACME));
    world.putDeal(dealOf('d', ['2', '3'], [pointOf(T0 + MINUTE), pointOf(T0 + 3 * DAY, WON)]));
    world.process(T0 + 4 * DAY);
    const paid = world.state.rewards.map(({ referralId }) => referralId);
    expect(paid).toEqual([referralOf(world, '3')?.id]);
  });

  test('is nobody’s where the policy counts no companies', () => {
    const world = worldOf({ sources: ['email', 'label', 'code'] });
    win(world, 3);
    expect(referralOf(world, '4')).toBeUndefined();
  });
});
