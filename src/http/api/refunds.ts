import { z } from 'zod';
import type { ConnectionStore, KeptRefund, RefundStore } from '../../application/ports/store.ts';
import type { TakeRefund } from '../../application/refunds.ts';
import { decimalOf } from '../../domain/money.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { listOf, moment, nextCursorOf, pageOf, pageParameters, recordId, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { moneyText } from './payouts.ts';
import { connectionId } from './schemas.ts';

/** Who tells it, where no payment provider does. */
const OWN_SOURCE = 'api';

const refundId = z
  .string('must be text')
  .regex(/^[A-Za-z0-9_.:-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, colons, dashes or underscores')
  .meta({ description: 'Chosen by who tells it: the same one again is the same refund.', example: 're_3NcA' });

const refundSchema = z
  .strictObject({
    source: z.string().meta({ description: 'Who told it: a payment provider, or api.' }),
    id: z.string(),
    deal: z
      .strictObject({ connectionId: z.string(), id: z.string() })
      .nullable()
      .meta({ description: 'Null while nobody knows: it is kept and lowers nothing.' }),
    amount: z.string(),
    currency: z.string(),
    at: time.meta({ description: 'By the clock of who told it.' }),
    isUndone: z.boolean().meta({ description: 'It came to nothing after all.' }),
    receivedAt: time,
  })
  .meta({ id: 'Refund', description: 'Part of what a friend had paid, given back to them.' });

export interface RefundsApiDeps {
  readonly takeRefund: TakeRefund;
  readonly refunds: Pick<RefundStore, 'list'>;
  readonly connections: Pick<ConnectionStore, 'get'>;
}

export function refunds({ takeRefund, refunds: kept, connections }: RefundsApiDeps): Operation[] {
  return [
    operation({
      id: 'listRefunds',
      tag: 'Refunds',
      method: 'get',
      path: '/refunds',
      summary: 'List refunds, newest first',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of refunds.' },
      answer: listOf(refundSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await kept.list(accountId, pageOf('refunds', query));
        return { status: 200, body: { items: items.map(refundView), nextCursor: nextCursorOf('refunds', next) } };
      },
    }),
    operation({
      id: 'tellRefund',
      tag: 'Refunds',
      method: 'post',
      path: '/refunds',
      summary: 'Tell of a refund',
      description:
        'Its share of the deal’s rewards is taken back, where their rules follow refunds. The same again changes nothing; `isUndone` gives back what it took.',
      body: z.strictObject({
        id: refundId,
        dealId: recordId,
        connectionId: connectionId.nullish().meta({ description: 'Needed only when several CRMs are connected.' }),
        money: moneyText,
        at: moment,
        isUndone: z.boolean().default(false),
      }),
      statuses: { 200: 'It was known before.', 201: 'It is kept, and its deal is looked at.' },
      answer: z
        .strictObject({ deal: z.strictObject({ connectionId: z.string(), id: z.string() }).nullable() })
        .meta({ id: 'RefundTaken' }),
      problems: ['other_refund', 'no_such_connection'],
      async handle({ accountId, body }) {
        if (body.connectionId && !(await connections.get(accountId, body.connectionId)))
          throw new HttpProblem('no_such_connection', 'This account has no such connection.', {
            errors: [{ field: 'connectionId', problem: 'must be a connection of this account' }],
          });
        const { kept: result, deal } = await takeRefund(accountId, OWN_SOURCE, {
          id: body.id,
          dealId: body.dealId,
          connectionId: body.connectionId ?? null,
          money: body.money,
          at: Date.parse(body.at),
          isUndone: body.isUndone,
        });
        if (result === 'other')
          throw new HttpProblem('other_refund', 'A refund of this id was told with another amount or another deal.');
        const answer = { deal: deal && { connectionId: deal.connectionId, id: deal.id } };
        return { status: result === 'new' || result === 'changed' ? 201 : 200, body: answer };
      },
    }),
  ];
}

function refundView({ source, id, deal, money, at, isUndone, receivedAt }: KeptRefund): z.input<typeof refundSchema> {
  return {
    source,
    id,
    deal: deal && { connectionId: deal.connectionId, id: deal.id },
    amount: decimalOf(money),
    currency: money.currency,
    at: isoOf(at),
    isUndone,
    receivedAt: isoOf(receivedAt),
  };
}
