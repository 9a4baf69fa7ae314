import { type Field, field, type ObjectType, type PicklistValue } from './schema.ts';

/**
 * The standard objects as far as a referral connector meets them. Names, types, lengths and what may be written: Object Reference.
 * The order of the fields is the one in which change events have them, where Salesforce's documentation shows it.
 */

export interface OrgFeatures {
  multiCurrency: boolean;
  personAccounts: boolean;
  /** Salesforce's own Referral object, which has nothing to do with ours. */
  nativeReferral: boolean;
}

const text = (name: string, length: number, more: Partial<Field> = {}): Field =>
  field(name, 'string', { length, ...more });
const longText = (name: string, length = 32_000): Field => field(name, 'textarea', { length, filterable: false });
const readOnly = { createable: false, updateable: false } as const;
const notInEvents = { inChangeEvents: false } as const;

function reference(
  name: string,
  referenceTo: string[],
  childRelationshipName: string | null,
  more: Partial<Field> = {},
): Field {
  return field(name, 'reference', {
    referenceTo,
    relationshipName: name.replace(/Id$/, ''),
    childRelationshipName,
    ...more,
  });
}

export const values = (...list: string[]): PicklistValue[] =>
  list.map((value) => ({ value, label: value, active: true, isDefault: false }));

function picklist(name: string, list: string[], more: Partial<Field> = {}): Field {
  return field(name, 'picklist', { length: 255, picklist: values(...list), ...more });
}

function address(prefix: string): Field[] {
  const name = `${prefix}Address`;
  const part = (suffix: string, length: number): Field => text(`${prefix}${suffix}`, length, { compound: name });
  return [
    field(name, 'address', { ...readOnly, filterable: false }),
    field(`${prefix}Street`, 'textarea', { length: 255, compound: name }),
    part('City', 40),
    part('State', 80),
    part('PostalCode', 20),
    part('Country', 80),
    field(`${prefix}Latitude`, 'double', { scale: 15, compound: name }),
    field(`${prefix}Longitude`, 'double', { scale: 15, compound: name }),
    picklist(`${prefix}GeocodeAccuracy`, ['Address', 'Street', 'City', 'Unknown'], { compound: name }),
  ];
}

const SALUTATIONS = ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.'];
const personName = (required: boolean): Field[] => [
  text('Name', 121, { ...readOnly, nillable: false, calculated: true }),
  picklist('Salutation', SALUTATIONS, { length: 40, compound: 'Name' }),
  text('FirstName', 40, { compound: 'Name' }),
  text('LastName', 80, { compound: 'Name', nillable: !required }),
];

const owner = (): Field => reference('OwnerId', ['User'], null, { nillable: false, defaultValue: 'USER' });

/** What Salesforce keeps for every record. A change event has neither IsDeleted nor SystemModstamp. */
export function systemFields(): Field[] {
  const stamp = { ...readOnly, nillable: false };
  return [
    field('Id', 'id', { ...stamp, ...notInEvents }),
    field('IsDeleted', 'boolean', { ...stamp, ...notInEvents }),
    field('CreatedDate', 'datetime', stamp),
    reference('CreatedById', ['User'], null, stamp),
    field('LastModifiedDate', 'datetime', stamp),
    reference('LastModifiedById', ['User'], null, stamp),
    field('SystemModstamp', 'datetime', { ...stamp, ...notInEvents }),
  ];
}

type Shape = Partial<Omit<ObjectType, 'fields' | 'name' | 'keyPrefix'>>;

export function objectType(name: string, keyPrefix: string, fields: Field[], shape: Shape = {}): ObjectType {
  return {
    name,
    label: shape.label ?? name,
    labelPlural: shape.labelPlural ?? `${shape.label ?? name}s`,
    keyPrefix,
    custom: false,
    createable: true,
    updateable: true,
    deletable: true,
    undeletable: true,
    mergeable: false,
    changeEvents: false,
    replicateable: true,
    ...shape,
    fields: new Map(fields.map((one) => [one.name, one])),
  };
}

/** Set up in Setup, not through the API. */
const setup: Shape = {
  createable: false,
  updateable: false,
  deletable: false,
  undeletable: false,
  replicateable: false,
};

