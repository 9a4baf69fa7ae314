import type { StandardTypeId } from './object-types.ts';

export interface PropertyOption {
  label: string;
  value: string;
  description: string;
  displayOrder: number;
  hidden: boolean;
}

export interface PropertyDefinition {
  name: string;
  label: string;
  type: string;
  fieldType: string;
  groupName: string;
  description: string;
  options: PropertyOption[];
  displayOrder: number;
  hasUniqueValue: boolean;
  hidden: boolean;
  formField: boolean;
  hubspotDefined: boolean;
  calculated: boolean;
  externalOptions: boolean;
  /** True: HubSpot sets it; every write by an app or a user is refused. */
  readOnlyValue: boolean;
  archived: boolean;
  archivedAt?: number;
  createdAt?: number;
  updatedAt?: number;
  referencedObjectType?: string;
  calculationFormula?: string;
  numberDisplayHint?: string;
  textDisplayHint?: string;
  showCurrencySymbol?: boolean;
  currencyPropertyName?: string;
  dataSensitivity?: string;
}

export interface PropertyGroup {
  name: string;
  label: string;
  displayOrder: number;
  archived: boolean;
}

interface Brief {
  readOnly?: boolean;
  options?: Array<[value: string, label: string]>;
  referencedObjectType?: string;
  unique?: boolean;
}

function define(name: string, label: string, kind: string, groupName: string, brief: Brief = {}): PropertyDefinition {
  const [type = 'string', fieldType = 'text'] = kind.split('/');
  return {
    name,
    label,
    type,
    fieldType,
    groupName,
    description: '',
    options: (brief.options ?? []).map(([value, optionLabel], index) => ({
      label: optionLabel,
      value,
      description: '',
      displayOrder: index,
      hidden: false,
    })),
    displayOrder: -1,
    hasUniqueValue: brief.unique ?? false,
    hidden: false,
    formField: brief.readOnly !== true,
    hubspotDefined: true,
    calculated: false,
    externalOptions: brief.referencedObjectType !== undefined,
    readOnlyValue: brief.readOnly ?? false,
    archived: false,
    ...(brief.referencedObjectType ? { referencedObjectType: brief.referencedObjectType } : {}),
  };
}

const readOnly: Brief = { readOnly: true };

/** In stage order: HubSpot moves a lifecycle stage forward only (contacts guide). */
export const LIFECYCLE_STAGES: Array<[string, string]> = [
  ['subscriber', 'Subscriber'],
  ['lead', 'Lead'],
  ['marketingqualifiedlead', 'Marketing Qualified Lead'],
  ['salesqualifiedlead', 'Sales Qualified Lead'],
  ['opportunity', 'Opportunity'],
  ['customer', 'Customer'],
  ['evangelist', 'Evangelist'],
  ['other', 'Other'],
];

function common(group: string, modifiedProperty: string, createdProperty = 'createdate'): PropertyDefinition[] {
  return [
    define(createdProperty, 'Create Date', 'datetime/date', group, readOnly),
    define(modifiedProperty, 'Last Modified Date', 'datetime/date', group, readOnly),
    define('hs_object_id', 'Record ID', 'number/number', group, { readOnly: true, unique: true }),
    define('hs_merged_object_ids', 'Merged record IDs', 'enumeration/checkbox', group, readOnly),
    define('hs_object_source', 'Record creation source', 'string/text', group, readOnly),
    define('hs_object_source_id', 'Record creation source ID', 'string/text', group, readOnly),
    define('hs_object_source_label', 'Record source', 'string/text', group, readOnly),
    define('hubspot_owner_id', 'Owner', 'enumeration/select', group, { referencedObjectType: 'OWNER' }),
    define('hs_user_ids_of_all_owners', 'User IDs of all owners', 'enumeration/checkbox', group, readOnly),
  ];
}

const TEXT = 'string/text';

const CONTACT = 'contactinformation';
const COMPANY = 'companyinformation';
const DEAL = 'dealinformation';
const TASK = 'task';

/** What HubSpot itself keeps on an object that a portal has defined. */
export function customProperties(group: string): PropertyDefinition[] {
  return common(group, 'hs_lastmodifieddate', 'hs_createdate');
}

