import { describe, expect, test } from 'vitest';
import { deferralFor } from '../../src/application/retry.ts';
import { Fault } from '../../src/domain/errors.ts';

const away = new Fault('crm_unavailable', { kind: 'retry' }, 'The CRM is away.');
const never = new Fault('crm_rejected', { kind: 'never' }, 'The CRM refuses.');

describe('after a fault', () => {
  test('the wait doubles up to ten minutes and is spread by a fifth', () => {
    const waits = [0, 1, 2, 3, 9, 50].map((attempts) => deferralFor(away, attempts, 0, () => 0.5).runAt);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 512_000, 600_000]);
    expect(deferralFor(away, 0, 0, () => 0).runAt).toBe(800);
    expect(deferralFor(away, 0, 0, () => 1).runAt).toBe(1_200);
  });

  test('a time that the other side named is honoured', () => {
    const limited = new Fault('crm_rate_limited', { kind: 'retry', afterMs: 60_000 }, 'Too many calls.');
    expect(deferralFor(limited, 0, 1_000, () => 0.5).runAt).toBe(61_000);
  });

  test('an outage is never given up on', () => {
    expect(deferralFor(away, 1_000, 0, () => 0.5).parked).toBe(false);
    expect(
      deferralFor(new Fault('authorisation_revoked', { kind: 'reconnect' }, 'Gone.'), 1_000, 0, () => 0.5).parked,
    ).toBe(false);
  });

  test('what attempts do not mend is shown to a person after five', () => {
    expect([0, 3, 4].map((attempts) => deferralFor(never, attempts, 0, () => 0.5).parked)).toEqual([
      false,
      false,
      true,
    ]);
    expect(deferralFor(new TypeError('x is undefined'), 4, 0, () => 0.5)).toMatchObject({
      parked: true,
      error: 'unexpected: see the log',
    });
  });

  test('the reason that is kept is the public one', () => {
    const fault = new Fault('crm_rejected', { kind: 'never' }, 'The CRM refuses.', {
      message: 'POST /secret 400 token=abc',
    });
    expect(deferralFor(fault, 0, 0, () => 0.5).error).toBe('crm_rejected: The CRM refuses.');
  });
});
