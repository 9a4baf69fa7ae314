import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDraft } from '../../src/domain/plan.ts';
import type { ProgramVersion, RewardRule } from '../../src/domain/program.ts';
import { reasonText } from '../../src/domain/reason.ts';
import { assess, moveTier, type Scores, type TierChange } from '../../src/domain/tier.ts';
import { levelFor, rankOf, type TierScheme } from '../../src/domain/tier-scheme.ts';
import {
  contactOf,
  createWorld,
  DAY,
  dealOf,
  MEMBER_RULE,
  MINUTE,
  pointOf,
  programOf,
  T0,
  type World,
} from './world.ts';

const WON = { stageId: '4711' };
const ADA = '1';

const BY_WINS: TierScheme = {
  by: { kind: 'won_referrals' },
  down: { kind: 'grace', days: 0 },
  levels: [
    { key: 'silver', name: 'Silver', from: 2 },
    { key: 'gold', name: 'Gold', from: 3 },
  ],
};

const BY_REVENUE: TierScheme = {
  ...BY_WINS,
  by: { kind: 'revenue' },
  levels: [
    { key: 'silver', name: 'Silver', from: { minor: 100_000n, currency: 'EUR' } },
    { key: 'gold', name: 'Gold', from: { minor: 250_000n, currency: 'EUR' } },
  ],
};

const PER_TIER: RewardRule = {
  ...MEMBER_RULE,
  amount: {
    kind: 'per_tier',
    steps: [
      { from: 'silver', amount: { kind: 'percent', basisPoints: 500 } },
      { from: 'gold', amount: { kind: 'percent', basisPoints: 1_000 } },
    ],
  },
};

const GOLD_BONUS: RewardRule = {
  ...MEMBER_RULE,
  key: 'gold-bonus',
  trigger: 'tier_reached',
  tier: 'gold',
  amount: { kind: 'fixed', money: { minor: 20_000n, currency: 'EUR' } },
};

/** Ada (1) has referred contacts 2 to 9. */
function worldWith(tiers: TierScheme, ...rules: readonly RewardRule[]): World {
  const world = createWorld(rules.length > 0 ? rules : [MEMBER_RULE]);
  world.setState({ programs: world.state.programs.map((program) => ({ ...program, tiers })) });
  world.putContact(contactOf(ADA));
  for (let id = 2; id < 10; id += 1) world.putContact(contactOf(String(id), { referredByIds: [ADA] }));
  return world;
}

function win(world: World, friend: number, day: number, more: object = {}): void {
  const at = T0 + day * DAY;
  world.putDeal(dealOf(`d${friend}`, [String(friend)], [pointOf(T0 + MINUTE, more), pointOf(at, { ...WON, ...more })]));
}

function reopen(world: World, friend: number, day: number): void {
  const deal = world.deals.get(`d${friend}`);
  if (!deal) throw new Error('no such deal');
  world.putDeal({ ...deal, history: [...deal.history, pointOf(T0 + day * DAY)] });
}

function moves(world: World): string[] {
  return (world.state.tiers ?? []).map(({ move, to }) => `${move} ${to?.key ?? 'none'}`);
}

/** The tier of Ada as it holds. */
function tierNow(world: World): string | null {
  return world.state.tiers?.at(-1)?.to?.key ?? null;
}

function standing(world: World): string[] {
  return world.state.rewards
    .filter(({ state }) => !['voided', 'clawed_back'].includes(state))
    .map(({ deal, ruleKey, money }) => `${deal.id} ${ruleKey} ${money.minor}`)
    .sort();
}

/** What the job does between two wins. */
function lookAt(world: World, now: number): void {
  const [member] = world.state.members.filter(({ contact }) => contact?.id === ADA);
  if (!member) throw new Error('Ada is no member');
  world.change((draft) => moveTier(draft, world.state, { memberId: member.id, programId: 'default', now }));
}

