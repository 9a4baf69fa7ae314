import { afterEach, describe, expect, test } from 'vitest';
import { derivedId } from '../../src/domain/ids.ts';
import { createMetrics, putBackReasonOf, type VitalReading } from '../../src/platform/metrics.ts';
import { createScene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';

/** What a Prometheus for one service takes without thought; most of it is histogram buckets per route. */
const SERIES_MAX = 1_500;

/** Of the thousand portals one in so many has work to do: failing a thousand times takes a slow machine a minute. */
const BUSY_EVERY = 10;

let stack: Stack | undefined;
afterEach(async () => {
  await stack?.close();
  stack = undefined;
});

const scrape = async ({ publicUrl }: Stack) => (await fetch(`${publicUrl}/metrics`)).text();
const seriesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const sampleOf = (text: string, series: string) =>
  Number(
    seriesOf(text)
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1),
  );

describe('what a scrape shows', () => {
  test('every counter is there before its first event, so that an alert on its rise does not miss that event', async () => {
    stack = await startStack();
    const text = await scrape(stack);
    for (const series of [
      'wonward_webhook_deliveries_total{provider="hubspot",outcome="failed"}',
      'wonward_token_refreshes_total{provider="hubspot",result="revoked"}',
      'wonward_payouts_total{provider="credit",result="refused"}',
      'wonward_put_back_total{queue="work",reason="unexpected",parked="true"}',
      'wonward_crm_calls_total{provider="hubspot",method="POST",status="429"}',
      'wonward_store_errors_total{part="inbox"}',
      'wonward_mirror_writes_total{result="rejected"}',
      'wonward_decisions_total{outcome="rewarded"}',
    ])
      expect(sampleOf(text, series), series).toBe(0);
    expect(text).toMatch(/wonward_build_info\{version="\d+\.\d+\.\d+",node="v\d+/);
  });

  test('a story is counted: webhooks, decisions, payouts, write-backs, connections and how far the sweep is', async () => {
    stack = await startStack();
    await stack.install();
    const scene = createScene(stack);
    const friend = scene.friendOf(scene.person('Ada'));
    scene.win(scene.deal([friend]));
    await stack.settle();
    const text = await scrape(stack);
    expect(sampleOf(text, 'wonward_decisions_total{outcome="rewarded"}')).toBe(2);
    expect(sampleOf(text, 'wonward_payouts_total{provider="credit",result="issued"}')).toBe(2);
    expect(sampleOf(text, 'wonward_connections{provider="hubspot",status="connected"}')).toBe(1);
    expect(sampleOf(text, 'wonward_sweep_oldest_seconds{provider="hubspot"}')).toBeGreaterThan(0);
    expect(sampleOf(text, 'wonward_queue_oldest_due_seconds{queue="work"}')).toBe(0);
    expect(sampleOf(text, 'wonward_mirror_writes_total{result="written"}')).toBeGreaterThan(0);
    // In memory, so there is no disk to speak of.
    expect(text).not.toMatch(/^wonward_disk_bytes\{/m);
  });

  test('a CRM that asks us to slow down is counted apart from its refusals', async () => {
    stack = await startStack();
    await stack.install();
    stack.sandbox.control.addFault({
      target: 'api',
      times: 1,
      method: 'POST',
      effect: { kind: 'status', status: 429, retryAfterSeconds: 1 },
    });
    const scene = createScene(stack);
    scene.deal([scene.friendOf(scene.person('Ada'))]);
    await stack.settle();
    const text = await scrape(stack);
    expect(sampleOf(text, 'wonward_crm_calls_total{provider="hubspot",method="POST",status="429"}')).toBe(1);
    expect(sampleOf(text, 'wonward_crm_calls_total{provider="hubspot",method="POST",status="4xx"}')).toBe(0);
  });

  test('an authorisation that was taken back is counted as such', async () => {
    stack = await startStack();
    await stack.install();
    await stack.settle();
    const [connection] = await stack.service.store.connections.list(stack.accountId);
    if (!connection) throw new Error('not connected');
    stack.sandbox.control.expireAccessTokens(147_000_001);
    stack.sandbox.control.uninstall(147_000_001);
    await expect(stack.service.container.connect.openSession(connection).account()).rejects.toThrow();
    const text = await scrape(stack);
    expect(sampleOf(text, 'wonward_token_refreshes_total{provider="hubspot",result="revoked"}')).toBe(1);
    expect(sampleOf(text, 'wonward_connections{provider="hubspot",status="disconnected"}')).toBe(1);
  });

  test('a record that waits beyond its time is told by its age', async () => {
    stack = await startStack();
    await stack.install();
    await stack.settle();
    const { store, container } = stack.service;
    const [connection] = await store.connections.list(stack.accountId);
    await container.stop();
    const record = { connectionId: connection?.id ?? '', object: 'deal' as const, id: '1' };
    await store.work.ask(stack.accountId, [{ record, at: Date.now() - 90_000 }]);
    const age = sampleOf(await scrape(stack), 'wonward_queue_oldest_due_seconds{queue="work"}');
    expect(age).toBeGreaterThanOrEqual(90);
    expect(age).toBeLessThan(150);
  });

  test('a database that fails is counted, by part, and the scrape still answers', async () => {
    stack = await startStack();
    const { store } = stack.service;
    await store.close();
    await expect(store.accounts.list()).rejects.toThrow();
    // What fails during a scrape is told by the next one.
    await scrape(stack);
    const text = await scrape(stack);
    expect(sampleOf(text, 'wonward_store_errors_total{part="accounts"}')).toBe(1);
    expect(sampleOf(text, 'wonward_store_errors_total{part="vitals"}')).toBeGreaterThanOrEqual(1);
    expect(text).not.toMatch(/^wonward_connections\{/m);
  });
});

describe('the number of series', () => {
  test('does not grow with a thousand portals, whatever goes wrong with them', async () => {
    stack = await startStack();
    const { store, container } = stack.service;
    const now = Date.now();
    const portal = async (index: number) => {
      const accountId = `acc_${index}`;
      await store.accounts.create({ id: accountId, name: `Customer ${index}`, createdAt: now });
      const connection = {
        id: derivedId('con', accountId, 'hubspot', String(index)),
        accountId,
        provider: 'hubspot',
        externalId: String(1_000 + index),
        status: 'connected' as const,
        statusReason: null,
        homeCurrency: 'EUR',
        timeZone: null,
        uiHost: null,
        scopes: [],
        connectedAt: now,
      };
      // Tokens that nobody can open: every record fails, in the name of its own portal.
      await store.connections.connect(connection, { accessToken: 'x', refreshToken: 'x', expiresAt: now });
      if (index % BUSY_EVERY !== 0) return;
      await store.work.ask(accountId, [
        { record: { connectionId: connection.id, object: 'deal', id: String(index) }, at: now },
      ]);
    };
    await portal(0);
    const failures = async () =>
      sampleOf(await scrape(stack as Stack), 'wonward_put_back_total{queue="work",reason="unsealable",parked="false"}');
    await expect.poll(failures, { timeout: 60_000, interval: 100 }).toBeGreaterThanOrEqual(1);
    // Node has series for each kind of garbage collection and of open handle, once there was one.
    const own = (text: string) => seriesOf(text).filter((line) => !line.startsWith('wonward_nodejs_')).length;
    const before = own(await scrape(stack));
    for (let index = 1; index < 1_000; index += 1) await portal(index);
    await expect.poll(failures, { timeout: 120_000, interval: 250 }).toBeGreaterThanOrEqual(1_000 / BUSY_EVERY);
    await container.stop();
    const text = await scrape(stack);
    expect(sampleOf(text, 'wonward_connections{provider="hubspot",status="connected"}')).toBe(1_000);
    expect(own(text) - before).toBeLessThanOrEqual(2);
    expect(seriesOf(text).length).toBeLessThan(SERIES_MAX);
    expect(text).not.toMatch(/acc_\d|con_|Customer/);
  }, 240_000);

  test('does not grow with what a caller or a CRM makes up', async () => {
    const metrics = createMetrics({ withProcess: false });
    metrics.expect({ crms: ['hubspot'], payouts: ['credit'], storeParts: ['inbox'] });
    const series = async () => seriesOf((await metrics.render()).text).length;
    metrics.crmCall('hubspot', 'BREW', 200);
    metrics.crmCall('hubspot', 'GET', 404);
    const before = await series();
    for (let status = 400; status < 500; status += 1) metrics.crmCall('hubspot', `M${status}`, status);
    for (let index = 0; index < 100; index += 1) metrics.putBack('work', putBackReasonOf(`made up ${index}`), false);
    // other × 4xx and other × 429: both names are ours.
    expect((await series()) - before).toBeLessThanOrEqual(2);
  });
});

test.each([
  ['crm_forbidden: HubSpot does not allow this.', 'crm_forbidden'],
  ['unexpected: see the log', 'unexpected'],
  ['changed by others meanwhile', 'other'],
  ['constructor: no fault of ours', 'other'],
  ['', 'other'],
])('what a queue was given as reason (%s) is counted as %s', (error, reason) => {
  expect(putBackReasonOf(error)).toBe(reason);
});

describe('a reading of the database', () => {
  const reading = (due: number): VitalReading => ({
    oldestDueSeconds: { work: due, payouts: 0, mirror: 0, callbacks: 0, webhooks: 0 },
    connections: [],
    disk: { freeBytes: 1, sizeBytes: 2 },
  });

  test('is one for all gauges of a scrape', async () => {
    const metrics = createMetrics({ withProcess: false });
    let reads = 0;
    metrics.watchVitals(async () => {
      reads += 1;
      return reading(5);
    });
    const { text } = await metrics.render();
    expect(text).toContain('wonward_queue_oldest_due_seconds{queue="work"} 5');
    expect(text).toContain('wonward_disk_bytes{kind="free"} 1');
    expect(reads).toBe(1);
  });

  test('that took long is not repeated before twenty times as long has passed', async () => {
    let now = 0;
    let reads = 0;
    const metrics = createMetrics({ withProcess: false, monotonic: () => now });
    metrics.watchVitals(async () => {
      reads += 1;
      now += 1_000;
      return reading(reads);
    });
    await metrics.render();
    now += 19_000;
    expect((await metrics.render()).text).toContain('wonward_queue_oldest_due_seconds{queue="work"} 1');
    now += 2_000;
    expect((await metrics.render()).text).toContain('wonward_queue_oldest_due_seconds{queue="work"} 2');
    expect(reads).toBe(2);
  });
});
