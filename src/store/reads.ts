import { CompiledQuery, sql } from 'kysely';
import type {
  CompanyReferral,
  ConnectionHealth,
  Page,
  PageInput,
  Person,
  ReadStore,
} from '../application/ports/store.ts';
import { REWARD_STATES } from '../domain/decision.ts';
import { PARTIES } from '../domain/program.ts';
import { type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import { LIFECYCLE_STAGES } from '../domain/referral.ts';
import type { Instant } from '../domain/time.ts';
import {
  decisionOf,
  fromJson,
  fromMinor,
  fromSum,
  journalOf,
  memberOf,
  referralOf,
  rewardOf,
  searchKey,
  touchOf,
} from './codec.ts';
import { sweepMarkOf } from './connections.ts';
import type { Engine } from './dialect.ts';
import { tiedTo } from './identity-edges.ts';
import { readFacts } from './records.ts';
import type { Row, Session, Table } from './schema.ts';

/** Parked records that `health` names; there may be a million of them, and a person reads the first few. */
const PARKED_NAMED_MAX = 100;

export function createReadStore(engine: Engine): ReadStore {
  /** One row of a table by conditions that an index serves. */
  const one = <T extends Table, D>(
    table: T,
    where: string,
    parameters: readonly unknown[],
    decode: (row: Row<T>) => D,
  ): Promise<D | null> =>
    engine.read(async (session) => {
      const [row] = await rowsBy<Row<T>>(session, `select * from ${table} where ${where} limit 1`, parameters);
      return row ? decode(row) : null;
    });

  /** Of other connections, those that the contact is tied to. */
  const tied = <T extends 'members' | 'referrals', D>(
    table: T,
    accountId: string,
    contact: RecordRef,
    decode: (row: Row<T>) => D,
  ): Promise<D[]> =>
    engine.snapshot(async (session) => {
      const subjects = (await tiedTo(session, accountId, contact.connectionId, [contact.id])).get(contact.id) ?? [];
      if (subjects.length === 0) return [];
      const { rows } = await sql<Row<T>>`select * from ${sql.table(table)} where account_id = ${accountId}
        and ${session.dialect.isIn('id', subjects)}`.execute(session.db);
      return rows.map(decode);
    });

  return {
    members: (accountId, page, { search, isStaff } = {}) =>
      engine.read((session) =>
        search === undefined
          ? paged(session, 'members', 'created_at', accountId, page, [isStaff && IS_STAFF], memberOf)
          : searched(session, { ...OF_MEMBERS, key: search }, accountId, page, [isStaff && IS_STAFF], memberOf),
      ),
    member: (accountId, memberId) => one('members', 'account_id = ? and id = ?', [accountId, memberId], memberOf),
    // Two portals of one account can know the same address: the longest-standing member is meant.
    memberByEmail: (accountId, email) =>
      one('members', 'account_id = ? and email = ? order by created_at, id', [accountId, email], memberOf),
    memberByContact: async (accountId, contact) =>
      (await one('members', IS_CONTACT, contactKey(accountId, contact), memberOf)) ??
      (await tied('members', accountId, contact, memberOf)).sort((a, b) => a.createdAt - b.createdAt)[0] ??
      null,
    memberByCode: (accountId, code) => one('members', 'account_id = ? and code = ?', [accountId, code], memberOf),
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
    accountOfCode: async (code) => one('members', 'code = ?', [code], ({ account_id }) => account_id),

    referrals: (accountId, page, { memberId, assistMemberId, stage, programId, since, friend }) => {
      const filters = [
        equals('member_id', memberId),
        equals('assist_member_id', assistMemberId),
        equals('stage', stage),
        equals('program_id', programId),
        since === undefined ? undefined : { condition: 'submitted_at >= ?', value: since },
      ];
      // Of a program alone: its stages are few, and one index serves a program with a stage and without.
      const isOfProgram = programId !== undefined && memberId === undefined && assistMemberId === undefined;
      const among = isOfProgram && stage === undefined ? [{ column: 'stage', values: LIFECYCLE_STAGES }] : [];
      return engine.read((session) =>
        friend === undefined
          ? paged(session, 'referrals', 'submitted_at', accountId, page, filters, referralOf, among)
          : searched(session, { ...OF_FRIENDS, key: friend }, accountId, page, filters, referralOf),
      );
    },
    referral: (accountId, referralId) =>
      one('referrals', 'account_id = ? and id = ?', [accountId, referralId], referralOf),
    referralsOfCompany: (accountId, company, page) =>
      engine.read((session) => referralsOfCompany(session, accountId, company, page)),
    contactsOfCompany: (accountId, { connectionId, id }) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ count: number }>`select count(*) as count from records
          where account_id = ${accountId} and connection_id = ${connectionId} and company_id = ${id}
            and object = 'contact' and presence = 'present'`.execute(db);
        return Number(rows[0]?.count ?? 0);
      }),
    referralByFriend: async (accountId, programId, { email, contact }) => {
      const byContact =
        contact &&
        ((await one(
          'referrals',
          `${IS_CONTACT} and program_id = ?`,
          [...contactKey(accountId, contact), programId],
          referralOf,
        )) ??
          (await tied('referrals', accountId, contact, referralOf))
            .filter((referral) => referral.programId === programId)
            .sort((a, b) => a.submittedAt - b.submittedAt)[0] ??
          null);
      if (byContact || email === null) return byContact;
      return one(
        'referrals',
        'account_id = ? and friend_email = ? and program_id = ? order by submitted_at, id',
        [accountId, email, programId],
        referralOf,
      );
    },
    touches: (accountId, friend) =>
      engine.read(async (session) => {
        const text = `select * from touches where ${IS_CONTACT} order by at, id`;
        return (await rowsBy<Row<'touches'>>(session, text, contactKey(accountId, friend))).map(touchOf);
      }),

    decisions: (accountId, page, { referralId, dealId, ruleKey }) =>
      engine.read((session) =>
        paged(
          session,
          'decisions',
          'recorded_at',
          accountId,
          page,
          [equals('referral_id', referralId), equals('deal_id', dealId), equals('rule_key', ruleKey)],
          decisionOf,
        ),
      ),
    rewards: (accountId, page, { referralId, state, party, beneficiaryId, currency }) => {
      const filters = [
        equals('referral_id', referralId),
        equals('beneficiary_id', beneficiaryId),
        equals('currency', currency),
        equals('state', state),
        equals('party', party),
      ];
      // Few are of one referral or one person. Of the others an index serves a state and a party, or those in a currency.
      const isOfAll = referralId === undefined && beneficiaryId === undefined;
      const among =
        isOfAll && (party !== undefined || currency !== undefined)
          ? [
              ...(state === undefined ? [{ column: 'state', values: REWARD_STATES }] : []),
              ...(party === undefined ? [{ column: 'party', values: PARTIES }] : []),
            ]
          : [];
      return engine.read((session) =>
        paged(session, 'rewards', 'created_at', accountId, page, filters, rewardOf, among),
      );
    },
    people: (accountId, ids) =>
      engine.snapshot(async ({ db, dialect }) => {
        const members = ids.filter((id) => id.startsWith('mem_'));
        const friends = ids.filter((id) => id.startsWith('ref_'));
        const { rows } = await sql<Person>`
          select id, name, email from members where account_id = ${accountId} and ${dialect.isIn('id', members)}
          union all select id, friend_name, friend_email from referrals
          where account_id = ${accountId} and ${dialect.isIn('id', friends)}`.execute(db);
        return rows;
      }),
    ofReferrals: (accountId, referralIds, limit) =>
      engine.snapshot(async ({ db, dialect }) => {
        const newest = <T extends 'decisions' | 'rewards'>(table: T, time: string) =>
          sql<Row<T>>`select * from (
              select ${sql.table(table)}.*, row_number() over (
                partition by referral_id order by ${sql.ref(time)} desc, id desc) as place
              from ${sql.table(table)} where account_id = ${accountId} and ${dialect.isIn('referral_id', referralIds)}
            ) as placed where place <= ${sql.lit(limit)} order by ${sql.ref(time)} desc, id desc`.execute(db);
        return {
          decisions: (await newest('decisions', 'recorded_at')).rows.map(decisionOf),
          rewards: (await newest('rewards', 'created_at')).rows.map(rewardOf),
        };
      }),
    reward: (accountId, rewardId) => one('rewards', 'account_id = ? and id = ?', [accountId, rewardId], rewardOf),

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

    balancesOf: (accountId, accounts) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ ledger_account: string; currency: string; minor: string }>`
          select ledger_account, currency, cast(sum(minor) as text) as minor from postings
          where account_id = ${accountId} and ${dialect.isIn('ledger_account', accounts)}
          group by ledger_account, currency order by ledger_account, currency`.execute(db);
        return rows.map(({ ledger_account, currency, minor }) => ({
          account: ledger_account,
          currency,
          minor: fromSum(minor),
        }));
      }),

    tally: (accountId, { owner, key, currency }) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('tallies')
          .select(['amount_count', 'minor'])
          .where('account_id', '=', accountId)
          .where('owner', '=', owner)
          .where('tally_key', '=', key)
          .where('currency', '=', currency)
          .executeTakeFirst();
        return { count: row?.amount_count ?? 0, minor: fromMinor(row?.minor ?? 0) };
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

    dealsOfContacts: (accountId, contacts, limit) =>
      engine.snapshot(async ({ db, dialect }) => {
        const found = new Map<string, DealFacts[]>();
        for (const [connectionId, group] of Map.groupBy(contacts, (contact) => contact.connectionId)) {
          const ids = group.map(({ id }) => id);
          const { rows } = await sql<{ contact_id: string; facts: string }>`
            select placed.contact_id, records.facts from (
              select contact_id, deal_id, changed_at, row_number() over (
                partition by contact_id order by changed_at desc, deal_id desc) as place
              from record_links where account_id = ${accountId} and connection_id = ${connectionId}
                and ${dialect.isIn('contact_id', ids)}
            ) as placed
            join records on records.account_id = ${accountId} and records.connection_id = ${connectionId}
              and records.object = 'deal' and records.record_id = placed.deal_id
            where placed.place <= ${sql.lit(limit)}
            order by placed.changed_at desc, placed.deal_id desc`.execute(db);
          for (const { contact_id: id, facts } of rows) {
            const key = recordKey({ connectionId, object: 'contact', id });
            found.set(key, [...(found.get(key) ?? []), fromJson<DealFacts>(facts)]);
          }
        }
        return found;
      }),

    readTimes: (accountId, connectionId, object, ids) =>
      engine.read(async ({ db, dialect }) => {
        const rows = await db
          .selectFrom('records')
          .select(['record_id', 'read_at', 'modified_at', 'presence'])
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .where('object', '=', object)
          .where(dialect.isIn('record_id', ids))
          .execute();
        return new Map(
          rows.map(({ record_id, read_at, modified_at, presence }) => [
            record_id,
            { at: read_at, modifiedAt: modified_at, ...(presence === 'deleted' ? { isDeleted: true as const } : {}) },
          ]),
        );
      }),

    health: (accountId, connectionId, now) =>
      engine.snapshot((session) => healthOf(session, accountId, connectionId, now)),
  };
}

