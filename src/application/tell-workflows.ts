import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/errors.ts';
import { resultOfWait, type WaitResult } from '../domain/wait.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CallbackWord, CrmSession } from './ports/crm.ts';
import type { ClaimedWait, Connection, Shard, Store } from './ports/store.ts';
import { deferralFor } from './retry.ts';
import { answerOf } from './workflow-actions.ts';

/** As one call completes; HubSpot names no limit for this one, and its other batches take as many. */
const CLAIM_MAX = 100;
/** Longer than the longest call with its retries. */
const LEASE_MS = 60_000;
/** Of one referral; no rule set makes more. */
const REWARDS_MAX = 100;

/**
 * A reward may be there before the CRM has read our answer that the workflow waits for it: it gives us twenty seconds, and comes again when the
 * answer is lost. As long as this, a call that the CRM does not know is told again; later it is one that has ended there.
 */
const UNKNOWN_AT_FIRST_MS = 180_000;

export interface TellWorkflowsDeps {
  readonly store: Pick<Store, 'callbacks' | 'connections' | 'reads'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
}

/** Returns how many waits were claimed; 0 means that nothing is due. */
export type TellWorkflows = (shard: Shard, signal?: AbortSignal) => Promise<number>;

interface Known {
  readonly wait: ClaimedWait;
  readonly result: WaitResult;
}

/** Tells workflows that wait for a reward what has become of it. To be told twice does no harm: the CRM knows what has ended. */
export function createTellWorkflows({ store, clock, log, openSession }: TellWorkflowsDeps): TellWorkflows {
  async function look(accountId: string, waits: readonly ClaimedWait[]): Promise<Known[]> {
    const { rewards } = await store.reads.ofReferrals(
      accountId,
      [...new Set(waits.map(({ referralId }) => referralId))],
      REWARDS_MAX,
    );
    const byReferral = Map.groupBy(rewards, ({ referralId }) => referralId);
    const known: Known[] = [];
    for (const wait of waits) {
      const referral = await store.reads.referral(accountId, wait.referralId);
      const result = resultOfWait(wait, referral, byReferral.get(wait.referralId) ?? []);
      if (result) known.push({ wait, result });
    }
    return known;
  }

  async function tell(connection: Connection, waits: readonly ClaimedWait[]): Promise<void> {
    const now = clock.now();
    // The CRM has gone on without us by then, and would refuse the call.
    const over = waits.filter(({ expiresAt }) => expiresAt <= now);
    if (over.length > 0) {
      await store.callbacks.end(
        over.map((wait) => ({ wait, outcome: null })),
        'expired',
      );
    }
    const open = waits.filter(({ expiresAt }) => expiresAt > now);
    const known = await look(connection.accountId, open);
    const unknown = open.filter((wait) => !known.some((one) => one.wait === wait));
    if (unknown.length > 0) await store.callbacks.waitOn(unknown);
    if (known.length === 0) return;
    try {
      await complete(connection, known);
    } catch (fault) {
      log.warn({ err: fault, connection: connection.id, waits: known.length }, 'workflows not told yet');
      for (const { wait } of known)
        await store.callbacks.defer([wait], deferralFor(fault, wait.attempts, now, clock.random));
    }
  }

  async function complete(connection: Connection, known: readonly Known[]): Promise<void> {
    const session = openSession(connection);
    if (!session.completeCallbacks)
      throw new Fault('crm_forbidden', { kind: 'never' }, 'The connection may not complete callbacks. Connect again.');
    const words: CallbackWord[] = known.map(({ wait, result }) => ({
      callbackId: wait.callbackId,
      answer: answerOf(result, wait.referralId),
    }));
    const { unknown } = await session.completeCallbacks(words);
    const now = clock.now();
    const ended = known.map(({ wait, result }) => ({ wait, outcome: result.outcome }));
    const byAnswer = Map.groupBy(ended, ({ wait }) => {
      if (!unknown.has(wait.callbackId)) return 'completed';
      return now - wait.begunAt > UNKNOWN_AT_FIRST_MS ? 'forgotten' : 'too_early';
    });
    for (const state of ['completed', 'forgotten'] as const) {
      const own = byAnswer.get(state);
      if (own) await store.callbacks.end(own, state);
    }
    for (const { wait } of byAnswer.get('too_early') ?? []) {
      const fault = new Fault('crm_rejected', { kind: 'retry' }, 'The CRM does not know of the wait yet.');
      await store.callbacks.defer([wait], deferralFor(fault, wait.attempts, now, clock.random));
    }
    log.info({ connection: connection.id, told: known.length - unknown.size, unknown: unknown.size }, 'workflows told');
  }

  return async (shard, signal) => {
    const waits = await store.callbacks.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: CLAIM_MAX,
      claim: randomUUID(),
    });
    const [first] = waits;
    if (!first) return 0;
    try {
      const connection = await store.connections.get(first.accountId, first.connectionId);
      if (signal?.aborted || !connection) throw new Fault('crm_unavailable', { kind: 'retry' }, 'Stopping.');
      await tell(connection, waits);
    } catch (fault) {
      log.warn({ err: fault, connection: first.connectionId, waits: waits.length }, 'waits of workflows put back');
      for (const wait of waits)
        await store.callbacks.defer([wait], deferralFor(fault, wait.attempts, clock.now(), clock.random));
    }
    return waits.length;
  };
}
