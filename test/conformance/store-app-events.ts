import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { claiming, T0, type Tenant, tenant } from './store-fixtures.ts';

const ON = { managers: [], programs: null, notifications: [], objects: 'off', events: 'on' } as const;
const OFF = { ...ON, events: undefined };

/** What timelines are to be told, from the commit that it follows from to its end. Part of the store's conformance. */
export function appEventStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('what timelines are to be told', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
    });
    const turn = async (settings: typeof ON | typeof OFF, now: number) => {
      const basis = (await store.appSettings.newest(a.accountId, a.connectionId))?.version ?? 0;
      return store.appSettings.save(a.accountId, a.connectionId, settings, { basis, by: 'x', now });
    };
    const write = (plan: Partial<Plan>) => a.write(plan);
    /** A member with a referral that was submitted at `at`. */
    const begin = (id: string, at: number) =>
      write({
        members: [a.member(`mem_${id}`)],
        referrals: [a.referral(`ref_${id}`, `mem_${id}`, { submittedAt: at, stageSince: at })],
      });
    const claim = (now: number, name = `at ${now}`) => store.appEvents.claim(claiming(name, now));
    const newsOf = (events: Awaited<ReturnType<typeof claim>>) =>
      events.map(({ event: { news, role } }) => `${news} ${role}`).sort();

    test('is nothing where nobody wants it, and nothing of what was before somebody does', async () => {
      await begin('1', T0);
      expect(await claim(T0 + 1_000)).toEqual([]);
      await turn(ON, T0 + 5_000);
      await begin('2', T0 + 4_000);
      expect(await claim(T0 + 10_000)).toEqual([]);
      await begin('3', T0 + 6_000);
      expect(newsOf(await claim(T0 + 10_000, 'now'))).toEqual(['referral_begun friend', 'referral_begun member']);
    });

    test('goes on from when it was first wanted while other settings change, and ends with the wish', async () => {
      await turn(ON, T0 + 5_000);
      const basis = (await store.appSettings.newest(a.accountId, a.connectionId))?.version ?? 0;
      const more = { ...ON, managers: ['7'] };
      await store.appSettings.save(a.accountId, a.connectionId, more, { basis, by: 'x', now: T0 + 9_000 });
      await begin('1', T0 + 6_000);
      expect(await claim(T0 + 10_000, 'first')).toHaveLength(2);
      await turn(OFF, T0 + 20_000);
      await begin('2', T0 + 21_000);
      expect(await claim(T0 + 22_000, 'second')).toEqual([]);
      await turn(ON, T0 + 30_000);
      await begin('3', T0 + 21_000);
      expect(await claim(T0 + 31_000, 'third')).toEqual([]);
    });

    test('names the contacts of its people there, and nobody who was forgotten', async () => {
      await turn(ON, T0);
      await begin('1', T0 + 6_000);
      const claimed = await claim(T0 + 10_000);
      expect(claimed.map(({ contactId }) => contactId).sort()).toEqual(['contact-mem_1', 'friend-ref_1']);
      await store.appEvents.defer(claimed, { runAt: T0 + 11_000, error: 'x', parked: false });
      await write({
        members: [a.member('mem_1', { contact: null, version: 2 })],
        referrals: [a.referral('ref_1', 'mem_1', { submittedAt: T0 + 6_000, friendErasedAt: T0 + 7_000, version: 2 })],
      });
      const later = await claim(T0 + 11_000);
      expect(later.map(({ contactId }) => contactId)).toEqual([null, null]);
      expect(later.filter(({ isForgotten }) => isForgotten).map(({ event }) => event.role)).toEqual(['friend']);
    });

    test('follows a reward from its grant to its end, and a stage that is won twice', async () => {
      await turn(ON, T0);
      await begin('1', T0 + 1_000);
      await store.appEvents.end(await claim(T0 + 2_000));
      const at = { updatedAt: T0 + 2_000 };
      const won = (version: number) =>
        a.referral('ref_1', 'mem_1', { stage: 'won', stageSince: T0 + 2_000 + version, version });
      await write({
        referrals: [won(2)],
        rewards: [a.reward('rwd_1', 'ref_1', { beneficiaryId: 'mem_1', state: 'held', ...at })],
      });
      const first = await claim(T0 + 3_000);
      expect(newsOf(first)).toEqual(['referral_won friend', 'referral_won member', 'reward_granted member']);
      expect(first.find(({ event }) => event.rewardId !== null)?.event).toMatchObject({
        money: { amount: '50.00', currency: 'EUR' },
        programId: 'prg',
      });
      await store.appEvents.end(first);
      const reward = a.reward('rwd_1', 'ref_1', { beneficiaryId: 'mem_1', ...at });
      await write({ rewards: [{ ...reward, state: 'issued', version: 2 }] });
      await write({
        referrals: [a.referral('ref_1', 'mem_1', { stage: 'opportunity', version: 3 })],
        rewards: [
          {
            ...reward,
            state: 'clawed_back',
            reason: { code: 'taken_back_by_person', values: { by: 'Ada', why: 'no' } },
            version: 3,
          },
        ],
      });
      await write({ referrals: [won(4)] });
      const second = await claim(T0 + 4_000);
      expect(newsOf(second)).toEqual([
        'referral_won friend',
        'referral_won member',
        'reward_issued member',
        'reward_taken_back member',
      ]);
      // What a person has written is not for a place where nobody can take it back.
      expect(second.find(({ event }) => event.news === 'reward_taken_back')?.event.reason).toBeNull();
    });

    test('is one worker’s at a time, comes again after its lease, and is gone when it was told', async () => {
      await turn(ON, T0);
      await begin('1', T0 + 1_000);
      const held = await claim(T0 + 2_000, 'one');
      expect(await claim(T0 + 2_000, 'two')).toEqual([]);
      const [due] = await store.appEvents.dueShards(T0 + 1_000_000, 10);
      expect(due).toEqual({ accountId: a.accountId, connectionId: a.connectionId });
      const later = await claim(T0 + 1_000_000, 'two');
      expect(later.map(({ attempts }) => attempts)).toEqual([1, 1]);
      // Whoever comes too late settles nothing.
      await store.appEvents.end(held);
      await store.appEvents.defer(held, { runAt: T0, error: 'late', parked: true });
      expect(await store.appEvents.counts(T0 + 1_000_000)).toMatchObject({ claimed: 2, parked: 0 });
      await store.appEvents.end(later);
      expect(await store.appEvents.nextDueAt()).toBeNull();
    });

    test('waits for a person when it is refused, and comes again when they say so', async () => {
      await turn(ON, T0);
      await begin('1', T0 + 1_000);
      const held = await claim(T0 + 2_000);
      await store.appEvents.defer(held, { runAt: T0 + 3_000, error: 'crm_forbidden: no', parked: true });
      expect(await store.appEvents.isHeldUp(a.accountId, a.connectionId, 'crm_forbidden: no')).toBe(true);
      expect(await store.appEvents.isHeldUp(a.accountId, a.connectionId, 'crm_forbidden: other')).toBe(false);
      expect(await claim(T0 + 9_000)).toEqual([]);
      const signs = await store.sync.signs(a.accountId, a.connectionId, T0, T0 + 9_000);
      expect(signs.timelines).toEqual({
        parked: 2,
        failures: [{ error: 'crm_forbidden: no', count: 2, isParked: true }],
      });
      expect(await store.vitals.parked({ accountId: a.accountId, limit: 10 })).toMatchObject([
        { queue: 'appEvents', error: 'crm_forbidden: no' },
        { queue: 'appEvents' },
      ]);
      expect(await store.sync.retryParked(a.accountId, a.connectionId, T0 + 9_000)).toBe(2);
      expect(await claim(T0 + 9_000, 'again')).toHaveLength(2);
    });

    test('is not another account’s', async () => {
      const b = tenant(store, 'acc_events', 'con_events');
      await b.create();
      await turn(ON, T0);
      await b.write({
        members: [b.member('mem_b')],
        referrals: [b.referral('ref_b', 'mem_b', { submittedAt: T0 + 9_000 })],
      });
      expect(await claim(T0 + 10_000)).toEqual([]);
      expect(await store.appEvents.isHeldUp(b.accountId, a.connectionId, 'x')).toBe(false);
    });
  });
}
