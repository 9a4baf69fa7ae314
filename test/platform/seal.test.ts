import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/errors.ts';
import { createSeal, parseSealKeys } from '../../src/platform/seal.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const CONTEXT = 'acc_1 connections.access';

describe('a sealed secret', () => {
  test('opens with the key and the context it was sealed with, whatever it says', () => {
    const seal = createSeal([key('k1')]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (plain) => seal.open(seal.seal(plain, CONTEXT), CONTEXT) === plain),
    );
  });

  test('looks different each time, and shows nothing of what it holds', () => {
    const seal = createSeal([key('k1')]);
    const [one, two] = [seal.seal('refresh-token', CONTEXT), seal.seal('refresh-token', CONTEXT)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('refresh');
  });

  test('does not open in another row or column', () => {
    const seal = createSeal([key('k1')]);
    expect(() => seal.open(seal.seal('x', CONTEXT), 'acc_2 connections.access')).toThrow(Fault);
  });

  test('does not open when any of its bytes was changed', () => {
    const seal = createSeal([key('k1')]);
    const sealed = seal.seal('a secret', CONTEXT);
    const [format, id, payload = ''] = sealed.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => seal.open(`${format}.${id}.${changed.toString('base64url')}`, CONTEXT)).toThrow(Fault);
    }
  });

  test('still opens after a new key was put before its own, and a new one is sealed with the new key', () => {
    const [old, fresh] = [key('k1'), key('k2')];
    const sealed = createSeal([old]).seal('x', CONTEXT);
    const rotated = createSeal([fresh, old]);
    expect(rotated.open(sealed, CONTEXT)).toBe('x');
    expect(rotated.seal('y', CONTEXT)).toMatch(/^v1\.k2\./);
    expect(() => createSeal([fresh]).open(sealed, CONTEXT)).toThrow('no key "k1" is configured');
  });

  test('that is no sealed text at all is a fault, not a crash', () => {
    const seal = createSeal([key('k1')]);
    for (const text of ['', '.', 'v1', 'v1.k1', 'v1.k1.', 'v2.k1.AAAA', 'v1.k1.AAAA'])
      expect(() => seal.open(text, CONTEXT)).toThrow(Fault);
  });
});

describe('ENCRYPTION_KEY', () => {
  const good = `k1:${randomBytes(32).toString('base64')}`;

  test('holds one key or several, the current one first', () => {
    expect(parseSealKeys(good)).toMatchObject([{ id: 'k1' }]);
    expect(parseSealKeys(`k2:${randomBytes(32).toString('base64')}, ${good}`)).toMatchObject([
      { id: 'k2' },
      { id: 'k1' },
    ]);
  });

  test.each([
    ['', 'nothing'],
    [randomBytes(32).toString('base64'), 'no id'],
    [`k1:${randomBytes(16).toString('base64')}`, 'too short'],
    [`k1:${randomBytes(48).toString('base64')}`, 'too long'],
    ['K 1:AAAA', 'a bad id'],
    [`${good},${good}`, 'an id twice'],
  ])('%s is refused: %s', (text) => {
    expect(typeof parseSealKeys(text)).toBe('string');
  });
});
