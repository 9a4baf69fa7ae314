import Database from 'better-sqlite3';

/**
 * Takes the place of `better-sqlite3` under `src/store/sqlite.ts`: a database opens as a copy of one that was migrated before, since to
 * migrate anew costs five times what opening a copy does. All else is SQLite itself.
 */
let template: Buffer | null = null;
let newest: Database.Database | null = null;

export function useTemplate(bytes: Buffer | null): void {
  template = bytes;
}

/** The database that was opened last, for looking into it from outside. */
export function openedLast(): Database.Database {
  if (!newest) throw new Error('no database was opened');
  return newest;
}

export default class InMemory extends Database {
  constructor(_path: string, options: Database.Options) {
    super(template ?? ':memory:', options);
    newest = this as unknown as Database.Database;
  }
}
