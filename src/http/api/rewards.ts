import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import type { Review } from '../../application/review.ts';
import type { Reward } from '../../domain/decision.ts';
import { Fault } from '../../domain/errors.ts';
import { HttpProblem } from '../problem.ts';
import { csvPage, given, listOf, nextCursorOf, type PageQuery, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { decisionSchema, memberId, party, people, referralId, rewardId, rewardSchema, rewardState } from './schemas.ts';
import { decisionView, rewardView } from './views.ts';

/** A sentence, which stands in cards and reports. */
const WHY_LENGTH_MAX = 300;

/** What a person marks in a list at once; each is a transaction of its own. */
const VERDICTS_MAX = 100;

const why = z.string().trim().min(1).max(WHY_LENGTH_MAX).meta({
  description: 'Kept for ever with the decision: name the ground, and nobody.',
  example: 'Invoice was paid.',
});

const filters = {
  referralId: referralId.optional(),
  state: rewardState.optional(),
  party: party.optional(),
  memberId: memberId.optional().meta({ description: 'Who is paid; friends are paid by the id of their referral.' }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
    .optional(),
};

type Filters = z.output<z.ZodObject<typeof filters>>;

function filterOf({ referralId: referral, state, party: who, memberId: member, currency }: Filters) {
  return given({ referralId: referral, state, party: who, beneficiaryId: member, currency });
}

function peopleNamedBy(items: readonly Reward[]): string[] {
  return [...new Set(items.flatMap(({ beneficiaryId, referralId: referral }) => [beneficiaryId, referral]))];
}

const CSV_COLUMNS = [
  'id',
  'referralId',
  'programId',
  'rule',
  'party',
  'beneficiaryId',
  'beneficiaryName',
  'beneficiaryEmail',
  'amount',
  'currency',
  'state',
  'reason',
  'payout',
  'releaseAt',
  'createdAt',
  'updatedAt',
];

export interface RewardsDeps {
  readonly reads: Pick<ReadStore, 'rewards' | 'reward' | 'deals' | 'decisions' | 'people'>;
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
      body: z.strictObject({ why }),
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
  /** What the list shows and its file holds. */
  async function pageFor(accountId: string, query: PageQuery & Parameters<typeof filterOf>[0]) {
    const { items, next } = await reads.rewards(accountId, pageOf('rewards', query), filterOf(query));
    const deals = items.map(({ deal }) => deal);
    const [names, named] = await Promise.all([
      readDealNames(reads, accountId, deals),
      reads.people(accountId, peopleNamedBy(items)),
    ]);
    return {
      items: items.map((item) => rewardView(item, names)),
      people: named,
      nextCursor: nextCursorOf('rewards', next),
    };
  }
  async function judgedOne(accountId: string, id: string, word: Parameters<Review>[2]) {
    try {
      const result = await review(accountId, id, word);
      if (result.kind === 'decided') return { result: 'decided' as const, reward: result.reward };
      if (result.code === 'no_such_reward') return { result: 'not_found' as const, reward: null };
      return { result: result.code, reward: result.reward };
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'busy') throw thrown;
      return { result: 'busy' as const, reward: await reads.reward(accountId, id) };
    }
  }
  return [
    operation({
      id: 'listRewards',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards',
      summary: 'List rewards, newest first',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of rewards.' },
      answer: listOf(rewardSchema, { people }),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, people: named, nextCursor } = await pageFor(accountId, query);
        return {
          status: 200,
          body: {
            items,
            people: named.map((one) => ({ ...one })),
            nextCursor,
          },
        };
      },
    }),
    operation({
      id: 'exportRewards',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards/csv',
      summary: 'A page of rewards as CSV',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, people: named, nextCursor } = await pageFor(accountId, query);
        const people = new Map(named.map((one) => [one.id, one]));
        const rows = items.map((one) => [
          one.id,
          one.referralId,
          one.programId,
          one.ruleKey,
          one.party,
          one.beneficiaryId,
          people.get(one.beneficiaryId)?.name ?? '',
          people.get(one.beneficiaryId)?.email ?? '',
          one.money.amount,
          one.money.currency,
          one.state,
          one.reason.text,
          one.payout,
          one.releaseAt ?? '',
          one.createdAt,
          one.updatedAt,
        ]);
        return { status: 200, body: { csv: csvOf(CSV_COLUMNS, rows), nextCursor } };
      },
    }),
    operation({
      id: 'judgeRewards',
      tag: 'Rewards',
      method: 'post',
      path: '/rewards/verdicts',
      summary: 'Approve or reject several rewards that wait for a person',
      description:
        'One after the other, each as by itself: what cannot be done with one is told of it, and the others go on. The same again finds them decided.',
      body: z.strictObject({
        rewardIds: z
          .array(rewardId)
          .min(1, 'must name a reward')
          .max(VERDICTS_MAX, `must name at most ${VERDICTS_MAX} rewards`),
        verdict: z.enum(['approve', 'reject'], { error: 'must be "approve" or "reject"' }),
        why,
      }),
      statuses: { 200: 'What became of each, in the order of the request.' },
      answer: z.strictObject({
        items: z.array(
          z.strictObject({
            rewardId,
            result: z.enum(['decided', 'not_found', 'awaits_nobody', 'busy']).meta({
              description:
                '`awaits_nobody`: somebody else has decided, or the deal has. `busy`: others changed it at the same time; nothing was written, ask again.',
            }),
            reward: rewardSchema.nullable().meta({ description: 'As it is now; null where there is none.' }),
          }),
        ),
      }),
      problems: [],
      async handle({ accountId, actor, body }) {
        const word = { isApproved: body.verdict === 'approve', by: actor, why: body.why };
        const items = [];
        for (const id of new Set(body.rewardIds)) {
          const { result, reward } = await judgedOne(accountId, id, word);
          const names = reward ? await readDealNames(reads, accountId, [reward.deal]) : new Map();
          items.push({ rewardId: id, result, reward: reward && rewardView(reward, names) });
        }
        return { status: 200, body: { items } };
      },
    }),
    operation({
      id: 'listRewardDecisions',
      tag: 'Rewards',
      method: 'get',
      path: '/rewards/{rewardId}/decisions',
      summary: 'List the decisions that a reward came from and was changed by, newest first',
      description: 'All of its rule on its deal, also those that granted nothing.',
      params: z.strictObject({ rewardId }),
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of decisions.' },
      answer: listOf(decisionSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        const reward = await reads.reward(accountId, params.rewardId);
        if (!reward) throw new HttpProblem('not_found', 'This account has no such reward.');
        const { referralId: referral, deal, ruleKey } = reward;
        const filter = { referralId: referral, dealId: deal.id, ruleKey };
        const { items, next } = await reads.decisions(accountId, pageOf('decisions', query), filter);
        const names = await readDealNames(reads, accountId, [deal]);
        return {
          status: 200,
          body: { items: items.map((item) => decisionView(item, names)), nextCursor: nextCursorOf('decisions', next) },
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
