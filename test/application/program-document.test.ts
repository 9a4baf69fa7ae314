import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProgram } from '../../src/application/program-document.ts';

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
