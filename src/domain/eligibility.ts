import { afterRefund, type CalculationStep, calculate, needsDealAmount, shareOf } from './amount.ts';
import { type Checked, checkCondition, type Facts, tierReached } from './condition.ts';
import type { ConditionResult } from './decision.ts';
import { type AmountProblem, type AmountResult, type Money, parseAmount, textOf } from './money.ts';
import { type Condition, conditionsWithin, type HoldUntil, type RewardRule, triggerOf } from './program.ts';
import { convert, type Rates } from './rates.ts';
import { type Reason, reason } from './reason.ts';
import type { ContactFacts, DealPoint } from './record.ts';
import { type Referral, startOf } from './referral.ts';
import { type RefundFact, refundedOf } from './refund.ts';
import type { HeldTier } from './tier-scheme.ts';
import { CLOCK_SKEW_ALLOWED_MS, dayOf, daysBetween, type Instant } from './time.ts';
import type { DealAt } from './timeline.ts';

/** What a friend's own properties and company say. */
export type FriendProperties = Pick<ContactFacts, 'properties' | 'company'>;

export type Verdict =
  | {
      readonly kind: 'pays';
      readonly money: Money;
      readonly conditions: readonly ConditionResult[];
      readonly calculation: readonly CalculationStep[];
    }
  /** It would pay, were it not for the day: what is history is listed, and a person has to say that it is paid. */
  | {
      readonly kind: 'history';
      readonly money: Money;
      readonly reason: Reason;
      readonly conditions: readonly ConditionResult[];
      readonly calculation: readonly CalculationStep[];
    }
  | {
      readonly kind: 'waits' | 'refuses';
      readonly reason: Reason;
      readonly conditions: readonly ConditionResult[];
      /** How it came about that there is no amount, where that is the reason. */
      readonly calculation?: readonly CalculationStep[];
    };

export interface EligibilityInput {
  readonly rule: RewardRule;
  readonly referral: Referral;
  /** The friend as the CRM shows them now. */
  readonly friend: FriendProperties;
  readonly dealAt: DealAt;
  /** When the deal reached the rule's stage; the present for a preview of a deal that has not. */
  readonly reachedAt: Instant;
  /** The later of the program's first version and the connection's install: nothing is paid by itself for what was before. */
  readonly startsAt: Instant;
  /** A person said that this deal is paid for all the same. Absent: nobody did. */
  readonly isReleased?: boolean | undefined;
  /** Rewards of this rule for other deals of this referral, as far as its policy on deals counts them. */
  readonly otherDealsRewarded: number;
  /** Another contact's referral comes before this one on the deal. */
  readonly otherReferralCredited: boolean;
  /** Why the deal is another connection's to decide; null where it is not, absent where there is none. */
  readonly decidedElsewhere?: Reason | null | undefined;
  /** Won referrals of the member, this one included. */
  readonly wonReferrals: number;
  readonly rates: Rates | undefined;
  /** Absent where the program has no tiers. */
  readonly tier?: HeldTier | null | undefined;
  /** `member`: the member is the recruiter, and is paid as one. Absent: another one is there. */
  readonly recruiter?: 'none' | 'member' | 'other' | undefined;
}

/** The words by which a decision tells which tier it went by, and whether there was a recruiter. */
export const TIER_REACHED_CONDITION = 'tier reached by the member';
export const RECRUITER_CONDITION = 'recruiter behind the referral';
export const NOT_STAFF_CONDITION = 'member paid as a member';

/**
 * Whether a rule pays for a deal that has reached its stage, and every condition with its value, met or not. The first condition that
 * fails names the reason; a plain "no" outweighs "not known yet". Limits and the budget are asked afterwards (limit.ts).
 */
export function judge(input: EligibilityInput): Verdict {
  const { rule, dealAt } = input;
  const amount = amountOf(dealAt, rule, input.reachedAt, input.rates);
  const facts = factsOf(input, amount);
  const begin = startOf(input.referral);
  const began = startCheck(input);
  const checks = [
    ...(input.decidedElsewhere === undefined ? [] : [decidedHere(input.decidedElsewhere)]),
    began,
    ...(begin === null
      ? []
      : [notBefore('deal won after the referral', begin, input.reachedAt, 'deal_before_referral')]),
    onlyOne('first referral on the deal', input.otherReferralCredited, reason('other_referral_credited')),
    ...dealsLeft(rule, input.otherDealsRewarded),
    ...recruiterChecks(rule, input.recruiter ?? 'other'),
    ...tierChecks(rule, input.tier ?? null),
    ...(needsAmount(rule) ? [amountIsReadable(dealAt, amount)] : []),
    ...rule.conditions.map((condition) => checkCondition(condition, facts)),
  ];
  const verdict = verdictOf(rule, dealAt, checks, amount, input.wonReferrals, input.tier);
  if (began.result.verdict === 'met') return verdict;
  const others = checks.filter((check) => check !== began);
  const without = verdictOf(rule, dealAt, others, amount, input.wonReferrals, input.tier);
  if (without.kind !== 'pays') return verdict;
  const values = { wonOn: dayOf(input.reachedAt), amount: textOf(without.money) };
  return { ...without, kind: 'history', reason: reason('history', values), conditions: verdict.conditions };
}

