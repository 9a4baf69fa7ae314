import { PERSON_FIELDS } from '../../../manifests/salesforce/package.ts';
import type { CrmAccess } from '../../application/ports/crm.ts';
import type { WantedProperties } from '../../domain/property.ts';
import type { ContactFacts, ContactTraits, Properties } from '../../domain/record.ts';
import { traitsOf } from '../../platform/contact-traits.ts';
import type { OrgApi } from './call.ts';
import { isOf, longId } from './ids.ts';
import { hasField, type OrgShape, readable, requireFields } from './org.ts';
import { type Query, runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, idList, select, textList } from './soql.ts';
import { goneSince, modificationOf } from './stamps.ts';
import { type Row, text } from './wire.ts';

const PERSON = ['Id', 'Name', 'Email', 'IsDeleted', 'MasterRecordId', 'SystemModstamp'];
const CONTACT_IF_ANY = [
  'AccountId',
  'IsPersonAccount',
  'Phone',
  'MobilePhone',
  'HomePhone',
  'MailingStreet',
  'MailingPostalCode',
  'MailingCountry',
  'MailingCountryCode',
];
const LEAD = ['IsConverted', 'ConvertedContactId'];
const LEAD_IF_ANY = ['Phone', 'MobilePhone', 'Street', 'PostalCode', 'Country', 'CountryCode'];

/** A contact that was merged into one that was merged …: nobody has merged this often. */
const HOPS_MAX = 20;

/** Of addresses, in characters: encoded they still fit an address of 16,000. */
const ADDRESSES_LENGTH_MAX = 6_000;

/**
 * Contacts and leads, which are the same people before and after their conversion: a converted lead comes as its contact, and a record that
 * was merged away as the one it lives on in.
 */
export async function readContacts(
  api: OrgApi,
  shape: OrgShape,
  access: CrmAccess,
  asked: readonly string[],
  wanted: WantedProperties,
): Promise<ContactFacts[]> {
  requireFields(shape, 'Contact', PERSON);
  requireFields(shape, 'Lead', [...PERSON, ...LEAD]);
  const fields = fieldsOf(shape, wanted);
  const living = await followToLiving(api, fields, asked);
  const companyOf = await readCompanies(api, shape, [...living.values()], wanted);
  return [...living].map(([id, { record, leads, formerIds, readAt }]): ContactFacts => {
    const ref = { connectionId: access.connectionId, object: 'contact' as const, id };
    if (!record || record.IsDeleted === true) {
      return {
        ref,
        presence: 'deleted',
        name: null,
        email: null,
        usedCode: null,
        referredByIds: [],
        formerIds,
        ...(record ? modificationOf([record], readAt) : goneSince(readAt)),
      };
    }
    // What was written on the lead is not always carried over to the contact.
    const first = (name: string) =>
      [record, ...leads].map((row) => text(row[name])).find((value) => value !== null) ?? null;
    const referrer = first(fields.referredBy);
    return {
      ref,
      presence: 'present',
      name: text(record.Name),
      email: text(record.Email),
      usedCode: first(fields.usedCode),
      referredByIds: referrer === null || referrer === id || formerIds.includes(referrer) ? [] : [referrer],
      formerIds,
      traits: traitsOfRow(record),
      ...(wanted.contact.length > 0 ? { properties: valuesOf(record, readableProperties(shape, id, wanted)) } : {}),
      ...companyOf(record),
      ...modificationOf([record, ...leads], readAt),
    };
  });
}

interface Fields {
  readonly contact: readonly string[];
  readonly lead: readonly string[];
  readonly usedCode: string;
  readonly referredBy: string;
}

function fieldsOf(shape: OrgShape, { contact: extra }: WantedProperties): Fields {
  const usedCode = shape.prefix + PERSON_FIELDS.usedCode;
  const referredBy = shape.prefix + PERSON_FIELDS.referredBy;
  const own = [usedCode, referredBy];
  return {
    contact: [...PERSON, ...readable(shape, 'Contact', [...CONTACT_IF_ANY, ...own, ...extra])],
    lead: [...PERSON, ...LEAD, ...readable(shape, 'Lead', [...LEAD_IF_ANY, ...own, ...extra])],
    usedCode,
    referredBy,
  };
}

interface Living {
  readonly record: Row | undefined;
  /** The leads that became this contact. */
  readonly leads: readonly Row[];
  readonly formerIds: readonly string[];
  readonly readAt: number;
}

/** Each record that was asked for, under the id that it has today. */
async function followToLiving(
  api: OrgApi,
  fields: Fields,
  asked: readonly string[],
): Promise<ReadonlyMap<string, Living>> {
  const living = new Map<string, { record: Row | undefined; leads: Row[]; former: Set<string>; readAt: number }>();
  let open = new Map(
    [...new Set(asked)].map((id) => [longId(id) ?? id, new Set(id === (longId(id) ?? id) ? [] : [id])]),
  );
  for (let hop = 0; open.size > 0; hop += 1) {
    if (hop > HOPS_MAX) throw new Error('records that were merged in a circle');
    const { people, leadsOf, readAt } = await readPeople(api, fields, [...open.keys()]);
    const next = new Map<string, Set<string>>();
    for (const [id, former] of open) {
      const record = people.get(id);
      const successor = record && successorOf(record);
      if (successor) {
        const known = living.get(successor)?.former ?? next.get(successor) ?? new Set<string>();
        for (const one of [id, ...former]) known.add(one);
        if (!living.has(successor)) next.set(successor, known);
        continue;
      }
      const leads = leadsOf.get(id) ?? [];
      living.set(id, { record, leads, former: new Set([...former, ...leads.map((lead) => String(lead.Id))]), readAt });
    }
    open = next;
  }
  return new Map([...living].map(([id, { former, ...rest }]) => [id, { ...rest, formerIds: [...former] }]));
}

