import { describe, expect, test } from 'vitest';
import {
  blockedCaseKey,
  bySeverity,
  type CaseChanges,
  caseChanges,
  dueAfter,
  escalate,
  returnedCaseKey,
  reviewCaseKey,
  SEVERITIES,
  SYSTEM,
  USUAL_CHAIN,
} from '../../src/domain/case.ts';
import type { Decision, Reward } from '../../src/domain/decision.ts';
import { reason } from '../../src/domain/reason.ts';
import type { RiskAssessment } from '../../src/domain/risk.ts';
import { DECISION, GRANTED_AT, REWARD, RISK } from './granted-deal.ts';
import { CONNECTION, T0 } from './world.ts';

const HOUR = 3_600_000;

describe('a case that nobody decides', () => {
  test.each([
    [
      'goes to the next of its chain, who has time from now',
      0,
      { step: 1, owner: 'account_owner', dueAt: T0 + 48 * HOUR },
    ],
    ['stays where it is, when the chain has come to its end', 1, null],
  ])('%s', (_, step, next) => {
    expect(escalate({ chain: USUAL_CHAIN, step }, T0)).toEqual(next);
  });

  test('is due after the hours of its step', () => {
    expect(dueAfter({ to: 'role:reviewer', hours: 5 }, T0)).toBe(T0 + 5 * HOUR);
  });
});

test('the gravest case comes first', () => {
  expect([...SEVERITIES].sort(bySeverity)).toEqual(['urgent', 'high', 'normal', 'low']);
});

const NONE: CaseChanges = { opens: [], settles: [] };
const BLOCKED_KEY = `blocked ref_1 ${CONNECTION} 7 member-won`;
const MOOT = 'The deal "7" left Closed Won.';
const leftWon = reason('left_won', { deal: '7' });
const said = { by: 'role:reviewer Ada', why: 'seen the contract' };

const settled = (dedupeKey: string, outcome: string, by: string, why: string) => ({
  opens: [],
  settles: [{ dedupeKey, word: { outcome, by, why, at: GRANTED_AT } }],
});
const opened = (one: object) => ({
  opens: [
    {
      id: expect.stringMatching(/^cas_[0-9a-z]{26}$/),
      referralId: 'ref_1',
      openedBy: SYSTEM,
      openedAt: GRANTED_AT,
      ...one,
    },
  ],
  settles: [],
});

describe('a reward', () => {
  const inReview: Partial<Reward> = { state: 'in_review', review: 'needed' };
  const review = {
    kind: 'review',
    topic: 'reward_review',
    dedupeKey: 'review rwd_1',
    severity: 'normal',
    rewardId: 'rwd_1',
    value: { minor: 10_000n, currency: 'EUR' },
    summary: 'The deal "7" reached Closed Won and every condition is met.',
    facts: { dealId: '7', ruleKey: 'member-won', party: 'member' },
  };
  const seen = { ...review.facts, score: 60, signals: RISK.raised };
  const judged = (risk: RiskAssessment | undefined, more: Partial<Decision> = {}) => [{ ...DECISION, risk, ...more }];
  const returned = reason('payout_returned', { provider: 'file', why: 'account closed.' });

  test.each<[string, Partial<Reward>, readonly Decision[], object]>([
    ['that nobody has to approve has no case', {}, [], NONE],
    ['on hold has none yet', { state: 'held', review: 'needed' }, [], NONE],
    ['that waits for a person has one', inReview, [DECISION], opened(review)],
    [
      'that waits since risk was seen has a graver one, with what was seen',
      inReview,
      judged(RISK),
      opened({ ...review, severity: 'high', facts: seen }),
    ],
    [
      'that waits for another reason, and was found without risk, has a usual one',
      inReview,
      judged({ ...RISK, score: 5, verdict: 'pass', raised: [] }),
      opened({ ...review, facts: { ...review.facts, score: 5, signals: [] } }),
    ],
    ['has nothing to do with the risk of another', inReview, judged(RISK, { rewardId: 'rwd_2' }), opened(review)],
    [
      'that was approved ends its case by the word of who did it',
      { review: 'approved', reason: reason('review_approved', said) },
      [],
      settled('review rwd_1', 'approved', said.by, said.why),
    ],
    [
      'that was issued without a person’s word ends it as settled by the deal',
      { state: 'issued', review: 'needed', reason: leftWon },
      [],
      settled('review rwd_1', 'moot', SYSTEM, MOOT),
    ],
    [
      'whose money came back is told of, with what its order had sent',
      { state: 'failed', netted: 2_500n, reason: returned },
      [],
      opened({
        kind: 'alert',
        topic: 'payout_returned',
        dedupeKey: 'returned rwd_1',
        severity: 'high',
        rewardId: 'rwd_1',
        value: { minor: 7_500n, currency: 'EUR' },
        summary:
          'The provider file gave the money back: account closed. It is owed again, and nothing goes out by itself.',
        facts: { party: 'member', beneficiaryId: 'mem_1', payout: 'file' },
      }),
    ],
    [
      'that the provider refused is none of its own',
      { state: 'failed', reason: reason('payout_failed', { provider: 'file', why: 'no' }) },
      [],
      NONE,
    ],
    [
      'that was taken back after its money came back is told by that',
      { state: 'clawed_back', reason: returned },
      [],
      NONE,
    ],
    [
      'that ended is owed no more',
      { state: 'voided', reason: leftWon },
      [],
      settled('returned rwd_1', 'moot', SYSTEM, MOOT),
    ],
  ])('%s', (_, reward, decisions, changes) => {
    expect(caseChanges('acc_1', { rewards: [{ ...REWARD, ...reward }], decisions })).toEqual(changes);
  });

  test.each([
    ['rejected', 'review_rejected'],
    ['taken_back', 'taken_back_by_person'],
  ] as const)('that ends %s settles both of its cases by that word', (outcome, code) => {
    const word = { outcome, by: said.by, why: said.why, at: GRANTED_AT };
    const ended: Reward = { ...REWARD, state: 'voided', review: 'needed', reason: reason(code, said) };
    expect(caseChanges('acc_1', { rewards: [ended], decisions: [] })).toEqual({
      opens: [],
      settles: [
        { dedupeKey: returnedCaseKey('rwd_1'), word },
        { dedupeKey: reviewCaseKey('rwd_1'), word },
      ],
    });
  });

  test('whose reason does not say who and why was settled by the service', () => {
    const approved: Reward = { ...REWARD, review: 'approved', reason: reason('review_approved') };
    expect(caseChanges('acc_1', { rewards: [approved], decisions: [] })).toEqual(
      settled('review rwd_1', 'approved', SYSTEM, ''),
    );
  });
});

