import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConsoleLinks } from '../../src/application/console-links.ts';
import { createTellTimelines } from '../../src/application/tell-timelines.ts';
import { createLog } from '../../src/platform/log.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, eventually, type Scene } from './scene.ts';

const BATCH = '/integrators/timeline/2026-03/events/batch';

/** What the timeline of a contact tells: "news headline", the oldest first, and by name where two came at once. */
function toldOn(scene: Scene, contact: string): string[] {
  return scene.crm
    .timeline(PORTAL, 'contact', contact)
    .toSorted((a, b) => a.at - b.at || (a.header < b.header ? -1 : 1))
    .map(({ properties }) => `${properties.news} ${properties.headline}`);
}

const callsTo = (scene: Scene, part: string) =>
  scene.crm
    .calls()
    .flatMap(({ routes }) => routes.filter(({ path }) => path.includes(part)))
    .reduce((sum, { statuses }) => sum + Object.values(statuses).reduce((all, n) => all + n, 0), 0);

async function settingsOf(stack: Stack, scene: Scene): Promise<{ path: string; body: Json }> {
  const path = `/connections/${(await scene.connection()).id}/app-settings`;
  return { path, body: (await stack.api('GET', path)).body };
}

async function turn(stack: Stack, scene: Scene, events: 'on' | 'off') {
  const { path, body } = await settingsOf(stack, scene);
  return stack.api('PUT', path, { version: body.version, events });
}

async function won(stack: Stack, scene: Scene) {
  const member = scene.person('Member');
  const friend = scene.friendOf(member);
  const deal = scene.deal([friend]);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return { member, friend, deal };
}

const OF_A_WIN = {
  friend: [
    'begun Was referred',
    'granted Reward of 50.00 EUR',
    'issued Reward of 50.00 EUR paid',
    'won The referral is won',
  ],
  member: [
    'begun Referred somebody',
    'granted Reward of 100.00 EUR',
    'issued Reward of 100.00 EUR paid',
    'won A referral by this contact is won',
  ],
};

function expectTold(scene: Scene, { member, friend }: { member: string; friend: string }): void {
  expect(toldOn(scene, friend).sort()).toEqual(OF_A_WIN.friend);
  expect(toldOn(scene, member).sort()).toEqual(OF_A_WIN.member);
}

describe('a service that does not know its app to be approved', () => {
  test('asks for nothing more, refuses to tell timelines, and says whose word is missing', async () => {
    const stack = await startStack({ clock: quickClock() });
    const scene = createScene(stack);
    await stack.install();
    expect((await settingsOf(stack, scene)).body.events).toBe('off');
    const refused = await turn(stack, scene, 'on');
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
    expect(refused.body.detail).toContain('HubSpot has to have approved the app');
    await won(stack, scene);
    expect(callsTo(scene, 'timeline')).toBe(0);
    expect((await scene.connection()).scopes ?? []).not.toContain('timeline');
    await stack.close();
  });
});

