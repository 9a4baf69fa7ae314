import { describe, expect, test } from 'vitest';
import { stepText } from '../../src/domain/amount.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { takeBackByPerson } from '../../src/domain/desk-word.ts';
import { AUDIENCES, tellDecision } from '../../src/domain/explain.ts';
import { createDraft, type Draft } from '../../src/domain/plan.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { decideByPerson } from '../../src/domain/review.ts';
import { budgetTally, owedTally, tallyKey, wonTally } from '../../src/domain/tally.ts';
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

const WON = { stageId: '4711' };
const eur = (minor: bigint) => ({ minor, currency: 'EUR' });

function ruleOf(more: Partial<RewardRule>): RewardRule {
  return { ...MEMBER_RULE, amountChanges: 'follow', payout: 'webhook', ...more };
}

/** Ada (1) referred Bob (2), Cem (3) and Dia (4) by the label. */
function worldWith(...rules: readonly RewardRule[]): World {
  const world = createWorld(rules);
  world.putContact(contactOf('1'));
  for (const id of ['2', '3', '4']) world.putContact(contactOf(id, { referredByIds: ['1'] }));
  return world;
}

/** A deal of the contact, open from the first minute and won at the given one. */
function win(world: World, id: string, contactId: string, minute: number, more: object = {}): void {
  world.putDeal(
    dealOf(id, [contactId], [pointOf(T0 + MINUTE, more), pointOf(T0 + minute * MINUTE, { ...WON, ...more })]),
  );
}

function change(world: World, id: string, minute: number, more: object): void {
  const deal = world.deals.get(id);
  if (!deal) throw new Error(`no deal ${id}`);
  const point = deal.history.at(-1);
  world.putDeal({
    ...deal,
    history: [...deal.history, { ...(point ?? pointOf(0)), ...more, at: T0 + minute * MINUTE }],
  });
}

function standing(world: World) {
  return world.state.rewards
    .filter(({ state }) => state !== 'voided' && state !== 'clawed_back')
    .map(
      ({ deal, ruleKey, money, clawedBack, state }) =>
        `${deal.id} ${ruleKey} ${money.minor - clawedBack} ${money.currency} ${state}`,
    )
    .sort();
}

function lastReason(world: World, dealId: string): string {
  const decision = world.state.decisions.findLast(({ deal }) => deal.id === dealId);
  return decision ? `${decision.outcome}: ${reasonText(decision.reason)}` : 'none';
}

function expectBalanced(world: World): void {
  const sums = Object.entries(world.balances()).reduce((sum, [, minor]) => sum + BigInt(minor), 0n);
  expect(sums).toBe(0n);
}

describe('a rule for an earlier stage', () => {
  const opened = ruleOf({ key: 'opened', trigger: 'opportunity', amount: { kind: 'fixed', money: eur(1_000n) } });
  const won = ruleOf({ key: 'won' });

  test('pays when a deal is opened, and another one when it is won', () => {
    const world = worldWith(opened, won);
    world.putDeal(dealOf('100', ['2'], [pointOf(T0 + MINUTE)]));
    world.process(T0 + 2 * MINUTE);
    expect(standing(world)).toEqual(['100 opened 1000 EUR approved']);
    expect(lastReason(world, '100')).toBe(
      'rewarded: The deal "100" reached the stage "opportunity" and every condition is met.',
    );
    change(world, '100', 3, WON);
    world.process(T0 + 4 * MINUTE);
    expect(standing(world)).toEqual(['100 opened 1000 EUR approved', '100 won 10000 EUR approved']);
  });

  test('takes only its own back when the deal is won and opened again, and both when it is lost', () => {
    const world = worldWith(opened, won);
    win(world, '100', '2', 3);
    change(world, '100', 4, { stageId: 'open' });
    world.process(T0 + 5 * MINUTE);
    expect(standing(world)).toEqual(['100 opened 1000 EUR approved']);
    change(world, '100', 6, { stageId: 'gone' });
    world.process(T0 + 7 * MINUTE);
    expect(standing(world)).toEqual([]);
    expect(lastReason(world, '100')).toBe('reversed: The deal "100" left the stage "opportunity".');
    expectBalanced(world);
  });
});

