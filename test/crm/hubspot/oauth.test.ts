import nock from 'nock';
import { afterEach, describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import { createHarness, faultFrom, hubspotError, NOW, SECRET } from './harness.ts';

const TOKEN = '/oauth/2026-03/token';
const ANSWER = {
  access_token: 'access-2',
  refresh_token: 'refresh-2',
  expires_in: 1_800,
  token_type: 'bearer',
  token_use: 'access_token',
  hub_id: 9001,
  scopes: ['oauth'],
  user_id: 5,
};

afterEach(() => {
  const pending = nock.pendingMocks();
  nock.cleanAll();
  expect(pending).toEqual([]);
});

describe('installing', () => {
  test('asks for exactly the declared scopes, joined by %20', () => {
    const { connector } = createHarness();
    const url = connector.oauth.authorizeUrl({
      state: 's+/=',
      redirectUri: 'https://w.test/oauth/hubspot/callback?a=b',
    });
    expect(url).toContain(`scope=${hubspotManifest.oauth.requiredScopes.map(encodeURIComponent).join('%20')}&`);
    expect(url).not.toContain('+');
    const query = new URL(url ?? '').searchParams;
    expect(Object.fromEntries(query)).toEqual({
      client_id: 'client-1',
      redirect_uri: 'https://w.test/oauth/hubspot/callback?a=b',
      scope: hubspotManifest.oauth.requiredScopes.join(' '),
      optional_scope: hubspotManifest.oauth.optionalScopes.join(' '),
      state: 's+/=',
    });
  });

  test('exchanges the code by a form and reads the grant', async () => {
    const { connector, api } = createHarness();
    api
      .post(TOKEN, {
        grant_type: 'authorization_code',
        code: 'c/1',
        redirect_uri: 'https://w.test/cb',
        client_id: 'client-1',
        client_secret: SECRET,
      })
      .matchHeader('content-type', 'application/x-www-form-urlencoded')
      .reply(200, ANSWER);
    expect(await connector.oauth.exchangeCode({ code: 'c/1', redirectUri: 'https://w.test/cb', state: 's' })).toEqual({
      externalId: '9001',
      accessToken: 'access-2',
      refreshToken: 'refresh-2',
      expiresAt: NOW + 1_800_000,
      scopes: ['oauth'],
      // Who consented may change settings in the app.
      userId: '5',
    });
  });

  test('asks HubSpot whose token it is when the answer does not say', async () => {
    const { connector, api } = createHarness();
    const { hub_id: _hub, scopes: _scopes, ...bare } = ANSWER;
    api.post(TOKEN).reply(200, bare);
    api
      .post('/oauth/2026-03/token/introspect', (body) => body.token === 'access-2')
      .reply(200, { hub_id: 9001, scopes: ['oauth'], active: true });
    expect(await connector.oauth.exchangeCode({ code: 'c', redirectUri: 'r', state: 's' })).toMatchObject({
      externalId: '9001',
      scopes: ['oauth'],
    });
  });
});

describe('refreshing', () => {
  test('keeps the refresh token that HubSpot returned, not the one that was sent', async () => {
    const { connector, api } = createHarness();
    api
      .post(TOKEN, (body) => body.grant_type === 'refresh_token' && body.refresh_token === 'refresh-1')
      .reply(200, ANSWER);
    expect((await connector.oauth.refresh({ refreshToken: 'refresh-1' })).refreshToken).toBe('refresh-2');
  });

  test.each([
    [400, { error: 'invalid_grant', status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' }],
    [400, { status: 'BAD_HUB', message: 'hub is dead' }],
    [403, { error: 'access_denied' }],
    [400, { error: 'invalid_grant', status: 'BAD_AUTH_CODE', message: 'missing or unknown auth code' }],
  ])('says that an admin has to connect again when the grant is gone (%i %o)', async (status, body) => {
    const { connector, api } = createHarness();
    api.post(TOKEN).reply(status, body);
    expect(await faultFrom(connector.oauth.refresh({ refreshToken: 'r' }))).toMatchObject({
      code: 'authorisation_revoked',
      retry: { kind: 'reconnect' },
    });
  });

  test.each([
    [401, { error: 'invalid_client', status: 'BAD_CLIENT_SECRET', message: 'client_secret does not match' }],
    [400, { status: 'BAD_CLIENT_ID', message: 'missing or unknown client id' }],
    [
      400,
      { error: 'invalid_grant', status: 'MISMATCH_REDIRECT_URI_AUTH_CODE', message: 'redirect URI does not match' },
    ],
    [400, { error: 'invalid_grant', error_description: 'The redirect_uri does not match' }],
    [400, { error: 'invalid_scope' }],
  ])('never ends a connection for a mistake of ours (%i %o)', async (status, body) => {
    const { connector, api } = createHarness();
    api.post(TOKEN).reply(status, body);
    expect(await faultFrom(connector.oauth.refresh({ refreshToken: 'r' }))).toMatchObject({
      code: 'app_misconfigured',
      retry: { kind: 'never' },
    });
  });

  test.each([
    ['an outage', (api: nock.Scope) => api.post(TOKEN).times(4).reply(502, '<html>'), 'crm_unavailable'],
    ['a refusal nobody knows', (api: nock.Scope) => api.post(TOKEN).reply(400, hubspotError('teapot')), 'crm_rejected'],
    [
      'half an answer',
      (api: nock.Scope) => api.post(TOKEN).times(4).reply(200, '{"access_token":'),
      'crm_unreadable_answer',
    ],
    ['a firewall', (api: nock.Scope) => api.post(TOKEN).times(4).reply(403, 'denied'), 'crm_unavailable'],
  ])('never ends a connection for %s', async (_name, fail, code) => {
    const { connector, api } = createHarness();
    fail(api);
    const fault = await faultFrom(connector.oauth.refresh({ refreshToken: 'r' }));
    expect(fault.code).toBe(code);
    expect(fault.retry).not.toEqual({ kind: 'reconnect' });
  });

  test('never tells the secret or the refresh token in a fault', async () => {
    const { connector, api, logged } = createHarness();
    api.post(TOKEN).reply(401, { error: 'invalid_client', status: 'BAD_CLIENT_SECRET' });
    const fault = await faultFrom(connector.oauth.refresh({ refreshToken: 'refresh-1' }));
    expect(JSON.stringify([fault, logged])).not.toMatch(/refresh-1|yyyyyyyy/);
  });
});

describe('disconnecting', () => {
  test('gives the refresh token back, and is done when it was gone already', async () => {
    const { connector, api } = createHarness();
    api
      .post('/oauth/2026-03/token/revoke', (body) => body.token === 'r' && body.token_type_hint === 'refresh_token')
      .reply(204);
    await connector.oauth.revoke({ refreshToken: 'r' });
    api.post('/oauth/2026-03/token/revoke').reply(400, { error: 'invalid_grant', status: 'BAD_REFRESH_TOKEN' });
    await connector.oauth.revoke({ refreshToken: 'r' });
  });

  test('fails aloud when HubSpot could not be reached', async () => {
    const { connector, api } = createHarness();
    api.post('/oauth/2026-03/token/revoke').times(4).reply(500, hubspotError('x'));
    expect(await faultFrom(connector.oauth.revoke({ refreshToken: 'r' }))).toMatchObject({ code: 'crm_unavailable' });
  });
});
