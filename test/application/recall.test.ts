import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { adjust, grant, reverse } from '../../src/domain/reward.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';
import { DAY } from '../conformance/store-fixtures.ts';
import { startDesk } from './payout-scene.ts';

let desk: Awaited<ReturnType<typeof startDesk>>;
let vendor: Awaited<ReturnType<typeof startTremendous>>;
beforeEach(async () => {
  vendor = await startTremendous({ apiKey: 'TEST_key', webhookKey: 'hook', callsPerSecond: 1_000 });
  desk = await startDesk({ localProviders: { tremendous: vendor.url } });
  await desk.accounts.configure(
    'acc_a',
    'tremendous',
    new Map(Object.entries({ apiKey: 'TEST_key', campaignId: 'CAMPAIGN1', webhookKey: 'hook' })),
  );
});
afterEach(async () => {
  await desk.close();
  await vendor.stop();
});

const state = async (id: string) => (await desk.reward(id)).state;
const kinds = async () =>
  (await desk.store.reads.journals('acc_a', { limit: 50, cursor: null }, {})).items.map(({ kind }) => kind).sort();
const balance = async (account: string) =>
  (await desk.store.reads.balancesOf('acc_a', [account])).reduce((sum, { minor }) => sum + minor, 0n);
const owed = async () =>
  (await desk.store.reads.tally('acc_a', { owner: 'mem_1', key: 'owed', currency: 'EUR' })).minor;

/** What `verify` finds in the books and the totals; the fixtures have no CRM behind them to replay. */
async function problems(): Promise<string[]> {
  const found = await desk.store.audited(desk.clock.now(), (audit) => verify(audit));
  return found.accounts
    .flatMap((account) => account.problems)
    .filter((problem) => !/no touch shows it|rewards standing|belongs? to no|is not kept for the CRM/.test(problem));
}

/** As `decide` does it: the deal has left Closed Won, or became smaller. */
async function change(id: string, by: 'reverse' | bigint): Promise<void> {
  const { store, clock, tenant } = desk;
  const reward = await desk.reward(id);
  const loaded = await tenant.load({ dealIds: [reward.deal.id] });
  const sequence = 1 + loaded.decisions.filter(({ rewardId }) => rewardId === id).length;
  const draft = createDraft(stateWith('acc_a', loaded));
  const stands = reward.money.minor - reward.clawedBack - (by === 'reverse' ? 0n : by);
  const decision = tenant.decision(`dec_${sequence}_${id}`, reward.referralId, {
    deal: reward.deal,
    sequence,
    outcome: by === 'reverse' ? 'reversed' : 'adjusted',
    reason: { code: by === 'reverse' ? 'left_won' : 'amount_shrank', values: { deal: reward.deal.id } },
    money: by === 'reverse' ? reward.money : { ...reward.money, minor: stands },
    rewardId: id,
    recordedAt: clock.now(),
  });
  draft.addDecision(decision);
  if (by === 'reverse') reverse(draft, reward, decision);
  else adjust(draft, reward, by, decision);
  const [result] = await store.cases.commit([tenant.commit(draft.plan())]);
  expect(result).toBe('committed');
}

const order = (id: string, payout: string, changes: Partial<Reward>) => desk.order(id, payout, { changes });

