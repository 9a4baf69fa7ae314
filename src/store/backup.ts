import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip, createGzip } from 'node:zlib';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { z } from 'zod';
import { type Instant, isoOf } from '../domain/time.ts';
import type { Engine } from './dialect.ts';
import { MIGRATION_NAMES, migrate } from './migrations/migrate.ts';
import { openEngine, sqlitePathOf } from './open.ts';
import type { Session } from './schema.ts';
import {
  assertCurrent,
  atOneMoment,
  beginLoading,
  type Chunk,
  chunksOf,
  columnsOf,
  createDigester,
  type Digests,
  differences,
  digestsOf,
  isCopied,
  type Loader,
  migrationsOf,
  openExisting,
  sequenceOf,
  TransferRefused,
} from './transfer.ts';

/**
 * `sqlite`: the database file itself, copied by SQLite while others write. `portable`: every row as text, for either database and for
 * moving between them. Both stand beside a manifest, which is written last: a backup without one was not finished.
 */
export const BACKUP_FORMATS = ['sqlite', 'portable'] as const;
export type BackupFormat = (typeof BACKUP_FORMATS)[number];

const FORMAT_VERSION = 1;

const manifestSchema = z.object({
  format: z.enum(BACKUP_FORMATS),
  formatVersion: z.number().int(),
  takenAt: z.iso.datetime(),
  /** What the database had been through; another version of Wonward has another list. */
  migrations: z.array(z.string()),
  bytes: z.number().int(),
  sha256: z.string(),
  /** By table; null for a file of an older version, whose tables this one does not know. */
  tables: z.record(z.string(), z.object({ rows: z.number().int(), hash: z.string() })).nullable(),
});

export type Manifest = z.infer<typeof manifestSchema>;

export function manifestPathOf(file: string): string {
  return `${file}.manifest.json`;
}

/** Whoever can read a backup can read every name and address in it. Tokens in it are sealed; the key is not in it. */
const FILE_MODE = 0o600;

/** Pages of one step of SQLite's copy, about a megabyte each 256; between two steps the process can be stopped. */
const PAGES_PER_STEP = 2_560;

// ── Taking one ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Takes a backup of one moment while the service goes on. @throws TransferRefused without having touched what is there. */
export async function takeBackup(url: string, file: string, format: BackupFormat, now: Instant): Promise<Manifest> {
  for (const path of [file, manifestPathOf(file)]) {
    if (existsSync(path))
      throw new TransferRefused(`${path} is there already.`, 'Nothing is overwritten. Name another file.');
  }
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  try {
    const about = format === 'sqlite' ? await copySqlite(url, partial) : await writePortable(url, partial);
    const { size } = await stat(partial);
    const manifest: Manifest = {
      format,
      formatVersion: FORMAT_VERSION,
      takenAt: isoOf(now),
      migrations: about.migrations,
      bytes: size,
      sha256: await sha256Of(partial),
      tables: about.tables,
    };
    await flush(partial);
    await rename(partial, file);
    await writeFile(`${manifestPathOf(file)}.partial`, `${JSON.stringify(manifest, null, 2)}\n`, { mode: FILE_MODE });
    await flush(`${manifestPathOf(file)}.partial`);
    await rename(`${manifestPathOf(file)}.partial`, manifestPathOf(file));
    await flush(dirname(file));
    return manifest;
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(`${partial}${suffix}`, { force: true });
  }
}

interface About {
  readonly migrations: string[];
  readonly tables: Digests | null;
}

