import { createHash } from 'node:crypto';
import jsforce from '@jsforce/jsforce-node';
import {
  type ExternalClientApp,
  type SalesforceSandbox,
  type SandboxOptions,
  startSalesforceSandbox,
} from '../../../src/sandbox/salesforce/server.ts';

export const CLIENT_ID = '3MVG9.example.consumer.key';
export const CLIENT_SECRET = 'A1B2C3D4E5F60718293A4B5C6D7E8F90';
export const REDIRECT = 'http://localhost:3000/oauth/salesforce/callback';
export const SCOPES = ['api', 'refresh_token', 'id'];
export const VERIFIER = 'v'.repeat(64);
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
export const PACKAGE = 'extensions/salesforce/force-app/main/default';
export const NOW = Date.parse('2026-11-22T10:00:00.000Z');

export function externalClientApp(change: Partial<ExternalClientApp> = {}): ExternalClientApp {
  return { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUrls: [REDIRECT], scopes: SCOPES, ...change };
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads foreign JSON by key.
export type Json = any;

export interface Reply {
  status: number;
  body: Json;
  headers: Headers;
}

export interface OAuthTokens {
  access_token: string;
  refresh_token: string;
  instance_url: string;
  id: string;
  [name: string]: string;
}

export async function form(url: string, fields: Record<string, string>): Promise<Reply> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export const withClient = (fields: Record<string, string>): Record<string, string> => ({
  client_id: CLIENT_ID,
  client_secret: CLIENT_SECRET,
  ...fields,
});

export async function tokensFor(sandbox: SalesforceSandbox, orgId: string): Promise<OAuthTokens> {
  const { code } = sandbox.control.install(orgId, { codeChallenge: CHALLENGE });
  const { body } = await form(
    `${sandbox.url}/services/oauth2/token`,
    withClient({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER }),
  );
  return body;
}

export interface World {
  sandbox: SalesforceSandbox;
  control: SalesforceSandbox['control'];
  orgId: string;
  tokens: OAuthTokens;
  /** Behind `/services/data/v66.0`. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  query(soql: string, resource?: 'query' | 'queryAll'): Promise<Reply>;
  conn: jsforce.Connection;
  now: { value: number };
  close(): Promise<void>;
}

/** A local Salesforce with one org that has the package, connected, and a clock that moves when told. */
export async function startWorld(
  options: Partial<SandboxOptions> & { appChange?: Partial<ExternalClientApp> } = {},
): Promise<World> {
  const now = { value: NOW };
  const { appChange, ...rest } = options;
  const sandbox = await startSalesforceSandbox({
    app: externalClientApp(appChange),
    orgs: [{ package: { root: PACKAGE } }],
    clock: () => now.value,
    ...rest,
  });
  const orgId = sandbox.control.orgs()[0]?.id ?? '';
  const tokens = await tokensFor(sandbox, orgId);

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${tokens.instance_url}/services/data/v66.0${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${tokens.access_token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown = text === '' ? undefined : text;
    try {
      parsed = text === '' ? undefined : JSON.parse(text);
    } catch {
      // A page or half an answer is looked at as text.
    }
    return { status: response.status, headers: response.headers, body: parsed };
  }

  return {
    sandbox,
    control: sandbox.control,
    orgId,
    tokens,
    now,
    call,
    query: (soql, resource = 'query') => call('GET', `/${resource}?q=${encodeURIComponent(soql)}`),
    conn: new jsforce.Connection({
      instanceUrl: tokens.instance_url,
      accessToken: tokens.access_token,
      version: '66.0',
    }),
    close: () => sandbox.close(),
  };
}

/** The one error of an answer, as `[status, code]`. */
export const errorOf = (reply: Reply): [number, string] => [reply.status, reply.body?.[0]?.errorCode];
