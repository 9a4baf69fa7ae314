import type { Decision, Reward } from '../domain/decision.ts';
import { canBeTakenBack, takeBackByPerson } from '../domain/desk-word.ts';
import { Fault } from '../domain/errors.ts';
import { createDraft, stateWith } from '../domain/plan.ts';
import type { ProgramContent } from '../domain/program.ts';
import { normaliseEmail, type RecordRef, sameRecord } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { TEST_MARK, TEST_RUN_DAYS_MAX, TEST_START_MS_MAX, testAccountId, testContent } from '../domain/test-run.ts';
import { addDays, type Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { createAct } from './act.ts';
import type { CrmRecord, CrmRecords } from './crm-records.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, Page, PageInput, Store, TestEndReason, TestRun } from './ports/store.ts';
import { shownInTest } from './shown-in-test.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

/** A test has one referral: rewards of two sides for a few deals. */
const REWARDS_MAX = 200;

/** A write to the CRM that was under way when the test ended has arrived by then, or never will. */
const LATE_WRITE_MS = 60_000;

/** Nobody can be written to at this domain (RFC 6761). */
const NOBODY = { name: `${TEST_MARK}member`, email: 'test-member@wonward.invalid' };

export type TestFriend = { readonly contactId: string } | { readonly email: string };

/** Who refers: somebody who is there for this test alone, or one of the account's members, who takes part by name and gets nothing. */
export type TestMember =
  | { readonly kind: 'test' }
  | { readonly kind: 'self'; readonly email: string }
  | { readonly kind: 'member'; readonly email: string };

export interface TestInput {
  readonly connectionId: string;
  readonly programId: string;
  /** Absent: the draft where there is one, otherwise what is published. */
  readonly origin?: TestRun['origin'] | undefined;
  readonly friend: TestFriend;
  readonly member: TestMember;
  readonly skipsWaits: boolean;
  readonly by: string;
}

export const TEST_REFUSALS = [
  'no_such_connection',
  'not_connected',
  'other_open',
  'no_program',
  'no_such_contact',
  'several_contacts',
  'friend_is_referred',
  'no_such_member',
  'self_referral',
] as const;
export type TestRefusal = (typeof TEST_REFUSALS)[number];

export type TestStarted =
  | { readonly kind: 'started' | 'existing'; readonly run: TestRun }
  | { readonly kind: 'refused'; readonly code: TestRefusal };

export const TEST_STEPS = ['submitted', 'read', 'won', 'decided', 'booked', 'paid', 'shown'] as const;
export type TestStep = (typeof TEST_STEPS)[number];

/** A reward of a test, and who would have been asked for it in real life. */
export interface TestReward {
  readonly reward: Reward;
  readonly provider: string | null;
}

export interface TestRunView {
  readonly run: TestRun;
  readonly member: Member | null;
  readonly referral: Referral | null;
  /** When each step was taken; null: not yet. */
  readonly steps: Readonly<Record<TestStep, Instant | null>>;
  /** The newest of each rule on each deal. */
  readonly decisions: readonly Decision[];
  readonly rewards: readonly TestReward[];
  /** Where a person finds the friend and the deals in the CRM. */
  readonly records: readonly CrmRecord[];
}

export interface TestRuns {
  start(accountId: string, input: TestInput): Promise<TestStarted>;
  list(accountId: string, page: PageInput): Promise<Page<TestRun>>;
  /** Null when the account has no such test. */
  view(accountId: string, runId: string): Promise<TestRunView | null>;
  /** Takes all of it back. One that has ended stays as it is. Null when the account has no such test. */
  end(accountId: string, runId: string, by: string): Promise<TestRun | null>;
  /** Ends what has to end, and goes on with what was begun to end. */
  lookAfterAll(signal?: AbortSignal): Promise<void>;
  /** The test's connection, where what a record shows is a test's; null where it is of real life. */
  shownBy(connection: Connection, record: RecordRef): Promise<Connection | null>;
}

export interface TestRunsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly crmRecords: CrmRecords;
  readonly onAsked: () => void;
}

