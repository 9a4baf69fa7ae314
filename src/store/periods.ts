import { sql } from 'kysely';
import type {
  ClosingPeriod,
  KeptPeriod,
  LateBooking,
  Page,
  PageInput,
  PeriodBooks,
  PeriodStore,
} from '../application/ports/store.ts';
import { boundsOf, kindOf, lineKey, type Movement, type PeriodLine } from '../domain/period.ts';
import type { Instant } from '../domain/time.ts';
import { fromSum } from './codec.ts';
import { chunked, type Engine, insertRows, rowsOf } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** Accounts that are looked up together. */
const KEYS_PER_READ = 500;

export function createPeriodStore(engine: Engine): PeriodStore {
  return {
    firstBookedAt: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ at: number }>`select recorded_at as at from journals
          where account_id = ${accountId} order by recorded_at, id limit 1`.execute(db);
        return rows[0]?.at ?? null;
      }),

    seal: (accountId, to, { by, reason, at }) =>
      engine.write(async (session) => {
        await session.dialect.lockFor(session.db, [`periods ${accountId}`]);
        const closing = {
          closing_by: by,
          closing_reason: reason,
          closing_since: at,
          closing_seen_at: at,
          closing_journals: 0,
          closing_total: 0,
        };
        await insertRows(
          session,
          'period_seals',
          [{ account_id: accountId, sealed_to: to, ...closing }],
          `on conflict (account_id) do update set sealed_to = excluded.sealed_to, ${Object.keys(closing)
            .map((column) => `${column} = excluded.${column}`)
            .join(', ')}
            where excluded.sealed_to > period_seals.sealed_to
              or (excluded.sealed_to = period_seals.sealed_to and period_seals.closing_since is null
                and not exists (select 1 from periods where periods.account_id = period_seals.account_id
                  and periods.to_at = period_seals.sealed_to and periods.reopened_at is null))`,
        );
      }),

    closing: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'period_seals'>>`select * from period_seals
          where account_id = ${accountId} and closing_since is not null`.execute(db);
        return rows[0] ? closingOf(rows[0]) : null;
      }),

    noteClosing: (accountId, { to, journals, total, at }) =>
      engine.write(async ({ db }) => {
        const { numAffectedRows } = await sql`update period_seals
          set closing_journals = ${journals}, closing_total = ${total}, closing_seen_at = ${at}
          where account_id = ${accountId} and sealed_to = ${to} and closing_since is not null`.execute(db);
        return numAffectedRows === 1n;
      }),

    leftClosing: (before, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'period_seals'>>`select * from period_seals
          where closing_since is not null and closing_seen_at < ${before}
          order by closing_seen_at, account_id limit ${limit}`.execute(db);
        return rows.map((row) => ({ accountId: row.account_id, ...closingOf(row) }));
      }),

    journalsIn: (accountId, { from, to }) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ n: number }>`select count(*) as n from journals
          where account_id = ${accountId} and recorded_at >= ${from} and recorded_at < ${to}`.execute(db);
        return Number(rows[0]?.n ?? 0);
      }),

    keep: (accountId, period, lines) =>
      engine.write(async (session) => {
        const { id, number, month, body, hash, signature, keyId, closedAt } = period;
        const { from, to } = boundsOf(month);
        await session.dialect.lockFor(session.db, [`periods ${accountId}`]);
        // Somebody may have reopened the month before, or this one may have been added up before it was sealed.
        const { rows: seals } = await sql<{ sealed_to: number }>`select sealed_to from period_seals
          where account_id = ${accountId}`.execute(session.db);
        const { rows: standing } = await sql<{ to_at: number | null }>`select max(to_at) as to_at from periods
          where account_id = ${accountId} and reopened_at is null`.execute(session.db);
        if (seals[0]?.sealed_to !== to || (standing[0]?.to_at ?? from) !== from) return false;
        const kept = await insertRows<'periods', { id: string }>(
          session,
          'periods',
          [
            {
              account_id: accountId,
              id,
              number,
              period_month: month,
              from_at: from,
              to_at: to,
              body,
              hash,
              signature,
              key_id: keyId,
              closed_at: closedAt,
              reopened_at: null,
              reopened_by: null,
              reopen_reason: null,
            },
          ],
          'on conflict do nothing returning id',
        );
        if (kept.length === 0) return false;
        await insertRows(
          session,
          'period_lines',
          lines.map(({ account, currency, opening, debits, credits, closing }) => ({
            account_id: accountId,
            period_id: id,
            ledger_account: account,
            currency,
            opening: String(opening),
            debits: String(debits),
            credits: String(credits),
            closing: String(closing),
          })),
        );
        await sql`update period_seals set closing_since = null where account_id = ${accountId}`.execute(session.db);
        return true;
      }),

    reopen: (accountId, periodId, { by, reason, at }) =>
      engine.write(async (session) => {
        const { db, dialect } = session;
        await dialect.lockFor(db, [`periods ${accountId}`]);
        const { rows } = await sql<{ from_at: number }>`update periods
          set reopened_at = ${at}, reopened_by = ${by}, reopen_reason = ${reason}
          where account_id = ${accountId} and id = ${periodId} and reopened_at is null
            and not exists (select 1 from periods as later where later.account_id = ${accountId}
              and later.from_at > periods.from_at and later.reopened_at is null)
          returning from_at`.execute(db);
        const [reopened] = rows;
        if (!reopened) return false;
        await sql`update period_seals set sealed_to = ${reopened.from_at}, closing_since = null
          where account_id = ${accountId}`.execute(db);
        return true;
      }),

    get: (accountId, periodId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'periods'>>`select * from periods
          where account_id = ${accountId} and id = ${periodId}`.execute(db);
        return rows[0] ? periodOf(rows[0]) : null;
      }),

    newest: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'periods'>>`select * from periods
          where account_id = ${accountId} order by number desc limit 1`.execute(db);
        return rows[0] ? periodOf(rows[0]) : null;
      }),

    newestStanding: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'periods'>>`select * from periods
          where account_id = ${accountId} and reopened_at is null order by period_month desc limit 1`.execute(db);
        return rows[0] ? periodOf(rows[0]) : null;
      }),

    list: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<KeptPeriod>> => {
        const behind = cursor === null ? sql`` : sql`and number < ${cursor.at}`;
        const { rows } = await sql<Row<'periods'>>`select * from periods
          where account_id = ${accountId} ${behind} order by number desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(periodOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.number, id: last.id } : null };
      }),

    linesOfKind: (accountId, periodId, { kind, currency }, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<PeriodLine>> => {
        const from = cursor === null ? `${kind}:` : cursor.id;
        // The character after the colon ends the names that begin with the word.
        const { rows } = await sql<Row<'period_lines'>>`select * from period_lines
          where account_id = ${accountId} and period_id = ${periodId} and ledger_account > ${from}
            and ledger_account < ${`${kind};`} and currency = ${currency}
          order by ledger_account limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(lineOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: 0, id: last.account } : null };
      }),

    late: (accountId, { from, to }) => engine.read((session) => lateOf(session, accountId, from, to)),

    movements: (accountId, span, page) => engine.snapshot((session) => movementsOf(session, accountId, span, page)),
    openings: (accountId, keys, before) => engine.snapshot((session) => openingsOf(session, accountId, keys, before)),
    lines: (accountId, periodId, after, limit) =>
      engine.read((session) => linesBehind(session, accountId, periodId, after, limit)),
    chain: (accountId) => engine.read((session) => chainOf(session, accountId)),
  };
}

