import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CLIENT_SECRET,
  form,
  OPTIONAL_SCOPES,
  PORTAL,
  REDIRECT,
  type Reply,
  SCOPES,
  startWorld,
  type World,
} from './harness.ts';

const CLIENT_ID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const CONTACTS = '/crm/objects/2026-03/contacts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

function authorizeUrl(change: Record<string, string | undefined> = {}): string {
  const fields: Record<string, string | undefined> = {
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT,
    scope: SCOPES.join(' '),
    optional_scope: OPTIONAL_SCOPES.join(' '),
    state: 'a state&more',
    ...change,
  };
  const query = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `${world.sandbox.authorizeUrl}?${query.join('&')}`;
}

function token(fields: Record<string, string>): Promise<Reply> {
  return form(`${world.sandbox.url}/oauth/2026-03/token`, {
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    ...fields,
  });
}

const fromCode = (code: string, more: Record<string, string> = {}): Promise<Reply> =>
  token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...more });

const refresh = (refreshToken: string, more: Record<string, string> = {}): Promise<Reply> =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...more });

describe('authorize', () => {
  it('shows a consent page with accounts and scopes, and a yes leads back with code and state', async () => {
    const page = await fetch(authorizeUrl());
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain(`value="${PORTAL}:10202051"`);
    expect(html).toContain('crm.objects.deals.read');
    const fields = Object.fromEntries(
      [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map((match) => [
        match[1] ?? '',
        (match[2] ?? '').replaceAll('&amp;', '&'),
      ]),
    );
    const granted = await fetch(world.sandbox.authorizeUrl, {
      method: 'POST',
      body: new URLSearchParams({ ...fields, account: `${PORTAL}:10202052`, decision: 'grant' }),
      redirect: 'manual',
    });
    expect(granted.status).toBe(302);
    const back = new URL(granted.headers.get('location') ?? '');
    expect(`${back.origin}${back.pathname}`).toBe(REDIRECT);
    expect(back.searchParams.get('state')).toBe('a state&more');
    const tokens = await fromCode(back.searchParams.get('code') ?? '');
    expect(tokens.body).toMatchObject({
      token_type: 'bearer',
      token_use: 'access_token',
      expires_in: 1_800,
      hub_id: PORTAL,
      user_id: 10_202_052,
      scopes: [...SCOPES, ...OPTIONAL_SCOPES],
    });
    expect(tokens.body.access_token.length).toBeGreaterThan(512);
  });

  it('a no leads back with access_denied', async () => {
    const denied = await fetch(world.sandbox.authorizeUrl, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: CLIENT_ID,
        redirect_uri: REDIRECT,
        scope: SCOPES.join(' '),
        decision: 'deny',
      }),
      redirect: 'manual',
    });
    expect(new URL(denied.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied');
  });

  it.each([
    ['another client', { client_id: 'x' }],
    ['a redirect URL that is not exactly one of the app’s', { redirect_uri: `${REDIRECT}/` }],
    ['a required scope too few', { scope: SCOPES.slice(1).join(' ') }],
    ['a scope that the app does not have', { scope: [...SCOPES, 'tickets'].join(' ') }],
    ['an optional scope that the app does not have', { optional_scope: 'tickets' }],
    ['scopes glued by a plus sign', { scope: SCOPES.join('+') }],
  ])('%s gets an error page and no redirect', async (_name, change) => {
    const page = await fetch(authorizeUrl(change), { redirect: 'manual' });
    expect(page.status).toBe(400);
    expect(page.headers.get('content-type')).toContain('text/html');
  });

  it('a scope that the account does not have blocks the install when required and is left out when optional', async () => {
    const { control } = world.sandbox;
    control.createPortal({ portalId: 2, unavailableScopes: ['crm.objects.companies.write'] });
    control.createPortal({ portalId: 3, unavailableScopes: ['crm.objects.deals.read'] });
    control.install(2);
    expect(control.portal(2).scopes).toEqual([...SCOPES, 'crm.objects.companies.read']);
    expect(() => control.install(3)).toThrow(/cannot grant/);
  });
});

