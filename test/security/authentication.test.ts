import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccounts } from '../../src/application/accounts.ts';
import type { ApiKey } from '../../src/application/ports/store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { SECRET, startHttp } from '../http/service.ts';
import { pathFor, twoAccounts } from './two-accounts.ts';

/** OWASP API2:2023, broken authentication, and API5:2023, functions of another level. */

const METRICS_TOKEN = 'a-metrics-token-of-the-operator';

let world: Awaited<ReturnType<typeof twoAccounts>>;
beforeAll(async () => {
  world = await twoAccounts();
}, 120_000);
afterAll(() => world.close());

describe('what is a secret of another kind', () => {
  test('opens no operation: tokens, states, codes, ids, hashes, and keys that are nearly right', async () => {
    const { account, story } = world.mine;
    const { key } = account;
    const begun = (await (await account.post('/connections/install', { provider: 'hubspot' })).json()) as {
      url: string;
    };
    const guesses: Record<string, string> = {
      'the metrics token': METRICS_TOKEN,
      'HubSpot’s client secret': SECRET,
      'an OAuth state': new URL(begun.url).searchParams.get('state') ?? '',
      'a share code': story.code,
      'the id of the key': account.keyId,
      'the id of the account': account.id,
      'the hash of the key': createHash('sha256').update(key).digest('base64url'),
      'the hash with the prefix of a key': `wk_${createHash('sha256').update(key).digest('base64url')}`,
      'the key without its prefix': key.slice(3),
      'the key in lower case': key.toLowerCase(),
      'the key without its last letter': key.slice(0, -1),
      'the key with a letter more': `${key}A`,
      'the key with a NUL behind it': `${key}%00`,
      'two keys': `${key},${key}`,
      'a pattern': 'wk_%',
    };
    for (const operation of world.judge.operations) {
      const url = `${world.service.url}/api/v1${pathFor(operation, world.mine.ids)}`;
      for (const [what, guess] of Object.entries(guesses)) {
        const answer = await fetch(url, {
          method: operation.method.toUpperCase(),
          headers: { authorization: `Bearer ${guess}` },
        });
        expect([operation.operationId, what, answer.status]).toEqual([operation.operationId, what, 401]);
      }
    }
  });

  test('of one account’s API opens neither metrics nor webhooks nor cards nor actions of workflows', async () => {
    const strict = await startHttp({ deps: { metricsToken: METRICS_TOKEN } });
    const { key } = await strict.createAccount('A');
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    expect((await fetch(`${strict.url}/metrics`, { headers })).status).toBe(401);
    expect((await fetch(`${strict.url}/webhooks/hubspot`, { method: 'POST', headers, body: '[]' })).status).toBe(401);
    const card = `${strict.url}/hubspot/cards/contact?portalId=48000001&objectId=101&objectTypeId=0-1`;
    expect((await fetch(card, { headers })).status).toBe(401);
    const action = `${strict.url}/hubspot/actions/enrol-member`;
    expect((await fetch(action, { method: 'POST', headers, body: '{}' })).status).toBe(401);
    await strict.close();
  });
});

