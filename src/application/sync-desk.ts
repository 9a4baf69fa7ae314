import type { Clock } from '../platform/clock.ts';
import type { Connection, ConnectionEvent, Store } from './ports/store.ts';

export interface SyncDeskDeps {
  readonly store: Pick<Store, 'connections' | 'sync'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
  /** Called when records were asked to be looked at again. */
  readonly onAsked: () => void;
  /** Called when a sweep was asked for; if it comes to nothing, the next stroke of the clock finds that it was. */
  readonly onSweepAsked: (connection: Connection) => void;
}

/** What a person does about how a connection does. */
export interface SyncDesk {
  /** Gives what waits for a person another chance; how much that was. Null when the account has no such connection. */
  retry(accountId: string, connectionId: string): Promise<number | null>;
  /**
   * Has the CRM searched for changes that nobody told of; a full search goes through everything that was changed
   * since the connection was made. `disconnected`: there is nobody to ask.
   */
  askSweep(
    accountId: string,
    connectionId: string,
    isFull: boolean,
  ): Promise<{ readonly kind: 'asked' | 'disconnected' | 'unknown' }>;
}

export function createSyncDesk({ store, clock, newId, onAsked, onSweepAsked }: SyncDeskDeps): SyncDesk {
  return {
    async retry(accountId, connectionId) {
      if (!(await store.connections.get(accountId, connectionId))) return null;
      const retried = await store.sync.retryParked(accountId, connectionId, clock.now());
      onAsked();
      return retried;
    },

    async askSweep(accountId, connectionId, isFull) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return { kind: 'unknown' };
      if (connection.status !== 'connected') return { kind: 'disconnected' };
      // A mark that is set back stays where it is until a sweep has gone through all behind it, whatever stops the first try.
      if (isFull)
        for (const object of ['deal', 'contact'] as const)
          await store.connections.setSweepMark(accountId, connectionId, { object, upTo: connection.connectedAt });
      await store.sync.note(accountId, connectionId, asked(newId(), isFull, clock.now()));
      onSweepAsked(connection);
      return { kind: 'asked' };
    },
  };
}

function asked(id: string, isFull: boolean, at: number): ConnectionEvent {
  return {
    id: `cev_${id}`,
    kind: isFull ? 'full_sweep_asked' : 'sweep_asked',
    detail: isFull ? 'A search through everything since the install was asked for.' : 'A search was asked for.',
    at,
  };
}
