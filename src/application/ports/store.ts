import type { AlertFacts } from '../../domain/alert.ts';
import type { AppEvent } from '../../domain/app-event.ts';
import type { AppSettings } from '../../domain/app-settings.ts';
import type { AttributionDecision, AttributionPolicy } from '../../domain/attribution-policy.ts';
import type { BatchSchedule } from '../../domain/batch-schedule.ts';
import type { Brand, Language, LogoType } from '../../domain/brand.ts';
import type { CardActors } from '../../domain/card-actors.ts';
import type { Case, CaseEvent, CaseKind, CaseWord, EscalationStep, NewCase } from '../../domain/case.ts';
import type { ConnectionsPolicy } from '../../domain/connections-policy.ts';
import type { ConsentPurpose, ConsentText, ShownConsent } from '../../domain/consent.ts';
import type { Decision, Reward, RewardState } from '../../domain/decision.ts';
import type { Baseline } from '../../domain/drift.ts';
import type { ElsewhereKeys } from '../../domain/elsewhere-keys.ts';
import type { Measure } from '../../domain/figures.ts';
import type { Forecast, ForecastLine } from '../../domain/forecast.ts';
import type { Elsewhere, IdentityEdge } from '../../domain/identity.ts';
import type { Journal, JournalKind } from '../../domain/ledger.ts';
import type { MappedStage, SaidStage, StageMapping } from '../../domain/mapping.ts';
import type { MappingProposal } from '../../domain/mapping-proposal.ts';
import type { Money } from '../../domain/money.ts';
import type { HeldRoute } from '../../domain/notice.ts';
import type { ChartEntry, Month, Movement, PeriodLine } from '../../domain/period.ts';
import type { PayoutIntent, Plan, State, Wake } from '../../domain/plan.ts';
import type { PolicyVersion } from '../../domain/policy.ts';
import type { Party, ProgramContent, ProgramVersion } from '../../domain/program.ts';
import type { ProgramChoice } from '../../domain/program-choice.ts';
import type { Rate, RateProblem } from '../../domain/rates.ts';
import type { ContactFacts, CrmObject, DealFacts, DealProspect, RecordRef } from '../../domain/record.ts';
import type { LifecycleStage, Member, Referral, Touch } from '../../domain/referral.ts';
import type { RefundFact } from '../../domain/refund.ts';
import type { RetentionItem, RetentionSettings } from '../../domain/retention.ts';
import type { NewsEffect, PayoutNews } from '../../domain/reward.ts';
import type { Role } from '../../domain/roles.ts';
import type { Tally } from '../../domain/tally.ts';
import type { TaxSettings, TaxState } from '../../domain/tax.ts';
import type { TierChange, TierLook } from '../../domain/tier.ts';
import type { EngagementKind } from '../../domain/tier-scheme.ts';
import type { Instant } from '../../domain/time.ts';
import type {
  AfterAttempt,
  Attempt,
  EndpointHealth,
  EndpointState,
  SentEventType,
  WebhookEventType,
} from '../../domain/webhook.ts';
import type { WebhookEvent } from '../../domain/webhook-event.ts';
import type { DryRunReport } from '../dry-run.ts';
import type { PayoutReconciliation } from '../reconcile-payouts.ts';
import type { Audit } from './audit.ts';
import type { DuplicateRules, Hint, WorkflowAnswer } from './crm.ts';
import type { PrivacyStore } from './privacy.ts';
import type { Vitals } from './vitals.ts';

/**
 * The one place where anything is kept. Implemented once under src/store/ for SQLite and PostgreSQL; test/conformance/store.ts
 * says in tests what the words below promise.
 *
 * Every method takes the account (or a connection, which carries it) and touches nothing of any other. Times come from the
 * caller; the store has no clock.
 */
export interface Store {
  readonly accounts: AccountStore;
  readonly users: UserStore;
  readonly auditLog: AuditLogStore;
  readonly connections: ConnectionStore;
  readonly cardActions: CardActionStore;
  readonly asks: AskStore;
  readonly programs: ProgramStore;
  readonly rates: RateStore;
  readonly programDrafts: ProgramDraftStore;
  readonly dryRuns: DryRunStore;
  readonly proposals: ProposalStore;
  readonly drift: DriftStore;
  readonly inbox: InboxStore;
  readonly work: WorkStore;
  readonly cases: CaseStore;
  readonly desk: DeskStore;
  readonly attention: AttentionStore;
  readonly ledger: LedgerStore;
  readonly figures: FigureStore;
  readonly periods: PeriodStore;
  readonly taxReports: TaxReportStore;
  readonly forecasts: ForecastStore;
  readonly appSettings: AppSettingsStore;
  readonly caseTasks: CaseTaskStore;
  readonly payouts: PayoutStore;
  readonly payoutRecords: PayoutRecordStore;
  readonly coupons: CouponStore;
  readonly batches: BatchStore;
  readonly refunds: RefundStore;
  readonly payoutReports: PayoutReportStore;
  readonly mirror: MirrorStore;
  readonly workflowCalls: WorkflowCallStore;
  readonly callbacks: CallbackStore;
  readonly appEvents: AppEventStore;
  readonly webhooks: WebhookStore;
  readonly reads: ReadStore;
  readonly timeline: TimelineStore;
  readonly userViews: UserViewStore;
  readonly accountSettings: AccountSettingsStore;
  readonly brands: BrandStore;
  readonly consents: ConsentStore;
  readonly retention: RetentionStore;
  readonly tiers: TierStore;
  readonly attribution: AttributionStore;
  readonly identity: IdentityStore;
  readonly backfills: BackfillStore;
  readonly history: HistoryStore;
  readonly memberImports: MemberImportStore;
  readonly privacy: PrivacyStore;
  readonly testRuns: TestRunStore;
  readonly leases: LeaseStore;
  readonly vitals: Vitals;
  readonly sync: SyncStore;
  readonly syncReports: SyncReportStore;
  /** How nodes that share this database share its work; null where there can be only one node. */
  readonly shared: SharedQueue | null;
  /** Reads all of an account as it is at one moment. */
  audited<T>(now: Instant, run: (audit: Audit) => Promise<T>): Promise<T>;
  /** Gives everything of the account that waits for a person another chance now; returns how much that was. */
  retryParked(accountId: string, now: Instant): Promise<number>;
  /** Answers quickly whether the database can be read and written; throws when not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

// ── Accounts ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Instant;
  /** What one person has written another one has to publish. */
  readonly needsSecondPerson: boolean;
}

export interface ApiKey {
  readonly id: string;
  readonly accountId: string;
  readonly label: string;
  /** What it may do, as a user with these roles. */
  readonly roles: readonly Role[];
  readonly createdAt: Instant;
}

/** A key as an admin sees it later: never the key, never its hash. */
export interface ListedApiKey extends ApiKey {
  readonly revokedAt: Instant | null;
}

export interface AccountStore {
  create(account: Omit<Account, 'needsSecondPerson'>): Promise<void>;
  /** False when there is no such account. */
  setNeedsSecondPerson(accountId: string, needed: boolean): Promise<boolean>;
  rename(accountId: string, name: string): Promise<void>;
  get(accountId: string): Promise<Account | null>;
  list(): Promise<Account[]>;
  /** `hash` is what is kept of a key; the key itself is shown once and never stored. */
  addApiKey(key: ApiKey, hash: string): Promise<void>;
  findApiKey(hash: string): Promise<ApiKey | null>;
  /** Live and revoked ones, the oldest first. */
  listApiKeys(accountId: string): Promise<ListedApiKey[]>;
  /** False when the account has no such live key. */
  revokeApiKey(accountId: string, keyId: string, now: Instant): Promise<boolean>;
}

// ── Users of the console ────────────────────────────────────────────────────────────────────────────────────────────

/** Who works with the console. Not of one account: an agency's people have a seat in each of their clients'. */
export interface User {
  readonly id: string;
  /** In lower case; it is what links and an OpenID provider know a user by. */
  readonly email: string;
  readonly name: string | null;
  readonly createdAt: Instant;
}

export interface Seat {
  readonly accountId: string;
  readonly roles: readonly Role[];
  /** Rises with each change, so that two people do not overwrite each other. */
  readonly version: number;
  readonly createdAt: Instant;
}

/** `sign_in` is for who has a seat; `invitation` gives one when it is used. */
export type LinkPurpose = 'sign_in' | 'invitation';

export interface SignInLink {
  readonly purpose: LinkPurpose;
  readonly email: string;
  readonly seat: { readonly accountId: string; readonly roles: readonly Role[] } | null;
  /** Who invited; null for the command line and for who asked for a link. */
  readonly madeBy: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

/** A link as the account's list shows it. `id` is its hash's beginning: enough to withdraw it, of no use to sign in with. */
export interface Invitation extends SignInLink {
  readonly id: string;
}

export interface Session {
  readonly user: User;
  readonly seats: readonly (Seat & { readonly accountName: string })[];
  readonly createdAt: Instant;
  readonly seenAt: Instant;
  readonly expiresAt: Instant;
}

export type SeatChanged = 'changed' | 'no_such_user' | 'stale' | 'last_owner';

export interface UserStore {
  /** Null when nobody is called so. */
  byEmail(email: string): Promise<(User & { readonly hasSeat: boolean }) | null>;
  bySubject(issuer: string, subject: string): Promise<User | null>;
  tieSubject(issuer: string, subject: string, userId: string, now: Instant): Promise<void>;
  /** Those of an account by e-mail address; there are as many as the account has staff. */
  ofAccount(accountId: string): Promise<{ readonly user: User; readonly seat: Seat }[]>;
  /** No account is ever without an owner once it has had one. */
  setRoles(accountId: string, userId: string, roles: readonly Role[], basis: number): Promise<SeatChanged>;
  /** Their seat alone: what they did stays under their name. Sessions go on for their other accounts. */
  removeSeat(accountId: string, userId: string): Promise<SeatChanged>;

  saveLink(link: SignInLink, hash: string): Promise<void>;
  invitations(accountId: string, now: Instant): Promise<Invitation[]>;
  withdrawInvitation(accountId: string, id: string): Promise<boolean>;
  /**
   * Uses the link up and opens the session, in one transaction: of two who come with it one gets in. An invitation makes the user where
   * there is none, and adds its roles to the seat. Null when the link is not, or no more.
   */
  redeem(linkHash: string, session: NewSession, newUserId: string): Promise<User | null>;
  openSession(userId: string, session: NewSession): Promise<void>;
  /** Null when it is not, or no more. */
  session(hash: string, now: Instant): Promise<Session | null>;
  seen(hash: string, now: Instant, expiresAt: Instant): Promise<void>;
  endSession(hash: string): Promise<void>;
  saveOidcState(stateHash: string, sealed: string, expiresAt: Instant): Promise<void>;
  /** Used up by being taken. */
  takeOidcState(stateHash: string, now: Instant): Promise<string | null>;
  /** What is over: links, states, sessions; `limit` of each. */
  prune(now: Instant, limit: number): Promise<number>;
}

export interface NewSession {
  readonly hash: string;
  readonly now: Instant;
  readonly expiresAt: Instant;
}

/** Where a change came in. */
export type AuditVia = 'api' | 'console' | 'cli';

/** Who changed what. Written before the change and completed after it: one without a status was interrupted, or is under way. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Instant;
  readonly actor: string;
  readonly via: AuditVia;
  readonly operation: string;
  /** Id of what was changed, where it has one. */
  readonly subject: string | null;
  readonly input: unknown;
  readonly before: unknown;
  readonly after: unknown;
  /** As HTTP has it; null while it is not known. */
  readonly status: number | null;
  /** The request's reference, which the log carries too. */
  readonly ref: string;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly operation?: string;
  readonly subject?: string;
}

export interface AuditLogStore {
  begin(accountId: string, entry: Omit<AuditEntry, 'after' | 'status'>): Promise<void>;
  finish(
    accountId: string,
    id: string,
    outcome: Pick<AuditEntry, 'after'> & { readonly status: number; readonly subject: string | null },
  ): Promise<void>;
  /** Newest first. */
  list(accountId: string, page: PageInput, filter: AuditFilter): Promise<Page<AuditEntry>>;
}

// ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────────────

// ── Tests of a program ──────────────────────────────────────────────────────────────────────────────────────────────

export const TEST_END_REASONS = ['person', 'time', 'program', 'connection', 'broken'] as const;
export type TestEndReason = (typeof TEST_END_REASONS)[number];

/** A test of a program in a connection: everything is for real, in an account of its own, and nobody gets anything. */
export interface TestRun {
  readonly id: string;
  readonly accountId: string;
  readonly connectionId: string;
  /** Where it takes place. */
  readonly testAccountId: string;
  readonly programId: string;
  readonly programName: string;
  /** Which of the program is tried: its draft in a revision, or a version. */
  readonly origin: 'draft' | 'published';
  readonly revision: number;
  /** By the key of a rule: the provider that would be asked in real life. */
  readonly payouts: Readonly<Record<string, string>>;
  readonly skipsWaits: boolean;
  /** As it was when the test began; another contact may have taken it over since. */
  readonly friendContactId: string;
  /** Both null until the referral is there. */
  readonly memberId: string | null;
  readonly referralId: string | null;
  /** `ending`: what it granted is being taken back. */
  readonly state: 'running' | 'ending' | 'ended';
  readonly startedBy: string;
  readonly startedAt: Instant;
  /** It ends by itself then. */
  readonly endsAt: Instant;
  readonly endReason: TestEndReason | null;
  /** Null where nobody ended it. */
  readonly endedBy: string | null;
  readonly endedAt: Instant | null;
}

export type NewTestRun = Omit<
  TestRun,
  'testAccountId' | 'memberId' | 'referralId' | 'state' | 'endReason' | 'endedBy' | 'endedAt'
>;

export interface OpenTestRun extends TestRun {
  /** The contact that the friend was, and the one that they are. */
  readonly friendContactIds: readonly string[];
}

export interface TestRunStore {
  /** With its account, its connection, the mapping as it is and the program as the test has it, all or nothing. */
  begin(run: NewTestRun, content: ProgramContent): Promise<'begun' | 'not_connected' | 'other_open'>;
  /** False when it was ended meanwhile. */
  started(
    accountId: string,
    id: string,
    of: { readonly memberId: string; readonly referralId: string },
  ): Promise<boolean>;
  get(accountId: string, id: string): Promise<TestRun | null>;
  /** Newest first. */
  list(accountId: string, page: PageInput): Promise<Page<TestRun>>;
  /** The one of a connection that has not ended. */
  openIn(accountId: string, connectionId: string): Promise<OpenTestRun | null>;
  ofTestAccount(testAccountId: string): Promise<OpenTestRun | null>;
  /** Of all accounts, those that have not ended: few, since a person starts each and none lasts. */
  open(): Promise<TestRun[]>;
  /** Of all tests that an account ever made. */
  accountsOf(accountId: string): Promise<string[]>;
  /** From here on nothing is read for it. False for one that is not running. */
  beginEnd(
    accountId: string,
    id: string,
    as: { readonly by: string | null; readonly reason: TestEndReason; readonly now: Instant },
  ): Promise<boolean>;
  /** It has ended, and what shows it in the CRM is written anew; once more after `lateMs`. False for one that is not ending. */
  finish(accountId: string, id: string, as: { readonly now: Instant; readonly lateMs: number }): Promise<boolean>;
}

export type ConnectionStatus = 'connected' | 'disconnected';

