import { needsAmount } from '../domain/eligibility.ts';
import { type Money, textOf } from '../domain/money.ts';
import {
  type Condition,
  conditionsWithin,
  type FactCondition,
  type FlatAmount,
  type Limit,
  type Membership,
  type PropertyFact,
  type RewardRule,
} from '../domain/program.ts';
import { compareDecimals, propertyFactsOf, wantedProperties } from '../domain/property.ts';

/** Where it is, as in a document, and what to do about it. */
export interface RuleProblem {
  readonly path: PropertyKey[];
  readonly problem: string;
}

/** What is well-formed and yet can never work: rules that never fire, limits that never bind, amounts that do not go together. */
export function ruleProblems(rules: readonly RewardRule[]): RuleProblem[] {
  return [...propertyProblems(rules), ...rules.flatMap((rule, index) => problemsOf(rule, index, rules))];
}

function problemsOf(rule: RewardRule, index: number, rules: readonly RewardRule[]): RuleProblem[] {
  return [
    ...amountProblems(rule),
    ...conditionProblems(rule),
    ...holdProblems(rule),
    ...limitProblems(rule),
    ...groupProblems(rule, rules),
    ...recallProblems(rule),
  ].map(({ path, problem }) => ({ path: ['rules', index, ...path], problem }));
}

function flatsOf({ amount }: RewardRule): FlatAmount[] {
  return 'steps' in amount ? amount.steps.map((step) => step.amount) : [amount];
}

/** The currencies that the rule pays in, as far as it says so; null when that is the deal's. */
function currenciesOf(rule: RewardRule): Set<string> | null {
  const flats = flatsOf(rule);
  if (rule.payIn !== undefined) return new Set([rule.payIn]);
  if (flats.some(({ kind }) => kind === 'percent')) return dealCurrencies(rule.conditions);
  return new Set(flats.flatMap((flat) => (flat.kind === 'fixed' ? flat.money.currency : [])));
}

function amountProblems(rule: RewardRule): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const { amount, minimum, maximum, review, rounding } = rule;
  if (amount.kind === 'by_amount') {
    amount.steps.forEach(({ from }, index) => {
      const before = amount.steps[index - 1]?.from;
      if (before && before.currency !== from.currency)
        problems.push({
          path: ['amount', 'steps', index, 'from'],
          problem: `must be in ${before.currency} like the first step`,
        });
      else if (before && before.minor >= from.minor)
        problems.push({
          path: ['amount', 'steps', index, 'from'],
          problem: `must be more than the step before, ${textOf(before)}`,
        });
    });
  }
  if (amount.kind === 'by_count') {
    amount.steps.forEach(({ from }, index) => {
      const before = amount.steps[index - 1]?.from;
      if (before !== undefined && before >= from)
        problems.push({
          path: ['amount', 'steps', index, 'from'],
          problem: `must be more than the step before, ${before}`,
        });
    });
  }
  if (minimum && maximum && (minimum.currency !== maximum.currency || minimum.minor > maximum.minor))
    problems.push({ path: ['maximum'], problem: `must be at least the minimum, ${textOf(minimum)}, in its currency` });
  flatsOf(rule).forEach((flat, index) => {
    if (rule.payIn === undefined || flat.kind !== 'fixed' || flat.money.currency === rule.payIn) return;
    const place = 'steps' in amount ? ['amount', 'steps', index, 'amount', 'money'] : ['amount', 'money'];
    problems.push({ path: [...place, 'currency'], problem: `must be ${rule.payIn}, in which the rule pays` });
  });
  if (rule.payIn !== undefined && !needsAmount(rule))
    problems.push({
      path: ['payIn'],
      problem: 'has nothing to convert: the rule never looks at the amount; leave it out',
    });
  const paidIn = currenciesOf(rule);
  const named: ReadonlyArray<readonly [PropertyKey[], Money | undefined]> = [
    [['minimum'], minimum],
    [['maximum'], maximum],
    [['review', 'money'], review?.when === 'over' ? review.money : undefined],
    ...(rule.limits ?? []).map(({ money }, index): readonly [PropertyKey[], Money | undefined] => [
      ['limits', index, 'money'],
      money ?? undefined,
    ]),
  ];
  for (const [path, money] of named)
    if (money && paidIn && !paidIn.has(money.currency))
      problems.push({
        path: [...path, 'currency'],
        problem: `must be ${[...paidIn].join(' or ')}, in which the rule pays`,
      });
  if (rounding && flatsOf(rule).every(({ kind }) => kind === 'fixed'))
    problems.push({
      path: ['rounding'],
      problem: 'has nothing to round: every amount of the rule is fixed; leave it out',
    });
  return problems;
}

