import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConnect } from '../../src/application/connect.ts';
import type { CrmAccess, CrmConnector } from '../../src/application/ports/crm.ts';
import type { Connection } from '../../src/application/ports/store.ts';
import { Fault } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSeal, parseSealKeys } from '../../src/platform/seal.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { freePort } from '../support/free-port.ts';
import { PORTAL, type Stack, startNode, startStack } from '../support/stack.ts';

const MINUTE = 60_000;
const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];
const BETA_PORTAL = 147_000_002;

let stack: Stack;
let scene: Scene;
let folder = '';
/** How far the time of everybody runs ahead of the real one. */
let aheadMs = 0;
function pass(ms: number): void {
  aheadMs += ms;
}
const clock = { ...systemClock, now: () => Date.now() + aheadMs };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wonward-'));
  stack = await startStack({
    clock,
    databaseUrl: `sqlite:${join(folder, 'wonward.db')}`,
    sandbox: {
      portals: [
        { portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR' },
        { portalId: BETA_PORTAL, name: 'Beta', companyCurrency: 'EUR' },
      ],
    },
  });
  scene = createScene(stack);
  expect((await stack.install()).status).toBe(200);
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true });
});

async function begin(apiKey?: string): Promise<string> {
  const { body } = await stack.api('POST', '/connections/install', { provider: 'hubspot' }, apiKey);
  return new URL(body.url).searchParams.get('state') ?? '';
}

async function callback(query: Record<string, string>): Promise<{ status: number; page: string }> {
  const response = await fetch(`${stack.publicUrl}/oauth/hubspot/callback?${new URLSearchParams(query)}`);
  return { status: response.status, page: await response.text() };
}

const code = () => scene.crm.install(PORTAL).code;

function tokenCalls(): number {
  return scene.crm
    .calls()
    .flatMap(({ routes }) => routes)
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/token'))
    .reduce((sum, { count }) => sum + count, 0);
}

async function connection(): Promise<Connection> {
  const found = await stack.service.store.connections.findByExternalId('hubspot', String(PORTAL));
  if (!found) throw new Error('not connected');
  return found;
}

/** A deal that is won while nobody at Wonward can hear or see it. */
async function openDeal(): Promise<string> {
  const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
  await stack.settle();
  return deal;
}

async function reinstall(): Promise<void> {
  expect(await stack.install()).toMatchObject({ status: 200 });
}

describe('the state of an install', () => {
  test('that nobody has begun is refused, whatever the code', async () => {
    const { status, page } = await callback({ code: code(), state: 'made-up' });
    expect(status).toBe(400);
    expect(page).toContain('no longer works');
  });

  test('works once: a reload of the page connects nothing a second time', async () => {
    const state = await begin();
    expect((await callback({ code: code(), state })).status).toBe(200);
    const { status, page } = await callback({ code: code(), state });
    expect(status).toBe(400);
    expect(page).toContain('If you have just connected, all is well');
  });

  test('ends after a quarter of an hour', async () => {
    const state = await begin();
    aheadMs += 15 * MINUTE + 1_000;
    expect((await callback({ code: code(), state })).status).toBe(400);
    expect((await callback({ code: code(), state: await begin() })).status).toBe(200);
  });

  test('of another CRM is refused and used up', async () => {
    const state = await begin();
    const { connect } = stack.service.container;
    expect(await connect.complete({ provider: 'salesforce', code: 'x', state })).toEqual({ kind: 'bad_state' });
    expect(await connect.complete({ provider: 'hubspot', code: code(), state })).toEqual({ kind: 'bad_state' });
  });

  test('is not in the database, so that a leaked one holds none that works', async () => {
    const state = await begin();
    expect(filesWith(state)).toEqual([]);
  });

  test('is not made for a CRM that is not there', async () => {
    const { status } = await stack.api('POST', '/connections/install', { provider: 'pipedrive' });
    expect([400, 404, 422]).toContain(status);
  });
});

