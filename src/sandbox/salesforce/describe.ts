import { accessTo, type Org, visibleFields } from './org.ts';
import { childRelationships, type Field, type ObjectType } from './schema.ts';

/** What describe says of objects and fields: "sObject Describe", REST API Developer Guide. Only what the user of the API sees. */

const SOAP_TYPES: Partial<Record<Field['type'], string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  percent: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  address: 'urn:address',
};
/** Bytes of a character in the database, at most. */
const BYTES_A_CHARACTER = 3;

function describeField(org: Org, object: ObjectType, field: Field): object {
  const isEditable = accessTo(org, object, field) === 'edit';
  const isNumber = ['double', 'currency', 'percent'].includes(field.type);
  return {
    aggregatable: field.filterable,
    autoNumber: field.autoNumber !== null,
    byteLength: field.length * BYTES_A_CHARACTER,
    calculated: field.calculated,
    calculatedFormula: null,
    caseSensitive: field.caseSensitive,
    compoundFieldName: field.compound,
    createable: field.createable && isEditable,
    custom: field.custom,
    defaultValue: field.type === 'boolean' ? field.defaultValue : null,
    defaultedOnCreate: field.defaultValue !== null || field.autoNumber !== null,
    deprecatedAndHidden: false,
    externalId: field.externalId,
    filterable: field.filterable,
    groupable: field.filterable && !isNumber && field.type !== 'datetime',
    idLookup: field.name === 'Id' || field.externalId,
    label: field.label,
    length: field.length,
    name: field.name,
    nameField: field.name === 'Name',
    nillable: field.nillable,
    permissionable: field.custom && field.nillable && !field.masterDetail,
    picklistValues: picklistOf(org, object, field),
    polymorphicForeignKey: field.referenceTo.length > 1,
    precision: isNumber ? field.precision : 0,
    referenceTo: field.referenceTo.filter((name) => org.schema.objects.has(name)),
    relationshipName: field.relationshipName,
    relationshipOrder: field.masterDetail ? 0 : null,
    restrictedPicklist: field.restrictedPicklist,
    scale: field.scale,
    soapType: SOAP_TYPES[field.type] ?? 'xsd:string',
    sortable: field.filterable,
    type: field.type,
    unique: field.unique,
    updateable: field.updateable && isEditable,
    writeRequiresMasterRead: false,
  };
}

/** Stages and statuses are records of their own: a picklist's values come from there. */
function picklistOf(org: Org, object: ObjectType, field: Field): object[] {
  const source =
    object.name === 'Opportunity' && field.name === 'StageName'
      ? 'OpportunityStage'
      : object.name === 'Lead' && field.name === 'Status'
        ? 'LeadStatus'
        : null;
  if (source === null) {
    return field.picklist.map(({ value, label, active, isDefault }) => ({
      active,
      defaultValue: isDefault,
      label,
      validFor: null,
      value,
    }));
  }
  return [...(org.tables.get(source)?.rows.values() ?? [])]
    .sort((one, other) => Number(one.SortOrder) - Number(other.SortOrder))
    .map((row) => ({
      active: row.IsActive !== false,
      defaultValue: row.IsDefault === true,
      label: row.MasterLabel,
      validFor: null,
      value: row.ApiName,
    }));
}

function summary(org: Org, version: string, object: ObjectType): object {
  const isEditable = accessTo(org, object) === 'edit';
  const base = `/services/data/${version}/sobjects/${object.name}`;
  return {
    activateable: false,
    createable: object.createable && isEditable,
    custom: object.custom,
    customSetting: false,
    deletable: object.deletable && isEditable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    hasSubtypes: false,
    isSubtype: false,
    keyPrefix: object.keyPrefix,
    label: object.label,
    labelPlural: object.labelPlural,
    layoutable: true,
    mergeable: object.mergeable && isEditable,
    mruEnabled: true,
    name: object.name,
    queryable: true,
    replicateable: object.replicateable,
    retrieveable: true,
    searchable: true,
    triggerable: true,
    undeletable: object.undeletable && isEditable,
    updateable: object.updateable && isEditable,
    urls: { sobject: base, describe: `${base}/describe`, rowTemplate: `${base}/{ID}` },
  };
}

export const visibleObjects = (org: Org): ObjectType[] =>
  [...org.schema.objects.values()].filter((object) => accessTo(org, object) !== 'none');

export function describeGlobal(org: Org, version: string): object {
  return {
    encoding: 'UTF-8',
    maxBatchSize: 200,
    sobjects: visibleObjects(org).map((object) => summary(org, version, object)),
  };
}

export function basicInfo(org: Org, version: string, object: ObjectType): object {
  return { objectDescribe: summary(org, version, object), recentItems: [] };
}

export function describeObject(org: Org, version: string, object: ObjectType): object {
  const recordTypes = [...(org.tables.get('RecordType')?.rows.values() ?? [])].filter(
    (row) => row.SobjectType === object.name,
  );
  return {
    ...summary(org, version, object),
    actionOverrides: [],
    childRelationships: childRelationships(org.schema, object)
      .filter(({ child }) => accessTo(org, child) !== 'none')
      .map(({ child, field }) => ({
        cascadeDelete: field.onDelete === 'cascade',
        childSObject: child.name,
        deprecatedAndHidden: false,
        field: field.name,
        junctionIdListNames: [],
        junctionReferenceTo: [],
        relationshipName: field.childRelationshipName,
        restrictedDelete: field.onDelete === 'restrict',
      })),
    fields: visibleFields(org, object).map((field) => describeField(org, object, field)),
    recordTypeInfos: [
      ...recordTypes.map((row) => ({
        active: row.IsActive,
        available: true,
        defaultRecordTypeMapping: false,
        developerName: row.DeveloperName,
        master: false,
        name: row.Name,
        recordTypeId: row.Id,
        urls: { layout: null },
      })),
      {
        active: true,
        available: true,
        defaultRecordTypeMapping: recordTypes.length === 0,
        developerName: 'Master',
        master: true,
        name: 'Master',
        recordTypeId: '012000000000000AAA',
        urls: { layout: null },
      },
    ],
    supportedScopes: [],
  };
}

/** `/ui-api/object-info/Opportunity/picklist-values/{recordTypeId}/StageName`: what one record type offers. */
export function picklistValues(org: Org, object: ObjectType, recordTypeId: string, field: Field): object {
  const offered = field.name === 'StageName' ? org.recordTypeStages.get(recordTypeId) : undefined;
  const values = (picklistOf(org, object, field) as Array<{ active: boolean; label: string; value: string }>)
    .filter(({ active, value }) => active && (!offered || offered.includes(value)))
    .map(({ label, value }) => ({ attributes: null, label, validFor: [], value }));
  return { controllerValues: {}, defaultValue: null, url: null, values };
}