export interface Connection {
  readonly id: string;
  readonly accountId: string;
  readonly provider: string;
  /** The vendor's id of the portal or org; belongs to one account at a time. */
  readonly externalId: string;
  readonly status: ConnectionStatus;
  /** Why it is disconnected, in words for an admin; null while connected. */
  readonly statusReason: string | null;
  readonly homeCurrency: string | null;
  readonly timeZone: string | null;
  readonly uiHost: string | null;
  readonly scopes: readonly string[];
  /** Where its API is, for a vendor whose customers each have an address of their own; absent where all have one. */
  readonly apiUrl?: string | undefined;
  /** Absent until somebody says so: they are respected. */
  readonly duplicateRules?: DuplicateRules | undefined;
  /** Who may act from the cards in the CRM; absent until somebody says so: everyone who sees them. */
  readonly cardActors?: readonly string[] | undefined;
  /** How many percent of the CRM's API calls of a day are taken at most; absent until somebody says so. */
  readonly callShare?: number | undefined;
  /** The account whose connection it really is, where this one is of a test: the CRM is asked with that one's tokens. */
  readonly testOf?: string | undefined;
  readonly connectedAt: Instant;
}

/** Tokens as they lie in the database: sealed, with a version that rises with every refresh. */
export interface SealedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: Instant;
  readonly version: number;
}

/** Whose tokens they are, for what is done to those of every account. */
export interface TokenOwner {
  readonly accountId: string;
  readonly connectionId: string;
}

export interface OAuthState {
  /** SHA-256 of the state, so that a leaked database does not hold states that still work. */
  readonly stateHash: string;
  readonly accountId: string;
  readonly provider: string;
  readonly expiresAt: Instant;
}

/** How far the sweep of one object of a connection has come. */
export interface SweepMark {
  readonly object: 'contact' | 'deal';
  /** Everything modified before this has been compared. */
  readonly upTo: Instant;
}

/** A mapping as it was saved. */
export interface KeptMapping extends StageMapping {
  /** What an admin had seen it do to all of history before saying what is said in it. */
  readonly dryRunId?: string;
}

/** What a version of a mapping was made on. */
export interface MappingGrounds {
  /** The version that it was made of; null for none. */
  readonly basis?: string | null;
  readonly dryRunId?: string | undefined;
  /** What the CRM gives its stages, where it was read; kept beside the mapping, of which it makes no other version. */
  readonly chances?: readonly StageChance[] | undefined;
}

export interface StageChance {
  readonly pipelineId: string;
  readonly stageId: string;
  /** Of 10,000. */
  readonly chance: number;
}

export interface ConnectionStore {
  /** Inserts, or updates the connection with the same provider and external id; `foreign` when that one is another account's. */
  connect(
    connection: Connection,
    tokens: Omit<SealedTokens, 'version'>,
  ): Promise<{ result: 'connected'; connection: Connection } | { result: 'foreign' }>;
  get(accountId: string, connectionId: string): Promise<Connection | null>;
  /** The only look-up that starts from a vendor's id: an inbound call that was signed names nothing else. */
  findByExternalId(provider: string, externalId: string): Promise<Connection | null>;
  list(accountId: string): Promise<Connection[]>;
  listConnected(): Promise<Connection[]>;
  describe(
    accountId: string,
    connectionId: string,
    about: Pick<Connection, 'homeCurrency' | 'timeZone' | 'uiHost'>,
  ): Promise<void>;
  disconnect(accountId: string, connectionId: string, why: string, now: Instant): Promise<void>;
  /** The vendor has moved it to another address. */
  moved(accountId: string, connectionId: string, apiUrl: string): Promise<void>;
  /** What the vendor grants now, where that is another than before. */
  granted(accountId: string, connectionId: string, scopes: readonly string[]): Promise<void>;
  setDuplicateRules(accountId: string, connectionId: string, rules: DuplicateRules): Promise<void>;
  /** In percent; null: the service's usual share. */
  setCallShare(accountId: string, connectionId: string, percent: number | null): Promise<void>;
  /** Null: everyone who sees a card. False when the account has no such connection. */
  setCardActors(accountId: string, connectionId: string, actors: CardActors): Promise<boolean>;
  tokens(accountId: string, connectionId: string): Promise<SealedTokens | null>;
  /** Of every account and every connection, in a stable order, from behind `after`: for renewing the key they are sealed with. */
  listTokens(after: TokenOwner | null, limit: number): Promise<(TokenOwner & SealedTokens)[]>;
  /** False when the stored version is not `expectedVersion`: somebody else has refreshed meanwhile. */
  replaceTokens(
    accountId: string,
    connectionId: string,
    expectedVersion: number,
    tokens: Omit<SealedTokens, 'version'>,
  ): Promise<boolean>;
  saveState(state: OAuthState): Promise<void>;
  /** Takes a state out, once; null when unknown or expired. */
  takeState(stateHash: string, now: Instant): Promise<OAuthState | null>;
  mapping(accountId: string, connectionId: string): Promise<KeptMapping | null>;
  /**
   * Appends a version of the mapping unless it is the newest already. False, and nothing is written, when `basis` is given and another
   * version is the newest: what somebody has said meanwhile would be lost.
   */
  saveMapping(
    accountId: string,
    connectionId: string,
    version: string,
    entries: readonly MappedStage[],
    now: Instant,
    on?: MappingGrounds,
  ): Promise<boolean>;
  sweepMarks(accountId: string, connectionId: string): Promise<SweepMark[]>;
  /**
   * Moves a mark to where a sweep has come. `from` is where the mark stood when the sweep began: one that was set back since then
   * stays where it is, for this sweep did not look there.
   */
  setSweepMark(accountId: string, connectionId: string, mark: SweepMark, from?: Instant): Promise<void>;
  /** How far the connection's stream has been kept; null before its first batch, and once it is forgotten. */
  streamPosition(accountId: string, connectionId: string): Promise<StreamPosition | null>;
  /**
   * The vendor does not know the position any more. In one transaction it is forgotten and every sweep mark is set back to the time up
   * to which the stream was kept.
   */
  loseStreamPosition(accountId: string, connectionId: string): Promise<void>;
}

/** The vendor's word for a place in its stream, and the time up to which what is before it was kept. */
export interface StreamPosition {
  readonly position: string;
  readonly keptAt: Instant;
}

// ── What people ask for on cards ────────────────────────────────────────────────────────────────────────────────────

/** One click: who asked for what, under a key that the card made for it. */
export interface CardActionInput {
  readonly key: string;
  readonly kind: string;
  /** Of what was asked for, so that a key that stands for something else is told apart. */
  readonly inputHash: string;
  /** The CRM's own id of the user. */
  readonly by: string;
}

/**
 * `begun`: the caller's to do; `contactId` is a contact that an earlier attempt has created for it. `answered`: it was done, with this answer.
 * `running`: somebody is at it. `differs`: the key stands for something else.
 */
export type CardActionBegun =
  | { readonly kind: 'begun'; readonly contactId: string | null }
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'running' | 'differs' };

/** What was asked for on cards, so that a second click, a second node or a retry finds the first one's answer. Holds no name and no address. */
export interface CardActionStore {
  /** Of several who begin at once one does. Whoever has not answered by `until` is followed by the next one. */
  begin(
    of: Pick<Connection, 'id' | 'accountId'>,
    action: CardActionInput,
    times: { readonly now: Instant; readonly until: Instant },
  ): Promise<CardActionBegun>;
  keepContact(of: Pick<Connection, 'id' | 'accountId'>, key: string, contactId: string): Promise<void>;
  /** Ends it with its answer, which stays for a month. The first one that was kept is the one that holds, and is returned. */
  answer(of: Pick<Connection, 'id' | 'accountId'>, key: string, answer: unknown): Promise<unknown>;
  /** Nothing came of it: the next attempt begins at once. `until` as it was begun with: who was slower than that holds nothing to give back. */
  release(of: Pick<Connection, 'id' | 'accountId'>, key: string, until: Instant): Promise<void>;
}

/** How somebody was asked for a referral: with the message copied, by an e-mail of the CRM, or in a conversation. */
export const ASK_WAYS = ['copied', 'email', 'spoken'] as const;

/** What bears on asking a contact for a referral, beside its own facts and its deals. */
export interface AskBearing {
  readonly member: { readonly id: string; readonly isStaff: boolean };
  readonly wonReferrals: number;
  /** Among the newest referrals of the member. */
  readonly openReferrals: number;
  readonly openDisputes: number;
  /** Among the newest rewards of the member. */
  readonly paidAt: Instant | null;
}

export interface AskStore {
  /** Keeps that somebody was asked, once under each key; false when it was kept before. */
  keep(
    of: Pick<Connection, 'id' | 'accountId'>,
    ask: {
      readonly key: string;
      readonly contactId: string;
      readonly way: (typeof ASK_WAYS)[number];
      readonly by: string;
      readonly at: Instant;
    },
  ): Promise<boolean>;
  /** When each of these contacts was last asked; those that never were are missing. */
  lastAsked(
    of: Pick<Connection, 'id' | 'accountId'>,
    contactIds: readonly string[],
  ): Promise<ReadonlyMap<string, Instant>>;
  /** Contacts of one of the CRM's users, those who bought or were sold to last first; of one company, where one is named. */
  contactsOf(
    of: Pick<Connection, 'id' | 'accountId'>,
    userId: string,
    filter: { readonly limit: number; readonly companyId?: string | undefined },
  ): Promise<string[]>;
  /** By contact id; contacts that are no member's are missing. */
  bearings(
    of: Pick<Connection, 'id' | 'accountId'>,
    contactIds: readonly string[],
  ): Promise<ReadonlyMap<string, AskBearing>>;
}

// ── Programs ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type NewVersion = Omit<ProgramVersion, 'version' | 'publishedAt'>;

export interface ProgramStore {
  /**
   * Adds the next version of a program, immutable from then on. The same content as the newest version adds nothing and returns that one.
   */
  publish(accountId: string, program: NewVersion, now: Instant): Promise<ProgramVersion>;
  /** The same, and in the same transaction the end of the draft that it was; null when that has another revision by now. */
  publishDraft(accountId: string, program: NewVersion, revision: number, now: Instant): Promise<ProgramVersion | null>;
  /** All versions of the account's program, oldest first; empty when none is published. */
  versions(accountId: string): Promise<ProgramVersion[]>;
  /**
   * Puts money into a program's budget, once for each id, and asks for the deals to be looked at that wait for it. `no_such_program`: none
   * of that name was published; `other_entry`: the id stands for another amount.
   */
  fillBudget(
    accountId: string,
    programId: string,
    entry: Omit<BudgetEntry, 'at'>,
    now: Instant,
  ): Promise<
    | { readonly kind: 'filled' | 'existing'; readonly entry: BudgetEntry }
    | { readonly kind: 'no_such_program' | 'other_entry' }
  >;
  /** What was put in, newest first, and what is left in each currency; null for a program that was never published. */
  budget(
    accountId: string,
    programId: string,
    page: PageInput,
  ): Promise<{ readonly entries: Page<BudgetEntry>; readonly left: readonly Money[] } | null>;
}

export interface RateStore {
  /** All of them, or those that hold on this day or later. */
  all(accountId: string, from?: string): Promise<Rate[]>;
  /** Of one currency, newest first. */
  list(
    accountId: string,
    currency: string,
    page: { readonly limit: number; readonly before: string | null },
  ): Promise<Rate[]>;
  /**
   * Adds rates behind the newest of their currency, all or none, and asks for the deals to be looked at that wait for them. What is known
   * already adds nothing. `at` is the place of a refused one in the list.
   */
  enter(
    accountId: string,
    rates: readonly Rate[],
    by: string,
    now: Instant,
  ): Promise<
    | { readonly kind: 'entered'; readonly added: number }
    | { readonly kind: 'refused'; readonly at: number; readonly problem: RateProblem; readonly newest: Rate | null }
  >;
}

/** A program that people are still writing. */
export interface ProgramDraft {
  readonly content: ProgramContent;
  /** Rises with each change. */
  readonly revision: number;
  /** Everybody who has changed it since it was begun. */
  readonly editors: readonly string[];
  readonly changedBy: string;
  readonly changedAt: Instant;
}

export interface ProgramDraftStore {
  get(accountId: string, programId: string): Promise<ProgramDraft | null>;
  list(accountId: string): Promise<ProgramDraft[]>;
  /** `revision` is the one that the writer has read, 0 for a new draft. `changed`: it is another by now, and nothing was written. */
  save(
    accountId: string,
    content: ProgramContent,
    as: { readonly revision: number; readonly by: string; readonly now: Instant },
  ): Promise<
    | { readonly kind: 'saved'; readonly draft: ProgramDraft }
    | { readonly kind: 'changed'; readonly draft: ProgramDraft | null }
  >;
  /** False when it has another revision by now, or is gone. */
  discard(accountId: string, programId: string, revision: number): Promise<boolean>;
}

export interface TriedProgram {
  readonly kind: 'program';
  readonly programId: string;
}

export interface TriedAttribution {
  readonly kind: 'attribution_policy';
}

export interface TriedMapping {
  readonly kind: 'stage_mapping';
  readonly connectionId: string;
}

/** What a draft would take the place of. */
export type Tried = TriedProgram | TriedAttribution | TriedMapping;

/** A dry run as somebody saw it. */
export interface KeptDryRun<T extends Tried = Tried> {
  readonly id: string;
  readonly of: T;
  /** Of the draft: only the very same can be published on it. */
  readonly contentHash: string;
  readonly report: DryRunReport;
  readonly by: string;
  readonly at: Instant;
}

export interface DryRunStore {
  keep(accountId: string, run: KeptDryRun): Promise<void>;
  get(accountId: string, id: string): Promise<KeptDryRun | null>;
}

export const PROPOSAL_STATES = ['open', 'postponed', 'accepted'] as const;

/** A mapping as it was proposed, and what an admin has said to it. */
export interface KeptProposal {
  readonly id: string;
  readonly connectionId: string;
  readonly state: (typeof PROPOSAL_STATES)[number];
  /** The version of the mapping in force when it was made. */
  readonly basis: string;
  readonly proposal: MappingProposal;
  /** What was accepted, and the dry run over history that was made of it. */
  readonly draft: readonly SaidStage[] | null;
  readonly dryRunId: string | null;
  readonly postponedUntil: Instant | null;
  readonly madeBy: string;
  readonly madeAt: Instant;
  readonly changedBy: string;
  readonly changedAt: Instant;
  /** Rises by one with each change. */
  readonly version: number;
}

export interface ProposalStore {
  keep(accountId: string, proposal: KeptProposal): Promise<void>;
  newest(accountId: string, connectionId: string): Promise<KeptProposal | null>;
  /** False, and nothing is written, unless the stored one is one version behind. */
  change(accountId: string, proposal: KeptProposal): Promise<boolean>;
}

/** A deal that a sweep found changed, and the state in which it was read before that, by the CRM's clock. */
export interface Suspect {
  readonly dealId: string;
  readonly readUpTo: Instant;
}

/** What the look-out for drift of one connection remembers from one sweep to the next. */
export interface KeptWatch {
  readonly baseline: Baseline;
  readonly suspects: readonly Suspect[];
  /** Changes that events would have told of and have not. */
  readonly lost: ReadonlyArray<{ readonly dealId: string; readonly at: Instant }>;
  readonly lookedAt: Instant;
  /** Alerts that were open after the last look. */
  readonly open: number;
  readonly version: number;
}

