import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ratioOf } from '../../src/domain/money.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { type RefundFact, refundedOf, refundsAt } from '../../src/domain/refund.ts';
import { contactOf, createWorld, dealOf, MEMBER_RULE, MINUTE, pointOf, T0, type World } from './world.ts';

const eur = (minor: bigint) => ({ minor, currency: 'EUR' });

function refundOf(id: string, minute: number, amount: string, more: Partial<RefundFact> = {}): RefundFact {
  return { source: 'stripe', id, at: T0 + minute * MINUTE, amount, currency: 'EUR', undoneAt: null, ...more };
}

/** Ada (1) referred Bob (2), whose deal of 1,000.00 EUR was won in the second minute. */
function worldWith(more: Partial<RewardRule>, refunds?: readonly RefundFact[]): World {
  const world = createWorld([
    { ...MEMBER_RULE, amountChanges: 'follow', refunds: 'follow', payout: 'webhook', ...more },
  ]);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  world.putDeal(
    dealOf('100', ['2'], [pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, { stageId: '4711' })], { refunds }),
  );
  return world;
}

function told(world: World, ...refunds: RefundFact[]): void {
  const deal = world.deals.get('100');
  if (deal) world.putDeal({ ...deal, refunds });
}

function standing(world: World): string[] {
  return world.state.rewards
    .filter(({ state }) => state !== 'voided' && state !== 'clawed_back')
    .map(({ money, clawedBack, state }) => `${money.minor - clawedBack} ${money.currency} ${state}`);
}

function paid(more: Partial<RewardRule> = {}): World {
  const world = worldWith(more);
  world.process(T0 + 3 * MINUTE);
  world.pay(T0 + 4 * MINUTE);
  return world;
}

const receivable = (world: World) =>
  world.balances()[`receivable:member:${world.state.members[0]?.id ?? ''} EUR`] ?? '0';

