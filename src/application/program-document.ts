import { z } from 'zod';
import { CURRENCIES, type Money, parseAmount, ROUNDING_MODES } from '../domain/money.ts';
import {
  LIMIT_WINDOWS,
  OPEN_REFERRALS,
  type ProgramContent,
  type RewardRule,
  RULE_PARTIES,
  TRIGGER_STAGES,
} from '../domain/program.ts';
import { DECIMAL } from '../domain/property.ts';
import { TOUCH_KINDS } from '../domain/referral.ts';
import type { TierScheme } from '../domain/tier-scheme.ts';
import { ruleProblems } from './program-problems.ts';
import { riskDocument } from './risk-document.ts';
import { tierProblems, tierShapes } from './tier-document.ts';

/** Ten years: longer is a mistyped number, not a hold. */
const HOLD_DAYS_MAX = 3_650;
/** More rules than this cannot be read by the person who has to answer for them. */
const RULES_MAX = 200;
/** A condition inside a condition inside …: deeper than this nobody can say aloud what it means. */
const CONDITION_DEPTH_MAX = 5;
/** More steps than this are a formula, and better written as a percentage. */
const STEPS_MAX = 50;
const LIMITS_MAX = 10;
/** Ten times the deal: more is a mistyped number. */
const BASIS_POINTS_MAX = 100_000;
/** The whole deal. More has to be said in so many words. */
const BASIS_POINTS_WHOLE = 10_000;

/** In a file without quotes a reader makes a number of it, and of 12.50 another one than was written. */
const QUOTED = 'must be a decimal in quotes, such as "100.00"';

const currency = z.enum(CURRENCIES as [string, ...string[]], { error: 'must be an ISO 4217 code such as EUR' });

export const moneyInput = z
  .strictObject({ amount: z.string({ error: QUOTED }), currency })
  .transform(({ amount, currency: code }, context) => {
    const parsed = parseAmount(amount, code);
    if (parsed.ok && parsed.money.minor > 0n) return parsed.money;
    context.addIssue({
      code: 'custom',
      message: `"${amount}" must be a decimal above zero with no more decimals than ${code} has`,
    });
    return z.NEVER;
  });

const keyText = (example: string) =>
  z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, `must be lower case letters, digits and dashes, such as ${example}`);

/** A name ends up in spreadsheets, where one that begins like a formula would be carried out. */
const nameText = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^=+\-@\t\r]/, 'must not begin with = + - @ or a tab: a spreadsheet would take it for a formula');

const because = z.string().min(1).max(300).optional();
const inOrNot = z.enum(['in', 'not_in']);
const comparison = z.enum(['at_least', 'at_most']);

/** The folders under src/payout/, whether they are configured or not. */
const PAYOUTS = ['coupon', 'credit', 'manual', 'paypal', 'stripe', 'tremendous', 'webhook'] as const;

/** Names as CRMs have them: HubSpot's lower case, Salesforce's with a namespace and __c. */
const propertyName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,99}$/, "must be the CRM's own name of a property, such as invoice_status");

const ofProperty = {
  fact: z.enum(['deal.property', 'friend.property', 'company.property']),
  property: propertyName,
  because,
};
const propertyValues = z.array(z.string().min(1).max(500)).min(1).max(100);
const decimalText = z.string({ error: QUOTED }).regex(DECIMAL, 'must be a decimal in quotes, such as "10" or "2.5"');

