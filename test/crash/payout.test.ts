import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';
import { until } from '../support/processes.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { type Json, PORTAL } from '../support/stack.ts';

/** Long enough for a busy machine to start a process and to look for work. */
const WAIT_MS = 120_000;

const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Gift cards',
  rules: [
    {
      key: 'member-won',
      party: 'member',
      amount: { kind: 'fixed', money: { amount: '25.00', currency: 'EUR' } },
      payout: 'tremendous',
      onReversal: 'cancel',
    },
  ],
};

let directory: string;
let path: string;
let vendor: Awaited<ReturnType<typeof startTremendous>>;
let service: ServiceProcess;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-crash-payout-'));
  path = join(directory, 'wonward.db');
  vendor = await startTremendous({ apiKey: 'TEST_key', webhookKey: 'hook', callsPerSecond: 1_000 });
  service = await startServiceProcess({
    databaseUrl: `sqlite:${path}`,
    program: PROGRAM,
    environment: {
      LOCAL_PAYOUT_PROVIDERS: `tremendous=${vendor.url.href}`,
      ALLOW_PRIVATE_DESTINATIONS: 'true',
    },
  });
  await service.install();
  const values = [
    { field: 'apiKey', value: 'TEST_key' },
    { field: 'campaignId', value: 'CAMPAIGN1' },
  ];
  expect((await service.api('PUT', '/providers/tremendous/credentials', { values })).status).toBe(200);
}, WAIT_MS);
afterAll(async () => {
  await service.close();
  await vendor.stop();
  await rm(directory, { recursive: true, force: true });
});

/** While nobody runs: what the dead node held is free at once, and not only when its lease has run out. */
function endLeases(): void {
  inDatabase((database) => {
    for (const table of ['work', 'intents', 'mirror'])
      database.prepare(`update ${table} set due_at = 0 where claim is not null`).run();
  });
}

