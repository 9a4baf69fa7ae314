import { refusalFor } from './attribution.ts';
import type { JudgedCandidate } from './attribution-policy.ts';
import { createChains } from './chains.ts';
import { derivedId } from './ids.ts';
import type { Draft, State } from './plan.ts';
import { type Reason, reason } from './reason.ts';
import type { Referral } from './referral.ts';
import { moveTier, restOnScore, tiersOf } from './tier.ts';
import type { Instant } from './time.ts';

/** What a person says of whose a referral is. */
export interface Move {
  readonly referralId: string;
  readonly memberId: string;
  /** Who, as the account names them; a role or a key's label, never more of a person than has to be kept for ever. */
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

export type MoveResult =
  | { readonly kind: 'moved'; readonly referral: Referral }
  /** It is that member's already. */
  | { readonly kind: 'existing'; readonly referral: Referral }
  | { readonly kind: 'refused'; readonly reason: Reason };

/**
 * Gives a referral to another member: the rewards of the one who had it are reversed, whatever state they are in, and the deals are looked at
 * again for the one who has it now. The friend's rewards stay. A person's decision, with its reason, like one on a reward.
 *
 * @throws RangeError when the referral or the member was not loaded.
 */
export function moveReferral(draft: Draft, state: State, { referralId, memberId, by, why, at }: Move): MoveResult {
  const before = draft.referral(referralId);
  const member = draft.member(memberId);
  if (!before || !member) throw new RangeError('the referral and its new member have to be loaded');
  if (before.memberId === memberId) return { kind: 'existing', referral: before };
  const refusal = refusalFor(draft, before, memberId);
  if (refusal) return { kind: 'refused', reason: refusal };

  const candidates: JudgedCandidate[] = [
    { memberId, source: 'explicit', at, verdict: 'winner' },
    { memberId: before.memberId, source: before.source, at: before.submittedAt, verdict: 'outranked' },
  ];
  // What spoke against the one who had it says nothing about the one who has it now.
  const isFree = before.stage === 'declined' && before.reason.code !== 'existing_customer';
  const until = Math.max(at, ...draft.decisionsOf(referralId).map(({ recordedAt }) => recordedAt + 1));
  const moved = draft.putReferral({
    ...before,
    memberId,
    movedAt: at,
    assist: before.assist && { ...before.assist, until: before.assist.until ?? until },
    doubt: before.doubt === 'self_referral' ? undefined : before.doubt,
    ...(isFree ? { stage: 'accepted' as const, reason: reason('attributed_person'), stageSince: at } : {}),
  });
  draft.addAttribution({
    id: derivedId('att', state.accountId, referralId, moved.version),
    referralId,
    sequence: moved.version,
    kind: 'moved',
    memberId,
    fromMemberId: before.memberId,
    policyVersion: state.attribution?.version ?? null,
    reason: reason('attributed_moved', { by, why }),
    candidates,
    recordedAt: at,
  });
  const contact = before.friend.contact;
  const friend = {
    contact: {
      ref: contact ?? { connectionId: '', object: 'contact' as const, id: '' },
      presence: 'present' as const,
      name: null,
      email: null,
      usedCode: null,
      referredByIds: [],
      formerIds: [],
    },
    deals: [],
  };
  const chains = createChains({ draft, state, referral: moved, friend, contacts: new Map(), now: at });
  chains.endForMember(reason('re_attributed', { by, why }));

  const { programId } = moved;
  const tiers = tiersOf(state.programs, programId)?.tiers;
  for (const id of [before.memberId, memberId]) {
    draft.markMember(id);
    if (!tiers || moved.wonDeals === undefined) continue;
    restOnScore(draft, id, tiers);
    moveTier(draft, state, { memberId: id, programId, now: at });
  }
  for (const { deal } of draft.decisionsOf(referralId)) draft.markConcerned({ deal, referralId });
  draft.markMirror(contact);
  if (contact) draft.wake({ record: contact, at });
  const elsewhere = draft.decisionsOf(referralId).filter(({ deal }) => deal.connectionId !== contact?.connectionId);
  for (const { deal } of elsewhere) draft.wake({ record: deal, at });
  return { kind: 'moved', referral: moved };
}
