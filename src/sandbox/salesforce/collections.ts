import { isJson, type Json, objectNamed, visibleObject } from './bodies.ts';
import { resolvePath } from './criteria.ts';
import {
  createRecord,
  deleteRecord,
  externalIdField,
  recordOf,
  splitExternal,
  updateRecord,
  upsertRecord,
} from './dml.ts';
import { ApiError, RowError } from './errors.ts';
import { type Answer, type Call, inTransaction, type Route } from './http.ts';
import { normaliseId } from './ids.ts';
import { runQuery } from './query.ts';
import type { Records, Tx } from './records.ts';
import type { ObjectType } from './schema.ts';

/** sObject Collections: up to 200 records in one call, one answer a row, in order. */

const ROWS_MAX = 200;
/** "Retrieve up to 2,000 records" by POST. */
const RETRIEVE_MAX = 2_000;
/** "A request can have up to 10 chunks", a chunk being neighbours of one type. */
const CHUNKS_MAX = 10;

interface RowResult {
  id?: string;
  success: boolean;
  errors: object[];
  created?: boolean;
}

const rowErrors = (error: RowError): object[] => [
  {
    statusCode: error.code,
    message: error.message,
    fields: error.fields,
    ...(error.duplicateResult ? { duplicateResult: error.duplicateResult } : {}),
  },
];

const ROLLED_BACK = new RowError(
  'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header',
);

class RolledBack extends Error {
  readonly results: RowResult[];
  constructor(results: RowResult[]) {
    super('all or none');
    this.name = 'RolledBack';
    this.results = results;
  }
}

function readCollection(call: Call): { allOrNone: boolean; rows: Json[] } {
  const body = call.body;
  if (!isJson(body) || !Array.isArray(body.records)) {
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'a collection has a list of records');
  }
  for (const name of Object.keys(body)) {
    if (!['allOrNone', 'records'].includes(name))
      throw new ApiError(400, 'JSON_PARSER_ERROR', `Unrecognized field "${name}" at [line:1, column:2]`);
  }
  if (body.allOrNone !== undefined && typeof body.allOrNone !== 'boolean')
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'allOrNone must be true or false');
  const rows = body.records as unknown[];
  requireCount(rows.length);
  if (!rows.every(isJson)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'a record must be an object');
  return { allOrNone: body.allOrNone === true, rows: rows as Json[] };
}

function requireCount(count: number, limit = ROWS_MAX): void {
  if (count === 0) throw new ApiError(400, 'INVALID_INPUT', 'The list of records must not be empty');
  if (count <= limit) return;
  throw new ApiError(
    400,
    'EXCEEDED_ID_LIMIT',
    `record limit reached. cannot submit more than ${limit} records into this call`,
  );
}

function typeOf(call: Call, row: Json): ObjectType {
  const type = isJson(row.attributes) ? row.attributes.type : undefined;
  if (typeof type !== 'string') throw new ApiError(400, 'INVALID_FIELD', 'Each record needs attributes with a type');
  return objectNamed(call.org, type);
}

function requireChunks(types: readonly ObjectType[]): void {
  const chunks = types.filter((type, index) => type !== types[index - 1]).length;
  if (chunks > CHUNKS_MAX) {
    throw new ApiError(
      400,
      'LIMIT_EXCEEDED',
      `Cannot have more than ${CHUNKS_MAX} chunks in a single operation. Please rearrange the data to reduce chunking.`,
    );
  }
}

function idOf(row: Json): string {
  const text = row.Id ?? row.id;
  if (typeof text !== 'string') throw new RowError('MISSING_ARGUMENT', 'Id not specified in an update call', ['Id']);
  return text;
}

const withoutId = (row: Json): Json =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name.toLowerCase() !== 'id'));

