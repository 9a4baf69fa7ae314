import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { answeredInTime, createLateness, type OverloadDeps, shedding } from '../../src/http/overload.ts';

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

/** A server that answers when the test says so. */
async function serve(limits: Pick<OverloadDeps, 'requestsMax' | 'bodyBytesMax' | 'openFreely'>) {
  const open: ServerResponse[] = [];
  const events = new EventEmitter();
  const warnings: object[] = [];
  const refused: string[] = [];
  const clock = { now: 1_000, lateMs: 0 };
  const server = createServer(
    shedding(
      (request, response) => {
        if (request.url === '/livez') return void response.end('live');
        open.push(response);
        events.emit('open');
      },
      {
        ...limits,
        now: () => clock.now,
        lateMs: () => clock.lateMs,
        newRef: () => 'ref',
        log: { warn: (fields) => void warnings.push(fields) },
        onRefused: (method) => void refused.push(method),
      },
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (path = '/', body?: string) => fetch(`${url}${path}`, body === undefined ? {} : { method: 'POST', body });
  return {
    open,
    warnings,
    refused,
    clock,
    ask,
    /** Returns once the listener has the request, which is then open. */
    async begin(body?: string): Promise<{ answer: Promise<Response> }> {
      const arrived = once(events, 'open');
      const answer = ask('/', body);
      // Some are never answered; their end is the server's.
      answer.catch(() => undefined);
      await arrived;
      return { answer };
    },
  };
}

describe('more than can be answered at once', () => {
  test('is refused with 503, a code that programs read, and when to come again; what is open is answered', async () => {
    const server = await serve({ requestsMax: 1 });
    const { answer } = await server.begin();
    const refusal = await server.ask();
    expect(refusal.status).toBe(503);
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refusal.headers.get('content-type')).toBe('application/problem+json');
    expect(await refusal.json()).toMatchObject({ code: 'busy', status: 503, ref: 'ref' });
    expect(server.refused).toEqual(['GET']);
    // HubSpot's workflows come again when they are told to, and read milliseconds.
    const ofWorkflow = await server.ask('/hubspot/actions/enrol-member', '{}');
    expect([ofWorkflow.status, ofWorkflow.headers.get('retry-after')]).toEqual([429, '2000']);
    server.open[0]?.end('done');
    expect(await (await answer).text()).toBe('done');
  });

  test('is taken again as soon as something that was open is over', async () => {
    const server = await serve({ requestsMax: 1 });
    const first = await server.begin();
    expect((await server.ask()).status).toBe(503);
    server.open[0]?.end('done');
    await (await first.answer).text();
    const next = await server.begin();
    server.open[1]?.end('done too');
    expect(await (await next.answer).text()).toBe('done too');
  });

  test('is measured by the bodies too, and one that is alone is let through whatever its size', async () => {
    const server = await serve({ bodyBytesMax: 1_000 });
    const { answer } = await server.begin('x'.repeat(5_000));
    expect((await server.ask('/', 'x')).status).toBe(503);
    server.open[0]?.end('done');
    expect((await answer).status).toBe(200);
  });

  test('is also what comes when the event loop is late: deliveries are refused, calls are not', async () => {
    const server = await serve({ openFreely: 1 });
    await server.begin();
    server.clock.lateMs = 2_000;
    expect((await server.ask('/webhooks/hubspot', '[]')).status).toBe(503);
    const { answer } = await server.begin('{}');
    server.open[1]?.end('done');
    expect((await answer).status).toBe(200);
    server.clock.lateMs = 0;
    const later = server.ask('/webhooks/hubspot', '[]');
    while (server.open.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    server.open[2]?.end('kept');
    expect(await (await later).text()).toBe('kept');
  });

  test('never keeps from asking whether the process lives', async () => {
    const server = await serve({ requestsMax: 1 });
    await server.begin();
    expect(await (await server.ask('/livez')).text()).toBe('live');
  });

  test('is told in one line a second, which says how much was refused', async () => {
    const server = await serve({ requestsMax: 1 });
    await server.begin();
    for (let index = 0; index < 5; index += 1) await (await server.ask()).text();
    expect(server.warnings).toHaveLength(1);
    server.clock.now += 1_000;
    await (await server.ask()).text();
    expect(server.warnings).toMatchObject([{ refused: 1 }, { refused: 5 }]);
  });
});

describe('a delivery', () => {
  const never = () => new Promise<string>(() => {});

  test('that the database does not keep in time is answered all the same, as one to send again', async () => {
    const receive = answeredInTime(never, { timeoutMs: 20 });
    await expect(receive({})).rejects.toMatchObject({ code: 'storage', status: 503, headers: { 'Retry-After': '5' } });
  });

  test('is refused at once while those before it wait too long, and taken again when they do not', async () => {
    const open: Array<(result: string) => void> = [];
    const receive = answeredInTime(() => new Promise<string>((resolve) => open.push(resolve)), {
      waitedMaxMs: 50,
      waitingFreely: 2,
    });
    const first = receive({});
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One that is stuck alone keeps nobody away.
    const second = receive({});
    await expect(receive({})).rejects.toMatchObject({ code: 'busy', status: 503, headers: { 'Retry-After': '2' } });
    expect(open).toHaveLength(2);
    for (const resolve of open) resolve('kept');
    expect(await Promise.all([first, second])).toEqual(['kept', 'kept']);
    const third = receive({});
    open[2]?.('kept');
    expect(await third).toBe('kept');
  });
});

test('the event loop’s lateness is seen while it lasts, and not for long after', async () => {
  const lateness = createLateness();
  const until = performance.now() + 400;
  while (performance.now() < until);
  expect(lateness.ms()).toBeGreaterThan(200);
  const deadline = performance.now() + 20_000;
  let isOver = false;
  while (!isOver && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    isOver = lateness.ms() < 100;
  }
  expect(isOver).toBe(true);
  lateness.stop();
});
