import type { MirrorOutcome, MirrorRow } from '../../application/ports/crm.ts';
import type { MirrorValues } from '../../domain/mirror.ts';
import type { PortalApi } from './call.ts';
import { describe, saysNotFound, saysUnknownProperty } from './errors.ts';
import { CONTACT_FIELDS, DEAL_FIELDS, type MirroredObject, PATH_OF } from './fields.ts';
import type { PropertyState } from './provision.ts';
import { BATCH_MAX, chunksOf, readOne } from './records.ts';
import { PATHS } from './version.ts';
import { batchUpdateSchema, type HubSpotError } from './wire.ts';

/**
 * Calls that one batch may cost beyond the first when HubSpot refuses it as a whole: two bad rows among a hundred are found
 * with about twice log2(100) = 14 each. Rows that are not reached are `retry`, so the next write starts with fewer bad ones.
 */
const SPLIT_CALLS_MAX = 40;

interface Row {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Writes rows in batches. Every row gets exactly one outcome, in the order of the rows' first mention. */
export async function writeMirror(
  api: PortalApi,
  object: MirroredObject,
  state: PropertyState,
  rows: readonly MirrorRow[],
): Promise<MirrorOutcome[]> {
  // HubSpot refuses a batch that names a record twice; the later row is the newer state.
  const distinct = new Map(
    rows.map(({ id, values }) => {
      if (values.kind === 'rows') throw new Error('HubSpot is written properties, not rows');
      return [id, { id, properties: propertiesOf(values, state) }];
    }),
  );
  const absent = state.missing.filter((name) => fieldNames(object).includes(name));
  if (absent.length > 0) {
    const detail = `missing in the portal: ${absent.join(', ')}`;
    return [...distinct.keys()].map((id) => ({ id, result: 'unprovisioned', detail }));
  }
  const outcomes: MirrorOutcome[] = [];
  for (const chunk of chunksOf([...distinct.values()], BATCH_MAX)) {
    outcomes.push(...(await writeChunk(api, object, chunk, { callsLeft: SPLIT_CALLS_MAX })));
  }
  return outcomes;
}

/** Property names and values of a mirror; null clears. What belongs to a property of the customer's is left out. */
export function propertiesOf(values: MirrorValues, { writable }: PropertyState): Record<string, string> {
  const fields: Readonly<Record<string, string>> = values.kind === 'contact' ? CONTACT_FIELDS : DEAL_FIELDS;
  const properties: Record<string, string> = {};
  for (const [field, value] of Object.entries(values)) {
    const property = fields[field];
    if (property !== undefined && writable.has(property)) properties[property] = value === null ? '' : String(value);
  }
  return properties;
}

async function writeChunk(
  api: PortalApi,
  object: MirroredObject,
  rows: readonly Row[],
  budget: { callsLeft: number },
): Promise<MirrorOutcome[]> {
  const reply = await api.call({
    name: `write ${object}s`,
    method: 'POST',
    path: PATHS.batchUpdate(PATH_OF[object]),
    // The trace id makes HubSpot name the row in an error.
    json: { inputs: rows.map(({ id, properties }) => ({ id, properties, objectWriteTraceId: id })) },
    schema: batchUpdateSchema,
    refusals: [400, 404, 409],
  });
  if (!reply.ok) return splitRefused(api, object, rows, reply.error, budget);

  const written = new Set(reply.data.results.map(({ id }) => id));
  const errors = new Map<string, HubSpotError>();
  for (const error of reply.data.errors ?? []) for (const id of idsIn(error)) errors.set(id, error);
  return Promise.all(
    rows.map(async ({ id }): Promise<MirrorOutcome> => {
      const error = errors.get(id);
      if (error) return refusedRow(api, object, id, error);
      if (written.has(id)) return { id, result: 'written' };
      return { id, result: 'retry', detail: 'HubSpot’s answer does not name this row' };
    }),
  );
}

/** A batch that HubSpot refuses as a whole: halves of it, until the row that spoils it stands alone. */
async function splitRefused(
  api: PortalApi,
  object: MirroredObject,
  rows: readonly Row[],
  error: HubSpotError,
  budget: { callsLeft: number },
): Promise<MirrorOutcome[]> {
  // Every row carries the same properties, so one that is unknown spoils them all.
  if (saysUnknownProperty(error)) {
    return rows.map(({ id }) => ({ id, result: 'unprovisioned', detail: describe(error) }));
  }
  const [only] = rows;
  if (rows.length === 1 && only) return [await refusedRow(api, object, only.id, error)];
  const middle = Math.ceil(rows.length / 2);
  const outcomes: MirrorOutcome[] = [];
  for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
    if (budget.callsLeft <= 0) {
      const detail = `not written: HubSpot refused the batch (${describe(error)})`;
      outcomes.push(...half.map(({ id }): MirrorOutcome => ({ id, result: 'retry', detail })));
      continue;
    }
    budget.callsLeft -= 1;
    outcomes.push(...(await writeChunk(api, object, half, budget)));
  }
  return outcomes;
}

/** What HubSpot's refusal of one row means. An old id of a merged record is refused in several ways, so the record is asked for. */
async function refusedRow(
  api: PortalApi,
  object: MirroredObject,
  id: string,
  error: HubSpotError,
): Promise<MirrorOutcome> {
  const detail = describe(error);
  if (saysUnknownProperty(error)) return { id, result: 'unprovisioned', detail };
  if (/^(RATE_LIMITS?|INTERNAL_ERROR|RECORD_LOCKED)$/.test(error.category ?? ''))
    return { id, result: 'retry', detail };
  if (saysNotFound(error)) return { id, result: 'gone' };
  const record = await readOne(api, { object: PATH_OF[object], properties: [] }, id);
  return record?.id === id ? { id, result: 'rejected', detail } : { id, result: 'gone' };
}

/** Where an error of a 207 names its rows: `context.ids`, `context.id`, `context.objectWriteTraceId`. */
export function idsIn({ context }: HubSpotError): string[] {
  return ['ids', 'id', 'objectId', 'objectIds', 'objectWriteTraceId'].flatMap((key) => {
    const value = context?.[key];
    return (Array.isArray(value) ? value : [value]).flatMap((id) =>
      typeof id === 'string' || typeof id === 'number' ? [String(id)] : [],
    );
  });
}

function fieldNames(object: MirroredObject): string[] {
  return Object.values(object === 'contact' ? CONTACT_FIELDS : DEAL_FIELDS);
}
