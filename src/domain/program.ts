import type { Money } from './money.ts';
import type { Instant } from './time.ts';

/** Who a rule pays: the member who referred, or the friend who was referred. */
export type Party = 'member' | 'friend';

export type RewardAmount =
  | { readonly kind: 'fixed'; readonly money: Money }
  /** A share of the deal's amount, in the deal's currency, in basis points (500 = 5 %). */
  | { readonly kind: 'percent'; readonly basisPoints: number };

export type Condition =
  | { readonly fact: 'deal.amount'; readonly op: 'at_least' | 'at_most'; readonly money: Money }
  | { readonly fact: 'deal.pipeline'; readonly op: 'in'; readonly pipelineIds: readonly string[] };

export interface RewardRule {
  /** Stable across versions of a program: it is part of the key that keeps a reward from being paid twice. */
  readonly key: string;
  /** What people read on cards and in reports. */
  readonly name: string;
  readonly party: Party;
  readonly amount: RewardAmount;
  readonly conditions: readonly Condition[];
  /** Days between the deal's win and the payment; 0 pays at once. */
  readonly holdDays: number;
  /** Name of the reward provider, a folder under src/payout/. */
  readonly payout: string;
}

/** One published version of a program. It is never changed: a new version is a new row with the next number. */
export interface ProgramVersion {
  readonly programId: string;
  readonly name: string;
  readonly version: number;
  readonly publishedAt: Instant;
  readonly rules: readonly RewardRule[];
}

/** The version in force at a moment: the newest that was published by then. `versions` is ordered oldest first. */
export function versionAt(versions: readonly ProgramVersion[], at: Instant): ProgramVersion | undefined {
  return versions.findLast((version) => version.publishedAt <= at);
}
