import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type Database, postgresDatabase, sqliteDatabase } from './database.ts';
import type { SiteKind } from './plan.ts';

/** One may be killed while another one stops and a third one works on. */
const POSTGRES_NODES = 3;

/** Where a run takes place: a database, and as many nodes on it as it can bear. */
export interface Site {
  readonly kind: SiteKind;
  readonly nodes: number;
  readonly database: Database;
  /** Null where the database is a file of the node's own. */
  readonly server: PostgresServer | null;
  close(): Promise<void>;
}

export async function openSite(kind: SiteKind): Promise<Site> {
  return kind === 'sqlite' ? sqliteSite() : postgresSite();
}

function sqliteSite(): Site {
  const directory = mkdtempSync(join(fastDirectory(), 'wonward-crash-'));
  return {
    kind: 'sqlite',
    nodes: 1,
    database: sqliteDatabase(join(directory, 'wonward.db')),
    server: null,
    async close() {
      if (process.env.CRASH_KEEP === undefined) rmSync(directory, { recursive: true, force: true });
      else console.log(`kept ${directory}`);
    },
  };
}

/** A server of the run's own, since it is killed. */
async function postgresSite(): Promise<Site> {
  const server = await startPostgres();
  const database = postgresDatabase(await server.freshDatabase());
  return {
    kind: 'postgres',
    nodes: POSTGRES_NODES,
    database,
    server,
    async close() {
      await database.close();
      await server.stop();
    },
  };
}

/** Three databases with their logs. */
const MEMORY_NEEDED_BYTES = 2 ** 29;

/**
 * In memory where there is enough of it: a killed process leaves the page cache as it is, so a disk would not be tried harder, only
 * waited for (half of a run was fsync on a busy machine).
 */
function fastDirectory(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > MEMORY_NEEDED_BYTES ? memory : tmpdir();
}