function inDatabase<T>(look: (database: Database.Database) => T): T {
  const database = new Database(path);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

/** The provider carries out the next call and never answers it; the process dies while it waits. */
async function killWhileAsking(called: string, isDone: () => boolean): Promise<void> {
  await until('the provider has carried it out', WAIT_MS, isDone);
  await service.stop('SIGKILL');
  vendor.control.clearFaults();
  expect(vendor.control.calls.filter((call) => call.includes(called)).length).toBeGreaterThan(0);
  endLeases();
  await service.start();
}

const rewards = async (): Promise<Json[]> => (await service.api('GET', '/rewards')).body.items;
const kindsOf = async (): Promise<string[]> =>
  (await service.api('GET', '/journals')).body.items.map(({ kind }: Json) => kind).sort();

test('an order, and what undoes it, is carried out once though the process dies after the provider has accepted each', {
  timeout: 5 * WAIT_MS,
}, async () => {
  const crm = service.sandbox.control;
  const portalId = PORTAL;
  const contact = (email: string, associations: object[] = []) =>
    crm.createRecord(portalId, 'contact', { properties: { email }, associations } as never).id;
  const member = contact('ada@example.com');
  const friend = contact('bob@example.com', [{ toType: 'contact', toId: member, labels: ['Referred by'] }]);
  vendor.control.fault({ kind: 'late', method: 'POST', path: '/api/v2/orders' });
  const deal = crm.createRecord(portalId, 'deal', {
    properties: { dealname: 'Engines', amount: '1000.00', pipeline: 'default', dealstage: 'closedwon' },
    associations: [{ toType: 'contact', toId: friend }],
  }).id;
  await killWhileAsking('/orders', () => vendor.control.orders.length === 1);
  await until('the reward is issued', WAIT_MS, async () => (await rewards())[0]?.state === 'issued');
  expect(vendor.control.orders).toHaveLength(1);

  vendor.control.fault({ kind: 'late', method: 'POST', path: '/api/v2/rewards' });
  crm.editRecord(portalId, 'deal', deal, { properties: { dealstage: 'contractsent' } });
  await killWhileAsking('/cancel', () => vendor.control.orders[0]?.status === 'CANCELED');
  await until('the cash is booked', WAIT_MS, async () => (await kindsOf()).includes('return'));
  expect(await kindsOf()).toEqual(['accrue', 'claw_back', 'issue', 'return']);
  const [reward, ...more] = await rewards();
  expect([reward?.state, reward?.reason.code, more]).toEqual(['clawed_back', 'payout_returned', []]);
  const { body } = await service.api('GET', `/members/${reward?.beneficiaryId}/balance`);
  expect(body.items).toMatchObject([{ currency: 'EUR', receivable: '0.00', owed: '0.00', overpaid: '0.00' }]);
  expect(vendor.control.orders).toHaveLength(1);
});

test('a test of a program goes on where it was after the process has died, and is over though it dies again while it ends: nobody is asked for anything', {
  timeout: 5 * WAIT_MS,
}, async () => {
  const crm = service.sandbox.control;
  const [{ id: connectionId }] = (await service.api('GET', '/connections')).body.items;
  const real = { rewards: await rewards(), journals: await kindsOf(), orders: vendor.control.orders.length };
  const friend = crm.createRecord(PORTAL, 'contact', { properties: { email: 'tessa@example.com' } }).id;
  const begun = await service.api('POST', '/test-runs', {
    connectionId,
    programId: 'default',
    friendContactId: friend,
  });
  expect(begun.status, JSON.stringify(begun.body)).toBe(201);
  const run = async (): Promise<Json> => (await service.api('GET', `/test-runs/${begun.body.id}`)).body;
  const deal = crm.createRecord(PORTAL, 'deal', {
    properties: { dealname: 'A trial', amount: '1000.00', pipeline: 'default', dealstage: 'contractsent' },
    associations: [{ toType: 'contact', toId: friend }],
  }).id;
  await until('the test has read the deal', WAIT_MS, async () => (await run()).referral?.stage === 'opportunity');

  // Slow enough to die between what was read and what is decided on it.
  crm.addFault({ target: 'api', path: '/crm/*', effect: { kind: 'latency', latencyMs: 400 } });
  crm.editRecord(PORTAL, 'deal', deal, { properties: { dealstage: 'closedwon' } });
  const isRead = `select 1 from work where account_id = 'test_' || ? and object = 'deal' and claim is not null`;
  await until('the test reads the deal that is won', WAIT_MS, async () =>
    inDatabase((database) => database.prepare(isRead).get(begun.body.id) !== undefined),
  );
  await service.stop('SIGKILL');
  const ofTest = (column: string, table: string) =>
    inDatabase((database) =>
      database
        .prepare(`select ${column} from ${table} where account_id = 'test_' || ? order by 1`)
        .pluck()
        .all(begun.body.id),
    );
  expect(ofTest('state', 'rewards'), 'it has died before it had decided').toEqual([]);
  crm.clearFaults();
  endLeases();
  await service.start();
  const shows = () => crm.getRecord(PORTAL, 'deal', deal)?.properties.wonward_reward_state ?? '';
  await until('the test shows what it has granted', WAIT_MS, async () => shows() === 'Test: member: issued');
  expect((await run()).rewards.map(({ reward }: Json) => reward.state)).toEqual(['issued']);
  expect(ofTest('kind', 'journals')).toEqual(['accrue', 'issue']);

  crm.addFault({ target: 'api', path: '/crm/objects/*', effect: { kind: 'latency', latencyMs: 400 } });
  const saying = service.api('POST', `/test-runs/${begun.body.id}/end`, {}).catch(() => null);
  const ends = `select state from test_runs where id = ? and state <> 'running'`;
  await until('the test ends', WAIT_MS, async () =>
    inDatabase((database) => database.prepare(ends).get(begun.body.id) !== undefined),
  );
  await service.stop('SIGKILL');
  await saying;
  expect(shows(), 'it has died before it had taken it out of the CRM').toBe('Test: member: issued');
  crm.clearFaults();
  endLeases();
  await service.start();
  expect((await service.api('POST', `/test-runs/${begun.body.id}/end`, {})).body).toMatchObject({ state: 'ended' });
  await until('nothing of it is shown', WAIT_MS, async () => shows() === '');
  expect((await run()).rewards.map(({ reward }: Json) => reward.state)).toEqual(['clawed_back']);
  expect(ofTest('kind', 'journals')).toEqual(['accrue', 'claw_back', 'issue']);
  expect({ rewards: await rewards(), journals: await kindsOf(), orders: vendor.control.orders.length }).toEqual(real);
});
