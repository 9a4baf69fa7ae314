import type { Jobs } from '../../../container.ts';
import type { DispatchDeps } from '../../../jobs/dispatch.ts';
import type { ScheduleDeps } from '../../../jobs/schedule.ts';
import type { Clock } from '../../../platform/clock.ts';
import { createRandom } from '../../hubspot/random.ts';

/** A hop that finds something due so often without the time going on would go on for ever. */
const ROUNDS_MAX = 100_000;
/** More than one service has at once. */
const SHARDS_MAX = 20;

/** A time that is not now, until it is: what the service and the local CRMs take for the time. */
export interface Walk extends Clock {
  /** On to a moment; never back. */
  to(at: number): void;
  /** From here on it is the world's time. */
  arrive(): void;
}

export function createWalk(from: number, seed: number): Walk {
  const random = createRandom(seed);
  let at: number | null = from;
  let sleepers: Array<{ readonly due: number; readonly wake: () => void }> = [];
  const now = () => at ?? Date.now();
  return {
    now,
    random: random.next,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      // What runs beside the work is woken by the days; what waits inside of it, such as for a CRM's budget, has the time go on.
      if (signal)
        return new Promise((resolve) => {
          sleepers.push({ due: now() + ms, wake: resolve });
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      if (at !== null) at += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
    to(moment) {
      if (at === null || moment <= at) return;
      at = moment;
      const due = sleepers.filter((one) => one.due <= moment);
      sleepers = sleepers.filter((one) => one.due > moment);
      for (const { wake } of due) wake();
    },
    arrive() {
      at = null;
      for (const { wake } of sleepers.splice(0)) wake();
    },
  };
}

/** The hops and schedules of one service, run one after the other by whoever walks: the same steps in the same order, however fast. */
export function createSteps() {
  const hops: DispatchDeps[] = [];
  const schedules: ScheduleDeps[] = [];
  const going = new AbortController();
  const nothing = async () => {};
  const jobs: Jobs = {
    createDispatch(deps) {
      hops.push(deps);
      return { start() {}, poke() {}, stop: nothing };
    },
    createSchedule(deps) {
      schedules.push(deps);
      return { start() {}, poke() {}, stop: nothing };
    },
  };
  return {
    jobs,
    /** Until nothing is due. @returns how much was done. */
    async work(): Promise<number> {
      let done = 0;
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        let claimed = 0;
        for (const hop of hops)
          for (const shard of await hop.due(SHARDS_MAX)) claimed += await hop.run(shard, going.signal);
        if (claimed === 0) return done;
        done += claimed;
      }
      throw new Error('the service does not come to rest');
    },
    async strike(name: string): Promise<void> {
      const schedule = schedules.find((one) => one.name === name);
      if (!schedule) throw new Error(`there is no schedule "${name}"`);
      await schedule.run(going.signal);
    },
  };
}

export type Steps = ReturnType<typeof createSteps>;
