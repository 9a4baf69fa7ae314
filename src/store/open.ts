import { sql } from 'kysely';
import type { Store } from '../application/ports/store.ts';
import { createAccountStore } from './accounts.ts';
import { createCaseStore } from './cases.ts';
import { createConnectionStore } from './connections.ts';
import type { Engine } from './dialect.ts';
import { createInboxStore } from './inbox.ts';
import { createLeaseStore } from './leases.ts';
import { migrate } from './migrations/migrate.ts';
import { createMirrorStore } from './mirror.ts';
import { createPayoutStore } from './payouts.ts';
import { openPostgres, type PostgresOptions } from './postgres.ts';
import { createProgramStore } from './programs.ts';
import { unpark } from './queue.ts';
import { createReadStore } from './reads.ts';
import { openSqlite } from './sqlite.ts';
import { createWorkStore } from './work.ts';

export interface StoreOptions extends PostgresOptions {
  /** `sqlite:./data/wonward.db`, `sqlite::memory:` or `postgres://user:password@host/database`. */
  readonly url: string;
}

/** Opens the database, brings it to this program's version, and makes the directory of a SQLite file. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const engine = await openEngine(options);
  try {
    await migrate(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return createStore(engine);
}

export async function openEngine({ url, ...options }: StoreOptions): Promise<Engine> {
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url, options);
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1];
  if (path !== undefined) return openSqlite(path);
  // The URL may hold a password, so the message does not repeat it.
  throw new Error('The database URL must begin with sqlite: or postgres://');
}

export function createStore(engine: Engine): Store {
  return {
    accounts: createAccountStore(engine),
    connections: createConnectionStore(engine),
    programs: createProgramStore(engine),
    inbox: createInboxStore(engine),
    work: createWorkStore(engine),
    cases: createCaseStore(engine),
    payouts: createPayoutStore(engine),
    mirror: createMirrorStore(engine),
    reads: createReadStore(engine),
    leases: createLeaseStore(engine),
    retryParked: (accountId, now) =>
      engine.write(async (session) => {
        let count = 0;
        for (const table of ['work', 'intents', 'mirror'] as const)
          count += await unpark(session, table, accountId, now);
        return count;
      }),
    ping: () =>
      engine.write(async ({ db }) => {
        // A write, since a disk that is full or read-only still reads.
        await sql`update probe set beats = beats + 1 where id = 1`.execute(db);
      }),
    close: () => engine.close(),
  };
}
