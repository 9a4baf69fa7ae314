import { z } from 'zod';
import { type AttributionPolicy, DEFAULT_POLICY, RANKED_SOURCES } from '../domain/attribution-policy.ts';
import { pathText } from './program-document.ts';

/** Ten years: longer is a mistyped number. */
const WINDOW_DAYS_MAX = 3_650;

/** The member whose evidence is the strongest has the larger part, or half. */
const ASSIST_PERCENT_MAX = 50;

const source = z.enum(RANKED_SOURCES as [string, ...string[]]);

/** A policy as an admin writes it; what is left out is as it always was. */
export const attributionDocument = z
  .strictObject({
    windowDays: z
      .int()
      .min(1)
      .max(WINDOW_DAYS_MAX)
      .nullable()
      .default(DEFAULT_POLICY.windowDays)
      .meta({ description: 'Submissions older than this, when the friend appears, do not count; null: however old.' }),
    touch: z.enum(['first', 'last']).default(DEFAULT_POLICY.touch).meta({
      description: 'Of two pieces of evidence from one source, which one counts.',
    }),
    sources: z
      .array(source)
      .min(1)
      .default([...DEFAULT_POLICY.sources])
      .refine((sources) => new Set(sources).size === sources.length, 'every source counts once: leave out the second')
      .meta({ description: 'The strongest first; what is not named does not count.' }),
    existingCustomer: z.enum(['accept', 'decline', 'review']).default(DEFAULT_POLICY.existingCustomer).meta({
      description: 'What becomes of a friend who had a won deal before.',
    }),
    selfReferral: z.enum(['decline', 'review']).default(DEFAULT_POLICY.selfReferral).meta({
      description: 'What becomes of a member who is the friend.',
    }),
    assistPercent: z.int().min(1).max(ASSIST_PERCENT_MAX).optional().meta({
      description:
        'Of what a rule gives the member, how many percent go to another member whose evidence comes second; left out: none.',
    }),
  })
  .transform((policy) => policy as AttributionPolicy);

export type AttributionResult =
  | { readonly ok: true; readonly policy: AttributionPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

export function parseAttribution(document: unknown): AttributionResult {
  const parsed = attributionDocument.safeParse(document);
  if (parsed.success) return { ok: true, policy: parsed.data };
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`) };
}
