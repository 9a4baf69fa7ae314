import { z } from 'zod';
import type { PayoutDesk } from '../../application/payout-desk.ts';
import type { CouponCount, ManualBatch } from '../../application/ports/store.ts';
import { CURRENCIES, decimalOf, parseAmount } from '../../domain/money.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { rewardId } from './schemas.ts';

/** One request stays far below the largest body, and one transaction short. */
const CODES_MAX = 1_000;
const MARKS_MAX = 500;
const CODE_LENGTH_MAX = 64;
const WHY_LENGTH_MAX = 200;

const batchId = idOf('bat', 'a batch');
const orderId = idOf('pay', 'an order');

const code = z
  .string('must be text')
  .trim()
  .min(1, 'must not be empty')
  .max(CODE_LENGTH_MAX, `must have at most ${CODE_LENGTH_MAX} characters`)
  .refine(
    (text) => text.isWellFormed() && !/\p{Cc}/u.test(text),
    'must not contain control characters or broken Unicode',
  )
  .meta({ description: 'A code as your shop takes it; upper and lower case do not count.' });

const codes = z.array(code).min(1, 'must not be empty').max(CODES_MAX, `must be at most ${CODES_MAX} codes`);

const currency = z.enum(CURRENCIES as [string, ...string[]], { error: 'must be an ISO 4217 code such as EUR' });

const value = z.strictObject({ amount: z.string('must be decimal text'), currency }).transform((given, context) => {
  const parsed = parseAmount(given.amount, given.currency);
  if (parsed.ok && parsed.money.minor > 0n) return parsed.money;
  context.addIssue({
    code: 'custom',
    path: ['amount'],
    message: `must be a decimal above zero with no more decimals than ${given.currency} has`,
  });
  return z.NEVER;
});

const couponsSchema = z
  .strictObject({
    items: z.array(
      z.strictObject({
        amount: z.string(),
        currency: z.string(),
        free: z.int(),
        given: z.int(),
        redeemed: z.int(),
        withdrawn: z.int(),
      }),
    ),
  })
  .meta({ id: 'CouponCounts' });

const itemState = z.enum(['waiting', 'paid', 'refused', 'withdrawn']);

const batchSchema = z
  .strictObject({
    id: batchId,
    number: z.int(),
    openedAt: time,
    closedAt: time.nullable().meta({ description: 'Since then nothing joins it, and nothing in it is withdrawn.' }),
    counts: z.strictObject({ waiting: z.int(), paid: z.int(), refused: z.int(), withdrawn: z.int() }),
  })
  .meta({ id: 'ManualBatch' });

