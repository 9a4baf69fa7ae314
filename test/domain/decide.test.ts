import { describe, expect, test } from 'vitest';
import { decide } from '../../src/domain/decide.ts';
import { reasonText } from '../../src/domain/reason.ts';
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

/** Ada (1) referred Bob (2) by the label; Bob's deal 100 has the given history. */
function worldWith(history: Parameters<typeof dealOf>[2], rules = [MEMBER_RULE, FRIEND_RULE]): World {
  const world = createWorld(rules);
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  world.putDeal(dealOf('100', ['2'], history));
  return world;
}

function newest(world: World) {
  return Object.fromEntries(
    world.state.decisions.map(({ ruleKey, outcome, reason }) => [ruleKey, `${outcome}: ${reasonText(reason)}`]),
  );
}

describe('a won deal', () => {
  test("rewards both sides once, from the stage's metadata and whatever its id or label", () => {
    const world = worldWith([pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, WON)]);
    world.process(T0 + 3 * MINUTE);
    expect(world.story()).toEqual([
      '100/friend-won#1 rewarded rewarded 2 5000',
      '100/member-won#1 rewarded rewarded 2 10000',
    ]);
    expect(world.intents).toHaveLength(2);
    world.pay(T0 + 4 * MINUTE);
    const [member, referral] = [world.state.members[0]?.id, world.state.referrals[0]?.id];
    expect(world.balances()).toEqual({
      [`credit:friend:${referral} EUR`]: '-5000',
      [`credit:member:${member} EUR`]: '-10000',
      'expense:default EUR': '15000',
    });
  });

  test('changes nothing when it is read a hundred times more', () => {
    const world = worldWith([pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, WON)]);
    world.process(T0 + 3 * MINUTE);
    const before = structuredClone(world.story());
    for (let again = 0; again < 100; again += 1) {
      const plan = world.process(T0 + (4 + again) * MINUTE);
      expect(plan.rewards).toHaveLength(0);
      expect(plan.mirror).toHaveLength(0);
    }
    expect(world.story()).toEqual(before);
  });

  test('of a stage that is labelled "Won back" but closed without probability is lost', () => {
    const world = worldWith([pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, { stageId: 'gone' })]);
    world.process(T0 + 3 * MINUTE);
    expect(world.state.decisions).toHaveLength(0);
    expect(world.state.referrals[0]?.stage).toBe('lost');
  });

  test('in a second pipeline counts as well', () => {
    const world = worldWith([pointOf(T0 + MINUTE, { pipelineId: 'renewals', stageId: 'r-won' })]);
    world.process(T0 + 3 * MINUTE);
    expect(world.state.rewards).toHaveLength(2);
  });

  test('recorded by a CRM whose clock runs ahead of ours is still seen', () => {
    const world = worldWith([pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE + 1_500, WON)]);
    world.process(T0 + 2 * MINUTE);
    expect(world.state.rewards).toHaveLength(2);
  });
});

test('nodes whose clocks differ agree on which decision is the newest, and come to an end', () => {
  const lost = pointOf(T0 + 3 * MINUTE, { stageId: 'gone' });
  const wonAgain = pointOf(T0 + 4 * MINUTE, WON);
  const history = [pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, WON), lost, wonAgain];
  const world = worldWith(history.slice(0, 2), [MEMBER_RULE]);
  world.process(T0 + 60 * MINUTE);
  world.putDeal(dealOf('100', ['2'], history));
  world.process(T0 + 5 * MINUTE);
  expect(world.story()).toEqual([
    '100/member-won#1 rewarded rewarded 2 10000',
    '100/member-won#2 reversed left_won 3 10000',
    '100/member-won#3 rewarded rewarded 4 10000',
  ]);
  expect(world.state.decisions.map(({ recordedAt }) => recordedAt)).toEqual([60, 60, 60].map((at) => T0 + at * MINUTE));
});

test('a deal that was read just before it was merged into another one is decided on as the other, and comes to an end', () => {
  const world = worldWith([pointOf(T0 + MINUTE, { ...WON, amount: null })], [MEMBER_RULE]);
  world.process(T0 + 2 * MINUTE);
  expect(world.story()).toEqual(['100/member-won#1 waiting amount_missing 1 -']);
  const won = [pointOf(T0 + MINUTE, { ...WON, amount: null }), pointOf(T0 + 3 * MINUTE, { ...WON, amount: '100' })];
  world.putDeal({ ...dealOf('101', ['2'], won), formerIds: ['100'] });
  world.process(T0 + 4 * MINUTE);
  expect(world.story()).toEqual([
    '100/member-won#1 waiting amount_missing 1 -',
    '101/member-won#2 rewarded rewarded 3 1000',
  ]);
});

