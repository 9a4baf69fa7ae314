import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

const PROGRAM = {
  programId: 'default',
  name: 'Two steps',
  rules: [
    {
      key: 'member-qualified',
      party: 'member' as const,
      trigger: 'qualified' as const,
      amount: { kind: 'fixed' as const, money: { amount: '10.00', currency: 'EUR' } },
      payout: 'credit' as const,
    },
    {
      key: 'member-won',
      party: 'member' as const,
      amount: { kind: 'percent' as const, basisPoints: 1_000 },
      payout: 'credit' as const,
    },
  ],
};

const SENT = { pipelineId: 'default', stageId: 'contractsent' };

let stack: Stack;
let scene: Scene;
let path: string;
let deal: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock(), program: PROGRAM });
  scene = createScene(stack);
  await stack.install();
  path = `/connections/${(await scene.connection()).id}/mapping`;
  deal = scene.deal([scene.friendOf(scene.person('Ada'))]);
  await stack.settle();
  scene.reopen(deal);
  await stack.settle();
}, 120_000);
afterAll(() => stack.close());

async function expectSound(): Promise<void> {
  const { problems, accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

async function stageOf(stageId: string) {
  const { body } = await stack.api('GET', path);
  const [pipeline] = body.pipelines;
  return pipeline.stages.find(({ id }: { id: string }) => id === stageId);
}

const say = (stages: readonly unknown[], version?: string) => stack.api('PUT', path, { stages, version });

describe('what stages mean', () => {
  test('is told by the metadata until an admin says otherwise, and a dry run tells what that would change', async () => {
    expect(await stageOf('contractsent')).toMatchObject({
      stage: 'opportunity',
      byMetadata: 'opportunity',
      isSaid: false,
    });
    // An open deal has passed "qualified" already.
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 10.00 EUR']);
    const tried = await stack.api('POST', `${path}/dry-run`, { stages: [{ ...SENT, stage: 'won' }] });
    expect(tried.status, JSON.stringify(tried.body)).toBe(201);
    expect(tried.body).toMatchObject({
      counts: { same: 1, new: 1, lost: 0, changed: 0 },
      totals: [{ currency: 'EUR', before: '10.00', after: '110.00', difference: '100.00' }],
      differences: [{ kind: 'new', ruleKey: 'member-won', deal: { id: deal }, before: null, memberBefore: null }],
    });
    const lost = await stack.api('POST', `${path}/dry-run`, { stages: [{ ...SENT, stage: 'lost' }] });
    expect(lost.body).toMatchObject({ counts: { same: 0, new: 0, lost: 1, changed: 0 } });
    // Nothing was paid and nothing was changed by asking.
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 10.00 EUR']);
    expect((await stageOf('contractsent')).isSaid).toBe(false);
  });

  test('holds for deals of which no news comes, as the dry run has told', async () => {
    const said = await say([{ ...SENT, stage: 'won' }]);
    expect(said.status, JSON.stringify(said.body)).toBe(200);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 10.00 EUR', 'member issued 100.00 EUR']);
    const again = await stack.api('POST', `${path}/dry-run`, { stages: [{ ...SENT, stage: 'won' }] });
    expect(again.body.counts).toEqual({ same: 2, new: 0, lost: 0, changed: 0 });
    await expectSound();
  });

  test('stays when the stages are read anew from the CRM', async () => {
    const before = (await stack.api('GET', path)).body.version;
    await scene.sweep();
    expect(await stageOf('contractsent')).toMatchObject({ stage: 'won', byMetadata: 'opportunity', isSaid: true });
    expect((await stack.api('GET', path)).body.version).toBe(before);
    expect(await scene.rewardsOn(deal)).toEqual(['member issued 10.00 EUR', 'member issued 100.00 EUR']);
  });

  test('is refused on top of a version that is no longer in force', async () => {
    const { version } = (await stack.api('GET', path)).body;
    expect((await say([{ ...SENT, stage: 'qualified' }], 'map_older')).body).toMatchObject({
      status: 409,
      code: 'mapping_changed',
    });
    expect((await say([{ ...SENT, stage: 'won' }], version)).status).toBe(200);
  });

  test('taken back, the metadata decides again and what rested on it is taken back', async () => {
    expect((await say([])).status).toBe(200);
    await stack.settle();
    expect(await stageOf('contractsent')).toMatchObject({ stage: 'opportunity', isSaid: false });
    expect(await scene.rewardsOn(deal)).toEqual(['member clawed_back 100.00 EUR', 'member issued 10.00 EUR']);
    await scene.expectBalanced();
    await expectSound();
  });

  test.each([
    [
      [{ ...SENT, stageId: 'nowhere', stage: 'won' }],
      'stages[0].stageId',
      'must be the id of a stage of this pipeline',
    ],
    [
      [{ ...SENT, pipelineId: 'none', stage: 'won' }],
      'stages[0].pipelineId',
      'must be the id of a pipeline of this CRM',
    ],
    [[{ ...SENT, stage: 'submitted' }], 'stages[0].stage', ''],
    [
      [
        { ...SENT, stage: 'won' },
        { ...SENT, stage: 'lost' },
      ],
      'stages[1]',
      'a second time',
    ],
    [
      [{ pipelineId: 'default', stageId: 'closedwon', stage: 'lost' }],
      'stages[0].stage',
      'without any stage that means "won"',
    ],
  ])('%j is refused with its place and the remedy, tried as well as said', async (stages, field, problem) => {
    for (const { status, body } of [await say(stages), await stack.api('POST', `${path}/dry-run`, { stages })]) {
      expect([status, body.errors?.[0]?.field]).toEqual([400, field]);
      expect(body.errors[0].problem).toContain(problem);
    }
    expect((await stageOf('contractsent')).isSaid).toBe(false);
  });
});
