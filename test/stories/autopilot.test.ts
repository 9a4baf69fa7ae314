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

  test('is asked within bounds for it: a search for each month, its deals and who owns them by the batch', () => {
    const [ours] = stack.sandbox.control.calls().filter(({ portalId }) => portalId === PORTAL);
    const of = (part: string) =>
      (ours?.routes ?? []).filter(({ path: route }) => route.includes(part)).reduce((sum, { count }) => sum + count, 0);
    expect(of('/search')).toBe(12);
    expect(of('/batch/read')).toBeLessThanOrEqual(4);
    expect(of('/crm/owners')).toBeLessThanOrEqual(2);
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

describe('the owners of a portal’s deals', () => {
  const USERS = [
    { userId: 11, email: 'ada@acme.example', firstName: 'Ada', lastName: 'Rep' },
    { userId: 12, email: 'ben@acme.example', firstName: 'Ben', lastName: 'Rep' },
  ];
  let own: Stack;
  let there: Scene;
  let proposalPath: string;
  let ids: string[];

  beforeAll(async () => {
    own = await startStack({
      clock: quickClock(),
      sandbox: { portals: [{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', users: USERS }] },
    });
    there = createScene(own);
    ids =
      own.sandbox.control
        .portals()
        .find(({ portalId }) => portalId === PORTAL)
        ?.users.map(({ ownerId }) => ownerId) ?? [];
    const at = own.clock.now() - 30 * DAY_MS;
    const of = (hubspot_owner_id: string, dealstage: string) => there.deal([], { dealstage, hubspot_owner_id }, at);
    for (let index = 0; index < 4; index += 1) of(ids[0] ?? '', 'appointmentscheduled');
    of(ids[1] ?? '', 'closedwon');
    there.deal([], {}, at);
    await own.install();
    proposalPath = `/connections/${(await there.connection()).id}/mapping/proposal`;
    await own.settle();
  }, 120_000);
  afterAll(() => own.close());

  test('are told with the proposal: who is one of the account’s own people, and who could have the tasks', async () => {
    const { body: member } = await own.api('POST', '/members', { email: 'ben@acme.example', name: 'Ben' });
    const { status, body } = await own.api('POST', proposalPath);
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body.owners).toMatchObject({ deals: 6, withoutOwner: 1, others: 0 });
    expect(body.owners.owners).toMatchObject([
      { id: ids[0], name: 'Ada Rep', memberId: null, isActive: true, deals: 4, open: 4, won: 0 },
      { id: ids[1], name: 'Ben', memberId: member.id, deals: 1, open: 0, won: 1 },
    ]);
    expect(body.owners.suggestions).toMatchObject([
      { kind: 'staff', ownerId: ids[1], memberId: member.id },
      { kind: 'tasks', ownerId: ids[0], memberId: null },
    ]);
    // Nothing of it was done.
    expect((await own.api('GET', '/members?recruiter=true')).body.items).toEqual([]);
    expect((await own.api('PUT', `/members/${member.id}/recruiter`, { isRecruiter: true })).status).toBe(200);
    const again = await own.api('POST', proposalPath);
    expect(again.body.owners.suggestions.map(({ kind }: Json) => kind)).toEqual(['tasks']);
    expect((await own.api('GET', proposalPath)).body.owners).toEqual(again.body.owners);
  });

  test('who was forgotten is named by no proposal any more', async () => {
    await own.api('POST', '/people/erase', { email: 'ben@acme.example' });
    const { body } = await own.api('GET', proposalPath);
    expect(JSON.stringify(body)).not.toContain('Ben');
  });

  test('are not asked for where the portal grants neither scope, and the mapping is proposed all the same', async () => {
    const without = await startStack({
      clock: quickClock(),
      sandbox: {
        portals: [
          {
            ...{ portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', users: USERS },
            unavailableScopes: ['automation', 'crm.objects.owners.read'],
          },
        ],
      },
    });
    try {
      const scene = createScene(without);
      scene.deal([], { hubspot_owner_id: ids[0] ?? '' });
      await without.install();
      const { status, body } = await without.api(
        'POST',
        `/connections/${(await scene.connection()).id}/mapping/proposal`,
      );
      expect([status, body.owners]).toEqual([201, null]);
    } finally {
      await without.close();
    }
  });
});