describe('a member rises', () => {
  test('at once, with the win that reaches the tier, and the change says by what', () => {
    const world = worldWith(BY_WINS);
    win(world, 2, 1);
    world.process(T0 + DAY);
    expect(moves(world)).toEqual([]);
    win(world, 3, 2);
    const plan = world.process(T0 + 2 * DAY);
    expect(plan.tierChanges).toMatchObject([
      { move: 'reached', from: null, to: { key: 'silver', name: 'Silver' }, sequence: 1, evidence: { score: 2n } },
    ]);
    expect(reasonText(plan.tierChanges[0]?.reason ?? { code: 'submitted', values: {} })).toBe(
      'Reached the tier "Silver": 2 won referrals, 2 won referrals asked for.',
    );
    expect(plan.mirror).toContainEqual({ connectionId: 'con_1', object: 'contact', id: ADA });
  });

  test('by the exact money of won deals in the currency of the tiers, whatever the others are in', () => {
    const world = worldWith(BY_REVENUE);
    win(world, 2, 1, { amount: '999.99' });
    win(world, 3, 1, { amount: '5000.00', currency: 'USD' });
    world.process(T0 + DAY);
    expect(tierNow(world)).toBeNull();
    win(world, 4, 2, { amount: '0.01' });
    world.process(T0 + 2 * DAY);
    expect(tierNow(world)).toBe('silver');
    expect(world.state.tiers?.at(-1)?.evidence).toMatchObject({ score: 100_000n, currency: 'EUR' });
  });

  test('over several tiers in one step', () => {
    const world = worldWith(BY_REVENUE);
    win(world, 2, 1, { amount: '2500.00' });
    world.process(T0 + DAY);
    expect(moves(world)).toEqual(['reached gold']);
  });

  test('once, however often the same records are read', () => {
    const world = worldWith(BY_WINS);
    for (const friend of [2, 3, 4]) win(world, friend, 1);
    for (let times = 0; times < 3; times += 1) world.process(T0 + DAY + times * MINUTE);
    expect(tierNow(world)).toBe('gold');
    expect(new Set(moves(world)).size).toBe(moves(world).length);
    expect(world.process(T0 + 2 * DAY).tierChanges).toEqual([]);
  });

  test('by a deal that two friends are on only once', () => {
    const world = worldWith(BY_REVENUE);
    world.putDeal(
      dealOf('shared', ['2', '3'], [pointOf(T0 + MINUTE), pointOf(T0 + DAY, { ...WON, amount: '600.00' })]),
    );
    world.process(T0 + DAY);
    expect(tierNow(world)).toBeNull();
    expect(world.state.referrals.flatMap(({ wonDeals }) => wonDeals ?? [])).toHaveLength(1);
  });
});

