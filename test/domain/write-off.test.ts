import { describe, expect, test } from 'vitest';
import { type Decision, decisionIdOf, type Reward } from '../../src/domain/decision.ts';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import { owedTally, tallyMap } from '../../src/domain/tally.ts';
import { nextOfChain, owedOf, writeOffByPerson } from '../../src/domain/write-off.ts';
import { decisionOf, rewardOf } from './granted.ts';
import { DAY, OPEN_REFERRAL, T0 } from './world.ts';

const WORD = { by: 'finance', why: 'they are ill', at: T0 + DAY };
const CLAWED_BACK = { state: 'clawed_back', reason: reason('left_won') } as const;

function draftOf(owed: bigint, decisions: readonly Decision[] = [decisionOf()], rewards: readonly Reward[] = []) {
  const tally = { ...owedTally('mem_1', 'EUR'), count: 0, minor: owed };
  return createDraft(
    stateWith('acc_1', { referrals: [OPEN_REFERRAL], decisions, rewards, tallies: tallyMap([tally]) }),
  );
}

describe('of a reward is owed back', () => {
  test.each<[string, Partial<Reward>, bigint, bigint]>([
    ['nothing while it stands', {}, 10_000n, 0n],
    ['all of it when it was taken back', CLAWED_BACK, 20_000n, 10_000n],
    ['the part that was taken back', { clawedBack: 4_000n }, 20_000n, 4_000n],
    ['no more than is owed at all', CLAWED_BACK, 7_000n, 7_000n],
    ['nothing when the debt is paid', CLAWED_BACK, 0n, 0n],
    ['nothing when more was paid', CLAWED_BACK, -500n, 0n],
    ['what was not written off before', { ...CLAWED_BACK, writtenOff: 3_000n }, 20_000n, 7_000n],
    [
      'what was kept for a debt, where the rest came back',
      { ...CLAWED_BACK, reason: reason('payout_returned'), netted: 2_000n },
      20_000n,
      2_000n,
    ],
    ['nothing in credit', { ...CLAWED_BACK, payout: 'credit' }, 20_000n, 0n],
  ])('%s', (_, more, debt, owed) => {
    expect(owedOf(draftOf(debt), rewardOf(more))).toBe(owed);
  });

  test('what its own beneficiary owes in its own currency', () => {
    expect(owedOf(draftOf(10_000n), rewardOf({ ...CLAWED_BACK, beneficiaryId: 'mem_2' }))).toBe(0n);
    const dollars = { minor: 10_000n, currency: 'USD' };
    expect(owedOf(draftOf(10_000n), rewardOf({ ...CLAWED_BACK, money: dollars }))).toBe(0n);
  });
});

