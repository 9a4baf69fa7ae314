import { randomUUID } from 'node:crypto';
import type { PageCursor } from '../application/ports/store.ts';
import { createWebhookEndpoints } from '../application/webhook-endpoints.ts';
import { isoOf } from '../domain/time.ts';
import { systemClock } from '../platform/clock.ts';
import { createSeal } from '../platform/seal.ts';
import { dayOf } from './day.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** Where an account is told of what happens, and how that goes. */
export function listWebhooks(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const endpoints = (await services.store.webhooks.endpoints(id)).map((endpoint) => ({
      id: endpoint.id,
      url: endpoint.url,
      state: endpoint.state,
      failingSince: endpoint.health.failingSince === null ? null : isoOf(endpoint.health.failingSince),
      succeededAt: endpoint.succeededAt === null ? null : isoOf(endpoint.succeededAt),
      eventTypes: [...endpoint.eventTypes],
    }));
    return {
      json: endpoints,
      lines:
        endpoints.length === 0
          ? [`"${name}" has no webhook. They are added in the console or over the API.`]
          : table([
              ['id', 'state', 'last success', 'events', 'address'],
              ...endpoints.map((one) => [
                one.id,
                one.failingSince === null ? one.state : `${one.state}, fails since ${one.failingSince}`,
                one.succeededAt ?? 'never',
                String(one.eventTypes.length),
                one.url,
              ]),
            ]),
    };
  });
}

/** Asks the service to send again what has happened since a day; a node that runs does it. */
export function replayWebhook(
  terminal: Terminal,
  account: string,
  endpointId: string,
  { since, all }: { readonly since: string; readonly all?: boolean },
): Promise<Result> {
  const from = dayOf('--since', since);
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const desk = createWebhookEndpoints({
      store: services.store,
      seal: createSeal(services.config.encryptionKeys),
      clock: systemClock,
      newId: randomUUID,
      allowPrivate: services.config.allowPrivateDestinations,
      onAsked: () => {},
    });
    let asked = 0;
    for (let after: PageCursor | null = null; ; ) {
      const replayed = await desk.replay(id, endpointId, { since: from, after, onlyUndelivered: all !== true });
      if (replayed === null)
        throw new CliError(`There is no webhook ${endpointId}.`, `"webhook list ${id}" shows those there are.`);
      if (replayed === 'off')
        throw new CliError(`The webhook ${endpointId} is switched off.`, 'Switch it on in the console first.');
      asked += replayed.asked;
      after = replayed.next;
      if (after === null) break;
    }
    return {
      json: { id: endpointId, asked },
      lines: [`${asked} events are sent again by the service, under their ids.`],
    };
  });
}
