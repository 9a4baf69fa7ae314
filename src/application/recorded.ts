import type { FriendFacts } from '../domain/decide.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { type ContactFacts, type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import type { Instant } from '../domain/time.ts';
import type { AuditPage, KnownFacts, MappingVersion } from './ports/audit.ts';

/* What was read of the CRM, put together again as `decide` is given it. */

export interface Recorded {
  readonly contacts: ReadonlyMap<string, ContactFacts>;
  readonly readAt: ReadonlyMap<string, Instant>;
  readonly deals: readonly DealFacts[];
}

/** A record that was merged into another is still kept as it was last read on its own; the other one tells of it. */
export function withoutMerged(page: AuditPage): Recorded {
  const alive = <F extends DealFacts | ContactFacts>(known: readonly KnownFacts<F>[]): F[] => {
    const former = new Set(
      known.flatMap(({ facts: { ref, formerIds } }) => formerIds.map((id) => recordKey({ ...ref, id }))),
    );
    return known.map(({ facts }) => facts).filter(({ ref }) => !former.has(recordKey(ref)));
  };
  return {
    contacts: new Map(alive(page.contacts).map((contact) => [contact.ref.id, contact])),
    readAt: new Map([...page.contacts, ...page.deals].map(({ facts, readAt }) => [recordKey(facts.ref), readAt])),
    deals: alive(page.deals),
  };
}

export interface RecordedFriend {
  readonly facts: FriendFacts;
  readonly readAt: readonly Instant[];
}

export function friendOf(
  referral: Referral,
  ref: RecordRef,
  page: AuditPage,
  current: Recorded,
): RecordedFriend | 'unknown' | 'merged' {
  const known = page.contacts.find(({ facts }) => recordKey(facts.ref) === recordKey(ref));
  const survivor = page.contacts.find(
    ({ facts }) => facts.ref.connectionId === ref.connectionId && facts.formerIds.includes(ref.id),
  );
  if (survivor) {
    const ids = new Set([survivor.facts.ref.id, ...survivor.facts.formerIds]);
    const candidates = page.state.referrals
      .filter(({ friend: { contact } }) => contact?.connectionId === ref.connectionId && ids.has(contact.id))
      .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
    if (candidates[0]?.id !== referral.id) return 'merged';
  }
  const contact = (survivor ?? known)?.facts;
  if (!contact) return 'unknown';
  const ids = new Set([contact.ref.id, ...contact.formerIds]);
  const decided = new Set(
    page.decisions.filter(({ referralId }) => referralId === referral.id).map(({ deal }) => deal.id),
  );
  const deals = current.deals.filter(
    ({ ref: deal, contactIds, formerIds }) =>
      deal.connectionId === ref.connectionId &&
      (contactIds.some((id) => ids.has(id)) || decided.has(deal.id) || formerIds.some((id) => decided.has(id))),
  );
  const readAt = [contact.ref, ...deals.map((deal) => deal.ref)].flatMap(
    (record) => current.readAt.get(recordKey(record)) ?? [],
  );
  return { facts: { contact, deals }, readAt };
}

/** The mapping in force at a moment; one that was saved while the records were being read has its time just behind theirs. */
export function mappingAt(versions: readonly MappingVersion[], at: Instant): StageMapping | undefined {
  return versions.findLast(({ savedAt }) => savedAt <= at) ?? versions[0];
}
