import { sql } from 'kysely';
import type { ForecastStore, KeptForecast, PageCursor, StageChance } from '../application/ports/store.ts';
import { type ForecastLine, monthOfLine } from '../domain/forecast.ts';
import { AMOUNT_MINOR_MAX } from '../domain/money.ts';
import { dayNumber, type Instant } from '../domain/time.ts';
import { fromJson, memberOf, referralOf, toJson, toMinor } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** Of a line without an amount, and of one without a month: keys hold no nulls. */
const NONE = '';

/** In the very words of the index, which holds no others. */
const IS_OPEN = sql`stage in ('submitted', 'accepted', 'qualified', 'opportunity')`;

/** What open deals may still cost: counted page by page by whoever makes a forecast, and kept as it was found. */
export function createForecastStore(engine: Engine): ForecastStore {
  return {
    start: (accountId, { id, startedAt, startedBy }) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'forecasts',
          [
            {
              account_id: accountId,
              id,
              state: 'running',
              attempt: 0,
              looked: 0,
              started_at: startedAt,
              started_by: startedBy,
              finished_at: null,
              finished_day: null,
              body: null,
            },
          ],
          'on conflict do nothing',
        );
        const row = await runningOf(session, accountId);
        if (!row) throw new Error('a forecast that was begun is there');
        return keptOf(row);
      }),

    running: (limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Pick<Row<'forecasts'>, 'account_id' | 'id'>>`select account_id, id from forecasts
          where state = 'running' order by account_id limit ${limit}`.execute(db);
        return rows.map(({ account_id: accountId, id }) => ({ accountId, id }));
      }),

    begin: (accountId, forecastId) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql<{ attempt: number }>`update forecasts set attempt = attempt + 1, looked = 0
          where account_id = ${accountId} and id = ${forecastId} and state = 'running' returning attempt`.execute(db);
        return rows[0]?.attempt ?? null;
      }),

    addLines: (accountId, { forecastId, attempt, looked }, from, lines) =>
      engine.write(async (session) => {
        const { rows } = await sql`update forecasts set looked = ${looked} where account_id = ${accountId}
          and id = ${forecastId} and state = 'running' and attempt = ${attempt} returning id`.execute(session.db);
        if (rows.length === 0) return false;
        await insertRows(
          session,
          'forecast_lines',
          lines.map((line, index) => lineRow(accountId, forecastId, from + index, line)),
        );
        return true;
      }),

    finish: (accountId, { forecastId, attempt }, forecast, now) =>
      engine.write(async ({ db }) => {
        const day = dayNumber(now);
        const own = sql`account_id = ${accountId} and id = ${forecastId}`;
        const { rows } = await sql`select id from forecasts where ${own} and state = 'running'
          and attempt = ${attempt}`.execute(db);
        if (rows.length === 0) return false;
        await sql`delete from forecasts where account_id = ${accountId} and finished_day = ${day}`.execute(db);
        await sql`update forecasts set state = 'done', finished_at = ${now}, finished_day = ${day},
          body = ${toJson(forecast)} where ${own}`.execute(db);
        return true;
      }),

    dropLines: (accountId, { forecastId, attempt }, keptId, limit) =>
      engine.write(async ({ db }) => {
        const { rows: own } = await sql`select id from forecasts where account_id = ${accountId} and id = ${forecastId}
          and state = 'running' and attempt = ${attempt}`.execute(db);
        if (own.length === 0) return null;
        // Not "unequal": what is kept would be gone through for each part of what is not.
        const beside = keptId === null ? [sql``] : [sql`and forecast_id < ${keptId}`, sql`and forecast_id > ${keptId}`];
        for (const side of beside) {
          const { rows } = await sql<Row<'forecast_lines'>>`select forecast_id, currency, expected_month, place, number
            from forecast_lines where account_id = ${accountId} ${side}
            order by forecast_id, currency, expected_month, place, number limit ${limit}`.execute(db);
          const [first] = rows;
          if (!first) continue;
          // They come in the order of the key, so all of a forecast up to the last of its lines are these.
          const last = rows.findLast(({ forecast_id }) => forecast_id === first.forecast_id) ?? first;
          const { numAffectedRows } = await sql`delete from forecast_lines where account_id = ${accountId}
            and forecast_id = ${first.forecast_id} and (currency, expected_month, place, number)
              <= (${last.currency}, ${last.expected_month}, ${last.place}, ${last.number})`.execute(db);
          return Number(numAffectedRows ?? 0n);
        }
        return 0;
      }),

    prune: (accountId, before) =>
      engine.write(async ({ db }) => {
        await sql`delete from forecasts where account_id = ${accountId}
          and finished_day < ${dayNumber(before)}`.execute(db);
      }),

    newest: (accountId) =>
      engine.snapshot(async (session) => {
        const { rows } = await sql<Row<'forecasts'>>`select * from forecasts where account_id = ${accountId}
          and finished_day is not null order by finished_day desc limit 1`.execute(session.db);
        const running = await runningOf(session, accountId);
        return { done: rows[0] ? keptOf(rows[0]) : null, running: running ? keptOf(running) : null };
      }),

    since: (accountId, from: Instant) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'forecasts'>>`select * from forecasts where account_id = ${accountId}
          and finished_day >= ${dayNumber(from)} order by finished_day`.execute(db);
        return rows.map(keptOf);
      }),

    lines: (accountId, forecastId, { currency, month }, { limit, cursor }) =>
      engine.read(async ({ db }) => {
        const behind = cursor === null ? sql`` : sql`and (place, number) > (${cursor.at}, ${numberOf(cursor)})`;
        const { rows } = await sql<Row<'forecast_lines'>>`select * from forecast_lines
          where account_id = ${accountId} and forecast_id = ${forecastId} and currency = ${currency ?? NONE}
            and expected_month = ${month ?? NONE} ${behind}
          order by place, number limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit);
        const last = items.at(-1);
        return {
          items: items.map(({ number, body }) => ({ number, ...fromJson<ForecastLine>(body) })),
          next: rows.length > limit && last ? { at: last.place, id: `${LINE_ID}${last.number}` } : null,
        };
      }),

    openReferrals: (accountId, after, limit) =>
      engine.snapshot(async ({ db, dialect }) => {
        const { rows } = await sql<Row<'referrals'>>`select * from referrals where account_id = ${accountId}
          and ${IS_OPEN} and id > ${after} order by id limit ${limit}`.execute(db);
        const withDeal = new Set<string>();
        for (const [connectionId, group] of Map.groupBy(rows, (row) => row.connection_id)) {
          if (connectionId === null) continue;
          const contacts = group.flatMap(({ contact_id }) => contact_id ?? []);
          const { rows: found } = await sql<{ contact_id: string }>`select distinct contact_id from record_links
            where account_id = ${accountId} and connection_id = ${connectionId}
              and ${dialect.isIn('contact_id', contacts)}`.execute(db);
          for (const { contact_id } of found) withDeal.add(`${connectionId} ${contact_id}`);
        }
        const shown = rows.filter((row) => withDeal.has(`${row.connection_id} ${row.contact_id}`));
        const { rows: memberRows } =
          shown.length === 0
            ? { rows: [] }
            : await sql<Row<'members'>>`select * from members where account_id = ${accountId}
                and ${dialect.isIn('id', [...new Set(shown.map((row) => row.member_id))])}`.execute(db);
        const members = new Map(memberRows.map((row) => [row.id, memberOf(row)]));
        return {
          items: shown.flatMap((row) => {
            const member = members.get(row.member_id);
            return member ? [{ referral: referralOf(row), member }] : [];
          }),
          looked: rows.length,
          next: rows.length < limit ? null : (rows.at(-1)?.id ?? null),
        };
      }),

    prospects: (accountId, connectionId, dealIds) =>
      engine.read(async ({ db, dialect }) => {
        if (dealIds.length === 0) return new Map();
        const { rows } = await sql<Pick<Row<'records'>, 'record_id' | 'chance' | 'closes_at'>>`
          select record_id, chance, closes_at from records where account_id = ${accountId}
            and connection_id = ${connectionId} and object = 'deal' and ${dialect.isIn('record_id', dealIds)}`.execute(
          db,
        );
        return new Map(rows.map(({ record_id, chance, closes_at: closesAt }) => [record_id, { chance, closesAt }]));
      }),

    stageChances: (accountId, connectionId) => engine.read((session) => chancesOf(session, accountId, connectionId)),

    friends: (accountId, referralIds) =>
      engine.read(async ({ db, dialect }) => {
        if (referralIds.length === 0) return new Map();
        const { rows } = await sql<Pick<Row<'referrals'>, 'id' | 'friend_name' | 'friend_email'>>`
          select id, friend_name, friend_email from referrals
            where account_id = ${accountId} and ${dialect.isIn('id', referralIds)}`.execute(db);
        return new Map(rows.map((row) => [row.id, row.friend_name ?? row.friend_email]));
      }),
  };
}

/** Keeps what a CRM gives its stages, where it is another than before; inside whoever holds the connection. */
export async function keepStageChances(
  session: Session,
  accountId: string,
  connectionId: string,
  chances: readonly StageChance[],
): Promise<void> {
  const { db } = session;
  const inOneOrder = chances.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const before = await chancesOf(session, accountId, connectionId);
  if (JSON.stringify(before.map(textOf)) === JSON.stringify(inOneOrder.map(textOf))) return;
  await sql`delete from stage_chances where account_id = ${accountId} and connection_id = ${connectionId}`.execute(db);
  await insertRows(
    session,
    'stage_chances',
    inOneOrder.map(({ pipelineId, stageId, chance }) => ({
      account_id: accountId,
      connection_id: connectionId,
      pipeline_id: pipelineId,
      stage_id: stageId,
      chance,
    })),
  );
}

async function chancesOf({ db }: Session, accountId: string, connectionId: string): Promise<StageChance[]> {
  const { rows } = await sql<Row<'stage_chances'>>`select * from stage_chances where account_id = ${accountId}
    and connection_id = ${connectionId} order by pipeline_id, stage_id`.execute(db);
  return rows.map(({ pipeline_id: pipelineId, stage_id: stageId, chance }) => ({ pipelineId, stageId, chance }));
}

function keyOf({ pipelineId, stageId }: StageChance): string {
  return `${pipelineId}\n${stageId}`;
}

function textOf(one: StageChance): string {
  return `${keyOf(one)}\n${one.chance}`;
}

async function runningOf({ db }: Session, accountId: string): Promise<Row<'forecasts'> | undefined> {
  const { rows } = await sql<Row<'forecasts'>>`select * from forecasts
    where account_id = ${accountId} and state = 'running'`.execute(db);
  return rows[0];
}

function lineRow(accountId: string, forecastId: string, number: number, line: ForecastLine): Row<'forecast_lines'> {
  return {
    account_id: accountId,
    forecast_id: forecastId,
    currency: line.money?.currency ?? NONE,
    // Those without an amount are looked at together.
    expected_month: line.money ? (monthOfLine(line) ?? NONE) : NONE,
    place: line.money ? placeOf(line.money.minor) : 0,
    number,
    referral_id: line.referralId,
    body: toJson(line),
  };
}

/** The largest first. Never below zero, and never of more than 15 digits: places are written into cursors. */
function placeOf(minor: bigint): number {
  const place = AMOUNT_MINOR_MAX - 1n - minor;
  return toMinor(place < 0n ? 0n : place);
}

/** A cursor names a row by something that looks like an id. */
const LINE_ID = 'fcl_';

function numberOf({ id }: PageCursor): number {
  const digits = id.slice(LINE_ID.length);
  return /^[0-9]{1,15}$/.test(digits) ? Number(digits) : 0;
}

function keptOf(row: Row<'forecasts'>): KeptForecast {
  return {
    id: row.id,
    state: row.state as KeptForecast['state'],
    looked: row.looked,
    startedAt: row.started_at,
    startedBy: row.started_by,
    finishedAt: row.finished_at,
    forecast: row.body === null ? null : fromJson(row.body),
  };
}
