import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';

/** A hint kept by another process, or a lease that ran out, is found after this long at the latest. */
const POLL_MS = 1_000;
/** A worker whose database is away tries again at this pace and keeps the log readable. */
const FAULT_PAUSE_MS = 2_000;

export interface WorkerDeps {
  readonly name: string;
  /** One batch; returns how much was claimed, 0 when nothing is due. */
  readonly run: (signal: AbortSignal) => Promise<number>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Worker {
  start(): void;
  /** Something may be due: look now instead of at the next poll. */
  poke(): void;
  /** Finishes the batch under way and stops. What was not begun stays in the store for the next start. */
  stop(): Promise<void>;
}

/** Runs batches while there are any, then sleeps until it is poked. Polling is the guarantee, poking only saves the wait. */
export function createWorker({ name, run, clock, log }: WorkerDeps): Worker {
  const stopping = new AbortController();
  let wake: (() => void) | null = null;
  let poked = false;
  let loop: Promise<void> | null = null;

  async function idle(ms: number): Promise<void> {
    if (poked || stopping.signal.aborted) return;
    const woken = new AbortController();
    const stop = () => woken.abort();
    wake = stop;
    stopping.signal.addEventListener('abort', stop, { once: true });
    await clock.sleep(ms, woken.signal);
    stopping.signal.removeEventListener('abort', stop);
    wake = null;
  }

  async function turn(): Promise<void> {
    while (!stopping.signal.aborted) {
      poked = false;
      try {
        if ((await run(stopping.signal)) === 0) await idle(POLL_MS);
      } catch (err) {
        log.error({ err, worker: name }, 'worker could not run');
        await idle(FAULT_PAUSE_MS);
      }
    }
  }

  return {
    start() {
      loop ??= turn();
    },
    poke() {
      poked = true;
      wake?.();
    },
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
