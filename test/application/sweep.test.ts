import { expect, test } from 'vitest';
import type { ChangedPage, CrmSession } from '../../src/application/ports/crm.ts';
import type { Connection, ReadTime, Store, SweepMark, SweepRun } from '../../src/application/ports/store.ts';
import { createReconcile, isSweepDue, type SweepReport } from '../../src/application/reconcile.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';

const NOW = Date.UTC(2026, 10, 22);
const MINUTE_MS = 60_000;
const CHANGED_AT = NOW - 5 * MINUTE_MS;

const connection = { id: 'con_a', accountId: 'acc_a', connectedAt: 0 } as Connection;

/** The CRM's clock, of which ours knows nothing. */
const CRM_NOW = NOW - 60 * MINUTE_MS;

interface Swept {
  /** The deals that it asks for, each time it asks. */
  readonly asked: string[][];
  readonly marks: SweepMark[];
  readonly report: SweepReport;
}

/** Our last write to the first deal, in a CRM that is written properties or rows. */
interface OwnWrite {
  readonly at: number | null;
  readonly mirrors?: CrmSession['mirrors'];
}

/** A sweep over pages of deals of which the first was read as given. */
async function sweep(
  read: ReadTime | null,
  pages: readonly string[][] = [['1']],
  { at: writtenAt, mirrors = 'properties' }: OwnWrite = { at: null },
): Promise<Swept> {
  const asked: string[][] = [];
  const marks: SweepMark[] = [];
  const pageAt = (index: number): ChangedPage => ({
    records: (pages[index] ?? []).map((id) => ({ id, modifiedAt: CHANGED_AT })),
    isPresentOnly: true,
    next: index + 1 < pages.length ? String(index + 1) : null,
    asOf: CRM_NOW + index,
  });
  const session = {
    mirrors,
    stages: async () => ({ pipelines: [] }),
    provision: async () => ({ created: [], existing: [], conflicts: [] }),
    changedSince: async ({ object, cursor }) =>
      object === 'deal' ? pageAt(Number(cursor)) : { records: [], next: null, asOf: CRM_NOW },
  } as Partial<CrmSession> as CrmSession;
  const store = {
    connections: {
      mapping: async () => null,
      saveMapping: async () => true,
      sweepMarks: async () => [],
      setSweepMark: async (_account: string, _connection: string, mark: SweepMark) => void marks.push(mark),
    },
    sync: { heardOf: async () => new Set(), noteSweep: async () => {} },
    reads: { readTimes: async () => new Map(read ? [['1', read]] : []) },
    timeline: { mirrorStates: async () => new Map([['1', { state: 'written', writtenAt, error: null }]]) },
    work: {
      ask: async (_account: string, wakes: ReadonlyArray<{ record: { id: string } }>) => {
        asked.push(wakes.map(({ record }) => record.id));
      },
    },
  } as unknown as Store;
  const reconcile = createReconcile({
    newId: () => 'x',
    answerRequests: async () => 0,
    store,
    clock: { ...systemClock, now: () => NOW },
    log: createLog({ level: 'silent' }),
    openSession: () => session,
    place: { waiting: async () => {} },
    drift: { look: async () => {}, failed: async () => {} },
    onAsked: () => {},
  });
  const report = await reconcile.sweep(connection);
  expect(asked.flat()).toHaveLength(report.missed + report.own);
  return { asked, marks, report };
}

const asksAgain = async (read: ReadTime | null) => (await sweep(read)).asked.length > 0;

test('a change that a hint told of at once is not read a second time', async () => {
  expect(await asksAgain({ at: CHANGED_AT + 200, modifiedAt: CHANGED_AT })).toBe(false);
  expect(await asksAgain({ at: CHANGED_AT + 200, modifiedAt: CHANGED_AT + 100 })).toBe(false);
});

test('a record that was gone when it was read is news when it is there, also by a clock that was ahead', async () => {
  expect(await asksAgain({ at: NOW + 30 * MINUTE_MS, modifiedAt: null, isDeleted: true })).toBe(true);
  expect(await asksAgain({ at: NOW + 30 * MINUTE_MS, modifiedAt: null })).toBe(false);
});

test('a record that changed after it was read is read again, however wrong our clock is', async () => {
  for (const at of [CHANGED_AT - 200, CHANGED_AT + 200, NOW + 30 * MINUTE_MS])
    expect(await asksAgain({ at, modifiedAt: CHANGED_AT - 1 })).toBe(true);
});

/** By our clock, which is an hour ahead of the CRM's here. */
const OURS_AHEAD_MS = NOW - CRM_NOW;

