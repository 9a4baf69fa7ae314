import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { type AttributionDecision, DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import type { TierChange } from '../../src/domain/tier.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
import { DAY, T0, type Tenant } from './store-fixtures.ts';

export const SCHEME: TierScheme = {
  by: { kind: 'revenue' },
  windowDays: 30,
  down: { kind: 'grace', days: 3 },
  levels: [{ key: 'gold', name: 'Gold', from: { minor: 5n, currency: 'EUR' } }],
};

export const changeOf = (memberId: string, sequence = 1, more: Partial<TierChange> = {}): TierChange => ({
  id: `tir_${memberId}_${sequence}`,
  memberId,
  program: { id: 'prg', version: 1 },
  sequence,
  move: 'reached',
  from: null,
  to: { key: 'gold', name: 'Gold' },
  reason: { code: 'tier_reached', values: { tier: 'Gold' } },
  evidence: { by: 'revenue', score: 9_007_199_254_740_993n, currency: 'EUR', sinceDay: 20_000 },
  recordedAt: T0 + sequence,
  ...more,
});

export const attributionOf = (referralId: string, sequence = 1): AttributionDecision => ({
  id: `att_${referralId}_${sequence}`,
  referralId,
  sequence,
  kind: 'attributed',
  memberId: 'mem_1',
  fromMemberId: null,
  policyVersion: null,
  reason: { code: 'attributed_label', values: {} },
  candidates: [{ memberId: 'mem_1', source: 'label', at: null, verdict: 'winner' }],
  recordedAt: T0,
});

/** Tiers, recruiters and attribution. Part of the store's conformance. */
export function tierStoreConformance(
  use: () => { readonly store: Store; readonly a: Tenant; readonly sql: (text: string) => Promise<unknown> },
): void {
  describe('tiers and attribution', () => {
    let store: Store;
    let a: Tenant;
    let sql: (text: string) => Promise<unknown>;
    beforeEach(async () => {
      ({ store, a, sql } = use());
      await a.writePair();
    });

    test('a change is read back as it was written, the newest of each member with the members', async () => {
      const [first, second] = [
        changeOf('mem_1'),
        changeOf('mem_1', 2, { move: 'lost', from: changeOf('mem_1').to, to: null }),
      ];
      await a.write({ tierChanges: [first] });
      await a.write({ tierChanges: [second] });
      expect(await store.tiers.of('acc_a', 'mem_1')).toEqual([second]);
      expect((await a.load({ codes: ['CODE-mem_1'] })).tiers).toEqual([second]);
      const page = await store.tiers.changes('acc_a', { limit: 1, cursor: null }, { memberId: 'mem_1' });
      expect(page.items).toEqual([second]);
      const rest = await store.tiers.changes('acc_a', { limit: 5, cursor: page.next }, {});
      expect(rest).toEqual({ items: [first], next: null });
      expect((await store.mirror.sources('acc_a', [a.ref('contact', 'contact-mem_1')]))[0]?.tier).toEqual(second);
    });

    test('of two commits with the same number the second is a conflict, and nothing of it is kept', async () => {
      await a.write({ tierChanges: [changeOf('mem_1')] });
      const other = { ...changeOf('mem_1'), id: 'tir_other' };
      expect(await store.cases.commit([a.commit({ tierChanges: [other], touches: [a.touch('tch_x')] })])).toEqual([
        'conflict',
      ]);
      expect(await store.reads.touches('acc_a', a.ref('contact', 'friend-1'))).toEqual([]);
    });

    test('what was decided is never changed nor deleted', async () => {
      await a.write({ tierChanges: [changeOf('mem_1')], attributions: [attributionOf('ref_1')] });
      await store.attribution.publish('acc_a', DEFAULT_POLICY, 'an admin', T0);
      for (const table of ['tier_changes', 'attribution_decisions', 'attribution_policies']) {
        await expect(sql(`delete from ${table}`)).rejects.toThrow(/append/);
        await expect(sql(`update ${table} set account_id = 'x'`)).rejects.toThrow(/append/);
      }
    });

    test('a look comes when it is due, and is answered by the commit that has looked', async () => {
      const look = { memberId: 'mem_1', programId: 'prg', lookedAt: T0 };
      await a.write({ tierLooks: [{ ...look, at: T0 + DAY }] });
      expect(await store.tiers.due(T0 + DAY - 1, 5)).toEqual([]);
      const due = [{ accountId: 'acc_a', memberId: 'mem_1', programId: 'prg', at: T0 + DAY }];
      expect(await store.tiers.due(T0 + DAY, 5)).toEqual(due);
      // One that was asked for earlier is not forgotten for a later one.
      await a.write({ tierLooks: [{ ...look, at: T0 + 2 * DAY }] });
      expect(await store.tiers.due(T0 + DAY, 5)).toEqual(due);
      await a.write({ tierLooks: [{ ...look, lookedAt: T0 + DAY, at: null }] });
      expect(await store.tiers.due(T0 + 9 * DAY, 5)).toEqual([]);
    });

    test('what members do is counted by day, without what was declined', async () => {
      await a.write({
        referrals: [
          a.referral('ref_2', 'mem_1', {
            submittedAt: T0 + DAY,
            friend: { name: null, email: 'b@x.test', contact: null },
          }),
          a.referral('ref_3', 'mem_1', { stage: 'declined', friend: { name: null, email: 'c@x.test', contact: null } }),
        ],
        touches: [a.touch('tch_1'), a.touch('tch_2', { kind: 'code' })],
      });
      const day = Math.floor(T0 / DAY);
      expect(await store.tiers.engagement('acc_a', 'mem_1', 'prg', 'submissions')).toEqual(
        new Map([
          [day, 1],
          [day + 1, 1],
        ]),
      );
      expect(await store.tiers.engagement('acc_a', 'mem_1', 'other', 'submissions')).toEqual(new Map());
      expect(await store.tiers.engagement('acc_a', 'mem_1', 'prg', 'touches')).toEqual(new Map([[day, 2]]));
    });

    test('a program keeps its tiers; new ones make everybody due, and the first ones have what is won counted', async () => {
      const program = { programId: 'prg', name: 'P', rules: [] };
      const { member, referral } = { member: a.member('mem_1'), referral: a.referral('ref_1', 'mem_1') };
      await a.write({ referrals: [{ ...referral, stage: 'won', version: 2 }] });
      expect((await store.programs.publish('acc_a', program, T0)).version).toBe(1);
      expect(await store.tiers.due(T0, 5)).toEqual([]);
      const second = await store.programs.publish('acc_a', { ...program, tiers: SCHEME }, T0 + 1);
      expect(second).toMatchObject({ version: 2, tiers: SCHEME });
      expect((await store.programs.publish('acc_a', { ...program, tiers: SCHEME }, T0 + 2)).version).toBe(2);
      expect((await store.programs.versions('acc_a')).map(({ tiers }) => tiers)).toEqual([undefined, SCHEME]);
      expect((await store.tiers.due(T0 + 1, 5)).map(({ memberId }) => memberId)).toEqual([member.id]);
      const asked = await store.work.claim({ now: T0 + 1, leaseMs: 1, limit: 5, claim: 'c' });
      expect(asked.map(({ record }) => record.id)).toEqual(['friend-ref_1']);
      expect((await store.programs.publish('acc_a', program, T0 + 3)).tiers).toBeUndefined();
    });

    test('recruiters, what counts towards a tier and who moved it are kept with member and referral', async () => {
      const member = { ...a.member('mem_1'), isStaff: true, version: 2 };
      const referral = {
        ...a.referral('ref_1', 'mem_1'),
        wonDeals: [{ id: '7', at: T0, money: { minor: 5n, currency: 'EUR' } }],
        recruiterId: 'mem_1',
        movedAt: T0,
        doubt: 'existing_customer' as const,
        version: 2,
      };
      await a.write({ members: [member], referrals: [referral] });
      expect(await store.reads.member('acc_a', 'mem_1')).toEqual(member);
      expect(await store.reads.referral('acc_a', 'ref_1')).toEqual(referral);
    });

    test('policies have versions, once for the same one; what was decided by them is read in its order', async () => {
      expect(await store.attribution.newest('acc_a')).toBeNull();
      const first = await store.attribution.publish('acc_a', DEFAULT_POLICY, 'an admin', T0);
      expect(await store.attribution.publish('acc_a', DEFAULT_POLICY, 'another', T0 + 1)).toEqual(first);
      const policy = { ...DEFAULT_POLICY, windowDays: 90 };
      const second = await store.attribution.publish('acc_a', policy, 'another', T0 + 1);
      expect(second).toMatchObject({ version: 2, policy, publishedBy: 'another', publishedAt: T0 + 1 });
      expect(await store.attribution.newest('acc_a')).toEqual(second);
      expect(await store.attribution.versions('acc_a')).toEqual([first, second]);
      const made = [attributionOf('ref_1', 5), attributionOf('ref_1', 2)];
      await a.write({ attributions: made });
      expect(await store.attribution.decisions('acc_a', 'ref_1')).toEqual(made.toReversed());
    });

    test('a policy that is published later holds later, also by a node whose clock is behind', async () => {
      await store.attribution.publish('acc_a', DEFAULT_POLICY, 'an admin', T0);
      const behind = await store.attribution.publish('acc_a', { ...DEFAULT_POLICY, windowDays: 7 }, 'another', T0 - 1);
      expect(behind).toMatchObject({ version: 2, publishedAt: T0 });
    });

    test('a version of a policy says which dry run it was published on, and keeps the one that it was published on first', async () => {
      const on = (dryRunId: string | null) =>
        store.attribution.publish('acc_a', DEFAULT_POLICY, 'an admin', T0, dryRunId);
      const first = await on('dry_1');
      expect(first).toMatchObject({ version: 1, dryRunId: 'dry_1' });
      expect(await on('dry_2')).toEqual(first);
      const second = await store.attribution.publish('acc_a', { ...DEFAULT_POLICY, windowDays: 90 }, 'an admin', T0);
      expect(second).not.toHaveProperty('dryRunId');
      expect(await store.attribution.versions('acc_a')).toEqual([first, second]);
    });

    test('none of it is another account’s', async () => {
      await a.write({ tierChanges: [changeOf('mem_1')], attributions: [attributionOf('ref_1')] });
      await store.attribution.publish('acc_a', DEFAULT_POLICY, 'an admin', T0);
      const all = { limit: 5, cursor: null };
      expect(await store.tiers.of('acc_b', 'mem_1')).toEqual([]);
      expect((await store.tiers.changes('acc_b', all, { memberId: 'mem_1' })).items).toEqual([]);
      expect(await store.tiers.engagement('acc_b', 'mem_1', 'prg', 'submissions')).toEqual(new Map());
      expect(await store.attribution.newest('acc_b')).toBeNull();
      expect(await store.attribution.versions('acc_b')).toEqual([]);
      expect(await store.attribution.decisions('acc_b', 'ref_1')).toEqual([]);
    });
  });
}
