import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHubSpotSandbox } from '../../../src/sandbox/hubspot/server.ts';
import { oracleSignature, PORTAL, sandboxApp, startWorld, type World } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const records = `/portals/${PORTAL}/records`;

describe('control API', () => {
  it('a user creates, edits, deletes, restores, merges and links records over HTTP', async () => {
    const contact = await world.control('POST', `${records}/contact`, { properties: { email: 'a@example.com' } });
    expect(contact.status).toBe(200);
    const deal = await world.control('POST', `${records}/deals`, {
      properties: { dealname: 'x', dealstage: 'contractsent' },
      associations: [{ toType: 'contact', toId: contact.body.id }],
      userId: 10_202_052,
    });
    expect(deal.body.associations.contacts).toEqual([{ id: contact.body.id, typeIds: [3], labels: [] }]);
    const won = await world.control('PATCH', `${records}/deals/${deal.body.id}`, {
      properties: { dealstage: 'closedwon' },
    });
    expect(won.body.properties.hs_is_closed_won).toBe('true');
    expect(won.body.propertiesWithHistory.dealstage[0]).toMatchObject({
      value: 'closedwon',
      sourceType: 'CRM_UI',
      sourceId: 'userId:10202051',
    });
    expect((await world.control('DELETE', `${records}/deals/${deal.body.id}`)).status).toBe(204);
    expect((await world.control('GET', `${records}/deals?archived=true`)).body.total).toBe(1);
    expect((await world.control('POST', `${records}/deals/${deal.body.id}/restore`)).body.archived).toBe(false);
    const other = await world.control('POST', `${records}/contact`, { properties: { email: 'b@example.com' } });
    const label = await world.control('POST', `/portals/${PORTAL}/labels/contact/contact`, {
      name: 'referrer_of',
      label: 'Referrer',
      inverseLabel: 'Referred by',
    });
    expect(label.body).toHaveLength(2);
    const link = {
      fromType: 'contact',
      fromId: contact.body.id,
      toType: 'contact',
      toId: other.body.id,
      labels: ['Referrer'],
    };
    expect(
      (await world.control('POST', `/portals/${PORTAL}/associations`, link)).body.associations.contacts[0].labels,
    ).toEqual(['Referrer']);
    expect(
      (await world.control('DELETE', `/portals/${PORTAL}/associations`, link)).body.associations.contacts[0].labels,
    ).toEqual([]);
    const merged = await world.control('POST', `${records}/contact/merge`, {
      primaryObjectId: contact.body.id,
      objectIdToMerge: other.body.id,
    });
    expect(merged.body.properties.hs_merged_object_ids).toBe(`${contact.body.id};${other.body.id}`);
    expect((await world.control('POST', `${records}/contact/${merged.body.id}/privacy-delete`)).status).toBe(204);
  });

  it('a change can be backdated, for history from before the install', async () => {
    const at = Date.parse('2025-03-01T00:00:00.000Z');
    const deal = world.sandbox.control.createRecord(PORTAL, 'deal', {
      properties: { dealname: 'x', dealstage: 'contractsent' },
      at,
    });
    world.sandbox.control.editRecord(PORTAL, 'deal', deal.id, {
      properties: { dealstage: 'closedwon' },
      at: at + 86_400_000,
    });
    const read = await world.call(
      'GET',
      `/crm/objects/2026-03/deals/${deal.id}?properties=closedate&propertiesWithHistory=dealstage`,
    );
    expect(read.body.createdAt).toBe('2025-03-01T00:00:00.000Z');
    expect(read.body.properties.closedate).toBe('2025-03-02T00:00:00.000Z');
    expect(read.body.propertiesWithHistory.dealstage[0].timestamp).toBe('2025-03-02T00:00:00.000Z');
  });

  it('calls are counted by portal and route', async () => {
    await world.call('GET', '/crm/objects/2026-03/contacts/1');
    await world.call('GET', '/crm/objects/2026-03/deals/1');
    await world.call('GET', '/crm/v3/objects/deals');
    const { body } = await world.control('GET', '/calls');
    const own = body.find((one: { portalId: number }) => one.portalId === PORTAL);
    expect(own.routes).toEqual([
      { method: 'GET', path: '/crm/objects/2026-03/:objectType/:objectId', count: 2, statuses: { 404: 2 } },
      { method: 'GET', path: '(unknown path)', count: 1, statuses: { 404: 1 } },
    ]);
    await world.control('DELETE', '/calls');
    expect((await world.control('GET', '/calls')).body).toEqual([]);
  });

  it('install gives the real redirect; subscriptions and faults can be seen and changed', async () => {
    const { body } = await world.control('POST', `/portals/${PORTAL}/install`, { state: 'x y' });
    expect(new URL(body.redirectUrl).searchParams.get('code')).toBe(body.code);
    const settings = (await world.control('GET', '/webhooks')).body;
    const [first] = settings.subscriptions;
    const changed = await world.control('PATCH', `/webhooks/subscriptions/${first.subscriptionId}`, { active: false });
    expect(changed.body.active).toBe(false);
    const fault = await world.control('POST', '/faults', { target: 'api', effect: { kind: 'status', status: 500 } });
    expect(fault.body).toMatchObject({ id: 1, struck: 0 });
    expect((await world.control('POST', '/faults', { target: 'api', effect: { kind: 'nothing' } })).status).toBe(400);
    expect((await world.control('DELETE', '/faults/1')).body).toEqual({ removed: true });
  });

  it('reset goes back to the seeds', async () => {
    world.sandbox.control.createRecord(PORTAL, 'contact', { properties: { email: 'a@example.com' } });
    expect((await world.control('POST', '/reset')).status).toBe(204);
    expect((await world.control('GET', `/portals/${PORTAL}`)).body).toMatchObject({
      installed: false,
      recordCounts: { contacts: 0 },
    });
    expect((await world.call('GET', '/crm/objects/2026-03/contacts')).status).toBe(401);
    expect((await world.control('GET', '/deliveries')).body).toEqual([]);
  });

  it('a page of another site cannot reach it', async () => {
    const url = new URL(`${world.sandbox.url}/_sandbox/api/portals`);
    const status = (headers: Record<string, string>, method = 'GET'): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(url, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on('error', reject);
        request.end(method === 'POST' ? '{"portalId":9}' : undefined);
      });
    expect(await status({})).toBe(200);
    expect(await status({ host: 'evil.example:80' })).toBe(403);
    expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status({ 'content-type': 'text/plain' }, 'POST')).toBe(403);
  });
});

