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
  /** Everybody of the connection's account who has no contact yet. */
  waiting(connection: Connection): Promise<void>;
  /** One person, as soon as they are created. What cannot be asked now is asked by the next sweep. */
  person(accountId: string, email: string): Promise<void>;
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
    waiting: async (connection) =>
      look(connection, await store.reads.unplacedEmails(connection.accountId, EMAILS_PER_SWEEP_MAX)),
    async person(accountId, email) {
      for (const connection of await store.connections.list(accountId)) {
        if (connection.status !== 'connected') continue;
        await look(connection, [email]).catch((err: unknown) => {
          log.warn({ connection: connection.id, err }, 'person not looked for yet');
        });
      }
    },
  };
}
