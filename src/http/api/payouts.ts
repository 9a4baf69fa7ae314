import { z } from 'zod';
import type { PayoutDesk } from '../../application/payout-desk.ts';
import type { CouponCount } from '../../application/ports/store.ts';
import { CURRENCIES, decimalOf, parseAmount } from '../../domain/money.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { csvText, time, unreadableCsv } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { rewardId } from './schemas.ts';

/** One request stays far below the largest body, and one transaction short. */
const CODES_MAX = 1_000;
const CODE_LENGTH_MAX = 64;

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

/** An amount above zero, as text, in its currency. */
export const moneyText = z
  .strictObject({ amount: z.string('must be decimal text'), currency })
  .transform((given, context) => {
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
      body: z.strictObject({ codes, value: moneyText }),
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
      id: 'importCouponRedemptions',
      tag: 'Coupons',
      method: 'post',
      path: '/coupons/redemptions/csv',
      summary: 'Tell which codes were used, from a CSV',
      description: 'A first line with the column `code`. Each row by itself; the same file again changes nothing.',
      body: z.strictObject({ csv: csvText }),
      statuses: { 200: 'What became of each row.' },
      answer: z
        .strictObject({
          items: z.array(
            z.strictObject({
              line: z.int(),
              result: z.enum(['redeemed', 'already_redeemed', 'withdrawn', 'unknown', 'unreadable']),
            }),
          ),
        })
        .meta({ id: 'CouponsImported' }),
      problems: [],
      async handle({ accountId, body }) {
        const read = await desk.importRedemptions(accountId, body.csv);
        if (!read.ok) throw unreadableCsv(read.problem);
        return { status: 200, body: { items: read.rows } };
      },
    }),
  ];
}

function countView({ money, free, given, redeemed, withdrawn }: CouponCount) {
  return { amount: decimalOf(money), currency: money.currency, free, given, redeemed, withdrawn };
}
