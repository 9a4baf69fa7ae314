import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACTION, CONSENT_TEXT, MEMBER, REFERRAL, REWARD } from '../../../manifests/salesforce/package.ts';
import type { ConsentWords, MirrorRow } from '../../../src/application/ports/crm.ts';
import { MEANINGS } from '../../../src/crm/salesforce/errors.ts';
import type { MemberRow, RecordRows, ReferralRow, RewardRow } from '../../../src/domain/mirror.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const AT = '2026-11-20T08:00:00.000Z';

const member = (key: string, own?: Partial<MemberRow['own']> & { contactId: string }): MemberRow => ({
  key,
  name: 'Ada',
  program: 'Partners',
  code: `CODE-${key}`,
  shareLink: `https://wonward.test/r/${key}`,
  ...(own
    ? {
        own: {
          referrals: 1,
          wonReferrals: 1,
          rewardsHeld: '10.00 EUR',
          rewardsApproved: null,
          rewardsIssued: null,
          rewardsReversed: null,
          lastReward: null,
          lastRewardAt: null,
          lastRewardReason: null,
          tier: null,
          ...own,
        },
      }
    : {}),
});
const referral = (key: string, more: Partial<ReferralRow> = {}): ReferralRow => ({
  key,
  memberKey: 'mem_1',
  friendContactId: null,
  program: 'Partners',
  stage: 'won',
  source: 'label',
  submittedAt: AT,
  stageSince: AT,
  ...more,
});
const reward = (key: string, more: Partial<RewardRow> = {}): RewardRow => ({
  key,
  referralKey: 'ref_1',
  dealId: null,
  party: 'member',
  rule: 'Member reward',
  state: 'held',
  money: { amount: '10.00', currency: 'EUR' },
  reasonCode: 'held',
  reason: 'Held.',
  nextStep: null,
  decidedAt: AT,
  releaseAt: null,
  issuedAt: null,
  ...more,
});
const rows = (id: string, more: Partial<RecordRows> = {}): MirrorRow => ({
  id,
  values: { kind: 'rows', members: [], referrals: [], rewards: [], ...more },
});

const contact = (LastName = 'Bob') => world.control.create(world.orgId, 'Contact', { LastName });
const table = (object: string) => world.control.list(world.orgId, object, { limit: 2_000 });
const write = (...all: MirrorRow[]) => world.session.writeMirror('contact', all);

