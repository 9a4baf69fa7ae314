import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { killAllChildren, startChild, until } from '../support/processes.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { environmentFor, type Json, PORTAL } from '../support/stack.ts';
import { boundFiles, CAN_BOUND_FILES, CAN_MOUNT, mountSmallDisk } from './small-disk.ts';

/*
 * What a disk does to a file: no room, no right to write, a damaged page. Real processes and real files. In each case nothing is
 * acknowledged that was not kept, it is said what is wrong and what to do, and once that is done everything comes right again.
 */

/** A check of the file begins some seconds after the start, on a busy machine later. */
const NOTICED_TIMEOUT_MS = 120_000;
/** Nobody: a user that owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const NEVER = '0 0 1 1 *';

let directory = '';
let service: ServiceProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wonward-disk-'));
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  rmSync(directory, { recursive: true, force: true });
});
afterAll(() => killAllChildren());

function people(own: ServiceProcess) {
  const crm = own.sandbox.control;
  const ada = crm.createRecord(PORTAL, 'contact', { properties: { email: 'ada@example.com', firstname: 'Ada' } }).id;
  return {
    /** A friend with a deal that is won at once. */
    wonDeal(name: string, amount = '1000.00'): string {
      const friend = crm.createRecord(PORTAL, 'contact', {
        properties: { email: `${name}@example.com`, firstname: name },
        associations: [{ toType: 'contact', toId: ada, labels: ['Referred by'] }],
      }).id;
      return crm.createRecord(PORTAL, 'deal', {
        properties: { dealname: name, amount, pipeline: 'default', dealstage: 'closedwon' },
        associations: [{ toType: 'contact', toId: friend }],
      }).id;
    },
  };
}

/** What stands for each deal: "friend 50.00, member 100.00". */
async function standing(own: ServiceProcess): Promise<Map<string, string>> {
  const { status, body } = await own.api('GET', '/rewards?limit=100');
  expect(status).toBe(200);
  const byDeal = Map.groupBy(body.items as Json[], ({ deal }) => String(deal.id));
  return new Map(
    [...byDeal].map(([deal, rewards]) => [
      deal,
      rewards
        .filter(({ state }) => state === 'issued')
        .map(({ party, money }) => `${party} ${money.amount}`)
        .sort()
        .join(', '),
    ]),
  );
}

const BOTH = 'friend 50.00, member 100.00';

/** Every event that was acknowledged is in the inbox. */
function expectNothingLost(own: ServiceProcess, file: string): void {
  const database = new SqliteDatabase(file, { readonly: true });
  const keys = (database.prepare('SELECT event_key FROM inbox').pluck().all() as string[]).join('\n');
  database.close();
  const acknowledged = own.sandbox.control
    .deliveries()
    .filter(({ attempts }) => attempts.some(({ status }) => status === 200))
    .flatMap(({ events }) => events.map(({ eventId }) => String(eventId)));
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.filter((id) => !keys.includes(id))).toEqual([]);
}

/** No room: refused, said, and over as soon as there is room. `take` and `give` the room while the process runs. */
async function survivesWithoutRoom(
  file: string,
  take: (own: ServiceProcess) => void,
  give: (own: ServiceProcess) => void,
) {
  service = await startServiceProcess({ databaseUrl: `sqlite:${file}` });
  const own = service;
  await own.install();
  const { wonDeal } = people(own);
  const before = wonDeal('before');
  await own.settle();
  const { pid } = own.child;

  take(own);
  await until('the disk is full', NOTICED_TIMEOUT_MS, async () => (await own.ready()) === 503);
  const during = wonDeal('during');
  // HubSpot gives up after ten attempts, none of which was told that all is well.
  const told = own.statuses().length;
  await own.sandbox.idle();
  const refused = own.sandbox.control.deliveries().filter(({ state }) => state === 'given_up');
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(own.statuses().slice(told))).toEqual(new Set([503]));
  const delivery = await own.deliver(refused[0]?.events ?? []);
  expect(delivery.status).toBe(503);
  expect(Number(delivery.headers.get('retry-after'))).toBeGreaterThan(0);
  const call = await own.api('POST', '/members', { email: 'eve@example.com' });
  expect([call.status, call.body.code]).toEqual([503, 'storage']);
  expect(call.headers.get('content-type')).toContain('application/problem+json');
  expect(Number(call.headers.get('retry-after'))).toBeGreaterThan(0);
  // What is there can be read meanwhile.
  expect(await standing(own)).toEqual(new Map([[before, BOTH]]));

  give(own);
  await until('there is room', NOTICED_TIMEOUT_MS, async () => (await own.ready()) === 200);
  expect((await own.api('POST', '/members', { email: 'eve@example.com' })).status).toBe(201);
  await own.settle();
  expect(await standing(own)).toEqual(
    new Map([
      [before, BOTH],
      [during, BOTH],
    ]),
  );
  expect(own.child.pid).toBe(pid);
  expect(own.child.isAlive()).toBe(true);
  expectNothingLost(own, file);
  return own.child.log().join('\n');
}

