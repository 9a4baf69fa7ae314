import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { RewardFilter, Store } from '../../src/application/ports/store.ts';
import { DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import { USUAL_BRAND } from '../../src/domain/brand.ts';
import { driftPrefix } from '../../src/domain/drift.ts';
import type { PayoutIntent } from '../../src/domain/plan.ts';
import { afterAttempt } from '../../src/domain/webhook.ts';
import { eventOf } from '../../src/domain/webhook-event.ts';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createStore, openStore } from '../../src/store/open.ts';
import { TABLES } from '../../src/store/schema.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { proposalOf, watchOf } from '../conformance/store-autopilot.ts';
import { backfillOf, importOf, pastOf, releaseOf, rowOf } from '../conformance/store-backfill.ts';
import { newCase } from '../conformance/store-desk.ts';
import {
  claiming,
  DAY,
  dryRunOf,
  hint,
  planOf,
  T0,
  type Tenant,
  TRIED,
  tenant,
} from '../conformance/store-fixtures.ts';
import { edgeOf, POLICY } from '../conformance/store-identity.ts';
import { runOf, syncReportOf } from '../conformance/store-sync.ts';
import { testRunOf } from '../conformance/store-test-runs.ts';
import { attributionOf, changeOf, SCHEME } from '../conformance/store-tiers.ts';
import { endpointFor } from '../conformance/store-webhooks.ts';
import { postgresForThisFile } from '../support/postgres.ts';

/*
 * Plans of every statement of the store, asked of both databases: what is quick over the ten rows of a test must be quick over ten
 * million. New methods are added to `useEverything` below.
 */

const server = await postgresForThisFile();

/**
 * Lists of what an admin has made, counts for metrics, the sums of a whole ledger, and a repair: they touch all of it by nature. So does the
 * look at the news that wait, whose index holds no others. What figures wait for is looked at up to a bound. When a program is open where
 * none was, all contacts of the connection are gone through, once.
 */
const READS_ALL =
  /select \* from "accounts"|count\(\*\) filter|from migrations|from postings\s+where account_id = \S+ group by|acked_hash = null|insert into tier_looks \(account_id, member_id, program_id, at\)\s+select|select distinct account_id, connection_id, 'contact'|select \* from payout_news n|sum\(d\.minor\)|from figure_marks where account_id = \S+\s+limit|facts like '%"referredByIds"|state = 'running'|state in \('running'/;

/** An unfiltered page: the index gives the account's rows in the order asked for, and the limit ends it. */
const IS_FIRST_PAGE = /from "?\w+"? where account_id = \+'\w+'\s+order by .* limit /;

const IS_FIRST_PAGE_OF_POSTGRES = /from \w+ where account_id = \$\d+\s+order by .* limit /;

/** The same of one connection. */
const IS_FIRST_PAGE_OF_CONNECTION =
  /from "?(sweeps|connection_events|sync_reports)"?\s+where account_id = \S+ and connection_id = \S+\s+(and \(missed > 0 or problem is not null\) )?order by .* limit /;

/** The largest or smallest value of an index is its last or first entry. */
const IS_END_OF_INDEX = /^SEARCH (inbox|records) USING COVERING INDEX \w+_by_time/;

/** An index of nothing but the rows that are asked for. */
const HOLDS_ONLY_THESE =
  /USING (COVERING )?INDEX \w+_(parked|unplaced|overdue|open|open_alerts|open_by_due|staff|claimed|overpaid) /;

const SMALL_TABLES = [
  ...[
    'accounts',
    'connections',
    'tokens',
    'mappings',
    'sweep_marks',
    'stream_positions',
    'sync_report_anchors',
    'drift_watch',
    'mapping_proposals',
    'programs',
    'attribution_policies',
    'connections_policies',
    'webhook_endpoints',
  ],
  // A handful of providers, and a batch a day.
  ...['payout_settings', 'payout_schedules', 'manual_batches'],
  ...['payout_settings', 'manual_batches'],
  // The stages of a connection; and one a day.
  ...['stage_chances', 'forecasts'],
  // One for each account, and what was set for a connection.
  'desk_settings',
  'app_settings',
  'figure_states',
  'period_seals',
  // A person starts each, one at a time for a connection.
  'test_runs',
  ...['logos', 'prunings', 'account_settings', 'consent_texts'],
  // As statements call them.
  ...['a', 'c', 'probe'],
];

test('on SQLite no claim, load, page or write reads through a whole table, nor through all of an account', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'wonward-plans-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'wonward.db');
  const statements = new Set<string>();
  const engine = await openSqlite(path, { onStatement: (text) => statements.add(text) });
  await migrate(engine);
  const store = createStore(engine);
  await tenant(store).create();
  statements.clear();
  await useEverything(store);
  await engine.close();

  const raw = new Database(path);
  const wide: string[] = [];
  let explained = 0;
  for (const text of statements) {
    if (!/^\s*(select|insert|update|delete|with)/i.test(text) || READS_ALL.test(text)) continue;
    explained += 1;
    const plan = raw.prepare(`explain query plan ${text}`).all() as Array<{ detail: string }>;
    for (const { detail } of plan) if (isWide(detail, text)) wide.push(`${detail} in ${text}`);
  }
  expect(explained).toBeGreaterThan(100);
  expect(wide).toEqual([]);
  raw.close();
});

function isWide(detail: string, text: string): boolean {
  const [, how, name = '', found = ''] = /^(SCAN|SEARCH) (\S+)(?:.*\((.*)\))?$/.exec(detail) ?? [];
  if (how === undefined || SMALL_TABLES.includes(name)) return false;
  if (how === 'SCAN') return isTable(name, text);
  if (found !== 'account_id=?' && found !== 'account_id=? AND connection_id=?') return false;
  // The look for children of a row that is inserted is in the plan, and skipped while no foreign key is open (OP_FkIfZero).
  if (/^insert into (rewards|decisions) /.test(text)) return false;
  if (IS_FIRST_PAGE_OF_CONNECTION.test(text)) return false;
  return !IS_FIRST_PAGE.test(text) && !IS_END_OF_INDEX.test(detail) && !HOLDS_ONLY_THESE.test(detail);
}

