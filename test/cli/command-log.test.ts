import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leavesOf, onlyAsks, wordsOf } from '../../src/cli/command-log.ts';
import { commands } from '../../src/cli/run.ts';
import { openEngine } from '../../src/store/open.ts';
import { atOneMoment, type Digests, digestsOf } from '../../src/store/transfer.ts';
import { createScene } from '../stories/scene.ts';
import { type Answer, commandLineOf } from '../support/command-line.ts';
import { type Json, type Stack, startStack } from '../support/stack.ts';

/* The list of commands is the program's own, so that one which is added tomorrow is asked for here. */
const silent = { env: {}, out: () => {}, err: () => {}, readText: () => Promise.resolve('') };
const all = leavesOf(commands(silent, () => {})).map(wordsOf);
const asks = all.filter(onlyAsks);
const changes = all.filter((words) => !onlyAsks(words));

const PROGRAM = `programId: default
name: Friends of Acme
rules:
  - { key: member-won, party: member, amount: { kind: percent, basisPoints: 1500 }, payout: credit }
`;

let directory: string;
let stack: Stack;
let url: string;
/** What is named in the table below. */
const known: Record<string, string> = {};
let people: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-command-log-'));
  url = `sqlite:${join(directory, 'wonward.db')}`;
  stack = await startStack({ databaseUrl: url });
  const scene = createScene(stack);
  await stack.install();
  const { memberId, friendId, dealId } = scene.pair();
  await stack.settle();
  scene.win(dealId);
  await stack.settle();
  const posted = async (path: string, body: object) => {
    const answer = await stack.api('POST', path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  };
  const member = await scene.memberOf(memberId);
  const referral = await scene.referralOf(friendId);
  const [reward] = await scene.all('/rewards');
  const other = await posted('/members', { name: 'Lin', email: 'lin@example.com' });
  people = [member.email, referral.friend.email, other.email];
  const dispute = await posted('/disputes', {
    ...{ referralId: referral.id, claim: 'wrong_amount', words: 'Met before.' },
    by: { role: 'rep', id: '7001' },
  });
  const endpoint = await posted('/webhook-endpoints', {
    url: 'http://127.0.0.1:9/',
    description: '',
    eventTypes: ['referral.submitted'],
  });
  const files: Record<string, string> = {
    program: PROGRAM,
    attribution: 'windowDays: 30\n',
    mapping: 'stages: []\n',
    connections: 'twinDays: 20\n',
    rates: 'Date,USD,\n2026-11-20,1.0812,\n',
    members: 'mail\nmax@example.com\n',
    marks: 'order,state,why\n',
  };
  for (const [name, text] of Object.entries(files)) {
    known[name] = join(directory, `${name}.yaml`);
    await writeFile(known[name], text);
  }
  Object.assign(known, {
    acc: stack.accountId,
    con: (await scene.connection()).id,
    mem: member.id,
    other: other.id,
    ref: referral.id,
    rwd: reward.id,
    case: dispute.id,
    endpoint: endpoint.endpoint.id,
    friend: friendId,
    day: new Date(Date.now() - 400 * 86_400_000).toISOString().slice(0, 10),
    out: directory,
  });
  await stack.stop();
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

/** How each is typed; {names} are those of the scene. */
const TYPED: Readonly<Record<string, string>> = {
  'account create': 'Second',
  'account list': '',
  'user invite': '{acc} eve@acme.test --role finance',
  'user link': 'eve@acme.test',
  'user list': '{acc}',
  'key create': '{acc} --label zapier',
  'key list': '{acc}',
  'key revoke': '{acc} {key}',
  'key generate': '',
  'key rotate': '',
  'webhook list': '{acc}',
  'webhook replay': '{acc} {endpoint} --since {day}',
  connect: '{acc} --provider hubspot',
  'connection duplicate-rules': '{acc} {con} allow',
  'connection call-share': '{acc} {con} 30',
  'connection managers': '{acc} {con} 7001 7002',
  'connection programs': '{acc} {con} default',
  'connection notices': '{acc} {con} review_due',
  'connection objects': '{acc} {con} off',
  'connection events': '{acc} {con} off',
  'connection card-actors': '{acc} {con} nobody',
  'connection health': '{acc} {con}',
  'connection sweep': '{acc} {con}',
  'reconcile report': '{acc} {con}',
  'reconcile list': '{acc} {con}',
  'reconcile verify': '{acc} {con}',
  'program validate': '{program}',
  'program diff': '{acc} {program}',
  'program dry-run': '{acc} {program}',
  'program export': '{acc}',
  'program list': '{acc}',
  'program example': '',
  'program publish': '{acc} {program}',
  'program rollback': '{acc} 1',
  'program retire': '{acc} default --why over',
  'rates import': '{acc} {rates}',
  'attribution validate': '{attribution}',
  'attribution diff': '{acc} {attribution}',
  'attribution dry-run': '{acc} {attribution}',
  'attribution list': '{acc}',
  'attribution publish': '{acc} {attribution}',
  'attribution move': '{acc} {ref} {other} --why asked',
  'two-crms diff': '{acc} {connections}',
  'two-crms list': '{acc}',
  'two-crms publish': '{acc} {connections}',
  'mapping show': '{acc} {con}',
  'mapping dry-run': '{acc} {con} {mapping}',
  'mapping proposal': '{acc} {con}',
  'mapping set': '{acc} {con} {mapping}',
  'mapping propose': '{acc} {con}',
  'mapping accept': '{acc} {con}',
  'mapping postpone': '{acc} {con} --until 2030-01-01',
  'drift list': '{acc} {con}',
  'drift fix': '{acc} {con} cas_none dismiss',
  'tiers list': '{acc}',
  'tiers show': '{acc} {mem}',
  'recruiters list': '{acc}',
  'recruiters add': '{acc} {other}',
  'recruiters assign': '{acc} {ref} {other}',
  'recruiters unassign': '{acc} {ref}',
  'recruiters remove': '{acc} {other}',
  'config check': '',
  state: '',
  retry: '{acc}',
  'cases list': '{acc}',
  'cases show': '{acc} {case}',
  'cases decide': '{acc} {case} dismissed --why looked --by finance',
  'periods list': '{acc}',
  'periods show': '{acc} per_none',
  'periods export': '{acc} per_none',
  'periods verify': '{acc}',
  'periods close': '{acc} 2020-01 --by finance',
  'periods reopen': '{acc} per_none --by finance --reason wrong',
  'payouts reconcile': '{acc} --provider manual',
  'payouts batches': '{acc}',
  'payouts cut': '{acc} bat_none --by finance',
  'payouts approve': '{acc} bat_none --by finance',
  'payouts export': '{acc} bat_none --by finance --file {out}/batch.csv',
  'payouts mark': '{acc} bat_none {marks} --by finance',
  'payouts write-off': '{acc} {rwd} --by finance --why gone',
  'forecast show': '{acc}',
  'forecast count': '{acc}',
  'test start': '{acc} {con} {friend} --program default --by eve',
  'test list': '{acc}',
  'test show': '{acc} tst_none',
  'test end': '{acc} tst_none --by eve',
  'backfill start': '{acc} {con} --since {day}',
  'backfill show': '{acc} {backfill}',
  'backfill pause': '{acc} {backfill}',
  'backfill resume': '{acc} {backfill}',
  'backfill cancel': '{acc} {backfill}',
  'history show': '{acc}',
  'history release': '{acc} member-won --name spring --why gift --by finance',
  'history approve': '{acc} rel_spring --by owner',
  'history cancel': '{acc} rel_spring',
  'members lists': '{acc} {con}',
  'members report': '{acc} imp_customers',
  'members import': '{acc} {members} --email mail --key customers',
  'members import-list': '{acc} {con} 1 --key list',
  'members undo': '{acc} imp_customers',
  'privacy export': '{acc} --member {mem}',
  'privacy erase': '{acc} --member {mem} --confirm {mem}',
  doctor: '',
  migrate: '',
  verify: '',
  'figures verify': '',
  'figures rebuild': '',
  backup: '{out}/backup.db',
  'account four-eyes': '{acc} on',
  // At the end, and into databases of their own.
  'connection disconnect': '{acc} {con} --confirm {con}',
  restore: '{out}/backup.db',
  move: '--to sqlite:{out}/moved.db --force',
};

/** Those that change nothing without this word, and then say how it is, or what would come of it. */
const TELLS: Readonly<Record<string, string>> = {
  'connection call-share': '{acc} {con}',
  'connection managers': '{acc} {con}',
  'connection programs': '{acc} {con}',
  'connection notices': '{acc} {con}',
  'connection objects': '{acc} {con}',
  'connection events': '{acc} {con}',
  'connection disconnect': '{acc} {con}',
  'members import': '{acc} {members} --email mail',
  'members import-list': '{acc} {con} 1',
  'privacy erase': '{acc} --member {mem}',
};

/** Of which other databases are made: a test of their own. */
const SEPARATE = ['restore', 'move'];

/** Those of the table for which there is nothing to do in this account; that they were tried is told as well. */
const REFUSED: readonly string[] = [
  'user link',
  'connection duplicate-rules',
  'connection call-share',
  'drift fix',
  'periods close',
  'periods reopen',
  'payouts cut',
  'payouts approve',
  'payouts export',
  'payouts mark',
  'payouts write-off',
  'test start',
  'test end',
  'history release',
  'history approve',
  'history cancel',
  'members import-list',
];

/** What is kept is the answer itself; sums are folded before they are compared. */
const MAY_WRITE: Readonly<Record<string, RegExp>> = {
  'program dry-run': /^dry_runs$/,
  'attribution dry-run': /^dry_runs$/,
  'mapping dry-run': /^dry_runs$/,
  'forecast count': /^forecast/,
  'figures verify': /^figure|_figures$|^folds?/,
};

function typed(words: string, template: string): string[] {
  const rest = template.split(' ').filter((word) => word !== '');
  return [
    ...words.split(' '),
    ...rest.map((word) => word.replace(/\{(\w+)\}/g, (_, name) => known[name] ?? `no-${name}`)),
  ];
}

const run = (...args: string[]): Promise<Answer> => commandLineOf('ada', { ...stack.environment }, ...args);

async function digests(of = url): Promise<Digests> {
  const engine = await openEngine({ url: of });
  try {
    return await atOneMoment(engine, digestsOf);
  } finally {
    await engine.close();
  }
}

function changed(before: Digests, after: Digests): string[] {
  return Object.keys(after).filter((table) => JSON.stringify(before[table]) !== JSON.stringify(after[table]));
}

/** Oldest first. */
async function lines(of = url): Promise<Json[]> {
  const engine = await openEngine({ url: of });
  try {
    return await engine.read(async ({ db }) => {
      const rows = await db.selectFrom('audit_entries').selectAll().where('via', '=', 'cli').orderBy('id').execute();
      const parsed = (text: string | null) => (text === null ? null : JSON.parse(text));
      return rows.map((row) => ({
        ...row,
        input: parsed(row.input),
        before: parsed(row.before_change),
        after: parsed(row.after_change),
      }));
    });
  } finally {
    await engine.close();
  }
}

test('every command is typed in this test', () => {
  expect(all.filter((words) => TYPED[words] === undefined)).toEqual([]);
  expect(Object.keys(TYPED).filter((words) => !all.includes(words))).toEqual([]);
});

describe('what only asks', () => {
  test.each([...asks.map((words) => [words, TYPED[words]]), ...Object.entries(TELLS)])(
    '%s %s changes nothing, and nothing is said of it',
    async (words = '', template = '') => {
      const before = await digests();
      const { code, err } = await run(...typed(words, template));
      expect(code === 0 ? '' : err).not.toContain('mistake of ours');
      const may = MAY_WRITE[words];
      expect(changed(before, await digests()).filter((table) => !may?.test(table))).toEqual([]);
    },
  );
});

describe('what changes something', () => {
  const inOrder = Object.keys(TYPED).filter((words) => changes.includes(words) && !SEPARATE.includes(words));

  test.each(inOrder)('%s stands in the audit log, with who and how it ended', async (words) => {
    const before = await lines();
    const { code, out, err } = await run(...typed(words, TYPED[words] ?? ''), '--json');
    expect(err).not.toContain('mistake of ours');
    const made = code === 0 ? JSON.parse(out) : {};
    if (words === 'key create') known.key = made.id;
    if (words === 'backfill start') known.backfill = made.id;
    const added = (await lines()).slice(before.length);
    // Nobody has a seat whom a link could be made for.
    if (words === 'user link') return expect([code, added]).toEqual([1, []]);
    expect(added.length, err).toBeGreaterThan(0);
    const status = { 0: 200, 1: 409, 2: 400 }[code];
    for (const line of added)
      expect(line).toMatchObject({ actor: 'cli:ada', via: 'cli', status, input: { command: words } });
  });

  test('most of them were done, so that the line is not only that of a refusal', async () => {
    const done = new Set((await lines()).filter(({ status }) => status === 200).map(({ input }) => input.command));
    expect(inOrder.filter((words) => !done.has(words))).toEqual(REFUSED);
  });

  test('says how it was before and is after, as the API shows it', async () => {
    const found = await lines();
    const of = (words: string) => found.find(({ input }) => input.command === words);
    expect(of('account four-eyes')).toMatchObject({
      operation: 'setAccount',
      before: { needsSecondPerson: false },
      after: { needsSecondPerson: true },
    });
    expect(of('backfill pause')).toMatchObject({
      subject: known.backfill,
      before: { state: 'running' },
      after: { state: 'paused' },
    });
    expect(of('recruiters add')).toMatchObject({ before: { isRecruiter: false }, after: { isRecruiter: true } });
    expect(of('connection card-actors')).toMatchObject({
      subject: known.con,
      input: { users: ['nobody'] },
      before: { cardActors: null },
      after: { cardActors: [] },
    });
    expect(of('key create')).toMatchObject({ after: { omitted: 'secret' }, subject: known.key });
    expect(of('account create')).toMatchObject({ operation: 'createAccount', after: { name: 'Second' } });
    // One line in each account: it is about all of them.
    expect(found.filter(({ input }) => input.command === 'key rotate')).toHaveLength(2);
  });

  test('keeps no secret and no name, address or sentence of a person whom it is about', async () => {
    const text = JSON.stringify(await lines());
    for (const one of people) expect(text).not.toContain(one);
    expect(text).not.toMatch(/wk_[A-Za-z0-9]/);
    expect(text).not.toContain('#');
    expect(text).not.toContain(directory);
  });

  test('who is not known to the operating system is the command line, and a name is no way to write into the log', async () => {
    for (const [user, actor] of [
      [undefined, 'cli'],
      ['eve\nroot', 'cli'],
      ['CORP\\eve', 'cli:CORP\\eve'],
    ] as const) {
      await commandLineOf(user, { ...stack.environment }, 'account', 'four-eyes', stack.accountId, 'off');
      expect((await lines()).at(-1)).toMatchObject({ actor, status: 200 });
    }
  });

  test('an interrupted one has its line already, without an outcome', async () => {
    const before = (await lines()).length;
    const engine = await openEngine({ url });
    // The command's own write is refused; the line that was begun before it stands, and its end cannot be told either.
    await engine.write(({ db }) =>
      sql`create trigger no_more before update on accounts begin select raise(abort, 'stop'); end`.execute(db),
    );
    await engine.write(({ db }) =>
      sql`create trigger no_end before update on audit_entries begin select raise(abort, 'stop'); end`.execute(db),
    );
    expect((await run('account', 'four-eyes', stack.accountId, 'on')).code).toBe(1);
    for (const trigger of ['no_more', 'no_end'])
      await engine.write(({ db }) => sql`drop trigger ${sql.raw(trigger)}`.execute(db));
    await engine.close();
    expect((await lines()).slice(before)).toMatchObject([{ operation: 'setAccount', status: null, after: null }]);
  });

  test('is listed and exported by the API with the rest', async () => {
    await stack.start();
    const { body } = await stack.api('GET', '/audit-log?actor=cli%3Aada&operation=setAccount');
    expect(body.items).toMatchObject([
      { via: 'cli', status: null },
      { via: 'cli', operation: 'setAccount', status: 200 },
    ]);
    const { body: csv } = await stack.api('GET', '/audit-log/csv?actor=cli%3Aada');
    expect(csv.csv).toContain('"cli:ada","cli","setAccount"');
    await stack.stop();
  });

  test('a restored and a moved database say so themselves, in every account', async () => {
    const restored = `sqlite:${join(directory, 'restored.db')}`;
    const file = join(directory, 'backup.db');
    const answer = await commandLineOf('ada', { ...stack.environment, DATABASE_URL: restored }, 'restore', file);
    expect(answer.err).toBe('');
    expect((await lines(restored)).filter(({ operation }) => operation === 'restoreDatabase')).toMatchObject([
      { account_id: stack.accountId, actor: 'cli:ada', status: 200, after: { takenAt: expect.any(String) } },
    ]);
    const moved = `sqlite:${join(directory, 'moved.db')}`;
    expect((await run('move', '--to', moved, '--force')).err).toBe('');
    const said = (await lines(moved)).filter(({ operation }) => operation === 'moveDatabase');
    expect(said.map(({ account_id: of, status }) => [of, status])).toHaveLength(2);
  });
});
