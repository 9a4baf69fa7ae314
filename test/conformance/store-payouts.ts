import { beforeEach, describe, expect, test } from 'vitest';
import type { Store, WaitingNews } from '../../src/application/ports/store.ts';
import { intentFor } from '../../src/domain/plan.ts';
import type { PayoutNews } from '../../src/domain/reward.ts';
import { claiming, DAY, planOf, T0, type Tenant } from './store-fixtures.ts';

/** By whom a batch is cut that nobody has to approve. */
const BY_HAND = { by: 'Finance', approval: 'none' } as const;

const MONEY = { minor: 2_500n, currency: 'EUR' };

const told = (eventId: string, changes: Partial<PayoutNews> = {}): PayoutNews => ({
  eventId,
  kind: 'returned',
  key: null,
  reference: 'ref-1',
  why: 'bounced',
  at: T0,
  ...changes,
});

/** What is kept of providers: credentials, what they gave and told, codes, and batches that people pay. Part of the store's conformance. */
export function payoutStoreConformance(
  use: () => { readonly store: Store; readonly a: Tenant; readonly again: () => Promise<Store> },
): void {
  describe('what is kept of providers', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });

    /** An order that is claimed, as a worker has it. */
    async function claimedOrder(id = 'rwd_1') {
      if (id === 'rwd_1') await a.writePair();
      const reward = a.reward(id, 'ref_1', { payout: 'tremendous' });
      await a.write(a.granted(reward));
      const [payout] = await store.payouts.claim(claiming(`claim ${id}`));
      if (!payout) throw new Error('nothing was claimed');
      return { payout, intent: intentFor(reward), reward };
    }

    test('credentials are the account’s newest, with a version that rises, until they are taken away', async () => {
      const { payoutRecords: records } = store;
      expect(await records.setting('acc_a', 'stripe')).toBeNull();
      await records.saveSetting('acc_a', 'stripe', 'sealed 1', T0);
      await records.saveSetting('acc_a', 'stripe', 'sealed 2', T0 + 1);
      await records.saveSetting('acc_a', 'paypal', 'sealed 3', T0);
      const newest = { provider: 'stripe', sealed: 'sealed 2', updatedAt: T0 + 1, version: 2 };
      expect(await records.setting('acc_a', 'stripe')).toEqual(newest);
      expect((await records.settings('acc_a')).map(({ provider }) => provider)).toEqual(['paypal', 'stripe']);
      expect(await records.removeSetting('acc_a', 'stripe')).toBe(true);
      expect(await records.removeSetting('acc_a', 'stripe')).toBe(false);
      expect(await records.setting('acc_a', 'stripe')).toBeNull();
    });

    test('every sealed text is listed once, and replaced only where it is still the one that was read', async () => {
      const { payoutRecords: records } = store;
      for (const provider of ['a', 'b', 'c']) await records.saveSetting('acc_a', provider, `sealed ${provider}`, T0);
      await store.coupons.add('acc_a', [{ hash: 'h1', sealed: 's1' }], MONEY, T0);
      const first = await records.listSealed('settings', null, 2);
      expect(first.map(({ id }) => id)).toEqual(['a', 'b']);
      expect((await records.listSealed('settings', first[1] ?? null, 2)).map(({ id }) => id)).toEqual(['c']);
      expect(await records.listSealed('coupon', null, 9)).toEqual([{ accountId: 'acc_a', id: 'h1', sealed: 's1' }]);
      const [one] = first;
      if (!one) throw new Error('nothing was listed');
      expect(await records.replaceSealed('settings', one, 'anew')).toBe(true);
      expect(await records.replaceSealed('settings', one, 'too late')).toBe(false);
      expect((await records.setting('acc_a', 'a'))?.sealed).toBe('anew');
    });

    test('an order is begun once: every later attempt is told when that was, and what was chosen then', async () => {
      const { payoutRecords: records } = store;
      const { intent } = await claimedOrder();
      expect(await records.begin('acc_a', intent, T0 + 5)).toBe(T0 + 5);
      expect(await records.begin('acc_a', intent, T0 + DAY)).toBe(T0 + 5);
      expect(await records.choose('acc_a', intent.id, 'cus_1', T0 + 6)).toBe('cus_1');
      expect(await records.choose('acc_a', intent.id, 'cus_2', T0 + 7)).toBe('cus_1');
      await expect(records.choose('acc_a', 'pay_never_begun', 'cus_1', T0)).rejects.toThrow(RangeError);
      expect(await records.record('acc_a', intent.id)).toMatchObject({
        state: 'asked',
        reference: 'cus_1',
        voucher: null,
      });
    });

    test('what a provider gave is kept with the booking, or neither is', async () => {
      const { payoutRecords: records } = store;
      const { payout, intent } = await claimedOrder();
      await records.begin('acc_a', intent, T0);
      const given = { reference: 'TRM1', voucher: 'sealed link', state: 'issued' as const };
      expect(await store.payouts.settle({ ...payout, claim: 'lost' }, planOf(), given)).toBe(false);
      expect((await records.record('acc_a', intent.id))?.state).toBe('asked');
      expect(await store.payouts.settle(payout, planOf(), given)).toBe(true);
      const kept = await records.record('acc_a', intent.id);
      expect(kept).toMatchObject({
        ...given,
        key: intent.id,
        rewardId: 'rwd_1',
        provider: 'tremendous',
        firstTriedAt: T0,
      });
      expect(await records.recordByReference('acc_a', 'tremendous', 'TRM1')).toEqual(kept);
      expect(await records.recordByReference('acc_a', 'stripe', 'TRM1')).toBeNull();
      expect(await records.recordOfReward('acc_a', 'rwd_1')).toEqual(kept);
      expect(await records.recordsBetween('acc_a', 'tremendous', T0, T0 + 1)).toEqual([kept]);
      expect(await records.recordsBetween('acc_a', 'tremendous', T0 + 1, T0 + DAY)).toEqual([]);
    });

    test('news is kept once for each account and provider, whoever hears it at the same moment', async () => {
      const other = await use().again();
      const results = await Promise.all(
        [store, other, store].map((one) => one.payoutRecords.keepNews('acc_a', 'stripe', [told('evt_1')], T0)),
      );
      expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(1);
      expect(await store.payoutRecords.keepNews('acc_a', 'paypal', [told('evt_1')], T0)).toEqual({
        accepted: 1,
        duplicates: 0,
      });
      await other.close();
    });

    test('news waits for its order by key, or by reference, until it is settled; facts come back as they were', async () => {
      const { payoutRecords: records } = store;
      const facts = { charge: 'ch_1', minor: '250', currency: 'EUR' };
      await records.keepNews(
        'acc_a',
        'stripe',
        [
          told('evt_2', { at: T0 + 1 }),
          told('evt_1', { key: 'pay_1', reference: 'ref-9', facts }),
          told('evt_3', { reference: 'ref-2' }),
        ],
        T0,
      );
      const of = async (key: string, reference: string | null) =>
        (await records.waitingNews('acc_a', 'stripe', { key, reference }, 9)).map(({ eventId }) => eventId);
      expect(await of('pay_1', null)).toEqual(['evt_1']);
      expect(await of('pay_1', 'ref-1')).toEqual(['evt_1', 'evt_2']);
      expect(await of('pay_2', 'ref-9')).toEqual([]);
      const all = await records.waitingNews('acc_a', 'stripe', null, 9);
      expect(all.map(({ eventId }) => eventId)).toEqual(['evt_1', 'evt_3', 'evt_2']);
      expect(all[0]).toEqual({ provider: 'stripe', ...told('evt_1', { key: 'pay_1', reference: 'ref-9', facts }) });
      const [first] = all;
      if (!first) throw new Error('no news');
      const done = { effect: 'nothing', key: null, plan: null } as const;
      expect(await records.settleNews('acc_a', first, done, T0)).toBe(true);
      expect(await records.settleNews('acc_a', first, done, T0)).toBe(false);
      expect(await of('pay_1', null)).toEqual([]);
    });

    test('news is settled together with what it does to the reward: when that has changed meanwhile, neither happens', async () => {
      const { payoutRecords: records } = store;
      const { payout, intent, reward } = await claimedOrder();
      const issued = { ...reward, state: 'issued' as const, version: 3 };
      const plan = planOf({ rewards: [issued], journals: [a.journal(issued, 'issue')] });
      const given = { reference: 'TRM1', voucher: null, state: 'issued' as const };
      expect(await store.payouts.settle(payout, plan, given)).toBe(true);
      await records.keepNews('acc_a', 'tremendous', [told('evt_1', { reference: 'TRM1' })], T0);
      const [news] = await records.waitingNews('acc_a', 'tremendous', null, 9);
      const failed = { ...issued, state: 'failed' as const };
      const journals = [a.journal(failed, 'return')];
      const settle = (version: number) =>
        records.settleNews(
          'acc_a',
          news as WaitingNews,
          { effect: 'applied', key: intent.id, plan: planOf({ rewards: [{ ...failed, version }], journals }) },
          T0 + 9,
        );
      expect(await settle(3)).toBe(false);
      expect(await settle(9)).toBe(false);
      expect((await records.record('acc_a', intent.id))?.state).toBe('issued');
      expect(await settle(4)).toBe(true);
      expect((await store.reads.reward('acc_a', reward.id))?.state).toBe('failed');
      expect(await records.record('acc_a', intent.id)).toMatchObject({ state: 'returned', updatedAt: T0 + 9 });
      const balances = await store.reads.balances('acc_a');
      expect(balances.find(({ account }) => account === 'provider:tremendous')?.minor ?? 0n).toBe(0n);
    });

    test('a plan that does not balance is not booked with any news', async () => {
      await a.writePair();
      const reward = a.reward('rwd_1', 'ref_1');
      await a.write(a.granted(reward));
      await store.payoutRecords.keepNews('acc_a', 'stripe', [told('evt_1')], T0);
      const [news] = await store.payoutRecords.waitingNews('acc_a', 'stripe', null, 9);
      const crooked = a.journal(reward, 'return', { postings: [{ account: 'x', minor: 1n, currency: 'EUR' }] });
      const plan = planOf({ journals: [crooked] });
      await expect(
        store.payoutRecords.settleNews('acc_a', news as WaitingNews, { effect: 'applied', key: null, plan }, T0),
      ).rejects.toMatchObject({ code: 'ledger_unbalanced' });
      expect(await store.payoutRecords.waitingNews('acc_a', 'stripe', null, 9)).toHaveLength(1);
    });

    test('a code goes to one order, and an order gets one code, however many ask at the same moment', async () => {
      const other = await use().again();
      const codes = Array.from({ length: 4 }, (_, index) => ({ hash: `h${index}`, sealed: `s${index}` }));
      expect(await store.coupons.add('acc_a', codes, MONEY, T0)).toEqual({ added: 4, duplicates: 0 });
      expect(await store.coupons.add('acc_a', codes.slice(0, 1), MONEY, T0)).toEqual({ added: 0, duplicates: 1 });
      const keys = ['pay_1', 'pay_2', 'pay_3', 'pay_1', 'pay_2', 'pay_3', 'pay_4', 'pay_5'];
      const takeAll = () =>
        Promise.all(keys.map((key, index) => (index % 2 ? store : other).coupons.take('acc_a', key, MONEY, T0)));
      await takeAll();
      // One who skipped a code that another had in hand for a moment asks again, as an order does.
      const taken = await takeAll();
      // Which of the five orders goes without is nobody's promise; one that asks twice is told twice.
      const hashesOf = Map.groupBy(taken.keys(), (index) => keys[index]);
      const given = [...hashesOf.values()].map((asked) => new Set(asked.map((index) => taken[index]?.hash ?? 'none')));
      expect(given.map((hashes) => hashes.size)).toEqual([1, 1, 1, 1, 1]);
      const codesGiven = given.flatMap((hashes) => [...hashes]);
      expect(codesGiven.filter((hash) => hash === 'none')).toHaveLength(1);
      expect(new Set(codesGiven).size).toBe(5);
      expect(taken.every((coupon, index) => coupon === null || coupon.key === keys[index])).toBe(true);
      await other.close();
    });

    test('a code is taken only if it is worth exactly what is owed', async () => {
      await store.coupons.add('acc_a', [{ hash: 'h', sealed: 's' }], MONEY, T0);
      expect(await store.coupons.take('acc_a', 'pay_1', { ...MONEY, minor: 2_501n }, T0)).toBeNull();
      expect(await store.coupons.take('acc_a', 'pay_1', { ...MONEY, currency: 'USD' }, T0)).toBeNull();
      expect(await store.coupons.take('acc_a', 'pay_1', MONEY, T0)).toMatchObject({ hash: 'h', key: 'pay_1' });
    });

    test('a code is used or withdrawn, never both, and the counts tell where all of them are', async () => {
      const { coupons } = store;
      await coupons.add(
        'acc_a',
        [
          { hash: 'h1', sealed: 's' },
          { hash: 'h2', sealed: 's' },
          { hash: 'h3', sealed: 's' },
        ],
        MONEY,
        T0,
      );
      const first = await coupons.take('acc_a', 'pay_1', MONEY, T0);
      const second = await coupons.take('acc_a', 'pay_2', MONEY, T0);
      expect((await coupons.redeem('acc_a', first?.hash ?? '', T0 + 1))?.redeemedAt).toBe(T0 + 1);
      expect((await coupons.redeem('acc_a', first?.hash ?? '', T0 + 2))?.redeemedAt).toBe(T0 + 1);
      expect(await coupons.withdraw('acc_a', 'pay_1', T0 + 3)).toBe('too_late');
      expect(await coupons.withdraw('acc_a', 'pay_2', T0 + 3)).toBe('withdrawn');
      expect((await coupons.redeem('acc_a', second?.hash ?? '', T0 + 4))?.redeemedAt).toBeNull();
      expect(await coupons.withdraw('acc_a', 'pay_9', T0)).toBe('unknown');
      expect(await coupons.redeem('acc_a', 'h3', T0)).toBeNull();
      expect(await coupons.counts('acc_a')).toEqual([{ money: MONEY, free: 1, given: 2, redeemed: 1, withdrawn: 1 }]);
      expect((await coupons.givenBetween('acc_a', T0, T0 + 1)).map(({ key }) => key)).toEqual(['pay_1', 'pay_2']);
    });

    test('a code that is made is the order’s, and a second one is not', async () => {
      const { coupons } = store;
      expect(await coupons.give('acc_a', 'pay_1', { hash: 'h1', sealed: 's1' }, MONEY, T0)).toMatchObject({
        hash: 'h1',
      });
      expect(await coupons.give('acc_a', 'pay_1', { hash: 'h2', sealed: 's2' }, MONEY, T0)).toMatchObject({
        hash: 'h1',
      });
      expect(await coupons.give('acc_a', 'pay_2', { hash: 'h1', sealed: 's1' }, MONEY, T0)).toBeNull();
    });

    test('orders join the one open batch, whoever opens it; what was cut is joined and left no more', async () => {
      const other = await use().again();
      const { batches } = store;
      const orderOf = (key: string) => ({ key, rewardId: `rwd_${key}`, money: MONEY });
      const joined = await Promise.all(
        ['1', '2', '3', '1'].map((key, index) => (index % 2 ? store : other).batches.join('acc_a', orderOf(key), T0)),
      );
      expect(new Set(joined.map(({ batchId }) => batchId)).size).toBe(1);
      const [batch] = await batches.batches('acc_a');
      if (!batch) throw new Error('no batch');
      expect(batch).toMatchObject({ number: 1, cutAt: null, items: { waiting: 3, paid: 0 } });
      expect(await batches.withdraw('acc_a', '1', T0)).toBe('withdrawn');
      expect(await batches.mark('acc_a', batch.id, { key: '2', state: 'paid', why: null }, T0)).toBe('open');
      expect(await batches.cut('acc_a', batch.id, BY_HAND, T0 + 1)).toBe(true);
      expect(await batches.cut('acc_a', batch.id, BY_HAND, T0 + 2)).toBe(false);
      await batches.noteExport('acc_a', batch.id, T0 + 1);
      expect(await batches.withdraw('acc_a', '2', T0)).toBe('too_late');
      expect(await batches.withdraw('acc_a', '9', T0)).toBe('unknown');
      expect((await batches.join('acc_a', orderOf('4'), T0 + 2)).batchId).not.toBe(batch.id);
      expect((await batches.join('acc_a', orderOf('2'), T0 + 2)).batchId).toBe(batch.id);
      expect((await batches.batches('acc_a')).map(({ number }) => number)).toEqual([2, 1]);
      expect(await batches.batch('acc_a', batch.id)).toMatchObject({ cutAt: T0 + 1 });
      await other.close();
    });

    test('a row is marked once, and its order comes up at once', async () => {
      await a.writePair();
      const reward = a.reward('rwd_1', 'ref_1', { payout: 'manual', money: MONEY });
      await a.write(a.granted(reward));
      const key = intentFor(reward).id;
      const [payout] = await store.payouts.claim(claiming('c'));
      if (!payout) throw new Error('nothing was claimed');
      const { batchId } = await store.batches.join('acc_a', { key, rewardId: 'rwd_1', money: MONEY }, T0);
      await store.payouts.defer(payout, { runAt: T0 + DAY, error: 'waits', parked: false });
      await store.batches.cut('acc_a', batchId, BY_HAND, T0);
      expect(await store.batches.rows('acc_a', batchId)).toMatchObject([
        { key, party: 'member', name: 'Name mem_1', email: 'mem_1@example.com', money: MONEY, state: 'waiting' },
      ]);
      const mark = (state: 'paid' | 'refused') =>
        store.batches.mark('acc_a', batchId, { key, state, why: state === 'paid' ? null : 'unknown account' }, T0 + 1);
      // Approved by the cut, it comes up to be sent; the person who pays it takes longer.
      const [sent] = await store.payouts.claim(claiming('d', T0 + 1));
      if (!sent) throw new Error('the cut brought nothing up');
      await store.payouts.defer(sent, { runAt: T0 + DAY, error: 'waits', parked: false });
      expect(await store.payouts.claim(claiming('d', T0 + 1))).toEqual([]);
      expect(await mark('refused')).toBe('marked');
      expect(await mark('paid')).toBe('settled');
      expect(await store.batches.mark('acc_a', batchId, { key: 'pay_x', state: 'paid', why: null }, T0)).toBe(
        'unknown',
      );
      expect(await store.batches.item('acc_a', key)).toMatchObject({ state: 'refused', why: 'unknown account' });
      expect(await store.payouts.claim(claiming('e', T0 + 1))).toHaveLength(1);
      expect(await store.batches.itemsBetween('acc_a', T0, T0 + 1)).toHaveLength(1);
    });

    test('another account with the same names finds nothing, and changes nothing', async () => {
      const { payoutRecords: records, coupons, batches } = store;
      const { payout, intent } = await claimedOrder();
      await records.saveSetting('acc_a', 'stripe', 'sealed', T0);
      await store.payouts.settle(payout, planOf(), { reference: 'TRM1', voucher: 'v', state: 'issued' });
      await records.keepNews('acc_a', 'stripe', [told('evt_1')], T0);
      await coupons.add('acc_a', [{ hash: 'h', sealed: 's' }], MONEY, T0);
      const { batchId } = await batches.join('acc_a', { key: intent.id, rewardId: 'rwd_1', money: MONEY }, T0);
      const [news] = await records.waitingNews('acc_a', 'stripe', null, 9);
      expect(await records.settings('acc_b')).toEqual([]);
      expect(await records.setting('acc_b', 'stripe')).toBeNull();
      expect(await records.removeSetting('acc_b', 'stripe')).toBe(false);
      expect(await records.record('acc_b', intent.id)).toBeNull();
      expect(await records.recordByReference('acc_b', 'tremendous', 'TRM1')).toBeNull();
      expect(await records.recordOfReward('acc_b', 'rwd_1')).toBeNull();
      expect(await records.recordsBetween('acc_b', 'tremendous', 0, T0 + DAY)).toEqual([]);
      expect(await records.waitingNews('acc_b', 'stripe', null, 9)).toEqual([]);
      const done = { effect: 'nothing', key: intent.id, plan: null } as const;
      expect(await records.settleNews('acc_b', news as WaitingNews, done, T0)).toBe(false);
      await expect(records.choose('acc_b', intent.id, 'x', T0)).rejects.toThrow(RangeError);
      expect(await coupons.take('acc_b', 'pay_1', MONEY, T0)).toBeNull();
      expect(await coupons.ofOrder('acc_b', 'pay_1')).toBeNull();
      expect(await coupons.redeem('acc_b', 'h', T0)).toBeNull();
      expect(await coupons.counts('acc_b')).toEqual([]);
      expect(await batches.item('acc_b', intent.id)).toBeNull();
      expect(await batches.batches('acc_b')).toEqual([]);
      expect(await batches.batch('acc_b', batchId)).toBeNull();
      expect(await batches.rows('acc_b', batchId)).toEqual([]);
      expect(await batches.cut('acc_b', batchId, BY_HAND, T0)).toBe(false);
      expect(await batches.mark('acc_b', batchId, { key: intent.id, state: 'paid', why: null }, T0)).toBe('unknown');
      expect(await batches.withdraw('acc_b', intent.id, T0)).toBe('unknown');
      expect(await records.record('acc_a', intent.id)).toMatchObject({ reference: 'TRM1' });
      expect(await records.waitingNews('acc_a', 'stripe', null, 9)).toHaveLength(1);
      expect(await batches.item('acc_a', intent.id)).toMatchObject({ state: 'waiting' });
    });
  });
}
