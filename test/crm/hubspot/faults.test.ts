import { createServer } from 'node:net';
import nock from 'nock';
import { afterEach, describe, expect, test } from 'vitest';
import { API_URL, batchOf, createHarness, faultFrom, hubspotError } from './harness.ts';

/** Any call would do; this one has a small answer. */
const PATH = '/account-info/2026-03/details';
const ACCOUNT = { portalId: 9001, companyCurrency: 'EUR', timeZone: 'Europe/Berlin', uiDomain: 'app-eu1.hubspot.com' };

afterEach(() => {
  const pending = nock.pendingMocks();
  nock.cleanAll();
  nock.enableNetConnect();
  expect(pending).toEqual([]);
});

describe('a call to HubSpot', () => {
  test('carries the token, asks for JSON and reads what we use of the answer', async () => {
    const { session, api } = createHarness();
    api
      .get(PATH)
      .matchHeader('authorization', 'Bearer token-1')
      .reply(200, { ...ACCOUNT, accountType: 'STANDARD' });
    expect(await session.account()).toEqual({
      externalId: '9001',
      homeCurrency: 'EUR',
      timeZone: 'Europe/Berlin',
      uiHost: 'app-eu1.hubspot.com',
    });
  });

  test.each([
    [
      'the connection was reset',
      (api: nock.Scope) => api.get(PATH).replyWithError(Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
    ],
    ['HubSpot answered 500', (api: nock.Scope) => api.get(PATH).reply(500, hubspotError('oops'))],
    ['HubSpot answered 503 with a page', (api: nock.Scope) => api.get(PATH).reply(503, '<html>')],
    ['the answer broke off', (api: nock.Scope) => api.get(PATH).reply(200, '{"portalId": 90')],
    ['a firewall answered 403', (api: nock.Scope) => api.get(PATH).reply(403, '<html>blocked</html>')],
    [
      'the portal was being migrated',
      (api: nock.Scope) => api.get(PATH).reply(477, hubspotError('x'), { 'Retry-After': '3' }),
    ],
  ])('is made again and succeeds when %s', async (_name, fail) => {
    const { session, api, time } = createHarness();
    fail(api);
    api.get(PATH).reply(200, ACCOUNT);
    expect((await session.account()).externalId).toBe('9001');
    expect(time.naps).toHaveLength(1);
  });

  test.each([
    ['no connection', 'crm_unavailable', (api: nock.Scope) => api.get(PATH).times(4).replyWithError('reset')],
    ['500', 'crm_unavailable', (api: nock.Scope) => api.get(PATH).times(4).reply(500, hubspotError('oops'))],
    ['423', 'crm_locked', (api: nock.Scope) => api.get(PATH).times(4).reply(423, hubspotError('locked'))],
    [
      '429 without Retry-After',
      'crm_rate_limited',
      (api: nock.Scope) =>
        api
          .get(PATH)
          .times(4)
          .reply(429, { status: 'error', errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' }),
    ],
    [
      'a firewall’s 403',
      'crm_unavailable',
      (api: nock.Scope) => api.get(PATH).times(4).reply(403, '<html>blocked</html>'),
    ],
    [
      'half an answer',
      'crm_unreadable_answer',
      (api: nock.Scope) => api.get(PATH).times(4).reply(200, '{"portalId": 90'),
    ],
  ])('that fails four times by %s is a fault %s that may be retried', async (_name, code, fail) => {
    const { session, api } = createHarness();
    fail(api);
    expect(await faultFrom(session.account())).toMatchObject({ code, retry: { kind: 'retry' } });
  });

  test('that HubSpot answers in another shape is an unreadable answer at once', async () => {
    const { session, api } = createHarness();
    api.get(PATH).reply(200, { hello: 'world' });
    expect(await faultFrom(session.account())).toMatchObject({
      code: 'crm_unreadable_answer',
      retry: { kind: 'retry' },
    });
  });

  test('whose batch HubSpot has not finished is unreadable, not empty', async () => {
    const { session, api } = createHarness();
    api.post('/crm/objects/2026-03/contacts/batch/read').reply(200, { ...batchOf([]), status: 'PROCESSING' });
    expect(await faultFrom(session.readContacts(['1']))).toMatchObject({ code: 'crm_unreadable_answer' });
  });

  test('waits as long as a 429 asks when that is short', async () => {
    const { session, api, time } = createHarness({ random: () => 0 });
    api.get(PATH).reply(429, hubspotError('slow down'), { 'Retry-After': '7' });
    api.get(PATH).reply(200, ACCOUNT);
    const start = time.clock();
    await session.account();
    expect(time.clock() - start).toBe(7_000);
  });

  test('is given back with the time when a 429 asks for longer than ten seconds', async () => {
    const { session, api, time } = createHarness();
    api.get(PATH).reply(429, hubspotError('slow down'), { 'Retry-After': '600' });
    expect(await faultFrom(session.account())).toMatchObject({
      code: 'crm_rate_limited',
      retry: { kind: 'retry', afterMs: 600_000 },
    });
    expect(time.naps).toEqual([]);
  });

  test('that gets a 429 makes other sessions of the portal wait, and no other portal', async () => {
    const { connector, session, api, time } = createHarness({ random: () => 0 });
    api.get(PATH).reply(429, hubspotError('slow down'), { 'Retry-After': '5' });
    api.get(PATH).times(3).reply(200, ACCOUNT);
    const access = { connectionId: 'c', homeCurrency: null, scopes: [], accessToken: async () => 't' };
    const start = time.clock();
    const ends: Record<string, number> = {};
    const end = (name: string) => () => {
      ends[name] = time.clock() - start;
    };
    const first = session.account().then(end('first'));
    // Until the 429 has come in.
    while (time.naps.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await Promise.all([
      first,
      connector
        .open({ ...access, externalId: '9001' })
        .account()
        .then(end('same portal')),
      connector
        .open({ ...access, externalId: '9002' })
        .account()
        .then(end('other portal')),
    ]);
    expect(ends).toMatchObject({ first: 5_000, 'same portal': 5_000 });
    expect(ends['other portal']).toBeLessThanOrEqual(5_000);
  });

  test('whose token HubSpot refuses asks for one new token and is made again with it', async () => {
    const { session, api, rejected, time } = createHarness();
    api
      .get(PATH)
      .matchHeader('authorization', 'Bearer token-1')
      .reply(401, hubspotError('expired', { category: 'EXPIRED_AUTHENTICATION' }));
    api.get(PATH).matchHeader('authorization', 'Bearer token-2').reply(200, ACCOUNT);
    expect((await session.account()).externalId).toBe('9001');
    expect(rejected).toEqual(['token-1']);
    expect(time.naps).toEqual([]);
  });

  test('whose second token is refused too does not end the connection', async () => {
    const { session, api, rejected } = createHarness();
    api
      .get(PATH)
      .times(2)
      .reply(401, hubspotError('no', { category: 'INVALID_AUTHENTICATION' }));
    expect(await faultFrom(session.account())).toMatchObject({
      code: 'crm_unavailable',
      retry: { kind: 'retry', afterMs: 60_000 },
    });
    expect(rejected).toEqual(['token-1']);
  });

  test.each([
    [403, { category: 'MISSING_SCOPES' }, 'crm_forbidden'],
    [400, { category: 'VALIDATION_ERROR' }, 'crm_rejected'],
    [409, { category: 'CONFLICT' }, 'crm_rejected'],
  ])('that HubSpot refuses with %i is not made again', async (status, more, code) => {
    const { session, api } = createHarness();
    api.get(PATH).reply(status, hubspotError('no', more));
    expect(await faultFrom(session.account())).toMatchObject({ code, retry: { kind: 'never' } });
  });

  test('is given up after its time, also when HubSpot accepts the connection and says nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const { session } = createHarness({ apiUrl: `http://127.0.0.1:${port}`, requestTimeoutMs: 30 });
    nock.enableNetConnect('127.0.0.1');
    expect(await faultFrom(session.account())).toMatchObject({
      code: 'crm_unavailable',
      message: expect.stringContaining('within 30 ms'),
    });
    silent.close();
  });

  test('is given up after its time when the body never ends', async () => {
    const { createServer: createHttp } = await import('node:http');
    const slow = createHttp((_request, response) => response.writeHead(200).write('{"portalId":')).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((resolve) => slow.once('listening', resolve));
    const { port } = slow.address() as { port: number };
    const { session } = createHarness({ apiUrl: `http://127.0.0.1:${port}`, requestTimeoutMs: 40 });
    nock.enableNetConnect('127.0.0.1');
    expect(await faultFrom(session.account())).toMatchObject({ code: 'crm_unavailable' });
    slow.closeAllConnections();
    slow.close();
  });

  test('never writes a token, an address of a record or a person into the log', async () => {
    const { session, api, logged } = createHarness();
    api.get(PATH).reply(200, ACCOUNT);
    await session.account();
    expect(logged).toEqual([
      { crm: 'hubspot', portal: '9001', call: 'read account details', attempts: 1, outcome: '200', tookMs: 0 },
    ]);
    expect(JSON.stringify(logged)).not.toContain('token-1');
    expect(API_URL).toBeTruthy();
  });
});
