import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/*
 * From the install to the first reward on what the autopilot has proposed, over a portal with a past: a pipeline whose won stage is called
 * neither "won" nor "closedwon".
 */

const DAY_MS = 86_400_000;

const PIPELINES = [
  {
    pipelineId: 'vertrieb',
    label: 'Vertrieb',
    stages: [
      { stageId: 's1', label: 'Erstkontakt', probability: '0.1' },
      { stageId: 's2', label: 'Angebot', probability: '0.5' },
      { stageId: 's3', label: 'Unterschrieben', probability: '1.0', isClosed: true },
      { stageId: 's4', label: 'Abgesagt', probability: '0.0', isClosed: true },
    ],
  },
];

let stack: Stack;
let scene: Scene;
let path: string;

beforeAll(async () => {
  stack = await startStack({
    clock: quickClock(),
    sandbox: { portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', pipelines: PIPELINES }] },
  });
  scene = createScene(stack);
  past();
  await stack.install();
  path = `/connections/${(await scene.connection()).id}/mapping`;
  await stack.settle();
}, 120_000);
afterAll(() => stack.close());

/** Sixty deals of the last year: of those that came to an offer half are won, of all of them a sixth. */
function past(): void {
  const now = stack.clock.now();
  for (let index = 0; index < 60; index += 1) {
    const at = now - (350 - index * 5) * DAY_MS;
    const deal = scene.deal([], { pipeline: 'vertrieb', dealstage: 's1' }, at);
    const isOffered = index % 3 === 0;
    if (isOffered) scene.edit('deal', deal, { dealstage: 's2' }, at + 2 * DAY_MS);
    const end = isOffered && index % 2 === 0 ? 's3' : 's4';
    scene.edit('deal', deal, { dealstage: end }, at + 5 * DAY_MS);
  }
}

describe('a portal that was just connected', () => {
  let proposal: Json;
  let accepted: Json;

  test('gets a mapping proposed from its metadata and its past deals, with exact figures', async () => {
    stack.sandbox.control.clearCalls();
    const { status, body } = await stack.api('POST', `${path}/proposal`);
    expect(status, JSON.stringify(body)).toBe(201);
    proposal = body;
    expect(proposal.sample).toMatchObject({ deals: 60, total: 60, complete: true });
    expect(proposal.coverage).toEqual({
      ...{ deals: 60, throughMapped: 60, percent: 100, clear: 60 },
      ...{ won: 10, lost: 50, open: 0, throughGone: 0 },
    });
    const [{ stages }] = proposal.pipelines;
    expect(stages.map(({ id, stage, byMetadata, confidence }: Json) => [id, stage, byMetadata, confidence])).toEqual([
      ['s1', 'qualified', 'opportunity', 'likely'],
      ['s2', 'opportunity', 'opportunity', 'likely'],
      ['s3', 'won', 'won', 'sure'],
      ['s4', 'lost', 'lost', 'sure'],
    ]);
    expect(stages.map(({ figures }: Json) => [figures.deals, figures.won, figures.lost, figures.medianHours])).toEqual([
      [60, 10, 50, 120],
      [20, 10, 10, 72],
      [10, 10, 0, null],
      [50, 0, 50, null],
    ]);
    expect(stages[0].evidence.map(({ text }: Json) => text)).toContain(
      'Of 60 decided deals that were in it 10 were won (16 %), fewer than 33 in a hundred.',
    );
    expect(proposal.draft).toEqual([{ pipelineId: 'vertrieb', stageId: 's1', stage: 'qualified' }]);
    expect(proposal.uncertain).toEqual([]);
  });

  test('is asked within bounds for it: a search for each month, and its deals by the batch', () => {
    const [ours] = stack.sandbox.control.calls().filter(({ portalId }) => portalId === PORTAL);
    const of = (part: string) =>
      (ours?.routes ?? []).filter(({ path: route }) => route.includes(part)).reduce((sum, { count }) => sum + count, 0);
    expect(of('/search')).toBe(12);
    expect(of('/batch/read')).toBeLessThanOrEqual(3);
  });

  test('puts the proposal off, and finds it again', async () => {
    const until = new Date(stack.clock.now() + 7 * DAY_MS).toISOString();
    const put = await stack.api('POST', `${path}/proposal/postpone`, { postponeUntil: until });
    expect(put.body).toMatchObject({ id: proposal.id, state: 'postponed', postponedUntil: until });
    const past = await stack.api('POST', `${path}/proposal/postpone`, { postponeUntil: '2020-01-01T00:00:00Z' });
    expect([past.status, past.body.errors[0].field]).toEqual([400, 'postponeUntil']);
    expect((await stack.api('GET', `${path}/proposal`)).body).toMatchObject({ id: proposal.id, state: 'postponed' });
    const soon = new Date(stack.clock.now() + 10_000).toISOString();
    await stack.api('POST', `${path}/proposal/postpone`, { postponeUntil: soon });
    await stack.clock.sleep(15_000);
    expect((await stack.api('GET', `${path}/proposal`)).body).toMatchObject({ state: 'open', postponedUntil: null });
  });

  test('accepts it: a draft that is tried on history and is not in force yet', async () => {
    const { status, body } = await stack.api('POST', `${path}/proposal/accept`, {});
    expect(status, JSON.stringify(body)).toBe(201);
    accepted = body;
    expect(accepted.proposal).toMatchObject({ state: 'accepted', inForce: false, draft: proposal.draft });
    expect(accepted.dryRun.id).toBe(accepted.proposal.dryRunId);
    const { body: mapping } = await stack.api('GET', path);
    expect(mapping.pipelines[0].stages.every(({ isSaid }: Json) => !isSaid)).toBe(true);
  });

  test('publishes it the way every mapping is, and the first deal that is signed pays', async () => {
    const { draft, dryRunId } = accepted.proposal;
    const said = await stack.api('PUT', path, { stages: draft, dryRunId });
    expect(said.status, JSON.stringify(said.body)).toBe(200);
    expect((await stack.api('GET', `${path}/proposal`)).body).toMatchObject({ state: 'accepted', inForce: true });
    const deal = scene.deal([scene.friendOf(scene.person('Ada'))], { pipeline: 'vertrieb', dealstage: 's1' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([]);
    scene.edit('deal', deal, { dealstage: 's3' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    await scene.expectBalanced();
  });

  test('proposed anew, what an admin has said stands; and another draft than the proposed one is theirs', async () => {
    const { body: again } = await stack.api('POST', `${path}/proposal`);
    const [{ stages }] = again.pipelines;
    expect(stages[0]).toMatchObject({ stage: 'qualified', isSaid: true, confidence: 'sure' });
    const edited = await stack.api('POST', `${path}/proposal/accept`, {
      stages: [{ pipelineId: 'vertrieb', stageId: 's2', stage: 'qualified' }],
    });
    expect(edited.body.proposal.draft).toEqual([{ pipelineId: 'vertrieb', stageId: 's2', stage: 'qualified' }]);
    const wrong = await stack.api('POST', `${path}/proposal/accept`, {
      stages: [{ pipelineId: 'vertrieb', stageId: 's3', stage: 'lost' }],
    });
    expect([wrong.status, wrong.body.errors[0].field]).toEqual([400, 'stages[0].stage']);
  });
});
