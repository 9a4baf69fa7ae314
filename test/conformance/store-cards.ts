import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { addDays } from '../../src/domain/time.ts';
import { T0, type Tenant } from './store-fixtures.ts';

const LEASE_MS = 1_000;
const ACME = { company: { id: 'acme', properties: {} } };

/** What people do on cards, and whose companies they show. Part of the store's conformance. */
export function cardStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('cards', () => {
    let store: Store;
    let a: Tenant;
    const of = { id: 'con_a', accountId: 'acc_a' };
    const click = { key: 'k1', kind: 'refer', inputHash: 'h1', by: '7' };
    const begin = (more: object = {}, now = T0) =>
      store.cardActions.begin(of, { ...click, ...more }, { now, until: now + LEASE_MS });

    beforeEach(() => {
      ({ store, a } = use());
    });

    test('who may act is kept, also when the portal is connected again', async () => {
      expect(await store.connections.setCardActors('acc_b', 'con_a', ['x'])).toBe(false);
      expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
      expect(await store.connections.setCardActors('acc_a', 'con_a', ['7', 'rep@acme.example'])).toBe(true);
      await store.connections.connect(a.connection(), a.tokens);
      const named = a.connection({ cardActors: ['7', 'rep@acme.example'] });
      expect(await store.connections.get('acc_a', 'con_a')).toEqual(named);
      await store.connections.setCardActors('acc_a', 'con_a', []);
      expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection({ cardActors: [] }));
      await store.connections.setCardActors('acc_a', 'con_a', null);
      expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
    });

    test('of many who begin the same click at once one does, and all have its answer', async () => {
      const begun = await Promise.all(Array.from({ length: 10 }, () => begin()));
      expect(begun.map(({ kind }) => kind).sort()).toEqual(['begun', ...new Array(9).fill('running')]);
      await store.cardActions.answer(of, 'k1', { ok: true, code: 'created' });
      expect(await begin()).toEqual({ kind: 'answered', answer: { ok: true, code: 'created' } });
      // The first answer stands.
      expect(await store.cardActions.answer(of, 'k1', { ok: false })).toEqual({ ok: true, code: 'created' });
      expect(await begin({}, T0 + 10 * LEASE_MS)).toMatchObject({ answer: { ok: true } });
    });

    test('a click that nobody answered in its time is taken over, once, with the contact that was made for it', async () => {
      await begin();
      await store.cardActions.keepContact(of, 'k1', '901');
      expect(await begin({}, T0 + LEASE_MS - 1)).toEqual({ kind: 'running' });
      const late = await Promise.all([begin({}, T0 + LEASE_MS), begin({}, T0 + LEASE_MS)]);
      expect(late.map(({ kind }) => kind).sort()).toEqual(['begun', 'running']);
      expect(late).toContainEqual({ kind: 'begun', contactId: '901' });
    });

    test('one that came to nothing is begun again at once', async () => {
      await begin();
      await store.cardActions.release(of, 'k1', T0 + LEASE_MS);
      expect(await begin()).toEqual({ kind: 'begun', contactId: null });
    });

    test('who was slower than the lease gives nothing back that another one holds', async () => {
      await begin();
      await begin({}, T0 + LEASE_MS);
      await store.cardActions.release(of, 'k1', T0 + LEASE_MS);
      expect(await begin({}, T0 + LEASE_MS + 1)).toEqual({ kind: 'running' });
      await store.cardActions.release(of, 'k1', T0 + 2 * LEASE_MS);
      expect(await begin({}, T0 + LEASE_MS + 1)).toMatchObject({ kind: 'begun' });
    });

    test('a key stands for one thing only', async () => {
      await begin();
      expect(await begin({ inputHash: 'h2' })).toEqual({ kind: 'differs' });
      expect(await begin({ kind: 'dispute' })).toEqual({ kind: 'differs' });
      expect(await begin({ key: 'k2' })).toMatchObject({ kind: 'begun' });
    });

    test('is forgotten after a month, and not before', async () => {
      await begin();
      await store.cardActions.answer(of, 'k1', { ok: true });
      await begin({ key: 'k2' }, addDays(T0, 30));
      expect(await begin({}, addDays(T0, 30))).toMatchObject({ kind: 'answered' });
      await begin({ key: 'k3' }, addDays(T0, 30) + 1);
      expect(await begin({}, addDays(T0, 30) + 1)).toMatchObject({ kind: 'begun' });
    });

    test('a company shows its people’s referrals, in and out, page by page, each once', async () => {
      await a.writePair();
      const snapshots = ['friend-ref_1', 'friend-ref_2', 'contact-mem_1', 'idle'].map((id) => ({
        facts: a.contact(id, id === 'friend-ref_2' ? {} : ACME),
        readAt: T0,
      }));
      const later = [2, 3, 4].map((n) => a.referral(`ref_${n}`, 'mem_1', { submittedAt: T0 + n }));
      await a.write({ referrals: later }, { snapshots });
      const company = a.ref('company', 'acme');
      expect(await store.reads.contactsOfCompany('acc_a', company)).toBe(3);
      const seen: string[] = [];
      let cursor = null;
      do {
        const page = await store.reads.referralsOfCompany('acc_a', company, { limit: 2, cursor });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map(({ referral, direction }) => `${referral.id} ${direction}`));
        cursor = page.next;
      } while (cursor !== null);
      expect(seen).toEqual(['ref_4 out', 'ref_3 out', 'ref_2 out', 'ref_1 both']);
      const all = { limit: 10, cursor: null };
      expect(await store.reads.referralsOfCompany('acc_b', company, all)).toEqual({ items: [], next: null });
      expect(await store.reads.contactsOfCompany('acc_b', company)).toBe(0);
    });
  });
}
