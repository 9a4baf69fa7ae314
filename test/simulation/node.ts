import { AsyncLocalStorage } from 'node:async_hooks';
import type { PayoutProvider } from '../../src/application/ports/payout.ts';
import type { Store } from '../../src/application/ports/store.ts';
import type { SendWebhook } from '../../src/application/ports/webhook.ts';
import { type Container, createContainer } from '../../src/container.ts';
import { Fault } from '../../src/domain/errors.ts';
import { POLL_MS } from '../../src/jobs/dispatch.ts';
import { fromSettings as createCredit } from '../../src/payout/credit/provider.ts';
import { fromSettings as createManual } from '../../src/payout/manual/provider.ts';
import { fromSettings as createTest } from '../../src/payout/test/provider.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Engine } from '../../src/store/dialect.ts';
import { createStore } from '../../src/store/open.ts';
import type { Session } from '../../src/store/schema.ts';
import type { Random } from '../crash/random.ts';
import { PROVIDER, type SimCrm } from './crm.ts';
import { wokenBy } from './cron.ts';
import { type Counters, ORG_THEME, strokesIn, TRIED_THEME, type Weather } from './faults.ts';
import type { Network, NodeLife } from './network.ts';
import type { Scheduler } from './scheduler.ts';

export type Queue = 'work' | 'intents' | 'mirror' | 'waits' | 'webhooks';

/** A hop of a node that found nothing and sleeps until its next look. */
export interface Idler {
  readonly queue: Queue;
  readonly life: NodeLife;
  wake(): void;
}

export interface SimNode {
  readonly name: string;
  readonly container: Container | null;
  readonly life: NodeLife | null;
  skewMs: number;
  start(): void;
  crash(how: string): void;
  /** Dies after this many more steps, at one of the three moments. */
  crashAfter(steps: number, moment: 'before' | 'inside' | 'after'): void;
  /** Nothing of the node goes on for a while, as when its machine is stopped. */
  pause(ms: number): void;
  /** The clock strikes: what runs by the minute runs now. */
  strike(): void;
}

export interface NodeDeps {
  readonly name: string;
  readonly engine: Engine;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly counters: Counters;
  readonly crm: SimCrm;
  readonly weather: Weather;
  readonly payout: (life: NodeLife) => PayoutProvider;
  /** What is paid by hand, seen by whoever keeps the receiver's books. */
  readonly byHand: (provider: PayoutProvider) => PayoutProvider;
  /** What tests are paid by, seen by whoever keeps watch over them. */
  readonly inTests: (provider: PayoutProvider) => PayoutProvider;
  readonly sendWebhook: (life: NodeLife, now: () => number) => SendWebhook;
  readonly idlers: Set<Idler>;
  /** Whether a claim could find something. One that could not changes nothing, and is not made. */
  readonly isDue: (queue: Queue, now: number) => boolean;
  /** What went wrong inside that nobody should ever see. */
  readonly onProblem: (text: string) => void;
  /** How long until the next sweep; null while there are none. */
  readonly sweepEveryMs: () => number | null;
  /** Whether what runs by the minute does so by itself still. */
  readonly isStriking: () => boolean;
  /** Wakes whoever looks after the streams, before there is something to be heard. */
  readonly onNews: (run: () => void) => void;
}

const STROKE_MS = 60_000;

/** How long it takes until somebody, or a supervisor, has started a dead process again. */
const DOWN_MS = [5_000, 60_000, 600_000] as const;

/** Longer than a claim lasts: somebody else has taken the work over when the node goes on. */
const STALLS_MS = [61_000, 75_000, 120_000] as const;

/** Twice the steps of the work on one batch, as each is counted before and after. */
const STALL_STEPS_MAX = 16;

/** How often a node looks which CRMs there are to listen to (`application/listen.ts`). */
const STREAMS_LOOK_MS = 3_000;
/** So often where nothing happens: the days that follow a history would be made of such looks. */
const STREAMS_REST_MS = 30 * 60_000;

