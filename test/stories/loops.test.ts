import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  const { subscriptions } = scene.crm.webhookSettings();
  // As if the customer's app had subscribed to our own fields: the worst that can come back.
  for (const [objectType, propertyName] of [
    ['contact', 'wonward_rewards_issued'],
    ['deal', 'wonward_reward_state'],
  ] as const)
    subscriptions.push({
      subscriptionId: 9_100_000 + subscriptions.length,
      subscriptionType: 'object.propertyChange',
      objectType,
      propertyName,
      active: true,
    });
  await stack.install();
});
afterAll(() => stack.close());

async function won() {
  const member = scene.person('Member');
  const friend = scene.friendOf(member);
  const deal = scene.deal([friend]);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return { member, friend, deal };
}

/** How often we have written a property, by HubSpot's own history of it. */
function ourWrites(object: 'contact' | 'deal', id: string, name: string): number {
  const history = scene.crm.getRecord(PORTAL, object, id).propertiesWithHistory[name] as
    | { sourceType: string }[]
    | undefined;
  return (history ?? []).filter(({ sourceType }) => sourceType === 'INTEGRATION').length;
}

describe('what comes back of our own writes', () => {
  test('a workflow of the customer’s that sets our field back whenever it changes meets nobody who sets it forth', async () => {
    const { member, deal } = await won();
    const [before, decided] = [
      ourWrites('contact', member, 'wonward_rewards_issued'),
      (await scene.decisionsOn(deal)).length,
    ];
    for (let times = 0; times < 10; times += 1) {
      // The rule: as soon as it shows anything, empty it.
      if (scene.show('contact', member).wonward_rewards_issued)
        scene.edit('contact', member, { wonward_rewards_issued: '' });
      if (scene.show('deal', deal).wonward_reward_state !== 'theirs')
        scene.edit('deal', deal, { wonward_reward_state: 'theirs' });
      await stack.settle();
      await stack.clock.sleep(5_000);
      if (times === 5) await scene.sweepToRest();
    }
    expect(ourWrites('contact', member, 'wonward_rewards_issued')).toBe(before);
    expect(await scene.decisionsOn(deal)).toHaveLength(decided);
    expect(scene.show('contact', member).wonward_rewards_issued ?? '').toBe('');

    // What has to be said anew is said once, and the comparison says that it does not stay.
    const friend = scene.friendOf(member, 'Second');
    const second = scene.deal([friend]);
    await stack.settle();
    scene.win(second);
    await stack.settle();
    expect(ourWrites('contact', member, 'wonward_rewards_issued')).toBeLessThanOrEqual(before + 2);
    scene.edit('contact', member, { wonward_rewards_issued: '' });
    await stack.settle();
    const { id: connectionId } = await scene.connection();
    const { body } = await stack.api('POST', `/connections/${connectionId}/reports`);
    expect(body.counts).toMatchObject({ different: 2, unexplained: 0 });
    await stack.settle();
    const { body: health } = await stack.api('GET', `/connections/${connectionId}/health`);
    expect(health.problems.map(({ code }: { code: string }) => code)).toContain('mirror_differs');
  }, 60_000);
});

