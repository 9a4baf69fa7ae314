import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killAllChildren, until } from '../support/processes.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { type Json, PORTAL, quickClockSince } from '../support/stack.ts';

/** Five pages of the list, and six steps of 200 people. */
const PEOPLE = 1_100;
const RATE = 8;
const TIMEOUT_MS = 150_000;

let directory: string;
let site: ServiceProcess;
let listId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-list-import-'));
  const since = Date.now();
  site = await startServiceProcess({
    databaseUrl: `sqlite:${join(directory, 'wonward.db')}`,
    script: 'test/support/quick-node.ts',
    environment: { CLOCK_SINCE: String(since), CLOCK_RATE: String(RATE) },
    sandbox: { clock: quickClockSince(since, RATE).now, rateLimits: true },
  });
  await site.install();
  const crm = site.sandbox.control;
  const silence = crm.addFault({ target: 'webhook', portalId: PORTAL, effect: { kind: 'drop' } });
  const recordIds = Array.from(
    { length: PEOPLE },
    (_, index) => crm.createRecord(PORTAL, 'contact', { properties: { email: `p${index}@example.com` } }).id,
  );
  listId = crm.createList(PORTAL, { name: 'Customers', recordIds }).id;
  await site.sandbox.idle();
  crm.removeFault(silence.id);
}, TIMEOUT_MS);
afterAll(async () => {
  await site.close();
  await killAllChildren();
  await rm(directory, { recursive: true, force: true });
});

test('a list becomes members once each, though the process is killed while it reads and while it takes them in', {
  timeout: 2 * TIMEOUT_MS,
}, async () => {
  const crm = site.sandbox.control;
  // Slow enough to be killed in the middle of it.
  const slow = crm.addFault({ target: 'api', path: '/crm/*', effect: { kind: 'latency', latencyMs: 150 } });
  const [{ id: connectionId }] = (await site.api('GET', '/connections')).body.items;
  crm.clearCalls();
  const begun = await site.api('POST', '/member-imports/list', { id: 'all', connectionId, listId });
  expect(begun.status, JSON.stringify(begun.body)).toBe(201);
  const progress = async (): Promise<Json> => (await site.api('GET', '/member-imports/imp_all')).body;

  const met: string[] = [];
  for (const [state, isInTheMiddle] of [
    ['listing', ({ rows }: Json) => rows > 0],
    ['running', ({ counts }: Json) => counts.created > 0],
  ] as const) {
    await until(`it is ${state}`, TIMEOUT_MS, async () => {
      const now = await progress();
      if (now.state !== state || !isInTheMiddle(now)) return false;
      met.push(`${now.state} ${now.counts.open > 0}`);
      return true;
    });
    await site.stop('SIGKILL');
    await site.start();
  }
  expect(met).toEqual(['listing true', 'running true']);
  crm.removeFault(slow.id);
  await until('it is done', TIMEOUT_MS, async () => (await progress()).state === 'done');
  expect(await progress()).toMatchObject({
    rows: PEOPLE,
    counts: { open: 0, created: PEOPLE, matched: 0, refused: 0 },
  });
  const members = new Map<string, number>();
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await site.api('GET', `/members?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
    for (const { contact } of body.items) members.set(contact.id, (members.get(contact.id) ?? 0) + 1);
    cursor = body.nextCursor;
  }
  expect([members.size, Math.max(...members.values())]).toEqual([PEOPLE, 1]);
  const [{ routes }] = crm.calls() as [Json];
  const pages = routes.find(({ path }: Json) => path.endsWith('/memberships')).count;
  // Each kill costs at most the page that was under way.
  expect(pages).toBeGreaterThanOrEqual(Math.ceil(PEOPLE / 250));
  expect(pages).toBeLessThanOrEqual(Math.ceil(PEOPLE / 250) + 2);
});
