import type { ContactFacts } from '../domain/record.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, TestRunStore } from './ports/store.ts';

/**
 * The same session, as a test sees the CRM: nobody is there but its friend. Whoever else is on a deal, whoever the friend names and whose code
 * they have used, belongs to real life, where it is decided on by itself.
 */
export function onlyOfTest(
  session: CrmSession,
  testRuns: Pick<TestRunStore, 'ofTestAccount'>,
  { accountId, id: connectionId }: Pick<Connection, 'accountId' | 'id'>,
): CrmSession {
  let asked: Promise<Set<string>> | undefined;
  /** Ids that the friend has and had; one who is merged with somebody is that one from then on. */
  const friendIds = () => {
    asked ??= testRuns.ofTestAccount(accountId).then((run) => new Set(run?.friendContactIds));
    return asked;
  };

  async function readFriend(...[ids, wanted]: Parameters<CrmSession['readContacts']>): Promise<ContactFacts[]> {
    const friend = await friendIds();
    const read = ids.length === 0 ? [] : await session.readContacts(ids, wanted);
    for (const { ref } of read) friend.add(ref.id);
    return read.map((facts) => ({ ...facts, usedCode: null, referredByIds: [] }));
  }

  return {
    ...session,

    async readContacts(ids, wanted) {
      const friend = await friendIds();
      const read = await readFriend(
        ids.filter((id) => friend.has(id)),
        wanted,
      );
      return [...read, ...ids.filter((id) => !friend.has(id)).map((id) => nobody(connectionId, id))];
    },

    async readDeals(ids, wanted) {
      const [friend, deals] = [await friendIds(), await session.readDeals(ids, wanted)];
      const isOfFriend = (id: string) => friend.has(id);
      // Who seems to have left a deal may have become somebody who is on it.
      if (deals.some(({ contactIds }) => contactIds.length > 0 && !contactIds.some(isOfFriend)))
        await readFriend([...friend]);
      return deals.map((deal) => ({ ...deal, contactIds: deal.contactIds.filter(isOfFriend) }));
    },
  };
}

function nobody(connectionId: string, id: string): ContactFacts {
  return {
    ref: { connectionId, object: 'contact', id },
    presence: 'deleted',
    name: null,
    email: null,
    usedCode: null,
    referredByIds: [],
    formerIds: [],
  };
}
