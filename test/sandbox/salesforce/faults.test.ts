import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, type Json, startWorld, type World, withClient } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const create = (name = 'x'): Promise<Json> => world.call('POST', '/sobjects/Contact', { LastName: name });
const contacts = (): number | undefined => world.control.org(world.orgId).counts.Contact;

describe('faults', () => {
  it.each([420, 429, 500, 502, 503, 504] as const)(
    'a %i comes as often as asked, on the asked route',
    async (status) => {
      world.control.addFault({
        target: 'api',
        method: 'post',
        path: '/services/data/*/sobjects/Contact',
        times: 2,
        effect: { kind: 'status', status },
      });
      expect((await world.call('GET', '/limits')).status).toBe(200);
      expect([(await create()).status, (await create()).status, (await create()).status]).toEqual([
        status,
        status,
        201,
      ]);
    },
  );

  it('an outage may answer with a page, and the token route can be hit too', async () => {
    world.control.addFault({
      target: 'api',
      path: '/services/oauth2/*',
      times: 1,
      effect: { kind: 'status', status: 503, html: true },
    });
    const answer = await fetch(`${world.sandbox.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams(withClient({ grant_type: 'refresh_token' })),
    });
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('<html>')]);
  });

  it('one of Salesforce’s own errors comes as asked for, of one org only', async () => {
    world.control.addFault({
      target: 'api',
      orgId: world.orgId,
      effect: { kind: 'error', status: 403, code: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' },
    });
    expect(errorOf(await create())).toEqual([403, 'REQUEST_LIMIT_EXCEEDED']);
    const other = await world.control.createOrg({ name: 'Other' });
    expect((await fetch(`${other.instanceUrl}/services/data/v66.0/limits`)).status).toBe(401);
  });

  it('a reset before leaves nothing behind, a reset after and half an answer have written', async () => {
    world.control.addFault({ target: 'api', times: 1, effect: { kind: 'reset', when: 'before' } });
    await expect(create()).rejects.toThrow();
    expect(contacts()).toBe(0);
    world.control.addFault({ target: 'api', times: 1, effect: { kind: 'reset', when: 'after' } });
    await expect(create()).rejects.toThrow();
    expect(contacts()).toBe(1);
    world.control.addFault({ target: 'api', times: 1, effect: { kind: 'truncate' } });
    await expect(create()).rejects.toThrow();
    expect(contacts()).toBe(2);
  });

  it('single rows cannot be locked, the others are written; a single record is refused whole', async () => {
    const lock = { kind: 'rows', code: 'UNABLE_TO_LOCK_ROW' } as const;
    world.control.addFault({ target: 'api', times: 1, effect: { ...lock, rows: [1] } });
    const records = ['a', 'b', 'c'].map((name) => ({ attributes: { type: 'Contact' }, LastName: name }));
    const { body } = await world.call('POST', '/composite/sobjects', { records });
    expect(body.map((row: Json) => row.errors[0]?.statusCode ?? 'ok')).toEqual(['ok', 'UNABLE_TO_LOCK_ROW', 'ok']);
    expect(contacts()).toBe(2);
    world.control.addFault({ target: 'api', times: 1, effect: lock });
    expect(errorOf(await create())).toEqual([400, 'UNABLE_TO_LOCK_ROW']);
    expect((await create()).status).toBe(201);
  });

  it('latency is waited out', async () => {
    world.control.addFault({ target: 'api', times: 1, effect: { kind: 'latency', latencyMs: 60 } });
    const started = performance.now();
    await world.call('GET', '/limits');
    expect(performance.now() - started).toBeGreaterThan(55);
  });

  it('chance comes from the seed: the same seed fails the same calls', async () => {
    const runs: string[] = [];
    for (const seed of [3, 3, 4]) {
      const own = await startWorld({ seed });
      own.control.addFault({ target: 'api', probability: 0.5, effect: { kind: 'status', status: 503 } });
      const statuses: number[] = [];
      for (let call = 0; call < 30; call += 1) statuses.push((await own.call('GET', '/limits')).status);
      runs.push(statuses.join());
      await own.close();
    }
    expect(runs[0]).toContain('503');
    expect(runs[0]).toContain('200');
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).not.toBe(runs[2]);
  });
});