/** The same over one snapshot, for whoever looks at everything. */
export function periodBooksIn(session: Session): PeriodBooks {
  return {
    movements: (accountId, span, page) => movementsOf(session, accountId, span, page),
    openings: (accountId, keys, before) => openingsOf(session, accountId, keys, before),
    lines: (accountId, periodId, after, limit) => linesBehind(session, accountId, periodId, after, limit),
    chain: (accountId) => chainOf(session, accountId),
  };
}

/** The journals of a page by the index of times, then their postings; each page is a part of the sum. */
async function movementsOf(
  { db }: Session,
  accountId: string,
  { from, to }: { readonly from: Instant; readonly to: Instant },
  { limit, cursor }: PageInput,
): Promise<{ movements: Movement[]; journals: number; next: PageInput['cursor'] }> {
  const behind = cursor === null ? sql`` : sql`and (recorded_at, id) > (${cursor.at}, ${cursor.id})`;
  const page = sql`select id, recorded_at from journals where account_id = ${accountId}
    and recorded_at >= ${from} and recorded_at < ${to} ${behind} order by recorded_at, id limit ${limit}`;
  const { rows: journals } = await sql<{ id: string; recorded_at: number }>`${page}`.execute(db);
  const last = journals.at(-1);
  if (!last) return { movements: [], journals: 0, next: null };
  // Not JOIN: SQLite would go through all postings of the account.
  const { rows } = await sql<{ account: string; currency: string; debits: string; credits: string }>`
    select postings.ledger_account as account, postings.currency as currency,
      cast(coalesce(sum(case when postings.minor > 0 then postings.minor end), 0) as text) as debits,
      cast(coalesce(sum(case when postings.minor < 0 then -postings.minor end), 0) as text) as credits
    from (${page}) as looked cross join postings
    where postings.account_id = ${accountId} and postings.journal_id = looked.id
    group by postings.ledger_account, postings.currency`.execute(db);
  return {
    movements: rows.map(({ debits, credits, ...key }) => ({
      ...key,
      debits: fromSum(debits),
      credits: fromSum(credits),
    })),
    journals: journals.length,
    next: journals.length < limit ? null : { at: last.recorded_at, id: last.id },
  };
}

