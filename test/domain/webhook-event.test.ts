import { describe, expect, test } from 'vitest';
import { type Case, SYSTEM } from '../../src/domain/case.ts';
import { REWARD_STATES, type Reward, type RewardState } from '../../src/domain/decision.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { type Reason, reason } from '../../src/domain/reason.ts';
import { LIFECYCLE_STAGES, type Member } from '../../src/domain/referral.ts';
import type { TierChange } from '../../src/domain/tier.ts';
import { isoOf } from '../../src/domain/time.ts';
import {
  bodyOf,
  caseData,
  eventOf,
  eventsOfPlan,
  type StoodBefore,
  tellsAnything,
  type WebhookEvent,
} from '../../src/domain/webhook-event.ts';
import { DECISION, GRANTED_AT, planOf, REWARD } from './granted-deal.ts';
import { CONNECTION, DAY, OPEN_REFERRAL, T0 } from './world.ts';

const NEW: StoodBefore = { referrals: new Map(), rewards: new Map() };

const MEMBER: Member = {
  id: 'mem_1',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  code: 'K7QF-93MX-P2RA',
  contact: { connectionId: CONNECTION, object: 'contact', id: '1' },
  createdAt: T0,
  version: 1,
};

const TIER: TierChange = {
  id: 'tch_1',
  memberId: 'mem_1',
  program: { id: 'default', version: 2 },
  sequence: 3,
  move: 'reached',
  from: null,
  to: { key: 'gold', name: 'Gold' },
  reason: reason('tier_reached', { tier: 'Gold', score: '5 won referrals', window: '', needed: '5' }),
  evidence: { by: 'won_referrals', score: 5n, currency: '', sinceDay: null },
  recordedAt: T0,
};

const tell = (plan: Partial<Plan>, before: Partial<StoodBefore> = {}): WebhookEvent[] =>
  eventsOfPlan('acc_1', planOf(plan), { ...NEW, ...before }, GRANTED_AT);
const typesOf = (plan: Partial<Plan>, before: Partial<StoodBefore> = {}) => tell(plan, before).map(({ type }) => type);

/** What is told of one thing, with how its envelope names it. */
function toldOf(plan: Partial<Plan>, before: Partial<StoodBefore> = {}) {
  return tell(plan, before).map(({ id, ...event }) => {
    expect(id).toMatch(/^evt_[0-9a-z]{26}$/);
    return event;
  });
}

describe('a member', () => {
  test('who is new is told of by ids alone', () => {
    expect(toldOf({ members: [MEMBER] })).toEqual([
      {
        type: 'member.enrolled',
        subject: 'mem_1',
        sequence: 1,
        at: GRANTED_AT,
        data: {
          id: 'mem_1',
          contact: { connectionId: CONNECTION, object: 'contact', id: '1' },
          recruiter: false,
          enrolledAt: isoOf(T0),
        },
      },
    ]);
  });

  test('who has no contact yet has none, and a recruiter is one', () => {
    const [event] = toldOf({ members: [{ ...MEMBER, contact: null, isStaff: true }] });
    expect(event?.data).toEqual({ id: 'mem_1', contact: null, recruiter: true, enrolledAt: isoOf(T0) });
  });

  test('who was there before is not told of again', () => {
    expect(toldOf({ members: [{ ...MEMBER, version: 2 }] })).toEqual([]);
  });
});

