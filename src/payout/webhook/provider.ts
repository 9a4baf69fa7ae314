import { request as httpRequest, type IncomingMessage, Agent as PlainHttpAgent } from 'node:http';
import { request as httpsRequest, Agent as PlainHttpsAgent } from 'node:https';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';
import { Webhook } from 'standardwebhooks';
import type { PayoutOrder, PayoutProvider, PayoutSettings } from '../../application/ports/payout.ts';
import { Fault } from '../../domain/errors.ts';
import { decimalOf } from '../../domain/money.ts';
import type { PayoutResult } from '../../domain/reward.ts';

/** From the look-up of the name to the last byte of the answer. Receivers of webhooks are expected to answer at once. */
const TIMEOUT_MS = 10_000;
/** Only a sentence is wanted of the answer. More than this is not read. */
const ANSWER_BYTES_MAX = 65_536;
/** A reason has to fit where a person reads it. */
const REASON_LENGTH_MAX = 200;
/** IPv4 addresses as the first drafts of IPv6 wrote them, "::7f00:1" for 127.0.0.1: the filtering agent takes them for public. */
const IPV4_COMPATIBLE = new BlockList();
IPV4_COMPATIBLE.addSubnet('::', 96, 'ipv6');
/** A receiver that asks for a longer pause is asked again after this one. */
const RETRY_AFTER_MAX_MS = 3_600_000;

export interface WebhookProviderDeps {
  /** Where rewards are ordered; https, unless private addresses are allowed. */
  readonly url: URL;
  /** `whsec_…`, as Standard Webhooks writes it. */
  readonly secret: string;
  /** True lets the order go to private, local and metadata addresses. For the sandbox. */
  readonly allowPrivate: boolean;
  readonly clock: { now(): number };
  /** For tests. */
  readonly timeoutMs?: number;
  /** For tests: what a name resolves to. */
  readonly lookup?: LookupFunction;
}

/** What the answer said, or that there was none. */
type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly text: string;
    }
  | { readonly kind: 'refused_address' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/**
 * Rewards ordered from a program of the account's own, by a POST that is signed as standardwebhooks.com describes. `webhook-id` and
 * `Idempotency-Key` are the order's key and the body has no time in it, so every attempt at one order is the same request.
 *
 * What an answer means:
 * - 2xx: the reward is given. A receiver answers a repeated key with the same 2xx and gives nothing again.
 * - 409, 408, 425, 429, 5xx, a broken or missing answer: not known, or not now. The order comes again, with the same key. 409 is
 *   "a request with this key is being worked on" (draft-ietf-httpapi-idempotency-key-header, 2.7), so it is no proof of success.
 * - any other 4xx: refused for good, with the reason that the answer gives.
 * - 3xx: not followed, since the order would be sent to somewhere that nobody configured. A person has to look.
 */
export function createProvider({
  url,
  secret,
  allowPrivate,
  clock,
  timeoutMs = TIMEOUT_MS,
  lookup,
}: WebhookProviderDeps): PayoutProvider {
  if (url.protocol !== 'https:' && !allowPrivate) throw new RangeError('the reward webhook needs an https address');
  const signer = new Webhook(secret);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isDisguised = !allowPrivate && isIPv6(host) && IPV4_COMPATIBLE.check(host, 'ipv6');
  const agent = agentFor(url, allowPrivate);

  return {
    name: 'webhook',
    async issue(order) {
      if (isDisguised) return judge({ kind: 'refused_address' }, clock.now());
      const body = JSON.stringify({ type: 'reward.issue', data: dataOf(order) });
      const now = new Date(clock.now());
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'User-Agent': 'Wonward',
        'Idempotency-Key': order.key,
        'webhook-id': order.key,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
        'webhook-signature': signer.sign(order.key, now, body),
      };
      return judge(await post({ url, agent, headers, body, timeoutMs, lookup }), clock.now());
    },
  };
}

/** Null without REWARD_WEBHOOK_URL: no program can pay by webhook then. */
export function fromSettings({ rewardWebhook, allowPrivateDestinations, now }: PayoutSettings): PayoutProvider | null {
  return rewardWebhook && createProvider({ ...rewardWebhook, allowPrivate: allowPrivateDestinations, clock: { now } });
}

