import type { ConnectionHealth } from '../application/ports/store.ts';
import { isoOf } from '../domain/time.ts';
import { type Result, type Terminal, table } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** What an operator asks first: who is connected, and does anything wait. */
export function showState(terminal: Terminal, account: string | undefined): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { store, now } = services;
    const accounts = account === undefined ? await store.accounts.list() : [await accountOf(services, account)];
    const rows = [];
    for (const { id, name } of accounts) {
      for (const connection of await store.connections.list(id)) {
        rows.push({ account: name, connection, sync: await store.reads.health(id, connection.id, now()) });
      }
    }
    const queues = {
      work: await store.work.counts(now()),
      payouts: await store.payouts.counts(now()),
      mirror: await store.mirror.counts(now()),
    };
    return {
      json: {
        connections: rows.map(({ account: of, connection, sync }) => ({
          account: of,
          duplicateRules: 'respect',
          ...connection,
          sync,
        })),
        queues,
      },
      lines: [
        ...(rows.length === 0
          ? ['No CRM is connected.']
          : rows.flatMap(({ account: of, connection, sync }) => [
              `${of}: ${connection.provider} ${connection.externalId} is ${connection.status}${connection.statusReason ? ` (${connection.statusReason})` : ''}`,
              ...syncLines(sync),
            ])),
        '',
        ...table([
          ['queue', 'due', 'claimed', 'later', 'parked'],
          ...Object.entries(queues).map(([queue, { due, claimed, later, parked }]) => [
            queue,
            ...[due, claimed, later, parked].map(String),
          ]),
        ]),
      ],
    };
  });
}

function syncLines(sync: ConnectionHealth): string[] {
  const swept = sync.sweptTo.map(({ object, upTo }) => `${object} ${isoOf(upTo)}`).join(', ');
  return [
    `  last webhook ${timeOf(sync.lastReceivedAt)}, last processed ${timeOf(sync.lastProcessedAt)}, swept ${swept || 'never'}`,
    `  waiting ${sync.waiting}, mirror waiting ${sync.mirrorWaiting}, mirror parked ${sync.mirrorParked}`,
    ...sync.parked.map(({ object, id, error, attempts }) => `  parked: ${object} ${id} after ${attempts}: ${error}`),
  ];
}

function timeOf(at: number | null): string {
  return at === null ? 'never' : isoOf(at);
}