describe('a member falls', () => {
  test('with the deal that leaves Closed Won, at once where there is no grace', () => {
    const world = worldWith(BY_WINS);
    for (const friend of [2, 3, 4]) win(world, friend, 1);
    world.process(T0 + DAY);
    reopen(world, 4, 2);
    world.process(T0 + 2 * DAY);
    expect(tierNow(world)).toBe('silver');
    expect(world.state.tiers?.at(-1)?.move).toBe('lost');
  });

  test('by what a deal has shrunk', () => {
    const world = worldWith(BY_REVENUE);
    win(world, 2, 1, { amount: '1000.00' });
    world.process(T0 + DAY);
    const deal = world.deals.get('d2');
    if (!deal) throw new Error('no deal');
    world.putDeal({ ...deal, history: [...deal.history, pointOf(T0 + 2 * DAY, { ...WON, amount: '999.99' })] });
    world.process(T0 + 2 * DAY);
    expect(tierNow(world)).toBeNull();
  });

  test('never, where the program says so', () => {
    const world = worldWith({ ...BY_WINS, down: { kind: 'never' } });
    for (const friend of [2, 3, 4]) win(world, friend, 1);
    world.process(T0 + DAY);
    reopen(world, 4, 2);
    const plan = world.process(T0 + 2 * DAY);
    expect(tierNow(world)).toBe('gold');
    expect(plan.tierLooks).toMatchObject([{ at: null }]);
  });

  test('after the days of grace, and not when they have got back before', () => {
    const world = worldWith({ ...BY_WINS, down: { kind: 'grace', days: 10 } });
    for (const friend of [2, 3, 4]) win(world, friend, 1);
    world.process(T0 + DAY);
    reopen(world, 4, 2);
    const plan = world.process(T0 + 2 * DAY);
    expect(moves(world).at(-1)).toBe('at_risk gold');
    expect(plan.tierLooks).toMatchObject([{ at: T0 + 12 * DAY }]);
    lookAt(world, T0 + 12 * DAY - 1);
    expect(tierNow(world)).toBe('gold');
    win(world, 5, 5);
    world.process(T0 + 5 * DAY);
    expect(moves(world).at(-1)).toBe('kept gold');
    reopen(world, 5, 6);
    world.process(T0 + 6 * DAY);
    lookAt(world, T0 + 16 * DAY);
    expect(moves(world).slice(-2)).toEqual(['at_risk gold', 'lost silver']);
  });

  test('when the window moves on, at the midnight that was foretold', () => {
    const world = worldWith({ ...BY_WINS, windowDays: 30 });
    win(world, 2, 1);
    win(world, 3, 20);
    const plan = world.process(T0 + 20 * DAY);
    // Day 1 leaves a window of 30 days on day 31.
    expect(plan.tierLooks).toMatchObject([{ at: T0 + 31 * DAY }]);
    lookAt(world, T0 + 31 * DAY - 1);
    expect(tierNow(world)).toBe('silver');
    lookAt(world, T0 + 31 * DAY);
    expect(tierNow(world)).toBeNull();
    expect(world.state.tiers?.at(-1)?.evidence).toMatchObject({ score: 1n });
  });

  test('at the end of a window from the day they got there, and stays for another one when the score is there', () => {
    const world = worldWith({
      ...BY_WINS,
      windowDays: 30,
      down: { kind: 'window_end' },
      levels: BY_WINS.levels.slice(0, 1),
    });
    win(world, 2, 1);
    win(world, 3, 2);
    const plan = world.process(T0 + 2 * DAY);
    expect(plan.tierLooks).toMatchObject([{ at: T0 + 32 * DAY }]);
    win(world, 4, 20);
    win(world, 5, 21);
    world.process(T0 + 21 * DAY);
    lookAt(world, T0 + 31.9 * DAY);
    lookAt(world, T0 + 32 * DAY);
    expect(moves(world)).toEqual(['reached silver', 'kept silver']);
    lookAt(world, T0 + 61.9 * DAY);
    expect(tierNow(world)).toBe('silver');
    lookAt(world, T0 + 62 * DAY);
    expect(tierNow(world)).toBeNull();
  });
});

