import nock from 'nock';
import { afterEach, describe, expect, test } from 'vitest';
import { batchOf, createHarness, faultFrom, hubspotError, NOW, recordOf } from './harness.ts';

const DEALS = '/crm/objects/2026-03/deals/batch/read';
const CONTACTS = '/crm/objects/2026-03/contacts/batch/read';
const DEAL_CONTACTS = '/crm/associations/2026-03/deals/contacts/batch/read';
const CONTACT_CONTACTS = '/crm/associations/2026-03/contacts/contacts/batch/read';
const NOT_FOUND = hubspotError('resource not found', { category: 'OBJECT_NOT_FOUND' });

interface BatchBody {
  inputs: { id: string; after?: string }[];
  properties: string[];
  propertiesWithHistory: string[];
}

afterEach(() => {
  const pending = nock.pendingMocks();
  nock.cleanAll();
  expect(pending).toEqual([]);
});

function dealOf(id: string, more: Record<string, string> = {}) {
  const history = (value: string) => [{ value, timestamp: new Date(NOW).toISOString(), sourceType: 'CRM_UI' }];
  return recordOf(
    id,
    { dealname: `Deal ${id}`, dealstage: 's1', pipeline: 'p1', ...more },
    { propertiesWithHistory: { dealstage: history('s1'), pipeline: history('p1') } },
  );
}

function linksOf(from: string, to: string[], { after, label = null }: { after?: string; label?: string | null } = {}) {
  return {
    from: { id: from },
    to: to.map((id) => ({
      toObjectId: Number(id),
      associationTypes: [
        { category: 'HUBSPOT_DEFINED', typeId: 3, label: null },
        ...(label ? [{ category: 'USER_DEFINED', typeId: 36, label }] : []),
      ],
    })),
    ...(after ? { paging: { next: { after, link: 'x' } } } : {}),
  };
}

describe('deals', () => {
  test('are read with their history in batches of at most 50, which is HubSpot’s limit for histories', async () => {
    const { session, api } = createHarness();
    const sizes: number[] = [];
    api
      .post(DEALS)
      .times(3)
      .reply(200, async (request: Request) => {
        const body = await request.json();
        const { inputs, propertiesWithHistory } = body as BatchBody;
        sizes.push(inputs.length);
        expect(propertiesWithHistory).toEqual(['dealstage', 'pipeline', 'amount', 'deal_currency_code']);
        return batchOf(inputs.map(({ id }) => dealOf(id)));
      });
    api.post(DEAL_CONTACTS).reply(200, batchOf([]));
    const ids = Array.from({ length: 120 }, (_, index) => String(index + 1));
    const deals = await session.readDeals([...ids, ...ids]);
    expect(sizes).toEqual([50, 50, 20]);
    expect(deals.map(({ ref }) => ref.id).sort()).toEqual([...ids].sort());
  });

  test('come with their probability and close date, whose histories nobody asks for', async () => {
    const { session, api } = createHarness();
    const expected = {
      hs_deal_stage_probability: '0.200000000000000011102230246251565404',
      closedate: '2026-12-31T10:00:00Z',
    };
    api.post(DEALS).reply(200, async (request: Request) => {
      const { properties, propertiesWithHistory } = (await request.json()) as BatchBody;
      expect(properties).toEqual(expect.arrayContaining(Object.keys(expected)));
      for (const name of Object.keys(expected)) expect(propertiesWithHistory).not.toContain(name);
      return batchOf([dealOf('1', expected), dealOf('2', { hs_deal_stage_probability: '', closedate: '' })]);
    });
    api.post(DEAL_CONTACTS).reply(200, batchOf([]));
    expect((await session.readDeals(['1', '2'])).map(({ prospect }) => prospect)).toEqual([
      { chance: 2_000, closesAt: Date.UTC(2026, 11, 31, 10) },
      { chance: null, closesAt: null },
    ]);
  });

  test('that HubSpot does not name in its answer are looked at singly: deleted, archived, merged or just late', async () => {
    const { session, api } = createHarness();
    api
      .post(DEALS)
      .reply(
        207,
        batchOf(
          [dealOf('1')],
          [{ status: 'error', category: 'OBJECT_NOT_FOUND', message: 'x', context: { ids: ['2', '3', '4'] } }],
        ),
      );
    const single = (id: string) => api.get(`/crm/objects/2026-03/deals/${id}`).query(true);
    single('2').reply(404, NOT_FOUND);
    single('3').reply(200, { ...dealOf('3'), archived: true });
    single('4').reply(200, dealOf('9', { hs_merged_object_ids: '4;5' }));
    single('6').reply(200, dealOf('6'));
    api.post(DEAL_CONTACTS).reply(200, async (request: Request) => {
      const body = await request.json();
      expect((body as BatchBody).inputs.map(({ id }) => id).sort()).toEqual(['1', '6', '9']);
      return batchOf([linksOf('9', ['77', '77'])]);
    });
    const deals = await session.readDeals(['1', '2', '3', '4', '6']);
    const seen = deals.map(({ ref, presence, formerIds, contactIds }) => [ref.id, presence, formerIds, contactIds]);
    expect(seen.sort()).toEqual([
      ['1', 'present', [], []],
      ['2', 'deleted', [], []],
      ['3', 'deleted', [], []],
      ['6', 'present', [], []],
      ['9', 'present', ['4', '5'], ['77']],
    ]);
  });

  test('that were merged come once, with every old id, however many of their ids were asked for', async () => {
    const { session, api } = createHarness();
    const merged = dealOf('9', { hs_merged_object_ids: '4;5' });
    api.post(DEALS).reply(200, batchOf([merged]));
    api.post(DEAL_CONTACTS).reply(200, batchOf([]));
    const deals = await session.readDeals(['4', '9', '5']);
    expect(deals).toMatchObject([{ ref: { id: '9' }, presence: 'present', formerIds: ['4', '5'] }]);
  });

  test('are never taken for deleted because a read failed', async () => {
    for (const [status, answer] of [
      [500, hubspotError('x')],
      [404, '<html>no such page</html>'],
      [404, { message: 'no route', category: 'ROUTE_NOT_FOUND' }],
      [429, hubspotError('x')],
      [200, '{"id":'],
    ] as const) {
      const { session, api } = createHarness();
      api.post(DEALS).reply(200, batchOf([]));
      api.get('/crm/objects/2026-03/deals/2').query(true).times(4).reply(status, answer);
      expect(await faultFrom(session.readDeals(['2']))).toMatchObject({ retry: { kind: 'retry' } });
      nock.cleanAll();
    }
  });

  test('with an id that HubSpot cannot have are deleted, and do not spoil the batch of the others', async () => {
    const { session, api } = createHarness();
    api.post(DEALS, (body: BatchBody) => body.inputs.length === 1).reply(200, batchOf([dealOf('1')]));
    api.post(DEAL_CONTACTS).reply(200, batchOf([]));
    const deals = await session.readDeals(['1', 'x/../y']);
    expect(deals.map(({ ref, presence }) => [ref.id, presence]).sort()).toEqual([
      ['1', 'present'],
      ['x/../y', 'deleted'],
    ]);
  });

  test('without ids cost no call', async () => {
    const { session } = createHarness();
    expect(await session.readDeals([])).toEqual([]);
    expect(await session.readContacts([])).toEqual([]);
    expect(await session.dealsOfContacts([])).toEqual(new Map());
    expect(await session.writeMirror('deal', [])).toEqual([]);
  });

  test('have no currency when neither they nor the portal name one', async () => {
    const { session, api } = createHarness({}, { homeCurrency: null });
    api.post(DEALS).reply(200, batchOf([dealOf('1')]));
    api.post(DEAL_CONTACTS).reply(200, batchOf([]));
    expect((await session.readDeals(['1']))[0]?.history).toMatchObject([{ currency: null }]);
  });
});

