import type { CrmAccess } from '../../application/ports/crm.ts';
import { chanceOf, closingOf } from '../../domain/prospect.ts';
import type { DealFacts, DealProspect } from '../../domain/record.ts';
import type { OrgApi } from './call.ts';
import { isOf, longId } from './ids.ts';
import { hasField, type OrgShape, readable, requireFields } from './org.ts';
import { pointsOf } from './points.ts';
import { type Query, runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, idList, select, textList } from './soql.ts';
import { goneSince, modificationOf } from './stamps.ts';
import { type Row, text } from './wire.ts';

const OPPORTUNITY = ['Id', 'Name', 'StageName', 'Amount', 'IsDeleted', 'CreatedDate', 'SystemModstamp'];
/** What the connected user may not see is left out: an org need not show its probabilities to anybody. */
const OPPORTUNITY_IF_ANY = ['RecordTypeId', 'CurrencyIsoCode', 'Probability', 'CloseDate'];
const ROLE = ['Id', 'OpportunityId', 'ContactId', 'IsPrimary', 'IsDeleted', 'CreatedDate', 'SystemModstamp'];
const HISTORY = ['Id', 'OpportunityId', 'StageName', 'Amount', 'CreatedDate'];
const FIELD_HISTORY = ['Id', 'OpportunityId', 'Field', 'DataType', 'OldValue', 'NewValue', 'CreatedDate'];

/**
 * Opportunities with their history and the people in their contact roles. A contact role's own id stands for its opportunity, under which
 * the facts come: an event of a role that was removed names nothing else.
 */
export async function readDeals(
  api: OrgApi,
  shape: OrgShape,
  access: CrmAccess,
  asked: readonly string[],
  extra: readonly string[],
): Promise<DealFacts[]> {
  requireFields(shape, 'Opportunity', OPPORTUNITY);
  requireFields(shape, 'OpportunityContactRole', ROLE);
  const ofRole = await opportunitiesOfRoles(
    api,
    asked.filter((id) => isOf(id, 'role')),
  );
  const askedFor = Map.groupBy(new Set(asked), (id) => ofRole.get(id) ?? longId(id) ?? id);
  const ids = [...askedFor.keys()].filter((id) => isOf(id, 'opportunity') && longId(id) !== null);
  const known = readable(shape, 'Opportunity', extra);
  const { stories, at } = await readStories(api, shape, ids, known);
  return [...askedFor].map(([id, names]): DealFacts => {
    const story = stories.get(id);
    const record = story?.record;
    const isPresent = record !== undefined && record.IsDeleted !== true;
    const roles = story?.roles ?? [];
    return {
      ref: { connectionId: access.connectionId, object: 'deal', id },
      presence: isPresent ? 'present' : 'deleted',
      name: isPresent ? text(record.Name) : null,
      history: isPresent && story ? pointsOf({ ...story, record }, access.homeCurrency, known) : [],
      contactIds: isPresent ? peopleOf(record, roles) : [],
      formerIds: names.filter((name) => name !== id),
      ...(record ? modificationOf([record, ...roles], at) : goneSince(at)),
      ...(isPresent ? { prospect: prospectOf(record) } : {}),
    };
  });
}

/** The probability is a percentage, and an opportunity's own: whoever sells may enter another than its stage's. */
function prospectOf({ Probability, CloseDate }: Row): DealProspect {
  return { chance: chanceOf(text(Probability), 100), closesAt: closingOf(text(CloseDate)) };
}

interface Story {
  readonly record: Row | undefined;
  readonly roles: readonly Row[];
  readonly history: readonly Row[];
  readonly fieldHistory: readonly Row[];
}

