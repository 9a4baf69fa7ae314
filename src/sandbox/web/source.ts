import type { CardFetchRequest, CardFetchResponse } from './client/card-protocol.ts';

/** What the pages need of the local HubSpot. The pages know this and nothing of how the local HubSpot is made. */

export type RecordKind = 'contacts' | 'deals';

export interface CompanySummary {
  readonly id: string;
  readonly name: string;
}

export interface PortalSummary {
  readonly portalId: number;
  readonly name: string;
  readonly timeZone: string;
}

export interface PropertyView {
  readonly name: string;
  readonly label: string;
  readonly group: string;
  readonly value: string;
  /** The value as a person reads it: an option's label instead of its key. */
  readonly text: string;
  readonly description: string;
}

export interface StageView {
  readonly id: string;
  readonly label: string;
  readonly outcome: 'open' | 'won' | 'lost';
}

export interface ContactSummary {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface DealSummary {
  readonly id: string;
  readonly name: string;
  readonly stage: StageView;
  readonly amount: string;
  readonly currency: string;
}

export interface PortalHome {
  readonly portal: PortalSummary;
  readonly contacts: readonly ContactSummary[];
  readonly deals: readonly DealSummary[];
  readonly companies: readonly CompanySummary[];
}

export type Linked<T> = T & { readonly labels: readonly string[] };

export interface ContactView {
  readonly portal: PortalSummary;
  readonly contact: ContactSummary;
  readonly properties: readonly PropertyView[];
  readonly contacts: readonly Linked<ContactSummary>[];
  readonly deals: readonly Linked<DealSummary>[];
  /** What apps have told its timeline, newest first. */
  readonly timeline: readonly TimelineView[];
}

export interface TimelineView {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** As the app calls this kind of event. */
  readonly app: string;
  /** Markdown. */
  readonly header: string;
  readonly detail: string;
}

export interface DealView {
  readonly portal: PortalSummary;
  readonly deal: DealSummary;
  readonly pipeline: { readonly label: string; readonly stages: readonly StageView[] };
  readonly properties: readonly PropertyView[];
  readonly contacts: readonly Linked<ContactSummary>[];
}

export interface CompanyView {
  readonly portal: PortalSummary;
  readonly company: CompanySummary;
  readonly properties: readonly PropertyView[];
  readonly contacts: readonly Linked<ContactSummary>[];
}

export interface DeliveryView {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly attempts: number;
  readonly status: number | null;
  readonly outcome: 'delivered' | 'failed' | 'pending';
  readonly events: readonly string[];
}

export interface SandboxSource {
  portals(): Promise<readonly PortalSummary[]>;
  /** null here and below: there is no such portal or record. */
  home(portalId: number): Promise<PortalHome | null>;
  contact(portalId: number, id: string): Promise<ContactView | null>;
  deal(portalId: number, id: string): Promise<DealView | null>;
  company(portalId: number, id: string): Promise<CompanyView | null>;
  /** As a person in HubSpot would: the change raises webhooks. A sentence when HubSpot refuses the change. */
  update(
    portalId: number,
    kind: RecordKind,
    id: string,
    properties: Readonly<Record<string, string>>,
  ): Promise<string | null>;
  /** Newest first. */
  deliveries(portalId: number): Promise<readonly DeliveryView[]>;
  sendAgain(portalId: number, deliveryId: string): Promise<void>;
  /** hubspot.fetch: signed with the app's secret, the portal's identity added. */
  fetchAsCard(portalId: number, request: CardFetchRequest): Promise<CardFetchResponse>;
}
