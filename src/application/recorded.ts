import { type ConnectionsPolicyVersion, policyAt } from '../domain/connections-policy.ts';
import type { FriendFacts } from '../domain/decide.ts';
import type { Elsewhere } from '../domain/identity.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { type ContactFacts, type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import type { Instant } from '../domain/time.ts';
import { connectionName } from './other-connections.ts';
import type { AuditAccount, AuditPage, KnownFacts, MappingVersion } from './ports/audit.ts';
import type { JudgedBy } from './ports/store.ts';

/* What was read of the CRM, put together again as `decide` is given it. */

export interface Recorded {
  /** By id: two connections may give two contacts one id. */
  readonly contactsIn: (connectionId: string) => ReadonlyMap<string, ContactFacts>;
  readonly readAt: ReadonlyMap<string, Instant>;
  /** By record; where it was kept. */
  readonly judgedBy: ReadonlyMap<string, JudgedBy>;
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
  const byConnection = new Map(
    [...Map.groupBy(alive(page.contacts), ({ ref }) => ref.connectionId)].map(([connectionId, contacts]) => [
      connectionId,
      new Map(contacts.map((contact) => [contact.ref.id, contact])),
    ]),
  );
  return {
    contactsIn: (connectionId) => byConnection.get(connectionId) ?? new Map(),
    readAt: new Map([...page.contacts, ...page.deals].map(({ facts, readAt }) => [recordKey(facts.ref), readAt])),
    judgedBy: new Map(
      [...page.contacts, ...page.deals].flatMap(({ facts, judgedBy }) =>
        judgedBy ? [[recordKey(facts.ref), judgedBy] as const] : [],
      ),
    ),
    deals: alive(page.deals),
  };
}

export interface RecordedFriend {
  readonly facts: FriendFacts;
  readonly readAt: readonly Instant[];
  readonly judgedBy: readonly JudgedBy[];
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
      .filter(
        ({ id, friend: { contact } }) =>
          (contact?.connectionId === ref.connectionId && ids.has(contact.id)) ||
          page.others?.edges.some(
            ({ record, subject }) => subject === id && record.connectionId === ref.connectionId && ids.has(record.id),
          ),
      )
      .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
    if (candidates[0]?.id !== referral.id) return 'merged';
  }
  const contact = (survivor ?? known)?.facts;
  if (!contact) return 'unknown';
  const ids = new Set([contact.ref.id, ...contact.formerIds]);
  const decided = new Set(
    page.decisions
      .filter(({ referralId, deal }) => referralId === referral.id && deal.connectionId === ref.connectionId)
      .map(({ deal }) => deal.id),
  );
  const deals = current.deals.filter(
    ({ ref: deal, contactIds, formerIds }) =>
      deal.connectionId === ref.connectionId &&
      (contactIds.some((id) => ids.has(id)) || decided.has(deal.id) || formerIds.some((id) => decided.has(id))),
  );
  const keys = [contact.ref, ...deals.map((deal) => deal.ref)].map(recordKey);
  const readAt = keys.flatMap((key) => current.readAt.get(key) ?? []);
  const judgedBy = keys.flatMap((key) => current.judgedBy.get(key) ?? []);
  return { facts: { contact, deals }, readAt, judgedBy };
}

/** The contacts that a referral's friend is, or was, known by: the one at home first, and one in each other connection for every tie. */
export function contactsOf({ id, friend }: Referral, { others }: AuditPage): RecordRef[] {
  if (friend.contact === null) return [];
  const refs = [
    friend.contact,
    ...(others?.edges ?? []).filter(({ subject }) => subject === id).map(({ record }) => record),
  ];
  return [...new Map(refs.map((ref) => [recordKey(ref), ref])).values()];
}

/** What `decide` would have been told of the other connections, as they are kept. */
export function recordedElsewhere(
  account: AuditAccount,
  { others }: AuditPage,
  connectionId: string,
  at: Instant,
  judgedBy: readonly JudgedBy[] = [],
): { readonly elsewhere?: Elsewhere } {
  if (!others) return {};
  const mappings = new Map<string, StageMapping>();
  for (const { id } of account.connections) {
    const mapping = id === connectionId ? undefined : mappingAt(account.mappings.get(id) ?? [], at);
    if (mapping) mappings.set(id, mapping);
  }
  return {
    elsewhere: {
      policy: policyThen(account.policies, judgedBy, at),
      mappings,
      names: new Map(account.connections.map((one) => [one.id, connectionName(one)])),
      edges: others.edges,
      contacts: others.contacts.filter(({ ref }) => ref.connectionId !== connectionId),
      deals: others.deals.filter(({ facts }) => facts.ref.connectionId !== connectionId),
    },
  };
}

/** The policy that somebody was last judged by; of what was judged before that was kept, the one in force at the moment. */
function policyThen(
  versions: readonly ConnectionsPolicyVersion[],
  judgedBy: readonly JudgedBy[],
  at: Instant,
): ConnectionsPolicyVersion | null {
  if (judgedBy.length === 0) return policyAt(versions, at) ?? null;
  const newest = Math.max(...judgedBy.map(({ policy }) => policy ?? 0));
  return versions.find(({ version }) => version === newest) ?? null;
}

/** The same of mappings. */
export function mappingThen(
  versions: readonly MappingVersion[],
  judgedBy: readonly JudgedBy[],
  at: Instant,
): StageMapping | undefined {
  const judged = new Set(judgedBy.map(({ mapping }) => mapping));
  return versions.findLast(({ version }) => judged.has(version)) ?? mappingAt(versions, at);
}

/** The mapping in force at a moment; one that was saved while the records were being read has its time just behind theirs. */
export function mappingAt(versions: readonly MappingVersion[], at: Instant): StageMapping | undefined {
  return versions.findLast(({ savedAt }) => savedAt <= at) ?? versions[0];
}
