import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACTION, CONSENT_TEXT, MEMBER, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

let org: SalesforceStack;
let ada: string;

const opportunity = (more: object = {}) => ({
  Name: 'Acme',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  Amount: 1_000,
  ...more,
});

beforeAll(async () => {
  org = await startSalesforceStack({ clock: quickClock() });
  ada = org.create('Contact', { LastName: 'Ada', Email: 'ada@member.example' });
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
}, 120_000);
afterAll(() => org.close());

const friendOf = (memberId: string, name = 'Bob') =>
  org.create('Contact', { LastName: name, [PERSON_FIELDS.referredBy]: memberId });
const dealOf = (contactId: string, more: object = {}) => {
  const id = org.create('Opportunity', opportunity(more));
  org.create('OpportunityContactRole', { OpportunityId: id, ContactId: contactId, IsPrimary: true });
  return id;
};
const rewardsOn = (dealId: string) =>
  org
    .rows(REWARD.object)
    .filter((row) => row[REWARD.fields.opportunity] === dealId)
    .map((row) => `${row[REWARD.fields.party]} ${row[REWARD.fields.state]} ${row[REWARD.fields.amount]}`)
    .sort();
const referralOf = (friendId: string): Json =>
  org.rows(REFERRAL.object).find((row) => row[REFERRAL.fields.friendContact] === friendId);

