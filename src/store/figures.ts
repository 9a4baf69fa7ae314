import { type RawBuilder, sql } from 'kysely';
import type { FigureCheck, FigureRow, FigureStore, FigureSums } from '../application/ports/store.ts';
import {
  changeOf,
  customerEntries,
  type DealFigure,
  dealFigure,
  type FigureEntry,
  type Measure,
  referralEntries,
  type WonFigure,
} from '../domain/figures.ts';
import type { MappedStage } from '../domain/mapping.ts';
import type { DealFacts } from '../domain/record.ts';
import { isWonInTest } from '../domain/test-run.ts';
import type { Instant } from '../domain/time.ts';
import { type DealAt, dealsAt } from '../domain/timeline.ts';
import { fromJson, fromSum, referralOf, toJson } from './codec.ts';
import { type Engine, insertRows, overRows, rowsOf } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { FRIEND_NOW } from './test-runs.ts';

/*
 * Sums that are right without adding everything up. Whatever changes a journal, a referral, a deal or a mapping leaves a mark in the same
 * transaction, by a trigger, so that nobody who writes can forget it. A fold takes marks and changes the sums in one transaction: what dies in
 * between has done nothing, and a mark that is taken twice finds nothing to do, since each referral, deal and customer remembers what it has put
 * into the sums. Of a journal, which never changes, a mark is there once.
 *
 * It is a fold behind the commit and not a part of it, because the sums of an account are few rows: every commit would wait for every other
 * one at the row of today. There is no cursor, since numbers and times come out of order of commit on PostgreSQL; a mark is visible with what
 * it is about. What waits is counted, and the ledger's own sums add it, so that they are exact at every moment.
 */

/** Marks that one transaction takes of each kind: a twentieth of a second, for which others wait on SQLite. */
const MARKS_MAX: Readonly<Record<string, number>> = { mapping: 1, journal: 400, referral: 100, deal: 100 };

/** Rows that the comparison reads at once. */
const PAGE = 1_000;

/** More than this that wait are not counted on. */
const WAITING_COUNTED_MAX = 10_000;

/** Of an account's name the first word; a semicolon is the character after the colon. */
export const LEDGER_KIND = `case ${['credit', 'expense', 'held', 'payable', 'provider', 'receivable']
  .map((kind) => `when ledger_account < '${kind};' then '${kind}'`)
  .join(' ')} end`;

const MS_PER_DAY = 86_400_000;

const NAMES = 'account_id, measure, day, program_id, label, currency, n, minor';

const ADD_UP = `on conflict (account_id, measure, day, program_id, label, currency)
  do update set n = figures.n + excluded.n, minor = figures.minor + excluded.minor`;

const ENTRY = {
  account_id: 'text',
  measure: 'text',
  day: 'int',
  program_id: 'text',
  label: 'text',
  currency: 'text',
  n: 'int',
  // As text: a sum may be more than a number holds exactly.
  minor: 'text',
} as const;

