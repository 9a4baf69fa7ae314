import { describe, expect, test } from 'vitest';
import { type Decision, decisionIdOf, REWARD_STATES, type Reward } from '../../src/domain/decision.ts';
import { allowByPerson, canBeTakenBack, releaseByPerson, takeBackByPerson } from '../../src/domain/desk-word.ts';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import { decisionOf, rewardOf } from './granted.ts';
import { DAY, OPEN_REFERRAL, T0 } from './world.ts';

const WORD = { by: 'a reviewer', why: 'I have seen it', at: T0 + DAY };
const SAID = { by: WORD.by, why: WORD.why };
const RISK = { score: 40 } as never as Decision['risk'];
const of = decisionOf();

function draftOf(decisions: readonly Decision[], rewards: readonly Reward[] = []) {
  return createDraft(stateWith('acc_1', { referrals: [OPEN_REFERRAL], decisions, rewards }));
}

describe('a dispute can take a reward back', () => {
  test('while it stands, and not while its end waits for a provider', () => {
    const open = REWARD_STATES.filter((state) => canBeTakenBack(rewardOf({ state })));
    expect(open).toEqual(['held', 'in_review', 'approved', 'issuing', 'issued', 'redeemed', 'failed']);
    expect(canBeTakenBack(rewardOf({ reversalPending: true }))).toBe(false);
  });

  test('as a further decision of its chain, on which the deal is looked at again', () => {
    const reward = rewardOf({ money: { minor: 9_000n, currency: 'EUR' } });
    const before = decisionOf({ risk: RISK, releaseAt: T0 });
    const later = decisionOf({ id: 'dec_2', sequence: 2, rewardId: null, effectiveAt: T0 + 5, outcome: 'skipped' });
    const draft = draftOf([later, before], [reward]);
    const decision = takeBackByPerson(draft, 'acc_1', reward, WORD);
    expect(decision).toEqual(
      decisionOf({
        id: decisionIdOf('acc_1', reward, 3),
        sequence: 3,
        outcome: 'reversed',
        reason: reason('taken_back_by_person', SAID),
        money: { minor: 9_000n, currency: 'EUR' },
        recordedAt: WORD.at,
      }),
    );
    const plan = draft.plan();
    expect(plan.decisions).toEqual([decision]);
    expect(plan.rewards).toMatchObject([{ id: 'rwd_1', state: 'clawed_back', reason: decision.reason }]);
    expect(plan.journals).toMatchObject([{ kind: 'claw_back', decisionId: decision.id }]);
    expect(plan.referrals).toEqual([{ ...OPEN_REFERRAL, version: 2 }]);
    expect(plan.mirror).toEqual([reward.deal]);
    expect(plan.wakes).toEqual([{ record: reward.deal, at: WORD.at }]);
  });

  test('and not twice, nor one that no decision has granted', () => {
    const take = (reward: Reward, ...decisions: Decision[]) =>
      takeBackByPerson(draftOf(decisions, [reward]), 'acc_1', reward, WORD);
    expect(() => take(rewardOf({ state: 'voided' }), of)).toThrow(
      new RangeError('reward rwd_1 is voided and does not stand'),
    );
    const none = new RangeError('reward rwd_1 was granted by no decision');
    expect(() => take(rewardOf(), decisionOf({ rewardId: null }))).toThrow(none);
    expect(() => take(rewardOf(), decisionOf({ ruleKey: 'friend-won' }))).toThrow(none);
    expect(() => take(rewardOf(), decisionOf({ deal: { ...of.deal, connectionId: 'con_2' } }))).toThrow(none);
    expect(() => take(rewardOf())).toThrow(none);
  });
});

const BLOCKED = { outcome: 'skipped', reason: reason('risk_blocked'), rewardId: null, risk: RISK } as const;
const HISTORY = { outcome: 'history', reason: reason('history'), rewardId: null, risk: RISK } as const;

describe.each([
  ['lets a deal be paid that the policy would not', allowByPerson, BLOCKED, 'risk_allowed'],
  ['releases a deal of the past', releaseByPerson, HISTORY, 'history_released'],
] as const)('a person %s', (_, decide, kept, code) => {
  const ask = (...decisions: Decision[]) => {
    const draft = draftOf(decisions);
    return { decision: decide(draft, 'acc_1', of, WORD), plan: draft.plan() };
  };

  test('it is judged again at once, and what was seen of it counts no more', () => {
    const { decision, plan } = ask(decisionOf({ ...kept, releaseAt: T0 }));
    const { risk: _risk, ...basis } = decisionOf({
      ...kept,
      id: decisionIdOf('acc_1', of, 2),
      sequence: 2,
      outcome: 'waiting',
      reason: reason(code, SAID),
      money: null,
      recordedAt: WORD.at,
    });
    expect(decision).toEqual(basis);
    expect(plan.decisions).toEqual([basis]);
    expect(plan.referrals).toEqual([{ ...OPEN_REFERRAL, version: 2 }]);
    expect(plan.mirror).toEqual([of.deal]);
    expect(plan.people).toEqual(['ref_1', 'mem_1']);
    expect(plan.wakes).toEqual([{ record: of.deal, at: WORD.at }]);
  });

  test('is written down no earlier than what it follows, with the next number', () => {
    const first = decisionOf({ recordedAt: T0 + 3 * DAY });
    const second = decisionOf({ ...kept, id: 'dec_2', sequence: 2 });
    // In whatever order they are kept.
    expect(ask(second, first).decision).toMatchObject({ sequence: 3, recordedAt: T0 + 3 * DAY });
  });

  test.each<[string, Decision[]]>([
    ['nothing was decided', []],
    ['it was paid since', [decisionOf(kept), decisionOf({ id: 'dec_2', sequence: 2 })]],
    [
      'it was said before',
      [decisionOf(kept), decisionOf({ id: 'dec_2', sequence: 2, outcome: 'waiting', reason: reason(code) })],
    ],
    ['that was another rule', [decisionOf({ ...kept, ruleKey: 'friend-won' })]],
    ['that was another deal', [decisionOf({ ...kept, deal: { ...of.deal, id: '101' } })]],
    [
      'that was the deal of this id in another CRM',
      [decisionOf({ ...kept, deal: { ...of.deal, connectionId: 'con_2' } })],
    ],
    ['that was another referral', [decisionOf({ ...kept, referralId: 'ref_2' })]],
  ])('does nothing where %s', (_what, decisions) => {
    const { decision, plan } = ask(...decisions);
    expect(decision).toBeNull();
    expect([plan.decisions, plan.wakes, plan.referrals]).toEqual([[], [], []]);
  });
});