function conditionProblems({ conditions, amount, payIn }: RewardRule): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const never = (index: number, why: string) =>
    problems.push({ path: ['conditions', index], problem: `can never be met together with the others: ${why}` });
  const facts = conditions.map((condition) => ('fact' in condition ? condition : null));
  facts.forEach((fact, index) => {
    for (const other of facts.slice(0, index)) {
      const why = fact && other && contradiction(other, fact, payIn !== undefined);
      if (why) never(index, why);
    }
  });
  conditions.forEach((condition, index) => {
    for (const fact of conditionsWithin([condition]))
      if (payIn !== undefined && fact.fact === 'deal.amount' && fact.money.currency !== payIn)
        problems.push({
          path: ['conditions', index],
          problem: `must ask for the amount in ${payIn}, in which the rule pays`,
        });
  });
  const steps = amount.kind === 'by_amount' ? amount.steps[0]?.from : undefined;
  const allowed = payIn === undefined ? dealCurrencies(conditions) : new Set([payIn]);
  if (steps && allowed && !allowed.has(steps.currency))
    problems.push({
      path: ['amount', 'steps', 0, 'from', 'currency'],
      problem: `must be ${[...allowed].join(' or ')}, as the conditions ask of the deal`,
    });
  return problems;
}

/** Why two conditions cannot both be met; null when they can. */
function contradiction(a: FactCondition, b: FactCondition, isConverted: boolean): string | null {
  if (a.fact === 'deal.amount' && b.fact === 'deal.amount') {
    if (a.money.currency !== b.money.currency) return 'a deal has one currency';
    const [low, high] = a.op === 'at_least' ? [a, b] : [b, a];
    if (low.op === high.op || low.money.minor <= high.money.minor) return null;
    return `no amount is at least ${textOf(low.money)} and at most ${textOf(high.money)}`;
  }
  if (a.fact === 'referral.days' && b.fact === 'referral.days') return rangeProblem(a.op, a.days, b.op, b.days);
  if (a.fact === 'member.won_referrals' && b.fact === 'member.won_referrals') return countProblem(a, b);
  if (a.fact === 'event.day' && b.fact === 'event.day') {
    const [first, last] = a.op === 'from' ? [a, b] : [b, a];
    return a.op === b.op || first.day <= last.day ? null : `no day is from ${first.day} and until ${last.day}`;
  }
  if (a.fact === 'deal.currency' && b.fact === 'deal.amount') return isConverted ? null : currencyProblem(a, b);
  if (a.fact === 'deal.amount' && b.fact === 'deal.currency') return isConverted ? null : currencyProblem(b, a);
  if ('property' in a && 'property' in b) {
    if (a.fact !== b.fact || a.property !== b.property) return null;
    if ((a.op === 'at_least' && b.op === 'at_most') || (a.op === 'at_most' && b.op === 'at_least')) {
      const [low, high] = a.op === 'at_least' ? [a.number, b.number] : [b.number, a.number];
      return (compareDecimals(low, high) ?? 0) <= 0 ? null : `no number is at least ${low} and at most ${high}`;
    }
  }
  const [left, right] = [listOf(a), listOf(b)];
  if (a.fact !== b.fact || !left || !right) return null;
  const rest =
    left.op === 'in' ? left.values.filter((value) => right.values.includes(value) === (right.op === 'in')) : null;
  const restOfOther =
    left.op === 'not_in' && right.op === 'in' ? right.values.filter((value) => !left.values.includes(value)) : null;
  return (rest ?? restOfOther ?? ['any']).length === 0 ? 'no value is left' : null;
}

/** More are a spreadsheet: each is read with every deal, and their histories with them. */
const PROPERTIES_MAX = 20;

