import { z } from 'zod';
import { conflict, notFound, validationError } from './errors.ts';
import { type Answer, type Call, type Route, readBody } from './http.ts';
import { findObjectType, type ObjectType } from './object-types.ts';
import { requireObjectType } from './objects.ts';
import { type Pipeline, type PipelineStage, type Portal, pipelinesOf, recordsOf } from './portal.ts';
import type { Random } from './random.ts';

/** "Deal, ticket, and custom object pipelines can have up to 100 stages" (pipelines guide). */
const MAX_STAGES = 100;

const metadataSchema = z.record(z.string(), z.string());
const stageInput = z.strictObject({
  label: z.string().min(1),
  displayOrder: z.int(),
  metadata: metadataSchema,
  stageId: z.string().min(1).optional(),
});
const stageReplace = z.strictObject({ label: z.string().min(1), displayOrder: z.int(), metadata: metadataSchema });
const stagePatch = z.strictObject({
  label: z.string().min(1).optional(),
  displayOrder: z.int().optional(),
  metadata: metadataSchema,
  archived: z.boolean().optional(),
});
const pipelineInput = z.strictObject({
  label: z.string().min(1),
  displayOrder: z.int(),
  stages: z.array(stageInput),
  pipelineId: z.string().min(1).optional(),
});
const pipelineReplace = z.strictObject({
  label: z.string().min(1),
  displayOrder: z.int(),
  stages: z.array(stageInput),
});
const pipelinePatch = z.strictObject({
  label: z.string().min(1).optional(),
  displayOrder: z.int().optional(),
  archived: z.boolean().optional(),
});

export type StageInput = z.infer<typeof stageInput>;
export type PipelineInput = z.infer<typeof pipelineInput>;

/** `probability` is required for deals, "0.0" to "1.0"; `isClosed` is a string and follows from 0 and 1 when left out. */
function checkMetadata(type: ObjectType, metadata: Record<string, string>): Record<string, string> {
  if (type.typeId !== '0-3') return metadata;
  const { probability } = metadata;
  if (probability === undefined || !/^(0(\.\d+)?|1(\.0+)?)$/.test(probability)) {
    throw validationError('Deal stages require metadata.probability between 0.0 and 1.0', {
      subCategory: 'PipelineError.INVALID_STAGE_METADATA',
      context: { probability: [probability ?? ''] },
    });
  }
  const isClosed = metadata.isClosed ?? String(Number(probability) === 0 || Number(probability) === 1);
  if (isClosed !== 'true' && isClosed !== 'false')
    throw validationError(`isClosed must be "true" or "false", was ${isClosed}`);
  return { ...metadata, isClosed };
}

function stageView(stage: PipelineStage): object {
  return {
    id: stage.id,
    label: stage.label,
    displayOrder: stage.displayOrder,
    metadata: stage.metadata,
    createdAt: new Date(stage.createdAt).toISOString(),
    updatedAt: new Date(stage.updatedAt).toISOString(),
    archived: stage.archived,
    writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
  };
}

export function pipelineView(pipeline: Pipeline): object {
  return {
    id: pipeline.id,
    label: pipeline.label,
    displayOrder: pipeline.displayOrder,
    createdAt: new Date(pipeline.createdAt).toISOString(),
    updatedAt: new Date(pipeline.updatedAt).toISOString(),
    archived: pipeline.archived,
    stages: livingStages(pipeline).map(stageView),
  };
}

function byOrder(
  left: { displayOrder: number; label: string },
  right: { displayOrder: number; label: string },
): number {
  return left.displayOrder - right.displayOrder || (left.label < right.label ? -1 : 1);
}

function livingStages(pipeline: Pipeline): PipelineStage[] {
  return pipeline.stages.filter((stage) => !stage.archived).sort(byOrder);
}

export function livingPipelines(portal: Portal, type: ObjectType): Pipeline[] {
  return [...pipelinesOf(portal, type.typeId).values()].filter((pipeline) => !pipeline.archived).sort(byOrder);
}