/** The words by which a decision tells whether its deal is history. */
export const BEGAN_CONDITION = 'deal won after the program began';

function startCheck({ startsAt, reachedAt, isReleased = false }: EligibilityInput): Checked {
  const check = notBefore(BEGAN_CONDITION, startsAt, reachedAt, 'deal_before_program');
  if (check.result.verdict === 'met' || !isReleased) return check;
  const { expected, actual } = check.result;
  const result = { ...check.result, expected: `${expected}, or released`, actual: `${actual}, released` };
  return { ...check, result: { ...result, verdict: 'met' } };
}

/** Who is one of the account's own people is paid by the rules for recruiters alone, where a program has any. */
function recruiterChecks({ party }: RewardRule, recruiter: 'none' | 'member' | 'other'): Checked[] {
  if (party === 'recruiter') return [onlyOne(RECRUITER_CONDITION, recruiter === 'none', reason('no_recruiter'))];
  if ((party === 'member' || party === 'assist') && recruiter === 'member')
    return [onlyOne(NOT_STAFF_CONDITION, true, reason('paid_as_recruiter'))];
  return [];
}

function tierChecks({ trigger, tier: wanted }: RewardRule, tier: HeldTier | null): Checked[] {
  if (trigger !== 'tier_reached' || wanted === undefined) return [];
  const result = tierReached(TIER_REACHED_CONDITION, wanted, tier?.levels ?? [], tier?.reached ?? null);
  const { condition, expected, actual } = result;
  return [{ result, reason: reason('condition_unmet', { condition, expected, actual }) }];
}

/**
 * What a rule makes of a deal that it has paid for already and that has changed since: of what was decided then only the deal's own facts
 * can change the answer.
 */
export function judgeAgain(
  rule: RewardRule,
  dealAt: DealAt,
  referral: Referral,
  friend: FriendProperties,
  wonReferrals: number,
  tier: HeldTier | null = null,
  rates: Rates | undefined = undefined,
): Verdict {
  // By the rate of the event, whenever the amount changed.
  const eventAt = dealAt.since[triggerOf(rule)] ?? dealAt.point.at;
  const amount = amountOf(dealAt, rule, eventAt, rates);
  const facts = factsOf({ referral, friend, dealAt, reachedAt: dealAt.point.at, wonReferrals, tier }, amount);
  const checks = [
    ...(needsAmount(rule) ? [amountIsReadable(dealAt, amount)] : []),
    ...rule.conditions.filter(isAboutTheDeal).map((condition) => checkCondition(condition, facts)),
  ];
  return verdictOf(rule, dealAt, checks, amount, wonReferrals, tier);
}

/** Whether what a hold waits for has come. It is asked of the deal, so nothing else has to be known. */
export function judgeHold({ met }: HoldUntil, dealAt: DealAt, referral: Referral, friend: FriendProperties): Checked {
  return checkCondition(
    met,
    factsOf({ referral, friend, dealAt, reachedAt: dealAt.point.at, wonReferrals: 0 }, readAmount(dealAt)),
  );
}

function isAboutTheDeal(condition: Condition): boolean {
  return conditionsWithin([condition]).every(({ fact }) => fact.startsWith('deal.'));
}

