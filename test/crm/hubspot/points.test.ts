import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HISTORY_LENGTH_MAYBE_CUT, type POINT_PROPERTIES, pointsOf } from '../../../src/crm/hubspot/points.ts';
import type { HubSpotRecord } from '../../../src/crm/hubspot/wire.ts';

const T = Date.UTC(2026, 0, 1);

type Entry = [atOffset: number, value: string];

/** A deal whose properties changed as listed, oldest first; HubSpot lists newest first. */
function dealOf(
  histories: Partial<Record<(typeof POINT_PROPERTIES)[number], Entry[]>>,
  { properties = {}, createdAt = T, updatedAt = T + 1_000_000 }: Partial<HubSpotRecord> = {},
): HubSpotRecord {
  const present = Object.entries(histories).map(([name, entries]) => [name, entries.at(-1)?.[1] ?? null]);
  return {
    id: '1',
    properties: { ...Object.fromEntries(present), ...properties },
    propertiesWithHistory: Object.fromEntries(
      Object.entries(histories).map(([name, entries]) => [
        name,
        entries.map(([at, value]) => ({ timestamp: T + at, value })).reverse(),
      ]),
    ),
    createdAt,
    updatedAt,
    archived: false,
  };
}

function summary(record: HubSpotRecord) {
  return pointsOf(record, 'EUR').map(({ at, stageId, amount }) => [at - T, stageId, amount]);
}

describe('the history of a deal', () => {
  test('is one point per moment at which stage, pipeline, amount or currency changed, oldest first', () => {
    const deal = dealOf({
      pipeline: [[0, 'default']],
      dealstage: [
        [0, 'open'],
        [30, 'won'],
        [50, 'open'],
      ],
      amount: [
        [10, '100'],
        [30, '120.50'],
      ],
      deal_currency_code: [[10, 'USD']],
    });
    expect(pointsOf(deal, 'EUR')).toEqual([
      { at: T, pipelineId: 'default', stageId: 'open', amount: null, currency: 'EUR' },
      { at: T + 10, pipelineId: 'default', stageId: 'open', amount: '100', currency: 'USD' },
      { at: T + 30, pipelineId: 'default', stageId: 'won', amount: '120.50', currency: 'USD' },
      { at: T + 50, pipelineId: 'default', stageId: 'open', amount: '120.50', currency: 'USD' },
    ]);
  });

  test('shows a deal that was won and re-opened between two reads', () => {
    const deal = dealOf({
      dealstage: [
        [0, 'open'],
        [10, 'won'],
        [11, 'open'],
      ],
    });
    expect(summary(deal).map(([, stage]) => stage)).toEqual(['open', 'won', 'open']);
  });

  test('begins at the creation of the deal with the oldest known stage', () => {
    expect(
      summary(
        dealOf({
          dealstage: [
            [5, 'open'],
            [9, 'won'],
          ],
        }),
      ),
    ).toEqual([
      [0, 'open', null],
      [9, 'won', null],
    ]);
  });

  test('begins when HubSpot got the deal, not at a creation date that an import set back', () => {
    const properties = { hs_createdate: new Date(T + 4).toISOString() };
    const deal = dealOf(
      { dealstage: [[5, 'won']] },
      { createdAt: Date.UTC(2001, 0, 1), properties: { ...properties, dealstage: 'won' } },
    );
    expect(summary(deal)).toEqual([[4, 'won', null]]);
  });

  test('claims nothing about the time before it when HubSpot may have cut it', () => {
    const bounces = Array.from(
      { length: HISTORY_LENGTH_MAYBE_CUT },
      (_, index): Entry => [1_000 + index, index % 2 ? 'open' : 'won'],
    );
    expect(summary(dealOf({ dealstage: bounces }))[0]).toEqual([1_000, 'won', null]);
    expect(summary(dealOf({ dealstage: bounces.slice(1) }))[0]).toEqual([0, 'open', null]);
  });

  test('uses the present value of a property that has no history', () => {
    const deal = dealOf(
      {
        dealstage: [
          [0, 'open'],
          [7, 'won'],
        ],
      },
      { properties: { dealstage: 'won', amount: '90', pipeline: 'p2' } },
    );
    expect(pointsOf(deal, null)).toEqual([
      { at: T, pipelineId: 'p2', stageId: 'open', amount: '90', currency: null },
      { at: T + 7, pipelineId: 'p2', stageId: 'won', amount: '90', currency: null },
    ]);
    const bare = { ...deal, propertiesWithHistory: {} };
    expect(summary(bare)).toEqual([[0, 'won', '90']]);
  });

  test('knows a cleared amount from one that was never set, and neither is zero', () => {
    expect(
      summary(
        dealOf({
          dealstage: [[0, 'open']],
          amount: [
            [3, '10'],
            [4, ''],
          ],
        }),
      ),
    ).toEqual([
      [0, 'open', null],
      [3, 'open', '10'],
      [4, 'open', null],
    ]);
  });

  test('ends with what the record is now, also when HubSpot’s history lags behind it', () => {
    const deal = dealOf({ dealstage: [[0, 'open']] }, { properties: { dealstage: 'won' }, updatedAt: T + 99 });
    expect(summary(deal)).toEqual([
      [0, 'open', null],
      [99, 'won', null],
    ]);
    const sameMoment = dealOf({ dealstage: [[0, 'open']] }, { properties: { dealstage: 'won' }, updatedAt: T });
    expect(summary(sameMoment)).toEqual([[0, 'won', null]]);
  });

  test('of two values with one timestamp takes the one that HubSpot lists first', () => {
    const deal = dealOf({
      dealstage: [
        [0, 'open'],
        [5, 'middle'],
        [5, 'won'],
      ],
    });
    expect(summary(deal)).toEqual([
      [0, 'open', null],
      [5, 'won', null],
    ]);
  });

  test('always is ordered, without repetition, complete, and ends in the present state', () => {
    const entries = (values: readonly string[]) =>
      fc
        .array(fc.tuple(fc.nat(20), fc.constantFrom(...values)), { maxLength: 8 })
        .map((list): Entry[] => [...new Map(list).entries()].sort(([a], [b]) => a - b));
    fc.assert(
      fc.property(
        entries(['a', 'b', 'c']),
        entries(['p', 'q']),
        entries(['', '1', '2']),
        entries(['', 'EUR', 'USD']),
        fc.integer({ min: -5, max: 25 }),
        (dealstage, pipeline, amount, currency, created) => {
          fc.pre(dealstage.length > 0 && pipeline.length > 0);
          const deal = dealOf(
            { dealstage, pipeline, amount, deal_currency_code: currency },
            { createdAt: T + created },
          );
          const points = pointsOf(deal, 'EUR');
          expect(points.length).toBeGreaterThan(0);
          for (const [index, point] of points.entries()) {
            const before = points[index - 1];
            if (before) {
              expect(point.at).toBeGreaterThan(before.at);
              expect({ ...point, at: 0 }).not.toEqual({ ...before, at: 0 });
            }
          }
          // Whatever the stage was at any moment of its history, the points say so.
          for (const [at, stage] of dealstage) {
            expect(points.findLast((point) => point.at <= T + at)?.stageId).toBe(stage);
          }
          const { dealstage: stage, pipeline: pipe, amount: sum, deal_currency_code: code } = deal.properties;
          expect(points.at(-1)).toMatchObject({
            stageId: stage,
            pipelineId: pipe,
            amount: sum || null,
            currency: code || 'EUR',
          });
        },
      ),
    );
  });
});
