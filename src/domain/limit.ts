import type { ConditionResult } from './decision.ts';
import { type Money, textOf } from './money.ts';
import { type Limit, type LimitWindow, limitsOf, type RewardRule } from './program.ts';
import type { ContactFacts, RecordRef } from './record.ts';
import { budgetTally, companyOwner, programOwner, type Tally } from './tally.ts';
import { addDays, dayOf, type Instant } from './time.ts';

/** Names the window that a moment falls into: "2026-03", "2026-Q1", "2026-03-02" for its day or its week's Monday, "" for life. */
export function periodOf(at: Instant, window: LimitWindow): string {
  const day = dayOf(at);
  const year = day.slice(0, 4);
  switch (window) {
    case 'life':
      return '';
    case 'day':
      return day;
    case 'week': {
      const daysSinceMonday = (new Date(at).getUTCDay() + 6) % 7;
      return dayOf(addDays(at, -daysSinceMonday));
    }
    case 'month':
      return day.slice(0, 7);
    case 'quarter':
      return `${year}-Q${Math.floor(new Date(at).getUTCMonth() / 3) + 1}`;
    case 'year':
      return year;
  }
}

export interface LimitInput {
  readonly rule: RewardRule;
  readonly programId: string;
  readonly memberId: string;
  readonly referralId: string;
  /** The friend's, for limits that count by it; null for a friend without one. */
  readonly company: Pick<RecordRef, 'connectionId' | 'id'> | null;
  /** When the event that triggers the rule happened. */
  readonly at: Instant;
  readonly money: Money;
  readonly tally: (of: Pick<Tally, 'owner' | 'key' | 'currency'>) => { readonly count: number; readonly minor: bigint };
}

/** The company that limits count a friend by. */
export function companyOf({ ref, company }: ContactFacts): LimitInput['company'] {
  return company ? { connectionId: ref.connectionId, id: company.id } : null;
}

export interface LimitOutcome {
  readonly kind: 'fits' | 'full' | 'budget_spent';
  /** What fits: the amount asked for, or what a limit of money leaves of it. */
  readonly money: Money;
  readonly results: readonly ConditionResult[];
  /** What a reward of that amount adds to the tallies. */
  readonly uses: readonly Tally[];
}

/** How much of an amount the rule's limits and the program's budget leave. */
export function withinLimits(input: LimitInput): LimitOutcome {
  const { rule, programId, tally } = input;
  const results: ConditionResult[] = [];
  let { money } = input;
  let isFull = false;
  // Two who share the credit of a referral get one reward between them, which is counted with the member's part.
  const isCountedElsewhere = ({ count, per }: Limit) => rule.party === 'assist' && count !== null && per !== 'member';
  const limits = limitsOf(rule)
    .filter((limit) => !isCountedElsewhere(limit))
    .map((limit) => ({ limit, of: tallyOf(limit, input) }));
  for (const { limit, of } of limits) {
    const used = tally(of);
    const about = `limit per ${limit.per}${limit.window === 'life' ? '' : ` and ${limit.window}`}`;
    if (limit.count !== null) {
      const isMet = used.count < limit.count;
      isFull ||= !isMet;
      results.push({
        condition: about,
        expected: `at most ${limit.count} ${limit.count === 1 ? 'reward' : 'rewards'}`,
        actual: `${used.count} before this one`,
        verdict: isMet ? 'met' : 'unmet',
      });
    } else if (limit.money) {
      const { currency } = limit.money;
      const left = limit.money.minor - used.minor;
      // Amounts in two currencies are not added up: a rate would be a guess.
      const isMet = currency === input.money.currency && left > 0n;
      isFull ||= !isMet;
      if (isMet && left < money.minor) money = { minor: left, currency };
      results.push({
        condition: about,
        expected: `at most ${textOf(limit.money)}`,
        actual:
          currency === input.money.currency
            ? `${textOf({ minor: used.minor, currency })} before this one`
            : `the reward is in ${input.money.currency}`,
        verdict: isMet ? 'met' : 'unmet',
      });
    }
  }
  let isSpent = false;
  if (rule.usesBudget) {
    const left = tally(budgetTally(programId, money.currency)).minor;
    isSpent = left < money.minor;
    results.push({
      condition: 'budget of the program',
      expected: `at least ${textOf(money)} left`,
      actual: `${textOf({ minor: left, currency: money.currency })} left`,
      verdict: isSpent ? 'unmet' : 'met',
    });
  }
  return {
    kind: isFull ? 'full' : isSpent ? 'budget_spent' : 'fits',
    money,
    results,
    uses: usesOf(input, limits, money),
  };
}

function usesOf(
  { rule, programId }: LimitInput,
  limits: ReadonlyArray<{ limit: Limit; of: Pick<Tally, 'owner' | 'key' | 'currency'> }>,
  { minor, currency }: Money,
): Tally[] {
  const uses = limits.map(({ limit, of }) =>
    limit.count === null ? { ...of, count: 0, minor } : { ...of, count: 1, minor: 0n },
  );
  if (rule.usesBudget) uses.push({ ...budgetTally(programId, currency), count: 0, minor: -minor });
  // Two limits may count the same thing, such as 5 and a stricter 3; it is one reward all the same.
  return [...new Map(uses.map((use) => [`${use.owner}\n${use.key}\n${use.currency}`, use])).values()];
}

function tallyOf(limit: Limit, { rule, programId, memberId, referralId, company, at }: LimitInput) {
  const owner = {
    member: memberId,
    friend: referralId,
    company: company ? companyOwner(company) : referralId,
    program: programOwner(programId),
  }[limit.per];
  const of = limit.across === 'rule' ? `rule ${rule.key}` : `program ${programId}`;
  return {
    owner,
    key: `limit ${of} ${limit.window} ${periodOf(at, limit.window)}`.trimEnd(),
    currency: limit.money?.currency ?? '',
  };
}
