import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DoctorDeps, doctor } from '../../src/cli/doctor.ts';
import { run } from '../../src/cli/run.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { PORTAL, type Stack, startStack } from '../support/stack.ts';

interface Report {
  readonly healthy: boolean;
  readonly checks: ReadonlyArray<{
    readonly check: string;
    readonly state: string;
    readonly summary: string;
    readonly findings: ReadonlyArray<Record<'severity' | 'what' | 'why' | 'remedy', string>>;
  }>;
}

const DAY_MS = 86_400_000;
/** What the machine that runs the tests has left is no part of them. */
const PLENTY = { freeBytes: 500e9, sizeBytes: 1e12 };
let directory: string;
let stack: Stack;

function terminalFor(env: Readonly<Record<string, string>>) {
  return { env, out: () => {}, err: () => {}, readText: () => Promise.reject(new Error('nothing is piped in')) };
}

/** As an operator sees it who runs the command where the service runs. */
async function examine(deps: Partial<DoctorDeps> = {}, env: Readonly<Record<string, string>> = stack.environment) {
  const { json, exitCode } = await doctor(terminalFor(env), undefined, deps);
  const report = json as Report;
  expect(report.healthy).toBe(exitCode === 0);
  for (const { findings } of report.checks)
    for (const { what, why, remedy } of findings)
      for (const text of [what, why, remedy]) expect(text).toMatch(/\S\.?$/);
  return {
    exitCode,
    report,
    /** The findings of one check, as "severity: what". */
    of: (check: string) =>
      report.checks
        .find((candidate) => candidate.check === check)
        ?.findings.map(({ severity, what }) => `${severity}: ${what}`),
  };
}

const fileOf = () => join(directory, 'wonward.db');
/** As a mishap changes the file behind the service's back. */
function tamper(statement: string, ...values: unknown[]): void {
  const database = new Database(fileOf());
  database.pragma('foreign_keys = OFF');
  database.prepare(statement).run(...values);
  database.close();
}

const later = (ms: number) => ({ ...systemClock, now: () => Date.now() + ms });

