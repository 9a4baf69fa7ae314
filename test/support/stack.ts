import { randomBytes } from 'node:crypto';
import { hubspotManifest, manifestWithAppEvents } from '../../manifests/hubspot/app.ts';
import { uploadedActions } from '../../manifests/hubspot/project.ts';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { parseProgram } from '../../src/application/program-document.ts';
import { readConfig } from '../../src/config.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import {
  type HubSpotSandbox,
  type SandboxApp,
  type SandboxOptions,
  startHubSpotSandbox,
} from '../../src/sandbox/hubspot/server.ts';
import { type Service, startService } from '../../src/service.ts';
import { freePort } from './free-port.ts';

export const APP = { appId: 4_242_424, clientId: 'wonward-test-client', clientSecret: 'wonward-test-secret' };
export const PORTAL = 147_000_001;

export const TWO_SIDED: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

/** The app as HubSpot knows it from the project's files, at a public URL. */
export function sandboxAppAt(publicUrl: string, hasAppEvents = false): SandboxApp {
  const { oauth, webhooks, appEvents } = hasAppEvents ? manifestWithAppEvents : hubspotManifest;
  return {
    ...APP,
    redirectUrls: [`${publicUrl}${oauth.redirectPath}`],
    requiredScopes: [...oauth.requiredScopes],
    optionalScopes: [...oauth.optionalScopes],
    webhooks: {
      targetUrl: `${publicUrl}${webhooks.path}`,
      maxConcurrentRequests: webhooks.maxConcurrentRequests,
      subscriptions: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: true })),
      hubEvents: webhooks.hubEvents.map((event) => ({ ...event, active: true })),
    },
    permittedFetchUrls: [publicUrl],
    workflowActions: uploadedActions(hubspotManifest, publicUrl),
    appEvents: [...appEvents],
  };
}