async function copySqlite(url: string, partial: string): Promise<About> {
  const path = sqlitePathOf(url);
  if (path === null || path === ':memory:') {
    throw new TransferRefused(
      'Only a SQLite file can be copied as a file.',
      'Use --format portable, or the tools of PostgreSQL.',
    );
  }
  if (!existsSync(path)) throw new TransferRefused(`There is no database at ${path}.`, 'Check DATABASE_URL.');
  await writeFile(partial, '', { mode: FILE_MODE });
  const source = new Database(path, { readonly: true });
  try {
    // With a read open before it begins, the copy is of that moment. Without one it begins anew whenever somebody writes.
    source.exec('begin');
    source.prepare('select count(*) from sqlite_master').get();
    await source.backup(partial, { progress: () => PAGES_PER_STEP });
    source.exec('commit');
  } finally {
    source.close();
  }
  checkIntegrity(partial);
  const engine = await openEngine({ url: `sqlite:${partial}` });
  let about: About;
  try {
    about = await atOneMoment(engine, async (session) => {
      const migrations = await migrationsOf(session);
      const isCurrent = migrations.join() === MIGRATION_NAMES.join();
      return { migrations, tables: isCurrent ? await digestsOf(session) : null };
    });
  } finally {
    await engine.close();
  }
  // One file that stands by itself, without a log beside it.
  const copy = new Database(partial);
  copy.pragma('journal_mode = delete');
  copy.close();
  return about;
}

/** @throws TransferRefused with what SQLite finds wrong with the file. */
function checkIntegrity(path: string): void {
  let wrong: string[];
  try {
    const database = new Database(path);
    try {
      const rows = database.pragma('integrity_check') as Array<{ integrity_check: string }>;
      const references = database.pragma('foreign_key_check') as Array<{ table: string }>;
      wrong = [
        ...rows.map(({ integrity_check }) => integrity_check).filter((line) => line !== 'ok'),
        ...references.map(({ table }) => `a row of ${table} names what is not there`),
      ];
    } finally {
      database.close();
    }
  } catch (cause) {
    wrong = [cause instanceof Error ? cause.message : String(cause)];
  }
  if (wrong.length === 0) return;
  throw new TransferRefused(
    `The database is damaged: ${wrong.slice(0, 3).join('; ')}.`,
    'Restore the newest backup that can be restored; what came after it is found again by the sweep.',
  );
}

