import { z } from 'zod';
import { CURRENCIES, parseAmount } from '../domain/money.ts';
import type { RewardRule } from '../domain/program.ts';

/** Ten years: longer is a mistyped number, not a hold. */
const HOLD_DAYS_MAX = 3_650;
/** More rules than this cannot be read by the person who has to answer for them. */
const RULES_MAX = 50;

const currency = z.enum(CURRENCIES as [string, ...string[]], { error: 'must be an ISO 4217 code such as EUR' });

const money = z.strictObject({ amount: z.string(), currency }).transform(({ amount, currency: code }, context) => {
  const parsed = parseAmount(amount, code);
  if (parsed.ok && parsed.money.minor > 0n) return parsed.money;
  context.addIssue({
    code: 'custom',
    message: `"${amount}" must be a decimal above zero with no more decimals than ${code} has`,
  });
  return z.NEVER;
});

const condition = z.discriminatedUnion('fact', [
  z.strictObject({ fact: z.literal('deal.amount'), op: z.enum(['at_least', 'at_most']), money }),
  z.strictObject({
    fact: z.literal('deal.pipeline'),
    op: z.literal('in'),
    pipelineIds: z.array(z.string().min(1)).min(1),
  }),
]);

/** "member-won" as a name, where an admin gave none: "Member won". */
function nameFromKey(key: string): string {
  const words = key.replaceAll('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

const rule = z
  .strictObject({
    key: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes, such as member-won'),
    party: z.enum(['member', 'friend']),
    amount: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('fixed'), money }),
      z.strictObject({
        kind: z.literal('percent'),
        basisPoints: z.int('must be a whole number of hundredths of a percent').min(1).max(10_000),
      }),
    ]),
    conditions: z.array(condition).default([]),
    holdDays: z.int().min(0).max(HOLD_DAYS_MAX).default(0),
    payout: z.enum(['credit', 'webhook']),
    name: z.string().min(1).max(200).optional(),
  })
  .transform(({ name, ...rest }) => ({ ...rest, name: name ?? nameFromKey(rest.key) }));

/** A program as an admin writes it, with amounts as decimal strings. Its output is what the domain works with. */
export const programDocument = z.strictObject({
  programId: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes, such as default'),
  name: z.string().min(1).max(200),
  rules: z
    .array(rule)
    .min(1)
    .max(RULES_MAX)
    .refine((rules) => new Set(rules.map(({ key }) => key)).size === rules.length, 'every rule needs a key of its own'),
});

export type ProgramDocument = z.input<typeof programDocument>;

export type ProgramResult =
  | { readonly ok: true; readonly program: { programId: string; name: string; rules: readonly RewardRule[] } }
  /** Each problem names the field: "rules[0].amount.money: …". */
  | { readonly ok: false; readonly problems: readonly string[] };

export function parseProgram(document: unknown): ProgramResult {
  const parsed = programDocument.safeParse(document);
  if (parsed.success) return { ok: true, program: parsed.data };
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`) };
}

function pathText(path: readonly PropertyKey[]): string {
  return (
    path
      .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
      .join('') || 'document'
  );
}
