import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterRefund, calculate, needsDealAmount, percentText, shareOf, stepText } from '../../src/domain/amount.ts';
import {
  AMOUNT_MINOR_MAX,
  CURRENCIES,
  decimalOf,
  exponentOf,
  parseAmount,
  type RoundingMode,
  roundedShare,
  splitByWeights,
  textOf,
} from '../../src/domain/money.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { MEMBER_RULE } from './world.ts';

/** ISO 4217, list one, of 2026: the codes that are money, with the digits after the point. Metals, funds of banks and test codes are none. */
const ISO_4217: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC
    CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
    KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
    QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
    VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};
const TABLE = Object.entries(ISO_4217).flatMap(([exponent, codes]) =>
  codes.split(/\s+/).map((code) => [code, Number(exponent)] as const),
);

describe('every currency of ISO 4217', () => {
  test('is known, with its decimals, and no other is', () => {
    expect(CURRENCIES.map((code) => [code, exponentOf(code)])).toEqual(
      TABLE.map(([code, exponent]) => [code, exponent]).sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
    );
    for (const code of ['eur', 'EU', 'EURO', '', 'XAU', 'XXX', 'XTS', 'HRK', 'SLL', ' EUR'])
      expect(exponentOf(code)).toBeUndefined();
  });

  test.each(TABLE)('%s is read and written with %i decimals, up to the limit and not beyond it', (code, exponent) => {
    const point = exponent === 0 ? '' : '.';
    const zeros = '0'.repeat(exponent);
    expect(parseAmount(`7${point}${zeros}`, code)).toEqual({
      ok: true,
      money: { minor: 7n * 10n ** BigInt(exponent), currency: code },
    });
    const unit = exponent === 0 ? '1' : `0.${'1'.padStart(exponent, '0')}`;
    expect(parseAmount(unit, code)).toEqual({ ok: true, money: { minor: 1n, currency: code } });
    expect(decimalOf({ minor: 1n, currency: code })).toBe(unit);
    expect(parseAmount(`0.${'1'.padStart(exponent + 1, '0')}`, code)).toEqual({ ok: false, problem: 'too_precise' });
    const most = { minor: AMOUNT_MINOR_MAX, currency: code };
    expect(parseAmount(decimalOf(most), code)).toEqual({ ok: true, money: most });
    const more = decimalOf({ minor: AMOUNT_MINOR_MAX + 1n, currency: code });
    expect(parseAmount(more, code)).toEqual({ ok: false, problem: 'too_large' });
    expect(textOf({ minor: 0n, currency: code })).toBe(`0${point}${zeros} ${code}`);
  });
});

describe('an amount', () => {
  test.each([
    [' 12.50 ', 1_250n],
    ['\t7\n', 700n],
    ['0000012.5', 1_250n],
    [`1.${'0'.repeat(5_000)}`, 100n],
    [`${'0'.repeat(5_000)}1`, 100n],
    ['-0.00', 0n],
  ])('is read from %j', (raw, minor) => {
    expect(parseAmount(raw, 'EUR')).toEqual({ ok: true, money: { minor, currency: 'EUR' } });
  });

  test.each([
    ['-12.345', 'too_precise'],
    ['-0.01', 'negative'],
    ['1,5', 'not_decimal'],
    ['1.5.', 'not_decimal'],
    ['--1', 'not_decimal'],
    ['1\n2', 'not_decimal'],
    ['€1', 'not_decimal'],
    ['Infinity', 'not_decimal'],
    ['9'.repeat(5_000), 'too_large'],
    ['   ', 'empty'],
    [undefined, 'empty'],
  ])('is not read from %j: %s', (raw, problem) => {
    expect(parseAmount(raw, 'EUR')).toEqual({ ok: false, problem });
  });

  test('in a currency that is not in the standard is refused for that first', () => {
    expect(parseAmount('abc', 'EURO')).toEqual({ ok: false, problem: 'unknown_currency' });
  });

  test.each([
    [-1n, 'EUR', '-0.01'],
    [-100n, 'EUR', '-1.00'],
    [-7n, 'JPY', '-7'],
    [-1_005n, 'BHD', '-1.005'],
    [0n, 'CLF', '0.0000'],
  ])('of %i minor units is written as a balance shows it', (minor, currency, text) => {
    expect(decimalOf({ minor, currency })).toBe(text);
  });
});

