import { addDays } from '../domain/time.ts';
import { WEBHOOK_EVENTS_KEPT_DAYS } from '../domain/webhook.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Store } from './ports/store.ts';
import type { Reconciliation } from './reconciliation.ts';

/**
 * HubSpot makes a call that it got no answer to again for three days, and must hear the same each time. Ten times that, so that somebody who
 * looks into a workflow of last month still finds what it was told. A call that comes later still finds the member, the referral and the
 * decision that the first one led to: these have ids of their own causes.
 */
export const WORKFLOW_CALLS_KEPT_DAYS = 30;

/** Calls of one transaction. */
const CALLS_PER_WRITE = 1_000;

/** Events of one transaction, each with its deliveries and their attempts. */
const EVENTS_PER_WRITE = 200;

export interface PruneDeps {
  readonly store: Pick<Store, 'accounts' | 'connections' | 'workflowCalls' | 'webhooks'>;
  readonly reconciliation: Pick<Reconciliation, 'prune'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** Forgets what has had its time, of every connection. One that fails does not stop the others. */
export function createPrune({ store, reconciliation, clock, log }: PruneDeps): (signal?: AbortSignal) => Promise<void> {
  async function pruneCalls(accountId: string, connectionId: string, signal?: AbortSignal): Promise<void> {
    const before = addDays(clock.now(), -WORKFLOW_CALLS_KEPT_DAYS);
    let calls = 0;
    for (let some = CALLS_PER_WRITE; some === CALLS_PER_WRITE && !signal?.aborted; calls += some)
      some = await store.workflowCalls.prune(accountId, connectionId, before, CALLS_PER_WRITE);
    if (calls > 0) log.info({ connection: connectionId, calls }, 'old calls of workflows forgotten');
  }

  async function pruneEvents(accountId: string, signal?: AbortSignal): Promise<void> {
    const before = addDays(clock.now(), -WEBHOOK_EVENTS_KEPT_DAYS);
    let events = 0;
    for (let some = EVENTS_PER_WRITE; some === EVENTS_PER_WRITE && !signal?.aborted; events += some)
      some = await store.webhooks.prune(accountId, before, EVENTS_PER_WRITE);
    if (events > 0) log.info({ account: accountId, events }, 'old events of webhooks forgotten');
  }

  return async (signal) => {
    for (const { id: accountId } of await store.accounts.list()) {
      try {
        await pruneEvents(accountId, signal);
      } catch (err) {
        log.error({ account: accountId, err }, 'what is old could not be forgotten');
      }
      for (const { id: connectionId } of await store.connections.list(accountId)) {
        if (signal?.aborted) return;
        try {
          await pruneCalls(accountId, connectionId, signal);
          await reconciliation.prune(accountId, connectionId, signal);
        } catch (err) {
          log.error({ connection: connectionId, err }, 'what is old could not be forgotten');
        }
      }
    }
  };
}