function account(features: OrgFeatures): ObjectType {
  return objectType(
    'Account',
    '001',
    [
      text('Name', 255, { nillable: false }),
      picklist('Type', ['Prospect', 'Customer - Direct', 'Customer - Channel', 'Other']),
      reference('ParentId', ['Account'], 'ChildAccounts'),
      ...address('Billing'),
      ...address('Shipping'),
      field('Phone', 'phone', { length: 40 }),
      field('Fax', 'phone', { length: 40 }),
      text('AccountNumber', 40),
      field('Website', 'url', { length: 255 }),
      text('Sic', 20),
      picklist('Industry', ['Banking', 'Technology', 'Retail', 'Other']),
      field('AnnualRevenue', 'currency', { scale: 0 }),
      field('NumberOfEmployees', 'int'),
      picklist('Ownership', ['Public', 'Private', 'Subsidiary', 'Other']),
      text('TickerSymbol', 20),
      longText('Description'),
      picklist('Rating', ['Hot', 'Warm', 'Cold']),
      text('Site', 80),
      owner(),
      ...systemFields(),
      reference('MasterRecordId', ['Account'], null, { ...readOnly, ...notInEvents }),
      picklist('AccountSource', ['Web', 'Phone Inquiry', 'Partner Referral', 'Other']),
      reference('RecordTypeId', ['RecordType'], null),
      ...(features.personAccounts
        ? [
            field('IsPersonAccount', 'boolean', { ...readOnly, nillable: false }),
            reference('PersonContactId', ['Contact'], null, { ...readOnly, relationshipName: 'PersonContact' }),
            text('FirstName', 40, { compound: 'Name' }),
            text('LastName', 80, { compound: 'Name' }),
            field('PersonEmail', 'email', { length: 80 }),
            field('PersonMobilePhone', 'phone', { length: 40 }),
          ]
        : []),
    ],
    { mergeable: true, changeEvents: true },
  );
}

function contact(features: OrgFeatures): ObjectType {
  return objectType(
    'Contact',
    '003',
    [
      reference('AccountId', ['Account'], 'Contacts', { onDelete: 'cascade' }),
      ...personName(true),
      ...address('Other'),
      ...address('Mailing'),
      field('Phone', 'phone', { length: 40 }),
      field('Fax', 'phone', { length: 40 }),
      field('MobilePhone', 'phone', { length: 40 }),
      field('HomePhone', 'phone', { length: 40 }),
      reference('ReportsToId', ['Contact'], null),
      field('Email', 'email', { length: 80 }),
      text('Title', 128),
      text('Department', 80),
      picklist('LeadSource', ['Web', 'Phone Inquiry', 'Partner Referral', 'Other']),
      field('Birthdate', 'date'),
      longText('Description'),
      owner(),
      field('HasOptedOutOfEmail', 'boolean'),
      field('DoNotCall', 'boolean'),
      ...systemFields(),
      reference('MasterRecordId', ['Contact'], null, { ...readOnly, ...notInEvents }),
      field('EmailBouncedDate', 'datetime'),
      reference('RecordTypeId', ['RecordType'], null),
      ...(features.personAccounts ? [field('IsPersonAccount', 'boolean', { ...readOnly, nillable: false })] : []),
    ],
    { mergeable: true, changeEvents: true },
  );
}

function lead(): ObjectType {
  return objectType(
    'Lead',
    '00Q',
    [
      ...personName(true),
      text('Title', 128),
      text('Company', 255, { nillable: false }),
      ...address(''),
      field('Phone', 'phone', { length: 40 }),
      field('MobilePhone', 'phone', { length: 40 }),
      field('Email', 'email', { length: 80 }),
      field('Website', 'url', { length: 255 }),
      longText('Description'),
      picklist('LeadSource', ['Web', 'Phone Inquiry', 'Partner Referral', 'Other']),
      // Its values are the LeadStatus records; checked there.
      picklist('Status', [], { nillable: false, defaultValue: 'LEAD STATUS' }),
      picklist('Industry', ['Banking', 'Technology', 'Retail', 'Other']),
      picklist('Rating', ['Hot', 'Warm', 'Cold']),
      field('AnnualRevenue', 'currency', { scale: 0 }),
      field('NumberOfEmployees', 'int'),
      owner(),
      field('HasOptedOutOfEmail', 'boolean'),
      field('DoNotCall', 'boolean'),
      field('IsConverted', 'boolean', { ...readOnly, nillable: false }),
      field('ConvertedDate', 'date', readOnly),
      reference('ConvertedAccountId', ['Account'], null, readOnly),
      reference('ConvertedContactId', ['Contact'], null, readOnly),
      reference('ConvertedOpportunityId', ['Opportunity'], null, readOnly),
      field('IsUnreadByOwner', 'boolean', { defaultValue: true }),
      ...systemFields(),
      reference('MasterRecordId', ['Lead'], null, { ...readOnly, ...notInEvents }),
      reference('RecordTypeId', ['RecordType'], null),
    ],
    { mergeable: true, changeEvents: true },
  );
}

const FORECAST_CATEGORIES = ['Omitted', 'Pipeline', 'BestCase', 'Forecast', 'Closed'];

