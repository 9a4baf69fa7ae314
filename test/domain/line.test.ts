import { expect, test } from 'vitest';
import type { RewardRule } from '../../src/domain/program.ts';
import { contactOf, createWorld, dealOf, MEMBER_RULE, MINUTE, pointOf, T0 } from './world.ts';

const eur = (minor: bigint) => ({ minor, currency: 'EUR' });

function ruleOf(more: Partial<RewardRule>): RewardRule {
  return { ...MEMBER_RULE, amountChanges: 'follow', payout: 'webhook', usesBudget: true, ...more };
}

function worldWith(...rules: readonly RewardRule[]) {
  const world = createWorld(rules);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  return world;
}

const at = (minute: number) => T0 + minute * MINUTE;

test('a deal that was won again joins the end of the line, wherever its reward stood before', () => {
  const world = worldWith(ruleOf({}));
  world.change((draft) =>
    draft.count({ owner: 'program default', key: 'budget', currency: 'EUR', count: 0, minor: 10_000n }),
  );
  const history = [pointOf(at(1), { stageId: '4711' })];
  world.putDeal(dealOf('100', ['2'], history));
  world.process(at(2));
  history.push(pointOf(at(3), { stageId: 'gone' }));
  world.putDeal(dealOf('100', ['2'], history));
  world.process(at(4));
  world.change((draft) =>
    draft.count({ owner: 'program default', key: 'budget', currency: 'EUR', count: 0, minor: -10_000n }),
  );
  history.push(pointOf(at(5), { stageId: '4711' }));
  world.putDeal(dealOf('100', ['2'], history));
  expect(world.process(at(6)).waiting).toMatchObject([{ record: { id: '100' }, since: at(6) }]);
  // From then on its place is that one, however often it is looked at.
  expect(world.process(at(9)).waiting).toMatchObject([{ since: at(6) }]);
});

test('two rules that wait for one budget with one deal keep the place of the one that has waited longer', () => {
  const opened = ruleOf({ key: 'opened', trigger: 'opportunity', amount: { kind: 'fixed', money: eur(1_000n) } });
  const world = worldWith(ruleOf({ key: 'won' }), opened);
  const history = [pointOf(at(1))];
  world.putDeal(dealOf('100', ['2'], history));
  expect(world.process(at(2)).waiting).toMatchObject([{ since: at(2) }]);
  // Won and opened at one moment, as when a deal that was lost is won at once: the rule for winning is judged last.
  history.push(pointOf(at(5), { stageId: '4711' }));
  world.putDeal(dealOf('100', ['2'], history));
  expect(world.process(at(6)).waiting).toMatchObject([{ record: { id: '100' }, since: at(2) }]);
});
