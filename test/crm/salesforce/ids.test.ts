import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longId } from '../../../src/crm/salesforce/ids.ts';

/** The first is an example of Salesforce's documentation; the others were worked out by hand. */
const KNOWN = [
  ['001D000000IqhSL', '001D000000IqhSLIAZ'],
  ['0016A00000AbCdE', '0016A00000AbCdEQAV'],
  ['000000000000000', '000000000000000AAA'],
] as const;

test.each(KNOWN)('%s is %s', (id15, id18) => {
  expect(longId(id15)).toBe(id18);
  expect(longId(id18)).toBe(id18);
});

test('two ids that differ by case stay two, also where case is lost', () => {
  const letter = fc.constantFrom(...'abcABC019');
  fc.assert(
    fc.property(fc.array(letter, { minLength: 15, maxLength: 15 }), fc.nat(14), (letters, place) => {
      const one = letters.join('');
      const other = letters
        .map((each, at) =>
          at !== place ? each : each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase(),
        )
        .join('');
      fc.pre(one !== other);
      expect(longId(one)?.toLowerCase()).not.toBe(longId(other)?.toLowerCase());
    }),
  );
});

test.each([
  '',
  '001',
  '001*',
  '001D000000IqhSLIAA',
  '001d000000iqhsLIAZ',
  '001D000000IqhS ',
  '001D000000IqhSL\n',
  '001D000000IqhSLIA',
])('"%s" is no id', (text) => {
  expect(longId(text)).toBeNull();
});
