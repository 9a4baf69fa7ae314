import { z } from 'zod';
import type { BatchRefusal, PayoutBatches, WholeBatch } from '../../application/payout-batches.ts';
import type { Batching, PayoutBatch } from '../../application/ports/store.ts';
import { type BatchSchedule, MONTH_DAY_MAX, WEEKDAYS } from '../../domain/batch-schedule.ts';
import { decimalOf } from '../../domain/money.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { csvText, idOf, sentence, time, unreadableCsv } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { providerName } from './providers.ts';
import { rewardId } from './schemas.ts';

const MARKS_MAX = 500;
const WHY_LENGTH_MAX = 200;

const batchId = idOf('bat', 'a batch');
const orderId = idOf('pay', 'an order');

const DAYS = `must be 1 to ${MONTH_DAY_MAX}, or "last": the 29th, 30th and 31st do not come every month`;

const schedule = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('month_day'),
      day: z.union([z.int().min(1).max(MONTH_DAY_MAX), z.literal('last')], { error: DAYS }),
    }),
    z.strictObject({
      kind: z.literal('weekday'),
      weekday: z.enum(WEEKDAYS, { error: 'must be a day of the week in English, such as monday' }),
    }),
  ])
  .meta({ id: 'BatchSchedule', description: 'When a batch is cut: at the beginning of the day, in UTC.' });

const approval = z.enum(['none', 'required', 'four_eyes']).meta({
  description:
    'none: what is cut goes out. required: a person approves it first. four_eyes: another one than who cut it; what the schedule cut anybody may approve.',
});

const batchingSchema = z
  .strictObject({ provider: z.string(), schedule: schedule.nullable(), approval, nextCutAt: time.nullable() })
  .meta({ id: 'Batching', description: 'How an account pays through a provider in batches.' });

const itemState = z.enum(['waiting', 'paid', 'refused', 'withdrawn']);

const batchSchema = z
  .strictObject({
    id: batchId,
    provider: z.string(),
    number: z.int(),
    state: z.enum(['open', 'cut', 'approved']),
    openedAt: time,
    cutAt: time.nullable().meta({ description: 'Since then nothing joins it. A reward that is taken back leaves it.' }),
    cutBy: z.string().nullable(),
    approvedAt: time.nullable().meta({ description: 'Since then its orders go out.' }),
    approvedBy: z.string().nullable(),
    exportedAt: time.nullable().meta({ description: 'Since then nothing leaves a batch that is paid by hand.' }),
    counts: z.strictObject({ waiting: z.int(), paid: z.int(), refused: z.int(), withdrawn: z.int() }),
  })
  .meta({ id: 'PayoutBatch' });

