import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createStore, openStore } from '../../src/store/open.ts';
import { TABLES } from '../../src/store/schema.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { claiming, hint, planOf, T0, tenant } from '../conformance/store-fixtures.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

let directory: string;
let path: string;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-store-'));
  path = join(directory, 'wonward.db');
  url = `sqlite:${path}`;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function child(...args: string[]) {
  return spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the directory of the database is made, also several levels deep', async () => {
  const deep = join(directory, 'a', 'b', 'wonward.db');
  const store = await openStore({ url: `sqlite:${deep}` });
  await store.ping();
  await store.close();
  expect(new Database(deep).pragma('journal_mode', { simple: true })).toBe('wal');
});

test('a database in memory needs no file', async () => {
  const store = await openStore({ url: 'sqlite::memory:' });
  await tenant(store).create();
  expect(await store.accounts.list()).toHaveLength(1);
  await store.close();
});

test('a URL that names no database we know is refused without being repeated', async () => {
  await expect(openStore({ url: 'mysql://user:secret@host/db' })).rejects.toThrow(
    /must begin with sqlite: or postgres/,
  );
  await expect(openStore({ url: 'mysql://user:secret@host/db' })).rejects.not.toThrow(/secret/);
});

test('every commit is flushed to the disk, foreign keys are enforced, and a replaced row is a deleted row', async () => {
  const engine = await openSqlite(path);
  const pragma = async (name: string) =>
    engine.read(async ({ db }) => {
      return Object.values((await sql.raw(`pragma ${name}`).execute(db)).rows[0] as object)[0];
    });
  expect({
    journal_mode: await pragma('journal_mode'),
    synchronous: await pragma('synchronous'),
    foreign_keys: await pragma('foreign_keys'),
    recursive_triggers: await pragma('recursive_triggers'),
  }).toEqual({ journal_mode: 'wal', synchronous: 2, foreign_keys: 1, recursive_triggers: 1 });
  await engine.close();
});

test('tables are strict: a number that is not whole is no amount', async () => {
  const store = await openStore({ url });
  await store.close();
  const raw = new Database(path);
  const loose = raw
    .prepare(
      "select name from pragma_table_list where schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite_%'",
    )
    .all();
  expect(loose).toEqual([]);
  raw.close();
});

test('sequence numbers of the inbox are never given out twice', async () => {
  const store = await openStore({ url });
  await store.close();
  const raw = new Database(path);
  expect(raw.prepare("select sql from sqlite_master where name = 'inbox'").pluck().get()).toMatch(/AUTOINCREMENT/);
  raw.close();
});

test('processes that open a new database at the same moment all find it whole', async () => {
  const at = Date.now() + 1_500;
  const children = Array.from({ length: 4 }, () => child('open', url, String(at)));
  const codes = await Promise.all(children.map((one) => new Promise((resolve) => one.once('exit', resolve))));
  expect(codes).toEqual([0, 0, 0, 0]);
  const raw = new Database(path);
  expect(raw.prepare('select number, name from migrations').all()).toEqual([{ number: 1, name: 'start' }]);
  raw.close();
});

test('what was acknowledged is there after kill -9', async () => {
  const before = await openStore({ url });
  await tenant(before).create();
  await before.close();
  const acknowledged: string[] = [];
  for (const kill of [1, 2, 3]) {
    const worker = child('append', url);
    let text = '';
    await new Promise<void>((resolve) => {
      worker.stdout.on('data', (chunk) => {
        text += String(chunk);
        if (text.split('\n').length > 20 * kill) worker.kill('SIGKILL');
      });
      worker.once('exit', () => resolve());
    });
    // The last line may be cut off; the ones before it were acknowledged.
    acknowledged.push(...text.split('\n').slice(0, -1).join(' ').split(' '));
  }
  const store = await openStore({ url });
  const raw = new Database(path);
  const kept = new Set(raw.prepare('select event_key from inbox').pluck().all());
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
  // And with each hint the work that it asks for.
  const asked = new Set(raw.prepare('select record_id from work').pluck().all());
  expect(acknowledged.filter((key) => !asked.has(key.slice(1)))).toEqual([]);
  raw.close();
  await store.close();
});

test('a process that holds the write lock for a while delays others and fails none of them', async () => {
  const store = await openStore({ url });
  await tenant(store).create();
  const blocker = new Database(path);
  blocker.exec('begin immediate');
  setTimeout(() => blocker.exec('commit'), 400);
  const appended = await store.inbox.append(tenant(store).of, [hint('e1', ['1'])], T0);
  expect(appended).toEqual({ accepted: 1, duplicates: 0 });
  blocker.close();
  await store.close();
});

