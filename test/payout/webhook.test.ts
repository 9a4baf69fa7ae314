import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, LookupFunction, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import type { PayoutOrder } from '../../src/application/ports/payout.ts';
import { Fault } from '../../src/domain/errors.ts';
import { CURRENCIES, decimalOf, parseAmount } from '../../src/domain/money.ts';
import { createSession, type WebhookSessionDeps } from '../../src/payout/webhook/provider.ts';
import { systemClock } from '../../src/platform/clock.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

const ORDER: PayoutOrder = {
  key: 'pay_01hzx',
  accountId: 'acc_1',
  rewardId: 'rwd_1',
  referralId: 'ref_1',
  beneficiary: { party: 'member', id: 'mem_1', name: 'Grace Hopper', email: 'grace@example.com' },
  money: { minor: 15_000n, currency: 'EUR' },
  reason: 'The deal "Analytical engine" reached Closed Won and every condition is met.',
};

interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = undefined;
});

/** A receiver on this machine, and a provider that may call it. */
async function receiver(answer: RequestListener, deps: Partial<WebhookSessionDeps> = {}) {
  const received: Received[] = [];
  server = createServer(async (request, response) => {
    received.push({ request, body: await text(request).catch(() => '') });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/issue?tenant=1`);
  const provider = createSession({ url, secret: SECRET, allowPrivate: true, clock: systemClock, ...deps });
  return { provider, received, url };
}

const answering = (status: number, body = '', headers: Record<string, string> = {}): RequestListener => {
  return (_request, response) => void response.writeHead(status, headers).end(body);
};

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    (result) => new Error(`no fault but ${JSON.stringify(result)}`),
    (fault: unknown) => fault,
  );
  if (thrown instanceof Fault) return thrown;
  throw thrown;
}

describe('an order', () => {
  test('is signed so that the Standard Webhooks library accepts it, and says who gets how much and why', async () => {
    const { provider, received } = await receiver(answering(200));
    expect(await provider.issue(ORDER)).toEqual({ ok: true, reference: null, voucher: null });
    const [{ request, body }] = received as [Received];
    const headers = request.headers as Record<string, string>;
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      type: 'reward.issue',
      data: {
        key: 'pay_01hzx',
        accountId: 'acc_1',
        rewardId: 'rwd_1',
        referralId: 'ref_1',
        beneficiary: { party: 'member', id: 'mem_1', name: 'Grace Hopper', email: 'grace@example.com' },
        amount: '150.00',
        currency: 'EUR',
        reason: ORDER.reason,
      },
    });
    expect(request.method).toBe('POST');
    expect(request.url).toBe('/issue?tenant=1');
    expect(headers).toMatchObject({
      'webhook-id': 'pay_01hzx',
      'idempotency-key': 'pay_01hzx',
      'content-type': 'application/json',
    });
    expect(() => new Webhook(SECRET).verify(body.replace('150.00', '950.00'), headers)).toThrow();
  });

  test('is byte for byte the same at every attempt, so that a receiver may compare', async () => {
    let now = 1_795_305_600_000;
    const { provider, received } = await receiver(answering(200), { clock: { now: () => (now += 3_600_000) } });
    await provider.issue(ORDER);
    await provider.issue(ORDER);
    const [first, second] = received as [Received, Received];
    expect(second.body).toBe(first.body);
    expect(second.request.headers['webhook-id']).toBe(first.request.headers['webhook-id']);
    expect(second.request.headers['webhook-timestamp']).not.toBe(first.request.headers['webhook-timestamp']);
  });

  test('carries any amount of any currency exactly', async () => {
    const { provider, received } = await receiver(answering(200));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CURRENCIES), fc.bigInt(1n, 10n ** 15n), async (currency, minor) => {
        await provider.issue({ ...ORDER, money: { minor, currency } });
        const { data } = JSON.parse(received.at(-1)?.body ?? '') as { data: { amount: string; currency: string } };
        expect(data.amount).toBe(decimalOf({ minor, currency }));
        expect(parseAmount(data.amount, data.currency)).toEqual({ ok: true, money: { minor, currency } });
      }),
      { numRuns: 50 },
    );
  });
});

describe('an answer', () => {
  test.each([200, 201, 202, 204])('of %i is done', async (status) => {
    const { provider } = await receiver(answering(status));
    expect(await provider.issue(ORDER)).toEqual({ ok: true, reference: null, voucher: null });
  });

  test.each([
    [400, '{"detail":"No budget left."}', 'No budget left.'],
    [422, '{"title":"x","message":"Unknown\\u0000  person\\n<b>"}', 'Unknown person <b>'],
    [403, '<html>secret stack</html>', 'answered 403'],
    [404, '', 'answered 404'],
    [410, '[]', 'answered 410'],
    [400, `{"error":"${'a'.repeat(500)}"}`, 'a'.repeat(200)],
  ])('of %i is a refusal for good, with a reason that a person can read', async (status, body, why) => {
    const { provider } = await receiver(answering(status, body));
    expect(await provider.issue(ORDER)).toEqual({ ok: false, why });
  });

  test.each([408, 409, 425, 429, 500, 502, 503, 599])('of %i is no answer: the order comes again', async (status) => {
    const { provider } = await receiver(answering(status));
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({
      code: 'payout_unavailable',
      retry: { kind: 'retry' },
    });
  });

  test.each<[string, number | undefined]>([
    ['30', 30_000],
    ['Sun, 22 Nov 2026 00:02:00 GMT', 120_000],
    ['999999', 3_600_000],
    ['-5', undefined],
    ['soon', undefined],
    ['Sat, 21 Nov 2026 00:00:00 GMT', undefined],
  ])('that says Retry-After: %s is asked again no sooner', async (retryAfter, afterMs) => {
    const { provider } = await receiver(answering(429, '', { 'retry-after': retryAfter }), {
      clock: { now: () => Date.UTC(2026, 10, 22) },
    });
    const { retry } = await faultOf(provider.issue(ORDER));
    expect(retry).toEqual({ kind: 'retry', ...(afterMs === undefined ? {} : { afterMs }) });
  });

  test.each([301, 302, 303, 307, 308])('of %i is not followed', async (status) => {
    const { provider, received, url } = await receiver(answering(status, '', { location: '/elsewhere' }));
    expect(url.pathname).toBe('/issue');
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({
      code: 'destination_refused',
      retry: { kind: 'never' },
    });
    expect(received).toHaveLength(1);
  });

  test('without an end is not read to the end', async () => {
    const { provider } = await receiver((_request, response) => {
      response.writeHead(400);
      const timer = setInterval(() => response.write('a'.repeat(65_536)), 1);
      response.once('close', () => clearInterval(timer));
    });
    expect(await provider.issue(ORDER)).toEqual({ ok: false, why: 'answered 400' });
  });
});

describe('no answer', () => {
  const broken: [string, RequestListener][] = [
    ['a connection that is reset', (request) => void (request.socket as Socket).resetAndDestroy()],
    [
      'an answer that breaks off',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half');
        setTimeout(() => request.socket.destroy(), 20);
      },
    ],
    ['what is no HTTP', (request) => void request.socket.end('nonsense\r\n\r\n')],
    ['silence', () => {}],
    [
      'an answer that drips',
      (_request, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write('a'), 20);
        response.once('close', () => clearInterval(timer));
      },
    ],
  ];
  test.each(broken)('is never success and never refusal: %s', async (_, listener) => {
    const { provider } = await receiver(listener, { timeoutMs: 300 });
    const began = performance.now();
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({
      code: 'payout_unavailable',
      retry: { kind: 'retry' },
    });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('since nobody listens, the order comes again', async () => {
    const { provider } = await receiver(answering(200));
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({ code: 'payout_unavailable' });
  });
});

describe('a private address', () => {
  const refusing = (url: string, lookup?: LookupFunction) =>
    createSession({
      url: new URL(url),
      secret: SECRET,
      allowPrivate: false,
      clock: systemClock,
      timeoutMs: 500,
      ...(lookup ? { lookup } : {}),
    });

  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::7f00:1]/',
  ])('is never called: %s', async (url) => {
    expect(await faultOf(refusing(url).issue(ORDER))).toMatchObject({
      code: 'destination_refused',
      retry: { kind: 'never' },
    });
  });

  test('is not called by a name that leads there', async () => {
    expect(await faultOf(refusing('https://localhost/').issue(ORDER))).toMatchObject({ code: 'destination_refused' });
  });

  test.each([
    ['a name of yours in the public DNS', [{ address: '10.1.2.3', family: 4 }]],
    [
      'a name that has a public address too',
      [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ],
    ['a name with the metadata service’s address, written as IPv6', [{ address: '::ffff:169.254.169.254', family: 6 }]],
  ])('is not called by %s', async (_, addresses) => {
    const provider = refusing('https://rewards.example.com/', (_name, options, done) => {
      if (options.all) done(null, addresses);
      else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({ code: 'destination_refused' });
  });

  test('is not called by a name that changes between two orders', async () => {
    const answers = ['203.0.113.1', '127.0.0.1'];
    const provider = refusing('https://rewards.example.com/', (_name, options, done) => {
      const address = answers.shift() ?? '';
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    });
    // TEST-NET-3 is refused as well, being nobody's: what matters is that the second order was looked up anew.
    await faultOf(provider.issue(ORDER));
    expect(await faultOf(provider.issue(ORDER))).toMatchObject({ code: 'destination_refused' });
    expect(answers).toEqual([]);
  });

  test('is refused before a byte is sent, also where somebody listens', async () => {
    const { received, url } = await receiver(answering(200));
    const target = url.href.replace('http:', 'https:');
    expect(await faultOf(refusing(target).issue(ORDER))).toMatchObject({ code: 'destination_refused' });
    expect(received).toEqual([]);
  });

  test('and plain http are not taken at all outside the sandbox', () => {
    expect(() => refusing('http://rewards.example.com/')).toThrow(RangeError);
  });
});
