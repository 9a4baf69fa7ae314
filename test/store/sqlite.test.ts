import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MIGRATION_NAMES, migrate } from '../../src/store/migrations/migrate.ts';
import { createStore, openStore } from '../../src/store/open.ts';
import { openSqlite, plannedOnce } from '../../src/store/sqlite.ts';
import { hint, T0, tenant } from '../conformance/store-fixtures.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

let directory: string;
let path: string;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-store-'));
  path = join(directory, 'wonward.db');
  url = `sqlite:${path}`;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function child(...args: string[]) {
  return spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the directory of the database is made, also several levels deep', async () => {
  const deep = join(directory, 'a', 'b', 'wonward.db');
  const store = await openStore({ url: `sqlite:${deep}` });
  await store.ping();
  await store.close();
  expect(new Database(deep).pragma('journal_mode', { simple: true })).toBe('wal');
});

test('a database in memory needs no file', async () => {
  const store = await openStore({ url: 'sqlite::memory:' });
  await tenant(store).create();
  expect(await store.accounts.list()).toHaveLength(1);
  await store.close();
});

test('a URL that names no database we know is refused without being repeated', async () => {
  await expect(openStore({ url: 'mysql://user:secret@host/db' })).rejects.toThrow(
    /must begin with sqlite: or postgres/,
  );
  await expect(openStore({ url: 'mysql://user:secret@host/db' })).rejects.not.toThrow(/secret/);
});

test('every commit is flushed to the disk, foreign keys are enforced, and a replaced row is a deleted row', async () => {
  const engine = await openSqlite(path);
  const pragma = async (name: string) =>
    engine.read(async ({ db }) => {
      return Object.values((await sql.raw(`pragma ${name}`).execute(db)).rows[0] as object)[0];
    });
  expect({
    journal_mode: await pragma('journal_mode'),
    synchronous: await pragma('synchronous'),
    foreign_keys: await pragma('foreign_keys'),
    recursive_triggers: await pragma('recursive_triggers'),
  }).toEqual({ journal_mode: 'wal', synchronous: 2, foreign_keys: 1, recursive_triggers: 1 });
  await engine.close();
});

test('tables are strict: a number that is not whole is no amount', async () => {
  const store = await openStore({ url });
  await store.close();
  const raw = new Database(path);
  const loose = raw
    .prepare(
      "select name from pragma_table_list where schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite_%'",
    )
    .all();
  expect(loose).toEqual([]);
  raw.close();
});

test('sequence numbers of the inbox are never given out twice', async () => {
  const store = await openStore({ url });
  await store.close();
  const raw = new Database(path);
  expect(raw.prepare("select sql from sqlite_master where name = 'inbox'").pluck().get()).toMatch(/AUTOINCREMENT/);
  raw.close();
});

test('processes that open a new database at the same moment all find it whole', async () => {
  const at = Date.now() + 1_500;
  const children = Array.from({ length: 4 }, () => child('open', url, String(at)));
  const codes = await Promise.all(children.map((one) => new Promise((resolve) => one.once('exit', resolve))));
  expect(codes).toEqual([0, 0, 0, 0]);
  const raw = new Database(path);
  expect(raw.prepare('select number, name from migrations order by number').all()).toEqual(
    MIGRATION_NAMES.map((name, index) => ({ number: index + 1, name })),
  );
  raw.close();
});

test('what was acknowledged is there after kill -9', async () => {
  const before = await openStore({ url });
  await tenant(before).create();
  await before.close();
  const acknowledged: string[] = [];
  for (const kill of [1, 2, 3]) {
    const worker = child('append', url);
    let text = '';
    await new Promise<void>((resolve) => {
      worker.stdout.on('data', (chunk) => {
        text += String(chunk);
        if (text.split('\n').length > 20 * kill) worker.kill('SIGKILL');
      });
      worker.once('exit', () => resolve());
    });
    // The last line may be cut off; the ones before it were acknowledged.
    acknowledged.push(...text.split('\n').slice(0, -1).join(' ').split(' '));
  }
  const store = await openStore({ url });
  const raw = new Database(path);
  const kept = new Set(raw.prepare('select event_key from inbox').pluck().all());
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
  // And with each hint the work that it asks for.
  const asked = new Set(raw.prepare('select record_id from work').pluck().all());
  expect(acknowledged.filter((key) => !asked.has(key.slice(1)))).toEqual([]);
  raw.close();
  await store.close();
});

test('a process that holds the write lock for a while delays others and fails none of them', async () => {
  const store = await openStore({ url });
  await tenant(store).create();
  const blocker = new Database(path);
  blocker.exec('begin immediate');
  setTimeout(() => blocker.exec('commit'), 400);
  const appended = await store.inbox.append(tenant(store).of, [hint('e1', ['1'])], T0);
  expect(appended).toEqual({ accepted: 1, duplicates: 0 });
  blocker.close();
  await store.close();
});

test('deliveries that come together share their flushes to the disk', async () => {
  let flushes = 0;
  const engine = await openSqlite(path, {
    onStatement: (text) => {
      if (text === 'commit') flushes += 1;
    },
  });
  await migrate(engine);
  const store = createStore(engine);
  const a = tenant(store);
  await a.create();
  flushes = 0;
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => store.inbox.append(a.of, [hint(`e${index}`, ['1'])], T0)),
  );
  expect(flushes).toBeLessThan(5);
  await engine.close();
});

test('no value has a say in the plan of its statement, which would be planned anew for each, and every value comes through as it is', async () => {
  const heard: string[] = [];
  const engine = await openSqlite(':memory:', { onStatement: (text) => heard.push(text) });
  const values = ['a?b', '', null, 0, -1, 9_007_199_254_740_991, 1.5] as const;
  for (const value of values) {
    const { rows } = await engine.read(({ db }) =>
      sql<{ value: unknown; kind: string }>`select ${value} as value, typeof(${value}) as kind`.execute(db),
    );
    const kind = value === null ? 'null' : typeof value === 'string' ? 'text' : 'real';
    // A number is bound as better-sqlite3 binds it, which a plus does not change.
    expect(rows).toEqual([{ value, kind }]);
  }
  expect(heard.filter((text) => text.startsWith('select'))).toHaveLength(values.length);
  for (const text of heard.filter((text) => text.startsWith('select'))) expect(text).toMatch(/^select \+.* typeof\(\+/);
  await engine.close();
});

test('what is quoted in a statement stays as it was written', () => {
  expect(plannedOnce(`select '?', 'it''s ?', "odd?" from t where a = ? and b in (?, ?) limit ?`)).toBe(
    `select '?', 'it''s ?', "odd?" from t where a = +? and b in (+?, +?) limit +?`,
  );
});
