/** What ReferralHistoryController returns, for the states in which a rep may find a record. */

type Values = Readonly<Record<string, unknown>>;

export interface HistoryView {
  readonly canRead: boolean;
  readonly canAct: boolean;
  readonly members: readonly Values[];
  readonly referrals: readonly Values[];
  readonly rewards: readonly Values[];
  readonly actions: readonly Values[];
  readonly consents: readonly Values[];
}

export const CONTACT = '003000000000001AAA';
export const LEAD = '00Q000000000001AAA';
export const ACCOUNT = '001000000000001AAA';
export const OPPORTUNITY = '006000000000001AAA';
const MEMBER = 'a01000000000001AAA';
const FRIEND = '003000000000002AAA';

export function memberView(change: Values = {}): Values {
  return {
    id: MEMBER,
    name: 'Grace Hopper',
    email: 'grace@example.com',
    program: 'Friends of Acme',
    tier: 'Gold',
    code: 'GRACE7',
    shareLink: 'https://go.wonward.example/GRACE7',
    referrals: 3,
    wonReferrals: 2,
    held: '€120.00',
    approved: null,
    issued: '€240.00',
    reversed: null,
    lastReward: '€120.00',
    lastRewardReason: 'The opportunity "Orbit" is Closed Won.',
    lastRewardAt: '2026-11-10T10:00:00.000Z',
    ...change,
  };
}

export function referralView(change: Values = {}): Values {
  return {
    id: 'a02000000000001AAA',
    name: 'REF-000001',
    program: 'Friends of Acme',
    stage: 'opportunity',
    stageChangedAt: '2026-11-20T10:00:00.000Z',
    submittedAt: '2026-11-01T10:00:00.000Z',
    source: 'code',
    nextStep: 'Move "Analytical engine" to Closed Won.',
    memberId: MEMBER,
    memberName: 'Grace Hopper',
    memberContactId: CONTACT,
    memberLeadId: null,
    friendContactId: FRIEND,
    friendContactName: 'Ada Lovelace',
    friendLeadId: null,
    friendLeadName: null,
    accountId: ACCOUNT,
    opportunityId: OPPORTUNITY,
    opportunityName: 'Analytical engine',
    opportunityStage: 'Negotiation/Review',
    ...change,
  };
}

export function rewardView(change: Values = {}): Values {
  return {
    id: 'a03000000000001AAA',
    name: 'RWD-000001',
    referralId: 'a02000000000001AAA',
    state: 'issued',
    party: 'member',
    amount: 120,
    currencyCode: 'EUR',
    reason: 'The opportunity "Analytical engine" is Closed Won.',
    rule: 'won-member',
    nextStep: null,
    decidedAt: '2026-11-20T10:00:00.000Z',
    releaseAt: null,
    issuedAt: '2026-11-21T10:00:00.000Z',
    opportunityId: OPPORTUNITY,
    opportunityName: 'Analytical engine',
    ...change,
  };
}

export function actionView(change: Values = {}): Values {
  return {
    id: 'a04000000000001AAA',
    type: 'submit_referral',
    status: 'pending',
    outcome: null,
    askedAt: '2026-11-22T10:00:00.000Z',
    askedBy: 'Rex Rep',
    completedAt: null,
    referralId: null,
    ...change,
  };
}

export function consentView(change: Values = {}): Values {
  return {
    version: 3,
    language: 'en',
    text: 'Acme keeps your name and address until you say otherwise.\nYou may ask what is kept at any time.',
    ...change,
  };
}

export function historyView(change: Partial<HistoryView> = {}): HistoryView {
  return { canRead: true, canAct: true, members: [], referrals: [], rewards: [], actions: [], consents: [], ...change };
}

/** Every state of a reward, with what a rep must be able to read of it. */
export const REWARD_WORDS: Readonly<Record<string, string>> = {
  waiting: 'Waiting',
  skipped: 'Not rewarded',
  capped: 'Limit reached',
  queued: 'Waits for budget',
  held: 'On hold',
  in_review: 'In review',
  approved: 'Approved',
  issuing: 'Being paid',
  issued: 'Paid',
  redeemed: 'Paid and used',
  failed: 'Payment failed',
  voided: 'Cancelled',
  expired: 'Expired',
  clawed_back: 'Taken back',
  reversed: 'Reversed',
};

export const STAGE_WORDS: Readonly<Record<string, string>> = {
  submitted: 'Submitted',
  accepted: 'Accepted',
  qualified: 'Qualified',
  opportunity: 'Opportunity',
  won: 'Won',
  lost: 'Lost',
  declined: 'Declined',
  expired: 'Expired',
};
