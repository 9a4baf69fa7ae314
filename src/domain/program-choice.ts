import { openProgram, type ProgramVersion } from './program.ts';
import type { Referral } from './referral.ts';
import type { Instant } from './time.ts';

/** Which programs apply in a connection from a moment on, as somebody has chosen. */
export interface ProgramChoice {
  readonly connectionId: string;
  readonly at: Instant;
  /** Null: every program that is published. */
  readonly programIds: readonly string[] | null;
}

/**
 * Whether a connection counts for a referral: its deals are decided on, and move its stage. As it was chosen when the referral was submitted,
 * so that what is chosen later changes nothing for referrals that are there already: neither takes a reward back nor grants one for the
 * past. Before the first choice all programs apply. `choices` is ordered oldest first.
 */
export function appliesIn(
  choices: readonly ProgramChoice[] | undefined,
  connectionId: string,
  { programId, submittedAt }: Pick<Referral, 'programId' | 'submittedAt'>,
): boolean {
  const inForce = choices?.findLast((choice) => choice.connectionId === connectionId && choice.at <= submittedAt);
  return inForce?.programIds?.includes(programId) ?? true;
}

/** The versions of programs that a referral which begins now in the connection can belong to. */
export function programsOffered(
  versions: readonly ProgramVersion[],
  choices: readonly ProgramChoice[] | undefined,
  connectionId: string,
  now: Instant,
): readonly ProgramVersion[] {
  return versions.filter(({ programId }) => appliesIn(choices, connectionId, { programId, submittedAt: now }));
}

/** The program that new referrals of the connection belong to; undefined where none that applies there is open. */
export function openProgramIn(...of: Parameters<typeof programsOffered>): string | undefined {
  return openProgram(programsOffered(...of));
}
