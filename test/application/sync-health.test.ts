import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { createSyncHealth } from '../../src/application/sync-health.ts';
import { createSyncPulse } from '../../src/application/sync-pulse.ts';
import { createLog } from '../../src/platform/log.ts';
import { openStore } from '../../src/store/open.ts';
import { claiming, hint, planOf, T0, type Tenant, tenant } from '../conformance/store-fixtures.ts';
import { runOf } from '../conformance/store-sync.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let store: Store;
let a: Tenant;
let now: number;
beforeEach(async () => {
  store = await openStore({ url: 'sqlite::memory:' });
  a = tenant(store);
  await a.create();
  now = T0;
});
afterEach(() => store.close());

const clock = { now: () => now, sleep: async () => {} };
const of = { accountId: 'acc_a', connectionId: 'con_a' };
const pulseOf = () => createSyncPulse({ store, clock, log: createLog({ level: 'silent' }) });

async function health(use: { used: number; limit: number } | null = null) {
  const apiUse = () => use && { ...use, windowMs: 10_000, of: 'wonward' as const };
  const found = await createSyncHealth({ store, clock, openSession: () => ({ apiUse }) })('acc_a', 'con_a');
  if (!found) throw new Error('no such connection');
  return found;
}

const codes = async () => (await health()).problems.map(({ code }) => code);

test('a day’s lags of two nodes are one figure each, and what is older than a day is none', async () => {
  const [one, other] = [pulseOf(), pulseOf()];
  now = T0 - 2 * DAY;
  one.lag(of, 'decision_lag', 9 * HOUR);
  await one.flush();
  now = T0 - HOUR;
  for (const ms of [100, 900, 1_500]) one.lag(of, 'decision_lag', ms);
  await one.flush();
  now = T0;
  for (const ms of [4_000, 70_000]) other.lag(of, 'decision_lag', ms);
  other.lag(of, 'mirror_lag', 2 * DAY);
  // A clock that is ahead tells of no waiting.
  other.lag(of, 'mirror_lag', -5);
  await other.flush();
  const { lag } = await health();
  expect(lag.toDecision).toEqual({ count: 5, medianMs: 2_000, p95Ms: 120_000, maxMs: 70_000, meanMs: 15_300 });
  expect(lag.toMirror).toMatchObject({ count: 2, medianMs: 1_000, p95Ms: null, maxMs: 2 * DAY });
});

test('what was counted is written once, and a node that has nothing to tell writes nothing', async () => {
  const pulse = pulseOf();
  pulse.failure(of, 'crm_unavailable: HubSpot did not answer.');
  pulse.failure(of, 'unexpected: see the log');
  pulse.failure(of, 'no code at all');
  await pulse.flush();
  await pulse.flush();
  expect((await health()).failures).toEqual([
    { cause: 'unexpected', count: 2 },
    { cause: 'crm_unavailable', count: 1 },
  ]);
});

test('calls are told by their answer, of the portal that they were made to', async () => {
  const pulse = pulseOf();
  const connection = await store.connections.get('acc_a', 'con_a');
  const portal = connection?.externalId ?? '';
  for (const status of [200, 201, 404, 429, 429, 503, 'no_answer'] as const) pulse.call('hubspot', portal, status);
  pulse.call('hubspot', 'nobodys', 200);
  await pulse.flush();
  expect((await health()).api.calls).toEqual({ ok: 2, refused: 1, limited: 2, failed: 1, noAnswer: 1 });
});

test('what events were worth is what was heard of against what the sweep alone has found', async () => {
  const pulse = pulseOf();
  for (let times = 0; times < 70; times += 1) pulse.lag(of, 'decision_lag', 1);
  await pulse.flush();
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_1', T0 - 2 * DAY, { missed: 500 }), 0);
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_2', T0 - HOUR, { missed: 20 }), 0);
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_3', T0 - MINUTE, { missed: 10 }), 0);
  const { loss, problems } = await health();
  expect(loss).toEqual({ heard: 70, missed: 30, share: 0.3 });
  expect(problems.map(({ code }) => code)).toEqual(['webhooks_lost']);
});

test('each thing that needs attention is said once, and nothing is said when all is well', async () => {
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_1', T0 - MINUTE), 0);
  expect(await health()).toMatchObject({ verdict: 'well', problems: [] });
  expect((await health({ used: 88, limit: 110 })).problems.map(({ code }) => code)).toEqual(['api_limit_near']);
  expect((await health({ used: 87, limit: 110 })).problems).toEqual([]);

  await store.inbox.append(a.of, [hint('e1', ['1'], { occurredAt: T0 - 16 * MINUTE })], T0);
  expect(await codes()).toEqual(['decisions_late']);
  const items = await store.work.claim(claiming('w', T0));
  for (const item of items) await store.work.defer(item, { runAt: T0, error: 'crm_rejected: no', parked: true });
  expect(await codes()).toEqual(['parked', 'decisions_late']);
  await store.sync.retryParked('acc_a', 'con_a', T0);
  const settles = await store.work.claim(claiming('w2', T0));
  await store.cases.commit([{ accountId: 'acc_a', plan: planOf(), snapshots: [], restsOn: [], settles, erase: [] }]);
  expect(await codes()).toEqual([]);

  now = T0 + HOUR;
  expect(await codes()).toEqual(['sweep_late']);
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_2', now, { problem: 'HubSpot did not answer.' }), 0);
  expect(await codes()).toEqual(['sweep_failed']);

  await store.connections.disconnect('acc_a', 'con_a', 'Uninstalled.', T0);
  expect(await health()).toMatchObject({ verdict: 'broken', problems: [{ code: 'disconnected' }], api: { use: null } });
});

test('there is no health of another account’s connection', async () => {
  const healthOf = createSyncHealth({ store, clock, openSession: () => ({}) });
  expect(await healthOf('acc_b', 'con_a')).toBeNull();
});
