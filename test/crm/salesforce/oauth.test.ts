import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSites } from '../../../src/crm/salesforce/sites.ts';
import { consent, startWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

describe('connecting', () => {
  test('asks with a challenge that is new for each state, and the exchange proves it', async () => {
    const { connector } = world;
    const challenge = (state: string) =>
      new URL(connector.oauth.authorizeUrl({ state, redirectUri: 'http://localhost/' }) ?? '').searchParams.get(
        'code_challenge',
      );
    expect(challenge('a')).not.toBe(challenge('b'));
    expect(challenge('a')).toBe(challenge('a'));
    expect(challenge('a')).not.toBe(createHash('sha256').update('a').digest('base64url'));
    expect(world.grant()).toMatchObject({ externalId: world.orgId, scopes: ['api', 'refresh_token'] });
  });

  test('a code that was asked for with another state is refused', async () => {
    const { connector, control, orgId } = world;
    const url = new URL(connector.oauth.authorizeUrl({ state: 'mine', redirectUri: REDIRECT }) ?? '');
    const { code } = control.install(orgId, { codeChallenge: url.searchParams.get('code_challenge') ?? '' });
    await expect(connector.oauth.exchangeCode({ code, redirectUri: REDIRECT, state: 'theirs' })).rejects.toMatchObject({
      code: 'authorisation_revoked',
    });
  });

  test('tells where the org is, and everything goes there from then on', () => {
    expect(world.grant().apiUrl).toBe(world.control.orgs()[0]?.instanceUrl);
  });
});

describe('renewing', () => {
  test('gives a new refresh token each time, and the one before is spent', async () => {
    const { connector } = world;
    const first = world.grant();
    const second = await connector.oauth.refresh(first);
    const third = await connector.oauth.refresh(second);
    expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    await expect(connector.oauth.refresh(first)).rejects.toMatchObject({
      code: 'authorisation_revoked',
      retry: { kind: 'reconnect' },
    });
    // Salesforce has then ended all of them.
    await expect(connector.oauth.refresh(third)).rejects.toMatchObject({ code: 'authorisation_revoked' });
  });

  test('of an org that does not rotate goes on with the same', async () => {
    await world.close();
    world = await startWorld({
      sandbox: {
        app: {
          clientId: '3MVG9.wonward.consumer.key',
          clientSecret: 'B1B2C3D4E5F60718293A4B5C6D7E8F91',
          redirectUrls: [REDIRECT],
          scopes: ['api', 'refresh_token', 'id'],
          isRefreshTokenRotationEnabled: false,
        },
      },
    });
    const first = world.grant();
    expect((await world.connector.oauth.refresh(first)).refreshToken).toBe(first.refreshToken);
  });

  test('a session that is refused again and again costs one renewal for each call', async () => {
    const { control, session, connector, access } = world;
    control.addFault({
      target: 'api',
      path: '/services/data/*',
      effect: { kind: 'error', status: 401, code: 'INVALID_SESSION_ID', message: 'Session expired or invalid' },
    });
    let renewals = 0;
    const counting = connector.open({
      ...access,
      accessToken: (rejected) => {
        if (rejected !== undefined) renewals += 1;
        return access.accessToken(rejected);
      },
    });
    await expect(counting.stages()).rejects.toMatchObject({ code: 'crm_unavailable', retry: { kind: 'retry' } });
    expect(renewals).toBe(1);
    control.clearFaults();
    expect((await session.stages()).pipelines).toHaveLength(1);
  });

  test('when the secret is wrong is our own mistake, and ends no connection', async () => {
    const other = await startWorld({ deps: {} });
    const { createConnector } = await import('../../../src/crm/salesforce/connector.ts');
    const mistaken = createConnector({
      loginUrl: world.sandbox.url,
      pubSubEndpoint: world.sandbox.pubSubEndpoint,
      clientId: '3MVG9.wonward.consumer.key',
      clientSecret: 'another',
      dailyShare: 1,
      clock: world.time.clock,
      random: () => 0.5,
      sleep: world.time.sleep,
    });
    await expect(mistaken.oauth.refresh(world.grant())).rejects.toMatchObject({ code: 'app_misconfigured' });
    await other.close();
  });
});

describe('disconnecting', () => {
  test('gives the grant back, and twice is no mistake', async () => {
    const { connector, session } = world;
    await connector.oauth.revoke(world.grant());
    await connector.oauth.revoke(world.grant());
    await expect(session.stages()).rejects.toMatchObject({ code: 'authorisation_revoked' });
  });

  test('connecting again goes on', async () => {
    const { connector, sandbox, orgId } = world;
    await connector.oauth.revoke(world.grant());
    const again = await consent(connector, sandbox, orgId);
    expect(again.externalId).toBe(orgId);
  });
});

describe('where a token goes', () => {
  const sites = createSites('https://login.salesforce.com');

  test.each([
    ['https://test.salesforce.com', 'https://test.salesforce.com'],
    ['https://acme.my.salesforce.com/', 'https://acme.my.salesforce.com'],
    ['https://acme--dev.sandbox.my.salesforce.com', 'https://acme--dev.sandbox.my.salesforce.com'],
    ['https://acme.my.salesforce.mil', 'https://acme.my.salesforce.mil'],
  ])('%s is Salesforce', (site, origin) => {
    expect(sites.login(site)).toBe(origin);
    expect(sites.apiUrl(site)).toBe(origin);
  });

  test.each([
    'https://salesforce.com.evil.example',
    'https://evilsalesforce.com',
    'http://acme.my.salesforce.com',
    'https://acme.my.salesforce.com:8443',
    'https://user:pass@acme.my.salesforce.com',
    'https://169.254.169.254',
    'http://localhost:4020',
    'javascript:alert(1)',
    '',
  ])('%s is not', (site) => {
    expect(sites.login(site)).toBeNull();
    expect(() => sites.apiUrl(site)).toThrow(/instance_url/);
  });

  test('a local Salesforce is believed when the usual login host is local, and nobody else is then', () => {
    const local = createSites('http://127.0.0.1:4020');
    expect(local.login('http://localhost:4021')).toBe('http://localhost:4021');
    expect(local.login('https://login.salesforce.com')).toBeNull();
  });
});

const REDIRECT = 'http://localhost:3000/oauth/salesforce/callback';
