import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Verification, verify } from '../../src/application/verify.ts';
import { createAudit } from '../../src/store/audit.ts';
import { openEngine } from '../../src/store/open.ts';
import { beginLoading, copyInto } from '../../src/store/transfer.ts';
import { createScene } from '../stories/scene.ts';
import { commandLine } from '../support/command-line.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { liveThroughEverything, WITH_HOLD } from '../support/rich-history.ts';
import { quickClock, type Stack, startStack } from '../support/stack.ts';

const server = await postgresForThisFile();

let stack: Stack;
let directory: string;
let path: string;
/** When the history ended: what is due later than this does not wait. */
let endedAt: number;
let sound: Verification;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-verify-'));
  path = join(directory, 'wonward.db');
  stack = await startStack({ clock: quickClock(), databaseUrl: `sqlite:${path}`, program: WITH_HOLD });
  await stack.install();
  await liveThroughEverything(stack, createScene(stack));
  sound = await verified(`sqlite:${path}`);
  await stack.stop();
});
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

async function verified(url: string, accountId?: string): Promise<Verification> {
  endedAt ??= stack.clock.now();
  const engine = await openEngine({ url });
  try {
    return await engine.snapshot((session) =>
      verify(createAudit(session, endedAt), accountId === undefined ? {} : { accountId }),
    );
  } finally {
    await engine.close();
  }
}

describe('a database that nobody has tampered with', () => {
  test('agrees with itself while the service runs: decisions and rewards follow from the facts that are stored', () => {
    expect(sound.problems).toEqual([]);
    const [account] = sound.accounts;
    expect(account?.problems).toEqual([]);
    expect(sound.ok).toBe(true);
    expect(account?.waiting).toBe(0);
    expect(account?.derived.referrals).toBeGreaterThanOrEqual(15);
    expect(account?.derived.decisions).toBeGreaterThanOrEqual(50);
  });

  test('is told apart from what the stored facts cannot show, case by case with the reason', () => {
    const [account] = sound.accounts;
    const told = new Map(account?.underivable.map(({ code, count }) => [code, count]));
    // Which of two referrals goes on after a merge of their contacts depends on their times.
    const sure = [...told.keys()].filter((code) => code !== 'contact_merged');
    expect(sure.sort()).toEqual(['contact_gone', 'deal_deleted', 'deal_merged', 'no_history']);
    // Whatever is not derived is told: nothing is passed over. Some are told of a referral besides its decisions.
    const sum = [...told.values()].reduce((total, count) => total + count, account?.derived.decisions ?? 0);
    expect(sum).toBeGreaterThanOrEqual(account?.rows.decisions ?? Number.POSITIVE_INFINITY);
  });

  test('gives the same on PostgreSQL, balance for balance', async () => {
    const url = await server.freshDatabase();
    const [source, target] = [await openEngine({ url: `sqlite:${path}` }), await openEngine({ url })];
    await source.snapshot(async (session) => {
      const loader = await beginLoading(target);
      await copyInto(session, loader);
      await loader.finish();
    });
    await source.close();
    await target.close();
    expect(await verified(url)).toEqual(sound);
  });

  test('is told by the command line in words and as JSON, and ends with 0', async () => {
    const env = { ...stack.environment };
    const words = await commandLine(env, 'verify');
    expect([words.err, words.code]).toEqual(['', 0]);
    expect(words.out).toContain('Everything that is stored agrees.');
    expect(words.out).toContain('associations, deletions and refusals have no history in the CRM');
    const { out } = await commandLine(env, 'verify', '--json', '--account', stack.accountId);
    expect(JSON.parse(out)).toMatchObject({ ok: true, accounts: [{ accountId: stack.accountId }] });
    expect((await commandLine(env, 'verify', '--account', 'acc_x')).err).toContain('There is no account "acc_x"');
  });
});

/** A deal that was won and kept, with its two paid rewards and the held one. */
const KEPT = `select r.referral_id from rewards r where r.rule_key = 'member-bonus' and r.state = 'held'
  and (select count(*) from rewards o where o.referral_id = r.referral_id) = 3
  and (select count(distinct deal_id) from decisions d where d.referral_id = r.referral_id) = 1
  and (select count(*) from records where object = 'contact' and presence = 'present' and record_id =
    (select contact_id from referrals where id = r.referral_id)) = 1
  order by r.created_at limit 1`;
