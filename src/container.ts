import { randomUUID } from 'node:crypto';
import { type Accounts, createAccounts } from './application/accounts.ts';
import { type Act, createAct } from './application/act.ts';
import { createCard } from './application/card.ts';
import { type Connect, createConnect } from './application/connect.ts';
import { createDeliver } from './application/deliver.ts';
import { createPlace } from './application/place.ts';
import type { CrmConnector } from './application/ports/crm.ts';
import type { Observe } from './application/ports/observe.ts';
import type { PayoutProvider } from './application/ports/payout.ts';
import type { Connection, Store } from './application/ports/store.ts';
import { createProcess } from './application/process.ts';
import { createReceive } from './application/receive.ts';
import { createReconcile, type Reconcile } from './application/reconcile.ts';
import { createSchedule } from './jobs/schedule.ts';
import { createWorker, type Worker } from './jobs/worker.ts';
import type { Clock } from './platform/clock.ts';
import type { Log } from './platform/log.ts';
import { createSeal, type SealKey } from './platform/seal.ts';

/**
 * How many batches of each hop one node has under way. A portal that answers slowly, or asks us to slow down, holds up one of them
 * and not the portals beside it; more would only wait for the same database.
 */
const WORKERS = { process: 4, payouts: 2, mirror: 2 } as const;

export interface ContainerDeps {
  readonly store: Store;
  readonly connectors: ReadonlyMap<string, CrmConnector>;
  readonly providers: ReadonlyMap<string, PayoutProvider>;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: Observe;
  readonly publicUrl: string;
  readonly encryptionKeys: readonly SealKey[];
  readonly sweepSchedule: string;
}

export interface Container {
  readonly accounts: Accounts;
  readonly act: Act;
  readonly connect: Connect;
  readonly card: ReturnType<typeof createCard>;
  readonly receive: ReadonlyMap<string, ReturnType<typeof createReceive>>;
  readonly reconcile: Reconcile;
  /** The three hops' workers and the schedules. */
  start(): void;
  /** Finishes what is under way. Nothing is lost: what was not begun lies in the store. */
  stop(): Promise<void>;
}

/** Puts the rooms together. The only place that knows them all. */
export function createContainer(deps: ContainerDeps): Container {
  const { store, connectors, providers, clock, log, observe, publicUrl, encryptionKeys, sweepSchedule } = deps;
  const owner = randomUUID();
  const connect = createConnect({ store, seal: createSeal(encryptionKeys), clock, log, publicUrl, connectors });
  const openSession = (connection: Connection) => connect.openSession(connection);

  // The hops poke each other's workers; each worker is made after the hop that it runs.
  const workers: Worker[] = [];
  const pokeAll = () => {
    for (const worker of workers) worker.poke();
  };
  const processBatch = createProcess({ store, clock, log, observe, openSession, onDecided: pokeAll });
  const deliver = createDeliver({ store, clock, log, observe, publicUrl, providers, openSession, onAsked: pokeAll });
  const place = createPlace({ store, clock, log, openSession, onAsked: pokeAll });
  const reconcile = createReconcile({ store, clock, log, openSession, place, onAsked: pokeAll });
  const hops = { process: processBatch, payouts: deliver.payouts, mirror: deliver.mirror };
  for (const name of Object.keys(hops) as Array<keyof typeof hops>) {
    for (let count = 0; count < WORKERS[name]; count += 1)
      workers.push(createWorker({ name, run: hops[name], clock, log }));
  }
  const sweep = createSchedule({
    name: 'sweep',
    expression: sweepSchedule,
    run: (signal) => reconcile.sweepAll(signal),
    owner,
    leases: store.leases,
    clock,
    log,
  });

  return {
    accounts: createAccounts({ store, clock }),
    act: createAct({
      store,
      clock,
      onAsked: pokeAll,
      onUnplaced: (accountId, email) => {
        place.person(accountId, email).catch((err: unknown) => log.warn({ err }, 'person not looked for yet'));
      },
    }),
    connect,
    card: createCard({
      store,
      clock,
      publicUrl,
      recordUrl: (connection, record) => connectors.get(connection.provider)?.recordUrl(connection, record) ?? null,
    }),
    receive: new Map(
      [...connectors].map(([provider, { inbound }]) => [
        provider,
        createReceive({
          provider,
          inbound,
          connections: store.connections,
          inbox: store.inbox,
          now: clock.now,
          onAccepted: pokeAll,
        }),
      ]),
    ),
    reconcile,
    start() {
      for (const worker of workers) worker.start();
      sweep.start();
    },
    async stop() {
      await sweep.stop();
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}
