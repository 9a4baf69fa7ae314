import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCaseTasks, UNSURE_MS } from '../../src/application/case-tasks.ts';
import type { CaseTask } from '../../src/application/ports/store.ts';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Json, PORTAL, type Stack, startStack, TWO_SIDED } from '../support/stack.ts';
import { createScene } from './scene.ts';

const HOUR_MS = 3_600_000;
const TASKS = '/crm/objects/2026-03/tasks';
/** As the local HubSpot has it. */
const OWNER = '41629779';

const REVIEWED: ProgramDocument = {
  ...TWO_SIDED,
  rules: TWO_SIDED.rules
    .filter(({ party }) => party === 'member')
    .map((rule) => ({ ...rule, review: { when: 'always' as const } })),
};

let stack: Stack;
let scene: ReturnType<typeof createScene>;
let connectionId: string;
/** How far the clock of those who make the tasks is ahead: what waits for minutes is tried in seconds. */
let aheadMs = 0;

beforeAll(async () => {
  stack = await startStack({ program: REVIEWED });
  expect((await stack.install()).status).toBe(200);
  scene = createScene(stack);
  const { store } = stack.service;
  // The service's own schedule stays out of it.
  const now = systemClock.now();
  await store.leases.acquire('schedule case tasks', 'test', now, now + HOUR_MS);
  connectionId = (await store.connections.list(stack.accountId))[0]?.id ?? '';
});
afterAll(() => stack.close());

const run = () => {
  const { store, container } = stack.service;
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const { openSession } = container.connect;
  return createCaseTasks({ store, clock, log: pino({ level: 'silent' }), openSession })(new AbortController().signal);
};
const choose = async (notifications: readonly Json[]) => {
  const { body } = await stack.api('GET', `/connections/${connectionId}/app-settings`);
  const said = { version: body.version, notifications };
  expect(await stack.api('PUT', `/connections/${connectionId}/app-settings`, said)).toMatchObject({ status: 200 });
};
const toOwner = (to: string | null) => [{ notice: 'review_due', channel: 'crm_task', to }];

/** A deal whose reward waits for a person, and the case of it. */
async function waiting() {
  const friend = scene.friendOf(scene.person('Ada'));
  const deal = scene.deal([friend]);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  const [decision] = await scene.all(`/decisions?dealId=${deal}`);
  const [one] = await scene.all(`/cases?rewardId=${decision.rewardId}`);
  return { deal, friend, caseId: one.id as string };
}

const tasksOf = (caseId: string): Json[] =>
  (scene.crm.listRecords(PORTAL, 'task').results as Json[]).filter(({ properties }) =>
    String(properties.hs_task_subject).includes(caseId),
  );
const rowOf = async (caseId: string): Promise<CaseTask | undefined> => {
  const { store } = stack.service;
  const soon = systemClock.now() + 48 * HOUR_MS;
  return (await store.caseTasks.wanted(soon, 100)).find((task) => task.caseId === caseId);
};
const strike = (effect: Json) => scene.crm.addFault({ target: 'api', method: 'POST', path: TASKS, times: 1, effect });

