import type { RewardState } from './decision.ts';
import type { LifecycleStage } from './referral.ts';

/**
 * What a CRM record should show. Neutral names and plain strings; each CRM's adapter knows the fields they go to. Null clears
 * a field, so that the mirror also becomes equal to the ledger when something ends.
 */
export interface ContactMirror {
  readonly kind: 'contact';
  readonly memberId: string | null;
  readonly shareLink: string | null;
  readonly code: string | null;
  /** Null for somebody who is no member. */
  readonly referrals: number | null;
  readonly wonReferrals: number | null;
  /** Sums in words a person reads ("150.00 EUR, 20.00 USD"); null when there is none in the state. */
  readonly rewardsHeld: string | null;
  readonly rewardsApproved: string | null;
  readonly rewardsIssued: string | null;
  readonly rewardsReversed: string | null;
  readonly lastReward: string | null;
  readonly lastRewardAt: string | null;
  readonly lastRewardReason: string | null;
  readonly tier: string | null;
  readonly referredBy: string | null;
}

export interface DealMirror {
  readonly kind: 'deal';
  readonly referralId: string | null;
  readonly stage: LifecycleStage | null;
  readonly rewardState: string | null;
  readonly rewardReason: string | null;
}

export type MirrorValues = ContactMirror | DealMirror;

/** The four sums that a contact shows, and the reward states each one gathers. */
export const MIRROR_SUMS: Readonly<Record<'held' | 'approved' | 'issued' | 'reversed', readonly RewardState[]>> = {
  held: ['held', 'in_review'],
  approved: ['approved', 'issuing', 'failed'],
  issued: ['issued', 'redeemed'],
  reversed: ['voided', 'clawed_back', 'expired'],
};
