import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/** Ten calls a sweep at most. Who waits longer than a thousand others is met when their contact changes. */
const EMAILS_PER_SWEEP_MAX = 1_000;

export interface PlaceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly onAsked: () => void;
}

/**
 * Finds the contacts of people who are known by their e-mail address alone, as those that were submitted through the API. It only asks
 * for the contacts to be looked at; `decide` joins them.
 */
export interface Place {
  /** Everybody of the connection's account who has no contact yet, and whoever is known from its other connections alone. */
  waiting(connection: Connection): Promise<void>;
  /** People, as soon as they are known, in every connection but `except`. What cannot be asked now is asked by the next sweep. */
  people(accountId: string, emails: readonly string[], except?: string): Promise<void>;
}

export function createPlace({ store, clock, log, openSession, onAsked }: PlaceDeps): Place {
  async function look(connection: Connection, emails: readonly string[]): Promise<void> {
    if (emails.length === 0) return;
    const ids = await openSession(connection).contactsByEmail(emails);
    if (ids.length === 0) return;
    const at = clock.now();
    await store.work.ask(
      connection.accountId,
      ids.map((id) => ({ record: { connectionId: connection.id, object: 'contact', id }, at })),
    );
    onAsked();
  }

  return {
    async waiting(connection) {
      const { accountId } = connection;
      const unplaced = await store.reads.unplacedEmails(accountId, EMAILS_PER_SWEEP_MAX);
      const isAlone = (await store.connections.list(accountId)).length === 1;
      const unseen = isAlone ? [] : await store.identity.unseenEmails(accountId, connection.id, EMAILS_PER_SWEEP_MAX);
      await look(connection, [...new Set([...unplaced, ...unseen])]);
    },
    async people(accountId, emails, except) {
      for (const connection of await store.connections.list(accountId)) {
        if (connection.status !== 'connected' || connection.id === except) continue;
        await look(connection, emails).catch((err: unknown) => {
          log.warn({ connection: connection.id, err }, 'people not looked for yet');
        });
      }
    },
  };
}
