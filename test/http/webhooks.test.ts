import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DELIVERY_BYTES_MAX } from '../../src/http/webhooks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { deliver, OLD_SECRET, PUBLIC_URL, signed, stageChange, startHttp, type TestService } from './service.ts';

const PORTAL = 247_187_887;
let service: TestService;

beforeEach(async () => {
  service = await startHttp();
  const account = await service.createAccount('Acme');
  await account.connect(String(PORTAL));
});
afterEach(() => service.close());

async function due(): Promise<number> {
  return (await service.store.work.counts(systemClock.now())).due;
}

async function problemIn(response: Response) {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = await response.json();
  expect(body).toMatchObject({ status: response.status, ref: response.headers.get('x-request-id') });
  return body;
}

describe('a signed delivery', () => {
  test('is answered 200 once its hints are kept, and wakes a worker', async () => {
    const response = await deliver(service, [stageChange(PORTAL, 1), stageChange(PORTAL, 2)]);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ accepted: 2, duplicates: 0, ignored: 0, echoes: 0, unknown: 0 });
    expect(await due()).toBe(2);
    await vi.waitFor(() => expect(service.accepted).toHaveBeenCalledOnce());
  });

  test('that comes again is answered 200 and asks for nothing', async () => {
    const events = [stageChange(PORTAL, 1)];
    await deliver(service, events);
    expect(await (await deliver(service, events)).json()).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(await due()).toBe(1);
  });

  test('for a portal that nobody connected is acknowledged and counted', async () => {
    expect(await (await deliver(service, [stageChange(1, 1)])).json()).toMatchObject({ accepted: 0, unknown: 1 });
    expect(await (await fetch(`${service.url}/metrics`)).text()).toContain(
      'wonward_hints_total{provider="hubspot",kind="unknown"} 1',
    );
  });

  test('is verified by the public address, whatever Host and X-Forwarded say', async () => {
    const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    expect((await deliver(service, [stageChange(PORTAL, 1)], forged)).status).toBe(200);
    const body = JSON.stringify([stageChange(PORTAL, 1)]);
    const bySocket = signed('POST', '/webhooks/hubspot', body, { url: service.url });
    expect((await deliver(service, body, bySocket)).status).toBe(401);
  });

  test('is verified over the query too', async () => {
    const body = JSON.stringify([stageChange(PORTAL, 1)]);
    const post = (path: string, signedPath: string) =>
      fetch(`${service.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed('POST', signedPath, body) },
        body,
      });
    expect((await post('/webhooks/hubspot?a=1', '/webhooks/hubspot?a=1')).status).toBe(200);
    expect((await post('/webhooks/hubspot?a=1', '/webhooks/hubspot')).status).toBe(401);
  });

  test('signed with the former secret is accepted while secrets are rotated', async () => {
    const body = JSON.stringify([stageChange(PORTAL, 1)]);
    const headers = signed('POST', '/webhooks/hubspot', body, { secret: OLD_SECRET });
    expect((await deliver(service, body, headers)).status).toBe(200);
  });
});

describe('a delivery that is not signed as it should be', () => {
  const body = JSON.stringify([stageChange(PORTAL, 1)]);
  test.each([
    ['without a signature', () => ({ 'x-hubspot-signature-v3': '' })],
    ['with a garbled signature', () => ({ 'x-hubspot-signature-v3': 'nonsense' })],
    ['with another secret', () => signed('POST', '/webhooks/hubspot', body, { secret: 'guess' })],
    ['for another body', () => signed('POST', '/webhooks/hubspot', `${body} `)],
    ['six minutes ago', () => signed('POST', '/webhooks/hubspot', body, { at: systemClock.now() - 360_000 })],
    ['an hour from now', () => signed('POST', '/webhooks/hubspot', body, { at: systemClock.now() + 3_600_000 })],
    ['for another address', () => signed('POST', '/webhooks/other', body)],
    ['with a timestamp that is none', () => ({ 'x-hubspot-request-timestamp': 'yesterday' })],
  ])('%s is refused with 401 and keeps nothing', async (_, headers) => {
    const response = await deliver(service, body, headers());
    expect(response.status).toBe(401);
    expect(await problemIn(response)).toMatchObject({ code: 'unsigned' });
    expect(await due()).toBe(0);
    expect((await deliver(service, [stageChange(PORTAL, 2)])).status).toBe(200);
  });

  test('many times is told to slow down, while signed ones from the same address go through', async () => {
    const strict = await startHttp({ deps: { limits: { unsigned: { points: 3, perSeconds: 60 } } } });
    const statuses = [];
    for (let tries = 0; tries < 5; tries += 1) {
      statuses.push((await deliver(strict, '[]', { 'x-hubspot-signature-v3': 'nonsense' })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await deliver(strict, [])).status).toBe(200);
    await strict.close();
  });
});

describe('a delivery that cannot be read', () => {
  test.each([
    ['is not JSON', '{"half":', 400, 'malformed_delivery'],
    ['is no list', '{}', 400, 'malformed_delivery'],
    ['holds what is no event', '[1]', 400, 'malformed_delivery'],
    ['is empty', '', 400, 'empty_body'],
  ])('since it %s gets a clear answer', async (_, body, status, code) => {
    const response = await deliver(service, body);
    expect(response.status).toBe(status);
    expect(await problemIn(response)).toMatchObject({ code });
  });

  test('since it is text gets 415', async () => {
    const response = await deliver(service, '[]', { 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
    expect(await problemIn(response)).toMatchObject({ code: 'unsupported_media_type' });
  });

  test('since it is compressed gets 415, so that a small body cannot become a large one', async () => {
    const response = await deliver(service, '[]', { 'content-encoding': 'gzip' });
    expect(response.status).toBe(415);
    expect(await problemIn(response)).toMatchObject({ code: 'unsupported_media_type' });
  });

  test('since it is a byte too large gets 413, and a body of the full size is read', async () => {
    const full = `[${' '.repeat(DELIVERY_BYTES_MAX - 2)}]`;
    expect((await deliver(service, full)).status).toBe(200);
    const response = await deliver(service, `${full} `);
    expect(response.status).toBe(413);
    expect(await problemIn(response)).toMatchObject({ code: 'body_too_large' });
  });

  test('since it never stops is answered at the limit, and cut off when its time is over', async () => {
    const impatient = await startHttp({ timeouts: { requestTimeoutMs: 400, headersTimeoutMs: 400, checkEveryMs: 50 } });
    const socket = connectSocket(impatient.port, '127.0.0.1');
    socket.on('error', () => {});
    const answered = once(socket, 'data');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(
      'POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    const sending = setInterval(() => socket.writable && socket.write(chunk.repeat(4)), 2);
    expect(String(await answered)).toMatch(/^HTTP\/1\.1 413 /);
    await closed;
    clearInterval(sending);
    await impatient.close();
  });

  test('since it breaks off keeps nothing, and the next one works', async () => {
    const body = JSON.stringify([stageChange(PORTAL, 1)]);
    const socket = connectSocket(service.port, '127.0.0.1');
    const head = Object.entries({ ...signed('POST', '/webhooks/hubspot', body), 'content-length': body.length })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    socket.write(
      `POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head}\r\n${body.slice(0, 20)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await due()).toBe(0);
    expect((await deliver(service, [stageChange(PORTAL, 2)])).status).toBe(200);
    expect(service.lines().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('since no CRM has this name gets 404', async () => {
    const response = await fetch(`${service.url}/webhooks/__proto__`, { method: 'POST', body: '[]' });
    expect(response.status).toBe(404);
    expect(await problemIn(response)).toMatchObject({ code: 'not_found' });
  });

  test('since it comes by GET gets 405 that names the method', async () => {
    const response = await fetch(`${service.url}/webhooks/hubspot`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
  });
});

describe('when the store fails', () => {
  test('a delivery is answered 503 with Retry-After and never 200, and nothing of the fault is shown', async () => {
    const broken = await startHttp({
      changeStore: (store) => ({
        ...store,
        inbox: { append: () => Promise.reject(new Error('SQLITE_FULL: disk at /srv/data is full')) },
      }),
    });
    const account = await broken.createAccount('Acme');
    await account.connect(String(PORTAL));
    const response = await deliver(broken, [stageChange(PORTAL, 1)]);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ code: 'try_again' });
    expect(body).not.toMatch(/SQLITE|srv/);
    expect(broken.lines()).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'request failed', ref: response.headers.get('x-request-id') }),
    );
    await broken.close();
  });
});

