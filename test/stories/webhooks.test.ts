import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { APP, type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene, signedHeaders } from './scene.ts';

const BETA_PORTAL = 147_000_002;
const FORMER_SECRET = 'wonward-former-secret';

let stack: Stack;
let acme: Scene;
let beta: Scene;
let folder = '';
let unhush: (() => void) | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wonward-'));
  const currencies = { companyCurrency: 'EUR', additionalCurrencies: ['USD'] };
  stack = await startStack({
    clock: quickClock(),
    databaseUrl: `sqlite:${join(folder, 'wonward.db')}`,
    environment: { HUBSPOT_CLIENT_SECRET_PREVIOUS: FORMER_SECRET },
    sandbox: {
      portals: [
        { portalId: PORTAL, name: 'Acme', ...currencies },
        // Record ids of two portals collide: an id alone says nothing.
        { portalId: BETA_PORTAL, name: 'Beta', ...currencies },
      ],
    },
  });
  const other = await stack.newAccount('Beta');
  acme = createScene(stack);
  beta = createScene(stack, { portalId: BETA_PORTAL, apiKey: other.apiKey });
  expect((await stack.install()).status).toBe(200);
  expect((await stack.install(BETA_PORTAL, beta.apiKey)).status).toBe(200);
});
afterEach(() => {
  unhush?.();
  unhush = null;
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true });
});

function hush(scene: Scene = acme): void {
  unhush = scene.silence();
}

async function deliver(
  body: string | Uint8Array,
  headers?: Record<string, string>,
): Promise<{ status: number; body: Json }> {
  const url = `${stack.publicUrl}/webhooks/hubspot`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(headers ?? signedHeaders(url, body, { at: stack.clock.now() })),
    },
    body: body as string,
  });
  return { status: response.status, body: await response.json() };
}

let eventId = 1;
function event(more: Record<string, unknown>): Record<string, unknown> {
  eventId += 1;
  return {
    eventId,
    subscriptionId: 7_562_681,
    portalId: PORTAL,
    appId: APP.appId,
    occurredAt: stack.clock.now(),
    subscriptionType: 'object.propertyChange',
    attemptNumber: 0,
    objectTypeId: '0-3',
    propertyName: 'dealstage',
    propertyValue: 'closedwon',
    changeSource: 'CRM_UI',
    sourceId: 'userId:1',
    ...more,
  };
}