describe('every decision carries its conditions and their values', () => {
  test('also when the deal has no amount: waiting, and rewarded once it has one', () => {
    const world = worldWith([pointOf(T0 + MINUTE, { ...WON, amount: null })]);
    world.process(T0 + 2 * MINUTE);
    expect(newest(world)).toEqual({
      'member-won': 'waiting: Waiting: the deal "100" has no amount.',
      'friend-won': 'rewarded: The deal "100" reached Closed Won and every condition is met.',
    });
    expect(world.state.decisions.find(({ ruleKey }) => ruleKey === 'member-won')?.conditions).toContainEqual({
      condition: 'deal amount and currency',
      expected: 'an exact amount in a known currency',
      actual: 'none EUR',
      verdict: 'unknown',
    });
    world.putDeal(
      dealOf(
        '100',
        ['2'],
        [pointOf(T0 + MINUTE, { ...WON, amount: null }), pointOf(T0 + 5 * MINUTE, { ...WON, amount: '99.99' })],
      ),
    );
    world.process(T0 + 6 * MINUTE);
    expect(world.story()).toContain('100/member-won#2 rewarded rewarded 5 1000');
  });

  test.each([
    ['1e3', 'EUR', 'amount_invalid'],
    ['-5', 'EUR', 'amount_invalid'],
    ['١٢', 'EUR', 'amount_invalid'],
    ['1,000.00', 'EUR', 'amount_invalid'],
    ['12.345', 'EUR', 'amount_too_precise'],
    ['0.5', 'JPY', 'amount_too_precise'],
    ['12345678901234567890', 'EUR', 'amount_too_large'],
    ['10', null, 'currency_missing'],
    ['10', 'EURO', 'currency_unknown'],
    ['', 'EUR', 'amount_missing'],
    ['0', 'EUR', 'amount_zero'],
  ])('an amount of "%s" %s is answered by %s and pays nothing', (amount, currency, code) => {
    const world = worldWith([pointOf(T0 + MINUTE, { ...WON, amount, currency })], [MEMBER_RULE]);
    world.process(T0 + 2 * MINUTE);
    expect(world.state.decisions.map(({ reason }) => reason.code)).toEqual([code]);
    expect(world.journals).toHaveLength(0);
  });

  test('three decimals are exact in a currency that has three', () => {
    const world = worldWith([pointOf(T0 + MINUTE, { ...WON, amount: '12.345', currency: 'BHD' })], [MEMBER_RULE]);
    world.process(T0 + 2 * MINUTE);
    expect(world.state.rewards[0]?.money).toEqual({ minor: 1_234n, currency: 'BHD' });
  });

  test("an amount below the rule's minimum is skipped with both values, and pays when the amount rises", () => {
    const rule = {
      ...MEMBER_RULE,
      conditions: [
        { fact: 'deal.amount' as const, op: 'at_least' as const, money: { minor: 150_000n, currency: 'EUR' } },
      ],
    };
    const won = pointOf(T0 + MINUTE, WON);
    const world = worldWith([won], [rule]);
    world.process(T0 + 2 * MINUTE);
    expect(newest(world)['member-won']).toBe(
      'skipped: Not rewarded: deal amount should be at least 1500.00 EUR, it is 1000.00 EUR.',
    );
    world.putDeal(dealOf('100', ['2'], [won, { ...won, at: T0 + 3 * MINUTE, amount: '1500' }]));
    world.process(T0 + 4 * MINUTE);
    expect(world.state.rewards[0]?.money.minor).toBe(15_000n);
  });

  test('a pipeline that the rule does not name is skipped', () => {
    const rule = {
      ...MEMBER_RULE,
      conditions: [{ fact: 'deal.pipeline' as const, op: 'in' as const, pipelineIds: ['renewals'] }],
    };
    const world = worldWith([pointOf(T0 + MINUTE, WON)], [rule]);
    world.process(T0 + 2 * MINUTE);
    expect(newest(world)['member-won']).toBe('skipped: Not rewarded: deal pipeline should be renewals, it is sales.');
  });

  test("an amount in another currency than the condition's is not compared", () => {
    const rule = {
      ...MEMBER_RULE,
      conditions: [{ fact: 'deal.amount' as const, op: 'at_least' as const, money: { minor: 1n, currency: 'EUR' } }],
    };
    const world = worldWith([pointOf(T0 + MINUTE, { ...WON, currency: 'USD' })], [rule]);
    world.process(T0 + 2 * MINUTE);
    expect(world.state.decisions[0]?.outcome).toBe('skipped');
  });
});

