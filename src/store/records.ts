import { sql } from 'kysely';
import type { Commit, KnownContact, RecordSnapshot, RestsOn } from '../application/ports/store.ts';
import { contactKeys } from '../domain/contact-keys.ts';
import {
  type ContactFacts,
  type CrmObject,
  type DealFacts,
  erasedFacts,
  type RecordRef,
  recordKey,
  sameRecord,
} from '../domain/record.ts';
import { bringForward, keepOwners } from './asks.ts';
import { fromJson, judgedByText, keyOf, refOf, toJson } from './codec.ts';
import { type Columns, insertRows, overRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

const KEY: Columns = { account_id: 'text', connection_id: 'text', object: 'text', record_id: 'text' };

/** What is kept of a commit's records, against what the commit has read of them. */
export interface Compared {
  readonly isCurrent: boolean;
  /** Those that were gone when they were last read, and are back. */
  readonly returned: readonly RecordRef[];
}

/**
 * Whether nobody has kept other facts of these records since they were asked for. Two batches may concern the same person and hold
 * different claims; the one that has asked first and commits last must not decide on what it saw. The rows are held until the
 * end of the transaction.
 */
export async function compareWithKept(
  session: Session,
  { accountId, snapshots, restsOn, erase }: Pick<Commit, 'accountId' | 'snapshots' | 'restsOn' | 'erase'>,
): Promise<Compared> {
  const { forUpdate, forShare } = session.dialect;
  const read = snapshots.map(({ facts: { ref }, basis }) => ({ ref, basis }));
  const own = new Map(snapshots.map(blankIfIn(erase)).map(({ facts }) => [recordKey(facts.ref), facts]));
  const before = await kept(session, accountId, read, forUpdate('records'));
  const returned = before.held
    .filter((row) => row.presence === 'deleted' && own.get(recordKey(refOf(row)))?.presence === 'present')
    .map(refOf);
  // Others who read the very same have changed nothing for us.
  const isSame = before.byOthers.every((row) => {
    const facts = own.get(recordKey(refOf(row)));
    return facts !== undefined && textOf(facts) === row.facts;
  });
  const isCurrent = isSame && (await kept(session, accountId, restsOn, forShare('records'))).byOthers.length === 0;
  return { isCurrent, returned };
}

type Kept = Pick<Row<'records'>, 'connection_id' | 'object' | 'record_id' | 'facts'>;

async function kept(
  session: Session,
  accountId: string,
  records: readonly RestsOn[],
  lock: string,
): Promise<{ held: ReadonlyArray<Omit<Kept, 'facts'> & { presence: string }>; byOthers: readonly Kept[] }> {
  if (records.length === 0) return { held: [], byOthers: [] };
  const key = 'records.connection_id, records.object, records.record_id';
  const select = <R>(what: string, refs: readonly RecordRef[], tail: string) =>
    overRows<R>(
      session,
      KEY,
      refs.map((ref) => keyOf(accountId, ref)),
      (keys) => `select ${key}, ${what} from ${keys} as keys join records on records.account_id = keys.account_id
        and records.connection_id = keys.connection_id and records.object = keys.object
        and records.record_id = keys.record_id ${tail}`,
    );
  const { rows: held } = await select<Omit<Kept, 'facts'> & { version: number; presence: string }>(
    'records.version, records.presence',
    records.map(({ ref }) => ref),
    `order by ${key} ${lock}`,
  );
  const basisOf = new Map(records.map(({ ref, basis }) => [recordKey(ref), basis]));
  const changed = held.filter((row) => row.version !== basisOf.get(recordKey(refOf(row))));
  if (changed.length === 0) return { held, byOthers: [] };
  // Facts are long, and hardly ever needed.
  return { held, byOthers: (await select<Kept>('records.facts', changed.map(refOf), '')).rows };
}

/** Of these records those that show something of ours: contacts of members and friends, and deals that something was decided on. */
export async function shownOf(session: Session, accountId: string, refs: readonly RecordRef[]): Promise<RecordRef[]> {
  const { db, dialect } = session;
  const shown: RecordRef[] = [];
  for (const [connectionId, group] of Map.groupBy(refs, (ref) => ref.connectionId)) {
    const idsOf = (object: CrmObject) => group.filter((ref) => ref.object === object).map(({ id }) => id);
    const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
    const [contacts, deals] = [dialect.isIn('contact_id', idsOf('contact')), dialect.isIn('deal_id', idsOf('deal'))];
    const { rows } = await sql<{ object: CrmObject; id: string }>`
      select 'contact' as object, contact_id as id from members where ${own} and ${contacts}
      union select 'contact' as object, contact_id as id from referrals where ${own} and ${contacts}
      union select 'deal' as object, deal_id as id from decisions where ${own} and ${deals}`.execute(db);
    shown.push(...rows.map(({ object, id }) => ({ connectionId, object, id })));
  }
  return shown;
}

/**
 * Keeps records as they were read, and which contacts each deal has. False, with nothing kept for good, when a record that was unknown
 * until now has been kept with other facts by somebody else at this very moment.
 */
export async function saveSnapshots(
  session: Session,
  accountId: string,
  snapshots: readonly RecordSnapshot[],
): Promise<boolean> {
  if (snapshots.length === 0) return true;
  const newest = new Map<string, RecordSnapshot>();
  for (const snapshot of snapshots) {
    const key = recordKey(snapshot.facts.ref);
    // Whoever has decided on it is the one to say when it was read.
    if (snapshot.readAt >= (newest.get(key)?.readAt ?? 0)) newest.set(key, snapshot);
  }
  const inOneOrder = [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, snapshot]) => snapshot);
  const kept = await insertRows<'records', Pick<Row<'records'>, 'record_id'>>(
    session,
    'records',
    inOneOrder.map(({ facts, readAt, basis, sharedKey = null, judgedBy }) => ({
      ...keyOf(accountId, facts.ref),
      presence: facts.presence,
      facts: textOf(facts),
      read_at: readAt,
      modified_at: facts.modifiedAt ?? null,
      version: basis + 1,
      ...keysOf(accountId, facts),
      company_id: isDeal(facts) ? null : (facts.company?.id ?? null),
      shared_key: sharedKey,
      judged_by: judgedBy ? judgedByText(judgedBy) : null,
      chance: isDeal(facts) ? (facts.prospect?.chance ?? null) : null,
      closes_at: isDeal(facts) ? (facts.prospect?.closesAt ?? null) : null,
    })),
    `on conflict (account_id, connection_id, object, record_id) do update set
      presence = excluded.presence, facts = excluded.facts,
      read_at = case when excluded.read_at = 0 and records.facts = excluded.facts then records.read_at else excluded.read_at end,
      modified_at = case when excluded.read_at = 0 and records.facts = excluded.facts then records.modified_at
        else excluded.modified_at end,
      judged_by = case when excluded.read_at = 0 and records.facts = excluded.facts then records.judged_by
        else excluded.judged_by end,
      chance = case when excluded.read_at = 0 and records.facts = excluded.facts then records.chance else excluded.chance end,
      closes_at = case when excluded.read_at = 0 and records.facts = excluded.facts then records.closes_at
        else excluded.closes_at end,
      mail_key = excluded.mail_key, phone_key = excluded.phone_key, company_id = excluded.company_id,
      shared_key = case when excluded.presence = 'deleted' then records.shared_key else excluded.shared_key end,
      version = records.version + case when records.facts = excluded.facts then 0 else 1 end
      where excluded.version > 1 or records.facts = excluded.facts
      returning record_id`,
  );
  const read = inOneOrder.map(({ facts }) => facts);
  const deals = read.filter(isDeal);
  await replaceLinks(session, accountId, deals);
  await keepOwners(
    session,
    accountId,
    read.filter((facts): facts is ContactFacts => !isDeal(facts)),
  );
  await bringForward(session, accountId, deals);
  for (const facts of read) if (facts.formerIds.length > 0) await markMergedAway(session, accountId, facts);
  return kept.length === inOneOrder.length;
}

