import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { killAllChildren, until } from '../support/processes.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { type Json, PORTAL, quickClockSince } from '../support/stack.ts';

/*
 * A portal full of deals is read while the process that reads it is killed again and again: in the middle of the listing, with a batch
 * under way, with no warning. What has to be true afterwards is asked of the database and of the local HubSpot, which counts every call.
 *
 *   BACKFILL_DEALS=100000 npx vitest run test/crash/backfill.test.ts
 */

const DEALS = Number(process.env.BACKFILL_DEALS ?? 4_000);

/** Ten seconds' calls are made in one and a quarter: leases and time limits of seconds still bear a busy machine. */
const RATE = 8;

/** Shares of the deals after which the process is killed. What it had claimed is another's after a minute of its time, so each costs some seconds. */
const KILLED_AT = DEALS < 20_000 ? [0.4] : [0.1, 0.5, 0.85];

/** 433 MB were seen with 100,000 deals and 350 with 4,000: it does not grow with what the portal has. */
const MEMORY_MAX_MB = 700;

/** Batches of 200 deals ask whose they are in a call of their own, and what a dead process had under way is asked again. */
const CALLS_MAX = (least: number) => 1.3 * least + 40 * KILLED_AT.length;

const DAY_MS = 86_400_000;
const DEALS_PER_STRANGER = 50;
/** One deal of so many is a referred friend's. */
const REFERRED_EVERY = 400;

/** Three deals of four bear the very same millisecond, as an import leaves them: of 100,000 that is far beyond the 10,000 that a search ends at. */
const isInTheCrowd = (index: number) => index % 4 !== 0;

const TIMEOUT_MS = 60_000 + DEALS * 12;

let directory: string;
let site: ServiceProcess;
let longAgo: number;
const deals: string[] = [];
const referred: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-backfill-'));
  const since = Date.now();
  site = await startServiceProcess({
    databaseUrl: `sqlite:${join(directory, 'wonward.db')}`,
    script: 'test/support/quick-node.ts',
    environment: { CLOCK_SINCE: String(since), CLOCK_RATE: String(RATE) },
    sandbox: { clock: quickClockSince(since, RATE).now, rateLimits: true },
  });
  await site.install();
  longAgo = since - 400 * DAY_MS;
  const crm = site.sandbox.control;
  const silence = crm.addFault({ target: 'webhook', portalId: PORTAL, effect: { kind: 'drop' } });
  const person = (name: string, referredBy?: string) =>
    crm.createRecord(PORTAL, 'contact', {
      properties: { email: `${name}@example.com`, firstname: name },
      associations: referredBy ? [{ toType: 'contact', toId: referredBy, labels: ['Referred by'] }] : [],
      at: longAgo,
    }).id;
  const member = person('member');
  let stranger = '';
  for (let index = 0; index < DEALS; index += 1) {
    const isReferred = index % REFERRED_EVERY === 0;
    if (index % DEALS_PER_STRANGER === 0) stranger = person(`stranger-${index}`);
    const { id } = crm.createRecord(PORTAL, 'deal', {
      properties: { dealname: 'Engines', amount: '1000.00', pipeline: 'default', dealstage: 'closedwon' },
      associations: [{ toType: 'contact', toId: isReferred ? person(`friend-${index}`, member) : stranger }],
      at: isInTheCrowd(index) ? longAgo : longAgo + index * 1_000,
    });
    deals.push(id);
    if (isReferred) referred.push(id);
  }
  await site.sandbox.idle();
  crm.removeFault(silence.id);
}, TIMEOUT_MS);

afterAll(async () => {
  await site.close();
  await killAllChildren();
  await rm(directory, { recursive: true, force: true });
});

