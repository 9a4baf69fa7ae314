import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store, WorkItem } from '../../src/application/ports/store.ts';
import type { RewardState } from '../../src/domain/decision.ts';
import { STANDING_STATES } from '../../src/domain/decision.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { recordKey } from '../../src/domain/record.ts';
import { TABLES, type Table } from '../../src/store/schema.ts';
import { appEventStoreConformance } from './store-app-events.ts';
import { askStoreConformance } from './store-asks.ts';
import { autopilotStoreConformance } from './store-autopilot.ts';
import { backfillStoreConformance } from './store-backfill.ts';
import { brandStoreConformance } from './store-brand.ts';
import { cardStoreConformance } from './store-cards.ts';
import { colleagueStoreConformance } from './store-colleagues.ts';
import { deskStoreConformance, newCase } from './store-desk.ts';
import { figureStoreConformance } from './store-figures.ts';
import { claiming, DAY, dryRunOf, hint, planOf, T0, type Tenant, TRIED, tenant } from './store-fixtures.ts';
import { forecastStoreConformance } from './store-forecast.ts';
import { edgeOf, identityStoreConformance, POLICY } from './store-identity.ts';
import { ledgerStoreConformance } from './store-ledger.ts';
import { listStoreConformance } from './store-lists.ts';
import { moneyOutStoreConformance } from './store-money-out.ts';
import { payoutStoreConformance } from './store-payouts.ts';
import { periodStoreConformance } from './store-periods.ts';
import { privacyStoreConformance } from './store-privacy.ts';
import { streamStoreConformance } from './store-stream.ts';
import { syncStoreConformance } from './store-sync.ts';
import { taxStoreConformance } from './store-tax.ts';
import { testRunStoreConformance } from './store-test-runs.ts';
import { tierStoreConformance } from './store-tiers.ts';
import { webhookStoreConformance } from './store-webhooks.ts';
import { waiting, workflowStoreConformance } from './store-workflows.ts';

/** A store to be tested, on an empty database of its own. */
export interface StoreSubject {
  readonly store: Store;
  /** One more way to the same database: another connection of SQLite, another pool of PostgreSQL. */
  again(): Promise<Store>;
  /** Statements given to the database itself, past all of the store's code. */
  sql(text: string): Promise<ReadonlyArray<Record<string, unknown>>>;
  /** Names of a table's columns. */
  columnsOf(table: string): Promise<string[]>;
  close(): Promise<void>;
}

/** Runs of the model test; each is a few dozen transactions. */
const MODEL_RUNS = { sqlite: 60, postgres: 15 } as const;

