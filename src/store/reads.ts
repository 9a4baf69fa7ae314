import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { ConnectionHealth, Page, PageInput, ReadStore } from '../application/ports/store.ts';
import type { DealFacts, RecordRef } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { decisionOf, fromJson, fromSum, journalOf, memberOf, referralOf, rewardOf, touchOf } from './codec.ts';
import { sweepMarkOf } from './connections.ts';
import type { Engine } from './dialect.ts';
import { readFacts } from './records.ts';
import type { Row, Session, Table } from './schema.ts';

/** Parked records that `health` names; there may be a million of them, and a person reads the first few. */
const PARKED_NAMED_MAX = 100;

export function createReadStore(engine: Engine): ReadStore {
  /** One row of a table by conditions that an index serves. */
  const one = <T extends Table, D>(
    table: T,
    where: RawBuilder<unknown>,
    decode: (row: Row<T>) => D,
  ): Promise<D | null> =>
    engine.read(async ({ db }) => {
      const { rows } = await sql<Row<T>>`select * from ${sql.table(table)} where ${where} limit 1`.execute(db);
      return rows[0] ? decode(rows[0]) : null;
    });

  return {
    members: (accountId, page) =>
      engine.read((session) => paged(session, 'members', 'created_at', accountId, page, [], memberOf)),
    member: (accountId, memberId) => one('members', sql`account_id = ${accountId} and id = ${memberId}`, memberOf),
    // Two portals of one account can know the same address: the longest-standing member is meant.
    memberByEmail: (accountId, email) =>
      one('members', sql`account_id = ${accountId} and email = ${email} order by created_at, id`, memberOf),
    memberByContact: (accountId, contact) => one('members', isContact(accountId, contact), memberOf),
    memberByCode: (accountId, code) => one('members', sql`account_id = ${accountId} and code = ${code}`, memberOf),
    unplacedEmails: (accountId, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ email: string }>`
          select friend_email as email from (
            select friend_email from referrals
            where account_id = ${accountId} and contact_id is null and friend_email is not null
            order by submitted_at desc limit ${limit}) as friends
          union select email from (
            select email from members
            where account_id = ${accountId} and contact_id is null and email is not null
            order by created_at desc limit ${limit}) as people`.execute(db);
        return rows.map(({ email }) => email);
      }),
    codeExists: async (code) => (await one('members', sql`code = ${code}`, memberOf)) !== null,

    referrals: (accountId, page, { memberId, stage }) =>
      engine.read((session) =>
        paged(
          session,
          'referrals',
          'submitted_at',
          accountId,
          page,
          [equals('member_id', memberId), equals('stage', stage)],
          referralOf,
        ),
      ),
    referral: (accountId, referralId) =>
      one('referrals', sql`account_id = ${accountId} and id = ${referralId}`, referralOf),
    referralByFriend: async (accountId, programId, { email, contact }) => {
      const byContact =
        contact &&
        (await one('referrals', sql`${isContact(accountId, contact)} and program_id = ${programId}`, referralOf));
      if (byContact || email === null) return byContact;
      return one(
        'referrals',
        sql`account_id = ${accountId} and friend_email = ${email} and program_id = ${programId} order by submitted_at, id`,
        referralOf,
      );
    },
    touches: (accountId, friend) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'touches'>>`
          select * from touches where ${isContact(accountId, friend)} order by at, id`.execute(db);
        return rows.map(touchOf);
      }),

    decisions: (accountId, page, { referralId, dealId }) =>
      engine.read((session) =>
        paged(
          session,
          'decisions',
          'recorded_at',
          accountId,
          page,
          [equals('referral_id', referralId), equals('deal_id', dealId)],
          decisionOf,
        ),
      ),
    rewards: (accountId, page, { referralId, state }) =>
      engine.read((session) =>
        paged(
          session,
          'rewards',
          'created_at',
          accountId,
          page,
          [equals('referral_id', referralId), equals('state', state)],
          rewardOf,
        ),
      ),
    reward: (accountId, rewardId) => one('rewards', sql`account_id = ${accountId} and id = ${rewardId}`, rewardOf),

    journals: (accountId, page, { rewardId }) =>
      engine.snapshot(async (session) => {
        const found = await paged(
          session,
          'journals',
          'recorded_at',
          accountId,
          page,
          [equals('reward_id', rewardId)],
          (row) => row,
        );
        const postings = await postingsOf(
          session,
          accountId,
          found.items.map(({ id }) => id),
        );
        return { ...found, items: found.items.map((row) => journalOf(row, postings.get(row.id) ?? [])) };
      }),

    balances: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ ledger_account: string; currency: string; minor: string }>`
          select ledger_account, currency, cast(sum(minor) as text) as minor from postings
          where account_id = ${accountId} group by ledger_account, currency order by ledger_account, currency`.execute(
          db,
        );
        return rows.map(({ ledger_account, currency, minor }) => ({
          account: ledger_account,
          currency,
          minor: fromSum(minor),
        }));
      }),

    deals: (accountId, refs) =>
      engine.snapshot(async (session) => {
        const deals: DealFacts[] = [];
        for (const [connectionId, group] of Map.groupBy(refs, (ref) => ref.connectionId)) {
          const ids = group.filter(({ object }) => object === 'deal').map(({ id }) => id);
          deals.push(...(await readFacts<DealFacts>(session, accountId, connectionId, 'deal', ids)));
        }
        return deals;
      }),

    dealsOfContact: (accountId, contact, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ facts: string }>`
          select records.facts from record_links
          join records on records.account_id = record_links.account_id
            and records.connection_id = record_links.connection_id
            and records.object = 'deal' and records.record_id = record_links.deal_id
          where record_links.account_id = ${accountId} and record_links.connection_id = ${contact.connectionId}
            and record_links.contact_id = ${contact.id}
          order by record_links.changed_at desc, record_links.deal_id desc limit ${limit}`.execute(db);
        return rows.map(({ facts }) => fromJson<DealFacts>(facts));
      }),

    readTimes: (accountId, connectionId, object, ids) =>
      engine.read(async ({ db, dialect }) => {
        const rows = await db
          .selectFrom('records')
          .select(['record_id', 'read_at'])
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .where('object', '=', object)
          .where(dialect.isIn('record_id', ids))
          .execute();
        return new Map(rows.map(({ record_id, read_at }) => [record_id, read_at]));
      }),

    health: (accountId, connectionId, now) =>
      engine.snapshot((session) => healthOf(session, accountId, connectionId, now)),
  };
}