describe('several deals of one friend', () => {
  test('are all paid by a rule for every deal', () => {
    const world = worldWith(ruleOf({ deals: { kind: 'every' } }));
    win(world, '100', '2', 2);
    win(world, '101', '2', 3);
    world.process(T0 + 4 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved', '101 member-won 10000 EUR approved']);
  });

  test('are paid up to the number that the rule names, and the next one when one of them is lost', () => {
    const world = worldWith(ruleOf({ deals: { kind: 'up_to', count: 2, withinDays: null } }));
    for (const [id, minute] of [
      ['100', 2],
      ['101', 3],
      ['102', 4],
    ] as const)
      win(world, id, '2', minute);
    world.process(T0 + 5 * MINUTE);
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['100', '101']);
    expect(lastReason(world, '102')).toBe('skipped: Not rewarded: this referral was already rewarded for 2 deals.');
    change(world, '100', 6, { stageId: 'gone' });
    world.process(T0 + 7 * MINUTE);
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['101', '102']);
  });

  test('are paid within the time after the first one only', () => {
    const world = worldWith(ruleOf({ deals: { kind: 'up_to', count: 5, withinDays: 1 } }));
    win(world, '100', '2', 2);
    win(world, '101', '2', 2 + 24 * 60);
    win(world, '102', '2', 3 + 24 * 60);
    world.process(T0 + 2 * DAY);
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['100', '101']);
  });
});

