import { describe, expect, test } from 'vitest';
import { imbalance, type JournalKind, journalFor, journalId, type RewardAccounts } from '../../src/domain/ledger.ts';
import { periodOf } from '../../src/domain/limit.ts';
import type { LimitWindow } from '../../src/domain/program.ts';
import {
  addTo,
  budgetTally,
  companyOwner,
  givenBack,
  owedTally,
  programOwner,
  rateTally,
  revenueTally,
  type Tally,
  tallyKey,
  tallyMap,
  undoingTally,
  wonTally,
} from '../../src/domain/tally.ts';
import { addDays, dayOf, daysBetween, isoOf, nextDayOfMonth } from '../../src/domain/time.ts';

const at = (text: string) => Date.parse(text);

describe('time', () => {
  test.each([
    ['2026-03-01T00:00:00Z', '2026-03-01T23:59:59.999Z', 0],
    ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z', 1],
    ['2026-03-01T12:00:00Z', '2026-03-31T11:59:59Z', 29],
    ['2026-03-02T00:00:00Z', '2026-03-01T00:00:00Z', 0],
  ])('from %s to %s are %i whole days', (from, to, days) => {
    expect(daysBetween(at(from), at(to))).toBe(days);
  });

  test.each([
    ['2026-01-10T00:00:00Z', 15, '2026-01-15'],
    ['2026-01-15T00:00:00.000Z', 15, '2026-01-15'],
    ['2026-01-15T00:00:00.001Z', 15, '2026-02-15'],
    ['2026-12-28T09:00:00Z', 28, '2027-01-28'],
    ['2028-02-01T09:00:00Z', 28, '2028-02-28'],
  ])('after %s the next day %i is %s', (from, day, next) => {
    expect(isoOf(nextDayOfMonth(at(from), day))).toBe(`${next}T00:00:00.000Z`);
  });

  test('a day has 24 hours, and its name is that of UTC', () => {
    expect(addDays(at('2026-03-28T12:00:00Z'), 2)).toBe(at('2026-03-30T12:00:00Z'));
    expect([dayOf(at('2026-03-28T23:59:59.999Z')), dayOf(at('2026-03-29T00:00:00Z'))]).toEqual([
      '2026-03-28',
      '2026-03-29',
    ]);
    expect(dayOf(at('1969-12-31T23:59:59Z'))).toBe('1969-12-31');
    // More days than are remembered, and the first of them once more.
    for (let day = 0; day < 1_100; day += 1) expect(dayOf(day * 86_400_000)).toBe(isoOf(day * 86_400_000).slice(0, 10));
    expect(dayOf(0)).toBe('1970-01-01');
  });
});

describe('the window of a limit', () => {
  test.each<[LimitWindow, string, string]>([
    ['life', '2026-03-04T10:00:00Z', ''],
    ['day', '2026-03-04T23:59:59.999Z', '2026-03-04'],
    ['week', '2026-03-02T00:00:00Z', '2026-03-02'],
    ['week', '2026-03-04T10:00:00Z', '2026-03-02'],
    ['week', '2026-03-08T23:59:59Z', '2026-03-02'],
    ['week', '2026-03-01T10:00:00Z', '2026-02-23'],
    ['week', '2027-01-01T10:00:00Z', '2026-12-28'],
    ['month', '2026-03-31T23:59:59.999Z', '2026-03'],
    ['quarter', '2026-01-01T00:00:00Z', '2026-Q1'],
    ['quarter', '2026-03-31T23:59:59Z', '2026-Q1'],
    ['quarter', '2026-04-01T00:00:00Z', '2026-Q2'],
    ['quarter', '2026-09-30T23:59:59Z', '2026-Q3'],
    ['quarter', '2026-12-31T23:59:59.999Z', '2026-Q4'],
    ['year', '2026-12-31T23:59:59.999Z', '2026'],
  ])('of a %s at %s is "%s"', (window, moment, name) => {
    expect(periodOf(at(moment), window)).toBe(name);
  });
});

describe('tallies', () => {
  test('have names that nothing else has', () => {
    expect(wonTally('mem_1')).toEqual({ owner: 'mem_1', key: 'won', currency: '' });
    expect(owedTally('mem_1', 'EUR')).toEqual({ owner: 'mem_1', key: 'owed', currency: 'EUR' });
    expect(wonTally('mem_1', 20_500)).toEqual({ owner: 'mem_1', key: 'won on 20500', currency: '' });
    expect(revenueTally('mem_1', 'EUR')).toEqual({ owner: 'mem_1', key: 'revenue', currency: 'EUR' });
    expect(revenueTally('mem_1', 'EUR', 0)).toEqual({ owner: 'mem_1', key: 'revenue on 0', currency: 'EUR' });
    expect(undoingTally('mem_1', 'EUR')).toEqual({ owner: 'mem_1', key: 'undoing', currency: 'EUR' });
    expect(rateTally('USD')).toEqual({ owner: 'rates', key: 'rate', currency: 'USD' });
    expect(companyOwner({ connectionId: 'con_a', id: '7' })).toBe('company con_a 7');
    expect(programOwner('spring')).toBe('program spring');
    expect(budgetTally('spring', 'EUR')).toEqual({ owner: 'program spring', key: 'budget', currency: 'EUR' });
    const keys = [
      wonTally('a'),
      wonTally('a', 0),
      revenueTally('a', 'EUR'),
      revenueTally('a', 'EUR', 0),
      undoingTally('a', 'EUR'),
      owedTally('a', 'EUR'),
      owedTally('a', 'USD'),
      owedTally('b', 'EUR'),
      budgetTally('a', 'EUR'),
    ];
    expect(new Set(keys.map(tallyKey)).size).toBe(keys.length);
  });

  test('are added to, and what was added is given back', () => {
    const use: Tally = { owner: 'mem_1', key: 'limit', currency: 'EUR', count: 2, minor: 300n };
    const tallies = tallyMap([use]);
    expect(tallies.get(tallyKey(use))).toEqual(use);
    addTo(tallies, [{ ...use, count: 1, minor: 50n, basis: null }]);
    expect(tallies.get(tallyKey(use))).toEqual({ ...use, count: 3, minor: 350n });
    expect(givenBack([use])).toEqual([{ ...use, count: -2, minor: -300n, basis: null }]);
    addTo(tallies, [{ ...use, owner: 'mem_2', basis: null }]);
    expect(tallies.get(tallyKey({ ...use, owner: 'mem_2' }))).toEqual({ ...use, owner: 'mem_2' });
  });
});

