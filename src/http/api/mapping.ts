import { z } from 'zod';
import type { DryRunRefusal } from '../../application/keep-dry-run.ts';
import type { MappingRefusal, Mappings } from '../../application/mapping.ts';
import { mappingDocument } from '../../application/mapping-document.ts';
import type { DryRunStore, KeptMapping } from '../../application/ports/store.ts';
import { pathText } from '../../application/program-document.ts';
import { MAPPABLE_STAGES } from '../../domain/mapping.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { csvOfDryRun, dryRunCsv, dryRunOf, dryRunParams, dryRunRefused, noSuchDryRun, seenDryRun } from './dry-runs.ts';
import { periodOf, periodParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId, dryRunId, policyDryRunSchema } from './schemas.ts';
import { policyDryRunView } from './views.ts';

export interface MappingDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly mappings: Mappings;
  readonly dryRuns: Pick<DryRunStore, 'get'>;
}

const means = z.enum(MAPPABLE_STAGES);

const mappingSchema = z
  .strictObject({
    connectionId,
    version: z.string().meta({ description: 'Of what all stages mean; empty before they were read from the CRM.' }),
    dryRunId: dryRunId.nullable().meta({
      description:
        'What an admin had seen it do to all of history before saying what stages mean; null where nobody looked.',
    }),
    pipelines: z.array(
      z.strictObject({
        id: z.string(),
        label: z.string(),
        stages: z.array(
          z.strictObject({
            id: z.string(),
            label: z.string(),
            stage: means.meta({ description: 'What a deal in it is to Wonward.' }),
            byMetadata: means.meta({ description: 'What it would be by the metadata of the CRM.' }),
            isSaid: z.boolean().meta({ description: 'An admin has said so; the metadata does not decide.' }),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'StageMapping', description: 'What the stages of a CRM mean. Also of stages that have left the CRM.' });

function mappingView(of: string, mapping: KeptMapping): z.input<typeof mappingSchema> {
  const { version, entries, dryRunId: seen = null } = mapping;
  const meantBy = (stage: string) => MAPPABLE_STAGES.find((one) => one === stage) ?? 'opportunity';
  return {
    connectionId: of,
    version,
    dryRunId: seen,
    pipelines: [...Map.groupBy(entries, ({ pipelineId }) => pipelineId)].map(([id, stages]) => ({
      id,
      label: stages[0]?.pipelineLabel ?? '',
      stages: stages.map(({ stageId, stageLabel, stage, byMetadata }) => ({
        id: stageId,
        label: stageLabel,
        stage: meantBy(stage),
        byMetadata: meantBy(byMetadata ?? stage),
        isSaid: byMetadata !== undefined,
      })),
    })),
  };
}

export function mappingRefused(refusal: MappingRefusal | DryRunRefusal): HttpProblem {
  switch (refusal.kind) {
    case 'no_such_connection':
      return new HttpProblem('not_found', 'This account has no such connection.');
    case 'not_read_yet':
      return new HttpProblem(
        'try_again',
        'The stages of this CRM were not read yet. They are, by the next sweep, as soon as it is connected.',
      );
    case 'changed':
      return new HttpProblem(
        'mapping_changed',
        'The mapping has changed since you read it. Read it again, and say it on top of that.',
      );
    case 'refused':
      return dryRunRefused(refusal, '/connections/{connectionId}/mapping/dry-run');
    case 'wrong':
      return new HttpProblem('invalid_request', 'That cannot be said of these stages.', {
        errors: refusal.problems.map(({ path, problem }) => ({ field: pathText(path), problem })),
      });
  }
}

/** What deal stages mean: by the CRM's metadata, and where an admin says so otherwise. */
export function mapping({ clock, mappings, dryRuns }: MappingDeps): Operation[] {
  return [
    operation({
      id: 'getStageMapping',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/mapping',
      summary: 'Get what the stages of a CRM mean',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'Every stage, by pipeline.' },
      answer: mappingSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await mappings.of(accountId, params.connectionId);
        if (!found) throw mappingRefused({ kind: 'no_such_connection' });
        return { status: 200, body: mappingView(params.connectionId, found) };
      },
    }),
    operation({
      id: 'setStageMapping',
      tag: 'Connections',
      method: 'put',
      path: '/connections/{connectionId}/mapping',
      summary: 'Say what stages mean',
      description:
        'What is said here outweighs the metadata of the CRM and stays when that is read anew; on a stage that is not named the metadata decides. Deals of all referrals in this CRM are judged again at once: try it with /connections/{connectionId}/mapping/dry-run first.',
      params: z.strictObject({ connectionId }),
      body: mappingDocument.extend({
        version: z
          .string()
          .optional()
          .meta({ description: 'The version that you have read: refused when another one is in force by now.' }),
        ...seenDryRun,
      }),
      statuses: { 200: 'The mapping in force.' },
      answer: mappingSchema,
      problems: ['not_found', 'mapping_changed', 'try_again', 'no_such_dry_run', 'other_draft'],
      async handle({ accountId, params, body }) {
        const result = await mappings.say(accountId, params.connectionId, body.stages, {
          basis: body.version,
          dryRunId: body.dryRunId,
        });
        if (result.kind !== 'said') throw mappingRefused(result);
        return { status: 200, body: mappingView(params.connectionId, result.mapping) };
      },
    }),
    operation({
      id: 'tryStageMapping',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/mapping/dry-run',
      summary: 'Try a mapping on all of history',
      description:
        'Decides anew on everything that is recorded, by the published programs and with these stages, and tells what would be paid otherwise. Pays and changes nothing.',
      params: z.strictObject({ connectionId }),
      body: mappingDocument.extend(periodParameters),
      statuses: { 201: 'What it would change.' },
      answer: policyDryRunSchema,
      problems: ['not_found', 'try_again'],
      async handle({ accountId, actor, params, body }) {
        const period = periodOf(body, clock.now());
        const result = await mappings.tryOut(accountId, params.connectionId, body.stages, period, actor);
        if (result.kind !== 'tried') throw mappingRefused(result);
        return { status: 201, body: policyDryRunView(result.run) };
      },
    }),
    operation({
      id: 'getMappingDryRun',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/mapping/dry-run/{dryRunId}',
      summary: 'Get a dry run of a mapping',
      params: z.strictObject({ connectionId, ...dryRunParams }),
      statuses: { 200: 'What it would have changed.' },
      answer: policyDryRunSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const run = await dryRunOf(dryRuns, accountId, params.dryRunId, 'stage_mapping');
        if (run.of.connectionId !== params.connectionId) throw noSuchDryRun();
        return { status: 200, body: policyDryRunView(run) };
      },
    }),
    operation({
      id: 'exportMappingDryRun',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/mapping/dry-run/{dryRunId}/csv',
      summary: 'Differences of a dry run of a mapping as CSV',
      params: z.strictObject({ connectionId, ...dryRunParams }),
      query: dryRunCsv.query,
      statuses: { 200: 'A page of them, with a first line that names the columns.' },
      answer: dryRunCsv.answer,
      problems: ['not_found'],
      async handle({ accountId, params, query }) {
        const run = await dryRunOf(dryRuns, accountId, params.dryRunId, 'stage_mapping');
        if (run.of.connectionId !== params.connectionId) throw noSuchDryRun();
        return { status: 200, body: csvOfDryRun(run, query.after) };
      },
    }),
  ];
}
