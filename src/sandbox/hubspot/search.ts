import { z } from 'zod';
import { validationError } from './errors.ts';
import { type Answer, type Call, type Route, readBody } from './http.ts';
import type { Links } from './links.ts';
import { findObjectType, type ObjectType } from './object-types.ts';
import { valuesView } from './object-views.ts';
import { objectScopes, requireObjectType } from './objects.ts';
import { findProperty, type Portal, type RecordState, recordsOf } from './portal.ts';
import { parseInstant } from './property-values.ts';

/** All of these: "Search the CRM", section Limits. */
const MAX_GROUPS = 5;
const MAX_FILTERS_PER_GROUP = 6;
const MAX_FILTERS = 18;
const PAGE_LIMIT = 200;
const DEFAULT_PAGE = 10;
const MAX_RESULTS = 10_000;
const MAX_BODY_CHARACTERS = 3_000;

const OPERATORS = [
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
] as const;

const filterSchema = z.strictObject({
  propertyName: z.string().min(1),
  operator: z.enum(OPERATORS),
  value: z.string().optional(),
  highValue: z.string().optional(),
  values: z.array(z.string()).optional(),
});
type Filter = z.infer<typeof filterSchema>;

const searchSchema = z.strictObject({
  filterGroups: z.array(z.strictObject({ filters: z.array(filterSchema) })).optional(),
  // The guide shows objects, the specs say strings.
  sorts: z
    .array(
      z.union([
        z.string().min(1),
        z.strictObject({ propertyName: z.string().min(1), direction: z.enum(['ASCENDING', 'DESCENDING']).optional() }),
      ]),
    )
    .optional(),
  query: z.string().optional(),
  properties: z.array(z.string()).optional(),
  limit: z.int().optional(),
  after: z.string().optional(),
});

type Sorts = z.infer<typeof searchSchema>['sorts'];

const NEEDS: Record<(typeof OPERATORS)[number], ReadonlyArray<'value' | 'highValue' | 'values'>> = {
  EQ: ['value'],
  NEQ: ['value'],
  LT: ['value'],
  LTE: ['value'],
  GT: ['value'],
  GTE: ['value'],
  BETWEEN: ['value', 'highValue'],
  IN: ['values'],
  NOT_IN: ['values'],
  HAS_PROPERTY: [],
  NOT_HAS_PROPERTY: [],
  CONTAINS_TOKEN: ['value'],
  NOT_CONTAINS_TOKEN: ['value'],
};

/** What the index shows of a record. */
interface Indexed {
  record: RecordState;
  values: ReadonlyMap<string, string>;
}

type Test = (indexed: Indexed) => boolean;

function indexedVersion(record: RecordState, at: number, indexLagMs: number): Indexed | undefined {
  if (indexLagMs === 0) return record.archived ? undefined : { record, values: record.properties };
  const version = record.indexed.findLast((candidate) => candidate.at <= at - indexLagMs);
  return version && !version.archived ? { record, values: version.properties } : undefined;
}