/** An alert about drift, and the time since which a person who has closed the same one is not told of it again. */
export interface DriftAlert {
  readonly case: NewCase;
  readonly unlessClosedSince: Instant;
}

export interface DriftStore {
  /** Null before the first look. */
  watch(accountId: string, connectionId: string): Promise<KeptWatch | null>;
  /** False, and nothing is written, unless the stored one is one version behind; version 1 is the first. */
  keepWatch(accountId: string, connectionId: string, watch: KeptWatch): Promise<boolean>;
  /** Those that are open, of one connection, the newest first; or those about fields of ours that somebody sets back. */
  alerts(accountId: string, connectionId: string, about?: 'overwritten'): Promise<Case[]>;
  /** Opens alerts that are not open and ends open ones, by their keys, in one transaction. Returns how many were opened. */
  tell(
    accountId: string,
    opens: readonly DriftAlert[],
    ends: ReadonlyArray<{ readonly dedupeKey: string; readonly word: CaseWord }>,
  ): Promise<number>;
}

export interface BudgetEntry {
  /** Chosen by who puts it in: the same one again is the same entry. */
  readonly id: string;
  readonly money: Money;
  readonly by: string;
  readonly note: string;
  readonly at: Instant;
}

// ── Receive: inbox and work ─────────────────────────────────────────────────────────────────────────────────────────

export interface InboxStore {
  /**
   * One transaction: keeps each hint whose event key is new, and asks for its records to be processed. When this returns, the
   * hints survive a crash. Hints seen before change nothing.
   */
  append(
    connection: Pick<Connection, 'id' | 'accountId'>,
    hints: readonly Hint[],
    now: Instant,
    stream?: StreamProgress,
  ): Promise<{ accepted: number; duplicates: number }>;
}

/** What a batch of a stream brings beside its hints; kept in their transaction, or a crash between the two would lose some. */
export interface StreamProgress {
  /** Null: stays what it is. */
  readonly position: string | null;
  /** Every sweep mark that is later is set back to this. */
  readonly sweepFrom: Instant | null;
}

/** The hops that find their work in the store. */
export type Hop = 'process' | 'payouts' | 'mirror' | 'callbacks' | 'webhooks';

/**
 * The part of a hop's work that belongs together: the records of one connection, or (null) the orders of one account. What other systems are
 * told belongs together by endpoint, whose id then stands in place of the connection's.
 */
export interface Shard {
  readonly accountId: string;
  readonly connectionId: string | null;
}

export interface ClaimInput {
  readonly now: Instant;
  readonly leaseMs: number;
  readonly limit: number;
  readonly claim: string;
  /** Nothing else is claimed; without it, of the shard that has waited longest. */
  readonly shard?: Shard | undefined;
}

/**
 * What nodes of one database tell each other of their work. Whatever makes something due tells it in the same transaction, and one node
 * hears it; claims, fences and leases in the tables themselves decide who does what, so a word that is lost or heard twice does no harm.
 */
export interface SharedQueue {
  /** Calls `run` for shards that have something due, on one node each, at most `concurrency` at a time on this one. */
  listen(hop: Hop, concurrency: number, run: (shard: Shard) => Promise<void>): Promise<Listener>;
  /** Puts shards on the list again, behind all others. */
  tell(hop: Hop, shards: readonly Shard[]): Promise<void>;
}

export interface Listener {
  /** Takes nothing new and waits for what is under way. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, also by itself, as when the database is away for long. */
  readonly ended: Promise<void>;
}

/** One record that has to be looked at, claimed by one worker for a time. */
export interface WorkItem {
  readonly accountId: string;
  readonly record: RecordRef;
  /** Proves the claim when settling: whoever claims after the lease has run out gets another one. */
  readonly claim: string;
  /** Hints that had come when it was claimed; one that comes later keeps the record on the list. */
  readonly wanted: number;
  readonly attempts: number;
  /** The CRM says the person asked to be forgotten. */
  readonly erase: boolean;
  /** Asked for by a backfill and by nobody else. Absent: it is of today. */
  readonly isBackground?: true | undefined;
  /** When the oldest event came that it is looked at for, by the CRM's clock where it says; null when nothing was heard of it. */
  readonly hintedAt?: Instant | null;
}

export interface WorkStore {
  /**
   * Claims up to `limit` due records, all of one connection, longest due first; what a backfill asked for only where nothing else is due, and
   * never together with it. Empty when nothing is due.
   */
  claim(input: ClaimInput): Promise<WorkItem[]>;
  /** Connections that have something due and are connected, longest due first. */
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  /** Holds on to records that take long. One whose claim is lost already stays lost. */
  extend(items: readonly WorkItem[], until: Instant): Promise<void>;
  /** Gives a record back after a fault, to be tried at `runAt`; `parkedReason` keeps it out of the queue until a new hint or a retry. */
  defer(item: WorkItem, input: { runAt: Instant; error: string; parked: boolean }): Promise<void>;
  /** Gives records back untouched and at once, as when a worker stops. */
  release(items: readonly WorkItem[]): Promise<void>;
  /** Asks for records to be looked at, at a time. An earlier time that is already set stays. */
  ask(accountId: string, wakes: readonly Wake[]): Promise<void>;
  /** When the next record is due; null when none is. */
  nextDueAt(): Promise<Instant | null>;
  /** Counts for readiness, metrics and "idle" in tests. `due` are claimable at `now`, `claimed` are under a live lease. */
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;
}

// ── What was there before ───────────────────────────────────────────────────────────────────────────────────────────

export type BackfillState = 'running' | 'paused' | 'done' | 'cancelled';

/** Everything that lay in a CRM before Wonward came, read once, as far as it has come. */
export interface Backfill {
  readonly accountId: string;
  readonly id: string;
  readonly connectionId: string;
  /** Records modified at or after this, by the CRM's clock. */
  readonly since: Instant;
  /** In the order in which they are read. */
  readonly objects: ReadonlyArray<'contact' | 'deal'>;
  readonly state: BackfillState;
  /** Which of them is being gone through. */
  readonly object: 'contact' | 'deal';
  /** The session's cursor; null at the beginning of an object. */
  readonly position: string | null;
  /** What is modified later is told by hints and found by the sweep; by the CRM's clock, null until it was asked for the first time. */
  readonly untilAt: Instant | null;
  /** Records that were listed. */
  readonly found: number;
  /** Of those, records that nobody had read since they were modified: they were asked for. */
  readonly asked: number;
  /** About how many there are, as the CRM says; null where it does not. */
  readonly total: number | null;
  /** Time spent at it, pauses left out. */
  readonly activeMs: number;
  /** Failures in a row. */
  readonly attempts: number;
  /** After a failure nothing is tried before this; 0 otherwise. */
  readonly notBefore: Instant;
  readonly error: string | null;
  readonly startedBy: string;
  readonly startedAt: Instant;
  readonly updatedAt: Instant;
  /** Rises with each change; a step that was made of another one is not taken. */
  readonly version: number;
}

export interface BackfillStore {
  /** `other_open`: the connection has one that is not over. `busy`: one came in between; ask again. */
  start(
    backfill: Backfill,
  ): Promise<
    { readonly kind: 'started' | 'existing' | 'other_open'; readonly backfill: Backfill } | { readonly kind: 'busy' }
  >;
  get(accountId: string, id: string): Promise<Backfill | null>;
  /** Newest first. */
  list(accountId: string, page: PageInput, of?: { readonly connectionId?: string }): Promise<Page<Backfill>>;
  /** Of every account. */
  running(): Promise<Backfill[]>;
  /** Records that backfills of the connection asked for and that were not looked at yet, those that are parked left out. */
  waiting(accountId: string, connectionId: string): Promise<number>;
  /**
   * One transaction: how far it has come, and the records that it found on the way, behind everything that is asked for by others. False, and
   * nothing is written, when it is another version by now or does not run any more.
   */
  advance(next: Backfill, wakes: readonly Wake[]): Promise<boolean>;
  /** Null when it is in none of the states `from`. */
  turn(
    accountId: string,
    id: string,
    change: { readonly to: BackfillState; readonly from: readonly BackfillState[]; readonly now: Instant },
  ): Promise<Backfill | null>;
}

/** Part of what would have been paid. */
export interface HistoryOf {
  readonly programId?: string | undefined;
  readonly ruleKey?: string | undefined;
  /** Recorded by then. */
  readonly upTo?: Instant | undefined;
}

export interface HistoryTotal {
  readonly programId: string;
  readonly ruleKey: string;
  readonly count: number;
  readonly money: Money;
}

/** A person's word that history is paid: of one rule, all that was recorded by then or what is named. */
export interface HistoryRelease {
  readonly accountId: string;
  /** Chosen by who asks: the same one again is the same release. */
  readonly id: string;
  readonly programId: string;
  readonly ruleKey: string;
  /** Null for all of the rule. */
  readonly decisionIds: readonly string[] | null;
  /** What it came to when it was asked for, before limits. */
  readonly askedFor: ReadonlyArray<Pick<HistoryTotal, 'count' | 'money'>>;
  /** `asked`: another person has to approve it. */
  readonly state: 'asked' | 'running' | 'done' | 'cancelled';
  readonly why: string;
  readonly askedBy: string;
  readonly askedAt: Instant;
  readonly approvedBy: string | null;
  /** Up to which decision it was carried out; null before the first. */
  readonly position: PageCursor | null;
  readonly released: number;
  /** Decisions that were no history any more when their turn came. */
  readonly passedOver: number;
  readonly updatedAt: Instant;
  readonly version: number;
}

export interface HistoryStore {
  /** What holds of history, newest decision first. */
  list(accountId: string, page: PageInput, of: HistoryOf): Promise<Page<Decision>>;
  totals(accountId: string, of: HistoryOf): Promise<HistoryTotal[]>;
  /** In the order of their recording, from behind `after`; empty at the end. */
  next(
    accountId: string,
    of: HistoryOf & { readonly decisionIds?: readonly string[] | undefined },
    after: PageCursor | null,
    limit: number,
  ): Promise<Decision[]>;
  ask(release: HistoryRelease): Promise<{ readonly kind: 'asked' | 'existing'; readonly release: HistoryRelease }>;
  release(accountId: string, id: string): Promise<HistoryRelease | null>;
  /** Newest first. */
  releases(accountId: string, page: PageInput): Promise<Page<HistoryRelease>>;
  /** Of every account. */
  running(): Promise<HistoryRelease[]>;
  /** False, and nothing is written, when it is another version by now. */
  change(next: HistoryRelease): Promise<boolean>;
}

// ── Members that are taken over ─────────────────────────────────────────────────────────────────────────────────────

/** `created` a member · `matched` one that was there · `refused` with its problem · undone: `removed`, or `kept` since it was used. */
export type RowOutcome = 'open' | 'created' | 'matched' | 'refused' | 'removed' | 'kept';

export interface ImportedRow {
  /** Of the file, counted from 1 as an editor shows it; of a list, its place. */
  readonly line: number;
  /** What is to be taken over; null once it is: nothing of a person stays here. */
  readonly content: {
    readonly name: string | null;
    readonly email: string | null;
    readonly contact: RecordRef | null;
  } | null;
  readonly outcome: RowOutcome;
  readonly problem: string | null;
  readonly memberId: string | null;
}

/** A list in a CRM that members are taken from. */
export interface ImportedList {
  readonly connectionId: string;
  /** The CRM's own id. */
  readonly listId: string;
  /** How far it has been read, in the CRM's own words; null at the beginning. */
  readonly position: string | null;
}

export interface MemberImport {
  readonly accountId: string;
  /** Chosen by who imports: the same one again is the same import. */
  readonly id: string;
  readonly contentHash: string;
  /** Null for a file, whose rows are kept at once. */
  readonly list: ImportedList | null;
  /** Which words its people were shown before; absent where nobody says so. */
  readonly consent?: { readonly version: number; readonly language: Language } | undefined;
  /** `listing`: its list is being read. */
  readonly state: 'listing' | 'running' | 'done' | 'undoing' | 'undone';
  readonly rows: number;
  readonly startedBy: string;
  readonly startedAt: Instant;
  readonly updatedAt: Instant;
}

export type ImportCounts = Readonly<Record<RowOutcome, number>>;

