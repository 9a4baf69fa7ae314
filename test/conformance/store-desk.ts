import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import type { NewCase } from '../../src/domain/case.ts';
import { contactKeys } from '../../src/domain/contact-keys.ts';
import { erasedFacts } from '../../src/domain/record.ts';
import { paceKey, type RiskAssessment } from '../../src/domain/risk.ts';
import { budgetTally, owedTally } from '../../src/domain/tally.ts';
import { DAY, planOf, T0, type Tenant } from './store-fixtures.ts';

const HOUR = 3_600_000;
const PAGE = { limit: 50, cursor: null };

const RISK: RiskAssessment = {
  score: 50,
  verdict: 'review',
  raised: [{ signal: 'same_phone', weight: 50, evidence: 'contacts 1 and 2 have one phone number' }],
  unknown: ['same_ip'],
};

export function newCase(id: string, changes: Partial<NewCase> = {}): NewCase {
  return {
    id,
    kind: 'alert',
    topic: 'budget_burn',
    dedupeKey: `alert ${id}`,
    severity: 'high',
    referralId: null,
    rewardId: null,
    value: { minor: 2_500n, currency: 'EUR' },
    summary: 'The budget is nearly spent.',
    facts: { lastsDays: 3 },
    openedBy: 'wonward',
    openedAt: T0,
    ...changes,
  };
}