/** Where a record went on: the one it was merged into, or the contact that the lead became. */
function successorOf({ IsDeleted, MasterRecordId, IsConverted, ConvertedContactId }: Row): string | null {
  if (IsDeleted === true) return text(MasterRecordId);
  return IsConverted === true ? text(ConvertedContactId) : null;
}

async function readPeople(api: OrgApi, fields: Fields, ids: readonly string[]) {
  const of = (kind: 'contact' | 'lead') => ids.filter((id) => isOf(id, kind) && longId(id) !== null);
  const queries = [
    ...chunksOf(of('contact'), IDS_PER_QUERY).flatMap((chunk): Query[] => [
      { soql: select(fields.contact, 'Contact', `WHERE Id IN ${idList(chunk)}`), scope: 'all' },
      { soql: select(fields.lead, 'Lead', `WHERE ConvertedContactId IN ${idList(chunk)}`), scope: 'all' },
    ]),
    ...chunksOf(of('lead'), IDS_PER_QUERY).map(
      (chunk): Query => ({ soql: select(fields.lead, 'Lead', `WHERE Id IN ${idList(chunk)}`), scope: 'all' }),
    ),
  ];
  if (queries.length === 0) return { people: new Map<string, Row>(), leadsOf: new Map<string, Row[]>(), readAt: 0 };
  const { rows, at } = await runQueries(api, 'read contacts', queries);
  const all = rows.flat();
  return {
    people: new Map(all.map((row) => [String(row.Id), row])),
    leadsOf: Map.groupBy(
      all.filter(({ ConvertedContactId }) => text(ConvertedContactId) !== null),
      ({ ConvertedContactId }) => String(ConvertedContactId),
    ),
    readAt: at,
  };
}

function readableProperties(shape: OrgShape, id: string, { contact }: WantedProperties): string[] {
  return readable(shape, isOf(id, 'lead') ? 'Lead' : 'Contact', contact);
}

function traitsOfRow(row: Row): ContactTraits {
  return traitsOf({
    email: text(row.Email),
    phones: [text(row.MobilePhone), text(row.Phone), text(row.HomePhone)],
    countryCode: text(row.MailingCountryCode) ?? text(row.CountryCode),
    street: text(row.MailingStreet) ?? text(row.Street),
    postalCode: text(row.MailingPostalCode) ?? text(row.PostalCode),
    country: text(row.MailingCountry) ?? text(row.Country),
    customerSince: null,
  });
}

function valuesOf(row: Row, names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, text(row[name])]));
}

/** The contacts' accounts, where a rule asks about them. A lead has none yet, and a person account is no company. */
async function readCompanies(
  api: OrgApi,
  shape: OrgShape,
  people: readonly Living[],
  { company, isCompanyWanted }: WantedProperties,
): Promise<(record: Row) => Pick<ContactFacts, 'company'>> {
  if (!isCompanyWanted) return () => ({});
  const idOf = (row: Row) => (row.IsPersonAccount === true ? null : text(row.AccountId));
  const ids = [...new Set(people.flatMap(({ record }) => (record && idOf(record)) ?? []))];
  const names = readable(shape, 'Account', company);
  const queries = chunksOf(names.length === 0 ? [] : ids, IDS_PER_QUERY).map(
    (chunk): Query => ({ soql: select(['Id', ...names], 'Account', `WHERE Id IN ${idList(chunk)}`), scope: 'live' }),
  );
  const rows = queries.length === 0 ? [] : (await runQueries(api, 'read accounts', queries)).rows.flat();
  const byId = new Map(rows.map((row) => [String(row.Id), row]));
  return (record) => {
    const id = idOf(record);
    if (id === null) return { company: null };
    const known = byId.get(id);
    return { company: { id, properties: known ? valuesOf(known, names) : {} } };
  };
}

/** Salesforce compares texts without case. A lead that was converted is found as its contact. */
export async function findContactsByEmail(api: OrgApi, shape: OrgShape, emails: readonly string[]): Promise<string[]> {
  const queries = addressChunks([...new Set(emails)]).flatMap((chunk): Query[] => [
    { soql: select(['Id'], 'Contact', `WHERE Email IN ${textList(chunk)}`), scope: 'live' },
    { soql: select(['Id'], 'Lead', `WHERE IsConverted = false AND Email IN ${textList(chunk)}`), scope: 'live' },
  ]);
  if (queries.length === 0 || !hasField(shape, 'Contact', 'Email')) return [];
  const { rows } = await runQueries(api, 'find contacts by e-mail', queries);
  return [...new Set(rows.flat().map(({ Id }) => String(Id)))];
}

function addressChunks(emails: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const email of emails) {
    const own = encodeURIComponent(email).length;
    if (length + own > ADDRESSES_LENGTH_MAX || (chunks.at(-1)?.length ?? 0) >= IDS_PER_QUERY) {
      chunks.push([]);
      length = 0;
    }
    chunks.at(-1)?.push(email);
    length += own;
  }
  return chunks;
}
