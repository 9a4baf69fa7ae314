import { expect, test } from 'vitest';
import { createPayoutAccounts } from '../../src/application/payout-accounts.ts';
import { createPayoutReports } from '../../src/application/payout-reports.ts';
import type { PayoutOrder } from '../../src/application/ports/payout.ts';
import { TEST_PROVIDER, testAccountId } from '../../src/domain/test-run.ts';
import { loadProviders } from '../../src/payout/registry.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';

const OWN = testAccountId('tst_1');
const ORDER: PayoutOrder = {
  key: 'pay_1',
  accountId: OWN,
  rewardId: 'rwd_1',
  referralId: 'ref_1',
  beneficiary: { party: 'member', id: 'mem_1', name: null, email: null },
  money: { minor: 5_000n, currency: 'EUR' },
  reason: 'Won.',
};

async function accounts() {
  const store = await openStore({ url: 'sqlite::memory:' });
  const seal = createSeal([{ id: 'k1', key: Buffer.alloc(32, 7) }]);
  const providers = await loadProviders({
    rewardWebhook: null,
    allowPrivateDestinations: false,
    localProviders: {},
    now: Date.now,
    randomBytes: (length) => new Uint8Array(length),
    seal,
    coupons: store.coupons,
    batches: store.batches,
  });
  const clock = { now: Date.now };
  const own = createPayoutAccounts({ store, providers, seal, clock });
  const reports = createPayoutReports({ store, accounts: own, providers, clock, newId: () => 'x' });
  return { store, own, reports };
}

test('a test orders from nobody but the provider that gives nothing, whatever is configured', async () => {
  const { store, own } = await accounts();
  expect(await own.ready(OWN)).toEqual([TEST_PROVIDER]);
  for (const name of ['credit', 'manual', 'coupon'])
    await expect(own.open(OWN, name)).rejects.toMatchObject({ code: 'payout_rejected' });
  const { session } = await own.open(OWN, TEST_PROVIDER);
  const memory = { choose: async (find: () => Promise<string | null>) => find() };
  const answer = { ok: true, reference: 'test-pay_1', voucher: null };
  // The same order again is the same answer.
  for (const _ of [1, 2]) expect(await session.issue(ORDER, memory)).toEqual(answer);
  expect(await session.test()).toMatchObject({ ok: true });
  await store.close();
});

test('no customer is offered it, can set it up, order from it or compare with it', async () => {
  const { store, own, reports } = await accounts();
  expect((await own.list('acc_a')).map(({ name }) => name)).not.toContain(TEST_PROVIDER);
  expect(await own.ready('acc_a')).not.toContain(TEST_PROVIDER);
  await expect(own.open('acc_a', TEST_PROVIDER)).rejects.toMatchObject({ code: 'payout_rejected' });
  expect(await own.configure('acc_a', TEST_PROVIDER, new Map())).toBeNull();
  expect(await own.test('acc_a', TEST_PROVIDER)).toBeNull();
  expect(await reports.make('acc_a', { provider: TEST_PROVIDER, from: 0, to: 1, by: 'x' })).toBeNull();
  await store.close();
});