/** Everything a rule is made of, for one way of writing money: as it is read (`moneyInput`) or as it is answered. */
function shapesFor<M extends z.ZodType>(money: M, kind: 'Input' | 'Answer') {
  const fact = z.discriminatedUnion('fact', [
    z.strictObject({ fact: z.literal('deal.amount'), op: comparison, money, because }),
    z.strictObject({
      fact: z.literal('deal.pipeline'),
      op: inOrNot,
      pipelineIds: z.array(z.string().min(1)).min(1),
      because,
    }),
    z.strictObject({ fact: z.literal('deal.currency'), op: inOrNot, currencies: z.array(currency).min(1), because }),
    z.strictObject({
      fact: z.literal('referral.source'),
      op: inOrNot,
      sources: z.array(z.enum(TOUCH_KINDS)).min(1),
      because,
    }),
    z.strictObject({ fact: z.literal('referral.days'), op: comparison, days: z.int().min(0), because }),
    z.strictObject({
      fact: z.literal('friend.email_domain'),
      op: inOrNot,
      domains: z
        .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case, such as example.com'))
        .min(1),
      because,
    }),
    z.strictObject({
      fact: z.literal('event.day'),
      op: z.enum(['from', 'until']),
      day: z.iso.date({ error: 'must be a day that there is, such as 2026-03-31' }),
      because,
    }),
    z.strictObject({
      fact: z.literal('member.won_referrals'),
      op: z.enum(['at_least', 'at_most', 'exactly', 'every']),
      count: z.int().min(1),
      because,
    }),
    z.discriminatedUnion('op', [
      z.strictObject({ fact: z.literal('member.tier'), op: z.literal('at_least'), tier: keyText('gold'), because }),
      z.strictObject({
        fact: z.literal('member.tier'),
        op: inOrNot,
        tiers: z.array(keyText('gold')).min(1),
        because,
      }),
    ]),
    z.discriminatedUnion('op', [
      z.strictObject({ ...ofProperty, op: z.literal('in'), values: propertyValues }),
      z.strictObject({ ...ofProperty, op: z.literal('not_in'), values: propertyValues }),
      z.strictObject({ ...ofProperty, op: z.literal('at_least'), number: decimalText }),
      z.strictObject({ ...ofProperty, op: z.literal('at_most'), number: decimalText }),
      z.strictObject({ ...ofProperty, op: z.literal('known') }),
    ]),
  ]);
  const facts = fact.meta({ id: `Fact${kind}`, description: 'A fact, and what is asked of it.' });
  // Each depth has a name, so that a document of the schema is as long as it is deep, and not three times as long for each level.
  let condition: z.ZodType = facts;
  for (let depth = 2; depth <= CONDITION_DEPTH_MAX; depth += 1) {
    const inner = condition;
    condition = z
      .union([
        facts,
        z.strictObject({ all: z.array(inner).min(1) }),
        z.strictObject({ any: z.array(inner).min(1) }),
        z.strictObject({ not: inner }),
      ])
      .meta({ id: `Condition${kind}${depth}`, description: `A fact, or others inside it, ${depth} deep.` });
  }

  const flat = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('fixed'), money }),
    z.strictObject({
      kind: z.literal('percent'),
      basisPoints: z.int('must be a whole number of hundredths of a percent').min(1).max(BASIS_POINTS_MAX),
    }),
  ]);
  const amount = z.discriminatedUnion('kind', [
    ...flat.options,
    z.strictObject({
      kind: z.literal('by_amount'),
      steps: z
        .array(z.strictObject({ from: money, amount: flat }))
        .min(1)
        .max(STEPS_MAX),
    }),
    z.strictObject({
      kind: z.literal('by_count'),
      steps: z
        .array(z.strictObject({ from: z.int().min(1), amount: flat }))
        .min(1)
        .max(STEPS_MAX),
    }),
    z.strictObject({
      kind: z.literal('per_tier'),
      steps: z
        .array(z.strictObject({ from: keyText('gold'), amount: flat }))
        .min(1)
        .max(STEPS_MAX),
    }),
  ]);
  return {
    key: keyText('member-won'),
    party: z.enum(RULE_PARTIES),
    trigger: z.enum([...TRIGGER_STAGES, 'tier_reached']).optional(),
    tier: keyText('gold').optional(),
    deals: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('first') }),
        z.strictObject({ kind: z.literal('every') }),
        z.strictObject({
          kind: z.literal('up_to'),
          count: z.int().min(1),
          withinDays: z.int().min(1).max(HOLD_DAYS_MAX).nullable(),
        }),
      ])
      .optional(),
    amount,
    payIn: currency.optional(),
    rounding: z.strictObject({ mode: z.enum(ROUNDING_MODES), toMinor: z.int().min(1).max(1_000_000) }).optional(),
    minimum: money.optional(),
    maximum: money.optional(),
    conditions: z.array(condition),
    holdDays: z.int().min(0).max(HOLD_DAYS_MAX),
    holdUntil: z.strictObject({ met: condition, askAfterDays: z.int().min(1).max(HOLD_DAYS_MAX) }).optional(),
    payOnDay: z.int().min(1).max(28, 'must be 1 to 28: the 29th, 30th and 31st do not come every month').optional(),
    limits: z
      .array(
        z.strictObject({
          per: z.enum(['member', 'friend', 'company', 'program']),
          across: z.enum(['rule', 'program']),
          window: z.enum(LIMIT_WINDOWS),
          count: z.int().min(1).nullable(),
          money: money.nullable(),
        }),
      )
      .max(LIMITS_MAX)
      .optional(),
    usesBudget: z.boolean().optional(),
    review: z
      .discriminatedUnion('when', [
        z.strictObject({ when: z.literal('always') }),
        z.strictObject({ when: z.literal('over'), money }),
      ])
      .optional(),
    amountChanges: z.enum(['follow', 'ignore']).optional(),
    onReversal: z.enum(['claim', 'cancel']).optional(),
    expiresAfterDays: z.int().min(1).max(HOLD_DAYS_MAX).optional(),
    refunds: z.enum(['follow', 'ignore']).optional(),
    refundedProperty: propertyName.optional(),
    bestOf: keyText('bonus').optional(),
    payout: z.enum(PAYOUTS),
    name: nameText,
  };
}

const input = shapesFor(moneyInput, 'Input');

