/**
 * Without 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what is read aloud, or copied from paper, has one spelling. And without vowels, so that no code
 * is a word.
 */
const ALPHABET = '34679CDFGHJKMNPQRTWXY';

/** 16 of 21 letters carry 70 bits: a shop that lets a thousand codes a second be tried is safe for longer than it stands. */
const CODE_LENGTH = 16;
const GROUP_LENGTH = 4;

/** The largest multiple of the alphabet's length that a byte holds; bytes above it would favour the first letters. */
const FAIR_MAX = 256 - (256 % ALPHABET.length);

/** A code that nobody can guess: "7KQF-93MX-P4RA-DDGH", behind the prefix if there is one. */
export function newCode(randomBytes: (length: number) => Uint8Array, prefix: string): string {
  let letters = '';
  while (letters.length < CODE_LENGTH) {
    for (const byte of randomBytes(CODE_LENGTH)) {
      if (byte < FAIR_MAX && letters.length < CODE_LENGTH) letters += ALPHABET[byte % ALPHABET.length];
    }
  }
  const groups = letters.match(new RegExp(`.{${GROUP_LENGTH}}`, 'g')) ?? [];
  return [...(prefix === '' ? [] : [prefix]), ...groups].join('-');
}
