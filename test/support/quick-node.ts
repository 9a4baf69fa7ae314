import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/platform/log.ts';
import { startService } from '../../src/service.ts';
import { quickClockSince } from './stack.ts';

/*
 * One node of the service as main.ts starts it, on a clock that runs faster: what a portal's rate makes last half an hour takes some
 * minutes. CLOCK_SINCE is the moment at which it agreed with the world's, so that a node that is started after another goes on in its time.
 */

const { CLOCK_SINCE, CLOCK_RATE, ...environment } = process.env;
const read = readConfig(environment);
if (!read.ok) throw new Error(read.problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
const clock = quickClockSince(Number(CLOCK_SINCE), Number(CLOCK_RATE));
const service = await startService(read.config, { clock, log: createLog({ level: read.config.logLevel }) });

process.once('SIGTERM', () => void service.stop().then(() => process.exit()));
