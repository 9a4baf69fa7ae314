import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reverse } from '../../src/domain/reward.ts';
import { startDesk } from '../application/payout-scene.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;
let account: string;
beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('payouts'));
  const created = await commandLine(env, 'account', 'create', 'Acme', '--json');
  account = (JSON.parse(created.out) as { id: string }).id;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const reconcile = (...args: string[]) => commandLine(env, 'payouts', 'reconcile', account, ...args);

test('payouts reconcile tells that both sides agree, as text and as JSON', async () => {
  const text = await reconcile('--provider', 'manual', '--from', '2026-11-01', '--to', '2026-12-01');
  expect([text.code, text.err]).toEqual([0, '']);
  expect(text.out).toContain('manual, 2026-11-01T00:00:00.000Z to 2026-12-01T00:00:00.000Z: 0 orders of ours, 0 agree');
  const json = await reconcile('--provider', 'manual', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ provider: 'manual', orders: 0, differences: [] });
});

test.each([
  [['--provider', 'nobodys'], 'There is no provider "nobodys".'],
  [['--provider', 'manual', '--from', 'soon'], '--from "soon" is no day.'],
  [['--provider', 'manual', '--from', '2026-12-01', '--to', '2026-11-01'], 'The time ends before it begins.'],
  [['--provider', 'stripe'], 'Stripe is not set up for this account: secretKey missing.'],
])('payouts reconcile %j says what is wrong and what to do', async (args, what) => {
  const { code, err } = await reconcile(...args);
  expect(code).not.toBe(0);
  expect(err).toContain(what);
});