export interface MemberImportStore {
  /** With all of its rows or not at all. `other`: the id stands for other rows. */
  start(one: MemberImport, rows: readonly ImportedRow[]): Promise<'started' | 'existing' | 'other'>;
  get(accountId: string, id: string): Promise<(MemberImport & { readonly counts: ImportCounts }) | null>;
  /** Newest first. */
  list(accountId: string, page: PageInput): Promise<Page<MemberImport>>;
  /** Of every account, those that are being read, carried out or undone. */
  running(): Promise<MemberImport[]>;
  /** Ids of the members that have one of these addresses (lower case), of several the one that has been there longest. */
  known(accountId: string, emails: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Ids of the members whose contact at a connection is one of these, by the contact's id; also of those that are known by it elsewhere. */
  knownContacts(
    accountId: string,
    connectionId: string,
    contactIds: readonly string[],
  ): Promise<ReadonlyMap<string, string>>;
  /**
   * One transaction: a page of the list as rows behind those that are there, and how far it has been read with it; at the end (`to` is null)
   * the rows are to be carried out. False, and nothing is written, when it was not at `from` any more.
   */
  addRows(
    accountId: string,
    id: string,
    page: {
      readonly from: string | null;
      readonly to: string | null;
      readonly rows: readonly Omit<ImportedRow, 'line'>[];
      readonly now: Instant;
    },
  ): Promise<boolean>;
  /** False when it is in another state. */
  turn(
    accountId: string,
    id: string,
    change: { readonly from: MemberImport['state']; readonly to: MemberImport['state']; readonly now: Instant },
  ): Promise<boolean>;
  /** By line, from behind `after`. */
  rows(
    accountId: string,
    id: string,
    page: { readonly outcome?: RowOutcome | undefined; readonly after: number; readonly limit: number },
  ): Promise<ImportedRow[]>;
  /**
   * One transaction: the outcome of rows that were open, and the members that come of them. `changed`, and nothing is written, when one of the
   * rows is not open any more or one of the members is there; `stopped` when somebody has stopped the import.
   */
  takeIn(
    accountId: string,
    id: string,
    rows: readonly ImportedRow[],
    members: readonly Member[],
    now: Instant,
  ): Promise<'taken' | 'changed' | 'stopped'>;
  /** The outcome of rows that were open and will not be carried out. */
  leaveOut(accountId: string, id: string, rows: readonly ImportedRow[]): Promise<void>;
  /** Removes the member that a row created, unless anything has come of them since; the row as it is then. */
  takeOut(accountId: string, id: string, row: ImportedRow, now: Instant): Promise<ImportedRow>;
}

// ── Process: load and commit ────────────────────────────────────────────────────────────────────────────────────────

export interface CaseKeys {
  readonly accountId: string;
  readonly connectionId: string;
  /** Friends and referrers, with the ids that were merged into them. */
  readonly contactIds: readonly string[];
  /** Deals, with the ids that were merged into them. */
  readonly dealIds: readonly string[];
  readonly emails: readonly string[];
  readonly codes: readonly string[];
  /** Owners of tallies that count friends by their company; none where no rule does. */
  readonly companies: readonly string[];
  /** Companies whose first referral is looked for; absent where the attribution policy counts none. */
  readonly colleaguesOf?: readonly string[] | undefined;
  /** Where a program has a risk policy. */
  readonly risk?: RiskKeys | undefined;
  /** Where the account has other connections. */
  readonly elsewhere?: ElsewhereKeys | undefined;
}

/** What the risk policies of an account's programs ask for. */
export interface RiskKeys {
  /** `contactKeys` of the people. */
  readonly mail: readonly string[];
  readonly phones: readonly string[];
  /** Referrals of a member are counted within so many hours, before each referral and before `now`. */
  readonly hours: readonly number[];
  readonly now: Instant;
}

/** What `decide` needs, without the parts that are the same for every case of an account. */
export type LoadedCase = Pick<
  State,
  'members' | 'referrals' | 'decisions' | 'rewards' | 'tallies' | 'risk' | 'tiers' | 'companies'
> & { readonly others?: LoadedElsewhere | undefined };

/** What the other connections of the account have of the same people and deals. */
export type LoadedElsewhere = Pick<Elsewhere, 'edges' | 'contacts' | 'deals'>;

/** By which versions records were decided on: nodes' clocks differ, and times do not tell it. */
export interface JudgedBy {
  /** Of the policy for several connections; null where there was none, or one connection. */
  readonly policy: number | null;
  readonly mapping: string;
}

export interface RecordSnapshot {
  readonly facts: DealFacts | ContactFacts;
  readonly readAt: Instant;
  /** The record's version when it was asked for, before the CRM answered; 0 when none was kept. */
  readonly basis: number;
  /** The key by which other connections know the record; absent where nobody asks for it. */
  readonly sharedKey?: string | null | undefined;
  /** Absent for what nothing was decided on. */
  readonly judgedBy?: JudgedBy | undefined;
}

/** A record that a plan rests on without having read it for itself. */
export interface RestsOn {
  readonly ref: RecordRef;
  readonly basis: number;
}

export interface KnownContact {
  readonly facts: ContactFacts;
  /** Rises whenever other facts are kept. */
  readonly version: number;
}

export interface Commit {
  readonly accountId: string;
  readonly plan: Plan;
  /** Records as they were read for this plan, and those that it takes for granted. */
  readonly snapshots: readonly RecordSnapshot[];
  readonly restsOn: readonly RestsOn[];
  /** Work that this commit completes; the commit fails when one of the claims is no longer held. */
  readonly settles: readonly WorkItem[];
  /** People to forget, by one of their contacts: everything that names them is blanked, and no reading of the record brings it back. */
  readonly erase: readonly RecordRef[];
  /** The account has other connections: nobody is enrolled or referred a second time who was met in another one meanwhile. */
  readonly isOneOfSeveral?: boolean | undefined;
  /** Where the attribution policy counts companies: who has to be looked at for what others write at the same moment. */
  readonly colleagues?: Colleagues | undefined;
  /**
   * How many choices of programs it knew of. A referral that it begins while somebody chooses anew would belong to a program that does not
   * apply, for good: the commit is `outdated` then. Absent: it begins none that depends on a choice.
   */
  readonly choicesSeen?: number | undefined;
  /**
   * How many versions of programs it knew of, where none of them is open to referrals that begin: somebody who is met while the first one is
   * published would belong to nobody. Absent: one is open.
   */
  readonly programsMissed?: number | undefined;
}

/** People of the companies that friends work for, all of one connection. */
export interface Colleagues {
  readonly connectionId: string;
  /** With a referral of which colleagues may follow: those who are on deals and belong to nobody are looked at. */
  readonly companyIds: readonly string[];
  /** Belong to nobody, and no referral of their company was found: one that others have written meanwhile brings them back. */
  readonly unreferred: ReadonlyArray<{ readonly contactId: string; readonly companyId: string }>;
}

/**
 * `conflict`: somebody else changed one of the entities meanwhile (load and decide again). `outdated`: somebody else has kept other
 * facts of one of the records since it was asked for, so that a plan made of these would undo what follows from those (read again).
 * `stale`: a claim was lost (drop it).
 */
export type CommitResult = 'committed' | 'conflict' | 'outdated' | 'stale';

export interface CaseStore {
  /** Contacts as last read; those never read are missing. */
  knownContacts(accountId: string, connectionId: string, ids: readonly string[]): Promise<KnownContact[]>;
  /** Contacts that deals had when they were last read, by deal id; deals that had none are missing. */
  contactsOfDeals(accountId: string, connectionId: string, dealIds: readonly string[]): Promise<Map<string, string[]>>;
  /** By record id; those never read are missing. Asked before the CRM is, so that a commit can tell whether others were faster. */
  recordVersions(
    accountId: string,
    connectionId: string,
    object: CrmObject,
    ids: readonly string[],
  ): Promise<Map<string, number>>;
  /** What was refunded of deals, by deal id, oldest first; deals of which nothing was are missing. */
  refundsOfDeals(
    accountId: string,
    connectionId: string,
    dealIds: readonly string[],
  ): Promise<Map<string, RefundFact[]>>;
  /**
   * Members and referrals of the contacts, e-mail addresses and codes (also referrals without a contact yet, by e-mail address);
   * every referral of another contact on one of the deals' decisions; the members of all these referrals; the referrals above those
   * members up to REFERRAL_CHAIN_MAX levels; all decisions and rewards of all these referrals; rewards on the deals.
   */
  load(keys: CaseKeys): Promise<LoadedCase>;
  /** Each commit is all or nothing; several share one durable transaction and do not fail one another. */
  commit(commits: readonly Commit[]): Promise<CommitResult[]>;
  /**
   * Records whose commits are best given together. A database in our own process holds up whoever waits for an answer until the last
   * statement is through; with any other each transaction costs the way there and back.
   */
  readonly togetherMax: number;
}

// ── Cases that people decide ────────────────────────────────────────────────────────────────────────────────────────

export interface CaseFilter {
  readonly kind?: CaseKind;
  readonly state?: Case['state'];
  readonly owner?: string;
  readonly overdue?: true;
  readonly referralId?: string;
  readonly rewardId?: string;
}

/** Of the open cases; a case with any of the owners. */
export interface QueueFilter {
  readonly kind?: CaseKind;
  readonly severity?: Case['severity'];
  readonly owners?: readonly string[];
}

/** An open case with the two people it is about, as far as it is about a referral. */
export interface QueuedCase {
  readonly case: Case;
  readonly people: {
    readonly memberId: string;
    readonly member: PersonNamed;
    readonly friend: PersonNamed;
  } | null;
}

interface PersonNamed {
  readonly name: string | null;
  readonly email: string | null;
}

/** `awaits_nobody`: it is decided. */
export type CaseChanged =
  | { readonly kind: 'changed'; readonly case: Case }
  | { readonly kind: 'awaits_nobody'; readonly case: Case }
  | { readonly kind: 'no_such_case' };

/** How often a signal was right, by what people decided on the rewards it was raised or not raised for. */
export interface SignalCount {
  readonly signal: string;
  readonly raised: number;
  /** Raised, and a person found nothing wrong; raised, and it was. */
  readonly overturned: number;
  readonly confirmed: number;
}

export interface SignalCounts {
  readonly signals: readonly SignalCount[];
  /** Rewards that a person has judged, and those of them that were bad: rejected, or taken back after a dispute. */
  readonly judged: number;
  readonly bad: number;
}

/** Cases are opened and settled by commits as well: see `caseChanges`. */
export interface DeskStore {
  /** Null when a case with the same cause is open, or was decided at or after `unlessDecidedSince`. */
  open(accountId: string, newCase: NewCase, unlessDecidedSince?: Instant): Promise<Case | null>;
  get(
    accountId: string,
    caseId: string,
  ): Promise<{ readonly case: Case; readonly events: readonly CaseEvent[] } | null>;
  list(accountId: string, page: PageInput, filter: CaseFilter): Promise<Page<Case>>;
  /** Open ones: those whose time is over first, then those that are due soonest. */
  queue(accountId: string, page: PageInput, filter: QueueFilter): Promise<Page<QueuedCase>>;
  comment(accountId: string, caseId: string, by: string, words: string, now: Instant): Promise<CaseChanged>;
  assign(accountId: string, caseId: string, to: string, by: string, now: Instant): Promise<CaseChanged>;
  /** Decides it and nothing else; what moves money decides it with its plan. */
  decide(accountId: string, caseId: string, word: CaseWord): Promise<CaseChanged>;
  /** Moves up to `limit` open cases whose time has passed, of all accounts, one step each. */
  escalateDue(now: Instant, limit: number): Promise<number>;
  chain(accountId: string): Promise<readonly EscalationStep[]>;
  /** For cases that are opened from now on. */
  setChain(accountId: string, chain: readonly EscalationStep[], now: Instant): Promise<void>;
  /** Of rewards granted, or judged, from `from` up to but not including `to`. */
  signalCounts(accountId: string, from: Instant, to: Instant): Promise<SignalCounts>;
  alertFacts(
    accountId: string,
    since: { readonly recentFrom: Instant; readonly baseFrom: Instant; readonly burnFrom: Instant },
  ): Promise<AlertFacts>;
  /** Those of a topic that are open, the newest first; few of an account are. */
  openAlerts(accountId: string, topic: string): Promise<Case[]>;
}

// ── What waits for a person ─────────────────────────────────────────────────────────────────────────────────────────

/** An order that is left alone until a person has looked. */
export interface ParkedOrder {
  readonly rewardId: string;
  readonly error: string;
}

/** Of an account, each read by an index and no further than its limit. */
export interface AttentionStore {
  /** Open ones: those whose time is over first, then those that are due soonest. */
  openCases(accountId: string, limit: number): Promise<Case[]>;
  parkedOrders(accountId: string, limit: number): Promise<ParkedOrder[]>;
}

// ── What is set in the app inside a CRM ─────────────────────────────────────────────────────────────────────────────

/** Settings as somebody saved them; version 0 is what holds before anybody did. */
export interface KeptAppSettings {
  readonly version: number;
  readonly settings: AppSettings;
  readonly by: string;
  readonly at: Instant;
}

export interface AppSettingsStore {
  /** In force; null when nobody has set anything. */
  newest(accountId: string, connectionId: string): Promise<KeptAppSettings | null>;
  /** Which programs were chosen for the account's connections, each connection's oldest first; none where nobody has chosen. */
  choices(accountId: string): Promise<readonly ProgramChoice[]>;
  /**
   * Adds the next version, unless the newest says the same: then that one is returned, whatever `basis` is, so that a second attempt finds
   * its first. Null when another version than `basis` is the newest. It holds from a moment after every referral that there is, whatever the
   * clock of the node says that began it: what is chosen now is never found to have been in force then.
   */
  save(
    accountId: string,
    connectionId: string,
    settings: AppSettings,
    as: { readonly basis: number; readonly by: string; readonly now: Instant },
  ): Promise<KeptAppSettings | null>;
}

/** A connection whose people want to be told of something, and of what. */
export interface WatchedConnection {
  readonly accountId: string;
  readonly connectionId: string;
  readonly routes: readonly HeldRoute[];
}

/** A case as a task of a CRM. */
export interface CaseTask {
  readonly accountId: string;
  readonly connectionId: string;
  readonly caseId: string;
  /** `none`: none is made for it · `gone`: somebody has deleted it */
  readonly state: 'wanted' | 'created' | 'completed' | 'gone' | 'none';
  /** By the CRM's own id. */
  readonly taskId: string | null;
  readonly assignee: string | null;
  /** When the CRM was asked for it last, kept before it was; null when it has surely made none. */
  readonly askedAt: Instant | null;
  /** Not before; null for never. */
  readonly dueAt: Instant | null;
  readonly attempts: number;
  readonly isParked: boolean;
  readonly error: string | null;
  readonly version: number;
}

export interface CaseTaskStore {
  /** Connected ones, of all accounts, a page at a time in the order of their ids. */
  watched(
    after: Pick<WatchedConnection, 'accountId' | 'connectionId'> | null,
    limit: number,
  ): Promise<readonly WatchedConnection[]>;
  /** Open cases from a moment on for which nobody has noted yet whether they are a task there. */
  untold(
    of: Pick<WatchedConnection, 'accountId' | 'connectionId'>,
    since: Instant,
    limit: number,
  ): Promise<readonly Case[]>;
  /** Notes it; what was noted before stays. */
  want(
    of: Pick<WatchedConnection, 'accountId' | 'connectionId'>,
    cases: ReadonlyArray<{ readonly caseId: string; readonly assignee: string | null; readonly isWanted: boolean }>,
    now: Instant,
  ): Promise<void>;
  /** Those to be made, of all accounts, in connected CRMs. */
  wanted(now: Instant, limit: number): Promise<readonly CaseTask[]>;
  /** Those whose case is decided, of all accounts, in connected CRMs. */
  over(now: Instant, limit: number): Promise<readonly CaseTask[]>;
  /** Null when somebody else has changed it since. */
  save(task: CaseTask, change: Partial<CaseTask>): Promise<CaseTask | null>;
}

// ── Deliver: payouts and mirror ─────────────────────────────────────────────────────────────────────────────────────

export interface ClaimedPayout {
  readonly accountId: string;
  readonly intent: PayoutIntent;
  readonly reward: Reward;
  readonly referral: Referral;
  readonly claim: string;
  readonly attempts: number;
}

export interface PayoutStore {
  /** Claims due orders and moves their rewards to `issuing` in the same transaction: from here on a reversal waits for the answer. */
  claim(input: ClaimInput): Promise<ClaimedPayout[]>;
  /** Accounts that have orders due, longest due first. */
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  /** Holds on to orders that wait for the ones before them. One whose claim is lost already stays lost. */
  extend(payouts: readonly ClaimedPayout[], until: Instant): Promise<void>;
  /**
   * Books the provider's final answer, and what it gave, if anything. False when the claim was lost or the reward changed: claim again,
   * the key is the same.
   */
  settle(payout: ClaimedPayout, plan: Plan, given?: GivenPayout): Promise<boolean>;
  /** The answer is unknown or the provider is down: the order stays, the reward stays `issuing`. */
  defer(payout: ClaimedPayout, input: { runAt: Instant; error: string; parked: boolean }): Promise<void>;
  nextDueAt(): Promise<Instant | null>;
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;
}

/** What a provider gave for an order. */
export interface GivenPayout {
  readonly reference: string | null;
  /** Sealed. */
  readonly voucher: string | null;
  readonly state: PayoutRecordState;
}

export type PayoutRecordState = 'asked' | 'refused' | 'issued' | PayoutNews['kind'];

/** An order at its provider. */
export interface PayoutRecord extends GivenPayout {
  readonly key: string;
  readonly rewardId: string;
  readonly provider: string;
  readonly firstTriedAt: Instant;
  readonly updatedAt: Instant;
}

export interface SealedPayoutSettings {
  readonly provider: string;
  readonly sealed: string;
  readonly updatedAt: Instant;
  /** Rises by one each time they are given. */
  readonly version: number;
}

/** A secret as it lies in the database, with what it is sealed to. */
export interface SealedPayoutSecret {
  readonly accountId: string;
  readonly id: string;
  readonly sealed: string;
}

/** What was told of an order, and not applied yet. */
export interface WaitingNews extends PayoutNews {
  readonly provider: string;
}

export interface PayoutRecordStore {
  settings(accountId: string): Promise<SealedPayoutSettings[]>;
  setting(accountId: string, provider: string): Promise<SealedPayoutSettings | null>;
  saveSetting(accountId: string, provider: string, sealed: string, now: Instant): Promise<void>;
  /** False when there was none. */
  removeSetting(accountId: string, provider: string): Promise<boolean>;
  /** Of every account, in a stable order, from behind `after`: for renewing the key they are sealed with. */
  listSealed(
    kind: 'settings' | 'voucher' | 'coupon',
    after: Pick<SealedPayoutSecret, 'accountId' | 'id'> | null,
    limit: number,
  ): Promise<SealedPayoutSecret[]>;
  /** False when the stored text is not `from` any more. */
  replaceSealed(kind: 'settings' | 'voucher' | 'coupon', from: SealedPayoutSecret, to: string): Promise<boolean>;
  /** Notes that an order is about to be sent for the first time; answers with when that was. */
  begin(accountId: string, intent: PayoutIntent, now: Instant): Promise<Instant>;
  /** Keeps a value as the reference of an order that was begun, unless it has one; answers with the one that stands. */
  choose(accountId: string, key: string, value: string, now: Instant): Promise<string>;
  record(accountId: string, key: string): Promise<PayoutRecord | null>;
  recordByReference(accountId: string, provider: string, reference: string): Promise<PayoutRecord | null>;
  recordOfReward(accountId: string, rewardId: string): Promise<PayoutRecord | null>;
  /** First tried from `from` up to but not including `to`, oldest first. */
  recordsBetween(accountId: string, provider: string, from: Instant, to: Instant): Promise<PayoutRecord[]>;
  /** Keeps each whose id is new. When this returns, they survive a crash. */
  keepNews(
    accountId: string,
    provider: string,
    news: readonly PayoutNews[],
    now: Instant,
  ): Promise<{ accepted: number; duplicates: number }>;
  /** What was not applied yet: of one order, or (`null`) of any, the oldest first and at most `limit`. */
  waitingNews(
    accountId: string,
    provider: string,
    order: { readonly key: string; readonly reference: string | null } | null,
    limit: number,
  ): Promise<WaitingNews[]>;
  /** What was not applied yet although the answer to its order is booked; the newest first, so that what nothing can be done with is in nobody's way. */
  answeredNews(accountId: string, limit: number): Promise<WaitingNews[]>;
  /** In one transaction: the plan, what became of the order, and that the news is done. False when somebody else did, or the reward changed. */
  settleNews(
    accountId: string,
    news: WaitingNews,
    done: {
      readonly effect: Exclude<NewsEffect, 'later'> | 'unknown';
      readonly key: string | null;
      readonly plan: Plan | null;
    },
    now: Instant,
  ): Promise<boolean>;
}

/** A code as it is kept: found by its hash, read only by who has the key. */
export interface SealedCoupon {
  readonly hash: string;
  readonly sealed: string;
}

export interface GivenCoupon extends SealedCoupon {
  readonly key: string;
  readonly money: Money;
  readonly givenAt: Instant;
  readonly redeemedAt: Instant | null;
  readonly withdrawnAt: Instant | null;
}

export interface CouponCount {
  readonly money: Money;
  readonly free: number;
  readonly given: number;
  readonly redeemed: number;
  readonly withdrawn: number;
}

export interface CouponStore {
  /** Codes that the account has already are left as they are. */
  add(
    accountId: string,
    coupons: readonly SealedCoupon[],
    money: Money,
    now: Instant,
  ): Promise<{ added: number; duplicates: number }>;
  /** The code of an order; another is taken from those that are free and worth exactly this. Null when none is. */
  take(accountId: string, key: string, money: Money, now: Instant): Promise<GivenCoupon | null>;
  /** The code of an order; this one becomes it if it had none. Null when another order has the very same code. */
  give(accountId: string, key: string, coupon: SealedCoupon, money: Money, now: Instant): Promise<GivenCoupon | null>;
  ofOrder(accountId: string, key: string): Promise<GivenCoupon | null>;
  /** Given out from `from` up to but not including `to`. */
  givenBetween(accountId: string, from: Instant, to: Instant): Promise<GivenCoupon[]>;
  /** Null: no such code, or it was never given out. */
  redeem(accountId: string, hash: string, now: Instant): Promise<GivenCoupon | null>;
  /** `too_late`: redeemed. An order without a code gets none later. */
  withdraw(accountId: string, key: string, now: Instant): Promise<'withdrawn' | 'too_late' | 'unknown'>;
  counts(accountId: string): Promise<CouponCount[]>;
}

export type BatchItemState = 'waiting' | 'paid' | 'refused' | 'withdrawn';

/** An order that is paid in a batch. */
export interface BatchItem {
  readonly key: string;
  readonly rewardId: string;
  readonly batchId: string;
  readonly money: Money;
  readonly state: BatchItemState;
  readonly why: string | null;
  readonly addedAt: Instant;
  readonly settledAt: Instant | null;
}

/** Orders of one provider that are sent, or paid by hand, together: open, then cut, then approved. Each is settled by itself. */
export interface PayoutBatch {
  readonly id: string;
  readonly provider: string;
  /** 1, 2, 3 … within the account. */
  readonly number: number;
  readonly openedAt: Instant;
  /** From then on nothing joins it. Null while it is open. */
  readonly cutAt: Instant | null;
  readonly cutBy: string | null;
  /** From then on its orders go out. */
  readonly approvedAt: Instant | null;
  readonly approvedBy: string | null;
  /** When its rows were handed out: somebody may be paying them, so nothing is withdrawn any more. */
  readonly exportedAt: Instant | null;
  readonly items: Readonly<Record<BatchItemState, number>>;
}

/** An item as the person who pays needs it. Names and addresses are read from where they are kept, so that erasure reaches them. */
export interface BatchRow extends BatchItem {
  readonly party: string;
  readonly name: string | null;
  readonly email: string | null;
}

/** `four_eyes`: by another person than the one who cut it. */
export type BatchApproval = 'none' | 'required' | 'four_eyes';

/** How an account pays through a provider in batches. */
export interface Batching {
  readonly provider: string;
  /** Null: cut by hand. */
  readonly schedule: BatchSchedule | null;
  readonly approval: BatchApproval;
  readonly nextCutAt: Instant | null;
}

export interface DueBatching extends Batching {
  readonly accountId: string;
  readonly nextCutAt: Instant;
}

/** Who cuts a batch; without a need for approval it is approved by that. */
export interface BatchCut {
  readonly by: string;
  readonly approval: BatchApproval;
}

export interface BatchStore {
  /** Of the account, by provider. */
  batchings(accountId: string): Promise<Batching[]>;
  batching(accountId: string, provider: string): Promise<Batching | null>;
  setBatching(accountId: string, batching: Batching, now: Instant): Promise<void>;
  /** `waiting`: orders wait in a batch that is not approved, and nobody would send them; nothing was removed. */
  removeBatching(accountId: string, provider: string): Promise<'removed' | 'waiting' | 'unknown'>;
  /** Of every account, longest due first: what a schedule says to cut. */
  dueBatchings(now: Instant, limit: number): Promise<DueBatching[]>;
  /**
   * Cuts the provider's open batch, if there is anything in it, and notes when to cut next. False when somebody else has done it
   * for this time.
   */
  cutDue(due: DueBatching, nextCutAt: Instant, now: Instant): Promise<boolean>;
  /**
   * Whether a claimed order may be sent. `held`: it waits in its batch and was given back, its reward stands as approved, so that it can
   * still be taken back or change. `taken_back`: it was to be held, and its reward is to end.
   */
  admit(payout: ClaimedPayout, money: Money, now: Instant): Promise<'go' | 'held' | 'taken_back'>;
  /** Puts an order into its provider's open batch, once; a batch is opened when none is. */
  join(
    accountId: string,
    order: { readonly key: string; readonly rewardId: string; readonly money: Money; readonly provider?: string },
    now: Instant,
  ): Promise<BatchItem>;
  item(accountId: string, key: string): Promise<BatchItem | null>;
  itemsBetween(accountId: string, from: Instant, to: Instant): Promise<BatchItem[]>;
  /** `too_late`: paid, or its batch was exported. */
  withdraw(accountId: string, key: string, now: Instant): Promise<'withdrawn' | 'too_late' | 'unknown'>;
  /** The newest first. */
  batches(accountId: string): Promise<PayoutBatch[]>;
  batch(accountId: string, batchId: string): Promise<PayoutBatch | null>;
  rows(accountId: string, batchId: string): Promise<BatchRow[]>;
  /** Closes the batch to what comes later. False when it was, or there is no such batch. */
  cut(accountId: string, batchId: string, cut: BatchCut, now: Instant): Promise<boolean>;
  /** Its orders come up at once. False when it is not cut, or was approved before. */
  approve(accountId: string, batchId: string, by: string, now: Instant): Promise<boolean>;
  /** Notes that the rows of an approved batch were handed out, the first time. */
  noteExport(accountId: string, batchId: string, now: Instant): Promise<void>;
  /** The order comes up at once to be settled. `settled`: it was marked before, and stays as it was. `open`: the batch is not approved. */
  mark(
    accountId: string,
    batchId: string,
    mark: { readonly key: string; readonly state: 'paid' | 'refused'; readonly why: string | null },
    now: Instant,
  ): Promise<'marked' | 'settled' | 'unknown' | 'open'>;
}

// ── Refunds and reports ─────────────────────────────────────────────────────────────────────────────────────────────

export interface Refund {
  /** Who told it, and its id there: the same again is the same refund. */
  readonly source: string;
  readonly id: string;
  /** Null while nobody knows. */
  readonly deal: RecordRef | null;
  readonly money: Money;
  /** By the source's clock. */
  readonly at: Instant;
  /** It came to nothing after all. */
  readonly isUndone: boolean;
}

export interface KeptRefund extends Refund {
  readonly receivedAt: Instant;
}

/** `known`: nothing is new. `changed`: it is undone now, or its deal is known now. `other`: the id stands for another amount or deal. */
export type RefundKept = 'new' | 'known' | 'changed' | 'other';

export interface RefundStore {
  /** Keeps a refund, once, and asks for its deal to be looked at when something about it is new. */
  keep(accountId: string, refund: Refund, now: Instant): Promise<RefundKept>;
  /** The newest first. */
  list(accountId: string, page: PageInput): Promise<Page<KeptRefund>>;
}

/** A comparison with a provider as somebody saw it. */
export interface KeptPayoutReport {
  readonly id: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly report: PayoutReconciliation;
  readonly by: string;
  readonly at: Instant;
}

export interface PayoutReportStore {
  keep(accountId: string, report: KeptPayoutReport): Promise<void>;
  get(accountId: string, id: string): Promise<KeptPayoutReport | null>;
  /** The newest first. */
  list(accountId: string, page: PageInput): Promise<Page<KeptPayoutReport>>;
}

export interface ClaimedMirror {
  readonly accountId: string;
  readonly record: RecordRef;
  readonly claim: string;
  /** The version that this write will acknowledge. */
  readonly wanted: number;
  /** Hash of the values that the CRM acknowledged last; null when none were. */
  readonly ackedHash: string | null;
  readonly attempts: number;
  /** Since when the CRM does not show what it should. */
  readonly markedAt?: Instant | null;
}

/** What is known of one record for composing its mirror. */
export interface MirrorSource {
  readonly record: RecordRef;
  readonly member: Member | null;
  /** Counts over all referrals of the member. */
  readonly referrals: number;
  readonly wonReferrals: number;
  /** Sums over all rewards of the person, as member or friend. */
  readonly sums: ReadonlyArray<{
    readonly state: RewardState;
    readonly currency: string;
    readonly minor: bigint;
    readonly count: number;
  }>;
  readonly lastReward: Reward | null;
  /** What was last decided of the member's tier. */
  readonly tier: TierChange | null;
  /** The referral that brought this contact, or that the deal belongs to. */
  readonly referral: Referral | null;
  /** Who referred this contact. */
  readonly referrer: Member | null;
  /** Other referrals that brought the same contact, or one that was merged into it, as one that was declined; absent where there are none. */
  readonly alsoReferred?: readonly Referral[];
  /** Members that these others belong to. */
  readonly alsoReferrers?: readonly Member[];
  /** Members whose contact was merged into this one, each with what is theirs alone; absent where there are none. */
  readonly alsoMembers?: readonly MemberSums[];
  /** Newest decision of each rule on the deal. */
  readonly decisions: readonly Decision[];
  /** Standing and ended rewards on the deal. */
  readonly rewards: readonly Reward[];
  /** Other referrals that something was decided for on the deal, as one that was its before; absent where there are none. */
  readonly alsoDecided?: readonly DecidedBeside[];
  /** Whether the referral's friend is one of the contacts that the deal was last read to have. */
  readonly isFriendOnDeal?: boolean;
}

/** A member with counts over all of their referrals and sums over all of their rewards. */
export interface MemberSums extends Pick<MirrorSource, 'referrals' | 'wonReferrals' | 'sums' | 'lastReward' | 'tier'> {
  readonly member: Member;
}

export interface DecidedBeside {
  readonly referral: Referral;
  readonly referrer: Member;
  /** Newest decision of each rule on the deal. */
  readonly decisions: readonly Decision[];
}

export interface MirrorStore {
  /** Claims due records of one connection and one kind, so that they fit one write. */
  claim(input: ClaimInput): Promise<ClaimedMirror[]>;
  /** Connections that have something due and are connected, longest due first. */
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  sources(accountId: string, records: readonly RecordRef[]): Promise<MirrorSource[]>;
  /**
   * The CRM has the values of this version. A version asked for meanwhile stays due, and so does one that was unsure when it was begun to be written, `now`
   * unless given: what was on its way then may have come after it.
   */
  acknowledge(
    items: ReadonlyArray<{ item: ClaimedMirror; hash: string }>,
    now: Instant,
    begunAt?: Instant,
  ): Promise<void>;
  /**
   * `unsureUntil`: nobody knows whether, or when, the CRM carries this write out. Until then another one may be overtaken by it, and is
   * written once more afterwards.
   */
  defer(
    item: ClaimedMirror,
    input: { runAt: Instant; error: string; parked: boolean; unsureUntil?: Instant | undefined },
  ): Promise<void>;
  /** The record is gone from the CRM: nothing is to be mirrored. */
  drop(item: ClaimedMirror): Promise<void>;
  /** Marks every mirrored record of a connection as due, as after a repaired provisioning. Returns how many were not about to be written. */
  markAll(accountId: string, connectionId: string, now: Instant): Promise<number>;
  nextDueAt(): Promise<Instant | null>;
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;
}

// ── Reads for API and card ──────────────────────────────────────────────────────────────────────────────────────────

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null at the end. */
  readonly next: PageCursor | null;
}

