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
    /** The same scopes, each with why it is asked for. */
    readonly scopes: readonly ScopeDeclaration[];
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
  readonly workflowActions: {
    /** Below the public URL; each action's name follows. */
    readonly path: string;
    /** Below the public URL; the name of the list follows. */
    readonly choicesPath: string;
    readonly actions: readonly WorkflowActionDeclaration[];
  };
  /** The app's own page, which HubSpot opens from its menu, and what an admin sets in the app's settings. */
  readonly pages: PageDeclaration;
  readonly settings: PageDeclaration;
  readonly propertyGroup: { readonly name: string; readonly label: string };
  readonly properties: Readonly<Record<HubspotObject, readonly PropertyDeclaration[]>>;
  /** Properties of the customer's that are read beside those whose changes are watched, with the reason. */
  readonly alsoRead: Readonly<Record<HubspotObject, { readonly names: readonly string[]; readonly why: string }>>;
  readonly associationLabels: readonly AssociationLabelDeclaration[];
  /** Objects that are made in a portal which wants them, and whose subscription has room for them. */
  readonly customObjects: Readonly<Record<'referral' | 'reward', CustomObjectDeclaration>>;
  /** What timelines are told; none for an app that HubSpot has not approved for it. */
  readonly appEvents: readonly AppEventDeclaration[];
}

/** As HubSpot's project files have it. */
export interface AppEventDeclaration {
  readonly uid: string;
  readonly name: string;
  /** HubSpot never changes it after the first upload. */
  readonly objectType: 'CONTACT';
  /** Markdown with Handlebars, in which the properties stand by their names. */
  readonly headerTemplate: string;
  readonly detailTemplate: string;
  readonly properties: readonly AppEventProperty[];
}

export interface AppEventProperty {
  readonly name: string;
  readonly label: string;
  readonly type: 'string' | 'number' | 'enumeration';
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

export interface CustomObjectDeclaration {
  /** HubSpot's internal name; never changed, since a portal's rows lie under it. */
  readonly name: string;
  readonly labels: { readonly singular: string; readonly plural: string };
  readonly description: string;
  /** The one that people see as a row's name. */
  readonly primaryProperty: string;
  /** Unique: our own key of a row. */
  readonly keyProperty: string;
  /** HubSpot's names of its own objects that rows are associated with, with the type ids of the same. */
  readonly associated: readonly { readonly name: 'CONTACT' | 'DEAL'; readonly typeId: '0-1' | '0-3' }[];
  readonly properties: readonly PropertyDeclaration[];
}

export interface ScopeDeclaration {
  readonly scope: string;
  /** A portal that does not grant it is served without what it is for. */
  readonly isOptional: boolean;
  /** For the admin who is asked to grant it. */
  readonly reason: string;
  /** The calls that HubSpot refuses without it: method and path without the version. */
  readonly calls: readonly string[];
  /** Another scope that opens the same calls, for portals that grant that one. */
  readonly alsoBy?: string;
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

/** A page of the app, which HubSpot places by itself. */
export interface PageDeclaration {
  readonly uid: string;
  /** HubSpot's word for the component; its folder below src/app is HubSpot's choice too. */
  readonly type: 'page' | 'settings';
  readonly folder: 'pages' | 'settings';
  readonly name: string;
  /** File below the folder. */
  readonly entry: string;
  /** Where the page reads, below the public URL. */
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

/** What people read, by language; English is what others fall back on. */
export interface Words {
  readonly en: string;
  readonly de: string;
}

export interface OptionDeclaration {
  readonly value: string;
  readonly label: Words;
}

/** An input or an output of a workflow action. */
export interface WorkflowField {
  readonly name: string;
  readonly type: 'string' | 'number' | 'enumeration';
  readonly fieldType: 'text' | 'textarea' | 'number' | 'select';
  readonly label: Words;
  readonly description?: Words;
  readonly options?: readonly OptionDeclaration[];
  /** A list that the service is asked for whenever an admin opens it. */
  readonly choices?: 'programs' | 'rules' | 'stages' | 'member-consents' | 'friend-consents';
  readonly isRequired?: true;
  /** May be filled from a property of the enrolled record, too. */
  readonly fromProperty?: true;
}

export interface WorkflowActionDeclaration {
  readonly name: string;
  readonly objectTypes: readonly ('CONTACT' | 'DEAL')[];
  readonly label: Words;
  readonly description: Words;
  /** On the card in the workflow; `{{input}}` is filled in. */
  readonly cardContent: Words;
  readonly inputs: readonly WorkflowField[];
  /** Inputs that can be chosen once another one is. */
  readonly dependencies: readonly { readonly on: string; readonly of: readonly string[] }[];
  /** One of them is `outcome`, whose options say what can come of it. */
  readonly outputs: readonly WorkflowField[];
  /** Of the enrolled record, sent along with the call. */
  readonly properties: readonly string[];
  /** Codes for which nothing is done, with what the workflow's history shows. */
  readonly refusals: Readonly<Record<string, Words>>;
}
