import { beforeEach, describe, expect, test } from 'vitest';
import type { Logo, Store } from '../../src/application/ports/store.ts';
import { USUAL_BRAND } from '../../src/domain/brand.ts';
import { DAY, hint, T0, type Tenant, tenant } from './store-fixtures.ts';

const PNG: Logo = { hash: 'h'.repeat(43), type: 'image/png', bytes: Buffer.from([0x89, 0x50, 0, 255]) };
const NOW = T0 + 400 * DAY;

interface Subject {
  readonly store: Store;
  readonly a: Tenant;
  readonly sql: (text: string) => Promise<ReadonlyArray<Record<string, unknown>>>;
}

/** How an account shows itself, what it tells people, and for how long it keeps what. Part of the store's conformance. */
export function brandStoreConformance(use: () => Subject): void {
  describe('what an account sets for itself', () => {
    let store: Store;
    let a: Tenant;
    let sql: Subject['sql'];
    const acme = { ...USUAL_BRAND, name: 'Äcme', accent: '#0a6e5c' };
    const as = (basis: number, by = 'Ada') => ({ basis, by, now: T0 });

    beforeEach(() => {
      ({ store, a, sql } = use());
    });

    test('is kept in versions: the same again is the same, and whoever read an older one is told', async () => {
      expect(await store.accountSettings.newest('acc_a', 'brand')).toBeNull();
      const first = await store.accountSettings.save('acc_a', 'brand', acme, as(0));
      expect(first).toEqual({ version: 1, settings: acme, by: 'Ada', at: T0 });
      expect(await store.accountSettings.save('acc_a', 'brand', acme, as(0, 'Bob'))).toEqual(first);
      const other = { ...acme, name: 'Other' };
      expect(await store.accountSettings.save('acc_a', 'brand', other, as(0))).toBeNull();
      const both = await Promise.all([
        store.accountSettings.save('acc_a', 'brand', other, as(1)),
        store.accountSettings.save('acc_a', 'brand', { ...acme, name: 'Third' }, as(1)),
      ]);
      expect(both.filter((saved) => saved !== null)).toHaveLength(1);
      expect((await store.accountSettings.newest('acc_a', 'brand'))?.version).toBe(2);
      expect(await store.accountSettings.newest('acc_a', 'retention')).toBeNull();
      await expect(sql("update account_settings set settings = '{}'")).rejects.toThrow(/append_only/);
      await expect(sql('delete from account_settings')).rejects.toThrow(/append_only/);
    });

    test('the brand is found by the code of a member, with a logo that is the bytes it was, and only the own one is changed', async () => {
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      await a.writePair();
      await store.accountSettings.save('acc_a', 'brand', acme, as(0));
      expect(await store.reads.accountOfCode('CODE-mem_1')).toBe('acc_a');
      await store.brands.setLogo('acc_a', PNG, T0);
      await store.brands.setLogo('acc_b', { ...PNG, hash: 'i'.repeat(43) }, T0);
      await store.brands.setLogo('acc_b', null, T0);
      expect(await store.brands.logo(PNG.hash)).toEqual(PNG);
      expect(await store.brands.logo('i'.repeat(43))).toBeNull();
      const shown = await store.brands.ofAccounts(['acc_a', 'acc_b', 'acc_none']);
      expect(shown.map(({ accountId, brand, logo }) => [accountId, brand.name, logo]).sort()).toEqual([
        ['acc_a', 'Äcme', PNG.hash],
        ['acc_b', null, null],
      ]);
    });
  });

  describe('consent texts', () => {
    let store: Store;
    let a: Tenant;
    let sql: Subject['sql'];
    const friend = (en: string) => ({ purpose: 'friend' as const, texts: { en }, savedBy: 'Cleo', savedAt: T0 });

    beforeEach(async () => {
      ({ store, a, sql } = use());
      await store.consents.save('acc_a', friend('We write to you once.'), 0);
    });

    test('have versions that nobody changes, and are each account’s own', async () => {
      expect((await store.consents.save('acc_a', friend('We write to you once.'), 0))?.version).toBe(1);
      expect(await store.consents.save('acc_a', friend('Twice.'), 0)).toBeNull();
      expect((await store.consents.save('acc_a', friend('Twice.'), 1))?.version).toBe(2);
      expect((await store.consents.inForce('acc_a')).map(({ purpose, version }) => [purpose, version])).toEqual([
        ['friend', 2],
      ]);
      expect((await store.consents.texts('acc_a')).map(({ version }) => version)).toEqual([2, 1]);
      expect((await store.consents.text('acc_a', 'friend', 1))?.texts).toEqual({ en: 'We write to you once.' });
      expect(await store.consents.text('acc_a', 'member', 1)).toBeNull();
      expect(await store.consents.texts('acc_b')).toEqual([]);
      expect(await store.consents.text('acc_b', 'friend', 1)).toBeNull();
      await expect(sql("update consent_texts set texts = '{}'")).rejects.toThrow(/append_only/);
      await expect(sql('delete from consent_texts')).rejects.toThrow(/append_only/);
    });

    test('are kept with who was shown them in one transaction with entering them, or neither is', async () => {
      await a.writePair();
      const shown = {
        ...{ subject: 'ref_9', purpose: 'friend' as const, version: 1 },
        ...{ language: 'en' as const, place: 'card' as const, at: T0 },
      };
      const referral = a.referral('ref_9', 'mem_1', { friend: { name: 'F', email: 'f@x.test', contact: null } });
      await a.write({ referrals: [referral], consents: [shown] });
      expect(await store.consents.shown('acc_a', ['ref_9', 'ref_1'])).toEqual([shown]);
      expect(await store.consents.shown('acc_b', ['ref_9'])).toEqual([]);
      // A text that nobody saved was shown to nobody.
      const unknown = { ...shown, subject: 'ref_10', version: 7 };
      const other = a.referral('ref_10', 'mem_1', { friend: { name: 'G', email: 'g@x.test', contact: null } });
      await expect(a.write({ referrals: [other], consents: [unknown] })).rejects.toThrow();
      expect(await store.reads.referral('acc_a', 'ref_10')).toBeNull();
      const NOBODY = { contacts: [], memberIds: [], referralIds: ['ref_9'], emails: [] };
      expect((await store.privacy.held('acc_a', NOBODY, 5)).consents).toEqual([shown]);
      await expect(sql("update consents_shown set place = 'api'")).rejects.toThrow(/append_only/);
    });
  });

  describe('what is old', () => {
    let store: Store;
    let a: Tenant;
    let sql: Subject['sql'];
    const before = NOW - 90 * DAY;
    const count = async () => Number((await sql('select count(*) as n from inbox'))[0]?.n);

    beforeEach(async () => {
      ({ store, a, sql } = use());
      for (let day = 0; day < 6; day += 1) await store.inbox.append(a.of, [hint(`e${day}`, ['1'])], T0 + day * DAY);
    });

    test('of the inbox goes in chunks, and the newest delivery of a connection stays', async () => {
      const prune = () => store.retention.pruneInbox('acc_a', 'con_a', before, { now: NOW, limit: 2 });
      expect(await store.retention.pruneInbox('acc_b', 'con_a', before, { now: NOW, limit: 9 })).toBe(0);
      expect([await prune(), await prune(), await prune(), await prune()]).toEqual([2, 2, 1, 0]);
      expect(await count()).toBe(1);
      // What comes again after all that is a delivery like any other, and a known one is still known.
      expect(await store.inbox.append(a.of, [hint('e0', ['1']), hint('e5', ['1'])], NOW)).toEqual({
        accepted: 1,
        duplicates: 1,
      });
      expect(await store.retention.prunings('acc_a')).toEqual([{ item: 'inbox', upTo: before, at: NOW, rows: 5 }]);
      expect(await store.retention.prunings('acc_b')).toEqual([]);
    });

    test('is nothing that could still be delivered again: the database itself refuses it', async () => {
      const soon = { now: NOW, limit: 9 };
      await expect(store.retention.pruneInbox('acc_a', 'con_a', NOW - 29 * DAY, soon)).rejects.toThrow();
      await expect(sql('delete from inbox')).rejects.toThrow(/append_only/);
      await store.retention.note('acc_a', [{ item: 'inbox', upTo: T0 + 2 * DAY, at: NOW, rows: 0 }]);
      await expect(sql(`delete from inbox where received_at >= ${T0 + 2 * DAY}`)).rejects.toThrow(/append_only/);
      await expect(sql("update inbox set kind = 'x'")).rejects.toThrow(/append_only/);
      expect(await count()).toBe(6);
    });

    test('of the audit log goes too, and how far it was forgotten only moves on', async () => {
      const entry = { actor: 'Ada', via: 'api' as const, operation: 'x', subject: null, input: null, before: null };
      for (const [id, at] of [
        ['aud_1', T0],
        ['aud_2', T0 + DAY],
        ['aud_3', NOW],
      ] as const)
        await store.auditLog.begin('acc_a', { ...entry, id, at, ref: id });
      expect(await store.retention.pruneAuditLog('acc_b', NOW, 9)).toBe(0);
      expect(await store.retention.pruneAuditLog('acc_a', NOW, 1)).toBe(1);
      expect(await store.retention.pruneAuditLog('acc_a', NOW, 9)).toBe(1);
      const { items } = await store.auditLog.list('acc_a', { limit: 9, cursor: null }, {});
      expect(items.map(({ id }) => id)).toEqual(['aud_3']);
      const noted = (upTo: number, rows: number) => ({ item: 'auditLog' as const, upTo, at: NOW, rows });
      await store.retention.note('acc_a', [noted(T0 + 9, 2)]);
      await store.retention.note('acc_a', [noted(T0 + 5, 1)]);
      expect(await store.retention.prunings('acc_a')).toEqual([noted(T0 + 9, 3)]);
    });
  });
}
