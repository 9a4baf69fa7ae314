import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Json, quickClock, type Stack, startStack } from '../support/stack.ts';

const DAY_MS = 86_400_000;

/** Deals of people whom nobody referred. A portal full of them, and a process that is killed meanwhile: test/crash/backfill.test.ts. */
const DEALS = 600;

let stack: Stack;
let scene: Scene;
let directory: string;
let longAgo: number;
let connectionId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-backfill-'));
  const databaseUrl = `sqlite:${join(directory, 'wonward.db')}`;
  stack = await startStack({ clock: quickClock(), databaseUrl });
  scene = createScene(stack);
  longAgo = stack.clock.now() - 400 * DAY_MS;
  await stack.install();
  connectionId = (await scene.connection()).id;
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

/** A deal that a referred friend won long before Wonward came; no webhook tells of it. */
function wonLongAgo(properties: Record<string, string> = {}): { friend: string; deal: string } {
  const speak = scene.silence();
  const friend = scene.friendOf(scene.person('Member'));
  const deal = scene.deal([friend], { dealstage: 'closedwon', ...properties }, longAgo);
  speak();
  return { friend, deal };
}

async function begin(): Promise<Json> {
  const since = new Date(longAgo - DAY_MS).toISOString();
  const { status, body } = await stack.api('POST', '/backfills', { connectionId, since });
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

async function stateOf(id: string): Promise<Json> {
  return (await stack.api('GET', `/backfills/${id}`)).body;
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (let looks = 0; looks < 20_000; looks += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
}

const isThrough = async (id: string) => {
  const { state, waiting } = await stateOf(id);
  return state === 'done' && waiting === 0;
};

async function releasesDone(): Promise<void> {
  await until(
    async () => (await scene.list('/history/releases')).every(({ state }) => state === 'done'),
    'the release is carried out',
  );
  await stack.settle();
}

describe('what was won before', () => {
  test('is read by a backfill, listed with what it would have paid, and not paid', async () => {
    const { deal } = wonLongAgo();
    const { id } = await begin();
    expect((await stack.api('POST', '/backfills', { connectionId, since: '2020-01-01T00:00:00Z' })).status).toBe(409);
    await until(() => isThrough(id), 'the backfill is through');
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([]);
    expect(await scene.decisionsOn(deal)).toEqual(['history history']);
    expect(await scene.list('/balances')).toEqual([]);
    const totals = await scene.list('/history/totals');
    expect(totals.map(({ ruleKey, count, money }) => [ruleKey, count, money.amount])).toEqual([
      ['friend-won', 1, '50.00'],
      ['member-won', 1, '100.00'],
    ]);
    const { csv, isWhole } = (await stack.api('GET', '/history/csv')).body;
    expect([isWhole, csv.split('\r\n')]).toMatchObject([true, { length: 4 }]);
  });

  test('is paid once when an admin releases its rule, though asked twice and across a restart', async () => {
    const [{ id: historyId, deal }] = (await scene.list('/history?ruleKey=member-won')) as [Json];
    const release = { id: 'spring', programId: 'default', ruleKey: 'member-won', why: 'A gift.' };
    expect((await stack.api('POST', '/history/releases', release)).status).toBe(201);
    expect((await stack.api('POST', '/history/releases', release)).status).toBe(200);
    await stack.stop();
    await stack.start();
    await stack.service.container.history.carryOutAll();
    await releasesDone();
    expect(await scene.rewardsOn(deal.id)).toEqual(['member issued 100.00 EUR']);
    expect((await scene.list('/history')).map(({ ruleKey }) => ruleKey)).toEqual(['friend-won']);
    // The same decision once more, by another release: there is nothing left of it.
    const again = { ...release, id: 'summer', decisionIds: [historyId] };
    expect((await stack.api('POST', '/history/releases', again)).body.code).toBe('nothing_to_release');
    await stack.settle();
    expect(await scene.rewardsOn(deal.id)).toEqual(['member issued 100.00 EUR']);
  });

  test('that was released is taken back like any other when its deal is lost', async () => {
    const [{ deal }] = (await scene.list('/rewards')) as [Json];
    scene.reopen(deal.id);
    await stack.settle();
    expect(await scene.rewardsOn(deal.id)).toEqual(['member clawed_back 100.00 EUR']);
    expect(await scene.list('/history')).toEqual([]);
  });

  test('waits for another person where the account wants one', async () => {
    const { deal } = wonLongAgo();
    const { id } = await begin();
    await until(() => isThrough(id), 'the backfill is through');
    await stack.settle();
    await stack.service.store.accounts.setNeedsSecondPerson(stack.accountId, true);
    const release = { id: 'eyes', programId: 'default', ruleKey: 'friend-won', why: 'A gift.' };
    const { body } = await stack.api('POST', '/history/releases', release);
    expect(body.state).toBe('asked');
    await stack.service.container.history.carryOutAll();
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([]);
    expect((await stack.api('POST', '/history/releases/rel_eyes/approve', {})).body.code).toBe('same_person');
    const other = await stack.service.container.accounts.createApiKey(stack.accountId, 'another person');
    const approved = await stack.api('POST', '/history/releases/rel_eyes/approve', {}, other?.key);
    expect(approved.body).toMatchObject({ state: 'running', approvedBy: 'another person' });
    await releasesDone();
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR']);
    await stack.service.store.accounts.setNeedsSecondPerson(stack.accountId, false);
  });
});

describe('a backfill of many', () => {
  test('pauses, goes on after a restart where it was, leaves most of the calls to others, and lets what happens today pass', async () => {
    const speak = scene.silence();
    // All in the same millisecond, as an import makes them.
    for (let made = 0, stranger = ''; made < DEALS; made += 1) {
      if (made % 50 === 0) stranger = scene.person('Stranger');
      scene.deal([stranger], { dealstage: 'closedwon' }, longAgo);
    }
    speak();
    const past = wonLongAgo();
    const today = scene.deal([scene.friendOf(scene.person('Member'))]);
    await stack.settle();
    scene.crm.clearCalls();

    const { id } = await begin();
    await until(async () => (await stateOf(id)).asked >= 200, 'some records are asked for');
    // A deal of today passes all of them.
    scene.win(today);
    await until(async () => (await scene.rewardsOn(today)).length === 2, 'the deal of today is rewarded');
    const then = await stateOf(id);
    expect(then.state === 'running' || then.state === 'done').toBe(true);

    const paused = await stack.api('POST', `/backfills/${id}/pause`, {});
    if (paused.status === 200) {
      const { found } = paused.body;
      await new Promise((resolve) => setTimeout(resolve, 500));
      // One step may have been under way.
      expect((await stateOf(id)).found - found).toBeLessThanOrEqual(200);
      expect((await stack.api('POST', `/backfills/${id}/resume`, {})).status).toBe(200);
    }
    await stack.stop();
    await stack.start();
    void stack.service.container.backfills.runAll();
    await until(() => isThrough(id), 'the backfill is through');
    await stack.settle();

    const end = await stateOf(id);
    expect(end).toMatchObject({ state: 'done', problem: null });
    expect(end.found).toBeGreaterThanOrEqual(DEALS + 1);
    expect(await scene.decisionsOn(past.deal)).toEqual(['history history']);
    expect(await scene.rewardsOn(past.deal)).toEqual([]);
    await scene.expectNothingParked();
    const calls = scene.crm.calls();
    const least = Math.ceil(DEALS / 200) + Math.ceil(DEALS / 50) + Math.ceil(DEALS / 1_000);
    console.info(`${DEALS} deals: ${JSON.stringify(calls)}; the batch sizes allow ${least}`);
  });
});
