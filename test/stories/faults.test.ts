import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultInput } from '../../src/sandbox/hubspot/server.ts';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, eventually, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  await stack.install();
});
afterEach(() => scene.crm.clearFaults());
afterAll(() => stack.close());

const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];

type Effect = Extract<FaultInput, { target: 'api' }>['effect'];

function trouble(effect: Effect, terms: { times?: number; path?: string; probability?: number } = {}): void {
  scene.crm.addFault({ target: 'api', portalId: PORTAL, effect, ...terms });
}

function refusedForTooMany(): number {
  return scene.crm
    .calls()
    .flatMap(({ routes }) => routes)
    .reduce((sum, { statuses }) => sum + (statuses['429'] ?? 0), 0);
}

describe('while a deal is won, HubSpot', () => {
  test.each<[string, Effect[]]>([
    ['answers 429 without saying for how long', [{ kind: 'status', status: 429 }]],
    ['answers 429 and names three seconds', [{ kind: 'status', status: 429, retryAfterSeconds: 3 }]],
    ['answers 429 and names forty seconds', [{ kind: 'status', status: 429, retryAfterSeconds: 40 }]],
    ['answers 500', [{ kind: 'status', status: 500 }]],
    ['answers 502 with a page of its proxy', [{ kind: 'status', status: 502, html: true }]],
    ['answers 503', [{ kind: 'status', status: 503 }]],
    ['has locked the record (423)', [{ kind: 'status', status: 423 }]],
    ['moves the portal (477)', [{ kind: 'status', status: 477, retryAfterSeconds: 20 }]],
    ['breaks the connection before it has looked', [{ kind: 'reset', when: 'before' }]],
    ['breaks the connection after it has written', [{ kind: 'reset', when: 'after' }]],
    ['sends half an answer', [{ kind: 'truncate' }]],
    [
      'does all of that by turns',
      [
        { kind: 'status', status: 429 },
        { kind: 'status', status: 504 },
        { kind: 'reset', when: 'after' },
        { kind: 'truncate' },
        { kind: 'reset', when: 'before' },
      ],
    ],
  ])('%s: both are paid once, the CRM shows it, and nothing is left over', async (_, effects) => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    const deal = scene.deal([friend]);
    const isLong = effects.some((effect) => effect.kind === 'status' && (effect.retryAfterSeconds ?? 0) > 10);
    for (const effect of effects) trouble(effect, { times: isLong ? 3 : Math.ceil(9 / effects.length) });
    scene.win(deal);
    await stack.settle();
    await scene.rest();
    expect(scene.crm.listFaults().map(({ times, struck }) => struck === times)).not.toContain(false);
    scene.crm.clearFaults();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded']);
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
    expect(scene.show('deal', deal).wonward_reward_state).toBe('member: issued, friend: issued');
    await scene.expectNothingParked();
    await scene.expectBalanced();
  });

  test.each([
    ['deals', '*/deals/batch/read'],
    ['contacts', '*/contacts/batch/read'],
    ['single records', '/crm/objects/2026-03/*/3*'],
    ['associations', '/crm/associations/*'],
    ['pipelines', '/crm/pipelines/*'],
    ['properties', '/crm/properties/*'],
    ['writes', '*/batch/update'],
    ['searches', '*/search'],
  ])('fails at %s a dozen times: the outcome is the same', async (_, path) => {
    trouble({ kind: 'status', status: 503 }, { path, times: 12 });
    const friend = scene.friendOf(scene.person('Member'));
    const deal = scene.deal([friend]);
    scene.win(deal);
    await stack.settle();
    await scene.sweep().catch(() => undefined);
    scene.crm.clearFaults();
    await scene.rest();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectNothingParked();
    await scene.expectNextDealPays();
  });

  test('gives no token for a while: the connection stays, and the deal is paid when it does', async () => {
    scene.crm.addFault({ target: 'api', path: '/oauth/*', times: 6, effect: { kind: 'status', status: 503 } });
    scene.crm.expireAccessTokens(PORTAL);
    const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
    scene.win(deal);
    await stack.settle();
    expect(await scene.connection()).toMatchObject({ status: 'connected' });
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectNextDealPays();
  });
});