describe('a deal that leaves Closed Won', () => {
  const history = [pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, WON)];
  const reopened = [...history, pointOf(T0 + 10 * MINUTE)];

  test('before the payout takes the reward back and withdraws the order', () => {
    const world = worldWith(history);
    world.process(T0 + 3 * MINUTE);
    world.putDeal(dealOf('100', ['2'], reopened));
    world.process(T0 + 11 * MINUTE);
    expect(world.intents).toHaveLength(0);
    expect(world.state.rewards.map(({ state }) => state)).toEqual(['voided', 'voided']);
    expect(world.balances()).toEqual({});
  });

  test('after the payout claims it back, and the ledger keeps both movements', () => {
    const world = worldWith(history);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    world.putDeal(dealOf('100', ['2'], reopened));
    world.process(T0 + 11 * MINUTE);
    expect(world.state.rewards.map(({ state }) => state)).toEqual(['clawed_back', 'clawed_back']);
    expect(world.journals.map(({ kind }) => kind).sort()).toEqual([
      'accrue',
      'accrue',
      'claw_back',
      'claw_back',
      'issue',
      'issue',
    ]);
    expect(world.balances()).toEqual({});
  });

  test('after a payout through a provider leaves a debt of the member, not a hole', () => {
    const world = worldWith(history, [{ ...MEMBER_RULE, payout: 'webhook' }]);
    world.process(T0 + 3 * MINUTE);
    world.pay(T0 + 4 * MINUTE);
    world.putDeal(dealOf('100', ['2'], reopened));
    world.process(T0 + 11 * MINUTE);
    const member = world.state.members[0]?.id;
    expect(world.balances()).toEqual({
      'provider:webhook EUR': '-10000',
      [`receivable:member:${member} EUR`]: '10000',
    });
  });

  test('while the provider is being asked waits for the answer, and then takes it back', () => {
    for (const answer of [{ ok: true } as const, { ok: false, why: 'no funds' } as const]) {
      const world = worldWith(history);
      world.process(T0 + 3 * MINUTE);
      world.startPaying();
      world.putDeal(dealOf('100', ['2'], reopened));
      world.process(T0 + 11 * MINUTE);
      expect(world.state.rewards.map(({ state, reversalPending }) => [state, reversalPending])).toEqual([
        ['issuing', true],
        ['issuing', true],
      ]);
      world.finishPaying(T0 + 12 * MINUTE, answer);
      expect(world.state.rewards.map(({ state }) => state)).toEqual(
        answer.ok ? ['clawed_back', 'clawed_back'] : ['voided', 'voided'],
      );
      expect(world.balances()).toEqual({});
    }
  });

  test('and is won again while the provider is being asked keeps the one order', () => {
    const world = worldWith(history);
    world.process(T0 + 3 * MINUTE);
    world.startPaying();
    world.putDeal(dealOf('100', ['2'], reopened));
    world.process(T0 + 11 * MINUTE);
    world.putDeal(dealOf('100', ['2'], [...reopened, pointOf(T0 + 20 * MINUTE, WON)]));
    world.process(T0 + 21 * MINUTE);
    world.finishPaying(T0 + 22 * MINUTE);
    expect(world.state.rewards.map(({ state }) => state)).toEqual(['issued', 'issued']);
  });

  test('and is won again between two reads pays once net, with the whole story told', () => {
    const world = worldWith([...reopened, pointOf(T0 + 20 * MINUTE, WON)], [FRIEND_RULE]);
    world.process(T0 + 30 * MINUTE);
    expect(world.story()).toEqual([
      '100/friend-won#1 rewarded rewarded 2 5000',
      '100/friend-won#2 reversed left_won 10 5000',
      '100/friend-won#3 rewarded rewarded 20 5000',
    ]);
    expect(world.intents).toHaveLength(1);
  });

  test('by being deleted takes the reward back, and restored gives it again', () => {
    const world = worldWith(history, [FRIEND_RULE]);
    world.process(T0 + 3 * MINUTE);
    world.putDeal(dealOf('100', [], [], { presence: 'deleted', name: null }));
    world.process(T0 + 4 * MINUTE);
    expect(newest(world)['friend-won']).toBe('reversed: The deal was deleted in the CRM.');
    world.putDeal(dealOf('100', ['2'], history));
    world.process(T0 + 5 * MINUTE);
    expect(world.state.decisions.map(({ outcome }) => outcome)).toEqual(['rewarded', 'reversed', 'rewarded']);
    expect(world.balances()['expense:default EUR']).toBe('5000');
  });

  test('by losing its association with the friend takes the reward back', () => {
    const world = worldWith(history, [FRIEND_RULE]);
    world.process(T0 + 3 * MINUTE);
    world.putDeal(dealOf('100', ['9'], history));
    world.putContact(contactOf('9'));
    world.process(T0 + 4 * MINUTE);
    expect(newest(world)['friend-won']).toBe('reversed: The deal is no longer associated with the friend.');
  });

  test('for a stage that the mapping does not know takes nothing back', () => {
    const world = worldWith(history, [FRIEND_RULE]);
    world.process(T0 + 3 * MINUTE);
    world.putDeal(dealOf('100', ['2'], [...history, pointOf(T0 + 10 * MINUTE, { stageId: 'brand-new' })]));
    world.process(T0 + 11 * MINUTE);
    expect(world.state.decisions.map(({ outcome }) => outcome)).toEqual(['rewarded']);
  });
});

