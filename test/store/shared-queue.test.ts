import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Hop, Listener, Shard, Store } from '../../src/application/ports/store.ts';
import { openStore } from '../../src/store/open.ts';
import { claiming, hint, T0, tenant } from '../conformance/store-fixtures.ts';
import { postgresForThisFile } from '../support/postgres.ts';

const server = await postgresForThisFile();
const migrated = await server.freshDatabase();
await (await openStore({ url: migrated })).close();

let url: string;
let nodes: Store[];
let listeners: Listener[];
let raw: pg.Client;
let a: ReturnType<typeof tenant>;

beforeEach(async () => {
  url = await server.freshDatabase(migrated);
  nodes = [await openStore({ url }), await openStore({ url })];
  listeners = [];
  raw = new pg.Client({ connectionString: url });
  await raw.connect();
  a = tenant(node(0));
  await a.create();
});
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.stop()));
  await Promise.all(nodes.map((one) => one.close()));
  await raw.end();
});

const node = (index: number): Store => nodes[index] as Store;
const CONNECTION: Shard = { accountId: 'acc_a', connectionId: 'con_a' };
const ACCOUNT: Shard = { accountId: 'acc_a', connectionId: null };

/** Hears on a node until the test ends. */
async function hear(index: number, hop: Hop, run: (shard: Shard) => Promise<void>): Promise<Listener> {
  const listener = await node(index).shared?.listen(hop, 2, run);
  if (!listener) throw new Error('nothing is shared');
  listeners.push(listener);
  return listener;
}

async function jobs(): Promise<string[]> {
  const { rows } = await raw.query('select key from graphile_worker.jobs where key is not null order by key');
  return rows.map(({ key }) => String(key));
}

async function until(isTrue: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 40_000;
  while (!isTrue() && Date.now() < giveUpAt) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isTrue()).toBe(true);
}

describe('what makes something due is told in the same transaction', () => {
  test('a delivery, once each shard however many records', async () => {
    await node(0).inbox.append(a.of, [hint('e1', ['1', '2']), hint('e2', ['3'])], T0);
    await node(0).inbox.append(a.of, [hint('e3', ['4'])], T0);
    expect(await jobs()).toEqual(['process acc_a con_a']);
  });

  test('a delivery that brings nothing new tells nobody', async () => {
    await node(0).inbox.append(a.of, [hint('e1', ['1'])], T0);
    await raw.query('delete from graphile_worker._private_jobs');
    await node(0).inbox.append(a.of, [hint('e1', ['1'])], T0);
    expect(await jobs()).toEqual([]);
  });

  test('a decision: its order, its mirror, and a wake that is due', async () => {
    await a.writePair();
    await a.write({
      ...a.granted(a.reward('rwd_1', 'ref_1')),
      mirror: [a.ref('contact', '1')],
      wakes: [{ record: a.ref('deal', '1'), at: T0 - 1 }],
    });
    expect(await jobs()).toEqual(['mirror acc_a con_a', 'payouts acc_a ', 'process acc_a con_a']);
  });

  test('a wake that lies ahead tells nobody yet', async () => {
    await a.write({ wakes: [{ record: a.ref('deal', '1'), at: T0 + 1 }] });
    expect(await jobs()).toEqual([]);
  });

  test('a commit that fails tells nobody', async () => {
    await a.writePair();
    const lost = a.commit({ members: [a.member('mem_1', { version: 9 })], mirror: [a.ref('contact', '1')] });
    expect(await node(0).cases.commit([lost])).toEqual(['conflict']);
    await node(0).inbox.append(a.of, [hint('e1', ['1'])], T0);
    const items = await node(0).work.claim(claiming('c'));
    await raw.query('delete from graphile_worker._private_jobs');
    const unbalanced = a.commit({}, { settles: items, snapshots: [{ facts: a.deal('1'), readAt: T0, basis: 7 }] });
    await node(0).cases.commit([unbalanced, lost]);
    expect(await jobs()).toEqual([]);
  });

  test('records that a stopping node gives back, and everything that is marked to be written again', async () => {
    await node(0).inbox.append(a.of, [hint('e1', ['1'])], T0);
    await a.write({ mirror: [a.ref('contact', '1')] });
    const items = await node(0).work.claim(claiming('c'));
    await raw.query('delete from graphile_worker._private_jobs');
    await node(0).work.release(items);
    await node(0).mirror.markAll('acc_a', 'con_a', T0);
    expect(await jobs()).toEqual(['mirror acc_a con_a', 'process acc_a con_a']);
  });
});

