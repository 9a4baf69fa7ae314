import { NO_TIER, TIER_CONDITION, WON_REFERRALS_CONDITION } from './condition.ts';
import type { Decision } from './decision.ts';
import { TIER_REACHED_CONDITION } from './eligibility.ts';
import type { RewardRule } from './program.ts';
import { type HeldTier, rankOf } from './tier-scheme.ts';
import type { Instant } from './time.ts';

/**
 * When a win qualified that has found no room since, or no rate: by what the deal was then it is paid, where its rule ignores what comes
 * after. `before`: what was decided on this win, oldest first. Null: it is judged by what it is now. What ended a reward, or gave the
 * referral to another member, ended what that rested on.
 */
export function qualifiedAt(
  { amountChanges }: Pick<RewardRule, 'amountChanges'>,
  before: readonly Decision[],
): Instant | null {
  if (amountChanges === 'follow') return null;
  const ended = before.findLastIndex(({ rewardId, reason: { code } }) => rewardId !== null || code === 're_attributed');
  const waits = before
    .slice(ended + 1)
    .find(({ outcome, reason: { code } }) => outcome === 'capped' || outcome === 'queued' || code === 'rate_missing');
  return waits?.effectiveAt ?? null;
}

type Judged = Pick<Decision, 'conditions' | 'calculation'>;

/** Which won referral of the member it was, as the decision tells where it mattered; null where it did not. */
export function wonReferralsIn({ conditions, calculation }: Judged): number | null {
  const step = calculation.find((one) => one.step === 'step_by_count');
  const told = step?.values.count ?? actualOf(conditions, WON_REFERRALS_CONDITION);
  return told === null ? null : Number(told);
}

/** The tier that the decision went by: a key, null for none; undefined where none was asked for. */
export function tierIn({ conditions, calculation }: Judged): string | null | undefined {
  const step = calculation.find((one) => one.step === 'step_by_tier');
  if (step) return step.values.tier || null;
  return keyOf(actualOf(conditions, TIER_CONDITION));
}

/** The same for the tier that the score reached. */
export function tierReachedIn({ conditions }: Judged): string | null | undefined {
  return keyOf(actualOf(conditions, TIER_REACHED_CONDITION));
}

function keyOf(told: string | null): string | null | undefined {
  if (told === null) return undefined;
  return told === NO_TIER ? null : told;
}

/** Also inside "all of" and "one of", whose line names each with its value. */
function actualOf(conditions: Judged['conditions'], name: string): string | null {
  for (const { condition, actual } of conditions) {
    if (condition === name) return actual;
    const at = actual.indexOf(`${name} `);
    if (at >= 0) return /^[^\s,]+/.exec(actual.slice(at + name.length + 1))?.[0] ?? null;
  }
  return null;
}

/** The tier as it was judged by; of a score that has fallen since, what is left. */
export function tierThen(now: HeldTier | null, judged: readonly Judged[]): HeldTier | null {
  if (!now) return null;
  const held = judged.map(tierIn).find((tier) => tier !== undefined);
  const reached = judged.map(tierReachedIn).find((tier) => tier !== undefined);
  return {
    ...now,
    held: held === undefined ? now.held : held,
    reached: reached === undefined || rankOf(now, now.reached) < rankOf(now, reached) ? now.reached : reached,
  };
}
