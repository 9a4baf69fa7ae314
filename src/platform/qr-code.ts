import { crc32, deflateSync } from 'node:zlib';

/**
 * A QR code of a short text by ISO/IEC 18004: bytes, error correction M, versions 1 to 10. That is 213 bytes, and a share link has about
 * forty. test/platform/qr-code.test.ts holds it to codes that independent readers have read.
 */

/** By version from 1 on: error correction bytes of a block, and the data bytes of each block. */
const BLOCKS: ReadonlyArray<readonly [correction: number, data: readonly number[]]> = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];

/** By version from 1 on: where the centres of the alignment patterns cross. */
const ALIGNMENT: ReadonlyArray<readonly number[]> = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
];

/** A light border of four modules, which readers look for. */
const QUIET = 4;
/** Pixels of a module: sharp on a screen at twice the size. */
const SCALE = 8;

type Matrix = readonly (readonly boolean[])[];

/** Dark modules, row by row, without the border; null when the text is too long. */
export function qrMatrix(text: string): Matrix | null {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= BLOCKS.length; version += 1) {
    const [correction, data] = BLOCKS[version - 1] ?? [0, []];
    const capacity = data.reduce((sum, size) => sum + size, 0);
    // Four bits say "bytes", eight or sixteen how many.
    const headerBits = version < 10 ? 12 : 20;
    if (bytes.length * 8 + headerBits > capacity * 8) continue;
    const codewords = interleaved(dataBytes(bytes, version, capacity), data, correction);
    return best(version, codewords);
  }
  return null;
}

/** The code as a picture in black and white; null when the text is too long. */
export function qrPng(text: string): Buffer | null {
  const matrix = qrMatrix(text);
  return matrix && png(matrix);
}

function dataBytes(bytes: Uint8Array, version: number, capacity: number): number[] {
  const bits: number[] = [];
  const push = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  push(0b0100, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) push(byte, 8);
  push(0, Math.min(4, capacity * 8 - bits.length));
  while (bits.length % 8 !== 0) bits.push(0);
  const words = Array.from({ length: bits.length / 8 }, (_, index) =>
    bits.slice(index * 8, index * 8 + 8).reduce((value, bit) => value * 2 + bit, 0),
  );
  for (let pad = 0; words.length < capacity; pad += 1) words.push(pad % 2 === 0 ? 0xec : 0x11);
  return words;
}

// ── Error correction, in the field of 256 ───────────────────────────────────────────────────────────────────────────

const EXP: number[] = [];
const LOG: number[] = [];
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = value;
  LOG[value] = power;
  value = value < 128 ? value * 2 : (value * 2) ^ 0x11d;
}

function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (EXP[((LOG[a] ?? 0) + (LOG[b] ?? 0)) % 255] ?? 0);
}

function correctionOf(data: readonly number[], count: number): number[] {
  let generator = [1];
  for (let power = 0; power < count; power += 1) {
    const root = EXP[power] ?? 1;
    const next = new Array<number>(generator.length + 1).fill(0);
    generator.forEach((factor, index) => {
      next[index] = (next[index] ?? 0) ^ factor;
      next[index + 1] = (next[index + 1] ?? 0) ^ times(factor, root);
    });
    generator = next;
  }
  const rest = [...data, ...new Array<number>(count).fill(0)];
  for (let index = 0; index < data.length; index += 1) {
    const lead = rest[index] ?? 0;
    if (lead === 0) continue;
    generator.forEach((factor, offset) => {
      rest[index + offset] = (rest[index + offset] ?? 0) ^ times(factor, lead);
    });
  }
  return rest.slice(data.length);
}

function interleaved(words: readonly number[], sizes: readonly number[], correction: number): number[] {
  let start = 0;
  const blocks = sizes.map((size) => {
    const data = words.slice(start, start + size);
    start += size;
    return { data, check: correctionOf(data, correction) };
  });
  const columns = (parts: readonly (readonly number[])[]) =>
    Array.from({ length: Math.max(...parts.map(({ length }) => length)) }, (_, index) =>
      parts.flatMap((part) => part[index] ?? []),
    ).flat();
  return [...columns(blocks.map(({ data }) => data)), ...columns(blocks.map(({ check }) => check))];
}

// ── The picture ─────────────────────────────────────────────────────────────────────────────────────────────────────

const MASKS: ReadonlyArray<(row: number, column: number) => boolean> = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

function best(version: number, codewords: readonly number[]): Matrix {
  const drawn = MASKS.map((_, mask) => draw(version, codewords, mask));
  const penalties = drawn.map(penaltyOf);
  return drawn[penalties.indexOf(Math.min(...penalties))] ?? [];
}

