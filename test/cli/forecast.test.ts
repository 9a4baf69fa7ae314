import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { DAY, T0, tenant } from '../conformance/store-fixtures.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('forecast'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    const a = tenant(store);
    await a.create();
    await a.writePair();
    const rule = {
      ...{
        key: 'member-won',
        name: 'Member',
        party: 'member' as const,
        payout: 'credit',
        conditions: [],
        holdDays: 14,
      },
      amount: { kind: 'percent' as const, basisPoints: 1_000 },
    };
    await store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [rule] }, T0);
    const stage = { pipelineId: 'p', stageId: 's', pipelineLabel: 'P', stageLabel: 'S', stage: 'opportunity' as const };
    const chances = [{ pipelineId: 'p', stageId: 's', chance: 2_500 }];
    await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [stage], T0, { chances });
    // Closes in the last days of a year far ahead, so that the hold ends in the next one.
    const prospect = { chance: null, closesAt: Date.UTC(2099, 11, 30) };
    const facts = a.deal('7', { contactIds: ['friend-ref_1'], prospect });
    await a.write({}, { snapshots: [{ facts, readAt: T0 + DAY }] });
  } finally {
    await store.close();
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const on = (...args: string[]) => commandLine(env, ...args);

test('a forecast is counted and shown at the command line, by the probability of the stage where the deal has none', async () => {
  const before = await on('forecast', 'show', 'acc_a');
  expect([before.code, before.out]).toEqual([0, 'Not counted yet. "forecast count" counts now.\n']);
  const counted = await on('forecast', 'count', 'acc_a', '--by', 'Fay');
  expect([counted.code, counted.err]).toEqual([0, '']);
  expect(counted.out).toMatch(/1 open deals; 0 past their close date, 0 without a probability/);
  expect(counted.out).toMatch(/2100-01\s+EUR\s+1\s+2\.50\s+10\.00\s+0\.00\s+0\.00/);
  expect(counted.out).toMatch(/total\s+EUR\s+1\s+2\.50\s+10\.00/);
  const shown = JSON.parse((await on('forecast', 'show', 'acc_a', '--json')).out);
  expect(shown).toMatchObject({ deals: 1, rows: [{ month: '2100-01', weighted: '2.50' }, { month: 'total' }] });
  expect((await on('forecast', 'show', 'acc_none')).code).not.toBe(0);
});
