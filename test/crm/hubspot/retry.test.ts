import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/crm/hubspot/errors.ts';
import { decideRetry, parseRetryAfter, RETRY_POLICY } from '../../../src/crm/hubspot/retry.ts';

function status(code: number, retryAfterMs: number | null = null, error: object | null = { message: 'x' }): Failure {
  return { kind: 'status', status: code, error: error as never, retryAfterMs };
}

const NETWORK: Failure = { kind: 'network', cause: new Error('reset') };

describe('a failed call', () => {
  test.each([
    ['reset', NETWORK],
    ['timed out', { kind: 'timeout', timeoutMs: 1 } as Failure],
    ['broken off', { kind: 'unreadable', detail: '', transient: true } as Failure],
    ...[408, 423, 429, 477, 500, 502, 503, 504, 521].map((code) => [String(code), status(code)] as [string, Failure]),
    ['stopped by a firewall', status(403, null, null)],
  ])('is tried again when it was %s', (_name, failure) => {
    expect(decideRetry(failure, 1, 0.5)).toMatchObject({ again: true });
  });

  test.each([400, 401, 403, 404, 409, 413, 415])('is not tried again when HubSpot answered %i', (code) => {
    expect(decideRetry(status(code), 1, 0.5)).toEqual({ again: false, afterMs: null });
  });

  test('is not tried again when the answer is whole and of another shape', () => {
    expect(decideRetry({ kind: 'unreadable', detail: '', transient: false }, 1, 0.5)).toMatchObject({ again: false });
  });

  test('ends after as many attempts as the policy says', () => {
    expect(decideRetry(NETWORK, RETRY_POLICY.attemptsMax - 1, 0.5).again).toBe(true);
    expect(decideRetry(NETWORK, RETRY_POLICY.attemptsMax, 0.5)).toEqual({ again: false, afterMs: null });
  });

  test('waits at least as long as HubSpot asked, and hands a longer wait back to the job', () => {
    expect(decideRetry(status(429, 3_000), 1, 0)).toEqual({ again: true, delayMs: 3_000 });
    expect(decideRetry(status(429, 10_000), 1, 0)).toEqual({ again: true, delayMs: 10_000 });
    expect(decideRetry(status(429, 11_000), 1, 0)).toEqual({ again: false, afterMs: 11_000 });
    expect(decideRetry(status(477, 7_200_000), 1, 0)).toEqual({ again: false, afterMs: 7_200_000 });
    expect(decideRetry(status(503, 10 ** 12), 1, 0)).toEqual({ again: false, afterMs: RETRY_POLICY.retryAfterMaxMs });
    expect(decideRetry(status(503, 2_000), RETRY_POLICY.attemptsMax, 0)).toEqual({ again: false, afterMs: 2_000 });
  });

  test('waits longer each time, within bounds, and not at the same moment as others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const decision = decideRetry(NETWORK, attempt, random);
        const full = RETRY_POLICY.baseMs.fault * 2 ** (attempt - 1);
        expect(decision.again && decision.delayMs >= full / 2 && decision.delayMs <= full).toBe(true);
      }),
    );
    expect(decideRetry(NETWORK, 1, 0)).not.toEqual(decideRetry(NETWORK, 1, 0.9));
  });
});

describe('a Retry-After', () => {
  test.each([
    ['12', 12_000],
    [' 0 ', 0],
    ['Sun, 22 Nov 2026 00:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2020 00:00:00 GMT', 0],
    [null, null],
    ['', null],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['99999999999', null],
  ])('of %o is %o ms', (header, ms) => {
    expect(parseRetryAfter(header, Date.UTC(2026, 10, 22))).toBe(ms);
  });
});
