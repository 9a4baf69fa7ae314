import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CODES, startHttp, type TestAccount, type TestService } from './service.ts';

const cardFile = 'extensions/hubspot/src/app/cards/referral-card-hsmeta.json';
const cardName = JSON.parse(readFileSync(cardFile, 'utf8')).config.name as string;

let service: TestService;
let account: TestAccount;
let skewMs = 0;

beforeEach(async () => {
  skewMs = 0;
  service = await startHttp({ clock: { ...systemClock, now: () => systemClock.now() + skewMs } });
  account = await service.createAccount('Acme');
});
afterEach(() => service.close());

async function newState(of: TestAccount = account): Promise<string> {
  const response = await of.post('/connections/install', { provider: 'hubspot' });
  expect(response.status).toBe(201);
  const url = new URL(((await response.json()) as { url: string }).url);
  expect(url.searchParams.get('redirect_uri')).toBe('https://wonward.example/base/oauth/hubspot/callback');
  return url.searchParams.get('state') ?? '';
}

async function comeBack(query: Record<string, string>, path = '/oauth/hubspot/callback') {
  const response = await fetch(`${service.url}${path}?${new URLSearchParams(query)}`, { redirect: 'manual' });
  const page = await response.text();
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('location')).toBeNull();
  for (const value of [query.code, query.state].filter((text) => (text ?? '').length > 5))
    expect(page).not.toContain(value);
  expect(page).toMatch(/<html lang="en">/);
  expect(page).toMatch(/<h1>[^<]+<\/h1>/);
  return { status: response.status, page, headers: response.headers };
}

