import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { createPeriods, verifyPeriods } from '../../src/application/periods.ts';
import type { Store } from '../../src/application/ports/store.ts';
import type { Journal, JournalKind } from '../../src/domain/ledger.ts';
import { boundsOf, kindOf, lineKey, monthOf, type PeriodLine } from '../../src/domain/period.ts';
import { USUAL_TAX_SETTINGS } from '../../src/domain/tax.ts';
import { createLog } from '../../src/platform/log.ts';
import { createSigner } from '../../src/platform/sign.ts';
import { T0, type Tenant, tenant } from './store-fixtures.ts';

const ALL = { limit: 50, cursor: null };
const HOUR = 3_600_000;
/** T0 lies in November 2026. */
const NOVEMBER = Date.UTC(2026, 10, 1);
const DECEMBER = Date.UTC(2026, 11, 1);
const JANUARY = Date.UTC(2027, 0, 1);
const FEBRUARY = Date.UTC(2027, 1, 1);

/** Months that are closed: what is kept of them, and that nothing is booked in them any more. Part of the store's conformance. */
export function periodStoreConformance(
  use: () => {
    readonly store: Store;
    readonly a: Tenant;
    readonly again: () => Promise<Store>;
    readonly sql: (text: string) => Promise<readonly Record<string, unknown>[]>;
  },
): void {
  describe('closed months', () => {
    let store: Store;
    let a: Tenant;
    let now = DECEMBER + HOUR;
    let made = 0;
    beforeEach(async () => {
      ({ store, a } = use());
      now = DECEMBER + HOUR;
      await a.writePair();
    });

    const desk = (of: Store = store) =>
      createPeriods({
        store: of,
        clock: { now: () => now },
        log: createLog({ level: 'silent' }),
        signer: createSigner([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
        newId: () => `${++made}`,
      });

    async function book(id: string, recordedAt: number, kinds: readonly JournalKind[] = ['accrue'], minor = 5_000n) {
      const reward = a.reward(id, 'ref_1', {
        ...{ payout: 'manual', createdAt: recordedAt, ruleKey: id, money: { minor, currency: 'EUR' } },
      });
      const journals = kinds.map((kind) =>
        a.journal(reward, kind, { recordedAt, decisionId: kind === 'accrue' ? `dec_${id}` : null }),
      );
      const [result] = await store.cases.commit([a.commit({ ...a.granted(reward), journals, intents: [] })]);
      return result;
    }

    const close = (month: string, reason: string | null = null) => desk().close('acc_a', month, { by: 'fin', reason });

    test('keep what was booked of each account, begin where the one before ended, and say what was not over', async () => {
      expect(await desk().next('acc_a')).toBeNull();
      expect(await close('2026-11')).toEqual({ kind: 'nothing' });
      await book('rwd_1', T0, ['accrue', 'issue']);
      await book('rwd_2', T0);
      await book('rwd_3', DECEMBER, ['accrue'], 700n);
      now = DECEMBER;
      expect(await close('2026-11')).toMatchObject({ kind: 'not_over' });
      now = DECEMBER + HOUR;
      expect(await close('2026-12')).toMatchObject({ kind: 'not_next', next: '2026-11', closed: null });
      expect(await desk().next('acc_a')).toMatchObject({ month: '2026-11', isClosable: true, warnings: [] });
      const first = await close('2026-11');
      expect(first).toMatchObject({
        kind: 'closed',
        period: {
          from: NOVEMBER,
          to: DECEMBER,
          journals: 3,
          accounts: 3,
          closedBy: 'fin',
          totals: [
            { kind: 'expense', opening: 0n, debits: 10_000n, credits: 0n, closing: 10_000n },
            { kind: 'payable', opening: 0n, debits: 5_000n, credits: 10_000n, closing: -5_000n },
            { kind: 'provider', opening: 0n, debits: 0n, credits: 5_000n, closing: -5_000n },
          ],
        },
      });
      now = JANUARY + HOUR;
      await close('2026-12');
      const [december] = (await store.periods.list('acc_a', ALL)).items;
      expect(december).toMatchObject({ month: '2026-12', number: 2, reopened: null });
      const id = december?.id ?? '';
      const lines = await store.periods.linesOfKind('acc_a', id, { kind: 'payable', currency: 'EUR' }, ALL);
      expect(lines).toEqual({
        items: [
          {
            ...{ account: 'payable:member:mem_1', currency: 'EUR' },
            ...{ opening: -5_000n, debits: 0n, credits: 700n, closing: -5_700n },
          },
        ],
        next: null,
      });
      expect((await desk().get('acc_a', id))?.period.totals).toMatchObject([
        { kind: 'expense', opening: 10_000n, closing: 10_700n },
        { kind: 'payable', opening: -5_000n, closing: -5_700n },
        // Nothing was booked on it in December, and it is carried over.
        { kind: 'provider', opening: -5_000n, debits: 0n, credits: 0n, closing: -5_000n },
      ]);
      expect(await desk().verify('acc_a')).toEqual({ periods: 2, problems: [] });
      expect(await store.periods.get('acc_b', id)).toBeNull();
      expect((await store.periods.list('acc_b', ALL)).items).toEqual([]);
      expect(await store.periods.linesOfKind('acc_b', id, { kind: 'payable', currency: 'EUR' }, ALL)).toEqual({
        items: [],
        next: null,
      });
    });

    test('add up the same whatever the pages', async () => {
      for (let index = 0; index < 7; index += 1) await book(`rwd_${index}`, T0 + (index >> 1), ['accrue', 'issue']);
      const span = { from: NOVEMBER, to: DECEMBER };
      const whole = await store.periods.movements('acc_a', span, { limit: 1_000, cursor: null });
      expect(whole).toMatchObject({ journals: 14, next: null });
      let journals = 0;
      const sums = new Map<string, bigint>();
      for (let cursor: { at: number; id: string } | null = null; ; ) {
        const page: Awaited<ReturnType<Store['periods']['movements']>> = await store.periods.movements('acc_a', span, {
          limit: 3,
          cursor,
        });
        journals += page.journals;
        for (const { account, debits, credits } of page.movements)
          sums.set(account, (sums.get(account) ?? 0n) + debits - credits);
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(journals).toBe(14);
      expect(sums).toEqual(new Map(whole.movements.map((one) => [one.account, one.debits - one.credits])));
    });

    test('take no journal any more, and what concerns them later is told', async () => {
      await book('rwd_1', T0);
      await close('2026-11');
      expect(await book('rwd_2', DECEMBER - 1)).toEqual('conflict');
      expect(await store.reads.reward('acc_a', 'rwd_2')).toBeNull();
      expect(await book('rwd_3', DECEMBER, ['accrue'], 900n)).toEqual('committed');
      const id = (await store.periods.newest('acc_a'))?.id ?? '';
      // Its event was in November, as every journal's here.
      expect(await desk().get('acc_a', id)).toMatchObject({
        isLast: true,
        period: { journals: 1 },
        late: {
          journals: 1,
          sums: [
            { kind: 'expense', currency: 'EUR', minor: 900n },
            { kind: 'payable', currency: 'EUR', minor: -900n },
          ],
        },
      });
      expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
    });

    test('are closed by one of several who do it at once; the others are told by whom', async () => {
      await book('rwd_1', T0);
      const other = await use().again();
      try {
        const outcomes = await Promise.all(
          ['ada', 'bob', 'cyd', 'dan'].map((by, index) =>
            desk(index % 2 === 0 ? store : other).close('acc_a', '2026-11', { by, reason: null }),
          ),
        );
        const winners = outcomes.flatMap((one) => (one.kind === 'closed' ? [one.period] : []));
        expect(winners).toHaveLength(1);
        for (const lost of outcomes.filter(({ kind }) => kind !== 'closed'))
          expect(lost).toMatchObject({ kind: 'not_next', next: '2026-12', closed: { closedBy: winners[0]?.closedBy } });
        expect((await store.periods.list('acc_a', ALL)).items).toHaveLength(1);
        expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
      } finally {
        await other.close();
      }
    });

    test('are added up with all that was under way when they were sealed', async () => {
      await book('rwd_first', T0);
      const other = await use().again();
      try {
        const bookings = Array.from({ length: 30 }, (_, index) => book(`rwd_${index}`, T0 + index));
        const closed = await desk(other).close('acc_a', '2026-11', { by: 'fin', reason: null });
        const booked = (await Promise.all(bookings)).filter((result) => result === 'committed');
        expect(closed).toMatchObject({ kind: 'closed', period: { journals: booked.length + 1 } });
        expect(await desk().verify('acc_a')).toEqual({ periods: 1, problems: [] });
      } finally {
        await other.close();
      }
    });

    test('are taken back from the last one on, stay in the chain, and are closed anew', async () => {
      await book('rwd_1', T0);
      await book('rwd_2', DECEMBER);
      now = FEBRUARY + HOUR;
      await close('2026-11');
      await close('2026-12');
      const [december, november] = (await store.periods.list('acc_a', ALL)).items;
      const as = { by: 'owner@x.example', reason: 'Too early.' };
      expect(await desk().reopen('acc_a', november?.id ?? '', as)).toEqual({ kind: 'not_last' });
      expect(await desk().reopen('acc_b', december?.id ?? '', as)).toEqual({ kind: 'unknown' });
      expect(await desk().reopen('acc_a', december?.id ?? '', as)).toMatchObject({
        kind: 'reopened',
        period: { kept: { reopened: { ...as, at: now } } },
      });
      expect(await desk().reopen('acc_a', december?.id ?? '', as)).toEqual({ kind: 'not_last' });
      expect(await desk().next('acc_a')).toMatchObject({ month: '2026-12' });
      expect(await book('rwd_3', DECEMBER + 1)).toBe('committed');
      expect(await book('rwd_4', DECEMBER - 1)).toBe('conflict');
      expect(await close('2026-12')).toMatchObject({
        kind: 'closed',
        period: { journals: 2, kept: { number: 3 }, replaces: { periodId: december?.id, ...as } },
      });
      expect((await store.periods.list('acc_a', { limit: 2, cursor: null })).items.map(({ number }) => number)).toEqual(
        [3, 2],
      );
      expect(await desk().verify('acc_a')).toEqual({ periods: 3, problems: [] });
    });

    test('are not what they were when somebody changes them behind the service, and that is found', async () => {
      await book('rwd_1', T0);
      await close('2026-11');
      const { sql } = use();
      await store.accountSettings.save('acc_a', 'chart', [], { basis: 0, by: 'x', now });
      for (const table of ['periods', 'period_lines', 'account_settings']) {
        await expect(sql(`update ${table} set account_id = 'acc_x'`)).rejects.toThrow(/append_only/);
        await expect(sql(`delete from ${table}`)).rejects.toThrow(/append_only/);
      }
      const codes = async () => (await desk().verify('acc_a')).problems.map(({ problem }) => problem);
      const chain = await store.periods.chain('acc_a');
      const books = (changes: Partial<Store['periods']>) => ({ ...store.periods, ...changes });
      const signer = createSigner([{ id: 'k1', key: Buffer.alloc(32, 8) }]);
      const found = async (changes: Partial<Store['periods']>) =>
        (await verifyPeriods(books(changes), 'acc_a', null)).problems.map(({ problem }) => problem);
      expect(await codes()).toEqual([]);
      expect(await found({ chain: async () => chain.map((one) => ({ ...one, body: `${one.body} ` })) })).toEqual([
        'changed',
      ]);
      expect(await found({ lines: async () => [] })).toEqual(['lines_changed', 'sums_differ']);
      expect(
        await found({
          movements: async (...input) => {
            const page = await store.periods.movements(...input);
            return { ...page, movements: page.movements.map((one) => ({ ...one, debits: one.debits + 1n })) };
          },
        }),
      ).toEqual(['sums_differ']);
      expect((await verifyPeriods(store.periods, 'acc_a', signer)).problems).toMatchObject([
        { problem: 'not_signed_here', month: '2026-11' },
      ]);
      now = JANUARY + HOUR;
      await close('2026-12');
      const two = await store.periods.chain('acc_a');
      expect(await found({ chain: async () => two.slice(1) })).toContain('chain_broken');
    });

    test('hold in whatever order is booked, closed and taken back: openings and movements come to closings, and all months to the ledger', async () => {
      let accounts = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(COMMAND, { minLength: 8, maxLength: 45 }), async (commands) => {
          accounts += 1;
          await live(commands, `acc_h${accounts}`);
        }),
        { numRuns: HISTORIES, endOnFailure: true },
      );
    });

    /** One history of an account's months, held against sums that are made of all its journals at once. */
    async function live(commands: readonly Command[], accountId: string): Promise<void> {
      const books = tenant(store, accountId, `con_${accountId}`);
      await books.create();
      await books.writePair();
      const booked: Journal[] = [];
      const kept = new Map<string, { readonly month: string; readonly text: string; isStanding: boolean }>();
      const periods = createPeriods({
        store,
        // Every month of the history is over.
        clock: { now: () => boundsOf(monthAt(MONTHS)).to + HOUR },
        log: createLog({ level: 'silent' }),
        signer: createSigner([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
        newId: () => `${accountId}_${++made}`,
      });
      const last = () => [...kept.entries()].findLast(([, { isStanding }]) => isStanding);
      /** Nothing is booked before it: the end of what stands closed, or the beginning of what was taken back. */
      let sealedTo = 0;
      const linesIn = (id: string) => store.periods.lines(accountId, id, null, 1_000);

      for (const [index, command] of commands.entries()) {
        switch (command.kind) {
          case 'book': {
            const at = boundsOf(monthAt(command.month)).from + command.into;
            const reward = books.reward(`rwd_${accountId}_${index}`, 'ref_1', {
              ...{ party: command.party, beneficiaryId: command.party === 'member' ? 'mem_1' : 'ref_1' },
              ...{ payout: command.payout, ruleKey: `rule ${index}`, createdAt: at },
              money: { minor: command.minor, currency: command.currency },
            });
            const journals = command.kinds.map((kind, step) =>
              books.journal(reward, kind, {
                recordedAt: at + step * command.apart,
                // A fact of long ago that is told now, as of a deal that was changed in an old month.
                effectiveAt: Math.max(0, at - command.late),
                decisionId: kind === 'accrue' ? `dec_${reward.id}` : null,
              }),
            );
            const isOpen = journals.every(({ recordedAt }) => recordedAt >= sealedTo);
            const plan = { ...books.granted(reward), journals, intents: [] };
            expect(await store.cases.commit([books.commit(plan)])).toEqual([isOpen ? 'committed' : 'conflict']);
            if (isOpen) booked.push(...journals);
            break;
          }
          case 'close': {
            const next = (await periods.next(accountId))?.month ?? null;
            const month = command.isNext && next !== null ? next : monthAt(command.month);
            const outcome = await periods.close(accountId, month, { by: 'fin', reason: 'Looked at.' });
            if (booked.length === 0) expect(outcome).toEqual({ kind: 'nothing' });
            else if (month !== next) expect(outcome).toMatchObject({ kind: 'not_next', next });
            else if (month > monthAt(MONTHS)) expect(outcome.kind).toBe('not_over');
            else {
              if (outcome.kind !== 'closed') throw new Error(`${month} was not closed: ${outcome.kind}`);
              const { id, body } = outcome.period.kept;
              const lines = await linesIn(id);
              expect(lines).toEqual(modelLines(booked, month));
              expect(outcome.period.journals).toBe(journalsIn(booked, month).length);
              kept.set(id, { month, text: textOf(body, lines), isStanding: true });
              sealedTo = boundsOf(month).to;
            }
            break;
          }
          case 'reopen': {
            const ids = [...kept.keys()];
            const id = command.isLast ? last()?.[0] : ids[command.which % Math.max(1, ids.length)];
            if (id === undefined) break;
            const outcome = await periods.reopen(accountId, id, { by: 'owner', reason: 'Too early.' });
            const isLast = last()?.[0] === id;
            expect(outcome.kind).toBe(isLast ? 'reopened' : 'not_last');
            const close = kept.get(id);
            if (close && isLast) {
              close.isStanding = false;
              sealedTo = boundsOf(close.month).from;
            }
          }
        }
        // What was closed says for ever what it said, whatever is booked, closed or taken back behind it.
        for (const [id, { text }] of kept) {
          const found = await store.periods.get(accountId, id);
          expect(textOf(found?.body ?? '', await linesIn(id))).toBe(text);
        }
      }

      expect((await periods.verify(accountId)).problems).toEqual([]);
      const ledger = new Map(
        (await store.ledger.sums(accountId)).map((sum) => [`${sum.kind} ${sum.currency}`, sum.minor]),
      );
      const summed = new Map<string, bigint>();
      const add = (account: string, currency: string, minor: bigint) => {
        const key = `${kindOf(account)} ${currency}`;
        summed.set(key, (summed.get(key) ?? 0n) + minor);
      };
      const closings = new Map<string, bigint>();
      for (const [id, { month, isStanding }] of kept) {
        const found = await periods.get(accountId, id);
        const lateOnes = booked.filter(
          ({ effectiveAt, recordedAt }) => monthOf(effectiveAt) === month && recordedAt >= boundsOf(month).to,
        );
        expect(found?.late.journals).toBe(lateOnes.length);
        if (!isStanding) continue;
        for (const line of await linesIn(id)) {
          expect(line.opening).toBe(closings.get(lineKey(line)) ?? 0n);
          expect(line.opening + line.debits - line.credits).toBe(line.closing);
          closings.set(lineKey(line), line.closing);
          add(line.account, line.currency, line.debits - line.credits);
        }
        // Totals go over all accounts, also those on which nothing was booked in the month.
        for (const { kind, currency, closing } of found?.period.totals ?? []) {
          const of = [...closings].filter(([key]) => key.startsWith(`${kind}:`) && key.endsWith(`\n${currency}`));
          expect(closing).toBe(of.reduce((sum, [, minor]) => sum + minor, 0n));
        }
      }
      const standsTo = last() === undefined ? 0 : sealedTo;
      for (const { recordedAt, postings } of booked)
        if (recordedAt >= standsTo) for (const one of postings) add(one.account, one.currency, one.minor);
      for (const [key, minor] of summed) expect([key, ledger.get(key) ?? 0n]).toEqual([key, minor]);
      for (const [key, minor] of ledger) expect([key, summed.get(key) ?? 0n]).toEqual([key, minor]);
    }

    test('that take long are asked for once, tell how far they are, and are gone on with when their node dies', async () => {
      await book('rwd_1', T0);
      await book('rwd_2', T0 + 1);
      const gate = Promise.withResolvers<void>();
      const movements: Store['periods']['movements'] = async (...input) => {
        await gate.promise;
        return store.periods.movements(...input);
      };
      const slow = desk({ ...store, periods: { ...store.periods, movements } });
      const closing = { reason: 'Small.', patienceMs: 1 };
      expect(await slow.close('acc_a', '2026-11', { ...closing, by: 'ada' })).toMatchObject({
        kind: 'closing',
        closing: { by: 'ada', to: DECEMBER },
      });
      expect(await book('rwd_3', T0)).toBe('conflict');
      expect(await desk().close('acc_a', '2026-11', { ...closing, by: 'eve' })).toMatchObject({
        closing: { by: 'ada' },
      });
      gate.resolve();
      await expect.poll(async () => (await desk().next('acc_a'))?.month, { timeout: 10_000 }).toBe('2026-12');
      expect(await store.periods.closing('acc_a')).toBeNull();
      expect((await desk().next('acc_a'))?.closing).toBeNull();
      const late = { to: DECEMBER, journals: 1, total: 2, at: now };
      expect(await store.periods.noteClosing('acc_a', late)).toBe(false);

      // A node has begun to add December up, and has died.
      now = JANUARY + HOUR;
      await store.periods.seal('acc_a', JANUARY, { by: 'bob', reason: 'Looked at.', at: now });
      expect(await store.periods.noteClosing('acc_a', { ...late, to: JANUARY, at: now })).toBe(true);
      expect(await store.periods.noteClosing('acc_b', { ...late, to: JANUARY, at: now })).toBe(false);
      expect(await desk().next('acc_a')).toMatchObject({ closing: { by: 'bob', journals: 1, total: 2, since: now } });
      const asked = { by: 'cyd', reason: 'Mine.', patienceMs: 60_000 };
      expect(await desk().close('acc_a', '2026-12', asked)).toMatchObject({ kind: 'closing', closing: { by: 'bob' } });
      await desk().closeLeft();
      expect((await desk().next('acc_a'))?.month).toBe('2026-12');
      now += 3 * 60_000;
      await desk().closeLeft();
      expect((await store.periods.list('acc_a', ALL)).items.map(({ month }) => month)).toEqual(['2026-12', '2026-11']);
      const december = (await store.periods.newest('acc_a'))?.id ?? '';
      expect(await desk().get('acc_a', december)).toMatchObject({ period: { closedBy: 'bob', reason: 'Looked at.' } });
      expect(await desk().verify('acc_a')).toEqual({ periods: 2, problems: [] });
    });

    test('have settings beside them that two people do not overwrite for each other', async () => {
      const { accountSettings } = store;
      expect(await accountSettings.newest('acc_a', 'chart')).toBeNull();
      const entry = { account: 'expense:*', number: '6300', label: 'Referral rewards' };
      const as = { basis: 0, by: 'ada', now: T0 };
      expect(await accountSettings.save('acc_a', 'chart', [entry], as)).toMatchObject({ version: 1 });
      expect(await accountSettings.save('acc_a', 'chart', [], { ...as, by: 'bob' })).toBeNull();
      expect(await accountSettings.newest('acc_a', 'chart')).toEqual({
        ...{ version: 1, settings: [entry], at: T0, by: 'ada' },
      });
      expect(await accountSettings.newest('acc_a', 'tax')).toBeNull();
      expect(await accountSettings.newest('acc_b', 'chart')).toBeNull();
      expect(await accountSettings.save('acc_a', 'chart', [], { ...as, basis: 1 })).toMatchObject({ version: 2 });
      // Amounts are whole numbers of any size, and come back as such.
      const tax = { ...USUAL_TAX_SETTINGS, countryProperty: 'country' };
      await accountSettings.save('acc_a', 'tax', tax, as);
      expect((await accountSettings.newest('acc_a', 'tax'))?.settings).toEqual(tax);
    });
  });
}

/** Histories of an account's months in each database. */
const HISTORIES = 15;
/** Months that a history goes over, beside the first one. */
const MONTHS = 4;

const monthAt = (index: number) => monthOf(Date.UTC(2026, 7 + index, 1));

const DAY_MS = 24 * HOUR;

const COMMAND = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('book' as const),
      month: fc.nat(MONTHS),
      // The first and the last millisecond of a month are in it as all others.
      into: fc.oneof(fc.constant(0), fc.constant(30 * DAY_MS - 1), fc.nat(30 * DAY_MS - 1)),
      late: fc.oneof(fc.constant(0), fc.nat(100 * DAY_MS)),
      apart: fc.oneof(fc.constant(0), fc.nat(45 * DAY_MS)),
      party: fc.constantFrom('member' as const, 'friend' as const),
      payout: fc.constantFrom('manual', 'credit'),
      minor: fc.oneof(fc.bigInt(1n, 100_000n), fc.constant(999_999_999_999_999n)),
      currency: fc.constantFrom('EUR', 'JPY'),
      kinds: fc.constantFrom<readonly JournalKind[]>(
        ['accrue'],
        ['accrue', 'issue'],
        ['accrue', 'void'],
        ['accrue', 'issue', 'claw_back'],
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      isNext: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
      month: fc.nat(MONTHS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), isLast: fc.boolean(), which: fc.nat(20) }),
  },
);
type Command = typeof COMMAND extends fc.Arbitrary<infer C> ? C : never;

