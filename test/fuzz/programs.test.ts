import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { contentDocument, parseProgram } from '../../src/application/program-document.ts';
import { decimalOf } from '../../src/domain/money.ts';
import { programHash } from '../../src/domain/program-hash.ts';
import { contactOf, createWorld, dealOf, MINUTE, pointOf, T0 } from '../domain/world.ts';
import { near } from './near.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';

const TIMEOUT = { timeout: FUZZ_TIMEOUT_MS };

const money = (amount: string) => ({ amount, currency: 'EUR' });
const share = { kind: 'percent', basisPoints: 500 };

/** Every form that a rule can take, so that each of them is there to be broken. */
const EVERY_FORM = {
  programId: 'all-forms',
  name: 'Everything at once',
  rules: [
    {
      key: 'opened',
      party: 'member',
      trigger: 'opportunity',
      deals: { kind: 'up_to', count: 3, withinDays: 90 },
      amount: {
        kind: 'by_amount',
        steps: [
          { from: money('100.00'), amount: share },
          { from: money('900.00'), amount: share },
        ],
      },
      rounding: { mode: 'half_up', toMinor: 100 },
      minimum: money('5.00'),
      maximum: money('50.00'),
      conditions: [
        {
          all: [
            { fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] },
            { fact: 'referral.days', op: 'at_most', days: 90 },
          ],
        },
        {
          not: {
            any: [
              { fact: 'deal.currency', op: 'in', currencies: ['JPY'] },
              { fact: 'friend.email_domain', op: 'in', domains: ['rival.example'] },
            ],
          },
        },
      ],
      holdDays: 3,
      payOnDay: 15,
      limits: [
        { per: 'member', across: 'rule', window: 'month', count: 4 },
        { per: 'program', across: 'program', window: 'year', money: money('9000.00') },
      ],
      usesBudget: true,
      amountChanges: 'follow',
      payout: 'webhook',
    },
    {
      key: 'won',
      party: 'member',
      deals: { kind: 'every' },
      amount: {
        kind: 'by_count',
        steps: [
          { from: 1, amount: { kind: 'fixed', money: money('10.00') } },
          { from: 3, amount: share },
        ],
      },
      conditions: [
        { fact: 'deal.amount', op: 'at_least', money: money('50.00'), because: 'small deals are thanked by a card.' },
      ],
      review: { when: 'over', money: money('20.00') },
      bestOf: 'bonus',
      payout: 'credit',
    },
    {
      key: 'flat',
      party: 'member',
      amount: { kind: 'fixed', money: money('20.00') },
      conditions: [{ fact: 'event.day', op: 'until', day: '2030-12-31' }],
      review: { when: 'always' },
      bestOf: 'bonus',
      payout: 'webhook',
    },
  ],
};

const shipped = readdirSync('programs')
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => [name, readFileSync(`programs/${name}`, 'utf8')] as const);

/** Refused with the place, or a program that can be written down, read again as the same, and decided by. */
function judge(document: unknown): boolean {
  const result = parseProgram(document);
  if (!result.ok) {
    expect(result.problems.length).toBeGreaterThan(0);
    for (const problem of result.problems) expect(problem).toMatch(/^[^:]+: ./s);
    return false;
  }
  const { program } = result;
  const written = contentDocument(program, (one) => ({ amount: decimalOf(one), currency: one.currency }));
  const again = parseProgram(JSON.parse(JSON.stringify(written)));
  expect(again.ok && programHash(again.program)).toBe(programHash(program));
  const world = createWorld(program.rules);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  for (const [index, amount] of ['1000.00', '20.00', null, '99999.99'].entries()) {
    const point = pointOf(T0 + MINUTE * (index + 1), { stageId: '4711', amount });
    world.putDeal(dealOf('100', ['2'], [...(world.deals.get('100')?.history ?? []), point]));
    world.process(point.at + 1);
  }
  const balance = Object.values(world.balances()).reduce((sum, minor) => sum + BigInt(minor), 0n);
  expect(balance).toBe(0n);
  return true;
}

describe('a program', () => {
  test('of every form, and each that is shipped, is read as it is', () => {
    expect(judge(EVERY_FORM)).toBe(true);
    for (const [name, text] of shipped) expect([name, judge(parseYaml(text))]).toEqual([name, true]);
  });

  test.each([
    ['of every form', EVERY_FORM] as const,
    ...shipped.map(([name, text]) => [name, parseYaml(text)] as const),
  ])('that is nearly %s is refused with the place, or is one that rewards can be decided by', TIMEOUT, (_, example) => {
    fc.assert(
      fc.property(near(example), (text) => void judge(JSON.parse(text))),
      { numRuns: runs(400) },
    );
  });

  test('whose YAML was cut, doubled or stirred is no YAML, is refused, or can be decided by', TIMEOUT, () => {
    const pieces = fc.constantFrom(
      '\t',
      ': ',
      '- ',
      '&a ',
      '*a',
      '<<: *a\n',
      '!!js/function ',
      '!!binary ',
      '{',
      ']',
      '|\n',
      '"',
      '%',
      '\u0000',
      '---\n',
      '? ',
      '__proto__: ',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...shipped),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 40 }), pieces), { maxLength: 3 }),
        ([, text], edits) => {
          const broken = edits.reduce((all, [at, length, piece]) => {
            const place = at % all.length;
            return all.slice(0, place) + piece + all.slice(place + length);
          }, text);
          let document: unknown;
          try {
            document = parseYaml(broken, { logLevel: 'error' });
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            return;
          }
          judge(document);
        },
      ),
      { numRuns: runs(400) },
    );
    expect(({} as Record<string, unknown>).rules).toBeUndefined();
  });
});
