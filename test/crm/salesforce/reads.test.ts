import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OBJECTS, PERSON_FIELDS, REFERRAL } from '../../../manifests/salesforce/package.ts';
import { isSeen } from '../../../src/application/reconcile.ts';
import { plainDecimal } from '../../../src/crm/salesforce/wire.ts';
import { stageFromMetadata } from '../../../src/domain/mapping.ts';
import { NOTHING_WANTED } from '../../../src/domain/property.ts';
import type { OrgSeed } from '../../../src/sandbox/salesforce/org.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

async function other(org: OrgSeed): Promise<World> {
  await world.close();
  world = await startWorld({ org });
  return world;
}

const person = (LastName: string, more: object = {}) => ({ LastName, ...more });
const opportunity = (more: object = {}) => ({
  Name: 'Deal',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  ...more,
});

function create(object: string, fields: object): string {
  return world.control.create(world.orgId, object, fields as Record<string, never>);
}
async function deal(id: string) {
  const [found, ...more] = await world.session.readDeals([id]);
  expect(more).toEqual([]);
  return found;
}
async function contact(id: string) {
  const [found, ...more] = await world.session.readContacts([id]);
  expect(more).toEqual([]);
  return found;
}

describe('a lead and the contact that it becomes', () => {
  test('are one person: asked for under either id the contact comes, with what was written on the lead', async () => {
    const { control, orgId } = world;
    const member = create('Contact', person('Ada'));
    const lead = create('Lead', {
      ...person('Bob', { Company: 'Acme', Email: 'bob@acme.example' }),
      [PERSON_FIELDS.usedCode]: 'K7QF-93MX-P2RA',
      [PERSON_FIELDS.referredBy]: member,
    });
    expect(await contact(lead)).toMatchObject({
      ref: { object: 'contact', id: lead },
      presence: 'present',
      name: 'Bob',
      email: 'bob@acme.example',
      usedCode: 'K7QF-93MX-P2RA',
      referredByIds: [member],
      formerIds: [],
    });
    const { contactId, opportunityId } = control.convert(orgId, lead, { opportunityName: 'Acme deal' });
    const told = { ref: { id: contactId }, usedCode: 'K7QF-93MX-P2RA', referredByIds: [member], formerIds: [lead] };
    expect(await contact(lead)).toMatchObject(told);
    expect(await contact(contactId)).toMatchObject(told);
    const both = await world.session.readContacts([lead, contactId]);
    expect(both.map(({ ref }) => ref.id)).toEqual([contactId]);
    const deals = await world.session.dealsOfContacts([contactId]);
    expect(deals.get(contactId)).toEqual([opportunityId]);
  });

  test('a lead has no deals, and none are looked for', async () => {
    const lead = create('Lead', person('Bob', { Company: 'Acme' }));
    expect(await world.session.dealsOfContacts([lead])).toEqual(new Map([[lead, []]]));
  });

  test('that was merged into another lead, which was converted, into a contact that was merged, lives on in the last', async () => {
    const { control, orgId } = world;
    const [one, two] = ['One', 'Two'].map((name) => create('Lead', person(name, { Company: 'Acme' })));
    const last = create('Contact', person('Last'));
    control.merge(orgId, two ?? '', [one ?? '']);
    const { contactId } = control.convert(orgId, two ?? '', {});
    control.merge(orgId, last, [contactId]);
    const found = await contact(one ?? '');
    expect(found?.ref.id).toBe(last);
    expect(found?.formerIds).toEqual(expect.arrayContaining([one, two]));
  });

  test('is found by its address once, as the contact', async () => {
    const { control, orgId } = world;
    const lead = create('Lead', person('Bob', { Company: 'Acme', Email: 'bob@acme.example' }));
    expect(await world.session.contactsByEmail(['bob@acme.example'])).toEqual([lead]);
    const { contactId } = control.convert(orgId, lead, {});
    expect(await world.session.contactsByEmail(['bob@acme.example'])).toEqual([contactId]);
  });
});

