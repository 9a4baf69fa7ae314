import type { Outcome, RewardState } from './decision.ts';
import type { Party } from './program.ts';
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

/** The same for a CRM that keeps rows of our own objects: those that are about one contact or one deal. A row's key never changes. */
export interface RecordRows {
  readonly kind: 'rows';
  /** Whoever the referrals below belong to; the one who is the contact itself comes with all there is to tell. */
  readonly members: readonly MemberRow[];
  readonly referrals: readonly ReferralRow[];
  readonly rewards: readonly RewardRow[];
}

export interface MemberRow {
  /** The member's id. */
  readonly key: string;
  /** What people call them. */
  readonly name: string;
  /** The program that they can refer to now; null while there is none. */
  readonly program: string | null;
  readonly code: string;
  readonly shareLink: string;
  /** The member was forgotten: the row names nobody, and no record of a person. */
  readonly isErased?: true;
  /** Present where the record that the rows are about is the member. */
  readonly own?: Omit<ContactMirror, 'kind' | 'memberId' | 'shareLink' | 'code' | 'referredBy'> & {
    readonly contactId: string;
  };
}

export interface ReferralRow {
  /** The referral's id. */
  readonly key: string;
  readonly memberKey: string;
  /** The friend's contact, where it is one of this CRM. */
  readonly friendContactId: string | null;
  /** The friend was forgotten: the row names no record of theirs. */
  readonly isErased?: true;
  /** The deal that the rows are about; absent where they are about a contact. */
  readonly dealId?: string;
  readonly program: string;
  readonly stage: LifecycleStage;
  readonly source: string;
  readonly submittedAt: string;
  readonly stageSince: string;
  /** What would take it further, in words; null when there is nothing to do; absent where only its deal knows. */
  readonly nextStep?: string | null;
}

/** The newest decision of one rule on one deal, whether it pays or not. */
export interface RewardRow {
  readonly key: string;
  readonly referralKey: string;
  readonly dealId: string | null;
  readonly party: Party;
  readonly rule: string;
  readonly state: RewardState | Exclude<Outcome, 'history'>;
  /** Decimal and ISO 4217; null where nothing is paid. */
  readonly money: { readonly amount: string; readonly currency: string } | null;
  readonly reasonCode: string;
  readonly reason: string;
  readonly nextStep: string | null;
  readonly decidedAt: string;
  readonly releaseAt: string | null;
  readonly issuedAt: string | null;
}

/** The four sums that a contact shows, and the reward states each one gathers. */
export const MIRROR_SUMS: Readonly<Record<'held' | 'approved' | 'issued' | 'reversed', readonly RewardState[]>> = {
  held: ['held', 'in_review'],
  approved: ['approved', 'issuing', 'failed'],
  issued: ['issued', 'redeemed'],
  reversed: ['voided', 'clawed_back', 'expired'],
};
