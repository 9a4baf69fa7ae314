import { type ConnectionsPolicyVersion, DEFAULT_CONNECTIONS_POLICY, sharedKeyOf } from './connections-policy.ts';
import { contactKeys } from './contact-keys.ts';
import type { StageMapping } from './mapping.ts';
import type { Draft, State } from './plan.ts';
import { type ContactFacts, type DealFacts, normaliseEmail, type RecordRef, recordKey, sameRecord } from './record.ts';
import type { Member, Referral } from './referral.ts';
import type { Instant } from './time.ts';

/*
 * Who is who when one account has several connections. A member and a referral each have one contact, their home: the record that they
 * were first known by. Contacts in other connections are tied to them by edges, each with what says so and the time in which it was so.
 * The person is whatever hangs together by homes and edges. Of two members, or two referrals of one program, that turn out to be one
 * person, the one that has stood longer goes on, and the other keeps what it has.
 */

/**
 * What says that a contact is a person known from another connection: a person's word, the key that a sync tool keeps, a merge of a contact
 * that was tied, the same e-mail address, or the same telephone number where one of the two has no address.
 */
export const EVIDENCE = ['person', 'shared_key', 'merged', 'email', 'phone'] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** A contact is, from one moment to another, the person of a member or a referral whose home is in another connection. */
export interface IdentityEdge {
  readonly record: RecordRef;
  /** The member's or the referral's id. */
  readonly subject: string;
  /** Counts the times that the two were tied. */
  readonly sequence: number;
  readonly evidence: Evidence;
  readonly since: Instant;
  /** Null while it is so. */
  readonly until: Instant | null;
}

/** A contact of another connection that bears the same key or number. */
export interface ContactElsewhere {
  readonly ref: RecordRef;
  readonly email: string | null;
  readonly sharedKey: string | null;
  readonly phoneKey: string | null;
}

/** A deal of another connection as it was last read there. */
export interface DealElsewhere {
  readonly facts: DealFacts;
  /** The key that it bears, or bore when it was deleted. */
  readonly sharedKey: string | null;
}

/** What is known from the account's other connections. */
export interface Elsewhere {
  /** Null: none was ever published. */
  readonly policy: ConnectionsPolicyVersion | null;
  readonly mappings: ReadonlyMap<string, StageMapping>;
  /** What people call a connection, by its id. */
  readonly names: ReadonlyMap<string, string>;
  /** Of all loaded contacts, members and referrals; also those that have ended. */
  readonly edges: readonly IdentityEdge[];
  readonly contacts: readonly ContactElsewhere[];
  readonly deals: readonly DealElsewhere[];
}

export interface IdentityBook {
  /** Members and referrals that the contact is tied to now, also under an id that was merged into it. */
  of(contact: Pick<ContactFacts, 'ref' | 'formerIds'>): readonly IdentityEdge[];
  /** Those that it was tied to once and is no more. */
  onceOf(contact: Pick<ContactFacts, 'ref' | 'formerIds'>): readonly string[];
  /** Contacts that are tied to a member or a referral now; its home is not among them. */
  contactsOf(subject: string): readonly RecordRef[];
  tie(record: RecordRef, subject: string, evidence: Evidence, now: Instant): void;
  end(edge: IdentityEdge, now: Instant): void;
  /** True for what this draft has tied for the first time. */
  isNew(record: RecordRef, subject: string): boolean;
  changed(): readonly IdentityEdge[];
}

interface Index {
  readonly byRecord: ReadonlyMap<string, readonly IdentityEdge[]>;
  readonly bySubject: ReadonlyMap<string, readonly IdentityEdge[]>;
}

/** Put in order once for all groups of a batch. */
const indexes = new WeakMap<readonly IdentityEdge[], Index>();
const NO_EDGES: readonly IdentityEdge[] = [];

function indexOf(edges: readonly IdentityEdge[]): Index {
  const known = indexes.get(edges);
  if (known) return known;
  const index = {
    byRecord: Map.groupBy(edges, ({ record }) => recordKey(record)),
    bySubject: Map.groupBy(edges, ({ subject }) => subject),
  };
  indexes.set(edges, index);
  return index;
}

