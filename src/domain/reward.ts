import type { Decision, Reward } from './decision.ts';
import { journalFor } from './ledger.ts';
import { type Draft, intentFor } from './plan.ts';
import { type Reason, reason } from './reason.ts';
import type { Instant } from './time.ts';

/** When something was true in the CRM, and when we write it down. */
export interface Times {
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
}

/** A held or paying decision becomes a reward; an unheld one is ordered from its provider at once. */
export function grant(draft: Draft, decision: Decision, reward: Omit<Reward, 'version' | 'state'>): void {
  const isHeld = decision.outcome === 'held';
  const granted = draft.putReward({ ...reward, state: isHeld ? 'held' : 'approved' });
  draft.addJournal(
    journalFor({
      reward: granted,
      kind: 'accrue',
      whileHeld: isHeld,
      decisionId: decision.id,
      effectiveAt: decision.effectiveAt,
      recordedAt: decision.recordedAt,
    }),
  );
  if (isHeld && granted.releaseAt !== null) draft.wake({ record: granted.deal, at: granted.releaseAt });
  if (!isHeld) draft.addIntent(intentFor(granted));
}

/** The hold is over: owed now, and ordered. */
export function release(draft: Draft, reward: Reward, decision: Decision): void {
  const released = draft.putReward({
    ...reward,
    state: 'approved',
    reason: decision.reason,
    updatedAt: decision.recordedAt,
  });
  draft.addJournal(
    journalFor({
      reward: released,
      kind: 'release',
      decisionId: decision.id,
      effectiveAt: decision.effectiveAt,
      recordedAt: decision.recordedAt,
    }),
  );
  draft.addIntent(intentFor(released));
}

/**
 * Takes a reward back, whatever state it is in. Before the provider is called nothing leaves; while it is being called the answer
 * is waited for (`settlePayout` then takes it back); after it the money is claimed back.
 */
export function reverse(draft: Draft, reward: Reward, decision: Decision): void {
  const times = { effectiveAt: decision.effectiveAt, recordedAt: decision.recordedAt };
  switch (reward.state) {
    case 'approved':
      draft.cancelIntent(intentFor(reward).id);
      end(draft, reward, 'voided', decision.reason, decision.id, times);
      return;
    case 'held':
    case 'in_review':
    case 'failed':
      end(draft, reward, 'voided', decision.reason, decision.id, times);
      return;
    case 'issuing':
      draft.putReward({ ...reward, reversalPending: true, reason: decision.reason, updatedAt: times.recordedAt });
      return;
    case 'issued':
    case 'redeemed':
      end(draft, reward, 'clawed_back', decision.reason, decision.id, times);
      return;
    case 'voided':
    case 'expired':
    case 'clawed_back':
      return;
  }
}

export type PayoutResult = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** What a provider's final answer does to a reward that was being issued. Called by the deliver hop. */
export function settlePayout(draft: Draft, reward: Reward, result: PayoutResult, now: Instant): void {
  const times = { effectiveAt: now, recordedAt: now };
  const pending = reward.reversalPending;
  if (!result.ok) {
    if (pending) end(draft, reward, 'voided', reward.reason, null, times);
    else {
      const why = reason('payout_failed', { provider: reward.payout, why: result.why });
      draft.putReward({ ...reward, state: 'failed', reason: why, updatedAt: now });
    }
    return;
  }
  const issued = draft.putReward({ ...reward, state: 'issued', updatedAt: now });
  draft.addJournal(journalFor({ reward: issued, kind: 'issue', decisionId: null, ...times }));
  if (pending) end(draft, issued, 'clawed_back', reward.reason, null, times);
}

/**
 * What a provider tells after its answer.
 * - `paid`: final at last · `redeemed`: the voucher was used · `unclaimed`: it waits for the beneficiary; nothing moves yet
 * - `failed`, `returned`, `cancelled`: the money is with us again
 * - `refunded`: a payment of the friend's own was given back; a fact about a deal, nothing that happens to a reward by itself
 */
export type PayoutNewsKind = 'paid' | 'failed' | 'returned' | 'unclaimed' | 'redeemed' | 'cancelled' | 'refunded';

export interface PayoutNews {
  /** The provider's id of the news; the same again is the same news. */
  readonly eventId: string;
  readonly kind: PayoutNewsKind;
  /** The order's key, or the provider's reference of what it gave; at least one unless `refunded`. */
  readonly key: string | null;
  readonly reference: string | null;
  readonly why: string | null;
  readonly at: Instant;
  /** Of a refund: what was given back of which payment. Ids and amounts, no names. */
  readonly facts?: Readonly<Record<string, string>>;
}

/**
 * `later`: the order is not settled yet, so the news waits for the provider's answer. `nothing`: it changes nothing, now or ever.
 */
export type NewsEffect = 'applied' | 'nothing' | 'later';

/** What news from a provider does to a reward. The money that came back stands against what the beneficiary is owed, or owes. */
export function payoutNews(
  draft: Draft,
  reward: Reward,
  news: Pick<PayoutNews, 'kind' | 'why' | 'at'>,
  now: Instant,
): NewsEffect {
  if (reward.state === 'approved' || reward.state === 'issuing') return 'later';
  const times = { effectiveAt: Math.min(news.at, now), recordedAt: now };
  switch (news.kind) {
    case 'paid':
    case 'unclaimed':
    case 'refunded':
      return 'nothing';
    case 'redeemed':
      if (reward.state !== 'issued') return 'nothing';
      draft.putReward({ ...reward, state: 'redeemed', updatedAt: now });
      return 'applied';
    case 'failed':
    case 'returned':
    case 'cancelled':
      return comeBack(draft, reward, news, times);
  }
}

function comeBack(draft: Draft, reward: Reward, { kind, why }: Pick<PayoutNews, 'kind' | 'why'>, times: Times) {
  const values = { provider: reward.payout, why: why ?? kind };
  if (reward.state === 'issued' || reward.state === 'redeemed') {
    const failed = draft.putReward({
      ...reward,
      state: 'failed',
      reason: reason('payout_returned', values),
      updatedAt: times.recordedAt,
    });
    draft.addJournal(journalFor({ reward: failed, kind: 'return', decisionId: null, ...times }));
    return 'applied';
  }
  // Taken back before the money came back: what the beneficiary owed is settled by it. Once; a further message finds it returned.
  if (reward.state === 'clawed_back' && reward.reason.code !== 'payout_returned') {
    const settled = draft.putReward({
      ...reward,
      reason: reason('payout_returned', values),
      updatedAt: times.recordedAt,
    });
    draft.addJournal(journalFor({ reward: settled, kind: 'return', afterClawBack: true, decisionId: null, ...times }));
    return 'applied';
  }
  return 'nothing';
}

function end(
  draft: Draft,
  reward: Reward,
  state: 'voided' | 'clawed_back',
  why: Reason,
  decisionId: string | null,
  { effectiveAt, recordedAt }: Times,
): void {
  const whileHeld = reward.state === 'held' || reward.state === 'in_review';
  const ended = draft.putReward({ ...reward, state, reason: why, reversalPending: false, updatedAt: recordedAt });
  const kind = state === 'voided' ? 'void' : 'claw_back';
  draft.addJournal(journalFor({ reward: ended, kind, whileHeld, decisionId, effectiveAt, recordedAt }));
}
