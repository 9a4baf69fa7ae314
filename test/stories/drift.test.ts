import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { APP, type Json, PORTAL, quickClock, type Stack, startStack, turnableClock } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

const MINUTE_MS = 60_000;
const WON = { isClosed: 'true', probability: '1.0' };
const LOST = { isClosed: 'true', probability: '0.0' };

const PROGRAM = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    {
      key: 'member-won',
      party: 'member' as const,
      amount: { kind: 'percent' as const, basisPoints: 1_000 },
      payout: 'credit' as const,
      conditions: [{ fact: 'deal.property' as const, property: 'plan', op: 'not_in' as const, values: ['free'] }],
    },
  ],
};

let stack: Stack;
let scene: Scene;
let path: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock(), program: PROGRAM });
  scene = createScene(stack);
  createPlan();
  await stack.install();
  path = `/connections/${(await scene.connection()).id}`;
  await scene.sweep();
}, 120_000);
afterEach(async () => {
  expect(await drifts()).toEqual([]);
});
afterAll(() => stack.close());

const createPlan = () =>
  scene.crm.createProperty(PORTAL, 'deal', {
    name: 'plan',
    label: 'Plan',
    type: 'string',
    fieldType: 'text',
    groupName: 'dealinformation',
  });
const editStage = (stageId: string, change: { label?: string; metadata?: Record<string, string> }) =>
  scene.crm.editStage(PORTAL, 'deals', 'default', stageId, change);