export interface CompanyReferral {
  readonly referral: Referral;
  readonly direction: 'in' | 'out' | 'both';
}

/** Keyset paging, newest first. A cursor that is not one of ours is refused by the API before it gets here. */
export interface PageInput {
  readonly limit: number;
  readonly cursor: PageCursor | null;
}

export interface PageCursor {
  readonly at: Instant;
  readonly id: string;
}

/** All ledger accounts of one kind and currency, added up. */
export interface LedgerSum {
  /** The first word of the accounts' names. */
  readonly kind: string;
  readonly currency: string;
  readonly minor: bigint;
  /** How many accounts had anything booked. */
  readonly accounts: number;
}

/** One ledger account in one currency, with the name of whose it is where that is a person. */
export interface LedgerAccount extends LedgerBalance {
  readonly beneficiaryId: string | null;
  readonly name: string | null;
}

/** Without `account`, `currency` is not asked for: a balance names both. */
export interface JournalFilter {
  readonly rewardId?: string;
  readonly account?: string;
  readonly currency?: string;
  readonly kind?: JournalKind;
  readonly from?: Instant;
  readonly to?: Instant;
}

/** Something that was taken back after it had been given. */
export interface ClaimedReward {
  readonly reward: Reward;
  readonly name: string | null;
  /** What its beneficiary owes at all in its currency; never below zero. */
  readonly debtMinor: bigint;
}

