import { sql } from 'kysely';
import type { BudgetEntry, Page, PageInput, ProgramStore } from '../application/ports/store.ts';
import type { Money } from '../domain/money.ts';
import { budgetTally } from '../domain/tally.ts';
import { fromMinor, toMinor, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { changeTallies, talliesOf } from './tallies.ts';

/** What goes into the budgets of programs. What goes out is told by the rewards that took it; the tally between them is what is left. */
export function createBudgetStore(engine: Engine): Pick<ProgramStore, 'fillBudget' | 'budget'> {
  return {
    fillBudget: (accountId, programId, { id, money, by, note }, now) =>
      engine.write(async (session) => {
        if (!(await isPublished(session, accountId, programId))) return { kind: 'no_such_program' };
        const inserted = await insertRows<'budget_entries', { id: string }>(
          session,
          'budget_entries',
          [
            {
              account_id: accountId,
              program_id: programId,
              id,
              currency: money.currency,
              minor: toMinor(money.minor),
              entered_by: toText(by),
              note: toText(note),
              entered_at: now,
            },
          ],
          'on conflict do nothing returning id',
        );
        if (inserted.length === 0) {
          const before = await entryOf(session, accountId, programId, id);
          const isSame = before?.money.currency === money.currency && before.money.minor === money.minor;
          return isSame ? { kind: 'existing', entry: before } : { kind: 'other_entry' };
        }
        const change = { ...budgetTally(programId, money.currency), count: 0, minor: money.minor, basis: null };
        await changeTallies(session, accountId, [change], now);
        return { kind: 'filled', entry: { id, money, by, note, at: now } };
      }),

    budget: (accountId, programId, page) =>
      engine.snapshot(async (session) => {
        if (!(await isPublished(session, accountId, programId))) return null;
        return {
          entries: await entriesOf(session, accountId, programId, page),
          left: await leftOf(session, accountId, programId),
        };
      }),
  };
}

async function isPublished({ db }: Session, accountId: string, programId: string): Promise<boolean> {
  const row = await db
    .selectFrom('programs')
    .select('program_id')
    .where('account_id', '=', accountId)
    .where('program_id', '=', programId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function entryOf(
  { db }: Session,
  accountId: string,
  programId: string,
  id: string,
): Promise<BudgetEntry | undefined> {
  const row = await db
    .selectFrom('budget_entries')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('program_id', '=', programId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && entryFrom(row);
}

async function entriesOf(
  { db }: Session,
  accountId: string,
  programId: string,
  { limit, cursor }: PageInput,
): Promise<Page<BudgetEntry>> {
  const after = cursor ? sql`and (entered_at, id) < (${cursor.at}, ${cursor.id})` : sql``;
  const { rows } = await sql<Row<'budget_entries'>>`select * from budget_entries
    where account_id = ${accountId} and program_id = ${programId} ${after}
    order by entered_at desc, id desc limit ${limit + 1}`.execute(db);
  const items = rows.slice(0, limit).map(entryFrom);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { at: last.at, id: last.id } : null };
}

async function leftOf(session: Session, accountId: string, programId: string): Promise<Money[]> {
  const tallies = await talliesOf(session, accountId, []);
  return [...tallies.values()]
    .filter(({ owner, key, currency }) => key === 'budget' && owner === budgetTally(programId, currency).owner)
    .map(({ minor, currency }) => ({ minor, currency }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

function entryFrom(row: Row<'budget_entries'>): BudgetEntry {
  return {
    id: row.id,
    money: { minor: fromMinor(row.minor), currency: row.currency },
    by: row.entered_by,
    note: row.note,
    at: row.entered_at,
  };
}