describe('a word', () => {
  test('is heard by one node, and by each hop for itself', async () => {
    const heard: string[] = [];
    for (const index of [0, 1])
      for (const hop of ['process', 'payouts', 'mirror'] as const)
        await hear(index, hop, async ({ accountId, connectionId }) => {
          heard.push(`${hop} ${accountId} ${connectionId}`);
        });
    await a.writePair();
    await a.write({ ...a.granted(a.reward('rwd_1', 'ref_1')), mirror: [a.ref('contact', '1')] });
    await node(0).inbox.append(a.of, [hint('e1', ['1'])], T0);
    await until(() => heard.length >= 3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(heard.sort()).toEqual(['mirror acc_a con_a', 'payouts acc_a null', 'process acc_a con_a']);
  });

  test('that comes while the shard is being worked on is heard again', async () => {
    let calls = 0;
    let finish = () => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    for (const index of [0, 1])
      await hear(index, 'process', async () => {
        calls += 1;
        if (calls === 1) await first;
      });
    await node(0).shared?.tell('process', [CONNECTION]);
    await until(() => calls === 1);
    await node(1).shared?.tell('process', [CONNECTION]);
    await until(() => calls === 2);
    finish();
  });

  test('that waits keeps its place however often it is told', async () => {
    const { shared } = node(0);
    await shared?.tell('payouts', [ACCOUNT]);
    const placed = async () => (await raw.query('select run_at from graphile_worker.jobs')).rows;
    const before = await placed();
    await shared?.tell('payouts', [ACCOUNT]);
    await node(1).shared?.tell('payouts', [ACCOUNT]);
    expect(await placed()).toEqual(before);
  });

  test('of a shard whose worker throws is no hindrance to the next one', async () => {
    let calls = 0;
    await hear(0, 'process', async () => {
      calls += 1;
      throw new Error('the batch failed');
    });
    await node(0).shared?.tell('process', [CONNECTION]);
    await until(() => calls === 1);
    await raw.query(`delete from graphile_worker._private_jobs where locked_at is not null`);
    await node(0).shared?.tell('process', [{ accountId: 'acc_a', connectionId: 'con_b' }]);
    await until(() => calls === 2);
  });
});

describe('a listener', () => {
  test('that stops finishes what is under way and hears nothing more', async () => {
    let begun = 0;
    let finished = 0;
    const listener = await hear(0, 'process', async () => {
      begun += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      finished += 1;
    });
    await node(0).shared?.tell('process', [CONNECTION]);
    await until(() => begun === 1);
    await listener.stop();
    await listener.ended;
    expect(finished).toBe(1);
    await node(0).shared?.tell('process', [CONNECTION]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(begun).toBe(1);
  });

  test.each([
    ['has worked before', true],
    ['has not yet learned its tasks', false],
  ])(
    'that %s hears again after the database was away, or ends so that another one can take its place',
    async (_, hasWorked) => {
      raw.on('error', () => undefined);
      let calls = 0;
      const listener = await hear(0, 'process', async () => {
        calls += 1;
      });
      const tell = async () => node(1).shared?.tell('process', [CONNECTION]);
      if (hasWorked) {
        await tell();
        await until(() => calls === 1);
      }
      const before = calls;
      let ended = false;
      void listener.ended.then(() => {
        ended = true;
      });
      await server.crash('immediate');
      await server.restart();
      raw = new pg.Client({ connectionString: url });
      await raw.connect();
      // The pool may hand out a connection that broke with the server; whoever tells tells again.
      await tell().catch(tell);
      await until(() => calls > before || ended);
    },
  );
});

test('nodes that open a new database at the same time all find it made', async () => {
  const fresh = await server.freshDatabase();
  const opened = await Promise.all([1, 2, 3].map(() => openStore({ url: fresh })));
  await Promise.all(opened.map((store) => store.ping()));
  await Promise.all(opened.map((store) => store.close()));
});
