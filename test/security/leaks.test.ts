import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenContext } from '../../src/application/connect.ts';
import { run } from '../../src/cli/run.ts';
import { createSeal, parseSealKeys } from '../../src/platform/seal.ts';
import { startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { openStore } from '../../src/store/open.ts';
import { freePort } from '../support/free-port.ts';
import { APP, environmentFor, PORTAL, sandboxAppAt, TWO_SIDED } from '../support/stack.ts';

/**
 * A whole story with marked secrets and marked people, played by the real process at its most talkative, and then a search of
 * everything that it has written: log, answers, and the bytes of the database.
 */

const PEOPLE = {
  name: 'Canarina',
  lastName: 'Vogelsang',
  email: 'canarina.vogelsang@canary.example',
  deal: 'Birdcage of Canarina',
};
const METRICS_TOKEN = 'canary-metrics-token-0123456789';
const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const PROVIDER_TEXT = 'canary-of-the-provider';
const ENCRYPTION_KEY = `k1:${randomBytes(32).toString('base64')}`;

let log = '';
let answers = '';
let database = '';
let secrets: Record<string, string> = {};

function openedTokens(databaseUrl: string): Promise<string[]> {
  return openStore({ url: databaseUrl }).then(async (store) => {
    const keys = parseSealKeys(ENCRYPTION_KEY);
    if (typeof keys === 'string') throw new Error(keys);
    const seal = createSeal(keys);
    const rows = await store.connections.listTokens(null, 10);
    await store.close();
    return rows.flatMap(({ accountId, accessToken, refreshToken }) => [
      seal.open(accessToken, tokenContext(accountId, 'access')),
      seal.open(refreshToken, tokenContext(accountId, 'refresh')),
    ]);
  });
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const giveUpAt = Date.now() + 120_000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > giveUpAt) throw new Error(`${what} did not happen; the log ends with ${log.slice(-2_000)}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wonward-leaks-'));
  const databaseUrl = `sqlite:${join(directory, 'wonward.db')}`;
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const sandbox = await startHubSpotSandbox({
    app: sandboxAppAt(publicUrl),
    portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', additionalCurrencies: [] }],
    webhookBatchDelayMs: 5,
    retryBaseMs: 20,
    indexLagMs: 0,
  });
  let orders = 0;
  const provider = createServer(async (request, response) => {
    answers += await text(request);
    orders += 1;
    // First a fault with words of its own, then the reward.
    response.writeHead(orders === 1 ? 503 : 200, { 'retry-after': '1' }).end(`{"detail":"${PROVIDER_TEXT}"}`);
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');

  const env: Record<string, string> = {
    ...environmentFor({ port, databaseUrl, sandbox, encryptionKey: ENCRYPTION_KEY }),
    PATH: process.env.PATH ?? '',
    LOG_LEVEL: 'trace',
    METRICS_TOKEN,
    REWARD_WEBHOOK_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`,
    REWARD_WEBHOOK_SECRET: WEBHOOK_SECRET,
  };
  const command = async (...args: string[]) => {
    let out = '';
    const code = await run([...args, '--json'], {
      env,
      out: (part) => {
        out += part;
      },
      err: (part) => {
        out += part;
      },
      readText: async () => '',
    });
    expect([code, out]).toEqual([0, out]);
    return JSON.parse(out) as { id: string; key: string };
  };
  const { id } = await command('account', 'create', 'Acme');
  const { key } = await command('key', 'create', id, '--label', 'test');

  const service = spawn(process.execPath, ['src/main.ts'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(service, 'exit');
  service.stdout.on('data', (chunk) => {
    log += String(chunk);
  });
  service.stderr.on('data', (chunk) => {
    log += String(chunk);
  });
  try {
    await until('the start', async () => (log.includes('"started"') ? true : null));

    const call = async (method: string, path: string, body?: unknown, bearer = key) => {
      const response = await fetch(`${publicUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const answer = await response.text();
      answers += `${JSON.stringify([...response.headers])}${answer}\n`;
      return answer;
    };
    const rules = TWO_SIDED.rules.map((rule) => (rule.party === 'member' ? { ...rule, payout: 'webhook' } : rule));
    await call('POST', '/api/v1/programs', { ...TWO_SIDED, rules });
    const { url } = JSON.parse(await call('POST', '/api/v1/connections/install', { provider: 'hubspot' })) as {
      url: string;
    };
    const state = new URL(url).searchParams.get('state') ?? '';
    const { redirectUrl } = sandbox.control.install(PORTAL, { state });
    answers += await (await fetch(redirectUrl, { redirect: 'manual' })).text();
    answers = answers.replaceAll(state, '');

    const member = sandbox.control.createRecord(PORTAL, 'contact', {
      properties: { email: PEOPLE.email, firstname: PEOPLE.name, lastname: PEOPLE.lastName },
    }).id;
    const friend = sandbox.control.createRecord(PORTAL, 'contact', {
      properties: {
        email: `friend.${PEOPLE.email}`,
        firstname: `${PEOPLE.name} the Second`,
        lastname: PEOPLE.lastName,
      },
      associations: [{ toType: 'contact', toId: member, labels: ['Referred by'] }],
    }).id;
    const deal = sandbox.control.createRecord(PORTAL, 'deal', {
      properties: { dealname: PEOPLE.deal, amount: '1000.00', pipeline: 'default', dealstage: 'appointmentscheduled' },
      associations: [{ toType: 'contact', toId: friend }],
    }).id;
    sandbox.control.editRecord(PORTAL, 'deal', deal, { properties: { dealstage: 'closedwon' } });
    await until('both rewards', async () => {
      const { items } = JSON.parse(await call('GET', '/api/v1/rewards')) as { items: { state: string }[] };
      return items.length === 2 && items.every((reward) => reward.state === 'issued') ? true : null;
    });
    for (const path of ['members', 'referrals', 'decisions', 'journals', 'balances', 'connections', 'programs']) {
      await call('GET', `/api/v1/${path}`);
    }
    const card = await sandbox.control.fetch(PORTAL, {
      url: `${publicUrl}/hubspot/cards/contact?objectId=${member}&objectTypeId=0-1`,
    });
    expect(card.status).toBe(200);
    answers += card.body;

    // What goes wrong is told at greater length than what goes right.
    await call('POST', '/api/v1/members', `{"email":"${PEOPLE.email}`);
    await call('POST', '/api/v1/members', { email: PEOPLE.email, name: `${PEOPLE.name}\u0000`, [PEOPLE.deal]: 1 });
    await call('GET', `/api/v1/members/${encodeURIComponent(PEOPLE.email)}`, undefined, `${key}x`);
    await call('GET', `/oauth/hubspot/callback?code=${APP.clientSecret}&state=${state}`);
    await call('GET', `/r/${encodeURIComponent(PEOPLE.email)}?key=${key}`);
    await call('POST', '/webhooks/hubspot', [{ propertyValue: PEOPLE.email }]);
    await call('GET', '/metrics');
    answers += await (
      await fetch(`${publicUrl}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
    ).text();

    const tokens = await openedTokens(databaseUrl);
    const [connection] = (JSON.parse(await call('GET', '/api/v1/connections')) as { items: { id: string }[] }).items;
    await call('POST', `/api/v1/connections/${connection?.id}/disconnect`);
    secrets = {
      apiKey: key,
      clientSecret: APP.clientSecret,
      encryptionKey: ENCRYPTION_KEY.slice(3),
      metricsToken: METRICS_TOKEN,
      webhookSecret: WEBHOOK_SECRET.slice(6),
      oauthState: state,
      accessToken: tokens[0] ?? '',
      refreshToken: tokens[1] ?? '',
    };
  } finally {
    service.kill('SIGTERM');
    await exited;
    await sandbox.close();
    await new Promise((resolve) => provider.close(resolve));
    database = readdirSync(directory)
      .map((file) => readFileSync(join(directory, file)).toString('latin1'))
      .join('\n');
    rmSync(directory, { recursive: true, force: true });
  }
}, 240_000);

afterAll(() => {
  log = '';
  database = '';
});

describe('after a whole story, with faults', () => {
  test('the marks are real: the story was told, at length, and the database holds it', () => {
    for (const [what, secret] of Object.entries(secrets)) expect([what, secret.length > 15]).toEqual([what, true]);
    expect(Object.keys(secrets)).toHaveLength(8);
    expect(log.split('\n').length).toBeGreaterThan(30);
    expect(log).toContain('"level":"debug"');
    expect(database).toContain(PEOPLE.email);
    expect(answers).toContain(PEOPLE.email);
  });

  test('no log line holds a secret', () => {
    for (const [what, secret] of Object.entries(secrets)) expect([what, log.includes(secret)]).toEqual([what, false]);
  });

  test('no log line holds a person, a deal’s name, an address, or what a provider said', () => {
    const marks = { ...PEOPLE, encoded: encodeURIComponent(PEOPLE.email), provider: PROVIDER_TEXT };
    for (const [what, mark] of Object.entries(marks)) {
      const line = log.split('\n').find((one) => one.toLowerCase().includes(mark.toLowerCase())) ?? null;
      expect([what, line]).toEqual([what, null]);
    }
  });

  test('no answer holds a secret', () => {
    for (const [what, secret] of Object.entries(secrets))
      expect([what, answers.includes(secret)]).toEqual([what, false]);
  });

  test('no byte of the database holds a secret that is not sealed or hashed', () => {
    for (const [what, secret] of Object.entries(secrets))
      expect([what, database.includes(secret)]).toEqual([what, false]);
  });

  test('every log line is one JSON object: nothing that came in has ended a line or moved a cursor', () => {
    for (const line of log.split('\n').filter((one) => one !== '')) {
      expect(() => JSON.parse(line)).not.toThrow();
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });
});