export function createIdentityBook(edges: readonly IdentityEdge[] = NO_EDGES): IdentityBook {
  const stored = indexOf(edges);
  const changes = new Map<string, IdentityEdge>();
  const keyOf = ({ record, subject, sequence }: IdentityEdge) => `${recordKey(record)} ${subject} ${sequence}`;
  const withChanges = (found: readonly IdentityEdge[] = [], isOne: (edge: IdentityEdge) => boolean) => {
    if (changes.size === 0) return found;
    const kept = found.filter((edge) => !changes.has(keyOf(edge)));
    return [...kept, ...[...changes.values()].filter(isOne)];
  };
  const ofRecord = (ref: RecordRef) =>
    withChanges(stored.byRecord.get(recordKey(ref)), ({ record }) => sameRecord(record, ref));
  const ofContact = ({ ref, formerIds }: Pick<ContactFacts, 'ref' | 'formerIds'>) =>
    [ref.id, ...formerIds].flatMap((id) => ofRecord({ ...ref, id }));

  return {
    of: (contact) => ofContact(contact).filter(({ until }) => until === null),
    onceOf(contact) {
      const all = ofContact(contact);
      const now = new Set(all.flatMap(({ subject, until }) => (until === null ? [subject] : [])));
      return [...new Set(all.map(({ subject }) => subject))].filter((subject) => !now.has(subject)).sort();
    },
    contactsOf: (subject) =>
      withChanges(stored.bySubject.get(subject), (edge) => edge.subject === subject)
        .filter(({ until }) => until === null)
        .map(({ record }) => record),
    tie(record, subject, evidence, now) {
      const before = ofRecord(record).filter((edge) => edge.subject === subject);
      if (before.some(({ until }) => until === null)) return;
      const sequence = 1 + Math.max(0, ...before.map((edge) => edge.sequence));
      const edge: IdentityEdge = { record, subject, sequence, evidence, since: now, until: null };
      changes.set(keyOf(edge), edge);
    },
    end(edge, now) {
      const key = keyOf(edge);
      // One that this very draft has tied was never there.
      if (changes.get(key)?.since === now && changes.get(key)?.until === null) changes.delete(key);
      else changes.set(key, { ...edge, until: Math.max(now, edge.since) });
    },
    isNew: (record, subject) =>
      [...changes.values()].some(
        (edge) =>
          edge.subject === subject && edge.sequence === 1 && edge.until === null && sameRecord(edge.record, record),
      ),
    changed: () => [...changes.values()],
  };
}

/** Whose a contact is by what is known now: ties it to members and referrals of other connections, and ends what is no longer so. */
export function recognise(draft: Draft, state: State, contact: ContactFacts, now: Instant): void {
  const { elsewhere } = state;
  if (!elsewhere) return;
  const book = draft.identity;
  if (contact.presence === 'deleted') {
    for (const edge of book.of(contact)) book.end(edge, now);
    return;
  }
  const found = subjectsFor(draft, state, elsewhere, contact);
  const before = new Set(book.of(contact).map(edgeName));
  for (const edge of book.of(contact)) {
    if (edge.record.id !== contact.ref.id) {
      // It was another record's, which has become this one.
      book.end(edge, now);
      book.tie(contact.ref, edge.subject, found.get(edge.subject) ?? 'merged', now);
    } else if (edge.evidence !== 'person' && edge.evidence !== 'merged' && !found.has(edge.subject))
      book.end(edge, now);
  }
  for (const [subject, evidence] of found) book.tie(contact.ref, subject, evidence, now);
  // A member who refers nobody today, and somebody who is none any more: nothing is decided, and the record shows it.
  const after = book.of(contact).map(edgeName);
  if (after.length !== before.size || after.some((name) => !before.has(name))) draft.markMirror(contact.ref);
}

function edgeName({ record, subject }: IdentityEdge): string {
  return `${record.id} ${subject}`;
}

function subjectsFor(
  draft: Draft,
  state: State,
  elsewhere: Elsewhere,
  contact: ContactFacts,
): ReadonlyMap<string, Evidence> {
  const found = new Map<string, Evidence>();
  const asks = createMatch(state, elsewhere, contact);
  const own = new Set([contact.ref.id, ...contact.formerIds]);
  const isOwn = (home: RecordRef | null) => home?.connectionId === contact.ref.connectionId && own.has(home.id);
  const ownMember = draft.findMember((member) => isOwn(member.contact));
  const look = (id: string, home: RecordRef | null, email: string | null) => {
    if (home === null || home.connectionId === contact.ref.connectionId) return;
    const evidence = asks(home, email);
    if (evidence) found.set(id, evidence);
  };
  for (const member of draft.members()) {
    if (ownMember && !isEarlier(startOf(member), startOf(ownMember))) continue;
    look(member.id, member.contact, member.email);
  }
  const referrals = draft.referrals();
  const ownReferrals = referrals.filter(({ friend }) => isOwn(friend.contact));
  for (const referral of referrals) {
    const isLater = ownReferrals.some(
      (one) => one.programId === referral.programId && !isEarlier(startOf(referral), startOf(one)),
    );
    if (!isLater) look(referral.id, referral.friend.contact, referral.friend.email);
  }
  return found;
}

