import { describe, expect, test } from 'vitest';
import {
  ACCENT,
  type AccentUse,
  accentUse,
  contrastOf,
  GROUNDS,
  LANGUAGES,
  LOGO_TYPES,
  logoTypeOf,
  TEXT_CONTRAST_MIN,
  USUAL_BRAND,
} from '../../src/domain/brand.ts';

describe('contrast', () => {
  // As other tools that follow WCAG 2.2 tell it.
  test.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#777777', '#ffffff', 4.478],
    ['#767676', '#ffffff', 4.542],
    ['#ff0000', '#ffffff', 3.998],
    ['#00ff00', '#000000', 15.304],
    ['#0000ff', '#ffffff', 8.592],
    ['#0a0a0a', '#000000', 1.061],
    ['#0b0b0b', '#000000', 1.067],
  ])('of %s and %s is %f, whichever is named first', (a, b, ratio) => {
    expect(contrastOf(a, b)).toBeCloseTo(ratio, 3);
    expect(contrastOf(b, a)).toBe(contrastOf(a, b));
  });
});

describe('an accent', () => {
  test.each<[string, AccentUse]>([
    [
      'that is readable on light is kept there, and made lighter on dark',
      {
        ...{ asked: '#1a2b3c', onLight: '#1a2b3c', onDark: '#7f8892', textOn: '#ffffff' },
        contrast: { onLight: 14.43, onDark: 1.13, textOn: 14.43 },
      },
    ],
    [
      'that is readable on dark is kept there, and made darker on light',
      {
        ...{ asked: '#ffd700', onLight: '#8a7400', onDark: '#ffd700', textOn: '#000000' },
        contrast: { onLight: 1.4, onDark: 11.63, textOn: 14.97 },
      },
    ],
    [
      'that is a little too light for text is made a little darker',
      {
        ...{ asked: '#777777', onLight: '#767676', onDark: '#878787', textOn: '#000000' },
        contrast: { onLight: 4.47, onDark: 3.64, textOn: 4.68 },
      },
    ],
    [
      'of white is grey on light',
      {
        ...{ asked: '#ffffff', onLight: '#757575', onDark: '#ffffff', textOn: '#000000' },
        contrast: { onLight: 1, onDark: 16.31, textOn: 21 },
      },
    ],
    [
      'of black is grey on dark',
      {
        ...{ asked: '#000000', onLight: '#000000', onDark: '#878787', textOn: '#ffffff' },
        contrast: { onLight: 21, onDark: 1.28, textOn: 21 },
      },
    ],
  ])('%s', (_, use) => {
    expect(accentUse(use.asked)).toEqual(use);
  });

  test('of any colour is readable wherever it is used, and on it the text', () => {
    const shades = ['00', '33', '66', '99', 'cc', 'ff'];
    for (const red of shades)
      for (const green of shades)
        for (const blue of shades) {
          const asked = `#${red}${green}${blue}`;
          const { onLight, onDark, textOn } = accentUse(asked);
          const ratios = [
            contrastOf(onLight, GROUNDS.light),
            contrastOf(onDark, GROUNDS.dark),
            contrastOf(asked, textOn),
          ];
          expect(Math.min(...ratios), asked).toBeGreaterThanOrEqual(TEXT_CONTRAST_MIN);
          expect(
            [onLight, onDark].every((colour) => ACCENT.test(colour)),
            asked,
          ).toBe(true);
        }
  });

  test.each([
    ['#1a2b3c', true],
    ['#1A2B3C', false],
    ['#1a2b3', false],
    ['#1a2b3cd', false],
    ['1a2b3c', false],
    [' #1a2b3c', false],
    ['#1a2b3g', false],
  ])('is written as six small digits: %s, %s', (text, isOne) => {
    expect(ACCENT.test(text)).toBe(isOne);
  });
});

describe('a logo', () => {
  const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
  const JPEG = [0xff, 0xd8, 0xff, 0xe0];
  const WEBP = [0x52, 0x49, 0x46, 0x46, 1, 2, 3, 4, 0x57, 0x45, 0x42, 0x50];
  const SIGNED = {
    'image/png': [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15],
    'image/jpeg': [0, 1, 2],
    'image/webp': [0, 1, 2, 3, 8, 9, 10, 11],
  };

  test.each([
    ['image/png', PNG],
    ['image/jpeg', JPEG],
    ['image/webp', WEBP],
  ] as const)('is %s by its bytes, by each of those that say so and by no others', (type, bytes) => {
    expect(logoTypeOf(Uint8Array.from(bytes))).toBe(type);
    bytes.forEach((_, at) => {
      const changed = Uint8Array.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
      expect(logoTypeOf(changed), `byte ${at}`).toBe(SIGNED[type].includes(at) ? null : type);
    });
  });

  test.each([
    ['nothing', []],
    ['a picture that was cut off', PNG.slice(0, 8)],
    ['a sound in the container of WebP', [...WEBP.slice(0, 8), 0x57, 0x41, 0x56, 0x45]],
    ['a document that can hold scripts', [...Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')]],
    ['a GIF', [...Buffer.from('GIF89a')]],
  ])('is not %s', (_, bytes) => {
    expect(logoTypeOf(Uint8Array.from(bytes))).toBeNull();
  });

  test('can be of three kinds', () => {
    expect(LOGO_TYPES).toEqual(['image/png', 'image/jpeg', 'image/webp']);
  });
});

test('without a brand everything is what the service has', () => {
  const { language, ...rest } = USUAL_BRAND;
  expect(LANGUAGES).toContain(language);
  expect(new Set(Object.values(rest))).toEqual(new Set([null]));
});
