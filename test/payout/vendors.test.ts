import { Writable } from 'node:stream';
import { ListRewards200ResponseRewardsInnerValueCurrencyCodeEnum as SdkCurrencies } from 'tremendous';
import { afterEach, describe, expect, test } from 'vitest';
import type { PayoutProvider, PayoutSettings } from '../../src/application/ports/payout.ts';
import { Fault } from '../../src/domain/errors.ts';
import { fromSettings as paypal } from '../../src/payout/paypal/provider.ts';
import { fromStripe, STRIPE_AMOUNTS, toStripe } from '../../src/payout/stripe/amounts.ts';
import { fromSettings as stripe } from '../../src/payout/stripe/provider.ts';
import { TREMENDOUS_CURRENCIES } from '../../src/payout/tremendous/currencies.ts';
import { fromSettings as tremendous } from '../../src/payout/tremendous/provider.ts';
import { createLog } from '../../src/platform/log.ts';
import { type PayPalOptions, startPayPal } from '../../src/sandbox/paypal/server.ts';
import { startStripe } from '../../src/sandbox/stripe/server.ts';
import { startTremendous, type TremendousOptions } from '../../src/sandbox/tremendous/server.ts';
import type { VendorControl } from '../../src/sandbox/vendor/server.ts';
import { startWorld, type TestTime } from '../conformance/payout.ts';
import { DAY } from '../conformance/store-fixtures.ts';

/** What is one vendor's own; what all promise stands in test/conformance/payout.ts. */

const HOUR = 3_600_000;
const base = { rewardWebhook: null, localProviders: {} };

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function worldOf<C extends VendorControl>(
  start: (time: TestTime) => Promise<{ url: URL; control: C; stop(): Promise<void> }>,
  fromSettings: (settings: PayoutSettings) => PayoutProvider,
  credentials: Record<string, string>,
  currency = 'USD',
) {
  let server: { url: URL; control: C; stop(): Promise<void> } | undefined;
  const world = await startWorld({
    async open(settings, time) {
      server = await start(time);
      const { url, control, stop } = server;
      const provider = fromSettings({
        ...base,
        ...settings,
        localProviders: { tremendous: url, stripe: url, paypal: url },
      });
      return {
        provider,
        credentials,
        money: { minor: 4_000n, currency },
        given: async () => [],
        network: null,
        cancelling: null,
        news: {
          listen: (receiver) => {
            control.webhookUrl = receiver;
          },
          bringBack: async () => {},
          repeat: async () => {},
          forge: (request) => request,
        },
        wrong: [],
        close: stop,
      };
    },
  });
  close = world.close;
  if (!server) throw new Error('no server');
  return { world, control: server.control, url: server.url };
}

const paypalWorld = (options: Partial<PayPalOptions> = {}) =>
  worldOf(
    (time) =>
      startPayPal({ clientId: 'c', clientSecret: 's', webhookId: 'W', now: time.now, callsPerSecond: 999, ...options }),
    paypal,
    { clientId: 'c', clientSecret: 's', webhookId: 'W' },
  );

const tremendousWorld = (options: Partial<TremendousOptions> = {}) =>
  worldOf(
    (time) => startTremendous({ apiKey: 'k', webhookKey: 'w', now: time.now, callsPerSecond: 999, ...options }),
    tremendous,
    { apiKey: 'k', webhookKey: 'w', campaignId: 'CAMPAIGN1' },
  );

const stripeWorld = (values: Record<string, string> = {}) =>
  worldOf(
    (time) => startStripe({ secretKey: 'sk_test_1', webhookSecret: 'whsec_1', now: time.now, callsPerSecond: 999 }),
    stripe,
    { secretKey: 'sk_test_1', webhookSecret: 'whsec_1', ...values },
  );