describe('rows of our own objects', () => {
  test('are made with those that they belong to, in one call, and a second time nothing more is made', async () => {
    const friend = contact();
    const bundle = rows(friend, {
      members: [member('mem_1')],
      referrals: [referral('ref_1', { friendContactId: friend })],
      rewards: [reward('row_1')],
    });
    await write(rows(contact(), { members: [member('mem_0')] }));
    world.calls();
    expect(await write(bundle)).toEqual([{ id: friend, result: 'written' }]);
    // One to read whose customers they are, one to write.
    expect(world.calls()).toBe(2);
    expect(await write(bundle)).toEqual([{ id: friend, result: 'written' }]);
    const [made] = table(REFERRAL.object);
    expect([table(MEMBER.object).length, table(REFERRAL.object).length, table(REWARD.object).length]).toEqual([
      2, 1, 1,
    ]);
    expect(table(MEMBER.object)).toMatchObject([{ Name: 'Ada' }, { Name: 'Ada' }]);
    expect(made).toMatchObject({ [REFERRAL.fields.friendContact]: friend, [REFERRAL.fields.stage]: 'won' });
    expect(table(REWARD.object)).toMatchObject([{ [REWARD.fields.amount]: 10, [REWARD.fields.currency]: 'EUR' }]);
  });

  test('name the account of the friend, and of the member, so that the account’s page and reports find them', async () => {
    const { control, orgId } = world;
    const account = control.create(orgId, 'Account', { Name: 'Acme' });
    const friend = control.create(orgId, 'Contact', { LastName: 'Bob', AccountId: account });
    await write(
      rows(friend, {
        members: [member('mem_1', { contactId: friend })],
        referrals: [referral('ref_1', { friendContactId: friend })],
      }),
    );
    expect(table(REFERRAL.object)).toMatchObject([{ [REFERRAL.fields.account]: account }]);
    expect(table(MEMBER.object)).toMatchObject([
      { [MEMBER.fields.account]: account, [MEMBER.fields.program]: 'Partners' },
    ]);
  });

  test('of a friend who is a lead name the lead, and the contact once it is one', async () => {
    const { control, orgId } = world;
    const lead = control.create(orgId, 'Lead', { LastName: 'Bob', Company: 'Acme' });
    const bundle = (id: string) =>
      rows(id, { members: [member('mem_1')], referrals: [referral('ref_1', { friendContactId: id })] });
    await write(bundle(lead));
    expect(table(REFERRAL.object)).toMatchObject([{ [REFERRAL.fields.friendLead]: lead }]);
    const { contactId } = control.convert(orgId, lead, {});
    await write(bundle(contactId));
    expect(table(REFERRAL.object)).toMatchObject([{ [REFERRAL.fields.friendContact]: contactId }]);
  });

  test('say why nothing is paid: a row without an amount', async () => {
    const friend = contact();
    const skipped = reward('row_1', { state: 'skipped', money: null, reasonCode: 'amount_missing' });
    await write(rows(friend, { members: [member('mem_1')], referrals: [referral('ref_1')], rewards: [skipped] }));
    expect(table(REWARD.object)).toMatchObject([
      { [REWARD.fields.state]: 'skipped', [REWARD.fields.amount]: null, [REWARD.fields.reasonCode]: 'amount_missing' },
    ]);
  });

  test('of five hundred friends of one member are written by their hundreds, the member once', async () => {
    const friends = Array.from({ length: 500 }, () => contact());
    await write(rows(contact(), { members: [member('mem_0')] }));
    world.calls();
    const bundles = friends.map((id) =>
      rows(id, { members: [member('mem_1')], referrals: [referral(`ref_${id}`, { friendContactId: id })] }),
    );
    const outcomes = await write(...bundles);
    expect(outcomes.every(({ result }) => result === 'written')).toBe(true);
    expect(table(REFERRAL.object)).toHaveLength(500);
    // To write one part for the member and three for the referrals; to read three.
    expect(world.calls()).toBe(2);
  });

  test('of one member go beside each other, so that no two calls hold one member at the same time', async () => {
    const members = [member('mem_1'), member('mem_2')];
    const bundles = Array.from({ length: 300 }, (_, index) => {
      const memberKey = `mem_${(index % 2) + 1}`;
      return rows(contact(), { members, referrals: [referral(`ref_${index}`, { memberKey })] });
    });
    await write(...bundles);
    // In the order in which they were sent; 300 are two calls.
    const owners = table(REFERRAL.object).map((row) => row.Member__c);
    expect(owners).toHaveLength(300);
    expect(owners.filter((owner, index) => owner !== owners[index - 1])).toHaveLength(2);
  });

  test('that are longer than their field are cut with a sign, not refused', async () => {
    const friend = contact();
    const long = reward('row_1', { rule: 'R'.repeat(300) });
    expect(
      await write(rows(friend, { members: [member('mem_1')], referrals: [referral('ref_1')], rewards: [long] })),
    ).toEqual([{ id: friend, result: 'written' }]);
    expect(String(table(REWARD.object)[0]?.[REWARD.fields.rule])).toMatch(/^R+…$/);
  });
});

