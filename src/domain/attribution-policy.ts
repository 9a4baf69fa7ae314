import type { PolicyVersion } from './policy.ts';
import type { Reason } from './reason.ts';
import { TOUCH_KINDS, type TouchKind } from './referral.ts';
import { addDays, type Instant } from './time.ts';

/** What becomes of a friend who speaks against being one: as always, not at all, or with a person who approves each reward. */
export type Doubt = 'accept' | 'decline' | 'review';

/** Of two pieces of evidence from one source, which one counts. */
export type TouchOrder = 'first' | 'last';

/** How a friend's member is found. Versioned: a referral stays with whom it was given to, whatever is published later. */
export interface AttributionPolicy {
  /** Evidence older than this, when the friend is known, does not count; null: however old. Labels and codes have no age. */
  readonly windowDays: number | null;
  readonly touch: TouchOrder;
  /** The strongest first. What is not named does not count. */
  readonly sources: readonly TouchKind[];
  /** A friend who had a won deal before. */
  readonly existingCustomer: Doubt;
  /** A member who is the friend. */
  readonly selfReferral: Exclude<Doubt, 'accept'>;
  /**
   * Of what a rule gives the member, how many percent go to another member whose evidence comes second; absent: none. Evidence that appears
   * later counts too, for as long as nothing was granted to the member.
   */
  readonly assistPercent?: number | undefined;
}

export type AttributionPolicyVersion = PolicyVersion<AttributionPolicy>;

/** What holds where none was published. */
export const DEFAULT_POLICY: AttributionPolicy = {
  windowDays: null,
  touch: 'first',
  sources: ['email', 'label', 'code'],
  existingCustomer: 'accept',
  selfReferral: 'decline',
};

/** The sources that a policy can rank: an explicit submission for this very contact is no question. */
export const RANKED_SOURCES = TOUCH_KINDS.filter((kind) => kind !== 'explicit');

/** Whether a friend's colleagues are the member's too. */
export function countsCompanies({ sources }: AttributionPolicy): boolean {
  return sources.includes('company');
}

/** Somebody whom a friend could belong to. */
export interface Candidate {
  readonly memberId: string;
  readonly source: TouchKind;
  /** Of the evidence; null where the CRM keeps no time of it. */
  readonly at: Instant | null;
}

/** `assist`: shares the credit. `outranked`: by a stronger source, or by another piece of evidence from the same one. */
export type CandidateVerdict = 'winner' | 'assist' | 'outranked' | 'outside_window' | 'source_not_counted';

export type JudgedCandidate = Candidate & { readonly verdict: CandidateVerdict };

/** What was decided of whose a referral is, and among whom. Appended, never changed: the newest holds. */
export interface AttributionDecision {
  readonly id: string;
  readonly referralId: string;
  /** Rises with each decision on the referral; the referral's version that it was written with. */
  readonly sequence: number;
  /** `attributed`: by the policy · `moved`: by a person. */
  readonly kind: 'attributed' | 'moved';
  readonly memberId: string;
  readonly fromMemberId: string | null;
  /** Null: none was published. */
  readonly policyVersion: number | null;
  readonly reason: Reason;
  readonly candidates: readonly JudgedCandidate[];
  readonly recordedAt: Instant;
}

/** Whether evidence of this time is young enough; what has no time always is. */
export function isInWindow({ windowDays }: AttributionPolicy, at: Instant | null, now: Instant): boolean {
  return at === null || windowDays === null || addDays(at, windowDays) >= now;
}

/** What the policy makes of candidates: those that count, the strongest first, and why the others do not. */
export interface Ranking<C> {
  readonly counted: readonly C[];
  readonly verdictOn: (
    candidate: C,
  ) => Extract<CandidateVerdict, 'outranked' | 'outside_window' | 'source_not_counted'>;
}

/** Of one source and time, the order in which the candidates stand is that of their age. */
export function rankCandidates<C extends Candidate>(
  candidates: readonly C[],
  policy: AttributionPolicy,
  now: Instant,
): Ranking<C> {
  const { touch, sources } = policy;
  const isCounted = ({ source }: Candidate) => sources.includes(source);
  const order = touch === 'first' ? 1 : -1;
  const rank = ({ source }: Candidate) => sources.indexOf(source);
  const counted = candidates
    .map((one, index) => ({ one, index }))
    .filter(({ one }) => isCounted(one) && isInWindow(policy, one.at, now))
    .sort((a, b) => rank(a.one) - rank(b.one) || order * ((a.one.at ?? 0) - (b.one.at ?? 0) || a.index - b.index))
    .map(({ one }) => one);
  return {
    counted,
    verdictOn: (one) =>
      !isCounted(one) ? 'source_not_counted' : isInWindow(policy, one.at, now) ? 'outranked' : 'outside_window',
  };
}
