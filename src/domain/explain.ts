import { stepText } from './amount.ts';
import { type BatchSchedule, nextCut } from './batch-schedule.ts';
import { describeCondition } from './condition.ts';
import { type ConditionResult, type Decision, type Reward, type RewardState, standingMinor } from './decision.ts';
import { type FriendProperties, judge } from './eligibility.ts';
import { type Money, textOf } from './money.ts';
import { isReviewed, type Party, type RewardRule, type TriggerStage, triggerOf } from './program.ts';
import type { Rates } from './rates.ts';
import { type DealNames, type Reason, reasonText } from './reason.ts';
import type { Referral } from './referral.ts';
import { claimedMinor } from './reward.ts';
import type { HeldTier } from './tier-scheme.ts';
import { addDays, dayOf, type Instant, nextDayOfMonth } from './time.ts';
import type { DealAt } from './timeline.ts';

/** What a person wants to know of one rule on one referral: where it stands, why, what would make it pay, what comes next. */
export interface Outlook {
  readonly rewardId: string | null;
  readonly ruleKey: string;
  readonly party: Party;
  readonly dealId: string | null;
  readonly state: RewardState | 'expected' | 'waiting' | 'skipped';
  readonly money: Money | null;
  readonly reason: { readonly code: string; readonly text: string };
  readonly conditions: readonly ConditionResult[];
  readonly wouldPay: string | null;
  readonly next: string | null;
  readonly nextAt: Instant | null;
  readonly at: Instant;
}

/** What somebody can do about a reason for which nothing is paid; a reason that nobody can change has none. */
const REMEDIES: Readonly<Record<string, string>> = {
  amount_missing: 'Enter an amount on the deal.',
  amount_invalid: 'Correct the amount on the deal.',
  amount_too_precise: 'Round the amount on the deal to what its currency allows.',
  amount_too_large: 'Check the amount on the deal.',
  currency_missing: 'Choose a currency on the deal.',
  currency_unknown: 'Choose a valid currency on the deal.',
  rate_missing: 'Enter the exchange rates of that day.',
  decided_elsewhere: 'Look at the deal there; it pays there when it is won and the friend is on it.',
  left_won: 'Move the deal to Closed Won again.',
  deal_deleted: 'Restore the deal in the CRM.',
  deal_detached: 'Associate the deal with the friend again.',
  left_stage: 'Move the deal forward again.',
  limit_reached: 'Pays when a reward that counts towards the limit is taken back.',
  budget_spent: 'Fill up the budget of the program.',
  refund_unknown: 'Enter the amount of the deal, in the currency in which it was paid.',
  review_rejected: 'Ask the person who rejected it.',
  expired_unused: 'Nothing brings it back: a reward that expired is not given again.',
  risk_blocked: 'A reviewer can allow it in its case.',
  taken_back_by_person: 'Ask the person who took it back.',
};

/** The stages that rules wait for, as people call them. */
const STAGE_NAMES: Readonly<Record<TriggerStage, string>> = {
  qualified: 'a qualified stage',
  opportunity: 'an open stage',
  won: 'Closed Won',
};

/** What happens next in each state, and who has it. */
const NEXT: Readonly<Record<Outlook['state'], string | null>> = {
  expected: null,
  waiting: 'Judged again as soon as the deal changes.',
  skipped: null,
  held: 'Paid when the hold ends, if the deal is still Closed Won.',
  in_review: 'A reviewer decides.',
  approved: 'On its way to the reward provider.',
  issuing: "Waiting for the reward provider's answer.",
  issued: null,
  redeemed: null,
  failed: "An admin has to look at the provider's answer.",
  voided: null,
  expired: null,
  clawed_back: null,
};

/** A rule that has been decided on: the newest decision, and the reward it stands for. */
export function outlookOfDecision(decision: Decision, reward: Reward | undefined, names: DealNames): Outlook {
  const isWaiting = decision.outcome === 'waiting' || decision.outcome === 'queued';
  const state = reward?.state ?? (isWaiting ? 'waiting' : 'skipped');
  const why = reward?.reason ?? decision.reason;
  const isWaitingForEvent = state === 'held' && why.code === 'held_until';
  return {
    rewardId: reward?.id ?? null,
    ruleKey: decision.ruleKey,
    party: decision.party,
    dealId: decision.deal.id,
    state,
    money: reward
      ? { minor: standingMinor(reward), currency: reward.money.currency }
      : // What would have been paid is no money of anybody's; its sentence tells it.
        decision.outcome === 'history'
        ? null
        : decision.money,
    reason: told(why, names),
    conditions: decision.conditions,
    wouldPay: remedyFor(why),
    next: isWaitingForEvent
      ? 'Paid when that is so; if it is not by then, a person decides.'
      : nextOf(decision, reward),
    nextAt: state === 'held' ? (reward?.releaseAt ?? null) : state === 'issued' ? (reward?.expiresAt ?? null) : null,
    at: reward?.updatedAt ?? decision.effectiveAt,
  };
}