describe('PayPal', () => {
  test('a payment that takes a while is asked about until PayPal has settled it', async () => {
    const { world, control } = await paypalWorld({ isSlow: true });
    await world.order('rwd_1');
    await world.run();
    expect((await world.reward('rwd_1')).state).toBe('issuing');
    await control.settle(control.items[0]?.id ?? '', 'ONHOLD');
    world.time.advance(HOUR);
    await world.run();
    expect((await world.reward('rwd_1')).state).toBe('issuing');
    await control.settle(control.items[0]?.id ?? '', 'SUCCESS');
    world.time.advance(HOUR);
    await world.run();
    expect((await world.reward('rwd_1')).state).toBe('issued');
    expect(control.items).toHaveLength(1);
  });

  test('a payment that it blocks is refused with PayPal’s reason', async () => {
    const { world, control } = await paypalWorld();
    control.blocked.add('mem_1@example.com');
    const { intent } = await world.order('rwd_1');
    await world.run();
    const { state, reason } = await world.reward('rwd_1');
    expect([state, reason.values.why]).toEqual(['failed', 'RECEIVER_UNREGISTERED']);
    expect((await world.store.payoutRecords.record('acc_a', intent.id))?.state).toBe('refused');
  });

  test('an unclaimed payment is issued, and says so; when PayPal gives it back after a month, it is owed again', async () => {
    const { world, control } = await paypalWorld();
    control.unclaimed.add('mem_1@example.com');
    const { intent } = await world.order('rwd_1');
    await world.run();
    const [item] = control.items;
    await control.settle(item?.id ?? '', 'UNCLAIMED');
    await control.settle(item?.id ?? '', 'RETURNED');
    const states: string[] = [];
    for (const request of world.received) {
      await world.payoutNews.receive('paypal', 'acc_a', request);
      const record = await world.store.payoutRecords.record('acc_a', intent.id);
      states.push(`${(await world.reward('rwd_1')).state} ${record?.state}`);
    }
    expect(states).toEqual(['issued unclaimed', 'failed returned']);
  });

  test('is not asked again about an order that it may have forgotten, since that could pay it twice', async () => {
    const { world, control } = await paypalWorld();
    await world.order('rwd_1');
    control.fault({ kind: 'lost', times: 1, method: 'POST', path: '/v1/payments/payouts' });
    await world.run();
    control.fault({ kind: 'down' });
    await world.runFor(2 * DAY);
    world.time.advance(30 * DAY);
    control.clearFaults();
    const calls = control.calls.length;
    await world.runFor(3 * DAY);
    expect(control.items).toHaveLength(1);
    expect(control.calls.slice(calls)).not.toContain('POST /v1/payments/payouts');
    expect(await world.store.payouts.counts(world.time.now())).toMatchObject({ parked: 1 });
    expect((await world.reward('rwd_1')).state).toBe('issuing');
  });

  test('nothing is asked of it about a message that carries no signature', async () => {
    const { world, control } = await paypalWorld();
    const request = { method: 'POST', url: '', headers: {}, body: Buffer.from('{"event_type":"x"}') };
    await expect(world.payoutNews.receive('paypal', 'acc_a', request)).rejects.toMatchObject({
      code: 'payout_news_unsigned',
    });
    expect(control.calls).toEqual([]);
  });

  test('a message that cannot be checked just now is not refused: it is to be sent again', async () => {
    const { world, control } = await paypalWorld();
    await world.order('rwd_1');
    await world.run();
    await control.settle(control.items[0]?.id ?? '', 'RETURNED');
    const [request] = world.received;
    if (!request) throw new Error('no news');
    control.fault({ kind: 'down' });
    await expect(world.payoutNews.receive('paypal', 'acc_a', request)).rejects.toMatchObject({
      code: 'payout_unavailable',
    });
    control.clearFaults();
    expect(await world.payoutNews.receive('paypal', 'acc_a', request)).toMatchObject({ accepted: 1 });
  });
});

