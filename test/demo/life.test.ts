import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Verification, verify } from '../../src/application/verify.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { beginOfLife, lifePortal, makeLife } from '../../src/sandbox/demo/life/make.ts';
import { type Plot, writePlot } from '../../src/sandbox/demo/life/plot.ts';
import { createWalk } from '../../src/sandbox/demo/life/walk.ts';
import { startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { createAudit } from '../../src/store/audit.ts';
import { openEngine } from '../../src/store/open.ts';
import { freePort } from '../support/free-port.ts';
import { environmentFor, PORTAL, sandboxAppAt } from '../support/stack.ts';

const UNTIL = Date.parse('2026-10-30T15:00:00Z');
const DAYS = 280;
const SIZE = { seed: 7, members: 40, referrals: 300, from: beginOfLife(UNTIL, DAYS), until: UNTIL };
const DAY = 86_400_000;

type Row = Record<string, string | number | null>;

let directory: string;
let lives: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-life-'));
  lives = [];
  for (const name of ['one.db', 'other.db']) lives.push(await lived(join(directory, name)));
}, 600_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

async function lived(path: string): Promise<string> {
  const port = await freePort();
  const walk = createWalk(SIZE.from, SIZE.seed);
  const sandbox = await startHubSpotSandbox({
    app: sandboxAppAt(`http://127.0.0.1:${port}`),
    portals: [lifePortal(PORTAL, 'Brightwater')],
    retryBaseMs: 200,
    indexLagMs: 0,
    clock: walk.now,
  });
  try {
    const environment = environmentFor({ port, databaseUrl: `sqlite:${path}`, sandbox });
    await makeLife({ environment, sandbox, portalId: PORTAL, walk }, { ...SIZE, accountName: 'Brightwater' });
  } finally {
    await sandbox.close();
  }
  return path;
}

function rows(path: string, query: string): Row[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(query).all() as Row[];
  } finally {
    database.close();
  }
}

const counted = (path: string, query: string) =>
  Object.fromEntries(rows(path, query).map(({ what, n }) => [String(what), Number(n)]));

describe('two years that are made up', () => {
  test('are the same years for the same seed, to the decision and the posting', () => {
    const [one = '', other = ''] = lives;
    // Ids of ours rest on the account's, which is another one each time; those of the CRM are the same.
    const decisions = `select deal_id, rule_key, party, sequence, outcome, json_extract(reason, '$.code') as code,
        minor, currency, effective_at, recorded_at, release_at from decisions order by deal_id, rule_key, party, sequence`;
    expect(rows(one, decisions).length).toBeGreaterThan(400);
    expect(rows(other, decisions)).toEqual(rows(one, decisions));
    const postings = `select journals.kind, rewards.deal_id, rewards.party, rewards.rule_key, postings.line, postings.minor, postings.currency
        from postings join journals on journals.id = postings.journal_id left join rewards on rewards.id = journals.reward_id
        order by 1, 2, 3, 4, 5, 6, 7`;
    expect(rows(one, postings).length).toBeGreaterThan(400);
    expect(rows(other, postings)).toEqual(rows(one, postings));
  });

  test('follow from the facts that are stored: replayed they give the same, and the books are in order', async () => {
    const engine = await openEngine({ url: `sqlite:${lives[0]}` });
    let verified: Verification;
    try {
      verified = await engine.snapshot((session) => verify(createAudit(session, systemClock.now())));
    } finally {
      await engine.close();
    }
    expect(verified.accounts.flatMap(({ problems }) => problems)).toEqual([]);
    expect(verified.problems).toEqual([]);
    expect(verified.ok).toBe(true);
    expect(verified.accounts[0]?.derived.decisions).toBeGreaterThan(300);
  });

  test('have everything that a program meets: all ways of referring, reversals, tiers, doubts, batches that were paid', () => {
    const [one = ''] = lives;
    const of = (query: string) => counted(one, query);
    expect(of('select stage as what, count(*) as n from referrals group by 1')).toMatchObject({
      won: expect.any(Number),
      lost: expect.any(Number),
      opportunity: expect.any(Number),
      accepted: expect.any(Number),
    });
    expect(Object.keys(of('select source as what, count(*) as n from referrals group by 1')).sort()).toEqual([
      'code',
      'explicit',
      'label',
    ]);
    const outcomes = of('select outcome as what, count(*) as n from decisions group by 1');
    for (const outcome of ['rewarded', 'held', 'in_review', 'reversed', 'adjusted', 'skipped'])
      expect(outcomes[outcome], outcome).toBeGreaterThan(0);
    const reasons = of(`select json_extract(reason, '$.code') as what, count(*) as n from decisions group by 1`);
    for (const code of ['left_won', 'refunded_part', 'amount_changed', 'review_approved', 'hold_ended'])
      expect(reasons[code], code).toBeGreaterThan(0);
    const currencies = of('select currency as what, count(*) as n from rewards group by 1');
    expect(currencies.EUR).toBeGreaterThan(currencies.USD ?? 0);
    expect(currencies.USD).toBeGreaterThan(0);
    expect(rows(one, 'select distinct to_tier from tier_changes').length).toBeGreaterThan(1);
    expect(of(`select state as what, count(*) as n from manual_items group by 1`).paid).toBeGreaterThan(0);
    const signals = rows(one, `select 1 from decisions where json_extract(risk, '$.verdict') <> 'pass'`);
    expect(signals.length).toBeGreaterThan(0);
  });

  test('end now: everything has its own time, nothing is of the future, and nothing but holds and batches waits', () => {
    const [one = ''] = lives;
    const [span] = rows(one, 'select min(recorded_at) as first, max(recorded_at) as last from decisions');
    expect(Number(span?.first)).toBeLessThan(SIZE.from + 80 * DAY);
    expect(Number(span?.last)).toBeGreaterThan(UNTIL - 21 * DAY);
    expect(Number(span?.last)).toBeLessThanOrEqual(UNTIL);
    expect(rows(one, `select 1 from work where due_at <= ${UNTIL - 1}`)).toEqual([]);
  });
});

