import { beforeEach, describe, expect, test } from 'vitest';
import type { WorkflowAnswer } from '../../src/application/ports/crm.ts';
import type { NewWait, Store } from '../../src/application/ports/store.ts';
import { claiming, DAY, T0, type Tenant } from './store-fixtures.ts';

export const ANSWER: WorkflowAnswer = {
  state: 'done',
  code: 'created',
  words: 'The contact is a member now.',
  result: { memberId: 'mem_1', rewardId: null },
  days: 0,
};

/** A workflow that waits, as the answer to its call has made it. */
export async function waiting(
  store: Store,
  a: Tenant,
  callbackId: string,
  referralId: string,
  changes: Partial<NewWait> = {},
): Promise<void> {
  const call = { ...a.callKey(callbackId), action: 'wait_until_rewarded', inputHash: 'in_1' };
  await store.workflowCalls.begin({ ...call, now: T0, leasedUntil: T0 + 1_000 });
  const answer = { ...ANSWER, state: 'waits' as const, days: 7 };
  await store.workflowCalls.answer(call, answer, a.waitFor(referralId, changes), T0);
}

/** Calls of workflows with their answers, and those that wait. Part of the store's conformance. */
export function workflowStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('calls of workflows', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });
    const begin = (now: number, changes: { action?: string; inputHash?: string } = {}) =>
      store.workflowCalls.begin({
        ...a.callKey('ap-1'),
        action: 'enrol_member',
        inputHash: 'in_1',
        now,
        leasedUntil: now + 1_000,
        ...changes,
      });

    test('a call is one caller’s until its lease ends; then the next goes on with when it was begun first', async () => {
      expect(await begin(T0)).toEqual({ kind: 'begun', begunAt: T0 });
      expect(await begin(T0 + 999)).toEqual({ kind: 'under_way', until: T0 + 1_000 });
      expect(await begin(T0 + 1_000)).toEqual({ kind: 'begun', begunAt: T0 });
      expect(await begin(T0 + 1_001)).toEqual({ kind: 'under_way', until: T0 + 2_000 });
      // The first caller was slower than its lease and failed: what it gives back is not its own any more.
      await store.workflowCalls.giveUp(a.callKey('ap-1'), T0 + 1_000);
      expect(await begin(T0 + 1_001)).toEqual({ kind: 'under_way', until: T0 + 2_000 });
      await store.workflowCalls.giveUp(a.callKey('ap-1'), T0 + 2_000);
      expect(await begin(T0 + 1_002)).toEqual({ kind: 'begun', begunAt: T0 });
    });

    test('of many that come at one moment one carries it out', async () => {
      const found = await Promise.all(Array.from({ length: 8 }, () => begin(T0)));
      expect(found.filter(({ kind }) => kind === 'begun')).toHaveLength(1);
      const later = await Promise.all(Array.from({ length: 8 }, () => begin(T0 + 2_000)));
      expect(later.filter(({ kind }) => kind === 'begun')).toHaveLength(1);
    });

    test('the first answer that is kept holds, for who gave another one as for who asks again', async () => {
      await begin(T0);
      await begin(T0 + 1_000);
      expect(await store.workflowCalls.answer(a.callKey('ap-1'), ANSWER, null, T0)).toEqual(ANSWER);
      const other = { ...ANSWER, code: 'existing' };
      expect(await store.workflowCalls.answer(a.callKey('ap-1'), other, null, T0)).toEqual(ANSWER);
      expect(await begin(T0 + 9_000)).toEqual({ kind: 'answered', answer: ANSWER });
      await store.workflowCalls.giveUp(a.callKey('ap-1'), T0 + 2_000);
      expect(await begin(T0 + 9_000)).toEqual({ kind: 'answered', answer: ANSWER });
    });

    test('the id with another wish is another call’s, answered or not', async () => {
      await begin(T0);
      expect(await begin(T0, { inputHash: 'in_2' })).toEqual({ kind: 'other' });
      expect(await begin(T0 + 5_000, { action: 'set_stage' })).toEqual({ kind: 'other' });
      await store.workflowCalls.answer(a.callKey('ap-1'), ANSWER, null, T0);
      expect(await begin(T0, { inputHash: 'in_2' })).toEqual({ kind: 'other' });
    });
  });

  describe('workflows that wait', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });
    const claim = (now: number, name = `at ${now}`) => store.callbacks.claim(claiming(name, now));
    const EXPIRES = T0 + 7 * DAY;

    test('one that the CRM did not know of is told again when the CRM asks again; one that has ended is not', async () => {
      const ask = (callbackId: string, now: number) => {
        const call = { ...a.callKey(callbackId), action: 'wait_until_rewarded', inputHash: 'in_1' };
        return store.workflowCalls.begin({ ...call, now, leasedUntil: now + 1_000 });
      };
      for (const state of ['forgotten', 'completed', 'expired'] as const) {
        await waiting(store, a, state, 'ref_1');
        const held = await claim(T0, state);
        await store.callbacks.end(
          held.map((wait) => ({ wait, outcome: 'rewarded' })),
          state,
        );
      }
      expect(await claim(T0 + DAY)).toEqual([]);
      for (const state of ['forgotten', 'completed', 'expired'])
        expect(await ask(state, T0 + DAY)).toMatchObject({ kind: 'answered', answer: { state: 'waits' } });
      expect(await claim(T0 + DAY, 'again')).toMatchObject([
        { callbackId: 'forgotten', begunAt: T0 + DAY, expiresAt: EXPIRES },
      ]);
    });

    test('one is looked at as soon as it is there, then when something happens to its referral, then when it is over', async () => {
      await waiting(store, a, 'ap-1', 'ref_1', { ruleKey: 'r', party: 'member', dealId: '7', programId: 'prg' });
      const [first] = await claim(T0);
      expect(first).toMatchObject({
        ...a.callKey('ap-1'),
        referralId: 'ref_1',
        ruleKey: 'r',
        party: 'member',
        dealId: '7',
        programId: 'prg',
        begunAt: T0,
        expiresAt: EXPIRES,
        attempts: 0,
      });
      await store.callbacks.waitOn(first ? [first] : []);
      expect(await claim(T0 + DAY)).toEqual([]);
      expect(await store.callbacks.nextDueAt()).toBe(EXPIRES);
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      const [second] = await claim(T0 + DAY);
      expect(second).toMatchObject({ callbackId: 'ap-1' });
      await store.callbacks.waitOn(second ? [second] : []);
      expect(await claim(EXPIRES)).toHaveLength(1);
    });

    test('what happens while one is claimed is looked at after it', async () => {
      await waiting(store, a, 'ap-1', 'ref_1');
      const waits = await claim(T0);
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await claim(T0 + 1)).toEqual([]);
      await store.callbacks.waitOn(waits);
      expect(await claim(T0 + 1)).toHaveLength(1);
    });

    test('what happens to another referral makes none due', async () => {
      await waiting(store, a, 'ap-1', 'ref_other');
      await store.callbacks.waitOn(await claim(T0));
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await claim(T0 + DAY)).toEqual([]);
    });

    test('one that has ended is never looked at again, whatever happens', async () => {
      await waiting(store, a, 'ap-1', 'ref_1');
      await store.callbacks.end(
        (await claim(T0)).map((wait) => ({ wait, outcome: 'rewarded' })),
        'completed',
      );
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await claim(EXPIRES + DAY)).toEqual([]);
      // Its call comes again and is answered as before; that begins no other wait.
      await waiting(store, a, 'ap-1', 'ref_1');
      expect(await claim(EXPIRES + DAY)).toEqual([]);
    });

    test('who lost the claim changes nothing; who holds it does', async () => {
      await waiting(store, a, 'ap-1', 'ref_1');
      const lost = await claim(T0, 'first');
      const [held] = await claim(T0 + DAY, 'second');
      expect(held).toMatchObject({ attempts: 1 });
      await store.callbacks.end(
        lost.map((wait) => ({ wait, outcome: 'lost' })),
        'completed',
      );
      await store.callbacks.waitOn(lost);
      await store.callbacks.defer(lost, { runAt: T0, error: 'x', parked: true });
      expect(await store.callbacks.counts(T0 + DAY)).toMatchObject({ claimed: 1, parked: 0 });
      await store.callbacks.defer(held ? [held] : [], { runAt: T0 + 2 * DAY, error: 'x', parked: false });
      expect(await claim(T0 + DAY)).toEqual([]);
      expect(await claim(T0 + 2 * DAY)).toMatchObject([{ attempts: 2 }]);
    });

    test('a parked one waits for a person, or for news of its referral', async () => {
      await waiting(store, a, 'ap-1', 'ref_1');
      await waiting(store, a, 'ap-2', 'ref_1');
      const refused = { runAt: T0, error: 'crm_forbidden: no', parked: true };
      await store.callbacks.defer(await claim(T0), refused);
      expect(await store.callbacks.counts(T0)).toMatchObject({ due: 0, parked: 2 });
      expect(await claim(EXPIRES)).toEqual([]);
      expect(await store.vitals.parked({ accountId: 'acc_a', limit: 10 })).toMatchObject([
        { queue: 'callbacks', item: 'workflow ap-1', error: 'crm_forbidden: no' },
        { queue: 'callbacks', item: 'workflow ap-2' },
      ]);
      expect(await store.retryParked('acc_a', T0 + 1)).toBe(2);
      await store.callbacks.defer(await claim(T0 + 1), refused);
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await claim(T0 + 1)).toMatchObject([{ attempts: 0 }, { attempts: 0 }]);
    });

    test('a connection that is not there any more is not called', async () => {
      await waiting(store, a, 'ap-1', 'ref_1');
      await store.connections.disconnect('acc_a', 'con_a', 'gone', T0);
      expect(await store.callbacks.dueShards(T0, 10)).toEqual([]);
      expect(await claim(T0)).toEqual([]);
    });
  });
}