describe('Tremendous', () => {
  test('an order that waits for approval is issued once it is given, and refused when it is not', async () => {
    const { world, control } = await tremendousWorld({ needsApproval: true });
    await world.order('rwd_1');
    await world.order('rwd_2');
    await world.run();
    expect((await world.reward('rwd_1')).state).toBe('issuing');
    const [first, second] = control.orders;
    await control.approve(first?.id ?? '');
    await control.reject(second?.id ?? '');
    world.time.advance(HOUR);
    await world.run();
    const states = [(await world.reward('rwd_1')).state, (await world.reward('rwd_2')).state].sort();
    expect(states).toEqual(['failed', 'issued']);
    expect(control.orders).toHaveLength(2);
  });

  test('orders that the balance does not cover wait for money, and are lost to nobody', async () => {
    const { world, control } = await tremendousWorld({ balanceMinor: 3_999 });
    await world.order('rwd_1');
    await world.runFor(DAY);
    expect((await world.reward('rwd_1')).state).toBe('issuing');
    expect(control.orders).toEqual([]);
    expect(await world.store.payouts.counts(world.time.now())).toMatchObject({ parked: 0 });
  });

  test('a bounced message leaves the reward issued: its link works', async () => {
    const { world, control } = await tremendousWorld();
    const { intent } = await world.order('rwd_1');
    await world.run();
    await control.failDelivery(control.orders[0]?.rewardId ?? '');
    const [request] = world.received;
    if (!request) throw new Error('no news');
    expect(await world.payoutNews.receive('tremendous', 'acc_a', request)).toMatchObject({ accepted: 1 });
    expect((await world.reward('rwd_1')).state).toBe('issued');
    expect((await world.store.payoutRecords.record('acc_a', intent.id))?.state).toBe('unclaimed');
  });

  test('takes the currencies that its SDK names', () => {
    expect([...TREMENDOUS_CURRENCIES].sort()).toEqual(Object.values(SdkCurrencies).sort());
  });
});

