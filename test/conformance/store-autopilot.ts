import { beforeEach, describe, expect, test } from 'vitest';
import type { KeptProposal, KeptWatch, Store } from '../../src/application/ports/store.ts';
import { driftPrefix } from '../../src/domain/drift.ts';
import { proposeMapping } from '../../src/domain/mapping-proposal.ts';
import { newCase } from './store-desk.ts';
import { DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

const SAMPLE = { from: T0 - DAY, to: T0, deals: [], isComplete: true, total: 0 };

export function proposalOf(changes: Partial<KeptProposal> = {}): KeptProposal {
  return {
    id: 'mpp_1',
    connectionId: 'con_a',
    state: 'open',
    basis: 'map_1',
    proposal: proposeMapping({ pipelines: [] }, [], SAMPLE),
    draft: null,
    dryRunId: null,
    postponedUntil: null,
    madeBy: 'key',
    madeAt: T0,
    changedBy: 'key',
    changedAt: T0,
    version: 1,
    ...changes,
  };
}

export function watchOf(changes: Partial<KeptWatch> = {}): KeptWatch {
  return {
    baseline: { stages: [], properties: [{ object: 'deal', name: 'plan', type: 'string' }] },
    suspects: [{ dealId: '7', readUpTo: T0 }],
    lost: [{ dealId: '7', at: T0 }],
    lookedAt: T0,
    open: 1,
    version: 1,
    ...changes,
  };
}

/** Mappings that were proposed, and what the look-out for drift remembers and tells. Part of the store's conformance. */
export function autopilotStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('proposals and drift', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });

    test('the newest proposal of a connection is found as it was kept', async () => {
      expect(await store.proposals.newest(a.accountId, 'con_a')).toBeNull();
      await store.proposals.keep(a.accountId, proposalOf());
      const second = proposalOf({ id: 'mpp_2', madeAt: T0 + 1, basis: 'map_2' });
      await store.proposals.keep(a.accountId, second);
      expect(await store.proposals.newest(a.accountId, 'con_a')).toEqual(second);
    });

    test('a proposal is answered by one of two who answer it at the same moment', async () => {
      await store.proposals.keep(a.accountId, proposalOf());
      const draft = [{ pipelineId: 'p', stageId: 's', stage: 'won' as const }];
      const accepted = proposalOf({ state: 'accepted', draft, dryRunId: 'dry_1', version: 2, changedBy: 'first' });
      const postponed = proposalOf({ state: 'postponed', postponedUntil: T0 + DAY, version: 2, changedBy: 'second' });
      expect(await store.proposals.change(a.accountId, accepted)).toBe(true);
      expect(await store.proposals.change(a.accountId, postponed)).toBe(false);
      expect(await store.proposals.newest(a.accountId, 'con_a')).toEqual(accepted);
    });

    test('what a look remembers is kept by one of two looks', async () => {
      const { drift } = store;
      expect(await drift.watch(a.accountId, 'con_a')).toBeNull();
      expect(await drift.keepWatch(a.accountId, 'con_a', watchOf())).toBe(true);
      expect(await drift.keepWatch(a.accountId, 'con_a', watchOf({ open: 9 }))).toBe(false);
      expect(await drift.watch(a.accountId, 'con_a')).toEqual(watchOf());
      expect(await drift.keepWatch(a.accountId, 'con_a', watchOf({ open: 0, version: 2 }))).toBe(true);
      expect(await drift.watch(a.accountId, 'con_a')).toEqual(watchOf({ open: 0, version: 2 }));
    });

    test('of one cause one alert is open, and it ends when it is gone', async () => {
      const { drift, desk } = store;
      const dedupeKey = `${driftPrefix('con_a')}stage_new s`;
      const alert = { case: newCase('cas_1', { dedupeKey }), unlessClosedSince: T0 };
      const ofOther = newCase('cas_2', { dedupeKey: `${driftPrefix('con_ab')}stage_new s` });
      expect(await drift.tell(a.accountId, [alert, { case: ofOther, unlessClosedSince: T0 }], [])).toBe(2);
      expect(await drift.tell(a.accountId, [{ ...alert, case: { ...alert.case, id: 'cas_3' } }], [])).toBe(0);
      expect((await drift.alerts(a.accountId, 'con_a')).map(({ id }) => id)).toEqual(['cas_1']);
      const word = { outcome: 'moot', by: 'wonward', why: 'It is gone.', at: T0 + 1 } as const;
      await drift.tell(a.accountId, [], [{ dedupeKey, word }]);
      expect(await drift.alerts(a.accountId, 'con_a')).toEqual([]);
      expect((await desk.get(a.accountId, 'cas_1'))?.case).toMatchObject({ state: 'decided', outcome: 'moot' });
    });

    test('what has ended by itself is told again at once; what a person has closed, only after a while', async () => {
      const { drift, desk } = store;
      const dedupeKey = `${driftPrefix('con_a')}scope_lost x`;
      const tell = (id: string, unlessClosedSince: number) =>
        drift.tell(a.accountId, [{ case: newCase(id, { dedupeKey }), unlessClosedSince }], []);
      await tell('cas_1', T0);
      const word = { by: 'wonward', why: '', at: T0 + 5 };
      await drift.tell(a.accountId, [], [{ dedupeKey, word: { ...word, outcome: 'moot' } }]);
      expect(await tell('cas_2', T0)).toBe(1);
      await desk.decide(a.accountId, 'cas_2', { ...word, outcome: 'dismissed' });
      expect(await tell('cas_3', T0 + 5)).toBe(0);
      expect(await tell('cas_4', T0 + 6)).toBe(1);
    });

    test('what the vendor grants is what was granted last', async () => {
      await store.connections.granted(a.accountId, 'con_a', ['one', 'two']);
      expect((await store.connections.get(a.accountId, 'con_a'))?.scopes).toEqual(['one', 'two']);
    });

    test('another account finds none of it and changes none of it', async () => {
      const b = tenant(store, 'acc_b', 'con_b');
      await b.create();
      const scopes = (await store.connections.get(a.accountId, 'con_a'))?.scopes;
      await store.proposals.keep(a.accountId, proposalOf());
      await store.drift.keepWatch(a.accountId, 'con_a', watchOf());
      const dedupeKey = `${driftPrefix('con_a')}stage_new s`;
      await store.drift.tell(a.accountId, [{ case: newCase('cas_1', { dedupeKey }), unlessClosedSince: T0 }], []);
      expect(await store.proposals.newest('acc_b', 'con_a')).toBeNull();
      expect(await store.proposals.change('acc_b', proposalOf({ version: 2, state: 'postponed' }))).toBe(false);
      expect(await store.drift.watch('acc_b', 'con_a')).toBeNull();
      expect(await store.drift.alerts('acc_b', 'con_a')).toEqual([]);
      const word = { outcome: 'moot', by: 'x', why: '', at: T0 } as const;
      await store.drift.tell('acc_b', [], [{ dedupeKey, word }]);
      await store.connections.granted('acc_b', 'con_a', ['stolen']);
      expect(await store.drift.alerts(a.accountId, 'con_a')).toHaveLength(1);
      expect(await store.proposals.newest(a.accountId, 'con_a')).toEqual(proposalOf());
      expect((await store.connections.get(a.accountId, 'con_a'))?.scopes).toEqual(scopes);
    });
  });
}