async function expectSound(): Promise<void> {
  const { store } = org.stack.service;
  const { problems, accounts } = await store.audited(org.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

describe('an opportunity that is won', () => {
  test('pays both sides once, and the org shows the member, the referral and each reward with its reason', async () => {
    const friend = friendOf(ada);
    const deal = dealOf(friend);
    await org.sweep();
    org.edit(deal, { StageName: 'Closed Won' });
    await org.sweep();
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    expect(referralOf(friend)).toMatchObject({
      [REFERRAL.fields.stage]: 'won',
      [REFERRAL.fields.opportunity]: deal,
      [REFERRAL.fields.program]: 'Friends of Acme',
    });
    const [reward] = org.rows(REWARD.object);
    expect(reward?.[REWARD.fields.reason]).toContain('Closed Won');
    const member = org.rows(MEMBER.object).find((row) => row[MEMBER.fields.contact] === ada);
    expect(member).toMatchObject({ Name: 'Ada', [MEMBER.fields.wonReferrals]: 1 });
    const { body } = await org.stack.api('GET', '/rewards');
    expect(body.items).toHaveLength(2);
    await expectSound();
  });

  test('and left again takes back what was paid, whatever was missed in between', async () => {
    const friend = friendOf(ada, 'Cleo');
    const deal = dealOf(friend);
    await org.sweep();
    org.edit(deal, { StageName: 'Closed Won' });
    org.edit(deal, { StageName: 'Closed Lost' });
    org.edit(deal, { StageName: 'Closed Won' });
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    org.edit(deal, { StageName: 'Closed Lost' });
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend clawed_back 50', 'member clawed_back 100']);
    await expectSound();
  });

  test('without an amount waits, and says what would make it pay', async () => {
    const friend = friendOf(ada, 'Dan');
    const deal = dealOf(friend, { Amount: null, StageName: 'Closed Won' });
    await org.sweep();
    const waiting = org
      .rows(REWARD.object)
      .find((row) => row[REWARD.fields.opportunity] === deal && row[REWARD.fields.party] === 'member');
    expect(waiting).toMatchObject({
      [REWARD.fields.state]: 'waiting',
      [REWARD.fields.amount]: null,
      [REWARD.fields.nextStep]: 'Enter an amount on the deal.',
    });
    org.edit(deal, { Amount: 300 });
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 30']);
  });

  test('of a friend who came as a lead is theirs, before and after the conversion', async () => {
    const lead = org.create('Lead', { LastName: 'Eve', Company: 'Initech', [PERSON_FIELDS.referredBy]: ada });
    await org.sweep();
    expect(org.rows(REFERRAL.object).filter((row) => row[REFERRAL.fields.friendLead] === lead)).toHaveLength(1);
    const { control } = org.salesforce;
    const { contactId, opportunityId } = control.convert(org.orgId, lead, { opportunityName: 'Initech' });
    org.edit(opportunityId ?? '', { Amount: 500, StageName: 'Closed Won' });
    await org.sweep();
    expect(rewardsOn(opportunityId ?? '')).toEqual(['friend issued 50', 'member issued 50']);
    const own = org.rows(REFERRAL.object).filter((row) => row[REFERRAL.fields.friendLead] === lead);
    expect(own).toMatchObject([{ [REFERRAL.fields.friendContact]: contactId }]);
    await expectSound();
  });

  test('whose contact role is taken away is nobody’s any more', async () => {
    const friend = friendOf(ada, 'Fay');
    const deal = dealOf(friend, { StageName: 'Closed Won' });
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    const role = org.rows('OpportunityContactRole').find((row) => row.OpportunityId === deal);
    org.salesforce.control.remove(org.orgId, String(role?.Id));
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend clawed_back 50', 'member clawed_back 100']);
  });

  test('and deleted, and brought back, is followed both ways', async () => {
    const { control } = org.salesforce;
    const friend = friendOf(ada, 'Gus');
    const deal = dealOf(friend, { StageName: 'Closed Won' });
    await org.sweep();
    control.remove(org.orgId, deal);
    await org.sweep();
    const { body } = await org.stack.api('GET', '/rewards?state=clawed_back');
    expect(body.items.filter((item: Json) => item.dealId === deal || item.deal?.id === deal)).toHaveLength(2);
    control.undelete(org.orgId, deal);
    await org.sweep();
    expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    await expectSound();
  });
});

describe('a duplicate rule of the org that warns of a row', () => {
  test('leaves it to an admin, who says once that it may be saved; then it is, and the ledger has not waited', async () => {
    const { id } = await org.connection();
    const settings = (duplicateRules: string) =>
      org.stack.api('PUT', `/connections/${id}/settings`, { duplicateRules });
    const friends = ['Lou', 'Max'].map((name) => friendOf(ada, name));
    const deals = friends.map((friend) => dealOf(friend));
    await org.sweep();
    // Equal for any two rewards of one opportunity, one for each side.
    org.salesforce.control.setDuplicateRules(org.orgId, [
      { object: REWARD.object, fields: [REWARD.fields.opportunity], action: 'alert' },
    ]);
    for (const deal of deals) org.edit(deal, { StageName: 'Closed Won' });
    await org.sweep();
    expect(deals.map((deal) => rewardsOn(deal).length)).toEqual([1, 1]);
    expect((await org.stack.api('GET', `/connections/${id}`)).body).toMatchObject({
      duplicateRules: 'respect',
      sync: { mirrorParked: 2 },
    });
    const { status, body } = await settings('allow');
    expect([status, body.duplicateRules]).toEqual([200, 'allow']);
    await org.settle();
    for (const deal of deals) expect(rewardsOn(deal)).toEqual(['friend issued 50', 'member issued 100']);
    expect((await org.stack.api('GET', `/connections/${id}`)).body.sync.mirrorParked).toBe(0);
    org.salesforce.control.setDuplicateRules(org.orgId, []);
    expect((await settings('respect')).body.duplicateRules).toBe('respect');
    await expectSound();
  });
});

describe('what is asked for in the org', () => {
  const ask = (type: string, key: string, more: object, request: object = {}) =>
    org.create(ACTION.object, {
      [ACTION.fields.type]: type,
      [ACTION.fields.status]: 'pending',
      [ACTION.key]: `${type}:${key}`,
      [ACTION.fields.request]: JSON.stringify({ v: 1, by: 'flow', ...request }),
      ...more,
    });
  const answer = (id: string): Json => {
    const row = org.rows(ACTION.object).find(({ Id }) => Id === id);
    return {
      status: row?.[ACTION.fields.status],
      code: row?.[ACTION.fields.outcomeCode],
      words: row?.[ACTION.fields.outcome],
      result: JSON.parse(row?.[ACTION.fields.result] ?? 'null'),
    };
  };

  test('is carried out and answered on its row: a member, a share link, a referral, a dispute', async () => {
    const hal = org.create('Contact', { LastName: 'Hal', Email: 'hal@example.com' });
    const friend = org.create('Contact', { LastName: 'Ida', Email: 'ida@example.com' });
    const enrol = ask('enrol_member', '1', { [ACTION.fields.contact]: hal });
    const again = ask('get_share_link', '1', { [ACTION.fields.contact]: hal });
    const submit = ask(
      'submit_referral',
      '1',
      { [ACTION.fields.contact]: friend },
      { member: { recordId: hal }, friend: { recordId: friend } },
    );
    await org.sweep();
    expect(answer(enrol)).toMatchObject({ status: 'done', code: 'created', words: 'Hal is a member now.' });
    expect(answer(again)).toMatchObject({ status: 'done', code: 'existing' });
    expect(answer(again).result).toEqual(answer(enrol).result);
    expect(answer(submit)).toMatchObject({ status: 'done', code: 'created' });
    await org.sweep();
    const referral = referralOf(friend);
    expect(referral?.[REFERRAL.key]).toBe(answer(submit).result.referralId);
    const dispute = ask(
      'open_dispute',
      '1',
      { Referral__c: referral?.Id },
      { claim: 'not_rewarded', note: 'They bought last week.' },
    );
    await org.sweep();
    expect(answer(dispute)).toMatchObject({ status: 'done', code: 'opened' });
    const { body } = await org.stack.api('GET', `/cases/${answer(dispute).result.caseId}`);
    expect(body.case).toMatchObject({ kind: 'dispute', summary: 'They bought last week.' });
  });

  test('keeps which words the people were shown: before, as a flow says, or on the page, as a rep says', async () => {
    for (const purpose of ['member', 'friend']) {
      const saved = { purpose, version: 0, texts: { en: `Words for a ${purpose}.` } };
      expect((await org.stack.api('POST', '/consent-texts', saved)).status).toBe(200);
    }
    const [mia, ole, pia] = ['Mia', 'Ole', 'Pia'].map((LastName) => org.create('Contact', { LastName }));
    const consent = { version: 1, language: 'en' };
    const enrol = ask('enrol_member', 'c1', { [ACTION.fields.contact]: mia }, { consent });
    const byRep = ask(
      'submit_referral',
      'c2',
      { [ACTION.fields.contact]: ole },
      { by: 'rep', member: { recordId: mia }, friend: { recordId: ole }, consent },
    );
    const silent = ask(
      'submit_referral',
      'c3',
      { [ACTION.fields.contact]: pia },
      { member: { recordId: mia }, friend: { recordId: pia } },
    );
    const unknown = ask(
      'enrol_member',
      'c4',
      { [ACTION.fields.contact]: pia },
      { consent: { version: 7, language: 'en' } },
    );
    await org.sweep();
    const kept = async (path: string) => (await org.stack.api('GET', `${path}/consents`)).body.items;
    expect(await kept(`/members/${answer(enrol).result.memberId}`)).toMatchObject([
      { purpose: 'member', version: 1, place: 'workflow', text: 'Words for a member.' },
    ]);
    expect(await kept(`/referrals/${answer(byRep).result.referralId}`)).toMatchObject([
      { purpose: 'friend', version: 1, place: 'card', text: 'Words for a friend.' },
    ]);
    expect(await kept(`/referrals/${answer(silent).result.referralId}`)).toEqual([]);
    expect(answer(unknown)).toMatchObject({ status: 'refused', code: 'no_such_consent_text' });
  });

  test('is shown on the page with the words that the friend is to be told, and kept as the version that it was', async () => {
    const { fields } = CONSENT_TEXT;
    const row = () => org.rows(CONSENT_TEXT.object).find((one) => one[CONSENT_TEXT.key] === 'friend');
    const shown = () => [row()?.[fields.version], row()?.[fields.language], row()?.[fields.text]];
    const save = (version: number, texts: object) =>
      org.stack.api('POST', '/consent-texts', { purpose: 'friend', version, texts });
    expect(shown()).toEqual([1, 'en', 'Words for a friend.']);
    expect((await save(1, { en: 'Other words.', de: 'Andere Worte.' })).status).toBe(200);
    await org.sweep();
    expect(shown()).toEqual([2, 'en', 'Other words.']);
    const modified = row()?.LastModifiedDate;
    await org.sweep();
    expect(row()?.LastModifiedDate).toBe(modified);
    // As the component says it, of the row that it read.
    const consent = { version: row()?.[fields.version], language: row()?.[fields.language] };
    const [una, vic] = ['Una', 'Vic'].map((LastName) => org.create('Contact', { LastName }));
    const told = ask(
      'submit_referral',
      'w1',
      { [ACTION.fields.contact]: vic },
      { by: 'rep', member: { recordId: una }, friend: { recordId: vic }, consent },
    );
    await org.sweep();
    const { body } = await org.stack.api('GET', `/referrals/${answer(told).result.referralId}/consents`);
    expect(body.items).toMatchObject([
      { purpose: 'friend', version: 2, language: 'en', place: 'card', text: 'Other words.' },
    ]);
  });

  test('cannot be read out where the org does not take the words: an admin is told, and everything else goes on', async () => {
    const { control } = org.salesforce;
    control.setValidationRules(org.orgId, [
      {
        object: CONSENT_TEXT.object,
        message: 'Legal writes these.',
        when: { field: CONSENT_TEXT.key, is: 'equal', value: 'friend' },
      },
    ]);
    await org.stack.api('POST', '/consent-texts', { purpose: 'friend', version: 2, texts: { en: 'Third words.' } });
    const xia = org.create('Contact', { LastName: 'Xia', Email: 'xia@example.com' });
    const enrol = ask('enrol_member', 'w2', { [ACTION.fields.contact]: xia });
    await org.sweep();
    expect(answer(enrol)).toMatchObject({ status: 'done' });
    const { id } = await org.connection();
    const alerts = async () =>
      (await org.stack.api('GET', `/connections/${id}/drift`)).body.items
        .filter(({ state }: Json) => state === 'open')
        .map(({ summary }: Json) => summary)
        .join();
    expect(await alerts()).toContain('Legal writes these.');
    control.setValidationRules(org.orgId, []);
    await org.sweep();
    expect(await alerts()).not.toContain('Legal writes these.');
    expect(org.rows(CONSENT_TEXT.object)[0]?.[CONSENT_TEXT.fields.text]).toBe('Third words.');
  });

  test('and cannot be done is refused in words, and never asked for again', async () => {
    const self = ask(
      'submit_referral',
      '2',
      { [ACTION.fields.contact]: ada },
      { member: { recordId: ada }, friend: { recordId: ada } },
    );
    const nobody = ask('submit_referral', '3', {}, { member: {}, friend: { email: 'x@example.com' } });
    const stage = ask('set_stage', '1', { Referral__c: org.rows(REFERRAL.object)[0]?.Id }, { stage: 'declined' });
    const broken = org.create(ACTION.object, {
      [ACTION.fields.type]: 'open_dispute',
      [ACTION.fields.status]: 'pending',
      [ACTION.key]: 'broken',
      [ACTION.fields.request]: '{"claim":',
    });
    await org.sweep();
    expect(answer(self)).toMatchObject({ status: 'refused', code: 'email_or_contact_required' });
    expect(answer(nobody)).toMatchObject({ status: 'refused', code: 'no_such_member' });
    expect(answer(stage)).toMatchObject({ status: 'refused', code: 'follows_the_deal' });
    expect(answer(broken)).toMatchObject({ status: 'refused', code: 'invalid_request' });
    // While no opportunity says it, somebody's word does.
    const ned = friendOf(ada, 'Ned');
    await org.sweep();
    const lone = { Referral__c: referralOf(ned).Id };
    const placed = ask('set_stage', '2', lone, { stage: 'qualified', note: 'Met at the fair.' });
    await org.sweep();
    expect(answer(placed)).toMatchObject({ status: 'done', code: 'set' });
    expect(referralOf(ned)[REFERRAL.fields.stage]).toBe('qualified');
    dealOf(ned);
    await org.sweep();
    expect(referralOf(ned)[REFERRAL.fields.stage]).toBe('opportunity');
    expect(org.rows(ACTION.object).filter((row) => row[ACTION.fields.status] === 'pending')).toEqual([]);
  });
});

describe('the stream', () => {
  test('pays a won opportunity and answers a flow without any sweep, and our own writes bring nothing back', async () => {
    const friend = friendOf(ada, 'Jay');
    const deal = dealOf(friend);
    const hired = org.create('Contact', { LastName: 'Kay', Email: 'kay@example.com' });
    const action = org.create(ACTION.object, {
      [ACTION.fields.type]: 'enrol_member',
      [ACTION.fields.status]: 'pending',
      [ACTION.key]: 'enrol_member:live',
      [ACTION.fields.request]: '{"v":1}',
      [ACTION.fields.contact]: hired,
    });
    org.edit(deal, { StageName: 'Closed Won' });
    await expect.poll(() => rewardsOn(deal), { timeout: 30_000 }).toEqual(['friend issued 50', 'member issued 100']);
    const status = () => org.rows(ACTION.object).find(({ Id }) => Id === action)?.[ACTION.fields.status];
    await expect.poll(status, { timeout: 30_000 }).toBe('done');
    await org.settle();
    const before = JSON.stringify([org.rows(REWARD.object), org.rows(REFERRAL.object)]);
    await org.sweep();
    expect(JSON.stringify([org.rows(REWARD.object), org.rows(REFERRAL.object)])).toBe(before);
    await expectSound();
  });

  test('that broke off is gone on with where it was, and what came meanwhile is not lost', async () => {
    const { control } = org.salesforce;
    control.breakStreams(org.orgId);
    const friend = friendOf(ada, 'Lea');
    const deal = dealOf(friend, { StageName: 'Closed Won' });
    await expect.poll(() => rewardsOn(deal), { timeout: 30_000 }).toEqual(['friend issued 50', 'member issued 100']);
    await expectSound();
  });
});
