import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RewardRule } from '../../src/domain/program.ts';
import type { DealPoint } from '../../src/domain/record.ts';
import {
  contactOf,
  createWorld,
  DAY,
  dealOf,
  FRIEND_RULE,
  MEMBER_RULE,
  MINUTE,
  pointOf,
  T0,
  type World,
} from './world.ts';

const RUNS = { numRuns: 400 };

/** What happens in the CRM: a stage or an amount of one of three deals is set. Deal 1 and 2 are Bob's, deal 3 is Carla's. */
const change = fc.record({
  deal: fc.constantFrom('1', '2', '3'),
  gapMs: fc.integer({ min: 1, max: 4 * DAY }),
  stage: fc.constantFrom(
    { pipelineId: 'sales', stageId: 'open' },
    { pipelineId: 'sales', stageId: '4711' },
    { pipelineId: 'sales', stageId: '4711' },
    { pipelineId: 'sales', stageId: 'gone' },
    { pipelineId: 'renewals', stageId: 'r-won' },
  ),
  amount: fc.constantFrom('1000.00', '0.05', '', null, 'abc', '250', '999.995', '7000000.01'),
  currency: fc.constantFrom('EUR', 'EUR', 'JPY', null),
});

const rules = fc.constantFrom<RewardRule[][]>(
  [MEMBER_RULE, FRIEND_RULE],
  [{ ...MEMBER_RULE, holdDays: 3 }, FRIEND_RULE],
  [
    {
      ...MEMBER_RULE,
      conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 20_000n, currency: 'EUR' } }],
    },
    { ...FRIEND_RULE, holdDays: 1, conditions: [{ fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] }] },
  ],
);

const history = fc.array(change, { minLength: 1, maxLength: 14 });

function start(ruleSet: readonly RewardRule[]): World {
  const world = createWorld(ruleSet);
  world.putContact(contactOf('10'));
  world.putContact(contactOf('20', { referredByIds: ['10'] }));
  world.putContact(contactOf('30', { referredByIds: ['20'] }));
  return world;
}

/** The CRM after each change, with the time of the change. */
function statesOf(changes: ReadonlyArray<typeof change extends fc.Arbitrary<infer T> ? T : never>) {
  const histories = new Map<string, DealPoint[]>();
  let at = T0 + MINUTE;
  return changes.map(({ deal, gapMs, stage, amount, currency }) => {
    at += gapMs;
    histories.set(deal, [...(histories.get(deal) ?? []), pointOf(at, { ...stage, amount, currency })]);
    return { at, histories: new Map(histories) };
  });
}

function show(world: World, { histories }: ReturnType<typeof statesOf>[number]): void {
  for (const [id, points] of histories) world.putDeal(dealOf(id, [id === '3' ? '30' : '20'], points));
}

describe('the same history in the CRM', () => {
  test('gives the same decisions and the same ledger, whichever reads were missed, repeated or late', () => {
    fc.assert(
      fc.property(
        history,
        rules,
        fc.array(fc.nat({ max: 3 }), { minLength: 14, maxLength: 14 }),
        fc.boolean(),
        (changes, ruleSet, reads, payEarly) => {
          const states = statesOf(changes);
          const last = states.at(-1);
          if (!last) return;
          const end = last.at + 10 * DAY;

          const everyRead = start(ruleSet);
          for (const state of states) {
            show(everyRead, state);
            everyRead.process(state.at);
            if (payEarly) everyRead.pay(state.at);
          }
          const someReads = start(ruleSet);
          states.forEach((state, index) => {
            show(someReads, state);
            for (let times = 0; times < (reads[index] ?? 0); times += 1) someReads.process(state.at + times);
          });
          const oneRead = start(ruleSet);
          show(oneRead, last);

          for (const world of [everyRead, someReads, oneRead]) {
            world.process(end);
            world.pay(end);
            world.process(end + 1);
          }
          expect(someReads.story()).toEqual(everyRead.story());
          expect(oneRead.story()).toEqual(everyRead.story());
          expect(someReads.balances()).toEqual(everyRead.balances());
          expect(oneRead.balances()).toEqual(everyRead.balances());
        },
      ),
      RUNS,
    );
  });

  test('never leaves two rewards standing for one rule of one referral, nor money without a decision', () => {
    fc.assert(
      fc.property(history, rules, (changes, ruleSet) => {
        const world = start(ruleSet);
        for (const state of statesOf(changes)) {
          show(world, state);
          world.process(state.at);
          const standing = world.state.rewards.filter(
            ({ state: now }) => !['voided', 'clawed_back', 'expired'].includes(now),
          );
          expect(new Set(standing.map(({ referralId, ruleKey }) => `${referralId} ${ruleKey}`)).size).toBe(
            standing.length,
          );
        }
        const decided = new Set(world.state.decisions.map(({ rewardId }) => rewardId));
        for (const { rewardId } of world.journals) expect(decided.has(rewardId)).toBe(true);
      }),
      RUNS,
    );
  });

  test('never leaves a standing reward on a deal that is not won', () => {
    fc.assert(
      fc.property(history, rules, (changes, ruleSet) => {
        const world = start(ruleSet);
        const states = statesOf(changes);
        const last = states.at(-1);
        if (!last) return;
        show(world, last);
        world.process(last.at + 30 * DAY);
        world.pay(last.at + 30 * DAY);
        for (const reward of world.state.rewards.filter(({ state }) => state === 'issued')) {
          const stage = last.histories.get(reward.deal.id)?.at(-1)?.stageId;
          expect(['4711', 'r-won']).toContain(stage);
        }
      }),
      RUNS,
    );
  });
});
