import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createScene } from '../stories/scene.ts';
import { commandLine } from '../support/command-line.ts';
import { PORTAL, type Stack, startStack } from '../support/stack.ts';

let directory: string;
let stack: Stack;
let connection: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-cli-autopilot-'));
  stack = await startStack({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  const scene = createScene(stack);
  for (const dealstage of ['closedwon', 'closedlost', 'contractsent']) scene.deal([], { dealstage });
  await stack.install();
  connection = (await scene.connection()).id;
  await scene.sweep();
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => commandLine({ ...stack.environment }, ...args);
const of = () => [stack.accountId, connection] as const;

test('a mapping is proposed, shown, put off and accepted; what brings it into force is printed', async () => {
  const none = await run('mapping', 'proposal', ...of());
  expect([none.code === 0, none.err]).toEqual([false, expect.stringContaining('No mapping was proposed')]);
  const proposed = await run('mapping', 'propose', ...of());
  expect([proposed.code, proposed.err]).toEqual([0, '']);
  expect(proposed.out).toContain('100 % pass through a stage whose meaning is clear (3 of 3); 1 won, 1 lost, 1 open.');
  expect(proposed.out).toMatch(/closedwon +Closed Won +won +sure +1 +1 +0/);
  expect(proposed.out).toContain('Of the deals in "Sales Pipeline" 2 are decided');
  const past = await run('mapping', 'postpone', ...of(), '--until', '2020-01-01');
  expect(past.err).toContain('a day that is past');
  const day = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  expect((await run('mapping', 'postpone', ...of(), '--until', day)).out).toContain(`Put off until ${day}.`);
  expect((await run('mapping', 'proposal', ...of())).out).toContain(`put off until ${day}`);
  const accepted = await run('mapping', 'accept', ...of());
  expect(accepted.out).toMatch(/Bring it into force with "mapping set .+ - --dry-run dry_/);
});

test('what has changed is listed and mended', async () => {
  expect((await run('drift', 'list', ...of())).out).toContain('Nothing has changed.');
  stack.sandbox.control.editStage(PORTAL, 'deals', 'default', 'contractsent', { label: 'Contract out' });
  await createScene(stack).sweep();
  const listed = await run('drift', 'list', ...of());
  expect(listed.out).toContain('is called "Contract out" now.');
  const { items } = JSON.parse((await run('drift', 'list', ...of(), '--json')).out);
  const [{ id }] = items;
  const wrong = await run('drift', 'fix', ...of(), id, 'undo');
  expect(wrong.err).toContain('Those there are: accept, map, provision, reconnect, look_again.');
  expect((await run('drift', 'fix', ...of(), id, 'provision')).err).toContain('It can be: accept.');
  expect((await run('drift', 'fix', ...of(), 'cas_none', 'accept')).err).toContain('There is no alert "cas_none"');
  expect((await run('drift', 'fix', ...of(), id, 'accept')).out).toContain('Mended.');
  expect((await run('drift', 'list', ...of())).out).toContain('Nothing has changed.');
});
