import type { Hop, Shard } from '../application/ports/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';

/** Work kept by another process, or a lease that ran out, is found after this long at the latest. */
export const POLL_MS = 1_000;

/** A hop whose database is away tries again at this pace and keeps the log readable. */
export const FAULT_PAUSE_MS = 2_000;

/**
 * Batches of one shard that a node has under way: one that waits for the CRM and one that decides. More would let a portal that
 * answers slowly, and is told of every second, take all of a node's workers and hold up the portals beside it.
 */
export const PER_SHARD_MAX = 2;

/** Given as the reason of an abort, which would else make an error with a stack for each webhook that wakes a hop. */
const WOKEN = 'woken';

/** One batch of a shard; returns how much was claimed, 0 when nothing is due. */
export type RunBatch = (shard: Shard, signal: AbortSignal) => Promise<number>;

/** Runs a hop's batches wherever something is due. */
export interface Dispatch {
  start(): void;
  /**
   * Something may be due, there or anywhere: now instead of at the next poll. A shard that is named is tried without a look at the
   * database, and nothing is done for one that has all the workers it may have: when one of them ends, it is looked for anyway.
   */
  poke(shard?: Shard): void;
  /** Finishes the batches under way and stops. What was not begun stays in the store for the next start. */
  stop(): Promise<void>;
}

export interface DispatchDeps {
  readonly hop: Hop;
  readonly run: RunBatch;
  /** Shards that have something due, longest due first. */
  readonly due: (limit: number) => Promise<readonly Shard[]>;
  /** Batches that a node has under way at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of the only node: it looks for itself. Polling is the guarantee, poking only saves the wait. */
export function createDispatch({ hop, run, due, concurrency, clock, log }: DispatchDeps): Dispatch {
  const stopping = new AbortController();
  const running = new Map<Promise<void>, string>();
  const named = new Map<string, Shard>();
  let wake: (() => void) | null = null;
  /** Whether the database has to be asked what is due. */
  let looks = true;
  let loop: Promise<void> | null = null;

  /** True when nobody has woken it. */
  async function idle(ms: number): Promise<boolean> {
    if (looks || named.size > 0 || stopping.signal.aborted) return false;
    const woken = new AbortController();
    const stop = () => woken.abort(WOKEN);
    wake = stop;
    stopping.signal.addEventListener('abort', stop, { once: true });
    await clock.sleep(ms, woken.signal);
    stopping.signal.removeEventListener('abort', stop);
    wake = null;
    return !woken.signal.aborted;
  }

  function poke(shard?: Shard): void {
    if (shard && !hasRoom(nameOf(shard))) return;
    if (shard) named.set(nameOf(shard), shard);
    else looks = true;
    wake?.();
  }

  function hasRoom(name: string): boolean {
    if (running.size >= concurrency) return false;
    let own = 0;
    for (const other of running.values()) if (other === name) own += 1;
    return own < PER_SHARD_MAX;
  }

  function begin(shard: Shard): void {
    const batch: Promise<void> = runBatch(shard).finally(() => {
      running.delete(batch);
      poke();
    });
    running.set(batch, nameOf(shard));
  }

  async function runBatch(shard: Shard): Promise<void> {
    try {
      await run(shard, stopping.signal);
    } catch (err) {
      log.error({ err, hop }, 'batch could not be run');
      // Its place is kept: a database that is away is not asked again at once.
      await clock.sleep(FAULT_PAUSE_MS, stopping.signal);
    }
  }

  /** True when a batch was begun. */
  async function beginWhatIsDue(): Promise<boolean> {
    let shards: readonly Shard[] = [...named.values()];
    named.clear();
    if (looks) {
      looks = false;
      // Those that are full are due as well; behind them must be room for the others.
      if (running.size < concurrency) shards = await due(concurrency + running.size);
    }
    const before = running.size;
    for (const shard of shards) if (hasRoom(nameOf(shard))) begin(shard);
    return running.size > before;
  }

  async function turn(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        // There may be more than the batches that were begun have taken.
        if (await beginWhatIsDue()) looks = true;
        else if (await idle(POLL_MS)) looks = true;
      } catch (err) {
        log.error({ err, hop }, 'could not look for work');
        await idle(FAULT_PAUSE_MS);
        looks = true;
      }
    }
    await Promise.all(running.keys());
  }

  return {
    start() {
      loop ??= turn();
    },
    poke,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

export function nameOf({ accountId, connectionId }: Shard): string {
  return `${accountId} ${connectionId ?? ''}`;
}
