import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { tenant } from '../conformance/store-fixtures.ts';
import { endpointFor } from '../conformance/store-webhooks.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;
beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('webhooks'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  const a = tenant(store);
  await a.create();
  const eventTypes = ['member.enrolled' as const];
  await store.webhooks.create('acc_a', endpointFor('whe_1', { eventTypes }));
  await store.webhooks.create('acc_a', endpointFor('whe_2', { eventTypes, state: 'failing' }));
  await a.writePair();
  await store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('webhooks are listed, and what was not delivered is asked for again', async () => {
  const listed = await commandLine(env, 'webhook', 'list', 'acc_a');
  expect([listed.code, listed.err]).toEqual([0, '']);
  expect(listed.out).toMatch(/whe_1 +enabled +never +1 +https:\/\/example.com\/whe_1/);
  expect(listed.out).toMatch(/whe_2 +failing/);
  const replay = (id: string, ...more: string[]) =>
    commandLine(env, 'webhook', 'replay', 'acc_a', id, '--since', '2026-01-01', ...more);
  expect((await replay('whe_1', '--json')).out).toContain('"asked": 1');
  expect((await replay('whe_2')).err).toContain('whe_2 is switched off');
  expect((await replay('whe_9')).err).toContain('There is no webhook whe_9.');
  const wrong = await commandLine(env, 'webhook', 'replay', 'acc_a', 'whe_1', '--since', 'yesterday');
  expect([wrong.code, wrong.err.includes('is no day')]).toEqual([2, true]);
});
