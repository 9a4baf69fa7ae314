import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, type Json, startWorld, type World } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const contact = (more: object = {}): object => ({ attributes: { type: 'Contact' }, LastName: 'x', ...more });
const member = (key: string | undefined, more: object = {}): object => ({
  attributes: { type: 'Referral_Member__c' },
  ...(key === undefined ? {} : { External_Id__c: key }),
  ...more,
});
const upsert = (records: object[], allOrNone?: boolean): Promise<Json> =>
  world.call('PATCH', '/composite/sobjects/Referral_Member__c/External_Id__c', {
    ...(allOrNone === undefined ? {} : { allOrNone }),
    records,
  });
const codes = (body: Json): string[] => body.map((row: Json) => (row.success ? 'ok' : row.errors[0].statusCode));
const count = (object: string): number | undefined => world.control.org(world.orgId).counts[object];

describe('collections', () => {
  it('are upserted row by row: one answer each, in order, the good rows stay', async () => {
    await upsert([member('b', { Name: 'old' })]);
    const { status, body } = await upsert([
      member('a', { Name: 'A' }),
      member('b', { Name: 'new' }),
      member('c', { Referral_Code__c: 'x'.repeat(41) }),
      member(undefined),
      member('a'),
    ]);
    expect(status).toBe(200);
    expect(codes(body)).toEqual(['ok', 'ok', 'STRING_TOO_LONG', 'MISSING_ARGUMENT', 'DUPLICATE_VALUE']);
    expect(body.map((row: Json) => row.created)).toEqual([true, false, undefined, undefined, undefined]);
    expect(count('Referral_Member__c')).toBe(2);
  });

  it('all or none takes back every row and says so', async () => {
    const { body } = await upsert([member('a'), member('c', { Referral_Code__c: 'x'.repeat(41) })], true);
    expect(codes(body)).toEqual(['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'STRING_TOO_LONG']);
    expect(count('Referral_Member__c')).toBe(0);
  });

  it('a name that is no field spoils the whole call', async () => {
    expect(errorOf(await upsert([member('a'), member('b', { Nope__c: 1 })]))).toEqual([400, 'INVALID_FIELD']);
    expect(count('Referral_Member__c')).toBe(0);
  });

  it('are created, changed, read and deleted through jsforce, 450 in three calls', async () => {
    const rows = Array.from({ length: 450 }, (_none, index) => ({ LastName: `N${index}` }));
    const made = await world.conn.sobject('Contact').create(rows, { allowRecursive: true });
    expect(made.every(({ success }) => success)).toBe(true);
    const calls = world.control
      .calls()
      .find(({ route, method }) => method === 'POST' && route === '/composite/sobjects');
    expect(calls?.count).toBe(3);
    const ids = made.map(({ id }) => id ?? '');
    await world.conn.sobject('Contact').update(ids.slice(0, 2).map((Id) => ({ Id, Title: 'CTO' })));
    const read = await world.conn.sobject('Contact').retrieve(ids.slice(0, 3), { fields: ['Title'] });
    expect(read.map((row) => row.Title)).toEqual(['CTO', 'CTO', null]);
    await world.conn.sobject('Contact').destroy(ids.slice(0, 200));
    expect(count('Contact')).toBe(250);
  });

  it('what is not there is null in its place, what is gone is refused in its row', async () => {
    const id = world.control.create(world.orgId, 'Contact', { LastName: 'x' });
    const gone = world.control.create(world.orgId, 'Contact', { LastName: 'y' });
    world.control.remove(world.orgId, gone);
    const read = await world.call('POST', '/composite/sobjects/Contact', { ids: [gone, id], fields: ['LastName'] });
    expect(read.body.map((row: Json) => row?.LastName ?? null)).toEqual([null, 'x']);
    const { body } = await world.call('PATCH', '/composite/sobjects', {
      records: [
        contact({ Id: gone }),
        contact({ Id: '003Hs1000000zzz' }),
        contact({ Id: 'x' }),
        contact({ Id: id }),
        contact({ Id: id }),
      ],
    });
    expect(codes(body)).toEqual([
      'ENTITY_IS_DELETED',
      'INVALID_CROSS_REFERENCE_KEY',
      'MALFORMED_ID',
      'ok',
      'DUPLICATE_VALUE',
    ]);
    const removed = await world.call('DELETE', `/composite/sobjects?ids=${gone},${id}`);
    expect(codes(removed.body)).toEqual(['ENTITY_IS_DELETED', 'ok']);
  });

  it('201 rows, eleven changes of type, no rows and rows without type are refused', async () => {
    const insert = (records: unknown): Promise<Json> => world.call('POST', '/composite/sobjects', { records });
    expect(errorOf(await insert(Array.from({ length: 201 }, () => contact())))).toEqual([400, 'EXCEEDED_ID_LIMIT']);
    const lead = { attributes: { type: 'Lead' }, LastName: 'x', Company: 'y' };
    const mixed = Array.from({ length: 11 }, (_none, index) => (index % 2 === 0 ? contact() : lead));
    expect(errorOf(await insert(mixed))).toEqual([400, 'LIMIT_EXCEEDED']);
    expect((await insert(mixed.slice(0, 10))).status).toBe(200);
    expect(errorOf(await insert([]))).toEqual([400, 'INVALID_INPUT']);
    expect(errorOf(await insert([{ LastName: 'x' }]))).toEqual([400, 'INVALID_FIELD']);
    expect(errorOf(await insert([{ attributes: { type: 'Nope__c' } }]))).toEqual([400, 'INVALID_TYPE']);
  });
});

describe('composite', () => {
  const base = '/services/data/v66.0';
  const requests = [
    { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'acc', body: { Name: 'Acme' } },
    {
      method: 'POST',
      url: `${base}/sobjects/Contact`,
      referenceId: 'con',
      body: { LastName: 'x', AccountId: '@{acc.id}' },
    },
    { method: 'GET', url: `${base}/sobjects/Contact/@{con.id}?fields=AccountId`, referenceId: 'read' },
  ];

  it('hands on what came back, in one call', async () => {
    const { body, headers } = await world.call('POST', '/composite', { compositeRequest: requests });
    const [account, , read] = body.compositeResponse;
    expect(read.body.AccountId).toBe(account.body.id);
    expect(headers.get('sforce-limit-info')).toBe('api-usage=1/15000');
  });

  it('without all or none what failed takes only what needs it along', async () => {
    const broken = [
      { ...requests[0], body: {} },
      requests[1],
      { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'more', body: { Name: 'B' } },
    ];
    const { body } = await world.call('POST', '/composite', { compositeRequest: broken });
    expect(body.compositeResponse.map((one: Json) => one.httpStatusCode)).toEqual([400, 400, 201]);
    expect(count('Account')).toBe(1);
  });

  it('with all or none nothing stays', async () => {
    const broken = [...requests, { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'bad', body: {} }];
    const { body } = await world.call('POST', '/composite', { allOrNone: true, compositeRequest: broken });
    expect(body.compositeResponse.map((one: Json) => one.body[0].errorCode)).toEqual([
      'PROCESSING_HALTED',
      'PROCESSING_HALTED',
      'PROCESSING_HALTED',
      'REQUIRED_FIELD_MISSING',
    ]);
    expect([count('Account'), count('Contact')]).toEqual([0, 0]);
  });

  it('26 calls, six queries and two of one name are refused', async () => {
    const one = (referenceId: string, url = `${base}/limits`): object => ({ method: 'GET', url, referenceId });
    const send = (compositeRequest: object[]): Promise<Json> => world.call('POST', '/composite', { compositeRequest });
    expect(errorOf(await send(Array.from({ length: 26 }, (_none, index) => one(`r${index}`))))).toEqual([
      400,
      'LIMIT_EXCEEDED',
    ]);
    const query = `${base}/query?q=${encodeURIComponent('SELECT Id FROM Contact')}`;
    expect(errorOf(await send(Array.from({ length: 6 }, (_none, index) => one(`r${index}`, query))))).toEqual([
      400,
      'LIMIT_EXCEEDED',
    ]);
    expect((await send(Array.from({ length: 5 }, (_none, index) => one(`r${index}`, query)))).status).toBe(200);
    expect(errorOf(await send([one('a'), one('a')]))).toEqual([400, 'JSON_PARSER_ERROR']);
  });

  it('a part has headers of its own, and inherits none but those that say who asks', async () => {
    world.control.setDuplicateRules(world.orgId, [{ object: 'Account', fields: ['Name'], action: 'alert' }]);
    await world.call('POST', '/sobjects/Account', { Name: 'Acme' });
    const allow = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };
    const send = async (httpHeaders?: Json, headers = {}, version = 'v66.0'): Promise<Json> => {
      const url = `/services/data/${version}/sobjects/Account`;
      const part = { method: 'POST', url, referenceId: 'again', body: { Name: 'Acme' }, httpHeaders };
      return world.call('POST', '/composite', { compositeRequest: [part] }, headers);
    };
    const statusOf = async (answer: Promise<Json>): Promise<number> =>
      (await answer).body.compositeResponse[0].httpStatusCode;
    expect(await statusOf(send())).toBe(400);
    expect(await statusOf(send(undefined, allow))).toBe(400);
    expect(await statusOf(send(allow, {}, 'v51.0'))).toBe(400);
    expect(await statusOf(send(allow))).toBe(201);
    for (const wrong of [{ Authorization: 'Bearer x' }, { accept: 'text/xml' }, { 'x-number': 1 }, 'none'])
      expect(errorOf(await send(wrong))).toEqual([400, 'JSON_PARSER_ERROR']);
  });

  it('a part with a name that is none of its own is refused', async () => {
    const part = { ...requests[0], headers: {} };
    expect(errorOf(await world.call('POST', '/composite', { compositeRequest: [part] }))).toEqual([
      400,
      'JSON_PARSER_ERROR',
    ]);
  });

  it('a batch goes on after an error, or halts when it should', async () => {
    const batchRequests = [
      { method: 'GET', url: 'v66.0/sobjects/Nope' },
      { method: 'GET', url: 'v66.0/limits' },
    ];
    const on = (await world.call('POST', '/composite/batch', { batchRequests })).body;
    expect([on.hasErrors, on.results.map((one: Json) => one.statusCode)]).toEqual([true, [404, 200]]);
    const halted = (await world.call('POST', '/composite/batch', { haltOnError: true, batchRequests })).body;
    expect(halted.results.map((one: Json) => one.statusCode)).toEqual([404, 412]);
  });

  it('a tree stands whole or not at all', async () => {
    const tree = (title: string): object => ({
      records: [
        {
          attributes: { type: 'Account', referenceId: 'a' },
          Name: 'Acme',
          Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'c' }, LastName: 'x', Title: title }] },
        },
      ],
    });
    const bad = await world.call('POST', '/composite/tree/Account', tree('x'.repeat(129)));
    expect([bad.status, bad.body.results[0].referenceId, count('Account')]).toEqual([400, 'c', 0]);
    const good = await world.call('POST', '/composite/tree/Account', tree('y'));
    expect([good.status, good.body.results.length, count('Contact')]).toEqual([201, 2, 1]);
  });
});
