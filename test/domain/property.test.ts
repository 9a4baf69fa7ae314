import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PropertyFact, RewardRule } from '../../src/domain/program.ts';
import {
  alsoOfContacts,
  checkProperty,
  compareDecimals,
  knowsProperties,
  type PropertyValues,
  wantedProperties,
} from '../../src/domain/property.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { contactOf, createWorld, DAY, dealOf, MEMBER_RULE, MINUTE, pointOf, T0, type World } from './world.ts';

const WON = { stageId: '4711' };
const NONE: PropertyValues = { deal: undefined, friend: undefined, company: undefined };
const seats = (more: object) => ({ fact: 'deal.property', property: 'seats', ...more }) as PropertyFact;
const verdictOf = (fact: PropertyFact, value: string | null | undefined) =>
  checkProperty(fact, { ...NONE, deal: value === undefined ? {} : { seats: value } }).verdict;

describe('a condition on a property of the CRM', () => {
  test.each([
    [seats({ op: 'in', values: ['10', '20'] }), { '10': 'met', '30': 'unmet', '': 'unmet' }],
    [seats({ op: 'not_in', values: ['10'] }), { '10': 'unmet', '30': 'met', '': 'met' }],
    [seats({ op: 'at_least', number: '10' }), { '10': 'met', '9.99': 'unmet', many: 'unmet', '': 'unmet' }],
    [seats({ op: 'at_most', number: '-1.5' }), { '-1.5': 'met', '-2': 'met', '-1.49': 'unmet', '': 'unmet' }],
    [seats({ op: 'known' }), { anything: 'met', '': 'unmet' }],
  ])('%j is judged by its value, and waits for one that was not read', (fact, values) => {
    for (const [value, verdict] of Object.entries(values))
      expect([value, verdictOf(fact, value === '' ? null : value)]).toEqual([value, verdict]);
    expect(verdictOf(fact, undefined)).toBe('unknown');
  });

  test('of the company is empty for a friend without one, and unknown where it could not be read', () => {
    const fact = { fact: 'company.property', property: 'tier', op: 'known' } as const;
    expect(checkProperty(fact, { ...NONE, company: null })).toMatchObject({ actual: 'empty', verdict: 'unmet' });
    expect(checkProperty(fact, { ...NONE, company: {} })).toMatchObject({ actual: 'not read', verdict: 'unknown' });
  });

  test('compares decimals to the last digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt({ min: -3n, max: 3n }), (a, by) => {
        const text = (value: bigint) => {
          const digits = (value < 0n ? -value : value).toString().padStart(21, '0');
          return `${value < 0n ? '-' : ''}${digits.slice(0, -20)}.${digits.slice(-20)}`;
        };
        expect(Math.sign(compareDecimals(text(a), text(a + by)) ?? Number.NaN)).toBe(Math.sign(Number(-by)) || 0);
      }),
    );
    expect(compareDecimals('1e3', '1')).toBeNull();
    expect(compareDecimals('', '1')).toBeNull();
  });
});

