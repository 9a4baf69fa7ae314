import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csvOf } from '../../src/application/csv.ts';
import type { PayoutProvider, PayoutSession, PayoutSettings } from '../../src/application/ports/payout.ts';
import { fromSettings as createPaypal } from '../../src/payout/paypal/provider.ts';
import { fromSettings as createStripe } from '../../src/payout/stripe/provider.ts';
import { fromSettings as createTremendous } from '../../src/payout/tremendous/provider.ts';
import { awkwardJson, awkwardText, textOf } from './json-text.ts';
import { near } from './near.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';

const TIMEOUT = { timeout: FUZZ_TIMEOUT_MS };
const NOW = Date.UTC(2026, 2, 2);
const SECRET = 'whsec_of_the_test';

/** Signs whatever it is asked about: what is tried here is what comes after the signature. */
const vouching = createServer((request, response) => {
  request.resume().on('end', () => {
    const isToken = request.url?.includes('oauth2') ?? false;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        isToken
          ? { access_token: 'token', expires_in: 3_600, token_type: 'Bearer' }
          : { verification_status: 'SUCCESS' },
      ),
    );
  });
});
let base = new URL('http://127.0.0.1');
beforeAll(async () => {
  await new Promise<void>((resolve) => vouching.listen(0, '127.0.0.1', resolve));
  base = new URL(`http://127.0.0.1:${(vouching.address() as AddressInfo).port}`);
});
afterAll(() => new Promise((resolve) => vouching.close(resolve)));

function open(create: (settings: PayoutSettings) => PayoutProvider, values: Record<string, string>) {
  // Neither of the three asks for more of its settings while it reads news.
  const settings = {
    rewardWebhook: null,
    allowPrivateDestinations: true,
    localProviders: { paypal: base, stripe: base, tremendous: base },
    now: () => NOW,
  } as unknown as PayoutSettings;
  return create(settings).open({ accountId: 'acc_a', values } as Parameters<PayoutProvider['open']>[0]);
}

interface Vendor {
  readonly name: string;
  readonly open: () => Promise<PayoutSession>;
  readonly sign: (body: string) => Record<string, string>;
  readonly examples: readonly unknown[];
}

const stripeEvent = (type: string, object: object) => ({
  id: 'evt_1',
  object: 'event',
  created: 1_772_400_000,
  type,
  data: { object },
});
const payoutItem = (event_type: string) => ({
  id: 'WH-1',
  event_type,
  create_time: '2026-03-01T09:00:00Z',
  resource: {
    payout_item_id: 'ITEM-1',
    payout_item: { sender_item_id: 'pay_1' },
    errors: { name: 'RECEIVER_UNREGISTERED' },
  },
});

const VENDORS: readonly Vendor[] = [
  {
    name: 'tremendous',
    open: () => open(createTremendous, { apiKey: 'TEST_x', webhookKey: SECRET }),
    sign: (body) => ({
      'tremendous-webhook-signature': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    }),
    examples: ['REWARDS.CANCELED', 'REWARDS.DELIVERY.FAILED'].map((event) => ({
      event,
      uuid: 'c3e1',
      created_utc: '2026-03-01T09:00:00.000Z',
      payload: { resource: { id: 'RWD1', type: 'rewards' }, meta: { failure_reason: 'bounced' } },
    })),
  },
  {
    name: 'stripe',
    open: () => open(createStripe, { secretKey: 'sk_test_x', way: 'code', webhookSecret: SECRET }),
    sign: (body) => {
      const at = NOW / 1_000;
      return { 'stripe-signature': `t=${at},v1=${createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex')}` };
    },
    examples: [
      stripeEvent('promotion_code.updated', {
        id: 'promo_1',
        metadata: { wonward_key: 'pay_1' },
        active: true,
        times_redeemed: 1,
      }),
      stripeEvent('coupon.deleted', { id: 'c', metadata: { wonward_key: 'pay_1' }, times_redeemed: 0 }),
      // What is told of refunds is asked of Stripe once more, so it is no question of one message: test/payout/vendors.test.ts.
    ],
  },
  {
    name: 'paypal',
    open: () => open(createPaypal, { clientId: 'a', clientSecret: 'b', webhookId: 'WEBHOOK-1' }),
    sign: () => ({
      'paypal-auth-algo': 'SHA256withRSA',
      'paypal-cert-url': 'https://api.paypal.com/cert',
      'paypal-transmission-id': 'id',
      'paypal-transmission-sig': 'sig',
      'paypal-transmission-time': '2026-03-01T09:00:00Z',
    }),
    examples: ['PAYMENT.PAYOUTS-ITEM.RETURNED', 'PAYMENT.PAYOUTS-ITEM.SUCCEEDED'].map(payoutItem),
  },
];

