import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type RawBuilder, sql } from 'kysely';
import type { ConnectionStatus } from '../application/ports/store.ts';
import type { DatabaseFacts, ParkedItem, Vitals } from '../application/ports/vitals.ts';
import type { Engine } from './dialect.ts';
import { MIGRATION_NAMES } from './migrations/migrate.ts';
import { outOfService } from './out-of-service.ts';
import type { Session } from './schema.ts';

/** Of a broken file SQLite could name every page; the first few say enough. */
const DAMAGE_NAMED_MAX = 20;

/** What PostgreSQL must be set to for a commit to survive a power cut. */
const SAFE_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  fsync: ['on'],
  full_page_writes: ['on'],
  synchronous_commit: ['on', 'remote_apply', 'remote_write', 'local'],
};

export function createVitals(engine: Engine): Vitals {
  return {
    signs: () =>
      engine.read(async (session) => {
        const { rows } = await sql<{
          provider: string;
          status: ConnectionStatus;
          count: number;
          swept_to: number;
          drifts: number;
        }>`select provider, status, count(*) as count, min(coalesce((
            select min(up_to) from sweep_marks m where m.account_id = c.account_id and m.connection_id = c.id
          ), connected_at)) as swept_to, sum(coalesce((
            select open_alerts from drift_watch w where w.account_id = c.account_id and w.connection_id = c.id
          ), 0)) as drifts
          from connections c group by provider, status order by provider, status`.execute(session.db);
        return {
          connections: rows.map(({ swept_to, drifts, ...row }) => ({
            ...row,
            sweptTo: swept_to,
            drifts: Number(drifts),
          })),
          disk: await diskOf(await directoryOf(session)),
        };
      }),

    facts: () =>
      engine.read(async (session) => ({
        ...(session.dialect.name === 'sqlite' ? await sqliteFacts(session) : await postgresFacts(session)),
        ...(await migrationsOf(session)),
        outOfService: await outOfService(session),
        knownMigrations: MIGRATION_NAMES,
        directory: await directoryOf(session),
      })),

    damage: () =>
      engine.read((session) => (session.dialect.name === 'sqlite' ? sqliteDamage(session) : postgresDamage(session))),

    parked: ({ accountId, limit }) =>
      engine.read(async ({ db }) => {
        const own = accountId === null ? sql`1 = 1` : sql`account_id = ${accountId}`;
        const of = (queue: ParkedItem['queue'], table: string, item: RawBuilder<unknown>) => sql<ParkedItem>`
          select ${sql.lit(queue)} as queue, account_id as "accountId", ${item} as item, coalesce(error, '') as error, attempts
          from ${sql.table(table)} where parked = 1 and ${own} order by account_id, item limit ${limit}`;
        const record = sql`object || ' ' || record_id`;
        const found = [
          of('work', 'work', record),
          of('payouts', 'intents', sql`reward_id`),
          of('mirror', 'mirror', record),
          of('callbacks', 'workflow_waits', sql`'workflow ' || callback_id`),
          of('appEvents', 'app_events', sql`'event ' || id`),
        ];
        const items: ParkedItem[] = [];
        for (const query of found) items.push(...(await query.execute(db)).rows);
        return items;
      }),
  };
}

/** Null for a database elsewhere or in memory. */
async function directoryOf({ db, dialect }: Session): Promise<string | null> {
  if (dialect.name !== 'sqlite') return null;
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  return rows[0]?.file ? dirname(rows[0].file) : null;
}

async function diskOf(directory: string | null) {
  if (directory === null) return null;
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

type EngineFacts = Pick<DatabaseFacts, 'engine' | 'version' | 'now' | 'unsafe'>;

async function sqliteFacts({ db }: Session): Promise<EngineFacts> {
  const { rows } = await sql<{ version: string }>`select sqlite_version() as version`.execute(db);
  // Its settings are set anew by every process that opens the file, and its clock is this machine's.
  return { engine: 'sqlite', version: rows[0]?.version ?? '', now: null, unsafe: [] };
}

async function postgresFacts({ db }: Session): Promise<EngineFacts> {
  const { rows } = await sql<{ version: string; now: number }>`select current_setting('server_version') as version,
    cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now`.execute(db);
  const settings = await sql<{ name: string; value: string }>`select name, setting as value from pg_settings
    where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name`.execute(db);
  return {
    engine: 'postgres',
    version: rows[0]?.version ?? '',
    now: rows[0]?.now ?? null,
    unsafe: settings.rows.flatMap(({ name, value }) => {
      const safe = SAFE_SETTINGS[name] ?? [];
      return safe.includes(value) ? [] : [{ name, value, wanted: safe[0] ?? 'on' }];
    }),
  };
}

async function migrationsOf({ db, dialect }: Session): Promise<Pick<DatabaseFacts, 'migrations' | 'unfit'>> {
  const catalogue =
    dialect.name === 'sqlite'
      ? sql<{ there: number }>`select count(*) as there from sqlite_schema where name = 'migrations'`
      : sql<{ there: number }>`select count(*) as there from pg_tables
          where tablename = 'migrations' and schemaname = any(current_schemas(false))`;
  if ((await catalogue.execute(db)).rows[0]?.there === 0) return { migrations: [], unfit: [] };
  const { rows } = await sql<{ number: number; name: string; breaking: number }>`
    select number, name, breaking from migrations order by number`.execute(db);
  // As `migrate` judges: one more that only adds is no hindrance.
  const unfit = rows.filter(({ number, name, breaking }) => {
    const known = MIGRATION_NAMES[number - 1];
    return known === undefined ? breaking === 1 : known !== name;
  });
  return { migrations: rows.map(({ name }) => name), unfit: unfit.map(({ name }) => name) };
}

async function sqliteDamage({ db }: Session): Promise<string[]> {
  const check = sql.raw<{ quick_check: string }>(`pragma quick_check(${DAMAGE_NAMED_MAX})`);
  const { rows } = await check.execute(db);
  // A row may hold several lines, with a heading that names the database.
  const lines = rows.flatMap(({ quick_check }) => quick_check.split('\n'));
  const broken = lines.filter((line) => line !== 'ok' && line !== '' && !line.startsWith('***'));
  // What cannot be read cannot be asked for its references either.
  if (broken.length > 0) return broken;
  const { rows: orphans } = await sql<{ child: string; parent: string; count: number }>`
    select "table" as child, parent, count(*) as count from pragma_foreign_key_check group by 1, 2`.execute(db);
  return orphans.map(
    ({ child, parent, count }) => `${count} rows of ${child} name a row of ${parent} that is not there`,
  );
}

async function postgresDamage({ db }: Session): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select i.indexrelid::regclass::text as name from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where (not i.indisvalid or not i.indisready) and n.nspname = any(current_schemas(false)) order by 1`.execute(db);
  return rows.map(({ name }) => `index ${name} is invalid: it is not used, and a unique one guards nothing`);
}