describe('the amount', () => {
  const percent = (basisPoints: number) => ({ kind: 'percent', basisPoints }) as const;

  test.each([
    [
      'the last step that the deal reaches',
      {
        kind: 'by_amount',
        steps: [
          { from: eur(50_000n), amount: percent(500) },
          { from: eur(100_000n), amount: percent(1_000) },
        ],
      },
      {},
      ['100 member-won 10000 EUR approved'],
    ],
    [
      'nothing below the first step',
      { kind: 'by_amount', steps: [{ from: eur(100_001n), amount: percent(500) }] },
      {},
      [],
    ],
    [
      'a share rounded up to whole euros',
      percent(1_234),
      { rounding: { mode: 'up', toMinor: 100 } },
      ['100 member-won 12400 EUR approved'],
    ],
    [
      'a share rounded down to whole euros',
      percent(1_234),
      { rounding: { mode: 'down', toMinor: 100 } },
      ['100 member-won 12300 EUR approved'],
    ],
    ['at least the minimum', percent(10), { minimum: eur(2_500n) }, ['100 member-won 2500 EUR approved']],
    ['at most the maximum', percent(5_000), { maximum: eur(30_000n) }, ['100 member-won 30000 EUR approved']],
  ] as ReadonlyArray<[string, RewardRule['amount'], Partial<RewardRule>, string[]]>)(
    'is %s',
    (_, amount, more, expected) => {
      const world = worldWith(ruleOf({ amount, ...more }));
      win(world, '100', '2', 2);
      world.process(T0 + 3 * MINUTE);
      expect(standing(world)).toEqual(expected);
    },
  );

  test('rises with the number of won referrals of the member, which other referrals do not change later', () => {
    const steps = [
      { from: 1, amount: { kind: 'fixed', money: eur(100n) } },
      { from: 2, amount: { kind: 'fixed', money: eur(200n) } },
      { from: 3, amount: { kind: 'fixed', money: eur(300n) } },
    ] as const;
    const world = worldWith(ruleOf({ amount: { kind: 'by_count', steps } }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    win(world, '101', '3', 4);
    world.process(T0 + 5 * MINUTE);
    win(world, '102', '4', 6);
    world.process(T0 + 7 * MINUTE);
    change(world, '100', 8, { amount: '900.00' });
    world.process(T0 + 9 * MINUTE);
    expect(standing(world).map((text) => text.split(' ')[2])).toEqual(['100', '200', '300']);
  });

  test('is told step by step', () => {
    const world = worldWith(
      ruleOf({ amount: percent(1_234), rounding: { mode: 'half_up', toMinor: 100 }, maximum: eur(12_000n) }),
    );
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(world.state.decisions[0]?.calculation.map(stepText)).toEqual([
      '12.34 % of 1000.00 EUR is 123.00 EUR.',
      'Rounded half up, to multiples of 1.00 EUR.',
      'Cut to the greatest amount, 120.00 EUR.',
    ]);
  });
});

describe('conditions', () => {
  const inSales = { fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] } as const;
  const big = { fact: 'deal.amount', op: 'at_least', money: eur(500_000n) } as const;

  test.each([
    ['all of them', { all: [inSales, big] }, false],
    ['one of them', { any: [inSales, big] }, true],
    ['not this', { not: big }, true],
    ['not any of these', { not: { any: [inSales, big] } }, false],
    ['the source', { fact: 'referral.source', op: 'in', sources: ['label'] }, true],
    ['another source', { fact: 'referral.source', op: 'not_in', sources: ['label'] }, false],
    ['the domain', { fact: 'friend.email_domain', op: 'not_in', domains: ['example.com'] }, false],
    ['the currency', { fact: 'deal.currency', op: 'in', currencies: ['USD'] }, false],
    ['the days', { fact: 'referral.days', op: 'at_most', days: 0 }, true],
    ['a day that has come', { fact: 'event.day', op: 'from', day: '2026-01-05' }, true],
    ['a day that has not come', { fact: 'event.day', op: 'from', day: '2026-01-06' }, false],
    ['a day that is past', { fact: 'event.day', op: 'until', day: '2026-01-04' }, false],
    ['won referrals', { fact: 'member.won_referrals', op: 'at_least', count: 2 }, false],
  ] as ReadonlyArray<[string, RewardRule['conditions'][number], boolean]>)('ask for %s', (_, condition, pays) => {
    const world = worldWith(ruleOf({ conditions: [condition] }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(standing(world).length === 1).toBe(pays);
  });

  test('say why in the words of who wrote them', () => {
    const world = worldWith(ruleOf({ conditions: [{ ...big, because: 'small deals are thanked by a card.' }] }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(lastReason(world, '100')).toBe('skipped: Not rewarded: small deals are thanked by a card.');
  });

  test('that are not known yet let the deal wait, inside others too', () => {
    const world = worldWith(
      ruleOf({ amount: { kind: 'fixed', money: eur(1n) }, conditions: [{ any: [big, { not: inSales }] }] }),
    );
    win(world, '100', '2', 2, { amount: null });
    world.process(T0 + 3 * MINUTE);
    expect(lastReason(world, '100')).toMatch(/^waiting: /);
  });
});

describe('limits', () => {
  const perMember = { per: 'member', across: 'rule', window: 'life', count: 2, money: null } as const;

  test('keep the third reward of a member back, say so, and let it through when another one is taken back', () => {
    const world = worldWith(ruleOf({ limits: [perMember] }));
    for (const [id, contact, minute] of [
      ['100', '2', 2],
      ['101', '3', 3],
      ['102', '4', 4],
    ] as const) {
      win(world, id, contact, minute);
      world.process(T0 + (minute + 0.5) * MINUTE);
    }
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['100', '101']);
    expect(lastReason(world, '102')).toBe(
      'capped: Not rewarded now: the limit per member is at most 2 rewards, and there were 2 before this one.',
    );
    const decided = world.state.decisions.length;
    world.process(T0 + 6 * MINUTE);
    expect(world.state.decisions).toHaveLength(decided);
    change(world, '100', 7, { stageId: 'gone' });
    world.process(T0 + 8 * MINUTE);
    world.process(T0 + 9 * MINUTE);
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['101', '102']);
  });

  test('of money let through what is left', () => {
    const world = worldWith(ruleOf({ limits: [{ ...perMember, count: null, money: eur(15_000n) }] }));
    win(world, '100', '2', 2);
    win(world, '101', '3', 3);
    win(world, '102', '4', 4);
    world.process(T0 + 5 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved', '101 member-won 5000 EUR approved']);
    change(world, '101', 6, { amount: '400.00' });
    world.process(T0 + 7 * MINUTE);
    expect(standing(world)).toContain('101 member-won 4000 EUR approved');
  });

  test('of a month count the rewards whose deals were won in it', () => {
    const world = worldWith(ruleOf({ limits: [{ ...perMember, window: 'month', count: 1 }] }));
    win(world, '100', '2', 2);
    win(world, '101', '3', 3);
    win(world, '102', '4', 40 * 24 * 60);
    world.process(T0 + 60 * DAY);
    expect(standing(world).map((text) => text.slice(0, 3))).toEqual(['100', '102']);
  });

  test('do not add up two currencies', () => {
    const world = worldWith(ruleOf({ limits: [{ ...perMember, count: null, money: eur(15_000n) }] }));
    win(world, '100', '2', 2, { currency: 'USD' });
    world.process(T0 + 3 * MINUTE);
    expect(lastReason(world, '100')).toMatch(/^capped: .*the reward is in USD/);
  });
});

describe('a deal that waits for room', () => {
  const perMember = { per: 'member', across: 'rule', window: 'life', count: 1, money: null } as const;

  /** 100 takes the only place; 101 is won at 1,000 and finds none; its amount changes twice before 100 is lost. */
  function waited(rule: RewardRule, looks: readonly number[]): World {
    const world = worldWith(rule);
    win(world, '100', '2', 2);
    win(world, '101', '3', 3);
    world.process(T0 + 4 * MINUTE);
    expect(standing(world)).toHaveLength(1);
    change(world, '101', 5, { amount: '7000.00' });
    if (looks.includes(6)) world.process(T0 + 6 * MINUTE);
    change(world, '101', 7, { amount: '300.00' });
    if (looks.includes(8)) world.process(T0 + 8 * MINUTE);
    change(world, '100', 9, { stageId: 'gone' });
    world.process(T0 + 10 * MINUTE);
    world.process(T0 + 11 * MINUTE);
    return world;
  }

  test.each([[[]], [[6]], [[8]], [[6, 8]]])(
    'and whose rule ignores later amounts is paid by what it was when it qualified, looked at in between at %j or not',
    (looks) => {
      const world = waited(ruleOf({ amountChanges: 'ignore', limits: [perMember] }), looks);
      expect(standing(world)).toEqual(['101 member-won 10000 EUR approved']);
      expectBalanced(world);
    },
  );

  test('and whose rule follows the amount is paid by what it is', () => {
    expect(standing(waited(ruleOf({ limits: [perMember] }), []))).toEqual(['101 member-won 3000 EUR approved']);
  });

  test('remembers which win of the member it was: others that are won meanwhile do not make it pay more', () => {
    const steps = [
      { from: 1, amount: { kind: 'fixed', money: eur(1_000n) } },
      { from: 3, amount: { kind: 'fixed', money: eur(9_000n) } },
    ] as const;
    const world = worldWith(ruleOf({ amount: { kind: 'by_count', steps }, limits: [perMember] }));
    win(world, '100', '2', 2);
    world.process(T0 + 2.5 * MINUTE);
    win(world, '101', '3', 3);
    world.process(T0 + 4 * MINUTE);
    world.putContact(contactOf('5', { referredByIds: ['1'] }));
    win(world, '102', '4', 5);
    win(world, '103', '5', 6);
    world.process(T0 + 6.5 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 1000 EUR approved']);
    change(world, '100', 7, { stageId: 'open' });
    world.process(T0 + 8 * MINUTE);
    world.process(T0 + 9 * MINUTE);
    expect(world.state.tallies.get(tallyKey(wonTally(world.state.members[0]?.id ?? '')))?.count).toBe(3);
    const [paid] = standing(world);
    expect(paid).toBe('101 member-won 1000 EUR approved');
    expectBalanced(world);
  });
});

describe('a budget', () => {
  const fill = (world: World, minor: bigint) => {
    const of = budgetTally('default', 'EUR');
    const before = world.state.tallies.get(tallyKey(of))?.minor ?? 0n;
    world.setState({
      tallies: new Map([...world.state.tallies, [tallyKey(of), { ...of, count: 0, minor: before + minor }]]),
    });
  };

  test('that is spent lets rewards wait in line until it is filled up', () => {
    const world = worldWith(ruleOf({ usesBudget: true }));
    fill(world, 15_000n);
    win(world, '100', '2', 2);
    win(world, '101', '3', 3);
    const plan = world.process(T0 + 4 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
    expect(lastReason(world, '101')).toBe(
      'queued: In line: the reward of 100.00 EUR is more than the budget has left (50.00 EUR).',
    );
    expect(plan.waiting).toMatchObject([{ on: budgetTally('default', 'EUR'), record: { id: '101' } }]);
    fill(world, 5_000n);
    world.process(T0 + 5 * MINUTE);
    expect(standing(world)).toHaveLength(2);
    expect(world.state.tallies.get(tallyKey(budgetTally('default', 'EUR')))?.minor).toBe(0n);
  });

  test('gets back what is taken back', () => {
    const world = worldWith(ruleOf({ usesBudget: true }));
    fill(world, 10_000n);
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    change(world, '100', 5, { amount: '600.00' });
    world.process(T0 + 6 * MINUTE);
    expect(world.state.tallies.get(tallyKey(budgetTally('default', 'EUR')))?.minor).toBe(4_000n);
    change(world, '100', 7, { stageId: 'gone' });
    world.process(T0 + 8 * MINUTE);
    expect(world.state.tallies.get(tallyKey(budgetTally('default', 'EUR')))?.minor).toBe(10_000n);
  });
});

describe('a group of rules', () => {
  test('pays by the best of them', () => {
    const world = worldWith(
      ruleOf({ key: 'flat', bestOf: 'bonus', amount: { kind: 'fixed', money: eur(5_000n) } }),
      ruleOf({ key: 'share', bestOf: 'bonus' }),
    );
    win(world, '100', '2', 2);
    win(world, '101', '3', 2, { amount: '10.00' });
    world.process(T0 + 3 * MINUTE);
    expect(standing(world)).toEqual(['100 share 10000 EUR approved', '101 flat 5000 EUR approved']);
    const skipped = world.state.decisions.filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map(({ ruleKey, reason }) => `${ruleKey} ${reason.code}`).sort()).toEqual([
      'flat other_rule_better',
      'share other_rule_better',
    ]);
  });
});

describe('review', () => {
  test('of rewards over an amount keeps them until somebody has approved', () => {
    const world = worldWith(ruleOf({ review: { when: 'over', money: eur(9_999n) } }), { ...FRIEND_RULE });
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(standing(world)).toEqual(['100 friend-won 5000 EUR approved', '100 member-won 10000 EUR in_review']);
    expect(world.intents).toHaveLength(1);
    expect(
      reasonText(
        world.state.rewards.find(({ state }) => state === 'in_review')?.reason ?? { code: 'rewarded', values: {} },
      ),
    ).toBe('A person has to approve this reward: it is over 99.99 EUR.');
  });

  test('follows the hold', () => {
    const world = worldWith(ruleOf({ review: { when: 'always' }, holdDays: 1 }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR held']);
    world.process(T0 + 2 * DAY);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR in_review']);
    change(world, '100', 3 * 24 * 60, { stageId: 'gone' });
    world.process(T0 + 4 * DAY);
    expect(standing(world)).toEqual([]);
    expect(world.balances()).toEqual({});
  });
});

describe("a person's word", () => {
  function decided(rule: Partial<RewardRule>, isApproved: boolean, at = T0 + 10 * MINUTE): World {
    const world = worldWith(ruleOf({ review: { when: 'always' }, ...rule }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    const reward = world.state.rewards[0];
    if (!reward) throw new Error('nothing was granted');
    world.change((draft) => decideByPerson(draft, 'acc_1', reward, { isApproved, by: 'finance', why: 'seen', at }));
    return world;
  }

  test('of approval pays what was in review', () => {
    const world = decided({}, true);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
    expect(lastReason(world, '100')).toBe('rewarded: Approved by finance: seen');
    expect(world.intents).toHaveLength(1);
    world.pay(T0 + 11 * MINUTE);
    expect(world.balances()).toEqual({ 'expense:default EUR': '10000', 'provider:webhook EUR': '-10000' });
  });

  test('of approval lets a hold run on, and then pay without a second look', () => {
    const world = decided({ holdDays: 1 }, true);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR held']);
    expect(world.intents).toHaveLength(0);
    world.process(T0 + 2 * DAY);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
    expect(world.intents).toHaveLength(1);
  });

  test.each([0, 1])('of rejection voids it for good, on a hold of %i days', (holdDays) => {
    const world = decided({ holdDays }, false);
    expect(standing(world)).toEqual([]);
    world.process(T0 + 3 * DAY);
    change(world, '100', 4 * 24 * 60, { stageId: 'gone' });
    change(world, '100', 4 * 24 * 60 + 1, WON);
    world.process(T0 + 5 * DAY);
    expect(standing(world)).toEqual([]);
    expect(world.balances()).toEqual({});
  });

  test.each([
    [
      'rejects it in review',
      (draft: Draft, reward: Reward, at: number) =>
        decideByPerson(draft, 'acc_1', reward, { isApproved: false, by: 'finance', why: 'seen', at }),
    ],
    [
      'takes it back',
      (draft: Draft, reward: Reward, at: number) =>
        takeBackByPerson(draft, 'acc_1', reward, { by: 'finance', why: 'seen', at }),
    ],
  ])('that %s has the other deals looked at, one of which may be paid now', (_, say) => {
    const world = worldWith(ruleOf({ review: { when: 'always' } }));
    win(world, '100', '2', 2);
    win(world, '101', '2', 3);
    world.process(T0 + 4 * MINUTE);
    const [reward] = world.state.rewards;
    if (!reward) throw new Error('nothing was granted');
    const draft = createDraft(world.state);
    say(draft, reward, T0 + 10 * MINUTE);
    expect(draft.plan().wakes).toEqual([{ record: reward.deal, at: T0 + 10 * MINUTE }]);
    world.change((change) => say(change, reward, T0 + 10 * MINUTE));
    world.process(T0 + 11 * MINUTE);
    expect(standing(world)).toEqual(['101 member-won 10000 EUR in_review']);
  });

  test('on a reward that waits for nobody is a mistake of the caller', () => {
    const world = decided({}, true);
    const reward = world.state.rewards[0];
    if (!reward) throw new Error('nothing was granted');
    expect(() =>
      world.change((draft) => decideByPerson(draft, 'acc_1', reward, { isApproved: true, by: 'a', why: 'b', at: T0 })),
    ).toThrow('is approved and waits for nobody');
  });
});

describe('a batch date', () => {
  test('is the next such day of a month, for the order and not for what is owed', () => {
    const world = worldWith(ruleOf({ payOnDay: 15 }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    expect(world.intents).toMatchObject([{ at: Date.UTC(2026, 0, 15) }]);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
  });
});

describe('a deal whose amount changes after it was won', () => {
  test.each([
    ['shrinks', '400.00', 4_000],
    ['grows', '2000.00', 20_000],
  ])('%s before the order went out: the reward is granted anew', (_, amount, minor) => {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    change(world, '100', 4, { amount });
    world.process(T0 + 5 * MINUTE);
    expect(standing(world)).toEqual([`100 member-won ${minor} EUR approved`]);
    expect(world.intents).toHaveLength(1);
    expectBalanced(world);
  });

  test('shrinks after the reward was issued: the part that is too much is owed back, and given again when it grows back', () => {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    const member = world.state.members[0]?.id ?? '';
    change(world, '100', 5, { amount: '400.00' });
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 4000 EUR issued']);
    expect(lastReason(world, '100')).toBe(
      'adjusted: The amount of the deal changed: of 100.00 EUR that were paid, 60.00 EUR are taken back.',
    );
    expect(world.balances()[`receivable:member:${member} EUR`]).toBe('6000');
    change(world, '100', 7, { amount: '700.00' });
    world.process(T0 + 8 * MINUTE);
    expect(world.balances()[`receivable:member:${member} EUR`]).toBe('3000');
    change(world, '100', 9, { amount: '5000.00' });
    world.process(T0 + 10 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR issued']);
    expect(world.balances()[`receivable:member:${member} EUR`]).toBeUndefined();
    expectBalanced(world);
  });

  test('falls below what the rule asks for: all of it is taken back', () => {
    const world = worldWith(ruleOf({ conditions: [{ fact: 'deal.amount', op: 'at_least', money: eur(50_000n) }] }));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    change(world, '100', 5, { amount: '400.00' });
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual([]);
    expect(lastReason(world, '100')).toMatch(/^reversed: Not rewarded: deal amount should be at least 500.00 EUR/);
  });

  test('loses its amount: nothing is taken back for a fact that is missing', () => {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    change(world, '100', 5, { amount: null });
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
  });

  test('changes its currency: what was issued is owed back, and a reward in the new one is granted', () => {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    change(world, '100', 5, { currency: 'USD' });
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 10000 USD approved']);
    expect(world.state.rewards.map(({ state }) => state).sort()).toEqual(['approved', 'clawed_back']);
  });

  test('changes while the provider is asked: it is looked at again, and what follows is the same', () => {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.startPaying();
    change(world, '100', 4, { amount: '400.00' });
    const plan = world.process(T0 + 5 * MINUTE);
    expect(plan.wakes).toContainEqual({ record: world.deals.get('100')?.ref, at: T0 + 6 * MINUTE });
    world.finishPaying(T0 + 5.5 * MINUTE);
    world.process(T0 + 6 * MINUTE);
    expect(standing(world)).toEqual(['100 member-won 4000 EUR issued']);
  });

  test('changes nothing for a rule that ignores it, nor for one that was published before rules could say so', () => {
    for (const amountChanges of ['ignore', undefined] as const) {
      const world = worldWith(ruleOf({ amountChanges }));
      win(world, '100', '2', 2);
      world.process(T0 + 3 * MINUTE);
      change(world, '100', 4, { amount: '400.00' });
      world.process(T0 + 5 * MINUTE);
      expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
    }
  });

  test('is seen the same whether every change is read or only the last', () => {
    const amounts = ['400.00', '900.00', '100.00', '1000.00', '650.00'];
    const worlds = [true, false].map((eachChange) => {
      const world = worldWith(ruleOf({}), ruleOf({ key: 'friend', party: 'friend' }));
      win(world, '100', '2', 2);
      world.process(T0 + 3 * MINUTE);
      world.pay(T0 + 3.5 * MINUTE);
      amounts.forEach((amount, index) => {
        change(world, '100', 4 + index, { amount });
        if (eachChange) world.process(T0 + (4.5 + index) * MINUTE);
      });
      world.process(T0 + 20 * MINUTE);
      return world;
    });
    expect(worlds[0]?.story()).toEqual(worlds[1]?.story());
    expect(worlds[0]?.balances()).toEqual(worlds[1]?.balances());
    expect(standing(worlds[1] as World)).toEqual(['100 friend 6500 EUR issued', '100 member-won 6500 EUR issued']);
  });
});

describe('what is owed back', () => {
  /** Ada was paid 100.00 for a deal that was lost then. */
  function indebted(): World {
    const world = worldWith(ruleOf({}));
    win(world, '100', '2', 2);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    change(world, '100', 5, { stageId: 'gone' });
    world.process(T0 + 6 * MINUTE);
    return world;
  }
  const owed = (world: World) =>
    world.state.tallies.get(tallyKey(owedTally(world.state.members[0]?.id ?? '', 'EUR')))?.minor;

  test('is kept from the next reward, and the rest of it is sent', () => {
    const world = indebted();
    expect(owed(world)).toBe(10_000n);
    win(world, '101', '3', 7, { amount: '1500.00' });
    world.process(T0 + 8 * MINUTE);
    const member = world.state.members[0]?.id;
    expect(owed(world)).toBe(0n);
    expect(world.state.rewards.find(({ deal }) => deal.id === '101')).toMatchObject({
      netted: 10_000n,
      state: 'approved',
    });
    world.pay(T0 + 9 * MINUTE);
    expect(world.balances()).toEqual({ 'expense:default EUR': '15000', 'provider:webhook EUR': '-15000' });
    expect(world.balances()[`receivable:member:${member} EUR`]).toBeUndefined();
  });

  test('swallows a smaller reward whole, without an order', () => {
    const world = indebted();
    win(world, '101', '3', 7, { amount: '400.00' });
    world.process(T0 + 8 * MINUTE);
    expect(owed(world)).toBe(6_000n);
    expect(standing(world)).toEqual(['101 member-won 4000 EUR issued']);
    expect(world.intents).toHaveLength(0);
    change(world, '101', 9, { stageId: 'gone' });
    world.process(T0 + 10 * MINUTE);
    expect(owed(world)).toBe(10_000n);
    expectBalanced(world);
  });

  test('is there again when the reward that it was kept from is taken back before it went out', () => {
    const world = indebted();
    win(world, '101', '3', 7, { amount: '1500.00' });
    world.process(T0 + 8 * MINUTE);
    change(world, '101', 9, { stageId: 'gone' });
    world.process(T0 + 10 * MINUTE);
    expect(owed(world)).toBe(10_000n);
    const member = world.state.members[0]?.id;
    expect(world.balances()).toEqual({
      [`receivable:member:${member} EUR`]: '10000',
      'provider:webhook EUR': '-10000',
    });
  });
});

describe('a decision', () => {
  const decided = (rule: Partial<RewardRule>, more: object = {}) => {
    const world = worldWith(ruleOf(rule));
    win(world, '100', '2', 2, more);
    world.process(T0 + 3 * MINUTE);
    const [decision] = world.state.decisions;
    if (!decision) throw new Error('nothing was decided');
    return AUDIENCES.map((audience) => tellDecision(decision, audience, new Map([['100', 'Engines']])));
  };

  test('that pays is told to each in their words', () => {
    expect(decided({ maximum: eur(9_000n) })).toEqual([
      'The deal "Engines" reached Closed Won and every condition is met.',
      'The deal "Engines" reached Closed Won and every condition is met. Rule "member-won" of program "default", version 1; stage mapping map_1.',
      'The deal "Engines" reached Closed Won and every condition is met. Amount: 90.00 EUR. 10 % of 1000.00 EUR is 100.00 EUR. Cut to the greatest amount, 90.00 EUR. Counts from 2026-01-05, recorded 2026-01-05.',
    ]);
  });

  test('that pays nothing says what would make it pay, and which condition was in the way', () => {
    expect(decided({ conditions: [{ fact: 'deal.amount', op: 'at_least', money: eur(500_000n) }] })).toEqual([
      'Not rewarded: deal amount should be at least 5000.00 EUR, it is 1000.00 EUR. Pays when the deal amount is at least 5000.00 EUR.',
      'Not rewarded: deal amount should be at least 5000.00 EUR, it is 1000.00 EUR. Rule "member-won" of program "default", version 1; stage mapping map_1. Asked for: deal amount at least 5000.00 EUR; found: 1000.00 EUR.',
      'Not rewarded: deal amount should be at least 5000.00 EUR, it is 1000.00 EUR. Counts from 2026-01-05, recorded 2026-01-05.',
    ]);
  });
});

test('a deal that flips between won and lost a hundred times is right in the end, with two bookings for each flip', () => {
  const world = worldWith(ruleOf({}));
  win(world, '100', '2', 2);
  for (let flip = 0; flip < 100; flip += 1)
    change(world, '100', 3 + flip, { stageId: flip % 2 === 0 ? 'gone' : '4711' });
  world.process(T0 + 200 * MINUTE);
  expect(standing(world)).toEqual(['100 member-won 10000 EUR approved']);
  expect(world.journals).toHaveLength(101);
  expect(world.intents).toHaveLength(1);
});