describe('a share', () => {
  /** What is left over after whole units, as a part of one unit, and what each mode makes of two and of three whole ones. */
  const ROUNDINGS: ReadonlyArray<
    readonly [rest: string, tenThousandths: bigint, Readonly<Record<RoundingMode, [bigint, bigint]>>]
  > = [
    ['nothing', 0n, { half_even: [2n, 3n], half_up: [2n, 3n], up: [2n, 3n], down: [2n, 3n] }],
    ['the least there is', 1n, { half_even: [2n, 3n], half_up: [2n, 3n], up: [3n, 4n], down: [2n, 3n] }],
    ['just under a half', 4_999n, { half_even: [2n, 3n], half_up: [2n, 3n], up: [3n, 4n], down: [2n, 3n] }],
    ['a half', 5_000n, { half_even: [2n, 4n], half_up: [3n, 4n], up: [3n, 4n], down: [2n, 3n] }],
    ['just over a half', 5_001n, { half_even: [3n, 4n], half_up: [3n, 4n], up: [3n, 4n], down: [2n, 3n] }],
    ['all but the least', 9_999n, { half_even: [3n, 4n], half_up: [3n, 4n], up: [3n, 4n], down: [2n, 3n] }],
  ];
  const cases = ROUNDINGS.flatMap(([rest, tenThousandths, results]) =>
    (Object.keys(results) as RoundingMode[]).flatMap((mode) =>
      [1n, 5n, 100n].map((toMinor) => [mode, rest, toMinor, tenThousandths, results[mode]] as const),
    ),
  );

  test.each(cases)('rounded %s leaves over %s of %i minor units', (mode, _, toMinor, tenThousandths, results) => {
    results.forEach((units, index) => {
      // One basis point of ten thousand times as much.
      const minor = (BigInt(2 + index) * 10_000n + tenThousandths) * toMinor;
      expect(roundedShare({ minor, currency: 'EUR' }, 1, mode, Number(toMinor))).toEqual({
        money: { minor: units * toMinor, currency: 'EUR' },
        isExact: tenThousandths === 0n,
      });
    });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])('is not rounded to multiples of %d', (toMinor) => {
    expect(() => roundedShare({ minor: 1n, currency: 'EUR' }, 1, 'up', toMinor)).toThrow(
      'amounts are rounded to a positive whole number of units',
    );
  });

  test('is the exact one, rounded by its mode, of any amount and any share', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: AMOUNT_MINOR_MAX }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom<RoundingMode[]>('half_even', 'half_up', 'up', 'down'),
        fc.constantFrom(1, 2, 5, 10, 50, 100, 1_000),
        (minor, basisPoints, mode, toMinor) => {
          const { money, isExact } = roundedShare({ minor, currency: 'EUR' }, basisPoints, mode, toMinor);
          const off = money.minor * 10_000n - minor * BigInt(basisPoints);
          const unit = BigInt(toMinor) * 10_000n;
          expect(money.minor % BigInt(toMinor)).toBe(0n);
          expect(isExact).toBe(off === 0n);
          if (mode === 'up') expect(off >= 0n && off < unit).toBe(true);
          else if (mode === 'down') expect(off <= 0n && off > -unit).toBe(true);
          else expect(2n * off <= unit && 2n * off >= -unit).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('an amount that is split', () => {
  test.each([
    [100n, [1, 1, 1], [34n, 33n, 33n]],
    [101n, [1, 1, 1], [34n, 34n, 33n]],
    [5n, [3, 3, 4], [2n, 1n, 2n]],
    [1n, [0, 1, 0], [0n, 1n, 0n]],
    [10n, [1, 2], [3n, 7n]],
    [2n, [1, 1, 1, 1], [1n, 1n, 0n, 0n]],
    [0n, [1, 2], [0n, 0n]],
    [AMOUNT_MINOR_MAX, [1, 2], [333_333_333_333_333n, 666_666_666_666_667n]],
  ])('%i by %j', (minor, weights, parts) => {
    expect(splitByWeights({ minor, currency: 'JPY' }, weights).map((part) => part.minor)).toEqual(parts);
  });

  test('has something to be split, by weights that say how', () => {
    const whole = { minor: 1n, currency: 'EUR' };
    expect(() => splitByWeights(whole, [])).toThrow('weights must be >= 0, one of them > 0');
    expect(() => splitByWeights(whole, [2, -1])).toThrow('weights must be >= 0, one of them > 0');
    expect(() => splitByWeights({ minor: -100n, currency: 'EUR' }, [1, 1, 1])).toThrow(
      'an amount below zero is not split',
    );
  });
});

describe('how an amount came about', () => {
  const eur = (minor: bigint) => ({ minor, currency: 'EUR' });
  const told = (more: Partial<RewardRule>, base: bigint | null, count = 1) => {
    const { money, steps } = calculate({ ...MEMBER_RULE, ...more }, base === null ? null : eur(base), count);
    return [money === null ? null : textOf(money), ...steps.map(stepText)];
  };
  const share = { kind: 'percent', basisPoints: 1_250 } as const;
  const byAmount = { kind: 'by_amount', steps: [{ from: eur(10_000n), amount: share }] } as const;
  const byCount = { kind: 'by_count', steps: [{ from: 2, amount: { kind: 'fixed', money: eur(700n) } }] } as const;

  test.each<[string, Partial<RewardRule>, bigint | null, number, Array<string | null>]>([
    ['fixed', { amount: { kind: 'fixed', money: eur(700n) } }, null, 1, ['7.00 EUR', 'A fixed 7.00 EUR.']],
    ['exact', { amount: share }, 800n, 1, ['1.00 EUR', '12.5 % of 8.00 EUR is 1.00 EUR.']],
    [
      'rounded',
      { amount: share, rounding: { mode: 'up', toMinor: 5 } },
      801n,
      1,
      ['1.05 EUR', '12.5 % of 8.01 EUR is 1.05 EUR.', 'Rounded up, to multiples of 0.05 EUR.'],
    ],
    [
      'by amount',
      { amount: byAmount },
      10_000n,
      1,
      ['12.50 EUR', 'A deal of 100.00 EUR reaches the step from 100.00 EUR.', '12.5 % of 100.00 EUR is 12.50 EUR.'],
    ],
    ['below the first step', { amount: byAmount }, 9_999n, 1, [null, 'A deal of 99.99 EUR reaches the step none.']],
    [
      'by count',
      { amount: byCount },
      null,
      2,
      ['7.00 EUR', 'Won referral number 2 reaches the step from 2.', 'A fixed 7.00 EUR.'],
    ],
    ['before the first count', { amount: byCount }, null, 1, [null, 'Won referral number 1 reaches the step none.']],
    [
      'raised',
      { amount: share, minimum: eur(101n), maximum: eur(101n) },
      800n,
      1,
      ['1.01 EUR', '12.5 % of 8.00 EUR is 1.00 EUR.', 'Raised to the least amount, 1.01 EUR.'],
    ],
    [
      'cut',
      { amount: share, maximum: eur(99n), minimum: eur(99n) },
      800n,
      1,
      ['0.99 EUR', '12.5 % of 8.00 EUR is 1.00 EUR.', 'Cut to the greatest amount, 0.99 EUR.'],
    ],
    [
      'neither raised nor cut',
      { amount: share, minimum: eur(100n), maximum: eur(100n) },
      800n,
      1,
      ['1.00 EUR', '12.5 % of 8.00 EUR is 1.00 EUR.'],
    ],
    [
      'not compared with another currency',
      { amount: share, minimum: { minor: 10_000n, currency: 'JPY' }, maximum: { minor: 1n, currency: 'JPY' } },
      800n,
      1,
      ['1.00 EUR', '12.5 % of 8.00 EUR is 1.00 EUR.'],
    ],
  ])('is told: %s', (_, rule, base, count, expected) => {
    expect(told(rule, base, count)).toEqual(expected);
  });

  const levels = (['bronze', 'silver', 'gold'] as const).map((key, index) => ({
    ...{ key, name: key.toUpperCase() },
    from: (index + 1) * 3,
  }));
  const perTier = {
    kind: 'per_tier',
    steps: [
      { from: 'bronze', amount: { kind: 'fixed', money: eur(100n) } },
      { from: 'former', amount: { kind: 'fixed', money: eur(999n) } },
      { from: 'gold', amount: share },
    ],
  } as const;
  test.each<[string | null, string | null, Record<string, string>]>([
    ['bronze', '1.00 EUR', { tier: 'bronze', name: 'BRONZE', from: 'bronze' }],
    // What a tier is not named for is that of the one below.
    ['silver', '1.00 EUR', { tier: 'silver', name: 'SILVER', from: 'bronze' }],
    ['gold', '12.50 EUR', { tier: 'gold', name: 'GOLD', from: 'gold' }],
    [null, null, { tier: '', name: 'none', from: '' }],
    // One that the scheme has no more is none, and a step named for such a one is never reached.
    ['former', null, { tier: 'former', name: 'none', from: '' }],
  ])('a member in the tier %s gets %s', (held, expected, values) => {
    const rule = { ...MEMBER_RULE, amount: perTier };
    const { money, steps } = calculate(rule, eur(10_000n), 1, { levels, held, reached: held });
    expect(money && textOf(money)).toBe(expected);
    expect(steps[0]).toEqual({
      step: 'step_by_tier',
      values,
      result: values.from === '' ? 'none' : `from ${values.from}`,
    });
    expect(steps).toHaveLength(money === null ? 1 : 2);
  });

  test('without tiers a rule by tier pays nothing, and says so', () => {
    expect(told({ amount: perTier }, 10_000n)).toEqual([null, 'The tier of the member, none, reaches the step none.']);
    expect(needsDealAmount({ ...MEMBER_RULE, amount: perTier })).toBe(true);
  });

  test.each<[bigint, bigint, Partial<RewardRule>, string]>([
    [10_000n, 0n, {}, '5.00 EUR'],
    [10_000n, 10_000n, {}, '0.00 EUR'],
    [10_000n, 2_500n, {}, '3.75 EUR'],
    // 5.00 × 9,983 / 10,000 is 4.9915.
    [10_000n, 17n, {}, '4.99 EUR'],
    [10_000n, 17n, { rounding: { mode: 'up', toMinor: 5 } }, '5.00 EUR'],
    [10_000n, 17n, { rounding: { mode: 'down', toMinor: 5 } }, '4.95 EUR'],
  ])('of a deal over %i of which %i were refunded (%j) is left %s', (worth, refunded, more, left) => {
    const { money, steps } = afterRefund(
      { ...MEMBER_RULE, rounding: undefined, ...more },
      eur(500n),
      eur(worth),
      eur(refunded),
    );
    expect(money && textOf(money)).toBe(left);
    expect(steps).toEqual([
      { step: 'refunded', values: { amount: textOf(eur(worth)), refunded: textOf(eur(refunded)) }, result: left },
    ]);
  });

  test.each<[bigint, number, string, string]>([
    [1_000n, 30, '3.00 EUR', '7.00 EUR'],
    [1n, 50, '0.00 EUR', '0.01 EUR'],
    [3n, 50, '0.02 EUR', '0.01 EUR'],
    [999n, 33, '3.30 EUR', '6.69 EUR'],
  ])(
    'of %i an assist of %i percent gets %s and the member %s, and nothing is lost',
    (minor, percent, assists, members) => {
      const part = (of: 'assist' | 'member') =>
        shareOf({ ...MEMBER_RULE, rounding: undefined, share: { of, percent } }, eur(minor));
      expect([part('assist'), part('member')]).toEqual([
        {
          money: expect.objectContaining({ currency: 'EUR' }),
          steps: [
            { step: 'shared', values: { percent: String(percent), amount: textOf(eur(minor)) }, result: assists },
          ],
        },
        {
          money: expect.objectContaining({ currency: 'EUR' }),
          steps: [
            { step: 'shared', values: { percent: String(100 - percent), amount: textOf(eur(minor)) }, result: members },
          ],
        },
      ]);
      expect((part('assist').money?.minor ?? 0n) + (part('member').money?.minor ?? 0n)).toBe(minor);
    },
  );

  test('what nobody shares is told in no step', () => {
    expect(shareOf(MEMBER_RULE, eur(5n))).toEqual({ money: eur(5n), steps: [] });
  });

  test.each<[boolean, RewardRule['amount']]>([
    [false, { kind: 'fixed', money: eur(1n) }],
    [true, share],
    [true, byAmount],
    [true, { kind: 'by_amount', steps: [{ from: eur(1n), amount: { kind: 'fixed', money: eur(1n) } }] }],
    [false, byCount],
    [true, { kind: 'by_count', steps: [...byCount.steps, { from: 3, amount: share }] }],
  ])('needs the amount of the deal (%s) for some kinds', (isNeeded, amount) => {
    expect(needsDealAmount({ ...MEMBER_RULE, amount })).toBe(isNeeded);
  });

  test('keeps what it was made of, and is half to even where nothing is said', () => {
    expect(calculate({ ...MEMBER_RULE, amount: byCount }, null, 1).steps[0]?.values).toEqual({ count: '1', from: '' });
    expect(calculate({ ...MEMBER_RULE, amount: byAmount }, eur(1n), 1).steps[0]?.values).toEqual({
      amount: '0.01 EUR',
      from: '',
    });
    expect(told({ amount: share, rounding: undefined }, 804n).at(-1)).toBe(
      'Rounded half even, to multiples of 0.01 EUR.',
    );
    expect(told({ amount: share, rounding: undefined }, 4n)).toEqual([
      '0.00 EUR',
      '12.5 % of 0.04 EUR is 0.00 EUR.',
      'Rounded half even, to multiples of 0.01 EUR.',
    ]);
    expect(told({ amount: share, rounding: undefined }, 12n)[0]).toBe('0.02 EUR');
  });

  test('a step in another currency is not reached', () => {
    const { money } = calculate({ ...MEMBER_RULE, amount: byAmount }, { minor: 10n ** 9n, currency: 'JPY' }, 1);
    expect(money).toBeNull();
  });

  test('is not made up where the deal has no amount', () => {
    expect(() => told({ amount: share }, null)).toThrow('a percentage was asked of an amount that is not known');
    expect(() => told({ amount: byAmount }, null)).toThrow('steps by amount were asked of an amount that is not known');
  });

  test.each([
    [0, '0'],
    [5, '0.05'],
    [50, '0.5'],
    [100, '1'],
    [1_005, '10.05'],
    [1_010, '10.1'],
    [20_000, '200'],
  ])('%i basis points are %s percent', (basisPoints, text) => {
    expect(percentText(basisPoints)).toBe(text);
  });
});
