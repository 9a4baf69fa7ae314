import type { LookupFunction } from 'node:net';
import type { SendWebhook } from '../../application/ports/webhook.ts';
import { type Answer, agentFor, isDisguised, pauseOf, plainSentence, send } from '../../platform/outbound.ts';
import { createWebhookSigner } from '../../platform/webhook-signature.ts';

/** From the look-up of the name to the last byte of the answer. The specification advises 15 to 30 seconds; a receiver should take and answer. */
const TIMEOUT_MS = 15_000;

/** What is kept of an answer, to find out what was wrong. */
const ANSWER_BYTES_MAX = 1_024;

export interface SendWebhookDeps {
  /** True lets it go to private, local and metadata addresses. For the sandbox. */
  readonly allowPrivate: boolean;
  readonly clock: { now(): number };
  /** For tests. */
  readonly timeoutMs?: number;
  /** For tests: what a name resolves to. */
  readonly lookup?: LookupFunction;
}

/**
 * Sends an event as standardwebhooks.com describes. Redirects are not followed, and every connection is made to an address that was looked at:
 * both would lead a signed event, and our own network, to where nobody has configured.
 */
export function createSendWebhook({
  allowPrivate,
  clock,
  timeoutMs = TIMEOUT_MS,
  lookup,
}: SendWebhookDeps): SendWebhook {
  return async ({ url: text, secrets, eventId, body }) => {
    const at = clock.now();
    const answer = await ask(text, secrets, eventId, body, at);
    return { at, durationMs: Math.max(0, clock.now() - at), ...judge(answer, at) };
  };

  async function ask(
    text: string,
    secrets: readonly string[],
    eventId: string,
    body: string,
    at: number,
  ): Promise<Answer> {
    const url = new URL(text);
    // What was configured for the sandbox is not called in earnest.
    if (!allowPrivate && (url.protocol !== 'https:' || isDisguised(url))) return { kind: 'refused_address' };
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'User-Agent': 'Wonward',
      ...createWebhookSigner(secrets)(eventId, at, body),
    };
    const agent = agentFor(url, allowPrivate);
    try {
      return await send({
        ...{ url, method: 'POST', agent, headers, body, timeoutMs, lookup },
        answerBytesMax: ANSWER_BYTES_MAX,
      });
    } finally {
      agent.destroy();
    }
  }
}

function judge(answer: Answer, now: number) {
  if (answer.kind === 'refused_address') {
    const problem = 'The address leads to a private or local network, which is not called. Change the URL.';
    return { status: null, problem, answer: '', pauseMs: null };
  }
  if (answer.kind === 'unknown') return { status: null, problem: whyOf(answer.cause), answer: '', pauseMs: null };
  const { status, text, retryAfter } = answer;
  const shown = plainSentence(text, ANSWER_BYTES_MAX) ?? '';
  const pauseMs = pauseOf(retryAfter, now) ?? null;
  if (status >= 200 && status < 300) return { status, problem: null, answer: shown, pauseMs: null };
  const problem =
    status >= 300 && status < 400
      ? `The answer was a redirect (${status}), which is not followed. Change the URL.`
      : `The answer was ${status}.`;
  return { status, problem, answer: shown, pauseMs };
}

/** What went wrong on the way, in words; errors of the network hold addresses of machines, which are nobody's business. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens at this address.',
  ECONNRESET: 'The connection was closed before there was an answer.',
  ENOTFOUND: 'There is no such host.',
  EAI_AGAIN: 'The name of the host could not be looked up.',
  ETIMEDOUT: 'There was no answer in time.',
  EPROTO: 'The host does not speak TLS as it should.',
  CERT_HAS_EXPIRED: 'The certificate of the host has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the host is not signed by anybody who is known.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The certificate of the host is not signed by anybody who is known.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another host.',
};

function whyOf(cause: unknown): string {
  const { name, code } = cause as { name?: string; code?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return 'There was no answer in time.';
  return CAUSES[code ?? ''] ?? 'There was no answer.';
}