describe('rules look at tiers', () => {
  test('the amount is that of the tier, the win that reaches it included, and later wins change nothing about it', () => {
    const world = worldWith(BY_WINS, PER_TIER);
    for (const friend of [2, 3, 4, 5]) {
      win(world, friend, friend);
      world.process(T0 + friend * DAY);
    }
    expect(standing(world)).toEqual(['d3 member-won 5000', 'd4 member-won 10000', 'd5 member-won 10000']);
    const skipped = world.state.decisions.find(({ deal }) => deal.id === 'd2');
    expect(skipped).toMatchObject({ outcome: 'skipped', reason: { code: 'no_step' } });
  });

  test('a condition holds for a tier and those above it', () => {
    const rule: RewardRule = { ...MEMBER_RULE, conditions: [{ fact: 'member.tier', op: 'at_least', tier: 'silver' }] };
    const not: RewardRule = {
      ...MEMBER_RULE,
      key: 'starter',
      conditions: [{ fact: 'member.tier', op: 'not_in', tiers: ['silver', 'gold'] }],
    };
    const world = worldWith(BY_WINS, rule, not);
    for (const friend of [2, 3, 4]) {
      win(world, friend, friend);
      world.process(T0 + friend * DAY);
    }
    expect(standing(world)).toEqual(['d2 starter 10000', 'd3 member-won 10000', 'd4 member-won 10000']);
  });

  test('the reward for a tier is paid once, by the win that reaches it', () => {
    const world = worldWith(BY_WINS, GOLD_BONUS);
    for (const friend of [2, 3, 4, 5]) {
      win(world, friend, friend);
      world.process(T0 + friend * DAY);
    }
    expect(standing(world)).toEqual(['d4 gold-bonus 20000']);
    expect(world.state.decisions.find(({ deal }) => deal.id === 'd5')?.outcome).toBe('capped');
  });

  test('taken back with its deal, it goes to the next win that is still enough for the tier', () => {
    const world = worldWith(BY_WINS, GOLD_BONUS);
    for (const friend of [2, 3, 4, 5]) {
      win(world, friend, friend);
      world.process(T0 + friend * DAY);
    }
    reopen(world, 4, 6);
    world.process(T0 + 6 * DAY);
    world.process(T0 + 6 * DAY + MINUTE);
    expect(standing(world)).toEqual(['d5 gold-bonus 20000']);
    reopen(world, 5, 7);
    world.process(T0 + 7 * DAY);
    world.process(T0 + 7 * DAY + MINUTE);
    expect(standing(world)).toEqual([]);
  });

  test('the third win pays once, and every second one each time', () => {
    const third: RewardRule = {
      ...MEMBER_RULE,
      key: 'third',
      conditions: [{ fact: 'member.won_referrals', op: 'exactly', count: 3 }],
    };
    const second: RewardRule = {
      ...MEMBER_RULE,
      key: 'second',
      conditions: [{ fact: 'member.won_referrals', op: 'every', count: 2 }],
    };
    const world = createWorld([third, second]);
    world.putContact(contactOf(ADA));
    for (let friend = 2; friend < 8; friend += 1) {
      world.putContact(contactOf(String(friend), { referredByIds: [ADA] }));
      win(world, friend, friend);
      world.process(T0 + friend * DAY);
    }
    expect(standing(world)).toEqual(['d3 second 10000', 'd4 third 10000', 'd5 second 10000', 'd7 second 10000']);
  });
});

describe('recruiters', () => {
  const RECRUITER: RewardRule = { ...MEMBER_RULE, key: 'recruiter-won', party: 'recruiter' };

  test('a member who is staff is paid as a recruiter and not as a member', () => {
    const world = createWorld([MEMBER_RULE, RECRUITER]);
    world.putContact(contactOf(ADA, { isStaff: true }));
    world.putContact(contactOf('2', { referredByIds: [ADA] }));
    win(world, 2, 1);
    world.process(T0 + DAY);
    expect(standing(world)).toEqual(['d2 recruiter-won 10000']);
    expect(world.state.decisions.find(({ ruleKey }) => ruleKey === 'member-won')?.reason.code).toBe(
      'paid_as_recruiter',
    );
    const [reward] = world.state.rewards;
    expect(reward?.beneficiaryId).toBe(world.state.members[0]?.id);
    expect(world.balances()).toHaveProperty(`payable:member:${reward?.beneficiaryId} EUR`, '-10000');
  });

  test('a referral without a recruiter pays the member, and says why the recruiter gets nothing', () => {
    const world = createWorld([MEMBER_RULE, RECRUITER]);
    world.putContact(contactOf(ADA));
    world.putContact(contactOf('2', { referredByIds: [ADA] }));
    win(world, 2, 1);
    world.process(T0 + DAY);
    expect(standing(world)).toEqual(['d2 member-won 10000']);
    expect(world.state.decisions.find(({ ruleKey }) => ruleKey === 'recruiter-won')?.reason.code).toBe('no_recruiter');
  });

  test('the recruiter who owns the referral is paid beside the member', () => {
    const world = createWorld([MEMBER_RULE, RECRUITER]);
    world.putContact(contactOf(ADA));
    world.putContact(contactOf('2', { referredByIds: [ADA] }));
    world.process(T0 + MINUTE);
    const [referral] = world.state.referrals;
    if (!referral) throw new Error('no referral');
    world.change((draft) => draft.putReferral({ ...referral, recruiterId: 'mem_rae' }));
    win(world, 2, 1);
    world.process(T0 + DAY);
    expect(world.state.rewards.map(({ party, beneficiaryId }) => `${party} ${beneficiaryId}`).sort()).toEqual([
      `member ${referral.memberId}`,
      'recruiter mem_rae',
    ]);
  });

  test('what is staff in the CRM no more is a member again', () => {
    const world = createWorld([MEMBER_RULE, RECRUITER]);
    world.putContact(contactOf(ADA, { isStaff: true }));
    world.putContact(contactOf('2', { referredByIds: [ADA] }));
    world.process(T0 + MINUTE);
    world.putContact(contactOf(ADA, { isStaff: false }));
    world.process(T0 + 2 * MINUTE);
    win(world, 2, 1);
    world.process(T0 + DAY);
    expect(standing(world)).toEqual(['d2 member-won 10000']);
  });
});

// ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────────────

const scheme: fc.Arbitrary<TierScheme> = fc
  .record({
    isRevenue: fc.boolean(),
    windowDays: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    down: fc.oneof(
      fc.constant({ kind: 'never' } as const),
      fc.constant({ kind: 'window_end' } as const),
      fc.record({ kind: fc.constant('grace' as const), days: fc.integer({ min: 0, max: 10 }) }),
    ),
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ isRevenue, windowDays, down, steps }) => ({
    by: { kind: isRevenue ? ('revenue' as const) : ('won_referrals' as const) },
    windowDays,
    down: down.kind === 'window_end' && windowDays === undefined ? ({ kind: 'never' } as const) : down,
    levels: steps
      .sort((a, b) => a - b)
      .map((from) => ({
        key: `t${from}`,
        name: `T${from}`,
        from: isRevenue ? { minor: BigInt(from) * 100_000n, currency: 'EUR' } : from,
      })),
  }));

const act = fc.record({
  kind: fc.constantFrom('win' as const, 'reopen' as const, 'look' as const),
  friend: fc.integer({ min: 2, max: 8 }),
  afterDays: fc.integer({ min: 0, max: 12 }),
});

/** Written apart from the engine: days of won deals as a list, added up anew each time. */
function modelScore({ by, windowDays }: TierScheme, won: ReadonlyMap<number, number>, day: number): bigint {
  const counted = [...won.values()].filter((at) => windowDays === undefined || at > day - windowDays);
  return BigInt(counted.length) * (by.kind === 'revenue' ? 100_000n : 1n);
}

describe('whatever happens', () => {
  test('the tier is what an independent count of the won deals gives, by the policy for going down', () => {
    fc.assert(
      fc.property(scheme, fc.array(act, { minLength: 1, maxLength: 25 }), (tiers, acts) => {
        const world = worldWith(tiers, { ...MEMBER_RULE, amountChanges: 'follow' });
        world.process(T0 + 2 * MINUTE);
        const won = new Map<number, number>();
        const offset = Math.floor(T0 / DAY);
        let day = 1;
        let best = -1;
        for (const { kind, friend, afterDays } of acts) {
          day += afterDays;
          if (kind === 'win' && !won.has(friend)) {
            const before = world.deals.get(`d${friend}`)?.history ?? [pointOf(T0 + MINUTE)];
            world.putDeal(dealOf(`d${friend}`, [String(friend)], [...before, pointOf(T0 + day * DAY + 1, WON)]));
            won.set(friend, offset + day);
          } else if (kind === 'reopen' && won.has(friend)) {
            const deal = world.deals.get(`d${friend}`);
            if (deal) world.putDeal({ ...deal, history: [...deal.history, pointOf(T0 + day * DAY + 2)] });
            won.delete(friend);
          }
          day += 1;
          const now = T0 + day * DAY;
          world.process(now);
          lookAt(world, now);
          const target = rankOf(tiers, levelFor(tiers, modelScore(tiers, won, offset + day))?.key ?? null);
          const held = rankOf(tiers, tierNow(world));
          best = Math.max(best, held);
          // Up at once, whatever the policy.
          expect(held).toBeGreaterThanOrEqual(target);
          if (tiers.down.kind === 'grace' && tiers.down.days === 0) expect(held).toBe(target);
          if (tiers.down.kind === 'never') expect(held).toBe(best);
        }
        // Nobody falls for ever: when nothing happens any more, time and the policy come to rest at the score.
        for (let rest = 0; rest < 60; rest += 1) lookAt(world, T0 + (day + rest) * DAY);
        const end = rankOf(tiers, levelFor(tiers, modelScore(tiers, won, offset + day + 59))?.key ?? null);
        if (tiers.down.kind !== 'never' && tiers.down.kind !== 'window_end')
          expect(rankOf(tiers, tierNow(world))).toBe(end);
        assertChain(world.state.tiers ?? []);
        assertTotals(world);
      }),
      { numRuns: 150 },
    );
  });

  test('a look that comes when it was asked for finds what a look on every day would have found', () => {
    fc.assert(
      fc.property(scheme, fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 6 }), (tiers, days) => {
        const unit = tiers.by.kind === 'revenue' ? 100_000n : 1n;
        const scores: Scores = {
          life: BigInt(days.length) * unit,
          on: (day) => BigInt(days.filter((won) => won === day).length) * unit,
        };
        const program = { id: 'default', version: 1 };
        const play = (isEveryDay: boolean) => {
          const chain: TierChange[] = [];
          let next: number | null = 31 * DAY;
          for (let day = 31; day < 150; day += 1) {
            if (!isEveryDay && (next === null || next > day * DAY)) continue;
            const { move, lookAt: at } = assess(tiers, chain.at(-1), scores, day * DAY);
            next = at;
            if (!move) continue;
            chain.push({
              id: '',
              memberId: '',
              program,
              sequence: chain.length + 1,
              move: move.kind,
              from: chain.at(-1)?.to ?? null,
              to: move.to && { key: move.to.key, name: move.to.name },
              reason: { code: 'tier_kept', values: {} },
              evidence: { by: 'revenue', score: move.score, currency: '', sinceDay: null },
              recordedAt: day * DAY,
            });
          }
          return chain.map(({ move, to, recordedAt }) => `${recordedAt / DAY} ${move} ${to?.key}`);
        };
        expect(play(false)).toEqual(play(true));
      }),
      { numRuns: 300 },
    );
  });
});

