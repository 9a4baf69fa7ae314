import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CALLS_AT_ONCE, createBudget } from '../../../src/crm/salesforce/budget.ts';
import { startWorld, type World } from './world.ts';

describe('the budget of an org', () => {
  let now = 0;
  const clock = () => now;
  beforeEach(() => {
    now = Date.UTC(2026, 10, 22, 12);
  });

  test('has a few calls under way at a time, and the others in the order in which they came', async () => {
    const budget = createBudget({ clock, dailyShare: 1 });
    const begun: number[] = [];
    const ends: Array<() => void> = [];
    const all = Array.from({ length: CALLS_AT_ONCE + 3 }, async (_, index) => {
      const done = await budget.take('org');
      begun.push(index);
      ends.push(() => done(null));
    });
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(CALLS_AT_ONCE);
    for (let index = 0; index < all.length; index += 1) {
      ends[index]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    expect(begun).toEqual([...begun].sort((a, b) => a - b));
  });

  test('has one call of what can wait under way at a time, and ends it at half of our share', async () => {
    const budget = createBudget({ clock, dailyShare: 0.2 });
    const first = await budget.take('org', { pace: 'background' });
    let hasSecond = false;
    const second = budget.take('org', { pace: 'background' }).then((done) => {
      hasSecond = true;
      return done;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasSecond).toBe(false);
    first({ used: 20, limit: 100 });
    (await second)({ used: 20, limit: 100 });
    for (let call = 2; call < 10; call += 1)
      (await budget.take('org', { pace: 'background' }))({ used: 20, limit: 100 });
    await expect(budget.take('org', { pace: 'background' })).rejects.toMatchObject({ code: 'crm_rate_limited' });
    // What is of today goes on, and a refusal blocks nobody who comes later.
    (await budget.take('org'))({ used: 20, limit: 100 });
    await expect(budget.take('org', { pace: 'background' })).rejects.toMatchObject({ code: 'crm_rate_limited' });
  });

  test('ends with the share that an admin has set for it, whatever the usual one is', async () => {
    const budget = createBudget({ clock, dailyShare: 0.5 });
    const call = async (share?: number) => (await budget.take('org', { share }))({ used: 20, limit: 100 });
    for (let calls = 0; calls < 10; calls += 1) await call(0.1);
    await expect(call(0.1)).rejects.toMatchObject({ code: 'crm_rate_limited' });
    await expect(budget.take('org', { pace: 'background', share: 0.2 })).rejects.toMatchObject({
      code: 'crm_rate_limited',
    });
    await call(0.2);
    await call();
  });

  test('ends with our share of the day, and begins again when calls of yesterday are forgotten', async () => {
    const budget = createBudget({ clock, dailyShare: 0.1 });
    for (let call = 0; call < 10; call += 1) (await budget.take('org'))({ used: 20, limit: 100 });
    await expect(budget.take('org')).rejects.toMatchObject({
      code: 'crm_rate_limited',
      retry: { kind: 'retry', afterMs: expect.any(Number) },
    });
    await expect(budget.take('another org')).resolves.toBeTypeOf('function');
    now += 86_400_000;
    (await budget.take('org'))({ used: 20, limit: 100 });
  });

  test('leaves the last calls of an org to others, however few were ours', async () => {
    const budget = createBudget({ clock, dailyShare: 1 });
    (await budget.take('org'))({ used: 96, limit: 100 });
    await expect(budget.take('org')).rejects.toMatchObject({ code: 'crm_rate_limited' });
    // What was told is looked at anew after a while, or nobody would ever hear that there are more.
    now += 16 * 60_000;
    await expect(budget.take('org')).resolves.toBeTypeOf('function');
  });
});

describe('in an org', () => {
  let world: World;
  afterEach(() => world.close());

  test('whose calls of the day are spent nothing more is asked, and the wait is told', async () => {
    world = await startWorld({ org: { dailyRequests: 1_000 } });
    world.control.useRequests(world.orgId, 960);
    await world.session.stages();
    world.calls();
    await expect(world.session.stages()).rejects.toMatchObject({
      code: 'crm_rate_limited',
      retry: { kind: 'retry', afterMs: 900_000 },
    });
    expect(world.calls()).toBe(0);
  });

  test('the share that an admin sets for its connection is what is taken', async () => {
    world = await startWorld({ org: { dailyRequests: 1_000 } });
    const { connector, access } = world;
    const read = (callShare?: number) => connector.open({ ...access, callShare }).account();
    await read();
    world.calls();
    for (let reads = 0; reads < 20; reads += 1) await read(100);
    await expect(read(1)).rejects.toMatchObject({ code: 'crm_rate_limited' });
    await read(50);
  });

  test('whose API is switched off nothing is concluded, and an admin is told what to do', async () => {
    world = await startWorld();
    const id = world.control.create(world.orgId, 'Contact', { LastName: 'Bob' });
    world.control.setSettings(world.orgId, { apiEnabled: false });
    await expect(world.session.readContacts([id])).rejects.toMatchObject({
      code: 'crm_forbidden',
      publicText: expect.stringContaining('switched off'),
    });
  });

  test('where pages of a query are forgotten on the way the read fails and is whole the next time', async () => {
    world = await startWorld({ sandbox: { queryPageSize: 2 } });
    const { control, orgId, session } = world;
    const ids = Array.from({ length: 9 }, (_, index) => control.create(orgId, 'Contact', { LastName: `N${index}` }));
    await session.readContacts(ids);
    control.addFault({
      target: 'api',
      path: '*/queryAll/*',
      times: 1,
      effect: { kind: 'error', status: 400, code: 'INVALID_QUERY_LOCATOR', message: 'invalid query locator' },
    });
    await expect(session.readContacts(ids)).rejects.toMatchObject({ name: 'Fault', retry: { kind: 'retry' } });
    expect(await session.readContacts(ids)).toHaveLength(9);
  });
});
