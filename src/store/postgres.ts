import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { createEngine, type Dialect, type Engine } from './dialect.ts';
import { keepFirstStatistics } from './first-statistics.ts';
import type { Schema } from './schema.ts';
import { createSharedQueue } from './shared-queue.ts';
import { endWhenSilent } from './silent-connection.ts';
import { isConnectionEnded } from './storage-fault.ts';

/** Nothing here takes longer than a second by itself; what does is stuck and is given up, to be tried again. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** Waiting for another node's row longer than this is contention, and the transaction is tried again. */
const LOCK_TIMEOUT_MS = 5_000;

/** A node that died with a transaction open must not keep its rows from the others. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;

const CONNECT_TIMEOUT_MS = 10_000;

/** Two workers, the web requests and the jobs of one node seldom need more at once; PostgreSQL allows 100 in all by default. */
const CONNECTIONS_MAX = 10;

const INT8_OID = 20;

export interface PostgresOptions {
  readonly connectionsMax?: number;
  /** Hears of connections that broke while idle; the pool has replaced them already. */
  readonly onConnectionError?: (error: Error) => void;
}

export function openPostgres(url: string, options: PostgresOptions): Engine {
  const settings: pg.PoolConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  };
  const pool = new pg.Pool({
    ...settings,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    application_name: 'wonward',
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID ? safeInteger : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  const onConnectionError = options.onConnectionError ?? (() => {});
  // An 'error' event nobody listens to ends the process: the pool's when idle, the client's when in use.
  pool.on('error', onConnectionError);
  pool.on('connect', (client) => {
    client.on('error', onConnectionError);
    endWhenSilent(client, STATEMENT_TIMEOUT_MS);
  });
  const statistics = keepFirstStatistics(pool);
  const queue = createSharedQueue(settings, onConnectionError);
  return createEngine(new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), postgresDialect, {
    ...queue,
    async close() {
      await statistics.stop();
      await queue.close();
    },
  });
}

/** int8 comes as text. Everything stored is a count, a time or an amount below 2^53, or something is badly wrong. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a number exactly`);
  return value;
}

export const postgresDialect: Dialect = {
  name: 'postgres',
  ddl: {
    int: 'bigint',
    text: 'text COLLATE "C"',
    sequence: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    table: '',
    compact: '',
    appendOnly: (table) => [
      `CREATE OR REPLACE FUNCTION wonward_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'append_only: % are appended, never changed or deleted', TG_TABLE_NAME; END $$`,
      `CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE ON ${table}
        FOR EACH ROW EXECUTE FUNCTION wonward_append_only()`,
      `CREATE TRIGGER ${table}_no_truncate BEFORE TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION wonward_append_only()`,
    ],
    // The condition of a trigger cannot look into other tables there, that of a function can.
    appendOnlyBut: (table, allowed) => [
      `CREATE FUNCTION wonward_${table}_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' AND (${allowed.update ?? 'false'}) THEN RETURN NEW; END IF;
          IF TG_OP = 'DELETE' AND (${allowed.delete ?? 'false'}) THEN RETURN OLD; END IF;
          RAISE EXCEPTION 'append_only: % are appended, never changed or deleted', TG_TABLE_NAME;
        END $$`,
      `DROP TRIGGER ${table}_append_only ON ${table}`,
      `CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE ON ${table}
        FOR EACH ROW EXECUTE FUNCTION wonward_${table}_only()`,
    ],
    sealJournals: () => [
      // The order of the two checks closes a race: a line whose predecessor is visible belongs to our own transaction, which
      // then holds line 0 against everybody else, or to one that has committed, and then its journal is visible too.
      `CREATE FUNCTION wonward_check_posting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.line > 0 AND NOT EXISTS (SELECT 1 FROM postings
              WHERE account_id = NEW.account_id AND journal_id = NEW.journal_id AND line = NEW.line - 1) THEN
            RAISE EXCEPTION 'posting_out_of_order: the lines of a journal are numbered from 0 without a gap';
          END IF;
          IF EXISTS (SELECT 1 FROM journals WHERE account_id = NEW.account_id AND id = NEW.journal_id) THEN
            RAISE EXCEPTION 'journal_sealed: no posting can be added to a journal that exists'
              USING ERRCODE = 'unique_violation';
          END IF;
          RETURN NEW;
        END $$`,
      `CREATE TRIGGER postings_before_insert BEFORE INSERT ON postings
        FOR EACH ROW EXECUTE FUNCTION wonward_check_posting()`,
      `CREATE FUNCTION wonward_seal_journal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (SELECT count(*) FROM postings WHERE account_id = NEW.account_id AND journal_id = NEW.id) < 2
            OR EXISTS (SELECT 1 FROM postings WHERE account_id = NEW.account_id AND journal_id = NEW.id
                       GROUP BY currency HAVING sum(minor) <> 0) THEN
            RAISE EXCEPTION 'journal_unbalanced: a journal needs two postings or more that add up to zero per currency';
          END IF;
          RETURN NEW;
        END $$`,
      `CREATE TRIGGER journals_before_insert BEFORE INSERT ON journals
        FOR EACH ROW EXECUTE FUNCTION wonward_seal_journal()`,
    ],
    afterChange: (table, { on, when, run }) => [
      `CREATE FUNCTION wonward_${table}_after_${on}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN ${run}; RETURN NULL; END $$`,
      `CREATE TRIGGER ${table}_after_${on} AFTER ${on.toUpperCase()} ON ${table}
        FOR EACH ROW ${when === undefined ? '' : `WHEN (${when})`} EXECUTE FUNCTION wonward_${table}_after_${on}()`,
    ],
    sealPeriods: () => [
      // Shared, so that bookings never wait for each other; whoever sets the seal waits for those under way, and they are in its sums.
      // The lock comes in a statement of its own: the next one sees what was committed while it was waited for.
      `CREATE FUNCTION wonward_open_period() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_advisory_xact_lock_shared(hashtextextended('periods ' || NEW.account_id, 0));
          IF EXISTS (SELECT 1 FROM period_seals WHERE account_id = NEW.account_id AND sealed_to > NEW.recorded_at) THEN
            RAISE EXCEPTION 'period_closed: a closed month takes no journal' USING ERRCODE = 'unique_violation';
          END IF;
          RETURN NEW;
        END $$`,
      `CREATE TRIGGER journals_in_open_period BEFORE INSERT ON journals
        FOR EACH ROW EXECUTE FUNCTION wonward_open_period()`,
    ],
  },
  lockFor: async (db, names) => {
    for (const name of names) await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(db);
  },
  skipLocked: (of) => sql`for update of ${sql.ref(of)} skip locked`,
  forUpdate: (of) => `for update of ${of}`,
  forChange: (of) => `for no key update of ${of}`,
  forShare: (of) => `for share of ${of}`,
  isIn: (column, values) => sql`${sql.ref(column)} = any(${values}::text[])`,
  rowsAround: (columns) => [
    '(select * from json_to_recordset(',
    `::json) as fields (${Object.entries(columns)
      .map(([name, type]) => `${name} ${type.startsWith('int') ? 'bigint' : 'text'}`)
      .join(', ')}))`,
  ],
  firstParameter: '$1',
  bindsEachValue: false,
  // More than a batch has.
  togetherMax: 1_000,
  isUniqueViolation: (error) => codeOf(error) === '23505',
  // Serialization failure, deadlock, lock timeout.
  isContention: (error) => ['40001', '40P01', '55P03'].includes(String(codeOf(error))),
  isConnectionEnded,
};

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
