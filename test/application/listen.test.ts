import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createListen, type ListenDeps, type ListenTiming } from '../../src/application/listen.ts';
import type { CrmAccess, Hint } from '../../src/application/ports/crm.ts';
import type { CrmStream, StreamBatch } from '../../src/application/ports/crm-stream.ts';
import type { Connection, Store } from '../../src/application/ports/store.ts';
import { createStream } from '../../src/crm/salesforce/stream.ts';
import { Fault } from '../../src/domain/errors.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics, type Metrics } from '../../src/platform/metrics.ts';
import { openStore } from '../../src/store/open.ts';
import { hint, T0, tenant } from '../conformance/store-fixtures.ts';
import { startWorld, tokensFor, type World } from '../sandbox/salesforce/harness.ts';

/** What takes seconds in life takes a few milliseconds here; what should not come to pass in a test takes longer than it. */
const TIMING: ListenTiming = {
  lookMs: 10,
  leaseMs: 600_000,
  unavailableMs: 600_000,
  neverMs: 600_000,
  backoffBaseMs: 5,
  backoffMaxMs: 10,
};
/** On a machine that is busy. */
const SOON = { timeout: 20_000, interval: 5 };
const PROVIDER = 'salesforce';

let folder: string;
let store: Store;
let metrics: Metrics;
let nodes: Array<{ stop(): Promise<void> }>;
/** How far the clock of everybody runs ahead of the real one. */
let aheadMs: number;
const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wonward-listen-'));
  store = await openStore({ url: `sqlite:${join(folder, 'wonward.db')}` });
  metrics = createMetrics({ withProcess: false });
  nodes = [];
  aheadMs = 0;
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly accepted: string[];
  readonly requests: string[];
}

function node(stream: CrmStream, more: Partial<ListenDeps> = {}): Told & { stop(): Promise<void> } {
  const accepted: string[] = [];
  const requests: string[] = [];
  const listen = createListen({
    store,
    streams: new Map([[PROVIDER, stream]]),
    accessOf: accessOf(),
    owner: `node ${nodes.length}`,
    clock,
    log: createLog({ level: 'silent' }),
    observe: metrics,
    onAccepted: ({ id }) => void accepted.push(id),
    onRequests: ({ id }) => void requests.push(id),
    ...more,
    timing: { ...TIMING, ...more.timing },
  });
  listen.start();
  nodes.push(listen);
  return { accepted, requests, stop: () => listen.stop() };
}

const accessOf =
  (more: Partial<CrmAccess> = {}) =>
  ({ id, externalId }: Connection): CrmAccess => ({
    connectionId: id,
    externalId,
    apiUrl: 'https://acme.my.salesforce.com',
    homeCurrency: null,
    scopes: [],
    accessToken: async () => 'token',
    ...more,
  });

async function connected(id = 'con_a', changes: Partial<Connection> = {}, accountId = 'acc_a') {
  const a = tenant(store, accountId, id);
  if (!(await store.accounts.get(accountId))) await store.accounts.create({ id: accountId, name: 'A', createdAt: T0 });
  await store.connections.connect(a.connection({ provider: PROVIDER, ...changes }), a.tokens);
  return a;
}

