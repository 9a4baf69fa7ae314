import cron from 'node-cron';
import type { LeaseStore } from '../application/ports/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';

/** A node that dies in a run is replaced at the first stroke after this; a run that lasts longer renews it. */
const LEASE_MS = 60_000;

/** Well before the lease ends, so that one failure does not cost it. */
const RENEWAL_MS = LEASE_MS / 3;

/** Nodes hear the same stroke of the clock a little apart; whoever comes within this time finds it taken. */
const STROKE_MS = 5_000;

export interface ScheduleDeps {
  readonly name: string;
  /** Five or six fields, UTC. */
  readonly expression: string;
  readonly run: (signal: AbortSignal) => Promise<unknown>;
  readonly owner: string;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Schedule {
  start(): void;
  /**
   * There is something to run: now, instead of at the next stroke. When another node has the lease, once more when that has run out: it
   * may have died.
   */
  poke(): void;
  /** Waits for the run under way. */
  stop(): Promise<void>;
}

/** Runs something on a schedule, on one node at a time: node-cron only wakes, a lease in the store decides who runs. */
export function createSchedule({ name, expression, run, owner, leases, clock, log }: ScheduleDeps): Schedule {
  const stopping = new AbortController();
  let running: Promise<boolean> | null = null;
  /** What came while a run was about to end may not have been seen by it. */
  let isPoked = false;
  let insisting: Promise<void> | null = null;

  /** False when another node has the lease. */
  async function runOnce(): Promise<boolean> {
    const lease = `schedule ${name}`;
    try {
      const startedAt = clock.now();
      if (!(await leases.acquire(lease, owner, startedAt, startedAt + LEASE_MS))) return false;
      const losing = new AbortController();
      let renewed = Promise.resolve();
      const renewal = setInterval(() => {
        renewed = renew(lease, losing);
      }, RENEWAL_MS);
      try {
        await run(AbortSignal.any([stopping.signal, losing.signal]));
      } finally {
        clearInterval(renewal);
        await renewed;
        const now = clock.now();
        if (now < startedAt + STROKE_MS) await leases.acquire(lease, owner, now, startedAt + STROKE_MS);
        else await leases.release(lease, owner);
      }
    } catch (err) {
      log.error({ err, schedule: name }, 'scheduled run failed');
    }
    return true;
  }

  /** A lease that is lost ends the run: another node has begun its own. */
  async function renew(lease: string, losing: AbortController): Promise<void> {
    try {
      const now = clock.now();
      if (await leases.acquire(lease, owner, now, now + LEASE_MS)) return;
      log.warn({ schedule: name }, 'lease lost in a run; another node goes on');
      losing.abort();
    } catch (err) {
      log.warn({ err, schedule: name }, 'lease not renewed; tried again');
    }
  }

  function stroke(): Promise<boolean> {
    running ??= runOnce().finally(() => {
      running = null;
      if (isPoked && !stopping.signal.aborted) {
        isPoked = false;
        void stroke();
      }
    });
    return running;
  }

  async function insist(): Promise<void> {
    if (await stroke()) return;
    await clock.sleep(LEASE_MS, stopping.signal);
    if (!stopping.signal.aborted) await stroke();
  }

  const task = cron.createTask(expression, stroke, {
    name,
    timezone: 'UTC',
    logger: {
      info: (message) => log.info({ schedule: name }, message),
      warn: (message) => log.warn({ schedule: name }, message),
      error: (message, err) => log.error({ err: err ?? message, schedule: name }, 'schedule failed'),
      debug: (message) => log.debug({ schedule: name }, String(message)),
    },
  });

  return {
    start: () => void task.start(),
    poke() {
      if (running) isPoked = true;
      else if (stopping.signal.aborted) return;
      else if (insisting) void stroke();
      else
        insisting = insist().finally(() => {
          insisting = null;
        });
    },
    async stop() {
      stopping.abort();
      await task.stop();
      await Promise.all([running, insisting]);
      // What is left of the last stroke would keep the database looking as if it were in use.
      await leases.release(`schedule ${name}`, owner).catch((err: unknown) => {
        // It runs out by itself; a node that stops because its database is gone still has to stop.
        log.warn({ err, schedule: name }, 'lease not given back');
      });
    },
  };
}