describe('an opportunity', () => {
  test('without contact roles has no people, and without an amount has none', async () => {
    expect(await deal(create('Opportunity', opportunity()))).toMatchObject({
      presence: 'present',
      contactIds: [],
      history: [{ amount: null, stageId: 'Prospecting' }],
    });
  });

  test('comes with its own probability and close date, by no call more, and without the one that nobody may see', async () => {
    const { control, orgId, session } = world;
    const id = create('Opportunity', opportunity({ Probability: 35 }));
    await session.readDeals([id]);
    world.calls();
    expect((await deal(id))?.prospect).toEqual({ chance: 3_500, closesAt: Date.UTC(2026, 11, 31) });
    expect(world.calls()).toBe(1);
    control.edit(orgId, id, { Probability: null });
    expect((await deal(id))?.prospect).toMatchObject({ chance: null });
    control.remove(orgId, id);
    expect(await deal(id)).not.toHaveProperty('prospect');
  });

  test('of which the connected user may not see the probability is read all the same', async () => {
    world.control.setAccess(world.orgId, 'Opportunity', 'Probability', 'none');
    const id = create('Opportunity', opportunity({ Amount: 5 }));
    expect(await deal(id)).toMatchObject({
      history: [{ amount: '5' }],
      prospect: { chance: null, closesAt: Date.UTC(2026, 11, 31) },
    });
  });

  test('names its primary contact first, and nobody whose role was taken away', async () => {
    const { control, orgId } = world;
    const [ada, bob, eve] = ['Ada', 'Bob', 'Eve'].map((name) => create('Contact', person(name)));
    const id = create('Opportunity', opportunity());
    const role = (ContactId: string | undefined, IsPrimary = false) =>
      create('OpportunityContactRole', { OpportunityId: id, ContactId, IsPrimary });
    role(ada);
    const gone = role(eve);
    role(bob, true);
    control.remove(orgId, gone);
    expect((await deal(id))?.contactIds).toEqual([bob, ada]);
  });

  test('is asked for by the id of a contact role as well, also of one that was taken away', async () => {
    const { control, orgId } = world;
    const ada = create('Contact', person('Ada'));
    const id = create('Opportunity', opportunity());
    const role = create('OpportunityContactRole', { OpportunityId: id, ContactId: ada });
    control.remove(orgId, role);
    const found = await world.session.readDeals([role, id]);
    expect(found).toMatchObject([{ ref: { id }, presence: 'present', contactIds: [], formerIds: [role] }]);
  });

  test('whose roles changed is newer than it was, though nothing of itself was touched', async () => {
    const { time } = world;
    const ada = create('Contact', person('Ada'));
    const id = create('Opportunity', opportunity());
    time.advance(5_000);
    const before = await deal(id);
    const since = time.clock();
    create('OpportunityContactRole', { OpportunityId: id, ContactId: ada });
    time.advance(5_000);
    expect((await deal(id))?.modifiedAt).toBe(since);
    expect(since).toBeGreaterThan(before?.modifiedAt ?? 0);
    const page = await world.session.changedSince({ object: 'deal', since, cursor: null });
    expect(page.records).toEqual([{ id, modifiedAt: since }]);
  });

  test('of a person account belongs to that person without any role', async () => {
    await other({ features: { personAccounts: true } });
    const account = create('Account', person('Ada', { PersonEmail: 'ada@example.com' }));
    const id = create('Opportunity', opportunity({ AccountId: account }));
    const [owner] = (await deal(id))?.contactIds ?? [];
    expect(await contact(owner ?? '')).toMatchObject({ name: 'Ada', email: 'ada@example.com' });
    expect((await world.session.dealsOfContacts([owner ?? ''])).get(owner ?? '')).toEqual([id]);
    const wanted = { ...NOTHING_WANTED, isCompanyWanted: true };
    expect(await world.session.readContacts([owner ?? ''], wanted)).toMatchObject([{ company: null }]);
  });

  test('in an org with several currencies is in its own, and without one in the corporate currency', async () => {
    await other({ features: { multiCurrency: true }, currencies: ['EUR', 'USD'] });
    expect((await world.session.account()).homeCurrency).toBe('EUR');
    const own = create('Opportunity', opportunity({ Amount: 12.5, CurrencyIsoCode: 'USD' }));
    expect((await deal(own))?.history.at(-1)).toMatchObject({ amount: '12.5', currency: 'USD' });
  });

  test('has its amount to the last digit, however large', async () => {
    const id = create('Opportunity', opportunity({ Amount: 123_456_789_012.34 }));
    expect((await deal(id))?.history.at(-1)?.amount).toBe('123456789012.34');
  });

  test('with more histories than one page holds comes with all of them', async () => {
    await world.close();
    world = await startWorld({ sandbox: { queryPageSize: 3 } });
    const { control, orgId, time } = world;
    const at = time.clock() - 100_000;
    const id = control.create(orgId, 'Opportunity', opportunity(), { at });
    for (let amount = 1; amount <= 10; amount += 1)
      control.edit(orgId, id, { Amount: amount }, { at: at + amount * 1_000 });
    expect((await deal(id))?.history.map((point) => point.amount)).toEqual([null, ...'123456789', '10']);
  });

  test('whose record type is another pipeline is in it, and the stages of all pipelines are the org’s', async () => {
    const { control, orgId } = world;
    const typeId = control.addRecordType(orgId, {
      developerName: 'Renewal',
      sobjectType: 'Opportunity',
      name: 'Renewal',
    });
    const id = create('Opportunity', opportunity({ RecordTypeId: typeId }));
    expect((await deal(id))?.history.at(-1)?.pipelineId).toBe(typeId);
    const { pipelines } = await world.session.stages();
    expect(pipelines.map(({ label }) => label)).toEqual(['Opportunities', 'Renewal']);
    expect(pipelines[0]?.stages).toEqual(pipelines[1]?.stages);
  });
});

