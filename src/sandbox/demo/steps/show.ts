import { finding } from '../finding.ts';
import { centsOf, euros, readable } from '../money.ts';
import type { Step } from '../run-story.ts';
import { ADA, ADA_REWARD, BOB, BOB_REWARD, REACHED_WON, type Scene } from '../scene.ts';

const nothing = () => Promise.resolve();

export const ledger: Step<Scene> = {
  name: 'The ledger balances',
  act: nothing,
  async look({ wonward }) {
    const [journals, balances] = await Promise.all([wonward.journals(), wonward.balances()]);
    const sums = journals.map(({ postings }) => euros(sumOf(postings)));
    const rebuilt = balanceLines(journals.flatMap(({ postings }) => postings));
    const owed = (prefix: string) => euros(-sumOf(balances.filter(({ account }) => account.startsWith(prefix))));
    return [
      finding('Ledger', 'journals', {
        seen: { journals: journals.length, sums: [...new Set(sums)] },
        expected: { journals: 4, sums: ['0.00'] },
        says: (seen) => `${seen.journals} journals (owed and paid, for both); the postings of each add up to zero`,
      }),
      finding('Ledger', 'balances', {
        seen: { balances: balanceLines(balances), total: euros(sumOf(balances)) },
        expected: { balances: rebuilt, total: '0.00' },
        says: () => 'the balances are exactly what the journals add up to; together they are zero',
      }),
      finding('Ledger', 'credit', {
        seen: { cost: owed('expense:'), ada: owed('credit:member:'), bob: owed('credit:friend:') },
        expected: { cost: euros(-centsOf(ADA_REWARD) - centsOf(BOB_REWARD)), ada: ADA_REWARD, bob: BOB_REWARD },
        says: ({ ada, bob, cost }) =>
          `cost ${readable(cost.replace('-', ''))} = credit of Ada ${readable(ada)} + credit of Bob ${readable(bob)}`,
      }),
    ];
  },
};

interface Posting {
  readonly account: string;
  readonly amount: string;
  readonly currency: string;
}

function sumOf(postings: readonly Posting[]): bigint {
  return postings.reduce((sum, { amount }) => sum + centsOf(amount), 0n);
}

/** What stands in each account; accounts where nothing stands are left out. */
export function balanceLines(postings: readonly Posting[]): string[] {
  const byAccount = Map.groupBy(postings, ({ account, currency }) => `${account} ${currency}`);
  return [...byAccount]
    .map(([account, group]) => [account, sumOf(group)] as const)
    .filter(([, cents]) => cents !== 0n)
    .map(([account, cents]) => `${account} ${euros(cents)}`)
    .toSorted();
}

export const mirror: Step<Scene> = {
  name: 'The mirror: HubSpot itself shows it, for lists, reports and workflows',
  act: nothing,
  async look({ crm, ada, bob, deal }) {
    const [adaRecord, bobRecord, dealRecord] = await Promise.all([
      crm.record('contacts', ada),
      crm.record('contacts', bob),
      crm.record('deals', deal),
    ]);
    return [
      finding('HubSpot', 'adaProperties', {
        seen: {
          referrals: adaRecord.properties.wonward_referrals ?? null,
          wonReferrals: adaRecord.properties.wonward_won_referrals ?? null,
          rewardsPaid: adaRecord.properties.wonward_rewards_issued ?? null,
          lastRewardReason: adaRecord.properties.wonward_last_reward_reason ?? null,
        },
        expected: {
          referrals: '1',
          wonReferrals: '1',
          rewardsPaid: `${ADA_REWARD} EUR`,
          lastRewardReason: REACHED_WON,
        },
        says: (seen) =>
          `Ada: Referrals ${seen.referrals}, Won referrals ${seen.wonReferrals}, Rewards paid ${seen.rewardsPaid}`,
      }),
      finding('HubSpot', 'bobProperties', {
        seen: { referredBy: bobRecord.properties.wonward_referred_by ?? null },
        expected: { referredBy: ADA },
        says: ({ referredBy }) => `Bob: Referred by ${referredBy}`,
      }),
      finding('HubSpot', 'dealProperties', {
        seen: {
          stage: dealRecord.properties.wonward_stage ?? null,
          rewardStates: (dealRecord.properties.wonward_reward_state ?? '').split(', ').toSorted(),
        },
        expected: { stage: 'won', rewardStates: ['friend: issued', 'member: issued'] },
        says: ({ stage, rewardStates }) => `the deal: Referral stage ${stage}, Reward state ${rewardStates.join(', ')}`,
      }),
    ];
  },
};

export const card: Step<Scene> = {
  name: "The card in Ada's contact record, asked for as HubSpot does: signed",
  act: nothing,
  async look({ crm, wonward, ada }) {
    const [answer, unsigned] = await Promise.all([wonward.card(crm, ada), wonward.unsignedCardStatus(ada)]);
    const [made] = answer.referrals;
    const reward = made?.rewards.find(({ party }) => party === 'member');
    return [
      finding('Card', 'card', {
        seen: {
          contact: answer.contact.name,
          role: answer.role,
          friend: made?.person.name ?? null,
          stage: made?.stage ?? null,
          amount: reward?.money?.amount ?? null,
          state: reward?.state ?? null,
          reason: reward?.reason.text ?? null,
        },
        expected: {
          contact: ADA,
          role: 'member',
          friend: BOB,
          stage: 'won',
          amount: ADA_REWARD,
          state: 'issued',
          reason: REACHED_WON,
        },
        says: (seen) =>
          `${seen.contact} referred ${seen.friend}, ${seen.stage}; ${readable(seen.amount ?? '')} ${seen.state}. ${seen.reason}`,
      }),
      finding('Wonward', 'unsigned', {
        seen: { status: String(unsigned) },
        expected: { status: '401' },
        says: ({ status }) => `the same address without HubSpot's signature is refused (${status})`,
      }),
    ];
  },
};