/**
 * What is remembered of a record that was merged into another is nobody's any more: who asks for it has to ask the CRM, which names
 * the survivor. Its version rises, so that what was read before the merge and is committed after it is refused.
 */
function markMergedAway(session: Session, accountId: string, { ref, formerIds }: DealFacts | ContactFacts) {
  return rememberDeleted(session, accountId, ref, formerIds);
}

/** Records of the same kind as `like` that the CRM does not have any more: when one is read again, it has come back. */
export async function rememberDeleted(
  session: Session,
  accountId: string,
  like: RecordRef,
  ids: readonly string[],
): Promise<void> {
  const known = await named(session, accountId, like.connectionId, like.object, ids)
    .select(['record_id', 'facts'])
    .where('presence', '=', 'present')
    .execute();
  for (const { record_id, facts } of known) {
    await session.db
      .updateTable('records')
      .set(({ eb }) => ({
        presence: 'deleted',
        facts: toJson({ ...fromJson<DealFacts | ContactFacts>(facts), presence: 'deleted' }),
        version: eb('version', '+', 1),
      }))
      .where('account_id', '=', accountId)
      .where('connection_id', '=', like.connectionId)
      .where('object', '=', like.object)
      .where('record_id', '=', record_id)
      .execute();
  }
}

/**
 * Without the time of its last change, and what the CRM expects of a deal: our own write to a record changes the one, a forecast alone reads the
 * other, and nothing is decided on either.
 */