const wholeBatchSchema = z
  .strictObject({
    batch: batchSchema,
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
  .meta({ id: 'ManualBatchWithItems' });

const payoutSchema = z
  .strictObject({
    rewardId,
    provider: z.string(),
    state: z
      .enum([
        'asked',
        'refused',
        'issued',
        'paid',
        'failed',
        'returned',
        'unclaimed',
        'redeemed',
        'cancelled',
        'refunded',
      ])
      .meta({ description: 'What the provider said last.' }),
    reference: z.string().nullable().meta({ description: "The provider's own id." }),
    voucher: z.string().nullable().meta({
      description: 'The code or link for the beneficiary. Whoever has it has the reward: hand it to nobody else.',
    }),
    updatedAt: time,
  })
  .meta({ id: 'RewardPayout' });

const noBatch = () => new HttpProblem('not_found', 'This account has no such batch.');

export interface PayoutsDeps {
  readonly payoutDesk: PayoutDesk;
}

export function payouts({ payoutDesk: desk }: PayoutsDeps): Operation[] {
  return [
    operation({
      id: 'getRewardPayout',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards/{rewardId}/payout',
      summary: 'Get what the provider gave for a reward',
      params: z.strictObject({ rewardId }),
      statuses: { 200: 'What was given, with the code or link to hand on.' },
      answer: payoutSchema,
      problems: ['not_found', 'misconfigured'],
      async handle({ accountId, params }) {
        const payout = await desk.payoutOf(accountId, params.rewardId);
        if (!payout)
          throw new HttpProblem('not_found', 'This account has no such reward, or nothing was given for it.');
        const { provider, state, reference, voucher, updatedAt } = payout;
        const body = { rewardId: params.rewardId, provider, state, reference, voucher, updatedAt: isoOf(updatedAt) };
        return { status: 200, body };
      },
    }),
    operation({
      id: 'listCoupons',
      tag: 'Coupons',
      method: 'get',
      path: '/coupons',
      summary: 'Count the codes of the pool, by value',
      query: z.strictObject({}),
      statuses: { 200: 'How many are free, given out, used and withdrawn.' },
      answer: couponsSchema,
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await desk.couponCounts(accountId)).map(countView) } };
      },
    }),
    operation({
      id: 'addCoupons',
      tag: 'Coupons',
      method: 'post',
      path: '/coupons',
      summary: 'Add codes to the pool',
      description: 'All of one value. Codes that are there already stay as they are, so a call may be repeated.',
      body: z.strictObject({ codes, value }),
      statuses: { 200: 'How many were new.' },
      answer: z.strictObject({ added: z.int(), duplicates: z.int() }).meta({ id: 'CouponsAdded' }),
      problems: [],
      async handle({ accountId, body }) {
        return { status: 200, body: await desk.addCoupons(accountId, body.codes, body.value) };
      },
    }),
    operation({
      id: 'redeemCoupons',
      tag: 'Coupons',
      method: 'post',
      path: '/coupons/redeemed',
      summary: 'Tell which codes were used',
      description: 'Their rewards become `redeemed`. Telling it twice changes nothing.',
      body: z.strictObject({ codes }),
      statuses: { 200: 'What became of each, in the order of the request.' },
      answer: z
        .strictObject({
          items: z.array(z.strictObject({ result: z.enum(['redeemed', 'already_redeemed', 'withdrawn', 'unknown']) })),
        })
        .meta({ id: 'CouponsRedeemed' }),
      problems: [],
      async handle({ accountId, body }) {
        const results = await desk.redeemCoupons(accountId, body.codes);
        return { status: 200, body: { items: results.map((result) => ({ result })) } };
      },
    }),
    operation({
      id: 'listManualBatches',
      tag: 'Manual batches',
      method: 'get',
      path: '/manual-batches',
      summary: 'List batches that are paid by hand, newest first',
      query: z.strictObject({}),
      statuses: { 200: 'All batches.' },
      answer: z.strictObject({ items: z.array(batchSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await desk.batches(accountId)).map(batchView) } };
      },
    }),
    operation({
      id: 'getManualBatch',
      tag: 'Manual batches',
      method: 'get',
      path: '/manual-batches/{batchId}',
      summary: 'Get a batch with its rows',
      params: z.strictObject({ batchId }),
      statuses: { 200: 'The batch.' },
      answer: wholeBatchSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await desk.batch(accountId, params.batchId);
        if (!found) throw noBatch();
        const items = found.rows.map(({ key, rewardId: reward, party, name, email, money, state, why }) => ({
          orderId: key,
          rewardId: reward,
          party,
          name,
          email,
          amount: decimalOf(money),
          currency: money.currency,
          state,
          why,
        }));
        return { status: 200, body: { batch: batchView(found.batch), items } };
      },
    }),
    operation({
      id: 'exportManualBatch',
      tag: 'Manual batches',
      method: 'post',
      path: '/manual-batches/{batchId}/export',
      summary: 'Close a batch and get what is to be paid as CSV',
      description:
        'From then on nothing joins it, and nothing in it is withdrawn. Safe to open in a spreadsheet: no field is taken for a formula.',
      params: z.strictObject({ batchId }),
      statuses: { 200: 'The rows that wait to be paid.' },
      answer: z.strictObject({ fileName: z.string(), csv: z.string() }).meta({ id: 'ManualBatchExport' }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const exported = await desk.export(accountId, params.batchId);
        if (!exported) throw noBatch();
        return { status: 200, body: exported };
      },
    }),
    operation({
      id: 'markManualBatch',
      tag: 'Manual batches',
      method: 'post',
      path: '/manual-batches/{batchId}/marks',
      summary: 'Mark rows as paid or refused',
      description: 'A row is marked once; what was marked before stays as it was. Closes the batch if it is open.',
      params: z.strictObject({ batchId }),
      body: z.strictObject({
        items: z
          .array(
            z.strictObject({
              orderId,
              state: z.enum(['paid', 'refused'], { error: 'must be paid or refused' }),
              why: z
                .string('must be text')
                .trim()
                .max(WHY_LENGTH_MAX, `must have at most ${WHY_LENGTH_MAX} characters`)
                .refine(
                  (text) => text.isWellFormed() && !/\p{Cc}/u.test(text),
                  'must not contain control characters or broken Unicode',
                )
                .optional(),
            }),
          )
          .min(1, 'must not be empty')
          .max(MARKS_MAX, `must be at most ${MARKS_MAX} rows`),
      }),
      statuses: { 200: 'What became of each, in the order of the request.' },
      answer: z
        .strictObject({ items: z.array(z.strictObject({ result: z.enum(['marked', 'settled']) })) })
        .meta({ id: 'ManualBatchMarked' }),
      problems: ['not_found', 'no_such_order'],
      async handle({ accountId, params, body }) {
        const marks = body.items.map(({ orderId: key, state, why }) => ({ key, state, why: why || null }));
        const marked = await desk.mark(accountId, params.batchId, marks);
        if (!marked) throw noBatch();
        if (!marked.ok) {
          throw new HttpProblem('no_such_order', 'Nothing was marked: an order is none of this batch.', {
            errors: [{ field: `items[${marked.unknown}].orderId`, problem: 'must be an order of this batch' }],
          });
        }
        return { status: 200, body: { items: marked.results.map((result) => ({ result })) } };
      },
    }),
  ];
}

function countView({ money, free, given, redeemed, withdrawn }: CouponCount) {
  return { amount: decimalOf(money), currency: money.currency, free, given, redeemed, withdrawn };
}

function batchView({ id, number, openedAt, cutAt, items }: ManualBatch) {
  return {
    id,
    number,
    openedAt: isoOf(openedAt),
    closedAt: cutAt === null ? null : isoOf(cutAt),
    counts: { ...items },
  };
}
