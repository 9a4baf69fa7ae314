import { objectNamed } from './bodies.ts';
import { ApiError, SandboxError } from './errors.ts';
import { normaliseId } from './ids.ts';
import { indexKey, type Org, type Row, tableOf, type Value, visibleField, visibleFields } from './org.ts';
import { type Field, findObject, type ObjectType } from './schema.ts';
import { malformed, type PlainCondition, type Query, unquote, type Where, whereOf } from './soql.ts';

/** Which records a WHERE clause means: names and types are checked first, then every record is judged. */

/** "No more than five levels can be specified in a child-to-parent relationship." */
const LEVELS_MAX = 5;
const DAY_MS = 86_400_000;

/** What a query is read against. */
export interface Scope {
  org: Org;
  object: ObjectType;
  alias: string | undefined;
  /** The whole text, for the place of a mistake. */
  text: string;
  now: number;
}

export interface Path {
  relations: Field[];
  /** Objects along the relations; the last one has the field. */
  objects: ObjectType[];
  field: Field;
}

export function at(scope: Scope, word: string): string {
  const column = Math.max(0, scope.text.indexOf(word));
  const start = Math.max(0, column - 20);
  const excerpt = scope.text.slice(start, column + 20);
  return `\n${excerpt}\n${' '.repeat(column - start)}^\nERROR at Row:1:Column:${column + 1}\n`;
}

export function invalidField(scope: Scope, message: string, word: string): ApiError {
  return new ApiError(400, 'INVALID_FIELD', at(scope, word) + message);
}

const ADVICE =
  "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.";

