import { decide, type FriendFacts } from '../../src/domain/decide.ts';
import { type Plan, type State, stateWith } from '../../src/domain/plan.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import type { ContactFacts, ContactTraits, DealFacts, DealPoint } from '../../src/domain/record.ts';
import type { RiskPolicy } from '../../src/domain/risk.ts';
import { addTo } from '../../src/domain/tally.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const RULES = 200;
/** As many as most programs have, or more. */
const FEW = 20;
const CONNECTION = 'con_bench';
const BEGAN = Date.UTC(2026, 0, 5);
const MINUTE = 60_000;

/**
 * A year of a deal: it is opened, its amount is put right twice, it is won, and then it shrinks. Each change is read, decided and, as a
 * store would do it, added to what is known.
 */
const LIFE: ReadonlyArray<Pick<DealPoint, 'stageId' | 'amount'>> = [
  { stageId: 'open', amount: '1000.00' },
  { stageId: 'open', amount: '1200.00' },
  { stageId: 'open', amount: '1250.00' },
  { stageId: 'won', amount: '1250.00' },
  { stageId: 'won', amount: '1100.00' },
];

export const row: Row = {
  name: 'rules',
  what: 'Processor time of one decision on one change of a deal (five of them in its life, Closed Won among them), by a program of 200 rules in each of which something differs: pipeline, amount, month. As a ratio to the same life under 20 rules.',
  target: '< 1 ms; ≤ 10 ×',
  isCheap: true,
  async run(context) {
    const lives = context.pick(600, 5);
    const many = programOf(RULES);
    const few = programOf(FEW);
    // The compiler needs some before it is itself.
    for (let count = 0; count < lives / 3; count += 1) for (const rules of [few, many]) live(rules, count);
    const measured: Array<{ many: number; few: number }> = [];
    const worst: number[] = [];
    let decisions = 0;
    for (let round = 0; round < context.rounds; round += 1) {
      const sums = { many: 0, few: 0 };
      const won: number[] = [];
      for (let count = 0; count < lives; count += 1) {
        sums.few += live(few, count).microseconds.reduce((sum, one) => sum + one, 0);
        const { microseconds, decided } = live(many, count);
        sums.many += microseconds.reduce((sum, one) => sum + one, 0);
        won.push(microseconds[3] ?? 0);
        decisions = decided;
      }
      const changes = lives * LIFE.length * 1_000;
      measured.push({ many: sums.many / changes, few: sums.few / changes });
      worst.push(won.reduce((sum, one) => sum + one, 0) / won.length / 1_000);
      context.say(
        `round ${round + 1}: ${(sums.many / changes).toFixed(3)} ms, ${(sums.few / changes).toFixed(3)} ms with ${FEW}`,
      );
    }
    context.note(`A life leaves ${decisions} decisions under ${RULES} rules: each says why a rule does not pay, once.`);
    return [
      figure('rules', median(measured.map((one) => one.many)), 'ms/change', { atMost: 1 }),
      figure('rules, against 20', median(measured.map((one) => one.many / one.few)), '×', { atMost: RULES / FEW }),
      figure('rules, the Closed Won alone', median(worst), 'ms/change'),
    ];
  },
};

/** One in ten pays for the deal of `LIFE`; the others ask for another pipeline, a larger deal, or another time. */
function programOf(count: number): RewardRule[] {
  return Array.from({ length: count }, (_, index): RewardRule => {
    const kind = index % 10;
    return {
      key: `rule-${index}`,
      name: `Rule ${index}`,
      party: index % 20 < 10 ? 'member' : 'friend',
      amount: { kind: 'percent', basisPoints: 100 + index },
      conditions: [
        kind < 4
          ? { fact: 'deal.pipeline', op: 'in', pipelineIds: [`pipeline-${index}`] }
          : { fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] },
        ...(kind < 7
          ? [{ fact: 'deal.amount', op: 'at_least', money: { minor: 1_000_000n, currency: 'EUR' } } as const]
          : []),
        ...(kind < 9
          ? [{ fact: 'event.day', op: 'from', day: `2030-01-${String(10 + (index % 20)).padStart(2, '0')}` } as const]
          : []),
      ],
      holdDays: 0,
      amountChanges: 'follow',
      payout: 'credit',
    };
  });
}

/** One life of a deal under these rules, and the processor time of each change. `more`: a policy, and what people are known by. */
export function live(
  rules: readonly RewardRule[],
  number: number,
  more: { readonly risk?: RiskPolicy; readonly traits?: (of: 'member' | 'friend') => ContactTraits } = {},
): { microseconds: number[]; decided: number } {
  let state: State = stateWith('acc_bench', {
    programs: [{ programId: 'default', name: 'Default', version: 1, publishedAt: BEGAN, rules, risk: more.risk }],
    connectedAt: BEGAN,
    mapping: {
      version: 'map_bench',
      entries: (['open', 'won'] as const).map((stageId) => ({
        pipelineId: 'sales',
        stageId,
        pipelineLabel: 'Sales',
        stageLabel: stageId,
        stage: stageId === 'won' ? 'won' : 'opportunity',
      })),
    },
  });
  const known = (of: 'member' | 'friend') => (more.traits ? { traits: more.traits(of) } : {});
  const member = { ...contactOf(`${number}1`, []), ...known('member') };
  const friend = { ...contactOf(`${number}2`, [member.ref.id]), ...known('friend') };
  const contacts = new Map([member, friend].map((contact) => [contact.ref.id, contact]));
  const history: DealPoint[] = [];
  const microseconds: number[] = [];
  for (const change of LIFE) {
    const at = BEGAN + (history.length + 1) * MINUTE;
    history.push({ at, pipelineId: 'sales', currency: 'EUR', ...change });
    const deal: DealFacts = {
      ref: { connectionId: CONNECTION, object: 'deal', id: `${number}3` },
      presence: 'present',
      name: 'Deal',
      history: [...history],
      contactIds: [friend.ref.id],
      formerIds: [],
    };
    const facts: FriendFacts = { contact: friend, deals: [deal] };
    const before = process.cpuUsage();
    const plan = decide({ friends: [facts], contacts, state, now: at + 1 });
    const { user, system } = process.cpuUsage(before);
    microseconds.push(user + system);
    state = after(state, plan);
  }
  return { microseconds, decided: state.decisions.length };
}

function contactOf(id: string, referredByIds: readonly string[]): ContactFacts {
  return {
    ref: { connectionId: CONNECTION, object: 'contact', id },
    presence: 'present',
    name: 'Somebody',
    email: `c${id}@example.com`,
    usedCode: null,
    referredByIds,
    formerIds: [],
  };
}

function after(state: State, plan: Plan): State {
  const tallies = new Map(state.tallies);
  addTo(tallies, plan.tallies);
  return {
    ...state,
    members: newest(state.members, plan.members),
    referrals: newest(state.referrals, plan.referrals),
    rewards: newest(state.rewards, plan.rewards),
    decisions: [...state.decisions, ...plan.decisions],
    tallies,
  };
}

function newest<T extends { readonly id: string }>(known: readonly T[], changes: readonly T[]): T[] {
  return [...new Map([...known, ...changes].map((entity) => [entity.id, entity])).values()];
}
