import { booksProblems } from '../../../src/application/verify-books.ts';
import type { Reward } from '../../../src/domain/decision.ts';
import { intentFor, type Plan } from '../../../src/domain/plan.ts';
import type { RewardRule } from '../../../src/domain/program.ts';
import type { DealPoint } from '../../../src/domain/record.ts';
import { decideByPerson } from '../../../src/domain/review.ts';
import { type PayoutNewsKind, payoutNews, settlePayout } from '../../../src/domain/reward.ts';
import { budgetTally, tallyKey } from '../../../src/domain/tally.ts';
import { contactOf, createWorld, dealOf, T0 } from '../world.ts';
import type { Point } from './model.ts';

const STAGES: Readonly<Record<Point['meaning'], Readonly<Record<string, string>>>> = {
  open: { sales: 'open', renewals: 'r-open' },
  won: { sales: '4711', renewals: 'r-won' },
  lost: { sales: 'gone' },
  unknown: { sales: 'brand-new', renewals: 'brand-new' },
};

const ACCOUNT = 'acc_1';

/**
 * The product's own domain with as much of a store around it as the model's commands need: one friend is looked at after each change, as the
 * process hop does, and who waits in line is woken when a commit leaves room, as `store/tallies.ts` does.
 */
export function createProduct(
  rules: readonly RewardRule[],
  friends: ReadonlyArray<readonly [id: string, memberId: string]>,
) {
  const world = createWorld(rules);
  for (const memberId of new Set(friends.map(([, id]) => id))) world.putContact(contactOf(memberId));
  for (const [id, memberId] of friends) world.putContact(contactOf(id, { referredByIds: [memberId] }));
  const friendOfDeal = new Map<string, string>();
  const line = new Map<string, Plan['waiting'][number]>();
  const orders = new Map<string, 'pending' | 'done' | 'cancelled'>();
  let wakes: ReadonlyArray<{ readonly at: number; readonly friendId: string }> = [];

  function take(plan: Plan): string[] {
    for (const { id } of plan.intents) orders.set(id, 'pending');
    for (const id of plan.cancelledIntentIds) orders.set(id, 'cancelled');
    for (const { at, record } of plan.wakes)
      wakes = [...wakes, { at, friendId: friendOfDeal.get(record.id) as string }];
    const roomy = plan.tallies
      .filter(({ key, count, minor }) =>
        key === 'budget' ? minor > 0n : key.startsWith('limit ') && (count < 0 || minor < 0n),
      )
      .map(tallyKey);
    const woken = [...line].filter(([, { on }]) => roomy.includes(tallyKey(on)));
    for (const [key] of woken) line.delete(key);
    for (const one of plan.waiting) {
      const key = `${tallyKey(one.on)}\n${one.record.id}`;
      if (!line.has(key)) line.set(key, one);
    }
    return woken
      .map(([, one]) => one)
      .sort((a, b) => a.since - b.since || (a.record.id < b.record.id ? -1 : 1))
      .map(({ record }) => friendOfDeal.get(record.id) as string);
  }

  function settle(plan: Plan, now: number): void {
    const queue = take(plan);
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      queue.push(...take(world.process(now, [next])));
  }

  const lookAt = (friendId: string, now: number) => settle(world.process(now, [friendId]), now);
  // The members are looked at once, and everybody else, before anything happens.
  world.process(T0);

  function nameOf({ id }: Pick<Reward, 'id'>): string {
    const granted = world.state.decisions.find(({ rewardId }) => rewardId === id);
    return `${granted?.deal.id}/${granted?.ruleKey}#${granted?.sequence}`;
  }

  function rewardNamed(name: string): Reward {
    const reward = world.state.rewards.find((one) => nameOf(one) === name);
    if (!reward) throw new Error(`the product has no reward ${name}`);
    return reward;
  }

  /** Ids of the product's people as the model calls them. */
  function plain(text: string): string {
    const people = [
      ...world.state.members.map(({ id, contact }) => [id, `member ${contact?.id}`] as const),
      ...world.state.referrals.map(({ id, friend }) => [id, `friend ${friend.contact?.id}`] as const),
    ];
    return people.reduce((named, [id, name]) => named.replace(id, name), text);
  }

  return {
    change(
      dealId: string,
      friendId: string,
      { meaning, pipelineId, amount, currency }: Omit<Point, 'at'>,
      now: number,
    ): void {
      friendOfDeal.set(dealId, friendId);
      const before = world.deals.get(dealId) ?? dealOf(dealId, [friendId], []);
      const point: DealPoint = {
        at: now,
        pipelineId,
        stageId: STAGES[meaning][pipelineId] as string,
        amount,
        currency,
      };
      world.putDeal({ ...before, history: [...before.history, point] });
      lookAt(friendId, now);
    },
    place(dealId: string, { isLinked, isDeleted }: { isLinked?: boolean; isDeleted?: boolean }, now: number): void {
      const deal = world.deals.get(dealId);
      const friendId = friendOfDeal.get(dealId);
      if (!deal || friendId === undefined) throw new Error(`no deal ${dealId}`);
      world.putDeal({
        ...deal,
        ...(isLinked === undefined ? {} : { contactIds: isLinked ? [friendId] : [] }),
        ...(isDeleted === undefined ? {} : { presence: isDeleted ? 'deleted' : 'present' }),
      });
      lookAt(friendId, now);
    },
    lookAt,
    wakes: () => wakes,
    forgetWakes(upTo: number): void {
      wakes = wakes.filter(({ at }) => at > upTo);
    },
    fill: (currency: string, minor: bigint, now: number) =>
      settle(
        world.change((draft) => draft.count({ ...budgetTally('default', currency), count: 0, minor })),
        now,
      ),
    ask(name: string): void {
      const reward = rewardNamed(name);
      if (orders.get(intentFor(reward).id) !== 'pending') throw new Error(`nobody has ordered ${name}`);
      world.change((draft) => draft.putReward({ ...reward, state: 'issuing' }));
    },
    answer(name: string, isPaid: boolean, now: number): void {
      const reward = rewardNamed(name);
      orders.set(intentFor(reward).id, 'done');
      const answer = isPaid ? ({ ok: true } as const) : ({ ok: false, why: 'no such account' } as const);
      settle(
        world.change((draft) => settlePayout(draft, reward, answer, now)),
        now,
      );
    },
    tell: (name: string, kind: PayoutNewsKind, now: number) =>
      settle(
        world.change((draft) => payoutNews(draft, rewardNamed(name), { kind, why: null, at: now }, now)),
        now,
      ),
    decide: (name: string, isApproved: boolean, now: number) =>
      settle(
        world.change((draft) =>
          decideByPerson(draft, ACCOUNT, rewardNamed(name), { isApproved, by: 'finance', why: 'seen', at: now }),
        ),
        now,
      ),
    story: () =>
      world.state.decisions
        .map(
          ({ deal, ruleKey, sequence, outcome, reason, effectiveAt, money }) =>
            `${deal.id}/${ruleKey}#${sequence} ${outcome} ${reason.code} ${effectiveAt} ${money ? `${money.minor} ${money.currency}` : '-'}`,
        )
        .sort(),
    standings: () =>
      world.state.rewards
        .map(
          (reward) =>
            `${nameOf(reward)} ${reward.state} ${reward.money.minor} ${reward.money.currency} kept ${reward.netted} back ${reward.clawedBack} ${reward.review} ${reward.orderAt}${reward.reversalPending ? ' doomed' : ''}`,
        )
        .sort(),
    balances(): Record<string, string> {
      const named = Object.entries(world.balances()).map(([key, sum]) => {
        const [account = '', currency] = key.split(' ');
        const [kind, ...rest] = account.split(':');
        if (kind === 'expense') return [`expense ${currency}`, sum] as const;
        if (kind === 'provider') return [`provider ${rest[0]} ${currency}`, sum] as const;
        return [`${kind} ${plain(rest.at(-1) ?? '')} ${currency}`, sum] as const;
      });
      return Object.fromEntries(named.sort());
    },
    tallies(): Record<string, string> {
      const named = [...world.state.tallies.values()]
        .filter(({ count, minor }) => count !== 0 || minor !== 0n)
        .map(({ owner, key, currency, count, minor }) => {
          const whose = owner.startsWith('program ') ? 'program' : plain(owner);
          if (key === 'budget') return [`budget ${currency}`, String(minor)] as const;
          if (key === 'owed') return [`owed ${whose} ${currency}`, String(minor)] as const;
          if (key === 'won') return [`won ${whose}`, String(count)] as const;
          const [, across, of, window, period = ''] = key.split(' ');
          const name = ['limit', whose, across, of, window, period, currency].join(' ');
          return [name, String(currency === '' ? count : minor)] as const;
        });
      return Object.fromEntries(named.sort());
    },
    stages: () => world.state.referrals.map(({ friend, stage }) => `${friend.contact?.id} ${stage}`).sort(),
    /** What an auditor finds wrong with the books as they stand. */
    problems: () =>
      world.state.referrals.flatMap(({ id }) => {
        const rewards = world.state.rewards.filter(({ referralId }) => referralId === id);
        const ids = new Set(rewards.map((reward) => reward.id));
        return booksProblems({
          decisions: world.state.decisions.filter(({ referralId }) => referralId === id),
          rewards,
          journals: world.journals.filter(({ rewardId }) => ids.has(rewardId)),
          intents: rewards.flatMap((reward) => {
            const intent = intentFor(reward);
            const state = orders.get(intent.id);
            return state ? [{ ...intent, state }] : [];
          }),
          programs: world.state.programs,
        });
      }),
  };
}

export type Product = ReturnType<typeof createProduct>;
