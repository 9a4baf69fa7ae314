import { z } from 'zod';
import type { ChangedPage } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { Instant } from '../../domain/time.ts';
import type { PortalApi } from './call.ts';
import { type MirroredObject, MODIFIED_PROPERTY, PATH_OF } from './fields.ts';
import { PATHS } from './version.ts';
import { searchSchema } from './wire.ts';

/** HubSpot's maximum per page. */
export const SEARCH_PAGE = 200;

const ID = 'hs_object_id';

/**
 * HubSpot's search ends after 10,000 results and sorts by one property only, so neither its own paging nor a pair (modified, id)
 * in one query gets past an import that stamps 10,000 records with the same millisecond. Hence two kinds of query:
 *
 * - `from`: everything modified at or after a moment, by time. A page that is cut off within one millisecond gives what lies
 *   before it and continues from it.
 * - `tie`: what was modified in exactly this millisecond, by id. Used when one page cannot hold them, and ends with the next.
 *
 * HubSpot's index lags behind its records by some seconds: a caller has to choose `since` so that two scans overlap.
 */
const cursorSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('from'), at: z.int(), inclusive: z.boolean() }),
  z.object({ kind: z.literal('tie'), at: z.int(), afterId: z.string().regex(/^\d+$/) }),
]);
type Cursor = z.infer<typeof cursorSchema>;

interface Found {
  readonly id: string;
  readonly modifiedAt: Instant;
}

export async function readChanged(
  api: PortalApi,
  input: { object: MirroredObject; since: Instant; cursor: string | null },
): Promise<ChangedPage> {
  const cursor: Cursor =
    input.cursor === null ? { kind: 'from', at: input.since, inclusive: true } : readCursor(input.cursor);
  const read = cursor.kind === 'from' ? pageByTime(api, input.object, cursor) : pageOfTie(api, input.object, cursor);
  return { ...(await read), isPresentOnly: true };
}

async function pageByTime(
  api: PortalApi,
  object: MirroredObject,
  { at, inclusive }: Extract<Cursor, { kind: 'from' }>,
): Promise<ChangedPage> {
  const filters = [{ propertyName: MODIFIED_PROPERTY[object], operator: inclusive ? 'GTE' : 'GT', value: String(at) }];
  const { found, more, asOf, total } = await search(api, object, filters, MODIFIED_PROPERTY[object]);
  // A sort that HubSpot does not understand is ignored without a word (hubspot-api-nodejs#14); going on would skip records.
  const isSorted = found.every(({ modifiedAt }, index) => modifiedAt >= (found[index - 1]?.modifiedAt ?? at));
  if (!isSorted) throw unreadable(object, 'the results are not in the order that was asked for');
  const last = found.at(-1);
  if (!more || !last) return { records: found, next: null, asOf, total };
  const complete = found.filter(({ modifiedAt }) => modifiedAt < last.modifiedAt);
  if (complete.length > 0) {
    const next: Cursor = { kind: 'from', at: last.modifiedAt, inclusive: true };
    return { records: complete, next: JSON.stringify(next), asOf, total };
  }
  return { ...(await pageOfTie(api, object, { kind: 'tie', at: last.modifiedAt, afterId: '0' })), total };
}

async function pageOfTie(
  api: PortalApi,
  object: MirroredObject,
  { at, afterId }: Extract<Cursor, { kind: 'tie' }>,
): Promise<ChangedPage> {
  const filters = [
    { propertyName: MODIFIED_PROPERTY[object], operator: 'EQ', value: String(at) },
    { propertyName: ID, operator: 'GT', value: afterId },
  ];
  const { found, more, asOf } = await search(api, object, filters, ID);
  const last = found.at(-1);
  const next: Cursor = more && last ? { kind: 'tie', at, afterId: last.id } : { kind: 'from', at, inclusive: false };
  return { records: found, next: JSON.stringify(next), asOf };
}

async function search(
  api: PortalApi,
  object: MirroredObject,
  filters: readonly { propertyName: string; operator: string; value: string }[],
  sortedBy: string,
): Promise<{ found: Found[]; more: boolean; asOf: Instant; total: number | undefined }> {
  const { data, at: asOf } = await api.timed({
    name: `search ${object}s`,
    method: 'POST',
    path: PATHS.search(PATH_OF[object]),
    lane: 'search',
    json: {
      filterGroups: [{ filters }],
      sorts: [{ propertyName: sortedBy, direction: 'ASCENDING' }],
      properties: [MODIFIED_PROPERTY[object], ID],
      limit: SEARCH_PAGE,
      after: '0',
    },
    schema: searchSchema,
  });
  const { results, paging, total } = data;
  const found = results.map(({ id, properties, updatedAt }) => {
    const modifiedAt = Date.parse(properties[MODIFIED_PROPERTY[object]] ?? '');
    if (!Number.isNaN(modifiedAt)) return { id, modifiedAt };
    if (updatedAt !== undefined) return { id, modifiedAt: updatedAt };
    throw unreadable(object, 'a result has no modification time');
  });
  const more = Boolean(paging?.next);
  if (more && found.length === 0) throw unreadable(object, 'an empty page that is not the last');
  return { found, more, asOf, total };
}

function unreadable(object: MirroredObject, detail: string): Fault {
  return new Fault(
    'crm_unreadable_answer',
    { kind: 'retry' },
    'HubSpot sent an answer that cannot be read. Wonward tries again by itself.',
    { message: `search ${object}s: ${detail}` },
  );
}

function readCursor(text: string): Cursor {
  return cursorSchema.parse(JSON.parse(text));
}
