import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttributionPolicy, DEFAULT_POLICY, rankCandidates } from '../../src/domain/attribution-policy.ts';
import { createDraft } from '../../src/domain/plan.ts';
import { policyHash } from '../../src/domain/policy.ts';
import { type MoveResult, moveReferral } from '../../src/domain/re-attribute.ts';
import type { Referral } from '../../src/domain/referral.ts';
import { decideByPerson } from '../../src/domain/review.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
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
const PAID = { ...MEMBER_RULE, payout: 'webhook' };

/** Ada (1) and Bob (2) are members; contact 3 is Ada's friend. */
function worldOf(...rules: Parameters<typeof createWorld>[0] & object): World {
  const world = createWorld(rules.length > 0 ? rules : [PAID, FRIEND_RULE]);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2'));
  world.putContact(contactOf('3', { referredByIds: ['1'] }));
  world.putContact(contactOf('4', { referredByIds: ['2'] }));
  world.process(T0 + MINUTE);
  return world;
}

function publish(world: World, more: Partial<AttributionPolicy>): void {
  const policy = { ...DEFAULT_POLICY, ...more };
  world.setState({
    attribution: { version: 1, policy, contentHash: policyHash(policy), publishedAt: T0, publishedBy: 'an admin' },
  });
}

function memberOf(world: World, contactId: string): string {
  const member = world.state.members.find(({ contact }) => contact?.id === contactId);
  if (!member) throw new Error(`${contactId} is no member`);
  return member.id;
}

function referralOf(world: World, contactId: string): Referral {
  const referral = world.state.referrals.find(({ friend }) => friend.contact?.id === contactId);
  if (!referral) throw new Error(`${contactId} was not referred`);
  return referral;
}

function win(world: World, id: string, contactId: string, day: number): void {
  world.putDeal(dealOf(id, [contactId], [pointOf(T0 + MINUTE), pointOf(T0 + day * DAY, WON)]));
}

function move(world: World, friend: string, member: string, at: number): MoveResult {
  let result: MoveResult | undefined;
  world.change((draft) => {
    result = moveReferral(draft, world.state, {
      referralId: referralOf(world, friend).id,
      memberId: memberOf(world, member),
      by: 'support',
      why: 'Bob met them first',
      at,
    });
  });
  if (!result) throw new Error('nothing was moved');
  return result;
}

function standing(world: World): string[] {
  return world.state.rewards
    .filter(({ state, reversalPending }) => !['voided', 'clawed_back'].includes(state) && !reversalPending)
    .map(({ party, beneficiaryId, money }) => `${party} ${nameOf(world, beneficiaryId)} ${money.minor}`)
    .sort();
}

function nameOf(world: World, id: string): string {
  return world.state.members.find((member) => member.id === id)?.contact?.id ?? 'friend';
}

