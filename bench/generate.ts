import { createHash } from 'node:crypto';
import { constants, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createAccounts } from '../src/application/accounts.ts';
import { parseProgram } from '../src/application/program-document.ts';
import { systemClock } from '../src/platform/clock.ts';
import { openStore } from '../src/store/open.ts';
import { type Row as StoredRow, TABLES, type Table } from '../src/store/schema.ts';
import type { Context } from './row.ts';
import { connectionIdOf, FIRST_PORTAL, PROGRAM, type Tenant } from './world.ts';

/*
 * A big store in minutes: rows as the service leaves them, made inside SQLite by one INSERT … SELECT per table, with the indexes built
 * afterwards. The tables, indexes and triggers are the migrations' own, and the ledger is added up at the end.
 *
 * A million referrals are 200,000 members of five friends each; of five friends one has won (two rewards, paid as credit: four
 * journals, eight postings), one has an open deal, three have none.
 */

/** Friends per member, and the cycle of what became of them. */
const FRIENDS_PER_MEMBER = 5;

/** Ids in the CRM, each kind in a range of its own and none where the local HubSpot begins. */
export const MEMBER_CONTACTS_FROM = 40_000_000_000;
export const FRIEND_CONTACTS_FROM = 50_000_000_000;
export const DEALS_FROM = 60_000_000_000;

/** Referrals are spread over this time, so that pages by time have something to page through. */
const SPREAD_MS = 300 * 86_400_000;
/** Enough for the whole table that is being written; freed when it is done. */
const CACHE_KIB = 1_000_000;

export interface BigStore {
  readonly databaseUrl: string;
  readonly path: string;
  readonly tenant: Tenant;
  readonly referrals: number;
}