describe('Stripe', () => {
  test('a code that is used makes its reward redeemed, also when Stripe tells it before our answer is booked', async () => {
    const { world, control } = await stripeWorld();
    await world.order('rwd_1');
    await world.run();
    const { session } = await world.accounts.open('acc_a', 'stripe');
    const second = await world.order('rwd_2');
    const beneficiary = { party: 'member' as const, id: 'mem_1', name: null, email: null };
    await session.issue(
      {
        key: second.intent.id,
        accountId: 'acc_a',
        rewardId: 'rwd_2',
        referralId: 'ref_1',
        beneficiary,
        money: { minor: 4_000n, currency: 'USD' },
        reason: '',
      },
      { choose: (find) => find() },
    );
    for (const { code } of control.promotionCodes) await control.redeem(code);
    for (const request of world.received)
      expect(await world.payoutNews.receive('stripe', 'acc_a', request)).toMatchObject({ accepted: 1 });
    expect((await world.reward('rwd_1')).state).toBe('redeemed');
    expect((await world.reward('rwd_2')).state).toBe('approved');
    await world.run();
    expect((await world.reward('rwd_2')).state).toBe('redeemed');
    expect(await world.balance('provider:stripe')).toBe(-8_000n);
  });

  test('a refund is kept once, whichever event tells of it and however often, with the deal that the shop named', async () => {
    const { world, control } = await stripeWorld({ dealField: 'hubspot_deal_id' });
    await world.order('rwd_1');
    await world.run();
    const paid = { charge: 'ch_1', currency: 'usd', customer: 'cus_1', metadata: { hubspot_deal_id: '77' } };
    const first = await control.refund({ ...paid, amount: 1_250 });
    await control.refund({ ...paid, amount: 500 });
    await control.repeatNews();
    for (const request of world.received) await world.payoutNews.receive('stripe', 'acc_a', request);
    const listed = async () => (await world.store.refunds.list('acc_a', { limit: 9, cursor: null })).items;
    const deal = { connectionId: 'con_a', object: 'deal', id: '77' };
    expect((await listed()).map(({ id, money, deal: of }) => [id === first, money.minor, of])).toEqual(
      expect.arrayContaining([
        [true, 1_250n, deal],
        [false, 500n, deal],
      ]),
    );
    expect(await listed()).toHaveLength(2);
    expect(await world.store.payoutRecords.waitingNews('acc_a', 'stripe', null, 9)).toEqual([]);
    // Its deal is looked at again, and nothing else happens by itself.
    expect(await world.store.work.counts(world.time.now())).toMatchObject({ due: 1 });
    expect((await world.reward('rwd_1')).state).toBe('issued');
    await control.failRefund(first);
    const failed = world.received.at(-1);
    if (!failed) throw new Error('no news');
    await world.payoutNews.receive('stripe', 'acc_a', failed);
    expect((await listed()).map(({ id, isUndone }) => [id === first, isUndone])).toEqual(
      expect.arrayContaining([
        [true, true],
        [false, false],
      ]),
    );
  });

  test('a refund whose deal nobody names is kept, and asks for nothing', async () => {
    const { world, control } = await stripeWorld();
    await control.refund({
      charge: 'ch_1',
      amount: 1_250,
      currency: 'usd',
      customer: 'cus_1',
      metadata: { deal: '77' },
    });
    for (const request of world.received) await world.payoutNews.receive('stripe', 'acc_a', request);
    const { items } = await world.store.refunds.list('acc_a', { limit: 9, cursor: null });
    expect(items).toMatchObject([{ deal: null, money: { minor: 1_250n, currency: 'USD' } }]);
    expect(await world.store.work.counts(world.time.now())).toMatchObject({ due: 0 });
  });

  test('the codes of the shop itself are none of our business', async () => {
    const { world, url } = await stripeWorld();
    const headers = { authorization: 'Bearer sk_test_1', 'stripe-version': '2026-10-28.endive' };
    const form = (path: string, body: string, key: string) =>
      fetch(new URL(path, url), { method: 'POST', headers: { ...headers, 'idempotency-key': key }, body });
    await form('/v1/coupons', 'id=SUMMER&amount_off=500&currency=usd&duration=once', 'a');
    await form('/v1/promotion_codes', 'promotion[type]=coupon&promotion[coupon]=SUMMER&code=SUMMER', 'b');
    await fetch(new URL('/sandbox/redeem', url), { method: 'POST', body: '{"code":"SUMMER"}' });
    await expect.poll(() => world.received.length).toBe(1);
    const [request] = world.received;
    if (!request) throw new Error('no news');
    expect(await world.payoutNews.receive('stripe', 'acc_a', request)).toEqual({ accepted: 0, duplicates: 0 });
  });

  test('credit goes to the one customer with the address, and to nobody when there are several or none', async () => {
    const { world, control } = await stripeWorld({ way: 'customer_balance' });
    await world.order('rwd_1');
    await world.run();
    expect((await world.reward('rwd_1')).reason.values.why).toBe('no Stripe customer has this e-mail address');
    control.addCustomer('mem_1@example.com');
    control.addCustomer('mem_1@example.com');
    await world.order('rwd_2');
    await world.run();
    expect((await world.reward('rwd_2')).reason.values.why).toBe('several Stripe customers have this e-mail address');
    expect(control.balanceTransactions).toEqual([]);
  });

  test('news that is older than five minutes is not taken, though it is signed', async () => {
    const { world, control } = await stripeWorld();
    await world.order('rwd_1');
    await world.run();
    await control.switchOff(control.promotionCodes[0]?.code ?? '');
    const [request] = world.received;
    if (!request) throw new Error('no news');
    world.time.advance(301_000);
    await expect(world.payoutNews.receive('stripe', 'acc_a', request)).rejects.toMatchObject({
      code: 'payout_news_unsigned',
    });
  });

  test.each([
    [1_234n, 'USD', 1_234],
    [500n, 'JPY', 500],
    [500n, 'ISK', 50_000],
    [7n, 'UGX', 700],
    [12_300n, 'MGA', 123],
    [1_230n, 'KWD', 1_230],
  ])('%i minor units of %s are %i at Stripe, and the same again back', (minor, currency, amount) => {
    expect(toStripe({ minor, currency })).toBe(amount);
    expect(fromStripe(amount, currency.toLowerCase())).toEqual({ minor, currency });
  });

  test('every amount within a declared range is a whole number there', () => {
    for (const { currency, minMinor, maxMinor, stepMinor } of STRIPE_AMOUNTS)
      for (const minor of [minMinor, minMinor + stepMinor, maxMinor ?? minMinor]) {
        expect(Number.isSafeInteger(toStripe({ minor, currency }))).toBe(true);
        expect(fromStripe(toStripe({ minor, currency }), currency)).toEqual({ minor, currency });
      }
  });
});

