import { agentFor, pauseOf, send } from '../../platform/outbound.ts';
import { noAnswer, unavailable, wrongCredentials } from '../faults.ts';

/** PayPal answers an order within a few seconds; the batch itself is carried out later. */
const TIMEOUT_MS = 20_000;
/** A token is renewed this long before it ends, so that none ends on the way. */
const TOKEN_MARGIN_MS = 60_000;

export const LABEL = 'PayPal';

export interface ClientDeps {
  readonly base: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly allowPrivate: boolean;
  readonly now: () => number;
}

export interface Reply {
  readonly status: number;
  /** Empty for an answer that is no JSON object. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Client {
  /** @throws Fault for no answer, 401, 403, 408, 425, 429 and 5xx; every other answer is the caller's to judge. */
  call(method: 'GET' | 'POST', path: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** The status of asking for a token; 200 when the credentials hold. */
  signIn(): Promise<number>;
}

/** PayPal has no SDK with payouts that it still keeps: plain HTTPS, OAuth client credentials, one token for as long as it lives. */
export function createClient({ base, clientId, clientSecret, allowPrivate, now }: ClientDeps): Client {
  const agent = agentFor(base, allowPrivate);
  let token: { readonly text: string; readonly until: number } | null = null;

  async function exchange(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Reply> {
    const answer = await send({
      url: new URL(path, base),
      method,
      agent,
      body,
      timeoutMs: TIMEOUT_MS,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'Wonward',
        ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
    });
    if (answer.kind === 'refused_address') throw noAnswer(LABEL, new Error('is not allowed. Because it is private'));
    if (answer.kind === 'unknown') throw noAnswer(LABEL, answer.cause);
    const { status, text, retryAfter } = answer;
    if ([408, 425, 429].includes(status) || status >= 500)
      throw unavailable(LABEL, `answered ${status}`, pauseOf(retryAfter, now()));
    const data = jsonOf(text);
    if (data === null && status < 300) throw unavailable(LABEL, 'answered with something that cannot be read');
    return { status, data: data ?? {} };
  }

  async function signIn(): Promise<number> {
    const { status, data } = await exchange(
      'POST',
      '/v1/oauth2/token',
      {
        Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      'grant_type=client_credentials',
    );
    const { access_token: text, expires_in: seconds } = data;
    if (status === 200 && typeof text === 'string' && typeof seconds === 'number')
      token = { text, until: now() + seconds * 1_000 - TOKEN_MARGIN_MS };
    return status;
  }

  return {
    signIn,
    async call(method, path, body, headers = {}) {
      for (let tries = 1; ; tries += 1) {
        if (token === null || token.until <= now()) {
          token = null;
          await signIn();
        }
        if (token === null) throw wrongCredentials(LABEL, 'does not accept the client id and secret');
        const reply = await exchange(
          method,
          path,
          {
            Authorization: `Bearer ${token.text}`,
            ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
            ...headers,
          },
          body,
        );
        if (reply.status === 403)
          throw wrongCredentials(LABEL, 'does not let this app do it; payouts have to be switched on for it');
        if (reply.status !== 401) return reply;
        // The token was taken back before its time: once with a new one.
        token = null;
        if (tries === 2) throw wrongCredentials(LABEL, 'does not accept the client id and secret');
      }
    },
  };
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