const wholeBatchSchema = z
  .strictObject({
    batch: batchSchema,
    totals: z
      .array(z.strictObject({ amount: z.string(), currency: z.string() }))
      .meta({ description: 'What waits or was paid, by currency.' }),
    items: z.array(
      z.strictObject({
        orderId,
        rewardId,
        party: z.string(),
        name: z.string().nullable(),
        email: z.string().nullable(),
        amount: z.string(),
        currency: z.string(),
        state: itemState,
        why: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'PayoutBatchWithItems' });

function refusal(why: BatchRefusal): HttpProblem {
  switch (why) {
    case 'no_such_batch':
      return new HttpProblem('not_found', 'This account has no such batch.');
    case 'not_cut':
      return new HttpProblem('batch_state', 'The batch is open still: cut it, look at it, then approve it.');
    case 'not_approved':
      return new HttpProblem('batch_state', 'The batch has to be approved before anything of it is paid.');
    case 'already_approved':
      return new HttpProblem('batch_state', 'The batch was approved before; its orders are on their way.');
    case 'same_person':
      return new HttpProblem(
        'same_person',
        'Whoever cut the batch cannot approve it: use the API key of another person.',
      );
    case 'not_by_hand':
      return new HttpProblem('batch_state', 'The provider pays this batch itself and says what became of each order.');
  }
}

export interface PayoutBatchesApiDeps {
  readonly payoutBatches: PayoutBatches;
}

export function payoutBatches({ payoutBatches: desk }: PayoutBatchesApiDeps): Operation[] {
  const step = (name: 'cut' | 'approve') =>
    operation({
      id: `${name}PayoutBatch`,
      tag: 'Payout batches',
      method: 'post',
      path: `/payout-batches/{batchId}/${name}`,
      summary: name === 'cut' ? 'Cut a batch: nothing joins it any more' : 'Approve a batch: its orders go out',
      description:
        name === 'cut'
          ? 'A batch that was cut before stays as it is. Where no approval is asked for, its orders go out.'
          : 'Each order is settled by itself. The label of the API key is who approved it.',
      params: z.strictObject({ batchId }),
      body: z.strictObject({}),
      statuses: { 200: 'The batch.' },
      answer: wholeBatchSchema,
      problems: name === 'cut' ? ['not_found'] : ['not_found', 'batch_state', 'same_person'],
      async handle({ accountId, actor, params }) {
        const done = await desk[name](accountId, params.batchId, actor);
        if (!done.ok) throw refusal(done.why);
        return { status: 200, body: wholeView(done.batch) };
      },
    });

  return [
    operation({
      id: 'listBatchings',
      tag: 'Payout batches',
      method: 'get',
      path: '/payout-schedules',
      summary: 'List which providers are paid in batches, and when those are cut',
      query: z.strictObject({}),
      statuses: { 200: 'All of them. Without one, manual is cut by hand and nobody approves it.' },
      answer: z.strictObject({ items: z.array(batchingSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await desk.batchings(accountId)).map(batchingView) } };
      },
    }),
    operation({
      id: 'setBatching',
      tag: 'Payout batches',
      method: 'put',
      path: '/providers/{provider}/batching',
      summary: 'Pay through a provider in batches',
      description: 'From now on its orders wait in a batch until that is cut and, where it is asked for, approved.',
      params: z.strictObject({ provider: providerName }),
      body: z.strictObject({ schedule: schedule.nullable(), approval }),
      statuses: { 200: 'How it is paid, with the next cut.' },
      answer: batchingSchema,
      problems: ['not_batched'],
      async handle({ accountId, params, body }) {
        const { approval: asked } = body;
        const set = await desk.configure(accountId, params.provider, {
          schedule: body.schedule as BatchSchedule | null,
          approval: asked,
        });
        if (!set)
          throw new HttpProblem(
            'not_batched',
            'The providers manual, paypal, stripe and tremendous can be paid in batches.',
          );
        return { status: 200, body: batchingView(set) };
      },
    }),
    operation({
      id: 'listPayoutBatches',
      tag: 'Payout batches',
      method: 'get',
      path: '/payout-batches',
      summary: 'List batches, newest first',
      query: z.strictObject({}),
      statuses: { 200: 'All batches.' },
      answer: z.strictObject({ items: z.array(batchSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await desk.batches(accountId)).map(batchView) } };
      },
    }),
    operation({
      id: 'getPayoutBatch',
      tag: 'Payout batches',
      method: 'get',
      path: '/payout-batches/{batchId}',
      summary: 'Get a batch with its rows',
      params: z.strictObject({ batchId }),
      statuses: { 200: 'The batch.' },
      answer: wholeBatchSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await desk.batch(accountId, params.batchId);
        if (!found) throw refusal('no_such_batch');
        return { status: 200, body: wholeView(found) };
      },
    }),
    step('cut'),
    step('approve'),
    operation({
      id: 'exportPayoutBatch',
      tag: 'Payout batches',
      method: 'post',
      path: '/payout-batches/{batchId}/export',
      summary: 'Get what is to be paid as CSV',
      description:
        'An open batch is cut first. From then on nothing in a batch that is paid by hand is withdrawn. Safe to open in a spreadsheet: no field is taken for a formula. Filled in, it can be sent back as marks.',
      params: z.strictObject({ batchId }),
      statuses: { 200: 'The rows that wait to be paid.' },
      answer: z.strictObject({ fileName: z.string(), csv: z.string() }).meta({ id: 'PayoutBatchExport' }),
      problems: ['not_found', 'batch_state'],
      async handle({ accountId, actor, params }) {
        const exported = await desk.export(accountId, params.batchId, actor);
        if (!exported.ok) throw refusal(exported.why);
        return { status: 200, body: { fileName: exported.fileName, csv: exported.csv } };
      },
    }),
    operation({
      id: 'markPayoutBatch',
      tag: 'Payout batches',
      method: 'post',
      path: '/payout-batches/{batchId}/marks',
      summary: 'Mark rows as paid or refused',
      description: 'A row is marked once; what was marked before stays as it was. Cuts the batch if it is open.',
      params: z.strictObject({ batchId }),
      body: z.strictObject({
        items: z
          .array(
            z.strictObject({
              orderId,
              state: z.enum(['paid', 'refused'], { error: 'must be paid or refused' }),
              why: sentence(WHY_LENGTH_MAX).optional(),
            }),
          )
          .min(1, 'must not be empty')
          .max(MARKS_MAX, `must be at most ${MARKS_MAX} rows`),
      }),
      statuses: { 200: 'What became of each, in the order of the request.' },
      answer: z
        .strictObject({ items: z.array(z.strictObject({ result: z.enum(['marked', 'settled']) })) })
        .meta({ id: 'PayoutBatchMarked' }),
      problems: ['not_found', 'no_such_order', 'batch_state'],
      async handle({ accountId, actor, params, body }) {
        const marks = body.items.map(({ orderId: key, state, why }) => ({ key, state, why: why ?? null }));
        const marked = await desk.mark(accountId, params.batchId, marks, actor);
        if (marked.ok) return { status: 200, body: { items: marked.results.map((result) => ({ result })) } };
        if ('why' in marked) throw refusal(marked.why);
        throw new HttpProblem('no_such_order', 'Nothing was marked: an order is none of this batch.', {
          errors: [{ field: `items[${marked.unknown}].orderId`, problem: 'must be an order of this batch' }],
        });
      },
    }),
    operation({
      id: 'importPayoutBatchMarks',
      tag: 'Payout batches',
      method: 'post',
      path: '/payout-batches/{batchId}/marks/csv',
      summary: 'Mark rows as paid or refused from a CSV',
      description:
        'The exported file with its columns `state` (paid or refused) and `why` filled in; `order` and `state` are needed. Each row by itself; the same file again changes nothing.',
      params: z.strictObject({ batchId }),
      body: z.strictObject({ csv: csvText }),
      statuses: { 200: 'What became of each row.' },
      answer: z
        .strictObject({
          items: z.array(
            z.strictObject({
              line: z.int(),
              order: z.string(),
              result: z.enum(['marked', 'settled', 'differs', 'unknown_order', 'unreadable']),
              problem: z.string().nullable(),
            }),
          ),
        })
        .meta({ id: 'PayoutBatchMarksImported' }),
      problems: ['not_found', 'batch_state'],
      async handle({ accountId, actor, params, body }) {
        const read = await desk.importMarks(accountId, params.batchId, body.csv, actor);
        if (read.ok) return { status: 200, body: { items: read.rows } };
        throw 'why' in read ? refusal(read.why) : unreadableCsv(read.problem);
      },
    }),
    operation({
      id: 'deleteBatching',
      tag: 'Payout batches',
      method: 'delete',
      path: '/providers/{provider}/batching',
      summary: 'Send each order of a provider by itself again',
      params: z.strictObject({ provider: providerName }),
      statuses: { 200: 'What is left.' },
      answer: z.strictObject({ items: z.array(batchingSchema) }),
      problems: ['not_found', 'batch_waits'],
      async handle({ accountId, params }) {
        const result = await desk.unconfigure(accountId, params.provider);
        if (result === 'waiting')
          throw new HttpProblem(
            'batch_waits',
            'Orders wait in a batch that is not approved: cut and approve it first.',
          );
        if (result === 'unknown') throw new HttpProblem('not_found', 'This provider is not paid in batches.');
        return { status: 200, body: { items: (await desk.batchings(accountId)).map(batchingView) } };
      },
    }),
  ];
}

