import { sql } from 'kysely';
import type { CaseKeys } from '../application/ports/store.ts';
import type { ElsewhereKeys } from '../domain/elsewhere-keys.ts';
import type { ContactElsewhere, DealElsewhere, IdentityEdge } from '../domain/identity.ts';
import type { Plan } from '../domain/plan.ts';
import { type ContactFacts, type DealFacts, normaliseEmail, type RecordRef, recordKey } from '../domain/record.ts';
import { fromJson } from './codec.ts';
import { Conflict } from './conflict.ts';
import { type Columns, insertRows, overRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

// ── Load ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Contacts of other connections that bear a key or a number of these, and what the contacts of this one are tied to. */
export async function contactsElsewhere(
  session: Session,
  accountId: string,
  { connectionIds, contactKeys, phoneKeys, contactIdsAreKeysIn }: ElsewhereKeys,
): Promise<ContactElsewhere[]> {
  const found = new Map<string, ContactElsewhere>();
  const add = (rows: readonly Row<'records'>[]) => {
    for (const row of rows) found.set(`${row.connection_id} ${row.record_id}`, contactOf(row));
  };
  for (const connectionId of connectionIds) {
    const of = createLookup(session, accountId, connectionId, 'contact');
    add(await of('shared_key', contactKeys));
    add(await of('phone_key', phoneKeys));
    if (contactIdsAreKeysIn.includes(connectionId)) add(await of('record_id', contactKeys));
  }
  return [...found.values()].sort((a, b) => (recordKey(a.ref) < recordKey(b.ref) ? -1 : 1));
}

/** These contacts of other connections, where they have ever been read. */
export async function contactsById(
  session: Session,
  accountId: string,
  { connectionIds }: ElsewhereKeys,
  refs: readonly RecordRef[],
): Promise<ContactElsewhere[]> {
  const found: ContactElsewhere[] = [];
  for (const connectionId of connectionIds) {
    const ids = [...new Set(refs.filter((ref) => ref.connectionId === connectionId).map(({ id }) => id))];
    found.push(...(await createLookup(session, accountId, connectionId, 'contact')('record_id', ids)).map(contactOf));
  }
  return found;
}

function contactOf(row: Row<'records'>): ContactElsewhere {
  const facts = fromJson<ContactFacts>(row.facts);
  return {
    ref: facts.ref,
    email: normaliseEmail(facts.email),
    sharedKey: row.shared_key,
    phoneKey: row.phone_key,
  };
}

/** Deals of other connections: the friends', those that were decided on, and those that bear a key of these. */
export async function dealsElsewhere(
  session: Session,
  accountId: string,
  { connectionIds, dealKeys, dealIdsAreKeysIn }: ElsewhereKeys,
  contacts: readonly RecordRef[],
  decided: readonly RecordRef[],
): Promise<DealElsewhere[]> {
  const { db, dialect } = session;
  const found = new Map<string, DealElsewhere>();
  for (const connectionId of connectionIds) {
    const of = createLookup(session, accountId, connectionId, 'deal');
    const contactIds = contacts.filter((ref) => ref.connectionId === connectionId).map(({ id }) => id);
    const ids = decided.filter((ref) => ref.connectionId === connectionId).map(({ id }) => id);
    if (contactIds.length > 0) {
      const { rows } = await sql<{ deal_id: string }>`select deal_id from record_links where account_id = ${accountId}
        and connection_id = ${connectionId} and ${dialect.isIn('contact_id', contactIds)}`.execute(db);
      ids.push(...rows.map(({ deal_id }) => deal_id));
    }
    const rows = [
      ...(await of('record_id', [...new Set(ids)])),
      ...(await of('shared_key', dealKeys)),
      ...(dealIdsAreKeysIn.includes(connectionId) ? await of('record_id', dealKeys) : []),
    ];
    const merged = new Set<string>();
    for (const row of rows) {
      const facts = fromJson<DealFacts>(row.facts);
      for (const id of facts.formerIds) merged.add(recordKey({ ...facts.ref, id }));
      const isKeyById = dealIdsAreKeysIn.includes(connectionId);
      found.set(recordKey(facts.ref), { facts, sharedKey: row.shared_key ?? (isKeyById ? facts.ref.id : null) });
    }
    // One that was merged into another is still kept as it was; the other one tells of it.
    for (const key of merged) found.delete(key);
  }
  return [...found.values()].sort((a, b) => (recordKey(a.facts.ref) < recordKey(b.facts.ref) ? -1 : 1));
}

function createLookup({ db, dialect }: Session, accountId: string, connectionId: string, object: 'contact' | 'deal') {
  return async (column: 'shared_key' | 'phone_key' | 'record_id', values: readonly string[]) => {
    if (values.length === 0) return [];
    const { rows } = await sql<Row<'records'>>`select * from records where account_id = ${accountId}
      and connection_id = ${connectionId} and object = ${sql.lit(object)}
      and ${sql.ref(column)} is not null and ${dialect.isIn(column, values)}`.execute(db);
    return rows;
  };
}

export async function edgesOfContacts(
  { db, dialect }: Session,
  { accountId, connectionId, contactIds }: Pick<CaseKeys, 'accountId' | 'connectionId' | 'contactIds'>,
): Promise<IdentityEdge[]> {
  const { rows } = await sql<Row<'identity_edges'>>`select * from identity_edges where account_id = ${accountId}
    and connection_id = ${connectionId} and ${dialect.isIn('record_id', contactIds)}`.execute(db);
  return rows.map(edgeOf);
}

export async function edgesOfSubjects(
  { db, dialect }: Session,
  accountId: string,
  subjects: readonly string[],
): Promise<IdentityEdge[]> {
  if (subjects.length === 0) return [];
  const { rows } = await sql<Row<'identity_edges'>>`select * from identity_edges where account_id = ${accountId}
    and ${dialect.isIn('subject', subjects)}`.execute(db);
  return rows.map(edgeOf).sort((a, b) => (edgeKey(a) < edgeKey(b) ? -1 : 1));
}

export function edgeKey({ record, subject, sequence }: IdentityEdge): string {
  return `${subject} ${recordKey(record)} ${String(sequence).padStart(9, '0')}`;
}

export function edgeOf(row: Row<'identity_edges'>): IdentityEdge {
  return {
    record: { connectionId: row.connection_id, object: 'contact', id: row.record_id },
    subject: row.subject,
    sequence: row.sequence,
    evidence: row.evidence as IdentityEdge['evidence'],
    since: row.since,
    until: row.until,
  };
}

/** Every contact that members and referrals are known by, perhaps twice: their home, and those that are tied to them in other connections. */
export async function contactsOfPeople(
  { db, dialect }: Session,
  accountId: string,
  ids: readonly string[],
): Promise<RecordRef[]> {
  if (ids.length === 0) return [];
  const people = [...new Set(ids)];
  // Not `union`: to find what is the same SQLite reads all of the account in the order of the contacts.
  const { rows } = await sql<{ connection_id: string; contact_id: string }>`
    select connection_id, contact_id from members
      where account_id = ${accountId} and contact_id is not null and ${dialect.isIn('id', people)}
    union all select connection_id, contact_id from referrals
      where account_id = ${accountId} and contact_id is not null and ${dialect.isIn('id', people)}
    union all select connection_id, record_id from identity_edges
      where account_id = ${accountId} and until is null and ${dialect.isIn('subject', people)}`.execute(db);
  return rows.map(({ connection_id, contact_id }) => ({
    connectionId: connection_id,
    object: 'contact',
    id: contact_id,
  }));
}

// ── Commit ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const EDGE: Columns = {
  account_id: 'text',
  connection_id: 'text',
  record_id: 'text',
  subject: 'text',
  sequence: 'int',
  until: 'int?',
};

