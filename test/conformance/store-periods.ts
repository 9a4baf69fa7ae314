import { beforeEach, describe, expect, test } from 'vitest';
import { createPeriods, verifyPeriods } from '../../src/application/periods.ts';
import type { Store } from '../../src/application/ports/store.ts';
import type { JournalKind } from '../../src/domain/ledger.ts';
import { USUAL_TAX_SETTINGS } from '../../src/domain/tax.ts';
import { createSigner } from '../../src/platform/sign.ts';
import { T0, type Tenant } from './store-fixtures.ts';

const ALL = { limit: 50, cursor: null };
const HOUR = 3_600_000;
/** T0 lies in November 2026. */
const NOVEMBER = Date.UTC(2026, 10, 1);
const DECEMBER = Date.UTC(2026, 11, 1);
const JANUARY = Date.UTC(2027, 0, 1);
const FEBRUARY = Date.UTC(2027, 1, 1);

/** Months that are closed: what is kept of them, and that nothing is booked in them any more. Part of the store's conformance. */
export function periodStoreConformance(
  use: () => {
    readonly store: Store;
    readonly a: Tenant;
    readonly again: () => Promise<Store>;
    readonly sql: (text: string) => Promise<readonly Record<string, unknown>[]>;
  },
): void {
  describe('closed months', () => {
    let store: Store;
    let a: Tenant;
    let now = DECEMBER + HOUR;
    let made = 0;
    beforeEach(async () => {
      ({ store, a } = use());
      now = DECEMBER + HOUR;
      await a.writePair();
    });

    const desk = (of: Store = store) =>
      createPeriods({
        store: of,
        clock: { now: () => now },
        signer: createSigner([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
        newId: () => `${++made}`,
      });

    async function book(id: string, recordedAt: number, kinds: readonly JournalKind[] = ['accrue'], minor = 5_000n) {
      const reward = a.reward(id, 'ref_1', {
        ...{ payout: 'manual', createdAt: recordedAt, ruleKey: id, money: { minor, currency: 'EUR' } },
      });
      const journals = kinds.map((kind) =>
        a.journal(reward, kind, { recordedAt, decisionId: kind === 'accrue' ? `dec_${id}` : null }),
      );
      const [result] = await store.cases.commit([a.commit({ ...a.granted(reward), journals, intents: [] })]);
      return result;
    }

    const close = (month: string, reason: string | null = null) => desk().close('acc_a', month, { by: 'fin', reason });

    test('keep what was booked of each account, begin where the one before ended, and say what was not over', async () => {
      expect(await desk().next('acc_a')).toBeNull();
      expect(await close('2026-11')).toEqual({ kind: 'nothing' });
      await book('rwd_1', T0, ['accrue', 'issue']);
      await book('rwd_2', T0);
      await book('rwd_3', DECEMBER, ['accrue'], 700n);
      now = DECEMBER;
      expect(await close('2026-11')).toMatchObject({ kind: 'not_over' });
      now = DECEMBER + HOUR;
      expect(await close('2026-12')).toMatchObject({ kind: 'not_next', next: '2026-11', closed: null });
      expect(await desk().next('acc_a')).toMatchObject({ month: '2026-11', isClosable: true, warnings: [] });
      const first = await close('2026-11');
      expect(first).toMatchObject({
        kind: 'closed',
        period: {
          from: NOVEMBER,
          to: DECEMBER,
          journals: 3,
          accounts: 3,
          closedBy: 'fin',
          totals: [
            { kind: 'expense', opening: 0n, debits: 10_000n, credits: 0n, closing: 10_000n },
            { kind: 'payable', opening: 0n, debits: 5_000n, credits: 10_000n, closing: -5_000n },
            { kind: 'provider', opening: 0n, debits: 0n, credits: 5_000n, closing: -5_000n },
          ],
        },
      });
      now = JANUARY + HOUR;
      await close('2026-12');
      const [december] = (await store.periods.list('acc_a', ALL)).items;
      expect(december).toMatchObject({ month: '2026-12', number: 2, reopened: null });
      const id = december?.id ?? '';
      const lines = await store.periods.linesOfKind('acc_a', id, { kind: 'payable', currency: 'EUR' }, ALL);
      expect(lines).toEqual({
        items: [
          {
            ...{ account: 'payable:member:mem_1', currency: 'EUR' },
            ...{ opening: -5_000n, debits: 0n, credits: 700n, closing: -5_700n },
          },
        ],
        next: null,
      });
      expect((await desk().get('acc_a', id))?.period.totals).toMatchObject([
        { kind: 'expense', opening: 10_000n, closing: 10_700n },
        { kind: 'payable', opening: -5_000n, closing: -5_700n },
        // Nothing was booked on it in December, and it is carried over.
        { kind: 'provider', opening: -5_000n, debits: 0n, credits: 0n, closing: -5_000n },
      ]);
      expect(await desk().verify('acc_a')).toEqual({ periods: 2, problems: [] });
      expect(await store.periods.get('acc_b', id)).toBeNull();
      expect((await store.periods.list('acc_b', ALL)).items).toEqual([]);
      expect(await store.periods.linesOfKind('acc_b', id, { kind: 'payable', currency: 'EUR' }, ALL)).toEqual({
        items: [],
        next: null,
      });
    });

    test('add up the same whatever the pages', async () => {
      for (let index = 0; index < 7; index += 1) await book(`rwd_${index}`, T0 + (index >> 1), ['accrue', 'issue']);
      const span = { from: NOVEMBER, to: DECEMBER };
      const whole = await store.periods.movements('acc_a', span, { limit: 1_000, cursor: null });
      expect(whole).toMatchObject({ journals: 14, next: null });
      let journals = 0;
      const sums = new Map<string, bigint>();
      for (let cursor: { at: number; id: string } | null = null; ; ) {
        const page: Awaited<ReturnType<Store['periods']['movements']>> = await store.periods.movements('acc_a', span, {
          limit: 3,
          cursor,
        });
        journals += page.journals;
        for (const { account, debits, credits } of page.movements)
          sums.set(account, (sums.get(account) ?? 0n) + debits - credits);
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(journals).toBe(14);
      expect(sums).toEqual(new Map(whole.movements.map((one) => [one.account, one.debits - one.credits])));
    });

    test('take no journal any more, and what concerns them later is told', async () => {
      await book('rwd_1', T0);
      await close('2026-11');
      expect(await book('rwd_2', DECEMBER - 1)).toEqual('conflict');
      expect(await store.reads.reward('acc_a', 'rwd_2')).toBeNull();
      expect(await book('rwd_3', DECEMBER, ['accrue'], 900n)).toEqual('committed');
      const id = (await store.periods.newest('acc_a'))?.id ?? '';
      // Its event was in November, as every journal's here.
      expect(await desk().get('acc_a', id)).toMatchObject({
        isLast: true,
        period: { journals: 1 },
        late: {
          journals: 1,
          sums: [
            { kind: 'expense', currency: 'EUR', minor: 900n },
            { kind: 'payable', currency: 'EUR', minor: -900n },
          ],
        },
      });
      expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
    });

    test('are closed by one of several who do it at once; the others are told by whom', async () => {
      await book('rwd_1', T0);
      const other = await use().again();
      try {
        const outcomes = await Promise.all(
          ['ada', 'bob', 'cyd', 'dan'].map((by, index) =>
            desk(index % 2 === 0 ? store : other).close('acc_a', '2026-11', { by, reason: null }),
          ),
        );
        const winners = outcomes.flatMap((one) => (one.kind === 'closed' ? [one.period] : []));
        expect(winners).toHaveLength(1);
        for (const lost of outcomes.filter(({ kind }) => kind !== 'closed'))
          expect(lost).toMatchObject({ kind: 'not_next', next: '2026-12', closed: { closedBy: winners[0]?.closedBy } });
        expect((await store.periods.list('acc_a', ALL)).items).toHaveLength(1);
        expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
      } finally {
        await other.close();
      }
    });

    test('are added up with all that was under way when they were sealed', async () => {
      await book('rwd_first', T0);
      const other = await use().again();
      try {
        const bookings = Array.from({ length: 30 }, (_, index) => book(`rwd_${index}`, T0 + index));
        const closed = await desk(other).close('acc_a', '2026-11', { by: 'fin', reason: null });
        const booked = (await Promise.all(bookings)).filter((result) => result === 'committed');
        expect(closed).toMatchObject({ kind: 'closed', period: { journals: booked.length + 1 } });
        expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
      } finally {
        await other.close();
      }
    });

    test('are taken back from the last one on, stay in the chain, and are closed anew', async () => {
      await book('rwd_1', T0);
      await book('rwd_2', DECEMBER);
      now = FEBRUARY + HOUR;
      await close('2026-11');
      await close('2026-12');
      const [december, november] = (await store.periods.list('acc_a', ALL)).items;
      const as = { by: 'owner@x.example', reason: 'Too early.' };
      expect(await desk().reopen('acc_a', november?.id ?? '', as)).toEqual({ kind: 'not_last' });
      expect(await desk().reopen('acc_b', december?.id ?? '', as)).toEqual({ kind: 'unknown' });
      expect(await desk().reopen('acc_a', december?.id ?? '', as)).toMatchObject({
        kind: 'reopened',
        period: { kept: { reopened: { ...as, at: now } } },
      });
      expect(await desk().reopen('acc_a', december?.id ?? '', as)).toEqual({ kind: 'not_last' });
      expect(await desk().next('acc_a')).toMatchObject({ month: '2026-12' });
      expect(await book('rwd_3', DECEMBER + 1)).toBe('committed');
      expect(await book('rwd_4', DECEMBER - 1)).toBe('conflict');
      expect(await close('2026-12')).toMatchObject({
        kind: 'closed',
        period: { journals: 2, kept: { number: 3 }, replaces: { periodId: december?.id, ...as } },
      });
      expect((await store.periods.list('acc_a', { limit: 2, cursor: null })).items.map(({ number }) => number)).toEqual(
        [3, 2],
      );
      expect(await desk().verify('acc_a')).toEqual({ periods: 3, problems: [] });
    });

    test('are not what they were when somebody changes them behind the service, and that is found', async () => {
      await book('rwd_1', T0);
      await close('2026-11');
      const { sql } = use();
      await store.accountSettings.save('acc_a', 'chart', [], { basis: 0, by: 'x', now });
      for (const table of ['periods', 'period_lines', 'account_settings']) {
        await expect(sql(`update ${table} set account_id = 'acc_x'`)).rejects.toThrow(/append_only/);
        await expect(sql(`delete from ${table}`)).rejects.toThrow(/append_only/);
      }
      const codes = async () => (await desk().verify('acc_a')).problems.map(({ problem }) => problem);
      const chain = await store.periods.chain('acc_a');
      const books = (changes: Partial<Store['periods']>) => ({ ...store.periods, ...changes });
      const signer = createSigner([{ id: 'k1', key: Buffer.alloc(32, 8) }]);
      const found = async (changes: Partial<Store['periods']>) =>
        (await verifyPeriods(books(changes), 'acc_a', null)).problems.map(({ problem }) => problem);
      expect(await codes()).toEqual([]);
      expect(await found({ chain: async () => chain.map((one) => ({ ...one, body: `${one.body} ` })) })).toEqual([
        'changed',
      ]);
      expect(await found({ lines: async () => [] })).toEqual(['lines_changed', 'sums_differ']);
      expect(
        await found({
          movements: async (...input) => {
            const page = await store.periods.movements(...input);
            return { ...page, movements: page.movements.map((one) => ({ ...one, debits: one.debits + 1n })) };
          },
        }),
      ).toEqual(['sums_differ']);
      expect((await verifyPeriods(store.periods, 'acc_a', signer)).problems).toMatchObject([
        { problem: 'not_signed_here', month: '2026-11' },
      ]);
      now = JANUARY + HOUR;
      await close('2026-12');
      const two = await store.periods.chain('acc_a');
      expect(await found({ chain: async () => two.slice(1) })).toContain('chain_broken');
    });

    test('have settings beside them that two people do not overwrite for each other', async () => {
      const { accountSettings } = store;
      expect(await accountSettings.newest('acc_a', 'chart')).toBeNull();
      const entry = { account: 'expense:*', number: '6300', label: 'Referral rewards' };
      const as = { basis: 0, by: 'ada', now: T0 };
      expect(await accountSettings.save('acc_a', 'chart', [entry], as)).toMatchObject({ version: 1 });
      expect(await accountSettings.save('acc_a', 'chart', [], { ...as, by: 'bob' })).toBeNull();
      expect(await accountSettings.newest('acc_a', 'chart')).toEqual({
        ...{ version: 1, settings: [entry], at: T0, by: 'ada' },
      });
      expect(await accountSettings.newest('acc_a', 'tax')).toBeNull();
      expect(await accountSettings.newest('acc_b', 'chart')).toBeNull();
      expect(await accountSettings.save('acc_a', 'chart', [], { ...as, basis: 1 })).toMatchObject({ version: 2 });
      // Amounts are whole numbers of any size, and come back as such.
      const tax = { ...USUAL_TAX_SETTINGS, countryProperty: 'country' };
      await accountSettings.save('acc_a', 'tax', tax, as);
      expect((await accountSettings.newest('acc_a', 'tax'))?.settings).toEqual(tax);
    });
  });
}
