import fc from 'fast-check';

/** How wide to search: a factor on every number of runs, so that a night may look a hundred times as far as a commit. */
const given = process.env.FUZZ_RUNS;
const FACTOR = Number(given ?? 1);

// A commit is judged by the same inputs each time; whoever searches wider searches elsewhere each time, and is told the seed.
if (given === undefined) fc.configureGlobal({ seed: 20_261_122 });

export function runs(count: number): number {
  return Math.max(1, Math.round(count * FACTOR));
}

/** A wide search takes its time, and so does a busy machine with ninety operations; a hang is found by the request's own limit. */
export const FUZZ_TIMEOUT_MS = Math.max(600_000, FACTOR * 240_000);
