import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OBJECT_SCOPES } from '../../manifests/hubspot/app.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, eventually, type Scene } from './scene.ts';

const REFERRALS = `p${PORTAL}_wonward_referral`;
const REWARDS = `p${PORTAL}_wonward_reward`;

let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  await stack.install();
});
afterAll(() => stack.close());

async function settings(): Promise<{ path: string; body: Json }> {
  const path = `/connections/${(await scene.connection()).id}/app-settings`;
  const { status, body } = await stack.api('GET', path);
  expect(status).toBe(200);
  return { path, body };
}

async function turn(objects: 'on' | 'off') {
  const { path, body } = await settings();
  const answer = await stack.api('PUT', path, { version: body.version, objects });
  await stack.settle();
  return answer;
}

async function won() {
  const member = scene.person('Member');
  const friend = scene.friendOf(member);
  const deal = scene.deal([friend]);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return { member, friend, deal };
}

/** The rows that a record is tied to, by their properties. */
function tied(object: 'contact' | 'deal', id: string, rows: string): Record<string, string>[] {
  const { associations } = scene.crm.getRecord(PORTAL, object, id) as Json;
  const [typeId] = typeIdsOf(rows);
  return (associations[typeId ?? ''] ?? []).map((one: Json) => scene.crm.getRecord(PORTAL, rows, one.id).properties);
}

function typeIdsOf(rows: string): string[] {
  const { results } = scene.crm.listRecords(PORTAL, rows);
  const [first] = results;
  return first ? [String(scene.crm.getRecord(PORTAL, rows, first.id).objectType)] : [];
}

/** What HubSpot shows of a deal's rewards, and what the ledger has, in the same words. */
async function expectEqual(deal: string): Promise<void> {
  const shown = tied('deal', deal, REWARDS).map(
    (row) =>
      `${row.wonward_party} ${row.wonward_state} ${Number(row.wonward_amount).toFixed(2)} ${row.wonward_currency}`,
  );
  expect(shown.sort()).toEqual(await scene.rewardsOn(deal));
}

const callsSoFar = () => scene.crm.calls().reduce((sum, { total }) => sum + total, 0);

