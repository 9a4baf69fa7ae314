import type { DealIdsPage, DealsAsked } from '../../application/ports/crm.ts';
import type { PortalApi } from './call.ts';
import { SEARCH_PAGE } from './search.ts';
import { PATHS } from './version.ts';
import { searchSchema } from './wire.ts';

const ID = 'hs_object_id';

/**
 * By id and behind an id, which no number of deals of one moment can break and which never comes to the 10,000th result: each page is a
 * query of its own. `total` is how many of the query there are.
 */
export async function readDealIds(
  api: PortalApi,
  { asked, after, limit }: { asked: DealsAsked; after: string | null; limit: number },
): Promise<DealIdsPage> {
  const size = Math.min(limit, SEARCH_PAGE);
  const { results, total } = await api.data({
    name: 'search past deals',
    method: 'POST',
    path: PATHS.search('deals'),
    lane: 'search',
    json: {
      filterGroups: [{ filters: [...filtersOf(asked), { propertyName: ID, operator: 'GT', value: after ?? '0' }] }],
      sorts: [{ propertyName: ID, direction: 'ASCENDING' }],
      properties: [ID],
      limit: size,
      after: '0',
    },
    schema: searchSchema,
  });
  const ids = results.map(({ id }) => id);
  return { ids, total: total ?? null, next: ids.length < size ? null : (ids.at(-1) ?? null) };
}

/** `createdate` is what a portal calls the creation of a deal; an import may set it to the day on which the deal began elsewhere. */
function filtersOf(asked: DealsAsked): { propertyName: string; operator: string; value: string }[] {
  if (asked.by === 'stage')
    return [
      { propertyName: 'pipeline', operator: 'EQ', value: asked.pipelineId },
      { propertyName: 'dealstage', operator: 'EQ', value: asked.stageId },
    ];
  return [
    { propertyName: 'createdate', operator: 'GTE', value: String(asked.from) },
    { propertyName: 'createdate', operator: 'LT', value: String(asked.before) },
  ];
}
