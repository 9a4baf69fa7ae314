import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json, PORTAL, startWorld, type World } from './harness.ts';

const PIPELINES = '/crm/pipelines/2026-03/deals';
const PROPERTIES = '/crm/properties/2026-03/contacts';

let world: World;
beforeEach(async () => {
  world = await startWorld({ rateLimits: false });
});
afterEach(() => world.close());

const stage = (label: string, probability: string, more: object = {}): object => ({
  label,
  displayOrder: 0,
  metadata: { probability },
  ...more,
});

describe('pipelines', () => {
  it('the default pipeline has its won stage in the metadata, as strings', async () => {
    const { body } = await world.call('GET', PIPELINES);
    const won = body.results[0].stages.filter(
      (one: Json) => one.metadata.isClosed === 'true' && Number(one.metadata.probability) === 1,
    );
    expect(won.map((one: Json) => one.id)).toEqual(['closedwon']);
    expect(body.results[0].stages[0]).toMatchObject({
      writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
      archived: false,
    });
    expect((await world.call('GET', '/crm/pipelines/2026-03/contacts')).body).toEqual({ results: [] });
  });

  it('a pipeline of the customer’s own wins under its own stage id', async () => {
    const made = await world.call('POST', PIPELINES, {
      label: 'Renewals',
      displayOrder: 1,
      stages: [stage('Talking', '0.5'), stage('Signed', '1.0', { stageId: 'signed_9' }), stage('Gone', '0.0')],
    });
    expect(made.status).toBe(201);
    expect(made.body.stages.find((one: Json) => one.label === 'Signed').metadata).toEqual({
      probability: '1.0',
      isClosed: 'true',
    });
    const deal = await world.call('POST', '/crm/objects/2026-03/deals', {
      properties: { dealname: 'x', pipeline: made.body.id, dealstage: 'signed_9' },
    });
    expect(deal.body.properties.hs_is_closed_won).toBe('true');
    const other = await world.call('PATCH', `/crm/objects/2026-03/deals/${deal.body.id}`, {
      properties: { dealstage: 'closedwon' },
    });
    expect(other.status).toBe(400);
    const moved = await world.call('PATCH', `/crm/objects/2026-03/deals/${deal.body.id}`, {
      properties: { dealstage: 'contractsent', pipeline: 'default' },
    });
    expect(moved.status).toBe(200);
  });

  it.each([
    [
      'a stage without probability',
      { label: 'P', displayOrder: 1, stages: [{ label: 'a', displayOrder: 0, metadata: {} }] },
    ],
    ['a probability over one', { label: 'P', displayOrder: 1, stages: [stage('a', '1.5')] }],
    ['two stages of one label', { label: 'P', displayOrder: 1, stages: [stage('a', '0.1'), stage('a', '0.2')] }],
    [
      '101 stages',
      { label: 'P', displayOrder: 1, stages: Array.from({ length: 101 }, (_, index) => stage(`s${index}`, '0.1')) },
    ],
    ['a label that is taken', { label: 'Sales Pipeline', displayOrder: 1, stages: [] }],
    [
      'metadata that is not text',
      { label: 'P', displayOrder: 1, stages: [{ label: 'a', displayOrder: 0, metadata: { probability: 0.1 } }] },
    ],
  ])('%s is refused', async (_name, body) => {
    expect((await world.call('POST', PIPELINES, body)).status).toBe(400);
  });

  it('a stage in use stays, a renamed one keeps its id, an unused one goes', async () => {
    const { id } = world.sandbox.control.createRecord(PORTAL, 'deal', {
      properties: { dealname: 'x', dealstage: 'contractsent' },
    });
    const used = await world.call('DELETE', `${PIPELINES}/default/stages/contractsent`);
    expect(used.status).toBe(400);
    expect(used.body).toMatchObject({
      subCategory: 'PipelineError.STAGE_ID_IN_USE',
      context: { objectIds: [`[${id}]`] },
    });
    const renamed = await world.call('PATCH', `${PIPELINES}/default/stages/contractsent`, {
      label: 'Paper',
      metadata: {},
    });
    expect(renamed.body).toMatchObject({ id: 'contractsent', label: 'Paper', metadata: { probability: '0.9' } });
    expect((await world.call('DELETE', `${PIPELINES}/default/stages/qualifiedtobuy`)).status).toBe(204);
    expect((await world.call('DELETE', `${PIPELINES}/default?validateReferencesBeforeDelete=true`)).status).toBe(400);
    const audit = await world.call('GET', `${PIPELINES}/default/stages/contractsent/audit`);
    expect(audit.body.results[0].action).toBe('UPDATE');
  });
});

