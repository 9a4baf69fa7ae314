/**
 * Salesforce's record ids: 15 characters that differ by case, or the same with a checksum of 3 that makes them differ without it.
 * "Working with 15- and 18-character IDs", Object Reference.
 */

const BASE_62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const SHAPE = /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/;
const NUMBER_LENGTH = 9;

/** Each group of five characters gives five bits, one for each capital, the first character the lowest. */
export function checksum(id15: string): string {
  return [0, 5, 10]
    .map((start) => {
      let bits = 0;
      for (let offset = 0; offset < 5; offset += 1) if (/[A-Z]/.test(id15.charAt(start + offset))) bits |= 1 << offset;
      return CHECKSUM.charAt(bits);
    })
    .join('');
}

/** The id in 18 characters, or null when it is no id at all. A wrong checksum is no id: a mangled case must not find another record. */
export function normaliseId(id: string): string | null {
  if (!SHAPE.test(id)) return null;
  const id15 = id.slice(0, 15);
  const suffix = checksum(id15);
  return id.length === 15 || id.slice(15) === suffix ? id15 + suffix : null;
}

export interface Ids {
  /** The next id of the object with this key prefix, in 18 characters. */
  next(keyPrefix: string): string;
}

/** `pod` are the three characters after the prefix: they tell orgs apart. */
export function createIds(pod: string): Ids {
  const counters = new Map<string, number>();
  return {
    next(keyPrefix) {
      // The first ones are …00A, …00B, and the 27th is …00a: ids that only differ by case turn up in small tests.
      const number = counters.get(keyPrefix) ?? 10;
      counters.set(keyPrefix, number + 1);
      let digits = '';
      for (let rest = number; rest > 0; rest = Math.floor(rest / 62)) digits = BASE_62.charAt(rest % 62) + digits;
      const id15 = keyPrefix + pod + digits.padStart(NUMBER_LENGTH, '0');
      return id15 + checksum(id15);
    },
  };
}
