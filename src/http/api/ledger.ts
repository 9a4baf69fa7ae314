import { z } from 'zod';
import type { ReadStore } from '../../application/ports/store.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { balancesSchema, journalSchema, rewardId } from './schemas.ts';
import { balancesView, journalView } from './views.ts';

export function ledger({ reads }: { reads: Pick<ReadStore, 'journals' | 'balances'> }): Operation[] {
  return [
    operation({
      id: 'listJournals',
      tag: 'Ledger',
      method: 'get',
      path: '/journals',
      summary: 'List journals, newest first',
      query: z.strictObject({ ...pageParameters, rewardId: rewardId.optional() }),
      statuses: { 200: 'A page of journals.' },
      answer: listOf(journalSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { rewardId: reward, ...page } }) {
        const filter = given({ rewardId: reward });
        const { items, next } = await reads.journals(accountId, pageOf('journals', page), filter);
        return { status: 200, body: { items: items.map(journalView), nextCursor: nextCursorOf('journals', next) } };
      },
    }),
    operation({
      id: 'listBalances',
      tag: 'Ledger',
      method: 'get',
      path: '/balances',
      summary: "List every ledger account's balance",
      query: z.strictObject({}),
      statuses: { 200: 'All balances.' },
      answer: balancesSchema,
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: balancesView(await reads.balances(accountId)) };
      },
    }),
  ];
}
