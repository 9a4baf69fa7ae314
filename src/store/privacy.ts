import { type RawBuilder, sql } from 'kysely';
import type { Erasure, ErasureCounts, Held, HeldOrder, Person, PrivacyStore } from '../application/ports/privacy.ts';
import type { RecordSnapshot } from '../application/ports/store.ts';
import { contactKeys } from '../domain/contact-keys.ts';
import { derivedId } from '../domain/ids.ts';
import { type ContactFacts, erasedFacts, normaliseEmail, type RecordRef, recordKey } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import {
  attributionOf,
  contactOf,
  decisionOf,
  fromJson,
  journalOf,
  keyOf,
  memberOf,
  referralOf,
  rewardOf,
  tierChangeOf,
  toJson,
  touchOf,
} from './codec.ts';
import { shownTo } from './consents.ts';
import { caseOf, eventOf } from './desk.ts';
import { type Engine, insertRows } from './dialect.ts';
import { edgesOfContacts, edgesOfSubjects } from './identity-edges.ts';
import { markMirror } from './mirror.ts';
import { readFacts } from './records.ts';
import type { Row, Session, Table } from './schema.ts';

/** What stands where a name or an address was. The guard of the words of cases goes by it. */
const ERASED_WORD = '(erased)';
/** A shorter name would be found inside other words. */
const NAME_LENGTH_MIN = 3;

const NOBODY: Person = { contacts: [], memberIds: [], referralIds: [], emails: [] };

export function createPrivacyStore(engine: Engine): PrivacyStore {
  return {
    person: (accountId, known) => engine.snapshot((session) => personOf(session, accountId, known)),
    held: (accountId, person, limit) => engine.snapshot((session) => heldOf(session, accountId, person, limit)),

    erase: (accountId, known, erasure, markOf) =>
      engine.write(async (session) => {
        const person = await personOf(session, accountId, known);
        if (person.contacts.length + person.memberIds.length + person.referralIds.length === 0) return null;
        const marks = [...new Set(person.emails.map(markOf))];
        const before = await erasureOf(session, accountId, person, []);
        const { counts, isNew } = await forget(session, accountId, person, erasure, marks, new Set());
        return { person, erasure: isNew || !before ? { ...erasure, counts } : before, isNew };
      }),

    erasedAmong: (accountId, connectionId, contactIds) =>
      engine.read((session) => erasedAmong(session, accountId, connectionId, contactIds)),

    erasedMembers: (accountId, memberIds) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ person: string }>`select person from erased_people where account_id = ${accountId}
          and kind = 'member' and place = '' and ${dialect.isIn('person', memberIds)}`.execute(db);
        return new Set(rows.map(({ person }) => person));
      }),

    erasureOf: (accountId, known, marks) => engine.read((session) => erasureOf(session, accountId, known, marks)),

    erasures: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }) => {
        const behind = cursor === null ? sql`` : sql`and (at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'erasures'>>`select * from erasures where account_id = ${accountId} ${behind}
          order by at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(erasureFrom);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.at, id: last.id } : null };
      }),
  };
}

/**
 * Part of a commit: people whom the CRM was told to forget, and those whose record has become one with somebody's who was forgotten. What
 * the commit keeps of a record itself (`snapshots`) is not written twice.
 */
export async function eraseContacts(
  session: Session,
  accountId: string,
  refs: readonly RecordRef[],
  snapshots: readonly RecordSnapshot[],
  at: Instant,
): Promise<void> {
  const contacts = new Map(refs.filter(({ object }) => object === 'contact').map((ref) => [recordKey(ref), ref]));
  const formerOf = new Map(snapshots.map(({ facts }) => [recordKey(facts.ref), facts.formerIds]));
  const own = new Set(formerOf.keys());
  for (const [connectionId, group] of Map.groupBy(contacts.values(), (ref) => ref.connectionId)) {
    const people = group.map((contact) => ({
      contact,
      ids: [contact.id, ...(formerOf.get(recordKey(contact)) ?? [])],
    }));
    const known = await erasedAmong(
      session,
      accountId,
      connectionId,
      people.flatMap(({ ids }) => ids),
    );
    for (const { contact, ids } of people) {
      // It is read again and again for as long as it is in the CRM, and is forgotten once; and once more when it turns out who else it was:
      // a merge or a conversion that is read after the contact was forgotten.
      if (ids.every((id) => known.has(id))) continue;
      const contacts = ids.map((id) => ({ ...contact, id }));
      const person = await personOf(session, accountId, { ...NOBODY, contacts });
      const id = derivedId('era', accountId, connectionId, contact.id);
      await forget(session, accountId, person, { id, source: 'crm', by: 'crm', at }, [], own);
    }
  }
}

