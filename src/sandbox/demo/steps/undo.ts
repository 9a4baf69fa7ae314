import { createHash } from 'node:crypto';
import { tellingOfStage } from '../crm.ts';
import { eventually } from '../eventually.ts';
import { finding } from '../finding.ts';
import { readable } from '../money.ts';
import type { Step } from '../run-story.ts';
import { ADA_REWARD, LEFT_WON, REOPENED_STAGE, type Scene } from '../scene.ts';
import { balanceLines } from './show.ts';

const TIMES_AGAIN = 3;

export function sameWebhookAgain(): Step<Scene> {
  let before = '';
  return {
    name: `The same webhook, ${TIMES_AGAIN} more times: nothing changes`,
    async act(scene) {
      await atRest(scene);
      before = await fingerprint(scene);
      const won = tellingOfStage(await scene.crm.deliveries(), 'closedwon');
      for (let again = 0; again < TIMES_AGAIN; again += 1) {
        for (const { id } of won) await scene.crm.redeliver(id);
      }
    },
    async look(scene) {
      const { crm, wonward } = scene;
      // Whatever a webhook asks for is queued before it is answered: with the queues empty, it has had its effect.
      await crm.idle();
      const [deliveries, [connection]] = await Promise.all([crm.deliveries(), wonward.connections()]);
      const answers = tellingOfStage(deliveries, 'closedwon').map(({ attempts }) =>
        attempts.map(({ status }) => String(status)).join(' '),
      );
      const after = await fingerprint(scene);
      return [
        finding('HubSpot', 'deliveries', {
          seen: { answers },
          expected: { answers: [Array.from({ length: TIMES_AGAIN + 1 }, () => '200').join(' ')] },
          says: () =>
            `delivered ${TIMES_AGAIN + 1} times with the same events, each time newly signed and answered 200`,
        }),
        finding('Wonward', 'unchanged', {
          seen: {
            before,
            after,
            waiting: connection?.sync.waiting ?? null,
            mirrorWaiting: connection?.sync.mirrorWaiting ?? null,
          },
          expected: { before, after: new RegExp(`^${before}$`), waiting: 0, mirrorWaiting: 0 },
          says: () =>
            'members, referrals, decisions, rewards, journals, balances and all three HubSpot records: to the letter as before',
        }),
      ];
    },
  };
}

/** Nothing of the win is still on its way: a late write would look like an effect of the repeated webhook. */
async function atRest({ crm, wonward }: Scene): Promise<void> {
  await eventually(async () => {
    await crm.idle();
    const [connection] = await wonward.connections();
    return connection?.sync.waiting === 0 && connection.sync.mirrorWaiting === 0;
  }, 'Wonward did not come to rest');
}

/** Changes with the smallest change of anything that Wonward tells or HubSpot shows, modification times included. */
async function fingerprint({ crm, wonward, ada, bob, deal }: Scene): Promise<string> {
  const told = await Promise.all([
    wonward.everything(),
    crm.record('contacts', ada),
    crm.record('contacts', bob),
    crm.record('deals', deal),
  ]);
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16);
}

export const reopened: Step<Scene> = {
  name: 'The deal is re-opened: the reward is taken back',
  async act({ crm, deal }) {
    await crm.edit('deals', deal, { dealstage: REOPENED_STAGE });
  },
  async look({ crm, wonward, ada, deal }) {
    const [rewards, balances, adaRecord, dealRecord, answer] = await Promise.all([
      wonward.rewards(),
      wonward.balances(),
      crm.record('contacts', ada),
      crm.record('deals', deal),
      wonward.card(crm, ada),
    ]);
    const shown = answer.referrals[0]?.rewards.find(({ party }) => party === 'member');
    return [
      finding('Wonward', 'takenBack', {
        seen: {
          states: rewards.map(({ party, state }) => `${party} ${state}`).toSorted(),
          reason: rewards[0]?.reason.text ?? null,
          balances: balanceLines(balances),
        },
        expected: {
          states: ['friend clawed_back', 'member clawed_back'],
          reason: LEFT_WON,
          balances: [],
        },
        says: ({ reason }) => `both rewards are clawed back: ${reason} Every balance is zero again`,
      }),
      finding('HubSpot', 'mirror', {
        seen: {
          dealStage: dealRecord.properties.dealstage ?? null,
          wonReferrals: adaRecord.properties.wonward_won_referrals ?? null,
          rewardsPaid: adaRecord.properties.wonward_rewards_issued ?? '',
          rewardsTakenBack: adaRecord.properties.wonward_rewards_reversed ?? null,
        },
        expected: {
          dealStage: REOPENED_STAGE,
          wonReferrals: '0',
          rewardsPaid: '',
          rewardsTakenBack: `${ADA_REWARD} EUR`,
        },
        says: ({ rewardsTakenBack }) =>
          `Ada: Won referrals 0, Rewards paid empty, Rewards taken back ${rewardsTakenBack}`,
      }),
      finding('Card', 'card', {
        seen: { state: shown?.state ?? null, reason: shown?.reason.text ?? null, wouldPay: shown?.wouldPay ?? null },
        expected: { state: 'clawed_back', reason: LEFT_WON, wouldPay: /Closed Won/ },
        says: ({ wouldPay }) => `${readable(ADA_REWARD)} taken back. What would make it pay: “${wouldPay}”`,
      }),
    ];
  },
};