/** A program tried out for real, by a deal that somebody moves in the CRM; nobody gets anything, and nothing of it stays. */
export function createTestRuns(deps: TestRunsDeps): TestRuns {
  const { store, clock, log, newId, openSession, onAsked } = deps;
  // Nobody is looked for in the CRM: who refers in a test is no contact.
  const act = createAct({ store, clock, onAsked, onUnplaced: () => {} });

  async function start(accountId: string, input: TestInput): Promise<TestStarted> {
    const { connectionId, programId, by, skipsWaits } = input;
    const refused = (code: TestRefusal): TestStarted => ({ kind: 'refused', code });
    const connection = await store.connections.get(accountId, connectionId);
    if (!connection) return refused('no_such_connection');
    if (connection.status !== 'connected') return refused('not_connected');
    const tried = await programOf(accountId, programId, input.origin);
    if (!tried) return refused('no_program');
    const friend = await friendOf(connection, input.friend);
    if (typeof friend === 'string') return refused(friend);
    const open = await store.testRuns.openIn(accountId, connectionId);
    // Asked for twice it is begun once.
    if (open) return isSame(open, input, friend.contact.id) ? { kind: 'existing', run: open } : refused('other_open');
    const member = await memberOf(accountId, input.member);
    if (!member) return refused('no_such_member');
    if (member.email !== null && member.email === friend.email) return refused('self_referral');

    const id = `tst_${newId()}`;
    const now = clock.now();
    const payouts = Object.fromEntries(tried.content.rules.map(({ key, payout }) => [key, payout]));
    const begun = await store.testRuns.begin(
      {
        ...{ id, accountId, connectionId, programId, skipsWaits, payouts },
        ...{ programName: tried.content.name, origin: tried.origin, revision: tried.revision },
        ...{ friendContactId: friend.contact.id, startedBy: by, startedAt: now },
        endsAt: addDays(now, TEST_RUN_DAYS_MAX),
      },
      testContent(tried.content, { skipsWaits }),
    );
    if (begun !== 'begun') return refused(begun);
    const own = testAccountId(id);
    const enrolled = await act.createMember(own, { ...member, contact: null });
    const memberId = enrolled.kind === 'refused' ? '' : enrolled.member.id;
    const made = await act.createReferral(own, { memberId, friend });
    if (made.kind === 'refused') {
      // Whoever looks at the CRM at the same moment has found out more of the friend.
      await stop(accountId, id, null, 'broken');
      return refused(made.code === 'self_referral' ? 'self_referral' : 'no_such_contact');
    }
    await store.testRuns.started(accountId, id, { memberId, referralId: made.referral.id });
    log.info({ account: accountId, test: id, connection: connectionId, program: programId }, 'test begun');
    return { kind: 'started', run: await known(accountId, id) };
  }

  async function programOf(
    accountId: string,
    programId: string,
    wanted: TestRun['origin'] | undefined,
  ): Promise<{ content: ProgramContent; origin: TestRun['origin']; revision: number } | null> {
    const draft = wanted === 'published' ? null : await store.programDrafts.get(accountId, programId);
    if (draft && draft.content.rules.length > 0)
      return { content: draft.content, origin: 'draft', revision: draft.revision };
    if (wanted === 'draft') return null;
    const newest = (await store.programs.versions(accountId)).findLast((version) => version.programId === programId);
    return newest && !newest.isRetired ? { content: newest, origin: 'published', revision: newest.version } : null;
  }

  /** The contact as the CRM has it now. Who was really referred is not asked to take part: what their deals pay is no test. */
  async function friendOf(
    connection: Connection,
    friend: TestFriend,
  ): Promise<(Referral['friend'] & { contact: RecordRef }) | TestRefusal> {
    const session = openSession(connection);
    const ids =
      'contactId' in friend ? [friend.contactId] : await session.contactsByEmail([normaliseEmail(friend.email) ?? '']);
    const [contactId] = ids;
    if (contactId === undefined) return 'no_such_contact';
    if (ids.length > 1) return 'several_contacts';
    const [facts] = await session.readContacts([contactId]);
    if (facts?.presence !== 'present') return 'no_such_contact';
    const [source] = await store.mirror.sources(connection.accountId, [facts.ref]);
    if (source?.referral) return 'friend_is_referred';
    return { name: facts.name, email: normaliseEmail(facts.email), contact: facts.ref };
  }

  async function memberOf(accountId: string, wanted: TestMember): Promise<Pick<Member, 'name' | 'email'> | null> {
    if (wanted.kind === 'test') return NOBODY;
    const email = normaliseEmail(wanted.email);
    const member = email === null ? null : await store.reads.memberByEmail(accountId, email);
    if (wanted.kind === 'self') return { name: member?.name ?? null, email };
    return member && { name: member.name, email: member.email };
  }

  async function known(accountId: string, runId: string): Promise<TestRun> {
    const run = await store.testRuns.get(accountId, runId);
    if (!run) throw new Fault('busy', { kind: 'retry' }, 'The test is not there any more.');
    return run;
  }

  // ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async function stop(accountId: string, runId: string, by: string | null, reason: TestEndReason): Promise<void> {
    const isBegun = await store.testRuns.beginEnd(accountId, runId, { by, reason, now: clock.now() });
    if (isBegun) log.info({ account: accountId, test: runId, reason }, 'test ends');
    await goOnEnding(accountId, runId);
  }

  /** Can be called as often as it takes: a provider that is being asked is waited for. */
  async function goOnEnding(accountId: string, runId: string): Promise<void> {
    const run = await store.testRuns.get(accountId, runId);
    if (run?.state !== 'ending') return;
    const isTakenBack = await takeBackAll(run);
    if (!isTakenBack) return;
    await store.testRuns.finish(accountId, runId, { now: clock.now(), lateMs: LATE_WRITE_MS });
  }

  /** True when nothing that was granted stands any more. */
  async function takeBackAll(run: TestRun): Promise<boolean> {
    const rewards = await rewardsOf(run);
    const word = { by: run.endedBy ?? 'Wonward', why: 'The test has ended.', at: clock.now() };
    for (const reward of rewards.filter(canBeTakenBack)) await takeBack(run.testAccountId, reward, word);
    return (await rewardsOf(run)).every((reward) => !canBeTakenBack(reward) && !reward.reversalPending);
  }

  async function takeBack(
    accountId: string,
    { id, deal }: Reward,
    word: { readonly by: string; readonly why: string; readonly at: Instant },
  ): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const loaded = await store.cases.load({
        ...{ accountId, connectionId: deal.connectionId, dealIds: [deal.id] },
        ...{ contactIds: [], emails: [], codes: [], companies: [] },
      });
      const draft = createDraft(stateWith(accountId, loaded));
      const current = draft.reward(id);
      if (!current || !canBeTakenBack(current)) return;
      takeBackByPerson(draft, accountId, current, word);
      const commit = { accountId, plan: draft.plan(), snapshots: [], restsOn: [], settles: [], erase: [] };
      const [result] = await store.cases.commit([commit]);
      if (result === 'committed') return;
    }
  }

  /** All of its account are of the one referral, also where the start broke off before that was noted. */
  async function rewardsOf({ testAccountId: own }: TestRun): Promise<readonly Reward[]> {
    return (await store.reads.rewards(own, { limit: REWARDS_MAX, cursor: null }, {})).items;
  }

  /** Why a test has to end though nobody has said so; null where it goes on. */
  async function reasonToEnd(run: TestRun): Promise<TestEndReason | null> {
    const now = clock.now();
    if (run.endsAt <= now) return 'time';
    if (run.referralId === null) return run.startedAt + TEST_START_MS_MAX <= now ? 'broken' : null;
    const connection = await store.connections.get(run.accountId, run.connectionId);
    if (connection?.status !== 'connected') return 'connection';
    return (await programOf(run.accountId, run.programId, undefined)) ? null : 'program';
  }

  return {
    start,
    list: (accountId, page) => store.testRuns.list(accountId, page),

    async view(accountId, runId) {
      const run = await store.testRuns.get(accountId, runId);
      if (!run) return null;
      const { testAccountId: own, referralId, memberId } = run;
      const [member, referral, decided, rewards, records] = await Promise.all([
        memberId === null ? null : store.reads.member(own, memberId),
        referralId === null ? null : store.reads.referral(own, referralId),
        referralId === null
          ? []
          : store.reads
              .decisions(own, { limit: REWARDS_MAX, cursor: null }, { referralId })
              .then(({ items }) => [...items].sort((a, b) => b.sequence - a.sequence)),
        rewardsOf(run),
        referralId === null ? [] : deps.crmRecords(own, { referralId }).then((found) => found ?? []),
      ]);
      return {
        ...{ run, member, referral, records },
        steps: stepsOf(referral, decided, rewards, records),
        decisions: newestOf(decided),
        rewards: rewards.map((reward) => ({
          reward,
          provider: run.payouts[reward.ruleKey.replace(ASSIST, '')] ?? null,
        })),
      };
    },

    async end(accountId, runId, by) {
      if (!(await store.testRuns.get(accountId, runId))) return null;
      await stop(accountId, runId, by, 'person');
      return known(accountId, runId);
    },

    async lookAfterAll(signal) {
      for (const run of await store.testRuns.open()) {
        if (signal?.aborted) return;
        try {
          const reason = run.state === 'running' ? await reasonToEnd(run) : null;
          if (reason !== null) await stop(run.accountId, run.id, null, reason);
          else await goOnEnding(run.accountId, run.id);
        } catch (err) {
          log.warn({ account: run.accountId, test: run.id, err }, 'test not looked after yet');
        }
      }
    },

    async shownBy(connection, record) {
      const run = await store.testRuns.openIn(connection.accountId, connection.id);
      if (!run) return null;
      const sources = await store.mirror.sources(connection.accountId, [record]);
      if ((await shownInTest(store, connection, sources)).size === 0) return null;
      return store.connections.get(run.testAccountId, connection.id);
    },
  };
}

