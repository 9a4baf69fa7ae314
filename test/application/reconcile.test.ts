import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createScene, type Scene } from '../stories/scene.ts';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';

const BETA_PORTAL = 147_000_002;
/** Of the local HubSpot's search, in its own time. */
const INDEX_LAG_MS = 20_000;
const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];

let stack: Stack;
let acme: Scene;
let beta: Scene;

beforeAll(async () => {
  stack = await startStack({
    clock: quickClock(),
    sandbox: {
      indexLagMs: INDEX_LAG_MS,
      portals: [
        { portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR' },
        { portalId: BETA_PORTAL, name: 'Beta', companyCurrency: 'EUR' },
      ],
    },
  });
  acme = createScene(stack);
  const other = await stack.newAccount('Beta');
  beta = createScene(stack, { portalId: BETA_PORTAL, apiKey: other.apiKey });
  await stack.install();
  await stack.install(BETA_PORTAL, other.apiKey);
});
afterEach(() => acme.crm.clearFaults());
afterAll(() => stack.close());

async function wonInSilence(scene: Scene): Promise<string> {
  const deal = scene.deal([scene.friendOf(scene.person('Member'))]);
  await stack.settle();
  // What follows at once could be our own write's doing.
  await stack.clock.sleep(30_000);
  const speak = scene.silence();
  scene.win(deal);
  speak();
  return deal;
}

const indexed = () => stack.clock.sleep(INDEX_LAG_MS + 1_000);

describe('a sweep', () => {
  test('that comes before the search knows of a change finds it the next time', async () => {
    const deal = await wonInSilence(acme);
    const speak = acme.silence();
    const late = acme.deal([acme.friendOf(acme.person('Member'))], { dealstage: 'closedwon' });
    speak();
    await acme.sweep();
    expect(await acme.rewardsOn(late)).toEqual([]);
    await indexed();
    await acme.sweep();
    expect(await acme.rewardsOn(late)).toEqual(PAID);
    expect(await acme.rewardsOn(deal)).toEqual(PAID);
  });

  test('misses nothing that changes while it is running', async () => {
    const speak = acme.silence();
    const deals = Array.from({ length: 210 }, () => acme.deal([], { dealstage: 'appointmentscheduled' }));
    const friends = [1, 2, 3].map(() => acme.friendOf(acme.person('Member')));
    const changed = friends.map((friend) => acme.deal([friend]));
    await indexed();
    acme.crm.addFault({
      target: 'api',
      portalId: PORTAL,
      path: '*/deals/search',
      effect: { kind: 'latency', latencyMs: 200 },
    });
    const running = acme.sweep();
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const deal of changed) acme.win(deal);
    for (const deal of deals.slice(0, 50)) acme.edit('deal', deal, { dealname: 'Moved to the end' });
    await running;
    acme.crm.clearFaults();
    await indexed();
    await acme.sweep();
    speak();
    expect(await acme.rewardsOn(...changed)).toHaveLength(6);
    await acme.expectNothingParked();
  });

  test('says what it found, and that there was nothing once all is read', async () => {
    const deal = await wonInSilence(acme);
    await indexed();
    const found = await acme.sweep();
    expect(found.missed).toBeGreaterThan(0);
    expect(await acme.rewardsOn(deal)).toEqual(PAID);
    await acme.sweepToRest();
  });

  test('takes what our own writes modified for no lost event, and one that is lost for one', async () => {
    await indexed();
    await acme.sweepToRest();
    const friend = acme.friendOf(acme.person('Member'));
    const deal = acme.deal([friend]);
    await stack.settle();
    acme.win(deal);
    await stack.settle();
    expect(acme.show('deal', deal).wonward_stage).toBe('won');
    await indexed();
    const quiet = await acme.sweep();
    expect(quiet.missed).toBe(0);
    // Deal, member and friend show something of ours by now.
    expect(quiet.own).toBeGreaterThanOrEqual(3);
    const { body } = await stack.api('GET', `/connections/${(await acme.connection()).id}/health`);
    expect(body.sweep.last).toMatchObject({ missed: 0 });
    await stack.clock.sleep(60_000);
    const speak = acme.silence();
    acme.edit('deal', deal, { amount: '700.00' });
    speak();
    await indexed();
    expect((await acme.sweep()).missed).toBe(1);
  });

  test('repairs what was deleted of our set-up', async () => {
    const path = '/crm/properties/2026-03/deals/wonward_stage';
    const deal = await wonInSilence(acme);
    expect((await acme.hubspot('DELETE', path)).status).toBe(204);
    await indexed();
    await acme.sweep();
    expect((await acme.hubspot('GET', path)).status).toBe(200);
    expect(acme.show('deal', deal).wonward_stage).toBe('won');
  });

  test('that fails half way begins there again, and pays once', async () => {
    const deal = await wonInSilence(acme);
    await indexed();
    acme.crm.addFault({
      target: 'api',
      portalId: PORTAL,
      path: '*/contacts/search',
      effect: { kind: 'status', status: 500 },
    });
    await expect(acme.sweep()).rejects.toMatchObject({ code: 'crm_unavailable' });
    acme.crm.clearFaults();
    await acme.sweep();
    expect(await acme.rewardsOn(deal)).toEqual(PAID);
    expect(await acme.decisionsOn(deal)).toEqual(['rewarded rewarded']);
  });
});

describe('the sweep of all connections', () => {
  test.each([
    [
      'whose searches fail',
      () =>
        void acme.crm.addFault({
          target: 'api',
          portalId: PORTAL,
          path: '*/search',
          effect: { kind: 'status', status: 503 },
        }),
    ],
    [
      'that cannot be reached',
      () => void acme.crm.addFault({ target: 'api', portalId: PORTAL, effect: { kind: 'reset', when: 'before' } }),
    ],
  ])('is not stopped by one %s, and finds that one’s deals later', async (_, fail) => {
    const [ours, theirs] = [await wonInSilence(acme), await wonInSilence(beta)];
    await indexed();
    fail();
    await stack.service.container.reconcile.sweepAll();
    await stack.settle();
    expect(await beta.rewardsOn(theirs)).toEqual(PAID);
    expect(await acme.rewardsOn(ours)).toEqual([]);
    acme.crm.clearFaults();
    await stack.service.container.reconcile.sweepAll();
    await stack.settle();
    expect(await acme.rewardsOn(ours)).toEqual(PAID);
  });

  test('marks a portal whose install is gone as disconnected and goes on with the others', async () => {
    const theirs = await wonInSilence(beta);
    await indexed();
    acme.crm.uninstall(PORTAL);
    await stack.service.container.reconcile.sweepAll();
    await stack.settle();
    expect(await acme.connection()).toMatchObject({ status: 'disconnected' });
    expect(await beta.rewardsOn(theirs)).toEqual(PAID);
    await stack.install();
    await acme.expectNextDealPays();
  });
});
