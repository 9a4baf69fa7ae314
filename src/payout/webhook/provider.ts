import type { LookupFunction } from 'node:net';
import type {
  IssueResult,
  PayoutOrder,
  PayoutProvider,
  PayoutSession,
  PayoutSettings,
} from '../../application/ports/payout.ts';
import { Fault } from '../../domain/errors.ts';
import { decimalOf } from '../../domain/money.ts';
import { type Answer, agentFor, isDisguised, pauseOf, plainSentence, send } from '../../platform/outbound.ts';
import { createWebhookSigner } from '../../platform/webhook-signature.ts';

/** From the look-up of the name to the last byte of the answer. Receivers of webhooks are expected to answer at once. */
const TIMEOUT_MS = 10_000;

export interface WebhookSessionDeps {
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
export function createSession({
  url,
  secret,
  allowPrivate,
  clock,
  timeoutMs = TIMEOUT_MS,
  lookup,
}: WebhookSessionDeps): Pick<PayoutSession, 'test'> & { issue(order: PayoutOrder): Promise<IssueResult> } {
  if (url.protocol !== 'https:' && !allowPrivate) throw new RangeError('the reward webhook needs an https address');
  const signed = createWebhookSigner([secret]);
  const isRefused = !allowPrivate && isDisguised(url);
  const agent = agentFor(url, allowPrivate);

  return {
    async issue(order) {
      if (isRefused) return judge({ kind: 'refused_address' }, clock.now());
      const body = JSON.stringify({ type: 'reward.issue', data: dataOf(order) });
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'User-Agent': 'Wonward',
        'Idempotency-Key': order.key,
        ...signed(order.key, clock.now(), body),
      };
      return judge(await send({ url, method: 'POST', agent, headers, body, timeoutMs, lookup }), clock.now());
    },
    // A receiver knows no order that is only a test; what can be looked at here was looked at when the service started.
    test: async () => ({ ok: true, detail: `Orders are signed and sent to ${url.host}.` }),
  };
}

/** Null without REWARD_WEBHOOK_URL: no program can pay by webhook then. */
export function fromSettings({ rewardWebhook, allowPrivateDestinations, now }: PayoutSettings): PayoutProvider | null {
  if (!rewardWebhook) return null;
  const session = createSession({ ...rewardWebhook, allowPrivate: allowPrivateDestinations, clock: { now } });
  return {
    name: 'webhook',
    description: {
      label: 'Your own program',
      summary: 'Each reward is ordered from a program of your own by a signed request.',
      fields: [],
      amounts: null,
      cancelling: {
        can: 'never',
        how: 'Your program keeps what it was told; a reversal is claimed back in the ledger.',
      },
      issued: 'final',
      keyLifeMs: null,
    },
    open: async () => session,
  };
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

function judge(answer: Answer, now: number): IssueResult {
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
  if (status >= 200 && status < 300) return { ok: true, reference: null, voucher: null };
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
  return plainSentence(sentence);
}
