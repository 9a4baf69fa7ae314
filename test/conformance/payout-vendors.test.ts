import type { RawRequest } from '../../src/application/ports/crm.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { fromSettings as paypal } from '../../src/payout/paypal/provider.ts';
import { fromSettings as stripe } from '../../src/payout/stripe/provider.ts';
import { fromSettings as tremendous } from '../../src/payout/tremendous/provider.ts';
import { startPayPal } from '../../src/sandbox/paypal/server.ts';
import { startStripe } from '../../src/sandbox/stripe/server.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';
import type { VendorControl } from '../../src/sandbox/vendor/server.ts';
import { payoutConformance } from './payout.ts';

/** The three vendors over their local servers, through their own SDKs where they have one. */

const base = { rewardWebhook: null, localProviders: {} };

function network(control: VendorControl & { refusals: Set<string> }, paths: { order: string }) {
  return {
    loseAnswers: (times: number) => control.fault({ kind: 'lost', times, method: 'POST', path: paths.order }),
    goDown: () => control.fault({ kind: 'down' }),
    comeBack: () => control.clearFaults(),
    refuse: async (reward: Reward) => void control.refusals.add(intentFor(reward).id),
  };
}

/** One digit or letter of the body is another: the JSON holds, the signature must not. */
function forge(request: RawRequest): RawRequest {
  const text = Buffer.from(request.body).toString('utf8');
  return { ...request, body: Buffer.from(text.replace(/([0-9])(?=[^0-9]*$)/, (digit) => (digit === '9' ? '8' : '9'))) };
}

payoutConformance({
  name: 'tremendous',
  async open(settings, time) {
    const { url, control, stop } = await startTremendous({
      apiKey: 'TEST_key',
      webhookKey: 'TEST_webhook_key',
      now: time.now,
      callsPerSecond: 1_000,
    });
    const orderOf = (key: string) => {
      const order = control.orders.find(({ externalId }) => externalId === key);
      if (!order) throw new Error(`no order ${key}`);
      return order;
    };
    return {
      provider: tremendous({ ...base, ...settings, localProviders: { tremendous: url } }),
      credentials: { apiKey: 'TEST_key', campaignId: 'CAMPAIGN1', webhookKey: 'TEST_webhook_key' },
      money: { minor: 5_010n, currency: 'EUR' },
      given: async () =>
        control.orders
          .filter(({ status }) => status === 'EXECUTED')
          .map(({ externalId, denomination, currency }) => ({
            key: externalId ?? '',
            money: { minor: BigInt(Math.round(denomination * 100)), currency },
          })),
      network: network(control, { order: '/api/v2/orders' }),
      cancelling: { use: async ({ id }) => control.redeem(orderOf(id).rewardId) },
      news: {
        listen: (receiver) => {
          control.webhookUrl = receiver;
        },
        bringBack: async ({ id }) => control.cancelReward(orderOf(id).rewardId),
        repeat: control.repeatNews,
        forge,
      },
      wrong: [
        [{ apiKey: 'TEST_other' }, 'apiKey'],
        [{ campaignId: 'NOBODYS' }, 'campaignId'],
        [{ fundingSourceId: 'NOBODYS' }, 'fundingSourceId'],
        [{ campaignId: '' }, 'campaignId'],
      ],
      close: stop,
    };
  },
});

const STRIPE = { secretKey: 'sk_test_local', webhookSecret: 'whsec_local' };

