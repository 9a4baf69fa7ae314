import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { resealWebhooks } from '../../src/application/reseal-webhooks.ts';
import { createSendWebhooks } from '../../src/application/send-webhooks.ts';
import { createWebhookEndpoints } from '../../src/application/webhook-endpoints.ts';
import { ATTEMPT_PAUSES_MS, ATTEMPTS_MAX, type WebhookEventType } from '../../src/domain/webhook.ts';
import { createDispatch } from '../../src/jobs/dispatch.ts';
import { createSendWebhook } from '../../src/notify/webhook/send.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';

const KEY = { id: 'k1', key: Buffer.alloc(32, 7) };
const log = createLog({ level: 'silent' });

let store: Store;
let now: number;
const closing: (() => void)[] = [];
const clock = { ...systemClock, now: () => now, random: () => 0.5 };
const seal = createSeal([KEY]);
beforeEach(async () => {
  now = T0;
  store = await openStore({ url: 'sqlite::memory:' });
  await tenant(store).create();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await store.close();
});

type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void;

/** A customer's server, which does as it likes. */
async function receiver(
  handle: Handler,
): Promise<{ url: string; asked: { id: string; text: string; headers: IncomingMessage['headers'] }[] }> {
  const asked: { id: string; text: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      asked.push({ id: String(request.headers['webhook-id']), text, headers: request.headers });
      handle(Object.assign(request, { text }), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

const desk = () =>
  createWebhookEndpoints({
    store,
    seal,
    clock,
    newId: () => String(Math.random()).slice(2),
    allowPrivate: true,
    onAsked: () => {},
  });

async function endpointAt(url: string, eventTypes: readonly WebhookEventType[] = ['member.enrolled']) {
  const created = await desk().create('acc_a', { url, description: '', eventTypes }, 'ada');
  if (created.kind !== 'created') throw new Error(created.kind);
  return { id: created.endpoint.id, secret: created.secret };
}

const results: string[] = [];
const hop = (timeoutMs = 2_000) =>
  createSendWebhooks({
    store,
    seal,
    send: createSendWebhook({ allowPrivate: true, clock: { now: () => now }, timeoutMs }),
    clock,
    log,
    observe: { webhookSent: (result) => void results.push(result) },
  });
const run = (endpointId: string, timeoutMs?: number) =>
  hop(timeoutMs)({ accountId: 'acc_a', connectionId: endpointId });

const enrol = (...ids: string[]) => tenant(store).write({ members: ids.map((id) => tenant(store).member(id)) });
const deliveriesOf = async (endpointId: string) =>
  (await store.webhooks.deliveries('acc_a', endpointId, { limit: 50, cursor: null }, {})).items;

/** Nothing of ours, and nothing of the library that signs. */
function signature(secret: string, { headers, text }: { headers: IncomingMessage['headers']; text: string }): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

describe('a webhook', () => {
  test('is signed by the secret, and by both for a day after it was changed', async () => {
    const { url, asked } = await receiver((_, response) => response.writeHead(204).end());
    const { id, secret } = await endpointAt(url);
    await enrol('mem_1');
    await run(id);
    expect(asked[0]?.headers['webhook-signature']).toBe(asked[0] && signature(secret, asked[0]));
    expect(asked[0]?.headers['webhook-timestamp']).toBe(String(Math.floor(T0 / 1_000)));
    const rotated = await desk().rotate('acc_a', id, 'ada');
    await enrol('mem_2');
    await run(id);
    const both = asked[1] ? [signature(rotated?.secret ?? '', asked[1]), signature(secret, asked[1])].join(' ') : '';
    expect(asked[1]?.headers['webhook-signature']).toBe(both);
    now += 24 * 3_600_000;
    await enrol('mem_3');
    await run(id);
    expect(asked[2]?.headers['webhook-signature']).toBe(asked[2] && signature(rotated?.secret ?? '', asked[2]));
  });

  test('is tried at the times of the schedule, over three days, and then waits for a person', async () => {
    const { url, asked } = await receiver((_, response) => response.writeHead(422).end('no such member'));
    const { id } = await endpointAt(url);
    await enrol('mem_1');
    for (const pause of ATTEMPT_PAUSES_MS) {
      await run(id);
      expect(await run(id)).toBe(0);
      now += pause - 1;
      expect(await run(id)).toBe(0);
      now += 1;
      // Something succeeds now and then: the endpoint is well, and this one event is not to its taste.
      await store.webhooks.save(
        'acc_a',
        { ...(await known(id)), state: 'off', version: (await known(id)).version + 1 },
        'ada',
      );
      await store.webhooks.save(
        'acc_a',
        { ...(await known(id)), state: 'enabled', version: (await known(id)).version + 1 },
        'ada',
      );
    }
    await run(id);
    expect(asked).toHaveLength(ATTEMPTS_MAX);
    expect(new Set(asked.map((one) => one.id)).size).toBe(1);
    expect(await deliveriesOf(id)).toMatchObject([
      { state: 'failed', tries: ATTEMPTS_MAX, status: 422, nextAt: null, problem: 'The answer was 422.' },
    ]);
    expect(now - T0).toBeGreaterThan(72 * 3_600_000);
    const detail = await store.webhooks.delivery('acc_a', id, asked[0]?.id ?? '');
    expect(detail?.attempts[0]).toMatchObject({ status: 422, answer: 'no such member' });
  });

  test('is switched off with an alert when nothing has succeeded for three days', async () => {
    const { url, asked } = await receiver((_, response) => response.writeHead(500).end());
    const { id } = await endpointAt(url);
    await enrol('mem_1');
    for (let tries = 0; tries < 400 && (await known(id)).state === 'enabled'; tries += 1) {
      await run(id);
      now = Math.max(now + 1, (await store.webhooks.nextDueAt()) ?? now + 1);
    }
    expect((await known(id)).state).toBe('failing');
    expect(now - T0).toBeGreaterThanOrEqual(72 * 3_600_000);
    expect(asked.length).toBeLessThanOrEqual(ATTEMPTS_MAX);
    const { items } = await store.desk.list('acc_a', { limit: 9, cursor: null }, { kind: 'alert', state: 'open' });
    expect(items).toMatchObject([{ topic: 'webhook_failing', severity: 'high' }]);
  });

  test('that is answered 410 is switched off at once', async () => {
    const { url } = await receiver((_, response) => response.writeHead(410).end());
    const { id } = await endpointAt(url);
    await enrol('mem_1');
    await run(id);
    expect((await known(id)).state).toBe('gone');
  });

  test('follows no redirect, keeps no more of an answer than a thousand bytes, and nothing that a screen cannot show', async () => {
    const elsewhere = await receiver((_, response) => response.writeHead(204).end());
    const { url } = await receiver((_, response) => response.writeHead(302, { location: elsewhere.url }).end());
    const loud = await receiver((_, response) => {
      response.writeHead(400);
      response.write(`\u0000\u202e<script>alert(1)</script>${'x'.repeat(100_000)}`);
      // It never ends.
    });
    for (const at of [url, loud.url]) {
      const { id } = await endpointAt(at, ['member.enrolled']);
      await enrol(`mem_${at.length}${at}`.replace(/\W/g, ''));
      await run(id);
      const [told] = await deliveriesOf(id);
      const detail = await store.webhooks.delivery('acc_a', id, told?.eventId ?? '');
      const [attempt] = detail?.attempts ?? [];
      if (at === url) expect(attempt?.problem).toMatch(/redirect \(302\), which is not followed/);
      else {
        expect(attempt?.status).toBe(400);
        expect(attempt?.answer.length).toBeLessThanOrEqual(1_024);
        expect(attempt?.answer).toMatch(/^<script>alert/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        expect(attempt?.answer).not.toMatch(/[\u0000-\u001f\u202e]/);
      }
    }
    expect(elsewhere.asked).toEqual([]);
  });

  test('to a server that hangs holds up no other, and asks that server once and not for each event', async () => {
    const hanging = await receiver(() => {});
    const quick = await receiver((_, response) => response.writeHead(204).end());
    const slow = await endpointAt(hanging.url);
    const well = await endpointAt(quick.url);
    await enrol(...Array.from({ length: 40 }, (_, index) => `mem_${index}`));
    // The real dispatch with the number of places that a node has; real time for what really hangs.
    const dispatch = createDispatch({
      hop: 'webhooks',
      run: hop(3_000),
      due: (limit) => store.webhooks.dueShards(now, limit),
      concurrency: 16,
      clock: systemClock,
      log,
    });
    const begun = Date.now();
    dispatch.start();
    await expect.poll(() => quick.asked.length, { timeout: 2_900 }).toBe(40);
    expect(Date.now() - begun).toBeLessThan(3_000);
    await expect.poll(async () => (await known(slow.id)).health.failures, { timeout: 10_000 }).toBeGreaterThan(0);
    await dispatch.stop();
    // Two batches of four at a time: the others lie in the store, untried.
    expect(hanging.asked.length).toBeLessThanOrEqual(8);
    expect((await deliveriesOf(slow.id)).filter(({ tries }) => tries === 0).length).toBeGreaterThanOrEqual(32);
    expect((await known(well.id)).health.failures).toBe(0);
  });

  test('bears a secret that is sealed, and sealed anew with another key', async () => {
    const { url, asked } = await receiver((_, response) => response.writeHead(204).end());
    const { id, secret } = await endpointAt(url);
    const stored = await known(id);
    expect(stored.secret).not.toContain(secret);
    const next = createSeal([{ id: 'k2', key: Buffer.alloc(32, 9) }, KEY]);
    expect(await resealWebhooks(store.webhooks, next)).toEqual({ resealed: 1, remaining: 0, unreadable: [] });
    expect(next.keyIdOf((await known(id)).secret)).toBe('k2');
    const lost = createSeal([{ id: 'k3', key: Buffer.alloc(32, 1) }]);
    expect(await resealWebhooks(store.webhooks, lost)).toMatchObject({ unreadable: [{ accountId: 'acc_a', id }] });
    expect(asked).toEqual([]);
  });
});

async function known(id: string) {
  const found = await store.webhooks.endpoint('acc_a', id);
  if (!found) throw new Error('no endpoint');
  return found;
}
