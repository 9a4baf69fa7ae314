import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error it brings no types
import Provider from 'oidc-provider';

/** Whoever comes next signs in as this person there. */
export interface OpenIdPerson {
  readonly subject: string;
  readonly email: string;
  readonly emailVerified: boolean;
}

export interface OpenIdServer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  signsInAs(person: OpenIdPerson): void;
  close(): Promise<void>;
}

/** The parts of the certified provider that are used here. */
interface OidcProvider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionDetails(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ prompt: { name: string }; session?: { accountId: string }; params: { client_id: string } }>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
}

/** A real OpenID provider on this machine, in which one person signs in without being asked. */
export async function startOpenIdProvider(redirectUrl: string): Promise<OpenIdServer> {
  const clientId = 'wonward';
  const clientSecret = 'openid-secret-of-the-tests';
  let person: OpenIdPerson = { subject: 'nobody', email: 'nobody@example.com', emailVerified: false };
  let provider: OidcProvider;
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/interaction/')) return provider.callback()(request, response);
    interact(request, response).catch((thrown: unknown) => response.writeHead(500).end(String(thrown)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUrl],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    cookies: { keys: ['cookie-key-of-the-tests'] },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, email: person.email, email_verified: person.emailVerified }),
    }),
  }) as OidcProvider;

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, session, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, { login: { accountId: person.subject } });
      return;
    }
    const grant = new provider.Grant({ accountId: session?.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid email');
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }

  return {
    issuer,
    clientId,
    clientSecret,
    signsInAs(next) {
      person = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
