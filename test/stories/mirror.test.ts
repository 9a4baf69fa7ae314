import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  // The customer has a field of this name since long before Wonward came.
  scene.crm.createProperty(PORTAL, 'contact', {
    name: 'wonward_code',
    label: 'Our own code',
    groupName: 'contactinformation',
    type: 'string',
    fieldType: 'text',
  });
  await stack.install();
});
afterAll(() => stack.close());

async function won(): Promise<{ member: string; friend: string; deal: string }> {
  const member = scene.person('Member');
  const friend = scene.friendOf(member);
  const deal = scene.deal([friend]);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return { member, friend, deal };
}

function callsSoFar(): number {
  return scene.crm.calls().reduce((sum, { total }) => sum + total, 0);
}

describe('our own writes', () => {
  test('come back as webhooks and cause no call: everything comes to rest', async () => {
    const { subscriptions } = scene.crm.webhookSettings();
    for (const objectType of ['contact', 'deal'] as const) {
      for (const { name, owner } of hubspotManifest.properties[objectType]) {
        if (owner !== 'wonward') continue;
        subscriptions.push({
          subscriptionId: 9_000_000 + subscriptions.length,
          subscriptionType: 'object.propertyChange',
          objectType,
          propertyName: name,
          active: true,
        });
      }
    }
    await won();
    const echoes = scene.crm
      .deliveries(PORTAL)
      .flatMap(({ events }) => events)
      .filter(({ changeSource }) => changeSource === 'INTEGRATION');
    expect(echoes.length).toBeGreaterThan(5);
    const atRest = callsSoFar();
    // Half a minute of the service's time: dozens of looks of each worker.
    await systemClock.sleep(1_500);
    await stack.settle();
    expect(callsSoFar()).toBe(atRest);
  });

  test('touch nothing but our own fields, on any record', async () => {
    const { member, friend, deal } = await won();
    scene.reopen(deal);
    await stack.settle();
    const ours: readonly string[] = [...hubspotManifest.properties.contact, ...hubspotManifest.properties.deal]
      .filter(({ owner }) => owner === 'wonward')
      .map(({ name }) => name);
    const records = (['contact', 'deal', 'company'] as const).flatMap((object) =>
      scene.crm.listRecords(PORTAL, object).results.map(({ id }) => scene.crm.getRecord(PORTAL, object, id)),
    );
    expect(records.map(({ id }) => id)).toEqual(expect.arrayContaining([member, friend, deal]));
    const written = new Set<string>();
    for (const { propertiesWithHistory } of records) {
      for (const [name, revisions] of Object.entries(propertiesWithHistory)) {
        const byUs = (revisions as { sourceType: string }[]).some(({ sourceType }) => sourceType === 'INTEGRATION');
        if (byUs) written.add(name);
      }
    }
    expect(written.size).toBeGreaterThan(10);
    expect([...written].filter((name) => !ours.includes(name))).toEqual([]);
  });
});

describe('a field of the customer that bears the name of one of ours', () => {
  test('is never written, and all the others are', async () => {
    const member = scene.person('Member', { wonward_code: 'LOYALTY-7' });
    const friend = scene.friendOf(member);
    const deal = scene.deal([friend]);
    scene.win(deal);
    await stack.settle();
    expect(scene.show('contact', member)).toMatchObject({
      wonward_code: 'LOYALTY-7',
      wonward_won_referrals: '1',
      wonward_rewards_issued: '100.00 EUR',
    });
    const { body } = await stack.api('POST', `/connections/${(await scene.connection()).id}/provision`, {});
    expect(body.conflicts).toMatchObject([{ name: 'contacts.wonward_code' }]);
  });
});

