import { type Failure, isDailyLimit, meaningOf } from './errors.ts';

/**
 * How a failed call is tried again. Every call of this connector may be made twice: reads change nothing, an upsert by our own key that
 * was applied already sets the same values. Data and a pure function, since the clock is injected.
 */
export interface RetryPolicy {
  /** The first attempt included. */
  readonly attemptsMax: number;
  readonly baseMs: Readonly<Record<'fault' | 'limited' | 'locked', number>>;
  readonly delayMaxMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attemptsMax: 4,
  // A request that runs into "concurrent requests" waits for others that run for 20 s and more; a row lock lasts as long as one save.
  baseMs: { fault: 250, limited: 2_000, locked: 500 },
  delayMaxMs: 8_000,
};

/** Null: no further attempt. `attempt` counts from 1; `random` is in [0, 1). */
export function retryDelayMs(failure: Failure, attempt: number, random: number, policy = RETRY_POLICY): number | null {
  const kind = retryKind(failure);
  if (kind === null || attempt >= policy.attemptsMax) return null;
  const exponential = Math.min(policy.baseMs[kind] * 2 ** (attempt - 1), policy.delayMaxMs);
  // Half of the delay is drawn, so that sessions which failed together do not come back together.
  return Math.ceil(exponential / 2 + (exponential / 2) * random);
}

function retryKind(failure: Failure): 'fault' | 'limited' | 'locked' | null {
  if (failure.kind === 'unreadable') return failure.transient ? 'fault' : null;
  if (failure.kind !== 'status') return 'fault';
  const { status, errors } = failure;
  const [error] = errors;
  if (status === 401) return null;
  // Refused by something in front of Salesforce.
  if (error === undefined) return 'fault';
  if (error.code === 'REQUEST_LIMIT_EXCEEDED') return isDailyLimit(error) ? null : 'limited';
  if (error.code === 'UNABLE_TO_LOCK_ROW') return 'locked';
  if (status >= 500 || status === 420 || status === 429 || status === 408) return 'fault';
  return meaningOf(error.code) === 'again' ? 'fault' : null;
}
