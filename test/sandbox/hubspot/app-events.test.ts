import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAppEvents, type UploadedEvent } from '../../../src/sandbox/hubspot/app-events.ts';
import { PORTAL, type Reply, sandboxApp, startWorld, type World } from './harness.ts';

const TYPE: UploadedEvent = {
  uid: 'visit',
  name: 'Visit',
  objectType: 'CONTACT',
  headerTemplate: '[{{what}}]({{link}})',
  detailTemplate: '{{#if note}}{{note}}{{/if}}At {{#formatDate timestamp}}{{/formatDate}}',
  properties: [
    { name: 'what', label: 'What', type: 'string' },
    { name: 'link', label: 'Link', type: 'string' },
    { name: 'note', label: 'Note', type: 'string' },
    { name: 'points', label: 'Points', type: 'number' },
    { name: 'kind', label: 'Kind', type: 'enumeration', options: [{ value: 'short', label: 'Short' }] },
  ],
};
const EVENTS = '/integrators/timeline/2026-03/events';

let world: World;
let contact: string;

async function start(granted: readonly string[] = ['timeline']): Promise<void> {
  const app = sandboxApp('http://127.0.0.1:9');
  world = await startWorld({
    rateLimits: false,
    app: { ...app, requiredScopes: [...app.requiredScopes, ...granted], appEvents: [TYPE] },
  });
  contact = world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } }).id;
}
beforeEach(() => start());
afterEach(() => world.close());

const event = (more: object = {}) => ({
  eventTypeName: 'visit',
  id: 'one',
  objectId: contact,
  timestamp: '2026-11-22T10:00:00.000Z',
  properties: { what: 'Came by', link: 'https://example.com/1' },
  ...more,
});
const one = (more: object = {}): Promise<Reply> => world.call('POST', EVENTS, event(more));
const batch = (...inputs: object[]): Promise<Reply> => world.call('POST', `${EVENTS}/batch`, { inputs });
const shown = () => world.sandbox.control.timeline(PORTAL, 'contact', contact);

describe('app events', () => {
  it('stand on the timeline of their contact with the templates filled in', async () => {
    expect((await one({ properties: { what: 'Came by', link: 'https://example.com/1', note: 'Well. ' } })).status).toBe(
      201,
    );
    expect(shown()).toMatchObject([
      { id: 'one', header: '[Came by](https://example.com/1)', detail: 'Well. At 2026-11-22T10:00:00.000Z' },
    ]);
    expect((await one({ id: 'two', eventTypeName: 'ae50780459_visit' })).status).toBe(201);
  });

  it('come in batches, all or none', async () => {
    const done = await batch(event(), event({ id: 'two' }));
    expect([done.status, done.body.status, done.body.results.length]).toEqual([200, 'COMPLETE', 2]);
    const refused = await batch(event({ id: 'three' }), event({ id: 'four', properties: { unknown: 'x' } }));
    expect([refused.status, refused.body.category]).toEqual([400, 'VALIDATION_ERROR']);
    expect(shown()).toHaveLength(2);
  });

  it('are immutable: the same id again is refused, and with it its whole batch', async () => {
    await one();
    expect((await one({ properties: { what: 'Left' } })).status).toBe(409);
    expect((await batch(event({ id: 'two' }), event())).status).toBe(409);
    expect((await batch(event({ id: 'two' }), event({ id: 'two' }))).status).toBe(409);
    expect(shown().map(({ header }) => header)).toEqual(['[Came by](https://example.com/1)']);
  });

  it.each<[string, object]>([
    ['a type that the app has not', { eventTypeName: 'other' }],
    ['no record', { objectId: undefined }],
    ['a record that is not there', { objectId: '1' }],
    ['a property that the type has not', { properties: { colour: 'red' } }],
    ['a value that is no string', { properties: { points: 5 } }],
    ['a number that is none', { properties: { points: 'many' } }],
    ['an option that is none', { properties: { kind: 'long' } }],
    ['an id of more than 500 bytes', { id: 'x'.repeat(501) }],
    ['a value of more than 510 kB', { properties: { note: 'x'.repeat(510 * 1024 + 1) } }],
    ['a time that is none', { timestamp: 'yesterday' }],
    ['a field that nobody knows', { tokens: {} }],
  ])('are refused for %s', async (_, more) => {
    expect(await one(more)).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
    expect(shown()).toEqual([]);
  });

  it('are refused without id, type or properties, in empty batches and in those of more than 500', async () => {
    for (const name of ['id', 'eventTypeName', 'properties'])
      expect((await one({ [name]: undefined })).status).toBe(400);
    expect((await batch()).status).toBe(400);
    expect((await batch(...Array.from({ length: 501 }, (_, index) => event({ id: `e${index}` })))).status).toBe(400);
  });

  it('go with their contact into the one that it is merged into, and are refused under its old id', async () => {
    await one();
    const { control } = world.sandbox;
    const twin = control.createRecord(PORTAL, 'contact', { properties: { email: 'b@example.com' } }).id;
    const { id } = control.mergeRecords(PORTAL, 'contact', { primaryObjectId: twin, objectIdToMerge: contact });
    expect(control.timeline(PORTAL, 'contact', id)).toHaveLength(1);
    expect((await one({ id: 'two' })).status).toBe(400);
    expect((await one({ id: 'two', objectId: id })).status).toBe(201);
  });

  it('are another portal’s nobody’s: a contact there is not there', async () => {
    world.sandbox.control.createPortal({ portalId: 147_000_099 });
    expect(() => world.sandbox.control.timeline(147_000_099, 'contact', contact)).toThrow(/No contact/);
  });

  it('are refused to an app that HubSpot approves no more', async () => {
    world.sandbox.control.approveAppEvents(false);
    expect((await one()).status).toBe(403);
  });

  it('need their scope, whatever else was granted', async () => {
    await world.close();
    await start([]);
    expect(await one()).toMatchObject({ status: 403, body: { category: 'MISSING_SCOPES' } });
  });

  it.each<[string, Partial<UploadedEvent>]>([
    ['a template that shows what is not defined', { headerTemplate: '{{who}}' }],
    ['a header of more than 1,000 characters', { headerTemplate: 'x'.repeat(1_001) }],
    ['a record of no known kind', { objectType: 'contacts' }],
    ['a property twice', { properties: [...TYPE.properties, ...TYPE.properties] }],
  ])('are not uploaded with %s', (_, more) => {
    const upload = () => createAppEvents({ appId: 1, types: [{ ...TYPE, ...more }], clock: Date.now });
    expect(upload).toThrow('event type visit');
  });
});