/** @throws Conflict when somebody else has tied or ended the same meanwhile. */
export async function keepEdges(session: Session, accountId: string, edges: readonly IdentityEdge[]): Promise<void> {
  if (edges.length === 0) return;
  const rows = edges.map(({ record, subject, sequence, evidence, since, until }) => ({
    account_id: accountId,
    connection_id: record.connectionId,
    record_id: record.id,
    subject,
    sequence,
    evidence,
    since,
    until,
  }));
  await insertRows(
    session,
    'identity_edges',
    rows.filter(({ until }) => until === null),
  );
  const ended = rows.filter(({ until }) => until !== null);
  if (ended.length === 0) return;
  const { changed } = await overRows(
    session,
    EDGE,
    ended,
    (now) => `update identity_edges set until = now.until from ${now} as now
      where identity_edges.account_id = now.account_id and identity_edges.connection_id = now.connection_id
        and identity_edges.record_id = now.record_id and identity_edges.subject = now.subject
        and identity_edges.sequence = now.sequence and identity_edges.until is null`,
  );
  if (changed !== ended.length) throw new Conflict('who is who has changed meanwhile');
}

/**
 * Two nodes that meet the same person in two connections at once would each open a referral, or enrol a member: the second one finds the
 * first here, and decides again.
 *
 * @throws Conflict
 */
export async function refuseDoubles(
  session: Session,
  accountId: string,
  { members, referrals }: Pick<Plan, 'members' | 'referrals'>,
): Promise<void> {
  const newMembers = members.filter(
    ({ version, email, contact }) => version === 1 && email !== null && contact !== null,
  );
  const newReferrals = referrals.filter(
    ({ version, friend }) => version === 1 && friend.email !== null && friend.contact !== null,
  );
  const locks = [
    ...newMembers.map(({ email }) => `${accountId} member ${email}`),
    ...newReferrals.map(({ friend }) => `${accountId} friend ${friend.email}`),
  ];
  if (locks.length === 0) return;
  // In one order everywhere; released with the transaction.
  if (session.dialect.name === 'postgres')
    for (const key of [...new Set(locks)].sort())
      await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(session.db);
  const isTaken = async (query: ReturnType<typeof sql>) => (await query.execute(session.db)).rows.length > 0;
  for (const { id, email, contact } of newMembers) {
    const taken = await isTaken(sql`select 1 as one from members where account_id = ${accountId} and email = ${email}
      and id <> ${id} and contact_id is not null and connection_id <> ${contact?.connectionId ?? ''} limit 1`);
    if (taken) throw new Conflict('the member was enrolled from another connection meanwhile');
  }
  for (const { id, friend, programId } of newReferrals) {
    const taken = await isTaken(sql`select 1 as one from referrals where account_id = ${accountId}
      and friend_email = ${friend.email} and program_id = ${programId} and id <> ${id} and contact_id is not null
      and connection_id <> ${friend.contact?.connectionId ?? ''} limit 1`);
    if (taken) throw new Conflict('the friend was met in another connection meanwhile');
  }
}

/** Subjects of contacts by the id of the contact, for those that are tied now. */
export async function tiedTo(
  session: Session,
  accountId: string,
  connectionId: string,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const edges = await edgesOfContacts(session, { accountId, connectionId, contactIds });
  const now = edges.filter(({ until }) => until === null);
  const byContact = Map.groupBy(now, ({ record }) => record.id);
  return new Map([...byContact].map(([id, own]) => [id, own.map(({ subject }) => subject).sort()]));
}
