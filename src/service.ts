import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { uuidv7 } from 'uuidv7';
import type { Store } from './application/ports/store.ts';
import { createSyncPulse } from './application/sync-pulse.ts';
import type { Config } from './config.ts';
import { type Container, createContainer, type Jobs } from './container.ts';
import { loadConnectors } from './crm/registry.ts';
import { createApp } from './http/app.ts';
import { answeredInTime, createLateness, shedding } from './http/overload.ts';
import { closeHttpServer, createHttpServer } from './http/server.ts';
import { storedOf } from './http/stored.ts';
import { createLetters } from './notify/email/letters.ts';
import { createSendWebhook } from './notify/webhook/send.ts';
import { observedConnectors, observedStore, readVitals } from './observed.ts';
import { loadProviders } from './payout/registry.ts';
import type { Clock } from './platform/clock.ts';
import type { Log } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { createOpenId } from './platform/open-id.ts';
import { createSeal } from './platform/seal.ts';
import { openStore } from './store/open.ts';
import { VERSION } from './version.ts';

/** HubSpot waits five seconds for an answer; a request that is still open after ten is given up by its caller. */
const SHUTDOWN_GRACE_MS = 10_000;

/**
 * Connections that the system has taken and we have not. Node accepts one in each turn of its event loop, so in a storm their callers
 * have gone by the time they are read; with Node's 511 six seconds of overload were followed by a minute in which nobody was answered in time.
 */
const BACKLOG = 128;

/** Each takes about 10 kB though nothing is said on it; common proxies keep a few hundred. */
const CONNECTIONS_MAX = 4_096;

/** What was waiting at the start comes first; then the file is looked through. */
const FILE_CHECK_AFTER_MS = 5_000;

/** What `npm run build` made of src/web/console. */
const CONSOLE_FILES = fileURLToPath(new URL('../dist/console', import.meta.url));

export interface Service {
  /** Where it listens on this machine. */
  readonly port: number;
  readonly store: Store;
  readonly container: Container;
  /** Refuses new requests, finishes those under way and the batches under way, closes the database. */
  stop(): Promise<void>;
}

export interface ServiceDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: hops and schedules run by themselves. */
  readonly jobs?: Jobs | undefined;
  /** False only for made-up data: see `openStore`. */
  readonly isFlushed?: boolean;
}

/** Starts everything that one node runs. @throws when the database or the port cannot be had. */
export async function startService(
  config: Config,
  { clock, log, jobs, isFlushed = true }: ServiceDeps,
): Promise<Service> {
  const metrics = createMetrics({ version: VERSION });
  const store = observedStore(
    await openStore({ url: config.databaseUrl, checkAfterMs: FILE_CHECK_AFTER_MS, isFlushed }),
    metrics,
  );
  const pulse = createSyncPulse({ store, clock, log });
  const loaded = await loadConnectors(config.crmEnvironment, {
    clock: clock.now,
    random: clock.random,
    sleep: clock.sleep,
    log,
    onCall: (provider, method, status, externalId) => {
      metrics.crmCall(provider, method, status);
      if (externalId !== undefined) pulse.call(provider, externalId, status);
    },
  });
  const connectors = observedConnectors(loaded, metrics);
  const { coupons, batches } = store;
  const seal = createSeal(config.encryptionKeys);
  const providers = await loadProviders({
    ...config,
    now: clock.now,
    randomBytes,
    seal,
    coupons,
    batches,
  });
  const container = createContainer({
    ...config,
    store,
    connectors,
    providers,
    clock,
    log,
    observe: metrics,
    pulse,
    sendLetter: config.mail && createLetters(config.mail),
    sendWebhook: createSendWebhook({ allowPrivate: config.allowPrivateDestinations, clock }),
    jobs,
  });
  metrics.watchQueues(async () => {
    const now = clock.now();
    const [work, payouts, mirror, callbacks, webhooks] = await Promise.all([
      store.work.counts(now),
      store.payouts.counts(now),
      store.mirror.counts(now),
      store.callbacks.counts(now),
      store.webhooks.counts(now),
    ]);
    return { work, payouts, mirror, callbacks, webhooks };
  });
  metrics.watchVitals(() => readVitals(store, clock.now()));
  metrics.expect({ crms: [...connectors.keys()], payouts: [...providers.keys()], storeParts: Object.keys(store) });

  let isStopping = false;
  const app = createApp({
    ...config,
    ...container,
    receive: new Map([...container.receive].map(([provider, receive]) => [provider, answeredInTime(receive)])),
    onBudget: container.onAsked,
    log,
    clock,
    metrics,
    connectors,
    store: storedOf(store),
    openId: config.openId && createOpenId(config.openId),
    seal,
    consoleFiles: CONSOLE_FILES,
    newRef: uuidv7,
    readiness: store.ping,
    isStopping: () => isStopping,
  });
  const lateness = createLateness();
  const server = createHttpServer(
    shedding(app, {
      lateMs: lateness.ms,
      now: clock.now,
      newRef: uuidv7,
      log,
      onRefused: (method) => metrics.httpRequest({ method, route: 'refused', status: 503, seconds: 0 }),
    }),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: config.port, host: config.host, backlog: BACKLOG }, () => resolve());
  });
  container.start();
  const { port } = server.address() as AddressInfo;
  log.info(
    { port, publicUrl: config.publicUrl, crms: [...connectors.keys()], providers: [...providers.keys()] },
    'started',
  );

  return {
    port,
    store,
    container,
    async stop() {
      isStopping = true;
      await closeHttpServer(server, SHUTDOWN_GRACE_MS);
      lateness.stop();
      await container.stop();
      await store.close();
      log.info('stopped');
    },
  };
}
