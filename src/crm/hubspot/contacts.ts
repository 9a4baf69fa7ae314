import type { CrmAccess } from '../../application/ports/crm.ts';
import type { ContactFacts } from '../../domain/record.ts';
import { readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import { MODIFIED_PROPERTY, REFERRED_BY, STAFF_PROPERTY, USED_CODE_PROPERTY } from './fields.ts';
import { BATCH_MAX, chunksOf, modificationOf, readRecords } from './records.ts';
import { PATHS } from './version.ts';
import { batchRecordsSchema, type HubSpotRecord } from './wire.ts';

const PROPERTIES = ['email', 'firstname', 'lastname', MODIFIED_PROPERTY.contact, USED_CODE_PROPERTY, STAFF_PROPERTY];

export async function readContacts(api: PortalApi, access: CrmAccess, ids: readonly string[]): Promise<ContactFacts[]> {
  const found = await readRecords(api, { object: 'contacts', properties: PROPERTIES }, ids);
  const present = found.filter(({ record }) => record !== null).map(({ id }) => id);
  const contacts = await readAssociations(api, 'contacts', 'contacts', present);
  return found.map(({ id, record, formerIds }) => ({
    ref: { connectionId: access.connectionId, object: 'contact', id },
    presence: record ? 'present' : 'deleted',
    name: record ? nameOf(record) : null,
    email: record?.properties.email || null,
    usedCode: record?.properties[USED_CODE_PROPERTY] || null,
    ...staffOf(record?.properties[STAFF_PROPERTY]),
    referredByIds: [
      ...new Set(
        (contacts.get(id) ?? [])
          .filter(({ toId, labels }) => toId !== id && labels.includes(REFERRED_BY.label))
          .map(({ toId }) => toId),
      ),
    ],
    formerIds,
    ...modificationOf(record, 'contact'),
  }));
}

/** HubSpot finds a contact by its secondary addresses as well. */
export async function findContactsByEmail(api: PortalApi, emails: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const chunk of chunksOf([...new Set(emails)], BATCH_MAX)) {
    // Addresses without a contact are errors of a 207, and nothing else is asked of this answer than who is there.
    const { results } = await api.data({
      name: 'find contacts by email',
      method: 'POST',
      path: PATHS.batchRead('contacts'),
      json: {
        idProperty: 'email',
        inputs: chunk.map((email) => ({ id: email })),
        properties: ['email'],
        propertiesWithHistory: [],
      },
      schema: batchRecordsSchema,
    });
    for (const { id, archived } of results) if (archived !== true) found.add(id);
  }
  return [...found];
}

function nameOf({ properties: { firstname, lastname } }: HubSpotRecord): string | null {
  return [firstname, lastname].filter((part) => part).join(' ') || null;
}

/** "true" and "false", as the manifest declares its options; one that nobody has touched says nothing. */
function staffOf(value: string | null | undefined): Pick<ContactFacts, 'isStaff'> {
  return value === 'true' || value === 'false' ? { isStaff: value === 'true' } : {};
}
