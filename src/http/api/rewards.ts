import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import { HttpProblem } from '../problem.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { referralId, rewardId, rewardSchema, rewardState } from './schemas.ts';
import { rewardView } from './views.ts';

export function rewards({ reads }: { reads: Pick<ReadStore, 'rewards' | 'reward' | 'deals'> }): Operation[] {
  return [
    operation({
      id: 'listRewards',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards',
      summary: 'List rewards, newest first',
      query: z.strictObject({ ...pageParameters, referralId: referralId.optional(), state: rewardState.optional() }),
      statuses: { 200: 'A page of rewards.' },
      answer: listOf(rewardSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { referralId: referral, state, ...page } }) {
        const filter = given({ referralId: referral, state });
        const { items, next } = await reads.rewards(accountId, pageOf('rewards', page), filter);
        const names = await readDealNames(
          reads,
          accountId,
          items.map(({ deal }) => deal),
        );
        return {
          status: 200,
          body: { items: items.map((item) => rewardView(item, names)), nextCursor: nextCursorOf('rewards', next) },
        };
      },
    }),
    operation({
      id: 'getReward',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards/{rewardId}',
      summary: 'Get a reward',
      params: z.strictObject({ rewardId }),
      statuses: { 200: 'The reward.' },
      answer: rewardSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const reward = await reads.reward(accountId, params.rewardId);
        if (!reward) throw new HttpProblem('not_found', 'This account has no such reward.');
        return { status: 200, body: rewardView(reward, await readDealNames(reads, accountId, [reward.deal])) };
      },
    }),
  ];
}
