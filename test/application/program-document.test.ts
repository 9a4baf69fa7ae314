import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProgram, ruleDocument } from '../../src/application/program-document.ts';
import { decimalOf, type Money } from '../../src/domain/money.ts';

const RULE = {
  key: 'member-won',
  party: 'member',
  amount: { kind: 'fixed', money: { amount: '100.00', currency: 'EUR' } },
  payout: 'credit',
};
const PROGRAM = { programId: 'default', name: 'Friends', rules: [RULE] };

function problems(rule: object): readonly string[] {
  const result = parseProgram({ ...PROGRAM, rules: [{ ...RULE, ...rule }] });
  return result.ok ? [] : result.problems;
}

describe('a program document', () => {
  test('becomes rules with exact amounts and defaults', () => {
    expect(parseProgram(PROGRAM)).toEqual({
      ok: true,
      program: {
        programId: 'default',
        name: 'Friends',
        rules: [
          {
            ...RULE,
            name: 'Member won',
            amount: { kind: 'fixed', money: { minor: 10_000n, currency: 'EUR' } },
            conditions: [],
            holdDays: 0,
            amountChanges: 'follow',
            refunds: 'follow',
          },
        ],
      },
    });
  });

  test.each([
    [
      { amount: { kind: 'fixed', money: { amount: '1e3', currency: 'EUR' } } },
      'rules[0].amount.money: "1e3" must be a decimal above zero with no more decimals than EUR has',
    ],
    [
      { amount: { kind: 'fixed', money: { amount: '0', currency: 'EUR' } } },
      'rules[0].amount.money: "0" must be a decimal above zero with no more decimals than EUR has',
    ],
    [
      { amount: { kind: 'fixed', money: { amount: '5', currency: 'EURO' } } },
      'rules[0].amount.money.currency: must be an ISO 4217 code such as EUR',
    ],
    [
      { amount: { kind: 'percent', basisPoints: 0.5 } },
      'rules[0].amount.basisPoints: must be a whole number of hundredths of a percent',
    ],
    [{ key: 'Member Won' }, 'rules[0].key: must be lower case letters, digits and dashes, such as member-won'],
  ])('with %j says which field is wrong and what it should be', (rule, problem) => {
    expect(problems(rule)).toContain(problem);
  });

  const eur = (amount: string) => ({ amount, currency: 'EUR' });
  const usd = (amount: string) => ({ amount, currency: 'USD' });
  const limit = (more: object) => ({ per: 'member', window: 'life', count: 5, ...more });
  const percent = (basisPoints: number) => ({ kind: 'percent', basisPoints });
  const fact = (op: string, amount: string) => ({ fact: 'deal.amount', op, money: eur(amount) });

  test.each([
    [
      'a share of more than the deal',
      { amount: percent(15_000) },
      'rules[0].amount: pays more than 100 % of the deal; set "allowOverWhole": true if that is meant',
    ],
    [
      'a day that not every month has',
      { payOnDay: 31 },
      'rules[0].payOnDay: must be 1 to 28: the 29th, 30th and 31st do not come every month',
    ],
    [
      'a name that a spreadsheet would carry out',
      { name: '=HYPERLINK("x")' },
      'rules[0].name: must not begin with = + - @ or a tab: a spreadsheet would take it for a formula',
    ],
    [
      'a cap in another currency',
      { maximum: usd('50') },
      'rules[0].maximum.currency: must be EUR, in which the rule pays',
    ],
    [
      'a limit in another currency',
      { limits: [limit({ count: null, money: usd('50') })] },
      'rules[0].limits[0].money.currency: must be EUR, in which the rule pays',
    ],
    [
      'a limit in a currency that its deals cannot have',
      { amount: percent(500), conditions: [fact('at_least', '1')], limits: [limit({ count: null, money: usd('50') })] },
      'rules[0].limits[0].money.currency: must be EUR, in which the rule pays',
    ],
    [
      'a minimum above the maximum',
      { minimum: eur('50'), maximum: eur('20') },
      'rules[0].maximum: must be at least the minimum, 50.00 EUR, in its currency',
    ],
    [
      'a limit of nothing',
      { limits: [limit({ count: null })] },
      'rules[0].limits[0]: needs exactly one of count and money',
    ],
    [
      'a limit of two things',
      { limits: [limit({ money: eur('5') })] },
      'rules[0].limits[0]: needs exactly one of count and money',
    ],
    [
      'a limit that another one keeps from ever being reached',
      { limits: [limit({ window: 'month', count: 9 }), limit({ window: 'year' })] },
      'rules[0].limits[0]: can never be reached: the limit per year lets through less',
    ],
    [
      'steps that fall',
      {
        amount: {
          kind: 'by_amount',
          steps: [
            { from: eur('10'), amount: percent(1) },
            { from: eur('9'), amount: percent(2) },
          ],
        },
      },
      'rules[0].amount.steps[1].from: must be more than the step before, 10.00 EUR',
    ],
    [
      'steps in two currencies',
      {
        amount: {
          kind: 'by_amount',
          steps: [
            { from: eur('10'), amount: percent(1) },
            { from: usd('90'), amount: percent(2) },
          ],
        },
      },
      'rules[0].amount.steps[1].from: must be in EUR like the first step',
    ],
    [
      'an amount that no deal has',
      { conditions: [fact('at_least', '100'), fact('at_most', '99.99')] },
      'rules[0].conditions[1]: can never be met together with the others: no amount is at least 100.00 EUR and at most 99.99 EUR',
    ],
    [
      'a currency that its amount is not asked in',
      { conditions: [fact('at_least', '100'), { fact: 'deal.currency', op: 'in', currencies: ['USD'] }] },
      'rules[0].conditions[1]: can never be met together with the others: the amount is asked for in EUR',
    ],
    [
      'lists that leave nothing',
      {
        conditions: [
          { fact: 'deal.pipeline', op: 'in', pipelineIds: ['a'] },
          { fact: 'deal.pipeline', op: 'not_in', pipelineIds: ['a', 'b'] },
        ],
      },
      'rules[0].conditions[1]: can never be met together with the others: no value is left',
    ],
    [
      'days that leave none',
      {
        conditions: [
          { fact: 'event.day', op: 'from', day: '2026-02-01' },
          { fact: 'event.day', op: 'until', day: '2026-01-31' },
        ],
      },
      'rules[0].conditions[1]: can never be met together with the others: no day is from 2026-02-01 and until 2026-01-31',
    ],
    [
      'a day that there is not',
      { conditions: [{ fact: 'event.day', op: 'from', day: '2026-02-30' }] },
      'rules[0].conditions[0].day: must be a day that there is, such as 2026-03-31',
    ],
    [
      'an amount without quotes',
      { amount: { kind: 'fixed', money: { amount: 12.5, currency: 'EUR' } } },
      'rules[0].amount.money.amount: must be a decimal in quotes, such as "100.00"',
    ],
    [
      'a group of one',
      { bestOf: 'bonus' },
      'rules[0].bestOf: no other rule is in this group; leave it out or put a second rule into it',
    ],
    [
      'a rounding of what is fixed',
      { rounding: { mode: 'up', toMinor: 100 } },
      'rules[0].rounding: has nothing to round: every amount of the rule is fixed; leave it out',
    ],
    [
      'a limit behind the last referral that it pays for',
      { conditions: [{ fact: 'member.won_referrals', op: 'at_most', count: 3 }], limits: [limit({})] },
      'rules[0].limits[0].count: can never be reached: a condition ends with won referral 3',
    ],
    [
      'a fixed amount in another currency than it pays in',
      { payIn: 'USD', amount: { kind: 'fixed', money: eur('5') } },
      'rules[0].amount.money.currency: must be USD, in which the rule pays',
    ],
    [
      'a currency to pay in and nothing to convert',
      { payIn: 'EUR', amount: { kind: 'fixed', money: eur('5') } },
      'rules[0].payIn: has nothing to convert: the rule never looks at the amount; leave it out',
    ],
    [
      'a condition on the amount in another currency than it pays in',
      { payIn: 'USD', amount: percent(5), conditions: [fact('at_least', '100')] },
      'rules[0].conditions[0]: must ask for the amount in USD, in which the rule pays',
    ],
    [
      'a property by its label',
      { conditions: [{ fact: 'deal.property', property: 'Invoice status', op: 'known' }] },
      "rules[0].conditions[0].property: must be the CRM's own name of a property, such as invoice_status",
    ],
    [
      'a number of a property without quotes',
      { conditions: [{ fact: 'deal.property', property: 'seats', op: 'at_least', number: 10 }] },
      'rules[0].conditions[0].number: must be a decimal in quotes, such as "100.00"',
    ],
    [
      'seats that no deal has',
      {
        conditions: [
          { fact: 'deal.property', property: 'seats', op: 'at_least', number: '10' },
          { fact: 'deal.property', property: 'seats', op: 'at_most', number: '9.5' },
        ],
      },
      'rules[0].conditions[1]: can never be met together with the others: no number is at least 10 and at most 9.5',
    ],
    [
      'a hold that waits for something about a person',
      { holdUntil: { met: { fact: 'friend.property', property: 'plan', op: 'known' }, askAfterDays: 30 } },
      'rules[0].holdUntil.met: can only ask about the deal, not about friend.property',
    ],
    [
      'more properties than can be read with every deal',
      {
        conditions: Array.from({ length: 21 }, (_, index) => ({
          fact: 'deal.property',
          property: `p${index}`,
          op: 'known',
        })),
      },
      'rules: ask about 21 properties of the CRM; at most 20 can be read',
    ],
  ])('with %s is refused, with the place and the reason', (_, rule, problem) => {
    expect(problems(rule)).toContain(problem);
  });

  test('with everything that a rule can have is read as it is written, and written as it was read', () => {
    const full = {
      ...RULE,
      name: 'Ambassador',
      trigger: 'opportunity',
      deals: { kind: 'up_to', count: 3, withinDays: 365 },
      amount: {
        kind: 'by_count',
        steps: [
          { from: 1, amount: percent(500) },
          { from: 5, amount: percent(750) },
        ],
      },
      payIn: 'EUR',
      rounding: { mode: 'half_up', toMinor: 100 },
      minimum: eur('10.00'),
      maximum: eur('500.00'),
      conditions: [
        {
          any: [
            fact('at_least', '100.00'),
            {
              not: {
                all: [{ fact: 'referral.source', op: 'in', sources: ['code'], because: 'codes are for friends' }],
              },
            },
            { fact: 'company.property', property: 'Tier__c', op: 'not_in', values: ['none'] },
          ],
        },
      ],
      holdDays: 14,
      holdUntil: { met: { fact: 'deal.property', property: 'seats', op: 'at_least', number: '1.5' }, askAfterDays: 90 },
      payOnDay: 15,
      limits: [
        { per: 'member', across: 'rule', window: 'month', count: 5, money: null },
        { per: 'company', across: 'program', window: 'life', count: null, money: eur('900.00') },
      ],
      usesBudget: true,
      review: { when: 'over', money: eur('400.00') },
      amountChanges: 'ignore',
      refunds: 'ignore',
    };
    const result = parseProgram({ ...PROGRAM, rules: [full] });
    if (!result.ok) throw new Error(result.problems.join());
    const moneyView = (money: Money) => ({ amount: decimalOf(money), currency: money.currency });
    expect(result.program.rules.map((rule) => ruleDocument(rule, moneyView))).toEqual([full]);
  });

  test('with a field that nobody knows is refused, since a misspelt condition would pay too much', () => {
    expect(problems({ condition: [] })[0]).toContain('rules[0]');
  });

  test('with two rules of one key is refused', () => {
    const result = parseProgram({ ...PROGRAM, rules: [RULE, RULE] });
    expect(result).toEqual({ ok: false, problems: ['rules: every rule needs a key of its own'] });
  });

  test('of any shape at all gets an answer', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => typeof parseProgram(value).ok === 'boolean'));
  });
});