interface Start {
  readonly id: string;
  readonly at: Instant;
}

function startOf(one: Member | Referral): Start {
  return { id: one.id, at: 'submittedAt' in one ? one.submittedAt : one.createdAt };
}

function isEarlier(a: Start, b: Start): boolean {
  return a.at !== b.at ? a.at < b.at : a.id < b.id;
}

/** Whether a contact is the person whose home is another record; what says so, the strongest first. */
function createMatch(state: State, { policy, contacts }: Elsewhere, contact: ContactFacts) {
  const own = elsewhereOf(state.accountId, policy, contact);
  const others = new Map(contacts.map((one) => [recordKey(one.ref), one]));
  const sharingPhone = contacts.filter(({ phoneKey }) => phoneKey !== null && phoneKey === own.phoneKey);
  return (home: RecordRef, email: string | null): Evidence | undefined => {
    const other = others.get(recordKey(home));
    const key = other?.sharedKey ?? (isKeyedById(policy, home.connectionId) ? home.id : null);
    if (own.sharedKey !== null && own.sharedKey === key) return 'shared_key';
    // Two that the sync tool tells apart are apart, whatever address they share.
    if (own.sharedKey !== null && key !== null) return undefined;
    if (own.email !== null && own.email === email) return 'email';
    // An office has one number for many people: it says something only where it is one contact's, and an address says nothing.
    const isAlone = sharingPhone.filter(({ ref }) => ref.connectionId === home.connectionId).length === 1;
    const isSilent = own.email === null || email === null;
    return other && isSilent && isAlone && own.phoneKey !== null && other.phoneKey === own.phoneKey
      ? 'phone'
      : undefined;
  };
}

function isKeyedById(policy: Elsewhere['policy'], connectionId: string): boolean {
  return policy?.policy.contacts?.keys[connectionId] === 'id';
}

/** A contact as other connections look for it. */
export function elsewhereOf(
  accountId: string,
  policy: ConnectionsPolicyVersion | null,
  contact: ContactFacts,
): ContactElsewhere {
  const phone = contact.traits?.phones?.[0];
  return {
    ref: contact.ref,
    email: normaliseEmail(contact.email),
    sharedKey: sharedKeyOf(policy?.policy ?? DEFAULT_CONNECTIONS_POLICY, contact),
    // A number without its country is not one number.
    phoneKey: phone?.startsWith('+') ? contactKeys(accountId, contact).phone : null,
  };
}

/** The member that a contact of another connection is. */
export function memberElsewhere(draft: Draft, contact: Pick<ContactFacts, 'ref' | 'formerIds'>): Member | undefined {
  return draft.identity
    .of(contact)
    .flatMap(({ subject }) => draft.member(subject) ?? [])
    .sort((a, b) => (isEarlier(startOf(a), startOf(b)) ? -1 : 1))[0];
}

/** Of two members that turned out to be one person, the one that goes on. */
export function survivorOf(draft: Draft, member: Member): Member {
  const earlier = member.contact && memberElsewhere(draft, { ref: member.contact, formerIds: [] });
  return earlier && isEarlier(startOf(earlier), startOf(member)) ? earlier : member;
}

/** The ids that a referral's friend has in one connection. */
export function friendIdsIn(
  draft: Draft,
  { id, friend }: Pick<Referral, 'id' | 'friend'>,
  connectionId: string,
): string[] {
  return [...(friend.contact ? [friend.contact] : []), ...draft.identity.contactsOf(id)]
    .filter((ref) => ref.connectionId === connectionId)
    .map((ref) => ref.id);
}

/** Whether some contact is tied to both, or is the one and tied to the other. */
export function areOne(
  draft: Draft,
  a: { id: string; home: RecordRef | null },
  b: { id: string; home: RecordRef | null },
): boolean {
  const records = ({ id, home }: { id: string; home: RecordRef | null }) =>
    [...(home ? [home] : []), ...draft.identity.contactsOf(id)].map(recordKey);
  const of = new Set(records(a));
  return records(b).some((key) => of.has(key));
}

/** Whether the contact is another connection's copy, which opens no referral by itself. */
export function isContactCopy({ accountId, elsewhere }: State, contact: ContactFacts): boolean {
  const source = elsewhere?.policy?.policy.contacts;
  if (!elsewhere || !source || source.decidedIn === contact.ref.connectionId) return false;
  const { sharedKey } = elsewhereOf(accountId, elsewhere.policy, contact);
  if (sharedKey === null) return false;
  if (!isKeyedById(elsewhere.policy, contact.ref.connectionId)) return true;
  return elsewhere.contacts.some((one) => one.ref.connectionId === source.decidedIn && one.sharedKey === sharedKey);
}
