import { expect, test } from 'vitest';
import type { ProgramContent } from '../../src/domain/program.ts';
import { isTestAccount, isWonInTest, TEST_PROVIDER, testAccountId, testContent } from '../../src/domain/test-run.ts';
import { CLOCK_SKEW_ALLOWED_MS } from '../../src/domain/time.ts';

const CONTENT: ProgramContent = {
  programId: 'default',
  name: 'Friends',
  openReferrals: 'keep',
  risk: { signals: [], reviewAt: 10, blockAt: null } as unknown as NonNullable<ProgramContent['risk']>,
  rules: [
    {
      key: 'a',
      name: 'A',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 1_000 },
      conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 1n, currency: 'EUR' } }],
      holdDays: 30,
      holdUntil: { met: { fact: 'event.day', op: 'from', day: '2026-01-01' }, askAfterDays: 9 },
      payOnDay: 5,
      review: { when: 'always' },
      usesBudget: true,
      limits: [{ per: 'member', across: 'rule', window: 'life', count: 5, money: null }],
      payout: 'tremendous',
    },
  ],
};

test('an account of a test is told by its id alone, and is no customer', () => {
  expect(isTestAccount(testAccountId('tst_1'))).toBe(true);
  for (const id of ['acc_1', 'acc_test_1', '', 'tst_1']) expect(isTestAccount(id)).toBe(false);
});

test('a test has the rules as they are but for who pays and the budget, which is the real one', () => {
  const [own] = CONTENT.rules;
  const { usesBudget: _, ...rest } = own ?? ({} as never);
  const tried = testContent(CONTENT, { skipsWaits: false });
  expect(tried).toEqual({ ...CONTENT, name: 'Test: Friends', rules: [{ ...rest, payout: TEST_PROVIDER }] });
});

test('without waiting, what is granted is paid at once: nothing holds it, nobody is asked and no risk is weighed', () => {
  const { risk, rules } = testContent(CONTENT, { skipsWaits: true });
  expect(risk).toBeUndefined();
  const { amount, conditions, limits } = CONTENT.rules[0] ?? ({} as never);
  expect(rules).toEqual([
    { key: 'a', name: 'A', party: 'member', amount, conditions, limits, holdDays: 0, payout: TEST_PROVIDER },
  ]);
});

test('a deal is won in a test from its start, by a clock that may be behind, to its end', () => {
  const span = { startedAt: 1_000_000, endedAt: 2_000_000 };
  const won = (at: number, endedAt: number | null = 2_000_000) => isWonInTest(at, { ...span, endedAt });
  expect([won(1_000_000 - CLOCK_SKEW_ALLOWED_MS - 1), won(1_000_000 - CLOCK_SKEW_ALLOWED_MS)]).toEqual([false, true]);
  expect([won(2_000_000), won(2_000_001), won(2_000_001, null)]).toEqual([true, false, true]);
});