test('deliveries that come together share their flushes to the disk', async () => {
  let flushes = 0;
  const engine = await openSqlite(path, {
    onStatement: (text) => {
      if (text === 'commit') flushes += 1;
    },
  });
  await migrate(engine);
  const store = createStore(engine);
  const a = tenant(store);
  await a.create();
  flushes = 0;
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => store.inbox.append(a.of, [hint(`e${index}`, ['1'])], T0)),
  );
  expect(flushes).toBeLessThan(5);
  await engine.close();
});

/** Lists of what an admin has made, counts for metrics, the sums of a whole ledger, and a repair: they touch all of it by nature. */
const READS_ALL =
  /select \* from "accounts"|count\(\*\) filter|from migrations|from postings\s+where account_id = \S+ group by|acked_hash = null/;

/** An unfiltered page: the index gives the account's rows in the order asked for, and the limit ends it. */
const IS_FIRST_PAGE = /from "\w+" where account_id = '\w+'\s+order by .* limit /;

/** The largest or smallest value of an index is its last or first entry. */
const IS_END_OF_INDEX = /^SEARCH (inbox|records) USING COVERING INDEX \w+_by_time/;

/** An index of nothing but the rows that are asked for. */
const HOLDS_ONLY_THESE = /USING (COVERING )?INDEX \w+_(parked|unplaced) /;

const SMALL_TABLES = ['connections', 'tokens', 'mappings', 'sweep_marks', 'programs', 'c', 'probe'];

test('no claim, load, page or write reads through a whole table, nor through all of an account', async () => {
  const statements = new Set<string>();
  const engine = await openSqlite(path, { onStatement: (text) => statements.add(text) });
  await migrate(engine);
  const store = createStore(engine);
  await tenant(store).create();
  statements.clear();
  await useEverything(store);
  await engine.close();

  const raw = new Database(path);
  const wide: string[] = [];
  let explained = 0;
  for (const text of statements) {
    if (!/^\s*(select|insert|update|delete|with)/i.test(text) || READS_ALL.test(text)) continue;
    explained += 1;
    const plan = raw.prepare(`explain query plan ${text}`).all() as Array<{ detail: string }>;
    for (const { detail } of plan) if (isWide(detail, text)) wide.push(`${detail} in ${text}`);
  }
  expect(explained).toBeGreaterThan(100);
  expect(wide).toEqual([]);
  raw.close();
});

function isWide(detail: string, text: string): boolean {
  const [, how, name = '', found = ''] = /^(SCAN|SEARCH) (\S+)(?:.*\((.*)\))?$/.exec(detail) ?? [];
  if (how === undefined || SMALL_TABLES.includes(name)) return false;
  if (how === 'SCAN') return isTable(name, text);
  if (found !== 'account_id=?' && found !== 'account_id=? AND connection_id=?') return false;
  // The look for children of a row that is inserted is in the plan, and skipped while no foreign key is open (OP_FkIfZero).
  if (/^insert into (rewards|decisions) /.test(text)) return false;
  return !IS_FIRST_PAGE.test(text) && !IS_END_OF_INDEX.test(detail) && !HOLDS_ONLY_THESE.test(detail);
}

/** Whether the name in the plan is one of our tables, or another name that the statement gives to one. */
function isTable(scanned: string, text: string): boolean {
  if (scanned in TABLES) return true;
  const alias = new RegExp(`\\b(\\w+)"? (?:as )?"?${scanned.replace(/\W/g, '\\$&')}\\b`, 'i').exec(text)?.[1];
  return alias !== undefined && alias in TABLES;
}