describe('tokens', () => {
  it('a code is good once, for a minute, for its redirect URL', async () => {
    const install = (): string => world.sandbox.control.install(PORTAL).code;
    const code = install();
    expect((await fromCode(code)).status).toBe(200);
    const bad = { error: 'invalid_grant', status: 'BAD_AUTH_CODE' };
    expect(await fromCode(code)).toMatchObject({ status: 400, body: bad });
    const late = install();
    world.now.value += 60_000;
    expect((await fromCode(late)).body).toMatchObject(bad);
    const elsewhere = await fromCode(install(), { redirect_uri: 'http://localhost:3000/other' });
    expect(elsewhere.body).toMatchObject({ error: 'invalid_grant', status: 'BAD_REDIRECT_URI' });
  });

  it('errors have the documented four fields', async () => {
    expect((await refresh('na1-unknown')).body).toMatchObject({
      error: 'invalid_grant',
      error_description: 'refresh token is invalid, expired or revoked',
      status: 'BAD_REFRESH_TOKEN',
      message: 'refresh token is invalid, expired or revoked',
    });
    expect((await refresh(world.refreshToken, { client_secret: 'wrong' })).body).toMatchObject({
      error: 'invalid_client',
      status: 'BAD_CLIENT_SECRET',
    });
    expect((await refresh(world.refreshToken, { client_id: 'wrong' })).body.error).toBe('invalid_client');
    expect((await token({ grant_type: 'password' })).body.error).toBe('unsupported_grant_type');
  });

  it('only a form body is taken', async () => {
    const json = await fetch(`${world.sandbox.url}/oauth/2026-03/token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: world.refreshToken }),
    });
    expect(json.status).toBe(415);
    const query = await fetch(`${world.sandbox.url}/oauth/2026-03/token?client_secret=${CLIENT_SECRET}`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token' }),
    });
    expect(query.status).toBe(400);
  });

  it('an access token is over after 30 minutes, with HubSpot’s words, and a refresh gives a new one', async () => {
    world.now.value += 1_800_000;
    const expired = await world.call('GET', CONTACTS);
    expect(expired.status).toBe(401);
    expect(expired.body).toMatchObject({
      status: 'error',
      category: 'EXPIRED_AUTHENTICATION',
      message: 'The OAuth token used to make this call expired 0 minute(s) ago.',
      context: { 'expire time': ['2026-11-22T10:30:00.000Z'] },
    });
    const again = await refresh(world.refreshToken);
    expect(again.body.refresh_token).toBe(world.refreshToken);
    const call = await world.call('GET', CONTACTS, undefined, { Authorization: `Bearer ${again.body.access_token}` });
    expect(call.status).toBe(200);
    expect((await world.call('GET', CONTACTS, undefined, { Authorization: 'Bearer nothing' })).body.category).toBe(
      'INVALID_AUTHENTICATION',
    );
  });

  it('a rotating sandbox spends each refresh token', async () => {
    const rotating = await startWorld({ rotateRefreshTokens: true });
    const url = `${rotating.sandbox.url}/oauth/2026-03/token`;
    const fields = { grant_type: 'refresh_token', client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
    const first = await form(url, { ...fields, refresh_token: rotating.refreshToken });
    expect(first.body.refresh_token).not.toBe(rotating.refreshToken);
    expect((await form(url, { ...fields, refresh_token: rotating.refreshToken })).status).toBe(400);
    await rotating.close();
  });

  it('an uninstall kills every token; a suspended account is BAD_HUB', async () => {
    world.sandbox.control.suspend(PORTAL, true);
    expect((await refresh(world.refreshToken)).body).toMatchObject({ error: 'access_denied', status: 'BAD_HUB' });
    expect((await world.call('GET', CONTACTS)).status).toBe(401);
    world.sandbox.control.suspend(PORTAL, false);
    expect((await world.call('GET', CONTACTS)).status).toBe(200);
    world.sandbox.control.uninstall(PORTAL);
    expect((await refresh(world.refreshToken)).body.status).toBe('BAD_REFRESH_TOKEN');
    expect((await world.call('GET', CONTACTS)).status).toBe(401);
  });

  it('introspection tells both kinds of token; a revoked refresh token is over while access tokens live on', async () => {
    const client = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
    const look = (what: string): Promise<Reply> =>
      form(`${world.sandbox.url}/oauth/2026-03/token/introspect`, { ...client, token: what });
    expect((await look(world.token)).body).toMatchObject({
      active: true,
      token_use: 'access_token',
      hub_id: PORTAL,
      app_id: 50_780_459,
    });
    expect((await look(world.refreshToken)).body).toMatchObject({ active: true, token_use: 'refresh_token' });
    const revoked = await form(`${world.sandbox.url}/oauth/2026-03/token/revoke`, {
      ...client,
      token: world.refreshToken,
    });
    expect(revoked.status).toBe(204);
    expect((await refresh(world.refreshToken)).body.status).toBe('BAD_REFRESH_TOKEN');
    expect((await look(world.refreshToken)).status).toBe(400);
    expect((await world.call('GET', CONTACTS)).status).toBe(200);
    expect(world.sandbox.control.portal(PORTAL).installed).toBe(true);
  });

  it('a call without its scope is 403 MISSING_SCOPES with the scopes that are needed', async () => {
    world.sandbox.control.createPortal({ portalId: 2, unavailableScopes: OPTIONAL_SCOPES });
    const { code } = world.sandbox.control.install(2);
    const { body } = await fromCode(code);
    const refused = await world.call('GET', '/crm/objects/2026-03/companies', undefined, {
      Authorization: `Bearer ${body.access_token}`,
    });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      category: 'MISSING_SCOPES',
      errors: [{ context: { requiredGranularScopes: ['crm.objects.companies.read'] } }],
    });
  });
});

it('account details and owners answer', async () => {
  const details = await world.call('GET', '/account-info/2026-03/details');
  expect(details.body).toEqual({
    portalId: PORTAL,
    accountType: 'STANDARD',
    timeZone: 'US/Eastern',
    companyCurrency: 'USD',
    additionalCurrencies: ['EUR'],
    utcOffset: '-05:00',
    utcOffsetMilliseconds: -18_000_000,
    uiDomain: 'app.hubspot.com',
    dataHostingLocation: 'na1',
  });
  const owners = await world.call('GET', '/crm/owners/2026-03?limit=1');
  expect(owners.body.results[0]).toMatchObject({ email: 'admin@example.com', userId: 10_202_051, type: 'PERSON' });
  const next = await world.call('GET', `/crm/owners/2026-03?limit=1&after=${owners.body.paging.next.after}`);
  expect(next.body.paging).toBeUndefined();
});
