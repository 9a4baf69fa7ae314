import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toJson, toTable } from '../../bench/report.ts';
import { figure } from '../../bench/row.ts';
import { percentile, slope } from '../../bench/statistics.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Two processes of the service, the local HubSpot and the load generator start on cores that others use as well. */
const TIMEOUT_MS = 300_000;

/** What readers of `--json` rest on. */
const schema = z.strictObject({
  figures: z.array(
    z.strictObject({
      name: z.string().min(1),
      value: z.number(),
      unit: z.string().min(1),
      target: z.string().nullable(),
      ok: z.boolean().nullable(),
    }),
  ),
  notes: z.array(z.string()),
  failed: z.array(z.string()),
});

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-bench-test-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['bench/main.ts', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}

describe('the benchmarks', { timeout: TIMEOUT_MS }, () => {
  test('run in their quick form from webhook to ledger, and write what they found as JSON', async () => {
    const file = join(directory, 'figures.json');
    const { code, output } = await bench('--quick', '--only', 'closed-won,limit', '--json', file);
    expect(output).not.toContain('COULD NOT BE MEASURED');
    expect(code).toBe(0);
    const report = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    expect(report.failed).toEqual([]);
    const names = report.figures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['closed-won, Wonward', 'limit']));
    expect(report.figures.find(({ name }) => name === 'limit')).toMatchObject({ unit: '×', target: '≥ 0.6' });
    for (const { value } of report.figures) expect(value).toBeGreaterThan(0);
  });

  test('are named by --list, each with its target', async () => {
    const { code, output } = await bench('--list');
    expect(code).toBe(0);
    for (const name of ['ingest', 'closed-won', 'limit', 'durable', 'latency', 'memory', 'start', 'postgres'])
      expect(output).toMatch(new RegExp(`^${name} \\(.+\\)$`, 'm'));
  });

  test('that nobody knows are refused by name', async () => {
    const { code, output } = await bench('--only', 'nonsense');
    expect(code).not.toBe(0);
    expect(output).toContain('there is no row "nonsense"');
  });
});

describe('a report', () => {
  const row = { name: 'speed', what: 'How fast.', target: '≥ 2' };
  const missed = figure('speed', 1.5, '×', { atLeast: 2 });
  const reached = figure('delay', 20, 'ms', { atMost: 25 });
  const result = {
    row,
    figures: [missed, reached, figure('beside', 7, '/s')],
    notes: ['a peer was left out'],
    tookMs: 1,
  };

  test('says of each target whether it was reached, and of a figure without one nothing', () => {
    expect(toJson([{ ...result, failure: null }])).toEqual({
      figures: [
        { name: 'speed', value: 1.5, unit: '×', target: '≥ 2', ok: false },
        { name: 'delay', value: 20, unit: 'ms', target: '≤ 25', ok: true },
        { name: 'beside', value: 7, unit: '/s', target: null, ok: null },
      ],
      notes: ['speed: a peer was left out'],
      failed: [],
    });
    const table = toTable([{ ...result, failure: null }]);
    expect(table).toMatch(/speed +1\.5 × +≥ 2 +NOT REACHED/);
    expect(table).toMatch(/delay +20 ms +≤ 25 +reached/);
    expect(table).toContain('a peer was left out');
  });

  test('names a row that could not be measured instead of leaving it out', () => {
    const failed = { ...result, figures: [], failure: 'the service did not start' };
    expect(toJson([failed]).failed).toEqual(['speed: the service did not start']);
    expect(toTable([failed])).toContain('COULD NOT BE MEASURED: the service did not start');
  });
});

test('a percentile is a value that was measured, and the slope is that of a straight line', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(values, 50), percentile(values, 99), percentile(values, 100)]).toEqual([50, 99, 100]);
  expect(percentile([], 99)).toBeNaN();
  expect(
    slope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toBeCloseTo(2);
});
