import type { Configuration } from 'openid-client';
import { Fault } from '../domain/errors.ts';

/** Someone waits before a white page meanwhile. */
const TIMEOUT_S = 10;

export interface OpenIdSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the button on the sign-in page says: "Sign in with …". */
  readonly name: string;
}

/** What has to be remembered until the browser comes back; secret. */
export interface OpenIdState {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface OpenId {
  readonly name: string;
  /** @throws Fault when the provider cannot be asked. */
  begin(redirectUrl: string): Promise<OpenIdState & { readonly url: string }>;
  /**
   * Who came back, by the provider's signed word: signature, issuer, audience, times, nonce and PKCE are checked.
   * @throws Fault when it does not hold, or the provider cannot be asked.
   */
  complete(
    cameTo: URL,
    remembered: OpenIdState,
  ): Promise<{ issuer: string; subject: string; email: string | null; emailVerified: boolean }>;
}

/** OpenID Connect with any provider that publishes its configuration: authorisation code, PKCE. */
export function createOpenId({ issuer, clientId, clientSecret, name }: OpenIdSettings): OpenId {
  // Loaded when somebody signs in: a start has no use for it.
  const client = () => import('openid-client');
  let known: Promise<Configuration> | null = null;
  const discover = async () => {
    const { allowInsecureRequests, discovery } = await client();
    return discovery(new URL(issuer), clientId, clientSecret, undefined, {
      timeout: TIMEOUT_S,
      // An issuer without TLS can only be configured outside of production.
      ...(issuer.startsWith('http:') ? { execute: [allowInsecureRequests] } : {}),
    });
  };
  const provider = () => {
    known ??= discover().catch((cause: unknown) => {
      // Whoever comes next asks again.
      known = null;
      throw new Fault('sign_in_unavailable', { kind: 'retry' }, 'The OpenID provider cannot be asked.', { cause });
    });
    return known;
  };

  return {
    name,

    async begin(redirectUrl) {
      const configuration = await provider();
      const openId = await client();
      const remembered = {
        state: openId.randomState(),
        nonce: openId.randomNonce(),
        verifier: openId.randomPKCECodeVerifier(),
      };
      const url = openId.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUrl,
        scope: 'openid email',
        state: remembered.state,
        nonce: remembered.nonce,
        code_challenge: await openId.calculatePKCECodeChallenge(remembered.verifier),
        code_challenge_method: 'S256',
      });
      return { ...remembered, url: url.href };
    },

    async complete(cameTo, { state, nonce, verifier }) {
      const configuration = await provider();
      const { authorizationCodeGrant, fetchUserInfo } = await client();
      try {
        const tokens = await authorizationCodeGrant(configuration, cameTo, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error('no id token');
        // Many providers put the address into what is asked for with the access token alone.
        const { email, email_verified: verified } =
          typeof claims.email === 'string'
            ? claims
            : await fetchUserInfo(configuration, tokens.access_token, claims.sub);
        return {
          issuer: claims.iss,
          subject: claims.sub,
          email: typeof email === 'string' ? email : null,
          emailVerified: verified === true,
        };
      } catch (cause) {
        throw new Fault('sign_in_refused', { kind: 'never' }, 'The OpenID provider did not confirm who it is.', {
          cause,
        });
      }
    },
  };
}
