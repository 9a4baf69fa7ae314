import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { CrmAccess } from '../../application/ports/crm.ts';
import type { WantedProperties } from '../../domain/property.ts';
import type { ContactFacts, Properties } from '../../domain/record.ts';
import { traitsOf } from '../../platform/contact-traits.ts';
import { readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import { MODIFIED_PROPERTY, REFERRED_BY, STAFF_PROPERTY, USED_CODE_PROPERTY } from './fields.ts';
import { BATCH_MAX, chunksOf, type FoundRecord, modificationOf, readRecords } from './records.ts';
import { PATHS } from './version.ts';
import { batchRecordsSchema, type HubSpotRecord } from './wire.ts';

/** HubSpot's own copy of a contact's primary company, which takes no further call. */
const COMPANY_ID_PROPERTY = 'associatedcompanyid';

/** Optional: a portal that was connected without it knows its companies' ids only. */
const COMPANIES_SCOPE = 'crm.objects.companies.read';

/** HubSpot's own list of the users behind every owner property: the same ids that it signs on cards, without a call for owners. */
const OWNERS_PROPERTY = 'hs_user_ids_of_all_owners';
const OPT_OUT_PROPERTY = 'hs_email_optout';

const PROPERTIES = [
  'email',
  'firstname',
  'lastname',
  MODIFIED_PROPERTY.contact,
  USED_CODE_PROPERTY,
  STAFF_PROPERTY,
  ...hubspotManifest.alsoRead.contact.names,
];

export async function readContacts(
  api: PortalApi,
  access: CrmAccess,
  ids: readonly string[],
  wanted: WantedProperties,
): Promise<ContactFacts[]> {
  const company = wanted.isCompanyWanted ? [COMPANY_ID_PROPERTY] : [];
  const properties = [...new Set([...PROPERTIES, ...company, ...wanted.contact])];
  const found = await readRecords(api, { object: 'contacts', properties }, ids);
  const companyOf = await readCompanies(api, access, found, wanted);
  const present = found.filter(({ record }) => record !== null).map(({ id }) => id);
  const contacts = await readAssociations(api, 'contacts', 'contacts', present);
  return found.map(({ id, record, formerIds }) => ({
    ref: { connectionId: access.connectionId, object: 'contact', id },
    presence: record ? 'present' : 'deleted',
    name: record ? nameOf(record) : null,
    email: record?.properties.email || null,
    usedCode: record?.properties[USED_CODE_PROPERTY] || null,
    ...staffOf(record?.properties[STAFF_PROPERTY]),
    ...ownersOf(record?.properties[OWNERS_PROPERTY]),
    ...optOutOf(record?.properties[OPT_OUT_PROPERTY]),
    referredByIds: [
      ...new Set(
        (contacts.get(id) ?? [])
          .filter(({ toId, labels }) => toId !== id && labels.includes(REFERRED_BY.label))
          .map(({ toId }) => toId),
      ),
    ],
    formerIds,
    ...(record ? { traits: traitsOfRecord(record) } : {}),
    ...(record && wanted.contact.length > 0 ? { properties: valuesOf(record, wanted.contact) } : {}),
    ...(record ? companyOf(record) : {}),
    ...modificationOf(record, 'contact'),
  }));
}

/** The contacts' first companies, where a rule asks about them. Without the scope for companies only who they are is known. */
async function readCompanies(
  api: PortalApi,
  { scopes }: CrmAccess,
  found: readonly FoundRecord[],
  { company, isCompanyWanted }: WantedProperties,
): Promise<(record: HubSpotRecord) => Pick<ContactFacts, 'company'>> {
  if (!isCompanyWanted) return () => ({});
  const idOf = ({ properties }: HubSpotRecord) => properties[COMPANY_ID_PROPERTY] || null;
  const ids =
    company.length > 0 && scopes.includes(COMPANIES_SCOPE)
      ? found.flatMap(({ record }) => (record && idOf(record)) ?? [])
      : [];
  const read = ids.length === 0 ? [] : await readRecords(api, { object: 'companies', properties: company }, ids);
  const byId = new Map(
    read.flatMap(({ id, record, formerIds }) =>
      record ? [id, ...formerIds].map((one) => [one, record] as const) : [],
    ),
  );
  return (record) => {
    const id = idOf(record);
    if (id === null) return { company: null };
    const known = byId.get(id);
    return { company: { id: known?.id ?? id, properties: known ? valuesOf(known, company) : {} } };
  };
}

/** HubSpot clears a property with an empty string. */
function valuesOf({ properties }: HubSpotRecord, names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, properties[name] || null]));
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

function traitsOfRecord({ properties }: HubSpotRecord) {
  const since = properties.hs_v2_date_entered_customer || properties.hs_lifecyclestage_customer_date || '';
  const customerSince = Date.parse(since);
  return traitsOf({
    email: properties.email || null,
    phones: [properties.mobilephone, properties.phone],
    countryCode: properties.hs_country_region_code,
    street: properties.address,
    postalCode: properties.zip,
    country: properties.country,
    customerSince: Number.isNaN(customerSince) ? null : customerSince,
  });
}

/** "true" and "false", as the manifest declares its options; one that nobody has touched says nothing. */
function staffOf(value: string | null | undefined): Pick<ContactFacts, 'isStaff'> {
  return value === 'true' || value === 'false' ? { isStaff: value === 'true' } : {};
}

/** HubSpot joins several values by semicolons. */
function ownersOf(value: string | null | undefined): Pick<ContactFacts, 'ownerUserIds'> {
  const ids = [...new Set((value ?? '').split(';').filter((id) => id !== ''))].sort();
  return ids.length === 0 ? {} : { ownerUserIds: ids };
}

function optOutOf(value: string | null | undefined): Pick<ContactFacts, 'hasOptedOut'> {
  return value === 'true' || value === 'false' ? { hasOptedOut: value === 'true' } : {};
}
