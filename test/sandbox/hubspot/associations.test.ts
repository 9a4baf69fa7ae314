import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PORTAL, type Reply, startWorld, type World } from './harness.ts';

const OBJECTS = '/crm/objects/2026-03';
const PAIRS = '/crm/associations/2026-03';

let world: World;
let contact: string;
let other: string;
let deal: string;
beforeEach(async () => {
  world = await startWorld({ rateLimits: false });
  const { control } = world.sandbox;
  contact = control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } }).id;
  other = control.createRecord(PORTAL, 'contact', { properties: { email: 'b@example.com' } }).id;
  // Ids of types collide; a third deal tells them apart.
  for (const dealname of ['x', 'y', 'z']) {
    deal = control.createRecord(PORTAL, 'deal', { properties: { dealname, dealstage: 'contractsent' } }).id;
  }
});
afterEach(() => world.close());

const listed = async (from: string, to = 'deals'): Promise<Array<[string, Array<[number, string | null]>]>> => {
  const { body } = await world.call('GET', `${OBJECTS}/contacts/${from}/associations/${to}`);
  return body.results.map(
    (one: { toObjectId: string; associationTypes: Array<{ typeId: number; label: string | null }> }) => [
      one.toObjectId,
      one.associationTypes.map(({ typeId, label }) => [typeId, label]),
    ],
  );
};

const label = (name: string, from = 'contacts', to = 'deals', inverseLabel?: string): Promise<Reply> =>
  world.call('POST', `${PAIRS}/${from}/${to}/labels`, {
    name,
    label: `Label ${name}`,
    ...(inverseLabel ? { inverseLabel } : {}),
  });

const put = (types: Array<[string, number]>, to = deal): Promise<Reply> =>
  world.call(
    'PUT',
    `${OBJECTS}/contact/${contact}/associations/deal/${to}`,
    types.map(([associationCategory, associationTypeId]) => ({ associationCategory, associationTypeId })),
  );