function textOf(facts: DealFacts | ContactFacts): string {
  // Amounts in it are the CRM's own text, so nothing has to be replaced: a fifth of the time. What is undefined is left out.
  return JSON.stringify({ ...facts, modifiedAt: undefined, prospect: undefined });
}

/** How others with the same mailbox or number find a contact. */
function keysOf(accountId: string, facts: DealFacts | ContactFacts): Pick<Row<'records'>, 'mail_key' | 'phone_key'> {
  if (isDeal(facts)) return { mail_key: null, phone_key: null };
  const { mail, phone } = contactKeys(accountId, facts);
  return { mail_key: mail, phone_key: phone };
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
  session: Session,
  accountId: string,
  connectionId: string,
  object: F['ref']['object'],
  ids: readonly string[],
): Promise<F[]> {
  const rows = await readRows(session, accountId, connectionId, object, ids);
  return rows.map(({ facts }) => fromJson<F>(facts));
}

export async function knownContacts(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<KnownContact[]> {
  const rows = await readRows(session, accountId, connectionId, 'contact', ids);
  return rows.map(({ facts, version }) => ({ facts: fromJson<ContactFacts>(facts), version }));
}

async function readRows(
  session: Session,
  accountId: string,
  connectionId: string,
  object: CrmObject,
  ids: readonly string[],
): Promise<Array<Pick<Row<'records'>, 'facts' | 'version'>>> {
  if (ids.length === 0) return [];
  return named(session, accountId, connectionId, object, ids).select(['facts', 'version']).execute();
}

function named(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  object: CrmObject,
  ids: readonly string[],
) {
  return db
    .selectFrom('records')
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where('object', '=', object)
    .where(dialect.isIn('record_id', ids));
}

export async function contactsOfDeals(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  dealIds: readonly string[],
): Promise<Map<string, string[]>> {
  if (dealIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('record_links')
    .select(['deal_id', 'contact_id'])
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where(dialect.isIn('deal_id', dealIds))
    .execute();
  const byDeal = Map.groupBy(rows, ({ deal_id }) => deal_id);
  return new Map([...byDeal].map(([dealId, links]) => [dealId, links.map(({ contact_id }) => contact_id).sort()]));
}

export async function recordVersions(
  session: Session,
  accountId: string,
  connectionId: string,
  object: CrmObject,
  ids: readonly string[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await named(session, accountId, connectionId, object, ids).select(['record_id', 'version']).execute();
  return new Map(rows.map(({ record_id, version }) => [record_id, version]));
}

/** A snapshot without anything about somebody who is to be forgotten. */
export function blankIfIn(erased: readonly RecordRef[]): (snapshot: RecordSnapshot) => RecordSnapshot {
  return (snapshot) =>
    !isDeal(snapshot.facts) && erased.some((ref) => sameRecord(ref, snapshot.facts.ref))
      ? { ...snapshot, facts: erasedFacts(snapshot.facts.ref, snapshot.facts.formerIds), sharedKey: null }
      : snapshot;
}
