import express from 'express';
import type { Calls } from './calls.ts';
import type { Faults } from './faults.ts';
import { type Answer, readRaw, send, strikeBefore } from './http.ts';
import { consentPage, errorPage } from './oauth-page.ts';
import type { Portal } from './portal.ts';
import type { Random } from './random.ts';
import type { Grant, Tokens } from './tokens.ts';

export interface OAuthApp {
  appId: number;
  clientId: string;
  clientSecret: string;
  redirectUrls: string[];
  requiredScopes: string[];
  optionalScopes: string[];
}

export interface AuthorizeRequest {
  clientId: string;
  redirectUri: string;
  scope: string;
  optionalScope?: string | undefined;
  state?: string | undefined;
}

/** Refused before anybody is sent anywhere: an error page, never a redirect to an address that is not ours. */
export interface Refusal {
  title: string;
  explanation: string;
}

export interface OAuthDeps {
  app: OAuthApp;
  tokens: Tokens;
  portals: ReadonlyMap<number, Portal>;
  faults: Faults;
  calls: Calls;
  random: Random;
  clock: () => number;
  /** HubSpot keeps a refresh token for ever; true gives a new one at every refresh, which its documentation allows. */
  rotateRefreshTokens: boolean;
}

export interface OAuth {
  router: express.Router;
  check(request: AuthorizeRequest): Refusal | { scopes: string[]; optionalScopes: string[] };
  /** The user's yes: installs the app and returns where the browser goes. */
  grant(request: AuthorizeRequest, portalId: number, userId: number): Refusal | { redirectUrl: string; code: string };
}

interface OAuthError {
  status: number;
  error: string;
  code: string;
  message: string;
}

function refused(error: string, code: string, message: string, status = 400): OAuthError {
  return { status, error, code, message };
}

function words(scope: string): string[] {
  return scope.split(' ').filter((word) => word !== '');
}

/**
 * Query parameters with `+` left as it is: HubSpot's own clients send %20 between scopes, and a `+` that is taken for
 * a space here would be kinder than the documentation.
 */
function strictQuery(url: string): Map<string, string> {
  const search = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  const query = new Map<string, string>();
  for (const pair of search.split('&').filter((part) => part !== '')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    try {
      query.set(decodeURIComponent(name), decodeURIComponent(value));
    } catch {
      query.set(name, value);
    }
  }
  return query;
}

