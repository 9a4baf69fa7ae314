import { Client } from '@hubspot/api-client';
import type { Instant } from '../../domain/time.ts';
import { dateOf, readText } from '../answers.ts';
import type { Failure } from './errors.ts';
import { parseRetryAfter } from './retry.ts';
import { errorSchema, type HubSpotError, parseJson } from './wire.ts';

/**
 * One request and one answer, by the official SDK's `apiRequest`. Its retry and limiter stay off (no options are given): both
 * live in a process-wide singleton. Nothing is thrown: what went wrong is a `Failure`.
 */
export interface Transport {
  send(request: WireRequest): Promise<WireAnswer>;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export type WireAnswer =
  /** 2xx; `body` is undefined when there was none. `at` is HubSpot's own time, of its `Date` header, to the second below. */
  | { readonly ok: true; readonly status: number; readonly body: unknown; readonly at: Instant }
  | { readonly ok: false; readonly failure: Failure };

/** HubSpot answers its slowest batch in a few seconds; a connection that is silent for longer is dead. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** The longest answers there are, a hundred records with all of their history, have a few megabytes. */
const ANSWER_BYTES_MAX = 33_554_432;

export function createTransport({
  apiUrl,
  clock,
  timeoutMs = REQUEST_TIMEOUT_MS,
}: {
  apiUrl: string;
  clock: () => number;
  timeoutMs?: number;
}): Transport {
  const client = new Client({ basePath: apiUrl.replace(/\/+$/, '') });

  async function exchange(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    const response = await client.apiRequest(toSdk(request));
    // `apiRequest` takes no signal, so what comes too late is dropped here; undici itself ends a silent connection later.
    if (signal.aborted) {
      await response.body?.cancel();
      return { ok: false, failure: { kind: 'timeout', timeoutMs } };
    }
    const cancelBody = () => void response.body?.cancel().catch(() => undefined);
    signal.addEventListener('abort', cancelBody, { once: true });
    try {
      // The SDK lets fetch follow redirects. HubSpot's API has none, so what somebody else has answered is not read.
      if (response.redirected) {
        await response.body?.cancel();
        return { ok: false, failure: { kind: 'unreadable', detail: 'a redirect led elsewhere', transient: false } };
      }
      const text = await readText(response, ANSWER_BYTES_MAX);
      if (text === null) {
        const detail = `the body has more than ${ANSWER_BYTES_MAX} bytes`;
        return { ok: false, failure: { kind: 'unreadable', detail, transient: false } };
      }
      return readAnswer(response, text, clock());
    } finally {
      signal.removeEventListener('abort', cancelBody);
    }
  }

  return {
    async send(request) {
      const deadline = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<WireAnswer>((resolve) => {
        timer = setTimeout(() => {
          resolve({ ok: false, failure: { kind: 'timeout', timeoutMs } });
          deadline.abort();
        }, timeoutMs);
      });
      const exchanged = exchange(request, deadline.signal).catch(
        (cause: unknown): WireAnswer => ({ ok: false, failure: { kind: 'network', cause } }),
      );
      try {
        return await Promise.race([exchanged, timeout]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function toSdk({ method, path, query, json, form, token }: WireRequest) {
  return {
    method,
    path,
    // Else the SDK would stringify the form again.
    defaultJson: form === undefined,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
    },
    ...(query === undefined ? {} : { qs: query }),
    ...(json === undefined ? {} : { body: json }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
  };
}

function readAnswer({ status, headers }: Response, text: string, now: Instant): WireAnswer {
  let body: unknown;
  let readable = true;
  try {
    body = text === '' ? undefined : parseJson(text);
  } catch {
    readable = false;
  }
  if (status >= 200 && status < 300) {
    if (readable) return { ok: true, status, body, at: dateOf(headers) ?? now };
    const detail = `the body of ${text.length} characters is not JSON`;
    return { ok: false, failure: { kind: 'unreadable', detail, transient: true } };
  }
  const error = readable ? readError(body) : null;
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now);
  return { ok: false, failure: { kind: 'status', status, error, retryAfterMs } };
}

function readError(body: unknown): HubSpotError | null {
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return null;
  const { message, category, error, errorType, status } = parsed.data;
  return [message, category, error, errorType, status].some((field) => field !== undefined) ? parsed.data : null;
}
