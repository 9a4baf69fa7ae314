import type { CrmAccess } from '../../application/ports/crm.ts';
import type { DealFacts } from '../../domain/record.ts';
import { readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import { MODIFIED_PROPERTY } from './fields.ts';
import { POINT_PROPERTIES, pointsOf } from './points.ts';
import { modificationOf, readRecords } from './records.ts';
import type { HubSpotRecord } from './wire.ts';

const PROPERTIES = ['dealname', 'hs_createdate', MODIFIED_PROPERTY.deal, ...POINT_PROPERTIES];

/** `more`: further properties that a program asks for. */
export async function readDeals(
  api: PortalApi,
  access: CrmAccess,
  ids: readonly string[],
  more: readonly string[] = [],
): Promise<DealFacts[]> {
  const properties = [...PROPERTIES, ...more];
  const found = await readRecords(api, { object: 'deals', properties, history: POINT_PROPERTIES }, ids);
  const present = found.filter(({ record }) => record !== null).map(({ id }) => id);
  const contacts = await readAssociations(api, 'deals', 'contacts', present);
  return found.map(({ id, record, formerIds }) => ({
    ref: { connectionId: access.connectionId, object: 'deal', id },
    presence: record ? 'present' : 'deleted',
    name: record?.properties.dealname || null,
    history: record ? pointsOf(record, access.homeCurrency) : [],
    contactIds: [...new Set((contacts.get(id) ?? []).map(({ toId }) => toId))],
    formerIds,
    ...(record && more.length > 0 ? { properties: furtherOf(record, more) } : {}),
    ...modificationOf(record, 'deal'),
  }));
}

/** One that the portal does not have is not in its answer; one that is empty is there as null. */
function furtherOf({ properties }: HubSpotRecord, names: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    names.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name] || null]])),
  );
}

export async function readDealsOfContacts(
  api: PortalApi,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const deals = await readAssociations(api, 'contacts', 'deals', contactIds);
  return new Map([...deals].map(([id, found]) => [id, [...new Set(found.map(({ toId }) => toId))]]));
}