async function useEverything(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const a = tenant(store);
  const { accountId, connectionId } = a;
  const record = a.ref('deal', '1');
  const contact = a.ref('contact', 'contact-mem_1');
  await store.inbox.append(a.of, [hint('e1', ['1', '2'])], T0);
  const items = await store.work.claim(claiming('c', T0, 1));
  await a.writePair();
  await store.retryParked(accountId, T0);
  await store.reads.codeExists('AAAA-AAAA-AAAA');
  await store.reads.unplacedEmails(accountId, 10);
  const { member, referral } = { member: a.member('mem_1'), referral: a.referral('ref_1', 'mem_1') };
  const reward = a.reward('rwd_1', 'ref_1');
  await a.write(
    {
      ...a.granted(reward),
      members: [{ ...member, version: 2 }],
      referrals: [{ ...referral, version: 2 }],
      touches: [a.touch('tch_1')],
      cancelledIntentIds: ['pay_none'],
      mirror: [contact, record],
      wakes: [{ record, at: T0 }],
    },
    {
      settles: items,
      snapshots: [
        { facts: a.deal('1', { contactIds: ['9'] }), readAt: T0 },
        { facts: a.contact('contact-mem_1'), readAt: T0 },
      ],
      erase: [contact],
    },
  );
  for (const parked of [true, false]) {
    const [item] = await store.work.claim(claiming(`d${parked}`, T0, 1));
    if (item) await store.work.defer(item, { runAt: T0, error: 'x', parked });
  }
  await store.work.release(await store.work.claim(claiming('r')));
  await store.work.ask(accountId, [{ record, at: T0 }]);
  await store.work.nextDueAt();
  await store.work.counts(T0);
  await store.cases.knownContacts(accountId, connectionId, ['1']);
  await store.cases.recordVersions(accountId, connectionId, 'deal', ['1']);
  await a.write({}, { restsOn: [{ ref: record, basis: 1 }] });
  await a.load({ contactIds: ['1', 'friend-ref_1'], dealIds: ['1'], emails: ['e'], codes: ['c'] });
  const [payout] = await store.payouts.claim(claiming('p'));
  if (!payout) throw new Error('nothing was claimed');
  await store.payouts.defer(payout, { runAt: T0, error: 'x', parked: false });
  const [again] = await store.payouts.claim(claiming('p2'));
  if (again) await store.payouts.settle(again, planOf());
  await store.payouts.nextDueAt();
  const mirrored = await store.mirror.claim(claiming('m'));
  await store.mirror.acknowledge(
    mirrored.map((item) => ({ item, hash: 'h' })),
    T0,
  );
  const [other] = await store.mirror.claim(claiming('m2'));
  if (!other) throw new Error('nothing was claimed');
  await store.mirror.defer(other, { runAt: T0, error: 'x', parked: false });
  const [third] = await store.mirror.claim(claiming('m3'));
  if (third) await store.mirror.drop(third);
  await store.mirror.markAll(accountId, connectionId, T0);
  await store.mirror.nextDueAt();
  await store.mirror.sources(accountId, [contact, record, a.ref('contact', 'friend-ref_1')]);
  const { reads } = store;
  for (const cursor of [null, { at: T0, id: 'z' }]) {
    const page = { limit: 5, cursor };
    await reads.members(accountId, page);
    for (const filter of [
      {},
      { memberId: 'mem_1' },
      { stage: 'won' as const },
      { memberId: 'mem_1', stage: 'won' as const },
    ])
      await reads.referrals(accountId, page, filter);
    for (const filter of [{}, { referralId: 'ref_1' }, { dealId: '1' }]) await reads.decisions(accountId, page, filter);
    for (const filter of [{}, { referralId: 'ref_1' }, { state: 'held' as const }])
      await reads.rewards(accountId, page, filter);
    for (const filter of [{}, { rewardId: 'rwd_1' }]) await reads.journals(accountId, page, filter);
  }
  await reads.member(accountId, 'mem_1');
  await reads.memberByEmail(accountId, 'e');
  await reads.memberByContact(accountId, contact);
  await reads.memberByCode(accountId, 'c');
  await reads.codeExists('c');
  await reads.referral(accountId, 'ref_1');
  await reads.referralByFriend(accountId, 'prg', { email: 'e', contact });
  await reads.touches(accountId, contact);
  await reads.reward(accountId, 'rwd_1');
  await reads.balances(accountId);
  await reads.deals(accountId, [record]);
  await reads.dealsOfContact(accountId, a.ref('contact', '9'), 5);
  await reads.readTimes(accountId, connectionId, 'deal', ['1']);
  await reads.health(accountId, connectionId, T0);
  const { connections } = store;
  await connections.get(accountId, connectionId);
  await connections.findByExternalId('hubspot', 'x');
  await connections.list(accountId);
  await connections.listConnected();
  await connections.describe(accountId, connectionId, { homeCurrency: null, timeZone: null, uiHost: null });
  await connections.tokens(accountId, connectionId);
  await connections.replaceTokens(accountId, connectionId, 1, a.tokens);
  await connections.saveState({ stateHash: 's', accountId, provider: 'hubspot', expiresAt: T0 });
  await connections.takeState('s', T0);
  await connections.saveMapping(accountId, connectionId, 'm', [], T0);
  await connections.mapping(accountId, connectionId);
  await connections.setSweepMark(accountId, connectionId, { object: 'deal', upTo: T0 });
  await connections.sweepMarks(accountId, connectionId);
  await store.programs.publish(accountId, { programId: 'prg', name: 'P', rules: [] }, T0);
  await store.programs.versions(accountId);
  await store.accounts.addApiKey({ id: 'k', accountId, label: 'l', createdAt: T0 }, 'h');
  await store.accounts.findApiKey('h');
  await store.accounts.revokeApiKey(accountId, 'k', T0);
  await store.leases.acquire('l', 'o', T0, T0);
  await store.leases.release('l', 'o');
  await connections.disconnect(accountId, connectionId, 'why');
}
