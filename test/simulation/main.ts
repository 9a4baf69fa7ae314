import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import { ALL_THEMES, createCounters, FAULT_CLASSES, isTheme, ORG_FAULT_CLASSES, ORG_THEME } from './faults.ts';
import type { HistoryReport } from './history.ts';
import { plant } from './plant.ts';
import { liveAll } from './pool.ts';

const USAGE = `npm run sim -- [--seeds N] [--from SEED] [--verbose] [--threads N] [--struck MIN] [--theme NAME]
npm run sim -- --bugs [NAME] [--seeds N] [--theme NAME]

  --seeds    how many histories; 1,000 if left out, with --bugs 2,000 for each
  --from     the first seed; 1 if left out
  --verbose  prints the timeline of every history
  --struck   fails when a class of faults has struck fewer times than this
  --theme    every history is about this, instead of what its seed draws
  --bugs     plants known mistakes, one at a time, and fails unless each is found`;

/** Failing seeds that are printed with their whole timeline. */
const TIMELINES_MAX = 1;
/** Characters of what has found a mistake: the first sentence is enough. */
const CAUGHT_BY_MAX = 180;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    threads: { type: 'string' },
    struck: { type: 'string', default: '0' },
    verbose: { type: 'boolean', default: false },
    bugs: { type: 'boolean', default: false },
    theme: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} must be a whole number, it is "${text}".\n\n${USAGE}`);
  process.exit(2);
}

const from = numberOf('from', values.from);
if (values.theme !== undefined && !isTheme(values.theme)) {
  console.error(`No theme is called "${values.theme}". There are: ${ALL_THEMES.join(', ')}`);
  process.exit(2);
}
const theme = values.theme ?? null;
const classes = theme === ORG_THEME ? ORG_FAULT_CLASSES : FAULT_CLASSES;
const threads = values.threads === undefined ? {} : { threads: numberOf('threads', values.threads) };

if (values.help) console.log(USAGE);
else if (values.bugs) process.exitCode = (await plantBugs()) ? 0 : 1;
else process.exitCode = (await simulate()) ? 0 : 1;

async function simulate(): Promise<boolean> {
  const seeds = numberOf('seeds', values.seeds ?? '1000');
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const totals = createCounters();
  const failed: HistoryReport[] = [];
  const sums = { steps: 0, decisions: 0, rewards: 0, given: 0, histories: 0 };
  await liveAll({
    from,
    seeds,
    ...threads,
    theme,
    isVerbose: values.verbose,
    onReport(report) {
      for (const name of classes) totals[name] += report.counters[name];
      sums.histories += 1;
      for (const name of ['steps', 'decisions', 'rewards', 'given'] as const) sums[name] += report[name];
      if (values.verbose) print(report);
      if (report.problems.length > 0) {
        failed.push(report);
        if (failed.length <= TIMELINES_MAX && !values.verbose) print(report);
        else if (!values.verbose) printBriefly(report);
      }
      return false;
    },
  });
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  console.log('\nfaults that struck');
  for (const name of classes) console.log(`  ${String(totals[name]).padStart(8)}  ${name}`);
  const rare = classes.filter((name) => totals[name] < numberOf('struck', values.struck));
  if (rare.length > 0) console.log(`\ntoo rare (fewer than ${values.struck}): ${rare.join(', ')}`);
  console.log(
    `\n${sums.histories} histories, ${sums.steps} steps, ${sums.decisions} decisions, ${sums.rewards} rewards, ${sums.given} given by the receiver`,
  );
  console.log(
    `${Math.round(tookMs / 1_000)} s, ${Math.round((sums.histories * 60_000) / tookMs)} seeds a minute, ${Math.round((user + system) / 1_000 / sums.histories)} ms of CPU each`,
  );
  console.log(failed.length === 0 ? 'every law held' : `${failed.length} of ${sums.histories} histories broke a law`);
  return failed.length === 0 && rare.length === 0;
}

function printBriefly({ seed, problems }: HistoryReport): void {
  console.log(`\nseed ${seed}: ${again(seed)}`);
  for (const problem of problems) console.log(`✗ ${problem}`);
}

function print({ seed, timeline, problems, weather, digest }: HistoryReport): void {
  console.log(`\n──── seed ${seed} ────`);
  console.log(timeline.join('\n'));
  console.log(JSON.stringify(weather));
  for (const problem of problems) console.log(`✗ ${problem}`);
  console.log(`digest ${digest}`);
  if (problems.length > 0) console.log(`again: ${again(seed)}`);
}

function again(seed: number): string {
  return `npm run sim -- --seeds 1 --from ${seed} --verbose${theme === null ? '' : ` --theme ${theme}`}`;
}

async function plantBugs(): Promise<boolean> {
  const seeds = numberOf('seeds', values.seeds ?? '2000');
  const chosen = positionals.length === 0 ? BUGS : BUGS.filter(({ name }) => positionals.includes(name));
  if (chosen.length === 0) {
    console.error(`No such bug. There are:\n${BUGS.map(({ name }) => `  ${name}`).join('\n')}`);
    return false;
  }
  const missed: string[] = [];
  for (const bug of chosen) {
    const { lived, caughtBy } = await plant(bug, { from, seeds, theme: theme ?? bug.theme ?? null, ...threads });
    if (caughtBy === null) missed.push(bug.name);
    console.log(
      caughtBy === null
        ? `MISSED  ${bug.name}: ${lived} seeds`
        : `caught  ${bug.name}: after ${lived} seeds, by ${caughtBy.slice(0, CAUGHT_BY_MAX)}`,
    );
  }
  console.log(
    missed.length === 0 ? `\nall ${chosen.length} planted bugs were caught` : `\nmissed: ${missed.join(', ')}`,
  );
  return missed.length === 0;
}
