import { type RawBuilder, sql } from 'kysely';
import type { HistoryOf, HistoryRelease, HistoryStore, Page, PageCursor } from '../application/ports/store.ts';
import type { Decision } from '../domain/decision.ts';
import type { Instant } from '../domain/time.ts';
import { decisionOf, fromJson, fromSum, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/**
 * A decision "history" holds while it is the newest of its chain: lost, deleted or released since, it is on no list any more. The outcome stands
 * in the text of each statement, or SQLite would not see that the index of nothing but history is enough.
 */
const HOLDS = sql`d.outcome = 'history' and not exists (
  select 1 from decisions newer
  where newer.account_id = d.account_id and newer.connection_id = d.connection_id and newer.deal_id = d.deal_id
    and newer.referral_id = d.referral_id and newer.rule_key = d.rule_key and newer.sequence > d.sequence)`;

export function createHistoryStore(engine: Engine): HistoryStore {
  return {
    list: (accountId, { limit, cursor }, of) =>
      engine.read(async ({ db }): Promise<Page<Decision>> => {
        const behind = cursor === null ? sql`` : sql`and (d.recorded_at, d.id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'decisions'>>`select d.* from decisions d
          where d.account_id = ${accountId} ${within(of)} and ${HOLDS} ${behind}
          order by d.recorded_at desc, d.id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(decisionOf);
        return { items, next: rows.length > limit ? cursorOf(items.at(-1)) : null };
      }),

    totals: (accountId, of) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{
          program_id: string;
          rule_key: string;
          currency: string;
          decisions: number;
          minor: string;
        }>`select d.program_id, d.rule_key, d.currency, count(*) as decisions, cast(sum(d.minor) as text) as minor
          from decisions d where d.account_id = ${accountId} ${within(of)} and ${HOLDS}
          group by d.program_id, d.rule_key, d.currency
          order by d.program_id, d.rule_key, d.currency`.execute(db);
        return rows.map(({ program_id, rule_key, currency, decisions, minor }) => ({
          programId: program_id,
          ruleKey: rule_key,
          count: Number(decisions),
          money: { minor: fromSum(minor), currency },
        }));
      }),

    next: (accountId, of, after, limit) =>
      engine.read(async ({ db, dialect }) => {
        if (of.decisionIds) {
          // A few that are named: found by their ids and put in order here, or a database goes through all of history to have them in order.
          const { rows: named } = await sql<Row<'decisions'>>`select d.* from decisions d
            where d.account_id = ${accountId} and ${dialect.isIn('d.id', of.decisionIds)} ${within(of)} and ${HOLDS}`.execute(
            db,
          );
          return named
            .map(decisionOf)
            .filter(({ recordedAt, id }) => after === null || isBehind({ at: recordedAt, id }, after))
            .sort((a, b) => a.recordedAt - b.recordedAt || (a.id < b.id ? -1 : 1))
            .slice(0, limit);
        }
        const behind = after === null ? sql`` : sql`and (d.recorded_at, d.id) > (${after.at}, ${after.id})`;
        const { rows } = await sql<Row<'decisions'>>`select d.* from decisions d
          where d.account_id = ${accountId} ${within(of)} and ${HOLDS} ${behind}
          order by d.recorded_at, d.id limit ${limit}`.execute(db);
        return rows.map(decisionOf);
      }),

    ask: (release) =>
      engine.write(async (session) => {
        const known = await releaseRow(session, release.accountId, release.id);
        if (!known) {
          await insertRows(session, 'history_releases', [rowFor(release)]);
          return { kind: 'asked', release };
        }
        return { kind: 'existing', release: releaseOf(known) };
      }),

    release: (accountId, id) =>
      engine.read(async (session) => {
        const row = await releaseRow(session, accountId, id);
        return row ? releaseOf(row) : null;
      }),

    releases: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<HistoryRelease>> => {
        const behind = cursor === null ? sql`` : sql`and (asked_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'history_releases'>>`select * from history_releases
          where account_id = ${accountId} ${behind} order by asked_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(releaseOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.askedAt, id: last.id } : null };
      }),

    running: () =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'history_releases'>>`select * from history_releases where state = 'running'
          order by account_id, id`.execute(db);
        return rows.map(releaseOf);
      }),

    change: (next) =>
      engine.write(async ({ db }) => {
        const row = rowFor(next);
        const { numAffectedRows } = await sql`update history_releases set state = ${row.state},
            approved_by = ${row.approved_by}, position_at = ${row.position_at}, position_id = ${row.position_id},
            released = ${row.released}, passed_over = ${row.passed_over}, updated_at = ${row.updated_at},
            version = ${row.version}
          where account_id = ${next.accountId} and id = ${next.id} and version = ${row.version - 1}`.execute(db);
        return numAffectedRows === 1n;
      }),
  };
}

function within({ programId, ruleKey, upTo }: HistoryOf): RawBuilder<unknown> {
  const parts = [
    ...(programId === undefined ? [] : [sql`and d.program_id = ${programId}`]),
    ...(ruleKey === undefined ? [] : [sql`and d.rule_key = ${ruleKey}`]),
    ...(upTo === undefined ? [] : [sql`and d.recorded_at <= ${upTo}`]),
  ];
  return parts.length === 0 ? sql`` : sql.join(parts, sql` `);
}

function isBehind(one: PageCursor, after: PageCursor): boolean {
  return one.at > after.at || (one.at === after.at && one.id > after.id);
}

function cursorOf(last: { readonly recordedAt: Instant; readonly id: string } | undefined): PageCursor | null {
  return last ? { at: last.recordedAt, id: last.id } : null;
}

async function releaseRow({ db }: Session, accountId: string, id: string) {
  const { rows } = await sql<Row<'history_releases'>>`select * from history_releases
    where account_id = ${accountId} and id = ${id}`.execute(db);
  return rows[0];
}

function rowFor(release: HistoryRelease): Row<'history_releases'> {
  const { position } = release;
  return {
    account_id: release.accountId,
    id: release.id,
    program_id: release.programId,
    rule_key: release.ruleKey,
    decision_ids: release.decisionIds === null ? null : toJson(release.decisionIds),
    asked_for: toJson(release.askedFor),
    state: release.state,
    why: toText(release.why),
    asked_by: toText(release.askedBy),
    asked_at: release.askedAt,
    approved_by: release.approvedBy === null ? null : toText(release.approvedBy),
    position_at: position?.at ?? null,
    position_id: position?.id ?? null,
    released: release.released,
    passed_over: release.passedOver,
    updated_at: release.updatedAt,
    version: release.version,
  };
}

function releaseOf(row: Row<'history_releases'>): HistoryRelease {
  return {
    accountId: row.account_id,
    id: row.id,
    programId: row.program_id,
    ruleKey: row.rule_key,
    decisionIds: row.decision_ids === null ? null : fromJson<string[]>(row.decision_ids),
    askedFor: fromJson<HistoryRelease['askedFor']>(row.asked_for),
    state: row.state as HistoryRelease['state'],
    why: row.why,
    askedBy: row.asked_by,
    askedAt: row.asked_at,
    approvedBy: row.approved_by,
    position:
      row.position_at === null || row.position_id === null ? null : { at: row.position_at, id: row.position_id },
    released: row.released,
    passedOver: row.passed_over,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