describe('changes within one second', () => {
  test('are all told, each at a moment of its own, and none that was read is missing later', async () => {
    const { control, orgId, time } = world;
    const at = time.clock() - 10_000;
    const id = control.create(orgId, 'Opportunity', opportunity(), { at });
    control.edit(orgId, id, { StageName: 'Closed Won' }, { at: at + 1_000 });
    const before = (await deal(id))?.history ?? [];
    control.edit(orgId, id, { StageName: 'Prospecting' }, { at: at + 1_000 });
    control.edit(orgId, id, { StageName: 'Closed Lost' }, { at: at + 1_000 });
    const after = (await deal(id))?.history ?? [];
    expect(after.map((point) => [point.at - at, point.stageId])).toEqual([
      [0, 'Prospecting'],
      [1_000, 'Closed Won'],
      [1_001, 'Prospecting'],
      [1_002, 'Closed Lost'],
    ]);
    expect(after.slice(0, before.length)).toEqual(before);
  });
});

describe('what a stage means', () => {
  test('is told by IsWon and IsClosed, whatever its name or its probability', async () => {
    const { control, orgId } = world;
    control.addStage(orgId, { name: 'Closed Won (Test)', probability: 100 });
    control.addStage(orgId, { name: 'Verloren', probability: 0, isClosed: true });
    control.addStage(orgId, { name: 'Gewonnen', probability: 70, isClosed: true, isWon: true });
    const { pipelines } = await world.session.stages();
    const meaning = (id: string) => {
      const stage = pipelines[0]?.stages.find((one) => one.id === id);
      return stage && stageFromMetadata(stage);
    };
    expect(['Closed Won (Test)', 'Verloren', 'Gewonnen', 'Closed Won'].map(meaning)).toEqual([
      'opportunity',
      'lost',
      'won',
      'won',
    ]);
  });
});

