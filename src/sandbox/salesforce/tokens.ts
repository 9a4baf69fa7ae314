import { ApiError } from './errors.ts';
import { type Org, tableOf } from './org.ts';
import type { Random } from './random.ts';

/** Authorization codes, grants with their refresh tokens, and sessions. */

/** "The authorization code expires after 15 minutes" was once; of the documented values the shortest is taken. */
const CODE_LIFETIME_MS = 120_000;
/** The default of an org's session settings. */
export const SESSION_LIFETIME_MS = 2 * 3_600_000;
/** "A user can have up to five unique approvals" of one app: the sixth ends the oldest. */
const GRANTS_A_USER = 5;
const CODE_LENGTH = 60;
const ACCESS_SECRET_LENGTH = 80;
const REFRESH_SECRET_LENGTH = 80;

export interface Code {
  orgId: string;
  userId: string;
  scopes: string[];
  redirectUri: string;
  codeChallenge: string | null;
  expiresAt: number;
}

export interface Grant {
  id: number;
  orgId: string;
  userId: string;
  scopes: string[];
  /** null where `refresh_token` was not asked for. */
  refreshToken: string | null;
  isRevoked: boolean;
}

export interface Session {
  token: string;
  orgId: string;
  userId: string;
  scopes: string[];
  grant: Grant;
  expiresAt: number;
}

export interface Tokens {
  issueCode(code: Omit<Code, 'expiresAt'>): string;
  /** A code is good once, and not long. */
  spendCode(code: string): Code | null;
  grant(org: Org, userId: string, scopes: string[]): Grant;
  issueSession(grant: Grant): Session;
  /** A new refresh token for the grant; the one before is spent. */
  rotate(grant: Grant): string;
  /** 'reused' when it was spent by a rotation: the whole grant is revoked by then. */
  refresh(token: string): Grant | 'reused' | null;
  /** Ends a session, or with a refresh token everything that came from it. */
  revoke(token: string): boolean;
  revokeOrg(orgId: string): void;
  expireSessions(orgId: string): void;
  /** @throws {ApiError} INVALID_SESSION_ID */
  session(org: Org, authorization: string | undefined): Session;
  find(token: string): Session | null;
  clear(): void;
}

export const invalidSession = (): ApiError =>
  new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid', {
    headers: { 'WWW-Authenticate': 'Token' },
  });

export interface TokensDeps {
  clock: () => number;
  random: Random;
  lifetimeMs: number;
}

export function createTokens({ clock, random, lifetimeMs }: TokensDeps): Tokens {
  let grants: Grant[] = [];
  let nextGrant = 1;
  const codes = new Map<string, Code>();
  const sessions = new Map<string, Session>();
  /** Refresh tokens that rotation has spent, and whose they were. */
  const spent = new Map<string, Grant>();

  function end(grant: Grant): void {
    grant.isRevoked = true;
    grant.refreshToken = null;
    for (const session of [...sessions.values()]) if (session.grant === grant) sessions.delete(session.token);
  }

  function find(token: string): Session | null {
    const session = sessions.get(token);
    return session && session.expiresAt > clock() ? session : null;
  }

  const newRefreshToken = (): string => `5Aep861${random.token(REFRESH_SECRET_LENGTH)}`;

  return {
    issueCode(code) {
      const text = `aPrx${random.token(CODE_LENGTH)}==`;
      codes.set(text, { ...code, expiresAt: clock() + CODE_LIFETIME_MS });
      return text;
    },
    spendCode(text) {
      const code = codes.get(text);
      codes.delete(text);
      return code && code.expiresAt > clock() ? code : null;
    },
    grant(org, userId, scopes) {
      const isDurable = scopes.includes('refresh_token') || scopes.includes('offline_access');
      const grant: Grant = {
        id: nextGrant,
        orgId: org.id,
        userId,
        scopes,
        refreshToken: isDurable ? newRefreshToken() : null,
        isRevoked: false,
      };
      nextGrant += 1;
      const before = grants.filter((one) => one.orgId === org.id && one.userId === userId && !one.isRevoked);
      for (const old of before.slice(0, Math.max(0, before.length - GRANTS_A_USER + 1))) end(old);
      grants = [...grants.filter((one) => !one.isRevoked), grant];
      return grant;
    },
    issueSession(grant) {
      const session: Session = {
        token: `${grant.orgId.slice(0, 15)}!AQ${random.token(ACCESS_SECRET_LENGTH)}`,
        orgId: grant.orgId,
        userId: grant.userId,
        scopes: grant.scopes,
        grant,
        expiresAt: clock() + lifetimeMs,
      };
      sessions.set(session.token, session);
      return session;
    },
    rotate(grant) {
      if (grant.refreshToken !== null) spent.set(grant.refreshToken, grant);
      grant.refreshToken = newRefreshToken();
      return grant.refreshToken;
    },
    refresh(token) {
      const reused = spent.get(token);
      if (reused) {
        end(reused);
        return 'reused';
      }
      return grants.find((grant) => !grant.isRevoked && grant.refreshToken === token) ?? null;
    },
    revoke(token) {
      const grant = grants.find((one) => one.refreshToken === token);
      if (grant) end(grant);
      return grant !== undefined || sessions.delete(token);
    },
    revokeOrg(orgId) {
      for (const grant of grants) if (grant.orgId === orgId) end(grant);
    },
    expireSessions(orgId) {
      for (const session of sessions.values()) if (session.orgId === orgId) session.expiresAt = clock();
    },
    session(org, authorization) {
      const [, token = ''] = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(authorization ?? '') ?? [];
      const session = find(token);
      if (!session || session.orgId !== org.id) throw invalidSession();
      if (tableOf(org, 'User').rows.get(session.userId)?.IsActive !== true) throw invalidSession();
      if (!session.scopes.includes('api') && !session.scopes.includes('full')) throw invalidSession();
      // "The timeout value is reset when the session is used in its second half."
      if (session.expiresAt - clock() < lifetimeMs / 2) session.expiresAt = clock() + lifetimeMs;
      return session;
    },
    find,
    clear() {
      grants = [];
      codes.clear();
      sessions.clear();
      spent.clear();
    },
  };
}