describe('referrals and rewards as objects of HubSpot', () => {
  test('are not there until somebody chooses them, and nothing of HubSpot is asked for them', async () => {
    const { deal } = await won();
    expect(await scene.rewardsOn(deal)).toHaveLength(2);
    const routes = scene.crm.calls().flatMap(({ routes: all }) => all.map(({ path }) => path));
    expect(routes.filter((path) => /schemas|limits/.test(path))).toEqual([]);
    expect((await settings()).body.objects).toBe('off');
  });

  test('show what is there already once they are chosen, and what comes then, equal to the ledger', async () => {
    const before = await won();
    expect((await turn('on')).status).toBe(200);
    await scene.rest();
    await expectEqual(before.deal);
    const { friend, deal } = await won();
    await scene.rest();
    await expectEqual(deal);
    const [referral, ...none] = tied('deal', deal, REFERRALS);
    expect(none).toEqual([]);
    expect(referral).toMatchObject({
      wonward_key: (await scene.referralOf(friend)).id,
      wonward_stage: 'won',
      wonward_member_id: (await scene.referralOf(friend)).memberId,
    });
    expect(tied('contact', friend, REFERRALS)).toEqual([referral]);
    await scene.expectNothingParked();
  });

  test('come to rest, and the same choice again writes nothing', async () => {
    await scene.sweepToRest();
    const { path, body } = await settings();
    const atRest = callsSoFar();
    expect((await stack.api('PUT', path, { version: body.version, objects: 'on' })).body.version).toBe(body.version);
    await systemClock.sleep(1_500);
    await stack.settle();
    expect(callsSoFar()).toBe(atRest);
  });

  test('follow a deal that is won, opened, and won again', async () => {
    const { deal } = await won();
    scene.reopen(deal);
    await scene.rest();
    await expectEqual(deal);
    expect((await scene.rewardsOn(deal)).every((reward) => !reward.includes(' issued '))).toBe(true);
    scene.win(deal);
    await scene.rest();
    const states = tied('deal', deal, REWARDS).map(({ wonward_state }) => wonward_state);
    expect(states.sort()).toEqual(['issued', 'issued']);
  });

  test('follow a deal that goes to another friend: it tells of one referral alone', async () => {
    const { friend, deal } = await won();
    const otherFriend = scene.friendOf(scene.person('Another'));
    await stack.settle();
    scene.crm.dissociate(PORTAL, { fromType: 'deal', fromId: deal, toType: 'contact', toId: friend });
    scene.crm.associate(PORTAL, { fromType: 'deal', fromId: deal, toType: 'contact', toId: otherFriend });
    await scene.sweepToRest();
    await scene.rest();
    const shown = tied('deal', deal, REFERRALS).map(({ wonward_key }) => wonward_key);
    expect(shown).toHaveLength(1);
    const standing = (await scene.rewardsOn(deal)).filter((reward) => reward.includes(' issued '));
    const states = tied('deal', deal, REWARDS).filter(({ wonward_state }) => wonward_state === 'issued');
    expect(states).toHaveLength(standing.length);
  });

  test('follow a contact that is merged into another one', async () => {
    const { friend, deal } = await won();
    const twin = scene.person('Twin');
    await stack.settle();
    const { id } = scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: twin, objectIdToMerge: friend });
    await scene.sweepToRest();
    await scene.rest();
    expect(tied('contact', id, REFERRALS)).toMatchObject([{ wonward_key: (await scene.referralOf(id)).id }]);
    await expectEqual(deal);
  });

  test('name nobody who was forgotten, and go on telling of the deal', async () => {
    const { friend, deal } = await won();
    const { id } = await scene.referralOf(friend);
    const connectionId = (await scene.connection()).id;
    const who = { contact: { connectionId, id: friend } };
    expect((await stack.api('POST', '/people/erase', who)).body).toMatchObject({ outcome: expect.any(String) });
    await scene.rest();
    expect(tied('contact', friend, REFERRALS)).toEqual([]);
    expect(tied('deal', deal, REFERRALS)).toMatchObject([{ wonward_key: id }]);
    await expectEqual(deal);
    const texts = scene.crm
      .listRecords(PORTAL, REFERRALS)
      .results.flatMap(({ properties }) => Object.values(properties));
    expect(texts.filter((text) => /@|Friend\b/.test(text))).toEqual([]);
  });

  test('are whole also when the process never heard that they were written', async () => {
    for (const path of ['/crm/objects/2026-03/2-*/batch/upsert', '/crm/associations/2026-03/*/2-*/batch/associate/*']) {
      scene.crm.addFault({ target: 'api', path, times: 2, effect: { kind: 'reset', when: 'after' } });
      const { deal, friend } = await won();
      await scene.rest();
      await expectEqual(deal);
      expect(tied('contact', friend, REFERRALS)).toHaveLength(1);
      const [fault] = scene.crm.listFaults();
      expect(fault).toMatchObject({ struck: 2 });
      scene.crm.removeFault(fault?.id ?? 0);
    }
    const keys = scene.crm.listRecords(PORTAL, REWARDS).results.map(({ properties }) => properties.wonward_key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('are written with the next attempt when only the properties were, and nothing is taken for written before', async () => {
    const path = '/crm/objects/2026-03/2-*/batch/upsert';
    const { id } = scene.crm.addFault({ target: 'api', path, effect: { kind: 'status', status: 503 } });
    const member = scene.person('Member');
    const deal = scene.deal([scene.friendOf(member)]);
    scene.win(deal);
    await eventually(
      async () => scene.show('deal', deal).wonward_reward_state,
      (state) => state !== undefined,
    );
    expect(tied('deal', deal, REWARDS)).toEqual([]);
    scene.crm.removeFault(id);
    await scene.rest();
    await expectEqual(deal);
    await scene.expectNothingParked();
  });

  test('are put right by the reconciliation when somebody has changed or deleted them', async () => {
    const { deal } = await won();
    await scene.rest();
    const connectionId = (await scene.connection()).id;
    const report = async () => (await stack.api('POST', `/connections/${connectionId}/reports`, {})).body;
    expect((await report()).counts).toMatchObject({ different: 0 });
    const [one, other] = (scene.crm.getRecord(PORTAL, 'deal', deal) as Json).associations[typeIdsOf(REWARDS)[0] ?? ''];
    scene.crm.editRecord(PORTAL, REWARDS, one.id, { properties: { wonward_amount: '9999' } });
    scene.crm.deleteRecord(PORTAL, REWARDS, other.id);
    expect((await report()).counts).toMatchObject({ different: 1 });
    await scene.rest();
    await expectEqual(deal);
    expect((await report()).counts).toMatchObject({ different: 0 });
  });

  test('come back with all their values when an admin deletes a property of theirs', async () => {
    const { deal } = await won();
    await scene.rest();
    const [typeId] = typeIdsOf(REWARDS);
    expect((await scene.hubspot('DELETE', `/crm/properties/2026-03/${typeId}/wonward_state`)).status).toBe(204);
    await scene.sweep();
    await scene.rest();
    await expectEqual(deal);
    await scene.expectNothingParked();
  });

  test('go when they are turned off, and the choice ends once none is left; what is written then makes none', async () => {
    const { deal } = await won();
    expect((await turn('off')).body.objects).toBe('leaving');
    await scene.sweep();
    for (const rows of [REFERRALS, REWARDS]) expect(scene.crm.listRecords(PORTAL, rows).total).toBe(0);
    expect((await settings()).body.objects).toBe('leaving');
    await stack.clock.sleep(6 * 60_000);
    await scene.sweep();
    expect((await settings()).body.objects).toBe('off');
    scene.reopen(deal);
    await won();
    await scene.rest();
    for (const rows of [REFERRALS, REWARDS]) expect(scene.crm.listRecords(PORTAL, rows).total).toBe(0);
    expect(scene.show('deal', deal).wonward_reward_state).not.toContain('issued');
  });

  test('come back with all that is there when they are turned on once more', async () => {
    const { deal } = await won();
    expect((await turn('on')).status).toBe(200);
    await scene.rest();
    await expectEqual(deal);
    await scene.expectNothingParked();
  });
});

describe('an account whose subscription', () => {
  async function connected(portalId: number, more: { unavailableScopes?: string[]; customObjectLimit?: number }) {
    scene.crm.createPortal({ portalId, ...more });
    expect((await stack.install(portalId)).status).toBe(200);
    const { id } = await createScene(stack, { portalId }).connection();
    return `/connections/${id}/app-settings`;
  }

  test('has no custom objects is told so, and goes on without', async () => {
    const path = await connected(147_000_002, { unavailableScopes: [...OBJECT_SCOPES] });
    const { body: before } = await stack.api('GET', path);
    const refused = await stack.api('PUT', path, { version: before.version, objects: 'on' });
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
    expect(refused.body.detail).toContain('where the subscription has no custom objects');
    expect((await stack.api('GET', path)).body).toEqual(before);
  });

  test.each([
    [147_000_003, 0, 'has no custom objects'],
    [147_000_004, 1, 'may have 1 custom objects and has 0; Wonward needs 2 more'],
  ])('has no room for two more is told how much there is (%i)', async (portalId, customObjectLimit, words) => {
    const path = await connected(portalId, { customObjectLimit });
    const { body: before } = await stack.api('GET', path);
    const refused = await stack.api('PUT', path, { version: before.version, objects: 'on' });
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
    expect(refused.body.detail).toContain(words);
    expect((await stack.api('GET', path)).body).toEqual(before);
  });

  test('ends with custom objects keeps its properties, and has all rows again once it is back', async () => {
    await turn('on');
    const { deal } = await won();
    await scene.rest();
    scene.crm.setUnavailableScopes(PORTAL, [...OBJECT_SCOPES]);
    scene.crm.expireAccessTokens(PORTAL);
    scene.reopen(deal);
    await stack.settle();
    await scene.rest();
    expect(scene.show('deal', deal).wonward_reward_state).not.toContain('issued');
    await scene.expectNothingParked();
    await scene.sweep();
    const alerts = async () =>
      (await stack.api('GET', `/connections/${(await scene.connection()).id}/drift`)).body.items.map(
        ({ kind }: Json) => kind,
      );
    expect(await alerts()).toContain('scope_lost');
    scene.crm.setUnavailableScopes(PORTAL, []);
    expect((await stack.install()).status).toBe(200);
    await scene.rest();
    await scene.sweep();
    await scene.rest();
    await expectEqual(deal);
    expect(await alerts()).not.toContain('scope_lost');
  });
});
