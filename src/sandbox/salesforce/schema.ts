/** What an org knows of its objects and fields: the source of describe, of every check and of the change events' Avro schemas. */

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'reference'
  | 'address';

export interface PicklistValue {
  value: string;
  label: string;
  active: boolean;
  isDefault: boolean;
}

/** What happens to a child when the record that it points at is deleted. */
export type OnDelete = 'setNull' | 'restrict' | 'cascade';

export interface Field {
  name: string;
  label: string;
  type: FieldType;
  /** Characters; 0 for what is no text. */
  length: number;
  precision: number;
  scale: number;
  nillable: boolean;
  createable: boolean;
  updateable: boolean;
  /** The record gets it when nothing is given. */
  defaultValue: string | number | boolean | null;
  custom: boolean;
  externalId: boolean;
  unique: boolean;
  caseSensitive: boolean;
  /** Long text areas cannot be filtered, sorted or grouped. */
  filterable: boolean;
  referenceTo: string[];
  /** Name for a path from the child: `Account` of `Account.Name`. */
  relationshipName: string | null;
  /** Name for a subquery of the parent: `Contacts`. */
  childRelationshipName: string | null;
  onDelete: OnDelete;
  /** The parent cannot be changed or left out, and its end is the record's. */
  masterDetail: boolean;
  picklist: PicklistValue[];
  restrictedPicklist: boolean;
  /** `R-{000000}`; null for what is no automatic number. */
  autoNumber: string | null;
  calculated: boolean;
  /** Name of the compound field whose part it is, as `MailingAddress` or `Name`. */
  compound: string | null;
  /** Is in change events: not formulas, not what is told elsewhere. */
  inChangeEvents: boolean;
}

export interface ObjectType {
  name: string;
  label: string;
  labelPlural: string;
  keyPrefix: string;
  custom: boolean;
  fields: Map<string, Field>;
  createable: boolean;
  updateable: boolean;
  deletable: boolean;
  undeletable: boolean;
  mergeable: boolean;
  /** Can be selected for change data capture. */
  changeEvents: boolean;
  /** Changes of it can be asked for by time. */
  replicateable: boolean;
}

export interface Schema {
  objects: Map<string, ObjectType>;
}

export function field(name: string, type: FieldType, more: Partial<Field> = {}): Field {
  const isNumber = type === 'double' || type === 'currency' || type === 'percent';
  return {
    name,
    label: more.label ?? name,
    type,
    length: type === 'id' || type === 'reference' ? 18 : 0,
    precision: isNumber ? 18 : 0,
    scale: type === 'currency' ? 2 : 0,
    // A checkbox is never empty.
    nillable: type !== 'boolean',
    createable: true,
    updateable: true,
    defaultValue: type === 'boolean' ? false : null,
    custom: false,
    externalId: false,
    unique: false,
    caseSensitive: false,
    filterable: true,
    referenceTo: [],
    relationshipName: null,
    childRelationshipName: null,
    onDelete: 'setNull',
    masterDetail: false,
    picklist: [],
    restrictedPicklist: false,
    autoNumber: null,
    calculated: false,
    compound: null,
    inChangeEvents: true,
    ...more,
  };
}

/** Names are compared without case everywhere in Salesforce. */
export function findObject(schema: Schema, name: string): ObjectType | undefined {
  const exact = schema.objects.get(name);
  if (exact) return exact;
  const wanted = name.toLowerCase();
  return [...schema.objects.values()].find((one) => one.name.toLowerCase() === wanted);
}

export function findField(object: ObjectType, name: string): Field | undefined {
  const exact = object.fields.get(name);
  if (exact) return exact;
  const wanted = name.toLowerCase();
  return [...object.fields.values()].find((one) => one.name.toLowerCase() === wanted);
}

export interface ChildRelationship {
  child: ObjectType;
  field: Field;
}

/** Every field of the org that can point at a record of this object. */
export function childRelationships(schema: Schema, parent: ObjectType): ChildRelationship[] {
  return [...schema.objects.values()].flatMap((child) =>
    [...child.fields.values()]
      .filter((one) => one.type === 'reference' && one.referenceTo.includes(parent.name))
      .map((one) => ({ child, field: one })),
  );
}
