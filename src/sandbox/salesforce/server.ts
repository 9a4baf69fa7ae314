import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCalls } from './calls.ts';
import { createCollectionRoutes } from './collections.ts';
import { createCompositeRoutes } from './composite.ts';
import { type Control, createControl } from './control.ts';
import { createControlApi } from './control-api.ts';
import { ApiError } from './errors.ts';
import { createEventBus } from './event-bus.ts';
import { createFaults } from './faults.ts';
import { createApi, errorAnswer, send, versionList } from './http.ts';
import { createLimits } from './limits.ts';
import { createOAuth, type ExternalClientApp } from './oauth.ts';
import { createOrg, type Org, type OrgSeed } from './org.ts';
import { createPubSub } from './pubsub.ts';
import { createQueries } from './queries.ts';
import { createRandom } from './random.ts';
import { createRecords } from './records.ts';
import { createReplicationRoutes } from './replication.ts';
import { createResourceRoutes } from './resources.ts';
import { createSoap } from './soap.ts';
import { createObjectRoutes } from './sobjects.ts';
import { createTokens, SESSION_LIFETIME_MS } from './tokens.ts';

export type { Control, Shown } from './control.ts';
export type { ExternalClientApp } from './oauth.ts';
export type { OrgSeed } from './org.ts';

export interface SandboxOptions {
  /** Of the login host; 0 or nothing: any free port. Every org has a port of its own, always a free one. */
  port?: number;
  /** A loopback address; 127.0.0.1 unless given. */
  host?: string;
  /** Of the Pub/Sub API; any free one unless given. */
  pubSubPort?: number;
  app: ExternalClientApp;
  /** One org unless given. */
  orgs?: OrgSeed[];
  /** Milliseconds since the epoch for every time stamp; delays use real timers. */
  clock?: () => number;
  /** Of all chance: tokens, replay ids, batches, faults. */
  seed?: number;
  /** Two hours unless given. */
  sessionLifetimeMs?: number;
  /** 2,000 unless given. */
  queryPageSize?: number;
  /** How long a change takes to become an event; none unless given. */
  eventDelayMs?: number;
  /** How long a stream is quiet before an empty batch comes; 270 s unless given. */
  keepAliveMs?: number;
  /** How long a stream waits to be asked for more; 60 s unless given. */
  askAgainMs?: number;
}

