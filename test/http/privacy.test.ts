import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { CODES, deliver, signed, stageChange, startHttp, type TestService, tellStory } from './service.ts';

let service: TestService;
beforeEach(async () => {
  service = await startHttp();
});
afterEach(() => service.close());

const SECRETS = {
  code: 'authorisation-code-abc',
  state: 'state-that-is-not-known-xyz',
  email: 'zoe.private@example.com',
  name: 'Zoe Privat',
  repEmail: 'rep.private@acme.example',
  cookie: 'session=private-cookie',
  description: 'described-privately',
};

test('no log line holds a key, token, code, state, cookie, address, name or share code, whatever happens', async () => {
  const account = await service.createAccount('Acme');
  const connectionId = await account.connect('48000001');
  const story = await tellStory(service, account.id, connectionId, systemClock.now());
  const headers = { cookie: SECRETS.cookie };

  await account.call('/members', { headers });
  await account.post('/members', { name: SECRETS.name, email: SECRETS.email });
  await account.post('/members', { name: SECRETS.name, email: `${SECRETS.email} ${SECRETS.name}` });
  await account.call('/members', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"email":"${SECRETS.email}`,
  });
  await account.call(`/members?cursor=${SECRETS.email}`);
  await account.call(`/members/${SECRETS.email}`);
  await fetch(`${service.url}/api/v1/members?key=${account.key}`, {
    headers: { authorization: `Bearer wk_${SECRETS.code}` },
  });
  await fetch(`${service.url}/r/${story.code}`, { headers });
  await fetch(`${service.url}/r/${SECRETS.email}`);
  await fetch(`${service.url}/unknown/${SECRETS.email}?token=${account.key}`);
  const begun = (await (await account.post('/connections/install', { provider: 'hubspot' })).json()) as { url: string };
  const state = new URL(begun.url).searchParams.get('state') ?? '';
  const callback = (query: Record<string, string>) =>
    fetch(`${service.url}/oauth/hubspot/callback?${new URLSearchParams(query)}`);
  await callback({ code: SECRETS.code, state: SECRETS.state });
  await callback({ error: 'access_denied', error_description: SECRETS.description, state });
  await callback({ code: CODES.crash, state });
  const query = `?objectId=101&objectTypeId=0-1&portalId=48000001&userEmail=${SECRETS.repEmail}`;
  await fetch(`${service.url}/hubspot/cards/contact${query}`, {
    headers: signed('GET', `/hubspot/cards/contact${query}`),
  });
  await fetch(`${service.url}/hubspot/cards/contact${query}`);
  await deliver(service, [stageChange(48_000_001, 1, { propertyValue: SECRETS.email })]);
  await deliver(service, [stageChange(48_000_001, 1, { propertyValue: SECRETS.email, objectId: SECRETS.email })]);
  await deliver(service, `[{"email":"${SECRETS.email}"`);
  await account.post(`/connections/${connectionId}/disconnect`, undefined);

  const log = service.logText();
  expect(service.lines().filter(({ msg }) => msg === 'request').length).toBeGreaterThanOrEqual(18);
  const forbidden = {
    ...SECRETS,
    encoded: encodeURIComponent(SECRETS.email),
    key: account.key,
    state2: state,
    crash: CODES.crash,
    shareCode: story.code,
    access: 'access-token-of',
    refresh: 'refresh-token-of',
    signature: 'x-hubspot-signature',
    grace: 'Grace',
    ip: '127.0.0.1',
  };
  for (const [what, value] of Object.entries(forbidden)) expect([what, log.includes(value)]).toEqual([what, false]);
});

test('a request is one line that says what was asked by its template, for whom, and how it ended', async () => {
  const account = await service.createAccount('Acme');
  const response = await account.call('/members/mem_nobody');
  const lines = service.lines().filter(({ ref }) => ref === response.headers.get('x-request-id'));
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      ref: response.headers.get('x-request-id'),
      method: 'GET',
      route: '/api/v1/members/:memberId',
      status: 404,
      ms: expect.any(Number),
      account: account.id,
      problem: 'not_found',
      msg: 'request',
    },
  ]);
});

test('good health is not logged', async () => {
  for (const path of ['/livez', '/readyz', '/metrics']) await fetch(`${service.url}${path}`);
  expect(service.lines()).toEqual([]);
});