async function erasedAmong(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  contactIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (contactIds.length === 0) return new Set();
  const { rows } = await sql<{ person: string }>`select person from erased_people where account_id = ${accountId}
    and kind = 'contact' and place = ${connectionId} and ${dialect.isIn('person', contactIds)}`.execute(db);
  return new Set(rows.map(({ person }) => person));
}

async function erasureOf(
  session: Session,
  accountId: string,
  { contacts, memberIds, referralIds }: Person,
  marks: readonly string[],
): Promise<Erasure | null> {
  const { db, dialect } = session;
  const found: string[] = [];
  const look = async (kind: string, place: string, people: readonly string[]) => {
    if (people.length === 0) return;
    const { rows } = await sql<{ erasure_id: string }>`select erasure_id from erased_people
      where account_id = ${accountId} and kind = ${kind} and place = ${place} and ${dialect.isIn('person', people)}`.execute(
      db,
    );
    found.push(...rows.map(({ erasure_id }) => erasure_id));
  };
  for (const [connectionId, group] of Map.groupBy(contacts, (ref) => ref.connectionId))
    await look(
      'contact',
      connectionId,
      group.map(({ id }) => id),
    );
  await look('member', '', memberIds);
  await look('referral', '', referralIds);
  await look('email', '', marks);
  if (found.length === 0) return null;
  const { rows } = await sql<Row<'erasures'>>`select * from erasures where account_id = ${accountId}
    and ${dialect.isIn('id', [...new Set(found)])} order by at desc, id desc limit 1`.execute(db);
  return rows[0] ? erasureFrom(rows[0]) : null;
}

function erasureFrom({ id, source, asked_by, counts, at }: Row<'erasures'>): Erasure {
  return { id, source: source as Erasure['source'], by: asked_by, counts: fromJson(counts), at };
}

// ── Who a person is ─────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Whatever hangs together: a contact, those that were merged into it and those it is tied to in other connections, the member and the
 * referrals that they are at home in. By an address only rows are joined that have no contact: another contact with the same address is
 * another person, unless the address itself was asked for.
 */
