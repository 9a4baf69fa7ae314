import { OAUTH_SCOPES, PERSON_FIELDS, REFERRAL, REWARD } from '../../../../manifests/salesforce/package.ts';
import { type Consented, consentInSalesforce } from '../consent.ts';
import { eventually } from '../eventually.ts';
import { finding } from '../finding.ts';
import { readable } from '../money.ts';
import type { OrgRow } from '../org.ts';
import type { Step } from '../run-story.ts';
import { BOB_REWARD, GRACE, GRACE_REWARD, KEN, OPPORTUNITY, OPPORTUNITY_AMOUNT, type Scene } from '../scene.ts';

export function connectOrg(): Step<Scene> {
  let consented: Consented = { permissions: [], status: 0, headline: '' };
  return {
    name: 'The same program in Salesforce: an admin connects an org that has the package',
    crm: 'salesforce',
    async act({ wonward }) {
      consented = await consentInSalesforce(await wonward.installLink('salesforce'));
    },
    async look({ org, wonward }) {
      const connection = (await wonward.connections()).find(({ provider }) => provider === 'salesforce');
      return [
        finding('Salesforce', 'allowed', {
          seen: { permissions: consented.permissions.toSorted() },
          expected: { permissions: OAUTH_SCOPES.toSorted() },
          says: ({ permissions }) => `asked an admin for ${permissions.join(' and ')}, and nothing else`,
        }),
        finding('Wonward', 'connected', {
          seen: {
            page: consented.headline,
            status: connection?.status ?? null,
            org: connection?.externalId ?? null,
            homeCurrency: connection?.homeCurrency ?? null,
          },
          expected: { page: 'Salesforce is connected', status: 'connected', org: org.orgId, homeCurrency: 'EUR' },
          says: ({ page, homeCurrency }) => `says "${page}" and has read the org's currency, ${homeCurrency}`,
        }),
      ];
    },
  };
}

export const leadBecomesContact: Step<Scene> = {
  name: `A lead who names a referrer is converted, and stays the same referral`,
  crm: 'salesforce',
  async act(scene) {
    const { org } = scene;
    const [first = '', last = ''] = GRACE.split(' ');
    scene.grace = await org.create('Contact', { FirstName: first, LastName: last, Email: 'grace@navy.example' });
    const [kenFirst = '', kenLast = ''] = KEN.split(' ');
    const lead = await org.create('Lead', {
      FirstName: kenFirst,
      LastName: kenLast,
      Company: 'Digital',
      Email: 'ken@digital.example',
      [PERSON_FIELDS.referredBy]: scene.grace,
    });
    await eventually(async () => (await referralRows(scene)).length > 0, 'no referral was written for the lead');
    const converted = await org.convert(lead, OPPORTUNITY);
    scene.ken = converted.contactId;
    scene.opportunity = converted.opportunityId;
  },
  async look(scene) {
    const [rows, referrals] = await Promise.all([referralRows(scene), scene.wonward.referrals()]);
    const own = referrals.filter(({ friend }) => friend.contact?.id === scene.ken);
    return [
      finding('Salesforce', 'referral', {
        seen: { rows: rows.length, contact: textOf(rows[0], REFERRAL.fields.friendContact) },
        expected: { rows: 1, contact: scene.ken },
        says: () => 'has one Referral row, which names the lead and the contact that it became',
      }),
      finding('Wonward', 'sameReferral', {
        seen: { referrals: own.length, source: own[0]?.source ?? null },
        expected: { referrals: 1, source: 'label' },
        says: () => `knows one referral of ${KEN}, by the look-up "Referred By"`,
      }),
    ];
  },
};

