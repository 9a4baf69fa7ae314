import type { ConditionResult } from './decision.ts';
import { type Money, textOf } from './money.ts';
import type { Comparison, Condition, FactCondition, Membership } from './program.ts';
import { checkProperty, type PropertyValues } from './property.ts';
import { type Reason, reason } from './reason.ts';
import type { TouchKind } from './referral.ts';

/** What conditions are asked about. Null is "not known". */
export interface Facts {
  readonly amount: Money | null;
  readonly pipelineId: string;
  readonly currency: string | null;
  readonly source: TouchKind;
  /** Whole days from the submission of the referral to the event; 0 when it was submitted later. */
  readonly days: number;
  /** Of the event, in UTC. */
  readonly day: string;
  readonly emailDomain: string | null;
  readonly wonReferrals: number;
  readonly properties: PropertyValues;
}

export interface Checked {
  readonly result: ConditionResult;
  /** What to say when it is not met, or not known. */
  readonly reason: Reason;
}

/** One condition with all that is inside it, as one line that a person can read. */
export function checkCondition(condition: Condition, facts: Facts): Checked {
  const result = evaluate(condition, facts);
  const because = 'fact' in condition ? condition.because : undefined;
  const values = { condition: result.condition, expected: result.expected, actual: result.actual };
  if (result.verdict === 'unmet' && because !== undefined)
    return { result, reason: reason('condition_unmet_because', { ...values, because }) };
  return { result, reason: reason(result.verdict === 'unknown' ? 'condition_unknown' : 'condition_unmet', values) };
}

/** What a condition asks, in words, whatever the facts are. */
export function describeCondition(condition: Condition): { readonly condition: string; readonly expected: string } {
  const { condition: name, expected } = evaluate(condition, NO_FACTS);
  return { condition: name, expected };
}

const NO_FACTS: Facts = {
  amount: null,
  pipelineId: '',
  currency: null,
  source: 'explicit',
  days: 0,
  day: '',
  emailDomain: null,
  wonReferrals: 0,
  properties: { deal: undefined, friend: undefined, company: undefined },
};

function evaluate(condition: Condition, facts: Facts): ConditionResult {
  if ('fact' in condition) return evaluateFact(condition, facts);
  if ('not' in condition) {
    const inner = evaluate(condition.not, facts);
    return {
      condition: 'none of',
      expected: `not: ${inner.condition} ${inner.expected}`,
      actual: `${inner.condition} ${inner.actual}`,
      verdict: inner.verdict === 'met' ? 'unmet' : inner.verdict === 'unmet' ? 'met' : 'unknown',
    };
  }
  const isAll = 'all' in condition;
  const inner = (isAll ? condition.all : condition.any).map((one) => evaluate(one, facts));
  const verdicts = new Set(inner.map(({ verdict }) => verdict));
  const decisive = isAll ? 'unmet' : 'met';
  const otherwise = isAll ? 'met' : 'unmet';
  return {
    condition: isAll ? 'all of' : 'one of',
    expected: inner.map((one) => `${one.condition} ${one.expected}`).join(isAll ? ' and ' : ' or '),
    actual: inner.map((one) => `${one.condition} ${one.actual}`).join(', '),
    verdict: verdicts.has(decisive) ? decisive : verdicts.has('unknown') ? 'unknown' : otherwise,
  };
}

function evaluateFact(condition: FactCondition, facts: Facts): ConditionResult {
  switch (condition.fact) {
    case 'deal.amount': {
      const name = 'deal amount';
      const expected = `${wordsOf(condition.op)} ${textOf(condition.money)}`;
      if (facts.amount === null) return { condition: name, expected, actual: 'not known', verdict: 'unknown' };
      const actual = textOf(facts.amount);
      // Amounts in two currencies are not compared: a rate would be a guess.
      if (facts.amount.currency !== condition.money.currency)
        return { condition: name, expected, actual, verdict: 'unmet' };
      return {
        condition: name,
        expected,
        actual,
        verdict: met(compare(condition.op, facts.amount.minor, condition.money.minor)),
      };
    }
    case 'deal.pipeline':
      return membership('deal pipeline', condition.op, condition.pipelineIds, facts.pipelineId);
    case 'deal.currency':
      return membership('deal currency', condition.op, condition.currencies, facts.currency);
    case 'referral.source':
      return membership('source of the referral', condition.op, condition.sources, facts.source);
    case 'friend.email_domain':
      return membership("domain of the friend's e-mail address", condition.op, condition.domains, facts.emailDomain);
    case 'referral.days':
      return {
        condition: 'days since the referral',
        expected: `${wordsOf(condition.op)} ${condition.days}`,
        actual: String(facts.days),
        verdict: met(compare(condition.op, BigInt(facts.days), BigInt(condition.days))),
      };
    case 'event.day': {
      const isMet = condition.op === 'from' ? facts.day >= condition.day : facts.day <= condition.day;
      const expected = `${condition.op} ${condition.day}`;
      return { condition: 'day of the event', expected, actual: facts.day, verdict: met(isMet) };
    }
    case 'deal.property':
    case 'friend.property':
    case 'company.property':
      return checkProperty(condition, facts.properties);
    case 'member.won_referrals':
      return {
        condition: 'won referrals of the member',
        expected: `${wordsOf(condition.op)} ${condition.count}`,
        actual: String(facts.wonReferrals),
        verdict: met(compare(condition.op, BigInt(facts.wonReferrals), BigInt(condition.count))),
      };
  }
}

function membership(name: string, op: Membership, allowed: readonly string[], actual: string | null): ConditionResult {
  const expected = `${op === 'not_in' ? 'not ' : ''}${allowed.join(' or ')}`;
  if (actual === null) return { condition: name, expected, actual: 'not known', verdict: 'unknown' };
  return { condition: name, expected, actual, verdict: met(allowed.includes(actual) === (op === 'in')) };
}

function compare(op: Comparison, actual: bigint, wanted: bigint): boolean {
  return op === 'at_least' ? actual >= wanted : actual <= wanted;
}

function wordsOf(op: Comparison): string {
  return op === 'at_least' ? 'at least' : 'at most';
}

function met(isMet: boolean): 'met' | 'unmet' {
  return isMet ? 'met' : 'unmet';
}
