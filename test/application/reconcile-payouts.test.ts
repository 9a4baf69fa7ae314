import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReconcilePayouts } from '../../src/application/reconcile-payouts.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';
import { DAY, T0 } from '../conformance/store-fixtures.ts';
import { startDesk } from './payout-scene.ts';

let vendor: Awaited<ReturnType<typeof startTremendous>>;
let desk: Awaited<ReturnType<typeof startDesk>>;
beforeEach(async () => {
  vendor = await startTremendous({ apiKey: 'k', webhookKey: 'w', now: () => T0 + 1, callsPerSecond: 999 });
  desk = await startDesk({ localProviders: { tremendous: vendor.url } });
  const values = new Map([
    ['apiKey', 'k'],
    ['campaignId', 'CAMPAIGN1'],
  ]);
  expect(await desk.accounts.configure('acc_a', 'tremendous', values)).toEqual({ ok: true });
});
afterEach(async () => {
  await desk.close();
  await vendor.stop();
});

const compare = () =>
  createReconcilePayouts({ store: desk.store, accounts: desk.accounts })('acc_a', 'tremendous', T0 - DAY, T0 + DAY);

test('what both sides have alike is added up, and nothing is said about it', async () => {
  for (const id of ['rwd_1', 'rwd_2']) await desk.order(id, 'tremendous');
  await desk.run();
  expect(await compare()).toEqual({
    provider: 'tremendous',
    orders: 2,
    agree: 2,
    listed: 2,
    agreed: [{ minor: 5_000n, currency: 'EUR' }],
    differences: [],
  });
});

test('names what the provider took back and never told, what it gave and we did not book, and what is not ours', async () => {
  const first = await desk.order('rwd_1', 'tremendous');
  await desk.run();
  const [given] = vendor.control.orders;
  if (given) given.status = 'CANCELED';
  const second = await desk.order('rwd_2', 'tremendous');
  vendor.control.fault({ kind: 'lost', times: 1, method: 'POST' });
  await desk.run();
  await fetch(`${vendor.url}/orders`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify({
      payment: { funding_source_id: 'balance' },
      reward: {
        campaign_id: 'CAMPAIGN1',
        value: { denomination: 7, currency_code: 'USD' },
        recipient: { name: 'Somebody' },
        delivery: { method: 'LINK' },
      },
    }),
  });
  const { orders, agree, differences } = await compare();
  expect([orders, agree]).toEqual([1, 0]);
  expect(differences).toMatchObject([
    {
      kind: 'booked_not_paid',
      key: first.key,
      rewardId: 'rwd_1',
      ours: 'given, 25.00 EUR',
      theirs: 'cancelled, 25.00 EUR',
    },
    { kind: 'not_ours', key: null, theirs: 'paid, 7.00 USD' },
    { kind: 'paid_not_booked', key: second.key, ours: 'nothing', theirs: 'paid, 25.00 EUR' },
  ]);
  desk.advance(3_600_000);
  await desk.run();
  expect((await compare()).differences.map(({ kind }) => kind)).toEqual(['booked_not_paid', 'not_ours']);
});

test('names an amount that is another at the provider', async () => {
  await desk.order('rwd_1', 'tremendous');
  await desk.run();
  const [given] = vendor.control.orders;
  Object.assign(given ?? {}, { denomination: 24 });
  expect((await compare()).differences).toMatchObject([
    { kind: 'amount_differs', ours: 'given, 25.00 EUR', theirs: 'paid, 24.00 EUR' },
  ]);
});
