import { z } from 'zod';
import { type Money, textOf } from '../domain/money.ts';
import { conditionsWithin, needsTier, type RewardRule } from '../domain/program.ts';
import { ENGAGEMENT_KINDS, rankOf, type TierScheme } from '../domain/tier-scheme.ts';
import type { RuleProblem } from './program-problems.ts';

/** More than anybody can name. */
const LEVELS_MAX = 20;
/** Ten years, as for a hold. */
const DAYS_MAX = 3_650;

/** Tiers as a document has them, for one way of writing money. */
export function tierShapes<M extends z.ZodType>(
  money: M,
  text: { readonly key: z.ZodString; readonly name: z.ZodString },
) {
  return z.strictObject({
    by: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('won_referrals') }),
      z.strictObject({ kind: z.literal('revenue') }),
      z.strictObject({ kind: z.literal('engagement'), counts: z.enum(ENGAGEMENT_KINDS) }),
    ]),
    windowDays: z
      .int()
      .min(1)
      .max(DAYS_MAX)
      .optional()
      .meta({ description: 'The last so many days, in UTC, today included; left out: for life.' }),
    down: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('never') }),
      z.strictObject({ kind: z.literal('window_end') }),
      z.strictObject({ kind: z.literal('grace'), days: z.int().min(0).max(DAYS_MAX) }),
    ]),
    levels: z
      .array(z.strictObject({ key: text.key, name: text.name, from: z.union([z.int().min(1), money]) }))
      .min(1)
      .max(LEVELS_MAX),
  });
}

/** What is well-formed and yet can never work: tiers that nobody reaches, and rules that name tiers that are not there. */
export function tierProblems(tiers: TierScheme | undefined, rules: readonly RewardRule[]): RuleProblem[] {
  return [
    ...(tiers ? schemeProblems(tiers) : []),
    ...rules.flatMap((rule, index) =>
      rulesTierProblems(rule, tiers).map(({ path, problem }) => ({ path: ['rules', index, ...path], problem })),
    ),
  ];
}

function schemeProblems({ by, windowDays, down, levels }: TierScheme): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const isMoney = by.kind === 'revenue';
  const currency = typeof levels[0]?.from === 'object' ? levels[0].from.currency : '';
  levels.forEach(({ key, from }, index) => {
    const path = ['tiers', 'levels', index, 'from'];
    const before = levels[index - 1]?.from;
    if ((typeof from === 'object') !== isMoney)
      problems.push({ path, problem: isMoney ? 'must be an amount of money' : 'must be a whole number' });
    else if (typeof from === 'object' && from.currency !== currency)
      problems.push({ path, problem: `must be in ${currency} like the first tier` });
    else if (before !== undefined && minorOf(before) >= minorOf(from))
      problems.push({ path, problem: `must be more than the tier before, ${textOfFrom(before)}` });
    if (levels.findIndex((level) => level.key === key) !== index)
      problems.push({ path: ['tiers', 'levels', index, 'key'], problem: 'every tier needs a key of its own' });
    if (key === 'none')
      problems.push({ path: ['tiers', 'levels', index, 'key'], problem: 'must be another word: "none" is no tier' });
  });
  if (down.kind === 'window_end' && windowDays === undefined)
    problems.push({
      path: ['tiers', 'down'],
      problem: 'a score for life has no window that could end; set windowDays, or go down by "grace" or "never"',
    });
  return problems;
}

function minorOf(from: number | Money): bigint {
  return typeof from === 'number' ? BigInt(from) : from.minor;
}

function textOfFrom(from: number | Money): string {
  return typeof from === 'number' ? String(from) : textOf(from);
}

function rulesTierProblems(rule: RewardRule, tiers: TierScheme | undefined): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const { trigger, tier, amount, conditions } = rule;
  if (trigger === 'tier_reached' && tier === undefined)
    problems.push({ path: ['tier'], problem: 'must name the tier that the reward is for' });
  if (trigger !== 'tier_reached' && tier !== undefined)
    problems.push({ path: ['tier'], problem: 'goes with "trigger": "tier_reached" only; leave it out' });
  if (needsTier(rule) && !tiers) {
    problems.push({ path: [], problem: 'looks at tiers, and the program has none: add "tiers"' });
    return problems;
  }
  if (!tiers) return problems;
  const isKnown = (key: string) => rankOf(tiers, key) >= 0;
  const known = tiers.levels.map(({ key }) => key).join(', ');
  const unknown = (path: PropertyKey[], key: string) => {
    if (!isKnown(key)) problems.push({ path, problem: `"${key}" is not one of the program's tiers: ${known}` });
  };
  if (tier !== undefined) unknown(['tier'], tier);
  if (amount.kind === 'per_tier')
    amount.steps.forEach(({ from }, index) => {
      const path = ['amount', 'steps', index, 'from'];
      const before = amount.steps[index - 1]?.from;
      unknown(path, from);
      if (before !== undefined && isKnown(from) && rankOf(tiers, before) >= rankOf(tiers, from))
        problems.push({ path, problem: `must be a higher tier than the step before, ${before}` });
    });
  conditions.forEach((condition, index) => {
    for (const fact of conditionsWithin([condition])) {
      if (fact.fact !== 'member.tier') continue;
      for (const key of fact.op === 'at_least' ? [fact.tier] : fact.tiers)
        if (key !== 'none' || fact.op === 'at_least') unknown(['conditions', index], key);
    }
  });
  return problems;
}
