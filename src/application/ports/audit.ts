import type { AttributionDecision } from '../../domain/attribution-policy.ts';
import type { ConnectionsPolicyVersion } from '../../domain/connections-policy.ts';
import type { Decision, Reward } from '../../domain/decision.ts';
import type { Journal } from '../../domain/ledger.ts';
import type { StageMapping } from '../../domain/mapping.ts';
import type { OrderKind, State } from '../../domain/plan.ts';
import type { ProgramVersion } from '../../domain/program.ts';
import type { ProgramChoice } from '../../domain/program-choice.ts';
import type { Rates } from '../../domain/rates.ts';
import type { ContactFacts, DealFacts, RecordRef } from '../../domain/record.ts';
import type { Referral, Touch } from '../../domain/referral.ts';
import type { Tally } from '../../domain/tally.ts';
import type { TierChange } from '../../domain/tier.ts';
import type { Instant } from '../../domain/time.ts';
import type { Connection, JudgedBy, LedgerBalance, LoadedElsewhere, PeriodBooks } from './store.ts';

/** Everything that is stored, at one moment and in pages, for `verify`. Nothing else reads across all of an account. */
export interface Audit {
  accountIds(): Promise<string[]>;
  /** Rows that name what does not exist, or exists only for another account; looked for in the whole database. */
  strayRows(): Promise<StrayRows[]>;
  account(accountId: string): Promise<AuditAccount>;
  /**
   * Referrals by id with all that hangs on them; empty at the end. `riskHours`: also what risk is judged by, with referrals counted within
   * so many hours.
   */
  page(accountId: string, after: string | null, limit: number, riskHours?: readonly number[]): Promise<AuditPage>;
  /** Tallies that are not what the referrals and the ledger add up to, and how many there are. */
  wrongTallies(accountId: string): Promise<WrongTally[]>;
  /** What stored rewards have taken from is looked up here: limits, and what is left of budgets. */
  limitTallies(accountId: string): Promise<Tally[]>;
  /** By member, program and sequence, from behind `after`; empty at the end. */
  tierChanges(accountId: string, after: TierChange | null, limit: number): Promise<TierChange[]>;
  /** Running totals of won referrals. */
  wonTallies(accountId: string): Promise<Tally[]>;
  /** Members whose tier is due to be looked at. */
  tierLooksDue(accountId: string): Promise<ReadonlySet<string>>;
  /** The moment of the snapshot. */
  readonly now: Instant;
  /** What was put into budgets. */
  budgets(accountId: string): Promise<Tally[]>;
  /** Sums as the database itself adds them up, by ledger account and currency. */
  balances(accountId: string, after: LedgerBalance | null, limit: number): Promise<LedgerBalance[]>;
  /** Months that were closed, and the journals that they are added up from. */
  readonly periods: PeriodBooks;
}

export interface WrongTally {
  readonly owner: string;
  readonly key: string;
  readonly currency: string;
  /** As it is stored, and as it should be: a count, or minor units. */
  readonly stored: bigint;
  readonly derived: bigint;
}

export interface StrayRows {
  /** The table, and what its rows name that is not there. */
  readonly what: string;
  readonly rows: number;
  /** Keys of some of them. */
  readonly examples: readonly string[];
}

export interface MappingVersion extends StageMapping {
  readonly savedAt: Instant;
}

export interface AuditAccount {
  readonly connections: readonly Connection[];
  readonly programs: readonly ProgramVersion[];
  /** Which of them were chosen for connections, each one's oldest first. */
  readonly choices: readonly ProgramChoice[];
  readonly rates: Rates;
  /** Of what holds for several connections, oldest first. */
  readonly policies: readonly ConnectionsPolicyVersion[];
  /** By connection id, oldest first. */
  readonly mappings: ReadonlyMap<string, readonly MappingVersion[]>;
  /** How many rows there are, whether a page shows them or not. */
  readonly rows: Readonly<Record<AuditedTable, number>>;
}

export type AuditedTable = 'referrals' | 'decisions' | 'rewards' | 'intents' | 'journals' | 'postings';

export interface AuditedIntent {
  readonly id: string;
  readonly rewardId: string;
  readonly provider: string;
  /** Absent: `issue`. */
  readonly kind?: OrderKind | undefined;
  readonly state: string;
}

/** Facts with the time at which they were read last, and what they were judged by then; null where that was not kept. */
export interface KnownFacts<F extends DealFacts | ContactFacts> {
  readonly facts: F;
  readonly readAt: Instant;
  readonly judgedBy: JudgedBy | null;
}

export interface AuditPage {
  /** The referrals of this page; `state` has those around them too. */
  readonly referrals: readonly Referral[];
  /** What `process` would load for them. */
  readonly state: Pick<State, 'members' | 'referrals' | 'decisions' | 'rewards' | 'tallies' | 'risk' | 'tiers'>;
  /** What the connections know of each other's people and deals; absent where there is one. */
  readonly others?: LoadedElsewhere | undefined;
  readonly touches: readonly Touch[];
  /** Of the page's own referrals. */
  readonly attributions: readonly AttributionDecision[];
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  readonly intents: readonly AuditedIntent[];
  readonly journals: readonly Journal[];
  /** As last read: the friends, who is on their deals, and their referrers. */
  readonly contacts: ReadonlyArray<KnownFacts<ContactFacts>>;
  /** As last read: the friends' deals, and those that were decided on. */
  readonly deals: ReadonlyArray<KnownFacts<DealFacts>>;
  /** Of all these records, those that are still to be looked at. */
  readonly waiting: readonly RecordRef[];
  /** Of all these records, those whose mirror is kept. */
  readonly mirrored: readonly RecordRef[];
}