function holdProblems({ holdUntil }: RewardRule): RuleProblem[] {
  if (!holdUntil) return [];
  const asked = conditionsWithin([holdUntil.met]);
  const stranger = asked.find(({ fact }) => !fact.startsWith('deal.'));
  return stranger
    ? [{ path: ['holdUntil', 'met'], problem: `can only ask about the deal, not about ${stranger.fact}` }]
    : [];
}

function propertyProblems(rules: readonly RewardRule[]): RuleProblem[] {
  const { deal, contact, company } = wantedProperties([{ rules }]);
  const count = deal.length + contact.length + company.length;
  return count > PROPERTIES_MAX
    ? [{ path: ['rules'], problem: `ask about ${count} properties of the CRM; at most ${PROPERTIES_MAX} can be read` }]
    : [];
}

/** Where a rule asks about a property that none of the connected CRMs has. */
export function unknownProperties(
  rules: readonly RewardRule[],
  known: Readonly<Record<PropertyFact['fact'], ReadonlySet<string>>>,
): RuleProblem[] {
  return rules.flatMap((rule, index) => [
    ...propertyFactsOf(rule)
      .filter(({ fact, property }) => !known[fact].has(property))
      .map(({ fact, property }) => ({
        path: ['rules', index, 'conditions'],
        problem: `ask about ${fact} "${property}", which the CRM does not have; check its internal name`,
      })),
    ...(rule.refundedProperty === undefined || known['deal.property'].has(rule.refundedProperty)
      ? []
      : [
          {
            path: ['rules', index, 'refundedProperty'],
            problem: `"${rule.refundedProperty}" is no property of the CRM's deals; check its internal name`,
          },
        ]),
  ]);
}

type CountCondition = Extract<FactCondition, { fact: 'member.won_referrals' }>;

/** "Exactly" is both ends of a range; "every" meets any of them. */
function countProblem(a: CountCondition, b: CountCondition): string | null {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (one.op === 'exactly') {
      if (other.op === 'every') return one.count % other.count === 0 ? null : `${one.count} is none of them`;
      const low = rangeProblem('at_least', one.count, other.op === 'exactly' ? 'at_most' : other.op, other.count);
      const high = rangeProblem('at_most', one.count, other.op === 'exactly' ? 'at_least' : other.op, other.count);
      return low ?? high;
    }
    if (one.op === 'every')
      return other.op === 'at_most' && other.count < one.count ? `none is at most ${other.count}` : null;
  }
  return rangeProblem(a.op, a.count, b.op, b.count);
}

function rangeProblem(opA: string, a: number, opB: string, b: number): string | null {
  const [low, high] = opA === 'at_least' ? [a, b] : [b, a];
  return opA === opB || low <= high ? null : `no number is at least ${low} and at most ${high}`;
}

function currencyProblem(
  list: Extract<FactCondition, { fact: 'deal.currency' }>,
  { money }: Extract<FactCondition, { fact: 'deal.amount' }>,
): string | null {
  return list.currencies.includes(money.currency) === (list.op === 'in')
    ? null
    : `the amount is asked for in ${money.currency}`;
}

function listOf(condition: FactCondition): { op: Membership; values: readonly string[] } | null {
  switch (condition.fact) {
    case 'deal.pipeline':
      return { op: condition.op, values: condition.pipelineIds };
    case 'deal.currency':
      return { op: condition.op, values: condition.currencies };
    case 'referral.source':
      return { op: condition.op, values: condition.sources };
    case 'friend.email_domain':
      return { op: condition.op, values: condition.domains };
    case 'deal.property':
    case 'friend.property':
    case 'company.property':
      return condition.op === 'in' || condition.op === 'not_in' ? { op: condition.op, values: condition.values } : null;
    default:
      return null;
  }
}

/** The currencies that a deal can have to meet the conditions; null when they do not say. */
function dealCurrencies(conditions: readonly Condition[]): Set<string> | null {
  const named = conditions.flatMap((condition) => {
    if (!('fact' in condition)) return [];
    if (condition.fact === 'deal.currency' && condition.op === 'in') return [new Set(condition.currencies)];
    if (condition.fact === 'deal.amount') return [new Set([condition.money.currency])];
    return [];
  });
  const [first, ...others] = named;
  return first ? new Set([...first].filter((code) => others.every((one) => one.has(code)))) : null;
}