describe('a referral that is given to another member', () => {
  test('takes the rewards of the old one back and pays the new one, and leaves the friend alone', () => {
    const world = worldOf();
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    expect(standing(world)).toEqual(['friend friend 5000', 'member 1 10000']);
    expect(move(world, '3', '2', T0 + 2 * DAY).kind).toBe('moved');
    world.process(T0 + 2 * DAY + MINUTE);
    expect(standing(world)).toEqual(['friend friend 5000', 'member 2 10000']);
    const [ada, bob] = [memberOf(world, '1'), memberOf(world, '2')];
    expect(world.balances()).toMatchObject({ [`payable:member:${bob} EUR`]: '-10000' });
    expect(world.balances()).not.toHaveProperty(`payable:member:${ada} EUR`);
    const chain = world.state.decisions.filter(({ party }) => party === 'member');
    expect(chain.map(({ outcome, reason }) => `${outcome} ${reason.code}`)).toEqual([
      'rewarded rewarded',
      'reversed re_attributed',
      'rewarded rewarded',
    ]);
  });

  test('claims back from the old one what was paid out', () => {
    const world = worldOf(PAID);
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    world.pay(T0 + DAY);
    move(world, '3', '2', T0 + 2 * DAY);
    world.process(T0 + 2 * DAY + MINUTE);
    const [ada, bob] = [memberOf(world, '1'), memberOf(world, '2')];
    expect(world.balances()).toMatchObject({
      [`receivable:member:${ada} EUR`]: '10000',
      [`payable:member:${bob} EUR`]: '-10000',
    });
  });

  test('waits for the provider that is being asked, and does not let that order stand for the new one', () => {
    const world = worldOf(PAID);
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    world.startPaying();
    move(world, '3', '2', T0 + 2 * DAY);
    world.process(T0 + 2 * DAY + MINUTE);
    expect(standing(world)).toEqual(['member 2 10000']);
    world.finishPaying(T0 + 3 * DAY);
    expect(world.balances()).toMatchObject({ [`receivable:member:${memberOf(world, '1')} EUR`]: '10000' });
    expect(standing(world)).toEqual(['member 2 10000']);
  });

  test('stays with the new one whatever the CRM goes on to say, and once is enough', () => {
    const world = worldOf();
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    move(world, '3', '2', T0 + 2 * DAY);
    for (let times = 1; times < 4; times += 1) world.process(T0 + 2 * DAY + times * MINUTE);
    const decisions = world.state.decisions.length;
    expect(move(world, '3', '2', T0 + 3 * DAY).kind).toBe('existing');
    world.process(T0 + 4 * DAY);
    expect(world.state.decisions).toHaveLength(decisions);
    expect(nameOf(world, referralOf(world, '3').memberId)).toBe('2');
  });

  test('is refused for the friend themselves, and for somebody whom the friend has referred', () => {
    const world = worldOf();
    world.putContact(contactOf('5', { referredByIds: ['3'] }));
    world.putContact(contactOf('6', { referredByIds: ['5'] }));
    world.process(T0 + 2 * MINUTE);
    expect(move(world, '3', '3', T0 + DAY)).toMatchObject({ kind: 'refused', reason: { code: 'self_referral' } });
    expect(move(world, '3', '5', T0 + DAY)).toMatchObject({ kind: 'refused', reason: { code: 'referral_cycle' } });
    expect(nameOf(world, referralOf(world, '3').memberId)).toBe('1');
  });

  test('that was rejected for the old member is judged anew for the new one', () => {
    const world = worldOf({ ...PAID, review: { when: 'always' } });
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    world.change((draft) => {
      const [reward] = world.state.rewards;
      if (!reward) throw new Error('no reward');
      const verdict = { isApproved: false, by: 'a reviewer', why: 'not Ada', at: T0 + DAY + MINUTE };
      decideByPerson(draft, world.state.accountId, reward, verdict);
    });
    move(world, '3', '2', T0 + 2 * DAY);
    world.process(T0 + 2 * DAY + MINUTE);
    expect(standing(world)).toEqual(['member 2 10000']);
  });

  test('keeps who decided it, and among whom', () => {
    const world = worldOf();
    const draft = createDraft(world.state);
    moveReferral(draft, world.state, {
      referralId: referralOf(world, '3').id,
      memberId: memberOf(world, '2'),
      by: 'support',
      why: 'Bob met them first',
      at: T0 + DAY,
    });
    expect(draft.plan().attributions).toMatchObject([
      {
        kind: 'moved',
        memberId: memberOf(world, '2'),
        fromMemberId: memberOf(world, '1'),
        reason: { code: 'attributed_moved', values: { by: 'support', why: 'Bob met them first' } },
        candidates: [{ verdict: 'winner' }, { memberId: memberOf(world, '1'), source: 'label', verdict: 'outranked' }],
      },
    ]);
    expect(draft.plan().wakes).toContainEqual({
      record: { connectionId: 'con_1', object: 'contact', id: '3' },
      at: T0 + DAY,
    });
  });

  test('moves what it counts towards a tier with it', () => {
    const tiers: TierScheme = {
      by: { kind: 'won_referrals' },
      down: { kind: 'grace', days: 0 },
      levels: [{ key: 'star', name: 'Star', from: 1 }],
    };
    const world = worldOf();
    world.setState({ programs: world.state.programs.map((program) => ({ ...program, tiers })) });
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    move(world, '3', '2', T0 + 2 * DAY);
    world.process(T0 + 2 * DAY + MINUTE);
    expect(world.state.tiers?.map(({ move: kind, memberId }) => `${nameOf(world, memberId)} ${kind}`)).toEqual([
      '1 reached',
      '1 lost',
      '2 reached',
    ]);
  });

  test('asks for a further look at the tiers of both members', () => {
    const tiers: TierScheme = {
      by: { kind: 'won_referrals' },
      windowDays: 30,
      down: { kind: 'grace', days: 10 },
      levels: [{ key: 'star', name: 'Star', from: 1 }],
    };
    const world = worldOf();
    world.setState({ programs: world.state.programs.map((program) => ({ ...program, tiers })) });
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    const draft = createDraft(world.state);
    moveReferral(draft, world.state, {
      referralId: referralOf(world, '3').id,
      memberId: memberOf(world, '2'),
      by: 'support',
      why: 'Bob met them first',
      at: T0 + 2 * DAY,
    });
    // Ada has ten days to get back; what Bob has leaves the window thirty days after the win.
    expect(draft.plan().tierLooks.map(({ memberId, at }) => [nameOf(world, memberId), at])).toEqual([
      ['1', T0 + 12 * DAY],
      ['2', T0 + 31 * DAY],
    ]);
  });
});

