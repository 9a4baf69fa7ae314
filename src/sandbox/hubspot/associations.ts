import { z } from 'zod';
import { batchAnswer, struckRow } from './batches.ts';
import { HubSpotError, notFound, type RowError, rowError, validationError } from './errors.ts';
import {
  type Answer,
  associationTypeSchema,
  type Call,
  idSchema,
  type Route,
  readBody,
  requireInputs,
} from './http.ts';
import type { Links } from './links.ts';
import { findObjectType, isCustomWord, type ObjectType } from './object-types.ts';
import { requireObjectType } from './objects.ts';
import { type Actor, type AssociationDefinition, type Portal, type RecordState, resolveRecord } from './portal.ts';

/** "Batch read associations: limited to 1,000 inputs", "Batch create associations: limited to 2,000 inputs". */
const READ_LIMIT = 1_000;
const CREATE_LIMIT = 2_000;
/** The spec's default page of one record's associations; a batch read pages each record by the same number. */
export const ASSOCIATION_PAGE = 500;
/** "You can create up to 10 association labels between each object pairing". */
const MAX_LABELS_PER_PAIR = 10;

const pairSchema = z.strictObject({ from: idSchema, to: idSchema });
const labeledSchema = z.strictObject({
  inputs: z.array(z.strictObject({ from: idSchema, to: idSchema, types: z.array(associationTypeSchema).min(1) })),
});
const defaultSchema = z.strictObject({ inputs: z.array(pairSchema) });
const archiveSchema = z.strictObject({
  inputs: z.array(z.strictObject({ from: idSchema, to: z.array(idSchema).min(1) })),
});
const readSchema = z.strictObject({
  inputs: z.array(z.strictObject({ id: z.string().min(1), after: z.string().optional() })),
});
const createLabelSchema = z.strictObject({
  label: z.string().min(1),
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must not include hyphens or begin with a number'),
  inverseLabel: z.string().min(1).optional(),
});
const updateLabelSchema = z.strictObject({
  associationTypeId: z.int(),
  label: z.string().min(1),
  inverseLabel: z.string().min(1).optional(),
});
const capSchema = z.strictObject({
  inputs: z.array(z.strictObject({ category: z.string(), typeId: z.int(), maxToObjectIds: z.int().min(1) })),
});
const purgeSchema = z.strictObject({ inputs: z.array(z.strictObject({ category: z.string(), typeId: z.int() })) });

function scopeWord(word: string | undefined): string | undefined {
  return isCustomWord(word ?? '') ? 'custom' : findObjectType(word ?? '')?.plural;
}

/** A write needs the written side's write scope and any access to the other side. */
function pairScopes(action: 'read' | 'write', fromWord: string | undefined, toWord: string | undefined): string[][] {
  const [from, to] = [scopeWord(fromWord), scopeWord(toWord)];
  if (!from || !to) return [];
  return [[`crm.objects.${from}.${action}`], [`crm.objects.${to}.read`, `crm.objects.${to}.write`]];
}

function labelScopes(action: 'read' | 'write', params: Record<string, string>): string[][] {
  const [from, to] = [scopeWord(params.fromObjectType), scopeWord(params.toObjectType)];
  if (!from || !to) return [];
  return [from, to].map((word) => [`crm.objects.${word}.${action}`, `crm.schemas.${word}.${action}`]);
}

function cursor(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url');
}

function readCursor(after: string | undefined): string | undefined {
  if (after === undefined) return undefined;
  const id = Buffer.from(after, 'base64url').toString('utf8');
  if (!/^\d+$/.test(id)) throw validationError(`after is not a valid cursor: ${after}`);
  return id;
}

export interface AssociationsDeps {
  links: Links;
  appId: number;
}

export function definitionView(definition: AssociationDefinition): Record<string, unknown> {
  return {
    category: definition.category,
    typeId: definition.typeId,
    label: definition.label,
    fromObjectTypeId: definition.from,
    toObjectTypeId: definition.to,
  };
}