async function personOf(session: Session, accountId: string, known: Person): Promise<Person> {
  const { db, dialect } = session;
  const contacts = new Map<string, RecordRef>();
  const [members, referrals, emails] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let open: Person = {
    ...known,
    contacts: [...known.contacts, ...(await contactsByEmail(session, accountId, known.emails))],
  };
  const asked = new Set(known.emails);
  for (;;) {
    const next = {
      contacts: open.contacts.filter((ref) => !contacts.has(recordKey(ref))),
      memberIds: open.memberIds.filter((id) => !members.has(id)),
      referralIds: open.referralIds.filter((id) => !referrals.has(id)),
      emails: open.emails.filter((email) => !emails.has(email)),
    };
    if (Object.values(next).every((list) => list.length === 0)) break;
    for (const ref of next.contacts) contacts.set(recordKey(ref), ref);
    for (const id of next.memberIds) members.add(id);
    for (const id of next.referralIds) referrals.add(id);
    for (const email of next.emails) emails.add(email);

    const found = {
      contacts: [] as RecordRef[],
      memberIds: [] as string[],
      referralIds: [] as string[],
      emails: [] as string[],
    };
    const take = (memberRows: readonly Row<'members'>[], referralRows: readonly Row<'referrals'>[]) => {
      for (const row of memberRows) {
        found.memberIds.push(row.id);
        found.contacts.push(...list(contactOf(row.connection_id, row.contact_id)));
        found.emails.push(...list(normaliseEmail(row.email)));
      }
      for (const row of referralRows) {
        found.referralIds.push(row.id);
        found.contacts.push(...list(contactOf(row.connection_id, row.contact_id)));
        found.emails.push(...list(normaliseEmail(row.friend_email)));
      }
    };
    const rowsOf = async <T extends 'members' | 'referrals'>(table: T, where: RawBuilder<unknown>) =>
      (await sql<Row<T>>`select * from ${sql.table(table)} where account_id = ${accountId} and ${where}`.execute(db))
        .rows;

    for (const [connectionId, group] of Map.groupBy(next.contacts, (ref) => ref.connectionId)) {
      const ids = group.map(({ id }) => id);
      const isTheirs = sql`connection_id = ${connectionId} and ${dialect.isIn('contact_id', ids)}`;
      take(await rowsOf('members', isTheirs), await rowsOf('referrals', isTheirs));
      for (const { subject, until } of await edgesOfContacts(session, { accountId, connectionId, contactIds: ids }))
        if (until === null) (subject.startsWith('mem_') ? found.memberIds : found.referralIds).push(subject);
      for (const facts of await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids)) {
        found.emails.push(...list(normaliseEmail(facts.email)));
        found.contacts.push(...facts.formerIds.map((id) => ({ ...facts.ref, id })));
      }
    }
    const subjects = [...next.memberIds, ...next.referralIds];
    for (const { record, until } of await edgesOfSubjects(session, accountId, subjects))
      if (until === null) found.contacts.push(record);
    take(
      await rowsOf('members', dialect.isIn('id', next.memberIds)),
      await rowsOf('referrals', dialect.isIn('id', next.referralIds)),
    );
    const byAddress = (column: string, isAsked: boolean) => {
      const some = next.emails.filter((email) => asked.has(email) === isAsked);
      return sql`${dialect.isIn(column, some)} ${isAsked ? sql`` : sql`and contact_id is null`}`;
    };
    for (const isAsked of [true, false])
      if (next.emails.some((email) => asked.has(email) === isAsked))
        take(
          await rowsOf('members', byAddress('email', isAsked)),
          await rowsOf('referrals', byAddress('friend_email', isAsked)),
        );
    open = found;
  }
  return {
    contacts: [...contacts.values()],
    memberIds: [...members],
    referralIds: [...referrals],
    emails: [...emails],
  };
}

/** Contacts as they were read; the key of a mailbox finds a few more, which have another address. */
async function contactsByEmail(session: Session, accountId: string, emails: readonly string[]): Promise<RecordRef[]> {
  const { db, dialect } = session;
  const keys = emails.flatMap((email) => contactKeys(accountId, { email }).mail ?? []);
  if (keys.length === 0) return [];
  const { rows: connections } = await sql<{ id: string }>`select id from connections
    where account_id = ${accountId}`.execute(db);
  const found: RecordRef[] = [];
  for (const { id: connectionId } of connections) {
    const { rows } = await sql<Pick<Row<'records'>, 'facts'>>`select facts from records where account_id = ${accountId}
      and connection_id = ${connectionId} and mail_key is not null and ${dialect.isIn('mail_key', keys)}`.execute(db);
    for (const { facts } of rows) {
      const { ref, email } = fromJson<ContactFacts>(facts);
      if (ref.object === 'contact' && emails.includes(normaliseEmail(email) ?? '')) found.push(ref);
    }
  }
  return found;
}

function list<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}

// ── Forgetting ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Blanks names and addresses wherever they stand. Decisions, journals and touches hold ids and codes only. Versions rise, so that a plan that
 * still has the name is refused.
 */
