import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMBER, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, PORTAL, quickClock } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/** One account with a portal and an org: marketing knows the members in HubSpot, sales wins in Salesforce, a sync tool copies between them. */
let org: SalesforceStack;
let portal: Scene;
let portalId = '';
let orgId = '';

/** The property in which a sync tool keeps the opportunity that a deal was copied from. */
const DEAL_KEY = 'hs_salesforceopportunityid';

beforeAll(async () => {
  org = await startSalesforceStack({
    clock: quickClock(),
    program: {
      programId: 'default',
      name: 'Friends of Acme',
      rules: [
        {
          key: 'member-won',
          party: 'member',
          amount: { kind: 'percent', basisPoints: 1_000 },
          payout: 'credit',
          deals: { kind: 'every' },
        },
      ],
    },
  });
  portal = createScene(org.stack);
  portal.crm.createProperty(PORTAL, 'deal', {
    name: DEAL_KEY,
    label: 'Salesforce opportunity ID',
    type: 'string',
    fieldType: 'text',
    groupName: 'dealinformation',
  });
  for (const connected of [await org.stack.install(), await org.install()])
    expect(connected.status, connected.page).toBe(200);
  portalId = (await portal.connection()).id;
  orgId = (await org.connection()).id;
  const { status, body } = await org.stack.api('POST', '/connections-policies', {
    deals: { decidedIn: orgId, keys: { [portalId]: DEAL_KEY, [orgId]: 'id' } },
  });
  expect(status, JSON.stringify(body)).toBe(200);
});
afterAll(() => org.close());

let people = 0;
function address(name: string): string {
  people += 1;
  return `${name}.${people}@example.com`;
}

