import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { CrmAccess } from '../../application/ports/crm.ts';
import type { WantedProperties } from '../../domain/property.ts';
import { chanceOf, closingOf } from '../../domain/prospect.ts';
import type { DealFacts, DealProspect } from '../../domain/record.ts';
import { readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import { MODIFIED_PROPERTY } from './fields.ts';
import { POINT_PROPERTIES, pointsOf } from './points.ts';
import { modificationOf, readRecords } from './records.ts';
import type { HubSpotRecord } from './wire.ts';

const PROPERTIES = ['dealname', ...hubspotManifest.alsoRead.deal.names, MODIFIED_PROPERTY.deal, ...POINT_PROPERTIES];

export async function readDeals(
  api: PortalApi,
  access: CrmAccess,
  ids: readonly string[],
  { deal: extra }: Pick<WantedProperties, 'deal'>,
): Promise<DealFacts[]> {
  const properties = [...new Set([...PROPERTIES, ...extra])];
  const history = [...new Set([...POINT_PROPERTIES, ...extra])];
  const found = await readRecords(api, { object: 'deals', properties, history }, ids);
  const present = found.filter(({ record }) => record !== null).map(({ id }) => id);
  const contacts = await readAssociations(api, 'deals', 'contacts', present);
  return found.map(({ id, record, formerIds }) => ({
    ref: { connectionId: access.connectionId, object: 'deal', id },
    presence: record ? 'present' : 'deleted',
    name: record?.properties.dealname || null,
    history: record ? pointsOf(record, access.homeCurrency, extra) : [],
    contactIds: [...new Set((contacts.get(id) ?? []).map(({ toId }) => toId))],
    formerIds,
    ...modificationOf(record, 'deal'),
    ...(record ? { prospect: prospectOf(record) } : {}),
  }));
}

/** HubSpot calculates the probability from the deal's stage; "0.2", and with more decimals than anybody has entered. */
function prospectOf({ properties }: HubSpotRecord): DealProspect {
  return {
    chance: chanceOf(properties.hs_deal_stage_probability, 1),
    closesAt: closingOf(properties.closedate),
  };
}

export async function readDealsOfContacts(
  api: PortalApi,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const deals = await readAssociations(api, 'contacts', 'deals', contactIds);
  return new Map([...deals].map(([id, found]) => [id, [...new Set(found.map(({ toId }) => toId))]]));
}
