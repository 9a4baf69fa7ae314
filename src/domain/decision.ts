import type { Money } from './money.ts';
import type { Party } from './program.ts';
import type { Reason } from './reason.ts';
import type { RecordRef } from './record.ts';
import type { Instant } from './time.ts';

export type Outcome =
  /** The rule pays now. */
  | 'rewarded'
  /** The rule pays at `releaseAt`, if the deal is still won then. */
  | 'held'
  /** Won, but a fact is missing; the rule is tried again when the record changes. */
  | 'waiting'
  /** The rule does not pay for this deal as the facts stand. */
  | 'skipped'
  /** A reward that was held, approved or issued is taken back. */
  | 'reversed';

export interface ConditionResult {
  readonly condition: string;
  readonly expected: string;
  readonly actual: string;
  readonly verdict: 'met' | 'unmet' | 'unknown';
}

/**
 * What one rule made of one deal of one referral. Decisions are appended, never changed: the newest `sequence` of a chain
 * (referral, deal, rule) is what holds, the earlier ones are its history.
 */
export interface Decision {
  readonly id: string;
  readonly referralId: string;
  readonly deal: RecordRef;
  readonly ruleKey: string;
  readonly party: Party;
  readonly sequence: number;
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly conditions: readonly ConditionResult[];
  readonly money: Money | null;
  readonly rewardId: string | null;
  readonly releaseAt: Instant | null;
  /** The CRM's time of the fact that was decided on. */
  readonly effectiveAt: Instant;
  readonly program: { readonly id: string; readonly version: number };
  readonly mappingVersion: string;
  readonly recordedAt: Instant;
}

export type RewardState =
  | 'held'
  | 'in_review'
  | 'approved'
  | 'issuing'
  | 'issued'
  | 'redeemed'
  | 'failed'
  | 'voided'
  | 'expired'
  | 'clawed_back';

/** What a party is owed after a decision. */
export interface Reward {
  readonly id: string;
  readonly referralId: string;
  readonly deal: RecordRef;
  readonly ruleKey: string;
  readonly party: Party;
  /** The member's id, or the referral's id when the friend is paid: the owner of the ledger accounts. */
  readonly beneficiaryId: string;
  readonly money: Money;
  readonly state: RewardState;
  readonly reason: Reason;
  readonly payout: string;
  readonly programId: string;
  readonly releaseAt: Instant | null;
  /** Set when the deal left Closed Won while the provider was being called: taken back as soon as its answer is known. */
  readonly reversalPending: boolean;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly version: number;
}

/** A reward in one of these states stands; in any other it has ended and its deal may be rewarded anew. */
export const STANDING_STATES: readonly RewardState[] = [
  'held',
  'in_review',
  'approved',
  'issuing',
  'issued',
  'redeemed',
  'failed',
];
