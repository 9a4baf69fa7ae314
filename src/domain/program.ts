import type { Money, RoundingMode } from './money.ts';
import type { Referral, TouchKind } from './referral.ts';
import type { RiskPolicy } from './risk.ts';
import type { TierScheme } from './tier-scheme.ts';
import { addDays, dayOf, type Instant } from './time.ts';

/** Who a rule pays: the member who referred, the friend who was referred, or the account's own recruiter behind the referral. */
export const RULE_PARTIES = ['member', 'friend', 'recruiter'] as const;

/** Who is paid: `assist` is the member who shares the credit of a referral, by a rule for the member. */
export const PARTIES = [...RULE_PARTIES, 'assist'] as const;
export type Party = (typeof PARTIES)[number];

/** The stages that a deal can bring a referral to, in the order in which it reaches them. A later one includes the earlier ones. */
export const TRIGGER_STAGES = ['qualified', 'opportunity', 'won'] as const;
export type TriggerStage = (typeof TRIGGER_STAGES)[number];

/** An amount that needs nothing but the deal. */
export type FlatAmount =
  | { readonly kind: 'fixed'; readonly money: Money }
  /** A share of the deal's amount, in the deal's currency, in basis points (500 = 5 %). */
  | { readonly kind: 'percent'; readonly basisPoints: number };

export type RewardAmount =
  | FlatAmount
  /** The last step that the deal's amount reaches; below the first one the rule pays nothing. All `from` are in one currency. */
  | { readonly kind: 'by_amount'; readonly steps: ReadonlyArray<{ readonly from: Money; readonly amount: FlatAmount }> }
  /** The last step that the member's number of won referrals reaches, this one included. */
  | {
      readonly kind: 'by_count';
      readonly steps: ReadonlyArray<{ readonly from: number; readonly amount: FlatAmount }>;
    }
  /** The last step whose tier the member holds or has passed; in the order of the program's tiers. */
  | {
      readonly kind: 'per_tier';
      readonly steps: ReadonlyArray<{ readonly from: string; readonly amount: FlatAmount }>;
    };

export interface Rounding {
  readonly mode: RoundingMode;
  /** Multiples of so many of the currency's smallest units: 1 for cents, 100 for whole euros. */
  readonly toMinor: number;
}

export type Comparison = 'at_least' | 'at_most';
export type Membership = 'in' | 'not_in';
/** The n-th one, once for each member; every n-th one. */
export type Ordinal = 'exactly' | 'every';

/** Any property of the CRM, by the name that the CRM knows it by; numbers are decimals as text. */
export type PropertyFact = {
  readonly fact: 'deal.property' | 'friend.property' | 'company.property';
  readonly property: string;
} & (
  | { readonly op: Membership; readonly values: readonly string[] }
  | { readonly op: Comparison; readonly number: string }
  | { readonly op: 'known' }
);

type Fact =
  | { readonly fact: 'deal.amount'; readonly op: Comparison; readonly money: Money }
  | { readonly fact: 'deal.pipeline'; readonly op: Membership; readonly pipelineIds: readonly string[] }
  | { readonly fact: 'deal.currency'; readonly op: Membership; readonly currencies: readonly string[] }
  | { readonly fact: 'referral.source'; readonly op: Membership; readonly sources: readonly TouchKind[] }
  /** From the submission of the referral to the event that triggers the rule. */
  | { readonly fact: 'referral.days'; readonly op: Comparison; readonly days: number }
  | { readonly fact: 'friend.email_domain'; readonly op: Membership; readonly domains: readonly string[] }
  /** When the event that triggers the rule happened, as a day in UTC: "2026-03-31". For bonuses that are limited in time. */
  | { readonly fact: 'event.day'; readonly op: 'from' | 'until'; readonly day: string }
  /** How many referrals of the member are won, this one included. */
  | { readonly fact: 'member.won_referrals'; readonly op: Comparison | Ordinal; readonly count: number }
  /** The tier that the member holds, this deal counted. */
  | { readonly fact: 'member.tier'; readonly op: 'at_least'; readonly tier: string }
  | { readonly fact: 'member.tier'; readonly op: Membership; readonly tiers: readonly string[] }
  | PropertyFact;