describe('associations', () => {
  test('are read to the last page', async () => {
    const { session, api } = createHarness();
    const path = '/crm/associations/2026-03/contacts/deals/batch/read';
    api
      .post(path, { inputs: [{ id: '1' }, { id: '2' }] })
      .reply(200, batchOf([linksOf('1', ['10'], { after: 'A' }), linksOf('2', ['20'])]));
    api.post(path, { inputs: [{ id: '1', after: 'A' }] }).reply(200, batchOf([linksOf('1', ['11'], { after: 'B' })]));
    api.post(path, { inputs: [{ id: '1', after: 'B' }] }).reply(200, batchOf([linksOf('1', ['12', '10'])]));
    expect(await session.dealsOfContacts(['1', '2'])).toEqual(
      new Map([
        ['1', ['10', '11', '12']],
        ['2', ['20']],
      ]),
    );
  });

  test('are asked for a thousand records at a time', async () => {
    const { session, api } = createHarness();
    const sizes: number[] = [];
    api
      .post('/crm/associations/2026-03/contacts/deals/batch/read')
      .times(2)
      .reply(200, async (request: Request) => {
        const body = await request.json();
        sizes.push((body as BatchBody).inputs.length);
        return batchOf([]);
      });
    const found = await session.dealsOfContacts(Array.from({ length: 1_001 }, (_, index) => String(index)));
    expect(sizes).toEqual([1_000, 1]);
    expect(found.size).toBe(1_001);
  });

  test('that do not exist are an empty list, and those that could not be read are a fault', async () => {
    const path = '/crm/associations/2026-03/contacts/deals/batch/read';
    const error = (more: object) => ({ status: 'error', message: 'x', context: { fromObjectId: ['1'] }, ...more });
    const none = createHarness();
    none.api
      .post(path)
      .reply(
        207,
        batchOf([], [error({ category: 'OBJECT_NOT_FOUND', subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND' })]),
      );
    expect(await none.session.dealsOfContacts(['1'])).toEqual(new Map([['1', []]]));
    const broken = createHarness();
    broken.api.post(path).reply(207, batchOf([], [error({ category: 'INTERNAL_ERROR' })]));
    expect(await faultFrom(broken.session.dealsOfContacts(['1']))).toMatchObject({
      code: 'crm_unreadable_answer',
      retry: { kind: 'retry' },
    });
  });
});

describe('contacts', () => {
  test.each([
    [
      { hs_user_ids_of_all_owners: '12;7;12', hs_email_optout: 'true' },
      { ownerUserIds: ['12', '7'], hasOptedOut: true },
    ],
    [{ hs_user_ids_of_all_owners: '', hs_email_optout: 'false' }, { hasOptedOut: false }],
    [{ hs_user_ids_of_all_owners: null, hs_email_optout: '' }, {}],
  ])(
    'come with whose they are and whether they have unsubscribed, as far as HubSpot says it: %j',
    async (said, told) => {
      const { session, api } = createHarness();
      api
        .post(CONTACTS, ({ properties }: BatchBody) => Object.keys(said).every((name) => properties.includes(name)))
        .reply(200, batchOf([recordOf('1', { email: 'bob@example.com', ...said })]));
      api.post(CONTACT_CONTACTS).reply(200, batchOf([]));
      const [contact] = await session.readContacts(['1']);
      const { ownerUserIds, hasOptedOut } = contact ?? {};
      expect(JSON.parse(JSON.stringify({ ownerUserIds, hasOptedOut }))).toEqual(told);
    },
  );

  test('come with name, e-mail, the code they gave and who referred them', async () => {
    const { session, api } = createHarness();
    api
      .post(CONTACTS, (body: BatchBody) => body.inputs.length === 1 && body.propertiesWithHistory.length === 0)
      .reply(
        200,
        batchOf([
          recordOf('1', {
            email: 'bob@example.com',
            firstname: 'Bob',
            lastname: null,
            wonward_referral_code: 'K7QF-93MX-P2RA',
          }),
        ]),
      );
    api.post(CONTACT_CONTACTS).reply(
      200,
      batchOf([
        {
          from: { id: '1' },
          to: [
            linksOf('1', ['2'], { label: 'Referred by' }),
            linksOf('1', ['3'], { label: 'Referred' }),
            linksOf('1', ['4']),
            linksOf('1', ['1'], { label: 'Referred by' }),
          ].flatMap(({ to }) => to),
        },
      ]),
    );
    expect(await session.readContacts(['1'])).toEqual([
      {
        ref: { connectionId: 'con_1', object: 'contact', id: '1' },
        presence: 'present',
        name: 'Bob',
        email: 'bob@example.com',
        usedCode: 'K7QF-93MX-P2RA',
        referredByIds: ['2'],
        formerIds: [],
        traits: { mail: 'company' },
      },
    ]);
  });

  test('are read in batches of 100', async () => {
    const { session, api } = createHarness();
    const sizes: number[] = [];
    api
      .post(CONTACTS)
      .times(2)
      .reply(200, async (request: Request) => {
        const body = await request.json();
        const { inputs } = body as BatchBody;
        sizes.push(inputs.length);
        return batchOf(inputs.map(({ id }) => recordOf(id, {})));
      });
    api.post(CONTACT_CONTACTS).reply(200, batchOf([]));
    await session.readContacts(Array.from({ length: 101 }, (_, index) => String(index)));
    expect(sizes).toEqual([100, 1]);
  });
});

describe('stages', () => {
  test('are won, lost or open by HubSpot’s metadata and never by their name', async () => {
    const { session, api } = createHarness();
    const stage = (id: string, metadata: object, more: object = {}) => ({
      id,
      label: 'Closed Won',
      displayOrder: 0,
      metadata,
      ...more,
    });
    api.get('/crm/pipelines/2026-03/deals').reply(200, {
      results: [
        {
          id: 'default',
          label: 'Sales',
          stages: [
            stage('a', { isClosed: 'true', probability: '1.0' }),
            stage('b', { isClosed: 'true', probability: '0.0' }),
            stage('closedwon', { isClosed: 'false', probability: '0.2' }),
            stage('d', { isClosed: 'true' }),
            stage('gone', { isClosed: 'true', probability: '1.0' }, { archived: true }),
          ],
        },
        { id: 'old', label: 'Old', archived: true, stages: [] },
      ],
    });
    const { pipelines } = await session.stages();
    expect(pipelines.map(({ id }) => id)).toEqual(['default']);
    expect(pipelines[0]?.stages.map(({ id, isClosed, probability }) => [id, isClosed, probability])).toEqual([
      ['a', true, 1],
      ['b', true, 0],
      ['closedwon', false, 0.2],
      ['d', true, null],
    ]);
  });
});
