import { type NewCase, SYSTEM } from './case.ts';
import { derivedId } from './ids.ts';
import type { Instant } from './time.ts';

/** What other systems are told of, as far as somebody asks for it. A type is never given another meaning: that would be another type. */
export const WEBHOOK_EVENT_TYPES = [
  'member.enrolled',
  'referral.submitted',
  'referral.accepted',
  'referral.qualified',
  'referral.opportunity',
  'referral.won',
  'referral.lost',
  'referral.declined',
  'referral.expired',
  'referral.reattributed',
  'decision.made',
  'reward.granted',
  'reward.held',
  'reward.in_review',
  'reward.approved',
  'reward.issued',
  'reward.redeemed',
  'reward.failed',
  'reward.voided',
  'reward.expired',
  'reward.clawed_back',
  'reward.adjusted',
  'tier.changed',
  'case.opened',
  'case.escalated',
  'case.settled',
  'connection.connected',
  'connection.disconnected',
  'connection.drifted',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** Sent when somebody asks for it, to one endpoint, whatever it has chosen. */
export const TEST_EVENT = 'webhook.test';
export type SentEventType = WebhookEventType | typeof TEST_EVENT;

/** Rises when the envelope or the data of a type change in a way that a careful reader would notice. New fields are none. */
export const WEBHOOK_VERSION = 1;

/** More receivers than one customer has, few enough that one commit can tell all of them. */
export const WEBHOOK_ENDPOINTS_MAX = 10;

/** The first secret is still signed with for this long after it was changed, so that a receiver can be changed without a gap. */
export const SECRET_OVERLAP_HOURS = 24;

/** Events, and what became of them, are kept for this long: what can be replayed, and what the log shows. */
export const WEBHOOK_EVENTS_KEPT_DAYS = 30;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * How long after each failed attempt the next one comes, as the Standard Webhooks specification advises: soon for what was a blip, and
 * spread over three days for what takes a person. After the last one a delivery waits for a person.
 */
export const ATTEMPT_PAUSES_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
export const ATTEMPTS_MAX = ATTEMPT_PAUSES_MS.length + 1;
/** ±10 %, so that what failed together does not come back together. */
const JITTER = 0.1;

/** An endpoint that has answered nothing well for as long as the schedule lasts is switched off, and its account is told. */
export const FAILING_MAX_MS = 72 * HOUR;

/** One that does not answer is left alone for a while, whatever is due: doubled with each failure, up to ten minutes. */
const REST_FIRST_MS = 5 * SECOND;
const REST_MAX_MS = 10 * MINUTE;

/**
 * `off`: by a person · `failing`: it has failed for so long · `gone`: it answered 410, which says that it wants no more.
 */
export const ENDPOINT_STATES = ['enabled', 'off', 'failing', 'gone'] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** What one attempt came to. `status`: null when there was no answer. */
export interface Attempt {
  readonly at: Instant;
  readonly durationMs: number;
  readonly status: number | null;
  /** In words, for people: what was wrong; null for an attempt that succeeded. */
  readonly problem: string | null;
  /** The beginning of the answer, as it can be shown. */
  readonly answer: string;
  /** The receiver asks to be left alone for so long. */
  readonly pauseMs: number | null;
}

/** How an endpoint does, as its failures tell. */
export interface EndpointHealth {
  /** Failures in a row that say something about the endpoint and not about one event. */
  readonly failures: number;
  /** Since when nothing has succeeded; null while something does. */
  readonly failingSince: Instant | null;
  /** Nothing is sent before this. */
  readonly restsUntil: Instant;
}

/** What follows from one attempt, for the delivery and for its endpoint. */
export interface AfterAttempt {
  readonly delivery:
    | { readonly state: 'delivered' }
    | { readonly state: 'waiting'; readonly runAt: Instant }
    /** Nothing more is tried until a person asks for it. */
    | { readonly state: 'failed' };
  readonly health: EndpointHealth;
  /** The state that the endpoint is to be in from now on; null: as it is. */
  readonly switchedOff: Extract<EndpointState, 'failing' | 'gone'> | null;
}

/** `attempts`: how many there were before this one. */
export function afterAttempt(
  attempt: Pick<Attempt, 'status' | 'problem' | 'pauseMs'>,
  attempts: number,
  health: EndpointHealth,
  now: Instant,
  random: () => number,
): AfterAttempt {
  if (attempt.problem === null) {
    return {
      delivery: { state: 'delivered' },
      health: { failures: 0, failingSince: null, restsUntil: 0 },
      switchedOff: null,
    };
  }
  const failingSince = health.failingSince ?? now;
  const isGone = attempt.status === 410;
  const switchedOff = isGone ? 'gone' : now - failingSince >= FAILING_MAX_MS ? 'failing' : null;
  const pause = ATTEMPT_PAUSES_MS[attempts];
  const runAt = now + Math.max(jittered(pause ?? 0, random), attempt.pauseMs ?? 0);
  return {
    delivery: pause === undefined ? { state: 'failed' } : { state: 'waiting', runAt },
    health: {
      failingSince,
      failures: concernsEndpoint(attempt) ? health.failures + 1 : 0,
      restsUntil: concernsEndpoint(attempt) ? now + restOf(health.failures, attempt.pauseMs) : 0,
    },
    switchedOff,
  };
}

/** No answer, too many requests, or trouble of its own. What refuses one event may well take the next. */
function concernsEndpoint({ status }: Pick<Attempt, 'status'>): boolean {
  return status === null || status === 429 || status >= 500 || (status >= 300 && status < 400);
}

function restOf(failures: number, asked: number | null): number {
  return Math.max(Math.min(REST_FIRST_MS * 2 ** Math.min(failures, 10), REST_MAX_MS), asked ?? 0);
}

function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (1 - JITTER + 2 * JITTER * random()));
}

export function failingCaseKey(endpointId: string): string {
  return `alert webhook_failing ${endpointId}`;
}

/** What the account is told when an endpoint is switched off. */
export function failingCase(
  accountId: string,
  { id, description }: { readonly id: string; readonly description: string },
  why: Extract<EndpointState, 'failing' | 'gone'>,
  now: Instant,
): NewCase {
  const dedupeKey = failingCaseKey(id);
  const name = description === '' ? id : `"${description}"`;
  const summary =
    why === 'gone'
      ? `The webhook ${name} answered 410 (gone) and was switched off. Events are kept for ${WEBHOOK_EVENTS_KEPT_DAYS} days and can be replayed.`
      : `The webhook ${name} has failed for three days and was switched off. Events are kept for ${WEBHOOK_EVENTS_KEPT_DAYS} days and can be replayed.`;
  return {
    id: derivedId('cas', accountId, dedupeKey, now),
    kind: 'alert',
    topic: 'webhook_failing',
    dedupeKey,
    severity: 'high',
    referralId: null,
    rewardId: null,
    value: null,
    summary,
    facts: { endpointId: id, why },
    openedBy: SYSTEM,
    openedAt: now,
  };
}
