import { request as httpRequest, type IncomingMessage, Agent as PlainHttpAgent } from 'node:http';
import { request as httpsRequest, Agent as PlainHttpsAgent } from 'node:https';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { RequestFilteringHttpsAgent } from 'request-filtering-agent';

/*
 * How reward providers and webhooks reach out. Every call, by an SDK or not, goes through an agent that looks at the address that a name resolves to on each
 * connection and refuses private, local and metadata addresses, unless the operator allows them for the local sandbox.
 */

/** Only a short answer is wanted. More than this is not read. */
const ANSWER_BYTES_MAX = 65_536;
/** A receiver that asks for a longer pause is asked again after this one. */
const RETRY_AFTER_MAX_MS = 3_600_000;
/** A reason has to fit where a person reads it. */
const REASON_LENGTH_MAX = 200;
/** IPv4 addresses as the first drafts of IPv6 wrote them, "::7f00:1" for 127.0.0.1: the filtering agent takes them for public. */
const IPV4_COMPATIBLE = new BlockList();
IPV4_COMPATIBLE.addSubnet('::', 96, 'ipv6');

export type OutboundAgent = PlainHttpAgent | PlainHttpsAgent;

/** @throws RangeError for plain http, unless private addresses are allowed. */
export function agentFor(url: URL, allowPrivate: boolean): OutboundAgent {
  const isHttps = url.protocol === 'https:';
  if (allowPrivate) return isHttps ? new PlainHttpsAgent() : new PlainHttpAgent();
  if (!isHttps) throw new RangeError('what leaves is sent by https only');
  return new RequestFilteringHttpsAgent();
}

/** An address that leads to this machine's network in a spelling that the filtering agent does not know. */
export function isDisguised(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIPv6(host) && IPV4_COMPATIBLE.check(host, 'ipv6');
}

/** request-filtering-agent gives its refusal no code, only these words; an SDK may have wrapped them. */
export function isAddressRefusal(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (/is not allowed\. Because/.test(error.message)) return true;
    const { detail } = error as { detail?: unknown };
    if (detail instanceof Error && detail !== error && isAddressRefusal(detail)) return true;
  }
  return false;
}

/** What the answer said, or that there was none. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly text: string;
    }
  | { readonly kind: 'refused_address' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

export interface Sending {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly agent: OutboundAgent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** From the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly lookup?: LookupFunction | undefined;
  /** What is read of the answer; the rest of a longer one is not waited for. */
  readonly answerBytesMax?: number | undefined;
}

/** One request; redirects are not followed. */
export function send({
  url,
  method,
  agent,
  headers,
  body,
  timeoutMs,
  lookup,
  answerBytesMax = ANSWER_BYTES_MAX,
}: Sending): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method,
    agent,
    headers: { ...headers },
    signal: AbortSignal.timeout(timeoutMs),
    ...(lookup ? { lookup } : {}),
  });
  request.once('error', (cause) => {
    resolve(isAddressRefusal(cause) ? { kind: 'refused_address' } : { kind: 'unknown', cause });
  });
  request.once('response', (response) => {
    readSome(response, answerBytesMax).then(
      (text) =>
        resolve({
          kind: 'answered',
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          text,
        }),
      (cause: unknown) => resolve({ kind: 'unknown', cause }),
    );
  });
  request.end(body);
  return promise;
}

/** The beginning of the answer. The rest of a long one is not waited for. */
async function readSome(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bytesMax).toString('utf8');
}

/** Retry-After in seconds or as a date; undefined when there is none that can be read. */
export function pauseOf(retryAfter: unknown, now: number): number | undefined {
  if (typeof retryAfter !== 'string') return undefined;
  const pause = /^[0-9]+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now;
  return Number.isNaN(pause) || pause <= 0 ? undefined : Math.min(pause, RETRY_AFTER_MAX_MS);
}

/** Marks that turn the text behind them round, so that "exe.png" is read where "gnp.exe" stands. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Somebody else's sentence, fit for a line that a person reads; null when nothing is left of it. */
export function plainSentence(text: unknown, lengthMax = REASON_LENGTH_MAX): string | null {
  if (typeof text !== 'string') return null;
  const plain = text
    .replace(DIRECTION_MARKS, '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return plain === '' ? null : plain.slice(0, lengthMax).toWellFormed();
}