export function defaultProperties(typeId: StandardTypeId): PropertyDefinition[] {
  if (typeId === '0-1') {
    return [
      ...common(CONTACT, 'lastmodifieddate'),
      define('email', 'Email', TEXT, CONTACT, { unique: true }),
      define('firstname', 'First Name', TEXT, CONTACT),
      define('lastname', 'Last Name', TEXT, CONTACT),
      define('phone', 'Phone Number', 'string/phonenumber', CONTACT),
      define('mobilephone', 'Mobile Phone Number', 'string/phonenumber', CONTACT),
      define('fax', 'Fax Number', TEXT, CONTACT),
      define('company', 'Company Name', TEXT, CONTACT),
      define('jobtitle', 'Job Title', TEXT, CONTACT),
      define('website', 'Website URL', TEXT, CONTACT),
      define('address', 'Street Address', TEXT, CONTACT),
      define('city', 'City', TEXT, CONTACT),
      define('state', 'State/Region', TEXT, CONTACT),
      define('zip', 'Postal Code', TEXT, CONTACT),
      define('country', 'Country/Region', TEXT, CONTACT),
      define('lifecyclestage', 'Lifecycle Stage', 'enumeration/radio', CONTACT, { options: LIFECYCLE_STAGES }),
      // HubSpot calculates both; here they are written, as there is no clock in a property.
      define('hs_lifecyclestage_customer_date', 'Became a Customer Date', 'datetime/date', CONTACT),
      define('hs_country_region_code', 'Country/Region Code', TEXT, CONTACT),
      define('hs_lead_status', 'Lead Status', 'enumeration/radio', CONTACT, {
        options: [
          ['NEW', 'New'],
          ['OPEN', 'Open'],
          ['IN_PROGRESS', 'In Progress'],
          ['OPEN_DEAL', 'Open Deal'],
          ['UNQUALIFIED', 'Unqualified'],
          ['ATTEMPTED_TO_CONTACT', 'Attempted to Contact'],
          ['CONNECTED', 'Connected'],
          ['BAD_TIMING', 'Bad Timing'],
        ],
      }),
      define('hs_buying_role', 'Buying Role', 'enumeration/checkbox', CONTACT, {
        options: [
          ['BLOCKER', 'Blocker'],
          ['BUDGET_HOLDER', 'Budget Holder'],
          ['CHAMPION', 'Champion'],
          ['DECISION_MAKER', 'Decision Maker'],
          ['END_USER', 'End User'],
        ],
      }),
      define('hs_email_optout', 'Unsubscribed from all email', 'bool/booleancheckbox', CONTACT),
      define('hs_additional_emails', 'Additional email addresses', 'enumeration/checkbox', CONTACT, readOnly),
      define('num_associated_deals', 'Number of Associated Deals', 'number/number', CONTACT, readOnly),
      // Read-only since April 2019 (developers.hubspot.com/changelog, 24 January 2019): it follows the primary association.
      define('associatedcompanyid', 'Primary Associated Company ID', 'number/number', CONTACT, readOnly),
    ];
  }
  if (typeId === '0-2') {
    return [
      ...common(COMPANY, 'hs_lastmodifieddate'),
      define('name', 'Company name', TEXT, COMPANY),
      define('domain', 'Company Domain Name', TEXT, COMPANY),
      define('website', 'Website URL', TEXT, COMPANY),
      define('phone', 'Phone Number', 'string/phonenumber', COMPANY),
      define('description', 'Description', 'string/textarea', COMPANY),
      define('address', 'Street Address', TEXT, COMPANY),
      define('city', 'City', TEXT, COMPANY),
      define('state', 'State/Region', TEXT, COMPANY),
      define('zip', 'Postal Code', TEXT, COMPANY),
      define('country', 'Country/Region', TEXT, COMPANY),
      define('numberofemployees', 'Number of Employees', 'number/number', COMPANY),
      define('annualrevenue', 'Annual Revenue', 'number/number', COMPANY),
      define('lifecyclestage', 'Lifecycle Stage', 'enumeration/radio', COMPANY, { options: LIFECYCLE_STAGES }),
      define('type', 'Type', 'enumeration/select', COMPANY, {
        options: [
          ['PROSPECT', 'Prospect'],
          ['PARTNER', 'Partner'],
          ['RESELLER', 'Reseller'],
          ['VENDOR', 'Vendor'],
          ['OTHER', 'Other'],
        ],
      }),
      define('num_associated_contacts', 'Number of Associated Contacts', 'number/number', COMPANY, readOnly),
      define('num_associated_deals', 'Number of Associated Deals', 'number/number', COMPANY, readOnly),
    ];
  }
  if (typeId === '0-27') {
    return [
      ...common(TASK, 'hs_lastmodifieddate', 'hs_createdate'),
      define('hs_timestamp', 'Due date', 'datetime/date', TASK),
      define('hs_task_subject', 'Task Title', TEXT, TASK),
      define('hs_task_body', 'Task Notes', 'string/html', TASK),
      define('hs_task_status', 'Task Status', 'enumeration/select', TASK, {
        options: [
          ['NOT_STARTED', 'Not started'],
          ['IN_PROGRESS', 'In progress'],
          ['WAITING', 'Waiting'],
          ['DEFERRED', 'Deferred'],
          ['COMPLETED', 'Completed'],
        ],
      }),
      define('hs_task_priority', 'Priority', 'enumeration/select', TASK, {
        options: [
          ['NONE', 'None'],
          ['LOW', 'Low'],
          ['MEDIUM', 'Medium'],
          ['HIGH', 'High'],
        ],
      }),
      define('hs_task_type', 'Task Type', 'enumeration/select', TASK, {
        options: [
          ['TODO', 'To-do'],
          ['CALL', 'Call'],
          ['EMAIL', 'Email'],
          ['LINKED_IN', 'LinkedIn'],
        ],
      }),
    ];
  }
  return [
    ...common(DEAL, 'hs_lastmodifieddate'),
    define('dealname', 'Deal Name', TEXT, DEAL),
    define('dealstage', 'Deal Stage', 'enumeration/radio', DEAL),
    define('pipeline', 'Pipeline', 'enumeration/select', DEAL),
    define('amount', 'Amount', 'number/number', DEAL),
    define('amount_in_home_currency', 'Amount in company currency', 'number/number', DEAL, readOnly),
    define('closedate', 'Close Date', 'datetime/date', DEAL),
    define('deal_currency_code', 'Currency', 'enumeration/select', DEAL),
    define('dealtype', 'Deal Type', 'enumeration/radio', DEAL, {
      options: [
        ['newbusiness', 'New Business'],
        ['existingbusiness', 'Existing Business'],
      ],
    }),
    define('description', 'Deal Description', 'string/textarea', DEAL),
    define('hs_next_step', 'Next step', TEXT, DEAL),
    define('closed_lost_reason', 'Closed Lost Reason', 'string/textarea', DEAL),
    define('closed_won_reason', 'Closed Won Reason', 'string/textarea', DEAL),
    define('hs_priority', 'Priority', 'enumeration/select', DEAL, {
      options: [
        ['low', 'Low'],
        ['medium', 'Medium'],
        ['high', 'High'],
      ],
    }),
    define('hs_is_closed', 'Is Deal Closed?', 'bool/booleancheckbox', DEAL, readOnly),
    define('hs_is_closed_won', 'Is Closed Won', 'bool/booleancheckbox', DEAL, readOnly),
    define('hs_is_closed_lost', 'Is Closed Lost', 'bool/booleancheckbox', DEAL, readOnly),
    define('hs_deal_stage_probability', 'Deal probability', 'number/number', DEAL, readOnly),
    define('num_associated_contacts', 'Number of Associated Contacts', 'number/number', DEAL, readOnly),
  ];
}

const GROUPS: Readonly<Record<StandardTypeId, readonly [name: string, label: string]>> = {
  '0-1': [CONTACT, 'Contact Information'],
  '0-2': [COMPANY, 'Company Information'],
  '0-3': [DEAL, 'Deal Information'],
  '0-27': [TASK, 'Task Information'],
};

export function defaultGroups(typeId: StandardTypeId): PropertyGroup[] {
  const [name, label] = GROUPS[typeId];
  return [{ name, label, displayOrder: 0, archived: false }];
}
