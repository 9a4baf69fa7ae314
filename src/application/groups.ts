import { type ConnectionsPolicyVersion, sharedKeyOf } from '../domain/connections-policy.ts';
import type { FriendFacts } from '../domain/decide.ts';
import { elsewhereOf } from '../domain/identity.ts';
import { normaliseCode } from '../domain/ids.ts';
import { type ContactFacts, type DealFacts, normaliseEmail, type RecordRef, recordKey } from '../domain/record.ts';
import type { Gathered } from './gather.ts';
import { indexed } from './indexed.ts';
import type { LoadedCase, WorkItem } from './ports/store.ts';

/** Claimed records that concern the same people, decided and written together. */
export interface Group {
  readonly items: readonly WorkItem[];
  readonly friends: readonly FriendFacts[];
  readonly facts: ReadonlyArray<DealFacts | ContactFacts>;
  /** People on these deals, and those whom the friends name as referrers, as they are remembered. */
  readonly restsOn: readonly RecordRef[];
}

/**
 * Records that share a friend or a referrer go into one commit: apart they would change the same rows and all but one would have to
 * be decided again. Records with nobody in common stay apart, so that one that fails holds up no other.
 */
export function groupByPeople(items: readonly WorkItem[], gathered: Gathered): Group[] {
  const friendsOfRecord = indexed([...gathered.friends.values()], ({ contact, deals }) =>
    [contact, ...deals].flatMap(keysOf),
  );
  const friendsById = indexed([...gathered.friends.values()], ({ contact }) => [contact.ref.id, ...contact.formerIds]);
  const friendsLetGo = (deal: RecordRef) =>
    deal.object === 'deal'
      ? (gathered.letGo.get(deal.id) ?? []).flatMap((contactId) => friendsById.get(contactId) ?? [])
      : [];
  const factsOfRecord = indexed(gathered.fresh, keysOf);
  const union = createUnion();
  const friendsOf = items.map(({ record }) => [
    ...new Set([...(friendsOfRecord.get(recordKey(record)) ?? []), ...friendsLetGo(record)]),
  ]);
  for (const [index, friends] of friendsOf.entries()) {
    for (const { contact } of friends) {
      union.join(`item ${index}`, `person ${contact.ref.id}`);
      for (const referrer of contact.referredByIds) union.join(`person ${contact.ref.id}`, `person ${referrer}`);
      if (gathered.loaded.companies && contact.company)
        union.join(`person ${contact.ref.id}`, `company ${contact.company.id}`);
    }
  }
  const groups = Map.groupBy(items.keys(), (index) => union.rootOf(`item ${index}`));
  const unclaimed = new Set(gathered.fresh);
  const membersOf = createMembersOfFriends(gathered);
  return [...groups.values()].map((members) => {
    const own = members.flatMap((index) => items[index] ?? []);
    const friends = [...new Set(members.flatMap((index) => friendsOf[index] ?? []))];
    const concerned = [
      ...own.flatMap(({ record }) => factsOfRecord.get(recordKey(record)) ?? []),
      ...friends.flatMap(({ contact, deals }) => [contact, ...deals, ...membersOf(contact)]),
    ];
    // Each of them is kept by one group.
    const facts = concerned.filter((fact) => unclaimed.delete(fact));
    return { items: own, friends, facts, restsOn: peopleBehind(facts, friends, gathered) };
  });
}

/** The contacts of those who referred a contact: read to compare the two, and remembered so that they need not be read again. */
function createMembersOfFriends({ loaded, contacts }: Gathered): (friend: ContactFacts) => ContactFacts[] {
  const memberById = new Map(loaded.members.map((member) => [member.id, member]));
  const referralsOf = indexed(loaded.referrals, ({ friend }) => (friend.contact ? [friend.contact.id] : []));
  return ({ ref }) =>
    (referralsOf.get(ref.id) ?? []).flatMap(({ memberId }) => {
      const contact = memberById.get(memberId)?.contact;
      return contact?.connectionId === ref.connectionId ? (contacts.get(contact.id) ?? []) : [];
    });
}

/**
 * A deal that was read because it is one of a friend's may have other people on it, and a contact that was read because somebody names them may
 * be a member with a new name or id: what that means for them has not been asked. Should its own hint be lost, the sweep must not think
 * that it was seen.
 */
export function isDecidedOn(facts: DealFacts | ContactFacts, { items, friends }: Group): boolean {
  if (items.some(({ record }) => keysOf(facts).includes(recordKey(record)))) return true;
  if (!('contactIds' in facts)) return friends.some(({ contact }) => contact === facts);
  const asked = new Set(friends.flatMap(({ contact }) => [contact.ref.id, ...contact.formerIds]));
  return facts.contactIds.every((id) => asked.has(id));
}

function peopleBehind(facts: Group['facts'], friends: readonly FriendFacts[], { contacts }: Gathered): RecordRef[] {
  const deals = [...facts.filter((fact) => 'contactIds' in fact), ...friends.flatMap((friend) => friend.deals)];
  const ids = new Set([
    ...deals.flatMap(({ contactIds }) => contactIds),
    ...friends.flatMap(({ contact }) => [contact.ref.id, ...contact.referredByIds]),
  ]);
  const own = new Set(facts.map(({ ref }) => recordKey(ref)));
  return [...ids].flatMap((id) => contacts.get(id)?.ref ?? []).filter((ref) => !own.has(recordKey(ref)));
}

/**
 * What is stored of a batch, handed out group by group. `decide` indexes and searches all that it is given, so a hundred groups that are each
 * given everything take a hundred times as long. Whatever hangs together by a person, an address, a code or a deal stays together.
 */
