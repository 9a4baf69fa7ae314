import { describe, expect, test } from 'vitest';
import {
  type AfterAttempt,
  ATTEMPT_PAUSES_MS,
  ATTEMPTS_MAX,
  type Attempt,
  afterAttempt,
  type EndpointHealth,
  FAILING_MAX_MS,
  failingCase,
  failingCaseKey,
} from '../../src/domain/webhook.ts';

const NOW = Date.UTC(2026, 10, 23, 10);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const WELL: EndpointHealth = { failures: 0, failingSince: null, restsUntil: 0 };

const failed = (
  status: number | null,
  pauseMs: number | null = null,
): Pick<Attempt, 'status' | 'problem' | 'pauseMs'> => ({
  status,
  problem: 'it did not work',
  pauseMs,
});

/** In the middle of what chance allows. */
const outcomeOf = (attempt: Parameters<typeof afterAttempt>[0], attempts = 0, health = WELL) =>
  afterAttempt(attempt, attempts, health, NOW, () => 0.5);

const resting = (failures: number, restsFor: number, failingSince = NOW): EndpointHealth => ({
  failures,
  failingSince,
  restsUntil: restsFor === 0 ? 0 : NOW + restsFor,
});

describe('what follows from an attempt', () => {
  test.each<[string, ReturnType<typeof failed>, number, EndpointHealth, AfterAttempt]>([
    [
      'one that succeeded ends the delivery, and all that was said against the endpoint',
      { status: 200, problem: null, pauseMs: null },
      3,
      { failures: 7, failingSince: NOW - FAILING_MAX_MS, restsUntil: NOW + HOUR },
      { delivery: { state: 'delivered' }, health: WELL, switchedOff: null },
    ],
    [
      'no answer says something about the endpoint, which rests',
      failed(null),
      0,
      WELL,
      {
        delivery: { state: 'waiting', runAt: NOW + 5 * SECOND },
        health: resting(1, 5 * SECOND),
        switchedOff: null,
      },
    ],
    [
      'who refuses one event may well take the next: it does not rest, and its failures are no row',
      failed(400),
      1,
      { failures: 4, failingSince: NOW - HOUR, restsUntil: NOW - 1 },
      {
        delivery: { state: 'waiting', runAt: NOW + 5 * MINUTE },
        health: resting(0, 0, NOW - HOUR),
        switchedOff: null,
      },
    ],
    [
      'a pause that the receiver asks for is kept, where it is longer than ours',
      failed(429, HOUR),
      0,
      WELL,
      { delivery: { state: 'waiting', runAt: NOW + HOUR }, health: resting(1, HOUR), switchedOff: null },
    ],
    [
      'a pause that the receiver asks for shortens none of ours',
      failed(503, SECOND),
      2,
      { failures: 2, failingSince: NOW - HOUR, restsUntil: 0 },
      {
        delivery: { state: 'waiting', runAt: NOW + 30 * MINUTE },
        health: resting(3, 20 * SECOND, NOW - HOUR),
        switchedOff: null,
      },
    ],
    [
      '410 says that it wants no more, whatever was before',
      failed(410),
      0,
      WELL,
      { delivery: { state: 'waiting', runAt: NOW + 5 * SECOND }, health: resting(0, 0), switchedOff: 'gone' },
    ],
    [
      'three days without one good answer switch it off',
      failed(500),
      8,
      { failures: 40, failingSince: NOW - FAILING_MAX_MS, restsUntil: 0 },
      {
        delivery: { state: 'waiting', runAt: NOW + 24 * HOUR },
        health: resting(41, 10 * MINUTE, NOW - FAILING_MAX_MS),
        switchedOff: 'failing',
      },
    ],
    [
      'a moment less does not',
      failed(404),
      8,
      { failures: 0, failingSince: NOW - FAILING_MAX_MS + 1, restsUntil: 0 },
      {
        delivery: { state: 'waiting', runAt: NOW + 24 * HOUR },
        health: resting(0, 0, NOW - FAILING_MAX_MS + 1),
        switchedOff: null,
      },
    ],
    [
      'after the last attempt a delivery waits for a person',
      failed(404),
      ATTEMPTS_MAX - 1,
      WELL,
      { delivery: { state: 'failed' }, health: resting(0, 0), switchedOff: null },
    ],
  ])('%s', (_, attempt, attempts, health, outcome) => {
    expect(outcomeOf(attempt, attempts, health)).toEqual(outcome);
  });

  test.each([
    [null, true],
    [299, false],
    [300, true],
    [399, true],
    [400, false],
    [428, false],
    [429, true],
    [430, false],
    [499, false],
    [500, true],
    [599, true],
  ])('the status %s concerns the endpoint and not one event: %s', (status, concerns) => {
    expect(outcomeOf(failed(status)).health).toEqual(concerns ? resting(1, 5 * SECOND) : resting(0, 0));
  });

  test('a rest is doubled with each failure, up to ten minutes', () => {
    const rests = [0, 1, 2, 6, 7, 8, 10, 11, 2_000].map((failures) => {
      const { health } = outcomeOf(failed(500), 0, { ...WELL, failures });
      return (health.restsUntil - NOW) / SECOND;
    });
    expect(rests).toEqual([5, 10, 20, 320, 600, 600, 600, 600, 600]);
  });

  test('pauses are the advised ones, a tenth shorter or longer by chance', () => {
    const runs = (random: number) =>
      ATTEMPT_PAUSES_MS.map((_, attempts) => {
        const { delivery } = afterAttempt(failed(404), attempts, WELL, NOW, () => random);
        return delivery.state === 'waiting' ? (delivery.runAt - NOW) / SECOND : null;
      });
    const advised = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    expect(runs(0.5)).toEqual(advised);
    expect(runs(0)).toEqual(advised.map((pause) => pause * 0.9));
    expect(runs(1)).toEqual(advised.map((pause) => (pause * 11) / 10));
    expect(ATTEMPTS_MAX).toBe(10);
  });

  test('whatever chance says, a pause is of whole milliseconds', () => {
    const { delivery } = afterAttempt(failed(404), 0, WELL, NOW, () => 0.123_456_7);
    expect(delivery).toEqual({ state: 'waiting', runAt: NOW + 4_623 });
  });
});