function tokenTest(pattern: string): (value: string) => boolean {
  const wanted = pattern.toLowerCase();
  if (wanted.includes('*')) {
    const expression = new RegExp(
      `^${wanted
        .split('*')
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    return (value) =>
      expression.test(value.toLowerCase()) ||
      value
        .toLowerCase()
        .split(/[^\p{L}\p{N}]+/u)
        .some((token) => expression.test(token));
  }
  const tokens = (text: string): string[] =>
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((token) => token !== '');
  const needles = tokens(wanted);
  return (value) => {
    const present = new Set(tokens(value));
    return needles.length > 0 && needles.every((token) => present.has(token));
  };
}

/** Brings values of one property to something that compares: a number, an instant, or lower-case text. */
function comparer(type: string): (raw: string) => number | string | undefined {
  if (type === 'number') return (raw) => (raw.trim() === '' || Number.isNaN(Number(raw)) ? undefined : Number(raw));
  if (type === 'date' || type === 'datetime') return (raw) => parseInstant(raw);
  if (type === 'enumeration' || type === 'bool') return (raw) => raw;
  return (raw) => raw.toLowerCase();
}

function order(left: number | string, right: number | string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface SearchDeps {
  links: Links;
  indexLagMs: number;
}

export function createSearchRoutes({ links, indexLagMs }: SearchDeps): Route[] {
  function checkFilter(filter: Filter): void {
    const needs = NEEDS[filter.operator];
    for (const field of ['value', 'highValue', 'values'] as const) {
      const given = filter[field] !== undefined;
      if (given === needs.includes(field)) continue;
      throw validationError(
        `There was a problem with the request: operator ${filter.operator} ${given ? 'does not take' : 'requires'} ${field}`,
        {
          errors: [
            {
              message: `operator ${filter.operator} ${given ? 'does not take' : 'requires'} ${field}`,
              in: filter.propertyName,
            },
          ],
        },
      );
    }
    if (filter.values?.length === 0) throw validationError(`operator ${filter.operator} requires at least one value`);
  }

  function associationTest(portal: Portal, filter: Filter): Test {
    const to = findObjectType(filter.propertyName.slice('associations.'.length));
    if (!to || (filter.operator !== 'EQ' && filter.operator !== 'IN')) {
      throw validationError(
        `There was a problem with the request: cannot filter by ${filter.propertyName} ${filter.operator}`,
      );
    }
    const ids = new Set(filter.operator === 'EQ' ? [filter.value] : filter.values);
    return ({ record }) => links.livingLinks(portal, record, to.typeId).some(([id]) => ids.has(id));
  }

  function propertyTest(portal: Portal, type: ObjectType, filter: Filter): Test {
    checkFilter(filter);
    if (filter.propertyName.startsWith('associations.')) return associationTest(portal, filter);
    const property = findProperty(portal, type.typeId, filter.propertyName);
    if (!property) {
      throw validationError(`There was a problem with the request: Property "${filter.propertyName}" does not exist`, {
        errors: [
          {
            message: `Property "${filter.propertyName}" does not exist`,
            code: 'PROPERTY_DOESNT_EXIST',
            context: { propertyName: [filter.propertyName] },
          },
        ],
      });
    }
    const name = property.name;
    const key = comparer(property.type);
    const wanted = (raw: string | undefined): number | string => {
      const parsed = key(raw ?? '');
      if (parsed === undefined)
        throw validationError(
          `There was a problem with the request: ${raw} is not a valid ${property.type} for ${name}`,
        );
      return parsed;
    };
    /** Unset values match nothing but NOT_HAS_PROPERTY. */
    const compared = (test: (value: number | string) => boolean): Test => {
      return ({ values }) => {
        const raw = values.get(name);
        const value = raw === undefined ? undefined : key(raw);
        return value !== undefined && test(value);
      };
    };
    const multiple = property.fieldType === 'checkbox';
    const holds = (value: number | string, one: number | string): boolean =>
      multiple ? String(value).split(';').includes(String(one)) : value === one;

    switch (filter.operator) {
      case 'HAS_PROPERTY':
        return ({ values }) => values.has(name);
      case 'NOT_HAS_PROPERTY':
        return ({ values }) => !values.has(name);
      case 'EQ': {
        const one = wanted(filter.value);
        return compared((value) => holds(value, one));
      }
      case 'NEQ': {
        const one = wanted(filter.value);
        return compared((value) => !holds(value, one));
      }
      case 'LT': {
        const bound = wanted(filter.value);
        return compared((value) => order(value, bound) < 0);
      }
      case 'LTE': {
        const bound = wanted(filter.value);
        return compared((value) => order(value, bound) <= 0);
      }
      case 'GT': {
        const bound = wanted(filter.value);
        return compared((value) => order(value, bound) > 0);
      }
      case 'GTE': {
        const bound = wanted(filter.value);
        return compared((value) => order(value, bound) >= 0);
      }
      case 'BETWEEN': {
        const [low, high] = [wanted(filter.value), wanted(filter.highValue)];
        return compared((value) => order(value, low) >= 0 && order(value, high) <= 0);
      }
      case 'IN':
      case 'NOT_IN': {
        // Guide: for strings "the searched values must be lowercase": others simply never match.
        const list = (filter.values ?? []).map((raw) => (property.type === 'string' ? raw : wanted(raw)));
        const inside = filter.operator === 'IN';
        return compared((value) => list.some((one) => holds(value, one)) === inside);
      }
      case 'CONTAINS_TOKEN':
      case 'NOT_CONTAINS_TOKEN': {
        const contains = tokenTest(filter.value ?? '');
        const expected = filter.operator === 'CONTAINS_TOKEN';
        return compared((value) => contains(String(value)) === expected);
      }
    }
  }

  /** Sorts what was found: each key is read once, comparing is the cheap part. */
  function sort(portal: Portal, type: ObjectType, found: Indexed[], sorts: Sorts): Indexed[] {
    if (sorts && sorts.length > 1) throw validationError('Only one sorting rule can be applied to any search');
    const rule = sorts?.[0];
    const [name, descending] =
      rule === undefined
        ? [type.createdProperty ?? 'createdate', false]
        : typeof rule === 'string'
          ? [rule.replace(/^-/, ''), rule.startsWith('-')]
          : [rule.propertyName, rule.direction === 'DESCENDING'];
    const property = findProperty(portal, type.typeId, name);
    if (!property) throw validationError(`There was a problem with the request: cannot sort by "${name}"`);
    const key = comparer(property.type);
    const direction = descending ? -1 : 1;
    const keyed = found.map((indexed) => {
      const raw = indexed.values.get(name);
      return { indexed, id: Number(indexed.record.id), key: raw === undefined ? undefined : key(raw) };
    });
    keyed.sort((left, right) => {
      // Records without the value come last in either direction.
      if (left.key === undefined || right.key === undefined) {
        const absent = Number(left.key === undefined) - Number(right.key === undefined);
        return absent !== 0 ? absent : left.id - right.id;
      }
      return order(left.key, right.key) * direction || left.id - right.id;
    });
    return keyed.map(({ indexed }) => indexed);
  }

  function search(call: Call): Answer {
    const type = requireObjectType(call.params.objectType, call.portal);
    if (call.bodyLength > MAX_BODY_CHARACTERS) {
      throw validationError(`The request body is longer than ${MAX_BODY_CHARACTERS} characters`);
    }
    const body = readBody(searchSchema, call.body);
    const groups = body.filterGroups ?? [];
    const total = groups.reduce((sum, group) => sum + group.filters.length, 0);
    if (groups.length > MAX_GROUPS) throw validationError(`The maximum number of filterGroups is ${MAX_GROUPS}`);
    if (groups.some((group) => group.filters.length > MAX_FILTERS_PER_GROUP)) {
      throw validationError(`The maximum number of filters per filterGroup is ${MAX_FILTERS_PER_GROUP}`);
    }
    if (total > MAX_FILTERS) throw validationError(`The maximum number of filters is ${MAX_FILTERS}`);
    const limit = body.limit ?? DEFAULT_PAGE;
    if (limit < 1 || limit > PAGE_LIMIT)
      throw validationError(`limit must be between 1 and ${PAGE_LIMIT}, was ${limit}`);
    if (body.after !== undefined && !/^\d+$/.test(body.after))
      throw validationError(`after must be an integer, was ${body.after}`);
    const after = Number(body.after ?? 0);
    if (after + limit > MAX_RESULTS)
      throw validationError(
        `Search results are limited to ${MAX_RESULTS}: after ${after} with limit ${limit} goes beyond`,
      );

    const tests = groups.map((group) => group.filters.map((filter) => propertyTest(call.portal, type, filter)));
    const query = body.query?.toLowerCase() ?? '';
    const found: Indexed[] = [];
    for (const record of recordsOf(call.portal, type.typeId).values()) {
      const indexed = indexedVersion(record, call.at, indexLagMs);
      if (!indexed) continue;
      if (tests.length > 0 && !tests.some((group) => group.every((test) => test(indexed)))) continue;
      if (
        query !== '' &&
        !type.searchableProperties.some((name) => indexed.values.get(name)?.toLowerCase().includes(query))
      )
        continue;
      found.push(indexed);
    }
    const page = sort(call.portal, type, found, body.sorts).slice(after, after + limit);
    const next = after + page.length;
    return {
      status: 200,
      body: {
        total: found.length,
        results: page.map(({ record, values }) => ({
          id: record.id,
          properties: valuesView(call.portal, type, values, body.properties ?? []),
          createdAt: new Date(record.createdAt).toISOString(),
          updatedAt: values.get(type.modifiedProperty) ?? new Date(record.updatedAt).toISOString(),
          archived: false,
          url: `https://${call.portal.uiDomain}/contacts/${call.portal.id}/record/${type.typeId}/${record.id}`,
        })),
        ...(next < found.length ? { paging: { next: { after: String(next) } } } : {}),
      },
    };
  }

  return [
    {
      method: 'POST',
      path: '/crm/objects/2026-03/:objectType/search',
      scopes: (params) => objectScopes('read', params.objectType),
      handle: search,
    },
  ];
}
