import { credentialsNotFound, tokenExpired } from './errors.ts';
import type { Portal } from './portal.ts';
import type { Random } from './random.ts';

/** "expires after 30 minutes" (Manage OAuth tokens). */
export const ACCESS_TOKEN_LIFETIME_MS = 1_800_000;
/** "a short window": HubSpot gives no number; a minute finds clients that dawdle. */
export const CODE_LIFETIME_MS = 60_000;
/** Real access tokens are long and grow with the scopes; a column of 255 characters must be found out here. */
const ACCESS_TOKEN_LENGTH = 600;

export interface Grant {
  portalId: number;
  userId: number;
  scopes: string[];
}

export interface Code extends Grant {
  redirectUri: string;
  expiresAt: number;
}

export interface RefreshToken extends Grant {
  token: string;
}

export interface AccessToken extends Grant {
  token: string;
  expiresAt: number;
}

export interface Caller {
  portal: Portal;
  scopes: ReadonlySet<string>;
}

export interface Tokens {
  issueCode(grant: Grant, redirectUri: string): string;
  /** Spends a code: it is gone whether or not it was still good. */
  spendCode(code: string): Code | undefined;
  issueRefresh(grant: Grant): RefreshToken;
  refresh(token: string): RefreshToken | undefined;
  issueAccess(grant: Grant): AccessToken;
  access(token: string): AccessToken | undefined;
  revokeRefresh(token: string): boolean;
  /** Forgets every token of a portal (uninstall). */
  dropPortal(portalId: number): void;
  /** Makes every access token of a portal as old as if its time were over. */
  expireAccess(portalId: number): void;
  /** The portal that a bearer token names, valid or not; for counting and faults. */
  portalOf(header: string | undefined): number | undefined;
  /** Throws the 401 that HubSpot would answer. */
  authenticate(header: string | undefined): Caller;
}

export interface TokensDeps {
  clock: () => number;
  random: Random;
  lifetimeMs: number;
  portals: ReadonlyMap<number, Portal>;
}

function bearer(header: string | undefined): string | undefined {
  const match = /^Bearer ([A-Za-z0-9_.~+/-]+=*)$/.exec(header ?? '');
  return match?.[1];
}

export function createTokens({ clock, random, lifetimeMs, portals }: TokensDeps): Tokens {
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, RefreshToken>();
  const accessTokens = new Map<string, AccessToken>();

  return {
    issueCode(grant, redirectUri) {
      const code = `na1-${random.uuid().slice(0, 4)}-${random.uuid()}`;
      codes.set(code, { ...grant, redirectUri, expiresAt: clock() + CODE_LIFETIME_MS });
      return code;
    },
    spendCode(code) {
      const found = codes.get(code);
      codes.delete(code);
      return found && found.expiresAt > clock() ? found : undefined;
    },
    issueRefresh(grant) {
      const token: RefreshToken = { ...grant, token: `na1-${random.uuid().slice(0, 4)}-${random.uuid()}` };
      refreshTokens.set(token.token, token);
      return token;
    },
    refresh: (token) => refreshTokens.get(token),
    issueAccess(grant) {
      const token: AccessToken = {
        ...grant,
        token: `C${random.token(ACCESS_TOKEN_LENGTH)}`,
        expiresAt: clock() + lifetimeMs,
      };
      accessTokens.set(token.token, token);
      return token;
    },
    access: (token) => accessTokens.get(token),
    revokeRefresh: (token) => refreshTokens.delete(token),
    dropPortal(portalId) {
      for (const [key, code] of codes) if (code.portalId === portalId) codes.delete(key);
      for (const [key, token] of refreshTokens) if (token.portalId === portalId) refreshTokens.delete(key);
      for (const [key, token] of accessTokens) if (token.portalId === portalId) accessTokens.delete(key);
    },
    expireAccess(portalId) {
      for (const token of accessTokens.values()) if (token.portalId === portalId) token.expiresAt = clock() - 1;
    },
    portalOf: (header) => accessTokens.get(bearer(header) ?? '')?.portalId,
    authenticate(header) {
      const token = accessTokens.get(bearer(header) ?? '');
      if (!token) throw credentialsNotFound();
      const now = clock();
      if (token.expiresAt <= now) throw tokenExpired(token.expiresAt, now);
      const portal = portals.get(token.portalId);
      if (!portal?.installation || portal.suspended) throw credentialsNotFound();
      return { portal, scopes: new Set(token.scopes) };
    },
  };
}
