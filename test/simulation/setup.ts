import type Database from 'better-sqlite3';
import type { Container } from '../../src/container.ts';
import type { StageMetadata } from '../../src/domain/mapping.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import type { Random } from '../crash/random.ts';
import type { DealValues, Portal } from './crm.ts';
import type { Counters, Weather } from './faults.ts';
import { createInsist } from './insist.ts';
import { type Books, stands } from './laws.ts';
import type { SimNode } from './node.ts';
import { type PublishedRule, payOf, wonByMetadata } from './oracle.ts';
import type { Staff } from './people.ts';
import type { Scheduler } from './scheduler.ts';
import { tasksAreRight } from './tasks.ts';

/*
 * An admin connects a CRM that has a past: some of it was won before, and is history. It is read by a backfill and paid by a person's word
 * alone. Two programs are published, and which of them applies here is chosen, and chosen otherwise. Meanwhile somebody in the CRM changes what
 * its pipelines look like, and reports compare all of it.
 */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** So long before the connection everything of the past has happened: no sweep looks back as far. */
export const PAST_MS = 2 * 60 * MINUTE;

/** Nodes' clocks differ by twice two seconds here, and what is read is read within an hour at the latest. */
const CLOCK_ERROR_MAX_MS = 5_000;

const WON = { pipeline: 'sales', stage: '71' } as const;
const OPEN = { pipeline: 'sales', stage: 'talk' } as const;
const LOST = { pipeline: 'sales', stage: '72' } as const;
const AMOUNTS = ['120.00', '999.99', '1000.00', '87.30'] as const;
const CHANGES_PER_DEAL_MAX = 8;

/** No deal ever stands in these. */
const SPARE_STAGES: readonly StageMetadata[] = [
  { id: 'idle', label: 'Idle', isClosed: false, probability: 0.4 },
  { id: 'spare', label: 'Spare', isClosed: false, probability: 0.1 },
];

const PROGRAMS = ['default', 'second'] as const;
const CHOICES = [null, ['default'], ['second'], ['default', 'second'], []] as const;

export const SETUP_PROGRAMS: ReadonlyArray<{ readonly programId: string; readonly rules: readonly RewardRule[] }> =
  PROGRAMS.map((programId, index) => ({
    programId,
    rules: [
      {
        key: 'member-won',
        name: 'Member won',
        party: 'member',
        amount: { kind: 'percent', basisPoints: [500, 725][index] as number },
        conditions: [],
        holdDays: 0,
        payout: 'webhook',
        deals: { kind: 'every' },
      },
      {
        key: 'friend-won',
        name: 'Friend won',
        party: 'friend',
        amount: { kind: 'fixed', money: { minor: [2_000n, 1_111n][index] as bigint, currency: 'EUR' } },
        conditions: [],
        holdDays: 0,
        payout: 'credit',
        deals: { kind: 'every' },
      },
    ],
  }));

/** How a history about people is brought to rest. */
export interface Calm {
  ask<T>(promise: Promise<T>): Promise<T | undefined>;
  pass(ms: number): Promise<void>;
  container(): Container;
}

export interface Setup {
  readonly staff: Staff;
  /** In the portal, before anybody has heard of us. */
  past(): void;
  /** Once it is connected, in peace: what an admin does first. */
  first(calm: Calm): Promise<void>;
  begin(): void;
  /** What was begun comes to its end, and a report says so. Gives what was wrong on the way. */
  settle(calm: Calm): Promise<string[]>;
  /** Whether everything was read while some program applied: what was not may be met by news of it, however old. */
  readonly isAllMet: () => boolean;
  problems(books: Books): string[];
}

