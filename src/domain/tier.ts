import { derivedId } from './ids.ts';
import { type Money, textOf } from './money.ts';
import type { Draft, State } from './plan.ts';
import type { ProgramVersion } from './program.ts';
import { type Reason, reason } from './reason.ts';
import { revenueTally, wonTally } from './tally.ts';
import {
  currencyOf,
  type HeldTier,
  levelFor,
  rankOf,
  type TierLevel,
  type TierScheme,
  thresholdOf,
} from './tier-scheme.ts';
import { addDays, dayNumber, type Instant } from './time.ts';

/**
 * `reached`: up, at once · `at_risk`: the score has fallen below the tier, and the days of grace begin · `kept`: it is there again, or
 * was there when the tier was looked at · `lost`: down.
 */
export type TierMove = 'reached' | 'at_risk' | 'kept' | 'lost';

/** What a member's tier was decided to be. Appended, never changed: the newest `sequence` of a member in a program holds. */
export interface TierChange {
  readonly id: string;
  readonly memberId: string;
  readonly program: { readonly id: string; readonly version: number };
  readonly sequence: number;
  readonly move: TierMove;
  /** Null: no tier. */
  readonly from: TierName | null;
  readonly to: TierName | null;
  readonly reason: Reason;
  readonly evidence: TierEvidence;
  readonly recordedAt: Instant;
}

/** As it was called then. */
export interface TierName {
  readonly key: string;
  readonly name: string;
}

/** What the decision rests on. */
export interface TierEvidence {
  readonly by: 'won_referrals' | 'revenue' | 'submissions' | 'touches';
  /** A count, or minor units of `currency`. */
  readonly score: bigint;
  readonly currency: string;
  /** The first UTC day of the window, as days since 1970; null for life. */
  readonly sinceDay: number | null;
}

/** A member whose tier is to be looked at, news or not. */
export interface TierLook {
  readonly memberId: string;
  readonly programId: string;
  readonly at: Instant;
}

const MS_PER_DAY = 86_400_000;

/** The scheme in force for a program: that of its newest version. */
export function tiersOf(programs: readonly ProgramVersion[], programId: string): VersionWithTiers | undefined {
  const newest = programs.findLast((version) => version.programId === programId);
  return newest?.tiers && { ...newest, tiers: newest.tiers };
}

type VersionWithTiers = ProgramVersion & { readonly tiers: TierScheme };

// ── The score ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a member has on each UTC day, and over life. Engagement is counted where it is kept (`application/tiers.ts`). */
export interface Scores {
  readonly life: bigint;
  on(day: number): bigint;
}

/** By running totals; null for engagement. */
export function scoresByTally(draft: Pick<Draft, 'tally'>, memberId: string, scheme: TierScheme): Scores | null {
  switch (scheme.by.kind) {
    case 'engagement':
      return null;
    case 'won_referrals':
      return {
        life: BigInt(draft.tally(wonTally(memberId)).count),
        on: (day) => BigInt(draft.tally(wonTally(memberId, day)).count),
      };
    case 'revenue': {
      const currency = currencyOf(scheme);
      return {
        life: draft.tally(revenueTally(memberId, currency)).minor,
        on: (day) => draft.tally(revenueTally(memberId, currency, day)).minor,
      };
    }
  }
}

/** Over the window that ends with the day of `at`. Days ahead of it count: the CRM's clock may run ahead of ours. */
export function scoreAt(scores: Scores, { windowDays }: TierScheme, at: Instant): bigint {
  if (windowDays === undefined) return scores.life;
  let score = 0n;
  for (let day = dayNumber(at) + 1; day > dayNumber(at) - windowDays; day -= 1) score += scores.on(day);
  return score;
}

