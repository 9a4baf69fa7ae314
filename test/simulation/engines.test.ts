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

/**
 * Restored records; two CRMs in one account; a lost and renewed authorisation; a CRM with a past that is released; people at the console. The
 * first and the third with a crash inside a transaction.
 */
const SEEDS = [30, 95, 181, 53, 73];

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
