import type Database from 'better-sqlite3';
import type { PayoutProvider } from '../../src/application/ports/payout.ts';
import type { ProgramDraftStore } from '../../src/application/ports/store.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { ProgramContent, RewardRule } from '../../src/domain/program.ts';
import type { Random } from '../crash/random.ts';
import type { DealValues, Portal, SimContact, SimDeal } from './crm.ts';
import type { Counters, Weather } from './faults.ts';
import { createInsist } from './insist.ts';
import {
  type Books,
  booksOf,
  contactShows,
  dealsShow,
  decisionsTellTheStory,
  holdsAreObserved,
  ledgerBalances,
  onlyItsOwn,
  rewardsAreTheReferrers,
  stands,
  whatTheCrmSays,
} from './laws.ts';
import type { SimNode } from './node.ts';
import { expectedOfTest, type Published, wonByMetadata } from './oracle.ts';
import type { Receiver } from './payout.ts';
import type { Scheduler } from './scheduler.ts';
import type { Calm } from './setup.ts';

/*
 * An admin tries programs out while real life goes on: contacts whom nobody has referred take part, deals of theirs are won, lost and deleted,
 * and the tests are ended by a person, with their draft, with the connection, or where their start broke off.
 */

const MINUTE = 60_000;
/** Beside a referral of its own a test has no more than that in the CRM; with fewer changes nothing of a deal's history is lost. */
const CHANGES_PER_DEAL_MAX = 8;

const WON = { pipeline: 'sales', stage: '71' } as const;
const OPEN = { pipeline: 'sales', stage: 'talk' } as const;
const LOST = { pipeline: 'sales', stage: '72' } as const;
const AMOUNTS = ['120.00', '999.99', '1000.00', '87.30', null] as const;

/** Looks by the minute until everything has come to rest; a start that broke off is given up after ten. */
const STROKES_MAX = 12;

/** What people see of a test begins with it. */
const MARK = 'Test: ';
/** A CRM's clock may be behind by this much: what was won shortly before a test may be taken for a part of it. */
const NEAR_MS = 5 * MINUTE + 2_000;

/** Sums of real life that know nothing of tests by an index of their own; who began a test stands in the list of tests. */
const TELLS_OF_TESTS: ReadonlySet<string> = new Set(['test_runs', 'accounts', 'connections', 'audit_entries']);

/** Rules that only a draft has. */
function draftRules(random: Random): RewardRule[] {
  return [
    {
      conditions: [],
      key: 'member-won',
      name: 'Member won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: random.pick([1_300, 333]) },
      holdDays: random.pick([0, 1]),
      payout: 'webhook',
    },
    {
      conditions: [],
      key: 'friend-won',
      name: 'Friend won',
      party: 'friend',
      amount: { kind: 'fixed', money: { minor: 4_321n, currency: 'EUR' } },
      holdDays: 0,
      payout: random.pick(['credit', 'webhook']),
      ...(random.chance(0.3) ? { review: { when: 'always' } as const } : {}),
    },
  ];
}

/** The provider of tests, as it was asked. */
export interface TestOrders {
  heard(provider: PayoutProvider): PayoutProvider;
  readonly orderedAt: ReadonlyMap<string, number>;
  readonly accountOf: ReadonlyMap<string, string>;
}

export function createTestOrders(scheduler: Scheduler): TestOrders {
  const orderedAt = new Map<string, number>();
  const accountOf = new Map<string, string>();
  return {
    orderedAt,
    accountOf,
    heard: (provider) => ({
      ...provider,
      open: async (access) => {
        const session = await provider.open(access);
        return {
          ...session,
          issue: async (order, ...more) => {
            if (!orderedAt.has(order.rewardId)) orderedAt.set(order.rewardId, scheduler.now());
            accountOf.set(order.rewardId, order.accountId);
            return session.issue(order, ...more);
          },
        };
      },
    }),
  };
}

export interface Trials {
  /** In peace: drafts of what is tried out. */
  first(): Promise<void>;
  begin(): void;
  /** What was begun goes on to where it rests: under way, or over. */
  settle(calm: Calm): Promise<void>;
  problems(real: Books): string[];
  /** All of it ends, and leaves nothing behind. */
  finish(calm: Calm, real: () => Books): Promise<string[]>;
}

