import { randomUUID } from 'node:crypto';
import { type AfterAttempt, type Attempt, afterAttempt } from '../domain/webhook.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { type Seal, webhookContext } from '../platform/seal.ts';
import type { ObserveWebhooks } from './ports/observe.ts';
import type { ClaimedDelivery, Shard, Store, WebhookEndpoint } from './ports/store.ts';
import type { SendWebhook } from './ports/webhook.ts';

/** Two rounds of parallel requests: as many as the lease has room for where each takes as long as it may. */
const CLAIM_MAX = 8;

/** Requests to one endpoint at a time, for each batch; a node has two batches of an endpoint under way. */
const PARALLEL_MAX = 4;

/** Twice what two rounds of 15 seconds take. */
const LEASE_MS = 60_000;

export interface SendWebhooksDeps {
  readonly store: Pick<Store, 'webhooks'>;
  readonly seal: Seal;
  readonly send: SendWebhook;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: ObserveWebhooks;
}

/** Returns how many deliveries were claimed; 0 means that nothing is due. */
export type SendWebhooks = (shard: Shard, signal?: AbortSignal) => Promise<number>;

/**
 * Tells one endpoint what has happened. An endpoint that does not answer gets no more of the batch, and is left alone for a while: what it is
 * to be told lies in the store. To be told twice is possible and bears the same id.
 */
export function createSendWebhooks({ store, seal, send, clock, log, observe }: SendWebhooksDeps): SendWebhooks {
  const { webhooks } = store;

  function secretsOf(accountId: string, endpoint: WebhookEndpoint): string[] {
    const { id, secret, former } = endpoint;
    const sealed = [secret, ...(former && former.until > clock.now() ? [former.secret] : [])];
    return sealed.map((text) => seal.open(text, webhookContext(accountId, id)));
  }

  async function attempt(endpoint: WebhookEndpoint, delivery: ClaimedDelivery): Promise<Attempt> {
    const at = clock.now();
    try {
      const secrets = secretsOf(delivery.accountId, endpoint);
      return await send({ url: endpoint.url, secrets, eventId: delivery.eventId, body: delivery.body });
    } catch (err) {
      log.error({ err, endpoint: endpoint.id }, 'webhook could not be sent');
      const problem = 'It could not be sent; the reason stands in the log of the service.';
      return { at, durationMs: clock.now() - at, status: null, problem, answer: '', pauseMs: null };
    }
  }

  /** Whether the endpoint can be sent more. */
  async function tell(endpoint: WebhookEndpoint, delivery: ClaimedDelivery): Promise<boolean> {
    const told = await attempt(endpoint, delivery);
    // Drawn once: a transaction that is tried again judges the same.
    const [now, drawn] = [clock.now(), clock.random()];
    const settled = await webhooks.settle({ delivery, attempt: told }, ({ health }) =>
      afterAttempt(told, delivery.attempts, health, now, () => drawn),
    );
    if (settled.kind === 'lost') return true;
    const { after } = settled;
    observe.webhookSent(resultOf(after));
    if (after.switchedOff !== null) {
      log.warn({ endpoint: endpoint.id, account: delivery.accountId, why: after.switchedOff }, 'webhook switched off');
    }
    return after.switchedOff === null && after.health.failures === 0;
  }

  async function tellAll(
    endpoint: WebhookEndpoint,
    deliveries: readonly ClaimedDelivery[],
    signal?: AbortSignal,
  ): Promise<void> {
    const left = [...deliveries];
    let goesOn = true;
    const worker = async () => {
      while (goesOn && !signal?.aborted) {
        const next = left.shift();
        if (!next) return;
        if (!(await tell(endpoint, next))) goesOn = false;
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(PARALLEL_MAX, left.length) }, worker));
    } finally {
      if (left.length > 0) await webhooks.release(left);
    }
  }

  return async (shard, signal) => {
    const deliveries = await webhooks.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: CLAIM_MAX,
      claim: randomUUID(),
    });
    const [first] = deliveries;
    if (!first) return 0;
    const endpoint = await webhooks.endpoint(first.accountId, first.endpointId);
    if (endpoint?.state !== 'enabled') await webhooks.release(deliveries);
    else await tellAll(endpoint, deliveries, signal);
    return deliveries.length;
  };
}

function resultOf({ delivery, switchedOff }: AfterAttempt): 'delivered' | 'retried' | 'failed' | 'switched_off' {
  if (switchedOff !== null) return 'switched_off';
  if (delivery.state === 'waiting') return 'retried';
  return delivery.state;
}