describe('what finance does at the command line', () => {
  /** One that the service of the fixtures writes to as well. */
  let mine: Record<string, string>;
  let desk: Awaited<ReturnType<typeof startDesk>>;
  let batch: string;
  const orders: string[] = [];
  beforeAll(async () => {
    const url = `sqlite:${join(directory, 'desk.db')}`;
    mine = { DATABASE_URL: url, ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}` };
    desk = await startDesk({}, url);
    for (const id of ['rwd_1', 'rwd_2']) orders.push((await desk.order(id, 'manual')).key);
    await desk.order('rwd_3', 'credit');
    await desk.run();
    batch = (await desk.batches.batches('acc_a'))[0]?.id ?? '';
  }, 60_000);
  afterAll(() => desk.close());

  const payouts = (...args: string[]) => commandLine(mine, 'payouts', ...args);

  test('a batch is listed, cut, approved, exported and marked, and its orders are settled by what was filled in', async () => {
    const open = await payouts('batches', 'acc_a');
    expect([open.code, open.err]).toEqual([0, '']);
    expect(open.out).toMatch(new RegExp(`1 +${batch} +manual +open +2 +0 +0 +0`));
    expect((await payouts('batches', 'acc_b')).out).toContain('No batch was opened yet.');
    const early = await payouts('approve', 'acc_a', batch, '--by', 'Ada');
    expect([early.code, early.err]).toEqual([1, expect.stringContaining('The batch is open still.')]);
    expect((await payouts('cut', 'acc_a', batch, '--by', 'Ada')).out).toContain('Batch 1 of manual is');
    await payouts('approve', 'acc_a', batch, '--by', 'Bo');
    const again = await payouts('approve', 'acc_a', batch, '--by', 'Bo');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('The batch was approved before.')]);

    const file = join(directory, 'out.csv');
    expect((await payouts('export', 'acc_a', batch, '--by', 'Bo', '--file', file)).out).toBe(`Written to ${file}.\n`);
    // Names and addresses are for whoever runs the command, and nobody else.
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const rows = (await readFile(file, 'utf8')).split('\r\n');
    expect(orders.every((key) => rows.some((row) => row.startsWith(`"${key}"`)))).toBe(true);

    const filled = join(directory, 'filled.csv');
    const lines = ['order,state,why', `${orders[0]},paid,`, `${orders[1]},refused,closed`, 'pay_nobodys,paid,'];
    await writeFile(filled, lines.join('\r\n'));
    const marked = await payouts('mark', 'acc_a', batch, filled, '--by', 'Bo');
    expect(marked.out).toMatch(/^2 of 3 rows were taken\.\n {2}line 4, pay_nobodys: /);
    // Something of the file was not taken: a script has to see it.
    expect(marked.code).toBe(1);
    // The command line has a clock of its own, and what it let go comes up by that.
    desk.advance(Math.max(0, Date.now() + 1_000 - desk.clock.now()));
    await desk.run();
    expect([(await desk.reward('rwd_1')).state, (await desk.reward('rwd_2')).state]).toEqual(['issued', 'failed']);
    expect((await payouts('batches', 'acc_a')).out).toMatch(new RegExp(`${batch} +manual +exported +0 +1 +1 +0`));
  });

  test('a receivable is written off once, with who and why', async () => {
    const early = await payouts('write-off', 'acc_a', 'rwd_1', '--by', 'Ada', '--why', 'Too small.');
    expect([early.code, early.err]).toEqual([1, expect.stringContaining('Nothing of this reward is owed back.')]);
    await takeBack('rwd_1');
    const done = await payouts('write-off', 'acc_a', 'rwd_1', '--by', 'Ada', '--why', 'Too small.', '--json');
    expect([done.code, JSON.parse(done.out)]).toEqual([0, { rewardId: 'rwd_1', writtenOff: '25.00 EUR' }]);
    const { items } = await desk.store.reads.decisions('acc_a', { limit: 10, cursor: null }, {});
    expect(items.map(({ reason }) => reason)).toContainEqual({
      code: 'written_off',
      values: expect.objectContaining({ by: 'Ada (command line)', why: 'Too small.' }),
    });
    expect((await payouts('write-off', 'acc_a', 'rwd_1', '--by', 'Ada', '--why', 'Again.')).code).toBe(1);
  });

  /** As `decide` does it when the deal leaves Closed Won. */
  async function takeBack(id: string): Promise<void> {
    const { store, clock, tenant } = desk;
    const reward = await desk.reward(id);
    const draft = createDraft(stateWith('acc_a', await tenant.load({ dealIds: [reward.deal.id] })));
    const changes = { deal: reward.deal, sequence: 2, outcome: 'reversed', money: reward.money, rewardId: id } as const;
    const decision = { ...tenant.decision(`dec_back_${id}`, reward.referralId, changes), recordedAt: clock.now() };
    draft.addDecision(decision);
    reverse(draft, reward, decision);
    expect(await store.cases.commit([tenant.commit(draft.plan())])).toEqual(['committed']);
  }

  test.each([
    [['batches', 'acc_nobody'], 'There is no account "acc_nobody".'],
    [['cut', 'acc_b', 'BATCH', '--by', 'Ada'], 'There is no such batch.'],
    [['approve', 'acc_b', 'BATCH', '--by', 'Ada'], 'There is no such batch.'],
    [['export', 'acc_b', 'BATCH', '--by', 'Ada', '--file', 'nobody-reads-this.csv'], 'There is no such batch.'],
    [['write-off', 'acc_b', 'rwd_1', '--by', 'Ada', '--why', 'x'], 'There is no such reward.'],
    [['write-off', 'acc_a', 'rwd_1', '--by', ' ', '--why', 'x'], '--by cannot be used.'],
    [['write-off', 'acc_a', 'rwd_1', '--by', 'Ada', '--why', 'x\ny'], '--why cannot be used.'],
    [['cut', 'acc_a', 'BATCH'], "required option '--by <who>' not specified"],
  ])('payouts %j says what is wrong and what to do', async (args, what) => {
    const { code, err } = await payouts(...args.map((arg) => (arg === 'BATCH' ? batch : arg)));
    expect(code).not.toBe(0);
    expect(err).toContain(what);
  });

  test('a file that is no table of results changes nothing', async () => {
    const file = join(directory, 'wrong.csv');
    await writeFile(file, 'name,town\r\nAda,London');
    const { code, err } = await payouts('mark', 'acc_a', batch, file, '--by', 'Bo');
    expect([code, err]).toEqual([1, expect.stringContaining('Fill in the columns state and why')]);
  });
});
