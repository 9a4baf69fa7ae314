import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import { USUAL_BRAND } from '../../src/domain/brand.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { afterAttempt } from '../../src/domain/webhook.ts';
import { eventOf } from '../../src/domain/webhook-event.ts';
import type { Engine } from '../../src/store/dialect.ts';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createStore, openEngine, openStore } from '../../src/store/open.ts';
import {
  assertCurrent,
  beginLoading,
  chunksOf,
  copyInto,
  type Digests,
  differences,
  digestsOf,
  sequenceOf,
} from '../../src/store/transfer.ts';
import { proposalOf, watchOf } from '../conformance/store-autopilot.ts';
import { backfillOf, importOf, releaseOf, rowOf } from '../conformance/store-backfill.ts';
import { newCase } from '../conformance/store-desk.ts';
import { DAY, dryRunOf, hint, T0, TRIED, tenant } from '../conformance/store-fixtures.ts';
import { edgeOf, POLICY } from '../conformance/store-identity.ts';
import { runOf, syncReportOf } from '../conformance/store-sync.ts';
import { testRunOf } from '../conformance/store-test-runs.ts';
import { attributionOf, changeOf } from '../conformance/store-tiers.ts';
import { endpointFor } from '../conformance/store-webhooks.ts';
import { postgresForThisFile } from '../support/postgres.ts';

const server = await postgresForThisFile();

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-transfer-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let files = 0;
const DATABASES = {
  sqlite: () => {
    files += 1;
    return Promise.resolve(`sqlite:${join(directory, `${files}.db`)}`);
  },
  postgres: () => server.freshDatabase(),
};