describe('the code of an install', () => {
  test.each([
    ['that HubSpot does not know', () => 'nonsense'],
    [
      'that was used before',
      () => {
        const used = code();
        return used;
      },
    ],
  ])('%s is refused with a page, and the connection that was there stays', async (name, make) => {
    const given = make();
    if (name.includes('used')) expect((await callback({ code: given, state: await begin() })).status).toBe(200);
    const { status, page } = await callback({ code: given, state: await begin() });
    expect(status).toBe(400);
    expect(page).toContain('HubSpot did not confirm the connection');
    expect(await connection()).toMatchObject({ status: 'connected', statusReason: null });
    expect(await stack.service.container.connect.openSession(await connection()).stages()).toBeDefined();
  });

  test('that could not be tried leaves a page that says so, and a new link works', async () => {
    scene.crm.addFault({ target: 'api', path: '/oauth/*', effect: { kind: 'status', status: 503 } });
    const { status, page } = await callback({ code: code(), state: await begin() });
    scene.crm.clearFaults();
    expect(status).toBeGreaterThanOrEqual(500);
    expect(page).toContain('Nothing was changed in your CRM');
    expect((await callback({ code: code(), state: await begin() })).status).toBe(200);
  });
});

describe('the tokens', () => {
  test('lie sealed in the database: their text is nowhere in its files', async () => {
    const { accountId, id } = await connection();
    const stored = await stack.service.store.connections.tokens(accountId, id);
    const keys = parseSealKeys(stack.environment.ENCRYPTION_KEY ?? '');
    if (typeof keys === 'string' || !stored) throw new Error('no tokens');
    const seal = createSeal(keys);
    const access = seal.open(stored.accessToken, `${accountId} connections.access`);
    const refresh = seal.open(stored.refreshToken, `${accountId} connections.refresh`);
    expect(access.length).toBeGreaterThan(100);
    expect(filesWith(stored.accessToken)).not.toEqual([]);
    for (const secret of [access, refresh]) expect(filesWith(secret)).toEqual([]);
    // Sealed for one account and one column: moved to another row they do not open.
    expect(() => seal.open(stored.accessToken, `${accountId} connections.refresh`)).toThrow();
  });

  test.each([
    ['have run out by our clock', () => pass(29 * MINUTE)],
    ['are refused by HubSpot before their time', () => scene.crm.expireAccessTokens(PORTAL)],
  ])('that %s are renewed once, though twenty calls wait for it', async (_, expire) => {
    const session = stack.service.container.connect.openSession(await connection());
    await session.stages();
    expire();
    const before = tokenCalls();
    await Promise.all(Array.from({ length: 20 }, () => session.account()));
    expect(tokenCalls() - before).toBe(1);
  });

  test('are renewed once by two services on one database', async () => {
    const second = await startNode({ ...stack.environment, PORT: String(await freePort()) }, clock);
    try {
      const sessions = [stack.service, second].map(({ container }) => container.connect);
      const current = await connection();
      for (const expire of [() => pass(29 * MINUTE), () => scene.crm.expireAccessTokens(PORTAL)]) {
        for (const connect of sessions) await connect.openSession(current).account();
        expire();
        const before = tokenCalls();
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => sessions[index % 2]?.openSession(current).account()),
        );
        expect(tokenCalls() - before).toBe(1);
      }
    } finally {
      await second.stop();
    }
    await scene.expectNextDealPays();
  });
});