function isContact(accountId: string, { connectionId, id }: RecordRef): RawBuilder<unknown> {
  return sql`account_id = ${accountId} and connection_id = ${connectionId} and contact_id = ${id}`;
}

function equals(column: string, value: string | undefined): RawBuilder<unknown> | undefined {
  return value === undefined ? undefined : sql`${sql.ref(column)} = ${value}`;
}

type Paged = 'members' | 'referrals' | 'decisions' | 'rewards' | 'journals';

/** Newest first. The key of the last row is where the next page begins, so rows that come meanwhile shift nothing. */
async function paged<T extends Paged, D>(
  { db }: Session,
  table: T,
  timeColumn: string,
  accountId: string,
  { limit, cursor }: PageInput,
  filters: readonly (RawBuilder<unknown> | undefined)[],
  decode: (row: Row<T>) => D,
): Promise<Page<D>> {
  const at = sql.ref(timeColumn);
  const conditions: RawBuilder<unknown>[] = [
    sql<SqlBool>`account_id = ${accountId}`,
    ...filters.filter((filter) => filter !== undefined),
    ...(cursor ? [sql`(${at}, id) < (${cursor.at}, ${cursor.id})`] : []),
  ];
  const { rows } = await sql<Row<T> & { at_: number }>`
    select *, ${at} as at_ from ${sql.table(table)} where ${sql.join(conditions, sql` and `)}
    order by ${at} desc, id desc limit ${limit + 1}`.execute(db);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(decode),
    next: rows.length > limit && last ? { at: last.at_, id: last.id } : null,
  };
}

async function postingsOf(
  { db, dialect }: Session,
  accountId: string,
  journalIds: readonly string[],
): Promise<Map<string, Row<'postings'>[]>> {
  const rows = await db
    .selectFrom('postings')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(dialect.isIn('journal_id', journalIds))
    .orderBy('journal_id')
    .orderBy('line')
    .execute();
  return Map.groupBy(rows, ({ journal_id }) => journal_id);
}

async function healthOf(
  { db }: Session,
  accountId: string,
  connectionId: string,
  now: Instant,
): Promise<ConnectionHealth> {
  const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
  // What is ahead, such as the end of a hold, is not waiting; what failed and is tried again later is.
  // "> 0" says the same as "is not null" and is a range that SQLite finds in the index.
  const waits = sql`due_at > 0 and (due_at <= ${now} or claim is not null or attempts > 0)`;
  const { rows } = await sql<{
    received: number | null;
    processed: number | null;
    waiting: number;
    mirror_waiting: number;
    mirror_parked: number;
  }>`select
      (select max(received_at) from inbox where ${own}) as received,
      (select max(read_at) from records where ${own}) as processed,
      (select count(*) from work where ${own} and ${waits}) as waiting,
      (select count(*) from mirror where ${own} and object in ('contact', 'deal', 'company') and ${waits}) as mirror_waiting,
      (select count(*) from mirror where ${own} and parked = 1) as mirror_parked`.execute(db);
  // Parked rows are the only ones of work without a due time, and come in the order of their keys.
  const { rows: parked } = await sql<Pick<Row<'work'>, 'object' | 'record_id' | 'error' | 'attempts'>>`
    select object, record_id, error, attempts from work
    where ${own} and due_at is null and parked = 1 limit ${PARKED_NAMED_MAX}`.execute(db);
  const marks = await db
    .selectFrom('sweep_marks')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .orderBy('object')
    .execute();
  const counted = rows[0];
  return {
    connectionId,
    lastReceivedAt: counted?.received ?? null,
    lastProcessedAt: counted?.processed ?? null,
    waiting: counted?.waiting ?? 0,
    parked: parked.map((row) => ({
      object: row.object as ConnectionHealth['parked'][number]['object'],
      id: row.record_id,
      error: row.error ?? '',
      attempts: row.attempts,
    })),
    mirrorWaiting: counted?.mirror_waiting ?? 0,
    mirrorParked: counted?.mirror_parked ?? 0,
    sweptTo: marks.map(sweepMarkOf),
  };
}
