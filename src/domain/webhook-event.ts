import type { Case } from './case.ts';
import type { Decision, Reward, RewardState } from './decision.ts';
import { derivedId } from './ids.ts';
import { decimalOf } from './money.ts';
import type { Plan } from './plan.ts';
import { type Reason, textWithoutQuotes } from './reason.ts';
import type { RecordRef } from './record.ts';
import type { LifecycleStage, Member, Referral } from './referral.ts';
import type { TierChange } from './tier.ts';
import { type Instant, isoOf } from './time.ts';
import { type SentEventType, WEBHOOK_VERSION, type WebhookEventType } from './webhook.ts';

/**
 * Something that other systems are told of. It is made of ids, states, amounts and times: no name, no address and no sentence that a person
 * has written, so that nothing has to be forgotten in it when somebody asks to be.
 */
export interface WebhookEvent {
  /** From the cause: the same change is the same event, however often it is committed. */
  readonly id: string;
  readonly type: SentEventType;
  /** What it is about: `rwd_…`. */
  readonly subject: string;
  /** Of two events about one subject the later one has the higher number; with the same number they are of one change. */
  readonly sequence: number;
  readonly at: Instant;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How what a plan changes stood before it; what is not there is new. */
export interface StoodBefore {
  readonly referrals: ReadonlyMap<string, { readonly stage: string; readonly memberId: string }>;
  readonly rewards: ReadonlyMap<
    string,
    { readonly state: string; readonly minor: bigint; readonly clawedBack: bigint }
  >;
}

/** Whether it has anything to tell; a plan that only marks records has not. */
export function tellsAnything({ members, referrals, decisions, rewards, tierChanges }: Plan): boolean {
  return [members, referrals, decisions, rewards, tierChanges].some(({ length }) => length > 0);
}

/** What a plan means for other systems. It follows from the plan and from how things stood, so that it is written with it, whoever made it. */
export function eventsOfPlan(accountId: string, plan: Plan, before: StoodBefore, at: Instant): WebhookEvent[] {
  const event = (type: WebhookEventType, subject: string, sequence: number, data: WebhookEvent['data']) =>
    eventOf(accountId, type, subject, sequence, at, data);
  return [
    ...plan.members
      .filter(({ version }) => version === 1)
      .map((member) => event('member.enrolled', member.id, member.version, memberData(member))),
    ...plan.referrals.flatMap((referral) => {
      const stood = before.referrals.get(referral.id);
      const data = referralData(referral, stood);
      const types = [
        ...(stood?.stage === referral.stage ? [] : [`referral.${referral.stage}` as const]),
        ...(stood && stood.memberId !== referral.memberId ? (['referral.reattributed'] as const) : []),
      ];
      return types.map((type) => event(type, referral.id, referral.version, data));
    }),
    ...plan.decisions.map((decision) => event('decision.made', decision.id, decision.sequence, decisionData(decision))),
    ...plan.rewards.flatMap((reward) => {
      const stood = before.rewards.get(reward.id);
      const data = rewardData(reward, stood);
      return rewardTypes(reward, stood).map((type) => event(type, reward.id, reward.version, data));
    }),
    ...plan.tierChanges.map((change) => event('tier.changed', change.id, change.sequence, tierData(change))),
  ];
}

export function eventOf(
  accountId: string,
  type: SentEventType,
  subject: string,
  sequence: number,
  at: Instant,
  data: WebhookEvent['data'],
): WebhookEvent {
  return { id: derivedId('evt', accountId, type, subject, sequence), type, subject, sequence, at, data };
}

/** What is sent, byte for byte, at every attempt. */
export function bodyOf(accountId: string, { id, type, subject, sequence, at, data }: WebhookEvent): string {
  return JSON.stringify({
    type,
    timestamp: isoOf(at),
    id,
    version: WEBHOOK_VERSION,
    accountId,
    subject,
    sequence,
    data,
  });
}

export function caseData(one: Case): WebhookEvent['data'] {
  const { id, kind, topic, severity, state, referralId, rewardId, value, dueAt, isOverdue, outcome, openedAt } = one;
  return {
    id,
    kind,
    topic,
    severity,
    state,
    referralId,
    rewardId,
    amount: value && decimalOf(value),
    currency: value?.currency ?? null,
    dueAt: timeOf(dueAt),
    overdue: isOverdue,
    outcome,
    openedAt: isoOf(openedAt),
  };
}

const STATE_EVENTS: Partial<Readonly<Record<RewardState, WebhookEventType>>> = {
  held: 'reward.held',
  in_review: 'reward.in_review',
  approved: 'reward.approved',
  issued: 'reward.issued',
  redeemed: 'reward.redeemed',
  failed: 'reward.failed',
  voided: 'reward.voided',
  expired: 'reward.expired',
  clawed_back: 'reward.clawed_back',
};

function rewardTypes(
  { state, money, clawedBack }: Reward,
  stood: { readonly state: string; readonly minor: bigint; readonly clawedBack: bigint } | undefined,
): WebhookEventType[] {
  const ofState = STATE_EVENTS[state];
  const moved = stood?.state !== state && ofState !== undefined ? [ofState] : [];
  if (!stood) return ['reward.granted', ...moved];
  const isAdjusted = stood.clawedBack !== clawedBack || stood.minor !== money.minor;
  return [...moved, ...(isAdjusted ? (['reward.adjusted'] as const) : [])];
}

function memberData({ id, contact, isStaff, createdAt }: Member): WebhookEvent['data'] {
  return { id, contact: recordOf(contact), recruiter: isStaff === true, enrolledAt: isoOf(createdAt) };
}

function referralData(
  { id, programId, memberId, friend, source, stage, reason, stageSince, submittedAt, recruiterId }: Referral,
  stood: { readonly stage: string; readonly memberId: string } | undefined,
): WebhookEvent['data'] {
  return {
    id,
    programId,
    memberId,
    recruiterId: recruiterId ?? null,
    contact: recordOf(friend.contact),
    source,
    stage,
    stageBefore: (stood?.stage ?? null) as LifecycleStage | null,
    memberBefore: stood && stood.memberId !== memberId ? stood.memberId : null,
    stageSince: isoOf(stageSince),
    submittedAt: isoOf(submittedAt),
    reason: whyOf(reason),
  };
}

function decisionData(decision: Decision): WebhookEvent['data'] {
  const { id, referralId, deal, ruleKey, party, sequence, outcome, money, rewardId, releaseAt, program } = decision;
  return {
    id,
    referralId,
    deal: recordOf(deal),
    program: { id: program.id, version: program.version },
    ruleKey,
    party,
    sequence,
    outcome,
    reason: whyOf(decision.reason),
    amount: money && decimalOf(money),
    currency: money?.currency ?? null,
    rewardId,
    releaseAt: timeOf(releaseAt),
    effectiveAt: isoOf(decision.effectiveAt),
  };
}

function rewardData(reward: Reward, stood: { readonly state: string } | undefined): WebhookEvent['data'] {
  const { id, referralId, programId, deal, ruleKey, party, beneficiaryId, money, state, payout } = reward;
  return {
    id,
    referralId,
    programId,
    deal: recordOf(deal),
    ruleKey,
    party,
    beneficiaryId,
    amount: decimalOf(money),
    clawedBack: decimalOf({ minor: reward.clawedBack, currency: money.currency }),
    currency: money.currency,
    state,
    stateBefore: stood?.state ?? null,
    payout,
    releaseAt: timeOf(reward.releaseAt),
    expiresAt: timeOf(reward.expiresAt ?? null),
    reason: whyOf(reward.reason),
  };
}

function tierData({ id, memberId, program, move, from, to, recordedAt, reason }: TierChange): WebhookEvent['data'] {
  return {
    id,
    memberId,
    program: { id: program.id, version: program.version },
    move,
    from: from && { key: from.key, name: from.name },
    to: to && { key: to.key, name: to.name },
    reason: whyOf(reason),
    recordedAt: isoOf(recordedAt),
  };
}

function recordOf(record: RecordRef | null) {
  return record && { connectionId: record.connectionId, object: record.object, id: record.id };
}

function timeOf(at: Instant | null): string | null {
  return at === null ? null : isoOf(at);
}

/** Of a reason that quotes somebody the code alone is told. */
function whyOf(reason: Reason): { readonly code: string; readonly text: string | null } {
  return { code: reason.code, text: textWithoutQuotes(reason) };
}