describe('a referral', () => {
  const stood = (stage: string, memberId = 'mem_1') => ({ referrals: new Map([['ref_1', { stage, memberId }]]) });
  const REFERRAL_DATA = {
    id: 'ref_1',
    programId: 'default',
    memberId: 'mem_1',
    recruiterId: null,
    contact: { connectionId: CONNECTION, object: 'contact', id: '2' },
    source: 'label',
    stage: 'opportunity',
    stageBefore: null,
    memberBefore: null,
    stageSince: isoOf(T0),
    submittedAt: isoOf(T0),
    reason: { code: 'attributed_label', text: 'The association "Referred by" in the CRM names the member.' },
  };
  const envelope = (type: string) => ({ type, subject: 'ref_1', sequence: 4, at: GRANTED_AT });
  const REFERRAL = { ...OPEN_REFERRAL, version: 4 };

  test('that is new is told by its stage', () => {
    expect(toldOf({ referrals: [REFERRAL] })).toEqual([{ ...envelope('referral.opportunity'), data: REFERRAL_DATA }]);
  });

  test('that moved is told with the stage before', () => {
    expect(toldOf({ referrals: [{ ...REFERRAL, recruiterId: 'mem_9' }] }, stood('submitted'))).toEqual([
      {
        ...envelope('referral.opportunity'),
        data: { ...REFERRAL_DATA, recruiterId: 'mem_9', stageBefore: 'submitted' },
      },
    ]);
  });

  test('that did not move and is the same member’s is not told of', () => {
    expect(toldOf({ referrals: [REFERRAL] }, stood('opportunity'))).toEqual([]);
  });

  test('that was given to another member says whose it was', () => {
    const data = { ...REFERRAL_DATA, stageBefore: 'opportunity', memberBefore: 'mem_2' };
    expect(toldOf({ referrals: [REFERRAL] }, stood('opportunity', 'mem_2'))).toEqual([
      { ...envelope('referral.reattributed'), data },
    ]);
  });

  test('that moved and was given away is told twice, with the same data', () => {
    const data = { ...REFERRAL_DATA, stageBefore: 'submitted', memberBefore: 'mem_2' };
    expect(toldOf({ referrals: [REFERRAL] }, stood('submitted', 'mem_2'))).toEqual([
      { ...envelope('referral.opportunity'), data },
      { ...envelope('referral.reattributed'), data },
    ]);
  });

  test('whose friend has no contact yet has none', () => {
    const friend = { ...OPEN_REFERRAL.friend, contact: null };
    expect(tell({ referrals: [{ ...REFERRAL, friend }] })[0]?.data).toEqual({ ...REFERRAL_DATA, contact: null });
  });

  test.each(LIFECYCLE_STAGES)('that comes to the stage %s is told by an event of its own', (stage) => {
    expect(typesOf({ referrals: [{ ...REFERRAL, stage }] }, stood('another'))).toEqual([`referral.${stage}`]);
  });
});

describe('a decision', () => {
  const DECISION_DATA = {
    id: 'dec_1',
    referralId: 'ref_1',
    deal: { connectionId: CONNECTION, object: 'deal', id: '7' },
    program: { id: 'default', version: 1 },
    ruleKey: 'member-won',
    party: 'member',
    sequence: 2,
    outcome: 'held',
    reason: { code: 'rewarded', text: 'The deal "7" reached Closed Won and every condition is met.' },
    amount: '100.00',
    currency: 'EUR',
    rewardId: 'rwd_1',
    releaseAt: isoOf(T0 + 14 * DAY),
    effectiveAt: isoOf(T0),
  };

  test('is told with its money, its rule and its reason', () => {
    const held = { ...DECISION, sequence: 2, outcome: 'held', releaseAt: T0 + 14 * DAY } as const;
    expect(toldOf({ decisions: [held] })).toEqual([
      { type: 'decision.made', subject: 'dec_1', sequence: 2, at: GRANTED_AT, data: DECISION_DATA },
    ]);
  });

  test('that grants nothing has no amount, no currency and no reward', () => {
    const skipped = { ...DECISION, outcome: 'skipped', money: null, rewardId: null } as const;
    expect(tell({ decisions: [skipped] })[0]?.data).toEqual({
      ...DECISION_DATA,
      ...{ sequence: 1, outcome: 'skipped', amount: null, currency: null, rewardId: null, releaseAt: null },
    });
  });

  test.each<[string, Reason, boolean]>([
    ['who decided', reason('review_approved', { by: 'Ada', why: '' }), true],
    ['why somebody decided', reason('referral_declined', { why: 'Bob said no' }), true],
    ['what stands in the CRM', reason('condition_unmet', { condition: 'city', expected: 'Rome', actual: 'Bob' }), true],
    ['what an unmet condition said', reason('condition_unmet_because', { because: 'Bob is not in Rome' }), true],
    ['what risk was seen', reason('risk_blocked', { score: '90', limit: '80', findings: 'same as Bob' }), true],
    ['by which key it is a copy', reason('decided_elsewhere', { key: 'Bob', crm: 'B' }), true],
    ['what it is called there', reason('rewarded_elsewhere', { crm: 'B', there: 'Bob' }), true],
    ['an empty word of somebody', reason('taken_back_by_person', { by: '' }), true],
    ['ids and amounts', reason('limit_reached', { limit: 'limit', expected: 'at most 2' }), false],
  ])('whose reason quotes %s: the code alone is told where that may name a person', (_, why, isQuoted) => {
    const data = tell({ decisions: [{ ...DECISION, reason: why }] })[0]?.data;
    expect(data?.reason).toEqual({ code: why.code, text: isQuoted ? null : expect.stringContaining('at most 2') });
  });
});