/** More referrals than one chunk has rows, and a row in every table that is copied. */
async function fill(engine: Engine, referrals = 1_201): Promise<void> {
  await migrate(engine);
  await engine.prepare();
  const store = createStore(engine);
  const a = tenant(store);
  await a.create();
  await store.accounts.addApiKey(
    { id: 'key_1', accountId: 'acc_a', label: 'Zapier', roles: ['owner'], createdAt: T0 },
    'hash',
  );
  const owner = { accountId: 'acc_a', roles: ['owner'] as const };
  const link = { purpose: 'invitation' as const, email: 'a@b.test', seat: owner, madeBy: null };
  await store.users.saveLink({ ...link, createdAt: T0, expiresAt: T0 + 9 }, 'link_1');
  await store.users.saveLink({ ...link, createdAt: T0, expiresAt: T0 + 9 }, 'link_2');
  await store.users.redeem('link_1', { hash: 'session', now: T0, expiresAt: T0 + 9 }, 'usr_1');
  await store.users.tieSubject('https://login.test/', 'subject', 'usr_1', T0);
  await store.users.saveOidcState('state', 'sealed', T0 + 9);
  const view = { id: 'viw_1', list: 'rewards', name: 'Ünï', search: 'state=held' };
  await store.userViews.save('acc_a', 'ada', view, { max: 5, now: T0 });
  const receiver = endpointFor('whe_1', { description: 'Ünï', former: { secret: 'sealed before', until: T0 + 9 } });
  await store.webhooks.create('acc_a', receiver);
  const claimedEvent = {
    shard: { accountId: 'acc_a', connectionId: 'whe_1' },
    now: T0,
    leaseMs: 1,
    limit: 1,
    claim: 'c',
  };
  const testEvent = eventOf('acc_a', 'webhook.test', 'whe_1', T0, T0, { endpointId: 'whe_1' });
  await store.webhooks.tell('acc_a', 'whe_1', testEvent);
  const [delivery] = await store.webhooks.claim(claimedEvent);
  const answered = { at: T0, durationMs: 5, status: 500, problem: 'The answer was 500.', answer: 'Ünï', pauseMs: null };
  if (!delivery) throw new Error('no delivery');
  await store.webhooks.settle({ delivery, attempt: answered }, ({ health }) =>
    afterAttempt(answered, 0, health, T0, () => 0.5),
  );
  await store.auditLog.begin('acc_a', {
    ...{ id: 'aud_1', at: T0, actor: 'Zapier', via: 'api', operation: 'createMember', subject: null },
    ...{ input: { email: 'x' }, before: null, ref: 'req_1' },
  });
  await store.connections.saveState({ stateHash: 'state', accountId: 'acc_a', provider: 'hubspot', expiresAt: T0 });
  await store.connections.saveMapping('acc_a', 'con_a', 'map_1', [], T0, { dryRunId: 'stage_mapping' });
  await store.connections.setSweepMark('acc_a', 'con_a', { object: 'deal', upTo: T0 });
  await store.programs.publish('acc_a', { programId: 'prg', name: 'Program', rules: [] }, T0);
  const stream = { position: '/data/Ünï AAAA', sweepFrom: null };
  await store.inbox.append(a.of, [hint('e1', ['1', '2']), hint('e2', ['3'])], T0, stream);
  await store.work.ask('acc_a', [{ record: a.ref('deal', '9'), at: T0 + DAY }]);
  await a.writePair();
  const reward = a.reward('rwd_1', 'ref_1');
  await a.write({
    ...a.granted(reward),
    touches: [a.touch('tch_1')],
    mirror: [a.ref('deal', '1')],
    waiting: [
      { on: { owner: 'mem_1', key: 'limit rule r life', currency: '' }, record: a.ref('deal', '2'), since: T0 },
    ],
  });
  await a.write({
    tierChanges: [changeOf('mem_1')],
    tierLooks: [{ memberId: 'mem_1', programId: 'prg', lookedAt: T0, at: T0 }],
    attributions: [attributionOf('ref_1')],
  });
  await store.attribution.publish('acc_a', DEFAULT_POLICY, 'Ünï', T0, 'attribution_policy');
  await store.identity.publish('acc_a', POLICY, 'Ünï', T0);
  await a.write({ identity: [edgeOf(a, 'ref_1')] });
  for (const of of TRIED) await store.dryRuns.keep('acc_a', dryRunOf(of, of.kind));
  await store.proposals.keep('acc_a', proposalOf({ madeBy: 'Ünï' }));
  await store.drift.keepWatch('acc_a', 'con_a', watchOf());
  const rate = { currency: 'USD', base: 'EUR', day: '2026-01-02', until: '2026-01-04', perBase: '1.1', source: 'Ünï' };
  await store.rates.enter('acc_a', [rate], 'Ada', T0);
  const draft = { programId: 'prg', name: '=Ünï', rules: [] };
  await store.programDrafts.save('acc_a', draft, { revision: 0, by: 'Ada', now: T0 });
  const entry = { id: 'q1', money: { minor: 500n, currency: 'EUR' }, by: 'finance', note: 'Ünï' };
  await store.programs.fillBudget('acc_a', 'prg', entry, T0);
  await a.write({
    referrals: Array.from({ length: referrals }, (_, index) => a.referral(`ref_many_${index}`, 'mem_1')),
  });
  const call = { ...a.callKey('ap-ü'), action: 'wait_until_rewarded', inputHash: 'in_1' };
  await store.workflowCalls.begin({ ...call, now: T0, leasedUntil: T0 + 1 });
  const answer = { state: 'waits' as const, code: 'waiting', words: 'Ünï', result: { rewardId: null }, days: 7 };
  await store.workflowCalls.answer(call, answer, a.waitFor('ref_1', { dealId: '1' }), T0);
  const intent = intentFor(reward);
  const money = { minor: 5n, currency: 'EUR' };
  await store.payoutRecords.saveSetting('acc_a', 'stripe', 'sealed', T0);
  await store.payoutRecords.begin('acc_a', intent, T0);
  const news = { eventId: 'evt_1', kind: 'refunded' as const, key: null, reference: 'ch_1', why: 'ü', at: T0 };
  await store.payoutRecords.keepNews('acc_a', 'stripe', [{ ...news, facts: { charge: 'ch_1' } }], T0);
  await store.coupons.add('acc_a', [{ hash: 'h', sealed: 's' }], money, T0);
  await store.batches.join('acc_a', { key: intent.id, rewardId: reward.id, money }, T0);
  const schedule = { kind: 'month_day', day: 'last' } as const;
  await store.batches.setBatching('acc_a', { provider: 'manual', schedule, approval: 'four_eyes', nextCutAt: T0 }, T0);
  await store.refunds.keep('acc_a', { source: 'api', id: 're_ü', deal: null, money, at: T0, isUndone: true }, T0);
  const report = { provider: 'stripe', orders: 1, agree: 1, listed: null, agreed: [money], differences: [] };
  await store.sync.count('acc_a', 'con_a', [{ measure: 'calls', label: 'ok', n: 1, total: 0, peak: 0 }], T0);
  await store.sync.noteSweep('acc_a', 'con_a', runOf('swp_1', T0), 0);
  await store.sync.note('acc_a', 'con_a', { id: 'cev_1', kind: 'lost', detail: 'Gone.', at: T0 });
  await store.syncReports.keep('acc_a', syncReportOf('syn_1', 1));
  await store.syncReports.keep('acc_a', syncReportOf('syn_2', 2, T0 + 1));
  await store.syncReports.pruneTo('acc_a', { ...syncReportOf('syn_1', 1), prunedAt: T0 + 2 });
  const row = { object: 'deal' as const, id: '1', reason: 'r', detail: 'd' };
  await store.syncReports.addRows('acc_a', 'syn_2', 'decided', 0, [row]);
  await store.payoutReports.keep('acc_a', { id: 'rep_1', from: T0, to: T0 + 1, report, by: 'x', at: T0 });
  await store.periods.seal('acc_a', Date.UTC(2026, 10, 1), { by: 'Ünï', reason: null, at: T0 });
  const line = { account: 'expense:prg', currency: 'EUR', opening: 0n, debits: 2n, credits: 1n, closing: 1n };
  const close = { id: 'per_1', number: 1, month: '2026-10', body: '{}', hash: 'h', signature: 's', keyId: 'k1' };
  await store.periods.keep('acc_a', { ...close, closedAt: T0 }, [line]);
  const chart = [{ account: 'expense:*', number: '6300', label: 'Ünï' }];
  await store.accountSettings.save('acc_a', 'chart', chart, { basis: 0, by: 'Ünï', now: T0 });
  const year = { id: 'tax_1', year: 2026, settingsVersion: 0, startedAt: T0, startedBy: 'Ünï' };
  await store.taxReports.start('acc_a', year);
  const given = { beneficiaryId: 'mem_1', country: 'DE', money, threshold: null };
  await store.taxReports.finish('acc_a', 'tax_1', new Map([['no_threshold', [given]]]), T0);
  const chances = [{ pipelineId: 'p', stageId: 'Ünï', chance: 5_000 }];
  await store.connections.saveMapping('acc_a', 'con_a', 'map_2', [], T0, { chances });
  await store.forecasts.start('acc_a', { id: 'fct_1', startedAt: T0, startedBy: 'Ünï' });
  const own = { forecastId: 'fct_1', attempt: (await store.forecasts.begin('acc_a', 'fct_1')) ?? 0 };
  const expected = { referralId: 'ref_1', ruleKey: 'Ünï', party: 'member' as const, deal: a.ref('deal', '1'), money };
  const unknown = { chance: null, chanceFrom: null, closesAt: T0, expectedAt: T0, isOverdue: false, lacks: null };
  await store.forecasts.addLines('acc_a', { ...own, looked: 1 }, 0, [{ ...expected, ...unknown }]);
  await store.backfills.start(backfillOf('bfl_1'));
  await store.history.ask(releaseOf('rel_1'));
  await store.memberImports.start(importOf('imp_1'), [rowOf(2)]);
  await store.accountSettings.save('acc_a', 'brand', { ...USUAL_BRAND, name: 'Ünï' }, { basis: 0, by: 'x', now: T0 });
  await store.brands.setLogo('acc_a', { hash: 'h', type: 'image/png', bytes: Buffer.from([137, 80]) }, T0);
  const text = { purpose: 'friend' as const, texts: { de: 'Ünï' }, savedBy: 'x', savedAt: T0 };
  await store.consents.save('acc_a', text, 0);
  await store.testRuns.begin(testRunOf(), { programId: 'prg', name: 'T', rules: [] });
  const shown = { subject: 'ref_1', purpose: 'friend' as const, version: 1, language: 'de' as const };
  await a.write({ consents: [{ ...shown, place: 'api', at: T0 }] });
  await store.retention.note('acc_a', [{ item: 'auditLog', upTo: T0, at: T0, rows: 1 }]);
  const click = { key: 'k1', kind: 'refer', inputHash: 'h', by: '7' };
  const connection = { accountId: 'acc_a', id: 'con_a' };
  await store.cardActions.begin(connection, click, { now: T0, until: T0 + 1 });
  await store.cardActions.answer(connection, 'k1', { ok: true, code: 'Ünï' });
  await store.asks.keep(connection, { key: 'k1', contactId: '2', way: 'spoken', by: '7', at: T0 });
  const alert = newCase('cas_1', { summary: 'Ünï' });
  await store.desk.open('acc_a', alert);
  await store.appSettings.save(
    'acc_a',
    'con_a',
    { managers: ['7'], programs: null, notifications: [], objects: 'off', events: 'on' },
    { basis: 0, by: 'x', now: T0 },
  );
  await a.write({
    members: [a.member('mem_told')],
    referrals: [a.referral('ref_told', 'mem_told', { submittedAt: T0 + 9 * DAY })],
  });
  await store.caseTasks.want(
    { accountId: 'acc_a', connectionId: 'con_a' },
    [{ caseId: 'cas_1', assignee: '7', isWanted: true }],
    T0,
  );
  const zed = {
    contacts: [{ connectionId: 'con_a', object: 'contact' as const, id: '999' }],
    emails: ['zed@example.com'],
  };
  await store.privacy.erase(
    'acc_a',
    { ...zed, memberIds: [], referralIds: [] },
    { id: 'era_1', source: 'api', by: 'x', at: T0 },
    (email) => `k1.${email.length}`,
  );
  await store.desk.setChain('acc_a', [{ to: 'person:7', hours: 4 }], T0);
  await engine.write(async ({ db }) => {
    await sql`insert into risk_findings (account_id, reward_id, signal, weight, found_at)
      values ('acc_a', 'rwd_1', 'same_phone', 50, ${T0})`.execute(db);
    await sql`insert into records (account_id, connection_id, object, record_id, presence, facts, read_at, version)
      values ('acc_a', 'con_a', 'deal', '1', 'present', ${'{"name":"Ünï \\u0000 💶 \\"x\\""}'}, ${T0}, 1)`.execute(db);
    await sql`insert into record_links (account_id, connection_id, deal_id, contact_id, changed_at)
      values ('acc_a', 'con_a', '1', '2', ${Number.MAX_SAFE_INTEGER})`.execute(db);
    await sql`insert into contact_owners (account_id, connection_id, contact_id, user_id, active_at)
      values ('acc_a', 'con_a', '2', '7', ${T0})`.execute(db);
  });
}