export function createOAuth(deps: OAuthDeps): OAuth {
  const { app, tokens, portals, random } = deps;

  function check(request: AuthorizeRequest): Refusal | { scopes: string[]; optionalScopes: string[] } {
    if (request.clientId !== app.clientId) {
      return { title: 'Authorization failed', explanation: 'The client ID in the URL is missing or unknown.' };
    }
    if (!app.redirectUrls.includes(request.redirectUri)) {
      return {
        title: 'Authorization failed because of a redirect URL mismatch',
        explanation: `The redirect URL ${request.redirectUri} is not one of the redirect URLs in the app's settings.`,
      };
    }
    const scopes = words(request.scope);
    const optionalScopes = words(request.optionalScope ?? '');
    const missing = app.requiredScopes.filter((scope) => !scopes.includes(scope));
    const known = new Set([...app.requiredScopes, ...app.optionalScopes]);
    const unknown = [
      ...scopes.filter((scope) => !known.has(scope)),
      ...optionalScopes.filter((scope) => !app.optionalScopes.includes(scope)),
    ];
    if (missing.length > 0 || unknown.length > 0) {
      return {
        title: 'Authorization failed because of a scope mismatch',
        explanation: `The scopes in the URL do not match the app's. Missing: ${missing.join(', ') || 'none'}. Not of this app: ${unknown.join(', ') || 'none'}.`,
      };
    }
    return { scopes, optionalScopes };
  }

  function grant(
    request: AuthorizeRequest,
    portalId: number,
    userId: number,
  ): Refusal | { redirectUrl: string; code: string } {
    const checked = check(request);
    if ('title' in checked) return checked;
    const portal = portals.get(portalId);
    if (!portal || portal.suspended || !portal.owners.some((owner) => owner.userId === userId && !owner.archived)) {
      return { title: 'Authorization failed', explanation: 'There is no such account or user.' };
    }
    const lacking = checked.scopes.filter((scope) => portal.unavailableScopes.includes(scope));
    if (lacking.length > 0) {
      return {
        title: 'Authorization failed: this account cannot grant all permissions',
        explanation: `This account's subscription does not have: ${lacking.join(', ')}.`,
      };
    }
    const scopes = [
      ...new Set([
        ...checked.scopes,
        ...checked.optionalScopes.filter((scope) => !portal.unavailableScopes.includes(scope)),
      ]),
    ];
    portal.installation = { scopes, userId, installedAt: deps.clock() };
    const code = tokens.issueCode({ portalId, userId, scopes }, request.redirectUri);
    const redirect = new URL(request.redirectUri);
    redirect.searchParams.set('code', code);
    if (request.state !== undefined) redirect.searchParams.set('state', request.state);
    return { redirectUrl: redirect.toString(), code };
  }

  function tokenResponse(grant: Grant, refreshToken: string): Answer {
    const access = tokens.issueAccess(grant);
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      body: {
        token_type: 'bearer',
        token_use: 'access_token',
        refresh_token: refreshToken,
        access_token: access.token,
        hub_id: grant.portalId,
        user_id: grant.userId,
        scopes: grant.scopes,
        expires_in: Math.floor((access.expiresAt - deps.clock()) / 1_000),
      },
    };
  }

  function requireClient(form: URLSearchParams): OAuthError | undefined {
    if (form.get('client_id') !== app.clientId)
      return refused('invalid_client', 'BAD_CLIENT_ID', 'missing or invalid client id');
    if (form.get('client_secret') !== app.clientSecret) {
      return refused('invalid_client', 'BAD_CLIENT_SECRET', 'missing or invalid client secret');
    }
    return undefined;
  }

  function badHub(grant: Grant): OAuthError | undefined {
    const portal = portals.get(grant.portalId);
    if (!portal || portal.suspended) return refused('access_denied', 'BAD_HUB', `hub ${grant.portalId} is not active`);
    return undefined;
  }

  function fromCode(form: URLSearchParams): Answer | OAuthError {
    // Spent first: a code that was shown once is no good, whatever else is wrong with the request.
    const code = tokens.spendCode(form.get('code') ?? '');
    if (!code) return refused('invalid_grant', 'BAD_AUTH_CODE', 'missing or unknown auth code');
    if (code.redirectUri !== form.get('redirect_uri')) {
      return refused('invalid_grant', 'BAD_REDIRECT_URI', 'missing or invalid redirect uri');
    }
    const grant: Grant = { portalId: code.portalId, userId: code.userId, scopes: code.scopes };
    return badHub(grant) ?? tokenResponse(grant, tokens.issueRefresh(grant).token);
  }

  function fromRefreshToken(form: URLSearchParams): Answer | OAuthError {
    const presented = form.get('refresh_token') ?? '';
    const found = tokens.refresh(presented);
    const hub = found ? badHub(found) : undefined;
    if (hub) return hub;
    if (!found || !portals.get(found.portalId)?.installation) {
      return refused('invalid_grant', 'BAD_REFRESH_TOKEN', 'refresh token is invalid, expired or revoked');
    }
    // What the account's subscription has no more is in no token that is handed out from then on.
    const unavailable = portals.get(found.portalId)?.unavailableScopes ?? [];
    const scopes = found.scopes.filter((scope) => !unavailable.includes(scope));
    const grant: Grant = { portalId: found.portalId, userId: found.userId, scopes };
    if (!deps.rotateRefreshTokens) return tokenResponse(grant, presented);
    tokens.revokeRefresh(presented);
    return tokenResponse(grant, tokens.issueRefresh(grant).token);
  }

  function token(form: URLSearchParams): Answer | OAuthError {
    const grantType = form.get('grant_type');
    if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
      return refused('unsupported_grant_type', 'BAD_GRANT_TYPE', 'missing or unknown grant type');
    }
    return requireClient(form) ?? (grantType === 'authorization_code' ? fromCode(form) : fromRefreshToken(form));
  }

  function common(grant: Grant): object {
    return {
      active: true,
      hub_id: grant.portalId,
      user_id: grant.userId,
      client_id: app.clientId,
      app_id: app.appId,
      user: portals.get(grant.portalId)?.owners.find((owner) => owner.userId === grant.userId)?.email ?? '',
      hub_domain: `portal-${grant.portalId}.example.com`,
      scopes: grant.scopes,
      token_type: 'Bearer',
    };
  }

  function introspect(form: URLSearchParams): Answer | OAuthError {
    const wrong = requireClient(form);
    if (wrong) return wrong;
    const presented = form.get('token') ?? '';
    const refresh = tokens.refresh(presented);
    if (refresh) return { status: 200, body: { ...common(refresh), token: presented, token_use: 'refresh_token' } };
    const access = tokens.access(presented);
    if (!access || access.expiresAt <= deps.clock()) {
      const isRefresh = form.get('token_type_hint') === 'refresh_token';
      return isRefresh
        ? refused('invalid_grant', 'BAD_REFRESH_TOKEN', 'refresh token is invalid, expired or revoked')
        : refused('invalid_grant', 'BAD_ACCESS_TOKEN', 'access token is invalid, expired or revoked');
    }
    return {
      status: 200,
      body: {
        ...common(access),
        token: presented,
        token_use: 'access_token',
        expires_in: Math.floor((access.expiresAt - deps.clock()) / 1_000),
        is_private_distribution: false,
        signed_access_token: {
          expiresAt: access.expiresAt,
          scopes: 'AAEAAQ==',
          hubId: access.portalId,
          userId: access.userId,
          appId: app.appId,
          signature: random.token(28),
          scopeToScopeGroupPks: 'AAAAAQ==',
          newSignature: random.token(28),
          hublet: 'na1',
          trialScopes: '',
          trialScopeToScopeGroupPks: '',
          isUserLevel: false,
          isPrivateDistribution: false,
          isServiceAccount: false,
          installingUserId: access.userId,
          appInstallId: String(access.portalId),
          audience: '',
        },
      },
    };
  }

  /** "Deletes/Revokes provided Refresh Token". The app stays installed; access tokens live out their time. */
  function revoke(form: URLSearchParams): Answer | OAuthError {
    const wrong = requireClient(form);
    if (wrong) return wrong;
    if (!tokens.revokeRefresh(form.get('token') ?? '')) {
      return refused('invalid_grant', 'BAD_REFRESH_TOKEN', 'refresh token is invalid, expired or revoked');
    }
    return { status: 204 };
  }

  function errorBody(problem: OAuthError, correlationId: string): Answer {
    return {
      status: problem.status,
      body: {
        error: problem.error,
        error_description: problem.message,
        status: problem.code,
        message: problem.message,
        correlationId,
      },
    };
  }

  async function serveForm(
    request: express.Request,
    response: express.Response,
    path: string,
    act: (form: URLSearchParams) => Answer | OAuthError,
  ): Promise<void> {
    const correlationId = random.uuid();
    const raw = (await readRaw(request)).toString('utf8');
    const form = new URLSearchParams(raw);
    const portalId = tokens.refresh(form.get('refresh_token') ?? '')?.portalId;
    const effects = deps.faults.api({ method: 'POST', path, portalId });
    const struck = await strikeBefore(response, effects, correlationId);
    if (struck !== undefined) {
      deps.calls.record(portalId, 'POST', path, struck);
      return;
    }
    const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '');
    const outcome: Answer | OAuthError = !isForm
      ? refused('invalid_request', 'BAD_REQUEST', 'Content-Type must be application/x-www-form-urlencoded', 415)
      : request.originalUrl.includes('?')
        ? refused('invalid_request', 'BAD_REQUEST', 'parameters belong in the form body, not in the URL')
        : act(form);
    const answer = 'error' in outcome ? errorBody(outcome, correlationId) : outcome;
    deps.calls.record(portalId, 'POST', path, answer.status);
    send(response, answer, correlationId, effects);
  }

  function html(response: express.Response, status: number, content: string): void {
    response
      .status(status)
      .set({
        'Content-Type': 'text/html; charset=utf-8',
        // No form-action: browsers apply it to the redirect after the POST, which leaves for the app's own origin.
        'Content-Security-Policy':
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
      })
      .send(content);
  }

  function fromFields(fields: ReadonlyMap<string, string>): AuthorizeRequest {
    return {
      clientId: fields.get('client_id') ?? '',
      redirectUri: fields.get('redirect_uri') ?? '',
      scope: fields.get('scope') ?? '',
      optionalScope: fields.get('optional_scope'),
      state: fields.get('state'),
    };
  }

  const router = express.Router({ caseSensitive: true, strict: true });

  router.get('/oauth/authorize', (request, response) => {
    const query = strictQuery(request.originalUrl);
    const wanted = fromFields(query);
    const checked = check(wanted);
    if ('title' in checked) {
      html(response, 400, errorPage(checked.title, checked.explanation));
      return;
    }
    const accounts = [...portals.values()]
      .filter((portal) => !portal.suspended)
      .map((portal) => ({
        portalId: portal.id,
        name: portal.name,
        users: portal.owners.filter((owner) => !owner.archived).map(({ userId, email }) => ({ userId, email })),
      }));
    const kept = ['client_id', 'redirect_uri', 'scope', 'optional_scope', 'state'];
    const fields = Object.fromEntries([...query].filter(([name]) => kept.includes(name)));
    html(
      response,
      200,
      consentPage({ accounts, scopes: checked.scopes, optionalScopes: checked.optionalScopes, fields }),
    );
  });

  router.post('/oauth/authorize', (request, response, next) => {
    readRaw(request)
      .then((raw) => {
        const fields = new Map(new URLSearchParams(raw.toString('utf8')));
        const wanted = fromFields(fields);
        const checked = check(wanted);
        if ('title' in checked) {
          html(response, 400, errorPage(checked.title, checked.explanation));
          return;
        }
        if (fields.get('decision') !== 'grant') {
          const back = new URL(wanted.redirectUri);
          back.searchParams.set('error', 'access_denied');
          back.searchParams.set('error_description', 'The user denied access');
          if (wanted.state !== undefined) back.searchParams.set('state', wanted.state);
          response.redirect(302, back.toString());
          return;
        }
        const [portalId, userId] = (fields.get('account') ?? '').split(':').map(Number);
        const granted = grant(wanted, portalId ?? 0, userId ?? 0);
        if ('title' in granted) html(response, 400, errorPage(granted.title, granted.explanation));
        else response.redirect(302, granted.redirectUrl);
      })
      .catch(next);
  });

  const forms: Array<[string, (form: URLSearchParams) => Answer | OAuthError]> = [
    ['/oauth/2026-03/token', token],
    ['/oauth/2026-03/token/introspect', introspect],
    ['/oauth/2026-03/token/revoke', revoke],
  ];
  for (const [path, act] of forms) {
    router.post(path, (request, response, next) => {
      serveForm(request, response, path, act).catch(next);
    });
  }

  return { router, check, grant };
}