describe('what could not be read', () => {
  test.each<[string, Effect]>([
    ['for faults of the server', { kind: 'status', status: 500 }],
    ['for a page of a proxy', { kind: 'status', status: 503, html: true }],
    ['for broken connections', { kind: 'reset', when: 'before' }],
    ['for halves of answers', { kind: 'truncate' }],
    ['for too many calls', { kind: 'status', status: 429 }],
  ])('%s is never taken for deleted: nothing is taken back', async (_, effect) => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = scene.deal([friend]);
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    trouble(effect);
    scene.edit('deal', deal, { dealname: 'Touched' });
    scene.edit('contact', friend, { lastname: 'Touched' });
    await stack.sandbox.idle();
    await eventually(
      async () => scene.crm.listFaults()[0]?.struck ?? 0,
      (struck) => struck > 4,
    );
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect((await scene.connection()).sync.waiting).toBeGreaterThan(0);
    scene.crm.clearFaults();
    await scene.rest();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded']);
    expect(await scene.referralOf(friend)).toMatchObject({ friend: { name: 'Friend Touched' } });
    await scene.expectNothingParked();
    await scene.expectNextDealPays();
  });
});

describe('webhooks that come as they like', () => {
  test('twice, late and out of order: each deal is paid once and shows its last state', async () => {
    scene.crm.addFault({ target: 'webhook', probability: 0.5, effect: { kind: 'duplicate', copies: 2 } });
    scene.crm.addFault({ target: 'webhook', probability: 0.3, effect: { kind: 'delay', delayMs: 60 } });
    scene.crm.addFault({ target: 'webhook', effect: { kind: 'reorder' } });
    const deals = Array.from({ length: 8 }, () => scene.deal([scene.friendOf(scene.person('Member'))]));
    for (const deal of deals) scene.win(deal);
    for (const deal of deals.slice(4)) scene.reopen(deal);
    await stack.settle();
    expect(await scene.rewardsOn(...deals.slice(0, 4))).toHaveLength(8);
    const later = await scene.rewardsOn(...deals.slice(4));
    expect(later.filter((reward) => / issued | approved | issuing /.test(reward))).toEqual([]);
    for (const deal of deals.slice(4)) {
      scene.win(deal);
    }
    await stack.settle();
    expect((await scene.rewardsOn(...deals)).filter((reward) => reward.includes('issued'))).toHaveLength(16);
    await scene.expectBalanced();
  });

  test('not at all for a while: one sweep finds everything over several pages, a second one changes nothing', async () => {
    const paid = scene.deal([scene.friendOf(scene.person('Member'))]);
    scene.win(paid);
    await stack.settle();
    const speak = scene.silence();
    scene.reopen(paid);
    const bystanders = Array.from({ length: 230 }, (_, index) => scene.person(`Bystander ${index}`));
    const deals = Array.from({ length: 60 }, () => scene.deal([scene.friendOf(scene.person('Member'))]));
    for (const deal of deals) scene.win(deal);
    for (let index = 0; index < 160; index += 1) scene.deal([bystanders[index] ?? '']);
    await stack.settle();
    expect(await scene.rewardsOn(...deals)).toEqual([]);
    speak();

    const found = await scene.sweep();
    expect(found.changed).toBeGreaterThan(500);
    expect(await scene.rewardsOn(...deals)).toHaveLength(120);
    expect(await scene.rewardsOn(paid)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);

    // Some minutes later, as the schedule does it: what our own writes have modified since is looked at, and then there is rest.
    const story = await scene.story();
    await scene.sweepToRest();
    expect(await scene.story()).toEqual(story);
    await scene.expectBalanced();
    await scene.expectNextDealPays();
  });

  test('when a deal was deleted, which no search shows: a rewarded deal is looked at again by itself', async () => {
    const [lost, kept] = [1, 2].map(() => scene.deal([scene.friendOf(scene.person('Member'))])) as [string, string];
    for (const deal of [lost, kept]) scene.win(deal);
    await stack.settle();
    const speak = scene.silence();
    scene.crm.deleteRecord(PORTAL, 'deal', lost);
    speak();
    // The day after has come: the look that was scheduled with the reward is due.
    const { store } = stack.service;
    const dueAt = await store.work.nextDueAt();
    expect(dueAt).not.toBeNull();
    expect((dueAt ?? 0) - stack.clock.now()).toBeLessThanOrEqual(86_400_000);
    const { id: connectionId } = await scene.connection();
    const wakes = [lost, kept].map((id) => ({
      record: { connectionId, object: 'deal' as const, id },
      at: stack.clock.now(),
    }));
    await store.work.ask(stack.accountId, wakes);
    await stack.settle();
    expect(await scene.rewardsOn(lost)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);
    expect(await scene.rewardsOn(kept)).toEqual(PAID);
  });
});

describe('under load', () => {
  test('three hundred deals won at once are all paid, without HubSpot ever having to say "too many"', async () => {
    const before = refusedForTooMany();
    const deals = Array.from({ length: 300 }, () => scene.deal([scene.friendOf(scene.person('Member'))]));
    for (const deal of deals) scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(...deals)).toHaveLength(600);
    expect(refusedForTooMany()).toBe(before);
    await scene.expectNothingParked();
    await scene.expectBalanced();
    await scene.expectNextDealPays();
  }, 120_000);
});