function verdictOf(
  rule: RewardRule,
  dealAt: DealAt,
  judged: readonly Checked[],
  amount: AmountOfDeal,
  wonReferrals: number,
  tier: HeldTier | null = null,
): Verdict {
  // Before money was given back of a deal, nothing is asked about it.
  const refunds = rule.refunds === 'follow' ? refundsFor(rule, dealAt) : [];
  const refund = refunds.length > 0 ? refundCheck(refunds, amount) : null;
  const checks = refund ? [...judged, refund.check] : judged;
  const conditions = checks.map(({ result }) => result);
  const unmet = checks.find(({ result }) => result.verdict === 'unmet');
  if (unmet) return { kind: 'refuses', reason: unmet.reason, conditions };
  const unknown = checks.find(({ result }) => result.verdict === 'unknown');
  if (unknown) return { kind: 'waits', reason: unknown.reason, conditions };
  const calculated = calculate(rule, amount.ok ? amount.money : null, wonReferrals, tier);
  const { money } = calculated;
  const steps = amount.ok && needsAmount(rule) ? [...amount.steps, ...calculated.steps] : calculated.steps;
  if (money === null) return { kind: 'refuses', reason: reason('no_step'), conditions, calculation: steps };
  if (money.minor === 0n) return { kind: 'refuses', reason: reason('amount_zero'), conditions };
  const left = refund?.money && amount.ok ? afterRefund(rule, money, amount.money, refund.money) : { money, steps: [] };
  const own = left.money && shareOf(rule, left.money);
  if (!own?.money || own.money.minor === 0n) return { kind: 'refuses', reason: reason('amount_zero'), conditions };
  return { kind: 'pays', money: own.money, conditions, calculation: [...steps, ...left.steps, ...own.steps] };
}

/** What payment providers told, and what the CRM's own property says; one that is empty or zero says nothing. */
function refundsFor({ refundedProperty }: RewardRule, { refunds, point }: DealAt): readonly RefundFact[] {
  const text = refundedProperty === undefined ? null : (point.properties?.[refundedProperty]?.trim() ?? null);
  if (text === null || /^0*(\.0*)?$/.test(text)) return refunds;
  const currency = point.currency?.trim().toUpperCase() ?? '';
  return [...refunds, { source: 'crm', id: '', at: point.at, amount: text, currency, undoneAt: null }];
}

/** Whether something of the deal is left after its refunds; `money` is what was refunded, where that can be told. */
function refundCheck(refunds: readonly RefundFact[], amount: AmountOfDeal): { check: Checked; money: Money | null } {
  const money = amount.ok ? refundedOf(refunds, amount.money.currency) : null;
  const told = money ? textOf(money) : refunds.map((one) => `${one.amount} ${one.currency}`).join(', ');
  const whole = amount.ok ? textOf(amount.money) : 'not known';
  const verdict = !money || !amount.ok ? 'unknown' : money.minor < amount.money.minor ? 'met' : 'unmet';
  return {
    money,
    check: {
      result: { condition: 'refunded of the deal', expected: `less than ${whole}`, actual: told, verdict },
      reason: reason(verdict === 'unknown' ? 'refund_unknown' : 'refunded_whole', { refunded: told, amount: whole }),
    },
  };
}

function factsOf(
  {
    referral,
    friend,
    dealAt,
    reachedAt,
    wonReferrals,
    tier = null,
  }: Pick<EligibilityInput, 'referral' | 'friend' | 'dealAt' | 'reachedAt' | 'wonReferrals' | 'tier'>,
  amount: AmountOfDeal | OwnAmount,
): Facts {
  const currency = dealAt.point.currency?.trim().toUpperCase() ?? '';
  return {
    amount: amount.ok ? amount.money : null,
    pipelineId: dealAt.point.pipelineId,
    currency: currency === '' ? null : currency,
    source: referral.source,
    days: daysBetween(referral.submittedAt, reachedAt),
    day: dayOf(reachedAt),
    emailDomain: referral.friend.email?.split('@').at(-1) ?? null,
    wonReferrals,
    tier,
    properties: {
      deal: dealAt.point.properties,
      friend: friend.properties,
      company: friend.company === null ? null : friend.company?.properties,
    },
  };
}

/** Whether anything in the rule looks at the deal's amount. */
export function needsAmount(rule: RewardRule): boolean {
  return needsDealAmount(rule) || conditionsWithin(rule.conditions).some(({ fact }) => fact === 'deal.amount');
}

function notBefore(
  condition: string,
  earliest: Instant,
  reachedAt: Instant,
  code: 'deal_before_program' | 'deal_before_referral',
): Checked {
  const met = reachedAt + CLOCK_SKEW_ALLOWED_MS >= earliest;
  return {
    result: {
      condition,
      expected: `on or after ${dayOf(earliest)}`,
      actual: dayOf(reachedAt),
      verdict: met ? 'met' : 'unmet',
    },
    reason: reason(code, { wonOn: dayOf(reachedAt) }),
  };
}

