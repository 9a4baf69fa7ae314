import { z } from 'zod';
import { MAPPABLE_STAGES, type MappedStage, type SaidStage, withSaid } from '../domain/mapping.ts';
import { pathText } from './program-document.ts';

/** Twenty pipelines of a hundred stages; more is no table that a person has written. */
const STAGES_MAX = 2_000;

/** The CRM's own ids are shorter; a longer one is not the id of anything. */
const ID_LENGTH_MAX = 200;

const crmId = z.string().min(1).max(ID_LENGTH_MAX);

/** What an admin says that stages mean. On a stage that is not named the CRM's metadata decides. */
export const mappingDocument = z
  .strictObject({
    stages: z
      .array(
        z.strictObject({
          pipelineId: crmId.meta({ description: "The CRM's id of the pipeline.", example: 'default' }),
          stageId: crmId.meta({ description: "The CRM's id of the stage.", example: 'contractsent' }),
          stage: z.enum(MAPPABLE_STAGES).meta({ description: 'What a deal in it is to Wonward.' }),
        }),
      )
      .max(STAGES_MAX),
  })
  .meta({ id: 'StageMappingInput', description: 'What is not named goes by the metadata of the CRM.' });

export interface MappingProblem {
  readonly path: PropertyKey[];
  readonly problem: string;
}

/** What cannot be said of these stages, with its place. */
export function mappingProblems(entries: readonly MappedStage[], said: readonly SaidStage[]): MappingProblem[] {
  const problems: MappingProblem[] = [];
  said.forEach(({ pipelineId, stageId }, index) => {
    const ofPipeline = entries.filter((entry) => entry.pipelineId === pipelineId);
    if (ofPipeline.length === 0)
      problems.push({
        path: ['stages', index, 'pipelineId'],
        problem: `must be the id of a pipeline of this CRM: ${idsOf(entries.map((entry) => entry.pipelineId))}`,
      });
    else if (!ofPipeline.some((entry) => entry.stageId === stageId))
      problems.push({
        path: ['stages', index, 'stageId'],
        problem: `must be the id of a stage of this pipeline: ${idsOf(ofPipeline.map((entry) => entry.stageId))}`,
      });
    else if (said.findIndex((one) => one.pipelineId === pipelineId && one.stageId === stageId) < index)
      problems.push({ path: ['stages', index], problem: 'names a stage a second time; keep one of them' });
  });
  if (problems.length > 0) return problems;
  const meant = withSaid(entries, said);
  for (const pipelineId of new Set(said.map((one) => one.pipelineId))) {
    if (meant.some((entry) => entry.pipelineId === pipelineId && entry.stage === 'won')) continue;
    problems.push({
      path: ['stages', said.findIndex((one) => one.pipelineId === pipelineId), 'stage'],
      problem: `leaves the pipeline ${pipelineId} without any stage that means "won": no deal in it could ever pay; let one of its stages mean it`,
    });
  }
  return problems;
}

/** As many as a person reads. */
const IDS_SHOWN_MAX = 20;

function idsOf(ids: readonly string[]): string {
  const known = [...new Set(ids)];
  return `${known.slice(0, IDS_SHOWN_MAX).join(', ')}${known.length > IDS_SHOWN_MAX ? ', …' : ''}`;
}

export type MappingDocumentResult =
  | { readonly ok: true; readonly stages: readonly SaidStage[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A file that an admin has written, by itself: whether the CRM has the stages is found out where it is used. */
export function parseMapping(document: unknown): MappingDocumentResult {
  const parsed = mappingDocument.safeParse(document);
  if (parsed.success) return { ok: true, stages: parsed.data.stages };
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`) };
}
