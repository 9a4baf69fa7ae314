import { sql } from 'kysely';
import type { NewTestRun, OpenTestRun, TestRun, TestRunStore } from '../application/ports/store.ts';
import { testAccountId } from '../domain/test-run.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, refOf, testExternalId, toFlag, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import { markMirror } from './mirror.ts';
import { nextVersion } from './programs.ts';
import type { Row, Session } from './schema.ts';

/** Who the friend of a test `t` is by now. */
export const FRIEND_NOW = sql<string | null>`(select r.contact_id from referrals r
  where r.account_id = t.test_account_id and r.id = t.referral_id) as friend_now`;

/**
 * Tests of a program. Each has an account of its own, made with it in one transaction: with the connection that it is of, under the same id, the
 * mapping as it is then, and the program as the test has it. `accounts.test_of` and `connections.test_of` say whose it is.
 */
export function createTestRunStore(engine: Engine): TestRunStore {
  return {
    begin: async (run, content) => {
      try {
        return await engine.write((session) => begin(session, run, content));
      } catch (error) {
        if (engine.dialect.isUniqueViolation(error)) return 'other_open';
        throw error;
      }
    },

    started: (accountId, id, { memberId, referralId }) =>
      engine.write(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable('test_runs')
          .set({ member_id: memberId, referral_id: referralId })
          .where('account_id', '=', accountId)
          .where('id', '=', id)
          .where('state', '=', 'running')
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    get: (accountId, id) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'test_runs'>>`select * from test_runs
          where account_id = ${accountId} and id = ${id}`.execute(db);
        return rows[0] ? runOf(rows[0]) : null;
      }),

    list: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }) => {
        const behind = cursor === null ? sql`` : sql`and (started_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'test_runs'>>`select * from test_runs where account_id = ${accountId} ${behind}
          order by started_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(runOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.startedAt, id: last.id } : null };
      }),

    openIn: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<OpenRow>`select t.*, ${FRIEND_NOW} from test_runs t
          where t.account_id = ${accountId} and t.connection_id = ${connectionId} and t.state <> 'ended'`.execute(db);
        return rows[0] ? openOf(rows[0]) : null;
      }),

    ofTestAccount: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<OpenRow>`select t.*, ${FRIEND_NOW} from test_runs t
          where t.test_account_id = ${accountId}`.execute(db);
        return rows[0] ? openOf(rows[0]) : null;
      }),

    open: () =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'test_runs'>>`select * from test_runs where state in ('running', 'ending')
          order by account_id, id`.execute(db);
        return rows.map(runOf);
      }),

    accountsOf: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ id: string }>`select test_account_id as id from test_runs
          where account_id = ${accountId} order by id`.execute(db);
        return rows.map(({ id }) => id);
      }),

    beginEnd: (accountId, id, { by, reason, now }) =>
      engine.write(async (session) => {
        const { db } = session;
        const { rows } = await sql<Row<'test_runs'>>`update test_runs
          set state = 'ending', end_reason = ${reason}, ended_by = ${by === null ? null : toText(by)},
            ended_at = case when started_at > ${now} then started_at else cast(${now} as bigint) end
          where account_id = ${accountId} and id = ${id} and state = 'running' returning *`.execute(db);
        const [run] = rows;
        if (!run) return false;
        await countAgain(session, run.test_account_id);
        // Nothing more is read for it.
        await sql`update connections set status = 'disconnected'
          where account_id = ${run.test_account_id} and id = ${run.connection_id}`.execute(db);
        return true;
      }),

    finish: (accountId, id, { now, lateMs }) =>
      engine.write(async (session) => {
        const { db } = session;
        const { rows } = await sql<Row<'test_runs'>>`update test_runs set state = 'ended'
          where account_id = ${accountId} and id = ${id} and state = 'ending' returning *`.execute(db);
        const [run] = rows;
        if (run) await takeOutOfCrm(session, run, now, now + lateMs);
        return run !== undefined;
      }),
  };
}

