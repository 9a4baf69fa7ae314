import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ACTION, MEMBER, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

/** What our rows in the org say of a referral after it has ended, changed hands, or become one with another. */
let org: SalesforceStack;
let ada: string;
let hal: string;

beforeAll(async () => {
  org = await startSalesforceStack({ clock: quickClock() });
  expect((await org.install()).status).toBe(200);
}, 120_000);
afterAll(() => org.close());

let turn = 0;
beforeEach(() => {
  turn += 1;
  ada = person('Ada');
  hal = person('Hal');
});

const person = (name: string, more: object = {}) =>
  org.create('Contact', { LastName: `${name}${turn}`, Email: `${name.toLowerCase()}${turn}@people.example`, ...more });
const friendOf = (memberId: string, name: string) => person(name, { [PERSON_FIELDS.referredBy]: memberId });
function dealOf(contactId: string, StageName = 'Closed Won'): string {
  const fields = { Name: 'Engines', CloseDate: '2026-12-31', Amount: 1_000, StageName };
  const id = org.create('Opportunity', fields);
  join(id, contactId);
  return id;
}
const join = (OpportunityId: string, ContactId: string) =>
  org.create('OpportunityContactRole', { OpportunityId, ContactId, IsPrimary: true });
function leave(deal: string, contactId: string): void {
  const roles = org.rows('OpportunityContactRole');
  const role = roles.find((row) => row.OpportunityId === deal && row.ContactId === contactId);
  org.salesforce.control.remove(org.orgId, String(role?.Id));
}

const referralOf = (friendId: string): Json =>
  org.rows(REFERRAL.object).find((row) => row[REFERRAL.fields.friendContact] === friendId);
const memberRow = (contactId: string): Json =>
  org.rows(MEMBER.object).find((row) => row[MEMBER.fields.contact] === contactId);
const rowIn = (object: string, id: string): Json => org.rows(object).find((row) => row.Id === id);
const rewardsOf = (referral: Json, deal?: string) =>
  org
    .rows(REWARD.object)
    .filter(
      (row) =>
        row.Referral__c === referral.Id && row[REWARD.fields.opportunity] === (deal ?? row[REWARD.fields.opportunity]),
    )
    .map((row) => `${row[REWARD.fields.party]} ${row[REWARD.fields.state]}`)
    .sort();

