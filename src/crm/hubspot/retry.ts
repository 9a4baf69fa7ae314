import type { Failure } from './errors.ts';

/**
 * How a failed call is tried again. Every call of this connector may be made twice: reads change nothing, and an update that
 * was applied already sets the same values. Kept as data and a pure function because cockatiel's policies own their timers,
 * and the clock is injected here.
 */
export interface RetryPolicy {
  /** The first attempt included. */
  readonly attemptsMax: number;
  readonly baseMs: Readonly<Record<'fault' | 'limited' | 'locked', number>>;
  readonly delayMaxMs: number;
  /** What is longer is left to the job that called: a worker must not sleep through a portal's migration (477: up to 24 h). */
  readonly waitHereMaxMs: number;
  /** A Retry-After beyond this is read as this; HubSpot documents up to 24 h. */
  readonly retryAfterMaxMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attemptsMax: 4,
  // A limit is counted over 10 s and a lock lasts 2 s (HubSpot's error-handling page), so shorter waits would be refused again.
  baseMs: { fault: 250, limited: 2_000, locked: 2_000 },
  delayMaxMs: 8_000,
  waitHereMaxMs: 10_000,
  retryAfterMaxMs: 86_400_000,
};

export type RetryDecision =
  | { readonly again: true; readonly delayMs: number }
  /** `afterMs` when the other side named a time. */
  | { readonly again: false; readonly afterMs: number | null };

/** `attempt` counts from 1; `random` is in [0, 1). */
export function decideRetry(failure: Failure, attempt: number, random: number, policy = RETRY_POLICY): RetryDecision {
  const kind = retryKind(failure);
  if (kind === null) return { again: false, afterMs: null };
  const named = failure.kind === 'status' ? failure.retryAfterMs : null;
  if (named !== null) {
    const namedMs = Math.min(Math.max(named, 0), policy.retryAfterMaxMs);
    if (namedMs > policy.waitHereMaxMs || attempt >= policy.attemptsMax) return { again: false, afterMs: namedMs };
    // Never earlier than asked; a tenth later at most, so that waiting sessions do not all come at once.
    return { again: true, delayMs: Math.ceil(namedMs * (1 + random / 10)) };
  }
  if (attempt >= policy.attemptsMax) return { again: false, afterMs: null };
  const exponential = Math.min(policy.baseMs[kind] * 2 ** (attempt - 1), policy.delayMaxMs);
  // Half of the delay is drawn, so that sessions which failed together do not come back together.
  return { again: true, delayMs: Math.ceil(exponential / 2 + (exponential / 2) * random) };
}

function retryKind(failure: Failure): 'fault' | 'limited' | 'locked' | null {
  if (failure.kind === 'unreadable') return failure.transient ? 'fault' : null;
  if (failure.kind !== 'status') return 'fault';
  const { status, error } = failure;
  if (status === 429) return 'limited';
  if (status === 423 || status === 477) return 'locked';
  if (status >= 500 || status === 408) return 'fault';
  // Refused by something in front of HubSpot.
  return error === null && status !== 401 ? 'fault' : null;
}

/** Seconds, or an HTTP date, as RFC 9110 allows; null for anything else. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/[a-z]/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
