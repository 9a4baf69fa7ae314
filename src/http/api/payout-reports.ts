import { z } from 'zod';
import { type PayoutReports, REMEDIES } from '../../application/payout-reports.ts';
import type { KeptPayoutReport } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, listOf, moment, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { providerName } from './providers.ts';
import { moneyView } from './views.ts';

/** Each order is compared by itself, some by a call to the provider; three months of a busy account take a minute. */
const SPAN_DAYS_MAX = 92;
const DAY_MS = 86_400_000;

const reportId = idOf('rep', 'a report');

const moneySchema = z.strictObject({ amount: z.string(), currency: z.string() });

const reportSchema = z
  .strictObject({
    id: reportId,
    provider: z.string(),
    from: time,
    to: time,
    madeBy: z.string(),
    madeAt: time,
    orders: z.int().meta({ description: 'Orders of ours that were compared.' }),
    agree: z.int(),
    listed: z.int().nullable().meta({ description: 'What the provider itself lists; null when it has no list.' }),
    agreed: z.array(moneySchema).meta({ description: 'Given, as both sides have it, by currency.' }),
    findings: z.array(
      z.strictObject({
        kind: z.enum(['paid_not_booked', 'booked_not_paid', 'amount_differs', 'not_ours', 'open']),
        orderId: z.string().nullable(),
        reference: z.string().nullable().meta({ description: "The provider's own id." }),
        rewardId: z.string().nullable(),
        ours: z.string(),
        theirs: z.string(),
        remedy: z.string().meta({ description: 'What to do about it.' }),
      }),
    ),
  })
  .meta({ id: 'Reconciliation', description: 'A provider compared with the ledger. Kept as it was found.' });

export interface PayoutReportsApiDeps {
  readonly payoutReports: PayoutReports;
}

export function payoutReports({ payoutReports: reports }: PayoutReportsApiDeps): Operation[] {
  return [
    operation({
      id: 'createReconciliation',
      tag: 'Reconciliation',
      method: 'post',
      path: '/reconciliations',
      summary: 'Compare what a provider says it gave with the ledger',
      description: 'Reads only, on both sides; what is found is kept.',
      body: z
        .strictObject({
          provider: providerName,
          from: moment,
          to: moment.meta({ description: 'Not included.' }),
        })
        .superRefine(({ from, to }, context) => {
          const span = Date.parse(to) - Date.parse(from);
          if (!(span > 0)) context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
          else if (span > SPAN_DAYS_MAX * DAY_MS)
            context.addIssue({
              code: 'custom',
              path: ['to'],
              message: `must be at most ${SPAN_DAYS_MAX} days after from`,
            });
        }),
      statuses: { 201: 'What was found.' },
      answer: reportSchema,
      problems: ['no_such_provider', 'provider_refused', 'try_again', 'misconfigured'],
      async handle({ accountId, actor, body }) {
        const { provider } = body;
        const [from, to] = [Date.parse(body.from), Date.parse(body.to)];
        const made = await reports.make(accountId, { provider, from, to, by: actor });
        if (!made) throw new HttpProblem('no_such_provider', 'No such provider is installed; /providers lists them.');
        return { status: 201, body: reportView(made) };
      },
    }),
    operation({
      id: 'listReconciliations',
      tag: 'Reconciliation',
      method: 'get',
      path: '/reconciliations',
      summary: 'List reports, newest first',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of reports.' },
      answer: listOf(reportSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await reports.list(accountId, pageOf('reconciliations', query));
        return {
          status: 200,
          body: { items: items.map(reportView), nextCursor: nextCursorOf('reconciliations', next) },
        };
      },
    }),
    operation({
      id: 'getReconciliation',
      tag: 'Reconciliation',
      method: 'get',
      path: '/reconciliations/{reportId}',
      summary: 'Get a report',
      params: z.strictObject({ reportId }),
      statuses: { 200: 'The report.' },
      answer: reportSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await reports.get(accountId, params.reportId);
        if (!found) throw new HttpProblem('not_found', 'This account has no such report.');
        return { status: 200, body: reportView(found) };
      },
    }),
  ];
}

function reportView({ id, from, to, by, at, report }: KeptPayoutReport): z.input<typeof reportSchema> {
  const { provider, orders, agree, listed, agreed, differences } = report;
  return {
    id,
    provider,
    from: isoOf(from),
    to: isoOf(to),
    madeBy: by,
    madeAt: isoOf(at),
    orders,
    agree,
    listed,
    agreed: agreed.map(moneyView),
    findings: differences.map(({ kind, key, reference, rewardId, ours, theirs }) => ({
      kind,
      orderId: key,
      reference,
      rewardId,
      ours,
      theirs,
      remedy: REMEDIES[kind],
    })),
  };
}
