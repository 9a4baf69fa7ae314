import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PORTAL, startWorld, tokensFor, type World } from './harness.ts';

const CONTACTS = '/crm/objects/2026-03/contacts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const create = (email: string): Promise<{ status: number; body: { id: string } }> =>
  world.call('POST', CONTACTS, { properties: { email } });

describe('rate limits', () => {
  it('110 calls in ten seconds are let in, the next is HubSpot’s 429 without a Retry-After, and the window rolls', async () => {
    for (let call = 0; call < 55; call += 1) await world.call('GET', '/account-info/2026-03/details');
    world.now.value += 5_000;
    let last = await world.call('GET', CONTACTS);
    for (let call = 0; call < 54; call += 1) last = await world.call('GET', CONTACTS);
    expect(last.status).toBe(200);
    expect(last.headers.get('x-hubspot-ratelimit-max')).toBe('110');
    expect(last.headers.get('x-hubspot-ratelimit-remaining')).toBe('0');
    expect(last.headers.get('x-hubspot-ratelimit-interval-milliseconds')).toBe('10000');
    const refused = await world.call('GET', CONTACTS);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(refused.body).toMatchObject({
      status: 'error',
      message: 'You have reached your ten_secondly_rolling limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
    });
    world.now.value += 5_000;
    expect((await world.call('GET', CONTACTS)).status).toBe(200);
  });

  it('every portal has its own window', async () => {
    world.sandbox.control.createPortal({ portalId: 2 });
    const other = await tokensFor(world.sandbox, 2);
    for (let call = 0; call < 111; call += 1) await world.call('GET', CONTACTS);
    expect((await world.call('GET', CONTACTS)).status).toBe(429);
    expect(
      (await world.call('GET', CONTACTS, undefined, { Authorization: `Bearer ${other.access_token}` })).status,
    ).toBe(200);
  });

  it('the sixth search of a second is refused with its own words and without rate headers', async () => {
    const search = (): Promise<{ status: number; body: { message: string }; headers: Headers }> =>
      world.call('POST', `${CONTACTS}/search`, {});
    for (let call = 0; call < 5; call += 1) expect((await search()).status).toBe(200);
    const refused = await search();
    expect([refused.status, refused.body.message]).toEqual([429, 'You have reached your secondly limit.']);
    expect(refused.headers.get('x-hubspot-ratelimit-remaining')).toBeNull();
    world.now.value += 1_000;
    expect((await search()).status).toBe(200);
  });
});

describe('faults', () => {
  it.each([423, 429, 477, 500, 502, 503, 504] as const)(
    'a %i comes as often as asked, on the asked route',
    async (status) => {
      world.sandbox.control.addFault({
        target: 'api',
        method: 'post',
        path: '/crm/objects/2026-03/*',
        times: 2,
        effect: { kind: 'status', status, ...(status === 477 ? { retryAfterSeconds: 3_600 } : {}) },
      });
      expect((await world.call('GET', CONTACTS)).status).toBe(200);
      const first = await create('a@example.com');
      expect(first.status).toBe(status);
      expect((await create('a@example.com')).status).toBe(status);
      expect((await create('a@example.com')).status).toBe(201);
    },
  );

  it('an outage page may be HTML and the token route can be hit too', async () => {
    world.sandbox.control.addFault({
      target: 'api',
      path: '/oauth/*',
      times: 1,
      effect: { kind: 'status', status: 502, html: true },
    });
    const answer = await fetch(`${world.sandbox.url}/oauth/2026-03/token`, {
      method: 'POST',
      body: new URLSearchParams({}),
    });
    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain('<html>');
  });

  it('a reset before leaves nothing behind, a reset after has written and says nothing', async () => {
    world.sandbox.control.addFault({ target: 'api', times: 1, effect: { kind: 'reset', when: 'before' } });
    await expect(create('a@example.com')).rejects.toThrow('fetch failed');
    expect(world.sandbox.control.listRecords(PORTAL, 'contact').total).toBe(0);
    world.sandbox.control.clearFaults();
    world.sandbox.control.addFault({ target: 'api', times: 1, effect: { kind: 'reset', when: 'after' } });
    await expect(create('a@example.com')).rejects.toThrow('fetch failed');
    expect(world.sandbox.control.listRecords(PORTAL, 'contact').total).toBe(1);
    expect((await create('a@example.com')).status).toBe(409);
  });

  it('half an answer breaks off after the change is written', async () => {
    world.sandbox.control.addFault({ target: 'api', times: 1, effect: { kind: 'truncate' } });
    await expect(create('a@example.com')).rejects.toThrow();
    expect(world.sandbox.control.listRecords(PORTAL, 'contact').total).toBe(1);
  });

  it('single rows of a batch fail in a 207, the others are written', async () => {
    world.sandbox.control.addFault({ target: 'api', path: '*/batch/*', times: 1, effect: { kind: 'rows', rows: [1] } });
    const made = await world.call('POST', `${CONTACTS}/batch/upsert`, {
      inputs: ['a', 'b', 'c'].map((name) => ({
        idProperty: 'email',
        id: `${name}@example.com`,
        properties: { city: 'x' },
      })),
    });
    expect(made.status).toBe(207);
    expect([made.body.results.length, made.body.numErrors, made.body.errors[0].context.ids]).toEqual([
      2,
      1,
      ['b@example.com'],
    ]);
  });

  it('latency is waited out', async () => {
    world.sandbox.control.addFault({ target: 'api', times: 1, effect: { kind: 'latency', latencyMs: 60 } });
    const started = performance.now();
    await world.call('GET', CONTACTS);
    expect(performance.now() - started).toBeGreaterThan(55);
  });

  it('chance comes from the seed: the same seed fails the same calls', async () => {
    const runs: string[] = [];
    for (const seed of [3, 3, 4]) {
      const own = await startWorld({ seed, rateLimits: false });
      own.sandbox.control.addFault({ target: 'api', probability: 0.5, effect: { kind: 'status', status: 503 } });
      const statuses: number[] = [];
      for (let call = 0; call < 30; call += 1) statuses.push((await own.call('GET', CONTACTS)).status);
      runs.push(statuses.join());
      await own.close();
    }
    expect(runs[0]).toContain('503');
    expect(runs[0]).toContain('200');
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).not.toBe(runs[2]);
  });
});
