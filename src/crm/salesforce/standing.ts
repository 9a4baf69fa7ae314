import type { StageRef, StandingPage } from '../../application/ports/crm.ts';
import type { OrgApi } from './call.ts';
import { peopleOf } from './deals.ts';
import { longId } from './ids.ts';
import { hasField, type OrgShape } from './org.ts';
import { MASTER_RECORD_TYPE } from './points.ts';
import { type Query, runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, idList, literal, select, textList } from './soql.ts';
import { instantOf, text } from './wire.ts';

/** One query gives as many rows at a time; their roles are five calls' queries in one. */
const STANDING_PAGE = 1_000;

const ROLE = ['Id', 'OpportunityId', 'ContactId', 'IsPrimary', 'CreatedDate'];

/** Opportunities that stand in some stages, by id, with the people on them: two or three calls for a thousand. */
export async function readStanding(
  api: OrgApi,
  shape: OrgShape,
  { stages, cursor }: { stages: readonly StageRef[]; cursor: string | null },
): Promise<StandingPage> {
  if (stages.length === 0) return { deals: [], next: null };
  const wanted = new Set(stages.map(({ pipelineId, stageId }) => `${pipelineId}\n${stageId}`));
  const names = [...new Set(stages.map(({ stageId }) => stageId))];
  const fields = [
    ...['Id', 'StageName', 'CreatedDate'],
    ...(hasField(shape, 'Opportunity', 'RecordTypeId') ? ['RecordTypeId'] : []),
    ...(hasField(shape, 'Account', 'PersonContactId') ? ['Account.PersonContactId'] : []),
  ];
  const behind = cursor === null ? '' : `AND Id > ${literal(longId(cursor) ?? '')} `;
  const rest = `WHERE StageName IN ${textList(names)} ${behind}ORDER BY Id LIMIT ${STANDING_PAGE}`;
  const { rows } = await runQueries(api, 'scan opportunities in stages', [
    { soql: select(fields, 'Opportunity', rest), scope: 'live' },
  ]);
  const page = rows[0] ?? [];
  const standing = page.filter(({ RecordTypeId, StageName }) =>
    wanted.has(`${text(RecordTypeId) ?? MASTER_RECORD_TYPE}\n${text(StageName) ?? ''}`),
  );
  const ids = standing.map(({ Id }) => String(Id));
  const roles =
    ids.length === 0
      ? []
      : (await runQueries(api, 'read contact roles', chunksOf(ids, IDS_PER_QUERY).map(rolesOf))).rows.flat();
  const byDeal = Map.groupBy(roles, ({ OpportunityId }) => String(OpportunityId));
  const last = page.at(-1);
  return {
    deals: standing.map((row) => ({
      id: String(row.Id),
      pipelineId: text(row.RecordTypeId) ?? MASTER_RECORD_TYPE,
      stageId: text(row.StageName) ?? '',
      contactIds: peopleOf(row, byDeal.get(String(row.Id)) ?? []),
      createdAt: instantOf(row.CreatedDate),
    })),
    next: page.length === STANDING_PAGE && last ? String(last.Id) : null,
  };
}

function rolesOf(ids: readonly string[]): Query {
  return {
    soql: select(ROLE, 'OpportunityContactRole', `WHERE OpportunityId IN ${idList(ids)}`),
    scope: 'live',
  };
}