async function forget(
  session: Session,
  accountId: string,
  person: Person,
  erasure: Omit<Erasure, 'counts'>,
  marks: readonly string[],
  keptElsewhere: ReadonlySet<string>,
): Promise<{ counts: ErasureCounts; isNew: boolean }> {
  const { db, dialect } = session;
  const { at } = erasure;
  const own = sql`account_id = ${accountId}`;
  const names = await namesOf(session, accountId, person);
  const tombs = [
    ...person.contacts.map((ref) => ({ kind: 'contact', place: ref.connectionId, person: ref.id })),
    ...person.memberIds.map((id) => ({ kind: 'member', place: '', person: id })),
    ...person.referralIds.map((id) => ({ kind: 'referral', place: '', person: id })),
    ...marks.map((mark) => ({ kind: 'email', place: '', person: mark })),
  ].sort((a, b) => (`${a.kind} ${a.place} ${a.person}` < `${b.kind} ${b.place} ${b.person}` ? -1 : 1));
  const fresh = await insertRows<'erased_people', { kind: string }>(
    session,
    'erased_people',
    tombs.map((tomb) => ({ account_id: accountId, ...tomb, erasure_id: erasure.id })),
    'on conflict do nothing returning kind',
  );
  const isNew = fresh.some(({ kind }) => kind !== 'email');

  const changed = async (query: RawBuilder<unknown>) => Number((await query.execute(db)).numAffectedRows ?? 0n);
  const members =
    await changed(sql`update members set name = null, name_key = null, email = null, version = version + 1,
      erased_at = coalesce(erased_at, cast(${at} as bigint))
    where ${own} and ${dialect.isIn('id', person.memberIds)}
      and (name is not null or email is not null or erased_at is null)`);
  const referrals =
    await changed(sql`update referrals set friend_name = null, friend_key = null, friend_email = null, version = version + 1,
      friend_erased_at = coalesce(friend_erased_at, cast(${at} as bigint))
    where ${own} and ${dialect.isIn('id', person.referralIds)}
      and (friend_name is not null or friend_email is not null or friend_erased_at is null)`);
  const contacts = await forgetRecords(session, accountId, person.contacts, keptElsewhere, at);
  const counts: ErasureCounts = {
    contacts,
    members,
    referrals,
    importRows: await forgetImports(session, accountId, person),
    vouchers: await changed(sql`update payout_references set voucher = null where ${own} and voucher is not null
      and intent_id in (select id from intents where ${own} and reward_id in (
        select id from rewards where ${own} and ${isBeneficiary(session, person)}))`),
    words: await forgetWords(session, accountId, person, [...person.emails, ...names]),
  };
  if (isNew) {
    await insertRows(
      session,
      'erasures',
      [
        {
          account_id: accountId,
          id: erasure.id,
          source: erasure.source,
          asked_by: erasure.by,
          counts: toJson(counts),
          at,
        },
      ],
      'on conflict do nothing',
    );
    await markMirror(session, accountId, await showingOf(session, accountId, person), at);
  }
  return { counts, isNew };
}

function isBeneficiary({ dialect }: Pick<Session, 'dialect'>, { memberIds, referralIds }: Person): RawBuilder<unknown> {
  // A reward of the friend's side bears the referral's id.
  return dialect.isIn('beneficiary_id', [...memberIds, ...referralIds]) as RawBuilder<unknown>;
}

/** What they are called where words may have been written about them. */
async function namesOf(session: Session, accountId: string, person: Person): Promise<string[]> {
  const { db, dialect } = session;
  const { rows } = await sql<{ name: string | null }>`
    select name from members where account_id = ${accountId} and ${dialect.isIn('id', person.memberIds)}
    union select friend_name as name from referrals where account_id = ${accountId}
      and ${dialect.isIn('id', person.referralIds)}`.execute(db);
  const names = rows.flatMap(({ name }) => name ?? []);
  for (const [connectionId, group] of Map.groupBy(person.contacts, (ref) => ref.connectionId)) {
    const ids = group.map(({ id }) => id);
    for (const { name } of await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids))
      if (name !== null) names.push(name);
  }
  return [...new Set(names)].filter((name) => name.length >= NAME_LENGTH_MIN);
}