test('a rewarded deal is looked at again after a day and then ever more rarely, however often it is processed', () => {
  const world = worldWith([pointOf(T0 + MINUTE, WON)], [FRIEND_RULE]);
  const rewardedAt = T0 + 2 * MINUTE;
  const looks = [rewardedAt, rewardedAt + MINUTE, rewardedAt + 1.5 * DAY, rewardedAt + 100 * DAY].map((now) =>
    world.process(now).wakes.map(({ at }) => (at - rewardedAt) / DAY),
  );
  expect(looks).toEqual([[1], [1], [2], [128]]);
  expect(world.process(rewardedAt + 300 * DAY).wakes).toEqual([]);
});

test('so is an open deal, whose deletion nothing else would tell of, until it is won or lost', () => {
  const open = pointOf(T0 + MINUTE);
  const world = worldWith([open], [FRIEND_RULE]);
  const looks = (now: number) => world.process(now).wakes.map(({ at }) => (at - open.at) / DAY);
  expect([T0 + 2 * MINUTE, T0 + 3 * DAY, T0 + 300 * DAY].map(looks)).toEqual([[1], [4], []]);
  world.putDeal(dealOf('100', ['2'], [open, pointOf(T0 + 301 * DAY, { stageId: 'gone' })]));
  expect(looks(T0 + 302 * DAY)).toEqual([]);
});

describe('a hold', () => {
  const rule = { ...FRIEND_RULE, holdDays: 14 };
  const won = pointOf(T0 + MINUTE, WON);

  test('pays at its end, at the moment it ended however late that is noticed', () => {
    const world = worldWith([won], [rule]);
    const plan = world.process(T0 + 2 * MINUTE);
    expect(plan.wakes).toEqual([
      { record: { connectionId: 'con_1', object: 'deal', id: '100' }, at: T0 + MINUTE + 14 * DAY },
    ]);
    expect(world.intents).toHaveLength(0);
    world.process(T0 + 20 * DAY);
    expect(world.story()).toEqual([
      '100/friend-won#1 held held 1 5000',
      `100/friend-won#2 rewarded hold_ended ${1 + 14 * 1440} 5000`,
    ]);
    expect(world.intents).toHaveLength(1);
  });

  test('that the deal does not survive pays nothing', () => {
    const world = worldWith([won], [rule]);
    world.process(T0 + 2 * MINUTE);
    world.putDeal(dealOf('100', ['2'], [won, pointOf(T0 + 3 * DAY)]));
    world.process(T0 + 20 * DAY);
    expect(world.state.decisions.map(({ outcome }) => outcome)).toEqual(['held', 'reversed']);
    expect(world.state.rewards.map(({ state }) => state)).toEqual(['voided']);
    expect(world.balances()).toEqual({});
  });

  test('read only after the deal was won, held out and lost again tells all three', () => {
    const world = worldWith([won, pointOf(T0 + 15 * DAY)], [rule]);
    world.process(T0 + 20 * DAY);
    expect(world.state.decisions.map(({ outcome }) => outcome)).toEqual(['held', 'rewarded', 'reversed']);
    expect(world.intents).toHaveLength(0);
  });
});

