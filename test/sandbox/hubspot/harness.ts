import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Signature } from '@hubspot/api-client';
import {
  type HubSpotSandbox,
  type SandboxApp,
  type SandboxOptions,
  startHubSpotSandbox,
  type WebhookEvent,
} from '../../../src/sandbox/hubspot/server.ts';

export const PORTAL = 147_000_001;
export const CLIENT_SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy';
export const REDIRECT = 'http://localhost:3000/oauth/hubspot/callback';

export const SCOPES = [
  'oauth',
  'crm.objects.contacts.read',
  'crm.objects.contacts.write',
  'crm.objects.deals.read',
  'crm.objects.deals.write',
  'crm.schemas.contacts.read',
  'crm.schemas.contacts.write',
  'crm.schemas.deals.read',
  'crm.schemas.deals.write',
  'crm.objects.owners.read',
];
export const OPTIONAL_SCOPES = ['crm.objects.companies.read', 'crm.objects.companies.write'];

const KINDS = ['creation', 'deletion', 'restore', 'merge', 'associationChange'];

export function sandboxApp(targetUrl: string, change: Partial<SandboxApp> = {}): SandboxApp {
  const subscriptions = ['contact', 'deal', 'company'].flatMap((objectType) =>
    KINDS.map((kind) => ({ subscriptionType: `object.${kind}`, objectType, active: true })),
  );
  return {
    appId: 50_780_459,
    clientId: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    clientSecret: CLIENT_SECRET,
    redirectUrls: [REDIRECT],
    requiredScopes: SCOPES,
    optionalScopes: OPTIONAL_SCOPES,
    webhooks: {
      targetUrl,
      maxConcurrentRequests: 10,
      subscriptions: [
        ...subscriptions,
        { subscriptionType: 'object.propertyChange', objectType: 'deal', propertyName: 'dealstage', active: true },
        { subscriptionType: 'object.propertyChange', objectType: 'deal', propertyName: 'amount', active: true },
        { subscriptionType: 'object.propertyChange', objectType: 'contact', propertyName: 'email', active: true },
        { subscriptionType: 'object.propertyChange', objectType: 'contact', propertyName: 'firstname', active: false },
      ],
      hubEvents: [{ subscriptionType: 'contact.privacyDeletion', active: true }],
    },
    permittedFetchUrls: ['http://127.0.0.1:9'],
    ...change,
  };
}

export interface Received {
  body: string;
  events: WebhookEvent[];
  headers: Record<string, string | string[] | undefined>;
  method: string;
  url: string;
  path: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  events(): WebhookEvent[];
  /** Status of the next answers; the last one stays. */
  answers: number[];
  close(): Promise<void>;
}

/** A webhook endpoint that checks nothing and remembers everything. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: number[] = [200];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const path = request.url ?? '';
      const method = request.method ?? '';
      const events = body.startsWith('[') ? (JSON.parse(body) as WebhookEvent[]) : [];
      received.push({ body, events, headers: request.headers, method, path, url: `${base()}${path}` });
      const status = answers.length > 1 ? (answers.shift() ?? 200) : (answers[0] ?? 200);
      response.statusCode = status;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ ok: status < 400 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: base(),
    received,
    answers,
    events: () => received.flatMap((one) => one.events),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads foreign JSON by key.
export type Json = any;

export interface Reply {
  status: number;
  body: Json;
  headers: Headers;
}

export interface World {
  sandbox: HubSpotSandbox;
  receiver: Receiver;
  token: string;
  refreshToken: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  control(method: string, path: string, body?: unknown): Promise<Reply>;
  sdk: Client;
  now: { value: number };
  close(): Promise<void>;
}

export async function form(url: string, fields: Record<string, string>): Promise<Reply> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export async function tokensFor(
  sandbox: HubSpotSandbox,
  portalId: number,
): Promise<{ access_token: string; refresh_token: string }> {
  const { code } = sandbox.control.install(portalId, { state: 's' });
  const { body } = await form(`${sandbox.url}/oauth/2026-03/token`, {
    grant_type: 'authorization_code',
    client_id: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    client_secret: CLIENT_SECRET,
    redirect_uri: REDIRECT,
    code,
  });
  return body;
}

/** A sandbox with one installed portal, a receiver for its webhooks, a clock that moves when told, no index lag. */
export async function startWorld(
  options: Partial<SandboxOptions> & { appChange?: Partial<SandboxApp> } = {},
): Promise<World> {
  const receiver = await startReceiver();
  const now = { value: Date.parse('2026-11-22T10:00:00.000Z') };
  const { appChange, ...rest } = options;
  const sandbox = await startHubSpotSandbox({
    app: sandboxApp(`${receiver.url}/webhooks/hubspot`, {
      permittedFetchUrls: [`${receiver.url}/cards`],
      ...appChange,
    }),
    portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'USD', additionalCurrencies: ['EUR'] }],
    clock: () => now.value,
    indexLagMs: 0,
    webhookBatchDelayMs: 5,
    retryBaseMs: 1,
    ...rest,
  });
  const tokens = await tokensFor(sandbox, sandbox.control.portals()[0]?.portalId ?? PORTAL);

  async function request(url: string, method: string, body: unknown, headers: Record<string, string>): Promise<Reply> {
    const response = await fetch(url, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown = text === '' ? undefined : text;
    try {
      parsed = text === '' ? undefined : JSON.parse(text);
    } catch {
      // An HTML or broken answer is looked at as text.
    }
    return { status: response.status, headers: response.headers, body: parsed };
  }

  return {
    sandbox,
    receiver,
    token: tokens.access_token,
    refreshToken: tokens.refresh_token,
    now,
    sdk: new Client({ accessToken: tokens.access_token, basePath: sandbox.url }),
    call: (method, path, body, headers = {}) =>
      request(`${sandbox.url}${path}`, method, body, { Authorization: `Bearer ${tokens.access_token}`, ...headers }),
    control: (method, path, body) => request(`${sandbox.url}/_sandbox/api${path}`, method, body, {}),
    async close() {
      await sandbox.close();
      await receiver.close();
    },
  };
}

/** HubSpot's own SDK says what the signature has to be. */
export function oracleSignature(received: Received, version: 'v1' | 'v2' | 'v3'): string {
  return Signature.getSignature(received.method, version, {
    requestBody: received.body,
    clientSecret: CLIENT_SECRET,
    url: received.url,
    timestamp: Number(received.headers['x-hubspot-request-timestamp']),
  } as Parameters<typeof Signature.getSignature>[2]);
}
