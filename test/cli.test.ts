import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { createAccounts } from '../src/application/accounts.ts';
import { parseProgram } from '../src/application/program-document.ts';
import { createSignIn } from '../src/application/sign-in.ts';
import { PROGRAM_EXAMPLE, withoutComments } from '../src/cli/program-file.ts';
import { run } from '../src/cli/run.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { parseSealKeys } from '../src/platform/seal.ts';
import { openStore } from '../src/store/open.ts';

const CLIENT_SECRET = 'the-client-secret';
let directory: string;
let env: Record<string, string>;

afterEach(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wonward-cli-'));
  env = {
    DATABASE_URL: `sqlite:${join(directory, 'wonward.db')}`,
    ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    PUBLIC_URL: 'https://referrals.example.com',
    HUBSPOT_CLIENT_ID: 'client-id',
    HUBSPOT_CLIENT_SECRET: CLIENT_SECRET,
    HUBSPOT_APP_ID: '1234567',
  };
});

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const code = await run(args, {
    env,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readText: (path) => (path === '-' ? Promise.resolve(PROGRAM_EXAMPLE) : readFile(path, 'utf8')),
  });
  return { code, out, err };
}

/** The JSON that a command prints; it must have worked. */
async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await cli(...args, '--json');
  expect([err, code]).toEqual(['', 0]);
  return JSON.parse(out) as T;
}

const newAccount = () => json<{ id: string }>('account', 'create', 'Acme');

describe('account', () => {
  test('create and list: what one makes the other shows', async () => {
    const { id } = await newAccount();
    expect(id).toMatch(/^acc_/);
    expect(await json('account', 'list')).toMatchObject([{ id, name: 'Acme' }]);
    expect((await cli('account', 'list')).out).toContain(id);
  });
});

describe('user', () => {
  test('invite prints a link that gives the seat, list shows it, link signs in who has one and nobody else', async () => {
    const { id } = await newAccount();
    const invited = await json<{ link: string; isSent: boolean }>('user', 'invite', id, 'Ada@acme.test');
    expect(invited.isSent).toBe(false);
    expect((await cli('user', 'list', id)).out).toMatch(/ada@acme\.test .*owner .*invited until/);
    expect((await cli('user', 'link', 'ada@acme.test')).code).toBe(1);
    const redeem = async (link: string) => {
      const store = await openStore({ url: env.DATABASE_URL ?? '' });
      const log = createLog({ level: 'silent' });
      const signIn = createSignIn({ store, clock: systemClock, log, publicUrl: 'http://x.test', sendLetter: null });
      const opened = await signIn.redeem(new URL(link).hash.slice(1));
      await store.close();
      return opened?.user.email ?? null;
    };
    expect(await redeem(invited.link)).toBe('ada@acme.test');
    expect(await redeem(invited.link)).toBeNull();
    const { link } = await json<{ link: string }>('user', 'link', 'ada@acme.test');
    expect(await redeem(link)).toBe('ada@acme.test');
    expect((await cli('user', 'list', id)).out).toMatch(/ada@acme\.test .*owner .*has a seat/);
    expect((await cli('user', 'invite', id, 'x@acme.test', '--role', 'king')).err).toContain(
      'Roles are owner, architect',
    );
  });
});

