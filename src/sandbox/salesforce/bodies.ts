import { ApiError, notFound, RowError } from './errors.ts';
import { accessTo, type Org, type Value, visibleField, visibleFields } from './org.ts';
import { type Field, findField, findObject, type ObjectType } from './schema.ts';
import { findByExternalId, readValue } from './values.ts';

/** A record in JSON, as REST takes it, checked against what the user of the API may see and write. */

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that a path names. What the user may not see does not exist. */
export function visibleObject(org: Org, name: string): ObjectType {
  const object = findObject(org.schema, name);
  if (!object || accessTo(org, object) === 'none') throw notFound();
  return object;
}

/** An object named in a body or a query. */
export function objectNamed(org: Org, name: string): ObjectType {
  const object = findObject(org.schema, name);
  if (object && accessTo(org, object) !== 'none') return object;
  throw new ApiError(
    400,
    'INVALID_TYPE',
    `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
  );
}

function relationNamed(org: Org, object: ObjectType, name: string): Field | undefined {
  return visibleFields(org, object).find((one) => one.relationshipName?.toLowerCase() === name.toLowerCase());
}

/** `"Referral__r": {"External_Id__c": "x"}`: the parent by its external id. */
function readRelation(org: Org, relation: Field, value: Json): Value {
  const keys = Object.keys(value).filter((key) => key !== 'attributes');
  const parent = relation.referenceTo.length === 1 ? findObject(org.schema, relation.referenceTo[0] ?? '') : undefined;
  const [key = ''] = keys;
  const field = parent && visibleField(org, parent, key);
  if (!parent || !field?.externalId || keys.length !== 1) {
    throw new ApiError(
      400,
      'INVALID_FIELD',
      `The relationship ${relation.relationshipName} needs exactly one external ID field of ${relation.referenceTo.join(', ')}`,
    );
  }
  const wanted = readValue(org, field, value[key]);
  const found = findByExternalId(org, parent, field, wanted);
  if (found.length === 1) return found[0] ?? null;
  throw new RowError(
    'INVALID_FIELD',
    found.length === 0
      ? `Foreign key external ID: ${wanted} not found for field ${field.name} in entity ${parent.name}`
      : `More than one record found for external id field: [${found.join(', ')}]`,
  );
}

export interface ReadBodyOptions {
  mode: 'insert' | 'update';
  /** The external id of an upsert is in the address and must not be in the body too. */
  without?: Field | undefined;
  /** An administrator in the pages: field-level security of the API's user does not matter. */
  isAdmin?: boolean;
}

/**
 * @throws {ApiError} for a name or a type that the platform cannot read, which spoils the whole call, {RowError} for a value that it
 * reads and refuses.
 */
export function readBody(org: Org, object: ObjectType, body: unknown, options: ReadBodyOptions): Record<string, Value> {
  if (!isJson(body))
    throw new ApiError(
      400,
      'JSON_PARSER_ERROR',
      'The HTTP entity body is required, but this request has no entity body',
    );
  const isInsert = options.mode === 'insert';
  const values: Record<string, Value> = {};
  const locked: string[] = [];
  const isLocked = (field: Field): boolean =>
    !(isInsert ? field.createable : field.updateable) ||
    (options.isAdmin !== true && accessTo(org, object, field) !== 'edit');
  for (const [name, value] of Object.entries(body)) {
    if (name === 'attributes') continue;
    if (isJson(value)) {
      const relation = relationNamed(org, object, name);
      if (!relation) throw noColumn(object, name);
      if (isLocked(relation)) locked.push(relation.name);
      else values[relation.name] = readRelation(org, relation, value);
      continue;
    }
    const field = options.isAdmin ? findField(object, name) : visibleField(org, object, name);
    if (!field) throw noColumn(object, name);
    if (field === options.without) {
      throw new ApiError(400, 'INVALID_FIELD', `The ${field.name} field should not be specified in the sobject data.`);
    }
    if (field.name === 'Id') {
      throw new RowError('INVALID_FIELD_FOR_INSERT_UPDATE', `cannot specify Id in an ${options.mode} call`, ['Id']);
    }
    if (isLocked(field)) locked.push(field.name);
    else values[field.name] = readValue(org, field, value);
  }
  if (locked.length > 0) {
    throw new RowError(
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      `Unable to create/update fields: ${locked.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
      locked,
    );
  }
  return values;
}

const noColumn = (object: ObjectType, name: string): ApiError =>
  new ApiError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${object.name}`);

/** May the user write records of this object, and may anybody through the API. */
export function requireWritable(org: Org, object: ObjectType, action: 'createable' | 'updateable' | 'deletable'): void {
  if (!object[action]) {
    throw new RowError(
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      `entity type cannot be ${action.replace('able', 'ed')}: ${object.label}`,
    );
  }
  if (accessTo(org, object) !== 'edit') {
    throw new RowError('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id', [], 403);
  }
}
