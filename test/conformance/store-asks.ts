import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { newCase } from './store-desk.ts';
import { DAY, T0, type Tenant } from './store-fixtures.ts';

const ACME = { company: { id: 'acme', properties: {} } };

/** Whom to ask for a referral next, and who was asked. Part of the store's conformance. */
export function askStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('asking for referrals', () => {
    let store: Store;
    let a: Tenant;
    const of = { id: 'con_a', accountId: 'acc_a' };
    const stranger = { id: 'con_a', accountId: 'acc_b' };
    const ask = { key: 'k1', contactId: '1', way: 'copied' as const, by: '7', at: T0 };
    const all = { limit: 50 };

    beforeEach(() => {
      ({ store, a } = use());
    });

    test('an ask is kept once under its key, and the last one counts', async () => {
      expect(await store.asks.keep(of, ask)).toBe(true);
      expect(await store.asks.keep(of, { ...ask, at: T0 + DAY })).toBe(false);
      expect(await store.asks.lastAsked(of, ['1', '2'])).toEqual(new Map([['1', T0]]));
      const kept = await Promise.all([1, 2, 3].map(() => store.asks.keep(of, { ...ask, key: 'k2', at: T0 + 2 })));
      expect(kept.filter((isNew) => isNew)).toHaveLength(1);
      expect(await store.asks.lastAsked(of, ['1'])).toEqual(new Map([['1', T0 + 2]]));
      expect(await store.asks.lastAsked(stranger, ['1'])).toEqual(new Map());
    });

    test('a user’s contacts are listed by what last happened on their deals, each owner’s for themselves', async () => {
      const owned = (id: string, ownerUserIds: string[], more: object = {}) => ({
        facts: a.contact(id, { ownerUserIds, ...more }),
        readAt: T0,
      });
      const dealAt = (id: string, at: number, contactIds: string[]) => ({
        facts: a.deal(id, {
          contactIds,
          history: [{ at, pipelineId: 'p', stageId: 's', amount: null, currency: null }],
        }),
        readAt: T0,
      });
      await a.write(
        {},
        {
          snapshots: [
            owned('1', ['7']),
            owned('2', ['7', '8']),
            owned('3', ['7'], { traits: { customerSince: T0 + 20 }, ...ACME }),
            owned('4', ['7'], ACME),
            { facts: a.contact('5'), readAt: T0 },
            dealAt('d1', T0 + 10, ['1', '5']),
          ],
        },
      );
      expect(await store.asks.contactsOf(of, '7', all)).toEqual(['3', '1', '4', '2']);
      expect(await store.asks.contactsOf(of, '7', { limit: 2 })).toEqual(['3', '1']);
      expect(await store.asks.contactsOf(of, '8', all)).toEqual(['2']);
      expect(await store.asks.contactsOf(of, '7', { limit: 50, companyId: 'acme' })).toEqual(['3', '4']);
      expect(await store.asks.contactsOf(of, '8', { limit: 50, companyId: 'acme' })).toEqual([]);
      expect(await store.asks.contactsOf(stranger, '7', all)).toEqual([]);
      // A deal that moves brings its contacts to the front; an older word about it moves nobody back.
      await a.write({}, { snapshots: [dealAt('d2', T0 + 30, ['2', '4']), dealAt('d1', T0 + 40, ['2'])] });
      expect(await store.asks.contactsOf(of, '7', all)).toEqual(['2', '4', '3', '1']);
      await a.write({}, { snapshots: [dealAt('d1', T0 + 5, ['2'])] });
      expect((await store.asks.contactsOf(of, '7', all))[0]).toBe('2');
    });

    test('who changes hands, is merged, deleted or asks to be forgotten is no longer listed', async () => {
      const read = (id: string, more: object) => ({ facts: a.contact(id, more), readAt: T0 });
      const mine = { ownerUserIds: ['7'] };
      await a.write({}, { snapshots: ['1', '2', '3', '4', '5'].map((id) => read(id, mine)) });
      await a.write(
        {},
        {
          snapshots: [
            read('1', { ownerUserIds: ['8'] }),
            read('2', {}),
            read('3', { presence: 'deleted' }),
            read('9', { ...mine, formerIds: ['4'] }),
          ],
          erase: [a.ref('contact', '5')],
        },
      );
      expect(await store.asks.contactsOf(of, '7', all)).toEqual(['9']);
      expect(await store.asks.contactsOf(of, '8', all)).toEqual(['1']);
    });

    test('what bears on asking a member is counted: wins, referrals under way, disputes, the last payment', async () => {
      await a.writePair();
      const paid = (id: string, at: number, state: 'issued' | 'approved' = 'issued') =>
        a.reward(id, 'ref_1', { deal: a.ref('deal', id), state, updatedAt: at });
      await a.write({
        referrals: [
          a.referral('ref_2', 'mem_1', { stage: 'won' }),
          a.referral('ref_3', 'mem_1', { stage: 'lost' }),
          a.referral('ref_4', 'mem_1', { stage: 'opportunity' }),
        ],
        rewards: [paid('rwd_1', T0 + 5), paid('rwd_2', T0 + 9), paid('rwd_3', T0 + 20, 'approved')],
        members: [a.member('mem_2', { isStaff: true })],
      });
      await store.desk.open('acc_a', newCase('cas_1', { kind: 'dispute', referralId: 'ref_3', rewardId: null }));
      await store.desk.open('acc_a', newCase('cas_2', { kind: 'review', referralId: 'ref_3', dedupeKey: 'other' }));
      const bearings = await store.asks.bearings(of, ['contact-mem_1', 'contact-mem_2', 'nobody']);
      expect(bearings.get('contact-mem_1')).toEqual({
        member: { id: 'mem_1', isStaff: false },
        wonReferrals: (await store.reads.tally('acc_a', { owner: 'mem_1', key: 'won', currency: '' })).count,
        openReferrals: 2,
        openDisputes: 1,
        paidAt: T0 + 9,
      });
      expect(bearings.get('contact-mem_2')).toMatchObject({ member: { isStaff: true }, paidAt: null });
      expect(bearings.has('nobody')).toBe(false);
      expect(await store.asks.bearings(stranger, ['contact-mem_1'])).toEqual(new Map());
    });
  });
}
