import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createAccountRoutes } from './account.ts';
import type { UploadedAction } from './action-definitions.ts';
import { createAppEvents, type UploadedEvent } from './app-events.ts';
import { createAssociationRoutes } from './associations.ts';
import { createCalls } from './calls.ts';
import type { Change } from './changes.ts';
import { type Control, createControl, type PortalSummary } from './control.ts';
import { createControlApi } from './control-api.ts';
import { createFaults } from './faults.ts';
import { createFetchProxy } from './fetch-proxy.ts';
import { createApiRouter, send, unknownPath } from './http.ts';
import { createLimits } from './limits.ts';
import { createLinks } from './links.ts';
import { createListRoutes } from './lists.ts';
import { createOAuth } from './oauth.ts';
import { createObjectRoutes } from './objects.ts';
import { createPipelineRoutes, createPipelines } from './pipelines.ts';
import { createPortal, type Portal, type PortalSeed } from './portal.ts';
import { createPropertyRoutes } from './properties.ts';
import { createPropertyWorkflows } from './property-workflows.ts';
import { createRandom } from './random.ts';
import { createRecords } from './records.ts';
import { createSchemaRoutes } from './schemas.ts';
import { createSearchRoutes } from './search.ts';
import { ACCESS_TOKEN_LIFETIME_MS, createTokens } from './tokens.ts';
import type { Subscription } from './webhook-events.ts';
import { createWebhooks } from './webhooks.ts';
import { createWorkflows } from './workflows.ts';

export type { Control } from './control.ts';
export type { FaultInput } from './faults.ts';
export type { PortalSeed } from './portal.ts';
export type { WebhookEvent } from './webhook-events.ts';
export type { Delivery } from './webhooks.ts';

/** The app as its project files declare it. */
export interface SandboxApp {
  appId: number;
  clientId: string;
  clientSecret: string;
  redirectUrls: string[];
  requiredScopes: string[];
  optionalScopes: string[];
  webhooks: {
    targetUrl: string;
    maxConcurrentRequests: number;
    subscriptions: Array<{
      /** `object.creation`, `object.propertyChange`, … */
      subscriptionType: string;
      /** 'contact', 'company' or 'deal'. */
      objectType: string;
      propertyName?: string;
      active: boolean;
    }>;
    /** `contact.privacyDeletion`. */
    hubEvents?: Array<{ subscriptionType: string; active: boolean }>;
  };
  permittedFetchUrls: string[];
  /** None unless given. */
  workflowActions?: UploadedAction[];
  /** None unless given: HubSpot lets only apps that it has approved define some. */
  appEvents?: UploadedEvent[];
}

export interface SandboxOptions {
  /** 0 or nothing: any free port. */
  port?: number;
  /** A loopback address; 127.0.0.1 unless given. */
  host?: string;
  app: SandboxApp;
  /** One portal, 147000001, unless given. */
  portals?: PortalSeed[];
  /** Milliseconds since the epoch for every time stamp; delays use real timers. */
  clock?: () => number;
  /** Of all chance: ids, jitter, faults. */
  seed?: number;
  /** How long events gather before they leave together; 100 ms unless given. */
  webhookBatchDelayMs?: number;
  /** Unit of the retry schedule; a minute unless given, which spreads ten attempts over 22 hours. */
  retryBaseMs?: number;
  /** How far the search lags behind a write; 3 s unless given. */
  indexLagMs?: number;
  /** 30 minutes unless given. */
  tokenLifetimeMs?: number;
  /** false: no 429 by itself. For benchmarks of something else only. */
  rateLimits?: boolean;
  /** true: every refresh gives a new refresh token and spends the old one. */
  rotateRefreshTokens?: boolean;
  /** What a batch read makes of an id that was merged away: not documented, so both can be had. 'missing' unless given. */
  mergedBatchRead?: 'missing' | 'resolve';
  /** Web pages for people, mounted at `/` after the API. */
  pages?: express.Router;
}

