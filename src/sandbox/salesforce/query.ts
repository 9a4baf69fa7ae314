import { objectNamed } from './bodies.ts';
import {
  candidates,
  compare,
  compileWhere,
  follow,
  invalidField,
  type Path,
  resolvePath,
  type Scope,
} from './criteria.ts';
import { ApiError, SandboxError } from './errors.ts';
import { accessTo, type Org, type Row, tableOf, type Value, visibleFields } from './org.ts';
import { type Field, findObject, type ObjectType } from './schema.ts';
import { malformed, parseSoql, type Query, type SelectField, whereOf } from './soql.ts';
import { formatValue } from './values.ts';

/** What a SELECT answers: records as REST shows them. */

/** "The maximum offset is 2,000 rows." */
const OFFSET_MAX = 2_000;
/** FIELDS() in the API: "must have a LIMIT of at most 200". */
const ALL_FIELDS_LIMIT = 200;

export type Out = Record<string, unknown>;

export interface QueryContext {
  org: Org;
  /** As `v66.0`, for the records' addresses. */
  version: string;
  now: number;
  includeDeleted: boolean;
}

export interface Found {
  totalSize: number;
  records: Out[];
}

export function recordUrl(version: string, object: ObjectType, id: Value | undefined): string {
  return `/services/data/${version}/sobjects/${object.name}/${id}`;
}

/** A compound field as REST shows it, from its parts. */
function compound(org: Org, object: ObjectType, field: Field, row: Row): Out | null {
  const prefix = field.name.replace(/Address$/, '');
  const parts = visibleFields(org, object).filter((part) => part.compound === field.name);
  const out: Out = {};
  for (const part of parts) {
    const name = part.name.slice(prefix.length);
    out[name.charAt(0).toLowerCase() + name.slice(1)] = row[part.name] ?? null;
  }
  return Object.values(out).some((value) => value !== null) ? out : null;
}

export function showField(org: Org, object: ObjectType, field: Field, row: Row): unknown {
  return field.type === 'address' ? compound(org, object, field, row) : formatValue(field, row[field.name]);
}

type Column = (row: Row, out: Out) => void;

/** `Account.Owner.Name` becomes objects within objects, and null where a lookup is empty. */
function relationColumn(context: QueryContext, path: Path): Column {
  return (row, out) => {
    let target = out;
    let own: Row = row;
    for (const [index, relation] of path.relations.entries()) {
      const name = relation.relationshipName ?? '';
      const object = path.objects[index + 1] as ObjectType;
      const id = own[relation.name] ?? null;
      const parent = id === null ? undefined : tableOf(context.org, object.name).rows.get(String(id));
      if (!parent) {
        target[name] = null;
        return;
      }
      const inner = (target[name] ?? {
        attributes: { type: object.name, url: recordUrl(context.version, object, parent.Id) },
      }) as Out;
      target[name] = inner;
      target = inner;
      own = parent;
    }
    target[path.field.name] = showField(context.org, path.objects.at(-1) as ObjectType, path.field, own);
  };
}

function fieldColumn(context: QueryContext, scope: Scope, name: string): Column {
  const path = resolvePath(scope, name);
  if (path.relations.length > 0) return relationColumn(context, path);
  return (row, out) => {
    out[path.field.name] = showField(context.org, scope.object, path.field, row);
  };
}