export const opportunityWon: Step<Scene> = {
  name: 'The opportunity reaches Closed Won, told by a change event',
  crm: 'salesforce',
  async act({ org, opportunity }) {
    await org.edit(opportunity, { Amount: Number(OPPORTUNITY_AMOUNT) });
    await org.edit(opportunity, { StageName: 'Closed Won' });
  },
  async look(scene) {
    const rows = await rewardRows(scene);
    return (['member', 'friend'] as const).map((party) => {
      const mine = rows.filter((row) => row[REWARD.fields.party] === party);
      const [who, amount] = party === 'member' ? [GRACE, GRACE_REWARD] : [KEN, BOB_REWARD];
      return finding('Salesforce', party, {
        seen: {
          rows: mine.length,
          amount: Number(mine[0]?.[REWARD.fields.amount] ?? 0),
          state: textOf(mine[0], REWARD.fields.state),
          reason: textOf(mine[0], REWARD.fields.reason),
        },
        expected: {
          rows: 1,
          amount: Number(amount),
          state: 'issued',
          reason: new RegExp(`^The deal "${OPPORTUNITY}" reached Closed Won`),
        },
        says: (seen) => `${readable(amount)} for ${who}, ${seen.state}: ${seen.reason}`,
      });
    });
  },
};

export const component: Step<Scene> = {
  name: "The component on Grace's and the opportunity's pages, given what its class reads in the org",
  crm: 'salesforce',
  act: async () => undefined,
  async look({ org, grace, opportunity }) {
    const [ofMember, ofDeal] = await Promise.all([org.history(grace), org.history(opportunity)]);
    const [made] = ofMember.referrals;
    const reward = ofDeal.rewards.find(({ party }) => party === 'member');
    return [
      finding('Component', 'member', {
        seen: {
          member: ofMember.members[0]?.name ?? null,
          hasCode: (ofMember.members[0]?.code ?? '') !== '',
          friend: made?.friendContactName ?? null,
          stage: made?.stage ?? null,
        },
        expected: { member: GRACE, hasCode: true, friend: KEN, stage: 'won' },
        says: (seen) => `${seen.member} referred ${seen.friend}, ${seen.stage}; the code to share is there`,
      }),
      finding('Component', 'opportunity', {
        seen: {
          referrer: ofDeal.referrals[0]?.memberName ?? null,
          amount: reward?.amount ?? null,
          state: reward?.state ?? null,
          reason: reward?.reason ?? null,
        },
        expected: {
          referrer: GRACE,
          amount: Number(GRACE_REWARD),
          state: 'issued',
          reason: new RegExp(`^The deal "${OPPORTUNITY}" reached Closed Won`),
        },
        says: (seen) =>
          `the opportunity: referred by ${seen.referrer}, ${readable(GRACE_REWARD)} ${seen.state}. ${seen.reason}`,
      }),
    ];
  },
};

export const opportunityReopened: Step<Scene> = {
  name: 'The opportunity is re-opened: both rewards are taken back, once, with the reason',
  crm: 'salesforce',
  act: ({ org, opportunity }) => org.edit(opportunity, { StageName: 'Negotiation/Review' }).then(() => undefined),
  async look(scene) {
    const [rows, balances] = await Promise.all([rewardRows(scene), scene.wonward.balances()]);
    const open = balances.filter(({ account, amount }) => account.startsWith('credit:') && Number(amount) > 0);
    return [
      finding('Salesforce', 'takenBack', {
        seen: {
          states: rows.map((row) => textOf(row, REWARD.fields.state) ?? ''),
          reason: textOf(rows[0], REWARD.fields.reason),
        },
        expected: {
          states: ['clawed_back', 'clawed_back'],
          reason: new RegExp(`^The deal "${OPPORTUNITY}" left Closed Won`),
        },
        says: ({ reason }) => `both sides: ${reason}`,
      }),
      finding('Ledger', 'nothingOpen', {
        seen: { open: open.map(({ account }) => account) },
        expected: { open: [] },
        says: () => 'nobody has credit left from it',
      }),
    ];
  },
};

async function referralRows({ org }: Scene): Promise<OrgRow[]> {
  return org.rows(REFERRAL.object);
}

async function rewardRows({ org, opportunity }: Scene): Promise<OrgRow[]> {
  return (await org.rows(REWARD.object)).filter((row) => row[REWARD.fields.opportunity] === opportunity);
}

function textOf(row: OrgRow | undefined, field: string): string | null {
  const value = row?.[field];
  return value === null || value === undefined ? null : String(value);
}
