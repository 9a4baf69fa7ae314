import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { signV2, signV3 } from '../../../src/sandbox/hubspot/signature.ts';
import { RESPONSE_TIMEOUT_MS } from '../../../src/sandbox/hubspot/webhooks.ts';
import { CLIENT_SECRET, oracleSignature, PORTAL, sandboxApp, startWorld, type World } from './harness.ts';

const OBJECTS = '/crm/objects/2026-03';

let world: World;
afterEach(() => world?.close());

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function newDeal(more: Record<string, string> = {}): Promise<string> {
  const made = await world.call('POST', `${OBJECTS}/deals`, {
    properties: { dealname: 'One', dealstage: 'appointmentscheduled', ...more },
  });
  return made.body.id;
}

describe('signatures', () => {
  it('are those of HubSpot’s own vectors', () => {
    const v3 = (timestamp: number): string =>
      signV3(
        CLIENT_SECRET,
        'POST',
        'https://www.example.com/webhook_uri',
        "{'example_field':'example_value'}",
        timestamp,
      );
    expect(v3(1_693_657_560_000)).toBe('K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=');
    expect(v3(1_700_000_300_000)).toBe('RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=');
    expect(
      signV2(CLIENT_SECRET, 'POST', 'https://www.example.com/webhook_uri', '{"example_field":"example_value"}'),
    ).toBe('9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900');
    expect(signV2(CLIENT_SECRET, 'GET', 'https://www.example.com/webhook_uri', '')).toBe(
      'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e',
    );
  });

  it('of every delivery are what the official SDK computes over the raw bytes', async () => {
    world = await startWorld();
    await newDeal({ amount: '12.50' });
    await world.sandbox.idle();
    const [received] = world.receiver.received;
    if (!received) throw new Error('nothing came');
    expect(received.headers['x-hubspot-signature-v3']).toBe(oracleSignature(received, 'v3'));
    expect(received.headers['x-hubspot-signature']).toBe(oracleSignature(received, 'v1'));
    expect(received.headers['x-hubspot-signature-version']).toBe('v1');
    expect(received.headers['x-hubspot-request-timestamp']).toBe(String(world.now.value));
  });
});

