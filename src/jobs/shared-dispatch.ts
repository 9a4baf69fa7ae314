import type { Hop, LeaseStore, Listener, Shard, SharedQueue } from '../application/ports/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { type Dispatch, FAULT_PAUSE_MS, nameOf, PER_SHARD_MAX, POLL_MS, type RunBatch } from './dispatch.ts';

/** A shard that has more goes behind the others after this long, so that a million changes of one portal do not hold up the next. */
const SLICE_MS = 1_000;

/** The node that tells of what is due does so every second; another one takes over when it has been silent for this long. */
const TELLER_LEASE_MS = 4_000;

/** Shards told of at a time. What is left over is told of a second later, longest due first. */
const TOLD_MAX = 1_000;

export interface SharedHop {
  readonly run: RunBatch;
  readonly due: (limit: number) => Promise<readonly Shard[]>;
  /** Batches that this node has under way at the same time. */
  readonly concurrency: number;
}

export interface SharedDispatchDeps {
  readonly hops: Readonly<Record<Hop, SharedHop>>;
  readonly queue: SharedQueue;
  readonly leases: LeaseStore;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Of one of several nodes: each hears of shards that have something due. One node at a time tells of those that became due by themselves
 * (a pause has run out, a hold has ended), of what a node that died has left, and of words that got lost.
 */
export function createSharedDispatch({ hops, queue, leases, owner, clock, log }: SharedDispatchDeps): Dispatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loops: Promise<void>[] = [];

  async function listen(hop: Hop): Promise<void> {
    while (!signal.aborted) {
      try {
        const listener = await queue.listen(hop, hops[hop].concurrency, createDrain(hop));
        await endOf(listener);
      } catch (err) {
        log.error({ err, hop }, 'could not listen for work');
      }
      if (!signal.aborted) await clock.sleep(FAULT_PAUSE_MS, signal);
    }
  }

  async function endOf(listener: Listener): Promise<void> {
    const stop = () => void listener.stop();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await listener.ended;
    signal.removeEventListener('abort', stop);
  }

  function createDrain(hop: Hop) {
    const running = new Map<string, number>();
    return async (shard: Shard): Promise<void> => {
      const name = nameOf(shard);
      const others = running.get(name) ?? 0;
      // The batches under way look again until nothing is due, and the teller finds what came too late for them.
      if (others >= PER_SHARD_MAX) return;
      running.set(name, others + 1);
      try {
        if (await drain(hop, shard)) await queue.tell(hop, [shard]);
      } catch (err) {
        log.error({ err, hop }, 'batch could not be run');
        await clock.sleep(FAULT_PAUSE_MS, signal);
      } finally {
        running.set(name, (running.get(name) ?? 1) - 1);
        if (running.get(name) === 0) running.delete(name);
      }
    };
  }

  /** True when the slice is over and there may be more. */
  async function drain(hop: Hop, shard: Shard): Promise<boolean> {
    const endsAt = clock.now() + SLICE_MS;
    while (!signal.aborted) {
      if ((await hops[hop].run(shard, signal)) === 0) return false;
      if (clock.now() >= endsAt) return true;
    }
    return false;
  }

  async function tellAll(): Promise<void> {
    while (!signal.aborted) {
      try {
        const now = clock.now();
        if (await leases.acquire('teller', owner, now, now + TELLER_LEASE_MS)) {
          for (const hop of Object.keys(hops) as Hop[]) {
            const shards = await hops[hop].due(TOLD_MAX);
            if (shards.length > 0) await queue.tell(hop, shards);
          }
        }
      } catch (err) {
        log.error({ err }, 'could not tell of what is due');
        await clock.sleep(FAULT_PAUSE_MS, signal);
      }
      await clock.sleep(POLL_MS, signal);
    }
    await leases.release('teller', owner).catch((err: unknown) => log.warn({ err }, 'teller not released'));
  }

  return {
    start() {
      if (loops.length > 0) return;
      loops.push(tellAll(), ...(Object.keys(hops) as Hop[]).map(listen));
    },
    // Whatever makes something due tells it in its own transaction.
    poke: () => {},
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
