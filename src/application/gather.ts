import type { FriendFacts } from '../domain/decide.ts';
import { elsewhereKeys } from '../domain/elsewhere-keys.ts';
import { normaliseCode } from '../domain/ids.ts';
import { companyOf } from '../domain/limit.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { knowsProperties, type WantedProperties } from '../domain/property.ts';
import { type ContactFacts, type DealFacts, normaliseEmail, type RecordRef, recordKey } from '../domain/record.ts';
import type { RefundFact } from '../domain/refund.ts';
import { keysOfPeople, paceHours } from '../domain/risk.ts';
import { companyOwner } from '../domain/tally.ts';
import type { Instant } from '../domain/time.ts';
import { indexed } from './indexed.ts';
import type { OtherConnections } from './other-connections.ts';
import type { CrmSession } from './ports/crm.ts';
import type { CaseKeys, CaseStore, Connection, LoadedCase, WorkItem } from './ports/store.ts';

/** The facts of a batch of records, and what is stored about the people in them. */
export interface Gathered {
  readonly deals: ReadonlyMap<string, DealFacts>;
  readonly contacts: ReadonlyMap<string, ContactFacts>;
  /** By contact id: every referred contact the batch concerns, also one that is deleted, and every hinted one, since it may be a member. */
  readonly friends: ReadonlyMap<string, FriendFacts>;
  /** By deal id: contacts that were on it when it was last read, and are not now. */
  readonly letGo: ReadonlyMap<string, readonly string[]>;
  readonly loaded: LoadedCase;
  /** Of each referral as it was before its friend's deals were read. */
  readonly versions: ReadonlyMap<string, number>;
  /** To load the same again after somebody else has changed it. */
  readonly keys: CaseKeys;
  /** What was read from the CRM just now, as opposed to remembered. */
  readonly fresh: ReadonlyArray<DealFacts | ContactFacts>;
  /** Version of a record as it was kept before it was read, or as it is remembered; 0 when it was unknown. */
  readonly basisOf: (ref: RecordRef) => number;
}

/**
 * Reads what the claimed records are about, in the vendor's largest batches: the records, the people on the deals that were never
 * seen, the friends' other deals, and who the friends name as referrers. A person that was read before is remembered: a change of
 * theirs brings a hint of its own, and the sweep finds the hint that was lost.
 */