describe('properties', () => {
  const property = (name: string, more: object = {}): object => ({
    name,
    label: name,
    groupName: 'contactinformation',
    type: 'string',
    fieldType: 'text',
    ...more,
  });

  it('a group and its properties are made once; a second time is a conflict', async () => {
    const group = { name: 'referrals', label: 'Referrals' };
    expect((await world.call('POST', `${PROPERTIES}/groups`, group)).status).toBe(201);
    expect((await world.call('POST', `${PROPERTIES}/groups`, group)).status).toBe(409);
    const made = await world.call('POST', PROPERTIES, property('referral_code', { groupName: 'referrals' }));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'referral_code',
      hubspotDefined: false,
      modificationMetadata: { readOnlyValue: false },
    });
    const again = await world.call('POST', PROPERTIES, property('referral_code', { groupName: 'referrals' }));
    expect([again.status, again.body.subCategory]).toEqual([409, 'Properties.PROPERTY_EXISTS']);
    expect((await world.call('DELETE', `${PROPERTIES}/groups/referrals`)).status).toBe(400);
  });

  it.each([
    ['an unknown group', { groupName: 'nothing' }],
    ['a field type of another type', { type: 'number', fieldType: 'text' }],
    ['an enumeration without options', { type: 'enumeration', fieldType: 'select' }],
    ['a name with capitals', { name: 'Referral' }],
    ['an unknown key', { unique: true }],
  ])('%s is refused', async (_name, more) => {
    expect((await world.call('POST', PROPERTIES, property('referral', more))).status).toBe(400);
  });

  it('ten properties with unique values, and no eleventh', async () => {
    const inputs = Array.from({ length: 11 }, (_, index) => property(`uid_${index}`, { hasUniqueValue: true }));
    const made = await world.call('POST', `${PROPERTIES}/batch/create`, { inputs });
    expect([made.status, made.body.results.length, made.body.numErrors]).toEqual([207, 10, 1]);
    expect(made.body.errors[0].context.name).toEqual(['uid_10']);
  });

  it('HubSpot’s own properties cannot be changed; an archived one is gone from records and lists', async () => {
    expect((await world.call('PATCH', `${PROPERTIES}/email`, { label: 'x' })).status).toBe(400);
    await world.call('POST', PROPERTIES, property('tier'));
    expect((await world.call('PATCH', `${PROPERTIES}/tier`, { label: 'Tier' })).body.label).toBe('Tier');
    expect((await world.call('DELETE', `${PROPERTIES}/tier`)).status).toBe(204);
    expect((await world.call('DELETE', `${PROPERTIES}/tier`)).status).toBe(204);
    expect((await world.call('GET', `${PROPERTIES}/tier`)).status).toBe(404);
    expect((await world.call('GET', `${PROPERTIES}/tier?archived=true`)).status).toBe(200);
    const read = await world.call('POST', `${PROPERTIES}/batch/read`, {
      archived: false,
      inputs: [{ name: 'email' }, { name: 'tier' }],
    });
    expect([read.status, read.body.results[0].name]).toEqual([207, 'email']);
    const write = await world.call('POST', '/crm/objects/2026-03/contacts', {
      properties: { email: 'a@example.com', tier: '1' },
    });
    expect(write.body.errors[0].code).toBe('PROPERTY_DOESNT_EXIST');
  });

  it('stages and currencies are the options of their properties', async () => {
    const options = async (name: string): Promise<string[]> => {
      const { body } = await world.call('GET', `/crm/properties/2026-03/deals/${name}`);
      return body.options.map((one: Json) => one.value);
    };
    expect(await options('dealstage')).toContain('closedwon');
    expect(await options('deal_currency_code')).toEqual(['USD', 'EUR']);
  });
});