describe.each([
  ['tremendous', tremendous, { apiKey: 'SECRET-KEY', campaignId: 'C' }],
  ['stripe', stripe, { secretKey: 'sk_live_SECRET-KEY' }],
  ['paypal', paypal, { clientId: 'c', clientSecret: 'SECRET-KEY' }],
] as const)('a call to %s', (name, fromSettings, values) => {
  const settings: PayoutSettings = {
    ...base,
    allowPrivateDestinations: false,
    now: Date.now,
    randomBytes: (length) => new Uint8Array(length),
    seal: { seal: (text) => text, open: (text) => text },
    coupons: {} as PayoutSettings['coupons'],
    batches: {} as PayoutSettings['batches'],
  };
  const order = {
    key: 'pay_1',
    accountId: 'acc_a',
    rewardId: 'rwd_1',
    referralId: 'ref_1',
    beneficiary: { party: 'member' as const, id: 'mem_1', name: 'Grace Hopper', email: 'grace@example.com' },
    money: { minor: 4_000n, currency: 'USD' },
    reason: 'Won.',
  };
  const faultAt = async (url: string, allowPrivateDestinations = false): Promise<Fault> => {
    const localProviders = { [name]: new URL(url) };
    const session = await fromSettings({ ...settings, allowPrivateDestinations, localProviders }).open({
      accountId: 'acc_a',
      values,
    });
    const thrown = await session.issue(order, { choose: (find) => find() }).then(
      () => null,
      (fault: unknown) => fault,
    );
    if (!(thrown instanceof Fault)) throw new Error(`no fault but ${String(thrown)}`);
    return thrown;
  };

  test.each(['https://127.0.0.1:9/api/v2', 'https://localhost:9/api/v2', 'https://169.254.169.254/api/v2'])(
    'never goes to a private address, whatever its name leads to: %s',
    async (url) => {
      expect(await faultAt(url)).toMatchObject({ code: 'destination_refused', retry: { kind: 'never' } });
    },
  );

  test('is never made in the clear outside the sandbox', async () => {
    const localProviders = { [name]: new URL('http://vendor.example/api/v2') };
    const opening = Promise.resolve().then(() =>
      fromSettings({ ...settings, localProviders }).open({ accountId: 'acc_a', values }),
    );
    await expect(opening).rejects.toThrow(RangeError);
  });

  test('that fails tells neither the key nor whom it was for', async () => {
    const fault = await faultAt('http://127.0.0.1:9/api/v2', true);
    expect(fault).toMatchObject({ code: 'payout_unavailable', retry: { kind: 'retry' } });
    // As the log writes it, with everything that hangs on the error.
    let written = '';
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    });
    createLog({ level: 'debug', destination }).warn({ err: fault }, 'payout put back');
    expect(written).toContain('did not answer: ECONNREFUSED');
    const basic = Buffer.from('c:SECRET-KEY').toString('base64');
    for (const secret of ['SECRET-KEY', basic, 'grace', 'Grace'])
      expect([secret, `${written} ${fault.publicText}`.includes(secret)]).toEqual([secret, false]);
    expect(fault.cause).toBeUndefined();
  });
});
