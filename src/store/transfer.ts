import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { Instant } from '../domain/time.ts';
import type { Columns, Engine } from './dialect.ts';
import { ADVISORY_LOCK, MIGRATION_NAMES, migrate } from './migrations/migrate.ts';
import { openEngine, sqlitePathOf } from './open.ts';
import { outOfService, putIntoService, takeOutOfService } from './out-of-service.ts';
import { type Session, TABLES, type Table } from './schema.ts';

/** What a person asked for that cannot be done, and what to do instead. */
export class TransferRefused extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'TransferRefused';
    this.remedy = remedy;
  }
}

// ── What a database holds, as chunks of rows ────────────────────────────────────────────────────────────────────────

const RECORD = ['account_id', 'connection_id', 'object', 'record_id'] as const;

/**
 * Every table, in an order that satisfies every reference, with the key by which its rows are gone through. Null: not copied by
 * itself. Postings travel with their journals, since a journal seals them. Leases and the probe belong to processes, not to data.
 */
const KEYS: Readonly<Record<Table, readonly string[] | null>> = {
  accounts: ['id'],
  api_keys: ['account_id', 'id'],
  connections: ['account_id', 'id'],
  tokens: ['account_id', 'connection_id'],
  oauth_states: ['state_hash'],
  mappings: ['account_id', 'connection_id', 'ordinal'],
  sweep_marks: ['account_id', 'connection_id', 'object'],
  stream_positions: ['account_id', 'connection_id'],
  card_actions: ['account_id', 'connection_id', 'action_key'],
  programs: ['account_id', 'program_id', 'version'],
  fx_rates: ['account_id', 'currency', 'day'],
  program_drafts: ['account_id', 'program_id'],
  dry_runs: ['account_id', 'id'],
  mapping_proposals: ['account_id', 'id'],
  drift_watch: ['account_id', 'connection_id'],
  inbox: ['seq'],
  work: RECORD,
  wakes: [...RECORD, 'at'],
  members: ['account_id', 'id'],
  referrals: ['account_id', 'id'],
  touches: ['account_id', 'id'],
  rewards: ['account_id', 'id'],
  decisions: ['account_id', 'id'],
  journals: ['account_id', 'id'],
  postings: null,
  tallies: ['account_id', 'owner', 'tally_key', 'currency'],
  tally_waits: ['account_id', 'owner', 'tally_key', 'currency', 'connection_id', 'object', 'record_id'],
  tier_changes: ['account_id', 'id'],
  tier_looks: ['account_id', 'member_id', 'program_id'],
  attribution_policies: ['account_id', 'version'],
  attribution_decisions: ['account_id', 'id'],
  connections_policies: ['account_id', 'version'],
  identity_edges: ['account_id', 'connection_id', 'record_id', 'subject', 'sequence'],
  budget_entries: ['account_id', 'program_id', 'id'],
  intents: ['account_id', 'id'],
  payout_settings: ['account_id', 'provider'],
  payout_references: ['account_id', 'intent_id'],
  payout_news: ['account_id', 'provider', 'event_id'],
  coupon_codes: ['account_id', 'code_hash'],
  manual_batches: ['account_id', 'id'],
  manual_items: ['account_id', 'intent_id'],
  payout_schedules: ['account_id', 'provider'],
  refunds: ['account_id', 'source', 'refund_id'],
  payout_reports: ['account_id', 'id'],
  risk_findings: ['account_id', 'reward_id', 'signal'],
  desk_cases: ['account_id', 'id'],
  desk_events: ['account_id', 'case_id', 'number'],
  desk_settings: ['account_id'],
  app_settings: ['account_id', 'connection_id', 'version'],
  case_tasks: ['account_id', 'connection_id', 'case_id'],
  mirror: RECORD,
  records: RECORD,
  record_links: ['account_id', 'connection_id', 'deal_id', 'contact_id'],
  contact_owners: ['account_id', 'connection_id', 'contact_id', 'user_id'],
  asks: ['account_id', 'connection_id', 'ask_key'],
  backfills: ['account_id', 'id'],
  history_releases: ['account_id', 'id'],
  member_imports: ['account_id', 'id'],
  member_import_rows: ['account_id', 'import_id', 'line'],
  workflow_calls: ['account_id', 'connection_id', 'callback_id'],
  workflow_waits: ['account_id', 'connection_id', 'callback_id'],
  app_events: ['account_id', 'connection_id', 'id'],
  sync_counts: ['account_id', 'connection_id', 'bucket', 'measure', 'label'],
  sweeps: ['account_id', 'connection_id', 'began_at', 'id'],
  connection_events: ['account_id', 'id'],
  sync_reports: ['account_id', 'id'],
  sync_report_rows: ['account_id', 'report_id', 'list', 'number'],
  users: ['id'],
  user_subjects: ['issuer', 'subject'],
  seats: ['account_id', 'user_id'],
  sign_in_links: ['hash'],
  oidc_states: ['state_hash'],
  sessions: ['hash'],
  audit_entries: ['account_id', 'id'],
  sync_report_anchors: ['account_id', 'connection_id'],
  erasures: ['account_id', 'id'],
  erased_people: ['account_id', 'kind', 'place', 'person'],
  user_views: ['account_id', 'id'],
  referral_stages: ['account_id', 'referral_id', 'since', 'stage'],
  // Made of the other tables: the target makes them of what it is given.
  figure_marks: null,
  figures: null,
  figure_parts: null,
  ledger_sums: null,
  figure_states: null,
  webhook_endpoints: ['account_id', 'id'],
  webhook_events: ['account_id', 'id'],
  webhook_deliveries: ['account_id', 'event_id', 'endpoint_id'],
  webhook_attempts: ['account_id', 'event_id', 'endpoint_id', 'number'],
  account_settings: ['account_id', 'kind', 'version'],
  logos: ['account_id'],
  consent_texts: ['account_id', 'purpose', 'version'],
  consents_shown: ['account_id', 'subject', 'purpose', 'version'],
  prunings: ['account_id', 'item'],
  // Behind the journals: what is sealed takes none.
  period_seals: ['account_id'],
  periods: ['account_id', 'id'],
  period_lines: ['account_id', 'period_id', 'ledger_account', 'currency'],
  tax_reports: ['account_id', 'id'],
  tax_rows: ['account_id', 'report_id', 'list', 'number'],
  stage_chances: ['account_id', 'connection_id', 'pipeline_id', 'stage_id'],
  forecasts: ['account_id', 'id'],
  forecast_lines: ['account_id', 'forecast_id', 'currency', 'expected_month', 'place', 'number'],
  test_runs: ['account_id', 'id'],
  leases: null,
  probe: null,
};