describe('attribution', () => {
  const won = [pointOf(T0 + MINUTE, WON)];

  test('by the code that the friend gave, as people write it', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    const code = world.state.members[0]?.code ?? '';
    world.putContact(contactOf('3', { usedCode: ` ${code.toLowerCase().replaceAll('-', ' ')} ` }));
    world.putDeal(dealOf('101', ['3'], won));
    world.process(T0 + 3 * MINUTE);
    expect(world.state.referrals.find(({ friend }) => friend.contact?.id === '3')).toMatchObject({
      source: 'code',
      stage: 'won',
    });
  });

  test('by the e-mail address that was submitted', () => {
    const world = createWorld([FRIEND_RULE]);
    world.putContact(contactOf('2', { email: 'Bob@Example.com ' }));
    world.putDeal(dealOf('100', ['2'], won));
    world.setState({
      members: [
        {
          id: 'mem_a',
          name: 'Ada',
          email: 'ada@example.com',
          code: 'AAAA-AAAA-AAAA',
          contact: null,
          createdAt: T0,
          version: 1,
        },
      ],
      referrals: [
        {
          id: 'ref_a',
          programId: 'default',
          memberId: 'mem_a',
          friend: { name: 'Bob', email: 'bob@example.com', contact: null },
          source: 'explicit',
          stage: 'submitted',
          reason: { code: 'submitted', values: {} },
          stageSince: T0,
          submittedAt: T0,
          version: 1,
        },
      ],
    });
    world.process(T0 + 2 * MINUTE);
    expect(world.state.referrals).toHaveLength(1);
    expect(world.state.referrals[0]).toMatchObject({
      id: 'ref_a',
      source: 'email',
      stage: 'won',
      friend: { contact: { id: '2' } },
    });
    expect(world.state.rewards).toHaveLength(1);
  });

  test('a deal won well before the referral was submitted is skipped with the day', () => {
    const world = createWorld([FRIEND_RULE]);
    world.putContact(contactOf('2', { email: 'bob@example.com' }));
    world.putDeal(dealOf('100', ['2'], won));
    world.setState({
      members: [
        {
          id: 'mem_a',
          name: 'Ada',
          email: 'ada@example.com',
          code: 'AAAA-AAAA-AAAA',
          contact: null,
          createdAt: T0,
          version: 1,
        },
      ],
      referrals: [
        {
          id: 'ref_a',
          programId: 'default',
          memberId: 'mem_a',
          friend: { name: 'Bob', email: 'bob@example.com', contact: null },
          source: 'explicit',
          stage: 'submitted',
          reason: { code: 'submitted', values: {} },
          stageSince: T0 + DAY,
          submittedAt: T0 + DAY,
          version: 1,
        },
      ],
    });
    world.process(T0 + 2 * DAY);
    expect(newest(world)['friend-won']).toBe(
      'skipped: Not rewarded: the deal was won on 2026-01-05, before the referral was submitted.',
    );
  });

  test('a deal won before the program began is never paid by itself', () => {
    const world = worldWith([pointOf(T0 - 30 * DAY, WON)], [FRIEND_RULE]);
    world.process(T0 + MINUTE);
    expect(world.story()).toEqual(['100/friend-won#1 history history -43200 5000']);
    expect(world.journals).toHaveLength(0);
    expect(world.intents).toHaveLength(0);
    expect(world.state.rewards).toHaveLength(0);
  });

  test('a person who refers themself is declined, and a won deal pays nothing', () => {
    const world = createWorld();
    world.putContact(contactOf('1', { referredByIds: ['1'] }));
    world.putDeal(dealOf('100', ['1'], won));
    world.process(T0 + 2 * MINUTE);
    expect(world.state.referrals[0]).toMatchObject({ stage: 'declined', reason: { code: 'self_referral' } });
    expect(world.journals).toHaveLength(0);
  });

  test('two contacts with one e-mail address are one person', () => {
    const world = createWorld();
    world.putContact(contactOf('1', { email: 'same@example.com' }));
    world.putContact(contactOf('2', { email: 'SAME@example.com', referredByIds: ['1'] }));
    world.putDeal(dealOf('100', ['2'], won));
    world.process(T0 + 2 * MINUTE);
    expect(world.state.referrals[0]?.stage).toBe('declined');
  });

  test('of a circle of referrals the one that closes it is declined', () => {
    const world = createWorld();
    world.putContact(contactOf('1', { referredByIds: ['3'] }));
    world.putContact(contactOf('2', { referredByIds: ['1'] }));
    world.putContact(contactOf('3', { referredByIds: ['2'] }));
    world.process(T0 + MINUTE);
    world.process(T0 + 2 * MINUTE);
    const stages = Object.fromEntries(
      world.state.referrals.map(({ friend, stage, reason }) => [friend.contact?.id, `${stage} ${reason.code}`]),
    );
    expect(stages).toEqual({
      1: 'accepted attributed_label',
      2: 'accepted attributed_label',
      3: 'declined referral_cycle',
    });
  });

  test('the first referrer stays when a second label is set later, and the second is kept as evidence', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    const before = world.state.referrals[0]?.memberId;
    world.putContact(contactOf('5', { referredByIds: ['2'] }));
    world.putContact(contactOf('4'));
    world.putContact(contactOf('2', { referredByIds: ['4', '1'] }));
    world.process(T0 + 3 * MINUTE);
    expect(world.state.referrals.find(({ friend }) => friend.contact?.id === '2')?.memberId).toBe(before);
  });

  test('a deal with fifty contacts, two of them referred, is credited to one referral and says so for the other', () => {
    const world = createWorld([FRIEND_RULE]);
    const ids = Array.from({ length: 50 }, (_, index) => String(10 + index));
    world.putContact(contactOf('1'));
    for (const id of ids) world.putContact(contactOf(id, id === '20' || id === '30' ? { referredByIds: ['1'] } : {}));
    world.putDeal(dealOf('100', ids, won));
    world.process(T0 + 2 * MINUTE);
    expect(world.state.rewards).toHaveLength(1);
    const by = Object.fromEntries(
      world.state.decisions.map(({ referralId, reason }) => [
        world.state.referrals.find(({ id }) => id === referralId)?.friend.contact?.id,
        reason.code,
      ]),
    );
    expect(by).toEqual({ 20: 'rewarded', 30: 'other_referral_credited' });
  });

  test('a second won deal of the same friend is skipped, and pays when the first is lost', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.putDeal(dealOf('200', ['2'], [pointOf(T0 + 5 * MINUTE, WON)]));
    world.process(T0 + 6 * MINUTE);
    expect(world.story()).toEqual([
      '100/friend-won#1 rewarded rewarded 1 5000',
      '200/friend-won#1 skipped other_deal_rewarded 5 -',
    ]);
    world.putDeal(dealOf('100', ['2'], [...won, pointOf(T0 + 8 * MINUTE, { stageId: 'gone' })]));
    world.process(T0 + 9 * MINUTE);
    expect(world.story()).toEqual([
      '100/friend-won#1 rewarded rewarded 1 5000',
      '100/friend-won#2 reversed left_won 8 5000',
      '200/friend-won#1 skipped other_deal_rewarded 5 -',
      '200/friend-won#2 rewarded rewarded 8 5000',
    ]);
  });
});

