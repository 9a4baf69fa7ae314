import { z } from 'zod';
import { ATTENTION_CODES, type AttentionItem, type AttentionOf } from '../../application/attention.ts';
import { isoOf } from '../../domain/time.ts';
import { severity } from './case-schemas.ts';
import { time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId, money } from './schemas.ts';
import { moneyView } from './views.ts';

export interface AttentionDeps {
  readonly attention: AttentionOf;
}

const itemSchema = z
  .strictObject({
    code: z.enum(ATTENTION_CODES),
    severity,
    count: z.int().min(1).nullable().meta({ description: 'How many; null where it is one thing.' }),
    isMore: z.boolean().meta({ description: 'There are more than were counted.' }),
    overdue: z.int().min(0).meta({ description: 'Of these, whose time is over.' }),
    nextDueAt: time.nullable(),
    connection: z.strictObject({ id: connectionId, provider: z.string(), externalId: z.string() }).nullable(),
    program: z.strictObject({ programId: z.string(), name: z.string() }).nullable(),
    pipeline: z.string().nullable().meta({ description: 'Label of the pipeline in which no stage means won.' }),
    left: money.nullable().meta({ description: 'What is left of the program’s budget.' }),
    detail: z.string().nullable().meta({ description: 'What is wrong and what to do about it, for an admin.' }),
  })
  .meta({ id: 'Attention', description: 'Something that waits for a person.' });

function view({ needs: _, nextDueAt, left, ...told }: AttentionItem): z.input<typeof itemSchema> {
  return {
    ...told,
    nextDueAt: nextDueAt === null ? null : isoOf(nextDueAt),
    left: left === null ? null : moneyView(left),
  };
}

export function attention({ attention: waiting }: AttentionDeps): Operation[] {
  return [
    operation({
      id: 'getAttention',
      tag: 'Account',
      method: 'get',
      path: '/attention',
      summary: 'What waits for somebody, the most urgent first',
      description:
        'Over all connections and programs: cases, failures, drift, budgets that run out, batches to approve. Whoever asks is told of what they may do something about.',
      query: z.strictObject({}),
      statuses: { 200: 'All of it; an empty list when nothing waits.' },
      answer: z.strictObject({ items: z.array(itemSchema) }),
      problems: [],
      async handle({ accountId, may }) {
        return { status: 200, body: { items: (await waiting(accountId, may)).map(view) } };
      },
    }),
  ];
}
