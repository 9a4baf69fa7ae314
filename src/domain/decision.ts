import type { CalculationStep } from './amount.ts';
import { derivedId } from './ids.ts';
import type { Money } from './money.ts';
import type { Party } from './program.ts';
import type { Reason } from './reason.ts';
import type { RecordRef } from './record.ts';
import type { RiskAssessment } from './risk.ts';
import type { Tally } from './tally.ts';
import type { Instant } from './time.ts';

export type Outcome =
  /** The rule pays now. */
  | 'rewarded'
  /** The rule pays at `releaseAt`, if the deal still stands there then. */
  | 'held'
  /** The rule pays when a person has approved it. */
  | 'in_review'
  /** Won, but a fact is missing; the rule is tried again when the record changes. */
  | 'waiting'
  /** The rule does not pay for this deal as the facts stand. */
  | 'skipped'
  /** The rule would have paid, and the deal was won before the program or the connection began: `money` is listed, and a person may release it. */
  | 'history'
  /** The rule would pay, and a limit is reached; it is tried again when there is room. */
  | 'capped'
  /** The rule would pay, and the budget is spent; it is tried again when there is more. */
  | 'queued'
  /** A reward that was issued already became smaller with the deal, or got back what it had lost. */
  | 'adjusted'
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
  /** How the amount came about; empty for a decision that pays nothing. */
  readonly calculation: readonly CalculationStep[];
  /** What spoke against paying; absent where the program asks for nothing, or nothing was to be paid. */
  readonly risk?: RiskAssessment | undefined;
  readonly money: Money | null;
  readonly rewardId: string | null;
  readonly releaseAt: Instant | null;
  /** The CRM's time of the fact that was decided on. */
  readonly effectiveAt: Instant;
  readonly program: { readonly id: string; readonly version: number };
  readonly mappingVersion: string;
  readonly recordedAt: Instant;
}

/** Two connections may give two deals one id. */
export function decisionIdOf(
  accountId: string,
  { referralId, deal, ruleKey }: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>,
  sequence: number,
): string {
  return derivedId('dec', accountId, referralId, deal.connectionId, deal.id, ruleKey, sequence);
}

export const REWARD_STATES = [
  'held',
  'in_review',
  'approved',
  'issuing',
  'issued',
  'redeemed',
  'failed',
  'voided',
  'expired',
  'clawed_back',
] as const;
export type RewardState = (typeof REWARD_STATES)[number];

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
  /** When it may be ordered at the earliest, as on a batch date; null for at once. */
  readonly orderAt: Instant | null;
  /** Whether a person has to approve it. */
  readonly review: 'none' | 'needed' | 'approved';
  /** Minor units that were kept for what the beneficiary owed back, and so are not sent. */
  readonly netted: bigint;
  /** Minor units that were taken back after it was issued, while the rest stands. */
  readonly clawedBack: bigint;
  /** What it took from limits and budget; given back with it. */
  readonly uses: readonly Tally[];
  /** Taken back after it was issued, its provider is asked to undo it before anybody is asked to pay. */
  readonly cancelsIssued?: true | undefined;
  /** Days from its issue within which it has to be used; absent: for ever. */
  readonly expiresAfterDays?: number | undefined;
  /** When it expires; from its issue on. */
  readonly expiresAt?: Instant | undefined;
  /** Minor units of what was taken back that nobody is asked for any more; absent: none. */
  readonly writtenOff?: bigint | undefined;
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

/** Minor units that a reward still stands for. */
export function standingMinor({ money, clawedBack }: Pick<Reward, 'money' | 'clawedBack'>): bigint {
  return money.minor - clawedBack;
}

/** Minor units that its order sends. */
export function orderedMinor({ money, netted }: Pick<Reward, 'money' | 'netted'>): bigint {
  return money.minor - netted;
}
