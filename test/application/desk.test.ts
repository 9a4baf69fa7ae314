import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDesk } from '../../src/application/desk.ts';
import { createDeskEffects } from '../../src/application/desk-effects.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createReattribute } from '../../src/application/re-attribute.ts';
import { createReview } from '../../src/application/review.ts';
import { journalFor } from '../../src/domain/ledger.ts';
import { owedTally } from '../../src/domain/tally.ts';
import { openStore } from '../../src/store/open.ts';
import { newCase } from '../conformance/store-desk.ts';
import { DAY, T0, type Tenant, tenant } from '../conformance/store-fixtures.ts';

const HOUR = 3_600_000;
const PAGE = { limit: 100, cursor: null };

let store: Store;
let a: Tenant;
let now: number;
beforeEach(async () => {
  now = T0;
  store = await openStore({ url: 'sqlite::memory:' });
  a = tenant(store);
  await a.create();
  await a.writePair();
  await tenant(store, 'acc_b', 'con_b').create();
});
afterEach(() => store.close());

function desk() {
  const clock = { now: () => now };
  let ids = 0;
  const review = createReview({ store, clock, onDecided: () => {} });
  const reattribute = createReattribute({ store, clock, onAsked: () => {} });
  return createDesk({ store, clock, review, reattribute, newId: () => String(++ids), onAsked: () => {} });
}

describe('the job that moves cases up', () => {
  test('goes on until none is due, and leaves none decided and none behind', async () => {
    for (let index = 0; index < 250; index += 1) await store.desk.open('acc_a', newCase(`cas_${index}`));
    now = T0 + 48 * HOUR;
    expect(await desk().escalateAll()).toBe(250);
    expect(await desk().escalateAll()).toBe(0);
    now = T0 + 365 * DAY;
    expect(await desk().escalateAll()).toBe(250);
    const { items } = await store.desk.list('acc_a', { limit: 300, cursor: null }, { state: 'open', overdue: true });
    expect(items).toHaveLength(250);
  });
});

describe('the job that watches', () => {
  async function rush(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1)
      await a.write(
        a.granted(a.reward(`rwd_${now}_${index}`, 'ref_1', { createdAt: now - HOUR, ruleKey: `r${index}` })),
      );
  }

  test('opens one alert for each cause, and again a day after somebody has dealt with it', async () => {
    await rush(6);
    expect(await desk().watchAll()).toBe(1);
    expect(await desk().watchAll()).toBe(0);
    const [alert] = (await store.desk.list('acc_a', PAGE, {})).items;
    expect(alert).toMatchObject({
      kind: 'alert',
      topic: 'sudden_conversions',
      facts: { id: 'mem_1', recent: 6, before: 0 },
    });
    const word = { outcome: 'resolved' as const, by: 'key', why: 'A campaign.' };
    expect(await desk().decide('acc_a', alert?.id ?? '', word)).toMatchObject({ kind: 'decided' });
    expect(await desk().watchAll()).toBe(0);
    now += 30 * DAY;
    await rush(6);
    expect(await desk().watchAll()).toBe(1);
    expect((await store.desk.list('acc_b', PAGE, {})).items).toEqual([]);
  });
});

describe('what is owed again after its money came back late', () => {
  const back = (minor: bigint) =>
    a.write({ tallies: [{ ...owedTally('mem_1', 'EUR'), count: 0, minor, basis: null }] });
  const open = () => store.desk.openAlerts('acc_a', 'owed_again');

  test('is one alert that ends by itself, and is told again when it is there again', async () => {
    await back(-2_500n);
    expect([await desk().watchAll(), await desk().watchAll()]).toEqual([1, 0]);
    const [first] = await open();
    expect(first).toMatchObject({ severity: 'high', value: { minor: 2_500n }, facts: { of: 'member', id: 'mem_1' } });
    // A later reward was taken back meanwhile: what is owed has become less.
    await back(1_000n);
    expect(await desk().watchAll()).toBe(1);
    expect((await open()).map(({ value }) => value?.minor)).toEqual([1_500n]);
    await back(1_500n);
    expect(await desk().watchAll()).toBe(0);
    expect(await open()).toEqual([]);
    expect((await store.desk.get('acc_a', first?.id ?? ''))?.case).toMatchObject({ outcome: 'moot' });
    await back(-1_500n);
    now += HOUR;
    expect(await desk().watchAll()).toBe(1);
  });

  test('that somebody has dealt with is asked about again a month later, and at once when it is another amount', async () => {
    await back(-2_500n);
    await desk().watchAll();
    const word = { outcome: 'resolved' as const, by: 'key', why: 'Paid by hand.' };
    await desk().decide('acc_a', (await open())[0]?.id ?? '', word);
    now += 29 * DAY;
    expect(await desk().watchAll()).toBe(0);
    await back(-100n);
    expect(await desk().watchAll()).toBe(1);
    await back(100n);
    now += 2 * DAY;
    expect(await desk().watchAll()).toBe(1);
    expect((await open()).map(({ value }) => value?.minor)).toEqual([2_500n]);
  });
});