describe('what is gone', () => {
  test('from the recycle bin as well is told once a day by the deletions, and is deleted', async () => {
    const { control, orgId, time } = world;
    const id = create('Opportunity', opportunity());
    const since = time.clock();
    control.remove(orgId, id);
    control.purge(orgId);
    expect(await deal(id)).toMatchObject({ presence: 'deleted', ref: { id } });
    const sameDay = await world.session.changedSince({ object: 'deal', since, cursor: null });
    expect(sameDay.records.map((record) => record.id)).not.toContain(id);
    time.advance(86_400_000);
    const nextDay = await world.session.changedSince({ object: 'deal', since, cursor: null });
    expect(nextDay.records.map((record) => record.id)).toContain(id);
  });

  test('is judged by the org’s clock: one that comes back is news to a node that is hours ahead, one that is still gone is none', async () => {
    const { control, orgId, time, session } = world;
    const nodeIsAheadBy = 7_200_000;
    const ids = { deal: create('Opportunity', opportunity()), contact: create('Contact', person('Ada')) };
    for (const id of Object.values(ids)) {
      control.remove(orgId, id);
      control.purge(orgId);
    }
    time.advance(120_000);
    const facts = { deal: await deal(ids.deal), contact: await contact(ids.contact) };
    const readAt = time.clock() + nodeIsAheadBy;
    time.advance(86_400_000);
    for (const object of ['deal', 'contact'] as const) {
      const modifiedAt = facts[object]?.modifiedAt ?? null;
      const read = { at: readAt, modifiedAt, isDeleted: true as const };
      const since = time.clock() - 86_400_000 - 600_000;
      const told = (await session.changedSince({ object, since, cursor: null })).records;
      const [gone] = told.filter(({ id }) => id === ids[object]);
      expect(gone && isSeen(gone.modifiedAt, read)).toBe(true);
      // Restored ten minutes after it was found gone: before the time that the node noted.
      expect(isSeen(readAt - nodeIsAheadBy + 600_000, read)).toBe(false);
    }
  });

  test('in the bin is told by the scan at once', async () => {
    const { control, orgId, time } = world;
    const ada = create('Contact', person('Ada'));
    time.advance(5_000);
    const since = time.clock();
    control.remove(orgId, ada);
    const { records } = await world.session.changedSince({ object: 'contact', since, cursor: null });
    expect(records).toEqual([{ id: ada, modifiedAt: since }]);
  });
});

describe('the scan', () => {
  test('goes on through many pages of one second, and each record comes once', async () => {
    const { control, orgId, time } = world;
    const at = time.clock() - 10_000;
    const ids = Array.from({ length: 4_100 }, (_, index) =>
      control.create(orgId, 'Contact', { LastName: `N${index}` }, { at }),
    );
    const found: string[] = [];
    let pages = 0;
    for (let cursor: string | null = null; ; ) {
      const page = await world.session.changedSince({ object: 'contact', since: at, cursor });
      pages += 1;
      found.push(...page.records.map(({ id }) => id));
      if (page.next === null) break;
      cursor = page.next;
    }
    expect([found.length, new Set(found).size, pages]).toEqual([ids.length, ids.length, 3]);
  });

  test('that finds nothing costs one call for each of the two kinds', async () => {
    const { session, time } = world;
    // Not behind midnight, when deletions are asked for as well.
    time.advance(3_600_000);
    world.calls();
    await session.changedSince({ object: 'deal', since: time.clock() - 600_000, cursor: null });
    await session.changedSince({ object: 'contact', since: time.clock() - 600_000, cursor: null });
    expect(world.calls()).toBe(2);
  });
});

describe('a read within the second of a change', () => {
  test('does not claim to have seen all of that second', async () => {
    const { time } = world;
    const id = create('Opportunity', opportunity());
    const stamp = time.clock();
    expect((await deal(id))?.modifiedAt).toBe(stamp - 1);
    time.advance(1_000);
    expect((await deal(id))?.modifiedAt).toBe(stamp);
  });
});

describe('an org whose package has a namespace', () => {
  test('is read and written by the names that it has there', async () => {
    const root = 'extensions/salesforce/force-app/main/default';
    await other({ package: { root, namespace: 'wonward' } });
    const id = create('Contact', { ...person('Bob'), [`wonward__${PERSON_FIELDS.usedCode}`]: 'K7QF' });
    expect((await contact(id))?.usedCode).toBe('K7QF');
    const report = await world.session.provision();
    expect(report.conflicts).toEqual([]);
    expect(report.existing).toContain('wonward__Referral__c.wonward__Stage__c');
  });

  test('and one where our objects may not be seen says so, and is read all the same', async () => {
    const { control, orgId } = world;
    for (const { object } of OBJECTS) control.setAccess(orgId, object, null, 'none');
    const id = create('Contact', person('Bob'));
    expect(await contact(id)).toMatchObject({ presence: 'present', usedCode: null, referredByIds: [] });
    const { conflicts } = await world.session.provision();
    expect(conflicts).toEqual([{ name: 'The Wonward package', problem: expect.stringContaining('not installed') }]);
    const values = { kind: 'rows' as const, members: [], referrals: [], rewards: [] };
    expect(await world.session.writeMirror('contact', [{ id, values }])).toMatchObject([{ result: 'unprovisioned' }]);
  });
});