/** What src/application/ports/store.ts says in words. Any store that passes this keeps the laws of the mission. */
export function storeConformance({
  name,
  open,
}: {
  name: keyof typeof MODEL_RUNS;
  open: () => Promise<StoreSubject>;
}): void {
  describe(`a store on ${name}`, () => {
    let subject: StoreSubject;
    let store: Store;
    let a: Tenant;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
      a = tenant(store);
      await a.create();
    });
    afterEach(() => subject.close());

    const columnOf = async (text: string, column: string) => (await subject.sql(text)).map((row) => row[column]);
    const countOf = async (table: string) => Number((await subject.sql(`select count(*) as n from ${table}`))[0]?.n);

    describe('opening', () => {
      test('the tables have exactly the columns that the code knows', async () => {
        for (const table of Object.keys(TABLES) as Table[]) {
          const columns = (await subject.columnsOf(table)).filter((column) => column !== 'seq');
          expect([table, columns.sort()]).toEqual([table, Object.keys(TABLES[table]).sort()]);
        }
      });

      test('a database that is open already is opened again without a change', async () => {
        const other = await subject.again();
        expect(await other.accounts.get('acc_a')).toMatchObject({ id: 'acc_a', name: 'Account acc_a', createdAt: T0 });
        await other.close();
      });

      test('a database that a newer version has migrated opens if that only added to it, and else is refused', async () => {
        await subject.sql("insert into migrations (number, name, breaking) values (998, 'adds', 0)");
        await (await subject.again()).close();
        await subject.sql("insert into migrations (number, name, breaking) values (999, 'breaks', 1)");
        await expect(subject.again()).rejects.toThrow(/migration 999/);
      });

      test('ping writes, and fails once the store is closed', async () => {
        await store.ping();
        await store.ping();
        expect((await columnOf('select beats from probe', 'beats')).map(Number)).toEqual([2]);
        const other = await subject.again();
        await other.close();
        await expect(other.ping()).rejects.toThrow();
      });
    });

    describe('accounts and API keys', () => {
      test('an account is found by its id and listed', async () => {
        await store.accounts.create({ id: 'acc_b', name: 'B', createdAt: T0 + 1 });
        const found = { id: 'acc_b', name: 'B', createdAt: T0 + 1, needsSecondPerson: false };
        expect(await store.accounts.get('acc_b')).toEqual(found);
        expect(await store.accounts.get('nobody')).toBeNull();
        expect(await store.accounts.setNeedsSecondPerson('acc_b', true)).toBe(true);
        expect(await store.accounts.get('acc_b')).toEqual({ ...found, needsSecondPerson: true });
        expect(await store.accounts.get('acc_a')).toMatchObject({ needsSecondPerson: false });
        expect(await store.accounts.setNeedsSecondPerson('nobody', true)).toBe(false);
        expect((await store.accounts.list()).map(({ id }) => id)).toEqual(['acc_a', 'acc_b']);
      });

      test('a key is found by its hash until it is revoked, and only its own account can revoke it', async () => {
        const key = { id: 'key_1', accountId: 'acc_a', label: 'Zapier', roles: ['owner' as const], createdAt: T0 };
        await store.accounts.addApiKey(key, 'hash-1');
        expect(await store.accounts.findApiKey('hash-1')).toEqual(key);
        expect(await store.accounts.findApiKey('hash-2')).toBeNull();
        expect(await store.accounts.revokeApiKey('acc_b', 'key_1', T0)).toBe(false);
        expect(await store.accounts.findApiKey('hash-1')).toEqual(key);
        expect(await store.accounts.revokeApiKey('acc_a', 'key_1', T0)).toBe(true);
        expect(await store.accounts.revokeApiKey('acc_a', 'key_1', T0)).toBe(false);
        expect(await store.accounts.findApiKey('hash-1')).toBeNull();
      });

      test('an account lists its own keys, live and revoked, the oldest first, and never a hash', async () => {
        await store.accounts.create({ id: 'acc_b', name: 'B', createdAt: T0 });
        const key = (id: string, accountId: string, createdAt: number) => ({
          id,
          accountId,
          label: id,
          roles: ['owner' as const],
          createdAt,
        });
        await store.accounts.addApiKey(key('key_2', 'acc_a', T0 + 2), 'hash-2');
        await store.accounts.addApiKey(key('key_1', 'acc_a', T0 + 1), 'hash-1');
        await store.accounts.addApiKey(key('key_3', 'acc_b', T0), 'hash-3');
        await store.accounts.revokeApiKey('acc_a', 'key_1', T0 + 3);
        expect(await store.accounts.listApiKeys('acc_a')).toEqual([
          { ...key('key_1', 'acc_a', T0 + 1), revokedAt: T0 + 3 },
          { ...key('key_2', 'acc_a', T0 + 2), revokedAt: null },
        ]);
        expect(await store.accounts.listApiKeys('nobody')).toEqual([]);
      });
    });

    describe('connections', () => {
      test('a connection is found by its id and by the vendor’s id, with everything it was given', async () => {
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
        expect(await store.connections.findByExternalId('hubspot', 'portal of con_a')).toEqual(a.connection());
        expect(await store.connections.findByExternalId('salesforce', 'portal of con_a')).toBeNull();
        expect(await store.connections.list('acc_a')).toEqual([a.connection()]);
        expect(await store.connections.listConnected()).toEqual([a.connection()]);
      });

      test('a portal of another account cannot be taken over', async () => {
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        const thief = b.connection({ id: 'con_x', externalId: 'portal of con_a' });
        expect(await store.connections.connect(thief, b.tokens)).toEqual({ result: 'foreign' });
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
        expect(await store.connections.tokens('acc_a', 'con_a')).toMatchObject({ version: 1 });
      });

      test('a portal that is installed again keeps its id and the day it was first connected', async () => {
        await store.connections.disconnect('acc_a', 'con_a', 'uninstalled', T0);
        expect(await store.connections.listConnected()).toEqual([]);
        expect(await store.connections.get('acc_a', 'con_a')).toMatchObject({
          status: 'disconnected',
          statusReason: 'uninstalled',
        });
        const again = a.connection({ id: 'con_new', connectedAt: T0 + DAY, scopes: ['oauth'] });
        const outcome = await store.connections.connect(again, { ...a.tokens, accessToken: 'new' });
        expect(outcome).toEqual({ result: 'connected', connection: a.connection({ scopes: ['oauth'] }) });
        expect(await store.connections.tokens('acc_a', 'con_a')).toEqual({
          ...a.tokens,
          accessToken: 'new',
          version: 2,
        });
      });

      test('of two refreshes that saw the same tokens only the first replaces them', async () => {
        const other = await subject.again();
        const fresh = { accessToken: 'fresh', refreshToken: 'r', expiresAt: T0 + 2 };
        const results = await Promise.all([
          store.connections.replaceTokens('acc_a', 'con_a', 1, fresh),
          other.connections.replaceTokens('acc_a', 'con_a', 1, fresh),
        ]);
        expect(results.sort()).toEqual([false, true]);
        expect(await store.connections.tokens('acc_a', 'con_a')).toEqual({ ...fresh, version: 2 });
        await other.close();
      });

      test('the tokens of every account are listed once each, page by page, with their owners', async () => {
        for (const [account, connection] of [
          ['acc_b', 'con_1'],
          ['acc_b', 'con_2'],
          ['acc_c', 'con_0'],
        ] as const) {
          if (!(await store.accounts.get(account))) await tenant(store, account, connection).create();
          else
            await store.connections.connect(
              { ...a.connection(), id: connection, accountId: account, externalId: connection },
              a.tokens,
            );
        }
        const seen = [];
        let after = null;
        for (;;) {
          const page: Awaited<ReturnType<typeof store.connections.listTokens>> = await store.connections.listTokens(
            after,
            2,
          );
          const last = page.at(-1);
          if (!last) break;
          expect(page.length).toBeLessThanOrEqual(2);
          seen.push(...page);
          after = last;
        }
        expect(seen.map(({ accountId, connectionId }) => `${accountId} ${connectionId}`)).toEqual([
          'acc_a con_a',
          'acc_b con_1',
          'acc_b con_2',
          'acc_c con_0',
        ]);
        expect(seen[0]).toEqual({ accountId: 'acc_a', connectionId: 'con_a', ...a.tokens, version: 1 });
      });

      test('what an admin says of its duplicate rules is kept, also when it is installed again', async () => {
        await store.connections.setDuplicateRules('acc_b', 'con_a', 'allow');
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
        await store.connections.setDuplicateRules('acc_a', 'con_a', 'allow');
        await store.connections.connect(a.connection(), a.tokens);
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection({ duplicateRules: 'allow' }));
        await store.connections.setDuplicateRules('acc_a', 'con_a', 'respect');
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection({ duplicateRules: 'respect' }));
      });

      test('the share of its calls that an admin sets is kept, also when it is installed again, until it is taken back', async () => {
        await store.connections.setCallShare('acc_b', 'con_a', 30);
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
        await store.connections.setCallShare('acc_a', 'con_a', 30);
        await store.connections.connect(a.connection(), a.tokens);
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection({ callShare: 30 }));
        await store.connections.setCallShare('acc_a', 'con_a', null);
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection());
      });

      test('what the CRM says of itself is kept', async () => {
        const about = { homeCurrency: 'JPY', timeZone: null, uiHost: 'app-eu1.hubspot.com' };
        await store.connections.describe('acc_a', 'con_a', about);
        expect(await store.connections.get('acc_a', 'con_a')).toEqual(a.connection(about));
      });

      test('an OAuth state can be taken once, and not after it has expired', async () => {
        const state = { stateHash: 'h1', accountId: 'acc_a', provider: 'hubspot', expiresAt: T0 + 10 };
        await store.connections.saveState(state);
        await store.connections.saveState({ ...state, stateHash: 'h2' });
        expect(await store.connections.takeState('h1', T0)).toEqual(state);
        expect(await store.connections.takeState('h1', T0)).toBeNull();
        expect(await store.connections.takeState('h2', T0 + 10)).toBeNull();
        expect(await store.connections.takeState('unknown', T0)).toBeNull();
      });

      test('a mapping is appended when it differs from the newest, also when it goes back to an earlier one', async () => {
        const entry = { pipelineId: 'p', stageId: 's', pipelineLabel: 'P', stageLabel: 'S', stage: 'won' } as const;
        expect(await store.connections.mapping('acc_a', 'con_a')).toBeNull();
        await store.connections.saveMapping('acc_a', 'con_a', 'm1', [entry], T0);
        await store.connections.saveMapping('acc_a', 'con_a', 'm1', [entry], T0 + 1);
        expect(await countOf('mappings')).toBe(1);
        await store.connections.saveMapping('acc_a', 'con_a', 'm2', [], T0 + 2);
        await store.connections.saveMapping('acc_a', 'con_a', 'm1', [entry], T0 + 3);
        expect(await store.connections.mapping('acc_a', 'con_a')).toEqual({ version: 'm1', entries: [entry] });
        expect(await countOf('mappings')).toBe(3);
      });

      test('a mapping that was made of another version than the newest is refused: what was said meanwhile is not lost', async () => {
        const entry = { pipelineId: 'p', stageId: 's', pipelineLabel: 'P', stageLabel: 'S', stage: 'won' } as const;
        const said = { ...entry, stage: 'qualified', byMetadata: 'won' } as const;
        const save = (version: string, of: typeof entry | typeof said, basis: string | null) =>
          store.connections.saveMapping('acc_a', 'con_a', version, [of], T0, { basis });
        expect(await save('m1', entry, 'm0')).toBe(false);
        expect(await store.connections.mapping('acc_a', 'con_a')).toBeNull();
        expect(await save('m1', entry, null)).toBe(true);
        expect(await save('m2', said, 'm1')).toBe(true);
        expect(await save('m3', entry, 'm1')).toBe(false);
        expect(await save('m2', said, 'm1')).toBe(true);
        expect(await store.connections.mapping('acc_a', 'con_a')).toEqual({ version: 'm2', entries: [said] });
        expect(await countOf('mappings')).toBe(2);
      });

      test('a version of a mapping says which dry run it was saved on, and keeps the one that it was saved on first', async () => {
        const save = (version: string, dryRunId?: string) =>
          store.connections.saveMapping('acc_a', 'con_a', version, [], T0, { dryRunId });
        await save('m1', 'dry_1');
        await save('m1', 'dry_2');
        expect(await store.connections.mapping('acc_a', 'con_a')).toEqual({
          version: 'm1',
          entries: [],
          dryRunId: 'dry_1',
        });
        await save('m2');
        expect(await store.connections.mapping('acc_a', 'con_a')).toEqual({ version: 'm2', entries: [] });
      });

      test('the sweep remembers how far it has come with each object', async () => {
        await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 });
        await store.connections.setSweepMark('acc_a', 'con_a', { object: 'contact', upTo: T0 + 1 });
        await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 + 2 });
        expect(await store.connections.sweepMarks('acc_a', 'con_a')).toEqual([
          { object: 'contact', upTo: T0 + 1 },
          { object: 'deal', upTo: T0 + 2 },
        ]);
      });

      test('connected again knows what was known of the portal, until that is read anew', async () => {
        const about = { homeCurrency: 'CHF', timeZone: 'Europe/Zurich', uiHost: 'app.example.com' };
        await store.connections.describe('acc_a', 'con_a', about);
        await store.connections.disconnect('acc_a', 'con_a', 'uninstalled', T0);
        const unread = { homeCurrency: null, timeZone: null, uiHost: null };
        const again = await store.connections.connect({ ...a.connection(), ...unread }, a.tokens);
        expect(again).toMatchObject({ result: 'connected', connection: { status: 'connected', ...about } });
      });
    });

    describe('programs', () => {
      const rule = {
        key: 'member-reward',
        name: 'Member reward',
        party: 'member',
        amount: { kind: 'fixed', money: { minor: 10n ** 15n, currency: 'EUR' } },
        conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 100n, currency: 'EUR' } }],
        holdDays: 14,
        payout: 'credit',
      } as const;

      test('a version is read back as it was published, amounts to the last digit', async () => {
        const published = await store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [rule] }, T0);
        expect(published).toEqual({ programId: 'prg', name: 'P', version: 1, publishedAt: T0, rules: [rule] });
        expect(await store.programs.versions('acc_a')).toEqual([published]);
      });

      test('the same rules make no new version, other rules make the next', async () => {
        const publish = (rules: readonly (typeof rule)[], now: number) =>
          store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules }, now);
        await publish([rule], T0);
        const { payout, ...rest } = rule;
        expect(await publish([{ payout, ...rest }], T0 + 1)).toMatchObject({ version: 1, publishedAt: T0 });
        expect(await publish([], T0 + 2)).toMatchObject({ version: 2 });
        expect(await publish([rule], T0 + 3)).toMatchObject({ version: 3 });
        expect((await store.programs.versions('acc_a')).map(({ version }) => version)).toEqual([1, 2, 3]);
      });

      test('what is published later holds later, also by a node whose clock is behind', async () => {
        const publish = (holdDays: number, now: number) =>
          store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [{ ...rule, holdDays }] }, now);
        await publish(1, T0);
        expect(await publish(2, T0 - 240_000)).toMatchObject({ version: 2, publishedAt: T0 });
        expect((await store.programs.versions('acc_a')).map(({ version }) => version)).toEqual([1, 2]);
      });

      test('two admins who publish at once make two versions', async () => {
        const other = await subject.again();
        const publish = (at: Store, holdDays: number) =>
          at.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [{ ...rule, holdDays }] }, T0);
        const versions = await Promise.all([
          publish(store, 1),
          publish(other, 2),
          publish(store, 3),
          publish(other, 4),
        ]);
        expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4]);
        await other.close();
      });

      test('the end of a program is a version of its own, and so is its opening again', async () => {
        const of = { programId: 'prg', name: 'P' };
        await store.programs.publish('acc_a', { ...of, rules: [rule] }, T0);
        const end = { ...of, rules: [], isRetired: true, note: 'The season is over.' } as const;
        expect(await store.programs.publish('acc_a', end, T0 + 1)).toEqual({ ...end, version: 2, publishedAt: T0 + 1 });
        expect(await store.programs.publish('acc_a', end, T0 + 2)).toMatchObject({ version: 2 });
        const kept = { ...of, rules: [rule], openReferrals: 'keep' } as const;
        expect(await store.programs.publish('acc_a', kept, T0 + 3)).toEqual({
          ...kept,
          version: 3,
          publishedAt: T0 + 3,
        });
        expect(await store.programs.publish('acc_a', { ...of, rules: [rule] }, T0 + 4)).toMatchObject({ version: 4 });
      });
    });

    describe('dry runs', () => {
      test.each(TRIED)('of $kind are read back as they were seen, to the last digit', async (of) => {
        const run = dryRunOf(of);
        await store.dryRuns.keep('acc_a', run);
        expect(await store.dryRuns.get('acc_a', run.id)).toEqual(run);
        expect(await store.dryRuns.get('acc_a', 'dry_2')).toBeNull();
      });

      test('that a node of the version before keeps are of programs', async () => {
        await subject.sql(`insert into dry_runs (account_id, id, program_id, content_hash, report, made_by, made_at)
          values ('acc_a', 'dry_1', 'prg', 'h', '{}', 'an admin', ${T0})`);
        expect(await store.dryRuns.get('acc_a', 'dry_1')).toMatchObject({ of: { kind: 'program', programId: 'prg' } });
      });

      test('are never changed, and an account’s own', async () => {
        await store.dryRuns.keep('acc_a', dryRunOf({ kind: 'attribution_policy' }));
        await expect(store.dryRuns.keep('acc_a', dryRunOf({ kind: 'program', programId: 'p' }))).rejects.toThrow();
        await expect(subject.sql("update dry_runs set made_by = 'x'")).rejects.toThrow();
        expect(await store.dryRuns.get('acc_b', 'dry_1')).toBeNull();
      });
    });

    describe('exchange rates', () => {
      const usd = (day: string, perBase: string, until = day) => ({
        currency: 'USD',
        base: 'EUR',
        day,
        until,
        perBase,
        source: 'ECB',
      });
      const FRIDAY = usd('2026-01-02', '1.1000000001', '2026-01-04');

      test('are read back to the last digit, the newest first, and from a day on', async () => {
        const rates = [FRIDAY, usd('2026-01-05', '1.2'), usd('2026-01-08', '1.3')];
        expect(await store.rates.enter('acc_a', rates, 'Ada', T0)).toEqual({ kind: 'entered', added: 4 });
        const all = await store.rates.list('acc_a', 'USD', { limit: 9, before: null });
        expect(all.map(({ day, until, perBase }) => `${day} ${until} ${perBase}`)).toEqual([
          '2026-01-08 2026-01-08 1.3',
          '2026-01-06 2026-01-07 1.2',
          '2026-01-05 2026-01-05 1.2',
          '2026-01-02 2026-01-04 1.1000000001',
        ]);
        expect(await store.rates.list('acc_a', 'USD', { limit: 1, before: '2026-01-06' })).toEqual([rates[1]]);
        expect(await store.rates.all('acc_a', '2026-01-04')).toHaveLength(4);
        expect(await store.rates.all('acc_a', '2026-01-05')).toHaveLength(3);
        expect(await store.rates.all('acc_b')).toEqual([]);
      });

      test('are entered all or none, and once', async () => {
        await store.rates.enter('acc_a', [FRIDAY], 'Ada', T0);
        const wrong = [usd('2026-01-05', '1.2'), usd('2026-01-03', '1.2')];
        expect(await store.rates.enter('acc_a', wrong, 'Ada', T0)).toMatchObject({
          kind: 'refused',
          at: 1,
          problem: 'not_after',
        });
        expect(await store.rates.enter('acc_a', [FRIDAY], 'Bob', T0)).toEqual({ kind: 'entered', added: 0 });
        expect(await store.rates.all('acc_a')).toEqual([FRIDAY]);
      });

      test('of two who enter the same at once one is heard', async () => {
        const other = await subject.again();
        const results = await Promise.all([
          store.rates.enter('acc_a', [FRIDAY], 'Ada', T0),
          other.rates.enter('acc_a', [FRIDAY], 'Bob', T0),
        ]);
        expect(results.map((result) => (result.kind === 'entered' ? result.added : -1)).sort()).toEqual([0, 1]);
        await other.close();
      });

      test('wake every deal that waits for one of their currency, and no other', async () => {
        const waiting = Array.from({ length: 1_100 }, (_, index) => ({
          on: { owner: 'rates', key: 'rate', currency: index === 0 ? 'GBP' : 'USD' },
          record: a.ref('deal', String(index)),
          since: T0,
        }));
        await a.write({ waiting });
        await subject.sql('delete from work');
        await store.rates.enter('acc_a', [FRIDAY], 'Ada', T0);
        expect(await columnOf('select record_id from wakes', 'record_id')).toHaveLength(1_099);
        expect(await columnOf('select currency from tally_waits', 'currency')).toEqual(['GBP']);
      });
    });

    describe('program drafts', () => {
      const content = { programId: 'prg', name: 'P', rules: [] };
      const save = (at: Store, revision: number, by: string, name = 'P') =>
        at.programDrafts.save('acc_a', { ...content, name }, { revision, by, now: T0 + revision });

      test('each change is put on top of the one that was read, and all hands are remembered', async () => {
        expect(await save(store, 0, 'Ada', '=cmd\u0000')).toMatchObject({ kind: 'saved' });
        expect(await save(store, 1, 'Bob', 'Q')).toEqual({
          kind: 'saved',
          draft: {
            content: { ...content, name: 'Q' },
            revision: 2,
            editors: ['Ada', 'Bob'],
            changedBy: 'Bob',
            changedAt: T0 + 1,
          },
        });
        expect(await save(store, 1, 'Cem', 'R')).toMatchObject({ kind: 'changed', draft: { revision: 2 } });
        expect(await store.programDrafts.get('acc_a', 'prg')).toMatchObject({ revision: 2, content: { name: 'Q' } });
      });

      test('of those who save at once one is heard', async () => {
        const other = await subject.again();
        const kinds = async (revision: number) =>
          (
            await Promise.all([
              save(store, revision, 'Ada'),
              save(other, revision, 'Bob'),
              save(other, revision, 'Cem'),
            ])
          )
            .map(({ kind }) => kind)
            .sort();
        expect(await kinds(0)).toEqual(['changed', 'changed', 'saved']);
        expect(await kinds(1)).toEqual(['changed', 'changed', 'saved']);
        await other.close();
      });

      test('is published once, in the revision that was read, and is gone with that', async () => {
        const other = await subject.again();
        await save(store, 0, 'Ada');
        await save(store, 1, 'Ada');
        const publish = (at: Store, revision: number) => at.programs.publishDraft('acc_a', content, revision, T0);
        expect(await publish(store, 1)).toBeNull();
        const published = await Promise.all([publish(store, 2), publish(other, 2)]);
        expect(published.filter((version) => version !== null)).toMatchObject([{ version: 1 }]);
        expect(await store.programDrafts.list('acc_a')).toEqual([]);
        expect(await store.programDrafts.discard('acc_a', 'prg', 2)).toBe(false);
        await other.close();
      });

      test("is nobody else's", async () => {
        await store.accounts.create({ id: 'acc_b', name: 'B', createdAt: T0 });
        await save(store, 0, 'Ada');
        expect(await store.programDrafts.get('acc_b', 'prg')).toBeNull();
        expect(await store.programDrafts.list('acc_b')).toEqual([]);
        expect(await store.programDrafts.discard('acc_b', 'prg', 1)).toBe(false);
        expect(await store.programs.publishDraft('acc_b', content, 1, T0)).toBeNull();
      });
    });

    describe('receive', () => {
      test('a hint seen twice changes nothing the second time', async () => {
        expect(await store.inbox.append(a.of, [hint('e1', ['1']), hint('e2', ['2'])], T0)).toEqual({
          accepted: 2,
          duplicates: 0,
        });
        const before = await subject.sql('select * from work order by record_id');
        expect(await store.inbox.append(a.of, [hint('e1', ['1']), hint('e2', ['2'])], T0 + 5)).toEqual({
          accepted: 0,
          duplicates: 2,
        });
        expect(await subject.sql('select * from work order by record_id')).toEqual(before);
        expect(await countOf('inbox')).toBe(2);
      });

      test('a hint twice in one delivery counts once', async () => {
        expect(await store.inbox.append(a.of, [hint('e1', ['1']), hint('e1', ['1'])], T0)).toEqual({
          accepted: 1,
          duplicates: 1,
        });
      });

      test('the same event key from two portals is two events', async () => {
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        expect(await store.inbox.append(b.of, [hint('e1', ['1'])], T0)).toMatchObject({ accepted: 1 });
      });

      test('every record of a hint is asked for, once, and the hint is kept as it came', async () => {
        const came = hint('e1', ['1', '2'], { kind: 'association' });
        await store.inbox.append(a.of, [came, hint('e2', ['2'])], T0);
        const items = await store.work.claim(claiming('c'));
        expect(items.map(({ record, wanted, erase }) => [record.id, wanted, erase])).toEqual([
          ['1', 1, false],
          ['2', 2, false],
        ]);
        const [row] = await subject.sql("select payload, records, kind from inbox where event_key = 'e1'");
        expect([JSON.parse(String(row?.payload)), JSON.parse(String(row?.records)), row?.kind]).toEqual([
          came.payload,
          came.records,
          'association',
        ]);
      });

      test('echoes of our own writes and ignored events are kept and ask for nothing', async () => {
        const outcome = await store.inbox.append(
          a.of,
          [hint('e1', ['1'], { echo: true }), hint('e2', [], { kind: 'ignored' })],
          T0,
        );
        expect(outcome).toEqual({ accepted: 2, duplicates: 0 });
        expect(await countOf('inbox')).toBe(2);
        expect(await store.work.counts(T0)).toEqual({ due: 0, claimed: 0, later: 0, parked: 0 });
      });

      test('a privacy deletion marks its record to be forgotten, and a later hint does not unmark it', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'], { kind: 'erasure' })], T0);
        await store.inbox.append(a.of, [hint('e2', ['1'])], T0);
        expect(await store.work.claim(claiming('c'))).toMatchObject([{ erase: true, wanted: 2 }]);
      });

      test('a delivery of many thousand records arrives whole', async () => {
        const hints = Array.from({ length: 2_500 }, (_, index) => hint(`e${index}`, [`${index}`, `x${index}`]));
        expect(await store.inbox.append(a.of, hints, T0)).toEqual({ accepted: 2_500, duplicates: 0 });
        expect(await store.work.counts(T0)).toMatchObject({ due: 5_000 });
      });

      test('a delivery that cannot be kept fails alone, and says so', async () => {
        const broken = hint(null as unknown as string, ['1']);
        const outcomes = await Promise.allSettled([
          store.inbox.append(a.of, [hint('e1', ['1'])], T0),
          store.inbox.append(a.of, [hint('e2', ['2']), broken], T0),
          store.inbox.append(a.of, [hint('e3', ['3']), hint('e1', ['1'])], T0),
        ]);
        expect(outcomes.map((outcome) => ('value' in outcome ? outcome.value : outcome.status))).toEqual([
          { accepted: 1, duplicates: 0 },
          'rejected',
          { accepted: 1, duplicates: 1 },
        ]);
        expect((await store.work.claim(claiming('c'))).map(({ record, wanted }) => [record.id, wanted])).toEqual([
          ['1', 1],
          ['3', 1],
        ]);
      });

      test('deliveries at the same moment through two ways lose nothing and count each event once', async () => {
        const other = await subject.again();
        const keys = Array.from({ length: 40 }, (_, index) => `e${index}`);
        const outcomes = await Promise.all(
          keys.flatMap((key) =>
            [store, other].map((to) => to.inbox.append(a.of, [hint(key, ['1', '2']), hint(`${key}b`, ['2', '1'])], T0)),
          ),
        );
        expect(outcomes.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(80);
        expect(await countOf('inbox')).toBe(80);
        expect((await store.work.claim(claiming('c'))).map(({ wanted }) => wanted)).toEqual([80, 80]);
        await other.close();
      });
    });

    describe('work', () => {
      const ids = (items: readonly WorkItem[]) => items.map(({ record }) => record.id);

      test('the longest due come first, up to the limit', async () => {
        await store.inbox.append(a.of, [hint('e3', ['3'])], T0 - 1);
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0 - 3);
        await store.inbox.append(a.of, [hint('e2', ['2'])], T0 - 2);
        expect(ids(await store.work.claim(claiming('c1', T0, 2)))).toEqual(['1', '2']);
        expect(ids(await store.work.claim(claiming('c2', T0, 2)))).toEqual(['3']);
        expect(ids(await store.work.claim(claiming('c3', T0, 2)))).toEqual([]);
      });

      test('one claim is of one connection, the one that has waited longest', async () => {
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0 - 1);
        await store.inbox.append(b.of, [hint('e1', ['1', '2'])], T0 - 2);
        const first = await store.work.claim(claiming('c1'));
        expect(first.map(({ accountId, record }) => [accountId, record.connectionId, record.id])).toEqual([
          ['acc_b', 'con_b', '1'],
          ['acc_b', 'con_b', '2'],
        ]);
        expect(await store.work.claim(claiming('c2'))).toMatchObject([{ accountId: 'acc_a' }]);
      });

      test('two workers who claim at the same moment never get the same record', async () => {
        const other = await subject.again();
        const all = Array.from({ length: 200 }, (_, index) => String(index));
        await store.inbox.append(a.of, [hint('e', all)], T0);
        const claims = await Promise.all(
          Array.from({ length: 24 }, (_, index) =>
            (index % 2 ? store : other).work.claim(claiming(`c${index}`, T0, 10)),
          ),
        );
        const rest = await store.work.claim(claiming('rest', T0, 500));
        expect(claims.every((items) => items.length <= 10)).toBe(true);
        expect(ids([...claims.flat(), ...rest]).sort()).toEqual(all.sort());
        await other.close();
      });

      test('a claim whose lease has run out can be made anew, counts as an attempt, and the old one is worth nothing', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [lost] = await store.work.claim(claiming('lost'));
        expect(await store.work.claim(claiming('early', T0 + 59_999))).toEqual([]);
        const [held] = await store.work.claim(claiming('held', T0 + 60_000));
        expect([lost?.attempts, held?.attempts]).toEqual([0, 1]);
        if (!lost || !held) throw new Error('nothing was claimed');
        await store.work.release([lost]);
        await store.work.defer(lost, { runAt: T0, error: 'late', parked: true });
        expect(await store.cases.commit([a.commit({}, { settles: [lost] })])).toEqual(['stale']);
        expect(await store.work.counts(T0 + 60_000)).toEqual({ due: 0, claimed: 1, later: 0, parked: 0 });
        expect(await store.cases.commit([a.commit({}, { settles: [held] })])).toEqual(['committed']);
        expect(await countOf('work')).toBe(0);
      });

      test('work of a disconnected CRM waits, and goes on when it is connected again', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        await store.connections.disconnect('acc_a', 'con_a', 'uninstalled', T0);
        expect(await store.work.claim(claiming('c1'))).toEqual([]);
        expect(await store.work.nextDueAt()).toBeNull();
        expect(await store.work.counts(T0)).toEqual({ due: 0, claimed: 0, later: 1, parked: 0 });
        await store.connections.connect(a.connection(), a.tokens);
        expect(ids(await store.work.claim(claiming('c2')))).toEqual(['1']);
      });

      test('a record that failed comes back at its time, with the attempt counted', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.work.defer(item, { runAt: T0 + 500, error: 'the CRM is down', parked: false });
        expect(await store.work.claim(claiming('c2', T0 + 499))).toEqual([]);
        expect(await store.work.nextDueAt()).toBe(T0 + 500);
        expect(await store.work.claim(claiming('c3', T0 + 500))).toMatchObject([{ attempts: 1 }]);
      });

      test('a parked record is left alone until a new hint comes, and begins anew then', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.work.defer(item, { runAt: T0, error: 'refused', parked: true });
        expect(await store.work.claim(claiming('c2', T0 + DAY))).toEqual([]);
        expect(await store.work.counts(T0 + DAY)).toEqual({ due: 0, claimed: 0, later: 0, parked: 1 });
        expect(await store.reads.health('acc_a', 'con_a', T0)).toMatchObject({
          waiting: 0,
          parked: [{ object: 'deal', id: '1', error: 'refused', attempts: 1 }],
        });
        await store.inbox.append(a.of, [hint('e2', ['1'])], T0 + DAY);
        expect(await store.work.claim(claiming('c3', T0 + DAY))).toMatchObject([{ attempts: 0 }]);
      });

      test('a parked record is tried again when somebody asks', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.work.defer(item, { runAt: T0, error: 'refused', parked: true });
        await store.work.ask('acc_a', [{ record: a.ref('deal', '1'), at: T0 + 5 }]);
        expect(await store.work.claim(claiming('c2', T0 + 4))).toEqual([]);
        expect(ids(await store.work.claim(claiming('c3', T0 + 5)))).toEqual(['1']);
      });

      test('a record is not parked over a hint that came while it was being looked at', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.inbox.append(a.of, [hint('e2', ['1'])], T0 + 1);
        await store.work.defer(item, { runAt: T0 + 10, error: 'refused', parked: true });
        expect(ids(await store.work.claim(claiming('c2', T0 + 10)))).toEqual(['1']);
      });

      test('released records are due again at once, in their old place', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1', '2'])], T0 - 5);
        await store.inbox.append(a.of, [hint('e2', ['3'])], T0 - 1);
        const items = await store.work.claim(claiming('c1', T0, 2));
        await store.work.release(items);
        expect(await store.work.claim(claiming('c2', T0, 2))).toMatchObject([
          { record: { id: '1' }, attempts: 0 },
          { record: { id: '2' }, attempts: 0 },
        ]);
      });

      test('an earlier time that was asked for stays, and the later one is not forgotten', async () => {
        const record = a.ref('deal', '1');
        await store.work.ask('acc_a', [{ record, at: T0 + 10 }]);
        await store.work.ask('acc_a', [
          { record, at: T0 + 30 },
          { record, at: T0 + 20 },
        ]);
        for (const at of [10, 20, 30]) {
          expect(await store.work.nextDueAt()).toBe(T0 + at);
          const items = await store.work.claim(claiming(`c${at}`, T0 + at));
          expect(ids(items)).toEqual(['1']);
          await a.write({}, { settles: items });
        }
        expect(await store.work.nextDueAt()).toBeNull();
        expect([await countOf('work'), await countOf('wakes')]).toEqual([0, 0]);
      });

      test('a hint that is answered does not answer for the end of a hold', async () => {
        const record = a.ref('deal', '1');
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        await store.work.ask('acc_a', [{ record, at: T0 + DAY }]);
        const items = await store.work.claim(claiming('c1'));
        await a.write({}, { settles: items });
        expect(await store.work.claim(claiming('c2', T0 + DAY - 1))).toEqual([]);
        expect(ids(await store.work.claim(claiming('c3', T0 + DAY)))).toEqual(['1']);
      });

      test('what is asked for a later time while a record is looked at neither hurries nor is lost', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const items = await store.work.claim(claiming('c1'));
        await store.work.ask('acc_a', [{ record: a.ref('deal', '1'), at: T0 + DAY }]);
        await a.write({}, { settles: items });
        expect(await store.work.nextDueAt()).toBe(T0 + DAY);
      });

      test('whatever order hints, wakes, claims and deaths come in, everything asked for is looked at in time', async () => {
        await fc.assert(
          fc.asyncProperty(modelSteps, async (steps) => {
            await subject.sql('delete from work');
            await subject.sql('delete from wakes');
            await checkAgainstModel(store, a, steps);
          }),
          { numRuns: MODEL_RUNS[name] },
        );
      });
    });

    describe('commit', () => {
      test('a plan is read back as it was written', async () => {
        const member = a.member('mem_1', { contact: a.ref('contact', '10') });
        const referral = a.referral('ref_1', 'mem_1');
        const reward = a.reward('rwd_1', 'ref_1', {
          deal: a.ref('deal', '7'),
          money: { minor: 10n ** 15n, currency: 'JPY' },
          releaseAt: T0 + DAY,
          state: 'held',
        });
        const decision = a.decision('dec_1', 'ref_1', {
          deal: reward.deal,
          outcome: 'held',
          money: reward.money,
          rewardId: 'rwd_1',
          releaseAt: T0 + DAY,
        });
        const touch = a.touch('tch_1', { friend: a.ref('contact', 'friend-ref_1') });
        const journal = a.journal(reward, 'accrue', { decisionId: 'dec_1' });
        await a.write({
          members: [member],
          referrals: [referral],
          touches: [touch],
          decisions: [decision],
          rewards: [reward],
          journals: [journal],
        });
        expect(await a.load({ contactIds: ['friend-ref_1'] })).toEqual({
          members: [member],
          referrals: [referral],
          decisions: [decision],
          rewards: [reward],
          tallies: new Map(),
          tiers: [],
        });
        expect(await store.reads.touches('acc_a', a.ref('contact', 'friend-ref_1'))).toEqual([touch]);
        expect((await store.reads.journals('acc_a', { limit: 5, cursor: null }, {})).items).toEqual([journal]);
        expect(await store.reads.balances('acc_a')).toEqual([
          { account: 'expense:prg', currency: 'JPY', minor: 10n ** 15n },
          { account: 'payable:member:mem_1', currency: 'JPY', minor: -(10n ** 15n) },
        ]);
      });

      test('what a reward of the new kind carries is read back', async () => {
        await a.writePair();
        const use = { owner: 'mem_1', key: 'limit rule member-reward life', currency: 'EUR', count: 0, minor: 5_000n };
        const reward = a.reward('rwd_1', 'ref_1', {
          orderAt: T0 + DAY,
          review: 'approved',
          netted: 1_000n,
          clawedBack: 2_000n,
          uses: [use],
        });
        const granted = a.granted(reward);
        const calculation = [
          { step: 'percent', values: { percent: '5', amount: '1.00 EUR' }, result: '0.05 EUR' },
        ] as const;
        await a.write({ ...granted, decisions: (granted.decisions ?? []).map((one) => ({ ...one, calculation })) });
        const loaded = await a.load({ contactIds: ['friend-ref_1'] });
        expect(loaded.rewards).toEqual([reward]);
        expect(loaded.decisions[0]?.calculation).toEqual(calculation);
      });

      test('a budget is filled once for each entry, wakes who waits, and is told in pages', async () => {
        await store.programs.publish('acc_a', { programId: 'default', name: 'Friends', rules: [] }, T0);
        const entry = (id: string, minor: bigint) => ({
          id,
          money: { minor, currency: 'EUR' },
          by: 'finance',
          note: 'Q1',
        });
        const fill = (id: string, minor: bigint, at: number) =>
          store.programs.fillBudget('acc_a', 'default', entry(id, minor), at);
        const on = { owner: 'program default', key: 'budget', currency: 'EUR' };
        await a.write({ waiting: [{ on, record: a.ref('deal', '7'), since: T0 }] });
        expect(await fill('first', 500n, T0 + 1)).toEqual({
          kind: 'filled',
          entry: { ...entry('first', 500n), at: T0 + 1 },
        });
        expect(await fill('first', 500n, T0 + 2)).toEqual({
          kind: 'existing',
          entry: { ...entry('first', 500n), at: T0 + 1 },
        });
        expect(await fill('first', 501n, T0 + 3)).toEqual({ kind: 'other_entry' });
        expect(await fill('second', 200n, T0 + 4)).toMatchObject({ kind: 'filled' });
        expect(await store.programs.fillBudget('acc_a', 'other', entry('x', 1n), T0)).toEqual({
          kind: 'no_such_program',
        });
        expect(await store.programs.fillBudget('acc_b', 'default', entry('x', 1n), T0)).toEqual({
          kind: 'no_such_program',
        });
        expect(
          (await store.work.claim({ now: T0 + DAY, leaseMs: 1, limit: 5, claim: 'c' })).map(({ record }) => record.id),
        ).toEqual(['7']);
        const page = await store.programs.budget('acc_a', 'default', { limit: 1, cursor: null });
        expect(page?.left).toEqual([{ minor: 700n, currency: 'EUR' }]);
        expect(page?.entries.items.map(({ id }) => id)).toEqual(['second']);
        const rest = await store.programs.budget('acc_a', 'default', { limit: 1, cursor: page?.entries.next ?? null });
        expect(rest?.entries).toMatchObject({ items: [{ id: 'first' }], next: null });
        expect(await store.programs.budget('acc_b', 'default', { limit: 1, cursor: null })).toBeNull();
      });

      describe('tallies', () => {
        const won = { owner: 'mem_1', key: 'won', currency: '' };
        const limit = { owner: 'mem_1', key: 'limit rule r month 2026-03', currency: 'EUR' };
        const change = (
          of: typeof won,
          count: number,
          minor = 0n,
          basis: { count: number; minor: bigint } | null = null,
        ) => ({
          ...of,
          count,
          minor,
          basis,
        });

        test('are added to, whoever else adds, and read with their owners', async () => {
          await a.writePair();
          await a.write({ tallies: [change(won, 1)] });
          await a.write({ tallies: [change(won, 2), change(limit, 0, 500n)] });
          const { tallies } = await a.load({ contactIds: ['friend-ref_1'] });
          expect([...tallies.values()].sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
            { ...limit, count: 0, minor: 500n },
            { ...won, count: 3, minor: 0n },
          ]);
          expect(await store.reads.tally('acc_a', won)).toEqual({ count: 3, minor: 0n });
          expect(await store.reads.tally('acc_b', won)).toEqual({ count: 0, minor: 0n });
        });

        test('refuse a change that rests on another number, and nothing of its plan stays', async () => {
          await a.writePair();
          await a.write({ tallies: [change(limit, 0, 500n, { count: 0, minor: 0n })] });
          const late = a.commit({
            ...a.granted(a.reward('rwd_1', 'ref_1')),
            tallies: [change(limit, 0, 100n, { count: 0, minor: 0n })],
          });
          expect(await store.cases.commit([late])).toEqual(['conflict']);
          expect(await store.reads.reward('acc_a', 'rwd_1')).toBeNull();
          expect(await store.reads.tally('acc_a', limit)).toEqual({ count: 0, minor: 500n });
        });

        test('take changes that follow on one another in one commit, and refuse those behind one that is refused', async () => {
          await a.writePair();
          const first = a.commit({ tallies: [change(limit, 0, 100n, { count: 0, minor: 0n })] });
          const second = a.commit({ tallies: [change(limit, 0, 100n, { count: 0, minor: 100n })] });
          expect(await store.cases.commit([first, second])).toEqual(['committed', 'committed']);
          const wrong = a.commit({ tallies: [change(limit, 0, 100n, { count: 0, minor: 0n })] });
          const behind = a.commit({ tallies: [change(limit, 0, 100n, { count: 0, minor: 300n })] });
          const apart = a.commit({ tallies: [change(won, 1)] });
          expect(await store.cases.commit([wrong, behind, apart])).toEqual(['conflict', 'conflict', 'committed']);
          expect(await store.reads.tally('acc_a', limit)).toEqual({ count: 0, minor: 200n });
        });

        test('wake who waits for room, longest waiting first, once', async () => {
          await a.writePair();
          const waiting = (id: string, since: number) => ({ on: limit, record: a.ref('deal', id), since });
          await a.write({ tallies: [change(limit, 0, 500n)], waiting: [waiting('8', T0 + 2), waiting('9', T0 + 1)] });
          await a.write({ waiting: [waiting('9', T0 + 5)] });
          expect(await store.work.nextDueAt()).toBeNull();
          await a.write({ tallies: [change(limit, 0, 100n)] });
          expect(await store.work.nextDueAt()).toBeNull();
          await a.write({ tallies: [change(limit, 0, -100n)] });
          const claim = { now: T0 + DAY, leaseMs: 1_000, limit: 10, claim: 'c1' };
          expect((await store.work.claim(claim)).map(({ record }) => record.id)).toEqual(['9', '8']);
          await a.write({ tallies: [change(limit, 0, -100n)] });
          expect(await store.work.claim({ ...claim, claim: 'c2' })).toEqual([]);
        });
      });

      test('names that a text column cannot hold to the letter do not hold up a record', async () => {
        await a.write({ members: [a.member('mem_1', { name: 'A\u0000da 🦊 O’Neil "x"' })] });
        expect(await store.reads.member('acc_a', 'mem_1')).toMatchObject({ name: 'Ada 🦊 O’Neil "x"' });
      });

      test('an amount beyond a trillion is refused before anything is written', async () => {
        await a.writePair();
        const reward = a.reward('rwd_1', 'ref_1', { money: { minor: 12_345_678_901_234_567_890n, currency: 'EUR' } });
        await expect(store.cases.commit([a.commit(a.granted(reward))])).rejects.toThrow(RangeError);
        await expect(
          store.cases.commit([
            a.commit({ rewards: [a.reward('rwd_1', 'ref_1', { money: { minor: 10n ** 15n + 1n, currency: 'EUR' } })] }),
          ]),
        ).rejects.toThrow(RangeError);
        expect(await countOf('rewards')).toBe(0);
        expect(await countOf('postings')).toBe(0);
      });

      test('the database itself refuses an amount beyond a trillion', async () => {
        await a.writePair();
        await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
        await expect(subject.sql('update rewards set minor = 1000000000000001')).rejects.toThrow();
      });

      test('sums go beyond what a number holds without losing a digit', async () => {
        await a.writePair();
        const huge = Array.from({ length: 12 }, (_, index) =>
          a.reward(`rwd_${index}`, 'ref_1', { money: { minor: 10n ** 15n - 1n, currency: 'EUR' } }),
        );
        for (const reward of huge) await a.write(a.granted(reward));
        expect(await store.reads.balances('acc_a')).toContainEqual({
          account: 'expense:prg',
          currency: 'EUR',
          minor: 12n * (10n ** 15n - 1n),
        });
        const [source] = await store.mirror.sources('acc_a', [a.ref('contact', 'contact-mem_1')]);
        expect(source?.sums).toEqual([
          { state: 'approved', currency: 'EUR', minor: 12n * (10n ** 15n - 1n), count: 12 },
        ]);
      });

      test('a change names the version it has seen, and another version in the store is a conflict', async () => {
        const { member, referral } = await a.writePair();
        await a.write({ members: [{ ...member, name: 'New', version: 2 }] });
        expect(await store.reads.member('acc_a', 'mem_1')).toMatchObject({ name: 'New', version: 2 });
        const stale = [
          a.commit({ members: [{ ...member, name: 'Old', version: 2 }] }),
          a.commit({ members: [{ ...member, name: 'Ahead', version: 4 }] }),
          a.commit({ members: [{ ...member, name: 'Again', version: 1 }] }),
          a.commit({ members: [a.member('mem_unknown', { version: 2 })] }),
          a.commit({ referrals: [{ ...referral, version: 3 }] }),
          a.commit({ rewards: [a.reward('rwd_1', 'ref_1', { version: 2 })] }),
        ];
        expect(await store.cases.commit(stale)).toEqual(stale.map(() => 'conflict'));
        expect(await store.reads.member('acc_a', 'mem_1')).toMatchObject({ name: 'New', version: 2 });
      });

      test('a commit that fails leaves nothing behind and takes no other down', async () => {
        await a.writePair();
        const results = await store.cases.commit([
          a.commit({ members: [a.member('mem_2')] }),
          a.commit({
            members: [a.member('mem_3'), a.member('mem_1', { version: 7 })],
            mirror: [a.ref('contact', 'x')],
            wakes: [{ record: a.ref('deal', 'x'), at: T0 }],
          }),
          // The last part of this one fails: all that was written before it goes too.
          a.commit({
            members: [a.member('mem_5')],
            decisions: [a.decision('dec_1', 'ref_1'), a.decision('dec_2', 'ref_1')],
          }),
          a.commit({ members: [a.member('mem_4')] }),
        ]);
        expect(results).toEqual(['committed', 'conflict', 'conflict', 'committed']);
        const { items } = await store.reads.members('acc_a', { limit: 10, cursor: null });
        expect(items.map(({ id }) => id)).toEqual(['mem_4', 'mem_2', 'mem_1']);
        expect([await countOf('mirror'), await countOf('work')]).toEqual([0, 0]);
      });

      test('a commit whose claim is lost leaves nothing behind and is stale', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        const foreign = { ...item, claim: 'somebody else’s' };
        expect(
          await store.cases.commit([
            a.commit({ members: [a.member('mem_1')] }, { settles: [item, foreign] }),
            a.commit({ members: [a.member('mem_2')] }, { settles: [foreign] }),
            a.commit({ members: [a.member('mem_3')] }, { settles: [item] }),
          ]),
        ).toEqual(['stale', 'stale', 'committed']);
        expect((await store.reads.members('acc_a', { limit: 9, cursor: null })).items.map(({ id }) => id)).toEqual([
          'mem_3',
        ]);
      });

      test('a record that was hinted again while it was looked at stays due', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1', '2'])], T0);
        const items = await store.work.claim(claiming('c1'));
        await store.inbox.append(a.of, [hint('e2', ['2'])], T0 + 1);
        await a.write({}, { settles: items });
        expect(await store.work.claim(claiming('c2', T0 + 2))).toMatchObject([{ record: { id: '2' }, attempts: 0 }]);
      });

      test('a wake in the plan survives the settling of the same record, at its own time', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1', '2'])], T0);
        const items = await store.work.claim(claiming('c1'));
        await a.write(
          {
            wakes: [
              { record: a.ref('deal', '1'), at: T0 + DAY },
              { record: a.ref('deal', '2'), at: T0 - DAY },
            ],
          },
          { settles: items },
        );
        expect(await store.work.claim(claiming('c2'))).toMatchObject([{ record: { id: '2' } }]);
        expect(await store.work.claim(claiming('c3', T0 + DAY, 1))).toMatchObject([{ record: { id: '2' } }]);
        expect(await store.work.claim(claiming('c4', T0 + DAY, 1))).toMatchObject([{ record: { id: '1' } }]);
      });

      test('the same touch comes with every plan and is kept once, as it first was', async () => {
        await a.writePair();
        await a.write({ touches: [a.touch('tch_1')] });
        await a.write({ touches: [a.touch('tch_1', { at: T0 + 1 }), a.touch('tch_2')] });
        expect(
          (await store.reads.touches('acc_a', a.ref('contact', 'friend-1'))).map(({ id, at }) => [id, at]),
        ).toEqual([
          ['tch_1', T0],
          ['tch_2', T0],
        ]);
      });

      test('a decision of a chain is made once, whoever comes second', async () => {
        await a.writePair();
        await a.write({ decisions: [a.decision('dec_1', 'ref_1')] });
        expect(
          await store.cases.commit([
            a.commit({ decisions: [a.decision('dec_other', 'ref_1')] }),
            a.commit({ decisions: [a.decision('dec_1', 'ref_1', { sequence: 2 })] }),
            a.commit({ decisions: [a.decision('dec_2', 'ref_1', { sequence: 2 })] }),
          ]),
        ).toEqual(['conflict', 'conflict', 'committed']);
      });

      test('two nodes that decide the same at the same moment pay once', async () => {
        const other = await subject.again();
        await a.writePair();
        const plan = a.commit(a.granted(a.reward('rwd_1', 'ref_1')));
        const results = await Promise.all(
          Array.from({ length: 6 }, (_, index) => (index % 2 ? store : other).cases.commit([plan])),
        );
        expect(results.flat().sort()).toEqual(['committed', ...Array(5).fill('conflict')]);
        expect([await countOf('rewards'), await countOf('journals'), await countOf('intents')]).toEqual([1, 1, 1]);
        await other.close();
      });

      test('one deal has one standing reward per rule, whoever computed it', async () => {
        await a.writePair();
        await a.write({ referrals: [a.referral('ref_2', 'mem_1')] });
        const deal = a.ref('deal', '7');
        await a.write({ rewards: [a.reward('rwd_1', 'ref_1', { deal })] });
        for (const state of STANDING_STATES) {
          const second = a.commit({ rewards: [a.reward('rwd_2', 'ref_2', { deal, state })] });
          expect([state, ...(await store.cases.commit([second]))]).toEqual([state, 'conflict']);
        }
        expect(
          await store.cases.commit([
            a.commit({ rewards: [a.reward('rwd_3', 'ref_1', { deal, ruleKey: 'friend-reward' })] }),
            a.commit({ rewards: [a.reward('rwd_4', 'ref_1', { deal: a.ref('deal', '8') })] }),
            a.commit({ rewards: [a.reward('rwd_5', 'ref_2', { deal, state: 'voided' })] }),
            a.commit({ rewards: [a.reward('rwd_6', 'ref_2', { deal, reversalPending: true, state: 'issuing' })] }),
          ]),
        ).toEqual(Array(4).fill('committed'));
      });

      test('the database itself refuses a second standing reward', async () => {
        await a.writePair();
        const deal = a.ref('deal', '7');
        await a.write({
          rewards: [a.reward('rwd_1', 'ref_1', { deal }), a.reward('rwd_2', 'ref_1', { deal, state: 'voided' })],
        });
        await expect(subject.sql("update rewards set state = 'approved' where id = 'rwd_2'")).rejects.toThrow();
      });

      test('a plan may end one reward and grant the next on the same deal', async () => {
        await a.writePair();
        const deal = a.ref('deal', '7');
        const first = a.reward('rwd_1', 'ref_1', { deal });
        await a.write({ rewards: [first] });
        await a.write({
          rewards: [a.reward('rwd_2', 'ref_1', { deal }), { ...first, state: 'voided', version: 2 }],
        });
        expect(await store.reads.reward('acc_a', 'rwd_2')).toMatchObject({ state: 'approved' });
      });

      test('a friend has one referral per program, by contact or, before there is one, by address', async () => {
        const { referral } = await a.writePair();
        const byEmail = { name: null, email: 'x@example.com', contact: null };
        await a.write({ referrals: [a.referral('ref_2', 'mem_1', { friend: byEmail })] });
        expect(
          await store.cases.commit([
            a.commit({ referrals: [a.referral('ref_3', 'mem_1', { friend: referral.friend })] }),
            a.commit({ referrals: [a.referral('ref_4', 'mem_1', { friend: byEmail })] }),
            a.commit({ referrals: [a.referral('ref_5', 'mem_1', { friend: byEmail, programId: 'other' })] }),
            a.commit({
              referrals: [a.referral('ref_6', 'mem_1', { friend: { ...byEmail, contact: a.ref('contact', '99') } })],
            }),
            a.commit({ referrals: [a.referral('ref_7', 'mem_1', { friend: { ...byEmail, email: null } })] }),
            a.commit({ referrals: [a.referral('ref_8', 'mem_1', { friend: { ...byEmail, email: null } })] }),
          ]),
        ).toEqual(['conflict', 'conflict', 'committed', 'committed', 'committed', 'committed']);
      });

      test('a code and a contact belong to one member', async () => {
        const { member } = await a.writePair();
        expect(
          await store.cases.commit([
            a.commit({ members: [a.member('mem_2', { code: member.code })] }),
            a.commit({ members: [a.member('mem_3', { contact: member.contact })] }),
            a.commit({ members: [a.member('mem_4', { contact: null }), a.member('mem_5', { contact: null })] }),
          ]),
        ).toEqual(['conflict', 'conflict', 'committed']);
      });

      test('an order is placed once per reward, and not again after it was withdrawn', async () => {
        await a.writePair();
        const reward = a.reward('rwd_1', 'ref_1');
        await a.write(a.granted(reward));
        expect(await store.cases.commit([a.commit({ intents: [intentFor(reward)] })])).toEqual(['conflict']);
        expect(await store.cases.commit([a.commit({ intents: [{ ...intentFor(reward), id: 'pay_other' }] })])).toEqual([
          'conflict',
        ]);
        await a.write({ cancelledIntentIds: [intentFor(reward).id] });
        expect(await store.payouts.claim(claiming('c1'))).toEqual([]);
        expect(await store.cases.commit([a.commit({ intents: [intentFor(reward)] })])).toEqual(['conflict']);
      });

      test('an order can be withdrawn until it is picked up; one that never was there needs no withdrawing', async () => {
        await a.writePair();
        const reward = a.reward('rwd_1', 'ref_1');
        await a.write(a.granted(reward));
        await a.write({ cancelledIntentIds: ['pay_never_placed'] });
        const [payout] = await store.payouts.claim(claiming('c1'));
        const withdraw = a.commit({ cancelledIntentIds: [intentFor(reward).id] });
        expect(await store.cases.commit([withdraw])).toEqual(['conflict']);
        if (!payout) throw new Error('nothing was claimed');
        expect(await store.payouts.settle(payout, planOf())).toBe(true);
        expect(await store.cases.commit([withdraw])).toEqual(['conflict']);
      });

      test('records are remembered as last read', async () => {
        const old = a.deal('7', { name: 'Old', contactIds: ['1', '2'] });
        const young = a.deal('7', { name: 'Young', contactIds: ['2', '3'] });
        await a.write({}, { snapshots: [{ facts: old, readAt: T0 + 4 }] });
        await a.write(
          {},
          {
            snapshots: [
              { facts: young, readAt: T0 + 5 },
              { facts: a.contact('2'), readAt: T0 },
            ],
          },
        );
        expect(await store.reads.deals('acc_a', [a.ref('deal', '7')])).toEqual([young]);
        const people = [a.ref('contact', '1'), a.ref('contact', '3')];
        expect(await store.reads.dealsOfContacts('acc_a', people, 5)).toEqual(
          new Map([[recordKey(a.ref('contact', '3')), [young]]]),
        );
        expect(await store.cases.knownContacts('acc_a', 'con_a', ['1', '2'])).toEqual([
          { facts: a.contact('2'), version: 1 },
        ]);
        expect(await store.reads.readTimes('acc_a', 'con_a', 'deal', ['7', '8'])).toEqual(
          new Map([['7', { at: T0 + 5, modifiedAt: null }]]),
        );
      });

      test('which state of a record was read is remembered beside its facts, and is none of them', async () => {
        const facts = a.deal('7');
        const known = async () => ({
          state: (await store.reads.readTimes('acc_a', 'con_a', 'deal', ['7'])).get('7')?.modifiedAt,
          version: (await store.cases.recordVersions('acc_a', 'con_a', 'deal', ['7'])).get('7'),
          facts: await store.reads.deals('acc_a', [a.ref('deal', '7')]),
        });
        await a.write({}, { snapshots: [{ facts: { ...facts, modifiedAt: T0 - 9 }, readAt: T0 }] });
        expect(await known()).toEqual({ state: T0 - 9, version: 1, facts: [facts] });
        await a.write({}, { snapshots: [{ facts: { ...facts, modifiedAt: T0 - 5 }, readAt: T0 + 1 }] });
        expect(await known()).toEqual({ state: T0 - 5, version: 1, facts: [facts] });
        await a.write({}, { snapshots: [{ facts, readAt: T0 + 2 }] });
        expect(await known()).toEqual({ state: null, version: 1, facts: [facts] });
      });

      test('who meets a record that others have decided on does not undo that it was read, unless it is another by now', async () => {
        const facts = a.deal('7');
        const read = async () => (await store.reads.readTimes('acc_a', 'con_a', 'deal', ['7'])).get('7')?.at ?? 0;
        await a.write({}, { snapshots: [{ facts, readAt: T0 + 4 }] });
        await a.write({}, { snapshots: [{ facts, readAt: 0 }] });
        expect(await read()).toBe(T0 + 4);
        await a.write(
          {},
          {
            snapshots: [
              { facts, readAt: T0 + 5 },
              { facts, readAt: 0 },
            ],
          },
        );
        expect(await read()).toBe(T0 + 5);
        await a.write({}, { snapshots: [{ facts: a.deal('7', { name: 'Other' }), readAt: 0 }] });
        expect(await read()).toBe(0);
      });

      test('a record’s version rises with other facts, not with the same ones read again', async () => {
        const facts = a.deal('7');
        const version = async () =>
          (await store.cases.recordVersions('acc_a', 'con_a', 'deal', ['7', '8'])).get('7') ?? 0;
        expect(await version()).toBe(0);
        await a.write({}, { snapshots: [{ facts, readAt: T0 }] });
        expect(await version()).toBe(1);
        await a.write({}, { snapshots: [{ facts, readAt: T0 + 1 }] });
        expect(await version()).toBe(1);
        await a.write({}, { snapshots: [{ facts: a.deal('7', { name: 'Renamed' }), readAt: T0 + 2 }] });
        expect(await version()).toBe(2);
      });

      test.each([
        ['known before', 1],
        ['unknown before', 0],
      ])('whoever read a record %s decides on nothing once others have kept other facts of it', async (_, basis) => {
        const first = a.deal('7', { name: 'First' });
        const late = a.deal('7', { name: 'Late' });
        if (basis === 1) await a.write({}, { snapshots: [{ facts: a.deal('7'), readAt: T0 }] });
        await a.write({}, { snapshots: [{ facts: first, readAt: T0 + 1 }] });
        await store.inbox.append(a.of, [hint('e1', ['7'])], T0);
        const items = await store.work.claim(claiming('c1', T0));
        const commit = a.commit(
          { members: [a.member('mem_1')] },
          { settles: items, snapshots: [{ facts: late, readAt: T0, basis }] },
        );
        expect(await store.cases.commit([commit])).toEqual(['outdated']);
        expect(await store.reads.member('acc_a', 'mem_1')).toBeNull();
        expect(await store.reads.deals('acc_a', [a.ref('deal', '7')])).toEqual([first]);
        // The claim is still there, to be given back.
        await store.work.release(items);
        expect(await store.work.claim(claiming('c2', T0))).toHaveLength(1);
      });

      test('whoever read the very facts that others have kept meanwhile may go on', async () => {
        const facts = a.deal('7', { name: 'Same' });
        await a.write({}, { snapshots: [{ facts, readAt: T0 + 1 }] });
        const commit = a.commit({}, { snapshots: [{ facts, readAt: T0, basis: 0 }] });
        expect(await store.cases.commit([commit])).toEqual(['committed']);
      });

      test('whoever takes a person for granted decides on nothing once others have read something else', async () => {
        await a.write({}, { snapshots: [{ facts: a.contact('1'), readAt: T0 }] });
        const restsOn = (basis: number) => a.commit({}, { restsOn: [{ ref: a.ref('contact', '1'), basis }] });
        expect(await store.cases.commit([restsOn(1)])).toEqual(['committed']);
        await a.write({}, { snapshots: [{ facts: a.contact('1', { referredByIds: ['2'] }), readAt: T0 + 1 }] });
        expect(await store.cases.commit([restsOn(1)])).toEqual(['outdated']);
        expect(await store.cases.commit([restsOn(0)])).toEqual(['outdated']);
        expect(await store.cases.commit([restsOn(2)])).toEqual(['committed']);
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        const foreign = b.commit({}, { restsOn: [{ ref: a.ref('contact', '1'), basis: 0 }] });
        expect(await store.cases.commit([foreign])).toEqual(['committed']);
      });

      test('a record that was merged into another is remembered no more, and what was read of it before is refused', async () => {
        await a.write({}, { snapshots: [{ facts: a.contact('1'), readAt: T0 }] });
        const late = a.commit({}, { restsOn: [{ ref: a.ref('contact', '1'), basis: 1 }] });
        await a.write({}, { snapshots: [{ facts: a.contact('2', { formerIds: ['1', '3'] }), readAt: T0 + 1 }] });
        const known = await store.cases.knownContacts('acc_a', 'con_a', ['1', '2', '3']);
        expect(known.map(({ facts: { ref, presence } }) => `${ref.id} ${presence}`).sort()).toEqual([
          '1 deleted',
          '2 present',
        ]);
        expect(await store.cases.commit([late])).toEqual(['outdated']);
      });

      test('a record that was gone and is back is written to the CRM again, if it shows anything of ours', async () => {
        await a.writePair();
        const reward = a.reward('rwd_1', 'ref_1', { deal: a.ref('deal', '7') });
        await a.write(a.granted(reward));
        const facts = [a.contact('contact-mem_1'), a.contact('friend-ref_1'), a.contact('stranger')];
        const deals = [a.deal('7'), a.deal('8')];
        const read = (presence: 'present' | 'deleted') => ({
          snapshots: [...facts, ...deals].map((one) => ({ facts: { ...one, presence }, readAt: T0 })),
        });
        const marked = async () => {
          const now = T0 + DAY;
          const items = [
            ...(await store.mirror.claim(claiming('c1', now))),
            ...(await store.mirror.claim(claiming('c2', now))),
          ];
          await store.mirror.acknowledge(
            items.map((item) => ({ item, hash: 'h' })),
            now,
          );
          return items.map(({ record }) => `${record.object} ${record.id}`).sort();
        };
        await a.write({}, read('present'));
        await a.write({}, read('deleted'));
        expect(await marked()).toEqual([]);
        await a.write({}, read('present'));
        expect(await marked()).toEqual(['contact contact-mem_1', 'contact friend-ref_1', 'deal 7']);
        await a.write({}, read('present'));
        expect(await marked()).toEqual([]);
      });

      test('a contact that leaves a deal, and a deal that is deleted or merged away, are off the list', async () => {
        const on = (ids: string[], rest = {}) => a.deal('7', { contactIds: ids, ...rest });
        await a.write({}, { snapshots: [{ facts: on(['1', '2']), readAt: T0 }] });
        await a.write({}, { snapshots: [{ facts: on(['2']), readAt: T0 + 1 }] });
        const dealsOf = async (id: string) =>
          [...(await store.reads.dealsOfContacts('acc_a', [a.ref('contact', id)], 5)).values()]
            .flat()
            .map(({ ref }) => ref.id);
        expect([await dealsOf('1'), await dealsOf('2')]).toEqual([[], ['7']]);
        expect(await store.cases.contactsOfDeals('acc_a', 'con_a', ['7', '8'])).toEqual(new Map([['7', ['2']]]));
        expect(await store.cases.contactsOfDeals('acc_b', 'con_a', ['7'])).toEqual(new Map());
        const merged = a.deal('9', { contactIds: ['2'], formerIds: ['7'] });
        await a.write({}, { snapshots: [{ facts: merged, readAt: T0 + 2 }] });
        expect(await dealsOf('2')).toEqual(['9']);
        await a.write(
          {},
          { snapshots: [{ facts: a.deal('9', { presence: 'deleted', contactIds: ['2'] }), readAt: T0 + 3 }] },
        );
        expect(await dealsOf('2')).toEqual([]);
      });
    });

    describe('the ledger', () => {
      const post = (journal: string, line: number, minor: number, currency = 'EUR') =>
        `insert into postings (account_id, journal_id, line, ledger_account, currency, minor)
         values ('acc_a', '${journal}', ${line}, 'x', '${currency}', ${minor})`;
      const seal = (journal: string) =>
        `insert into journals (account_id, id, kind, reward_id, effective_at, recorded_at)
         values ('acc_a', '${journal}', 'accrue', 'rwd_1', 1, 1)`;

      beforeEach(async () => {
        await a.writePair();
        await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      });

      test('a plan whose journal does not add up is refused, with the fault that says so, and nothing is written', async () => {
        const reward = a.reward('rwd_2', 'ref_1');
        for (const postings of [
          [
            { account: 'a', minor: 5n, currency: 'EUR' },
            { account: 'b', minor: -4n, currency: 'EUR' },
          ],
          [
            { account: 'a', minor: 5n, currency: 'EUR' },
            { account: 'b', minor: -5n, currency: 'USD' },
          ],
          [],
          [{ account: 'a', minor: 0n, currency: 'EUR' }],
        ]) {
          const plan = { ...a.granted(reward), journals: [a.journal(reward, 'accrue', { postings })] };
          await expect(
            store.cases.commit([a.commit({ members: [a.member('mem_9')] }), a.commit(plan)]),
          ).rejects.toMatchObject({ code: 'ledger_unbalanced' });
        }
        expect(await store.reads.member('acc_a', 'mem_9')).toBeNull();
        expect(await countOf('rewards')).toBe(1);
      });

      test('the database itself refuses a journal that does not add up', async () => {
        const atOnce = (...statements: string[]) => subject.sql(['begin', ...statements, 'commit'].join(';\n'));
        await expect(atOnce(post('j1', 0, 5), post('j1', 1, -4), seal('j1'))).rejects.toThrow(/journal_unbalanced/);
        await expect(atOnce(post('j2', 0, 5), post('j2', 1, -5, 'USD'), seal('j2'))).rejects.toThrow(
          /journal_unbalanced/,
        );
        await expect(atOnce(post('j3', 0, 0), seal('j3'))).rejects.toThrow(/journal_unbalanced/);
        await expect(atOnce(seal('j4'))).rejects.toThrow(/journal_unbalanced/);
        await expect(atOnce(post('j5', 1, 5), post('j5', 2, -5), seal('j5'))).rejects.toThrow(/posting_out_of_order/);
        expect([await countOf('journals'), await countOf('postings')]).toEqual([1, 2]);
        await atOnce(post('j6', 0, 5), post('j6', 1, -5), seal('j6'));
        expect([await countOf('journals'), await countOf('postings')]).toEqual([2, 4]);
      });

      test('the database itself refuses a posting without a journal, and one for a journal that is sealed', async () => {
        await expect(subject.sql(post('orphan', 0, 5))).rejects.toThrow();
        const [id] = await columnOf('select id from journals', 'id');
        await expect(subject.sql(post(String(id), 2, 5))).rejects.toThrow(/journal_sealed/);
        expect(await countOf('postings')).toBe(2);
      });

      test('a journal is booked once', async () => {
        const reward = a.reward('rwd_1', 'ref_1');
        expect(await store.cases.commit([a.commit({ journals: [a.journal(reward, 'accrue')] })])).toEqual(['conflict']);
        expect([await countOf('journals'), await countOf('postings')]).toEqual([1, 2]);
      });

      test('what was recorded is never changed or deleted, not even by the database’s own user', async () => {
        await a.write({ touches: [a.touch('tch_1')] });
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        await store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [] }, T0);
        await store.connections.saveMapping('acc_a', 'con_a', 'm1', [], T0);
        for (const table of ['inbox', 'decisions', 'journals', 'postings', 'touches', 'programs', 'mappings']) {
          const before = await subject.sql(`select * from ${table}`);
          expect([table, before.length > 0]).toEqual([table, true]);
          await expect(subject.sql(`update ${table} set account_id = 'acc_x'`)).rejects.toThrow(/append_only/);
          await expect(subject.sql(`delete from ${table}`)).rejects.toThrow(/append_only/);
          expect(await subject.sql(`select * from ${table}`)).toEqual(before);
        }
      });

      test('no money is booked for a reward or a decision that does not exist', async () => {
        const reward = a.reward('rwd_unknown', 'ref_1');
        await expect(store.cases.commit([a.commit({ journals: [a.journal(reward, 'accrue')] })])).rejects.toThrow();
        await expect(
          store.cases.commit([
            a.commit({ journals: [a.journal(a.reward('rwd_1', 'ref_1'), 'issue', { decisionId: 'dec_unknown' })] }),
          ]),
        ).rejects.toThrow();
        expect(await countOf('journals')).toBe(1);
      });
    });

    describe('payouts', () => {
      const reward = () => a.reward('rwd_1', 'ref_1');
      const claimOne = async (claim = 'c1', now = T0) => {
        const [payout] = await store.payouts.claim(claiming(claim, now));
        if (!payout) throw new Error('nothing was claimed');
        return payout;
      };
      const issued = (of: { reward: ReturnType<typeof reward> }) =>
        planOf({
          rewards: [{ ...of.reward, state: 'issued', version: of.reward.version + 1 }],
          journals: [a.journal(of.reward, 'issue')],
        });

      beforeEach(async () => {
        await a.writePair();
        await a.write(a.granted(reward()));
      });

      test('an order is claimed with all that its provider needs, and its reward is being issued from then on', async () => {
        const payout = await claimOne();
        const stored = { ...reward(), state: 'issuing', version: 2, updatedAt: T0 };
        expect(payout).toEqual({
          accountId: 'acc_a',
          intent: intentFor(reward()),
          reward: stored,
          referral: a.referral('ref_1', 'mem_1'),
          claim: 'c1',
          attempts: 0,
        });
        expect(await store.reads.reward('acc_a', 'rwd_1')).toEqual(stored);
        expect(await store.payouts.counts(T0)).toEqual({ due: 0, claimed: 1, later: 0, parked: 0 });
        expect(await store.payouts.claim(claiming('c2'))).toEqual([]);
      });

      test('a settled order is done for good', async () => {
        const payout = await claimOne();
        expect(await store.payouts.settle(payout, issued(payout))).toBe(true);
        expect(await store.payouts.settle(payout, issued(payout))).toBe(false);
        expect(await store.reads.reward('acc_a', 'rwd_1')).toMatchObject({ state: 'issued', version: 3 });
        expect(await store.payouts.claim(claiming('c2', T0 + DAY))).toEqual([]);
        expect(await store.payouts.nextDueAt()).toBeNull();
      });

      test('orders that are settled at the same time are all done, and one whose reward has changed holds up none of the others', async () => {
        const others = ['rwd_2', 'rwd_3'].map((id) => a.reward(id, 'ref_1', { deal: a.ref('deal', id) }));
        for (const other of others) await a.write(a.granted(other));
        const payouts = await store.payouts.claim(claiming('c1'));
        expect(payouts.map((payout) => payout.reward.id).sort()).toEqual(['rwd_1', 'rwd_2', 'rwd_3']);
        const changed = payouts.find((payout) => payout.reward.id === 'rwd_2');
        if (!changed) throw new Error('it was not claimed');
        await a.write({
          rewards: [{ ...changed.reward, reversalPending: true, version: changed.reward.version + 1 }],
        });

        const settled = await Promise.all(payouts.map((payout) => store.payouts.settle(payout, issued(payout))));
        expect(settled).toEqual(payouts.map((payout) => payout !== changed));
        const states = await Promise.all(payouts.map((payout) => store.reads.reward('acc_a', payout.reward.id)));
        expect(states.map((found) => found?.state)).toEqual(
          payouts.map((payout) => (payout === changed ? 'issuing' : 'issued')),
        );
        expect(await countOf('journals')).toBe(3 + 2);
      });

      test('after a worker’s death the order goes out again under the same key, and only the new claim settles', async () => {
        const dead = await claimOne();
        const alive = await claimOne('c2', T0 + 60_000);
        expect(alive.intent).toEqual(dead.intent);
        expect(alive.reward.version).toBe(dead.reward.version);
        expect(alive.attempts).toBe(1);
        expect(await store.payouts.settle(dead, issued(dead))).toBe(false);
        expect(await store.payouts.settle(alive, issued(alive))).toBe(true);
        expect(await countOf('journals')).toBe(2);
      });

      test('a reward that changed while the provider was called is not settled over, and the claim still holds', async () => {
        const payout = await claimOne();
        const pending = { ...payout.reward, reversalPending: true, version: payout.reward.version + 1 };
        await a.write({ rewards: [pending] });
        expect(await store.payouts.settle(payout, issued(payout))).toBe(false);
        expect(await countOf('journals')).toBe(1);
        expect(await store.payouts.settle(payout, issued({ reward: pending }))).toBe(true);
        expect(await countOf('journals')).toBe(2);
      });

      test('an order is left alone unless its reward is approved or being issued', async () => {
        for (const state of ['held', 'in_review', 'issued', 'redeemed', 'failed', 'voided', 'expired', 'clawed_back']) {
          await subject.sql(`update rewards set state = '${state}' where id = 'rwd_1'`);
          expect([state, await store.payouts.claim(claiming('c1'))]).toEqual([state, []]);
        }
        expect(await store.reads.reward('acc_a', 'rwd_1')).toMatchObject({ version: 1 });
      });

      test('an order that cannot go out holds up none that can', async () => {
        await a.write(a.granted(a.reward('rwd_2', 'ref_1', { updatedAt: T0 + 1 })));
        await subject.sql("update rewards set state = 'in_review' where id = 'rwd_1'");
        const claimed = await store.payouts.claim(claiming('c1', T0 + 1, 1));
        expect(claimed.map(({ reward: { id } }) => id)).toEqual(['rwd_2']);
        await subject.sql("update rewards set state = 'approved' where id = 'rwd_1'");
        expect(await store.payouts.claim(claiming('c2', T0 + 1, 1))).toMatchObject([{ attempts: 0 }]);
      });

      test('an order that could not be carried out comes back at its time; a parked one does not', async () => {
        const payout = await claimOne();
        await store.payouts.defer(payout, { runAt: T0 + 500, error: 'unknown', parked: false });
        expect(await store.payouts.claim(claiming('c2', T0 + 499))).toEqual([]);
        expect(await store.payouts.counts(T0 + 499)).toEqual({ due: 0, claimed: 0, later: 1, parked: 0 });
        expect(await store.payouts.nextDueAt()).toBe(T0 + 500);
        const again = await claimOne('c3', T0 + 500);
        expect([again.attempts, again.reward.state]).toEqual([1, 'issuing']);
        await store.payouts.defer(again, { runAt: T0, error: 'refused', parked: true });
        expect(await store.payouts.claim(claiming('c4', T0 + DAY))).toEqual([]);
        expect(await store.payouts.counts(T0 + DAY)).toEqual({ due: 0, claimed: 0, later: 0, parked: 1 });
      });

      test('everything parked of an account, and of no other, gets another chance when a person asks', async () => {
        await store.inbox.append(a.of, [hint('e1', ['77'])], T0);
        const [item] = await store.work.claim(claiming('w', T0, 1));
        if (!item) throw new Error('no work');
        await store.work.defer(item, { runAt: T0, error: 'refused', parked: true });
        await store.payouts.defer(await claimOne(), { runAt: T0, error: 'refused', parked: true });
        expect(await store.retryParked('acc_b', T0 + 5)).toBe(0);
        expect(await store.payouts.claim(claiming('c2', T0 + 5))).toEqual([]);
        expect(await store.retryParked('acc_a', T0 + 5)).toBe(2);
        expect((await claimOne('c3', T0 + 5)).attempts).toBe(0);
        expect(await store.work.claim(claiming('w2', T0 + 5, 1))).toMatchObject([
          { record: { id: '77' }, attempts: 0 },
        ]);
        expect(await store.retryParked('acc_a', T0 + 6)).toBe(0);
      });

      test('a lost claim cannot put an order back', async () => {
        const dead = await claimOne();
        const alive = await claimOne('c2', T0 + 60_000);
        await store.payouts.defer(dead, { runAt: T0, error: 'late', parked: true });
        expect(await store.payouts.settle(alive, issued(alive))).toBe(true);
      });

      test('two workers who claim at the same moment never get the same order', async () => {
        const other = await subject.again();
        for (let index = 2; index < 40; index += 1) await a.write(a.granted(a.reward(`rwd_${index}`, 'ref_1')));
        const claims = await Promise.all(
          Array.from({ length: 16 }, (_, index) =>
            (index % 2 ? store : other).payouts.claim(claiming(`c${index}`, T0, 4)),
          ),
        );
        const rest = await store.payouts.claim(claiming('rest'));
        const taken = [...claims.flat(), ...rest].map(({ intent }) => intent.id);
        expect([taken.length, new Set(taken).size]).toEqual([39, 39]);
        await other.close();
      });

      test('an order is either withdrawn or carried out, never both', async () => {
        const other = await subject.again();
        for (let index = 2; index < 22; index += 1) {
          const next = a.reward(`rwd_${index}`, 'ref_1');
          await a.write(a.granted(next));
          const withdraw = a.commit({
            cancelledIntentIds: [intentFor(next).id],
            rewards: [{ ...next, state: 'voided', version: 2 }],
            journals: [a.journal(next, 'void')],
          });
          const [claimed, [withdrawn]] = await Promise.all([
            other.payouts.claim(claiming(`c${index}`)),
            store.cases.commit([withdraw]),
          ]);
          const isOut = claimed.some(({ intent }) => intent.id === intentFor(next).id);
          expect([isOut, withdrawn]).toEqual(isOut ? [true, 'conflict'] : [false, 'committed']);
        }
        await other.close();
      });
    });

    describe('mirror', () => {
      const contact = (id: string) => a.ref('contact', id);

      test('many changes to a record are one write, and the newest is what it acknowledges', async () => {
        await a.write({ mirror: [contact('1')] });
        await a.write({ mirror: [contact('1'), contact('1')] });
        const items = await store.mirror.claim(claiming('c1'));
        expect(items).toMatchObject([{ record: contact('1'), wanted: 2, ackedHash: null, attempts: 0 }]);
        await store.mirror.acknowledge(
          items.map((item) => ({ item, hash: 'h1' })),
          T0,
        );
        expect(await store.mirror.claim(claiming('c2', T0 + DAY))).toEqual([]);
        await a.write({ mirror: [contact('1')] });
        expect(await store.mirror.claim(claiming('c3', T0 + DAY))).toMatchObject([{ ackedHash: 'h1', wanted: 3 }]);
      });

      test('whoever takes over from a worker that died does not trust what was acknowledged before: it may have written', async () => {
        await a.write({ mirror: [contact('1')] });
        const items = await store.mirror.claim(claiming('c1'));
        await store.mirror.acknowledge(
          items.map((item) => ({ item, hash: 'h1' })),
          T0,
        );
        await a.write({ mirror: [contact('1')] });
        expect(await store.mirror.claim(claiming('c2', T0))).toMatchObject([{ ackedHash: 'h1' }]);
        expect(await store.mirror.claim(claiming('c3', T0 + DAY))).toMatchObject([{ ackedHash: null, attempts: 1 }]);
      });

      test('one claim is of one connection and one kind of record', async () => {
        await a.write({ mirror: [contact('1'), a.ref('deal', '1'), contact('2')] });
        const claims = [
          await store.mirror.claim(claiming('c1')),
          await store.mirror.claim(claiming('c2')),
          await store.mirror.claim(claiming('c3')),
        ];
        expect(claims.map((items) => items.map(({ record }) => `${record.object} ${record.id}`)).sort()).toEqual([
          [],
          ['contact 1', 'contact 2'],
          ['deal 1'],
        ]);
      });

      test('a deal that is due does not make the contact of the same number due', async () => {
        await a.write({ mirror: [contact('1')] });
        const items = await store.mirror.claim(claiming('c1'));
        await store.mirror.acknowledge(
          items.map((item) => ({ item, hash: 'h' })),
          T0,
        );
        await a.write({ mirror: [contact('2'), a.ref('deal', '1')] });
        const claims = [await store.mirror.claim(claiming('c2')), await store.mirror.claim(claiming('c3'))];
        expect(
          claims
            .flat()
            .map(({ record }) => `${record.object} ${record.id}`)
            .sort(),
        ).toEqual(['contact 2', 'deal 1']);
      });

      test('a version asked for while the write was under way stays due', async () => {
        await a.write({ mirror: [contact('1')] });
        const [item] = await store.mirror.claim(claiming('c1'));
        await a.write({ mirror: [contact('1')] });
        expect(await store.mirror.claim(claiming('c2'))).toEqual([]);
        if (!item) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item, hash: 'h1' }], T0);
        const [again] = await store.mirror.claim(claiming('c3'));
        if (again?.wanted !== 2) throw new Error('the second version was not claimed');
        await store.mirror.acknowledge([{ item: again, hash: 'h2' }], T0);
        await a.write({ mirror: [contact('1')] });
        const [third] = await store.mirror.claim(claiming('c4'));
        await a.write({ mirror: [contact('1')] });
        if (!third) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: third, hash: 'h3' }], T0);
        expect(await store.mirror.claim(claiming('c5'))).toMatchObject([{ wanted: 4, ackedHash: 'h3' }]);
      });

      test('what was repaired while a write was under way is written again, whatever that write acknowledges', async () => {
        await a.write({ mirror: [contact('1')] });
        const [first] = await store.mirror.claim(claiming('c1'));
        if (!first) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: first, hash: 'h1' }], T0);
        await a.write({ mirror: [contact('1')] });
        const [second] = await store.mirror.claim(claiming('c2'));
        if (!second) throw new Error('nothing was claimed');
        await store.mirror.markAll('acc_a', 'con_a', T0);
        await store.mirror.acknowledge([{ item: second, hash: 'h1' }], T0);
        expect(await store.mirror.claim(claiming('c3'))).toMatchObject([{ ackedHash: null }]);
      });

      test('a write without an answer is made up for also when somebody else has taken the record over', async () => {
        await a.write({ mirror: [contact('1')] });
        const [lost] = await store.mirror.claim(claiming('c1'));
        const [other] = await store.mirror.claim(claiming('c2', T0 + 60_000));
        if (!lost || !other) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: other, hash: 'h2' }], T0 + 60_001);
        const unsureUntil = T0 + 90_000;
        await store.mirror.defer(lost, { runAt: T0 + 60_002, error: 'no answer', parked: false, unsureUntil });
        expect(await store.mirror.claim(claiming('c3', unsureUntil - 1))).toEqual([]);
        expect(await store.mirror.claim(claiming('c4', unsureUntil))).toMatchObject([{ ackedHash: null }]);
      });

      test('a write whose lease ran out acknowledges nothing, and is followed by one more: it may have come last', async () => {
        await a.write({ mirror: [contact('1')] });
        const [lost] = await store.mirror.claim(claiming('c1'));
        const [other] = await store.mirror.claim(claiming('c2', T0 + 60_000));
        if (!lost || !other) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: other, hash: 'h2' }], T0 + 60_001);
        await store.mirror.acknowledge([{ item: lost, hash: 'h1' }], T0 + 60_002);
        expect(await store.mirror.claim(claiming('c3', T0 + 60_002))).toMatchObject([{ ackedHash: null }]);
      });

      test('nor does it put back or drop what another one holds', async () => {
        await a.write({ mirror: [contact('1')] });
        const [lost] = await store.mirror.claim(claiming('c1'));
        await store.mirror.claim(claiming('c2', T0 + 60_000));
        if (!lost) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: lost, hash: 'h1' }], T0);
        await store.mirror.defer(lost, { runAt: T0, error: 'late', parked: true });
        await store.mirror.drop(lost);
        expect(await store.mirror.counts(T0 + 60_000)).toEqual({ due: 0, claimed: 1, later: 0, parked: 0 });
      });

      test('a write that failed comes back at its time; a parked one when something new is to be written', async () => {
        await a.write({ mirror: [contact('1')] });
        const [item] = await store.mirror.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.mirror.defer(item, { runAt: T0 + 9, error: 'locked', parked: false });
        expect(await store.mirror.nextDueAt()).toBe(T0 + 9);
        const [again] = await store.mirror.claim(claiming('c2', T0 + 9));
        expect(again).toMatchObject({ attempts: 1 });
        if (!again) throw new Error('nothing was claimed');
        await store.mirror.defer(again, { runAt: T0, error: 'refused', parked: true });
        expect(await store.mirror.claim(claiming('c3', T0 + DAY))).toEqual([]);
        expect(await store.reads.health('acc_a', 'con_a', T0)).toMatchObject({ mirrorWaiting: 0, mirrorParked: 1 });
        await a.write({ mirror: [contact('1')] });
        expect(await store.mirror.claim(claiming('c4', T0 + DAY))).toMatchObject([{ attempts: 0 }]);
      });

      test('a record that is gone is written no more, unless it was asked for again meanwhile', async () => {
        await a.write({ mirror: [contact('1'), contact('2')] });
        const items = await store.mirror.claim(claiming('c1'));
        await a.write({ mirror: [contact('2')] });
        for (const item of items) await store.mirror.drop(item);
        expect(await columnOf('select record_id from mirror', 'record_id')).toEqual(['2']);
        expect(await store.mirror.claim(claiming('c2'))).toMatchObject([{ record: contact('2') }]);
      });

      test('a record that a write did not find, and that is back when it is read, is written again', async () => {
        const facts = a.contact('1');
        const read = [{ facts, readAt: T0 }];
        await a.write(
          { members: [a.member('mem_1', { contact: facts.ref })], mirror: [facts.ref] },
          { snapshots: read },
        );
        const [item] = await store.mirror.claim(claiming('c1'));
        if (!item) throw new Error('nothing was claimed');
        await store.mirror.drop(item);
        expect(await store.mirror.claim(claiming('c2', T0 + DAY))).toEqual([]);
        await a.write({}, { snapshots: read });
        expect(await store.mirror.claim(claiming('c3', T0 + DAY))).toMatchObject([{ record: facts.ref }]);
      });

      test('a write without an answer leaves nothing acknowledged, whatever the clock says when the next one is made', async () => {
        await a.write({ mirror: [contact('1')] });
        const [first] = await store.mirror.claim(claiming('c1'));
        if (!first) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: first, hash: 'h1' }], T0);
        await a.write({ mirror: [contact('1')] });
        const [second] = await store.mirror.claim(claiming('c2'));
        if (!second) throw new Error('nothing was claimed');
        expect(second.ackedHash).toBe('h1');
        await store.mirror.defer(second, { runAt: T0, error: 'no answer', parked: false, unsureUntil: T0 + 30_000 });
        expect(await store.mirror.claim(claiming('c3', T0 + DAY))).toMatchObject([{ ackedHash: null }]);
      });

      test('what was written while an earlier write may still be on its way is written once more when that is over', async () => {
        await a.write({ mirror: [a.ref('contact', '1')] });
        const write = async (claim: string, now: number) => {
          const [item] = await store.mirror.claim(claiming(claim, now));
          if (!item) throw new Error('nothing was claimed');
          return item;
        };
        const lost = await write('c1', T0);
        await store.mirror.defer(lost, { runAt: T0 + 1, error: 'no answer', parked: false, unsureUntil: T0 + 100 });
        await store.mirror.acknowledge([{ item: await write('c2', T0 + 1), hash: 'new' }], T0 + 2);
        expect(await store.mirror.claim(claiming('c3', T0 + 99))).toEqual([]);
        const again = await write('c4', T0 + 100);
        expect(again.ackedHash).toBeNull();
        await store.mirror.acknowledge([{ item: again, hash: 'new' }], T0 + 101);
        expect(await store.mirror.claim(claiming('c5', T0 + DAY))).toEqual([]);
        await a.write({ mirror: [a.ref('contact', '1')] });
        expect((await write('c6', T0 + DAY)).ackedHash).toBe('new');
      });

      test('a write that is answered when no earlier one can be on its way any more is made again, if it was begun when one could', async () => {
        await a.write({ mirror: [a.ref('contact', '1')] });
        const claim = async (name: string, now: number) => (await store.mirror.claim(claiming(name, now)))[0];
        const lost = await claim('c1', T0);
        if (!lost) throw new Error('nothing was claimed');
        await store.mirror.defer(lost, { runAt: T0 + 1, error: 'no answer', parked: false, unsureUntil: T0 + 100 });
        const slow = await claim('c2', T0 + 1);
        if (!slow) throw new Error('nothing was claimed');
        await store.mirror.acknowledge([{ item: slow, hash: 'new' }], T0 + 150, T0 + 1);
        const again = await claim('c3', T0 + 150);
        expect(again?.ackedHash).toBeNull();
        if (again) await store.mirror.acknowledge([{ item: again, hash: 'new' }], T0 + 160, T0 + 151);
        expect(await claim('c4', T0 + DAY)).toBeUndefined();
      });

      test('after a repair every mirrored record of the connection is written again, whatever was acknowledged', async () => {
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        await b.write({ mirror: [b.ref('contact', '1')] });
        await store.connections.disconnect('acc_b', 'con_b', 'so that it is not claimed here', T0);
        await a.write({ mirror: [contact('1'), contact('2')] });
        const items = await store.mirror.claim(claiming('c1'));
        await store.mirror.acknowledge(
          items.map((item) => ({ item, hash: 'h' })),
          T0,
        );
        expect(await store.mirror.markAll('acc_a', 'con_a', T0 + 1)).toBe(2);
        expect((await store.mirror.claim(claiming('c2', T0 + 1))).map(({ ackedHash }) => ackedHash)).toEqual([
          null,
          null,
        ]);
      });

      test('a repair of a large connection marks all of it, piece by piece, and leaves what is about to be written as it is', async () => {
        const contacts = Array.from({ length: 4_100 }, (_, index) => contact(String(index)));
        await a.write({ mirror: [...contacts, a.ref('deal', '1')] });
        expect(await store.mirror.markAll('acc_a', 'con_a', T0)).toBe(0);
        const [claimed] = await store.mirror.claim({ ...claiming('c1'), limit: 1 });
        expect(await store.mirror.markAll('acc_a', 'con_a', T0)).toBe(1);
        if (claimed) await store.mirror.acknowledge([{ item: claimed, hash: 'h' }], T0);
        await subject.sql(`update mirror set acked_hash = 'h', due_at = null, claim = null`);
        expect(await store.mirror.markAll('acc_a', 'con_a', T0 + 1)).toBe(4_101);
        expect(await store.mirror.counts(T0 + 1)).toMatchObject({ due: 4_101 });
        expect(await subject.sql(`select record_id from mirror where acked_hash is not null`)).toEqual([]);
      });

      test('the mirror of a disconnected CRM waits', async () => {
        await a.write({ mirror: [contact('1')] });
        await store.connections.disconnect('acc_a', 'con_a', 'uninstalled', T0);
        expect(await store.mirror.claim(claiming('c1'))).toEqual([]);
        expect(await store.mirror.nextDueAt()).toBeNull();
      });

      test('a member’s card adds up referrals and rewards, as member and as friend', async () => {
        await a.writePair();
        const friendToo = a.referral('ref_2', 'mem_2', {
          friend: { name: null, email: null, contact: a.ref('contact', 'contact-mem_1') },
        });
        await a.write({
          members: [a.member('mem_2')],
          referrals: [friendToo, a.referral('ref_3', 'mem_1', { stage: 'won' })],
        });
        const rewards = [
          a.reward('rwd_1', 'ref_1', { createdAt: T0 }),
          a.reward('rwd_2', 'ref_3', { createdAt: T0 + 2, state: 'held' }),
          a.reward('rwd_3', 'ref_2', {
            createdAt: T0 + 1,
            party: 'friend',
            beneficiaryId: 'ref_2',
            money: { minor: 7n, currency: 'EUR' },
          }),
          a.reward('rwd_4', 'ref_2', { beneficiaryId: 'mem_2' }),
        ];
        await a.write({ rewards });
        const [source, stranger] = await store.mirror.sources('acc_a', [
          a.ref('contact', 'contact-mem_1'),
          a.ref('contact', 'stranger'),
        ]);
        expect(source).toEqual({
          record: a.ref('contact', 'contact-mem_1'),
          member: a.member('mem_1'),
          referrals: 2,
          wonReferrals: 1,
          sums: [
            { state: 'approved', currency: 'EUR', minor: 5007n, count: 2 },
            { state: 'held', currency: 'EUR', minor: 5000n, count: 1 },
          ],
          lastReward: rewards[1],
          tier: null,
          referral: friendToo,
          referrer: a.member('mem_2'),
          decisions: [],
          rewards: [],
        });
        expect(stranger).toEqual({
          record: a.ref('contact', 'stranger'),
          member: null,
          referrals: 0,
          wonReferrals: 0,
          sums: [],
          lastReward: null,
          tier: null,
          referral: null,
          referrer: null,
          decisions: [],
          rewards: [],
        });
      });

      test('a deal’s card shows the newest decision of each rule and all rewards, also of ids merged into it', async () => {
        const { referral, member } = await a.writePair();
        const deal = a.ref('deal', '7');
        const former = a.ref('deal', '3');
        const rewards = [
          a.reward('rwd_1', 'ref_1', { deal: former, state: 'voided', createdAt: T0 }),
          a.reward('rwd_2', 'ref_1', { deal, createdAt: T0 + 2 }),
        ];
        const decisions = [
          a.decision('dec_1', 'ref_1', { deal: former, rewardId: 'rwd_1', recordedAt: T0 }),
          a.decision('dec_2', 'ref_1', { deal, sequence: 2, rewardId: 'rwd_2', recordedAt: T0 + 1 }),
          a.decision('dec_3', 'ref_1', { deal, ruleKey: 'friend-reward', recordedAt: T0 }),
        ];
        await a.write(
          { rewards, decisions },
          { snapshots: [{ facts: a.deal('7', { formerIds: ['3'] }), readAt: T0 }] },
        );
        const [source] = await store.mirror.sources('acc_a', [deal]);
        expect(source).toMatchObject({ referral, referrer: member, member: null });
        expect(source?.decisions.map(({ id }) => id)).toEqual(['dec_2', 'dec_3']);
        expect(source?.rewards.map(({ id }) => id)).toEqual(['rwd_2', 'rwd_1']);
      });

      test('a deal with two friends shows the one whose reward stands', async () => {
        await a.writePair();
        const deal = a.ref('deal', '7');
        await a.write({ referrals: [a.referral('ref_0', 'mem_1', { submittedAt: T0 - 5 })] });
        await a.write({
          rewards: [a.reward('rwd_1', 'ref_1', { deal })],
          decisions: [
            a.decision('dec_1', 'ref_1', { deal, outcome: 'rewarded', rewardId: 'rwd_1' }),
            a.decision('dec_2', 'ref_0', {
              deal,
              reason: { code: 'other_referral_credited', values: {} },
              recordedAt: T0 + 9,
            }),
          ],
        });
        const [source] = await store.mirror.sources('acc_a', [deal]);
        expect([source?.referral?.id, source?.decisions.map(({ id }) => id)]).toEqual(['ref_1', ['dec_1']]);
      });

      test('a contact whom several have referred shows the one who was first and was not declined, and tells of the others', async () => {
        const { referral, member } = await a.writePair();
        const contact = a.ref('contact', 'friend-ref_1');
        const [alone] = await store.mirror.sources('acc_a', [contact]);
        expect(alone).not.toHaveProperty('alsoReferred');
        const friend = { ...referral.friend, contact };
        const declined = a.referral('ref_0', 'mem_1', {
          programId: 'prg_0',
          submittedAt: T0 - 1,
          stage: 'declined',
          friend,
        });
        const later = a.referral('ref_2', 'mem_1', { programId: 'prg_2', submittedAt: T0 + 1, friend });
        await a.write({ referrals: [declined, later] });
        const [source] = await store.mirror.sources('acc_a', [contact]);
        expect(source).toMatchObject({ referral, referrer: member, alsoReferred: [declined, later] });
      });

      test('a contact that others were merged into tells of the members and the referrals that were theirs', async () => {
        const { referral } = await a.writePair();
        const gone = a.ref('contact', 'gone');
        const member = a.member('mem_9', { contact: gone });
        const joined = a.referral('ref_9', 'mem_1', {
          submittedAt: T0 + 1,
          friend: { ...referral.friend, contact: gone },
        });
        await a.write({ members: [member], referrals: [joined] });
        const kept = a.contact('friend-ref_1', { formerIds: ['gone'] });
        await a.write({}, { snapshots: [{ facts: kept, readAt: T0 }] });
        const [source] = await store.mirror.sources('acc_a', [kept.ref]);
        expect(source?.alsoReferred).toEqual([{ ...joined, friend: { ...joined.friend, contact: kept.ref } }]);
        expect(source?.alsoMembers).toMatchObject([{ member, referrals: 0, wonReferrals: 0, sums: [] }]);
        expect(source?.alsoReferrers?.map(({ id }) => id)).toEqual(['mem_1']);
      });

      test('two referrals of one program trade their contacts in one plan, and in no other way', async () => {
        const { referral } = await a.writePair();
        const other = a.referral('ref_8', 'mem_1', {
          friend: { ...referral.friend, contact: a.ref('contact', 'other') },
        });
        await a.write({ referrals: [other] });
        const own = { ...referral.friend, contact: a.ref('contact', 'friend-ref_1') };
        const traded = [
          { ...referral, friend: { ...referral.friend, contact: other.friend.contact }, version: referral.version + 1 },
          { ...other, friend: own, version: other.version + 1 },
        ];
        expect(await store.cases.commit([a.commit({ referrals: traded })])).toEqual(['conflict']);
        const contactsGivenUp = ['ref_1', 'ref_8'];
        expect(await store.cases.commit([a.commit({ referrals: traded, contactsGivenUp })])).toEqual(['committed']);
        expect((await store.reads.referral('acc_a', 'ref_1'))?.friend.contact?.id).toBe('other');
        expect((await store.reads.referral('acc_a', 'ref_8'))?.friend.contact?.id).toBe('friend-ref_1');
      });

      test('a deal that was another friend’s before tells of what was decided then', async () => {
        const { referral } = await a.writePair();
        await a.write({ referrals: [a.referral('ref_0', 'mem_1', { submittedAt: T0 - 1 })] });
        const deal = a.ref('deal', '7');
        await a.write({
          rewards: [a.reward('rwd_1', 'ref_1', { deal })],
          decisions: [
            a.decision('dec_0', 'ref_0', { deal, reason: { code: 'deal_detached', values: {} }, outcome: 'reversed' }),
            a.decision('dec_1', 'ref_1', { deal, outcome: 'rewarded', rewardId: 'rwd_1', recordedAt: T0 + 9 }),
          ],
        });
        const [source] = await store.mirror.sources('acc_a', [deal]);
        expect(source?.referral?.id).toBe(referral.id);
        expect(source?.alsoDecided?.map((one) => [one.referral.id, one.decisions.map(({ id }) => id)])).toEqual([
          ['ref_0', ['dec_0']],
        ]);
      });

      test('a deal that nothing was decided on yet shows the friend it is linked to, the one referred first', async () => {
        const { referral, member } = await a.writePair();
        await a.write({
          referrals: [
            a.referral('ref_2', 'mem_1', { submittedAt: T0 + 1 }),
            a.referral('ref_0', 'mem_1', { submittedAt: T0 - 1, stage: 'declined' }),
          ],
        });
        const contactIds = ['friend-ref_2', 'friend-ref_0', 'friend-ref_1'];
        await a.write({}, { snapshots: [{ facts: a.deal('7', { contactIds }), readAt: T0 }] });
        const [source] = await store.mirror.sources('acc_a', [a.ref('deal', '7')]);
        expect(source).toMatchObject({ referral, referrer: member, decisions: [], rewards: [] });
      });

      test('a hundred records of both kinds come back in the order they were asked for', async () => {
        await a.writePair();
        const records = Array.from({ length: 100 }, (_, index) => a.ref(index % 3 ? 'contact' : 'deal', String(index)));
        expect((await store.mirror.sources('acc_a', records)).map(({ record }) => record)).toEqual(records);
      });
    });

    describe('load', () => {
      test('people are found by contact, by address and by code', async () => {
        const { member, referral } = await a.writePair();
        const waiting = a.referral('ref_2', 'mem_1', { friend: { name: null, email: 'x@y.example', contact: null } });
        await a.write({ referrals: [waiting] });
        expect(await a.load({ codes: [member.code] })).toMatchObject({ members: [member], referrals: [] });
        expect(await a.load({ emails: [member.email ?? ''] })).toMatchObject({ members: [member], referrals: [] });
        expect(await a.load({ contactIds: ['contact-mem_1'] })).toMatchObject({ members: [member], referrals: [] });
        expect(await a.load({ contactIds: ['friend-ref_1'] })).toMatchObject({
          members: [member],
          referrals: [referral],
        });
        expect(await a.load({ emails: ['x@y.example'] })).toMatchObject({ members: [member], referrals: [waiting] });
        expect(await a.load({ contactIds: ['nobody'], emails: ['n@n'], codes: ['N'], dealIds: ['0'] })).toEqual({
          members: [],
          referrals: [],
          decisions: [],
          rewards: [],
          tallies: new Map(),
          tiers: [],
        });
      });

      test('a deal brings every friend it was decided for, with all of their decisions and rewards', async () => {
        await a.writePair();
        await a.write({ members: [a.member('mem_2')], referrals: [a.referral('ref_2', 'mem_2')] });
        const other = a.ref('deal', '8');
        await a.write({
          rewards: [a.reward('rwd_1', 'ref_2', { deal: other })],
          decisions: [
            a.decision('dec_1', 'ref_1', { deal: a.ref('deal', '7') }),
            a.decision('dec_2', 'ref_2', { deal: a.ref('deal', '7') }),
            a.decision('dec_3', 'ref_2', { deal: other, rewardId: 'rwd_1' }),
          ],
        });
        const loaded = await a.load({ dealIds: ['7'] });
        expect(loaded.referrals.map(({ id }) => id)).toEqual(['ref_1', 'ref_2']);
        expect(loaded.members.map(({ id }) => id)).toEqual(['mem_1', 'mem_2']);
        expect(loaded.decisions.map(({ id }) => id).sort()).toEqual(['dec_1', 'dec_2', 'dec_3']);
        expect(loaded.rewards.map(({ id }) => id)).toEqual(['rwd_1']);
      });

      test('who referred the referrer is found, up to twenty levels, from a code as well as from a referral', async () => {
        const level = (index: number) => a.ref('contact', `level-${index}`);
        const members = Array.from({ length: 25 }, (_, index) => a.member(`mem_${index}`, { contact: level(index) }));
        const referrals = Array.from({ length: 24 }, (_, index) =>
          a.referral(`ref_${index}`, `mem_${index + 1}`, {
            friend: { name: null, email: null, contact: level(index) },
          }),
        );
        await a.write({ members, referrals });
        const fromCode = await a.load({ codes: ['CODE-mem_0'] });
        expect(fromCode.referrals).toHaveLength(20);
        const fromFriend = await a.load({ contactIds: ['level-0'] });
        expect(fromFriend.referrals.length).toBeGreaterThanOrEqual(20);
        expect(fromFriend.members.some(({ id }) => id === 'mem_20')).toBe(true);
      });

      test('two who referred each other do not make it go round for ever', async () => {
        const members = [a.member('mem_1'), a.member('mem_2')];
        const referrals = [
          a.referral('ref_1', 'mem_1', {
            friend: { name: null, email: null, contact: a.ref('contact', 'contact-mem_2') },
          }),
          a.referral('ref_2', 'mem_2', {
            friend: { name: null, email: null, contact: a.ref('contact', 'contact-mem_1') },
          }),
        ];
        await a.write({ members, referrals });
        expect(await a.load({ contactIds: ['contact-mem_1'] })).toMatchObject({ members, referrals });
      });

      test('thousands of keys are no more than one', async () => {
        await a.writePair();
        const many = Array.from({ length: 70_000 }, (_, index) => `none-${index}`);
        const loaded = await a.load({
          contactIds: [...many, 'friend-ref_1'],
          dealIds: many,
          emails: many,
          codes: many,
        });
        expect(loaded.referrals.map(({ id }) => id)).toEqual(['ref_1']);
      });
    });

    describe('erasure', () => {
      test('names and addresses of a person are blanked wherever they stand, and the ledger stays', async () => {
        const contact = a.ref('contact', 'contact-mem_1');
        const email = 'mem_1@example.com';
        await a.writePair();
        await a.write(
          {
            referrals: [
              a.referral('ref_2', 'mem_1', { friend: { name: 'Known as friend', email, contact } }),
              a.referral('ref_3', 'mem_1', { friend: { name: 'By address', email, contact: null } }),
            ],
            ...a.granted(a.reward('rwd_1', 'ref_1')),
          },
          { snapshots: [{ facts: a.contact('contact-mem_1', { email }), readAt: T0 }] },
        );
        const balances = await store.reads.balances('acc_a');
        const facts = a.contact('contact-mem_1', { email, presence: 'deleted' });
        await a.write({}, { erase: [contact], snapshots: [{ facts, readAt: T0 + 1 }] });
        expect(await store.reads.member('acc_a', 'mem_1')).toMatchObject({
          name: null,
          email: null,
          contact,
          version: 2,
        });
        expect(await store.reads.referral('acc_a', 'ref_2')).toMatchObject({
          friend: { name: null, email: null },
          version: 2,
        });
        expect(await store.reads.referral('acc_a', 'ref_3')).toMatchObject({ friend: { name: null, email: null } });
        expect(await store.reads.referral('acc_a', 'ref_1')).toEqual(a.referral('ref_1', 'mem_1'));
        expect(await store.cases.knownContacts('acc_a', 'con_a', ['contact-mem_1'])).toMatchObject([
          { facts: { name: null, email: null } },
        ]);
        expect(await store.reads.balances('acc_a')).toEqual(balances);
        for (const table of Object.keys(TABLES)) {
          const text = JSON.stringify(await subject.sql(`select * from ${table}`));
          expect([table, text.includes(email) || text.includes('Name mem_1')]).toEqual([table, false]);
        }
      });

      test('a plan that was made before the person was forgotten cannot bring the name back', async () => {
        const { member } = await a.writePair();
        await a.write({}, { erase: [a.ref('contact', 'contact-mem_1')] });
        expect(await store.cases.commit([a.commit({ members: [{ ...member, name: 'Back', version: 2 }] })])).toEqual([
          'conflict',
        ]);
      });
    });

    describe('reads', () => {
      const page = (limit: number, cursor: { at: number; id: string } | null = null) => ({ limit, cursor });

      test('a person is found by id, address, contact and code', async () => {
        const { member } = await a.writePair();
        await a.write({ members: [a.member('mem_2', { email: member.email, createdAt: T0 + 1 })] });
        expect(await store.reads.member('acc_a', 'mem_1')).toEqual(member);
        expect(await store.reads.memberByEmail('acc_a', member.email ?? '')).toEqual(member);
        expect(await store.reads.memberByContact('acc_a', a.ref('contact', 'contact-mem_1'))).toEqual(member);
        expect(await store.reads.memberByCode('acc_a', 'CODE-mem_1')).toEqual(member);
        expect(await store.reads.memberByCode('acc_a', 'CODE-mem_9')).toBeNull();
        expect(await store.reads.accountOfCode('CODE-mem_1')).toBe('acc_a');
        expect(await store.reads.accountOfCode('CODE-mem_9')).toBeNull();
      });

      test('a referral is found by its friend: the contact first, then the address', async () => {
        const { referral } = await a.writePair();
        const waiting = a.referral('ref_2', 'mem_1', { friend: { name: null, email: 'x@y.example', contact: null } });
        await a.write({ referrals: [waiting] });
        const find = (email: string | null, contactId: string | null, programId = 'prg') =>
          store.reads.referralByFriend('acc_a', programId, {
            email,
            contact: contactId ? a.ref('contact', contactId) : null,
          });
        expect(await find('x@y.example', 'friend-ref_1')).toEqual(referral);
        expect(await find('x@y.example', 'unknown')).toEqual(waiting);
        expect(await find('x@y.example', null)).toEqual(waiting);
        expect(await find(referral.friend.email, null)).toEqual(referral);
        expect(await find('x@y.example', null, 'other')).toBeNull();
        expect(await find(null, null)).toBeNull();
      });

      test('pages are complete and stable, newest first, while rows are added', async () => {
        // Many at the same moment: the id decides, or a page boundary among them would lose or repeat some.
        const members = Array.from({ length: 23 }, (_, index) =>
          a.member(`mem_${String(index).padStart(2, '0')}`, { createdAt: T0 + Math.floor(index / 5) }),
        );
        await a.write({ members });
        const seen: string[] = [];
        let cursor: { at: number; id: string } | null = null;
        do {
          const { items, next } = await store.reads.members('acc_a', page(4, cursor));
          seen.push(...items.map(({ id }) => id));
          cursor = next;
          await a.write({ members: [a.member(`new_${seen.length}`, { createdAt: T0 + DAY })] });
        } while (cursor);
        const newestFirst = [...members].sort((x, y) => y.createdAt - x.createdAt || (x.id < y.id ? 1 : -1));
        expect(seen).toEqual(newestFirst.map(({ id }) => id));
      });

      test('a last page that is just full has no next', async () => {
        await a.write({ members: [a.member('mem_1'), a.member('mem_2')] });
        expect((await store.reads.members('acc_a', page(2))).next).toBeNull();
        expect((await store.reads.members('acc_a', page(1))).next).toEqual({ at: T0, id: 'mem_2' });
      });

      test('every list can be narrowed, and pages within what it was narrowed to', async () => {
        await a.writePair();
        await a.write({
          members: [a.member('mem_2')],
          referrals: [
            a.referral('ref_2', 'mem_2', { submittedAt: T0 + 2 }),
            a.referral('ref_3', 'mem_1', { submittedAt: T0 + 3, stage: 'won' }),
          ],
        });
        const states: RewardState[] = ['approved', 'held'];
        for (const [index, state] of states.entries()) {
          const reward = a.reward(`rwd_${index}`, `ref_${index + 1}`, {
            state,
            createdAt: T0 + index,
            deal: a.ref('deal', `${index}`),
          });
          await a.write(a.granted(reward));
        }
        const ids = (found: { items: readonly { id: string }[] }) => found.items.map(({ id }) => id);
        const { referrals, decisions, rewards, journals } = store.reads;
        expect(ids(await referrals('acc_a', page(9), {}))).toEqual(['ref_3', 'ref_2', 'ref_1']);
        expect(ids(await referrals('acc_a', page(9), { memberId: 'mem_1' }))).toEqual(['ref_3', 'ref_1']);
        expect(ids(await referrals('acc_a', page(9), { stage: 'won' }))).toEqual(['ref_3']);
        expect(ids(await referrals('acc_a', page(9), { memberId: 'mem_2', stage: 'won' }))).toEqual([]);
        const first = await referrals('acc_a', page(1), { memberId: 'mem_1' });
        expect(ids(await referrals('acc_a', page(1, first.next), { memberId: 'mem_1' }))).toEqual(['ref_1']);
        expect(ids(await decisions('acc_a', page(9), { referralId: 'ref_1' }))).toEqual(['dec_rwd_0']);
        expect(ids(await decisions('acc_a', page(9), { dealId: '1' }))).toEqual(['dec_rwd_1']);
        expect(ids(await rewards('acc_a', page(9), { state: 'held' }))).toEqual(['rwd_1']);
        expect(ids(await rewards('acc_a', page(9), { referralId: 'ref_1' }))).toEqual(['rwd_0']);
        const booked = await journals('acc_a', page(9), { rewardId: 'rwd_1' });
        expect(booked.items.map(({ rewardId, postings }) => [rewardId, postings.length])).toEqual([['rwd_1', 2]]);
      });

      test('of several referrals comes what was decided and what came of it, the newest of each up to the limit', async () => {
        await a.writePair();
        await a.write({ referrals: [a.referral('ref_2', 'mem_1')] });
        for (const [index, referralId] of ['ref_1', 'ref_1', 'ref_2'].entries()) {
          const deal = a.ref('deal', `${index}`);
          await a.write(a.granted(a.reward(`rwd_${index}`, referralId, { createdAt: T0 + index, deal })));
        }
        const { decisions, rewards } = await store.reads.ofReferrals('acc_a', ['ref_1', 'ref_2'], 1);
        expect(decisions.map(({ rewardId }) => rewardId).sort()).toEqual(['rwd_1', 'rwd_2']);
        expect(rewards.map(({ id }) => id)).toEqual(['rwd_2', 'rwd_1']);
        const all = await store.reads.ofReferrals('acc_a', ['ref_1'], 9);
        const page = { limit: 9, cursor: null };
        expect(all.decisions).toEqual((await store.reads.decisions('acc_a', page, { referralId: 'ref_1' })).items);
        expect(all.rewards).toEqual((await store.reads.rewards('acc_a', page, { referralId: 'ref_1' })).items);
      });

      test('deals of contacts come latest change first, up to the limit of each', async () => {
        const deals = [1, 2, 3].map((index) =>
          a.deal(String(index), {
            contactIds: index === 1 ? ['9', '10'] : ['9'],
            history: [{ at: T0 + index, pipelineId: 'p', stageId: 's', amount: null, currency: null }],
          }),
        );
        await a.write({}, { snapshots: deals.map((facts) => ({ facts, readAt: T0 })) });
        const [nine, ten] = [a.ref('contact', '9'), a.ref('contact', '10')];
        expect(await store.reads.dealsOfContacts('acc_a', [nine, ten], 2)).toEqual(
          new Map([
            [recordKey(nine), [deals[2], deals[1]]],
            [recordKey(ten), [deals[0]]],
          ]),
        );
      });

      test('health tells what came, what was read, what waits and what is parked', async () => {
        await store.inbox.append(a.of, [hint('e1', ['1', '2', '3'])], T0 + 1);
        const [first, second] = await store.work.claim(claiming('c1', T0 + 2, 2));
        if (!first || !second) throw new Error('nothing was claimed');
        await a.write(
          { wakes: [{ record: first.record, at: T0 + DAY }], mirror: [a.ref('contact', '1')] },
          { settles: [first], snapshots: [{ facts: a.deal('1'), readAt: T0 + 3 }] },
        );
        await store.work.defer(second, { runAt: T0 + 9_999, error: 'later', parked: false });
        await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 });
        expect(await store.reads.health('acc_a', 'con_a', T0 + 4)).toEqual({
          connectionId: 'con_a',
          lastReceivedAt: T0 + 1,
          lastProcessedAt: T0 + 3,
          waiting: 2,
          parked: [],
          mirrorWaiting: 1,
          mirrorParked: 0,
          sweptTo: [{ object: 'deal', upTo: T0 }],
        });
      });
    });

    describe('one account never sees or touches another’s data', () => {
      test('whatever another account asks for with the same ids, it finds nothing and changes nothing', async () => {
        const b = tenant(store, 'acc_b', 'con_b');
        await b.create();
        await a.writePair();
        await a.write(a.granted(a.reward('rwd_1', 'ref_1', { deal: a.ref('deal', '7') })));
        await a.write(
          { touches: [a.touch('tch_1')], mirror: [a.ref('contact', '1')] },
          {
            snapshots: [
              { facts: a.deal('7', { contactIds: ['1'] }), readAt: T0 },
              { facts: a.contact('1', { ownerUserIds: ['7'] }), readAt: T0 },
            ],
          },
        );
        const ask = { key: 'k1', contactId: '1', way: 'email' as const, by: '7', at: T0 };
        await store.asks.keep(a.of, ask);
        await store.programs.publish('acc_a', { programId: 'prg', name: 'P', rules: [] }, T0);
        await store.connections.saveMapping('acc_a', 'con_a', 'm1', [], T0);
        for (const of of TRIED) await store.dryRuns.keep('acc_a', dryRunOf(of, of.kind));
        await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 });
        await store.accounts.addApiKey(
          { id: 'key_1', accountId: 'acc_a', label: 'K', roles: ['owner' as const], createdAt: T0 },
          'hash',
        );
        await store.desk.open('acc_a', newCase('cas_1', { rewardId: 'rwd_1' }));
        await store.desk.setChain('acc_a', [{ to: 'role:x', hours: 1 }], T0);
        await store.identity.publish('acc_a', POLICY, 'an admin', T0);
        await a.write({ identity: ['mem_1', 'ref_1'].map((subject) => edgeOf(a, subject)) });
        await waiting(store, a, 'ap-1', 'ref_1');
        await waiting(store, a, 'ap-2', 'ref_1');
        await store.inbox.append(a.of, [hint('e1', ['1'])], T0);
        const [item] = await store.work.claim(claiming('work', T0));
        const [wait] = await store.callbacks.claim(claiming('wait', T0, 1));
        const [payout] = await store.payouts.claim(claiming('payout', T0));
        const [mirrored] = await store.mirror.claim(claiming('mirror', T0));
        if (!item || !payout || !mirrored || !wait) throw new Error('nothing was claimed');
        const everything = async () => {
          const rows: unknown[] = [];
          for (const [table, columns] of Object.entries(TABLES)) {
            if (!('account_id' in columns)) continue;
            const order = Object.keys(columns).map((_, at) => at + 1);
            rows.push(await subject.sql(`select * from ${table} where account_id = 'acc_a' order by ${order}`));
          }
          return JSON.stringify(rows);
        };
        const before = await everything();

        const all = { limit: 50, cursor: null };
        const contact = a.ref('contact', '1');
        const friend = a.ref('contact', 'friend-ref_1');
        const { reads, connections, cases } = store;
        const nothing = { items: [], next: null };
        expect(await connections.get('acc_b', 'con_a')).toBeNull();
        expect((await connections.list('acc_b')).map(({ id }) => id)).toEqual(['con_b']);
        expect(await connections.tokens('acc_b', 'con_a')).toBeNull();
        expect(await connections.mapping('acc_b', 'con_a')).toBeNull();
        expect(await connections.sweepMarks('acc_b', 'con_a')).toEqual([]);
        expect(await connections.streamPosition('acc_b', 'con_a')).toBeNull();
        expect(await store.programs.versions('acc_b')).toEqual([]);
        for (const { kind } of TRIED) expect(await store.dryRuns.get('acc_b', kind)).toBeNull();
        expect(await cases.knownContacts('acc_b', 'con_a', ['1'])).toEqual([]);
        const theirs = { id: 'con_a', accountId: 'acc_b' };
        expect(await store.asks.contactsOf(theirs, '7', { limit: 5 })).toEqual([]);
        expect(await store.asks.lastAsked(theirs, ['1'])).toEqual(new Map());
        expect(await store.asks.bearings(theirs, ['contact-mem_1'])).toEqual(new Map());
        expect(
          await cases.load({
            accountId: 'acc_b',
            connectionId: 'con_a',
            contactIds: ['1', 'friend-ref_1', 'contact-mem_1'],
            dealIds: ['7'],
            emails: ['mem_1@example.com', 'ref_1@friends.example'],
            codes: ['CODE-mem_1'],
            companies: ['company con_a 1'],
          }),
        ).toEqual({ members: [], referrals: [], decisions: [], rewards: [], tallies: new Map(), tiers: [] });
        // Nor does the graph of people reach into another account, by an address, a key or a contact.
        const reached = await cases.load({
          accountId: 'acc_b',
          connectionId: 'con_b',
          contactIds: ['77', '1'],
          dealIds: ['7'],
          emails: [],
          codes: [],
          companies: [],
          elsewhere: {
            connectionIds: ['con_a'],
            dealKeys: ['7', 'K1'],
            contactKeys: ['1', '77'],
            phoneKeys: ['k'],
            dealIdsAreKeysIn: ['con_a'],
            contactIdsAreKeysIn: ['con_a'],
          },
        });
        expect([reached.members, reached.referrals, reached.others]).toEqual([
          [],
          [],
          { edges: [], contacts: [], deals: [] },
        ]);
        expect(await store.identity.newest('acc_b')).toBeNull();
        expect(await store.identity.edgesOf('acc_b', 'mem_1')).toEqual([]);
        expect(await store.identity.unseenEmails('acc_b', 'con_b', 10)).toEqual([]);
        expect(await reads.memberByContact('acc_b', a.ref('contact', '77'))).toBeNull();
        expect(await store.desk.get('acc_b', 'cas_1')).toBeNull();
        expect(await store.desk.list('acc_b', all, { rewardId: 'rwd_1' })).toEqual(nothing);
        expect(await store.desk.queue('acc_b', all, {})).toEqual(nothing);
        expect(await store.desk.chain('acc_b')).toHaveLength(2);
        expect(await store.desk.signalCounts('acc_b', 0, T0 + DAY)).toEqual({ judged: 0, bad: 0, signals: [] });
        expect(await store.desk.alertFacts('acc_b', { recentFrom: 0, baseFrom: 0, burnFrom: 0 })).toEqual({
          paces: [],
          budgets: [],
          parked: 0,
          overpaid: [],
        });
        const word = { outcome: 'resolved' as const, by: 'a stranger', why: 'x', at: T0 };
        expect(await store.desk.comment('acc_b', 'cas_1', 'a stranger', 'x', T0)).toEqual({ kind: 'no_such_case' });
        expect(await store.desk.assign('acc_b', 'cas_1', 'role:y', 'a stranger', T0)).toEqual({ kind: 'no_such_case' });
        expect(await store.desk.decide('acc_b', 'cas_1', word)).toEqual({ kind: 'no_such_case' });
        expect(await cases.commit([b.commit({ cases: [{ id: 'cas_1', word }] })])).toEqual(['conflict']);
        expect(await reads.members('acc_b', all)).toEqual(nothing);
        expect(await reads.member('acc_b', 'mem_1')).toBeNull();
        expect(await reads.memberByEmail('acc_b', 'mem_1@example.com')).toBeNull();
        expect(await reads.memberByContact('acc_b', a.ref('contact', 'contact-mem_1'))).toBeNull();
        expect(await reads.memberByCode('acc_b', 'CODE-mem_1')).toBeNull();
        expect(await reads.referrals('acc_b', all, {})).toEqual(nothing);
        expect(await reads.referrals('acc_b', all, { memberId: 'mem_1' })).toEqual(nothing);
        expect(await reads.referral('acc_b', 'ref_1')).toBeNull();
        expect(
          await reads.referralByFriend('acc_b', 'prg', { email: 'ref_1@friends.example', contact: friend }),
        ).toBeNull();
        expect(await reads.touches('acc_b', a.ref('contact', 'friend-1'))).toEqual([]);
        expect(await reads.decisions('acc_b', all, { referralId: 'ref_1' })).toEqual(nothing);
        expect(await reads.decisions('acc_b', all, { dealId: '7' })).toEqual(nothing);
        expect(await reads.rewards('acc_b', all, { referralId: 'ref_1' })).toEqual(nothing);
        expect(await reads.reward('acc_b', 'rwd_1')).toBeNull();
        expect(await reads.journals('acc_b', all, { rewardId: 'rwd_1' })).toEqual(nothing);
        expect(await reads.balances('acc_b')).toEqual([]);
        expect(await reads.deals('acc_b', [a.ref('deal', '7')])).toEqual([]);
        expect(await reads.dealsOfContacts('acc_b', [contact], 5)).toEqual(new Map());
        expect(await reads.ofReferrals('acc_b', ['ref_1'], 5)).toEqual({ decisions: [], rewards: [] });
        expect(await reads.readTimes('acc_b', 'con_a', 'deal', ['7'])).toEqual(new Map());
        expect(await reads.health('acc_b', 'con_a', T0)).toMatchObject({
          lastReceivedAt: null,
          waiting: 0,
          sweptTo: [],
        });
        expect(
          await store.mirror.sources('acc_b', [a.ref('contact', 'contact-mem_1'), a.ref('deal', '7')]),
        ).toMatchObject([
          { member: null, referrals: 0, sums: [], referral: null },
          { referral: null, decisions: [], rewards: [] },
        ]);

        await connections.describe('acc_b', 'con_a', { homeCurrency: 'USD', timeZone: null, uiHost: null });
        await connections.disconnect('acc_b', 'con_a', 'by a stranger', T0);
        expect(await connections.replaceTokens('acc_b', 'con_a', 1, a.tokens)).toBe(false);
        expect(await store.accounts.revokeApiKey('acc_b', 'key_1', T0)).toBe(false);
        expect(await store.mirror.markAll('acc_b', 'con_a', T0)).toBe(0);
        const foreign = { runAt: T0, error: 'by a stranger', parked: true };
        await store.work.defer({ ...item, accountId: 'acc_b' }, foreign);
        await store.work.release([{ ...item, accountId: 'acc_b' }]);
        await store.payouts.defer({ ...payout, accountId: 'acc_b' }, foreign);
        expect(await store.payouts.settle({ ...payout, accountId: 'acc_b' }, planOf())).toBe(false);
        await store.mirror.defer({ ...mirrored, accountId: 'acc_b' }, foreign);
        await store.mirror.acknowledge([{ item: { ...mirrored, accountId: 'acc_b' }, hash: 'x' }], T0);
        await store.mirror.drop({ ...mirrored, accountId: 'acc_b' });
        const strange = { ...wait, accountId: 'acc_b' };
        await store.callbacks.end([{ wait: strange, outcome: 'by a stranger' }], 'completed');
        await store.callbacks.waitOn([strange]);
        await store.callbacks.defer([strange], foreign);
        await store.workflowCalls.giveUp(strange, T0 + 1_000);
        const shard = { accountId: 'acc_b', connectionId: 'con_a' };
        expect(await store.callbacks.claim({ ...claiming('theirs', T0), shard })).toEqual([]);
        const erase = [a.ref('contact', 'contact-mem_1'), friend, contact];
        expect(
          await cases.commit([
            b.commit({ members: [a.member('mem_1', { name: 'Taken', version: 2 })] }),
            b.commit({ rewards: [a.reward('rwd_1', 'ref_1', { state: 'voided', version: 2 })] }),
            b.commit({}, { settles: [item] }),
            b.commit({}, { settles: [{ ...item, accountId: 'acc_b' }] }),
            b.commit({ cancelledIntentIds: [payout.intent.id] }, { erase }),
            b.commit({
              members: [a.member('mem_1')],
              referrals: [a.referral('ref_1', 'mem_1')],
              touches: [a.touch('tch_1')],
            }),
            b.commit({ mirror: [contact], wakes: [{ record: contact, at: T0 }] }),
            b.commit(b.granted(b.reward('rwd_1', 'ref_1', { deal: a.ref('deal', '7') }))),
          ]),
        ).toEqual(['conflict', 'conflict', 'stale', 'stale', 'committed', 'committed', 'committed', 'committed']);
        await store.work.ask('acc_b', [{ record: a.ref('deal', '1'), at: T0 }]);
        expect(await everything()).toBe(before);
      });
    });

    deskStoreConformance(() => ({ store, a }));
    ledgerStoreConformance(() => ({ store, a }));
    figureStoreConformance(() => ({ store, a }));
    taxStoreConformance(() => ({ store, a }));
    forecastStoreConformance(() => ({ store, a }));
    periodStoreConformance(() => ({ store, a, again: () => subject.again(), sql: (text) => subject.sql(text) }));
    autopilotStoreConformance(() => ({ store, a }));

    identityStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));
    cardStoreConformance(() => ({ store, a }));
    askStoreConformance(() => ({ store, a }));
    listStoreConformance(() => ({ store, a }));
    testRunStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));
    brandStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));
    colleagueStoreConformance(() => ({ store, a }));
    backfillStoreConformance(() => ({ store, a }));
    tierStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));
    workflowStoreConformance(() => ({ store, a }));
    appEventStoreConformance(() => ({ store, a }));
    webhookStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));

    privacyStoreConformance(() => ({ store, a, sql: (text) => subject.sql(text) }));
    streamStoreConformance(() => ({ store, a, again: () => subject.again(), sql: (text) => subject.sql(text) }));
    syncStoreConformance(() => ({ store, a }));
    payoutStoreConformance(() => ({ store, a, again: () => subject.again() }));
    moneyOutStoreConformance(() => ({ store, a, again: () => subject.again() }));

    describe('leases', () => {
      test('a lease has one owner until it runs out or is given back', async () => {
        const { leases } = store;
        expect(await leases.acquire('sweep', 'a', T0, T0 + 10)).toBe(true);
        expect(await leases.acquire('sweep', 'b', T0 + 9, T0 + 20)).toBe(false);
        expect(await leases.acquire('sweep', 'a', T0 + 9, T0 + 20)).toBe(true);
        expect(await leases.acquire('other', 'b', T0, T0 + 20)).toBe(true);
        expect(await leases.acquire('sweep', 'b', T0 + 20, T0 + 30)).toBe(true);
        await leases.release('sweep', 'a');
        expect(await leases.acquire('sweep', 'a', T0 + 21, T0 + 30)).toBe(false);
        await leases.release('sweep', 'b');
        expect(await leases.acquire('sweep', 'a', T0 + 21, T0 + 30)).toBe(true);
      });

      test('of many who want it at the same moment one gets it', async () => {
        const other = await subject.again();
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? store : other).leases.acquire('sweep', `node-${index}`, T0, T0 + 10),
          ),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        await other.close();
      });
    });
  });
}

