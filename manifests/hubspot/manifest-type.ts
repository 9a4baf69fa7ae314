/** The shape of what Wonward declares to HubSpot. Names of fields are HubSpot's where HubSpot has one. */
export interface HubspotManifest {
  readonly platformVersion: string;
  readonly project: { readonly name: string; readonly srcDir: string };
  readonly app: {
    readonly uid: string;
    readonly name: string;
    readonly description: string;
    readonly support: Readonly<Record<'supportEmail' | 'documentationUrl' | 'supportUrl' | 'supportPhone', string>>;
  };
  readonly oauth: {
    /** The install URL must ask for exactly this set, or HubSpot blocks the install. */
    readonly requiredScopes: readonly string[];
    readonly optionalScopes: readonly string[];
    /** Below the public URL. */
    readonly redirectPath: string;
  };
  readonly webhooks: {
    readonly uid: string;
    /** Below the public URL. */
    readonly path: string;
    readonly maxConcurrentRequests: number;
    readonly crmObjects: readonly CrmSubscription[];
    readonly hubEvents: readonly { readonly subscriptionType: string }[];
  };
  readonly cards: readonly CardDeclaration[];
  readonly propertyGroup: { readonly name: string; readonly label: string };
  readonly properties: Readonly<Record<HubspotObject, readonly PropertyDeclaration[]>>;
  readonly associationLabels: readonly AssociationLabelDeclaration[];
}

export type HubspotObject = 'contact' | 'deal';

export type CrmSubscription =
  | { readonly subscriptionType: Exclude<ObjectEvent, 'object.propertyChange'>; readonly objectType: HubspotObject }
  | {
      readonly subscriptionType: 'object.propertyChange';
      readonly objectType: HubspotObject;
      readonly propertyName: string;
    };

export type ObjectEvent =
  | 'object.creation'
  | 'object.deletion'
  | 'object.restore'
  | 'object.merge'
  | 'object.associationChange'
  | 'object.propertyChange';

export interface CardDeclaration {
  readonly uid: string;
  readonly name: string;
  /** Shown in the card library, where an admin decides whether to place the card. */
  readonly description: string;
  readonly location: 'crm.record.tab' | 'crm.record.sidebar' | 'crm.preview' | 'helpdesk.sidebar';
  /** File below src/app/cards. */
  readonly entry: string;
  readonly objectTypes: readonly string[];
  /** Where the card reads, below the public URL. */
  readonly apiPath: string;
}

/** As POST /crm/properties/2026-03/{objectType} wants it, without the group. */
export interface PropertyDeclaration {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'string' | 'number' | 'datetime' | 'enumeration';
  readonly fieldType: 'text' | 'textarea' | 'number' | 'date' | 'select';
  readonly hasUniqueValue?: true;
  readonly formField?: true;
  readonly options?: readonly { readonly label: string; readonly value: string; readonly displayOrder: number }[];
  /** wonward: we write it and nobody else should. customer: the portal fills it and we only read. */
  readonly owner: 'wonward' | 'customer';
}

/** A paired label: HubSpot makes two association types of it, one per direction. */
export interface AssociationLabelDeclaration {
  readonly fromObjectType: 'contacts' | 'deals';
  readonly toObjectType: 'contacts' | 'deals';
  readonly name: string;
  readonly label: string;
  readonly inverseName: string;
  readonly inverseLabel: string;
}