describe('merged records', () => {
  const won = [pointOf(T0 + MINUTE, WON)];

  test('a friend under a new id keeps the referral and is not paid for again', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    world.contacts.delete('2');
    world.putContact(contactOf('77', { formerIds: ['2', '3'], referredByIds: ['1'] }));
    world.putDeal(dealOf('100', ['77'], won));
    world.process(T0 + 3 * MINUTE);
    expect(world.state.referrals).toHaveLength(1);
    expect(world.state.referrals[0]?.friend.contact?.id).toBe('77');
    expect(world.state.rewards).toHaveLength(1);
  });

  test('a member under a new id stays the same member', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    world.contacts.delete('1');
    world.putContact(contactOf('88', { formerIds: ['1'] }));
    world.putContact(contactOf('2', { referredByIds: ['88'] }));
    world.process(T0 + 3 * MINUTE);
    expect(world.state.members).toHaveLength(1);
    expect(world.state.members[0]?.contact?.id).toBe('88');
  });

  test('two deals that become one are paid for once', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    world.deals.delete('100');
    world.putDeal(dealOf('300', ['2'], [pointOf(T0 + 5 * MINUTE, WON)], { formerIds: ['100', '200'] }));
    world.process(T0 + 6 * MINUTE);
    expect(world.state.rewards).toHaveLength(1);
    expect(world.state.decisions).toHaveLength(1);
  });

  test('two deals that become one after each was rewarded by a rule for every deal keep the first reward', () => {
    const world = worldWith(won, [{ ...FRIEND_RULE, deals: { kind: 'every' } }]);
    world.putDeal(dealOf('200', ['2'], won));
    world.process(T0 + 2 * MINUTE);
    world.pay(T0 + 3 * MINUTE);
    const states = () => world.state.rewards.map(({ state, reason: { code } }) => `${state} ${code}`).sort();
    expect(states()).toEqual(['issued rewarded', 'issued rewarded']);
    world.deals.delete('100');
    world.deals.delete('200');
    world.putDeal(dealOf('300', ['2'], won, { formerIds: ['100', '200'] }));
    world.process(T0 + 5 * MINUTE);
    expect(states()).toEqual(['clawed_back deal_merged', 'issued rewarded']);
    world.process(T0 + 6 * MINUTE);
    expect(world.state.decisions.map(({ outcome }) => outcome).sort()).toEqual(['reversed', 'rewarded', 'rewarded']);
  });

  test.each([
    ['as they were made', false],
    ['the other way round', true],
  ])(
    'two deals that become one, lost, take back the reward that moved between them; decisions read %s',
    (_, isReversed) => {
      const world = worldWith(won, [FRIEND_RULE]);
      world.process(T0 + 2 * MINUTE);
      // One reading: the first deal is lost and the second one, won before, gets the reward.
      const lost = pointOf(T0 + 5 * MINUTE, { stageId: 'gone' });
      world.putDeal(dealOf('100', ['2'], [...won, lost]));
      world.putDeal(dealOf('200', ['2'], [pointOf(T0 + 4 * MINUTE, WON)]));
      world.process(T0 + 6 * MINUTE);
      const states = () => world.state.rewards.map(({ deal, state }) => `${deal.id} ${state}`).sort();
      expect(states()).toEqual(['100 voided', '200 approved']);
      if (isReversed) world.setState({ decisions: world.state.decisions.toReversed() });
      world.deals.delete('100');
      world.deals.delete('200');
      world.putDeal(dealOf('300', ['2'], [...won, lost], { formerIds: ['100', '200'] }));
      world.process(T0 + 8 * MINUTE);
      expect(states()).toEqual(['100 voided', '200 voided']);
    },
  );

  test('member and friend that become one person: the reward is taken back', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    world.contacts.clear();
    world.putContact(contactOf('99', { formerIds: ['1', '2'] }));
    world.putDeal(dealOf('100', ['99'], won));
    world.process(T0 + 3 * MINUTE);
    expect(newest(world)['friend-won']).toBe(
      'reversed: The referral is declined: The member and the friend are the same person.',
    );
    expect(world.balances()).toEqual({});
  });

  test.each(['approved', 'issuing'] as const)(
    'a shared deal that its friend is taken off pays the friend who remains, in the same go: the first was %s',
    (first) => {
      const world = createWorld([FRIEND_RULE]);
      world.putContact(contactOf('1'));
      world.putContact(contactOf('20', { referredByIds: ['1'] }));
      world.putContact(contactOf('30', { referredByIds: ['1'] }));
      world.putDeal(dealOf('100', ['30'], won));
      world.process(T0 + 2 * MINUTE);
      world.putDeal(dealOf('100', ['20', '30'], won));
      world.process(T0 + 3 * MINUTE);
      if (first === 'issuing') world.startPaying();
      world.putDeal(dealOf('100', ['20'], won));
      world.process(T0 + 4 * MINUTE);
      const standing = world.state.rewards.filter(({ state }) => state === 'approved');
      const friendOf = (id: string) => world.state.referrals.find((referral) => referral.id === id)?.friend.contact?.id;
      expect(standing.map(({ referralId }) => friendOf(referralId))).toEqual(['20']);
    },
  );

  test('of two friends who are new together on one deal the older contact comes first, in whatever order they were found', () => {
    const world = createWorld();
    world.putContact(contactOf('1'));
    for (const id of ['30', '20']) world.putContact(contactOf(id, { referredByIds: ['1'] }));
    const worthless = [pointOf(T0 + MINUTE, { ...WON, amount: '0' })];
    world.putDeal(dealOf('100', ['20', '30'], worthless));
    world.process(T0 + 2 * MINUTE);
    const codesOf = (contactId: string) => {
      const referral = world.state.referrals.find(({ friend }) => friend.contact?.id === contactId);
      return world.state.decisions
        .filter(({ referralId }) => referralId === referral?.id)
        .map(({ ruleKey, reason }) => `${ruleKey} ${reason.code}`)
        .sort();
    };
    expect(codesOf('20')).toEqual(['friend-won rewarded', 'member-won amount_zero']);
    expect(codesOf('30')).toEqual(['friend-won other_referral_credited', 'member-won other_referral_credited']);
    expect(world.process(T0 + 3 * MINUTE).decisions).toEqual([]);
  });

  test('two friends that become one person: each keeps what was earned while its deal is won, and the later one wins nothing new', () => {
    const world = worldWith(won, [{ ...FRIEND_RULE, holdDays: 14 }]);
    world.process(T0 + 2 * MINUTE);
    world.putContact(contactOf('3', { referredByIds: ['1'] }));
    world.putDeal(dealOf('200', ['3'], [pointOf(T0 + 2 * MINUTE, WON)]));
    world.process(T0 + 3 * MINUTE);
    world.contacts.delete('2');
    world.contacts.delete('3');
    world.putContact(contactOf('77', { formerIds: ['2', '3'], referredByIds: ['1'] }));
    world.putDeal(dealOf('100', ['77'], won));
    const kept = [pointOf(T0 + 2 * MINUTE, WON)];
    world.putDeal(dealOf('200', ['77'], kept));
    world.putDeal(dealOf('300', ['77'], [pointOf(T0 + 4 * MINUTE, WON)]));
    world.process(T0 + 20 * DAY);
    const standing = () => world.state.rewards.map(({ deal, state }) => `${deal.id} ${state}`).sort();
    expect(standing()).toEqual(['100 approved', '200 approved']);
    world.putDeal(dealOf('200', ['77'], [...kept, pointOf(T0 + 21 * DAY, { stageId: 'gone' })]));
    world.process(T0 + 22 * DAY);
    expect(standing()).toEqual(['100 approved', '200 voided']);
  });

  test('a friend whose contact is deleted keeps what was earned', () => {
    const world = worldWith(won, [FRIEND_RULE]);
    world.process(T0 + 2 * MINUTE);
    world.putContact(contactOf('2', { presence: 'deleted' }));
    world.putDeal(dealOf('100', [], won));
    world.process(T0 + 3 * MINUTE);
    expect(world.state.decisions.map(({ outcome }) => outcome)).toEqual(['rewarded']);
  });
});

test('two nodes that decide at the same time on two deals of one referral cannot both commit', () => {
  // The first deal is won and waits for its amount, so that nothing of the referral itself changes by the other two.
  const waiting = [pointOf(T0 + MINUTE, { ...WON, amount: null })];
  const world = worldWith(waiting, [MEMBER_RULE]);
  world.process(T0 + 2 * MINUTE);
  const decideOn = (id: string) =>
    decide({
      friends: [
        {
          contact: contactOf('2', { referredByIds: ['1'] }),
          deals: [dealOf('100', ['2'], waiting), dealOf(id, ['2'], [pointOf(T0 + 3 * MINUTE, WON)])],
        },
      ],
      contacts: world.contacts,
      state: world.state,
      now: T0 + 4 * MINUTE,
    });
  const [one, two] = [decideOn('200'), decideOn('300')];
  for (const { rewards, referrals } of [one, two]) {
    expect(rewards).toHaveLength(1);
    // Each brings the referral's next version, and the store takes only one of them.
    expect(referrals.map(({ version }) => version)).toEqual([2]);
  }
});
