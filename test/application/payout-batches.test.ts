import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCsv } from '../../src/application/csv-read.ts';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reverse } from '../../src/domain/reward.ts';
import { startPayPal } from '../../src/sandbox/paypal/server.ts';
import { DAY, T0 } from '../conformance/store-fixtures.ts';
import { manual, startDesk } from './payout-scene.ts';

const PAYPAL = { clientId: 'client', clientSecret: 'secret', webhookId: 'WEBHOOK1' };
const NIGHTLY = { kind: 'weekday', weekday: 'monday' } as const;

let desk: Awaited<ReturnType<typeof startDesk>>;
beforeEach(async () => {
  desk = await startDesk();
});
afterEach(() => desk.close());

const state = async (id: string) => (await desk.reward(id)).state;

/** As `decide` does it when the deal leaves Closed Won. */
async function takeBack(id: string): Promise<void> {
  const { store, clock, tenant } = desk;
  const reward = await desk.reward(id);
  const loaded = await tenant.load({ dealIds: [reward.deal.id] });
  const draft = createDraft(stateWith('acc_a', loaded));
  const decision = {
    ...tenant.decision(`dec_back_${id}`, reward.referralId, {
      deal: reward.deal,
      sequence: 2,
      outcome: 'reversed',
      reason: { code: 'left_won', values: { deal: reward.deal.id } },
      money: reward.money,
      rewardId: id,
    }),
    recordedAt: clock.now(),
  };
  draft.addDecision(decision);
  reverse(draft, reward, decision);
  const [result] = await store.cases.commit([tenant.commit(draft.plan())]);
  expect(result).toBe('committed');
}

async function onlyBatch() {
  const [batch] = await desk.batches.batches('acc_a');
  if (!batch) throw new Error('no batch');
  return batch;
}