describe('a reward that is taken back after it was issued', () => {
  test('is undone at its provider where the rule says so: the cash is back, and nobody owes anything', async () => {
    await order('rwd_1', 'tremendous', { cancelsIssued: true });
    await desk.run();
    expect(await state('rwd_1')).toBe('issued');
    await change('rwd_1', 'reverse');
    expect(await balance('receivable:member:mem_1')).toBe(2_500n);
    await desk.run();
    expect(vendor.control.orders.map(({ status }) => status)).toEqual(['CANCELED']);
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'clawed_back', reason: { code: 'payout_returned' } });
    expect([await balance('receivable:member:mem_1'), await owed()]).toEqual([0n, 0n]);
    expect(await balance('provider:tremendous')).toBe(0n);
    expect((await desk.store.payoutRecords.recordOfReward('acc_a', 'rwd_1'))?.state).toBe('cancelled');
    // The provider tells it once more by itself; the order is done.
    await desk.run();
    expect(await kinds()).toEqual(['accrue', 'claw_back', 'issue', 'return']);
    expect(await problems()).toEqual([]);
  });

  test('stays owed when it was used before the provider could undo it', async () => {
    const { key } = await order('rwd_1', 'tremendous', { cancelsIssued: true });
    await desk.run();
    vendor.control.redeem(vendor.control.orders.find(({ externalId }) => externalId === key)?.rewardId ?? '');
    await change('rwd_1', 'reverse');
    await desk.run();
    await desk.run();
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'clawed_back', reason: { code: 'left_won' } });
    expect([await balance('receivable:member:mem_1'), await owed()]).toEqual([2_500n, 2_500n]);
    expect(await desk.store.payouts.counts(desk.clock.now())).toEqual({ due: 0, claimed: 0, later: 0, parked: 0 });
    expect(await problems()).toEqual([]);
  });

  test('is asked for until the provider answers, for a day if it has to, and is undone once', async () => {
    await order('rwd_1', 'tremendous', { cancelsIssued: true });
    await desk.run();
    await change('rwd_1', 'reverse');
    vendor.control.fault({ kind: 'down' });
    for (let hours = 0; hours < 24; hours += 1) {
      await desk.run();
      desk.advance(3_600_000);
    }
    expect(await owed()).toBe(2_500n);
    vendor.control.clearFaults();
    await desk.run();
    expect(await owed()).toBe(0n);
    expect((await kinds()).filter((kind) => kind === 'return')).toHaveLength(1);
  });

  test('is undone once when the answer is lost and the order comes again', async () => {
    await order('rwd_1', 'tremendous', { cancelsIssued: true });
    await desk.run();
    await change('rwd_1', 'reverse');
    vendor.control.fault({ kind: 'lost', times: 1, method: 'POST', path: '/api/v2/rewards' });
    await desk.run();
    desk.advance(3_600_000);
    await desk.run();
    expect(await owed()).toBe(0n);
    expect((await kinds()).filter((kind) => kind === 'return')).toHaveLength(1);
    expect(await problems()).toEqual([]);
  });

  describe('while the provider has not been asked to undo it yet', () => {
    /** Another deal of the friend is won, as `decide` would grant it. */
    async function winAnother(): Promise<void> {
      const { store, tenant, money, clock } = desk;
      const reward = tenant.reward('rwd_2', 'ref_1', { payout: 'tremendous', money });
      const member = await store.reads.member('acc_a', 'mem_1');
      const loaded = await tenant.load({ dealIds: [reward.deal.id], contactIds: [member?.contact?.id ?? ''] });
      const draft = createDraft(stateWith('acc_a', loaded));
      const decision = tenant.decision('dec_2', 'ref_1', {
        deal: reward.deal,
        sequence: 1,
        outcome: 'rewarded',
        rewardId: 'rwd_2',
        money,
        recordedAt: clock.now(),
      });
      draft.addDecision(decision);
      grant(draft, decision, reward);
      expect(await store.cases.commit([tenant.commit(draft.plan())])).toEqual(['committed']);
    }

    test('is not kept from the next reward: undone here and kept there, the member would have neither', async () => {
      await order('rwd_1', 'tremendous', { cancelsIssued: true });
      await desk.run();
      await change('rwd_1', 'reverse');
      await winAnother();
      await desk.run();
      await desk.run();
      expect(vendor.control.orders.map(({ status }) => status)).toEqual(['CANCELED', 'EXECUTED']);
      expect(await desk.reward('rwd_2')).toMatchObject({ state: 'issued', netted: 0n });
      expect([await owed(), await balance('receivable:member:mem_1')]).toEqual([0n, 0n]);
      expect(await problems()).toEqual([]);
    });

    test('and is kept from the one after it was used and could not be undone', async () => {
      const { key } = await order('rwd_1', 'tremendous', { cancelsIssued: true });
      await desk.run();
      vendor.control.redeem(vendor.control.orders.find(({ externalId }) => externalId === key)?.rewardId ?? '');
      await change('rwd_1', 'reverse');
      expect(await problems()).toEqual([]);
      await desk.run();
      await winAnother();
      expect(await desk.reward('rwd_2')).toMatchObject({ state: 'issued', netted: 2_500n });
      expect([await owed(), await balance('receivable:member:mem_1')]).toEqual([0n, 0n]);
      expect(await problems()).toEqual([]);
    });
  });

  test('is not undone where the rule does not say so', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    await change('rwd_1', 'reverse');
    await desk.run();
    expect(vendor.control.orders.map(({ status }) => status)).toEqual(['EXECUTED']);
    expect(await owed()).toBe(2_500n);
  });
});