async function memberInHubSpot(email = address('member')): Promise<{ contact: string; id: string; code: string }> {
  const contact = portal.person('Ada', { email });
  const { status, body } = await org.stack.api('POST', '/members', {
    name: 'Ada',
    email,
    contact: { connectionId: portalId, id: contact },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  await org.sweep();
  return { contact, id: body.id, code: body.code };
}

const contactInSalesforce = (LastName: string, fields: object = {}) =>
  org.create('Contact', { LastName, Email: address('friend'), ...fields });

function opportunityOf(contactId: string, fields: object = {}): string {
  const id = org.create('Opportunity', {
    Name: 'Engines',
    StageName: 'Prospecting',
    CloseDate: '2026-12-31',
    Amount: 1_000,
    ...fields,
  });
  org.create('OpportunityContactRole', { OpportunityId: id, ContactId: contactId, IsPrimary: true });
  return id;
}

const emailOf = (contactId: string): string => String(org.salesforce.control.read(org.orgId, contactId)?.Email);

/** As the sync tool does: the friend and the deal once more in HubSpot, with the opportunity's id. */
function copyToHubSpot(contactId: string, opportunityId: string, key = opportunityId): string {
  const contact = portal.person('Bob', { email: emailOf(contactId) });
  return portal.deal([contact], { [DEAL_KEY]: key });
}

const winThere = (opportunityId: string) => org.edit(opportunityId, { StageName: 'Closed Won' });

/** "member issued 100.00 EUR" of a deal, whichever connection it stands in: no two ids are alike. */
const rewardsOn = (dealId: string) => portal.rewardsOn(dealId);

/** "rewarded stage_reached", oldest first. */
const codesOn = (dealId: string) => portal.decisionsOn(dealId);

const rowsOn = (opportunityId: string): Json[] =>
  org.rows(REWARD.object).filter((row) => row[REWARD.fields.opportunity] === opportunityId);
const shownOn = (opportunityId: string) =>
  rowsOn(opportunityId).map(
    (row) => `${row[REWARD.fields.party]} ${row[REWARD.fields.state]} ${row[REWARD.fields.amount]}`,
  );

async function referralsOf(memberId: string): Promise<Json[]> {
  return (await portal.all('/referrals')).filter((referral) => referral.memberId === memberId);
}

async function expectSound(): Promise<void> {
  await org.settle();
  const { store } = org.stack.service;
  const { problems, accounts } = await store.audited(org.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
  await portal.expectBalanced();
}

const PAID = ['member issued 100.00 EUR'];
const TAKEN_BACK = ['member clawed_back 100.00 EUR'];

describe('a member of HubSpot whose friend buys in Salesforce', () => {
  test('is paid once, and both CRMs show the member, the referral and the reward', async () => {
    const email = address('member');
    const member = await memberInHubSpot(email);
    const twin = org.create('Contact', { LastName: 'Lovelace', Email: email });
    const friend = contactInSalesforce('Noyce', { [PERSON_FIELDS.usedCode]: member.code });
    const opportunity = opportunityOf(friend);
    await org.sweep();
    const copy = copyToHubSpot(friend, opportunity);
    await org.sweep();
    winThere(opportunity);
    portal.win(copy);
    await org.sweep();
    await portal.sweep();
    await org.sweep();

    expect(await rewardsOn(opportunity)).toEqual(PAID);
    expect(await rewardsOn(copy)).toEqual([]);
    expect(await codesOn(copy)).toEqual(['skipped decided_elsewhere']);
    const [referral, ...others] = await referralsOf(member.id);
    expect(others).toEqual([]);
    expect(referral).toMatchObject({ stage: 'won', friend: { contact: { connectionId: orgId, id: friend } } });

    expect(portal.show('contact', member.contact)).toMatchObject({
      wonward_won_referrals: '1',
      wonward_rewards_issued: '100.00 EUR',
    });
    expect(portal.show('deal', copy).wonward_reward_reason).toContain(`salesforce ${org.orgId}`);
    expect(shownOn(opportunity)).toEqual(['member issued 100']);
    expect(rowsOn(opportunity)[0]?.[REWARD.fields.reason]).toContain('Closed Won');
    const row = org.rows(REFERRAL.object).find((one) => one[REFERRAL.key] === referral.id);
    expect(row).toMatchObject({
      [REFERRAL.fields.stage]: 'won',
      [REFERRAL.fields.opportunity]: opportunity,
      [REFERRAL.fields.friendContact]: friend,
    });
    expect(org.rows(MEMBER.object).filter((one) => one[MEMBER.key] === member.id)).toMatchObject([
      { [MEMBER.fields.contact]: twin, [MEMBER.fields.code]: member.code, [MEMBER.fields.wonReferrals]: 1 },
    ]);
    await expectSound();
  });

  test.each(['copy', 'opportunity'])(
    'is paid once when the %s is won first, and for nothing that only the copy says',
    async (first) => {
      const member = await memberInHubSpot();
      const friend = contactInSalesforce('Kilby', { [PERSON_FIELDS.usedCode]: member.code });
      const opportunity = opportunityOf(friend);
      await org.sweep();
      const copy = copyToHubSpot(friend, opportunity);
      await org.sweep();
      const wins = [() => portal.win(copy), () => winThere(opportunity)];
      const paid = [];
      for (const win of first === 'copy' ? wins : wins.toReversed()) {
        win();
        await org.sweep();
        paid.push((await rewardsOn(opportunity)).length);
      }
      expect(paid).toEqual(first === 'copy' ? [0, 1] : [1, 1]);
      expect(await rewardsOn(opportunity)).toEqual(PAID);
      expect(await rewardsOn(copy)).toEqual([]);
      await expectSound();
    },
  );

  test('is found by the address when the org’s people name them as "Referred By"', async () => {
    const email = address('member');
    const member = await memberInHubSpot(email);
    const twin = org.create('Contact', { LastName: 'Lovelace', Email: email.toUpperCase() });
    const friend = contactInSalesforce('Moore', { [PERSON_FIELDS.referredBy]: twin });
    const opportunity = opportunityOf(friend, { StageName: 'Closed Won' });
    await org.sweep();
    expect(await referralsOf(member.id)).toMatchObject([{ friend: { contact: { connectionId: orgId, id: friend } } }]);
    expect(await rewardsOn(opportunity)).toEqual(PAID);
    await expectSound();
  });

  test('pays for one that is known as a copy by the 15 characters that Salesforce’s reports give', async () => {
    const member = await memberInHubSpot();
    const friend = contactInSalesforce('Hopper', { [PERSON_FIELDS.usedCode]: member.code });
    const opportunity = opportunityOf(friend);
    await org.sweep();
    const copy = copyToHubSpot(friend, opportunity, opportunity.slice(0, 15));
    portal.win(copy);
    winThere(opportunity);
    await org.sweep();
    expect(await rewardsOn(opportunity)).toEqual(PAID);
    expect(await codesOn(copy)).toEqual(['skipped decided_elsewhere']);
  });
});

describe('an opportunity that is lost again', () => {
  test('is taken back once in both CRMs, the copy does not take over, and won again it is paid once', async () => {
    const member = await memberInHubSpot();
    const friend = contactInSalesforce('Cray', { [PERSON_FIELDS.usedCode]: member.code });
    const opportunity = opportunityOf(friend);
    await org.sweep();
    const copy = copyToHubSpot(friend, opportunity);
    winThere(opportunity);
    portal.win(copy);
    await org.sweep();
    expect(await rewardsOn(opportunity)).toEqual(PAID);

    org.edit(opportunity, { StageName: 'Closed Lost' });
    await org.sweep();
    await portal.sweep();
    await org.sweep();
    expect(await rewardsOn(opportunity)).toEqual(TAKEN_BACK);
    expect((await codesOn(opportunity)).filter((code) => code.startsWith('reversed'))).toHaveLength(1);
    expect(shownOn(opportunity)).toEqual(['member clawed_back 100']);
    // The deal in HubSpot still says that it is won.
    expect(await rewardsOn(copy)).toEqual([]);
    expect(portal.show('contact', member.contact)).toMatchObject({ wonward_won_referrals: '0' });
    await expectSound();

    winThere(opportunity);
    await org.sweep();
    await portal.sweep();
    expect((await rewardsOn(opportunity)).filter((reward) => reward === PAID[0])).toEqual(PAID);
    expect(shownOn(opportunity)).toEqual(['member issued 100']);
    expect(await rewardsOn(copy)).toEqual([]);
    await expectSound();
  });

  test('and deleted takes nothing back a second time, also when the sync tool empties the key of its copy', async () => {
    const member = await memberInHubSpot();
    const friend = contactInSalesforce('Wang', { [PERSON_FIELDS.usedCode]: member.code });
    const opportunity = opportunityOf(friend);
    await org.sweep();
    const copy = copyToHubSpot(friend, opportunity);
    winThere(opportunity);
    portal.win(copy);
    await org.sweep();
    org.edit(opportunity, { StageName: 'Closed Lost' });
    await org.sweep();
    org.salesforce.control.remove(org.orgId, opportunity);
    portal.edit('deal', copy, { [DEAL_KEY]: '' });
    await org.sweep();
    await portal.sweep();
    expect(await rewardsOn(opportunity)).toEqual(TAKEN_BACK);
    expect((await codesOn(opportunity)).filter((code) => code.startsWith('reversed'))).toHaveLength(1);
    expect(await rewardsOn(copy)).toEqual([]);
    await expectSound();
  });
});

describe('what the org’s people do to its records', () => {
  test('a lead is converted: its friend stays one friend, and what it becomes is paid once', async () => {
    const member = await memberInHubSpot();
    const email = address('friend');
    const lead = org.create('Lead', {
      LastName: 'Shockley',
      Company: 'Initech',
      Email: email,
      [PERSON_FIELDS.usedCode]: member.code,
    });
    const inHubSpot = portal.person('Shockley', { email, wonward_referral_code: member.code });
    await org.sweep();
    const before = await referralsOf(member.id);
    expect(before).toHaveLength(1);
    const { control } = org.salesforce;
    const { contactId, opportunityId } = control.convert(org.orgId, lead, { opportunityName: 'Initech' });
    const opportunity = String(opportunityId);
    org.edit(opportunity, { Amount: 1_000 });
    await org.sweep();
    const copy = portal.deal([inHubSpot], { [DEAL_KEY]: opportunity });
    winThere(opportunity);
    portal.win(copy);
    await org.sweep();
    await portal.sweep();
    expect(await rewardsOn(opportunity)).toEqual(PAID);
    expect(await rewardsOn(copy)).toEqual([]);
    const after = await referralsOf(member.id);
    expect(after).toMatchObject([{ id: before[0]?.id, stage: 'won' }]);
    const { body } = await org.stack.api('GET', `/referrals/${before[0]?.id}/contacts`);
    const known = [body.home, ...body.items.map((item: Json) => item.contact)].map(({ id }: Json) => id);
    expect(known).toEqual(expect.arrayContaining([contactId, inHubSpot]));
    expect(portal.show('contact', inHubSpot).wonward_referred_by).toBe('Ada');
    await expectSound();
  });

  test.each(['before the win', 'after the win'])(
    'two contacts of a friend are merged %s: one referral, one reward',
    async (moment) => {
      const member = await memberInHubSpot();
      const email = address('friend');
      const known = contactInSalesforce('Engelbart', { Email: email, [PERSON_FIELDS.usedCode]: member.code });
      const opportunity = opportunityOf(known);
      const master = contactInSalesforce('Engelbart', { Email: email });
      await org.sweep();
      const copy = copyToHubSpot(known, opportunity);
      await org.sweep();
      const merge = () => org.salesforce.control.merge(org.orgId, master, [known]);
      const win = () => {
        winThere(opportunity);
        portal.win(copy);
      };
      for (const happens of moment === 'before the win' ? [merge, win] : [win, merge]) {
        happens();
        await org.sweep();
        await portal.sweep();
      }
      await org.sweep();
      expect(await rewardsOn(opportunity)).toEqual(PAID);
      expect(await rewardsOn(copy)).toEqual([]);
      expect(await referralsOf(member.id)).toMatchObject([{ stage: 'won' }]);
      expect(portal.show('contact', member.contact)).toMatchObject({
        wonward_won_referrals: '1',
        wonward_rewards_issued: '100.00 EUR',
      });
      expect(shownOn(opportunity)).toEqual(['member issued 100']);

      org.edit(opportunity, { StageName: 'Closed Lost' });
      await org.sweep();
      expect(await rewardsOn(opportunity)).toEqual(TAKEN_BACK);
      await expectSound();
    },
  );

  test('a member’s contact is merged into another one: who refers is the same member in both CRMs', async () => {
    const email = address('member');
    const member = await memberInHubSpot(email);
    const twin = org.create('Contact', { LastName: 'Lovelace', Email: email });
    await org.sweep();
    const master = org.create('Contact', { LastName: 'King', Email: address('other') });
    org.salesforce.control.merge(org.orgId, master, [twin]);
    await org.sweep();
    const friend = contactInSalesforce('Babbage', { [PERSON_FIELDS.referredBy]: master });
    const opportunity = opportunityOf(friend, { StageName: 'Closed Won' });
    await org.sweep();
    expect(await referralsOf(member.id)).toMatchObject([{ friend: { contact: { id: friend } } }]);
    expect(await rewardsOn(opportunity)).toEqual(PAID);
    expect(portal.show('contact', member.contact).wonward_won_referrals).toBe('1');
    await expectSound();
  });
});