async function copied(source: Engine, target: Engine): Promise<Digests> {
  return source.snapshot(async (session) => {
    const loader = await beginLoading(target);
    const digests = await copyInto(session, loader);
    await loader.finish();
    return digests;
  });
}

describe.each([
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['sqlite', 'sqlite'],
  ['postgres', 'postgres'],
] as const)('from %s to %s', (from, to) => {
  test('every row of every table arrives as it was, in chunks, and the inbox goes on counting', async () => {
    const [source, target] = [
      await openEngine({ url: await DATABASES[from]() }),
      await openEngine({ url: await DATABASES[to]() }),
    ];
    await fill(source);
    // The last numbers may have been given out and not be there any more.
    const last = await source.write(async ({ db, dialect }) => {
      const text =
        dialect.name === 'postgres' ? `select setval('inbox_seq_seq', 77)` : 'update sqlite_sequence set seq = 77';
      await sql.raw(text).execute(db);
      return 77;
    });
    const read = await copied(source, target);
    expect(Object.entries(read).filter(([, { rows }]) => rows === 0)).toEqual([]);
    expect(read.referrals?.rows).toBe(1_203);
    expect(await target.snapshot(digestsOf)).toEqual(read);
    expect(await target.read(sequenceOf)).toBe(last);
    await target.prepare();
    await createStore(target).inbox.append({ id: 'con_a', accountId: 'acc_a' }, [hint('e3', ['4'])], T0);
    const { rows } = await target.read(({ db }) => sql<{ seq: number }>`select max(seq) as seq from inbox`.execute(db));
    expect(rows).toEqual([{ seq: 78 }]);
    await source.close();
    await target.close();
  });
});