function isSame(
  { state, referralId, programId, skipsWaits, friendContactId }: TestRun,
  asked: TestInput,
  contactId: string,
): boolean {
  return (
    state === 'running' &&
    referralId !== null &&
    programId === asked.programId &&
    skipsWaits === asked.skipsWaits &&
    friendContactId === contactId
  );
}

/** Where credit is shared, the other member's rule has a sign of its own. */
const ASSIST = /\+assist$/;

function newestOf(decisions: readonly Decision[]): Decision[] {
  return decisions.filter(
    (one) =>
      !decisions.some(
        (other) => other.ruleKey === one.ruleKey && sameRecord(other.deal, one.deal) && other.sequence > one.sequence,
      ),
  );
}

function stepsOf(
  referral: Referral | null,
  decisions: readonly Decision[],
  rewards: readonly Reward[],
  records: readonly CrmRecord[],
): TestRunView['steps'] {
  const deals = records.filter(({ record }) => record.object === 'deal');
  const granted = decisions.filter(({ rewardId }) => rewardId !== null);
  return {
    submitted: referral?.submittedAt ?? null,
    read: firstOf(deals.map(({ readAt }) => readAt)),
    won: referral?.stage === 'won' ? referral.stageSince : firstOf(granted.map(({ effectiveAt }) => effectiveAt)),
    decided: firstOf(decisions.map(({ recordedAt }) => recordedAt)),
    booked: firstOf(granted.map(({ recordedAt }) => recordedAt)),
    paid: firstOf(rewards.filter(({ state }) => WAS_PAID.includes(state)).map(({ updatedAt }) => updatedAt)),
    shown: firstOf(deals.map(({ mirror }) => mirror?.writtenAt ?? null)),
  };
}

const WAS_PAID: readonly Reward['state'][] = ['issued', 'redeemed', 'clawed_back'];

function firstOf(times: ReadonlyArray<Instant | null>): Instant | null {
  const known = times.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}