/** What finance reads: the books by kind, by account, and down to their journals. */
export interface LedgerStore {
  sums(accountId: string): Promise<LedgerSum[]>;
  /** Accounts of a kind that are not at zero in the currency, in the order of their names. Of `expense` and `provider`, all on one page. */
  accounts(
    accountId: string,
    page: PageInput,
    of: { readonly kind: string; readonly currency: string; readonly account?: string },
  ): Promise<Page<LedgerAccount>>;
  /**
   * Newest first. Looks at a bounded number of journals, so that a filter that hits seldom makes no page slow: one may hold fewer than
   * were asked for, or none, and still name where to go on.
   */
  journals(accountId: string, page: PageInput, filter: JournalFilter): Promise<Page<Journal>>;
  /** Rewards of which something was taken back after they were given, newest first. */
  claimed(accountId: string, page: PageInput): Promise<Page<ClaimedReward>>;
}

/** Sums by day and program, of `domain/figures.ts`, kept behind what happens. */
export interface FigureStore {
  /** Takes some of what has changed of an account into the sums; returns how much that was. Nodes may do so at the same time. */
  fold(accountId: string, now: Instant): Promise<number>;
  /** Accounts of which something has changed since. Across accounts: a worker asks. */
  waitingAccounts(): Promise<string[]>;
  /** How much of an account is not in the sums yet, counted up to 10,000, and when it was last looked at. */
  state(accountId: string): Promise<FigureState>;
  /** Rows that are nothing are left out. */
  sums(accountId: string, asked: FigureSums): Promise<FigureRow[]>;
  /** Every sum of the account is made again by the folds that follow. */
  forget(accountId: string, now: Instant): Promise<void>;
  /** Adds everything up anew; `changing` while something waits, since sums cannot be compared then. The difference is the first one, in words. */
  verify(accountId: string): Promise<FigureCheck>;
}

export type FigureCheck =
  | { readonly kind: 'equal' }
  | { readonly kind: 'changing' }
  | { readonly kind: 'different'; readonly difference: string };

export interface FigureState {
  readonly waiting: number;
  readonly foldedAt: Instant | null;
}

export interface FigureSums {
  readonly measures: readonly Measure[];
  /** Days since 1970, in UTC; both are part of it. */
  readonly from: number;
  readonly to: number;
  readonly programId?: string | undefined;
  /** Beside it, what is no money is given too. */
  readonly currency?: string | undefined;
  /** What the sums are of, beside their measure and currency. */
  readonly by: ReadonlyArray<'day' | 'program' | 'label'>;
  /** Only these. */
  readonly labels?: readonly string[] | undefined;
  /** Only so many, the largest first. */
  readonly top?: { readonly count: number; readonly by: 'n' | 'minor' } | undefined;
}

export interface FigureRow {
  readonly measure: Measure;
  /** Null unless asked for by it, as the next two. */
  readonly day: number | null;
  readonly programId: string | null;
  readonly label: string | null;
  readonly currency: string;
  readonly n: number;
  readonly minor: bigint;
}

/** A month as it was closed. What was kept of it stands in `body`, which was hashed and signed. */
export interface KeptPeriod {
  readonly id: string;
  /** Counts the closes of the account from 1, also those that were taken back: each is chained to the one before. */
  readonly number: number;
  readonly month: Month;
  readonly body: string;
  readonly hash: string;
  readonly signature: string;
  readonly keyId: string;
  readonly closedAt: Instant;
  /** Null while it stands. */
  readonly reopened: { readonly at: Instant; readonly by: string; readonly reason: string } | null;
}

/** What was booked after a month about events of that month. */
export interface LateBooking {
  readonly journals: number;
  /** By the first word of the accounts' names; debits are positive. */
  readonly sums: ReadonlyArray<{ readonly kind: string; readonly currency: string; readonly minor: bigint }>;
}

/** What it takes to add a month up again and to compare it with what was kept. */
export interface PeriodBooks {
  /** Of so many journals that were booked in the span, oldest first; `next` is null at the end. */
  movements(
    accountId: string,
    span: { readonly from: Instant; readonly to: Instant },
    page: PageInput,
  ): Promise<{ readonly movements: Movement[]; readonly journals: number; readonly next: PageCursor | null }>;
  /** By `lineKey`: how accounts stood at the end of the last month that stands closed and ended by then. */
  openings(
    accountId: string,
    keys: ReadonlyArray<{ readonly account: string; readonly currency: string }>,
    before: Instant,
  ): Promise<ReadonlyMap<string, bigint>>;
  /** In the order of their keys, those behind `after`. */
  lines(
    accountId: string,
    periodId: string,
    after: { readonly account: string; readonly currency: string } | null,
    limit: number,
  ): Promise<PeriodLine[]>;
  /** Every close of the account, oldest first. */
  chain(accountId: string): Promise<KeptPeriod[]>;
}

/** A month that is being added up. */
export interface ClosingPeriod {
  /** The end of the month. */
  readonly to: Instant;
  readonly by: string;
  readonly reason: string | null;
  readonly since: Instant;
  readonly seenAt: Instant;
  /** Added up so far, of so many. */
  readonly journals: number;
  readonly total: number;
}

export interface PeriodStore extends PeriodBooks {
  /** Null when nothing was ever booked. */
  firstBookedAt(accountId: string): Promise<Instant | null>;
  /**
   * From then on no journal that bears an earlier time is booked; those under way are through when this returns. Who asked for it, and that it is
   * under way, is kept until it is closed or taken back.
   */
  seal(accountId: string, to: Instant, as: Pick<ClosingPeriod, 'by' | 'reason'> & { at: Instant }): Promise<void>;
  /** What is being added up; null while nothing is. */
  closing(accountId: string): Promise<ClosingPeriod | null>;
  /** How far it is. False when it is over, or another month's. */
  noteClosing(
    accountId: string,
    closing: Pick<ClosingPeriod, 'to' | 'journals' | 'total'> & { at: Instant },
  ): Promise<boolean>;
  /** Closes of which nothing was heard since, as those of a node that died. */
  leftClosing(before: Instant, limit: number): Promise<Array<ClosingPeriod & { readonly accountId: string }>>;
  journalsIn(accountId: string, span: { readonly from: Instant; readonly to: Instant }): Promise<number>;
  /** False, with nothing kept, when another close has the number or its month stands closed. */
  keep(accountId: string, period: Omit<KeptPeriod, 'reopened'>, lines: readonly PeriodLine[]): Promise<boolean>;
  /** False unless it stands and is the last one that does. */
  reopen(
    accountId: string,
    periodId: string,
    as: { readonly by: string; readonly reason: string; readonly at: Instant },
  ): Promise<boolean>;
  get(accountId: string, periodId: string): Promise<KeptPeriod | null>;
  newest(accountId: string): Promise<KeptPeriod | null>;
  newestStanding(accountId: string): Promise<KeptPeriod | null>;
  /** The newest first, also those that were taken back. */
  list(accountId: string, page: PageInput): Promise<Page<KeptPeriod>>;
  linesOfKind(
    accountId: string,
    periodId: string,
    of: { readonly kind: string; readonly currency: string },
    page: PageInput,
  ): Promise<Page<PeriodLine>>;
  late(accountId: string, span: { readonly from: Instant; readonly to: Instant }): Promise<LateBooking>;
}

/** What beneficiaries were given in a year, as it was added up once. */
export interface KeptTaxReport {
  readonly id: string;
  readonly year: number;
  readonly state: 'running' | 'done';
  /** Looked at so far. */
  readonly journals: number;
  readonly counts: Readonly<Partial<Record<TaxState, number>>>;
  /** Of the thresholds that it was held against; 0 for those that are there from the start. */
  readonly settingsVersion: number;
  readonly startedAt: Instant;
  readonly startedBy: string;
  readonly finishedAt: Instant | null;
}

/** One beneficiary in one currency. Names are read when it is shown, so that erasure reaches them. */
export interface TaxRow {
  readonly beneficiaryId: string;
  readonly country: string | null;
  readonly money: Money;
  readonly threshold: { readonly money: Money; readonly form: string } | null;
}

/** What is known of somebody who was given something. */
export interface TaxPerson {
  readonly name: string | null;
  readonly email: string | null;
  /** As last read of the CRM; null where they have no contact or it was not read. */
  readonly contact: ContactFacts | null;
}

export interface TaxReportStore {
  /** Begins one, unless one of the year is under way: then that one. */
  start(
    accountId: string,
    report: Pick<KeptTaxReport, 'id' | 'year' | 'settingsVersion' | 'startedAt' | 'startedBy'>,
  ): Promise<KeptTaxReport>;
  /** Of every account, what is under way. */
  running(limit: number): Promise<ReadonlyArray<{ readonly accountId: string; readonly report: KeptTaxReport }>>;
  note(accountId: string, reportId: string, journals: number): Promise<void>;
  /** Keeps what was found in place of what was found of the year before. False when it was not under way any more. */
  finish(
    accountId: string,
    reportId: string,
    lists: ReadonlyMap<TaxState, readonly TaxRow[]>,
    now: Instant,
  ): Promise<boolean>;
  /** The newest that is done, and the one that is under way. */
  ofYear(
    accountId: string,
    year: number,
  ): Promise<{ readonly done: KeptTaxReport | null; readonly running: KeptTaxReport | null }>;
  /** In their order, those behind number `after`; -1 from the beginning. */
  rows(
    accountId: string,
    reportId: string,
    list: TaxState,
    after: number,
    limit: number,
  ): Promise<ReadonlyArray<TaxRow & { readonly number: number }>>;
  /**
   * What left the account for its beneficiaries, or came back, by the journals of a page: what providers and credit gave, less what was
   * taken back, whether it was paid back or is owed back. Oldest first.
   */
  given(
    accountId: string,
    span: { readonly from: Instant; readonly to: Instant },
    page: PageInput,
  ): Promise<{
    readonly sums: ReadonlyArray<{ readonly beneficiaryId: string; readonly money: Money }>;
    readonly journals: number;
    readonly next: PageCursor | null;
  }>;
  /** Members, and friends by their referrals. */
  people(accountId: string, ids: readonly string[]): Promise<ReadonlyMap<string, TaxPerson>>;
}

/** What open deals may still cost, as it was counted once. */
export interface KeptForecast {
  readonly id: string;
  readonly state: 'running' | 'done';
  /** Open referrals that were looked at so far. */
  readonly looked: number;
  readonly startedAt: Instant;
  readonly startedBy: string;
  readonly finishedAt: Instant | null;
  /** Null while it is under way. */
  readonly forecast: Forecast | null;
}

