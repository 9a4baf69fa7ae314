import { sql } from 'kysely';
import type { AppSettingsStore, KeptAppSettings } from '../application/ports/store.ts';
import type { Instant } from '../domain/time.ts';
import { settingsOf, toFlag, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { choicesIn, lookWhereOpened, programsIn } from './offers.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createAppSettingsStore(engine: Engine): AppSettingsStore {
  return {
    newest: (accountId, connectionId) => engine.read((session) => newestOf(session, accountId, connectionId)),

    choices: (accountId) => engine.read((session) => choicesIn(session, accountId)),

    save: (accountId, connectionId, settings, { basis, by, now }) =>
      engine.write(async (session) => {
        // Two people who save at once come one after the other, and the second one is told.
        await lockAccount(session, accountId);
        const before = await newestRow(session, accountId, connectionId);
        const newest = before && keptOf(before);
        if (newest && toJson(newest.settings) === toJson(settings)) return newest;
        const version = newest?.version ?? 0;
        if (version !== basis) return null;
        const choices = await choicesIn(session, accountId);
        // Of two nodes one clock may be behind: what is saved later holds later, and for no referral that has begun.
        const at = Math.max(now, newest?.at ?? 0, (await newestReferralAt(session, accountId)) + 1);
        const row: Row<'app_settings'> = {
          account_id: accountId,
          connection_id: connectionId,
          version: version + 1,
          settings: toJson(settings),
          changed_by: toText(by),
          changed_at: at,
          tells: toFlag(settings.notifications.length > 0),
          events_since: settings.events === 'on' ? (before?.events_since ?? at) : null,
        };
        await insertRows(session, 'app_settings', [row]);
        const programs = await programsIn(session, accountId);
        const chosen = [...choices, { connectionId, at: row.changed_at, programIds: settings.programs }];
        await lookWhereOpened(session, accountId, { programs, choices }, { programs, choices: chosen }, row.changed_at);
        return keptOf(row);
      }),
  };
}

/** 0 for an account without referrals. */
async function newestReferralAt({ db }: Session, accountId: string): Promise<Instant> {
  const { rows } = await sql<Pick<Row<'referrals'>, 'submitted_at'>>`select submitted_at
    from referrals where account_id = ${accountId} order by submitted_at desc limit 1`.execute(db);
  return rows[0]?.submitted_at ?? 0;
}

async function newestOf(session: Session, accountId: string, connectionId: string): Promise<KeptAppSettings | null> {
  const row = await newestRow(session, accountId, connectionId);
  return row && keptOf(row);
}

async function newestRow(
  { db }: Session,
  accountId: string,
  connectionId: string,
): Promise<Row<'app_settings'> | null> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} and connection_id = ${connectionId} order by version desc limit 1`.execute(db);
  return rows[0] ?? null;
}

function keptOf(row: Row<'app_settings'>): KeptAppSettings {
  return { version: row.version, settings: settingsOf(row), by: row.changed_by, at: row.changed_at };
}