describe('a batch that is paid by hand', () => {
  test('is cut by its export, which names who is to get how much; a marked row settles its order at once', async () => {
    const { key } = await desk.order('rwd_1', manual, { name: '=cmd|"/c calc"' });
    await desk.order('rwd_2', manual);
    await desk.run();
    // It waits as something that can still be taken back or change.
    expect([await state('rwd_1'), await state('rwd_2')]).toEqual(['approved', 'approved']);
    const { id } = await onlyBatch();
    const exported = await desk.batches.export('acc_a', id, 'Finance');
    if (!exported.ok) throw new Error(exported.why);
    expect(exported.fileName).toBe('wonward-payouts-0001.csv');
    const lines = exported.csv.split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('"order","reward","name","email","amount","currency","party","state","why"');
    expect(lines.find((line) => line.includes(key))).toContain(
      `"'=cmd|""/c calc""","mem_1@example.com","25.00","EUR","member"`,
    );
    const marked = await desk.batches.mark('acc_a', id, [{ key, state: 'paid', why: null }], 'Finance');
    expect(marked).toEqual({ ok: true, results: ['marked'] });
    await desk.run();
    expect(await state('rwd_1')).toBe('issued');
    expect(await state('rwd_2')).toBe('issuing');
    expect(await desk.batches.mark('acc_a', id, [{ key, state: 'refused', why: 'x' }], 'Finance')).toEqual({
      ok: true,
      results: ['settled'],
    });
    await desk.run();
    expect(await state('rwd_1')).toBe('issued');
    // Rows that are settled are not exported again.
    const again = await desk.batches.export('acc_a', id, 'Finance');
    expect(again.ok && again.csv.split('\r\n')).toHaveLength(3);
  });

  test('an order that is none of the batch’s keeps the others from being marked too', async () => {
    const { key } = await desk.order('rwd_1', manual);
    await desk.run();
    const { id } = await onlyBatch();
    const marks = [
      { key, state: 'paid' as const, why: null },
      { key: 'pay_nobodys', state: 'paid' as const, why: null },
    ];
    expect(await desk.batches.mark('acc_a', id, marks, 'Finance')).toEqual({ ok: false, unknown: 1 });
    expect((await desk.store.batches.item('acc_a', key))?.state).toBe('waiting');
    expect(await desk.batches.mark('acc_a', 'bat_nobodys', marks, 'Finance')).toEqual({
      ok: false,
      why: 'no_such_batch',
    });
  });

  test('takes the results of a bank as a file: each row by itself, and the same file again changes nothing', async () => {
    const orders = [];
    for (const id of ['rwd_1', 'rwd_2', 'rwd_3']) orders.push((await desk.order(id, manual)).key);
    await desk.run();
    const { id } = await onlyBatch();
    const csv = [
      'Order;State;Why',
      `${orders[0]};paid;`,
      `${orders[1]};REFUSED;"account ""closed"", says the bank"`,
      'pay_nobodys;paid;',
      `${orders[2]};maybe;`,
    ].join('\r\n');
    const first = await desk.batches.importMarks('acc_a', id, csv, 'Finance');
    expect(first.ok && first.rows.map(({ line, result }) => [line, result])).toEqual([
      [2, 'marked'],
      [3, 'marked'],
      [4, 'unknown_order'],
      [5, 'unreadable'],
    ]);
    await desk.run();
    expect([await state('rwd_1'), await state('rwd_2'), await state('rwd_3')]).toEqual(['issued', 'failed', 'issuing']);
    expect((await desk.reward('rwd_2')).reason.values.why).toBe('account "closed", says the bank');
    const journals = (await desk.store.reads.journals('acc_a', { limit: 50, cursor: null }, {})).items.length;
    const again = await desk.batches.importMarks('acc_a', id, csv, 'Finance');
    expect(again.ok && again.rows.map(({ result }) => result)).toEqual([
      'settled',
      'settled',
      'unknown_order',
      'unreadable',
    ]);
    // Another result than before is told and not taken: the money has moved.
    const other = await desk.batches.importMarks('acc_a', id, `order,state\n${orders[0]},refused`, 'Finance');
    expect(other.ok && other.rows[0]).toMatchObject({
      result: 'differs',
      problem: expect.stringContaining('paid before'),
    });
    await desk.run();
    expect((await desk.store.reads.journals('acc_a', { limit: 50, cursor: null }, {})).items).toHaveLength(journals);
    expect(await desk.batches.importMarks('acc_a', id, 'reward,state\nx,paid', 'Finance')).toEqual({
      ok: false,
      problem: 'needs a first line with the columns order, state',
    });
  });

  test('a reward that is taken back leaves it before and after the cut; once it was handed out it is paid and claimed back', async () => {
    for (const id of ['rwd_1', 'rwd_2', 'rwd_3', 'rwd_4']) await desk.order(id, manual);
    await desk.batches.configure('acc_a', manual, { schedule: null, approval: 'required' });
    await desk.run();
    const { id } = await onlyBatch();
    await takeBack('rwd_1');
    expect(await state('rwd_1')).toBe('voided');
    await desk.batches.cut('acc_a', id, 'Finance');
    await takeBack('rwd_2');
    expect(await state('rwd_2')).toBe('voided');
    await desk.batches.approve('acc_a', id, 'Finance');
    await desk.run();
    // Approved, and nobody has the file yet.
    await takeBack('rwd_3');
    desk.advance(2 * 3_600_000);
    await desk.run();
    expect(await state('rwd_3')).toBe('voided');
    const exported = await desk.batches.export('acc_a', id, 'Finance');
    expect(exported.ok && exported.csv).toContain('rwd_4');
    for (const gone of ['rwd_1', 'rwd_2', 'rwd_3']) expect(exported.ok && exported.csv).not.toContain(gone);
    await takeBack('rwd_4');
    desk.advance(2 * 3_600_000);
    await desk.run();
    expect(await desk.reward('rwd_4')).toMatchObject({ state: 'issuing', reversalPending: true });
    const [row] = (await desk.batches.batch('acc_a', id))?.rows.filter(({ rewardId }) => rewardId === 'rwd_4') ?? [];
    await desk.batches.mark('acc_a', id, [{ key: row?.key ?? '', state: 'paid', why: null }], 'Finance');
    await desk.run();
    expect(await state('rwd_4')).toBe('clawed_back');
    expect((await onlyBatch()).items).toEqual({ waiting: 0, paid: 1, refused: 0, withdrawn: 3 });
  });
});