function limitProblems({ limits = [], conditions }: RewardRule): RuleProblem[] {
  const problems: RuleProblem[] = [];
  limits.forEach((limit, index) => {
    if ((limit.count === null) === (limit.money === null))
      problems.push({ path: ['limits', index], problem: 'needs exactly one of count and money' });
    const wider = limits.find((other, at) => at !== index && isWider(other, limit));
    if (wider)
      problems.push({
        path: ['limits', index],
        problem: `can never be reached: the limit per ${wider.window} lets through less`,
      });
  });
  const most = conditionsWithin(conditions).find(
    ({ fact, ...rest }) => fact === 'member.won_referrals' && 'op' in rest && rest.op === 'at_most',
  );
  const ownCount = limits.findIndex(
    ({ per, window, count }) => per === 'member' && window === 'life' && count !== null,
  );
  if (most?.fact === 'member.won_referrals' && ownCount >= 0 && (limits[ownCount]?.count ?? 0) > most.count)
    problems.push({
      path: ['limits', ownCount, 'count'],
      problem: `can never be reached: a condition ends with won referral ${most.count}`,
    });
  return problems;
}

/** True when `wide` covers a longer time than `narrow`, counts the same, and lets through less. */
function isWider(wide: Limit, narrow: Limit): boolean {
  if (wide.per !== narrow.per || wide.across !== narrow.across) return false;
  if (lengthOf(wide) <= lengthOf(narrow)) return false;
  if (wide.count !== null && narrow.count !== null) return wide.count < narrow.count;
  if (wide.money && narrow.money && wide.money.currency === narrow.money.currency)
    return wide.money.minor < narrow.money.minor;
  return false;
}

function lengthOf({ window }: Limit): number {
  const days = { life: Number.POSITIVE_INFINITY, day: 1, week: 7, month: 30, quarter: 91, year: 365 };
  return days[window];
}

/** Whose vouchers can be switched off until they are used; credit is the ledger's own. */
const CAN_EXPIRE = ['coupon', 'credit', 'stripe', 'tremendous'];
/** Who can undo what they gave, as long as it was not used or claimed. */
const CAN_CANCEL = ['coupon', 'paypal', 'stripe', 'tremendous'];

function recallProblems({
  payout,
  onReversal,
  expiresAfterDays,
  amountChanges,
  refunds,
  refundedProperty,
}: RewardRule): RuleProblem[] {
  const problems: RuleProblem[] = [];
  if (refundedProperty !== undefined && refunds !== 'follow')
    problems.push({ path: ['refundedProperty'], problem: 'is asked by no rule that ignores refunds; leave it out' });
  if (refunds === 'follow' && amountChanges === 'ignore')
    problems.push({
      path: ['refunds'],
      problem: 'a rule that ignores what the deal is worth cannot follow its refunds; let amountChanges be follow',
    });
  if (expiresAfterDays !== undefined && !CAN_EXPIRE.includes(payout))
    problems.push({
      path: ['expiresAfterDays'],
      problem: `what ${payout} gave cannot be made worthless; leave it out, or pay by ${CAN_EXPIRE.join(', ')}`,
    });
  if (onReversal === 'cancel' && !CAN_CANCEL.includes(payout))
    problems.push({
      path: ['onReversal'],
      problem:
        payout === 'credit'
          ? 'credit is always taken back from the credit itself; leave it out'
          : `what ${payout} gave cannot be undone there; leave it out, or pay by ${CAN_CANCEL.join(', ')}`,
    });
  return problems;
}

function groupProblems(rule: RewardRule, rules: readonly RewardRule[]): RuleProblem[] {
  if (rule.bestOf === undefined) return [];
  const others = rules.filter(({ key, bestOf }) => bestOf === rule.bestOf && key !== rule.key);
  if (others.length === 0)
    return [{ path: ['bestOf'], problem: 'no other rule is in this group; leave it out or put a second rule into it' }];
  const isAlone = others.every(({ party }) => party !== rule.party);
  return isAlone
    ? [
        {
          path: ['bestOf'],
          problem: `the other rules of the group pay somebody else than the ${rule.party}; the best of one party would leave the other with nothing`,
        },
      ]
    : [];
}