describe('key', () => {
  test('create shows a key once that opens the account, and revoke closes it', async () => {
    const { id } = await newAccount();
    const created = await json<{ id: string; key: string }>('key', 'create', id, '--label', 'zapier');
    const authenticate = async () => {
      const store = await openStore({ url: env.DATABASE_URL ?? '' });
      const owner = await createAccounts({ store, clock: systemClock }).authenticate(created.key);
      await store.close();
      return owner?.accountId ?? null;
    };
    expect(await authenticate()).toBe(id);
    expect(await json('key', 'revoke', id, created.id)).toEqual({ id: created.id, revoked: true });
    expect(await authenticate()).toBeNull();
    expect((await cli('key', 'revoke', id, created.id)).code).toBe(1);
  });

  test('list shows what keys there are, live and revoked, and nothing that opens the account', async () => {
    const { id } = await newAccount();
    expect((await cli('key', 'list', id)).out).toContain('has no API key');
    const first = await json<{ id: string; key: string }>('key', 'create', id, '--label', 'zapier');
    const second = await json<{ id: string; key: string }>('key', 'create', id, '--label', 'import');
    await cli('key', 'revoke', id, first.id);
    expect(await json('key', 'list', id)).toEqual([
      { id: first.id, label: 'zapier', createdAt: expect.any(String), revokedAt: expect.any(String) },
      { id: second.id, label: 'import', createdAt: expect.any(String), revokedAt: null },
    ]);
    const { out } = await cli('key', 'list', id);
    expect(out).toMatch(new RegExp(`${first.id} .*revoked .*zapier`));
    expect(out).toMatch(new RegExp(`${second.id} .*live .*import`));
    for (const { key } of [first, second]) {
      expect(out).not.toContain(key);
      expect(out).not.toContain(createHash('sha256').update(key).digest('base64url'));
    }
  });

  test('create takes the account’s name too, unless two have it', async () => {
    await newAccount();
    expect((await cli('key', 'create', 'Acme', '--label', 'x')).code).toBe(0);
    await newAccount();
    const { code, err } = await cli('key', 'create', 'Acme', '--label', 'x');
    expect(code).toBe(1);
    expect(err).toContain('Several accounts');
  });

  test('generate prints a fresh ENCRYPTION_KEY that the service takes, without any configuration', async () => {
    env = {};
    const [first, second] = [await cli('key', 'generate'), await cli('key', 'generate', '--id', 'k2')];
    expect(parseSealKeys(first.out.trim())).toMatchObject([{ id: 'k1' }]);
    expect(parseSealKeys(`${second.out.trim()},${first.out.trim()}`)).toMatchObject([{ id: 'k2' }, { id: 'k1' }]);
    expect((await cli('key', 'generate', '--id', 'No!')).code).toBe(2);
  });
});

describe('connect', () => {
  test('prints an install link that leads to HubSpot and back to the public address', async () => {
    const { id } = await newAccount();
    const url = new URL((await json<{ url: string }>('connect', id, '--provider', 'hubspot')).url);
    expect(url.origin).toBe('https://app.hubspot.com');
    expect(url.searchParams.get('redirect_uri')).toBe('https://referrals.example.com/oauth/hubspot/callback');
    expect(url.searchParams.get('state')).toHaveLength(43);
  });

  test('says what to set when the CRM is not configured', async () => {
    const { id } = await newAccount();
    for (const name of ['HUBSPOT_CLIENT_ID', 'HUBSPOT_CLIENT_SECRET', 'HUBSPOT_APP_ID']) delete env[name];
    const { code, err } = await cli('connect', id, '--provider', 'hubspot');
    expect(code).toBe(2);
    expect(err).toContain('Set HUBSPOT_CLIENT_ID');
  });
});