class Torn extends Error {}

interface Own extends NodeLife {
  stepsLeft: number;
  moment: 'before' | 'inside' | 'after';
  pausedUntil: number;
  stall: { steps: number; readonly ms: number } | null;
}

/** Any 32 bytes. */
const KEY = { id: 'k1', key: new Uint8Array(32).fill(7) };
const PUBLIC_URL = 'https://wonward.test';

export function createNode(deps: NodeDeps): SimNode {
  const { name, scheduler, network, random, counters, idlers } = deps;
  const byTheMinute = strokesIn(deps.weather.theme);
  let life: Own | null = null;
  let container: Container | null = null;
  let strokes: Array<() => unknown> = [];

  const node: SimNode = {
    name,
    skewMs: 0,
    get container() {
      return container;
    },
    get life() {
      return life;
    },
    start() {
      const own: Own = {
        name,
        isAlive: true,
        stepsLeft: Number.POSITIVE_INFINITY,
        moment: 'before',
        pausedUntil: 0,
        stall: null,
        strikes(moment) {
          if (!own.isAlive) return true;
          if (own.stall) {
            own.stall.steps -= 1;
            if (own.stall.steps <= 0) {
              node.pause(own.stall.ms);
              own.stall = null;
            }
          }
          own.stepsLeft -= 1;
          if (own.stepsLeft > 0 || own.moment === 'inside') return false;
          if (own.moment !== moment) return false;
          counters[
            moment === 'before' ? 'node crashed between two steps' : 'node crashed after a commit, before it knew'
          ] += 1;
          node.crash(moment === 'before' ? 'between two steps' : 'after a step, before it knew');
          return true;
        },
      };
      life = own;
      scheduler.note(name, 'starts');
      strokes = [];
      container = wokenBy(
        (run, name) => {
          if (byTheMinute.has(name)) strokes.push(run);
          else sweepEvery(own, run);
        },
        () => build(own),
      );
      strikeByTheMinute(own);
      container.start();
    },
    crash(how) {
      if (!life?.isAlive) return;
      scheduler.note(name, `dies ${how}`);
      life.isAlive = false;
      life = null;
      container = null;
      for (const idler of idlers) if (!idler.life.isAlive) idlers.delete(idler);
      scheduler.after(random.pick(DOWN_MS), () => {
        if (!life) node.start();
      });
    },
    crashAfter(steps, moment) {
      if (!life) return;
      life.stepsLeft = steps;
      life.moment = moment;
    },
    strike() {
      if (life) for (const run of strokes) void run();
    },
    pause(ms) {
      if (!life) return;
      scheduler.note(name, `is stopped for ${Math.round(ms / 1_000)} s`);
      life.pausedUntil = scheduler.now() + ms;
    },
  };
  return node;

  function strikeByTheMinute(own: NodeLife): void {
    if (byTheMinute.size === 0) return;
    const next = (): void => {
      if (!deps.isStriking()) return;
      scheduler.after(
        STROKE_MS,
        () => {
          node.strike();
          next();
        },
        own,
      );
    };
    next();
  }

  function sweepEvery(own: NodeLife, run: () => unknown): void {
    const next = (): void => {
      const every = deps.sweepEveryMs();
      if (every === null) return;
      scheduler.after(
        every * (0.9 + 0.2 * random.next()),
        () => {
          void run();
          next();
        },
        own,
      );
    };
    next();
  }

  function build(own: Own): Container {
    const looks = createLooks();
    const clock: Clock = {
      now: () => Math.floor(scheduler.now() + node.skewMs),
      random: () => random.next(),
      sleep(ms, signal) {
        const queue = signal && ms === POLL_MS ? looks.taken() : null;
        // A hop that found nothing: its next look is only simulated when there is something for it to find.
        if (queue) {
          return new Promise((resolve) => {
            const idler: Idler = {
              queue,
              life: own,
              wake() {
                idlers.delete(idler);
                scheduler.after(0, resolve, own);
              },
            };
            idlers.add(idler);
          });
        }
        const isResting = deps.weather.theme === ORG_THEME && ms === STREAMS_LOOK_MS && network.isCalm;
        return new Promise((resolve) => {
          const timer = scheduler.after(isResting ? STREAMS_REST_MS : ms, resolve, own);
          if (isResting)
            deps.onNews(() => {
              timer.cancel();
              scheduler.after(0, resolve, own);
            });
          signal?.addEventListener('abort', () => {
            timer.cancel();
            scheduler.after(0, resolve, own);
          });
        });
      },
    };
    const store = watched(createStore(engineOf(own)), own, looks);
    return createContainer({
      store,
      connectors: new Map([[PROVIDER, deps.crm.connector(own, clock.now)]]),
      providers: new Map([
        ['credit', createCredit()],
        ['webhook', deps.payout(own)],
        ...(deps.weather.theme === 'console'
          ? [['manual', deps.byHand(createManual({ batches: store.batches, now: clock.now } as never))] as const]
          : []),
        ...(deps.weather.theme === TRIED_THEME ? [['test', deps.inTests(createTest())] as const] : []),
      ]),
      clock,
      log: logOf(),
      observe: {
        ...{ processed() {}, decision() {}, payout() {}, mirrorWrites() {} },
        ...{ hints() {}, streamsOpen() {}, streamBroke() {}, streamUndecodable() {}, streamLag() {} },
        webhookSent() {},
      },
      publicUrl: PUBLIC_URL,
      encryptionKeys: [KEY],
      sweepSchedule: '0 * * * *',
      sendLetter: null,
      sendWebhook: deps.sendWebhook(own, clock.now),
      allowPrivateDestinations: false,
      // Figures for people, on which nothing rests.
      pulse: { lag() {}, failure() {}, call() {}, start() {}, flush: async () => {}, stop: async () => {} },
    });
  }

  /** Notices which hop looks, so that its sleep can be told from others'. */
  function watched(store: Store, own: Own, looks: Looks): Store {
    const look =
      (queue: Queue, due: Store['work']['dueShards']): Store['work']['dueShards'] =>
      (now, limit) => {
        looks.begin(queue);
        return deps.isDue(queue, now) ? due(now, limit) : network.step(own, async () => []);
      };
    const notice =
      <I, O>(queue: Queue, claim: (input: I) => Promise<O[]>) =>
      async (input: I): Promise<O[]> => {
        const claimed = await claim(input);
        if (claimed.length > 0) scheduler.note(name, `claims ${claimed.length} of ${queue}${namesOf(claimed)}`);
        if (claimed.length > 0 && !network.isCalm && random.chance(deps.weather.stalls)) {
          counters['node stopped in the middle of its work'] += 1;
          own.stall = { steps: random.integer(1, STALL_STEPS_MAX), ms: random.pick(STALLS_MS) };
        }
        return claimed;
      };
    return {
      ...store,
      work: { ...store.work, claim: notice('work', store.work.claim), dueShards: look('work', store.work.dueShards) },
      payouts: {
        ...store.payouts,
        claim: notice('intents', store.payouts.claim),
        dueShards: look('intents', store.payouts.dueShards),
      },
      mirror: {
        ...store.mirror,
        claim: notice('mirror', store.mirror.claim),
        dueShards: look('mirror', store.mirror.dueShards),
      },
      callbacks: {
        ...store.callbacks,
        claim: notice('waits', store.callbacks.claim),
        dueShards: look('waits', store.callbacks.dueShards),
      },
      // No portal of these histories has its timelines told: there is nothing to look for, and looking would only move every other step.
      appEvents: { ...store.appEvents, claim: async () => [], dueShards: async () => [] },
      webhooks: {
        ...store.webhooks,
        claim: notice('webhooks', store.webhooks.claim),
        dueShards: look('webhooks', store.webhooks.dueShards),
      },
      cases: {
        ...store.cases,
        commit: async (commits) => {
          const results = await store.cases.commit(commits);
          commits.forEach(({ accountId, plan }, index) => {
            const decisions = plan.decisions.map(
              ({ deal, ruleKey, outcome, reason, money }) =>
                ` ${deal.id}/${ruleKey} ${outcome} (${reason.code})${money ? ` ${money.minor} ${money.currency}` : ''}`,
            );
            scheduler.note(name, `commit for ${accountId}: ${results[index]}${decisions.join(',')}`);
          });
          return results;
        },
      },
    };
  }

  function engineOf(own: Own): Engine {
    const { engine } = deps;
    const step = <T>(effect: () => Promise<T>): Promise<T> => {
      const wait = own.pausedUntil - scheduler.now();
      if (wait <= 0) return network.step(own, effect);
      return new Promise((resolve, reject) => {
        scheduler.after(wait, () => void network.step(own, effect).then(resolve, reject), own);
      });
    };
    return {
      ...engine,
      read: (run) => step(() => engine.read(run)),
      snapshot: (run) => step(() => engine.snapshot(run)),
      write: (run) =>
        step(async () => {
          const isTorn = own.moment === 'inside' && own.stepsLeft <= 0;
          if (!isTorn) return engine.write(run);
          const after = random.integer(1, 12);
          let tore = false;
          let isOver = false;
          try {
            return await engine.write((session) =>
              // What came through is asked of other databases later, and comes through there as well.
              isOver
                ? run(session)
                : run(
                    tearing(session, after, () => {
                      tore = true;
                    }),
                  ),
            );
          } finally {
            isOver = true;
            if (tore) {
              counters['node crashed inside a transaction'] += 1;
              node.crash(`inside a transaction, at statement ${after}`);
            }
          }
        }),
      close: async () => {},
    };
  }

  function logOf(): Log {
    const hear = (fields: { err?: unknown }, message: string) => {
      const { err } = fields;
      if (err === undefined) return;
      if (err instanceof Fault) scheduler.note(name, `${message}: ${err.code}`);
      else if (!(err instanceof Torn)) {
        scheduler.note(name, `${message}: ${String(err)}`);
        deps.onProblem(`${message}: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}`);
      }
    };
    return { info() {}, debug() {}, warn: hear, error: hear } as unknown as Log;
  }
}