describe('a person’s word', () => {
  test('ends a case only in a way that it can end', async () => {
    await store.desk.open('acc_a', newCase('cas_1'));
    const of = (outcome: 'approved' | 'dismissed') => desk().decide('acc_a', 'cas_1', { outcome, by: 'key', why: 'x' });
    expect(await of('approved')).toEqual({
      kind: 'refused',
      code: 'not_for_this_case',
      allowed: ['resolved', 'dismissed'],
    });
    expect(await of('dismissed')).toMatchObject({ kind: 'decided', case: { outcome: 'dismissed' } });
    expect(await of('dismissed')).toMatchObject({ kind: 'refused', code: 'awaits_nobody' });
    expect(await desk().decide('acc_b', 'cas_1', { outcome: 'dismissed', by: 'key', why: 'x' })).toEqual({
      kind: 'refused',
      code: 'no_such_case',
    });
  });

  test('takes nothing back that does not stand, and the case stays open for another one', async () => {
    const reward = a.reward('rwd_1', 'ref_1', { state: 'voided' });
    await a.write({ ...a.granted(reward), intents: [] });
    const dispute = {
      referralId: 'ref_1',
      rewardId: 'rwd_1',
      claim: 'fraud' as const,
      memberId: null,
      words: 'x',
      by: { role: 'rep' as const, id: '7' },
    };
    const opened = await desk().dispute('acc_a', dispute);
    if (opened.kind !== 'opened') throw new Error(opened.kind);
    const word = { outcome: 'taken_back' as const, by: 'key', why: 'x' };
    expect(await desk().decide('acc_a', opened.case.id, word)).toEqual({
      kind: 'refused',
      code: 'not_for_this_case',
      allowed: ['upheld', 'dismissed'],
    });
    expect((await store.desk.get('acc_a', opened.case.id))?.case.state).toBe('open');
    expect(await desk().dispute('acc_a', dispute)).toMatchObject({ kind: 'existing', case: { id: opened.case.id } });
    expect(await desk().dispute('acc_a', { ...dispute, rewardId: 'rwd_9' })).toMatchObject({ code: 'no_such_reward' });
    expect(await desk().dispute('acc_b', dispute)).toMatchObject({ code: 'no_such_referral' });
  });
});

describe('a dispute about whose the referral is', () => {
  const HERS = {
    referralId: 'ref_1',
    rewardId: null,
    claim: 'wrong_member',
    words: 'We had met at the fair.',
    by: { role: 'rep', id: 'rep 7' },
  } as const;
  const WORD = { outcome: 'reattributed', by: 'Eve', why: 'The fair was first.' } as const;

  async function disputed(memberId: string | null): Promise<string> {
    await a.write({ members: [a.member('mem_2')] });
    const result = await desk().dispute('acc_a', { ...HERS, memberId });
    if (result.kind === 'refused') throw new Error(result.code);
    return result.case.id;
  }

  test('gives it to the member whom it names, and ends with that', async () => {
    const id = await disputed('mem_2');
    expect(await desk().decide('acc_a', id, WORD)).toMatchObject({
      kind: 'decided',
      case: { state: 'decided', outcome: 'reattributed' },
    });
    expect(await store.reads.referral('acc_a', 'ref_1')).toMatchObject({ memberId: 'mem_2' });
    expect(await desk().decide('acc_a', id, WORD)).toMatchObject({ kind: 'refused', code: 'awaits_nobody' });
  });

  test('ends the same way when somebody has given it already', async () => {
    const id = await disputed('mem_2');
    const clock = { now: () => now };
    const move = { memberId: 'mem_2', by: 'Ada', why: 'By hand.' };
    await createReattribute({ store, clock, onAsked: () => {} })('acc_a', 'ref_1', move);
    expect(await desk().decide('acc_a', id, WORD)).toMatchObject({ kind: 'decided' });
    const { items } = await store.desk.list('acc_a', PAGE, { state: 'open' });
    expect(items).toEqual([]);
  });

  test('that names nobody gives it to the member whom the person names, unless there is no such member', async () => {
    const id = await disputed(null);
    expect(await desk().decide('acc_a', id, { ...WORD, memberId: 'mem_9' })).toEqual({
      kind: 'refused',
      code: 'no_such_member',
    });
    expect(await desk().decide('acc_a', id, { ...WORD, memberId: 'mem_2' })).toMatchObject({ kind: 'decided' });
    expect(await store.reads.referral('acc_a', 'ref_1')).toMatchObject({ memberId: 'mem_2' });
  });

  test('that names nobody cannot end so', async () => {
    const id = await disputed(null);
    expect(await desk().decide('acc_a', id, WORD)).toEqual({
      kind: 'refused',
      code: 'not_for_this_case',
      allowed: ['upheld', 'dismissed'],
    });
  });
});