export function createParts(
  loaded: LoadedCase,
  { contacts, keys }: Pick<Gathered, 'contacts' | 'keys'>,
  policy: ConnectionsPolicyVersion | null = null,
): (group: Group) => Omit<LoadedCase, 'tallies' | 'risk' | 'tiers' | 'others'> {
  const union = createUnion();
  const join = (entity: string, keys: readonly string[]) => {
    for (const key of keys) union.join(entity, key);
  };
  for (const { id, contact, email, code } of loaded.members) {
    join(`member ${id}`, [...(contact ? [recordKey(contact)] : []), ...emailKeys(email), `code ${code}`]);
  }
  for (const { id, memberId, assist, friend } of loaded.referrals) {
    const person = friend.contact ? [recordKey(friend.contact)] : [];
    const members = [memberId, ...(assist ? [assist.memberId] : [])].map((one) => `member ${one}`);
    join(`referral ${id}`, [...members, ...person, ...emailKeys(friend.email)]);
  }
  for (const [companyId, referralId] of loaded.companies ?? [])
    union.join(`referral ${referralId}`, `company ${companyId}`);
  for (const { record, subject } of loaded.others?.edges ?? [])
    for (const kind of ['member', 'referral']) union.join(`${kind} ${subject}`, recordKey(record));
  for (const { ref, sharedKey, phoneKey } of loaded.others?.contacts ?? [])
    join(recordKey(ref), sharedKeys('contact', sharedKey, phoneKey));
  for (const { facts, sharedKey } of loaded.others?.deals ?? [])
    for (const key of keysOf(facts)) join(key, sharedKeys('deal', sharedKey));
  for (const { referralId, deal } of [...loaded.decisions, ...loaded.rewards]) {
    union.join(`referral ${referralId}`, recordKey(deal));
  }
  const rooted = <T>(entities: readonly T[], keyOf: (entity: T) => string) =>
    entities.map((entity) => ({ entity, root: union.rootOf(keyOf(entity)) }));
  const members = rooted(loaded.members, ({ id }) => `member ${id}`);
  const referrals = rooted(loaded.referrals, ({ id }) => `referral ${id}`);
  const decisions = rooted(loaded.decisions, ({ referralId }) => `referral ${referralId}`);
  const rewards = rooted(loaded.rewards, ({ referralId }) => `referral ${referralId}`);

  return ({ friends }) => {
    const reach = friends.flatMap((friend) => [
      ...reachOf(friend, contacts),
      ...(loaded.others ? reachElsewhere(keys.accountId, friend, contacts, policy) : []),
    ]);
    const own = new Set(reach.map(union.rootOf));
    const among = <T>(entities: ReadonlyArray<{ entity: T; root: string }>) =>
      entities.filter(({ root }) => own.has(root)).map(({ entity }) => entity);
    return {
      members: among(members),
      referrals: among(referrals),
      decisions: among(decisions),
      rewards: among(rewards),
    };
  };
}

/** Everything that may link what is stored to a friend: themselves, whom they name, their code, their deals and who else is on these. */
function reachOf({ contact, deals }: FriendFacts, contacts: ReadonlyMap<string, ContactFacts>): string[] {
  const { connectionId } = contact.ref;
  const person = (id: string) => {
    const known = contacts.get(id);
    return [
      recordKey({ connectionId, object: 'contact', id }),
      ...(known ? [...keysOf(known), ...emailKeys(known.email)] : []),
    ];
  };
  const code = contact.usedCode === null ? null : normaliseCode(contact.usedCode);
  return [
    ...keysOf(contact),
    ...emailKeys(contact.email),
    ...(code === null ? [] : [`code ${code}`]),
    ...(contact.company ? [`company ${contact.company.id}`] : []),
    ...contact.referredByIds.flatMap(person),
    ...deals.flatMap((deal) => [...keysOf(deal), ...deal.contactIds.flatMap(person)]),
  ];
}

/** The same by what other connections know them by. */
function reachElsewhere(
  accountId: string,
  { contact, deals }: FriendFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  policy: ConnectionsPolicyVersion | null,
): string[] {
  const people = [contact, ...contact.referredByIds.flatMap((id) => contacts.get(id) ?? [])];
  return [
    ...people.flatMap((person) => {
      const { sharedKey, phoneKey } = elsewhereOf(accountId, policy, person);
      return sharedKeys('contact', sharedKey, phoneKey);
    }),
    ...(policy ? deals.flatMap((deal) => sharedKeys('deal', sharedKeyOf(policy.policy, deal))) : []),
  ];
}

function sharedKeys(object: 'contact' | 'deal', key: string | null, phone: string | null = null): string[] {
  return [...(key === null ? [] : [`${object} key ${key}`]), ...(phone === null ? [] : [`phone ${phone}`])];
}

function emailKeys(raw: string | null): string[] {
  const email = normaliseEmail(raw);
  return email === null ? [] : [`email ${email}`];
}

/** A record's key, and those of the records that were merged into it. */
function keysOf({ ref, formerIds }: DealFacts | ContactFacts): string[] {
  return [ref.id, ...formerIds].map((id) => recordKey({ ...ref, id }));
}

/** What was joined, directly or by way of others, has one root. */
function createUnion() {
  const parents = new Map<string, string>();
  function rootOf(key: string): string {
    const parent = parents.get(key);
    if (parent === undefined) return key;
    const root = rootOf(parent);
    if (root !== parent) parents.set(key, root);
    return root;
  }
  return {
    rootOf,
    join(a: string, b: string): void {
      const [rootA, rootB] = [rootOf(a), rootOf(b)];
      if (rootA !== rootB) parents.set(rootA, rootB);
    },
  };
}