/** Whether the name in the plan is one of our tables, or another name that the statement gives to one. */
function isTable(scanned: string, text: string): boolean {
  if (scanned in TABLES) return true;
  const alias = new RegExp(`\\b(\\w+)"? (?:as )?"?${scanned.replace(/\W/g, '\\$&')}\\b`, 'i').exec(text)?.[1];
  return alias !== undefined && alias in TABLES;
}

/** Of a plan in JSON; the rest is not looked at. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

test('on PostgreSQL every statement finds its rows by an index', { timeout: 120_000 }, async () => {
  const url = await server.freshDatabase();
  const heard = new Map<string, readonly unknown[]>();
  // Before the first connection: each keeps the method that it was made with.
  const restore = overhear((text, values) => heard.set(text, values));
  try {
    const store = await openStore({ url });
    await tenant(store).create();
    heard.clear();
    await useEverything(store);
    await store.close();
  } finally {
    restore();
  }

  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await fillTables(client);
  // A seek is as cheap as on a disk without heads, and reading through a table is what is left when no index helps.
  await client.query('set random_page_cost = 1.1');
  await client.query('set enable_seqscan = off');
  const wide: string[] = [];
  let explained = 0;
  for (const [text, values] of heard) {
    if (!/^\s*(select|insert|update|delete|with)\b/i.test(text) || READS_ALL.test(text) || isOfOthers(text)) continue;
    explained += 1;
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, [
      ...values,
    ]);
    const plan = rows[0]?.['QUERY PLAN'][0].Plan;
    for (const node of plan ? nodesOf(plan) : [])
      if (readsThrough(node, text)) wide.push(`${describeNode(node)} in ${text}`);
  }
  await client.end();
  expect(explained).toBeGreaterThan(80);
  expect(wide).toEqual([]);
});

/** Tables in which one account has so many rows that reading through them is the last thing a planner does. */
const ROWS_PER_TABLE = 5_000;
const DENSITY = 200;

/** Values that the tables' own checks ask for. */
const CHECKED: Readonly<Record<string, string>> = {
  'intents.state': `'done'`,
  'desk_cases.kind': `(array['review', 'dispute', 'alert'])[1 + i % 3]`,
  'desk_cases.state': `'decided'`,
  'desk_cases.due_at': 'null',
  'coupon_codes.minor': '1 + i % 2',
  'manual_items.minor': '1 + i % 2',
  'manual_items.state': `'waiting'`,
  'tier_changes.move': `'kept'`,
  'tier_changes.sequence': 'i',
  'attribution_decisions.kind': `'moved'`,
  'attribution_decisions.sequence': 'i',
  'identity_edges.evidence': `'email'`,
  'identity_edges.sequence': 'i',
  'identity_edges.until': 'null',
  'payout_schedules.approval': `'none'`,
  'refunds.minor': '1 + i % 2',
  'workflow_waits.state': `'waiting'`,
  'webhook_endpoints.state': `'enabled'`,
  'webhook_deliveries.state': `'waiting'`,
  'webhook_deliveries.parked': '0',
  'case_tasks.state': `'created'`,
  'sync_reports.number': 'i + 100',
  'erasures.source': `'api'`,
  'erased_people.kind': `'contact'`,
  'sync_report_rows.number': 'i + 100',
  'consents_shown.place': `'api'`,
  'periods.number': 'i + 100',
  'periods.to_at': 'i + 100',
  'tax_reports.state': `'done'`,
  'tax_rows.number': 'i + 100',
  'forecasts.state': `'done'`,
  'forecasts.finished_day': 'i + 100',
  'forecast_lines.number': 'i + 100',
};

async function fillTables(client: pg.Client): Promise<void> {
  // No triggers and no foreign keys: the rows mean nothing.
  await client.query('set session_replication_role = replica');
  for (const [table, columns] of Object.entries(TABLES)) {
    if (SMALL_TABLES.includes(table)) continue;
    const expressionOf = ([name, type]: [string, string]) => {
      if (name === 'account_id') return `'acc_a'`;
      if (name === 'connection_id') return `'con_a'`;
      if (name === 'object') return `(array['contact', 'deal'])[1 + i % 2]`;
      return CHECKED[`${table}.${name}`] ?? (type.startsWith('int') ? 'i % 2' : `'${name}_' || i`);
    };
    await client.query(`insert into ${table} (${Object.keys(columns).join(', ')})
      select ${Object.entries(columns).map(expressionOf).join(', ')} from generate_series(1, ${ROWS_PER_TABLE}) as i`);
  }
  await client.query('analyze');
  // The planner takes how densely rows lie from here: a million rows without the time it takes to make them.
  await client.query(
    `update pg_class set reltuples = reltuples * ${DENSITY} where relnamespace = 'public'::regnamespace`,
  );
}