describe('what a condition on a property tells', () => {
  const friends = { fact: 'friend.property', property: 'plan', op: 'in', values: ['gold', 'silver'] } as const;
  const companys = { fact: 'company.property', property: 'tier', op: 'not_in', values: ['lead', 'cold'] } as const;

  test.each<[string, PropertyFact, Partial<PropertyValues>, ReturnType<typeof checkProperty>]>([
    [
      'of the deal',
      seats({ op: 'at_least', number: '10' }),
      { deal: { seats: '12', plan: 'x' }, friend: { seats: '1' }, company: { seats: '2' } },
      { condition: 'deal property seats', expected: 'at least 10', actual: '12', verdict: 'met' },
    ],
    [
      'at most',
      seats({ op: 'at_most', number: '10' }),
      { deal: { seats: '12' } },
      { condition: 'deal property seats', expected: 'at most 10', actual: '12', verdict: 'unmet' },
    ],
    [
      'of the friend',
      friends,
      { friend: { plan: 'silver' }, deal: { plan: 'x' }, company: { plan: 'x' } },
      { condition: "friend's property plan", expected: 'gold or silver', actual: 'silver', verdict: 'met' },
    ],
    [
      'of a friend of whom it was not read',
      friends,
      { deal: { plan: 'gold' }, company: { plan: 'gold' } },
      { condition: "friend's property plan", expected: 'gold or silver', actual: 'not read', verdict: 'unknown' },
    ],
    [
      'of the company',
      companys,
      { company: { tier: 'cold' }, deal: { tier: 'x' }, friend: { tier: 'x' } },
      { condition: "company's property tier", expected: 'not lead or cold', actual: 'cold', verdict: 'unmet' },
    ],
    [
      'of no company',
      companys,
      { company: null },
      { condition: "company's property tier", expected: 'not lead or cold', actual: 'empty', verdict: 'met' },
    ],
    [
      'of a company that was not read',
      companys,
      {},
      { condition: "company's property tier", expected: 'not lead or cold', actual: 'not read', verdict: 'unknown' },
    ],
    [
      'anything',
      seats({ op: 'known' }),
      { deal: { seats: null } },
      { condition: 'deal property seats', expected: 'anything', actual: 'empty', verdict: 'unmet' },
    ],
  ])('%s', (_, fact, values, told) => {
    expect(checkProperty(fact, { ...NONE, ...values })).toEqual(told);
  });

  test.each<[string, string, number | null]>([
    ['10', '9.5', 1],
    ['9.5', '10', -1],
    ['10.0', '010', 0],
    [' 10', '10 ', 0],
    ['10 ', ' 10', 0],
    ['-10', '9', -1],
    ['1'.repeat(30), '1', 1],
    [`0.${'0'.repeat(29)}1`, '0', 1],
    ['1'.repeat(31), '1', null],
    ['1', '1'.repeat(31), null],
    [`0.${'0'.repeat(31)}`, '1', null],
    ['1.', '1', null],
    ['.5', '1', null],
    ['1x', '1', null],
    ['x1', '1', null],
    ['1', '1e3', null],
    ['1,5', '1', null],
  ])('%j beside %j is %j', (a, b, order) => {
    expect(compareDecimals(a, b)).toBe(order);
  });
});