describe('what happens to a reward after its issue', () => {
  const problemsOf = (more: object) => {
    const rule = {
      key: 'a',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 500 },
      payout: 'coupon',
      ...more,
    };
    const result = parseProgram({ programId: 'default', name: 'P', rules: [rule] });
    return result.ok ? [] : result.problems;
  };

  test('is taken as it is written', () => {
    expect(problemsOf({ expiresAfterDays: 30, onReversal: 'cancel', refundedProperty: 'amount_refunded' })).toEqual([]);
  });

  test.each([
    [
      { payout: 'webhook', expiresAfterDays: 30 },
      'rules[0].expiresAfterDays: what webhook gave cannot be made worthless',
    ],
    [
      { payout: 'paypal', expiresAfterDays: 30 },
      'rules[0].expiresAfterDays: what paypal gave cannot be made worthless',
    ],
    [{ payout: 'manual', onReversal: 'cancel' }, 'rules[0].onReversal: what manual gave cannot be undone there'],
    [
      { payout: 'credit', onReversal: 'cancel' },
      'rules[0].onReversal: credit is always taken back from the credit itself',
    ],
    [{ amountChanges: 'ignore', refunds: 'follow' }, 'rules[0].refunds: a rule that ignores what the deal is worth'],
    [
      { refunds: 'ignore', refundedProperty: 'x' },
      'rules[0].refundedProperty: is asked by no rule that ignores refunds',
    ],
    [{ expiresAfterDays: 0 }, 'rules[0].expiresAfterDays: '],
  ])('%j is refused with the place and what to do', (more, problem) => {
    const problems = problemsOf(more);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