describe('connection duplicate-rules', () => {
  async function connected(accountId: string, provider: string): Promise<string> {
    const store = await openStore({ url: env.DATABASE_URL ?? '' });
    const id = `con_${provider}`;
    const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: 0 };
    await store.connections.connect(
      {
        id,
        accountId,
        provider,
        externalId: '1',
        status: 'connected',
        statusReason: null,
        homeCurrency: null,
        timeZone: null,
        uiHost: null,
        scopes: [],
        connectedAt: 0,
      },
      tokens,
    );
    await store.close();
    return id;
  }
  beforeEach(() => {
    env.SALESFORCE_CLIENT_ID = 'key';
    env.SALESFORCE_CLIENT_SECRET = 'secret';
  });

  test('says how Wonward writes into an org, and state shows it', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'salesforce');
    const settingOf = async () =>
      (await json<{ connections: { duplicateRules?: string }[] }>('state')).connections[0]?.duplicateRules;
    expect(await settingOf()).toBe('respect');
    for (const answer of ['allow', 'respect'] as const) {
      expect(await json('connection', 'duplicate-rules', id, connection, answer)).toEqual({
        id: connection,
        duplicateRules: answer,
      });
      expect(await settingOf()).toBe(answer);
    }
  });

  test('refuses another word, a connection that is not there, and a CRM that has no such rules', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'salesforce');
    const say = (of: string, answer: string) => cli('connection', 'duplicate-rules', id, of, answer);
    expect(await say(connection, 'yes')).toMatchObject({ code: 2, err: expect.stringContaining('neither respect') });
    expect(await say('con_none', 'allow')).toMatchObject({ code: 1, err: expect.stringContaining('two-crms list') });
    expect(await say(await connected(id, 'hubspot'), 'allow')).toMatchObject({
      code: 2,
      err: expect.stringContaining('no duplicate rules'),
    });
  });

  test('call-share tells, sets and takes back how much of an org’s calls is taken', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'salesforce');
    const share = (...said: string[]) => json('connection', 'call-share', id, connection, ...said);
    expect(await share()).toEqual({ id: connection, callShare: null });
    expect(await share('30')).toEqual({ id: connection, callShare: 30 });
    expect(await share()).toEqual({ id: connection, callShare: 30 });
    expect(await share('usual')).toEqual({ id: connection, callShare: null });
    const say = (of: string, answer: string) => cli('connection', 'call-share', id, of, answer);
    for (const wrong of ['0', '101', '12.5', 'all'])
      expect(await say(connection, wrong)).toMatchObject({ code: 2, err: expect.stringContaining('is no share') });
    expect(await say('con_none', '30')).toMatchObject({ code: 1, err: expect.stringContaining('two-crms list') });
    expect(await say(await connected(id, 'hubspot'), '30')).toMatchObject({
      code: 2,
      err: expect.stringContaining('a limit of its own'),
    });
  });

  test('objects tells whether there are any, and turns them on for nobody whose CRM has not granted what they need', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'salesforce');
    const off = { id: connection, objects: 'off' };
    expect(await json('connection', 'objects', id, connection)).toEqual(off);
    expect(await json('connection', 'objects', id, connection, 'off')).toEqual(off);
    const say = (answer: string) => cli('connection', 'objects', id, connection, answer);
    expect(await say('maybe')).toMatchObject({ code: 2, err: expect.stringContaining('neither on nor off') });
    expect(await say('on')).toMatchObject({ code: 2, err: expect.stringContaining('has not granted') });
    expect(await json('connection', 'objects', id, connection)).toEqual(off);
  });

  test('events tells whether timelines are told, and turns them on for nobody whose app is not approved', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'hubspot');
    const off = { id: connection, events: 'off' };
    expect(await json('connection', 'events', id, connection)).toEqual(off);
    expect(await json('connection', 'events', id, connection, 'off')).toEqual(off);
    const say = (answer: string) => cli('connection', 'events', id, connection, answer);
    expect(await say('maybe')).toMatchObject({ code: 2, err: expect.stringContaining('neither on nor off') });
    expect(await say('on')).toMatchObject({ code: 2, err: expect.stringContaining('HUBSPOT_APP_EVENTS') });
    expect(await json('connection', 'events', id, connection)).toEqual(off);
  });

  test('programs tells and sets which programs apply in a CRM', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'hubspot');
    expect(await json('connection', 'programs', id, connection)).toEqual({ id: connection, programs: null });
    expect(await json('connection', 'programs', id, connection, 'none')).toMatchObject({ programs: [] });
    expect(await cli('connection', 'programs', id, connection, 'friends')).toMatchObject({
      code: 2,
      err: expect.stringContaining('published no program "friends"'),
    });
    expect(await json('connection', 'programs', id, connection, 'every')).toMatchObject({ programs: null });
    expect(await cli('connection', 'programs', id, 'con_none')).toMatchObject({ code: 1 });
  });

  test('notices tells and sets what a CRM gets tasks for', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'hubspot');
    expect(await json('connection', 'notices', id, connection)).toEqual({ id: connection, notifications: [] });
    expect(await json('connection', 'notices', id, connection, 'drift', 'review_due=77')).toMatchObject({
      notifications: [
        { notice: 'review_due', channel: 'crm_task', to: '77' },
        { notice: 'drift', channel: 'crm_task', to: null },
      ],
    });
    expect(await cli('connection', 'notices', id, connection, 'weekly')).toMatchObject({ code: 2 });
    expect(await json('connection', 'notices', id, connection, 'none')).toMatchObject({ notifications: [] });
  });

  test('managers tells and sets who may change settings in the app inside the CRM', async () => {
    const { id } = await newAccount();
    const connection = await connected(id, 'hubspot');
    expect(await json('connection', 'managers', id, connection)).toEqual({ id: connection, managers: [] });
    expect(await json('connection', 'managers', id, connection, '20', '10', '20')).toMatchObject({
      managers: ['10', '20'],
    });
    expect(await json('connection', 'managers', id, connection)).toMatchObject({ managers: ['10', '20'] });
    expect(await cli('connection', 'managers', id, connection, 'a b')).toMatchObject({ code: 2 });
    expect(await cli('connection', 'managers', id, 'con_none')).toMatchObject({
      code: 1,
      err: expect.stringContaining('two-crms list'),
    });
  });
});