describe('a policy', () => {
  test('that says what always held decides as if there were none', () => {
    const run = (withPolicy: boolean) => {
      const world = createWorld([PAID, FRIEND_RULE]);
      if (withPolicy) publish(world, {});
      world.putContact(contactOf('1'));
      world.putContact(contactOf('2'));
      world.process(T0);
      const code = world.state.members[0]?.code ?? null;
      world.putContact(contactOf('3', { referredByIds: ['2', '1'], usedCode: code }));
      world.putContact(contactOf('4', { referredByIds: ['4'] }));
      win(world, 'd', '3', 1);
      world.process(T0 + DAY);
      return [
        world.story(),
        world.balances(),
        world.state.referrals.map(({ memberId, stage }) => `${memberId} ${stage}`),
      ];
    };
    expect(run(true)).toEqual(run(false));
  });

  test('ranks the sources in its order, and says what it made of each candidate', () => {
    const world = createWorld([PAID]);
    publish(world, { sources: ['code', 'label'] });
    world.putContact(contactOf('1'));
    world.putContact(contactOf('2', { referredByIds: ['1'] }));
    world.process(T0);
    const code = world.state.members.find(({ contact }) => contact?.id === '1')?.code ?? null;
    world.putContact(contactOf('5'));
    world.putContact(contactOf('3', { referredByIds: ['5'], usedCode: code }));
    const plan = world.process(T0 + MINUTE);
    expect(plan.attributions).toMatchObject([
      {
        kind: 'attributed',
        memberId: memberOf(world, '1'),
        policyVersion: 1,
        candidates: [
          { source: 'label', verdict: 'outranked' },
          { source: 'code', verdict: 'winner' },
        ],
      },
    ]);
    // Who did not win is nobody's member for that.
    expect(world.state.members.some(({ contact }) => contact?.id === '5')).toBe(false);
  });

  test('leaves alone what it does not name', () => {
    const world = createWorld([PAID]);
    publish(world, { sources: ['code'] });
    world.putContact(contactOf('1'));
    world.putContact(contactOf('3', { referredByIds: ['1'] }));
    world.process(T0);
    expect(world.state.referrals).toEqual([]);
  });

  test('counts no submission that is older than its window', () => {
    for (const [days, verdict] of [
      [30, 'accepted'],
      [31, 'submitted'],
    ] as const) {
      const world = worldOf(PAID);
      publish(world, { windowDays: 30 });
      const submitted: Omit<Referral, 'version'> = {
        id: 'ref_1',
        programId: 'default',
        memberId: memberOf(world, '1'),
        friend: { name: null, email: 'new@acme.test', contact: null },
        source: 'explicit',
        stage: 'submitted',
        reason: { code: 'submitted', values: {} },
        stageSince: T0,
        submittedAt: T0,
      };
      world.change((draft) => draft.putReferral(submitted));
      world.putContact(contactOf('9', { email: 'new@acme.test' }));
      world.process(T0 + days * DAY);
      expect(world.state.referrals.find(({ id }) => id === 'ref_1')?.stage, `${days} days`).toBe(verdict);
    }
  });

  test('declines a friend who was a customer before, or has a person look at each reward', () => {
    for (const [existingCustomer, expected] of [
      ['accept', ['friend friend 5000', 'member 1 10000']],
      ['review', ['friend friend 5000', 'member 1 10000']],
      ['decline', []],
    ] as const) {
      const world = createWorld([PAID, FRIEND_RULE]);
      publish(world, { existingCustomer });
      world.putContact(contactOf('1'));
      world.putContact(contactOf('3', { referredByIds: ['1'] }));
      world.putDeal(dealOf('old', ['3'], [pointOf(T0 - 10 * DAY), pointOf(T0 - 9 * DAY, WON)]));
      win(world, 'd', '3', 1);
      world.process(T0 + DAY);
      expect(standing(world), existingCustomer).toEqual(expected);
      if (existingCustomer === 'review') {
        expect(world.state.rewards.map(({ state }) => state)).toEqual(['in_review', 'in_review']);
        expect(world.state.rewards[0]?.reason.values.why).toBe('the friend was a customer before the referral');
      }
      if (existingCustomer === 'decline') expect(referralOf(world, '3').reason.code).toBe('existing_customer');
      // A later version of the policy changes nothing about it.
      publish(world, {});
      world.process(T0 + 2 * DAY);
      expect(standing(world), existingCustomer).toEqual(expected);
    }
  });

  test('sends a self-referral to a person instead of declining it', () => {
    const world = createWorld([PAID]);
    publish(world, { selfReferral: 'review' });
    world.putContact(contactOf('1', { email: 'same@example.com' }));
    world.putContact(contactOf('3', { email: 'same@example.com', referredByIds: ['1'] }));
    win(world, 'd', '3', 1);
    world.process(T0 + DAY);
    expect(world.state.rewards.map(({ state }) => state)).toEqual(['in_review']);
  });
});

