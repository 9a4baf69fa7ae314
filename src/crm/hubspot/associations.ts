import type { z } from 'zod';
import { Fault } from '../../domain/errors.ts';
import type { PortalApi } from './call.ts';
import { describe } from './errors.ts';
import { chunksOf } from './records.ts';
import { type ObjectPath, PATHS } from './version.ts';
import { associationsSchema, type HubSpotError } from './wire.ts';

/** HubSpot refuses longer lists since 10 February 2025 (developers.hubspot.com/changelog, "Batch Read Limit"). */
export const ASSOCIATION_INPUTS_MAX = 1_000;

/** 500 per page and record; a record with more neighbours than this is not one person's. */
const PAGES_MAX = 200;

export interface Association {
  readonly toId: string;
  /** Labels of the portal and of apps; HubSpot's own unlabelled types are left out. */
  readonly labels: readonly string[];
}

/** The neighbours of each id, also of those that have none. @throws Fault when HubSpot did not answer for all of them. */
export async function readAssociations(
  api: PortalApi,
  from: ObjectPath,
  to: ObjectPath,
  ids: readonly string[],
): Promise<Map<string, Association[]>> {
  const found = new Map<string, Association[]>(ids.map((id) => [id, []]));
  let inputs: { id: string; after?: string }[] = [...found.keys()].map((id) => ({ id }));
  for (let page = 0; inputs.length > 0; page += 1) {
    if (page === PAGES_MAX) throw unreadable(from, to, `more than ${PAGES_MAX} pages`);
    const further: typeof inputs = [];
    for (const chunk of chunksOf(inputs, ASSOCIATION_INPUTS_MAX)) {
      const { results, errors } = await api.data({
        name: `read ${from} to ${to}`,
        method: 'POST',
        path: PATHS.associations(from, to),
        json: { inputs: chunk },
        schema: associationsSchema,
      });
      for (const error of errors ?? []) if (!saysNone(error)) throw unreadable(from, to, describe(error));
      for (const result of results) {
        const neighbours = found.get(result.from.id);
        if (!neighbours) continue;
        neighbours.push(...result.to.map(associationOf));
        const after = result.paging?.next?.after;
        if (after !== undefined) further.push({ id: result.from.id, after });
      }
    }
    inputs = further;
  }
  return found;
}

function associationOf(to: z.infer<typeof associationsSchema>['results'][number]['to'][number]): Association {
  const labels = to.associationTypes
    .filter(({ category }) => category !== 'HUBSPOT_DEFINED')
    .flatMap(({ label }) => label ?? []);
  return { toId: to.toObjectId, labels };
}

/** HubSpot reports "nobody is associated" as an error of the row. */
function saysNone({ category, subCategory }: HubSpotError): boolean {
  return category === 'OBJECT_NOT_FOUND' || /NO_ASSOCIATIONS_FOUND/.test(String(subCategory ?? ''));
}

function unreadable(from: string, to: string, detail: string): Fault {
  return new Fault(
    'crm_unreadable_answer',
    { kind: 'retry' },
    'HubSpot sent an answer that cannot be read. Wonward tries again by itself.',
    { message: `read ${from} to ${to}: ${detail}` },
  );
}
