import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PORTAL, startWorld, type World } from './harness.ts';

const OBJECTS = '/crm/objects/2026-03';

let world: World;
beforeEach(async () => {
  world = await startWorld({ rateLimits: false });
});
afterEach(() => world.close());

async function contact(email: string, more: Record<string, string> = {}): Promise<string> {
  const made = await world.call('POST', `${OBJECTS}/contacts`, { properties: { email, ...more } });
  expect(made.status).toBe(201);
  return made.body.id;
}

async function deal(dealname: string, more: Record<string, string> = {}): Promise<string> {
  const made = await world.call('POST', `${OBJECTS}/deals`, {
    properties: { dealname, dealstage: 'appointmentscheduled', pipeline: 'default', ...more },
  });
  expect(made.status).toBe(201);
  return made.body.id;
}

describe('records', () => {
  it('the official SDK reads back through apiRequest what it wrote', async () => {
    const created = await world.sdk.apiRequest({
      method: 'POST',
      path: `${OBJECTS}/contacts`,
      body: { properties: { email: 'Ada@Example.com', firstname: 'Ada' }, associations: [] },
    });
    expect(created.status).toBe(201);
    const { id } = (await created.json()) as { id: string };
    const read = await world.sdk.apiRequest({
      method: 'GET',
      path: `${OBJECTS}/contacts/${id}?properties=firstname,nothing,jobtitle`,
    });
    const body = (await read.json()) as { properties: Record<string, string | null> };
    expect(body.properties).toEqual({
      createdate: '2026-11-22T10:00:00.000Z',
      firstname: 'Ada',
      hs_object_id: id,
      jobtitle: null,
      lastmodifieddate: '2026-11-22T10:00:00.000Z',
    });
  });

  it('a record answers under the plural, the singular and the type id, and not in another portal', async () => {
    const id = await deal('One');
    for (const word of ['deals', 'deal', '0-3']) {
      expect((await world.call('GET', `${OBJECTS}/${word}/${id}`)).status).toBe(200);
    }
    expect((await world.call('GET', `${OBJECTS}/tickets/${id}`)).body).toMatchObject({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: 'Unable to infer object type from: tickets',
    });
    const gone = await world.call('GET', `${OBJECTS}/deals/999`);
    expect(gone.status).toBe(404);
    expect(gone.body).toMatchObject({ status: 'error', category: 'OBJECT_NOT_FOUND' });
    expect(gone.body.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('ids of different types collide, as they may in HubSpot', async () => {
    expect(await contact('a@example.com')).toBe(await deal('A'));
  });

  it('a contact is read, updated and batch-read by its e-mail', async () => {
    const id = await contact('a@example.com');
    expect((await world.call('GET', `${OBJECTS}/contacts/a%40example.com?idProperty=email`)).body.id).toBe(id);
    const patched = await world.call('PATCH', `${OBJECTS}/contacts/a@example.com?idProperty=email`, {
      properties: { city: 'Oslo' },
    });
    expect(patched.body.properties.city).toBe('Oslo');
    const batch = await world.call('POST', `${OBJECTS}/contacts/batch/read`, {
      idProperty: 'email',
      inputs: [{ id: 'a@example.com' }, { id: 'b@example.com' }],
      properties: ['city'],
    });
    expect(batch.status).toBe(207);
    expect(batch.body).toMatchObject({
      status: 'COMPLETE',
      numErrors: 1,
      errors: [{ status: 'error', category: 'OBJECT_NOT_FOUND', context: { ids: ['b@example.com'] } }],
    });
    expect(batch.body.results[0].properties.city).toBe('Oslo');
    expect((await world.call('GET', `${OBJECTS}/contacts/Oslo?idProperty=city`)).status).toBe(400);
  });

  it('a second contact with an e-mail is refused with 409 and the id of the first', async () => {
    const id = await contact('a@example.com');
    const again = await world.call('POST', `${OBJECTS}/contacts`, { properties: { email: 'A@example.com' } });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ category: 'CONFLICT', message: `Contact already exists. Existing ID: ${id}` });
    expect(again.body.errors[0].code).toBe('CONTACT_EXISTS');
  });

  it('a value of a unique property is refused for a second record', async () => {
    await world.call('POST', '/crm/properties/2026-03/contacts', {
      name: 'referral_uid',
      label: 'Referral',
      groupName: 'contactinformation',
      type: 'string',
      fieldType: 'text',
      hasUniqueValue: true,
    });
    await contact('a@example.com', { referral_uid: 'u1' });
    const again = await world.call('POST', `${OBJECTS}/contacts`, {
      properties: { email: 'b@example.com', referral_uid: 'u1' },
    });
    expect(again.status).toBe(400);
    expect(again.body.errors[0].code).toBe('CONFLICTING_UNIQUE_VALUE');
  });

  it.each([
    ['an unknown property', { nothing: 'x' }, 'PROPERTY_DOESNT_EXIST'],
    ['a read-only property', { hs_is_closed_won: 'true' }, 'READ_ONLY_VALUE'],
    ['a number that is none', { amount: '1,000' }, 'INVALID_INTEGER'],
    ['a date that is none', { closedate: 'tomorrow' }, 'INVALID_LONG'],
    ['an option that is none', { dealtype: 'old' }, 'INVALID_OPTION'],
    ['a stage of no pipeline', { dealstage: 'nowhere' }, 'INVALID_OPTION'],
    ['a pipeline that is none', { pipeline: 'nowhere' }, 'INVALID_OPTION'],
    ['an owner that is none', { hubspot_owner_id: '1' }, 'INVALID_OPTION'],
    ['a currency the account does not have', { deal_currency_code: 'JPY' }, 'INVALID_OPTION'],
  ])('%s is refused and nothing is written', async (_name, properties, code) => {
    const id = await deal('One');
    const refused = await world.call('PATCH', `${OBJECTS}/deals/${id}`, {
      properties: { dealname: 'Two', ...properties },
    });
    expect(refused.status).toBe(400);
    expect(refused.body.category).toBe('VALIDATION_ERROR');
    expect(refused.body.message).toMatch(/^Property values were not valid: \[\{"isValid":false/);
    expect(refused.body.errors[0].code).toBe(code);
    expect(refused.body.errors[0].context.propertyName).toEqual([Object.keys(properties)[0]]);
    expect((await world.call('GET', `${OBJECTS}/deals/${id}`)).body.properties.dealname).toBe('One');
  });

  it('gathers the users of a record’s owner itself, and lets nobody write them', async () => {
    const id = await deal('Owned');
    const patch = (properties: Record<string, string>) => world.call('PATCH', `${OBJECTS}/deals/${id}`, { properties });
    const usersOf = async () =>
      (await world.call('GET', `${OBJECTS}/deals/${id}?properties=hs_user_ids_of_all_owners`)).body.properties
        .hs_user_ids_of_all_owners;
    const [owner] = (await world.call('GET', '/crm/owners/2026-03')).body.results;
    await patch({ hubspot_owner_id: owner.id });
    expect(await usersOf()).toBe(String(owner.userId));
    expect((await patch({ hs_user_ids_of_all_owners: '1' })).body.errors[0].code).toBe('READ_ONLY_VALUE');
    await patch({ hubspot_owner_id: '' });
    expect(await usersOf()).toBeNull();
  });

  it.each([
    ['values that are not strings', { properties: { amount: 5 } }],
    ['unknown keys', { properties: {}, extra: true }],
    ['a body without properties', {}],
  ])('%s are a VALIDATION_ERROR', async (_name, body) => {
    const id = await deal('One');
    const refused = await world.call('PATCH', `${OBJECTS}/deals/${id}`, body);
    expect(refused.status).toBe(400);
    expect(refused.body.category).toBe('VALIDATION_ERROR');
    expect(refused.body.message).toMatch(/^Invalid input JSON/);
  });

  it('an unknown query parameter is refused', async () => {
    expect((await world.call('GET', `${OBJECTS}/deals?propertys=amount`)).status).toBe(400);
  });

  it.each([
    ['deals', { dealname: 'x' }],
    ['deals', { dealstage: 'closedwon' }],
    ['companies', { city: 'Oslo' }],
    ['contacts', { city: 'Oslo' }],
  ])('creating %s without its required properties is refused (%o)', async (type, properties) => {
    const scoped = type === 'companies' ? world.sandbox.control : undefined;
    if (scoped) {
      expect(() => scoped.createRecord(PORTAL, type, { properties })).toThrow(/required/);
      return;
    }
    expect((await world.call('POST', `${OBJECTS}/${type}`, { properties })).body.message).toMatch(/required/);
  });

  it('winning a deal sets the close date, the calculated properties and the history', async () => {
    const id = await deal('One', { amount: '100' });
    world.now.value += 60_000;
    await world.call('PATCH', `${OBJECTS}/deals/${id}`, { properties: { dealstage: 'closedwon' } });
    const read = await world.call(
      'GET',
      `${OBJECTS}/deals/${id}?properties=hs_is_closed_won&properties=closedate&propertiesWithHistory=dealstage`,
    );
    expect(read.body.properties).toMatchObject({
      hs_is_closed_won: 'true',
      closedate: '2026-11-22T10:01:00.000Z',
      hs_lastmodifieddate: '2026-11-22T10:01:00.000Z',
    });
    expect(read.body.propertiesWithHistory.dealstage).toEqual([
      { value: 'closedwon', timestamp: '2026-11-22T10:01:00.000Z', sourceType: 'INTEGRATION', sourceId: '50780459' },
      {
        value: 'appointmentscheduled',
        timestamp: '2026-11-22T10:00:00.000Z',
        sourceType: 'INTEGRATION',
        sourceId: '50780459',
      },
    ]);
  });

  it('a user’s edit is CRM_UI with the user in the history', async () => {
    const id = await deal('One');
    world.now.value += 1;
    world.sandbox.control.editRecord(PORTAL, 'deal', id, { properties: { amount: '7' }, userId: 10_202_052 });
    const read = await world.call('GET', `${OBJECTS}/deals/${id}?propertiesWithHistory=amount`);
    expect(read.body.propertiesWithHistory.amount[0]).toEqual({
      value: '7',
      timestamp: '2026-11-22T10:00:00.001Z',
      sourceType: 'CRM_UI',
      sourceId: 'userId:10202052',
      updatedByUserId: 10_202_052,
    });
  });

  it('history keeps the newest 20 revisions of a deal and 45 of a contact', async () => {
    const dealId = await deal('One');
    const contactId = await contact('a@example.com');
    for (let value = 1; value <= 60; value += 1) {
      world.now.value += 1;
      world.sandbox.control.editRecord(PORTAL, 'deal', dealId, { properties: { amount: String(value) } });
      world.sandbox.control.editRecord(PORTAL, 'contact', contactId, { properties: { city: String(value) } });
    }
    const amounts = (await world.call('GET', `${OBJECTS}/deals/${dealId}?propertiesWithHistory=amount`)).body
      .propertiesWithHistory.amount;
    expect(amounts).toHaveLength(20);
    expect([amounts[0].value, amounts[19].value]).toEqual(['60', '41']);
    const cities = (await world.call('GET', `${OBJECTS}/contacts/${contactId}?propertiesWithHistory=city`)).body
      .propertiesWithHistory.city;
    expect(cities).toHaveLength(45);
  });

  it('writing the value that is there changes nothing and moves no date', async () => {
    const id = await deal('One', { amount: '5' });
    world.now.value += 1_000;
    await world.call('PATCH', `${OBJECTS}/deals/${id}`, { properties: { amount: '5' } });
    expect((await world.call('GET', `${OBJECTS}/deals/${id}`)).body.updatedAt).toBe('2026-11-22T10:00:00.000Z');
  });

  it('an empty string clears a value; a lifecycle stage never goes back by itself', async () => {
    const id = await contact('a@example.com', { city: 'Oslo', lifecyclestage: 'customer' });
    await world.call('PATCH', `${OBJECTS}/contacts/${id}`, { properties: { city: '', lifecyclestage: 'lead' } });
    const read = await world.call('GET', `${OBJECTS}/contacts/${id}?properties=city,lifecyclestage`);
    expect(read.body.properties).toMatchObject({ city: null, lifecyclestage: 'customer' });
    await world.call('PATCH', `${OBJECTS}/contacts/${id}`, { properties: { lifecyclestage: '' } });
    await world.call('PATCH', `${OBJECTS}/contacts/${id}`, { properties: { lifecyclestage: 'lead' } });
    const after = await world.call('GET', `${OBJECTS}/contacts/${id}?properties=lifecyclestage`);
    expect(after.body.properties.lifecyclestage).toBe('lead');
  });

  it('a list is paged to its end without a gap, archived records apart', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 25; index += 1) ids.push(await deal(`Deal ${index}`));
    await world.call('DELETE', `${OBJECTS}/deals/${ids[3]}`);
    const seen: string[] = [];
    let after = '';
    do {
      const page = await world.call('GET', `${OBJECTS}/deals?limit=7${after && `&after=${after}`}`);
      seen.push(...page.body.results.map((one: { id: string }) => one.id));
      after = page.body.paging?.next.after ?? '';
    } while (after !== '');
    expect(seen).toEqual(ids.filter((_, index) => index !== 3));
    const archived = await world.call('GET', `${OBJECTS}/deals?archived=true`);
    expect(archived.body.results.map((one: { id: string }) => one.id)).toEqual([ids[3]]);
    expect(archived.body.results[0].archivedAt).toBeDefined();
    expect((await world.call('GET', `${OBJECTS}/deals/${ids[3]}`)).status).toBe(404);
    expect((await world.call('GET', `${OBJECTS}/deals/${ids[3]}?archived=true`)).status).toBe(200);
  });
});

describe('batches', () => {
  it('101 inputs are refused, 100 are done', async () => {
    const input = (index: number): object => ({ properties: { email: `m${index}@example.com` } });
    const many = await world.call('POST', `${OBJECTS}/contacts/batch/create`, {
      inputs: Array.from({ length: 101 }, (_, index) => input(index)),
    });
    expect(many.status).toBe(400);
    const full = await world.call('POST', `${OBJECTS}/contacts/batch/create`, {
      inputs: Array.from({ length: 100 }, (_, index) => input(index)),
    });
    expect(full.status).toBe(201);
    expect(full.body.results).toHaveLength(100);
  });

  it('with property history a read takes 50 records and no more', async () => {
    const inputs = Array.from({ length: 51 }, (_, index) => ({ id: String(index + 1) }));
    const read = (some: object[]): Promise<{ status: number }> =>
      world.call('POST', `${OBJECTS}/deals/batch/read`, { inputs: some, propertiesWithHistory: ['dealstage'] });
    expect((await read(inputs)).status).toBe(400);
    expect((await read(inputs.slice(0, 50))).status).toBe(207);
    expect((await world.call('GET', `${OBJECTS}/deals?limit=51&propertiesWithHistory=dealstage`)).status).toBe(400);
  });

  it('without trace ids one bad row refuses a whole create, with them the good rows are made', async () => {
    const rows = [{ properties: { email: 'a@example.com' } }, { properties: { email: 'b@example.com', missing: '1' } }];
    const refused = await world.call('POST', `${OBJECTS}/contacts/batch/create`, { inputs: rows });
    expect(refused.status).toBe(400);
    expect((await world.call('GET', `${OBJECTS}/contacts`)).body.results).toEqual([]);
    const partial = await world.call('POST', `${OBJECTS}/contacts/batch/create`, {
      inputs: rows.map((row, index) => ({ ...row, objectWriteTraceId: `t${index}` })),
    });
    expect(partial.status).toBe(207);
    expect(partial.body).toMatchObject({
      numErrors: 1,
      results: [{ objectWriteTraceId: 't0' }],
      errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['t1'] } }],
    });
  });

  it('a batch update tells missing ids in a 207 and writes the others', async () => {
    const id = await deal('One');
    const updated = await world.call('POST', `${OBJECTS}/deals/batch/update`, {
      inputs: [
        { id, properties: { amount: '9' } },
        { id: '12345', properties: { amount: '9' } },
      ],
    });
    expect(updated.status).toBe(207);
    expect(updated.body.errors[0].context.ids).toEqual(['12345']);
    expect(updated.body.results[0].properties.amount).toBe('9');
  });

  it('an update with the same id twice is refused', async () => {
    const id = await deal('One');
    const input = { id, properties: { amount: '1' } };
    expect((await world.call('POST', `${OBJECTS}/deals/batch/update`, { inputs: [input, input] })).status).toBe(400);
  });

  it('an upsert by e-mail makes one and updates the other, and fails whole', async () => {
    const id = await contact('a@example.com');
    const done = await world.call('POST', `${OBJECTS}/contacts/batch/upsert`, {
      inputs: [
        { idProperty: 'email', id: 'a@example.com', properties: { city: 'Oslo' } },
        { idProperty: 'email', id: 'b@example.com', properties: { city: 'Rome' } },
      ],
    });
    expect(done.status).toBe(200);
    expect(done.body.results.map((one: { new: boolean }) => one.new)).toEqual([false, true]);
    expect(done.body.results[0].id).toBe(id);
    const bad = await world.call('POST', `${OBJECTS}/contacts/batch/upsert`, {
      inputs: [
        { idProperty: 'email', id: 'c@example.com', objectWriteTraceId: '1', properties: {} },
        { idProperty: 'email', id: 'd@example.com', objectWriteTraceId: '2', properties: { missing: '' } },
      ],
    });
    expect(bad.status).toBe(400);
    expect((await world.call('GET', `${OBJECTS}/contacts/c@example.com?idProperty=email`)).status).toBe(404);
    expect(
      (await world.call('POST', `${OBJECTS}/contacts/batch/upsert`, { inputs: [{ id: 'x', properties: {} }] })).status,
    ).toBe(400);
  });

  it('archiving is done once and told as 204 again', async () => {
    const id = await deal('One');
    const archive = (): Promise<{ status: number }> =>
      world.call('POST', `${OBJECTS}/deals/batch/archive`, { inputs: [{ id }, { id: '77' }] });
    expect((await archive()).status).toBe(204);
    expect((await archive()).status).toBe(204);
    expect((await world.call('DELETE', `${OBJECTS}/deals/${id}`)).status).toBe(204);
  });
});

