import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';
import type { RawRequest } from '../../src/application/ports/crm.ts';
import { createConnector } from '../../src/crm/hubspot/connector.ts';
import { CONTACT_FIELDS, DEAL_FIELDS, USED_CODE_PROPERTY } from '../../src/crm/hubspot/fields.ts';
import type { ReferralRow, RewardRow } from '../../src/domain/mirror.ts';
import type { CrmObject } from '../../src/domain/record.ts';
import { type FaultInput, startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { createTime } from '../crm/hubspot/harness.ts';
import { type CrmUnderTest, type CrmUser, crmConformance, type Disturbance } from './crm.ts';

const PORTAL = 147_000_001;
const APP_ID = 50_780_459;
const SECRET = 'sandbox-secret';
const REDIRECT = 'http://localhost:3000/oauth/hubspot/callback';

const STAGES: CrmUser['stages'] = {
  open: { pipelineId: 'default', stageId: 'appointmentscheduled' },
  won: { pipelineId: 'default', stageId: 'closedwon' },
  lost: { pipelineId: 'default', stageId: 'closedlost' },
};

const FAULTS: Readonly<Record<Disturbance, FaultInput & { target: 'api' }>> = {
  outage: { target: 'api', effect: { kind: 'status', status: 503, html: true } },
  reset: { target: 'api', effect: { kind: 'reset', when: 'before' } },
  half_answer: { target: 'api', effect: { kind: 'truncate' } },
  lost_answer: { target: 'api', path: '/crm/objects/*/batch/update', effect: { kind: 'reset', when: 'after' } },
  rate_limit: { target: 'api', effect: { kind: 'status', status: 429 } },
  long_rate_limit: { target: 'api', effect: { kind: 'status', status: 429, retryAfterSeconds: 120 } },
  locked: { target: 'api', effect: { kind: 'status', status: 423 } },
};

/** Keeps what arrives, as the HTTP room will hand it over. */
async function startReceiver() {
  const received: RawRequest[] = [];
  let url = '';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ method: request.method ?? '', url, headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${hubspotManifest.webhooks.path}`;
  return {
    url,
    take: () => received.splice(0),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface HubSpotUser extends CrmUser {
  /** How many calls the portal has had. */
  calls(): number;
}

async function start(
  options: { mergedBatchRead?: 'missing' | 'resolve' } = {},
): Promise<CrmUnderTest & { readonly user: HubSpotUser }> {
  const time = createTime();
  const receiver = await startReceiver();
  const { webhooks, oauth } = hubspotManifest;
  const sandbox = await startHubSpotSandbox({
    clock: time.clock,
    indexLagMs: 0,
    webhookBatchDelayMs: 1,
    rotateRefreshTokens: true,
    ...options,
    app: {
      appId: APP_ID,
      clientId: 'sandbox-client',
      clientSecret: SECRET,
      redirectUrls: [REDIRECT],
      requiredScopes: [...oauth.requiredScopes],
      optionalScopes: [...oauth.optionalScopes],
      webhooks: {
        targetUrl: receiver.url,
        maxConcurrentRequests: webhooks.maxConcurrentRequests,
        subscriptions: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: true })),
        hubEvents: webhooks.hubEvents.map((subscription) => ({ ...subscription, active: true })),
      },
      permittedFetchUrls: [],
    },
    portals: [{ portalId: PORTAL, companyCurrency: 'EUR' }],
  });
  const { control } = sandbox;
  const connector = createConnector({
    apiUrl: sandbox.url,
    authorizeUrl: sandbox.authorizeUrl,
    clientId: 'sandbox-client',
    clientSecrets: [SECRET],
    appId: APP_ID,
    clock: time.clock,
    random: () => 0.5,
    sleep: time.sleep,
  });
  const { code } = control.install(PORTAL);
  let grant = await connector.oauth.exchangeCode({ code, redirectUri: REDIRECT, state: 'state' });

  const path = (object: CrmObject) => (object === 'company' ? 'companies' : `${object}s`);
  const stageProperties = (name: keyof CrmUser['stages']) => ({
    pipeline: STAGES[name].pipelineId,
    dealstage: STAGES[name].stageId,
  });
  /** The property exists from provisioning on; a portal may have had it before. */
  const ensureCodeProperty = () => {
    try {
      const declared = hubspotManifest.properties.contact.find(({ name }) => name === USED_CODE_PROPERTY);
      if (!declared) throw new Error(`${USED_CODE_PROPERTY} is not declared`);
      const { name, label, type, fieldType } = declared;
      control.createProperty(PORTAL, 'contacts', { name, label, type, fieldType, groupName: 'contactinformation' });
    } catch {
      // It is there.
    }
  };
  const user: HubSpotUser = {
    stages: STAGES,
    createContact({ name, email, usedCode }) {
      if (usedCode !== undefined) ensureCodeProperty();
      const properties = {
        ...(name === undefined ? {} : { firstname: name }),
        ...(email === undefined ? {} : { email }),
        ...(usedCode === undefined ? {} : { [USED_CODE_PROPERTY]: usedCode }),
      };
      return control.createRecord(PORTAL, 'contacts', { properties }).id;
    },
    createCompany(contactId) {
      const { id } = control.createRecord(PORTAL, 'companies', { properties: { name: 'Acme' } });
      control.associate(PORTAL, { fromType: 'contacts', fromId: contactId, toType: 'companies', toId: id });
      return id;
    },
    createList: (name, recordIds) => control.createList(PORTAL, { name, recordIds: [...recordIds] }).id,
    addProperty(object) {
      const groupName = `${object}information`;
      const name = 'their_own';
      control.createProperty(PORTAL, path(object), { name, label: name, type: 'string', fieldType: 'text', groupName });
      return name;
    },
    setProperty: (object, id, { name, value, at }) =>
      void control.editRecord(PORTAL, path(object), id, { properties: { [name]: value }, at }),
    createDeal({ name = 'Deal', stage, amount, currency, contactIds = [], at }) {
      return control.createRecord(PORTAL, 'deals', {
        properties: {
          dealname: name,
          ...stageProperties(stage),
          ...(amount === undefined ? {} : { amount }),
          ...(currency === undefined ? {} : { deal_currency_code: currency }),
        },
        associations: contactIds.map((toId) => ({ toType: 'contacts', toId })),
        at,
      }).id;
    },
    changeDeal(id, { stage, amount, at }) {
      const properties = {
        ...(stage === undefined ? {} : stageProperties(stage)),
        ...(amount === undefined ? {} : { amount }),
      };
      control.editRecord(PORTAL, 'deals', id, { properties, at });
    },
    remove: (object, id) => control.deleteRecord(PORTAL, path(object), id),
    restore: (object, id) => void control.restoreRecord(PORTAL, path(object), id),
    merge: (object, primaryObjectId, objectIdToMerge) =>
      control.mergeRecords(PORTAL, path(object), { primaryObjectId, objectIdToMerge }).id,
    linkDeal: (dealId, toId) =>
      void control.associate(PORTAL, { fromType: 'deals', fromId: dealId, toType: 'contacts', toId }),
    sayReferredBy: (fromId, toId) =>
      void control.associate(PORTAL, {
        fromType: 'contacts',
        fromId,
        toType: 'contacts',
        toId,
        labels: ['Referred by'],
      }),
    linkContacts: (fromId, toId) =>
      void control.associate(PORTAL, { fromType: 'contacts', fromId, toType: 'contacts', toId }),
    mirrorOf(object, id) {
      const { properties } = control.getRecord(PORTAL, path(object), id);
      const fields: Readonly<Record<string, string>> = object === 'contact' ? CONTACT_FIELDS : DEAL_FIELDS;
      return Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, properties[name] || null]));
    },
    async deleteProvisioned() {
      const headers = { Authorization: `Bearer ${grant.accessToken}` };
      const url = `${sandbox.url}/crm/properties/2026-03/deals/${DEAL_FIELDS.stage}`;
      const response = await fetch(url, { method: 'DELETE', headers });
      if (!response.ok) throw new Error(`could not delete the property: ${response.status}`);
    },
    // Two people cannot be the same member: the property is unique.
    refuseMember: () => {},
    squat: () =>
      void control.createProperty(PORTAL, 'deals', {
        name: DEAL_FIELDS.stage,
        label: 'Our own stage',
        type: 'string',
        fieldType: 'text',
        groupName: 'dealinformation',
      }),
    disturb: (kind, times) => void control.addFault({ ...FAULTS[kind], times }),
    expireToken: () => control.expireAccessTokens(PORTAL),
    async uninstall() {
      control.uninstall(PORTAL);
    },
    rateRefusals: () =>
      control
        .calls()
        .flatMap(({ routes }) => routes)
        .reduce((sum, { statuses }) => sum + (statuses['429'] ?? 0), 0),
    calls: () => control.calls().reduce((sum, { total }) => sum + total, 0),
    async deliveries() {
      await sandbox.idle();
      return receiver.take();
    },
  };

  return {
    connector,
    access: {
      connectionId: 'con_1',
      externalId: grant.externalId,
      homeCurrency: 'EUR',
      scopes: grant.scopes,
      async accessToken(rejected) {
        if (rejected === grant.accessToken) grant = await connector.oauth.refresh(grant);
        return grant.accessToken;
      },
    },
    user,
    now: time.clock,
    pass: time.advance,
    async close() {
      await sandbox.close();
      receiver.close();
    },
  };
}

crmConformance({
  name: 'HubSpot',
  start: () => start(),
  traits: {
    tickMs: 1,
    merges: ['contact', 'deal'],
    isProvisionedByUs: true,
    hasWebhooks: true,
    mirrors: 'properties',
  },
});

describe('what HubSpot leaves open', () => {
  test.each(['missing', 'resolve'] as const)('a merged deal is found whether a batch read says "%s"', async (mode) => {
    const crm = await start({ mergedBatchRead: mode });
    const session = crm.connector.open(crm.access);
    const [one, two, three] = [1, 2, 3].map(() => crm.user.createDeal({ stage: 'open' }));
    if (!one || !two || !three) throw new Error('no deals');
    const first = crm.user.merge('deal', one, two);
    const living = crm.user.merge('deal', first, three);
    for (const asked of [[one], [two], [three], [first], [one, two, three, first, living]]) {
      const found = await session.readDeals(asked);
      expect(found.map(({ ref, presence }) => [ref.id, presence])).toEqual([[living, 'present']]);
      expect([...(found[0]?.formerIds ?? [])]).toEqual(expect.arrayContaining(asked.filter((id) => id !== living)));
    }
    await crm.close();
  });

  test('a scan goes beyond the 10,000 results of a search, also when all have one timestamp', async () => {
    const crm = await start();
    const session = crm.connector.open(crm.access);
    const at = crm.now() - 1_000;
    const ids = new Set(Array.from({ length: 10_300 }, () => crm.user.createDeal({ stage: 'open', at })));
    let seen = 0;
    for (let cursor: string | null = null; ; ) {
      const page = await session.changedSince({ object: 'deal', since: at, cursor });
      seen += page.records.length;
      for (const { id } of page.records) ids.delete(id);
      if (page.next === null) break;
      cursor = page.next;
    }
    expect([seen, ids.size]).toEqual([10_300, 0]);
    await crm.close();
  });
});

describe('people, as somebody at a card looks for them', () => {
  async function opened() {
    const crm = await start();
    const session = crm.connector.open(crm.access);
    await session.provision();
    if (!session.people) throw new Error('no people');
    return { crm, session, people: session.people };
  }
  const person = (more: object) => ({ key: 'card_click-1', firstName: null, lastName: null, email: null, ...more });

  test('are found by how a name or an address begins, in either order, and a star finds nobody in particular', async () => {
    const { crm, people } = await opened();
    const { id: ada } = await people.create(
      person({ firstName: 'Ada', lastName: 'Lovelace', email: 'ada@engine.example' }),
    );
    await people.create(person({ key: 'card_click-2', firstName: 'Bob', lastName: 'Noyce' }));
    for (const text of ['ada', 'LOVE', 'ada love', 'lovelace ada', 'ada@engine.example', 'ada@eng'])
      expect([text, (await people.find(text, 10)).map(({ id }) => id)]).toEqual([text, [ada]]);
    expect(await people.find('ada', 10)).toEqual([{ id: ada, name: 'Ada Lovelace', email: 'ada@engine.example' }]);
    for (const text of ['', '*', 'nobody', 'ada noyce']) expect(await people.find(text, 10)).toEqual([]);
    expect(await people.find('o', 10)).toEqual([]);
    await crm.close();
  });

  test('are created once under one key, also when the first answer is lost, and by their address when they are there', async () => {
    const { crm, people } = await opened();
    const konrad = person({ firstName: 'Konrad', lastName: 'Zuse' });
    const first = await people.create(konrad);
    expect(await people.create(konrad)).toEqual(first);
    expect(await people.find('konrad', 10)).toHaveLength(1);
    const ada = crm.user.createContact({ name: 'Ada', email: 'ada@engine.example' });
    const again = person({ key: 'card_click-3', firstName: 'Somebody', email: 'ada@engine.example' });
    expect(await people.create(again)).toEqual({ id: ada });
    // What the portal says of them is left as it was.
    expect(await people.find('ada', 10)).toMatchObject([{ id: ada, name: 'Ada' }]);
    await crm.close();
  });

  test('a contact that HubSpot refuses is a fault that says what to do', async () => {
    const { crm, people } = await opened();
    const fault = await people.create(person({ email: 'not an address' })).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({
      code: 'crm_rejected',
      publicText: expect.stringContaining('Check the e-mail address'),
    });
    expect(String(fault)).not.toContain('not an address');
    await crm.close();
  });
});

describe('objects of our own', () => {
  const REFERRAL: ReferralRow = {
    key: 'ref_1',
    memberKey: 'mem_1',
    friendContactId: null,
    program: 'Friends of Acme',
    stage: 'won',
    source: 'code',
    submittedAt: '2026-11-20T09:00:00.000Z',
    stageSince: '2026-11-21T09:00:00.000Z',
  };
  const reward = (key: string, more: Partial<RewardRow> = {}): RewardRow => ({
    key,
    referralKey: 'ref_1',
    dealId: null,
    party: 'member',
    rule: 'Member won',
    state: 'held',
    money: { amount: '100.00', currency: 'EUR' },
    reasonCode: 'held',
    reason: 'held until 2026-12-22',
    nextStep: null,
    decidedAt: '2026-11-21T09:00:00.000Z',
    releaseAt: '2026-12-22T09:00:00.000Z',
    issuedAt: null,
    ...more,
  });

  async function opened() {
    const crm = await start();
    const { objects } = crm.connector.open(crm.access);
    if (!objects) throw new Error('no objects');
    const deal = crm.user.createDeal({ stage: 'won' });
    const rows = (...rewards: RewardRow[]) => [{ id: deal, rows: { referrals: [REFERRAL], rewards } }];
    return { crm, objects, deal, rows };
  }

  test('are made once, also when the answer to it is lost, and nothing is written before they are', async () => {
    const { crm, objects, deal, rows } = await opened();
    expect(await objects.obstacle()).toBeNull();
    expect(await objects.write('deal', rows(reward('a')))).toMatchObject([{ id: deal, result: 'unprovisioned' }]);
    let told = 0;
    const tell = async () => {
      told += 1;
    };
    const first = await objects.provision(tell);
    expect([first.created, first.conflicts, told]).toEqual([
      ['objects.wonward_referral', 'objects.wonward_reward'],
      [],
      2,
    ]);
    const again = await objects.provision(tell);
    expect([again.created, again.existing, again.conflicts, told]).toEqual([[], first.created, [], 2]);
    const [written] = await objects.write('deal', rows(reward('a')));
    expect(written).toEqual({ id: deal, result: 'written' });
    await crm.close();
  });

  test('show what was written, and tell what somebody has changed of it', async () => {
    const { crm, objects, deal, rows } = await opened();
    await objects.provision();
    const wanted = rows(reward('a'), reward('b', { party: 'friend', money: null, releaseAt: null }));
    expect(await objects.compare('deal', wanted)).toEqual([
      { id: deal, result: 'different', fields: ['referral', 'reward'] },
    ]);
    await objects.write('deal', wanted);
    await objects.write('deal', wanted);
    expect(await objects.compare('deal', wanted)).toEqual([{ id: deal, result: 'same' }]);
    const fewer = rows(reward('a', { state: 'issued', issuedAt: '2026-12-23T09:00:00.000Z' }));
    expect(await objects.compare('deal', fewer)).toMatchObject([
      {
        result: 'different',
        fields: expect.arrayContaining(['reward.wonward_state', 'reward.wonward_issued_at', 'reward.association']),
      },
    ]);
    // What the deal no longer tells of is gone with its row.
    await objects.write('deal', fewer);
    expect(await objects.compare('deal', fewer)).toEqual([{ id: deal, result: 'same' }]);
    expect(await objects.remove(100)).toEqual({ removed: 2, isDone: true });
    expect(await objects.remove(100)).toEqual({ removed: 0, isDone: true });
    await crm.close();
  });

  test('a row that HubSpot refuses leaves the others written, and a record that is gone is told as gone', async () => {
    const { crm, objects, deal, rows } = await opened();
    await objects.provision();
    const other = crm.user.createDeal({ stage: 'won' });
    const gone = crm.user.createDeal({ stage: 'won' });
    crm.user.remove('deal', gone);
    const wrong = reward('wrong', { money: { amount: 'much', currency: 'EUR' } });
    const outcomes = await objects.write('deal', [
      ...rows(reward('a')),
      { id: other, rows: { referrals: [{ ...REFERRAL, key: 'ref_2' }], rewards: [wrong] } },
      { id: gone, rows: { referrals: [{ ...REFERRAL, key: 'ref_3' }], rewards: [] } },
    ]);
    expect(outcomes.map(({ id, result }) => [id, result])).toEqual([
      [deal, 'written'],
      [other, 'rejected'],
      [gone, 'gone'],
    ]);
    expect(await objects.compare('deal', rows(reward('a')))).toEqual([{ id: deal, result: 'same' }]);
    await crm.close();
  });

  test('write a hundred deals with two rewards each by a dozen calls', async () => {
    const { crm, objects } = await opened();
    await objects.provision();
    const ids = Array.from({ length: 100 }, () => crm.user.createDeal({ stage: 'won' }));
    const all = ids.map((id) => ({
      id,
      rows: {
        referrals: [{ ...REFERRAL, key: `ref_${id}` }],
        rewards: ['a', 'b'].map((key) => reward(`${key}_${id}`, { referralKey: `ref_${id}` })),
      },
    }));
    const before = crm.user.calls();
    const outcomes = await objects.write('deal', all);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['written']));
    // One for each hundred rows of either object, and a reading and a writing for each of the three kinds of tie.
    expect(crm.user.calls() - before).toBe(1 + 2 + 3 * 2);
    const again = crm.user.calls();
    await objects.write('deal', all);
    expect(crm.user.calls() - again).toBe(1 + 2 + 3);
    await crm.close();
  });

  test('are not there for a connection that was not granted what they need', async () => {
    const crm = await start();
    for (const missing of crm.connector.objectScopes ?? []) {
      const scopes = crm.access.scopes.filter((scope) => scope !== missing);
      expect(crm.connector.open({ ...crm.access, scopes }).objects).toBeUndefined();
    }
    await crm.close();
  });
});
