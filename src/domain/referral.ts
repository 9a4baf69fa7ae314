import type { Money } from './money.ts';
import type { Reason } from './reason.ts';
import type { RecordRef } from './record.ts';
import type { Instant } from './time.ts';

/** Someone who can refer. */
export interface Member {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly code: string;
  /** The contact this member is in the CRM; null until one is known. */
  readonly contact: RecordRef | null;
  /** One of the account's own people: a recruiter. Absent: no. */
  readonly isStaff?: boolean | undefined;
  readonly createdAt: Instant;
  /** When the person was forgotten on request: no name and no address comes back. Absent: they were not. */
  readonly erasedAt?: Instant | undefined;
  /** Counts changes of this row; a write names the version it has seen. */
  readonly version: number;
}

export const LIFECYCLE_STAGES = [
  'submitted',
  'accepted',
  'qualified',
  'opportunity',
  'won',
  'lost',
  'declined',
  'expired',
] as const;
export type LifecycleStage = (typeof LIFECYCLE_STAGES)[number];

/** What linked the friend to the member, strongest first. */
export const TOUCH_KINDS = ['explicit', 'label', 'code', 'email', 'company'] as const;
export type TouchKind = (typeof TOUCH_KINDS)[number];

/** A deal that counts towards a tier while it is won. */
export interface WonDeal {
  readonly id: string;
  /** Since when it has been won, by the CRM's clock. */
  readonly at: Instant;
  /** Null when the amount cannot be read as money. */
  readonly money: Money | null;
}

/** Another member whose evidence came second, and who shares what the rules give the member. */
export interface Assist {
  readonly memberId: string;
  /** Of what the member would get alone: 1 to 99. */
  readonly percent: number;
  /** What was decided before this moment is the member's alone. */
  readonly since: Instant;
  /** A person gave the referral to one member then, who has all of it; absent: it is still shared. */
  readonly until?: Instant | undefined;
}

/** The referral of a colleague from which another one was concluded. */
export interface Followed {
  readonly referralId: string;
  /** When the colleague was submitted: what was won before has nothing to do with it. Null where the CRM named the member, at whatever time. */
  readonly since: Instant | null;
}

/** What somebody said of a referral's stage where no deal says it. */
export interface StageWord {
  readonly stage: 'accepted' | 'qualified' | 'declined' | 'expired';
  /** A role, a key's label or a flow; kept for ever. */
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

/** One member bringing one friend into one program. */
export interface Referral {
  readonly id: string;
  readonly programId: string;
  readonly memberId: string;
  readonly friend: { readonly name: string | null; readonly email: string | null; readonly contact: RecordRef | null };
  readonly source: TouchKind;
  readonly stage: LifecycleStage;
  /** Why the referral stands where it stands. */
  readonly reason: Reason;
  readonly stageSince: Instant;
  readonly submittedAt: Instant;
  /** What it counts towards the member's tier; kept by programs with tiers, absent for none. */
  readonly wonDeals?: readonly WonDeal[] | undefined;
  /** A person gave it to its member, and nothing in the CRM gives it to another. */
  readonly movedAt?: Instant | undefined;
  /** Why a person has to approve each of its rewards; absent: nobody has to. */
  readonly doubt?: 'existing_customer' | 'self_referral' | undefined;
  /** The recruiter who owns it, where that is not the member; a member's id. */
  readonly recruiterId?: string | undefined;
  /** With the source `company`. */
  readonly follows?: Followed | undefined;
  /** The oldest first; absent: nobody has said anything. What holds of it is said in `stage-by-person.ts`. */
  readonly stageWords?: readonly StageWord[] | undefined;
  /** Absent: the member has all of it. */
  readonly assist?: Assist | undefined;
  /** When the friend was forgotten on request. Absent: they were not. */
  readonly friendErasedAt?: Instant | undefined;
  readonly version: number;
}

/** Immutable evidence that links a friend to a member. */
export interface Touch {
  readonly id: string;
  readonly kind: TouchKind;
  readonly memberId: string;
  readonly friend: RecordRef | null;
  readonly evidence: string;
  /** Where the friend's act came from, shortened so that it names no person; absent where nobody looked. */
  readonly origin?: { readonly ipPrefix: string | null; readonly device: string | null };
  readonly at: Instant;
}

/** Only a submission has a moment of its own. A label or a code is a fact about the past, whenever it was typed in. */
export function isSubmitted({ source }: Pick<Referral, 'source'>): boolean {
  return source === 'explicit' || source === 'email';
}

/** Since when deals can be due to a referral; null where the CRM names the member. */
export function startOf(referral: Pick<Referral, 'source' | 'submittedAt' | 'follows'>): Instant | null {
  return isSubmitted(referral) ? referral.submittedAt : (referral.follows?.since ?? null);
}
