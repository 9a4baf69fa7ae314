import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import type { Review } from '../../application/review.ts';
import { HttpProblem } from '../problem.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { referralId, rewardId, rewardSchema, rewardState } from './schemas.ts';
import { rewardView } from './views.ts';

/** A sentence, which stands in cards and reports. */
const WHY_LENGTH_MAX = 300;

export interface RewardsDeps {
  readonly reads: Pick<ReadStore, 'rewards' | 'reward' | 'deals'>;
  readonly review: Review;
}

export function rewards({ reads, review }: RewardsDeps): Operation[] {
  const verdict = (isApproved: boolean) =>
    operation({
      id: isApproved ? 'approveReward' : 'rejectReward',
      tag: 'Rewards',
      method: 'post',
      path: `/rewards/{rewardId}/${isApproved ? 'approve' : 'reject'}`,
      summary: isApproved ? 'Approve a reward that waits for a person' : 'Reject a reward that waits for a person',
      description: isApproved
        ? 'It is owed from then on; one that is on hold is paid when the hold ends.'
        : 'It is voided, and its rule does not grant it again for this deal.',
      params: z.strictObject({ rewardId }),
      body: z.strictObject({
        why: z.string().trim().min(1).max(WHY_LENGTH_MAX).meta({
          description: 'Kept for ever with the decision: name the ground, and nobody.',
          example: 'Invoice was paid.',
        }),
      }),
      statuses: { 200: 'The reward as it is now.' },
      answer: rewardSchema,
      problems: ['not_found', 'awaits_nobody'],
      async handle({ accountId, actor, params, body }) {
        const result = await review(accountId, params.rewardId, { isApproved, by: actor, why: body.why });
        if (result.kind === 'refused' && result.code === 'no_such_reward')
          throw new HttpProblem('not_found', 'This account has no such reward.');
        if (result.kind === 'refused')
          throw new HttpProblem(
            'awaits_nobody',
            `The reward is ${result.reward.state}; there is nothing to decide on it.`,
          );
        const { reward } = result;
        return { status: 200, body: rewardView(reward, await readDealNames(reads, accountId, [reward.deal])) };
      },
    });
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
    verdict(true),
    verdict(false),
  ];
}
