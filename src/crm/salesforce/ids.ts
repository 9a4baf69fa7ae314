/**
 * Record ids come in 15 characters, which differ by case, or in 18, where the last three say which letters are capitals. One record must
 * have one id here, so everything that comes in is brought to 18. "Working with 15- and 18-Character Record IDs", Object Reference.
 */

const SHAPE = /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/;
const SUFFIX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const GROUP = 5;

/** Null for what is no id. A suffix that does not fit is none either: with the case mangled on the way it would be another record's. */
export function toId18(id: string): string | null {
  if (!SHAPE.test(id)) return null;
  const id15 = id.slice(0, 15);
  const whole = id15 + suffixOf(id15);
  return id.length === 15 || id === whole ? whole : null;
}

/** A letter for each five characters: bit n is set when the nth of them is a capital. */
function suffixOf(id15: string): string {
  let suffix = '';
  for (let start = 0; start < id15.length; start += GROUP) {
    const group = [...id15.slice(start, start + GROUP)];
    const bits = group.reduce((sum, letter, place) => (letter >= 'A' && letter <= 'Z' ? sum + 2 ** place : sum), 0);
    suffix += SUFFIX_LETTERS.charAt(bits);
  }
  return suffix;
}
