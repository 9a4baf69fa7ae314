import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReconciliation } from '../../src/application/reconciliation.ts';
import { createLog } from '../../src/platform/log.ts';
import { parseSealKeys } from '../../src/platform/seal.ts';
import { createSigner } from '../../src/platform/sign.ts';
import { PORTAL, type Stack, startStack, turnableClock } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

const DEALS = 60;
/** Of the events, so many are lost on their way. */
const LOST_PERCENT = 30;

let stack: Stack;
let scene: Scene;
let connectionId: string;
let directory: string;
const clock = turnableClock();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-proof-'));
  stack = await startStack({ clock, databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  scene = createScene(stack);
  await stack.install();
  connectionId = (await scene.connection()).id;
}, 60_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

async function report() {
  const { status, body } = await stack.api('POST', `/connections/${connectionId}/reports`);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

async function rowsOf(id: string, list: string) {
  const { body } = await stack.api('GET', `/sync-reports/${id}/rows?list=${list}`);
  return body.items as { object: string; id: string; reason: string; detail: string }[];
}

async function atRest(): Promise<void> {
  await stack.settle();
  await scene.rest();
}

/** Past the guards that keep what was recorded from being changed: what a broken disk, or somebody with the file, would do. */
function plant(table: string, statement: string, ...values: string[]): void {
  const raw = new Database(join(directory, 'wonward.db'));
  const triggers = raw
    .prepare("select name, sql from sqlite_master where type = 'trigger' and tbl_name = ?")
    .all(table) as { name: string; sql: string }[];
  raw.pragma('foreign_keys = off');
  for (const { name } of triggers) raw.exec(`drop trigger ${name}`);
  expect(raw.prepare(statement).run(...values).changes).toBe(1);
  for (const trigger of triggers) raw.exec(trigger.sql);
  raw.close();
}

async function verification() {
  return (await stack.api('GET', `/connections/${connectionId}/reports/verification`)).body;
}

describe('a comparison with HubSpot', () => {
  test('finds what lost webhooks left undecided, and nothing more once the sweep has been there', async () => {
    const member = scene.person('Member');
    const friends = Array.from({ length: DEALS }, (_, index) => scene.friendOf(member, `Friend ${index}`));
    const deals = friends.map((friend) => scene.deal([friend]));
    await atRest();
    // Nobody's friends: they qualify in HubSpot and are no business of ours.
    for (let strangers = 0; strangers < 5; strangers += 1)
      scene.deal([scene.person('Stranger')], { dealstage: 'closedwon' });
    let isLost = 0;
    for (const [index, deal] of deals.entries()) {
      isLost += LOST_PERCENT;
      const speak = isLost >= 100 ? scene.silence() : null;
      if (speak) isLost -= 100;
      scene.win(deal, undefined);
      speak?.();
      if (index % 10 === 0) await stack.settle();
    }
    await atRest();
    const before = await report();
    const lost = Math.floor((DEALS * LOST_PERCENT) / 100);
    expect(before.counts).toMatchObject({ qualifying: DEALS, decided: DEALS - lost, explained: 0, unexplained: lost });
    expect(await rowsOf(before.id, 'unexplained')).toHaveLength(lost);

    await scene.sweepToRest();
    await atRest();
    scene.crm.clearCalls();
    const after = await report();
    expect(after.counts).toMatchObject({ qualifying: DEALS, decided: DEALS, explained: 0, unexplained: 0 });
    // The member, each friend and each deal.
    expect(after.counts).toMatchObject({ mirrored: 1 + 2 * DEALS, different: 0, pending: 0 });
    expect((await rowsOf(after.id, 'decided')).map(({ id }) => id).sort()).toEqual([...deals].sort());
    const calls = scene.crm.calls().reduce((sum, { total }) => sum + total, 0);
    // Pipelines, one page of the search, one of contacts, one batch of 100 for each kind of record beginning.
    const least = 1 + 1 + 1 + Math.ceil((1 + DEALS) / 100) + Math.ceil(DEALS / 100);
    console.log(`a comparison of ${DEALS} deals and ${1 + 2 * DEALS} records: ${calls} calls, at least ${least}`);
    expect(calls).toBeLessThanOrEqual(least + 2);

    const { body: health } = await stack.api('GET', `/connections/${connectionId}/health`);
    // The comparison has mended what it found, before a sweep could.
    expect(health).toMatchObject({ verdict: 'well', lastReport: { id: after.id, counts: { unexplained: 0 } } });
    expect(health.loss).toMatchObject({ heard: expect.any(Number), missed: 0 });
    expect(health.sweep.last).toMatchObject({ problem: null });

    // What happens at the moment of our own write cannot be told from it.
    clock.turn(60_000);
    const speak = scene.silence();
    const silent = deals.slice(0, 40);
    for (const deal of silent) scene.edit('deal', deal, { amount: '1300.00' });
    speak();
    await scene.sweepToRest();
    await atRest();
    const { body: later } = await stack.api('GET', `/connections/${connectionId}/health`);
    expect(later.loss.missed).toBe(silent.length);
    expect(later.problems.map(({ code }: { code: string }) => code)).toEqual(['webhooks_lost']);
  }, 120_000);

  test('a field that somebody has changed by hand is found, named and written again', async () => {
    const member = scene.person('Edited');
    const friend = scene.friendOf(member);
    const deal = scene.deal([friend]);
    await atRest();
    scene.win(deal);
    await atRest();
    scene.edit('contact', member, { wonward_rewards_issued: '9999.00 EUR' });
    scene.edit('deal', deal, { wonward_reward_state: '' });
    await atRest();
    // Level-triggered is not enough here: our own fields are nobody's news.
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('9999.00 EUR');
    const found = await report();
    expect(found.counts).toMatchObject({ different: 2, unexplained: 0 });
    expect(await rowsOf(found.id, 'different')).toEqual([
      { number: 0, object: 'contact', id: member, reason: 'changed', detail: 'wonward_rewards_issued' },
      { number: 1, object: 'deal', id: deal, reason: 'changed', detail: 'wonward_reward_state' },
    ]);
    await atRest();
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
    expect((await report()).counts).toMatchObject({ different: 0 });
  });

  test('a deal that was deleted in silence has its reward taken back', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Gone'))]);
    await atRest();
    scene.win(deal);
    await atRest();
    const speak = scene.silence();
    scene.crm.deleteRecord(PORTAL, 'deal', deal);
    speak();
    const found = await report();
    expect(await rowsOf(found.id, 'unexplained')).toMatchObject([{ id: deal, reason: 'reward_without_deal' }]);
    await atRest();
    expect(await scene.rewardsOn(deal)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);
    expect((await report()).counts).toMatchObject({ unexplained: 0 });
    await scene.expectBalanced();
  });

  test('a deal that was re-opened in silence is told from one that is gone', async () => {
    const deal = scene.deal([scene.friendOf(scene.person('Reopened'))]);
    await atRest();
    scene.win(deal);
    await atRest();
    const speak = scene.silence();
    scene.reopen(deal);
    speak();
    const found = await report();
    expect(await rowsOf(found.id, 'unexplained')).toMatchObject([{ id: deal, reason: 'reward_without_stage' }]);
    await atRest();
    expect((await report()).counts).toMatchObject({ unexplained: 0 });
  });

  test('one decision of two that is missing is named by its rule, and made', async () => {
    const friend = scene.friendOf(scene.person('Incomplete'));
    const first = scene.deal([friend]);
    const deal = scene.deal([friend]);
    await atRest();
    scene.win(first);
    await atRest();
    scene.win(deal);
    await atRest();
    const decided = await scene.decisionsOn(deal, 'friend');
    expect(decided).toHaveLength(1);
    plant('decisions', "delete from decisions where deal_id = ? and rule_key = 'friend-won'", deal);
    const { id: referralId } = await scene.referralOf(friend);
    const found = await report();
    expect(await rowsOf(found.id, 'unexplained')).toMatchObject([
      { id: deal, reason: 'decision_missing', detail: `no decision of ${referralId}/friend-won` },
    ]);
    await atRest();
    expect(await scene.decisionsOn(deal, 'friend')).toEqual(decided);
    expect((await report()).counts).toMatchObject({ unexplained: 0 });
  });

  test('a record that nobody remembers having to write is written', async () => {
    const member = scene.person('Unmarked');
    const friend = scene.friendOf(member);
    await atRest();
    plant('mirror', 'delete from mirror where record_id = ?', member);
    scene.edit('contact', member, { wonward_share_link: '' });
    await atRest();
    const found = await report();
    expect(await rowsOf(found.id, 'different')).toMatchObject([{ id: member, reason: 'never_written' }]);
    await atRest();
    expect(scene.show('contact', member).wonward_share_link).toMatch(/^http/);
    expect(friend).toBeDefined();
  });

  test('a report that somebody has changed, taken out or made without the key is found, and so is a row of its lists', async () => {
    await report();
    const sound = await verification();
    expect(sound.problems).toEqual([]);
    expect(sound.reports).toBeGreaterThan(8);
    const [last, before] = (await stack.api('GET', `/connections/${connectionId}/reports?limit=2`)).body.items;

    const row =
      "update sync_report_rows set body = replace(body, '\"decided\"', '\"Decided\"') where report_id = ? and list = 'decided' and number = 0";
    plant('sync_report_rows', row, last.id);
    expect((await verification()).problems).toMatchObject([{ reportId: last.id, problem: 'list_changed' }]);
    plant('sync_report_rows', row.replace(/"decided/, '"Decided').replace('\'"Decided"\')', '\'"decided"\')'), last.id);
    expect((await verification()).problems).toEqual([]);

    plant(
      'sync_reports',
      'update sync_reports set body = ? where id = ?',
      before.body.replace('"by":"test"', '"by":"nobody"'),
      before.id,
    );
    expect((await verification()).problems).toMatchObject([{ reportId: before.id, problem: 'changed' }]);
    // Whoever changes the hash along has not the key to sign it, and the next report names the old one.
    const body = before.body.replace('"by":"test"', '"by":"nobody"');
    plant(
      'sync_reports',
      'update sync_reports set hash = ? where id = ?',
      createHash('sha256').update(body).digest('hex'),
      before.id,
    );
    expect((await verification()).problems.map(({ problem }: { problem: string }) => problem)).toEqual([
      'not_signed_here',
      'chain_broken',
    ]);
    plant('sync_reports', 'delete from sync_reports where id = ?', before.id);
    expect((await verification()).problems).toMatchObject([{ reportId: last.id, problem: 'chain_broken' }]);
  });

  test('reports that have had their time go, lists before counts, and where the chain begins then is signed', async () => {
    const { store } = stack.service;
    const keys = parseSealKeys(stack.environment.ENCRYPTION_KEY ?? '');
    if (typeof keys === 'string') throw new Error(keys);
    const [first, second] = [await report(), await report()];
    const before = await verification();
    const later = (days: number) =>
      createReconciliation({
        store,
        clock: { now: () => stack.clock.now() + days * 86_400_000 },
        log: createLog({ level: 'silent' }),
        signer: createSigner(keys),
        publicUrl: stack.publicUrl,
        newId: randomUUID,
        openSession: stack.service.container.connect.openSession,
        onAsked: () => {},
      });
    const prune = async (days: number) => {
      await later(days).prune(stack.accountId, connectionId);
      return later(days).verify(stack.accountId, connectionId);
    };
    expect((await prune(34)).reports).toBe(before.reports);
    expect((await rowsOf(second.id, 'decided')).length).toBeGreaterThan(0);
    // The counts stay for longer than the lists, and are still what was signed.
    const listless = await prune(36);
    expect(listless).toMatchObject({ reports: before.reports, problems: before.problems });
    expect(await rowsOf(second.id, 'decided')).toEqual([]);
    expect((await prune(399)).reports).toBe(before.reports);
    // For the service of today a list that is missing is one that somebody has taken away.
    expect((await verification()).problems.map(({ problem }: { problem: string }) => problem)).toContain(
      'list_changed',
    );

    expect(await prune(401)).toEqual({ reports: 1, prunedUpTo: first.number, problems: [] });
    const third = await report();
    expect(third.number).toBe(second.number + 1);
    expect(await later(401).verify(stack.accountId, connectionId)).toMatchObject({ reports: 2, problems: [] });
    // Whoever takes away more than the service has signed for is found, whether or not they say that it was the service.
    plant('sync_reports', 'delete from sync_reports where id = ?', second.id);
    const broken = [{ reportId: third.id, problem: 'chain_broken' }];
    expect((await later(401).verify(stack.accountId, connectionId)).problems).toMatchObject(broken);
    plant('sync_report_anchors', 'update sync_report_anchors set number = ?, hash = ?', second.number, second.hash);
    expect((await later(401).verify(stack.accountId, connectionId)).problems).toMatchObject(broken);
  });
});
