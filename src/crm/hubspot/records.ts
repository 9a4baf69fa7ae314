import { Fault } from '../../domain/errors.ts';
import type { PortalApi } from './call.ts';
import { saysNotFound } from './errors.ts';
import { type MirroredObject, MODIFIED_PROPERTY } from './fields.ts';
import { type ObjectPath, PATHS } from './version.ts';
import { batchRecordsSchema, type HubSpotRecord, recordSchema } from './wire.ts';

/** HubSpot's documented maximum of a batch. */
export const BATCH_MAX = 100;

/**
 * With histories it is half: "The maximum number of inputs supported in a batch request for property histories is 50" (the API's
 * own 400, quoted in activepieces/activepieces#9359 and PipedreamHQ/pipedream#8462).
 */
export const BATCH_WITH_HISTORY_MAX = 50;

const HUBSPOT_ID = /^\d+$/;

/** Ids that were merged into a record, separated by semicolons. */
const MERGED_IDS_PROPERTY = 'hs_merged_object_ids';

export interface Wanted {
  readonly object: ObjectPath;
  readonly properties: readonly string[];
  readonly history?: readonly string[];
}

export interface FoundRecord {
  readonly id: string;
  /** Null when HubSpot says that there is none. */
  readonly record: HubSpotRecord | null;
  /** Every other id of this record that HubSpot or the caller knows. */
  readonly formerIds: readonly string[];
}

/** Each distinct record behind `ids`, once. @throws Fault when HubSpot did not say what became of one of them. */
export async function readRecords(api: PortalApi, wanted: Wanted, ids: readonly string[]): Promise<FoundRecord[]> {
  const found = new Map<string, FoundRecord>();
  const add = (askedFor: string, record: HubSpotRecord | null) => {
    const id = record?.id ?? askedFor;
    const known = found.get(id);
    const formerIds = new Set([...(known?.formerIds ?? []), ...(record ? mergedIds(record) : []), askedFor]);
    formerIds.delete(id);
    found.set(id, { id, record, formerIds: [...formerIds] });
  };

  // HubSpot's ids are digits. Anything else names no record, and would make HubSpot refuse the whole batch.
  const distinct = [...new Set(ids)];
  const numeric = distinct.filter((id) => HUBSPOT_ID.test(id));
  for (const id of distinct) if (!HUBSPOT_ID.test(id)) add(id, null);

  const size = wanted.history ? BATCH_WITH_HISTORY_MAX : BATCH_MAX;
  for (const chunk of chunksOf(numeric, size)) {
    const missing = new Set(chunk);
    for (const record of await readBatch(api, wanted, chunk)) {
      const askedFor = [record.id, ...mergedIds(record)].filter((id) => missing.has(id));
      if (record.archived === true) continue;
      for (const id of askedFor) {
        missing.delete(id);
        add(id, record);
      }
    }
    // One by one: only a single read tells a merged record (answered under its new id) from a deleted one.
    const singles = await Promise.all([...missing].map(async (id) => ({ id, record: await readOne(api, wanted, id) })));
    for (const { id, record } of singles) add(id, record);
  }
  return [...found.values()];
}

/** Null when HubSpot says that there is no such record. */
export async function readOne(api: PortalApi, wanted: Wanted, id: string): Promise<HubSpotRecord | null> {
  const reply = await api.call({
    name: `read ${wanted.object} singly`,
    method: 'GET',
    path: PATHS.object(wanted.object, id),
    query: {
      properties: [...wanted.properties, MERGED_IDS_PROPERTY].join(','),
      ...(wanted.history ? { propertiesWithHistory: wanted.history.join(',') } : {}),
    },
    schema: recordSchema,
    refusals: [404],
  });
  if (reply.ok) return reply.data.archived === true ? null : reply.data;
  if (saysNotFound(reply.error)) return null;
  throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot did not answer. Wonward tries again by itself.', {
    message: `read ${wanted.object} singly: a 404 that does not say that the record is missing`,
  });
}

async function readBatch(api: PortalApi, wanted: Wanted, ids: readonly string[]): Promise<HubSpotRecord[]> {
  // A 207 names ids that were not found in `errors`. They are looked at singly anyway, like every id without a result.
  const { results } = await api.data({
    name: `read ${wanted.object}`,
    method: 'POST',
    path: PATHS.batchRead(wanted.object),
    json: {
      inputs: ids.map((id) => ({ id })),
      properties: [...wanted.properties, MERGED_IDS_PROPERTY],
      propertiesWithHistory: wanted.history ?? [],
    },
    schema: batchRecordsSchema,
  });
  return results;
}

/**
 * Which state of the record this is, as a property to spread: by the property that the search sorts and filters by, so that the two
 * are one clock. Nothing when HubSpot did not give it; the record counts as unread for a sweep then.
 */
export function modificationOf(record: HubSpotRecord | null, object: MirroredObject): { readonly modifiedAt?: number } {
  const modifiedAt = Date.parse(record?.properties[MODIFIED_PROPERTY[object]] ?? '');
  return Number.isNaN(modifiedAt) ? {} : { modifiedAt };
}

function mergedIds({ properties }: HubSpotRecord): string[] {
  return (properties[MERGED_IDS_PROPERTY] ?? '')
    .split(';')
    .map((id) => id.trim())
    .filter((id) => id !== '');
}

export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}
