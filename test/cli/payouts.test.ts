import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLine } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;
let account: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-cli-payouts-'));
  env = {
    DATABASE_URL: `sqlite:${join(directory, 'wonward.db')}`,
    ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 3).toString('base64')}`,
  };
  await commandLine(env, 'migrate');
  const created = await commandLine(env, 'account', 'create', 'Acme', '--json');
  account = (JSON.parse(created.out) as { id: string }).id;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const reconcile = (...args: string[]) => commandLine(env, 'payouts', 'reconcile', account, ...args);

test('payouts reconcile tells that both sides agree, as text and as JSON', async () => {
  const text = await reconcile('--provider', 'manual', '--from', '2026-11-01', '--to', '2026-12-01');
  expect([text.code, text.err]).toEqual([0, '']);
  expect(text.out).toContain('manual, 2026-11-01T00:00:00.000Z to 2026-12-01T00:00:00.000Z: 0 orders of ours, 0 agree');
  const json = await reconcile('--provider', 'manual', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ provider: 'manual', orders: 0, differences: [] });
});

test.each([
  [['--provider', 'nobodys'], 'There is no provider "nobodys".'],
  [['--provider', 'manual', '--from', 'soon'], '--from "soon" is no day.'],
  [['--provider', 'manual', '--from', '2026-12-01', '--to', '2026-11-01'], 'The time ends before it begins.'],
  [['--provider', 'stripe'], 'Stripe is not set up for this account: secretKey missing.'],
])('payouts reconcile %j says what is wrong and what to do', async (args, what) => {
  const { code, err } = await reconcile(...args);
  expect(code).not.toBe(0);
  expect(err).toContain(what);
});
