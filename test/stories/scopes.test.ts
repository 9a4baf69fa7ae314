import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubspotManifest, manifestWithAppEvents } from '../../manifests/hubspot/app.ts';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { API_VERSION } from '../../src/crm/hubspot/version.ts';
import { startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { APP, PORTAL, type Stack, sandboxAppAt, startStack, TWO_SIDED } from '../support/stack.ts';
import { createScene, eventually } from './scene.ts';

/** Asks about the friend's company too, so that the optional scope has its use. */
const PROGRAM: ProgramDocument = {
  ...TWO_SIDED,
  rules: TWO_SIDED.rules.map((rule) => ({
    ...rule,
    conditions: [{ fact: 'company.property', property: 'city', op: 'in', values: ['Berlin'] }],
  })),
};

interface MadeCall {
  readonly method: string;
  readonly path: string;
}

/** As the manifest writes them. */
const written = ({ method, path }: MadeCall) =>
  `${method} ${path
    .replace(`/${API_VERSION}`, '')
    .replace(/\/lists\/\d+/, '/lists/:listId')
    .replaceAll(/\/2-\d+/g, '/:ownObject')}`;

/** Every request that this process makes to an address, as it leaves: what Node's own fetch tells of it. */
function recordCalls(origin: string): { readonly calls: MadeCall[]; stop(): void } {
  const calls: MadeCall[] = [];
  const hear = (message: unknown) => {
    const { request } = message as { request: { origin: string; method: string; path: string } };
    const path = request.path.split('?')[0] ?? '';
    if (
      request.origin === origin &&
      /^\/(crm|crm-object-schemas|account-info|automation|appinstalls|integrators)\//.test(path)
    )
      calls.push({ method: request.method, path });
  };
  subscribe('undici:request:create', hear);
  return { calls, stop: () => unsubscribe('undici:request:create', hear) };
}

/** A portal that has granted these scopes, and what it says to each call. */
async function portalWith(granted: readonly string[]) {
  const sandbox = await startHubSpotSandbox({
    app: { ...sandboxAppAt('http://127.0.0.1:9'), requiredScopes: [...granted], optionalScopes: [] },
    portals: [{ portalId: PORTAL }],
    rateLimits: false,
  });
  const { code } = sandbox.control.install(PORTAL);
  const answer = await fetch(`${sandbox.url}/oauth/${API_VERSION}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: APP.clientId,
      client_secret: APP.clientSecret,
      redirect_uri: sandboxAppAt('http://127.0.0.1:9').redirectUrls[0] ?? '',
      code,
    }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return {
    /** The scopes that HubSpot says are missing for a call; HubSpot looks at them before it looks at the body. */
    async missingFor({ method, path }: MadeCall): Promise<string[]> {
      const response = await fetch(`${sandbox.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
      // An uninstall answers without a body, and is the last of all calls.
      if (response.status === 204) return [];
      const body = (await response.json()) as {
        category?: string;
        errors?: { context?: { requiredGranularScopes?: string[] } }[];
      };
      return body.category === 'MISSING_SCOPES'
        ? (body.errors ?? []).flatMap(({ context }) => context?.requiredGranularScopes ?? [])
        : [];
    },
    close: () => sandbox.close(),
  };
}

describe.each([
  { app: 'the app', manifest: hubspotManifest, hasAppEvents: false },
  { app: 'the app that is approved for app events', manifest: manifestWithAppEvents, hasAppEvents: true },
])('the scopes that $app asks for', ({ manifest, hasAppEvents }) => {
  const { scopes, requiredScopes, optionalScopes } = manifest.oauth;
  const ALL = [...requiredScopes, ...optionalScopes];
  let stack: Stack;
  let made: MadeCall[];
  let refused: number;

  /** A referral from install to reward, a reversal, and a sweep: all that the connector does in a portal. */
  beforeAll(async () => {
    const environment = hasAppEvents ? { HUBSPOT_APP_EVENTS: 'true' } : {};
    stack = await startStack({ program: null, environment });
    const { calls, stop } = recordCalls(stack.sandbox.url);
    expect((await stack.install()).status).toBe(200);
    expect((await stack.api('POST', '/programs', PROGRAM)).status).toBe(200);
    const scene = createScene(stack);
    const [connection] = await stack.service.store.connections.list(stack.accountId);
    if (!connection) throw new Error('the portal is not connected');
    const ownSettings = `/connections/${connection.id}/app-settings`;
    const events = hasAppEvents ? { events: 'on' } : {};
    const chosen = await stack.api('PUT', ownSettings, { version: 1, objects: 'on', ...events });
    expect(chosen.status, JSON.stringify(chosen.body)).toBe(200);
    expect((await stack.api('POST', `/connections/${connection.id}/mapping/proposal`)).status).toBe(201);
    // What was told without an answer is told again, each event by itself.
    const batch = `/integrators/timeline/${API_VERSION}/events/batch`;
    if (hasAppEvents)
      scene.crm.addFault({ target: 'api', path: batch, times: 1, effect: { kind: 'reset', when: 'after' } });
    const member = scene.person('Ada');
    const friend = scene.friendOf(member, 'Bob');
    const company = scene.crm.createRecord(PORTAL, 'company', { properties: { name: 'Acme', city: 'Berlin' } });
    scene.crm.associate(PORTAL, { fromType: 'contacts', fromId: friend, toType: 'companies', toId: company.id });
    const deal = scene.deal([friend]);
    await stack.settle();
    // A workflow that waits is told by the one call that the automation scope is for.
    const waits = { uid: 'wonward_wait_until_rewarded', objectType: 'contact', objectId: friend, inputs: {} };
    const { callbackId } = scene.crm.enrolInAction(PORTAL, waits);
    const execution = async () => scene.crm.execution(callbackId);
    await eventually(execution, ({ state }) => state === 'blocked');
    scene.win(deal);
    await eventually(execution, ({ state }) => state === 'succeeded');
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    // Rows of our own objects: they are there, lose a property, name nobody who was forgotten, and go when they are not wanted.
    await scene.rest();
    const rewards = `p${PORTAL}_wonward_reward`;
    const [row] = scene.crm.listRecords(PORTAL, rewards).results;
    const { objectType } = scene.crm.getRecord(PORTAL, rewards, row?.id ?? '');
    const lost = `/crm/properties/${API_VERSION}/${objectType}/wonward_state`;
    const before = calls.length;
    expect((await scene.hubspot('DELETE', lost)).status).toBe(204);
    // An admin's tool has made these.
    calls.splice(before, calls.length - before);
    await stack.service.container.reconcile.sweepAll(new AbortController().signal);
    await scene.rest();
    expect((await stack.api('POST', `/connections/${connection.id}/reports`, {})).status).toBe(201);
    const { people } = stack.service.container.connect.openSession(connection);
    await people?.create({ key: 'click-1', firstName: 'Dora', lastName: null, email: 'dora@friend.example' });
    // A task is looked for, made and completed as for a case that a portal wants to be told of.
    const { tasks } = stack.service.container.connect.openSession(connection);
    expect(await tasks?.find('Review')).toEqual([]);
    const task = { title: 'Review', lines: ['Look.'], dueAt: 0, priority: 'low' as const, assignee: null, about: [] };
    expect(await tasks?.complete((await tasks?.create(task)) ?? '')).toBe('completed');
    await stack.api('POST', '/members', { email: scene.show('contact', scene.person('Cleo')).email });
    const { id: listId } = scene.crm.createList(PORTAL, { name: 'Customers', recordIds: [friend] });
    await stack.api('GET', `/connections/${connection.id}/lists`);
    const listed = { id: 'customers', connectionId: connection.id, listId };
    expect((await stack.api('POST', '/member-imports/list', listed)).status).toBe(201);
    await eventually(
      async () => (await stack.api('GET', '/member-imports/imp_customers')).body,
      ({ state }) => state === 'done',
    );
    await stack.api('POST', '/people/erase', { contact: { connectionId: connection.id, id: friend } });
    await scene.rest();
    expect((await stack.api('PUT', ownSettings, { version: 2, objects: 'off' })).status).toBe(200);
    await stack.service.container.reconcile.sweepAll(new AbortController().signal);
    await stack.settle();
    expect((await stack.api('POST', `/connections/${connection.id}/disconnect`, {})).status).toBe(200);
    stop();
    made = [...new Map(calls.map((call) => [written(call), call])).values()];
    refused = stack.sandbox.control
      .calls()
      .flatMap(({ routes }) => routes)
      .reduce((sum, { statuses }) => sum + (statuses['403'] ?? 0), 0);
  });
  afterAll(() => stack.close());

  test('are enough: nothing that the connector does is refused', () => {
    expect(refused).toBe(0);
    expect(made.length).toBeGreaterThan(15);
  });

  test('have a reason each, and one declaration', () => {
    expect(scopes.map(({ scope }) => scope)).toEqual([...new Set(ALL)]);
    for (const { reason } of scopes) expect(reason).toMatch(/^.{30,}\.$/);
  });

  test.each(scopes)(
    'are each used: without $scope HubSpot refuses what the manifest says it is for',
    async ({ scope, calls, alsoBy }) => {
      const portal = await portalWith(ALL.filter((other) => other !== scope && other !== alsoBy));
      const needing: string[] = [];
      for (const call of made) if ((await portal.missingFor(call)).includes(scope)) needing.push(written(call));
      await portal.close();
      expect(needing.sort()).toEqual([...calls].sort());
      expect(needing).not.toEqual([]);
    },
  );

  test.each(requiredScopes)(
    'must all be in the install link: one without %s is refused by HubSpot with its name',
    async (scope) => {
      const begun = await stack.api('POST', '/connections/install', { provider: 'hubspot' });
      const link = new URL(begun.body.url);
      expect(link.searchParams.get('scope')?.split(' ')).toContain(scope);
      const scopes = requiredScopes.filter((other) => other !== scope);
      expect(() => stack.sandbox.control.install(PORTAL, { scopes })).toThrow(`Missing: ${scope}.`);
    },
  );
});
