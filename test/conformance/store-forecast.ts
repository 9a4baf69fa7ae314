import { beforeEach, describe, expect, test } from 'vitest';
import { createForecasts } from '../../src/application/forecasts.ts';
import type { Store } from '../../src/application/ports/store.ts';
import type { ForecastLine } from '../../src/domain/forecast.ts';
import type { DealProspect } from '../../src/domain/record.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { DAY, T0, type Tenant } from './store-fixtures.ts';

const ALL = { limit: 1_000, cursor: null };
const EUR = (minor: bigint) => ({ minor, currency: 'EUR' });

/** What open deals may still cost: what is kept beside the facts, and forecasts as they were counted. Part of the store's conformance. */
export function forecastStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('what a CRM expects of a deal', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    const prospectOf = async (id: string) => (await store.forecasts.prospects('acc_a', 'con_a', [id])).get(id);
    const versionOf = async (id: string) => (await store.cases.recordVersions('acc_a', 'con_a', 'deal', [id])).get(id);
    const keep = (prospect: DealProspect | undefined, readAt: number, basis: number, more: object = {}) => {
      const facts = { ...a.deal('7', more), ...(prospect === undefined ? {} : { prospect }) };
      return store.cases.commit([a.commit({}, { snapshots: [{ facts, readAt, basis }] })]);
    };

    test('is kept beside the facts: another one makes no other version of the record, and outdates nobody’s work', async () => {
      expect(await keep({ chance: 2_000, closesAt: T0 }, T0, 0)).toEqual(['committed']);
      expect(await prospectOf('7')).toEqual({ chance: 2_000, closesAt: T0 });
      const before = await versionOf('7');
      expect(await keep({ chance: 4_000, closesAt: null }, T0 + 1, 1)).toEqual(['committed']);
      expect(await prospectOf('7')).toEqual({ chance: 4_000, closesAt: null });
      expect(await versionOf('7')).toBe(before);
      // Read before that, of the same facts, and committed after it.
      expect(await keep({ chance: 4_000, closesAt: null }, T0 + 2, 1)).toEqual(['committed']);
      const [kept] = await store.reads.deals('acc_a', [a.ref('deal', '7')]);
      expect(kept).toBeDefined();
      expect(kept).not.toHaveProperty('prospect');
      // Seen without being decided on: what was read when it was is newer than nothing.
      await keep(undefined, 0, 1);
      expect(await prospectOf('7')).toEqual({ chance: 4_000, closesAt: null });
      await keep(undefined, T0 + 3, 1, { presence: 'deleted', history: [] });
      expect(await prospectOf('7')).toEqual({ chance: null, closesAt: null });
      expect((await store.forecasts.prospects('acc_b', 'con_a', ['7'])).size).toBe(0);
    });

    test('of a stage is replaced by what is read next, and makes no other version of the mapping', async () => {
      const chance = (stageId: string, of: number) => ({ pipelineId: 'p', stageId, chance: of });
      const save = (chances: ReturnType<typeof chance>[]) =>
        store.connections.saveMapping('acc_a', 'con_a', 'map_1', [], T0, { chances });
      await save([chance('b', 5_000), chance('a', 1_000)]);
      expect(await store.forecasts.stageChances('acc_a', 'con_a')).toEqual([chance('a', 1_000), chance('b', 5_000)]);
      const mapping = await store.connections.mapping('acc_a', 'con_a');
      await save([chance('a', 2_000)]);
      expect(await store.forecasts.stageChances('acc_a', 'con_a')).toEqual([chance('a', 2_000)]);
      // A mapping that is saved by somebody who did not read the CRM leaves them as they are.
      await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [], T0);
      expect(await store.forecasts.stageChances('acc_a', 'con_a')).toHaveLength(1);
      expect(await store.connections.mapping('acc_a', 'con_a')).toEqual(mapping);
      expect(await store.forecasts.stageChances('acc_b', 'con_a')).toEqual([]);
    });
  });

  describe('a forecast', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    const start = (id: string) => store.forecasts.start('acc_a', { id, startedAt: T0, startedBy: 'fay' });
    const empty = {
      ...{ cells: [], totals: [], deals: 0 },
      ...{ withoutAmount: 0, withoutChance: 0, withoutCloseDate: 0, overdue: 0 },
    };
    const line = (minor: bigint | null, more: Partial<ForecastLine> = {}): ForecastLine => ({
      ...{ referralId: 'ref_1', ruleKey: 'member-reward', party: 'member' as const, deal: a.ref('deal', '7') },
      money: minor === null ? null : EUR(minor),
      ...{ chance: 4_000, chanceFrom: 'deal' as const, closesAt: T0, expectedAt: T0, isOverdue: false, lacks: null },
      ...more,
    });

    test('that is under way is not begun again, and who has taken it up anew refuses whoever had it before', async () => {
      const { id } = await start('fct_1');
      expect((await start('fct_2')).id).toBe(id);
      expect(await store.forecasts.running(10)).toEqual([{ accountId: 'acc_a', id }]);
      expect(await store.forecasts.begin('acc_a', id)).toBe(1);
      const first = { forecastId: id, attempt: 1, looked: 3 };
      expect(await store.forecasts.addLines('acc_a', first, 0, [line(1n)])).toBe(true);
      expect((await store.forecasts.newest('acc_a')).running).toMatchObject({ id, looked: 3, state: 'running' });
      expect(await store.forecasts.begin('acc_a', id)).toBe(2);
      expect(await store.forecasts.addLines('acc_a', first, 1, [line(2n)])).toBe(false);
      expect(await store.forecasts.dropLines('acc_a', first, null, 10)).toBeNull();
      expect(await store.forecasts.finish('acc_a', first, empty, T0)).toBe(false);
      const second = { forecastId: id, attempt: 2 };
      expect(await store.forecasts.dropLines('acc_a', second, null, 10)).toBe(1);
      expect(await store.forecasts.dropLines('acc_a', second, null, 10)).toBe(0);
      expect(await store.forecasts.finish('acc_a', second, empty, T0 + 1)).toBe(true);
      expect(await store.forecasts.begin('acc_a', id)).toBeNull();
      expect(await store.forecasts.newest('acc_a')).toEqual({
        done: expect.objectContaining({ id, state: 'done', finishedAt: T0 + 1, forecast: empty }),
        running: null,
      });
      expect(await store.forecasts.newest('acc_b')).toEqual({ done: null, running: null });
      expect(await store.forecasts.begin('acc_b', id)).toBeNull();
    });

    test('is read by month and currency, the largest amounts first, page by page', async () => {
      await start('fct_1');
      const attempt = (await store.forecasts.begin('acc_a', 'fct_1')) ?? 0;
      const december = { expectedAt: T0 + 20 * DAY };
      const lines = [
        line(5n),
        line(10n ** 15n),
        line(0n),
        line(7n),
        line(7n, { chance: null }),
        line(9n, december),
        line(3n, { expectedAt: null, closesAt: null }),
        line(null),
        line(null, december),
      ];
      await store.forecasts.addLines('acc_a', { forecastId: 'fct_1', attempt, looked: 9 }, 0, lines.slice(0, 4));
      await store.forecasts.addLines('acc_a', { forecastId: 'fct_1', attempt, looked: 9 }, 4, lines.slice(4));
      const minors = async (of: { currency: string | null; month: string | null }, accountId = 'acc_a') =>
        (await store.forecasts.lines(accountId, 'fct_1', of, ALL)).items.map(({ money }) => money?.minor ?? null);
      expect(await minors({ currency: 'EUR', month: '2026-11' })).toEqual([10n ** 15n, 7n, 7n, 5n, 0n]);
      expect(await minors({ currency: 'EUR', month: '2026-12' })).toEqual([9n]);
      expect(await minors({ currency: 'EUR', month: null })).toEqual([3n]);
      expect(await minors({ currency: null, month: null })).toEqual([null, null]);
      expect(await minors({ currency: 'USD', month: '2026-11' })).toEqual([]);
      expect(await minors({ currency: 'EUR', month: '2026-11' }, 'acc_b')).toEqual([]);
      const seen: number[] = [];
      for (let cursor: { at: number; id: string } | null = null; ; ) {
        const page: Awaited<ReturnType<Store['forecasts']['lines']>> = await store.forecasts.lines(
          ...(['acc_a', 'fct_1', { currency: 'EUR', month: '2026-11' }, { limit: 2, cursor }] as const),
        );
        seen.push(...page.items.map(({ number }) => number));
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(seen).toEqual([1, 3, 4, 0, 2]);
    });

    test('is one a day: the last one stays, those of days before are a trend, and old ones are taken away', async () => {
      const count = async (id: string, at: number, deals: number) => {
        await start(id);
        const attempt = (await store.forecasts.begin('acc_a', id)) ?? 0;
        await store.forecasts.addLines('acc_a', { forecastId: id, attempt, looked: 0 }, 0, [line(5n)]);
        await store.forecasts.finish('acc_a', { forecastId: id, attempt }, { ...empty, deals }, at);
      };
      await count('fct_1', T0, 1);
      await count('fct_2', T0 + DAY, 2);
      await count('fct_3', T0 + DAY + 1, 3);
      const days = async (from: number) =>
        (await store.forecasts.since('acc_a', from)).map(({ id, forecast }) => [id, forecast?.deals]);
      expect(await days(0)).toEqual([
        ['fct_1', 1],
        ['fct_3', 3],
      ]);
      expect(await days(T0 + DAY)).toEqual([['fct_3', 3]]);
      expect((await store.forecasts.newest('acc_a')).done?.id).toBe('fct_3');
      // Who counts next takes away all lines but those that are read meanwhile.
      await start('fct_4');
      const attempt = (await store.forecasts.begin('acc_a', 'fct_4')) ?? 0;
      const own = { forecastId: 'fct_4', attempt };
      const dropped = [1, 2, 3].map(() => store.forecasts.dropLines('acc_a', own, 'fct_3', 10));
      expect((await Promise.all(dropped)).sort()).toEqual([0, 1, 1]);
      const of = { currency: 'EUR', month: '2026-11' };
      expect((await store.forecasts.lines('acc_a', 'fct_3', of, ALL)).items).toHaveLength(1);
      expect((await store.forecasts.lines('acc_a', 'fct_1', of, ALL)).items).toEqual([]);
      await store.forecasts.prune('acc_a', T0 + DAY);
      expect(await days(0)).toEqual([['fct_3', 3]]);
    });

    test('goes through open referrals by their ids, and shows those whose friend is on a deal', async () => {
      const friend = (id: string) => `friend-${id}`;
      for (const [id, stage] of [
        ['ref_2', 'submitted'],
        ['ref_3', 'opportunity'],
        ['ref_4', 'won'],
        ['ref_5', 'qualified'],
        ['ref_6', 'lost'],
      ] as const)
        await a.write({ referrals: [a.referral(id, 'mem_1', { stage })] });
      const facts = a.deal('8', { contactIds: ['ref_3', 'ref_4', 'ref_5'].map(friend) });
      await a.write({}, { snapshots: [{ facts, readAt: T0 }] });
      const first = await store.forecasts.openReferrals('acc_a', '', 3);
      expect(first).toMatchObject({ looked: 3, next: 'ref_3' });
      expect(first.items.map(({ referral, member }) => [referral.id, member.id])).toEqual([['ref_3', 'mem_1']]);
      const second = await store.forecasts.openReferrals('acc_a', 'ref_3', 3);
      expect(second).toMatchObject({ looked: 1, next: null });
      expect(second.items.map(({ referral }) => referral.id)).toEqual(['ref_5']);
      expect(await store.forecasts.openReferrals('acc_b', '', 3)).toEqual({ items: [], looked: 0, next: null });
      expect(await store.forecasts.friends('acc_a', ['ref_3', 'ref_none'])).toEqual(
        new Map([['ref_3', 'Friend ref_3']]),
      );
      expect((await store.forecasts.friends('acc_b', ['ref_3'])).size).toBe(0);
    });

    test('of accounts that were not counted today is begun for each of them, once', async () => {
      let made = 0;
      const forecasts = createForecasts({
        store,
        clock: { ...systemClock, now: () => T0 },
        log: createLog({ level: 'silent' }),
        newId: () => `${++made}`,
        recordUrl: () => null,
        onStarted: () => {},
      });
      await forecasts.beginAll();
      await forecasts.beginAll();
      const accounts = (await store.accounts.list()).length;
      expect(await store.forecasts.running(100)).toHaveLength(accounts);
      await forecasts.runAll();
      expect(await store.forecasts.running(100)).toEqual([]);
      await forecasts.beginAll();
      expect(await store.forecasts.running(100)).toEqual([]);
      expect(made).toBe(accounts);
    });
  });
}