/** A record that was never read is kept as forgotten too: whoever reads it at this moment comes too late to keep it. */
async function forgetRecords(
  session: Session,
  accountId: string,
  contacts: readonly RecordRef[],
  keptElsewhere: ReadonlySet<string>,
  at: Instant,
): Promise<number> {
  const known = new Map<string, ContactFacts>();
  for (const [connectionId, group] of Map.groupBy(contacts, (ref) => ref.connectionId)) {
    const ids = group.map(({ id }) => id);
    for (const facts of await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids))
      known.set(recordKey(facts.ref), facts);
  }
  const inOneOrder = contacts
    .filter((ref) => known.has(recordKey(ref)) || !keptElsewhere.has(recordKey(ref)))
    .map((ref) => ({ ref, facts: erasedFacts(ref, known.get(recordKey(ref))?.formerIds ?? []) }))
    .sort((a, b) => (recordKey(a.ref) < recordKey(b.ref) ? -1 : 1));
  const written = await insertRows<'records', { record_id: string }>(
    session,
    'records',
    inOneOrder.map(({ ref, facts }) => ({
      ...keyOf(accountId, ref),
      presence: facts.presence,
      facts: JSON.stringify(facts),
      read_at: at,
      modified_at: null,
      version: 1,
      mail_key: null,
      phone_key: null,
      shared_key: null,
      company_id: null,
      judged_by: null,
      chance: null,
      closes_at: null,
    })),
    `on conflict (account_id, connection_id, object, record_id) do update set presence = excluded.presence,
      facts = excluded.facts, mail_key = null, phone_key = null, shared_key = null, company_id = null,
      version = records.version + 1
      where records.facts <> excluded.facts
      returning record_id`,
  );
  // Whoever asked to be forgotten is proposed to nobody.
  for (const [connectionId, group] of Map.groupBy(contacts, (ref) => ref.connectionId)) {
    const ids = group.map(({ id }) => id);
    await sql`delete from contact_owners where account_id = ${accountId} and connection_id = ${connectionId}
      and ${session.dialect.isIn('contact_id', ids)}`.execute(session.db);
  }
  return written.length;
}

/** What a row of a file says is forgotten when it is carried out; one that waits for that is not carried out any more. */
async function forgetImports(session: Session, accountId: string, { emails }: Person): Promise<number> {
  if (emails.length === 0) return 0;
  const { db } = session;
  const { rows: imports } = await sql<{ id: string }>`select id from member_imports
    where account_id = ${accountId} and state in ('running', 'undoing')`.execute(db);
  const rows: Pick<Row<'member_import_rows'>, 'import_id' | 'line' | 'content'>[] = [];
  for (const { id } of imports) {
    const open = await sql<Pick<Row<'member_import_rows'>, 'import_id' | 'line' | 'content'>>`
      select import_id, line, content from member_import_rows
      where account_id = ${accountId} and import_id = ${id} and outcome = 'open'`.execute(db);
    rows.push(...open.rows);
  }
  const theirs = rows.filter(({ content }) => emails.some((email) => content?.toLowerCase().includes(email)));
  for (const { import_id, line } of theirs)
    await sql`update member_import_rows set content = null, outcome = 'refused', problem = 'the person was erased'
      where account_id = ${accountId} and import_id = ${import_id} and line = ${line}`.execute(db);
  return theirs.length;
}

