import { AUTOMATION_SCOPE, OWNERS_SCOPE } from '../../../manifests/hubspot/app.ts';
import type { CrmOwner, CrmOwners } from '../../application/ports/crm.ts';
import type { PortalApi } from './call.ts';
import { readRecords } from './records.ts';
import { PATHS } from './version.ts';
import { ownersSchema } from './wire.ts';

/** The most that HubSpot gives at a time. */
const PAGE = 500;
/** No portal has as many users; a list that goes on for ever is not gone through. */
const PAGES_MAX = 40;

const OWNER_PROPERTY = 'hubspot_owner_id';

/** Undefined where the portal has granted neither of the scopes that open the list. */
export function ownersOf(api: PortalApi, scopes: readonly string[]): CrmOwners | undefined {
  if (![OWNERS_SCOPE, AUTOMATION_SCOPE].some((scope) => scopes.includes(scope))) return undefined;
  return async (dealIds) => {
    const found = await readRecords(api, { object: 'deals', properties: [OWNER_PROPERTY] }, dealIds);
    const byDeal = new Map(
      found.flatMap(({ id, record }) => {
        const owner = record?.properties[OWNER_PROPERTY];
        return owner ? [[id, owner] as const] : [];
      }),
    );
    const wanted = new Set(byDeal.values());
    const active = await readAll(api, false);
    const isAllKnown = [...wanted].every((id) => active.some((owner) => owner.id === id));
    // Whoever has left still owns deals, and is another list.
    const all = isAllKnown ? active : [...active, ...(await readAll(api, true))];
    return { byDeal, owners: all.filter(({ id }) => wanted.has(id)) };
  };
}

async function readAll(api: PortalApi, isArchived: boolean): Promise<CrmOwner[]> {
  const owners: CrmOwner[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { results, paging } = await api.data({
      name: 'read owners',
      method: 'GET',
      path: PATHS.owners,
      query: { limit: String(PAGE), archived: String(isArchived), ...(after === undefined ? {} : { after }) },
      schema: ownersSchema,
    });
    for (const { id, email, firstName, lastName } of results) {
      const name = [firstName, lastName].filter((part) => part).join(' ');
      owners.push({ id, name: name === '' ? null : name, email: email || null, isActive: !isArchived });
    }
    after = paging?.next?.after;
    if (after === undefined) break;
  }
  return owners;
}
