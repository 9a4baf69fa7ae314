import type { PayoutOrder, PayoutProvider, PayoutSession } from '../../src/application/ports/payout.ts';
import type { Container } from '../../src/container.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { PayoutNews } from '../../src/domain/reward.ts';
import type { Random } from '../crash/random.ts';
import type { Counters, Weather } from './faults.ts';
import type { Network, NodeLife } from './network.ts';
import type { Scheduler } from './scheduler.ts';

const MINUTE = 60_000;

/** Where an order is that was carried out: with whoever was given it, used, or with us again. */
export type Whereabouts = 'given' | 'used' | 'returned' | 'cancelled';

/** How soon something happens to what was given: while the answer is on its way, or some time later. */
const HAPPENS_MS = [3_000, 60_000, 8 * MINUTE] as const;
/** How late it is told. */
const TOLD_MS = [500, 30_000, 20 * MINUTE] as const;
/** A call without an answer is made again. */
const TELLS_AGAIN_MS = 3 * MINUTE;

/** One that forgets keys makes us write down that it is asked: what it tells then finds an order that has no answer yet. */
const KEY_LIFE_MS = 60 * 24 * 60 * MINUTE;

export interface Receiver {
  provider(life: NodeLife): PayoutProvider;
  /** A provider of the program's own, whose orders are noted as they are placed. */
  byHand(provider: PayoutProvider): PayoutProvider;
  /** What left, by the order's key. */
  readonly given: ReadonlyMap<string, PayoutOrder & { readonly at: number }>;
  readonly refused: ReadonlySet<string>;
  /** By reward: when it was ordered for the first time, whether or not that order has arrived. */
  readonly orderedAt: ReadonlyMap<string, number>;
  /** By the order's key, of all that was given. */
  readonly whereabouts: ReadonlyMap<string, Whereabouts>;
  /** Orders that differ from the first one under their key. */
  readonly problems: readonly string[];
}

