import { type Decision, decisionIdOf, type Reward } from './decision.ts';
import type { Draft } from './plan.ts';
import { reason } from './reason.ts';
import { sameRecord } from './record.ts';
import { release, reverse } from './reward.ts';
import type { Instant } from './time.ts';

/** What a person says of a reward that waits for one. */
export interface PersonsVerdict {
  readonly isApproved: boolean;
  /** Who, as the account names them; a role or a key's label, never more of a person than has to be kept for ever. */
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

/**
 * Books what a person decided on a reward that is in review, or on hold with a review ahead: a further decision of its chain, and what follows
 * from it. A reward that was approved on hold is paid when the hold ends; what was rejected is not granted again by its rule.
 *
 * @throws RangeError for a reward that waits for nobody.
 */
export function decideByPerson(draft: Draft, accountId: string, reward: Reward, verdict: PersonsVerdict): Decision {
  if (!awaitsPerson(reward)) throw new RangeError(`reward ${reward.id} is ${reward.state} and waits for nobody`);
  const chain = draft
    .decisionsOf(reward.referralId)
    .filter(({ ruleKey, deal }) => ruleKey === reward.ruleKey && sameRecord(deal, reward.deal))
    .sort((a, b) => a.sequence - b.sequence);
  const before = chain.findLast(({ rewardId }) => rewardId === reward.id);
  if (!before) throw new RangeError(`reward ${reward.id} was granted by no decision`);
  const sequence = 1 + Math.max(...chain.map((decision) => decision.sequence));
  const { isApproved, by, why, at } = verdict;
  const isHeld = reward.state === 'held';
  const decision: Decision = {
    ...before,
    id: decisionIdOf(accountId, reward, sequence),
    sequence,
    outcome: !isApproved ? 'reversed' : isHeld ? 'held' : 'rewarded',
    reason: reason(isApproved ? 'review_approved' : 'review_rejected', { by, why }),
    money: reward.money,
    rewardId: reward.id,
    releaseAt: isApproved && isHeld ? reward.releaseAt : null,
    effectiveAt: before.effectiveAt,
    recordedAt: Math.max(at, ...chain.map(({ recordedAt }) => recordedAt)),
  };
  draft.addDecision(decision);
  draft.claimReferral(reward.referralId);
  if (!isApproved) {
    reverse(draft, reward, decision);
    // Another deal of the friend may be the one that the rule pays for now.
    draft.wake({ record: reward.deal, at: decision.recordedAt });
  } else if (isHeld)
    draft.putReward({ ...reward, review: 'approved', reason: decision.reason, updatedAt: decision.recordedAt });
  else release(draft, { ...reward, review: 'approved' }, decision);
  draft.markConcerned(reward);
  return decision;
}

export function awaitsPerson({ state, review }: Reward): boolean {
  return state === 'in_review' || (state === 'held' && review === 'needed');
}