describe('a reward that has to be used in time', () => {
  test('expires when it was not: the voucher is switched off and nothing is owed or spent; it is never given again', async () => {
    await order('rwd_1', 'tremendous', { expiresAfterDays: 30 });
    await desk.run();
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'issued', expiresAt: desk.clock.now() + 30 * DAY });
    desk.advance(30 * DAY - 1);
    await desk.run();
    expect(await state('rwd_1')).toBe('issued');
    desk.advance(1);
    await desk.run();
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'expired', reason: { code: 'expired_unused' } });
    expect(vendor.control.orders.map(({ status }) => status)).toEqual(['CANCELED']);
    for (const account of ['provider:tremendous', 'expense:prg', 'payable:member:mem_1'])
      expect([account, await balance(account)]).toEqual([account, 0n]);
    await desk.run();
    expect(await kinds()).toEqual(['accrue', 'expire', 'issue']);
    expect(await problems()).toEqual([]);
  });

  test('does not expire when it was used, whether its provider has told it or only knows it', async () => {
    await desk.desk.addCoupons('acc_a', ['ONE', 'TWO'], desk.money);
    await order('rwd_1', 'coupon', { expiresAfterDays: 7 });
    await order('rwd_2', 'coupon', { expiresAfterDays: 7 });
    const { key } = await order('rwd_3', 'tremendous', { expiresAfterDays: 7 });
    await desk.run();
    const given = await desk.desk.payoutOf('acc_a', 'rwd_1');
    await desk.desk.redeemCoupons('acc_a', [given?.voucher ?? '']);
    vendor.control.redeem(vendor.control.orders.find(({ externalId }) => externalId === key)?.rewardId ?? '');
    desk.advance(8 * DAY);
    await desk.run();
    expect([await state('rwd_1'), await state('rwd_2'), await state('rwd_3')]).toEqual([
      'redeemed',
      'expired',
      'issued',
    ]);
    // What expired is worth nothing any more.
    const other = await desk.desk.payoutOf('acc_a', 'rwd_2');
    expect(await desk.desk.redeemCoupons('acc_a', [other?.voucher ?? ''])).toEqual(['withdrawn']);
    expect(await problems()).toEqual([]);
  });

  test('takes credit from the credit itself', async () => {
    await order('rwd_1', 'credit', { expiresAfterDays: 1 });
    await desk.run();
    expect(await balance('credit:member:mem_1')).toBe(-2_500n);
    desk.advance(DAY);
    await desk.run();
    expect(await state('rwd_1')).toBe('expired');
    expect(await balance('credit:member:mem_1')).toBe(0n);
    expect(await problems()).toEqual([]);
  });

  test('that was cut before it expired owes nothing of the part that was claimed', async () => {
    await desk.desk.addCoupons('acc_a', ['ONE'], desk.money);
    await order('rwd_1', 'coupon', { expiresAfterDays: 1 });
    await desk.run();
    await change('rwd_1', 1_000n);
    expect(await owed()).toBe(1_000n);
    desk.advance(DAY);
    await desk.run();
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'expired', clawedBack: 0n });
    expect([await owed(), await balance('expense:prg')]).toEqual([0n, 0n]);
    expect(await problems()).toEqual([]);
  });

  test('that was taken back first is only taken back', async () => {
    await order('rwd_1', 'tremendous', { expiresAfterDays: 1, cancelsIssued: true });
    await desk.run();
    await change('rwd_1', 'reverse');
    desk.advance(2 * DAY);
    await desk.run();
    await desk.run();
    expect(await state('rwd_1')).toBe('clawed_back');
    expect(await kinds()).toEqual(['accrue', 'claw_back', 'issue', 'return']);
    expect(await problems()).toEqual([]);
  });

  test('expires as well when its provider tells of the switched-off voucher before we have heard its answer', async () => {
    await order('rwd_1', 'tremendous', { expiresAfterDays: 1 });
    await desk.run();
    const reference = vendor.control.orders[0]?.rewardId ?? '';
    const news = { eventId: 'e1', kind: 'cancelled' as const, key: null, reference, why: null, at: desk.clock.now() };
    desk.advance(DAY);
    await desk.news.take('acc_a', 'tremendous', [news]);
    expect(await state('rwd_1')).toBe('expired');
    await desk.run();
    expect(await kinds()).toEqual(['accrue', 'expire', 'issue']);
    expect(await problems()).toEqual([]);
  });
});

