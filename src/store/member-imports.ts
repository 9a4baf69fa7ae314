import { sql } from 'kysely';
import type {
  ImportCounts,
  ImportedRow,
  MemberImport,
  MemberImportStore,
  Page,
  RowOutcome,
} from '../application/ports/store.ts';
import type { ShownConsent } from '../domain/consent.ts';
import { EMPTY_PLAN } from '../domain/plan.ts';
import type { Member } from '../domain/referral.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, memberOf, toJson, toText } from './codec.ts';
import { applyPlan } from './commit.ts';
import { Conflict } from './conflict.ts';
import { type Columns, type Engine, insertRows, overRows } from './dialect.ts';
import { guarded } from './group-commit.ts';
import { tiedTo } from './identity-edges.ts';
import type { Row, Session } from './schema.ts';

const ROW_KEY: Columns = { account_id: 'text', import_id: 'text', line: 'int' };

export function createMemberImportStore(engine: Engine): MemberImportStore {
  return {
    start: (one, rows) =>
      engine.write(async (session) => {
        const known = await importRow(session, one.accountId, one.id);
        if (known) return known.content_hash === one.contentHash ? 'existing' : 'other';
        await insertRows(session, 'member_imports', [
          {
            account_id: one.accountId,
            id: one.id,
            content_hash: one.contentHash,
            state: one.state,
            row_count: one.rows,
            started_by: toText(one.startedBy),
            started_at: one.startedAt,
            updated_at: one.updatedAt,
            connection_id: one.list?.connectionId ?? null,
            list_id: one.list?.listId ?? null,
            position: one.list?.position ?? null,
            consent: one.consent === undefined ? null : toJson(one.consent),
          },
        ]);
        await insertRows(
          session,
          'member_import_rows',
          rows.map((row) => rowFor(one.accountId, one.id, row)),
        );
        return 'started';
      }),

    get: (accountId, id) =>
      engine.snapshot(async (session) => {
        const row = await importRow(session, accountId, id);
        if (!row) return null;
        return { ...importOf(row), counts: await countsOf(session, accountId, id) };
      }),

    list: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<MemberImport>> => {
        const behind = cursor === null ? sql`` : sql`and (started_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'member_imports'>>`select * from member_imports
          where account_id = ${accountId} ${behind} order by started_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(importOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.startedAt, id: last.id } : null };
      }),

    running: () =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'member_imports'>>`select * from member_imports
          where state in ('running', 'listing', 'undoing') order by account_id, id`.execute(db);
        return rows.map(importOf);
      }),

    known: (accountId, emails) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ email: string; id: string; created_at: number }>`select email, id, created_at
          from members where account_id = ${accountId} and ${dialect.isIn('email', emails)}`.execute(db);
        // The one that was there first comes last, and stays.
        rows.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
        return new Map(rows.map(({ email, id }) => [email, id]));
      }),

    knownContacts: (accountId, connectionId, contactIds) =>
      engine.snapshot(async (session) => {
        const { rows } = await sql<{ contact_id: string; id: string }>`select contact_id, id from members
          where account_id = ${accountId} and connection_id = ${connectionId}
            and ${session.dialect.isIn('contact_id', contactIds)}`.execute(session.db);
        const known = new Map(rows.map((row) => [row.contact_id, row.id]));
        const others = contactIds.filter((id) => !known.has(id));
        const tied = await tiedTo(session, accountId, connectionId, others);
        if (tied.size === 0) return known;
        const { rows: members } = await sql<{ id: string; created_at: number }>`select id, created_at from members
          where account_id = ${accountId} and ${session.dialect.isIn('id', [...tied.values()].flat())}
          order by created_at, id`.execute(session.db);
        for (const [contactId, subjects] of tied) {
          const first = members.find(({ id }) => subjects.includes(id));
          if (first) known.set(contactId, first.id);
        }
        return known;
      }),

    addRows: (accountId, id, { from, to, rows, now }) =>
      engine.write(async (session) => {
        const { db, dialect } = session;
        const state = to === null ? 'running' : 'listing';
        const found = await importRow(session, accountId, id, dialect.forUpdate('member_imports'));
        if (found?.state !== 'listing' || found.position !== from) return false;
        await sql`update member_imports set position = ${to}, state = ${state}, updated_at = ${now},
            row_count = ${found.row_count + rows.length}
          where account_id = ${accountId} and id = ${id}`.execute(db);
        await insertRows(
          session,
          'member_import_rows',
          rows.map((row, index) => rowFor(accountId, id, { ...row, line: found.row_count + index + 1 })),
        );
        return true;
      }),

    turn: (accountId, id, { from, to, now }) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql`update member_imports set state = ${to}, updated_at = ${now}
          where account_id = ${accountId} and id = ${id} and state = ${from} returning id`.execute(db);
        return rows.length === 1;
      }),

    rows: (accountId, id, { outcome, after, limit }) =>
      engine.read(async ({ db }) => {
        const of = outcome === undefined ? sql`` : sql`and outcome = ${outcome}`;
        const { rows } = await sql<Row<'member_import_rows'>>`select * from member_import_rows
          where account_id = ${accountId} and import_id = ${id} ${of} and line > ${after}
          order by line limit ${limit}`.execute(db);
        return rows.map(rowOf);
      }),

    takeIn: (accountId, id, rows, members, now) =>
      engine.write((session) =>
        guarded<'taken' | 'changed' | 'stopped'>(
          session,
          async () => {
            // Held to the end: whoever stops the import comes before these members, or takes them out again.
            const found = await importRow(session, accountId, id, session.dialect.forUpdate('member_imports'));
            if (found?.state !== 'running') return 'stopped';
            await settle(session, accountId, id, rows, 'open');
            const consents = members.flatMap(({ id: subject }) => consentOf(found, subject, now));
            await applyPlan(session, accountId, { ...EMPTY_PLAN, ...planFor(members, now), consents }, now);
            return 'taken';
          },
          (error) => (error instanceof Conflict || session.dialect.isUniqueViolation(error) ? 'changed' : undefined),
          (kept) => kept === 'taken',
        ),
      ),

    leaveOut: (accountId, id, rows) => engine.write((session) => settle(session, accountId, id, rows, 'open')),

    takeOut: (accountId, id, row, now) =>
      engine.write(async (session) => {
        const { memberId } = row;
        const member = memberId === null ? undefined : await lockedMember(session, accountId, memberId);
        const use = member && (await useOf(session, accountId, member));
        const settled: ImportedRow =
          use === undefined ? { ...row, outcome: 'removed', problem: null } : { ...row, outcome: 'kept', problem: use };
        await settle(session, accountId, id, [settled], 'created');
        if (member && use === undefined) {
          await sql`delete from tier_looks where account_id = ${accountId} and member_id = ${member.id}`.execute(
            session.db,
          );
          await sql`delete from members where account_id = ${accountId} and id = ${member.id}`.execute(session.db);
          await applyPlan(
            session,
            accountId,
            { ...EMPTY_PLAN, mirror: member.contact === null ? [] : [member.contact] },
            now,
          );
        }
        return settled;
      }),
  };
}

