/** All chance of a run. Two streams with different names draw independently, so a change of one part leaves the others' plans alone. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number;
  /** From `from` to `to`, both included. */
  integer(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32: 32 bits of state are plenty to choose what a test does. */
export function createRandom(seed: number, stream: string): Random {
  let state = seed >>> 0;
  for (const character of stream) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x9e3779b1) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
}

/** What `npm test` tries on every commit: a commit is judged by what it changes and not by what it draws. */
const SEED_OF_EVERY_COMMIT = 20_261_123;

/** CRASH_SEED; without it, the same for every commit, and new ones where CRASH_RUNS asks for a number of runs. */
export function firstSeed(): number {
  const { CRASH_SEED: seed, CRASH_RUNS: runs } = process.env;
  if (seed !== undefined) return Number(seed);
  return runs === undefined ? SEED_OF_EVERY_COMMIT : 1 + Math.floor(Math.random() * 1_000_000);
}