describe('a workflow of the customer’s that sets our fields back', () => {
  const alerts = async (state: 'open' | 'decided') =>
    (await scene.list(`/cases?kind=alert&state=${state}`)).filter(({ topic }) => topic === 'mirror_overwritten');

  test('is one alert for each field with the records and reports that show it, which ends when it stops', async () => {
    const first = await won();
    const second = await won();
    const workflow = scene.crm.addPropertyWorkflow(PORTAL, {
      objectType: 'deal',
      propertyName: 'wonward_reward_state',
      set: { wonward_reward_state: 'theirs', wonward_stage: 'theirs' },
    });
    // What people correct by hand, once, is no workflow.
    scene.edit('contact', first.member, { wonward_tier: 'by hand' });
    for (const { deal } of [first, second]) scene.edit('deal', deal, { wonward_reward_state: 'x' });
    await stack.settle();
    const { id: connectionId } = await scene.connection();
    const report = async (): Promise<Json> => {
      const { status, body } = await stack.api('POST', `/connections/${connectionId}/reports`);
      expect(status, JSON.stringify(body)).toBe(201);
      await stack.settle();
      return body;
    };
    const reports: Json[] = [await report(), await report()];
    expect(scene.show('deal', first.deal).wonward_reward_state).toBe('theirs');
    expect(await alerts('open')).toEqual([]);
    const [decided, writes] = [
      (await scene.decisionsOn(first.deal)).length,
      ourWrites('deal', first.deal, 'wonward_reward_state'),
    ];
    for (let more = 0; more < 3; more += 1) reports.push(await report());
    const open = await alerts('open');
    expect(open.map(({ summary }) => summary).sort()).toEqual([
      expect.stringContaining('Something in HubSpot sets "wonward_reward_state" of 2 deals back: 3 reports in a row'),
      expect.stringContaining('Something in HubSpot sets "wonward_stage" of 2 deals back'),
    ]);
    const { facts } = (await stack.api('GET', `/cases/${open[0]?.id}`)).body.case;
    expect(facts).toMatchObject({ connectionId, object: 'deal', records: 2 });
    expect(facts.recordIds.toSorted()).toEqual([first.deal, second.deal].toSorted());
    expect(facts.reportIds.toSorted()).toEqual(
      reports
        .slice(0, 3)
        .map(({ id }) => id)
        .toSorted(),
    );
    // Bounded: a write for each report, and no decision.
    expect(ourWrites('deal', first.deal, 'wonward_reward_state')).toBe(writes + 3);
    expect(await scene.decisionsOn(first.deal)).toHaveLength(decided);

    scene.crm.removePropertyWorkflow(PORTAL, workflow.id);
    await report();
    expect(await report()).toMatchObject({ counts: { different: 0 } });
    expect(await alerts('open')).toEqual([]);
    const ended = await alerts('decided');
    expect(ended.map(({ outcome }) => outcome)).toEqual(['moot', 'moot']);
    expect(scene.show('deal', first.deal).wonward_reward_state).not.toBe('theirs');
  }, 60_000);
});

describe('a person who was forgotten at HubSpot’s word', () => {
  test('leaves balances and books as they were, and who comes later under their name is somebody new', async () => {
    const email = 'forgotten@example.com';
    const member = scene.person('Forgotten', { email });
    const deal = scene.deal([scene.friendOf(member)]);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    const balances = await scene.list('/balances');
    const old = await scene.memberOf(member);
    scene.crm.privacyDelete(PORTAL, 'contact', member);
    await stack.settle();
    await systemClock.sleep(500);
    expect(await scene.list('/balances')).toEqual(balances);
    const { store } = stack.service;
    const { items } = (await stack.api('GET', '/members?limit=100')).body;
    expect(items.find(({ id }: { id: string }) => id === old.id)).toMatchObject({ name: null, email: null });
    // HubSpot itself lets nobody use the address again.
    const address = 'forgotten.later@example.com';
    const later = scene.person('Forgotten', { email: address });
    scene.friendOf(later, 'Other');
    await stack.settle();
    const fresh = await scene.memberOf(later);
    expect(fresh.id).not.toBe(old.id);
    expect(fresh).toMatchObject({ email: address });
    expect(scene.show('contact', later).wonward_rewards_issued ?? '').toBe('');
    const { problems, accounts } = await store.audited(stack.clock.now(), (audit) => verify(audit));
    expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
  });
});

describe('an app that was uninstalled', () => {
  test('is told with what waits, and goes on where it was once it is installed again', async () => {
    const member = scene.person('Before');
    const friend = scene.friendOf(member);
    const deal = scene.deal([friend]);
    await stack.settle();
    scene.crm.uninstall(PORTAL);
    scene.win(deal);
    const { id: connectionId } = await scene.connection();
    await scene.sweep().catch(() => {});
    const lost = (await stack.api('GET', `/connections/${connectionId}/health`)).body;
    expect(lost).toMatchObject({ verdict: 'broken', token: { state: 'none' } });
    expect(lost.problems[0].code).toBe('disconnected');
    expect(lost.events.map(({ kind }: { kind: string }) => kind)).toContain('lost');
    expect((await stack.api('POST', `/connections/${connectionId}/sweep`, {})).status).toBe(409);

    await stack.install();
    await scene.sweep();
    await stack.settle();
    const back = (await stack.api('GET', `/connections/${connectionId}/health`)).body;
    expect(back.verdict).not.toBe('broken');
    expect(back.events[0]).toMatchObject({ kind: 'reconnected', detail: expect.stringContaining('is searched for') });
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
  }, 60_000);
});
