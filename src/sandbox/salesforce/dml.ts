import { isJson, readBody, requireWritable } from './bodies.ts';
import { ApiError, RowError } from './errors.ts';
import { normaliseId } from './ids.ts';
import { type Org, objectOfId, type Value, visibleField } from './org.ts';
import type { Tx } from './records.ts';
import type { Field, ObjectType } from './schema.ts';
import { findByExternalId, readValue } from './values.ts';

/** One record written through REST: the checks that a single call and a row of a collection share. */

export function createRecord(tx: Tx, object: ObjectType, body: unknown): string {
  requireWritable(tx.org, object, 'createable');
  return tx.insert(object, readBody(tx.org, object, body, { mode: 'insert' }));
}

export function updateRecord(tx: Tx, object: ObjectType, id: string, body: unknown): void {
  requireWritable(tx.org, object, 'updateable');
  tx.update(object, id, readBody(tx.org, object, body, { mode: 'update' }));
}

export function deleteRecord(tx: Tx, object: ObjectType, id: string): void {
  requireWritable(tx.org, object, 'deletable');
  tx.remove(object, id);
}

/** @throws {ApiError} NOT_FOUND when the field is no external id. */
export function externalIdField(org: Org, object: ObjectType, name: string): Field {
  const field = visibleField(org, object, name);
  if (field?.externalId) return field;
  throw new ApiError(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${name}`);
}

export interface Upserted {
  id: string;
  created: boolean;
}

/** @throws {RowError} DUPLICATE_EXTERNAL_ID when several records have the value, with their ids in `fields`. */
export function upsertRecord(tx: Tx, object: ObjectType, field: Field, external: Value, body: unknown): Upserted {
  if (external === null) throw new RowError('MISSING_ARGUMENT', `${field.name} not specified`);
  const found = findByExternalId(tx.org, object, field, external);
  if (found.length > 1) {
    throw new RowError(
      'DUPLICATE_EXTERNAL_ID',
      `${field.name}: more than one record found for external id field: [${found.join(', ')}]`,
    );
  }
  const [id] = found;
  if (id === undefined) {
    requireWritable(tx.org, object, 'createable');
    const values = readBody(tx.org, object, body, { mode: 'insert', without: field });
    return { id: tx.insert(object, { ...values, [field.name]: external }), created: true };
  }
  requireWritable(tx.org, object, 'updateable');
  tx.update(object, id, readBody(tx.org, object, body, { mode: 'update', without: field }));
  return { id, created: false };
}

/** The external id within a row of a collection, and the row without it. */
export function splitExternal(org: Org, field: Field, row: unknown): { external: Value; rest: unknown } {
  if (!isJson(row)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'a record must be an object');
  const key = Object.keys(row).find((name) => name.toLowerCase() === field.name.toLowerCase());
  const rest = Object.fromEntries(Object.entries(row).filter(([name]) => name !== key));
  return { external: key === undefined ? null : readValue(org, field, row[key]), rest };
}

/** The object and the id in 18 characters that an id in a body or an address means. */
export function recordOf(org: Org, text: string): { object: ObjectType; id: string } {
  const id = normaliseId(text);
  const object = id === null ? undefined : objectOfId(org, id);
  if (id === null || !object) throw new RowError('MALFORMED_ID', `malformed id ${text}`);
  return { object, id };
}