const PAID = `select id from rewards where rule_key = 'member-won' and state = 'issued' and referral_id = (${KEPT})`;
const DEAL = `select deal_id from rewards where id = (${PAID})`;

/** What is done to the file, and what verify must say of it. */
const TAMPERED: ReadonlyArray<readonly [string, readonly string[], RegExp]> = [
  [
    'one line of a journal is changed',
    [
      `update postings set minor = minor + 1 where line = 0 and journal_id in (select id from journals where reward_id = (${PAID}))`,
    ],
    /journal jrn_\w+ is off by 1 EUR/,
  ],
  [
    'a journal books another amount, in balance',
    [
      `update postings set minor = minor * 2 where journal_id in (select id from journals where reward_id = (${PAID}) and kind = 'issue')`,
    ],
    /journal jrn_\w+ books .* should book/,
  ],
  [
    'a journal is gone',
    [
      `delete from postings where journal_id in (select id from journals where reward_id = (${PAID}) and kind = 'issue')`,
      `delete from journals where reward_id = (${PAID}) and kind = 'issue'`,
    ],
    /is issued, but was never booked as "issue"/,
  ],
  [
    'an amount is raised in reward, decision and ledger alike',
    [
      `update decisions set minor = minor * 3 where reward_id = (${PAID})`,
      `update postings set minor = minor * 3 where journal_id in (select id from journals where reward_id = (${PAID}))`,
      `update rewards set minor = minor * 3 where id = (${PAID})`,
    ],
    /decision dec_\w+ \(rewarded rewarded\): the facts give \d+ EUR/,
  ],
  [
    'a reward differs from its decision',
    [`update rewards set minor = minor + 1 where id = (${PAID})`],
    /its decision dec_\w+ says/,
  ],
  [
    'the deal was never won',
    [
      `update records set facts = replace(facts, 'closedwon', 'appointmentscheduled') where object = 'deal' and record_id = (${DEAL})`,
    ],
    /the deal was not where the rule wants it/,
  ],
  [
    'the deal has left Closed Won and nobody took anything back',
    [
      `update records set facts = json_set(facts, '$.history[#]', json(json_set(json_extract(facts, '$.history[#-1]'),
        '$.stageId', 'contractsent', '$.at', json_extract(facts, '$.history[#-1].at') + 1)))
        where object = 'deal' and record_id = (${DEAL})`,
    ],
    /processing it again would decide "reversed left_won"/,
  ],
  [
    'what was decided on a referral is gone without a trace',
    [
      'drop table if exists temp.gone',
      `create temp table gone as select id from rewards where referral_id = (${KEPT})`,
      'delete from intents where reward_id in gone',
      'delete from postings where journal_id in (select id from journals where reward_id in gone)',
      'delete from journals where reward_id in gone',
      'delete from decisions where reward_id in gone',
      'delete from rewards where id in gone',
    ],
    /processing it again would decide "rewarded rewarded" for member-won/,
  ],
  [
    'a decision is gone from the middle of a chain',
    [
      `delete from decisions where sequence = 1 and referral_id in (select referral_id from decisions where sequence = 2) and reward_id is null`,
    ],
    /begin with number 2/,
  ],
  [
    'a reversal is gone',
    [
      `update journals set decision_id = null where kind in ('claw_back', 'void')`,
      `delete from decisions where outcome = 'reversed'`,
    ],
    /has ended \(\w+\) without a decision/,
  ],
  [
    'an order that was paid is pending again',
    [`update intents set state = 'pending' where reward_id = (${PAID})`],
    /is issued, and its order is pending/,
  ],
  [
    'an order has another key',
    [`update intents set id = 'pay_other' where reward_id = (${PAID})`],
    /order pay_other has a key that reward rwd_\w+ does not give/,
  ],
  [
    'a second reward of the same rule stands for the referral',
    [
      `insert into rewards (account_id, id, referral_id, connection_id, deal_id, rule_key, party, beneficiary_id, minor,
        currency, state, reason, payout, program_id, release_at, reversal_pending, created_at, updated_at, version)
        select account_id, 'rwd_second', referral_id, connection_id, '999', rule_key, party, beneficiary_id, minor,
        currency, state, reason, payout, program_id, release_at, reversal_pending, created_at, updated_at, version
        from rewards where id = (${PAID})`,
    ],
    /rule member-won has 2 rewards standing/,
  ],
  [
    'a member has more won referrals than there are',
    [
      "update tallies set amount_count = amount_count + 1 where tally_key = 'won' and owner = (select min(owner) from tallies)",
    ],
    /the tally "won" of mem_\w+ is \d+, should be \d+/,
  ],
  [
    'somebody is said to owe what they do not',
    [`insert into tallies select id, 'mem_x', 'owed', 'EUR', 0, 500 from accounts limit 1`],
    /the tally "owed" of mem_x is 500 EUR, should be 0/,
  ],
  [
    'a limit counts what nobody got',
    [`insert into tallies select id, 'mem_x', 'limit rule r life', '', 1, 0 from accounts limit 1`],
    /the tally "limit rule r life" of mem_x is 1 times, 0 minor units, should be 0 times, 0 minor units/,
  ],
  [
    'the rules of a published version are changed',
    [`update programs set rules = replace(rules, '1000', '2000')`],
    /the facts give \d+ EUR/,
  ],
  [
    'the evidence of an attribution is gone',
    [`delete from touches where contact_id = (select contact_id from referrals where id = (${KEPT}))`],
    /was attributed by label, and no touch shows it/,
  ],
  [
    'the CRM is not told of a reward that stands',
    [`delete from mirror where object = 'deal' and record_id = (${DEAL})`],
    /what it shows on deal \d+ is not kept for the CRM/,
  ],
  [
    'a row belongs to another account',
    [
      `insert into accounts (id, name, created_at) values ('acc_other', 'Other', 1)`,
      `update touches set account_id = 'acc_other' where id = (select min(id) from touches)`,
    ],
    /1 rows of touches: the member_id that it names is not among the account's members/,
  ],
  [
    'a row belongs to no account',
    [`update records set account_id = 'acc_nobody' where record_id = (${DEAL})`],
    /records: the account_id that it names is not among the accounts/,
  ],
  [
    'a reward hangs on no referral',
    [`update rewards set referral_id = 'ref_nobody' where id = (${PAID})`],
    /1 rows of rewards belong to no referral of the account/,
  ],
];

