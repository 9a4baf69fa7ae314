import { isAcknowledged, tellingOfStage } from '../crm.ts';
import { eventually } from '../eventually.ts';
import { finding } from '../finding.ts';
import { readable } from '../money.ts';
import type { Step } from '../run-story.ts';
import { ADA_REWARD, BOB_REWARD, FIRST_STAGE, REACHED_WON, type Scene, WAY_TO_WON } from '../scene.ts';

export const wayToWon: Step<Scene> = {
  name: "The deal's way to Closed Won, stage by stage",
  async act(scene) {
    for (const stage of WAY_TO_WON) {
      await scene.crm.edit('deals', scene.deal, { dealstage: stage });
      await told(scene, stage);
    }
  },
  async look({ crm, wonward, deal }) {
    const [record, pipelines, deliveries, referrals] = await Promise.all([
      crm.record('deals', deal),
      crm.dealPipelines(),
      crm.deliveries(),
      wonward.referrals(),
    ]);
    const accepted = deliveries.filter(isAcknowledged);
    const labels = new Map(pipelines.flatMap(({ stages }) => stages.map(({ id, label }) => [id, label])));
    const stages = (record.propertiesWithHistory.dealstage ?? []).map(({ value }) => value).toReversed();
    return [
      finding('HubSpot', 'stages', {
        seen: {
          history: stages,
          webhooksAccepted: WAY_TO_WON.filter((stage) => tellingOfStage(accepted, stage).length > 0),
        },
        expected: { history: [FIRST_STAGE, ...WAY_TO_WON], webhooksAccepted: [...WAY_TO_WON] },
        says: ({ history }) => history.map((stage) => labels.get(stage) ?? stage).join(' → '),
      }),
      finding('Wonward', 'won', {
        seen: { stage: referrals[0]?.stage ?? null, referrals: referrals.length },
        expected: { stage: 'won', referrals: 1 },
        says: () => 'accepted the webhook of every stage; the referral is won',
      }),
    ];
  },
};

/** Each stage is told before the next one comes, as it would be over weeks. */
function told({ crm }: Scene, stage: string): Promise<void> {
  return eventually(
    async () => tellingOfStage(await crm.deliveries(), stage).some(isAcknowledged),
    `HubSpot's webhook about the stage ${stage} was not answered with 200`,
  );
}

export const rewards: Step<Scene> = {
  name: 'The reward, once for each side, with its reason',
  act: () => Promise.resolve(),
  async look({ wonward }) {
    const [all, decisions] = await Promise.all([wonward.rewards(), wonward.decisions()]);
    return (['member', 'friend'] as const).map((party) => {
      const mine = all.filter((reward) => reward.party === party);
      const decided = decisions.filter((decision) => decision.party === party);
      const judged = decided.flatMap(({ conditions }) => conditions);
      const [who, amount] = party === 'member' ? ['Ada', ADA_REWARD] : ['Bob', BOB_REWARD];
      return finding('Wonward', party, {
        seen: {
          rewards: mine.length,
          amount: mine[0]?.money.amount ?? null,
          currency: mine[0]?.money.currency ?? null,
          state: mine[0]?.state ?? null,
          reason: mine[0]?.reason.text ?? null,
          decisions: decided.map(({ outcome }) => outcome),
          conditionsMet: judged.filter(({ verdict }) => verdict === 'met').length,
          conditionsNotMet: judged.filter(({ verdict }) => verdict !== 'met').map(({ condition }) => condition),
        },
        expected: {
          rewards: 1,
          amount,
          currency: 'EUR',
          state: 'issued',
          reason: REACHED_WON,
          decisions: ['rewarded'],
          conditionsNotMet: [],
        },
        says: (seen) => `${readable(amount)} for ${who}, ${seen.state}: ${seen.reason}`,
      });
    });
  },
};
