import { isAcknowledged } from '../crm.ts';
import { finding } from '../finding.ts';
import { readable } from '../money.ts';
import type { Step } from '../run-story.ts';
import { ADA, ADA_REWARD, BOB, DEAL, DEAL_AMOUNT, FIRST_STAGE, type Scene } from '../scene.ts';

/** What its rep hopes: a forecast needs a day. */
const CLOSES_IN_MS = 30 * 86_400_000;

export const contacts: Step<Scene> = {
  name: `Two contacts: ${ADA}, a happy customer, and ${BOB}, new`,
  async act(scene) {
    scene.ada = await newContact(scene, ADA, 'ada@lovelace.example');
    scene.bob = await newContact(scene, BOB, 'bob@noyce.example');
  },
  async look({ crm, wonward, ada, bob }) {
    const [adaRecord, bobRecord, deliveries, referrals] = await Promise.all([
      crm.record('contacts', ada),
      crm.record('contacts', bob),
      crm.deliveries(),
      wonward.referrals(),
    ]);
    const told = deliveries
      .filter(isAcknowledged)
      .flatMap(({ events }) => events)
      .filter(({ subscriptionType }) => subscriptionType === 'object.creation');
    return [
      finding('HubSpot', 'contacts', {
        seen: {
          ada: adaRecord.properties.email ?? null,
          bob: bobRecord.properties.email ?? null,
          creationsAcknowledged: told.length,
        },
        expected: { ada: 'ada@lovelace.example', bob: 'bob@noyce.example', creationsAcknowledged: 2 },
        says: (seen) => `${seen.ada} and ${seen.bob}; its signed webhooks about them were accepted`,
      }),
      finding('Wonward', 'noReferralYet', {
        seen: { referrals: referrals.length },
        expected: { referrals: 0 },
        says: () => 'no referral yet: two strangers',
      }),
    ];
  },
};

async function newContact({ crm }: Scene, name: string, email: string): Promise<string> {
  const [firstname = '', lastname = ''] = name.split(' ');
  return (await crm.create('contacts', { properties: { firstname, lastname, email } })).id;
}

export const referral: Step<Scene> = {
  name: 'A referral: Ada referred Bob, says an association label in HubSpot',
  async act({ crm, ada, bob }) {
    await crm.associate('contacts', bob, { toType: 'contacts', toId: ada, labels: ['Referred by'] });
  },
  async look({ crm, wonward, ada, bob }) {
    const [adaRecord, bobRecord, referrals] = await Promise.all([
      crm.record('contacts', ada),
      crm.record('contacts', bob),
      wonward.referrals(),
    ]);
    const [made] = referrals;
    const labelsOf = (record: typeof adaRecord, other: string) =>
      (record.associations.contacts ?? []).find(({ id }) => id === other)?.labels ?? [];
    return [
      finding('HubSpot', 'association', {
        seen: {
          bobToAda: labelsOf(bobRecord, ada),
          adaToBob: labelsOf(adaRecord, bob),
          referredBy: bobRecord.properties.wonward_referred_by ?? null,
          shareLink: adaRecord.properties.wonward_share_link ?? null,
        },
        expected: {
          bobToAda: ['Referred by'],
          adaToBob: ['Referred'],
          referredBy: ADA,
          shareLink: /^http:\/\/127\.0\.0\.1:[0-9]+\/r\/[0-9A-Z-]{14}$/,
        },
        says: ({ shareLink }) => `Bob "Referred by" Ada; Ada now has a share link, ${shareLink}`,
      }),
      finding('Wonward', 'referral', {
        seen: {
          referrals: referrals.length,
          friend: made?.friend.contact?.id ?? null,
          source: made?.source ?? null,
          stage: made?.stage ?? null,
        },
        expected: { referrals: 1, friend: bob, source: 'label', stage: 'accepted' },
        says: ({ stage }) => `one referral, known from the label, stage "${stage}"`,
      }),
    ];
  },
};

export const deal: Step<Scene> = {
  name: `A deal for Bob, worth ${readable(DEAL_AMOUNT)}: what would make it pay`,
  async act(scene) {
    const closedate = new Date(Date.now() + CLOSES_IN_MS).toISOString();
    const properties = { dealname: DEAL, amount: DEAL_AMOUNT, pipeline: 'default', dealstage: FIRST_STAGE, closedate };
    const associations = [{ toType: 'contacts', toId: scene.bob }];
    scene.deal = (await scene.crm.create('deals', { properties, associations })).id;
  },
  async look({ crm, wonward, ada, deal: id }) {
    const [record, referrals, rewards, card] = await Promise.all([
      crm.record('deals', id),
      wonward.referrals(),
      wonward.rewards(),
      wonward.card(crm, ada),
    ]);
    const outlook = card.referrals[0]?.rewards.find(({ party }) => party === 'member');
    return [
      finding('HubSpot', 'deal', {
        seen: { stage: record.properties.dealstage ?? null, wonwardStage: record.properties.wonward_stage ?? null },
        expected: { stage: FIRST_STAGE, wonwardStage: 'opportunity' },
        says: (seen) => `the deal stands at "${seen.stage}", its property "Referral stage" says "${seen.wonwardStage}"`,
      }),
      finding('Wonward', 'opportunity', {
        seen: { stage: referrals[0]?.stage ?? null, rewards: rewards.length },
        expected: { stage: 'opportunity', rewards: 0 },
        says: ({ stage }) => `the referral is an ${stage}; nothing is owed yet`,
      }),
      finding('Card', 'wouldPay', {
        seen: {
          state: outlook?.state ?? null,
          amount: outlook?.money?.amount ?? null,
          wouldPay: outlook?.wouldPay ?? null,
        },
        expected: { state: 'expected', amount: ADA_REWARD, wouldPay: /Closed Won/ },
        says: ({ wouldPay }) => `what would make it pay: “${wouldPay}”`,
      }),
    ];
  },
};
