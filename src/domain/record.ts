import type { RefundFact } from './refund.ts';
import type { Instant } from './time.ts';

/** The kinds of CRM record Wonward reads. Each CRM's own names ("Opportunity") are mapped to these in its adapter. */
export type CrmObject = 'contact' | 'deal' | 'company';

/** One record in one connected CRM. The account is always carried beside it, never inside a vendor's id. */
export interface RecordRef {
  readonly connectionId: string;
  readonly object: CrmObject;
  readonly id: string;
}

/** Values of the CRM's own properties by name, for those that a rule asks about. Null is empty; a name that is missing was not read. */
export type Properties = Readonly<Record<string, string | null>>;

/**
 * What the CRM expects of an open deal. People and the CRM itself move it all the time, and nothing is ever decided by it: a forecast alone
 * reads it.
 */
export interface DealProspect {
  /** Of 10,000; null where the deal has none of its own. */
  readonly chance: number | null;
  /** When it is to be closed; null where nobody has said. */
  readonly closesAt: Instant | null;
}

/** A deal as it stood from one moment on, rebuilt from the histories that the CRM keeps of its properties. */
export interface DealPoint {
  readonly at: Instant;
  readonly pipelineId: string;
  readonly stageId: string;
  /** The CRM's own decimal string, unparsed: what is wrong with it belongs into the decision's reason. */
  readonly amount: string | null;
  /** ISO 4217. The CRM's home currency when the deal names none, since that is what its amount then means. */
  readonly currency: string | null;
  /** Absent where no rule asked about any. */
  readonly properties?: Properties;
}

/** Whether nothing that is judged changed between two points. */
export function isSameState(a: DealPoint | undefined, b: DealPoint): boolean {
  return (
    a !== undefined &&
    a.pipelineId === b.pipelineId &&
    a.stageId === b.stageId &&
    a.amount === b.amount &&
    a.currency === b.currency &&
    Object.entries(b.properties ?? {}).every(([name, value]) => a.properties?.[name] === value)
  );
}

export interface DealFacts {
  readonly ref: RecordRef;
  readonly presence: 'present' | 'deleted';
  readonly name: string | null;
  /** Oldest first; a present deal has at least one point. */
  readonly history: readonly DealPoint[];
  readonly contactIds: readonly string[];
  /** Ids that were merged into this one, and the id it was asked for under. */
  readonly formerIds: readonly string[];
  /** What was given back of it, in the order of the times; absent: nothing that we were told of. */
  readonly refunds?: readonly RefundFact[] | undefined;
  /** When it was last changed, by the CRM's own clock: which state of it this is. Not a fact about the deal, and not kept as one. */
  readonly modifiedAt?: Instant;
  /** Not a fact either, and kept beside them: another one makes no other version of the record. Absent where it was not read. */
  readonly prospect?: DealProspect;
}

/** Of a person, as they are compared with others. What is not there is not known. */
export interface ContactTraits {
  /** What kind of provider has the e-mail address, as it was known when the contact was read. */
  readonly mail?: 'company' | 'public' | 'disposable' | 'relay';
  /** E.164, or `local:` and digits where the country is not known; the mobile one first. */
  readonly phones?: readonly string[];
  /** Street, postal code and country as one text in one spelling. */
  readonly address?: string;
  /** When the CRM says that the person became a customer. */
  readonly customerSince?: Instant;
}

export interface ContactFacts {
  readonly ref: RecordRef;
  readonly presence: 'present' | 'deleted';
  readonly name: string | null;
  readonly email: string | null;
  /** The referral code that the friend gave, as written. */
  readonly usedCode: string | null;
  /** Whether the CRM says that it is one of the account's own people; absent where it says nothing. */
  readonly isStaff?: boolean | undefined;
  /** Whose contact it is, by the CRM's own ids of its users; absent where it is nobody's. */
  readonly ownerUserIds?: readonly string[] | undefined;
  /** Whether the person has unsubscribed from all e-mail; absent where the CRM says nothing. */
  readonly hasOptedOut?: boolean | undefined;
  /** Contacts that the association label "Referred by" points to. */
  readonly referredByIds: readonly string[];
  readonly formerIds: readonly string[];
  /** What risk is judged by; absent when the CRM was not asked. */
  readonly traits?: ContactTraits;
  /** Absent where no rule asked about any. They have no history here: what counts is what they were when they were last read. */
  readonly properties?: Properties;
  /** The company that the CRM names first for them; null for none, absent where no rule asked about it or it could not be read. */
  readonly company?: { readonly id: string; readonly properties: Properties } | null;
  /** They have asked to be forgotten. The CRM is not asked about them any more: it may have them still. */
  readonly isErased?: true;
  /** As for a deal. */
  readonly modifiedAt?: Instant;
}

/** All that is known of a contact who was forgotten: that there is such an id, and that it is nobody's to ask about. */
export function erasedFacts(ref: RecordRef, formerIds: readonly string[]): ContactFacts {
  return {
    ref,
    presence: 'deleted',
    name: null,
    email: null,
    usedCode: null,
    referredByIds: [],
    formerIds,
    isErased: true,
  };
}

export function sameRecord(a: RecordRef, b: RecordRef): boolean {
  return a.connectionId === b.connectionId && a.object === b.object && a.id === b.id;
}

/** A key for maps. Vendor ids never contain a space. */
export function recordKey({ connectionId, object, id }: RecordRef): string {
  return `${connectionId} ${object} ${id}`;
}

/** E-mail addresses are compared in lower case and without surrounding space; nothing else is guessed about them. */
export function normaliseEmail(raw: string | null | undefined): string | null {
  const text = raw?.trim().toLowerCase() ?? '';
  return text === '' ? null : text;
}
