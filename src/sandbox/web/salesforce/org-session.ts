import { createHash } from 'node:crypto';
import type { Control, ExternalClientApp } from '../../salesforce/server.ts';

/** A user's session at the local org, got by OAuth as any client gets one, and REST with it. */

export interface OrgReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: foreign JSON, read by key.
  readonly body: any;
}

export interface OrgSession {
  /** `path` stands behind `/services/data/v66.0`. */
  call(method: string, path: string, body?: unknown): Promise<OrgReply>;
}

const API = '/services/data/v66.0';
/** These pages are one user on one machine: there is nobody to keep it from. */
const VERIFIER = 'local-pages-'.repeat(5);

export interface OrgSessionDeps {
  readonly control: Pick<Control, 'install' | 'org'>;
  readonly app: ExternalClientApp;
  readonly loginUrl: string;
}

export function createOrgSession({ control, app, loginUrl }: OrgSessionDeps, orgId: string): OrgSession {
  let token: Promise<string> | undefined;

  async function logIn(): Promise<string> {
    const codeChallenge = createHash('sha256').update(VERIFIER).digest('base64url');
    const { code } = control.install(orgId, { codeChallenge });
    const response = await fetch(`${loginUrl}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.redirectUrls[0] ?? '',
        code_verifier: VERIFIER,
        client_id: app.clientId,
        client_secret: app.clientSecret,
      }),
    });
    const body = (await response.json()) as { access_token?: string; error_description?: string };
    if (body.access_token === undefined) throw new Error(`the local org gave no session: ${body.error_description}`);
    return body.access_token;
  }

  async function attempt(method: string, path: string, body: unknown): Promise<OrgReply> {
    token ??= logIn();
    const bearer = await token.catch((error: unknown) => {
      token = undefined;
      throw error;
    });
    const response = await fetch(`${control.org(orgId).instanceUrl}${API}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  return {
    async call(method, path, body) {
      const reply = await attempt(method, path, body);
      if (reply.status !== 401) return reply;
      token = undefined;
      return attempt(method, path, body);
    },
  };
}
