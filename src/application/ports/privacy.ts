import type { AttributionDecision } from '../../domain/attribution-policy.ts';
import type { Case, CaseEvent } from '../../domain/case.ts';
import type { ShownConsent } from '../../domain/consent.ts';
import type { Decision, Reward } from '../../domain/decision.ts';
import type { IdentityEdge } from '../../domain/identity.ts';
import type { Journal } from '../../domain/ledger.ts';
import type { ContactFacts, RecordRef } from '../../domain/record.ts';
import type { Member, Referral, Touch } from '../../domain/referral.ts';
import type { TierChange } from '../../domain/tier.ts';
import type { Instant } from '../../domain/time.ts';
import type { Page, PageInput } from './store.ts';

/** What a person is known by. */
export interface Person {
  /** In every connection, also under ids that were merged into others. */
  readonly contacts: readonly RecordRef[];
  readonly memberIds: readonly string[];
  /** Those that brought them, as a friend. */
  readonly referralIds: readonly string[];
  /** In lower case. */
  readonly emails: readonly string[];
}

/** By how many rows a person was forgotten. */
export interface ErasureCounts {
  readonly contacts: number;
  readonly members: number;
  readonly referrals: number;
  /** Rows of imports that were not carried out yet. */
  readonly importRows: number;
  /** Codes and links that were kept for them. */
  readonly vouchers: number;
  /** Sentences about cases, rewards and orders in which they were named. */
  readonly words: number;
}

/** `crm`: a privacy deletion there, or a record that a forgotten one has become part of. */
export type ErasureSource = 'api' | 'cli' | 'crm';

/** That a person was forgotten, without who it was. Never changed. */
export interface Erasure {
  readonly id: string;
  readonly source: ErasureSource;
  readonly by: string;
  readonly counts: ErasureCounts;
  readonly at: Instant;
}

/** An order for one of the person's rewards, and what is known of it at its provider. */
export interface HeldOrder {
  readonly id: string;
  readonly rewardId: string;
  readonly provider: string;
  readonly kind: string;
  readonly state: string;
  /** Null while the provider was not asked. */
  readonly reference: string | null;
  readonly given: string | null;
  readonly firstTriedAt: Instant | null;
  /** Whether a code or link is kept for them; the codes themselves are theirs alone. */
  readonly hasVoucher: boolean;
  readonly news: ReadonlyArray<{ readonly kind: string; readonly at: Instant }>;
}

export interface HeldImportRow {
  readonly importId: string;
  readonly line: number;
  readonly outcome: string;
}

/** Everything that is kept about a person, in no more than so many rows of each kind. */
export interface Held {
  readonly contacts: readonly ContactFacts[];
  readonly members: readonly Member[];
  /** Those that brought them. */
  readonly asFriend: readonly Referral[];
  /** Those that they made. */
  readonly asMember: readonly Referral[];
  readonly touches: readonly Touch[];
  readonly attributions: readonly AttributionDecision[];
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  readonly journals: readonly Journal[];
  readonly orders: readonly HeldOrder[];
  readonly tierChanges: readonly TierChange[];
  readonly ties: readonly IdentityEdge[];
  readonly cases: ReadonlyArray<{ readonly case: Case; readonly events: readonly CaseEvent[] }>;
  readonly importRows: readonly HeldImportRow[];
  /** Which words they were shown. */
  readonly consents: readonly ShownConsent[];
  /** Names of lists that have more rows than were read. */
  readonly cut: readonly string[];
}

export interface PrivacyStore {
  /** Everything that is the same person as one of these: merged and tied contacts, and rows known by their address alone. */
  person(accountId: string, known: Person): Promise<Person>;
  held(accountId: string, person: Person, limit: number): Promise<Held>;
  /**
   * Forgets a person in one transaction, and asks for the records of CRMs that name them to be written anew. `markOf` makes of an address
   * what is kept in its place. Null when nothing is known of these and none of them is a contact: there is nothing to forget.
   */
  erase(
    accountId: string,
    known: Person,
    erasure: Omit<Erasure, 'counts'>,
    markOf: (email: string) => string,
  ): Promise<{ readonly person: Person; readonly erasure: Erasure; readonly isNew: boolean } | null>;
  /** Of these contacts those that were forgotten. */
  erasedAmong(accountId: string, connectionId: string, contactIds: readonly string[]): Promise<ReadonlySet<string>>;
  erasedMembers(accountId: string, memberIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** The erasure of whoever is one of these; `marks` of an address, one for each key it may have been made with. */
  erasureOf(accountId: string, known: Person, marks: readonly string[]): Promise<Erasure | null>;
  erasures(accountId: string, page: PageInput): Promise<Page<Erasure>>;
}