describe('a refund of a deal', () => {
  test.each([
    ['a share', {}, '7500 EUR issued', '2500'],
    ['a fixed amount', { amount: { kind: 'fixed', money: eur(5_000n) } }, '3750 EUR issued', '1250'],
    ['a share with a maximum', { maximum: eur(4_000n) }, '3000 EUR issued', '1000'],
  ] as const)(
    'takes its part of %s that was paid back, and gives it again when it came to nothing',
    (_, more, left, owed) => {
      const world = paid(more as Partial<RewardRule>);
      told(world, refundOf('re_1', 5, '250.00'));
      world.process(T0 + 6 * MINUTE);
      expect(standing(world)).toEqual([left]);
      expect(receivable(world)).toBe(owed);
      const last = world.state.decisions.at(-1);
      expect(last?.outcome).toBe('adjusted');
      expect(last && reasonText(last.reason)).toMatch(
        /^Part of the deal was refunded: of .* that were paid, .* are taken back\.$/,
      );
      expect(last?.calculation.at(-1)).toMatchObject({ step: 'refunded', values: { refunded: '250.00 EUR' } });
      expect(world.process(T0 + 7 * MINUTE).decisions).toEqual([]);
      told(world, refundOf('re_1', 5, '250.00', { undoneAt: T0 + 8 * MINUTE }));
      world.process(T0 + 9 * MINUTE);
      expect(receivable(world)).toBe('0');
    },
  );

  test('in whole takes all of it back, once, however often it is looked at', () => {
    const world = paid();
    told(world, refundOf('re_1', 5, '400.00'), refundOf('re_2', 6, '600.00'));
    world.process(T0 + 7 * MINUTE);
    expect(standing(world)).toEqual([]);
    expect(world.state.decisions.at(-1)).toMatchObject({ outcome: 'reversed', reason: { code: 'refunded_whole' } });
    expect(receivable(world)).toBe('10000');
    expect(world.process(T0 + 8 * MINUTE).decisions).toEqual([]);
  });

  test('before the reward went out lets it be granted anew, smaller; before the deal was won, from the start', () => {
    const waiting = worldWith({});
    waiting.process(T0 + 3 * MINUTE);
    told(waiting, refundOf('re_1', 4, '100.00'));
    waiting.process(T0 + 5 * MINUTE);
    expect(standing(waiting)).toEqual(['9000 EUR approved']);
    expect(waiting.intents).toHaveLength(1);
    const early = worldWith({}, [refundOf('re_1', 1, '100.00')]);
    early.process(T0 + 3 * MINUTE);
    expect(standing(early)).toEqual(['9000 EUR approved']);
    expect(early.state.decisions).toHaveLength(1);
  });

  test('is seen the same whether each is read by itself or all at once', () => {
    const refunds = ['10.00', '0.05', '33.33', '250.00'].map((amount, index) =>
      refundOf(`re_${index}`, 5 + index, amount),
    );
    const one = paid();
    const each = paid();
    for (let count = 1; count <= refunds.length; count += 1) {
      told(each, ...refunds.slice(0, count));
      each.process(T0 + (5.5 + count) * MINUTE);
    }
    told(one, ...refunds);
    one.process(T0 + 20 * MINUTE);
    each.process(T0 + 20 * MINUTE);
    expect(one.balances()).toEqual(each.balances());
    expect(one.story()).toEqual(each.story());
  });

  test.each([
    ['in another currency than the deal', refundOf('re_1', 5, '250.00', { currency: 'USD' })],
    ['of an amount that nobody can read', refundOf('re_1', 5, 'a lot')],
  ])('%s takes nothing back', (_, refund) => {
    const world = paid();
    told(world, refund);
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual(['10000 EUR issued']);
    const fresh = worldWith({}, [{ ...refund, at: T0 + MINUTE }]);
    fresh.process(T0 + 3 * MINUTE);
    expect(fresh.state.decisions.at(-1)).toMatchObject({ outcome: 'waiting', reason: { code: 'refund_unknown' } });
  });

  test('that the CRM itself tells, in a property of the deal, takes its part as well', () => {
    const world = createWorld([
      {
        ...MEMBER_RULE,
        amountChanges: 'follow',
        refunds: 'follow',
        refundedProperty: 'amount_refunded',
        payout: 'webhook',
      },
    ]);
    world.putContact(contactOf('1'));
    world.putContact(contactOf('2', { referredByIds: ['1'] }));
    const at = (minute: number, value: string | null, stageId = '4711') =>
      pointOf(T0 + minute * MINUTE, { stageId, properties: { amount_refunded: value } });
    const history = [at(1, null, 'open'), at(2, null)];
    const look = (minute: number, ...points: ReturnType<typeof at>[]) => {
      world.putDeal(dealOf('100', ['2'], [...history, ...points]));
      world.process(T0 + minute * MINUTE);
    };
    look(3);
    world.pay(T0 + 4 * MINUTE);
    look(6, at(5, '250'));
    expect(standing(world)).toEqual(['7500 EUR issued']);
    expect(world.state.decisions.at(-1)?.reason.code).toBe('refunded_part');
    // What nobody can read takes nothing more back, and gives nothing again.
    look(8, at(5, '250'), at(7, 'most of it'));
    expect(standing(world)).toEqual(['7500 EUR issued']);
    look(10, at(5, '250'), at(7, 'most of it'), at(9, '0'));
    expect(standing(world)).toEqual(['10000 EUR issued']);
    look(12, at(5, '250'), at(7, 'most of it'), at(9, '0'), at(11, '1000.00'));
    expect(standing(world)).toEqual([]);
  });

  test('changes nothing for a rule that ignores refunds, nor for one that was published before rules could say so', () => {
    for (const refunds of ['ignore', undefined] as const) {
      const world = paid({ refunds });
      told(world, refundOf('re_1', 5, '999.00'));
      expect(world.process(T0 + 6 * MINUTE).decisions).toEqual([]);
      expect(standing(world)).toEqual(['10000 EUR issued']);
    }
  });

  test('that two sources tell of counts once: the one that says more', () => {
    const both = [
      refundOf('re_1', 1, '100.00'),
      refundOf('re_2', 2, '50.00'),
      refundOf('x', 3, '120.00', { source: 'crm' }),
    ];
    expect(refundedOf(both, 'EUR')).toEqual(eur(15_000n));
    expect(refundsAt(both, T0 + 2 * MINUTE).map(({ id }) => id)).toEqual(['re_1', 're_2']);
  });
});

describe('a part of an amount', () => {
  test('is exact to half of the smallest unit, never more than the whole, and the whole for the whole', () => {
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(amounts, amounts, fc.bigInt({ min: 0n, max: 10n ** 15n }), (minor, whole, some) => {
        const part = some % (whole + 1n);
        const { minor: left } = ratioOf(eur(minor), part, whole, 'half_even', 1);
        const off = left * whole - minor * part;
        expect(2n * (off < 0n ? -off : off) <= whole).toBe(true);
        expect(left >= 0n && left <= minor).toBe(true);
        expect(ratioOf(eur(minor), whole, whole, 'up', 1).minor).toBe(minor);
      }),
    );
    expect(ratioOf(eur(105n), 1n, 2n, 'up', 100).minor).toBe(100n);
    expect(ratioOf(eur(50n), 1n, 2n, 'up', 100).minor).toBe(50n);
    expect(() => ratioOf(eur(1n), 2n, 1n, 'down', 1)).toThrow(RangeError);
  });
});
