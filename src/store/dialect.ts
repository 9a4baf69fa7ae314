import { CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { SharedQueue } from '../application/ports/store.ts';
import type { Row, Schema, Session, Table, Told } from './schema.ts';
import { TABLES } from './schema.ts';

/** Names of columns with their types as in schema.ts. */
export type Columns = Readonly<Record<string, string>>;

/** NEW is the row, and OLD, of an update, what it was. */
export interface RowChange {
  readonly on: 'insert' | 'update';
  readonly when?: string;
  readonly run: string;
}

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
    /** In place of `appendOnly`, for a table that has it: refuses all but the changes of which OLD and NEW meet the condition. */
    appendOnlyBut(table: string, allowed: { readonly update?: string; readonly delete?: string }): string[];
    /** Postings come first, the journal seals them; see the migration. */
    sealJournals(): string[];
    /** Runs a statement for each row that was written, in the same transaction, whoever writes it. */
    afterChange(table: string, change: RowChange): string[];
    /** No journal is booked before what `period_seals` says, however long ago it was made up. */
    sealPeriods(): string[];
  };
  /** Until the end of the transaction nobody else gets past this for any of the same names, which come in order. */
  lockFor(db: Kysely<Schema>, names: readonly string[]): Promise<void>;
  /** Appended to a SELECT that picks rows to claim, so that two claimers never wait for each other. */
  skipLocked(of: string): RawBuilder<unknown>;
  /** Text appended to a SELECT whose rows are changed next. */
  forUpdate(of: Table): string;
  /** The same, while others may write rows that point at them: for what a commit of somebody else must not wait for. */
  forChange(of: Table): string;
  /** Text appended to a SELECT whose rows must stay as they are until the end of the transaction. */
  forShare(of: Table): string;
  /** `column IN (values)` with all values in one parameter: no list is too long, and the statement's text never varies. */
  isIn(column: string, values: readonly string[]): RawBuilder<SqlBool>;
  /** The text before and after the one parameter, JSON of an array, that makes a table expression of rows. */
  rowsAround(columns: Columns): readonly [string, string];
  /** How the first parameter is written. */
  readonly firstParameter: string;
  /**
   * True where the statement lies in our own process: a parameter for every value of the rows is cheapest then. False where it is sent:
   * one parameter with all rows in it.
   */
  readonly bindsEachValue: boolean;
  /** Changed records that one transaction takes at best; see `CaseStore`. */
  readonly togetherMax: number;
  /** A unique key is taken. */
  isUniqueViolation(error: unknown): boolean;
  /** The database gave up on a wait for somebody else; the same again may succeed. */
  isContention(error: unknown): boolean;
  /** The connection that was asked was ended by the other side, as all are when a server restarts; a new one may do. */
  isConnectionEnded(error: unknown): boolean;
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
  /** Null where there is nobody to share with. */
  readonly shared: SharedQueue | null;
  /** What has to be there beside our own tables. */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

/** What a database does beyond statements, where it does. */
export interface EngineExtras {
  readonly shared: SharedQueue;
  prepare(): Promise<void>;
  /** Last in a transaction that has made something due. */
  spread(db: Kysely<Schema>, told: readonly Told[]): Promise<void>;
  close(): Promise<void>;
}

/** Attempts at a transaction that others keep getting in the way of, or whose connections prove to be ended. */
const ATTEMPTS_MAX = 8;

/** First pause between two of them; doubled each time, so that the last one is below a second and a half. */
const FIRST_PAUSE_MS = 10;

export function createEngine(db: Kysely<Schema>, dialect: Dialect, extras: EngineExtras | null = null): Engine {
  return {
    dialect,
    shared: extras?.shared ?? null,
    prepare: async () => extras?.prepare(),
    read: (run) => retried(dialect.isConnectionEnded, () => run({ db, dialect, told: new Map() })),
    snapshot: (run) =>
      retried(dialect.isConnectionEnded, () =>
        db
          .transaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute((db) => run({ db, dialect, told: new Map() })),
      ),
    write: (run) => {
      // Until then the database was asked for nothing. Afterwards nobody knows what became of the transaction.
      let hasBegun = false;
      const mayBeTriedAgain = (error: unknown) =>
        dialect.isContention(error) || (!hasBegun && dialect.isConnectionEnded(error));
      return retried(mayBeTriedAgain, () =>
        db.transaction().execute(async (db) => {
          hasBegun = true;
          const told = new Map<string, Told>();
          const result = await run({ db, dialect, told });
          // In one order everywhere, so that two transactions that tell of the same shards do not wait for each other.
          const inOneOrder = [...told].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
          if (extras && inOneOrder.length > 0) await extras.spread(db, inOneOrder);
          return result;
        }),
      );
    },
    close: async () => {
      await extras?.close();
      await db.destroy();
    },
  };
}

async function retried<T>(mayBeTriedAgain: (error: unknown) => boolean, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === ATTEMPTS_MAX || !mayBeTriedAgain(error)) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** (failures - 1) * (0.5 + Math.random() / 2));
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

/** More than this and a list of values takes longer to run through than the JSON of the same rows. */
const BOUND_ROWS_MAX = 64;

/**
 * A table expression of the rows; one parameter however many they are, or, of few rows, one for each value. Those are filled up with rows
 * of nulls to the next power of two, so that the statement has few texts: a null equals nothing, and no join finds it.
 */
