import { describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import { provision as provisionPortal, readPropertyState } from '../../../src/crm/hubspot/provision.ts';
import { hubspotError, portalApi } from './harness.ts';

interface Property {
  name: string;
  type: string;
  groupName: string;
  hasUniqueValue?: boolean;
}

/** A portal's schema: groups, properties per object, and the labels between contacts. */
function portal({ properties = [], labels = [] }: { properties?: [string, Property][]; labels?: string[] } = {}) {
  const groups: string[] = [];
  const store = new Map<string, Property>(
    properties.map(([object, property]) => [`${object}/${property.name}`, property]),
  );
  const own = [...labels];
  /** Called before each creation; may create the same thing first, as another node would. */
  const race: { before: ((path: string, json: Record<string, string>) => void) | null } = { before: null };
  const api = portalApi(({ method, path, json }) => {
    const [, , kind, , object = ''] = path.split('/');
    const body = json as Record<string, string>;
    if (method === 'POST') race.before?.(path, body);
    if (path.endsWith('/labels')) {
      if (method === 'GET') {
        const results = own.map((label, index) => ({ category: 'USER_DEFINED', typeId: index, label }));
        return {
          status: 200,
          body: { results: [{ category: 'HUBSPOT_DEFINED', typeId: 449, label: null }, ...results] },
        };
      }
      if (own.includes(body.label ?? '')) return { status: 400, body: hubspotError('label exists') };
      own.push(body.label ?? '', body.inverseLabel ?? '');
      return { status: 201, body: { results: [] } };
    }
    if (path.endsWith('/groups')) {
      if (method === 'GET') {
        return {
          status: 200,
          body: {
            results: groups
              .filter((name) => name.startsWith(object))
              .map((name) => ({ name: name.slice(object.length + 1) })),
          },
        };
      }
      if (groups.includes(`${object}/${body.name}`)) return { status: 409, body: hubspotError('exists') };
      groups.push(`${object}/${body.name}`);
      return { status: 201, body };
    }
    expect(kind).toBe('properties');
    if (method === 'GET') {
      return {
        status: 200,
        body: { results: [...store].filter(([key]) => key.startsWith(`${object}/`)).map(([, value]) => value) },
      };
    }
    const key = `${object}/${body.name}`;
    if (store.has(key)) return { status: 409, body: hubspotError('exists', { category: 'CONFLICT' }) };
    store.set(key, body as unknown as Property);
    return { status: 201, body };
  });
  return { api, groups, store, labels: own, race };
}

const provision = async (api: Parameters<typeof provisionPortal>[0]) => (await provisionPortal(api)).report;

const ALL = Object.entries(hubspotManifest.properties).flatMap(([object, declared]) =>
  declared.map(({ name }) => `${object}s.${name}`),
);

describe('provisioning', () => {
  test('creates everything that is declared in our group, and the second time nothing', async () => {
    const { api, groups, store, labels } = portal();
    const first = await provision(api);
    expect([...first.created].sort()).toEqual(
      [...ALL, 'contacts.group.wonward', 'deals.group.wonward', 'contacts.contacts.label.referred_by'].sort(),
    );
    expect(groups).toEqual(['contacts/wonward', 'deals/wonward']);
    expect([...store.values()].every(({ groupName }) => groupName === 'wonward')).toBe(true);
    expect(store.get('contacts/wonward_id')?.hasUniqueValue).toBe(true);
    expect(labels).toEqual(['Referred by', 'Referred']);
    expect([...store.values()].some((property) => 'owner' in property)).toBe(false);

    const before = JSON.stringify([...store]);
    const second = await provision(api);
    expect(second).toMatchObject({ created: [], conflicts: [] });
    expect(second.existing).toHaveLength(first.created.length);
    expect(JSON.stringify([...store])).toBe(before);
  });

  test('repairs what somebody deleted, and only that', async () => {
    const { api, store, labels } = portal();
    await provision(api);
    store.delete('deals/wonward_stage');
    labels.length = 0;
    expect((await provision(api)).created).toEqual(['deals.wonward_stage', 'contacts.contacts.label.referred_by']);
  });

  test('leaves a property of the customer alone that bears our name, says so and does not write it', async () => {
    const foreign = { name: 'wonward_stage', type: 'string', groupName: 'dealinformation' };
    const otherType = { name: 'wonward_referrals', type: 'string', groupName: 'wonward' };
    const { api, store } = portal({
      properties: [
        ['deals', foreign],
        ['contacts', otherType],
      ],
    });
    const report = await provision(api);
    expect(report.conflicts).toEqual([
      { name: 'contacts.wonward_referrals', problem: 'of type string, not number' },
      { name: 'deals.wonward_stage', problem: 'in the group "dealinformation", not in "wonward"' },
    ]);
    expect(store.get('deals/wonward_stage')).toEqual(foreign);
    const state = await readPropertyState(api, 'deal');
    expect(state.missing).toEqual([]);
    expect([...state.writable].sort()).toEqual([
      'wonward_referral_id',
      'wonward_reward_reason',
      'wonward_reward_state',
    ]);
  });

  test('of a portal that is whole costs three calls, since every sweep asks for it', async () => {
    const { api } = portal();
    await provision(api);
    const before = api.calls.length;
    await provision(api);
    expect(api.calls.slice(before).map(({ name }) => name)).toEqual([
      'read properties',
      'read properties',
      'read association labels',
    ]);
  });

  test('knows afterwards what can be written, without asking again', async () => {
    const foreign = { name: 'wonward_stage', type: 'string', groupName: 'dealinformation' };
    for (const properties of [[], [['deals', foreign]]] as [string, Property][][]) {
      const { api } = portal({ properties });
      const { states } = await provisionPortal(api);
      for (const object of ['contact', 'deal'] as const)
        expect(states.get(object)).toEqual(await readPropertyState(api, object));
    }
    const refusing = portalApi(({ method }) =>
      method === 'POST'
        ? { status: 400, body: hubspotError('limit reached', { category: 'VALIDATION_ERROR' }) }
        : { status: 200, body: { results: [] } },
    );
    const { states } = await provisionPortal(refusing);
    expect([states.get('deal')?.writable.size, states.get('deal')?.missing.length]).toEqual([0, 4]);
  });

  test('takes what another node created at the same moment for existing', async () => {
    const { api, store, groups, labels, race } = portal();
    race.before = (path, json) => {
      const object = path.split('/')[4] ?? '';
      if (path.endsWith('/labels')) labels.push('Referred by', 'Referred');
      else if (path.endsWith('/groups')) groups.push(`${object}/${json.name}`);
      else store.set(`${object}/${json.name}`, json as unknown as Property);
    };
    const report = await provision(api);
    expect(report.created).toEqual([]);
    expect(report.conflicts).toEqual([]);
    expect(report.existing).toHaveLength(ALL.length + 3);
  });

  test('reports what HubSpot will not create, and goes on with the rest', async () => {
    const { api, race } = portal({ labels: ['Referred'] });
    race.before = null;
    const report = await provision(api);
    expect(report.conflicts).toEqual([
      {
        name: 'contacts.contacts.label.referred_by',
        problem: 'a label "Referred by" or "Referred" exists without the other',
      },
    ]);
    const full = portal();
    const refusing = portalApi((call) => {
      if (call.method === 'POST')
        return { status: 400, body: hubspotError('limit reached', { category: 'VALIDATION_ERROR' }) };
      return { status: 200, body: { results: [] } };
    });
    expect(full.groups).toEqual([]);
    const refused = await provision(refusing);
    expect(refused.created).toEqual([]);
    expect(refused.conflicts).toHaveLength(ALL.length + 3);
    expect(refused.conflicts[0]?.problem).toContain('limit reached');
  });
});
