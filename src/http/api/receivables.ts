import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { LedgerBalance, LedgerStore, ReadStore } from '../../application/ports/store.ts';
import type { WriteOffReward } from '../../application/write-off.ts';
import { decimalOf } from '../../domain/money.ts';
import { claimedMinor } from '../../domain/reward.ts';
import { HttpProblem } from '../problem.ts';
import { listOf, nextCursorOf, pageOf, pageParameters, sentence } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, rewardId, rewardSchema } from './schemas.ts';
import { rewardView } from './views.ts';

const WHY_LENGTH_MAX = 300;
const NAME_LENGTH_MAX = 100;

const decimal = z.string();

const balanceSchema = z
  .strictObject({
    memberId,
    items: z.array(
      z.strictObject({
        currency: z.string(),
        held: decimal.meta({ description: 'Granted, and not owed before its hold or its review has ended.' }),
        owed: decimal.meta({ description: 'Owed to the member now; on its way.' }),
        credit: decimal.meta({ description: 'Credit with the account.' }),
        receivable: decimal.meta({
          description: 'What the member owes back: taken back after it had been paid. Kept from what is owed next.',
        }),
        overpaid: decimal.meta({
          description: 'What came back from a provider after it had been kept from the member already: theirs again.',
        }),
      }),
    ),
  })
  .meta({ id: 'MemberBalance', description: 'By currency; amounts in two currencies are never added up.' });

const receivableSchema = z
  .strictObject({
    id: rewardId,
    reward: rewardSchema,
    name: z.string().nullable().meta({ description: 'Of the beneficiary: the name, or the e-mail address.' }),
    claimed: decimal.meta({ description: 'Of this reward, in its currency.' }),
    owed: decimal.meta({ description: 'Of that, what is not paid back yet.' }),
  })
  .meta({ id: 'Receivable', description: 'A reward that was taken back, as a whole or in part, after it was given.' });

export interface ReceivablesDeps {
  readonly writeOff: WriteOffReward;
  readonly ledger: LedgerStore;
  readonly reads: Pick<ReadStore, 'member' | 'deals' | 'balancesOf'>;
}

export function receivables({ writeOff, ledger, reads }: ReceivablesDeps): Operation[] {
  return [
    operation({
      id: 'listReceivables',
      tag: 'Rewards',
      method: 'get',
      path: '/receivables',
      summary: 'List rewards that were taken back after they had been given, newest first',
      description:
        'With what is owed back of each still: what was claimed of it, and at most what its beneficiary owes at all, since a debt is kept from whatever is owed next. That much can be written off.',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of rewards.' },
      answer: listOf(receivableSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await ledger.claimed(accountId, pageOf('receivables', query));
        const names = await readDealNames(
          reads,
          accountId,
          items.map(({ reward }) => reward.deal),
        );
        const body = items.map(({ reward, name, debtMinor }) => {
          const { currency } = reward.money;
          const claimed = claimedMinor(reward);
          const owed = claimed < debtMinor ? claimed : debtMinor;
          const text = (minor: bigint) => decimalOf({ minor: minor > 0n ? minor : 0n, currency });
          return { id: reward.id, reward: rewardView(reward, names), name, claimed: text(claimed), owed: text(owed) };
        });
        return { status: 200, body: { items: body, nextCursor: nextCursorOf('receivables', next) } };
      },
    }),
    operation({
      id: 'getMemberBalance',
      tag: 'Members',
      method: 'get',
      path: '/members/{memberId}/balance',
      summary: 'Get what a member is owed, and owes',
      params: z.strictObject({ memberId }),
      statuses: { 200: 'The balance; empty when nothing was ever booked.' },
      answer: balanceSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const member = await reads.member(accountId, params.memberId);
        if (!member) throw new HttpProblem('not_found', 'This account has no such member.');
        const names = ACCOUNTS.map((kind) => `${kind}:member:${member.id}`);
        const items = balanceItems(await reads.balancesOf(accountId, names));
        return { status: 200, body: { memberId: member.id, items } };
      },
    }),
    operation({
      id: 'writeOffReward',
      tag: 'Rewards',
      method: 'post',
      path: '/rewards/{rewardId}/write-off',
      summary: 'Give up what is owed back of a reward',
      description:
        'What was claimed of it and not paid since, and at most what the beneficiary owes at all. Booked as a loss of the program; undone by itself when the money comes back after all.',
      params: z.strictObject({ rewardId }),
      body: z.strictObject({
        authorisedBy: sentence(NAME_LENGTH_MAX).meta({
          description: 'Who has decided it, by role or name. Kept for ever, beside the label of the API key.',
          example: 'Head of finance',
        }),
        why: sentence(WHY_LENGTH_MAX).meta({
          description: 'Kept for ever with the decision: name the ground, and nobody.',
          example: 'Not worth the cost of collecting it.',
        }),
      }),
      statuses: { 200: 'The reward as it is now, and what was written off.' },
      answer: z
        .strictObject({ reward: rewardSchema, writtenOff: z.strictObject({ amount: decimal, currency: z.string() }) })
        .meta({ id: 'RewardWrittenOff' }),
      problems: ['not_found', 'nothing_owed', 'busy'],
      async handle({ accountId, actor, params, body }) {
        const by = `${body.authorisedBy} (${actor})`;
        const result = await writeOff(accountId, params.rewardId, { by, why: body.why });
        if (result.kind === 'refused' && result.code === 'no_such_reward')
          throw new HttpProblem('not_found', 'This account has no such reward.');
        if (result.kind === 'refused')
          throw new HttpProblem('nothing_owed', 'Nothing of this reward is owed back; there is nothing to write off.');
        const { reward, minor } = result;
        const { currency } = reward.money;
        const view = rewardView(reward, await readDealNames(reads, accountId, [reward.deal]));
        return {
          status: 200,
          body: { reward: view, writtenOff: { amount: decimalOf({ minor, currency }), currency } },
        };
      },
    }),
  ];
}

/** What is owed to a beneficiary is a credit in our books, and so is negative; what they owe is a debit. */
const ACCOUNTS = ['held', 'payable', 'credit', 'receivable'] as const;

function balanceItems(balances: readonly LedgerBalance[]) {
  return [...Map.groupBy(balances, ({ currency }) => currency)].map(([currency, own]) => {
    const of = (kind: (typeof ACCOUNTS)[number]) =>
      own.find(({ account }) => account.startsWith(`${kind}:`))?.minor ?? 0n;
    const text = (minor: bigint) => decimalOf({ minor, currency });
    const debt = of('receivable');
    return {
      currency,
      held: text(-of('held')),
      owed: text(-of('payable')),
      credit: text(-of('credit')),
      receivable: text(debt > 0n ? debt : 0n),
      overpaid: text(debt < 0n ? -debt : 0n),
    };
  });
}