/** How each account stood at the end of the last standing month before; absent where nothing was booked on it until then. */
async function openingsOf(
  session: Session,
  accountId: string,
  keys: ReadonlyArray<{ readonly account: string; readonly currency: string }>,
  before: Instant,
): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  const named = keys.map(({ account, currency }) => ({ account, currency }));
  for (const part of chunked(named, KEYS_PER_READ)) {
    const wanted = rowsOf(session, { account: 'text', currency: 'text' }, part);
    const { rows } = await sql<{ account: string; currency: string; closing: string; to_at: number }>`
      select wanted.account, wanted.currency, kept.closing, periods.to_at from ${wanted} as wanted
      cross join period_lines as kept cross join periods
      where kept.account_id = ${accountId} and kept.ledger_account = wanted.account and kept.currency = wanted.currency
        and periods.account_id = ${accountId} and periods.id = kept.period_id and periods.reopened_at is null
        and periods.to_at <= ${before}
      order by periods.to_at`.execute(session.db);
    for (const row of rows) found.set(lineKey(row), fromSum(row.closing));
  }
  return found;
}

async function linesBehind(
  { db }: Session,
  accountId: string,
  periodId: string,
  after: { readonly account: string; readonly currency: string } | null,
  limit: number,
): Promise<PeriodLine[]> {
  const behind = after === null ? sql`` : sql`and (ledger_account, currency) > (${after.account}, ${after.currency})`;
  const { rows } = await sql<Row<'period_lines'>>`select * from period_lines
    where account_id = ${accountId} and period_id = ${periodId} ${behind}
    order by ledger_account, currency limit ${limit}`.execute(db);
  return rows.map(lineOf);
}

/** A close a month: a hundred years are 1,200. */
async function chainOf({ db }: Session, accountId: string): Promise<KeptPeriod[]> {
  const { rows } = await sql<Row<'periods'>>`select * from periods where account_id = ${accountId}
    order by number`.execute(db);
  return rows.map(periodOf);
}

async function lateOf({ db }: Session, accountId: string, from: Instant, to: Instant): Promise<LateBooking> {
  const late = sql`select id from journals where account_id = ${accountId}
    and effective_at >= ${from} and effective_at < ${to} and recorded_at >= ${to}`;
  const { rows: counted } = await sql<{ journals: number }>`select count(*) as journals from (${late}) as late`.execute(
    db,
  );
  const { rows } = await sql<{ account: string; currency: string; minor: string }>`
    select postings.ledger_account as account, postings.currency as currency, cast(sum(postings.minor) as text) as minor
    from (${late}) as late cross join postings
    where postings.account_id = ${accountId} and postings.journal_id = late.id
    group by postings.ledger_account, postings.currency`.execute(db);
  const sums = new Map<string, { kind: string; currency: string; minor: bigint }>();
  for (const { account, currency, minor } of rows) {
    const kind = kindOf(account);
    const before = sums.get(`${kind}\n${currency}`)?.minor ?? 0n;
    sums.set(`${kind}\n${currency}`, { kind, currency, minor: before + fromSum(minor) });
  }
  return {
    journals: Number(counted[0]?.journals ?? 0),
    sums: [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum),
  };
}

function periodOf(row: Row<'periods'>): KeptPeriod {
  return {
    id: row.id,
    number: row.number,
    month: row.period_month,
    body: row.body,
    hash: row.hash,
    signature: row.signature,
    keyId: row.key_id,
    closedAt: row.closed_at,
    reopened:
      row.reopened_at === null
        ? null
        : { at: row.reopened_at, by: row.reopened_by ?? '', reason: row.reopen_reason ?? '' },
  };
}

function closingOf(row: Row<'period_seals'>): ClosingPeriod {
  return {
    to: row.sealed_to,
    by: row.closing_by ?? '',
    reason: row.closing_reason,
    since: row.closing_since ?? 0,
    seenAt: row.closing_seen_at ?? 0,
    journals: row.closing_journals ?? 0,
    total: row.closing_total ?? 0,
  };
}

function lineOf(row: Row<'period_lines'>): PeriodLine {
  return {
    account: row.ledger_account,
    currency: row.currency,
    opening: fromSum(row.opening),
    debits: fromSum(row.debits),
    credits: fromSum(row.credits),
    closing: fromSum(row.closing),
  };
}