describe('a field of ours that an admin deletes', () => {
  test('is there again after the next write, and every value comes back', async () => {
    const { member } = await won();
    const path = '/crm/properties/2026-03/contacts/wonward_rewards_issued';
    expect((await scene.hubspot('DELETE', path)).status).toBe(204);
    await scene.expectNextDealPays();
    expect((await scene.hubspot('GET', path)).status).toBe(200);
    await scene.sweep();
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
    await scene.expectNothingParked();
  });

  test('is found by the sweep when nothing is written meanwhile', async () => {
    const { deal } = await won();
    const path = '/crm/properties/2026-03/deals/wonward_reward_state';
    expect((await scene.hubspot('DELETE', path)).status).toBe(204);
    await scene.sweep();
    expect((await scene.hubspot('GET', path)).status).toBe(200);
    expect(scene.show('deal', deal).wonward_reward_state).toBe('member: issued, friend: issued');
    await scene.expectNextDealPays();
  });
});

describe('the association labels that an admin deletes', () => {
  test('are there again after the sweep; who was referred stays referred, and the next friend can be labelled', async () => {
    const { friend, deal } = await won();
    const labels = '/crm/associations/2026-03/contacts/contacts/labels';
    const { body } = await scene.hubspot('GET', labels);
    const ours = body.results.filter(({ label }: { label: string | null }) => /^Referred/.test(label ?? ''));
    expect(ours).toHaveLength(2);
    // HubSpot lets nobody delete a label that is in use: it is taken off every contact before.
    for (const { id } of scene.crm.listRecords(PORTAL, 'contact').results) {
      for (const other of scene.crm.getRecord(PORTAL, 'contact', id).associations.contacts ?? []) {
        if (!other.labels.includes('Referred by')) continue;
        scene.crm.dissociate(PORTAL, {
          fromType: 'contact',
          fromId: id,
          toType: 'contact',
          toId: other.id,
          labels: ['Referred by'],
        });
      }
    }
    await stack.settle();
    for (const { typeId } of ours) await scene.hubspot('DELETE', `${labels}/${typeId}`);
    expect(
      (await scene.hubspot('GET', labels)).body.results.filter(({ label }: { label: string | null }) => label),
    ).toEqual([]);
    await scene.sweep();
    expect(await scene.referralOf(friend)).toMatchObject({ stage: 'won' });
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    await scene.expectNextDealPays();
  });
});

describe('a batch with a record that is gone', () => {
  test('writes all the others, and does not try the gone one for ever', async () => {
    const people = await Promise.all([won(), won(), won()]);
    const speak = scene.silence();
    scene.crm.deleteRecord(PORTAL, 'contact', people[1]?.member ?? '');
    const connection = await scene.connection();
    for (const { member } of [people[0], people[2]].map((one) => one ?? { member: '' })) {
      // Somebody has emptied our field by hand.
      scene.edit('contact', member, { wonward_rewards_issued: '' });
    }
    await stack.service.store.mirror.markAll(stack.accountId, connection.id, stack.clock.now());
    await stack.settle();
    speak();
    for (const { member } of [people[0], people[2]].map((one) => one ?? { member: '' })) {
      expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
    }
    await scene.expectNothingParked();
    const atRest = callsSoFar();
    await systemClock.sleep(500);
    expect(callsSoFar()).toBe(atRest);
    expect(await scene.rewardsOn(...people.map(({ deal }) => deal))).toHaveLength(6);
    await scene.expectNextDealPays();
  });

  test('that HubSpot refuses row by row (207) leaves the others written and comes back to the refused one', async () => {
    const people = await Promise.all([won(), won(), won()]);
    const connection = await scene.connection();
    for (const { member } of people) scene.edit('contact', member, { wonward_rewards_issued: '' });
    scene.crm.addFault({
      target: 'api',
      path: '*/contacts/batch/update',
      times: 1,
      effect: { kind: 'rows', rows: [0, 2] },
    });
    await stack.service.store.mirror.markAll(stack.accountId, connection.id, stack.clock.now());
    await stack.settle();
    for (const { member } of people) expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
    await scene.expectNothingParked();
    scene.crm.clearFaults();
    await scene.expectNextDealPays();
  });
});
