import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters, recordId } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { decisionSchema, referralId } from './schemas.ts';
import { decisionView } from './views.ts';

export function decisions({ reads }: { reads: Pick<ReadStore, 'decisions' | 'deals'> }): Operation[] {
  return [
    operation({
      id: 'listDecisions',
      tag: 'Decisions',
      method: 'get',
      path: '/decisions',
      summary: 'List decisions, newest first',
      description: 'Every decision names the facts, the rule and the versions it came from, also when nothing is paid.',
      query: z.strictObject({ ...pageParameters, referralId: referralId.optional(), dealId: recordId.optional() }),
      statuses: { 200: 'A page of decisions.' },
      answer: listOf(decisionSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { referralId: referral, dealId, ...page } }) {
        const filter = given({ referralId: referral, dealId });
        const { items, next } = await reads.decisions(accountId, pageOf('decisions', page), filter);
        const names = await readDealNames(
          reads,
          accountId,
          items.map(({ deal }) => deal),
        );
        return {
          status: 200,
          body: { items: items.map((item) => decisionView(item, names)), nextCursor: nextCursorOf('decisions', next) },
        };
      },
    }),
  ];
}