describe('a disk without room', () => {
  test.skipIf(!CAN_BOUND_FILES)(
    'takes no webhook and no call (503), and all goes on without a restart once files may grow again (needs prlimit)',
    { timeout: 600_000 },
    async () => {
      const file = join(directory, 'wonward.db');
      const log = await survivesWithoutRoom(
        file,
        ({ child }) => boundFiles(child.pid, 4_096),
        ({ child }) => boundFiles(child.pid, 'unlimited'),
      );
      expect(log).toContain(`${file} could not be read or written. Look at the disk and at its limits.`);
    },
  );

  test.skipIf(!CAN_MOUNT)(
    'takes no webhook and no call (503), and all goes on without a restart once there is room (needs the right to mount)',
    { timeout: 600_000 },
    async () => {
      const disk = mountSmallDisk(join(directory, 'small'), 8);
      try {
        const file = join(disk.directory, 'wonward.db');
        const log = await survivesWithoutRoom(file, disk.fill, disk.makeRoom);
        expect(log).toContain(`the disk of ${file} is full. Make room`);
      } finally {
        await service?.close();
        service = undefined;
        disk.close();
      }
    },
  );
});

describe('a database that may not be written', { timeout: 240_000 }, () => {
  /** The service as a user who may read the file and its directory and write one or none of them. */
  async function startAsReader(fileMode: number, directoryMode: number) {
    const file = join(directory, 'wonward.db');
    const database = new SqliteDatabase(file);
    database.exec('CREATE TABLE something (a)');
    database.close();
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [directory, file]) chownSync(path, 0, 0);
    chmodSync(file, fileMode);
    chmodSync(directory, directoryMode);
    const sandbox = { url: 'http://127.0.0.1:9', authorizeUrl: 'http://127.0.0.1:9/authorize' };
    const env = environmentFor({ port: 0, databaseUrl: `sqlite:${file}`, sandbox });
    const child = startChild('src/main.ts', { ...env, LOG_LEVEL: 'fatal' }, isRoot ? { user: NOBODY } : {});
    const { code } = await child.exited;
    chmodSync(directory, 0o755);
    return { code, file, said: child.log().join('\n') };
  }

  test.each([
    ['file', 0o444, 0o777],
    ['directory', 0o666, 0o555],
  ])('a read-only %s: the service does not start, and says which one and what to do', async (_, file, inDirectory) => {
    const { code, file: path, said } = await startAsReader(file, inDirectory);
    expect(code).toBe(1);
    expect(said).toContain(
      `Wonward cannot start: ${path} cannot be written. Let the user of this process write to the file and to its directory.`,
    );
  });
});

