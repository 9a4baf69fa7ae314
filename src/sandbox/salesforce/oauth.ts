import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Calls } from './calls.ts';
import type { Faults } from './faults.ts';
import { type Answer, readRaw, send, strikeBefore } from './http.ts';
import { consentPage, errorPage } from './oauth-page.ts';
import { type Org, type Row, tableOf } from './org.ts';
import type { Grant, Session, Tokens } from './tokens.ts';

/**
 * The OAuth web server flow with PKCE. "OAuth 2.0 Web Server Flow", "OAuth 2.0 Refresh Token Flow", "OAuth Authorization Flows Errors",
 * "Revoke OAuth Tokens", "Identity URLs", Salesforce Help.
 */

/** The external client app as its settings say. */
export interface ExternalClientApp {
  clientId: string;
  clientSecret: string;
  redirectUrls: string[];
  /** What it may ask for. */
  scopes: string[];
  /** Both are Salesforce's recommended settings, and on unless they are turned off. */
  isPkceRequired?: boolean;
  isRefreshTokenRotationEnabled?: boolean;
}

export interface AuthorizeRequest {
  clientId: string;
  redirectUri: string;
  responseType: string;
  /** All of the app's scopes unless given. */
  scope?: string | undefined;
  state?: string | undefined;
  codeChallenge?: string | undefined;
  codeChallengeMethod?: string | undefined;
}

/** Where the browser goes, or a page where it stays: a stranger's address is never gone to. */
export type Authorized = { page: { error: string; description: string } } | { redirect: string };

export interface OAuthDeps {
  app: ExternalClientApp;
  tokens: Tokens;
  orgs: ReadonlyMap<string, Org>;
  faults: Faults;
  calls: Calls;
  clock: () => number;
  loginUrl: () => string;
  instanceUrl: (org: Org) => string;
}

