import { type RawBuilder, sql } from 'kysely';
import type {
  ClaimedReward,
  JournalFilter,
  LedgerAccount,
  LedgerStore,
  Page,
  PageInput,
} from '../application/ports/store.ts';
import type { Journal } from '../domain/ledger.ts';
import { fromSum, journalOf, rewardOf } from './codec.ts';
import type { Engine } from './dialect.ts';
import { LEDGER_KIND, waitingJournals } from './figures.ts';
import { postingsOf } from './reads.ts';
import type { Row, Session } from './schema.ts';

/** Journals that one page looks at when a filter picks among them; a few milliseconds of reading. */
const LOOKED_AT_MAX = 5_000;
/** For each row of a page, before that many are: what is asked for mostly hits every second or fourth. */
const LOOKED_AT_FIRST = 8;

/** Ledger accounts of these are each one person's; the others are a handful: programs and providers. */
const OF_PEOPLE = ['held', 'payable', 'credit', 'receivable'];

/** What finance reads. Sums are kept by `figures.ts`, with what waits for it added; lists go by keys. */
export function createLedgerStore(engine: Engine): LedgerStore {
  return {
    sums: (accountId) =>
      engine.read(async ({ db }) => {
        const kindOf = sql.raw(LEDGER_KIND);
        // One statement, and so one moment: what a fold has taken is in the sums, and what it has not is among those that wait.
        const { rows } = await sql<{ kind: string; currency: string; minor: string; accounts: string }>`
          select kind, currency, cast(sum(minor) as text) as minor, cast(sum(accounts) as text) as accounts from (
            select label as kind, currency, minor, n as accounts from figures
              where account_id = ${accountId} and measure = 'balance' and day = 0
            union all select ${kindOf}, currency, sum(minor), sum(case when exists (
                select 1 from ledger_sums where account_id = ${accountId}
                  and ledger_account = new.ledger_account and currency = new.currency) then 0 else 1 end)
              from (select p.ledger_account, p.currency, sum(p.minor) as minor
                from (${waitingJournals(accountId)}) as waiting cross join postings p
                where p.account_id = ${accountId} and p.journal_id = waiting.id
                group by p.ledger_account, p.currency) as new
              group by ${kindOf}, currency) as parts
          group by kind, currency order by kind, currency`.execute(db);
        return rows.map(({ kind, currency, minor, accounts }) => ({
          kind,
          currency,
          minor: fromSum(minor),
          accounts: Number(accounts),
        }));
      }),

    accounts: (accountId, page, of) => engine.snapshot((session) => accountsOf(session, accountId, page, of)),

    journals: (accountId, page, filter) =>
      engine.snapshot(async (session) => {
        const { rows, next } = await journalRows(session, accountId, page, filter);
        const postings = await postingsOf(
          session,
          accountId,
          rows.map(({ id }) => id),
        );
        return { items: rows.map((row): Journal => journalOf(row, postings.get(row.id) ?? [])), next };
      }),

    claimed: (accountId, page) => engine.snapshot((session) => claimedOf(session, accountId, page)),
  };
}

async function accountsOf(
  session: Session,
  accountId: string,
  { limit, cursor }: PageInput,
  { kind, currency, account: only }: Parameters<LedgerStore['accounts']>[2],
): Promise<Page<LedgerAccount>> {
  const isPaged = OF_PEOPLE.includes(kind);
  // The character after the colon ends the names that begin with the word.
  const from = cursor && isPaged ? accountNamed(kind, cursor.id) : `${kind}:`;
  const { rows } = await sql<{ ledger_account: string; minor: string }>`
    select ledger_account, cast(sum(minor) as text) as minor from postings
    where account_id = ${accountId} and ledger_account > ${from} and ledger_account < ${`${kind};`}
      and currency = ${currency} ${only === undefined ? sql`` : sql`and ledger_account = ${only}`}
    group by ledger_account having sum(minor) <> 0 order by ledger_account
    ${isPaged ? sql`limit ${limit + 1}` : sql``}`.execute(session.db);
  const shown = isPaged ? rows.slice(0, limit) : rows;
  const ids = shown.flatMap(({ ledger_account }) => beneficiaryIn(ledger_account) ?? []);
  const names = await namesOf(session, accountId, ids);
  const items = shown.map(({ ledger_account: account, minor }): LedgerAccount => {
    const beneficiaryId = beneficiaryIn(account);
    return { account, currency, minor: fromSum(minor), beneficiaryId, name: names.get(beneficiaryId ?? '') ?? null };
  });
  const last = items.at(-1)?.beneficiaryId;
  return { items, next: isPaged && rows.length > limit && last ? { at: 0, id: last } : null };
}

function accountNamed(kind: string, beneficiaryId: string): string {
  return `${kind}:${beneficiaryId.startsWith('ref_') ? 'friend' : 'member'}:${beneficiaryId}`;
}

function beneficiaryIn(account: string): string | null {
  const [kind = '', , id = null] = account.split(':');
  return OF_PEOPLE.includes(kind) ? id : null;
}

