import type { PayoutOrder, PayoutProvider, PayoutSession } from '../../src/application/ports/payout.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { Random } from '../crash/random.ts';
import type { Counters, Weather } from './faults.ts';
import type { Network, NodeLife } from './network.ts';
import type { Scheduler } from './scheduler.ts';

export interface Receiver {
  provider(life: NodeLife): PayoutProvider;
  /** What left, by the order's key. */
  readonly given: ReadonlyMap<string, PayoutOrder & { readonly at: number }>;
  readonly refused: ReadonlySet<string>;
  /** By reward: when it was ordered for the first time, whether or not that order has arrived. */
  readonly orderedAt: ReadonlyMap<string, number>;
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
): Receiver {
  const given = new Map<string, PayoutOrder & { readonly at: number }>();
  const refused = new Set<string>();
  const orderedAt = new Map<string, number>();
  const problems: string[] = [];
  const textOf = ({ accountId, rewardId, money }: PayoutOrder) =>
    `${accountId} ${rewardId} ${money.minor} ${money.currency}`;

  function take(order: PayoutOrder) {
    const known = given.get(order.key);
    if (known) {
      counters['payout asked twice'] += 1;
      if (textOf(known) !== textOf(order))
        problems.push(`key ${order.key} was ordered as ${textOf(known)} and as ${textOf(order)}`);
      return { ok: true as const, reference: null, voucher: null };
    }
    if (refused.has(order.key) || random.chance(weather.payoutRefusals)) {
      counters['payout refused'] += 1;
      refused.add(order.key);
      return { ok: false as const, why: 'no such beneficiary' };
    }
    given.set(order.key, { ...order, at: scheduler.now() });
    return { ok: true as const, reference: null, voucher: null };
  }

  return {
    given,
    refused,
    orderedAt,
    problems,
    provider: (life) =>
      providerOf({
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
        test: async () => ({ ok: true, detail: 'played' }),
      }),
  };
}

function providerOf(session: PayoutSession): PayoutProvider {
  return {
    name: 'webhook',
    description: {
      label: 'A program of the account’s own',
      summary: 'Gives rewards.',
      fields: [],
      amounts: null,
      cancelling: { can: 'never', how: 'It keeps what it was told.' },
      issued: 'final',
      keyLifeMs: null,
    },
    open: async () => session,
  };
}

function unavailable(): Fault {
  return new Fault('payout_unavailable', { kind: 'retry' }, 'No answer.');
}
