import { describe, expect, test } from 'vitest';
import type { Reward, RewardState } from '../../src/domain/decision.ts';
import type { LifecycleStage, Referral } from '../../src/domain/referral.ts';
import { type Awaited, resultOfWait } from '../../src/domain/wait.ts';

const ANY: Awaited = { programId: null, ruleKey: null, party: null, dealId: null, connectionId: 'con_1' };

const reward = (state: RewardState, changes: Partial<Reward> = {}): Reward => ({
  id: `rwd_${state}`,
  referralId: 'ref_1',
  deal: { connectionId: 'con_1', object: 'deal', id: '7' },
  ruleKey: 'member-won',
  party: 'member',
  beneficiaryId: 'mem_1',
  money: { minor: 5_000n, currency: 'EUR' },
  state,
  reason: { code: 'rewarded', values: {} },
  payout: 'credit',
  programId: 'prg',
  releaseAt: null,
  reversalPending: false,
  orderAt: null,
  review: 'none',
  netted: 0n,
  clawedBack: 0n,
  uses: [],
  createdAt: 1,
  updatedAt: 1,
  version: 1,
  ...changes,
});

const referral = (stage: LifecycleStage): Referral => ({
  id: 'ref_1',
  programId: 'prg',
  memberId: 'mem_1',
  friend: { name: null, email: null, contact: null },
  source: 'explicit',
  stage,
  reason: { code: 'submitted', values: {} },
  stageSince: 1,
  submittedAt: 1,
  version: 1,
});

const outcome = (rewards: Reward[], stage: LifecycleStage = 'won', awaited: Awaited = ANY) =>
  resultOfWait(awaited, referral(stage), rewards)?.outcome ?? null;

describe('what a wait for a reward comes to', () => {
  test('a deal of another connection with the same id is another deal', () => {
    const there = reward('issued', { deal: { connectionId: 'con_2', object: 'deal', id: '7' } });
    expect(outcome([there], 'won', { ...ANY, dealId: '7' })).toBeNull();
    expect(outcome([there, reward('issued')], 'won', { ...ANY, dealId: '7' })).toBe('rewarded');
    expect(outcome([there])).toBe('rewarded');
  });

  test('one that is issued or used is one, whatever became of others and of the deal since', () => {
    expect(outcome([reward('issued')])).toBe('rewarded');
    expect(outcome([reward('redeemed'), reward('held')])).toBe('rewarded');
    expect(outcome([reward('voided', { updatedAt: 9 }), reward('issued')], 'lost')).toBe('rewarded');
  });

  test.each(['held', 'in_review', 'approved', 'issuing', 'failed'] as const)(
    'one that is %s may still come, also when the deals are lost',
    (state) => {
      expect(outcome([reward(state)])).toBeNull();
      expect(outcome([reward(state)], 'lost')).toBeNull();
    },
  );

  test('none at all, or one that was voided with its deal, may still come', () => {
    expect(outcome([])).toBeNull();
    expect(outcome([reward('voided', { reason: { code: 'left_won', values: {} } })], 'opportunity')).toBeNull();
  });

  test('there will be none when it was rejected, taken back or has expired, by what came last', () => {
    const rejected = reward('voided', { reason: { code: 'review_rejected', values: {} } });
    expect(outcome([rejected])).toBe('rejected');
    expect(outcome([reward('clawed_back')])).toBe('taken_back');
    expect(outcome([reward('expired')])).toBe('expired');
    expect(outcome([rejected, reward('clawed_back', { updatedAt: 9 })])).toBe('taken_back');
  });

  test.each(['lost', 'declined', 'expired'] as const)('nor when the referral is %s', (stage) => {
    expect(outcome([], stage)).toBe(stage);
  });

  test('nor when the referral is gone', () => {
    expect(resultOfWait(ANY, null, [])?.outcome).toBe('gone');
  });

  test.each<[string, Partial<Awaited>]>([
    ['rule', { ruleKey: 'other' }],
    ['party', { party: 'friend' }],
    ['deal', { dealId: '8' }],
    ['program', { programId: 'other' }],
  ])('that of another %s is not what is waited for', (_, awaited) => {
    expect(outcome([reward('issued')], 'won', { ...ANY, ...awaited })).toBeNull();
  });
});
