import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CURRENCIES, exponentOf } from '../../src/domain/money.ts';
import { firstRateDay, type RewardRule } from '../../src/domain/program.ts';
import { convert, nextRates, type Rate, ratesOf, usualUntil } from '../../src/domain/rates.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { contactOf, createWorld, dealOf, MEMBER_RULE, MINUTE, pointOf, programOf, T0 } from './world.ts';

/** T0 is Monday, 5 January 2026. */
const SUNDAY = '2026-01-04';

function rate(currency: string, perBase: string, day = SUNDAY, until = day): Rate {
  return { currency, base: 'EUR', day, until, perBase, source: 'ECB' };
}

function converted(minor: bigint, from: string, to: string, ...rates: Rate[]) {
  const found = convert({ minor, currency: from }, to, T0, ratesOf(rates));
  return found.ok ? `${found.money.minor} ${found.money.currency}` : `no ${found.missing} on ${found.day}`;
}

describe('an amount in another currency', () => {
  test.each([
    ['to the base', converted(100_00n, 'USD', 'EUR', rate('USD', '1.25')), '8000 EUR'],
    ['from the base', converted(100_00n, 'EUR', 'USD', rate('USD', '1.25')), '12500 USD'],
    ['between two others', converted(100_00n, 'USD', 'GBP', rate('USD', '1.25'), rate('GBP', '0.8')), '6400 GBP'],
    ['to one without decimals', converted(1_00n, 'EUR', 'JPY', rate('JPY', '184.37')), '184 JPY'],
    ['from one without decimals', converted(184n, 'JPY', 'EUR', rate('JPY', '184')), '100 EUR'],
    ['to one with three decimals', converted(1_00n, 'EUR', 'BHD', rate('BHD', '0.4071')), '407 BHD'],
    ['a tie goes to the even one', converted(1n, 'EUR', 'USD', rate('USD', '2.5')), '2 USD'],
    ['and up from the odd one', converted(3n, 'EUR', 'USD', rate('USD', '2.5')), '8 USD'],
    [
      'only by a rate of the day before',
      converted(1n, 'EUR', 'USD', rate('USD', '1', '2026-01-05')),
      `no USD on ${SUNDAY}`,
    ],
    ['not without any rate', converted(1n, 'EUR', 'USD'), `no EUR on ${SUNDAY}`],
    ['by one that still holds then', converted(7n, 'EUR', 'USD', rate('USD', '1', '2026-01-02', SUNDAY)), '7 USD'],
    ['not by one that has ended', converted(7n, 'EUR', 'USD', rate('USD', '1', '2026-01-02')), `no USD on ${SUNDAY}`],
    ['not without both rates', converted(7n, 'USD', 'GBP', rate('USD', '1')), `no GBP on ${SUNDAY}`],
    [
      'not across two bases',
      converted(7n, 'USD', 'GBP', rate('USD', '1'), { ...rate('GBP', '1'), base: 'CHF' }),
      `no GBP on ${SUNDAY}`,
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  test('is right to half of its smallest unit, for every currency and any rate', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.constantFrom(...CURRENCIES.filter((code) => code !== 'EUR')),
        fc.integer({ min: 1, max: 10 ** 8 }),
        (minor, currency, millionths) => {
          const perBase = `${Math.floor(millionths / 10 ** 6)}.${String(millionths % 10 ** 6).padStart(6, '0')}`;
          const found = convert({ minor, currency: 'EUR' }, currency, T0, ratesOf([rate(currency, perBase)]));
          if (!found.ok) throw new Error(found.missing);
          // minor / 100 × millionths / 10^6 × 10^exponent, in units of one 10^8th.
          const exact = minor * BigInt(millionths) * 10n ** BigInt(exponentOf(currency) ?? 0);
          const off = found.money.minor * 10n ** 8n - exact;
          expect(off < 0n ? -off : off).toBeLessThanOrEqual(10n ** 8n / 2n);
        },
      ),
    );
  });

  test('finds the rate among those of many years', () => {
    const days = Array.from({ length: 4_000 }, (_, index) => new Date(T0 - (index + 1) * 86_400_000).toISOString());
    const many = days.map((at, index) => rate('USD', String(index + 1), at.slice(0, 10)));
    for (const back of [0, 1, 1_999, 3_999]) {
      const found = convert({ minor: 100n, currency: 'EUR' }, 'USD', T0 - back * 86_400_000, ratesOf(many));
      expect(found).toMatchObject({ money: { minor: BigInt(100 * (back + 1)) } });
    }
  });
});