describe('an endpoint that was switched off', () => {
  const REPLAY = 'Events are kept for 30 days and can be replayed.';

  test.each<['gone' | 'failing', string, string]>([
    ['gone', 'Billing', `The webhook "Billing" answered 410 (gone) and was switched off. ${REPLAY}`],
    ['gone', '', `The webhook whe_1 answered 410 (gone) and was switched off. ${REPLAY}`],
    ['failing', 'Billing', `The webhook "Billing" has failed for three days and was switched off. ${REPLAY}`],
    ['failing', '', `The webhook whe_1 has failed for three days and was switched off. ${REPLAY}`],
  ])('is an alert (%s, called "%s")', (why, description, summary) => {
    expect(failingCase('acc_1', { id: 'whe_1', description }, why, NOW)).toEqual({
      id: expect.stringMatching(/^cas_[0-9a-z]{26}$/),
      kind: 'alert',
      topic: 'webhook_failing',
      dedupeKey: failingCaseKey('whe_1'),
      severity: 'high',
      referralId: null,
      rewardId: null,
      value: null,
      summary,
      facts: { endpointId: 'whe_1', why },
      openedBy: 'wonward',
      openedAt: NOW,
    });
  });

  test('has one open alert, and another one when it is switched off again later', () => {
    const [a, b] = ['whe_1', 'whe_2'].map((id) => failingCase('acc_1', { id, description: '' }, 'gone', NOW));
    const again = failingCase('acc_1', { id: 'whe_1', description: '' }, 'gone', NOW + 1);
    expect(a?.dedupeKey).not.toBe(b?.dedupeKey);
    expect(again.dedupeKey).toBe(a?.dedupeKey);
    expect(new Set([a?.id, b?.id, again.id]).size).toBe(3);
  });
});
