import type { Decision, Reward } from './decision.ts';
import type { Draft, OrderKind } from './plan.ts';
import type { RewardRule } from './program.ts';
import { reason } from './reason.ts';
import { expire, payoutNews, undoingIsOver } from './reward.ts';
import { dayOf, type Instant } from './time.ts';
import { nextOfChain } from './write-off.ts';

/** What a rule says of a reward after its issue, as the reward carries it. */
export function termsOf({
  onReversal,
  expiresAfterDays,
}: RewardRule): Pick<Reward, 'cancelsIssued' | 'expiresAfterDays'> {
  return {
    ...(onReversal === 'cancel' ? { cancelsIssued: true } : {}),
    ...(expiresAfterDays === undefined ? {} : { expiresAfterDays }),
  };
}

/** Whether what the provider gave is to be undone still: everything may have happened to the reward since it was asked for. */
export function isToRecall(reward: Reward, kind: OrderKind, now: Instant): boolean {
  if (kind === 'expire') return hasExpired(reward, now);
  return kind === 'cancel' && reward.state === 'clawed_back' && reward.reason.code !== 'payout_returned';
}

/** Its time is over and nobody has used it, as far as we were told. */
export function hasExpired({ state, expiresAt }: Reward, now: Instant): boolean {
  return state === 'issued' && expiresAt !== undefined && expiresAt <= now;
}

/**
 * Books what the provider said. What it has undone is cash with us again: a reward that was taken back is not owed any more, one that was not
 * used in time ends. What it could not undo stays as it is: owed back, or in somebody's hands.
 */
export function settleRecall(
  draft: Draft,
  accountId: string,
  { reward, kind, isUndone }: { readonly reward: Reward; readonly kind: OrderKind; readonly isUndone: boolean },
  now: Instant,
): void {
  if (kind === 'cancel') undoingIsOver(draft, reward);
  if (!isUndone || !isToRecall(reward, kind, now)) return;
  if (kind === 'expire') expireUnused(draft, accountId, reward, now);
  else {
    payoutNews(draft, reward, { kind: 'cancelled', why: 'it was undone', at: now }, now);
    draft.markConcerned(reward);
  }
}

/** A further decision of the reward's chain, and its journal. */
export function expireUnused(draft: Draft, accountId: string, reward: Reward, now: Instant): Decision {
  const decision = nextOfChain(draft, accountId, reward, {
    outcome: 'reversed',
    reason: reason('expired_unused', { day: dayOf(reward.expiresAt ?? now) }),
    money: reward.money,
    at: now,
  });
  expire(draft, reward, decision);
  draft.markConcerned(reward);
  return decision;
}