export function createFigureStore(engine: Engine): FigureStore {
  const fold = (accountId: string, now: Instant) => engine.write((session) => foldSome(session, accountId, now));
  return {
    fold,

    waitingAccounts: () =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ id: string }>`select id from accounts
          where (select 1 from figure_marks where account_id = accounts.id limit 1) = 1 order by id`.execute(db);
        return rows.map(({ id }) => id);
      }),

    state: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ waiting: number; folded_at: number | null }>`select
          (select count(*) from (select 1 as one from figure_marks where account_id = ${accountId}
            limit ${WAITING_COUNTED_MAX}) as marks) as waiting,
          (select folded_at from figure_states where account_id = ${accountId}) as folded_at`.execute(db);
        const { waiting = 0, folded_at: foldedAt = null } = rows[0] ?? {};
        return { waiting: Number(waiting), foldedAt: foldedAt === null ? null : Number(foldedAt) };
      }),

    sums: (accountId, asked) => engine.read((session) => sumsOf(session, accountId, asked)),

    forget: (accountId, now) => engine.write((session) => forget(session, accountId, now)),

    verify: (accountId) => engine.snapshot((session) => verify(session, accountId)),
  };
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function sumsOf(
  { db, dialect }: Session,
  accountId: string,
  { measures, from, to, programId, currency, by, labels, top }: FigureSums,
): Promise<FigureRow[]> {
  const groups = ['measure', ...by.map((column) => (column === 'program' ? 'program_id' : column)), 'currency'];
  const shown = sql.join(groups.map((column) => sql.ref(column)));
  const isOfProgram: RawBuilder<unknown> = programId === undefined ? sql`` : sql`and program_id = ${programId}`;
  const { rows } = await sql<Partial<Row<'figures'>> & { n: string; minor: string; measure: string; currency: string }>`
    select ${shown}, cast(sum(n) as text) as n, cast(sum(minor) as text) as minor from figures
    where account_id = ${accountId} and ${dialect.isIn('measure', measures)} and day >= ${from} and day <= ${to}
      ${isOfProgram} ${labels === undefined ? sql`` : sql`and ${dialect.isIn('label', labels)}`}
      ${currency === undefined ? sql`` : sql`and currency in ('', ${currency})`}
    group by ${shown} having sum(n) <> 0 or sum(minor) <> 0
    order by ${top ? sql`sum(${sql.ref(top.by)}) desc, ${shown} limit ${top.count}` : shown}`.execute(db);
  return rows.map((row) => ({
    measure: row.measure as Measure,
    day: row.day ?? null,
    programId: row.program_id ?? null,
    label: row.label ?? null,
    currency: row.currency,
    n: Number(row.n),
    minor: fromSum(row.minor),
  }));
}

/** Ids of journals that are not in the sums yet; everything else of the ledger is. */
export function waitingJournals(accountId: string): RawBuilder<unknown> {
  return sql`select id from figure_marks where account_id = ${accountId} and kind = 'journal'`;
}

// ── Folding ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Takes some marks of an account and brings its sums up to them. Returns how many there were. */
async function foldSome(session: Session, accountId: string, now: Instant): Promise<number> {
  // Two folds of one account would both take out what a referral has put in.
  await session.dialect.lockFor(session.db, [`figures ${accountId}`]);
  let taken = 0;
  for (const { place: connectionId } of await take(session, accountId, 'mapping')) {
    taken += 1;
    // What deals mean by the new mapping.
    await sql`insert into figure_marks (account_id, kind, place, id, revision)
      select account_id, 'deal', connection_id, record_id, -1 from records
      where account_id = ${accountId} and connection_id = ${connectionId} and object = 'deal'
      on conflict do nothing`.execute(session.db);
  }
  const journals = await take(session, accountId, 'journal');
  await foldJournals(
    session,
    accountId,
    journals.map(({ id }) => id),
  );
  const referrals = await take(session, accountId, 'referral');
  const referralIds = [...new Set(referrals.map(({ id }) => id))];
  await putParts(session, accountId, 'referral', referralIds, await referralParts(session, accountId, referralIds));
  const deals = await take(session, accountId, 'deal');
  const dealKeys = new Set([
    ...deals.map(({ place, id }) => dealKey(place, id)),
    ...(await dealsOfReferrals(session, accountId, referralIds)),
  ]);
  await foldDeals(session, accountId, [...dealKeys]);
  taken += journals.length + referrals.length + deals.length;
  if (taken === 0) return 0;
  await sql`insert into figure_states (account_id, folded_at) values (${accountId}, ${now})
    on conflict (account_id) do update set folded_at = excluded.folded_at`.execute(session.db);
  return taken;
}

async function take({ db }: Session, accountId: string, kind: string) {
  const { rows } = await sql<Pick<Row<'figure_marks'>, 'place' | 'id'>>`
    delete from figure_marks where account_id = ${accountId} and kind = ${kind}
      and (place, id, revision) in (select place, id, revision from figure_marks
        where account_id = ${accountId} and kind = ${kind}
        order by place, id, revision limit ${MARKS_MAX[kind] ?? 0})
    returning place, id`.execute(db);
  return rows;
}

