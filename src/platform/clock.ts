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
  // Not by node:timers/promises, which makes an error with a stack for each sleep that is ended early: workers are woken all the time.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
    }),
  random: () => Math.random(),
};
