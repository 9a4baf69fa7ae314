import { z } from 'zod';
import { batchAnswer, missingRows, struckRow } from './batches.ts';
import { HubSpotError, notFound, type RowError, rowError, validationError } from './errors.ts';
import {
  type Answer,
  associationTypeSchema,
  type Call,
  idSchema,
  propertyMapSchema,
  type Query,
  type Route,
  readBody,
  requireInputs,
} from './http.ts';
import type { Links } from './links.ts';
import { customType, findObjectType, isCustomWord, type ObjectType, objectTypeById } from './object-types.ts';
import { recordView, type Wanted, writtenView } from './object-views.ts';
import { type Actor, findSchema, type Portal, type RecordState, recordsOf, resolveRecord } from './portal.ts';
import type { Records } from './records.ts';

/** "Object API batch endpoints are limited to 100 inputs per request" (objects guide). */
const BATCH_LIMIT = 100;
/** "You can retrieve up to 100 contacts in one request." */
const PAGE_LIMIT = 100;
const DEFAULT_PAGE = 10;
/**
 * With property history a request reads fewer records: the specs say that it "will reduce the maximum number of
 * objects", the API's own refusal says 50 (HubSpot/hubspot-api-python#143, dlt-hub/verified-sources#206).
 */
const HISTORY_LIMIT = 50;
/** Associated ids shown on a record; the rest is behind `paging`. */
const INLINE_ASSOCIATIONS = 100;

const wantedQuery = ['properties', 'propertiesWithHistory', 'associations', 'archived'];

const associationsSchema = z.array(z.strictObject({ to: idSchema, types: z.array(associationTypeSchema).min(1) }));
type AssociationsInput = z.infer<typeof associationsSchema>;

const createSchema = z.strictObject({ properties: propertyMapSchema, associations: associationsSchema.optional() });
const updateSchema = z.strictObject({ properties: propertyMapSchema });
const batchReadSchema = z.strictObject({
  inputs: z.array(idSchema),
  properties: z.array(z.string()).optional(),
  propertiesWithHistory: z.array(z.string()).optional(),
  idProperty: z.string().optional(),
});
const batchCreateSchema = z.strictObject({
  inputs: z.array(
    z.strictObject({
      properties: propertyMapSchema,
      associations: associationsSchema.optional(),
      objectWriteTraceId: z.string().optional(),
    }),
  ),
});
const batchWriteSchema = z.strictObject({
  inputs: z.array(
    z.strictObject({
      id: z.string().min(1),
      idProperty: z.string().optional(),
      properties: propertyMapSchema,
      objectWriteTraceId: z.string().optional(),
    }),
  ),
});
const batchIdsSchema = z.strictObject({ inputs: z.array(idSchema) });
const mergeSchema = z.strictObject({ primaryObjectId: z.string().min(1), objectIdToMerge: z.string().min(1) });
const privacySchema = z.strictObject({ objectId: z.string().min(1), idProperty: z.string().optional() });

export function requireObjectType(word: string | undefined, portal?: Portal): ObjectType {
  const type = findObjectType(word ?? '');
  if (type) return type;
  // What a portal has defined itself is known by its id and by its qualified name.
  const own = portal && findSchema(portal, word ?? '');
  if (own) return customType(own.typeId);
  throw validationError(`Unable to infer object type from: ${word}`);
}

/** Scopes of an object's records; an unknown type is refused later, after the credentials. */
export function objectScopes(action: 'read' | 'write', word: string | undefined): string[][] {
  if (isCustomWord(word ?? '')) return [[`crm.objects.custom.${action}`]];
  const type = findObjectType(word ?? '');
  return type ? [[`crm.objects.${type.scope ?? type.plural}.${action}`]] : [];
}

function wantedFrom(query: Query): Wanted {
  return { properties: query.list('properties'), propertiesWithHistory: query.list('propertiesWithHistory') };
}

export interface ObjectsDeps {
  records: Records;
  links: Links;
  appId: number;
  /**
   * What a batch read makes of an id that was merged away. Not documented: 'missing' answers 207 OBJECT_NOT_FOUND,
   * 'resolve' answers the merged record.
   */
  mergedBatchRead(): 'missing' | 'resolve';
}

