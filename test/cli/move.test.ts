import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verification } from '../../src/application/verify.ts';
import { openEngine, openStore } from '../../src/store/open.ts';
import { beginLoading, chunksOf, type Digests, digestsOf } from '../../src/store/transfer.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { commandLine } from '../support/command-line.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { expectNextDealPays, liveThroughEverything, WITH_HOLD } from '../support/rich-history.ts';
import { quickClock, type Stack, startStack } from '../support/stack.ts';

const server = await postgresForThisFile();

let directory: string;
let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-move-'));
  stack = await startStack({
    clock: quickClock(),
    databaseUrl: `sqlite:${join(directory, 'first.db')}`,
    program: WITH_HOLD,
  });
  scene = createScene(stack);
  await stack.install();
  await liveThroughEverything(stack, scene);
});
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

const cli = (databaseUrl: string, ...args: string[]) =>
  commandLine({ ...stack.environment, DATABASE_URL: databaseUrl }, ...args);

async function digests(url: string) {
  const engine = await openEngine({ url });
  try {
    return await engine.snapshot(digestsOf);
  } finally {
    await engine.close();
  }
}

/** These tests follow one another: the database goes from SQLite to PostgreSQL and back again. */
const file = () => stack.environment.DATABASE_URL ?? '';
let postgres: string;

test('is refused while the service runs, and nothing is touched', async () => {
  postgres = await server.freshDatabase();
  const { code, err } = await cli(file(), 'move', '--to', postgres);
  expect([code, err]).toEqual([1, expect.stringContaining('another process has the file open')]);
  expect(err).toContain('Stop the service');
  const store = await openStore({ url: postgres });
  expect(await store.accounts.list()).toEqual([]);
  await store.close();
});

test('a copy that was interrupted is not served, and the same move begins anew', async () => {
  await stack.stop();
  const [source, target] = [await openEngine({ url: file() }), await openEngine({ url: postgres })];
  await source.snapshot(async (session) => {
    const loader = await beginLoading(target);
    let chunks = 0;
    for await (const chunk of chunksOf(session)) {
      await loader.write(chunk);
      chunks += 1;
      // In the middle: people are there, and the money is not.
      if (chunk.some(({ table }) => table === 'rewards')) break;
    }
    expect(chunks).toBeGreaterThan(5);
  });
  await source.close();
  await target.close();
  await expect(stack.start({ DATABASE_URL: postgres })).rejects.toThrow(/copy that was not finished/);
  expect((await cli(postgres, 'account', 'list')).err).toContain('copy that was not finished');
  expect((await cli(postgres, 'verify')).err).toContain('copy that was not finished');
});

/** That the database was moved stands in the log of what was changed, where it is now. */
function withOneEntryMore(before: Digests, after: Digests): Digests {
  const entries = before.audit_entries;
  const { hash = '' } = after.audit_entries ?? {};
  return { ...before, audit_entries: { rows: (entries?.rows ?? 0) + 1, hash } };
}

test('moves every row, keeps the numbers of the inbox, verifies both, and the service goes on there', async () => {
  const before = await digests(file());
  const { code, out, err } = await cli(file(), 'move', '--to', postgres, '--json');
  expect([err, code]).toEqual(['', 0]);
  const moved = JSON.parse(out) as { tables: typeof before; verification: Verification };
  expect(moved.tables).toEqual(before);
  expect(moved.verification).toMatchObject({ ok: true });
  expect(await digests(postgres)).toEqual(withOneEntryMore(before, await digests(postgres)));
  for (const table of [
    'inbox',
    'referrals',
    'decisions',
    'rewards',
    'journals',
    'postings',
    'intents',
    'mirror',
    'records',
  ])
    expect([table, (before[table]?.rows ?? 0) > 0]).toEqual([table, true]);

  await stack.start({ DATABASE_URL: postgres });
  await expectNextDealPays(stack, scene);
  const grown = await digests(postgres);
  expect(grown.inbox?.rows).toBeGreaterThan(before.inbox?.rows ?? 0);
  await stack.stop();
});

test('the database that was left is not served any more, by the service or by a second move', async () => {
  await expect(stack.start({ DATABASE_URL: file() })).rejects.toThrow(/was moved/);
  const { code, err } = await cli(file(), 'move', '--to', `sqlite:${join(directory, 'never.db')}`);
  expect([code, err]).toEqual([1, expect.stringContaining('was moved')]);
});

test('is refused into a database that holds anything, and that is left as it is', async () => {
  const other = `sqlite:${join(directory, 'other.db')}`;
  const store = await openStore({ url: other });
  await store.accounts.create({ id: 'acc_other', name: 'Other', createdAt: 1 });
  await store.close();
  const { code, err } = await cli(postgres, 'move', '--to', other);
  expect([code, err]).toEqual([1, expect.stringContaining('not empty: there are rows in accounts')]);
  const again = await openStore({ url: other });
  expect(await again.accounts.list()).toHaveLength(1);
  await again.close();
});

test('is refused while another node of Wonward is connected to PostgreSQL, unless it is forced', async () => {
  const node = await openStore({ url: postgres });
  await node.ping();
  const { code, err } = await cli(postgres, 'move', '--to', `sqlite:${join(directory, 'back.db')}`);
  expect([code, err]).toEqual([1, expect.stringMatching(/in use: \d+ connections of Wonward are open/)]);
  await node.close();
});

test('is refused while a node that may have died holds a claim, and goes on by force, from PostgreSQL to SQLite too', async () => {
  const back = `sqlite:${join(directory, 'back.db')}`;
  const node = await openStore({ url: postgres });
  await node.leases.acquire('schedule sweep', 'a dead node', Date.now(), Date.now() + 600_000);
  await node.close();
  expect((await cli(postgres, 'move', '--to', back)).err).toContain('leases are held');
  const before = await digests(postgres);
  const { code, err } = await cli(postgres, 'move', '--to', back, '--force');
  expect([err, code]).toEqual(['', 0]);
  expect(await digests(back)).toEqual(withOneEntryMore(before, await digests(back)));
  await expect(stack.start({ DATABASE_URL: postgres })).rejects.toThrow(/was moved/);
  await stack.start({ DATABASE_URL: back });
  await expectNextDealPays(stack, scene);
  await stack.stop();
  expect(JSON.parse((await cli(back, 'verify', '--json')).out)).toMatchObject({ ok: true, problems: [] });
});

test.each([
  ['to itself', (url: string) => url, 'same database'],
  ['into memory', () => 'sqlite::memory:', 'in memory'],
  ['to what is no database of ours', () => 'mysql://user:secret@host/db', 'must begin with'],
])('is refused %s, and no password is repeated', async (_, target, words) => {
  const { code, err } = await cli(file(), 'move', '--to', target(file()));
  expect(code).toBe(1);
  expect(err).toContain(words);
  expect(err).not.toContain('secret');
});
