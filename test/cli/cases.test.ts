import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { newCase } from '../conformance/store-desk.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;
let account: string;
beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('cases'));
  const created = await commandLine(env, 'account', 'create', 'Acme', '--json');
  account = (JSON.parse(created.out) as { id: string }).id;
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  await store.desk.open(account, newCase('cas_1'));
  await store.desk.open(account, newCase('cas_2'));
  await store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const cases = (...args: string[]) => commandLine(env, 'cases', ...args);

test('cases are listed, shown with their history, and decided once, with a reason', async () => {
  const listed = await cases('list', account);
  expect([listed.code, listed.err]).toEqual([0, '']);
  expect(listed.out).toMatch(/cas_1 +alert +budget_burn +high +open +role:reviewer/);
  const json = JSON.parse((await cases('list', account, '--json')).out) as { items: unknown[] };
  expect(json.items).toHaveLength(2);
  const decide = () => cases('decide', account, 'cas_1', 'resolved', '--why', 'Filled up.', '--by', 'role:finance');
  expect((await decide()).out).toContain('cas_1 is decided: resolved');
  const again = await decide();
  expect([again.code, again.err.includes('The case is decided already: resolved.')]).toEqual([1, true]);
  const shown = await cases('show', account, 'cas_1');
  expect(shown.out).toMatch(/decided by role:finance: resolved: Filled up\./);
  expect((await cases('list', account)).out).not.toContain('cas_1');
  expect((await cases('list', account, '--all')).out).toContain('cas_1');
  expect((await cases('list', account, '--owner', 'person:7')).out).not.toContain('cas_2');
});

test.each([
  [['show', 'cas_9'], 'There is no case "cas_9".'],
  [['decide', 'cas_2', 'won', '--why', 'x', '--by', 'y'], '"won" is no outcome.'],
  [['decide', 'cas_2', 'approved', '--why', 'x', '--by', 'y'], 'It can be: resolved, dismissed.'],
  [['decide', 'cas_2', 'resolved', '--why', ' ', '--by', 'y'], 'A decision needs a reason.'],
  [['decide', 'cas_9', 'resolved', '--why', 'x', '--by', 'y'], 'There is no case "cas_9".'],
])('cases %j says what is wrong and what to do', async ([command = '', ...rest], what) => {
  const { code, err } = await cases(command, account, ...rest);
  expect(code).not.toBe(0);
  expect(err).toContain(what);
});