/** Journals are appended and each is marked once, so that they are only ever added. */
async function foldJournals(session: Session, accountId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { db } = session;
  const kindOf = sql.raw(LEDGER_KIND);
  const named = rowsNamed(session, ids);
  // Beginning with what is named: SQLite would go through all postings in the order of their accounts to be spared the sorting of a few.
  const posted = sql`from ${named} as named cross join postings p where p.account_id = ${accountId} and p.journal_id = named.id`;
  await sql`insert into figures (${sql.raw(NAMES)})
    select ${accountId}, 'balance', 0, '', ${kindOf}, currency, count(*), 0 from (
      select distinct p.ledger_account, p.currency ${posted}) as booked
    where not exists (select 1 from ledger_sums where account_id = ${accountId}
      and ledger_account = booked.ledger_account and currency = booked.currency)
    group by ${kindOf}, currency ${sql.raw(ADD_UP)}`.execute(db);
  await sql`insert into figures (${sql.raw(NAMES)})
    select ${accountId}, 'balance', 0, '', ${kindOf}, p.currency, 0, sum(p.minor) ${posted}
    group by ${kindOf}, p.currency ${sql.raw(ADD_UP)}`.execute(db);
  await sql`insert into ledger_sums (account_id, ledger_account, currency, n, minor)
    select ${accountId}, p.ledger_account, p.currency, count(*), sum(p.minor) ${posted}
    group by p.ledger_account, p.currency
    on conflict (account_id, ledger_account, currency)
      do update set n = ledger_sums.n + excluded.n, minor = ledger_sums.minor + excluded.minor`.execute(db);
  const booked = sql`from ${named} as named cross join journals j cross join rewards r cross join postings p
    where j.account_id = ${accountId} and j.id = named.id
      and r.account_id = ${accountId} and r.id = j.reward_id and p.account_id = ${accountId} and p.journal_id = j.id`;
  const day = sql`j.recorded_at / ${sql.lit(MS_PER_DAY)}`;
  await sql`insert into figures (${sql.raw(NAMES)})
    select ${accountId}, 'ledger', ${day}, r.program_id, ${kindOf}, p.currency, count(*), sum(p.minor) ${booked}
    group by ${day}, r.program_id, ${kindOf}, p.currency ${sql.raw(ADD_UP)}`.execute(db);
  // Of the two sides of a journal the debit is what it is about.
  await sql`insert into figures (${sql.raw(NAMES)})
    select ${accountId}, 'journal', ${day}, r.program_id, j.kind, p.currency, count(distinct j.id), sum(p.minor)
    ${booked} and p.minor > 0
    group by ${day}, r.program_id, j.kind, p.currency ${sql.raw(ADD_UP)}`.execute(db);
}

function rowsNamed(session: Session, ids: readonly string[]): RawBuilder<unknown> {
  return rowsOf(
    session,
    { id: 'text' },
    ids.map((id) => ({ id })),
  );
}

interface FigurePart {
  readonly entries: readonly FigureEntry[];
  readonly customer?: string | null;
  readonly won?: WonFigure;
}

/** A part that is not given is nothing any more. Returns the customers that those before and those now are of. */
async function putParts(
  session: Session,
  accountId: string,
  unit: 'referral' | 'deal' | 'customer',
  ids: readonly string[],
  parts: ReadonlyMap<string, FigurePart>,
): Promise<Set<string>> {
  const customers = new Set<string>();
  if (ids.length === 0) return customers;
  const { db, dialect } = session;
  const { rows } = await sql<Row<'figure_parts'>>`select * from figure_parts
    where account_id = ${accountId} and unit = ${unit} and ${dialect.isIn('id', ids)}`.execute(db);
  const before = new Map(rows.map((row) => [row.id, row]));
  const written: Row<'figure_parts'>[] = [];
  const [out, into]: [FigureEntry[], FigureEntry[]] = [[], []];
  for (const id of ids) {
    const known = before.get(id);
    const { entries = [], customer = null, won = null } = parts.get(id) ?? {};
    const row = { customer, facts: won && toJson(won), entries: toJson(entries) };
    if (
      known ? row.entries === known.entries && row.facts === known.facts && customer === known.customer : !parts.has(id)
    )
      continue;
    for (const one of [known?.customer, customer]) if (one != null) customers.add(one);
    if (known) out.push(...fromJson<FigureEntry[]>(known.entries));
    into.push(...entries);
    written.push({ account_id: accountId, unit, id, ...row });
  }
  await insertRows(
    session,
    'figure_parts',
    written,
    `on conflict (account_id, unit, id) do update set customer = excluded.customer, facts = excluded.facts,
      entries = excluded.entries`,
  );
  await addUp(session, accountId, changeOf(out, into));
  return customers;
}

