import { erasedFacts } from '../domain/record.ts';
import type { CrmSession } from './ports/crm.ts';
import type { PrivacyStore } from './ports/privacy.ts';
import type { Connection } from './ports/store.ts';

const NOBODY: ReadonlySet<string> = new Set();

/**
 * The same session, which reads nobody who was forgotten: the CRM may have the contact for years to come, and whoever looks at it here finds
 * one that is gone. What such a contact has become part of, by a merge or by the conversion of a lead, is the same person and is forgotten
 * with it; another contact is another person.
 */
export function withoutErased(
  session: CrmSession,
  privacy: Pick<PrivacyStore, 'erasedAmong'>,
  { accountId, id: connectionId }: Pick<Connection, 'accountId' | 'id'>,
): CrmSession {
  return {
    ...session,
    async readContacts(ids, wanted) {
      const erased = await privacy.erasedAmong(accountId, connectionId, ids);
      const open = ids.filter((id) => !erased.has(id));
      const read = open.length === 0 ? [] : await session.readContacts(open, wanted);
      const former = read.flatMap(({ formerIds }) => formerIds);
      const erasedBefore =
        former.length === 0 ? NOBODY : await privacy.erasedAmong(accountId, connectionId, [...new Set(former)]);
      return [
        ...[...erased].map((id) => erasedFacts({ connectionId, object: 'contact', id }, [])),
        ...read.map((facts) =>
          facts.formerIds.some((id) => erasedBefore.has(id)) ? erasedFacts(facts.ref, facts.formerIds) : facts,
        ),
      ];
    },
    /** What changes on a contact that is not read any more is no news. */
    async changedSince(input) {
      const page = await session.changedSince(input);
      if (input.object !== 'contact' || page.records.length === 0) return page;
      const ids = page.records.map(({ id }) => id);
      const erased = await privacy.erasedAmong(accountId, connectionId, ids);
      return erased.size === 0 ? page : { ...page, records: page.records.filter(({ id }) => !erased.has(id)) };
    },
  };
}
