import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSchedule, type Schedule } from '../../src/jobs/schedule.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';

/*
 * Nodes that share a schedule over one store, in a time that the test lets pass. What several nodes do at one stroke of a real clock is
 * in test/nodes.
 */

const LEASE = 'schedule sweep';
const MINUTE = 60_000;

let store: Awaited<ReturnType<typeof openStore>>;

beforeEach(async () => {
  store = await openStore({ url: 'sqlite::memory:' });
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: Date.UTC(2026, 10, 23),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

function node(owner: string, run: (signal: AbortSignal) => Promise<unknown>): Schedule {
  return createSchedule({
    name: 'sweep',
    expression: '*/10 * * * * *',
    run,
    owner,
    leases: store.leases,
    clock: systemClock,
    log: pino({ level: 'silent' }),
  });
}

/** Lets time pass in steps, and the database answer after each. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await vi.advanceTimersByTimeAsync(1_000);
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('a schedule', () => {
  test('goes on at another node within two minutes of the death of a node in its run', async () => {
    const now = Date.now();
    await store.leases.acquire(LEASE, 'a dead node', now, now + MINUTE);
    const ran: number[] = [];
    const living = node('living', async () => void ran.push(Date.now() - now));
    living.start();
    await pass(2 * MINUTE);
    await living.stop();
    expect(ran[0]).toBeGreaterThanOrEqual(MINUTE);
    expect(ran[0]).toBeLessThan(2 * MINUTE);
  });

  test('that is told of something while a dead node holds its lease runs as soon as that has run out, and not at all when it stops before', async () => {
    const now = Date.now();
    await store.leases.acquire(LEASE, 'a dead node', now, now + MINUTE);
    const ran: string[] = [];
    const [living, stopped] = ['living', 'stopped'].map((owner) => node(owner, async () => void ran.push(owner)));
    // Never started: no stroke of the clock comes.
    for (const one of [living, living, stopped]) one?.poke();
    await pass(MINUTE / 2);
    await stopped?.stop();
    expect(ran).toEqual([]);
    await pass(MINUTE / 2 + 1_000);
    expect(ran).toEqual(['living']);
    await pass(2 * MINUTE);
    expect(ran).toEqual(['living']);
    await living?.stop();
  });

  test('keeps a run that lasts longer than its lease at one node', async () => {
    const begun: string[] = [];
    const one = node('one', (signal) => {
      begun.push('one');
      return untilAborted(signal);
    });
    const two = node('two', async () => void begun.push('two'));
    one.start();
    await pass(11_000);
    two.start();
    await pass(5 * MINUTE);
    expect(begun).toEqual(['one']);
    await one.stop();
    await pass(MINUTE);
    await two.stop();
    expect(begun).toContain('two');
  });

  test('ends a run whose lease another node took', async () => {
    let ended = false;
    const one = node('one', async (signal) => {
      await untilAborted(signal);
      ended = true;
    });
    one.start();
    await pass(11_000);
    await store.leases.release(LEASE, 'one');
    await store.leases.acquire(LEASE, 'two', Date.now(), Date.now() + MINUTE);
    await pass(MINUTE / 2);
    expect(ended).toBe(true);
    await one.stop();
  });
});