describe.each(VENDORS)('a message of $name', ({ open: openSession, sign, examples }) => {
  const body = fc.oneof(
    ...examples.map((example) => ({ weight: 3, arbitrary: near(example) })),
    { weight: 1, arbitrary: awkwardJson.map(textOf) },
    { weight: 1, arbitrary: awkwardText },
  );
  const read = async (session: PayoutSession, text: string, headers: Record<string, string | string[]>) => {
    if (!session.readNews) throw new Error('reads no news');
    return session.readNews({ method: 'POST', url: '/webhooks/payouts', headers, body: Buffer.from(text) });
  };

  test('that is signed is news of known kinds and plain texts, or is refused as unreadable', TIMEOUT, async () => {
    const session = await openSession();
    let understood = 0;
    for (const example of examples) {
      const text = JSON.stringify(example);
      understood += (await read(session, text, sign(text))).length;
    }
    expect(understood).toBe(examples.length);
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const news = await read(session, text, sign(text)).catch((fault: unknown) => {
          expect(fault).toMatchObject({ code: expect.stringMatching(/^payout_news_(malformed|unsigned)$/) });
          return [];
        });
        for (const { eventId, kind, key, reference, why, at, facts } of news) {
          expect(eventId).toEqual(expect.any(String));
          expect(['paid', 'failed', 'returned', 'unclaimed', 'redeemed', 'cancelled', 'refunded']).toContain(kind);
          for (const one of [key, reference, why]) expect(one === null || typeof one === 'string').toBe(true);
          expect(kind === 'refunded' || key !== null || reference !== null).toBe(true);
          expect(Number.isSafeInteger(at)).toBe(true);
          for (const fact of Object.values(facts ?? {})) expect(fact).toEqual(expect.any(String));
        }
      }),
      { numRuns: runs(400) },
    );
  });

  test('that is not signed as it should be is refused for that', TIMEOUT, async () => {
    const session = await openSession();
    const header = fc.oneof(awkwardText, fc.constant(''), fc.array(awkwardText, { maxLength: 2 }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...examples), header, async (example, value) => {
        const text = JSON.stringify(example);
        const [name = ''] = Object.keys(sign(text)).slice(-1);
        // PayPal's own check is asked about the value of a header; that one is missing it need not be asked.
        const wrong = name.startsWith('paypal') ? '' : value;
        await expect(read(session, text, { ...sign(text), [name]: wrong })).rejects.toMatchObject({
          code: 'payout_news_unsigned',
        });
      }),
      { numRuns: runs(100) },
    );
  });
});

test('a batch for a spreadsheet keeps every field of any text in its place, and calls nobody', TIMEOUT, () => {
  /** As RFC 4180 reads it. */
  function rowsOf(text: string): string[][] {
    return text
      .split('\r\n')
      .slice(0, -1)
      .map((line) =>
        [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map(([, field = '']) => field.replaceAll('""', '"')),
      );
  }
  const field = fc.oneof(
    awkwardText,
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom('=', '+', '-', '@', '|', '%', '\t', '\r', '\n', ' =', '\u00a0+', '＝', '＠', '"', "'"),
        fc.string(),
      )
      .map((parts) => parts.join('')),
    fc.constantFrom("=cmd|' /C calc'!A0", '-12.50', '12.50', '+49 30 1', '=HYPERLINK("https://evil.example")'),
  );
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 3, maxLength: 3 }), { maxLength: 4 }), (rows) => {
      const read = rowsOf(csvOf(['a', 'b', 'c'], rows));
      expect(read).toHaveLength(rows.length + 1);
      for (const [index, row] of rows.entries()) {
        expect(read[index + 1]).toHaveLength(3);
        row.forEach((text, column) => {
          const shown = read[index + 1]?.[column] ?? '';
          expect([text, `'${text}`].map((one) => one.replace(/[\r\n]+/g, ' '))).toContain(shown);
          if (!/^-?[0-9]+(\.[0-9]+)?$/.test(shown)) expect(shown).not.toMatch(/^[\s\uFEFF]*[=+\-@|%＝＋－＠]/u);
        });
      }
    }),
    { numRuns: runs(1_500) },
  );
});