describe('what the org refuses', () => {
  const bundle = (id: string, key = 'ref_1') =>
    rows(id, { members: [member('mem_1')], referrals: [referral(key, { friendContactId: id })] });

  test('by a validation rule is a rejection with the rule’s own words, of that record only', async () => {
    const [one, two] = [contact('One'), contact('Two')];
    world.control.setValidationRules(world.orgId, [
      {
        object: REFERRAL.object,
        message: 'Ask Eve first.',
        when: { field: REFERRAL.key, is: 'equal', value: 'ref_1' },
      },
    ]);
    expect(await write(bundle(one), bundle(two, 'ref_2'))).toEqual([
      { id: one, result: 'rejected', detail: expect.stringContaining('Ask Eve first.') },
      { id: two, result: 'written' },
    ]);
  });

  test('since the friend is deleted is gone, so that the record is read again', async () => {
    const friend = contact();
    world.control.remove(world.orgId, friend);
    expect(await write(bundle(friend))).toEqual([{ id: friend, result: 'gone' }]);
  });

  test.each([
    ['UNABLE_TO_LOCK_ROW', 'retry'],
    ['ENTITY_IS_LOCKED', 'retry'],
    ['STORAGE_LIMIT_EXCEEDED', 'retry'],
    ['CANNOT_EXECUTE_FLOW_TRIGGER', 'rejected'],
    ['DUPLICATES_DETECTED', 'rejected'],
    ['INSUFFICIENT_ACCESS_OR_READONLY', 'rejected'],
    ['A_CODE_OF_NEXT_YEAR', 'rejected'],
  ])('with %s is %s', async (code, result) => {
    const friend = contact();
    // The org has been looked at.
    await write(rows(contact(), { members: [member('mem_0')] }));
    // The first of the two calls reads.
    world.control.addFault({ target: 'api', path: '*/composite', times: 2, effect: { kind: 'rows', code } });
    const [outcome] = await write(bundle(friend));
    expect(outcome).toMatchObject({ id: friend, result, detail: expect.stringContaining(code) });
    expect(await write(bundle(friend))).toEqual([{ id: friend, result: 'written' }]);
  });

  test('a field that was deleted since the org was looked at costs one attempt, and the rest is written', async () => {
    const friend = contact();
    await write(bundle(friend));
    world.control.deleteField(world.orgId, REFERRAL.object, REFERRAL.fields.program);
    expect(await write(bundle(friend))).toMatchObject([{ result: 'unprovisioned' }]);
    expect(await write(bundle(friend))).toEqual([{ id: friend, result: 'written' }]);
    const report = await world.session.provision();
    expect(report.conflicts.map(({ name }) => name)).toEqual([`${REFERRAL.object}.${REFERRAL.fields.program}`]);
  });

  test('a member that is refused holds up its referral, and its friend is the one who hears', async () => {
    const friend = contact();
    world.control.setValidationRules(world.orgId, [
      { object: MEMBER.object, message: 'No.', when: { field: MEMBER.key, is: 'equal', value: 'mem_1' } },
    ]);
    expect(await write(bundle(friend))).toMatchObject([{ id: friend, result: 'rejected' }]);
  });
});

describe('a duplicate rule of the org', () => {
  const rule = (action: 'alert' | 'block', object: string = MEMBER.object, field = 'Name') =>
    world.control.setDuplicateRules(world.orgId, [{ object, fields: [field], action }]);
  const another = () => rows(contact(), { members: [member('mem_2')] });
  const saving = () => world.connector.open({ ...world.access, duplicateRules: 'allow' });
  beforeEach(async () => {
    await write(rows(contact(), { members: [member('mem_1')] }));
  });

  test('that warns is respected unless somebody says otherwise, and the refusal says what an admin can do', async () => {
    rule('alert');
    for (const session of [world.session, world.connector.open({ ...world.access, duplicateRules: 'respect' })])
      expect(await session.writeMirror('contact', [another()])).toMatchObject([
        {
          result: 'rejected',
          detail: expect.stringMatching(/^DUPLICATES_DETECTED: .*the connection’s setting duplicateRules\.$/),
        },
      ]);
    expect(table(MEMBER.object)).toHaveLength(1);
  });

  test('that warns is passed over where the connection says so, for every row of a collection', async () => {
    rule('alert');
    const all = [another(), rows(contact(), { members: [member('mem_3')], referrals: [referral('ref_3')] })];
    expect(await saving().writeMirror('contact', all)).toMatchObject([{ result: 'written' }, { result: 'written' }]);
    expect(table(MEMBER.object)).toHaveLength(3);
  });

  test('that blocks refuses also then, and the refusal names the rule’s action', async () => {
    rule('block');
    expect(await saving().writeMirror('contact', [another()])).toMatchObject([
      { result: 'rejected', detail: expect.stringContaining('set its action to "Allow"') },
    ]);
    expect(table(MEMBER.object)).toHaveLength(1);
  });

  test('on what is asked for holds back the answer, or does not', async () => {
    const asked = ['1', '2'].map((key) =>
      world.control.create(world.orgId, ACTION.object, {
        [ACTION.fields.type]: 'enrol_member',
        [ACTION.fields.status]: 'pending',
        [ACTION.key]: `enrol_member:${key}`,
      }),
    );
    rule('alert', ACTION.object, ACTION.fields.type);
    const answers = asked.map((id) => ({ id, status: 'done', code: 'created', words: 'Done.', result: {} }) as const);
    expect(await world.session.requests?.answer(answers)).toEqual(asked);
    expect(await saving().requests?.answer(answers)).toEqual([]);
  });
});