describe('merges and privacy', () => {
  it('a merge makes a new id; old ids lead to it in single calls and fail in a batch update', async () => {
    const first = await contact('a@example.com', { firstname: 'Ada' });
    world.now.value += 1_000;
    const second = await contact('b@example.com', { city: 'Oslo' });
    const merged = await world.call('POST', `${OBJECTS}/contacts/merge`, {
      primaryObjectId: first,
      objectIdToMerge: second,
    });
    expect(merged.status).toBe(200);
    const { id } = merged.body;
    expect([first, second]).not.toContain(id);
    expect(merged.body.properties).toMatchObject({
      email: 'a@example.com',
      hs_additional_emails: 'b@example.com',
      firstname: 'Ada',
      city: 'Oslo',
      hs_merged_object_ids: `${first};${second}`,
    });
    for (const old of [first, second]) {
      expect((await world.call('GET', `${OBJECTS}/contacts/${old}`)).body.id).toBe(id);
      expect((await world.call('PATCH', `${OBJECTS}/contacts/${old}`, { properties: { zip: old } })).body.id).toBe(id);
    }
    const batch = await world.call('POST', `${OBJECTS}/contacts/batch/update`, {
      inputs: [{ id: first, properties: { zip: '1' } }],
    });
    expect(batch.status).toBe(207);
    expect(batch.body.results).toEqual([]);
    const taken = await world.call('POST', `${OBJECTS}/contacts`, { properties: { email: 'b@example.com' } });
    expect(taken.status).toBe(409);
  });

  it('what a batch read makes of a merged id can be had both ways', async () => {
    const [first, second] = [await deal('A'), await deal('B')];
    const { id } = (
      await world.call('POST', `${OBJECTS}/deals/merge`, { primaryObjectId: first, objectIdToMerge: second })
    ).body;
    const read = (): Promise<{ status: number; body: { results: Array<{ id: string }> } }> =>
      world.call('POST', `${OBJECTS}/deals/batch/read`, { inputs: [{ id: first }] });
    expect((await read()).status).toBe(207);
    world.sandbox.control.setMergedBatchRead('resolve');
    expect((await read()).body.results[0]?.id).toBe(id);
  });

  it('a merged deal keeps both histories and the primary’s stage', async () => {
    const first = await deal('A');
    world.now.value += 1_000;
    const second = await deal('B', { dealstage: 'closedwon' });
    world.now.value += 1_000;
    const merged = await world.call('POST', `${OBJECTS}/deals/merge`, {
      primaryObjectId: first,
      objectIdToMerge: second,
    });
    const read = await world.call('GET', `${OBJECTS}/deals/${merged.body.id}?propertiesWithHistory=dealstage`);
    expect(read.body.properties.dealstage).toBe('appointmentscheduled');
    expect(
      read.body.propertiesWithHistory.dealstage.map((one: { value: string; sourceType: string }) => [
        one.value,
        one.sourceType,
      ]),
    ).toEqual([
      ['appointmentscheduled', 'MERGE_OBJECTS'],
      ['closedwon', 'INTEGRATION'],
      ['appointmentscheduled', 'INTEGRATION'],
    ]);
  });

  it('a privacy deletion takes the contact for good and bans the address', async () => {
    const id = await contact('a@example.com');
    const gone = await world.call('POST', `${OBJECTS}/contacts/gdpr-delete`, {
      objectId: 'a@example.com',
      idProperty: 'email',
    });
    expect(gone.status).toBe(204);
    expect((await world.call('GET', `${OBJECTS}/contacts/${id}?archived=true`)).status).toBe(404);
    expect((await world.call('POST', `${OBJECTS}/contacts`, { properties: { email: 'a@example.com' } })).status).toBe(
      400,
    );
    expect((await world.call('POST', `${OBJECTS}/deals/gdpr-delete`, { objectId: id })).status).toBe(405);
  });

  it('only the dated paths are there', async () => {
    for (const path of [
      '/crm/v3/objects/contacts',
      '/crm/v4/objects/contacts/1/associations/deals',
      '/oauth/v1/token',
      '/crm/objects/2026-09/contacts',
    ]) {
      expect((await world.call('GET', path)).status).toBe(404);
    }
  });
});