describe('what is read of the CRM', () => {
  test('is each name once and in order, also where refunds are kept and what a purchase is verified by', () => {
    const rule = (more: Partial<RewardRule>): RewardRule => ({ ...MEMBER_RULE, ...more });
    const known = (fact: PropertyFact['fact'], property: string) => ({ fact, property, op: 'known' }) as const;
    const risk = {
      signals: [{ signal: 'purchase_unverified', weight: 1, property: 'checked', verified: ['yes'] } as const],
      reviewAt: 1,
    };
    const versions = [
      {
        rules: [rule({ refundedProperty: 'refunded' }), rule({ conditions: [known('deal.property', 'seats')] })],
        risk,
      },
      {
        rules: [
          rule({ conditions: [known('friend.property', 'plan'), known('friend.property', 'age')] }),
          rule({ conditions: [known('friend.property', 'plan'), known('company.property', 'tier')] }),
          rule({ conditions: [known('deal.property', 'seats'), known('company.property', 'size')] }),
        ],
      },
    ];
    expect(wantedProperties(versions)).toEqual({
      deal: ['checked', 'refunded', 'seats'],
      contact: ['age', 'plan'],
      company: ['size', 'tier'],
      isCompanyWanted: true,
    });
    const limited = (...pers: ReadonlyArray<'member' | 'company'>) =>
      wantedProperties([
        {
          rules: pers.map((per) => rule({ limits: [{ per, across: 'rule', window: 'life', count: 1, money: null }] })),
        },
      ]).isCompanyWanted;
    expect([limited('member'), limited('company'), limited('member', 'company')]).toEqual([false, true, true]);
  });

  test('is one name more of contacts, where that is not read anyway', () => {
    const wanted = { deal: ['seats'], contact: ['age', 'plan'], company: [], isCompanyWanted: true };
    expect(alsoOfContacts(wanted, 'code')).toEqual({ ...wanted, contact: ['age', 'code', 'plan'] });
    expect(alsoOfContacts(wanted, 'plan')).toEqual(wanted);
    expect(alsoOfContacts(wanted, null)).toEqual(wanted);
  });

  test('is known of a contact by its own properties where no company is asked for', () => {
    const wanted = { deal: [], contact: ['plan', 'age'], company: [], isCompanyWanted: false };
    const knows = (more: object) => knowsProperties(contactOf('1', more), wanted);
    expect(knows({ properties: { plan: 'x', age: null } })).toBe(true);
    expect(knows({ properties: { plan: 'x' } })).toBe(false);
    expect(knows({})).toBe(false);
    expect(knowsProperties(contactOf('1'), { ...wanted, contact: [] })).toBe(true);
    const two = { deal: [], contact: [], company: ['tier', 'size'], isCompanyWanted: true };
    const of = (properties: object) =>
      knowsProperties(contactOf('1', { company: { id: '9', properties } as never }), two);
    expect([of({ tier: 'a', size: null }), of({ tier: 'a' }), of({})]).toEqual([true, false, false]);
  });

  test('is what any version asks about, in conditions, inside others and in holds, and no more', () => {
    const rule = (more: Partial<RewardRule>): RewardRule => ({ ...MEMBER_RULE, ...more });
    const of = (...rules: RewardRule[]) => wantedProperties([{ rules }]);
    expect(of(MEMBER_RULE)).toEqual({ deal: [], contact: [], company: [], isCompanyWanted: false });
    const nested = {
      any: [{ not: seats({ op: 'known' }) }, { fact: 'friend.property', property: 'plan', op: 'known' }],
    };
    expect(
      of(
        rule({ conditions: [nested as never] }),
        rule({ holdUntil: { met: { fact: 'deal.property', property: 'invoice', op: 'known' }, askAfterDays: 9 } }),
      ),
    ).toEqual({ deal: ['invoice', 'seats'], contact: ['plan'], company: [], isCompanyWanted: false });
    const limit = { per: 'company', across: 'rule', window: 'life', count: 1, money: null } as const;
    expect(of(rule({ limits: [limit] }))).toMatchObject({ company: [], isCompanyWanted: true });
  });

  test('is read again of a contact that was remembered before a rule asked', () => {
    const wanted = { deal: [], contact: ['plan'], company: ['tier'], isCompanyWanted: true };
    const knows = (more: object) => knowsProperties(contactOf('1', more), wanted);
    expect(knows({})).toBe(false);
    expect(knows({ properties: { plan: null } })).toBe(false);
    expect(knows({ properties: { plan: null }, company: null })).toBe(true);
    expect(knows({ properties: { plan: 'x' }, company: { id: '9', properties: {} } })).toBe(false);
    expect(knows({ properties: { plan: 'x' }, company: { id: '9', properties: { tier: null } } })).toBe(true);
  });
});

/** Ada (1) referred Bob (2) and Cem (3); deals of theirs, with the invoice's state at each minute. */
function worldWith(rule: Partial<RewardRule>, friends: readonly object[] = [{}]): World {
  const world = createWorld([{ ...MEMBER_RULE, payout: 'webhook', ...rule }]);
  world.putContact(contactOf('1'));
  for (const [index, more] of friends.entries())
    world.putContact(contactOf(String(index + 2), { referredByIds: ['1'], ...more }));
  return world;
}

function history(
  world: World,
  states: ReadonlyArray<readonly [minute: number, invoice: string | null, stage?: string]>,
) {
  world.putDeal(
    dealOf(
      '100',
      ['2'],
      states.map(([minute, invoice, stageId = '4711']) =>
        pointOf(T0 + minute * MINUTE, { stageId, properties: { invoice } }),
      ),
    ),
  );
}

const rewards = (world: World) => world.state.rewards.map(({ state, review }) => `${state} ${review}`);
const reasons = (world: World) =>
  world.state.decisions.map(({ outcome, reason }) => `${outcome}: ${reasonText(reason)}`);

const PAID = { fact: 'deal.property', property: 'invoice', op: 'in', values: ['paid'] } as const;
const UNTIL_PAID = { holdUntil: { met: PAID, askAfterDays: 60 } };

