import { isJson, visibleObject } from './bodies.ts';
import { resolvePath } from './criteria.ts';
import { basicInfo, describeGlobal, describeObject } from './describe.ts';
import { createRecord, deleteRecord, externalIdField, updateRecord, upsertRecord } from './dml.ts';
import { ApiError, notFound } from './errors.ts';
import { type Answer, type Call, inTransaction, type Route } from './http.ts';
import { normaliseId } from './ids.ts';
import { type Row, tableOf, visibleFields } from './org.ts';
import { recordUrl, runQuery, showField } from './query.ts';
import type { Records } from './records.ts';
import type { ObjectType } from './schema.ts';
import { findByExternalId, readValue } from './values.ts';

/** `/sobjects/…`: describe, and one record at a time. */

function refuseRow(call: Call): void {
  const refused = call.refusedRow(0);
  if (refused) throw refused;
}

/** A record's own address. @throws {ApiError} as REST answers a wrong id. */
function rowAt(call: Call, object: ObjectType, text: string): { id: string; row: Row } {
  const id = normaliseId(text);
  const row = id === null ? undefined : tableOf(call.org, object.name).rows.get(id);
  if (id === null || !row) {
    if (id === null && /^[a-zA-Z0-9]{15}$|^[a-zA-Z0-9]{18}$/.test(text))
      throw new ApiError(400, 'MALFORMED_ID', `malformed id ${text}`);
    throw notFound();
  }
  if (row.IsDeleted === true) throw new ApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted');
  return { id, row };
}

function show(call: Call, object: ObjectType, row: Row): Answer {
  const attributes = { type: object.name, url: recordUrl(call.version, object, row.Id) };
  const names = call.query.get('fields');
  if (names !== null) {
    const scope = { org: call.org, object, alias: undefined, text: names, now: call.now };
    for (const name of names.split(',')) resolvePath(scope, name.trim());
    const context = { org: call.org, version: call.version, now: call.now, includeDeleted: false };
    const { records } = runQuery(context, `SELECT Id, ${names} FROM ${object.name} WHERE Id = '${row.Id}'`);
    return { status: 200, body: records[0] };
  }
  const fields = visibleFields(call.org, object).map((field) => [field.name, showField(call.org, object, field, row)]);
  return { status: 200, body: { attributes, ...Object.fromEntries(fields) } };
}

const created = (id: string): Answer => ({ status: 201, body: { id, success: true, errors: [] } });

export function createObjectRoutes({ records }: { records: Records }): Route[] {
  /** The records that an external id names; 300 with their addresses when there are several. */
  function byExternalId(call: Call, objectName: string, fieldName: string, text: string) {
    const object = visibleObject(call.org, objectName);
    const field = externalIdField(call.org, object, fieldName);
    const external = readValue(call.org, field, ['double', 'int'].includes(field.type) ? Number(text) : text);
    const found = findByExternalId(call.org, object, field, external);
    const several: Answer | null =
      found.length > 1 ? { status: 300, body: found.map((id) => recordUrl(call.version, object, id)) } : null;
    return { object, field, external, found, several };
  }

  return [
    {
      method: 'GET',
      path: /^\/sobjects$/,
      handle: (call) => ({ status: 200, body: describeGlobal(call.org, call.version) }),
    },
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)$/,
      handle: (call, [name = '']) => ({
        status: 200,
        body: basicInfo(call.org, call.version, visibleObject(call.org, name)),
      }),
    },
    {
      method: 'POST',
      path: /^\/sobjects\/([^/]+)$/,
      handle(call, [name = '']) {
        const object = visibleObject(call.org, name);
        refuseRow(call);
        return created(inTransaction(records, call, (tx) => createRecord(tx, object, call.body)));
      },
    },
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)\/describe$/,
      handle: (call, [name = '']) => ({
        status: 200,
        body: describeObject(call.org, call.version, visibleObject(call.org, name)),
      }),
    },
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)\/(?!describe$|updated$|deleted$)([^/]+)$/,
      query: ['fields'],
      handle(call, [name = '', id = '']) {
        const object = visibleObject(call.org, name);
        return show(call, object, rowAt(call, object, id).row);
      },
    },
    {
      method: 'PATCH',
      path: /^\/sobjects\/([^/]+)\/(?!describe$|updated$|deleted$)([^/]+)$/,
      handle(call, [name = '', text = '']) {
        const object = visibleObject(call.org, name);
        const { id } = rowAt(call, object, text);
        refuseRow(call);
        inTransaction(records, call, (tx) => updateRecord(tx, object, id, call.body));
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: /^\/sobjects\/([^/]+)\/(?!describe$|updated$|deleted$)([^/]+)$/,
      handle(call, [name = '', text = '']) {
        const object = visibleObject(call.org, name);
        const { id } = rowAt(call, object, text);
        refuseRow(call);
        inTransaction(records, call, (tx) => deleteRecord(tx, object, id));
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)\/([^/]+)\/([^/]+)$/,
      query: ['fields'],
      handle(call, [name = '', fieldName = '', text = '']) {
        const { object, found, several } = byExternalId(call, name, fieldName, text);
        if (several) return several;
        const row = tableOf(call.org, object.name).rows.get(found[0] ?? '');
        if (!row) throw notFound();
        return show(call, object, row);
      },
    },
    {
      method: 'PATCH',
      path: /^\/sobjects\/([^/]+)\/([^/]+)\/([^/]+)$/,
      handle(call, [name = '', fieldName = '', text = '']) {
        const { object, field, external, several } = byExternalId(call, name, fieldName, text);
        if (several) return several;
        if (!isJson(call.body)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'The HTTP entity body is required');
        refuseRow(call);
        const done = inTransaction(records, call, (tx) => upsertRecord(tx, object, field, external, call.body));
        return {
          status: done.created ? 201 : 200,
          body: { id: done.id, success: true, errors: [], created: done.created },
        };
      },
    },
    {
      method: 'DELETE',
      path: /^\/sobjects\/([^/]+)\/([^/]+)\/([^/]+)$/,
      handle(call, [name = '', fieldName = '', text = '']) {
        const { object, found, several } = byExternalId(call, name, fieldName, text);
        if (several) return several;
        const [id] = found;
        if (id === undefined) throw notFound();
        refuseRow(call);
        inTransaction(records, call, (tx) => deleteRecord(tx, object, id));
        return { status: 204 };
      },
    },
  ];
}
