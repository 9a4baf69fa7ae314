import type { CrmGrant, CrmOAuth, CrmPermission } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import { type Call, type CallDeps, callUntilAnswered } from './call.ts';
import { describe } from './errors.ts';
import { PATHS } from './version.ts';
import { anythingSchema, type HubSpotError, introspectionSchema, tokenSchema } from './wire.ts';

export interface OAuthSettings {
  readonly authorizeUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly requiredScopes: readonly string[];
  readonly optionalScopes: readonly string[];
  readonly permissions: readonly CrmPermission[];
}

/** From HubSpot's `status` and OAuth's `error`. Ours comes first: a redirect mismatch also calls itself invalid_grant. */
const OUR_MISTAKE =
  /invalid_client|unauthorized_client|invalid_scope|unsupported_grant|BAD_CLIENT|REDIRECT|CLIENT_ID|CLIENT_SECRET/i;
const GRANT_GONE = /invalid_grant|BAD_REFRESH_TOKEN|BAD_AUTH_CODE|EXPIRED_AUTH|BAD_HUB|access_denied/i;

const TOKEN_REFUSALS = [400, 401, 403, 404];

export function createOAuth(deps: CallDeps, settings: OAuthSettings): CrmOAuth {
  const client = { client_id: settings.clientId, client_secret: settings.clientSecret };

  async function post<T>(call: Pick<Call<T>, 'name' | 'path' | 'schema' | 'form'>): Promise<T> {
    const reply = await callUntilAnswered(deps, { ...call, method: 'POST', refusals: TOKEN_REFUSALS });
    if (reply.ok) return reply.data;
    throw refusalFault(call.name, reply.status, reply.error);
  }

  async function grant(name: string, form: Record<string, string>): Promise<CrmGrant> {
    const askedAt = deps.clock();
    const token = await post({ name, path: PATHS.token, schema: tokenSchema, form: { ...form, ...client } });
    const { hub_id, scopes, user_id } =
      token.hub_id !== undefined && token.scopes ? token : await introspect(token.access_token);
    return {
      externalId: String(hub_id),
      accessToken: token.access_token,
      // HubSpot may hand out a new one with any answer; the old one is then dead.
      refreshToken: token.refresh_token,
      // Counted from before the request, so that we never believe in a token longer than HubSpot does.
      expiresAt: askedAt + token.expires_in * 1_000,
      scopes: scopes ?? [],
      ...(user_id === undefined ? {} : { userId: String(user_id) }),
    };
  }

  function introspect(token: string) {
    const form = { token, token_type_hint: 'access_token', ...client };
    return post({ name: 'introspect token', path: PATHS.introspect, schema: introspectionSchema, form });
  }

  return {
    permissions: settings.permissions,
    authorizeUrl({ state, redirectUri, site }) {
      // HubSpot has one place to log in.
      if (site !== undefined) return null;
      // URLSearchParams writes a space as "+", which HubSpot's install page does not read in `scope`.
      const query = [
        ['client_id', settings.clientId],
        ['redirect_uri', redirectUri],
        ['scope', settings.requiredScopes.join(' ')],
        ...(settings.optionalScopes.length > 0 ? [['optional_scope', settings.optionalScopes.join(' ')]] : []),
        ['state', state],
      ].map(([key, value]) => `${key}=${encodeURIComponent(value ?? '')}`);
      const separator = settings.authorizeUrl.includes('?') ? '&' : '?';
      return `${settings.authorizeUrl}${separator}${query.join('&')}`;
    },
    exchangeCode: ({ code, redirectUri }) =>
      grant('exchange code', { grant_type: 'authorization_code', code, redirect_uri: redirectUri }),
    refresh: ({ refreshToken }) => grant('refresh token', { grant_type: 'refresh_token', refresh_token: refreshToken }),
    // The token of the install itself, with the scope "oauth", that every install has: HubSpot tells the portal's admins by e-mail.
    async uninstall({ accessToken }) {
      const call = { name: 'uninstall app', method: 'DELETE', path: PATHS.uninstall, schema: anythingSchema } as const;
      await callUntilAnswered(deps, call, { token: async () => accessToken });
    },
    async revoke({ refreshToken }) {
      const form = { token: refreshToken, token_type_hint: 'refresh_token', ...client };
      try {
        await post({ name: 'revoke token', path: PATHS.revoke, schema: anythingSchema, form });
      } catch (error) {
        // Already gone is what was asked for.
        if (!(error instanceof Fault && error.code === 'authorisation_revoked')) throw error;
      }
    },
  };
}

function refusalFault(name: string, status: number, error: HubSpotError): Fault {
  const facts = [error.error, error.status, error.category, error.error_description, error.message].join(' ');
  const message = `${name}: ${status} ${error.error ?? ''} ${error.status ?? ''} ${describe(error)}`;
  if (OUR_MISTAKE.test(facts)) {
    return new Fault(
      'app_misconfigured',
      { kind: 'never' },
      'HubSpot does not accept the client id, secret or redirect address that Wonward is configured with. The operator has to correct it; the connection itself is untouched.',
      { message },
    );
  }
  if (GRANT_GONE.test(facts)) {
    return new Fault(
      'authorisation_revoked',
      { kind: 'reconnect' },
      'HubSpot no longer accepts this authorisation. An admin has to connect the portal again.',
      { message },
    );
  }
  // Neither is a reason to end a connection that an admin would have to make again.
  return new Fault(
    'crm_rejected',
    { kind: 'never' },
    'HubSpot refused to hand out a token. The details are in the log.',
    {
      message,
    },
  );
}