async function ask(method: string, path: string, body?: unknown): Promise<Json> {
  const answer = await site.api(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function all(path: string): Promise<Json[]> {
  const items: Json[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Json = await ask('GET', `${path}&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
    items.push(...page.items);
    cursor = page.nextCursor ?? null;
  }
  return items;
}

/** The most memory that the running process has had, in MB; null where the system does not say. */
async function peakMb(): Promise<number | null> {
  const status = await readFile(`/proc/${site.child.pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1_024);
}

test(`${DEALS} deals are read once each though the process is killed ${KILLED_AT.length} times meanwhile`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const crm = site.sandbox.control;
  const [{ id: connectionId }] = (await ask('GET', '/connections')).items;
  crm.clearCalls();
  const startedAt = Date.now();
  const since = new Date(longAgo - DAY_MS).toISOString();
  const { id } = await ask('POST', '/backfills', { connectionId, since });
  const progress = () => ask('GET', `/backfills/${id}`);

  const peaks: Array<number | null> = [];
  for (const share of KILLED_AT) {
    let now: Json;
    await until(`${share} of the deals are read`, TIMEOUT_MS, async () => {
      now = await progress();
      return now.read >= share * DEALS;
    });
    // In the middle of it: there is more to list, or to read.
    expect(now.state === 'running' || now.waiting > 0, JSON.stringify(now)).toBe(true);
    peaks.push(await peakMb());
    await site.stop('SIGKILL');
    await site.start();
    expect((await progress()).read, 'how far it had come is kept').toBeGreaterThanOrEqual(
      now.found - now.waiting - 1_000,
    );
  }
  await until('the backfill is through', TIMEOUT_MS, async () => {
    const { state, waiting } = await progress();
    return state === 'done' && waiting === 0;
  });
  const seconds = (Date.now() - startedAt) / 1_000;
  await site.settle();
  peaks.push(await peakMb());

  const end = await progress();
  expect(end).toMatchObject({ state: 'done', problem: null });
  expect(end.found).toBeGreaterThanOrEqual(DEALS);

  // Every one of them was read, by what the database says.
  const store = await openStore({ url: `sqlite:${join(directory, 'wonward.db')}` });
  try {
    let read = 0;
    for (let from = 0; from < deals.length; from += 500) {
      const ids = deals.slice(from, from + 500);
      read += (await store.reads.readTimes(site.accountId, connectionId, 'deal', ids)).size;
    }
    expect(read).toBe(DEALS);
  } finally {
    await store.close();
  }

  // What was won by referred friends is listed once for each party, and nothing of it is owed.
  const decisions = (await all('/decisions?')).filter(({ outcome }) => outcome === 'history');
  const counted = new Map<string, number>();
  for (const { deal, party } of decisions) {
    const key = `${deal.id} ${party}`;
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  const expected = new Map(referred.flatMap((deal) => [`${deal} friend`, `${deal} member`].map((key) => [key, 1])));
  expect(counted).toEqual(expected);
  expect((await ask('GET', '/rewards')).items).toEqual([]);
  expect((await ask('GET', '/balances')).items).toEqual([]);

  const [{ total, routes }] = crm.calls() as [Json];
  const refused = routes.filter(({ statuses }: Json) => statuses[429]);
  expect(refused, 'HubSpot had to say "slow down"').toEqual([]);
  const contacts = end.found - DEALS;
  // Listed by 200, read by 50 with their history and by 100, and whose they are asked of 1,000 deals at once.
  const least =
    Math.ceil(end.found / 200) + Math.ceil(DEALS / 50) + Math.ceil(contacts / 100) + Math.ceil(DEALS / 1_000);
  expect(total).toBeLessThanOrEqual(CALLS_MAX(least));
  expect(Math.max(...peaks.map((peak) => peak ?? 0))).toBeLessThan(MEMORY_MAX_MB);
  console.info(
    `${DEALS} deals in ${seconds.toFixed(0)} s (${RATE} seconds of a portal's in one), killed ${KILLED_AT.length} times: ` +
      `${total} calls, the batch sizes allow ${least}; at most ${peaks.join(', ')} MB. ${JSON.stringify(routes)}`,
  );
});