describe('a case of which a portal wants to be told', () => {
  test('is one task on its deal and contact, however often it is looked for, and is completed with the case', async () => {
    const before = await waiting();
    await choose(toOwner(OWNER));
    const { deal, friend, caseId } = await waiting();
    // Two nodes at once, and once more.
    await Promise.all([run(), run()]);
    await run();
    const [task, ...others] = tasksOf(caseId);
    expect(others).toEqual([]);
    expect(task.properties).toMatchObject({
      hs_task_subject: `Review a referral reward (${caseId})`,
      hs_task_status: 'NOT_STARTED',
      hs_task_priority: 'MEDIUM',
      hs_task_type: 'TODO',
      hubspot_owner_id: OWNER,
    });
    expect(task.properties.hs_task_body).toContain('To complete this task decides nothing');
    const { associations } = scene.crm.getRecord(PORTAL, 'task', task.id);
    expect(
      Object.values(associations)
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([friend, deal].sort());
    // Of what was opened before nobody wanted to be told.
    expect(tasksOf(before.caseId)).toEqual([]);

    scene.crm.editRecord(PORTAL, 'task', task.id, { properties: { hs_task_status: 'COMPLETED' } });
    await run();
    expect((await stack.api('GET', `/cases/${caseId}`)).body).toMatchObject({ case: { state: 'open' } });
    scene.crm.editRecord(PORTAL, 'task', task.id, { properties: { hs_task_status: 'NOT_STARTED' } });

    const word = { outcome: 'approved', why: 'Looked at the invoice.' };
    expect((await stack.api('POST', `/cases/${caseId}/decide`, word)).status).toBe(200);
    await run();
    expect(tasksOf(caseId)[0].properties.hs_task_status).toBe('COMPLETED');
  });

  test('that is decided before anybody has made a task of it has none', async () => {
    const { caseId } = await waiting();
    await stack.api('POST', `/cases/${caseId}/decide`, { outcome: 'rejected', why: 'No.' });
    await run();
    expect(tasksOf(caseId)).toEqual([]);
  });

  test('is not asked for again when it was made and the answer was lost', async () => {
    const { caseId } = await waiting();
    strike({ kind: 'reset', when: 'after' });
    await run();
    await run();
    expect(tasksOf(caseId)).toHaveLength(1);
    expect((await rowOf(caseId))?.taskId).toBeNull();
    aheadMs += UNSURE_MS + 1;
    await run();
    await run();
    expect(tasksOf(caseId)).toHaveLength(1);
    expect(await rowOf(caseId)).toBeUndefined();
  });

  test.each([
    ['the call broke off before HubSpot had it', () => strike({ kind: 'reset', when: 'before' })],
    [
      'a node died between writing down that it asks and asking',
      async (caseId: string) => {
        const { store } = stack.service;
        const now = systemClock.now() + aheadMs;
        await store.caseTasks.want(
          { accountId: stack.accountId, connectionId },
          [{ caseId, assignee: null, isWanted: true }],
          now,
        );
        const row = await rowOf(caseId);
        expect(row && (await store.caseTasks.save(row, { askedAt: now, dueAt: now + UNSURE_MS }))).not.toBeNull();
      },
    ],
  ])('is asked for again, a good while later, when %s', async (_, happen) => {
    const { caseId } = await waiting();
    await happen(caseId);
    await run();
    await run();
    expect(tasksOf(caseId)).toEqual([]);
    aheadMs += UNSURE_MS + 1;
    await run();
    expect(tasksOf(caseId)).toHaveLength(1);
  });

  test('is a task soon when HubSpot has said that it made none', async () => {
    const { caseId } = await waiting();
    scene.crm.addFault({
      target: 'api',
      method: 'POST',
      path: TASKS,
      times: 4,
      effect: { kind: 'status', status: 423 },
    });
    await run();
    scene.crm.clearFaults();
    aheadMs += 60_000;
    await run();
    expect(tasksOf(caseId)).toHaveLength(1);
  });

  test('that HubSpot refuses again and again is told by the health of the sync, with the cause, until a person has it tried again', async () => {
    const { caseId } = await waiting();
    strike({ kind: 'reset', when: 'before' });
    await run();
    const health = async () => (await stack.api('GET', `/connections/${connectionId}/health`)).body;
    const before = (await health()).backlog.tasks.parked;
    const row = await rowOf(caseId);
    // As the fifth refusal leaves it.
    const error = 'crm_forbidden: HubSpot refuses to make tasks.';
    expect(
      row && (await stack.service.store.caseTasks.save(row, { isParked: true, error, dueAt: null })),
    ).not.toBeNull();
    const told = await health();
    expect(told.backlog.tasks.parked).toBe(before + 1);
    expect(told.failing).toContainEqual(
      expect.objectContaining({
        queue: 'tasks',
        isParked: true,
        cause: 'crm_forbidden',
        error: expect.stringContaining('make tasks'),
      }),
    );
    expect(told.problems).toContainEqual(expect.objectContaining({ code: 'parked' }));
    expect(tasksOf(caseId)).toEqual([]);
    await stack.api('POST', `/connections/${connectionId}/retry`, {});
    expect((await health()).backlog.tasks.parked).toBe(0);
    aheadMs += UNSURE_MS + 1;
    await run();
    expect(tasksOf(caseId)).toHaveLength(1);
  });

  test('is a task all the same when its deal or whose it should be is gone', async () => {
    await choose(toOwner('1'));
    const { deal, caseId } = await waiting();
    scene.crm.deleteRecord(PORTAL, 'deal', deal);
    await run();
    const [task] = tasksOf(caseId);
    expect(task.properties.hubspot_owner_id ?? null).toBeNull();
  });

  test('that somebody has deleted is not made again', async () => {
    const { caseId } = await waiting();
    await run();
    scene.crm.deleteRecord(PORTAL, 'task', tasksOf(caseId)[0].id);
    await stack.api('POST', `/cases/${caseId}/decide`, { outcome: 'rejected', why: 'No.' });
    await run();
    await run();
    expect(tasksOf(caseId).filter(({ archived }) => archived !== true)).toEqual([]);
  });

  test('is none once nobody wants to be told any more', async () => {
    await choose([]);
    const { caseId } = await waiting();
    await run();
    expect(tasksOf(caseId)).toEqual([]);
  });
});
