import { createHash } from 'node:crypto';
import avro from 'avsc';
import { accessTo, eventOfEntity, type Org, type Row, type Value } from './org.ts';
import type { Field, ObjectType } from './schema.ts';

/**
 * The Avro schemas of change events and their payloads: "Change Event Message Structure", Change Data Capture Developer Guide, and "Event
 * Deserialization Considerations", Pub/Sub API Guide. Every field of the object is in the schema; one that did not change is null.
 */

export const CHANGE_TYPES = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'UNDELETE',
  'GAP_CREATE',
  'GAP_UPDATE',
  'GAP_DELETE',
  'GAP_UNDELETE',
  'GAP_OVERFLOW',
] as const;
export type EventType = (typeof CHANGE_TYPES)[number];

export interface Header {
  entityName: string;
  recordIds: string[];
  changeType: EventType;
  changeOrigin: string;
  transactionKey: string;
  sequenceNumber: number;
  commitTimestamp: bigint;
  commitNumber: bigint;
  commitUser: string;
  nulledFields: string[];
  diffFields: string[];
  changedFields: string[];
}

export interface EventSchema {
  /** Fingerprint of the JSON, in 22 characters. */
  id: string;
  json: string;
  encode(header: Omit<Header, 'nulledFields' | 'diffFields' | 'changedFields'>, body: EventBody): Buffer;
}

export interface EventBody {
  /** Undefined: every field is null, as in a deletion or a gap. */
  row?: Row | undefined;
  /** Only these fields have values; all unless given. Their bits are set. */
  changed?: readonly string[] | undefined;
}

/** commitNumber is greater than 2^53: an int64 that a double would spoil. */
const longType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(number: bigint) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(number);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (number: unknown) => typeof number === 'bigint',
  compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
});

type AvroType = string | { [key: string]: unknown } | AvroType[];

const HEADER_SCHEMA: AvroType = {
  type: 'record',
  name: 'ChangeEventHeader',
  fields: [
    { name: 'entityName', type: 'string' },
    { name: 'recordIds', type: { type: 'array', items: 'string' } },
    { name: 'changeType', type: { type: 'enum', name: 'ChangeType', symbols: [...CHANGE_TYPES] } },
    { name: 'changeOrigin', type: 'string' },
    { name: 'transactionKey', type: 'string' },
    { name: 'sequenceNumber', type: 'int' },
    { name: 'commitTimestamp', type: 'long' },
    { name: 'commitNumber', type: 'long' },
    { name: 'commitUser', type: 'string' },
    { name: 'nulledFields', type: { type: 'array', items: 'string' } },
    { name: 'diffFields', type: { type: 'array', items: 'string' } },
    { name: 'changedFields', type: { type: 'array', items: 'string' } },
  ],
};

function plainType(field: Field): string {
  switch (field.type) {
    case 'boolean':
      return 'boolean';
    case 'int':
      return 'int';
    case 'double':
    case 'currency':
    case 'percent':
      return 'double';
    case 'date':
    case 'datetime':
      return 'long';
    default:
      return 'string';
  }
}

/** `MailingStreet` is `Street` within MailingAddress; `FirstName` keeps its name within Name. */
const nestedName = (parent: Field, part: Field): string =>
  parent.type === 'address' ? part.name.slice(parent.name.length - 'Address'.length) : part.name;

interface Slot {
  field: Field;
  /** Of a compound field. */
  parts: Field[];
}

function slotsOf(object: ObjectType): Slot[] {
  const all = [...object.fields.values()];
  return all
    .filter((field) => field.compound === null && field.inChangeEvents)
    .map((field) => ({ field, parts: all.filter((part) => part.compound === field.name) }));
}

/** Bit n is the field at place n; the lowest bit stands last. Whole bytes, as `0x400000` for place 22. */
export function bitmap(places: readonly number[]): string {
  const bits = places.reduce((sum, place) => sum | (1n << BigInt(place)), 0n);
  const digits = bits.toString(16).toUpperCase();
  return `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}

function bitmaps(slots: readonly Slot[], isMeant: (field: Field) => boolean): string[] {
  // The header has place 0.
  const places = slots.flatMap(({ field, parts }, index) => (parts.length === 0 && isMeant(field) ? [index + 1] : []));
  const nested = slots.flatMap(({ parts }, index) => {
    const inner = parts.flatMap((part, place) => (isMeant(part) ? [place] : []));
    return inner.length === 0 ? [] : [`${index + 1}-${bitmap(inner)}`];
  });
  return [...(places.length === 0 ? [] : [bitmap(places)]), ...nested];
}

function avroValue(field: Field, value: Value | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (field.type === 'date') return BigInt(Date.parse(`${value}T00:00:00Z`));
  if (field.type === 'datetime') return BigInt(Number(value));
  return value;
}

function schemaJson(object: ObjectType, slots: readonly Slot[]): string {
  const defined = new Set<string>();
  const fields = slots.map(({ field, parts }) => {
    if (parts.length === 0) return { name: field.name, type: ['null', plainType(field)], default: null };
    const isAccountName = object.name === 'Account' && field.name === 'Name';
    const name = field.type === 'address' ? 'Address' : isAccountName ? 'Switchable_PersonName' : 'PersonName';
    const record: AvroType = defined.has(name)
      ? name
      : {
          type: 'record',
          name,
          fields: parts.map((part) => ({
            name: nestedName(field, part),
            type: ['null', plainType(part)],
            default: null,
          })),
        };
    defined.add(name);
    // A business account has a text for a name, a person account a record.
    const type: AvroType = isAccountName ? ['null', 'string', record] : ['null', record];
    return { name: field.name, type, default: null };
  });
  return JSON.stringify({
    type: 'record',
    name: eventOfEntity(object.name),
    namespace: 'com.sforce.eventbus',
    fields: [{ name: 'ChangeEventHeader', type: HEADER_SCHEMA }, ...fields],
  });
}

export function eventSchema(org: Org, object: ObjectType): EventSchema {
  const slots = slotsOf(object);
  const json = schemaJson(object, slots);
  const type = avro.Type.forSchema(JSON.parse(json), { registry: { long: longType } });

  return {
    id: createHash('md5').update(json).digest('base64url'),
    json,
    encode(header, { row, changed }) {
      const isIn = (field: Field): boolean =>
        row !== undefined &&
        (changed === undefined || changed.includes(field.name)) &&
        accessTo(org, object, field) !== 'none';
      const body: Record<string, unknown> = {};
      for (const { field, parts } of slots) {
        if (parts.length === 0) {
          body[field.name] = isIn(field) ? avroValue(field, row?.[field.name]) : null;
          continue;
        }
        const isPlainName = object.name === 'Account' && field.name === 'Name' && row?.IsPersonAccount !== true;
        if (isPlainName) {
          body[field.name] = isIn(field) ? avroValue(field, row?.[field.name]) : null;
          continue;
        }
        const inner = Object.fromEntries(
          parts.map((part) => [nestedName(field, part), isIn(part) ? avroValue(part, row?.[part.name]) : null]),
        );
        body[field.name] =
          Object.values(inner).some((value) => value !== null) ||
          parts.some((part) => changed !== undefined && isIn(part))
            ? inner
            : null;
      }
      const isChanged = (field: Field): boolean => changed !== undefined && isIn(field);
      return type.toBuffer({
        ChangeEventHeader: {
          ...header,
          nulledFields: bitmaps(slots, (field) => isChanged(field) && (row?.[field.name] ?? null) === null),
          diffFields: [],
          changedFields: bitmaps(slots, isChanged),
        },
        ...body,
      });
    },
  };
}
