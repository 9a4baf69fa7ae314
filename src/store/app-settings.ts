import { sql } from 'kysely';
import type { AppSettingsStore, KeptAppSettings } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createAppSettingsStore(engine: Engine): AppSettingsStore {
  return {
    newest: (accountId, connectionId) => engine.read((session) => newestOf(session, accountId, connectionId)),

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
          changed_at: now,
        };
        await insertRows(session, 'app_settings', [row]);
        return keptOf(row);
      }),
  };
}

async function newestOf({ db }: Session, accountId: string, connectionId: string): Promise<KeptAppSettings | null> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} and connection_id = ${connectionId} order by version desc limit 1`.execute(db);
  return rows[0] ? keptOf(rows[0]) : null;
}

function keptOf(row: Row<'app_settings'>): KeptAppSettings {
  return { version: row.version, settings: fromJson(row.settings), by: row.changed_by, at: row.changed_at };
}