function subqueryColumn(context: QueryContext, scope: Scope, subquery: Query): Column {
  const name = (subquery as unknown as { relationshipName?: string }).relationshipName ?? '';
  const relation = [...context.org.schema.objects.values()]
    .filter((object) => accessTo(context.org, object) !== 'none')
    .flatMap((object) => visibleFields(context.org, object).map((field) => ({ object, field })))
    .find(
      ({ field }) =>
        field.childRelationshipName?.toLowerCase() === name.toLowerCase() &&
        field.referenceTo.includes(scope.object.name),
    );
  if (!relation) {
    throw new ApiError(
      400,
      'INVALID_TYPE',
      `Didn't understand relationship '${name}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
    );
  }
  const inner: Scope = { ...scope, object: relation.object, alias: undefined };
  const select = compileSelect(context, inner, subquery);
  return (row, out) => {
    const records = select((child) => child[relation.field.name] === row.Id);
    out[relation.field.childRelationshipName ?? name] =
      records.length === 0 ? null : { totalSize: records.length, done: true, records };
  };
}

function allFields(context: QueryContext, scope: Scope, query: Query, which: string): Column[] {
  if (which !== 'STANDARD' && (query.limit ?? Number.POSITIVE_INFINITY) > ALL_FIELDS_LIMIT) {
    throw malformed('The SOQL FIELDS function must have a LIMIT of at most 200');
  }
  return visibleFields(context.org, scope.object)
    .filter((field) => which === 'ALL' || field.custom === (which === 'CUSTOM'))
    .map((field) => fieldColumn(context, scope, field.name));
}

function compileColumns(context: QueryContext, scope: Scope, query: Query): Column[] {
  return (query.fields ?? []).flatMap((selected: SelectField): Column[] => {
    switch (selected.type) {
      case 'Field':
        return [fieldColumn(context, scope, selected.field)];
      case 'FieldRelationship':
        return [fieldColumn(context, scope, [...selected.relationships, selected.field].join('.'))];
      case 'FieldSubquery':
        return [subqueryColumn(context, scope, selected.subquery as unknown as Query)];
      case 'FieldFunctionExpression': {
        if (selected.functionName.toUpperCase() === 'FIELDS')
          return allFields(context, scope, query, String(selected.parameters[0]).toUpperCase());
        throw new SandboxError(`the local org does not know ${selected.functionName} here`);
      }
      default:
        throw new SandboxError('the local org does not know TYPEOF');
    }
  });
}

interface OrderPart {
  field: string;
  order?: 'ASC' | 'DESC';
  nulls?: 'FIRST' | 'LAST';
}

function compileOrder(scope: Scope, query: Query): (one: Row, other: Row) => number {
  const parts = ([] as OrderPart[]).concat((query.orderBy ?? []) as OrderPart | OrderPart[]);
  const keys = parts.map((part) => {
    const path = resolvePath(scope, part.field);
    if (!path.field.filterable)
      throw invalidField(scope, `field '${path.field.name}' can not be sorted in a query call`, part.field);
    const value = (row: Row): Value => follow(scope.org, path, row)?.[path.field.name] ?? null;
    return { value, sign: part.order === 'DESC' ? -1 : 1, nullsLast: part.nulls === 'LAST' };
  });
  return (one, other) => {
    for (const { value, sign, nullsLast } of keys) {
      const [left, right] = [value(one), value(other)];
      if (left === right) continue;
      if (left === null) return nullsLast ? 1 : -1;
      if (right === null) return nullsLast ? -1 : 1;
      const order = compare(left, right);
      if (order !== 0) return order * sign;
    }
    // No order is promised beyond this, so none that somebody could come to rely on is given.
    return compare(scramble(one), scramble(other));
  };
}

/** FNV-1a of the id. */
function scramble(row: Row): number {
  let hash = 0x811c9dc5;
  for (const character of String(row.Id)) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** The rows that a query means, in its order. */
function rowsOf(context: QueryContext, scope: Scope, query: Query): (also: (row: Row) => boolean) => Row[] {
  const where = whereOf(query);
  const judge = compileWhere(scope, where);
  const order = compileOrder(scope, query);
  if ((query.offset ?? 0) > OFFSET_MAX)
    throw new ApiError(400, 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000');
  return (also) => {
    const found = [...candidates(scope, where)]
      .filter((row) => (context.includeDeleted || row.IsDeleted !== true) && also(row) && judge(row))
      .sort(order);
    const offset = query.offset ?? 0;
    return found.slice(offset, query.limit === undefined ? undefined : offset + query.limit);
  };
}

function compileSelect(context: QueryContext, scope: Scope, query: Query): (also: (row: Row) => boolean) => Out[] {
  const columns = compileColumns(context, scope, query);
  const rows = rowsOf(context, scope, query);
  return (also) =>
    rows(also).map((row) => {
      const out: Out = {
        attributes: { type: scope.object.name, url: recordUrl(context.version, scope.object, row.Id) },
      };
      for (const column of columns) column(row, out);
      return out;
    });
}

interface Aggregate {
  functionName: string;
  parameters: unknown[];
  alias?: string;
}

function aggregateOf(scope: Scope, { functionName, parameters }: Aggregate): (rows: Row[]) => Value {
  const name = functionName.toUpperCase();
  if (parameters.length === 0) return (rows) => rows.length;
  const path = resolvePath(scope, String(parameters[0]));
  const known = (rows: Row[]): Value[] =>
    rows.map((row) => follow(scope.org, path, row)?.[path.field.name] ?? null).filter((value) => value !== null);
  const numbers = (rows: Row[]): number[] => known(rows).map(Number);
  switch (name) {
    case 'COUNT':
      return (rows) => known(rows).length;
    case 'COUNT_DISTINCT':
      return (rows) => new Set(known(rows)).size;
    case 'SUM':
      return (rows) => numbers(rows).reduce((sum, number) => sum + number, 0);
    case 'MIN':
    case 'MAX': {
      const sign = name === 'MIN' ? 1 : -1;
      return (rows) => {
        const sorted = known(rows).sort((one, other) => sign * compare(one ?? '', other ?? ''));
        return formatValue(path.field, sorted[0] ?? null);
      };
    }
    default:
      throw new SandboxError(`the local org does not know ${functionName}`);
  }
}

interface GroupColumn {
  name: string;
  value: (members: Row[], grouped: Value[]) => Value;
}

function groupColumns(scope: Scope, query: Query, paths: ReadonlyArray<{ name: string; path: Path }>): GroupColumn[] {
  let unnamed = 0;
  return (query.fields ?? []).map((selected): GroupColumn => {
    if (selected.type === 'FieldFunctionExpression') {
      const aggregate = selected as unknown as Aggregate;
      const name = aggregate.alias ?? `expr${unnamed}`;
      if (aggregate.alias === undefined) unnamed += 1;
      return { name, value: aggregateOf(scope, aggregate) };
    }
    const name = 'field' in selected ? String(selected.field) : '';
    const index = paths.findIndex((path) => path.name.toLowerCase() === name.toLowerCase());
    if (index < 0) throw malformed(`Field must be grouped or aggregated: ${name}`);
    return { name: paths[index]?.path.field.name ?? name, value: (_members, grouped) => grouped[index] ?? null };
  });
}

function runAggregates(context: QueryContext, scope: Scope, query: Query): Found {
  const { orderBy: _order, limit, ...unlimited } = query;
  const groups = ([] as { field: string }[]).concat((query.groupBy ?? []) as { field: string } | { field: string }[]);
  const paths = groups.map(({ field }) => ({ name: field, path: resolvePath(scope, field) }));
  const columns = groupColumns(scope, query, paths);
  const byKey = new Map<string, Row[]>();
  if (paths.length === 0) byKey.set('[]', []);
  for (const row of rowsOf(context, scope, unlimited as Query)(() => true)) {
    const key = JSON.stringify(
      paths.map(({ path }) => formatValue(path.field, follow(scope.org, path, row)?.[path.field.name])),
    );
    const members = byKey.get(key) ?? [];
    members.push(row);
    byKey.set(key, members);
  }
  const records = [...byKey].slice(0, limit).map(([key, members]): Out => {
    const grouped = JSON.parse(key) as Value[];
    return {
      attributes: { type: 'AggregateResult' },
      ...Object.fromEntries(columns.map(({ name, value }) => [name, value(members, grouped)])),
    };
  });
  return { totalSize: records.length, records };
}

/** @throws {ApiError} MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, … */
export function runQuery(context: QueryContext, text: string): Found {
  const query = parseSoql(text);
  const name = query.sObject ?? '';
  if (!findObject(context.org.schema, name)) {
    const column = Math.max(0, text.indexOf(name));
    throw new ApiError(
      400,
      'INVALID_TYPE',
      `\n${text.slice(0, 60)}\n${' '.repeat(column)}^\nERROR at Row:1:Column:${column + 1}\nsObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
    );
  }
  const scope: Scope = {
    org: context.org,
    object: objectNamed(context.org, name),
    alias: query.sObjectAlias,
    text,
    now: context.now,
  };
  const functions = (query.fields ?? []).filter((selected) => selected.type === 'FieldFunctionExpression');
  const isAggregate = functions.some((selected) => (selected as { isAggregateFn?: boolean }).isAggregateFn === true);
  const [only] = query.fields ?? [];
  if (
    isAggregate &&
    query.fields?.length === 1 &&
    only &&
    (only as { rawValue?: string }).rawValue?.toUpperCase() === 'COUNT()'
  ) {
    return { totalSize: rowsOf(context, scope, query)(() => true).length, records: [] };
  }
  if (isAggregate || query.groupBy) return runAggregates(context, scope, query);
  const records = compileSelect(context, scope, query)(() => true);
  return { totalSize: records.length, records };
}