/** Somebody else's program that gives rewards: late, twice asked, without an answer, or not at all, but once per key. */
export function createReceiver(
  scheduler: Scheduler,
  network: Network,
  random: Random,
  weather: Weather,
  counters: Counters,
  containers: () => readonly Container[],
): Receiver {
  const given = new Map<string, PayoutOrder & { readonly at: number }>();
  const refused = new Set<string>();
  const orderedAt = new Map<string, number>();
  const whereabouts = new Map<string, Whereabouts>();
  let told = 0;
  const problems: string[] = [];
  const textOf = ({ accountId, rewardId, money }: PayoutOrder) =>
    `${accountId} ${rewardId} ${money.minor} ${money.currency}`;

  function take(order: PayoutOrder) {
    const known = given.get(order.key);
    if (known) {
      counters['payout asked twice'] += 1;
      if (textOf(known) !== textOf(order))
        problems.push(`key ${order.key} was ordered as ${textOf(known)} and as ${textOf(order)}`);
      return issued(order.key);
    }
    if (refused.has(order.key) || random.chance(weather.payoutRefusals)) {
      counters['payout refused'] += 1;
      refused.add(order.key);
      return { ok: false as const, why: 'no such beneficiary' };
    }
    given.set(order.key, { ...order, at: scheduler.now() });
    whereabouts.set(order.key, 'given');
    if (weather.theme === 'news') liveOn(order);
    return issued(order.key);
  }

  function issued(key: string) {
    return { ok: true as const, reference: weather.theme === 'news' ? referenceOf(key) : null, voucher: null };
  }

  /** What becomes of it is the beneficiary's affair and their bank's. */
  function liveOn(order: PayoutOrder): void {
    const happens = (kind: 'redeemed' | 'failed' | 'returned', from: readonly Whereabouts[], to: Whereabouts) =>
      scheduler.after(random.integer(1, random.pick(HAPPENS_MS)), () => {
        if (!from.includes(whereabouts.get(order.key) ?? 'cancelled')) return;
        whereabouts.set(order.key, to);
        scheduler.note('receiver', `${order.rewardId} is ${kind}`);
        tell(order, kind);
      });
    if (random.chance(0.4)) happens('redeemed', ['given'], 'used');
    if (random.chance(0.4)) happens(random.pick(['failed', 'returned']), ['given', 'used'], 'returned');
  }

  function tell({ key, accountId }: PayoutOrder, kind: PayoutNews['kind']): void {
    told += 1;
    const byKey = random.chance(0.5);
    const news: PayoutNews = {
      eventId: `news ${told}`,
      kind,
      key: byKey ? key : null,
      reference: byKey ? null : referenceOf(key),
      why: 'so it goes',
      at: scheduler.now(),
    };
    let isHeard = false;
    const say = () => {
      const up = containers();
      if (up.length > 0)
        random
          .pick(up)
          .payoutNews.take(accountId, 'webhook', [news])
          .then(
            () => {
              isHeard = true;
            },
            (error: unknown) => scheduler.note('receiver', `is not heard: ${String(error)}`),
          );
      scheduler.after(TELLS_AGAIN_MS, () => {
        if (!isHeard) say();
      });
    };
    for (let times = random.chance(0.4) ? 2 : 1; times > 0; times -= 1) {
      counters['payout told of later'] += 1;
      scheduler.after(random.integer(1, random.pick(TOLD_MS)), say);
    }
  }

  /** What was not given yet under this key never will be. */
  function undo(key: string): 'cancelled' | 'too_late' {
    const where = whereabouts.get(key);
    if (where === 'used') return 'too_late';
    if (where === undefined) refused.add(key);
    else if (where === 'given') whereabouts.set(key, 'cancelled');
    return 'cancelled';
  }

  return {
    given,
    refused,
    orderedAt,
    whereabouts,
    problems,
    byHand: (provider) => ({
      ...provider,
      open: async (of) => {
        const session = await provider.open(of);
        return {
          ...session,
          issue(order, memory) {
            if (!orderedAt.has(order.rewardId)) orderedAt.set(order.rewardId, scheduler.now());
            return session.issue(order, memory);
          },
        };
      },
    }),
    provider: (life) =>
      providerOf(
        {
          async issue(order) {
            if (!orderedAt.has(order.rewardId)) orderedAt.set(order.rewardId, scheduler.now());
            const isTroubled = !network.isCalm && random.chance(weather.payoutTrouble);
            const trouble = isTroubled
              ? random.chance(weather.payoutLate)
                ? 'late'
                : random.pick(['lost', 'unknown'])
              : null;
            if (trouble === 'unknown') {
              counters['payout unknown'] += 1;
              throw unavailable();
            }
            const result = await network.ask(life, `order ${order.rewardId}`, () => take(order));
            if (trouble === 'lost') {
              counters['payout answer lost'] += 1;
              throw unavailable();
            }
            if (trouble === 'late') {
              counters['payout answered late'] += 1;
              await new Promise<void>((resolve) => scheduler.after(random.integer(5_000, 300_000), resolve, life));
            }
            return result;
          },
          ...(weather.theme === 'news'
            ? { cancel: ({ key }) => network.ask(life, `cancel ${key}`, () => undo(key)) }
            : {}),
          test: async () => ({ ok: true, detail: 'played' }),
        },
        weather.theme === 'news' ? KEY_LIFE_MS : null,
        weather.theme === 'console',
      ),
  };
}

function providerOf(session: PayoutSession, keyLifeMs: number | null, isBatched: boolean): PayoutProvider {
  return {
    name: 'webhook',
    description: {
      label: 'A program of the account’s own',
      summary: 'Gives rewards.',
      fields: [],
      amounts: null,
      cancelling: { can: 'never', how: 'It keeps what it was told.' },
      issued: 'final',
      ...(isBatched ? { batching: 'optional' as const } : {}),
      keyLifeMs,
    },
    open: async () => session,
  };
}

function referenceOf(key: string): string {
  return `reference of ${key}`;
}

function unavailable(): Fault {
  return new Fault('payout_unavailable', { kind: 'retry' }, 'No answer.');
}