describe('a key', () => {
  test('never reaches the store, only its hash does, so that no comparison there can be timed letter by letter', async () => {
    const looked: string[] = [];
    const apiKey: ApiKey = { id: 'key_1', accountId: 'acc_1', label: 'x', roles: ['owner'], createdAt: 0 };
    const findApiKey = async (hash: string) => {
      looked.push(hash);
      return apiKey;
    };
    const store = { accounts: { ...world.service.store.accounts, findApiKey } };
    await createAccounts({ store, clock: systemClock }).authenticate('wk_secret');
    expect(looked).toEqual([createHash('sha256').update('wk_secret').digest('base64url')]);
  });

  test('that was revoked opens no operation from then on', async () => {
    const gone = await world.service.createAccount('Gone');
    await world.service.store.accounts.revokeApiKey(gone.id, gone.keyId, systemClock.now());
    for (const operation of world.judge.operations) {
      const answer = await gone.call(pathFor(operation, world.mine.ids), { method: operation.method.toUpperCase() });
      expect([operation.operationId, answer.status]).toEqual([operation.operationId, 401]);
    }
  });

  test('is asked for before a body is read, so that nobody without one makes us read it', async () => {
    for (const operation of world.judge.operations.filter(({ body }) => body !== null)) {
      const answer = await fetch(`${world.service.url}/api/v1${pathFor(operation, world.mine.ids)}`, {
        method: operation.method.toUpperCase(),
        headers: { 'content-type': 'application/json' },
        body: '{"not": json',
      });
      expect([operation.operationId, answer.status]).toEqual([operation.operationId, 401]);
    }
  });
});

describe('guessing', () => {
  test.each([
    ['an API key', '/api/v1/members'],
    ['the metrics token', '/metrics'],
  ])('%s is stopped per address, and one kind of guess does not stop the other', async (_, path) => {
    const strict = await startHttp({
      deps: { metricsToken: METRICS_TOKEN, limits: { wrongKeys: { points: 3, perSeconds: 600 } } },
    });
    const account = await strict.createAccount('A');
    const ask = async (at: string, token: string) =>
      (await fetch(`${strict.url}${at}`, { headers: { authorization: `Bearer ${token}` } })).status;
    const right = path === '/metrics' ? METRICS_TOKEN : account.key;
    const statuses = [];
    for (const guess of ['wk_1', 'wk_2', 'wk_3', 'wk_4', right]) statuses.push(await ask(path, guess));
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const untouched =
      path === '/metrics' ? await ask('/api/v1/members', account.key) : await ask('/metrics', METRICS_TOKEN);
    expect(untouched).toBe(200);
    await strict.close();
  });
});

describe('what only an operator may do', () => {
  test('has no route: accounts, keys, retries and rotation are commands on the machine', async () => {
    const words = /account|key|rotate|retry|token|backup|restore|migrate|doctor|verify|config|sweep|admin/i;
    const exposed = world.judge.operations.filter(
      ({ operationId, path }) => words.test(operationId) || words.test(path),
    );
    // Of one connection of the caller's own account.
    const own = ['retryConnection', 'sweepConnection', 'verifySyncReports'];
    // Of the caller's own account, by who has the permission.
    const ofAccount = [
      ...['getChartOfAccounts', 'setChartOfAccounts', 'listPeriodAccounts', 'verifyPeriods'],
      ...['rotateWebhookSecret', 'retryWebhookDelivery'],
      ...['createApiKey', 'getAccount'],
      'listApiKeys',
      'listLedgerAccounts',
      'revokeApiKey',
      'setAccount',
    ];
    const asFile = ['getConfiguration', 'checkConfiguration', 'applyConfiguration'];
    expect(exposed.map(({ operationId }) => operationId).sort()).toEqual([...ofAccount, ...asFile, ...own].sort());
    for (const { path, operationId } of exposed)
      if (own.includes(operationId)) expect(path).toMatch(/^\/connections\/\{connectionId\}\//);
    for (const path of ['/accounts', '/keys', '/keys/rotate', '/retry', '/accounts/me/keys', '/state', '/config']) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const answer = await world.mine.account.call(path, { method });
        expect([path, method, answer.status]).toEqual([path, method, 404]);
      }
    }
  });

  test('is not reached by another method or by a header that names one', async () => {
    const before = world.dump();
    for (const operation of world.judge.operations.filter(({ method }) => method === 'get')) {
      for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
        const answer = await world.mine.account.call(pathFor(operation, world.mine.ids), {
          headers: { [header]: 'DELETE' },
        });
        expect([operation.operationId, answer.status]).toEqual([operation.operationId, 200]);
      }
    }
    expect(world.dump()).toEqual(before);
  });
});
