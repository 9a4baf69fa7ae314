/** All chance of the local Salesforce comes from one seed, so that a failing run can be repeated. mulberry32; not for secrets. */
export interface Random {
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean;
  uuid(): string;
  /** `length` characters as they stand in Salesforce's tokens. */
  token(length: number): string;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._';

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (bound: number): number => Math.floor(next() * bound);
  const text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(integer(alphabet.length))).join('');
  const hex = (length: number): string => text('0123456789abcdef', length);
  return {
    integer,
    chance: (probability) => next() < probability,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'.charAt(integer(4))}${hex(3)}-${hex(12)}`,
    token: (length) => text(ALPHABET, length),
  };
}
