import { z } from 'zod';
import type { Hint } from '../../application/ports/crm.ts';
import type { CrmObject } from '../../domain/record.ts';
import type { Instant } from '../../domain/time.ts';
import { AvroError, type AvroValue, avroReader } from './avro.ts';
import { longId } from './ids.ts';

/**
 * Change events → hints. "Change Event Message Structure", Change Data Capture Developer Guide; "Event Deserialization Considerations",
 * Pub/Sub API Guide.
 */

export interface ChangeEvent {
  readonly entity: string;
  /** As they came. */
  readonly recordIds: readonly string[];
  readonly changeType: string;
  readonly changeOrigin: string;
  readonly transactionKey: string;
  readonly sequenceNumber: number;
  readonly committedAt: Instant;
  /** Beyond 2^53. */
  readonly commitNumber: string;
  readonly commitUser: string;
  /** Names of the fields that changed; of a part of a compound field `MailingAddress.City`. */
  readonly changedFields: readonly string[];
  /** The value of a field that holds text; null when it did not change, is not there or holds something else. */
  text(field: string): string | null;
}

/** Of one schema id. @throws Error when the bytes are not what the schema says. */
export type EventReader = (payload: Uint8Array) => ChangeEvent;

/** Milliseconds that a Date can hold. */
const INSTANT_MAX = 8_640_000_000_000_000n;

const headerSchema = z.object({
  entityName: z.string().min(1),
  recordIds: z.array(z.string()),
  changeType: z.string().min(1),
  changeOrigin: z.string().nullish(),
  transactionKey: z.string().nullish(),
  sequenceNumber: z.int().nullish(),
  commitTimestamp: z.bigint().positive().lte(INSTANT_MAX),
  commitNumber: z.bigint().nullish(),
  commitUser: z.string().nullish(),
  changedFields: z.array(z.string()).nullish(),
});

/** @throws Error when the schema is none, or has no header of a change event. */
export function eventReader(schemaJson: string): EventReader {
  const schema: unknown = JSON.parse(schemaJson);
  const read = avroReader(schema);
  const fields = fieldsOf(schema, new Map());
  return (payload) => {
    const record = recordIn(read(payload));
    const header = headerSchema.parse(recordIn(record.ChangeEventHeader));
    return {
      entity: header.entityName,
      recordIds: header.recordIds,
      changeType: header.changeType,
      changeOrigin: header.changeOrigin ?? '',
      transactionKey: header.transactionKey ?? '',
      sequenceNumber: header.sequenceNumber ?? 0,
      committedAt: Number(header.commitTimestamp),
      commitNumber: String(header.commitNumber ?? ''),
      commitUser: header.commitUser ?? '',
      changedFields: (header.changedFields ?? []).flatMap((bitmap) => namesIn(bitmap, fields)),
      text(field) {
        const value = Object.hasOwn(record, field) ? record[field] : null;
        return typeof value === 'string' ? value : null;
      },
    };
  };
}

function recordIn(value: AvroValue | undefined): Record<string, AvroValue> {
  const isRecord =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
  if (!isRecord) throw new AvroError('it is no change event');
  return value;
}

// ── Which fields changed ────────────────────────────────────────────────────────────────────────────────────────────

interface FieldName {
  readonly name: string;
  /** Of a compound field, in the schema's order. */
  readonly parts: readonly FieldName[];
}

/** A schema names a record where it first needs it; later fields say only its name. */
function fieldsOf(schema: unknown, known: Map<string, readonly FieldName[]>): readonly FieldName[] {
  if (typeof schema === 'string') return known.get(schema.slice(schema.lastIndexOf('.') + 1)) ?? [];
  if (Array.isArray(schema))
    return schema.map((branch) => fieldsOf(branch, known)).find(({ length }) => length > 0) ?? [];
  const { name, fields } = Object(schema) as { name?: unknown; fields?: unknown };
  if (!Array.isArray(fields)) return [];
  const names = fields.map((field: { name: string; type: unknown }) => ({
    name: String(field.name),
    parts: fieldsOf(field.type, known),
  }));
  known.set(String(name), names);
  return names;
}

