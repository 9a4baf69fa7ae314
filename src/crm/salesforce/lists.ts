import type { CrmList, CrmLists } from '../../application/ports/crm.ts';
import type { OrgApi } from './call.ts';
import { longId } from './ids.ts';
import { type Query, runQueries, runQuery } from './query.ts';
import { literal, select } from './soql.ts';
import { type Row, text } from './wire.ts';

/** Of a campaign's members; what they say of a person is read with 200 of them at a time. */
const MEMBERS_PER_PAGE = 1_000;

/**
 * Campaigns. A list view of Salesforce's shows records by a rule of one user's and gives 2,000 of them at most; a campaign is what people are
 * put on, contacts and leads alike, and is for everybody.
 */
export function createLists(api: OrgApi): CrmLists {
  return {
    async find(words, limit) {
      const wanted = words.trim().toLowerCase();
      // In a pattern `%` and `_` stand for anything.
      const where = wanted === '' ? '' : `WHERE Name LIKE ${literal(`%${wanted.replace(/\\/g, '_')}%`)} `;
      const soql = select(['Id', 'Name'], 'Campaign', `${where}ORDER BY Name, Id LIMIT ${limit}`);
      const { rows } = await runQuery(api, 'find campaigns', { soql, scope: 'live' });
      return rows.map((row) => listOf(row, null)).filter(({ name }) => name.toLowerCase().includes(wanted));
    },

    async get(asked) {
      const id = longId(asked);
      if (id === null) return null;
      const campaign: Query = { soql: select(['Id', 'Name'], 'Campaign', `WHERE Id = ${literal(id)}`), scope: 'live' };
      const count: Query = {
        soql: select(['COUNT(Id) found'], 'CampaignMember', `WHERE CampaignId = ${literal(id)}`),
        scope: 'live',
      };
      const { rows } = await runQueries(api, 'read campaign', [campaign, count]);
      const found = rows[0]?.[0];
      const size = Number(rows[1]?.[0]?.found);
      return found ? listOf(found, Number.isSafeInteger(size) ? size : null) : null;
    },

    async members(asked, cursor) {
      const id = longId(asked);
      if (id === null) return null;
      const behind = cursor === null ? '' : `AND Id > ${literal(longId(cursor) ?? '')} `;
      const campaign: Query = { soql: select(['Id'], 'Campaign', `WHERE Id = ${literal(id)}`), scope: 'live' };
      const rest = `WHERE CampaignId = ${literal(id)} ${behind}ORDER BY Id LIMIT ${MEMBERS_PER_PAGE}`;
      const page: Query = { soql: select(['Id', 'ContactId', 'LeadId'], 'CampaignMember', rest), scope: 'live' };
      const { rows } = await runQueries(api, 'read campaign members', [campaign, page]);
      if (!rows[0]?.[0]) return null;
      const members = rows[1] ?? [];
      const last = members.at(-1);
      return {
        // A member who was converted has both: the contact is the person.
        ids: members.flatMap(({ ContactId, LeadId }) => text(ContactId) ?? text(LeadId) ?? []),
        next: last && members.length === MEMBERS_PER_PAGE ? String(last.Id) : null,
      };
    },
  };
}

function listOf({ Id, Name }: Row, size: number | null): CrmList {
  return { id: String(Id), name: text(Name) ?? '', size };
}