function opportunity(): ObjectType {
  return objectType(
    'Opportunity',
    '006',
    [
      reference('AccountId', ['Account'], 'Opportunities', { onDelete: 'cascade' }),
      field('IsPrivate', 'boolean'),
      text('Name', 120, { nillable: false }),
      longText('Description'),
      // Its values are the OpportunityStage records; checked there.
      picklist('StageName', [], { nillable: false }),
      field('Amount', 'currency'),
      field('Probability', 'percent', { precision: 3 }),
      field('ExpectedRevenue', 'currency', { ...readOnly, calculated: true }),
      field('TotalOpportunityQuantity', 'double', { scale: 2 }),
      field('CloseDate', 'date', { nillable: false }),
      picklist('Type', ['Existing Customer - Upgrade', 'Existing Customer - Replacement', 'New Customer']),
      text('NextStep', 255),
      picklist('LeadSource', ['Web', 'Phone Inquiry', 'Partner Referral', 'Other']),
      field('IsClosed', 'boolean', { ...readOnly, nillable: false }),
      field('IsWon', 'boolean', { ...readOnly, nillable: false }),
      picklist('ForecastCategory', FORECAST_CATEGORIES, { ...readOnly, nillable: false }),
      picklist('ForecastCategoryName', ['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed']),
      field('HasOpportunityLineItem', 'boolean', { ...readOnly, nillable: false }),
      owner(),
      ...systemFields(),
      field('LastStageChangeDate', 'datetime', readOnly),
      // "Used only to create a primary contact role": it can be given on create and never changed.
      reference('ContactId', ['Contact'], null, { updateable: false, relationshipName: 'Contact' }),
      reference('RecordTypeId', ['RecordType'], null),
    ],
    { labelPlural: 'Opportunities', changeEvents: true },
  );
}

function opportunityContactRole(): ObjectType {
  return objectType(
    'OpportunityContactRole',
    '00K',
    [
      reference('OpportunityId', ['Opportunity'], 'OpportunityContactRoles', {
        nillable: false,
        updateable: false,
        onDelete: 'cascade',
      }),
      reference('ContactId', ['Contact'], 'OpportunityContactRoles', { nillable: false, onDelete: 'cascade' }),
      picklist('Role', ['Decision Maker', 'Business User', 'Evaluator', 'Influencer', 'Other']),
      field('IsPrimary', 'boolean'),
      ...systemFields(),
    ],
    { label: 'Opportunity Contact Role', changeEvents: true },
  );
}

function campaigns(): ObjectType[] {
  return [
    objectType('Campaign', '701', [
      text('Name', 80, { nillable: false }),
      picklist('Type', ['Conference', 'Email', 'Referral Program', 'Other']),
      picklist('Status', ['Planned', 'In Progress', 'Completed', 'Aborted']),
      field('StartDate', 'date'),
      field('EndDate', 'date'),
      field('IsActive', 'boolean'),
      longText('Description'),
      owner(),
      ...systemFields(),
    ]),
    // Names a lead or a contact, never none; a lead that is converted keeps its place with its contact beside it.
    objectType(
      'CampaignMember',
      '00v',
      [
        reference('CampaignId', ['Campaign'], 'CampaignMembers', {
          nillable: false,
          updateable: false,
          onDelete: 'cascade',
        }),
        reference('LeadId', ['Lead'], 'CampaignMembers', { updateable: false, onDelete: 'cascade' }),
        reference('ContactId', ['Contact'], 'CampaignMembers', { updateable: false, onDelete: 'cascade' }),
        picklist('Status', ['Sent', 'Responded'], { length: 40 }),
        ...systemFields(),
      ],
      { label: 'Campaign Member' },
    ),
  ];
}

function histories(): ObjectType[] {
  const opportunityId = (children: string): Field =>
    reference('OpportunityId', ['Opportunity'], children, { nillable: false, onDelete: 'cascade' });
  const [id, isDeleted, createdDate, createdById, , , systemModstamp] = systemFields() as [
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
  ];
  return [
    objectType(
      'OpportunityHistory',
      '008',
      [
        id,
        opportunityId('OpportunityHistories'),
        createdById,
        createdDate,
        picklist('StageName', []),
        field('Amount', 'currency'),
        field('ExpectedRevenue', 'currency'),
        field('CloseDate', 'date'),
        field('Probability', 'percent', { precision: 3 }),
        picklist('ForecastCategory', FORECAST_CATEGORIES),
        systemModstamp,
        isDeleted,
      ],
      { ...setup, label: 'Opportunity: Stage History' },
    ),
    objectType(
      'OpportunityFieldHistory',
      '017',
      [
        id,
        isDeleted,
        opportunityId('Histories'),
        createdById,
        createdDate,
        picklist('Field', []),
        text('DataType', 40),
        // "OldValue and NewValue can't be filtered."
        text('OldValue', 255, { filterable: false }),
        text('NewValue', 255, { filterable: false }),
      ],
      { ...setup, label: 'Opportunity Field History' },
    ),
  ];
}