describe('associations', () => {
  it('the default has type 4 one way and 3 the other, and moves the modified dates', async () => {
    world.now.value += 5_000;
    const made = await world.call('PUT', `${OBJECTS}/contact/${contact}/associations/default/deal/${deal}`);
    expect(made.status).toBe(200);
    expect(made.body.results.map((one: { associationSpec: object }) => one.associationSpec)).toEqual([
      { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 4 },
      { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 },
    ]);
    expect(await listed(contact)).toEqual([[deal, [[4, null]]]]);
    for (const path of [`contacts/${contact}`, `deals/${deal}`]) {
      expect((await world.call('GET', `${OBJECTS}/${path}`)).body.updatedAt).toBe('2026-11-22T10:00:05.000Z');
    }
    const inline = await world.call('GET', `${OBJECTS}/deals/${deal}?associations=contacts`);
    expect(inline.body.associations.contacts.results).toEqual([{ id: contact, type: 'deal_to_contact' }]);
  });

  it('a paired label has two type ids, one per direction', async () => {
    const made = await world.call('POST', `${PAIRS}/contacts/contacts/labels`, {
      name: 'referrer_of',
      label: 'Referrer',
      inverseLabel: 'Referred by',
    });
    expect(made.status).toBe(200);
    const byLabel = Object.fromEntries(
      made.body.results.map((one: { label: string; typeId: number }) => [one.label, one.typeId]),
    );
    await world.call('PUT', `${OBJECTS}/contacts/${contact}/associations/contacts/${other}`, [
      { associationCategory: 'USER_DEFINED', associationTypeId: byLabel.Referrer },
    ]);
    expect(await listed(contact, 'contacts')).toEqual([
      [
        other,
        [
          [449, null],
          [byLabel.Referrer, 'Referrer'],
        ],
      ],
    ]);
    expect(await listed(other, 'contacts')).toEqual([
      [
        contact,
        [
          [449, null],
          [byLabel['Referred by'], 'Referred by'],
        ],
      ],
    ]);
  });

  it('setting a label replaces the custom ones and keeps the default; taking the default takes all', async () => {
    const ids: number[] = [];
    for (const name of ['one', 'two']) {
      const made = await label(name);
      ids.push(made.body.results.find((one: { fromObjectTypeId: string }) => one.fromObjectTypeId === '0-1').typeId);
    }
    const [one = 0, two = 0] = ids;
    const first = await put([['USER_DEFINED', one]]);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      fromObjectTypeId: '0-1',
      fromObjectId: contact,
      toObjectTypeId: '0-3',
      toObjectId: deal,
      labels: ['Label one'],
    });
    await put([['USER_DEFINED', two]]);
    expect(await listed(contact)).toEqual([
      [
        deal,
        [
          [4, null],
          [two, 'Label two'],
        ],
      ],
    ]);
    const remove = (category: string, typeId: number): Promise<Reply> =>
      world.call('POST', `${PAIRS}/contacts/deals/batch/labels/archive`, {
        inputs: [
          {
            from: { id: contact },
            to: { id: deal },
            types: [{ associationCategory: category, associationTypeId: typeId }],
          },
        ],
      });
    const busy = await world.call('DELETE', `${PAIRS}/contacts/deals/labels/${two}`);
    expect(busy.status).toBe(400);
    await remove('USER_DEFINED', two);
    expect(await listed(contact)).toEqual([[deal, [[4, null]]]]);
    expect((await world.call('DELETE', `${PAIRS}/contacts/deals/labels/${two}`)).status).toBe(204);
    await put([['USER_DEFINED', one]]);
    await remove('HUBSPOT_DEFINED', 4);
    expect(await listed(contact)).toEqual([]);
  });

  it('a type of the other direction or another category is refused', async () => {
    for (const type of [
      ['HUBSPOT_DEFINED', 3],
      ['USER_DEFINED', 4],
      ['HUBSPOT_DEFINED', 449],
    ] as Array<[string, number]>) {
      expect((await put([type])).status).toBe(400);
    }
    expect((await put([['HUBSPOT_DEFINED', 4]], '1')).status).toBe(404);
  });

  it('ten labels per pair and no more; default types stay', async () => {
    for (let index = 0; index < 10; index += 1) expect((await label(`l${index}`)).status).toBe(200);
    expect((await label('l10')).status).toBe(400);
    expect((await label('l0', 'deals', 'contacts')).status).toBe(400);
    expect((await world.call('DELETE', `${PAIRS}/contacts/deals/labels/4`)).status).toBe(400);
    expect((await label('1st', 'contacts', 'contacts')).status).toBe(400);
    expect(
      (await world.call('PUT', `${PAIRS}/contacts/deals/labels`, { associationTypeId: 4, label: 'x' })).status,
    ).toBe(400);
  });

  it('a batch read tells records without associations as errors of a 207', async () => {
    await put([['HUBSPOT_DEFINED', 4]]);
    const read = await world.call('POST', `${PAIRS}/contacts/deals/batch/read`, {
      inputs: [{ id: contact }, { id: other }],
    });
    expect(read.status).toBe(207);
    expect(read.body.results).toEqual([
      {
        from: { id: contact },
        to: [{ toObjectId: deal, associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 4, label: null }] }],
      },
    ]);
    expect(read.body.errors[0]).toMatchObject({
      subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
      context: { fromObjectId: [other] },
    });
  });

  it('a batch read of many associations is paged per record', async () => {
    const ids = Array.from({ length: 503 }, (_, index) => {
      const made = world.sandbox.control.createRecord(PORTAL, 'deal', {
        properties: { dealname: `${index}`, dealstage: 'contractsent' },
      });
      world.sandbox.control.associate(PORTAL, { fromType: 'contact', fromId: contact, toType: 'deal', toId: made.id });
      return made.id;
    });
    const seen: string[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const { body } = await world.call('POST', `${PAIRS}/contacts/deals/batch/read`, {
        inputs: [{ id: contact, ...(after ? { after } : {}) }],
      });
      seen.push(...body.results[0].to.map((one: { toObjectId: string }) => one.toObjectId));
      after = body.results[0].paging?.next.after;
      pages += 1;
    } while (after !== undefined);
    expect([pages, seen]).toEqual([2, ids]);
    const tooMany = Array.from({ length: 1_001 }, (_, index) => ({ id: String(index + 1) }));
    expect((await world.call('POST', `${PAIRS}/contacts/deals/batch/read`, { inputs: tooMany })).status).toBe(400);
  });

  it('a batch create makes what it can and tells the rest; 2,001 inputs are refused', async () => {
    const row = (to: string): object => ({
      from: { id: contact },
      to: { id: to },
      types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 4 }],
    });
    const made = await world.call('POST', `${PAIRS}/contacts/deals/batch/create`, { inputs: [row(deal), row('1')] });
    expect(made.status).toBe(207);
    expect([made.body.results.length, made.body.numErrors]).toEqual([1, 1]);
    const inputs = Array.from({ length: 2_001 }, () => row(deal));
    expect((await world.call('POST', `${PAIRS}/contacts/deals/batch/create`, { inputs })).status).toBe(400);
    const gone = await world.call('POST', `${PAIRS}/contacts/deals/batch/archive`, {
      inputs: [{ from: { id: contact }, to: [{ id: deal }] }],
    });
    expect(gone.status).toBe(200);
    expect(await listed(contact)).toEqual([]);
  });

  it('an admin’s cap refuses one association too many', async () => {
    await world.control('PUT', `/portals/${PORTAL}/association-cap`, { typeId: 3, maxToObjectIds: 1 });
    await put([['HUBSPOT_DEFINED', 4]]);
    const second = await world.call('PUT', `${OBJECTS}/deals/${deal}/associations/default/contacts/${other}`);
    expect(second.status).toBe(400);
    expect(second.body.subCategory).toBe('crm.associations.ASSOCIATION_LIMIT_EXCEEDED');
  });

  it('a record has one primary company; a second one takes over when asked', async () => {
    const { control } = world.sandbox;
    const [first, second] = ['A', 'B'].map(
      (name) => control.createRecord(PORTAL, 'company', { properties: { name } }).id,
    );
    for (const id of [first, second])
      await world.call('PUT', `${OBJECTS}/contacts/${contact}/associations/default/companies/${id}`);
    expect(await listed(contact, 'companies')).toEqual([
      [
        first,
        [
          [279, null],
          [1, 'Primary'],
        ],
      ],
      [second, [[279, null]]],
    ]);
    await world.call('PUT', `${OBJECTS}/contacts/${contact}/associations/companies/${second}`, [
      { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 1 },
    ]);
    expect(await listed(contact, 'companies')).toEqual([
      [first, [[279, null]]],
      [
        second,
        [
          [279, null],
          [1, 'Primary'],
        ],
      ],
    ]);
  });

  it('a merge carries the associations over; a deleted record’s are hidden until it is restored', async () => {
    await put([['HUBSPOT_DEFINED', 4]]);
    const merged = await world.call('POST', `${OBJECTS}/contacts/merge`, {
      primaryObjectId: other,
      objectIdToMerge: contact,
    });
    expect(await listed(merged.body.id)).toEqual([[deal, [[4, null]]]]);
    world.sandbox.control.deleteRecord(PORTAL, 'deal', deal);
    expect(await listed(merged.body.id)).toEqual([]);
    world.sandbox.control.restoreRecord(PORTAL, 'deal', deal);
    expect(await listed(merged.body.id)).toEqual([[deal, [[4, null]]]]);
  });

  it('a create with associations links at once, and a bad one creates nothing', async () => {
    const body = (id: string, associationTypeId: number): object => ({
      properties: { dealname: 'n', dealstage: 'contractsent' },
      associations: [{ to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }] }],
    });
    const made = await world.call('POST', `${OBJECTS}/deals`, body(contact, 3));
    expect(await listed(contact)).toEqual([[made.body.id, [[4, null]]]]);
    const before = world.sandbox.control.listRecords(PORTAL, 'deal').total;
    expect((await world.call('POST', `${OBJECTS}/deals`, body(contact, 4))).status).toBe(400);
    expect((await world.call('POST', `${OBJECTS}/deals`, body('1', 3))).status).toBe(400);
    expect(world.sandbox.control.listRecords(PORTAL, 'deal').total).toBe(before);
  });
});
