import { describe, expect, test } from 'vitest';
import { dealIdIn } from '../../../src/web/console/src/screens/money/refund-parts.ts';
import { codesIn, inParts, newCodes } from '../../../src/web/console/src/screens/settings/coupon-codes.ts';

describe('the number of a deal', () => {
  test.each([
    [' 9087651 ', '9087651'],
    ['0061x00000AbCdEAAZ', '0061x00000AbCdEAAZ'],
    ['https://app.hubspot.com/contacts/147000001/record/0-3/9087651', '9087651'],
    ['https://app-eu1.hubspot.com/contacts/147000001/record/0-3/9087651/?eschref=x', '9087651'],
    ['https://app.hubspot.com/contacts/147000001/deal/9087651#notes', '9087651'],
    ['https://acme.lightning.force.com/lightning/r/Opportunity/0061x00000AbCdEAAZ/view', '0061x00000AbCdEAAZ'],
  ])('is read from %s', (text, id) => {
    expect(dealIdIn(text)).toBe(id);
  });

  test.each(['', 'Engine 7', 'https://app.hubspot.com/contacts/147000001/record/0-1/9087651', 'x'.repeat(41)])(
    'is not read from "%s"',
    (text) => {
      expect(dealIdIn(text)).toBeNull();
    },
  );
});

describe('codes', () => {
  test('are one in a line, however the file ends its lines, with the quotes of a spreadsheet left out', () => {
    expect(codesIn('A-1\r\n\n "B 2" \rc3')).toEqual(['A-1', 'B 2', 'c3']);
    expect(codesIn(' \n')).toEqual([]);
  });

  test('are made without letters that look alike, each once, behind their prefix', () => {
    const codes = newCodes(2_000, 'thanks');
    expect(new Set(codes).size).toBe(2_000);
    for (const code of codes) expect(code).toMatch(/^THANKS(-[34679CDFGHJKMNPQRTWXY]{4}){4}$/);
    expect(newCodes(1, '')[0]).toMatch(/^([34679CDFGHJKMNPQRTWXY]{4}-){3}[34679CDFGHJKMNPQRTWXY]{4}$/);
  });

  test('are sent in parts that one request takes', () => {
    const codes = Array.from({ length: 2_001 }, (_, at) => String(at));
    expect(inParts(codes).map(({ length }) => length)).toEqual([1_000, 1_000, 1]);
    expect(inParts(codes).flat()).toEqual(codes);
    expect(inParts([])).toEqual([]);
  });
});