describe('program', () => {
  test('example is explained, and can be published as it stands, from a file or a pipe', async () => {
    const { id } = await newAccount();
    const { out } = await cli('program', 'example');
    expect(out).toContain('// ');
    expect(parseProgram(JSON.parse(withoutComments(out))).ok).toBe(true);
    const file = join(directory, 'program.json');
    writeFileSync(file, out);
    expect(await json('program', 'publish', id, file)).toMatchObject({ programId: 'default', version: 1 });
    expect(await json('program', 'publish', id, '-')).toMatchObject({ version: 1 });
  });

  const SCHEMA = new URL('../programs/program.schema.generated.json', import.meta.url);
  const TEMPLATES = readdirSync(new URL('../programs/', import.meta.url)).filter((name) => name.endsWith('.yaml'));

  test.each(TEMPLATES)('%s is a whole program that can be published as it stands', async (name) => {
    const file = fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const judge = ajv.compile(JSON.parse(readFileSync(SCHEMA, 'utf8')));
    expect([judge(parseYaml(readFileSync(file, 'utf8'))), judge.errors]).toEqual([true, null]);
    expect((await json('program', 'validate', file)) as object).toMatchObject({ programId: 'default' });
    const { id } = await newAccount();
    expect(await json('program', 'publish', id, file)).toMatchObject({ version: 1 });
    expect(await json('program', 'diff', id, file)).toEqual({ inForce: 1, differences: [] });
  });

  test('export prints what publish reads, diff names each field, and rollback publishes an earlier version again', async () => {
    const { id } = await newAccount();
    const file = join(directory, 'exported.yaml');
    const template = fileURLToPath(new URL('../programs/lead-plus-won.yaml', import.meta.url));
    await json('program', 'publish', id, template);
    const { out } = await cli('program', 'export', id);
    writeFileSync(file, out.replace('holdDays: 30', 'holdDays: 7').replace('basisPoints: 400', 'basisPoints: 450'));
    expect(await json('program', 'diff', id, file)).toEqual({
      inForce: 1,
      differences: ['rules[member-won].amount.basisPoints: 400 → 450', 'rules[member-won].holdDays: 30 → 7'],
    });
    expect(await json('program', 'publish', id, file)).toMatchObject({ version: 2 });
    expect(await json('program', 'rollback', id, '1')).toMatchObject({ version: 3 });
    expect(await json('program', 'diff', id, template)).toEqual({ inForce: 3, differences: [] });
    const { code, err } = await cli('program', 'rollback', id, '9');
    expect(code).toBe(1);
    expect(err).toContain('There are: 1, 2, 3.');
  });

  test('dry-run tells what a file would pay, changes nothing, and writes its table', async () => {
    const { id } = await newAccount();
    const template = fileURLToPath(new URL('../programs/saas-credit.yaml', import.meta.url));
    const csv = join(directory, 'differences.csv');
    expect(await json('program', 'dry-run', id, template, '--csv', csv)).toMatchObject({
      referrals: 0,
      counts: { same: 0, new: 0, lost: 0, changed: 0 },
    });
    expect(readFileSync(csv, 'utf8')).toBe(
      '"kind","referral","connection","deal","rule","party","before","after","currency","why"\r\n',
    );
    expect((await cli('program', 'export', id)).err).toContain('No program "default" was published.');
    const { code, err } = await cli('program', 'dry-run', id, template, '--from', '2026-02-30x');
    expect(code).toBe(2);
    expect(err).toContain('--from "2026-02-30x" is no day.');
  });

  test('validate says of YAML what is wrong with it, and where', async () => {
    const file = join(directory, 'bad.yaml');
    writeFileSync(file, 'programId: default\nname: "open\n');
    expect((await cli('program', 'validate', file)).err).toContain('is not YAML: ');
    writeFileSync(
      file,
      'programId: default\nname: P\nrules:\n  - { key: a, party: member, amount: { kind: fixed, money: { amount: 10.50, currency: EUR } }, payout: credit }\n',
    );
    expect((await cli('program', 'validate', file)).err).toContain(
      '- rules[0].amount.money.amount: must be a decimal in quotes, such as "100.00"',
    );
  });

  test('publish names every wrong field and publishes nothing', async () => {
    const { id } = await newAccount();
    const file = join(directory, 'program.json');
    writeFileSync(file, JSON.stringify({ programId: 'Default', name: '', rules: [] }));
    const { code, err } = await cli('program', 'publish', id, file);
    expect(code).toBe(1);
    for (const field of ['programId', 'name', 'rules']) expect(err).toContain(`- ${field}: `);
  });

  test('publish refuses a rule that nothing could pay', async () => {
    const { id } = await newAccount();
    const file = join(directory, 'program.json');
    writeFileSync(file, PROGRAM_EXAMPLE.replace('"payout": "credit"', '"payout": "webhook"'));
    const { code, err } = await cli('program', 'publish', id, file);
    expect(code).toBe(1);
    expect(err).toContain('REWARD_WEBHOOK_URL');
  });

  test.each([
    ['a file that is not there', 'nothing.json', null, 2],
    ['a file that is not JSON', 'bad.json', '{"a": ', 1],
  ])('publish says so of %s', async (_, name, content, expected) => {
    const { id } = await newAccount();
    const file = join(directory, name);
    if (content !== null) writeFileSync(file, content);
    const { code, err } = await cli('program', 'publish', id, file);
    expect(code).toBe(expected);
    expect(err).toContain(file);
  });

  test('a comment inside a string is no comment', () => {
    expect(JSON.parse(withoutComments('{"a": "http://x \\" // y", /* c */ "b": 1 // d\n}'))).toEqual({
      a: 'http://x " // y',
      b: 1,
    });
  });
});

