import { beforeEach, describe, expect, test } from 'vitest';
import type { KeptSyncReport, Store, SweepRun } from '../../src/application/ports/store.ts';
import { claiming, DAY, hint, planOf, T0, type Tenant } from './store-fixtures.ts';

const PAGE = { limit: 10, cursor: null };
const QUARTER = 900_000;

export const runOf = (id: string, beganAt: number, more: Partial<SweepRun> = {}): SweepRun => ({
  id,
  beganAt,
  endedAt: beganAt + 1,
  isFull: false,
  changed: 3,
  missed: 0,
  problem: null,
  ...more,
});

export function syncReportOf(id: string, number: number, madeAt = T0): KeptSyncReport {
  const counts = {
    ...{ qualifying: 2, decided: 1, explained: 1, unexplained: 0 },
    ...{ mirrored: 3, different: 0, pending: 0 },
  };
  const body = JSON.stringify({ counts });
  return { id, connectionId: 'con_a', number, madeAt, counts, body, hash: 'h', signature: 's', keyId: 'k1' };
}

/** How a connection does, and its reports. Part of the store's conformance. */
export function syncStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('how a connection does', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });
    const signs = (now = T0, since = T0 - DAY) => store.sync.signs('acc_a', 'con_a', since, now);

    test('a record waits since its oldest event that was not looked at, by the CRM’s clock and never by one that is ahead', async () => {
      await store.inbox.append(a.of, [hint('e1', ['1'], { occurredAt: T0 - 50 })], T0);
      await store.inbox.append(a.of, [hint('e2', ['1'], { occurredAt: T0 - 90 })], T0 + 1);
      await store.inbox.append(a.of, [hint('e3', ['2'], { occurredAt: T0 + DAY })], T0 + 2);
      expect((await signs(T0 + 2)).decisions).toMatchObject({ waiting: 2, oldestAt: T0 - 90, parked: 0, failures: [] });
      const items = await store.work.claim(claiming('w', T0 + 3));
      expect(items.map(({ record, hintedAt }) => [record.id, hintedAt]).sort()).toEqual([
        ['1', T0 - 90],
        ['2', T0 + 2],
      ]);
      // What comes while it is looked at has waited since the look at most.
      await store.inbox.append(a.of, [hint('e4', ['1'], { occurredAt: T0 + 4 })], T0 + 4);
      await store.cases.commit([
        { accountId: 'acc_a', plan: planOf(), snapshots: [], restsOn: [], settles: items, erase: [] },
      ]);
      expect((await signs(T0 + 5)).decisions).toMatchObject({ waiting: 1, oldestAt: T0 + 3 });
      expect((await store.work.claim(claiming('w2', T0 + 6)))[0]?.hintedAt).toBe(T0 + 3);
    });

    test('a record that is asked for without an event has waited for none', async () => {
      await store.work.ask('acc_a', [{ record: a.ref('deal', '1'), at: T0 }]);
      expect((await signs()).decisions).toMatchObject({ waiting: 1, oldestAt: null });
      expect((await store.work.claim(claiming('w', T0)))[0]?.hintedAt).toBeNull();
      await store.inbox.append(a.of, [hint('e1', ['2'])], T0);
      const ids = ['1', '2', '3'];
      expect(await store.sync.heardOf('acc_a', 'con_a', 'deal', ids)).toEqual(new Set(['2']));
      expect(await store.sync.heardOf('acc_b', 'con_a', 'deal', ids)).toEqual(new Set());
    });

    test('a mirror waits since the first change that the CRM does not show', async () => {
      const record = a.ref('contact', '1');
      await a.write({ mirror: [record] });
      const [item] = await store.mirror.claim(claiming('m', T0 + 1));
      if (!item) throw new Error('nothing was claimed');
      const markedAt = item.markedAt ?? Number.NaN;
      await a.write({ mirror: [record] });
      expect((await signs(T0 + 2)).mirror.oldestAt).toBe(markedAt);
      await store.mirror.acknowledge([{ item, hash: 'x' }], T0 + 5);
      expect((await signs(T0 + 6)).mirror).toMatchObject({ oldestAt: T0 + 5 });
      const [again] = await store.mirror.claim(claiming('m2', T0 + DAY));
      if (!again) throw new Error('nothing was claimed');
      await store.mirror.acknowledge([{ item: again, hash: 'y' }], T0 + 8);
      expect((await signs(T0 + 9)).mirror).toMatchObject({ oldestAt: null, waiting: 0 });
    });

    test('what fails is told by its text and how often, and what is parked is tried again for one connection', async () => {
      await store.inbox.append(a.of, [hint('e1', ['1', '2', '3'])], T0);
      for (const [index, item] of (await store.work.claim(claiming('w', T0))).entries()) {
        const error = index === 0 ? 'crm_rejected: no' : 'crm_unavailable: later';
        await store.work.defer(item, { runAt: T0 + DAY, error, parked: index === 0 });
      }
      expect((await signs()).decisions).toMatchObject({
        waiting: 2,
        parked: 1,
        failures: [
          { error: 'crm_unavailable: later', count: 2, isParked: false },
          { error: 'crm_rejected: no', count: 1, isParked: true },
        ],
      });
      expect(await store.sync.retryParked('acc_b', 'con_a', T0)).toBe(0);
      expect(await store.sync.retryParked('acc_a', 'con_other', T0)).toBe(0);
      expect(await store.sync.retryParked('acc_a', 'con_a', T0)).toBe(1);
      expect((await signs()).decisions).toMatchObject({ waiting: 3, parked: 0 });
    });

    test('what nodes count is added up, and the peak stays the largest', async () => {
      const of = (n: number, total: number, peak: number) => [
        { measure: 'decision_lag' as const, label: '1000', n, total, peak },
        { measure: 'calls' as const, label: 'ok', n, total: 0, peak: 0 },
      ];
      await store.sync.count('acc_a', 'con_a', of(2, 300, 200), T0);
      await store.sync.count('acc_a', 'con_a', of(1, 900, 900), T0 + 1);
      await store.sync.count('acc_a', 'con_a', of(1, 5, 5), T0 + QUARTER);
      await store.sync.count('acc_a', 'con_a', of(7, 1, 1), T0 - 2 * DAY);
      expect((await signs()).counts).toEqual([
        { measure: 'calls', label: 'ok', n: 4, total: 0, peak: 0 },
        { measure: 'decision_lag', label: '1000', n: 4, total: 1_205, peak: 900 },
      ]);
      expect((await store.sync.signs('acc_b', 'con_a', 0, T0)).counts).toEqual([]);
    });

    test('sweeps are kept with what they found, and forgotten with the counts of their time', async () => {
      await store.sync.count('acc_a', 'con_a', [{ measure: 'calls', label: 'ok', n: 1, total: 0, peak: 0 }], T0 - DAY);
      await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_1', T0 - DAY), 0);
      await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_2', T0, { missed: 2 }), 0);
      await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_3', T0 + 9, { problem: 'no answer' }), 0);
      await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_4', T0 + 10, { isFull: true }), 0);
      const all = await store.sync.sweeps('acc_a', 'con_a', PAGE);
      expect(all.items.map(({ id }) => id)).toEqual(['swp_4', 'swp_3', 'swp_2', 'swp_1']);
      const first = await store.sync.sweeps('acc_a', 'con_a', { limit: 3, cursor: null });
      expect((await store.sync.sweeps('acc_a', 'con_a', { limit: 3, cursor: first.next })).items).toEqual([
        runOf('swp_1', T0 - DAY),
      ]);
      expect(await signs(T0 + 11, T0)).toMatchObject({
        lastSweep: runOf('swp_4', T0 + 10, { isFull: true }),
        lastTroubledSweep: runOf('swp_3', T0 + 9, { problem: 'no answer' }),
        firstSweepAt: T0 - DAY,
        swept: { runs: 3, missed: 2, failed: 1 },
      });
      await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_5', T0 + 20), T0 + 10);
      const left = await store.sync.sweeps('acc_a', 'con_a', PAGE);
      expect(left.items.map(({ id }) => id)).toEqual(['swp_5', 'swp_4']);
      expect((await signs(T0 + 21, 0)).counts).toEqual([]);
      expect((await store.sync.sweeps('acc_b', 'con_a', PAGE)).items).toEqual([]);
    });

    test('what became of a connection is told, the newest of each kind, and never changed', async () => {
      const events = [
        { id: 'cev_1', kind: 'connected' as const, detail: 'Connected.', at: T0 },
        { id: 'cev_2', kind: 'lost' as const, detail: 'Gone.', at: T0 + 1 },
        { id: 'cev_3', kind: 'lost' as const, detail: 'Gone again.', at: T0 + 2 },
      ];
      for (const event of events) await store.sync.note('acc_a', 'con_a', event);
      await store.sync.note('acc_a', 'con_a', { ...events[0], detail: 'Other.' } as (typeof events)[number]);
      expect((await signs()).events.map(({ id }) => id).sort()).toEqual(['cev_1', 'cev_3']);
      expect((await store.sync.events('acc_a', 'con_a', PAGE)).items).toEqual(events.toReversed());
      const { next } = await store.sync.events('acc_a', 'con_a', { limit: 1, cursor: null });
      expect((await store.sync.events('acc_a', 'con_a', { limit: 1, cursor: next })).items).toEqual([events[1]]);
      expect((await store.sync.events('acc_b', 'con_a', PAGE)).items).toEqual([]);
    });

    test('what is known of a deal is its newest decisions, the referrals of its people, and whether it waits', async () => {
      await a.writePair();
      await a.write({
        ...a.granted(a.reward('rwd_1', 'ref_1', { deal: a.ref('deal', '7') })),
        mirror: [a.ref('deal', '7'), a.ref('contact', 'friend-ref_1')],
      });
      await store.work.ask('acc_a', [{ record: a.ref('deal', '8'), at: T0 + DAY }]);
      const deals = [
        { id: '7', contactIds: ['friend-ref_1', 'nobody'] },
        { id: '8', contactIds: ['nobody'] },
      ];
      const [known, other] = await store.syncReports.knownDeals('acc_a', 'con_a', deals);
      expect(known).toMatchObject({ id: '7', referrals: [{ id: 'ref_1' }], work: null });
      expect(known?.decisions.map(({ referralId }) => referralId)).toEqual(['ref_1']);
      expect(other).toMatchObject({
        ...{ id: '8', decisions: [], referrals: [] },
        work: { isParked: false, error: null, dueAt: T0 + DAY, isClaimed: false },
      });
      const [foreign] = await store.syncReports.knownDeals('acc_b', 'con_a', deals);
      expect(foreign).toEqual({ id: '7', decisions: [], referrals: [], work: null });

      expect(await store.syncReports.rewardedDeals('acc_a', 'con_a', '', 5)).toEqual(['7']);
      expect(await store.syncReports.rewardedDeals('acc_a', 'con_a', '7', 5)).toEqual([]);
      expect(await store.syncReports.rewardedDeals('acc_b', 'con_a', '', 5)).toEqual([]);
    });

    test('everybody who should show something is gone through once, with what became of their record', async () => {
      await a.writePair();
      const [member, friend] = [a.ref('contact', 'contact-mem_1'), a.ref('contact', 'friend-ref_1')];
      const targets = (after = '', limit = 9) =>
        store.syncReports.mirrorTargets('acc_a', 'con_a', 'contact', after, limit);
      expect(await targets()).toEqual([
        { record: member, state: 'unmarked' },
        { record: friend, state: 'unmarked' },
      ]);
      expect(await targets('', 1)).toEqual([{ record: member, state: 'unmarked' }]);
      expect(await targets(member.id)).toEqual([{ record: friend, state: 'unmarked' }]);
      await store.syncReports.rewrite('acc_a', [member], T0);
      expect((await targets())[0]).toEqual({ record: member, state: 'pending' });
      const [item] = await store.mirror.claim(claiming('m', T0));
      if (!item) throw new Error('nothing was claimed');
      await store.mirror.acknowledge([{ item, hash: 'x' }], T0);
      expect((await targets())[0]?.state).toBe('shown');
      // What is said to be shown is written all the same.
      await store.syncReports.rewrite('acc_a', [member], T0 + 1);
      const [again] = await store.mirror.claim(claiming('m2', T0 + 1));
      expect(again).toMatchObject({ record: member, ackedHash: null });
      if (again) await store.mirror.defer(again, { runAt: T0, error: 'crm_rejected: x', parked: true });
      expect((await targets())[0]?.state).toBe('parked');
      const facts = a.contact('friend-ref_1', { presence: 'deleted' });
      await a.write({}, { snapshots: [{ facts, readAt: T0 }] });
      expect((await targets())[1]?.state).toBe('gone');
      expect(await store.syncReports.mirrorTargets('acc_b', 'con_a', 'contact', '', 9)).toEqual([]);
    });

    test('a report takes its number once, and its lists are read in their order', async () => {
      const row = (id: string) => ({ object: 'deal' as const, id, reason: 'decided', detail: 'dec_1' });
      await store.syncReports.addRows('acc_a', 'syn_1', 'decided', 0, [row('1'), row('2')]);
      await store.syncReports.addRows('acc_a', 'syn_1', 'decided', 2, [row('3')]);
      await store.syncReports.addRows('acc_a', 'syn_2', 'decided', 0, [row('9')]);
      expect(await store.syncReports.keep('acc_a', syncReportOf('syn_1', 1))).toBe(true);
      expect(await store.syncReports.keep('acc_a', syncReportOf('syn_2', 1, T0 + 1))).toBe(false);
      await store.syncReports.dropRows('acc_a', 'syn_2');
      expect(await store.syncReports.rows('acc_a', 'syn_2', 'decided', -1, 5)).toEqual([]);
      expect(await store.syncReports.keep('acc_a', syncReportOf('syn_3', 2, T0 + 2))).toBe(true);
      expect(await store.syncReports.get('acc_a', 'syn_1')).toEqual(syncReportOf('syn_1', 1));
      expect((await store.syncReports.newest('acc_a', 'con_a'))?.id).toBe('syn_3');
      const first = await store.syncReports.list('acc_a', 'con_a', { limit: 1, cursor: null });
      expect(first.items.map(({ id }) => id)).toEqual(['syn_3']);
      const rest = await store.syncReports.list('acc_a', 'con_a', { limit: 5, cursor: first.next });
      expect(rest).toEqual({ items: [syncReportOf('syn_1', 1)], next: null });
      expect(await store.syncReports.rows('acc_a', 'syn_1', 'decided', 0, 1)).toEqual([{ number: 1, ...row('2') }]);
      expect(await store.syncReports.rows('acc_a', 'syn_1', 'unexplained', -1, 5)).toEqual([]);
      expect(await store.syncReports.get('acc_b', 'syn_1')).toBeNull();
      expect(await store.syncReports.newest('acc_b', 'con_a')).toBeNull();
      expect(await store.syncReports.rows('acc_b', 'syn_1', 'decided', -1, 5)).toEqual([]);
      expect((await store.syncReports.list('acc_b', 'con_a', PAGE)).items).toEqual([]);
    });
  });
}