describe('a hold until something happens', () => {
  test('ends when it has happened, and says what it waited for', () => {
    const world = worldWith(UNTIL_PAID);
    history(world, [[1, null]]);
    world.process(T0 + 2 * MINUTE);
    expect(rewards(world)).toEqual(['held needed']);
    history(world, [
      [1, null],
      [3, 'sent'],
      [4, 'paid'],
    ]);
    world.process(T0 + 5 * MINUTE);
    expect(rewards(world)).toEqual(['approved none']);
    expect(reasons(world)).toEqual([
      'held: The deal "100" reached Closed Won; held until deal property invoice is paid.',
      'rewarded: Held until deal property invoice was paid, which it is: paid.',
    ]);
    expect(world.state.decisions.at(-1)?.effectiveAt).toBe(T0 + 4 * MINUTE);
  });

  test('that happened before the win ends at the win', () => {
    const world = worldWith(UNTIL_PAID);
    history(world, [
      [1, 'paid', 'open'],
      [2, 'paid'],
    ]);
    world.process(T0 + 3 * MINUTE);
    expect(rewards(world)).toEqual(['approved none']);
  });

  test('counts its days from then', () => {
    const world = worldWith({ ...UNTIL_PAID, holdDays: 14 });
    history(world, [
      [1, null],
      [4, 'paid'],
    ]);
    world.process(T0 + 5 * MINUTE);
    expect(world.state.rewards).toMatchObject([{ state: 'held', releaseAt: T0 + 4 * MINUTE + 14 * DAY }]);
    world.process(T0 + 4 * MINUTE + 14 * DAY - 1);
    expect(rewards(world)).toEqual(['held none']);
    world.process(T0 + 4 * MINUTE + 14 * DAY);
    expect(rewards(world)).toEqual(['approved none']);
  });

  test('ends with a person when it has not happened in time, and never by itself', () => {
    const world = worldWith(UNTIL_PAID);
    history(world, [[1, null]]);
    world.process(T0 + 2 * MINUTE);
    world.process(T0 + MINUTE + 60 * DAY);
    expect(rewards(world)).toEqual(['in_review needed']);
    expect(reasons(world).at(-1)).toBe(
      'in_review: A person has to decide: by 2026-03-06 deal property invoice was not paid.',
    );
    expect(world.intents).toEqual([]);
  });

  test('is taken back with the deal', () => {
    const world = worldWith(UNTIL_PAID);
    history(world, [[1, null]]);
    world.process(T0 + 2 * MINUTE);
    history(world, [
      [1, null],
      [3, 'paid', 'gone'],
    ]);
    world.process(T0 + 4 * MINUTE);
    expect(rewards(world)).toEqual(['voided needed']);
  });

  test('still has a person look where the rule asks for one', () => {
    const world = worldWith({ ...UNTIL_PAID, review: { when: 'always' } });
    history(world, [[1, 'paid']]);
    world.process(T0 + 2 * MINUTE);
    expect(rewards(world)).toEqual(['in_review needed']);
  });

  test('comes to the same, however many of the changes are read one by one', () => {
    const steps: ReadonlyArray<readonly [number, string | null, string?]> = [
      [1, null, 'open'],
      [2, null],
      [3, 'sent'],
      [4, 'paid'],
      [5, 'paid', 'open'],
      [6, 'paid'],
      [7, null],
    ];
    const decided = (reads: readonly number[]) => {
      const world = worldWith({ ...UNTIL_PAID, payout: 'credit' });
      for (const read of [...reads, steps.length]) {
        history(world, steps.slice(0, read));
        world.process(T0 + 10 * MINUTE);
      }
      return reasons(world);
    };
    const all = decided([]);
    expect(all.length).toBeGreaterThan(3);
    fc.assert(
      fc.property(fc.subarray([1, 2, 3, 4, 5, 6]), (reads) => {
        expect(decided(reads)).toEqual(all);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a limit per company', () => {
  const LIMIT = { per: 'company', across: 'rule', window: 'life', count: 1, money: null } as const;

  test('counts the friends of one company together, and a friend without one alone', () => {
    const acme = { company: { id: '9', properties: {} } };
    const world = worldWith({ limits: [LIMIT] }, [acme, acme, { company: null }, { company: null }]);
    for (const [index, contact] of ['2', '3', '4', '5'].entries())
      world.putDeal(dealOf(`10${index}`, [contact], [pointOf(T0 + (index + 1) * MINUTE, WON)]));
    world.process(T0 + 9 * MINUTE);
    expect(world.state.decisions.map(({ deal, outcome }) => `${deal.id} ${outcome}`)).toEqual([
      '100 rewarded',
      '101 capped',
      '102 rewarded',
      '103 rewarded',
    ]);
  });
});