async function begin(
  session: Session,
  { startedAt, ...run }: NewTestRun,
  content: Parameters<TestRunStore['begin']>[1],
): ReturnType<TestRunStore['begin']> {
  const { db, dialect } = session;
  const { accountId, id, connectionId } = run;
  const own = testAccountId(id);
  const { rows } = await sql<Row<'connections'>>`select * from connections where account_id = ${accountId}
    and id = ${connectionId} and status = 'connected' and test_of is null
    ${sql.raw(dialect.forUpdate('connections'))}`.execute(db);
  const [connection] = rows;
  if (!connection) return 'not_connected';
  const { rows: open } = await sql`select id from test_runs where account_id = ${accountId}
    and connection_id = ${connectionId} and state <> 'ended'`.execute(db);
  if (open.length > 0) return 'other_open';
  await db
    .insertInto('accounts')
    .values({
      id: own,
      name: toText(content.name),
      created_at: startedAt,
      needs_second_person: 0,
      test_of: accountId,
    })
    .execute();
  await db
    .insertInto('connections')
    .values({
      ...connection,
      account_id: own,
      external_id: testExternalId(own, connection.external_id),
      // On cards there is nothing to do about a referral that is none.
      card_actors: toJson([]),
      test_of: accountId,
    })
    .execute();
  await sql`insert into mappings (account_id, connection_id, ordinal, version, entries, saved_at)
    select ${own}, connection_id, 1, version, entries, ${startedAt} from mappings
    where account_id = ${accountId} and connection_id = ${connectionId} order by ordinal desc limit 1`.execute(db);
  await nextVersion(session, own, content, startedAt);
  await db
    .insertInto('test_runs')
    .values({
      account_id: accountId,
      id,
      connection_id: connectionId,
      test_account_id: own,
      program_id: run.programId,
      program_name: toText(run.programName),
      origin: run.origin,
      revision: run.revision,
      payouts: toJson(run.payouts),
      skips_waits: toFlag(run.skipsWaits),
      friend_contact_id: run.friendContactId,
      member_id: null,
      referral_id: null,
      state: 'running',
      started_by: toText(run.startedBy),
      started_at: startedAt,
      ends_at: run.endsAt,
      end_reason: null,
      ended_by: null,
      ended_at: null,
    })
    .execute();
  await countAgain(session, own);
  return 'begun';
}

/**
 * Which deals of its friend are revenue is another question from the moment on that a test begins, hears of them, and ends: what was won shortly
 * before is of the test, since a CRM's clock may be behind, and what is won after it is not.
 */
export async function countAgain({ db, dialect }: Session, testAccount: string): Promise<void> {
  const { rows } = await sql<OpenRow>`select t.*, ${FRIEND_NOW} from test_runs t
    where t.test_account_id = ${testAccount}`.execute(db);
  const [run] = rows.map(openOf);
  if (!run) return;
  for (const knows of [run.accountId, testAccount])
    await sql`insert into figure_marks (account_id, kind, place, id, revision)
      select distinct cast(${run.accountId} as text), 'deal', connection_id, deal_id, -1 from record_links
      where account_id = ${knows} and connection_id = ${run.connectionId}
        and ${dialect.isIn('contact_id', run.friendContactIds)}
      on conflict do nothing`.execute(db);
}

/**
 * Whatever shows something of the test shows again what it would without: the real account writes it. A write of the test that is still on its
 * way may come after that, so it is written once more when none can be any more.
 */
async function takeOutOfCrm(
  session: Session,
  run: Row<'test_runs'>,
  now: Instant,
  unsureUntil: Instant,
): Promise<void> {
  const { db } = session;
  const { account_id: accountId, test_account_id: own, connection_id: inConnection } = run;
  // All that is read and shown: a friend and a few deals.
  const ofTest = sql`account_id = ${own} and connection_id = ${inConnection} and object in ('contact', 'deal')`;
  const { rows } = await sql<Pick<Row<'mirror'>, 'connection_id' | 'object' | 'record_id'>>`
    select connection_id, object, record_id from mirror where ${ofTest}`.execute(db);
  await markMirror(
    session,
    accountId,
    rows.map((row) => refOf(row)),
    now,
  );
  for (const { connection_id: connectionId, object, record_id: recordId } of rows)
    await sql`update mirror set acked_hash = null, unsure_until = ${unsureUntil} where account_id = ${accountId}
      and connection_id = ${connectionId} and object = ${object} and record_id = ${recordId}`.execute(db);
  await sql`update mirror set due_at = null, claim = null where ${ofTest}`.execute(db);
  // Whatever is asked for at a later time stands in the list as well.
  const { rows: asked } = await sql<Pick<Row<'work'>, 'object' | 'record_id'>>`delete from work where ${ofTest}
    returning object, record_id`.execute(db);
  for (const { object, record_id: recordId } of asked)
    await sql`delete from wakes where account_id = ${own} and connection_id = ${inConnection} and object = ${object}
      and record_id = ${recordId}`.execute(db);
}

type OpenRow = Row<'test_runs'> & { readonly friend_now: string | null };

function openOf(row: OpenRow): OpenTestRun {
  const ids = [row.friend_contact_id, ...(row.friend_now === null ? [] : [row.friend_now])];
  return { ...runOf(row), friendContactIds: [...new Set(ids)] };
}

function runOf(row: Row<'test_runs'>): TestRun {
  return {
    id: row.id,
    accountId: row.account_id,
    connectionId: row.connection_id,
    testAccountId: row.test_account_id,
    programId: row.program_id,
    programName: row.program_name,
    origin: row.origin as TestRun['origin'],
    revision: row.revision,
    payouts: fromJson(row.payouts),
    skipsWaits: row.skips_waits === 1,
    friendContactId: row.friend_contact_id,
    memberId: row.member_id,
    referralId: row.referral_id,
    state: row.state as TestRun['state'],
    startedBy: row.started_by,
    startedAt: row.started_at,
    endsAt: row.ends_at,
    endReason: row.end_reason as TestRun['endReason'],
    endedBy: row.ended_by,
    endedAt: row.ended_at,
  };
}