describe('a reward', () => {
  const stood = (state: string, minor = 10_000n, clawedBack = 0n) => ({
    rewards: new Map([['rwd_1', { state, minor, clawedBack }]]),
  });
  const REWARD_DATA = {
    id: 'rwd_1',
    referralId: 'ref_1',
    programId: 'default',
    deal: { connectionId: CONNECTION, object: 'deal', id: '7' },
    ruleKey: 'member-won',
    party: 'member',
    beneficiaryId: 'mem_1',
    amount: '100.00',
    clawedBack: '0.00',
    currency: 'EUR',
    state: 'approved',
    stateBefore: null,
    payout: 'file',
    releaseAt: null,
    expiresAt: null,
    reason: { code: 'rewarded', text: 'The deal "7" reached Closed Won and every condition is met.' },
  };
  const envelope = (type: string) => ({ type, subject: 'rwd_1', sequence: 1, at: GRANTED_AT });

  test('that is new is granted, and in a state', () => {
    expect(toldOf({ rewards: [REWARD] })).toEqual([
      { ...envelope('reward.granted'), data: REWARD_DATA },
      { ...envelope('reward.approved'), data: REWARD_DATA },
    ]);
  });

  test('is told with its dates, what was taken back and the state before', () => {
    const issued: Reward = {
      ...REWARD,
      state: 'issued',
      clawedBack: 2_550n,
      releaseAt: T0 + DAY,
      expiresAt: T0 + 30 * DAY,
    };
    const data = {
      ...REWARD_DATA,
      ...{ clawedBack: '25.50', state: 'issued', stateBefore: 'held' },
      ...{ releaseAt: isoOf(T0 + DAY), expiresAt: isoOf(T0 + 30 * DAY) },
    };
    expect(toldOf({ rewards: [issued] }, stood('held'))).toEqual([
      { ...envelope('reward.issued'), data },
      { ...envelope('reward.adjusted'), data },
    ]);
  });

  const TOLD: Readonly<Record<RewardState, string[]>> = {
    held: ['reward.held'],
    in_review: ['reward.in_review'],
    approved: ['reward.approved'],
    issuing: [],
    issued: ['reward.issued'],
    redeemed: ['reward.redeemed'],
    failed: ['reward.failed'],
    voided: ['reward.voided'],
    expired: ['reward.expired'],
    clawed_back: ['reward.clawed_back'],
  };
  test.each(REWARD_STATES)('that comes to the state %s is told so, unless it is a step within a payout', (state) => {
    expect(typesOf({ rewards: [{ ...REWARD, state }] }, stood('another'))).toEqual(TOLD[state]);
    expect(typesOf({ rewards: [{ ...REWARD, state }] }, stood(state))).toEqual([]);
    expect(typesOf({ rewards: [{ ...REWARD, state }] })).toEqual(['reward.granted', ...TOLD[state]]);
  });

  test.each([
    ['its amount is another', stood('approved', 9_999n)],
    ['another part was taken back', stood('approved', 10_000n, 1n)],
  ])('is adjusted when %s', (_, before) => {
    expect(typesOf({ rewards: [REWARD] }, before)).toEqual(['reward.adjusted']);
  });
});

test('a tier is told with both, and null for none', () => {
  const data = {
    id: 'tch_1',
    memberId: 'mem_1',
    program: { id: 'default', version: 2 },
    move: 'reached',
    from: null,
    to: { key: 'gold', name: 'Gold' },
    reason: { code: 'tier_reached', text: 'Reached the tier "Gold": 5 won referrals, 5 asked for.' },
    recordedAt: isoOf(T0),
  };
  const envelope = { type: 'tier.changed', subject: 'tch_1', sequence: 3, at: GRANTED_AT };
  expect(toldOf({ tierChanges: [TIER] })).toEqual([{ ...envelope, data }]);
  const lost = { ...TIER, from: TIER.to, to: null };
  expect(toldOf({ tierChanges: [lost] })).toEqual([{ ...envelope, data: { ...data, from: data.to, to: null } }]);
});

