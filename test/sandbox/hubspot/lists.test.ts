import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PORTAL, type Reply, sandboxApp, startWorld, type World } from './harness.ts';

let world: World;
let people: string[];
let listId: string;

beforeEach(async () => {
  const app = sandboxApp('http://127.0.0.1:9');
  world = await startWorld({
    rateLimits: false,
    app: { ...app, optionalScopes: [...app.optionalScopes, 'crm.lists.read'] },
  });
  const { control } = world.sandbox;
  people = Array.from(
    { length: 5 },
    (_, index) => control.createRecord(PORTAL, 'contact', { properties: { email: `p${index}@example.com` } }).id,
  );
  listId = control.createList(PORTAL, { name: 'Customers', recordIds: people.toReversed() }).id;
});
afterEach(() => world.close());

const WHOLE = { additionalProperties: [], listIds: [], processingTypes: [], offset: 0 };
const search = (body: object): Promise<Reply> => world.call('POST', '/crm/lists/2026-03/search', body);
const members = (query = ''): Promise<Reply> => world.call('GET', `/crm/lists/2026-03/${listId}/memberships${query}`);
const idsOf = ({ body }: Reply): string[] => body.results.map(({ recordId }: { recordId: string }) => recordId);

describe('lists', () => {
  it('are found by a part of their name, a page at a time, of one kind of record', async () => {
    const { control } = world.sandbox;
    const deal = control.createRecord(PORTAL, 'deal', { properties: { dealname: 'A', dealstage: 'closedwon' } }).id;
    const ofDeals = control.createList(PORTAL, { name: 'Customer deals', objectType: 'deal', recordIds: [deal] }).id;
    const all = await search({ ...WHOLE, query: 'customer' });
    expect(all.status).toBe(200);
    expect(all.body).toMatchObject({ total: 2, hasMore: false, offset: 2 });
    expect(all.body.lists[0]).toMatchObject({
      listId,
      name: 'Customers',
      objectTypeId: '0-1',
      additionalProperties: { hs_list_size: '5' },
    });
    expect((await search({ ...WHOLE, count: 1 })).body).toMatchObject({ total: 2, hasMore: true, offset: 1 });
    expect((await search({ ...WHOLE, objectTypeId: '0-3' })).body.lists).toMatchObject([{ listId: ofDeals }]);
  });

  it.each([
    ['what the spec requires is left out', { query: 'x' }],
    ['more than 500 are asked for', { ...WHOLE, count: 501 }],
    ['a field is unknown', { ...WHOLE, limit: 5 }],
    ['the processing type is unknown', { ...WHOLE, processingTypes: ['STATIC'] }],
  ])('are refused when %s', async (_, body) => {
    expect(await search(body)).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
  });

  it('show who is on them by id, behind an opaque token, and nobody who is deleted', async () => {
    const first = await members('?limit=2');
    expect([idsOf(first), first.body.total]).toEqual([people.slice(0, 2), 5]);
    const { after } = first.body.paging.next;
    expect(after).not.toContain(people[1]);
    world.sandbox.control.deleteRecord(PORTAL, 'contact', people[2] ?? '');
    const rest = await members(`?limit=250&after=${after}`);
    expect([idsOf(rest), rest.body.paging]).toEqual([people.slice(3), undefined]);
    const back = await members(`?limit=2&before=${after}`);
    expect(idsOf(back)).toEqual(people.slice(0, 1));
  });

  it('show a merged contact once, under its new id', async () => {
    const [primaryObjectId, objectIdToMerge] = people as [string, string];
    const { id } = world.sandbox.control.mergeRecords(PORTAL, 'contact', { primaryObjectId, objectIdToMerge });
    expect(idsOf(await members())).toEqual([...people.slice(2), id]);
  });

  it.each(['?limit=251', '?limit=0', '?after=7', '?page=2'])('refuse %s', async (query) => {
    expect((await members(query)).status).toBe(400);
  });

  it('that are deleted, or never were, are not found', async () => {
    world.sandbox.control.deleteList(PORTAL, listId);
    expect(await members()).toMatchObject({ status: 404, body: { category: 'OBJECT_NOT_FOUND' } });
    expect((await world.call('GET', `/crm/lists/2026-03/${listId}`)).status).toBe(404);
    expect((await search(WHOLE)).body.lists).toEqual([]);
    expect((await world.call('GET', '/crm/lists/v3/search')).status).toBe(404);
  });
});
