import type { ConditionResult } from './decision.ts';
import { type AmountProblem, type Money, parseAmount, percentOf, textOf } from './money.ts';
import type { Condition, RewardRule } from './program.ts';
import { type Reason, reason } from './reason.ts';
import type { Referral } from './referral.ts';
import { dayOf, type Instant } from './time.ts';
import type { DealAt } from './timeline.ts';

/** The CRM's clock and ours may differ; a deal won this much before the referral or the program is not "before" them. */
export const CLOCK_SKEW_ALLOWED_MS = 5 * 60_000;

export type Verdict =
  | { readonly kind: 'pays'; readonly money: Money; readonly conditions: readonly ConditionResult[] }
  | { readonly kind: 'waits' | 'refuses'; readonly reason: Reason; readonly conditions: readonly ConditionResult[] };

export interface EligibilityInput {
  readonly rule: RewardRule;
  readonly referral: Referral;
  readonly dealAt: DealAt;
  /** When the deal was won; the present for a preview of an open deal. */
  readonly wonAt: Instant;
  /** The later of the program's first version and the connection's install: nothing is paid for what was before. */
  readonly startsAt: Instant;
  /** Another deal of this referral holds the reward of this rule. */
  readonly otherDealRewarded: boolean;
  /** Another contact's referral comes before this one on the deal. */
  readonly otherReferralCredited: boolean;
}

/** One condition, with what to say when it is not met or cannot be known. */
interface Check {
  readonly result: ConditionResult;
  readonly reason: Reason;
}

/**
 * Whether a rule pays for a won deal, and every condition with its value, met or not. The first condition that fails names the
 * reason; a plain "no" outweighs "not known yet".
 */
export function judge(input: EligibilityInput): Verdict {
  const { rule, dealAt } = input;
  const amount = amountOf(dealAt);
  const checks = [
    notBefore('deal won after the program began', input.startsAt, input.wonAt, 'deal_before_program'),
    ...(isSubmitted(input.referral)
      ? [notBefore('deal won after the referral', input.referral.submittedAt, input.wonAt, 'deal_before_referral')]
      : []),
    onlyOne('first referral on the deal', input.otherReferralCredited, 'other_referral_credited'),
    onlyOne('first rewarded deal of the referral', input.otherDealRewarded, 'other_deal_rewarded'),
    ...(needsAmount(rule) ? [amountIsReadable(dealAt, amount)] : []),
    ...rule.conditions.map((condition) => checkCondition(condition, dealAt, amount)),
  ];
  const conditions = checks.map(({ result }) => result);
  const unmet = checks.find(({ result }) => result.verdict === 'unmet');
  if (unmet) return { kind: 'refuses', reason: unmet.reason, conditions };
  const unknown = checks.find(({ result }) => result.verdict === 'unknown');
  if (unknown) return { kind: 'waits', reason: unknown.reason, conditions };
  const money = rewardMoney(rule, amount);
  if (money.minor === 0n) return { kind: 'refuses', reason: reason('amount_zero'), conditions };
  return { kind: 'pays', money, conditions };
}

function isSubmitted({ source }: Referral): boolean {
  // Only a submission has a moment of its own. A label or a code is a fact about the past, whenever it was typed in.
  return source === 'explicit' || source === 'email';
}

function needsAmount({ amount, conditions }: RewardRule): boolean {
  return amount.kind === 'percent' || conditions.some(({ fact }) => fact === 'deal.amount');
}

function rewardMoney({ amount }: RewardRule, deal: AmountOfDeal): Money {
  if (amount.kind === 'fixed') return amount.money;
  if (!deal.ok) throw new RangeError('a percentage was asked of an amount that is not known');
  return percentOf(deal.money, amount.basisPoints);
}

function notBefore(
  condition: string,
  earliest: Instant,
  wonAt: Instant,
  code: 'deal_before_program' | 'deal_before_referral',
): Check {
  const met = wonAt + CLOCK_SKEW_ALLOWED_MS >= earliest;
  return {
    result: {
      condition,
      expected: `on or after ${dayOf(earliest)}`,
      actual: dayOf(wonAt),
      verdict: met ? 'met' : 'unmet',
    },
    reason: reason(code, { wonOn: dayOf(wonAt) }),
  };
}

function onlyOne(condition: string, taken: boolean, code: 'other_deal_rewarded' | 'other_referral_credited'): Check {
  return {
    result: { condition, expected: 'yes', actual: taken ? 'no' : 'yes', verdict: taken ? 'unmet' : 'met' },
    reason: reason(code),
  };
}

type AmountOfDeal = { ok: true; money: Money } | { ok: false; problem: AmountProblem | 'no_currency' };

function amountOf({ point }: DealAt): AmountOfDeal {
  const currency = point.currency?.trim().toUpperCase() ?? '';
  if (point.amount === null || point.amount.trim() === '') return { ok: false, problem: 'empty' };
  if (currency === '') return { ok: false, problem: 'no_currency' };
  return parseAmount(point.amount, currency);
}

function amountIsReadable(dealAt: DealAt, amount: AmountOfDeal): Check {
  const { point } = dealAt;
  return {
    result: {
      condition: 'deal amount and currency',
      expected: 'an exact amount in a known currency',
      actual: amount.ok ? textOf(amount.money) : `${point.amount ?? 'none'} ${point.currency ?? ''}`.trim(),
      verdict: amount.ok ? 'met' : 'unknown',
    },
    reason: amount.ok ? reason('amount_missing') : amountReason(dealAt, amount.problem),
  };
}

function amountReason(dealAt: DealAt, problem: AmountProblem | 'no_currency'): Reason {
  const values = { deal: dealAt.deal.ref.id, amount: dealAt.point.amount ?? '', currency: dealAt.point.currency ?? '' };
  switch (problem) {
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

function checkCondition(condition: Condition, dealAt: DealAt, amount: AmountOfDeal): Check {
  const result =
    condition.fact === 'deal.pipeline' ? pipelineResult(condition, dealAt) : amountResult(condition, amount);
  const values = { condition: result.condition, expected: result.expected, actual: result.actual };
  return { result, reason: reason(result.verdict === 'unknown' ? 'condition_unknown' : 'condition_unmet', values) };
}

function pipelineResult(condition: Extract<Condition, { fact: 'deal.pipeline' }>, { point }: DealAt): ConditionResult {
  const met = condition.pipelineIds.includes(point.pipelineId);
  return {
    condition: 'deal pipeline',
    expected: condition.pipelineIds.join(' or '),
    actual: point.pipelineId,
    verdict: met ? 'met' : 'unmet',
  };
}

function amountResult(condition: Extract<Condition, { fact: 'deal.amount' }>, amount: AmountOfDeal): ConditionResult {
  const atLeast = condition.op === 'at_least';
  const base = { condition: 'deal amount', expected: `${atLeast ? 'at least' : 'at most'} ${textOf(condition.money)}` };
  if (!amount.ok) return { ...base, actual: 'not known', verdict: 'unknown' };
  const actual = textOf(amount.money);
  // Amounts in two currencies are not compared: a rate would be a guess.
  if (amount.money.currency !== condition.money.currency) return { ...base, actual, verdict: 'unmet' };
  const met = atLeast ? amount.money.minor >= condition.money.minor : amount.money.minor <= condition.money.minor;
  return { ...base, actual, verdict: met ? 'met' : 'unmet' };
}