describe.each(['sqlite', 'postgres'] as const)('into %s', (to) => {
  test('an unfinished copy is not served, and is replaced by the next one, guards and all', async () => {
    const url = await DATABASES[to]();
    const [source, target] = [await openEngine({ url: await DATABASES.sqlite() }), await openEngine({ url })];
    await fill(source, 10);
    await source.snapshot(async (session) => {
      const loader = await beginLoading(target);
      for await (const chunk of chunksOf(session)) await loader.write(chunk);
    });
    await expect(openStore({ url })).rejects.toThrow(/copy that was not finished/);
    const read = await copied(source, target);
    expect(await target.snapshot(digestsOf)).toEqual(read);
    await (await openStore({ url })).close();
    await expect(target.write(({ db }) => sql`delete from journals`.execute(db))).rejects.toThrow(/append_only/);
    await source.close();
    await target.close();
  });

  test('a journal that does not balance does not get in', async () => {
    const target = await openEngine({ url: await DATABASES[to]() });
    const source = await openEngine({ url: await DATABASES.sqlite() });
    await fill(source, 1);
    const loader = await beginLoading(target);
    const wrong = async () => {
      await source.snapshot(async (session) => {
        for await (const chunk of chunksOf(session)) {
          const postings = chunk.find(({ table }) => table === 'postings');
          const spoilt = postings?.rows.map((row, index) => (index === 0 ? [...row.slice(0, -1), 1] : row));
          await loader.write(chunk.map((part) => (part === postings && spoilt ? { ...part, rows: spoilt } : part)));
        }
      });
    };
    await expect(wrong()).rejects.toThrow(/rows of journals, beginning with acc_a jrn_\w+: .*journal_unbalanced/);
    await source.close();
    await target.close();
  });
});

