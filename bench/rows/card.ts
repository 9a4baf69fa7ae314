import { createCard } from '../../src/application/card.ts';
import { createConsoleLinks } from '../../src/application/console-links.ts';
import { createNextAsks } from '../../src/application/next-asks.ts';
import type { Connection, Store } from '../../src/application/ports/store.ts';
import { createTiers } from '../../src/application/tiers.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';
import type { CardQuestion, CardReport } from '../card-reader.ts';
import { openDeals } from '../closes.ts';
import { type BigStore, bigStore, FRIEND_CONTACTS_FROM, MEMBER_CONTACTS_FROM } from '../generate.ts';
import { startLoad } from '../load.ts';
import { startChild } from '../processes.ts';
import { type Context, type Figure, figure, type Row } from '../row.ts';
import { median, percentile } from '../statistics.ts';
import { APP, createWorld } from '../world.ts';

const CARDS_PER_SECOND = 500;
const WEBHOOKS_PER_SECOND = 1_000;
const FRIENDS_PER_MEMBER = 5;
/** Primes, so that cards lie far apart in the store. */
const STRIDE = 7_919;

export const row: Row = {
  name: 'card',
  what: 'The card of a contact, at a million referrals: each of its queries by itself, in process, as the card asks them (cards of members and of friends in turns, contacts from all over the store); and over HTTP at 500 cards a second while 1,000 webhooks a second come in, from two other processes, corrected for omission.',
  target: '≤ 150 µs; ≤ 10 ms',
  isCheap: false,
  async run(context) {
    const store = await bigStore(context, context.pick(1_000_000, 2_000));
    const http = await overHttp(context, store);
    const { queries, cards } = await inProcess(context, store);
    const slowest = [...queries].sort(([, a], [, b]) => percentile(b, 99) - percentile(a, 99));
    const list = slowest.map(
      ([name, times]) => `${name} ${median(times).toFixed(0)}/${percentile(times, 99).toFixed(0)}`,
    );
    context.note(`Queries, p50/p99 in µs: ${list.join(', ')}.`);
    return [
      figure(
        'card, query p99',
        percentile(
          slowest.flatMap(([, times]) => times),
          99,
        ),
        'µs',
        { atMost: 150 },
      ),
      figure('card, query p50', median(slowest.flatMap(([, times]) => times)), 'µs'),
      figure('card, whole card in process p50', median(cards), 'µs'),
      figure('card, whole card in process p99', percentile(cards, 99), 'µs'),
      figure('card, HTTP p99', median(http.map(({ p99 }) => p99)), 'ms', { atMost: 10 }),
      figure('card, HTTP p50', median(http.map(({ p50 }) => p50)), 'ms'),
    ] satisfies Figure[];
  },
};

/** Members and friends in turns. */
function contactsOf({ referrals }: Pick<BigStore, 'referrals'>, count: number): string[] {
  const members = Math.floor(referrals / FRIENDS_PER_MEMBER);
  return Array.from({ length: count }, (_, index) =>
    index % 2 === 0
      ? String(MEMBER_CONTACTS_FROM + 1 + ((index * STRIDE) % members))
      : String(FRIEND_CONTACTS_FROM + 1 + ((index * STRIDE) % referrals)),
  );
}

