import type { CrmPeople, FoundPerson, NewPerson } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { PortalApi } from './call.ts';
import { findContactsByEmail } from './contacts.ts';
import { CONTACT_FIELDS } from './fields.ts';
import { PATHS } from './version.ts';
import { batchUpdateSchema, searchSchema } from './wire.ts';

/** What HubSpot shows of somebody in a list. */
const SHOWN = ['firstname', 'lastname', 'email'];

export function createPeople(api: PortalApi): CrmPeople {
  return { find: (text, limit) => findPeople(api, text, limit), create: (person) => createPerson(api, person) };
}

/**
 * By filters and not by HubSpot's `query`, which looks for the text in telephone numbers and company names too. Its index lags behind the
 * records by some seconds, so who was created just now is not found yet.
 */
async function findPeople(api: PortalApi, text: string, limit: number): Promise<FoundPerson[]> {
  const filterGroups = groupsFor(text).map((filters) => ({ filters }));
  if (filterGroups.length === 0) return [];
  const { results } = await api.data({
    name: 'find people',
    method: 'POST',
    path: PATHS.search('contacts'),
    lane: 'search',
    json: {
      filterGroups,
      sorts: [{ propertyName: 'lastmodifieddate', direction: 'DESCENDING' }],
      properties: SHOWN,
      limit,
      after: '0',
    },
    schema: searchSchema,
  });
  return results.map(({ id, properties }) => {
    const email = properties.email || null;
    const name = [properties.firstname, properties.lastname].filter((part) => part).join(' ');
    return { id, name: name || email || `Contact ${id}`, email };
  });
}

interface Filter {
  readonly propertyName: string;
  readonly operator: 'EQ' | 'CONTAINS_TOKEN';
  readonly value: string;
}

/** One of the groups has to be met, all filters of it. HubSpot takes five groups. */
function groupsFor(text: string): Filter[][] {
  const typed = text.replaceAll('*', ' ').trim().toLowerCase();
  const begins = (propertyName: string, word: string): Filter => ({
    propertyName,
    operator: 'CONTAINS_TOKEN',
    value: `${word}*`,
  });
  if (typed.includes('@'))
    return [[{ propertyName: 'email', operator: 'EQ', value: typed }], [begins('email', typed.replace(/\s+/g, ''))]];
  const words = typed.split(/\s+/).filter((word) => word !== '');
  const [first, last] = [words[0], words.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (words.length === 1) return ['firstname', 'lastname', 'email'].map((name) => [begins(name, first)]);
  return [
    [begins('firstname', first), begins('lastname', last)],
    [begins('firstname', last), begins('lastname', first)],
    // A name of several words in one field.
    [begins('lastname', first), begins('lastname', last)],
    [begins('firstname', first), begins('firstname', last)],
  ];
}

/**
 * Wonward's own unique property holds the key until the mirror writes what belongs there, so a second attempt finds the contact of the first
 * one. HubSpot refuses a second contact with the same address by itself.
 */
async function createPerson(api: PortalApi, person: NewPerson): Promise<{ readonly id: string }> {
  const known = person.email === null ? undefined : (await findContactsByEmail(api, [person.email]))[0];
  if (known !== undefined) return { id: known };
  const reply = await api.call({
    name: 'create contact',
    method: 'POST',
    path: PATHS.batchUpsert('contacts'),
    json: {
      inputs: [
        {
          idProperty: CONTACT_FIELDS.memberId,
          id: person.key,
          properties: {
            [CONTACT_FIELDS.memberId]: person.key,
            ...(person.firstName === null ? {} : { firstname: person.firstName }),
            ...(person.lastName === null ? {} : { lastname: person.lastName }),
            ...(person.email === null ? {} : { email: person.email }),
          },
        },
      ],
    },
    schema: batchUpdateSchema,
    refusals: [400, 409],
  });
  if (reply.ok) {
    const created = reply.data.results[0];
    if (created) return { id: created.id };
    throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot did not say which contact it has created.');
  }
  // Somebody has created a contact with this address since it was looked for.
  const other = person.email === null ? undefined : (await findContactsByEmail(api, [person.email]))[0];
  if (other !== undefined) return { id: other };
  throw new Fault(
    'crm_rejected',
    { kind: 'never' },
    'HubSpot refuses this contact. Check the e-mail address, or create the contact in HubSpot and choose it here.',
    { message: `create contact: ${reply.status} ${reply.error.category ?? ''}` },
  );
}
