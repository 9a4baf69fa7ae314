import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { MIGRATION_NAMES } from '../../src/store/migrations/migrate.ts';
import { openEngine, openStore } from '../../src/store/open.ts';
import { postgresDialect } from '../../src/store/postgres.ts';
import type { Session } from '../../src/store/schema.ts';
import { claiming, hint, T0, tenant } from '../conformance/store-fixtures.ts';
import { postgresForThisFile } from '../support/postgres.ts';

const server = await postgresForThisFile();

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

test('nodes that open a new database at the same moment all find it whole', async () => {
  const url = await server.freshDatabase();
  const stores = await Promise.all(Array.from({ length: 4 }, () => openStore({ url })));
  const at = Date.now() + 1_000;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../store/child.ts'), 'open', url, String(at)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  const raw = await connect(url);
  expect((await raw.query('select number, name from migrations order by number')).rows).toEqual(
    MIGRATION_NAMES.map((name, index) => ({ number: String(index + 1), name })),
  );
  await raw.end();
  for (const store of stores) await store.close();
});

test('a broken connection is heard of, replaced, and ends no process', async () => {
  const url = await server.freshDatabase();
  const errors: Error[] = [];
  const store = await openStore({ url, onConnectionError: (error) => errors.push(error) });
  await Promise.all(Array.from({ length: 5 }, () => store.ping()));
  const raw = await connect(url);
  const { rows } = await raw.query(
    "select pg_terminate_backend(pid, 5000) as ended from pg_stat_activity where application_name = 'wonward'",
  );
  await raw.end();
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.every(({ ended }) => ended)).toBe(true);
  await expect.poll(() => errors.length).toBeGreaterThan(0);
  await store.ping();
  await store.close();
});

test('a connection that ends as it is taken costs nobody an error: nothing was asked of it yet, or only to be read', async () => {
  const url = await server.freshDatabase();
  const engine = await openEngine({ url });
  const ended = () => Object.assign(new Error('terminating connection'), { code: '57P01' });
  // The pool hands out a connection that it has not heard the end of.
  const connectOnce = vi.spyOn(pg.Pool.prototype, 'connect').mockImplementationOnce(() => Promise.reject(ended()));
  let writes = 0;
  await engine.write(async () => {
    writes += 1;
  });
  expect([connectOnce.mock.calls.length, writes]).toEqual([2, 1]);
  connectOnce.mockRestore();

  let reads = 0;
  const endsItself = async ({ db }: Session) => {
    reads += 1;
    if (reads === 1) await sql`select pg_terminate_backend(pg_backend_pid())`.execute(db);
    return reads;
  };
  expect(await engine.read(endsItself)).toBe(2);
  reads = 0;
  expect(await engine.snapshot(endsItself)).toBe(2);
  reads = 0;
  await expect(engine.write(endsItself)).rejects.toThrow(/terminat/);
  expect(reads).toBe(1);
  await engine.close();
});

test('a connection that took its time-out to fail is not tried again: the request would wait for a multiple of it', () => {
  const failed = (message: string, code?: string) => Object.assign(new Error(message), { code });
  for (const error of [
    failed('Connection terminated unexpectedly'),
    failed('Client has encountered a connection error and is not queryable'),
    failed('read ECONNRESET', 'ECONNRESET'),
    failed('terminating connection due to administrator command', '57P01'),
  ])
    expect([error.message, postgresDialect.isConnectionEnded(error)]).toEqual([error.message, true]);
  for (const error of [
    failed('Connection terminated due to connection timeout'),
    failed('Connection terminated: no answer within 35000 ms'),
    failed('timeout exceeded when trying to connect'),
    failed('Query read timeout'),
    failed('connect ECONNREFUSED', 'ECONNREFUSED'),
    failed('connect ETIMEDOUT', 'ETIMEDOUT'),
    failed('the database system is starting up', '57P03'),
  ])
    expect([error.message, postgresDialect.isConnectionEnded(error)]).toEqual([error.message, false]);
});

test('a table that grows is analysed before autovacuum looks', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  await tenant(store).create();
  const raw = await connect(url);
  await raw.query(`insert into records (account_id, connection_id, object, record_id, presence, facts, read_at, version)
    select 'acc_a', 'con_a', 'contact', number::text, 'present', '{}', number, 1 from generate_series(1, 5000) as number`);
  const known = async () => {
    const { rows } = await raw.query(`select attname, n_distinct from pg_stats where tablename = 'records'
      and attname in ('account_id', 'record_id') order by attname`);
    return rows;
  };
  await expect.poll(known, { timeout: 20_000, interval: 200 }).toEqual([
    { attname: 'account_id', n_distinct: 1 },
    { attname: 'record_id', n_distinct: -1 },
  ]);
  const told = await raw.query("select analyze_count from pg_stat_user_tables where relname = 'records'");
  expect(told.rows).toEqual([{ analyze_count: '1' }]);
  await raw.end();
  await store.close();
});