describe('the plot', () => {
  const plot: Plot = writePlot({ ...SIZE, seed: 3, members: 500, referrals: 8_000, from: beginOfLife(UNTIL) });
  const perMonth = new Map<string, number>();
  for (const { kind, at } of plot.scenes) {
    const month = new Date(at).toISOString().slice(0, 7);
    if (kind === 'refer') perMonth.set(month, (perMonth.get(month) ?? 0) + 1);
  }

  test('is another one for another seed, and the same one for the same', () => {
    const small = { ...SIZE, members: 10, referrals: 50 };
    expect(writePlot(small)).toEqual(writePlot(small));
    expect(writePlot({ ...small, seed: 8 })).not.toEqual(writePlot(small));
  });

  test('has seasons and grows: summer and Christmas are slow, and the second year is busier', () => {
    const of = (month: string) => perMonth.get(month) ?? 0;
    expect(of('2026-08')).toBeLessThan(of('2026-06') * 0.85);
    expect(of('2025-12')).toBeLessThan(of('2025-11') * 0.85);
    expect(of('2026-09')).toBeGreaterThan(of('2025-09') * 1.2);
  });

  test('gives a few members most of the friends, and nobody a friend before they have joined', () => {
    const friends = new Map<number, number>();
    for (const { member } of plot.friends) friends.set(member, (friends.get(member) ?? 0) + 1);
    const sorted = [...friends.values()].sort((a, b) => b - a);
    const top = sorted.slice(0, plot.members.length / 10).reduce((sum, n) => sum + n, 0);
    expect(top / plot.friends.length).toBeGreaterThan(0.3);
    for (const scene of plot.scenes) {
      if (scene.kind !== 'refer') continue;
      const { member } = plot.friends[scene.friend] ?? { member: -1 };
      expect(plot.members[member]?.joinedAt).toBeLessThanOrEqual(scene.at + 1);
    }
  });

  test('has nearly every open deal close some day on a working day, most of them ahead, and one that was forgotten in the past', () => {
    const open = new Map<number, number | null>();
    for (const scene of plot.scenes) {
      if (scene.kind === 'open') open.set(scene.deal, scene.closesAt);
      else if (scene.kind === 'delete') open.delete(scene.deal);
      else if (scene.kind === 'move' && ['closedwon', 'closedlost'].includes(scene.stage)) open.delete(scene.deal);
      else if (scene.kind === 'move' && open.get(scene.deal) !== null) open.set(scene.deal, scene.closesAt);
    }
    const dates = [...open.values()].filter((at) => at !== null);
    expect(open.size).toBeGreaterThan(150);
    expect(dates.length / open.size).toBeGreaterThan(0.93);
    expect(dates.length).toBeLessThan(open.size);
    expect(new Set(dates.map((at) => new Date(at).getUTCDay()))).toEqual(new Set([1, 2, 3, 4, 5]));
    const ahead = dates.filter((at) => at > UNTIL);
    expect(new Set(ahead.map((at) => new Date(at).toISOString().slice(0, 7))).size).toBeGreaterThan(2);
    expect(ahead.length).toBeGreaterThan(100);
    expect(Math.min(...dates)).toBeLessThan(UNTIL - 100 * DAY);
  });

  test('is told in the order of the times, and ends when it ends', () => {
    const times = plot.scenes.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(UNTIL);
    expect(new Set(plot.friends.map(({ email }) => email)).size).toBe(plot.friends.length);
  });
});