async function drifts(): Promise<Json[]> {
  const { status, body } = await stack.api('GET', `${path}/drift`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.items;
}

/** The one that there is, also after two sweeps more. */
async function theDrift(kind: string): Promise<Json> {
  await scene.sweep();
  const [first] = await drifts();
  await scene.sweep();
  const items = await drifts();
  expect(items.map((one) => one.kind)).toEqual([kind]);
  expect(items[0].caseId).toBe(first?.caseId);
  return items[0];
}

const fix = (of: Json, body: Json) => stack.api('POST', `${path}/drift/${of.caseId}/fix`, body);
const caseOf = async (of: Json) => (await stack.api('GET', `/cases/${of.caseId}`)).body.case;

async function expectEnded(of: Json): Promise<void> {
  expect(await drifts()).toEqual([]);
  expect(await caseOf(of)).toMatchObject({ state: 'decided', outcome: 'moot', decidedBy: 'wonward' });
}

describe('drift of stages', () => {
  test('a renamed stage is told once, and taken as it is', async () => {
    editStage('contractsent', { label: 'Contract out' });
    const found = await theDrift('stage_renamed');
    expect(found).toMatchObject({
      severity: 'low',
      stageId: 'contractsent',
      pipelineIds: ['default'],
      fixes: ['accept'],
      summary: expect.stringContaining(
        '"Contract Sent" of the pipeline "Sales Pipeline" is called "Contract out" now.',
      ),
    });
    expect((await fix(found, { fix: 'accept' })).body).toMatchObject({ mended: true, drift: { state: 'decided' } });
    await scene.sweep();
    expect(await drifts()).toEqual([]);
  });

  test('one that is renamed back is no drift any more', async () => {
    editStage('contractsent', { label: 'Contract Sent' });
    const found = await theDrift('stage_renamed');
    editStage('contractsent', { label: 'Contract out' });
    await scene.sweep();
    await expectEnded(found);
  });

  test('a new stage says what it counts as and how many deals wait there, and is mapped with one call', async () => {
    scene.crm.addStage(PORTAL, 'deals', 'default', {
      stageId: 'signed',
      label: 'Signed',
      displayOrder: 9,
      metadata: WON,
    });
    const deal = scene.deal([scene.friendOf(scene.person('Ada'))], { dealstage: 'signed' });
    await stack.settle();
    const found = await theDrift('stage_new');
    expect(found).toMatchObject({
      ...{ severity: 'high', stageId: 'signed', means: 'won', deals: 1, dealIds: [deal] },
      meanwhile: 'Deals in it count as won, and pay, by its metadata, until you say otherwise.',
    });
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 100.00 EUR']);
    const half = await fix(found, { fix: 'map' });
    expect([half.status, half.body.errors[0].field]).toEqual([400, 'stage']);
    const { body } = await fix(found, { fix: 'map', stage: 'opportunity' });
    expect(body).toMatchObject({ mended: true });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['member clawed_back 100.00 EUR']);
    scene.edit('deal', deal, { dealstage: 'appointmentscheduled' });
    await stack.settle();
    await scene.sweep();
  });

  test('a deleted stage is told, with what goes on counting', async () => {
    scene.crm.deleteStage(PORTAL, 'deals', 'default', 'signed');
    const found = await theDrift('stage_gone');
    expect(found).toMatchObject({
      meanwhile: 'Deals that were in it go on counting as opportunity.',
      fixes: ['accept', 'map'],
    });
    expect((await fix(found, { fix: 'accept' })).body).toMatchObject({ mended: true });
    await scene.sweep();
  });

  test('a stage that was won and is not any more is urgent, and one call keeps it won', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Bea'))], { dealstage: 'closedwon' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 100.00 EUR']);
    editStage('closedwon', { metadata: LOST });
    await scene.sweep();
    const found = await drifts();
    expect(found.map(({ kind, severity }) => [kind, severity]).sort()).toEqual([
      ['rule_dead', 'urgent'],
      ['stage_meaning', 'urgent'],
    ]);
    const meaning = found.find(({ kind }) => kind === 'stage_meaning');
    const dead = found.find(({ kind }) => kind === 'rule_dead');
    expect(meaning).toMatchObject({ meant: 'won', means: 'lost', deals: 1 });
    expect(dead).toMatchObject({ rules: ['default member-won'] });
    // The metadata decides until somebody says otherwise: what the sweep has looked at was taken back, and is granted again.
    expect(await scene.rewardsOn(deal)).toEqual(['member clawed_back 100.00 EUR']);
    expect((await fix(meaning, { fix: 'map', stage: 'won' })).body).toMatchObject({ mended: true });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['member clawed_back 100.00 EUR', 'member issued 100.00 EUR']);
    await scene.sweep();
    await expectEnded(dead);
    editStage('closedwon', { metadata: WON });
    const back = await theDrift('stage_meaning');
    expect((await fix(back, { fix: 'accept' })).body).toMatchObject({ mended: true });
    await scene.expectBalanced();
  });

  test('a new pipeline, its new name and its end are one alert each, and not one for each of its stages', async () => {
    const stages = [
      { stageId: 'r1', label: 'Open', displayOrder: 0, metadata: { probability: '0.5' } },
      { stageId: 'r2', label: 'Kept', displayOrder: 1, metadata: WON },
    ];
    scene.crm.createPipeline(PORTAL, 'deals', { pipelineId: 'renewals', label: 'Renewals', displayOrder: 1, stages });
    const added = await theDrift('pipeline_new');
    expect((await fix(added, { fix: 'accept' })).body).toMatchObject({ mended: true });
    scene.crm.deletePipeline(PORTAL, 'deals', 'renewals');
    const gone = await theDrift('pipeline_gone');
    expect(gone).toMatchObject({ severity: 'high', pipelineIds: ['renewals'] });
    expect((await fix(gone, { fix: 'accept' })).body).toMatchObject({ mended: true });
  });

  test('what does not mend it is refused with what does, and another alert is not found', async () => {
    editStage('contractsent', { label: 'Contract gone' });
    const found = await theDrift('stage_renamed');
    const other = await fix(found, { fix: 'reconnect' });
    expect([other.status, other.body.errors[0].problem]).toEqual([400, 'must be one of its own: accept']);
    expect((await fix({ caseId: 'cas_none' }, { fix: 'accept' })).status).toBe(404);
    expect((await fix(found, { fix: 'accept' })).status).toBe(200);
    // Said once more it is mended already.
    expect((await fix(found, { fix: 'accept' })).body).toMatchObject({ mended: true });
  });
});

describe('drift of properties', () => {
  const own = '/crm/properties/2026-03/deals/wonward_stage';

  test('one of ours that was removed is made again by the sweep, told, and no alert any more after the next one', async () => {
    expect((await scene.hubspot('DELETE', own)).status).toBe(204);
    await scene.sweep();
    const [found] = await drifts();
    expect(found).toMatchObject({ kind: 'property_gone', severity: 'low', name: 'deals.wonward_stage' });
    await scene.sweep();
    await expectEnded(found);
  });

  test('one of ours that has become the customer’s stays told until it can be made again', async () => {
    expect((await scene.hubspot('DELETE', own)).status).toBe(204);
    scene.crm.createProperty(PORTAL, 'deal', {
      ...{ name: 'wonward_stage', label: 'Mine', type: 'number', fieldType: 'number', groupName: 'dealinformation' },
    });
    const found = await theDrift('property_conflict');
    expect(found.summary).toContain('deals.wonward_stage cannot be used: in the group "dealinformation"');
    expect((await fix(found, { fix: 'provision' })).body).toMatchObject({ mended: false, drift: { state: 'open' } });
    expect((await scene.hubspot('DELETE', own)).status).toBe(204);
    expect((await fix(found, { fix: 'provision' })).body).toMatchObject({ mended: true });
    expect((await scene.hubspot('GET', own)).status).toBe(200);
    // That it was made is told, once.
    await scene.sweep();
  });

  test('one that rules ask about is told with the programs that wait, and ends when it is there again', async () => {
    expect((await scene.hubspot('DELETE', '/crm/properties/2026-03/deals/plan')).status).toBe(204);
    const found = await theDrift('rule_property_gone');
    expect(found).toMatchObject({ name: 'plan', rules: ['default'], severity: 'high' });
    expect((await fix(found, { fix: 'look_again' })).body).toMatchObject({ mended: false });
    createPlan();
    expect((await fix(found, { fix: 'look_again' })).body).toMatchObject({ mended: true });
  });
});

