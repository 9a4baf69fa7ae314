import type { Instant } from '../../domain/time.ts';
import { dateOf, readText } from '../answers.ts';
import type { Failure } from './errors.ts';
import { oauthErrorSchema, parseJson, restErrorsSchema, type SalesforceError } from './wire.ts';

/**
 * One request and one answer; nothing is thrown: what went wrong is a `Failure`.
 *
 * By the runtime's own fetch and not by jsforce, which is a judge in our tests instead: of an answer that breaks off halfway its
 * transport (3.12.0) neither resolves nor rejects, and the error of the broken body ends the whole process; it tries again by rules that
 * cannot be told, and of a rotated refresh token it uses the old one, for which Salesforce revokes them all.
 */
export interface Transport {
  send(request: WireRequest): Promise<WireAnswer>;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** The login host or the org's own. */
  readonly origin: string;
  readonly path: string;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly xml?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export interface ApiUsage {
  readonly used: number;
  readonly limit: number;
}

export type WireAnswer =
  /** 2xx; `body` is undefined when there was none, and the text of what is not JSON. `at` is Salesforce's own time. */
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: unknown;
      readonly at: Instant;
      readonly usage: ApiUsage | null;
    }
  | { readonly ok: false; readonly failure: Failure; readonly usage: ApiUsage | null };

/** Salesforce ends its own slowest query after two minutes; what we ask for takes seconds. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** Five pages of 2,000 rows have a few megabytes. */
const ANSWER_BYTES_MAX = 33_554_432;

/** What Salesforce sees in `changeOrigin` of the events of our own writes. */
export const CLIENT_NAME = 'wonward';

export function createTransport({
  clock,
  timeoutMs = REQUEST_TIMEOUT_MS,
}: {
  clock: () => number;
  timeoutMs?: number;
}): Transport {
  return {
    async send(request) {
      try {
        const response = await fetch(new URL(request.path, request.origin), {
          method: request.method,
          headers: headersOf(request),
          ...bodyOf(request),
          // A moved org says where it is at the next refresh; nobody else is given a token.
          redirect: 'manual',
          signal: AbortSignal.timeout(timeoutMs),
        });
        const text = await readText(response, ANSWER_BYTES_MAX);
        const usage = usageOf(response.headers.get('sforce-limit-info'));
        if (text === null) {
          const detail = `the body has more than ${ANSWER_BYTES_MAX} bytes`;
          return { ok: false, failure: { kind: 'unreadable', detail, transient: false }, usage };
        }
        return { ...readAnswer(response, text, clock()), usage };
      } catch (cause) {
        const isLate = cause instanceof DOMException && cause.name === 'TimeoutError';
        return {
          ok: false,
          failure: isLate ? { kind: 'timeout', timeoutMs } : { kind: 'network', cause },
          usage: null,
        };
      }
    },
  };
}

function headersOf({ json, xml, token, headers }: WireRequest): Record<string, string> {
  return {
    Accept: xml === undefined ? 'application/json' : 'text/xml',
    'Sforce-Call-Options': `client=${CLIENT_NAME}`,
    ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(xml === undefined ? {} : { 'Content-Type': 'text/xml; charset=utf-8', SOAPAction: '""' }),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...headers,
  };
}

function bodyOf({ json, form, xml }: WireRequest): { body?: string | URLSearchParams } {
  if (json !== undefined) return { body: JSON.stringify(json) };
  if (form !== undefined) return { body: new URLSearchParams(form) };
  return xml === undefined ? {} : { body: xml };
}

function readAnswer(
  { status, headers }: Response,
  text: string,
  now: Instant,
): { ok: true; status: number; body: unknown; at: Instant } | { ok: false; failure: Failure } {
  let body: unknown = text === '' ? undefined : text;
  let readable = true;
  if (/json/.test(headers.get('content-type') ?? '') && text !== '') {
    try {
      body = parseJson(text);
    } catch {
      readable = false;
    }
  }
  if (status >= 200 && status < 300) {
    if (readable) return { ok: true, status, body, at: dateOf(headers) ?? now };
    const detail = `the body of ${text.length} characters is not JSON`;
    return { ok: false, failure: { kind: 'unreadable', detail, transient: true } };
  }
  return { ok: false, failure: { kind: 'status', status, errors: readable ? errorsIn(body) : [] } };
}

/** Empty when the body is not Salesforce's: a proxy or a firewall answered. */
export function errorsIn(body: unknown): SalesforceError[] {
  // The SOAP API's faults.
  if (typeof body === 'string') {
    const [, code] = /<(?:\w+:)?exceptionCode>(\w+)</.exec(body) ?? [];
    return code === undefined ? [] : [{ code, message: '', fields: [] }];
  }
  const rest = restErrorsSchema.safeParse(body);
  if (rest.success)
    return rest.data.map(({ errorCode, message, fields }) => ({
      code: errorCode,
      message: message ?? '',
      fields: fields ?? [],
    }));
  const oauth = oauthErrorSchema.safeParse(body);
  return oauth.success ? [{ code: oauth.data.error, message: oauth.data.error_description ?? '', fields: [] }] : [];
}

/** `api-usage=18/15000`, perhaps with `per-app-api-usage=…` behind it. */
function usageOf(header: string | null): ApiUsage | null {
  const [, used, limit] = /(?:^|[;,\s])api-usage=(\d+)\/(\d+)/.exec(header ?? '') ?? [];
  return used === undefined || limit === undefined ? null : { used: Number(used), limit: Number(limit) };
}
