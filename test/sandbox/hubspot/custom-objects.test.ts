import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json, PORTAL, type Reply, sandboxApp, startWorld, type World } from './harness.ts';

const SCHEMAS = '/crm-object-schemas/2026-03/schemas';
const LIMIT = '/crm/limits/2026-03/custom-object-types';
const SCOPES = [
  'crm.schemas.custom.read',
  'crm.schemas.custom.write',
  'crm.objects.custom.read',
  'crm.objects.custom.write',
];

let world: World;
beforeEach(async () => {
  const app = sandboxApp('http://127.0.0.1:9');
  world = await startWorld({
    rateLimits: false,
    app: { ...app, optionalScopes: [...app.optionalScopes, ...SCOPES] },
    portals: [{ portalId: PORTAL, customObjectLimit: 2 }],
  });
});
afterEach(() => world.close());

const CAR = {
  name: 'cars',
  labels: { singular: 'Car', plural: 'Cars' },
  description: 'What we sell.',
  primaryDisplayProperty: 'model',
  secondaryDisplayProperties: [],
  requiredProperties: ['vin'],
  searchableProperties: ['model'],
  properties: [
    { name: 'vin', label: 'VIN', type: 'string', fieldType: 'text', hasUniqueValue: true },
    { name: 'model', label: 'Model', type: 'string', fieldType: 'text' },
    { name: 'price', label: 'Price', type: 'number', fieldType: 'number' },
  ],
  associatedObjects: ['CONTACT'],
  allowsSensitiveProperties: false,
  shouldCreateSameObjectAssociation: false,
};
const create = (change: object = {}): Promise<Reply> => world.call('POST', SCHEMAS, { ...CAR, ...change });
const upsert = (type: string, rows: object[]): Promise<Reply> =>
  world.call('POST', `/crm/objects/2026-03/${type}/batch/upsert`, {
    inputs: rows.map((properties) => ({ id: (properties as Json).vin, idProperty: 'vin', properties })),
  });

