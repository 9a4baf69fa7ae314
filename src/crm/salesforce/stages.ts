import type { StageCatalog } from '../../domain/mapping.ts';
import type { OrgApi } from './call.ts';
import { MASTER_RECORD_TYPE } from './points.ts';
import { runQueries } from './query.ts';
import { text } from './wire.ts';

const STAGES =
  'SELECT ApiName, MasterLabel, IsActive, IsClosed, IsWon, SortOrder, DefaultProbability FROM OpportunityStage ORDER BY SortOrder, Id';
const RECORD_TYPES = "SELECT Id, Name FROM RecordType WHERE SobjectType = 'Opportunity' ORDER BY Name, Id";

/**
 * A record type is a pipeline, and one without record types has the master's. What a stage means is the org's, for all record types alike;
 * also inactive ones and those that a record type no longer offers are here, since opportunities still stand in them.
 */
export async function readStages(api: OrgApi): Promise<StageCatalog> {
  const { rows } = await runQueries(api, 'read stages', [
    { soql: STAGES, scope: 'live' },
    { soql: RECORD_TYPES, scope: 'live' },
  ]);
  const [stageRows = [], typeRows = []] = rows;
  const stages = stageRows.map((row) => ({
    id: text(row.ApiName) ?? '',
    label: text(row.MasterLabel) ?? text(row.ApiName) ?? '',
    isClosed: row.IsClosed === true,
    probability: row.IsWon === true ? 1 : openProbability(row.DefaultProbability, row.IsClosed === true),
  }));
  return {
    pipelines: [
      { id: MASTER_RECORD_TYPE, label: 'Opportunities', stages },
      ...typeRows.map((row) => ({ id: String(row.Id), label: text(row.Name) ?? String(row.Id), stages })),
    ],
  };
}

/** Won is what `IsWon` says. An admin may give any stage a probability of 100 %, which wins nothing. */
const SURELY = 0.99;

function openProbability(percent: unknown, isClosed: boolean): number | null {
  if (isClosed) return 0;
  const probability = Number(percent) / 100;
  return percent === null || percent === undefined || Number.isNaN(probability)
    ? null
    : Math.min(Math.max(probability, 0), SURELY);
}
