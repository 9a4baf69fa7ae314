import { CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Row, Schema, Session, Table } from './schema.ts';
import { TABLES } from './schema.ts';

/** Names of columns with their types as in schema.ts. */
export type Columns = Readonly<Record<string, string>>;

/** What the two databases do differently, all of it. Implemented in sqlite.ts and postgres.ts. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** Words of the table definitions. */
  readonly ddl: {
    readonly int: string;
    /** Compared byte by byte, so that both databases sort alike. */
    readonly text: string;
    readonly sequence: string;
    /** After the closing bracket of a table; `compact` for tables that are little more than their key. */
    readonly table: string;
    readonly compact: string;
    /** Refuses UPDATE and DELETE (and TRUNCATE, where there is such a thing). */
    appendOnly(table: string): string[];
    /** Postings come first, the journal seals them; see the migration. */
    sealJournals(): string[];
  };
  /** Appended to a SELECT that picks rows to claim, so that two claimers never wait for each other. */
  skipLocked(of: string): RawBuilder<unknown>;
  /** Appended to a SELECT whose rows are changed next. */
  forUpdate(of: string): RawBuilder<unknown>;
  /** Appended to a SELECT whose rows must stay as they are until the end of the transaction. */
  forShare(of: string): RawBuilder<unknown>;
  /** `column IN (values)` with all values in one parameter: no list is too long, and the statement's text never varies. */
  isIn(column: string, values: readonly string[]): RawBuilder<SqlBool>;
  /** The text before and after the one parameter, JSON of an array, that makes a table expression of rows. */
  rowsAround(columns: Columns): readonly [string, string];
  /** How the first parameter is written. */
  readonly firstParameter: string;
  /** A unique key is taken. */
  isUniqueViolation(error: unknown): boolean;
  /** The database gave up on a wait for somebody else; the same again may succeed. */
  isContention(error: unknown): boolean;
}

/** How the rest of the store reaches the database. Nothing else holds the Kysely object, so no query can bypass a transaction. */
export interface Engine {
  readonly dialect: Dialect;
  /** One reading statement. */
  read<T>(run: (session: Session) => Promise<T>): Promise<T>;
  /** Several reads that see the same moment. */
  snapshot<T>(run: (session: Session) => Promise<T>): Promise<T>;
  /**
   * One durable transaction. `run` may run again after contention, so it keeps its results to itself until it returns, and it
   * awaits nothing but queries of its own session.
   */
  write<T>(run: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Attempts at a transaction that others keep getting in the way of. */
const CONTENTION_ATTEMPTS_MAX = 8;

/** First pause between two of them; doubled each time, so that the last one is below a second and a half. */
const CONTENTION_PAUSE_MS = 10;

export function createEngine(db: Kysely<Schema>, dialect: Dialect): Engine {
  return {
    dialect,
    read: (run) => run({ db, dialect }),
    snapshot: (run) =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute((db) => run({ db, dialect })),
    write: (run) => retried(dialect, () => db.transaction().execute((db) => run({ db, dialect }))),
    close: () => db.destroy(),
  };
}

async function retried<T>(dialect: Dialect, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === CONTENTION_ATTEMPTS_MAX || !dialect.isContention(error)) throw error;
      await pause(CONTENTION_PAUSE_MS * 2 ** (failures - 1) * (0.5 + Math.random() / 2));
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Rows of one INSERT. A batch of the largest webhook (100 events of a few records) is one statement; the bound keeps a plan of
 * any size from making a parameter of any size.
 */
const ROWS_PER_STATEMENT_MAX = 1_000;

export function chunked<T>(items: readonly T[], size: number = ROWS_PER_STATEMENT_MAX): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}

/** A table expression of the rows, in the order given; one parameter however many they are. */
export function rowsOf({ dialect }: Session, columns: Columns, rows: readonly object[]): RawBuilder<unknown> {
  const [before, after] = dialect.rowsAround(columns);
  return sql`${sql.raw(before)}${JSON.stringify(rows)}${sql.raw(after)}`;
}

/** Texts of INSERT statements. Having Kysely write them anew took a third of a commit's time; there is one per table and tail. */
const insertTexts = new Map<string, string>();

/** Inserts rows with as few statements as there are chunks; `tail` is what follows, such as ON CONFLICT or RETURNING. */
export async function insertRows<T extends Table, R = never>(
  { db, dialect }: Session,
  table: T,
  rows: readonly Row<T>[],
  tail = '',
): Promise<R[]> {
  const answers: R[] = [];
  for (const chunk of chunked(rows)) {
    const query = CompiledQuery.raw(insertText(dialect, table, tail), [JSON.stringify(chunk)]);
    answers.push(...(await db.executeQuery<R>(query)).rows);
  }
  return answers;
}

function insertText(dialect: Dialect, table: Table, tail: string): string {
  const key = `${dialect.name} ${table} ${tail}`;
  let text = insertTexts.get(key);
  if (text === undefined) {
    const names = Object.keys(TABLES[table]).join(', ');
    const [before, after] = dialect.rowsAround(TABLES[table]);
    // "where true" lets SQLite's parser tell ON CONFLICT from a join condition.
    text = `insert into ${table} (${names}) select ${names} from ${before}${dialect.firstParameter}${after} as incoming where true ${tail}`;
    insertTexts.set(key, text);
  }
  return text;
}
