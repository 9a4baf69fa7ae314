import type { AppEvent } from '../../domain/app-event.ts';
import type { Language } from '../../domain/brand.ts';
import type { StageCatalog } from '../../domain/mapping.ts';
import type { MirrorValues, RecordRows } from '../../domain/mirror.ts';
import type { WantedProperties } from '../../domain/property.ts';
import type { ContactFacts, CrmObject, DealFacts, RecordRef } from '../../domain/record.ts';
import type { Instant } from '../../domain/time.ts';
import type { CrmStream } from './crm-stream.ts';

/**
 * What Wonward needs of a CRM. One folder under src/crm/ implements it per vendor; the conformance suite in
 * test/conformance/crm.ts says in tests what the words below promise.
 *
 * Every method that talks to the CRM throws a `Fault` when it could not get an answer. "The record does not exist" is an
 * answer (`presence: 'deleted'`); "could not read" never is.
 */
export interface CrmConnector {
  /** Folder name and the value of `connections.provider`. */
  readonly provider: string;
  readonly oauth: CrmOAuth;
  /** What the app asks for and cannot do without, by the names of `CrmGrant.scopes`. */
  readonly requiredScopes: readonly string[];
  /** Null for a CRM that calls nobody: what changed there is listened for. */
  readonly inbound: CrmInbound | null;
  /** Absent where the CRM tells of changes only by calling us. */
  readonly stream?: CrmStream;
  /** Absent for a CRM whose workflows write down what they ask for. */
  readonly workflows?: CrmWorkflows;
  /** Its people can be told of something by tasks. Absent where they cannot. */
  readonly hasTasks?: true;
  /** The CRM's admins may have rules by which it refuses a row for being like another one. Absent where there are none. */
  readonly hasDuplicateRules?: true;
  /** Calls of all apps together are counted by the day, and ours are held to a share of them. Absent where each app has a limit of its own. */
  readonly hasDailyCalls?: true;
  /** What has to be granted for `CrmSession.objects`, by the names of `CrmGrant.scopes`. Absent where a customer has no such choice. */
  readonly objectScopes?: readonly string[];
  /** What has to be granted for `CrmSession.appEvents`. Absent where timelines take nothing of ours, or our app is not approved for it. */
  readonly appEventScopes?: readonly string[];
  /** A way to talk to one connected CRM. Cheap to call; keeps no state but the rate budget of the connection. */
  open(access: CrmAccess): CrmSession;
  /** Where a person opens a record in the CRM; null when the portal's host is not known or the object has no page. */
  recordUrl(portal: { externalId: string; uiHost: string | null }, record: RecordRef): string | null;
}

/** Where a rule of the CRM's own takes a row of ours for one that is there: leave it to a person, or save it where the rule lets us. */
export type DuplicateRules = 'respect' | 'allow';

export interface CrmAccess {
  readonly connectionId: string;
  /** The vendor's own id of the portal or org. */
  readonly externalId: string;
  /** Where the portal's or org's API is, for a vendor whose customers each have an address of their own; absent where all have one. */
  readonly apiUrl?: string | undefined;
  /** ISO 4217 code in which a deal without a currency of its own is meant; null when the CRM did not say. */
  readonly homeCurrency: string | null;
  /** What the connection may do, as the CRM granted it. */
  readonly scopes: readonly string[];
  /** Absent until somebody says so: they are respected. */
  readonly duplicateRules?: DuplicateRules | undefined;
  /** In percent of the CRM's API calls of a day; absent until somebody says so: the service's usual share. */
  readonly callShare?: number | undefined;
  /** What is done with it can wait: it takes a part of the calls, and leaves the others to what happens today. Absent: it is of today. */
  readonly pace?: 'background' | undefined;
  /**
   * A valid access token. `rejected` names a token that the CRM has just answered with 401, so that one more refresh is made
   * for it, once, whoever asks.
   */
  accessToken(rejected?: string): Promise<string>;
}