function onlyOne(condition: string, taken: boolean, why: Reason): Checked {
  return {
    result: { condition, expected: 'yes', actual: taken ? 'no' : 'yes', verdict: taken ? 'unmet' : 'met' },
    reason: why,
  };
}

/** The words by which a decision tells that the deal is another connection's. */
export const DECIDED_HERE_CONDITION = 'decided in this connection';

function decidedHere(elsewhere: Reason | null): Checked {
  return onlyOne(DECIDED_HERE_CONDITION, elsewhere !== null, elsewhere ?? reason('decided_elsewhere'));
}

/** What the rule's policy on deals says of one more. */
function dealsLeft({ deals = { kind: 'first' } }: RewardRule, rewarded: number): Checked[] {
  switch (deals.kind) {
    case 'every':
      return [];
    case 'first':
      return [onlyOne('first rewarded deal of the referral', rewarded > 0, reason('other_deal_rewarded'))];
    case 'up_to':
      return [
        {
          result: {
            condition: 'rewarded deals of the referral',
            expected: `at most ${deals.count}${deals.withinDays === null ? '' : ` in ${deals.withinDays} days`}`,
            actual: `${rewarded} before this one`,
            verdict: rewarded < deals.count ? 'met' : 'unmet',
          },
          reason: reason('deals_limit', { count: String(deals.count) }),
        },
      ];
  }
}

type AmountOfDeal =
  | { readonly ok: true; readonly money: Money; readonly steps: readonly CalculationStep[] }
  | { readonly ok: false; readonly problem: AmountProblem | 'no_currency' }
  | {
      readonly ok: false;
      readonly problem: 'no_rate';
      readonly currency: string;
      readonly day: string;
      readonly pair: readonly string[];
    };

/** What the rule reckons with: the deal's amount, in the currency that it pays in. */
function amountOf(dealAt: DealAt, { payIn }: RewardRule, eventAt: Instant, rates: Rates | undefined): AmountOfDeal {
  const read = readAmount(dealAt);
  if (!read.ok) return read;
  if (payIn === undefined || payIn === read.money.currency) return { ...read, steps: [] };
  const converted = convert(read.money, payIn, eventAt, rates ?? new Map());
  return converted.ok
    ? { ok: true, money: converted.money, steps: [converted.step] }
    : {
        ok: false,
        problem: 'no_rate',
        currency: converted.missing,
        day: converted.day,
        pair: [read.money.currency, payIn],
      };
}

type OwnAmount = AmountResult | { readonly ok: false; readonly problem: 'no_currency' };

/** A deal's amount is read once, whatever the number of rules. */
const knownAmounts = new WeakMap<DealPoint, OwnAmount>();

/** The deal's own amount, in its own currency. */
export function readAmount({ point }: Pick<DealAt, 'point'>): OwnAmount {
  const known = knownAmounts.get(point) ?? readPoint(point);
  knownAmounts.set(point, known);
  return known;
}

function readPoint(point: DealPoint): OwnAmount {
  const currency = point.currency?.trim().toUpperCase() ?? '';
  if (point.amount === null || point.amount.trim() === '') return { ok: false, problem: 'empty' };
  if (currency === '') return { ok: false, problem: 'no_currency' };
  return parseAmount(point.amount, currency);
}

function amountIsReadable(dealAt: DealAt, amount: AmountOfDeal): Checked {
  const { point } = dealAt;
  return {
    result: {
      condition: 'deal amount and currency',
      expected: 'an exact amount in a known currency',
      actual: amount.ok ? textOf(amount.money) : `${point.amount ?? 'none'} ${point.currency ?? ''}`.trim(),
      verdict: amount.ok ? 'met' : 'unknown',
    },
    reason: amount.ok ? reason('amount_missing') : amountReason(dealAt, amount),
  };
}

function amountReason(dealAt: DealAt, unread: Extract<AmountOfDeal, { ok: false }>): Reason {
  if (unread.problem === 'no_rate')
    return reason('rate_missing', { currency: unread.currency, day: unread.day, pair: unread.pair.join(' ') });
  const values = { deal: dealAt.deal.ref.id, amount: dealAt.point.amount ?? '', currency: dealAt.point.currency ?? '' };
  switch (unread.problem) {
    case 'empty':
      return reason('amount_missing', values);
    case 'no_currency':
      return reason('currency_missing', values);
    case 'unknown_currency':
      return reason('currency_unknown', values);
    case 'too_precise':
      return reason('amount_too_precise', values);
    case 'too_large':
      return reason('amount_too_large', values);
    case 'not_decimal':
    case 'negative':
      return reason('amount_invalid', values);
  }
}
