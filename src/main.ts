import { readConfig } from './config.ts';
import { systemClock } from './platform/clock.ts';
import { writeCompiledSoon } from './platform/compile-cache.ts';
import { createLog } from './platform/log.ts';
import { startService } from './service.ts';

const read = readConfig(process.env);
if (!read.ok) {
  console.error('Wonward cannot start. Please set:\n');
  for (const { variable, problem } of read.problems) console.error(`  ${variable} ${problem}`);
  console.error('\nEvery variable is described in .env.example and in the README.');
  process.exit(1);
}

const log = createLog({ level: read.config.logLevel });
const service = await startService(read.config, { clock: systemClock, log }).catch(cannotStart);
writeCompiledSoon();

/** A database that cannot be opened, a port that is taken: said in one sentence, and with everything in the log. */
async function cannotStart(err: unknown): Promise<never> {
  log.fatal({ err }, 'could not start');
  await new Promise<void>((resolve) => log.flush(() => resolve()));
  console.error(`Wonward cannot start: ${err instanceof Error ? err.message : String(err)}`);
  return process.exit(1);
}

/** A second signal changes nothing: stopping is bounded in time by itself. */
let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  try {
    await service.stop();
  } catch (err) {
    log.fatal({ err }, 'could not stop cleanly');
    process.exitCode = 1;
  }
  log.flush(() => process.exit());
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