export function createObjectRoutes({ records, links, appId, mergedBatchRead }: ObjectsDeps): Route[] {
  const app: Actor = { changeSource: 'INTEGRATION', sourceId: String(appId) };

  function find(portal: Portal, type: ObjectType, id: string, idProperty: string | undefined): RecordState | undefined {
    if (idProperty === undefined || idProperty === 'hs_object_id') {
      records.requireNumericId(type, id);
      return resolveRecord(portal, type.typeId, id);
    }
    records.requireIdProperty(portal, type, idProperty);
    return records.byUniqueValue(portal, type, idProperty, id);
  }

  function requireRecord(call: Call, type: ObjectType, archived = false): RecordState {
    const id = call.params.objectId ?? '';
    const record = find(call.portal, type, id, call.query.text('idProperty'));
    if (!record || record.archived !== archived) throw notFound({ id: [id] });
    return record;
  }

  function inlineAssociations(portal: Portal, record: RecordState, words: readonly string[]): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const word of words) {
      const to = requireObjectType(word, portal);
      const found = links.livingLinks(portal, record, to.typeId);
      if (found.length === 0) continue;
      const from = objectTypeById(record.typeId).singular;
      const results = found.flatMap(([id, types]) =>
        types.map((typeId) => ({ id, type: associationWord(portal, from, to.singular, typeId) })),
      );
      const page = results.slice(0, INLINE_ASSOCIATIONS);
      shown[to.plural] =
        results.length > page.length
          ? { results: page, paging: { next: { after: String(found[page.length]?.[0] ?? '') } } }
          : { results: page };
    }
    return shown;
  }

  function associationWord(portal: Portal, from: string, to: string, typeId: number): string {
    const label = portal.definitions.get(typeId)?.label;
    return label ? `${from}_to_${to}_${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}` : `${from}_to_${to}`;
  }

  function view(call: Call, record: RecordState, wanted: Wanted): unknown {
    const shown = recordView(call.portal, record, wanted);
    const words = call.query.list('associations');
    if (words.length === 0) return shown;
    return { ...shown, associations: inlineAssociations(call.portal, record, words) };
  }

  /** Resolves and checks a create's associations before anything is written. */
  function associationTargets(
    portal: Portal,
    type: ObjectType,
    input: AssociationsInput,
  ): Array<{ target: RecordState; types: Array<{ associationCategory: string; associationTypeId: number }> }> {
    return input.map(({ to, types }) => {
      const typeId = types[0]?.associationTypeId ?? 0;
      const defined = portal.definitions.get(typeId);
      if (!defined || defined.from !== type.typeId) {
        throw validationError(
          `One or more associations are not valid: type id ${typeId} doesn't lead from ${type.typeId}`,
          {
            subCategory: 'crm.associations.INVALID_ASSOCIATION_TYPE',
            context: { type: [String(typeId)] },
          },
        );
      }
      const target = resolveRecord(portal, defined.to, to.id);
      if (!target || target.archived) {
        throw validationError(
          `One or more associations are not valid: no ${objectTypeById(defined.to).singular} ${to.id}`,
          {
            subCategory: 'crm.associations.INVALID_ASSOCIATION_TARGET',
            context: { id: [to.id] },
          },
        );
      }
      return { target, types };
    });
  }

  function createOne(
    portal: Portal,
    type: ObjectType,
    input: { properties: Record<string, string>; associations?: AssociationsInput | undefined },
    at: number,
  ): RecordState {
    const targets = associationTargets(portal, type, input.associations ?? []);
    const probe: RecordState = { ...emptyRecord(type), id: '' };
    for (const { target, types } of targets) links.checkTypes(portal, probe, target, types);
    const record = records.create(portal, type, input.properties, app, at);
    for (const { target, types } of targets) {
      links.linkLabeled(portal, record, target, links.checkTypes(portal, record, target, types), app, at);
    }
    return record;
  }

  function list(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const wanted = wantedFrom(call.query);
    const historical = wanted.propertiesWithHistory.length > 0;
    const limit = call.query.integer('limit', DEFAULT_PAGE, 1, PAGE_LIMIT);
    if (historical && limit > HISTORY_LIMIT) {
      throw validationError(
        `A maximum of ${HISTORY_LIMIT} records can be read with property history in one request, limit was ${limit}`,
      );
    }
    const archived = call.query.flag('archived');
    const after = call.query.text('after');
    if (after !== undefined && !/^\d+$/.test(after)) throw validationError(`after is not a valid cursor: ${after}`);
    const page: RecordState[] = [];
    let next: string | undefined;
    for (const record of recordsOf(call.portal, type.typeId).values()) {
      if (record.archived !== archived || (after !== undefined && Number(record.id) < Number(after))) continue;
      if (page.length === limit) {
        next = record.id;
        break;
      }
      page.push(record);
    }
    return {
      status: 200,
      body: {
        results: page.map((record) => view(call, record, wanted)),
        ...(next === undefined
          ? {}
          : {
              paging: {
                next: {
                  after: next,
                  link: `https://api.hubapi.com/crm/objects/2026-03/${type.plural}?limit=${limit}&after=${next}`,
                },
              },
            }),
      },
    };
  }

  function batchRead(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const body = readBody(batchReadSchema, call.body);
    requireInputs(body.inputs, BATCH_LIMIT);
    const archived = call.query.flag('archived');
    const wanted: Wanted = {
      properties: body.properties ?? [],
      propertiesWithHistory: body.propertiesWithHistory ?? [],
    };
    if (wanted.propertiesWithHistory.length > 0) requireInputs(body.inputs, HISTORY_LIMIT);
    if (body.idProperty !== undefined && body.idProperty !== 'hs_object_id') {
      records.requireIdProperty(call.portal, type, body.idProperty);
    }
    const found = new Map<string, RecordState>();
    const missing: string[] = [];
    for (const { id } of body.inputs) {
      const record = batchFind(call.portal, type, id, body.idProperty);
      if (record && record.archived === archived) found.set(record.id, record);
      else missing.push(id);
    }
    const results = [...found.values()].map((record) => recordView(call.portal, record, wanted));
    return batchAnswer(200, results, missingRows(type.upper, missing), call.at);
  }

  function batchFind(
    portal: Portal,
    type: ObjectType,
    id: string,
    idProperty: string | undefined,
  ): RecordState | undefined {
    if (idProperty !== undefined && idProperty !== 'hs_object_id') {
      return records.byUniqueValue(portal, type, idProperty, id);
    }
    return mergedBatchRead() === 'resolve'
      ? resolveRecord(portal, type.typeId, id)
      : recordsOf(portal, type.typeId).get(id);
  }

  /** With a trace id on every input a refused row is told in a 207; without, one bad row refuses the batch. */
  function traced(inputs: ReadonlyArray<{ objectWriteTraceId?: string | undefined }>): boolean {
    const ids = inputs.map((input) => input.objectWriteTraceId);
    if (ids.every((id) => id === undefined)) return false;
    if (ids.some((id) => id === undefined) || new Set(ids).size < ids.length) {
      throw validationError('objectWriteTraceId must be given for every input and be unique');
    }
    return true;
  }

  function rowContext(input: { objectWriteTraceId?: string | undefined; id?: string }): Record<string, string[]> {
    return {
      ...(input.id === undefined ? {} : { ids: [input.id] }),
      ...(input.objectWriteTraceId === undefined ? {} : { objectWriteTraceId: [input.objectWriteTraceId] }),
    };
  }

  function withTrace(shown: object, trace: string | undefined): object {
    return trace === undefined ? shown : { ...shown, objectWriteTraceId: trace };
  }

  function batchCreate(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const { inputs } = readBody(batchCreateSchema, call.body);
    requireInputs(inputs, BATCH_LIMIT);
    const partial = traced(inputs);
    if (!partial) {
      for (const input of inputs) {
        records.checkCreate(call.portal, type, input.properties);
        associationTargets(call.portal, type, input.associations ?? []);
      }
      refuseTwins(call.portal, type, inputs);
    }
    const struck = call.failedRows(inputs.length);
    const results: object[] = [];
    const errors: RowError[] = [];
    inputs.forEach((input, row) => {
      if (struck.has(row)) {
        errors.push(struckRow(call.rowCategory, rowContext(input)));
        return;
      }
      try {
        const record = createOne(call.portal, type, input, call.at);
        results.push(withTrace(writtenView(call.portal, record), input.objectWriteTraceId));
      } catch (error) {
        if (!partial || !(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, rowContext(input)));
      }
    });
    return batchAnswer(201, results, errors, call.at);
  }

  /** Two rows of one untraced batch with the same unique value: nothing is created. */
  function refuseTwins(
    portal: Portal,
    type: ObjectType,
    inputs: ReadonlyArray<{ properties: Record<string, string> }>,
  ): void {
    for (const property of portal.properties.get(type.typeId)?.values() ?? []) {
      if (!property.hasUniqueValue) continue;
      const seen = new Set<string>();
      for (const input of inputs) {
        const value = input.properties[property.name]?.toLowerCase();
        if (!value) continue;
        if (seen.has(value)) throw validationError(`Duplicate ${property.name} found in batch input: [${value}]`);
        seen.add(value);
      }
    }
  }

  function refuseDuplicateIds(inputs: ReadonlyArray<{ id: string }>): void {
    const ids = inputs.map((input) => input.id);
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
    if (twice.length > 0) {
      throw validationError(
        `Duplicate IDs found in batch input: [${[...new Set(twice)].join(', ')}]. IDs must be unique`,
      );
    }
  }

  function batchUpdate(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const { inputs } = readBody(batchWriteSchema, call.body);
    requireInputs(inputs, BATCH_LIMIT);
    refuseDuplicateIds(inputs);
    const partial = traced(inputs);
    const rows = inputs.map((input) => {
      const byValue = input.idProperty !== undefined && input.idProperty !== 'hs_object_id';
      if (byValue) records.requireIdProperty(call.portal, type, input.idProperty ?? '');
      // Objects guide: ids that were merged away "are not supported when updating records using the batch endpoint".
      const record = byValue
        ? records.byUniqueValue(call.portal, type, input.idProperty ?? '', input.id)
        : recordsOf(call.portal, type.typeId).get(input.id);
      return { input, record: record && !record.archived ? record : undefined };
    });
    if (!partial) {
      for (const { input, record } of rows)
        if (record) records.checkUpdate(call.portal, type, record, input.properties);
    }
    const struck = call.failedRows(inputs.length);
    const results: object[] = [];
    const errors: RowError[] = missingRows(
      type.upper,
      rows.flatMap(({ input, record }) => (record ? [] : [input.id])),
    );
    rows.forEach(({ input, record }, row) => {
      if (!record) return;
      if (struck.has(row)) {
        errors.push(struckRow(call.rowCategory, rowContext(input)));
        return;
      }
      try {
        records.update(call.portal, type, record, input.properties, app, call.at);
        results.push(withTrace(updatedView(call.portal, record, input.properties), input.objectWriteTraceId));
      } catch (error) {
        if (!partial || !(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, rowContext(input)));
      }
    });
    return batchAnswer(200, results, errors, call.at);
  }

  function updatedView(portal: Portal, record: RecordState, written: Record<string, string>): object {
    return recordView(portal, record, { properties: Object.keys(written), propertiesWithHistory: [] });
  }

  function batchUpsert(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const { inputs } = readBody(batchWriteSchema, call.body);
    requireInputs(inputs, BATCH_LIMIT);
    refuseDuplicateIds(inputs);
    const idProperty = inputs[0]?.idProperty;
    if (idProperty === undefined || inputs.some((input) => input.idProperty !== idProperty)) {
      throw validationError('idProperty is required for an upsert and must be the same for every input');
    }
    if (idProperty === 'hs_object_id') throw validationError('hs_object_id cannot be used as idProperty of an upsert');
    records.requireIdProperty(call.portal, type, idProperty);
    // Objects guide: "Partial upserts are not supported when using email as the idProperty for contacts."
    const partial = traced(inputs) && idProperty !== 'email';
    const struck = call.failedRows(inputs.length);
    const results: object[] = [];
    const errors: RowError[] = [];
    const merged = inputs.map((input) => ({ input, properties: { ...input.properties, [idProperty]: input.id } }));
    if (!partial) {
      for (const { input, properties } of merged) {
        const record = records.byUniqueValue(call.portal, type, idProperty, input.id);
        if (record) records.checkUpdate(call.portal, type, record, properties);
        else records.checkCreate(call.portal, type, properties);
      }
    }
    merged.forEach(({ input, properties }, row) => {
      if (struck.has(row)) {
        errors.push(struckRow(call.rowCategory, rowContext(input)));
        return;
      }
      try {
        const present = records.byUniqueValue(call.portal, type, idProperty, input.id);
        const record = present
          ? records.update(call.portal, type, present, properties, app, call.at)
          : records.create(call.portal, type, properties, app, call.at);
        const shown = { ...writtenView(call.portal, record), new: present === undefined };
        results.push(withTrace(shown, input.objectWriteTraceId));
      } catch (error) {
        if (!partial || !(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, rowContext(input)));
      }
    });
    return batchAnswer(200, results, errors, call.at);
  }

  function batchArchive(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const { inputs } = readBody(batchIdsSchema, call.body);
    requireInputs(inputs, BATCH_LIMIT);
    for (const { id } of inputs) {
      const record = recordsOf(call.portal, type.typeId).get(id);
      if (record) records.archive(call.portal, type, record, app, call.at);
    }
    return { status: 204 };
  }

  function merge(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    // tasks.json has no such path.
    if (type.typeId === '0-27') throw notFound({ objectType: [type.plural] });
    const body = readBody(mergeSchema, call.body);
    const [primary, secondary] = [body.primaryObjectId, body.objectIdToMerge].map((id) => {
      const record = recordsOf(call.portal, type.typeId).get(id);
      if (!record || record.archived) throw notFound({ id: [id] });
      return record;
    });
    if (!primary || !secondary || primary === secondary) throw validationError('A record cannot be merged with itself');
    const target = records.merge(call.portal, type, primary, secondary, app, call.at, (into, sources) =>
      links.move(call.portal, into, sources),
    );
    return { status: 200, body: writtenView(call.portal, target) };
  }

  function privacyDelete(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    const body = readBody(privacySchema, call.body);
    const record = find(call.portal, type, body.objectId, body.idProperty);
    if (record) records.privacyDelete(call.portal, type, record, app, call.at);
    // Spec: "If email address is not found, the email address will be added to a blocklist".
    else if (body.idProperty === 'email') call.portal.blockedEmails.add(body.objectId.toLowerCase());
    else throw notFound({ id: [body.objectId] });
    return { status: 204 };
  }

  const collection = '/crm/objects/2026-03/:objectType';
  const single = `${collection}/:objectId`;
  const reads = (params: Record<string, string>): string[][] => objectScopes('read', params.objectType);
  const writes = (params: Record<string, string>): string[][] => objectScopes('write', params.objectType);

  const routes: Route[] = [
    { method: 'POST', path: `${collection}/batch/read`, query: ['archived'], scopes: reads, handle: batchRead },
    { method: 'POST', path: `${collection}/batch/create`, scopes: writes, handle: batchCreate },
    { method: 'POST', path: `${collection}/batch/update`, scopes: writes, handle: batchUpdate },
    { method: 'POST', path: `${collection}/batch/upsert`, scopes: writes, handle: batchUpsert },
    { method: 'POST', path: `${collection}/batch/archive`, scopes: writes, handle: batchArchive },
    { method: 'POST', path: `${collection}/merge`, scopes: writes, handle: merge },
    { method: 'GET', path: collection, query: [...wantedQuery, 'limit', 'after'], scopes: reads, handle: list },
    {
      method: 'POST',
      path: collection,
      scopes: writes,
      handle(call) {
        const type = requireObjectType(call.params.objectType, call.portal);
        const record = createOne(call.portal, type, readBody(createSchema, call.body), call.at);
        return { status: 201, body: writtenView(call.portal, record) };
      },
    },
    {
      method: 'GET',
      path: single,
      query: [...wantedQuery, 'idProperty'],
      scopes: reads,
      handle(call) {
        const type = requireObjectType(call.params.objectType, call.portal);
        const record = requireRecord(call, type, call.query.flag('archived'));
        return { status: 200, body: view(call, record, wantedFrom(call.query)) };
      },
    },
    {
      method: 'PATCH',
      path: single,
      query: ['idProperty'],
      scopes: writes,
      handle(call) {
        const type = requireObjectType(call.params.objectType, call.portal);
        const { properties } = readBody(updateSchema, call.body);
        const record = records.update(call.portal, type, requireRecord(call, type), properties, app, call.at);
        return { status: 200, body: updatedView(call.portal, record, properties) };
      },
    },
    {
      method: 'DELETE',
      path: single,
      scopes: writes,
      handle(call) {
        const type = requireObjectType(call.params.objectType, call.portal);
        const id = call.params.objectId ?? '';
        records.requireNumericId(type, id);
        const record = recordsOf(call.portal, type.typeId).get(id);
        if (!record) throw notFound({ id: [id] });
        records.archive(call.portal, type, record, app, call.at);
        return { status: 204 };
      },
    },
  ];
  // Only contacts have it, under any of the words for a contact.
  for (const word of ['contacts', 'contact', '0-1']) {
    routes.unshift({
      method: 'POST',
      path: `/crm/objects/2026-03/${word}/gdpr-delete`,
      scopes: () => objectScopes('write', word),
      handle: (call) => privacyDelete({ ...call, params: { objectType: word } }),
    });
  }
  return routes;
}

function emptyRecord(type: ObjectType): RecordState {
  return {
    id: '',
    typeId: type.typeId,
    properties: new Map(),
    history: new Map(),
    createdAt: 0,
    updatedAt: 0,
    archived: false,
    indexed: [],
  };
}
