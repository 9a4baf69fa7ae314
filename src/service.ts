import type { AddressInfo } from 'node:net';
import { uuidv7 } from 'uuidv7';
import type { Store } from './application/ports/store.ts';
import type { Config } from './config.ts';
import { type Container, createContainer } from './container.ts';
import { loadConnectors } from './crm/registry.ts';
import { createApp } from './http/app.ts';
import { closeHttpServer, createHttpServer } from './http/server.ts';
import { loadProviders } from './payout/registry.ts';
import type { Clock } from './platform/clock.ts';
import type { Log } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { openStore } from './store/open.ts';

/** HubSpot waits five seconds for an answer; a request that is still open after ten is given up by its caller. */
const SHUTDOWN_GRACE_MS = 10_000;

export interface Service {
  /** Where it listens on this machine. */
  readonly port: number;
  readonly store: Store;
  readonly container: Container;
  /** Refuses new requests, finishes those under way and the batches under way, closes the database. */
  stop(): Promise<void>;
}

/** Starts everything that one node runs. @throws when the database or the port cannot be had. */
export async function startService(config: Config, { clock, log }: { clock: Clock; log: Log }): Promise<Service> {
  const metrics = createMetrics();
  const store = await openStore({ url: config.databaseUrl });
  const connectors = await loadConnectors(config.crmEnvironment, {
    clock: clock.now,
    random: clock.random,
    sleep: clock.sleep,
    log,
    onCall: metrics.crmCall,
  });
  const providers = await loadProviders({ ...config, now: clock.now });
  const container = createContainer({ ...config, store, connectors, providers, clock, log, observe: metrics });
  metrics.watchQueues(async () => {
    const now = clock.now();
    const [work, payouts, mirror] = await Promise.all([
      store.work.counts(now),
      store.payouts.counts(now),
      store.mirror.counts(now),
    ]);
    return { work, payouts, mirror };
  });

  let isStopping = false;
  const app = createApp({
    ...config,
    ...container,
    log,
    clock,
    metrics,
    connectors,
    store: { reads: store.reads, connections: store.connections, programs: store.programs },
    payouts: new Set(providers.keys()),
    newRef: uuidv7,
    codeExists: store.reads.codeExists,
    readiness: store.ping,
    isStopping: () => isStopping,
  });
  const server = createHttpServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => resolve());
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
      await container.stop();
      await store.close();
      log.info('stopped');
    },
  };
}