function dataOf({ key, accountId, rewardId, referralId, beneficiary, money, reason }: PayoutOrder) {
  const { party, id, name, email } = beneficiary;
  return {
    key,
    accountId,
    rewardId,
    referralId,
    beneficiary: { party, id, name, email },
    amount: decimalOf(money),
    currency: money.currency,
    reason,
  };
}

function agentFor(url: URL, allowPrivate: boolean) {
  const isHttps = url.protocol === 'https:';
  if (allowPrivate) return isHttps ? new PlainHttpsAgent() : new PlainHttpAgent();
  // These look at the address that the name resolves to on each connection, so a name that changes its mind is refused as well.
  return isHttps ? new RequestFilteringHttpsAgent() : new RequestFilteringHttpAgent();
}

interface Post {
  readonly url: URL;
  readonly agent: PlainHttpAgent | PlainHttpsAgent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly lookup: LookupFunction | undefined;
}

function post({ url, agent, headers, body, timeoutMs, lookup }: Post): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  const request = send(url, { method: 'POST', agent, headers: { ...headers }, signal, ...(lookup ? { lookup } : {}) });
  request.once('error', (cause) => {
    resolve(isRefusal(cause) ? { kind: 'refused_address' } : { kind: 'unknown', cause });
  });
  request.once('response', (response) => {
    readSome(response).then(
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
async function readSome(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
}

/** request-filtering-agent gives its refusal no code, only these words. */
function isRefusal(cause: Error): boolean {
  return /is not allowed\. Because/.test(cause.message);
}

function judge(answer: Answer, now: number): PayoutResult {
  if (answer.kind === 'refused_address') {
    throw new Fault(
      'destination_refused',
      { kind: 'never' },
      'The reward webhook leads to a private or local address, which is not called. Correct REWARD_WEBHOOK_URL.',
    );
  }
  if (answer.kind === 'unknown') {
    throw unavailable('The reward webhook did not answer. The order is sent again with the same key.', {
      cause: answer.cause,
    });
  }
  const { status, text, retryAfter } = answer;
  if (status >= 200 && status < 300) return { ok: true };
  if (status >= 300 && status < 400) {
    throw new Fault(
      'destination_refused',
      { kind: 'never' },
      `The reward webhook answered with a redirect (${status}), which is not followed. Correct REWARD_WEBHOOK_URL.`,
    );
  }
  if ([408, 409, 425, 429].includes(status) || status >= 500 || status < 200) {
    throw unavailable(`The reward webhook answered ${status}. The order is sent again with the same key.`, {
      afterMs: pauseOf(retryAfter, now),
    });
  }
  return { ok: false, why: reasonOf(text) ?? `answered ${status}` };
}

function unavailable(publicText: string, { afterMs, cause }: { afterMs?: number | undefined; cause?: unknown }): Fault {
  const rule = { kind: 'retry', ...(afterMs === undefined ? {} : { afterMs }) } as const;
  return new Fault('payout_unavailable', rule, publicText, cause === undefined ? {} : { cause });
}

/** Retry-After in seconds or as a date; undefined when there is none that can be read. */
function pauseOf(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const pause = /^[0-9]+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now;
  return Number.isNaN(pause) || pause <= 0 ? undefined : Math.min(pause, RETRY_AFTER_MAX_MS);
}

/** Marks that turn the text behind them round, so that "exe.png" is read where "gnp.exe" stands. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const SENTENCE_FIELDS = ['detail', 'message', 'reason', 'error', 'title'];

/** The sentence in a JSON answer. Anything else, such as an error page, is not shown to people. */
function reasonOf(text: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof answer !== 'object' || answer === null) return null;
  const fields = answer as Record<string, unknown>;
  const sentence = SENTENCE_FIELDS.map((name) => fields[name]).find(
    (value) => typeof value === 'string' && value !== '',
  );
  if (typeof sentence !== 'string') return null;
  const plain = sentence
    .replace(DIRECTION_MARKS, '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return plain === '' ? null : plain.slice(0, REASON_LENGTH_MAX).toWellFormed();
}