describe('an admin who comes back from the consent page', () => {
  test('is connected, and reads what was set up, what was left alone and what to do next', async () => {
    const { status, page } = await comeBack({ code: 'code-48000001', state: await newState() });
    expect(status).toBe(200);
    expect(page).toContain('HubSpot is connected');
    expect(page).toContain('48000001');
    expect(page).toContain('property wonward_id');
    // The card's name in HubSpot, so that the admin finds it.
    expect(page).toContain(`<strong>${cardName}</strong>`);
    const { items } = (await (await account.call('/connections')).json()) as { items: unknown };
    expect(items).toMatchObject([{ externalId: '48000001', status: 'connected', provider: 'hubspot' }]);
  });

  test('reads a name from the CRM as text, never as markup', async () => {
    const { page } = await comeBack({ code: 'code-1', state: await newState() });
    expect(page).toContain('wonward_code &lt;b&gt;');
    expect(page).not.toContain('<b>');
  });

  test('is connected also when the set-up fails for now, and reads that it is finished later', async () => {
    service.crm.provision = () =>
      Promise.reject(new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot is slow <i>.'));
    const { status, page } = await comeBack({ code: 'code-1', state: await newState() });
    expect(status).toBe(200);
    expect(page).toContain('HubSpot is slow &lt;i&gt;.');
    expect(page).toContain('Not finished yet');
  });

  test('who declined reads that nothing was changed, and may still use the link', async () => {
    const state = await newState();
    const declined = await comeBack({ error: 'access_denied', error_description: '<script>alert(1)</script>', state });
    expect(declined.status).toBe(403);
    expect(declined.page).toContain('You did not connect');
    expect(declined.page).not.toContain('alert(1)');
    expect((await comeBack({ code: 'code-1', state })).status).toBe(200);
  });

  test.each([
    ['a state that nobody gave out', async () => 'x'.repeat(43)],
    [
      'a state that was used before',
      async () => {
        const state = await newState();
        await comeBack({ code: 'code-1', state });
        return state;
      },
    ],
    [
      'a state of half an hour ago',
      async () => {
        const state = await newState();
        skewMs = 1_800_000;
        return state;
      },
    ],
  ])('with %s gets 400 and connects nothing more', async (_, stateOf) => {
    const state = await stateOf();
    const before = (await service.store.connections.listConnected()).length;
    const { status, page } = await comeBack({ code: 'code-77', state });
    expect(status).toBe(400);
    expect(page).toContain('no longer works');
    expect(await service.store.connections.listConnected()).toHaveLength(before);
  });

  test('of a portal that belongs to another account gets 409, and the other keeps it', async () => {
    const other = await service.createAccount('Other');
    const owned = await other.connect('1');
    const { status, page } = await comeBack({ code: 'code-1', state: await newState() });
    expect(status).toBe(409);
    expect(page).not.toContain('Other');
    expect(await service.store.connections.get(other.id, owned)).toMatchObject({ status: 'connected' });
    expect(await service.store.connections.list(account.id)).toEqual([]);
  });

  test.each([
    ['a used code', CODES.used, 400, 'The code is used up.'],
    ['HubSpot down', CODES.down, 503, 'HubSpot does not answer.'],
    ['a wrong secret of ours', CODES.misconfigured, 500, 'Wrong client secret.'],
    ['a mistake of ours', CODES.crash, 500, 'The mistake was logged.'],
  ])('with %s gets a page that says so, and a later install works', async (_, code, expected, words) => {
    const { status, page } = await comeBack({ code, state: await newState() });
    expect(status).toBe(expected);
    expect(page).toContain(words);
    expect(page).not.toMatch(/internals|\/srv/);
    expect((await comeBack({ code: 'code-1', state: await newState() })).status).toBe(200);
  });

  test.each([
    ['nothing', {}],
    ['no code', { state: 'x' }],
    ['no state', { code: 'x' }],
    ['an empty state', { code: 'x', state: '' }],
    ['a state of 2 kB', { code: 'x', state: 'x'.repeat(2_048) }],
  ])('with %s gets 400', async (_, query) => {
    const { status, page } = await comeBack(query as Record<string, string>);
    expect(status).toBe(400);
    // It was not even looked up.
    expect(page).not.toContain('no longer works');
  });

  test('with two states gets 400', async () => {
    const response = await fetch(`${service.url}/oauth/hubspot/callback?code=a&state=b&state=c`);
    expect(response.status).toBe(400);
  });

  test('of a CRM that is not configured gets 404', async () => {
    expect((await comeBack({ code: 'a', state: 'b' }, '/oauth/pipedrive/callback')).status).toBe(404);
  });
});

test('the page allows no script, no form, no frame, and only its own style', async () => {
  const { headers, page } = await comeBack({ code: 'code-1', state: await newState() });
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; form-action 'none'/,
  );
  expect(page).not.toMatch(/<script|style=|https?:\/\//);
});

test('an address that opens page after page is slowed down', async () => {
  const strict = await startHttp({ deps: { limits: { pages: { points: 2, perSeconds: 60 } } } });
  const statuses = [];
  for (let tries = 0; tries < 3; tries += 1) statuses.push((await fetch(`${strict.url}/r/AAAA-BBBB-CCCC`)).status);
  expect(statuses).toEqual([404, 404, 429]);
  await strict.close();
});

describe('a share link', () => {
  test('of a member names the code and nobody, however it is typed', async () => {
    const created = await account.post('/members', { name: 'Grace Hopper', email: 'grace@example.com' });
    const member = (await created.json()) as { code: string };
    for (const typed of [member.code, member.code.toLowerCase(), member.code.replaceAll('-', '')]) {
      const response = await fetch(`${service.url}/r/${typed}`);
      const page = await response.text();
      expect(response.status).toBe(200);
      expect(page).toContain(member.code);
      expect(page).not.toMatch(/Grace|grace@/);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });

  test.each(['AAAA-BBBB-CCCC', 'x', '%3Cscript%3E', 'a'.repeat(5_000)])(
    'that nobody has is a 404 page: %s',
    async (code) => {
      const response = await fetch(`${service.url}/r/${code}`);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain('not valid');
    },
  );
});

describe('the page in front of the consent', () => {
  async function pageOf(path: string) {
    const response = await fetch(`${service.url}${path}`, { redirect: 'manual' });
    return {
      status: response.status,
      page: await response.text(),
      policy: response.headers.get('content-security-policy'),
    };
  }

  test('says what will happen, why each permission is asked for, and leads to the CRM', async () => {
    const link = (await (await account.post('/connections/install', { provider: 'hubspot' })).json()) as {
      url: string;
      page: string;
    };
    const { pathname, search } = new URL(link.page);
    expect(pathname).toBe('/base/install/hubspot');
    const { status, page, policy } = await pageOf(`/install/hubspot${search}`);
    expect(status).toBe(200);
    expect(policy).toContain("default-src 'none'");
    expect(page).toContain('What you may leave out');
    expect(page).toContain('To know which account &lt;b&gt; you connect.');
    expect(page).toContain(`href="${link.url.replaceAll('&', '&amp;')}"`);
    // It was looked at and not used up: the link behind it still works.
    const state = new URL(link.url).searchParams.get('state') ?? '';
    expect((await comeBack({ code: 'code-48000001', state })).status).toBe(200);
  });

  test.each([
    ['no state', '/install/hubspot'],
    ['a state that is none', '/install/hubspot?state=x'],
    ['two states', `/install/hubspot?state=${'a'.repeat(43)}&state=${'b'.repeat(43)}`],
    ['a CRM that is none', `/install/pipedrive?state=${'a'.repeat(43)}`],
  ])('is not shown with %s', async (_, path) => {
    const { status, page } = await pageOf(path);
    expect(status).toBe(404);
    expect(page).toContain('Make a new install link');
  });
});
