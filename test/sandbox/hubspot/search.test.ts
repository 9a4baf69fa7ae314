import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json, PORTAL, type Reply, startWorld, type World } from './harness.ts';

let world: World;
let contact: string;
beforeEach(async () => {
  world = await startWorld({ rateLimits: false });
  const { control } = world.sandbox;
  const deals: Array<Record<string, string>> = [
    { dealname: 'Alpha One', amount: '10', dealstage: 'closedwon', closedate: '2026-01-01' },
    { dealname: 'alpha two', amount: '9', dealstage: 'contractsent', dealtype: 'newbusiness' },
    { dealname: 'Beta', amount: '100', dealstage: 'contractsent' },
    { dealname: 'gamma', dealstage: 'closedlost', closedate: '2026-05-01' },
  ];
  contact = control.createRecord(PORTAL, 'contact', { properties: { email: 'Ada@HubSpot.com' } }).id;
  for (const properties of deals) {
    world.now.value += 1_000;
    const { id } = control.createRecord(PORTAL, 'deal', { properties });
    if (properties.dealname === 'Beta')
      control.associate(PORTAL, { fromType: 'deal', fromId: id, toType: 'contact', toId: contact });
  }
});
afterEach(() => world.close());

const search = (body: Json, type = 'deals'): Promise<Reply> =>
  world.call('POST', `/crm/objects/2026-03/${type}/search`, body);
const names = async (...filters: object[]): Promise<string[]> => {
  const { body, status } = await search({ filterGroups: [{ filters }] });
  expect(status).toBe(200);
  return body.results.map((one: { properties: { dealname: string } }) => one.properties.dealname);
};

describe('operators', () => {
  it.each([
    [{ propertyName: 'dealname', operator: 'EQ', value: 'ALPHA ONE' }, ['Alpha One']],
    [{ propertyName: 'dealstage', operator: 'EQ', value: 'CLOSEDWON' }, []],
    [{ propertyName: 'dealstage', operator: 'EQ', value: 'closedwon' }, ['Alpha One']],
    [{ propertyName: 'amount', operator: 'NEQ', value: '9' }, ['Alpha One', 'Beta']],
    [{ propertyName: 'amount', operator: 'GT', value: '9' }, ['Alpha One', 'Beta']],
    [{ propertyName: 'amount', operator: 'GTE', value: '9' }, ['Alpha One', 'alpha two', 'Beta']],
    [{ propertyName: 'amount', operator: 'LT', value: '10' }, ['alpha two']],
    [{ propertyName: 'amount', operator: 'LTE', value: '10' }, ['Alpha One', 'alpha two']],
    [{ propertyName: 'amount', operator: 'BETWEEN', value: '10', highValue: '100' }, ['Alpha One', 'Beta']],
    [{ propertyName: 'closedate', operator: 'GT', value: String(Date.parse('2026-02-01')) }, ['gamma']],
    [{ propertyName: 'dealstage', operator: 'IN', values: ['closedwon', 'closedlost'] }, ['Alpha One', 'gamma']],
    [{ propertyName: 'dealstage', operator: 'NOT_IN', values: ['contractsent'] }, ['Alpha One', 'gamma']],
    [{ propertyName: 'dealname', operator: 'IN', values: ['beta'] }, ['Beta']],
    [{ propertyName: 'dealname', operator: 'IN', values: ['Beta'] }, []],
    [{ propertyName: 'dealtype', operator: 'HAS_PROPERTY' }, ['alpha two']],
    [{ propertyName: 'amount', operator: 'NOT_HAS_PROPERTY' }, ['gamma']],
    [{ propertyName: 'dealname', operator: 'CONTAINS_TOKEN', value: 'alpha' }, ['Alpha One', 'alpha two']],
    [{ propertyName: 'dealname', operator: 'CONTAINS_TOKEN', value: 'gam*' }, ['gamma']],
    [{ propertyName: 'dealname', operator: 'CONTAINS_TOKEN', value: 'gam' }, []],
    [{ propertyName: 'dealname', operator: 'NOT_CONTAINS_TOKEN', value: 'alpha' }, ['Beta', 'gamma']],
  ])('%o finds %o', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected);
  });

  it('a domain is found by a wildcard, an associated record by the pseudo-property', async () => {
    const byMail = await search(
      { filterGroups: [{ filters: [{ propertyName: 'email', operator: 'CONTAINS_TOKEN', value: '*@hubspot.com' }] }] },
      'contacts',
    );
    expect(byMail.body.total).toBe(1);
    expect(await names({ propertyName: 'associations.contact', operator: 'EQ', value: contact })).toEqual(['Beta']);
  });

  it('groups are joined by OR, filters by AND; query looks through the default text', async () => {
    const { body } = await search({
      filterGroups: [
        {
          filters: [
            { propertyName: 'amount', operator: 'EQ', value: '10' },
            { propertyName: 'dealstage', operator: 'EQ', value: 'closedlost' },
          ],
        },
        { filters: [{ propertyName: 'amount', operator: 'EQ', value: '100' }] },
      ],
    });
    expect(body.total).toBe(1);
    expect((await search({ query: 'ALPHA' })).body.total).toBe(2);
  });
});