describe('a database that was tampered with', () => {
  let copies = 0;

  async function tampered(statements: readonly string[]): Promise<string> {
    copies += 1;
    const copy = join(directory, `tampered-${copies}.db`);
    await copyFile(path, copy);
    const database = new Database(copy);
    database.pragma('foreign_keys = off');
    for (const name of database.prepare("select name from sqlite_master where type = 'trigger'").pluck().all())
      database.exec(`drop trigger ${String(name)}`);
    database.exec('drop index rewards_one_standing');
    let changes = 0;
    for (const statement of statements) changes += database.prepare(statement).run().changes;
    expect(changes).toBeGreaterThan(0);
    database.close();
    return `sqlite:${copy}`;
  }

  test.each(TAMPERED)('%s: is told', async (_, statements, words) => {
    const { ok, problems, accounts } = await verified(await tampered(statements));
    expect(ok).toBe(false);
    expect([...problems, ...accounts.flatMap((account) => account.problems)].join('\n')).toMatch(words);
  });

  test('the command line ends with 1 and says what', async () => {
    const url = await tampered([`update postings set minor = minor + 1 where line = 0`]);
    const { code, out } = await commandLine({ ...stack.environment, DATABASE_URL: url }, 'verify');
    expect(code).toBe(1);
    expect(out).toMatch(/WRONG journal jrn_\w+ is off by 1 EUR/);
    // Told are a hundred, counted are all.
    expect(out).toMatch(/WRONG and \d+ more/);
  });

  test('a change that is still to be looked at is no mistake, and is counted as waiting', async () => {
    const url = await tampered([
      `update records set facts = json_set(facts, '$.history[#]', json(json_set(json_extract(facts, '$.history[#-1]'),
        '$.stageId', 'contractsent', '$.at', json_extract(facts, '$.history[#-1].at') + 1)))
        where object = 'deal' and record_id = (${DEAL})`,
      `insert into work (account_id, connection_id, object, record_id, wanted, erase, run_at, due_at, attempts, parked)
        select account_id, connection_id, object, record_id, 1, 0, 1, 1, 0, 0 from records
        where object = 'deal' and record_id = (${DEAL}) on conflict do update set due_at = 1`,
    ]);
    const { ok, accounts } = await verified(url);
    expect([ok, accounts[0]?.waiting, accounts[0]?.problems]).toEqual([true, 1, []]);
  });
});