describe('what is owed back', () => {
  test('is given up by a person with a reason; the debt is gone and nothing is kept from what is owed next', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    expect(await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Too small.' })).toEqual({
      kind: 'refused',
      code: 'nothing_owed',
    });
    await change('rwd_1', 'reverse');
    expect(await desk.writeOff('acc_b', 'rwd_1', { by: 'Head of finance', why: 'Too small.' })).toEqual({
      kind: 'refused',
      code: 'no_such_reward',
    });
    const done = await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Too small.' });
    expect(done).toMatchObject({ kind: 'written_off', minor: 2_500n });
    expect([await owed(), await balance('receivable:member:mem_1')]).toEqual([0n, 0n]);
    expect(await balance('expense:prg')).toBe(2_500n);
    const { items } = await desk.store.reads.decisions('acc_a', { limit: 10, cursor: null }, {});
    const writtenOff = items.find(({ outcome }) => outcome === 'reversed');
    expect(writtenOff).toMatchObject({ outcome: 'reversed', reason: { code: 'written_off' } });
    expect(await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Again.' })).toMatchObject({
      kind: 'refused',
    });
    expect(await problems()).toEqual([]);
  });

  test('is written off once when two people do it at the same time', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    await change('rwd_1', 'reverse');
    const results = await Promise.all(
      ['Ada', 'Bo', 'Cy'].map((by) => desk.writeOff('acc_a', 'rwd_1', { by, why: 'Too small.' })),
    );
    expect(results.map(({ kind }) => kind).sort()).toEqual(['refused', 'refused', 'written_off']);
    expect(await owed()).toBe(0n);
    expect(await problems()).toEqual([]);
  });

  test('of a part is written off while the rest stands; a deal that grows back undoes the loss', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    await change('rwd_1', 1_000n);
    await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Too small.' });
    expect(await desk.reward('rwd_1')).toMatchObject({ state: 'issued', clawedBack: 1_000n, writtenOff: 1_000n });
    expect(await owed()).toBe(0n);
    expect(await problems()).toEqual([]);
    await change('rwd_1', -1_000n);
    expect(await owed()).toBe(0n);
    expect(await desk.reward('rwd_1')).toMatchObject({ clawedBack: 0n });
    expect((await desk.reward('rwd_1')).writtenOff).toBeUndefined();
    expect(await balance('expense:prg')).toBe(2_500n);
    expect(await problems()).toEqual([]);
  });

  test('and was written off is no loss any more when the provider gives the money back after all', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    await change('rwd_1', 'reverse');
    await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Too small.' });
    const reference = vendor.control.orders[0]?.rewardId ?? '';
    const news = { kind: 'cancelled' as const, key: null, reference, why: null, at: desk.clock.now() };
    await desk.news.take('acc_a', 'tremendous', [{ ...news, eventId: 'e1' }]);
    await desk.news.take('acc_a', 'tremendous', [{ ...news, eventId: 'e2' }]);
    expect([await owed(), await balance('expense:prg'), await balance('provider:tremendous')]).toEqual([0n, 0n, 0n]);
    expect(await problems()).toEqual([]);
  });

  test('is no more than the beneficiary owes at all: what was kept from a later reward is paid', async () => {
    await order('rwd_1', 'tremendous', {});
    await desk.run();
    await change('rwd_1', 'reverse');
    // 1,000 of the 2,500 were kept from something else since.
    await desk.tenant.write({
      tallies: [{ owner: 'mem_1', key: 'owed', currency: 'EUR', count: 0, minor: -1_000n, basis: null }],
    });
    const done = await desk.writeOff('acc_a', 'rwd_1', { by: 'Head of finance', why: 'Too small.' });
    expect(done).toMatchObject({ minor: 1_500n });
    expect(await owed()).toBe(0n);
  });
});