/** The environment of a service that talks to a local HubSpot, as a person would set it. */
export function environmentFor(input: {
  port: number;
  databaseUrl: string;
  sandbox: Pick<HubSpotSandbox, 'url' | 'authorizeUrl'>;
  encryptionKey?: string;
}) {
  return {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(input.port),
    PUBLIC_URL: `http://127.0.0.1:${input.port}`,
    DATABASE_URL: input.databaseUrl,
    ENCRYPTION_KEY: input.encryptionKey ?? `k1:${randomBytes(32).toString('base64')}`,
    HUBSPOT_API_URL: input.sandbox.url,
    HUBSPOT_AUTHORIZE_URL: input.sandbox.authorizeUrl,
    HUBSPOT_CLIENT_ID: APP.clientId,
    HUBSPOT_CLIENT_SECRET: APP.clientSecret,
    HUBSPOT_APP_ID: String(APP.appId),
    // Sweeps are asked for by the tests that are about them.
    SWEEP_SCHEDULE: '0 0 1 1 *',
    ALLOW_PRIVATE_DESTINATIONS: 'true',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

/**
 * A clock on which `rate` seconds pass in one. Budgets, back-offs and leases keep their proportions and a story takes a twentieth
 * of its time; only what waits for a real socket (30 s for an answer) seems to wait longer.
 */
export function quickClock(rate = 20): Clock {
  return quickClockSince(Date.now(), rate);
}

/** One that agreed with the world's at `since`: the same in every process that is told the same. */
export function quickClockSince(since: number, rate: number): Clock {
  return {
    ...systemClock,
    now: () => since + (Date.now() - since) * rate,
    sleep: (ms, signal) => systemClock.sleep(Math.ceil(ms / rate), signal),
  };
}

/** A quick one that somebody turns on as well: hours that nobody waits for. */
export function turnableClock(rate?: number): Clock & { turn(ms: number): void } {
  const quick = quickClock(rate);
  let turnedMs = 0;
  return {
    ...quick,
    now: () => quick.now() + turnedMs,
    turn(ms) {
      turnedMs += ms;
    },
  };
}

export interface StackOptions {
  readonly databaseUrl?: string;
  readonly program?: ProgramDocument | null;
  readonly sandbox?: Partial<SandboxOptions>;
  /** Of the service and, unless `sandbox` has its own, of the local HubSpot. */
  readonly clock?: Clock;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Stack {
  readonly sandbox: HubSpotSandbox;
  /** The one that runs now. */
  readonly service: Service;
  /** What the service was started with, to start another node on the same database. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly publicUrl: string;
  readonly accountId: string;
  readonly apiKey: string;
  /** Installs the app in a portal the way an admin does, through consent page and callback. */
  install(portalId?: number, apiKey?: string): Promise<{ status: number; page: string }>;
  /** A call to the public API as this account. */
  api(method: string, path: string, body?: unknown, apiKey?: string): Promise<{ status: number; body: Json }>;
  /** Everything has come to rest: no webhook on the way, nothing due, nothing claimed. */
  settle(): Promise<void>;
  /** Another customer of the same service, with a program of its own and a key. */
  newAccount(name: string): Promise<{ accountId: string; apiKey: string }>;
  /** Stops the service; what is sent to it meanwhile finds nobody. */
  stop(): Promise<void>;
  /** Starts it again on the same port and database, with a changed environment if one is given. */
  start(changes?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of the API are looked into by tests; a wrong path fails the assertion
export type Json = any;

/** The real service, the real connector, a real database and the local HubSpot, all in this process and over real HTTP. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const clock = options.clock ?? systemClock;
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const sandbox = await startHubSpotSandbox({
    app: sandboxAppAt(publicUrl, options.environment?.HUBSPOT_APP_EVENTS === 'true'),
    portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', additionalCurrencies: ['USD', 'JPY'] }],
    webhookBatchDelayMs: 5,
    retryBaseMs: 20,
    indexLagMs: 0,
    clock: clock.now,
    ...options.sandbox,
  });
  const environment = {
    ...environmentFor({ port, databaseUrl: options.databaseUrl ?? 'sqlite::memory:', sandbox }),
    ...options.environment,
  };
  let service = await startNode(environment, clock);
  let isRunning = true;

  async function newAccount(name: string): Promise<{ accountId: string; apiKey: string }> {
    const { container, store } = service;
    const account = await container.accounts.create(name);
    const key = await container.accounts.createApiKey(account.id, 'test');
    if (!key) throw new Error('no key');
    if (options.program !== null) {
      const parsed = parseProgram(options.program ?? TWO_SIDED);
      if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
      await store.programs.publish(account.id, parsed.program, clock.now());
    }
    return { accountId: account.id, apiKey: key.key };
  }
  const own = await newAccount('Acme');

  async function stop(): Promise<void> {
    if (isRunning) await service.stop();
    isRunning = false;
  }

  const api: Stack['api'] = async (method, path, body, apiKey = own.apiKey) => {
    const response = await fetch(`${publicUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };

  return {
    sandbox,
    get service() {
      return service;
    },
    environment,
    clock,
    publicUrl,
    ...own,
    api,
    newAccount,
    stop,
    async start(changes = {}) {
      service = await startNode({ ...environment, ...changes }, clock);
      isRunning = true;
    },
    async install(portalId = PORTAL, apiKey = own.apiKey) {
      const begun = await api('POST', '/connections/install', { provider: 'hubspot' }, apiKey);
      if (begun.status !== 201) throw new Error(JSON.stringify(begun));
      const state = new URL(begun.body.url).searchParams.get('state') ?? '';
      const { redirectUrl } = sandbox.control.install(portalId, { state });
      const response = await fetch(redirectUrl, { redirect: 'manual' });
      return { status: response.status, page: await response.text() };
    },
    settle: () => settle(sandbox, service, clock),
    async close() {
      await stop();
      await sandbox.close();
    },
  };
}

/** One node of the service, configured as a person would do it. */
export async function startNode(
  environment: Readonly<Record<string, string>>,
  clock: Clock = systemClock,
): Promise<Service> {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  return startService(read.config, { clock, log: createLog({ level: read.config.logLevel }) });
}

/** Two looks in a row that find nothing: a hop may be about to hand over to the next at the first. */
async function settle(sandbox: HubSpotSandbox, { store }: Service, clock: Clock): Promise<void> {
  let quiet = 0;
  for (let looks = 0; looks < 3_000; looks += 1) {
    await sandbox.idle();
    const now = clock.now();
    const counts = await Promise.all([
      store.work.counts(now),
      store.payouts.counts(now),
      store.mirror.counts(now),
      store.callbacks.counts(now),
      store.appEvents.counts(now),
      store.webhooks.counts(now),
    ]);
    const busy = counts.some(({ due, claimed }) => due + claimed > 0);
    // Put back after a fault, and due again soon; what a hold has scheduled is days away.
    const soon = await Promise.all([
      store.work.nextDueAt(),
      store.payouts.nextDueAt(),
      store.mirror.nextDueAt(),
      store.callbacks.nextDueAt(),
      store.appEvents.nextDueAt(),
    ]);
    const retrying = soon.some((at) => at !== null && at < now + 30_000);
    quiet = busy || retrying ? 0 : quiet + 1;
    if (quiet === 2) return;
    await systemClock.sleep(10);
  }
  throw new Error('the service did not come to rest');
}
