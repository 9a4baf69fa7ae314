import { beforeEach, describe, expect, test } from 'vitest';
import type { FigureSums, Store } from '../../src/application/ports/store.ts';
import type { Reward } from '../../src/domain/decision.ts';
import type { Measure } from '../../src/domain/figures.ts';
import type { MappedStage } from '../../src/domain/mapping.ts';
import { dayNumber } from '../../src/domain/time.ts';
import { DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

const TODAY = dayNumber(T0);

/** The stages of the fixtures' deals, by what they mean. */
const ENTRIES: readonly MappedStage[] = (['opportunity', 'won', 'lost'] as const).map((stage) => ({
  pipelineId: 'p',
  stageId: stage === 'opportunity' ? 's' : stage,
  pipelineLabel: 'Sales',
  stageLabel: stage,
  stage,
}));

/** Sums that are kept, and what they are of. Part of the store's conformance. */
export function figureStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('figures', () => {
    let store: Store;
    let a: Tenant;
    let b: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      b = tenant(store, 'acc_b', 'con_b');
      if (!(await store.accounts.get('acc_b'))) await b.create();
      await a.writePair();
      await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [...ENTRIES], T0);
    });

    async function foldAll(accountId = 'acc_a'): Promise<void> {
      while ((await store.figures.fold(accountId, T0)) > 0);
      expect(await store.figures.verify(accountId)).toEqual({ kind: 'equal' });
    }

    async function shown(measures: readonly Measure[], asked: Partial<FigureSums> = {}, accountId = 'acc_a') {
      const rows = await store.figures.sums(accountId, {
        ...{ measures, from: 0, to: TODAY + 400, by: ['label'] },
        ...asked,
      });
      return rows.map(({ measure, label, currency, n, minor }) =>
        [measure, label, n, ...(currency === '' ? [] : [currency, minor])].join(' '),
      );
    }

    async function grant(id: string, minor: bigint, changes: Partial<Reward> = {}): Promise<void> {
      const reward = a.reward(id, 'ref_1', { money: { minor, currency: 'EUR' }, ruleKey: id, ...changes });
      await a.write({ ...a.granted(reward), intents: [] });
    }

    test('count a referral by its source, where it stands and how far it has come, and move with it', async () => {
      await foldAll();
      expect(await shown(['submitted', 'standing', 'reached', 'won'])).toEqual([
        'reached accepted 1',
        'standing accepted 1',
        'submitted label 1',
      ]);
      const won = a.referral('ref_1', 'mem_1', { stage: 'won', stageSince: T0 + 40 * DAY, version: 2 });
      await a.write({ referrals: [won] });
      await foldAll();
      const measures: Measure[] = ['standing', 'reached', 'won', 'converted', 'matured', 'tookWon', 'tookAll'];
      expect(await shown(measures)).toEqual([
        ...['converted label 1', 'matured 2 1', 'reached accepted 1', 'reached opportunity 1', 'reached qualified 1'],
        ...['reached won 1', 'standing won 1', 'tookAll 40 1', 'won label 1'],
      ]);
      expect(await shown(['won'], { from: TODAY + 40, to: TODAY + 40 })).toEqual(['won label 1']);
      expect(await shown(['won'], { to: TODAY + 39 })).toEqual([]);
      await a.write({ referrals: [{ ...won, stage: 'opportunity', stageSince: T0 + 50 * DAY, version: 3 }] });
      await foldAll();
      expect(await shown(['standing', 'reached', 'won', 'converted', 'tookAll'])).toEqual([
        ...['reached accepted 1', 'reached opportunity 1', 'reached qualified 1', 'standing opportunity 1'],
      ]);
    });

    test('narrow to a program and to one of several days, and another account sees none of it', async () => {
      await a.write({
        referrals: [
          a.referral('ref_2', 'mem_1', {
            programId: 'other',
            submittedAt: T0 + DAY,
            friend: { name: null, email: 'two@friends.example', contact: null },
          }),
        ],
      });
      await foldAll();
      expect(await shown(['submitted'])).toEqual(['submitted label 2']);
      expect(await shown(['submitted'], { programId: 'other' })).toEqual(['submitted label 1']);
      expect(await shown(['submitted'], { from: TODAY + 1, to: TODAY + 1 })).toEqual(['submitted label 1']);
      expect(await shown(['brought'], { top: { count: 1, by: 'n' } })).toEqual(['brought mem_1 2']);
      expect(await shown(['brought'], { labels: ['mem_2'] })).toEqual([]);
      expect(await shown(['submitted'], {}, 'acc_b')).toEqual([]);
      await b.writePair();
      await foldAll('acc_b');
      expect(await shown(['submitted'])).toEqual(['submitted label 2']);
      expect(await shown(['submitted'], {}, 'acc_b')).toEqual(['submitted label 1']);
    });

    test('the ledger’s sums are exact before, while and after they are taken in, and after all is made anew', async () => {
      const expected = [
        { kind: 'expense', currency: 'EUR', minor: 7_000n, accounts: 1 },
        { kind: 'payable', currency: 'EUR', minor: -7_000n, accounts: 2 },
      ];
      await grant('rwd_1', 5_000n);
      await grant('rwd_2', 2_000n, { party: 'friend', beneficiaryId: 'ref_1' });
      expect(await store.ledger.sums('acc_a')).toEqual(expected);
      await foldAll();
      expect(await store.ledger.sums('acc_a')).toEqual(expected);
      await grant('rwd_3', 100n);
      const more = expected.map((sum) => ({ ...sum, minor: sum.minor + (sum.minor > 0n ? 100n : -100n) }));
      expect(await store.ledger.sums('acc_a')).toEqual(more);
      await foldAll();
      expect(await store.ledger.sums('acc_a')).toEqual(more);
      expect(await shown(['journal', 'ledger'], { programId: 'prg' })).toEqual([
        ...['journal accrue 3 EUR 7100', 'ledger expense 3 EUR 7100', 'ledger payable 3 EUR -7100'],
      ]);
      const before = await shown(['journal', 'ledger', 'balance', 'submitted', 'standing']);
      await store.figures.forget('acc_a', T0);
      expect((await store.figures.state('acc_a')).waiting).toBeGreaterThan(3);
      expect(await store.ledger.sums('acc_a')).toEqual(more);
      await foldAll();
      expect(await shown(['journal', 'ledger', 'balance', 'submitted', 'standing'])).toEqual(before);
    });

    const bought = (id: string, amount: string, wonAt: number, contactIds: string[], stageId = 'won') =>
      a.deal(id, {
        contactIds,
        history: [
          { at: T0, pipelineId: 'p', stageId: 's', amount, currency: 'EUR' },
          ...(wonAt === T0 ? [] : [{ at: wonAt, pipelineId: 'p', stageId, amount, currency: 'EUR' }]),
        ],
      });

    test('give a won deal to the referral that came first, and what others bought to others', async () => {
      const later = a.referral('ref_2', 'mem_1', {
        ...{ programId: 'other', submittedAt: T0 + 1 },
        friend: { name: null, email: null, contact: a.ref('contact', 'friend-ref_1') },
      });
      await a.write(
        { referrals: [later] },
        {
          snapshots: [
            { facts: bought('1', '100.00', T0 + 2 * DAY, ['friend-ref_1', 'a-colleague']), readAt: T0 },
            { facts: bought('2', '50.00', T0 + 3 * DAY, ['friend-ref_1']), readAt: T0 },
            { facts: bought('3', '10.00', T0 + 3 * DAY, ['somebody']), readAt: T0 },
            { facts: bought('4', '10.00', T0 + 3 * DAY, ['somebody'], 'lost'), readAt: T0 },
            { facts: bought('5', 'a lot', T0 + 3 * DAY, []), readAt: T0 },
          ],
        },
      );
      await foldAll();
      const measures: Measure[] = ['revenue', 'memberRevenue', 'deals', 'customers', 'repeated', 'lifetime', 'unread'];
      expect(await shown(measures)).toEqual([
        ...['customers other 1', 'customers referred 1', 'deals other 1', 'deals other 1 EUR 1000'],
        ...['deals referred 2 EUR 15000', 'lifetime other 1 EUR 1000', 'lifetime referred 1 EUR 15000'],
        ...['memberRevenue mem_1 2 EUR 15000', 'repeated referred 1', 'revenue label 2 EUR 15000', 'unread other 1'],
      ]);
      expect(await shown(['revenue'], { programId: 'other' })).toEqual([]);
      expect(await shown(['closeReferred', 'closeOther'])).toEqual([
        ...['closeOther 3 2', 'closeReferred 2 1', 'closeReferred 3 1'],
      ]);
      // One is deleted, one becomes smaller: they put in anew what they are.
      await a.write(
        {},
        {
          snapshots: [
            { facts: { ...bought('1', '100.00', T0 + 2 * DAY, []), presence: 'deleted' }, readAt: T0 + 1 },
            { facts: bought('2', '40.00', T0 + 3 * DAY, ['friend-ref_1']), readAt: T0 + 1 },
          ],
        },
      );
      await foldAll();
      expect(await shown(['revenue', 'repeated', 'lifetime'])).toEqual([
        ...['lifetime other 1 EUR 1000', 'lifetime referred 1 EUR 4000', 'revenue label 1 EUR 4000'],
      ]);
      // A stage means something else by a new mapping.
      const other = ENTRIES.map((entry) => (entry.stageId === 'won' ? { ...entry, stage: 'lost' as const } : entry));
      await store.connections.saveMapping('acc_a', 'con_a', 'map_2', other, T0);
      await foldAll();
      expect(await shown(['revenue', 'deals', 'customers'])).toEqual([]);
    });

    test('what was given back lowers what a customer was worth', async () => {
      const refunds = [{ source: 'api', id: 'r1', at: T0 + 4 * DAY, amount: '30.00', currency: 'EUR', undoneAt: null }];
      const facts = { ...bought('1', '100.00', T0 + 2 * DAY, ['friend-ref_1']), refunds };
      await a.write({}, { snapshots: [{ facts, readAt: T0 }] });
      await foldAll();
      expect(await shown(['refunded', 'lifetime', 'deals'])).toEqual([
        ...['deals referred 1 EUR 10000', 'lifetime referred 1 EUR 7000', 'refunded referred 1 EUR 3000'],
      ]);
    });

    test('two folds at once, a fold again and marks that came twice change nothing', async () => {
      for (let index = 0; index < 10; index += 1) await grant(`rwd_${index}`, 100n);
      await Promise.all(Array.from({ length: 6 }, () => store.figures.fold('acc_a', T0)));
      await foldAll();
      const before = await shown(['journal', 'ledger', 'submitted']);
      expect(before).toContain('journal accrue 10 EUR 1000');
      await foldAll();
      expect(await shown(['journal', 'ledger', 'submitted'])).toEqual(before);
    });

    test('say how much waits, and for which accounts', async () => {
      expect(await store.figures.waitingAccounts()).toEqual(['acc_a']);
      expect(await store.figures.state('acc_a')).toMatchObject({ foldedAt: null });
      await foldAll();
      expect(await store.figures.waitingAccounts()).toEqual([]);
      expect(await store.figures.state('acc_a')).toEqual({ waiting: 0, foldedAt: T0 });
      expect(await store.figures.state('acc_b')).toEqual({ waiting: 0, foldedAt: null });
    });
  });
}
