import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reverse, settlePayout } from '../../src/domain/reward.ts';
import { startDesk } from './payout-scene.ts';

let desk: Awaited<ReturnType<typeof startDesk>>;
beforeEach(async () => {
  desk = await startDesk();
});
afterEach(() => desk.close());

const told = (reference: string) => ({
  eventId: `evt_${reference}`,
  kind: 'redeemed' as const,
  key: null,
  reference,
  why: null,
  at: desk.clock.now(),
});

/** A node that dies once the answer is booked: what follows in `deliver.ts` is not reached any more. */
async function bookAnswer(id: string, reference: string): Promise<void> {
  const { store, clock } = desk;
  const shard = { accountId: 'acc_a', connectionId: null };
  const [payout] = await store.payouts.claim({ shard, now: clock.now(), leaseMs: 60_000, limit: 1, claim: `c ${id}` });
  if (payout?.reward.id !== id) throw new Error(`claimed ${payout?.reward.id}`);
  const draft = createDraft(stateWith('acc_a', { rewards: [payout.reward] }));
  settlePayout(draft, payout.reward, { ok: true }, clock.now());
  const given = { reference, voucher: null, state: 'issued' as const };
  expect(await store.payouts.settle(payout, draft.plan(), given)).toBe(true);
}

test('what was told of an order before its answer is applied by whoever lives when the node dies that booked the answer', async () => {
  const { news, store } = desk;
  await desk.order('rwd_1', 'tremendous');
  await desk.order('rwd_2', 'tremendous');
  await news.take('acc_a', 'tremendous', [told('TRM1'), told('TRM2')]);
  expect(await news.applyAnswered()).toBe(0);

  await bookAnswer('rwd_1', 'TRM1');
  expect((await desk.reward('rwd_1')).state).toBe('issued');
  // Another provider's reference may be the same by chance, and another order's answer is not there yet.
  await news.take('acc_a', 'stripe', [told('TRM1')]);
  expect(await news.applyAnswered()).toBe(1);
  expect((await desk.reward('rwd_1')).state).toBe('redeemed');
  expect(await news.applyAnswered()).toBe(0);
  expect(await store.payoutRecords.waitingNews('acc_a', 'tremendous', null, 9)).toMatchObject([{ reference: 'TRM2' }]);
  expect(await store.payoutRecords.waitingNews('acc_a', 'stripe', null, 9)).toHaveLength(1);
});

test('money that comes back late opens an alert in the same moment, once, and it ends with the reward', async () => {
  const { news, store, tenant } = desk;
  await desk.order('rwd_1', 'tremendous');
  await bookAnswer('rwd_1', 'TRM1');
  const returned = { ...told('TRM1'), kind: 'returned' as const, why: 'unclaimed for 30 days' };
  await news.take('acc_a', 'tremendous', [returned]);
  await news.take('acc_a', 'tremendous', [{ ...returned, eventId: 'evt_again' }]);
  const open = () => store.desk.openAlerts('acc_a', 'payout_returned');
  expect(await open()).toMatchObject([
    { rewardId: 'rwd_1', severity: 'high', value: desk.money, facts: { beneficiaryId: 'mem_1' } },
  ]);

  const reward = await desk.reward('rwd_1');
  const draft = createDraft(stateWith('acc_a', { rewards: [reward] }));
  const at = desk.clock.now();
  const [first] = tenant.granted(reward).decisions ?? [];
  if (!first) throw new Error('no decision');
  const why = { code: 'left_won' as const, values: {} };
  const lost = { ...first, id: 'dec_lost', sequence: 2, outcome: 'reversed' as const, reason: why, recordedAt: at };
  draft.addDecision(lost);
  reverse(draft, reward, lost);
  await tenant.write(draft.plan());
  expect(await open()).toEqual([]);
});
