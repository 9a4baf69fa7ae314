import { sql } from 'kysely';
import type { CaseTask, CaseTaskStore, WatchedConnection } from '../application/ports/store.ts';
import type { HeldRoute } from '../domain/notice.ts';
import type { Instant } from '../domain/time.ts';
import { settingsOf, toFlag, toText } from './codec.ts';
import { caseOf } from './desk.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** Joined crosswise, which on SQLite is their order: what is due is few, connections and cases are many. */
export function createCaseTaskStore(engine: Engine): CaseTaskStore {
  return {
    watched: (after, limit) =>
      engine.snapshot(async (session) => {
        const { rows } = await sql<{ account_id: string; connection_id: string }>`
          select s.account_id, s.connection_id from app_settings s cross join connections c
          where c.account_id = s.account_id and c.id = s.connection_id and c.status = 'connected' and s.tells = 1 and (s.account_id, s.connection_id) > (${after?.accountId ?? ''}, ${after?.connectionId ?? ''})
            and not exists (
              select 1 from app_settings later where later.account_id = s.account_id
                and later.connection_id = s.connection_id and later.version > s.version)
          order by s.account_id, s.connection_id limit ${limit}`.execute(session.db);
        const found: WatchedConnection[] = [];
        for (const { account_id: accountId, connection_id: connectionId } of rows)
          found.push({ accountId, connectionId, routes: await routesOf(session, accountId, connectionId) });
        return found;
      }),

    untold: ({ accountId, connectionId }, since, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'desk_cases'>>`
          select * from desk_cases where account_id = ${accountId} and state = 'open' and opened_at >= ${since}
            and not exists (
              select 1 from case_tasks t where t.account_id = desk_cases.account_id
                and t.connection_id = ${connectionId} and t.case_id = desk_cases.id)
          order by coalesce(due_at, 0), id limit ${limit}`.execute(db);
        return rows.map(caseOf);
      }),

    want: ({ accountId, connectionId }, cases, now) =>
      engine.write(async (session) => {
        const rows = cases.map(
          ({ caseId, assignee, isWanted }): Row<'case_tasks'> => ({
            account_id: accountId,
            connection_id: connectionId,
            case_id: caseId,
            state: isWanted ? 'wanted' : 'none',
            task_id: null,
            assignee: assignee === null ? null : toText(assignee),
            asked_at: null,
            due_at: isWanted ? now : null,
            attempts: 0,
            parked: 0,
            error: null,
            version: 1,
          }),
        );
        await insertRows(session, 'case_tasks', rows, 'on conflict do nothing');
      }),

    wanted: (now, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'case_tasks'>>`
          select t.* from case_tasks t cross join connections c
          where c.account_id = t.account_id and c.id = t.connection_id and c.status = 'connected' and t.state = 'wanted' and t.parked = 0 and t.due_at <= ${now}
          order by t.due_at limit ${limit}`.execute(db);
        return rows.map(taskOf);
      }),

    over: (now, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'case_tasks'>>`
          select t.* from case_tasks t cross join desk_cases d cross join connections c
          where d.account_id = t.account_id and d.id = t.case_id and d.state = 'decided'
            and c.account_id = t.account_id and c.id = t.connection_id and c.status = 'connected' and t.state = 'created' and t.parked = 0 and t.due_at <= ${now}
          order by t.due_at limit ${limit}`.execute(db);
        return rows.map(taskOf);
      }),

    save: (task, change) =>
      engine.write(async ({ db }) => {
        const next = { ...task, ...change, version: task.version + 1 };
        const { numUpdatedRows } = await db
          .updateTable('case_tasks')
          .set({
            state: next.state,
            task_id: next.taskId,
            asked_at: next.askedAt,
            due_at: next.dueAt,
            attempts: next.attempts,
            parked: toFlag(next.isParked),
            error: next.error === null ? null : toText(next.error),
            version: next.version,
          })
          .where('account_id', '=', task.accountId)
          .where('connection_id', '=', task.connectionId)
          .where('case_id', '=', task.caseId)
          .where('version', '=', task.version)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? next : null;
      }),
  };
}

/** Gives tasks that a CRM refused again and again another chance; returns how many. Of all connections of the account where none is named. */
export async function unparkCaseTasks(
  { db }: Session,
  accountId: string,
  connectionId: string | null,
  now: Instant,
): Promise<number> {
  const { numAffectedRows } = await sql`update case_tasks set parked = 0, attempts = 0, error = null, due_at = ${now},
      version = version + 1
    where account_id = ${accountId} and parked = 1 ${connectionId === null ? sql`` : sql`and connection_id = ${connectionId}`}`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0n);
}

/** Routes of the newest settings, each with the moment from which it has held without a break; whose it is may have changed since. */
async function routesOf({ db }: Session, accountId: string, connectionId: string): Promise<HeldRoute[]> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} and connection_id = ${connectionId} order by version desc`.execute(db);
  const versions = rows.map((row) => ({ at: row.changed_at, routes: settingsOf(row).notifications }));
  return (versions[0]?.routes ?? []).map((route) => {
    const without = versions.findIndex(
      ({ routes }) => !routes.some(({ notice, channel }) => notice === route.notice && channel === route.channel),
    );
    const first = versions[(without === -1 ? versions.length : without) - 1];
    return { ...route, since: first?.at ?? 0 };
  });
}

function taskOf(row: Row<'case_tasks'>): CaseTask {
  return {
    accountId: row.account_id,
    connectionId: row.connection_id,
    caseId: row.case_id,
    state: row.state as CaseTask['state'],
    taskId: row.task_id,
    assignee: row.assignee,
    askedAt: row.asked_at,
    dueAt: row.due_at,
    attempts: row.attempts,
    isParked: row.parked === 1,
    error: row.error,
    version: row.version,
  };
}
