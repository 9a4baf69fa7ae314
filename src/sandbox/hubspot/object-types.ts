/** The CRM objects that the sandbox knows. Ids and default properties: "Understanding the CRM" and "Search the CRM". */

export type StandardTypeId = '0-1' | '0-2' | '0-3' | '0-27';
/** An object that a portal has defined itself: "{meta-type}-{unique ID}", where 2 is the portals' own. */
export type CustomTypeId = `2-${number}`;
export type ObjectTypeId = StandardTypeId | CustomTypeId;

export interface ObjectType {
  typeId: ObjectTypeId;
  /** Word of webhook subscriptions, `associations.{word}` filters and messages. */
  singular: string;
  /** Word of paths and of granular scopes. */
  plural: string;
  /** Word of association types in webhooks, `CONTACT_TO_DEAL`. */
  upper: string;
  /** Property of when it was created; activities have a name of their own for it. */
  createdProperty?: 'hs_createdate';
  /** Word of granular scopes where it is not the plural: those of tasks are the contacts' (tasks.json, `security`). */
  scope?: string;
  /** Property that moves with every change; contacts are the historical exception. */
  modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate';
  /** Properties returned when a request names none. */
  defaultProperties: readonly string[];
  /** Properties that the search's `query` looks through. */
  searchableProperties: readonly string[];
  /** Revisions kept per property: knowledge.hubspot.com/properties/export-property-history. */
  historyLimit: number;
}

export interface StandardType extends ObjectType {
  typeId: StandardTypeId;
}

export const OBJECT_TYPES: readonly StandardType[] = [
  {
    typeId: '0-1',
    singular: 'contact',
    plural: 'contacts',
    upper: 'CONTACT',
    modifiedProperty: 'lastmodifieddate',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    searchableProperties: [
      'firstname',
      'lastname',
      'email',
      'phone',
      'hs_additional_emails',
      'fax',
      'mobilephone',
      'company',
    ],
    historyLimit: 45,
  },
  {
    typeId: '0-2',
    singular: 'company',
    plural: 'companies',
    upper: 'COMPANY',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    searchableProperties: ['website', 'phone', 'name', 'domain'],
    historyLimit: 20,
  },
  {
    typeId: '0-3',
    singular: 'deal',
    plural: 'deals',
    upper: 'DEAL',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    searchableProperties: ['dealname', 'pipeline', 'dealstage', 'description', 'dealtype'],
    historyLimit: 20,
  },
  {
    typeId: '0-27',
    singular: 'task',
    plural: 'tasks',
    upper: 'TASK',
    createdProperty: 'hs_createdate',
    scope: 'contacts',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    searchableProperties: ['hs_task_body', 'hs_task_subject'],
    historyLimit: 20,
  },
];

const CUSTOM_ID = /^2-\d+$/;
/** `p{portal}_{name}`: "you can retrieve a custom object by its objectTypeId or its fullyQualifiedName" (schemas guide). */
const FULLY_QUALIFIED = /^p\d+_[A-Za-z]\w*$/;

/** Whether a word of a path can only mean an object that a portal has defined; there need not be one. */
export function isCustomWord(word: string): boolean {
  return CUSTOM_ID.test(word) || FULLY_QUALIFIED.test(word);
}

/** What all objects that portals define have in common. */
export function customType(typeId: CustomTypeId): ObjectType {
  return {
    typeId,
    singular: typeId,
    plural: typeId,
    upper: typeId,
    scope: 'custom',
    createdProperty: 'hs_createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    searchableProperties: [],
    historyLimit: 20,
  };
}

function isCustomId(typeId: string): typeId is CustomTypeId {
  return CUSTOM_ID.test(typeId);
}

/** Paths take the plural, the singular or the type id ("Associate records": "you can use the object name (e.g., contact)"). */
export function findObjectType(word: string): ObjectType | undefined {
  return OBJECT_TYPES.find((type) => type.typeId === word || type.plural === word || type.singular === word);
}

export function objectTypeById(typeId: ObjectTypeId): ObjectType {
  if (isCustomId(typeId)) return customType(typeId);
  const type = OBJECT_TYPES.find((candidate) => candidate.typeId === typeId);
  if (!type) throw new Error(`no object type ${typeId}`);
  return type;
}