/** Makes a custom label, or a pair of them; returns the definitions in both directions. */
export function createLabel(
  portal: Portal,
  links: Links,
  from: ObjectType,
  to: ObjectType,
  input: { label: string; name: string; inverseLabel?: string | undefined },
): AssociationDefinition[] {
  const present = links.definitionsBetween(portal, from.typeId, to.typeId);
  const custom = present.filter((definition) => definition.category === 'USER_DEFINED');
  if (present.some((definition) => definition.name === input.name || definition.label === input.label)) {
    throw validationError(
      `An association label with the name ${input.name} or the label ${input.label} already exists`,
      {
        subCategory: 'crm.associations.DUPLICATE_LABEL',
        context: { name: [input.name], label: [input.label] },
      },
    );
  }
  const same = from.typeId === to.typeId;
  // Between records of one object a pair of labels is two definitions, and one label in the count.
  const used = new Set(custom.map((definition) => Math.min(definition.typeId, definition.inverseTypeId))).size;
  if (used >= MAX_LABELS_PER_PAIR) {
    throw validationError(
      `The limit of ${MAX_LABELS_PER_PAIR} association labels between ${from.plural} and ${to.plural} is reached`,
      {
        subCategory: 'crm.associations.LABEL_LIMIT_EXCEEDED',
        context: { limit: [String(MAX_LABELS_PER_PAIR)] },
      },
    );
  }
  const typeId = portal.nextAssociationTypeId;
  const alone = same && input.inverseLabel === undefined;
  const inverseTypeId = alone ? typeId : typeId + 1;
  portal.nextAssociationTypeId = inverseTypeId + 1;
  const forward: AssociationDefinition = {
    typeId,
    category: 'USER_DEFINED',
    from: from.typeId,
    to: to.typeId,
    label: input.label,
    name: input.name,
    inverseTypeId,
  };
  portal.definitions.set(typeId, forward);
  if (alone) return [forward];
  const backward: AssociationDefinition = {
    ...forward,
    typeId: inverseTypeId,
    from: to.typeId,
    to: from.typeId,
    label: input.inverseLabel ?? input.label,
    name: same ? `${input.name}_inverse` : input.name,
    inverseTypeId: typeId,
  };
  portal.definitions.set(inverseTypeId, backward);
  return [backward, forward];
}

