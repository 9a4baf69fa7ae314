import { sql } from 'kysely';
import type { Dialect, Engine } from '../dialect.ts';
import * as start from './0001-start.ts';

interface Migration {
  readonly name: string;
  statements(dialect: Dialect): string[];
}

/** In order; the position is the number in the file's name. */
const MIGRATIONS: readonly Migration[] = [start];

/** Any number that nothing else in the database takes an advisory lock on: "wonward" on a telephone's keys. */
const ADVISORY_LOCK = 9_669_273;

/** A large table can take minutes to index, and another node waits here until this one is through. */
const MIGRATION_TIMEOUT = '30min';

/**
 * Brings the database to this program's version, in one transaction: all of it or nothing, and whoever comes second waits and
 * finds it done.
 *
 * @throws Error when the database has migrations that this program does not know.
 */
export async function migrate(engine: Engine): Promise<void> {
  await engine.write(async ({ db, dialect }) => {
    const run = (text: string) => sql.raw(text).execute(db);
    if (dialect.name === 'postgres') {
      await run(`SET LOCAL lock_timeout = '${MIGRATION_TIMEOUT}'`);
      await run(`SET LOCAL statement_timeout = '${MIGRATION_TIMEOUT}'`);
      await run(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`);
    }
    const { int, text, table } = dialect.ddl;
    await run(
      `CREATE TABLE IF NOT EXISTS migrations (number ${int} NOT NULL PRIMARY KEY, name ${text} NOT NULL) ${table}`,
    );
    const { rows } = await sql<{ number: number; name: string }>`select number, name from migrations`.execute(db);
    for (const { number, name } of rows) {
      const known = MIGRATIONS[number - 1];
      if (known?.name !== name) {
        throw new Error(`The database has migration ${number} "${name}", which this version of Wonward does not know.`);
      }
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      const number = index + 1;
      if (rows.some((row) => row.number === number)) continue;
      for (const statement of migration.statements(dialect)) await run(statement);
      await sql`insert into migrations (number, name) values (${number}, ${migration.name})`.execute(db);
    }
  });
}