describe('timelines', () => {
  let stack: Stack;
  let scene: Scene;

  beforeAll(async () => {
    stack = await startStack({ clock: quickClock(), environment: { HUBSPOT_APP_EVENTS: 'true' } });
    scene = createScene(stack);
    await stack.install();
  });
  afterAll(() => stack.close());

  async function health(): Promise<Json> {
    return (await stack.api('GET', `/connections/${(await scene.connection()).id}/health`)).body;
  }

  test('are told nothing until somebody wants it', async () => {
    const { friend, member } = await won(stack, scene);
    expect(toldOn(scene, friend)).toEqual([]);
    expect(toldOn(scene, member)).toEqual([]);
    expect(callsTo(scene, 'timeline')).toBe(0);
  });

  test('are told each fact once, with its reason and where to read on, and none of what was before', async () => {
    const before = await won(stack, scene);
    expect((await turn(stack, scene, 'on')).body.events).toBe('on');
    await stack.settle();
    const pair = await won(stack, scene);
    expectTold(scene, pair);
    expect(toldOn(scene, before.friend)).toEqual([]);
    const referral = await scene.referralOf(pair.friend);
    const begun = scene.crm
      .timeline(PORTAL, 'contact', pair.friend)
      .find(({ properties }) => properties.news === 'begun');
    expect(begun).toMatchObject({
      type: 'wonward_referral_event',
      header: `[Was referred](${stack.publicUrl}/console/${stack.accountId}/referrals/${referral.id})`,
      properties: { role: 'friend', program: 'Friends of Acme' },
    });
    const granted = scene.crm
      .timeline(PORTAL, 'contact', pair.member)
      .find(({ properties }) => properties.news === 'granted');
    expect(granted).toMatchObject({
      type: 'wonward_reward_event',
      properties: { role: 'member', amount: '100.00', currency: 'EUR', reason: expect.stringContaining('Closed Won') },
    });
    await scene.expectNothingParked();
  });

  test('are told of a reward that is taken back, also when it had been told before', async () => {
    const { friend, deal } = await won(stack, scene);
    scene.reopen(deal);
    await stack.settle();
    expect(toldOn(scene, friend).sort()).toEqual(
      [...OF_A_WIN.friend, 'taken_back Reward of 50.00 EUR taken back'].sort(),
    );
    scene.win(deal);
    await stack.settle();
    expect(toldOn(scene, friend).filter((line) => line.startsWith('issued'))).toHaveLength(2);
    expect(toldOn(scene, friend).filter((line) => line.startsWith('won'))).toHaveLength(2);
  });

  test('name nobody: what HubSpot is told cannot be taken back', async () => {
    const texts = scene.crm
      .listRecords(PORTAL, 'contact')
      .results.flatMap(({ id }) => scene.crm.timeline(PORTAL, 'contact', id))
      .flatMap(({ properties }) => Object.values(properties));
    expect(texts.length).toBeGreaterThan(20);
    expect(texts.filter((text) => /@|Engines|\bMember\b|\bFriend\b/.test(text))).toEqual([]);
  });

  test('stay without those of a person who was forgotten before they were told', async () => {
    scene.crm.approveAppEvents(false);
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    await stack.settle();
    const connectionId = (await scene.connection()).id;
    const who = { contact: { connectionId, id: friend } };
    expect((await stack.api('POST', '/people/erase', who)).body).toMatchObject({ outcome: expect.any(String) });
    scene.crm.approveAppEvents(true);
    expect((await stack.api('POST', `/connections/${connectionId}/retry`, {})).body.retried).toBe(2);
    await eventually(
      async () => toldOn(scene, member),
      (told) => told.length === 1,
    );
    await stack.settle();
    expect(toldOn(scene, friend)).toEqual([]);
    expect(await stack.service.store.appEvents.nextDueAt()).toBeNull();
  });

  test('are told once though HubSpot’s answer never came', async () => {
    const { id } = scene.crm.addFault({
      target: 'api',
      path: '/integrators/timeline/2026-03/events*',
      times: 3,
      effect: { kind: 'reset', when: 'after' },
    });
    const pair = await won(stack, scene);
    await stack.settle();
    expect(scene.crm.listFaults()[0]).toMatchObject({ struck: 3 });
    scene.crm.removeFault(id);
    expectTold(scene, pair);
    expect((await health()).backlog.timelines.parked).toBe(0);
  });

  test('are told once though the node dies between the call and writing it down', async () => {
    const { store } = stack.service;
    const connection = await store.connections.findByExternalId('hubspot', String(PORTAL));
    if (!connection) throw new Error('not connected');
    const shard = { accountId: connection.accountId, connectionId: connection.id };
    // A worker that never writes down what it did, as if its process had ended; it holds the events before the service does.
    const dead = createTellTimelines({
      store: { ...store, appEvents: { ...store.appEvents, end: () => new Promise(() => {}) } },
      clock: stack.clock,
      log: createLog({ level: 'silent' }),
      consoleLinks: createConsoleLinks(stack.publicUrl),
      openSession: (one) => stack.service.container.connect.openSession(one),
    });
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    while (toldOn(scene, friend).length === 0) {
      void dead(shard);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // The service finds them after the lease, hears that they are known, and lets them be.
    await eventually(
      () => store.appEvents.nextDueAt(),
      (at) => at === null,
      90_000,
    );
    expect(toldOn(scene, friend)).toEqual(['begun Was referred']);
    expect(toldOn(scene, member)).toEqual(['begun Referred somebody']);
    expect((await health()).backlog.timelines.parked).toBe(0);
  });

  test('wait for a person when HubSpot does not let the app, while records show all the same; then they are told', async () => {
    scene.crm.approveAppEvents(false);
    const pair = await won(stack, scene);
    await scene.rest();
    expect(scene.show('contact', pair.member).wonward_rewards_issued).toBe('100.00 EUR');
    expect(toldOn(scene, pair.member)).toEqual([]);
    const told = await health();
    expect(told.backlog.timelines.parked).toBe(8);
    expect(told.failing).toMatchObject([
      {
        queue: 'timelines',
        cause: 'crm_forbidden',
        isParked: true,
        count: 8,
        error: expect.stringContaining('approved'),
      },
    ]);
    expect(told.problems.map(({ code }: Json) => code)).toContain('parked');
    // Those that come now wait as well, and HubSpot is not asked for each of them.
    const asked = callsTo(scene, 'timeline');
    await won(stack, scene);
    expect(callsTo(scene, 'timeline')).toBe(asked);
    scene.crm.approveAppEvents(true);
    const retried = await stack.api('POST', `/connections/${(await scene.connection()).id}/retry`, {});
    expect(retried.body.retried).toBe(16);
    await stack.settle();
    expectTold(scene, pair);
    expect((await health()).backlog.timelines.parked).toBe(0);
  });

  test('follow a contact that is merged into another one', async () => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    const twin = scene.person('Twin');
    await stack.settle();
    const { id } = scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: twin, objectIdToMerge: friend });
    await scene.sweepToRest();
    const deal = scene.deal([id]);
    scene.win(deal);
    await stack.settle();
    expect(toldOn(scene, id).sort()).toEqual(OF_A_WIN.friend);
    await scene.expectNothingParked();
  });

  test('cost a batch for many events, and not a call for each', async () => {
    const asked = callsTo(scene, 'timeline');
    const release = scene.crm.addFault({
      target: 'api',
      path: BATCH,
      times: 1,
      effect: { kind: 'status', status: 503 },
    });
    const member = scene.person('Member');
    const friends = Array.from({ length: 12 }, () => scene.friendOf(member));
    await stack.settle();
    scene.crm.removeFault(release.id);
    expect(toldOn(scene, member)).toHaveLength(12);
    for (const friend of friends) expect(toldOn(scene, friend)).toHaveLength(1);
    expect(callsTo(scene, 'timeline') - asked).toBeLessThanOrEqual(12);
  });

  test('are told nothing once they are turned off, and not of the time between when they are turned on again', async () => {
    expect((await turn(stack, scene, 'off')).body.events).toBe('off');
    const between = await won(stack, scene);
    expect((await turn(stack, scene, 'on')).status).toBe(200);
    await stack.settle();
    const after = await won(stack, scene);
    expect(toldOn(scene, between.member)).toEqual([]);
    expectTold(scene, after);
    await scene.expectNothingParked();
  });
});

describe('a portal that was connected before the app was approved', () => {
  test('has to grant the permission anew before its timelines are told', async () => {
    const stack = await startStack({ clock: quickClock(), environment: { HUBSPOT_APP_EVENTS: 'true' } });
    const scene = createScene(stack);
    await stack.install();
    scene.crm.setUnavailableScopes(PORTAL, ['timeline']);
    scene.crm.expireAccessTokens(PORTAL);
    await won(stack, scene);
    const refused = await turn(stack, scene, 'on');
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
    expect(refused.body.detail).toContain('Connect it anew');
    scene.crm.setUnavailableScopes(PORTAL, []);
    expect((await stack.install()).status).toBe(200);
    expect((await turn(stack, scene, 'on')).status).toBe(200);
    expectTold(scene, await won(stack, scene));
    await stack.close();
  });
});
