/** What the API takes in one request; more is sent one after the other. */
export const CODES_PER_REQUEST = 1_000;

/** More than a pool of a year; beyond it the page itself becomes slow. */
export const CODES_MAX = 20_000;

export const CODE_LENGTH_MAX = 64;

/** What the API takes of a CSV. */
export const CSV_LENGTH_MAX = 500_000;

/** As the service makes its own: without letters that look alike, and without vowels, so that no code is a word. */
const ALPHABET = '34679CDFGHJKMNPQRTWXY';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** Bytes above the largest multiple of the alphabet's length would favour its first letters. */
const FAIR_MAX = 256 - (256 % ALPHABET.length);

/** Codes that nobody can guess: "THANKS-7KQF-93MX-P4RA-DDGH". */
export function newCodes(count: number, prefix: string): string[] {
  const codes = new Set<string>();
  while (codes.size < count) {
    let letters = '';
    while (letters.length < GROUPS * GROUP_LENGTH)
      for (const byte of crypto.getRandomValues(new Uint8Array(32)))
        if (byte < FAIR_MAX) letters += ALPHABET[byte % ALPHABET.length];
    const groups = Array.from({ length: GROUPS }, (_, at) => letters.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH));
    codes.add([...(prefix === '' ? [] : [prefix.toUpperCase()]), ...groups].join('-'));
  }
  return [...codes];
}

/** One in a line; a file that a spreadsheet saved may have them in quotes. */
export function codesIn(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) =>
      line
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .trim(),
    )
    .filter((code) => code !== '');
}

/** In the parts that one request takes each. */
export function inParts(codes: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(codes.length / CODES_PER_REQUEST) }, (_, at) =>
    codes.slice(at * CODES_PER_REQUEST, (at + 1) * CODES_PER_REQUEST),
  );
}
