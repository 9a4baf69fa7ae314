import { z } from 'zod';
import type { StageRef, StandingPage } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import { ASSOCIATION_INPUTS_MAX, readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import { chunksOf } from './records.ts';
import { SEARCH_PAGE } from './search.ts';
import { PATHS } from './version.ts';
import { searchSchema } from './wire.ts';

/** Of one IN; HubSpot takes 100 values. */
const STAGES_PER_SEARCH = 100;

const ID = 'hs_object_id';

const cursorSchema = z.strictObject({ part: z.int(), afterId: z.string().regex(/^\d+$/) });

/**
 * Deals that stand in some stages, by id: HubSpot's search ends after 10,000 results, and behind the last id it begins anew. Five pages
 * of the search fill one call for their contacts.
 */
export async function readStanding(
  api: PortalApi,
  { stages, cursor }: { stages: readonly StageRef[]; cursor: string | null },
): Promise<StandingPage> {
  const wanted = new Set(stages.map(({ pipelineId, stageId }) => `${pipelineId}\n${stageId}`));
  const parts = chunksOf([...new Set(stages.map(({ stageId }) => stageId))], STAGES_PER_SEARCH);
  let { part, afterId } = cursor === null ? { part: 0, afterId: '0' } : cursorSchema.parse(JSON.parse(cursor));
  const found: { id: string; pipelineId: string; stageId: string; createdAt: number | null }[] = [];
  while (part < parts.length && found.length + SEARCH_PAGE <= ASSOCIATION_INPUTS_MAX) {
    const { results, paging } = await api.data({
      name: 'search deals in stages',
      method: 'POST',
      path: PATHS.search('deals'),
      lane: 'search',
      json: {
        filterGroups: [
          {
            filters: [
              { propertyName: 'dealstage', operator: 'IN', values: parts[part] },
              { propertyName: ID, operator: 'GT', value: afterId },
            ],
          },
        ],
        sorts: [{ propertyName: ID, direction: 'ASCENDING' }],
        properties: ['dealstage', 'pipeline', 'hs_createdate', ID],
        limit: SEARCH_PAGE,
        after: '0',
      },
      schema: searchSchema,
    });
    let before = BigInt(afterId);
    for (const { id, properties } of results) {
      // A sort that HubSpot does not understand is ignored without a word; going on would skip records.
      if (BigInt(id) <= before) throw unreadable('the results are not in the order that was asked for');
      before = BigInt(id);
      const { pipeline, dealstage } = properties;
      const createdAt = Date.parse(properties.hs_createdate ?? '');
      found.push({
        id,
        pipelineId: pipeline ?? '',
        stageId: dealstage ?? '',
        createdAt: Number.isNaN(createdAt) ? null : createdAt,
      });
    }
    const more = Boolean(paging?.next);
    if (more && results.length === 0) throw unreadable('an empty page that is not the last');
    [part, afterId] = more ? [part, String(before)] : [part + 1, '0'];
  }
  // Stages of two pipelines may bear one id.
  const standing = found.filter(({ pipelineId, stageId }) => wanted.has(`${pipelineId}\n${stageId}`));
  const contacts = await readAssociations(
    api,
    'deals',
    'contacts',
    standing.map(({ id }) => id),
  );
  return {
    deals: standing.map((deal) => ({
      ...deal,
      contactIds: [...new Set((contacts.get(deal.id) ?? []).map(({ toId }) => toId))],
    })),
    next: part < parts.length ? JSON.stringify({ part, afterId }) : null,
  };
}

function unreadable(detail: string): Fault {
  return new Fault(
    'crm_unreadable_answer',
    { kind: 'retry' },
    'HubSpot sent an answer that cannot be read. Wonward tries again by itself.',
    { message: `search deals in stages: ${detail}` },
  );
}