const IS_CONTACT = 'account_id = ? and connection_id = ? and contact_id = ?';

function contactKey(accountId: string, { connectionId, id }: RecordRef): string[] {
  return [accountId, connectionId, id];
}

interface Filter {
  /** With one `?` where there is a value. */
  readonly condition: string;
  readonly value?: string | number;
}

function equals(column: string, value: string | number | undefined): Filter | undefined {
  return value === undefined ? undefined : { condition: `${column} = ?`, value };
}

/** In the very words of its index, which holds nobody else. */
const IS_STAFF: Filter = { condition: 'is_staff = 1' };

function valuesOf(filters: readonly Filter[]): (string | number)[] {
  return filters.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

/** A column that nobody asked for, before the one in whose order rows are asked for: each of its few values is looked up by itself. */
interface Among {
  readonly column: string;
  readonly values: readonly string[];
}

/**
 * Rows of a statement whose text is ready, with `?` for each parameter. A card asks for a few rows thirty times, and having Kysely write
 * such a statement anew took several times as long as the database took to answer it.
 */
async function rowsBy<R>({ db, dialect }: Session, text: string, parameters: readonly unknown[]): Promise<R[]> {
  const written = dialect.firstParameter === '?' ? text : numbered(text);
  return (await db.executeQuery<R>(CompiledQuery.raw(written, [...parameters]))).rows;
}

/** Of the handful of texts in this file; their variants are few. */
const numberedTexts = new Map<string, string>();

function numbered(text: string): string {
  let written = numberedTexts.get(text);
  if (written === undefined) {
    let place = 0;
    written = text.replace(/\?/g, () => `$${++place}`);
    numberedTexts.set(text, written);
  }
  return written;
}

type Paged = 'members' | 'referrals' | 'decisions' | 'rewards' | 'journals' | 'tier_changes';

/** Newest first. The key of the last row is where the next page begins, so rows that come meanwhile shift nothing. */
export async function paged<T extends Paged, D>(
  session: Session,
  table: T,
  timeColumn: string,
  accountId: string,
  { limit, cursor }: PageInput,
  filters: readonly (Filter | undefined)[],
  decode: (row: Row<T>) => D,
  among: readonly Among[] = [],
): Promise<Page<D>> {
  const asked = filters.filter((filter) => filter !== undefined);
  const selected = (each: readonly Filter[]) => {
    const conditions = [
      'account_id = ?',
      ...[...each, ...asked].map(({ condition }) => condition),
      ...(cursor ? [`(${timeColumn}, id) < (?, ?)`] : []),
    ];
    return {
      text: `select *, ${timeColumn} as at_ from ${table} where ${conditions.join(' and ')}
    order by ${timeColumn} desc, id desc limit ?`,
      values: [accountId, ...valuesOf([...each, ...asked]), ...(cursor ? [cursor.at, cursor.id] : []), limit + 1],
    };
  };
  const arms = combinationsOf(among).map(selected);
  const [only] = arms;
  const { text, values } =
    arms.length === 1 && only
      ? only
      : {
          text: `${arms.map((arm, place) => `select * from (${arm.text}) as arm${place}`).join(' union all ')}
    order by at_ desc, id desc limit ?`,
          values: [...arms.flatMap((arm) => arm.values), limit + 1],
        };
  return pageOfRows(await rowsBy<Row<T> & { at_: number }>(session, text, values), limit, decode);
}

/** One list of filters for each combination of values; a single empty one for none. */
function combinationsOf(among: readonly Among[]): Filter[][] {
  return among.reduce<Filter[][]>(
    (made, { column, values }) =>
      made.flatMap((filters) => values.map((value) => [...filters, { condition: `${column} = ?`, value }])),
    [[]],
  );
}

function pageOfRows<R extends { readonly id: string; readonly at_: number }, D>(
  rows: readonly R[],
  limit: number,
  decode: (row: R) => D,
): Page<D> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(decode),
    next: rows.length > limit && last ? { at: last.at_, id: last.id } : null,
  };
}

