import { describe, expect, test } from 'vitest';
import { countryOf, type TaxSettings, taxStateOf, thresholdFor, USUAL_TAX_SETTINGS } from '../../src/domain/tax.ts';

describe('the country of a person', () => {
  test.each([
    ['US', 'US'],
    ['us', 'US'],
    [' United States ', 'US'],
    ['USA', 'US'],
    ['germany', 'DE'],
    ['United Kingdom', 'GB'],
    ['UK', 'GB'],
    ['DE', 'DE'],
    ['', null],
    ['   ', null],
    [null, null],
    [undefined, null],
    ['QQ', null],
    ['Atlantis', null],
    ['=HYPERLINK("x")', null],
  ])('%j is %j', (text, code) => {
    expect(countryOf(text)).toBe(code);
  });
});

describe('a threshold', () => {
  const usd = (minor: bigint) => ({ minor, currency: 'USD' });
  const state = (minor: bigint, year: number, changes: Partial<TaxSettings> = {}) =>
    taxStateOf(usd(minor), 'US', year, { ...USUAL_TAX_SETTINGS, ...changes }).state;

  test('is that of the year: the United States raised theirs for payments from 2026 on', () => {
    expect(thresholdFor(USUAL_TAX_SETTINGS.thresholds, 'US', 2025)?.amount).toEqual(usd(60_000n));
    expect(thresholdFor(USUAL_TAX_SETTINGS.thresholds, 'US', 2026)?.amount).toEqual(usd(200_000n));
    expect(thresholdFor([...USUAL_TAX_SETTINGS.thresholds].reverse(), 'US', 2026)?.amount).toEqual(usd(200_000n));
    expect(thresholdFor(USUAL_TAX_SETTINGS.thresholds, 'DE', 2026)).toBeUndefined();
  });

  test('is reached at its figure, near at the share, to the cent', () => {
    expect([59_999n, 60_000n].map((minor) => state(minor, 2025))).toEqual(['near', 'above']);
    expect([47_999n, 48_000n].map((minor) => state(minor, 2025))).toEqual(['below', 'near']);
    expect([159_999n, 160_000n, 199_999n, 200_000n].map((minor) => state(minor, 2026))).toEqual([
      'below',
      'near',
      'near',
      'above',
    ]);
    expect(state(60_000n, 2025, { warnAtPercent: 100 })).toBe('above');
    expect(state(59_999n, 2025, { warnAtPercent: 100 })).toBe('below');
    expect(state(-100n, 2025)).toBe('below');
  });

  test('says nothing where the country, the threshold or the currency is another', () => {
    expect(taxStateOf(usd(1_000_000n), null, 2026, USUAL_TAX_SETTINGS).state).toBe('unknown_country');
    expect(taxStateOf(usd(1_000_000n), 'DE', 2026, USUAL_TAX_SETTINGS).state).toBe('no_threshold');
    expect(taxStateOf({ minor: 1_000_000n, currency: 'EUR' }, 'US', 2026, USUAL_TAX_SETTINGS).state).toBe(
      'other_currency',
    );
  });
});