function batchingView({ provider, schedule: cutOn, approval: asked, nextCutAt }: Batching) {
  return { provider, schedule: cutOn, approval: asked, nextCutAt: nextCutAt === null ? null : isoOf(nextCutAt) };
}

function batchView(batch: PayoutBatch) {
  const { id, provider, number, cutBy, approvedBy } = batch;
  const when = (at: number | null) => (at === null ? null : isoOf(at));
  const state = batch.approvedAt !== null ? 'approved' : batch.cutAt !== null ? 'cut' : 'open';
  return {
    id,
    provider,
    number,
    state: state as 'open' | 'cut' | 'approved',
    openedAt: isoOf(batch.openedAt),
    cutAt: when(batch.cutAt),
    cutBy,
    approvedAt: when(batch.approvedAt),
    approvedBy,
    exportedAt: when(batch.exportedAt),
    counts: { ...batch.items },
  };
}

function wholeView({ batch, rows, totals }: WholeBatch) {
  return {
    batch: batchView(batch),
    totals: totals.map((money) => ({ amount: decimalOf(money), currency: money.currency })),
    items: rows.map(({ key, rewardId: reward, party, name, email, money, state, why }) => ({
      orderId: key,
      rewardId: reward,
      party,
      name,
      email,
      amount: decimalOf(money),
      currency: money.currency,
      state,
      why,
    })),
  };
}