export async function gather(
  session: CrmSession,
  store: CaseStore,
  connection: Pick<Connection, 'id' | 'accountId'>,
  items: readonly WorkItem[],
  wanted: WantedProperties,
  risk: RiskWanted | null = null,
  others: OtherConnections | null = null,
  byCompany = false,
): Promise<Gathered> {
  const reader = createReader(session, store, connection, wanted, risk, others, byCompany);
  const idsOf = (object: 'deal' | 'contact') =>
    items.filter(({ record }) => record.object === object).map(({ record }) => record.id);

  await Promise.all([reader.readDeals(idsOf('deal')), reader.readContacts(idsOf('contact'))]);
  // Whom a deal has let go of is concerned as well: only the deal may tell of it. One that is gone comes without its people.
  const known = await store.contactsOfDeals(connection.accountId, connection.id, [...reader.deals.keys()]);
  const isGone = (id: string) => reader.deals.get(id)?.presence === 'deleted';
  const peopleOfGone = new Map([...known].filter(([id]) => isGone(id)));
  const letGo = new Map(
    [...known].map(([id, people]) => [id, people.filter((one) => !reader.deals.get(id)?.contactIds.includes(one))]),
  );
  const left = [...letGo.values()].flat();
  await reader.knowContacts([...left, ...[...reader.deals.values()].flatMap((deal) => deal.contactIds)]);
  await reader.knowContacts([...reader.contacts.values()].flatMap((contact) => contact.referredByIds));

  const keys = reader.keys(connection);
  let loaded = await store.load(keys);
  const hinted = new Set([...idsOf('contact'), ...left]);
  const signalled = referredAmong(connection, reader.contacts, reader.deals, loaded, hinted);
  // Who was entered twice is judged as one: with the one contact's deals alone the other's would look as if they had left.
  const siblingsOf = createSiblings(connection, loaded);
  const referredIds = [...new Set([...signalled, ...signalled.flatMap(siblingsOf)])];
  // Whom a deal has let go of may live on in somebody who is on it: what is remembered of them does not say so yet.
  await reader.readContacts(referredIds.filter((id) => reader.contact(id) === undefined));
  const found = (ids: readonly string[]) => [...new Set(ids)].flatMap((id) => reader.contact(id) ?? []);
  const referred = found(referredIds).filter(({ presence }) => presence === 'present');
  const dealIds = await session.dealsOfContacts(referred.map(({ ref }) => ref.id));
  await reader.readTogether(dealsByFriend(connection, referred, dealIds, loaded));
  await reader.knowContacts([...reader.deals.values()].flatMap((deal) => deal.contactIds));
  const allKeys = reader.keys(connection);
  // Mostly there was nobody else. What others change from here on is found out by the commit.
  const versions = versionsOf(loaded);
  if (JSON.stringify(allKeys) !== JSON.stringify(keys)) {
    loaded = await store.load(allKeys);
    // Those of whom nobody had asked are as new as the asking; somebody's of whom it was asked has been begun since.
    const asked = new Set(keys.contactIds);
    const isBegun = (contact: RecordRef | null) => contact?.connectionId === connection.id && asked.has(contact.id);
    for (const { id, version, friend } of loaded.referrals)
      if (!versions.has(id) && !isBegun(friend.contact)) versions.set(id, version);
  }
  // Members are compared with their friends; who a friend names is known already, who was submitted or gave out a code is not.
  if (risk) await reader.knowContacts(membersIn(connection, loaded));
  const dealsOf = createDealFinder(connection, reader.deals, loaded, peopleOfGone, siblingsOf);

  return {
    deals: reader.deals,
    contacts: reader.contacts,
    friends: new Map(
      found([...referredIds, ...idsOf('contact')]).map((contact) => [
        contact.ref.id,
        { contact, deals: dealsOf(contact) },
      ]),
    ),
    letGo,
    loaded,
    versions,
    keys: allKeys,
    fresh: [...reader.fresh.values()],
    basisOf: reader.basisOf,
  };
}

function versionsOf({ referrals }: LoadedCase): Map<string, number> {
  return new Map(referrals.map(({ id, version }) => [id, version]));
}

/** What the risk policies of the account ask for. */
export interface RiskWanted {
  readonly hours: readonly number[];
  readonly now: Instant;
}

/** Null where no program has a risk policy. */
export function riskWanted(programs: readonly ProgramVersion[], now: Instant): RiskWanted | null {
  const policies = programs.flatMap(({ risk }) => risk ?? []);
  return policies.length === 0 ? null : { hours: paceHours(policies), now };
}

function membersIn({ id }: Pick<Connection, 'id'>, { members }: LoadedCase): string[] {
  return members.flatMap(({ contact }) => (contact?.connectionId === id ? [contact.id] : []));
}

/** Each friend's deals of now with those that a decision was ever made on; the decided deals of nobody who is there come last. */
function dealsByFriend(
  connection: Here,
  friends: readonly ContactFacts[],
  dealIds: ReadonlyMap<string, readonly string[]>,
  loaded: LoadedCase,
): string[][] {
  const decidedDealsOf = createDecidedDeals(connection, loaded);
  const ofFriends = friends.map((friend) => [...(dealIds.get(friend.ref.id) ?? []), ...decidedDealsOf(friend)]);
  const placed = new Set(ofFriends.flat());
  return [
    ...ofFriends,
    decidedHere(connection, loaded)
      .map(({ deal }) => deal.id)
      .filter((id) => !placed.has(id)),
  ];
}

type Here = Pick<Connection, 'id'>;

/** A referral may be decided on in several connections; only this one's deals are read here. */
function decidedHere({ id }: Here, { decisions }: LoadedCase): LoadedCase['decisions'] {
  return decisions.filter(({ deal }) => deal.connectionId === id);
}

/** Referrals by the ids that their friends have here: those whose home it is, and those that a contact is or was tied to. */
function referralsByContact({ id: here }: Here, { referrals, others }: LoadedCase): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (contactId: string, referralId: string) => {
    const before = found.get(contactId);
    if (before) before.push(referralId);
    else found.set(contactId, [referralId]);
  };
  const known = new Set(referrals.map(({ id }) => id));
  for (const { id, friend } of referrals) if (friend.contact?.connectionId === here) add(friend.contact.id, id);
  for (const { record, subject } of others?.edges ?? [])
    if (record.connectionId === here && known.has(subject)) add(record.id, subject);
  return found;
}