describe('an approval', () => {
  test('is given by another person than who cut the batch, where the account asks for four eyes; nothing goes out before', async () => {
    await desk.batches.configure('acc_a', manual, { schedule: null, approval: 'four_eyes' });
    const { key } = await desk.order('rwd_1', manual);
    await desk.run();
    const { id } = await onlyBatch();
    expect(await desk.batches.approve('acc_a', id, 'Bo')).toEqual({ ok: false, why: 'not_cut' });
    await desk.batches.cut('acc_a', id, 'Ada');
    for (let tries = 0; tries < 3; tries += 1) {
      desk.advance(DAY);
      await desk.run();
    }
    expect(await state('rwd_1')).toBe('approved');
    expect(await desk.batches.export('acc_a', id, 'Ada')).toEqual({ ok: false, why: 'not_approved' });
    const marks = [{ key, state: 'paid' as const, why: null }];
    expect(await desk.batches.mark('acc_a', id, marks, 'Ada')).toEqual({ ok: false, why: 'not_approved' });
    expect(await desk.batches.importMarks('acc_a', id, `order,state\n${key},paid`, 'Ada')).toEqual({
      ok: false,
      why: 'not_approved',
    });
    expect(await desk.batches.approve('acc_a', id, 'Ada')).toEqual({ ok: false, why: 'same_person' });
    const approved = await desk.batches.approve('acc_a', id, 'Bo');
    expect(approved.ok && approved.batch.batch).toMatchObject({ cutBy: 'Ada', approvedBy: 'Bo' });
    expect(approved.ok && approved.batch.totals).toEqual([{ minor: 2_500n, currency: 'EUR' }]);
    expect(await desk.batches.approve('acc_a', id, 'Bo')).toEqual({ ok: false, why: 'already_approved' });
    await desk.run();
    expect(await state('rwd_1')).toBe('issuing');
    expect(await desk.batches.approve('acc_b', id, 'Bo')).toEqual({ ok: false, why: 'no_such_batch' });
  });
});

describe('a schedule', () => {
  test('cuts what has come by its day, once, however many nodes look; what comes later is in the next batch', async () => {
    // T0 is a Sunday.
    await desk.batches.configure('acc_a', manual, { schedule: NIGHTLY, approval: 'required' });
    await desk.order('rwd_1', manual);
    await desk.run();
    expect(await desk.cutBatches()).toBe(0);
    desk.advance(DAY);
    const cuts = await Promise.all([desk.cutBatches(), desk.cutBatches(), desk.cutBatches()]);
    expect(cuts.reduce((sum, cut) => sum + cut, 0)).toBe(1);
    expect(await onlyBatch()).toMatchObject({ number: 1, cutBy: 'schedule', approvedAt: null });
    await desk.order('rwd_2', manual);
    await desk.run();
    desk.advance(DAY);
    expect(await desk.cutBatches()).toBe(0);
    desk.advance(6 * DAY);
    expect(await desk.cutBatches()).toBe(1);
    const batches = await desk.batches.batches('acc_a');
    expect(batches.map(({ number, cutAt, items }) => [number, cutAt === null, items.waiting])).toEqual([
      [2, false, 1],
      [1, false, 1],
    ]);
    // An empty one is not cut.
    desk.advance(7 * DAY);
    await desk.cutBatches();
    expect(await desk.batches.batches('acc_a')).toHaveLength(2);
  });

  test('is not taken away while orders wait that nobody would send', async () => {
    await desk.batches.configure('acc_a', manual, { schedule: NIGHTLY, approval: 'required' });
    await desk.order('rwd_1', manual);
    await desk.run();
    expect(await desk.batches.unconfigure('acc_a', manual)).toBe('waiting');
    const { id } = await onlyBatch();
    await desk.batches.cut('acc_a', id, 'Ada');
    await desk.batches.approve('acc_a', id, 'Ada');
    expect(await desk.batches.unconfigure('acc_a', manual)).toBe('removed');
    expect(await desk.batches.unconfigure('acc_a', manual)).toBe('unknown');
  });

  test('is not for a provider that pays each order by itself, or is none', async () => {
    for (const name of ['credit', 'coupon', 'nobodys'])
      expect(await desk.batches.configure('acc_a', name, { schedule: null, approval: 'none' })).toBeNull();
  });
});

