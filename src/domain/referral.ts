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
  readonly createdAt: Instant;
  /** Counts changes of this row; a write names the version it has seen. */
  readonly version: number;
}

export type LifecycleStage =
  | 'submitted'
  | 'accepted'
  | 'qualified'
  | 'opportunity'
  | 'won'
  | 'lost'
  | 'declined'
  | 'expired';

/** What linked the friend to the member, strongest first. */
export const TOUCH_KINDS = ['explicit', 'label', 'code', 'email'] as const;
export type TouchKind = (typeof TOUCH_KINDS)[number];

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
