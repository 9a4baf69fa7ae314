import type { Hint, HintsResult } from '../../application/ports/crm.ts';
import type { CrmObject } from '../../domain/record.ts';
import type { Instant } from '../../domain/time.ts';
import { CONTACT_FIELDS, DEAL_FIELDS } from './fields.ts';
import { eventSchema, type HubSpotEvent, parseJson } from './wire.ts';

/** HubSpot's documented maximum of a webhook request. */
export const EVENTS_MAX = 100;

/** The names under which events mention the objects we know: type ids, and the words in types and association types. */
const OBJECTS: Readonly<Record<string, CrmObject>> = withoutInherited({
  '0-1': 'contact',
  '0-2': 'company',
  '0-3': 'deal',
  contact: 'contact',
  company: 'company',
  deal: 'deal',
});

const OWN_PROPERTIES: ReadonlySet<string> = new Set([...Object.values(CONTACT_FIELDS), ...Object.values(DEAL_FIELDS)]);

const KINDS: Readonly<Record<string, Hint['kind']>> = withoutInherited<Hint['kind']>({
  creation: 'change',
  propertyChange: 'change',
  restore: 'change',
  deletion: 'deletion',
  merge: 'merge',
  associationChange: 'association',
  privacyDeletion: 'erasure',
});

/** An event of the type "constructor.toString" names nothing: what every object inherits is not in the table. */
function withoutInherited<T>(table: Record<string, T>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null) as Record<string, T>, table);
}

type RecordHint = Hint['records'][number];

/** Reads a webhook body. `appId` is ours: it tells our own writes from the world's. */
export function parseHints(body: Uint8Array, appId: number): HintsResult {
  let parsed: unknown;
  try {
    parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { ok: false, problem: 'not_json', detail: `${body.length} bytes` };
  }
  if (!Array.isArray(parsed)) return { ok: false, problem: 'not_an_array', detail: typeof parsed };
  if (parsed.length > EVENTS_MAX) return { ok: false, problem: 'too_many_events', detail: `${parsed.length} events` };
  const hints: Hint[] = [];
  for (const [index, payload] of parsed.entries()) {
    const hint = hintOf(payload, appId);
    // The delivery as a whole is refused, so HubSpot sends it again: half of it must not be lost in silence.
    if (typeof hint === 'string') return { ok: false, problem: 'malformed_event', detail: `event ${index}: ${hint}` };
    hints.push(hint);
  }
  return { ok: true, hints };
}

function hintOf(payload: unknown, appId: number): Hint | string {
  const parsed = eventSchema.safeParse(payload);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
  const event = parsed.data;
  const type = event.subscriptionType ?? event.eventType;
  if (type === undefined) return 'subscriptionType is missing';

  const [subject = '', verb = ''] = type.split('.');
  const named = subject === 'object' ? OBJECTS[event.objectTypeId ?? ''] : OBJECTS[subject];
  const kind = KINDS[verb];
  const records = kind === undefined ? [] : recordsOf(kind, named, event);
  if (records === null) return `${type} names no record`;
  return {
    eventKey: eventKey(type, event),
    externalId: event.portalId,
    kind: kind === undefined || records.length === 0 ? 'ignored' : kind,
    records,
    occurredAt: instantOf(event.occurredAt),
    echo: isOwnWrite(event, appId),
    payload: withoutValues(payload),
  };
}

/**
 * The source alone is not to be trusted (it is what the CRM was told), so only fields that nobody but us writes count: anything else
 * is read again, which costs a call and cannot lose a Closed Won.
 */
function isOwnWrite({ changeSource, sourceId, propertyName }: HubSpotEvent, appId: number): boolean {
  if (changeSource !== 'INTEGRATION' || String(sourceId) !== String(appId)) return false;
  return propertyName !== undefined && OWN_PROPERTIES.has(propertyName);
}

/** The inbox keeps its rows for months and may for ever, and a value may be a person's name: what a record holds is read from the record. */
function withoutValues(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  const { propertyValue: _, ...rest } = payload as Record<string, unknown>;
  return rest;
}

/** Empty when the event is about objects we do not know; null when it should name a record and does not. */
function recordsOf(kind: Hint['kind'], object: CrmObject | undefined, event: HubSpotEvent): RecordHint[] | null {
  if (kind === 'association') return associationRecords(object, event);
  if (object === undefined) return [];
  const ids =
    kind === 'merge'
      ? [event.newObjectId, event.primaryObjectId, ...(event.mergedObjectIds ?? []), event.objectId]
      : [event.objectId];
  const records = distinct(ids.filter((id) => id !== undefined).map((id) => ({ object, id })));
  return records.length === 0 ? null : records;
}

/** Both ends that we know; "CONTACT_TO_DEAL" names them in the order of from and to. */
function associationRecords(object: CrmObject | undefined, event: HubSpotEvent): RecordHint[] | null {
  const [from = '', to = ''] = (event.associationType ?? '').toLowerCase().split('_to_');
  const fromObject = OBJECTS[event.fromObjectTypeId ?? ''] ?? OBJECTS[from] ?? (from === '' ? object : undefined);
  const toObject = OBJECTS[event.toObjectTypeId ?? ''] ?? OBJECTS[to];
  if (fromObject === undefined && toObject === undefined) return [];
  const records: RecordHint[] = [];
  if (fromObject && event.fromObjectId !== undefined) records.push({ object: fromObject, id: event.fromObjectId });
  if (toObject && event.toObjectId !== undefined) records.push({ object: toObject, id: event.toObjectId });
  return records.length === 0 ? null : distinct(records);
}

function distinct(records: readonly RecordHint[]): RecordHint[] {
  return [...new Map(records.map((record) => [`${record.object} ${record.id}`, record])).values()];
}

/**
 * HubSpot says that `eventId` is not unique, so the key names everything that tells two events apart, and nothing that differs
 * between two deliveries of one (`attemptNumber`). Values stay out: they are personal data.
 */
function eventKey(type: string, event: HubSpotEvent): string {
  return JSON.stringify([
    event.portalId,
    type,
    event.objectTypeId ?? null,
    event.objectId ?? null,
    event.eventId ?? null,
    event.occurredAt === undefined ? null : String(event.occurredAt),
    event.propertyName ?? null,
    ...(event.newObjectId !== undefined || event.primaryObjectId !== undefined || event.mergedObjectIds !== undefined
      ? [event.newObjectId ?? null, event.primaryObjectId ?? null, event.mergedObjectIds ?? []]
      : []),
    ...(event.fromObjectId !== undefined || event.toObjectId !== undefined
      ? [
          event.associationType ?? null,
          event.fromObjectId ?? null,
          event.toObjectId ?? null,
          event.associationRemoved ?? null,
          event.associationTypeId ?? null,
          event.isPrimaryAssociation ?? null,
        ]
      : []),
  ]);
}

function instantOf(raw: number | string | undefined): Instant | null {
  if (raw === undefined) return null;
  const at = typeof raw === 'number' ? raw : /^\d+$/.test(raw) ? Number(raw) : Date.parse(raw);
  return Number.isSafeInteger(at) ? at : null;
}