export interface HubSpotSandbox {
  url: string;
  authorizeUrl: string;
  portal(id: number): PortalSummary;
  control: Control;
  /** No webhook gathers, flies or waits for a retry, and no workflow action does. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '::1', 'localhost']);
const DEFAULT_BATCH_DELAY_MS = 100;
const DEFAULT_RETRY_BASE_MS = 60_000;
const DEFAULT_INDEX_LAG_MS = 3_000;
const DEFAULT_PORTAL: PortalSeed = { portalId: 147_000_001, name: 'Acme' };
/** Real ones have seven digits and more (`2-3465404` in the guide). */
const FIRST_TYPE_NUMBER = 3_465_403;
const FIRST_SUBSCRIPTION_ID = 7_562_681;
/** "maxConcurrentRequests must be greater than 5" (webhooks component reference). */
const MIN_CONCURRENT_REQUESTS = 6;

function subscriptionsOf(app: SandboxApp): Subscription[] {
  const hubEvents = (app.webhooks.hubEvents ?? []).map((event) => ({ ...event, objectType: '' }));
  return [...app.webhooks.subscriptions, ...hubEvents].map((subscription, index) => ({
    ...subscription,
    subscriptionId: FIRST_SUBSCRIPTION_ID + index,
  }));
}

export async function startHubSpotSandbox(options: SandboxOptions): Promise<HubSpotSandbox> {
  const { app } = options;
  const host = options.host ?? '127.0.0.1';
  if (!LOOPBACK_HOSTS.has(host)) throw new Error(`the sandbox only listens on a loopback address, not on ${host}`);
  if (app.webhooks.maxConcurrentRequests < MIN_CONCURRENT_REQUESTS) {
    throw new Error(`webhooks.maxConcurrentRequests must be greater than ${MIN_CONCURRENT_REQUESTS - 1}`);
  }
  const clock = options.clock ?? Date.now;
  // Streams apart: how many calls were made must not change which of them a fault strikes.
  const seed = options.seed ?? 1;
  const random = createRandom(seed);
  const faultRandom = createRandom(seed + 0x1000_0000);
  const webhookRandom = createRandom(seed + 0x2000_0000);
  const seeds = options.portals ?? [DEFAULT_PORTAL];
  const portals = new Map(seeds.map((seed) => [seed.portalId, createPortal(seed, clock())]));
  const indexLagMs = options.indexLagMs ?? DEFAULT_INDEX_LAG_MS;
  const settings = { mergedBatchRead: options.mergedBatchRead ?? ('missing' as const) };

  const faults = createFaults({ random: faultRandom });
  const calls = createCalls();
  const limits = createLimits({ clock, appId: app.appId, enabled: options.rateLimits ?? true });
  const tokens = createTokens({
    clock,
    random,
    lifetimeMs: options.tokenLifetimeMs ?? ACCESS_TOKEN_LIFETIME_MS,
    portals,
  });
  const webhooks = createWebhooks({
    clock,
    random: webhookRandom,
    faults,
    appId: app.appId,
    clientSecret: app.clientSecret,
    targetUrl: app.webhooks.targetUrl,
    maxConcurrentRequests: app.webhooks.maxConcurrentRequests,
    batchDelayMs: options.webhookBatchDelayMs ?? DEFAULT_BATCH_DELAY_MS,
    retryBaseMs: options.retryBaseMs ?? DEFAULT_RETRY_BASE_MS,
    subscriptions: subscriptionsOf(app),
  });
  const tell = (portal: Portal, change: Change): void => {
    webhooks.tell(portal, change);
    propertyWorkflows.tell(portal, change);
  };
  const records = createRecords({ tell, indexLagMs });
  const propertyWorkflows = createPropertyWorkflows({ records, clock });
  const links = createLinks({ tell, records });
  const pipelines = createPipelines({ random });
  const oauth = createOAuth({
    app,
    tokens,
    portals,
    faults,
    calls,
    random,
    clock,
    rotateRefreshTokens: options.rotateRefreshTokens ?? false,
  });
  const fetchProxy = createFetchProxy({
    clock,
    appId: app.appId,
    clientSecret: app.clientSecret,
    permittedUrls: app.permittedFetchUrls,
  });
  const workflows = createWorkflows({
    clock,
    random: createRandom(seed + 0x3000_0000),
    faults,
    clientSecret: app.clientSecret,
    actions: app.workflowActions ?? [],
    retryBaseMs: options.retryBaseMs ?? DEFAULT_RETRY_BASE_MS,
  });
  const appEvents = createAppEvents({ appId: app.appId, types: app.appEvents ?? [], clock });
  let typeNumber = FIRST_TYPE_NUMBER;
  const nextTypeNumber = (): number => {
    typeNumber += 1;
    return typeNumber;
  };
  let url = '';
  const control = createControl({
    app,
    clock,
    portals,
    seeds,
    records,
    links,
    pipelines,
    oauth,
    tokens,
    webhooks,
    workflows,
    appEvents,
    propertyWorkflows,
    faults,
    calls,
    limits,
    fetchProxy,
    settings,
    baseUrl: () => url,
  });

  const api = createApiRouter(
    [
      ...createSearchRoutes({ links, indexLagMs }),
      ...createAssociationRoutes({ links, appId: app.appId }),
      ...createObjectRoutes({ records, links, appId: app.appId, mergedBatchRead: () => settings.mergedBatchRead }),
      ...createPipelineRoutes({ pipelines }),
      ...createPropertyRoutes(),
      ...createListRoutes(),
      ...createSchemaRoutes({ links, nextTypeNumber }),
      ...workflows.routes,
      ...appEvents.routes,
      ...createAccountRoutes({ uninstall: (portal) => control.uninstall(portal.id) }),
    ],
    { clock, random, tokens, limits, faults, calls },
  );

  const server = createServer();
  const web = express();
  web.disable('x-powered-by');
  web.set('etag', false);
  web.use('/_sandbox/api', createControlApi({ control, random }));
  web.use(oauth.router);
  web.use(api);
  if (options.pages) web.use(options.pages);
  web.use((request, response) => {
    const correlationId = random.uuid();
    calls.record(tokens.portalOf(request.headers.authorization), request.method, '(unknown path)', 404);
    send(response, unknownPath(request.path, correlationId), correlationId);
  });
  web.use((error: Error, _request: express.Request, response: express.Response, next: express.NextFunction) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    // A fault of the sandbox itself must not look like one that was asked for.
    response
      .status(500)
      .json({ status: 'error', message: `sandbox fault: ${error.message}`, category: 'SANDBOX_FAULT' });
  });
  server.on('request', web);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  url = `http://${host === '::1' ? '[::1]' : host}:${port}`;

  return {
    url,
    authorizeUrl: `${url}/oauth/authorize`,
    portal: (id) => control.portal(id),
    control,
    idle: () => control.idle(),
    async close() {
      webhooks.reset();
      workflows.reset();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