/** Of members, and of friends by their referrals: the name, or the address where there is none. */
async function namesOf(
  { db, dialect }: Session,
  accountId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; name: string | null }>`
    select id, coalesce(name, email) as name from members
      where account_id = ${accountId} and ${dialect.isIn('id', ids)}
    union all select id, coalesce(friend_name, friend_email) as name from referrals
      where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(db);
  return new Map(rows.map(({ id, name }) => [id, name]));
}

async function journalRows(
  session: Session,
  accountId: string,
  { limit, cursor }: PageInput,
  { rewardId, account, currency, kind, from, to }: JournalFilter,
): Promise<{ rows: Row<'journals'>[]; next: { at: number; id: string } | null }> {
  const { db, dialect } = session;
  const after = cursor ? [sql`(recorded_at, id) < (${cursor.at}, ${cursor.id})`] : [];
  const within = [
    ...(from === undefined ? [] : [sql`recorded_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`recorded_at < ${to}`]),
  ];
  const isOfKind = kind === undefined ? [] : [sql`kind = ${kind}`];
  const newest = sql`order by recorded_at desc, id desc`;
  if (rewardId === undefined && account !== undefined && beneficiaryIn(account) !== null) {
    // What one person was ever owed: few, found by the index of the account, and put in order here (see `cases.ts` for why).
    const { rows: booked } = await sql<{ journal_id: string }>`
      select journal_id from postings where account_id = ${accountId} and ledger_account = ${account}
        ${currency === undefined ? sql`` : sql`and currency = ${currency}`}`.execute(db);
    const ids = [...new Set(booked.map(({ journal_id }) => journal_id))];
    const conditions = [sql`account_id = ${accountId}`, dialect.isIn('id', ids), ...[...after, ...within, ...isOfKind]];
    const { rows } = await sql<Row<'journals'>>`
      select * from journals where ${sql.join(conditions, sql` and `)}`.execute(db);
    return pageOfRows(rows.sort(newestFirst), limit);
  }
  const looked = [
    sql`account_id = ${accountId}`,
    ...(rewardId === undefined ? [] : [sql`reward_id = ${rewardId}`]),
    ...[...after, ...within],
  ];
  // By the journal's own lines: the column bare would have SQLite go through every posting of the account for each journal.
  const picks: RawBuilder<unknown>[] = [
    ...isOfKind,
    ...(account === undefined
      ? []
      : [
          sql`exists (select 1 from postings where account_id = ${accountId} and journal_id = looked.id
            and ledger_account || '' = ${account} ${currency === undefined ? sql`` : sql`and currency = ${currency}`})`,
        ]),
  ];
  if (picks.length === 0) {
    const { rows } = await sql<Row<'journals'>>`select * from journals where ${sql.join(looked, sql` and `)}
      ${newest} limit ${limit + 1}`.execute(db);
    return pageOfRows(rows, limit);
  }
  const look = async (most: number) => {
    const { rows: candidates } = await sql<Row<'journals'> & { is_picked: number }>`
      select looked.*, case when ${sql.join(picks, sql` and `)} then 1 else 0 end as is_picked from (
        select * from journals where ${sql.join(looked, sql` and `)} ${newest} limit ${most}) as looked
      ${newest}`.execute(db);
    const found = pageOfRows(
      candidates.filter(({ is_picked }) => Number(is_picked) === 1),
      limit,
    );
    const end = candidates.at(-1);
    const isEnd = found.next !== null || candidates.length < most || !end;
    return { isEnd, ...found, next: isEnd ? found.next : { at: end.recorded_at, id: end.id } };
  };
  const first = await look(LOOKED_AT_FIRST * limit);
  return first.isEnd ? first : look(LOOKED_AT_MAX);
}

function newestFirst(a: Row<'journals'>, b: Row<'journals'>): number {
  return b.recorded_at - a.recorded_at || (a.id < b.id ? 1 : -1);
}

function pageOfRows(found: readonly Row<'journals'>[], limit: number) {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last ? { at: last.recorded_at, id: last.id } : null };
}

/** In the words of `rewards_claimed`, which holds no others. Credit is taken back from the credit itself, and nobody owes it. */
async function claimedOf(
  session: Session,
  accountId: string,
  { limit, cursor }: PageInput,
): Promise<Page<ClaimedReward>> {
  const { db, dialect } = session;
  const { rows } = await sql<Row<'rewards'>>`select * from rewards
    where account_id = ${accountId} and (state = 'clawed_back' or clawed_back > 0) and payout <> 'credit'
      ${cursor ? sql`and (created_at, id) < (${cursor.at}, ${cursor.id})` : sql``}
    order by created_at desc, id desc limit ${limit + 1}`.execute(db);
  const rewards = rows.slice(0, limit).map(rewardOf);
  const owing = (id: string) => accountNamed('receivable', id);
  const ids = [...new Set(rewards.map(({ beneficiaryId }) => beneficiaryId))];
  const names = await namesOf(session, accountId, ids);
  const { rows: debts } = await sql<{ ledger_account: string; currency: string; minor: string }>`
    select ledger_account, currency, cast(sum(minor) as text) as minor from postings
    where account_id = ${accountId} and ${dialect.isIn('ledger_account', ids.map(owing))}
    group by ledger_account, currency`.execute(db);
  const debtOf = new Map(
    debts.map(({ ledger_account, currency, minor }) => [`${ledger_account} ${currency}`, fromSum(minor)]),
  );
  const items = rewards.map((reward): ClaimedReward => {
    const debt = debtOf.get(`${owing(reward.beneficiaryId)} ${reward.money.currency}`) ?? 0n;
    return { reward, name: names.get(reward.beneficiaryId) ?? null, debtMinor: debt > 0n ? debt : 0n };
  });
  const last = rewards.at(-1);
  return { items, next: rows.length > limit && last ? { at: last.createdAt, id: last.id } : null };
}