describe('drift of access', () => {
  test('a scope that is granted no more is told with a link to grant it, and ends with the grant', async () => {
    scene.crm.setUnavailableScopes(PORTAL, ['crm.schemas.deals.write']);
    scene.crm.expireAccessTokens(PORTAL);
    await scene.sweep();
    const found = await theDrift('scope_lost');
    expect(found).toMatchObject({ scopes: ['crm.schemas.deals.write'], fixes: ['reconnect'] });
    const { body } = await fix(found, { fix: 'reconnect' });
    expect(body.mended).toBe(false);
    expect(new URL(body.url).searchParams.get('client_id')).toBe(APP.clientId);
    scene.crm.setUnavailableScopes(PORTAL, []);
    await stack.install();
    await scene.sweep();
    await expectEnded(found);
  });

  test('an install that is gone is told, whether a sweep or something else has found out, and ends with the next one', async () => {
    scene.crm.uninstall(PORTAL);
    await stack.service.container.reconcile.sweepAll();
    const [found] = await drifts();
    expect(found).toMatchObject({ kind: 'connection_lost', severity: 'urgent' });
    const metrics = async () => (await fetch(`${stack.publicUrl}/metrics`)).text();
    expect(await metrics()).toContain('wonward_drift_alerts{provider="hubspot"} 1');
    await stack.service.container.drift.watchDisconnected();
    expect(await drifts()).toHaveLength(1);
    await stack.install();
    await scene.sweep();
    await expectEnded(found);
  });

  test('a CRM that only does not answer is no drift, and ends none', async () => {
    editStage('contractsent', { label: 'Contract back' });
    const found = await theDrift('stage_renamed');
    scene.crm.addFault({ target: 'api', portalId: PORTAL, effect: { kind: 'status', status: 503 } });
    await expect(scene.sweep()).rejects.toMatchObject({ code: 'crm_unavailable' });
    scene.crm.clearFaults();
    expect(await drifts()).toMatchObject([{ caseId: found.caseId, state: 'open' }]);
    await fix(found, { fix: 'accept' });
  });
});

test('webhooks that come no more are told by what the sweep found without them, and end with the next event', async () => {
  const clock = turnableClock();
  const quick = await startStack({ clock });
  onTestFinished(() => quick.close());
  const other = createScene(quick);
  await quick.install();
  const of = `/connections/${(await other.connection()).id}/drift`;
  const found = async () => (await quick.api('GET', of)).body.items as Json[];
  await other.sweep();
  clock.turn(10 * MINUTE_MS);
  const now = quick.clock.now();
  const deals = [1, 2, 3, 4].map(() => other.deal([other.friendOf(other.person('Cleo'))], {}, now - 9 * MINUTE_MS));
  await quick.settle();
  const speak = other.silence();
  for (const deal of deals) other.win(deal, now + MINUTE_MS);
  clock.turn(12 * MINUTE_MS);
  await other.sweep();
  expect(await found()).toEqual([]);
  // What the sweep has found was read meanwhile: the deals' own history says when they changed, and no event has told of it.
  clock.turn(20 * MINUTE_MS);
  await other.sweep();
  const [dead] = await found();
  expect(dead).toMatchObject({ kind: 'hints_dead', severity: 'high', fixes: ['look_again', 'reconnect'] });
  expect(dead?.dealIds.toSorted()).toEqual(deals.toSorted());
  await other.sweep();
  expect(await found()).toHaveLength(1);
  speak();
  other.person('Somebody');
  await quick.settle();
  await other.sweep();
  expect(await found()).toEqual([]);
}, 200_000);