async function readStories(api: OrgApi, shape: OrgShape, ids: readonly string[], extra: readonly string[]) {
  const isPersonal = hasField(shape, 'Account', 'PersonContactId');
  const fields = [
    ...OPPORTUNITY,
    ...readable(shape, 'Opportunity', [...OPPORTUNITY_IF_ANY, ...extra]),
    ...(isPersonal ? ['Account.PersonContactId'] : []),
  ];
  const history = [...HISTORY, ...readable(shape, 'OpportunityHistory', ['CurrencyIsoCode'])];
  const tracked = extra.flatMap((name) => [name, name.replace(/Id$/, '')]);
  const chunks = chunksOf(ids, IDS_PER_QUERY);
  if (chunks.length === 0) return { stories: new Map<string, Story>(), at: 0 };
  const within = (chunk: readonly string[]) => `WHERE OpportunityId IN ${idList(chunk)}`;
  const kinds: ReadonlyArray<(chunk: readonly string[]) => Query> = [
    // Those that were removed say when: the opportunity itself is not touched by it.
    (chunk) => ({ soql: select(ROLE, 'OpportunityContactRole', within(chunk)), scope: 'all' }),
    (chunk) => ({ soql: select(history, 'OpportunityHistory', within(chunk)), scope: 'live' }),
    // The record comes last: what happens between two of these queries is then a history that lags, never one that is ahead of its record.
    (chunk) => ({ soql: select(fields, 'Opportunity', `WHERE Id IN ${idList(chunk)}`), scope: 'all' }),
  ];
  const ofFields = (chunk: readonly string[]): Query => ({
    soql: select(FIELD_HISTORY, 'OpportunityFieldHistory', `${within(chunk)} AND Field IN ${textList(tracked)}`),
    scope: 'live',
  });
  const asked = extra.length === 0 ? kinds : [ofFields, ...kinds];
  const { rows, at } = await runQueries(
    api,
    'read opportunities',
    asked.flatMap((kind) => chunks.map(kind)),
  );
  const ofKind = asked.map((_, index) => rows.slice(index * chunks.length, (index + 1) * chunks.length).flat());
  const [roleRows = [], historyRows = [], recordRows = []] = ofKind.slice(-kinds.length);
  const byDeal = (some: readonly Row[]) => Map.groupBy(some, ({ OpportunityId }) => String(OpportunityId));
  const records = new Map(recordRows.map((row) => [String(row.Id), row]));
  const [roles, histories] = [byDeal(roleRows), byDeal(historyRows)];
  const fieldHistories = byDeal(extra.length === 0 ? [] : (ofKind[0] ?? []));
  const stories = new Map(
    ids.map((id): [string, Story] => [
      id,
      {
        record: records.get(id),
        roles: roles.get(id) ?? [],
        history: histories.get(id) ?? [],
        fieldHistory: fieldHistories.get(id) ?? [],
      },
    ]),
  );
  return { stories, at };
}

/** The primary contact first, then as they were added; a person account is its own contact. */
export function peopleOf({ Account }: Row, roles: readonly Row[]): string[] {
  const live = roles
    .filter(({ IsDeleted }) => IsDeleted !== true)
    .toSorted(
      (a, b) =>
        Number(b.IsPrimary === true) - Number(a.IsPrimary === true) ||
        String(a.CreatedDate).localeCompare(String(b.CreatedDate)) ||
        String(a.Id).localeCompare(String(b.Id)),
    );
  const person =
    typeof Account === 'object' && Account !== null && !Array.isArray(Account) ? text(Account.PersonContactId) : null;
  return [
    ...new Set([...live.flatMap(({ ContactId }) => text(ContactId) ?? []), ...(person === null ? [] : [person])]),
  ];
}

async function opportunitiesOfRoles(api: OrgApi, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const queries = chunksOf(ids, IDS_PER_QUERY).map(
    (chunk): Query => ({
      soql: select(['Id', 'OpportunityId'], 'OpportunityContactRole', `WHERE Id IN ${idList(chunk)}`),
      scope: 'all',
    }),
  );
  const { rows } = await runQueries(api, 'read contact roles', queries);
  return new Map(rows.flat().map(({ Id, OpportunityId }) => [String(Id), String(OpportunityId)]));
}

export async function readDealsOfContacts(
  api: OrgApi,
  shape: OrgShape,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map(contactIds.map((id) => [id, new Set<string>()]));
  // A lead has no opportunity before it is converted, and a contact then.
  const contacts = contactIds.filter((id) => isOf(id, 'contact') && longId(id) !== null);
  const isPersonal = hasField(shape, 'Account', 'PersonContactId');
  const queries = chunksOf(contacts, IDS_PER_QUERY).flatMap((chunk): Query[] => [
    {
      soql: select(['ContactId', 'OpportunityId'], 'OpportunityContactRole', `WHERE ContactId IN ${idList(chunk)}`),
      scope: 'live',
    },
    ...(isPersonal
      ? [
          {
            soql: select(
              ['Id', 'Account.PersonContactId'],
              'Opportunity',
              `WHERE Account.PersonContactId IN ${idList(chunk)}`,
            ),
            scope: 'live' as const,
          },
        ]
      : []),
  ]);
  if (queries.length > 0) {
    const { rows } = await runQueries(api, 'read opportunities of contacts', queries);
    for (const { Id, ContactId, OpportunityId, Account } of rows.flat()) {
      const isOwn = typeof Account === 'object' && Account !== null && !Array.isArray(Account);
      if (isOwn) found.get(String(Account.PersonContactId))?.add(String(Id));
      else found.get(String(ContactId))?.add(String(OpportunityId));
    }
  }
  return new Map([...found].map(([id, deals]) => [id, [...deals]]));
}
