import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { createWorker } from '../../src/jobs/worker.ts';
import { systemClock } from '../../src/platform/clock.ts';

const log = pino({ level: 'silent' });

/** A clock whose sleeps end only when they are woken, so that a test sees whether a poke is what woke the worker. */
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

describe('a worker', () => {
  test('drains what is due before it sleeps, and looks again at once when it is poked', async () => {
    const { clock, slept } = sleepless();
    let due = 3;
    let runs = 0;
    const worker = createWorker({
      name: 'w',
      clock,
      log,
      run: async () => {
        runs += 1;
        return due-- > 0 ? 1 : 0;
      },
    });
    worker.start();
    await until(() => slept.length === 1);
    expect(runs).toBe(4);
    due = 1;
    worker.poke();
    await until(() => slept.length === 2);
    expect(runs).toBe(6);
    await worker.stop();
  });

  test('does not miss a poke that comes while it is busy', async () => {
    const { clock, slept } = sleepless();
    let runs = 0;
    const worker = createWorker({
      name: 'w',
      clock,
      log,
      run: async () => {
        runs += 1;
        if (runs === 1) worker.poke();
        return 0;
      },
    });
    worker.start();
    await until(() => slept.length === 1);
    expect(runs).toBe(2);
    await worker.stop();
  });

  test('that cannot run says so and goes on', async () => {
    const { clock, slept } = sleepless();
    let runs = 0;
    const worker = createWorker({
      name: 'w',
      clock,
      log,
      run: async () => {
        runs += 1;
        if (runs === 1) throw new Error('the database is away');
        return 0;
      },
    });
    worker.start();
    await until(() => slept.length === 1);
    worker.poke();
    await until(() => slept.length === 2);
    expect(runs).toBe(2);
    await worker.stop();
  });

  test('that is stopped finishes the batch under way and begins no other', async () => {
    let finished = false;
    let runs = 0;
    const worker = createWorker({
      name: 'w',
      clock: systemClock,
      log,
      run: async () => {
        runs += 1;
        await systemClock.sleep(30);
        finished = true;
        return 1;
      },
    });
    worker.start();
    await until(() => runs === 1);
    await worker.stop();
    expect(finished).toBe(true);
    expect(runs).toBe(1);
  });
});
