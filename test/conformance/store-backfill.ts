import { beforeEach, describe, expect, test } from 'vitest';
import type { Backfill, HistoryRelease, ImportedRow, MemberImport, Store } from '../../src/application/ports/store.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { claiming, DAY, hint, T0, type Tenant, tenant } from './store-fixtures.ts';

export const backfillOf = (id: string, more: Partial<Backfill> = {}): Backfill => ({
  accountId: 'acc_a',
  id,
  connectionId: 'con_a',
  since: T0 - 900 * DAY,
  objects: ['contact', 'deal'],
  state: 'running',
  object: 'contact',
  position: null,
  untilAt: null,
  found: 0,
  asked: 0,
  total: null,
  activeMs: 0,
  attempts: 0,
  notBefore: 0,
  error: null,
  startedBy: 'an admin',
  startedAt: T0,
  updatedAt: T0,
  version: 1,
  ...more,
});

export const releaseOf = (id: string, more: Partial<HistoryRelease> = {}): HistoryRelease => ({
  accountId: 'acc_a',
  id,
  programId: 'prg',
  ruleKey: 'member-reward',
  decisionIds: null,
  askedFor: [{ count: 2, money: { minor: 9_007_199_254_740_993n, currency: 'EUR' } }],
  state: 'running',
  why: 'A gift.',
  askedBy: 'an admin',
  askedAt: T0,
  approvedBy: null,
  position: null,
  released: 0,
  passedOver: 0,
  updatedAt: T0,
  version: 1,
  ...more,
});

export const importOf = (id: string, more: Partial<MemberImport> = {}): MemberImport => ({
  accountId: 'acc_a',
  id,
  contentHash: 'hash',
  list: null,
  state: 'running',
  rows: 2,
  startedBy: 'an admin',
  startedAt: T0,
  updatedAt: T0,
  ...more,
});

export const rowOf = (line: number, more: Partial<ImportedRow> = {}): ImportedRow => ({
  line,
  content: { name: 'Ünï', email: `row-${line}@example.com`, contact: null },
  outcome: 'open',
  problem: null,
  memberId: null,
  ...more,
});

/** What was won before, and what it would have paid. */
export function pastOf(a: Tenant, dealId: string, more: Partial<Decision> = {}): Decision {
  return a.decision(`dec_${dealId}_${more.sequence ?? 1}`, 'ref_1', {
    deal: a.ref('deal', dealId),
    outcome: 'history',
    reason: { code: 'history', values: { wonOn: '2020-01-01', amount: '50.00 EUR' } },
    money: { minor: 5_000n, currency: 'EUR' },
    recordedAt: T0,
    ...more,
  });
}

const PAGE = { limit: 50, cursor: null };