test('the refusal of a token that another node has renewed meanwhile ends no connection', async () => {
  const current = await connection();
  const { accountId, id } = current;
  const { store } = stack.service;
  const keys = parseSealKeys(stack.environment.ENCRYPTION_KEY ?? '');
  if (typeof keys === 'string') throw new Error(keys);
  const seal = createSeal(keys);
  const before = await store.connections.tokens(accountId, id);
  if (!before) throw new Error('no tokens');
  // The lease of this node has run out while it was stopped: the other one comes first, and its grant makes this one's useless.
  const refused: CrmConnector['oauth']['refresh'] = async () => {
    await store.connections.replaceTokens(accountId, id, before.version, {
      accessToken: seal.seal('newer', `${accountId} connections.access`),
      refreshToken: before.refreshToken,
      expiresAt: clock.now() + 29 * MINUTE,
    });
    throw new Fault('authorisation_revoked', { kind: 'reconnect' }, 'refused');
  };
  const connector = {
    oauth: { refresh: refused },
    open: ({ accessToken }: CrmAccess) => ({
      account: () => accessToken(seal.open(before.accessToken, `${accountId} connections.access`)),
    }),
  } as unknown as CrmConnector;
  const paused = createConnect({
    store,
    seal,
    clock,
    log: pino({ level: 'silent' }),
    publicUrl: stack.publicUrl,
    connectors: new Map([['hubspot', connector]]),
  });
  expect(await paused.openSession(current).account()).toBe('newer');
  expect(await scene.connection()).toMatchObject({ status: 'connected' });
  const { accessToken, refreshToken, expiresAt } = before;
  const now = await store.connections.tokens(accountId, id);
  await store.connections.replaceTokens(accountId, id, now?.version ?? 0, { accessToken, refreshToken, expiresAt });
});

describe('an install that is gone', () => {
  test.each([
    ['uninstalled in HubSpot', () => scene.crm.uninstall(PORTAL), () => undefined],
    ['suspended by HubSpot', () => scene.crm.suspend(PORTAL, true), () => scene.crm.suspend(PORTAL, false)],
  ])(
    '(%s) is shown with its reason; a new install heals it and the deals won meanwhile are paid',
    async (_, end, recover) => {
      const deal = await openDeal();
      const first = await connection();
      end();
      aheadMs += 29 * MINUTE;
      await stack.service.container.reconcile.sweepAll();
      expect(await scene.connection()).toMatchObject({
        status: 'disconnected',
        statusReason: 'HubSpot no longer accepts this authorisation. An admin has to connect the portal again.',
      });
      expect(await scene.openCard(scene.person('Anybody'))).toMatchObject({ ok: false, code: 'not_connected' });
      scene.win(deal);
      await stack.settle();
      expect(await scene.rewardsOn(deal)).toEqual([]);

      recover();
      aheadMs += 60 * MINUTE;
      await reinstall();
      expect(await connection()).toMatchObject({
        id: first.id,
        status: 'connected',
        statusReason: null,
        connectedAt: first.connectedAt,
      });
      await scene.sweep();
      expect(await scene.rewardsOn(deal)).toEqual(PAID);
      await scene.expectNextDealPays();
    },
  );

  test('whose deal was on the way when it went is paid after the new install', async () => {
    const deal = await openDeal();
    scene.win(deal);
    scene.crm.uninstall(PORTAL);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([]);
    expect(await scene.connection()).toMatchObject({ status: 'disconnected' });
    await reinstall();
    await scene.sweep();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectNothingParked();
  });

  /** What the last event of the connection says that HubSpot was told, and whether HubSpot has the app still. */
  async function leave() {
    const { id } = await connection();
    const { body } = await stack.api('POST', `/connections/${id}/disconnect`, {});
    expect(body).toMatchObject({ status: 'disconnected', statusReason: 'Disconnected by an admin.' });
    const { items } = await stack.service.store.sync.events(stack.accountId, id, { limit: 1, cursor: null });
    const isInstalled = scene.crm.portal(PORTAL).installed;
    return [items[0]?.detail, isInstalled];
  }

  test('by the admin’s own wish uninstalls the app in HubSpot, and comes back the same way', async () => {
    expect(await leave()).toEqual(['Disconnected by an admin. The app was uninstalled there.', false]);
    await reinstall();
    await scene.expectNextDealPays();
  });

  test('with an access token that has run out, which is renewed for it', async () => {
    aheadMs += 60 * MINUTE;
    expect((await leave())[0]).toBe('Disconnected by an admin. The app was uninstalled there.');
    await reinstall();
  });

  test('when HubSpot does not uninstall: the authorisation is given back, and we have left all the same', async () => {
    const fault = scene.crm.addFault({
      target: 'api',
      path: '/appinstalls/2026-03/external-install',
      effect: { kind: 'status', status: 500 },
    });
    expect((await leave())[0]).toBe('Disconnected by an admin. The authorisation was given back.');
    scene.crm.removeFault(fault.id);
    await reinstall();
    await scene.expectNextDealPays();
  });

  test('when HubSpot does not answer at all: we have left, and who has to remove the app is said', async () => {
    const fault = scene.crm.addFault({ target: 'api', effect: { kind: 'status', status: 500 } });
    expect((await leave())[0]).toBe(
      'Disconnected by an admin. The CRM could not be told: an admin has to remove the app there.',
    );
    scene.crm.removeFault(fault.id);
    await reinstall();
    await scene.expectNextDealPays();
  });
});