// ── A model of the work list ────────────────────────────────────────────────────────────────────────────────────────

type ModelStep =
  | { readonly do: 'hint'; readonly id: string }
  | { readonly do: 'wake'; readonly id: string; readonly inMs: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'claim'; readonly limit: number }
  | { readonly do: 'settle' | 'release' | 'fail' | 'die' };

const modelIds = fc.constantFrom('1', '2', '3');
const modelSteps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('hint' as const), id: modelIds }),
    fc.record({ do: fc.constant('wake' as const), id: modelIds, inMs: fc.integer({ min: -50, max: 200 }) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 120 }) }),
    fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constantFrom('settle' as const, 'release' as const, 'fail' as const, 'die' as const) }),
  ),
  { minLength: 5, maxLength: 30 },
);

/** Each thing that is asked for, until a look that began after it was asked, and not before its time, has been settled. */
interface Asked {
  readonly id: string;
  readonly at: number;
  readonly order: number;
}

const MODEL_LEASE_MS = 100;

async function checkAgainstModel(store: Store, a: Tenant, steps: readonly ModelStep[]): Promise<void> {
  const run = String(Math.random());
  let now = T0;
  let order = 0;
  let asked: Asked[] = [];
  const held: Array<{ items: readonly WorkItem[]; at: number; order: number }> = [];

  async function claim(limit: number): Promise<number> {
    order += 1;
    const input = { now, leaseMs: MODEL_LEASE_MS, limit, claim: `${run} ${order}` };
    const items = await store.work.claim(input);
    if (items.length > 0) held.push({ items, at: now, order });
    return items.length;
  }

  async function settle(): Promise<void> {
    const claimed = held.shift();
    if (!claimed) return;
    const commits = claimed.items.map((item) => a.commit({}, { settles: [item] }));
    const results = await store.cases.commit(commits);
    claimed.items.forEach(({ record }, index) => {
      if (results[index] !== 'committed') return;
      asked = asked.filter((one) => one.id !== record.id || one.order > claimed.order || one.at > claimed.at);
    });
  }

  for (const step of steps) {
    order += 1;
    if (step.do === 'hint') {
      await store.inbox.append(a.of, [hint(`${run} ${order}`, [step.id])], now);
      asked.push({ id: step.id, at: now, order });
    } else if (step.do === 'wake') {
      const at = now + step.inMs;
      await store.work.ask('acc_a', [{ record: a.ref('deal', step.id), at }]);
      asked.push({ id: step.id, at, order });
    } else if (step.do === 'pass') now += step.ms;
    else if (step.do === 'claim') await claim(step.limit);
    else if (step.do === 'settle') await settle();
    else if (step.do === 'release') await store.work.release(held.shift()?.items ?? []);
    else if (step.do === 'die') held.shift();
    else {
      for (const item of held.shift()?.items ?? []) {
        await store.work.defer(item, { runAt: now + 10, error: 'failed', parked: false });
      }
    }
  }

  // Whoever holds something dies; from here on the list alone says when to look.
  held.length = 0;
  for (let looks = 0; looks < 50; looks += 1) {
    const dueAt = await store.work.nextDueAt();
    if (dueAt === null) break;
    now = Math.max(now, dueAt);
    if ((await claim(10)) === 0) throw new Error('the list says that something is due, and gives nothing');
    await settle();
  }
  expect(asked).toEqual([]);
  expect(await store.work.counts(now + DAY)).toEqual({ due: 0, claimed: 0, later: 0, parked: 0 });
}
