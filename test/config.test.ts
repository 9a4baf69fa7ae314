import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BEGIN, configTable, END, envExample, withTable } from '../scripts/config-docs.ts';
import { type Config, type ConfigProblem, readConfig, variableDocs } from '../src/config.ts';

const KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://referrals.example.com/',
  ENCRYPTION_KEY: KEY,
  HUBSPOT_CLIENT_ID: 'client',
  HUBSPOT_CLIENT_SECRET: 'secret',
  HUBSPOT_APP_ID: '1234567',
};

function good(env: Record<string, string>): Config {
  const result = readConfig(env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problems(env: Record<string, string>): readonly ConfigProblem[] {
  const result = readConfig(env);
  return result.ok ? [] : result.problems;
}

const names = (env: Record<string, string>) => problems(env).map(({ variable }) => variable);

describe('a complete environment', () => {
  test('for production is read', () => {
    expect(good(PRODUCTION)).toMatchObject({
      environment: 'production',
      host: '0.0.0.0',
      port: 3_000,
      publicUrl: 'https://referrals.example.com',
      databaseUrl: 'sqlite:./data/wonward.db',
      encryptionKeys: [{ id: 'k1' }],
      logLevel: 'info',
      hubspot: {
        apiUrl: 'https://api.hubapi.com',
        authorizeUrl: 'https://app.hubspot.com/oauth/authorize',
        clientId: 'client',
        clientSecrets: ['secret'],
        appId: 1_234_567,
      },
      rewardWebhook: null,
      allowPrivateDestinations: false,
      localProviders: {},
      sweepSchedule: '*/5 * * * *',
      trustProxy: 0,
      metricsToken: null,
    });
  });

  test('elsewhere needs nothing but a key: there is no HubSpot then, and the public address is this machine', () => {
    expect(good({ ENCRYPTION_KEY: KEY, PORT: '4000' })).toMatchObject({
      environment: 'development',
      publicUrl: 'http://localhost:4000',
      hubspot: null,
      rewardWebhook: null,
    });
  });

  test('hands the former client secret to the connectors while it is rotated', () => {
    const config = good({ ...PRODUCTION, HUBSPOT_CLIENT_SECRET_PREVIOUS: 'former' });
    expect(config.hubspot?.clientSecrets).toEqual(['secret', 'former']);
    expect(config.crmEnvironment.HUBSPOT_CLIENT_SECRET).toBe('secret,former');
  });

  test('takes an empty or blank variable for one that is not set, as .env files have them', () => {
    expect(good({ ENCRYPTION_KEY: ` ${KEY} `, PORT: '', HUBSPOT_CLIENT_ID: '  ', METRICS_TOKEN: '' })).toMatchObject({
      port: 3_000,
      hubspot: null,
      metricsToken: null,
    });
  });

  test.each<[string, number | string[]]>([
    ['0', 0],
    ['2', 2],
    ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
  ])('trusts proxies as told: %s', (text, trustProxy) => {
    expect(good({ ENCRYPTION_KEY: KEY, TRUST_PROXY: text }).trustProxy).toEqual(trustProxy);
  });
});

describe('production does not start', () => {
  test('without what it needs, and names all of it at once', () => {
    expect(names({ NODE_ENV: 'production' }).sort()).toEqual([
      'ENCRYPTION_KEY',
      'HUBSPOT_APP_ID',
      'HUBSPOT_CLIENT_ID',
      'HUBSPOT_CLIENT_SECRET',
      'PUBLIC_URL',
    ]);
  });

  test('with one CRM of the two it does', () => {
    const { HUBSPOT_CLIENT_ID: _id, HUBSPOT_CLIENT_SECRET: _secret, HUBSPOT_APP_ID: _app, ...rest } = PRODUCTION;
    expect(names({ ...rest, SALESFORCE_CLIENT_ID: 'key', SALESFORCE_CLIENT_SECRET: 'secret' })).toEqual([]);
  });

  test.each<[string, string]>([
    ['PUBLIC_URL', 'http://referrals.example.com'],
    ['ALLOW_PRIVATE_DESTINATIONS', 'true'],
    ['HUBSPOT_API_URL', 'http://localhost:4000'],
    ['HUBSPOT_AUTHORIZE_URL', 'http://localhost:4000/oauth'],
    ['SALESFORCE_LOGIN_URL', 'http://localhost:4020'],
  ])('with an unsafe %s', (name, value) => {
    expect(names({ ...PRODUCTION, [name]: value })).toEqual([name]);
    expect(problems({ ENCRYPTION_KEY: KEY, [name]: value })).toEqual([]);
  });

  test('with local stand-ins for reward providers, unless private addresses are allowed in development', () => {
    const local = { LOCAL_PAYOUT_PROVIDERS: 'stripe=http://127.0.0.1:4001, paypal=http://127.0.0.1:4002' };
    expect(names({ ...PRODUCTION, ...local })).toEqual(['LOCAL_PAYOUT_PROVIDERS']);
    expect(names({ ENCRYPTION_KEY: KEY, ...local })).toEqual(['LOCAL_PAYOUT_PROVIDERS']);
    const { localProviders } = good({ ENCRYPTION_KEY: KEY, ALLOW_PRIVATE_DESTINATIONS: 'true', ...local });
    expect(Object.entries(localProviders).map(([name, url]) => `${name} ${url.href}`)).toEqual([
      'stripe http://127.0.0.1:4001/',
      'paypal http://127.0.0.1:4002/',
    ]);
    for (const wrong of ['stripe', 'stripe=', 'stripe=file:///etc', 'STRIPE=http://x', 'a=http://x,,'])
      expect(names({ ENCRYPTION_KEY: KEY, ALLOW_PRIVATE_DESTINATIONS: 'true', LOCAL_PAYOUT_PROVIDERS: wrong })).toEqual(
        ['LOCAL_PAYOUT_PROVIDERS'],
      );
  });

  test('with any secret left to a default: there is none', () => {
    for (const { name, secret, defaultValue } of variableDocs())
      if (secret) expect([name, defaultValue]).toEqual([name, null]);
  });
});

describe('a wrong variable', () => {
  test('is reported with every other one, each with its name and what it should be', () => {
    const found = problems({
      ...PRODUCTION,
      PORT: '70000',
      PUBLIC_URL: 'referrals.example.com',
      DATABASE_URL: 'mysql://x',
      ENCRYPTION_KEY: 'k1:short',
      HUBSPOT_APP_ID: 'abc',
      SWEEP_SCHEDULE: 'often',
      LOG_LEVEL: 'loud',
      TRUST_PROXY: 'true',
      REWARD_WEBHOOK_URL: 'http://rewards.example.com',
    });
    expect(found.map(({ variable }) => variable).sort()).toEqual([
      'DATABASE_URL',
      'ENCRYPTION_KEY',
      'HUBSPOT_APP_ID',
      'LOG_LEVEL',
      'PORT',
      'PUBLIC_URL',
      'REWARD_WEBHOOK_SECRET',
      'REWARD_WEBHOOK_URL',
      'SWEEP_SCHEDULE',
      'TRUST_PROXY',
    ]);
    for (const { problem } of found) expect(problem).toMatch(/^must /);
  });

  test.each<[string, string]>([
    ['NODE_ENV', 'prod'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['PUBLIC_URL', 'https://user:password@x.example'],
    ['PUBLIC_URL', 'https://x.example/?a=1'],
    ['PUBLIC_URL', 'ftp://x.example'],
    ['HUBSPOT_CLIENT_SECRET', 'one,two'],
    ['HUBSPOT_APP_ID', '0'],
    ['SALESFORCE_PUBSUB_ENDPOINT', 'https://api.pubsub.salesforce.com'],
    ['SALESFORCE_DAILY_SHARE', '0'],
    ['SALESFORCE_DAILY_SHARE', '0.5'],
    ['REWARD_WEBHOOK_SECRET', 'whsec_c2hvcnQ='],
    ['REWARD_WEBHOOK_SECRET', 'a-password'],
    ['ALLOW_PRIVATE_DESTINATIONS', 'yes'],
    ['TRUST_PROXY', '99'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', 'loopback'],
    ['METRICS_TOKEN', 'short'],
  ])('is refused: %s=%s', (name, value) => {
    const env = { ...PRODUCTION, REWARD_WEBHOOK_URL: 'https://r.example', REWARD_WEBHOOK_SECRET: WEBHOOK_SECRET };
    expect(problems(env)).toEqual([]);
    expect(names({ ...env, [name]: value })).toEqual([name]);
  });

  test('never has its value repeated when it is a secret', () => {
    for (const { name, secret } of variableDocs()) {
      if (!secret) continue;
      expect(JSON.stringify(problems({ ...PRODUCTION, [name]: 'my,secret x' }))).not.toContain('my,secret');
    }
  });

  test.each([
    [{ HUBSPOT_CLIENT_ID: 'a' }, ['HUBSPOT_CLIENT_SECRET', 'HUBSPOT_APP_ID']],
    [{ HUBSPOT_CLIENT_SECRET: 'a', HUBSPOT_APP_ID: '1' }, ['HUBSPOT_CLIENT_ID']],
    [{ SALESFORCE_CLIENT_ID: 'a' }, ['SALESFORCE_CLIENT_SECRET']],
    [{ SALESFORCE_CLIENT_SECRET: 'a' }, ['SALESFORCE_CLIENT_ID']],
    [{ HUBSPOT_CLIENT_SECRET_PREVIOUS: 'a' }, ['HUBSPOT_CLIENT_SECRET_PREVIOUS']],
    [{ REWARD_WEBHOOK_SECRET: WEBHOOK_SECRET }, ['REWARD_WEBHOOK_URL']],
    [{ REWARD_WEBHOOK_URL: 'https://r.example' }, ['REWARD_WEBHOOK_SECRET']],
  ])('in a group that is set in part names what is missing: %j', (env, missing) => {
    expect(names({ ENCRYPTION_KEY: KEY, ...env } as Record<string, string>)).toEqual(missing);
  });

  test('never throws, whatever the environment holds', () => {
    const variable = fc.constantFrom(...variableDocs().map(({ name }) => name));
    fc.assert(
      fc.property(
        fc.dictionary(variable, fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('production', KEY, '0'))),
        (env) => {
          const result = readConfig(env);
          if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a secret in a file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wonward-config-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  test('is read, with the line end that editors add taken off', () => {
    const config = good({
      ...PRODUCTION,
      HUBSPOT_CLIENT_SECRET: '',
      HUBSPOT_CLIENT_SECRET_FILE: file('secret', 'from-file\n'),
      DATABASE_URL_FILE: file('url', 'postgres://u:p@db/wonward\n'),
    });
    expect(config.hubspot?.clientSecrets).toEqual(['from-file']);
    expect(config.crmEnvironment.HUBSPOT_CLIENT_SECRET).toBe('from-file');
    expect(config.databaseUrl).toBe('postgres://u:p@db/wonward');
  });

  test.each<[string, Record<string, string>]>([
    ['does not exist', { ENCRYPTION_KEY_FILE: join(directory, 'nothing') }],
    ['is empty', { ENCRYPTION_KEY_FILE: file('empty', ' \n') }],
    ['is named beside the variable itself', { ENCRYPTION_KEY: KEY, ENCRYPTION_KEY_FILE: file('key', KEY) }],
  ])('that %s is reported, once', (_, env) => {
    const { ENCRYPTION_KEY: __, ...rest } = PRODUCTION;
    expect(names({ ...rest, ...env })).toEqual(['ENCRYPTION_KEY_FILE']);
  });

  test('is held to the same rules, and named by its variable', () => {
    const { ENCRYPTION_KEY: __, ...rest } = PRODUCTION;
    expect(names({ ...rest, ENCRYPTION_KEY_FILE: file('bad', 'k1:short') })).toEqual(['ENCRYPTION_KEY']);
  });

  test('is offered for secrets only', () => {
    expect(good({ ENCRYPTION_KEY: KEY, PORT_FILE: file('port', '4000') }).port).toBe(3_000);
  });
});

describe('the documentation of the configuration', () => {
  test('in .env.example is what the schema says (node scripts/config-docs.ts writes it)', () => {
    expect(readFileSync('.env.example', 'utf8')).toBe(envExample());
  });

  test('in the README is what the schema says, once it has a place for it', () => {
    let readme = '';
    try {
      readme = readFileSync('README.md', 'utf8');
    } catch {
      // There is none yet.
    }
    expect(withTable(readme, configTable())).toBe(readme);
  });

  test('names every variable, and no secret has a value in it', () => {
    const example = envExample();
    const table = configTable();
    for (const { name, secret } of variableDocs()) {
      expect(table).toContain(`| \`${name}\` |`);
      expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'));
      if (secret) expect(example).toMatch(new RegExp(`^(# )?${name}=$`, 'm'));
    }
  });

  test('as it stands does not start a service: what is needed is left open', () => {
    const env = Object.fromEntries(
      envExample()
        .split('\n')
        .filter((line) => /^[A-Z_]+=/.test(line))
        .map((line) => line.split('=') as [string, string]),
    );
    expect(names(env)).toEqual(['ENCRYPTION_KEY']);
  });

  test('goes between its markers and leaves the rest alone', () => {
    const table = configTable();
    const text = `# Title\n\n${BEGIN}\nold\n${END}\n\nend\n`;
    expect(withTable(text, table)).toBe(`# Title\n\n${BEGIN}\n${table}\n${END}\n\nend\n`);
    expect(withTable('# Title\n', table)).toBe('# Title\n');
    expect(() => withTable(`${BEGIN}\n`, table)).toThrow(END);
  });
});
