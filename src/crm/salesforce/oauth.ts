import { createHash, createHmac } from 'node:crypto';
import type { CrmGrant, CrmOAuth } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import { type Call, type CallDeps, callUntilAnswered } from './call.ts';
import { describe } from './errors.ts';
import type { Sites } from './sites.ts';
import { PATHS } from './version.ts';
import { anythingSchema, type SalesforceError, tokenSchema } from './wire.ts';

/**
 * The web server flow with PKCE, and refresh with tokens that rotate: each is good once, and one that is used again ends the whole
 * grant. Nothing is kept here; who calls `refresh` keeps the new one before it is used, and sees to it that nobody refreshes beside it.
 */
export interface OAuthSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly sites: Sites;
}

/** Nobody says when a session ends: the org's settings do, after 15 minutes to 24 hours without use. It is renewed when it is refused. */
const ASSUMED_LIFETIME_MS = 365 * 86_400_000;

const OUR_MISTAKE =
  /^(invalid_client_id|invalid_client|invalid_client_credentials|redirect_uri_mismatch|unsupported_grant_type|invalid_scope|unsupported_response_type)$/;
const GRANT_GONE = /^(invalid_grant|inactive_user|inactive_org|access_denied|invalid_token|unsupported_token_type)$/;

const TOKEN_REFUSALS = [400, 401, 403];

export function createOAuth(deps: CallDeps, settings: OAuthSettings): CrmOAuth {
  const { clientId, clientSecret, sites } = settings;
  const client = { client_id: clientId, client_secret: clientSecret };

  async function post<T>(origin: string, call: Pick<Call<T>, 'name' | 'path' | 'schema' | 'form'>): Promise<T> {
    const reply = await callUntilAnswered(deps, origin, { ...call, method: 'POST', refusals: TOKEN_REFUSALS });
    if (reply.ok) return reply.data;
    throw refusalFault(call.name, reply.status, reply.errors);
  }

  async function grant(name: string, origin: string, form: Record<string, string>, former?: string): Promise<CrmGrant> {
    const askedAt = deps.clock();
    const token = await post(origin, { name, path: PATHS.token, schema: tokenSchema, form: { ...form, ...client } });
    const refreshToken = token.refresh_token ?? former;
    if (refreshToken === undefined)
      throw new Fault(
        'app_misconfigured',
        { kind: 'never' },
        'Salesforce gave no refresh token: the app has to allow the scope "refresh_token".',
        { message: `${name}: no refresh token` },
      );
    return {
      externalId: orgIdIn(token.id),
      accessToken: token.access_token,
      refreshToken,
      expiresAt: askedAt + ASSUMED_LIFETIME_MS,
      scopes: (token.scope ?? '').split(' ').filter((scope) => scope !== ''),
      apiUrl: sites.apiUrl(token.instance_url),
    };
  }

  /**
   * The verifier of PKCE. It follows from the state and our secret, so nothing has to be kept between the two halves of the flow, and
   * whoever sees the state in an address cannot make it.
   */
  function verifierFor(state: string): string {
    return createHmac('sha256', clientSecret).update(`pkce ${state}`).digest('base64url');
  }

  return {
    authorizeUrl({ state, redirectUri, site }) {
      const origin = sites.login(site);
      if (origin === null) return null;
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        state,
        code_challenge: createHash('sha256').update(verifierFor(state)).digest('base64url'),
        code_challenge_method: 'S256',
      });
      return `${origin}${PATHS.authorize}?${query}`;
    },
    async exchangeCode({ code, redirectUri, state, site }) {
      const origin = sites.login(site);
      if (origin === null) throw new Error('a site that no consent was asked for at');
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifierFor(state),
      };
      return grant('exchange code', origin, form);
    },
    // At the org's own address: it is right for production, for sandboxes and for a My Domain alike.
    refresh: async ({ refreshToken, apiUrl }) =>
      grant(
        'refresh token',
        originOf(apiUrl),
        { grant_type: 'refresh_token', refresh_token: refreshToken },
        refreshToken,
      ),
    async revoke({ refreshToken, apiUrl }) {
      const call = { name: 'revoke token', path: PATHS.revoke, schema: anythingSchema, form: { token: refreshToken } };
      try {
        await post(originOf(apiUrl), call);
      } catch (error) {
        // Already gone is what was asked for.
        if (!(error instanceof Fault && error.code === 'authorisation_revoked')) throw error;
      }
    },
  };

  function originOf(apiUrl: string | undefined): string {
    const origin = apiUrl ?? sites.login(undefined);
    if (origin === null) throw new Error('no login host');
    return origin;
  }
}

/** `https://login.salesforce.com/id/00D…/005…` */
function orgIdIn(identity: string): string {
  const [, orgId] = /\/id\/(00D[A-Za-z0-9]{15})\/005[A-Za-z0-9]{12,15}$/.exec(identity) ?? [];
  if (orgId === undefined)
    throw new Fault('crm_unreadable_answer', { kind: 'retry' }, 'Salesforce did not say which org this is.', {
      message: 'the identity address names no org',
    });
  return orgId;
}

function refusalFault(name: string, status: number, errors: readonly SalesforceError[]): Fault {
  const [error] = errors;
  const message = `${name}: ${status} ${describe(errors)}`;
  // "app must be installed into org" comes as invalid_client as well, and is the customer's matter.
  const isUninstalled = /must be installed/i.test(error?.message ?? '');
  if (error && GRANT_GONE.test(error.code))
    return new Fault(
      'authorisation_revoked',
      { kind: 'reconnect' },
      'Salesforce no longer accepts this authorisation. An admin has to connect the org again.',
      { message },
    );
  if (isUninstalled)
    return new Fault(
      'authorisation_revoked',
      { kind: 'reconnect' },
      'The Wonward package is not installed in this org. An admin has to install it and connect again.',
      { message },
    );
  if (error && OUR_MISTAKE.test(error.code))
    return new Fault(
      'app_misconfigured',
      { kind: 'never' },
      'Salesforce does not accept the client id, secret or redirect address that Wonward is configured with. The operator has to correct it; the connection itself is untouched.',
      { message },
    );
  // Neither is a reason to end a connection that an admin would have to make again.
  return new Fault(
    'crm_rejected',
    { kind: 'never' },
    'Salesforce refused to hand out a token. The details are in the log.',
    { message },
  );
}
