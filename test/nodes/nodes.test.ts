import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSchedule } from '../../src/jobs/schedule.ts';
import type { Service } from '../../src/service.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { freePort } from '../support/free-port.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { type Stack, startNode, startStack } from '../support/stack.ts';

/*
 * Several nodes of the service on one PostgreSQL, in one process and each with its own port, as they stand behind a load balancer.
 * test/crash kills them as processes; here is what they do while all is well, and while one is replaced by another.
 */

const server = await postgresForThisFile();
const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];

let url: string;
let stack: Stack;
let scene: Scene;
const others: Service[] = [];

beforeAll(async () => {
  url = await server.freshDatabase();
  stack = await startStack({ databaseUrl: url });
  scene = createScene(stack);
  await stack.install();
  for (let count = 0; count < 2; count += 1) others.push(await anotherNode());
}, 60_000);
afterAll(async () => {
  await Promise.all(others.map((node) => node.stop()));
  await stack.close();
});

async function anotherNode(): Promise<Service> {
  return startNode({ ...stack.environment, PORT: String(await freePort()) });
}

async function query<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await isTrue())) {
    if (Date.now() > giveUpAt) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('three nodes on one database', () => {
  test('pay every deal once, whichever of them hears of it, and leave nothing behind', async () => {
    const member = scene.person('Member');
    const deals = Array.from({ length: 30 }, () => scene.deal([scene.friendOf(member)]));
    await stack.settle();
    for (const deal of deals) scene.win(deal);
    await stack.settle();
    for (const deal of deals) expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('3000.00 EUR');
    await scene.expectNothingParked();
  });

  test('go on paying when the node that heard of a deal is gone before it is decided', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
    await stack.settle();
    // The node that HubSpot calls keeps the webhook and stops; no other node has been called.
    const speak = scene.silence();
    scene.win(deal);
    speak();
    const { store } = stack.service;
    const connection = await store.connections.findByExternalId('hubspot', String(scene.portalId));
    if (!connection) throw new Error('not connected');
    await stack.stop();
    const record = { connectionId: connection.id, object: 'deal' as const, id: deal };
    await others[0]?.store.work.ask(connection.accountId, [{ record, at: Date.now() }]);
    await until('the deal is paid', async () => {
      const rows = await query<{ n: string }>(
        `select count(*) as n from rewards where deal_id = '${deal}' and state = 'issued'`,
      );
      return Number(rows[0]?.n) === 2;
    });
    await stack.start();
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('take over what a node that died had claimed, when its lease has run out', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
    await stack.settle();
    // As a dead node leaves it: claimed, and nobody has been told.
    const speak = scene.silence();
    scene.win(deal);
    speak();
    const [connection] = await query<{ account_id: string; id: string }>('select account_id, id from connections');
    if (!connection) throw new Error('not connected');
    const dueAt = Date.now() + 1_500;
    await query(`insert into work (account_id, connection_id, object, record_id, wanted, run_at, due_at, claim, claimed_at,
        attempts, erase, parked) values ('${connection.account_id}', '${connection.id}', 'deal', '${deal}', 1, ${dueAt - 9_000},
        ${dueAt}, 'of a dead node', ${dueAt - 9_000}, 0, 0, 0)
      on conflict (account_id, connection_id, object, record_id) do update
        set claim = excluded.claim, due_at = excluded.due_at, run_at = excluded.run_at, wanted = work.wanted + 1`);
    await until('the deal is paid', async () => (await scene.rewardsOn(deal)).join() === PAID.join());
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
    await stack.settle();
    await scene.expectNothingParked();
  });

  test('sweep once at each stroke of the schedule', async () => {
    const strokes: string[] = [];
    const clock = { now: () => Date.now(), random: Math.random, sleep: async () => {} };
    const nodes = [stack.service, ...others].map(({ store: { leases } }, index) =>
      createSchedule({
        name: 'test',
        expression: '*/2 * * * * *',
        run: async () => void strokes.push(`${Math.round(Date.now() / 2_000)}`),
        owner: `node ${index}`,
        leases,
        clock,
        log: pino({ level: 'silent' }),
      }),
    );
    for (const node of nodes) node.start();
    await until('two strokes', async () => strokes.length >= 2);
    await Promise.all(nodes.map((node) => node.stop()));
    expect(new Set(strokes).size).toBe(strokes.length);
  });

  test('hear of work again by themselves after the database was restarted', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
    await stack.settle();
    await server.crash('immediate');
    await server.restart();
    scene.win(deal);
    await until('the deal is paid', async () => (await scene.rewardsOn(deal).catch(() => [])).join() === PAID.join());
    await until('it is at rest', async () =>
      stack.settle().then(
        () => true,
        () => false,
      ),
    );
    await scene.expectNothingParked();
  });
});

describe('while nodes are replaced by those of a newer version', () => {
  test('the older ones go on beside a database that has columns and tables they do not know', async () => {
    await query('alter table referrals add column added_by_newer text');
    await query(`alter table work add column priority_of_newer bigint not null default 0`);
    await query('create table added_by_newer (id bigint)');
    await query(`insert into migrations (number, name, breaking) values (99, 'newer', 0)`);
    others.push(await anotherNode());
    const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('none of them starts on a database that has been changed in a way it cannot read', async () => {
    await query(`update migrations set breaking = 1 where number = 99`);
    await expect(anotherNode()).rejects.toThrow('migration 99 "newer", which this version of Wonward does not know');
  });
});
