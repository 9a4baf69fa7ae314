import { OAUTH_SCOPES } from '../../manifests/salesforce/package.ts';
import type { Connection } from '../../src/application/ports/store.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import type { OrgSeed } from '../../src/sandbox/salesforce/org.ts';
import { type SalesforceSandbox, startSalesforceSandbox } from '../../src/sandbox/salesforce/server.ts';
import { type Json, type Stack, type StackOptions, startStack } from './stack.ts';

const APP = { clientId: '3MVG9.wonward.test.key', clientSecret: 'C1B2C3D4E5F60718293A4B5C6D7E8F92' };
export const PACKAGE = 'extensions/salesforce/force-app/main/default';

export interface SalesforceStack {
  readonly stack: Stack;
  readonly salesforce: SalesforceSandbox;
  readonly orgId: string;
  readonly clock: Clock;
  /** Connects the org as its admin does, through consent page and callback. */
  install(apiKey?: string): Promise<{ status: number; page: string }>;
  connection(): Promise<Connection>;
  /** As the schedule does: what changed is found, what was asked for is answered. */
  sweep(): Promise<void>;
  /** Everything has come to rest, what the stream brings included. */
  settle(): Promise<void>;
  /** Rows of an object in the org. */
  rows(object: string): Json[];
  create(object: string, fields: object): string;
  edit(id: string, fields: object): void;
  close(): Promise<void>;
}

/** The real service with a local HubSpot, as ever, and a local Salesforce beside it. */
export async function startSalesforceStack({
  clock = systemClock,
  org = {},
  ...options
}: StackOptions & { org?: OrgSeed } = {}): Promise<SalesforceStack> {
  const redirectUrls: string[] = [];
  const salesforce = await startSalesforceSandbox({
    app: { ...APP, redirectUrls, scopes: [...OAUTH_SCOPES, 'id'] },
    orgs: [{ package: { root: PACKAGE }, currencies: ['EUR'], ...org }],
    clock: clock.now,
  });
  const { control } = salesforce;
  const orgId = control.orgs()[0]?.id ?? '';
  const stack = await startStack({
    clock,
    ...options,
    environment: {
      SALESFORCE_CLIENT_ID: APP.clientId,
      SALESFORCE_CLIENT_SECRET: APP.clientSecret,
      SALESFORCE_LOGIN_URL: salesforce.url,
      SALESFORCE_PUBSUB_ENDPOINT: salesforce.pubSubEndpoint,
      ...options.environment,
    },
  });
  redirectUrls.push(`${stack.publicUrl}/oauth/salesforce/callback`);

  async function connection(): Promise<Connection> {
    const found = await stack.service.store.connections.findByExternalId('salesforce', orgId);
    if (!found) throw new Error('the org is not connected');
    return found;
  }

  async function settle(): Promise<void> {
    await salesforce.idle();
    await stack.settle();
  }

  return {
    stack,
    salesforce,
    orgId,
    clock,
    connection,
    settle,
    async install(apiKey) {
      const begun = await stack.api('POST', '/connections/install', { provider: 'salesforce' }, apiKey);
      if (begun.status !== 201) throw new Error(JSON.stringify(begun));
      const asked = Object.fromEntries(new URL(begun.body.url).searchParams);
      const { redirectUrl } = control.install(orgId, {
        redirectUri: asked.redirect_uri ?? '',
        scope: asked.scope,
        state: asked.state,
        codeChallenge: asked.code_challenge,
        codeChallengeMethod: asked.code_challenge_method,
      });
      const response = await fetch(redirectUrl, { redirect: 'manual' });
      return { status: response.status, page: await response.text() };
    },
    async sweep() {
      await stack.service.container.reconcile.sweep(await connection());
      await settle();
    },
    rows: (object) => control.list(orgId, object, { limit: 2_000 }),
    create: (object, fields) => control.create(orgId, object, fields as Json),
    edit: (id, fields) => control.edit(orgId, id, fields as Json),
    async close() {
      await stack.close();
      await salesforce.close();
    },
  };
}
