import { sql } from 'kysely';
import type { AccountSettingsStore, KeptSettings } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createAccountSettingsStore(engine: Engine): AccountSettingsStore {
  return {
    newest: <T>(accountId: string, kind: string) => engine.read((session) => newestOf<T>(session, accountId, kind)),

    save: <T>(
      accountId: string,
      kind: string,
      settings: T,
      { basis, by, now }: Parameters<AccountSettingsStore['save']>[3],
    ) =>
      engine.write(async (session) => {
        // Two people who save at once come one after the other, and the second one is told.
        await lockAccount(session, accountId);
        const newest = await newestOf<T>(session, accountId, kind);
        if (newest && toJson(newest.settings) === toJson(settings)) return newest;
        const version = newest?.version ?? 0;
        if (version !== basis) return null;
        const row: Row<'account_settings'> = {
          account_id: accountId,
          kind,
          version: version + 1,
          settings: toText(toJson(settings)),
          changed_by: toText(by),
          changed_at: now,
        };
        await insertRows(session, 'account_settings', [row]);
        return keptOf<T>(row);
      }),
  };
}

async function newestOf<T>({ db }: Session, accountId: string, kind: string): Promise<KeptSettings<T> | null> {
  const { rows } = await sql<Row<'account_settings'>>`select * from account_settings
    where account_id = ${accountId} and kind = ${kind} order by version desc limit 1`.execute(db);
  return rows[0] ? keptOf<T>(rows[0]) : null;
}

function keptOf<T>(row: Row<'account_settings'>): KeptSettings<T> {
  return { version: row.version, settings: fromJson<T>(row.settings), by: row.changed_by, at: row.changed_at };
}
