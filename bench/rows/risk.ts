import type { RewardRule } from '../../src/domain/program.ts';
import { DEFAULT_WEIGHTS, RISK_SIGNALS, type RiskPolicy, type RiskSignalRule } from '../../src/domain/risk.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { live } from './rules.ts';

/** As many rules as most programs have: each that pays is assessed. */
const RULES = 5;
const CHANGES = 5;

const POLICY: RiskPolicy = { signals: RISK_SIGNALS.map(signalOf), reviewAt: 50, blockAt: 900 };

export const row: Row = {
  name: 'risk',
  what: 'Processor time of one decision on one change of a deal, by a program of 5 rules that all pay and whose risk policy has every signal. As a ratio to the same life without a policy.',
  target: '< 1 ms',
  isCheap: true,
  async run(context) {
    const lives = context.pick(2_000, 10);
    const rules = Array.from({ length: RULES }, (_, index) => ruleOf(index));
    const withPolicy = { risk: POLICY, traits: traitsOf };
    const time = (count: number, more: object) => sum(live(rules, count, more).microseconds);
    // The compiler needs some before it is itself.
    for (let count = 0; count < lives / 3; count += 1) for (const more of [withPolicy, {}]) time(count, more);
    const measured: Array<{ full: number; none: number }> = [];
    for (let round = 0; round < context.rounds; round += 1) {
      let [full, none] = [0, 0];
      for (let count = 0; count < lives; count += 1) {
        none += time(count, {});
        full += time(count, withPolicy);
      }
      const changes = lives * CHANGES * 1_000;
      measured.push({ full: full / changes, none: none / changes });
      context.say(`round ${round + 1}: ${(full / changes).toFixed(3)} ms, ${(none / changes).toFixed(3)} ms without`);
    }
    return [
      figure('risk', median(measured.map(({ full }) => full)), 'ms/change', { atMost: 1 }),
      figure('risk, against none', median(measured.map(({ full, none }) => full / none)), '×'),
    ];
  },
};

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}

function ruleOf(index: number): RewardRule {
  return {
    key: `rule-${index}`,
    name: `Rule ${index}`,
    party: index % 2 === 0 ? 'member' : 'friend',
    amount: { kind: 'percent', basisPoints: 100 + index },
    conditions: [],
    holdDays: 0,
    amountChanges: 'follow',
    payout: 'credit',
  };
}

function signalOf(signal: (typeof RISK_SIGNALS)[number]): RiskSignalRule {
  const weight = DEFAULT_WEIGHTS[signal];
  switch (signal) {
    case 'velocity_member':
    case 'velocity_source':
      return { signal, weight, most: 5, hours: 24 };
    case 'purchase_unverified':
      return { signal, weight, property: 'purchase_checked', verified: ['yes'] };
    case 'employee':
      return { signal, weight, domains: ['acme.example'] };
    default:
      return { signal, weight };
  }
}

/** Everything that can be compared is known, and some of it is the same. */
function traitsOf(of: 'member' | 'friend') {
  const mine = of === 'member' ? '+49301234567' : '+49307654321';
  return { mail: 'company' as const, phones: [mine, '+4930111111'], address: 'hauptstr 1 10115 de' };
}
