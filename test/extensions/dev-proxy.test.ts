import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP, type Json, PORTAL, type Stack, startStack } from '../support/stack.ts';

/** HubSpot's own local proxy signs for `hubspot.fetch`, with v2 and v3 as its production does; the package does not export it. */
const PROXY = new URL(
  '../../node_modules/@hubspot/ui-extensions-dev-server/dist/lib/proxy/AppProxyService.js',
  import.meta.url,
);
const DECLARED = 'https://wonward.example.com';

describe('HubSpot’s development proxy', () => {
  let stack: Stack;
  let proxy: ReturnType<typeof createServer>;
  const secretBefore = process.env.CLIENT_SECRET;

  beforeAll(async () => {
    stack = await startStack();
    await stack.install();
    process.env.CLIENT_SECRET = APP.clientSecret;
    const { AppProxyService } = (await import(fileURLToPath(PROXY))) as {
      AppProxyService: (options: object) => RequestListener;
    };
    const logger = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
    const localDevUrlMapping = { [DECLARED]: stack.publicUrl };
    proxy = createServer(AppProxyService({ localDevUrlMapping, logger, accountId: PORTAL, allowedUrls: [DECLARED] }));
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  afterAll(async () => {
    if (secretBefore === undefined) delete process.env.CLIENT_SECRET;
    else process.env.CLIENT_SECRET = secretBefore;
    proxy.close();
    await stack.close();
  });

  async function through(path: string, requestBody: object): Promise<Json> {
    const { port } = proxy.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/proxy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        requestUri: `${DECLARED}${path}`,
        method: 'POST',
        requestTimeoutMillis: 5_000,
        requestBody,
        requestHeaders: {},
      }),
    });
    return response.json();
  }

  const call = {
    callbackId: 'ap-1',
    origin: { portalId: PORTAL },
    context: { source: 'WORKFLOWS', workflowId: 1 },
    object: { objectId: 30_000_000_001, objectType: 'CONTACT', properties: { email: 'zoë@example.com' } },
    inputFields: {},
  };

  test('signs calls of actions that the service takes', async () => {
    expect(await through('/hubspot/actions/enrol-member', call)).toMatchObject({
      status: 'success',
      responseBody: { outputFields: { outcome: 'created', hs_execution_state: 'SUCCESS' } },
      context: { appServerStatusCode: ['200'] },
    });
    expect(await through('/hubspot/actions/options/programs?a=b%3Ac', { origin: { portalId: PORTAL } })).toMatchObject({
      responseBody: { options: [{ value: 'default' }] },
    });
  });

  test('with another secret is refused', async () => {
    process.env.CLIENT_SECRET = 'another secret';
    const answer = await through('/hubspot/actions/enrol-member', call);
    process.env.CLIENT_SECRET = APP.clientSecret;
    expect(answer).toMatchObject({ status: 'error', context: { appServerStatusCode: ['401'] } });
  });
});