/** Contacts of this connection that are tied to a referral of the same friend; nobody where there is no other connection. */
function createSiblings(
  { id: here }: Here,
  { referrals, others }: LoadedCase,
): (contactId: string) => readonly string[] {
  const tied = (others?.edges ?? []).filter(({ record, until }) => until === null && record.connectionId === here);
  if (tied.length === 0) return () => [];
  const tiedTo = Map.groupBy(tied, ({ subject }) => subject);
  const found = new Map<string, Set<string>>();
  for (const { id, friend } of referrals) {
    const home = friend.contact?.connectionId === here ? [friend.contact.id] : [];
    const ids = [...home, ...(tiedTo.get(id) ?? []).map(({ record }) => record.id)];
    if (ids.length < 2) continue;
    for (const one of ids) {
      const siblings = found.get(one) ?? new Set();
      for (const other of ids) if (other !== one) siblings.add(other);
      found.set(one, siblings);
    }
  }
  return (contactId) => [...(found.get(contactId) ?? [])];
}

/** Ids of the deals that a decision was made on for a contact, under any id that the contact ever had. */
function createDecidedDeals(connection: Here, loaded: LoadedCase): (contact: ContactFacts) => string[] {
  const referralsOf = referralsByContact(connection, loaded);
  const decidedOn = Map.groupBy(decidedHere(connection, loaded), ({ referralId }) => referralId);
  return ({ ref, formerIds }) =>
    [ref.id, ...formerIds]
      .flatMap((id) => referralsOf.get(id) ?? [])
      .flatMap((id) => decidedOn.get(id) ?? [])
      .map(({ deal }) => deal.id);
}

/** Contacts whose deals matter: those that have a referral already, and those that show a reason for one. */
function referredAmong(
  connection: Here,
  contacts: ReadonlyMap<string, ContactFacts>,
  deals: ReadonlyMap<string, DealFacts>,
  loaded: LoadedCase,
  hinted: ReadonlySet<string>,
): string[] {
  const pendingEmails = new Set(
    loaded.referrals
      .filter(({ friend: { contact, email } }) => contact?.connectionId !== connection.id && email !== null)
      .map(({ friend }) => friend.email),
  );
  const byContact = referralsByContact(connection, loaded);
  // Whoever bears a key or a number that is known elsewhere may be somebody's friend there.
  const isKnownElsewhere = (loaded.others?.contacts.length ?? 0) > 0;
  const onDeals = new Set([...deals.values()].flatMap((deal) => deal.contactIds));
  const dealIds = new Set([...deals.values()].flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]));
  const decidedOn = new Set(
    decidedHere(connection, loaded)
      .filter(({ deal }) => dealIds.has(deal.id))
      .map(({ referralId }) => referralId),
  );
  const ids = new Set<string>();
  for (const contact of contacts.values()) {
    const own = [contact.ref.id, ...contact.formerIds];
    const isHinted = own.some((id) => hinted.has(id));
    const isSignalled =
      own.some((id) => byContact.has(id)) ||
      isKnownElsewhere ||
      contact.referredByIds.length > 0 ||
      contact.usedCode !== null ||
      (contact.company ? loaded.companies?.has(contact.company.id) === true : false) ||
      pendingEmails.has(normaliseEmail(contact.email));
    if (isSignalled && (isHinted || onDeals.has(contact.ref.id))) ids.add(contact.ref.id);
  }
  // Friends that a deal has let go of still have decisions on it.
  for (const [contactId, referralIds] of byContact) if (referralIds.some((id) => decidedOn.has(id))) ids.add(contactId);
  return [...ids];
}

