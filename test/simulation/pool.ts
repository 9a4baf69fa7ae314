import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Theme } from './faults.ts';
import type { HistoryReport } from './history.ts';
import type { Edit } from './hooks.ts';

/** One seed in so many is lived twice: the two histories must be the same. */
const TWICE_EVERY = 50;

/** Each takes some 150 MB. */
const THREADS_MAX = 8;

/** A history takes a second. One that is not over by then hangs where no step is taken, such as in a loop of the code under test. */
const HANGS_AFTER_MS = 180_000;

export interface PoolInput {
  readonly from: number;
  readonly seeds: number;
  readonly edits?: readonly Edit[];
  readonly threads?: number;
  /** What every history is about; null: what its seed draws. */
  readonly theme?: Theme | null;
  /** Reports bring their timeline also when no law was broken; it is much to copy. */
  readonly isVerbose?: boolean;
  /** Returns true to stop. */
  readonly onReport: (report: HistoryReport) => boolean;
}

/** The thread is lost with it, so a run ends here. */
export class HangingHistory extends Error {
  readonly seed: number;

  constructor(seed: number) {
    super(`seed ${seed} hangs: npm run sim -- --seeds 1 --from ${seed}`);
    this.seed = seed;
  }
}

/** Lives the histories of a range of seeds in as many threads as there are cores. Each thread is given the next seed when it is done. */
export async function liveAll({
  from,
  seeds,
  edits = [],
  threads = Math.min(availableParallelism(), THREADS_MAX),
  isVerbose = false,
  theme = null,
  onReport,
}: PoolInput): Promise<void> {
  let next = from;
  let isOver = false;
  const oneThread = async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { edits, isVerbose, theme } });
    try {
      await new Promise<void>((resolve, reject) => {
        let watchdog: NodeJS.Timeout | undefined;
        const give = () => {
          clearTimeout(watchdog);
          if (isOver || next >= from + seeds) return resolve();
          const seed = next;
          next += 1;
          watchdog = setTimeout(() => reject(new HangingHistory(seed)), HANGS_AFTER_MS);
          worker.postMessage({ seed, twice: seed % TWICE_EVERY === 0 });
        };
        worker.on('message', (message: HistoryReport | { ready: true }) => {
          if (!('ready' in message) && onReport(message)) isOver = true;
          give();
        });
        worker.once('error', reject);
        worker.once('exit', (code) => reject(new Error(`a thread has ended with ${code}`)));
      });
    } finally {
      worker.removeAllListeners('exit');
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, seeds) }, oneThread));
}