describe('a plan', () => {
  const full = {
    members: [MEMBER],
    referrals: [OPEN_REFERRAL],
    decisions: [DECISION],
    rewards: [REWARD],
    tierChanges: [TIER],
  };

  test('is told in the order of its story', () => {
    expect(typesOf(full)).toEqual([
      'member.enrolled',
      'referral.opportunity',
      'decision.made',
      'reward.granted',
      'reward.approved',
      'tier.changed',
    ]);
  });

  test.each(Object.keys(full) as Array<keyof typeof full>)('with %s has something to tell', (key) => {
    expect(tellsAnything(planOf({ [key]: full[key] }))).toBe(true);
  });

  test('that only marks records has not', () => {
    expect(tellsAnything(planOf({ mirror: [DECISION.deal], wakes: [{ record: DECISION.deal, at: T0 }] }))).toBe(false);
    expect(tell({ mirror: [DECISION.deal] })).toEqual([]);
  });

  test('tells nothing of a person but ids', () => {
    const sent = tell(full).map((event) => bodyOf('acc_1', event));
    for (const body of sent) expect(body).not.toMatch(/Ada|Bob|Lovelace|@/);
  });
});

describe('an event', () => {
  test('has an id of its cause: the same change is the same event, and nothing else is', () => {
    const make = (account: string, type: 'case.opened' | 'case.settled', subject: string, sequence: number) =>
      eventOf(account, type, subject, sequence, T0, {});
    const first = make('acc_1', 'case.opened', 'cas_1', 1);
    const others = [
      make('acc_2', 'case.opened', 'cas_1', 1),
      make('acc_1', 'case.settled', 'cas_1', 1),
      make('acc_1', 'case.opened', 'cas_2', 1),
      make('acc_1', 'case.opened', 'cas_1', 2),
    ];
    expect({ ...make('acc_1', 'case.opened', 'cas_1', 1), at: T0 + DAY }).toEqual({ ...first, at: T0 + DAY });
    expect(new Set([first, ...others].map(({ id }) => id)).size).toBe(5);
  });

  test('is sent byte for byte like this', () => {
    const event = { ...eventOf('acc_1', 'case.opened', 'cas_1', 2, T0, { id: 'cas_1' }), id: 'evt_1' };
    expect(bodyOf('acc_1', event)).toBe(
      '{"type":"case.opened","timestamp":"2026-01-05T00:00:00.000Z","id":"evt_1","version":1,"accountId":"acc_1","subject":"cas_1","sequence":2,"data":{"id":"cas_1"}}',
    );
  });
});

describe('a case', () => {
  const CASE: Case = {
    id: 'cas_1',
    kind: 'dispute',
    topic: 'not_paid',
    dedupeKey: 'dispute 1',
    severity: 'high',
    referralId: 'ref_1',
    rewardId: 'rwd_1',
    value: { minor: 12_345n, currency: 'EUR' },
    summary: 'Ada says that Bob is hers',
    facts: { name: 'Ada' },
    openedBy: SYSTEM,
    openedAt: T0,
    state: 'open',
    owner: 'person:ada',
    chain: [],
    step: 0,
    dueAt: T0 + DAY,
    isOverdue: true,
    outcome: null,
    decidedBy: 'ada',
    decidedWhy: 'Ada was right',
    decidedAt: null,
    version: 1,
  };
  const CASE_DATA = {
    ...{ id: 'cas_1', kind: 'dispute', topic: 'not_paid', severity: 'high', state: 'open' },
    ...{ referralId: 'ref_1', rewardId: 'rwd_1', amount: '123.45', currency: 'EUR' },
    ...{ dueAt: isoOf(T0 + DAY), overdue: true, outcome: null, openedAt: isoOf(T0) },
  };

  test('is told without anything that a person has written', () => {
    expect(caseData(CASE)).toEqual(CASE_DATA);
  });

  test('at its end, and about no money, has neither a time nor an amount', () => {
    const settled = { ...CASE, state: 'decided', outcome: 'moot', value: null, dueAt: null, isOverdue: false } as const;
    expect(caseData(settled)).toEqual({
      ...CASE_DATA,
      ...{ state: 'decided', outcome: 'moot', amount: null, currency: null, dueAt: null, overdue: false },
    });
  });
});
