import { Fault } from '../domain/errors.ts';
import type { Instant } from '../domain/time.ts';

/** Doubling from one second: a blip costs a second, an outage of an hour a dozen attempts. */
const BACKOFF_FIRST_MS = 1_000;
/** Ten minutes at most between attempts, so that a repaired CRM is noticed soon without anyone's help. */
const BACKOFF_MAX_MS = 600_000;
/** ±20 %: records that failed together do not come back together. */
const JITTER = 0.2;
/** A fault that more attempts do not mend is shown to a person after this many of them. */
const ATTEMPTS_BEFORE_PARKING = 5;

export interface Deferral {
  readonly runAt: Instant;
  readonly error: string;
  readonly parked: boolean;
}

/** When to try again after `attempts` failed ones, or that a person has to look. */
export function deferralFor(fault: unknown, attempts: number, now: Instant, random: () => number): Deferral {
  const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts, 20), BACKOFF_MAX_MS);
  // Whole milliseconds: the store keeps times as integers.
  const jittered = Math.round(backoff * (1 - JITTER + 2 * JITTER * random()));
  if (!(fault instanceof Fault)) {
    return { runAt: now + jittered, error: 'unexpected: see the log', parked: attempts + 1 >= ATTEMPTS_BEFORE_PARKING };
  }
  const { retry } = fault;
  const asked = retry.kind === 'retry' ? (retry.afterMs ?? 0) : 0;
  return {
    runAt: now + Math.max(jittered, asked),
    error: `${fault.code}: ${fault.publicText}`,
    parked: retry.kind === 'never' && attempts + 1 >= ATTEMPTS_BEFORE_PARKING,
  };
}
