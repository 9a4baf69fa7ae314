import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import type { Json } from '../support/stack.ts';
import { eventually } from './scene.ts';

/* The same import on the other CRM: its lists are campaigns, and leads are on them beside contacts. */

let org: SalesforceStack;
let connectionId: string;

beforeAll(async () => {
  org = await startSalesforceStack();
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
  connectionId = (await org.connection()).id;
}, 120_000);
afterAll(() => org.close());

test('a campaign becomes members: contacts, leads, and a lead that was converted as the contact it is now', async () => {
  const Company = 'Acme';
  const contact = org.create('Contact', { LastName: 'Lin', Email: 'lin@example.com' });
  const lead = org.create('Lead', { LastName: 'Max', Company, Email: 'max@example.com' });
  const converted = org.create('Lead', { LastName: 'Ada', Company, Email: 'ada@example.com' });
  const CampaignId = org.create('Campaign', { Name: 'Spring promoters' });
  for (const member of [{ ContactId: contact }, { LeadId: lead }, { LeadId: converted }])
    org.create('CampaignMember', { CampaignId, ...member });
  expect(() => org.create('CampaignMember', { CampaignId, LeadId: lead })).toThrow('Already a campaign member.');
  expect(() => org.create('CampaignMember', { CampaignId })).toThrow('LeadId or ContactId');
  const { contactId } = org.salesforce.control.convert(org.orgId, converted);

  const { api } = org.stack;
  const lists = await api('GET', `/connections/${connectionId}/lists?search=promoters`);
  expect(lists.body.items).toEqual([{ id: CampaignId, name: 'Spring promoters', size: null }]);
  const tried = await api('POST', '/member-imports/list/dry-run', { connectionId, listId: CampaignId });
  expect(tried.body).toMatchObject({
    list: { size: 3 },
    isWhole: true,
    counts: { created: 3, matched: 0, refused: 0 },
  });
  const started = await api('POST', '/member-imports/list', { id: 'spring', connectionId, listId: CampaignId });
  expect(started.status, JSON.stringify(started.body)).toBe(201);
  const done = await eventually(
    async () => (await api('GET', '/member-imports/imp_spring')).body,
    ({ state }) => state === 'done',
  );
  expect(done.counts).toMatchObject({ created: 3, matched: 0, refused: 0 });
  const members = (await api('GET', '/members')).body.items as Json[];
  expect(members.map(({ name, contact: { id } }) => [name, id]).sort()).toEqual(
    [
      ['Ada', contactId],
      ['Lin', contact],
      ['Max', lead],
    ].sort(),
  );
});
