import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { qrMatrix, qrPng } from '../../src/platform/qr-code.ts';

const hashOf = (text: string) =>
  createHash('sha256')
    .update(JSON.stringify(qrMatrix(text)))
    .digest('hex')
    .slice(0, 16);

/** jsQR 1.4, a reader by other authors, read exactly these texts from pictures of exactly these codes. */
test.each([
  ['A', 21, '3264bb3634223736'],
  ['https://go.wonward.example/r/GRACE7', 29, '1c33f49f489a6fa8'],
  [`https://refer.example.com/r/K7QF93MXP2RA?a=${'y'.repeat(60)}`, 41, '1309bad5b7219b04'],
  ['z'.repeat(150), 49, '67af5abb4f0b8f52'],
  ['q'.repeat(213), 57, '63a8579cae057f6b'],
])('the code of %s is one that independent readers read', (text, size, hash) => {
  expect(qrMatrix(text)).toHaveLength(size);
  expect(hashOf(text)).toBe(hash);
});

test('a text that does not fit has no code, and no picture', () => {
  expect(qrMatrix('q'.repeat(214))).toBeNull();
  expect(qrPng('q'.repeat(214))).toBeNull();
});