/** Cases and their history, what risk is judged by, and what alerts are judged by. Part of the store's conformance. */
export function deskStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('cases that people decide', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });

    const inReview = (id: string, referralId = 'ref_1') =>
      a.reward(id, referralId, {
        state: 'in_review',
        review: 'needed',
        reason: { code: 'review_needed', values: { why: 'x' } },
      });

    /** As `decide` writes it: the reward and its decision, which tells of the risk. */
    async function writeInReview(id: string) {
      const reward = inReview(id);
      const { decisions = [] } = a.granted(reward);
      await a.write({
        rewards: [reward],
        decisions: decisions.map((one) => ({ ...one, outcome: 'in_review', risk: RISK })),
        journals: [a.journal(reward, 'accrue', { decisionId: `dec_${id}` })],
      });
      return reward;
    }

    async function openOne(filter: Parameters<Store['desk']['list']>[2] = {}) {
      const { items } = await store.desk.list('acc_a', PAGE, { state: 'open', ...filter });
      const [one] = items;
      if (!one || items.length !== 1) throw new Error(`${items.length} cases are open`);
      return one;
    }

    test('a reward that waits for a person opens one in the same commit, with its value, its signals and whose it is', async () => {
      await a.writePair();
      const reward = await writeInReview('rwd_1');
      const one = await openOne();
      expect(one).toMatchObject({
        kind: 'review',
        topic: 'reward_review',
        severity: 'high',
        rewardId: 'rwd_1',
        referralId: 'ref_1',
        value: reward.money,
        owner: 'role:reviewer',
        step: 0,
        dueAt: T0 + 48 * HOUR,
        isOverdue: false,
        facts: { score: 50, signals: RISK.raised },
      });
      const found = await store.desk.get('acc_a', one.id);
      expect(found?.events).toMatchObject([{ number: 1, kind: 'opened', by: 'wonward' }]);
      const [decision] = (await a.load({ contactIds: ['friend-ref_1'] })).decisions;
      expect(decision?.risk).toEqual(RISK);
    });

    test('a commit that is refused opens none', async () => {
      await a.writePair();
      const commit = a.commit({ rewards: [inReview('rwd_1')], members: [{ ...a.member('mem_1'), version: 7 }] });
      expect(await store.cases.commit([commit])).toEqual(['conflict']);
      expect((await store.desk.list('acc_a', PAGE, {})).items).toEqual([]);
    });

    test.each([
      ['review_approved', 'approved', 'approved'],
      ['review_rejected', 'voided', 'rejected'],
      ['left_won', 'voided', 'moot'],
    ] as const)('one is settled by the commit that brings %s', async (code, state, outcome) => {
      await a.writePair();
      const reward = await writeInReview('rwd_1');
      const values = code === 'left_won' ? { deal: '1' } : { by: 'role:reviewer', why: 'Paid invoice.' };
      const review = code === 'review_approved' ? ('approved' as const) : reward.review;
      await a.write({
        rewards: [{ ...reward, state, review, reason: { code, values }, updatedAt: T0 + HOUR, version: 2 }],
      });
      const { items } = await store.desk.list('acc_a', PAGE, {});
      expect(items).toMatchObject([{ state: 'decided', outcome, dueAt: null, decidedAt: T0 + HOUR }]);
      const [one] = items;
      expect(one?.decidedBy).toBe(code === 'left_won' ? 'wonward' : 'role:reviewer');
      const found = await store.desk.get('acc_a', one?.id ?? '');
      expect(found?.events.map(({ kind }) => kind)).toEqual(['opened', 'decided']);
    });

    test('one cause has one open case, and may have another when that is decided', async () => {
      expect(await store.desk.open('acc_a', newCase('cas_1'))).toMatchObject({ id: 'cas_1', state: 'open' });
      expect(await store.desk.open('acc_a', newCase('cas_2', { dedupeKey: 'alert cas_1' }))).toBeNull();
      const word = { outcome: 'resolved' as const, by: 'role:finance', why: 'Filled up.', at: T0 + HOUR };
      expect(await store.desk.decide('acc_a', 'cas_1', word)).toMatchObject({
        kind: 'changed',
        case: { outcome: 'resolved' },
      });
      const again = newCase('cas_3', { dedupeKey: 'alert cas_1', openedAt: T0 + 2 * HOUR });
      expect(await store.desk.open('acc_a', again, T0 + HOUR)).toBeNull();
      expect(await store.desk.open('acc_a', again, T0 + HOUR + 1)).toMatchObject({ id: 'cas_3' });
    });

    test('what waits is told by its time, what is over first, and of one account only', async () => {
      for (const [id, hours] of [
        ['cas_late', -100],
        ['cas_soon', 1],
        ['cas_done', 0],
        ['cas_later', 30],
      ] as const)
        await store.desk.open('acc_a', newCase(id, { openedAt: T0 + hours * HOUR }));
      await store.desk.decide('acc_a', 'cas_done', { outcome: 'resolved', by: 'key', why: 'x', at: T0 + HOUR });
      // One step up the chain after two days, and over after two more.
      for (const at of [T0 - 40 * HOUR, T0 + 10 * HOUR]) await store.desk.escalateDue(at, 10);
      const open = await store.attention.openCases('acc_a', 10);
      expect(open.map(({ id, isOverdue }) => [id, isOverdue])).toEqual([
        ['cas_late', true],
        ['cas_soon', false],
        ['cas_later', false],
      ]);
      expect((await store.attention.openCases('acc_a', 1)).map(({ id }) => id)).toEqual(['cas_late']);
      expect(await store.attention.openCases('acc_b', 10)).toEqual([]);
    });

    test('what is set in the app is kept in versions, and the same again is the same', async () => {
      const save = (basis: number, managers: string[]) =>
        store.appSettings.save(
          'acc_a',
          a.connectionId,
          { managers, programs: null, notifications: [], objects: 'off' },
          { basis, by: 'key', now: T0 },
        );
      expect(await store.appSettings.newest('acc_a', a.connectionId)).toBeNull();
      expect(await save(0, ['7'])).toMatchObject({ version: 1, settings: { managers: ['7'] }, by: 'key', at: T0 });
      expect(await save(0, ['7'])).toMatchObject({ version: 1 });
      expect(await save(0, ['8'])).toBeNull();
      const both = await Promise.all([save(1, ['8']), save(1, ['9'])]);
      expect(both.filter((kept) => kept === null)).toHaveLength(1);
      expect(await store.appSettings.newest('acc_a', a.connectionId)).toMatchObject({ version: 2 });
      expect(await store.appSettings.newest('acc_b', a.connectionId)).toBeNull();
    });

    test('which programs were chosen is told with the moment from which it holds, and only of connections where somebody chose', async () => {
      const save = (basis: number, managers: string[], programs: string[] | null, now: number) =>
        store.appSettings.save(
          'acc_a',
          a.connectionId,
          { managers, programs, notifications: [], objects: 'off' },
          { basis, by: 'key', now },
        );
      await save(0, ['7'], null, T0);
      expect(await store.appSettings.choices('acc_a')).toEqual([]);
      await save(1, ['7'], ['prg'], T0 + 5);
      await save(2, ['8'], ['prg'], T0 + 6);
      // Of a node whose clock is behind: it holds from when the one before it does.
      await save(3, ['8'], null, T0 + 1);
      expect(await store.appSettings.choices('acc_a')).toEqual([
        { connectionId: a.connectionId, at: T0 + 5, programIds: ['prg'] },
        { connectionId: a.connectionId, at: T0 + 6, programIds: null },
      ]);
      expect(await store.appSettings.choices('acc_b')).toEqual([]);
    });

    test('what is chosen holds for no referral that has begun, and none begins by a choice that is over', async () => {
      const choose = (basis: number, programs: string[] | null) =>
        store.appSettings.save(
          'acc_a',
          a.connectionId,
          { managers: [], programs, notifications: [], objects: 'off' },
          { basis, by: 'key', now: T0 },
        );
      await choose(0, ['prg']);
      await a.write({ members: [a.member('mem_1')] });
      const ahead = a.referral('ref_ahead', 'mem_1', { submittedAt: T0 + DAY });
      const begin = (referral: typeof ahead, choicesSeen: number) =>
        store.cases.commit([
          {
            accountId: 'acc_a',
            plan: planOf({ referrals: [referral] }),
            snapshots: [],
            restsOn: [],
            settles: [],
            erase: [],
            choicesSeen,
          },
        ]);
      expect(await begin(ahead, 0)).toEqual(['outdated']);
      expect(await store.reads.referral('acc_a', 'ref_ahead')).toBeNull();
      expect(await begin(ahead, 1)).toEqual(['committed']);
      await choose(1, ['other']);
      expect((await store.appSettings.choices('acc_a')).at(-1)).toMatchObject({
        at: T0 + DAY + 1,
        programIds: ['other'],
      });
      // What was there before goes on, whatever was chosen since.
      expect(await begin({ ...ahead, stage: 'qualified', version: 2 }, 1)).toEqual(['committed']);
      // Whoever chooses, and whoever begins by what was chosen before, come one after the other.
      const [kept, begun] = await Promise.all([choose(2, null), begin(a.referral('ref_race', 'mem_1'), 2)]);
      const race = await store.reads.referral('acc_a', 'ref_race');
      expect([['committed'], ['outdated']]).toContainEqual(begun);
      expect(begun[0] === 'committed').toBe(race !== null && race.submittedAt < (kept?.at ?? 0));
    });

    test('is a task of a CRM for whoever chose to be told, once, and is over with the case', async () => {
      const of = { accountId: 'acc_a', connectionId: a.connectionId };
      const route = { notice: 'low_budget', channel: 'crm_task', to: '7' } as const;
      const choose = (basis: number, notifications: readonly (typeof route)[], now: number) =>
        store.appSettings.save(
          'acc_a',
          a.connectionId,
          { managers: [], programs: null, notifications, objects: 'off' },
          { basis, by: 'key', now },
        );
      expect(await store.caseTasks.watched(null, 10)).toEqual([]);
      await choose(0, [], T0);
      await choose(1, [route], T0 + 1);
      // Another owner is no other choice: it holds from when it was first made.
      await choose(2, [{ ...route, to: '8' as '7' }], T0 + 2);
      expect(await store.caseTasks.watched(null, 10)).toEqual([
        { ...of, routes: [{ ...route, to: '8', since: T0 + 1 }] },
      ]);
      expect(await store.caseTasks.watched(of, 10)).toEqual([]);

      await store.desk.open('acc_a', newCase('cas_1'));
      await store.desk.open('acc_a', newCase('cas_2', { dedupeKey: 'another' }));
      const untold = async (since: number) => (await store.caseTasks.untold(of, since, 10)).map(({ id }) => id).sort();
      expect(await untold(T0)).toEqual(['cas_1', 'cas_2']);
      expect(await untold(T0 + DAY)).toEqual([]);
      expect(await store.caseTasks.untold({ ...of, accountId: 'acc_b' }, 0, 10)).toEqual([]);
      const noted = [
        { caseId: 'cas_1', assignee: '7', isWanted: true },
        { caseId: 'cas_2', assignee: null, isWanted: false },
      ];
      await store.caseTasks.want(of, noted, T0 + 5);
      await store.caseTasks.want(of, noted, T0 + 9);
      expect(await untold(T0)).toEqual([]);
      expect(await store.caseTasks.wanted(T0 + 4, 10)).toEqual([]);
      const [task, ...others] = await store.caseTasks.wanted(T0 + 5, 10);
      expect([task?.caseId, task?.assignee, others]).toEqual(['cas_1', '7', []]);
      if (!task) throw new Error('no task');
      // Two nodes that ask for the same one: one of them does.
      const asked = await Promise.all(
        [1, 2].map((n) => store.caseTasks.save(task, { askedAt: T0 + n, dueAt: T0 + 600 })),
      );
      expect(asked.filter((one) => one === null)).toHaveLength(1);
      const held = asked.find((one) => one !== null);
      expect(await store.caseTasks.wanted(T0 + 599, 10)).toEqual([]);
      expect(held && (await store.caseTasks.save(held, { state: 'created', taskId: '99' }))).toMatchObject({
        taskId: '99',
        version: 3,
      });
      const [created] = held
        ? [await store.caseTasks.save({ ...held, version: 3 }, { isParked: true, error: 'no' })]
        : [];
      expect(created?.isParked).toBe(true);
      expect(await store.retryParked('acc_b', T0 + 6)).toBe(0);
      expect(await store.retryParked('acc_a', T0 + 6)).toBe(1);
      if (created)
        await store.caseTasks.save({ ...created, version: 5, state: 'created', taskId: '99' }, { isParked: true });
      expect(await store.sync.retryParked('acc_a', a.connectionId, T0 + 6)).toBe(1);
      expect(await store.caseTasks.over(T0 + DAY, 10)).toEqual([]);
      await store.desk.decide('acc_a', 'cas_1', { outcome: 'dismissed', by: 'key', why: 'Known.', at: T0 + 7 });
      expect(await store.caseTasks.over(T0 + DAY, 10)).toMatchObject([{ caseId: 'cas_1', taskId: '99' }]);
      await store.connections.disconnect('acc_a', a.connectionId, 'gone', T0);
      expect(await store.caseTasks.over(T0 + DAY, 10)).toEqual([]);
      expect(await store.caseTasks.watched(null, 10)).toEqual([]);
    });

    test('what happens to one is told in order and for ever, and nothing is decided twice', async () => {
      await store.desk.open('acc_a', newCase('cas_1'));
      await store.desk.comment('acc_a', 'cas_1', 'key', 'Asked finance.', T0 + 1);
      await store.desk.assign('acc_a', 'cas_1', 'person:7', 'key', T0 + 2);
      const word = { outcome: 'dismissed' as const, by: 'key', why: 'Known.', at: T0 + 3 };
      const words = await Promise.all([1, 2, 3].map(() => store.desk.decide('acc_a', 'cas_1', word)));
      expect(words.map(({ kind }) => kind).sort()).toEqual(['awaits_nobody', 'awaits_nobody', 'changed']);
      expect(await store.desk.assign('acc_a', 'cas_1', 'role:x', 'key', T0 + 4)).toMatchObject({
        kind: 'awaits_nobody',
      });
      expect(await store.desk.comment('acc_a', 'cas_1', 'key', 'Afterwards.', T0 + 5)).toMatchObject({
        kind: 'changed',
      });
      expect(await store.desk.comment('acc_a', 'cas_9', 'key', 'x', T0)).toEqual({ kind: 'no_such_case' });
      const found = await store.desk.get('acc_a', 'cas_1');
      expect(found?.case).toMatchObject({ owner: 'person:7', state: 'decided', outcome: 'dismissed' });
      expect(found?.events.map(({ number, kind, words: said }) => `${number} ${kind} ${said}`)).toEqual([
        '1 opened The budget is nearly spent.',
        '2 commented Asked finance.',
        '3 assigned person:7',
        '4 decided dismissed: Known.',
        '5 commented Afterwards.',
      ]);
    });

    test('one that nobody decides goes up its chain, a step for each time that passes, and stays open at its end', async () => {
      const chain = [
        { to: 'role:reviewer', hours: 1 },
        { to: 'person:7', hours: 2 },
        { to: 'account_owner', hours: 3 },
      ];
      await store.desk.setChain('acc_a', chain, T0);
      await store.desk.open('acc_a', newCase('cas_1'));
      expect(await store.desk.escalateDue(T0 + HOUR - 1, 10)).toBe(0);
      const seen: string[] = [];
      for (const now of [T0 + HOUR, T0 + HOUR, T0 + 3 * HOUR, T0 + 6 * HOUR, T0 + 60 * DAY]) {
        const moved = await store.desk.escalateDue(now, 10);
        const { owner, dueAt, isOverdue, state } = await openOne();
        seen.push(`${moved} ${owner} ${dueAt === null ? '-' : (dueAt - T0) / HOUR} ${isOverdue} ${state}`);
      }
      expect(seen).toEqual([
        '1 person:7 3 false open',
        '0 person:7 3 false open',
        '1 account_owner 6 false open',
        '1 account_owner - true open',
        '0 account_owner - true open',
      ]);
      const found = await store.desk.get('acc_a', 'cas_1');
      expect(found?.events.map(({ kind }) => kind)).toEqual(['opened', 'escalated', 'escalated', 'overdue']);
      expect((await store.desk.list('acc_a', PAGE, { overdue: true })).items).toHaveLength(1);
      const word = { outcome: 'resolved' as const, by: 'key', why: 'Late.', at: T0 + 61 * DAY };
      expect(await store.desk.decide('acc_a', 'cas_1', word)).toMatchObject({ kind: 'changed' });
    });

    test('two nodes that look at the same moment move one a single step', async () => {
      for (let index = 0; index < 6; index += 1) await store.desk.open('acc_a', newCase(`cas_${index}`));
      const moved = await Promise.all([1, 2, 3].map(() => store.desk.escalateDue(T0 + 48 * HOUR, 10)));
      expect(moved.reduce((sum, count) => sum + count, 0)).toBe(6);
      const { items } = await store.desk.list('acc_a', PAGE, {});
      expect(items.map(({ step }) => step)).toEqual([1, 1, 1, 1, 1, 1]);
    });

    test('are listed newest first, in pages, and by what is asked of them', async () => {
      await store.desk.open('acc_a', newCase('cas_1'));
      await store.desk.open('acc_a', newCase('cas_2', { kind: 'dispute', referralId: 'ref_1', openedAt: T0 + 1 }));
      await store.desk.open('acc_a', newCase('cas_3', { openedAt: T0 + 2, rewardId: 'rwd_1' }));
      await store.desk.assign('acc_a', 'cas_1', 'person:7', 'key', T0 + 3);
      const ids = async (filter: Parameters<Store['desk']['list']>[2]) =>
        (await store.desk.list('acc_a', PAGE, filter)).items.map(({ id }) => id);
      expect(await ids({})).toEqual(['cas_3', 'cas_2', 'cas_1']);
      expect(await ids({ kind: 'dispute' })).toEqual(['cas_2']);
      expect(await ids({ owner: 'person:7' })).toEqual(['cas_1']);
      expect(await ids({ referralId: 'ref_1' })).toEqual(['cas_2']);
      expect(await ids({ rewardId: 'rwd_1' })).toEqual(['cas_3']);
      expect(await ids({ state: 'decided' })).toEqual([]);
      const first = await store.desk.list('acc_a', { limit: 2, cursor: null }, {});
      expect(first.next).toEqual({ at: T0 + 1, id: 'cas_2' });
      const rest = await store.desk.list('acc_a', { limit: 2, cursor: first.next }, {});
      expect(rest).toMatchObject({ items: [{ id: 'cas_1' }], next: null });
    });

    test('wait in the order in which they are due, overdue ones first, with the people that they are about', async () => {
      await a.writePair();
      await store.desk.open('acc_a', newCase('cas_1', { openedAt: T0 + 5, severity: 'urgent' }));
      await store.desk.open('acc_a', newCase('cas_2', { kind: 'dispute', referralId: 'ref_1', openedAt: T0 + 1 }));
      await store.desk.open('acc_a', newCase('cas_3', { openedAt: T0 - 99 * HOUR }));
      await store.desk.open('acc_a', newCase('cas_4', { openedAt: T0 }));
      await store.desk.decide('acc_a', 'cas_4', { outcome: 'resolved', by: 'key', why: 'x', at: T0 });
      // Twice over its time: at the end of its chain.
      await store.desk.escalateDue(T0 - 50 * HOUR, 10);
      await store.desk.escalateDue(T0, 10);
      await store.desk.assign('acc_a', 'cas_1', 'person:7', 'key', T0 + 6);
      const queue = async (filter: Parameters<Store['desk']['queue']>[2], page = PAGE) =>
        (await store.desk.queue('acc_a', page, filter)).items.map((one) => one.case.id);
      expect(await queue({})).toEqual(['cas_3', 'cas_2', 'cas_1']);
      expect(await queue({ kind: 'dispute' })).toEqual(['cas_2']);
      expect(await queue({ severity: 'urgent' })).toEqual(['cas_1']);
      expect(await queue({ owners: ['person:7', 'role:nobody'] })).toEqual(['cas_1']);
      expect(await queue({ owners: ['person:7', 'role:reviewer'] })).toEqual(['cas_2', 'cas_1']);
      const first = await store.desk.queue('acc_a', { limit: 1, cursor: null }, {});
      expect(first).toMatchObject({ items: [{ people: null }], next: { at: 0, id: 'cas_3' } });
      const second = await store.desk.queue('acc_a', { limit: 1, cursor: first.next }, {});
      expect(second.items).toMatchObject([
        {
          case: { id: 'cas_2' },
          people: {
            memberId: 'mem_1',
            member: { name: 'Name mem_1', email: 'mem_1@example.com' },
            friend: { name: 'Friend ref_1', email: 'ref_1@friends.example' },
          },
        },
      ]);
      const last = await store.desk.queue('acc_a', { limit: 1, cursor: second.next }, {});
      expect(last).toMatchObject({ items: [{ case: { id: 'cas_1' } }], next: null });
    });

    test('a case ends with the plan that its word is carried out by, or neither is written', async () => {
      await a.writePair();
      await store.desk.open('acc_a', newCase('cas_1', { kind: 'dispute' }));
      const word = { outcome: 'taken_back' as const, by: 'key', why: 'Own company.', at: T0 + 1 };
      const plan = { members: [{ ...a.member('mem_1'), name: 'Changed', version: 2 }], cases: [{ id: 'cas_1', word }] };
      expect(await store.cases.commit([a.commit(plan)])).toEqual(['committed']);
      const again = { members: [{ ...a.member('mem_1'), name: 'Again', version: 3 }], cases: [{ id: 'cas_1', word }] };
      expect(await store.cases.commit([a.commit(again)])).toEqual(['conflict']);
      expect((await store.reads.member('acc_a', 'mem_1'))?.name).toBe('Changed');
      expect((await store.desk.get('acc_a', 'cas_1'))?.case).toMatchObject({ outcome: 'taken_back', decidedBy: 'key' });
    });

    test('how often a signal was right follows from the last word on each reward', async () => {
      await a.writePair();
      const finish = async (id: string, outcome: 'approved' | 'rejected' | 'taken_back', at: number) => {
        await store.desk.open('acc_a', newCase(`cas_${id}_${outcome}`, { kind: 'dispute', rewardId: id }));
        await store.desk.decide('acc_a', `cas_${id}_${outcome}`, { outcome, by: 'key', why: 'x', at });
      };
      for (const id of ['rwd_1', 'rwd_2', 'rwd_3']) await writeInReview(id);
      const silent = a.reward('rwd_4', 'ref_1');
      await a.write(a.granted(silent));
      await finish('rwd_1', 'approved', T0 + 1);
      await finish('rwd_2', 'rejected', T0 + 1);
      await finish('rwd_3', 'approved', T0 + 1);
      await finish('rwd_3', 'taken_back', T0 + 2);
      await finish('rwd_4', 'taken_back', T0 + 2);
      expect(await store.desk.signalCounts('acc_a', T0, T0 + DAY)).toEqual({
        judged: 4,
        bad: 3,
        signals: [{ signal: 'same_phone', raised: 3, confirmed: 2, overturned: 1 }],
      });
      expect(await store.desk.signalCounts('acc_a', T0 + DAY, T0 + 2 * DAY)).toEqual({
        judged: 0,
        bad: 0,
        signals: [],
      });
    });

    test('alerts are judged by what was granted, what budgets gave, and what is parked', async () => {
      await a.writePair();
      const budget = budgetTally('prg', 'EUR');
      const uses = [{ ...budget, count: 0, minor: -5_000n }];
      await store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [] }, T0);
      const money = { minor: 20_000n, currency: 'EUR' };
      await store.programs.fillBudget('acc_a', 'prg', { id: 'q1', money, by: 'key', note: 'x' }, T0);
      const at = (id: string, createdAt: number, more = {}) => a.granted(a.reward(id, 'ref_1', { createdAt, ...more }));
      await a.write(at('rwd_1', T0 - 10 * DAY));
      await a.write({ ...at('rwd_2', T0 - 2 * HOUR, { uses }), tallies: uses.map((use) => ({ ...use, basis: null })) });
      await a.write(at('rwd_3', T0 - HOUR, { party: 'friend', beneficiaryId: 'ref_1', ruleKey: 'friend' }));
      const facts = await store.desk.alertFacts('acc_a', {
        recentFrom: T0 - DAY,
        baseFrom: T0 - 29 * DAY,
        burnFrom: T0 - 7 * DAY,
      });
      expect(facts).toEqual({
        paces: [
          { of: 'member', id: 'mem_1', recent: 1, before: 1 },
          { of: 'program', id: 'prg', recent: 1, before: 1 },
        ],
        budgets: [{ programId: 'prg', spent: { minor: 5_000n, currency: 'EUR' }, leftMinor: 15_000n }],
        parked: 0,
        overpaid: [],
      });
    });

    test('a debt below zero is owed to its beneficiary, in each currency; what others owe is not looked at', async () => {
      await a.writePair();
      const owed = (owner: string, currency: string, minor: bigint) => ({
        ...owedTally(owner, currency),
        count: 0,
        minor,
        basis: null,
      });
      await a.write({
        tallies: [owed('mem_1', 'EUR', -2_500n), owed('mem_1', 'USD', 700n), owed('ref_1', 'EUR', -100n)],
      });
      const since = { recentFrom: T0 - DAY, baseFrom: T0 - 29 * DAY, burnFrom: T0 - 7 * DAY };
      expect((await store.desk.alertFacts('acc_a', since)).overpaid).toEqual([
        { of: 'member', id: 'mem_1', back: { minor: 2_500n, currency: 'EUR' } },
        { of: 'friend', id: 'ref_1', back: { minor: 100n, currency: 'EUR' } },
      ]);
      expect((await store.desk.alertFacts('acc_b', since)).overpaid).toEqual([]);
    });

    test('open alerts of one topic are the account’s own', async () => {
      await store.desk.open('acc_a', newCase('cas_1'));
      await store.desk.open('acc_a', newCase('cas_2', { topic: 'owed_again' }));
      expect((await store.desk.openAlerts('acc_a', 'owed_again')).map(({ id }) => id)).toEqual(['cas_2']);
      expect(await store.desk.openAlerts('acc_b', 'owed_again')).toEqual([]);
      await store.desk.decide('acc_a', 'cas_2', { outcome: 'resolved', by: 'key', why: 'x', at: T0 });
      expect(await store.desk.openAlerts('acc_a', 'owed_again')).toEqual([]);
    });

    test('the chain is the account’s own, and the usual one until it is set', async () => {
      expect(await store.desk.chain('acc_a')).toEqual([
        { to: 'role:reviewer', hours: 48 },
        { to: 'account_owner', hours: 48 },
      ]);
      await store.desk.setChain('acc_a', [{ to: 'person:7', hours: 4 }], T0);
      await store.desk.setChain('acc_a', [{ to: 'person:8', hours: 5 }], T0);
      expect(await store.desk.chain('acc_a')).toEqual([{ to: 'person:8', hours: 5 }]);
      expect(await store.desk.open('acc_a', newCase('cas_1'))).toMatchObject({
        owner: 'person:8',
        dueAt: T0 + 5 * HOUR,
      });
    });
  });

  describe('what risk is judged by', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });
    const asked = { mail: [], phones: [], hours: [24], now: T0 };

    test('referrals of a member are counted within the hours before each one, and before now', async () => {
      await a.write({ members: [a.member('mem_1'), a.member('mem_2')] });
      const at = [0, 1, 20, 30];
      await a.write({
        referrals: [
          ...at.map((hours) => a.referral(`ref_${hours}`, 'mem_1', { submittedAt: T0 + hours * HOUR })),
          a.referral('ref_other', 'mem_2', { submittedAt: T0 + 20 * HOUR }),
        ],
      });
      const contactIds = [...at.map((hours) => `friend-ref_${hours}`), 'friend-ref_other'];
      const { risk } = await a.load({ contactIds, risk: { ...asked, now: T0 + 25 * HOUR } });
      const paces = at.map((hours) => risk?.paces.get(paceKey('referral', `ref_${hours}`, 24)));
      expect(paces).toEqual([0, 1, 2, 1]);
      expect(risk?.paces.get(paceKey('referral', 'ref_other', 24))).toBe(0);
      expect(risk?.paces.get(paceKey('member', 'mem_1', 24))).toBe(2);
      expect((await a.load({ contactIds })).risk).toBeUndefined();
    });

    test('contacts with one mailbox or number are found by it, and not when they are gone or forgotten', async () => {
      const phones = ['+4915112345678'];
      const of = (id: string, email: string) => a.contact(id, { email, traits: { mail: 'public', phones } });
      const facts = [of('1', 'ada.l@gmail.com'), of('2', 'adal+x@googlemail.com'), of('3', 'other@example.com')];
      await a.write({}, { snapshots: facts.map((one) => ({ facts: one, readAt: T0 })) });
      const { mail, phone } = contactKeys('acc_a', of('1', 'ada.l@gmail.com'));
      const twins = async () => {
        const { risk } = await a.load({ risk: { ...asked, mail: [mail ?? ''], phones: [phone ?? ''] } });
        return [risk?.twins.get(mail ?? ''), risk?.twins.get(phone ?? '')];
      };
      expect(await twins()).toEqual([
        ['1', '2'],
        ['1', '2', '3'],
      ]);
      await a.write({}, { erase: [a.ref('contact', '2')] });
      const gone = { ...of('3', 'other@example.com'), presence: 'deleted' as const };
      await a.write({}, { snapshots: [{ facts: gone, readAt: T0 }] });
      expect(await twins()).toEqual([['1'], ['1']]);
    });

    test('erasing a person takes their traits with their name', async () => {
      const facts = a.contact('1', { traits: { phones: ['+491'], address: 'x|1|' } });
      await a.write({}, { snapshots: [{ facts, readAt: T0 }] });
      await a.write({}, { erase: [a.ref('contact', '1')] });
      const [known] = await store.cases.knownContacts('acc_a', 'con_a', ['1']);
      expect(known?.facts).toEqual(erasedFacts(a.ref('contact', '1'), []));
    });

    test('touches that tell where they came from are found with those of others from there', async () => {
      await a.writePair();
      const from = (id: string, friend: string, ipPrefix: string | null, device: string | null) =>
        a.touch(id, { friend: a.ref('contact', friend), origin: { ipPrefix, device } });
      const touches = [
        from('tch_1', 'f1', '192.0.2.0/24', 'd1'),
        from('tch_2', 'f2', '192.0.2.0/24', null),
        from('tch_3', 'f3', null, 'd1'),
        from('tch_4', 'f4', '198.51.100.0/24', 'd2'),
        a.touch('tch_5', { friend: a.ref('contact', 'f5') }),
      ];
      await a.write({ touches });
      const { risk } = await a.load({ contactIds: ['f1'], risk: asked });
      expect(risk?.touches).toEqual(touches.slice(0, 3));
      expect(await store.reads.touches('acc_a', a.ref('contact', 'f5'))).toEqual(touches.slice(4));
    });
  });
}