async function addUp(session: Session, accountId: string, entries: readonly FigureEntry[]): Promise<void> {
  const rows = entries.map(({ measure, day, programId, label, currency, n, minor }) => ({
    ...{ account_id: accountId, measure, day, program_id: programId, label, currency, n, minor: String(minor) },
  }));
  await overRows(
    session,
    ENTRY,
    rows,
    (incoming) => `insert into figures (${NAMES})
      select account_id, measure, day, program_id, label, currency, n, cast(minor as bigint) from ${incoming} as incoming
      where true ${ADD_UP}`,
  );
}

async function referralParts(
  { db, dialect }: Session,
  accountId: string,
  ids: readonly string[],
): Promise<Map<string, FigurePart>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Row<'referrals'>>`select * from referrals
    where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(db);
  const { rows: stages } = await sql<Row<'referral_stages'>>`select * from referral_stages
    where account_id = ${accountId} and ${dialect.isIn('referral_id', ids)}`.execute(db);
  const momentsOf = Map.groupBy(stages, ({ referral_id }) => referral_id);
  return new Map(
    rows.map((row) => [row.id, { entries: referralEntries(referralOf(row), momentsOf.get(row.id) ?? []) }]),
  );
}

// ── Deals and customers ─────────────────────────────────────────────────────────────────────────────────────────────

/** Ids of connections hold no space. */
function dealKey(connectionId: string, id: string): string {
  return `${connectionId} ${id}`;
}

async function dealsOfReferrals(session: Session, accountId: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const named = rowsNamed(session, ids);
  // With the time in it, since SQLite would go through all of the one index that holds everything else that is asked for.
  const { rows } = await sql<{ connection_id: string; deal_id: string }>`
    select l.connection_id, l.deal_id from ${named} as named cross join referrals r cross join record_links l
      where r.account_id = ${accountId} and r.id = named.id
        and l.account_id = ${accountId} and l.connection_id = r.connection_id and l.contact_id = r.contact_id
    union all select d.connection_id, d.deal_id from ${named} as named cross join decisions d
      where d.account_id = ${accountId} and d.referral_id = named.id and d.recorded_at >= 0`.execute(session.db);
  return rows.map(({ connection_id, deal_id }) => dealKey(connection_id, deal_id));
}

async function foldDeals(session: Session, accountId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const found = new Map<string, FigurePart>();
  for (const [connectionId, own] of Map.groupBy(keys, (key) => key.slice(0, key.indexOf(' ')))) {
    const ids = own.map((key) => key.slice(connectionId.length + 1));
    for (const [key, part] of await dealParts(session, accountId, connectionId, ids)) found.set(key, part);
  }
  const customers = [...(await putParts(session, accountId, 'deal', keys, found))];
  if (customers.length === 0) return;
  const { rows } = await sql<Pick<Row<'figure_parts'>, 'customer' | 'facts'>>`select customer, facts from figure_parts
    where account_id = ${accountId} and ${session.dialect.isIn('customer', customers)}`.execute(session.db);
  const dealsOf = Map.groupBy(rows, ({ customer }) => customer ?? '');
  const parts = new Map(
    [...dealsOf].map(([customer, deals]) => [
      customer,
      { entries: customerEntries(deals.map(({ facts }) => fromJson<WonFigure>(facts ?? 'null'))) },
    ]),
  );
  await putParts(session, accountId, 'customer', customers, parts);
}

/** Deals that are won, by the newest mapping of their connection and the facts as last read. */
async function dealParts(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<Map<string, FigurePart>> {
  const { db, dialect } = session;
  const { rows: mapped } = await sql<{ version: string; entries: string }>`select version, entries from mappings
    where account_id = ${accountId} and connection_id = ${connectionId} order by ordinal desc limit 1`.execute(db);
  const [newest] = mapped;
  if (!newest || ids.length === 0) return new Map();
  const mapping = { version: newest.version, entries: fromJson<MappedStage[]>(newest.entries) };
  const { rows } = await sql<{ facts: string }>`select facts from records
    where account_id = ${accountId} and connection_id = ${connectionId} and object = 'deal'
      and ${dialect.isIn('record_id', ids)}`.execute(db);
  const deals = rows.map(({ facts }) => fromJson<DealFacts>(facts));
  const contactIds = [...new Set(deals.flatMap((deal) => deal.contactIds))];
  const { rows: friends } = await sql<Row<'referrals'>>`select * from referrals
    where account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('contact_id', contactIds)}`.execute(
    db,
  );
  const { rows: decided } = await sql<Row<'referrals'> & { deal_id: string }>`select r.*, d.deal_id
    from (select distinct deal_id, referral_id from decisions where account_id = ${accountId}
      and ${dialect.isIn('deal_id', ids)} and connection_id = ${connectionId}) as d
    cross join referrals r where r.account_id = ${accountId} and r.id = d.referral_id`.execute(db);
  const ofContact = Map.groupBy(friends, ({ contact_id }) => contact_id ?? '');
  const ofDeal = Map.groupBy(decided, ({ deal_id }) => deal_id);
  const found = new Map<string, FigurePart>();
  const isOfTest = await testsOf(session, accountId, connectionId, ids);
  for (const dealAt of dealsAt(deals, mapping, Number.MAX_SAFE_INTEGER)) {
    const { ref, contactIds: own } = dealAt.deal;
    const candidates = [...own.flatMap((id) => ofContact.get(id) ?? []), ...(ofDeal.get(ref.id) ?? [])];
    if (candidates.length === 0 && isOfTest(dealAt)) continue;
    const figure = dealFigure(dealAt, candidates.map(referralOf));
    if (figure) found.set(dealKey(connectionId, ref.id), partOf(connectionId, figure));
  }
  return found;
}

type TestSpanRow = Pick<Row<'test_runs'>, 'id' | 'started_at' | 'ended_at'> & {
  was: string;
  friend_now: string | null;
};

/**
 * Which deals are won because somebody tried out a program with them. There are few tests of a connection, one at a time. A test knows the deals that it has
 * read, whoever its friend has become since.
 */
async function testsOf(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<(dealAt: Pick<DealAt, 'deal' | 'since'>) => boolean> {
  const { rows } = await sql<TestSpanRow>`
    select t.id, t.started_at, t.ended_at, t.friend_contact_id as was, ${FRIEND_NOW} from test_runs t
    where t.account_id = ${accountId} and t.connection_id = ${connectionId}`.execute(db);
  if (rows.length === 0) return () => false;
  const { rows: read } = await sql<{ test: string; deal_id: string }>`
    select distinct t.id as test, l.deal_id from test_runs t cross join record_links l
    where t.account_id = ${accountId} and t.connection_id = ${connectionId} and l.account_id = t.test_account_id
      and l.connection_id = t.connection_id and ${dialect.isIn('deal_id', ids)}`.execute(db);
  const known = new Set(read.map(({ test, deal_id }) => `${test} ${deal_id}`));
  return ({ deal, since }) =>
    rows.some(
      ({ id: test, was, friend_now: now, started_at: startedAt, ended_at: endedAt }) =>
        since.won !== null &&
        (known.has(`${test} ${deal.ref.id}`) || deal.contactIds.some((id) => id === was || id === now)) &&
        isWonInTest(since.won, { startedAt, endedAt }),
    );
}

function partOf(connectionId: string, { customerId, won, entries }: DealFigure): FigurePart {
  return { entries, won, customer: customerId === null ? null : dealKey(connectionId, customerId) };
}

// ── Making them again, and comparing ────────────────────────────────────────────────────────────────────────────────

/** All of an account is marked and nothing is summed up: the folds that follow make everything again. */
async function forget(session: Session, accountId: string, now: Instant): Promise<void> {
  const { db, dialect } = session;
  await dialect.lockFor(db, [`figures ${accountId}`]);
  for (const table of ['figures', 'figure_parts', 'ledger_sums'] as const)
    await sql`delete from ${sql.table(table)} where account_id = ${accountId}`.execute(db);
  await sql`insert into figure_states (account_id, folded_at, rebuilt_at) values (${accountId}, ${now}, ${now})
    on conflict (account_id) do update set rebuilt_at = excluded.rebuilt_at`.execute(db);
  const again = (kind: string, connection: string, id: string, from: RawBuilder<unknown>) =>
    sql`insert into figure_marks (account_id, kind, place, id, revision)
      select account_id, ${sql.lit(kind)}, ${sql.raw(connection)}, ${sql.raw(id)}, ${sql.lit(kind === 'journal' ? 0 : -1)}
      from ${from} on conflict do nothing`.execute(db);
  await again('journal', "''", 'id', sql`journals where account_id = ${accountId}`);
  await again('referral', "''", 'id', sql`referrals where account_id = ${accountId}`);
  await again('deal', 'connection_id', 'record_id', sql`records where account_id = ${accountId} and object = 'deal'`);
}

type Sums = Map<string, { n: bigint; minor: bigint }>;

async function verify(session: Session, accountId: string): Promise<FigureCheck> {
  const { rows } = await sql`select 1 from figure_marks where account_id = ${accountId} limit 1`.execute(session.db);
  if (rows.length > 0) return { kind: 'changing' };
  const difference = await firstDifference(session, accountId);
  return difference === null ? { kind: 'equal' } : { kind: 'different', difference };
}

/**
 * Compares every sum with what it is of, added up anew: the ledger and the referrals by the database, the rest by going through all of it. Null
 * when all agree, otherwise the first that does not, in words.
 */
async function firstDifference(session: Session, accountId: string): Promise<string | null> {
  const { db } = session;
  const kindOf = sql.raw(LEDGER_KIND);
  const summed = async (query: RawBuilder<unknown>): Promise<Sums> => {
    const { rows } = await (query as RawBuilder<Record<string, string>>).execute(db);
    return new Map(
      rows.map(({ n = '0', minor = '0', ...key }) => [
        Object.values(key).join(' · '),
        { n: BigInt(n), minor: BigInt(minor) },
      ]),
    );
  };
  const total = sql`cast(sum(n) as text) as n, cast(sum(minor) as text) as minor`;
  const figures = (measure: Measure) =>
    summed(sql`select day, program_id, label, currency, ${total} from figures
      where account_id = ${accountId} and measure = ${measure} group by day, program_id, label, currency`);
  const day = (column: string) => sql`${sql.ref(column)} / ${sql.lit(MS_PER_DAY)} as day`;
  const counted = sql`cast(count(*) as text) as n, '0' as minor`;
  const booked = sql`from journals j join rewards r on r.account_id = j.account_id and r.id = j.reward_id
    join postings p on p.account_id = j.account_id and p.journal_id = j.id where j.account_id = ${accountId}`;
  const referrals = (label: string, at: string, among: RawBuilder<unknown> = sql``) =>
    summed(sql`select ${day(at)}, program_id, ${sql.ref(label)} as label, '' as currency, ${counted} from referrals
      where account_id = ${accountId} ${among} group by 1, program_id, ${sql.ref(label)}`);
  const expected: Array<[what: string, is: Sums, should: Sums]> = [
    [
      'ledger account',
      await summed(sql`select ledger_account, currency, ${total} from ledger_sums where account_id = ${accountId}
        group by ledger_account, currency`),
      await summed(sql`select ledger_account, currency, cast(count(*) as text) as n, cast(sum(minor) as text) as minor
        from postings where account_id = ${accountId} group by ledger_account, currency`),
    ],
    [
      'balance',
      await figures('balance'),
      await summed(sql`select 0 as day, '' as program_id, kind, currency, cast(count(*) as text) as n,
        cast(sum(minor) as text) as minor from (select ${kindOf} as kind, currency, sum(minor) as minor from postings
          where account_id = ${accountId} group by ledger_account, currency) as each_account group by kind, currency`),
    ],
    [
      'ledger',
      await figures('ledger'),
      await summed(sql`select ${day('j.recorded_at')}, r.program_id, ${kindOf} as label, p.currency,
        cast(count(*) as text) as n, cast(sum(p.minor) as text) as minor ${booked} group by 1, 2, 3, 4`),
    ],
    [
      'journal',
      await figures('journal'),
      await summed(sql`select ${day('j.recorded_at')}, r.program_id, j.kind as label, p.currency,
        cast(count(distinct j.id) as text) as n, cast(sum(p.minor) as text) as minor ${booked} and p.minor > 0
        group by 1, 2, 3, 4`),
    ],
    ['submitted', await figures('submitted'), await referrals('source', 'submitted_at')],
    ['standing', await figures('standing'), await referrals('stage', 'submitted_at')],
    ['brought', await figures('brought'), await referrals('member_id', 'submitted_at')],
    ['won', await figures('won'), await referrals('source', 'stage_since', sql`and stage = 'won'`)],
    ['converted', await figures('converted'), await referrals('source', 'submitted_at', sql`and stage = 'won'`)],
  ];
  for (const [what, is, should] of expected) {
    const found = differenceOf(what, is, should);
    if (found !== null) return found;
  }
  const rest = sql`select measure, day, program_id, label, currency, ${total} from figures
    where account_id = ${accountId} and measure not in ('ledger', 'journal', 'balance')
    group by measure, day, program_id, label, currency`;
  return differenceOf('figure', await summed(rest), await madeAnew(session, accountId));
}

function differenceOf(what: string, is: Sums, should: Sums): string | null {
  const none = { n: 0n, minor: 0n };
  for (const key of [...new Set([...is.keys(), ...should.keys()])].sort()) {
    const [a, b] = [is.get(key) ?? none, should.get(key) ?? none];
    if (a.n === b.n && a.minor === b.minor) continue;
    return `${what} ${key}: ${a.n} of ${a.minor} are kept, and it is ${b.n} of ${b.minor}`;
  }
  return null;
}

/** What all referrals, deals and customers put into the sums, each looked at as if for the first time. */
async function madeAnew(session: Session, accountId: string): Promise<Sums> {
  const { db } = session;
  const sums: Sums = new Map();
  const add = (entries: readonly FigureEntry[]) => {
    for (const { measure, day, programId, label, currency, n, minor } of entries) {
      const key = [measure, day, programId, label, currency].join(' · ');
      const known = sums.get(key) ?? { n: 0n, minor: 0n };
      sums.set(key, { n: known.n + BigInt(n), minor: known.minor + minor });
    }
  };
  for (let after = ''; ; ) {
    const { rows } = await sql<{
      id: string;
    }>`select id from referrals where account_id = ${accountId} and id > ${after}
      order by id limit ${PAGE}`.execute(db);
    const ids = rows.map(({ id }) => id);
    for (const { entries } of (await referralParts(session, accountId, ids)).values()) add(entries);
    after = ids.at(-1) ?? '';
    if (ids.length < PAGE) break;
  }
  const customers = new Map<string, WonFigure[]>();
  const { rows: connections } = await sql<{ id: string }>`select id from connections
    where account_id = ${accountId}`.execute(db);
  for (const { id: connectionId } of connections) {
    for (let after = ''; ; ) {
      const { rows } = await sql<{ record_id: string }>`select record_id from records where account_id = ${accountId}
        and connection_id = ${connectionId} and object = 'deal' and record_id > ${after}
        order by record_id limit ${PAGE}`.execute(db);
      const ids = rows.map(({ record_id }) => record_id);
      for (const { entries, customer, won } of (await dealParts(session, accountId, connectionId, ids)).values()) {
        add(entries);
        if (customer && won) customers.set(customer, [...(customers.get(customer) ?? []), won]);
      }
      after = ids.at(-1) ?? '';
      if (ids.length < PAGE) break;
    }
  }
  for (const deals of customers.values()) add(customerEntries(deals));
  return sums;
}
