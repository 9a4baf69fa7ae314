import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type TransactionSettings,
} from 'kysely';
import { createEngine, type Dialect, type Engine, pause } from './dialect.ts';
import type { Schema } from './schema.ts';

/** How long SQLite itself waits for another process's write: it sleeps on our only thread, so not longer than a slow fsync. */
const BUSY_TIMEOUT_MS = 20;

/** How long we go on asking after that, without holding up the thread. */
const BUSY_PATIENCE_MS = 15_000;

const BUSY_PAUSE_MS = 5;

/** Pages in the log before it is copied back: 10,000 instead of 1,000 gave 9 to 16 % more commits of 100 rows a second. */
const WAL_PAGES = 10_000;

/**
 * Its statements run on the thread that answers requests: 500 records at once held up a webhook for 180 ms, with a million referrals for longer.
 * Fewer than this would save little of it and write the same pages more often.
 */
const TOGETHER_MAX = 64;

/** Statements kept prepared. The store has about 150, of which 50 have up to seven sizes; the rest is room for those that vary with a filter. */
const STATEMENTS_KEPT_MAX = 600;

export interface SqliteOptions {
  /** Hears every statement with its values in place, as a test that asks for its plan needs. */
  readonly onStatement?: (text: string) => void;
  /** Whether what is committed has to survive the machine; absent: of course. False for a database that can be made again from what made it. */
  readonly isFlushed?: boolean;
}

export async function openSqlite(path: string, { onStatement, isFlushed = true }: SqliteOptions = {}): Promise<Engine> {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, {
    timeout: BUSY_TIMEOUT_MS,
    ...(onStatement ? { verbose: (text: unknown) => onStatement(String(text)) } : {}),
  });
  try {
    // The switch to WAL needs the file alone and asks no busy handler; two processes may open a new file at once.
    await patiently(() => database.pragma('journal_mode = WAL'));
    await patiently(() => database.pragma(`synchronous = ${isFlushed ? 'FULL' : 'OFF'}`));
    database.pragma('foreign_keys = ON');
    // Who asked to be forgotten must not go on lying in freed pages of the file.
    database.pragma('secure_delete = ON');
    // INSERT OR REPLACE would otherwise delete a row without the trigger that refuses it.
    database.pragma('recursive_triggers = ON');
    database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => sqliteDriver(database),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  return createEngine(db, sqliteDialect);
}