/** A fact, what is asked of it, and (`because`) what a person is told instead when it is not met. */
export type FactCondition = Fact & { readonly because?: string | undefined };

export type Condition =
  | FactCondition
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** Which of the friend's deals a rule pays for. */
export type DealsPolicy =
  | { readonly kind: 'first' }
  | { readonly kind: 'every' }
  /** `withinDays` counts from the first one that was rewarded; null is for ever. */
  | { readonly kind: 'up_to'; readonly count: number; readonly withinDays: number | null };

/** In UTC. A day, week (from Monday), month, quarter or year is the one in which the rewarded event happened. */
export const LIMIT_WINDOWS = ['life', 'day', 'week', 'month', 'quarter', 'year'] as const;
export type LimitWindow = (typeof LIMIT_WINDOWS)[number];

/** How much may be given. It counts what was granted since it was published and has not been taken back. */
export interface Limit {
  /** `company`: that of the friend; a friend without one counts alone. */
  readonly per: 'member' | 'friend' | 'company' | 'program';
  /** Whether the rewards of this rule alone count, or those of all rules of the program that have a limit like this one. */
  readonly across: 'rule' | 'program';
  readonly window: LimitWindow;
  /** Exactly one of the two. */
  readonly count: number | null;
  readonly money: Money | null;
}

/** A reward is held until a condition about the deal is met; its days count from that moment. */
export interface HoldUntil {
  readonly met: Condition;
  /** Days after the event that triggers the rule; then a person decides. */
  readonly askAfterDays: number;
}

/** When a person has to approve a reward before it is owed. */
export type ReviewPolicy = { readonly when: 'always' } | { readonly when: 'over'; readonly money: Money };

/**
 * What came after the first version of Wonward is optional: a published version is never changed, and one without a field means what
 * it meant then, as said at each of them.
 */
export interface RewardRule {
  /** Stable across versions of a program: it is part of the key that keeps a reward from being paid twice. */
  readonly key: string;
  /** What people read on cards and in reports. */
  readonly name: string;
  readonly party: Party;
  /** What the deal has to reach; absent: won. `tier_reached`: won, and with it the member has reached `tier`. */
  readonly trigger?: TriggerStage | 'tier_reached' | undefined;
  /** With `tier_reached` only. */
  readonly tier?: string | undefined;
  /** Absent: the first one. */
  readonly deals?: DealsPolicy | undefined;
  readonly amount: RewardAmount;
  /** The deal's amount is converted into this currency first, by the rate of the day before the event; absent: it is taken as it is. */
  readonly payIn?: string | undefined;
  /** Absent: half to even, to the smallest unit. */
  readonly rounding?: Rounding | undefined;
  readonly minimum?: Money | undefined;
  readonly maximum?: Money | undefined;
  /** All of them have to be met. */
  readonly conditions: readonly Condition[];
  /** Days between the event and the payment; 0 pays at once. With `holdUntil` they count from when that is met. */
  readonly holdDays: number;
  /** Absent: nothing else is waited for. */
  readonly holdUntil?: HoldUntil | undefined;
  /** Day of the month (1 to 28, UTC) on which what is owed is ordered; absent: at once. */
  readonly payOnDay?: number | undefined;
  readonly limits?: readonly Limit[] | undefined;
  /** Rewards wait in line when the program's budget is spent; absent: the budget is not asked. */
  readonly usesBudget?: boolean | undefined;
  /** Absent: never. */
  readonly review?: ReviewPolicy | undefined;
  /** What a change of the deal's amount does to a reward that was granted; absent: nothing. */
  readonly amountChanges?: 'follow' | 'ignore' | undefined;
  /** Whether the provider is asked to undo what it gave when a reward is taken back; absent: the beneficiary owes it. */
  readonly onReversal?: 'claim' | 'cancel' | undefined;
  /** Days within which what was issued has to be used; absent: it stays for ever. */
  readonly expiresAfterDays?: number | undefined;
  /** Whether a refund of the deal takes its share of the reward back; absent: it does not. */
  readonly refunds?: 'follow' | 'ignore' | undefined;
  /** Name of the deal's property in the CRM that holds how much of it was refunded so far; absent: payment providers alone tell. */
  readonly refundedProperty?: string | undefined;
  /** Of the rules of one group that pay for a deal only the best pays. */
  readonly bestOf?: string | undefined;
  /** Name of the reward provider, a folder under src/payout/. */
  readonly payout: string;
  /** Never published: `rulesFor` says it of a rule for the member where a referral's credit is shared. Percent of it go to the assist. */
  readonly share?: { readonly of: 'member' | 'assist'; readonly percent: number } | undefined;
}