const COPIED = (Object.keys(KEYS) as Table[]).filter((table) => table === 'postings' || KEYS[table] !== null);

/** Rows of one read and of one write. With a deal's history of some kilobytes that is a few megabytes at a time. */
const ROWS_PER_CHUNK_MAX = 500;

type Value = string | number | null;

export interface Part {
  readonly table: Table;
  /** In the order of `columnsOf`. */
  readonly rows: ReadonlyArray<readonly Value[]>;
}

/** Rows that have to be written in one transaction. */
export type Chunk = readonly Part[];

/** The columns that are copied: those of schema.ts, and the inbox's number, which others may have seen. */
export function columnsOf(table: Table): Columns {
  return table === 'inbox' ? { seq: 'int', ...TABLES.inbox } : TABLES[table];
}

export function isCopied(table: string): table is Table {
  return (COPIED as string[]).includes(table);
}

/** Goes through everything in chunks; inside a snapshot, or under a lock, they belong to one moment. */
export async function* chunksOf(session: Session): AsyncGenerator<Chunk> {
  for (const table of COPIED) {
    const keys = KEYS[table];
    if (keys === null) continue;
    const at = keys.map((key) => Object.keys(columnsOf(table)).indexOf(key));
    for (let after: Value[] | null = null; ; ) {
      const rows: Value[][] = await page(session, table, keys, after);
      const [first, last] = [rows[0], rows.at(-1)];
      if (!first || !last) break;
      const keyOf = (row: readonly Value[]) => at.map((index) => row[index] ?? null);
      const own = { table, rows };
      if (table === 'journals') yield [await postingsBetween(session, keyOf(first), keyOf(last)), own];
      else yield [own];
      after = keyOf(last);
    }
  }
}

async function page(
  session: Session,
  table: Table,
  keys: readonly string[],
  after: readonly Value[] | null,
): Promise<Value[][]> {
  const behind = after === null ? sql`` : sql`where ${tuple(keys)} > ${values(after)}`;
  const { rows } = await sql<Record<string, Value>>`select ${names(table)} from ${sql.table(table)} ${behind}
    order by ${sql.join(keys.map((key) => sql.ref(key)))} limit ${ROWS_PER_CHUNK_MAX}`.execute(session.db);
  return rows.map((row) => valuesOf(table, row));
}