test('what our own write modified is no lost event, and is read all the same', async () => {
  const read = { at: 0, modifiedAt: CHANGED_AT - 1 };
  const ofWrite = async (at: number | null, mirrors?: CrmSession['mirrors']) => {
    const { report, asked } = await sweep(read, [['1']], { at, ...(mirrors ? { mirrors } : {}) });
    expect(asked.flat()).toEqual(['1']);
    return [report.missed, report.own];
  };
  const acknowledged = CHANGED_AT + OURS_AHEAD_MS;
  expect(await ofWrite(acknowledged + 200)).toEqual([0, 1]);
  // The CRM reckons on for a moment after it has answered.
  expect(await ofWrite(acknowledged - 4_000)).toEqual([0, 1]);
  expect(await ofWrite(acknowledged - 6_000)).toEqual([1, 0]);
  expect(await ofWrite(null)).toEqual([1, 0]);
  // Rows of our own stand beside the record, and do not modify it.
  expect(await ofWrite(acknowledged + 200, 'rows')).toEqual([1, 0]);
});

test('a record that was never read is read', async () => {
  expect(await asksAgain(null)).toBe(true);
});

test('when the CRM did not say which state was read, two clocks are compared with a minute between them', async () => {
  expect(await asksAgain({ at: CHANGED_AT + MINUTE_MS - 1, modifiedAt: null })).toBe(true);
  expect(await asksAgain({ at: CHANGED_AT + MINUTE_MS, modifiedAt: null })).toBe(false);
});

test('what several pages find is asked for together, so that few calls read it, and all of it is', async () => {
  const page = (from: number) => Array.from({ length: 200 }, (_, index) => String(from + index));
  expect((await sweep(null, [page(0), page(200), []])).asked.map(({ length }) => length)).toEqual([400]);
  const many = Array.from({ length: 7 }, (_, index) => page(index * 200));
  const { asked } = await sweep(null, many);
  expect(asked.map(({ length }) => length)).toEqual([1_000, 400]);
  expect(asked.flat()).toEqual(many.flat());
});

test('the next sweep begins where the first page of this one was asked, by the clock of the CRM and not by ours', async () => {
  const { marks } = await sweep(null, [['1'], ['2'], ['3']]);
  expect(marks).toEqual([
    { object: 'deal', upTo: CRM_NOW },
    { object: 'contact', upTo: CRM_NOW },
  ]);
});

const HOUR_MS = 60 * MINUTE_MS;
const runAt = (beganAt: number, more: Partial<SweepRun> = {}): SweepRun => ({
  ...{ id: 'swp', beganAt, endedAt: beganAt, isFull: false, changed: 0, missed: 0, problem: null },
  ...more,
});
const signsOf = (changes: Partial<Parameters<typeof isSweepDue>[0]>) => ({
  ...{ lastSweep: runAt(NOW - 5 * MINUTE_MS), lastTroubledSweep: null, firstSweepAt: NOW - HOUR_MS, events: [] },
  ...changes,
});

test('a connection that was never swept, or that a person or a new install asks for, is swept within the minute', () => {
  expect(isSweepDue(signsOf({ lastSweep: null }), 'soon', NOW)).toBe(true);
  for (const kind of ['reconnected', 'connected', 'sweep_asked', 'full_sweep_asked'] as const) {
    const event = (at: number) => [{ id: 'cev', kind, detail: '', at }];
    expect(isSweepDue(signsOf({ events: event(NOW - MINUTE_MS) }), 'soon', NOW)).toBe(true);
    expect(isSweepDue(signsOf({ events: event(NOW - 6 * MINUTE_MS) }), 'soon', NOW)).toBe(false);
  }
  expect(isSweepDue(signsOf({ events: [{ id: 'cev', kind: 'lost', detail: '', at: NOW }] }), 'soon', NOW)).toBe(false);
});

test('for half an hour after something was missed, or after a sweep that failed, each minute; then as usual', () => {
  const troubled = (minutes: number, lastMinutes: number) =>
    signsOf({
      lastTroubledSweep: runAt(NOW - minutes * MINUTE_MS, { missed: 1 }),
      lastSweep: runAt(NOW - lastMinutes * MINUTE_MS),
    });
  expect(isSweepDue(troubled(29, 1), 'soon', NOW)).toBe(true);
  expect(isSweepDue(troubled(29, 0.5), 'soon', NOW)).toBe(false);
  expect(isSweepDue(troubled(31, 1), 'soon', NOW)).toBe(false);
  expect(isSweepDue(troubled(31, 1), 'usual', NOW)).toBe(true);
});

test('after six hours without anything missed every quarter of an hour is often enough, and the next miss ends that', () => {
  const quiet = (lastMinutes: number, troubledHours: number | null) =>
    signsOf({
      firstSweepAt: NOW - 7 * HOUR_MS,
      lastSweep: runAt(NOW - lastMinutes * MINUTE_MS),
      lastTroubledSweep: troubledHours === null ? null : runAt(NOW - troubledHours * HOUR_MS, { problem: 'x' }),
    });
  expect(isSweepDue(quiet(14, null), 'usual', NOW)).toBe(false);
  expect(isSweepDue(quiet(15, null), 'usual', NOW)).toBe(true);
  expect(isSweepDue(quiet(14, 6.5), 'usual', NOW)).toBe(false);
  expect(isSweepDue(quiet(14, 5), 'usual', NOW)).toBe(true);
  expect(isSweepDue({ ...quiet(14, null), firstSweepAt: NOW - 5 * HOUR_MS }, 'usual', NOW)).toBe(true);
});