test('of several candidates one wins, it counts, and none that counts is stronger', () => {
  const source = fc.constantFrom('email' as const, 'label' as const, 'code' as const);
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          memberId: fc.string(),
          source,
          at: fc.option(fc.integer({ min: 0, max: 100 * DAY }), { nil: null }),
        }),
        { maxLength: 8 },
      ),
      fc.record({
        windowDays: fc.option(fc.integer({ min: 1, max: 100 }), { nil: null }),
        touch: fc.constantFrom('first' as const, 'last' as const),
        sources: fc.uniqueArray(source, { minLength: 1 }),
      }),
      (candidates, some) => {
        const policy = { ...DEFAULT_POLICY, ...some };
        const { counted: inOrder, verdictOn } = rankCandidates(candidates, policy, 100 * DAY);
        const counted = candidates.filter((one) => verdictOn(one) === 'outranked');
        expect(new Set(inOrder)).toEqual(new Set(counted));
        const winners = inOrder.slice(0, 1);
        for (const { source: of, at } of counted) {
          const [winner] = winners;
          const [rank, best] = [policy.sources.indexOf(of), policy.sources.indexOf(winner?.source ?? of)];
          expect(rank).toBeGreaterThanOrEqual(best);
          if (rank === best && policy.touch === 'first') expect(at ?? 0).toBeGreaterThanOrEqual(winner?.at ?? 0);
          if (rank === best && policy.touch === 'last') expect(at ?? 0).toBeLessThanOrEqual(winner?.at ?? 0);
        }
      },
    ),
  );
});

test('whatever is won, lost, paid and moved, the books balance and who lost the referral keeps nothing of it', () => {
  const act = fc.record({
    kind: fc.constantFrom('win' as const, 'reopen' as const, 'move' as const, 'pay' as const, 'ask' as const),
    friend: fc.constantFrom('3', '4'),
    to: fc.constantFrom('1', '2'),
  });
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 20 }), fc.boolean(), (acts, isHeld) => {
      const world = worldOf({ ...PAID, holdDays: isHeld ? 2 : 0 }, FRIEND_RULE);
      // Both have to be members before anything can be given to them.
      let at = T0 + DAY;
      for (const { kind, friend, to } of acts) {
        at += DAY;
        const deal = world.deals.get(`d${friend}`);
        const history = deal?.history ?? [pointOf(T0 + MINUTE)];
        if (kind === 'win') world.putDeal(dealOf(`d${friend}`, [friend], [...history, pointOf(at, WON)]));
        if (kind === 'reopen') world.putDeal(dealOf(`d${friend}`, [friend], [...history, pointOf(at)]));
        if (kind === 'move') move(world, friend, to, at);
        if (kind === 'ask') world.startPaying();
        if (kind === 'pay') world.pay(at);
        world.process(at + MINUTE);
      }
      world.pay(at + 2 * MINUTE);
      world.process(at + 3 * MINUTE);
      for (const referral of world.state.referrals) {
        const own = world.state.rewards.filter(
          (reward) => reward.referralId === referral.id && !['voided', 'clawed_back'].includes(reward.state),
        );
        for (const reward of own)
          expect(reward.beneficiaryId).toBe(reward.party === 'member' ? referral.memberId : referral.id);
        expect(own.filter(({ party }) => party === 'member').length).toBeLessThanOrEqual(1);
        const isWon = referral.stage === 'won';
        expect(own.length > 0).toBe(isWon);
      }
      const again = world.process(at + 4 * MINUTE);
      expect(again.decisions).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
