import { sql } from 'kysely';
import type { AppSettingsStore, KeptAppSettings } from '../application/ports/store.ts';
import { type AppSettings, USUAL_APP_SETTINGS } from '../domain/app-settings.ts';
import type { ProgramChoice } from '../domain/program-choice.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, toFlag, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createAppSettingsStore(engine: Engine): AppSettingsStore {
  return {
    newest: (accountId, connectionId) => engine.read((session) => newestOf(session, accountId, connectionId)),

    choices: (accountId) => engine.read(async (session) => choicesOf(await settingsRows(session, accountId))),

    save: (accountId, connectionId, settings, { basis, by, now }) =>
      engine.write(async (session) => {
        // Two people who save at once come one after the other, and the second one is told.
        await lockAccount(session, accountId);
        const newest = await newestOf(session, accountId, connectionId);
        if (newest && toJson(newest.settings) === toJson(settings)) return newest;
        const version = newest?.version ?? 0;
        if (version !== basis) return null;
        const row: Row<'app_settings'> = {
          account_id: accountId,
          connection_id: connectionId,
          version: version + 1,
          settings: toJson(settings),
          changed_by: toText(by),
          // Of two nodes one clock may be behind: what is saved later holds later, and for no referral that has begun.
          changed_at: Math.max(now, newest?.at ?? 0, (await newestReferralAt(session, accountId)) + 1),
          tells: toFlag(settings.notifications.length > 0),
        };
        await insertRows(session, 'app_settings', [row]);
        return keptOf(row);
      }),
  };
}

/**
 * Whether nobody has chosen since. Until the transaction ends nobody can: who chooses waits for those that begin referrals, and they for them.
 * Asked after the referrals are written.
 */
export async function isStillChosen(session: Session, accountId: string, seen: number): Promise<boolean> {
  const { db, dialect } = session;
  await sql`select id from accounts where id = ${accountId} ${sql.raw(dialect.forShare('accounts'))}`.execute(db);
  return choicesOf(await settingsRows(session, accountId)).length === seen;
}

async function settingsRows({ db }: Session, accountId: string): Promise<Row<'app_settings'>[]> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} order by connection_id, version`.execute(db);
  return rows;
}

/** 0 for an account without referrals. */
async function newestReferralAt({ db }: Session, accountId: string): Promise<Instant> {
  const { rows } = await sql<Pick<Row<'referrals'>, 'submitted_at'>>`select submitted_at
    from referrals where account_id = ${accountId} order by submitted_at desc limit 1`.execute(db);
  return rows[0]?.submitted_at ?? 0;
}

async function newestOf({ db }: Session, accountId: string, connectionId: string): Promise<KeptAppSettings | null> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} and connection_id = ${connectionId} order by version desc limit 1`.execute(db);
  return rows[0] ? keptOf(rows[0]) : null;
}

function keptOf(row: Row<'app_settings'>): KeptAppSettings {
  return { version: row.version, settings: settingsOf(row), by: row.changed_by, at: row.changed_at };
}

/** What was saved before there was something to choose says nothing of it. */
export function settingsOf({ settings }: Pick<Row<'app_settings'>, 'settings'>): AppSettings {
  return { ...USUAL_APP_SETTINGS, ...fromJson<Partial<AppSettings>>(settings) };
}

/** Each time that something else was chosen; of connections for which nobody ever chose, nothing. Rows in the order of their versions. */
export function choicesOf(rows: readonly Row<'app_settings'>[]): ProgramChoice[] {
  return [...Map.groupBy(rows, (row) => row.connection_id).values()].flatMap((versions) => {
    let inForce = toJson(null);
    return versions.flatMap((row) => {
      const { programs: programIds } = settingsOf(row);
      const chosen = toJson(programIds);
      if (chosen === inForce) return [];
      inForce = chosen;
      return [{ connectionId: row.connection_id, at: row.changed_at, programIds }];
    });
  });
}