export interface ForecastStore {
  /** Begins one, unless one is under way: then that one. */
  start(accountId: string, forecast: Pick<KeptForecast, 'id' | 'startedAt' | 'startedBy'>): Promise<KeptForecast>;
  /** Of every account, what is under way. */
  running(limit: number): Promise<ReadonlyArray<{ readonly accountId: string; readonly id: string }>>;
  /** Who takes it up; what an earlier attempt still adds is refused from then on. Null when it is not under way. */
  begin(accountId: string, forecastId: string): Promise<number | null>;
  /** False, with nothing kept, when another attempt has begun or it is over. `from`: the number of the first line. */
  addLines(
    accountId: string,
    of: { readonly forecastId: string; readonly attempt: number; readonly looked: number },
    from: number,
    lines: readonly ForecastLine[],
  ): Promise<boolean>;
  /** In place of another one of the same day. False as for `addLines`. */
  finish(
    accountId: string,
    of: { readonly forecastId: string; readonly attempt: number },
    forecast: Forecast,
    now: Instant,
  ): Promise<boolean>;
  /** Takes away some of the lines of all but one forecast; returns how many, 0 when there are none left. Null as for `addLines`. */
  dropLines(
    accountId: string,
    of: { readonly forecastId: string; readonly attempt: number },
    keptId: string | null,
    limit: number,
  ): Promise<number | null>;
  /** Takes away what was counted before. */
  prune(accountId: string, before: Instant): Promise<void>;
  /** The newest that is done, and the one that is under way. */
  newest(accountId: string): Promise<{ readonly done: KeptForecast | null; readonly running: KeptForecast | null }>;
  /** The last one of each day, oldest first. */
  since(accountId: string, from: Instant): Promise<KeptForecast[]>;
  /** The largest amounts first; lines without an amount have no currency, deals without a close date no month. */
  lines(
    accountId: string,
    forecastId: string,
    of: { readonly currency: string | null; readonly month: Month | null },
    page: PageInput,
  ): Promise<Page<ForecastLine & { readonly number: number }>>;
  /**
   * Referrals that are neither won nor ended, by their ids, behind `after`: `looked` of them were gone through, and those whose friend is on a deal
   * that was read are here.
   */
  openReferrals(
    accountId: string,
    after: string,
    limit: number,
  ): Promise<{
    readonly items: ReadonlyArray<{ readonly referral: Referral; readonly member: Member }>;
    readonly looked: number;
    readonly next: string | null;
  }>;
  prospects(
    accountId: string,
    connectionId: string,
    dealIds: readonly string[],
  ): Promise<ReadonlyMap<string, DealProspect>>;
  stageChances(accountId: string, connectionId: string): Promise<StageChance[]>;
  /** Names of friends, for those lines that somebody looks at. */
  friends(accountId: string, referralIds: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
}

export interface LedgerBalance {
  readonly account: string;
  readonly currency: string;
  readonly minor: bigint;
}

export interface ConnectionHealth {
  readonly connectionId: string;
  readonly lastReceivedAt: Instant | null;
  readonly lastProcessedAt: Instant | null;
  readonly waiting: number;
  readonly parked: ReadonlyArray<{
    readonly object: CrmObject;
    readonly id: string;
    readonly error: string;
    readonly attempts: number;
  }>;
  readonly mirrorWaiting: number;
  readonly mirrorParked: number;
  readonly sweptTo: readonly SweepMark[];
}

export interface ReadTime {
  /** By our clock. */
  readonly at: Instant;
  /** Last change of the record as it was read, by the CRM's clock; null when the CRM did not say. */
  readonly modifiedAt: Instant | null;
  /** It was gone then. */
  readonly isDeleted?: true;
}

/**
 * `search`: what a name or an e-mail address begins with, in upper or lower case, or a whole code. Of more than `SEARCHED_MAX` that begin so,
 * the first ones of the alphabet are found.
 */
export interface MemberFilter {
  readonly search?: string;
  readonly isStaff?: true;
}

/** `friend`: what the friend's name or e-mail address begins with, found as a member is. */
export interface ReferralFilter {
  readonly memberId?: string;
  readonly assistMemberId?: string;
  readonly stage?: LifecycleStage;
  readonly programId?: string;
  readonly since?: Instant;
  readonly friend?: string;
}

export interface RewardFilter {
  readonly referralId?: string;
  readonly state?: RewardState;
  readonly party?: Party;
  readonly beneficiaryId?: string;
  readonly currency?: string;
}

/** A name for an id, for lists that name people by their ids. */
export interface Person {
  /** A member's id, or that of the referral whose friend it is. */
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
}

export interface ReadStore {
  members(accountId: string, page: PageInput, filter?: MemberFilter): Promise<Page<Member>>;
  member(accountId: string, memberId: string): Promise<Member | null>;
  memberByEmail(accountId: string, email: string): Promise<Member | null>;
  memberByContact(accountId: string, contact: RecordRef): Promise<Member | null>;
  memberByCode(accountId: string, code: string): Promise<Member | null>;
  /** Whether any account has a member with this code: a share link names nothing but the code. */
  accountOfCode(code: string): Promise<string | null>;
  referrals(accountId: string, page: PageInput, filter: ReferralFilter): Promise<Page<Referral>>;
  referral(accountId: string, referralId: string): Promise<Referral | null>;
  /** Of everybody who was last read to work for the company, as the one who was referred (`in`) or the one who referred (`out`). */
  referralsOfCompany(accountId: string, company: RecordRef, page: PageInput): Promise<Page<CompanyReferral>>;
  /** How many present contacts were last read to work for the company. */
  contactsOfCompany(accountId: string, company: RecordRef): Promise<number>;
  referralByFriend(
    accountId: string,
    programId: string,
    friend: { email: string | null; contact: RecordRef | null },
  ): Promise<Referral | null>;
  /** Addresses of members and of friends that no contact is known for yet; the newest `limit` of each. */
  unplacedEmails(accountId: string, limit: number): Promise<string[]>;
  touches(accountId: string, friend: RecordRef): Promise<Touch[]>;
  decisions(
    accountId: string,
    page: PageInput,
    /** `ruleKey` goes with one of the others: nobody looks for a rule in all decisions. */
    filter: { referralId?: string; dealId?: string; ruleKey?: string },
  ): Promise<Page<Decision>>;
  rewards(accountId: string, page: PageInput, filter: RewardFilter): Promise<Page<Reward>>;
  /** Names of members by their id, and of friends by the id of their referral. */
  people(accountId: string, ids: readonly string[]): Promise<Person[]>;
  reward(accountId: string, rewardId: string): Promise<Reward | null>;
  /** What was decided for these referrals and what came of it, the newest first, at most `limit` of each for each of them. */
  ofReferrals(
    accountId: string,
    referralIds: readonly string[],
    limit: number,
  ): Promise<{ readonly decisions: Decision[]; readonly rewards: Reward[] }>;
  journals(accountId: string, page: PageInput, filter: { rewardId?: string }): Promise<Page<Journal>>;
  balances(accountId: string): Promise<LedgerBalance[]>;
  /** Of these ledger accounts. */
  balancesOf(accountId: string, accounts: readonly string[]): Promise<LedgerBalance[]>;
  tally(accountId: string, of: Pick<Tally, 'owner' | 'key' | 'currency'>): Promise<Pick<Tally, 'count' | 'minor'>>;
  /** Deals as last read, for names and amounts on cards. */
  deals(accountId: string, refs: readonly RecordRef[]): Promise<DealFacts[]>;
  /** Deals as last read that each of the contacts is on, newest first, at most `limit` of each; by `recordKey`. */
  dealsOfContacts(
    accountId: string,
    contacts: readonly RecordRef[],
    limit: number,
  ): Promise<ReadonlyMap<string, readonly DealFacts[]>>;
  /** When each record was last read from the CRM, and in which state; those never read are missing. */
  readTimes(
    accountId: string,
    connectionId: string,
    object: CrmObject,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, ReadTime>>;
  health(accountId: string, connectionId: string, now: Instant): Promise<ConnectionHealth>;
}

// ── What happened to one referral ───────────────────────────────────────────────────────────────────────────────────

/** What was given for a reward, as the provider said it last. */
export interface PayoutFact {
  /** The order's id. */
  readonly id: string;
  readonly rewardId: string;
  readonly provider: string;
  readonly state: string;
  readonly updatedAt: Instant;
}

export interface CaseFact {
  /** Of the event: the case's and the event's number. */
  readonly id: string;
  readonly case: Pick<Case, 'id' | 'kind' | 'topic' | 'summary'>;
  readonly event: CaseEvent;
}

/** How far a CRM record shows what it should. */
export interface MirrorState {
  /** `written`: it shows everything · `waiting`: a change is on its way · `parked`: a person has to look. */
  readonly state: 'written' | 'waiting' | 'parked';
  readonly writtenAt: Instant | null;
  readonly error: string | null;
}

/** The newest `limit` facts of each kind that lie before the cursor, for a timeline that merges them. Nothing here is ever a second truth. */
export interface TimelineStore {
  touches(accountId: string, friend: RecordRef, page: PageInput): Promise<Touch[]>;
  attributions(accountId: string, referralId: string, page: PageInput): Promise<AttributionDecision[]>;
  journals(accountId: string, referralId: string, page: PageInput): Promise<Journal[]>;
  payouts(accountId: string, referralId: string, page: PageInput): Promise<PayoutFact[]>;
  caseEvents(accountId: string, referralId: string, page: PageInput): Promise<CaseFact[]>;
  /** Records that were never to show anything are missing. */
  mirrorStates(
    accountId: string,
    connectionId: string,
    object: CrmObject,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, MirrorState>>;
}

// ── How somebody looks at a list ────────────────────────────────────────────────────────────────────────────────────

/** Filters and columns of a list under a name, of one user. */
export interface UserView {
  readonly id: string;
  readonly list: string;
  readonly name: string;
  /** As the page's address has them. */
  readonly search: string;
}

export interface UserViewStore {
  /** By list and name; `list` null: of all lists. */
  list(accountId: string, owner: string, list: string | null): Promise<UserView[]>;
  /** The same name again is the same view, changed. Null when the owner has `max` others of this list. */
  save(
    accountId: string,
    owner: string,
    view: UserView,
    limits: { readonly max: number; readonly now: Instant },
  ): Promise<UserView | null>;
  /** False when the owner has no such view. */
  remove(accountId: string, owner: string, viewId: string): Promise<boolean>;
}

// ── How a connection does ───────────────────────────────────────────────────────────────────────────────────────────

/** What is counted over time of a connection. */
export type SyncMeasure =
  /** From an event in the CRM until its record was decided on, by `LAG_BOUNDS_MS`. */
  | 'decision_lag'
  /** From a decision until the CRM shows it. */
  | 'mirror_lag'
  /** Calls to the CRM by their answer. */
  | 'calls'
  /** What was put back, by the fault. */
  | 'failures';

/** A number of things within `bucket`, a quarter of an hour that is named by its beginning. */
export interface SyncCount {
  readonly measure: SyncMeasure;
  readonly label: string;
  readonly n: number;
  /** Of what was measured, added up. */
  readonly total: number;
  /** The largest. */
  readonly peak: number;
}

/** One run of the sweep over a connection. */
export interface SweepRun {
  readonly id: string;
  readonly beganAt: Instant;
  readonly endedAt: Instant;
  /** It went through everything since the connection was made. */
  readonly isFull: boolean;
  /** Records that were modified since the run before; some of them were met by it already. */
  readonly changed: number;
  /** Of those, records whose change nobody had told of by then. */
  readonly missed: number;
  /** Why it did not come to its end; null when it did. */
  readonly problem: string | null;
}

/** What became of a connection. */
export interface ConnectionEvent {
  readonly id: string;
  readonly kind: 'connected' | 'reconnected' | 'lost' | 'disconnected' | 'sweep_asked' | 'full_sweep_asked';
  /** In words for an admin. */
  readonly detail: string;
  readonly at: Instant;
}

export interface SyncQueue {
  readonly waiting: number;
  /** Since when the one that has waited longest does; null when none waits. */
  readonly oldestAt: Instant | null;
  readonly parked: number;
  /** What stands in the way now, the most frequent first. */
  readonly failures: ReadonlyArray<{ readonly error: string; readonly count: number; readonly isParked: boolean }>;
}

export interface SyncSigns {
  readonly decisions: SyncQueue;
  readonly mirror: SyncQueue;
  /** Tasks of cases that the CRM refused again and again. */
  readonly tasks: Pick<SyncQueue, 'parked' | 'failures'>;
  /** What timelines are to be told. */
  readonly timelines: Pick<SyncQueue, 'parked' | 'failures'>;
  readonly lastReceivedAt: Instant | null;
  /** Added up over the time that was asked for. */
  readonly counts: readonly SyncCount[];
  readonly lastSweep: SweepRun | null;
  /** The last one that missed something or did not come to its end. */
  readonly lastTroubledSweep: SweepRun | null;
  readonly firstSweepAt: Instant | null;
  /** Of the time that was asked for. */
  readonly swept: { readonly runs: number; readonly missed: number; readonly failed: number };
  readonly sweptTo: readonly SweepMark[];
  /** The newest of each kind. */
  readonly events: readonly ConnectionEvent[];
}

export interface SyncStore {
  /** Adds to what was counted in the quarter of an hour that `at` lies in. */
  count(accountId: string, connectionId: string, counts: readonly SyncCount[], at: Instant): Promise<void>;
  /** All at one moment; counts and sweeps since `since`. */
  signs(accountId: string, connectionId: string, since: Instant, now: Instant): Promise<SyncSigns>;
  /** Of these what the time of the next sweep is chosen by. */
  sweepSigns(
    accountId: string,
    connectionId: string,
  ): Promise<Pick<SyncSigns, 'lastSweep' | 'lastTroubledSweep' | 'firstSweepAt' | 'events'>>;
  /** Keeps a run of the sweep, and forgets runs and counts from before `keepFrom`. */
  noteSweep(accountId: string, connectionId: string, run: SweepRun, keepFrom: Instant): Promise<void>;
  /** The newest first. */
  sweeps(accountId: string, connectionId: string, page: PageInput): Promise<Page<SweepRun>>;
  note(accountId: string, connectionId: string, event: ConnectionEvent): Promise<void>;
  /** The newest first. */
  events(accountId: string, connectionId: string, page: PageInput): Promise<Page<ConnectionEvent>>;
  /** Of these records those that an event was heard of and that were not looked at since. */
  heardOf(
    accountId: string,
    connectionId: string,
    object: CrmObject,
    ids: readonly string[],
  ): Promise<ReadonlySet<string>>;
  /** Gives what of the connection waits for a person another chance now; returns how much that was. */
  retryParked(accountId: string, connectionId: string, now: Instant): Promise<number>;
}

/** What a comparison of a connection with its CRM came to. */
export interface SyncReportCounts {
  /** Records of the CRM that are where they qualify, and belong to a friend. */
  readonly qualifying: number;
  /** Of those, records that were decided on. */
  readonly decided: number;
  /** Of those, records that were not, for a reason that is known. */
  readonly explained: number;
  readonly unexplained: number;
  /** Records that should show something in the CRM. */
  readonly mirrored: number;
  /** Of those, records that showed something else. */
  readonly different: number;
  /** Of those, records that wait to be written anyway. */
  readonly pending: number;
}

/** A list behind the numbers of a report. */
export type SyncReportList = 'decided' | 'explained' | 'unexplained' | 'mirrored' | 'different' | 'pending';

/** One record in a list, and what is said of it; names and addresses are in none. */
export interface SyncReportRow {
  readonly object: 'contact' | 'deal';
  readonly id: string;
  /** By program: why it is in this list. */
  readonly reason: string;
  /** In words, or what differs. */
  readonly detail: string;
}

export interface KeptSyncReport {
  readonly id: string;
  readonly connectionId: string;
  /** Counts the reports of the connection from 1. */
  readonly number: number;
  readonly madeAt: Instant;
  readonly counts: SyncReportCounts;
  /** The very text that was hashed and signed. */
  readonly body: string;
  readonly hash: string;
  readonly signature: string;
  /** Which key of the service it was signed with. */
  readonly keyId: string;
}

/** What is known here of a deal of the CRM, for the comparison. */
export interface KnownDeal {
  readonly id: string;
  /** Newest decision of each rule for each referral, also those under ids that were merged into it. */
  readonly decisions: ReadonlyArray<{
    readonly id: string;
    readonly referralId: string;
    readonly ruleKey: string;
    readonly outcome: Decision['outcome'];
  }>;
  /** Of the contacts that were asked for with it. */
  readonly referrals: readonly Referral[];
  /** It is to be looked at again; `error` where that failed. */
  readonly work: {
    readonly isParked: boolean;
    readonly error: string | null;
    /** Null while it is parked. */
    readonly dueAt: Instant | null;
    /** Somebody looks at it now. */
    readonly isClaimed: boolean;
  } | null;
}

/** A record that should show something, and what is known of its mirror. */
export interface MirrorTarget {
  readonly record: RecordRef;
  /**
   * `unmarked`: nobody has ever asked for it to be written. `pending`: it waits to be written. `parked`: it waits for a person.
   * `gone`: the CRM does not have it any more.
   */
  readonly state: 'shown' | 'pending' | 'parked' | 'unmarked' | 'gone';
}

export interface SyncReportStore {
  /** What is known of these deals, which have these contacts. */
  knownDeals(
    accountId: string,
    connectionId: string,
    deals: ReadonlyArray<{ readonly id: string; readonly contactIds: readonly string[] }>,
  ): Promise<KnownDeal[]>;
  /** Deals that a reward stands on, by id behind `after`. */
  rewardedDeals(accountId: string, connectionId: string, after: string, limit: number): Promise<string[]>;
  /** Records of one kind that should show something, by id behind `after`. */
  mirrorTargets(
    accountId: string,
    connectionId: string,
    object: 'contact' | 'deal',
    after: string,
    limit: number,
  ): Promise<MirrorTarget[]>;
  /** Asks for these records to be written whatever they are said to show. */
  rewrite(accountId: string, records: readonly RecordRef[], now: Instant): Promise<void>;
  /** Adds rows to a list of a report that is being made; `from` is the number of the first. */
  addRows(
    accountId: string,
    reportId: string,
    list: SyncReportList,
    from: number,
    rows: readonly SyncReportRow[],
  ): Promise<void>;
  /** False when another one has been kept under its number meanwhile. */
  keep(accountId: string, report: KeptSyncReport): Promise<boolean>;
  /** Forgets the rows of a report that was not kept. */
  dropRows(accountId: string, reportId: string): Promise<void>;
  get(accountId: string, reportId: string): Promise<KeptSyncReport | null>;
  newest(accountId: string, connectionId: string): Promise<KeptSyncReport | null>;
  /** The newest first. */
  list(accountId: string, connectionId: string, page: PageInput): Promise<Page<KeptSyncReport>>;
  /** In their order, those behind number `after`; -1 from the beginning. */
  rows(
    accountId: string,
    reportId: string,
    list: SyncReportList,
    after: number,
    limit: number,
  ): Promise<ReadonlyArray<SyncReportRow & { readonly number: number }>>;
  /** Forgets up to so many rows of reports that were made before; how many they were. */
  pruneRows(accountId: string, connectionId: string, before: Instant, limit: number): Promise<number>;
  /** The newest report of those that were made before, unless it is the newest of all. */
  newestBefore(accountId: string, connectionId: string, before: Instant): Promise<KeptSyncReport | null>;
  /** Forgets the reports up to the anchor, which is kept in their place. The database lets no other report go. */
  pruneTo(accountId: string, anchor: SyncReportAnchor): Promise<void>;
  anchor(accountId: string, connectionId: string): Promise<SyncReportAnchor | null>;
}

/** Behind which report the chain of a connection begins now: the last one that was forgotten, signed. */
export interface SyncReportAnchor
  extends Pick<KeptSyncReport, 'connectionId' | 'number' | 'hash' | 'signature' | 'keyId'> {
  readonly prunedAt: Instant;
}

// ── Tiers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface DueTierLook extends TierLook {
  readonly accountId: string;
}

export interface TierStore {
  /** Members of any account whose tier is to be looked at by now, longest due first. A commit's `tierLooks` answer them. */
  due(now: Instant, limit: number): Promise<DueTierLook[]>;
  /** What holds of a member in each program, the newest first. */
  of(accountId: string, memberId: string): Promise<TierChange[]>;
  /** Every change that was ever decided: what others that react to tiers read. */
  changes(accountId: string, page: PageInput, filter: { memberId?: string }): Promise<Page<TierChange>>;
  /** What a member has done, by UTC day since 1970. */
  engagement(
    accountId: string,
    memberId: string,
    programId: string,
    kind: EngagementKind,
  ): Promise<ReadonlyMap<number, number>>;
}

// ── Policies ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A policy of an account in versions, of which the newest is in force. */
export interface PolicyStore<P> {
  /**
   * Adds the next version, immutable from then on. The same policy as the newest adds nothing and returns that one. `dryRunId`: what the
   * publisher had seen it do to all of history.
   */
  publish(accountId: string, policy: P, by: string, now: Instant, dryRunId?: string | null): Promise<PolicyVersion<P>>;
  /** In force; null when none was ever published. */
  newest(accountId: string): Promise<PolicyVersion<P> | null>;
  /** The oldest first. */
  versions(accountId: string): Promise<PolicyVersion<P>[]>;
}

/** Who is who across the connections of an account. */
export interface IdentityStore extends PolicyStore<ConnectionsPolicy> {
  /** Contacts that are or were tied to a member or a referral. */
  edgesOf(accountId: string, subject: string): Promise<IdentityEdge[]>;
  /** Addresses of people whose home is in another connection and who have no contact in this one that we know of, newest first. */
  unseenEmails(accountId: string, connectionId: string, limit: number): Promise<string[]>;
}

export interface AttributionStore extends PolicyStore<AttributionPolicy> {
  /** Everything that was decided of whose a referral is, the oldest first. */
  decisions(accountId: string, referralId: string): Promise<AttributionDecision[]>;
}

// ── Leases ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface LeaseStore {
  /** True when `owner` holds the named lease until `until`: it was free, run out, or the owner's already. */
  acquire(name: string, owner: string, now: Instant, until: Instant): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
}

// ── Workflow actions ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What a CRM makes again until it has been answered. */
export interface WorkflowCallKey {
  readonly accountId: string;
  readonly connectionId: string;
  /** The CRM's own id of the call. */
  readonly callbackId: string;
}

export type BegunCall =
  /** It is the caller's to carry out, until its lease ends. `begunAt`: when that was tried first. */
  | { readonly kind: 'begun'; readonly begunAt: Instant }
  | { readonly kind: 'answered'; readonly answer: WorkflowAnswer }
  /** Somebody else is at it, and has time until then. */
  | { readonly kind: 'under_way'; readonly until: Instant }
  /** The id came before with another wish. */
  | { readonly kind: 'other' };

export interface WorkflowCallStore {
  begin(
    call: WorkflowCallKey & {
      readonly action: string;
      readonly inputHash: string;
      readonly now: Instant;
      readonly leasedUntil: Instant;
    },
  ): Promise<BegunCall>;
  /** Keeps the answer, and with it the wait that it speaks of. The first one that was kept is the one that holds, and is returned. */
  answer(key: WorkflowCallKey, answer: WorkflowAnswer, wait: NewWait | null, now: Instant): Promise<WorkflowAnswer>;
  /** Gives a call back that could not be carried out, so that the next one need not wait for the lease: the one it was begun with, and no later one. */
  giveUp(key: WorkflowCallKey, leasedUntil: Instant): Promise<void>;
  /** Forgets up to so many calls that were begun before, with their waits; not those whose workflow still waits. How many they were. */
  prune(accountId: string, connectionId: string, before: Instant, limit: number): Promise<number>;
}

/** What a workflow waits for: a reward of a referral, or of one rule, party or deal of it. */
export interface WaitedFor {
  readonly referralId: string;
  readonly programId: string | null;
  readonly ruleKey: string | null;
  readonly party: Party | null;
  readonly dealId: string | null;
}

export interface NewWait extends WaitedFor {
  readonly expiresAt: Instant;
}

export interface ClaimedWait extends WorkflowCallKey, NewWait {
  readonly begunAt: Instant;
  readonly claim: string;
  readonly wanted: number;
  readonly attempts: number;
}

/**
 * `completed`: it was told. `expired`: the CRM has given up by itself. `forgotten`: the CRM does not know it any more, as when it was told and
 * that could not be written down.
 */
export type WaitEnd = 'completed' | 'expired' | 'forgotten';

export interface EndedWait {
  readonly wait: ClaimedWait;
  /** What was told; null for nothing. */
  readonly outcome: string | null;
}

export interface CallbackStore {
  /** Claims up to `limit` due waits of one connection. A commit that concerns their referral makes them due. */
  claim(input: ClaimInput): Promise<ClaimedWait[]>;
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  end(ended: readonly EndedWait[], state: WaitEnd): Promise<void>;
  /** Nothing to tell yet: looked at again when something happens to the referral, or when the wait is over. */
  waitOn(waits: readonly ClaimedWait[]): Promise<void>;
  defer(waits: readonly ClaimedWait[], input: { runAt: Instant; error: string; parked: boolean }): Promise<void>;
  nextDueAt(): Promise<Instant | null>;
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;
}

/** Something that the timeline of a contact is to be told. */
export interface ClaimedAppEvent {
  readonly accountId: string;
  readonly connectionId: string;
  readonly event: AppEvent;
  /** Of the person, as they are known in the connection now; null for nobody there, and for who was forgotten. */
  readonly contactId: string | null;
  readonly isForgotten: boolean;
  readonly keptAt: Instant;
  readonly claim: string;
  readonly attempts: number;
}

export interface AppEventStore {
  /** Claims up to `limit` due events of one connection, with the contacts of their people. */
  claim(input: ClaimInput): Promise<ClaimedAppEvent[]>;
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  /** Whether events of the connection wait for a person with this very problem. */
  isHeldUp(accountId: string, connectionId: string, error: string): Promise<boolean>;
  /** They were told, or are not to be told any more. */
  end(events: readonly ClaimedAppEvent[]): Promise<void>;
  defer(events: readonly ClaimedAppEvent[], input: { runAt: Instant; error: string; parked: boolean }): Promise<void>;
  nextDueAt(): Promise<Instant | null>;
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;
}

// ── Webhooks: what other systems are told ───────────────────────────────────────────────────────────────────────────

/** Where an account wants to be told of what. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  /** For people; may be empty. */
  readonly description: string;
  readonly eventTypes: readonly WebhookEventType[];
  readonly state: EndpointState;
  /** Sealed. */
  readonly secret: string;
  /** The one before, sealed, and until when it is signed with too; null where there is none. */
  readonly former: { readonly secret: string; readonly until: Instant } | null;
  readonly health: EndpointHealth;
  readonly succeededAt: Instant | null;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** Rises with each change that a person makes. */
  readonly version: number;
}