/** The midnight at which what is in the window now has become less than `needed`; null when it never does. */
function fallsBelowAt(scores: Scores, { windowDays }: TierScheme, needed: bigint, at: Instant): Instant | null {
  if (windowDays === undefined) return null;
  const today = dayNumber(at);
  let score = scoreAt(scores, { windowDays } as TierScheme, at);
  for (let passed = 1; passed <= windowDays + 1; passed += 1) {
    score -= scores.on(today + passed - windowDays);
    if (score < needed) return (today + passed) * MS_PER_DAY;
  }
  return null;
}

/**
 * Two nodes that decide at the same time on two wins of one member would each find the other one missing; so the second to commit has to
 * decide again.
 */
export function restOnScore(draft: Draft, memberId: string, scheme: TierScheme): void {
  if (scheme.by.kind === 'engagement') return;
  const of = scheme.by.kind === 'revenue' ? revenueTally(memberId, currencyOf(scheme)) : wonTally(memberId);
  draft.count({ ...of, count: 0, minor: 0n }, 'rests');
}

/** A member's tier as the rules of a version look at it; null where it has no tiers. */
export function heldTier(
  draft: Draft,
  state: Pick<State, 'tiersThen'>,
  { programId, tiers }: Pick<ProgramVersion, 'programId' | 'tiers'>,
  memberId: string,
  /** `at`: of the event. `scoreAsOf`: when the score is to be told too; it takes a look at each day of the window. */
  { at, scoreAsOf }: { at: Instant; scoreAsOf: Instant | null },
): HeldTier | null {
  if (!tiers) return null;
  const { levels } = tiers;
  if (state.tiersThen) {
    const told = state.tiersThen(memberId, at);
    return { levels, held: told, reached: told };
  }
  const held = draft.tier(memberId, programId)?.to?.key ?? null;
  const scores = scoreAsOf === null ? null : scoresByTally(draft, memberId, tiers);
  if (!scores || scoreAsOf === null) return { levels, held, reached: held };
  return { levels, held, reached: levelFor(tiers, scoreAt(scores, tiers, scoreAsOf))?.key ?? null };
}

// ── Up and down ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Assessment {
  /** What changes; null for nothing. */
  readonly move: { readonly kind: TierMove; readonly to: TierLevel | null; readonly score: bigint } | null;
  /** When time alone may change something; null when it never does. */
  readonly lookAt: Instant | null;
}

/** Where a member stands at a moment. Up at once, down by the program's policy. Pure: the same totals give the same answer. */
export function assess(scheme: TierScheme, held: TierChange | undefined, scores: Scores, now: Instant): Assessment {
  const score = scoreAt(scores, scheme, now);
  const target = levelFor(scheme, score) ?? null;
  const heldKey = held?.to?.key ?? null;
  const heldRank = rankOf(scheme, heldKey);
  const targetRank = rankOf(scheme, target?.key ?? null);
  const moved = (kind: TierMove, to: TierLevel | null): Assessment => ({
    move: { kind, to, score },
    lookAt: nextLook(scheme, { move: kind, recordedAt: now }, to, scores, now),
  });
  const stays = (): Assessment => ({
    move: null,
    lookAt: nextLook(scheme, held, scheme.levels[heldRank] ?? null, scores, now),
  });

  if (targetRank > heldRank) return moved('reached', target);
  // A tier that the program no longer has is nobody's.
  if (heldRank < 0) return heldKey === null ? stays() : moved('lost', null);
  const level = scheme.levels[heldRank] as TierLevel;
  const isAtRisk = held?.move === 'at_risk';
  const { down } = scheme;
  if (targetRank === heldRank) {
    if (isAtRisk) return moved('kept', level);
    // Looked at when its window is over, it stands for another one.
    return down.kind === 'window_end' && held && isOver(held, windowOf(scheme), now) ? moved('kept', level) : stays();
  }
  switch (down.kind) {
    case 'never':
      return stays();
    case 'window_end':
      return held && isOver(held, windowOf(scheme), now) ? moved('lost', target) : stays();
    case 'grace':
      if (down.days === 0 || (isAtRisk && held && isOver(held, down.days, now))) return moved('lost', target);
      return isAtRisk ? stays() : moved('at_risk', level);
  }
}