describe('config check', () => {
  test('shows what the service would start with, and no secret', async () => {
    env.DATABASE_URL = 'postgres://wonward:hunter2@db/wonward?password=hunter3';
    for (const args of [[], ['--json']]) {
      const { code, out } = await cli('config', 'check', ...args);
      expect(code).toBe(0);
      expect(out).toContain('https://referrals.example.com');
      expect(out).toContain('*/5 * * * *');
      for (const secret of [CLIENT_SECRET, env.ENCRYPTION_KEY ?? '', 'hunter2', 'hunter3'])
        expect(out).not.toContain(secret);
    }
  });

  test('names everything that is wrong, and ends with 2', async () => {
    env = { NODE_ENV: 'production', PORT: 'x' };
    const { code, err } = await cli('config', 'check');
    expect(code).toBe(2);
    for (const name of ['PORT', 'PUBLIC_URL', 'ENCRYPTION_KEY', 'HUBSPOT_CLIENT_ID'])
      expect(err).toContain(`- ${name} `);
  });
});

describe('state', () => {
  test('shows connections and queues, of all accounts or of one', async () => {
    await newAccount();
    expect(await json('state')).toEqual({
      connections: [],
      queues: {
        work: { due: 0, claimed: 0, later: 0, parked: 0 },
        payouts: { due: 0, claimed: 0, later: 0, parked: 0 },
        mirror: { due: 0, claimed: 0, later: 0, parked: 0 },
      },
    });
    expect((await cli('state', '--account', 'Acme')).out).toContain('No CRM is connected.');
    expect((await cli('state', '--account', 'nobody')).code).toBe(1);
  });
});

describe('what is asked wrongly', () => {
  test.each([
    [['bogus'], 'unknown command'],
    [['key', 'create', 'acc_x'], '--label'],
    [['account', 'create'], 'missing required argument'],
    [['account', 'list', '--all'], 'unknown option'],
  ])('%j is answered with how, and 2', async (args, words) => {
    const { code, err } = await cli(...args);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  test('is said as JSON to who asked for JSON', async () => {
    const { code, out, err } = await cli('--json', 'key', 'create', 'acc_nobody', '--label', 'x');
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(err)).toEqual({
      error: {
        message: 'There is no account "acc_nobody".',
        remedy: '"account list" shows those there are.',
        problems: [],
      },
    });
  });

  test('without a configuration is answered before anything is opened', async () => {
    env = { DATABASE_URL: 'mysql://x' };
    const { code, err } = await cli('account', 'list');
    expect(code).toBe(2);
    expect(err).toMatch(/- DATABASE_URL must be .*\n.*- ENCRYPTION_KEY is needed/);
  });

  test('with a database that cannot be opened says which variable to check', async () => {
    env.DATABASE_URL = `sqlite:${join(directory, 'file')}/x/y.db`;
    writeFileSync(join(directory, 'file'), '');
    const { code, err } = await cli('account', 'list');
    expect(code).toBe(1);
    expect(err).toContain('DATABASE_URL');
  });

  test('help is no error', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    for (const command of ['account', 'key', 'connect', 'program', 'config', 'state']) expect(out).toContain(command);
  });
});

test('the real process prints, and ends with the code', async () => {
  const start = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['src/cli.ts', ...args], { env: { ...env, PATH: process.env.PATH } });
  const { stdout } = await start('account', 'create', 'Acme', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'Acme' });
  await expect(start('bogus')).rejects.toMatchObject({ code: 2 });
});
