import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FUTURE_TOLERANCE_MS, STALE_AFTER_MS, signV2 } from '../../src/crm/hubspot/signature.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { PUBLIC_URL, SECRET, signed, stageChange } from '../http/service.ts';
import { twoAccounts } from './two-accounts.ts';

let world: Awaited<ReturnType<typeof twoAccounts>>;
beforeEach(async () => {
  world = await twoAccounts();
}, 120_000);
afterEach(() => world.close());

const CARD = '/hubspot/cards/contact?objectId=101&objectTypeId=0-1&portalId=48000001&userEmail=rep%40acme.example';

function post(body: string, headers: Record<string, string>, path = '/webhooks/hubspot') {
  return fetch(`${world.service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

describe('a delivery that somebody has recorded', () => {
  test('and sends again within its five minutes changes not a row', async () => {
    const body = JSON.stringify([stageChange(48_000_001, 7), stageChange(48_000_001, 8)]);
    const headers = signed('POST', '/webhooks/hubspot', body);
    expect(await (await post(body, headers)).json()).toMatchObject({ accepted: 2, duplicates: 0 });
    const before = world.dump();
    for (let times = 0; times < 5; times += 1) {
      expect(await (await post(body, headers)).json()).toMatchObject({ accepted: 0, duplicates: 2 });
    }
    expect(world.dump()).toEqual(before);
  });

  test('and sends again later, earlier, elsewhere, with another method or another body is refused', async () => {
    const body = JSON.stringify([stageChange(48_000_001, 7)]);
    const before = world.dump();
    const now = systemClock.now();
    const minute = 60_000;
    const refused: [string, Response][] = [
      ['later', await post(body, signed('POST', '/webhooks/hubspot', body, { at: now - STALE_AFTER_MS - minute }))],
      [
        'earlier',
        await post(body, signed('POST', '/webhooks/hubspot', body, { at: now + FUTURE_TOLERANCE_MS + minute })),
      ],
      ['with a query', await post(body, signed('POST', '/webhooks/hubspot', body), '/webhooks/hubspot?a=1')],
      [
        'to another deployment',
        await post(body, signed('POST', '/webhooks/hubspot', body, { url: 'https://other.example' })),
      ],
      ['signed as a GET', await post(body, signed('GET', '/webhooks/hubspot', body))],
      ['with another body', await post(`${body} `, signed('POST', '/webhooks/hubspot', body))],
      ['signed for a card', await post(body, signed('POST', '/hubspot/cards/contact', body))],
    ];
    for (const [how, answer] of refused) expect([how, answer.status]).toEqual([how, 401]);
    expect(world.dump()).toEqual(before);
  });

  test('with a newer time written into its header is refused', async () => {
    const body = JSON.stringify([stageChange(48_000_001, 7)]);
    const old = signed('POST', '/webhooks/hubspot', body, { at: systemClock.now() - STALE_AFTER_MS - 60_000 });
    const answer = await post(body, { ...old, 'x-hubspot-request-timestamp': String(systemClock.now()) });
    expect(answer.status).toBe(401);
  });
});

describe('a workflow’s call that somebody has recorded', () => {
  const path = '/hubspot/actions/enrol-member';
  const body = JSON.stringify({
    callbackId: 'ap-1',
    origin: { portalId: 48_000_001 },
    context: { source: 'WORKFLOWS', workflowId: 1 },
    object: { objectId: 777, objectType: 'CONTACT', properties: { email: 'new@example.com' } },
    inputFields: {},
  });
  const v2 = (of = path) => ({
    'x-hubspot-signature-version': 'v2',
    'x-hubspot-signature': signV2({
      secret: SECRET,
      method: 'POST',
      uri: `${PUBLIC_URL}${of}`,
      body: Buffer.from(body),
    }),
  });

  test('changes not a row when it comes again, by either signature, and is answered the same', async () => {
    const first = await (await post(body, signed('POST', path, body), path)).text();
    expect(JSON.parse(first)).toMatchObject({ outputFields: { outcome: 'created', hs_execution_state: 'SUCCESS' } });
    const before = world.dump();
    for (const headers of [signed('POST', path, body), v2(), v2()])
      expect(await (await post(body, headers, path)).text()).toBe(first);
    expect(world.dump()).toEqual(before);
  });

  test('is refused later, elsewhere, for another action, and with a signature of another kind', async () => {
    const before = world.dump();
    const at = systemClock.now() - STALE_AFTER_MS - 60_000;
    const stamp = (time: number) => ({ 'x-hubspot-request-timestamp': String(time) });
    const refused: [string, Response][] = [
      ['later', await post(body, signed('POST', path, body, { at }), path)],
      [
        'with a good v2 beside a v3 that is old',
        await post(body, { ...v2(), ...signed('POST', path, body, { at }) }, path),
      ],
      ['with v2 and an old time', await post(body, { ...v2(), ...stamp(at) }, path)],
      ['with v2 and a time to come', await post(body, { ...v2(), ...stamp(systemClock.now() + 3_600_000) }, path)],
      ['for another action', await post(body, v2(), '/hubspot/actions/get-share-link')],
      ['with another body', await post(`${body} `, v2(), path)],
      ['as v1, which covers the body alone', await post(body, { ...v2(), 'x-hubspot-signature-version': 'v1' }, path)],
      ['signed for a webhook', await post(body, signed('POST', '/webhooks/hubspot', body), path)],
      ['with v2 at the webhooks', await post(body, v2('/webhooks/hubspot'), '/webhooks/hubspot')],
      ['unsigned', await post(body, {}, path)],
    ];
    for (const [how, answer] of refused) expect([how, answer.status]).toEqual([how, 401]);
    expect(world.dump()).toEqual(before);
  });
});

describe('a card’s request that somebody has recorded', () => {
  const ask = (path: string, headers: Record<string, string>) => fetch(`${world.service.url}${path}`, { headers });

  test('shows the same card within its five minutes, and changes not a row', async () => {
    const before = world.dump();
    const headers = signed('GET', CARD);
    for (let times = 0; times < 3; times += 1) expect((await ask(CARD, headers)).status).toBe(200);
    expect(world.dump()).toEqual(before);
  });

  test('is refused after them, and for another contact, portal or user', async () => {
    const old = signed('GET', CARD, '', { at: systemClock.now() - STALE_AFTER_MS - 60_000 });
    expect((await ask(CARD, old)).status).toBe(401);
    const headers = signed('GET', CARD);
    for (const [from, to] of [
      ['objectId=101', 'objectId=102'],
      ['portalId=48000001', 'portalId=48000002'],
      ['rep%40', 'boss%40'],
    ] as const) {
      expect([to, (await ask(CARD.replace(from, to), headers)).status]).toEqual([to, 401]);
    }
    expect((await ask(`${CARD}&portalId=48000002`, headers)).status).toBe(401);
  });
});

describe('an install link', () => {
  test('that was used, and a code that comes with it again, connect nothing', async () => {
    const answer = await world.mine.account.post('/connections/install', { provider: 'hubspot' });
    const state = new URL(((await answer.json()) as { url: string }).url).searchParams.get('state') ?? '';
    const callback = `${world.service.url}/oauth/hubspot/callback?code=code-48000009&state=${state}`;
    expect((await fetch(callback)).status).toBe(200);
    const before = world.dump();
    expect((await fetch(callback)).status).toBe(400);
    expect(world.dump()).toEqual(before);
  });
});