describe('an org that has Salesforce’s own Referral object', () => {
  const root = 'extensions/salesforce/force-app/main/default';
  test.each(['', 'wonward'])(
    'is read and written as any other, and that object is left alone (namespace "%s")',
    async (namespace) => {
      const prefix = namespace === '' ? '' : `${namespace}__`;
      await other({ features: { nativeReferral: true }, package: { root, namespace } });
      const theirs = create('Referral', { Name: 'Theirs' });
      expect((await world.session.provision()).conflicts).toEqual([]);
      const id = create('Contact', person('Bob'));
      const referral = {
        ...{ key: 'ref_1', memberKey: 'mem_1', friendContactId: id, program: 'Partners', stage: 'won' as const },
        ...{ source: 'label', submittedAt: '2026-11-20T08:00:00.000Z', stageSince: '2026-11-20T08:00:00.000Z' },
      };
      const member = {
        key: 'mem_1',
        name: 'Ada',
        program: null,
        code: 'K7QF',
        shareLink: 'https://wonward.test/r/K7QF',
      };
      const values = { kind: 'rows' as const, members: [member], referrals: [referral], rewards: [] };
      expect(await world.session.writeMirror('contact', [{ id, values }])).toEqual([{ id, result: 'written' }]);
      const rows = (object: string) => world.control.list(world.orgId, object).map(({ Id, Name }) => [Id, Name]);
      expect(rows('Referral')).toEqual([[theirs, 'Theirs']]);
      expect(rows(`${prefix}${REFERRAL.object}`)).toHaveLength(1);
    },
  );
});

describe('a field that may not be read', () => {
  test('is a fault that names it: nothing is concluded from an amount that nobody saw', async () => {
    const { control, orgId } = world;
    const id = create('Opportunity', opportunity({ Amount: 10 }));
    expect((await deal(id))?.history.at(-1)?.amount).toBe('10');
    control.setAccess(orgId, 'Opportunity', 'Amount', 'none');
    await expect(deal(id)).rejects.toMatchObject({
      code: 'crm_forbidden',
      publicText: expect.stringContaining('Opportunity.Amount'),
    });
    control.setAccess(orgId, 'Opportunity', 'Amount', 'edit');
    expect((await deal(id))?.history.at(-1)?.amount).toBe('10');
  });

  test('that is no matter of ours is left out of what a rule asked for', async () => {
    const { control, orgId } = world;
    control.addField(orgId, 'Opportunity', { name: 'Invoice__c', type: 'string', length: 20 });
    const id = create('Opportunity', opportunity({ Invoice__c: 'paid' }));
    const wanted = { ...NOTHING_WANTED, deal: ['Invoice__c', 'Gone__c'] };
    const [found] = await world.session.readDeals([id], wanted);
    expect(found?.history.at(-1)?.properties).toEqual({ Invoice__c: 'paid' });
    control.deleteField(orgId, 'Opportunity', 'Invoice__c');
    const [after] = await world.session.readDeals([id], wanted);
    expect(after?.history.at(-1)?.properties ?? {}).toEqual({});
  });
});

describe('numbers', () => {
  test.each([
    ['1.25E7', '12500000'],
    ['1.234567891234E10', '12345678912.34'],
    ['-2.5E-3', '-0.0025'],
    ['9.99E2', '999'],
    ['250.50', '250.50'],
    ['0.0', '0.0'],
  ])('%s is %s', (written, plain) => {
    expect(plainDecimal(written)).toBe(plain);
  });
});
