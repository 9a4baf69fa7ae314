import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accepted,
  type Baseline,
  baselineOf,
  DRIFT_KINDS,
  type DriftKind,
  driftsOf,
  type Observed,
  SILENT_MS,
  wasLookedAt,
} from '../../src/domain/drift.ts';
import { mapCatalog, type StageCatalog } from '../../src/domain/mapping.ts';

const NOW = Date.UTC(2026, 10, 23);
const NOTHING: Observed = {
  catalog: null,
  mapping: { version: 'm', entries: [] },
  provisioned: null,
  properties: new Map(),
  programs: [],
  scopes: { granted: [], required: ['a'] },
  hints: null,
  fault: null,
};

const seeing = (catalog: StageCatalog, more: Partial<Observed> = {}): Observed => ({
  ...NOTHING,
  catalog,
  mapping: { version: 'm', entries: mapCatalog(catalog, []) },
  ...more,
});
const kindsOf = (baseline: Baseline, observed: Observed, now = NOW) =>
  driftsOf('con_a', baseline, observed, now).map(({ kind }) => kind);
const EMPTY: Baseline = { stages: [], properties: [] };

const stage = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  label: fc.constantFrom('New', 'Signed', 'Lost'),
  isClosed: fc.boolean(),
  probability: fc.constantFrom(null, 0, 0.5, 1),
});
const pipeline = fc.record({
  id: fc.constantFrom('p', 'q', 'r'),
  label: fc.constantFrom('Sales', 'Renewals'),
  stages: fc.uniqueArray(stage, { selector: ({ id }) => id, minLength: 1 }),
});
const catalogs = fc.record({ pipelines: fc.uniqueArray(pipeline, { selector: ({ id }) => id, minLength: 1 }) });

describe('whatever a CRM is like', () => {
  test('one that is as it was seen has not drifted', () => {
    fc.assert(
      fc.property(catalogs, (catalog) => {
        expect(kindsOf(baselineOf(seeing(catalog), null), seeing(catalog))).toEqual([]);
      }),
    );
  });

  test('each difference is told once, under a key of its own, and none is left when each was taken as it is', () => {
    fc.assert(
      fc.property(catalogs, catalogs, (before, after) => {
        const baseline = baselineOf(seeing(before), null);
        const drifts = driftsOf('con_a', baseline, seeing(after), NOW);
        expect(new Set(drifts.map(({ dedupeKey }) => dedupeKey)).size).toBe(drifts.length);
        expect(drifts.length === 0).toBe(
          JSON.stringify(baselineOf(seeing(before), null).stages.toSorted(byKey)) ===
            JSON.stringify(baselineOf(seeing(after), null).stages.toSorted(byKey)),
        );
        const left = drifts.reduce((seen, drift) => accepted(seen, drift, seeing(after)), baseline);
        expect(kindsOf(left, seeing(after))).toEqual([]);
      }),
    );
  });

  test('what was not read opens nothing and ends nothing', () => {
    fc.assert(
      fc.property(catalogs, (catalog) => {
        expect(kindsOf(baselineOf(seeing(catalog), null), NOTHING)).toEqual([]);
        for (const kind of DRIFT_KINDS) expect(wasLookedAt(kind, {}, NOTHING), kind).toBe(false);
      }),
    );
  });
});

const byKey = (a: Baseline['stages'][number], b: Baseline['stages'][number]) =>
  `${a.pipelineId} ${a.stageId}` < `${b.pipelineId} ${b.stageId}` ? -1 : 1;

describe('events that come no more', () => {
  const dead = (dealIds: string[], since: number, lastAt: number | null) =>
    kindsOf(EMPTY, { ...NOTHING, hints: { dealIds, since, lastAt } });
  const three = ['1', '2', '3'];

  test.each<[string, string[], number, number | null, DriftKind[]]>([
    ['three changes and half an hour of silence', three, NOW - SILENT_MS, NOW - SILENT_MS - 1, ['hints_dead']],
    ['none ever', three, NOW - SILENT_MS, null, ['hints_dead']],
    ['two changes', ['1', '2'], NOW - SILENT_MS, null, []],
    ['half an hour that is not over', three, NOW - SILENT_MS + 1, null, []],
    ['an event after the first of them', three, NOW - SILENT_MS, NOW - SILENT_MS, []],
  ])('%s', (_, dealIds, since, lastAt, kinds) => {
    expect(dead(dealIds, since, lastAt)).toEqual(kinds);
  });
});

describe('scopes', () => {
  const lost = (granted: string[]) => kindsOf(EMPTY, { ...NOTHING, scopes: { granted, required: ['a', 'b'] } });

  test('that are missing are told; of a grant without any nothing is known', () => {
    expect(lost(['a', 'c'])).toEqual(['scope_lost']);
    expect(lost(['a', 'b', 'c'])).toEqual([]);
    expect(lost([])).toEqual([]);
  });
});
