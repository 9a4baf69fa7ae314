import type { Money } from './money.ts';

/** What brings a member up: won referrals, the money of won deals, or what the member does. */
export type TierMeasure =
  | { readonly kind: 'won_referrals' }
  /** Deals in the currency of the levels; others are not counted. */
  | { readonly kind: 'revenue' }
  | { readonly kind: 'engagement'; readonly counts: EngagementKind };

/** `submissions`: friends that the member has referred. `touches`: clicks, codes and labels that link friends to the member. */
export const ENGAGEMENT_KINDS = ['submissions', 'touches'] as const;
export type EngagementKind = (typeof ENGAGEMENT_KINDS)[number];

/** What becomes of a tier when the score has fallen below it. Up is always at once. */
export type DownPolicy =
  | { readonly kind: 'never' }
  /** A tier is kept for one window from the day it was reached, and looked at then. */
  | { readonly kind: 'window_end' }
  /** So many days to get back; 0 goes down at once. */
  | { readonly kind: 'grace'; readonly days: number };

export interface TierLevel {
  /** Stable across versions of a program. */
  readonly key: string;
  readonly name: string;
  /** Money for `revenue`, a count for all others. */
  readonly from: number | Money;
}

/** How a program's members rise and fall. */
export interface TierScheme {
  readonly by: TierMeasure;
  /** The last so many days, in UTC, today included; absent: for life. */
  readonly windowDays?: number | undefined;
  readonly down: DownPolicy;
  /** The lowest first. Below the first one a member has no tier. */
  readonly levels: readonly TierLevel[];
}

/** -1 for none, and for a tier that the scheme does not have (any more). */
export function rankOf({ levels }: Pick<TierScheme, 'levels'>, key: string | null): number {
  return levels.findIndex((level) => level.key === key);
}

/** A count, or minor units. */
export function thresholdOf({ from }: TierLevel): bigint {
  return typeof from === 'number' ? BigInt(from) : from.minor;
}

/** The highest tier that a score reaches. */
export function levelFor({ levels }: Pick<TierScheme, 'levels'>, score: bigint): TierLevel | undefined {
  return levels.findLast((level) => score >= thresholdOf(level));
}

/** Of revenue; empty where something is counted. */
export function currencyOf({ levels }: Pick<TierScheme, 'levels'>): string {
  const from = levels[0]?.from;
  return typeof from === 'object' ? from.currency : '';
}

/** A member's tier as a rule looks at it. */
export interface HeldTier {
  readonly levels: readonly TierLevel[];
  /** By decision: what conditions and amounts go by. */
  readonly held: string | null;
  /** By the score as it is now, this deal counted: what the reward for reaching a tier goes by. */
  readonly reached: string | null;
}