payoutConformance({
  name: 'stripe',
  way: 'promotion codes',
  async open(settings, time) {
    const { url, control, stop } = await startStripe({ ...STRIPE, now: time.now, callsPerSecond: 1_000 });
    const codeOf = (key: string) => {
      const code = control.promotionCodes.find(({ metadata }) => metadata.wonward_key === key);
      if (!code) throw new Error(`no code ${key}`);
      return code;
    };
    return {
      provider: stripe({ ...base, ...settings, localProviders: { stripe: url } }),
      credentials: STRIPE,
      money: { minor: 2_500n, currency: 'USD' },
      given: async () =>
        control.promotionCodes
          .filter(({ active, times_redeemed }) => active || times_redeemed > 0)
          .map(({ metadata, promotion }) => {
            const coupon = control.coupons.find(({ id }) => id === promotion.coupon);
            return {
              key: metadata.wonward_key ?? '',
              money: { minor: BigInt(coupon?.amount_off ?? 0), currency: (coupon?.currency ?? '').toUpperCase() },
            };
          }),
      network: {
        ...network(control, { order: '/v1/promotion_codes' }),
        // Whatever it is told of retries, the SDK tries once more when a connection is closed under it, with the same Idempotency-Key.
        loseAnswers: (times) =>
          control.fault({ kind: 'lost', times: 2 * times, method: 'POST', path: '/v1/promotion_codes' }),
      },
      cancelling: { use: async ({ id }) => control.redeem(codeOf(id).id) },
      news: {
        listen: (receiver) => {
          control.webhookUrl = receiver;
        },
        bringBack: async ({ id }) => control.switchOff(codeOf(id).id),
        repeat: control.repeatNews,
        forge,
      },
      wrong: [[{ secretKey: 'sk_test_other' }, 'secretKey']],
      close: stop,
    };
  },
});

payoutConformance({
  name: 'stripe',
  way: 'customer balance',
  async open(settings, time) {
    const { url, control, stop } = await startStripe({ ...STRIPE, now: time.now, callsPerSecond: 1_000 });
    control.addCustomer('mem_1@example.com');
    const path = '/v1/customers/';
    return {
      provider: stripe({ ...base, ...settings, localProviders: { stripe: url } }),
      credentials: { ...STRIPE, way: 'customer_balance' },
      money: { minor: 2_500n, currency: 'USD' },
      given: async () =>
        control.balanceTransactions.map(({ metadata, amount, currency }) => ({
          key: metadata.wonward_key ?? '',
          money: { minor: BigInt(-amount), currency: currency.toUpperCase() },
        })),
      network: {
        ...network(control, { order: path }),
        loseAnswers: (times) => control.fault({ kind: 'lost', times: 2 * times, method: 'POST', path }),
      },
      cancelling: null,
      news: null,
      wrong: [[{ secretKey: 'sk_test_other' }, 'secretKey']],
      close: stop,
    };
  },
});

const PAYPAL = { clientId: 'client', clientSecret: 'secret', webhookId: 'WEBHOOK1' };

payoutConformance({
  name: 'paypal',
  async open(settings, time) {
    const { url, control, stop } = await startPayPal({ ...PAYPAL, now: time.now, callsPerSecond: 1_000 });
    const itemOf = (key: string) => {
      const item = control.items.find(({ senderItemId }) => senderItemId === key);
      if (!item) throw new Error(`no item ${key}`);
      return item;
    };
    return {
      provider: paypal({ ...base, ...settings, localProviders: { paypal: url } }),
      credentials: PAYPAL,
      money: { minor: 1_999_999n, currency: 'USD' },
      given: async () =>
        control.items
          .filter(({ state }) => state === 'SUCCESS' || state === 'UNCLAIMED')
          .map(({ senderItemId, value, currency }) => ({
            key: senderItemId,
            money: { minor: BigInt(value.replace('.', '')), currency },
          })),
      network: network(control, { order: '/v1/payments/payouts' }),
      cancelling: {
        prepare: async () => void control.unclaimed.add('mem_1@example.com'),
        use: async ({ id }) => control.settle(itemOf(id).id, 'SUCCESS'),
      },
      news: {
        listen: (receiver) => {
          control.webhookUrl = receiver;
        },
        bringBack: async ({ id }) => control.settle(itemOf(id).id, 'RETURNED'),
        repeat: control.repeatNews,
        forge,
      },
      wrong: [
        [{ clientSecret: 'other' }, 'clientSecret'],
        [{ webhookId: 'NOBODYS' }, 'webhookId'],
      ],
      close: stop,
    };
  },
});
