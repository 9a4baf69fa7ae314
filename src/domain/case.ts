import { type Decision, orderedMinor, type Reward } from './decision.ts';
import { derivedId } from './ids.ts';
import type { Money } from './money.ts';
import type { Plan } from './plan.ts';
import { reasonText } from './reason.ts';
import type { RiskFinding } from './risk.ts';
import type { Instant } from './time.ts';

export const CASE_KINDS = ['review', 'dispute', 'alert'] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

export const SEVERITIES = ['low', 'normal', 'high', 'urgent'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The gravest first. */
export function bySeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(b) - SEVERITIES.indexOf(a);
}

/**
 * What became of a case.
 * - `approved`, `rejected`: of a reward that waited · `allowed`: paid though the policy would not · `moot`: the deal settled it first, or what an alert told of is gone
 * - `taken_back`: a dispute that took a reward back · `reattributed`: one that gave a referral to another member
 * - `upheld`: the dispute is right, and nothing follows from it here · `dismissed`: it is not
 * - `resolved`: somebody has dealt with it
 */
export const OUTCOMES = [
  'approved',
  'rejected',
  'allowed',
  'moot',
  'taken_back',
  'reattributed',
  'upheld',
  'dismissed',
  'resolved',
] as const;
export type CaseOutcome = (typeof OUTCOMES)[number];

/** Who has a case, one after the other, and for how many hours: `role:reviewer`, `person:…`, `account_owner`. */
export interface EscalationStep {
  readonly to: string;
  readonly hours: number;
}

/** A reviewer has two days, then the account's owner has two. After that the case stays open, and is overdue. */
export const USUAL_CHAIN: readonly EscalationStep[] = [
  { to: 'role:reviewer', hours: 48 },
  { to: 'account_owner', hours: 48 },
];

/** What is opened. The id comes from the cause, so the same cause opens one case. */
export interface NewCase {
  readonly id: string;
  readonly kind: CaseKind;
  /** What it is about, for lists: `reward_review`, `risk_blocked`, the claim of a dispute, the kind of an alert. */
  readonly topic: string;
  /** One open case for each. */
  readonly dedupeKey: string;
  readonly severity: Severity;
  readonly referralId: string | null;
  readonly rewardId: string | null;
  readonly value: Money | null;
  readonly summary: string;
  /** Ids, counts and signals; no names and no addresses. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly openedBy: string;
  readonly openedAt: Instant;
}

export interface Case extends NewCase {
  readonly state: 'open' | 'decided';
  readonly owner: string;
  readonly chain: readonly EscalationStep[];
  readonly step: number;
  /** Null when the chain has come to its end. */
  readonly dueAt: Instant | null;
  readonly isOverdue: boolean;
  readonly outcome: CaseOutcome | null;
  readonly decidedBy: string | null;
  readonly decidedWhy: string | null;
  readonly decidedAt: Instant | null;
  readonly version: number;
}

export const EVENT_KINDS = ['opened', 'commented', 'assigned', 'escalated', 'overdue', 'decided'] as const;

export interface CaseEvent {
  readonly number: number;
  readonly kind: (typeof EVENT_KINDS)[number];
  readonly by: string;
  readonly words: string;
  readonly at: Instant;
}