async function postingsBetween(session: Session, first: readonly Value[], last: readonly Value[]): Promise<Part> {
  const key = tuple(['account_id', 'journal_id']);
  // By line, since a posting may only follow the one before it.
  const { rows } = await sql<Record<string, Value>>`select ${names('postings')} from postings
    where ${key} >= ${values(first)} and ${key} <= ${values(last)} order by account_id, journal_id, line`.execute(
    session.db,
  );
  return { table: 'postings', rows: rows.map((row) => valuesOf('postings', row)) };
}

function names(table: Table): RawBuilder<unknown> {
  return sql.join(Object.keys(columnsOf(table)).map((name) => sql.ref(name)));
}

function tuple(keys: readonly string[]): RawBuilder<unknown> {
  return keys.length === 1 ? sql.ref(keys[0] ?? '') : sql`(${sql.join(keys.map((key) => sql.ref(key)))})`;
}

function values(given: readonly Value[]): RawBuilder<unknown> {
  return given.length === 1 ? sql`${given[0]}` : sql`(${sql.join(given)})`;
}

function valuesOf(table: Table, row: Readonly<Record<string, Value>>): Value[] {
  return Object.keys(columnsOf(table)).map((name) => row[name] ?? null);
}

// ── Comparing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** How many rows a table has, and a sum over them that does not depend on their order. */
export interface TableDigest {
  readonly rows: number;
  readonly hash: string;
}

export type Digests = Readonly<Record<string, TableDigest>>;

/** Of each row's SHA-256 this much is added up: rows that differ add up alike with a chance of 2⁻¹²⁸. */
const HASH_HEX_DIGITS = 32;
const HASH_MASK = (1n << 128n) - 1n;

export function createDigester() {
  const sums = new Map<Table, { rows: number; sum: bigint }>(COPIED.map((table) => [table, { rows: 0, sum: 0n }]));
  return {
    add(chunk: Chunk): void {
      for (const { table, rows } of chunk) {
        const before = sums.get(table) ?? { rows: 0, sum: 0n };
        let { sum } = before;
        for (const row of rows) {
          const hex = createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, HASH_HEX_DIGITS);
          sum = (sum + BigInt(`0x${hex}`)) & HASH_MASK;
        }
        sums.set(table, { rows: before.rows + rows.length, sum });
      }
    },
    digests: (): Digests =>
      Object.fromEntries(
        [...sums].map(([table, { rows, sum }]) => [
          table,
          { rows, hash: sum.toString(16).padStart(HASH_HEX_DIGITS, '0') },
        ]),
      ),
  };
}

export async function digestsOf(session: Session): Promise<Digests> {
  const digester = createDigester();
  for await (const chunk of chunksOf(session)) digester.add(chunk);
  return digester.digests();
}

/** What differs, in words; empty when nothing does. */
export function differences(wanted: Digests, found: Digests): string[] {
  return [...new Set([...Object.keys(wanted), ...Object.keys(found)])].flatMap((table) => {
    const [a, b] = [wanted[table], found[table]];
    if (a?.rows !== b?.rows) return [`${table} has ${b?.rows ?? 0} rows, should have ${a?.rows ?? 0}`];
    return a?.hash === b?.hash ? [] : [`${table} has the right number of rows, but other contents`];
  });
}

// ── Reading a database that may be in use ───────────────────────────────────────────────────────────────────────────

/**
 * The state of the database at one moment, for as long as `run` takes; others go on writing. On PostgreSQL vacuum has to wait for it,
 * on SQLite the log grows until it is over.
 */
export function atOneMoment<T>(engine: Engine, run: (session: Session) => Promise<T>): Promise<T> {
  return engine.snapshot(async (session) => {
    await withoutHurry(session);
    return run(session);
  });
}

/** A copy takes as long as it takes; the limits of a web request are not for it. */
async function withoutHurry({ db, dialect }: Session): Promise<void> {
  if (dialect.name !== 'postgres') return;
  await sql`set local statement_timeout = 0`.execute(db);
  await sql`set local idle_in_transaction_session_timeout = 0`.execute(db);
}