describe('orders to a provider that pays by itself', () => {
  test('wait for the batch to be approved, and are then settled one by one, each by the answer of the provider', async () => {
    await desk.close();
    const { url, control, stop } = await startPayPal({ ...PAYPAL, now: () => T0, callsPerSecond: 1_000 });
    desk = await startDesk({ localProviders: { paypal: url } });
    try {
      await desk.accounts.configure('acc_a', 'paypal', new Map(Object.entries(PAYPAL)));
      await desk.batches.configure('acc_a', 'paypal', { schedule: NIGHTLY, approval: 'required' });
      const first = await desk.order('rwd_1', 'paypal');
      const second = await desk.order('rwd_2', 'paypal');
      await desk.order('rwd_3', 'paypal');
      await desk.order('rwd_4', manual);
      await desk.run();
      desk.advance(DAY);
      await desk.run();
      expect(control.items).toEqual([]);
      await desk.cutBatches();
      await takeBack('rwd_3');
      const batch = (await desk.batches.batches('acc_a')).find(({ provider }) => provider === 'paypal');
      if (!batch) throw new Error('no batch');
      control.refusals.add(second.key);
      await desk.batches.approve('acc_a', batch.id, 'Bo');
      await desk.run();
      expect(control.items.map(({ senderItemId }) => senderItemId)).toEqual([first.key]);
      const states = await Promise.all(['rwd_1', 'rwd_2', 'rwd_3', 'rwd_4'].map(state));
      expect(states).toEqual(['issued', 'failed', 'voided', 'approved']);
      expect((await desk.batches.batch('acc_a', batch.id))?.batch.items).toEqual({
        waiting: 0,
        paid: 1,
        refused: 1,
        withdrawn: 1,
      });
      const marks = [{ key: first.key, state: 'paid' as const, why: null }];
      expect(await desk.batches.mark('acc_a', batch.id, marks, 'Bo')).toEqual({ ok: false, why: 'not_by_hand' });
    } finally {
      await stop();
    }
  });
});

describe('a file of rows', () => {
  test('is read as spreadsheets write it, with the lines that an editor shows', () => {
    const read = readCsv('\uFEFF"Order","why"\r\n"pay_1","two\nlines, and a ""quote"""\r\n\r\n\'=pay_2,', ['order']);
    expect(read.ok && read.rows.map(({ line, fields }) => [line, fields.get('order'), fields.get('why')])).toEqual([
      [2, 'pay_1', 'two\nlines, and a "quote"'],
      [5, '=pay_2', ''],
    ]);
  });

  test.each([
    ['', 'needs a first line with the columns order'],
    ['order,order\n1,2', 'names a column twice in its first line'],
    ['order\n"open', 'has a quote that is not closed'],
    [`order\n${'x\n'.repeat(5_001)}`, 'has more than 5000 rows; send it in parts'],
  ])('that cannot be read is refused with what is wrong: %j', (csv, problem) => {
    expect(readCsv(csv, ['order'])).toEqual({ ok: false, problem });
  });
});
