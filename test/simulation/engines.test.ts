import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { postgresForThisFile } from '../support/postgres.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('./differential.ts', import.meta.url));
const server = await postgresForThisFile();

/** Some ten seconds each; a starved machine takes its time. */
const TIMEOUT_MS = 5 * 60_000;

/** Restored records with a crash inside a transaction; two CRMs in one account. */
const SEEDS = [30, 95];

/** Their last comparison, of the figures, was not seen to come to its end on PostgreSQL: to be looked into before they are asked again. */
const SEEDS_NOT_ENDING = [181, 53, 73];

test.skip.each(SEEDS_NOT_ENDING)('what seed %i asks takes too long on PostgreSQL: the cause is not known yet', () => {
  expect.unreachable();
});

test.each(SEEDS)(
  'what seed %i asks of SQLite, PostgreSQL answers alike, and both end with the same rows',
  async (seed) => {
    const url = await server.freshDatabase();
    // A process of its own: the simulation replaces the timers, and loads the source through hooks.
    const { stdout } = await run(process.execPath, [PROGRAM, '--url', url, '--seed', String(seed)]);
    const { asked, rows } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { asked: number; rows: number };
    expect(asked).toBeGreaterThan(100);
    expect(rows).toBeGreaterThan(20);
  },
  TIMEOUT_MS,
);
