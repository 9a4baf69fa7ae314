import { describe, expect, test } from 'vitest';
import { booksProblems } from '../../src/application/verify-books.ts';
import type { Decision, Reward, RewardState } from '../../src/domain/decision.ts';
import { imbalance, type Journal, type JournalKind, journalFor } from '../../src/domain/ledger.ts';
import { createDraft, intentFor } from '../../src/domain/plan.ts';
import { type PayoutNewsKind, payoutNews } from '../../src/domain/reward.ts';

const REWARD: Reward = {
  id: 'rwd_1',
  referralId: 'ref_1',
  deal: { connectionId: 'con_1', object: 'deal', id: '7' },
  ruleKey: 'member',
  party: 'member',
  beneficiaryId: 'mem_1',
  money: { minor: 5_000n, currency: 'EUR' },
  state: 'issued',
  reason: { code: 'rewarded', values: {} },
  payout: 'paypal',
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
  version: 4,
};

function tell(reward: Reward, kind: PayoutNewsKind, at = 50) {
  const draft = createDraft({
    accountId: 'acc_1',
    programs: [],
    connectedAt: 0,
    mapping: { version: '', entries: [] },
    members: [],
    referrals: [],
    decisions: [],
    rewards: [reward],
    tallies: new Map(),
  });
  const effect = payoutNews(draft, reward, { kind, why: 'RECEIVER_ACCOUNT_LOCKED', at }, 60);
  return { effect, ...draft.plan() };
}

const STATES: readonly RewardState[] = [
  'held',
  'in_review',
  'approved',
  'issuing',
  'issued',
  'redeemed',
  'failed',
  'voided',
  'expired',
  'clawed_back',
];
const KINDS: readonly PayoutNewsKind[] = [
  'paid',
  'failed',
  'returned',
  'unclaimed',
  'redeemed',
  'cancelled',
  'refunded',
];

describe('what a provider tells later', () => {
  test.each(['failed', 'returned', 'cancelled'] as const)(
    '"%s" of an issued or redeemed reward: the money is back, and owed again, and the reward says why',
    (kind) => {
      for (const state of ['issued', 'redeemed'] as const) {
        const { effect, rewards, journals } = tell({ ...REWARD, state }, kind);
        expect(effect).toBe('applied');
        expect(rewards).toMatchObject([
          { state: 'failed', version: 5, reason: { code: 'payout_returned', values: { provider: 'paypal' } } },
        ]);
        expect(journals).toMatchObject([
          {
            kind: 'return',
            effectiveAt: 50,
            recordedAt: 60,
            postings: [
              { account: 'provider:paypal', minor: 5_000n },
              { account: 'payable:member:mem_1', minor: -5_000n },
            ],
          },
        ]);
      }
    },
  );

  test('of a reward that was claimed back: the beneficiary owes nothing any more; told twice, it is booked once', () => {
    const first = tell({ ...REWARD, state: 'clawed_back', reason: { code: 'left_won', values: {} } }, 'returned');
    expect(first.rewards).toMatchObject([{ state: 'clawed_back', reason: { code: 'payout_returned' } }]);
    expect(first.journals[0]?.postings).toMatchObject([
      { account: 'provider:paypal', minor: 5_000n },
      { account: 'receivable:member:mem_1', minor: -5_000n },
    ]);
    const [settled] = first.rewards;
    if (!settled) throw new Error('no reward');
    expect(tell(settled, 'returned')).toMatchObject({ effect: 'nothing', journals: [], rewards: [] });
  });

  test('"redeemed" is a state and moves no money', () => {
    expect(tell(REWARD, 'redeemed')).toMatchObject({
      effect: 'applied',
      rewards: [{ state: 'redeemed' }],
      journals: [],
    });
  });

  test('an order that is not settled yet is not touched: the news waits for the answer', () => {
    for (const state of ['approved', 'issuing'] as const)
      for (const kind of KINDS)
        expect(tell({ ...REWARD, state }, kind)).toMatchObject({ effect: 'later', rewards: [], journals: [] });
  });

  test('whatever is told in whatever state, journals balance, and nothing but a returned or redeemed reward changes', () => {
    for (const state of STATES)
      for (const kind of KINDS) {
        const { effect, journals, rewards } = tell({ ...REWARD, state }, kind);
        for (const { postings } of journals) expect(imbalance(postings).size).toBe(0);
        expect([state, kind, rewards.length === 1]).toEqual([state, kind, effect === 'applied']);
        if (['paid', 'unclaimed', 'refunded'].includes(kind)) expect(journals).toEqual([]);
      }
  });

  test('is not dated later than it was heard', () => {
    expect(tell(REWARD, 'returned', 9_999).journals[0]?.effectiveAt).toBe(60);
  });
});

describe('the books of a reward whose money came back', () => {
  const journal = (reward: Reward, kind: JournalKind, more: object = {}): Journal =>
    journalFor({
      reward,
      kind,
      decisionId: kind === 'accrue' ? 'dec_1' : null,
      effectiveAt: 1,
      recordedAt: 1,
      ...more,
    });
  const decision = (outcome: Decision['outcome'], sequence: number): Decision => ({
    id: `dec_${sequence}`,
    referralId: 'ref_1',
    deal: REWARD.deal,
    ruleKey: 'member',
    party: 'member',
    sequence,
    outcome,
    reason: { code: 'rewarded', values: {} },
    conditions: [],
    calculation: [],
    money: REWARD.money,
    rewardId: REWARD.id,
    releaseAt: null,
    effectiveAt: 1,
    program: { id: 'prg', version: 1 },
    mappingVersion: 'm',
    recordedAt: 1,
  });
  const books = (state: RewardState, kinds: readonly JournalKind[], isTaken: boolean, more: object = {}) => {
    const reward = { ...REWARD, state };
    return booksProblems({
      decisions: [decision('rewarded', 1), ...(isTaken ? [decision('reversed', 2)] : [])],
      rewards: [reward],
      journals: kinds.map((kind) => journal(reward, kind, kind === 'return' ? more : {})),
      intents: [{ ...intentFor(reward), state: 'done' }],
      programs: [],
    });
  };

  test('agree as failed, as void after that, and as claimed back before it', () => {
    expect(books('failed', ['accrue', 'issue', 'return'], false)).toEqual([]);
    expect(books('voided', ['accrue', 'issue', 'return', 'void'], true)).toEqual([]);
    expect(books('clawed_back', ['accrue', 'issue', 'claw_back', 'return'], true, { afterClawBack: true })).toEqual([]);
  });

  test('do not agree when it was booked against the wrong account, or never went out', () => {
    expect(books('clawed_back', ['accrue', 'issue', 'claw_back', 'return'], true)).toHaveLength(1);
    expect(books('failed', ['accrue', 'return'], false)).not.toEqual([]);
    expect(books('issued', ['accrue', 'issue', 'return'], false)).not.toEqual([]);
  });
});