describe('form', () => {
  const filter = { propertyName: 'amount', operator: 'HAS_PROPERTY' };
  it.each([
    ['six groups', { filterGroups: Array.from({ length: 6 }, () => ({ filters: [filter] })) }],
    ['seven filters in a group', { filterGroups: [{ filters: Array.from({ length: 7 }, () => filter) }] }],
    [
      '19 filters',
      { filterGroups: [5, 5, 5, 4].map((size) => ({ filters: Array.from({ length: size }, () => filter) })) },
    ],
    ['a page of 201', { limit: 201 }],
    ['a page beyond 10,000', { after: '9990', limit: 20 }],
    ['a cursor that is no integer', { after: 'abc' }],
    ['two sorts', { sorts: ['amount', 'dealname'] }],
    ['an unknown property', { filterGroups: [{ filters: [{ propertyName: 'nothing', operator: 'EQ', value: '1' }] }] }],
    [
      'an unknown operator',
      { filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'LIKE', value: '1' }] }] },
    ],
    ['IN without values', { filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'IN', value: '1' }] }] }],
    [
      'BETWEEN without its end',
      { filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'BETWEEN', value: '1' }] }] },
    ],
    ['a body over 3,000 characters', { query: 'x'.repeat(3_000) }],
    ['filters outside of a group', { filters: [filter] }],
  ])('%s is a VALIDATION_ERROR', async (_name, body) => {
    const refused = await search(body);
    expect([refused.status, refused.body.category]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it('results are sorted either way and paged by offset', async () => {
    const page = await search({
      sorts: [{ propertyName: 'amount', direction: 'DESCENDING' }],
      limit: 2,
      properties: ['amount'],
    });
    expect(page.body.total).toBe(4);
    expect(page.body.results.map((one: Json) => one.properties.amount)).toEqual(['100', '10']);
    const next = await search({
      sorts: ['-amount'],
      limit: 2,
      after: page.body.paging.next.after,
      properties: ['amount'],
    });
    expect(next.body.results.map((one: Json) => one.properties.amount)).toEqual(['9', null]);
    expect(next.body.paging).toBeUndefined();
    expect(page.headers.get('x-hubspot-ratelimit-max')).toBeNull();
  });

  it('archived records are not found', async () => {
    const [first] = world.sandbox.control.listRecords(PORTAL, 'deal').results;
    world.sandbox.control.deleteRecord(PORTAL, 'deal', first?.id ?? '');
    expect((await search({})).body.total).toBe(3);
  });
});

it('the index lags: a write is found only after the lag, with the values of then', async () => {
  const lagging = await startWorld({ indexLagMs: 3_000, rateLimits: false });
  const find = async (): Promise<string[]> => {
    const { body } = await lagging.call('POST', '/crm/objects/2026-03/contacts/search', { properties: ['city'] });
    return body.results.map((one: Json) => one.properties.city);
  };
  const { id } = lagging.sandbox.control.createRecord(PORTAL, 'contact', {
    properties: { email: 'a@example.com', city: 'Oslo' },
  });
  expect(await find()).toEqual([]);
  lagging.now.value += 3_000;
  lagging.sandbox.control.editRecord(PORTAL, 'contact', id, { properties: { city: 'Rome' } });
  expect(await find()).toEqual(['Oslo']);
  lagging.now.value += 3_000;
  expect(await find()).toEqual(['Rome']);
  lagging.sandbox.control.deleteRecord(PORTAL, 'contact', id);
  expect(await find()).toEqual(['Rome']);
  lagging.now.value += 3_000;
  expect(await find()).toEqual([]);
  await lagging.close();
});