export interface TrialsInput {
  readonly accountId: string;
  readonly portal: Portal;
  readonly connectionId: () => string;
  /** Versions of the program that real life goes by. */
  readonly published: readonly Published[];
  readonly db: Database.Database;
  readonly programDrafts: Pick<ProgramDraftStore, 'save' | 'discard'>;
  readonly orders: TestOrders;
  readonly receiver: Pick<Receiver, 'given'>;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

interface RunRow {
  readonly id: string;
  readonly test_account_id: string;
  readonly program_id: string;
  readonly origin: 'draft' | 'published';
  readonly revision: number;
  readonly payouts: string;
  readonly skips_waits: number;
  readonly friend_contact_id: string;
  readonly member_id: string | null;
  readonly referral_id: string | null;
  readonly state: 'running' | 'ending' | 'ended';
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly end_reason: string | null;
  readonly ended_by: string | null;
}

interface SaidStart {
  readonly programId: string;
  readonly origin: 'draft' | 'published';
  readonly skipsWaits: boolean;
  readonly tester: string;
}

export function createTrials(input: TrialsInput): Trials {
  const { accountId, portal, connectionId, db, scheduler, random, weather, counters, nodes } = input;
  const insist = createInsist({ scheduler, random, counters, nodes });
  const drafts = new Map<string, { content: ProgramContent; revision: number }>();
  const testers: string[] = [];
  const deals: string[] = [];
  const changes = new Map<string, number>();
  const starts: SaidStart[] = [];
  const endsSaid = new Set<string>();
  const wrong: string[] = [];
  let isDiscarded = false;
  let people = 0;

  const note = (what: string) => scheduler.note(`crm ${portal.externalId}`, what);
  const rows = <T>(query: string, ...bound: unknown[]) => db.prepare(query).all(...bound) as T[];
  const runs = () => rows<RunRow>('select * from test_runs where account_id = ? order by started_at, id', accountId);
  const isThere = (record: SimContact | SimDeal | undefined) =>
    record !== undefined && !record.isDeleted && record.mergedInto === null;
  const booksOfTest = ({ test_account_id }: RunRow) => booksOf(db, test_account_id, connectionId(), portal);

  function now(id: string): string {
    let contact = portal.contacts.get(id);
    while (contact?.mergedInto) contact = portal.contacts.get(contact.mergedInto);
    return contact?.id ?? id;
  }

  // ── What happens in the CRM ──

  function person(): string {
    people += 1;
    const name = `Tester ${people}`;
    const { id } = portal.createContact({ name, email: `tester${people}@example.com`, usedCode: null, referrers: [] });
    note(`contact ${id}, a tester`);
    return id;
  }

  function newDeal(tester = random.pick(testers)): void {
    const friends = [...portal.contacts.values()].filter((one) => one.referrers.size > 0 && isThere(one));
    const other = friends.length > 0 && random.chance(0.2) ? random.pick(friends).id : null;
    const values: DealValues = {
      ...(random.chance(0.25) ? WON : OPEN),
      amount: random.pick(AMOUNTS),
      currency: 'EUR',
    };
    const of = [now(tester), ...(other === null ? [] : [other])];
    const { id } = portal.createDeal(values, of);
    deals.push(id);
    note(`deal ${id} of tester ${of.join(', ')}: ${JSON.stringify(values)}`);
  }

  function edit(change: Partial<DealValues>): void {
    const present = deals.filter(
      (id) => isThere(portal.deals.get(id)) && (changes.get(id) ?? 0) < CHANGES_PER_DEAL_MAX,
    );
    if (present.length === 0) {
      newDeal();
      return;
    }
    const id = random.pick(present);
    changes.set(id, (changes.get(id) ?? 0) + 1);
    note(`deal ${id}: ${JSON.stringify(change)}`);
    portal.editDeal(id, change);
  }

  function remove(): void {
    // Of a deal that somebody of real life is on as well the CRM forgets that they were.
    const present = deals.filter((id) => isThere(portal.deals.get(id)) && portal.deals.get(id)?.contactIds.size === 1);
    // KNOWN GAP: nobody looks again at a lost deal (README.md).
    const wasLost = (id: string) => portal.deals.get(id)?.history.stage.some(({ value }) => value === LOST.stage);
    const may = present.filter((id) => weather.losses === 0 || !wasLost(id));
    if (may.length === 0) return;
    const id = random.pick(may);
    counters['record deleted'] += 1;
    note(`deal ${id} deleted`);
    portal.remove('deal', id);
  }

  /** Somebody has entered the tester twice. */
  function merge(): void {
    const tester = now(random.pick(testers));
    const twin = person();
    counters['record merged'] += 1;
    portal.merge('contact', ...(random.chance(0.5) ? ([tester, twin] as const) : ([twin, tester] as const)));
    note(`contacts ${tester} and ${twin} merged: now ${now(tester)}`);
  }

  const acts: ReadonlyArray<readonly [weight: number, act: () => void]> = [
    [2, () => newDeal()],
    [5, () => edit(WON)],
    [3, () => edit(random.chance(0.5) ? OPEN : LOST)],
    [0.5, remove],
    [0.4, merge],
  ];

  function act(): void {
    let drawn = random.next() * acts.reduce((sum, [weight]) => sum + weight, 0);
    acts.find(([weight]) => {
      drawn -= weight;
      return drawn < 0;
    })?.[1]();
  }

  // ── What an admin says ──

  function start(): void {
    const [programId, origin] = random.pick([
      ['default', 'published'],
      ['default', 'published'],
      ['default', 'draft'],
      ['next', 'draft'],
    ] as const);
    const tester = random.pick(testers);
    const said: SaidStart = { programId, origin, skipsWaits: random.chance(0.7), tester };
    starts.push(said);
    insist.say('admin', `begins a test of ${origin} ${programId} with ${tester}`, async ({ testRuns }) => {
      const asked = { connectionId: connectionId(), programId, origin, skipsWaits: said.skipsWaits, by: 'admin' };
      const begun = await testRuns.start(accountId, {
        ...asked,
        friend: { contactId: now(tester) },
        member: { kind: 'test' },
      });
      if (begun.kind === 'refused') return refused(begun.code, said);
      if (begun.kind === 'started') counters['test begun'] += 1;
      const { id } = begun.run;
      scheduler.note('admin', `test ${id} is ${begun.kind}`);
      if (endsSaid.has(id) || !random.chance(0.65)) return;
      endsSaid.add(id);
      scheduler.after(random.integer(500, random.pick([5_000, weather.spanMs / 2])), () => end(id));
    });
  }

  /** What somebody is told who has done nothing wrong. */
  function refused(code: string, { programId }: SaidStart): void {
    scheduler.note('admin', `is refused a test: ${code}`);
    const isRight =
      code === 'other_open' ||
      (code === 'not_connected' && (weather.disconnect || weather.revocation)) ||
      (code === 'no_program' && programId === 'next' && isDiscarded);
    if (!isRight) wrong.push(`trial: a test of ${programId} was refused: ${code}`);
  }

  function end(id: string): void {
    insist.say('admin', `ends test ${id}`, async ({ testRuns }) => {
      const run = await testRuns.end(accountId, id, 'admin');
      if (run === null || run.state === 'running') throw new Error(`not ended: ${run?.state}`);
      counters['test ended'] += 1;
    });
  }

  function look(): void {
    const container = nodes().find(({ life }) => life !== null)?.container;
    const [run] = rows<{ id: string }>('select id from test_runs where account_id = ? order by id desc', accountId);
    if (!container || !run) return;
    container.testRuns.view(accountId, run.id).catch((error: unknown) => {
      if (!(error instanceof Fault)) wrong.push(`trial: test ${run.id} cannot be looked at: ${String(error)}`);
    });
    container.figures.foldAll(new AbortController().signal).catch(() => {});
  }

  function discard(): void {
    isDiscarded = true;
    const revision = drafts.get('next')?.revision ?? 0;
    scheduler.note('admin', 'discards the draft of next');
    void input.programDrafts.discard(accountId, 'next', revision);
  }

  // ── What is right ──

  function rulesOf({ program_id, origin, revision }: RunRow): readonly RewardRule[] | undefined {
    if (origin === 'draft') {
      const draft = drafts.get(program_id);
      return draft?.revision === revision ? draft.content.rules : undefined;
    }
    const versions = input.published as ReadonlyArray<Published & { version: number }>;
    return versions.find(({ version }) => version === revision)?.rules as readonly RewardRule[] | undefined;
  }

  function problems(real: Books): string[] {
    const all = runs();
    return [
      ...wrong,
      ...insist.unanswered().map((what) => `law 8: nobody has answered: ${what}`),
      ...(all.filter(({ state }) => state !== 'ended').length > 1 ? ['trial: two tests run at once'] : []),
      ...all.flatMap((run) => ofRun(run, real).map((problem) => `test ${run.id}: ${problem}`)),
      ...crmShows(all, real),
      ...isNowhereElse(all, real),
    ];
  }

  function ofRun(run: RunRow, real: Books): string[] {
    const books = booksOfTest(run);
    const rules = rulesOf(run);
    if (!rules) return [`trial: nobody has said ${run.origin} ${run.program_id} ${run.revision}`];
    const friendId = now(run.friend_contact_id);
    const waits = (rule: RewardRule) => (run.skips_waits === 1 ? { ...rule, holdDays: 0 } : rule);
    const published = [{ publishedAt: run.started_at, rules: rules.map(waits) }];
    const own = books.referrals.filter(({ contact_id }) => now(contact_id ?? '') === friendId);
    const found = [
      ...decisionsTellTheStory(books),
      ...ledgerBalances(books),
      ...holdsAreObserved(books, published),
      ...onlyItsOwn(books, [connectionId()], db),
      ...rewardsAreTheReferrers(books),
    ];
    if (books.referrals.length > 1 || own.length !== books.referrals.length || books.members.length > 1)
      found.push(`trial: it has ${books.referrals.length} referrals, ${own.length} of its friend`);
    if (run.referral_id !== null && run.referral_id !== books.referrals[0]?.id)
      found.push(`trial: its referral ${run.referral_id} is not there`);
    if (!starts.some(({ programId, origin }) => programId === run.program_id && origin === run.origin))
      found.push('trial: nobody has begun it');
    const wouldPay = JSON.parse(run.payouts) as Record<string, string>;
    if (rules.some(({ key, payout }) => wouldPay[key] !== payout))
      found.push(`trial: it says that ${run.payouts} would pay`);
    for (const { id, payout } of books.rewards) {
      if (payout !== 'test') found.push(`trial: reward ${id} is paid by ${payout}`);
      if (real.rewards.some((reward) => reward.id === id)) found.push(`trial: reward ${id} is one of real life`);
    }
    for (const [rewardId, account] of input.orders.accountOf)
      if (account === run.test_account_id && !books.rewards.some(({ id }) => id === rewardId))
        found.push(`trial: the provider was asked for reward ${rewardId}, which is not there`);
    const expected = expectedOfTest({ portal, friendId, rules, startedAt: run.started_at });
    found.push(...decidedRightly(books, expected.earlier, run));
    if (run.state === 'running') {
      if (run.referral_id === null) found.push('law 8: its start broke off, and it runs');
      else
        found.push(
          ...whatTheCrmSays(
            books,
            [expected],
            (id) => portal.contacts.get(id)?.isDeleted === false,
            input.orders,
            scheduler.now(),
          ),
        );
      return found;
    }
    if (run.state !== 'ended') found.push('law 8: it ends, and does not come to an end');
    for (const { id, state } of books.rewards.filter(stands))
      found.push(`trial: it is over, and its reward ${id} stands as ${state}`);
    if (run.end_reason === 'person' && !endsSaid.has(run.id))
      found.push('trial: a person has ended it, and nobody did');
    if (run.end_reason === 'time') found.push('trial: it has ended with its week, which is not over');
    return found;
  }

  /** What was granted while it ran is what the rule makes of a win that there was. */
  function decidedRightly(
    { decisions }: Books,
    earlier: ReadonlyMap<string, ReadonlyArray<{ dealId: string; amount: string }>>,
    run: RunRow,
  ): string[] {
    const isGone = (id: string) => !isThere(portal.deals.get(id));
    return decisions
      .filter(({ outcome, rule_key }) => ['rewarded', 'held', 'in_review'].includes(outcome) && earlier.has(rule_key))
      .filter(({ deal_id }) => !isGone(deal_id))
      .filter(
        ({ rule_key, deal_id, minor, currency }) =>
          !earlier.get(rule_key)?.some(({ dealId, amount }) => dealId === deal_id && amount === `${minor} ${currency}`),
      )
      .map(
        ({ rule_key, deal_id, minor, currency }) =>
          `law 1: ${rule_key} of ${minor} ${currency} was granted for deal ${deal_id}, by rules in force from ${run.started_at}`,
      );
  }

  /** Where nothing of real life is to be shown: what a test under way shows, marked as one, and otherwise nothing. */
  function crmShows(all: readonly RunRow[], real: Books): string[] {
    const found: string[] = [];
    const texts = (record: SimContact | SimDeal) =>
      Object.entries((record.mirror ?? {}) as unknown as Record<string, unknown>).filter(
        ([field, value]) => field !== 'kind' && value !== null,
      );
    const isReal = realRecords(real);
    const run = all.find(({ state }) => state === 'running');
    const books = run && booksOfTest(run);
    // What a deal shows that a real friend was once on is asked of real life.
    const isOurs = (record: SimContact | SimDeal) =>
      'email' in record
        ? record.email?.startsWith('tester')
        : deals.includes(record.id) && record.contactIds.size === 1;
    const records = [...portal.contacts.values(), ...portal.deals.values()].filter(isThere);
    for (const record of records) {
      if (isReal(record)) {
        const marked = texts(record).filter(([, value]) => String(value).startsWith(MARK));
        if (isDecided(record, real) && marked.length > 0)
          found.push(`law 5: record ${record.id} is of real life, and shows ${JSON.stringify(marked)}`);
      } else if (books && isOfTest(record, books)) found.push(...shownOfTest(record, books));
      else if (isOurs(record) && texts(record).length > 0)
        found.push(`law 5: record ${record.id} shows ${JSON.stringify(texts(record))}, and nothing is to be shown`);
    }
    return found;
  }

  /** Records that somebody of real life is, or is on. */
  function realRecords({ referrals, members, decisions }: Books): (record: SimContact | SimDeal) => boolean {
    const people = new Set([...referrals, ...members].flatMap(({ contact_id }) => contact_id ?? []));
    const decided = new Set(decisions.map(({ deal_id }) => deal_id));
    const isOfPeople = (ids: readonly string[]) => ids.some((id) => people.has(id) || people.has(now(id)));
    return (record) =>
      'contactIds' in record
        ? [record.id, ...record.formerIds].some((id) => decided.has(id)) || isOfPeople([...record.contactIds])
        : isOfPeople([record.id, ...record.formerIds]);
  }

  function isDecided(record: SimContact | SimDeal, { decisions }: Books): boolean {
    return !('contactIds' in record) || decisions.some(({ deal_id }) => deal_id === record.id);
  }

  function isOfTest(record: SimContact | SimDeal, { referrals, decisions }: Books): boolean {
    const isFriend = (id: string) => referrals.some(({ contact_id }) => now(contact_id ?? '') === id);
    return 'contactIds' in record
      ? decisions.some(({ deal_id }) => deal_id === record.id) || [...record.contactIds].some(isFriend)
      : isFriend(record.id);
  }

  function shownOfTest(record: SimContact | SimDeal, books: Books): string[] {
    const shown = { ...(record.mirror ?? {}) } as unknown as Record<string, unknown>;
    const marked = 'contactIds' in record ? ['rewardState', 'rewardReason'] : ['lastReward', 'referredBy'];
    const unmarked = marked.filter((field) => {
      const text = shown[field] ?? null;
      if (text === null) return false;
      shown[field] = String(text).slice(MARK.length);
      return !String(text).startsWith(MARK);
    });
    const plain = { ...record, mirror: shown as never };
    const told =
      'contactIds' in plain
        ? dealsShow({ ...books, portal: { ...portal, deals: new Map([[plain.id, plain]]) } })
        : contactShows(books, plain, undefined, books.referrals);
    return [...unmarked.map((field) => `law 5: record ${record.id} shows ${field} without its mark`), ...told];
  }

  /** No row of real life names anything of a test; nobody was given or told anything; its wins are nobody's revenue. */
  function isNowhereElse(all: readonly RunRow[], real: Books): string[] {
    const found: string[] = [];
    const ids = all.flatMap((run) => {
      const { referrals, members, rewards, decisions, journals } = booksOfTest(run);
      for (const { rewardId } of input.receiver.given.values())
        if (rewards.some(({ id }) => id === rewardId)) found.push(`trial: reward ${rewardId} was given to somebody`);
      return [run.test_account_id, ...[referrals, members, rewards, decisions, journals].flat().map(({ id }) => id)];
    });
    const tables = rows<{ name: string }>(
      `select m.name from sqlite_schema m join pragma_table_info(m.name) c on c.name = 'account_id' where m.type = 'table'`,
    ).filter(({ name }) => !TELLS_OF_TESTS.has(name));
    for (const { name } of tables) {
      const text = JSON.stringify(
        rows(`select * from ${name} where account_id not in (select id from accounts where test_of is not null)`),
      );
      for (const id of ids) if (text.includes(id)) found.push(`law 7: ${name} of real life names ${id} of a test`);
    }
    for (const run of all) {
      const [{ count = 0 } = {}] = rows<{ count: number }>(
        'select count(*) as count from webhook_events where account_id = ?',
        run.test_account_id,
      );
      if (count > 0) found.push(`trial: ${count} events of test ${run.id} are to be told`);
    }
    return [...found, ...countsAsNobodys(all, real)];
  }

  /** A deal that was won for a test is nobody's revenue; one that was won outside of all is. */
  function countsAsNobodys(all: readonly RunRow[], real: Books): string[] {
    const known = new Set(
      rows<{ id: string }>(
        `select id from figure_parts where account_id = ? and unit = 'deal' and entries <> '[]'`,
        accountId,
      ).map(({ id }) => id),
    );
    const waiting = rows(`select id from figure_marks where account_id = ?`, accountId).length > 0;
    if (waiting) return [];
    const isReal = realRecords(real);
    return wonByMetadata(portal)
      .filter(({ id }) => deals.includes(id) && !isReal(portal.deals.get(id) as SimDeal))
      .flatMap(({ id, contactIds, points }) => {
        const wonAt = points[points.findLastIndex(({ meaning }) => meaning !== 'won') + 1]?.at;
        const isKnown = known.has(`${connectionId()} ${id}`);
        if (wonAt === undefined) return isKnown ? [`law 3: deal ${id} is not won, and is counted`] : [];
        // One whose start broke off follows nobody: whom its friend becomes meanwhile it does not know.
        const own = all.filter(({ friend_contact_id }) => contactIds.includes(now(friend_contact_id)));
        if (own.some(({ end_reason }) => end_reason === 'broken')) return [];
        const within = (margin: number) =>
          own.some(
            ({ started_at, ended_at }) =>
              wonAt > started_at - margin && (ended_at === null || wonAt < ended_at + margin),
          );
        if (within(-2_000) && isKnown) return [`law 3: deal ${id} was won for a test, and is counted`];
        return !within(NEAR_MS) && !isKnown ? [`law 3: deal ${id} was won for nobody's test, and is not counted`] : [];
      });
  }

  const isUnrest = () =>
    insist.unanswered().length > 0 ||
    runs().some(({ state, referral_id }) => state === 'ending' || (state === 'running' && referral_id === null));

  async function settle(calm: Calm): Promise<void> {
    for (let left = STROKES_MAX; left > 0; left -= 1) {
      for (const node of nodes()) node.strike();
      await calm.pass(2 * MINUTE);
      if (!isUnrest()) return;
    }
  }

  return {
    async first() {
      for (const [programId, name] of [
        ['default', 'Default, anew'],
        ['next', 'Next'],
      ] as const) {
        const content: ProgramContent = { programId, name, rules: draftRules(random) };
        const saved = await input.programDrafts.save(accountId, content, {
          ...{ revision: 0, by: 'admin', now: scheduler.now() },
        });
        if (saved.kind !== 'saved') throw new Error(`no draft of ${programId}`);
        drafts.set(programId, { content, revision: saved.draft.revision });
      }
    },

    begin() {
      // After everybody of real life: who is there first may be made a member.
      scheduler.after(1, () => {
        for (let count = random.integer(1, 2); count > 0; count -= 1) testers.push(person());
        newDeal();
      });
      const at = (share: number, run: () => void) => scheduler.after(random.integer(10, weather.spanMs * share), run);
      let last = 0;
      for (let count = random.integer(6, 14); count > 0; count -= 1) {
        // Two changes of one deal in one millisecond are one in its history.
        last += random.integer(3, random.pick([2_000, 2_000, weather.spanMs / 6]));
        if (last < weather.spanMs) scheduler.after(last, act);
      }
      scheduler.after(random.integer(10, random.pick([5_000, weather.spanMs / 2])), start);
      for (let count = random.integer(1, 3); count > 0; count -= 1) at(1, start);
      for (let count = random.integer(0, 3); count > 0; count -= 1) at(1.2, look);
      if (random.chance(0.2)) scheduler.after(random.integer(weather.spanMs / 2, weather.spanMs), discard);
    },

    settle,
    problems,

    async finish(calm, real) {
      for (const { id, state } of runs()) {
        if (state === 'ended') continue;
        endsSaid.add(id);
        await calm.ask(calm.container().testRuns.end(accountId, id, 'admin'));
      }
      await settle(calm);
      await calm.pass(5 * MINUTE);
      await calm.ask(calm.container().figures.foldAll(new AbortController().signal));
      return [
        ...runs().flatMap(({ id, state }) => (state === 'ended' ? [] : [`law 8: test ${id} is ${state} still`])),
        ...problems(real()),
      ];
    },
  };
}