describe('comparing', () => {
  test('finds a row that is missing, a row too many, and a row that is another, whatever the order', async () => {
    const engine = await openEngine({ url: await DATABASES.sqlite() });
    await fill(engine, 3);
    const before = await engine.snapshot(digestsOf);
    expect(differences(before, before)).toEqual([]);
    const changedBy = async (statement: string) => {
      await engine.write(({ db }) => sql.raw(statement).execute(db));
      return differences(before, await engine.snapshot(digestsOf));
    };
    expect(await changedBy(`update members set name = 'Anna'`)).toEqual([
      'members has the right number of rows, but other contents',
    ]);
    expect(await changedBy('delete from record_links')).toContain('record_links has 0 rows, should have 1');
    expect(await changedBy(`insert into oauth_states values ('x', 'y', 'z', 1)`)).toContain(
      'oauth_states has 2 rows, should have 1',
    );
    await engine.close();
  });
});

describe('a database of another version', () => {
  test.each([
    ['newer', `insert into migrations (number, name, breaking) values (99, 'later', 1)`, /newer version.*"later"/],
    ['older', 'delete from migrations where number = 1', /older version|nothing of Wonward/],
    ['moved', `create table out_of_service as select 'This database was moved.' as reason`, /was moved/],
  ])('(%s) is refused', async (_, statement, words) => {
    const engine = await openEngine({ url: await DATABASES.sqlite() });
    await migrate(engine);
    await engine.read(assertCurrent);
    await engine.write(({ db }) => sql.raw(statement).execute(db));
    await expect(engine.read(assertCurrent)).rejects.toThrow(words);
    await engine.close();
  });
});