function draw(version: number, codewords: readonly number[], mask: number): Matrix {
  const size = 17 + 4 * version;
  const cells = Array.from({ length: size }, () => new Array<boolean | null>(size).fill(null));
  const set = (row: number, column: number, dark: boolean) => {
    const line = cells[row];
    if (line && column >= 0 && column < size) line[column] = dark;
  };
  for (const [top, left] of [
    [0, 0],
    [0, size - 7],
    [size - 7, 0],
  ] as const)
    for (let r = -1; r <= 7; r += 1)
      for (let c = -1; c <= 7; c += 1) {
        const ring = Math.max(Math.abs(r - 3), Math.abs(c - 3));
        set(top + r, left + c, ring !== 2 && ring !== 4);
      }
  const centres = ALIGNMENT[version - 1] ?? [];
  for (const r of centres)
    for (const c of centres) {
      const isCorner = (r === 6 && c === 6) || (r === 6 && c === size - 7) || (r === size - 7 && c === 6);
      if (isCorner) continue;
      for (let dr = -2; dr <= 2; dr += 1)
        for (let dc = -2; dc <= 2; dc += 1) set(r + dr, c + dc, Math.max(Math.abs(dr), Math.abs(dc)) !== 1);
    }
  for (let index = 8; index < size - 8; index += 1) {
    set(6, index, index % 2 === 0);
    set(index, 6, index % 2 === 0);
  }
  drawFormat(set, size, mask);
  if (version >= 7) drawVersion(set, size, version);
  fill(cells, size, codewords, mask);
  return cells.map((line) => line.map((dark) => dark === true));
}

/** Error correction M is 00, so the five bits are the mask's number. */
function drawFormat(set: (row: number, column: number, dark: boolean) => void, size: number, mask: number): void {
  const bits = ((mask << 10) | remainderOf(mask << 10, 0x537, 10)) ^ 0x5412;
  const isSet = (bit: number) => ((bits >> bit) & 1) === 1;
  for (let bit = 0; bit < 15; bit += 1) {
    const row = bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit;
    set(row, 8, isSet(bit));
    const column = bit < 8 ? size - 1 - bit : bit === 8 ? 7 : 14 - bit;
    set(8, column, isSet(bit));
  }
  set(size - 8, 8, true);
}

function drawVersion(set: (row: number, column: number, dark: boolean) => void, size: number, version: number): void {
  const bits = (version << 12) | remainderOf(version << 12, 0x1f25, 12);
  for (let bit = 0; bit < 18; bit += 1) {
    const dark = ((bits >> bit) & 1) === 1;
    const [far, near] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
    set(near, far, dark);
    set(far, near, dark);
  }
}

function remainderOf(value: number, generator: number, degree: number): number {
  let rest = value;
  for (let bit = 31 - Math.clz32(rest); rest !== 0 && bit >= degree; bit = 31 - Math.clz32(rest))
    rest ^= generator << (bit - degree);
  return rest;
}

/** In pairs of columns from the right, up and down by turns, over what is still free. */
function fill(cells: (boolean | null)[][], size: number, codewords: readonly number[], mask: number): void {
  const isMasked = MASKS[mask] ?? (() => false);
  let at = 0;
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2) {
    // The sixth column is the timing pattern's.
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = isUp ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        const line = cells[row];
        if (!line || line[column] !== null) continue;
        const bit = ((codewords[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
        line[column] = (bit === 1) !== isMasked(row, column);
        at += 1;
      }
    }
    isUp = !isUp;
  }
}

/** The four features of the standard: runs, blocks, what looks like a finder, and too much of one colour. */
function penaltyOf(matrix: Matrix): number {
  const size = matrix.length;
  const dark = (row: number, column: number) => matrix[row]?.[column] === true;
  let penalty = 0;
  for (const at of [dark, (a: number, b: number) => dark(b, a)]) {
    for (let line = 0; line < size; line += 1) {
      let run = 0;
      for (let index = 0; index < size; index += 1) {
        run = index > 0 && at(line, index) === at(line, index - 1) ? run + 1 : 1;
        if (run === 5) penalty += 3;
        else if (run > 5) penalty += 1;
      }
      const text = Array.from({ length: size }, (_, index) => (at(line, index) ? '1' : '0')).join('');
      for (const finder of ['10111010000', '00001011101'])
        for (let found = text.indexOf(finder); found >= 0; found = text.indexOf(finder, found + 1)) penalty += 40;
    }
  }
  let count = 0;
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column < size; column += 1) {
      const own = dark(row, column);
      if (own) count += 1;
      const isBlock =
        row + 1 < size &&
        column + 1 < size &&
        own === dark(row + 1, column) &&
        own === dark(row, column + 1) &&
        own === dark(row + 1, column + 1);
      if (isBlock) penalty += 3;
    }
  return penalty + 10 * Math.floor(Math.abs((count * 100) / (size * size) - 50) / 5);
}

// ── PNG: one bit for each pixel ─────────────────────────────────────────────────────────────────────────────────────

function png(matrix: Matrix): Buffer {
  const side = (matrix.length + 2 * QUIET) * SCALE;
  const rows = Array.from({ length: side }, (_, y) => {
    const line = Buffer.alloc(1 + Math.ceil(side / 8));
    for (let x = 0; x < side; x += 1) {
      const isDark = matrix[Math.floor(y / SCALE) - QUIET]?.[Math.floor(x / SCALE) - QUIET] === true;
      if (!isDark) line[1 + (x >> 3)] = (line[1 + (x >> 3)] ?? 0) | (0x80 >> (x & 7));
    }
    return line;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // One bit, grey.
  header[8] = 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
}