export interface CrmGrant {
  readonly externalId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: Instant;
  readonly scopes: readonly string[];
  /** Who consented, by the CRM's own id; absent where it does not say. */
  readonly userId?: string | undefined;
  /** As in `CrmAccess`. */
  readonly apiUrl?: string | undefined;
}

/** What an admin is asked to let us do, and why. */
export interface CrmPermission {
  readonly name: string;
  readonly reason: string;
  /** Whoever does not grant it is served without what it is for. */
  readonly isOptional: boolean;
}

export interface CrmOAuth {
  /** Absent for a CRM that asks for all or nothing, in words of its own. */
  readonly permissions?: readonly CrmPermission[];
  /**
   * Where the admin's browser goes to consent. `site` is where they log in, for a CRM that has several such places; absent for the usual
   * one. Null when `site` is not one of the vendor's.
   */
  authorizeUrl(input: { state: string; redirectUri: string; site?: string | undefined }): string | null;
  /**
   * With the `state` and `site` that the consent was asked for with.
   * @throws Fault `authorisation_revoked` when the code is used, expired or foreign; `app_misconfigured` for our own secret.
   */
  exchangeCode(input: {
    code: string;
    redirectUri: string;
    state: string;
    site?: string | undefined;
  }): Promise<CrmGrant>;
  /** @throws Fault `authorisation_revoked` when the install is gone; `app_misconfigured` for our own secret, never the former. */
  refresh(input: { refreshToken: string; apiUrl?: string | undefined }): Promise<CrmGrant>;
  /**
   * Takes the app out of the CRM when an admin disconnects, with its cards, webhooks and tokens. Absent for a CRM where only its own admins can.
   */
  uninstall?(input: { accessToken: string }): Promise<void>;
  /** Gives the authorisation back when an admin disconnects. */
  revoke(input: { refreshToken: string; apiUrl?: string | undefined }): Promise<void>;
}

