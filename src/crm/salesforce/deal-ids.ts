import type { DealIdsPage, DealsAsked } from '../../application/ports/crm.ts';
import type { OrgApi } from './call.ts';
import { longId } from './ids.ts';
import { hasField, type OrgShape } from './org.ts';
import { MASTER_RECORD_TYPE } from './points.ts';
import { type Query, runQueries } from './query.ts';
import { literal, select } from './soql.ts';
import { isoSeconds } from './wire.ts';

/** By id and behind an id: a page and how many there are, as two queries of one call. */
export async function readDealIds(
  api: OrgApi,
  shape: OrgShape,
  { asked, after, limit }: { asked: DealsAsked; after: string | null; limit: number },
): Promise<DealIdsPage> {
  const behind = after === null ? [] : [`Id > ${literal(longId(after) ?? '')}`];
  const where = `WHERE ${[...conditionsOf(shape, asked), ...behind].join(' AND ')}`;
  const page: Query = { soql: select(['Id'], 'Opportunity', `${where} ORDER BY Id LIMIT ${limit}`), scope: 'live' };
  const count: Query = { soql: select(['COUNT(Id) found'], 'Opportunity', where), scope: 'live' };
  const { rows } = await runQueries(api, 'list past opportunities', [page, count]);
  const ids = (rows[0] ?? []).map(({ Id }) => String(Id));
  const total = Number(rows[1]?.[0]?.found);
  return {
    ids,
    total: Number.isSafeInteger(total) ? total : null,
    next: ids.length < limit ? null : (ids.at(-1) ?? null),
  };
}

function conditionsOf(shape: OrgShape, asked: DealsAsked): string[] {
  if (asked.by === 'creation')
    return [`CreatedDate >= ${isoSeconds(asked.from)}`, `CreatedDate < ${isoSeconds(asked.before)}`];
  const ofStage = `StageName = ${literal(asked.stageId)}`;
  if (!hasField(shape, 'Opportunity', 'RecordTypeId')) return [ofStage];
  const isMaster = asked.pipelineId === MASTER_RECORD_TYPE;
  return [ofStage, `RecordTypeId = ${isMaster ? 'NULL' : literal(longId(asked.pipelineId) ?? '')}`];
}