export interface Pipelines {
  create(portal: Portal, type: ObjectType, input: PipelineInput, at: number): Pipeline;
  replace(
    portal: Portal,
    type: ObjectType,
    pipeline: Pipeline,
    input: Omit<PipelineInput, 'pipelineId'>,
    at: number,
  ): Pipeline;
  patch(portal: Portal, pipeline: Pipeline, input: z.infer<typeof pipelinePatch>, at: number): Pipeline;
  remove(portal: Portal, pipeline: Pipeline, check: boolean, at: number): void;
  addStage(portal: Portal, type: ObjectType, pipeline: Pipeline, input: StageInput, at: number): PipelineStage;
  changeStage(
    portal: Portal,
    type: ObjectType,
    pipeline: Pipeline,
    stage: PipelineStage,
    input: z.infer<typeof stagePatch>,
    at: number,
  ): PipelineStage;
  removeStage(portal: Portal, pipeline: Pipeline, stage: PipelineStage, at: number): void;
  require(portal: Portal, type: ObjectType, id: string | undefined): Pipeline;
  requireStage(pipeline: Pipeline, id: string | undefined): PipelineStage;
}

/** The pipelines of a portal; used by the API's routes and by a user's hands in the control API. */
export function createPipelines({ random }: { random: Random }): Pipelines {
  function audit(
    portal: Portal,
    pipeline: Pipeline,
    action: 'CREATE' | 'UPDATE' | 'DELETE',
    at: number,
    stage?: PipelineStage,
  ): void {
    portal.audits.unshift({
      identifier: stage ? `${portal.id}:${pipeline.id}:${stage.id}` : `${portal.id}:${pipeline.id}`,
      action,
      at,
      message: `${stage ? 'Stage' : 'Pipeline'} ${action.toLowerCase()}`,
      rawObject: stage ? stageView(stage) : pipelineView(pipeline),
    });
  }

  function newId(): string {
    return String(100_000_000 + random.integer(900_000_000));
  }

  function requireUniqueLabels(labels: string[], what: string): void {
    const twice = labels.find((label, index) => labels.indexOf(label) !== index);
    if (twice === undefined) return;
    throw validationError(`${what} labels must be unique, '${twice}' is there twice`, {
      subCategory: `PipelineError.DUPLICATE_${what.toUpperCase()}_LABEL`,
      context: { label: [twice] },
    });
  }

  function requireCapacity(count: number): void {
    if (count > MAX_STAGES) throw validationError(`A pipeline can have up to ${MAX_STAGES} stages`);
  }

  function requireFreeStageIds(portal: Portal, ids: string[], except?: Pipeline): void {
    for (const pipelines of portal.pipelines.values()) {
      for (const pipeline of pipelines.values()) {
        if (pipeline === except) continue;
        const taken = pipeline.stages.find((stage) => ids.includes(stage.id));
        if (taken) throw conflict(`Stage id ${taken.id} already exists`, { context: { stageId: [taken.id] } });
      }
    }
  }

  function makeStage(type: ObjectType, input: StageInput, at: number): PipelineStage {
    return {
      id: input.stageId ?? newId(),
      label: input.label,
      displayOrder: input.displayOrder,
      metadata: checkMetadata(type, input.metadata),
      createdAt: at,
      updatedAt: at,
      archived: false,
    };
  }

  function users(portal: Portal, stageIds: string[]): string[] {
    return [...recordsOf(portal, '0-3').values()]
      .filter((deal) => !deal.archived && stageIds.includes(deal.properties.get('dealstage') ?? ''))
      .map((deal) => deal.id);
  }

  function requireUnused(portal: Portal, stages: PipelineStage[]): void {
    const stageIds = stages.map((stage) => stage.id);
    const objectIds = users(portal, stageIds);
    if (objectIds.length === 0) return;
    throw validationError(
      `Stage IDs: [${stageIds.join(', ')}] are being referenced by object IDs: [${objectIds.join(', ')}]`,
      {
        subCategory: 'PipelineError.STAGE_ID_IN_USE',
        context: { stageIds: [`[${stageIds.join(', ')}]`], objectIds: [`[${objectIds.join(', ')}]`] },
      },
    );
  }

  return {
    create(portal, type, input, at) {
      const all = pipelinesOf(portal, type.typeId);
      if (input.pipelineId !== undefined && all.has(input.pipelineId)) {
        throw conflict(`Pipeline id ${input.pipelineId} already exists`, {
          context: { pipelineId: [input.pipelineId] },
        });
      }
      requireUniqueLabels([...livingPipelines(portal, type).map((one) => one.label), input.label], 'Pipeline');
      requireUniqueLabels(
        input.stages.map((stage) => stage.label),
        'Stage',
      );
      requireCapacity(input.stages.length);
      requireFreeStageIds(
        portal,
        input.stages.flatMap((stage) => stage.stageId ?? []),
      );
      const pipeline: Pipeline = {
        id: input.pipelineId ?? newId(),
        label: input.label,
        displayOrder: input.displayOrder,
        stages: input.stages.map((stage) => makeStage(type, stage, at)),
        createdAt: at,
        updatedAt: at,
        archived: false,
      };
      all.set(pipeline.id, pipeline);
      audit(portal, pipeline, 'CREATE', at);
      return pipeline;
    },
    replace(portal, type, pipeline, input, at) {
      requireUniqueLabels(
        input.stages.map((stage) => stage.label),
        'Stage',
      );
      requireCapacity(input.stages.length);
      const kept = new Set(input.stages.flatMap((stage) => stage.stageId ?? []));
      requireUnused(
        portal,
        livingStages(pipeline).filter((stage) => !kept.has(stage.id)),
      );
      requireFreeStageIds(portal, [...kept], pipeline);
      pipeline.stages = input.stages.map((stage) => {
        const before = pipeline.stages.find((one) => one.id === stage.stageId);
        return before ? { ...makeStage(type, stage, at), createdAt: before.createdAt } : makeStage(type, stage, at);
      });
      pipeline.label = input.label;
      pipeline.displayOrder = input.displayOrder;
      pipeline.updatedAt = at;
      audit(portal, pipeline, 'UPDATE', at);
      return pipeline;
    },
    patch(portal, pipeline, input, at) {
      if (input.archived) requireUnused(portal, livingStages(pipeline));
      pipeline.label = input.label ?? pipeline.label;
      pipeline.displayOrder = input.displayOrder ?? pipeline.displayOrder;
      pipeline.archived = input.archived ?? pipeline.archived;
      pipeline.updatedAt = at;
      audit(portal, pipeline, 'UPDATE', at);
      return pipeline;
    },
    remove(portal, pipeline, check, at) {
      if (check) requireUnused(portal, livingStages(pipeline));
      for (const pipelines of portal.pipelines.values())
        if (pipelines.get(pipeline.id) === pipeline) pipelines.delete(pipeline.id);
      audit(portal, pipeline, 'DELETE', at);
    },
    addStage(portal, type, pipeline, input, at) {
      requireUniqueLabels([...livingStages(pipeline).map((one) => one.label), input.label], 'Stage');
      requireCapacity(livingStages(pipeline).length + 1);
      if (input.stageId !== undefined) requireFreeStageIds(portal, [input.stageId]);
      const stage = makeStage(type, input, at);
      pipeline.stages.push(stage);
      pipeline.updatedAt = at;
      audit(portal, pipeline, 'CREATE', at, stage);
      return stage;
    },
    changeStage(portal, type, pipeline, stage, input, at) {
      const others = livingStages(pipeline).filter((one) => one !== stage);
      if (input.label !== undefined) requireUniqueLabels([...others.map((one) => one.label), input.label], 'Stage');
      const metadata = checkMetadata(type, { ...stage.metadata, ...input.metadata });
      if (input.archived) requireUnused(portal, [stage]);
      stage.metadata = metadata;
      stage.label = input.label ?? stage.label;
      stage.displayOrder = input.displayOrder ?? stage.displayOrder;
      stage.archived = input.archived ?? stage.archived;
      stage.updatedAt = at;
      audit(portal, pipeline, 'UPDATE', at, stage);
      return stage;
    },
    removeStage(portal, pipeline, stage, at) {
      requireUnused(portal, [stage]);
      pipeline.stages = pipeline.stages.filter((one) => one !== stage);
      pipeline.updatedAt = at;
      audit(portal, pipeline, 'DELETE', at, stage);
    },
    require(portal, type, id) {
      const pipeline = pipelinesOf(portal, type.typeId).get(id ?? '');
      if (pipeline && !pipeline.archived) return pipeline;
      throw notFound({ pipelineId: [id ?? ''] }, `No pipeline with id ${id} exists for ${type.plural}`);
    },
    requireStage(pipeline, id) {
      const stage = pipeline.stages.find((one) => one.id === id && !one.archived);
      if (stage) return stage;
      throw notFound({ stageId: [id ?? ''] }, `No stage with id ${id} exists in pipeline ${pipeline.id}`);
    },
  };
}