/** One published version of a program. It is never changed: a new version is a new row with the next number. */
export interface ProgramVersion {
  readonly programId: string;
  readonly name: string;
  readonly version: number;
  readonly publishedAt: Instant;
  readonly rules: readonly RewardRule[];
  /** Absent: nothing is looked for. */
  readonly risk?: RiskPolicy | undefined;
  /** Absent: members have no tiers. */
  readonly tiers?: TierScheme | undefined;
  /** Referrals that were submitted before this version go on by it (`move`, also when absent), or by the one that they began with (`keep`). */
  readonly openReferrals?: OpenReferrals | undefined;
  /** The program ended with this version, which has no rules; what was granted before runs on by its own. */
  readonly isRetired?: true | undefined;
  /** Why it was published or retired, for those who come after. */
  readonly note?: string | undefined;
  /** What the publisher had seen it do to all of history; absent where nobody looked. */
  readonly dryRunId?: string | undefined;
  readonly publishedBy?: string | undefined;
}

export const OPEN_REFERRALS = ['move', 'keep'] as const;
export type OpenReferrals = (typeof OPEN_REFERRALS)[number];

/** What goes into a version: what an admin writes, and what two drafts are compared by. */
export type ProgramContent = Pick<ProgramVersion, 'programId' | 'name' | 'rules' | 'openReferrals' | 'risk' | 'tiers'>;

/**
 * The version of its program that a referral is judged by at a moment: the newest that was published by then and concerns it; before the
 * first one that one, which then says that it came later. `versions` is ordered oldest first.
 */
export function versionFor(
  versions: readonly ProgramVersion[],
  referral: Pick<Referral, 'programId' | 'submittedAt'>,
  at: Instant,
): ProgramVersion | undefined {
  const own = versions.filter(({ programId }) => programId === referral.programId);
  const inForce = own.findLast(
    ({ publishedAt, openReferrals }) =>
      publishedAt <= at && (openReferrals !== 'keep' || referral.submittedAt >= publishedAt),
  );
  return inForce ?? own[0];
}

/** No published key has such a sign. */
const ASSIST_KEY_END = '+assist';

/**
 * The rules as they hold for a referral at a moment: where its credit is shared, a rule for the member is one for each of the two, and they
 * decide by themselves. What a member earns by their own count or tier is nobody else's.
 */
export function rulesFor(
  rules: readonly RewardRule[],
  { assist }: Pick<Referral, 'assist'>,
  at: Instant,
): readonly RewardRule[] {
  if (!assist || at < assist.since || (assist.until !== undefined && at >= assist.until)) return rules;
  const { percent } = assist;
  return rules.flatMap((rule): RewardRule[] => {
    if (rule.party !== 'member' || isOncePerMember(rule)) return [rule];
    return [
      { ...rule, share: { of: 'member', percent } },
      {
        ...rule,
        key: `${rule.key}${ASSIST_KEY_END}`,
        party: 'assist',
        bestOf: rule.bestOf && `${rule.bestOf}${ASSIST_KEY_END}`,
        share: { of: 'assist', percent },
      },
    ];
  });
}

/** What is known of a referral has happened, though it was by a clock that is ahead of this node's. */
export function presentOf({ assist }: Pick<Referral, 'assist'>, now: Instant): Instant {
  return Math.max(now, assist?.since ?? now, assist?.until ?? now);
}

/** The rules as they hold for a referral now. */
export function rulesNow(
  rules: readonly RewardRule[],
  referral: Pick<Referral, 'assist'>,
  now: Instant,
): readonly RewardRule[] {
  return rulesFor(rules, referral, presentOf(referral, now));
}