/** A contact's deals: those that they are on, were on when it was deleted, and those that a decision was made on for them. */
function createDealFinder(
  connection: Here,
  deals: ReadonlyMap<string, DealFacts>,
  loaded: LoadedCase,
  peopleOfGone: ReadonlyMap<string, readonly string[]>,
  siblingsOf: (contactId: string) => readonly string[],
): (contact: ContactFacts) => DealFacts[] {
  const all = [...deals.values()];
  const positionsBy = (keysOf: (deal: DealFacts) => readonly string[]) =>
    indexed([...all.keys()], (position) => keysOf(all[position] as DealFacts));
  const byContact = positionsBy(({ ref, contactIds }) => [...contactIds, ...(peopleOfGone.get(ref.id) ?? [])]);
  const byId = positionsBy(({ ref, formerIds }) => [ref.id, ...formerIds]);
  const decidedDealsOf = createDecidedDeals(connection, loaded);

  return (contact) => {
    const positions = new Set([
      ...[contact.ref.id, ...contact.formerIds, ...siblingsOf(contact.ref.id)].flatMap((id) => byContact.get(id) ?? []),
      ...decidedDealsOf(contact).flatMap((id) => byId.get(id) ?? []),
    ]);
    return [...positions].sort((a, b) => a - b).flatMap((position) => all[position] ?? []);
  };
}

/** What payment providers have told of a deal, beside what the CRM says of it; under any id that the deal ever had. */
function withRefunds(deal: DealFacts, byDeal: ReadonlyMap<string, readonly RefundFact[]>): DealFacts {
  const told = [deal.ref.id, ...deal.formerIds].flatMap((id) => byDeal.get(id) ?? []);
  if (told.length === 0) return deal;
  const refunds = [...(deal.refunds ?? []), ...told].sort((a, b) => a.at - b.at);
  return { ...deal, refunds };
}

