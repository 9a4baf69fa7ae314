import type { StageMapping } from '../domain/mapping.ts';
import { EMPTY_PLAN } from '../domain/plan.ts';
import { recordKey } from '../domain/record.ts';
import type { Clock } from '../platform/clock.ts';
import type { Gathered } from './gather.ts';
import type { Connection, Store, WorkItem } from './ports/store.ts';

export interface TellTestsDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** What a connection hears of the CRM, told to the tests that use it: each is an account of its own. */
export function createTellTests({ store, clock }: TellTestsDeps) {
  return {
    /**
     * A test is told what was read of its friend, who it looks at then by itself: it hears of the CRM what the connection hears. Before these
     * records are settled, so that a test misses nothing either when a node dies. True when it has something to look at.
     */
    async tell(
      { accountId, id, testOf }: Connection,
      mapping: StageMapping,
      { deals, letGo, contacts }: Gathered,
      items: readonly WorkItem[],
    ): Promise<boolean> {
      const run = testOf === undefined ? await store.testRuns.openIn(accountId, id) : null;
      if (run?.state !== 'running') return false;
      const isFriend = (contactId: string) => run.friendContactIds.includes(contactId);
      const records = [
        ...[...deals.values()].filter(
          ({ ref, contactIds }) => contactIds.some(isFriend) || letGo.get(ref.id)?.some(isFriend) === true,
        ),
        ...[...contacts.values()].filter(({ ref, formerIds }) => [ref.id, ...formerIds].some(isFriend)),
      ].map(({ ref }) => ref);
      if (records.length === 0) return false;
      const at = clock.now();
      // What stages mean may have changed since the test began.
      await store.connections.saveMapping(run.testAccountId, id, mapping.version, mapping.entries, at);
      const hinted = items.filter(({ record }) => record.object === 'contact' && isFriend(record.id));
      const asked = new Map([...records, ...hinted.map(({ record }) => record)].map((ref) => [recordKey(ref), ref]));
      await store.work.ask(
        run.testAccountId,
        [...asked.values()].map((record) => ({ record, at })),
      );
      return true;
    },

    /** Whom the CRM was told to forget may have taken part in a test, also in one that has ended. */
    async forget({ accountId, testOf }: Connection, items: readonly WorkItem[]): Promise<void> {
      const erase = items.filter((item) => item.erase).map(({ record }) => record);
      if (testOf !== undefined || erase.length === 0) return;
      for (const test of await store.testRuns.accountsOf(accountId))
        await store.cases.commit([
          { accountId: test, plan: EMPTY_PLAN, snapshots: [], restsOn: [], settles: [], erase },
        ]);
    },
  };
}