describe('a damaged file', () => {
  const file = () => join(directory, 'wonward.db');
  const backup = () => join(directory, 'backup.db');

  /** A service with one reward, a backup, and one reward more; stopped. */
  async function withBackup() {
    service = await startServiceProcess({
      databaseUrl: `sqlite:${file()}`,
      environment: { SWEEP_SCHEDULE: NEVER },
    });
    await service.install();
    const { wonDeal } = people(service);
    const before = wonDeal('before');
    await service.settle();
    const database = new SqliteDatabase(file());
    await database.backup(backup());
    database.close();
    const after = wonDeal('after');
    await service.settle();
    expect(await standing(service)).toEqual(
      new Map([
        [before, BOTH],
        [after, BOTH],
      ]),
    );
    await service.stop('SIGTERM');
    return { own: service, wonDeal, before, after };
  }

  /** Overwrites the first page of a table or an index, in the middle of the file. */
  function damage(name: string): void {
    const database = new SqliteDatabase(file(), { readonly: true });
    const page = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name) as number;
    const size = database.pragma('page_size', { simple: true }) as number;
    database.close();
    const handle = openSync(file(), 'r+');
    writeSync(handle, Buffer.alloc(size, 0xa5), 0, size, (page - 1) * size);
    closeSync(handle);
  }

  function restore(): void {
    for (const path of [`${file()}-wal`, `${file()}-shm`]) if (existsSync(path)) rmSync(path);
    copyFileSync(backup(), file());
  }

  const ADVICE =
    'is damaged, so nothing is written to it any more. Stop the service, keep the damaged files, restore the newest backup';

  test('where webhooks are kept: none is acknowledged, and after the backup is restored the CRM brings back what came since', {
    timeout: 300_000,
  }, async () => {
    const { own, wonDeal, before, after } = await withBackup();
    damage('inbox');
    await own.start({}, false);
    await until('it listens', NOTICED_TIMEOUT_MS, () =>
      fetch(`${own.url}/livez`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const told = own.statuses().length;
    const during = wonDeal('during');
    await own.sandbox.idle();
    expect(new Set(own.statuses().slice(told))).toEqual(new Set([503]));
    expect(await own.ready()).toBe(503);
    const call = await own.api('POST', '/members', { email: 'eve@example.com' });
    expect([call.status, call.body.code]).toEqual([503, 'storage']);
    await own.stop('SIGTERM');
    expect(own.child.log().join('\n')).toContain(`${file()} ${ADVICE}`);

    restore();
    // Refused deliveries come again by HubSpot's own retries; what came between backup and damage is found by the sweep.
    await own.start({ SWEEP_SCHEDULE: '*/2 * * * * *' });
    await until(
      'everything is decided again',
      NOTICED_TIMEOUT_MS,
      async () => (await standing(own)).size === 3,
      () => own.child.log().join('\n'),
    );
    await own.stop('SIGTERM');
    await own.start({ SWEEP_SCHEDULE: NEVER });
    await own.settle();
    expect(await standing(own)).toEqual(
      new Map([
        [before, BOTH],
        [after, BOTH],
        [during, BOTH],
      ]),
    );
  });

  test('where nobody has looked yet: it is found by itself within seconds of the start, and nothing is taken from then on', {
    timeout: 300_000,
  }, async () => {
    const { own, wonDeal } = await withBackup();
    damage('journals');
    await own.start({}, false);
    await until(
      'the damage is noticed',
      NOTICED_TIMEOUT_MS,
      async () => (await own.ready().catch(() => 0)) === 503,
      () => own.child.log().join('\n'),
    );
    const told = own.statuses().length;
    wonDeal('during');
    await own.sandbox.idle();
    expect(new Set(own.statuses().slice(told))).toEqual(new Set([503]));
    expect(own.child.log().join('\n')).toContain(`${file()} ${ADVICE}`);
  });

  test('that is no database at all: the service does not start, and says what to do', {
    timeout: 240_000,
  }, async () => {
    writeFileSync(file(), randomBytes(8 * 4_096));
    const sandbox = { url: 'http://127.0.0.1:9', authorizeUrl: 'http://127.0.0.1:9/authorize' };
    const env = environmentFor({ port: 0, databaseUrl: `sqlite:${file()}`, sandbox });
    const child = startChild('src/main.ts', { ...env, LOG_LEVEL: 'fatal' });
    expect((await child.exited).code).toBe(1);
    expect(child.log().join('\n')).toContain(`Wonward cannot start: ${file()} ${ADVICE}`);
  });
});
