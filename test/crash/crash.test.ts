import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { killAllChildren, startChild } from './processes.ts';
import { CrashRunError, type RunReport, run } from './run.ts';

const RUNS_DEFAULT = 3;

const runs = Number(process.env.CRASH_RUNS ?? RUNS_DEFAULT);
const firstSeed = Number(process.env.CRASH_SEED ?? 1 + Math.floor(Math.random() * 1_000_000));

describe.concurrent('the service is killed again and again while HubSpot misbehaves', () => {
  let compileCache = '';
  beforeAll(async () => {
    compileCache = mkdtempSync(join(tmpdir(), 'wonward-crash-cache-'));
    // Both end at once for want of a configuration, and leave behind what they have compiled: a killed process leaves nothing.
    const scripts = ['src/main.ts', 'src/sandbox/hubspot/main.ts'];
    await Promise.all(scripts.map((script) => startChild(script, { NODE_COMPILE_CACHE: compileCache }).exited));
  });
  afterAll(async () => {
    await killAllChildren();
    rmSync(compileCache, { recursive: true, force: true });
  });

  test.for(Array.from({ length: runs }, (_, index) => ({ index: index + 1, seed: firstSeed + index })))(
    'run $index: every law holds afterwards (seed $seed)',
    { timeout: 240_000 },
    async ({ index, seed }) => {
      const report = await run(seed, compileCache).catch((error: unknown) => {
        if (error instanceof CrashRunError) throw new Error(story(index, error));
        throw error;
      });
      console.log(
        `crash run ${index} of ${runs}: ${JSON.stringify({ ...report, problems: report.problems.length, timeline: undefined, log: undefined })}`,
      );
      if (process.env.CRASH_DEBUG) console.log(report.timeline.join('\n'));
      if (report.problems.length > 0) throw new Error(story(index, report));
    },
  );
});

function story(
  index: number,
  { seed, problems, timeline, log }: Pick<RunReport, 'seed' | 'problems' | 'timeline' | 'log'>,
): string {
  return [
    `Run ${index} with seed ${seed} broke ${problems.length} promises:`,
    ...problems.slice(0, 40).map((problem) => `  - ${problem}`),
    '',
    'What happened:',
    ...timeline.map((line) => `  ${line}`),
    '',
    'The last lines of the service:',
    ...log.slice(-40).map((line) => `  ${line.slice(0, 600)}`),
    '',
    `The same plan again: CRASH_SEED=${seed} CRASH_RUNS=1 npx vitest run test/crash`,
  ].join('\n');
}