/** Of what begins like a word. Who looks for somebody writes one letter more; who looks through everybody does not search. */
const SEARCHED_MAX = 1_000;

/** The last character that there is: everything that begins with a text lies between it and itself with this behind. */
const LAST_CHARACTER = '\u{10FFFF}';

interface Searched {
  readonly table: 'members' | 'referrals';
  readonly timeColumn: string;
  /** Each with an index of the account. */
  readonly begins: readonly string[];
  readonly is: readonly string[];
}

const OF_MEMBERS: Searched = {
  table: 'members',
  timeColumn: 'created_at',
  begins: ['name_key', 'email'],
  is: ['code'],
};

const OF_FRIENDS: Searched = {
  table: 'referrals',
  timeColumn: 'submitted_at',
  begins: ['friend_key', 'friend_email'],
  is: [],
};

/** Newest first, of those that the word finds; as many as that are put into order, however many rows there are. */
async function searched<T extends 'members' | 'referrals', D>(
  session: Session,
  { table, timeColumn, begins, is, key }: Searched & { readonly key: string },
  accountId: string,
  { limit, cursor }: PageInput,
  filters: readonly (Filter | undefined)[],
  decode: (row: Row<T>) => D,
): Promise<Page<D>> {
  const word = searchKey(key) ?? '';
  const found = [
    ...begins.map((column) => ({
      text: `select id from (select id from ${table} where account_id = ? and ${column} >= ? and ${column} < ?
        order by ${column} limit ${SEARCHED_MAX}) as by_${column}`,
      values: [accountId, word, `${word}${LAST_CHARACTER}`],
    })),
    ...is.map((column) => ({
      text: `select id from ${table} where account_id = ? and ${column} = ?`,
      values: [accountId, word.toUpperCase()],
    })),
  ];
  const asked = filters.filter((filter) => filter !== undefined);
  const conditions = [
    `${table}.account_id = ? and ${table}.id = found.found_id`,
    ...asked.map(({ condition }) => `${table}.${condition}`),
    ...(cursor ? [`(${table}.${timeColumn}, ${table}.id) < (?, ?)`] : []),
  ];
  // Not JOIN: SQLite would go through the account's rows in the order that is asked for, and look each one up among those found.
  const rows = await rowsBy<Row<T> & { at_: number }>(
    session,
    `select ${table}.*, ${table}.${timeColumn} as at_
    from (select id as found_id from (${found.map(({ text }) => text).join(' union ')}) as words) as found cross join ${table}
    where ${conditions.join(' and ')} order by ${table}.${timeColumn} desc, ${table}.id desc limit ?`,
    [
      ...found.flatMap(({ values }) => values),
      accountId,
      ...valuesOf(asked),
      ...(cursor ? [cursor.at, cursor.id] : []),
      limit + 1,
    ],
  );
  return pageOfRows(rows, limit, decode);
}

