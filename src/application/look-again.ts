import type { RecordRef } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { Page, PageCursor, Store } from './ports/store.ts';

/** Rows that one query should read, and one write should ask for. */
const REFERRALS_PER_PAGE = 500;

export interface LookAgainDeps {
  readonly store: Pick<Store, 'reads' | 'work'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Told when records were asked for. */
  readonly onAsked: () => void;
}

/** Asks for every friend of a connection, or of all of an account's: something means something else now, and no news tells of it. */
export type LookAgain = (accountId: string, connectionId?: string) => Promise<void>;

export function createLookAgain({ store, clock, onAsked }: LookAgainDeps): LookAgain {
  return async (accountId, connectionId) => {
    const at = clock.now();
    let cursor: PageCursor | null = null;
    do {
      const page: Page<Referral> = await store.reads.referrals(accountId, { limit: REFERRALS_PER_PAGE, cursor }, {});
      const friends: RecordRef[] = page.items.flatMap(({ friend: { contact } }) =>
        contact && (connectionId === undefined || contact.connectionId === connectionId) ? [contact] : [],
      );
      if (friends.length > 0)
        await store.work.ask(
          accountId,
          friends.map((record) => ({ record, at })),
        );
      cursor = page.next;
    } while (cursor !== null);
    onAsked();
  };
}