/** @throws {ApiError} INVALID_FIELD for what is not there, or not for this user. */
export function resolvePath(scope: Scope, path: string): Path {
  const parts = path.split('.');
  const [first = ''] = parts;
  const isPrefix = first === scope.alias || first.toLowerCase() === scope.object.name.toLowerCase();
  const relationNames = scope.object.fields.size > 0 && parts.length > 1 && isPrefix ? parts.slice(1) : parts;
  const fieldName = relationNames.pop() ?? '';
  if (relationNames.length > LEVELS_MAX) throw malformed('only 5 levels of relationships are allowed');
  const relations: Field[] = [];
  const objects = [scope.object];
  for (const name of relationNames) {
    const object = objects.at(-1) as ObjectType;
    const relation = visibleFields(scope.org, object).find(
      (field) => field.relationshipName?.toLowerCase() === name.toLowerCase(),
    );
    const target = relation && relation.referenceTo.length === 1 ? relation.referenceTo[0] : undefined;
    const next = target === undefined ? undefined : findObject(scope.org.schema, target);
    if (!relation || !next) {
      throw invalidField(
        scope,
        `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
        path,
      );
    }
    relations.push(relation);
    objects.push(next);
  }
  const object = objects.at(-1) as ObjectType;
  const field = visibleField(scope.org, object, fieldName);
  if (!field) throw invalidField(scope, `No such column '${fieldName}' on entity '${object.name}'. ${ADVICE}`, path);
  return { relations, objects, field };
}

/** The record at the end of the path, and null where a lookup is empty. */
export function follow(org: Org, path: Path, row: Row): Row | null {
  let found: Row | null = row;
  for (const [index, relation] of path.relations.entries()) {
    const id: Value | undefined = found[relation.name];
    const target = path.objects[index + 1] as ObjectType;
    found = typeof id === 'string' ? (tableOf(org, target.name).rows.get(id) ?? null) : null;
    if (found === null) return null;
  }
  return found;
}

const TEXTS = new Set(['string', 'textarea', 'email', 'phone', 'url', 'picklist']);
const NUMBERS = new Set(['int', 'double', 'currency', 'percent']);

function mistyped(scope: Scope, field: Field, isQuoted: boolean): ApiError {
  const type = TEXTS.has(field.type) ? 'string' : field.type === 'datetime' ? 'dateTime' : field.type;
  return invalidField(
    scope,
    `value of filter criterion for field '${field.name}' must be of type ${type} and should ${isQuoted ? 'not ' : ''}be enclosed in quotes`,
    field.name,
  );
}

function readLiteral(scope: Scope, field: Field, type: string | undefined, literal: string): Value {
  const isId = field.type === 'id' || field.type === 'reference';
  switch (type) {
    case 'NULL':
      return null;
    case 'STRING': {
      const text = unquote(literal);
      if (isId) {
        if (text === '') return null;
        const id = normaliseId(text);
        if (id === null)
          throw new ApiError(400, 'INVALID_QUERY_FILTER_OPERATOR', `${at(scope, field.name)}invalid ID field: ${text}`);
        return id;
      }
      if (!TEXTS.has(field.type)) throw mistyped(scope, field, true);
      return text === '' ? null : text;
    }
    case 'INTEGER':
    case 'DECIMAL':
      if (!NUMBERS.has(field.type)) throw mistyped(scope, field, !TEXTS.has(field.type) && !isId);
      return Number(literal);
    case 'BOOLEAN':
      if (field.type !== 'boolean') throw mistyped(scope, field, false);
      return literal.toUpperCase() === 'TRUE';
    case 'DATE':
      if (field.type !== 'date') throw mistyped(scope, field, true);
      return literal;
    case 'DATETIME':
      if (field.type !== 'datetime') throw mistyped(scope, field, true);
      return Date.parse(literal);
    default:
      throw new SandboxError(`the local org does not know a literal of type ${type} (${literal})`);
  }
}

const dayOf = (moment: number): number => Math.floor(moment / DAY_MS) * DAY_MS;

/** A date literal as [from, to), in UTC: the local org has users in one time zone only. */
function rangeOf(scope: Scope, literal: string, variable: number | undefined): [number, number] {
  const today = dayOf(scope.now);
  const date = new Date(today);
  const month = (offset: number): number => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
  const count = variable ?? 0;
  switch (literal.split(':')[0]?.toUpperCase()) {
    case 'TODAY':
      return [today, today + DAY_MS];
    case 'YESTERDAY':
      return [today - DAY_MS, today];
    case 'TOMORROW':
      return [today + DAY_MS, today + 2 * DAY_MS];
    case 'LAST_N_DAYS':
      // "Starts 12:00:00 the first of the n days before and continues up to the last second of today."
      return [today - count * DAY_MS, today + DAY_MS];
    case 'NEXT_N_DAYS':
      return [today + DAY_MS, today + (count + 1) * DAY_MS];
    case 'THIS_MONTH':
      return [month(0), month(1)];
    case 'LAST_MONTH':
      return [month(-1), month(0)];
    case 'THIS_YEAR':
      return [Date.UTC(date.getUTCFullYear(), 0, 1), Date.UTC(date.getUTCFullYear() + 1, 0, 1)];
    default:
      throw new SandboxError(`the local org does not know the date literal ${literal}`);
  }
}

const comparable = (field: Field, value: Value): string | number | boolean | null =>
  typeof value === 'string' && TEXTS.has(field.type) && !field.caseSensitive ? value.toLowerCase() : value;

function likeExpression(field: Field, pattern: string): RegExp {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/%/g, '.*')
    .replace(/_/g, '.');
  return new RegExp(`^${source}$`, field.caseSensitive ? 's' : 'si');
}

/** By characters' numbers, as ids are ordered. */
export function compare(one: string | number | boolean, other: string | number | boolean): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

type Judge = (row: Row) => boolean;

function ofDateLiteral(scope: Scope, condition: PlainCondition, field: Field): (value: Value) => boolean {
  const [from, to] = rangeOf(scope, String(condition.value), condition.dateVariable);
  if (field.type !== 'date' && field.type !== 'datetime') throw mistyped(scope, field, false);
  const moment = (value: Value): number =>
    typeof value === 'string' ? Date.parse(`${value}T00:00:00Z`) : Number(value);
  const tests: Record<string, (value: number) => boolean> = {
    '=': (value) => value >= from && value < to,
    '!=': (value) => value < from || value >= to,
    '<': (value) => value < from,
    '<=': (value) => value < to,
    '>': (value) => value >= to,
    '>=': (value) => value >= from,
  };
  const test = tests[condition.operator];
  if (!test) throw malformed(`unexpected token: ${condition.operator}`);
  return (value) => value !== null && test(moment(value));
}

function ofSubquery(scope: Scope, condition: PlainCondition, field: Field, subquery: Query): (value: Value) => boolean {
  const object = objectNamed(scope.org, subquery.sObject ?? '');
  const inner: Scope = { ...scope, object, alias: subquery.sObjectAlias };
  const [selected] = subquery.fields ?? [];
  if (subquery.fields?.length !== 1 || selected?.type !== 'Field') throw malformed('a semi-join selects one field');
  const path = resolvePath(inner, selected.field);
  if (!['id', 'reference'].includes(field.type) || !['id', 'reference'].includes(path.field.type)) {
    throw malformed('semi-joins are of ID fields');
  }
  const judge = compileWhere(inner, whereOf(subquery));
  const ids = new Set<Value>();
  for (const row of tableOf(scope.org, object.name).rows.values()) {
    const value = row[path.field.name] ?? null;
    if (row.IsDeleted !== true && value !== null && judge(row)) ids.add(value);
  }
  const isIn = condition.operator === 'IN';
  return (value) => ids.has(value) === isIn;
}

function ofValues(scope: Scope, condition: PlainCondition, field: Field): (value: Value) => boolean {
  const literals = Array.isArray(condition.value) ? condition.value : [String(condition.value)];
  const typeOf = (index: number): string | undefined =>
    Array.isArray(condition.literalType) ? condition.literalType[index] : condition.literalType;
  const wanted = literals.map((literal, index) => comparable(field, readLiteral(scope, field, typeOf(index), literal)));
  const [first = null] = wanted;
  const of = (value: Value) => comparable(field, value);
  const ordered = (test: (order: number) => boolean) => (value: Value) => {
    const own = of(value);
    return own !== null && first !== null && test(compare(own, first));
  };
  const isBoolean = field.type === 'boolean';
  switch (condition.operator) {
    case '=':
      return (value) => of(value) === first;
    case '!=':
    case '<>':
      return (value) => of(value) !== first;
    case 'IN':
      return (value) => wanted.includes(of(value));
    case 'NOT IN':
      return (value) => !wanted.includes(of(value));
    case 'LIKE': {
      if (!TEXTS.has(field.type)) throw malformed(`invalid operator on ${field.type} field: LIKE`);
      const expression = likeExpression(field, unquote(literals[0] ?? ''));
      return (value) => typeof value === 'string' && expression.test(value);
    }
    case '<':
    case '>':
    case '<=':
    case '>=': {
      if (isBoolean) throw malformed(`invalid operator on ${field.type} field`);
      const tests = {
        '<': (order: number) => order < 0,
        '>': (order: number) => order > 0,
        '<=': (order: number) => order <= 0,
        '>=': (order: number) => order >= 0,
      };
      return ordered(tests[condition.operator]);
    }
    default:
      throw malformed(`unexpected token: ${condition.operator}`);
  }
}

function compileCondition(scope: Scope, condition: PlainCondition): Judge {
  const path = resolvePath(scope, condition.field);
  const { field } = path;
  if (!field.filterable) {
    throw invalidField(scope, `field '${field.name}' can not be filtered in a query call`, condition.field);
  }
  const type = Array.isArray(condition.literalType) ? undefined : condition.literalType;
  const test = condition.subquery
    ? ofSubquery(scope, condition, field, condition.subquery)
    : type === 'DATE_LITERAL' || type === 'DATE_N_LITERAL'
      ? ofDateLiteral(scope, condition, field)
      : ofValues(scope, condition, field);
  return (row) => test(follow(scope.org, path, row)?.[field.name] ?? null);
}

export function compileWhere(scope: Scope, where: Where | undefined): Judge {
  if (!where) return () => true;
  switch (where.kind) {
    case 'condition':
      return compileCondition(scope, where.condition);
    case 'not': {
      const part = compileWhere(scope, where.part);
      return (row) => !part(row);
    }
    case 'and': {
      const parts = where.parts.map((part) => compileWhere(scope, part));
      return (row) => parts.every((part) => part(row));
    }
    case 'or': {
      const parts = where.parts.map((part) => compileWhere(scope, part));
      return (row) => parts.some((part) => part(row));
    }
  }
}

/** Records that can be meant at all, where ids or external ids are given: a look-up by 200 ids must not read the whole table. */
export function candidates(scope: Scope, where: Where | undefined): Iterable<Row> {
  const table = tableOf(scope.org, scope.object.name);
  const parts = where?.kind === 'and' ? where.parts : where ? [where] : [];
  const rowsWith = (id: string | null): Row[] => {
    const row = id === null ? undefined : table.rows.get(id);
    return row ? [row] : [];
  };
  for (const part of parts) {
    if (part.kind !== 'condition') continue;
    const { field: name, operator, value, subquery } = part.condition;
    if (subquery || !['=', 'IN'].includes(operator)) continue;
    const literals = (Array.isArray(value) ? value : [String(value)]).map((literal) => unquote(literal));
    const field = visibleField(scope.org, scope.object, name);
    if (field?.name === 'Id') {
      const ids = new Set(literals.map((literal) => normaliseId(literal)));
      return [...ids].flatMap(rowsWith);
    }
    const index = field && table.index.get(field.name);
    if (index && !literals.includes('NULL')) {
      const keys = literals.map((literal) => (field.type === 'reference' ? (normaliseId(literal) ?? '') : literal));
      const ids = new Set(keys.flatMap((key) => [...(index.get(indexKey(field, key)) ?? [])]));
      return [...ids].flatMap(rowsWith);
    }
  }
  return table.rows.values();
}
