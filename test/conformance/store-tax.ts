import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { createTax } from '../../src/application/tax.ts';
import type { Reward } from '../../src/domain/decision.ts';
import type { JournalKind } from '../../src/domain/ledger.ts';
import { USUAL_TAX_SETTINGS } from '../../src/domain/tax.ts';
import { createLog } from '../../src/platform/log.ts';
import { T0, type Tenant } from './store-fixtures.ts';

const YEAR = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2027, 0, 1) };
const ALL = { limit: 1_000, cursor: null };

/** What people were given in a year: by the ledger, and held against thresholds. Part of the store's conformance. */
export function taxStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('what people were given in a year', () => {
    let store: Store;
    let a: Tenant;
    let made = 0;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    const desk = () =>
      createTax({
        store,
        clock: { now: () => T0 },
        log: createLog({ level: 'silent' }),
        newId: () => `${++made}`,
        onStarted: () => {},
      });

    async function book(id: string, kinds: readonly JournalKind[], changes: Partial<Reward> = {}, at = T0) {
      const reward = a.reward(id, 'ref_1', { payout: 'manual', createdAt: at, ruleKey: id, ...changes });
      const journals = kinds.map((kind) =>
        a.journal(reward, kind, { recordedAt: at, decisionId: kind === 'accrue' ? `dec_${id}` : null }),
      );
      await a.write({ ...a.granted(reward), journals, intents: [] });
    }

    const usd = (minor: bigint) => ({ money: { minor, currency: 'USD' } });

    test('is what providers and credit gave, less what was taken back, and nothing that is only owed', async () => {
      await book('rwd_owed', ['accrue'], usd(1n));
      await book('rwd_given', ['accrue', 'issue'], usd(10n));
      await book('rwd_back', ['accrue', 'issue', 'claw_back'], usd(100n));
      await book('rwd_returned', ['accrue', 'issue', 'return'], usd(1_000n));
      await book('rwd_expired', ['accrue', 'issue', 'expire'], { ...usd(10_000n), payout: 'credit' });
      await book('rwd_forgiven', ['accrue', 'issue', 'claw_back', 'write_off'], usd(100_000n));
      await book('rwd_netted', ['accrue', 'net'], usd(1_000_000n));
      await book('rwd_credit', ['accrue', 'issue'], { ...usd(10_000_000n), payout: 'credit' });
      await book('rwd_friend', ['accrue', 'issue'], { ...usd(7n), party: 'friend', beneficiaryId: 'ref_1' });
      await book('rwd_euro', ['accrue', 'issue'], { money: { minor: 5n, currency: 'EUR' } });
      await book('rwd_before', ['accrue', 'issue'], usd(3n), YEAR.from - 1);
      const { sums, journals, next } = await store.taxReports.given('acc_a', YEAR, ALL);
      expect(next).toBeNull();
      expect(journals).toBe(24);
      const given = sums.toSorted((x, y) => (x.money.minor < y.money.minor ? -1 : 1));
      expect(given).toEqual([
        { beneficiaryId: 'mem_1', money: { minor: 5n, currency: 'EUR' } },
        { beneficiaryId: 'ref_1', money: { minor: 7n, currency: 'USD' } },
        { beneficiaryId: 'mem_1', money: { minor: 11_100_010n, currency: 'USD' } },
      ]);
      // The same as the ledger says of all that has left what is owed, whatever the pages.
      const left = (await store.ledger.sums('acc_a'))
        .filter(({ kind, currency }) => ['provider', 'credit', 'receivable'].includes(kind) && currency === 'USD')
        .reduce((sum, { minor }) => sum - minor, 0n);
      expect(left).toBe(11_100_010n + 7n + 3n);
      let paged = 0n;
      for (let cursor: { at: number; id: string } | null = null; ; ) {
        const page: Awaited<ReturnType<Store['taxReports']['given']>> = await store.taxReports.given('acc_a', YEAR, {
          limit: 4,
          cursor,
        });
        for (const { money } of page.sums) if (money.currency === 'USD') paged += money.minor;
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(paged).toBe(11_100_017n);
      expect((await store.taxReports.given('acc_b', YEAR, ALL)).sums).toEqual([]);
    });

    test('is held against the thresholds of each person’s country, and kept in lists in place of the one before', async () => {
      const property = 'hs_country_region_code';
      const people: readonly (readonly [string, string | null, bigint])[] = [
        ['mem_over', 'US', 200_000n],
        ['mem_near', 'United States', 160_000n],
        ['mem_below', 'US', 159_999n],
        ['mem_other', 'DE', 500_000n],
        ['mem_nowhere', null, 900_000n],
      ];
      for (const [id, country, minor] of people) {
        const contact = a.contact(`contact-${id}`, { properties: { [property]: country } });
        await a.write({ members: [a.member(id)] }, { snapshots: [{ facts: contact, readAt: T0 }] });
        await book(`rwd_${id}`, ['accrue', 'issue'], { ...usd(minor), beneficiaryId: id });
      }
      await book('rwd_euro', ['accrue', 'issue'], { beneficiaryId: 'mem_over' });
      const before = await desk().start('acc_a', 2026, 'fay');
      expect((await desk().start('acc_a', 2026, 'fred')).id).toBe(before.id);
      await desk().runAll();
      const first = (await desk().ofYear('acc_a', 2026)).done;
      // Nobody has said where the country stands.
      expect(first).toMatchObject({ id: before.id, state: 'done', counts: { unknown_country: 6, above: 0 } });

      const next = { ...USUAL_TAX_SETTINGS, countryProperty: property };
      expect(await desk().saveSettings('acc_a', next, { basis: 1, by: 'fay' })).toBeNull();
      expect(await desk().saveSettings('acc_a', next, { basis: 0, by: 'fay' })).toMatchObject({ version: 1 });
      expect(await desk().settings('acc_a')).toEqual({ version: 1, settings: next });
      const after = await desk().start('acc_a', 2026, 'fay');
      expect(await desk().ofYear('acc_a', 2026)).toMatchObject({ done: { id: before.id }, running: { id: after.id } });
      await desk().runAll();
      const { done, running } = await desk().ofYear('acc_a', 2026);
      expect(running).toBeNull();
      expect(done).toMatchObject({
        ...{ id: after.id, settingsVersion: 1, journals: 12 },
        counts: { above: 1, near: 1, below: 1, no_threshold: 1, unknown_country: 1, other_currency: 1 },
      });
      const rows = await desk().rows('acc_a', after.id, 'above', -1, 10);
      expect(rows).toMatchObject([
        {
          ...{ beneficiaryId: 'mem_over', country: 'US', name: 'Name mem_over', missing: [] },
          threshold: { money: { minor: 200_000n, currency: 'USD' }, form: 'Form 1099-NEC or 1099-MISC' },
        },
      ]);
      expect(await desk().rows('acc_a', after.id, 'unknown_country', -1, 10)).toMatchObject([
        { beneficiaryId: 'mem_nowhere', country: null, missing: ['country'] },
      ]);
      expect(await desk().rows('acc_a', before.id, 'unknown_country', -1, 10)).toEqual([]);
      expect(await desk().rows('acc_b', after.id, 'above', -1, 10)).toEqual([]);
      expect(await desk().ofYear('acc_b', 2026)).toEqual({ done: null, running: null });
    });
  });
}
