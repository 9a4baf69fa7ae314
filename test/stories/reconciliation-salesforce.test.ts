import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMBER, PERSON_FIELDS, REWARD } from '../../manifests/salesforce/package.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

let org: SalesforceStack;
let connectionId: string;

beforeAll(async () => {
  org = await startSalesforceStack({ clock: quickClock() });
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
  connectionId = (await org.connection()).id;
}, 120_000);
afterAll(() => org.close());

async function report(): Promise<Json> {
  const { status, body } = await org.stack.api('POST', `/connections/${connectionId}/reports`);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

async function rowsOf(id: string, list: string): Promise<Json[]> {
  return (await org.stack.api('GET', `/sync-reports/${id}/rows?list=${list}`)).body.items;
}

const dealOf = (contactId: string | null) => {
  const id = org.create('Opportunity', {
    ...{ Name: 'Acme', StageName: 'Prospecting', CloseDate: '2026-12-31', Amount: 1_000 },
  });
  if (contactId) org.create('OpportunityContactRole', { OpportunityId: id, ContactId: contactId, IsPrimary: true });
  return id;
};

describe('a comparison with Salesforce', () => {
  test('goes from the opportunities that are won to their decisions, and finds a row that somebody has changed', async () => {
    const ada = org.create('Contact', { LastName: 'Ada', Email: 'ada@member.example' });
    const friend = org.create('Contact', { LastName: 'Bob', [PERSON_FIELDS.referredBy]: ada });
    const deal = dealOf(friend);
    const nobodys = dealOf(null);
    await org.sweep();
    org.edit(deal, { StageName: 'Closed Won' });
    org.edit(nobodys, { StageName: 'Closed Won' });
    await org.sweep();
    await org.sweep();
    const sound = await report();
    expect(await rowsOf(sound.id, 'different')).toEqual([]);
    expect(sound.counts).toEqual({
      ...{ qualifying: 1, decided: 1, explained: 0, unexplained: 0 },
      ...{ mirrored: 3, different: 0, pending: 0 },
    });
    expect(await rowsOf(sound.id, 'decided')).toMatchObject([{ object: 'deal', id: deal }]);

    const [reward] = org.rows(REWARD.object).filter((row: Json) => row[REWARD.fields.party] === 'member');
    org.edit(reward.Id, { [REWARD.fields.amount]: 7 });
    const [member] = org.rows(MEMBER.object);
    org.edit(member.Id, { [MEMBER.fields.wonReferrals]: 99 });
    await org.settle();
    const found = await report();
    const different = await rowsOf(found.id, 'different');
    expect(different).toMatchObject([
      { object: 'contact', id: ada, detail: expect.stringContaining(MEMBER.fields.wonReferrals) },
      // The friend's record tells of the member too.
      { object: 'contact', id: friend, detail: expect.stringContaining(MEMBER.fields.wonReferrals) },
      { object: 'deal', id: deal, detail: expect.stringContaining(REWARD.fields.amount) },
    ]);
    await org.sweep();
    expect((await report()).counts).toMatchObject({ different: 0, unexplained: 0 });
    expect(org.rows(REWARD.object).map((row: Json) => row[REWARD.fields.amount])).not.toContain(7);
  });

  test('tells how the connection does, with the org’s own count of its calls', async () => {
    const { status, body } = await org.stack.api('GET', `/connections/${connectionId}/health`);
    expect(status).toBe(200);
    expect(body.api.use).toMatchObject({ of: 'everyone', windowMs: 86_400_000 });
    expect(body.api.use.used).toBeGreaterThan(0);
    expect(body.token.state).toBe('valid');
    expect(body.lastReport.counts.unexplained).toBe(0);
  });
});
