import type { ProgramVersion } from '../domain/program.ts';
import { type Tally, tallyKey } from '../domain/tally.ts';
import { assess, scoresByTally, type TierChange, tiersOf } from '../domain/tier.ts';
import { levelFor, rankOf, type TierScheme } from '../domain/tier-scheme.ts';
import { addDays, type Instant } from '../domain/time.ts';

/*
 * Tiers: whether every change follows from the one before it, its evidence and the policy of its version, and whether what holds now is
 * what the running totals give. The totals themselves are compared with the referrals elsewhere.
 */

export interface TierBooks {
  readonly programs: readonly ProgramVersion[];
  /** All changes of one member in one program. */
  readonly chain: readonly TierChange[];
  readonly tallies: ReadonlyMap<string, Tally>;
  /** A look is due, so that nothing can be said yet of what is missing. */
  readonly waits: boolean;
  readonly now: Instant;
}

export function tierBooksProblems({ programs, chain, tallies, waits, now }: TierBooks): string[] {
  const problems = chain.flatMap((change, index) =>
    changeProblems(change, chain[index - 1], index + 1, programs).map(
      (problem) => `tier change ${change.id} (${change.move}): ${problem}`,
    ),
  );
  const last = chain.at(-1);
  const scheme = last && tiersOf(programs, last.program.id)?.tiers;
  if (!last || !scheme || waits) return problems;
  const tally = (of: Pick<Tally, 'owner' | 'key' | 'currency'>) => tallies.get(tallyKey(of)) ?? { count: 0, minor: 0n };
  const scores = scoresByTally({ tally }, last.memberId, scheme);
  const move = scores && assess(scheme, last, scores, now).move;
  if (move)
    problems.push(
      `member ${last.memberId} is in tier ${last.to?.key ?? 'none'}; looking again would say ${move.kind} ${move.to?.key ?? 'none'}`,
    );
  return problems;
}

function changeProblems(
  change: TierChange,
  before: TierChange | undefined,
  sequence: number,
  programs: readonly ProgramVersion[],
): string[] {
  const { program, from, to, recordedAt } = change;
  const scheme = programs.find(
    ({ programId, version }) => programId === program.id && version === program.version,
  )?.tiers;
  if (!scheme) return ['its program version has no tiers'];
  const problems: string[] = [];
  if (change.sequence !== sequence) problems.push(`it is number ${change.sequence}, should be ${sequence}`);
  if ((from?.key ?? null) !== (before?.to?.key ?? null))
    problems.push('it does not begin where the one before it ended');
  if (recordedAt < (before?.recordedAt ?? 0)) problems.push('it is older than the one before it');
  const why = ruleProblem(scheme, change, before);
  if (why !== null) problems.push(why);
  else if (rankOf(scheme, to?.key ?? null) < 0 && to !== null) problems.push(`there is no tier ${to.key}`);
  return problems;
}

function ruleProblem(scheme: TierScheme, { move, from, to, evidence, recordedAt }: TierChange, before?: TierChange) {
  const target = levelFor(scheme, evidence.score)?.key ?? null;
  const [fromRank, toRank, targetRank] = [from?.key ?? null, to?.key ?? null, target].map((key) => rankOf(scheme, key));
  const { down } = scheme;
  const daysAfter = (days: number) => before !== undefined && recordedAt >= addDays(before.recordedAt, days);
  switch (move) {
    case 'reached':
      return to?.key === target && (toRank ?? -1) > (fromRank ?? -1)
        ? null
        : `a score of ${evidence.score} is not that tier`;
    case 'kept':
      return to?.key === from?.key && targetRank === toRank ? null : `a score of ${evidence.score} is not that tier`;
    case 'at_risk':
      if (down.kind !== 'grace' || down.days === 0) return 'the program gives no grace';
      return (targetRank ?? -1) < (fromRank ?? -1) ? null : `a score of ${evidence.score} is no risk`;
    case 'lost': {
      // A tier that the program no longer has is lost at once.
      if (from !== null && (fromRank ?? -1) < 0) return to === null ? null : 'a tier that is gone leaves none';
      if ((to?.key ?? null) !== target || (targetRank ?? -1) >= (fromRank ?? -1))
        return `a score of ${evidence.score} is not that tier`;
      if (down.kind === 'never') return 'the program takes no tier away';
      if (down.kind === 'window_end') return daysAfter(scheme.windowDays ?? 0) ? null : 'its window was not over';
      return down.days === 0 || (before?.move === 'at_risk' && daysAfter(down.days)) ? null : 'its grace was not over';
    }
  }
}
