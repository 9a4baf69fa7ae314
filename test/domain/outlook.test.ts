import { describe, expect, test } from 'vitest';
import { mayAct, normaliseActors } from '../../src/domain/card-actors.ts';
import { warningsOf } from '../../src/domain/deal-warning.ts';
import { outlookOfRule } from '../../src/domain/explain.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { ratesOf } from '../../src/domain/rates.ts';
import type { DealPoint } from '../../src/domain/record.ts';
import { dealsAt } from '../../src/domain/timeline.ts';
import { CATALOG, dealOf, FRIEND_RULE, MEMBER_RULE, OPEN_REFERRAL, pointOf, T0 } from './world.ts';

const mapping = { version: 'map_1', entries: mapCatalog(CATALOG, []) };
const NOW = Date.UTC(2026, 10, 23, 10);

function outlook(rule: Partial<RewardRule>, point: Partial<DealPoint> = {}, more: object = {}) {
  const deal = dealOf('7', ['2'], [pointOf(T0 + 1, point)]);
  const [dealAt] = dealsAt([deal], mapping, Number.POSITIVE_INFINITY);
  return outlookOfRule({
    rule: { ...FRIEND_RULE, ...rule },
    referral: OPEN_REFERRAL,
    friend: {},
    dealAt: dealAt ?? null,
    beneficiary: 'Bob',
    names: new Map([['7', 'Deal 7']]),
    stageLabel: 'Open',
    startsAt: T0,
    wonReferrals: 1,
    rates: undefined,
    now: NOW,
    ...more,
  });
}

describe('when a reward would be paid for an open deal', () => {
  const dayOf = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(0, 10));
  test.each<[string, Partial<RewardRule>, object, RegExp, string | null]>([
    ['at once', {}, {}, /paid at once/, null],
    ['after the hold', { holdDays: 14 }, {}, /when the hold ends/, '2026-12-07'],
    ['on the day of payment after the hold', { holdDays: 14, payOnDay: 1 }, {}, /next day of payment/, '2027-01-01'],
    [
      'with the next batch after the hold',
      { holdDays: 14 },
      { batch: { kind: 'month_day', day: 15 } },
      /with the batch of that day/,
      '2026-12-15',
    ],
    ['by a person first', { review: { when: 'always' } }, {}, /A person has to approve it/, null],
  ])('%s', (_, rule, more, words, day) => {
    const told = outlook(rule, {}, more);
    expect(told).toMatchObject({ state: 'expected', next: expect.stringMatching(words) });
    expect(dayOf(told.nextAt)).toBe(day);
  });

  test('is not said where it waits for something that nobody can date', () => {
    const met = { fact: 'deal.property', property: 'paid', op: 'known' } as const;
    expect(outlook({ holdUntil: { met, askAfterDays: 30 } })).toMatchObject({ next: null, nextAt: null });
  });
});

describe('what would make it pay', () => {
  test('of a lost deal is that it is opened again, and not that it is in progress', () => {
    const told = outlook({}, { stageId: 'gone' });
    expect(told).toMatchObject({ reason: { code: 'deal_lost' }, wouldPay: 'Open the deal "Deal 7" again and win it.' });
  });

  test('of a rule that has paid for another deal is nothing, and nobody is told to wait', () => {
    expect(outlook({}, {}, { otherDealsRewarded: 1 })).toMatchObject({
      state: 'skipped',
      money: null,
      reason: { code: 'other_deal_rewarded' },
      wouldPay: null,
    });
  });

  test('of a deal without an amount is the amount, and then the win', () => {
    expect(outlook(MEMBER_RULE, { amount: null })).toMatchObject({
      state: 'expected',
      wouldPay: 'Enter an amount on the deal. Then win the deal "Deal 7".',
    });
  });
});

describe('what a deal is warned of', () => {
  const codes = (point: Partial<DealPoint>, rules: readonly RewardRule[] = [MEMBER_RULE], contacts = ['2']) =>
    warningsOf({
      deal: dealOf('7', contacts, [pointOf(T0, point)]),
      mapping,
      rules,
      rates: ratesOf([
        {
          currency: 'USD',
          base: 'EUR',
          day: '2026-11-01',
          until: '2026-11-30',
          perBase: '1.1',
          source: 'ECB',
        },
      ]),
      now: NOW,
      isChosen: true,
    }).map(({ code }) => code);

  test.each<[string, Partial<DealPoint>, readonly RewardRule[] | undefined, readonly string[]]>([
    ['nothing where nothing is wrong', {}, undefined, []],
    ['an amount that is missing', { amount: null }, undefined, ['amount_missing']],
    ['an amount that nobody asks about', { amount: null }, [FRIEND_RULE], []],
    ['an amount that is none', { amount: '1.000,00' }, undefined, ['amount_unreadable']],
    ['a currency that is missing', { currency: null }, undefined, ['currency_missing']],
    ['a stage that is not mapped', { stageId: 'new' }, undefined, ['stage_unmapped']],
    ['a rate that is there', {}, [{ ...MEMBER_RULE, payIn: 'USD' }], []],
    ['a rate that is missing', {}, [{ ...MEMBER_RULE, payIn: 'CHF' }], ['rate_missing']],
  ])('%s', (_, point, rules, expected) => {
    expect(codes(point, rules)).toEqual(expected);
  });

  test('a deal of nobody', () => {
    expect(codes({}, undefined, [])).toEqual(['no_contact']);
  });
});

describe('who may act from cards', () => {
  const rep = { id: '7', email: 'Rep@Acme.example' };
  test.each([
    ['everyone', null, rep, true],
    ['nobody', [], rep, false],
    ['by address, in any case', ['rep@acme.example'], rep, true],
    ['by id', ['7'], { id: '7', email: null }, true],
    ['not by another’s', ['77', 'rep@acme.example.org'], rep, false],
    ['not whom the CRM did not name', null, null, false],
  ] as const)('%s', (_, actors, user, isAllowed) => {
    expect(mayAct(actors, user)).toBe(isAllowed);
  });

  test('is kept in one spelling, each once', () => {
    expect(normaliseActors([' B@x.example', 'a@x.example', 'b@X.example ', ' '])).toEqual([
      'a@x.example',
      'b@x.example',
    ]);
    expect(normaliseActors(null)).toBeNull();
  });
});