/** Backfills, history and imports. Part of the store's conformance. */
export function backfillStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('backfills', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(() => {
      ({ store, a } = use());
    });
    const wakesOf = (...ids: string[]) => ids.map((id) => ({ record: a.ref('deal', id), at: T0 }));

    test('one is open for a connection at a time, and the next may begin when it is over', async () => {
      const first = backfillOf('bfl_1');
      expect(await store.backfills.start(first)).toEqual({ kind: 'started', backfill: first });
      expect(await store.backfills.start(first)).toEqual({ kind: 'existing', backfill: first });
      expect(await store.backfills.start(backfillOf('bfl_2'))).toEqual({ kind: 'other_open', backfill: first });
      expect(await store.backfills.running()).toEqual([first]);
      const paused = await store.backfills.turn('acc_a', 'bfl_1', { to: 'paused', from: ['running'], now: T0 + 1 });
      expect(paused).toMatchObject({ state: 'paused', version: 2, updatedAt: T0 + 1 });
      expect(await store.backfills.running()).toEqual([]);
      expect(await store.backfills.start(backfillOf('bfl_2'))).toMatchObject({ kind: 'other_open' });
      expect(await store.backfills.turn('acc_a', 'bfl_1', { to: 'running', from: ['running'], now: T0 })).toBeNull();
      await store.backfills.turn('acc_a', 'bfl_1', { to: 'cancelled', from: ['paused'], now: T0 + 2 });
      expect(await store.backfills.start(backfillOf('bfl_2', { startedAt: T0 + 3 }))).toMatchObject({
        kind: 'started',
      });
      const page = await store.backfills.list('acc_a', { limit: 1, cursor: null });
      expect(page.items.map(({ id }) => id)).toEqual(['bfl_2']);
      const rest = await store.backfills.list('acc_a', { limit: 1, cursor: page.next });
      expect([rest.items.map(({ id }) => id), rest.next]).toEqual([['bfl_1'], null]);
      await store.connections.connect(a.connection({ id: 'con_x', externalId: 'x' }), a.tokens);
      const other = backfillOf('bfl_3', { connectionId: 'con_x', startedAt: T0 + 4 });
      expect(await store.backfills.start(other)).toMatchObject({ kind: 'started' });
      const ofOne = await store.backfills.list('acc_a', { limit: 1, cursor: null }, { connectionId: 'con_a' });
      const after = await store.backfills.list('acc_a', { limit: 5, cursor: ofOne.next }, { connectionId: 'con_a' });
      expect([...ofOne.items, ...after.items].map(({ id }) => id)).toEqual(['bfl_2', 'bfl_1']);
    });

    test('how far it has come and what it found are one: a step of another version, or of one that is paused, writes neither', async () => {
      const first = backfillOf('bfl_1');
      await store.backfills.start(first);
      const next = {
        ...first,
        position: '{"at":1}',
        untilAt: T0,
        found: 2,
        asked: 2,
        total: 7,
        activeMs: 9,
        version: 2,
      };
      expect(await store.backfills.advance(next, wakesOf('1', '2'))).toBe(true);
      expect(await store.backfills.get('acc_a', 'bfl_1')).toEqual(next);
      expect(await store.backfills.advance({ ...next, found: 3 }, wakesOf('3'))).toBe(false);
      await store.backfills.turn('acc_a', 'bfl_1', { to: 'paused', from: ['running'], now: T0 });
      expect(await store.backfills.advance({ ...next, version: 4 }, wakesOf('4'))).toBe(false);
      expect(await store.backfills.waiting('acc_a', 'con_a')).toBe(2);
    });

    test('what it asks for is claimed when nothing of today is due, and apart from it', async () => {
      await store.backfills.start(backfillOf('bfl_1'));
      await store.backfills.advance(backfillOf('bfl_1', { version: 2 }), wakesOf('1', '2', '3'));
      await store.inbox.append(a.of, [hint('e1', ['9'])], T0 + 5);
      const live = await store.work.claim(claiming('one', T0 + 10));
      expect(live.map(({ record, isBackground }) => [record.id, isBackground])).toEqual([['9', undefined]]);
      const past = await store.work.claim(claiming('two', T0 + 10));
      expect(past.map(({ record, isBackground }) => [record.id, isBackground])).toEqual([
        ['1', true],
        ['2', true],
        ['3', true],
      ]);
    });

    test('what it asked for and somebody else asks for too is of today', async () => {
      await store.backfills.start(backfillOf('bfl_1'));
      await store.backfills.advance(backfillOf('bfl_1', { version: 2 }), wakesOf('1', '2'));
      await store.inbox.append(a.of, [hint('e1', ['2'])], T0 + 5);
      const live = await store.work.claim(claiming('one', T0 + 10));
      expect(live.map(({ record }) => record.id)).toEqual(['2']);
      expect(await store.backfills.waiting('acc_a', 'con_a')).toBe(1);
      // And asked for by the backfill once more it stays so.
      await store.work.release(live);
      await store.backfills.advance(backfillOf('bfl_1', { version: 3 }), wakesOf('2'));
      expect((await store.work.claim(claiming('two', T0 + 10))).map(({ record }) => record.id)).toEqual(['2']);
    });

    test('a record that was looked at waits no more; one that is parked holds nothing up', async () => {
      await store.backfills.start(backfillOf('bfl_1'));
      await store.backfills.advance(backfillOf('bfl_1', { version: 2 }), wakesOf('1', '2'));
      const [one, two] = await store.work.claim(claiming('one', T0 + 10));
      if (!one || !two) throw new Error('nothing was claimed');
      expect(await store.backfills.waiting('acc_a', 'con_a')).toBe(2);
      await a.write({}, { settles: [one] });
      await store.work.defer(two, { runAt: T0, error: 'no', parked: true });
      expect(await store.backfills.waiting('acc_a', 'con_a')).toBe(0);
    });

    test('another account neither sees nor turns it', async () => {
      await tenant(store, 'acc_b', 'con_b').create();
      await store.backfills.start(backfillOf('bfl_1'));
      expect(await store.backfills.get('acc_b', 'bfl_1')).toBeNull();
      expect(await store.backfills.list('acc_b', PAGE)).toEqual({ items: [], next: null });
      expect(await store.backfills.turn('acc_b', 'bfl_1', { to: 'paused', from: ['running'], now: T0 })).toBeNull();
      const foreign = { ...backfillOf('bfl_1'), accountId: 'acc_b', version: 2 };
      expect(await store.backfills.advance(foreign, [])).toBe(false);
      expect(await store.backfills.waiting('acc_b', 'con_a')).toBe(0);
    });
  });

  describe('history', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    test('lists what holds, newest first, and sums it up by rule and currency', async () => {
      const decisions = [
        pastOf(a, '1'),
        pastOf(a, '2', { recordedAt: T0 + 1 }),
        pastOf(a, '3', { recordedAt: T0 + 2, money: { minor: 7n, currency: 'USD' } }),
        pastOf(a, '4', { recordedAt: T0 + 3, ruleKey: 'other' }),
      ];
      await a.write({ decisions });
      // Of this one something newer holds.
      await a.write({
        decisions: [pastOf(a, '2', { sequence: 2, outcome: 'waiting', recordedAt: T0 + 4, money: null })],
      });
      const page = await store.history.list('acc_a', { limit: 2, cursor: null }, {});
      expect(page.items.map(({ deal }) => deal.id)).toEqual(['4', '3']);
      const rest = await store.history.list('acc_a', { limit: 2, cursor: page.next }, {});
      expect([rest.items.map(({ deal }) => deal.id), rest.next]).toEqual([['1'], null]);
      const { programId, ruleKey } = { programId: decisions[0]?.program.id ?? '', ruleKey: 'other' };
      expect((await store.history.list('acc_a', PAGE, { programId, ruleKey })).items).toHaveLength(1);
      expect(await store.history.totals('acc_a', { programId })).toEqual([
        { programId, ruleKey: decisions[0]?.ruleKey, count: 1, money: { minor: 5_000n, currency: 'EUR' } },
        { programId, ruleKey: decisions[0]?.ruleKey, count: 1, money: { minor: 7n, currency: 'USD' } },
        { programId, ruleKey: 'other', count: 1, money: { minor: 5_000n, currency: 'EUR' } },
      ]);
      const first = await store.history.next('acc_a', { upTo: T0 + 2 }, null, 1);
      expect(first.map(({ deal }) => deal.id)).toEqual(['1']);
      const after = { at: T0, id: first[0]?.id ?? '' };
      expect((await store.history.next('acc_a', { upTo: T0 + 2 }, after, 5)).map(({ deal }) => deal.id)).toEqual(['3']);
      const named = ['dec_4_1', 'dec_2_1'];
      expect((await store.history.next('acc_a', { decisionIds: named }, null, 5)).map(({ id }) => id)).toEqual([
        'dec_4_1',
      ]);
    });

    test('a release is kept once under its id, and changed by who has read it', async () => {
      const release = releaseOf('rel_1');
      expect(await store.history.ask(release)).toEqual({ kind: 'asked', release });
      expect(await store.history.ask({ ...release, why: 'Other.' })).toEqual({ kind: 'existing', release });
      expect(await store.history.running()).toEqual([release]);
      const next = { ...release, position: { at: T0, id: 'dec_1' }, released: 1, state: 'done' as const, version: 2 };
      expect(await store.history.change(next)).toBe(true);
      expect(await store.history.change({ ...next, released: 9 })).toBe(false);
      expect(await store.history.release('acc_a', 'rel_1')).toEqual(next);
      expect(await store.history.running()).toEqual([]);
      expect((await store.history.releases('acc_a', PAGE)).items).toEqual([next]);
    });

    test('another account sees nothing of it', async () => {
      await tenant(store, 'acc_b', 'con_b').create();
      await a.write({ decisions: [pastOf(a, '1')] });
      await store.history.ask(releaseOf('rel_1'));
      expect(await store.history.list('acc_b', PAGE, {})).toEqual({ items: [], next: null });
      expect(await store.history.totals('acc_b', {})).toEqual([]);
      expect(await store.history.next('acc_b', { decisionIds: ['dec_1_1'] }, null, 5)).toEqual([]);
      expect(await store.history.release('acc_b', 'rel_1')).toBeNull();
      expect(await store.history.releases('acc_b', PAGE)).toEqual({ items: [], next: null });
      expect(await store.history.change({ ...releaseOf('rel_1'), accountId: 'acc_b', version: 2 })).toBe(false);
    });
  });

  describe('imports of members', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
      await store.memberImports.start(importOf('imp_1'), [rowOf(2), rowOf(3), rowOf(4)]);
    });
    const newcomer = (id: string) => a.member(id, { contact: null });
    const open = () => store.memberImports.rows('acc_a', 'imp_1', { outcome: 'open', after: 0, limit: 9 });

    test('the same one again is the same, and another under its id is refused', async () => {
      expect(await store.memberImports.start(importOf('imp_1'), [])).toBe('existing');
      expect(await store.memberImports.start(importOf('imp_1', { contentHash: 'x' }), [])).toBe('other');
      expect(await open()).toEqual([rowOf(2), rowOf(3), rowOf(4)]);
    });

    test('a row and its member are written together, once, and what the row said is forgotten', async () => {
      const rows = [
        rowOf(2, { outcome: 'created', memberId: 'mem_new' }),
        rowOf(3, { outcome: 'matched', memberId: 'mem_1' }),
      ];
      expect(await store.memberImports.takeIn('acc_a', 'imp_1', rows, [newcomer('mem_new')], T0)).toBe('taken');
      expect(await store.memberImports.takeIn('acc_a', 'imp_1', rows, [newcomer('mem_two')], T0)).toBe('changed');
      expect(await store.reads.member('acc_a', 'mem_two')).toBeNull();
      const taken = await store.memberImports.rows('acc_a', 'imp_1', { after: 0, limit: 2 });
      expect(taken).toEqual(rows.map((row) => ({ ...row, content: null })));
      // A member whom somebody else has made meanwhile: nothing of the step stays.
      const again = [rowOf(4, { outcome: 'created', memberId: 'mem_new' })];
      expect(await store.memberImports.takeIn('acc_a', 'imp_1', again, [newcomer('mem_new')], T0)).toBe('changed');
      expect(await open()).toEqual([rowOf(4)]);
      expect((await store.memberImports.get('acc_a', 'imp_1'))?.counts).toEqual({
        open: 1,
        created: 1,
        matched: 1,
        refused: 0,
        removed: 0,
        kept: 0,
      });
      expect(await store.memberImports.known('acc_a', ['mem_new@example.com', 'nobody@example.com'])).toEqual(
        new Map([['mem_new@example.com', 'mem_new']]),
      );
    });

    test('who has done nothing since is taken out again, and who has referred somebody stays', async () => {
      const rows = [2, 3].map((line) => rowOf(line, { outcome: 'created', memberId: `mem_new${line}` }));
      const members = rows.map(({ memberId }) => newcomer(memberId ?? ''));
      await store.memberImports.takeIn('acc_a', 'imp_1', rows, members, T0);
      await a.write({ referrals: [a.referral('ref_new', 'mem_new3')] });
      const [idle, busy] = rows;
      if (!idle || !busy) throw new Error('no rows');
      expect(await store.memberImports.takeOut('acc_a', 'imp_1', idle, T0)).toMatchObject({ outcome: 'removed' });
      expect(await store.memberImports.takeOut('acc_a', 'imp_1', busy, T0)).toMatchObject({
        outcome: 'kept',
        problem: 'The member has referred somebody.',
      });
      expect(await store.reads.member('acc_a', 'mem_new2')).toBeNull();
      expect(await store.reads.member('acc_a', 'mem_new3')).not.toBeNull();
    });

    test('of a list takes page after page as rows, each once, and is carried out when the last one is there', async () => {
      const list = { connectionId: 'con_a', listId: '7', position: null };
      const contact = (id: string) => ({ connectionId: 'con_a', object: 'contact' as const, id });
      const row = (id: string) => {
        const { line: _, ...rest } = rowOf(0, { content: { name: null, email: null, contact: contact(id) } });
        return rest;
      };
      await store.memberImports.start(importOf('imp_list', { state: 'listing', rows: 0, list }), []);
      const add = (from: string | null, to: string | null, ids: readonly string[], accountId = 'acc_a') =>
        store.memberImports.addRows(accountId, 'imp_list', { from, to, rows: ids.map(row), now: T0 + 5 });
      expect(await add(null, 'p2', ['1', '2'])).toBe(true);
      // A node that was at the first page too, and one of another account.
      expect(await add(null, 'p2', ['1', '2'])).toBe(false);
      expect(await add('p2', null, ['3'], 'acc_b')).toBe(false);
      expect(await store.memberImports.running()).toContainEqual(
        importOf('imp_list', { state: 'listing', rows: 2, list: { ...list, position: 'p2' }, updatedAt: T0 + 5 }),
      );
      expect(await add('p2', null, ['3'])).toBe(true);
      expect(await add('p2', null, ['3'])).toBe(false);
      expect(await store.memberImports.get('acc_a', 'imp_list')).toMatchObject({ state: 'running', rows: 3, list });
      const rows = await store.memberImports.rows('acc_a', 'imp_list', { after: 0, limit: 9 });
      expect(rows.map(({ line, content }) => [line, content?.contact?.id])).toEqual([
        [1, '1'],
        [2, '2'],
        [3, '3'],
      ]);
    });

    test('finds the members of contacts, and none of another connection or account', async () => {
      const members = ['mem_x', 'mem_y'].map((id, index) =>
        a.member(id, { contact: { connectionId: 'con_a', object: 'contact', id: String(900 + index) } }),
      );
      await a.write({ members });
      const known = (accountId: string, connectionId: string) =>
        store.memberImports.knownContacts(accountId, connectionId, ['900', '901', '902']);
      expect(await known('acc_a', 'con_a')).toEqual(
        new Map([
          ['900', 'mem_x'],
          ['901', 'mem_y'],
        ]),
      );
      expect(await known('acc_a', 'con_other')).toEqual(new Map());
      expect(await known('acc_b', 'con_a')).toEqual(new Map());
    });

    test('is turned from the state that it is in, and another account finds nothing', async () => {
      await tenant(store, 'acc_b', 'con_b').create();
      expect(await store.memberImports.turn('acc_a', 'imp_1', { from: 'done', to: 'undoing', now: T0 })).toBe(false);
      expect(await store.memberImports.turn('acc_b', 'imp_1', { from: 'running', to: 'done', now: T0 })).toBe(false);
      expect(await store.memberImports.get('acc_b', 'imp_1')).toBeNull();
      expect(await store.memberImports.list('acc_b', PAGE)).toEqual({ items: [], next: null });
      expect(await store.memberImports.rows('acc_b', 'imp_1', { after: 0, limit: 9 })).toEqual([]);
      expect(await store.memberImports.known('acc_b', ['mem_1@example.com'])).toEqual(new Map());
      expect(await store.memberImports.running()).toEqual([importOf('imp_1')]);
      expect(await store.memberImports.turn('acc_a', 'imp_1', { from: 'running', to: 'done', now: T0 })).toBe(true);
      expect((await store.memberImports.list('acc_a', PAGE)).items).toEqual([importOf('imp_1', { state: 'done' })]);
    });
  });
}
