import { isJson, type Json, objectNamed } from './bodies.ts';
import { createRecord } from './dml.ts';
import { ApiError, RowError } from './errors.ts';
import { type Answer, type Call, type Headers, inTransaction, type Route } from './http.ts';
import type { Records, Tx } from './records.ts';
import type { ObjectType } from './schema.ts';

/** Several calls in one: composite with references between them, batch without, and trees of records. */

const SUBREQUESTS_MAX = 25;
/** "Up to five can be query operations or sObject Collections operations." */
const HEAVY_MAX = 5;
const TREE_RECORDS_MAX = 200;
const HEAVY = /\/(?:query|queryAll|composite\/sobjects)(?:[/?]|$)/;
const METHODS = new Set(['GET', 'POST', 'PATCH', 'DELETE']);

const bad = (message: string): ApiError => new ApiError(400, 'JSON_PARSER_ERROR', message);

interface Subrequest {
  method: string;
  url: string;
  referenceId: string;
  body: unknown;
  headers: Headers;
}

const SUBREQUEST_KEYS = new Set(['method', 'url', 'referenceId', 'body', 'httpHeaders']);
/** "Don't specify these headers in a subrequest. If you do, the top-level request fails and returns an HTTP 400 response." */
const INHERITED = new Set(['accept', 'authorization', 'content-type']);

function readHeaders(given: unknown): Headers {
  if (given === undefined) return {};
  if (!isJson(given)) throw bad('httpHeaders are names and values');
  const headers = Object.entries(given).map(([name, value]): [string, string] => {
    if (typeof value !== 'string') throw bad('httpHeaders have texts as values');
    if (INHERITED.has(name.toLowerCase())) throw bad(`a subrequest must not have the header ${name}`);
    return [name.toLowerCase(), value];
  });
  return Object.fromEntries(headers);
}

function readSubrequests(list: unknown): Subrequest[] {
  if (!Array.isArray(list) || list.length === 0) throw bad('compositeRequest is a list of subrequests');
  if (list.length > SUBREQUESTS_MAX)
    throw new ApiError(400, 'LIMIT_EXCEEDED', `Limit exceeded: at most ${SUBREQUESTS_MAX} subrequests`);
  const read = list.map((one): Subrequest => {
    if (!isJson(one)) throw bad('a subrequest is an object');
    const { method, url, referenceId, body } = one;
    if (typeof method !== 'string' || !METHODS.has(method)) throw bad('a subrequest has a method');
    if (typeof url !== 'string' || !url.startsWith('/services/data/')) throw bad('a subrequest has a url');
    if (typeof referenceId !== 'string' || !/^\w+$/.test(referenceId)) throw bad('a subrequest has a referenceId');
    const unknown = Object.keys(one).find((key) => !SUBREQUEST_KEYS.has(key));
    if (unknown !== undefined) throw bad(`Unrecognized field "${unknown}"`);
    return { method, url, referenceId, body, headers: readHeaders(one.httpHeaders) };
  });
  if (new Set(read.map(({ referenceId }) => referenceId)).size < read.length) throw bad('referenceId is not unique');
  if (read.filter(({ url }) => HEAVY.test(url)).length > HEAVY_MAX)
    throw new ApiError(400, 'LIMIT_EXCEEDED', `Limit exceeded: at most ${HEAVY_MAX} query or collection subrequests`);
  return read;
}

const REFERENCE = /@\{(\w+)\.([\w.[\]]+)\}/g;

/** The value at `records[0].Id` of an answer's body. */
function at(body: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .reduce<unknown>((value, part) => (value as Json | undefined)?.[part], body);
}

/** Puts in the values of earlier answers. Throws the reference id of the one that has none. */
function resolve<T>(value: T, answers: ReadonlyMap<string, Answer>): T {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (_all, id: string, path: string) => {
      const answer = answers.get(id);
      const found = answer && answer.status < 300 ? at(answer.body, path) : undefined;
      if (found === undefined)
        throw new RowError(
          'PROCESSING_HALTED',
          `Invalid reference specified. No value for ${id}.${path} found in ${id}`,
        );
      return String(found);
    }) as T;
  }
  if (Array.isArray(value)) return value.map((one) => resolve(one, answers)) as T;
  if (isJson(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolve(one, answers)])) as T;
  return value;
}

class Halted extends Error {}

