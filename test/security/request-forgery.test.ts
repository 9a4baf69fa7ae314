import { createServer, request, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { RequestFilteringHttpAgent } from 'request-filtering-agent';
import { afterEach, describe, expect, test } from 'vitest';
import type { PayoutOrder } from '../../src/application/ports/payout.ts';
import { readConfig } from '../../src/config.ts';
import { createSendWebhook } from '../../src/notify/webhook/send.ts';
import { createSession } from '../../src/payout/webhook/provider.ts';
import { systemClock } from '../../src/platform/clock.ts';

/** OWASP API7:2023, server-side request forgery. The plain cases stand in test/payout/webhook.test.ts; these are the disguises. */

const ORDER: PayoutOrder = {
  key: 'pay_1',
  accountId: 'acc_1',
  rewardId: 'rwd_1',
  referralId: 'ref_1',
  beneficiary: { party: 'member', id: 'mem_1', name: null, email: null },
  money: { minor: 1n, currency: 'EUR' },
  reason: 'x',
};
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = undefined;
});

/** Answers with one address after the other, and counts the questions. */
function resolver(...addresses: string[]): LookupFunction & { readonly asked: () => number } {
  let asked = 0;
  const lookup: LookupFunction = (_name, options, done) => {
    const address = addresses[Math.min(asked, addresses.length - 1)] ?? '';
    asked += 1;
    const family = address.includes(':') ? 6 : 4;
    if (options.all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  return Object.assign(lookup, { asked: () => asked });
}

async function codeOf(url: string, lookup?: LookupFunction): Promise<unknown> {
  const provider = createSession({
    url: new URL(url),
    secret: SECRET,
    allowPrivate: false,
    clock: systemClock,
    timeoutMs: 2_000,
    ...(lookup ? { lookup } : {}),
  });
  return provider.issue(ORDER).then(
    () => 'paid',
    (fault: { code?: string }) => fault.code,
  );
}

/** What an account's own webhook to this address comes to: the sentence that its log shows. */
async function problemOf(url: string, lookup?: LookupFunction): Promise<string | null> {
  const send = createSendWebhook({
    allowPrivate: false,
    clock: systemClock,
    timeoutMs: 2_000,
    ...(lookup ? { lookup } : {}),
  });
  const { problem, status } = await send({ url, secrets: [SECRET], eventId: 'evt_1', body: '{}' });
  expect(status).toBeNull();
  return problem;
}

const REFUSED = 'The address leads to a private or local network, which is not called. Change the URL.';

const DISGUISES = [
  ['octal', 'https://0177.0.0.1/'],
  ['octal in one number', 'https://017700000001/'],
  ['hexadecimal in one number', 'https://0x7f000001/'],
  ['mixed', 'https://0x7f.1/'],
  ['a dot behind it', 'https://127.0.0.1./'],
  ['full-width digits', 'https://１２７.0.0.1/'],
  ['a public name as user', 'https://rewards.example.com@127.0.0.1/'],
  ['the metadata service as one number', 'https://2852039166/'],
  ['Alibaba’s metadata service', 'https://100.100.100.200/'],
  ['Azure’s and AWS’s in IPv6', 'https://[fd00:ec2::254]/'],
  ['IPv4 in IPv6, written out', 'https://[0:0:0:0:0:ffff:7f00:1]/'],
  ['IPv4-compatible IPv6', 'https://[::127.0.0.1]/'],
  ['IPv4-compatible IPv6 in groups', 'https://[::a9fe:a9fe]/'],
  ['6to4', 'https://[2002:7f00:1::]/'],
  ['Teredo', 'https://[2001:0:7f00:1::]/'],
  ['NAT64', 'https://[64:ff9b::10.0.0.1]/'],
  ['site-local', 'https://[fec0::1]/'],
  ['a zone', 'https://[fe80::1]/'],
  ['multicast', 'https://224.0.0.1/'],
  ['multicast in IPv6', 'https://[ff02::1]/'],
  ['broadcast', 'https://255.255.255.255/'],
  ['reserved', 'https://240.0.0.1/'],
  ['benchmarking', 'https://198.18.0.1/'],
  ['protocol assignments', 'https://192.0.0.1/'],
  ['this network', 'https://0.1.2.3/'],
  ['carrier-grade NAT', 'https://100.127.255.254/'],
] as const;

describe('a webhook on an address in disguise', () => {
  test.each(DISGUISES)('is never called: %s', async (_, url) => {
    expect(await codeOf(url)).toBe('destination_refused');
    expect(await problemOf(url)).toBe(REFUSED);
  });

  test.each([
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    'fd00:ec2::254',
    '2002:7f00:1::',
    '64:ff9b::a9fe:a9fe',
    '::127.0.0.1',
  ])('is never called where a public name leads to %s, and is looked up once for one order', async (address) => {
    const lookup = resolver(address);
    expect(await codeOf('https://rewards.example.com/', lookup)).toBe('destination_refused');
    expect(lookup.asked()).toBe(1);
    expect(await problemOf('https://hooks.example.com/', resolver(address))).toBe(REFUSED);
  });
});

test('the address that was judged is the one that is called: a name that changes its mind in between is not asked again', async () => {
  server = createServer((_request, response) => response.end('here'));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  // The provider's own agent allows no address of this machine, so the one it is made from is asked with this one allowed.
  const agent = new RequestFilteringHttpAgent({ allowIPAddressList: ['127.0.0.1'] });
  const lookup = resolver('127.0.0.1', '127.0.0.2');
  const answered = await new Promise<string | undefined>((resolve, reject) => {
    request({ host: 'rewards.example.com', port, agent, lookup }, (response) => {
      response.resume();
      resolve(response.socket.remoteAddress);
    })
      .once('error', reject)
      .end();
  });
  expect([answered, lookup.asked()]).toEqual(['127.0.0.1', 1]);
  const turned = resolver('127.0.0.2');
  const refusal = await new Promise<Error>((resolve) => {
    request({ host: 'rewards.example.com', port, agent, lookup: turned }).once('error', resolve).end();
  });
  expect(refusal.message).toMatch(/is not allowed/);
});

describe('what an operator configures', () => {
  const base = { ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}` };

  test.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_FLUSHALL',
    'ftp://rewards.example.com/',
    'data:text/plain,x',
    'javascript:alert(1)',
    'https://user:password@rewards.example.com/',
    'http://rewards.example.com/',
    'rewards.example.com',
    '//rewards.example.com/',
  ])('as the reward webhook is refused unless it is https and holds no password: %s', (url) => {
    const read = readConfig({ ...base, REWARD_WEBHOOK_SECRET: SECRET, REWARD_WEBHOOK_URL: url });
    expect(read.ok ? [] : read.problems.map(({ variable }) => variable)).toEqual(['REWARD_WEBHOOK_URL']);
  });

  test.each(['HUBSPOT_API_URL', 'HUBSPOT_AUTHORIZE_URL', 'PUBLIC_URL'])(
    'as %s is a web address and no other',
    (variable) => {
      for (const url of [
        'file:///etc/passwd',
        'gopher://127.0.0.1/',
        'https://user:password@api.example.com',
        'data:,x',
      ]) {
        const read = readConfig({ ...base, [variable]: url });
        expect([url, read.ok ? [] : read.problems.map((problem) => problem.variable)]).toEqual([url, [variable]]);
      }
    },
  );
});
