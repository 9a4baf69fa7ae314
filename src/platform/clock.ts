import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance as the rest of the code gets them: passed in, so that a test decides what they are. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1, for jitter. Nothing that must be unguessable comes from here. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {}).catch((cause: unknown) => {
      if (!signal?.aborted) throw cause;
    });
  },
  random: () => Math.random(),
};