export function createCompositeRoutes({ records }: { records: Records }): Route[] {
  function composite(call: Call): Answer {
    const body = isJson(call.body) ? call.body : {};
    const subrequests = readSubrequests(body.compositeRequest);
    const answers = new Map<string, Answer>();
    const one = (subrequest: Subrequest, tx?: Tx): Answer => {
      try {
        const url = resolve(subrequest.url, answers);
        const { method, headers } = subrequest;
        return call.dispatch(method, url, resolve(subrequest.body, answers), { headers, ...(tx ? { tx } : {}) });
      } catch (thrown) {
        if (!(thrown instanceof RowError)) throw thrown;
        return { status: 400, body: [{ errorCode: thrown.code, message: thrown.message }] };
      }
    };
    if (body.allOrNone === true) {
      try {
        inTransaction(records, call, (tx) => {
          for (const subrequest of subrequests) {
            const answer = one(subrequest, tx);
            answers.set(subrequest.referenceId, answer);
            if (answer.status >= 400) throw new Halted();
          }
        });
      } catch (thrown) {
        if (!(thrown instanceof Halted)) throw thrown;
        const failed = [...answers.keys()].at(-1);
        for (const { referenceId } of subrequests) {
          if (referenceId === failed) continue;
          answers.set(referenceId, {
            status: 400,
            body: [
              {
                errorCode: 'PROCESSING_HALTED',
                message: 'The transaction was rolled back since another operation in the same transaction failed.',
              },
            ],
          });
        }
      }
    } else for (const subrequest of subrequests) answers.set(subrequest.referenceId, one(subrequest));
    return {
      status: 200,
      body: {
        compositeResponse: subrequests.map(({ referenceId }) => {
          const answer = answers.get(referenceId);
          return {
            body: answer?.body ?? null,
            httpHeaders: {},
            httpStatusCode: answer?.status ?? 400,
            referenceId,
          };
        }),
      },
    };
  }

  function batch(call: Call): Answer {
    const body = isJson(call.body) ? call.body : {};
    const list = body.batchRequests;
    if (!Array.isArray(list) || list.length === 0) throw bad('batchRequests is a list');
    if (list.length > SUBREQUESTS_MAX)
      throw new ApiError(400, 'LIMIT_EXCEEDED', `Limit exceeded: at most ${SUBREQUESTS_MAX} subrequests`);
    let isHalted = false;
    const results = list.map((one: unknown) => {
      const { method, url, richInput } = isJson(one) ? one : {};
      if (typeof method !== 'string' || typeof url !== 'string') throw bad('a subrequest has a method and a url');
      if (isHalted) {
        return {
          statusCode: 412,
          result: [{ errorCode: 'PROCESSING_HALTED', message: 'Batch processing halted per request' }],
        };
      }
      // Here the address begins with the version.
      const path = url.startsWith('/') ? url : `/services/data/${url}`;
      const answer = call.dispatch(method, path, richInput);
      if (answer.status >= 400 && body.haltOnError === true) isHalted = true;
      return { statusCode: answer.status, result: answer.body ?? null };
    });
    return { status: 200, body: { hasErrors: results.some(({ statusCode }) => statusCode >= 400), results } };
  }

  function tree(call: Call, name: string): Answer {
    const root = objectNamed(call.org, name);
    const body = isJson(call.body) ? call.body : {};
    const ids: Array<{ referenceId: string; id: string }> = [];
    let current = '';
    function plant(tx: Tx, object: ObjectType, row: unknown, parent: { field: string; id: string } | null): void {
      if (!isJson(row) || !isJson(row.attributes)) throw bad('a record has attributes');
      current = String(row.attributes.referenceId);
      const own: Record<string, unknown> = {};
      const children: Array<{ object: ObjectType; field: string; rows: unknown[] }> = [];
      for (const [key, value] of Object.entries(row)) {
        if (!isJson(value) || !Array.isArray(value.records)) {
          own[key] = value;
          continue;
        }
        const relation = [...call.org.schema.objects.values()]
          .flatMap((child) => [...child.fields.values()].map((field) => ({ child, field })))
          .find(({ field }) => field.childRelationshipName === key && field.referenceTo.includes(object.name));
        if (!relation) throw new ApiError(400, 'INVALID_FIELD', `No such relationship '${key}' on ${object.name}`);
        children.push({ object: relation.child, field: relation.field.name, rows: value.records });
      }
      if (parent) own[parent.field] = parent.id;
      const id = createRecord(tx, object, own);
      ids.push({ referenceId: current, id });
      if (ids.length > TREE_RECORDS_MAX)
        throw new ApiError(400, 'LIMIT_EXCEEDED', `at most ${TREE_RECORDS_MAX} records`);
      for (const child of children)
        for (const one of child.rows) plant(tx, child.object, one, { field: child.field, id });
    }
    const rows = body.records;
    if (!Array.isArray(rows) || rows.length === 0) throw bad('a tree has a list of records');
    try {
      inTransaction(records, call, (tx) => {
        for (const row of rows) plant(tx, root, row, null);
      });
    } catch (thrown) {
      if (!(thrown instanceof RowError)) throw thrown;
      const errors = [{ statusCode: thrown.code, message: thrown.message, fields: thrown.fields }];
      return { status: 400, body: { hasErrors: true, results: [{ referenceId: current, errors }] } };
    }
    return { status: 201, body: { hasErrors: false, results: ids } };
  }

  return [
    { method: 'POST', path: /^\/composite$/, handle: composite },
    { method: 'POST', path: /^\/composite\/batch$/, handle: batch },
    { method: 'POST', path: /^\/composite\/tree\/([^/]+)$/, handle: (call, [name = '']) => tree(call, name) },
  ];
}