/** The published rule that a decision's key means. */
export function publishedRule(rules: readonly RewardRule[], key: string): RewardRule | undefined {
  const published = publishedKey(key);
  return rules.find((rule) => rule.key === published);
}

/** The key that a rule was published under: that of the member's part for an assist's. */
export function publishedKey(key: string): string {
  return key.endsWith(ASSIST_KEY_END) ? key.slice(0, -ASSIST_KEY_END.length) : key;
}

/** The first day of whose rates any rule could need; null where none converts an amount. */
export function firstRateDay(versions: readonly ProgramVersion[]): string | null {
  if (!versions.some(({ rules }) => rules.some(({ payIn }) => payIn !== undefined))) return null;
  // An event may be a little before the program by the CRM's clock, and its rate is that of the day before.
  return dayOf(addDays(Math.min(...versions.map(({ publishedAt }) => publishedAt)), -2));
}

/** When a program was first published: nothing is paid for what was before. */
export function beginOf(versions: readonly ProgramVersion[], programId: string): Instant {
  return versions.find((version) => version.programId === programId)?.publishedAt ?? 0;
}

/** The program that new referrals belong to: the one that was published last and has not been retired since. */
export function openProgram(versions: readonly ProgramVersion[]): string | undefined {
  const newest = new Map(versions.map((version) => [version.programId, version]));
  return [...newest.values()]
    .filter(({ isRetired }) => !isRetired)
    .sort((a, b) => versions.indexOf(a) - versions.indexOf(b))
    .at(-1)?.programId;
}

/** The stage that a deal has to reach. */
export function triggerOf({ trigger = 'won' }: RewardRule): TriggerStage {
  return trigger === 'tier_reached' ? 'won' : trigger;
}

/** The limits that a rule states, and the one that it has by what it is. */
export function limitsOf(rule: RewardRule): readonly Limit[] {
  const { limits = [] } = rule;
  return isOncePerMember(rule) ? [...limits, ONCE] : limits;
}

/** The reward for a tier, or for the n-th win, is paid once. */
function isOncePerMember({ trigger, conditions }: RewardRule): boolean {
  return (
    trigger === 'tier_reached' ||
    conditions.some((one) => 'fact' in one && one.fact === 'member.won_referrals' && one.op === 'exactly')
  );
}

const ONCE: Limit = { per: 'member', across: 'rule', window: 'life', count: 1, money: null };

/** Whether what it makes of a deal depends on the member's tier. */
export function needsTier({ trigger, amount, conditions }: RewardRule): boolean {
  return (
    trigger === 'tier_reached' ||
    amount.kind === 'per_tier' ||
    conditionsWithin(conditions).some(({ fact }) => fact === 'member.tier')
  );
}

/** When a hold that begins at this moment is over if nothing else happens; null where there is none. */
export function holdEnd({ holdDays, holdUntil }: RewardRule, since: Instant): Instant | null {
  if (holdUntil) return addDays(since, holdUntil.askAfterDays);
  return holdDays > 0 ? addDays(since, holdDays) : null;
}

/** A condition and everything inside it, depth first. */
export function conditionsWithin(conditions: readonly Condition[]): FactCondition[] {
  return conditions.flatMap((condition) => {
    if ('fact' in condition) return [condition];
    if ('not' in condition) return conditionsWithin([condition.not]);
    return conditionsWithin('all' in condition ? condition.all : condition.any);
  });
}

/** Whether a person has to approve a reward of this amount. */
export function isReviewed({ review }: RewardRule, money: Money): boolean {
  if (!review) return false;
  // Amounts in two currencies are not compared; one that nobody foresaw is looked at.
  return review.when === 'always' || review.money.currency !== money.currency || money.minor > review.money.minor;
}

/** Whether it depends on how many referrals of the member are won. */
export function restsOnCount({ amount, conditions }: RewardRule): boolean {
  return amount.kind === 'by_count' || conditionsWithin(conditions).some(({ fact }) => fact === 'member.won_referrals');
}
