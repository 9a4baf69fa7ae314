import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createAccounts } from '../src/application/accounts.ts';
import type { CrmSession } from '../src/application/ports/crm.ts';
import { createProcess } from '../src/application/process.ts';
import { parseProgram } from '../src/application/program-document.ts';
import { verify } from '../src/application/verify.ts';
import { parseHints } from '../src/crm/hubspot/hints.ts';
import type { StageMapping } from '../src/domain/mapping.ts';
import { createDraft } from '../src/domain/plan.ts';
import type { ContactFacts, DealFacts } from '../src/domain/record.ts';
import { settlePayout } from '../src/domain/reward.ts';
import { systemClock as clock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { createAudit } from '../src/store/audit.ts';
import type { Engine } from '../src/store/dialect.ts';
import { migrate } from '../src/store/migrations/migrate.ts';
import { createStore, openEngine } from '../src/store/open.ts';
import { isCopied } from '../src/store/transfer.ts';
import { startPostgres } from './postgres.ts';
import { APP, PROGRAM } from './world.ts';

/*
 * Bytes a row and bytes written a change, on SQLite and on PostgreSQL: the figures that docs/data.md calculates with.
 *
 *   node bench/sizes.ts [referrals] [postgres]
 *
 * The rows are those of the engine itself: HubSpot's events through the inbox, contacts and deals through gather, decide and commit,
 * payouts settled as credit. Only the CRM's answers lie in memory. Every friend has one deal that goes through four stages; one in five
 * is won and rewards both sides. Five friends share a member.
 */

const REFERRALS = Number(process.argv[2] ?? 5_000);
const FRIENDS_PER_MEMBER = 5;
const WON_EVERY = 5;
const EVENTS_PER_DELIVERY = 100;
const STAGES = ['appointmentscheduled', 'qualifiedtobuy', 'contractsent', 'closedwon', 'closedlost'];
const CONNECTION = 'con_01a20233-5813-7361-a4a0-12fc5d94b1b2';
const MEMBERS_FROM = 101_000_000_000;
const FRIENDS_FROM = 201_000_000_000;
const DEALS_FROM = 301_000_000_000;

interface Written {
  /** What the process (SQLite) or the server's log (PostgreSQL) wrote. */
  readonly bytes: number;
}

const mapping: StageMapping = {
  version: 'map_0123456789abcdefghjkmnpqrs',
  entries: STAGES.map((stageId) => ({
    pipelineId: 'default',
    stageId,
    pipelineLabel: 'Sales Pipeline',
    stageLabel: stageId,
    stage: stageId === 'closedwon' ? 'won' : stageId === 'closedlost' ? 'lost' : 'opportunity',
  })),
};

function createCrm() {
  const contacts = new Map<string, ContactFacts>();
  const deals = new Map<string, DealFacts>();
  const ref = (object: 'contact' | 'deal', id: number) => ({ connectionId: CONNECTION, object, id: String(id) });
  const person = (id: number, kind: string, referredByIds: string[]): void => {
    contacts.set(String(id), {
      ref: ref('contact', id),
      presence: 'present',
      name: `Ada Lovelace ${id % 100_000}`,
      email: `ada.lovelace.${id}@${kind}.example.com`,
      usedCode: null,
      referredByIds,
      formerIds: [],
      modifiedAt: clock.now(),
    });
  };
  for (let index = 0; index < REFERRALS; index += 1) {
    const member = MEMBERS_FROM + Math.floor(index / FRIENDS_PER_MEMBER);
    if (index % FRIENDS_PER_MEMBER === 0) person(member, 'members', []);
    person(FRIENDS_FROM + index, 'friends', [String(member)]);
    deals.set(String(DEALS_FROM + index), {
      ref: ref('deal', DEALS_FROM + index),
      presence: 'present',
      name: `Analytical Engine ${index} for Lovelace`,
      history: [],
      contactIds: [String(FRIENDS_FROM + index)],
      formerIds: [],
      modifiedAt: clock.now(),
    });
  }
  const found = <T>(map: ReadonlyMap<string, T>, ids: readonly string[]) => ids.flatMap((id) => map.get(id) ?? []);
  const unused = () => Promise.reject(new Error('nothing else is asked here'));
  const session: CrmSession = {
    mirrors: 'properties',
    account: unused,
    stages: unused,
    provision: unused,
    writeMirror: unused,
    propertyNames: unused,
    contactsByEmail: unused,
    changedSince: unused,
    dealIds: unused,
    readDeals: async (ids) => found(deals, ids),
    readContacts: async (ids) => found(contacts, ids),
    dealsOfContacts: async (ids) =>
      new Map(
        ids.map((id) => [id, [String(DEALS_FROM + Number(id) - FRIENDS_FROM)].filter((deal) => deals.has(deal))]),
      ),
  };
  return {
    session,
    /** Moves every deal to its next stage; returns the events that HubSpot would send. */
    advance(step: number): object[] {
      const at = clock.now();
      return [...deals.values()].map((deal, index) => {
        const isLast = step === 3;
        const stageId = isLast ? (index % WON_EVERY === 0 ? 'closedwon' : 'closedlost') : (STAGES[step] ?? '');
        const point = { at, pipelineId: 'default', stageId, amount: '12500.00', currency: 'EUR' };
        deals.set(deal.ref.id, { ...deal, history: [...deal.history, point], modifiedAt: at });
        return {
          eventId: 1_000_000_000 + step * REFERRALS + index,
          subscriptionId: 4_242,
          portalId: 147_000_001,
          appId: APP.appId,
          occurredAt: at,
          subscriptionType: 'object.propertyChange',
          objectTypeId: '0-3',
          attemptNumber: 0,
          objectId: Number(deal.ref.id),
          propertyName: 'dealstage',
          propertyValue: stageId,
          changeSource: 'CRM_UI',
          sourceId: 'userId:12345678',
        };
      });
    },
  };
}

async function measure(name: string, url: string): Promise<void> {
  const engine = await openEngine({ url });
  await migrate(engine);
  await engine.prepare();
  const store = createStore(engine);
  const account = await createAccounts({ store, clock }).create('Acme');
  const program = parseProgram(PROGRAM);
  if (!program.ok) throw new Error(program.problems.join('\n'));
  await store.programs.publish(account.id, program.program, clock.now());
  await store.connections.connect(
    {
      id: CONNECTION,
      accountId: account.id,
      provider: 'hubspot',
      externalId: '147000001',
      status: 'connected',
      statusReason: null,
      homeCurrency: 'EUR',
      timeZone: null,
      uiHost: null,
      scopes: [],
      connectedAt: clock.now(),
    },
    { accessToken: 'none', refreshToken: 'none', expiresAt: 0 },
  );
  await store.connections.saveMapping(account.id, CONNECTION, mapping.version, mapping.entries, clock.now());
  const crm = createCrm();
  const processBatch = createProcess({
    store,
    clock,
    log: createLog({ level: 'silent' }),
    observe: { processed: () => {}, decision: () => {} },
    openSession: () => crm.session,
    onDecided: () => {},
  });
  const shard = { accountId: account.id, connectionId: CONNECTION };

  console.log(`\n${name}: ${REFERRALS} referrals, ${REFERRALS / WON_EVERY} of them won\n`);
  const rows: string[][] = [['step', 'changes', 'bytes written a change', 'ms a change']];
  const step = async (label: string, changes: number, run: () => Promise<void>) => {
    const before = await written(engine);
    const startedAt = performance.now();
    await run();
    const milliseconds = performance.now() - startedAt;
    const after = await written(engine);
    console.error(`  ${label}: ${milliseconds.toFixed(0)} ms`);
    rows.push([
      label,
      String(changes),
      ((after.bytes - before.bytes) / changes).toFixed(0),
      (milliseconds / changes).toFixed(2),
    ]);
  };
  for (let stage = 0; stage < 4; stage += 1) {
    const events = crm.advance(stage);
    await step(`receive, stage ${stage + 1}`, events.length, async () => {
      for (let from = 0; from < events.length; from += EVENTS_PER_DELIVERY) {
        const body = new TextEncoder().encode(JSON.stringify(events.slice(from, from + EVENTS_PER_DELIVERY)));
        const parsed = parseHints(body, APP.appId);
        if (!parsed.ok) throw new Error(parsed.detail);
        await store.inbox.append({ id: CONNECTION, accountId: account.id }, parsed.hints, clock.now());
      }
    });
    await step(`process, stage ${stage + 1}`, events.length, async () => {
      while ((await processBatch(shard)) > 0);
    });
  }
  await step('pay out, a reward', (REFERRALS / WON_EVERY) * 2, async () => {
    for (;;) {
      const now = clock.now();
      const payouts = await store.payouts.claim({ now, leaseMs: 120_000, limit: 50, claim: crypto.randomUUID() });
      if (payouts.length === 0) break;
      for (const payout of payouts) {
        const draft = createDraft({
          accountId: account.id,
          programs: [],
          connectedAt: 0,
          mapping,
          members: [],
          referrals: [payout.referral],
          decisions: [],
          rewards: [payout.reward],
          tallies: new Map(),
        });
        settlePayout(draft, payout.reward, { ok: true }, now);
        await store.payouts.settle(payout, draft.plan());
      }
    }
  });
  print(rows);
  console.log('');
  print([['table', 'rows', 'bytes a row', 'of it indexes'], ...(await sizes(engine))]);

  const startedAt = performance.now();
  const memoryBefore = process.memoryUsage().rss;
  const result = await engine.snapshot((session) => verify(createAudit(session, clock.now())));
  const seconds = (performance.now() - startedAt) / 1_000;
  const grown = (process.memoryUsage().rss - memoryBefore) / 1e6;
  console.log(
    `\nverify: ${result.ok ? 'everything agrees' : JSON.stringify(result, null, 1)}, ${(REFERRALS / seconds).toFixed(0)} referrals a second, resident memory ${grown.toFixed(0)} MB more`,
  );
  await engine.close();
}

async function written(engine: Engine): Promise<Written> {
  if (engine.dialect.name === 'postgres') {
    const { rows } = await engine.read(({ db }) =>
      sql<{ bytes: number }>`select cast(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bigint) as bytes`.execute(db),
    );
    return { bytes: Number(rows[0]?.bytes ?? 0) };
  }
  // The log, and what is copied from it into the file.
  const text = readFileSync('/proc/self/io', 'utf8');
  return { bytes: Number(/^write_bytes: (\d+)$/m.exec(text)?.[1] ?? 0) };
}

async function sizes(engine: Engine): Promise<string[][]> {
  const query =
    engine.dialect.name === 'postgres'
      ? sql<{ name: string; rows: number; all_bytes: number; index_bytes: number }>`
          select c.relname as name, c.reltuples::bigint as rows, pg_total_relation_size(c.oid) as all_bytes,
            pg_indexes_size(c.oid) as index_bytes
          from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`
      : sql<{ name: string; rows: number; all_bytes: number; index_bytes: number }>`
          select m.tbl_name as name, 0 as rows, sum(s.pgsize) as all_bytes,
            sum(case when m.type = 'index' then s.pgsize else 0 end) as index_bytes
          from dbstat s join sqlite_master m on m.name = s.name where s.aggregate = true group by m.tbl_name`;
  if (engine.dialect.name === 'postgres')
    await engine.read(({ db }) => sql`vacuum analyze`.execute(db).catch(() => sql`analyze`.execute(db)));
  const { rows } = await engine.read(({ db }) => query.execute(db));
  const lines: string[][] = [];
  for (const { name, all_bytes: all, index_bytes: indexes } of rows) {
    if (!isCopied(name)) continue;
    const counted = await engine.read(({ db }) =>
      sql<{ n: number }>`select count(*) as n from ${sql.table(name)}`.execute(db),
    );
    const count = Number(counted.rows[0]?.n ?? 0);
    if (count < 100) continue;
    lines.push([name, String(count), (Number(all) / count).toFixed(0), (Number(indexes) / count).toFixed(0)]);
  }
  return lines.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

function print(lines: readonly (readonly string[])[]): void {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  for (const line of lines)
    console.log(
      `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
    );
}

const directory = await mkdtemp(join(tmpdir(), 'wonward-sizes-'));
const ending: Array<() => Promise<unknown>> = [];
try {
  if (process.argv[3] !== 'postgres') await measure('SQLite', `sqlite:${join(directory, 'sizes.db')}`);
  const server = await startPostgres({
    directory: () => mkdtemp(join(directory, 'postgres-')),
    onEnd: (end) => void ending.push(async () => end()),
  });
  await measure('PostgreSQL', await server.freshDatabase());
} finally {
  for (const end of ending) await end();
  await rm(directory, { recursive: true, force: true });
}
