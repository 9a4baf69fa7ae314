import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createAccounts } from '../../src/application/accounts.ts';
import { type ProgramDocument, parseProgram } from '../../src/application/program-document.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type HubSpotSandbox, type SandboxOptions, startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { openStore } from '../../src/store/open.ts';
import { freePort } from './free-port.ts';
import { type Child, type ChildOptions, OWN_CONNECTION, startChild, until, untilReady } from './processes.ts';
import { APP, environmentFor, type Json, PORTAL, sandboxAppAt, TWO_SIDED } from './stack.ts';

/** From the last fault to rest on two busy cores; a pause after a failed attempt may take a minute by then. */
const REST_TIMEOUT_MS = 150_000;

export interface ServiceProcessOptions {
  readonly databaseUrl: string;
  /** Where the CRM is told to send webhooks, and where tests call the API; the service's own port unless given. */
  readonly publicUrl?: (port: number) => Promise<string>;
  /** What the service is told to call as HubSpot; the local HubSpot itself unless given. */
  readonly crmUrl?: (sandbox: HubSpotSandbox) => Promise<string>;
  /** What the service is told its database is; `databaseUrl` unless given. */
  readonly serviceDatabaseUrl?: string;
  readonly program?: ProgramDocument;
  readonly sandbox?: Partial<SandboxOptions>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly child?: ChildOptions;
  /** What is started; src/main.ts unless given. */
  readonly script?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

/** The service as a process, with the local HubSpot in this one. What stack.ts is for stories, this is for what ends processes. */
export interface ServiceProcess {
  readonly sandbox: HubSpotSandbox;
  readonly port: number;
  readonly publicUrl: string;
  /** On this machine, past whatever stands at the public URL. */
  readonly url: string;
  readonly accountId: string;
  readonly apiKey: string;
  readonly child: Child;
  api(method: string, path: string, body?: unknown): Promise<Answer>;
  ready(): Promise<number>;
  install(): Promise<void>;
  /** Starts it again after it has ended, with a changed environment if one is given; `untilReady` false leaves it as it comes. */
  start(changes?: Readonly<Record<string, string>>, untilReady?: boolean): Promise<void>;
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** A delivery signed as HubSpot does, sent straight to the service. */
  deliver(events: readonly object[]): Promise<Answer>;
  /** Statuses that HubSpot was told, of all deliveries, in the order of the attempts. */
  statuses(): Array<number | null>;
  /** What HubSpot has given up is sent again by hand, then everything comes to rest. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const publicUrl = (await options.publicUrl?.(port)) ?? url;
  const sandbox = await startHubSpotSandbox({
    app: sandboxAppAt(publicUrl),
    portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', additionalCurrencies: ['USD'] }],
    webhookBatchDelayMs: 5,
    // Ten attempts in four seconds.
    retryBaseMs: 3,
    indexLagMs: 0,
    rateLimits: false,
    ...options.sandbox,
  });
  const { accountId, apiKey } = await setUp(options.databaseUrl, options.program ?? TWO_SIDED);
  const environment = {
    ...environmentFor({ port, databaseUrl: options.serviceDatabaseUrl ?? options.databaseUrl, sandbox }),
    PUBLIC_URL: publicUrl,
    HUBSPOT_API_URL: (await options.crmUrl?.(sandbox)) ?? sandbox.url,
    LOG_LEVEL: 'warn',
    ...options.environment,
  };
  let child: Child;

  const api: ServiceProcess['api'] = async (method, path, body) => {
    const response = await fetch(`${publicUrl}/api/v1${path}`, {
      method,
      headers: { ...OWN_CONNECTION, authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  };

  async function start(changes: Readonly<Record<string, string>> = {}, wait = true): Promise<void> {
    child = startChild(options.script ?? 'src/main.ts', { ...environment, ...changes }, options.child);
    if (wait) await untilReady(child, url);
  }
  await start();

  return {
    sandbox,
    port,
    publicUrl,
    url,
    accountId,
    apiKey,
    get child() {
      return child;
    },
    api,
    start,
    async ready() {
      const response = await fetch(`${url}/readyz`, { headers: OWN_CONNECTION });
      await response.arrayBuffer();
      return response.status;
    },
    async install() {
      const begun = await api('POST', '/connections/install', { provider: 'hubspot' });
      const state = new URL(begun.body.url).searchParams.get('state') ?? '';
      const { redirectUrl } = sandbox.control.install(PORTAL, { state });
      const response = await fetch(redirectUrl, { redirect: 'manual', headers: OWN_CONNECTION });
      if (response.status !== 200) throw new Error(`install: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    },
    async stop(signal) {
      child.kill(signal);
      await child.exited;
    },
    deliver: (events) => deliver(url, publicUrl, events),
    statuses: () => sandbox.control.deliveries().flatMap(({ attempts }) => attempts.map(({ status }) => status)),
    async settle() {
      await sandbox.idle();
      for (const { id, state } of sandbox.control.deliveries())
        if (state === 'given_up') await sandbox.control.redeliver(id);
      await untilRest(options.databaseUrl, sandbox);
    },
    async close() {
      child.kill('SIGKILL');
      await child.exited;
      await sandbox.close();
    },
  };
}

/** As the command line makes them before the service is started. */
async function setUp(url: string, program: ProgramDocument): Promise<{ accountId: string; apiKey: string }> {
  const store = await openStore({ url });
  try {
    const accounts = createAccounts({ store, clock: systemClock });
    const { id } = await accounts.create('Acme');
    const key = await accounts.createApiKey(id, 'test');
    const parsed = parseProgram(program);
    if (!key || !parsed.ok) throw new Error('no key, or no program');
    await store.programs.publish(id, parsed.program, systemClock.now());
    return { accountId: id, apiKey: key.key };
  } finally {
    await store.close();
  }
}

/** HubSpot's v3 signature: HMAC-SHA256 over method, address, body and time, in base64. */
export function signedHeaders(publicUrl: string, body: string, now = Date.now()): Record<string, string> {
  const text = `POST${publicUrl}/webhooks/hubspot${body}${now}`;
  return {
    'content-type': 'application/json',
    'x-hubspot-request-timestamp': String(now),
    'x-hubspot-signature-v3': createHmac('sha256', APP.clientSecret).update(text).digest('base64'),
  };
}

async function deliver(url: string, publicUrl: string, events: readonly object[]): Promise<Answer> {
  const body = JSON.stringify(events);
  const headers = { ...OWN_CONNECTION, ...signedHeaders(publicUrl, body) };
  return answerOf(await fetch(`${url}/webhooks/hubspot`, { method: 'POST', headers, body }));
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

/** Nothing gathers, flies, waits or is due: looked at three times, since one hop may be about to hand over to the next. */
async function untilRest(url: string, sandbox: HubSpotSandbox): Promise<void> {
  const store = await openStore({ url });
  try {
    let quiet = 0;
    await until('everything is at rest', REST_TIMEOUT_MS, async () => {
      await sandbox.idle();
      const soon = Date.now() + REST_TIMEOUT_MS;
      const dues = await Promise.all([store.work.nextDueAt(), store.payouts.nextDueAt(), store.mirror.nextDueAt()]);
      quiet = dues.every((at) => at === null || at > soon) ? quiet + 1 : 0;
      return quiet >= 3;
    });
  } finally {
    await store.close();
  }
}

/** An event of its own each time it is asked for. */
export function dealEvent(objectId: number, eventId: number, change = 'dealstage'): object {
  return {
    eventId,
    subscriptionId: 7_562_681,
    portalId: PORTAL,
    appId: APP.appId,
    occurredAt: Date.now(),
    subscriptionType: 'object.propertyChange',
    attemptNumber: 0,
    objectId,
    objectTypeId: '0-3',
    propertyName: change,
    propertyValue: createHash('sha256').update(randomBytes(8)).digest('hex').slice(0, 12),
    changeSource: 'CRM_UI',
  };
}
