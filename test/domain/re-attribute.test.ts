import { describe, expect, test } from 'vitest';
import type { Decision } from '../../src/domain/decision.ts';
import { derivedId } from '../../src/domain/ids.ts';
import { createDraft, type State, stateWith } from '../../src/domain/plan.ts';
import { moveReferral } from '../../src/domain/re-attribute.ts';
import { reason } from '../../src/domain/reason.ts';
import type { RecordRef } from '../../src/domain/record.ts';
import type { Member, Referral } from '../../src/domain/referral.ts';
import { decisionOf, memberOf, rewardOf } from './granted.ts';
import { CONNECTION, DAY, MEMBER_RULE, OPEN_REFERRAL, programOf, T0 } from './world.ts';

const NOW = T0 + DAY;
const contact = (id: string, connectionId = CONNECTION): RecordRef => ({ connectionId, object: 'contact', id });
const ADA = memberOf();
const EVE = memberOf({ id: 'mem_2', name: 'Eve', email: 'eve@acme.test', contact: contact('3') });
const MOVE = { referralId: 'ref_1', memberId: 'mem_2', by: 'support', why: 'Eve met them first', at: NOW };
const SAID = { by: MOVE.by, why: MOVE.why };

function stateOf(referral: Partial<Referral> = {}, more: Partial<State> = {}): State {
  return stateWith('acc_1', {
    programs: [programOf([MEMBER_RULE])],
    members: [ADA, EVE],
    referrals: [{ ...OPEN_REFERRAL, ...referral }],
    ...more,
  });
}

function moved(state: State, more: Partial<typeof MOVE> = {}) {
  const draft = createDraft(state);
  return { result: moveReferral(draft, state, { ...MOVE, ...more }), plan: draft.plan() };
}

const referralAfter = (referral: Partial<Referral>, more: Partial<State> = {}) => {
  const { result } = moved(stateOf(referral, more));
  return result.kind === 'moved' ? result.referral : null;
};

