import { beforeEach, describe, expect, test } from 'vitest';
import type { JournalFilter, Store } from '../../src/application/ports/store.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { T0, type Tenant } from './store-fixtures.ts';

const ALL = { limit: 50, cursor: null };

/** What finance reads: sums, accounts and journals that are one another's. Part of the store's conformance. */
export function ledgerStoreConformance(use: () => { readonly store: Store; readonly a: Tenant }): void {
  describe('the books as finance reads them', () => {
    let store: Store;
    let a: Tenant;
    beforeEach(async () => {
      ({ store, a } = use());
      await a.writePair();
    });

    /** Rewards of one account each, a millisecond apart; every second one is paid out by hand. */
    async function book(count: number, changes: Partial<Reward> = {}): Promise<void> {
      for (let index = 0; index < count; index += 1) {
        const recordedAt = T0 + index;
        const reward = a.reward(`rwd_${index}`, 'ref_1', {
          ...{ payout: 'manual', createdAt: recordedAt, ruleKey: `rule-${index}` },
          ...changes,
        });
        const journals = [a.journal(reward, 'accrue', { recordedAt, decisionId: `dec_${reward.id}` })];
        if (index % 2 === 0) journals.push(a.journal(reward, 'issue', { recordedAt }));
        await a.write({ ...a.granted(reward), journals, intents: [] });
      }
    }

    async function journalIds(filter: JournalFilter, limit = 2): Promise<string[]> {
      const ids: string[] = [];
      for (let cursor: { at: number; id: string } | null = null; ; ) {
        const { items, next }: Awaited<ReturnType<Store['ledger']['journals']>> = await store.ledger.journals(
          'acc_a',
          { limit, cursor },
          filter,
        );
        ids.push(...items.map(({ kind, rewardId }) => `${rewardId} ${kind}`));
        if (!next) return ids;
        cursor = next;
      }
    }

    test('are summed up by kind and currency, and come to zero', async () => {
      expect(await store.ledger.sums('acc_a')).toEqual([]);
      await book(3);
      await a.write({
        ...a.granted(a.reward('rwd_y', 'ref_1', { money: { minor: 10n ** 15n, currency: 'JPY' }, ruleKey: 'y' })),
        intents: [],
      });
      const sums = await store.ledger.sums('acc_a');
      expect(sums).toEqual([
        { kind: 'expense', currency: 'EUR', minor: 15_000n, accounts: 1 },
        { kind: 'expense', currency: 'JPY', minor: 10n ** 15n, accounts: 1 },
        { kind: 'payable', currency: 'EUR', minor: -5_000n, accounts: 1 },
        { kind: 'payable', currency: 'JPY', minor: -(10n ** 15n), accounts: 1 },
        { kind: 'provider', currency: 'EUR', minor: -10_000n, accounts: 1 },
      ]);
      expect(await store.ledger.sums('acc_b')).toEqual([]);
    });

    test('list the accounts of a kind by name, in pages, with whose they are, and none that is at zero', async () => {
      for (const [index, id] of ['mem_a', 'mem_b', 'mem_c'].entries()) {
        await a.write({ members: [a.member(id)] });
        const reward = a.reward(`rwd_${id}`, 'ref_1', { beneficiaryId: id, ruleKey: id, payout: 'manual' });
        const journals = [a.journal(reward, 'accrue', { decisionId: `dec_rwd_${id}` })];
        if (index === 1) journals.push(a.journal(reward, 'issue'));
        await a.write({ ...a.granted(reward), journals, intents: [] });
      }
      const friends = a.reward('rwd_f', 'ref_1', { party: 'friend', beneficiaryId: 'ref_1', ruleKey: 'f' });
      await a.write({ ...a.granted(friends), intents: [] });
      const of = { kind: 'payable', currency: 'EUR' };
      const first = await store.ledger.accounts('acc_a', { limit: 2, cursor: null }, of);
      expect(first.items).toEqual([
        {
          account: 'payable:friend:ref_1',
          currency: 'EUR',
          minor: -5_000n,
          beneficiaryId: 'ref_1',
          name: 'Friend ref_1',
        },
        {
          account: 'payable:member:mem_a',
          currency: 'EUR',
          minor: -5_000n,
          beneficiaryId: 'mem_a',
          name: 'Name mem_a',
        },
      ]);
      const rest = await store.ledger.accounts('acc_a', { limit: 2, cursor: first.next }, of);
      expect(rest).toMatchObject({ items: [{ beneficiaryId: 'mem_c' }], next: null });
      const account = 'payable:member:mem_c';
      expect((await store.ledger.accounts('acc_a', ALL, { ...of, account })).items).toEqual(rest.items);
      expect((await store.ledger.accounts('acc_a', ALL, { kind: 'expense', currency: 'EUR' })).items).toMatchObject([
        { account: 'expense:prg', minor: 20_000n, beneficiaryId: null, name: null },
      ]);
      expect((await store.ledger.accounts('acc_a', ALL, { kind: 'payable', currency: 'USD' })).items).toEqual([]);
      expect((await store.ledger.accounts('acc_b', ALL, of)).items).toEqual([]);
    });

    test('go down to the journals of a kind, an account, a time, newest first and each once', async () => {
      await book(4);
      expect(await journalIds({})).toHaveLength(6);
      expect(await journalIds({ kind: 'accrue' })).toEqual([3, 2, 1, 0].map((index) => `rwd_${index} accrue`));
      expect(await journalIds({ account: 'provider:manual', currency: 'EUR' })).toEqual(['rwd_2 issue', 'rwd_0 issue']);
      expect(await journalIds({ account: 'provider:manual', currency: 'USD' })).toEqual([]);
      const ofMember = await journalIds({ account: 'payable:member:mem_1', currency: 'EUR' });
      expect(ofMember).toHaveLength(6);
      expect(new Set(ofMember).size).toBe(6);
      expect(await journalIds({ account: 'payable:member:mem_1', kind: 'issue' })).toEqual([
        'rwd_2 issue',
        'rwd_0 issue',
      ]);
      expect(await journalIds({ from: T0 + 1, to: T0 + 2 })).toEqual(['rwd_1 accrue']);
      expect(await journalIds({ rewardId: 'rwd_0', kind: 'issue' })).toEqual(['rwd_0 issue']);
      expect((await store.ledger.journals('acc_b', ALL, { account: 'payable:member:mem_1' })).items).toEqual([]);
      expect((await store.ledger.journals('acc_b', ALL, {})).items).toEqual([]);
    });

    test('find what is rare behind more than a page looks at first', async () => {
      await book(1);
      for (let index = 1; index <= 10; index += 1) {
        const reward = a.reward(`rwd_late_${index}`, 'ref_1', { payout: 'manual', ruleKey: `late-${index}` });
        const accrued = a.journal(reward, 'accrue', { recordedAt: T0 + index, decisionId: `dec_${reward.id}` });
        await a.write({ ...a.granted(reward), journals: [accrued], intents: [] });
      }
      const { items } = await store.ledger.journals('acc_a', { limit: 1, cursor: null }, { kind: 'issue' });
      expect(items.map(({ rewardId }) => rewardId)).toEqual(['rwd_0']);
    });

    test('name what was taken back after it was given, with what its beneficiary owes at all', async () => {
      await book(1);
      const given = a.reward('rwd_back', 'ref_1', { payout: 'manual', ruleKey: 'b', state: 'clawed_back' });
      const journals = [
        a.journal(given, 'accrue', { decisionId: 'dec_rwd_back' }),
        a.journal(given, 'issue'),
        a.journal(given, 'claw_back'),
      ];
      await a.write({ ...a.granted(given), journals, intents: [] });
      // Credit is taken back from the credit: nobody owes it.
      const credit = a.reward('rwd_credit', 'ref_1', { ruleKey: 'c', state: 'clawed_back' });
      await a.write({ ...a.granted(credit), intents: [] });
      const { items, next } = await store.ledger.claimed('acc_a', ALL);
      expect(items).toMatchObject([{ reward: { id: 'rwd_back' }, name: 'Name mem_1', debtMinor: 5_000n }]);
      expect(next).toBeNull();
      const after = { limit: 1, cursor: { at: T0, id: 'rwd_back' } };
      expect((await store.ledger.claimed('acc_a', after)).items).toEqual([]);
      expect((await store.ledger.claimed('acc_b', ALL)).items).toEqual([]);
    });
  });
}