describe('on SQLite with a connected portal', () => {
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wonward-doctor-'));
    stack = await startStack({ databaseUrl: `sqlite:${fileOf()}` });
    expect((await stack.install()).status).toBe(200);
    await stack.settle();
  });
  afterEach(async () => {
    await stack.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('nothing is found where nothing is wrong, every check has looked, and the file is as it was', async () => {
    const before = (await stack.service.store.accounts.list()).length;
    const { exitCode, report } = await examine({
      disk: { durableWrite: async () => {}, freeSpace: async () => PLENTY },
    });
    expect(report.checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(report.checks.map(({ check, state }) => `${check} ${state}`)).toEqual(
      ['versions', 'public-url', 'database', 'clock', 'disk', 'keys', 'connections', 'mapping', 'queues'].map(
        (check) => `${check} well`,
      ),
    );
    expect(exitCode).toBe(0);
    expect((await stack.service.store.accounts.list()).length).toBe(before);
  });

  test('a clock that is ten minutes ahead of the CRM is found', async () => {
    const { exitCode, of } = await examine({ clock: later(600_000) });
    expect(of('clock')).toEqual([expect.stringMatching(/^problem: This machine's clock is 10 min ahead of HubSpot's/)]);
    expect(exitCode).toBe(1);
  });

  test('a clock that lags a little is a notice', async () => {
    const { of } = await examine({ clock: later(-30_000) });
    expect(of('clock')).toEqual([expect.stringMatching(/^notice: .*behind HubSpot's/)]);
  });

  test('a public address at which nobody listens is found, and so are queues that stand', async () => {
    const { accountId } = stack;
    const [connection] = await stack.service.store.connections.list(accountId);
    await stack.service.store.work.ask(accountId, [
      { record: { connectionId: connection?.id ?? '', object: 'deal', id: '1' }, at: Date.now() + DAY_MS },
    ]);
    await stack.stop();
    const { exitCode, of } = await examine({ clock: later(DAY_MS + 600_000) });
    expect(of('public-url')).toEqual([expect.stringMatching(/^problem: .*\/livez cannot be reached: ECONNREFUSED/)]);
    expect(of('queues')).toEqual([
      expect.stringMatching(/^problem: The queue "work" stands: 1 changed records .* for 10 min/),
    ]);
    expect(exitCode).toBe(1);
  });

  test('a public address that leads to something else is found', async () => {
    const { of } = await examine({}, { ...stack.environment, PUBLIC_URL: stack.sandbox.url });
    expect(of('public-url')).toEqual([expect.stringMatching(/^problem: .* answers 404, and not as Wonward does/)]);
  });

  test.each(['{"status":"welcome"}', '<h1>Welcome</h1>'])(
    'a public address at which something else says yes to everything (%s) is found',
    async (body) => {
      const other = createServer((_, response) => void response.end(body));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      try {
        const { of } = await examine({}, { ...stack.environment, PUBLIC_URL: `http://127.0.0.1:${port}` });
        expect(of('public-url')).toEqual([expect.stringMatching(/^problem: .* answers 200, and not as Wonward does/)]);
      } finally {
        other.closeAllConnections();
        other.close();
      }
    },
  );

  test('a name that does not exist is found', async () => {
    const { of } = await examine({}, { ...stack.environment, PUBLIC_URL: 'http://wonward.invalid' });
    expect(of('public-url')).toEqual([expect.stringMatching(/^problem: .*cannot be reached: (ENOTFOUND|EAI_AGAIN)/)]);
  });

  test('a CRM that is not there is told apart from a wrong clock', async () => {
    const { of } = await examine({}, { ...stack.environment, HUBSPOT_API_URL: 'http://127.0.0.1:9' });
    expect(of('clock')?.[0]).toMatch(/^problem: HubSpot's clock could not be asked/);
  });

  test('a connection that the CRM has ended is found', async () => {
    stack.sandbox.control.uninstall(PORTAL);
    await stack.service.store.connections.list(stack.accountId);
    stack.sandbox.control.expireAccessTokens(PORTAL);
    const { of } = await examine({ clock: later(0) });
    expect(of('connections')?.[0]).toMatch(/^problem: hubspot 147000001 (cannot be read|is disconnected)/);
    expect((await examine()).exitCode).toBe(1);
  });

  test('one that an admin has ended is not', async () => {
    await stack.service.container.connect.disconnect(
      stack.accountId,
      (await stack.service.store.connections.list(stack.accountId))[0]?.id ?? '',
    );
    expect((await examine()).of('connections')).toEqual([]);
  });

  test('stages that are new, gone, or mean something else are found, each for what it is', async () => {
    const { control } = stack.sandbox;
    await stack.stop();
    control.addStage(PORTAL, 'deal', 'default', { label: 'Signed', displayOrder: 9, metadata: { probability: '1.0' } });
    control.deleteStage(PORTAL, 'deal', 'default', 'decisionmakerboughtin');
    control.editStage(PORTAL, 'deal', 'default', 'closedwon', { metadata: { probability: '0.9', isClosed: 'false' } });
    control.createPipeline(PORTAL, 'deal', {
      label: 'Renewals',
      displayOrder: 2,
      stages: [{ label: 'Open', displayOrder: 0, metadata: { probability: '0.5' } }],
    });
    const found = (await examine()).of('mapping') ?? [];
    expect(found).toHaveLength(4);
    expect(found).toEqual([
      expect.stringMatching(/^notice: .*does not know: .*"Signed" of/),
      expect.stringMatching(/^problem: .*mean something else.* was won, is opportunity/),
      expect.stringMatching(/^notice: .*no longer has these stages: "Decision Maker/i),
      expect.stringMatching(/^notice: .*without a won stage: "Renewals"/),
    ]);
  });

  test('a disk on which a durable write takes long is found, and one that is nearly full', async () => {
    let elapsedMs = 0;
    const monotonic = () => elapsedMs;
    const taking = (ms: number) => async () => {
      elapsedMs += ms;
    };
    const freeSpace = async () => ({ freeBytes: 50e9, sizeBytes: 1e12 });
    const slow = await examine({ disk: { monotonic, durableWrite: taking(60), freeSpace } });
    expect(slow.of('disk')).toEqual([
      expect.stringMatching(/^problem: A durable write takes 60 ms/),
      expect.stringMatching(/^problem: Only 46.6 GiB of 931.3 GiB are free/),
    ]);
    expect(
      (await examine({ disk: { monotonic, durableWrite: taking(20), freeSpace: async () => PLENTY } })).of('disk')?.[0],
    ).toMatch(/^notice: /);
    expect(
      (await examine({ disk: { monotonic, durableWrite: taking(2), freeSpace: async () => PLENTY } })).of('disk'),
    ).toEqual([]);
  });

  test('the disk is measured where the database lies, and nothing is left there', async () => {
    const { report } = await examine();
    expect(report.checks.find(({ check }) => check === 'disk')?.summary).toMatch(
      /durable write takes \d+\.\d ms .*GiB free/,
    );
    expect(readdirSync(directory).filter((name) => name.startsWith('.wonward-doctor'))).toEqual([]);
  });

  test('a damaged page is found', async () => {
    await stack.stop();
    const database = new Database(fileOf());
    const { rootpage } = database
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'connections_by_external_id'")
      .get() as { rootpage: number };
    const pageBytes = Number(database.pragma('page_size', { simple: true }));
    database.close();
    const file = openSync(fileOf(), 'r+');
    writeSync(file, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (rootpage - 1) * pageBytes);
    closeSync(file);
    const { exitCode, report } = await examine();
    const { findings } = report.checks.find(({ check }) => check === 'database') ?? { findings: [] };
    expect(findings[0]?.what).toMatch(/^The database is damaged: .*\d/);
    expect(findings[0]?.remedy).toContain('restore the last backup');
    expect(exitCode).toBe(1);
  });

  test('a row whose owner is gone is found', async () => {
    await stack.stop();
    tamper('INSERT INTO sweep_marks (account_id, connection_id, object, up_to) VALUES (?, ?, ?, 1)', 'a', 'b', 'deal');
    tamper(
      'INSERT INTO api_keys (account_id, id, label, hash, created_at) VALUES (?, ?, ?, ?, 1)',
      'nobody',
      'k',
      'l',
      'h',
    );
    expect((await examine()).of('database')).toEqual([
      expect.stringMatching(/^problem: The database is damaged: 1 rows of api_keys name a row of accounts/),
    ]);
  });

  test('what is parked is named with its reason, and nobody is named by it', async () => {
    await stack.stop();
    const [connection] = new Database(fileOf()).prepare('SELECT id FROM connections').all() as { id: string }[];
    tamper(
      `INSERT INTO mirror (account_id, connection_id, object, record_id, wanted, acked, run_at, attempts, parked, error)
       VALUES (?, ?, 'deal', '4711', 1, 0, 1, 5, 1, ?)`,
      stack.accountId,
      connection?.id,
      'crm_rejected: Property value "Jane Roe" is not allowed',
    );
    const { of, report } = await examine();
    expect(of('queues')).toEqual([
      `problem: deal 4711 of ${stack.accountId} is parked in "mirror" after 5 attempts: crm_rejected: Property value "…" is not allowed`,
    ]);
    expect(report.checks.at(-1)?.findings[0]?.remedy).toContain(`npm run cli -- retry ${stack.accountId}`);
  });

  test('tokens under a former key are a notice, and under a lost key a problem', async () => {
    const fresh = `k2:${Buffer.alloc(32, 9).toString('base64')}`;
    const rotating = { ...stack.environment, ENCRYPTION_KEY: `${fresh},${stack.environment.ENCRYPTION_KEY}` };
    expect((await examine({}, rotating)).of('keys')).toEqual([expect.stringMatching(/^notice: .*former key "k1"/)]);
    const lost = await examine({}, { ...stack.environment, ENCRYPTION_KEY: fresh });
    expect(lost.of('keys')).toEqual([expect.stringMatching(/^problem: .*"k1", which ENCRYPTION_KEY does not have/)]);
    expect(lost.of('connections')?.[0]).toMatch(/^problem: .*cannot be read/);
  });

  test('permissions that the portal did not give are found', async () => {
    // As an install before the app asked for more has left it.
    tamper(`UPDATE connections SET scopes = '["oauth","crm.objects.deals.read"]'`);
    const { of } = await examine();
    expect(of('connections')?.[0]).toMatch(
      /^problem: hubspot 147000001 was installed without crm.objects.contacts.read, .*crm.schemas.deals.write\.$/,
    );
  });

  test('a portal that was not swept and has been silent is found', async () => {
    const { of } = await examine({ clock: later(2 * DAY_MS) });
    expect(of('connections')).toEqual([
      expect.stringMatching(/^problem: hubspot 147000001 was last swept 2 days ago/),
      expect.stringMatching(/^notice: hubspot 147000001 has sent no webhook for/),
    ]);
  });

  test('a database that a newer version has been at is a problem only when this version does not start on it', async () => {
    await stack.stop();
    tamper("INSERT INTO migrations (number, name, breaking) VALUES (99, 'adds-only', 0)");
    expect((await examine()).of('database')).toEqual([
      expect.stringMatching(/^notice: A newer version has been at the database \(adds-only\)/),
    ]);
    tamper("INSERT INTO migrations (number, name, breaking) VALUES (100, 'from-the-future', 1)");
    expect((await examine()).of('database')).toEqual([
      expect.stringMatching(/^problem: The database has been through from-the-future, which/),
    ]);
  });

  test('a database that was taken out of service is found, with the reason', async () => {
    await stack.stop();
    tamper('CREATE TABLE out_of_service (reason TEXT NOT NULL)');
    tamper("INSERT INTO out_of_service (reason) VALUES ('It was moved.')");
    expect((await examine()).of('database')).toEqual(['problem: The database is out of service: It was moved.']);
  });

  test('an old Node is found', async () => {
    expect((await examine({ nodeVersion: '20.20.0' })).of('versions')?.[0]).toMatch(/^problem: This is Node 20.20.0/);
  });

  test('the command prints what, why and what to do, ends with 1, and as JSON says the same', async () => {
    await stack.stop();
    const printed: string[] = [];
    const terminal = { ...terminalFor(stack.environment), out: (text: string) => void printed.push(text) };
    expect(await run(['doctor'], terminal)).toBe(1);
    const text = printed.splice(0).join('');
    expect(text).toMatch(/^problem {5}public-url/m);
    expect(text).toMatch(/^ {2}problem: .*\n {4}why: .*\n {4}do: {2}.*Start the service/m);
    expect(text).toContain('to be mended.');
    for (const secret of [stack.environment.ENCRYPTION_KEY, stack.environment.HUBSPOT_CLIENT_SECRET])
      expect(text).not.toContain(secret);
    expect(await run(['doctor', '--json', '--account', 'Acme'], terminal)).toBe(1);
    expect(JSON.parse(printed.join(''))).toMatchObject({ healthy: false });
    expect(await run(['doctor', '--account', 'nobody'], terminal)).toBe(1);
  });
});

describe('without a database', () => {
  const env = {
    ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    PUBLIC_URL: 'http://127.0.0.1:9',
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wonward-doctor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('that is said, what hangs on it is "not checked" and not "well", and no file is made', async () => {
    const path = join(directory, 'folder', 'nothing.db');
    const { report, of, exitCode } = await examine({}, { ...env, DATABASE_URL: `sqlite:${path}` });
    expect(of('database')).toEqual([`problem: There is no file ${path}.`]);
    expect(report.checks.filter(({ state }) => state === 'not_checked').map(({ check }) => check)).toEqual([
      'disk',
      'keys',
      'connections',
      'mapping',
      'queues',
    ]);
    expect(exitCode).toBe(1);
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  test('a file that is something else is said to be so', async () => {
    const path = join(directory, 'other.db');
    writeFileSync(path, 'This is a shopping list and no database, however long one looks at it. '.repeat(100));
    const { of } = await examine({}, { ...env, DATABASE_URL: `sqlite:${path}` });
    expect(of('database')?.[0]).toMatch(/^problem: The database cannot be opened: \S/);
  });
});

describe('on PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wonward-doctor-'));
    stack = await startStack({ databaseUrl: await server.freshDatabase() });
  });
  afterEach(async () => {
    await stack.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function query(text: string): Promise<void> {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: stack.environment.DATABASE_URL });
    await client.connect();
    await client.query(text).catch(() => {});
    await client.end();
  }

  test('a server that may lose what it has acknowledged is found, and its clock is compared too', async () => {
    // The test server runs with fsync off: that is just what has to be found.
    const { of } = await examine({ clock: later(600_000) });
    expect(of('database')).toEqual([expect.stringMatching(/^problem: PostgreSQL runs with fsync = off/)]);
    expect(of('clock')).toEqual([
      expect.stringContaining("ahead of HubSpot's"),
      expect.stringContaining("ahead of the database's"),
    ]);
    await query(
      `ALTER DATABASE ${new URL(stack.environment.DATABASE_URL ?? '').pathname.slice(1)} SET synchronous_commit = off`,
    );
    expect((await examine()).of('database')).toContainEqual(expect.stringContaining('synchronous_commit = off'));
  });

  test('an index that was left invalid is found', async () => {
    await query("INSERT INTO accounts (id, name, created_at) VALUES ('acc_2', 'Acme', 1)");
    // Two accounts have this name, so the index cannot be finished and stays behind, invalid.
    await query('CREATE UNIQUE INDEX CONCURRENTLY accounts_by_name ON accounts (name)');
    expect((await examine()).of('database')).toContainEqual(
      expect.stringMatching(/^problem: The database is damaged: index accounts_by_name is invalid/),
    );
  });

  test('a server that does not answer is said to be so', async () => {
    const { of } = await examine(
      {},
      { ...stack.environment, DATABASE_URL: 'postgres://wonward:x@127.0.0.1:9/wonward' },
    );
    expect(of('database')?.[0]).toMatch(/^problem: The database cannot be opened: .*(ECONNREFUSED|does not answer)/);
  });

  test('an empty database is a notice, and is empty afterwards', async () => {
    const DATABASE_URL = await server.freshDatabase();
    const env = { ...stack.environment, DATABASE_URL };
    const look = () => examine({}, env);
    expect((await look()).of('database')).toContainEqual('notice: The database is empty.');
    expect((await look()).of('database')).toContainEqual('notice: The database is empty.');
    expect(await run(['migrate'], terminalFor(env))).toBe(0);
    expect((await look()).of('database')).not.toContainEqual('notice: The database is empty.');
  });
});
