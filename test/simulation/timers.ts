/**
 * Stands for `node:timers/promises` under src/, and for the global timers: whatever waits there waits on the simulated clock too.
 */
type After = (ms: number, run: () => void) => { cancel(): void };

let after: After = () => {
  throw new Error('a timer was set outside of a history');
};

/** The real one, taken before it is replaced. */
const realImmediate = globalThis.setImmediate;

/** Everything that was resolved has been heard, and what follows from that as well. */
export function drained(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

export function keepTimeWith(next: After): void {
  after = next;
}

export function replaceGlobalTimers(): void {
  const set = (run: (...args: unknown[]) => void, ms: number, args: unknown[]) => {
    const timer = { ...after(ms, () => run(...args)), ref: () => timer, unref: () => timer };
    return timer;
  };
  const clear = (timer: { cancel?(): void } | undefined) => timer?.cancel?.();
  Object.assign(globalThis, {
    setTimeout: (run: () => void, ms = 0, ...args: unknown[]) => set(run, ms, args),
    setImmediate: (run: () => void, ...args: unknown[]) => set(run, 0, args),
    clearTimeout: clear,
    clearImmediate: clear,
  });
}

export const setTimeout = <T>(ms: number, value?: T): Promise<T | undefined> =>
  new Promise((resolve) => void after(ms, () => resolve(value)));

export const setImmediate = <T>(value?: T): Promise<T | undefined> => setTimeout(0, value);