export interface OAuth {
  /** Answers on the login host, or on the My Domain host of one org. Null: no route of this. */
  serve(host: Org | null, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** The user's yes. */
  allow(request: AuthorizeRequest, org: Org, userId: string): Authorized;
}

interface OAuthError {
  error: string;
  description: string;
  status?: number;
}

const refused = (error: string, description: string, status = 400): OAuthError => ({ error, description, status });

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
/** "128 bytes of random data" in base64url are 171 characters, which is more than RFC 7636 allows; clients do send them. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,171}$/;

const words = (text: string): string[] => text.split(/[ +]/).filter((word) => word !== '');

export function createOAuth(deps: OAuthDeps): OAuth {
  const { app, tokens, orgs, clock } = deps;

  function back(request: AuthorizeRequest, values: Record<string, string>): Authorized {
    const url = new URL(request.redirectUri);
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
    if (request.state !== undefined) url.searchParams.set('state', request.state);
    return { redirect: url.toString() };
  }
  const backWith = (request: AuthorizeRequest, error: string, description: string): Authorized =>
    back(request, { error, error_description: description });

  function check(request: AuthorizeRequest): Authorized | string[] {
    if (request.clientId !== app.clientId) {
      return { page: { error: 'invalid_client_id', description: 'client identifier invalid' } };
    }
    if (!app.redirectUrls.includes(request.redirectUri)) {
      return { page: { error: 'redirect_uri_mismatch', description: 'redirect_uri must match configuration' } };
    }
    if (request.responseType !== 'code')
      return backWith(request, 'unsupported_response_type', 'response type not supported');
    const isPkceRequired = app.isPkceRequired ?? true;
    if (isPkceRequired && !request.codeChallenge)
      return backWith(request, 'invalid_request', 'missing required code challenge');
    const method = request.codeChallengeMethod ?? 'S256';
    if (request.codeChallenge && (method !== 'S256' || !CHALLENGE.test(request.codeChallenge))) {
      return backWith(request, 'invalid_request', 'invalid code challenge');
    }
    const scopes = request.scope === undefined ? app.scopes : words(request.scope);
    if (scopes.some((scope) => !app.scopes.includes(scope))) {
      return backWith(request, 'invalid_scope', 'the requested scope is not allowed');
    }
    return scopes;
  }

  function allow(request: AuthorizeRequest, org: Org, userId: string): Authorized {
    const checked = check(request);
    if (!Array.isArray(checked)) return checked;
    const user = tableOf(org, 'User').rows.get(userId);
    if (user?.IsActive !== true) return backWith(request, 'access_denied', 'end-user denied authorization');
    if (!org.settings.appInstalled) return backWith(request, 'invalid_client', 'app must be installed into org');
    const code = tokens.issueCode({
      orgId: org.id,
      userId,
      scopes: checked,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge ?? null,
    });
    return back(request, { code });
  }

  const identityUrl = (orgId: string, userId: string): string => `${deps.loginUrl()}/id/${orgId}/${userId}`;

  function tokenAnswer(grant: Grant, refreshToken: string | null): Answer {
    const session = tokens.issueSession(grant);
    const org = orgs.get(grant.orgId) as Org;
    const id = identityUrl(grant.orgId, grant.userId);
    const issuedAt = String(clock());
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-cache, no-store' },
      // There is no expires_in: nobody is told when a session ends.
      body: {
        access_token: session.token,
        ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
        signature: createHmac('sha256', app.clientSecret).update(`${id}${issuedAt}`).digest('base64'),
        scope: grant.scopes.join(' '),
        instance_url: deps.instanceUrl(org),
        id,
        token_type: 'Bearer',
        issued_at: issuedAt,
      },
    };
  }

  function clientProblem(form: URLSearchParams, authorization: string | undefined): OAuthError | null {
    const [, basic = ''] = /^Basic\s+(\S+)$/i.exec(authorization ?? '') ?? [];
    const [basicId, basicSecret] = Buffer.from(basic, 'base64').toString('utf8').split(/:(.*)/s);
    const id = form.get('client_id') ?? basicId;
    const secret = form.get('client_secret') ?? basicSecret;
    if (id !== app.clientId) return refused('invalid_client_id', 'client identifier invalid');
    if (secret !== app.clientSecret) return refused('invalid_client', 'invalid client credentials');
    return null;
  }

  function userProblem(orgId: string, userId: string): OAuthError | null {
    const org = orgs.get(orgId);
    if (!org) return refused('inactive_org', 'organization is not active');
    if (!org.settings.appInstalled) return refused('invalid_client', 'app must be installed into org');
    if (tableOf(org, 'User').rows.get(userId)?.IsActive !== true) return refused('inactive_user', 'user is inactive');
    return null;
  }

  function fromCode(host: Org | null, form: URLSearchParams): Answer | OAuthError {
    // Spent first: a code that was shown once is no good, whatever else is wrong with the request.
    const code = tokens.spendCode(form.get('code') ?? '');
    if (!code) return refused('invalid_grant', 'expired authorization code');
    if (host && host.id !== code.orgId) return refused('invalid_grant', 'authentication failure');
    if (form.get('redirect_uri') !== code.redirectUri) {
      return refused('redirect_uri_mismatch', 'redirect_uri must match configuration');
    }
    const verifier = form.get('code_verifier');
    if (code.codeChallenge !== null) {
      if (verifier === null) return refused('invalid_request', 'missing required code verifier');
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      if (!VERIFIER.test(verifier) || challenge !== code.codeChallenge)
        return refused('invalid_grant', 'invalid code verifier');
    } else if (verifier !== null) return refused('invalid_grant', 'invalid code verifier');
    const problem = userProblem(code.orgId, code.userId);
    if (problem) return problem;
    const grant = tokens.grant(orgs.get(code.orgId) as Org, code.userId, code.scopes);
    return tokenAnswer(grant, grant.refreshToken);
  }

  function fromRefreshToken(host: Org | null, form: URLSearchParams): Answer | OAuthError {
    const grant = tokens.refresh(form.get('refresh_token') ?? '');
    if (grant === null || grant === 'reused') return refused('invalid_grant', 'expired access/refresh token');
    if (host && host.id !== grant.orgId) return refused('invalid_grant', 'expired access/refresh token');
    const problem = userProblem(grant.orgId, grant.userId);
    if (problem) return problem;
    const isRotating = app.isRefreshTokenRotationEnabled ?? true;
    return tokenAnswer(grant, isRotating ? tokens.rotate(grant) : null);
  }

  function token(host: Org | null, form: URLSearchParams, authorization: string | undefined): Answer | OAuthError {
    const grantType = form.get('grant_type');
    if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
      return refused('unsupported_grant_type', 'grant type not supported');
    }
    const problem = clientProblem(form, authorization);
    if (problem) return problem;
    return grantType === 'authorization_code' ? fromCode(host, form) : fromRefreshToken(host, form);
  }

  function revoke(form: URLSearchParams): Answer | OAuthError {
    return tokens.revoke(form.get('token') ?? '') ? { status: 200 } : refused('invalid_token', 'token invalid');
  }

  function sessionOf(request: IncomingMessage): Session | null {
    const [, text = ''] = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    return tokens.find(text);
  }

  function identity(session: Session): object {
    const org = orgs.get(session.orgId) as Org;
    const user = tableOf(org, 'User').rows.get(session.userId) as Row;
    const instance = deps.instanceUrl(org);
    return {
      sub: identityUrl(org.id, session.userId),
      id: identityUrl(org.id, session.userId),
      user_id: session.userId,
      organization_id: org.id,
      preferred_username: user.Username,
      username: user.Username,
      nickname: user.LastName,
      name: user.Name,
      display_name: user.Name,
      email: user.Email,
      email_verified: true,
      given_name: user.FirstName,
      family_name: user.LastName,
      active: user.IsActive,
      user_type: 'STANDARD',
      locale: user.LocaleSidKey,
      zoneinfo: user.TimeZoneSidKey,
      urls: {
        rest: `${instance}/services/data/v{version}/`,
        sobjects: `${instance}/services/data/v{version}/sobjects/`,
        query: `${instance}/services/data/v{version}/query/`,
        custom_domain: instance,
      },
    };
  }

  function identityAnswer(path: string, request: IncomingMessage): Answer {
    const session = sessionOf(request);
    if (request.headers.authorization === undefined) return { status: 403, body: 'Missing_OAuth_Token' };
    if (!session) return { status: 403, body: 'Bad_OAuth_Token' };
    const [, orgId, userId] = /^\/id\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (orgId !== session.orgId) return { status: 403, body: 'Wrong_Org' };
    if (userId !== session.userId) return { status: 403, body: 'Bad_Id' };
    return { status: 200, body: identity(session) };
  }

  const fromFields = (fields: URLSearchParams): AuthorizeRequest => ({
    clientId: fields.get('client_id') ?? '',
    redirectUri: fields.get('redirect_uri') ?? '',
    responseType: fields.get('response_type') ?? '',
    scope: fields.get('scope') ?? undefined,
    state: fields.get('state') ?? undefined,
    codeChallenge: fields.get('code_challenge') ?? undefined,
    codeChallengeMethod: fields.get('code_challenge_method') ?? undefined,
  });

  function html(response: ServerResponse, status: number, content: string): void {
    send(response, {
      status,
      body: content,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy':
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
      },
    });
  }

  function go(response: ServerResponse, outcome: Authorized): void {
    if ('page' in outcome) html(response, 400, errorPage(outcome.page.error, outcome.page.description));
    else send(response, { status: 302, headers: { Location: outcome.redirect } });
  }

  function showConsent(host: Org | null, query: URLSearchParams, response: ServerResponse): void {
    const checked = check(fromFields(query));
    if (!Array.isArray(checked)) {
      go(response, checked);
      return;
    }
    const users = [...orgs.values()]
      .filter((org) => host === null || org === host)
      .flatMap((org) =>
        [...tableOf(org, 'User').rows.values()]
          .filter((user) => user.IsActive === true)
          .map((user) => ({
            orgId: org.id,
            orgName: org.name,
            userId: String(user.Id),
            username: String(user.Username),
          })),
      );
    html(response, 200, consentPage({ users, scopes: checked, fields: Object.fromEntries(query) }));
  }

  function decide(host: Org | null, form: URLSearchParams, response: ServerResponse): void {
    const wanted = fromFields(form);
    const checked = check(wanted);
    if (!Array.isArray(checked)) {
      go(response, checked);
      return;
    }
    const [orgId = '', userId = ''] = (form.get('user') ?? '').split(':');
    const org = orgs.get(orgId);
    const isHere = org !== undefined && (host === null || host === org);
    if (form.get('decision') !== 'allow' || !isHere) {
      go(response, backWith(wanted, 'access_denied', 'end-user denied authorization'));
      return;
    }
    go(response, allow(wanted, org, userId));
  }

  const errorOf = (problem: OAuthError): Answer => ({
    status: problem.status ?? 400,
    headers: { 'Cache-Control': 'no-cache, no-store' },
    body: { error: problem.error, error_description: problem.description },
  });

  const FORMS: Record<
    string,
    (host: Org | null, form: URLSearchParams, authorization: string | undefined) => Answer | OAuthError
  > = {
    '/services/oauth2/token': token,
    '/services/oauth2/revoke': (_host, form) => revoke(form),
  };

  async function serve(host: Org | null, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const url = new URL(request.url ?? '/', 'http://local');
    const { pathname } = url;
    const method = request.method ?? '';
    const form = FORMS[pathname];
    const isKnown =
      form !== undefined ||
      pathname.startsWith('/id/') ||
      ['/services/oauth2/authorize', '/services/oauth2/userinfo'].includes(pathname);
    if (!isKnown) return false;
    const effects = deps.faults.api({ method, path: pathname, orgId: host?.id ?? null });
    const struck = await strikeBefore(response, effects);
    const note = (status: number): void => deps.calls.record(host?.id ?? null, method, pathname, status);
    if (struck !== undefined) {
      note(struck);
      return true;
    }
    const body = await readRaw(request);
    if (pathname === '/services/oauth2/authorize') {
      if (method === 'GET') showConsent(host, url.searchParams, response);
      else decide(host, new URLSearchParams(body), response);
      note(response.statusCode);
      return true;
    }
    let answer: Answer;
    if (form) {
      const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '');
      const outcome =
        method !== 'POST' || !isForm || url.search !== ''
          ? refused('invalid_request', 'must use HTTP POST with a form in the body')
          : form(host, new URLSearchParams(body), request.headers.authorization);
      answer = 'error' in outcome ? errorOf(outcome) : outcome;
    } else if (pathname === '/services/oauth2/userinfo') {
      const session = sessionOf(request);
      answer = session ? { status: 200, body: identity(session) } : { status: 403, body: 'Bad_OAuth_Token' };
    } else answer = identityAnswer(pathname, request);
    note(answer.status);
    send(response, answer, effects);
    return true;
  }

  return { serve, allow };
}
