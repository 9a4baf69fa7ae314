import { LISTS_SCOPE } from '../../../manifests/hubspot/app.ts';
import type { CrmList, CrmLists } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { PortalApi } from './call.ts';
import { saysNotFound } from './errors.ts';
import { PATHS } from './version.ts';
import { type HubSpotError, listMembersSchema, listSchema, listsFoundSchema } from './wire.ts';

const CONTACTS = '0-1';

/** The most that HubSpot gives at a time. */
const MEMBERS_PER_PAGE = 250;

/** HubSpot's ids of lists are digits; anything else names none, and would be another address. */
const LIST_ID = /^\d{1,19}$/;

/** Undefined where the portal has not granted the scope. */
export function listsOf(api: PortalApi, scopes: readonly string[]): CrmLists | undefined {
  if (!scopes.includes(LISTS_SCOPE)) return undefined;
  return {
    async find(text, limit) {
      const { lists } = await api.data({
        name: 'find lists',
        method: 'POST',
        path: PATHS.searchLists,
        lane: 'search',
        json: {
          query: text.trim(),
          objectTypeId: CONTACTS,
          offset: 0,
          count: limit,
          listIds: [],
          processingTypes: [],
          additionalProperties: [],
        },
        schema: listsFoundSchema,
      });
      return lists
        .filter(({ objectTypeId }) => objectTypeId === CONTACTS)
        .map(({ listId, name, additionalProperties }): CrmList => {
          const size = Number(additionalProperties?.hs_list_size ?? Number.NaN);
          return { id: listId, name, size: Number.isSafeInteger(size) ? size : null };
        });
    },

    async get(id) {
      if (!LIST_ID.test(id)) return null;
      const reply = await api.call({
        name: 'read list',
        method: 'GET',
        path: PATHS.list(id),
        schema: listSchema,
        refusals: [404],
      });
      if (!reply.ok) return gone(reply.error);
      const { listId, name, objectTypeId, size, deletedAt } = reply.data.list;
      if (objectTypeId !== CONTACTS || (deletedAt ?? null) !== null) return null;
      return { id: listId, name, size: size ?? null };
    },

    async members(id, cursor) {
      if (!LIST_ID.test(id)) return null;
      const reply = await api.call({
        name: 'read list members',
        method: 'GET',
        path: PATHS.listMembers(id),
        query: { limit: String(MEMBERS_PER_PAGE), ...(cursor === null ? {} : { after: cursor }) },
        schema: listMembersSchema,
        refusals: [404],
      });
      if (!reply.ok) return gone(reply.error);
      const { results, paging } = reply.data;
      return { ids: results.map(({ recordId }) => recordId), next: paging?.next?.after ?? null };
    },
  };
}

/** Null when HubSpot itself says that there is no such list. @throws Fault when the 404 is somebody else's. */
function gone(error: HubSpotError): null {
  if (saysNotFound(error)) return null;
  throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot did not answer. Wonward tries again by itself.', {
    message: 'read list: a 404 that does not say that the list is missing',
  });
}