describe('a client secret of ours that is wrong', () => {
  test('is our mistake and no disconnect: with the right one everything goes on', async () => {
    const deal = await openDeal();
    await stack.stop();
    await stack.start({ HUBSPOT_CLIENT_SECRET: 'mistyped' });
    scene.crm.expireAccessTokens(PORTAL);
    scene.win(deal);
    const session = stack.service.container.connect.openSession(await connection());
    await expect(session.account()).rejects.toMatchObject({ code: 'app_misconfigured', retry: { kind: 'never' } });
    await stack.service.container.reconcile.sweepAll();
    expect(await scene.connection()).toMatchObject({ status: 'connected', statusReason: null });
    expect(await scene.rewardsOn(deal)).toEqual([]);

    await stack.stop();
    await stack.start();
    await scene.sweep();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectNextDealPays();
  });

  test('for so long that records were parked: the next sweep takes them up again', async () => {
    const deal = await openDeal();
    scene.win(deal);
    await stack.settle();
    await stack.stop();
    await stack.start({ HUBSPOT_CLIENT_SECRET: 'mistyped' });
    scene.crm.expireAccessTokens(PORTAL);
    scene.reopen(deal);
    const current = await connection();
    const { store } = stack.service;
    const record = { connectionId: current.id, object: 'deal', id: deal } as const;
    await store.work.ask(current.accountId, [{ record, at: clock.now() }]);
    for (let tries = 0; tries < 100 && (await store.work.counts(clock.now())).parked === 0; tries += 1) {
      await systemClock.sleep(100);
      aheadMs += 20_000;
    }
    expect((await scene.connection()).sync.parked).toMatchObject([{ object: 'deal', id: deal }]);
    expect((await scene.connection()).sync.parked[0].error).toContain('client id, secret');

    await stack.stop();
    await stack.start();
    await scene.sweep();
    await scene.rest();
    expect(await scene.rewardsOn(deal)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);
    await scene.expectNothingParked();
    await scene.expectNextDealPays();
  });
});

describe('a portal of another account', () => {
  test('can be taken over once that account has disconnected it, as the page says', async () => {
    const beta = await stack.newAccount('Beta');
    const other = await stack.newAccount('Gamma');
    expect((await stack.install(BETA_PORTAL, beta.apiKey)).status).toBe(200);
    const refused = await stack.install(BETA_PORTAL, other.apiKey);
    expect(refused.status).toBe(409);
    expect(refused.page).toContain('Disconnect it there first');
    const theirs = createScene(stack, { portalId: BETA_PORTAL, apiKey: beta.apiKey });
    const { id } = await theirs.connection();
    await stack.api('POST', `/connections/${id}/disconnect`, {}, beta.apiKey);
    expect((await stack.install(BETA_PORTAL, other.apiKey)).status).toBe(200);
    await createScene(stack, { portalId: BETA_PORTAL, apiKey: other.apiKey }).expectNextDealPays();
  });
});

/** The files of the database that hold a text, its log included. */
function filesWith(text: string): string[] {
  return readdirSync(folder).filter((file) => readFileSync(join(folder, file)).toString('latin1').includes(text));
}
