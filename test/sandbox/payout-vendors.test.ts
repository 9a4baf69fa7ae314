import { afterEach, describe, expect, test } from 'vitest';
import { startPayPal } from '../../src/sandbox/paypal/server.ts';
import { startStripe } from '../../src/sandbox/stripe/server.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';

/** The local providers are stricter than the vendors, or our own mistakes would only be found there. */

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

async function tremendous(options = {}) {
  const server = await startTremendous({ apiKey: 'k', webhookKey: 'w', ...options });
  stop = server.stop;
  const post = (body: unknown, key = 'k') =>
    fetch(`${server.url}/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { ...server, post };
}

const ORDER = {
  external_id: 'pay_1',
  payment: { funding_source_id: 'balance' },
  reward: {
    campaign_id: 'CAMPAIGN1',
    value: { denomination: 5, currency_code: 'USD' },
    recipient: { name: 'Grace' },
    delivery: { method: 'LINK' },
  },
};

describe('the local Tremendous', () => {
  test('answers a new order with 200, the same again with 201 and the same order, and another under its id with 409', async () => {
    const { post, control } = await tremendous();
    const [first, again] = [await post(ORDER), await post(ORDER)];
    expect([first.status, again.status]).toEqual([200, 201]);
    expect(await again.json()).toEqual(await first.json());
    const other = { ...ORDER, reward: { ...ORDER.reward, recipient: { name: 'Ada' } } };
    expect((await post(other)).status).toBe(409);
    expect(control.orders).toHaveLength(1);
  });

  test.each<[string, unknown, string]>([
    ['an unknown field', { ...ORDER, note: 'x' }, 'note'],
    ['a deep unknown field', { ...ORDER, reward: { ...ORDER.reward, amount: 5 } }, 'reward'],
    ['neither campaign nor products', { ...ORDER, reward: { ...ORDER.reward, campaign_id: null } }, 'reward'],
    ['no amount', { ...ORDER, reward: { ...ORDER.reward, value: { currency_code: 'USD' } } }, 'reward'],
    ['a strange funding source', { ...ORDER, payment: { funding_source_id: 'x' } }, 'payment'],
  ])('refuses %s, and says where', async (_, body, field) => {
    const { post } = await tremendous();
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: { payload: { [field]: expect.anything() } } });
  });

  test('lets nobody in without the key, and nobody too often', async () => {
    const { post } = await tremendous({ callsPerSecond: 2, now: () => 1_000 });
    expect((await post(ORDER, 'other')).status).toBe(401);
    expect([(await post(ORDER)).status, (await post(ORDER)).status, (await post(ORDER)).status]).toEqual([
      200, 201, 429,
    ]);
  });

  test('does what it is told over its control API, and stands on this machine only', async () => {
    const { post, url, control } = await tremendous();
    const told = (path: string, body: object) =>
      fetch(new URL(path, url), { method: 'POST', body: JSON.stringify(body) });
    expect((await told('/sandbox/faults', { kind: 'down', times: 1 })).status).toBe(204);
    expect((await post(ORDER)).status).toBe(503);
    expect((await post(ORDER)).status).toBe(200);
    expect((await told('/sandbox/cancel', { id: control.orders[0]?.rewardId })).status).toBe(200);
    expect(control.orders[0]?.status).toBe('CANCELED');
    expect((await told('/sandbox/nothing', {})).status).toBe(404);
    await expect(startTremendous({ apiKey: 'k', webhookKey: 'w', host: '0.0.0.0' })).rejects.toThrow(RangeError);
  });
});

describe('the local Stripe', () => {
  async function stripe(options = {}) {
    const server = await startStripe({ secretKey: 'sk', webhookSecret: 'whsec', ...options });
    stop = server.stop;
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      fetch(new URL(path, server.url), {
        method: 'POST',
        headers: {
          authorization: 'Bearer sk',
          'stripe-version': '2026-10-28.endive',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        body,
      });
    return { ...server, post };
  }
  const COUPON = 'id=c1&amount_off=500&currency=usd&duration=once&max_redemptions=1';

  test('gives the same answer to the same key, refuses another body under it, and forgets it after a day', async () => {
    let now = 1_000_000;
    const { post, control } = await stripe({ now: () => now });
    const headers = { 'idempotency-key': 'a' };
    const first = await (await post('/v1/coupons', COUPON, headers)).json();
    expect(await (await post('/v1/coupons', COUPON, headers)).json()).toEqual(first);
    const other = await post('/v1/coupons', COUPON.replace('500', '600'), headers);
    expect([other.status, await other.json()]).toMatchObject([400, { error: { type: 'idempotency_error' } }]);
    now += 86_400_001;
    const later = await post('/v1/coupons', COUPON, headers);
    expect(await later.json()).toMatchObject({ error: { code: 'resource_already_exists' } });
    expect(control.coupons).toHaveLength(1);
  });

  test.each([
    ['without a version', COUPON, { 'idempotency-key': 'a', 'stripe-version': '' }],
    ['without an Idempotency-Key', COUPON, {}],
    ['with an unknown parameter', `${COUPON}&percent=5`, { 'idempotency-key': 'a' }],
    ['with an amount that is no integer', COUPON.replace('500', '5.00'), { 'idempotency-key': 'a' }],
    ['with a currency in capitals', COUPON.replace('usd', 'USD'), { 'idempotency-key': 'a' }],
  ])('refuses a coupon %s', async (_, body, headers) => {
    const { post, control } = await stripe();
    expect((await post('/v1/coupons', body, headers as Record<string, string>)).status).toBe(400);
    expect(control.coupons).toEqual([]);
  });
});

describe('the local PayPal', () => {
  async function paypal() {
    const server = await startPayPal({ clientId: 'c', clientSecret: 's', webhookId: 'W' });
    stop = server.stop;
    const ask = (path: string, init: RequestInit) => fetch(new URL(path, server.url), init);
    const basic = `Basic ${Buffer.from('c:s').toString('base64')}`;
    const answer = await ask('/v1/oauth2/token', {
      method: 'POST',
      headers: { authorization: basic },
      body: 'grant_type=client_credentials',
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const place = (body: unknown, requestId = 'r1', bearer = token) =>
      ask('/v1/payments/payouts', {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'paypal-request-id': requestId },
        body: JSON.stringify(body),
      });
    return { ...server, place };
  }
  const batch = (value: string, currency = 'USD', more = {}) => ({
    sender_batch_header: { sender_batch_id: 'b1' },
    items: [
      {
        recipient_type: 'EMAIL',
        receiver: 'a@example.com',
        sender_item_id: 'i1',
        amount: { value, currency },
        ...more,
      },
    ],
  });

  test('answers a request id with what it answered first, and a batch id that was used with a link to its batch', async () => {
    const { place, control } = await paypal();
    const first = (await (await place(batch('5.00'))).json()) as { batch_header: { payout_batch_id: string } };
    expect(await (await place(batch('5.00'))).json()).toEqual(first);
    expect((await place(batch('6.00'))).status).toBe(422);
    const used = await place(batch('6.00'), 'r2');
    expect(used.status).toBe(400);
    expect(JSON.stringify(await used.json())).toContain(`/v1/payments/payouts/${first.batch_header.payout_batch_id}`);
    expect(control.items).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['an unknown field', batch('5.00', 'USD', { memo: 'x' })],
    ['decimals of a currency without them', batch('5.00', 'HUF')],
    ['more than is allowed', batch('20000.01')],
    ['a currency that it does not pay', batch('5.00', 'ZAR')],
    ['nothing', batch('0')],
  ])('refuses %s', async (_, body) => {
    const { place, control } = await paypal();
    const answer = await place(body);
    expect([answer.status, await answer.json()]).toMatchObject([400, { name: 'VALIDATION_ERROR', details: [{}] }]);
    expect(control.items).toEqual([]);
  });

  test('lets nobody in with a token that it did not give', async () => {
    const { place } = await paypal();
    expect((await place(batch('5.00'), 'r1', 'A21.guessed')).status).toBe(401);
  });
});
