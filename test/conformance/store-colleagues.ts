import { beforeEach, describe, expect, test } from 'vitest';
import type { Colleagues, Store } from '../../src/application/ports/store.ts';
import { claiming, T0, type Tenant } from './store-fixtures.ts';

const ACME = { company: { id: 'acme', properties: {} } };

/** Referrals found by the company of a friend. Part of the store's conformance. */
export function colleagueStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('colleagues', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
      await a.write(
        { referrals: [a.referral('ref_2', 'mem_1', { submittedAt: T0 + 1 })] },
        {
          snapshots: ['friend-ref_1', 'friend-ref_2', 'idle', 'off-deals'].map((id) => ({
            facts: a.contact(id, ACME),
            readAt: T0,
          })),
        },
      );
      await a.write({}, { snapshots: [{ facts: a.deal('d', { contactIds: ['idle', 'friend-ref_1'] }), readAt: T0 }] });
    });

    const companiesOf = async (...colleaguesOf: string[]) => (await a.load({ colleaguesOf })).companies;

    async function askedBy(colleagues: Partial<Colleagues>): Promise<string[]> {
      const of = { connectionId: a.connectionId, companyIds: [], unreferred: [], ...colleagues };
      await a.write({}, { colleagues: of });
      const shard = { accountId: a.accountId, connectionId: a.connectionId };
      const items = await store.work.claim({ shard, ...claiming('c', Date.now()) });
      return items.map(({ record }) => record.id).sort();
    }

    test('are known by the first referral of their company that stands, with its member', async () => {
      expect(await companiesOf('acme', 'other')).toEqual(new Map([['acme', 'ref_1']]));
      const loaded = await a.load({ colleaguesOf: ['acme'] });
      expect(loaded.referrals.map(({ id }) => id)).toEqual(['ref_1']);
      expect(loaded.members.map(({ id }) => id)).toEqual(['mem_1']);
      const [first] = loaded.referrals;
      if (!first) throw new Error('not loaded');
      await a.write({ referrals: [{ ...first, stage: 'declined', version: 2 }] });
      expect(await companiesOf('acme')).toEqual(new Map([['acme', 'ref_2']]));
      expect((await a.load({})).companies).toBeUndefined();
    });

    test('of one who follows are not found by that one', async () => {
      const follows = { referralId: 'ref_1', since: T0 };
      const own = a.referral('ref_3', 'mem_1', { source: 'company', follows, submittedAt: T0 - 1 });
      await a.write({ referrals: [own] }, { snapshots: [{ facts: a.contact('friend-ref_3', ACME), readAt: T0 }] });
      expect(await companiesOf('acme')).toEqual(new Map([['acme', 'ref_1']]));
      expect(await store.reads.referral('acc_a', 'ref_3')).toEqual(own);
    });

    test('who are on deals and belong to nobody are asked for when a referral of their company is written', async () => {
      expect(await askedBy({ companyIds: ['acme'] })).toEqual(['idle']);
    });

    test('of whom none was found are asked for again when one has been written meanwhile', async () => {
      const unreferred = [
        { contactId: 'idle', companyId: 'acme' },
        { contactId: 'nobody', companyId: 'other' },
      ];
      expect(await askedBy({ unreferred })).toEqual(['idle']);
    });

    test('are asked for by a batch of commits as by one', async () => {
      const of = { connectionId: a.connectionId, companyIds: ['acme'], unreferred: [] };
      const commits = [a.commit({}, { colleagues: of }), a.commit({}, { colleagues: of })];
      expect(await store.cases.commit(commits)).toEqual(['committed', 'committed']);
      expect(await askedBy({})).toEqual(['idle']);
    });
  });
}