test('numbers are stored and read as 64 bits, and one that a number cannot hold is refused instead of rounded', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  await tenant(store).create();
  const raw = await connect(url);
  await raw.query('update accounts set created_at = 9007199254740991');
  expect(await store.accounts.get('acc_a')).toMatchObject({ createdAt: Number.MAX_SAFE_INTEGER });
  await raw.query('update accounts set created_at = 9007199254740993');
  await expect(store.accounts.get('acc_a')).rejects.toThrow(/9007199254740993/);
  await raw.end();
  await store.close();
});

test('a transaction that deadlocks is tried again and both get through', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  await store.leases.acquire('x', 'o', T0, T0);
  await store.leases.acquire('y', 'o', T0, T0);
  await store.close();
  const engine = await openEngine({ url });
  let attempts = 0;
  const both = (first: string, second: string) =>
    engine.write(async ({ db }) => {
      attempts += 1;
      await sql`update leases set until = until + 1 where name = ${first}`.execute(db);
      await sql`select pg_sleep(0.2)`.execute(db);
      await sql`update leases set until = until + 1 where name = ${second}`.execute(db);
    });
  await Promise.all([both('x', 'y'), both('y', 'x')]);
  const { rows } = await engine.read(({ db }) => sql<{ until: number }>`select until from leases`.execute(db));
  expect([rows.map(({ until }) => until), attempts > 2]).toEqual([[T0 + 2, T0 + 2], true]);
  await engine.close();
});

test('what a commit waits for too long is a conflict of that commit alone', () => {
  const failed = (code: string) => Object.assign(new Error('x'), { code });
  for (const code of ['40001', '40P01', '55P03'])
    expect([code, postgresDialect.isContention(failed(code))]).toEqual([code, true]);
  expect(postgresDialect.isContention(failed('23505'))).toBe(false);
  expect(postgresDialect.isUniqueViolation(failed('23505'))).toBe(true);
});

test('a row that another node has locked makes one commit wait and then conflict, and the others go through', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  const a = tenant(store);
  await a.create();
  const { member } = await a.writePair();
  const raw = await connect(url);
  await raw.query('begin');
  await raw.query("select * from members where id = 'mem_1' for update");
  const results = await store.cases.commit([
    a.commit({ members: [a.member('mem_2')] }),
    a.commit({ members: [{ ...member, version: 2 }] }),
    a.commit({ members: [a.member('mem_3')] }),
  ]);
  expect(results).toEqual(['committed', 'conflict', 'committed']);
  await raw.query('rollback');
  await raw.end();
  await store.close();
});

test('an order whose reward moves away while it is being claimed does not go out, and is not held', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  const a = tenant(store);
  await a.create();
  await a.writePair();
  await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
  const raw = await connect(url);
  await raw.query('begin');
  await raw.query("update rewards set state = 'in_review' where id = 'rwd_1'");
  const claim = store.payouts.claim(claiming('c1'));
  const waits = "select 1 from pg_stat_activity where application_name = 'wonward' and wait_event_type = 'Lock'";
  const watcher = await connect(url);
  await expect.poll(async () => (await watcher.query(waits)).rowCount).toBe(1);
  await raw.query('commit');
  expect(await claim).toEqual([]);
  expect(await store.payouts.counts(T0)).toEqual({ due: 1, claimed: 0, later: 0, parked: 0 });
  await raw.end();
  await watcher.end();
  await store.close();
});

test('a posting cannot slip into a journal that another transaction is sealing', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  const a = tenant(store);
  await a.create();
  await a.writePair();
  await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
  const post = (line: number, minor: number) =>
    `insert into postings (account_id, journal_id, line, ledger_account, currency, minor)
     values ('acc_a', 'j1', ${line}, 'x', 'EUR', ${minor})`;
  const honest = await connect(url);
  const thief = await connect(url);
  await honest.query('begin');
  await honest.query(post(0, 5));
  await honest.query(post(1, -5));
  // The lines before it are not to be seen yet, and line 0 is taken.
  await expect(thief.query(post(2, 7))).rejects.toThrow(/posting_out_of_order/);
  const late = thief.query(post(0, 7)).catch((error: unknown) => error);
  await honest.query(
    `insert into journals (account_id, id, kind, reward_id, effective_at, recorded_at)
     values ('acc_a', 'j1', 'accrue', 'rwd_1', 1, 1)`,
  );
  await honest.query('commit');
  expect(String(await late)).toMatch(/duplicate key|journal_sealed/);
  await expect(thief.query(post(2, 7))).rejects.toThrow(/journal_sealed/);
  expect((await honest.query("select sum(minor) as sum from postings where journal_id = 'j1'")).rows).toEqual([
    { sum: '0' },
  ]);
  await honest.end();
  await thief.end();
  await store.close();
});

test('what was recorded cannot be emptied by TRUNCATE either', async () => {
  const url = await server.freshDatabase();
  const store = await openStore({ url });
  await tenant(store).create();
  await store.inbox.append(tenant(store).of, [hint('e1', ['1'])], T0);
  const raw = await connect(url);
  for (const table of ['inbox', 'decisions', 'journals', 'postings', 'touches', 'programs', 'mappings']) {
    await expect(raw.query(`truncate ${table} cascade`)).rejects.toThrow(/append_only/);
  }
  await raw.end();
  await store.close();
});
