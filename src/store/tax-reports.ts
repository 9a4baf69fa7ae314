import { sql } from 'kysely';
import type { KeptTaxReport, TaxPerson, TaxReportStore, TaxRow } from '../application/ports/store.ts';
import type { ContactFacts } from '../domain/record.ts';
import type { TaxState } from '../domain/tax.ts';
import { fromJson, fromSum } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { readFacts } from './records.ts';
import type { Row } from './schema.ts';

/** Where a beneficiary's money is, once it has left what is owed to them. */
const GIVEN = ['provider', 'credit', 'receivable'];

/** What people were given in a year. The sums are made page by page by whoever makes a report. */
export function createTaxReportStore(engine: Engine): TaxReportStore {
  return {
    start: (accountId, { id, year, settingsVersion, startedAt, startedBy }) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'tax_reports',
          [
            {
              account_id: accountId,
              id,
              tax_year: year,
              state: 'running',
              journals: 0,
              counts: '{}',
              settings_version: settingsVersion,
              started_at: startedAt,
              started_by: startedBy,
              finished_at: null,
            },
          ],
          'on conflict do nothing',
        );
        const { rows } = await sql<Row<'tax_reports'>>`select * from tax_reports
          where account_id = ${accountId} and tax_year = ${year} and state = 'running'`.execute(session.db);
        const [row] = rows;
        if (!row) throw new Error('a report that was begun is there');
        return reportOf(row);
      }),

    running: (limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'tax_reports'>>`select * from tax_reports where state = 'running'
          order by account_id, tax_year limit ${limit}`.execute(db);
        return rows.map((row) => ({ accountId: row.account_id, report: reportOf(row) }));
      }),

    note: (accountId, reportId, journals) =>
      engine.write(async ({ db }) => {
        await sql`update tax_reports set journals = ${journals}
          where account_id = ${accountId} and id = ${reportId} and state = 'running'`.execute(db);
      }),

    finish: (accountId, reportId, lists, now) =>
      engine.write(async (session) => {
        const { db } = session;
        const counts = Object.fromEntries([...lists].map(([list, rows]) => [list, rows.length]));
        const { rows: ended } = await sql<{ tax_year: number }>`update tax_reports
          set state = 'done', counts = ${JSON.stringify(counts)}, finished_at = ${now}
          where account_id = ${accountId} and id = ${reportId} and state = 'running' returning tax_year`.execute(db);
        const [own] = ended;
        if (!own) return false;
        for (const [list, rows] of lists)
          await insertRows(
            session,
            'tax_rows',
            rows.map((row, number) => ({
              account_id: accountId,
              report_id: reportId,
              list,
              number,
              body: bodyOf(row),
            })),
          );
        // What somebody was told of people a year ago is not kept beside what holds now.
        const older = sql`select id from tax_reports where account_id = ${accountId} and tax_year = ${own.tax_year}
          and state = 'done' and id <> ${reportId}`;
        await sql`delete from tax_rows where account_id = ${accountId} and report_id in (${older})`.execute(db);
        await sql`delete from tax_reports where account_id = ${accountId} and tax_year = ${own.tax_year}
          and state = 'done' and id <> ${reportId}`.execute(db);
        return true;
      }),

    ofYear: (accountId, year) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'tax_reports'>>`select * from tax_reports
          where account_id = ${accountId} and tax_year = ${year} order by started_at desc`.execute(db);
        const newest = (state: KeptTaxReport['state']) => rows.find((row) => row.state === state);
        const [done, running] = [newest('done'), newest('running')];
        return { done: done ? reportOf(done) : null, running: running ? reportOf(running) : null };
      }),

    rows: (accountId, reportId, list, after, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'tax_rows'>>`select * from tax_rows
          where account_id = ${accountId} and report_id = ${reportId} and list = ${list} and number > ${after}
          order by number limit ${limit}`.execute(db);
        return rows.map(({ number, body }) => ({ number, ...rowOf(body) }));
      }),

    given: (accountId, { from, to }, { limit, cursor }) =>
      engine.snapshot(async ({ db }) => {
        const behind = cursor === null ? sql`` : sql`and (recorded_at, id) > (${cursor.at}, ${cursor.id})`;
        const page = sql`select id, reward_id, recorded_at from journals where account_id = ${accountId}
          and recorded_at >= ${from} and recorded_at < ${to} ${behind} order by recorded_at, id limit ${limit}`;
        const { rows: journals } = await sql<{ id: string; recorded_at: number }>`${page}`.execute(db);
        const last = journals.at(-1);
        if (!last) return { sums: [], journals: 0, next: null };
        const isGiven = sql.join(
          GIVEN.map((kind) => sql`(ledger_account > ${`${kind}:`} and ledger_account < ${`${kind};`})`),
          sql` or `,
        );
        // Not JOIN: SQLite would go through all postings of the account.
        const { rows } = await sql<{ beneficiary: string; currency: string; minor: string }>`
          select rewards.beneficiary_id as beneficiary, postings.currency as currency,
            cast(sum(-postings.minor) as text) as minor
          from (${page}) as looked cross join postings cross join rewards
          where postings.account_id = ${accountId} and postings.journal_id = looked.id and (${isGiven})
            and rewards.account_id = ${accountId} and rewards.id = looked.reward_id
          group by rewards.beneficiary_id, postings.currency`.execute(db);
        return {
          sums: rows.map(({ beneficiary, currency, minor }) => ({
            beneficiaryId: beneficiary,
            money: { minor: fromSum(minor), currency },
          })),
          journals: journals.length,
          next: journals.length < limit ? null : { at: last.recorded_at, id: last.id },
        };
      }),

    people: (accountId, ids) =>
      engine.snapshot(async (session) => {
        const { db, dialect } = session;
        const { rows } = await sql<{
          id: string;
          name: string | null;
          email: string | null;
          connection_id: string | null;
          contact_id: string | null;
        }>`
          select id, name, email, connection_id, contact_id from members
            where account_id = ${accountId} and ${dialect.isIn('id', ids)}
          union all select id, friend_name as name, friend_email as email, connection_id, contact_id from referrals
            where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(db);
        const contacts = new Map<string, ContactFacts>();
        for (const [connectionId, group] of Map.groupBy(rows, (row) => row.connection_id)) {
          if (connectionId === null) continue;
          const wanted = group.flatMap(({ contact_id }) => contact_id ?? []);
          for (const facts of await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', wanted))
            contacts.set(`${connectionId} ${facts.ref.id}`, facts);
        }
        return new Map(
          rows.map(({ id, name, email, connection_id, contact_id }): [string, TaxPerson] => [
            id,
            { name, email, contact: contacts.get(`${connection_id} ${contact_id}`) ?? null },
          ]),
        );
      }),
  };
}

function bodyOf({ beneficiaryId, country, money, threshold }: TaxRow): string {
  const text = (of: TaxRow['money']) => ({ minor: String(of.minor), currency: of.currency });
  return JSON.stringify({
    beneficiaryId,
    country,
    money: text(money),
    threshold: threshold && { money: text(threshold.money), form: threshold.form },
  });
}

function rowOf(body: string): TaxRow {
  const { beneficiaryId, country, money, threshold } = JSON.parse(body) as {
    beneficiaryId: string;
    country: string | null;
    money: { minor: string; currency: string };
    threshold: { money: { minor: string; currency: string }; form: string } | null;
  };
  const of = ({ minor, currency }: { minor: string; currency: string }) => ({ minor: BigInt(minor), currency });
  return {
    beneficiaryId,
    country,
    money: of(money),
    threshold: threshold && { money: of(threshold.money), form: threshold.form },
  };
}

function reportOf(row: Row<'tax_reports'>): KeptTaxReport {
  return {
    id: row.id,
    year: row.tax_year,
    state: row.state as KeptTaxReport['state'],
    journals: row.journals,
    counts: fromJson<Partial<Record<TaxState, number>>>(row.counts),
    settingsVersion: row.settings_version,
    startedAt: row.started_at,
    startedBy: row.started_by,
    finishedAt: row.finished_at,
  };
}
