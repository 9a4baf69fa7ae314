import { BUGS } from '../../test/simulation/bugs.ts';
import { plant } from '../../test/simulation/plant.ts';
import { liveAll } from '../../test/simulation/pool.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';

/** As many histories as a mistake may live through before it is found. */
const SEEDS_PER_BUG = 2_000;

export const row: Row = {
  name: 'simulate',
  what: 'Histories of the simulation lived per minute, in as many threads as there are cores (eight at most), the start of the threads included; and planted mistakes that are found within 2,000 of them each.',
  target: '≥ 2,000 a minute; all mistakes',
  isCheap: true,
  async run(context) {
    const seeds = context.pick(400, 8);
    const measured: Array<{ rate: number; processor: number }> = [];
    for (let round = 0; round < context.rounds; round += 1) {
      const one = await measure(1 + round * seeds, seeds);
      measured.push(one);
      context.say(`round ${round + 1}: ${one.rate.toFixed(0)} seeds a minute`);
    }
    const bugs = context.pick(BUGS, BUGS.slice(0, 1));
    const missed: string[] = [];
    let slowest = 0;
    for (const bug of bugs) {
      const { lived, caughtBy } = await plant(bug, { from: 1, seeds: SEEDS_PER_BUG });
      if (caughtBy === null) missed.push(bug.name);
      else slowest = Math.max(slowest, lived);
      context.say(`${bug.name}: ${caughtBy === null ? 'missed' : 'found'} after ${lived} seeds`);
    }
    for (const name of missed) context.note(`not found: ${name}`);
    return [
      figure('simulate', median(measured.map(({ rate }) => rate)), 'seeds/min', { atLeast: 2_000 }),
      figure('simulate, processor', median(measured.map(({ processor }) => processor)), 'ms/seed'),
      figure('simulate, planted mistakes found', bugs.length - missed.length, 'mistakes', { atLeast: bugs.length }),
      figure('simulate, seeds until the last of them', slowest, 'seeds'),
    ];
  },
};

/** @throws Error when a law is broken: a figure of a program that is wrong means nothing. */
async function measure(from: number, seeds: number): Promise<{ rate: number; processor: number }> {
  const broken: number[] = [];
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await liveAll({
    from,
    seeds,
    onReport({ seed, problems }) {
      if (problems.length > 0) broken.push(seed);
      return false;
    },
  });
  const { user, system } = process.cpuUsage(cpu);
  const minutes = (performance.now() - startedAt) / 60_000;
  if (broken.length > 0) throw new Error(`a law was broken; see npm run sim -- --seeds 1 --from ${broken[0]}`);
  return { rate: seeds / minutes, processor: (user + system) / 1_000 / seeds };
}
