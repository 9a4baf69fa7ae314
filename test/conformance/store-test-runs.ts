import { beforeEach, describe, expect, test } from 'vitest';
import type { NewTestRun, Store } from '../../src/application/ports/store.ts';
import { testAccountId } from '../../src/domain/test-run.ts';
import { claiming, DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

const OWN = testAccountId('tst_1');

export function testRunOf(changes: Partial<NewTestRun> = {}): NewTestRun {
  return {
    id: 'tst_1',
    accountId: 'acc_a',
    connectionId: 'con_a',
    programId: 'prg',
    programName: 'Fríends',
    origin: 'draft',
    revision: 3,
    payouts: { a: 'credit' },
    skipsWaits: true,
    friendContactId: '9',
    startedBy: 'Ada',
    startedAt: T0,
    endsAt: T0 + 7 * DAY,
    ...changes,
  };
}

const CONTENT = { programId: 'prg', name: 'Test: Fríends', rules: [] };

interface Subject {
  readonly store: Store;
  readonly a: Tenant;
  readonly sql: (text: string) => Promise<ReadonlyArray<Record<string, unknown>>>;
}

/** A program that is tried out, in an account of its own. Part of the store's conformance. */
export function testRunStoreConformance(use: () => Subject): void {
  describe('a test of a program', () => {
    let store: Store;
    let a: Tenant;
    let sql: Subject['sql'];
    const all = { limit: 5, cursor: null };
    const ending = { by: 'Ada', reason: 'person' as const, now: T0 + DAY };

    beforeEach(() => {
      ({ store, a, sql } = use());
    });

    test('is made with an account, the connection, its mapping and the program, and nobody meets that account', async () => {
      await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [], T0);
      expect(await store.testRuns.begin(testRunOf(), CONTENT)).toBe('begun');
      const run = await store.testRuns.get('acc_a', 'tst_1');
      expect(run).toMatchObject({ ...testRunOf(), testAccountId: OWN, state: 'running', referralId: null });
      const connection = await store.connections.get(OWN, 'con_a');
      const real = await store.connections.get('acc_a', 'con_a');
      expect(connection).toEqual({ ...real, accountId: OWN, testOf: 'acc_a', cardActors: [] });
      expect((await store.connections.mapping(OWN, 'con_a'))?.version).toBe('map_1');
      expect(await store.programs.versions(OWN)).toMatchObject([{ name: 'Test: Fríends', publishedAt: T0 }]);
      expect((await store.accounts.list()).map(({ id }) => id)).not.toContain(OWN);
      expect((await store.connections.listConnected()).map(({ accountId }) => accountId)).not.toContain(OWN);
      // A webhook of the portal is the real connection's, and so is the portal.
      const { externalId } = real ?? { externalId: '' };
      expect((await store.connections.findByExternalId('hubspot', externalId))?.accountId).toBe('acc_a');
      await store.connections.disconnect('acc_a', 'con_a', 'why', T0);
      expect((await store.connections.findByExternalId('hubspot', externalId))?.accountId).toBe('acc_a');
    });

    test('is one at a time for a connection, also of two that begin together, and needs one that is connected', async () => {
      const both = await Promise.all([
        store.testRuns.begin(testRunOf(), CONTENT),
        store.testRuns.begin(testRunOf({ id: 'tst_2' }), CONTENT),
      ]);
      expect(both.sort()).toEqual(['begun', 'other_open']);
      expect((await sql('select id from accounts where test_of is not null')).length).toBe(1);
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      expect(await store.testRuns.begin(testRunOf({ id: 'tst_3', accountId: 'acc_b' }), CONTENT)).toBe('not_connected');
      await store.connections.disconnect('acc_b', 'con_b', 'why', T0);
      const theirs = testRunOf({ id: 'tst_4', accountId: 'acc_b', connectionId: 'con_b' });
      expect(await store.testRuns.begin(theirs, CONTENT)).toBe('not_connected');
    });

    test('knows its friend by the contact that they were and the one that they are', async () => {
      await store.testRuns.begin(testRunOf(), CONTENT);
      const own = tenant(store, OWN, 'con_a');
      await own.write({
        members: [own.member('mem_t', { contact: null })],
        referrals: [
          own.referral('ref_t', 'mem_t', { friend: { name: 'T', email: 't@x.test', contact: a.ref('contact', '10') } }),
        ],
      });
      expect(await store.testRuns.started('acc_a', 'tst_1', { memberId: 'mem_t', referralId: 'ref_t' })).toBe(true);
      const open = await store.testRuns.openIn('acc_a', 'con_a');
      expect(open?.friendContactIds).toEqual(['9', '10']);
      expect(await store.testRuns.ofTestAccount(OWN)).toEqual(open);
      expect((await store.testRuns.open()).map(({ id }) => id)).toEqual(['tst_1']);
      expect(await store.testRuns.accountsOf('acc_a')).toEqual([OWN]);
      expect(await store.testRuns.list('acc_a', all)).toMatchObject({ items: [{ referralId: 'ref_t' }], next: null });
      for (const none of [store.testRuns.openIn('acc_b', 'con_a'), store.testRuns.get('acc_b', 'tst_1')])
        expect(await none).toBeNull();
      expect(await store.testRuns.list('acc_b', all)).toEqual({ items: [], next: null });
      expect(await store.testRuns.accountsOf('acc_b')).toEqual([]);
      expect(await store.testRuns.started('acc_b', 'tst_1', { memberId: 'm', referralId: 'r' })).toBe(false);
    });

    test('ends once: nothing is read for it any more, and what shows it is written anew by the real account, twice', async () => {
      await store.testRuns.begin(testRunOf(), CONTENT);
      const own = tenant(store, OWN, 'con_a');
      await own.write({
        mirror: [a.ref('contact', '9'), a.ref('deal', '7')],
        wakes: [{ record: a.ref('deal', '7'), at: T0 }],
      });
      expect((await store.work.dueShards(T0, 5)).map(({ accountId }) => accountId)).toContain(OWN);
      expect(await store.testRuns.finish('acc_a', 'tst_1', { now: T0, lateMs: 9 })).toBe(false);
      expect(await store.testRuns.beginEnd('acc_b', 'tst_1', ending)).toBe(false);
      expect(await store.testRuns.beginEnd('acc_a', 'tst_1', ending)).toBe(true);
      expect(await store.testRuns.beginEnd('acc_a', 'tst_1', ending)).toBe(false);
      expect(await store.work.dueShards(T0, 5)).toEqual([]);
      expect(await store.testRuns.started('acc_a', 'tst_1', { memberId: 'm', referralId: 'r' })).toBe(false);
      const at = { now: T0 + DAY, lateMs: 60_000 };
      expect(await store.testRuns.finish('acc_b', 'tst_1', at)).toBe(false);
      expect(await store.testRuns.finish('acc_a', 'tst_1', at)).toBe(true);
      expect(await store.testRuns.finish('acc_a', 'tst_1', at)).toBe(false);
      expect(await store.testRuns.get('acc_a', 'tst_1')).toMatchObject({
        ...{ state: 'ended', endReason: 'person', endedBy: 'Ada', endedAt: T0 + DAY },
      });
      const written = async (now: number) => {
        const items = [
          ...(await store.mirror.claim(claiming('m1', now, 9))),
          ...(await store.mirror.claim(claiming('m2', now, 9))),
        ];
        expect(items.every(({ ackedHash }) => ackedHash === null)).toBe(true);
        await store.mirror.acknowledge(
          items.map((item) => ({ item, hash: 'h' })),
          now,
        );
        return items.map(({ accountId, record }) => `${accountId} ${record.object} ${record.id}`).sort();
      };
      const both = ['acc_a contact 9', 'acc_a deal 7'];
      expect(await written(T0 + DAY)).toEqual(both);
      expect(await written(T0 + DAY + 59_999)).toEqual([]);
      expect(await written(T0 + DAY + 60_000)).toEqual(both);
      expect(await written(T0 + 9 * DAY)).toEqual([]);
      expect(await sql(`select record_id from work where account_id = '${OWN}'`)).toEqual([]);
      // The connection is free for the next one.
      expect(await store.testRuns.begin(testRunOf({ id: 'tst_2' }), CONTENT)).toBe('begun');
    });

    test('makes no customer of its friend: a deal that is won for it is nobody’s revenue, one that is won after it is', async () => {
      const won = { pipelineId: 'p', stageId: 'won', pipelineLabel: 'P', stageLabel: 'Won', stage: 'won' as const };
      await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [won], T0);
      await store.testRuns.begin(testRunOf(), CONTENT);
      const wins = (id: string, contactId: string, at: number) =>
        a.write(
          {},
          {
            snapshots: [
              {
                facts: a.deal(id, {
                  contactIds: [contactId],
                  history: [{ at, pipelineId: 'p', stageId: 'won', amount: '5.00', currency: 'EUR' }],
                }),
                readAt: at,
              },
            ],
          },
        );
      const others = async () => {
        while ((await store.figures.fold('acc_a', T0)) > 0);
        const days = { from: 0, to: 99_999, by: [] };
        const rows = await store.figures.sums('acc_a', { ...days, measures: ['deals', 'customers', 'lifetime'] });
        expect(await store.figures.verify('acc_a')).toEqual({ kind: 'equal' });
        return rows.map(({ measure, n }) => `${measure} ${n}`).sort();
      };
      await wins('70', '9', T0 + 5);
      expect(await others()).toEqual([]);
      await wins('71', '8', T0 + 5);
      expect(await others()).toEqual(['customers 1', 'deals 1', 'lifetime 1']);
      await store.testRuns.beginEnd('acc_a', 'tst_1', ending);
      await store.testRuns.finish('acc_a', 'tst_1', { now: T0 + DAY, lateMs: 0 });
      await wins('72', '9', T0 + 2 * DAY);
      expect(await others()).toEqual(['customers 2', 'deals 2', 'lifetime 2']);
    });
  });
}
