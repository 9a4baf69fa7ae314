import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { DAY, hint, T0, type Tenant, tenant } from './store-fixtures.ts';

const PLACE = { position: '/data/ChangeEvents AAAAAAAP+kU=', sweepFrom: null };

/** The place in a stream of changes, and the sweep marks that it sets back. Part of the store's conformance. */
export function streamStoreConformance(
  use: () => {
    readonly store: Store;
    readonly a: Tenant;
    readonly again: () => Promise<Store>;
    readonly sql: (text: string) => Promise<unknown>;
  },
): void {
  describe('streams', () => {
    let store: Store;
    let a: Tenant;
    let again: () => Promise<Store>;
    let sql: (text: string) => Promise<unknown>;
    beforeEach(() => {
      ({ store, a, again, sql } = use());
    });
    const place = (accountId = 'acc_a', connectionId = 'con_a') =>
      store.connections.streamPosition(accountId, connectionId);
    const marks = async () =>
      Object.fromEntries(
        (await store.connections.sweepMarks('acc_a', 'con_a')).map(({ object, upTo }) => [object, upTo]),
      );
    const sweptTo = async (deal: number, contact: number) => {
      await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: deal });
      await store.connections.setSweepMark('acc_a', 'con_a', { object: 'contact', upTo: contact });
    };

    test('a batch’s hints and its place are kept together, and the next one’s take their place', async () => {
      expect(await place()).toBeNull();
      const outcome = await store.inbox.append(a.of, [hint('e1', ['1'])], T0 + 5, PLACE);
      expect(outcome).toEqual({ accepted: 1, duplicates: 0 });
      const other = await again();
      expect(await other.connections.streamPosition('acc_a', 'con_a')).toEqual({
        position: PLACE.position,
        keptAt: T0,
      });
      await other.close();
      await store.inbox.append(a.of, [hint('e2', ['1'])], T0 + 6, { ...PLACE, position: 'next' });
      expect((await place())?.position).toBe('next');
      await store.inbox.append(a.of, [hint('e3', ['1'])], T0 + 7, { ...PLACE, position: null });
      expect((await place())?.position).toBe('next');
      await store.inbox.append(a.of, [hint('e4', ['1'])], T0 + 8);
      expect((await place())?.position).toBe('next');
    });

    test('the place of an empty batch is that of now, of others that of their newest change, and never of later', async () => {
      await store.inbox.append(a.of, [], T0 + 9, PLACE);
      expect((await place())?.keptAt).toBe(T0 + 9);
      const [older, newer] = [hint('e1', ['1'], { occurredAt: T0 - DAY }), hint('e2', ['2'], { occurredAt: T0 - 5 })];
      await store.inbox.append(a.of, [newer, older], T0 + 10, PLACE);
      expect((await place())?.keptAt).toBe(T0 - 5);
      await store.inbox.append(a.of, [hint('e3', ['1'], { occurredAt: T0 + DAY })], T0 + 11, PLACE);
      expect((await place())?.keptAt).toBe(T0 + 11);
      await store.inbox.append(a.of, [hint('e4', ['1'], { occurredAt: null })], T0 + 12, PLACE);
      expect((await place())?.keptAt).toBe(T0 + 12);
    });

    test('where one of a batch’s hints, its place and its marks cannot be kept, none of them is', async () => {
      const progress = { position: 'further', sweepFrom: T0 - DAY };
      for (const [at, table] of ['inbox', 'stream_positions', 'sweep_marks'].entries()) {
        await store.inbox.append(a.of, [], T0, PLACE);
        await sweptTo(T0, T0);
        const news = hint(`e${at}`, ['1']);
        await sql(`alter table ${table} rename to away`);
        await expect(store.inbox.append(a.of, [news], T0 + 1, progress), table).rejects.toThrow();
        await sql(`alter table away rename to ${table}`);
        expect((await place())?.position).toBe(PLACE.position);
        expect(await marks()).toEqual({ deal: T0, contact: T0 });
        expect(await store.inbox.append(a.of, [news], T0 + 2, progress)).toEqual({ accepted: 1, duplicates: 0 });
      }
    });

    test('of batches of two connections that share a commit, each keeps its own place', async () => {
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      await Promise.all([
        store.inbox.append(a.of, [hint('e1', ['1'])], T0, { ...PLACE, position: 'of a' }),
        store.inbox.append(b.of, [hint('e1', ['1'])], T0, { ...PLACE, position: 'of b' }),
      ]);
      expect((await place())?.position).toBe('of a');
      expect((await place('acc_b', 'con_b'))?.position).toBe('of b');
    });

    test('a sweep from an earlier time sets back the marks that are later, and no others', async () => {
      await sweptTo(T0 + 10, T0 - 10);
      await store.inbox.append(a.of, [], T0 + 20, { ...PLACE, sweepFrom: T0 });
      expect(await marks()).toEqual({ deal: T0, contact: T0 - 10 });
      await store.inbox.append(a.of, [], T0 + 21, { ...PLACE, sweepFrom: T0 + 15 });
      expect(await marks()).toEqual({ deal: T0, contact: T0 - 10 });
      await store.inbox.append(a.of, [], T0 + 22, { position: null, sweepFrom: T0 - 20 });
      expect(await marks()).toEqual({ deal: T0 - 20, contact: T0 - 20 });
    });

    test('a sweep that was under way when its mark was set back leaves it there, for it did not look there', async () => {
      await sweptTo(T0, T0);
      await store.inbox.append(a.of, [], T0 + 1, { ...PLACE, sweepFrom: T0 - DAY });
      await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 + 2 }, T0);
      expect(await marks()).toEqual({ deal: T0 - DAY, contact: T0 - DAY });
      await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 + 3 }, T0 - DAY);
      expect((await marks()).deal).toBe(T0 + 3);
      await sql(`delete from sweep_marks where account_id = 'acc_a'`);
      await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 + 4 }, T0);
      expect(await marks()).toEqual({ deal: T0 + 4 });
    });

    test('a place that is lost is forgotten, and what it stood for is swept', async () => {
      await store.connections.loseStreamPosition('acc_a', 'con_a');
      await sweptTo(T0 + 50, T0 - 50);
      await store.inbox.append(a.of, [], T0 + 7, PLACE);
      await store.connections.loseStreamPosition('acc_a', 'con_a');
      expect(await place()).toBeNull();
      expect(await marks()).toEqual({ deal: T0 + 7, contact: T0 - 50 });
      await sweptTo(T0 + 60, T0 + 60);
      await store.connections.loseStreamPosition('acc_a', 'con_a');
      expect(await marks()).toEqual({ deal: T0 + 60, contact: T0 + 60 });
    });

    test('one account’s streams are nobody else’s', async () => {
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      await sweptTo(T0, T0);
      await store.inbox.append(a.of, [], T0, PLACE);
      await store.inbox.append({ accountId: 'acc_b', id: 'con_a' }, [], T0, { position: 'theirs', sweepFrom: 1 });
      await store.connections.loseStreamPosition('acc_b', 'con_a');
      expect(await place('acc_b', 'con_a')).toBeNull();
      expect((await place())?.position).toBe(PLACE.position);
      expect(await marks()).toEqual({ deal: T0, contact: T0 });
    });
  });
}
