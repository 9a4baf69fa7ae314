import { HubSpotError, validationError } from './errors.ts';
import type { Portal } from './portal.ts';
import { signatureHeaders } from './signature.ts';

/** All of these: "Fetching data" for UI extensions (`hubspot.fetch`). */
const TIMEOUT_MS = 15_000;
const MAX_BYTES = 1024 * 1024;
const MAX_CONCURRENT = 20;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export interface FetchInput {
  url: string;
  method?: string | undefined;
  /** An object, sent as JSON. */
  body?: unknown;
  /** Milliseconds, at most 15,000. */
  timeout?: number | undefined;
  headers?: Record<string, string> | undefined;
  userId?: number | undefined;
  userEmail?: string | undefined;
}

export interface FetchOutput {
  status: number;
  /** Text as the backend sent it. */
  body: string;
  headers: Record<string, string>;
}

export interface FetchProxyDeps {
  clock: () => number;
  appId: number;
  clientSecret: string;
  permittedUrls: readonly string[];
}

export type FetchProxy = (portal: Portal, input: FetchInput) => Promise<FetchOutput>;

/** Same origin, and below the permitted path at a segment's border. */
function permitted(url: URL, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const allowed = new URL(pattern);
    const base = allowed.pathname.replace(/\/$/, '');
    return url.origin === allowed.origin && (url.pathname === base || url.pathname.startsWith(`${base}/`));
  });
}

/** What a card's `hubspot.fetch` does: checks, identity in the query, signature, limits, one retry. */
export function createFetchProxy({ clock, appId, clientSecret, permittedUrls }: FetchProxyDeps): FetchProxy {
  const inFlight = new Map<number, number>();

  function checkedUrl(raw: string): URL {
    let url: URL;
    try {
      url = new URL(raw);
    } catch {
      throw validationError(`hubspot.fetch needs an absolute URL, not ${raw}`);
    }
    if (!permitted(url, permittedUrls)) {
      throw validationError(`The URL ${url.origin}${url.pathname} is not in the app's permittedUrls.fetch`);
    }
    return url;
  }

  async function once(
    url: string,
    method: string,
    rawBody: string,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<FetchOutput> {
    const response = await fetch(url, {
      method,
      headers,
      ...(rawBody === '' ? {} : { body: rawBody }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length > MAX_BYTES)
      throw new HubSpotError(502, { message: 'The response is larger than 1 MB', category: 'BAD_GATEWAY' });
    return { status: response.status, body: bytes.toString('utf8'), headers: Object.fromEntries(response.headers) };
  }

  return async (portal, input) => {
    const url = checkedUrl(input.url);
    const method = (input.method ?? 'GET').toUpperCase();
    if (!METHODS.includes(method)) throw validationError(`hubspot.fetch does not do ${method}`);
    const refusedHeader = Object.keys(input.headers ?? {}).find((name) => name.toLowerCase() !== 'authorization');
    if (refusedHeader !== undefined)
      throw validationError(`hubspot.fetch only takes the Authorization header, not ${refusedHeader}`);
    if (input.body !== undefined && (typeof input.body !== 'object' || input.body === null)) {
      throw validationError('The body of hubspot.fetch is an object');
    }
    if (method === 'GET' && input.body !== undefined) throw validationError('A GET has no body');
    const rawBody = input.body === undefined ? '' : JSON.stringify(input.body);
    if (Buffer.byteLength(rawBody) > MAX_BYTES) throw validationError('The request is larger than 1 MB');
    const user = portal.owners.find((owner) => owner.userId === input.userId) ?? portal.owners[0];
    // HubSpot's own words for who asks; nothing that the card says can replace them.
    url.searchParams.set('userId', String(input.userId ?? user?.userId ?? ''));
    url.searchParams.set('portalId', String(portal.id));
    url.searchParams.set('userEmail', input.userEmail ?? user?.email ?? '');
    url.searchParams.set('appId', String(appId));
    if (!portal.installation)
      throw new HubSpotError(403, { message: 'The app is not installed in this account', category: 'FORBIDDEN' });
    const running = inFlight.get(portal.id) ?? 0;
    if (running >= MAX_CONCURRENT) {
      throw new HubSpotError(429, {
        message: `More than ${MAX_CONCURRENT} concurrent requests of one app in one account`,
        category: 'RATE_LIMITS',
      });
    }
    const uri = url.toString();
    const authorization = Object.entries(input.headers ?? {}).find(
      ([name]) => name.toLowerCase() === 'authorization',
    )?.[1];
    const timeoutMs = Math.min(input.timeout ?? TIMEOUT_MS, TIMEOUT_MS);
    const send = (): Promise<FetchOutput> =>
      once(
        uri,
        method,
        rawBody,
        {
          ...(rawBody === '' ? {} : { 'Content-Type': 'application/json' }),
          ...(authorization === undefined ? {} : { Authorization: authorization }),
          ...signatureHeaders({ clientSecret, method, uri, rawBody, timestamp: clock(), older: 'v2' }),
        },
        timeoutMs,
      );
    inFlight.set(portal.id, running + 1);
    try {
      // "If the request fails with a connection error or a 5xx, it is retried once."
      const first = await send().catch((error: unknown) => {
        if (error instanceof HubSpotError || (error instanceof Error && error.name === 'TimeoutError')) throw error;
        return undefined;
      });
      return first && first.status < 500 ? first : await send();
    } catch (error) {
      if (error instanceof HubSpotError) throw error;
      const timedOut = error instanceof Error && error.name === 'TimeoutError';
      throw timedOut
        ? new HubSpotError(504, { message: `No answer within ${timeoutMs} ms`, category: 'GATEWAY_TIMEOUT' })
        : new HubSpotError(502, { message: 'The backend could not be reached', category: 'BAD_GATEWAY' });
    } finally {
      inFlight.set(portal.id, (inFlight.get(portal.id) ?? 1) - 1);
    }
  };
}