function nextOf({ outcome }: Decision, reward: Reward | undefined): string | null {
  if (!reward) {
    if (outcome === 'queued') return 'Paid in its turn when the budget is filled up.';
    return outcome === 'waiting' ? NEXT.waiting : NEXT.skipped;
  }
  if (reward.state === 'issued' && reward.expiresAt !== undefined)
    return `Has to be used before ${dayOf(reward.expiresAt)}; then it expires.`;
  if (reward.state === 'clawed_back' && claimedMinor(reward) > 0n)
    return 'What is owed back is kept from what is owed next, unless finance writes it off.';
  return NEXT[reward.state];
}

/** Reasons that name what was asked for. */
const ASKED_FOR: ReadonlySet<string> = new Set([
  'condition_unmet',
  'condition_unmet_because',
  'condition_unknown',
  'held_until',
  'hold_unmet',
]);

function remedyFor(why: Reason): string | null {
  if (ASKED_FOR.has(why.code)) {
    return `Pays when the ${why.values.condition} is ${why.values.expected}.`;
  }
  return REMEDIES[why.code] ?? null;
}

export interface PreviewInput {
  readonly rule: RewardRule;
  readonly referral: Referral;
  readonly friend: FriendProperties;
  /** The friend's furthest open deal; null when there is none. */
  readonly dealAt: DealAt | null;
  readonly beneficiary: string;
  readonly names: DealNames;
  /** What the CRM calls the stage that the deal is in. */
  readonly stageLabel: string;
  readonly startsAt: Instant;
  /** Of the member, this one included. */
  readonly wonReferrals: number;
  readonly rates: Rates | undefined;
  /** Where the program has tiers. */
  readonly tier?: HeldTier | null | undefined;
  readonly recruiter?: 'none' | 'member' | 'other' | undefined;
  /** Rewards of this rule that stand for other deals of the referral; absent: none. */
  readonly otherDealsRewarded?: number | undefined;
  /** How the orders of the rule's provider are gathered; null: each is sent by itself, or a person cuts the batch. */
  readonly batch?: BatchSchedule | null | undefined;
  readonly now: Instant;
}

/** A rule that has nothing to decide yet: what it would make of the deal if it were won now. */
export function outlookOfRule({
  rule,
  referral,
  friend,
  dealAt,
  beneficiary,
  names,
  stageLabel,
  startsAt,
  wonReferrals,
  rates,
  tier,
  recruiter,
  otherDealsRewarded = 0,
  batch = null,
  now,
}: PreviewInput): Outlook {
  const base = {
    rewardId: null,
    ruleKey: rule.key,
    party: rule.party,
    dealId: dealAt?.deal.ref.id ?? null,
    next: null,
    nextAt: null,
    at: referral.stageSince,
  };
  if (referral.stage === 'declined') {
    return {
      ...base,
      state: 'skipped',
      money: null,
      reason: told(referral.reason, names),
      conditions: [],
      wouldPay: null,
    };
  }
  const fixed = rule.amount.kind === 'fixed' ? rule.amount.money : null;
  if (!dealAt) {
    return {
      ...base,
      state: 'expected',
      money: fixed,
      reason: {
        code: 'no_deal',
        text: referral.stage === 'lost' ? reasonText(referral.reason, names) : 'The friend has no deal yet.',
      },
      conditions: [],
      wouldPay: 'Create a deal for this friend and win it.',
    };
  }
  const verdict = judge({
    rule,
    referral,
    friend,
    dealAt,
    reachedAt: now,
    startsAt,
    otherDealsRewarded,
    otherReferralCredited: false,
    wonReferrals,
    rates,
    tier,
    recruiter,
  });
  const stage: ConditionResult = {
    condition: 'deal stage',
    expected: STAGE_NAMES[triggerOf(rule)],
    actual: stageLabel,
    verdict: 'unmet',
  };
  const conditions = [stage, ...verdict.conditions];
  const deal = names.get(dealAt.deal.ref.id) ?? dealAt.deal.ref.id;
  if (dealAt.stage === 'lost') {
    return {
      ...base,
      state: 'expected',
      money: verdict.kind === 'pays' ? verdict.money : fixed,
      reason: { code: 'deal_lost', text: `The deal "${deal}" is lost.` },
      conditions,
      wouldPay: `Open the deal "${deal}" again and win it.`,
    };
  }
  if (verdict.kind === 'pays') {
    const until = rule.holdUntil ? describeCondition(rule.holdUntil.met) : null;
    const held = `${until ? ` and the ${until.condition} is ${until.expected}` : ''}${rule.holdDays > 0 ? `, ${rule.holdDays} days later` : ''}`;
    return {
      ...base,
      state: 'expected',
      money: verdict.money,
      reason: { code: 'deal_open', text: `The deal "${deal}" is in progress.` },
      conditions,
      wouldPay: `${textOf(verdict.money)} for ${beneficiary} when the deal "${deal}" reaches ${STAGE_NAMES[triggerOf(rule)]}${held}.`,
      ...paymentOf(rule, verdict.money, batch, now),
    };
  }
  const remedy = remedyFor(verdict.reason);
  return {
    ...base,
    // What nobody can change is not to be waited for.
    state: remedy === null ? 'skipped' : 'expected',
    money: remedy === null ? null : fixed,
    reason: told(verdict.reason, names),
    conditions,
    wouldPay: remedy && `${remedy} Then win the deal "${deal}".`,
  };
}