export interface SetupInput {
  readonly accountId: string;
  readonly portal: Portal;
  readonly connectionId: () => string;
  readonly needSecondPerson: () => Promise<unknown>;
  readonly db: Database.Database;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

interface SaidRelease {
  readonly id: string;
  readonly programId: string;
  readonly ruleKey: string;
  readonly decisionIds: readonly string[] | null;
  isCancelled: boolean;
}

interface HistoryRow {
  id: string;
  program_id: string;
  rule_key: string;
}

export function createSetup(input: SetupInput): Setup {
  const { accountId, portal, connectionId, db, scheduler, random, weather, counters, nodes } = input;
  const insist = createInsist({ scheduler, random, counters, nodes });
  const members: string[] = [];
  const friends: string[] = [];
  const old = { friends: new Set<string>(), deals: new Set<string>() };
  const changes = new Map<string, number>();
  const releases: SaidRelease[] = [];
  const choicesSaid = new Set<string>(['null']);
  let people = 0;
  let endsAt = 0;
  let needsSecond = false;
  let backfillId: string | null = null;
  let isBackfillCancelled = false;
  const drift = createDriftModel({ portal, random, counters, note: (what) => note(what) });

  const note = (what: string) => scheduler.note(`crm ${portal.externalId}`, what);
  const rows = <T>(query: string, ...bound: unknown[]) => db.prepare(query).all(...bound) as T[];

  function person(referrers: readonly string[]): string {
    people += 1;
    const name = `Person ${people}`;
    return portal.createContact({ name, email: `person${people}@example.com`, usedCode: null, referrers }).id;
  }

  function newFriend(): void {
    const id = person([random.pick(members)]);
    friends.push(id);
    note(`contact ${id}, referred`);
  }

  function newDeal(friend = random.pick(friends)): string {
    const values = { ...(random.chance(0.6) ? WON : OPEN), amount: random.pick(AMOUNTS), currency: 'EUR' };
    const { id } = portal.createDeal(values, [friend]);
    note(`deal ${id} of ${friend}: ${JSON.stringify(values)}`);
    return id;
  }

  function edit(id: string, change: Partial<DealValues>): void {
    if ((changes.get(id) ?? 0) >= CHANGES_PER_DEAL_MAX) return;
    changes.set(id, (changes.get(id) ?? 0) + 1);
    note(`deal ${id}: ${JSON.stringify(change)}`);
    portal.editDeal(id, change);
  }

  const anyDeal = () => random.pick([...portal.deals.keys()]);
  const acts: ReadonlyArray<readonly [weight: number, act: () => void]> = [
    [3, () => void newDeal()],
    [1.5, newFriend],
    [3, () => edit(anyDeal(), WON)],
    [2, () => edit(anyDeal(), random.chance(0.5) ? OPEN : LOST)],
    [2.5, drift.change],
  ];

  const staff: Staff = {
    disturbed: new Set(),
    ofTwo: new Set(),
    begin() {
      newFriend();
    },
    act() {
      const total = acts.reduce((sum, [weight]) => sum + weight, 0);
      let drawn = random.next() * total;
      acts.find(([weight]) => {
        drawn -= weight;
        return drawn < 0;
      })?.[1]();
    },
    interfere() {
      const ms = 2 * random.integer(1, 400);
      if (!random.chance(0.1) || scheduler.now() + ms >= endsAt) return;
      scheduler.after(ms, () => edit(anyDeal(), random.pick([WON, OPEN])));
    },
    tidyUp() {},
  };

  // ── What an admin says ──

  function choose(): void {
    const programs = random.pick(CHOICES);
    choicesSaid.add(JSON.stringify(programs));
    insist.say('admin', `chooses ${JSON.stringify(programs)}`, async ({ appSettings }) => {
      const kept = await appSettings.of(accountId, connectionId());
      const as = { basis: kept?.version ?? 0, by: 'admin' };
      const saved = await appSettings.save(accountId, connectionId(), { programs }, as);
      if (saved.kind !== 'saved') throw new Error(saved.kind);
    });
  }

  function backfill(): void {
    insist.say('admin', 'starts a backfill', async ({ backfills }) => {
      const started = await backfills.start(accountId, {
        connectionId: connectionId(),
        since: scheduler.now() - 400 * DAY,
        objects: ['contact', 'deal'],
        by: 'admin',
      });
      if (started.kind === 'refused' && started.code !== 'other_open') throw new Error(started.code);
      if ('backfill' in started) backfillId = started.backfill.id;
    });
    if (random.chance(0.5))
      scheduler.after(random.integer(1_000, weather.spanMs / 2), () => {
        const id = backfillId;
        if (id === null) return;
        insist.say('admin', 'pauses the backfill', ({ backfills }) => backfills.turn(accountId, id, 'paused'));
        if (random.chance(0.1)) {
          isBackfillCancelled = true;
          insist.say('admin', 'cancels the backfill', ({ backfills }) => backfills.turn(accountId, id, 'cancelled'));
        }
      });
  }

  function release(): void {
    const known = rows<HistoryRow>(
      `select distinct program_id, rule_key from decisions where account_id = ? and outcome = 'history' order by 1, 2`,
      accountId,
    );
    // Mostly what there is; now and then what nobody has heard of yet.
    const of = known.length > 0 && random.chance(0.8) ? random.pick(known) : null;
    const programId = of?.program_id ?? random.pick(PROGRAMS);
    const ruleKey = of?.rule_key ?? random.pick(['member-won', 'friend-won']);
    const listed = rows<HistoryRow>(
      `select id from decisions where account_id = ? and outcome = 'history' and program_id = ? and rule_key = ? order by id`,
      accountId,
      programId,
      ruleKey,
    ).map(({ id }) => id);
    const decisionIds = listed.length > 0 && random.chance(0.4) ? [random.pick(listed)] : null;
    const said: SaidRelease = { id: `rel-${releases.length + 1}`, programId, ruleKey, decisionIds, isCancelled: false };
    releases.push(said);
    counters['history released'] += 1;
    const { id } = said;
    insist.say('admin', `releases ${programId}/${ruleKey} as ${id}`, async ({ history }) => {
      const asked = await history.release(accountId, { ...said, why: 'earned', by: 'ann' });
      if (asked.kind === 'refused' && asked.code === 'other') throw new Error(asked.code);
    });
    if (needsSecond && random.chance(0.7))
      scheduler.after(random.integer(1_000, 4 * MINUTE), () =>
        insist.say('admin', `approves ${id}`, ({ history }) =>
          history.approve(accountId, id, random.pick(['ann', 'bob'])),
        ),
      );
    if (random.chance(0.15))
      scheduler.after(random.integer(1, 30_000), () => {
        said.isCancelled = true;
        insist.say('admin', `cancels ${id}`, ({ history }) => history.cancel(accountId, id));
      });
  }

  function compare(): void {
    const container = nodes().find(({ life }) => life !== null)?.container;
    scheduler.note('admin', 'compares all');
    container?.reconciliation
      .make(accountId, connectionId(), 'admin')
      .catch((error: unknown) => scheduler.note('admin', `no report: ${String(error)}`));
  }

  function mend(): void {
    const open = openAlerts();
    if (open.length === 0) return;
    const { id, facts } = random.pick(open);
    const allowed = (JSON.parse(facts) as { fixes: string[] }).fixes;
    const fix = allowed.includes('accept') ? 'accept' : 'look_again';
    drift.touch(facts);
    insist.say('admin', `mends ${id} by ${fix}`, ({ drift: watch }) =>
      watch.fix(accountId, connectionId(), id, { fix, by: 'admin' }),
    );
  }

  function openAlerts(): Array<{ id: string; topic: string; facts: string; dedupe_key: string }> {
    return rows(
      `select id, topic, facts, dedupe_key from desk_cases
       where account_id = ? and state = 'open' and topic like 'drift_%' order by id`,
      accountId,
    );
  }

  /** Between two deals that are no friend's business nothing is lost: the report has to find this one by itself. */
  async function report(calm: Calm): Promise<Counts> {
    const made = await calm.ask(calm.container().reconciliation.make(accountId, connectionId(), 'admin'));
    if (made?.kind !== 'made') throw new Error(`no report: ${made?.kind}`);
    return made.report.counts;
  }

  const writes = () =>
    new Map([...portal.contacts.values(), ...portal.deals.values()].map(({ id, mirrorWrites }) => [id, mirrorWrites]));

  async function settle(calm: Calm): Promise<string[]> {
    const problems: string[] = [];
    const strikes = async (count: number) => {
      for (let left = count; left > 0; left -= 1) {
        for (const node of nodes()) node.strike();
        await calm.pass(90_000);
      }
    };
    const id = backfillId;
    if (id !== null) await calm.ask(calm.container().backfills.turn(accountId, id, 'running'));
    await strikes(3);
    await calm.ask(calm.container().reconcile.sweepAll());
    await calm.pass(10 * MINUTE);
    problems.push(...drift.problems(openAlerts()));

    const told = await report(calm);
    if (told.unexplained + told.different + told.pending > 0)
      problems.push(`law 5: a report after quiet says ${JSON.stringify(told)}`);
    problems.push(...(await spoiled(calm)));
    problems.push(...(await unheardOf(calm)));

    // Taken as it is, all of it: then there is nothing to tell of.
    for (const { id: caseId } of openAlerts().filter(({ topic }) => topic.startsWith('drift_stage')))
      await calm.ask(calm.container().drift.fix(accountId, connectionId(), caseId, { fix: 'accept', by: 'admin' }));
    await calm.ask(calm.container().reconcile.sweepAll());
    await strikes(3);
    await calm.pass(11 * MINUTE);
    await strikes(2);
    const left = openAlerts().filter(({ topic }) => /^drift_(stage|pipeline|connection|property_gone)/.test(topic));
    for (const { topic, facts } of left)
      problems.push(`drift: ${topic} is open after all was taken as it is: ${facts}`);
    const { reports, problems: broken } = (await calm.ask(
      calm.container().reconciliation.verify(accountId, connectionId()),
    )) ?? { reports: 0, problems: [] };
    for (const { words } of broken) problems.push(`law 6: of ${reports} reports one is not as it was made: ${words}`);
    return problems;
  }

  /** Fields of ours that somebody has written into: found, written again, and nothing else. */
  async function spoiled(calm: Calm): Promise<string[]> {
    const shown = [...portal.contacts.values()].filter(({ mirror }) => mirror !== null);
    const deals = [...portal.deals.values()].filter(({ mirror }) => mirror !== null);
    const chosen = [...shown.map((one) => ['contact', one] as const), ...deals.map((one) => ['deal', one] as const)]
      .filter(() => random.chance(0.4))
      .slice(0, 3);
    for (const [object, { id }] of chosen) portal.overwrite(object, id);
    const before = writes();
    const told = await report(calm);
    await calm.pass(5 * MINUTE);
    const ids = chosen.map(([, { id }]) => id).sort();
    const written = [...writes()].filter(([id, count]) => count !== (before.get(id) ?? 0)).map(([id]) => id);
    const problems: string[] = [];
    if (told.different !== ids.length)
      problems.push(`law 5: ${ids.join(', ')} were written into, and a report says that ${told.different} differ`);
    if (written.sort().join() !== ids.join())
      problems.push(
        `law 5: ${ids.join(', ') || 'none'} were written into, and ${written.join(', ') || 'none'} are repaired`,
      );
    return problems;
  }

  /** A deal is won and nobody tells of it: the report asks for it, and for no other. */
  async function unheardOf(calm: Calm): Promise<string[]> {
    const known = new Set(
      rows<{ contact_id: string }>('select contact_id from referrals where account_id = ?', accountId).map(
        ({ contact_id }) => contact_id,
      ),
    );
    const friend = friends.find((id) => known.has(id) && appliesTo(id));
    if (friend === undefined) return [];
    portal.unheard(() => {
      const { id } = portal.createDeal({ ...WON, amount: '500.00', currency: 'EUR' }, [friend]);
      note(`deal ${id} of ${friend}, won, and nobody is told`);
    });
    await calm.pass(MINUTE);
    const told = await report(calm);
    await calm.pass(10 * MINUTE);
    const again = await report(calm);
    return [
      ...(told.unexplained === 1 ? [] : [`law 4: one win was never told, and a report says ${JSON.stringify(told)}`]),
      ...(again.unexplained + again.different + again.pending === 0
        ? []
        : [`law 4: after its repair a report says ${JSON.stringify(again)}`]),
    ];
  }

  // ── What is right ──

  interface Choice {
    readonly at: number;
    readonly programs: readonly string[] | null;
  }

  function choices(): Choice[] {
    const kept = rows<{ settings: string; changed_at: number }>(
      'select settings, changed_at from app_settings where account_id = ? and connection_id = ? order by version',
      accountId,
      connectionId(),
    );
    return kept.map(({ settings, changed_at }) => ({
      at: changed_at,
      programs: (JSON.parse(settings) as { programs?: string[] | null }).programs ?? null,
    }));
  }

  function inForceAt(all: readonly Choice[], at: number): readonly string[] {
    return all.findLast((one) => one.at <= at)?.programs ?? PROGRAMS;
  }

  function appliesTo(contactId: string): boolean {
    const [referral] = rows<{ program_id: string; submitted_at: number }>(
      'select program_id, submitted_at from referrals where account_id = ? and contact_id = ?',
      accountId,
      contactId,
    );
    return referral !== undefined && inForceAt(choices(), referral.submitted_at).includes(referral.program_id);
  }

  function problems(books: Books): string[] {
    const found = insist.unanswered().map((what) => `law 8: nobody has answered: ${what}`);
    const all = choices();
    for (const { programs } of all)
      if (!choicesSaid.has(JSON.stringify(programs)))
        found.push(`choice: nobody has chosen ${JSON.stringify(programs)}`);
    const { connected_at: connectedAt } = db
      .prepare('select connected_at from connections where account_id = ? and id = ?')
      .get(accountId, connectionId()) as { connected_at: number };
    const backfills = rows<{ id: string; state: string }>(
      'select id, state from backfills where account_id = ?',
      accountId,
    );
    for (const { id, state } of backfills)
      if (state !== 'done' && !(state === 'cancelled' && isBackfillCancelled))
        found.push(`law 8: backfill ${id} has come to rest as ${state}`);
    const isBackfilled = backfills.some(({ state }) => state === 'done');
    found.push(...releasesAreRight());

    const standing = books.rewards.filter(stands);
    for (const friend of friends) {
      const own = books.referrals.filter(({ contact_id }) => contact_id === friend);
      if (own.length > 1) found.push(`law 1: friend ${friend} has ${own.length} referrals`);
      const [referral] = own as Array<(typeof own)[number] & { program_id: string }>;
      const isMet = !old.friends.has(friend) || isBackfilled;
      if (!referral) {
        // Who is met while no program applies is looked at again as soon as one does.
        if (isMet && inForceAt(all, Number.POSITIVE_INFINITY).length > 0)
          found.push(`law 1: friend ${friend} has no referral`);
        continue;
      }
      const offered = inForceAt(all, referral.submitted_at);
      if (!offered.includes(referral.program_id))
        found.push(
          `choice: friend ${friend} came by ${referral.program_id}, and ${JSON.stringify(offered)} was chosen`,
        );
      found.push(...paysRight(books, standing, referral, friend, connectedAt, isBackfilled));
    }
    found.push(
      ...tasksAreRight({
        accountId,
        portal,
        db,
        isTold: (topic) => topic.startsWith('drift_') || topic === 'many_failures',
      }),
    );
    return found;
  }

  function paysRight(
    { decisions }: Books,
    standing: Books['rewards'],
    referral: Books['referrals'][number] & { program_id: string },
    friend: string,
    connectedAt: number,
    isBackfilled: boolean,
  ): string[] {
    const found: string[] = [];
    const rules = SETUP_PROGRAMS.find(({ programId }) => programId === referral.program_id)?.rules ?? [];
    for (const deal of wonByMetadata(portal).filter(({ contactIds }) => contactIds.includes(friend))) {
      const won = deal.points.slice(deal.points.findLastIndex(({ meaning }) => meaning !== 'won') + 1);
      const [first] = won;
      for (const rule of rules) {
        const name = `${rule.key} of friend ${friend} for deal ${deal.id}`;
        const of = standing.filter(
          (one) => one.referral_id === referral.id && one.deal_id === deal.id && one.rule_key === rule.key,
        );
        const chain = decisions.filter(
          (one) => one.referral_id === referral.id && one.deal_id === deal.id && one.rule_key === rule.key,
        );
        const isHistory = first !== undefined && first.at < connectedAt;
        const word = chain.find(({ reason }) => JSON.parse(reason).code === 'history_released');
        const wanted = first === undefined ? 0 : isHistory ? (word ? 1 : 0) : 1;
        if (of.length !== wanted)
          found.push(
            `law 1: ${name} stands ${of.length} times, should stand ${wanted} times${isHistory ? ', it is history' : ''}`,
          );
        const ought = first && payOf(rule as PublishedRule, first);
        for (const one of of)
          if (`${one.minor} ${one.currency}` !== ought)
            found.push(`law 1: ${name} is ${one.minor}, should be ${ought}`);
        if (!isHistory) continue;
        const told = chain.filter(({ outcome }) => outcome === 'history');
        if (isBackfilled && told.length === 0 && !word) found.push(`law 1: ${name} is history, and nobody was told`);
        const releasedBy = (one: (typeof told)[number]) =>
          wordsOn(one.id, referral.program_id, rule.key).filter(
            ({ asked_at }) => asked_at >= one.recorded_at - CLOCK_ERROR_MAX_MS,
          );
        if (word && !told.some((one) => releasedBy(one).length > 0))
          found.push(`law 2: ${name} was released, and nobody has said so`);
        // A deal that was opened again meanwhile was no history when its release came by.
        if ((changes.get(deal.id) ?? 0) > 0) continue;
        const must = told.filter((one) =>
          releasedBy(one).some(
            ({ state, asked_at }) => state === 'done' && asked_at > one.recorded_at + CLOCK_ERROR_MAX_MS,
          ),
        );
        if (must.length > 0 && !word) found.push(`law 1: ${name} was released by a person, and is history still`);
      }
    }
    return found;
  }

  interface ReleaseRow {
    id: string;
    program_id: string;
    rule_key: string;
    decision_ids: string | null;
    state: string;
    asked_at: number;
    asked_by: string;
    approved_by: string | null;
  }

  function releaseRows(): ReleaseRow[] {
    return rows('select * from history_releases where account_id = ?', accountId);
  }

  function wordsOn(decisionId: string, programId: string, ruleKey: string): ReleaseRow[] {
    return releaseRows().filter(
      (one) =>
        one.program_id === programId &&
        one.rule_key === ruleKey &&
        one.state !== 'asked' &&
        (one.decision_ids === null || (JSON.parse(one.decision_ids) as string[]).includes(decisionId)),
    );
  }

  function releasesAreRight(): string[] {
    return releaseRows().flatMap(({ id, program_id, rule_key, state, asked_by, approved_by }) => {
      const said = releases.find((one) => one.id === id);
      const name = `release ${id}`;
      return [
        ...(said?.programId === program_id && said.ruleKey === rule_key ? [] : [`law 2: ${name} was asked by nobody`]),
        ...(state === 'running' ? [`law 8: ${name} runs still`] : []),
        ...(state === 'cancelled' && !said?.isCancelled ? [`law 2: ${name} was cancelled by nobody`] : []),
        ...(needsSecond && state === 'done' && (approved_by === null || approved_by === asked_by)
          ? [`law 2: ${name} was carried out by the word of ${approved_by ?? 'nobody'} beside ${asked_by}`]
          : []),
      ];
    });
  }

  return {
    staff,
    past() {
      for (const stage of SPARE_STAGES) portal.addStage('sales', { ...stage });
      for (let count = random.integer(1, 2); count > 0; count -= 1) members.push(person([]));
      for (let count = random.integer(1, 3); count > 0; count -= 1) newFriend();
      for (const id of friends) old.friends.add(id);
      for (let count = random.integer(2, 4); count > 0; count -= 1) old.deals.add(newDeal());
    },
    async first(calm) {
      needsSecond = random.chance(0.3);
      if (needsSecond) await input.needSecondPerson();
      const { appSettings, reconcile } = calm.container();
      const programs = random.pick([null, null, ...CHOICES]);
      choicesSaid.add(JSON.stringify(programs));
      const notifications = (['drift', 'sync_trouble'] as const).map((notice) => ({
        notice,
        channel: 'crm_task' as const,
        to: null,
      }));
      await calm.ask(
        appSettings.save(accountId, connectionId(), { programs, notifications }, { basis: 0, by: 'admin' }),
      );
      await calm.ask(reconcile.sweepAll());
      drift.look();
    },
    begin() {
      endsAt = scheduler.now() + weather.spanMs;
      const at = (share: number, run: () => void) => scheduler.after(random.integer(1, weather.spanMs * share), run);
      for (let count = random.integer(0, 2); count > 0; count -= 1) at(1, choose);
      if (random.chance(0.8)) at(0.4, backfill);
      for (let count = random.integer(1, 3); count > 0; count -= 1) at(1.3, release);
      for (let count = random.integer(0, 2); count > 0; count -= 1) at(1, compare);
      for (let count = random.integer(0, 3); count > 0; count -= 1) at(1.2, mend);
    },
    settle,
    isAllMet: () =>
      choices().every(({ programs }) => programs === null || programs.length > 0) &&
      rows(`select id from backfills where account_id = ? and state = 'done'`, accountId).length > 0,
    problems,
  };
}

interface Counts {
  readonly unexplained: number;
  readonly different: number;
  readonly pending: number;
}

/** What an admin of the CRM does to its stages, and which alerts that has to come to. */
function createDriftModel({
  portal,
  random,
  counters,
  note,
}: {
  readonly portal: Portal;
  readonly random: Random;
  readonly counters: Counters;
  readonly note: (what: string) => void;
}) {
  /** As they were when an admin first saw them; what somebody took as it was is not asked about before all is. */
  let seen = new Map<string, StageMetadata>();
  const touched = new Set<string>();
  const changed = new Map<string, number>();

  const present = () =>
    new Map<string, StageMetadata>(
      portal.pipelines.flatMap(({ id, stages }) => stages.map((stage) => [`${id} ${stage.id}`, { ...stage }] as const)),
    );
  const meaningOf = ({ isClosed, probability }: StageMetadata) =>
    !isClosed ? 'open' : probability === 1 ? 'won' : 'lost';

  function changeStage(stageId: string, change: Partial<StageMetadata> | null): void {
    counters['stage changed in the CRM'] += 1;
    changed.set(`sales ${stageId}`, (changed.get(`sales ${stageId}`) ?? 0) + 1);
    note(`stage ${stageId}: ${JSON.stringify(change)}`);
    portal.changeStage('sales', stageId, change);
  }

  return {
    look() {
      seen = present();
    },
    change() {
      const kind = random.pick(['rename', 'rename', 'meaning', 'new', 'gone'] as const);
      if (kind === 'rename') {
        const stageId = random.pick(['71', 'talk', 'idle']);
        changeStage(stageId, { label: random.pick(['Closed lost', 'Won', stageId === '71' ? 'Signed' : 'Talk']) });
      } else if (kind === 'meaning') {
        changeStage(
          'idle',
          random.pick([
            { isClosed: false, probability: 0.4 },
            { isClosed: true, probability: 1 },
            { isClosed: true, probability: 0 },
          ]),
        );
      } else if (kind === 'gone') changeStage('spare', null);
      else if (!present().has('sales new')) {
        counters['stage changed in the CRM'] += 1;
        changed.set('sales new', 1);
        note('stage new');
        portal.addStage('sales', { id: 'new', label: 'New', isClosed: false, probability: 0.3 });
      }
    },
    /** Somebody takes what this alert is about as it is. */
    touch(facts: string) {
      const { pipelineIds = [], stageId } = JSON.parse(facts) as { pipelineIds?: string[]; stageId?: string };
      for (const pipelineId of pipelineIds) touched.add(`${pipelineId} ${stageId}`);
    },
    problems(open: ReadonlyArray<{ topic: string; facts: string; dedupe_key: string }>): string[] {
      const now = present();
      const found: string[] = [];
      const told = open
        .filter(({ topic }) => topic.startsWith('drift_stage'))
        .map(({ topic, facts }) => {
          const { pipelineIds = [], stageId } = JSON.parse(facts) as { pipelineIds?: string[]; stageId?: string };
          return { kind: topic.slice('drift_'.length), stage: `${pipelineIds[0]} ${stageId}` };
        });
      for (const stage of new Set([...seen.keys(), ...now.keys()])) {
        const [before, after] = [seen.get(stage), now.get(stage)];
        if (touched.has(stage)) continue;
        const ought = [
          ...(!before ? ['stage_new'] : []),
          ...(!after ? ['stage_gone'] : []),
          ...(before && after && before.label !== after.label ? ['stage_renamed'] : []),
          ...(before && after && meaningOf(before) !== meaningOf(after) ? ['stage_meaning'] : []),
        ];
        const kinds = told.filter((one) => one.stage === stage).map(({ kind }) => kind);
        if (kinds.sort().join() !== ought.sort().join())
          found.push(
            `drift: stage ${stage} has alerts of ${kinds.join(', ') || 'nothing'}, should be ${ought.join(', ') || 'nothing'}`,
          );
      }
      return found;
    },
  };
}