/** Everything that the org shows is what the store says it should: no record differs from it. */
async function expectNothingStale(): Promise<void> {
  const { store } = org.stack.service;
  const { problems, accounts } = await store.audited(org.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
  // Every row of ours against the store, whoever wrote it.
  const { accountId } = await org.connection();
  const page = { limit: 200, cursor: null };
  const referrals = (await store.reads.referrals(accountId, page, {})).items;
  for (const row of org.rows(REFERRAL.object)) {
    const referral = referrals.find(({ id }) => id === row[REFERRAL.key]);
    expect(row[REFERRAL.fields.stage], `stage of ${row.Name}`).toBe(referral?.stage);
    const member = org.rows(MEMBER.object).find((one) => one.Id === row.Member__c);
    expect(member?.[MEMBER.key]).toBe(referral?.memberId);
  }
  const { items: rewards } = await store.reads.rewards(accountId, page, {});
  for (const row of org.rows(REWARD.object)) {
    const owner = rowIn(REFERRAL.object, row.Referral__c)?.[REFERRAL.key];
    const own = rewards.filter(
      ({ referralId, party, deal }) =>
        referralId === owner && party === row[REWARD.fields.party] && deal.id === row[REWARD.fields.opportunity],
    );
    const newest = own.toSorted((a, b) => b.createdAt - a.createdAt)[0];
    if (newest) expect(row[REWARD.fields.state], `reward ${row.Name}`).toBe(newest.state);
  }
}

const api = async (method: string, path: string, body?: object) => {
  const answer = await org.stack.api(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  await org.settle();
  return answer.body;
};
const keyOf = (friendId: string): string => referralOf(friendId)[REFERRAL.key];

describe('a referral that is declined', () => {
  test('because it turns out that somebody referred themselves takes its rewards back, and asks for nothing any more', async () => {
    const friend = friendOf(ada, 'Bob');
    const deal = dealOf(friend);
    await org.sweep();
    const row = referralOf(friend);
    expect(rewardsOf(row)).toEqual(['friend issued', 'member issued']);
    org.edit(friend, { Email: `ada${turn}@people.example` });
    await org.sweep();
    expect(rowIn(REFERRAL.object, row.Id)).toMatchObject({
      [REFERRAL.fields.stage]: 'declined',
      [REFERRAL.fields.nextStep]: null,
    });
    expect(rewardsOf(row)).toEqual(['friend clawed_back', 'member clawed_back']);
    expect(memberRow(ada)).toMatchObject({ [MEMBER.fields.wonReferrals]: 0 });
    org.edit(deal, { Amount: 2_000 });
    await org.sweep();
    expect(rowIn(REFERRAL.object, row.Id)[REFERRAL.fields.nextStep]).toBeNull();
    await expectNothingStale();
  });

  test.each(['declined', 'expired'])('or %s by a person’s word says so, without a next step', async (stage) => {
    const friend = friendOf(ada, 'Bob');
    await org.sweep();
    const row = referralOf(friend);
    expect(row[REFERRAL.fields.nextStep]).toContain('Create a deal');
    const asked = org.create(ACTION.object, {
      [ACTION.fields.type]: 'set_stage',
      [ACTION.fields.status]: 'pending',
      [ACTION.key]: `set ${turn}`,
      [ACTION.fields.request]: JSON.stringify({ v: 1, by: 'flow', stage, note: 'Said so.' }),
      Referral__c: row.Id,
    });
    await org.sweep();
    expect(rowIn(ACTION.object, asked)[ACTION.fields.status]).toBe('done');
    expect(rowIn(REFERRAL.object, row.Id)).toMatchObject({
      [REFERRAL.fields.stage]: stage,
      [REFERRAL.fields.nextStep]: null,
    });
    await expectNothingStale();
  });
});

describe('a deal that becomes another friend’s', () => {
  test('ends the first one’s rewards in their rows, too, and the second one’s begin', async () => {
    const first = friendOf(ada, 'Bob');
    const second = friendOf(hal, 'Cleo');
    const deal = dealOf(first);
    await org.sweep();
    const [row, other] = [referralOf(first), referralOf(second)];
    expect(rewardsOf(row)).toEqual(['friend issued', 'member issued']);
    leave(deal, first);
    join(deal, second);
    await org.sweep();
    expect(rewardsOf(rowIn(REFERRAL.object, row.Id))).toEqual(['friend clawed_back', 'member clawed_back']);
    expect(rewardsOf(other)).toEqual(['friend issued', 'member issued']);
    await expectNothingStale();
  });
});

describe('a referral that is given to another member', () => {
  test('is under that member, whose rewards it pays; both show their sums', async () => {
    const friend = friendOf(ada, 'Bob');
    dealOf(friend);
    friendOf(hal, 'Cleo');
    await org.sweep();
    const row = referralOf(friend);
    const to = memberRow(hal);
    await api('POST', `/referrals/${keyOf(friend)}/re-attribute`, { memberId: to[MEMBER.key], why: 'It was Hal.' });
    await org.sweep();
    expect(rewardsOf(rowIn(REFERRAL.object, row.Id))).toEqual(['friend issued', 'member issued']);
    expect([memberRow(ada), memberRow(hal)].map((one) => one[MEMBER.fields.wonReferrals])).toEqual([0, 1]);
    expect(memberRow(ada)[MEMBER.fields.rewardsReversed]).toContain('100');
    expect(memberRow(hal)[MEMBER.fields.rewardsIssued]).toContain('100');
    await expectNothingStale();
  });
});

describe('friends who turn out to be one person', () => {
  // The earlier referral goes on, whichever of the two records the CRM keeps.
  test.each(['first', 'second'])('each keep their row, also when the %s one’s record is what is left', async (left) => {
    const first = friendOf(ada, 'Bob');
    const dealOfFirst = dealOf(first);
    await org.sweep();
    const second = friendOf(hal, 'Bobby');
    const dealOfSecond = dealOf(second);
    await org.sweep();
    const [row, other] = [referralOf(first), referralOf(second)];
    const [kept, gone] = left === 'first' ? [first, second] : [second, first];
    org.salesforce.control.merge(org.orgId, kept, [gone]);
    await org.sweep();
    expect(rowIn(REFERRAL.object, row.Id)[REFERRAL.fields.friendContact]).toBe(kept);
    await expectNothingStale();
    org.edit(dealOfSecond, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rewardsOf(other, dealOfSecond)).toEqual(['friend clawed_back', 'member clawed_back']);
    expect(rewardsOf(row, dealOfFirst)).toEqual(['friend issued', 'member issued']);
    org.edit(dealOfFirst, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rewardsOf(row, dealOfFirst)).toEqual(['friend clawed_back', 'member clawed_back']);
    expect([row, other].map(({ Id }) => rowIn(REFERRAL.object, Id)[REFERRAL.fields.stage])).toEqual(['lost', 'lost']);
    await expectNothingStale();
  });

  test('have their evidence found under the record that is left, also when it names nobody any more', async () => {
    const first = friendOf(ada, 'Bob');
    await org.sweep();
    const second = friendOf(hal, 'Bobby');
    await org.sweep();
    org.edit(second, { [PERSON_FIELDS.referredBy]: null });
    await org.sweep();
    const keys = [keyOf(first), keyOf(second)];
    org.salesforce.control.merge(org.orgId, second, [first]);
    await org.sweep();
    const contacts = await Promise.all(
      keys.map(async (key) => (await api('GET', `/referrals/${key}`)).friend.contact.id),
    );
    expect(contacts).toEqual([second, first]);
    await expectNothingStale();
  });
});

describe('members who turn out to be one person', () => {
  test('each keep their row with what is theirs, also when it changes afterwards', async () => {
    const [friend, other] = [friendOf(ada, 'Bob'), friendOf(hal, 'Cleo')];
    dealOf(friend);
    const deal = dealOf(other);
    await org.sweep();
    const joined = memberRow(hal);
    expect(joined[MEMBER.fields.wonReferrals]).toBe(1);
    org.salesforce.control.merge(org.orgId, ada, [hal]);
    await org.sweep();
    org.edit(deal, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rowIn(MEMBER.object, joined.Id)).toMatchObject({
      [MEMBER.fields.wonReferrals]: 0,
      [MEMBER.fields.rewardsReversed]: expect.stringContaining('100'),
    });
    await expectNothingStale();
  });
});

describe('a member who was forgotten', () => {
  test('leaves rows that follow what becomes of their referrals', async () => {
    const friend = friendOf(ada, 'Bob');
    const deal = dealOf(friend);
    await org.sweep();
    const row = referralOf(friend);
    const member = memberRow(ada);
    await api('POST', '/people/erase', { email: `ada${turn}@people.example` });
    org.edit(deal, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rewardsOf(row)).toEqual(['friend clawed_back', 'member clawed_back']);
    expect(rowIn(MEMBER.object, member.Id)).toMatchObject({
      Name: member[MEMBER.fields.code],
      [MEMBER.fields.contact]: null,
    });
    await expectNothingStale();
  });
});