/** The names of the migrations that a database has been through; empty for an empty one. */
export async function migrationsOf({ db, dialect }: Session): Promise<string[]> {
  const exists =
    dialect.name === 'postgres'
      ? sql`select 1 as found where to_regclass('migrations') is not null`
      : sql`select 1 as found from sqlite_master where type = 'table' and name = 'migrations'`;
  if ((await exists.execute(db)).rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from migrations order by number`.execute(db);
  return rows.map(({ name }) => name);
}

/** @throws TransferRefused unless the database holds what this program's version writes, and may be served. */
export async function assertCurrent(session: Session): Promise<void> {
  const closed = await outOfService(session);
  if (closed !== null) throw new TransferRefused(closed, 'Name the database that is in use.');
  const found = await migrationsOf(session);
  const missing = MIGRATION_NAMES.filter((name) => !found.includes(name));
  const unknown = found.filter((name) => !MIGRATION_NAMES.includes(name));
  if (found.length === 0)
    throw new TransferRefused('There is nothing of Wonward in the database.', 'Name another one.');
  if (unknown.length > 0) {
    throw new TransferRefused(
      `The database was written by a newer version of Wonward (it has "${unknown.join('", "')}").`,
      'Use that version.',
    );
  }
  if (missing.length > 0) {
    throw new TransferRefused(
      `The database was written by an older version of Wonward (it lacks "${missing.join('", "')}").`,
      'Start the service of this version on it once, or use the version that wrote it.',
    );
  }
}

/** Opens a database that has to be there already, as it is, without bringing it to this version. */
export async function openExisting(url: string): Promise<Engine> {
  const path = sqlitePathOf(url);
  if (path !== null && path !== ':memory:' && !existsSync(path)) {
    throw new TransferRefused(`There is no database at ${path}.`, 'Check DATABASE_URL.');
  }
  return openEngine({ url, connectionsMax: 1 });
}

/** Who else uses the database, in words; empty when nobody does. Asked before our own first connection to a SQLite file. */
export function othersInFile(url: string): string[] {
  const path = sqlitePathOf(url);
  if (path === null || path === ':memory:' || !existsSync(path)) return [];
  const probe = new Database(path, { timeout: 0 });
  try {
    // Every process that has a WAL database open shares a lock on it, idle or not.
    probe.pragma('locking_mode = exclusive');
    probe.exec('begin immediate; rollback');
    return [];
  } catch (error) {
    if (String((error as { code?: string }).code).startsWith('SQLITE_BUSY'))
      return ['another process has the file open'];
    throw error;
  } finally {
    probe.close();
  }
}

export async function othersInDatabase({ db, dialect }: Session, now: Instant): Promise<string[]> {
  const found: string[] = [];
  const count = async (query: RawBuilder<{ n: number }>, what: string) => {
    const n = Number((await query.execute(db)).rows[0]?.n ?? 0);
    if (n > 0) found.push(`${n} ${what}`);
  };
  if (dialect.name === 'postgres') {
    await count(
      sql`select count(*) as n from pg_stat_activity
        where datname = current_database() and application_name = 'wonward' and pid <> pg_backend_pid()`,
      'connections of Wonward are open',
    );
  }
  await count(sql`select count(*) as n from leases where until > ${now}`, 'leases are held');
  for (const table of ['work', 'mirror', 'intents', 'workflow_waits', 'webhook_deliveries', 'app_events'] as const) {
    await count(
      sql`select count(*) as n from ${sql.table(table)} where claim is not null and due_at > ${now}`,
      `rows of ${table} are being worked on`,
    );
  }
  return found;
}

/**
 * Keeps everybody from writing for as long as `run` takes, so that nothing is acknowledged that the copy does not have. Senders are
 * answered with an error meanwhile and come again.
 */
export function writersLockedOut<T>(engine: Engine, run: (session: Session) => Promise<T>): Promise<T> {
  return engine.write(async (session) => {
    await withoutHurry(session);
    if (session.dialect.name === 'postgres') {
      // A node that starts meanwhile waits here, and then finds what became of the database.
      await sql`select pg_advisory_xact_lock(${ADVISORY_LOCK})`.execute(session.db);
      const tables = sql.join(Object.keys(TABLES).map((table) => sql.table(table)));
      await sql`lock table ${tables} in share mode`.execute(session.db);
    }
    return run(session);
  });
}

// ── Writing a database that nobody uses yet ─────────────────────────────────────────────────────────────────────────

export const UNFINISHED_COPY =
  'This database is a copy that was not finished. Do the move or the restore again; it begins anew.';

/** Fills an empty database. From the first row to `finish` the service refuses to open it, whatever becomes of this process. */
export interface Loader {
  write(chunk: Chunk): Promise<void>;
  /** The last number that the inbox of the original has given out, so that none is given out twice. */
  setSequence(last: number): Promise<void>;
  finish(): Promise<void>;
}

/** @throws TransferRefused when there is anything in the database, but for what an unfinished copy has left. */
export async function beginLoading(engine: Engine): Promise<Loader> {
  const closed = await engine.read(outOfService);
  if (closed === UNFINISHED_COPY) await engine.write(clear);
  else if (closed !== null) throw new TransferRefused(closed, 'Name another database.');
  else {
    await migrate(engine);
    await engine.write(async (session) => {
      const full = await tablesWithRows(session);
      if (full.length > 0) {
        throw new TransferRefused(
          `The target is not empty: there are rows in ${full.join(', ')}.`,
          'Nothing is overwritten. Name an empty database, or a file that does not exist.',
        );
      }
      await takeOutOfService(session, UNFINISHED_COPY);
    });
  }
  return {
    write: (chunk) =>
      engine.write(async (session) => {
        for (const part of chunk) await insertPart(session, part);
      }),
    setSequence: (last) => engine.write((session) => setSequence(session, last)),
    finish: () => engine.write(putIntoService),
  };
}

async function tablesWithRows({ db }: Session): Promise<string[]> {
  const full: string[] = [];
  for (const table of COPIED) {
    const { rows } = await sql`select 1 as found from ${sql.table(table)} limit 1`.execute(db);
    if (rows.length > 0) full.push(table);
  }
  return full;
}

/** Deletes what an unfinished copy has left. The guards that forbid it are for records of what happened; these are copies of such. */
async function clear(session: Session): Promise<void> {
  const { db, dialect } = session;
  const found = await migrationsOf(session);
  if (found.join() !== MIGRATION_NAMES.join()) {
    throw new TransferRefused(
      'The target holds an unfinished copy that another version of Wonward has begun.',
      'Drop it, and name an empty database.',
    );
  }
  if (dialect.name === 'postgres') {
    for (const table of COPIED) await sql`alter table ${sql.table(table)} disable trigger user`.execute(db);
    await sql`truncate ${sql.join(COPIED.map((table) => sql.table(table)))}`.execute(db);
    for (const table of COPIED) await sql`alter table ${sql.table(table)} enable trigger user`.execute(db);
    return;
  }
  const { rows } = await sql<{ name: string; sql: string }>`
    select name, sql from sqlite_master where type = 'trigger'`.execute(db);
  for (const { name } of rows) await sql`drop trigger ${sql.ref(name)}`.execute(db);
  for (const table of COPIED.toReversed()) await sql`delete from ${sql.table(table)}`.execute(db);
  for (const trigger of rows) await sql.raw(trigger.sql).execute(db);
}

async function insertPart({ db, dialect }: Session, { table, rows }: Part): Promise<void> {
  if (rows.length === 0) return;
  const columns = columnsOf(table);
  const keys = Object.keys(columns);
  const objects = rows.map((row) => Object.fromEntries(keys.map((key, index) => [key, row[index] ?? null])));
  const [before, after] = dialect.rowsAround(columns);
  // PostgreSQL gives out the inbox's numbers itself unless it is told otherwise.
  const given = table === 'inbox' && dialect.name === 'postgres' ? 'overriding system value' : '';
  const text = `insert into ${table} (${keys.join(', ')}) ${given}
    select ${keys.join(', ')} from ${before}${dialect.firstParameter}${after} as incoming`;
  await db.executeQuery(CompiledQuery.raw(text, [JSON.stringify(objects)])).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`rows of ${table}, beginning with ${idOf(table, rows[0] ?? [])}: ${why}`, { cause });
  });
}

/** The key of a row, and nothing else of it: it may hold a name. */
function idOf(table: Table, row: readonly Value[]): string {
  const names = Object.keys(columnsOf(table));
  const keys = KEYS[table] ?? ['account_id', 'journal_id', 'line'];
  return keys.map((key) => String(row[names.indexOf(key)])).join(' ');
}

export async function sequenceOf({ db, dialect }: Session): Promise<number> {
  const query =
    dialect.name === 'postgres'
      ? sql<{ n: number }>`select case when is_called then last_value else 0 end as n from inbox_seq_seq`
      : sql<{ n: number }>`select seq as n from sqlite_sequence where name = 'inbox'`;
  return Number((await query.execute(db)).rows[0]?.n ?? 0);
}

async function setSequence({ db, dialect }: Session, last: number): Promise<void> {
  if (dialect.name === 'postgres') {
    await sql`select setval('inbox_seq_seq', ${Math.max(last, 1)}, ${last > 0})`.execute(db);
    return;
  }
  await sql`delete from sqlite_sequence where name = 'inbox'`.execute(db);
  await sql`insert into sqlite_sequence (name, seq) values ('inbox', ${last})`.execute(db);
}

/** Copies everything; returns what was read. */
export async function copyInto(source: Session, loader: Loader, onChunk?: () => Promise<void>): Promise<Digests> {
  const digester = createDigester();
  for await (const chunk of chunksOf(source)) {
    await loader.write(chunk);
    digester.add(chunk);
    await onChunk?.();
  }
  await loader.setSequence(await sequenceOf(source));
  return digester.digests();
}
