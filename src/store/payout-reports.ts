import { sql } from 'kysely';
import type { KeptPayoutReport, Page, PayoutReportStore } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row } from './schema.ts';

export function createPayoutReportStore(engine: Engine): PayoutReportStore {
  return {
    keep: (accountId, { id, report, from, to, by, at }) =>
      engine.write(async (session) => {
        await insertRows(session, 'payout_reports', [
          {
            account_id: accountId,
            id,
            provider: report.provider,
            from_at: from,
            to_at: to,
            report: toJson(report),
            made_by: toText(by),
            made_at: at,
          },
        ]);
      }),

    get: (accountId, id) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_reports'>>`select * from payout_reports
          where account_id = ${accountId} and id = ${id}`.execute(db);
        return rows[0] ? reportOf(rows[0]) : null;
      }),

    list: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<KeptPayoutReport>> => {
        const behind = cursor === null ? sql`` : sql`and (made_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'payout_reports'>>`select * from payout_reports
          where account_id = ${accountId} ${behind} order by made_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(reportOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.at, id: last.id } : null };
      }),
  };
}

function reportOf({ id, from_at, to_at, report, made_by, made_at }: Row<'payout_reports'>): KeptPayoutReport {
  return { id, from: from_at, to: to_at, report: fromJson(report), by: made_by, at: made_at };
}
