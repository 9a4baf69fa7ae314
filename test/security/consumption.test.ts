import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, type WireRequest } from '../fuzz/wire.ts';
import { signed } from '../http/service.ts';
import { pathFor, twoAccounts } from './two-accounts.ts';

/** OWASP API4:2023, resources without a limit. What drips is in test/http/server.test.ts. */

let world: Awaited<ReturnType<typeof twoAccounts>>;
beforeAll(async () => {
  world = await twoAccounts();
}, 120_000);
afterAll(() => world.close());

function chunked(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]);
}

const asks = (): WireRequest[] =>
  world.judge.operations
    .filter(({ body }) => body !== null)
    .map((operation) => ({
      method: operation.method.toUpperCase(),
      target: `/api/v1${pathFor(operation, world.mine.ids)}`,
      headers: [
        ['Authorization', `Bearer ${world.mine.account.key}`],
        ['Content-Type', 'application/json'],
      ],
    }));

/** Larger than the largest CSV that an import takes. */
const FILE_BYTES = 24_000_000;

describe('a body', () => {
  test('of more than a hundred kilobytes is refused by every operation, announced or not', async () => {
    for (const ask of asks()) {
      const isFile = /\/(member-imports(\/dry-run)?|configuration\/(check|apply))$/.test(ask.target);
      const large = Buffer.from(JSON.stringify({ name: 'x'.repeat(isFile ? FILE_BYTES : 262_144) }));
      const announced = await exchange(world.service.port, { ...ask, body: large });
      const unannounced = await exchange(world.service.port, {
        ...ask,
        headers: [...ask.headers, ['Transfer-Encoding', 'chunked']],
        body: chunked(large),
      });
      expect([ask.target, announced.status, unannounced.status]).toEqual([ask.target, 413, 413]);
    }
  });

  test('that says it is larger than anything is refused before a byte of it comes', async () => {
    for (const ask of asks()) {
      const answer = await exchange(world.service.port, {
        ...ask,
        headers: [...ask.headers, ['Content-Length', '9007199254740991']],
      });
      expect([ask.target, answer.status]).toEqual([ask.target, 413]);
    }
  });

  test('that is compressed is refused by every operation, so that none grows on our side', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'zstd']) {
      for (const ask of asks()) {
        const answer = await exchange(world.service.port, {
          ...ask,
          headers: [...ask.headers, ['Content-Encoding', encoding]],
          body: Buffer.from('{}'),
        });
        expect([ask.target, encoding, answer.status]).toEqual([ask.target, encoding, 415]);
      }
    }
  });

  test('of the deepest nesting that is let in is refused and not followed', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const depth = Math.floor(100_000 / (open.length + close.length));
      for (const ask of asks()) {
        const body = Buffer.from(`${open.repeat(depth)}1${close.repeat(depth)}`);
        const answer = await exchange(world.service.port, { ...ask, body });
        expect([ask.target, answer.status]).toEqual([ask.target, 400]);
      }
    }
  });

  test('with nine thousand mistakes is answered with fewer bytes than a megabyte', async () => {
    const many = Buffer.from(`{${Array.from({ length: 9_000 }, (_, index) => `"f${index}":0`).join(',')}}`);
    for (const ask of asks()) {
      const answer = await exchange(world.service.port, { ...ask, body: many });
      expect([ask.target, answer.status]).toEqual([ask.target, 400]);
      expect(answer.body.length).toBeLessThan(1_000_000);
    }
  });
});

describe('a list', () => {
  test('gives at most a hundred rows, whatever is asked for', async () => {
    const lists = world.judge.operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'limit'));
    expect(lists.length).toBeGreaterThan(4);
    for (const operation of lists) {
      for (const limit of ['101', '1000000', '-1', '0', '1e3', '0x64', '100.0', ' 5', '5,5', '٣']) {
        const answer = await world.mine.account.call(
          `${pathFor(operation, world.mine.ids)}?limit=${encodeURIComponent(limit)}`,
        );
        expect([operation.operationId, limit, answer.status]).toEqual([operation.operationId, limit, 400]);
      }
      expect((await world.mine.account.call(`${pathFor(operation, world.mine.ids)}?limit=100`)).status).toBe(200);
    }
  });
});

describe('a signed delivery', () => {
  test('of more events than HubSpot sends is refused whole', async () => {
    const event = { eventId: 1, portalId: 48_000_001, occurredAt: 1, subscriptionType: 'object.creation', objectId: 1 };
    const body = JSON.stringify(Array.from({ length: 101 }, (_, index) => ({ ...event, eventId: index })));
    const answer = await fetch(`${world.service.url}/webhooks/hubspot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed('POST', '/webhooks/hubspot', body) },
      body,
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'malformed_delivery' }]);
  });
});
