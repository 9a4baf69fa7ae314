import { sql } from 'kysely';
import type { RecordSnapshot } from '../application/ports/store.ts';
import { type ContactFacts, type DealFacts, type RecordRef, sameRecord } from '../domain/record.ts';
import { fromJson, keyOf, toJson } from './codec.ts';
import { insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** Keeps records as they were read, unless a newer reading is kept already, and which contacts each deal has. */
export async function saveSnapshots(
  session: Session,
  accountId: string,
  snapshots: readonly RecordSnapshot[],
): Promise<void> {
  if (snapshots.length === 0) return;
  const newest = new Map<string, RecordSnapshot>();
  for (const snapshot of snapshots) {
    const { connectionId, object, id } = snapshot.facts.ref;
    const key = `${connectionId} ${object} ${id}`;
    if ((newest.get(key)?.readAt ?? 0) <= snapshot.readAt) newest.set(key, snapshot);
  }
  const inOneOrder = [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, snapshot]) => snapshot);
  const kept = await insertRows<'records', Pick<Row<'records'>, 'connection_id' | 'object' | 'record_id'>>(
    session,
    'records',
    inOneOrder.map(({ facts, readAt }) => ({
      ...keyOf(accountId, facts.ref),
      presence: facts.presence,
      facts: toJson(facts),
      read_at: readAt,
    })),
    `on conflict (account_id, connection_id, object, record_id) do update set
      presence = excluded.presence, facts = excluded.facts, read_at = excluded.read_at
      where excluded.read_at >= records.read_at
      returning connection_id, object, record_id`,
  );
  const isKept = new Set(kept.map((row) => `${row.connection_id} ${row.object} ${row.record_id}`));
  const deals = inOneOrder
    .map(({ facts }) => facts)
    .filter(isDeal)
    .filter(({ ref }) => isKept.has(`${ref.connectionId} ${ref.object} ${ref.id}`));
  await replaceLinks(session, accountId, deals);
}

function isDeal(facts: DealFacts | ContactFacts): facts is DealFacts {
  return facts.ref.object === 'deal';
}

async function replaceLinks(session: Session, accountId: string, deals: readonly DealFacts[]): Promise<void> {
  const { db, dialect } = session;
  for (const [connectionId, group] of Map.groupBy(deals, ({ ref }) => ref.connectionId)) {
    // A deal that was merged into another has no contacts of its own any more.
    const ids = group.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]);
    await sql`delete from record_links where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('deal_id', ids)}`.execute(db);
    await insertRows(
      session,
      'record_links',
      group
        .filter(({ presence }) => presence === 'present')
        .flatMap(({ ref, contactIds, history }) =>
          [...new Set(contactIds)].map((contactId) => ({
            account_id: accountId,
            connection_id: connectionId,
            deal_id: ref.id,
            contact_id: contactId,
            changed_at: history.at(-1)?.at ?? 0,
          })),
        ),
    );
  }
}

export async function readFacts<F extends DealFacts | ContactFacts>(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  object: F['ref']['object'],
  ids: readonly string[],
): Promise<F[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('records')
    .select('facts')
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where('object', '=', object)
    .where(dialect.isIn('record_id', ids))
    .execute();
  return rows.map(({ facts }) => fromJson<F>(facts));
}

/**
 * Blanks names and addresses of these contacts, and of members and referrals that were known by the same address before there was
 * a contact. Decisions, journals and touches hold ids and codes only. Versions rise, so that a plan that still has the name is refused.
 */
export async function eraseContacts(session: Session, accountId: string, refs: readonly RecordRef[]): Promise<void> {
  const contacts = refs.filter(({ object }) => object === 'contact');
  for (const [connectionId, group] of Map.groupBy(contacts, (ref) => ref.connectionId)) {
    await eraseOf(
      session,
      accountId,
      connectionId,
      group.map(({ id }) => id),
    );
  }
}

/** A snapshot without the name and address of somebody who is to be forgotten. */
export function blankIfIn(erased: readonly RecordRef[]): (snapshot: RecordSnapshot) => RecordSnapshot {
  return (snapshot) =>
    !isDeal(snapshot.facts) && erased.some((ref) => sameRecord(ref, snapshot.facts.ref))
      ? { ...snapshot, facts: { ...snapshot.facts, name: null, email: null } }
      : snapshot;
}

async function eraseOf(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<void> {
  const { db, dialect } = session;
  const ofContacts = sql`account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('contact_id', ids)}`;
  const { rows: known } = await sql<{ email: string | null }>`
    select email from members where ${ofContacts} union all select friend_email as email from referrals where ${ofContacts}`.execute(
    db,
  );
  const facts = await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids);
  const emails = [...known.map(({ email }) => email), ...facts.map(({ email }) => email?.trim().toLowerCase() ?? null)];
  const addresses = [...new Set(emails.filter((email) => email !== null))];
  const byEmail = (column: string) =>
    sql`account_id = ${accountId} and contact_id is null and ${dialect.isIn(column, addresses)}`;
  for (const whose of [ofContacts, byEmail('email')]) {
    await sql`update members set name = null, email = null, version = version + 1
      where ${whose} and (name is not null or email is not null)`.execute(db);
  }
  for (const whose of [ofContacts, byEmail('friend_email')]) {
    await sql`update referrals set friend_name = null, friend_email = null, version = version + 1
      where ${whose} and (friend_name is not null or friend_email is not null)`.execute(db);
  }
  for (const fact of facts) {
    await db
      .updateTable('records')
      .set({ facts: toJson({ ...fact, name: null, email: null }) })
      .where('account_id', '=', accountId)
      .where('connection_id', '=', connectionId)
      .where('object', '=', 'contact')
      .where('record_id', '=', fact.ref.id)
      .execute();
  }
}