export function createPipelineRoutes({ pipelines }: { pipelines: Pipelines }): Route[] {
  const collection = '/crm/pipelines/2026-03/:objectType';
  const single = `${collection}/:pipelineId`;
  const stages = `${single}/stages`;
  const stage = `${stages}/:stageId`;
  const deleteChecks = ['validateDealStageUsagesBeforeDelete', 'validateReferencesBeforeDelete'];

  const reads = (params: Record<string, string>): string[][] => {
    const type = findObjectType(params.objectType ?? '');
    return type ? [[`crm.schemas.${type.plural}.read`, `crm.objects.${type.plural}.read`]] : [];
  };
  const writes = (params: Record<string, string>): string[][] => {
    const type = findObjectType(params.objectType ?? '');
    return type ? [[`crm.schemas.${type.plural}.write`]] : [];
  };
  const typeOf = (call: Call): ObjectType => requireObjectType(call.params.objectType);
  const pipelineOf = (call: Call): Pipeline => pipelines.require(call.portal, typeOf(call), call.params.pipelineId);
  const stageOf = (call: Call): PipelineStage => pipelines.requireStage(pipelineOf(call), call.params.stageId);
  const checked = (call: Call): boolean => deleteChecks.some((name) => call.query.flag(name));

  function audits(call: Call, identifier: string): Answer {
    const results = call.portal.audits
      .filter((entry) => entry.identifier === identifier)
      .map((entry) => ({
        portalId: call.portal.id,
        identifier: entry.identifier,
        action: entry.action,
        timestamp: new Date(entry.at).toISOString(),
        message: entry.message,
        rawObject: entry.rawObject,
      }));
    return { status: 200, body: { results } };
  }

  return [
    {
      method: 'GET',
      path: collection,
      scopes: reads,
      handle: (call) => ({
        status: 200,
        body: { results: livingPipelines(call.portal, typeOf(call)).map(pipelineView) },
      }),
    },
    {
      method: 'POST',
      path: collection,
      scopes: writes,
      handle: (call) => ({
        status: 201,
        body: pipelineView(pipelines.create(call.portal, typeOf(call), readBody(pipelineInput, call.body), call.at)),
      }),
    },
    {
      method: 'GET',
      path: single,
      scopes: reads,
      handle: (call) => ({ status: 200, body: pipelineView(pipelineOf(call)) }),
    },
    {
      method: 'PUT',
      path: single,
      query: deleteChecks,
      scopes: writes,
      handle: (call) => ({
        status: 200,
        body: pipelineView(
          pipelines.replace(call.portal, typeOf(call), pipelineOf(call), readBody(pipelineReplace, call.body), call.at),
        ),
      }),
    },
    {
      method: 'PATCH',
      path: single,
      query: deleteChecks,
      scopes: writes,
      handle: (call) => ({
        status: 200,
        body: pipelineView(pipelines.patch(call.portal, pipelineOf(call), readBody(pipelinePatch, call.body), call.at)),
      }),
    },
    {
      method: 'DELETE',
      path: single,
      query: deleteChecks,
      scopes: writes,
      handle(call) {
        pipelines.remove(call.portal, pipelineOf(call), checked(call), call.at);
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: `${single}/audit`,
      scopes: reads,
      handle: (call) => audits(call, `${call.portal.id}:${pipelineOf(call).id}`),
    },
    {
      method: 'GET',
      path: stages,
      scopes: reads,
      handle: (call) => ({ status: 200, body: { results: livingStages(pipelineOf(call)).map(stageView) } }),
    },
    {
      method: 'POST',
      path: stages,
      scopes: writes,
      handle: (call) => ({
        status: 201,
        body: stageView(
          pipelines.addStage(call.portal, typeOf(call), pipelineOf(call), readBody(stageInput, call.body), call.at),
        ),
      }),
    },
    { method: 'GET', path: stage, scopes: reads, handle: (call) => ({ status: 200, body: stageView(stageOf(call)) }) },
    {
      method: 'PUT',
      path: stage,
      scopes: writes,
      handle: (call) => ({
        status: 200,
        body: stageView(
          pipelines.changeStage(
            call.portal,
            typeOf(call),
            pipelineOf(call),
            stageOf(call),
            readBody(stageReplace, call.body),
            call.at,
          ),
        ),
      }),
    },
    {
      method: 'PATCH',
      path: stage,
      scopes: writes,
      handle: (call) => ({
        status: 200,
        body: stageView(
          pipelines.changeStage(
            call.portal,
            typeOf(call),
            pipelineOf(call),
            stageOf(call),
            readBody(stagePatch, call.body),
            call.at,
          ),
        ),
      }),
    },
    {
      method: 'DELETE',
      path: stage,
      query: ['validateReferencesBeforeDelete'],
      scopes: writes,
      handle(call) {
        pipelines.removeStage(call.portal, pipelineOf(call), stageOf(call), call.at);
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: `${stage}/audit`,
      scopes: reads,
      handle: (call) => audits(call, `${call.portal.id}:${pipelineOf(call).id}:${stageOf(call).id}`),
    },
  ];
}
