import { randomBytes } from 'node:crypto';
import type { CrmAccess, CrmConnector, CrmGrant, CrmSession } from '../../../src/application/ports/crm.ts';
import { createConnector, type SalesforceDeps } from '../../../src/crm/salesforce/connector.ts';
import type { OrgSeed } from '../../../src/sandbox/salesforce/org.ts';
import {
  type SalesforceSandbox,
  type SandboxOptions,
  startSalesforceSandbox,
} from '../../../src/sandbox/salesforce/server.ts';
import { createTime } from '../hubspot/harness.ts';

const CLIENT_ID = '3MVG9.wonward.consumer.key';
const CLIENT_SECRET = 'B1B2C3D4E5F60718293A4B5C6D7E8F91';
const REDIRECT = 'http://localhost:3000/oauth/salesforce/callback';
const PACKAGE = 'extensions/salesforce/force-app/main/default';

export interface World {
  readonly sandbox: SalesforceSandbox;
  readonly control: SalesforceSandbox['control'];
  readonly orgId: string;
  readonly connector: CrmConnector;
  readonly access: CrmAccess;
  readonly session: CrmSession;
  readonly time: ReturnType<typeof createTime>;
  readonly logged: object[];
  /** The grant that is good now. */
  grant(): CrmGrant;
  /** Requests to the org's REST and SOAP API since the last look. */
  calls(): number;
  close(): Promise<void>;
}

/** An org with the package, and the connector that an admin has connected to it. Time passes when somebody sleeps, or is told. */
export async function startWorld({
  org = {},
  deps = {},
  sandbox: options = {},
}: {
  org?: OrgSeed;
  deps?: Partial<SalesforceDeps>;
  sandbox?: Partial<SandboxOptions>;
} = {}): Promise<World> {
  const time = createTime();
  const sandbox = await startSalesforceSandbox({
    app: {
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      redirectUrls: [REDIRECT],
      scopes: ['api', 'refresh_token', 'id'],
    },
    orgs: [{ package: { root: PACKAGE }, ...org }],
    clock: time.clock,
    ...options,
  });
  const { control } = sandbox;
  const orgId = control.orgs()[0]?.id ?? '';
  const logged: object[] = [];
  const connector = createConnector({
    loginUrl: sandbox.url,
    pubSubEndpoint: sandbox.pubSubEndpoint,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    dailyShare: 1,
    clock: time.clock,
    random: () => 0.5,
    sleep: time.sleep,
    log: { debug: (fields) => logged.push(fields), warn: (fields) => logged.push(fields) },
    ...deps,
  });
  let current = await consent(connector, sandbox, orgId);
  const access: CrmAccess = {
    connectionId: 'con_1',
    externalId: current.externalId,
    apiUrl: current.apiUrl,
    homeCurrency: 'USD',
    scopes: current.scopes,
    async accessToken(rejected) {
      if (rejected === current.accessToken) current = await connector.oauth.refresh(current);
      return current.accessToken;
    },
  };
  return {
    sandbox,
    control,
    orgId,
    connector,
    access,
    session: connector.open(access),
    time,
    logged,
    grant: () => current,
    calls() {
      const own = control.calls().filter((call) => call.orgId === orgId && !call.route.includes('oauth'));
      const count = own.reduce((sum, call) => sum + call.count, 0);
      control.clearCalls();
      return count;
    },
    close: () => sandbox.close(),
  };
}

/** The admin's way through the consent page, as a browser goes it. */
export async function consent(connector: CrmConnector, sandbox: SalesforceSandbox, orgId: string): Promise<CrmGrant> {
  const state = randomBytes(16).toString('base64url');
  const url = new URL(connector.oauth.authorizeUrl({ state, redirectUri: REDIRECT }) ?? '');
  const asked = Object.fromEntries(url.searchParams);
  const { redirectUrl } = sandbox.control.install(orgId, {
    redirectUri: REDIRECT,
    state,
    scope: asked.scope,
    codeChallenge: asked.code_challenge,
    codeChallengeMethod: asked.code_challenge_method,
  });
  const code = new URL(redirectUrl).searchParams.get('code') ?? '';
  return connector.oauth.exchangeCode({ code, redirectUri: REDIRECT, state });
}
