/**
 * All chance in the sandbox comes from one seed, so a failing run can be repeated bit by bit.
 * mulberry32: 32 bits of state, period 2^32, enough for ids and faults; not for secrets.
 */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean;
  /** A random (version 4) UUID, as HubSpot's correlationId. */
  uuid(): string;
  /** `length` characters out of the base64url alphabet. */
  token(length: number): string;
  shuffle<T>(items: readonly T[]): T[];
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  function integer(bound: number): number {
    return Math.floor(next() * bound);
  }

  function hex(length: number): string {
    let digits = '';
    while (digits.length < length) digits += integer(16).toString(16);
    return digits;
  }

  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + integer(4)).toString(16)}${hex(3)}-${hex(12)}`,
    token(length) {
      let text = '';
      while (text.length < length) text += ALPHABET.charAt(integer(ALPHABET.length));
      return text;
    },
    shuffle<T>(items: readonly T[]): T[] {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last -= 1) {
        const other = integer(last + 1);
        const kept = shuffled[last] as T;
        shuffled[last] = shuffled[other] as T;
        shuffled[other] = kept;
      }
      return shuffled;
    },
  };
}
