import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BACKGROUND_LIMITS, createBudget, type Lane, LIMITS } from '../../../src/crm/hubspot/budget.ts';
import { createTime } from './harness.ts';

/** The most calls that any window of this length contains. */
function busiest(times: readonly number[], windowMs: number): number {
  return Math.max(0, ...times.map((start) => times.filter((at) => at >= start && at < start + windowMs).length));
}

/** Calls arrive at HubSpot after a while and are answered after another. */
function setUp({ upMs = () => 0, downMs = () => 0 }: { upMs?: () => number; downMs?: () => number } = {}) {
  const time = createTime();
  const budget = createBudget(time);
  const arrived: { portal: string; lane: Lane; at: number; order: number }[] = [];
  async function call(portal: string, lane: Lane, order = 0): Promise<void> {
    const answered = await budget.take(portal, lane);
    const up = upMs();
    if (up > 0) await time.sleep(up);
    arrived.push({ portal, lane, at: time.clock(), order });
    const down = downMs();
    if (down > 0) await time.sleep(down);
    answered();
  }
  return { time, budget, sent: arrived, call };
}

describe('the rate budget of a portal', () => {
  test('lets a burst through and makes the rest wait instead of failing', async () => {
    const { sent, call, time } = setUp();
    const start = time.clock();
    await Promise.all(Array.from({ length: 250 }, () => call('1', 'general')));
    expect(sent.filter(({ at }) => at === start)).toHaveLength(LIMITS.general.calls);
    expect(sent).toHaveLength(250);
    expect(
      busiest(
        sent.map(({ at }) => at),
        10_000,
      ),
    ).toBe(LIMITS.general.calls);
    expect(time.clock() - start).toBe(20_000);
  });

  test('stays below HubSpot’s 110 calls per 10 s and 5 searches per s, whenever the calls come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ pauseMs: fc.nat(900), calls: fc.integer({ min: 1, max: 40 }), search: fc.boolean() }), {
          maxLength: 30,
        }),
        async (bursts) => {
          const { sent, call, time } = setUp();
          const pending: Promise<void>[] = [];
          for (const { pauseMs, calls, search } of bursts) {
            for (let index = 0; index < calls; index += 1) pending.push(call('1', search ? 'search' : 'general'));
            await time.sleep(pauseMs);
          }
          await Promise.all(pending);
          const searches = sent.filter(({ lane }) => lane === 'search').map(({ at }) => at);
          expect(
            busiest(
              sent.map(({ at }) => at),
              10_000,
            ),
          ).toBeLessThan(110);
          expect(busiest(searches, 1_000)).toBeLessThan(5);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is kept at HubSpot’s end too, however long each call takes to get there and back', async () => {
    const delays = fc.array(fc.nat(1_500), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, delays, async (ups, downs) => {
        let turn = 0;
        const next = (list: readonly number[]) => () => {
          turn += 1;
          return list[turn % list.length] ?? 0;
        };
        const { sent, call } = setUp({ upMs: next(ups), downMs: next(downs) });
        const lanes = Array.from({ length: 330 }, (_, index): Lane => (index % 10 === 0 ? 'search' : 'general'));
        await Promise.all(lanes.map((lane) => call('1', lane)));
        const searches = sent.filter(({ lane }) => lane === 'search').map(({ at }) => at);
        expect(
          busiest(
            sent.map(({ at }) => at),
            10_000,
          ),
        ).toBeLessThanOrEqual(LIMITS.general.calls);
        expect(busiest(searches, 1_000)).toBeLessThanOrEqual(LIMITS.search.calls);
      }),
      { numRuns: 20 },
    );
  });

  test('is each portal’s own', async () => {
    const { sent, call, time } = setUp();
    const start = time.clock();
    await Promise.all(['1', '2', '3'].flatMap((portal) => Array.from({ length: 100 }, () => call(portal, 'general'))));
    expect(sent.every(({ at }) => at === start)).toBe(true);
  });

  test('serves who came first, so nobody starves', async () => {
    const { sent, call } = setUp();
    await Promise.all(Array.from({ length: 350 }, (_, order) => call('1', 'general', order)));
    expect(sent.map(({ order }) => order)).toEqual(Array.from({ length: 350 }, (_, order) => order));
  });

  test('makes everybody wait when HubSpot asked one of them to slow down', async () => {
    const { sent, call, budget, time } = setUp();
    const start = time.clock();
    budget.pause('1', 'general', 3_000);
    await Promise.all([call('1', 'general'), call('1', 'search'), call('2', 'general')]);
    expect(sent.map(({ portal, at }) => [portal, at - start]).sort()).toEqual([
      ['1', 3_000],
      ['1', 3_000],
      ['2', 0],
    ]);
  });

  test('does not stop for an hour when the clock is set back by one', async () => {
    const { call, time } = setUp();
    await Promise.all(Array.from({ length: 100 }, () => call('1', 'general')));
    time.advance(-3_600_000);
    const start = time.clock();
    await call('1', 'general');
    expect(time.clock() - start).toBeLessThanOrEqual(11_000);
  });

  test('lets what can wait take a part, so that what is of today never stands behind it', async () => {
    const { budget, time } = setUp();
    const start = time.clock();
    const sent = { past: [] as number[], today: [] as number[] };
    const take = async (pace: 'background' | undefined) => {
      const answered = await budget.take('1', 'general', pace);
      sent[pace ? 'past' : 'today'].push(time.clock() - start);
      answered();
    };
    await Promise.all([
      ...Array.from({ length: 200 }, () => take('background')),
      ...Array.from({ length: LIMITS.general.calls - BACKGROUND_LIMITS.general.calls }, () => take(undefined)),
    ]);
    expect(busiest(sent.past, 10_000)).toBe(BACKGROUND_LIMITS.general.calls);
    expect(Math.max(...sent.today)).toBe(0);
  });

  test('lets searches that can wait take two a second, and leaves the others to the customer’s other apps', async () => {
    const { budget, time } = setUp();
    const at: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const answered = await budget.take('1', 'search', 'background');
        at.push(time.clock());
        answered();
      }),
    );
    expect(busiest(at, 1_000)).toBe(BACKGROUND_LIMITS.search.calls);
  });
});
