import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imbalance, type JournalKind, journalFor } from '../../src/domain/ledger.ts';
import {
  AMOUNT_MINOR_MAX,
  CURRENCIES,
  decimalOf,
  exponentOf,
  parseAmount,
  percentOf,
  splitByWeights,
} from '../../src/domain/money.ts';

const currency = fc.constantFrom(...CURRENCIES);
const minor = fc.bigInt({ min: 0n, max: AMOUNT_MINOR_MAX });

describe('amounts', () => {
  test('are read and written without loss in every ISO 4217 currency', () => {
    fc.assert(
      fc.property(currency, minor, (code, amount) => {
        const money = { minor: amount, currency: code };
        expect(parseAmount(decimalOf(money), code)).toEqual({ ok: true, money });
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['JPY', 0],
    ['EUR', 2],
    ['MGA', 2],
    ['MRU', 2],
    ['BHD', 3],
    ['CLF', 4],
  ])('%s has %i decimals', (code, exponent) => {
    expect(exponentOf(code)).toBe(exponent);
  });

  test.each([
    ['1e3', 'not_decimal'],
    ['-5', 'negative'],
    ['12.345', 'too_precise'],
    ['١٢', 'not_decimal'],
    ['12345678901234567890', 'too_large'],
    ['', 'empty'],
    [null, 'empty'],
    ['.5', 'not_decimal'],
    ['5.', 'not_decimal'],
    ['+5', 'not_decimal'],
    ['0x10', 'not_decimal'],
    ['NaN', 'not_decimal'],
    ['1 000', 'not_decimal'],
  ])('"%s" is refused as %s, never read as something else', (raw, problem) => {
    expect(parseAmount(raw, 'EUR')).toEqual({ ok: false, problem });
  });

  test("zeros beyond the currency's decimals are no precision", () => {
    expect(parseAmount('12.50000', 'EUR')).toEqual({ ok: true, money: { minor: 1_250n, currency: 'EUR' } });
    expect(parseAmount('12.0', 'JPY')).toEqual({ ok: true, money: { minor: 12n, currency: 'JPY' } });
    expect(parseAmount('-0', 'EUR')).toEqual({ ok: true, money: { minor: 0n, currency: 'EUR' } });
  });

  test('no text at all makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string(), currency, (raw, code) => {
        expect(['boolean']).toContain(typeof parseAmount(raw, code).ok);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('shares', () => {
  test('are within half a minor unit of the exact share', () => {
    fc.assert(
      fc.property(minor, fc.integer({ min: 1, max: 10_000 }), (amount, basisPoints) => {
        const share = percentOf({ minor: amount, currency: 'EUR' }, basisPoints).minor;
        const error = share * 10_000n - amount * BigInt(basisPoints);
        expect(error <= 5_000n && error >= -5_000n).toBe(true);
      }),
    );
  });

  test('of exactly a half go to the even neighbour', () => {
    expect(percentOf({ minor: 50n, currency: 'EUR' }, 100).minor).toBe(0n);
    expect(percentOf({ minor: 150n, currency: 'EUR' }, 100).minor).toBe(2n);
    expect(percentOf({ minor: 250n, currency: 'EUR' }, 100).minor).toBe(2n);
  });

  test('by weights lose nothing and are fair to a minor unit', () => {
    const weights = fc
      .array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 20 })
      .filter((all) => all.some((one) => one > 0));
    fc.assert(
      fc.property(minor, weights, (amount, shares) => {
        const parts = splitByWeights({ minor: amount, currency: 'EUR' }, shares);
        expect(parts.reduce((sum, part) => sum + part.minor, 0n)).toBe(amount);
        const total = BigInt(shares.reduce((sum, share) => sum + share, 0));
        parts.forEach((part, index) => {
          const exact = amount * BigInt(shares[index] ?? 0);
          expect(part.minor * total > exact - total && part.minor * total < exact + total).toBe(true);
        });
      }),
    );
  });

  test('without a positive weight are refused', () => {
    expect(() => splitByWeights({ minor: 1n, currency: 'EUR' }, [0, 0])).toThrow(RangeError);
    expect(() => splitByWeights({ minor: 1n, currency: 'EUR' }, [2, -1])).toThrow(RangeError);
  });
});

test('every kind of journal sums to zero, for every provider, party and amount', () => {
  const kinds: JournalKind[] = ['accrue', 'release', 'issue', 'void', 'claw_back'];
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.constantFrom('member' as const, 'friend' as const),
      fc.constantFrom('credit', 'webhook'),
      fc.boolean(),
      minor,
      currency,
      (kind, party, payout, whileHeld, amount, code) => {
        const reward = {
          id: 'rwd_1',
          programId: 'p',
          party,
          beneficiaryId: 'b',
          payout,
          money: { minor: amount, currency: code },
        };
        const journal = journalFor({ reward, kind, whileHeld, decisionId: null, effectiveAt: 0, recordedAt: 0 });
        expect(imbalance(journal.postings)).toEqual(new Map());
        expect(journal.postings).toHaveLength(2);
      },
    ),
  );
});