function assertChain(chain: readonly TierChange[]): void {
  chain.forEach((change, index) => {
    expect(change.sequence).toBe(index + 1);
    expect(change.from).toEqual(chain[index - 1]?.to ?? null);
    expect(change.recordedAt).toBeGreaterThanOrEqual(chain[index - 1]?.recordedAt ?? 0);
  });
}

/** The running totals are what the referrals add up to. */
function assertTotals({ state }: World): void {
  const [member] = state.members;
  if (!member) return;
  const won = state.referrals.flatMap(({ wonDeals }) => wonDeals ?? []);
  const draft = createDraft(state);
  const revenue = draft.tally({ owner: member.id, key: 'revenue', currency: 'EUR' }).minor;
  expect(revenue).toBe(won.reduce((sum, { money }) => sum + (money?.minor ?? 0n), 0n));
  const days = [...state.tallies.values()].filter(({ key }) => key.startsWith('won on '));
  expect(days.reduce((sum, { count }) => sum + count, 0)).toBe(won.length);
}

test('a program without tiers keeps nothing for them', () => {
  const world = createWorld([MEMBER_RULE]);
  world.putContact(contactOf(ADA));
  world.putContact(contactOf('2', { referredByIds: [ADA] }));
  win(world, 2, 1);
  const plan = world.process(T0 + DAY);
  expect(plan.tierLooks).toEqual([]);
  expect(plan.referrals.every(({ wonDeals }) => wonDeals === undefined)).toBe(true);
  expect(plan.tallies.map(({ key }) => key)).toEqual(['won']);
});

test('from the version on that has tiers, what was won before counts', () => {
  const world = createWorld([MEMBER_RULE]);
  world.putContact(contactOf(ADA));
  for (const friend of [2, 3]) {
    world.putContact(contactOf(String(friend), { referredByIds: [ADA] }));
    win(world, friend, 1);
  }
  world.process(T0 + DAY);
  const second: ProgramVersion = { ...programOf([MEMBER_RULE], T0 + 2 * DAY), version: 2, tiers: BY_WINS };
  world.setState({ programs: [...world.state.programs, second] });
  world.process(T0 + 3 * DAY);
  expect(moves(world)).toEqual(['reached silver']);
});
