import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Connection, Store } from '../../src/application/ports/store.ts';
import { createStore, openEngine, openStore } from '../../src/store/open.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

let server: PostgresServer;
const directories: string[] = [];
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

async function sqliteUrl(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'wonward-vitals-'));
  directories.push(directory);
  return `sqlite:${join(directory, 'wonward.db')}`;
}

const DATABASES: ReadonlyArray<readonly ['sqlite' | 'postgres', () => Promise<string>]> = [
  ['sqlite', sqliteUrl],
  ['postgres', () => server.freshDatabase()],
];

async function connect(store: Store, accountId: string, externalId: string, changes: Partial<Connection> = {}) {
  const connection: Connection = {
    id: `con_${externalId}`,
    accountId,
    provider: 'hubspot',
    externalId,
    status: 'connected',
    statusReason: null,
    homeCurrency: null,
    timeZone: null,
    uiHost: null,
    scopes: [],
    connectedAt: 1_000,
    ...changes,
  };
  await store.connections.connect(connection, { accessToken: 'a', refreshToken: 'r', expiresAt: 1 });
  return connection;
}

describe.each(DATABASES)('on %s', (name, freshUrl) => {
  test('the connections are counted by state, with the one that was swept the longest ago', async () => {
    const store = await openStore({ url: await freshUrl() });
    try {
      expect((await store.vitals.signs()).connections).toEqual([]);
      await store.accounts.create({ id: 'acc_a', name: 'A', createdAt: 1 });
      const [first, second] = [await connect(store, 'acc_a', '1'), await connect(store, 'acc_a', '2')];
      await connect(store, 'acc_a', '3', { connectedAt: 9_000 });
      const gone = await connect(store, 'acc_a', '4', { connectedAt: 1 });
      await store.connections.disconnect('acc_a', gone.id, 'gone', 0);
      for (const [{ id }, deal, contact] of [
        [first, 5_000, 7_000],
        [second, 6_000, 4_000],
      ] as const) {
        await store.connections.setSweepMark('acc_a', id, { object: 'deal', upTo: deal });
        await store.connections.setSweepMark('acc_a', id, { object: 'contact', upTo: contact });
      }
      const { connections, disk } = await store.vitals.signs();
      expect(connections).toEqual([
        { provider: 'hubspot', status: 'connected', count: 3, sweptTo: 4_000, drifts: 0 },
        { provider: 'hubspot', status: 'disconnected', count: 1, sweptTo: 1, drifts: 0 },
      ]);
      if (name === 'sqlite') expect(disk?.freeBytes).toBeGreaterThan(0);
      else expect(disk).toBeNull();
    } finally {
      await store.close();
    }
  });

  test('what is parked is listed from all three queues, of one account when asked, and not more than asked for', async () => {
    const url = await freshUrl();
    const store = await openStore({ url });
    const engine = await openEngine({ url });
    try {
      for (const accountId of ['acc_a', 'acc_b']) {
        await store.accounts.create({ id: accountId, name: accountId, createdAt: 1 });
        const { id: connectionId } = await connect(store, accountId, accountId);
        const wakes = ['1', '2'].map((id) => ({ record: { connectionId, object: 'deal' as const, id }, at: 1 }));
        await store.work.ask(accountId, wakes);
        const items = await store.work.claim({ now: 2, leaseMs: 1, limit: 10, claim: 'c' });
        for (const item of items) await store.work.defer(item, { runAt: 3, error: 'crm_forbidden: no', parked: true });
        // As a write-back that the CRM refused is left.
        await engine.write(async ({ db }) => {
          await sql`insert into mirror (account_id, connection_id, object, record_id, wanted, acked, run_at, attempts, parked, error)
            values (${accountId}, ${connectionId}, 'contact', '7', 1, 0, 1, 5, 1, 'crm_rejected: no')`.execute(db);
        });
      }
      const mine = await store.vitals.parked({ accountId: 'acc_a', limit: 10 });
      expect(mine).toEqual([
        { queue: 'work', accountId: 'acc_a', item: 'deal 1', error: 'crm_forbidden: no', attempts: 1 },
        { queue: 'work', accountId: 'acc_a', item: 'deal 2', error: 'crm_forbidden: no', attempts: 1 },
        { queue: 'mirror', accountId: 'acc_a', item: 'contact 7', error: 'crm_rejected: no', attempts: 5 },
      ]);
      expect(await store.vitals.parked({ accountId: null, limit: 10 })).toHaveLength(6);
      expect(await store.vitals.parked({ accountId: null, limit: 1 })).toHaveLength(2);
    } finally {
      await engine.close();
      await store.close();
    }
  });

  test('the facts are told of a database that was never migrated, too, and it stays so', async () => {
    const url = await freshUrl();
    const untouched = createStore(await openEngine({ url }));
    const before = await untouched.vitals.facts();
    expect(before).toMatchObject({ engine: name, migrations: [] });
    expect(before.knownMigrations.length).toBeGreaterThan(0);
    expect((await untouched.vitals.facts()).migrations).toEqual([]);
    await untouched.close();
    const store = await openStore({ url });
    const { migrations, knownMigrations, version, now } = await store.vitals.facts();
    expect(migrations).toEqual(knownMigrations);
    expect(version).toMatch(/^\d+\.\d+/);
    if (name === 'postgres') expect(Math.abs((now ?? 0) - Date.now())).toBeLessThan(60_000);
    else expect(now).toBeNull();
    expect(await store.vitals.damage()).toEqual([]);
    await store.close();
  });
});