async function overHttp(context: Context, store: BigStore): Promise<Array<{ p50: number; p99: number }>> {
  const load = await startLoad(context);
  const reader = await startChild(context, 'bench/card-reader.ts');
  const world = await createWorld(context, { databaseUrl: store.databaseUrl, tenants: [store.tenant] });
  await world.start();
  await world.install();
  const deals = await openDeals(context, { world, load, perPortal: context.pick(1_000, 20) });
  const seconds = context.pick(10, 1);
  const rates = context.pick([CARDS_PER_SECOND, WEBHOOKS_PER_SECOND], [20, 40]);
  const [cardsPerSecond = 0, webhooksPerSecond = 0] = rates;
  const measured: Array<{ p50: number; p99: number }> = [];
  // The first round warms up both sides and is not counted.
  for (let round = 0; round <= context.rounds; round += 1) {
    const changes = Array.from({ length: webhooksPerSecond * seconds }, (_, index) => deals[index % deals.length]);
    await load.prepare({
      port: world.port,
      url: `${world.publicUrl}/webhooks/hubspot`,
      changes: changes.flatMap((change) => change ?? []),
      eventsPerDelivery: 1,
    });
    const question: CardQuestion = {
      url: world.publicUrl,
      secret: APP.clientSecret,
      portalId: store.tenant.portalId,
      contactIds: contactsOf(store, cardsPerSecond * seconds),
      perSecond: cardsPerSecond,
      seconds,
    };
    const [webhooks, cards] = await Promise.all([
      load.open({ connections: 100, perSecond: webhooksPerSecond, seconds }),
      reader.ask<CardReport>(question),
    ]);
    if (cards.shown < cards.asked) throw new Error(`cards that were not shown: ${JSON.stringify(cards.others)}`);
    if (webhooks.acknowledged < webhooks.sent)
      context.note(`Webhooks not acknowledged: ${JSON.stringify(webhooks.statuses)}.`);
    const one = { p50: percentile(cards.latencies, 50), p99: percentile(cards.latencies, 99) };
    if (round > 0) measured.push(one);
    context.say(`round ${round}: p50 ${one.p50.toFixed(1)} ms, p99 ${one.p99.toFixed(1)} ms`);
  }
  await world.stop();
  return measured;
}

interface Asked {
  readonly name: string;
  ask(): Promise<unknown>;
}

/** Whole cards first; then every query that they asked, again and alone, since a card asks several at once. */
async function inProcess(context: Context, { databaseUrl, tenant, ...of }: BigStore) {
  const store = await openStore({ url: databaseUrl });
  context.onEnd(() => store.close());
  const connection = await store.connections.get(tenant.accountId, tenant.connectionId);
  if (!connection) throw new Error('the store has no connection');
  const asked: Asked[] = [];
  const recording = recorder(store, asked);
  const cards: number[] = [];
  const contactIds = contactsOf(of, context.pick(4_000, 100));
  const warmUp = contactIds.slice(0, contactIds.length / 4);
  await showAll(store, connection, warmUp);
  cards.push(...(await showAll(store, connection, contactIds)));
  await showAll(recording, connection, contactIds);

  const queries = new Map<string, number[]>();
  for (const { name, ask } of asked) {
    const startedAt = performance.now();
    await ask();
    const times = queries.get(name) ?? [];
    times.push((performance.now() - startedAt) * 1_000);
    queries.set(name, times);
  }
  return { queries, cards };
}

async function showAll(store: Store, connection: Connection, contactIds: readonly string[]): Promise<number[]> {
  const tiers = createTiers({ store, clock: systemClock });
  const card = createCard({
    store,
    clock: systemClock,
    publicUrl: 'https://wonward.test',
    recordUrl: () => null,
    nextAsks: createNextAsks({ store, clock: systemClock, recordUrl: () => null }),
    consoleLinks: createConsoleLinks('https://referrals.example.com'),
    tiers,
  });
  const times: number[] = [];
  for (const contactId of contactIds) {
    const startedAt = performance.now();
    const shown = await card({ connection, contactId, user: null, cursor: null, encodeCursor: () => '' });
    times.push((performance.now() - startedAt) * 1_000);
    if (!shown.ok || shown.data.role === 'none') throw new Error(`the card of ${contactId} is empty`);
  }
  return times;
}

/** The same store, which notes what is asked of it. */
function recorder(store: Store, asked: Asked[]): Store {
  const noted = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...input: unknown[]) => {
          const ask = () => method.apply(target, input) as Promise<unknown>;
          asked.push({ name: String(name), ask });
          return ask();
        };
      },
    });
  return {
    ...store,
    reads: noted(store.reads),
    cases: noted(store.cases),
    mirror: noted(store.mirror),
    programs: noted(store.programs),
    connections: noted(store.connections),
  };
}
