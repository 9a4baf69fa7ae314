import { createRandom } from '../../hubspot/random.ts';

/** What happens in a made-up life, all from one seed. */
export interface Chance {
  next(): number;
  chance(probability: number): boolean;
  integer(bound: number): number;
  pick<T>(of: readonly T[]): T;
  /** One of them, each as often as its weight says. */
  weighed<T>(of: ReadonlyArray<readonly [what: T, weight: number]>): T;
  between(from: number, to: number): number;
  /** How long something takes that takes so long on average: often short, now and then very long. */
  lasting(mean: number): number;
  /** Around a median, with as much above as below in proportion. */
  around(median: number, spread: number): number;
}

export function createChance(seed: number): Chance {
  const { next, chance, integer } = createRandom(seed);
  const own: Chance = {
    next,
    chance,
    integer,
    pick<T>(of: readonly T[]): T {
      if (of.length === 0) throw new Error('nothing to pick from');
      return of[integer(of.length)] as T;
    },
    weighed<T>(of: ReadonlyArray<readonly [T, number]>): T {
      let left = next() * of.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [what, weight] of of) {
        left -= weight;
        if (left < 0) return what;
      }
      return own.pick(of)[0];
    },
    between: (from, to) => from + next() * (to - from),
    lasting: (mean) => -Math.log(1 - next()) * mean,
    around(median, spread) {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(spread * normal);
    },
  };
  return own;
}