function setupObjects(features: OrgFeatures): ObjectType[] {
  return [
    objectType(
      'OpportunityStage',
      '01J',
      [
        text('MasterLabel', 255),
        text('ApiName', 255),
        field('IsActive', 'boolean'),
        field('SortOrder', 'int'),
        field('IsClosed', 'boolean'),
        field('IsWon', 'boolean'),
        picklist('ForecastCategory', FORECAST_CATEGORIES),
        picklist('ForecastCategoryName', ['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed']),
        field('DefaultProbability', 'percent', { precision: 3 }),
        text('Description', 255),
        ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
      ],
      { ...setup, label: 'Opportunity Stage' },
    ),
    objectType(
      'LeadStatus',
      '01J',
      [
        text('MasterLabel', 255),
        text('ApiName', 255),
        field('SortOrder', 'int'),
        field('IsDefault', 'boolean'),
        field('IsConverted', 'boolean'),
        ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
      ],
      { ...setup, label: 'Lead Status', labelPlural: 'Lead Statuses' },
    ),
    objectType(
      'RecordType',
      '012',
      [
        text('Name', 80, { nillable: false }),
        text('DeveloperName', 80),
        text('NamespacePrefix', 15),
        text('Description', 255),
        picklist('SobjectType', []),
        field('IsActive', 'boolean'),
        ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
      ],
      { ...setup, label: 'Record Type' },
    ),
    objectType(
      'User',
      '005',
      [
        text('Username', 80, { nillable: false }),
        ...personName(true),
        field('Email', 'email', { length: 128, nillable: false }),
        field('IsActive', 'boolean'),
        picklist('UserType', ['Standard', 'Guest']),
        picklist('TimeZoneSidKey', []),
        picklist('LocaleSidKey', []),
        picklist('LanguageLocaleKey', []),
        ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
      ],
      setup,
    ),
    objectType(
      'Organization',
      '00D',
      [
        text('Name', 80, { nillable: false }),
        picklist('OrganizationType', ['Developer Edition', 'Enterprise Edition', 'Unlimited Edition']),
        field('IsSandbox', 'boolean'),
        text('InstanceName', 5),
        text('NamespacePrefix', 15),
        picklist('DefaultLocaleSidKey', []),
        picklist('TimeZoneSidKey', []),
        picklist('LanguageLocaleKey', []),
        ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
      ],
      setup,
    ),
    // "Available only when multiple currencies are enabled".
    ...(features.multiCurrency
      ? [
          objectType(
            'CurrencyType',
            '01L',
            [
              picklist('IsoCode', [], { nillable: false }),
              field('ConversionRate', 'double', { scale: 6 }),
              field('DecimalPlaces', 'int'),
              field('IsActive', 'boolean'),
              field('IsCorporate', 'boolean'),
              ...systemFields().filter(({ name }) => name !== 'IsDeleted'),
            ],
            { ...setup, label: 'Currency Type' },
          ),
        ]
      : []),
  ];
}

function task(): ObjectType {
  return objectType(
    'Task',
    '00T',
    [
      reference('WhoId', ['Contact', 'Lead'], 'Tasks'),
      reference('WhatId', ['Account', 'Opportunity'], 'Tasks'),
      text('Subject', 255),
      field('ActivityDate', 'date'),
      picklist('Status', ['Not Started', 'In Progress', 'Completed'], {
        nillable: false,
        defaultValue: 'Not Started',
        restrictedPicklist: true,
      }),
      picklist('Priority', ['High', 'Normal', 'Low'], { nillable: false, defaultValue: 'Normal' }),
      owner(),
      longText('Description'),
      field('IsClosed', 'boolean', { ...readOnly, nillable: false }),
      ...systemFields(),
    ],
    { changeEvents: true },
  );
}

function nativeReferral(): ObjectType {
  return objectType('Referral', '0rf', [text('Name', 255), owner(), ...systemFields()], { changeEvents: true });
}

export function standardObjects(features: OrgFeatures): ObjectType[] {
  return [
    account(features),
    contact(features),
    lead(),
    opportunity(),
    opportunityContactRole(),
    ...campaigns(),
    ...histories(),
    task(),
    ...setupObjects(features),
    ...(features.nativeReferral ? [nativeReferral()] : []),
  ];
}

/** Objects whose records bear a currency, in an org with several. */
export function currencyField(defaultCurrency: string, currencies: string[]): Field {
  return picklist('CurrencyIsoCode', currencies, {
    length: 3,
    restrictedPicklist: true,
    defaultValue: defaultCurrency,
  });
}