describe('a decision', () => {
  const blocked = reason('risk_blocked', { score: '90', limit: '80', findings: 'same phone number (60)' });
  const block = {
    kind: 'review',
    topic: 'risk_blocked',
    dedupeKey: BLOCKED_KEY,
    severity: 'high',
    rewardId: null,
    value: null,
    summary: 'Not rewarded: too much speaks against it (90, from 80 on nothing is paid): same phone number (60).',
    facts: { dealId: '7', connectionId: CONNECTION, ruleKey: 'member-won', party: 'member' },
  };

  test.each<[string, Partial<Decision>, object]>([
    ['that pays has no case', {}, NONE],
    ['that the risk policy refused has one', { reason: blocked }, opened(block)],
    [
      'that it refused says what was seen',
      { reason: blocked, risk: RISK },
      opened({ ...block, facts: { ...block.facts, score: 60, signals: RISK.raised } }),
    ],
    [
      'that a person allowed ends it by that word',
      { sequence: 2, reason: reason('risk_allowed', said) },
      settled(BLOCKED_KEY, 'allowed', said.by, said.why),
    ],
    [
      'that was allowed without a name was allowed by the service',
      { sequence: 2, reason: reason('risk_allowed') },
      settled(BLOCKED_KEY, 'allowed', SYSTEM, ''),
    ],
    [
      'that judges risk once more, and does not refuse, ends it',
      { sequence: 2, risk: RISK, reason: leftWon },
      settled(BLOCKED_KEY, 'moot', SYSTEM, MOOT),
    ],
    ['that is the first of its chain has none to end', { sequence: 1, risk: RISK }, NONE],
    ['that judges no risk ends none', { sequence: 2 }, NONE],
  ])('%s', (_, decision, changes) => {
    expect(caseChanges('acc_1', { rewards: [], decisions: [{ ...DECISION, ...decision }] })).toEqual(changes);
  });

  test('that refuses once more opens another case under the same key', () => {
    const again = [1, 3].map((sequence) => ({ ...DECISION, sequence, reason: blocked }));
    const { opens } = caseChanges('acc_1', { rewards: [], decisions: again });
    expect(opens.map(({ dedupeKey }) => dedupeKey)).toEqual([BLOCKED_KEY, blockedCaseKey(DECISION)]);
    expect(new Set(opens.map(({ id }) => id)).size).toBe(2);
  });
});

test('another account, and another cause, is another case', () => {
  const rewards: Reward[] = [
    { ...REWARD, state: 'in_review', review: 'needed' },
    { ...REWARD, id: 'rwd_2', state: 'in_review', review: 'needed' },
    { ...REWARD, state: 'failed', reason: reason('payout_returned') },
  ];
  const idsOf = (account: string) => caseChanges(account, { rewards, decisions: [] }).opens.map(({ id }) => id);
  expect(idsOf('acc_1')).toEqual(idsOf('acc_1'));
  expect(new Set([...idsOf('acc_1'), ...idsOf('acc_2')]).size).toBe(6);
});
