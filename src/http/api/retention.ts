import { z } from 'zod';
import type { Retention } from '../../application/retention.ts';
import { RETENTION, RETENTION_ITEMS, type RetentionItem, type RetentionSettings } from '../../domain/retention.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { time } from './fields.ts';
import { type Operation, operation } from './operation.ts';

const item = z.enum(RETENTION_ITEMS as [(typeof RETENTION_ITEMS)[number], ...typeof RETENTION_ITEMS]).meta({
  description:
    'inbox: deliveries of CRMs · workflowCalls: calls of workflows and their answers · reportLists: the rows behind comparisons with a CRM · reports: the comparisons · auditLog: who changed what',
});

const days = z
  .int('must be a whole number of days, or null for ever')
  .nullable()
  .meta({ description: 'Days; null: for as long as the account exists.' });

/** Within the bounds that RETENTION gives with their reasons. */
function daysOf(one: RetentionItem) {
  const { minDays, maxDays, mayBeForever } = RETENTION[one];
  const words = `must be a whole number of days from ${minDays} to ${maxDays}${mayBeForever ? ', or null for ever' : ''}`;
  const bounded = z.int(words).min(minDays, words).max(maxDays, words);
  return mayBeForever ? bounded.nullable() : bounded;
}

/** What is said of each; what is not named stays as it is. */
export const retentionWords = z.strictObject(
  Object.fromEntries(RETENTION_ITEMS.map((one) => [one, daysOf(one).optional()])) as Record<
    RetentionItem,
    z.ZodOptional<ReturnType<typeof daysOf>>
  >,
  `must be {${RETENTION_ITEMS.map((one) => `"${one}"`).join(', ')}}`,
);

const retentionSchema = z
  .strictObject({
    version: z.int().min(0).meta({ description: '0: nobody has set anything yet.' }),
    items: z.array(
      z.strictObject({
        item,
        days,
        usualDays: days.meta({ description: 'Where nobody says otherwise.' }),
        minDays: z.int(),
        maxDays: z.int(),
        mayBeForever: z.boolean(),
        forgotten: z
          .strictObject({
            upTo: time.meta({ description: 'What came before is gone.' }),
            at: time,
            rows: z.int().meta({ description: 'In all; comparisons and their rows are not counted.' }),
          })
          .nullable()
          .meta({ description: 'How far it was forgotten; null where it never was looked at.' }),
      }),
    ),
    nextAt: time.meta({ description: 'When what is old is forgotten next.' }),
  })
  .meta({ id: 'Retention', description: 'For how long is kept what need not be kept for ever.' });

export interface RetentionApiDeps {
  readonly retention: Retention;
}

/** What was given, without the names of what was not. */
export function saidRetention(said: z.output<typeof retentionWords>): RetentionSettings {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

export function retention({ retention: use }: RetentionApiDeps): Operation[] {
  async function present(accountId: string): Promise<z.input<typeof retentionSchema>> {
    const { version, items, nextPruneAt } = await use.of(accountId);
    return {
      version,
      items: items.map(({ pruned, ...one }) => ({
        ...one,
        forgotten: pruned && { upTo: isoOf(pruned.upTo), at: isoOf(pruned.at), rows: pruned.rows },
      })),
      nextAt: isoOf(nextPruneAt),
    };
  }

  return [
    operation({
      id: 'getRetention',
      tag: 'Account',
      method: 'get',
      path: '/retention',
      summary: 'Get for how long what is kept',
      description:
        'Decisions, referrals, rewards and the ledger are kept for as long as the account exists, and are no part of this. A person who asks to be forgotten is (POST /people/erase).',
      query: z.strictObject({}),
      statuses: { 200: 'Each thing with its bounds, and how far it was forgotten.' },
      answer: retentionSchema,
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: await present(accountId) }),
    }),
    operation({
      id: 'setRetention',
      tag: 'Account',
      method: 'put',
      path: '/retention',
      summary: 'Set for how long what is kept',
      description:
        'What is not named stays as it is. What is older is forgotten within the hour and cannot be brought back.',
      body: z.strictObject({
        version: z
          .int('must be the version that you have read; 0 for the first')
          .min(0)
          .meta({ description: 'The version that you have read.' }),
        days: retentionWords,
      }),
      statuses: { 200: 'As it is now.' },
      answer: retentionSchema,
      problems: ['settings_changed'],
      async handle({ accountId, actor, body }) {
        const saved = await use.save(accountId, saidRetention(body.days), { basis: body.version, by: actor });
        if (saved) return { status: 200, body: await present(accountId) };
        throw new HttpProblem(
          'settings_changed',
          'Somebody has changed it since you read it. Read it again, and set yours on top of that.',
        );
      },
    }),
  ];
}
