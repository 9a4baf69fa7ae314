import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMBER, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

let org: SalesforceStack;
let connectionId: string;

beforeAll(async () => {
  org = await startSalesforceStack({ clock: quickClock() });
  expect((await org.install()).status).toBe(200);
  connectionId = (await org.connection()).id;
}, 120_000);
afterAll(() => org.close());

const person = (LastName: string, more: object = {}) =>
  org.create('Contact', { LastName, Email: `${LastName.toLowerCase()}@example.com`, ...more });
const rowOf = (object: string, where: (row: Json) => boolean): Json => org.rows(object).find(where);
const erase = (body: object) => org.stack.api('POST', '/people/erase', body);

async function won(contactId: string): Promise<string> {
  const deal = org.create('Opportunity', {
    Name: 'Engines',
    StageName: 'Prospecting',
    CloseDate: '2026-12-31',
    Amount: 1_000,
  });
  org.create('OpportunityContactRole', { OpportunityId: deal, ContactId: contactId, IsPrimary: true });
  await org.sweep();
  org.edit(deal, { StageName: 'Closed Won' });
  await org.sweep();
  return deal;
}

const rewardsOn = (deal: string) =>
  org
    .rows(REWARD.object)
    .filter((row) => row[REWARD.fields.opportunity] === deal)
    .map((row) => `${row[REWARD.fields.party]} ${row[REWARD.fields.state]} ${row[REWARD.fields.amount]}`)
    .sort();

async function expectSound(): Promise<void> {
  const { store } = org.stack.service;
  const { problems, accounts } = await store.audited(org.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

/** Nothing of ours in the org names them or leads to them. */
function expectUnnamed(name: string, id: string): void {
  const rows = JSON.stringify([MEMBER, REFERRAL, REWARD].map(({ object }) => org.rows(object)));
  expect(rows.toLowerCase()).not.toContain(name.toLowerCase());
  expect(rows).not.toContain(id);
}

describe('somebody who was forgotten', () => {
  test('as a friend: our rows in the org lose what leads to them, the rewards stay, and the books are sound', async () => {
    const ada = person('Ada');
    const zed = person('Zedperson', { [PERSON_FIELDS.referredBy]: ada });
    const deal = await won(zed);
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    const referral = rowOf(REFERRAL.object, (row) => row[REFERRAL.fields.friendContact] === zed);
    const { body } = await erase({ contact: { connectionId, id: zed } });
    expect(body.outcome, JSON.stringify(body)).toBe('erased');
    await org.settle();
    expectUnnamed('Zedperson', zed);
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    expect(rowOf(REFERRAL.object, ({ Id }) => Id === referral.Id)).toMatchObject({
      [REFERRAL.fields.stage]: 'won',
      [REFERRAL.fields.opportunity]: deal,
      [REFERRAL.fields.account]: null,
    });
    // What changes on the contact, and on its opportunity, writes none of it again.
    org.edit(zed, { FirstName: 'Still' });
    org.edit(deal, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend clawed_back 50', 'member clawed_back 100']);
    expectUnnamed('Zedperson', zed);
    await expectSound();
  });

  test('as a member: the row is a code’s, with what was earned, and no friend’s row says more', async () => {
    const zed = person('Zedmember');
    const friend = person('Bob', { [PERSON_FIELDS.referredBy]: zed });
    const deal = await won(friend);
    const member = rowOf(MEMBER.object, (row) => row[MEMBER.fields.contact] === zed);
    expect(member).toMatchObject({ Name: 'Zedmember', [MEMBER.fields.wonReferrals]: 1 });
    expect((await erase({ email: 'zedmember@example.com' })).body).toMatchObject({
      outcome: 'erased',
      searched: [{ connectionId, problem: null }],
    });
    await org.settle();
    expectUnnamed('Zedmember', zed);
    expect(rowOf(MEMBER.object, ({ Id }) => Id === member.Id)).toMatchObject({
      Name: member[MEMBER.fields.code],
      [MEMBER.fields.contact]: null,
      [MEMBER.fields.wonReferrals]: 1,
    });
    org.edit(friend, { FirstName: 'Bobby' });
    await org.sweep();
    expectUnnamed('Zedmember', zed);
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    await expectSound();
  });

  test('as a lead does not come back as the contact that the lead becomes', async () => {
    const ada = person('Adatwo');
    const lead = org.create('Lead', {
      LastName: 'Zedlead',
      Company: 'Initech',
      Email: 'zedlead@example.com',
      [PERSON_FIELDS.referredBy]: ada,
    });
    await org.sweep();
    expect(rowOf(REFERRAL.object, (row) => row[REFERRAL.fields.friendLead] === lead)).toBeDefined();
    expect((await erase({ contact: { connectionId, id: lead } })).body.outcome).toBe('erased');
    await org.settle();
    expectUnnamed('Zedlead', lead);
    const { contactId, opportunityId } = org.salesforce.control.convert(org.orgId, lead, {
      opportunityName: 'Initech',
    });
    org.edit(opportunityId ?? '', { Amount: 500, StageName: 'Closed Won' });
    await org.sweep();
    expectUnnamed('Zedlead', contactId);
    expect(rewardsOn(opportunityId ?? '')).toEqual([]);
    const { body } = await org.stack.api('POST', '/people/export', { contact: { connectionId, id: contactId } });
    expect(body.contacts.every(({ name, isErased }: Json) => name === null && isErased)).toBe(true);
    await expectSound();
  });
});

test('an admin who leaves gives the authorisation back to Salesforce, which uninstalls no package by an API', async () => {
  const { body } = await org.stack.api('POST', `/connections/${connectionId}/disconnect`, {});
  expect(body.status).toBe('disconnected');
  const { store } = org.stack.service;
  const { items } = await store.sync.events(org.stack.accountId, connectionId, { limit: 1, cursor: null });
  expect(items[0]?.detail).toBe('Disconnected by an admin. The authorisation was given back.');
});
