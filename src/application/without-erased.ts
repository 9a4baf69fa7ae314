import { type ContactFacts, erasedFacts } from '../domain/record.ts';
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
      // Who is asked for by a former id comes under another one, which may be the one that was forgotten.
      const asked = new Set(ids);
      const others = read.flatMap(idsOf).filter((id) => !asked.has(id));
      const alsoErased =
        others.length === 0 ? NOBODY : await privacy.erasedAmong(accountId, connectionId, [...new Set(others)]);
      const isErased = (id: string) => erased.has(id) || alsoErased.has(id);
      const came = new Set(read.map(({ ref }) => ref.id));
      return [
        ...[...erased]
          .filter((id) => !came.has(id))
          .map((id) => erasedFacts({ connectionId, object: 'contact', id }, [])),
        ...read.map((facts) => (idsOf(facts).some(isErased) ? erasedFacts(facts.ref, facts.formerIds) : facts)),
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

function idsOf({ ref, formerIds }: ContactFacts): string[] {
  return [ref.id, ...formerIds];
}