test('deliveries are counted by provider and outcome, and an invented name makes no new series', async () => {
  await deliver(service, [stageChange(PORTAL, 1)]);
  await deliver(service, '[]', { 'x-hubspot-signature-v3': 'nonsense' });
  for (const name of ['a', 'b']) await fetch(`${service.url}/webhooks/${name}`, { method: 'POST' });
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toContain('wonward_webhook_deliveries_total{provider="hubspot",outcome="accepted"} 1');
  expect(metrics).toContain('wonward_webhook_deliveries_total{provider="hubspot",outcome="unsigned"} 1');
  expect(metrics).toContain('wonward_webhook_deliveries_total{provider="unknown",outcome="unknown_provider"} 2');
  expect(metrics).not.toContain(PUBLIC_URL);
});

describe('the fast lane', () => {
  /** Express takes a path in capitals for the same one; the fast lane leaves it to Express. */
  const spellings = ['/webhooks/hubspot', '/WEBHOOKS/hubspot'] as const;

  async function answerTo(path: string, events: object[]) {
    const body = JSON.stringify(events);
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed('POST', path, body) },
      body,
    });
    const ref = response.headers.get('x-request-id');
    const perRequest = ['x-request-id', 'date'];
    return {
      ref,
      status: response.status,
      headers: Object.fromEntries([...response.headers].filter(([name]) => !perRequest.includes(name))),
      body: await response.json(),
    };
  }

  test('gives the answer that Express gives, header by header', async () => {
    const answers = [];
    for (const path of spellings) answers.push(await answerTo(path, [stageChange(PORTAL, 7)]));
    const [fast, ordinary] = answers.map(({ ref: _, ...answer }) => answer);
    expect(fast?.status).toBe(200);
    expect(fast).toEqual(ordinary);
    expect(new Set(answers.map(({ ref }) => ref)).size).toBe(2);
  });

  test('writes the line and counts the request that Express does', async () => {
    const refs: Array<string | null> = [];
    for (const path of spellings) refs.push((await answerTo(path, [stageChange(PORTAL, 8)])).ref);
    const lineOf = (ref: string | null) => service.lines().find((line) => line.ref === ref);
    await expect.poll(() => refs.every((ref) => lineOf(ref) !== undefined)).toBe(true);
    const [fast, ordinary] = refs.map((ref) => ({ ...lineOf(ref), ref: '', time: '', ms: 0 }));
    expect(fast).toEqual(ordinary);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain(
      'wonward_http_request_seconds_count{method="POST",route="/webhooks/:provider",status="2xx"} 2',
    );
  });

  test('hands what is refused on to Express, which counts and logs it once', async () => {
    const response = await deliver(service, [stageChange(PORTAL, 9)], { 'x-hubspot-signature-v3': 'nonsense' });
    expect(response.status).toBe(401);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('wonward_webhook_deliveries_total{provider="hubspot",outcome="unsigned"} 1');
    expect(metrics).toContain(
      'wonward_http_request_seconds_count{method="POST",route="/webhooks/:provider",status="4xx"} 1',
    );
  });
});