async function writePortable(url: string, partial: string): Promise<About> {
  if (sqlitePathOf(url) === ':memory:')
    throw new TransferRefused('A database in memory cannot be backed up.', 'Use a file.');
  const engine = await openExisting(url);
  try {
    return await atOneMoment(engine, async (session) => {
      await assertCurrent(session);
      const digester = createDigester();
      const lines = async function* () {
        yield line({ wonward: 'backup', formatVersion: FORMAT_VERSION, migrations: MIGRATION_NAMES });
        for await (const chunk of chunksOf(session)) {
          digester.add(chunk);
          yield line({ chunk: chunk.map(({ table, rows }) => [table, rows]) });
        }
        yield line({ end: true, sequence: await sequenceOf(session), tables: digester.digests() });
      };
      await pipeline(Readable.from(lines()), createGzip(), createWriteStream(partial, { mode: FILE_MODE }));
      return { migrations: [...MIGRATION_NAMES], tables: digester.digests() };
    });
  } finally {
    await engine.close();
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// ── Putting one back ────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws TransferRefused when the file is not whole, not what its manifest says, or of a version that this one cannot read. */
export async function checkBackup(file: string): Promise<Manifest> {
  const path = manifestPathOf(file);
  const text = await readFile(path, 'utf8').catch(() => {
    throw new TransferRefused(
      `${path} cannot be read.`,
      'A backup is the file and its manifest. Without one it was not finished, or only half of it was copied here.',
    );
  });
  const manifest = readManifest(path, text);
  if (manifest.formatVersion !== FORMAT_VERSION) {
    throw new TransferRefused(
      `${file} has format version ${manifest.formatVersion}; this version of Wonward reads ${FORMAT_VERSION}.`,
      'Restore it with the version of Wonward that wrote it.',
    );
  }
  const unknown = manifest.migrations.filter((name) => !MIGRATION_NAMES.includes(name));
  if (unknown.length > 0) {
    throw new TransferRefused(
      `${file} was written by a newer version of Wonward (it has "${unknown.join('", "')}").`,
      'Restore it with that version.',
    );
  }
  if (manifest.format === 'portable' && manifest.migrations.length < MIGRATION_NAMES.length) {
    throw new TransferRefused(
      `${file} was written by an older version of Wonward, and its rows do not fit this one's tables.`,
      'Restore it with the version that wrote it, then start the service of this version.',
    );
  }
  const { size } = await stat(file).catch(() => {
    throw new TransferRefused(`${file} cannot be read.`, 'Name the backup; its manifest is beside it.');
  });
  if (size !== manifest.bytes) {
    throw new TransferRefused(
      `${file} has ${size} bytes, and had ${manifest.bytes} when it was taken.`,
      'It was cut off or changed. Copy it here again, or use another backup.',
    );
  }
  if ((await sha256Of(file)) !== manifest.sha256) {
    throw new TransferRefused(
      `${file} is not what it was when it was taken: its checksum is another one.`,
      'Copy it here again, or use another backup.',
    );
  }
  return manifest;
}

function readManifest(path: string, text: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    throw new TransferRefused(`${path} is not the manifest of a backup.`, 'Copy it here again, or use another backup.');
  }
}

export interface RestoreSteps {
  /** Looks at what was restored before anybody may use it; throws to leave it out of service. */
  readonly check: (session: Session) => Promise<void>;
  readonly now: () => Instant;
}

/** Puts a backup where there is nothing. @throws TransferRefused, and then there is nothing usable, but nothing lost either. */
export async function restoreBackup(file: string, url: string, steps: RestoreSteps): Promise<Manifest> {
  const manifest = await checkBackup(file);
  const path = sqlitePathOf(url);
  if (path === ':memory:') throw new TransferRefused('Nothing can be restored into memory.', 'Name a file.');
  if (manifest.format === 'portable') await restorePortable(file, url, manifest, steps);
  else if (path === null) {
    throw new TransferRefused(
      'A copy of a SQLite file cannot be put into PostgreSQL.',
      'Restore it into a file and use "move", or take backups with --format portable.',
    );
  } else await restoreSqlite(file, path, manifest, steps);
  return manifest;
}

async function restoreSqlite(file: string, path: string, manifest: Manifest, steps: RestoreSteps): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) {
    if (!existsSync(`${path}${suffix}`)) continue;
    throw new TransferRefused(
      `${path}${suffix} is there already.`,
      'Nothing is overwritten. Move it away first, and keep it until the restored one is in use.',
    );
  }
  const fresh = `${path}.restoring`;
  const discard = async () => {
    for (const suffix of ['', '-wal', '-shm']) await rm(`${fresh}${suffix}`, { force: true });
  };
  await discard();
  try {
    await mkdir(dirname(path), { recursive: true });
    await copyFile(file, fresh);
    checkIntegrity(fresh);
    const engine = await openEngine({ url: `sqlite:${fresh}` });
    try {
      // A file of an older version is brought up to date first; its rows are not those that were counted then.
      if (manifest.tables !== null) await atOneMoment(engine, (session) => compareWith(session, manifest));
      await migrate(engine);
      await finishRestoring(engine, steps);
    } finally {
      await engine.close();
    }
    await flush(fresh);
    await rename(fresh, path);
    await flush(dirname(path));
  } finally {
    await discard();
  }
}

async function restorePortable(file: string, url: string, manifest: Manifest, steps: RestoreSteps): Promise<void> {
  const engine = await openEngine({ url, connectionsMax: 2 });
  try {
    const loader = await beginLoading(engine);
    await readPortable(file, loader);
    await atOneMoment(engine, (session) => compareWith(session, manifest));
    await finishRestoring(engine, steps);
    await loader.finish();
  } finally {
    await engine.close();
  }
}

