import { z } from 'zod';
import { conflict, HubSpotError, notFound, validationError } from './errors.ts';
import { type Answer, type Call, type Route, readBody } from './http.ts';
import { type Portal, recordsOf, resolveRecord } from './portal.ts';

/**
 * App events: what an app tells the timelines of records. Definitions come with the app's project files, occurrences by the API of 2026-03
 * (the Timeline spec; "App events reference" and "Send event occurrences" of the guide). Sizes are those of the guide's older timeline API,
 * which the new pages do not take back.
 */
const TYPES_MAX = 750;
const PROPERTIES_MAX = 500;
const HEADER_MAX = 1_000;
const DETAIL_MAX = 10_000;
const ID_BYTES_MAX = 500;
const VALUE_BYTES_MAX = 510 * 1024;
const OCCURRENCE_BYTES_MAX = 1024 * 1024;
/** Seen in other apps' code; HubSpot's pages name no number. */
const BATCH_MAX = 500;

const OBJECT_TYPES = { CONTACT: '0-1', COMPANY: '0-2', DEAL: '0-3' } as const;

/** An event type as a project's files define it. */
export interface UploadedEvent {
  uid: string;
  name: string;
  objectType: string;
  headerTemplate: string;
  detailTemplate: string;
  properties: readonly {
    readonly name: string;
    readonly label: string;
    readonly type: string;
    readonly options?: readonly { readonly value: string; readonly label: string }[];
  }[];
}

const uploadSchema = z.strictObject({
  uid: z.string().regex(/^[a-zA-Z0-9_\-.]{1,64}$/),
  name: z.string().min(1),
  objectType: z.enum(['CONTACT', 'COMPANY', 'DEAL']),
  headerTemplate: z.string().min(1).max(HEADER_MAX),
  detailTemplate: z.string().max(DETAIL_MAX),
  properties: z
    .array(
      z
        .strictObject({
          name: z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]*$/),
          label: z.string().min(1),
          type: z.enum(['string', 'number', 'enumeration', 'date']),
          options: z.array(z.strictObject({ value: z.string().min(1), label: z.string().min(1) })).optional(),
        })
        .refine(({ type, options }) => (type === 'enumeration') === (options?.length ?? 0) > 0, 'options'),
    )
    .max(PROPERTIES_MAX),
});

/** `AppEventOccurrence` of the spec; what it requires has to be there and nothing else may. */
const occurrenceSchema = z.strictObject({
  id: z.string().min(1),
  eventTypeName: z.string().min(1),
  properties: z.record(z.string(), z.string()),
  objectId: z.string().optional(),
  email: z.string().optional(),
  utk: z.string().optional(),
  domain: z.string().optional(),
  objectTypeFullyQualifiedName: z.string().optional(),
  timestamp: z.iso.datetime({ offset: true }).optional(),
  extraData: z.record(z.string(), z.unknown()).optional(),
  timelineIFrame: z
    .strictObject({
      headerLabel: z.string(),
      linkLabel: z.string(),
      url: z.url(),
      width: z.int(),
      height: z.int(),
    })
    .optional(),
});
const batchSchema = z.strictObject({ inputs: z.array(occurrenceSchema).min(1).max(BATCH_MAX) });

/** One that was told; never changed and never removed but with its record. */
export interface TimelineEvent {
  id: string;
  type: string;
  /** As the app calls the type. */
  name: string;
  objectType: string;
  recordId: string;
  at: number;
  properties: Record<string, string>;
  /** As the timeline shows it: the templates filled in. */
  header: string;
  detail: string;
}

export interface AppEvents {
  readonly routes: Route[];
  /** Newest first, those of the records that were merged into it among them. */
  of(portal: Portal, objectType: string, recordId: string): TimelineEvent[];
  /** HubSpot's approval of the app, which it may also take back. */
  setApproved(isApproved: boolean): void;
}