/** Rows of the database, as another process sees them. */
function rows<T>(query: string): T[] {
  const raw = new Database(join(folder, 'wonward.db'), { readonly: true });
  try {
    return raw.prepare(query).all() as T[];
  } finally {
    raw.close();
  }
}
const kept = () => rows<{ event_key: string }>('select event_key from inbox order by seq').map((row) => row.event_key);
const place = () => store.connections.streamPosition('acc_a', 'con_a');
const marks = async () => (await store.connections.sweepMarks('acc_a', 'con_a')).map(({ upTo }) => upTo);
async function sweptTo(upTo: number) {
  for (const object of ['contact', 'deal'] as const)
    await store.connections.setSweepMark('acc_a', 'con_a', { object, upTo });
}
async function metric(series: string): Promise<number | undefined> {
  const { text } = await metrics.render();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

// ── A stream that does as it is told ──

type ListenInput = Parameters<CrmStream['listen']>[0];

/** One listening after another does what the list says; what is behind it listens and hears nothing. */
function scripted(
  steps: ReadonlyArray<(input: ListenInput) => Promise<'position_lost' | 'unavailable_here' | 'ended'>>,
) {
  const begun: Array<{ readonly connectionId: string; readonly position: string | null }> = [];
  let open = 0;
  const stream: CrmStream = {
    async listen(input) {
      begun.push({ connectionId: input.access.connectionId, position: input.position });
      open += 1;
      try {
        const outcome = await steps[begun.length - 1]?.(input);
        if (outcome === 'position_lost' || outcome === 'unavailable_here') return outcome;
        if (!input.signal.aborted)
          await new Promise((resolve) => input.signal.addEventListener('abort', resolve, { once: true }));
        return 'stopped';
      } finally {
        open -= 1;
      }
    },
  };
  return { stream, begun, open: () => open };
}
const batch = (hints: readonly Hint[], more: Partial<StreamBatch> = {}): StreamBatch => ({
  hints,
  position: `at ${hints.at(-1)?.eventKey ?? 'nothing'}`,
  sweepFrom: null,
  hasRequests: false,
  ...more,
});
const keeps =
  (...batches: readonly StreamBatch[]) =>
  async ({ keep }: ListenInput) => {
    for (const one of batches) await keep(one);
    return 'ended' as const;
  };
const fails = (fault: unknown) => async () => Promise.reject(fault);

describe('what a stream brings', () => {
  test('is kept, is told to the workers, and is counted', async () => {
    await connected();
    const change = hint('e1', ['1'], { occurredAt: Date.now() - 2_000 });
    const echo = hint('e2', ['1'], { echo: true });
    const other = hint('e3', [], { kind: 'ignored', records: [] });
    const { stream } = scripted([keeps(batch([change, echo, other]), batch([change], { hasRequests: true }))]);
    const { accepted, requests } = node(stream);
    await expect.poll(() => requests, SOON).toEqual(['con_a']);
    expect(kept()).toEqual(['e1', 'e2', 'e3']);
    expect((await place())?.position).toBe('at e1');
    expect(accepted).toEqual(['con_a']);
    // What was ignored and what was ours is evidence and no work.
    expect(rows('select record_id, wanted from work')).toEqual([{ record_id: '1', wanted: 1 }]);
    const counted = (kind: string) => metric(`wonward_hints_total{provider="salesforce",kind="${kind}"}`);
    expect(await Promise.all(['accepted', 'duplicate', 'ignored', 'echo'].map(counted))).toEqual([3, 1, 1, 1]);
    expect(await metric('wonward_stream_lag_seconds_count{provider="salesforce"}')).toBe(2);
    await expect.poll(() => metric('wonward_streams_open{provider="salesforce"}'), SOON).toBe(1);
  });

  test('without naming records sets back what was swept, with the place in one transaction', async () => {
    await connected();
    await sweptTo(T0);
    const { stream } = scripted([keeps(batch([], { position: 'p', sweepFrom: T0 - 5 }))]);
    node(stream);
    await expect.poll(() => place(), SOON).toMatchObject({ position: 'p' });
    expect(await marks()).toEqual([T0 - 5, T0 - 5]);
  });

  test('and cannot be kept comes again, and is neither lost nor there twice', async () => {
    await connected();
    let failing = 2;
    const { append } = store.inbox;
    const flaky: Store['inbox'] = {
      async append(...input) {
        if (failing === 2) {
          failing -= 1;
          throw new Fault('storage', { kind: 'retry' }, 'The database does not answer.');
        }
        const outcome = await append(...input);
        // Kept, and nobody heard of it.
        if (failing === 1) {
          failing -= 1;
          throw new Error('the connection broke');
        }
        return outcome;
      },
    };
    const both = keeps(batch([hint('e1', ['1'])]), batch([hint('e2', ['2'])]));
    const { stream, begun } = scripted([both, both, both]);
    node(stream, { store: { ...store, inbox: flaky } });
    await expect.poll(kept, SOON).toEqual(['e1', 'e2']);
    expect(begun.map(({ position }) => position)).toEqual([null, null, 'at e1']);
    expect(await metric('wonward_stream_breaks_total{provider="salesforce",reason="failed"}')).toBe(2);
  });

  test('by a node whose time has run out is refused, since another may listen by now', async () => {
    await connected();
    const outcomes: unknown[] = [];
    const { stream } = scripted([
      async ({ keep }) => {
        aheadMs += 2 * TIMING.leaseMs;
        outcomes.push(await keep(batch([hint('late', ['1'])])).catch((err: Fault) => err.code));
        return 'ended';
      },
    ]);
    node(stream, { timing: { lookMs: 600_000 } });
    await expect.poll(() => outcomes, SOON).toEqual(['busy']);
    expect(kept()).toEqual([]);
  });
});

describe('the place in the stream', () => {
  test('that is lost is forgotten, what it stood for is swept, and listening goes on from the beginning', async () => {
    await connected();
    const at = Date.now() - 3_600_000;
    const { stream, begun } = scripted([
      keeps(batch([hint('e1', ['1'], { occurredAt: at })], { position: 'old' })),
      async () => 'position_lost',
      keeps(batch([hint('e2', ['2'])])),
    ]);
    const first = node(stream);
    await expect.poll(() => place(), SOON).toMatchObject({ position: 'old', keptAt: at });
    await first.stop();
    await sweptTo(Date.now());
    node(stream);
    await expect.poll(kept, SOON).toEqual(['e1', 'e2']);
    expect(begun.map(({ position }) => position)).toEqual([null, 'old', null]);
    expect(await marks()).toEqual([at, at]);
    expect(await metric('wonward_stream_breaks_total{provider="salesforce",reason="position_lost"}')).toBe(1);
  });

  test('that is said to be lost where there is none does not keep the node busy', async () => {
    await connected();
    const lost = async () => 'position_lost' as const;
    const { stream, begun } = scripted([lost, lost, lost, lost]);
    const waits: number[] = [];
    const sleep: Clock['sleep'] = (ms, signal) => {
      if (ms > TIMING.lookMs) waits.push(ms);
      return systemClock.sleep(Math.min(ms, 10), signal);
    };
    node(stream, { clock: { ...clock, sleep, random: () => 1 }, timing: { backoffBaseMs: 100, backoffMaxMs: 300 } });
    await expect.poll(() => begun.length, SOON).toBe(5);
    expect(waits).toEqual([100, 200, 300, 300]);
  });
});

describe('a stream that cannot go on', () => {
  test('because the grant is gone is left alone until the CRM is connected again', async () => {
    const a = await connected();
    const gone = new Fault('authorisation_revoked', { kind: 'reconnect' }, 'Gone.');
    const { stream, begun } = scripted([fails(gone)]);
    node(stream);
    await expect.poll(() => begun.length, SOON).toBe(1);
    await looksAgain();
    expect(begun).toHaveLength(1);
    await store.connections.connect(a.connection({ provider: PROVIDER }), a.tokens);
    await expect.poll(() => begun.length, SOON).toBe(2);
  });

  test('because it is refused is asked for again when a person may have changed something, not before', async () => {
    await connected();
    const refused = new Fault('crm_rejected', { kind: 'never' }, 'No.');
    const waits: number[] = [];
    const { stream, begun } = scripted([
      fails(refused),
      fails(new Fault('busy', { kind: 'retry', afterMs: 4_000 }, 'x')),
    ]);
    node(stream, { clock: { ...clock, sleep: quickly(waits) } });
    await expect.poll(() => begun.length, SOON).toBe(3);
    expect(waits).toEqual([TIMING.neverMs, 4_000]);
  });

  test('because there is none in this org is looked for again rarely', async () => {
    await connected();
    const none = async () => 'unavailable_here' as const;
    const waits: number[] = [];
    const { stream, begun } = scripted([none, none]);
    node(stream, { clock: { ...clock, sleep: quickly(waits) } });
    await expect.poll(() => begun.length, SOON).toBe(3);
    expect(waits).toEqual([TIMING.unavailableMs, TIMING.unavailableMs]);
    // Said once, however often it is looked for.
    expect(await metric('wonward_stream_breaks_total{provider="salesforce",reason="unavailable_here"}')).toBe(1);
  });

  test('of one org does not hinder those of others', async () => {
    await connected('con_a');
    await connected('con_b', {}, 'acc_b');
    const heard: string[] = [];
    const stream: CrmStream = {
      async listen({ access, keep, signal }) {
        if (access.connectionId === 'con_a') throw new Error('broken for good');
        await keep(batch([hint(`e${heard.length}`, ['1'])]));
        heard.push(access.connectionId);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return 'stopped';
      },
    };
    node(stream);
    await expect.poll(() => heard, SOON).toEqual(['con_b']);
  });
});

describe('who listens, and to what', () => {
  test('a CRM that is connected is heard within one look, and one that is disconnected no longer', async () => {
    const { stream, begun, open } = scripted([]);
    node(stream);
    await connected();
    await connected('con_hub', { provider: 'hubspot' });
    await expect.poll(() => begun.length, SOON).toBe(1);
    expect(begun[0]?.connectionId).toBe('con_a');
    await store.connections.disconnect('acc_a', 'con_a', 'by an admin', T0);
    await expect.poll(open, SOON).toBe(0);
    // With nobody to listen to, the database is not kept looking as if it were in use.
    await expect.poll(() => rows('select name from leases'), SOON).toEqual([]);
    await connected();
    await expect.poll(() => begun.length, SOON).toBe(2);
  });

  test('of two nodes one listens; when it stops the other does at once', async () => {
    await connected();
    const [first, second] = [scripted([]), scripted([])];
    const one = node(first.stream);
    await expect.poll(first.open, SOON).toBe(1);
    node(second.stream);
    await looksAgain();
    expect([first.begun.length, second.begun.length]).toEqual([1, 0]);
    await one.stop();
    expect(first.open()).toBe(0);
    await expect.poll(second.open, SOON).toBe(1);
  });

  test('a node that dies is replaced when its time has run out, and goes on no longer when it comes back', async () => {
    await connected();
    const [first, second] = [scripted([]), scripted([])];
    let isFrozen = false;
    const leases: Store['leases'] = {
      ...store.leases,
      acquire: (...input) => (isFrozen ? Promise.reject(new Error('no database')) : store.leases.acquire(...input)),
    };
    node(first.stream, { store: { ...store, leases } });
    await expect.poll(first.open, SOON).toBe(1);
    isFrozen = true;
    node(second.stream);
    await looksAgain();
    expect([first.open(), second.open()]).toEqual([1, 0]);
    aheadMs += TIMING.leaseMs + 1;
    await expect.poll(() => [first.open(), second.open()], SOON).toEqual([0, 1]);
    isFrozen = false;
    await looksAgain();
    expect([first.open(), second.open()]).toEqual([0, 1]);
  });

  test('the lease is renewed in time for as long as somebody listens', async () => {
    await connected();
    const { stream, begun } = scripted([]);
    node(stream);
    await expect.poll(() => begun.length, SOON).toBe(1);
    for (let step = 0; step < 4; step += 1) {
      aheadMs += TIMING.leaseMs * 0.6;
      const until = Date.now() + aheadMs + TIMING.leaseMs * 0.9;
      await expect
        .poll(() => rows<{ until: number }>('select until from leases')[0]?.until, SOON)
        .toBeGreaterThan(until);
    }
    expect(begun).toHaveLength(1);
  });

  test('stopping waits for what is being kept', async () => {
    await connected();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow: Store['inbox'] = {
      async append(...input) {
        begun.resolve();
        await gate.promise;
        return store.inbox.append(...input);
      },
    };
    const { stream } = scripted([keeps(batch([hint('e1', ['1'])]))]);
    const { stop } = node(stream, { store: { ...store, inbox: slow } });
    await begun.promise;
    let isOver = false;
    const stopping = stop().then(() => {
      isOver = true;
    });
    await looksAgain();
    expect(isOver).toBe(false);
    gate.resolve();
    await stopping;
    expect(kept()).toEqual(['e1']);
  });
});

/** Sleeps of a look take their time, all others are noted and pass at once. */
function quickly(waits: number[]): Clock['sleep'] {
  return (ms, signal) => {
    if (ms !== TIMING.lookMs) waits.push(ms);
    return systemClock.sleep(Math.min(ms, TIMING.lookMs), signal);
  };
}

/** Resolves when every node has looked a few times more. */
async function looksAgain(): Promise<void> {
  for (let times = 0; times < 10; times += 1) await systemClock.sleep(TIMING.lookMs);
}

describe('against the local Salesforce', () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld({ keepAliveMs: 50 });
    // The store's clock and Salesforce's go together; the first session is as old as the difference.
    world.now.value = Date.now();
    Object.assign(world.tokens, await tokensFor(world.sandbox, world.orgId));
    await connected('con_a', { externalId: world.orgId });
  });
  afterEach(async () => {
    await Promise.all(nodes.map((one) => one.stop()));
    await expect.poll(() => world.control.streams(), SOON).toBe(0);
    await world.close();
  });

  const realNode = (more: Partial<ListenDeps> = {}) => {
    const stream = createStream({
      ...{ endpoint: world.sandbox.pubSubEndpoint, topics: ['/data/ChangeEvents'], clientName: 'wonward' },
      ...{ clock: () => world.now.value, random: () => 0, sleep: systemClock.sleep },
      limits: { backoffBaseMs: 5, backoffMaxMs: 20 },
    });
    const accessToken = async () => world.tokens.access_token;
    return node(stream, { accessOf: accessOf({ apiUrl: world.tokens.instance_url, accessToken }), ...more });
  };
  const contact = (name: string) => world.control.create(world.orgId, 'Contact', { LastName: name });
  const asked = () =>
    rows<{ record_id: string }>('select record_id from work')
      .map((row) => row.record_id)
      .sort();

  test('whatever breaks and whoever stops, each change is kept once and asked for', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { stop } = realNode();
      for (let at = 0; at < 15; at += 1) ids.push(contact(`${round} ${at}`));
      if (round % 2 === 1) world.control.breakStreams(world.orgId);
      if (round % 3 === 0) await expect.poll(() => kept().length, SOON).toBeGreaterThan(0);
      await stop();
      ids.push(contact(`${round} between`));
    }
    realNode();
    await expect.poll(() => kept().length, SOON).toBe(ids.length);
    expect(new Set(kept()).size).toBe(ids.length);
    expect(asked()).toEqual([...ids].sort());
    expect(await marks()).toEqual([]);
  });

  test('an event that comes twice is kept once, one that cannot be read sets back the sweep and stops nothing', async () => {
    await sweptTo(world.now.value + 1_000);
    const strike = (kind: string) =>
      void world.control.addFault({ target: 'event', times: 1, effect: { kind } } as never);
    realNode();
    strike('duplicate');
    const first = contact('twice');
    await expect.poll(() => asked(), SOON).toEqual([first]);
    const at = world.now.value;
    world.now.value += 500;
    strike('malformed');
    contact('broken');
    await expect.poll(marks, SOON).toEqual([at, at]);
    const last = contact('last');
    await expect.poll(asked, SOON).toEqual([first, last].sort());
    expect(kept()).toHaveLength(2);
    await expect.poll(() => metric('wonward_stream_undecodable_total{provider="salesforce"}'), SOON).toBe(1);
  });

  test('a node that was away for longer than Salesforce keeps its events has the time since then swept', async () => {
    const { stop } = realNode();
    contact('before');
    await expect.poll(() => kept().length, SOON).toBe(1);
    await stop();
    const keptAt = (await place())?.keptAt ?? 0;
    await sweptTo(Date.now() + 3_600_000);
    contact('missed');
    await world.sandbox.idle();
    world.now.value += 72 * 3_600_000 + 1;
    Object.assign(world.tokens, await tokensFor(world.sandbox, world.orgId));
    const young = contact('young');
    realNode();
    await expect.poll(() => kept().length, SOON).toBe(2);
    expect(asked()).toContain(young);
    expect(await marks()).toEqual([keptAt, keptAt]);
  });

  test('an org that selects its objects later is listened to then', async () => {
    world.control.setChangeEvents(world.orgId, []);
    realNode({ timing: { unavailableMs: 20 } });
    const series = 'wonward_stream_breaks_total{provider="salesforce",reason="unavailable_here"}';
    await expect.poll(() => metric(series), SOON).toBe(1);
    world.control.setChangeEvents(world.orgId, ['Contact']);
    const id = contact('heard');
    await expect.poll(asked, SOON).toEqual([id]);
  });
});