describe('what is read out to a friend', () => {
  const words: ConsentWords = { version: 1, language: 'en', text: 'We keep your name.\nAsk us what we keep.' };
  const show = (wanted: ConsentWords | null, session = world.session) => session.showConsent?.(wanted);
  const { object, key, fields } = CONSENT_TEXT;
  const shown = () =>
    table(object).map((row) => [row[key], row[fields.version], row[fields.language], row[fields.text]]);

  test('is one row, written when it is another than it was, and read by one call when it is the same', async () => {
    expect(await show(null)).toEqual({ result: 'same' });
    expect(shown()).toEqual([]);
    expect(await show(words)).toEqual({ result: 'written' });
    expect(shown()).toEqual([['friend', 1, 'en', words.text]]);
    world.calls();
    expect(await show(words)).toEqual({ result: 'same' });
    expect(world.calls()).toBe(1);
    expect(await show({ version: 2, language: 'de', text: 'Neu.' })).toEqual({ result: 'written' });
    expect(shown()).toEqual([['friend', 2, 'de', 'Neu.']]);
    expect(await show(null)).toEqual({ result: 'written' });
    expect(shown()).toEqual([['friend', null, null, null]]);
    expect(await show(null)).toEqual({ result: 'same' });
  });

  test('is put right when somebody changed it, and the ends of lines that Salesforce keeps are no change', async () => {
    await show(words);
    const id = String(table(object)[0]?.Id);
    world.control.edit(world.orgId, id, { [fields.text]: `${words.text.replaceAll('\n', '\r\n')}` });
    expect(await show(words)).toEqual({ result: 'same' });
    world.control.edit(world.orgId, id, { [fields.text]: 'We keep nothing.' });
    expect(await show(words)).toEqual({ result: 'written' });
    expect(shown()).toEqual([['friend', 1, 'en', words.text]]);
    // The bin keeps the key of what lies in it.
    world.control.remove(world.orgId, id);
    expect(await show(words)).toMatchObject({ result: 'refused', detail: expect.stringContaining('empty the bin') });
    world.control.purge(world.orgId);
    expect(await show(words)).toEqual({ result: 'written' });
    expect(shown()).toEqual([['friend', 1, 'en', words.text]]);
  });

  test('is not shown in halves: without a field nothing is written, and without the right to one it says so', async () => {
    world.control.setAccess(world.orgId, object, fields.version, 'read');
    expect(await show(words)).toMatchObject({ result: 'refused', detail: expect.stringContaining(fields.version) });
    expect(shown()).toEqual([]);
    world.control.setAccess(world.orgId, object, null, 'none');
    // As in an org with a package of before there was one: told once, however many fields it has.
    expect((await world.session.provision()).conflicts).toEqual([
      { name: object, problem: expect.stringContaining('upgrade the package') },
    ]);
    expect(await show(words)).toEqual({ result: 'unprovisioned' });
  });

  test('is refused in the org’s own words by a rule of the org, and is a fault for what passes', async () => {
    world.control.setValidationRules(world.orgId, [
      { object, message: 'Legal writes these.', when: { field: key, is: 'equal', value: 'friend' } },
    ]);
    expect(await show(words)).toEqual({
      result: 'refused',
      name: object,
      detail: expect.stringContaining('Legal writes these.'),
    });
    world.control.setValidationRules(world.orgId, []);
    world.control.addFault({
      target: 'api',
      path: '*/composite',
      times: 20,
      effect: { kind: 'status', status: 503, html: true },
    });
    await expect(show(words)).rejects.toMatchObject({ code: 'crm_unavailable' });
  });

  test('has the names of the package in an org where it has a namespace', async () => {
    const root = 'extensions/salesforce/force-app/main/default';
    await world.close();
    world = await startWorld({ org: { package: { root, namespace: 'wonward' } } });
    expect(await show(words)).toEqual({ result: 'written' });
    expect(table(`wonward__${object}`)[0]).toMatchObject({ [`wonward__${fields.text}`]: words.text });
  });
});

describe('the table of refusals', () => {
  test('names codes of the vendor’s own lists only', async () => {
    const { readFileSync } = await import('node:fs');
    const types = readFileSync('node_modules/@salesforce/types/lib/partner.d.ts', 'utf8');
    // Of the REST API alone, which is not in the WSDL: "Status Codes and Error Responses", REST API Developer Guide.
    const ofRest = new Set(['NOT_FOUND', 'PROCESSING_HALTED', 'QUERY_TIMEOUT', 'SERVER_UNAVAILABLE', 'APEX_ERROR']);
    const unknown = Object.keys(MEANINGS).filter((code) => !types.includes(`'${code}'`) && !ofRest.has(code));
    expect(unknown).toEqual([]);
  });
});