export function createAssociationRoutes({ links, appId }: AssociationsDeps): Route[] {
  const app: Actor = { changeSource: 'INTEGRATION', sourceId: String(appId) };

  function types(call: Call): [ObjectType, ObjectType] {
    return [
      requireObjectType(call.params.fromObjectType ?? call.params.objectType, call.portal),
      requireObjectType(call.params.toObjectType, call.portal),
    ];
  }

  function requireRecord(portal: Portal, type: ObjectType, id: string): RecordState {
    const record = resolveRecord(portal, type.typeId, id);
    if (record && !record.archived) return record;
    throw notFound({ id: [id], objectType: [type.singular] }, `No ${type.singular} with id ${id} exists`);
  }

  function toView(portal: Portal, id: string, typeIds: number[]): object {
    const definitions = typeIds.flatMap((typeId) => portal.definitions.get(typeId) ?? []);
    return {
      toObjectId: id,
      associationTypes: definitions.map(({ category, typeId, label }) => ({ category, typeId, label })),
    };
  }

  function page(
    portal: Portal,
    record: RecordState,
    to: ObjectType,
    after: string | undefined,
    limit: number,
  ): { shown: object[]; next: string | undefined } {
    const all = links.livingLinks(portal, record, to.typeId);
    const from = readCursor(after);
    const start = from === undefined ? 0 : all.findIndex(([id]) => id === from) + 1;
    const part = all.slice(start, start + limit);
    const last = part.at(-1)?.[0];
    return {
      shown: part.map(([id, typeIds]) => toView(portal, id, typeIds)),
      next: last !== undefined && start + limit < all.length ? cursor(last) : undefined,
    };
  }

  function paging(next: string | undefined, path: string): object {
    return next === undefined
      ? {}
      : { paging: { next: { after: next, link: `https://api.hubapi.com${path}?after=${next}` } } };
  }

  function listOne(call: Call): Answer {
    const [from, to] = types(call);
    const record = requireRecord(call.portal, from, call.params.objectId ?? '');
    const limit = call.query.integer('limit', ASSOCIATION_PAGE, 1, ASSOCIATION_PAGE);
    const { shown, next } = page(call.portal, record, to, call.query.text('after'), limit);
    const path = `/crm/objects/2026-03/${from.plural}/${record.id}/associations/${to.plural}`;
    return { status: 200, body: { results: shown, ...paging(next, path) } };
  }

  function batchRead(call: Call): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(readSchema, call.body);
    requireInputs(inputs, READ_LIMIT);
    const results: object[] = [];
    const errors: RowError[] = [];
    for (const { id, after } of inputs) {
      const record = resolveRecord(call.portal, from.typeId, id);
      const { shown, next } =
        record && !record.archived
          ? page(call.portal, record, to, after, ASSOCIATION_PAGE)
          : { shown: [], next: undefined };
      if (shown.length > 0) {
        const path = `/crm/objects/2026-03/${from.plural}/${id}/associations/${to.plural}`;
        results.push({ from: { id }, to: shown, ...paging(next, path) });
        continue;
      }
      // Seen by many clients: a record without associations and a record that does not exist answer alike.
      errors.push({
        status: 'error',
        category: 'OBJECT_NOT_FOUND',
        subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
        message: `No ${to.singular} is associated with ${from.singular} ${id}.`,
        context: { fromObjectId: [id], fromObjectType: [from.singular], toObjectType: [to.singular] },
        errors: [],
        links: {},
      });
    }
    return batchAnswer(200, results, errors, call.at);
  }

  function labelsView(from: RecordState, to: RecordState, labels: string[]): object {
    return {
      fromObjectTypeId: from.typeId,
      fromObjectId: from.id,
      toObjectTypeId: to.typeId,
      toObjectId: to.id,
      labels,
    };
  }

  function putLabeled(call: Call): Answer {
    const [from, to] = types(call);
    const wanted = readBody(z.array(associationTypeSchema).min(1), call.body);
    const source = requireRecord(call.portal, from, call.params.objectId ?? '');
    const target = requireRecord(call.portal, to, call.params.toObjectId ?? '');
    const ids = links.checkTypes(call.portal, source, target, wanted);
    const labels = links.linkLabeled(call.portal, source, target, ids, app, call.at);
    return { status: 201, body: labelsView(source, target, labels) };
  }

  function defaultViews(portal: Portal, source: RecordState, target: RecordState, at: number): object[] {
    const plain = links.linkDefault(portal, source, target, app, at);
    const spec = (associationTypeId: number): object => ({ associationCategory: plain.category, associationTypeId });
    return [
      { from: { id: source.id }, to: { id: target.id }, associationSpec: spec(plain.typeId) },
      { from: { id: target.id }, to: { id: source.id }, associationSpec: spec(plain.inverseTypeId) },
    ];
  }

  function putDefault(call: Call): Answer {
    const from = requireObjectType(call.params.fromObjectType, call.portal);
    const to = requireObjectType(call.params.toObjectType, call.portal);
    const source = requireRecord(call.portal, from, call.params.fromObjectId ?? '');
    const target = requireRecord(call.portal, to, call.params.toObjectId ?? '');
    return batchAnswer(200, defaultViews(call.portal, source, target, call.at), [], call.at);
  }

  function deleteAll(call: Call): Answer {
    const [from, to] = types(call);
    const source = requireRecord(call.portal, from, call.params.objectId ?? '');
    const target = resolveRecord(call.portal, to.typeId, call.params.toObjectId ?? '');
    if (target) links.unlink(call.portal, source, target, app, call.at);
    return { status: 204 };
  }

  /** Does one row after the other; a refused one becomes a row of the 207. */
  function eachRow<Row extends { from: { id: string }; to: unknown }>(
    call: Call,
    inputs: readonly Row[],
    okStatus: number,
    act: (row: Row) => object[],
  ): Answer {
    const struck = call.failedRows(inputs.length);
    const results: object[] = [];
    const errors: RowError[] = [];
    inputs.forEach((input, row) => {
      const context = { fromObjectId: [input.from.id] };
      if (struck.has(row)) {
        errors.push(struckRow(call.rowCategory, context));
        return;
      }
      try {
        results.push(...act(input));
      } catch (error) {
        if (!(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, context));
      }
    });
    return batchAnswer(okStatus, results, errors, call.at);
  }

  function batchCreate(call: Call): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(labeledSchema, call.body);
    requireInputs(inputs, CREATE_LIMIT);
    return eachRow(call, inputs, 201, (input) => {
      const source = requireRecord(call.portal, from, input.from.id);
      const target = requireRecord(call.portal, to, input.to.id);
      const ids = links.checkTypes(call.portal, source, target, input.types);
      return [labelsView(source, target, links.linkLabeled(call.portal, source, target, ids, app, call.at))];
    });
  }

  function batchDefault(call: Call): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(defaultSchema, call.body);
    requireInputs(inputs, CREATE_LIMIT);
    return eachRow(call, inputs, 200, (input) => {
      const source = requireRecord(call.portal, from, input.from.id);
      const target = requireRecord(call.portal, to, input.to.id);
      return defaultViews(call.portal, source, target, call.at);
    });
  }

  function batchArchive(call: Call): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(archiveSchema, call.body);
    requireInputs(inputs, CREATE_LIMIT);
    for (const input of inputs) {
      const source = resolveRecord(call.portal, from.typeId, input.from.id);
      for (const { id } of input.to) {
        const target = resolveRecord(call.portal, to.typeId, id);
        if (source && target) links.unlink(call.portal, source, target, app, call.at);
      }
    }
    // v4 answered 204; the dated spec says 200 with an empty batch.
    return batchAnswer(200, [], [], call.at);
  }

  function batchArchiveLabels(call: Call): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(labeledSchema, call.body);
    requireInputs(inputs, CREATE_LIMIT);
    for (const input of inputs) {
      const source = resolveRecord(call.portal, from.typeId, input.from.id);
      const target = resolveRecord(call.portal, to.typeId, input.to.id);
      const ids = input.types.map((type) => type.associationTypeId);
      if (source && target) links.unlinkTypes(call.portal, source, target, ids, app, call.at);
    }
    return batchAnswer(200, [], [], call.at);
  }

  function requireCustom(call: Call, from: ObjectType, to: ObjectType, typeId: number): AssociationDefinition {
    const definition = call.portal.definitions.get(typeId);
    if (!definition || definition.from !== from.typeId || definition.to !== to.typeId) {
      throw notFound(
        { typeId: [String(typeId)] },
        `No association type ${typeId} between ${from.plural} and ${to.plural}`,
      );
    }
    if (definition.category !== 'USER_DEFINED')
      throw validationError('Default association types cannot be changed or deleted');
    return definition;
  }

  function updateLabel(call: Call): Answer {
    const [from, to] = types(call);
    const body = readBody(updateLabelSchema, call.body);
    const definition = requireCustom(call, from, to, body.associationTypeId);
    definition.label = body.label;
    const inverse = call.portal.definitions.get(definition.inverseTypeId);
    if (inverse && inverse !== definition && body.inverseLabel !== undefined) inverse.label = body.inverseLabel;
    return { status: 204 };
  }

  function inUse(portal: Portal, typeId: number): boolean {
    for (const linked of portal.links.values()) for (const types of linked.values()) if (types.has(typeId)) return true;
    return false;
  }

  function deleteLabel(call: Call): Answer {
    const [from, to] = types(call);
    const definition = requireCustom(call, from, to, Number(call.params.associationTypeId));
    // Guide: a label in use has to be removed from associations first.
    if (inUse(call.portal, definition.typeId) || inUse(call.portal, definition.inverseTypeId)) {
      throw validationError(`Association label ${definition.typeId} is in use`, {
        subCategory: 'crm.associations.LABEL_IN_USE',
        context: { typeId: [String(definition.typeId)] },
      });
    }
    call.portal.definitions.delete(definition.typeId);
    call.portal.definitions.delete(definition.inverseTypeId);
    return { status: 204 };
  }

  function capView(definition: AssociationDefinition): object {
    return {
      category: definition.category,
      typeId: definition.typeId,
      userEnforcedMaxToObjectIds: definition.maxToObjectIds,
      label: definition.label,
    };
  }

  function capped(call: Call, all: boolean): Answer {
    const [from, to] = all ? [undefined, undefined] : types(call);
    const results = [...call.portal.definitions.values()]
      .filter((definition) => definition.maxToObjectIds !== undefined)
      .filter((definition) => !from || !to || (definition.from === from.typeId && definition.to === to.typeId))
      .map(capView);
    return { status: 200, body: { results } };
  }

  function setCaps(call: Call, okStatus: number): Answer {
    const [from, to] = types(call);
    const { inputs } = readBody(capSchema, call.body);
    const results = inputs.map((input) => {
      const definition = call.portal.definitions.get(input.typeId);
      if (
        !definition ||
        definition.from !== from.typeId ||
        definition.to !== to.typeId ||
        definition.category !== input.category
      ) {
        throw validationError(`No association type ${input.typeId} between ${from.plural} and ${to.plural}`);
      }
      definition.maxToObjectIds = input.maxToObjectIds;
      return okStatus === 200
        ? {
            category: definition.category,
            typeId: definition.typeId,
            userEnforcedMaxToObjectIds: definition.maxToObjectIds,
          }
        : capView(definition);
    });
    return batchAnswer(okStatus, results, [], call.at);
  }

  function purgeCaps(call: Call): Answer {
    const [from, to] = types(call);
    for (const { typeId } of readBody(purgeSchema, call.body).inputs) {
      const definition = call.portal.definitions.get(typeId);
      if (definition && definition.from === from.typeId && definition.to === to.typeId)
        delete definition.maxToObjectIds;
    }
    return batchAnswer(200, [], [], call.at);
  }

  const object = '/crm/objects/2026-03/:objectType/:objectId/associations';
  const pair = '/crm/associations/2026-03/:fromObjectType/:toObjectType';
  const configurations = '/crm/associations/2026-03/definitions/configurations';
  const reads = (params: Record<string, string>): string[][] =>
    pairScopes('read', params.fromObjectType ?? params.objectType, params.toObjectType);
  const writes = (params: Record<string, string>): string[][] =>
    pairScopes('write', params.fromObjectType ?? params.objectType, params.toObjectType);
  const readLabels = (params: Record<string, string>): string[][] => labelScopes('read', params);
  const writeLabels = (params: Record<string, string>): string[][] => labelScopes('write', params);

  return [
    { method: 'GET', path: `${configurations}/all`, scopes: () => [], handle: (call) => capped(call, true) },
    {
      method: 'GET',
      path: `${configurations}/:fromObjectType/:toObjectType`,
      scopes: readLabels,
      handle: (call) => capped(call, false),
    },
    {
      method: 'POST',
      path: `${configurations}/:fromObjectType/:toObjectType/batch/create`,
      scopes: writeLabels,
      handle: (call) => setCaps(call, 201),
    },
    {
      method: 'POST',
      path: `${configurations}/:fromObjectType/:toObjectType/batch/update`,
      scopes: writeLabels,
      handle: (call) => setCaps(call, 200),
    },
    {
      method: 'POST',
      path: `${configurations}/:fromObjectType/:toObjectType/batch/purge`,
      scopes: writeLabels,
      handle: purgeCaps,
    },
    {
      method: 'PUT',
      path: '/crm/objects/2026-03/:fromObjectType/:fromObjectId/associations/default/:toObjectType/:toObjectId',
      scopes: writes,
      handle: putDefault,
    },
    { method: 'GET', path: `${object}/:toObjectType`, query: ['after', 'limit'], scopes: reads, handle: listOne },
    { method: 'PUT', path: `${object}/:toObjectType/:toObjectId`, scopes: writes, handle: putLabeled },
    { method: 'DELETE', path: `${object}/:toObjectType/:toObjectId`, scopes: writes, handle: deleteAll },
    { method: 'POST', path: `${pair}/batch/read`, scopes: reads, handle: batchRead },
    { method: 'POST', path: `${pair}/batch/create`, scopes: writes, handle: batchCreate },
    { method: 'POST', path: `${pair}/batch/associate/default`, scopes: writes, handle: batchDefault },
    { method: 'POST', path: `${pair}/batch/archive`, scopes: writes, handle: batchArchive },
    { method: 'POST', path: `${pair}/batch/labels/archive`, scopes: writes, handle: batchArchiveLabels },
    {
      method: 'GET',
      path: `${pair}/labels`,
      scopes: readLabels,
      handle(call) {
        const [from, to] = types(call);
        const results = links.definitionsBetween(call.portal, from.typeId, to.typeId).map(definitionView);
        return { status: 200, body: { results } };
      },
    },
    {
      method: 'POST',
      path: `${pair}/labels`,
      scopes: writeLabels,
      handle(call) {
        const [from, to] = types(call);
        const made = createLabel(call.portal, links, from, to, readBody(createLabelSchema, call.body));
        return { status: 200, body: { results: made.map(definitionView) } };
      },
    },
    { method: 'PUT', path: `${pair}/labels`, scopes: writeLabels, handle: updateLabel },
    { method: 'DELETE', path: `${pair}/labels/:associationTypeId`, scopes: writeLabels, handle: deleteLabel },
  ];
}
