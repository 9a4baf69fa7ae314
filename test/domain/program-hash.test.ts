import { describe, expect, test } from 'vitest';
import { canonical, programHash } from '../../src/domain/program-hash.ts';
import type { RiskPolicy } from '../../src/domain/risk.ts';
import { FRIEND_RULE, MEMBER_RULE } from './world.ts';

describe('one text for one value', () => {
  test.each<[string, unknown, string]>([
    [
      'fields in order, at every depth',
      { b: { d: 1, c: 2 }, a: [{ z: 1, y: 2 }] },
      '{"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}',
    ],
    ['lists as they stand', [3, 1, 2], '[3,1,2]'],
    ['an amount is no number', { minor: 10n, count: 10 }, '{"count":10,"minor":"10n"}'],
    ['a field that is undefined is none', { a: undefined, b: null }, '{"b":null}'],
    ['words and yes or no', { a: 'x', b: true }, '{"a":"x","b":true}'],
    ['nothing', null, 'null'],
  ])('%s', (_, value, text) => {
    expect(canonical(value)).toBe(text);
  });
});

describe('the hash of a program', () => {
  const PROGRAM = { programId: 'spring', rules: [MEMBER_RULE, FRIEND_RULE] };
  const RISK: RiskPolicy = { signals: [], reviewAt: 10 };
  const TIERS = { by: { kind: 'won_referrals' }, down: { kind: 'never' }, levels: [] } as const;
  const before = programHash(PROGRAM);

  test('is the same in whatever order its fields were written', () => {
    const { key, ...rest } = MEMBER_RULE;
    expect(programHash({ rules: [{ ...rest, key }, FRIEND_RULE], programId: 'spring' })).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another for another program, other rules, another order of them, and each policy', () => {
    const others = [
      programHash({ ...PROGRAM, programId: 'autumn' }),
      programHash({ ...PROGRAM, rules: [MEMBER_RULE] }),
      programHash({ ...PROGRAM, rules: [FRIEND_RULE, MEMBER_RULE] }),
      programHash({ ...PROGRAM, rules: [{ ...MEMBER_RULE, holdDays: 1 }, FRIEND_RULE] }),
      programHash({ ...PROGRAM, openReferrals: 'old_rules' as never }),
      programHash({ ...PROGRAM, risk: RISK }),
      programHash({ ...PROGRAM, tiers: TIERS }),
    ];
    expect(new Set([before, ...others]).size).toBe(others.length + 1);
  });
});