/** Reads each record at most once per batch. */
function createReader(
  session: CrmSession,
  store: CaseStore,
  connection: Pick<Connection, 'id' | 'accountId'>,
  wanted: WantedProperties,
  risk: RiskWanted | null,
  others: OtherConnections | null,
  byCompany: boolean,
) {
  const deals = new Map<string, DealFacts>();
  const contacts = new Map<string, ContactFacts>();
  const fresh = new Map<string, DealFacts | ContactFacts>();
  /** Ids of contacts that have become others. */
  const merged = new Set<string>();
  const askedDeals = new Set<string>();
  const askedContacts = new Set<string>();
  const basis = { deal: new Map<string, number>(), contact: new Map<string, number>() };

  function unasked(ids: readonly string[], asked: Set<string>): string[] {
    const next = [...new Set(ids)].filter((id) => !asked.has(id));
    for (const id of next) asked.add(id);
    return next;
  }

  /**
   * What is kept of the records is asked for before they are read: a commit can then tell whether others have read them since. Of those
   * that turn out to be merged into one that nobody asked for, that one is read again.
   */
  async function read<F extends DealFacts | ContactFacts>(
    object: 'deal' | 'contact',
    ids: readonly string[],
    asked: Set<string>,
    readFrom: (ids: readonly string[]) => Promise<F[]>,
  ): Promise<F[]> {
    if (ids.length === 0) return [];
    const versions = await store.recordVersions(connection.accountId, connection.id, object, ids);
    for (const id of ids) basis[object].set(id, versions.get(id) ?? 0);
    const found = await readFrom(ids);
    const survivors = unasked(
      found.map(({ ref }) => ref.id),
      asked,
    );
    for (const { formerIds } of found) for (const id of formerIds) asked.add(id);
    if (survivors.length === 0) return found;
    const again = await read(object, survivors, asked, readFrom);
    // The id that it was first asked for under is one of its former ones, whatever the CRM tells of it now.
    const formerOf = new Map(found.map(({ ref, formerIds }) => [ref.id, formerIds]));
    return [
      ...found.filter(({ ref }) => !survivors.includes(ref.id)),
      ...again.map((fact) => ({
        ...fact,
        formerIds: [...new Set([...fact.formerIds, ...(formerOf.get(fact.ref.id) ?? [])])],
      })),
    ];
  }

  /** Whoever was read, or remembered, before they became one with somebody is that one: as two, each would have a referral. */
  function keep(contact: ContactFacts): boolean {
    if (merged.has(contact.ref.id)) return false;
    for (const id of contact.formerIds) {
      merged.add(id);
      contacts.delete(id);
      fresh.delete(recordKey({ ...contact.ref, id }));
    }
    contacts.set(contact.ref.id, contact);
    return true;
  }

  /** Who became one stays one, also when the CRM no longer tells what was merged into whom. */
  async function readPeople(ids: readonly string[]): Promise<ContactFacts[]> {
    const found = await session.readContacts(ids, wanted);
    if (!session.forgetsMerges) return found;
    const told = [...new Set(found.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]))];
    const kept = await store.knownContacts(connection.accountId, connection.id, told);
    const before = new Map(kept.map(({ facts }) => [facts.ref.id, facts.formerIds]));
    return found.map((contact) => {
      const { ref, formerIds } = contact;
      const all = [...formerIds, ...[ref.id, ...formerIds].flatMap((id) => before.get(id) ?? [])];
      return { ...contact, formerIds: [...new Set(all)].filter((id) => id !== ref.id) };
    });
  }

  async function readContactsNow(ids: readonly string[]): Promise<void> {
    for (const contact of await read('contact', ids, askedContacts, readPeople))
      if (keep(contact)) fresh.set(recordKey(contact.ref), contact);
  }

  async function readDealsNow(ids: readonly string[]): Promise<void> {
    const found = await read('deal', ids, askedDeals, (some) => session.readDeals(some, wanted));
    if (found.length === 0) return;
    const refunds = await store.refundsOfDeals(
      connection.accountId,
      connection.id,
      found.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]),
    );
    for (const read of found) {
      const deal = withRefunds(read, refunds);
      deals.set(deal.ref.id, deal);
      fresh.set(recordKey(deal.ref), deal);
    }
  }

  return {
    deals,
    contacts,
    fresh,
    basisOf: ({ object, id }: RecordRef) => (object === 'company' ? 0 : (basis[object].get(id) ?? 0)),
    contact: (id: string) => contacts.get(id) ?? [...contacts.values()].find(({ formerIds }) => formerIds.includes(id)),
    readDeals: (ids: readonly string[]) => readDealsNow(unasked(ids, askedDeals)),
    /**
     * Deals that are judged together, unless all of them have been read: those that were read before are read once more beside the others. A
     * deal that was won between two readings would else look open beside one that was won later, which would then be taken for the first.
     */
    async readTogether(sets: ReadonlyArray<readonly string[]>): Promise<void> {
      const ids = sets.filter((set) => set.some((id) => !askedDeals.has(id))).flat();
      for (const id of ids) askedDeals.add(id);
      await readDealsNow([...new Set(ids)]);
    },
    readContacts: (ids: readonly string[]) => readContactsNow(unasked(ids, askedContacts)),
    /** Remembers, or reads what was never seen. */
    async knowContacts(ids: readonly string[]): Promise<void> {
      const next = unasked(ids, askedContacts);
      if (next.length === 0) return;
      for (const { facts, version } of await store.knownContacts(connection.accountId, connection.id, next)) {
        // What a rule asks about for the first time was not read before.
        if (facts.presence !== 'present' || !knowsProperties(facts, wanted)) continue;
        // Nor was what risk is judged by.
        if (risk && facts.traits === undefined) continue;
        if (keep(facts)) basis.contact.set(facts.ref.id, version);
      }
      await readContactsNow(next.filter((id) => !contacts.has(id) && !merged.has(id)));
    },
    keys(of: Pick<Connection, 'id' | 'accountId'>): CaseKeys {
      const people = [...contacts.values()];
      return {
        accountId: of.accountId,
        connectionId: of.id,
        contactIds: [...new Set(people.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]))],
        dealIds: [...new Set([...deals.values()].flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]))],
        companies: [...new Set(people.flatMap((contact) => companyOf(contact) ?? []).map(companyOwner))],
        ...(byCompany ? { colleaguesOf: [...new Set(people.flatMap(({ company }) => company?.id ?? []))] } : {}),
        emails: [...new Set(people.flatMap(({ email }) => normaliseEmail(email) ?? []))],
        codes: [
          ...new Set(people.flatMap(({ usedCode }) => (usedCode === null ? [] : (normaliseCode(usedCode) ?? [])))),
        ],
        ...(risk ? { risk: { ...keysOfPeople(of.accountId, people), ...risk } } : {}),
        ...(others ? { elsewhere: elsewhereKeys(others, of.accountId, [...deals.values()], people) } : {}),
      };
    },
  };
}