export function rowsOf({ dialect }: Session, columns: Columns, rows: readonly object[]): RawBuilder<unknown> {
  if (dialect.bindsEachValue && rows.length > 0 && rows.length <= BOUND_ROWS_MAX) return boundRows(columns, rows);
  const [before, after] = dialect.rowsAround(columns);
  return sql`${sql.raw(before)}${JSON.stringify(rows)}${sql.raw(after)}`;
}

function boundRows(columns: Columns, rows: readonly object[]): RawBuilder<unknown> {
  const names = Object.keys(columns);
  const size = 2 ** Math.ceil(Math.log2(rows.length));
  const padded = [...rows, ...Array.from({ length: size - rows.length }, () => ({}))];
  const values = padded.map((row) => sql`(${sql.join(valuesOf(names, row))})`);
  const named = names.map((name, index) => `column${index + 1} as ${name}`).join(', ');
  return sql`(select ${sql.raw(named)} from (values ${sql.join(values)}))`;
}

function valuesOf(names: readonly string[], row: object): unknown[] {
  const values = row as Readonly<Record<string, unknown>>;
  return names.map((name) => values[name] ?? null);
}

/** Texts that depend on the number of rows. Having Kysely write them anew took a third of a commit's time; there are few of each. */
const texts = new Map<string, string>();

/**
 * Runs one statement over all rows, which `statement` puts where it wants their table. It has no other parameter, so that its texts are few: one
 * where all rows are one parameter; where each value is bound, one each for 64, 32, 16 … of them, which takes half as long as JSON.
 */
export async function overRows<R = never>(
  { db, dialect }: Session,
  columns: Columns,
  rows: readonly object[],
  statement: (table: string) => string,
): Promise<{ rows: R[]; changed: number }> {
  const answer = { rows: [] as R[], changed: 0 };
  for (const { table, values } of dialect.bindsEachValue
    ? boundTables(columns, rows)
    : [jsonTable(dialect, columns, rows)]) {
    const result = await db.executeQuery<R>(CompiledQuery.raw(statement(table), values));
    answer.rows.push(...result.rows);
    answer.changed += Number(result.numAffectedRows ?? 0n);
  }
  return answer;
}

interface BoundTable {
  readonly table: string;
  readonly values: unknown[];
}

function jsonTable(dialect: Dialect, columns: Columns, rows: readonly object[]): BoundTable {
  const [before, after] = dialect.rowsAround(columns);
  return { table: `${before}${dialect.firstParameter}${after}`, values: [JSON.stringify(rows)] };
}

function boundTables(columns: Columns, rows: readonly object[]): BoundTable[] {
  const names = Object.keys(columns);
  return powersOfTwo(rows).map((chunk) => ({
    table: textOnce(`rows ${chunk.length} ${names}`, () => {
      const named = names.map((name, index) => `column${index + 1} as ${name}`).join(', ');
      return `(select ${named} from (values ${placesOf(names, chunk.length)}))`;
    }),
    values: chunk.flatMap((row) => valuesOf(names, row)),
  }));
}

/** Chunks of 64, 32, 16 … rows, so that any number of rows needs few statements and these have few texts. */
function powersOfTwo<T>(rows: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0, size = BOUND_ROWS_MAX; start < rows.length; start += size) {
    while (size > rows.length - start) size /= 2;
    chunks.push(rows.slice(start, start + size));
  }
  return chunks;
}

function placesOf(names: readonly string[], count: number): string {
  const row = `(${names.map(() => '?').join(', ')})`;
  return Array.from({ length: count }, () => row).join(', ');
}

/** Inserts rows with as few statements as there are chunks; `tail` is what follows, such as ON CONFLICT or RETURNING. */
export async function insertRows<T extends Table, R = never>(
  { db, dialect }: Session,
  table: T,
  rows: readonly Row<T>[],
  tail = '',
): Promise<R[]> {
  const answers: R[] = [];
  const queries = dialect.bindsEachValue ? boundInserts(table, rows, tail) : jsonInserts(dialect, table, rows, tail);
  for (const query of queries) answers.push(...(await db.executeQuery<R>(query)).rows);
  return answers;
}

function jsonInserts(dialect: Dialect, table: Table, rows: readonly object[], tail: string): CompiledQuery[] {
  const text = textOnce(`${dialect.name} ${table} ${tail}`, () => {
    const names = Object.keys(TABLES[table]).join(', ');
    const [before, after] = dialect.rowsAround(TABLES[table]);
    // "where true" lets SQLite's parser tell ON CONFLICT from a join condition.
    return `insert into ${table} (${names}) select ${names} from ${before}${dialect.firstParameter}${after} as incoming where true ${tail}`;
  });
  return chunked(rows).map((chunk) => CompiledQuery.raw(text, [JSON.stringify(chunk)]));
}

function boundInserts(table: Table, rows: readonly object[], tail: string): CompiledQuery[] {
  const names = Object.keys(TABLES[table]);
  return powersOfTwo(rows).map((chunk) => {
    const text = textOnce(
      `bound ${chunk.length} ${table} ${tail}`,
      () => `insert into ${table} (${names.join(', ')}) values ${placesOf(names, chunk.length)} ${tail}`,
    );
    return CompiledQuery.raw(
      text,
      chunk.flatMap((row) => valuesOf(names, row)),
    );
  });
}

function textOnce(key: string, make: () => string): string {
  let text = texts.get(key);
  if (text === undefined) {
    text = make();
    texts.set(key, text);
  }
  return text;
}