/** Sentences that people and providers wrote about their cases, rewards and orders. What decided about money stays as it was. */
async function forgetWords(
  { db, dialect }: Session,
  accountId: string,
  person: Person,
  said: readonly string[],
): Promise<number> {
  if (said.length === 0) return 0;
  const own = sql`account_id = ${accountId}`;
  const { rows: rewards } = await sql<{ id: string }>`
    select id from rewards where ${own} and ${isBeneficiary({ dialect }, person)}
    union all select id from rewards where ${own} and ${dialect.isIn('referral_id', person.referralIds)}`.execute(db);
  const rewardIds = rewards.map(({ id }) => id);
  const { rows: cases } = await sql<{ id: string }>`
    select id from desk_cases where ${own} and ${dialect.isIn('referral_id', person.referralIds)}
    union all select id from desk_cases where ${own} and ${dialect.isIn('reward_id', rewardIds)}`.execute(db);
  const caseIds = cases.map(({ id }) => id);
  const places: ReadonlyArray<readonly [Table, string, string, readonly string[]]> = [
    ['rewards', 'reason', 'id', rewardIds],
    ['intents', 'error', 'reward_id', rewardIds],
    ['desk_cases', 'summary', 'id', caseIds],
    ['desk_cases', 'decided_why', 'id', caseIds],
    ['desk_cases', 'facts', 'id', caseIds],
    ['desk_events', 'words', 'case_id', caseIds],
  ];
  let count = 0;
  for (const [table, column, key, ids] of places) {
    if (ids.length === 0) continue;
    const of = sql.ref(column);
    const { rows } = await sql<Record<string, string>>`select distinct ${of} as words from ${sql.table(table)}
      where ${own} and ${dialect.isIn(key, ids)} and ${of} is not null`.execute(db);
    for (const { words = '' } of rows) {
      const without = said.reduce((text, one) => text.replaceAll(anyCase(one), ERASED_WORD), words);
      if (without === words) continue;
      const { numAffectedRows } = await sql`update ${sql.table(table)} set ${of} = ${without}
        where ${own} and ${dialect.isIn(key, ids)} and ${of} = ${words}`.execute(db);
      count += Number(numAffectedRows ?? 0n);
    }
  }
  return count;
}

function anyCase(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
}

/** Records of CRMs that show the person: their own, and those of friends, which name who brought them. */
async function showingOf(session: Session, accountId: string, { contacts, memberIds }: Person): Promise<RecordRef[]> {
  const { db, dialect } = session;
  const { rows } = await sql<Pick<Row<'referrals'>, 'id' | 'connection_id' | 'contact_id'>>`
    select id, connection_id, contact_id from referrals
    where account_id = ${accountId} and ${dialect.isIn('member_id', memberIds)}`.execute(db);
  const ties = await edgesOfSubjects(
    session,
    accountId,
    rows.map(({ id }) => id),
  );
  return [
    ...contacts,
    ...rows.flatMap((row) => list(contactOf(row.connection_id, row.contact_id))),
    ...ties.flatMap(({ record, until }) => (until === null ? [record] : [])),
  ];
}

// ── What is kept ────────────────────────────────────────────────────────────────────────────────────────────────────