describe('rates are entered', () => {
  test('behind the newest, and the days between the two are the earlier one’s', () => {
    const [friday, tuesday] = [rate('USD', '1.1', '2026-01-02', SUNDAY), rate('USD', '1.2', '2026-01-06')];
    expect(nextRates(undefined, friday)).toEqual({ add: [friday] });
    expect(nextRates(friday, { ...friday, day: '2026-01-05', until: '2026-01-05' })).toMatchObject({ add: [{}] });
    expect(nextRates(friday, tuesday)).toEqual({
      add: [{ ...friday, day: '2026-01-05', until: '2026-01-05', source: 'ECB, carried on from 2026-01-02' }, tuesday],
    });
  });

  test.each([
    ['of nothing', rate('USD', '0.000'), 'zero'],
    ['of the base itself', rate('EUR', '1'), 'base_itself'],
    ['that ends before it begins', rate('USD', '1', SUNDAY, '2026-01-03'), 'ends_before'],
    ['for another base', { ...rate('USD', '1', '2026-01-09'), base: 'CHF' }, 'other_base'],
    ['for a day that has another one', rate('USD', '1.2', '2026-01-02'), 'known_otherwise'],
    ['for a day that the newest one holds on', rate('USD', '1.2', '2026-01-03'), 'not_after'],
    ['for a day before all others', rate('USD', '1.2', '2025-01-03'), 'not_after'],
  ])('but not one %s', (_, wrong, problem) => {
    expect(nextRates(rate('USD', '1.1', '2026-01-02', SUNDAY), wrong)).toEqual({ problem });
  });

  test('once, however often they come', () => {
    expect(nextRates(rate('USD', '1.1'), rate('USD', '1.1'))).toEqual({ add: [] });
  });

  test('for the weekend on a Friday', () => {
    expect(['2026-01-01', '2026-01-02', '2026-01-03', SUNDAY].map(usualUntil)).toEqual([
      '2026-01-01',
      SUNDAY,
      '2026-01-03',
      SUNDAY,
    ]);
  });
});

describe('a rule that pays in one currency', () => {
  const rule: RewardRule = {
    ...MEMBER_RULE,
    payIn: 'EUR',
    amountChanges: 'follow',
    payout: 'webhook',
    maximum: { minor: 90_00n, currency: 'EUR' },
    conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 500_00n, currency: 'EUR' } }],
  };

  function worldWon(amount: string, rates: readonly Rate[]) {
    const world = createWorld([rule]);
    world.putContact(contactOf('1'));
    world.putContact(contactOf('2', { referredByIds: ['1'] }));
    const point = { currency: 'USD', amount, stageId: '4711' };
    world.putDeal(dealOf('100', ['2'], [pointOf(T0 + MINUTE, point)]));
    world.setState({ rates: ratesOf(rates) });
    world.process(T0 + 2 * MINUTE);
    return world;
  }
  const tell = ({ state }: ReturnType<typeof createWorld>) =>
    state.decisions.map(
      ({ outcome, reason, money, calculation }) =>
        `${outcome} ${money?.minor ?? ''} ${calculation.map(({ step }) => step).join('+')} ${reasonText(reason)}`,
    );

  test('reckons, judges and caps in it, and says by which rate', () => {
    const world = worldWon('1000.00', [rate('USD', '1.25')]);
    expect(tell(world)).toEqual([
      'rewarded 8000 converted+percent The deal "100" reached Closed Won and every condition is met.',
    ]);
    expect(world.state.decisions[0]?.calculation[0]).toEqual({
      step: 'converted',
      values: { amount: '1000.00 USD', rate: '1.25', base: 'EUR', day: SUNDAY, source: 'ECB' },
      result: '800.00 EUR',
    });
    expect(tell(worldWon('2000.00', [rate('USD', '1.25')]))[0]).toContain('rewarded 9000 converted+percent+maximum');
    expect(tell(worldWon('600.00', [rate('USD', '1.25')]))[0]).toContain(
      'deal amount should be at least 500.00 EUR, it is 480.00 EUR',
    );
  });

  test('waits for a rate that is not there, and is paid by it once it is', () => {
    const world = worldWon('1000.00', []);
    expect(tell(world)).toEqual(['waiting   Waiting: there is no rate of USD for 2026-01-04 yet.']);
    world.setState({ rates: ratesOf([rate('USD', '1.25')]) });
    world.process(T0 + 9 * MINUTE);
    expect(tell(world)).toHaveLength(2);
    expect(world.state.rewards).toMatchObject([{ money: { minor: 8000n, currency: 'EUR' }, state: 'approved' }]);
  });

  test('takes the rate of the event also for an amount that changes later', () => {
    const world = worldWon('1000.00', [rate('USD', '1.25'), rate('USD', '5', '2026-01-05', '2026-03-01')]);
    world.pay(T0 + 3 * MINUTE);
    const [deal] = [...world.deals.values()];
    if (!deal) throw new Error('no deal');
    const later = pointOf(T0 + 20 * 86_400_000, { currency: 'USD', amount: '750.00', stageId: '4711' });
    world.putDeal({ ...deal, history: [...deal.history, later] });
    world.process(T0 + 21 * 86_400_000);
    expect(world.state.rewards).toMatchObject([{ money: { minor: 8000n }, clawedBack: 2000n }]);
  });
});

test('rates are needed from two days before the first program on, and by none that converts nothing', () => {
  const later = programOf([{ ...MEMBER_RULE, payIn: 'USD' }], T0 + 10 * 86_400_000);
  expect(firstRateDay([programOf([MEMBER_RULE]), later])).toBe('2026-01-03');
  expect(firstRateDay([programOf([MEMBER_RULE])])).toBeNull();
});
