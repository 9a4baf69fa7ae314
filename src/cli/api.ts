import type { Observe, ObserveStream, ObserveWebhooks } from '../application/ports/observe.ts';
import { createSyncPulse } from '../application/sync-pulse.ts';
import { createContainer } from '../container.ts';
import type { Operation } from '../http/api/operation.ts';
import { operations } from '../http/api/operations.ts';
import { storedOf } from '../http/stored.ts';
import { createSendWebhook } from '../notify/webhook/send.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { payoutsOf, type Services } from './services.ts';

/** A command ends before anybody could ask for its metrics. */
const UNOBSERVED: Observe & ObserveStream & ObserveWebhooks = {
  processed() {},
  decision() {},
  payout() {},
  mirrorWrites() {},
  webhookSent() {},
  hints() {},
  streamsOpen() {},
  streamBroke() {},
  streamUndecodable() {},
  streamLag() {},
};

/** Everything that the API can do, on the command's own database; nothing of it runs by itself. */
export async function apiOf(services: Services): Promise<Operation[]> {
  const { config, store, connectors } = services;
  const { providers } = await payoutsOf(services);
  const clock = systemClock;
  const log = createLog({ level: 'silent' });
  const container = createContainer({
    ...config,
    store,
    connectors,
    providers,
    clock,
    log,
    observe: UNOBSERVED,
    pulse: createSyncPulse({ store, clock, log }),
    sendLetter: null,
    sendWebhook: createSendWebhook({ allowPrivate: config.allowPrivateDestinations, clock }),
  });
  return operations({
    ...config,
    ...container,
    ...storedOf(store),
    clock,
    onBudget: container.onAsked,
  });
}
