import { beforeEach, describe, expect, test } from 'vitest';
import type { Page, PageCursor, Store } from '../../src/application/ports/store.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { PARTIES } from '../../src/domain/program.ts';
import { newCase } from './store-desk.ts';
import { claiming, DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

/** The console's lists and the timeline of a referral. Part of the store's conformance. */
export function listStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('lists that people look through', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });

    /** All pages of two; every one of them but the last is full. */
    async function idsOf<T extends { readonly id: string }>(
      load: (page: { limit: number; cursor: PageCursor | null }) => Promise<Page<T>>,
    ): Promise<string[]> {
      const ids: string[] = [];
      let cursor: PageCursor | null = null;
      do {
        const { items, next }: Page<T> = await load({ limit: 2, cursor });
        ids.push(...items.map(({ id }) => id));
        if (next) expect(items.length).toBe(2);
        cursor = next;
      } while (cursor);
      return ids;
    }

    test('a member is found by how their name or address begins, however it is written, and by a whole code', async () => {
      const of = (id: string, name: string | null, email: string | null, at: number, more: object = {}) =>
        a.member(id, { name, email, code: `CODE-${id.toUpperCase()}`, createdAt: at, ...more });
      await a.write({
        members: [
          of('mem_1', 'Ada Lovelace', 'countess@example.com', T0),
          of('mem_2', 'ADA Yonath', 'yonath@example.com', T0 + 1),
          of('mem_3', 'Grace Hopper', 'ada.fan@example.com', T0 + 2, { isStaff: true }),
          of('mem_4', 'Özgür %_', null, T0 + 3),
          of('mem_5', null, null, T0 + 4, { isStaff: true }),
        ],
      });
      const found = (search: string, more: object = {}) =>
        idsOf((page) => store.reads.members('acc_a', page, { search, ...more }));
      expect(await found('ada')).toEqual(['mem_3', 'mem_2', 'mem_1']);
      expect(await found('ADA L')).toEqual(['mem_1']);
      expect(await found('öZ')).toEqual(['mem_4']);
      expect(await found('code-mem_5')).toEqual(['mem_5']);
      expect(await found('code-mem')).toEqual([]);
      expect(await found('%')).toEqual([]);
      expect(await found('lovelace')).toEqual([]);
      expect(await found('ada', { isStaff: true })).toEqual(['mem_3']);
      expect(await idsOf((page) => store.reads.members('acc_a', page, { isStaff: true }))).toEqual(['mem_5', 'mem_3']);
      expect(await idsOf((page) => store.reads.members('acc_b', page, { search: 'ada' }))).toEqual([]);
    });

    test('somebody who is forgotten is found by their name no more', async () => {
      await a.writePair();
      const [member] = (await store.reads.members('acc_a', { limit: 1, cursor: null }, { search: 'name mem_1' })).items;
      expect(member?.id).toBe('mem_1');
      await a.write({}, { erase: [a.ref('contact', 'contact-mem_1'), a.ref('contact', 'friend-ref_1')] });
      for (const search of ['name', 'mem_1'])
        expect((await store.reads.members('acc_a', { limit: 1, cursor: null }, { search })).items).toEqual([]);
      for (const friend of ['friend', 'ref_1'])
        expect((await store.reads.referrals('acc_a', { limit: 1, cursor: null }, { friend })).items).toEqual([]);
    });

    test('every filter of referrals with every other one gives what a look at all of them gives, page by page', async () => {
      const stages = ['won', 'lost', 'accepted'] as const;
      await a.write({ members: [a.member('mem_1'), a.member('mem_2')] });
      const all = Array.from({ length: 24 }, (_, i) =>
        a.referral(`ref_${i}`, `mem_${1 + (i % 2)}`, {
          programId: i % 4 < 2 ? 'one' : 'two',
          stage: stages[i % 3] ?? 'won',
          submittedAt: T0 + Math.floor(i / 2),
          friend: { name: i % 5 === 0 ? `Ada ${i}` : null, email: null, contact: a.ref('contact', `f${i}`) },
        }),
      );
      await a.write({ referrals: all });
      const newest = all.toSorted((x, y) => y.submittedAt - x.submittedAt || (x.id < y.id ? 1 : -1));
      for (const memberId of [undefined, 'mem_2'])
        for (const stage of [undefined, 'won' as const])
          for (const programId of [undefined, 'two'])
            for (const since of [undefined, T0 + 5])
              for (const friend of [undefined, 'ada']) {
                const filter = Object.fromEntries(
                  Object.entries({ memberId, stage, programId, since, friend }).filter(
                    ([, value]) => value !== undefined,
                  ),
                );
                const expected = newest.filter(
                  (one) =>
                    (memberId === undefined || one.memberId === memberId) &&
                    (stage === undefined || one.stage === stage) &&
                    (programId === undefined || one.programId === programId) &&
                    (since === undefined || one.submittedAt >= since) &&
                    (friend === undefined || one.friend.name !== null),
                );
                const found = await idsOf((page) => store.reads.referrals('acc_a', page, filter));
                expect([filter, found]).toEqual([filter, expected.map(({ id }) => id)]);
              }
    });

    test('every filter of rewards with every other one gives what a look at all of them gives, page by page', async () => {
      await a.writePair();
      const states = ['held', 'approved', 'issued'] as const;
      const all = Array.from({ length: 24 }, (_, i) =>
        a.reward(`rwd_${i}`, 'ref_1', {
          state: states[i % 3] ?? 'held',
          party: PARTIES[i % 4] ?? 'member',
          beneficiaryId: i % 4 === 1 ? 'ref_1' : 'mem_1',
          money: { minor: 5_000n, currency: i % 5 === 0 ? 'USD' : 'EUR' },
          createdAt: T0 + Math.floor(i / 2),
        }),
      );
      await a.write({ rewards: all });
      const newest = all.toSorted((x, y) => y.createdAt - x.createdAt || (x.id < y.id ? 1 : -1));
      for (const state of [undefined, 'held' as const])
        for (const party of [undefined, 'friend' as const])
          for (const currency of [undefined, 'USD'])
            for (const beneficiaryId of [undefined, 'mem_1', 'ref_1']) {
              const filter = Object.fromEntries(
                Object.entries({ state, party, currency, beneficiaryId }).filter(([, value]) => value !== undefined),
              );
              const expected = newest.filter(
                (one) =>
                  (state === undefined || one.state === state) &&
                  (party === undefined || one.party === party) &&
                  (currency === undefined || one.money.currency === currency) &&
                  (beneficiaryId === undefined || one.beneficiaryId === beneficiaryId),
              );
              const found = await idsOf((page) => store.reads.rewards('acc_a', page, filter));
              expect([filter, found]).toEqual([filter, expected.map(({ id }) => id)]);
            }
    });

    test('people are named by their ids, friends by those of their referrals, and by nobody else’s account', async () => {
      await a.writePair();
      const named = await store.reads.people('acc_a', ['mem_1', 'ref_1', 'mem_nobody']);
      expect(named.toSorted((x, y) => (x.id < y.id ? -1 : 1))).toEqual([
        { id: 'mem_1', name: 'Name mem_1', email: 'mem_1@example.com' },
        { id: 'ref_1', name: 'Friend ref_1', email: 'ref_1@friends.example' },
      ]);
      expect(await store.reads.people('acc_b', ['mem_1', 'ref_1'])).toEqual([]);
    });

    test('the facts of a referral come newest first from before the cursor, and those of another one never', async () => {
      await a.writePair();
      await a.write({ referrals: [a.referral('ref_2', 'mem_1')] });
      const [one, other] = [a.reward('rwd_1', 'ref_1'), a.reward('rwd_2', 'ref_2')];
      await a.write(a.granted(one));
      await a.write(a.granted(other));
      const friend = a.ref('contact', 'friend-ref_1');
      await a.write({
        touches: [1, 2, 3].map((n) => a.touch(`tch_${n}`, { friend, at: T0 + (n === 1 ? 0 : 1) })),
      });
      await store.desk.open('acc_a', newCase('cas_1', { referralId: 'ref_1' }), T0);
      await store.desk.comment('acc_a', 'cas_1', 'Looks right.', 'reviewer', T0 + DAY);
      const { timeline } = store;
      const all = { limit: 10, cursor: null };
      expect((await timeline.touches('acc_a', friend, all)).map(({ id }) => id)).toEqual(['tch_3', 'tch_2', 'tch_1']);
      const after = { limit: 1, cursor: { at: T0 + 1, id: 'tch_3' } };
      expect((await timeline.touches('acc_a', friend, after)).map(({ id }) => id)).toEqual(['tch_2']);
      expect(await timeline.journals('acc_a', 'ref_1', all)).toEqual(
        (await store.reads.journals('acc_a', all, { rewardId: 'rwd_1' })).items,
      );
      expect((await timeline.caseEvents('acc_a', 'ref_1', all)).map(({ id, event }) => [id, event.kind])).toEqual([
        ['cas_1-2', 'commented'],
        ['cas_1-1', 'opened'],
      ]);
      const last = { limit: 10, cursor: { at: T0 + DAY, id: 'cas_1-2' } };
      expect((await timeline.caseEvents('acc_a', 'ref_1', last)).map(({ id }) => id)).toEqual(['cas_1-1']);
      await store.payoutRecords.begin('acc_a', intentFor(one), T0);
      expect(await timeline.payouts('acc_a', 'ref_1', all)).toMatchObject([
        { id: intentFor(one).id, rewardId: 'rwd_1' },
      ]);
      for (const none of [
        await timeline.touches('acc_b', friend, all),
        await timeline.journals('acc_b', 'ref_1', all),
        await timeline.payouts('acc_b', 'ref_1', all),
        await timeline.payouts('acc_a', 'ref_2', all),
        await timeline.caseEvents('acc_b', 'ref_1', all),
        await timeline.attributions('acc_b', 'ref_1', all),
      ])
        expect(none).toEqual([]);
    });

    test('a record waits while something is to be written to it, and shows everything when that was said', async () => {
      await a.write({ mirror: [a.ref('contact', '1')] });
      const states = async (accountId = 'acc_a') =>
        (await store.timeline.mirrorStates(accountId, 'con_a', 'contact', ['1', '2'])).get('1');
      expect(await states()).toEqual({ state: 'waiting', writtenAt: null, error: null });
      const claim = claiming('w1', T0);
      const [item] = await store.mirror.claim(claim);
      if (!item) throw new Error('nothing was claimed');
      await store.mirror.acknowledge([{ item, hash: 'h' }], T0 + 5);
      expect(await states()).toEqual({ state: 'written', writtenAt: T0 + 5, error: null });
      expect(await states('acc_b')).toBeUndefined();
    });

    test('a view belongs to who saved it; its name again changes it, and there is a largest number', async () => {
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      const view = (id: string, name: string, search = 'a=1') => ({ id, list: 'rewards', name, search });
      const limits = { max: 2, now: T0 };
      const save = (one: ReturnType<typeof view>, owner = 'ada') => store.userViews.save('acc_a', owner, one, limits);
      expect(await save(view('viw_1', 'Held'))).toEqual(view('viw_1', 'Held'));
      expect(await save(view('viw_2', 'Big'))).toEqual(view('viw_2', 'Big'));
      expect(await save(view('viw_3', 'Third'))).toBeNull();
      expect(await save(view('viw_4', 'Held', 'a=2'))).toEqual(view('viw_1', 'Held', 'a=2'));
      expect(await save(view('viw_5', 'Held'), 'grace')).toEqual(view('viw_5', 'Held'));
      expect(await store.userViews.list('acc_a', 'ada', 'rewards')).toEqual([
        view('viw_2', 'Big'),
        view('viw_1', 'Held', 'a=2'),
      ]);
      expect(await store.userViews.list('acc_a', 'ada', null)).toHaveLength(2);
      expect(await store.userViews.list('acc_b', 'ada', null)).toEqual([]);
      expect(await store.userViews.remove('acc_a', 'grace', 'viw_1')).toBe(false);
      expect(await store.userViews.remove('acc_b', 'ada', 'viw_1')).toBe(false);
      expect(await store.userViews.remove('acc_a', 'ada', 'viw_1')).toBe(true);
      expect(await store.userViews.list('acc_a', 'ada', 'rewards')).toEqual([view('viw_2', 'Big')]);
    });
  });
}
