import nock from 'nock';
import type { CrmAccess, CrmConnector, CrmSession } from '../../../src/application/ports/crm.ts';
import type { PortalApi } from '../../../src/crm/hubspot/call.ts';
import { createConnector, type HubSpotDeps } from '../../../src/crm/hubspot/connector.ts';

export const API_URL = 'https://api.hubspot.test';
export const APP_ID = 4_242;
export const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy';
export const NOW = Date.UTC(2026, 10, 22);

/** Time that passes only while somebody sleeps. Sleepers wake in the order of their alarms. */
export function createTime(start = NOW) {
  let now = start;
  const naps: number[] = [];
  const sleepers: { at: number; wake: () => void }[] = [];
  let running = false;
  async function run(): Promise<void> {
    running = true;
    while (sleepers.length > 0) {
      // Let everything that can go on without time do so first.
      await new Promise((resolve) => setImmediate(resolve));
      sleepers.sort((a, b) => a.at - b.at);
      const next = sleepers.shift();
      if (!next) break;
      now = Math.max(now, next.at);
      next.wake();
    }
    running = false;
  }
  return {
    naps,
    clock: () => now,
    advance: (ms: number) => {
      now += ms;
    },
    sleep: (ms: number) =>
      new Promise<void>((wake) => {
        naps.push(ms);
        sleepers.push({ at: now + ms, wake });
        if (!running) void run();
      }),
  };
}

export interface Harness {
  readonly connector: CrmConnector;
  readonly session: CrmSession;
  readonly time: ReturnType<typeof createTime>;
  /** The tokens that were asked for as a replacement of a refused one. */
  readonly rejected: string[];
  readonly logged: object[];
  readonly api: nock.Scope;
}

export function createHarness(overrides: Partial<HubSpotDeps> = {}, access: Partial<CrmAccess> = {}): Harness {
  nock.disableNetConnect();
  const time = createTime();
  const rejected: string[] = [];
  const logged: object[] = [];
  const connector = createConnector({
    apiUrl: API_URL,
    authorizeUrl: 'https://app.hubspot.test/oauth/authorize',
    clientId: 'client-1',
    clientSecrets: [SECRET],
    appId: APP_ID,
    clock: time.clock,
    random: () => 0.5,
    sleep: time.sleep,
    log: { debug: (fields) => logged.push(fields), warn: (fields) => logged.push(fields) },
    ...overrides,
  });
  const session = connector.open({
    connectionId: 'con_1',
    externalId: '9001',
    homeCurrency: 'EUR',
    scopes: [],
    async accessToken(refused) {
      if (refused === undefined) return 'token-1';
      rejected.push(refused);
      return 'token-2';
    },
    ...access,
  });
  return { connector, session, time, rejected, logged, api: nock(API_URL) };
}

/** A record as HubSpot answers it. */
export function recordOf(id: string, properties: Record<string, string | null> = {}, more: object = {}) {
  const at = new Date(NOW).toISOString();
  return { id, properties, createdAt: at, updatedAt: at, archived: false, ...more };
}

export function batchOf(results: unknown[], errors?: unknown[]) {
  return { status: 'COMPLETE', results, ...(errors ? { errors, numErrors: errors.length } : {}) };
}

export function hubspotError(message: string, more: object = {}) {
  return { status: 'error', message, correlationId: 'c0ffee', ...more };
}

/** A `PortalApi` over a function, for logic that is about more answers than one would write down. */
export function portalApi(
  answer: (call: { name: string; method: string; path: string; json: unknown }) => { status: number; body: unknown },
): PortalApi & { readonly calls: { name: string; json: unknown }[] } {
  const calls: { name: string; json: unknown }[] = [];
  const api: PortalApi = {
    async call(call) {
      calls.push({ name: call.name, json: call.json });
      const { status, body } = answer({ name: call.name, method: call.method, path: call.path, json: call.json });
      if (status >= 400) return { ok: false, status, error: body as never };
      return { ok: true, status, data: call.schema.parse(body), at: NOW };
    },
    data: async (call) => (await api.timed(call)).data,
    async timed(call) {
      const reply = await api.call(call);
      if (!reply.ok) throw new Error(`${call.name}: ${reply.status}`);
      return reply;
    },
  };
  return { ...api, calls };
}

export async function faultFrom(promise: Promise<unknown>) {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  const { code, retry, message } = error as { code?: string; retry?: unknown; message?: string };
  return { code, retry, message };
}
