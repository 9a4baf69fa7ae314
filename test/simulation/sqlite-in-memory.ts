import Database from 'better-sqlite3';

/**
 * Takes the place of `better-sqlite3` under `src/store/sqlite.ts`: every database of a thread is the same one, migrated once and emptied
 * before it is opened again, with its statements prepared. To open, migrate and prepare anew took a third of a history's time. All else
 * is SQLite itself.
 */
let kept: Database.Database | null = null;
let isMigrated = false;
let isBeingEmptied = false;
/** What holds rows of a history, those first that others refer to last. */
let tables: string[] = [];

/** The database that was opened last, for looking into it from outside. */
export function openedLast(): Database.Database {
  if (!kept) throw new Error('no database was opened');
  return kept;
}

/** Once after the first migration: whatever is opened from now on is there already. */
export function keepMigrated(): void {
  isMigrated = true;
  const db = openedLast();
  db.function('is_being_emptied', () => (isBeingEmptied ? 1 : 0));
  const triggers = db
    .prepare(`select name, sql from sqlite_schema where type = 'trigger' and sql like '%BEFORE DELETE ON%'`)
    .all() as Array<{ name: string; sql: string }>;
  for (const { name, sql } of triggers) {
    // A journal cannot be deleted, but for the end of its history.
    // Some have a condition of their own.
    const emptied = /\bWHEN\b/.test(sql)
      ? sql.replace(/\bWHEN\b/, 'WHEN NOT is_being_emptied() AND')
      : sql.replace(/\bBEGIN\b/, 'WHEN NOT is_being_emptied() BEGIN');
    db.exec(`drop trigger ${name}; ${emptied}`);
  }
  const names = db
    .prepare(`select name from sqlite_schema where type = 'table' and name not in ('migrations', 'sqlite_sequence')`)
    .pluck()
    .all() as string[];
  tables = referringFirst(db, names);
}

function referringFirst(db: Database.Database, names: readonly string[]): string[] {
  const referredBy = new Map(
    names.map((name) => [
      name,
      names.filter(
        (other) =>
          other !== name &&
          (db.pragma(`foreign_key_list(${other})`) as Array<{ table: string }>).some(({ table }) => table === name),
      ),
    ]),
  );
  const ordered: string[] = [];
  const place = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const other of referredBy.get(name) ?? []) place(other);
    ordered.push(name);
  };
  for (const name of names) place(name);
  return ordered;
}

function empty(db: Database.Database): void {
  if (db.inTransaction) db.prepare('rollback').run();
  isBeingEmptied = true;
  try {
    db.prepare('begin').run();
    for (const table of tables) db.prepare(`delete from ${table}`).run();
    db.prepare('delete from sqlite_sequence').run();
    db.prepare('commit').run();
  } finally {
    isBeingEmptied = false;
  }
}

function open(): Database.Database {
  const db = new Database(':memory:');
  const statements = new Map<string, Database.Statement>();
  const { prepare, pragma } = db;
  return Object.assign(db, {
    prepare(text: string) {
      let statement = statements.get(text);
      if (!statement) {
        statement = prepare.call(db, text) as Database.Statement;
        statements.set(text, statement);
      }
      return statement;
    },
    // A setting that is set again would have every statement prepared anew.
    pragma: (text: string, options?: Database.PragmaOptions) =>
      isMigrated && text.includes('=') ? undefined : pragma.call(db, text, options),
    close: () => db,
  });
}

function InMemory(): Database.Database {
  if (kept && isMigrated) empty(kept);
  else kept = open();
  return kept;
}

export default Object.assign(InMemory, { SqliteError: Database.SqliteError });
