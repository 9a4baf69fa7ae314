import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checksum, normaliseId } from '../../../src/sandbox/salesforce/ids.ts';
import { errorOf, type Json, PACKAGE, startWorld, tokensFor, type World } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const create = async (object: string, body: object): Promise<string> => {
  const answer = await world.call('POST', `/sobjects/${object}`, body);
  expect([answer.status, answer.body.success]).toEqual([201, true]);
  return answer.body.id;
};
const read = async (object: string, id: string): Promise<Json> =>
  (await world.call('GET', `/sobjects/${object}/${id}`)).body;
const opportunity = (more: object = {}): object => ({
  Name: 'Deal',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  ...more,
});

describe('ids', () => {
  it('have the checksum that Salesforce’s own examples have', () => {
    // Ids of Salesforce's documentation, in both lengths.
    for (const id of ['006SM0000001Tb3YAE', '005SM000000146PYAQ', '0015f00002JUXA8AAP', '0055f000005mc66AAA']) {
      expect(id.slice(0, 15) + checksum(id.slice(0, 15))).toBe(id);
      expect(normaliseId(id.slice(0, 15))).toBe(id);
    }
    expect(normaliseId('006SM0000001Tb3YAF')).toBeNull();
    expect(normaliseId('006SM0000001Tb3')).toBe('006SM0000001Tb3YAE');
    expect(normaliseId('006SM0000001Tb3Y')).toBeNull();
  });

  it('differ by case alone after a few dozen records, and each is found in 15 and in 18 characters', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 30; count += 1)
      ids.push(world.control.create(world.orgId, 'Contact', { LastName: `N${count}` }));
    expect(new Set(ids.map((id) => id.slice(0, 15).toLowerCase())).size).toBeLessThan(30);
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(30);
    expect((await read('Contact', (ids[26] ?? '').slice(0, 15))).LastName).toBe('N26');
    expect((await read('Contact', ids[0] ?? '')).LastName).toBe('N0');
  });
});

