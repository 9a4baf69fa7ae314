import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { tenant } from '../conformance/store-fixtures.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('figures'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    const a = tenant(store);
    await a.create();
    await a.writePair();
    const reward = a.reward('rwd_1', 'ref_1');
    await a.write({ ...a.granted(reward), intents: [] });
  } finally {
    await store.close();
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const on = (...args: string[]) => commandLine(env, ...args);

test('figures are compared with what they are of; the first that is wrong is named, and making them anew mends it', async () => {
  const fine = await on('figures', 'verify');
  expect([fine.code, fine.err, fine.out]).toEqual([0, '', 'Account acc_a: every figure agrees.\n']);
  const raw = new Database(join(directory, 'wonward.db'));
  for (const [measure, words] of [
    ['ledger', /WRONG ledger \d+ · prg · expense · EUR: 1 of 5001 are kept, and it is 1 of 5000/],
    ['submitted', /WRONG submitted \d+ · prg · label · : 1 of 1 are kept/],
    ['tookAccepted', /WRONG figure tookAccepted · \d+ · prg · 0 · : 1 of 1 are kept/],
  ] as const) {
    const [column, label] = measure === 'ledger' ? ['minor', 'expense'] : ['minor', '%'];
    raw.prepare(`update figures set ${column} = ${column} + 1 where measure = ? and label like ?`).run(measure, label);
    const wrong = await on('figures', 'verify', '--account', 'acc_a');
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(words);
    expect((await on('figures', 'rebuild')).code).toBe(0);
  }
  raw.prepare('update ledger_sums set minor = minor + 1').run();
  expect((await on('figures', 'verify')).out).toMatch(/WRONG ledger account expense:prg · EUR: 1 of 5001/);
  raw.close();
  expect((await on('figures', 'rebuild', '--json')).code).toBe(0);
});

test('an account that is not there is named', async () => {
  const unknown = await on('figures', 'verify', '--account', 'nobody');
  expect(unknown.code).not.toBe(0);
  expect(unknown.err).toMatch(/nobody/);
});