describe('tasks', () => {
  const TASK = {
    hs_timestamp: '2026-11-24T09:00:00.000Z',
    hs_task_subject: 'Review a reward',
    hs_task_body: 'Somebody has to say yes or no.',
    hs_task_status: 'NOT_STARTED',
    hs_task_priority: 'HIGH',
    hs_task_type: 'TODO',
  };
  const on = (id: string, associationTypeId: number) => ({
    to: { id },
    types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }],
  });

  it('are created on a contact and a deal, found by their title once the index has them, and completed', async () => {
    await world.close();
    world = await startWorld({ rateLimits: false, indexLagMs: 3_000 });
    const [who, what] = [await contact('ada@example.com'), await deal('One')];
    const made = await world.call('POST', `${OBJECTS}/tasks`, {
      properties: TASK,
      associations: [on(who, 204), on(what, 216)],
    });
    expect(made).toMatchObject({ status: 201, body: { properties: TASK } });
    const { id } = made.body;
    const filters = [{ propertyName: 'hs_task_subject', operator: 'EQ', value: TASK.hs_task_subject }];
    const found = async () =>
      (
        await world.call('POST', `${OBJECTS}/tasks/search`, {
          filterGroups: [{ filters }],
          sorts: [],
          properties: ['hs_task_status'],
          limit: 10,
          after: '0',
        })
      ).body.total;
    expect(await found()).toBe(0);
    world.now.value += 10_000;
    expect(await found()).toBe(1);
    const done = await world.call('PATCH', `${OBJECTS}/tasks/${id}`, { properties: { hs_task_status: 'COMPLETED' } });
    expect(done.body.properties.hs_task_status).toBe('COMPLETED');
    const read = await world.call('GET', `${OBJECTS}/tasks/${id}?associations=contacts,deals`);
    expect(read.body.associations).toMatchObject({
      contacts: { results: [{ id: who }] },
      deals: { results: [{ id: what }] },
    });
  });

  it.each([
    ['no due date', { hs_timestamp: '' }],
    ['a status that there is not', { hs_task_status: 'DONE' }],
    ['a priority that there is not', { hs_task_priority: 'URGENT' }],
    ['an owner that there is not', { hubspot_owner_id: '1' }],
    ['a property of something else', { dealname: 'One' }],
  ])('are refused with %s', async (_, change) => {
    expect((await world.call('POST', `${OBJECTS}/tasks`, { properties: { ...TASK, ...change } })).status).toBe(400);
  });

  it('are refused on a record that is not there, and by an association that leads elsewhere', async () => {
    const who = await contact('ada@example.com');
    const create = (association: object) =>
      world.call('POST', `${OBJECTS}/tasks`, { properties: TASK, associations: [association] });
    expect((await create(on('999', 204))).status).toBe(400);
    expect((await create(on(who, 216))).status).toBe(400);
    expect((await create(on(who, 4))).status).toBe(400);
  });
});