/** A request as it arrived, before anything was parsed. */
export interface RawRequest {
  readonly method: string;
  /** The public URL the vendor called, query included, built from PUBLIC_URL and never from request headers. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export type SignatureVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: 'missing' | 'malformed' | 'stale' | 'future' | 'mismatch' };

/** News that records may have changed. It says where to look, never what is true. */
export interface Hint {
  /** Equal for two deliveries of the same event, different for any two events. Unique within the portal or org. */
  readonly eventKey: string;
  readonly externalId: string;
  readonly kind: 'change' | 'deletion' | 'merge' | 'association' | 'erasure' | 'ignored';
  /** Every record that has to be read again. Empty for `ignored`. */
  readonly records: ReadonlyArray<{ readonly object: CrmObject; readonly id: string }>;
  readonly occurredAt: Instant | null;
  /** True when the change was made by our own writes. */
  readonly echo: boolean;
  /** The event as it came, for the inbox. */
  readonly payload: unknown;
}

export type HintsResult =
  | { readonly ok: true; readonly hints: readonly Hint[] }
  | {
      readonly ok: false;
      readonly problem: 'not_json' | 'not_an_array' | 'too_many_events' | 'malformed_event';
      readonly detail: string;
    };

export interface CrmInbound {
  verify(request: RawRequest, now: Instant): SignatureVerdict;
  parseHints(body: Uint8Array): HintsResult;
}

export interface CrmAccountInfo {
  readonly externalId: string;
  readonly homeCurrency: string | null;
  readonly timeZone: string | null;
  /** Host of the CRM's user interface, for links into records. */
  readonly uiHost: string | null;
}

export interface ChangedPage {
  /** May be empty before the end. */
  readonly records: ReadonlyArray<{ readonly id: string; readonly modifiedAt: Instant }>;
  /** The CRM lists no record here that is deleted. */
  readonly isPresentOnly?: true;
  /** About how many there are from this page on; absent where the CRM does not say. */
  readonly total?: number | undefined;
  /** Opaque; null at the end. */
  readonly next: string | null;
  /** When this was asked, by the CRM's own clock. */
  readonly asOf: Instant;
}

export interface ProvisionReport {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  /** Things of the customer that bear our name; they are left alone and what belongs there is not mirrored. */
  readonly conflicts: ReadonlyArray<{ readonly name: string; readonly problem: string }>;
  /** The types of all properties of the objects that were read for it, by the CRM's own names. An object that is missing was not read. */
  readonly properties?: ReadonlyMap<CrmObject, ReadonlyMap<string, string>>;
}

/** Deals by when they were created, or by where they stand now. */
export type DealsAsked =
  | { readonly by: 'creation'; readonly from: Instant; readonly before: Instant }
  | { readonly by: 'stage'; readonly pipelineId: string; readonly stageId: string };

export interface DealIdsPage {
  readonly ids: readonly string[];
  /** How many there are beyond `after`, this page included; null when the CRM did not say. */
  readonly total: number | null;
  /** What to go on with; null at the end. */
  readonly next: string | null;
}

/** One record and what it should show: the values of its fields, or the rows of our objects that are about it. */
export interface MirrorRow {
  readonly id: string;
  readonly values: MirrorValues | RecordRows;
}

/** What became of one row of a write. Rows that are not named by the CRM's answer are `retry`, never assumed written. */
export type MirrorOutcome =
  | { readonly id: string; readonly result: 'written' }
  /** The record is deleted or merged away; a hint for it is on its way or can be made. */
  | { readonly id: string; readonly result: 'gone' }
  /** One of our properties is missing in the CRM: provision, then write again. */
  | { readonly id: string; readonly result: 'unprovisioned'; readonly detail: string }
  | { readonly id: string; readonly result: 'rejected'; readonly detail: string }
  | { readonly id: string; readonly result: 'retry'; readonly detail: string };

/** What is used of the limit that a vendor sets for calls to its API, as the node that is asked knows it. */
export interface ApiUse {
  readonly used: number;
  readonly limit: number;
  /** What the limit is over. */
  readonly windowMs: number;
  /** Of all apps of the customer together, or of ours alone. */
  readonly of: 'everyone' | 'wonward';
}

/** A stage of a pipeline or record type, by the CRM's own ids. */
export interface StageRef {
  readonly pipelineId: string;
  readonly stageId: string;
}

/** A deal as it stands now, without its history. */
export interface StandingDeal extends StageRef {
  readonly id: string;
  readonly contactIds: readonly string[];
  /** Null where the CRM does not say. */
  readonly createdAt: Instant | null;
}

export interface StandingPage {
  readonly deals: readonly StandingDeal[];
  /** Opaque; null at the end. */
  readonly next: string | null;
}

/** What a record shows of ours, against what it should. `fields`: names of those that differ. */
export type MirrorComparison =
  | { readonly id: string; readonly result: 'same' | 'gone' }
  | { readonly id: string; readonly result: 'different'; readonly fields: readonly string[] };

export interface CrmWhole {
  /** Deals that stand in one of these stages now, a page at a time. Complete also beyond the vendor's search window; no deal comes twice. */
  dealsInStages(input: { stages: readonly StageRef[]; cursor: string | null }): Promise<StandingPage>;
  /** Reads what records show and writes nothing; one answer for each row. */
  compareMirror(object: 'contact' | 'deal', rows: readonly MirrorRow[]): Promise<MirrorComparison[]>;
}

/** The rows of our own objects that are about a record, for a CRM that has them beside the properties of the record. */
export interface RecordOwnRows {
  readonly id: string;
  readonly rows: Pick<RecordRows, 'referrals' | 'rewards'>;
}

/** Objects of our own in a CRM that can do without them: a customer chooses them, and may have a subscription without. */
export interface CrmOwnObjects {
  /** What keeps them from being had, in words for an admin of the CRM; null when they are there or can be made. Writes nothing. */
  obstacle(): Promise<string | null>;
  /** Creates what is missing, as the session's own `provision`. */
  provision(beforeCreating?: () => Promise<void>): Promise<ProvisionReport>;
  /** As the session's own `writeMirror`; what a record no longer tells of is taken away. */
  write(object: 'contact' | 'deal', rows: readonly RecordOwnRows[]): Promise<MirrorOutcome[]>;
  /** Reads and writes nothing; one answer for each record. */
  compare(object: 'contact' | 'deal', rows: readonly RecordOwnRows[]): Promise<MirrorComparison[]>;
  /** Takes away at most `max` rows of each object and leaves the objects; called again, it goes on. */
  remove(max: number): Promise<{ readonly removed: number; readonly isDone: boolean }>;
}

/** Somebody of the customer's own people, whom records belong to. */
export interface CrmOwner {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly isActive: boolean;
}

/** Who owns deals now; deals that nobody owns, or that are gone, are left out. Null where the CRM keeps its users to itself. */
export type CrmOwners = (dealIds: readonly string[]) => Promise<{
  readonly byDeal: ReadonlyMap<string, string>;
  readonly owners: readonly CrmOwner[];
} | null>;

export interface CrmSession {
  /** Whether `writeMirror` is given the values of a record's fields, or rows of our own objects. */
  readonly mirrors: 'properties' | 'rows';
  account(): Promise<CrmAccountInfo>;
  stages(): Promise<StageCatalog>;
  /**
   * Deals with their history and their contacts, one entry per distinct deal, in no order. An id that was merged away comes back
   * under its new id with the old one in `formerIds`; one that is gone comes back as deleted. `more` names further properties to read
   * into `properties`; one that the CRM does not have is left out there.
   */
  readDeals(ids: readonly string[], wanted?: WantedProperties): Promise<DealFacts[]>;
  readContacts(ids: readonly string[], wanted?: WantedProperties): Promise<ContactFacts[]>;
  /** The CRM's own names of an object's properties; null where the connection may not read the object. */
  propertyNames(object: CrmObject): Promise<ReadonlySet<string> | null>;
  /** Deal ids by contact id; a contact without deals has an empty list. */
  dealsOfContacts(contactIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Ids of the contacts that have one of these addresses (lower case), in no order. Addresses that nobody has add nothing. */
  contactsByEmail(emails: readonly string[]): Promise<readonly string[]>;
  /** Records modified at or after `since`, oldest first, a page at a time. Complete also beyond the vendor's search window. */
  changedSince(input: { object: 'contact' | 'deal'; since: Instant; cursor: string | null }): Promise<ChangedPage>;
  /** Ids of deals in the order of their ids, behind `after`, a page of at most `limit` (200) at a time. */
  dealIds(input: { asked: DealsAsked; after: string | null; limit: number }): Promise<DealIdsPage>;
  /**
   * Creates what is missing of group, properties and association labels. Safe to call again at any time. Properties that are created are
   * empty; `beforeCreating` is for noting down that all values have to be written anew, since the answer to a creation may get lost.
   */
  provision(beforeCreating?: () => Promise<void>): Promise<ProvisionReport>;
  writeMirror(object: 'contact' | 'deal', rows: readonly MirrorRow[]): Promise<MirrorOutcome[]>;
  /** Absent for a CRM that asks by calling us. */
  readonly requests?: CrmRequests;
  /** A merge is told only by the record that was merged away, and only while that lies in the bin: the survivor is like any other. */
  readonly forgetsMerges?: true;
  /** Records of companies show a card of ours: who works where is read with every contact. Absent where they do not. */
  readonly showsCompanies?: true;
  /**
   * For pages of the CRM that ask nobody: what is read out to a friend before they are entered stands there as it is given, or nothing does
   * (null). The same again is the same. Absent for a CRM whose pages ask us.
   */
  readonly showConsent?: (shown: ConsentWords | null) => Promise<ConsentShown>;
  /** Absent for a CRM in which nobody is told by tasks of ours. */
  readonly tasks?: CrmTasks;
  /** Absent for a CRM whose own pages search and create contacts. */
  readonly people?: CrmPeople;
  /** Absent for a CRM that has none, and where the connection may not read them. */
  readonly lists?: CrmLists;
  /** Absent where the connection may not read who the CRM's own users are. */
  readonly owners?: CrmOwners;
  /**
   * Tells workflows that wait for us what has become of it. Those that are named in `unknown` the CRM does not know, or not any more; telling one
   * of the others twice does no harm. Absent where the CRM has no such thing, or the connection may not do it.
   */
  completeCallbacks?(callbacks: readonly CallbackWord[]): Promise<{ readonly unknown: ReadonlySet<string> }>;
  /** Asks nobody; null before the first call. */
  readonly apiUse?: () => ApiUse | null;
  /** For comparing all that the CRM has with all that is known here; absent for one that cannot be compared. */
  readonly whole?: CrmWhole;
  /** Absent for a CRM without them, and where the connection may not have them. */
  readonly objects?: CrmOwnObjects;
  /** Absent where timelines take nothing of ours, and where the connection may not write to them. */
  readonly appEvents?: CrmAppEvents;
}

/** What the timeline of one contact is told. */
export interface NewAppEvent extends Omit<AppEvent, 'personId' | 'programId' | 'referralId' | 'rewardId'> {
  /** By the CRM's own id. */
  readonly contactId: string;
  /** As people call it. */
  readonly program: string;
  /** Where it can be read in full; null for nowhere. */
  readonly link: string | null;
}

export type AppEventOutcome =
  /** It stands there, written now or before. */
  | { readonly id: string; readonly result: 'told' }
  /** There is no such contact any more: deleted, or merged into another. */
  | { readonly id: string; readonly result: 'gone' }
  | { readonly id: string; readonly result: 'rejected' | 'retry'; readonly detail: string };

export interface CrmAppEvents {
  /** Each is told once, however often it is sent: the CRM knows it by its id. One outcome for each. */
  tell(events: readonly NewAppEvent[]): Promise<AppEventOutcome[]>;
}

/** People whom the customer has put together in the CRM, by hand or by a rule of theirs. */
export interface CrmList {
  /** The CRM's own id. */
  readonly id: string;
  readonly name: string;
  /** About how many are on it; null where the CRM does not say. */
  readonly size: number | null;
}

export interface CrmLists {
  /** Lists of people whose name holds the text, all of them for an empty one; at most `limit` (100). */
  find(text: string, limit: number): Promise<CrmList[]>;
  /** Null when there is no such list, or it is not one of people. */
  get(id: string): Promise<CrmList | null>;
  /**
   * Ids of the contacts on a list in the order of their ids, a page at a time; null when the list is gone. Whoever stays on the list while it
   * is read comes once. `next` is null at the end.
   */
  members(
    id: string,
    cursor: string | null,
  ): Promise<{ readonly ids: readonly string[]; readonly next: string | null } | null>;
}

/** A task for a person of the CRM. */
export interface NewTask {
  readonly title: string;
  /** Plain text, a paragraph each. */
  readonly lines: readonly string[];
  readonly dueAt: Instant;
  readonly priority: 'low' | 'medium' | 'high';
  /** By the CRM's own id of an owner; null for nobody's. */
  readonly assignee: string | null;
  /** Records that show it. */
  readonly about: readonly RecordRef[];
}

export interface CrmTasks {
  /**
   * Asked once and not again by itself: a CRM has no id of ours to know a second attempt by.
   * @returns the task's id.
   * @throws Fault `crm_unavailable` or `crm_unreadable_answer` when it may have been made all the same; any other when it was not.
   */
  create(task: NewTask): Promise<string>;
  /** Ids of the tasks with this very title, the oldest first. One that was made within the last seconds may be missing. */
  find(title: string): Promise<readonly string[]>;
  /** The same again is the same. */
  complete(id: string): Promise<'completed' | 'gone'>;
}

export interface FoundPerson {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
}

export interface NewPerson {
  /** Chosen by who asks: the same key again is the same contact. */
  readonly key: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
}

/** Contacts as a person at a card looks for them. */
export interface CrmPeople {
  /** Whose name or address begins with what was typed, those that changed last first. Who was created seconds ago may be missing. */
  find(text: string, limit: number): Promise<FoundPerson[]>;
  /** The contact with this address, or a new one. @throws Fault `crm_rejected` when the CRM refuses it. */
  create(person: NewPerson): Promise<{ readonly id: string }>;
}

/** What a workflow that waits is told. */
export interface CallbackWord {
  /** The CRM's own id of the call that waits. */
  readonly callbackId: string;
  readonly answer: WorkflowAnswer;
}

/** What a workflow is told. Stored as it is given; holds no name and no address. */
export interface WorkflowAnswer {
  /** `waits`: it is told later, by a callback. */
  readonly state: 'done' | 'refused' | 'waits';
  /** For branches. */
  readonly code: string;
  /** For people. */
  readonly words: string;
  readonly result: Readonly<Record<string, string | null>>;
  /** How long it waits at the most, in days; 0 when it does not. */
  readonly days: number;
}

/** As a workflow of a CRM calls it, with everything in it signed by the CRM. */
export interface WorkflowCall {
  readonly provider: string;
  /** The portal that the workflow runs in. */
  readonly externalId: string;
  readonly action: string;
  /** The CRM's own id of the call. */
  readonly callbackId: string;
  /** Names the workflow, as it stands with what it decides. */
  readonly askedBy: string;
  readonly record: { readonly object: 'contact' | 'deal' | 'other'; readonly id: string };
  /** Of a contact, as sent along. */
  readonly seen: CrmRequest['seen'];
  /** As the admin filled them in; empty ones are left out. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** The calls of workflows, as the CRM makes and signs them. */
export interface CrmWorkflows {
  verify(request: RawRequest, now: Instant): SignatureVerdict;
  /** What `action`, named by the address, is called with. */
  parseCall(action: string, body: Uint8Array): ReadWorkflow<WorkflowCall>;
  parseChoices(body: Uint8Array): ReadWorkflow<WorkflowChoices>;
  /** The body that tells the workflow. */
  answered(answer: WorkflowAnswer): unknown;
}

/** What was read, or what is wrong with it, which names the field. */
export type ReadWorkflow<T> = { readonly ok: true; readonly read: T } | { readonly ok: false; readonly detail: string };

/** An admin who builds a workflow opens a list of what can be chosen. */
export interface WorkflowChoices {
  readonly externalId: string;
  /** What was chosen for other inputs. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly search: string;
  /** Where the last page ended. */
  readonly after: string | null;
}

/** What a person or a flow asks for in the CRM, written down there and read by us: it waits while nobody is there to hear it. */
export interface CrmRequest {
  /** The CRM's own id of what was written down. */
  readonly id: string;
  readonly type: string;
  /** Who wrote it down, by the CRM's own id. */
  readonly askedBy: string;
  /** What it is about, as far as the CRM's own look-ups say. */
  readonly contactId: string | null;
  readonly dealId: string | null;
  /** What the CRM told of the contact along with the request; absent where it has to be asked. */
  readonly seen?: Pick<ContactFacts, 'name' | 'email'> | undefined;
  /** By our keys: the referral, the member and the reward row that the CRM's rows stand for. */
  readonly referralKey: string | null;
  readonly memberKey: string | null;
  readonly rewardKey: string | null;
  /** What was sent along, parsed; null when it is no JSON. */
  readonly body: unknown;
}

export interface CrmAnswer {
  readonly id: string;
  readonly status: 'done' | 'refused' | 'failed';
  /** For programs. */
  readonly code: string;
  /** For people. */
  readonly words: string;
  readonly result: Readonly<Record<string, string | null>>;
}

/** A consent text in one of its languages. */
export interface ConsentWords {
  readonly version: number;
  readonly language: Language;
  readonly text: string;
}

/**
 * `unprovisioned`: what it would stand in is missing, as `provision` tells. `refused`: the CRM does not take it; `detail` says why, in words for
 * an admin. Whatever stood there before still does.
 */
export type ConsentShown =
  | { readonly result: 'written' | 'same' | 'unprovisioned' }
  | { readonly result: 'refused'; readonly name: string; readonly detail: string };

export interface CrmRequests {
  /** Those that nobody has answered, the oldest first. */
  open(limit: number): Promise<CrmRequest[]>;
  /** Ids of those whose answer the CRM did not take; they stay open. */
  answer(answers: readonly CrmAnswer[]): Promise<readonly string[]>;
}
