import { setImmediate as nextTurn } from 'node:timers/promises';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { Shard } from '../../src/application/ports/store.ts';
import { createDispatch, PER_SHARD_MAX, type RunBatch } from '../../src/jobs/dispatch.ts';
import { systemClock } from '../../src/platform/clock.ts';

const log = pino({ level: 'silent' });
const A: Shard = { accountId: 'acc', connectionId: 'a' };
const B: Shard = { accountId: 'acc', connectionId: 'b' };

/** A clock whose sleeps end only when they are woken, so that a test sees whether a poke is what woke the dispatch. */
function sleepless() {
  const slept: number[] = [];
  return {
    slept,
    clock: {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        slept.push(ms);
        return new Promise<void>((resolve) => {
          if (signal?.aborted) resolve();
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      },
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 500; tries += 1) await systemClock.sleep(2);
  expect(isTrue()).toBe(true);
}

/** Batches that a shard has waiting; one run takes one. */
function waiting(batches: Record<string, number>) {
  const left = new Map(Object.entries(batches));
  const of = ({ connectionId }: Shard) => left.get(connectionId ?? '') ?? 0;
  return {
    add: ({ connectionId }: Shard, count: number) => left.set(connectionId ?? '', count),
    of,
    take: (shard: Shard) => left.set(shard.connectionId ?? '', of(shard) - 1),
    due: async (limit: number) => [A, B].filter((shard) => of(shard) > 0).slice(0, limit),
  };
}

function dispatchOf(input: {
  run: RunBatch;
  due: (limit: number) => Promise<readonly Shard[]>;
  clock?: typeof systemClock;
  concurrency?: number;
}) {
  return createDispatch({ hop: 'process', concurrency: 4, clock: systemClock, log, ...input });
}

describe('a dispatch', () => {
  test('drains what is due before it sleeps, and looks again at once when it is poked', async () => {
    const { clock, slept } = sleepless();
    const work = waiting({ a: 3 });
    let runs = 0;
    const dispatch = dispatchOf({
      clock,
      due: work.due,
      concurrency: 1,
      run: async (shard) => {
        runs += 1;
        work.take(shard);
        return 1;
      },
    });
    dispatch.start();
    await until(() => work.of(A) === 0 && slept.length > 0);
    expect(runs).toBe(3);
    work.add(A, 1);
    dispatch.poke();
    await until(() => work.of(A) === 0);
    expect(runs).toBe(4);
    await dispatch.stop();
  });

  test('does not miss a poke that comes while it is looking', async () => {
    const { clock, slept } = sleepless();
    let looks = 0;
    const dispatch = dispatchOf({
      clock,
      due: async () => {
        looks += 1;
        if (looks === 1) dispatch.poke();
        return [];
      },
      run: async () => 0,
    });
    dispatch.start();
    await until(() => slept.length === 1);
    expect(looks).toBe(2);
    await dispatch.stop();
  });

  test('begins at once where it is told that something is due, and asks the database only whether there is more', async () => {
    const { clock, slept } = sleepless();
    let looks = 0;
    const ran: Shard[] = [];
    const dispatch = dispatchOf({
      clock,
      due: async () => {
        looks += 1;
        return [];
      },
      run: async (shard) => ran.push(shard),
    });
    dispatch.start();
    await until(() => slept.length === 1);
    expect(looks).toBe(1);
    dispatch.poke(A);
    await until(() => slept.length >= 2);
    expect(ran).toEqual([A]);
    await dispatch.stop();
  });

  test('is not woken for a shard that has all the workers it may have, and looks again when one of them has ended', async () => {
    const { clock, slept } = sleepless();
    const work = waiting({ a: 10 });
    let looks = 0;
    let end: (() => void) | undefined;
    const dispatch = dispatchOf({
      clock,
      due: async (limit) => {
        looks += 1;
        return work.due(limit);
      },
      run: (shard, signal) => {
        work.take(shard);
        return new Promise((resolve) => {
          end = () => resolve(1);
          signal.addEventListener('abort', end, { once: true });
        });
      },
    });
    dispatch.start();
    await until(() => slept.length === 1);
    expect(work.of(A)).toBe(10 - PER_SHARD_MAX);
    const looksBefore = looks;
    for (let times = 0; times < 20; times += 1) dispatch.poke(A);
    await nextTurn();
    expect([looks, slept.length]).toEqual([looksBefore, 1]);
    end?.();
    await until(() => work.of(A) === 10 - PER_SHARD_MAX - 1);
    expect(looks).toBeGreaterThan(looksBefore);
    await dispatch.stop();
  });

  test('that cannot look, or cannot run a batch, says so and goes on', async () => {
    const work = waiting({ a: 1 });
    let looks = 0;
    let runs = 0;
    const dispatch = dispatchOf({
      clock: { ...systemClock, sleep: () => systemClock.sleep(1) },
      due: async (limit) => {
        looks += 1;
        if (looks === 1) throw new Error('the database is away');
        return work.due(limit);
      },
      run: async (shard) => {
        runs += 1;
        if (runs === 1) throw new Error('the database is away');
        work.take(shard);
        return 1;
      },
    });
    dispatch.start();
    await until(() => work.of(A) === 0);
    expect(runs).toBe(2);
    await dispatch.stop();
  });

  test('that is stopped finishes the batch under way and begins no other', async () => {
    let finished = false;
    let runs = 0;
    const dispatch = dispatchOf({
      due: async () => [A],
      concurrency: 1,
      run: async () => {
        runs += 1;
        await systemClock.sleep(30);
        finished = true;
        return 1;
      },
    });
    dispatch.start();
    await until(() => runs === 1);
    await dispatch.stop();
    expect(finished).toBe(true);
    expect(runs).toBe(1);
  });

  test('a portal that does not answer holds some of the workers, and the portals beside it have the others', async () => {
    const work = waiting({ a: 100, b: 3 });
    let silent = 0;
    const dispatch = dispatchOf({
      due: work.due,
      run: async (shard, signal) => {
        if (shard === A) {
          silent += 1;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          return 0;
        }
        work.take(shard);
        return 1;
      },
    });
    dispatch.start();
    await until(() => work.of(B) === 0);
    expect(silent).toBe(PER_SHARD_MAX);
    await dispatch.stop();
  });

  test('never has more batches under way than it may', async () => {
    const shards = Array.from({ length: 9 }, (_, index) => ({ accountId: 'acc', connectionId: String(index) }));
    let running = 0;
    let most = 0;
    let runs = 0;
    const dispatch = dispatchOf({
      due: async (limit) => shards.slice(0, limit),
      concurrency: 3,
      run: async () => {
        running += 1;
        runs += 1;
        most = Math.max(most, running);
        await systemClock.sleep(1);
        running -= 1;
        return 1;
      },
    });
    dispatch.start();
    await until(() => runs > 30);
    await dispatch.stop();
    expect(most).toBe(3);
    expect(running).toBe(0);
  });
});
