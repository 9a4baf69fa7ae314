import { beforeEach, describe, expect, test } from 'vitest';
import type { Batching, ClaimedPayout, Store } from '../../src/application/ports/store.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { claiming, DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

const MONEY = { minor: 5_000n, currency: 'EUR' };
const PAGE = { limit: 9, cursor: null };
const BY_HAND = { by: 'Finance', approval: 'none' } as const;
const REQUIRED = { by: 'Finance', approval: 'required' } as const;

/** Batches of any provider, what is undone, refunds and kept comparisons. Part of the store's conformance. */
export function moneyOutStoreConformance(
  use: () => { readonly store: Store; readonly a: Tenant; readonly again: () => Promise<Store> },
): void {
  describe('money that goes out, and comes back', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    async function claimed(id = 'rwd_1', payout = 'paypal', at = T0): Promise<ClaimedPayout> {
      await a.write(a.granted(a.reward(id, 'ref_1', { payout, money: MONEY })));
      return claimNext(at);
    }
    async function claimNext(at = T0): Promise<ClaimedPayout> {
      const [payout] = await store.payouts.claim(claiming(`claim at ${at}`, at));
      if (!payout) throw new Error('nothing was claimed');
      return payout;
    }
    const stateOf = async (id: string) => (await store.reads.reward('acc_a', id))?.state;
    async function onlyBatch() {
      const [batch] = await store.batches.batches('acc_a');
      if (!batch) throw new Error('no batch');
      return batch;
    }

    test('an order that is held waits as something that can still be taken back, and comes up when its batch is approved', async () => {
      const payout = await claimed();
      expect(await stateOf('rwd_1')).toBe('issuing');
      expect(await store.batches.admit(payout, MONEY, T0)).toBe('held');
      expect(await stateOf('rwd_1')).toBe('approved');
      expect(await store.payouts.claim(claiming('later', T0 + 365 * DAY))).toEqual([]);
      const { id } = await onlyBatch();
      expect(await store.batches.approve('acc_a', id, 'Bo', T0)).toBe(false);
      expect(await store.batches.cut('acc_a', id, REQUIRED, T0 + 1)).toBe(true);
      expect(await store.payouts.claim(claiming('cut', T0 + DAY))).toEqual([]);
      expect(await store.batches.approve('acc_a', id, 'Bo', T0 + 2)).toBe(true);
      expect(await store.batches.approve('acc_a', id, 'Cy', T0 + 3)).toBe(false);
      const again = await claimNext(T0 + 2);
      expect(again.intent.id).toBe(payout.intent.id);
      expect(await store.batches.admit(again, MONEY, T0 + 2)).toBe('go');
      expect(await onlyBatch()).toMatchObject({ cutBy: 'Finance', approvedBy: 'Bo', approvedAt: T0 + 2 });
    });

    test('an order whose reward is to end is not held, and one that nobody holds any more is left alone', async () => {
      const payout = await claimed();
      const reward = await store.reads.reward('acc_a', 'rwd_1');
      if (!reward) throw new Error('no reward');
      await a.write({ rewards: [{ ...reward, reversalPending: true, version: reward.version + 1 }] });
      expect(await store.batches.admit(payout, MONEY, T0)).toBe('taken_back');
      expect(await store.batches.item('acc_a', payout.intent.id)).toBeNull();
      expect(await stateOf('rwd_1')).toBe('issuing');
    });

    test('an approval and an order that joins at the same moment never leave the order to nobody', async () => {
      const other = await use().again();
      for (let round = 0; round < 8; round += 1) {
        const at = T0 + round * DAY;
        const payout = await claimed(`rwd_${round}`, 'paypal', at);
        await store.batches.join(
          'acc_a',
          { key: payout.intent.id, rewardId: payout.intent.rewardId, money: MONEY, provider: 'paypal' },
          at,
        );
        const batch = (await store.batches.batches('acc_a')).find(({ cutAt }) => cutAt === null);
        await store.batches.cut('acc_a', batch?.id ?? '', REQUIRED, at);
        const [admitted] = await Promise.all([
          store.batches.admit(payout, MONEY, at),
          other.batches.approve('acc_a', batch?.id ?? '', 'Bo', at),
        ]);
        // Sent by whoever has it, or due again: one of the two.
        const due = await store.payouts.claim(claiming(`after ${round}`, at));
        expect([round, admitted === 'go' ? 1 : due.length]).toEqual([round, 1]);
        const [held] = due.length > 0 ? due : [payout];
        if (held) await store.payouts.defer(held, { runAt: at + 900 * DAY, error: 'later', parked: false });
      }
      await other.close();
    });

    test('what was taken back has left the batch, and what was settled is told by its reward', async () => {
      const first = await claimed('rwd_1');
      await store.batches.admit(first, MONEY, T0);
      const second = await claimed('rwd_2');
      await store.batches.admit(second, MONEY, T0);
      await a.write({ cancelledIntentIds: [first.intent.id] });
      const { id } = await onlyBatch();
      const states = async () =>
        Object.fromEntries((await store.batches.rows('acc_a', id)).map(({ rewardId, state }) => [rewardId, state]));
      expect(await states()).toEqual({ rwd_1: 'withdrawn', rwd_2: 'waiting' });
      await store.batches.cut('acc_a', id, BY_HAND, T0);
      expect((await claimNext(T0)).intent.id).toBe(second.intent.id);
      const reward = await store.reads.reward('acc_a', 'rwd_2');
      if (!reward) throw new Error('no reward');
      await a.write({ rewards: [{ ...reward, state: 'issued', version: reward.version + 1 }] });
      expect(await states()).toEqual({ rwd_1: 'withdrawn', rwd_2: 'paid' });
      expect((await onlyBatch()).items).toEqual({ waiting: 0, paid: 1, refused: 0, withdrawn: 1 });
    });

    test('each provider has an open batch of its own, numbered through', async () => {
      const join = (key: string, provider: string) =>
        store.batches.join('acc_a', { key, rewardId: `rwd_${key}`, money: MONEY, provider }, T0);
      const items = await Promise.all([join('1', 'paypal'), join('2', 'manual'), join('3', 'paypal')]);
      expect(items[0]?.batchId).toBe(items[2]?.batchId);
      const batches = await store.batches.batches('acc_a');
      expect(batches.map(({ number }) => number)).toEqual([2, 1]);
      expect(batches.map(({ provider }) => provider).sort()).toEqual(['manual', 'paypal']);
    });

    test('a schedule is the account’s newest, is due at its time, and is cut by one of many who look', async () => {
      const other = await use().again();
      const batching: Batching = {
        provider: 'paypal',
        schedule: { kind: 'month_day', day: 'last' },
        approval: 'required',
        nextCutAt: T0 + DAY,
      };
      await store.batches.setBatching('acc_a', { ...batching, approval: 'none', nextCutAt: null }, T0);
      expect(await store.batches.dueBatchings(T0 + 9 * DAY, 9)).toEqual([]);
      await store.batches.setBatching('acc_a', batching, T0);
      expect(await store.batches.batchings('acc_a')).toEqual([batching]);
      expect(await store.batches.batching('acc_a', 'paypal')).toEqual(batching);
      expect(await store.batches.dueBatchings(T0 + DAY - 1, 9)).toEqual([]);
      const [due] = await store.batches.dueBatchings(T0 + DAY, 9);
      if (!due) throw new Error('nothing is due');
      expect(due).toEqual({ ...batching, accountId: 'acc_a' });
      await store.batches.admit(await claimed(), MONEY, T0);
      const cuts = await Promise.all(
        [store, other, store].map((one) => one.batches.cutDue(due, T0 + 9 * DAY, T0 + DAY)),
      );
      expect(cuts.filter((cut) => cut)).toHaveLength(1);
      expect(await onlyBatch()).toMatchObject({ cutAt: T0 + DAY, cutBy: 'schedule', approvedAt: null });
      expect(await store.batches.removeBatching('acc_a', 'paypal')).toBe('waiting');
      await store.batches.approve('acc_a', (await onlyBatch()).id, 'Bo', T0 + DAY);
      expect(await store.batches.removeBatching('acc_a', 'paypal')).toBe('removed');
      expect(await store.batches.removeBatching('acc_a', 'paypal')).toBe('unknown');
      await other.close();
    });

    test('what an order gave is undone by the same order, once it was carried out, and not before', async () => {
      const payout = await claimed('rwd_1', 'tremendous');
      const recall = { ...intentFor(payout.reward), kind: 'cancel' as const, at: null };
      await expect(a.write({ intents: [recall] })).rejects.toThrow('conflict');
      const issued = { ...payout.reward, state: 'issued' as const, version: payout.reward.version + 1 };
      const expiry = { ...recall, kind: 'expire' as const, at: T0 + 30 * DAY };
      const plan = a.commit({ rewards: [issued], intents: [expiry] }).plan;
      expect(await store.payouts.settle(payout, plan, undefined)).toBe(true);
      expect(await store.payouts.claim(claiming('early', T0 + DAY))).toEqual([]);
      const [due] = await store.payouts.claim(claiming('late', T0 + 30 * DAY));
      expect(due).toMatchObject({ intent: { id: recall.id, kind: 'expire' }, reward: { state: 'issued' } });
      // Taken back meanwhile: whoever had it finds its claim gone, and the order comes up at once for another reason.
      await a.write({ intents: [recall] });
      if (due) expect(await store.payouts.settle(due, a.commit({}).plan, undefined)).toBe(false);
      const [cancel] = await store.payouts.claim(claiming('cancel', T0 + 30 * DAY));
      expect(cancel?.intent).toMatchObject({ id: recall.id, kind: 'cancel' });
    });

    test('a reward keeps what its rule says of the time after its issue', async () => {
      const terms = {
        cancelsIssued: true,
        expiresAfterDays: 30,
        expiresAt: T0 + 30 * DAY,
        writtenOff: 1_234n,
      } as const;
      const reward = a.reward('rwd_1', 'ref_1', terms);
      await a.write(a.granted(reward));
      expect(await store.reads.reward('acc_a', 'rwd_1')).toEqual(reward);
      const plain = a.reward('rwd_2', 'ref_1');
      await a.write(a.granted(plain));
      expect(await store.reads.reward('acc_a', 'rwd_2')).toEqual(plain);
    });

    test('a refund is kept once by its source’s id, and its deal is asked for whenever something about it is new', async () => {
      const deal = a.ref('deal', '77');
      const refund = { source: 'stripe', id: 're_1', deal: null, money: MONEY, at: T0 - DAY, isUndone: false };
      const due = async () => (await store.work.counts(T0 + DAY)).due;
      expect(await store.refunds.keep('acc_a', refund, T0)).toBe('new');
      expect(await due()).toBe(0);
      expect(await store.refunds.keep('acc_a', refund, T0 + 1)).toBe('known');
      expect(await store.refunds.keep('acc_a', { ...refund, money: { ...MONEY, minor: 1n } }, T0 + 1)).toBe('other');
      expect(await store.refunds.keep('acc_a', { ...refund, deal }, T0 + 2)).toBe('changed');
      expect(await due()).toBe(1);
      expect(await store.refunds.keep('acc_a', { ...refund, deal: a.ref('deal', '78') }, T0 + 3)).toBe('other');
      const fact = { source: 'stripe', id: 're_1', at: T0 + 2, amount: '50.00', currency: 'EUR', undoneAt: null };
      const of = async () => (await store.cases.refundsOfDeals('acc_a', a.connectionId, ['77', '78'])).get('77');
      expect(await of()).toEqual([fact]);
      expect(await store.refunds.keep('acc_a', { ...refund, isUndone: true }, T0 + 4)).toBe('changed');
      expect(await store.refunds.keep('acc_a', { ...refund, deal, isUndone: true }, T0 + 5)).toBe('known');
      // That it went through once is no news behind that it came to nothing.
      expect(await store.refunds.keep('acc_a', { ...refund, deal }, T0 + 6)).toBe('known');
      expect(await of()).toEqual([{ ...fact, undoneAt: T0 + 4 }]);
      const other = { ...refund, source: 'api', deal };
      expect(await store.refunds.keep('acc_a', other, T0 + 7)).toBe('new');
      const first = await store.refunds.list('acc_a', { limit: 1, cursor: null });
      expect(first.items).toMatchObject([{ source: 'api', receivedAt: T0 + 7, at: T0 - DAY }]);
      const rest = await store.refunds.list('acc_a', { limit: 1, cursor: first.next });
      expect(rest).toMatchObject({ items: [{ source: 'stripe', isUndone: true }], next: null });
    });

    test('two nodes that hear of a refund at the same time keep it once', async () => {
      const other = await use().again();
      const refund = { source: 'stripe', id: 're_1', deal: null, money: MONEY, at: T0, isUndone: false };
      const kept = await Promise.all([store, other, store].map((one) => one.refunds.keep('acc_a', refund, T0)));
      expect(kept.sort()).toEqual(['known', 'known', 'new']);
      await other.close();
    });

    test('a comparison is kept as it was found, and never changed', async () => {
      const difference = {
        kind: 'open',
        key: 'pay_1',
        reference: null,
        rewardId: 'rwd_1',
        ours: 'a',
        theirs: 'b',
      } as const;
      const report = {
        provider: 'stripe',
        orders: 2,
        agree: 1,
        listed: null,
        agreed: [{ minor: 9_007_199_254_740_993n, currency: 'EUR' }],
        differences: [difference],
      };
      const kept = (id: string, at: number) => ({ id, from: T0, to: T0 + DAY, report, by: 'Finance', at });
      await store.payoutReports.keep('acc_a', kept('rep_1', T0));
      await store.payoutReports.keep('acc_a', kept('rep_2', T0 + 1));
      expect(await store.payoutReports.get('acc_a', 'rep_1')).toEqual(kept('rep_1', T0));
      await expect(store.payoutReports.keep('acc_a', kept('rep_1', T0 + 2))).rejects.toThrow();
      const first = await store.payoutReports.list('acc_a', { limit: 1, cursor: null });
      expect(first.items.map(({ id }) => id)).toEqual(['rep_2']);
      const rest = await store.payoutReports.list('acc_a', { limit: 9, cursor: first.next });
      expect(rest).toMatchObject({ items: [{ id: 'rep_1' }], next: null });
    });

    test('balances are of the ledger accounts that are asked for, and of no other', async () => {
      await a.write(a.granted(a.reward('rwd_1', 'ref_1', { money: MONEY })));
      const named = ['payable:member:mem_1', 'receivable:member:mem_1', 'payable:member:mem'];
      expect(await store.reads.balancesOf('acc_a', named)).toEqual([
        { account: 'payable:member:mem_1', currency: 'EUR', minor: -5_000n },
      ]);
    });

    test('another account with the same names finds nothing, and changes nothing', async () => {
      await tenant(store, 'acc_b', 'con_b').create();
      await store.batches.admit(await claimed(), MONEY, T0);
      const { id } = await onlyBatch();
      const batching: Batching = { provider: 'paypal', schedule: null, approval: 'required', nextCutAt: T0 };
      await store.batches.setBatching('acc_a', batching, T0);
      const refund = {
        source: 'stripe',
        id: 're_1',
        deal: a.ref('deal', '77'),
        money: MONEY,
        at: T0,
        isUndone: false,
      };
      await store.refunds.keep('acc_a', refund, T0);
      const report = { provider: 'stripe', orders: 0, agree: 0, listed: null, agreed: [], differences: [] };
      await store.payoutReports.keep('acc_a', { id: 'rep_1', from: T0, to: T0, report, by: 'x', at: T0 });
      expect(await store.batches.batchings('acc_b')).toEqual([]);
      expect(await store.batches.batching('acc_b', 'paypal')).toBeNull();
      expect(await store.batches.removeBatching('acc_b', 'paypal')).toBe('unknown');
      expect(await store.batches.cutDue({ ...batching, accountId: 'acc_b', nextCutAt: T0 }, T0 + 1, T0)).toBe(false);
      expect(await store.batches.cut('acc_b', id, REQUIRED, T0)).toBe(false);
      await store.batches.cut('acc_a', id, REQUIRED, T0);
      expect(await store.batches.approve('acc_b', id, 'Bo', T0)).toBe(false);
      await store.batches.noteExport('acc_b', id, T0);
      expect(await store.refunds.list('acc_b', PAGE)).toEqual({ items: [], next: null });
      expect(await store.cases.refundsOfDeals('acc_b', a.connectionId, ['77'])).toEqual(new Map());
      expect(await store.payoutReports.get('acc_b', 'rep_1')).toBeNull();
      expect(await store.payoutReports.list('acc_b', PAGE)).toEqual({ items: [], next: null });
      expect(await store.reads.balancesOf('acc_b', ['payable:member:mem_1'])).toEqual([]);
      // The same source's id of another account is another refund.
      expect(await store.refunds.keep('acc_b', { ...refund, deal: null }, T0)).toBe('new');
      expect(await onlyBatch()).toMatchObject({ approvedAt: null, exportedAt: null });
      expect((await store.refunds.list('acc_a', PAGE)).items).toHaveLength(1);
    });
  });
}