/** Hears all statements that leave for PostgreSQL, with their values. */
function overhear(onStatement: (text: string, values: readonly unknown[]) => void): () => void {
  const prototype = pg.Client.prototype as unknown as { query: (...input: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function (this: unknown, ...input: unknown[]) {
    const [text, values] = input;
    if (typeof text === 'string') onStatement(text, Array.isArray(values) ? values : []);
    return query.apply(this, input);
  };
  return () => {
    prototype.query = query;
  };
}

/** The queue's own schema and the server's. */
function isOfOthers(text: string): boolean {
  return /graphile_worker|pg_/i.test(text);
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Narrowing to an account, a portal or a kind of record leaves all of its rows. */
const SHARED_COLUMNS = ['account_id', 'connection_id', 'object'];

/** A whole table, a whole index of one, or all of an account. */
function readsThrough(node: PlanNode, text: string): boolean {
  const table = node['Relation Name'];
  if (table !== undefined && SMALL_TABLES.includes(table)) return false;
  const type = node['Node Type'];
  if (type === 'Seq Scan') return true;
  if (!/^(Index Scan|Index Only Scan|Bitmap Index Scan)$/.test(type)) return false;
  if (
    /_(parked|unplaced|due|overdue|open_alerts|staff|claimed|overpaid)$/.test(node['Index Name'] ?? '') ||
    IS_FIRST_PAGE_OF_POSTGRES.test(text)
  )
    return false;
  if (/^(inbox|records)_by_time$/.test(node['Index Name'] ?? '') && /max\(/.test(text)) return false;
  if (/^(work_hinted|mirror_marked)$/.test(node['Index Name'] ?? '') && /min\(/.test(text)) return false;
  if (IS_FIRST_PAGE_OF_CONNECTION.test(text)) return false;
  const condition = node['Index Cond'] ?? '';
  const columns = new Set(Object.values(TABLES).flatMap((one) => Object.keys(one)));
  for (const shared of SHARED_COLUMNS) columns.delete(shared);
  return ![...columns].some((column) => new RegExp(`\\b${column}\\b`).test(condition));
}

function describeNode(node: PlanNode): string {
  return `${node['Node Type']} of ${node['Index Name'] ?? node['Relation Name']} by ${node['Index Cond'] ?? 'nothing'}`;
}

async function useProviders(store: Awaited<ReturnType<typeof openStore>>, intent: PayoutIntent): Promise<void> {
  const { payoutRecords: records, coupons, batches } = store;
  const accountId = 'acc_a';
  const money = { minor: 5n, currency: 'EUR' };
  await records.saveSetting(accountId, 'stripe', 's', T0);
  await records.setting(accountId, 'stripe');
  await records.settings(accountId);
  await records.removeSetting(accountId, 'stripe');
  for (const kind of ['settings', 'voucher', 'coupon'] as const) {
    await records.listSealed(kind, { accountId, id: 'a' }, 5);
    await records.replaceSealed(kind, { accountId, id: 'a', sealed: 's' }, 't');
  }
  await records.begin(accountId, intent, T0);
  await records.choose(accountId, intent.id, 'x', T0);
  await records.record(accountId, intent.id);
  await records.recordByReference(accountId, 'stripe', 'r');
  await records.recordOfReward(accountId, intent.rewardId);
  await records.recordsBetween(accountId, 'stripe', T0, T0 + 1);
  const news = { eventId: 'e', kind: 'returned' as const, key: null, reference: 'r', why: null, at: T0 };
  await records.keepNews(accountId, 'stripe', [news], T0);
  await records.waitingNews(accountId, 'stripe', { key: intent.id, reference: 'r' }, 5);
  await records.answeredNews(accountId, 5);
  const done = { effect: 'nothing' as const, key: intent.id, plan: null };
  await records.settleNews(accountId, { ...news, provider: 'stripe' }, done, T0);
  await coupons.add(accountId, [{ hash: 'h', sealed: 's' }], money, T0);
  await coupons.take(accountId, intent.id, money, T0);
  await coupons.give(accountId, 'pay_2', { hash: 'h2', sealed: 's' }, money, T0);
  await coupons.ofOrder(accountId, intent.id);
  await coupons.redeem(accountId, 'h', T0);
  await coupons.withdraw(accountId, intent.id, T0);
  await coupons.givenBetween(accountId, T0, T0 + 1);
  await coupons.counts(accountId);
  const { batchId } = await batches.join(accountId, { key: intent.id, rewardId: intent.rewardId, money }, T0);
  await batches.item(accountId, intent.id);
  await batches.itemsBetween(accountId, T0, T0 + 1);
  await batches.batches(accountId);
  await batches.batch(accountId, batchId);
  await batches.rows(accountId, batchId);
  await batches.withdraw(accountId, intent.id, T0);
  await batches.cut(accountId, batchId, { by: 'Finance', approval: 'required' }, T0);
  await batches.approve(accountId, batchId, 'Finance', T0);
  await batches.noteExport(accountId, batchId, T0);
  const batching = { provider: 'paypal', schedule: null, approval: 'none' as const, nextCutAt: T0 };
  await batches.setBatching(accountId, batching, T0);
  await batches.batchings(accountId);
  await batches.batching(accountId, 'paypal');
  const paid = { key: 'pay_other', rewardId: intent.rewardId, money, provider: 'paypal' };
  await batches.join(accountId, paid, T0);
  for (const due of await batches.dueBatchings(T0, 5)) await batches.cutDue(due, T0 + 1, T0);
  await batches.removeBatching(accountId, 'paypal');
  const refund = { source: 'stripe', id: 're_1', deal: null, money, at: T0, isUndone: false };
  const deal = { connectionId: 'con_a', object: 'deal' as const, id: '77' };
  await store.refunds.keep(accountId, refund, T0);
  await store.refunds.keep(accountId, { ...refund, deal, isUndone: true }, T0);
  await store.refunds.list(accountId, { limit: 2, cursor: { at: T0, id: 'rfd_z' } });
  await store.cases.refundsOfDeals(accountId, 'con_a', ['77', '78']);
  const report = { provider: 'stripe', orders: 0, agree: 0, listed: null, agreed: [], differences: [] };
  await store.payoutReports.keep(accountId, { id: 'rep_1', from: T0, to: T0 + 1, report, by: 'a', at: T0 });
  await store.payoutReports.get(accountId, 'rep_1');
  await store.payoutReports.list(accountId, { limit: 2, cursor: { at: T0, id: 'rep_z' } });
  await useBackfills(store);
  await store.reads.balancesOf(accountId, ['receivable:member:mem_1', 'payable:member:mem_1']);
  await batches.mark(accountId, batchId, { key: intent.id, state: 'paid', why: null }, T0);
}

async function useBackfills(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const accountId = 'acc_a';
  const a = tenant(store);
  const { backfills, history, memberImports } = store;
  const cursor = { at: T0, id: 'z' };
  await backfills.start(backfillOf('bfl_1'));
  await backfills.start(backfillOf('bfl_2'));
  await backfills.advance(backfillOf('bfl_1', { version: 2 }), [{ record: a.ref('deal', 'past'), at: T0 }]);
  await backfills.waiting(accountId, 'con_a');
  await backfills.running();
  await backfills.list(accountId, { limit: 2, cursor });
  await backfills.list(accountId, { limit: 2, cursor }, { connectionId: 'con_a' });
  await backfills.turn(accountId, 'bfl_1', { to: 'cancelled', from: ['running', 'paused'], now: T0 });
  await a.write({ decisions: [pastOf(a, 'past')] });
  for (const of of [{}, { programId: 'prg', ruleKey: 'member-reward', upTo: T0 }]) {
    await history.list(accountId, { limit: 2, cursor }, of);
    await history.totals(accountId, of);
    await history.next(accountId, of, cursor, 5);
    await history.next(accountId, { ...of, decisionIds: ['dec_past_1'] }, null, 5);
  }
  await history.ask(releaseOf('rel_1'));
  await history.running();
  await history.change(releaseOf('rel_1', { version: 2 }));
  await history.releases(accountId, { limit: 2, cursor });
  const rows = [rowOf(2), rowOf(3)];
  await memberImports.start(importOf('imp_1'), rows);
  const list = { connectionId: 'con_a', listId: '7', position: null };
  await memberImports.start(importOf('imp_list', { state: 'listing', list }), []);
  await memberImports.get(accountId, 'imp_1');
  await memberImports.list(accountId, { limit: 2, cursor });
  await memberImports.running();
  await memberImports.known(accountId, ['a@example.com', 'b@example.com']);
  await memberImports.knownContacts(accountId, 'con_a', ['1', '2']);
  await memberImports.addRows(accountId, 'imp_list', { from: null, to: null, rows: [], now: T0 });
  await memberImports.rows(accountId, 'imp_1', { outcome: 'open', after: 0, limit: 5 });
  await memberImports.rows(accountId, 'imp_1', { after: 0, limit: 5 });
  const taken = rows.map((row) => ({ ...row, outcome: 'created' as const, memberId: `mem_row${row.line}` }));
  const members = taken.map(({ memberId }) => a.member(memberId, { contact: null }));
  await memberImports.takeIn(accountId, 'imp_1', taken, members, T0);
  for (const row of taken) await memberImports.takeOut(accountId, 'imp_1', row, T0);
  await memberImports.turn(accountId, 'imp_1', { from: 'running', to: 'done', now: T0 });
}

/** Every filter with every other one. */
async function useLists(
  { reads, timeline }: Store,
  page: { limit: number; cursor: { at: number; id: string } | null },
) {
  const accountId = 'acc_a';
  for (const filter of everyChoiceOf({ search: 'ad', isStaff: true as const }))
    await reads.members(accountId, page, filter);
  for (const filter of everyChoiceOf({ memberId: 'mem_1', stage: 'won' as const, programId: 'prg', since: T0 }))
    for (const friend of [{}, { friend: 'ad' }]) await reads.referrals(accountId, page, { ...filter, ...friend });
  const ofRewards = { referralId: 'ref_1', state: 'held', party: 'friend', beneficiaryId: 'mem_1', currency: 'EUR' };
  for (const filter of everyChoiceOf(ofRewards as Required<RewardFilter>)) await reads.rewards(accountId, page, filter);
  await reads.people(accountId, ['mem_1', 'ref_1']);
  await timeline.touches(accountId, { connectionId: 'con_a', object: 'contact', id: '1' }, page);
  await timeline.attributions(accountId, 'ref_1', page);
  await timeline.journals(accountId, 'ref_1', page);
  await timeline.payouts(accountId, 'ref_1', page);
  await timeline.caseEvents(accountId, 'ref_1', page);
  await timeline.mirrorStates(accountId, 'con_a', 'contact', ['1']);
}

function everyChoiceOf<T extends object>(all: T): Partial<T>[] {
  let made: Partial<T>[] = [{}];
  for (const [name, value] of Object.entries(all)) made = [...made, ...made.map((one) => ({ ...one, [name]: value }))];
  return made;
}

async function useDesk(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const accountId = 'acc_a';
  const { desk } = store;
  const setting = { managers: ['7'], programs: ['prg'], notifications: [], objects: 'off' as const };
  await store.appSettings.save(accountId, 'con_a', setting, { basis: 0, by: 'x', now: T0 });
  await store.appSettings.newest(accountId, 'con_a');
  await store.appSettings.choices(accountId);
  await store.attention.openCases(accountId, 10);
  await store.attention.parkedOrders(accountId, 5);
  await desk.open(accountId, newCase('cas_1'), T0);
  await desk.open(accountId, newCase('cas_2'));
  const of = { accountId, connectionId: 'con_a' };
  await store.caseTasks.watched(null, 10);
  await store.caseTasks.watched(of, 10);
  await store.caseTasks.untold(of, 0, 10);
  await store.caseTasks.want(of, [{ caseId: 'cas_1', assignee: null, isWanted: true }], T0);
  const [task] = await store.caseTasks.wanted(T0, 10);
  if (task) await store.caseTasks.save(task, { state: 'created', taskId: '1' });
  await store.caseTasks.over(T0, 10);
  await desk.get(accountId, 'cas_1');
  for (const cursor of [null, { at: T0, id: 'z' }])
    for (const filter of [
      {},
      { kind: 'alert' as const },
      { state: 'open' as const },
      { owner: 'x' },
      { overdue: true as const },
      { referralId: 'r' },
      { rewardId: 'r' },
    ])
      await desk.list(accountId, { limit: 5, cursor }, filter);
  for (const cursor of [null, { at: T0, id: 'z' }])
    for (const filter of [
      {},
      { kind: 'alert' as const, severity: 'high' as const },
      { owners: ['role:x', 'person:7'] },
    ])
      await desk.queue(accountId, { limit: 5, cursor }, filter);
  await desk.comment(accountId, 'cas_1', 'key', 'x', T0);
  await desk.assign(accountId, 'cas_1', 'role:x', 'key', T0);
  await desk.escalateDue(T0 + 90 * DAY, 5);
  await desk.decide(accountId, 'cas_1', { outcome: 'resolved', by: 'key', why: 'x', at: T0 });
  await desk.setChain(accountId, [{ to: 'role:x', hours: 1 }], T0);
  await desk.chain(accountId);
  await desk.signalCounts(accountId, T0, T0 + 1);
  await desk.alertFacts(accountId, { recentFrom: T0 - 1, baseFrom: T0 - 2, burnFrom: T0 - 1 });
}

async function useAutopilot(
  { proposals, drift, connections }: Store,
  { accountId, connectionId }: Tenant,
): Promise<void> {
  await proposals.keep(accountId, proposalOf());
  await proposals.newest(accountId, connectionId);
  await proposals.change(accountId, proposalOf({ version: 2 }));
  await drift.keepWatch(accountId, connectionId, watchOf());
  await drift.watch(accountId, connectionId);
  const dedupeKey = `${driftPrefix(connectionId)}x`;
  await drift.tell(accountId, [{ case: newCase('cas_drift', { dedupeKey }), unlessClosedSince: T0 }], []);
  await drift.alerts(accountId, connectionId);
  await drift.tell(accountId, [], [{ dedupeKey, word: { outcome: 'moot', by: 'x', why: '', at: T0 } }]);
  await connections.granted(accountId, connectionId, ['oauth']);
}

async function useWebhooks({ webhooks }: Store, accountId: string): Promise<void> {
  await webhooks.create(accountId, endpointFor('whe_1'));
  await webhooks.endpoints(accountId);
  await webhooks.endpoint(accountId, 'whe_1');
  for (const at of [T0, T0 + 1, T0 + 2])
    await webhooks.tell(accountId, 'whe_1', eventOf(accountId, 'webhook.test', 'whe_1', at, at, {}));
  await webhooks.dueShards(T0 + 9, 10);
  const claimed = await webhooks.claim({ ...claiming('h1'), now: T0 + 9, limit: 2 });
  const [told, given] = claimed;
  if (!told || !given) throw new Error('nothing was to be told');
  const attempt = { at: T0, durationMs: 1, status: 500, problem: 'x', answer: '', pauseMs: null };
  await webhooks.settle({ delivery: told, attempt }, ({ health }) => afterAttempt(attempt, 0, health, T0, () => 0.5));
  await webhooks.release([given]);
  await webhooks.nextDueAt();
  await webhooks.counts(T0);
  const [cursor, types] = [{ at: T0 + 9, id: 'z' }, ['referral.won' as const]];
  for (const page of [
    { limit: 5, cursor: null },
    { limit: 5, cursor },
  ])
    for (const filter of [{}, { state: 'waiting' as const }])
      await webhooks.deliveries(accountId, 'whe_1', page, filter);
  await webhooks.delivery(accountId, 'whe_1', told.eventId);
  await webhooks.again(accountId, 'whe_1', told.eventId, T0);
  for (const after of [null, cursor])
    await webhooks.replay(accountId, 'whe_1', { since: T0, after, limit: 5, types, onlyUndelivered: true, now: T0 });
  const known = await webhooks.endpoint(accountId, 'whe_1');
  if (known) await webhooks.save(accountId, { ...known, version: known.version + 1 }, 'ada');
  const [sealed] = await webhooks.listSealed(null, 5);
  if (sealed) await webhooks.replaceSealed(sealed, { secret: 's', former: null });
  await webhooks.prune(accountId, T0 + 1, 5);
  await webhooks.remove(accountId, 'whe_1', 'ada', T0);
}

async function useTiers({ tiers, attribution }: Store, a: Tenant): Promise<void> {
  const { accountId } = a;
  const look = { memberId: 'mem_1', programId: 'prg', lookedAt: T0 };
  await a.write({
    tierChanges: [changeOf('mem_1')],
    tierLooks: [{ ...look, at: T0 + 1 }],
    attributions: [attributionOf('ref_1')],
  });
  await tiers.due(T0, 5);
  await tiers.of(accountId, 'mem_1');
  for (const cursor of [null, { at: T0, id: 'z' }])
    for (const filter of [{}, { memberId: 'mem_1' }]) await tiers.changes(accountId, { limit: 5, cursor }, filter);
  for (const kind of ['submissions', 'touches'] as const) await tiers.engagement(accountId, 'mem_1', 'prg', kind);
  await attribution.publish(accountId, DEFAULT_POLICY, 'an admin', T0);
  await attribution.newest(accountId);
  await attribution.versions(accountId);
  await attribution.decisions(accountId, 'ref_1');
}

async function useIdentity({ identity, cases }: Store, a: Tenant): Promise<void> {
  const { accountId } = a;
  const record = { connectionId: 'con_x', object: 'contact' as const, id: '77' };
  const edge = edgeOf(a, 'ref_1', { record: a.ref('contact', '77') });
  await a.write({ identity: [edge] });
  await a.write({ identity: [{ ...edge, until: T0 + 1 }] });
  await identity.publish(accountId, POLICY, 'an admin', T0);
  await identity.newest(accountId);
  await identity.versions(accountId);
  await identity.edgesOf(accountId, 'ref_1');
  await identity.unseenEmails(accountId, 'con_x', 10);
  await cases.load({
    accountId,
    connectionId: 'con_x',
    contactIds: [record.id],
    dealIds: [],
    emails: ['a@x.test'],
    codes: [],
    companies: [],
    elsewhere: {
      connectionIds: [a.connectionId],
      dealKeys: ['K1'],
      contactKeys: ['K2'],
      phoneKeys: ['K3'],
      dealIdsAreKeysIn: [a.connectionId],
      contactIdsAreKeysIn: [a.connectionId],
    },
  });
  const friend = { name: null, email: 'new@x.test', contact: a.ref('contact', '78') };
  const plan = {
    members: [a.member('mem_new', { email: 'member@x.test' })],
    referrals: [a.referral('ref_new', 'mem_1', { friend })],
  };
  await cases.commit([{ ...a.commit(plan), isOneOfSeveral: true }]);
  await a.load({ colleaguesOf: ['acme'] });
  const unreferred = [{ contactId: '78', companyId: 'acme' }];
  await a.write({}, { colleagues: { connectionId: a.connectionId, companyIds: ['acme'], unreferred } });
}

async function useForecasts({ forecasts, connections }: Store, a: Tenant): Promise<void> {
  const { accountId, connectionId } = a;
  const chances = [{ pipelineId: 'p', stageId: 's', chance: 5_000 }];
  await connections.saveMapping(accountId, connectionId, 'm', [], T0, { chances });
  await forecasts.start(accountId, { id: 'fct_1', startedAt: T0, startedBy: 'x' });
  await forecasts.running(1);
  const own = { forecastId: 'fct_1', attempt: (await forecasts.begin(accountId, 'fct_1')) ?? 0 };
  await forecasts.openReferrals(accountId, '', 10);
  await forecasts.prospects(accountId, connectionId, ['1']);
  await forecasts.stageChances(accountId, connectionId);
  const line = {
    ...{ referralId: 'ref_1', ruleKey: 'r', party: 'member' as const, deal: a.ref('deal', '1') },
    money: { minor: 1n, currency: 'EUR' },
    ...{ chance: null, chanceFrom: null, closesAt: T0, expectedAt: T0, isOverdue: false, lacks: null },
  };
  await forecasts.addLines(accountId, { ...own, looked: 1 }, 0, [line]);
  await forecasts.dropLines(accountId, own, 'fct_0', 10);
  const sums = { cells: [], totals: [], deals: 0, withoutAmount: 0, withoutChance: 0, withoutCloseDate: 0, overdue: 0 };
  await forecasts.finish(accountId, own, sums, T0);
  await forecasts.newest(accountId);
  await forecasts.since(accountId, T0);
  const of = { currency: 'EUR', month: '2026-11' };
  await forecasts.lines(accountId, 'fct_1', of, { limit: 1, cursor: null });
  await forecasts.lines(accountId, 'fct_1', of, { limit: 1, cursor: { at: 1, id: 'fcl_1' } });
  await forecasts.friends(accountId, ['ref_1']);
  await forecasts.prune(accountId, T0);
}

async function useEverything(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const a = tenant(store);
  const { accountId, connectionId } = a;
  const record = a.ref('deal', '1');
  const contact = a.ref('contact', 'contact-mem_1');
  await store.inbox.append(a.of, [hint('e1', ['1', '2'])], T0);
  const items = await store.work.claim(claiming('c', T0, 1));
  await a.writePair();
  await store.retryParked(accountId, T0);
  await store.reads.accountOfCode('AAAA-AAAA-AAAA');
  await store.reads.unplacedEmails(accountId, 10);
  const { member, referral } = { member: a.member('mem_1'), referral: a.referral('ref_1', 'mem_1') };
  const reward = a.reward('rwd_1', 'ref_1');
  await a.write(
    {
      ...a.granted(reward),
      members: [{ ...member, version: 2 }],
      referrals: [{ ...referral, version: 2 }],
      touches: [a.touch('tch_1', { origin: { ipPrefix: '192.0.2.0/24', device: 'd' } })],
      cancelledIntentIds: ['pay_none'],
      mirror: [contact, record],
      wakes: [{ record, at: T0 }],
    },
    {
      settles: items,
      snapshots: [
        { facts: a.deal('1', { contactIds: ['9'] }), readAt: T0 },
        { facts: a.contact('contact-mem_1'), readAt: T0 },
      ],
      erase: [contact],
    },
  );
  for (const parked of [true, false]) {
    const [item] = await store.work.claim(claiming(`d${parked}`, T0, 1));
    if (item) await store.work.defer(item, { runAt: T0, error: 'x', parked });
  }
  await store.work.release(await store.work.claim(claiming('r')));
  await store.work.ask(accountId, [{ record, at: T0 }]);
  await store.work.nextDueAt();
  await store.work.counts(T0);
  await store.cases.knownContacts(accountId, 'con_a', ['1']);
  await store.cases.contactsOfDeals(accountId, connectionId, ['1']);
  await store.cases.recordVersions(accountId, connectionId, 'deal', ['1']);
  await a.write({}, { restsOn: [{ ref: record, basis: 1 }] });
  const keys = { contactIds: ['1', 'friend-ref_1', 'friend-1'], dealIds: ['1'], emails: ['e'], codes: ['c'] };
  await a.load({ ...keys, risk: { mail: ['k'], phones: ['k'], hours: [24], now: T0 } });
  await useDesk(store);
  await useAutopilot(store, a);
  const [payout] = await store.payouts.claim(claiming('p'));
  if (!payout) throw new Error('nothing was claimed');
  await store.payouts.defer(payout, { runAt: T0, error: 'x', parked: false });
  const [again] = await store.payouts.claim(claiming('p2'));
  if (again) await store.payouts.settle(again, planOf(), { reference: 'r', voucher: 'v', state: 'issued' });
  await useProviders(store, payout.intent);
  await store.payouts.nextDueAt();
  // So many that their rows are written as JSON on SQLite too: the planner may find another way to these.
  const crowd = Array.from({ length: 70 }, (_, index) => `mem_crowd${index}`);
  const ofCrowd = crowd.map((id) => a.ref('contact', `contact-${id}`));
  await a.write({ members: crowd.map((id) => a.member(id)), mirror: ofCrowd, people: crowd });
  const mirrored = await store.mirror.claim(claiming('m'));
  await store.mirror.acknowledge(
    mirrored.map((item) => ({ item, hash: 'h' })),
    T0,
  );
  const [other] = await store.mirror.claim(claiming('m2'));
  if (!other) throw new Error('nothing was claimed');
  await store.mirror.defer(other, { runAt: T0, error: 'x', parked: false });
  const [third] = await store.mirror.claim(claiming('m3'));
  if (third) await store.mirror.drop(third);
  await store.mirror.markAll(accountId, connectionId, T0);
  await store.mirror.nextDueAt();
  const call = { ...a.callKey('ap-1'), action: 'wait_until_rewarded', inputHash: 'in_1' };
  for (const now of [T0, T0 + 1, T0 + 10]) await store.workflowCalls.begin({ ...call, now, leasedUntil: now + 5 });
  await store.workflowCalls.giveUp(call, T0);
  const answer = { state: 'waits' as const, code: 'waiting', words: 'x', result: {}, days: 7 };
  for (let times = 0; times < 2; times += 1)
    await store.workflowCalls.answer(call, answer, a.waitFor('ref_1', { expiresAt: T0 + 9 }), T0);
  await store.callbacks.dueShards(T0, 10);
  await store.callbacks.waitOn(await store.callbacks.claim(claiming('w1')));
  const waits = await store.callbacks.claim({ ...claiming('w2'), now: T0 + 9 });
  await store.callbacks.defer(waits, { runAt: T0, error: 'x', parked: false });
  const ended = (await store.callbacks.claim({ ...claiming('w3'), now: T0 + 9 })).map((wait) => ({
    wait,
    outcome: 'x',
  }));
  await store.callbacks.end(ended, 'completed');
  await store.callbacks.nextDueAt();
  await store.callbacks.counts(T0);
  const told = { managers: [], programs: null, notifications: [], objects: 'off' as const, events: 'on' as const };
  const standing = await store.appSettings.newest(accountId, 'con_a');
  await store.appSettings.save(accountId, 'con_a', told, { basis: standing?.version ?? 0, by: 'x', now: T0 });
  await a.write({
    members: [a.member('mem_told')],
    referrals: [a.referral('ref_told', 'mem_told', { submittedAt: T0 + 9 * DAY })],
  });
  await store.appEvents.dueShards(T0 + 10 * DAY, 10);
  await store.appEvents.isHeldUp(accountId, 'con_a', 'x');
  const events = await store.appEvents.claim({ ...claiming('e1'), now: T0 + 10 * DAY });
  expect(events).toHaveLength(2);
  await store.appEvents.defer(events, { runAt: T0 + 10 * DAY, error: 'x', parked: false });
  await store.appEvents.end(await store.appEvents.claim({ ...claiming('e2'), now: T0 + 10 * DAY }));
  await store.appEvents.nextDueAt();
  await store.appEvents.counts(T0);
  await store.mirror.sources(accountId, [contact, record, a.ref('contact', 'friend-ref_1')]);
  await store.mirror.sources(accountId, ofCrowd);
  const { reads } = store;
  for (const cursor of [null, { at: T0, id: 'z' }]) {
    const page = { limit: 5, cursor };
    await useLists(store, page);
    for (const filter of [{}, { referralId: 'ref_1' }, { dealId: '1' }, { referralId: 'ref_1', ruleKey: 'r' }])
      await reads.decisions(accountId, page, filter);
    for (const filter of [{}, { rewardId: 'rwd_1' }]) await reads.journals(accountId, page, filter);
    for (const filter of [
      {},
      { rewardId: 'rwd_1', kind: 'issue' as const },
      { from: T0 - 1, to: T0 + 1 },
      { kind: 'accrue' as const },
      { account: 'expense:default', currency: 'EUR' },
      { account: 'payable:member:mem_1', currency: 'EUR', kind: 'accrue' as const },
    ])
      await store.ledger.journals(accountId, page, filter);
    for (const kind of ['payable', 'expense']) await store.ledger.accounts(accountId, page, { kind, currency: 'EUR' });
    await store.ledger.accounts(accountId, page, { kind: 'held', currency: 'EUR', account: 'held:member:mem_1' });
    await store.ledger.claimed(accountId, page);
  }
  const kept = { id: 'viw_1', list: 'rewards', name: 'n', search: 's' };
  for (const search of ['a', 'b']) await store.userViews.save(accountId, 'x', { ...kept, search }, { max: 5, now: T0 });
  for (const list of ['rewards', null]) await store.userViews.list(accountId, 'x', list);
  await store.userViews.remove(accountId, 'x', 'viw_1');
  await useWebhooks(store, accountId);
  const as = { basis: 0, by: 'x', now: T0 };
  await store.accountSettings.save(accountId, 'brand', USUAL_BRAND, as);
  await store.brands.setLogo(accountId, { hash: 'h', type: 'image/png', bytes: Buffer.from([1]) }, T0);
  await store.brands.ofAccounts([accountId]);
  await store.brands.logo('h');
  const text = { purpose: 'friend' as const, texts: { en: 'x' }, savedBy: 'x', savedAt: T0 };
  await store.consents.save(accountId, text, 0);
  await store.consents.text(accountId, 'friend', 1);
  await store.consents.inForce(accountId);
  await store.consents.texts(accountId);
  const shown = { subject: 'ref_1', purpose: 'friend' as const, version: 1, language: 'en' as const };
  await a.write({ consents: [{ ...shown, place: 'api', at: T0 }] });
  await store.consents.shown(accountId, ['ref_1']);
  await store.retention.note(accountId, [{ item: 'inbox', upTo: T0, at: T0 + 99 * DAY, rows: 0 }]);
  await store.inbox.append(a.of, [hint('e98', ['1'])], T0 - DAY);
  await store.retention.pruneInbox(accountId, connectionId, T0, { now: T0 + 99 * DAY, limit: 5 });
  await store.auditLog.begin(accountId, {
    ...{ id: 'aud_0', at: T0 - DAY, actor: 'x', via: 'api' as const, operation: 'x', subject: null },
    ...{ input: null, before: null, ref: 'r' },
  });
  await store.retention.pruneAuditLog(accountId, T0, 5);
  await store.retention.prunings(accountId);
  await store.testRuns.begin(testRunOf(), { programId: 'prg', name: 'T', rules: [] });
  await store.testRuns.started(accountId, 'tst_1', { memberId: 'mem_1', referralId: 'ref_1' });
  await store.testRuns.get(accountId, 'tst_1');
  for (const cursor of [null, { at: T0, id: 'tst_1' }]) await store.testRuns.list(accountId, { limit: 5, cursor });
  await store.testRuns.openIn(accountId, connectionId);
  await store.testRuns.ofTestAccount('test_tst_1');
  await store.testRuns.open();
  await store.testRuns.accountsOf(accountId);
  await tenant(store, 'test_tst_1', connectionId).write({ mirror: [record] });
  await store.testRuns.beginEnd(accountId, 'tst_1', { by: 'x', reason: 'person', now: T0 });
  await store.testRuns.finish(accountId, 'tst_1', { now: T0, lateMs: 1 });
  await store.ledger.sums(accountId);
  await store.figures.waitingAccounts();
  while ((await store.figures.fold(accountId, T0)) > 0);
  await store.figures.state(accountId);
  const days = { measures: ['submitted' as const, 'won' as const], from: 20_000, to: 20_100 };
  for (const by of [[], ['day' as const], ['label' as const], ['program' as const, 'label' as const]])
    await store.figures.sums(accountId, { ...days, by });
  await store.figures.sums(accountId, { ...days, by: ['label'], programId: 'prg', currency: 'EUR', labels: ['a'] });
  await store.figures.sums(accountId, { ...days, by: ['label'], top: { count: 5, by: 'minor' } });
  await reads.member(accountId, 'mem_1');
  await reads.memberByEmail(accountId, 'e');
  await reads.memberByContact(accountId, contact);
  await reads.memberByCode(accountId, 'c');
  await reads.accountOfCode('c');
  await reads.referral(accountId, 'ref_1');
  await reads.referralByFriend(accountId, 'prg', { email: 'e', contact });
  await reads.touches(accountId, contact);
  await reads.reward(accountId, 'rwd_1');
  await reads.balances(accountId);
  await reads.deals(accountId, [record]);
  await reads.dealsOfContacts(accountId, [a.ref('contact', '9')], 5);
  await reads.ofReferrals(accountId, ['ref_1', 'ref_2'], 5);
  const company = a.ref('company', 'acme');
  await reads.contactsOfCompany(accountId, company);
  for (const cursor of [null, { at: T0, id: 'ref_1' }])
    await reads.referralsOfCompany(accountId, company, { limit: 5, cursor });
  const click = { key: 'k1', kind: 'refer', inputHash: 'h', by: '7' };
  for (const now of [T0, T0 + 2]) await store.cardActions.begin(a.of, click, { now, until: now + 1 });
  await store.cardActions.keepContact(a.of, 'k1', '9');
  await store.cardActions.release(a.of, 'k1', T0);
  await store.cardActions.answer(a.of, 'k1', { ok: true });
  await store.connections.setCardActors(accountId, connectionId, ['7']);
  const owned = (ownerUserIds: string[]) => ({ facts: a.contact('5', { ownerUserIds }), readAt: T0 });
  const sold = { facts: a.deal('6', { contactIds: ['5'] }), readAt: T0 };
  for (const snapshots of [[owned(['7'])], [owned(['8']), sold]]) await a.write({}, { snapshots });
  await store.asks.keep(a.of, { key: 'k1', contactId: '5', way: 'copied', by: '7', at: T0 });
  await store.asks.lastAsked(a.of, ['5']);
  for (const companyId of [undefined, 'acme']) await store.asks.contactsOf(a.of, '7', { limit: 5, companyId });
  await store.asks.bearings(a.of, ['contact-mem_1']);
  await reads.readTimes(accountId, connectionId, 'deal', ['1']);
  await reads.health(accountId, connectionId, T0);
  await store.sync.count(accountId, connectionId, [{ measure: 'calls', label: 'ok', n: 1, total: 0, peak: 0 }], T0);
  await store.sync.noteSweep(accountId, connectionId, runOf('swp_1', T0, { missed: 1 }), T0 - DAY);
  await store.sync.note(accountId, connectionId, { id: 'cev_1', kind: 'lost', detail: 'Gone.', at: T0 });
  await store.sync.signs(accountId, connectionId, T0 - DAY, T0);
  await store.sync.sweepSigns(accountId, connectionId);
  await store.sync.heardOf(accountId, connectionId, 'deal', ['1']);
  await store.sync.retryParked(accountId, connectionId, T0);
  const row = { object: 'deal' as const, id: '1', reason: 'r', detail: 'd' };
  await store.syncReports.addRows(accountId, 'syn_0', 'decided', 0, [row]);
  await store.syncReports.dropRows(accountId, 'syn_0');
  await store.syncReports.addRows(accountId, 'syn_1', 'decided', 0, [row]);
  await store.syncReports.keep(accountId, { ...syncReportOf('syn_1', 1), connectionId });
  await store.syncReports.get(accountId, 'syn_1');
  await store.syncReports.knownDeals(accountId, connectionId, [{ id: '1', contactIds: ['1', 'friend-ref_1'] }]);
  await store.syncReports.rewardedDeals(accountId, connectionId, '0', 5);
  for (const object of ['contact', 'deal'] as const)
    await store.syncReports.mirrorTargets(accountId, connectionId, object, '0', 5);
  await store.syncReports.rewrite(accountId, [record, contact], T0);
  await store.syncReports.newest(accountId, connectionId);
  await store.syncReports.rows(accountId, 'syn_1', 'decided', -1, 5);
  for (const cursor of [null, { at: T0, id: 'z' }]) {
    await store.sync.sweeps(accountId, connectionId, { limit: 5, cursor });
    await store.sync.events(accountId, connectionId, { limit: 5, cursor });
    await store.syncReports.list(accountId, connectionId, { limit: 5, cursor });
  }
  const { connections } = store;
  await connections.get(accountId, connectionId);
  await connections.findByExternalId('hubspot', 'x');
  await connections.list(accountId);
  await connections.listConnected();
  await connections.describe(accountId, connectionId, { homeCurrency: null, timeZone: null, uiHost: null });
  await connections.tokens(accountId, connectionId);
  await connections.replaceTokens(accountId, connectionId, 1, a.tokens);
  await connections.saveState({ stateHash: 's', accountId, provider: 'hubspot', expiresAt: T0 });
  await connections.takeState('s', T0);
  await connections.saveMapping(accountId, connectionId, 'm', [], T0);
  await connections.mapping(accountId, connectionId);
  await useForecasts(store, a);
  await connections.setSweepMark(accountId, connectionId, { object: 'deal', upTo: T0 });
  await connections.sweepMarks(accountId, connectionId);
  await store.inbox.append(a.of, [hint('streamed', ['1'])], T0, { position: 'p', sweepFrom: T0 - 1 });
  await connections.streamPosition(accountId, connectionId);
  await connections.loseStreamPosition(accountId, connectionId);
  await store.programs.publish(accountId, { programId: 'prg', name: 'P', rules: [] }, T0);
  await store.programs.publish(accountId, { programId: 'prg', name: 'P', rules: [], tiers: SCHEME }, T0);
  for (const of of TRIED) {
    await store.dryRuns.keep(accountId, dryRunOf(of, of.kind));
    await store.dryRuns.get(accountId, of.kind);
  }
  await useTiers(store, a);
  await useIdentity(store, a);
  await store.programs.versions(accountId);
  await store.accounts.addApiKey({ id: 'k', accountId, label: 'l', roles: ['owner'], createdAt: T0 }, 'h');
  await store.accounts.findApiKey('h');
  await store.accounts.revokeApiKey(accountId, 'k', T0);
  await store.leases.acquire('l', 'o', T0, T0);
  await store.leases.release('l', 'o');
  await connections.disconnect(accountId, connectionId, 'why', T0);
}