describe('hubspot.fetch', () => {
  const proxy = (input: object): ReturnType<World['control']> =>
    world.control('POST', `/portals/${PORTAL}/fetch`, input);

  it('brings the identity in the query and signatures that the SDK agrees with', async () => {
    const answer = await proxy({
      url: `${world.receiver.url}/cards/contact?contactId=5&userId=1`,
      method: 'POST',
      body: { note: 'é' },
      headers: { Authorization: 'Bearer own' },
      userId: 10_202_052,
    });
    expect([answer.status, answer.body.status, answer.body.body]).toEqual([200, 200, '{"ok":true}']);
    const [received] = world.receiver.received;
    if (!received) throw new Error('nothing came');
    const query = new URL(received.url).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      contactId: '5',
      userId: '10202052',
      portalId: String(PORTAL),
      userEmail: 'rep@example.com',
      appId: '50780459',
    });
    expect(received.body).toBe('{"note":"é"}');
    expect(received.headers.authorization).toBe('Bearer own');
    expect(received.headers['x-hubspot-signature-version']).toBe('v2');
    expect(received.headers['x-hubspot-signature']).toBe(oracleSignature(received, 'v2'));
    // v3 signs the address with %40 decoded: the e-mail's at sign.
    const decoded = { ...received, url: received.url.replace('%40', '@') };
    expect(received.headers['x-hubspot-signature-v3']).toBe(oracleSignature(decoded, 'v3'));
  });

  it.each([
    ['a URL outside of the permitted ones', { url: 'http://127.0.0.1:9/cards' }],
    ['a path outside of the permitted one', { url: 'RECEIVER/cardsx' }],
    ['a header other than Authorization', { url: 'RECEIVER/cards/a', headers: { 'X-Mine': '1' } }],
    ['a body that is not an object', { url: 'RECEIVER/cards/a', method: 'POST', body: 'text' }],
    ['a body over a megabyte', { url: 'RECEIVER/cards/a', method: 'POST', body: { text: 'x'.repeat(1_048_576) } }],
  ])('%s is refused', async (_name, input) => {
    expect((await proxy({ ...input, url: input.url.replace('RECEIVER', world.receiver.url) })).status).toBe(400);
    expect(world.receiver.received).toHaveLength(0);
  });

  it('a 5xx is tried once more, a 4xx is not', async () => {
    world.receiver.answers.splice(0, 1, 503, 200);
    expect((await proxy({ url: `${world.receiver.url}/cards/a` })).body.status).toBe(200);
    expect(world.receiver.received).toHaveLength(2);
    world.receiver.answers.splice(0, 1, 409);
    expect((await proxy({ url: `${world.receiver.url}/cards/a` })).body.status).toBe(409);
    expect(world.receiver.received).toHaveLength(3);
  });

  it('a backend that does not answer in time is a 504, one that is not there a 502', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const own = await startWorld({ appChange: { permittedFetchUrls: [url, 'http://127.0.0.1:1'] } });
    await expect(own.sandbox.control.fetch(PORTAL, { url: `${url}/a`, timeout: 50 })).rejects.toMatchObject({
      status: 504,
    });
    await expect(own.sandbox.control.fetch(PORTAL, { url: 'http://127.0.0.1:1/a' })).rejects.toMatchObject({
      status: 502,
    });
    silent.closeAllConnections();
    silent.close();
    await own.close();
  });
});

describe('server', () => {
  it('runs as a process of its own and says where', async () => {
    const child = spawn(process.execPath, ['src/sandbox/hubspot/main.ts'], {
      env: { ...process.env, HUBSPOT_SANDBOX_CONFIG: JSON.stringify({ app: sandboxApp('http://127.0.0.1:1/') }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const { url, authorizeUrl } = JSON.parse(String(line));
    expect(authorizeUrl).toBe(`${url}/oauth/authorize`);
    const portals = await (await fetch(`${url}/_sandbox/api/portals`)).json();
    expect(portals).toMatchObject([{ portalId: 147_000_001, installed: false }]);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('mounts pages behind the API and listens on loopback only', async () => {
    const pages = express.Router();
    pages.get('/', (_request, response) => {
      response.send('<h1>page</h1>');
    });
    const sandbox = await startHubSpotSandbox({ app: sandboxApp('http://127.0.0.1:1/'), pages });
    expect(await (await fetch(sandbox.url)).text()).toBe('<h1>page</h1>');
    await sandbox.close();
    await expect(startHubSpotSandbox({ app: sandboxApp('http://127.0.0.1:1/'), host: '0.0.0.0' })).rejects.toThrow(
      'loopback',
    );
  });
});
