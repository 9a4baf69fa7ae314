import { z } from 'zod';
import { notFound, validationError } from './errors.ts';
import { type Call, type Route, readBody } from './http.ts';
import { findObjectType, type ObjectTypeId } from './object-types.ts';
import { type ListState, type Portal, resolveRecord } from './portal.ts';

/** The Lists API of 2026-03 as far as lists are read: its spec gives the sizes and the words. */
const LISTS_DEFAULT = 20;
const LISTS_MAX = 500;
const MEMBERS_DEFAULT = 100;
const MEMBERS_MAX = 250;

const PROCESSING_TYPES = ['MANUAL', 'DYNAMIC', 'SNAPSHOT'] as const;

/** What the spec requires has to be there, though the guide's own example leaves most of it out. How `sort` is written it does not say. */
const searchSchema = z.strictObject({
  additionalProperties: z.array(z.string()),
  listIds: z.array(z.string()),
  processingTypes: z.array(z.enum(PROCESSING_TYPES)),
  offset: z.int().min(0),
  count: z.int().min(1).max(LISTS_MAX).optional(),
  objectTypeId: z.string().optional(),
  query: z.string().optional(),
});

export interface ListInput {
  name: string;
  /** Contacts unless given. */
  objectType?: string | undefined;
  recordIds: string[];
}

/** A list as a person makes it by hand. */
export function createList(portal: Portal, input: ListInput, at: number): ListState {
  const type = findObjectType(input.objectType ?? 'contact');
  if (!type) throw validationError(`Unable to infer object type from: ${input.objectType}`);
  if ([...portal.lists.values()].some(({ name, deletedAt }) => name === input.name && deletedAt === undefined))
    throw validationError(`List with name ${input.name} already exists`);
  const list: ListState = {
    id: String(portal.nextListId),
    name: input.name,
    objectTypeId: type.typeId,
    joined: new Map(),
    createdAt: at,
    updatedAt: at,
  };
  portal.nextListId += 1;
  portal.lists.set(list.id, list);
  for (const id of input.recordIds) joinList(portal, list.id, id, at);
  return list;
}

export function joinList(portal: Portal, listId: string, recordId: string, at: number): void {
  const list = livingList(portal, listId);
  if (!resolveRecord(portal, list.objectTypeId, recordId)) throw notFound({ id: [recordId] });
  list.joined.set(recordId, at);
  list.updatedAt = at;
}

export function leaveList(portal: Portal, listId: string, recordId: string, at: number): void {
  const list = livingList(portal, listId);
  list.joined.delete(recordId);
  list.updatedAt = at;
}

export function deleteList(portal: Portal, listId: string, at: number): void {
  livingList(portal, listId).deletedAt = at;
}

export function listSize(portal: Portal, list: ListState): number {
  return membersOf(portal, list).length;
}

function livingList(portal: Portal, id: string): ListState {
  const list = portal.lists.get(id);
  if (list && list.deletedAt === undefined) return list;
  throw notFound({ listId: [id] }, `List does not exist with ID ${id}`);
}

/** By id. Records that are deleted leave their lists; one that was merged is on those of both. */
function membersOf(portal: Portal, { objectTypeId, joined }: ListState): Array<{ id: string; at: number }> {
  const members = new Map<string, number>();
  for (const [recordId, at] of joined) {
    const record = resolveRecord(portal, objectTypeId, recordId);
    if (record && !record.archived) members.set(record.id, Math.min(at, members.get(record.id) ?? at));
  }
  return [...members].map(([id, at]) => ({ id, at })).sort((left, right) => Number(left.id) - Number(right.id));
}

function listView(list: ListState): object {
  return {
    listId: list.id,
    listVersion: 1,
    name: list.name,
    objectTypeId: list.objectTypeId,
    processingStatus: 'COMPLETE',
    processingType: 'MANUAL',
    createdAt: new Date(list.createdAt).toISOString(),
    updatedAt: new Date(list.updatedAt).toISOString(),
  };
}

/** Opaque to callers. */
function tokenOf(recordId: string): string {
  return Buffer.from(`list:${recordId}`).toString('base64');
}

function recordOfToken(token: string, name: string): number {
  const id = /^list:(\d+)$/.exec(Buffer.from(token, 'base64').toString('utf8'))?.[1];
  if (id === undefined) throw validationError(`${name} is not an offset token: ${token}`);
  return Number(id);
}

function searchLists({ portal, body }: Call): { status: number; body: object } {
  const {
    query = '',
    listIds,
    processingTypes,
    objectTypeId,
    offset,
    count = LISTS_DEFAULT,
  } = readBody(searchSchema, body);
  if (objectTypeId !== undefined && !findObjectType(objectTypeId))
    throw validationError(`Unable to infer object type from: ${objectTypeId}`);
  const found = [...portal.lists.values()]
    .filter(({ deletedAt }) => deletedAt === undefined)
    .filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()))
    .filter(({ id }) => listIds.length === 0 || listIds.includes(id))
    .filter((list) => objectTypeId === undefined || list.objectTypeId === typeIdOf(objectTypeId))
    .filter(() => processingTypes.length === 0 || processingTypes.includes('MANUAL'));
  const lists = found.slice(offset, offset + count);
  return {
    status: 200,
    body: {
      hasMore: offset + lists.length < found.length,
      offset: offset + lists.length,
      total: found.length,
      lists: lists.map((list) => ({
        ...listView(list),
        additionalProperties: { hs_list_size: String(listSize(portal, list)) },
      })),
    },
  };
}

function typeIdOf(word: string): ObjectTypeId | undefined {
  return findObjectType(word)?.typeId;
}

function readMembers({ portal, params, query }: Call): { status: number; body: object } {
  const list = livingList(portal, params.listId ?? '');
  const limit = query.integer('limit', MEMBERS_DEFAULT, 1, MEMBERS_MAX);
  const [after, before] = [query.text('after'), query.text('before')];
  const all = membersOf(portal, list);
  const isBackward = after === undefined && before !== undefined;
  const behind = isBackward
    ? all.filter(({ id }) => Number(id) < recordOfToken(before, 'before')).reverse()
    : all.filter(({ id }) => after === undefined || Number(id) > recordOfToken(after, 'after'));
  const page = behind.slice(0, limit);
  const last = page.at(-1);
  const more = last !== undefined && page.length < behind.length;
  const paging = more
    ? { paging: isBackward ? { prev: { before: tokenOf(last.id) } } : { next: { after: tokenOf(last.id) } } }
    : {};
  return {
    status: 200,
    body: {
      total: all.length,
      results: page.map(({ id, at }) => ({ recordId: id, membershipTimestamp: new Date(at).toISOString() })),
      ...paging,
    },
  };
}

export function createListRoutes(): Route[] {
  const scopes = (): string[][] => [['crm.lists.read']];
  return [
    { method: 'POST', path: '/crm/lists/2026-03/search', scopes, handle: searchLists },
    {
      method: 'GET',
      path: '/crm/lists/2026-03/:listId',
      query: ['includeFilters'],
      scopes,
      handle({ portal, params, query }) {
        query.flag('includeFilters');
        const list = livingList(portal, params.listId ?? '');
        return { status: 200, body: { list: { ...listView(list), size: listSize(portal, list) } } };
      },
    },
    {
      method: 'GET',
      path: '/crm/lists/2026-03/:listId/memberships',
      query: ['after', 'before', 'limit'],
      scopes,
      handle: readMembers,
    },
  ];
}