export function createCollectionRoutes({ records }: { records: Records }): Route[] {
  function run<T>(call: Call, allOrNone: boolean, rows: readonly T[], write: (tx: Tx, row: T) => RowResult): Answer {
    function each(tx: Tx): RowResult[] {
      const results = rows.map((row, index): RowResult => {
        const refused = call.refusedRow(index);
        try {
          if (refused) throw refused;
          return tx.savepoint(() => write(tx, row));
        } catch (thrown) {
          if (!(thrown instanceof RowError)) throw thrown;
          return { success: false, errors: rowErrors(thrown) };
        }
      });
      if (allOrNone && results.some((result) => !result.success)) {
        throw new RolledBack(
          results.map((result) => (result.success ? { success: false, errors: rowErrors(ROLLED_BACK) } : result)),
        );
      }
      return results;
    }
    try {
      return { status: 200, body: inTransaction(records, call, each) };
    } catch (thrown) {
      if (thrown instanceof RolledBack) return { status: 200, body: thrown.results };
      throw thrown;
    }
  }

  const insert = (call: Call): Answer => {
    const { allOrNone, rows } = readCollection(call);
    const types = rows.map((row) => typeOf(call, row));
    requireChunks(types);
    const pairs = rows.map((row, index) => ({ row, type: types[index] as ObjectType }));
    return run(call, allOrNone, pairs, (tx, { row, type }) => ({
      id: createRecord(tx, type, row),
      success: true,
      errors: [],
    }));
  };

  const update = (call: Call): Answer => {
    const { allOrNone, rows } = readCollection(call);
    const types = rows.map((row) => typeOf(call, row));
    requireChunks(types);
    const seen = new Set<string>();
    const pairs = rows.map((row, index) => ({ row, type: types[index] as ObjectType }));
    return run(call, allOrNone, pairs, (tx, { row, type }) => {
      const { object, id } = recordOf(call.org, idOf(row));
      if (object !== type) throw new RowError('MALFORMED_ID', `malformed id ${id}`);
      if (seen.has(id)) throw new RowError('DUPLICATE_VALUE', `duplicate id in list: ${id}`);
      seen.add(id);
      updateRecord(tx, object, id, withoutId(row));
      return { id, success: true, errors: [] };
    });
  };

  const upsert = (call: Call, [name = '', fieldName = '']: string[]): Answer => {
    const object = visibleObject(call.org, name);
    const field = externalIdField(call.org, object, fieldName);
    const { allOrNone, rows } = readCollection(call);
    for (const row of rows) {
      if (typeOf(call, row) !== object)
        throw new ApiError(400, 'INVALID_TYPE', `All records of an upsert must be of type ${object.name}`);
    }
    const seen = new Set<string>();
    return run(call, allOrNone, rows, (tx, row) => {
      const { external, rest } = splitExternal(call.org, field, row);
      const key = String(external);
      if (external !== null && seen.has(key))
        throw new RowError('DUPLICATE_VALUE', `Duplicate external id specified: ${key}`, [field.name]);
      seen.add(key);
      const { id, created } = upsertRecord(tx, object, field, external, rest);
      return { id, success: true, errors: [], created };
    });
  };

  const remove = (call: Call): Answer => {
    const ids = (call.query.get('ids') ?? '').split(',').filter((id) => id !== '');
    requireCount(ids.length);
    return run(call, call.query.get('allOrNone') === 'true', ids, (tx, text) => {
      const { object, id } = recordOf(call.org, text);
      deleteRecord(tx, object, id);
      return { id, success: true, errors: [] };
    });
  };

  /** A row for each id, in order; null for what is not there, is deleted, or is of another object. */
  const retrieve = (call: Call, name: string, ids: readonly string[], fields: readonly string[]): Answer => {
    const object = visibleObject(call.org, name);
    if (fields.length === 0) throw new ApiError(400, 'MISSING_ARGUMENT', 'fields is required');
    const scope = { org: call.org, object, alias: undefined, text: fields.join(','), now: call.now };
    for (const field of fields) resolvePath(scope, field);
    const wanted = ids.map((text) => {
      const id = normaliseId(text);
      if (id === null) throw new ApiError(400, 'MALFORMED_ID', `malformed id ${text}`);
      return id;
    });
    const select = [...new Set(['Id', ...fields])].join(', ');
    const list = wanted.map((id) => `'${id}'`).join(',');
    const context = { org: call.org, version: call.version, now: call.now, includeDeleted: false };
    const found = runQuery(context, `SELECT ${select} FROM ${object.name} WHERE Id IN (${list})`);
    const byId = new Map(found.records.map((record) => [record.Id, record]));
    return { status: 200, body: wanted.map((id) => byId.get(id) ?? null) };
  };

  return [
    { method: 'POST', path: /^\/composite\/sobjects$/, handle: insert },
    { method: 'PATCH', path: /^\/composite\/sobjects$/, handle: update },
    { method: 'DELETE', path: /^\/composite\/sobjects$/, query: ['ids', 'allOrNone'], handle: remove },
    { method: 'PATCH', path: /^\/composite\/sobjects\/([^/]+)\/([^/]+)$/, handle: upsert },
    {
      method: 'GET',
      path: /^\/composite\/sobjects\/([^/]+)$/,
      query: ['ids', 'fields'],
      handle(call, [name = '']) {
        const ids = (call.query.get('ids') ?? '').split(',').filter((id) => id !== '');
        requireCount(ids.length, RETRIEVE_MAX);
        const fields = (call.query.get('fields') ?? '').split(',').filter((field) => field !== '');
        return retrieve(call, name, ids, fields);
      },
    },
    {
      method: 'POST',
      path: /^\/composite\/sobjects\/([^/]+)$/,
      handle(call, [name = '']) {
        const { ids, fields } = isJson(call.body) ? call.body : {};
        if (!Array.isArray(ids) || !Array.isArray(fields))
          throw new ApiError(400, 'JSON_PARSER_ERROR', 'ids and fields are lists');
        requireCount(ids.length, RETRIEVE_MAX);
        return retrieve(call, name, ids.map(String), fields.map(String));
      },
    },
  ];
}
