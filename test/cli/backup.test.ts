import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { openEngine, openStore } from '../../src/store/open.ts';
import { digestsOf } from '../../src/store/transfer.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { commandLine } from '../support/command-line.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';

const server = await postgresForThisFile();

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-backup-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The member is paid by somebody else's program, the friend by credit. */
const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'webhook' },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

const DEALS_DURING_BACKUP_MAX = 20;

/** Gives a reward once for each key, as the receiver of a webhook has to, and counts the calls. */
async function startReceiver() {
  const given = new Map<string, { body: string; calls: number }>();
  const differed: string[] = [];
  const receiver: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [key, body] = [String(request.headers['idempotency-key']), Buffer.concat(chunks).toString()];
    const before = given.get(key);
    if (before && before.body !== body) differed.push(key);
    given.set(key, { body, calls: (before?.calls ?? 0) + 1 });
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    given,
    differed,
    close: () => new Promise((resolve) => receiver.close(resolve)),
  };
}

async function digests(url: string) {
  const engine = await openEngine({ url });
  try {
    return await engine.snapshot(digestsOf);
  } finally {
    await engine.close();
  }
}

describe.each([
  ['SQLite', 'sqlite', 'sqlite', async () => `sqlite:${join(directory, 'live.db')}`],
  ['PostgreSQL', 'portable', 'postgres', () => server.freshDatabase()],
])('on %s', (_, format, name, freshUrl) => {
  const backup = () => join(directory, `${name}.backup`);
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let stack: Stack;
  let scene: Scene;
  let live: string;
  /** Rewarded before the backup, deleted after it: no search of the CRM will ever show that. */
  let vanished: string;

  beforeAll(async () => {
    receiver = await startReceiver();
    live = await freshUrl();
    stack = await startStack({
      clock: quickClock(),
      databaseUrl: live,
      program: PROGRAM,
      environment: {
        REWARD_WEBHOOK_URL: receiver.url,
        REWARD_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
      },
    });
    scene = createScene(stack);
    await stack.install();
    await stack.settle();
    await scene.sweep();
  });
  afterAll(async () => {
    await stack.close();
    await receiver.close();
  });

  const friend = () => scene.friendOf(scene.person('Member'), 'Friend');
  const wonDeal = () => {
    const deal = scene.deal([friend()], { amount: '500.00' });
    scene.win(deal);
    return deal;
  };
  /** What stands for whom, whatever ids and times it was given. */
  const standing = async () =>
    (await scene.all('/rewards'))
      .map(({ id, deal, party, state, money }) => `${id} ${deal.id} ${party} ${state} ${money.amount}`)
      .sort();

  test('is taken of one moment while webhooks come in and deals are won, by a process of its own', async () => {
    for (let deals = 0; deals < 6; deals += 1) wonDeal();
    vanished = wonDeal();
    await stack.settle();
    let isTaken = false;
    let won = 0;
    const taken = promisify(execFile)(process.execPath, ['src/cli.ts', 'backup', backup(), '--json'], {
      env: { ...stack.environment, DATABASE_URL: live, PATH: process.env.PATH },
    }).finally(() => {
      isTaken = true;
    });
    while (!isTaken) {
      // Enough to have something under way all the time; on a busy machine the process takes long to start.
      if (won < DEALS_DURING_BACKUP_MAX) {
        wonDeal();
        won += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    const manifest = JSON.parse((await taken).stdout);
    expect(manifest).toMatchObject({ format, formatVersion: 1, bytes: statSync(backup()).size });
    expect(manifest.tables.rewards.rows).toBeGreaterThanOrEqual(12);
    expect(won).toBeGreaterThan(0);
    // Whoever can read it can read every address in it.
    expect([backup(), `${backup()}.manifest.json`].map((path) => statSync(path).mode & 0o077)).toEqual([0, 0]);
    expect(existsSync(`${backup()}.partial`)).toBe(false);
    await stack.settle();
  }, 240_000);

  test('is restored beside the live one, verified, and what came later comes again; nobody is paid twice', async () => {
    // After the backup: more deals, one that is taken back, one that is deleted, and one whose contact is taken off it.
    const [reopened, deleted, detached] = [wonDeal(), wonDeal(), wonDeal()];
    wonDeal();
    await stack.settle();
    scene.reopen(reopened);
    scene.crm.deleteRecord(PORTAL, 'deal', deleted);
    scene.crm.deleteRecord(PORTAL, 'deal', vanished);
    const [contact] = scene.crm.getRecord(PORTAL, 'deal', detached).associations.contacts ?? [];
    if (!contact) throw new Error('nobody is on the deal');
    scene.crm.dissociate(PORTAL, { fromType: 'deal', fromId: detached, toType: 'contact', toId: contact.id });
    await stack.settle();
    const before = await standing();
    const paidBefore = new Map(receiver.given);
    await stack.stop();

    const restored =
      name === 'sqlite' ? `sqlite:${join(directory, 'restored', 'again.db')}` : await server.freshDatabase();
    const { code, out, err } = await commandLine(
      { ...stack.environment, DATABASE_URL: restored },
      'restore',
      backup(),
      '--json',
    );
    expect([err, code]).toEqual(['', 0]);
    expect(JSON.parse(out).verification).toMatchObject({ ok: true, problems: [] });

    await stack.start({ DATABASE_URL: restored });
    await stack.settle();
    await scene.sweepToRest();
    // What was deleted after the win was never seen here, so it was never rewarded either: nothing stands for it, as before.
    const isKept = (line: string) =>
      !line.includes(` ${deleted} `) && !line.includes(` ${reopened} `) && !line.includes(` ${detached} `);
    expect((await standing()).filter(isKept)).toEqual(before.filter(isKept));
    for (const deal of [vanished, reopened, deleted, detached])
      expect(
        (await scene.rewardsOn(deal)).filter((reward) => / (held|approved|issuing|issued|failed) /.test(reward)),
      ).toEqual([]);
    await scene.expectBalanced();
    await scene.expectNothingParked();

    // Every order of before is the same order now: same key, same content, and no second key for the same reward.
    expect(receiver.differed).toEqual([]);
    for (const [key, { body }] of paidBefore) expect([key, receiver.given.get(key)?.body]).toEqual([key, body]);
    const rewardOf = ({ body }: { body: string }) => JSON.parse(body).data.rewardId as string;
    const rewards = [...receiver.given.values()].map(rewardOf);
    expect(new Set(rewards).size).toBe(rewards.length);
    expect([...receiver.given.values()].some(({ calls }) => calls > 1)).toBe(true);
    await stack.stop();
    expect((await commandLine({ ...stack.environment, DATABASE_URL: restored }, 'verify')).code).toBe(0);
  }, 240_000);

  describe('a backup that cannot be trusted is refused, and nothing is there afterwards', () => {
    const spoilt = async (what: (file: string) => Promise<void>) => {
      const file = join(directory, `${name}-${randomBytes(4).toString('hex')}.backup`);
      await copyFile(backup(), file);
      await copyFile(`${backup()}.manifest.json`, `${file}.manifest.json`);
      await what(file);
      const target = join(directory, `${randomBytes(4).toString('hex')}.db`);
      const { code, err } = await commandLine(
        { ...stack.environment, DATABASE_URL: `sqlite:${target}` },
        'restore',
        file,
      );
      expect([code, existsSync(target)]).toEqual([1, false]);
      return err;
    };
    const changeManifest = (change: object) => async (file: string) => {
      const path = `${file}.manifest.json`;
      await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
    };

    test('cut off', async () => {
      expect(await spoilt((file) => truncate(file, statSync(file).size - 100))).toMatch(/has \d+ bytes, and had \d+/);
    });
    test('with one bit turned over', async () => {
      const err = await spoilt(async (file) => {
        const bytes = await readFile(file);
        const middle = Math.floor(bytes.length / 2);
        bytes[middle] = (bytes[middle] ?? 0) ^ 1;
        await writeFile(file, bytes);
      });
      expect(err).toContain('its checksum is another one');
    });
    test('of another format version', async () => {
      expect(await spoilt(changeManifest({ formatVersion: 2 }))).toContain('has format version 2');
    });
    test('of a newer version of Wonward', async () => {
      expect(await spoilt(changeManifest({ migrations: ['start', 'later'] }))).toContain(
        'newer version of Wonward (it has "later")',
      );
    });
    test('without its manifest, or with one that is none', async () => {
      expect(await spoilt((file) => rm(`${file}.manifest.json`))).toContain('A backup is the file and its manifest');
      expect(await spoilt((file) => writeFile(`${file}.manifest.json`, '{}'))).toContain(
        'is not the manifest of a backup',
      );
    });
  });

  test('nothing is overwritten: no backup by a backup, and no database by a restore', async () => {
    const again = await commandLine({ ...stack.environment, DATABASE_URL: live }, 'backup', backup());
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('is there already')]);
    const before = await digests(live);
    const { code, err } = await commandLine({ ...stack.environment, DATABASE_URL: live }, 'restore', backup());
    expect([code, err]).toEqual([1, expect.stringMatching(/is there already|not empty/)]);
    expect(await digests(live)).toEqual(before);
  });
});