function kept(): Record<'inbox' | 'work', number> {
  const database = new Database(join(folder, 'wonward.db'), { readonly: true });
  const count = (table: string) => (database.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n;
  const counts = { inbox: count('inbox'), work: count('work') };
  database.close();
  return counts;
}

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${stack.publicUrl}/metrics`)).text();
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.split(' ').at(-1) ?? 0);
}

/** A friend's deal that is won without a webhook having told. */
async function wonInSilence(): Promise<string> {
  const friend = acme.friendOf(acme.person('Member'), 'Friend');
  const deal = acme.deal([friend]);
  await stack.settle();
  hush();
  acme.win(deal);
  return deal;
}

describe('a delivery that HubSpot did not sign for this moment and this body', () => {
  const url = () => `${stack.publicUrl}/webhooks/hubspot`;
  const MINUTE = 60_000;
  test.each<[string, (body: string) => Record<string, string>]>([
    ['with another secret', (body) => signedHeaders(url(), body, { secret: 'a-guess', at: stack.clock.now() })],
    ['without a signature', () => ({})],
    ['signed six minutes ago', (body) => signedHeaders(url(), body, { at: stack.clock.now() - 6 * MINUTE })],
    ['signed two minutes from now', (body) => signedHeaders(url(), body, { at: stack.clock.now() + 2 * MINUTE })],
    [
      'signed for another address',
      (body) => signedHeaders('https://evil.example/webhooks/hubspot', body, { at: stack.clock.now() }),
    ],
    [
      'tampered with by one character',
      (body) => signedHeaders(url(), body.replace('closedwon', 'closedwoN'), { at: stack.clock.now() }),
    ],
  ])('%s pays nothing, and the good one after it pays', async (_, headersFor) => {
    const deal = await wonInSilence();
    const before = kept();
    const body = JSON.stringify([event({ objectId: Number(deal) })]);
    const refused = await deliver(body, headersFor(body));
    expect(refused).toMatchObject({ status: 401, body: { code: 'unsigned' } });
    await stack.settle();
    expect(kept()).toEqual(before);
    expect(await acme.rewardsOn(deal)).toEqual([]);

    expect(await deliver(body)).toMatchObject({ status: 200, body: { accepted: 1 } });
    await stack.settle();
    expect(await acme.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
  });
});

describe('a delivery that is signed and cannot be read', () => {
  test.each<[string, () => string | Uint8Array, number, string]>([
    ['is empty', () => '', 400, 'empty_body'],
    ['is not JSON', () => '[{"half":', 400, 'malformed_delivery'],
    ['is no list', () => '{"events":[]}', 400, 'malformed_delivery'],
    ['is not UTF-8', () => new Uint8Array([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]), 400, 'malformed_delivery'],
    [
      'holds an event without a portal',
      () => JSON.stringify([event({ portalId: undefined })]),
      400,
      'malformed_delivery',
    ],
    ['holds an event that names no record', () => JSON.stringify([event({})]), 400, 'malformed_delivery'],
    [
      'holds 101 events',
      () => JSON.stringify(Array.from({ length: 101 }, (_, index) => event({ objectId: index + 1 }))),
      400,
      'malformed_delivery',
    ],
    [
      'is larger than a megabyte',
      () => JSON.stringify([event({ objectId: 1, propertyValue: 'x'.repeat(2 ** 20) })]),
      413,
      'body_too_large',
    ],
  ])('since it %s is refused with a reason, keeps nothing, and the next one works', async (_, make, status, code) => {
    const before = kept();
    expect(await deliver(make())).toMatchObject({ status, body: { code, status } });
    await stack.settle();
    expect(kept()).toEqual(before);
    expect(await deliver('[]')).toMatchObject({ status: 200, body: { accepted: 0 } });
  });

  test('refuses the good events beside a broken one as well, so that HubSpot sends them all again', async () => {
    const deal = await wonInSilence();
    const good = event({ objectId: Number(deal) });
    expect(await deliver(JSON.stringify([good, event({ portalId: null, objectId: 1 })]))).toMatchObject({
      status: 400,
    });
    await stack.settle();
    expect(await acme.rewardsOn(deal)).toEqual([]);
    expect(await deliver(JSON.stringify([good]))).toMatchObject({ status: 200, body: { accepted: 1 } });
    await stack.settle();
    expect(await acme.rewardsOn(deal)).toHaveLength(2);
  });
});

describe('an event that Wonward has no use for', () => {
  test('of a portal that nobody connected is acknowledged, counted, and not stored', async () => {
    const before = kept();
    const counted = await metric('wonward_hints_total{provider="hubspot",kind="unknown"}');
    const body = JSON.stringify([
      event({ portalId: 999_999_999, objectId: 1 }),
      event({ portalId: 999_999_998, objectId: 1 }),
    ]);
    expect(await deliver(body)).toMatchObject({ status: 200, body: { accepted: 0, unknown: 2 } });
    await stack.settle();
    expect(kept()).toEqual(before);
    expect(await metric('wonward_hints_total{provider="hubspot",kind="unknown"}')).toBe(counted + 2);
  });

  test.each([
    ['an object type that it does not know', { objectTypeId: '2-7654321', objectId: 12 }],
    ['a ticket', { objectTypeId: '0-5', objectId: 12 }],
    ['a kind of event that it does not know', { subscriptionType: 'object.archival', objectId: 12 }],
    ['a subject that it does not know', { subscriptionType: 'conversation.newMessage', objectId: 12 }],
    [
      'an association between two strangers',
      {
        subscriptionType: 'object.associationChange',
        objectTypeId: '2-1',
        associationType: 'PET_TO_HOUSE',
        fromObjectTypeId: '2-1',
        toObjectTypeId: '2-2',
        fromObjectId: 1,
        toObjectId: 2,
        objectId: 1,
      },
    ],
  ])('about %s is acknowledged and asks for nothing', async (_, more) => {
    const before = kept().work;
    expect(await deliver(JSON.stringify([event(more)]))).toMatchObject({ status: 200, body: { ignored: 1 } });
    expect(kept().work).toBe(before);
  });

  test('about a company, or about a record that does not exist, comes to rest', async () => {
    const before = kept().work;
    const body = JSON.stringify([
      event({ objectTypeId: '0-2', objectId: 4711, propertyName: 'name' }),
      event({ objectTypeId: '0-3', objectId: 4711 }),
      event({ objectTypeId: '0-1', objectId: 4712, propertyName: 'email' }),
      event({ objectTypeId: '0-3', objectId: '12345678901234567890' }),
      event({ objectTypeId: '0-3', objectId: 'abc' }),
    ]);
    expect(await deliver(body)).toMatchObject({ status: 200, body: { accepted: 5 } });
    await stack.settle();
    expect(kept().work).toBe(before);
    await acme.expectNothingParked();
    await acme.expectNextDealPays();
  });
});

describe('two accounts in one service', () => {
  test('each hear of their own portal only, though the records bear the same ids', async () => {
    const [memberA, memberB] = [acme.person('Alma'), beta.person('Berta')];
    const [friendA, friendB] = [acme.friendOf(memberA, 'Anton'), beta.friendOf(memberB, 'Bruno')];
    const [dealA, dealB] = [acme.deal([friendA]), beta.deal([friendB], { amount: '300.00' })];
    await stack.settle();
    beta.win(dealB);
    await stack.settle();
    expect(await acme.rewardsOn(dealA)).toEqual([]);
    expect(await beta.rewardsOn(dealB)).toEqual(['friend issued 50.00 EUR', 'member issued 30.00 EUR']);
    expect(acme.show('contact', memberA).wonward_won_referrals).toBe('0');
    expect((await acme.all('/members')).map(({ name }) => name)).not.toContain('Berta');
    acme.win(dealA);
    await stack.settle();
    expect(await acme.rewardsOn(dealA)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    expect(await beta.rewardsOn(dealB)).toHaveLength(2);
  });

  test('told in one delivery are each told theirs', async () => {
    const friends = [acme, beta].map((scene) => scene.friendOf(scene.person('Member'), 'Friend'));
    const deals = [acme.deal([friends[0] ?? '']), beta.deal([friends[1] ?? ''])];
    await stack.settle();
    const quiet = [acme.silence(), beta.silence()];
    acme.win(deals[0] ?? '');
    beta.win(deals[1] ?? '');
    for (const end of quiet) end();
    const body = JSON.stringify([
      event({ objectId: Number(deals[0]) }),
      event({ objectId: Number(deals[1]), portalId: BETA_PORTAL }),
    ]);
    expect(await deliver(body)).toMatchObject({ status: 200, body: { accepted: 2 } });
    await stack.settle();
    expect(await acme.rewardsOn(deals[0] ?? '')).toHaveLength(2);
    expect(await beta.rewardsOn(deals[1] ?? '')).toHaveLength(2);
  });

  test('cannot take each other’s portal: the page says so and nothing changes', async () => {
    const before = await acme.connection();
    const { status, page } = await stack.install(PORTAL, beta.apiKey);
    expect(status).toBe(409);
    expect(page).toContain('belongs to another Wonward account');
    expect(await acme.connection()).toMatchObject({ id: before.id, status: 'connected', scopes: before.scopes });
    expect(await beta.list('/connections')).toHaveLength(1);
    await acme.expectNextDealPays();
  });

  test('see nothing of each other: another account’s ids do not exist', async () => {
    const [member] = await acme.all('/members');
    const [referral] = await acme.all('/referrals');
    const [reward] = await acme.all('/rewards');
    const { id: connectionId } = await acme.connection();
    const paths: [string, string][] = [
      ['GET', `/members/${member.id}`],
      ['GET', `/referrals/${referral.id}`],
      ['GET', `/rewards/${reward.id}`],
      ['GET', `/connections/${connectionId}`],
      ['POST', `/connections/${connectionId}/provision`],
      ['POST', `/connections/${connectionId}/disconnect`],
    ];
    for (const [method, path] of paths) {
      expect((await stack.api(method, path, method === 'POST' ? {} : undefined, beta.apiKey)).status, path).toBe(404);
    }
    const submitted = await stack.api(
      'POST',
      '/referrals',
      { memberId: member.id, friend: { email: 'nobody@example.com' } },
      beta.apiKey,
    );
    expect(submitted.body.code).toBe('no_such_member');
    const filtered = await stack.api('GET', `/decisions?referralId=${referral.id}`, undefined, beta.apiKey);
    expect(filtered.body.items).toEqual([]);
    expect((await acme.connection()).status).toBe('connected');
  });
});

describe('many events', () => {
  test('a hundred in one delivery are all kept, and every deal among them pays', async () => {
    const deals = Array.from({ length: 20 }, () => acme.deal([acme.friendOf(acme.person('Member'), 'Friend')]));
    await stack.settle();
    hush();
    for (const deal of deals) acme.win(deal);
    const events = deals.flatMap((deal) =>
      ['dealstage', 'amount', 'dealname', 'pipeline', 'deal_currency_code'].map((propertyName) =>
        event({ objectId: Number(deal), propertyName }),
      ),
    );
    expect(events).toHaveLength(100);
    expect(await deliver(JSON.stringify(events))).toMatchObject({
      status: 200,
      body: { accepted: 100, duplicates: 0 },
    });
    await stack.settle();
    expect(await acme.rewardsOn(...deals)).toHaveLength(40);
    await acme.expectBalanced();
  });

  test('the same delivery ten times at once has one effect', async () => {
    const deal = await wonInSilence();
    const body = JSON.stringify([
      event({ objectId: Number(deal) }),
      event({ objectId: Number(deal), propertyName: 'amount' }),
    ]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const sum = (name: 'accepted' | 'duplicates') =>
      answers.reduce((total, { body: counts }) => total + counts[name], 0);
    expect([sum('accepted'), sum('duplicates')]).toEqual([2, 18]);
    await stack.settle();
    expect(await acme.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    expect(await acme.decisionsOn(deal)).toEqual(['rewarded rewarded']);
  });
});

describe('while the client secret is rotated', () => {
  test('what HubSpot still signs with the former one is accepted, and nothing older', async () => {
    const deal = await wonInSilence();
    const url = `${stack.publicUrl}/webhooks/hubspot`;
    const body = JSON.stringify([event({ objectId: Number(deal) })]);
    expect(
      (await deliver(body, signedHeaders(url, body, { secret: 'the-one-before-that', at: stack.clock.now() }))).status,
    ).toBe(401);
    expect(
      (await deliver(body, signedHeaders(url, body, { secret: FORMER_SECRET, at: stack.clock.now() }))).status,
    ).toBe(200);
    await stack.settle();
    expect(await acme.rewardsOn(deal)).toHaveLength(2);
    unhush?.();
    await acme.expectNextDealPays();
  });
});