describe('one record', () => {
  it('is created, read, changed and deleted through jsforce', async () => {
    const made = await world.conn
      .sobject('Contact')
      .create({ LastName: 'Berg', FirstName: 'Ann', Email: 'ann@example.com' });
    const found = (await world.conn.sobject('Contact').retrieve(made.id ?? '')) as Json;
    expect([found.Name, found.Email, found.OwnerId.slice(0, 3)]).toEqual(['Ann Berg', 'ann@example.com', '005']);
    expect(found.CreatedDate).toBe('2026-11-22T10:00:00.000+0000');
    await world.conn.sobject('Contact').update({ Id: made.id ?? '', Title: 'CTO' });
    expect(((await world.conn.sobject('Contact').retrieve(made.id ?? '')) as Json).Title).toBe('CTO');
    await world.conn.sobject('Contact').destroy(made.id ?? '');
    expect(errorOf(await world.call('GET', `/sobjects/Contact/${made.id}`))).toEqual([404, 'ENTITY_IS_DELETED']);
    expect(errorOf(await world.call('PATCH', `/sobjects/Contact/${made.id}`, {}))).toEqual([404, 'ENTITY_IS_DELETED']);
  });

  it('keeps whole seconds only', async () => {
    world.now.value += 789;
    const id = await create('Contact', { LastName: 'x' });
    expect((await read('Contact', id)).SystemModstamp).toBe('2026-11-22T10:00:00.000+0000');
    const found = await world.query('SELECT Id FROM Contact WHERE SystemModstamp = 2026-11-22T10:00:00Z');
    expect(found.body.totalSize).toBe(1);
  });

  it('cannot point at a record in the recycle bin', async () => {
    const account = world.control.create(world.orgId, 'Account', { Name: 'Acme' });
    world.control.remove(world.orgId, account);
    expect(errorOf(await world.call('POST', '/sobjects/Contact', { LastName: 'x', AccountId: account }))).toEqual([
      400,
      'ENTITY_IS_DELETED',
    ]);
  });

  it.each([
    ['an unknown field', 'Contact', { LastName: 'x', Foo__c: 1 }, 400, 'INVALID_FIELD'],
    ['an unknown object', 'Nope__c', {}, 404, 'NOT_FOUND'],
    ['a required field left out', 'Contact', { FirstName: 'x' }, 400, 'REQUIRED_FIELD_MISSING'],
    ['a required field of blanks', 'Contact', { LastName: '  ' }, 400, 'REQUIRED_FIELD_MISSING'],
    ['a text too long', 'Contact', { LastName: 'x'.repeat(81) }, 400, 'STRING_TOO_LONG'],
    ['no e-mail address', 'Contact', { LastName: 'x', Email: 'nobody' }, 400, 'INVALID_EMAIL_ADDRESS'],
    ['a text for a number', 'Opportunity', opportunity({ Amount: '10' }), 400, 'JSON_PARSER_ERROR'],
    ['a number for a text', 'Contact', { LastName: 5 }, 400, 'JSON_PARSER_ERROR'],
    ['a day that is none', 'Opportunity', opportunity({ CloseDate: '2026-02-30' }), 400, 'JSON_PARSER_ERROR'],
    [
      'a field of the platform’s own',
      'Opportunity',
      opportunity({ IsWon: true }),
      400,
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ],
    ['a formula of the platform’s', 'Contact', { LastName: 'x', Name: 'y' }, 400, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
    [
      'an id in a create',
      'Contact',
      { LastName: 'x', Id: '003000000000001AAA' },
      400,
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ],
    ['an id of another object', 'Contact', { LastName: 'x', AccountId: '003Hs100000000A' }, 400, 'MALFORMED_ID'],
    ['an id of nobody', 'Contact', { LastName: 'x', AccountId: '001Hs1000000zzz' }, 400, 'INVALID_CROSS_REFERENCE_KEY'],
    [
      'a stage that is none',
      'Opportunity',
      opportunity({ StageName: 'Won' }),
      400,
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ],
    ['an object of Setup', 'OpportunityStage', { MasterLabel: 'x' }, 400, 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY'],
    ['a number out of range', 'Opportunity', opportunity({ Amount: 1e17 }), 400, 'NUMBER_OUTSIDE_VALID_RANGE'],
  ])('%s is refused', async (_name, object, body, status, code) => {
    expect(errorOf(await world.call('POST', `/sobjects/${object}`, body))).toEqual([status, code]);
    expect(Object.values(world.control.org(world.orgId).counts).every((count) => count === 0)).toBe(true);
  });

  it('is found by its external id, and upserted: made once, changed after', async () => {
    const path = '/sobjects/Referral_Member__c/External_Id__c/m-1';
    const made = await world.call('PATCH', path, { Name: 'Ann' });
    expect([made.status, made.body.created]).toEqual([201, true]);
    const again = await world.call('PATCH', path, { Name: 'Anna' });
    expect([again.status, again.body.created, again.body.id]).toEqual([200, false, made.body.id]);
    expect((await world.call('GET', path)).body.Name).toBe('Anna');
    // Case matters in an external id that says so.
    expect((await world.call('PATCH', '/sobjects/Referral_Member__c/External_Id__c/M-1', {})).body.created).toBe(true);
    expect(errorOf(await world.call('PATCH', path, { External_Id__c: 'm-1' }))).toEqual([400, 'INVALID_FIELD']);
    expect(errorOf(await world.call('GET', '/sobjects/Contact/Email/a@example.com'))).toEqual([404, 'NOT_FOUND']);
  });

  it('an external id that several records have is answered with the addresses of all, and nothing is written', async () => {
    world.control.addField(world.orgId, 'Contact', { name: 'Key__c', type: 'string', length: 20, externalId: true });
    const ids = [
      await create('Contact', { LastName: 'a', Key__c: 'k' }),
      await create('Contact', { LastName: 'b', Key__c: 'k' }),
    ];
    const answer = await world.call('PATCH', '/sobjects/Contact/Key__c/k', { Title: 'x' });
    expect(answer.status).toBe(300);
    expect(answer.body).toEqual(ids.map((id) => `/services/data/v66.0/sobjects/Contact/${id}`));
    const { body } = await world.query("SELECT Id FROM Contact WHERE Title = 'x'");
    expect(body.totalSize).toBe(0);
  });

  it('a detail needs its master, may go to another where the package says so, and goes with it', async () => {
    const referral = await create('Referral__c', { External_Id__c: 'r-1', Stage__c: 'won' });
    const reward = await create('Referral_Reward__c', {
      External_Id__c: 'w-1',
      Referral__r: { External_Id__c: 'r-1' },
      Amount__c: 50,
      Currency__c: 'EUR',
    });
    expect((await read('Referral_Reward__c', reward)).Referral__c).toBe(referral);
    expect((await read('Referral__c', referral)).Name).toBe('REF-000001');
    expect(errorOf(await world.call('POST', '/sobjects/Referral_Reward__c', { External_Id__c: 'w-2' }))).toEqual([
      400,
      'REQUIRED_FIELD_MISSING',
    ]);
    expect(
      errorOf(
        await world.call('POST', '/sobjects/Referral_Reward__c', {
          External_Id__c: 'w-2',
          Referral__r: { External_Id__c: 'nobody' },
        }),
      ),
    ).toEqual([400, 'INVALID_FIELD']);
    const other = await create('Referral__c', { External_Id__c: 'r-2' });
    expect((await world.call('PATCH', `/sobjects/Referral_Reward__c/${reward}`, { Referral__c: other })).status).toBe(
      204,
    );
    await world.call('DELETE', `/sobjects/Referral__c/${referral}`);
    expect((await read('Referral_Reward__c', reward)).Referral__c).toBe(other);
    await world.call('DELETE', `/sobjects/Referral__c/${other}`);
    expect(errorOf(await world.call('GET', `/sobjects/Referral_Reward__c/${reward}`))).toEqual([
      404,
      'ENTITY_IS_DELETED',
    ]);
  });

  it('a detail cannot leave its master where the package does not say so', async () => {
    const root = mkdtempSync(join(tmpdir(), 'salesforce-package-'));
    cpSync(PACKAGE, root, { recursive: true });
    const file = join(root, 'objects/Referral_Reward__c/fields/Referral__c.field-meta.xml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('Detail>true', 'Detail>false'));
    const fixed = await startWorld({ orgs: [{ package: { root } }] });
    try {
      const { body } = await fixed.call('POST', '/sobjects/Referral__c', { External_Id__c: 'r-1' });
      const made = { External_Id__c: 'w-1', Referral__c: body.id };
      const reward = await fixed.call('POST', '/sobjects/Referral_Reward__c', made);
      const moved = await fixed.call('PATCH', `/sobjects/Referral_Reward__c/${reward.body.id}`, {
        Referral__c: body.id,
      });
      expect(errorOf(moved)).toEqual([400, 'INVALID_FIELD_FOR_INSERT_UPDATE']);
    } finally {
      await fixed.close();
      rmSync(root, { recursive: true });
    }
  });

  it('a restricted picklist takes only its active values', async () => {
    expect(
      errorOf(await world.call('POST', '/sobjects/Referral__c', { External_Id__c: 'r', Stage__c: 'Won' })),
    ).toEqual([400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST']);
    const action = await create('Referral_Action__c', { Idempotency_Key__c: 'k', Type__c: 'submit_referral' });
    expect((await read('Referral_Action__c', action)).Status__c).toBe('pending');
  });

  it('a unique value is refused even while its owner is in the recycle bin', async () => {
    const id = await create('Referral__c', { External_Id__c: 'r-1' });
    const again = await world.call('POST', '/sobjects/Referral__c', { External_Id__c: 'r-1' });
    expect(errorOf(again)).toEqual([400, 'DUPLICATE_VALUE']);
    expect(again.body[0].message).toContain(id.slice(0, 15));
    world.control.remove(world.orgId, id);
    expect(errorOf(await world.call('POST', '/sobjects/Referral__c', { External_Id__c: 'r-1' }))).toEqual([
      400,
      'DUPLICATE_VALUE',
    ]);
    world.control.purge(world.orgId);
    await create('Referral__c', { External_Id__c: 'r-1' });
  });
});

describe('what an admin set up', () => {
  it('a field that security hides does not exist, and one that it protects cannot be written', async () => {
    const id = await create('Contact', { LastName: 'x', Email: 'x@example.com' });
    world.control.setAccess(world.orgId, 'Contact', 'Email', 'none');
    expect((await read('Contact', id)).Email).toBeUndefined();
    expect(errorOf(await world.call('PATCH', `/sobjects/Contact/${id}`, { Email: 'y@example.com' }))).toEqual([
      400,
      'INVALID_FIELD',
    ]);
    expect(errorOf(await world.query('SELECT Email FROM Contact'))).toEqual([400, 'INVALID_FIELD']);
    const fields = (await world.call('GET', '/sobjects/Contact/describe')).body.fields.map((one: Json) => one.name);
    expect(fields).not.toContain('Email');
    world.control.setAccess(world.orgId, 'Contact', 'Email', 'read');
    expect((await read('Contact', id)).Email).toBe('x@example.com');
    expect(errorOf(await world.call('PATCH', `/sobjects/Contact/${id}`, { Email: 'y@example.com' }))).toEqual([
      400,
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ]);
  });

  it('an object without access does not exist, and one that may be read may not be written', async () => {
    world.control.setAccess(world.orgId, 'Lead', null, 'none');
    expect(errorOf(await world.call('GET', '/sobjects/Lead/describe'))).toEqual([404, 'NOT_FOUND']);
    expect(errorOf(await world.query('SELECT Id FROM Lead'))).toEqual([400, 'INVALID_TYPE']);
    world.control.setAccess(world.orgId, 'Lead', null, 'read');
    expect(errorOf(await world.call('POST', '/sobjects/Lead', { LastName: 'x', Company: 'y' }))).toEqual([
      403,
      'INSUFFICIENT_ACCESS_OR_READONLY',
    ]);
  });

  it('a validation rule refuses with its own words', async () => {
    world.control.setValidationRules(world.orgId, [
      { object: 'Contact', message: 'A contact needs a title.', field: 'Title', when: { field: 'Title', is: 'blank' } },
    ]);
    const refused = await world.call('POST', '/sobjects/Contact', { LastName: 'x' });
    expect(refused.body).toEqual([
      { message: 'A contact needs a title.', errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', fields: ['Title'] },
    ]);
    await create('Contact', { LastName: 'x', Title: 'y' });
  });

  it('a duplicate rule blocks, or lets those save who say so', async () => {
    world.control.setDuplicateRules(world.orgId, [{ object: 'Lead', fields: ['Email'], action: 'alert' }]);
    const lead = { LastName: 'x', Company: 'y', Email: 'A@example.com' };
    await create('Lead', lead);
    const again = { ...lead, Email: 'a@EXAMPLE.com' };
    expect(errorOf(await world.call('POST', '/sobjects/Lead', again))).toEqual([400, 'DUPLICATES_DETECTED']);
    const header = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };
    expect((await world.call('POST', '/sobjects/Lead', again, header)).status).toBe(201);
    world.control.setDuplicateRules(world.orgId, [{ object: 'Lead', fields: ['Email'], action: 'block' }]);
    expect(errorOf(await world.call('POST', '/sobjects/Lead', again, header))).toEqual([400, 'DUPLICATES_DETECTED']);
  });

  it('full storage, a closed API and a spent limit each say so', async () => {
    world.control.setSettings(world.orgId, { storageFull: true });
    expect(errorOf(await world.call('POST', '/sobjects/Contact', { LastName: 'x' }))).toEqual([
      403,
      'STORAGE_LIMIT_EXCEEDED',
    ]);
    world.control.setSettings(world.orgId, { storageFull: false, apiEnabled: false });
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([403, 'API_DISABLED_FOR_ORG']);
    world.control.setSettings(world.orgId, { apiEnabled: true, dailyRequests: 100 });
    const before = await world.call('GET', '/limits');
    expect(before.headers.get('sforce-limit-info')).toBe('api-usage=2/100');
    expect(before.body.DailyApiRequests).toEqual({ Max: 100, Remaining: 98 });
    world.control.useRequests(world.orgId, 98);
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([403, 'REQUEST_LIMIT_EXCEEDED']);
    world.now.value += 24 * 3_600_000;
    const { access_token } = await tokensFor(world.sandbox, world.orgId);
    const after = await world.call('GET', '/limits', undefined, { Authorization: `Bearer ${access_token}` });
    expect(after.headers.get('sforce-limit-info')).toBe('api-usage=1/100');
  });

  it('an org with several currencies has a currency on every record; another has none', async () => {
    expect(errorOf(await world.query('SELECT IsoCode FROM CurrencyType'))).toEqual([400, 'INVALID_TYPE']);
    const rich = await startWorld({ orgs: [{ features: { multiCurrency: true }, currencies: ['EUR', 'USD'] }] });
    try {
      const made = await rich.call('POST', '/sobjects/Opportunity', opportunity({ Amount: 5 }));
      expect((await rich.call('GET', `/sobjects/Opportunity/${made.body.id}`)).body.CurrencyIsoCode).toBe('EUR');
      expect(
        errorOf(await rich.call('POST', '/sobjects/Opportunity', opportunity({ CurrencyIsoCode: 'GBP' }))),
      ).toEqual([400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST']);
      // "CurrencyIsoCode" of OpportunityHistory, Field Reference Guide: a row keeps the currency of its moment.
      await rich.call('PATCH', `/sobjects/Opportunity/${made.body.id}`, { CurrencyIsoCode: 'USD' });
      await rich.call('PATCH', `/sobjects/Opportunity/${made.body.id}`, { Amount: 6 });
      const history = await rich.query('SELECT Amount, CurrencyIsoCode FROM OpportunityHistory ORDER BY Amount');
      expect(history.body.records.map((row: Json) => [row.Amount, row.CurrencyIsoCode])).toEqual([
        [5, 'EUR'],
        [6, 'USD'],
      ]);
      const { body } = await rich.query('SELECT IsoCode, IsCorporate FROM CurrencyType ORDER BY IsoCode');
      expect(body.records.map((row: Json) => [row.IsoCode, row.IsCorporate])).toEqual([
        ['EUR', true],
        ['USD', false],
      ]);
    } finally {
      await rich.close();
    }
  });

  it('a person account is an account and a contact at once', async () => {
    const persons = await startWorld({ orgs: [{ features: { personAccounts: true } }] });
    try {
      const made = await persons.call('POST', '/sobjects/Account', { LastName: 'Berg', PersonEmail: 'a@example.com' });
      const account = (await persons.call('GET', `/sobjects/Account/${made.body.id}`)).body;
      expect([account.IsPersonAccount, account.Name]).toEqual([true, 'Berg']);
      const contact = (await persons.call('GET', `/sobjects/Contact/${account.PersonContactId}`)).body;
      expect([contact.AccountId, contact.Email]).toEqual([account.Id, 'a@example.com']);
    } finally {
      await persons.close();
    }
  });

  it('a package’s fields on contacts and leads are written, read by path and listed from the other side', async () => {
    const ann = await create('Contact', { LastName: 'Ann' });
    const ben = await create('Contact', { LastName: 'Ben', Referral_Code_Used__c: 'ANN-1', Referred_By__c: ann });
    const cem = await create('Lead', { LastName: 'Cem', Company: 'C', Referred_By__c: ann });
    expect(await read('Contact', ben)).toMatchObject({ Referral_Code_Used__c: 'ANN-1', Referred_By__c: ann });
    const leads = await world.query("SELECT Referred_By__r.Name FROM Lead WHERE Referred_By__r.LastName = 'Ann'");
    expect(leads.body.records[0].Referred_By__r.Name).toBe('Ann');
    const { body } = await world.query(
      `SELECT (SELECT Id FROM Referred_Contacts__r), (SELECT Id FROM Referred_Leads__r) FROM Contact WHERE Id = '${ann}'`,
    );
    expect(body.records[0].Referred_Contacts__r.records[0].Id).toBe(ben);
    expect(body.records[0].Referred_Leads__r.records[0].Id).toBe(cem);
    const tooLong = await world.call('POST', '/sobjects/Contact', {
      LastName: 'x',
      Referral_Code_Used__c: 'x'.repeat(65),
    });
    expect(errorOf(tooLong)).toEqual([400, 'STRING_TOO_LONG']);
    await world.call('DELETE', `/sobjects/Contact/${ann}`);
    expect((await read('Contact', ben)).Referred_By__c).toBeNull();
  });

  it('a code on a lead stays on it when it is converted, unless an admin maps the field', async () => {
    const lead = await create('Lead', { LastName: 'Cem', Company: 'C', Referral_Code_Used__c: 'ANN-1' });
    const { contactId } = world.control.convert(world.orgId, lead);
    expect((await read('Contact', contactId)).Referral_Code_Used__c).toBeNull();
    expect((await read('Lead', lead)).Referral_Code_Used__c).toBe('ANN-1');
  });

  it('a managed package has its namespace on what it puts on a contact', async () => {
    const managed = await startWorld({
      orgs: [{ package: { root: 'extensions/salesforce/force-app/main/default', namespace: 'wnwd' } }],
    });
    try {
      const plain = await managed.call('POST', '/sobjects/Contact', { LastName: 'x', Referral_Code_Used__c: 'A' });
      expect(errorOf(plain)).toEqual([400, 'INVALID_FIELD']);
      const ann = await managed.call('POST', '/sobjects/Contact', { LastName: 'Ann' });
      const ben = await managed.call('POST', '/sobjects/Contact', {
        LastName: 'Ben',
        wnwd__Referral_Code_Used__c: 'ANN-1',
        wnwd__Referred_By__c: ann.body.id,
      });
      expect(ben.status).toBe(201);
      const { body } = await managed.query(
        "SELECT wnwd__Referred_By__r.Name, (SELECT Id FROM wnwd__Referred_Contacts__r) FROM Contact WHERE LastName = 'Ben'",
      );
      expect(body.records[0].wnwd__Referred_By__r.Name).toBe('Ann');
    } finally {
      await managed.close();
    }
  });

  it('a managed package has its namespace on objects, fields and relations', async () => {
    const managed = await startWorld({
      orgs: [{ package: { root: 'extensions/salesforce/force-app/main/default', namespace: 'wnwd' } }],
    });
    try {
      expect((await managed.call('GET', '/sobjects/Referral__c/describe')).status).toBe(404);
      const referral = await managed.call('PATCH', '/sobjects/wnwd__Referral__c/wnwd__External_Id__c/r-1', {});
      expect(referral.status).toBe(201);
      const reward = await managed.call('POST', '/sobjects/wnwd__Referral_Reward__c', {
        wnwd__External_Id__c: 'w-1',
        wnwd__Referral__r: { wnwd__External_Id__c: 'r-1' },
      });
      expect(reward.status).toBe(201);
      const { body } = await managed.query(
        'SELECT wnwd__Referral__r.wnwd__External_Id__c FROM wnwd__Referral_Reward__c',
      );
      expect(body.records[0].wnwd__Referral__r.wnwd__External_Id__c).toBe('r-1');
    } finally {
      await managed.close();
    }
  });
});

describe('opportunities', () => {
  it('take probability, won and closed from their stage, and keep a history of it', async () => {
    const contact = await create('Contact', { LastName: 'x' });
    const id = await create('Opportunity', opportunity({ Amount: 1000, ContactId: contact }));
    expect(await read('Opportunity', id)).toMatchObject({ Probability: 10, IsClosed: false, ExpectedRevenue: 100 });
    world.now.value += 60_000;
    await world.call('PATCH', `/sobjects/Opportunity/${id}`, { StageName: 'Closed Won', Amount: 1200.5 });
    expect(await read('Opportunity', id)).toMatchObject({
      IsWon: true,
      IsClosed: true,
      Probability: 100,
      ForecastCategory: 'Closed',
      LastStageChangeDate: '2026-11-22T10:01:00.000+0000',
    });
    const history = await world.query(
      `SELECT StageName, Amount, CreatedDate FROM OpportunityHistory WHERE OpportunityId = '${id}' ORDER BY CreatedDate`,
    );
    expect(history.body.records.map((row: Json) => [row.StageName, row.Amount, row.CreatedDate.slice(11, 19)])).toEqual(
      [
        ['Prospecting', 1000, '10:00:00'],
        ['Closed Won', 1200.5, '10:01:00'],
      ],
    );
    const fields = await world.query(
      `SELECT Field, OldValue, NewValue FROM OpportunityFieldHistory WHERE OpportunityId = '${id}' AND Field = 'StageName'`,
    );
    expect(fields.body.records[0]).toMatchObject({ OldValue: 'Prospecting', NewValue: 'Closed Won' });
    const roles = await world.query('SELECT ContactId, IsPrimary FROM OpportunityContactRole');
    expect(roles.body.records[0]).toMatchObject({ ContactId: contact, IsPrimary: true });
  });

  it('have one primary contact', async () => {
    const contacts = [await create('Contact', { LastName: 'a' }), await create('Contact', { LastName: 'b' })];
    const id = await create('Opportunity', opportunity({ ContactId: contacts[0] }));
    await create('OpportunityContactRole', { OpportunityId: id, ContactId: contacts[1], IsPrimary: true });
    const roles = await world.query('SELECT ContactId FROM OpportunityContactRole WHERE IsPrimary = true');
    expect(roles.body.records.map((row: Json) => row.ContactId)).toEqual([contacts[1]]);
    expect((await read('Opportunity', id)).ContactId).toBe(contacts[1]);
  });

  it('may be in a stage that was retired since, but no other can enter it', async () => {
    const id = await create('Opportunity', opportunity());
    world.control.editStage(world.orgId, 'Prospecting', { isActive: false });
    expect((await read('Opportunity', id)).StageName).toBe('Prospecting');
    expect((await world.call('PATCH', `/sobjects/Opportunity/${id}`, { Amount: 5 })).status).toBe(204);
    expect(errorOf(await world.call('POST', '/sobjects/Opportunity', opportunity()))).toEqual([
      400,
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ]);
  });

  it('become won when the type of their stage changes, and nothing looks touched', async () => {
    const id = await create('Opportunity', opportunity({ StageName: 'Negotiation/Review' }));
    const before = await read('Opportunity', id);
    world.now.value += 5_000;
    world.control.editStage(world.orgId, 'Negotiation/Review', { isClosed: true, isWon: true, label: 'Gewonnen' });
    const after = await read('Opportunity', id);
    expect([after.IsWon, after.SystemModstamp]).toEqual([true, before.SystemModstamp]);
    const stages = await world.query(
      "SELECT MasterLabel, IsWon FROM OpportunityStage WHERE ApiName = 'Negotiation/Review'",
    );
    expect(stages.body.records[0]).toMatchObject({ MasterLabel: 'Gewonnen', IsWon: true });
  });

  it('have the stages of their record type', async () => {
    const types = await startWorld({
      orgs: [
        {
          recordTypes: [
            { developerName: 'Renewal', sobjectType: 'Opportunity', stages: ['Closed Won', 'Closed Lost'] },
          ],
        },
      ],
    });
    try {
      const { body } = await types.query("SELECT Id FROM RecordType WHERE SobjectType = 'Opportunity'");
      const recordTypeId = body.records[0].Id;
      expect(
        errorOf(await types.call('POST', '/sobjects/Opportunity', opportunity({ RecordTypeId: recordTypeId }))),
      ).toEqual([400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST']);
      const offered = await types.call(
        'GET',
        `/ui-api/object-info/Opportunity/picklist-values/${recordTypeId}/StageName`,
      );
      expect(offered.body.values.map((value: Json) => value.value)).toEqual(['Closed Won', 'Closed Lost']);
    } finally {
      await types.close();
    }
  });
});

describe('the resources', () => {
  it('list versions without a session, and refuse those that are retired or to come', async () => {
    const versions = await fetch(`${world.tokens.instance_url}/services/data`);
    const list = (await versions.json()) as Json;
    expect(list.at(-1)).toEqual({ label: "Winter '27", url: '/services/data/v68.0', version: '68.0' });
    expect(list.find((one: Json) => one.version === '66.0').label).toBe("Spring '26");
    const old = await fetch(`${world.tokens.instance_url}/services/data/v20.0/limits`, {
      headers: { Authorization: `Bearer ${world.tokens.access_token}` },
    });
    expect(old.status).toBe(404);
  });

  it('jsforce describes the org, an object of the package and who is asking', async () => {
    const global = await world.conn.describeGlobal();
    expect(global.sobjects.map(({ name }) => name)).toContain('Referral_Reward__c');
    const reward = await world.conn.sobject('Referral_Reward__c').describe();
    const parent = reward.fields.find(({ name }) => name === 'Referral__c');
    expect([parent?.referenceTo, parent?.relationshipName, parent?.updateable]).toEqual([
      ['Referral__c'],
      'Referral__r',
      true,
    ]);
    const referral = await world.conn.sobject('Referral__c').describe();
    expect(referral.childRelationships).toContainEqual(
      expect.objectContaining({
        childSObject: 'Referral_Reward__c',
        relationshipName: 'Rewards__r',
        cascadeDelete: true,
      }),
    );
    expect((await world.conn.identity()).organization_id).toBe(world.orgId);
  });

  it('other methods, other media, broken JSON and endless addresses are refused', async () => {
    expect(errorOf(await world.call('POST', '/limits', {}))).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(errorOf(await world.call('GET', '/nothing'))).toEqual([404, 'NOT_FOUND']);
    expect(
      errorOf(await world.call('POST', '/sobjects/Contact', { LastName: 'x' }, { 'Content-Type': 'text/plain' })),
    ).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    const broken = await fetch(`${world.tokens.instance_url}/services/data/v66.0/sobjects/Contact`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${world.tokens.access_token}`, 'Content-Type': 'application/json' },
      body: '{',
    });
    expect(broken.status).toBe(400);
    const long = await world.query(`SELECT Id FROM Contact WHERE LastName = '${'x'.repeat(17_000)}'`);
    expect([long.status, long.body]).toEqual([414, expect.stringContaining('<html>')]);
  });
});