describe('events', () => {
  it('a creation by the app is an echo with the app’s id, and its values are property changes', async () => {
    world = await startWorld();
    const id = Number(await newDeal({ amount: '5' }));
    await world.sandbox.idle();
    const events = world.receiver.events();
    expect(events.map((event) => [event.subscriptionType, event.propertyName, event.propertyValue])).toEqual([
      ['object.creation', undefined, undefined],
      ['object.propertyChange', 'dealstage', 'appointmentscheduled'],
      ['object.propertyChange', 'amount', '5'],
    ]);
    expect(events[0]).toMatchObject({
      portalId: PORTAL,
      appId: 50_780_459,
      objectId: id,
      objectTypeId: '0-3',
      attemptNumber: 0,
      occurredAt: world.now.value,
      changeSource: 'INTEGRATION',
      sourceId: '50780459',
      changeFlag: 'CREATED',
    });
    expect(Number.isInteger(events[0]?.eventId)).toBe(true);
    expect(Number.isInteger(events[0]?.subscriptionId)).toBe(true);
  });

  it('a user’s edit is CRM_UI; an inactive subscription and an unsubscribed property are silent', async () => {
    world = await startWorld();
    const { control } = world.sandbox;
    const { id } = control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } });
    await world.sandbox.idle();
    world.receiver.received.length = 0;
    control.editRecord(PORTAL, 'contact', id, {
      properties: { email: 'b@example.com', firstname: 'B', city: 'Oslo' },
      userId: 10_202_052,
    });
    await world.sandbox.idle();
    expect(world.receiver.events()).toHaveLength(1);
    expect(world.receiver.events()[0]).toMatchObject({
      subscriptionType: 'object.propertyChange',
      propertyName: 'email',
      propertyValue: 'b@example.com',
      changeSource: 'CRM_UI',
      sourceId: 'userId:10202052',
    });
  });

  it('deletion, restore, merge and privacy deletion are told', async () => {
    world = await startWorld();
    const { control } = world.sandbox;
    const make = (email: string): string => control.createRecord(PORTAL, 'contact', { properties: { email } }).id;
    const [first, second] = [make('a@example.com'), make('b@example.com')];
    await world.sandbox.idle();
    world.receiver.received.length = 0;
    control.deleteRecord(PORTAL, 'contact', first);
    control.restoreRecord(PORTAL, 'contact', first);
    const { id } = control.mergeRecords(PORTAL, 'contact', { primaryObjectId: first, objectIdToMerge: second });
    control.privacyDelete(PORTAL, 'contact', id);
    await world.sandbox.idle();
    expect(world.receiver.events().map((event) => [event.subscriptionType, event.objectId])).toEqual([
      ['object.deletion', Number(first)],
      ['object.restore', Number(first)],
      ['object.merge', Number(id)],
      ['object.deletion', Number(first)],
      ['object.deletion', Number(second)],
      ['object.deletion', Number(id)],
      ['contact.privacyDeletion', Number(id)],
    ]);
    expect(world.receiver.events()[2]).toMatchObject({
      primaryObjectId: Number(first),
      mergedObjectIds: [Number(second)],
      newObjectId: Number(id),
    });
  });

  it('an association is told from both sides, again when it goes', async () => {
    world = await startWorld();
    const { control } = world.sandbox;
    const contact = control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } }).id;
    const deal = await newDeal();
    await world.sandbox.idle();
    world.receiver.received.length = 0;
    await world.call('PUT', `${OBJECTS}/contact/${contact}/associations/default/deal/${deal}`);
    await world.call('DELETE', `${OBJECTS}/contact/${contact}/associations/deal/${deal}`);
    await world.sandbox.idle();
    expect(
      world.receiver
        .events()
        .map((event) => [event.associationType, event.fromObjectId, event.toObjectId, event.associationRemoved]),
    ).toEqual([
      ['CONTACT_TO_DEAL', Number(contact), Number(deal), false],
      ['DEAL_TO_CONTACT', Number(deal), Number(contact), false],
      ['CONTACT_TO_DEAL', Number(contact), Number(deal), true],
      ['DEAL_TO_CONTACT', Number(deal), Number(contact), true],
    ]);
  });

  it('the first company of a contact is told unlabeled and primary', async () => {
    world = await startWorld();
    const { control } = world.sandbox;
    const company = control.createRecord(PORTAL, 'company', { properties: { name: 'Acme' } }).id;
    const contact = control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } }).id;
    await world.sandbox.idle();
    world.receiver.received.length = 0;
    control.associate(PORTAL, { fromType: 'contact', fromId: contact, toType: 'company', toId: company });
    await world.sandbox.idle();
    expect(world.receiver.events().map((event) => [event.associationTypeId, event.isPrimaryAssociation])).toEqual([
      [279, false],
      [280, false],
      [1, true],
      [2, true],
    ]);
  });

  it('a portal without the app gets nothing, also after an uninstall', async () => {
    world = await startWorld({ portals: [{ portalId: PORTAL }, { portalId: 147_000_002 }] });
    world.sandbox.control.createRecord(147_000_002, 'contact', { properties: { email: 'a@example.com' } });
    expect((await world.call('DELETE', '/appinstalls/2026-03/external-install')).status).toBe(204);
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } });
    await world.sandbox.idle();
    expect(world.receiver.received).toHaveLength(0);
    expect((await world.call('GET', `${OBJECTS}/contacts`)).status).toBe(401);
  });

  it('250 events leave in requests of at most 100, each portal apart', async () => {
    world = await startWorld({ webhookBatchDelayMs: 50 });
    for (let index = 0; index < 125; index += 1) {
      world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { email: `m${index}@example.com` } });
    }
    await world.sandbox.idle();
    expect(world.receiver.received.map((one) => one.events.length).sort()).toEqual([100, 100, 50]);
  });
});