describe('a portable backup', () => {
  test('of one database is restored into the other, row for row', async () => {
    const file = join(directory, 'cross.backup');
    const live = { DATABASE_URL: `sqlite:${join(directory, 'live.db')}` };
    const environment = minimal();
    const taken = await commandLine({ ...environment, ...live }, 'backup', file, '--format', 'portable', '--json');
    expect([taken.err, taken.code]).toEqual(['', 0]);
    const url = await server.freshDatabase();
    const { code, err } = await commandLine({ ...environment, DATABASE_URL: url }, 'restore', file);
    expect([err, code]).toEqual(['', 0]);
    const [original, copy] = [await digests(live.DATABASE_URL), await digests(url)];
    // Restoring asks for every record once more and says in the log that it was done; nothing else differs.
    const changed = Object.keys(original).filter((table) => original[table]?.hash !== copy[table]?.hash);
    expect(changed.sort()).toEqual(['audit_entries', 'mirror', 'work']);
  });

  test('that ends too early, or is no backup, does not go into service, and can be followed by a whole one', async () => {
    const environment = minimal();
    const url = await server.freshDatabase();
    const file = join(directory, 'cross.backup');
    const short = join(directory, 'short.backup');
    // As if it had been written by something that stopped in the middle and whose manifest is of what there is.
    const lines = gunzipSync(await readFile(file))
      .toString()
      .split('\n');
    const manifest = JSON.parse(await readFile(`${file}.manifest.json`, 'utf8'));
    const refused = async (bytes: Buffer) => {
      await writeFile(short, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await writeFile(`${short}.manifest.json`, JSON.stringify({ ...manifest, bytes: bytes.length, sha256 }));
      const { code, err } = await commandLine({ ...environment, DATABASE_URL: url }, 'restore', short);
      expect(code).toBe(1);
      return err;
    };
    const whole = gzipSync(lines.join('\n'));
    expect(await refused(gzipSync(lines.slice(0, -2).join('\n')))).toContain('before its end');
    expect(await refused(whole.subarray(0, whole.length / 2))).toContain('cannot be read at line');
    expect(await refused(gzipSync(`${lines[0]}\n{"chunk": `))).toContain('cannot be read at line 2');
    await expect(openStore({ url })).rejects.toThrow(/copy that was not finished/);
    expect((await commandLine({ ...environment, DATABASE_URL: url }, 'restore', file)).code).toBe(0);
    await (await openStore({ url })).close();
  });
});

describe('a copy of a SQLite file', () => {
  test('is not taken of a damaged file, which is said', async () => {
    const path = join(directory, 'damaged.db');
    await copyFile(join(directory, 'live.db'), path);
    const database = new Database(path);
    database.pragma('journal_mode = delete');
    const pageSize = Number(database.pragma('page_size', { simple: true }));
    const root = Number(database.prepare("select rootpage from sqlite_master where name = 'decisions'").pluck().get());
    database.close();
    const bytes = await readFile(path);
    bytes.fill(0xa5, (root - 1) * pageSize, root * pageSize);
    await writeFile(path, bytes);
    const file = join(directory, 'damaged.backup');
    const { code, err } = await commandLine({ ...minimal(), DATABASE_URL: `sqlite:${path}` }, 'backup', file);
    expect([code, err]).toEqual([1, expect.stringContaining('The database is damaged')]);
    expect([file, `${file}.partial`, `${file}.manifest.json`].filter(existsSync)).toEqual([]);
  });

  test('goes into a file, not into PostgreSQL; and PostgreSQL gives no file', async () => {
    const environment = { ...minimal(), DATABASE_URL: await server.freshDatabase() };
    expect((await commandLine(environment, 'restore', join(directory, 'sqlite.backup'))).err).toContain('use "move"');
    const file = join(directory, 'no.backup');
    expect((await commandLine(environment, 'backup', file, '--format', 'sqlite')).err).toContain('--format portable');
    expect((await commandLine(environment, 'backup', file, '--format', 'zip')).code).toBe(2);
    expect((await commandLine(environment, 'backup', file)).err).toContain('nothing of Wonward');
    expect(existsSync(file)).toBe(false);
  });
});

/** What a command needs besides the database. */
function minimal(): Record<string, string> {
  return {
    NODE_ENV: 'test',
    ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    PUBLIC_URL: 'https://referrals.example.com',
  };
}