function journalsIn(booked: readonly Journal[], month: string): Journal[] {
  return booked.filter(({ recordedAt }) => monthOf(recordedAt) === month);
}

/** From all that was ever booked, in one go. */
function modelLines(booked: readonly Journal[], month: string): PeriodLine[] {
  const { from } = boundsOf(month);
  const lines = new Map<string, PeriodLine>();
  for (const { account, currency, minor } of journalsIn(booked, month).flatMap(({ postings }) => postings)) {
    const key = lineKey({ account, currency });
    const line = lines.get(key) ?? { account, currency, opening: 0n, debits: 0n, credits: 0n, closing: 0n };
    lines.set(key, {
      ...line,
      debits: line.debits + (minor > 0n ? minor : 0n),
      credits: line.credits + (minor < 0n ? -minor : 0n),
    });
  }
  return [...lines.values()]
    .map((line) => {
      const opening = booked
        .filter(({ recordedAt }) => recordedAt < from)
        .flatMap(({ postings }) => postings)
        .filter(({ account, currency }) => account === line.account && currency === line.currency)
        .reduce((sum, { minor }) => sum + minor, 0n);
      return { ...line, opening, closing: opening + line.debits - line.credits };
    })
    .sort((a, b) => (lineKey(a) < lineKey(b) ? -1 : 1));
}

function textOf(body: string, lines: readonly PeriodLine[]): string {
  return JSON.stringify([body, lines], (_key, value) => (typeof value === 'bigint' ? String(value) : value));
}