/** "member-won" as a name, where an admin gave none: "Member won". */
function nameFromKey(key: string): string {
  const words = key.replaceAll('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

const rule = z
  .strictObject({
    ...input,
    conditions: input.conditions.default([]),
    holdDays: input.holdDays.default(0),
    limits: z
      .array(
        input.limits.unwrap().element.extend({
          across: input.limits.unwrap().element.shape.across.default('rule'),
          count: input.limits.unwrap().element.shape.count.default(null),
          money: input.limits.unwrap().element.shape.money.default(null),
        }),
      )
      .max(LIMITS_MAX)
      .optional(),
    amountChanges: z.enum(['follow', 'ignore']).default('follow'),
    name: nameText.optional(),
    /** Says that a percentage above the whole deal is meant. */
    allowOverWhole: z.boolean().optional(),
  })
  .superRefine(({ allowOverWhole, amount }, context) => {
    const flats = 'steps' in amount ? amount.steps.map((step) => step.amount) : [amount];
    if (allowOverWhole) return;
    if (flats.some((flat) => flat.kind === 'percent' && flat.basisPoints > BASIS_POINTS_WHOLE))
      context.addIssue({
        code: 'custom',
        path: ['amount'],
        message: 'pays more than 100 % of the deal; set "allowOverWhole": true if that is meant',
      });
  })
  .transform(
    ({ name, allowOverWhole: _, ...rest }): RewardRule => ({
      ...(rest as Omit<RewardRule, 'name'>),
      // A refund is a change of what the deal is worth.
      refunds: rest.refunds ?? rest.amountChanges,
      name: name ?? nameFromKey(rest.key),
    }),
  );

/** A program as an admin writes it, with amounts as decimal strings. Its output is what the domain works with. */
export const programDocument = z
  .strictObject({
    programId: keyText('default'),
    name: nameText,
    tiers: tierShapes(moneyInput, { key: keyText('gold'), name: nameText }).optional(),
    openReferrals: z.enum(OPEN_REFERRALS).optional(),
    rules: z
      .array(rule)
      .min(1)
      .max(RULES_MAX)
      .refine(
        (rules) => new Set(rules.map(({ key }) => key)).size === rules.length,
        'every rule needs a key of its own',
      ),
    risk: riskDocument.optional(),
  })
  .superRefine(({ rules, tiers }, context) => {
    for (const { path, problem } of [...ruleProblems(rules), ...tierProblems(tiers, rules)])
      context.addIssue({ code: 'custom', path, message: problem });
  });

export type ProgramDocument = z.input<typeof programDocument>;

/** A rule as it is answered: the same fields, with amounts as text. */
export function ruleAnswer<M extends z.ZodType>(money: M) {
  return z.strictObject(shapesFor(money, 'Answer'));
}

/** Tiers as they are answered. */
export function tiersAnswer<M extends z.ZodType>(money: M) {
  return tierShapes(money, { key: keyText('gold'), name: nameText });
}

/** The same rule, or tiers, with amounts as decimal strings, as a document has them. */
export function ruleDocument(
  published: RewardRule | TierScheme,
  textOfMoney: (money: Money) => { amount: string; currency: string },
): Record<string, unknown> {
  return written(published) as Record<string, unknown>;

  function written(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(written);
    if (value === null || typeof value !== 'object') return value;
    if ('minor' in value && 'currency' in value) return textOfMoney(value as Money);
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, written(inner)]])),
    );
  }
}

/** A program as a document that can be read again. */
export function contentDocument(
  { programId, name, openReferrals, tiers, rules, risk }: ProgramContent,
  textOfMoney: (money: Money) => { amount: string; currency: string },
): Record<string, unknown> {
  return {
    programId,
    name,
    ...(openReferrals === undefined ? {} : { openReferrals }),
    ...(tiers === undefined ? {} : { tiers: ruleDocument(tiers, textOfMoney) }),
    rules: rules.map((rule) => ruleDocument(rule, textOfMoney)),
    ...(risk === undefined ? {} : { risk }),
  };
}

export type ProgramResult =
  | { readonly ok: true; readonly program: ProgramContent }
  /** Each problem names the field: "rules[0].amount.money: …". */
  | { readonly ok: false; readonly problems: readonly string[] };

export function parseProgram(document: unknown): ProgramResult {
  const parsed = programDocument.safeParse(document);
  if (parsed.success) return { ok: true, program: parsed.data };
  const issues = parsed.error.issues.flatMap(closestIssues);
  return { ok: false, problems: issues.map(({ path, message }) => `${pathText(path)}: ${message}`) };
}

/**
 * Of several forms that something may have, the one that was most likely meant, and what is wrong with that: the one that knows most of its
 * fields, and whose problem lies deepest.
 */
export function closestIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const branches = issue.errors.map((branch) => {
    const issues = branch.flatMap(closestIssues);
    return {
      issues,
      strangers: issues.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 0), 0),
      depth: Math.min(...issues.map(({ path }) => path.length)),
      isOtherKind: issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
    };
  });
  // A form of another kind altogether, such as a number where there is an object, was not meant.
  const [closest] = branches.toSorted(
    (a, b) => Number(a.isOtherKind) - Number(b.isOtherKind) || a.strangers - b.strangers || b.depth - a.depth,
  );
  if (!closest || closest.issues.length === 0) return [issue];
  return closest.issues.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

export function pathText(path: readonly PropertyKey[]): string {
  return (
    path
      .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
      .join('') || 'document'
  );
}
