import type { CrmConnector } from './application/ports/crm.ts';
import type { Store } from './application/ports/store.ts';
import { Fault, type FaultCode } from './domain/errors.ts';
import {
  type Metrics,
  putBackReasonOf,
  type Queue,
  type RefreshResult,
  type VitalReading,
} from './platform/metrics.ts';

type ObserveStore = Pick<Metrics, 'storeError' | 'putBack'>;

/**
 * The store, told of to the metrics: what the database failed, and what the hops gave back unfinished. The hops themselves need
 * not know that they are counted.
 */
export function observedStore(store: Store, observe: ObserveStore): Store {
  const parts = Object.entries(store).map(([name, part]) => {
    if (typeof part === 'function') return [name, name === 'close' ? part : watched(part, name, observe)];
    // A part that this database does not have.
    if (part === null || typeof part !== 'object') return [name, part];
    const methods = Object.entries(part).map(([method, run]) => [
      method,
      typeof run === 'function' ? watched(run as Method, name, observe) : run,
    ]);
    return [name, Object.fromEntries(methods)];
  });
  const seen: Store = Object.fromEntries(parts);
  const countPutBack = (queue: Queue, { error, parked }: { error: string; parked: boolean }) =>
    observe.putBack(queue, putBackReasonOf(error), parked);
  return {
    ...seen,
    work: {
      ...seen.work,
      defer: (item, why) => seen.work.defer(item, why).then(() => countPutBack('work', why)),
    },
    payouts: {
      ...seen.payouts,
      defer: (payout, why) => seen.payouts.defer(payout, why).then(() => countPutBack('payouts', why)),
    },
    mirror: {
      ...seen.mirror,
      defer: (item, why) => seen.mirror.defer(item, why).then(() => countPutBack('mirror', why)),
    },
    appEvents: {
      ...seen.appEvents,
      // One length and one count for what goes to records and to their timelines, as one hop brings both.
      defer: (events, why) => seen.appEvents.defer(events, why).then(() => countPutBack('mirror', why)),
    },
    callbacks: {
      ...seen.callbacks,
      defer: (waits, why) => seen.callbacks.defer(waits, why).then(() => countPutBack('callbacks', why)),
    },
  };
}

/** The database's own; the other faults are answers to what was asked of it. */
const STORE_FAULTS: readonly FaultCode[] = ['storage', 'busy'];

type Method = (...input: unknown[]) => unknown;

function watched(run: Method, part: string, observe: ObserveStore): Method {
  return (...input) => {
    const answer = run(...input);
    // Beside the caller's own handling and not in front of it: nobody waits longer for being counted.
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        if (!(error instanceof Fault) || STORE_FAULTS.includes(error.code)) observe.storeError(part);
      });
    }
    return answer;
  };
}

/** The connectors, with every renewal of an authorisation told of. */
export function observedConnectors(
  connectors: ReadonlyMap<string, CrmConnector>,
  observe: Pick<Metrics, 'tokenRefresh'>,
): ReadonlyMap<string, CrmConnector> {
  const observed = (connector: CrmConnector): CrmConnector => ({
    ...connector,
    oauth: {
      ...connector.oauth,
      async refresh(input) {
        let result: RefreshResult = 'failed';
        try {
          const grant = await connector.oauth.refresh(input);
          result = 'renewed';
          return grant;
        } catch (fault) {
          result = refusalOf(fault);
          throw fault;
        } finally {
          observe.tokenRefresh(connector.provider, result);
        }
      },
    },
  });
  return new Map([...connectors].map(([provider, connector]) => [provider, observed(connector)]));
}

function refusalOf(fault: unknown): RefreshResult {
  if (!(fault instanceof Fault)) return 'failed';
  if (fault.retry.kind === 'reconnect') return 'revoked';
  return fault.code === 'app_misconfigured' ? 'misconfigured' : 'failed';
}

/** What the metrics show of the database beside the lengths of the queues. */
export async function readVitals(
  store: Pick<Store, 'work' | 'payouts' | 'mirror' | 'callbacks' | 'webhooks' | 'vitals'>,
  now: number,
): Promise<VitalReading> {
  const { connections, disk } = await store.vitals.signs();
  const [work, payouts, mirror, callbacks, webhooks] = await Promise.all([
    store.work.nextDueAt(),
    store.payouts.nextDueAt(),
    store.mirror.nextDueAt(),
    store.callbacks.nextDueAt(),
    store.webhooks.nextDueAt(),
  ]);
  const secondsSince = (at: number | null) => (at === null ? 0 : Math.max(0, now - at) / 1_000);
  return {
    oldestDueSeconds: {
      work: secondsSince(work),
      payouts: secondsSince(payouts),
      mirror: secondsSince(mirror),
      callbacks: secondsSince(callbacks),
      webhooks: secondsSince(webhooks),
    },
    connections: connections.map(({ sweptTo, ...connection }) => ({
      ...connection,
      sweptSecondsAgo: secondsSince(sweptTo),
    })),
    disk,
  };
}
