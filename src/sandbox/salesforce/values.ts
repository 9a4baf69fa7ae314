import { ApiError, RowError } from './errors.ts';
import { normaliseId } from './ids.ts';
import { indexKey, type Org, objectOfId, tableOf, type Value } from './org.ts';
import type { Field, ObjectType } from './schema.ts';

/** What a value of a field may be, on the way in, and how it looks on the way out. */

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:?\d{2})$/;
/** Enough to find a mistake; Salesforce's own test is a longer one. */
const EMAIL = /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/;

function isRealDate(text: string): boolean {
  const parsed = Date.parse(`${text}T00:00:00Z`);
  return DATE.test(text) && !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(text);
}

function misread(field: Field, value: unknown): ApiError {
  const kind =
    typeof value === 'string' ? 'STRING' : typeof value === 'number' ? 'NUMBER' : String(typeof value).toUpperCase();
  return new ApiError(
    400,
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${field.type} from VALUE_${kind} value ${JSON.stringify(value)} or request may be missing a required field at [line:1, column:2]`,
    { fields: [field.name] },
  );
}

function readText(field: Field, value: unknown): Value {
  if (typeof value !== 'string') throw misread(field, value);
  const trimmed = value.trim();
  if (trimmed === '') return null;
  if (field.length > 0 && trimmed.length > field.length) {
    throw new RowError(
      'STRING_TOO_LONG',
      `${field.label}: data value too large: ${trimmed.slice(0, 40)} (max length=${field.length})`,
      [field.name],
    );
  }
  if (field.type === 'email' && !EMAIL.test(trimmed)) {
    throw new RowError('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${trimmed}`, [field.name]);
  }
  return trimmed;
}

/** Half away from zero, as the platform rounds; through the decimal text, so that 1.005 has two decimals of its own. */
function roundTo(value: number, scale: number): number {
  const sign = value < 0 ? -1 : 1;
  return (sign * Math.round(Number(`${Math.abs(value)}e${scale}`))) / 10 ** scale;
}

function readNumber(field: Field, value: unknown): Value {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw misread(field, value);
  if (field.type === 'int') {
    if (!Number.isInteger(value)) throw misread(field, value);
    return value;
  }
  if (Math.abs(value) >= 10 ** (field.precision - field.scale)) {
    throw new RowError(
      'NUMBER_OUTSIDE_VALID_RANGE',
      `${field.label}: value outside of valid range on numeric field: ${value}`,
      [field.name],
    );
  }
  return roundTo(value, field.scale);
}

function readReference(org: Org, field: Field, value: unknown): Value {
  if (typeof value !== 'string') throw misread(field, value);
  if (value === '') return null;
  const id = normaliseId(value);
  const target = id === null ? undefined : objectOfId(org, id);
  if (id === null || !target || !field.referenceTo.includes(target.name)) {
    throw new RowError('MALFORMED_ID', `${field.label}: id value of incorrect type: ${value}`, [field.name]);
  }
  const row = tableOf(org, target.name).rows.get(id);
  if (!row) throw new RowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [field.name]);
  if (row.IsDeleted === true) throw new RowError('ENTITY_IS_DELETED', 'entity is deleted', [field.name]);
  return id;
}

/** @throws {RowError} for the record, {ApiError} when the body as a whole cannot be read. */
export function readValue(org: Org, field: Field, value: unknown): Value {
  if (value === null) {
    if (field.type === 'boolean') throw misread(field, value);
    return null;
  }
  switch (field.type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw misread(field, value);
      return value;
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      return readNumber(field, value);
    case 'date':
      if (typeof value !== 'string' || !isRealDate(value)) throw misread(field, value);
      return value;
    case 'datetime': {
      if (typeof value !== 'string' || !DATE_TIME.test(value)) throw misread(field, value);
      const at = Date.parse(value);
      if (Number.isNaN(at)) throw misread(field, value);
      // The database keeps whole seconds.
      return Math.floor(at / 1_000) * 1_000;
    }
    case 'reference':
    case 'id':
      return readReference(org, field, value);
    case 'picklist': {
      const text = readText(field, value);
      if (
        field.restrictedPicklist &&
        text !== null &&
        !field.picklist.some((one) => one.active && one.value === text)
      ) {
        throw new RowError(
          'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
          `${field.label}: bad value for restricted picklist field: ${text}`,
          [field.name],
        );
      }
      return text;
    }
    default:
      return readText(field, value);
  }
}

/** The record that an external id names: nothing, one, or more than one where the field is not unique. */
export function findByExternalId(org: Org, object: ObjectType, field: Field, value: Value): string[] {
  if (value === null) return [];
  const table = tableOf(org, object.name);
  const ids = table.index.get(field.name)?.get(indexKey(field, value)) ?? new Set<string>();
  return [...ids].filter((id) => table.rows.get(id)?.IsDeleted !== true);
}

const pad = (number: number, digits = 2): string => String(number).padStart(digits, '0');

/** `2026-11-22T10:00:00.000+0000`: REST's own form, without the colon that ISO 8601 wants in the offset. */
export function formatMoment(at: number): string {
  const date = new Date(at);
  return `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}T${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}.000+0000`;
}

export function formatValue(field: Field, value: Value | undefined): Value {
  if (value === undefined || value === null) return null;
  return field.type === 'datetime' ? formatMoment(value as number) : value;
}
