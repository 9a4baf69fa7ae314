import { describe, expect, test } from 'vitest';
import { parseProgram } from '../../src/application/program-document.ts';
import { unknownRiskProperties } from '../../src/application/risk-document.ts';
import { riskProblem } from '../../src/application/verify-risk.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { programHash } from '../../src/domain/program-hash.ts';
import { DEFAULT_WEIGHTS, RISK_SIGNALS, type RiskAssessment, type RiskPolicy } from '../../src/domain/risk.ts';
import { TWO_SIDED } from '../support/stack.ts';

const of = (risk: unknown) => parseProgram({ ...TWO_SIDED, risk });
const problemsOf = (risk: unknown) => {
  const parsed = of(risk);
  return parsed.ok ? [] : parsed.problems;
};
const PLAIN = { signals: [{ signal: 'same_phone' }, { signal: 'same_household' }] };

describe('a risk policy', () => {
  test('needs no more than names: weights and the threshold have usual values', () => {
    expect(of(PLAIN)).toMatchObject({
      ok: true,
      program: {
        risk: {
          signals: [
            { signal: 'same_phone', weight: DEFAULT_WEIGHTS.same_phone },
            { signal: 'same_household', weight: DEFAULT_WEIGHTS.same_household },
          ],
          reviewAt: 50,
        },
      },
    });
  });

  test('may name every signal that there is', () => {
    const settings: Record<string, object> = {
      velocity_member: { most: 5, hours: 24 },
      velocity_source: { most: 5, hours: 24 },
      purchase_unverified: { property: 'purchase_checked', verified: ['yes'] },
      employee: { domains: ['acme.example'] },
    };
    const signals = RISK_SIGNALS.map((signal) => ({ signal, ...settings[signal] }));
    expect(problemsOf({ signals, blockAt: 200 })).toEqual([]);
  });

  test.each([
    [{ signals: [] }, ['risk.signals: must name at least one signal; leave "risk" out to look for nothing']],
    [
      { ...PLAIN, reviewAt: 91 },
      ['risk.reviewAt: can never be reached: all signals together weigh 90; lower it or give them more weight'],
    ],
    [
      { ...PLAIN, blockAt: 50 },
      ['risk.blockAt: must be above reviewAt, 50: else nothing doubtful would ever come before a person'],
    ],
    [{ ...PLAIN, blockAt: 91 }, ['risk.blockAt: can never be reached: all signals together weigh 90; leave it out']],
    [
      { signals: [...PLAIN.signals, { signal: 'same_phone' }] },
      ['risk.signals[2].signal: "same_phone" is named twice; keep one of them'],
    ],
  ])('that can never work is refused with the place and the remedy', (risk, problems) => {
    expect(problemsOf(risk)).toEqual(problems);
  });

  test.each([
    [{ signals: [{ signal: 'same_shoes' }] }, 'risk.signals[0].signal'],
    [{ signals: [{ signal: 'velocity_member' }] }, 'risk.signals[0].most'],
    [{ signals: [{ signal: 'employee', domains: ['ACME'] }] }, 'risk.signals[0].domains[0]'],
    [{ signals: [{ signal: 'same_phone', most: 3 }] }, 'risk.signals[0]'],
    [{ signals: [{ signal: 'purchase_unverified', property: 'Is it?', verified: ['y'] }] }, 'risk.signals[0].property'],
  ])('that is not well-formed is refused with the place', (risk, place) => {
    const [first = ''] = problemsOf(risk);
    expect(first.startsWith(`${place}:`), first).toBe(true);
  });

  test('that asks about a property which the CRM does not have is told so', () => {
    const policy = {
      signals: [{ signal: 'purchase_unverified', weight: 1, property: 'checked', verified: ['y'] }],
      reviewAt: 1,
    };
    expect(unknownRiskProperties(policy as RiskPolicy, new Set(['checked']))).toEqual([]);
    expect(unknownRiskProperties(policy as RiskPolicy, new Set(['amount']))).toMatchObject([
      { path: ['risk', 'signals', 0, 'property'], problem: expect.stringContaining('"checked"') },
    ]);
    expect(unknownRiskProperties(undefined, new Set())).toEqual([]);
  });

  test('is part of what a program is: another one makes another version, and none leaves the hash as it was', () => {
    const rules = TWO_SIDED.rules as never;
    const policy = { signals: [{ signal: 'same_phone', weight: 50 }], reviewAt: 50 } as const;
    const [without, empty, some] = [{}, { risk: undefined }, { risk: policy }].map((more) =>
      programHash({ programId: 'default', rules, ...more }),
    );
    expect(empty).toBe(without);
    expect(some).not.toBe(without);
  });
});

describe('the risk that a decision tells of', () => {
  const policy: RiskPolicy = {
    signals: [
      { signal: 'same_phone', weight: 50 },
      { signal: 'same_household', weight: 40 },
    ],
    reviewAt: 50,
    blockAt: 90,
  };
  const phone = { signal: 'same_phone', weight: 50, evidence: 'x' } as const;
  const home = { signal: 'same_household', weight: 40, evidence: 'x' } as const;
  const decided = (outcome: string, risk: Partial<RiskAssessment> | undefined, code = 'rewarded') =>
    ({
      deal: { connectionId: 'c', object: 'deal', id: '1' },
      ruleKey: 'r',
      sequence: 2,
      outcome,
      reason: { code, values: {} },
      ...(risk ? { risk: { score: 0, verdict: 'pass', raised: [], unknown: [], ...risk } } : {}),
    }) as unknown as Decision;

  test.each([
    ['rewarded', { score: 50, verdict: 'review', raised: [phone] }, 'a risk of 50 was paid without a person'],
    ['in_review', { score: 90, verdict: 'block', raised: [phone, home] }, 'a risk of 90 is not paid for'],
    ['rewarded', { score: 40, verdict: 'pass', raised: [phone] }, 'its signals add up to 50 (review)'],
    [
      'rewarded',
      { score: 1, verdict: 'pass', raised: [{ ...home, weight: 1 }] },
      'gives "same_household" a weight of 40',
    ],
    [
      'rewarded',
      { score: 40, verdict: 'pass', raised: [{ ...home, signal: 'same_ip' }] },
      'does not look for "same_ip"',
    ],
    ['rewarded', undefined, 'looks for risk, and it tells of none'],
  ] as const)('is found wrong when %s does not follow from it', (outcome, risk, problem) => {
    expect(riskProblem(decided(outcome, risk as never), policy, [])).toContain(problem);
  });

  test('is right when it follows from the policy, or a person allowed it', () => {
    expect(riskProblem(decided('rewarded', { score: 40, raised: [home] }), policy, [])).toBeNull();
    const blocked = { score: 90, verdict: 'block' as const, raised: [phone, home] };
    const allowed = { ...decided('waiting', undefined, 'risk_allowed'), sequence: 1 };
    expect(riskProblem(decided('skipped', blocked, 'risk_blocked'), policy, [])).toBeNull();
    expect(riskProblem(decided('rewarded', blocked), policy, [allowed])).toBeNull();
    expect(riskProblem(decided('rewarded', undefined), undefined, [])).toBeNull();
    expect(riskProblem(decided('rewarded', blocked), undefined, [])).toBe('its program version looks for no risk');
  });
});