/** When it would be paid if the deal reached the rule's stage now; nothing where a condition has to come true that nobody can date. */
function paymentOf(
  rule: RewardRule,
  money: Money,
  batch: BatchSchedule | null,
  now: Instant,
): Pick<Outlook, 'next' | 'nextAt'> {
  if (rule.holdUntil) return { next: null, nextAt: null };
  const reviewed = isReviewed(rule, money) ? ' A person has to approve it.' : '';
  const nextAt = paidAt(rule, batch, now);
  if (batch) return { next: `Reached today, it is paid with the batch of that day.${reviewed}`, nextAt };
  if (rule.payOnDay !== undefined)
    return { next: `Reached today, it is paid on the next day of payment.${reviewed}`, nextAt };
  if (rule.holdDays > 0) return { next: `Reached today, it is paid when the hold ends.${reviewed}`, nextAt };
  return { next: `Reached today, it is paid at once.${reviewed}`, nextAt: null };
}

/** When a rule pays what is reached at a moment: behind its hold, on its day of payment, with its batch. What `holdUntil` waits for has no date, and is not in it. */
export function paidAt(rule: RewardRule, batch: BatchSchedule | null, reachedAt: Instant): Instant {
  const heldTo = addDays(reachedAt, rule.holdDays);
  const owedAt = rule.payOnDay === undefined ? heldTo : nextDayOfMonth(heldTo, rule.payOnDay);
  return batch ? nextCut(batch, owedAt) : owedAt;
}

function told(why: Reason, names: DealNames): Outlook['reason'] {
  return { code: why.code, text: reasonText(why, names) };
}

export const AUDIENCES = ['rep', 'admin', 'finance'] as const;
export type Audience = (typeof AUDIENCES)[number];

/**
 * A decision in the words of who asks: a rep hears why, and what would make it pay; an admin by which rule of which version and on which
 * condition; finance how the amount came about and since when it counts.
 */
export function tellDecision(decision: Decision, audience: Audience, names: DealNames = new Map()): string {
  const why = reasonText(decision.reason, names);
  switch (audience) {
    case 'rep':
      return [why, remedyFor(decision.reason)].filter((text) => text !== null).join(' ');
    case 'admin': {
      const { ruleKey, program, mappingVersion, conditions, risk } = decision;
      const open = conditions.filter(({ verdict }) => verdict !== 'met');
      return [
        why,
        `Rule "${ruleKey}" of program "${program.id}", version ${program.version}; stage mapping ${mappingVersion}.`,
        ...open.map(({ condition, expected, actual }) => `Asked for: ${condition} ${expected}; found: ${actual}.`),
        ...(risk?.raised ?? []).map(({ signal, weight, evidence }) => `Signal ${signal} (${weight}): ${evidence}.`),
      ].join(' ');
    }
    case 'finance': {
      const { money, calculation, effectiveAt, recordedAt } = decision;
      const amount = money ? [`${amountWords(decision)}: ${textOf(money)}.`, ...calculation.map(stepText)] : [];
      return [why, ...amount, `Counts from ${dayOf(effectiveAt)}, recorded ${dayOf(recordedAt)}.`].join(' ');
    }
  }
}

function amountWords({ outcome }: Decision): string {
  if (outcome === 'reversed') return 'Taken back';
  if (outcome === 'history') return 'Would have paid';
  return outcome === 'adjusted' ? 'Stands for' : 'Amount';
}