export interface SalesforceSandbox {
  /** The login host, as login.salesforce.com. */
  url: string;
  /** Host and port of the Pub/Sub API, without TLS. */
  pubSubEndpoint: string;
  control: Control;
  /** No change is on its way to the stream. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '::1', 'localhost']);
/** Above Salesforce's own limit, so that its refusal is the one that is seen. */
const HEADER_BYTES_MAX = 65_536;
const QUERY_PAGE_SIZE = 2_000;
const KEEP_ALIVE_MS = 270_000;
const ASK_AGAIN_MS = 60_000;

export async function startSalesforceSandbox(options: SandboxOptions): Promise<SalesforceSandbox> {
  const { app } = options;
  const host = options.host ?? '127.0.0.1';
  if (!LOOPBACK_HOSTS.has(host)) throw new Error(`the sandbox only listens on a loopback address, not on ${host}`);
  const base = options.clock ?? Date.now;
  let offsetMs = 0;
  const clock = (): number => base() + offsetMs;
  // Streams apart: how many calls were made must not change which of them a fault strikes.
  const seed = options.seed ?? 1;
  const random = createRandom(seed);
  const faults = createFaults({ random: createRandom(seed + 0x1000_0000) });
  const eventRandom = createRandom(seed + 0x2000_0000);

  const orgs = new Map<string, Org>();
  const hosts = new Map<string, { server: Server; url: string }>();
  const formerHosts: { server: Server; url: string }[] = [];
  let loginUrl = '';
  let orgCount = 0;
  const instanceUrl = (org: Org): string => hosts.get(org.id)?.url ?? '';

  const calls = createCalls();
  const limits = createLimits({ clock });
  const tokens = createTokens({ clock, random, lifetimeMs: options.sessionLifetimeMs ?? SESSION_LIFETIME_MS });
  const bus = createEventBus({ clock, random: eventRandom, faults, delayMs: options.eventDelayMs ?? 0 });
  const records = createRecords({ clock, random: eventRandom, tell: bus.tell });
  const queries = createQueries({ random });
  const oauth = createOAuth({ app, tokens, orgs, faults, calls, clock, loginUrl: () => loginUrl, instanceUrl });
  const pubsub = createPubSub({
    bus,
    tokens,
    orgs,
    faults,
    calls,
    random: eventRandom,
    instanceUrl,
    keepAliveMs: options.keepAliveMs ?? KEEP_ALIVE_MS,
    askAgainMs: options.askAgainMs ?? ASK_AGAIN_MS,
  });
  const api = createApi(
    [
      ...createResourceRoutes({ limits, identityUrl: (org, userId) => `${loginUrl}/id/${org.id}/${userId}` }),
      ...createReplicationRoutes(),
      ...createObjectRoutes({ records }),
      ...queries.routes,
      ...createCollectionRoutes({ records }),
      ...createCompositeRoutes({ records }),
    ],
    { clock, tokens, limits, faults, calls, queryPageSize: options.queryPageSize ?? QUERY_PAGE_SIZE },
  );

  const soap = createSoap({ tokens, limits, faults, calls });

  async function serveOrg(org: Org, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (/^\/services\/data\/?$/.test(path)) send(response, { status: 200, body: versionList() });
    else if (path.startsWith('/services/data/')) await api.serve(org, request, response);
    else if (await soap.serve(org, request, response)) return;
    else if (!(await oauth.serve(org, request, response))) send(response, { status: 404 });
  }

  function listen(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>, port: number) {
    const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (request, response) => {
      handle(request, response).catch((thrown: unknown) => {
        if (response.headersSent) {
          response.destroy();
          return;
        }
        try {
          send(response, errorAnswer(thrown));
        } catch {
          // A fault of the sandbox itself must not look like one that was asked for.
          const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : 'unknown';
          send(response, { status: 500, body: [{ errorCode: 'SANDBOX', message: `sandbox fault: ${message}` }] });
        }
      });
    });
    return new Promise<{ server: Server; url: string }>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        const bound = (server.address() as AddressInfo).port;
        resolve({ server, url: `http://${host === '::1' ? '[::1]' : host}:${bound}` });
      });
    });
  }

  async function addOrg(one: OrgSeed): Promise<Org> {
    orgCount += 1;
    const org = createOrg(one, clock(), orgCount);
    orgs.set(org.id, org);
    await giveHost(org);
    return org;
  }

  /** A reset puts another org under the same id, on the same host. */
  async function giveHost({ id }: Org): Promise<void> {
    let own = '';
    const made = await listen((request, response) => {
      const org = orgs.get(id) as Org;
      return hosts.get(id)?.url === own ? serveOrg(org, request, response) : serveFormer(org, request, response);
    }, 0);
    own = made.url;
    const former = hosts.get(id);
    if (former) formerHosts.push(former);
    hosts.set(id, made);
  }

  /** Where the org was before its My Domain changed: logins are led on from there, and nothing else is. */
  async function serveFormer(org: Org, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await oauth.serve(org, request, response)) return;
    send(response, errorAnswer(new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')));
  }

  async function shut({ server }: { server: Server }): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  const seeds = options.orgs ?? [{}];
  async function reset(): Promise<void> {
    for (const org of orgs.values()) pubsub.breakStreams(org.id);
    tokens.clear();
    limits.clear();
    faults.clear();
    calls.clear();
    bus.clear();
    queries.forgetLocators();
    offsetMs = 0;
    const fresh = seeds.map((one, index) => createOrg(one, clock(), index + 1));
    const kept = new Set(fresh.map((org) => org.id));
    for (const id of [...orgs.keys()].filter((one) => !kept.has(one))) {
      orgs.delete(id);
      const gone = hosts.get(id);
      hosts.delete(id);
      if (gone) await shut(gone);
    }
    for (const org of fresh) orgs.set(org.id, org);
    orgCount = seeds.length;
  }

  const control = createControl({
    app,
    clock,
    advance(ms) {
      offsetMs += ms;
    },
    orgs,
    records,
    tokens,
    oauth,
    limits,
    faults,
    calls,
    bus,
    pubsub,
    forgetLocators: queries.forgetLocators,
    instanceUrl,
    addOrg,
    giveHost,
    reset,
  });
  const controlApi = createControlApi(control);

  const login = await listen(async (request, response) => {
    if (await controlApi.serve(request, response)) return;
    if (!(await oauth.serve(null, request, response))) send(response, { status: 404 });
  }, options.port ?? 0);
  loginUrl = login.url;
  for (const one of seeds) await addOrg(one);
  const pubSubPort = await pubsub.start(host === '::1' ? '[::1]' : host, options.pubSubPort ?? 0);

  return {
    url: loginUrl,
    pubSubEndpoint: `${host === '::1' ? '[::1]' : host}:${pubSubPort}`,
    control,
    idle: () => bus.idle(),
    async close() {
      pubsub.stop();
      bus.clear();
      await Promise.all([...hosts.values(), ...formerHosts, login].map(shut));
    },
  };
}
