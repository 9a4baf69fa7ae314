import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMappings } from '../../src/application/mapping.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('mapping'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    await tenant(store).create();
    await tenant(store, 'acc_b', 'con_b').create();
    const entry = { pipelineId: 'p', pipelineLabel: 'Sales' } as const;
    const entries = [
      { ...entry, stageId: 'sent', stageLabel: 'Contract sent', stage: 'opportunity' },
      { ...entry, stageId: 'won', stageLabel: 'Closed Won', stage: 'won' },
    ] as const;
    await store.connections.saveMapping('acc_a', 'con_a', 'map_1', entries, T0);
  } finally {
    await store.close();
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const mapping = (...args: string[]) => commandLine(env, 'mapping', ...args);

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

test('what stages mean is shown, tried, said, and shown in the form in which it can be said again', async () => {
  const before = await mapping('show', 'acc_a', 'con_a');
  expect([before.code, before.err]).toEqual([0, '']);
  expect(before.out).toMatch(/p +sent +Contract sent +opportunity +the metadata/);
  const said = await file('said.yaml', 'stages:\n  - { pipelineId: p, stageId: sent, stage: qualified }\n');
  const csv = join(directory, 'differences.csv');
  const tried = await mapping('dry-run', 'acc_a', 'con_a', said, '--csv', csv);
  expect([tried.code, tried.err]).toEqual([0, '']);
  expect(tried.out).toContain('0 referrals: 0 rewards as they are');
  expect(await readFile(csv, 'utf8')).toContain('"kind","referral"');
  expect((await mapping('set', 'acc_a', 'con_a', said)).out).toMatch(/^map_.+ is in force\./);
  const after = await mapping('show', 'acc_a', 'con_a');
  expect(after.out).toMatch(/p +sent +Contract sent +qualified +an admin; by the metadata opportunity/);
  const again = await file('again.json', (await mapping('show', 'acc_a', 'con_a', '--json')).out);
  const { stages } = JSON.parse(await readFile(again, 'utf8'));
  expect(stages).toEqual([{ pipelineId: 'p', stageId: 'sent', stage: 'qualified' }]);
});

test.each([
  ['nothing.yaml', null, 'acc_a', 'con_a', 'cannot be read.'],
  [
    'stage.yaml',
    'stages: [{ pipelineId: p, stageId: x, stage: won }]',
    'acc_a',
    'con_a',
    'stages[0].stageId: must be the id of a stage of this pipeline: sent, won',
  ],
  ['word.yaml', 'stages: [{ pipelineId: p, stageId: sent, stage: done }]', 'acc_a', 'con_a', 'stages[0].stage: '],
  [
    'none.yaml',
    'stages: [{ pipelineId: p, stageId: won, stage: lost }]',
    'acc_a',
    'con_a',
    'leaves the pipeline p without any stage that means "won"',
  ],
  ['other.yaml', 'stages: []', 'acc_a', 'con_b', 'There is no connection "con_b".'],
  ['early.yaml', 'stages: []', 'acc_b', 'con_b', 'The stages were not read from the CRM yet.'],
])('%s changes nothing, and what is wrong with it is said', async (name, text, account, connection, what) => {
  const path = text === null ? join(directory, name) : await file(name, text);
  const before = (await mapping('show', 'acc_a', 'con_a')).out;
  for (const command of ['set', 'dry-run']) {
    const { code, err } = await mapping(command, account, connection, path);
    expect(code).not.toBe(0);
    expect(err).toContain(what);
  }
  expect((await mapping('show', 'acc_a', 'con_a')).out).toBe(before);
});

test('what is said while a sweep reads the stages anew is put on top of what it has read', async () => {
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    const { connections } = store;
    let swept = false;
    const between: typeof store = {
      ...store,
      connections: {
        ...connections,
        async saveMapping(...args) {
          if (!swept) {
            swept = true;
            const newest = await connections.mapping('acc_a', 'con_a');
            const entries = (newest?.entries ?? []).map((one) => ({ ...one, stageLabel: `${one.stageLabel}!` }));
            await connections.saveMapping('acc_a', 'con_a', 'map_swept', entries, T0);
          }
          return connections.saveMapping(...args);
        },
      },
    };
    const mappings = createMappings({
      store: between,
      clock: { now: () => T0 },
      newId: () => 'x',
      onAsked: () => {},
    });
    const result = await mappings.say('acc_a', 'con_a', [{ pipelineId: 'p', stageId: 'sent', stage: 'lost' }]);
    expect(result.kind).toBe('said');
    const sent = (await connections.mapping('acc_a', 'con_a'))?.entries.find(({ stageId }) => stageId === 'sent');
    expect(sent).toMatchObject({ stage: 'lost', stageLabel: 'Contract sent!' });
  } finally {
    await store.close();
  }
});
