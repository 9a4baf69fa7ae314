import { z } from 'zod';
import { DEFAULT_WEIGHTS, RISK_SIGNALS, type RiskPolicy, type RiskSignalKind } from '../domain/risk.ts';

/** A sum of weights beyond this says no more than one at it. */
const WEIGHT_MAX = 1_000;
/** A month: what is further apart is no rush. */
const HOURS_MAX = 744;
/** Counting stops at as many. */
const MOST_MAX = 500;
/** From here on a person looks, where an admin says nothing else. */
const REVIEW_AT_DEFAULT = 50;

const weight = z.int().min(1).max(WEIGHT_MAX);
const domain = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case, such as example.com');
const property = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, "must be the CRM's own name of a deal property, such as purchase_checked");

const PLAIN = RISK_SIGNALS.filter(
  (signal) => !['velocity_member', 'velocity_source', 'purchase_unverified', 'employee'].includes(signal),
);

/** One shape for what is read, in which the weight may be left out, and for what is answered. */
function signalFor<W extends z.ZodType>(weightOf: (signal: RiskSignalKind | null) => W) {
  return z.discriminatedUnion('signal', [
    z.strictObject({ signal: z.enum(PLAIN as [RiskSignalKind, ...RiskSignalKind[]]), weight: weightOf(null) }),
    ...(['velocity_member', 'velocity_source'] as const).map((signal) =>
      z.strictObject({
        signal: z.literal(signal),
        weight: weightOf(signal),
        most: z.int().min(1).max(MOST_MAX),
        hours: z.int().min(1).max(HOURS_MAX),
      }),
    ),
    z.strictObject({
      signal: z.literal('purchase_unverified'),
      weight: weightOf('purchase_unverified'),
      property,
      verified: z.array(z.string().min(1).max(100)).min(1),
    }),
    z.strictObject({ signal: z.literal('employee'), weight: weightOf('employee'), domains: z.array(domain).min(1) }),
  ]);
}

const input = signalFor(() => weight.optional());

/** What a program looks for before it pays, as an admin writes it. */
export const riskDocument = z
  .strictObject({
    signals: z.array(input).min(1, 'must name at least one signal; leave "risk" out to look for nothing'),
    reviewAt: z.int().min(1).max(WEIGHT_MAX).default(REVIEW_AT_DEFAULT),
    blockAt: z.int().min(1).max(WEIGHT_MAX).optional(),
  })
  .transform(
    ({ signals, blockAt, ...rest }): RiskPolicy => ({
      ...rest,
      signals: signals.map((one) => ({
        ...one,
        weight: one.weight ?? DEFAULT_WEIGHTS[one.signal],
      })) as RiskPolicy['signals'],
      ...(blockAt === undefined ? {} : { blockAt }),
    }),
  )
  .superRefine((policy, context) => {
    for (const { path, problem } of riskProblems(policy)) context.addIssue({ code: 'custom', path, message: problem });
  })
  .meta({ id: 'RiskPolicyInput', description: 'Signals that may speak against a referral, and what their sum means.' });

/** The same as it is answered. */
export const riskAnswer = z
  .strictObject({ signals: z.array(signalFor(() => weight)), reviewAt: z.int(), blockAt: z.int().optional() })
  .meta({ id: 'RiskPolicyAnswer' });

/** What is well-formed and yet can never work. */
export function riskProblems({
  signals,
  reviewAt,
  blockAt,
}: RiskPolicy): Array<{ path: PropertyKey[]; problem: string }> {
  const problems: Array<{ path: PropertyKey[]; problem: string }> = [];
  signals.forEach(({ signal }, index) => {
    if (signals.findIndex((other) => other.signal === signal) < index)
      problems.push({ path: ['signals', index, 'signal'], problem: `"${signal}" is named twice; keep one of them` });
  });
  const most = signals.reduce((sum, one) => sum + one.weight, 0);
  if (most < reviewAt)
    problems.push({
      path: ['reviewAt'],
      problem: `can never be reached: all signals together weigh ${most}; lower it or give them more weight`,
    });
  if (blockAt !== undefined && blockAt <= reviewAt)
    problems.push({
      path: ['blockAt'],
      problem: `must be above reviewAt, ${reviewAt}: else nothing doubtful would ever come before a person`,
    });
  else if (blockAt !== undefined && most < blockAt)
    problems.push({
      path: ['blockAt'],
      problem: `can never be reached: all signals together weigh ${most}; leave it out`,
    });
  return problems;
}

/** Properties that the policy asks about and the CRM does not have: nothing would ever be verified by them. */
export function unknownRiskProperties(
  risk: RiskPolicy | undefined,
  deal: ReadonlySet<string>,
): Array<{ path: PropertyKey[]; problem: string }> {
  return (risk?.signals ?? []).flatMap((rule, index) =>
    rule.signal === 'purchase_unverified' && !deal.has(rule.property)
      ? [
          {
            path: ['risk', 'signals', index, 'property'],
            problem: `asks about the deal property "${rule.property}", which the CRM does not have; check its internal name`,
          },
        ]
      : [],
  );
}
