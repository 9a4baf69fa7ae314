import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { CrmSession } from '../../src/application/ports/crm.ts';
import { createConnector } from '../../src/crm/hubspot/connector.ts';
import { Fault } from '../../src/domain/errors.ts';
import { createSession } from '../../src/payout/webhook/provider.ts';
import { systemClock } from '../../src/platform/clock.ts';

/** OWASP API10:2023, unsafe consumption: a CRM or a provider that answers with harm. */

let servers: Server[] = [];
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers = [];
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function sessionOn(answer: RequestListener): Promise<CrmSession> {
  return createConnector({
    apiUrl: await serve(answer),
    authorizeUrl: 'https://app.hubspot.test/oauth/authorize',
    clientId: 'client-1',
    clientSecrets: ['a-client-secret'],
    appId: 1,
    clock: systemClock.now,
    random: () => 0.5,
    // The pauses between attempts are not what this is about.
    sleep: async () => {},
  }).open({
    connectionId: 'con_1',
    externalId: '1',
    homeCurrency: 'EUR',
    scopes: [],
    accessToken: async () => 'an-access-token',
  });
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    () => new Error('no fault'),
    (error: unknown) => error,
  );
  if (thrown instanceof Fault) return thrown;
  throw thrown;
}

const ACCOUNT = { portalId: 1, timeZone: 'UTC', companyCurrency: 'EUR', uiDomain: 'app.hubspot.com' };

const json: Record<string, string> = { 'content-type': 'application/json' };

/** Sends a megabyte after the other for as long as anybody takes it; says how much that was. */
function flood(headers: Record<string, string>, piece: Buffer): { listener: RequestListener; sent: () => number } {
  let sent = 0;
  return {
    sent: () => sent,
    listener: (_request, response) => {
      response.writeHead(200, headers);
      const push = () => {
        while (!response.destroyed && sent < 3_000_000_000) {
          sent += piece.length;
          if (!response.write(piece)) break;
        }
      };
      response.on('drain', push);
      response.on('error', () => {});
      push();
    },
  };
}

describe('a CRM that answers', () => {
  test('without end is not read without end: the call is given up with its reason', { timeout: 120_000 }, async () => {
    const { listener, sent } = flood(json, Buffer.alloc(1_048_576, ' '));
    const session = await sessionOn(listener);
    const fault = await faultOf(session.account());
    expect([fault.code, fault.retry.kind]).toEqual(['crm_unreadable_answer', 'retry']);
    // Several attempts, each up to the limit and what lies in the sockets' buffers.
    expect(sent()).toBeLessThan(500_000_000);
  });

  test('with a small body that becomes a large one is given up all the same', { timeout: 120_000 }, async () => {
    const bomb = gzipSync(JSON.stringify(ACCOUNT).padEnd(40_000_000), { level: 1 });
    const session = await sessionOn((_request, response) => {
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb);
    });
    expect((await faultOf(session.account())).code).toBe('crm_unreadable_answer');
  });

  test.each<[string, string]>([
    ['a page', '<html><script>alert(1)</script></html>'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number past every limit', '1e999'],
    ['other types', '{"portalId":{"toString":1},"timeZone":[],"companyCurrency":1,"uiDomain":{}}'],
    ['nothing but nesting', '['.repeat(100_000)],
    ['a prototype', '{"__proto__":{"portalId":1,"timeZone":"UTC","companyCurrency":"EUR"}}'],
  ])('with %s is a fault that names the reason, and nothing of the answer is shown', async (_, body) => {
    const session = await sessionOn((_request, response) => void response.writeHead(200, json).end(body));
    const fault = await faultOf(session.account());
    expect(fault.code).toBe('crm_unreadable_answer');
    expect(fault.publicText).not.toMatch(/script|__proto__|toString/);
    expect(({} as Record<string, unknown>).portalId).toBeUndefined();
  });

  test('with contacts and deals of other types reads none of them', async () => {
    for (const body of [
      '{"status":"COMPLETE","results":{"length":1}}',
      '{"status":"COMPLETE","results":[{"id":{},"properties":{}}]}',
      '{"status":"COMPLETE","results":[{"id":"1","properties":"x"}]}',
      '{"status":"COMPLETE","results":"none"}',
    ]) {
      const session = await sessionOn((_request, response) => void response.writeHead(200, json).end(body));
      expect([body, (await faultOf(session.readContacts(['1']))).code]).toEqual([body, 'crm_unreadable_answer']);
    }
  });

  test('with a redirect is not believed, and does not get our token sent elsewhere', async () => {
    const seen: string[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.headers.authorization ?? 'no token');
      response.writeHead(200, json).end(JSON.stringify(ACCOUNT));
    });
    const redirecting = await sessionOn(
      (_request, response) => void response.writeHead(307, { location: `${elsewhere}/x` }).end(),
    );
    expect((await faultOf(redirecting.account())).code).toBe('crm_unreadable_answer');
    expect(seen).toEqual(seen.map(() => 'no token'));
    const straight = await sessionOn(
      (_request, response) => void response.writeHead(200, json).end(JSON.stringify(ACCOUNT)),
    );
    expect(await straight.account()).toMatchObject({ externalId: '1' });
  });
});

describe('a reward provider that answers', () => {
  const ORDER = {
    key: 'pay_1',
    accountId: 'acc_1',
    rewardId: 'rwd_1',
    referralId: 'ref_1',
    beneficiary: { party: 'member', id: 'mem_1', name: null, email: null },
    money: { minor: 1n, currency: 'EUR' },
    reason: 'x',
  } as const;
  const providerOn = async (listener: RequestListener) =>
    createSession({
      url: new URL(await serve(listener)),
      secret: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
      allowPrivate: true,
      clock: systemClock,
      timeoutMs: 20_000,
    });

  test('without end is read to sixty-four kilobytes and no further', { timeout: 60_000 }, async () => {
    const { listener, sent } = flood(json, Buffer.alloc(65_536, 'x'));
    const provider = await providerOn(listener);
    expect(await provider.issue(ORDER)).toEqual({ ok: true, reference: null, voucher: null });
    expect(sent()).toBeLessThan(20_000_000);
  });

  test.each<[string, string, string]>([
    ['commands to a terminal', '{"detail":"\\u001b[2J\\u009b31mgone"}', '[2J 31mgone'],
    ['a line of its own for the log', '{"detail":"no\\r\\n{\\"level\\":\\"info\\"}"}', 'no {"level":"info"}'],
    ['text that is turned round', '{"detail":"\\u202egnp.exe"}', 'gnp.exe'],
    ['an object as the reason', '{"detail":{"toString":1}}', 'answered 400'],
    ['a reason it only inherits', '{"__proto__":{"detail":"x"}}', 'answered 400'],
  ])('with %s is refused with a reason that is plain text', async (_, body, why) => {
    const provider = await providerOn((_request, response) => void response.writeHead(400, json).end(body));
    expect(await provider.issue(ORDER)).toEqual({ ok: false, why });
  });
});