/** What the people of an import were shown, for one who has become a member by it. */
function consentOf(row: Row<'member_imports'>, subject: string, at: Instant): ShownConsent[] {
  const { consent } = importOf(row);
  return consent ? [{ subject, purpose: 'member', ...consent, place: 'import', at }] : [];
}

/** Who is a contact in a CRM already is looked at there: name and address come from it. */
function planFor(members: readonly Member[], at: Instant) {
  const contacts = members.flatMap(({ contact }) => contact ?? []);
  return { members, mirror: contacts, wakes: contacts.map((record) => ({ record, at })) };
}

/** Why a member cannot go as if they had never been there; undefined when nothing speaks against it. */
async function useOf({ db }: Session, accountId: string, { id, isStaff }: Member): Promise<string | undefined> {
  if (isStaff) return 'The member is a recruiter of the account.';
  const uses = [
    [sql`select 1 from referrals where account_id = ${accountId} and member_id = ${id}`, 'has referred somebody'],
    [sql`select 1 from referrals where account_id = ${accountId} and assist_member_id = ${id}`, 'shares a referral'],
    [sql`select 1 from referrals where account_id = ${accountId} and recruiter_id = ${id}`, 'owns a referral'],
    [sql`select 1 from touches where account_id = ${accountId} and member_id = ${id}`, 'was named by a friend'],
    [sql`select 1 from rewards where account_id = ${accountId} and beneficiary_id = ${id}`, 'has a reward'],
    [sql`select 1 from tier_changes where account_id = ${accountId} and member_id = ${id}`, 'has reached a tier'],
    [sql`select 1 from identity_edges where account_id = ${accountId} and subject = ${id}`, 'is known in several CRMs'],
  ] as const;
  for (const [query, words] of uses) {
    const { rows } = await sql`${query} limit 1`.execute(db);
    if (rows.length > 0) return `The member ${words}.`;
  }
  return undefined;
}