async function compareWith(session: Session, { tables }: Manifest): Promise<void> {
  const differ = differences(tables ?? {}, await digestsOf(session));
  if (differ.length > 0)
    throw new TransferRefused(`What was restored is not what was saved: ${differ.join('; ')}.`, 'Use another backup.');
}

async function finishRestoring(engine: Engine, { check, now }: RestoreSteps): Promise<void> {
  await atOneMoment(engine, check);
  await engine.write((session) => lookAtEverything(session, now()));
}

/**
 * What happened in the CRM between the backup and now has left no hint here. New and changed records are found by the sweep, whose
 * marks are as old as the backup; deletions and associations are not, so every record that is known is read once more, and what the
 * CRM shows is written anew.
 */
async function lookAtEverything({ db }: Session, now: Instant): Promise<void> {
  await sql`insert into work (account_id, connection_id, object, record_id, wanted, claimed_at, erase, run_at, due_at, claim, attempts,
      parked, error)
    select account_id, connection_id, object, record_id, 1, null, 0, cast(${now} as bigint), cast(${now} as bigint), null, 0, 0, null
    from records where true
    on conflict (account_id, connection_id, object, record_id) do update set wanted = work.wanted + 1, run_at = excluded.run_at,
      due_at = excluded.due_at, claim = null, claimed_at = null, attempts = 0, parked = 0, error = null`.execute(db);
  await sql`update mirror set wanted = wanted + 1, acked_hash = null, run_at = ${now}, due_at = ${now}, claim = null, attempts = 0,
    parked = 0, error = null`.execute(db);
}

const headSchema = z.object({ wonward: z.literal('backup'), formatVersion: z.literal(FORMAT_VERSION) });
const valueSchema = z.union([z.string(), z.number(), z.null()]);
const chunkSchema = z.object({
  chunk: z.array(z.tuple([z.string(), z.array(z.array(valueSchema))])),
});
const endSchema = z.object({ end: z.literal(true), sequence: z.number().int() });

async function readPortable(file: string, loader: Loader): Promise<void> {
  let number = 0;
  let isWhole = false;
  await pipeline(createReadStream(file), createGunzip(), async (plain: AsyncIterable<Buffer>) => {
    for await (const text of linesIn(plain)) {
      number += 1;
      const value = parsed(text, file, number);
      if (number === 1) headSchema.parse(value);
      else if (isEnd(value)) {
        await loader.setSequence(endSchema.parse(value).sequence);
        isWhole = true;
      } else await loader.write(chunkFrom(value, number));
    }
  }).catch((error: unknown) => {
    // What zlib says of bytes that it did not write.
    if (String((error as { code?: unknown }).code).startsWith('Z_')) throw unreadable(file, number + 1);
    throw error;
  });
  if (!isWhole) throw new TransferRefused(`${file} ends after line ${number}, before its end.`, 'Use another backup.');
}

/** A line is one chunk of rows: a megabyte or two. */
async function* linesIn(plain: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let begun: string[] = [];
  for await (const bytes of plain) {
    const [first = '', ...more] = decoder.write(bytes).split('\n');
    begun.push(first);
    for (const next of more) {
      yield begun.join('');
      begun = [next];
    }
  }
  const last = begun.join('') + decoder.end();
  if (last !== '') yield last;
}

function parsed(text: string, file: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(file, number);
  }
}

function unreadable(file: string, number: number): TransferRefused {
  return new TransferRefused(`${file} cannot be read at line ${number}.`, 'Use another backup.');
}

function isEnd(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'end' in value;
}

function chunkFrom(value: unknown, number: number): Chunk {
  return chunkSchema.parse(value).chunk.map(([table, rows]) => {
    if (!isCopied(table)) throw new TransferRefused(`Line ${number} is of an unknown table.`, 'Use another backup.');
    const width = Object.keys(columnsOf(table)).length;
    if (rows.some((row) => row.length !== width))
      throw new TransferRefused(
        `Line ${number} has rows of ${table} with another number of columns.`,
        'Use another backup.',
      );
    return { table, rows };
  });
}