describe('delivery', () => {
  it('a failed delivery is tried ten times, signed afresh, with attemptNumber counting up', async () => {
    world = await startWorld({ retryBaseMs: 0.05 });
    world.receiver.answers[0] = 503;
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'Ada' } });
    await world.sandbox.idle();
    expect(world.receiver.received.map((one) => one.events[0]?.attemptNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(world.receiver.received.map((one) => one.headers['x-hubspot-signature-v3'])).size).toBe(10);
    for (const received of world.receiver.received) {
      expect(received.headers['x-hubspot-signature-v3']).toBe(oracleSignature(received, 'v3'));
    }
    expect(world.sandbox.control.deliveries()[0]).toMatchObject({ state: 'given_up' });
  });

  it('any status outside of 2xx is a failure, and a later 2xx ends it', async () => {
    world = await startWorld();
    world.receiver.answers.splice(0, 1, 302, 401, 204);
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'Ada' } });
    await world.sandbox.idle();
    const [delivery] = world.sandbox.control.deliveries(PORTAL);
    expect(delivery?.state).toBe('delivered');
    expect(delivery?.attempts.map((attempt) => attempt.status)).toEqual([302, 401, 204]);
  });

  it('an endpoint that does not answer within five seconds has failed; six requests fly at once and no more', async () => {
    let open = 0;
    let most = 0;
    let started = 0;
    const silent = createServer(() => {
      open += 1;
      // None has been given up yet; of one that has, this side may hear after the next one has come.
      if (performance.now() - started < RESPONSE_TIMEOUT_MS / 2) most = open;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const targetUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    world = await startWorld({
      retryBaseMs: 60_000,
      webhookBatchDelayMs: 0,
      appChange: { webhooks: { ...sandboxApp(targetUrl).webhooks, maxConcurrentRequests: 6 } },
    });
    world.sandbox.control.addFault({ target: 'webhook', effect: { kind: 'reorder' } });
    started = performance.now();
    for (let index = 0; index < 9; index += 1) {
      world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: String(index) } });
    }
    const failed = (): number =>
      world.sandbox.control.deliveries().filter((one) => one.state === 'waiting_for_retry').length;
    // A busy machine may be late; it must not be early.
    while (failed() < 6 && performance.now() - started < RESPONSE_TIMEOUT_MS * 4) await wait(50);
    expect(performance.now() - started).toBeGreaterThan(RESPONSE_TIMEOUT_MS - 100);
    expect(most).toBe(6);
    const deliveries = world.sandbox.control.deliveries();
    expect(deliveries).toHaveLength(9);
    expect(deliveries[0]?.attempts[0]).toMatchObject({ status: null });
    silent.closeAllConnections();
    silent.close();
  });

  it('a closed port is retried until somebody listens', async () => {
    world = await startWorld({ retryBaseMs: 20 });
    world.sandbox.control.setTargetUrl('http://127.0.0.1:1/webhooks/hubspot');
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'Ada' } });
    await wait(60);
    world.sandbox.control.setTargetUrl(`${world.receiver.url}/webhooks/hubspot`);
    await world.sandbox.idle();
    const [delivery] = world.sandbox.control.deliveries();
    expect(delivery?.state).toBe('delivered');
    expect(delivery?.attempts[0]).toMatchObject({ status: null });
  });

  it('a redelivery brings the same bytes with a fresh time and signature', async () => {
    world = await startWorld();
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'Ada' } });
    await world.sandbox.idle();
    world.now.value += 90_000;
    const again = await world.control('POST', '/deliveries/1/redeliver');
    expect(again.status).toBe(200);
    const [first, second] = world.receiver.received;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['x-hubspot-signature-v3']).not.toBe(first?.headers['x-hubspot-signature-v3']);
    expect(second && oracleSignature(second, 'v3')).toBe(second?.headers['x-hubspot-signature-v3']);
  });
});

describe('webhook faults', () => {
  it('duplicates come later with the same eventId', async () => {
    world = await startWorld();
    world.sandbox.control.addFault({ target: 'webhook', times: 1, effect: { kind: 'duplicate', copies: 2 } });
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'Ada' } });
    await world.sandbox.idle();
    expect(world.receiver.received).toHaveLength(3);
    expect(new Set(world.receiver.events().map((event) => event.eventId)).size).toBe(1);
  });

  it('dropped events never come; only the asked type is hit', async () => {
    world = await startWorld();
    world.sandbox.control.addFault({
      target: 'webhook',
      subscriptionType: 'object.creation',
      effect: { kind: 'drop' },
    });
    await newDeal();
    await world.sandbox.idle();
    expect(world.receiver.events().map((event) => event.subscriptionType)).toEqual(['object.propertyChange']);
  });

  it('reordered and delayed events come in another order, the same with the same seed', async () => {
    const orders: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      world = await startWorld({ seed: 7, appChange: {} });
      world.sandbox.control.addFault({ target: 'webhook', effect: { kind: 'reorder' } });
      for (let index = 0; index < 8; index += 1) {
        world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: String(index) } });
      }
      await world.sandbox.idle();
      expect(world.receiver.received).toHaveLength(8);
      orders.push(
        world.sandbox.control
          .deliveries()
          .map((one) => one.events[0]?.objectId)
          .join(),
      );
      await world.close();
    }
    expect(orders[0]).toBe(orders[1]);
    expect(orders[0]).not.toBe([...(orders[0] ?? '').split(',')].sort().join());
    world = await startWorld();
    world.sandbox.control.addFault({ target: 'webhook', times: 1, effect: { kind: 'delay', delayMs: 80 } });
    const late = world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'late' } }).id;
    const early = world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { firstname: 'early' } }).id;
    await world.sandbox.idle();
    expect(world.receiver.events().map((event) => event.objectId)).toEqual([Number(early), Number(late)]);
  });
});