/** A copy of the cached store with so many referrals, for the caller to change; it is generated when it is not there yet. */
export async function bigStore(context: Context, referrals: number): Promise<BigStore> {
  const fresh = join(await context.directory(), 'empty.db');
  await (await openStore({ url: `sqlite:${fresh}` })).close();
  const cached = join(context.cacheDirectory, `store-${referrals}-${schemaOf(fresh)}.db`);
  const aside = `${cached}.json`;
  if (!existsSync(cached) || !existsSync(aside)) {
    const startedAt = performance.now();
    context.say(`generating ${referrals.toLocaleString('en-GB')} referrals, once`);
    const unfinished = `${cached}.unfinished`;
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${unfinished}${suffix}`, { force: true });
    const tenant = await generate(unfinished, referrals);
    forgetOthers(context.cacheDirectory, referrals);
    renameSync(unfinished, cached);
    writeFileSync(aside, JSON.stringify(tenant));
    const megabytes = (statSync(cached).size / 1e6).toFixed(0);
    context.say(`generated in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s, ${megabytes} MB`);
  }
  const path = join(await context.directory(), 'wonward.db');
  // A file system that shares blocks copies nothing.
  await copyFile(cached, path, constants.COPYFILE_FICLONE);
  return { path, databaseUrl: `sqlite:${path}`, tenant: JSON.parse(readFileSync(aside, 'utf8')) as Tenant, referrals };
}

/** Stores of the same size and another schema: nobody asks for them again, and a big one has gigabytes. */
function forgetOthers(directory: string, referrals: number): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`store-${referrals}-`) && !name.includes('.unfinished')) rmSync(join(directory, name));
  }
}

/** Changes when a table, an index or a trigger does: a store of another version is made anew. */
function schemaOf(path: string): string {
  const database = new Database(path, { readonly: true });
  const statements = database.prepare('select sql from sqlite_master order by name').pluck().all();
  database.close();
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex').slice(0, 12);
}

/** @throws when the ledger of the generated store does not add up. */
export async function generate(path: string, referrals: number): Promise<Tenant> {
  const tenant = await createTenant(path);
  const database = new Database(path);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.pragma('foreign_keys = OFF');
  database.pragma(`cache_size = -${CACHE_KIB}`);
  const later = database
    .prepare(`select type, name, sql from sqlite_master where type in ('index', 'trigger') and sql is not null`)
    .all() as Array<{ type: string; name: string; sql: string }>;
  for (const { type, name } of later) database.exec(`drop ${type} ${name}`);
  fill(database, tenant, referrals);
  for (const { type, sql } of later) if (type === 'index') database.exec(sql);
  for (const { type, sql } of later) if (type === 'trigger') database.exec(sql);
  const off = database
    .prepare('select currency, sum(minor) as minor from postings group by currency having sum(minor) <> 0')
    .all();
  if (off.length > 0) throw new Error(`the generated ledger is off by ${JSON.stringify(off)}`);
  database.exec('insert into referral_stages select account_id, id, stage_since, stage from referrals');
  database.pragma('journal_mode = WAL');
  database.close();
  await makeFigures(path, tenant.accountId);
  return tenant;
}

/** No trigger has marked what was filled in: all of it is marked, and summed up as the service would. */
async function makeFigures(path: string, accountId: string): Promise<void> {
  const store = await openStore({ url: `sqlite:${path}` });
  try {
    await store.figures.forget(accountId, systemClock.now());
    while ((await store.figures.fold(accountId, systemClock.now())) > 0);
  } finally {
    await store.close();
  }
}

async function createTenant(path: string): Promise<Tenant> {
  const store = await openStore({ url: `sqlite:${path}` });
  try {
    const accounts = createAccounts({ store, clock: systemClock });
    const { id: accountId } = await accounts.create('Acme');
    const key = await accounts.createApiKey(accountId, 'bench');
    const parsed = parseProgram(PROGRAM);
    if (!key || !parsed.ok) throw new Error('the account could not be made');
    await store.programs.publish(accountId, parsed.program, systemClock.now());
    const portalId = FIRST_PORTAL;
    return { accountId, apiKey: key.key, portalId, connectionId: connectionIdOf(accountId, portalId) };
  } finally {
    await store.close();
  }
}

/** A SQL expression for every column: a column that is added to the schema is missed by the compiler. */
type Columns<T extends Table> = { readonly [C in keyof StoredRow<T>]: string };

function fill(database: Database.Database, { accountId, connectionId }: Tenant, referrals: number): void {
  const now = Date.now();
  const account = `'${accountId}'`;
  const connection = `'${connectionId}'`;
  const insert = <T extends Table>(table: T, columns: Columns<T>, from: string) => {
    const names = Object.keys(TABLES[table]) as Array<keyof Columns<T>>;
    const values = names.map((name) => columns[name]).join(', ');
    database.exec(`insert into ${table} (${names.join(', ')}) select ${values} from ${from}`);
  };
  const numbers = (count: number) =>
    `(with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < ${count}) select i from numbers)`;

  // Scattered as hashes are, and the number kept inside so that no two are equal.
  const id = (prefix: string, number: string) =>
    `'${prefix}_' || printf('%08x%018x', (${number} * 2654435761) % 4294967296, ${number})`;
  const submittedAt = `(${now - SPREAD_MS} + i * ${Math.floor(SPREAD_MS / referrals)})`;
  const friend = `cast(${FRIEND_CONTACTS_FROM} + i as text)`;
  const deal = `cast(${DEALS_FROM} + i as text)`;
  const memberNumber = `((i + ${FRIENDS_PER_MEMBER - 1}) / ${FRIENDS_PER_MEMBER})`;
  const memberContact = (number: string) => `cast(${MEMBER_CONTACTS_FROM} + ${number} as text)`;
  const isWon = `i % ${FRIENDS_PER_MEMBER} = 0`;
  const isOpen = `i % ${FRIENDS_PER_MEMBER} = 1`;
  const wonReason = `'{"code":"rewarded","values":{"deal":"' || ${deal} || '","days":"0","until":""}}'`;
  const all = numbers(referrals);
  const members = Math.ceil(referrals / FRIENDS_PER_MEMBER);
  const won = `(select i from ${all} where ${isWon})`;
  /** Each won referral once per side; `s` is 0 for the member's reward and 1 for the friend's. */
  const sides = `(select i, s from ${won} cross join (select 0 as s union all select 1))`;
  const rewardNumber = `(i * 2 + s)`;
  const party = `case s when 0 then 'member' else 'friend' end`;
  const rule = `case s when 0 then 'member-won' else 'friend-won' end`;
  const minor = 'case s when 0 then 12005 else 5000 end';
  const beneficiary = `case s when 0 then ${id('mem', memberNumber)} else ${id('ref', 'i')} end`;
  const contactFacts = (contact: string, name: string, email: string, referredBy: string) =>
    `'{"ref":{"connectionId":"${connectionId}","object":"contact","id":"' || ${contact} || '"},"presence":"present","name":"' || ${name} || '","email":"' || ${email} || '","usedCode":null,"referredByIds":[' || ${referredBy} || '],"formerIds":[]}'`;
  const friendName = `'Ada Lovelace ' || i`;
  const friendEmail = `'ada-' || i || '@friends.example'`;
  const memberName = `'Grace Hopper ' || i`;
  const memberEmail = `'grace-' || i || '@members.example'`;
  const point = (at: string, stage: string) =>
    `'{"at":' || ${at} || ',"pipelineId":"default","stageId":"' || ${stage} || '","amount":"1200.50","currency":"EUR"}'`;
  const dealStage = `case when ${isWon} then 'closedwon' else 'appointmentscheduled' end`;

  database.exec('begin');
  insert(
    'members',
    {
      account_id: account,
      id: id('mem', 'i'),
      name: memberName,
      name_key: `lower(${memberName})`,
      email: memberEmail,
      code: `printf('%04X-%04X-%04X', (i * 2654435761) % 65536, i / 65536, i % 65536)`,
      connection_id: connection,
      contact_id: memberContact('i'),
      created_at: `${now - SPREAD_MS} + i`,
      version: '1',
      is_staff: '0',
      erased_at: 'null',
    },
    numbers(members),
  );
  insert(
    'referrals',
    {
      account_id: account,
      id: id('ref', 'i'),
      program_id: `'default'`,
      member_id: id('mem', memberNumber),
      friend_name: friendName,
      friend_key: `lower(${friendName})`,
      friend_email: friendEmail,
      connection_id: connection,
      contact_id: friend,
      source: `'label'`,
      stage: `case when ${isWon} then 'won' when ${isOpen} then 'opportunity' else 'accepted' end`,
      reason: `case when ${isWon} then '{"code":"deal_won","values":{"deal":"' || ${deal} || '"}}' else '{"code":"attributed_label","values":{}}' end`,
      stage_since: submittedAt,
      submitted_at: submittedAt,
      version: `case when ${isWon} then 2 else 1 end`,
      won_deals: 'null',
      recruiter_id: 'null',
      follows_referral_id: 'null',
      follows_since: 'null',
      assist_member_id: 'null',
      assist_percent: 'null',
      assist_since: 'null',
      assist_until: 'null',
      moved_at: 'null',
      stage_words: 'null',
      doubt: 'null',
      friend_erased_at: 'null',
    },
    all,
  );
  insert(
    'touches',
    {
      account_id: account,
      id: id('tch', 'i'),
      kind: `'label'`,
      member_id: id('mem', memberNumber),
      connection_id: connection,
      contact_id: friend,
      evidence: `'contact ' || ${memberContact(memberNumber)}`,
      at: submittedAt,
      ip_prefix: 'null',
      device: 'null',
    },
    all,
  );
  insert(
    'rewards',
    {
      account_id: account,
      id: id('rwd', rewardNumber),
      referral_id: id('ref', 'i'),
      connection_id: connection,
      deal_id: deal,
      rule_key: rule,
      party,
      beneficiary_id: beneficiary,
      minor,
      currency: `'EUR'`,
      state: `'issued'`,
      reason: wonReason,
      payout: `'credit'`,
      program_id: `'default'`,
      release_at: 'null',
      reversal_pending: '0',
      order_at: 'null',
      review: `'none'`,
      netted: '0',
      clawed_back: '0',
      uses: `'[]'`,
      cancels_issued: '0',
      expires_after_days: 'null',
      expires_at: 'null',
      written_off: '0',
      created_at: submittedAt,
      updated_at: submittedAt,
      version: '3',
    },
    sides,
  );
  insert(
    'decisions',
    {
      account_id: account,
      id: id('dec', rewardNumber),
      referral_id: id('ref', 'i'),
      connection_id: connection,
      deal_id: deal,
      rule_key: rule,
      sequence: '1',
      party,
      outcome: `'rewarded'`,
      reason: wonReason,
      conditions: `'[{"condition":"first referral on the deal","expected":"yes","actual":"yes","verdict":"met"}]'`,
      calculation: `'[]'`,
      minor,
      currency: `'EUR'`,
      reward_id: id('rwd', rewardNumber),
      release_at: 'null',
      effective_at: submittedAt,
      program_id: `'default'`,
      program_version: '1',
      mapping_version: `'map_generated'`,
      recorded_at: submittedAt,
      risk: 'null',
    },
    sides,
  );
  // Accrued, then issued: `k` is 0 and 1. One posting debits and one credits: `l` is 0 and 1.
  const journals = `(select i, s, k from ${sides} cross join (select 0 as k union all select 1))`;
  const journalNumber = `(${rewardNumber} * 2 + k)`;
  insert(
    'journals',
    {
      account_id: account,
      id: id('jrn', journalNumber),
      kind: `case k when 0 then 'accrue' else 'issue' end`,
      reward_id: id('rwd', rewardNumber),
      decision_id: `case k when 0 then ${id('dec', rewardNumber)} end`,
      effective_at: submittedAt,
      recorded_at: submittedAt,
    },
    journals,
  );
  insert(
    'postings',
    {
      account_id: account,
      journal_id: id('jrn', journalNumber),
      line: 'l',
      ledger_account: `case when k = 0 and l = 0 then 'expense:default'
        when k = 1 and l = 1 then 'credit:' || ${party} || ':' || ${beneficiary}
        else 'payable:' || ${party} || ':' || ${beneficiary} end`,
      currency: `'EUR'`,
      minor: `(case l when 0 then 1 else -1 end) * (${minor})`,
    },
    `(select i, s, k, l from ${journals} cross join (select 0 as l union all select 1))`,
  );
  insert(
    'intents',
    {
      account_id: account,
      id: id('pay', rewardNumber),
      reward_id: id('rwd', rewardNumber),
      provider: `'credit'`,
      kind: `'issue'`,
      state: `'done'`,
      run_at: submittedAt,
      due_at: 'null',
      claim: 'null',
      attempts: '0',
      parked: '0',
      error: 'null',
    },
    sides,
  );
  const recordColumns = { account_id: account, connection_id: connection, presence: `'present'`, read_at: String(now) };
  const version = {
    modified_at: submittedAt,
    version: '1',
    mail_key: 'null',
    phone_key: 'null',
    shared_key: 'null',
    company_id: 'null',
    judged_by: 'null',
    chance: 'null',
    closes_at: 'null',
  };
  insert(
    'records',
    {
      ...recordColumns,
      ...version,
      modified_at: String(now - SPREAD_MS),
      object: `'contact'`,
      record_id: memberContact('i'),
      facts: contactFacts(memberContact('i'), memberName, memberEmail, `''`),
    },
    numbers(members),
  );
  insert(
    'records',
    {
      ...recordColumns,
      ...version,
      object: `'contact'`,
      record_id: friend,
      facts: contactFacts(friend, friendName, friendEmail, `'"' || ${memberContact(memberNumber)} || '"'`),
    },
    all,
  );
  const withDeal = `(select i from ${all} where ${isWon} or ${isOpen})`;
  insert(
    'records',
    {
      ...recordColumns,
      ...version,
      chance: '4000',
      closes_at: `(${now} + (i % 180) * 86400000)`,
      object: `'deal'`,
      record_id: deal,
      facts: `'{"ref":{"connectionId":"${connectionId}","object":"deal","id":"' || ${deal} || '"},"presence":"present","name":"Engine ' || i || '","history":[' || ${point(submittedAt, dealStage)} || '],"contactIds":["' || ${friend} || '"],"formerIds":[]}'`,
    },
    withDeal,
  );
  insert(
    'record_links',
    {
      account_id: account,
      connection_id: connection,
      deal_id: deal,
      contact_id: friend,
      changed_at: submittedAt,
    },
    withDeal,
  );
  const acknowledged = {
    account_id: account,
    connection_id: connection,
    wanted: '1',
    acked: '1',
    acked_hash: `'acknowledged'`,
    acked_at: String(now),
    unsure_until: 'null',
    marked_at: 'null',
    run_at: String(now),
    due_at: 'null',
    claim: 'null',
    attempts: '0',
    parked: '0',
    error: 'null',
  };
  insert('mirror', { ...acknowledged, object: `'contact'`, record_id: memberContact('i') }, numbers(members));
  insert('mirror', { ...acknowledged, object: `'contact'`, record_id: friend }, all);
  insert('mirror', { ...acknowledged, object: `'deal'`, record_id: deal }, withDeal);
  // A rewarded deal is looked at again for months: these wait for days that do not come while a bench runs.
  const lookAgainAt = `(${now} + 30 * 86400000 + i)`;
  insert(
    'wakes',
    { account_id: account, connection_id: connection, object: `'deal'`, record_id: deal, at: lookAgainAt },
    won,
  );
  insert(
    'work',
    {
      account_id: account,
      connection_id: connection,
      object: `'deal'`,
      record_id: deal,
      wanted: '1',
      claimed_at: 'null',
      erase: '0',
      low: '0',
      hinted_at: 'null',
      run_at: lookAgainAt,
      due_at: lookAgainAt,
      claim: 'null',
      attempts: '0',
      parked: '0',
      error: 'null',
    },
    won,
  );
  insert(
    'inbox',
    {
      account_id: account,
      connection_id: connection,
      event_key: `'["${FIRST_PORTAL}","object.creation","0-1",' || ${friend} || ']'`,
      kind: `'change'`,
      echo: '0',
      occurred_at: submittedAt,
      received_at: submittedAt,
      records: `'[{"object":"contact","id":"' || ${friend} || '"}]'`,
      payload: `'{"subscriptionType":"object.creation","objectId":' || ${friend} || '}'`,
    },
    all,
  );
  database.exec('commit');
}