async function heldOf(session: Session, accountId: string, person: Person, limit: number): Promise<Held> {
  const { db, dialect } = session;
  const { memberIds, referralIds } = person;
  const cut: string[] = [];
  const some = async <T extends Table>(what: string, table: T, where: RawBuilder<unknown>, order: string) => {
    const { rows } = await sql<Row<T>>`select * from ${sql.table(table)} where account_id = ${accountId} and ${where}
      order by ${sql.raw(order)} limit ${limit + 1}`.execute(db);
    if (rows.length > limit) cut.push(what);
    return rows.slice(0, limit);
  };
  const isIn = (column: string, ids: readonly string[]) => dialect.isIn(column, ids) as RawBuilder<unknown>;
  const contacts: ContactFacts[] = [];
  const touches = await some('touches', 'touches', isIn('member_id', memberIds), 'at, id');
  const imports = await some(
    'importRows',
    'member_import_rows',
    sql`member_id is not null and ${isIn('member_id', memberIds)}`,
    'import_id, line',
  );
  const ties = await edgesOfSubjects(session, accountId, [...memberIds, ...referralIds]);
  for (const [connectionId, group] of Map.groupBy(person.contacts, (ref) => ref.connectionId)) {
    const ids = group.map(({ id }) => id);
    contacts.push(...(await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids)));
    const asFriend = sql`connection_id = ${connectionId} and ${isIn('contact_id', ids)}`;
    touches.push(...(await some('touches', 'touches', asFriend, 'at, id')));
  }
  const members = await some('members', 'members', isIn('id', memberIds), 'created_at, id');
  const asFriend = await some('asFriend', 'referrals', isIn('id', referralIds), 'submitted_at, id');
  const asMember = await some('asMember', 'referrals', isIn('member_id', memberIds), 'submitted_at, id');
  const rewards = await some('rewards', 'rewards', isBeneficiary(session, person), 'created_at, id');
  const rewardIds = rewards.map(({ id }) => id);
  const decisions = [
    ...(await some('decisions', 'decisions', isIn('referral_id', referralIds), 'recorded_at, id')),
    ...(await some(
      'decisions',
      'decisions',
      isIn('referral_id', [...new Set(rewards.map(({ referral_id }) => referral_id))]),
      'recorded_at, id',
    )),
  ].filter(({ referral_id, reward_id }) => referralIds.includes(referral_id) || rewardIds.includes(reward_id ?? ''));
  const journals = await some('journals', 'journals', isIn('reward_id', rewardIds), 'recorded_at, id');
  const { rows: postings } = await sql<Row<'postings'>>`select * from postings where account_id = ${accountId}
    and ${isIn(
      'journal_id',
      journals.map(({ id }) => id),
    )} order by journal_id, line`.execute(db);
  const postingsOf = Map.groupBy(postings, ({ journal_id }) => journal_id);
  const cases = new Map(
    [
      ...(await some('cases', 'desk_cases', isIn('referral_id', referralIds), 'opened_at, id')),
      ...(await some('cases', 'desk_cases', isIn('reward_id', rewardIds), 'opened_at, id')),
    ].map((row) => [row.id, row]),
  );
  const events = Map.groupBy(
    await some('cases', 'desk_events', isIn('case_id', [...cases.keys()]), 'case_id, number'),
    ({ case_id }) => case_id,
  );
  const tierChanges = await some('tierChanges', 'tier_changes', isIn('member_id', memberIds), 'recorded_at, id');
  const attributions = await some(
    'attributions',
    'attribution_decisions',
    isIn('referral_id', referralIds),
    'recorded_at, id',
  );
  return {
    contacts,
    members: members.map(memberOf),
    asFriend: asFriend.map(referralOf),
    asMember: asMember.map(referralOf),
    touches: distinctById(touches).map(touchOf),
    attributions: attributions.map(attributionOf),
    decisions: distinctById(decisions).map(decisionOf),
    rewards: rewards.map(rewardOf),
    journals: journals.map((row) => journalOf(row, postingsOf.get(row.id) ?? [])),
    orders: await ordersOf(session, accountId, rewardIds),
    tierChanges: tierChanges.map(tierChangeOf),
    ties,
    cases: [...cases.values()].map((row) => ({ case: caseOf(row), events: (events.get(row.id) ?? []).map(eventOf) })),
    importRows: imports.map(({ import_id, line, outcome }) => ({ importId: import_id, line, outcome })),
    consents: await shownTo(session, accountId, [...memberIds, ...referralIds]),
    cut: [...new Set(cut)],
  };
}

async function ordersOf(
  { db, dialect }: Session,
  accountId: string,
  rewardIds: readonly string[],
): Promise<HeldOrder[]> {
  if (rewardIds.length === 0) return [];
  const { rows: intents } = await sql<Row<'intents'>>`select * from intents where account_id = ${accountId}
    and ${dialect.isIn('reward_id', rewardIds)} order by id`.execute(db);
  const ids = intents.map(({ id }) => id);
  const { rows: references } = await sql<Row<'payout_references'>>`select * from payout_references
    where account_id = ${accountId} and ${dialect.isIn('intent_id', ids)}`.execute(db);
  const { rows: news } = await sql<Row<'payout_news'>>`select * from payout_news where account_id = ${accountId}
    and intent_id is not null and ${dialect.isIn('intent_id', ids)} order by at, event_id`.execute(db);
  const referenceOf = new Map(references.map((row) => [row.intent_id, row]));
  const newsOf = Map.groupBy(news, ({ intent_id }) => intent_id);
  return intents.map(({ id, reward_id, provider, kind, state }) => {
    const known = referenceOf.get(id);
    return {
      id,
      rewardId: reward_id,
      provider,
      kind,
      state,
      reference: known?.reference ?? null,
      given: known?.state ?? null,
      firstTriedAt: known?.first_tried_at ?? null,
      hasVoucher: known ? known.voucher !== null : false,
      news: (newsOf.get(id) ?? []).map((one) => ({ kind: one.kind, at: one.at })),
    };
  });
}

function distinctById<R extends { readonly id: string }>(rows: readonly R[]): R[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