function isOver({ recordedAt }: Pick<TierChange, 'recordedAt'>, days: number, now: Instant): boolean {
  return now >= addDays(recordedAt, days);
}

/** A scheme for life is refused with `window_end`; were one there, its tiers would never be looked at. */
function windowOf({ windowDays }: TierScheme): number {
  return windowDays ?? Number.POSITIVE_INFINITY;
}

function nextLook(
  scheme: TierScheme,
  held: Pick<TierChange, 'move' | 'recordedAt'> | undefined,
  level: TierLevel | null,
  scores: Scores,
  now: Instant,
): Instant | null {
  if (!level || !held) return null;
  const { down, windowDays } = scheme;
  switch (down.kind) {
    case 'never':
      return null;
    case 'window_end':
      return windowDays === undefined ? null : addDays(held.recordedAt, windowDays);
    case 'grace':
      if (held.move === 'at_risk') return addDays(held.recordedAt, down.days);
      return fallsBelowAt(scores, scheme, thresholdOf(level), now);
  }
}

/** Assesses a member and writes down what changes. `scores` for engagement, which no running total tells. */
export function moveTier(
  draft: Draft,
  state: Pick<State, 'accountId' | 'programs'>,
  { memberId, programId, now, scores }: { memberId: string; programId: string; now: Instant; scores?: Scores },
): void {
  const version = tiersOf(state.programs, programId);
  const known = version && (scores ?? scoresByTally(draft, memberId, version.tiers));
  if (!version || !known) return;
  const scheme = version.tiers;
  const held = draft.tier(memberId, programId);
  const { move, lookAt } = assess(scheme, held, known, now);
  draft.lookAtTier({ memberId, programId, lookedAt: now, at: lookAt });
  if (!move) return;
  const sequence = (held?.sequence ?? 0) + 1;
  // Never before the one it follows: nodes' clocks differ.
  const recordedAt = Math.max(now, held?.recordedAt ?? 0);
  const evidence: TierEvidence = {
    by: scheme.by.kind === 'engagement' ? scheme.by.counts : scheme.by.kind,
    score: move.score,
    currency: currencyOf(scheme),
    sinceDay: scheme.windowDays === undefined ? null : dayNumber(now) - scheme.windowDays + 1,
  };
  draft.addTierChange({
    id: derivedId('tir', state.accountId, memberId, programId, sequence),
    memberId,
    program: { id: programId, version: version.version },
    sequence,
    move: move.kind,
    from: held?.to ?? null,
    to: move.to && { key: move.to.key, name: move.to.name },
    reason: moveReason(scheme, move.kind, move.to ?? null, held?.to ?? null, move.score),
    evidence,
    recordedAt,
  });
  draft.markMember(memberId);
}

function moveReason(
  scheme: TierScheme,
  kind: TierMove,
  to: TierLevel | null,
  from: TierName | null,
  score: bigint,
): Reason {
  const asked = scheme.levels.find(({ key }) => key === (kind === 'lost' ? from?.key : to?.key));
  return reason(`tier_${kind}`, {
    tier: (kind === 'lost' ? from?.name : to?.name) ?? 'none',
    now: to?.name ?? 'none',
    score: amountText(scheme, score),
    needed: asked ? amountText(scheme, thresholdOf(asked)) : 'no longer a tier of the program',
    window: scheme.windowDays === undefined ? '' : ` in ${scheme.windowDays} days`,
    days: scheme.down.kind === 'grace' ? String(scheme.down.days) : '',
  });
}

/** "5 won referrals", "1250.00 EUR". */
export function amountText(scheme: TierScheme, score: bigint): string {
  switch (scheme.by.kind) {
    case 'won_referrals':
      return `${score} won ${score === 1n ? 'referral' : 'referrals'}`;
    case 'engagement':
      return `${score} ${scheme.by.counts}`;
    case 'revenue':
      return textOf({ minor: score, currency: currencyOf(scheme) } satisfies Money);
  }
}