describe('an object of a portal’s own', () => {
  it('is answered whole when it is made, and later with what is asked for', async () => {
    const made = await create();
    expect(made.status).toBe(201);
    const { objectTypeId, properties, associations } = made.body;
    expect(objectTypeId).toMatch(/^2-\d{7}$/);
    expect(made.body).toMatchObject({ fullyQualifiedName: `p${PORTAL}_cars`, archived: false });
    expect(properties.find(({ name }: Json) => name === 'vin')).toMatchObject({
      hasUniqueValue: true,
      groupName: 'cars_information',
    });
    expect(associations).toContainEqual(
      expect.objectContaining({ fromObjectTypeId: objectTypeId, toObjectTypeId: '0-1', name: 'cars_to_contact' }),
    );
    const [bare] = (await world.call('GET', SCHEMAS)).body.results;
    expect([bare.properties, bare.associations]).toEqual([[], []]);
    const [whole] = (
      await world.call('GET', `${SCHEMAS}?includePropertyDefinitions=true&includeAssociationDefinitions=true`)
    ).body.results;
    expect([whole.properties, whole.associations]).toEqual([properties, associations]);
    for (const word of [objectTypeId, `p${PORTAL}_cars`])
      expect((await world.call('GET', `${SCHEMAS}/${word}`)).body.objectTypeId).toBe(objectTypeId);
    expect((await world.call('GET', LIMIT)).body).toEqual({ limit: 2, usage: 1, percentage: 50 });
  });

  it.each([
    ['its name begins with a digit', { name: '2cars' }],
    ['a key that the spec requires is left out', { allowsSensitiveProperties: undefined }],
    ['a key is unknown', { metaType: 'PORTAL_SPECIFIC' }],
    ['a required property is none of its own', { requiredProperties: ['email'] }],
    ['it is shown by a property that it does not have', { primaryDisplayProperty: 'name' }],
    ['what it is associated with is not there', { associatedObjects: ['2-1'] }],
    ['a property is of a type that is none', { properties: [{ ...CAR.properties[0], type: 'text' }] }],
  ])('is refused when %s, and nothing of it is left', async (_, change) => {
    expect(await create(change)).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
    expect((await world.call('GET', SCHEMAS)).body.results).toEqual([]);
    expect((await create()).status).toBe(201);
  });

  it('has its name to itself, and there are as many as the subscription lets be', async () => {
    await create();
    expect(await create()).toMatchObject({ status: 409, body: { category: 'OBJECT_ALREADY_EXISTS' } });
    expect((await create({ name: 'boats' })).status).toBe(201);
    expect(await create({ name: 'planes' })).toMatchObject({ status: 400 });
  });

  it('is deleted when it has no records, and its name is free once it is deleted for good', async () => {
    const { objectTypeId } = (await create()).body;
    const { id } = (await upsert(objectTypeId, [{ vin: 'A1' }])).body.results[0];
    expect((await world.call('DELETE', `${SCHEMAS}/${objectTypeId}`)).status).toBe(400);
    await world.call('DELETE', `/crm/objects/2026-03/${objectTypeId}/${id}`);
    expect((await world.call('DELETE', `${SCHEMAS}/${objectTypeId}`)).status).toBe(204);
    expect((await world.call('GET', `/crm/objects/2026-03/${objectTypeId}`)).status).toBe(400);
    expect((await create()).status).toBe(409);
    expect((await world.call('GET', `${SCHEMAS}?archived=true`)).body.results).toMatchObject([{ name: 'cars' }]);
    expect((await world.call('DELETE', `${SCHEMAS}/${objectTypeId}?archived=true`)).status).toBe(204);
    expect((await create()).status).toBe(201);
  });

  it('keeps records by a unique property: written twice it is one, and one without what is required is refused', async () => {
    const { objectTypeId } = (await create()).body;
    const first = await upsert(objectTypeId, [{ vin: 'A1', model: 'Roadster' }]);
    const again = await upsert(objectTypeId, [{ vin: 'A1', price: '100' }]);
    expect([first.body.results[0].new, again.body.results[0].new]).toEqual([true, false]);
    expect(again.body.results[0].id).toBe(first.body.results[0].id);
    const read = await world.call('POST', `/crm/objects/2026-03/${objectTypeId}/batch/read`, {
      inputs: [{ id: 'A1' }],
      idProperty: 'vin',
      properties: ['model', 'price'],
    });
    expect(read.body.results[0].properties).toMatchObject({ model: 'Roadster', price: '100' });
    const single = `/crm/objects/2026-03/${objectTypeId}`;
    expect(await world.call('POST', single, { properties: { model: 'None' } })).toMatchObject({ status: 400 });
    expect(await upsert(objectTypeId, [{ vin: 'B2', wheels: '4' }])).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'PROPERTY_DOESNT_EXIST' }] },
    });
    const found = await world.call('POST', `${single}/search`, {
      filterGroups: [{ filters: [{ propertyName: 'price', operator: 'GTE', value: '50' }] }],
      properties: ['vin'],
    });
    expect(found.status).toBe(200);
  });

  it('is tied to what it was associated with, and to nothing else', async () => {
    const { objectTypeId } = (await create()).body;
    const car = (await upsert(objectTypeId, [{ vin: 'A1' }])).body.results[0].id;
    const { control } = world.sandbox;
    const ada = control.createRecord(PORTAL, 'contact', { properties: { email: 'ada@example.com' } }).id;
    const deal = control.createRecord(PORTAL, 'deal', { properties: { dealname: 'A', dealstage: 'closedwon' } }).id;
    const tie = (from: string, to: string, ids: [string, string]) =>
      world.call('POST', `/crm/associations/2026-03/${from}/${to}/batch/associate/default`, {
        inputs: [{ from: { id: ids[0] }, to: { id: ids[1] } }],
      });
    expect((await tie('contacts', objectTypeId, [ada, car])).status).toBe(200);
    expect((await tie('deals', objectTypeId, [deal, car])).body).toMatchObject({
      numErrors: 1,
      errors: [{ category: 'VALIDATION_ERROR' }],
    });
    const read = (from: string, to: string, id: string) =>
      world.call('POST', `/crm/associations/2026-03/${from}/${to}/batch/read`, { inputs: [{ id }] });
    expect((await read(objectTypeId, 'contacts', car)).body.results[0].to[0].toObjectId).toBe(ada);
    const added = { fromObjectTypeId: objectTypeId, toObjectTypeId: '0-3', name: 'car_to_deal' };
    expect((await world.call('POST', `${SCHEMAS}/${objectTypeId}/associations`, added)).status).toBe(201);
    expect((await tie('deals', objectTypeId, [deal, car])).body.numErrors).toBeUndefined();
  });

  it('needs scopes of its own, which an account whose subscription has none of these does not grant', async () => {
    const { control } = world.sandbox;
    control.setUnavailableScopes(PORTAL, SCOPES);
    control.install(PORTAL);
    expect(control.portal(PORTAL).scopes.filter((scope) => SCOPES.includes(scope))).toEqual([]);
  });
});