/** Whoever is at this member waits until the end of the transaction; the foreign keys see to the rest. */
async function lockedMember({ db, dialect }: Session, accountId: string, id: string): Promise<Member | undefined> {
  const { rows } = await sql<Row<'members'>>`select * from members where account_id = ${accountId} and id = ${id}
    ${sql.raw(dialect.forUpdate('members'))}`.execute(db);
  return rows[0] && memberOf(rows[0]);
}

/** @throws Conflict when one of the rows is not as it was: somebody else is at the same import. */
async function settle(
  session: Session,
  accountId: string,
  id: string,
  rows: readonly ImportedRow[],
  was: RowOutcome,
): Promise<void> {
  const columns = { ...ROW_KEY, outcome: 'text', problem: 'text?', member_id: 'text?' };
  const written = await overRows(
    session,
    { ...columns, was: 'text' },
    rows.map((row) => ({ ...rowFor(accountId, id, row), was })),
    (next) => `update member_import_rows set content = null, outcome = next.outcome, problem = next.problem,
        member_id = next.member_id
      from ${next} as next
      where member_import_rows.account_id = next.account_id and member_import_rows.import_id = next.import_id
        and member_import_rows.line = next.line and member_import_rows.outcome = next.was`,
  );
  if (written.changed !== rows.length) throw new Conflict('rows of the import changed meanwhile');
}

async function importRow({ db }: Session, accountId: string, id: string, lock = '') {
  const { rows } = await sql<Row<'member_imports'>>`select * from member_imports
    where account_id = ${accountId} and id = ${id} ${sql.raw(lock)}`.execute(db);
  return rows[0];
}

async function countsOf({ db }: Session, accountId: string, id: string): Promise<ImportCounts> {
  const { rows } = await sql<{ outcome: string; lines: number }>`select outcome, count(*) as lines
    from member_import_rows where account_id = ${accountId} and import_id = ${id} group by outcome`.execute(db);
  const of = (outcome: RowOutcome) => Number(rows.find((row) => row.outcome === outcome)?.lines ?? 0);
  return {
    open: of('open'),
    created: of('created'),
    matched: of('matched'),
    refused: of('refused'),
    removed: of('removed'),
    kept: of('kept'),
  };
}

function importOf(row: Row<'member_imports'>): MemberImport {
  return {
    accountId: row.account_id,
    id: row.id,
    contentHash: row.content_hash,
    state: row.state as MemberImport['state'],
    rows: row.row_count,
    startedBy: row.started_by,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    ...(row.consent === null ? {} : { consent: fromJson<NonNullable<MemberImport['consent']>>(row.consent) }),
    list:
      row.connection_id === null || row.list_id === null
        ? null
        : { connectionId: row.connection_id, listId: row.list_id, position: row.position },
  };
}

function rowFor(accountId: string, id: string, row: ImportedRow): Row<'member_import_rows'> {
  return {
    account_id: accountId,
    import_id: id,
    line: row.line,
    content: row.content === null ? null : toText(toJson(row.content)),
    outcome: row.outcome,
    problem: row.problem === null ? null : toText(row.problem),
    member_id: row.memberId,
  };
}

function rowOf(row: Row<'member_import_rows'>): ImportedRow {
  return {
    line: row.line,
    content: row.content === null ? null : fromJson<ImportedRow['content']>(row.content),
    outcome: row.outcome as RowOutcome,
    problem: row.problem,
    memberId: row.member_id,
  };
}