export const sqliteDialect: Dialect = {
  name: 'sqlite',
  ddl: {
    int: 'INTEGER',
    text: 'TEXT',
    // AUTOINCREMENT: without it SQLite gives the numbers of deleted rows out again.
    sequence: 'INTEGER PRIMARY KEY AUTOINCREMENT',
    table: 'STRICT',
    compact: 'STRICT, WITHOUT ROWID',
    appendOnly: (table) =>
      ['UPDATE', 'DELETE'].map(
        (verb) => `CREATE TRIGGER ${table}_no_${verb.toLowerCase()} BEFORE ${verb} ON ${table}
          BEGIN SELECT RAISE(ABORT, 'append_only: ${table} are appended, never changed or deleted'); END`,
      ),
    appendOnlyBut: (table, allowed) =>
      (['update', 'delete'] as const).flatMap((verb) => [
        `DROP TRIGGER ${table}_no_${verb}`,
        `CREATE TRIGGER ${table}_no_${verb} BEFORE ${verb.toUpperCase()} ON ${table}
          ${allowed[verb] === undefined ? '' : `WHEN NOT (${allowed[verb]})`}
          BEGIN SELECT RAISE(ABORT, 'append_only: ${table} are appended, never changed or deleted'); END`,
      ]),
    sealJournals: () => [
      `CREATE TRIGGER postings_before_insert BEFORE INSERT ON postings BEGIN
        SELECT RAISE(ABORT, 'posting_out_of_order: the lines of a journal are numbered from 0 without a gap')
          WHERE NEW.line > 0 AND NOT EXISTS (SELECT 1 FROM postings
            WHERE account_id = NEW.account_id AND journal_id = NEW.journal_id AND line = NEW.line - 1);
        SELECT RAISE(ABORT, 'journal_sealed: no posting can be added to a journal that exists')
          WHERE EXISTS (SELECT 1 FROM journals WHERE account_id = NEW.account_id AND id = NEW.journal_id);
      END`,
      `CREATE TRIGGER journals_before_insert BEFORE INSERT ON journals BEGIN
        SELECT RAISE(ABORT, 'journal_unbalanced: a journal needs two postings or more that add up to zero per currency')
          WHERE (SELECT count(*) FROM postings WHERE account_id = NEW.account_id AND journal_id = NEW.id) < 2
            OR EXISTS (SELECT 1 FROM postings WHERE account_id = NEW.account_id AND journal_id = NEW.id
                       GROUP BY currency HAVING sum(minor) <> 0);
      END`,
    ],
    afterChange: (table, { on, when, run }) => [
      `CREATE TRIGGER ${table}_after_${on} AFTER ${on.toUpperCase()} ON ${table} ${when === undefined ? '' : `WHEN ${when}`}
        BEGIN ${run}; END`,
    ],
    sealPeriods: () => [
      `CREATE TRIGGER journals_in_open_period BEFORE INSERT ON journals BEGIN
        SELECT RAISE(ABORT, 'period_closed: a closed month takes no journal')
          WHERE EXISTS (SELECT 1 FROM period_seals WHERE account_id = NEW.account_id AND sealed_to > NEW.recorded_at);
      END`,
    ],
  },
  // One writer at a time: whoever is in a writing transaction is alone.
  // There is one writer.
  lockFor: async () => {},
  skipLocked: () => sql``,
  forUpdate: () => '',
  forChange: () => '',
  forShare: () => '',
  isIn: (column, values) => sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`,
  rowsAround: (columns) => [
    `(select ${Object.keys(columns)
      .map((name) => `value ->> '$.${name}' as ${name}`)
      .join(', ')} from json_each(`,
    '))',
  ],
  firstParameter: '?',
  bindsEachValue: true,
  togetherMax: TOGETHER_MAX,
  isUniqueViolation: (error) =>
    codeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE' ||
    codeOf(error) === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    // The trigger looks before the unique key does: the same journal, booked a second time; or its month was closed meanwhile.
    (codeOf(error) === 'SQLITE_CONSTRAINT_TRIGGER' && /journal_sealed|period_closed/.test(String(error))),
  // A writing transaction waits for the lock before it begins, and once it has it nobody is in its way.
  isContention: () => false,
  isConnectionEnded: () => false,
};

function codeOf(error: unknown): unknown {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

function isBusy(error: unknown): boolean {
  return String(codeOf(error)).startsWith('SQLITE_BUSY');
}

async function patiently<T>(attempt: () => T): Promise<T> {
  const giveUpAt = performance.now() + BUSY_PATIENCE_MS;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
      await pause(BUSY_PAUSE_MS * (0.5 + Math.random()));
    }
  }
}

/**
 * The same statement with a plus before each parameter, which changes no value. SQLite lets a bare parameter that is compared without an index,
 * or is a limit, have its say in the plan. Such a statement counts as outdated once its values are cleared, as better-sqlite3 does after each run,
 * and is parsed and planned anew every time: 30 µs instead of 3 for one row by its key and in order, 300 instead of 60 for a claim.
 */
export function plannedOnce(text: string): string {
  // What is quoted stays as it is.
  return text.replace(/'[^']*'|"[^"]*"|\?/g, (part) => (part === '?' ? '+?' : part));
}

/**
 * Kysely's own driver prepares every statement anew (three times slower) and begins every transaction as a reader, which fails
 * when two readers want to write. This one keeps statements and takes the write lock first; Kysely lets one caller in at a time.
 */
function sqliteDriver(database: Database.Database): Driver {
  const statements = new Map<string, Database.Statement>();

  function prepared(text: string): Database.Statement {
    let statement = statements.get(text);
    // Taken out and put back: the map's order is then the order of last use.
    if (statement) statements.delete(text);
    else statement = database.prepare(plannedOnce(text));
    statements.set(text, statement);
    if (statements.size > STATEMENTS_KEPT_MAX) {
      for (const oldest of statements.keys()) {
        statements.delete(oldest);
        break;
      }
    }
    return statement;
  }

  function execute<R>({ sql: text, parameters }: Pick<CompiledQuery, 'sql' | 'parameters'>): QueryResult<R> {
    const statement = prepared(text);
    if (statement.reader) return { rows: statement.all(...parameters) as R[] };
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  const connection: DatabaseConnection = {
    executeQuery: async (query) => (database.inTransaction ? execute(query) : patiently(() => execute(query))),
    streamQuery: () => {
      throw new Error('streaming is not used');
    },
  };

  return {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: async (_, { accessMode }: TransactionSettings) => {
      const text = accessMode === 'read only' ? 'begin deferred' : 'begin immediate';
      await patiently(() => prepared(text).run());
    },
    commitTransaction: async () => void prepared('commit').run(),
    rollbackTransaction: async () => {
      // A full disk has rolled back already.
      if (database.inTransaction) prepared('rollback').run();
    },
    destroy: async () => void database.close(),
  };
}
