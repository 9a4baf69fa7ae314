import { createHmac } from 'node:crypto';
import jsforce from '@jsforce/jsforce-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CHALLENGE,
  CLIENT_ID,
  CLIENT_SECRET,
  errorOf,
  form,
  type Json,
  REDIRECT,
  type Reply,
  startWorld,
  tokensFor,
  VERIFIER,
  type World,
  withClient,
} from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const authorizeUrl = (change: Record<string, string | undefined> = {}): string => {
  const url = new URL(`${world.sandbox.url}/services/oauth2/authorize`);
  const wanted = {
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    state: 's 1',
    ...change,
  };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) url.searchParams.set(name, value);
  return url.toString();
};

const exchange = (code: string, change: Record<string, string> = {}): Promise<Reply> =>
  form(
    `${world.sandbox.url}/services/oauth2/token`,
    withClient({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
      ...change,
    }),
  );

const refresh = (refreshToken: string, host = world.sandbox.url): Promise<Reply> =>
  form(`${host}/services/oauth2/token`, withClient({ grant_type: 'refresh_token', refresh_token: refreshToken }));

const install = (): string => world.control.install(world.orgId, { codeChallenge: CHALLENGE }).code;

describe('the authorize page', () => {
  it('shows users, and its form sends the browser back with code and state', async () => {
    const page = await fetch(authorizeUrl());
    const text = await page.text();
    expect(page.status).toBe(200);
    expect(text).toContain('admin@acme.example');
    const [, user = ''] = /option value="([^"]+)"/.exec(text) ?? [];
    const fields = new URL(authorizeUrl()).searchParams;
    fields.set('user', user);
    fields.set('decision', 'allow');
    const allowed = await fetch(`${world.sandbox.url}/services/oauth2/authorize`, {
      method: 'POST',
      body: fields,
      redirect: 'manual',
    });
    const back = new URL(allowed.headers.get('location') ?? '');
    expect(back.origin + back.pathname).toBe(REDIRECT);
    expect(back.searchParams.get('state')).toBe('s 1');
    expect((await exchange(back.searchParams.get('code') ?? '')).status).toBe(200);
    fields.set('decision', 'deny');
    const denied = await fetch(`${world.sandbox.url}/services/oauth2/authorize`, {
      method: 'POST',
      body: fields,
      redirect: 'manual',
    });
    expect(new URL(denied.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied');
  });

  it('never goes to an address that is not the app’s', async () => {
    const answer = await fetch(authorizeUrl({ redirect_uri: 'https://evil.example' }), { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect(await answer.text()).toContain('redirect_uri_mismatch');
    expect((await fetch(authorizeUrl({ client_id: 'x' }), { redirect: 'manual' })).status).toBe(400);
  });

  it.each([
    ['no challenge', { code_challenge: undefined }, 'invalid_request', 'missing required code challenge'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request', 'invalid code challenge'],
    ['a scope that the app has not', { scope: 'api full' }, 'invalid_scope', 'the requested scope is not allowed'],
    ['a token at once', { response_type: 'token' }, 'unsupported_response_type', 'response type not supported'],
  ])('%s is told to the app', async (_name, change, error, description) => {
    const answer = await fetch(authorizeUrl(change), { redirect: 'manual' });
    const back = new URL(answer.headers.get('location') ?? '');
    expect(back.searchParams.get('error')).toBe(error);
    expect(back.searchParams.get('error_description')).toBe(description);
    expect(back.searchParams.get('state')).toBe('s 1');
  });
});

describe('the token route', () => {
  it('gives a signed answer with the org’s own host and no expires_in', async () => {
    const { status, body, headers } = await exchange(install());
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(body.expires_in).toBeUndefined();
    expect(body.instance_url).toBe(world.control.org(world.orgId).instanceUrl);
    expect(body.instance_url).not.toBe(world.sandbox.url);
    expect(body.id).toBe(`${world.sandbox.url}/id/${world.orgId}/${body.id.split('/').at(-1)}`);
    expect(body.signature).toBe(
      createHmac('sha256', CLIENT_SECRET).update(`${body.id}${body.issued_at}`).digest('base64'),
    );
    const who = await fetch(body.id, { headers: { Authorization: `Bearer ${body.access_token}` } });
    expect(await who.json()).toMatchObject({ organization_id: world.orgId, username: 'admin@acme.example' });
  });

  it('a code is good once, two minutes, at its own address and with its own verifier', async () => {
    const first = install();
    expect((await exchange(first)).status).toBe(200);
    expect((await exchange(first)).body).toEqual({
      error: 'invalid_grant',
      error_description: 'expired authorization code',
    });
    expect((await exchange(install(), { code_verifier: 'w'.repeat(64) })).body.error_description).toBe(
      'invalid code verifier',
    );
    expect((await exchange(install(), { redirect_uri: `${REDIRECT}/` })).body.error).toBe('redirect_uri_mismatch');
    expect((await exchange(install(), { client_secret: 'x' })).body.error).toBe('invalid_client');
    const late = install();
    world.now.value += 120_000;
    expect((await exchange(late)).body.error_description).toBe('expired authorization code');
  });

  it('a refresh token rotates, and one that is used again ends the whole grant', async () => {
    const first = await refresh(world.tokens.refresh_token);
    expect(first.status).toBe(200);
    expect(first.body.refresh_token).not.toBe(world.tokens.refresh_token);
    const second = await refresh(first.body.refresh_token);
    expect(second.status).toBe(200);
    expect((await refresh(first.body.refresh_token)).body).toEqual({
      error: 'invalid_grant',
      error_description: 'expired access/refresh token',
    });
    expect((await refresh(second.body.refresh_token)).body.error).toBe('invalid_grant');
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([401, 'INVALID_SESSION_ID']);
  });

  it('without rotation the one refresh token stays, and is not repeated', async () => {
    const plain = await startWorld({ appChange: { isRefreshTokenRotationEnabled: false } });
    try {
      for (let time = 0; time < 3; time += 1) {
        const answer = await refresh(plain.tokens.refresh_token, plain.sandbox.url);
        expect([answer.status, answer.body.refresh_token]).toEqual([200, undefined]);
      }
    } finally {
      await plain.close();
    }
  });

  it('jsforce goes through the whole flow with its own verifier', async () => {
    const oauth2 = new jsforce.OAuth2({
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      redirectUri: REDIRECT,
      loginUrl: world.sandbox.url,
      useVerifier: true,
    });
    const url = new URL(oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'abc' }));
    expect((await fetch(url)).status).toBe(200);
    const { code } = world.control.install(world.orgId, {
      codeChallenge: url.searchParams.get('code_challenge') ?? '',
      scope: url.searchParams.get('scope') ?? '',
    });
    const conn = new jsforce.Connection({ oauth2, version: '66.0' });
    const user = await conn.authorize(code);
    expect([user.organizationId, conn.instanceUrl]).toEqual([world.orgId, world.tokens.instance_url]);
    expect((await conn.query('SELECT Id FROM Contact')).totalSize).toBe(0);
    expect(conn.limitInfo.apiUsage).toEqual({ used: 1, limit: 15_000 });
  });

  it('jsforce’s own refresh loses the rotated token: the second refresh locks it out', async () => {
    const conn = new jsforce.Connection({
      oauth2: {
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        redirectUri: REDIRECT,
        loginUrl: world.sandbox.url,
      },
      instanceUrl: world.tokens.instance_url,
      accessToken: world.tokens.access_token,
      refreshToken: world.tokens.refresh_token,
      version: '66.0',
    });
    world.control.expireSessions(world.orgId);
    expect((await conn.query('SELECT Id FROM Contact')).totalSize).toBe(0);
    world.control.expireSessions(world.orgId);
    await expect(conn.query('SELECT Id FROM Contact')).rejects.toThrow('expired access/refresh token');
  });

  it('an org whose app was removed, a user who left and another org’s host get nothing', async () => {
    await world.control.createOrg({ name: 'Other' });
    const other = world.control.orgs()[1];
    expect((await refresh(world.tokens.refresh_token, other?.instanceUrl)).body.error).toBe('invalid_grant');
    const user = world.control.org(world.orgId).users[0];
    world.control.setUserActive(world.orgId, user?.id ?? '', false);
    expect((await refresh(world.tokens.refresh_token)).body.error).toBe('inactive_user');
    world.control.setUserActive(world.orgId, user?.id ?? '', true);
    world.control.uninstall(world.orgId);
    expect((await refresh(world.tokens.refresh_token)).body.error).toBe('invalid_grant');
    expect(() => install()).toThrow('app must be installed into org');
  });

  it('the sixth connection of a user ends the oldest', async () => {
    for (let time = 0; time < 5; time += 1) await tokensFor(world.sandbox, world.orgId);
    expect((await refresh(world.tokens.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('an org that moves is told by the next token; at the address before there are logins and no sessions', async () => {
    const before = world.tokens.instance_url;
    const { instanceUrl } = await world.control.moveOrg(world.orgId);
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([401, 'INVALID_SESSION_ID']);
    const { body } = await refresh(world.tokens.refresh_token, before);
    expect(body.instance_url).toBe(instanceUrl);
    const answer = await fetch(`${instanceUrl}/services/data/v66.0/limits`, {
      headers: { Authorization: `Bearer ${body.access_token}` },
    });
    expect(answer.status).toBe(200);
  });

  it('a revoked refresh token takes its sessions with it', async () => {
    const revoke = `${world.sandbox.url}/services/oauth2/revoke`;
    expect((await form(revoke, { token: world.tokens.refresh_token })).status).toBe(200);
    expect((await form(revoke, { token: world.tokens.refresh_token })).body.error).toBe('invalid_token');
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([401, 'INVALID_SESSION_ID']);
  });

  it('parameters in the address and JSON bodies are refused', async () => {
    const answer = await fetch(`${world.sandbox.url}/services/oauth2/token?grant_type=refresh_token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    });
    expect([answer.status, ((await answer.json()) as Json).error]).toEqual([400, 'invalid_request']);
  });
});

describe('sessions', () => {
  it('end two hours after the last use, and using one in its second half renews it', async () => {
    world.now.value += 61 * 60_000;
    expect((await world.call('GET', '/limits')).status).toBe(200);
    world.now.value += 119 * 60_000;
    expect((await world.call('GET', '/limits')).status).toBe(200);
    world.now.value += 121 * 60_000;
    expect(errorOf(await world.call('GET', '/limits'))).toEqual([401, 'INVALID_SESSION_ID']);
  });

  it('are of one org: its neighbour does not know them', async () => {
    const other = await world.control.createOrg({ name: 'Other' });
    const answer = await fetch(`${other.instanceUrl}/services/data/v66.0/limits`, {
      headers: { Authorization: `Bearer ${world.tokens.access_token}` },
    });
    expect(answer.status).toBe(401);
  });
});