/** The end of a case; the word of who decided it. */
export interface CaseWord {
  readonly outcome: CaseOutcome;
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

/** Who moves cases up, and what the machinery opens by itself. */
export const SYSTEM = 'wonward';

export function escalate(
  one: Pick<Case, 'chain' | 'step'>,
  now: Instant,
): Pick<Case, 'step' | 'owner' | 'dueAt'> | null {
  const step = one.step + 1;
  const next = one.chain[step];
  return next ? { step, owner: next.to, dueAt: dueAfter(next, now) } : null;
}

export function dueAfter({ hours }: EscalationStep, from: Instant): Instant {
  return from + hours * 3_600_000;
}

export function reviewCaseKey(rewardId: string): string {
  return `review ${rewardId}`;
}

export function blockedCaseKey({
  referralId,
  deal,
  ruleKey,
}: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>): string {
  return `blocked ${referralId} ${deal.connectionId} ${deal.id} ${ruleKey}`;
}

/** A provider has given back what was owed to somebody; nothing goes out again by itself. */
export function returnedCaseKey(rewardId: string): string {
  return `returned ${rewardId}`;
}

/** What a plan means for cases: those to open, and open ones (by their keys) that it has settled. */
export interface CaseChanges {
  readonly opens: readonly NewCase[];
  readonly settles: ReadonlyArray<{ readonly dedupeKey: string; readonly word: CaseWord }>;
}

/**
 * A reward that waits for a person has an open case, and one that waits no longer has none; so has a reward that the risk policy refused, and
 * one whose money came back and is owed again. It follows from the plan alone, so that it is written with it, whoever made the plan.
 */
export function caseChanges(
  accountId: string,
  { rewards, decisions }: Pick<Plan, 'rewards' | 'decisions'>,
): CaseChanges {
  const opens: NewCase[] = [];
  const settles: Array<{ dedupeKey: string; word: CaseWord }> = [];
  for (const reward of rewards) {
    if (reward.state === 'failed' && reward.reason.code === 'payout_returned')
      opens.push(returnedCase(accountId, reward));
    // Owed no more: its deal was lost after the money came back.
    else if (reward.state === 'voided') settles.push({ dedupeKey: returnedCaseKey(reward.id), word: wordOn(reward) });
    if (reward.review === 'none') continue;
    const dedupeKey = reviewCaseKey(reward.id);
    // One on hold is looked at when the hold ends; until then the deal may settle it.
    if (reward.state === 'held') continue;
    if (reward.state === 'in_review') opens.push(reviewCase(accountId, reward, decisions));
    else settles.push({ dedupeKey, word: wordOn(reward) });
  }
  for (const decision of decisions) {
    const dedupeKey = blockedCaseKey(decision);
    const { reason, recordedAt } = decision;
    if (reason.code === 'risk_blocked') opens.push(blockedCase(accountId, decision, dedupeKey));
    else if (reason.code === 'risk_allowed') {
      const { by = SYSTEM, why = '' } = reason.values;
      settles.push({ dedupeKey, word: { outcome: 'allowed', by, why, at: recordedAt } });
    } else if (decision.sequence > 1 && decision.risk !== undefined)
      settles.push({ dedupeKey, word: { outcome: 'moot', by: SYSTEM, why: reasonText(reason), at: recordedAt } });
  }
  return { opens, settles };
}

function reviewCase(accountId: string, reward: Reward, decisions: readonly Decision[]): NewCase {
  const risk = decisions.find(({ rewardId, risk: found }) => rewardId === reward.id && found)?.risk;
  const isDoubtful = risk !== undefined && risk.verdict !== 'pass';
  return {
    id: derivedId('cas', accountId, reviewCaseKey(reward.id)),
    kind: 'review',
    topic: 'reward_review',
    dedupeKey: reviewCaseKey(reward.id),
    severity: isDoubtful ? 'high' : 'normal',
    referralId: reward.referralId,
    rewardId: reward.id,
    value: reward.money,
    summary: reasonText(reward.reason),
    facts: { dealId: reward.deal.id, ruleKey: reward.ruleKey, party: reward.party, ...(risk ? factsOf(risk) : {}) },
    openedBy: SYSTEM,
    openedAt: reward.updatedAt,
  };
}

function blockedCase(accountId: string, decision: Decision, dedupeKey: string): NewCase {
  const { deal, ruleKey, party, sequence, risk, reason, recordedAt } = decision;
  return {
    id: derivedId('cas', accountId, dedupeKey, sequence),
    kind: 'review',
    topic: 'risk_blocked',
    dedupeKey,
    severity: 'high',
    referralId: decision.referralId,
    rewardId: null,
    value: null,
    summary: reasonText(reason),
    facts: { dealId: deal.id, connectionId: deal.connectionId, ruleKey, party, ...(risk ? factsOf(risk) : {}) },
    openedBy: SYSTEM,
    openedAt: recordedAt,
  };
}

function returnedCase(accountId: string, reward: Reward): NewCase {
  const dedupeKey = returnedCaseKey(reward.id);
  return {
    id: derivedId('cas', accountId, dedupeKey),
    kind: 'alert',
    topic: 'payout_returned',
    dedupeKey,
    severity: 'high',
    referralId: reward.referralId,
    rewardId: reward.id,
    value: { minor: orderedMinor(reward), currency: reward.money.currency },
    summary: `${reasonText(reward.reason)} It is owed again, and nothing goes out by itself.`,
    facts: { party: reward.party, beneficiaryId: reward.beneficiaryId, payout: reward.payout },
    openedBy: SYSTEM,
    openedAt: reward.updatedAt,
  };
}

function factsOf({ score, raised }: { readonly score: number; readonly raised: readonly RiskFinding[] }) {
  return { score, signals: raised };
}

/** A person's word stands in the reward's reason; otherwise the deal has settled it. */
function wordOn({ reason: { code, values }, reason, updatedAt: at }: Reward): CaseWord {
  const { by = SYSTEM, why = '' } = values;
  if (code === 'review_approved') return { outcome: 'approved', by, why, at };
  if (code === 'review_rejected') return { outcome: 'rejected', by, why, at };
  if (code === 'taken_back_by_person') return { outcome: 'taken_back', by, why, at };
  return { outcome: 'moot', by: SYSTEM, why: reasonText(reason), at };
}