describe('a person gives up what is owed back', () => {
  const written = (reward: Reward, owed: bigint) => {
    const draft = draftOf(owed, undefined, [reward]);
    const decision = writeOffByPerson(draft, 'acc_1', reward, WORD);
    return { decision, plan: draft.plan() };
  };

  test('of a reward that has ended: it has ended still, and the debt is gone from the books', () => {
    const reward = rewardOf(CLAWED_BACK);
    const { decision, plan } = written(reward, 10_000n);
    const why = reason('written_off', { by: 'finance', why: 'they are ill', amount: '100.00 EUR' });
    expect(decision).toEqual(
      decisionOf({
        id: decisionIdOf('acc_1', reward, 2),
        sequence: 2,
        outcome: 'reversed',
        reason: why,
        money: { minor: 10_000n, currency: 'EUR' },
        recordedAt: WORD.at,
      }),
    );
    expect(plan.decisions).toEqual([decision]);
    expect(plan.rewards).toEqual([
      { ...reward, writtenOff: 10_000n, reason: why, updatedAt: WORD.at, version: reward.version + 1 },
    ]);
    expect(plan.journals).toMatchObject([
      {
        kind: 'write_off',
        decisionId: decision.id,
        postings: [
          { account: 'expense:default', minor: 10_000n },
          { account: 'receivable:member:mem_1', minor: -10_000n },
        ],
      },
    ]);
    expect(plan.tallies).toEqual([
      { ...owedTally('mem_1', 'EUR'), count: 0, minor: -10_000n, basis: { count: 0, minor: 10_000n } },
    ]);
    expect(plan.referrals).toEqual([{ ...OPEN_REFERRAL, version: 2 }]);
    expect(plan.mirror).toEqual([reward.deal]);
    expect(new Set(plan.people)).toEqual(new Set(['ref_1', 'mem_1']));
  });

  test('of one that stands in part: it stands for the rest', () => {
    const reward = rewardOf({ clawedBack: 4_000n, writtenOff: 1_000n });
    const { decision, plan } = written(reward, 10_000n);
    expect(decision).toMatchObject({
      outcome: 'adjusted',
      reason: { values: { amount: '30.00 EUR' } },
      money: { minor: 6_000n, currency: 'EUR' },
    });
    expect(plan.rewards).toMatchObject([{ state: 'issued', writtenOff: 4_000n }]);
  });

  test('of one whose money came back: that it did is remembered', () => {
    const reward = rewardOf({ ...CLAWED_BACK, reason: reason('payout_returned', { provider: 'p' }), netted: 2_000n });
    expect(written(reward, 10_000n).plan.rewards).toMatchObject([{ writtenOff: 2_000n, reason: reward.reason }]);
  });

  test('and is refused where nothing of it is owed', () => {
    expect(() => written(rewardOf(), 10_000n)).toThrow(new RangeError('nothing of reward rwd_1 is owed back'));
  });
});

describe('the next decision on a reward', () => {
  const reward = rewardOf();
  const MADE = { outcome: 'reversed', reason: reason('left_won'), money: null, at: T0 + DAY } as const;
  const following = (...decisions: Decision[]) => nextOfChain(draftOf(0n, decisions), 'acc_1', reward, MADE);

  test('goes on from the last one that was about it, after all of its chain', () => {
    const first = decisionOf({ effectiveAt: T0 - 2, mappingVersion: 'map_0', releaseAt: T0 });
    const adjusted = decisionOf({ id: 'dec_2', sequence: 2, effectiveAt: T0 - 1, outcome: 'adjusted' });
    const later = decisionOf({ id: 'dec_3', sequence: 3, rewardId: null, effectiveAt: T0 + 5, outcome: 'skipped' });
    // In whatever order they are kept.
    expect(following(later, adjusted, first)).toEqual(
      decisionOf({
        id: decisionIdOf('acc_1', reward, 4),
        sequence: 4,
        outcome: 'reversed',
        reason: reason('left_won'),
        money: null,
        effectiveAt: T0 - 1,
        recordedAt: T0 + DAY,
      }),
    );
    expect(following(first)).toMatchObject({ sequence: 2, releaseAt: null, mappingVersion: 'map_0' });
  });

  test('is never written down before the one that it follows', () => {
    expect(following(decisionOf({ recordedAt: T0 + 2 * DAY }))).toMatchObject({ recordedAt: T0 + 2 * DAY });
  });

  test('leaves other rules and other deals of the referral alone', () => {
    const others = [
      decisionOf({ id: 'a', sequence: 7, ruleKey: 'friend-won' }),
      decisionOf({ id: 'b', sequence: 8, deal: { ...reward.deal, id: '101' } }),
      decisionOf({ id: 'c', sequence: 9, deal: { ...reward.deal, connectionId: 'con_2' } }),
    ];
    expect(following(decisionOf(), ...others)).toMatchObject({ sequence: 2, deal: reward.deal });
  });

  test('is refused for a reward that no decision has granted', () => {
    const none = new RangeError('reward rwd_1 was granted by no decision');
    expect(() => following(decisionOf({ rewardId: 'rwd_0' }))).toThrow(none);
    expect(() => following()).toThrow(none);
  });
});