/** By the people: a company has few, an account has many referrals. */
async function referralsOfCompany(
  { db }: Session,
  accountId: string,
  { connectionId, id: companyId }: RecordRef,
  { limit, cursor }: PageInput,
): Promise<Page<CompanyReferral>> {
  const people = sql`records where records.account_id = ${accountId} and records.connection_id = ${connectionId}
    and records.company_id = ${companyId} and records.object = 'contact'`;
  const after = cursor ? sql`and (referrals.submitted_at, referrals.id) < (${cursor.at}, ${cursor.id})` : sql``;
  const { rows } = await sql<Row<'referrals'> & { is_in: number; is_out: number }>`
    with people as (select records.record_id as contact_id from ${people}),
    concerned as (
      select id, max(is_in) as is_in, max(is_out) as is_out from (
        select referrals.id as id, 1 as is_in, 0 as is_out from people cross join referrals
        where referrals.account_id = ${accountId} and referrals.connection_id = ${connectionId}
          and referrals.contact_id = people.contact_id
        union all
        select referrals.id, 0, 1 from people cross join members cross join referrals
        where members.account_id = ${accountId} and members.connection_id = ${connectionId}
          and members.contact_id = people.contact_id
          and referrals.account_id = ${accountId} and referrals.member_id = members.id
      ) as sides group by id)
    -- Not JOIN: SQLite would begin with the account's referrals, which are in the order that is asked for.
    select referrals.*, concerned.is_in, concerned.is_out from concerned cross join referrals
    where referrals.account_id = ${accountId} and referrals.id = concerned.id ${after}
    order by referrals.submitted_at desc, referrals.id desc limit ${sql.lit(limit + 1)}`.execute(db);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map((row) => ({
      referral: referralOf(row),
      direction: row.is_in && row.is_out ? 'both' : row.is_in ? 'in' : 'out',
    })),
    next: rows.length > limit && last ? { at: last.submitted_at, id: last.id } : null,
  };
}

export async function postingsOf(
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