describe('a person gives a referral to another member', () => {
  test('who has it from now on, with who said so and among whom', () => {
    const { result, plan } = moved(stateOf());
    const referral = { ...OPEN_REFERRAL, memberId: 'mem_2', movedAt: NOW, version: 2 };
    expect(result).toEqual({ kind: 'moved', referral });
    expect(plan.referrals).toEqual([referral]);
    expect(plan.attributions).toEqual([
      {
        id: derivedId('att', 'acc_1', 'ref_1', 2),
        referralId: 'ref_1',
        sequence: 2,
        kind: 'moved',
        memberId: 'mem_2',
        fromMemberId: 'mem_1',
        policyVersion: null,
        reason: reason('attributed_moved', SAID),
        candidates: [
          { memberId: 'mem_2', source: 'explicit', at: NOW, verdict: 'winner' },
          { memberId: 'mem_1', source: 'label', at: T0, verdict: 'outranked' },
        ],
        recordedAt: NOW,
      },
    ]);
    expect(plan.people).toEqual(['mem_1', 'mem_2']);
    expect(plan.mirror).toEqual([contact('2')]);
    expect(plan.wakes).toEqual([{ record: contact('2'), at: NOW }]);
    expect([plan.decisions, plan.tierLooks, plan.tallies]).toEqual([[], [], []]);
  });

  test('under the policy that is in force', () => {
    const attribution = { version: 7, contentHash: 'h', publishedAt: T0, publishedBy: 'x' } as never;
    expect(moved(stateOf({}, { attribution })).plan.attributions).toMatchObject([{ policyVersion: 7 }]);
  });

  test('it changes nothing where it is theirs already', () => {
    const { result, plan } = moved(stateOf(), { memberId: 'mem_1' });
    expect(result).toEqual({ kind: 'existing', referral: OPEN_REFERRAL });
    expect([plan.referrals, plan.attributions, plan.wakes]).toEqual([[], [], []]);
  });

  test('it is refused for the friend themselves, and for whom was not loaded', () => {
    const { result, plan } = moved(stateOf({ friend: { ...OPEN_REFERRAL.friend, email: 'eve@acme.test' } }));
    expect(result).toEqual({ kind: 'refused', reason: reason('self_referral') });
    expect([plan.referrals, plan.attributions]).toEqual([[], []]);
    const missing = new RangeError('the referral and its new member have to be loaded');
    expect(() => moved(stateOf(), { memberId: 'mem_9' })).toThrow(missing);
    expect(() => moved(stateOf(), { referralId: 'ref_9' })).toThrow(missing);
  });

  test.each<[string, Partial<Referral>, Partial<Referral>]>([
    [
      'declined for what spoke against the old member stands again',
      { stage: 'declined', reason: reason('self_referral') },
      { stage: 'accepted', reason: reason('attributed_person'), stageSince: NOW },
    ],
    [
      'declined since the friend was a customer stays so',
      { stage: 'declined', reason: reason('existing_customer', { wonOn: '2026-01-01' }) },
      { stage: 'declined', stageSince: T0 },
    ],
    ['that is won stays won', { stage: 'won' }, { stage: 'won', stageSince: T0 }],
    ['in doubt for being the old member’s own is so no more', { doubt: 'self_referral' }, { doubt: undefined }],
    ['in doubt for an old customer stays so', { doubt: 'existing_customer' }, { doubt: 'existing_customer' }],
  ])('one %s', (_, before, after) => {
    expect(referralAfter(before)).toMatchObject({ memberId: 'mem_2', ...after });
  });

  const assist = { memberId: 'mem_3', percent: 20, since: T0 };
  test.each<[string, Partial<Referral>, readonly Decision[], Referral['assist']]>([
    ['nobody shares where nobody did', {}, [], undefined],
    ['who shared it does so no more', { assist }, [], { ...assist, until: NOW }],
    ['from then on when it ended before', { assist: { ...assist, until: T0 + 5 } }, [], { ...assist, until: T0 + 5 }],
    [
      'never of what was decided by a clock ahead',
      { assist },
      [decisionOf({ recordedAt: NOW + 9 })],
      { ...assist, until: NOW + 10 },
    ],
    [
      'but not for what was decided before',
      { assist },
      [decisionOf({ recordedAt: NOW - 9 })],
      { ...assist, until: NOW },
    ],
  ])('%s', (_, before, decisions, after) => {
    const rewards = decisions.length > 0 ? [rewardOf()] : [];
    expect(referralAfter(before, { decisions, rewards })?.assist).toEqual(after);
  });

  test('takes the rewards of the old one back and has every deal looked at again, wherever it is', () => {
    const deal = decisionOf().deal;
    const there = { ...deal, connectionId: 'con_2', id: '7' };
    const friends = { party: 'friend', ruleKey: 'friend-won' } as const;
    const { plan } = moved(
      stateOf(
        {},
        {
          decisions: [
            decisionOf(),
            decisionOf({ id: 'dec_2', ...friends, rewardId: 'rwd_2' }),
            decisionOf({
              id: 'dec_3',
              deal: there,
              outcome: 'skipped',
              rewardId: null,
              reason: reason('decided_elsewhere'),
            }),
          ],
          rewards: [rewardOf(), rewardOf({ id: 'rwd_2', ...friends, beneficiaryId: 'ref_1' })],
        },
      ),
    );
    expect(plan.decisions).toMatchObject([
      { deal, ruleKey: 'member-won', sequence: 2, outcome: 'reversed', reason: reason('re_attributed', SAID) },
      { deal: there, ruleKey: 'member-won', sequence: 2, outcome: 'skipped', reason: reason('re_attributed', SAID) },
    ]);
    expect(plan.rewards).toMatchObject([{ id: 'rwd_1', state: 'clawed_back' }]);
    expect(new Set(plan.mirror)).toEqual(new Set([deal, there, contact('2')]));
    expect(new Set(plan.people)).toEqual(new Set(['mem_1', 'mem_2', 'ref_1']));
    expect(plan.wakes).toContainEqual({ record: contact('2'), at: NOW });
    expect(plan.wakes).toContainEqual({ record: there, at: NOW });
    expect(plan.wakes.filter(({ record }) => record.object === 'deal' && record.connectionId === CONNECTION)).toEqual(
      [],
    );
  });

  test('of a friend whom no CRM knows yet, there is no record to look at', () => {
    const { result, plan } = moved(stateOf({ friend: { name: null, email: 'bob@acme.test', contact: null } }));
    expect(result.kind).toBe('moved');
    expect([plan.mirror, plan.wakes]).toEqual([[], []]);
  });

  const TIERS = {
    by: { kind: 'won_referrals' },
    down: { kind: 'grace', days: 0 },
    levels: [{ key: 'star', name: 'Star', from: 1 }],
  } as const;
  const OWN: Member[] = [ADA, EVE];
  test.each<[string, Partial<Referral>, Partial<State>, string[]]>([
    [
      'their tiers follow what it counts',
      { stage: 'won', wonDeals: [] },
      { programs: [{ ...programOf([MEMBER_RULE]), tiers: TIERS }] },
      ['mem_2 reached'],
    ],
    ['not where it never counted', { stage: 'won' }, { programs: [{ ...programOf([MEMBER_RULE]), tiers: TIERS }] }, []],
    ['nor where the program has none', { stage: 'won', wonDeals: [] }, {}, []],
  ])('%s', (_, before, more, changes) => {
    const { plan } = moved(stateOf(before, { members: OWN, ...more }));
    expect(plan.tierChanges.map(({ memberId, move }) => `${memberId} ${move}`)).toEqual(changes);
    // What the tiers were moved by has to be so still when it is written.
    const rested = plan.tallies.filter(({ key, basis }) => key === 'won' && basis !== null).map(({ owner }) => owner);
    expect(rested).toEqual(changes.length > 0 ? ['mem_1', 'mem_2'] : []);
  });
});
