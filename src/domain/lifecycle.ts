import { sourceReason } from './attribution.ts';
import type { Draft } from './plan.ts';
import { type Reason, reason } from './reason.ts';
import { recordKey } from './record.ts';
import type { LifecycleStage, Referral } from './referral.ts';
import { placedBy, wordReason } from './stage-by-person.ts';
import type { Instant } from './time.ts';
import type { DealAt } from './timeline.ts';

/** How far along an open deal brings a referral. */
const RANK: Readonly<Partial<Record<LifecycleStage, number>>> = { accepted: 1, qualified: 2, opportunity: 3, won: 4 };

/**
 * Moves a referral to where its friend's deals stand now: the furthest of those that are not lost, lost when all are. While there are none, to where a
 * person has said.
 */
export function advance(draft: Draft, referral: Referral, deals: readonly DealAt[], now: Instant): Referral {
  if (referral.stage === 'declined') return referral;
  const { stage, why, since } = standing(referral, deals, now);
  if (
    stage === referral.stage &&
    why.code === referral.reason.code &&
    why.values.deal === referral.reason.values.deal &&
    why.values.connection === referral.reason.values.connection
  ) {
    return referral;
  }
  return draft.putReferral({
    ...referral,
    stage,
    reason: why,
    stageSince: stage === referral.stage ? referral.stageSince : since,
  });
}

function standing(
  referral: Referral,
  deals: readonly DealAt[],
  now: Instant,
): { stage: LifecycleStage; why: Reason; since: Instant } {
  const known = deals.filter((deal) => deal.stage !== null);
  const furthest = known
    .filter(({ stage }) => stage !== 'lost')
    .sort(
      (a, b) =>
        rankOf(b) - rankOf(a) || a.point.at - b.point.at || (recordKey(a.deal.ref) < recordKey(b.deal.ref) ? -1 : 1),
    )[0];
  if (furthest?.stage) {
    const code = furthest.stage === 'won' ? 'deal_won' : 'deal_open';
    const { connectionId, id } = furthest.deal.ref;
    // The friend's own connection goes without saying.
    const isElsewhere = referral.friend.contact !== null && referral.friend.contact.connectionId !== connectionId;
    const why = reason(code, { deal: id, ...(isElsewhere ? { connection: connectionId } : {}) });
    return { stage: furthest.stage, why, since: furthest.point.at };
  }
  const last = known[0];
  if (last) return { stage: 'lost', why: reason('deals_lost'), since: Math.max(...known.map(({ point }) => point.at)) };
  const word = placedBy(referral);
  if (word) return { stage: word.stage, why: wordReason(word), since: word.at };
  return { stage: 'accepted', why: sourceReason(referral), since: now };
}

function rankOf({ stage }: DealAt): number {
  return (stage && RANK[stage]) ?? 0;
}