describe('each movement of money', () => {
  const cash: RewardAccounts = {
    id: 'rwd_1',
    programId: 'spring',
    party: 'member',
    beneficiaryId: 'mem_1',
    payout: 'paypal',
    money: { minor: 100n, currency: 'EUR' },
  };
  const credit = { ...cash, party: 'friend', beneficiaryId: 'ref_1', payout: 'credit' } as const;
  const ACCOUNTS: ReadonlyArray<
    readonly [JournalKind, object, debit: string, credit: string, debitOfCredit: string, creditOfCredit: string]
  > = [
    ['accrue', {}, 'expense:spring', 'payable:member:mem_1', 'expense:spring', 'payable:friend:ref_1'],
    ['accrue', { whileHeld: true }, 'expense:spring', 'held:member:mem_1', 'expense:spring', 'held:friend:ref_1'],
    ['release', {}, 'held:member:mem_1', 'payable:member:mem_1', 'held:friend:ref_1', 'payable:friend:ref_1'],
    ['issue', {}, 'payable:member:mem_1', 'provider:paypal', 'payable:friend:ref_1', 'credit:friend:ref_1'],
    ['void', {}, 'payable:member:mem_1', 'expense:spring', 'payable:friend:ref_1', 'expense:spring'],
    ['void', { whileHeld: true }, 'held:member:mem_1', 'expense:spring', 'held:friend:ref_1', 'expense:spring'],
    ['claw_back', {}, 'receivable:member:mem_1', 'expense:spring', 'credit:friend:ref_1', 'expense:spring'],
    ['claw_back_part', {}, 'receivable:member:mem_1', 'expense:spring', 'credit:friend:ref_1', 'expense:spring'],
    ['restore', {}, 'expense:spring', 'receivable:member:mem_1', 'expense:spring', 'credit:friend:ref_1'],
    ['net', {}, 'payable:member:mem_1', 'receivable:member:mem_1', 'payable:friend:ref_1', 'receivable:friend:ref_1'],
    ['unnet', {}, 'receivable:member:mem_1', 'expense:spring', 'receivable:friend:ref_1', 'expense:spring'],
    ['return', {}, 'provider:paypal', 'payable:member:mem_1', 'credit:friend:ref_1', 'payable:friend:ref_1'],
    [
      'return',
      { afterClawBack: true },
      'provider:paypal',
      'receivable:member:mem_1',
      'credit:friend:ref_1',
      'credit:friend:ref_1',
    ],
  ];

  test.each(ACCOUNTS)('"%s" %j goes from %s to %s', (kind, how, debit, creditor, debitOfCredit, creditOfCredit) => {
    const cause = { kind, ...how, decisionId: 'dec_1', effectiveAt: 1, recordedAt: 2 };
    expect(journalFor({ ...cause, reward: cash })).toEqual({
      id: journalId('rwd_1', kind, 'dec_1'),
      kind,
      rewardId: 'rwd_1',
      decisionId: 'dec_1',
      effectiveAt: 1,
      recordedAt: 2,
      postings: [
        { account: debit, minor: 100n, currency: 'EUR' },
        { account: creditor, minor: -100n, currency: 'EUR' },
      ],
    });
    const part = journalFor({ ...cause, reward: credit, minor: 40n });
    expect(part.postings).toEqual([
      { account: debitOfCredit, minor: 40n, currency: 'EUR' },
      { account: creditOfCredit, minor: -40n, currency: 'EUR' },
    ]);
    expect(imbalance(part.postings)).toEqual(new Map());
  });

  test('is booked once for a reward, and those that may come again once for a decision', () => {
    for (const [kind] of ACCOUNTS) {
      const isAgain = kind === 'claw_back_part' || kind === 'restore';
      expect([kind, journalId('rwd_1', kind, 'dec_1') === journalId('rwd_1', kind, 'dec_2')]).toEqual([kind, !isAgain]);
      expect(journalId('rwd_1', kind, null)).not.toBe(journalId('rwd_2', kind, null));
    }
    expect(new Set(ACCOUNTS.map(([kind]) => journalId('rwd_1', kind, null))).size).toBe(
      new Set(ACCOUNTS.map(([kind]) => kind)).size,
    );
  });

  test('that does not balance is told by its currency', () => {
    const postings = [
      { account: 'a', minor: 5n, currency: 'EUR' },
      { account: 'b', minor: -4n, currency: 'EUR' },
      { account: 'a', minor: 5n, currency: 'USD' },
      { account: 'b', minor: -5n, currency: 'USD' },
    ];
    expect(imbalance(postings)).toEqual(new Map([['EUR', 1n]]));
  });
});