export const DELIVERY_STATES = ['waiting', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event on its way to one endpoint. */
export interface WebhookDelivery {
  readonly eventId: string;
  readonly type: SentEventType;
  readonly eventAt: Instant;
  readonly state: DeliveryState;
  /** Attempts so far, those of earlier times included. */
  readonly tries: number;
  /** When it is tried next; null when it is not, or is being tried now. */
  readonly nextAt: Instant | null;
  readonly attemptedAt: Instant | null;
  /** Of the last attempt; null where there was no answer, or no attempt. */
  readonly status: number | null;
  readonly durationMs: number | null;
  readonly problem: string | null;
}

/** One to be tried now, held by one worker for a time. */
export interface ClaimedDelivery {
  readonly accountId: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly type: SentEventType;
  readonly body: string;
  readonly claim: string;
  /** Failures since it was asked for. */
  readonly attempts: number;
}

export interface ToldDelivery {
  readonly delivery: ClaimedDelivery;
  readonly attempt: Attempt;
}

export interface SealedWebhookSecret {
  readonly accountId: string;
  readonly id: string;
  readonly secret: string;
  readonly former: string | null;
}

export interface WebhookStore {
  /** The oldest first; those that were removed are none. */
  endpoints(accountId: string): Promise<WebhookEndpoint[]>;
  endpoint(accountId: string, endpointId: string): Promise<WebhookEndpoint | null>;
  /** False, and nothing is written, when the account has as many as it may have. */
  create(accountId: string, endpoint: WebhookEndpoint): Promise<boolean>;
  /**
   * What a person has changed. `changed`: it is another version by now, and nothing was written. Switched on again it is tried at once, and
   * the alert about it ends.
   */
  save(
    accountId: string,
    endpoint: WebhookEndpoint,
    by: string,
  ): Promise<{ readonly kind: 'saved' | 'changed'; readonly endpoint: WebhookEndpoint } | null>;
  /** It is told nothing more; what it was told is forgotten with its events. False when there is none. */
  remove(accountId: string, endpointId: string, by: string, now: Instant): Promise<boolean>;

  /** Tells one endpoint of an event that is for it alone. */
  tell(accountId: string, endpointId: string, event: WebhookEvent): Promise<void>;

  /** Claims up to `limit` due deliveries of one endpoint, longest due first; one at a time while it fails. */
  claim(input: ClaimInput): Promise<ClaimedDelivery[]>;
  dueShards(now: Instant, limit: number): Promise<Shard[]>;
  /**
   * One transaction: writes down an attempt and what follows from it. `judge` is given the endpoint as it stands then. `lost`: another worker has
   * taken it meanwhile, and the attempt is written down and nothing else.
   */
  settle(
    told: ToldDelivery,
    judge: (endpoint: WebhookEndpoint) => AfterAttempt,
  ): Promise<{ readonly kind: 'settled'; readonly after: AfterAttempt } | { readonly kind: 'lost' }>;
  /** Gives deliveries back untouched and at once. */
  release(deliveries: readonly ClaimedDelivery[]): Promise<void>;
  nextDueAt(): Promise<Instant | null>;
  counts(now: Instant): Promise<{ due: number; claimed: number; later: number; parked: number }>;

  /** The newest event first. */
  deliveries(
    accountId: string,
    endpointId: string,
    page: PageInput,
    filter: { readonly state?: DeliveryState | undefined },
  ): Promise<Page<WebhookDelivery>>;
  /** With what was sent and every attempt, the newest first; null when the endpoint was never to be told of it. */
  delivery(
    accountId: string,
    endpointId: string,
    eventId: string,
  ): Promise<{
    readonly delivery: WebhookDelivery;
    readonly body: string;
    readonly attempts: readonly Attempt[];
  } | null>;
  /** Sends one event again, under its id. False when the endpoint was never to be told of it. */
  again(accountId: string, endpointId: string, eventId: string, now: Instant): Promise<boolean>;
  /**
   * Sends again what has happened since a moment, up to `limit` events in the order of time, and says behind which one to go on; also what
   * happened while the endpoint was switched off. `onlyUndelivered`: what it has taken is left out.
   */
  replay(
    accountId: string,
    endpointId: string,
    input: {
      readonly since: Instant;
      readonly after: PageCursor | null;
      readonly limit: number;
      readonly types: readonly WebhookEventType[];
      readonly onlyUndelivered: boolean;
      readonly now: Instant;
    },
  ): Promise<{ readonly asked: number; readonly next: PageCursor | null }>;
  /** Forgets up to `limit` events older than `before`, with their deliveries; returns how many. And endpoints that were removed, with the last of them. */
  prune(accountId: string, before: Instant, limit: number): Promise<number>;

  listSealed(
    after: { readonly accountId: string; readonly id: string } | null,
    limit: number,
  ): Promise<SealedWebhookSecret[]>;
  /** False when they are others by now. */
  replaceSealed(
    secret: SealedWebhookSecret,
    fresh: { readonly secret: string; readonly former: string | null },
  ): Promise<boolean>;
}

// ── Brand, consent texts, retention ─────────────────────────────────────────────────────────────────────────────────

/** What an account sets for itself as a whole, by kind. */
export interface AccountSettingsOf {
  readonly brand: Brand;
  readonly retention: RetentionSettings;
  /** Where ledger accounts go in the company's books. */
  readonly chart: readonly ChartEntry[];
  readonly tax: TaxSettings;
}

export interface KeptSettings<T> {
  readonly version: number;
  readonly settings: T;
  readonly by: string;
  readonly at: Instant;
}

export interface AccountSettingsStore {
  /** In force; null when nobody has set anything. */
  newest<K extends keyof AccountSettingsOf>(
    accountId: string,
    kind: K,
  ): Promise<KeptSettings<AccountSettingsOf[K]> | null>;
  /**
   * Adds the next version, unless the newest says the same: then that one is returned, whatever `basis` is. Null when another version than
   * `basis` is the newest.
   */
  save<K extends keyof AccountSettingsOf>(
    accountId: string,
    kind: K,
    settings: AccountSettingsOf[K],
    as: { readonly basis: number; readonly by: string; readonly now: Instant },
  ): Promise<KeptSettings<AccountSettingsOf[K]> | null>;
}

export interface Logo {
  /** Of its bytes; the end of its address. */
  readonly hash: string;
  readonly type: LogoType;
  readonly bytes: Buffer;
}

/** An account as pages and letters show it. */
export interface ShownBrand {
  readonly accountId: string;
  readonly accountName: string;
  readonly brand: Brand;
  readonly logo: string | null;
}

export interface BrandStore {
  /** Those of these accounts that exist. */
  ofAccounts(accountIds: readonly string[]): Promise<ShownBrand[]>;
  /** Null takes it away. */
  setLogo(accountId: string, logo: Logo | null, now: Instant): Promise<void>;
  /** Of whichever account: the address of a picture that pages for everybody show. */
  logo(hash: string): Promise<Logo | null>;
}

export interface ConsentStore {
  /** Newest first; all that were ever saved, of which there are few. */
  texts(accountId: string): Promise<ConsentText[]>;
  /** The newest of each purpose. */
  inForce(accountId: string): Promise<ConsentText[]>;
  text(accountId: string, purpose: ConsentPurpose, version: number): Promise<ConsentText | null>;
  /** The next version; the same text as the newest is that one. Null when another than `basis` is the newest. */
  save(accountId: string, text: Omit<ConsentText, 'version'>, basis: number): Promise<ConsentText | null>;
  /** What was shown to whom, by the ids of members and referrals; in the order of the subjects. */
  shown(accountId: string, subjects: readonly string[]): Promise<ShownConsent[]>;
}

/** How far something was forgotten. */
export interface Pruning {
  readonly item: RetentionItem;
  readonly upTo: Instant;
  readonly at: Instant;
  /** Rows in all, since it was first looked at. */
  readonly rows: number;
}

export interface RetentionStore {
  /**
   * Forgets up to so many deliveries that came before, and how many they were. The newest of a connection stays: it is when something came
   * last. Refused by the database for a time that is nearer than a delivery may come again.
   */
  pruneInbox(
    accountId: string,
    connectionId: string,
    before: Instant,
    as: { readonly now: Instant; readonly limit: number },
  ): Promise<number>;
  pruneAuditLog(accountId: string, before: Instant, limit: number): Promise<number>;
  /** In one transaction; times only move on, rows are added up. */
  note(accountId: string, prunings: readonly Pruning[]): Promise<void>;
  prunings(accountId: string): Promise<Pruning[]>;
}