export function createAppEvents(deps: {
  appId: number;
  types: readonly UploadedEvent[];
  clock: () => number;
}): AppEvents {
  if (deps.types.length > TYPES_MAX) throw new Error(`an app has ${TYPES_MAX} event types at most`);
  const types = new Map(deps.types.map((type) => [type.uid, readType(type)]));
  let isApproved = types.size > 0;

  function typeOf(name: string): UploadedEvent {
    // Either the uid or the name that HubSpot has made of it.
    const type = types.get(name) ?? types.get(name.replace(new RegExp(`^ae${deps.appId}_`), ''));
    if (type) return type;
    throw validationError(`Unable to resolve event type: ${name}`, { context: { eventTypeName: [name] } });
  }

  /** What it would be on the timeline; refused before any of a batch is kept. */
  function read(portal: Portal, input: z.output<typeof occurrenceSchema>): TimelineEvent {
    const type = typeOf(input.eventTypeName);
    const bytes = (text: string) => Buffer.byteLength(text, 'utf8');
    if (bytes(input.id) > ID_BYTES_MAX) throw validationError(`id has more than ${ID_BYTES_MAX} bytes`);
    if (bytes(JSON.stringify(input)) > OCCURRENCE_BYTES_MAX)
      throw validationError(`The event has more than ${OCCURRENCE_BYTES_MAX} bytes`);
    for (const [name, value] of Object.entries(input.properties)) {
      const property = type.properties.find((one) => one.name === name);
      if (!property)
        throw validationError(`${type.uid} has no property ${name}`, { context: { propertyName: [name] } });
      const isFit =
        bytes(value) <= VALUE_BYTES_MAX &&
        (property.type !== 'number' || (value.trim() !== '' && Number.isFinite(Number(value)))) &&
        (property.type !== 'date' || /^\d{4}-\d{2}-\d{2}|^\d{12,}$/.test(value)) &&
        (property.type !== 'enumeration' || property.options?.some((option) => option.value === value) === true);
      if (!isFit)
        throw validationError(`${value.slice(0, 100)} is no value of ${name}`, { context: { propertyName: [name] } });
    }
    const recordId = recordIdOf(portal, type, input);
    const at = input.timestamp === undefined ? deps.clock() : Date.parse(input.timestamp);
    const { id, properties } = input;
    return {
      id,
      type: type.uid,
      name: type.name,
      objectType: type.objectType,
      recordId,
      at,
      properties,
      header: filled(type.headerTemplate, properties, at),
      detail: filled(type.detailTemplate, properties, at),
    };
  }

  /** Of a contact, an address will do as well. An id that was merged away is refused, as a batch of records would refuse it. */
  function recordIdOf(portal: Portal, type: UploadedEvent, input: z.output<typeof occurrenceSchema>): string {
    const typeId = OBJECT_TYPES[type.objectType as keyof typeof OBJECT_TYPES];
    const records = recordsOf(portal, typeId);
    const { objectId, email } = input;
    if (objectId === undefined && email === undefined)
      throw validationError('One of objectId, email and utk is required', { context: { id: [input.id] } });
    const found =
      objectId === undefined
        ? [...records.values()].find((record) => record.properties.get('email') === email?.toLowerCase())
        : records.get(objectId);
    if (found && !found.archived) return found.id;
    throw validationError(`No ${type.objectType.toLowerCase()} for this event`, {
      context: { objectId: [objectId ?? ''] },
    });
  }

  function keep(portal: Portal, inputs: readonly z.output<typeof occurrenceSchema>[]): TimelineEvent[] {
    if (!isApproved)
      // Not documented: an app that is not approved cannot upload event types, and nobody says what it hears when it sends.
      throw new HubSpotError(403, { message: 'This app is not approved for app events.', category: 'FORBIDDEN' });
    const events = inputs.map((input) => read(portal, input));
    const keys = events.map(({ type, id }) => `${type} ${id}`);
    const known = keys.filter((key, index) => portal.timeline.has(key) || keys.indexOf(key) !== index);
    if (known.length > 0) throw conflict('One or more occurrences already exist. Occurrences are immutable.');
    for (const [index, event] of events.entries()) portal.timeline.set(keys[index] ?? '', event);
    return events;
  }

  // The spec would take several others of the app's scopes too; the guide says that this one must have been granted.
  const scopes = () => [['timeline']];
  const routes: Route[] = [
    {
      method: 'POST',
      path: '/integrators/timeline/2026-03/events',
      scopes,
      handle({ portal, body }: Call): Answer {
        const input = readBody(occurrenceSchema, body);
        keep(portal, [input]);
        return { status: 201, body: input };
      },
    },
    {
      method: 'POST',
      path: '/integrators/timeline/2026-03/events/batch',
      scopes,
      handle({ portal, body, at }: Call): Answer {
        const { inputs } = readBody(batchSchema, body);
        keep(portal, inputs);
        const stamp = new Date(at).toISOString();
        return { status: 200, body: { status: 'COMPLETE', startedAt: stamp, completedAt: stamp, results: inputs } };
      },
    },
  ];

  return {
    routes,
    of(portal, objectType, recordId) {
      const typeId = OBJECT_TYPES[objectType.toUpperCase() as keyof typeof OBJECT_TYPES];
      if (typeId === undefined) throw notFound({ objectType: [objectType] });
      return [...portal.timeline.values()]
        .filter((event) => OBJECT_TYPES[event.objectType as keyof typeof OBJECT_TYPES] === typeId)
        .filter((event) => resolveRecord(portal, typeId, event.recordId)?.id === recordId)
        .sort((left, right) => right.at - left.at);
    },
    setApproved(approved) {
      isApproved = approved;
    },
  };
}

function readType(type: UploadedEvent): UploadedEvent {
  const parsed = uploadSchema.safeParse(type);
  if (!parsed.success)
    throw new Error(`event type ${type.uid}: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
  const names = new Set(type.properties.map(({ name }) => name));
  if (names.size !== type.properties.length) throw new Error(`event type ${type.uid} has a property twice`);
  for (const [, name = ''] of `${type.headerTemplate}${type.detailTemplate}`.matchAll(/\{\{(?:#if )?(\w+)\}\}/g))
    if (!names.has(name)) throw new Error(`event type ${type.uid} shows ${name}, which it does not define`);
  return type;
}

/** As much of Handlebars as event types need here: values, `#if` of one, and the time. */
function filled(template: string, values: Readonly<Record<string, string>>, at: number): string {
  return template
    .replace(/\{\{#if (\w+)\}\}([\s\S]*?)\{\{\/if\}\}/g, (_, name: string, inner: string) =>
      values[name] ? inner : '',
    )
    .replace(/\{\{#formatDate timestamp\}\}\{\{\/formatDate\}\}/g, new Date(at).toISOString())
    .replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