function namesOf(claimed: readonly unknown[]): string {
  const names = claimed.map((one) => {
    const { record, reward } = one as { record?: { object: string; id: string }; reward?: { id: string } };
    return record ? `${record.object} ${record.id}` : (reward?.id ?? '');
  });
  return `: ${names.join(', ')}`;
}

/** The transaction breaks off at the nth statement, as it does with its process; the database rolls back what it has done. */
function tearing(session: Session, after: number, onTear: () => void): Session {
  let left = after;
  const count = () => {
    left -= 1;
    if (left > 0) return;
    onTear();
    throw new Torn('the process has died');
  };
  return {
    ...session,
    db: session.db.withPlugin({
      transformQuery: ({ node: query }) => query,
      transformResult: async ({ result }) => {
        count();
        return result;
      },
    }),
  };
}

type Looks = ReturnType<typeof createLooks>;

/**
 * Whose sleep it is: that of the hop that has looked last in this very chain of calls. Batches that it began are of an earlier look, and their
 * sleeps are their own.
 */
function createLooks() {
  const context = new AsyncLocalStorage<{ readonly queue: Queue }>();
  const newest = new Map<Queue, { readonly queue: Queue }>();
  return {
    /** Before anything is waited for, so that it holds for whoever waits for the look. */
    begin(queue: Queue): void {
      const look = { queue };
      newest.set(queue, look);
      context.enterWith(look);
    },
    /** Once for each look; null for whoever has not looked. */
    taken(): Queue | null {
      const look = context.getStore();
      if (!look || newest.get(look.queue) !== look) return null;
      newest.delete(look.queue);
      return look.queue;
    },
  };
}