/** `0x54` has the bits of the fields at the places 2, 4 and 6 of the schema; `4-0x01` that of the first part of the field at place 4. */
function namesIn(bitmap: string, fields: readonly FieldName[]): string[] {
  const [, parent, hex = ''] = /^(?:(\d{1,4})-)?0x([0-9a-fA-F]{1,1024})$/.exec(bitmap) ?? [];
  if (hex === '') return [];
  const above = parent === undefined ? null : fields[Number(parent)];
  if (above === undefined) return [];
  const bits = BigInt(`0x${hex}`);
  return (above?.parts ?? fields).flatMap(({ name }, place) =>
    (bits >> BigInt(place)) & 1n ? [above ? `${above.name}.${name}` : name] : [],
  );
}

// ── What it means for us ────────────────────────────────────────────────────────────────────────────────────────────

export interface EventMeaning {
  readonly hints: readonly Hint[];
  /** Not null when it names no records: since then any may have changed. */
  readonly sweepFrom: Instant | null;
  readonly hasRequests: boolean;
}

interface Reader {
  /** Salesforce's id of the org. */
  readonly externalId: string;
  /** What our own calls name themselves in `Sforce-Call-Options`. */
  readonly clientName: string;
}

const OBJECTS: Readonly<Record<string, CrmObject>> = { Contact: 'contact', Lead: 'contact', Opportunity: 'deal' };
/** With or without the namespace of the package. */
const REQUEST = /^(?:[A-Za-z][A-Za-z0-9_]*?__)?Referral_Action__c$/;
const OVERFLOW = 'GAP_OVERFLOW';

export function meaningOf(event: ChangeEvent, { externalId, clientName }: Reader): EventMeaning {
  const nothing = { hints: [], sweepFrom: null, hasRequests: false };
  if (event.changeType === OVERFLOW) return { ...nothing, sweepFrom: event.committedAt };
  const ids = event.recordIds.map(longId);
  const echo = event.changeOrigin.endsWith(`;client=${clientName}`);
  const hints = ids.flatMap((id) => (id === null ? [] : [hintOf(event, id, { externalId, echo })]));
  return {
    hints,
    // `001*` stands for every record of an object, as after the conversion of a field; anything else was mangled.
    sweepFrom: hints.length === event.recordIds.length && hints.length > 0 ? null : event.committedAt,
    hasRequests: REQUEST.test(event.entity) && !echo && event.changeType !== 'DELETE',
  };
}

function hintOf(event: ChangeEvent, id: string, { externalId, echo }: { externalId: string; echo: boolean }): Hint {
  const { entity, changeType, changeOrigin, sequenceNumber, commitNumber, commitUser, changedFields } = event;
  // Unique within the org. Replay ids are not: they are given out anew when an org moves to other servers.
  const transaction = event.transactionKey === '' ? `commit ${commitNumber}` : event.transactionKey;
  return {
    eventKey: `${transaction} ${sequenceNumber} ${id}`,
    externalId,
    kind: kindOf(entity, changeType),
    records: recordsOf(event, id),
    occurredAt: event.committedAt,
    echo,
    // Without the values: the inbox is kept for months or for good, and must not hold what a person may ask us to forget.
    payload: {
      entity,
      recordId: id,
      changeType,
      changeOrigin,
      transactionKey: event.transactionKey,
      sequenceNumber,
      commitNumber,
      commitUser,
      changedFields,
    },
  };
}

function kindOf(entity: string, changeType: string): Hint['kind'] {
  if (entity === 'OpportunityContactRole') return 'association';
  if (!Object.hasOwn(OBJECTS, entity)) return 'ignored';
  return changeType === 'DELETE' ? 'deletion' : 'change';
}

function recordsOf(event: ChangeEvent, id: string): Hint['records'] {
  // Only the creation of a role tells its opportunity; of the others reading finds it.
  if (event.entity === 'OpportunityContactRole') return [{ object: 'deal', id: linked(event, 'OpportunityId') ?? id }];
  const object = Object.hasOwn(OBJECTS, event.entity) ? OBJECTS[event.entity] : undefined;
  if (object === undefined) return [];
  if (event.entity !== 'Lead') return [{ object, id }];
  // A lead that was converted into records that were there already: nothing need have changed in them.
  const contact = linked(event, 'ConvertedContactId');
  const deal = linked(event, 'ConvertedOpportunityId');
  return [
    { object, id },
    ...(contact === null ? [] : [{ object: 'contact', id: contact } as const]),
    ...(deal === null ? [] : [{ object: 'deal', id: deal } as const]),
  ];
}

/** A look-up's value; an event of several records tells what they have in common. */
function linked(event: ChangeEvent, field: string): string | null {
  const value = event.text(field);
  return value === null ? null : longId(value);
}
