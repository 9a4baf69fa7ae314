import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforceSandbox } from '../../../src/sandbox/salesforce/server.ts';
import { externalClientApp, type Json, NOW, PACKAGE, type Reply, startWorld, type World } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

async function ask(method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(`${world.sandbox.url}/_sandbox/api${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const inOrg = (method: string, path: string, body?: unknown): Promise<Reply> =>
  ask(method, `/orgs/${world.orgId}${path}`, body);

describe('the control API', () => {
  it('makes, shows, changes, deletes and brings back records as a user of the pages', async () => {
    const made = await inOrg('POST', '/objects/Contact', { fields: { LastName: 'Berg' }, at: NOW - 86_400_000 });
    const { id } = made.body;
    expect((await inOrg('GET', `/records/${id}`)).body.CreatedDate).toBe('2026-11-21T10:00:00.000+0000');
    expect((await inOrg('PATCH', `/records/${id}`, { fields: { Title: 'CTO' } })).status).toBe(204);
    expect((await inOrg('PATCH', '/records', { ids: [id], fields: { Department: 'R&D' } })).status).toBe(204);
    expect((await inOrg('DELETE', `/records/${id}`)).status).toBe(204);
    expect((await inOrg('GET', '/objects/Contact?deleted=true')).body).toHaveLength(1);
    await inOrg('POST', `/records/${id}/undelete`);
    expect((await inOrg('GET', '/objects/Contact?limit=1')).body[0]).toMatchObject({ Title: 'CTO', Department: 'R&D' });
    await inOrg('DELETE', `/records/${id}`);
    expect((await inOrg('POST', '/purge')).body).toEqual({ purged: 1 });
    expect((await inOrg('GET', `/records/${id}`)).status).toBe(404);
  });

  it('merges and converts', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b'])
      ids.push((await inOrg('POST', '/objects/Contact', { fields: { LastName: name } })).body.id);
    expect((await inOrg('POST', '/merge', { masterId: ids[0], otherIds: [ids[1]] })).status).toBe(204);
    expect((await inOrg('POST', '/merge', { masterId: ids[0], otherIds: [] })).body[0].errorCode).toBe(
      'INVALID_OPERATION',
    );
    const lead = (await inOrg('POST', '/objects/Lead', { fields: { LastName: 'x', Company: 'y' } })).body.id;
    const converted = (await inOrg('POST', '/convert', { leadId: lead, contactId: ids[0] })).body;
    expect(converted.contactId).toBe(ids[0]);
    expect((await inOrg('GET', `/records/${lead}`)).body).toMatchObject({
      IsConverted: true,
      Status: 'Closed - Converted',
    });
  });

  it('sets the org up: stages, record types, fields, access, rules, settings, users', async () => {
    await inOrg('POST', '/stages', { name: 'Signed', probability: 100, isClosed: true, isWon: true });
    expect((await inOrg('PATCH', '/stages/Signed', { label: 'Unterschrieben' })).body.at(-1).MasterLabel).toBe(
      'Unterschrieben',
    );
    const deal = { Name: 'd', StageName: 'Signed', CloseDate: '2026-12-01' };
    expect((await world.call('POST', '/sobjects/Opportunity', deal)).status).toBe(201);
    expect((await inOrg('DELETE', '/stages/Signed')).body).toHaveLength(6);
    const type = await inOrg('POST', '/record-types', { developerName: 'New', sobjectType: 'Opportunity' });
    expect(type.body.id.slice(0, 3)).toBe('012');
    await inOrg('POST', '/objects/Contact/fields', { name: 'Score__c', type: 'double' });
    expect((await world.query('SELECT Score__c FROM Contact')).status).toBe(200);
    await inOrg('DELETE', '/objects/Contact/fields/Score__c');
    expect((await world.query('SELECT Score__c FROM Contact')).status).toBe(400);
    await inOrg('PUT', '/access', { object: 'Contact', field: 'Email', access: 'none' });
    expect((await world.query('SELECT Email FROM Contact')).status).toBe(400);
    await inOrg('PUT', '/validation-rules', [
      { object: 'Contact', message: 'no', when: { field: 'Title', is: 'present' } },
    ]);
    expect((await world.call('POST', '/sobjects/Contact', { LastName: 'x', Title: 'y' })).status).toBe(400);
    await inOrg('PUT', '/duplicate-rules', [{ object: 'Lead', fields: ['Email'], action: 'block' }]);
    await inOrg('PUT', '/change-events', ['Lead']);
    await inOrg('PATCH', '/settings', { dailyRequests: 1_000 });
    await inOrg('POST', '/use-requests', { requests: 10 });
    const org = (await inOrg('GET', '')).body;
    expect([org.changeEvents, org.settings.dailyRequests]).toEqual([['Lead'], 1_000]);
    await inOrg('PUT', `/users/${org.users[0].id}/active`, { active: false });
    expect((await world.call('GET', '/limits')).status).toBe(401);
  });

  it('connects, counts calls, sets faults, moves the clock and starts again with the same org on the same host', async () => {
    expect((await inOrg('POST', '/install', { codeChallenge: 'x'.repeat(43) })).body.redirectUrl).toContain('code=');
    await world.call('GET', '/limits');
    expect((await ask('GET', '/calls')).body).toContainEqual({
      orgId: world.orgId,
      method: 'GET',
      route: '/limits',
      count: 1,
      statuses: { 200: 1 },
    });
    const fault = (await ask('POST', '/faults', { target: 'api', effect: { kind: 'status', status: 503 } })).body;
    expect((await world.call('GET', '/limits')).status).toBe(503);
    expect((await ask('GET', '/faults')).body[0].struck).toBe(1);
    expect((await ask('DELETE', `/faults/${fault.id}`)).body).toEqual({ removed: true });
    expect((await ask('POST', '/clock', { advanceMs: 3 * 3_600_000 })).body.now).toBe(NOW + 3 * 3_600_000);
    expect((await world.call('GET', '/limits')).status).toBe(401);
    await inOrg('POST', '/objects/Contact', { fields: { LastName: 'x' } });
    await ask('POST', '/idle');
    const before = world.control.org(world.orgId);
    expect((await ask('POST', '/reset')).status).toBe(204);
    const after = world.control.org(world.orgId);
    expect([after.instanceUrl, after.counts.Contact]).toEqual([before.instanceUrl, 0]);
    expect((await ask('GET', '/clock')).body.now).toBe(NOW);
  });

  it('a body with a field that it does not know, an org that is none and a path that is none are named', async () => {
    expect((await ask('POST', '/clock', { advance: 1 })).body[0].message).toContain('advanceMs');
    expect((await ask('GET', '/orgs/00Dx')).body[0].message).toContain('no org 00Dx');
    expect((await ask('GET', '/nothing')).status).toBe(404);
    expect((await ask('POST', '/orgs', { package: {} })).status).toBe(400);
  });

  it('is closed to a page of the web that got a name for this machine', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(
        `${world.sandbox.url}/_sandbox/api/orgs`,
        { headers: { Host: 'evil.example' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      outgoing.once('error', reject);
      outgoing.end();
    });
    expect(status).toBe(403);
  });

  it('an uninstalled package takes its objects along', async () => {
    world.control.uninstall(world.orgId);
    expect(() => world.control.list(world.orgId, 'Referral__c')).toThrow('no object Referral__c');
    const contact = world.control.create(world.orgId, 'Contact', { LastName: 'x' });
    expect(world.control.read(world.orgId, contact)).not.toHaveProperty('Referral_Code_Used__c');
    expect(() => world.control.edit(world.orgId, contact, { Referral_Code_Used__c: 'ANN' })).toThrow();
    expect((await world.call('GET', '/limits')).status).toBe(401);
  });
});

describe('the package’s files', () => {
  const withFile = async (path: string, change: (text: string) => string, to = path): Promise<unknown> => {
    const root = mkdtempSync(join(tmpdir(), 'salesforce-package-'));
    try {
      cpSync(PACKAGE, root, { recursive: true });
      mkdirSync(dirname(join(root, to)), { recursive: true });
      writeFileSync(join(root, to), change(readFileSync(join(root, path), 'utf8')));
      const sandbox = await startSalesforceSandbox({ app: externalClientApp(), orgs: [{ package: { root } }] });
      await sandbox.close();
      return null;
    } catch (thrown) {
      return (thrown as Error).message;
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  };
  const field = 'objects/Referral__c/fields/Source__c.field-meta.xml';

  it('are refused when the org would have to guess', async () => {
    expect(await withFile(field, (text) => text)).toBeNull();
    expect(await withFile(field, (text) => text.replace('>Text<', '>Magic<'))).toContain(
      'does not know the type Magic',
    );
    expect(await withFile(field, (text) => text.replace('Source__c<', 'Sauce__c<'))).toContain(
      'declares the field Sauce__c',
    );
    expect(await withFile(field, (text) => text.replace('<type>', '<formula>1</formula><type>'))).toContain(
      'no formulas',
    );
    expect(await withFile(field, () => '<Other/>')).toContain('no <CustomField>');
  });

  it('may put fields on a standard object that the org has, and make none a detail', async () => {
    const code = 'objects/Contact/fields/Referral_Code_Used__c.field-meta.xml';
    expect(await withFile(code, (text) => text, code.replace('Contact', 'Account'))).toBeNull();
    expect(await withFile(code, (text) => text, code.replace('Contact', 'Kontact'))).toContain(
      'puts fields on Kontact, which the local org does not have',
    );
    const referredBy = 'objects/Contact/fields/Referred_By__c.field-meta.xml';
    expect(await withFile(referredBy, (text) => text.replace('>Lookup<', '>MasterDetail<'))).toContain(
      'Contact.Referred_By__c: a standard object cannot be a detail',
    );
  });
});

it('runs as a process of its own and ends when it is told to', async () => {
  const config = { app: externalClientApp(), orgs: [{ name: 'Own', package: { root: PACKAGE } }] };
  const child = spawn(process.execPath, ['src/sandbox/salesforce/main.ts'], {
    env: { ...process.env, SALESFORCE_SANDBOX_CONFIG: JSON.stringify(config) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const told = JSON.parse(line.toString('utf8')) as Json;
    expect(told.orgs[0].name).toBe('Own');
    expect((await fetch(`${told.orgs[0].instanceUrl}/services/data`)).status).toBe(200);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

it('listens on this machine only', async () => {
  await expect(startSalesforceSandbox({ app: externalClientApp(), host: '0.0.0.0' })).rejects.toThrow('loopback');
});
