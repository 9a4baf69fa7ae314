import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  boundsOf,
  byKey,
  type ChartEntry,
  chartEntryOf,
  createMovements,
  isMonth,
  kindOf,
  linesHash,
  linesOf,
  type Movement,
  monthOf,
  PERIOD_WARNINGS,
  type PeriodLine,
  type PeriodTotal,
  REMEDIES,
  totalsOf,
} from '../../src/domain/period.ts';

const moved = (account: string, debits: bigint, credits: bigint, currency = 'EUR'): Movement => ({
  ...{ account, currency, debits, credits },
});

describe('a month', () => {
  test.each([
    ['2026-01', true],
    ['2026-09', true],
    ['2026-10', true],
    ['2026-12', true],
    ['2026-00', false],
    ['2026-13', false],
    ['2026-20', false],
    ['2026-1', false],
    ['26-01', false],
    ['2026-10-01', false],
    ['12026-10', false],
    ['2026_10', false],
    ['', false],
  ])('is written as "%s": %s', (text, isOne) => {
    expect(isMonth(text)).toBe(isOne);
  });

  test.each([
    ['2026-10', '2026-10-01', '2026-11-01'],
    ['2026-12', '2026-12-01', '2027-01-01'],
    ['2028-02', '2028-02-01', '2028-03-01'],
  ])('%s is from %s up to %s, in UTC', (month, from, to) => {
    const bounds = boundsOf(month);
    expect(bounds).toEqual({ from: Date.parse(`${from}T00:00:00Z`), to: Date.parse(`${to}T00:00:00Z`) });
    expect([bounds.from, bounds.to - 1].map(monthOf)).toEqual([month, month]);
    expect([bounds.from - 1, bounds.to].map(monthOf)).not.toContain(month);
  });

  test('that is none has no bounds, and is named', () => {
    expect(() => boundsOf('2026-13')).toThrow(new RangeError('"2026-13" is not a month'));
  });
});

describe('movements', () => {
  test('of one account in one currency are added up, whatever the pages, and told in the order of their keys', () => {
    const movements = createMovements();
    movements.add(moved('member:b', 5n, 1n));
    movements.add(moved('member:a', 7n, 0n, 'USD'));
    movements.add(moved('member:a', 1n, 2n));
    movements.add(moved('member:b', 30n, 40n));
    expect(movements.all()).toEqual([
      moved('member:a', 1n, 2n),
      moved('member:a', 7n, 0n, 'USD'),
      moved('member:b', 35n, 41n),
    ]);
  });

  test('are in the order of code units, so that a hash over them depends on no language', () => {
    const [small, large, accented] = [moved('a:z', 0n, 0n), moved('a:Z', 0n, 0n), moved('a:ä', 0n, 0n)];
    expect([accented, small, large].sort(byKey)).toEqual([large, small, accented]);
    expect(byKey(small, { ...small })).toBe(0);
    expect([byKey(small, large), byKey(large, small)]).toEqual([1, -1]);
  });
});

test('a line goes on from its opening, or from nothing: debits are added, credits taken off', () => {
  const openings = new Map([
    ['member:a\nEUR', 100n],
    ['member:a\nUSD', 9n],
  ]);
  expect(linesOf([moved('member:a', 30n, 70n), moved('member:b', 0n, 5n)], openings)).toEqual([
    { ...moved('member:a', 30n, 70n), opening: 100n, closing: 60n },
    { ...moved('member:b', 0n, 5n), opening: 0n, closing: -5n },
  ]);
});

describe('totals', () => {
  const total = (kind: string, opening: bigint, debits: bigint, credits: bigint, currency = 'EUR'): PeriodTotal => ({
    ...{ kind, currency, opening, debits, credits, closing: opening + debits - credits },
  });

  test.each<[string, readonly Movement[], readonly PeriodTotal[], readonly PeriodTotal[]]>([
    ['of nothing are none', [], [], []],
    [
      'are by kind and currency, over all accounts of the kind, in the order of their names',
      [
        moved('payable:b', 1n, 20n),
        moved('expense:x', 19n, 0n),
        moved('payable:a', 0n, 4n),
        moved('payable:a', 2n, 0n, 'CHF'),
      ],
      [],
      [total('expense', 0n, 19n, 0n), total('payable', 0n, 2n, 0n, 'CHF'), total('payable', 0n, 1n, 24n)],
    ],
    [
      'go on from the closing of the month before',
      [moved('payable:a', 5n, 0n)],
      [total('payable', 3n, 4n, 50n)],
      [total('payable', -43n, 5n, 0n)],
    ],
    [
      'carry over what did not move',
      [moved('payable:a', 5n, 0n)],
      [total('payable', 0n, 0n, 8n, 'USD'), total('expense', 0n, 8n, 0n)],
      [total('expense', 8n, 0n, 0n), total('payable', 0n, 5n, 0n), total('payable', -8n, 0n, 0n, 'USD')],
    ],
  ])('%s', (_, movements, before, totals) => {
    expect(totalsOf(movements, before)).toEqual(totals);
  });
});

describe('the hash of lines', () => {
  const line = (more: Partial<PeriodLine> = {}): PeriodLine => ({
    ...moved('member:a', 30n, 70n),
    ...{ opening: 100n, closing: 60n },
    ...more,
  });

  test('is one that anybody can make from the lines: SHA-256 over an array of texts for each, one a line', () => {
    const text = '["member:a","EUR","100","30","70","60"]\n["member:b","EUR","100","30","70","60"]\n';
    expect(linesHash([line(), line({ account: 'member:b' })])).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test('is another when anything is another', () => {
    const changed: readonly Partial<PeriodLine>[] = [
      {},
      { account: 'member:b' },
      { currency: 'USD' },
      { opening: 101n },
      { debits: 31n },
      { credits: 71n },
      { closing: 61n },
    ];
    expect(new Set(changed.map((more) => linesHash([line(more)]))).size).toBe(changed.length);
  });
});

describe('the chart of accounts', () => {
  const entry = (account: string, number: string): ChartEntry => ({ account, number, label: number });
  const CHART = [entry('payable:*', '1'), entry('payable:mem_1', '2'), entry('payable:m', '3'), entry('expense', '4')];

  test.each([
    ['exactly this account, before its kind', 'payable:mem_1', '2'],
    ['its kind, where it has none of its own', 'payable:mem_2', '1'],
    ['none, where nobody has named its kind', 'receivable:mem_1', null],
    ['none by a word that has no rest', 'expense:spring', null],
  ])('has for an account the entry of %s', (_, account, number) => {
    expect(chartEntryOf(CHART, account)?.number ?? null).toBe(number);
    expect(chartEntryOf([...CHART].reverse(), account)?.number ?? null).toBe(number);
  });

  test('goes by the first word of an account', () => {
    expect(kindOf('payable:con_1:7')).toBe('payable');
    expect(chartEntryOf([], 'payable:mem_1')).toBeNull();
  });
});

test('whoever is warned before a month is closed is told what to do', () => {
  expect(Object.keys(REMEDIES)).toEqual([...PERIOD_WARNINGS]);
  for (const remedy of Object.values(REMEDIES)) expect(remedy).toMatch(/^[A-Z].{30,}\.$/);
});