describe('what would follow from a word', () => {
  const effects = () => createDeskEffects({ store, clock: { now: () => now } });

  async function inReview(id: string) {
    const reward = a.reward(id, 'ref_1', {
      state: 'in_review',
      review: 'needed',
      reason: { code: 'review_needed', values: { why: 'x' } },
    });
    const { decisions = [] } = a.granted(reward);
    const accrued = journalFor({
      reward,
      kind: 'accrue',
      whileHeld: true,
      decisionId: `dec_${id}`,
      effectiveAt: T0,
      recordedAt: T0,
    });
    await a.write({
      rewards: [reward],
      decisions: decisions.map((one) => ({ ...one, outcome: 'in_review' as const })),
      journals: [accrued],
    });
    const [one] = (await store.desk.list('acc_a', PAGE, { rewardId: id })).items;
    if (!one) throw new Error('no case was opened');
    return one;
  }

  test('is the decision itself, and nothing of it is written', async () => {
    const one = await inReview('rwd_1');
    const before = await store.reads.balances('acc_a');
    const tried = await effects()('acc_a', one.id, { outcome: 'approved', by: 'key' });
    if (tried.kind !== 'would') throw new Error(tried.code);
    expect(tried.before.get('rwd_1')).toMatchObject({ state: 'in_review' });
    expect(tried.plan.rewards).toMatchObject([{ id: 'rwd_1', state: 'approved' }]);
    expect(tried.plan.journals).toMatchObject([{ kind: 'release' }]);
    expect(tried.plan.intents).toMatchObject([{ rewardId: 'rwd_1', provider: 'credit' }]);
    expect(await store.reads.balances('acc_a')).toEqual(before);
    expect((await store.desk.get('acc_a', one.id))?.case).toMatchObject({ state: 'open', version: one.version });
    expect(await store.reads.reward('acc_a', 'rwd_1')).toMatchObject({ state: 'in_review', version: 1 });

    const word = { outcome: 'approved' as const, by: 'key', why: 'x' };
    expect(await desk().decide('acc_a', one.id, word)).toMatchObject({ kind: 'decided' });
    const booked = await store.reads.journals('acc_a', PAGE, { rewardId: 'rwd_1' });
    const wouldBe = tried.plan.journals.map(({ kind, postings }) => ({ kind, postings }));
    expect(booked.items.map(({ kind, postings }) => ({ kind, postings }))).toEqual(expect.arrayContaining(wouldBe));
    expect(await effects()('acc_a', one.id, { outcome: 'approved', by: 'key' })).toMatchObject({
      kind: 'refused',
      code: 'awaits_nobody',
    });
  });

  test('of one that moves nothing is nothing, and the case stays open', async () => {
    await store.desk.open('acc_a', newCase('cas_1'));
    const tried = await effects()('acc_a', 'cas_1', { outcome: 'resolved', by: 'key' });
    expect(tried).toMatchObject({ kind: 'would', plan: { rewards: [], journals: [], intents: [] } });
    expect((await store.desk.get('acc_a', 'cas_1'))?.case).toMatchObject({ state: 'open', version: 1 });
    expect((await store.desk.get('acc_a', 'cas_1'))?.events).toHaveLength(1);
    expect(await effects()('acc_a', 'cas_1', { outcome: 'approved', by: 'key' })).toMatchObject({
      code: 'not_for_this_case',
    });
    expect(await effects()('acc_b', 'cas_1', { outcome: 'resolved', by: 'key' })).toMatchObject({
      code: 'no_such_case',
    });
  });
});
