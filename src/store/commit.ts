import { type RawBuilder, sql } from 'kysely';
import type { Colleagues, Commit, CommitResult } from '../application/ports/store.ts';
import { STANDING_STATES } from '../domain/decision.ts';
import { Fault } from '../domain/errors.ts';
import { imbalance, type Journal } from '../domain/ledger.ts';
import type { PayoutIntent, Plan } from '../domain/plan.ts';
import { isTestAccount } from '../domain/test-run.ts';
import type { Instant } from '../domain/time.ts';
import {
  attributionRow,
  decisionRow,
  journalRow,
  memberRow,
  postingRows,
  referralRow,
  rewardRow,
  touchRow,
} from './codec.ts';
import { lookAtColleagues } from './colleagues.ts';
import { Conflict } from './conflict.ts';
import { keepConsents } from './consents.ts';
import { keepCases } from './desk.ts';
import { type Engine, insertRows, overRows } from './dialect.ts';
import { guarded } from './group-commit.ts';
import { contactsOfPeople, keepEdges, refuseDoubles } from './identity-edges.ts';
import { markMirror } from './mirror.ts';
import { isStillOffered } from './offers.ts';
import { eraseContacts } from './privacy.ts';
import { tell } from './queue.ts';
import { blankIfIn, compareWithKept, saveSnapshots, shownOf } from './records.ts';
import { type Row, type Session, TABLES } from './schema.ts';
import { changeTallies, keepWaiting } from './tallies.ts';
import { countAgain } from './test-runs.ts';
import { keepTiers } from './tiers.ts';
import { tellOfPlan, watch } from './webhook-events.ts';
import { askAt, settleWork } from './work.ts';
import { lookAtWaits } from './workflow-actions.ts';

/**
 * One durable transaction for all, so that the cost of the disk is shared. They are written together, by one statement for each table and
 * not for each of them; when anything is in the way of one, each has a savepoint of its own, so that a failure is not shared.
 *
 * @throws Fault `ledger_unbalanced` before anything is written; whatever else is thrown has written nothing of any commit.
 */
export async function commitAll(engine: Engine, commits: readonly Commit[]): Promise<CommitResult[]> {
  for (const { plan } of commits) assertBalanced(plan.journals);
  if (commits.length === 0) return [];
  return engine.write(async (session) => {
    const together = joined(commits);
    if (together && (await attempt(session, together)) === 'committed') {
      return commits.map(() => 'committed');
    }
    const results: CommitResult[] = [];
    for (const commit of commits) results.push(await attempt(session, commit));
    return results;
  });
}

/** All of them as one, if there is more than one and they are of one account. */
function joined(commits: readonly Commit[]): Commit | null {
  const [first] = commits;
  if (!first || commits.length === 1 || commits.some(({ accountId }) => accountId !== first.accountId)) return null;
  return {
    accountId: first.accountId,
    plan: joinedPlan(commits.map(({ plan }) => plan)),
    snapshots: commits.flatMap(({ snapshots }) => snapshots),
    restsOn: commits.flatMap(({ restsOn }) => restsOn),
    settles: commits.flatMap(({ settles }) => settles),
    erase: commits.flatMap(({ erase }) => erase),
    isOneOfSeveral: commits.some(({ isOneOfSeveral }) => isOneOfSeveral),
    colleagues: joinedColleagues(commits.flatMap(({ colleagues }) => colleagues ?? [])),
    // A batch has read them once.
    choicesSeen: first.choicesSeen,
    programsMissed: first.programsMissed,
  };
}

/** A batch is of one connection. */
function joinedColleagues(all: readonly Colleagues[]): Colleagues | undefined {
  const [first] = all;
  return (
    first && {
      connectionId: first.connectionId,
      companyIds: all.flatMap(({ companyIds }) => companyIds),
      unreferred: all.flatMap(({ unreferred }) => unreferred),
    }
  );
}

/** What all of them ask for, as one. */
export function joinedPlan(plans: readonly Plan[]): Plan {
  return {
    members: plans.flatMap(({ members }) => members),
    referrals: plans.flatMap(({ referrals }) => referrals),
    touches: plans.flatMap(({ touches }) => touches),
    decisions: plans.flatMap(({ decisions }) => decisions),
    rewards: plans.flatMap(({ rewards }) => rewards),
    journals: plans.flatMap(({ journals }) => journals),
    intents: plans.flatMap(({ intents }) => intents),
    cancelledIntentIds: plans.flatMap(({ cancelledIntentIds }) => cancelledIntentIds),
    tallies: plans.flatMap(({ tallies }) => tallies),
    waiting: plans.flatMap(({ waiting }) => waiting),
    attributions: plans.flatMap(({ attributions }) => attributions),
    tierChanges: plans.flatMap(({ tierChanges }) => tierChanges),
    tierLooks: plans.flatMap(({ tierLooks }) => tierLooks),
    mirror: plans.flatMap(({ mirror }) => mirror),
    wakes: plans.flatMap(({ wakes }) => wakes),
    cases: plans.flatMap(({ cases = [] }) => cases),
    identity: plans.flatMap(({ identity = [] }) => identity),
    people: plans.flatMap(({ people = [] }) => people),
    consents: plans.flatMap(({ consents = [] }) => consents),
    contactsGivenUp: plans.flatMap(({ contactsGivenUp = [] }) => contactsGivenUp),
  };
}

function attempt(session: Session, commit: Commit): Promise<CommitResult> {
  const { dialect } = session;
  return guarded<CommitResult>(
    session,
    () => commitOne(session, commit),
    (error) =>
      error instanceof Conflict || dialect.isUniqueViolation(error) || dialect.isContention(error)
        ? 'conflict'
        : undefined,
    (result) => result === 'committed',
  );
}

async function commitOne(session: Session, commit: Commit): Promise<CommitResult> {
  const { accountId, plan, settles } = commit;
  if (settles.some((item) => item.accountId !== accountId)) return 'stale';
  // Before the wakes: one that this very plan asks for is not answered by it.
  if (!(await settleWork(session, settles))) return 'stale';
  const { isCurrent, returned } = await compareWithKept(session, commit);
  if (!isCurrent) return 'outdated';
  if (commit.isOneOfSeveral) await refuseDoubles(session, accountId, plan);
  // A record that is restored shows what it showed when it was deleted: what has changed since is written to it, news or not.
  const back = returned.length === 0 ? [] : await shownOf(session, accountId, returned);
  await applyPlan(session, accountId, { ...plan, mirror: [...plan.mirror, ...back] }, momentOf(commit));
  if (!(await isStillOffered(session, commit))) return 'outdated';
  // Before the snapshots: the address that was known until now finds what else is known by it.
  await eraseContacts(session, accountId, commit.erase, commit.snapshots, momentOf(commit));
  const kept = await saveSnapshots(session, accountId, commit.snapshots.map(blankIfIn(commit.erase)));
  if (!kept) return 'outdated';
  if (isTestAccount(accountId)) await countAgain(session, accountId);
  if (commit.colleagues) await lookAtColleagues(session, accountId, commit.colleagues, momentOf(commit));
  return 'committed';
}

/** Writes a plan inside the caller's transaction. @throws Conflict, or the database's unique violation. */
export async function applyPlan(session: Session, accountId: string, plan: Plan, at: Instant): Promise<void> {
  const watched = await watch(session, accountId, plan);
  // Claiming a payout locks the intent and then its reward; so does this, or the two would wait for each other.
  await cancelIntents(session, accountId, plan.cancelledIntentIds);
  await putVersioned(
    session,
    'members',
    plan.members.map((member) => memberRow(accountId, member)),
  );
  await giveUpContacts(session, accountId, plan.contactsGivenUp ?? []);
  await putVersioned(
    session,
    'referrals',
    plan.referrals.map((referral) => referralRow(accountId, referral)),
  );
  await insertRows(
    session,
    'referral_stages',
    plan.referrals.map(({ id, stage, stageSince }) => ({
      account_id: accountId,
      referral_id: id,
      since: stageSince,
      stage,
    })),
    'on conflict do nothing',
  );
  await insertRows(
    session,
    'touches',
    plan.touches.map((touch) => touchRow(accountId, touch)),
    'on conflict do nothing',
  );
  // Those that end first: the one that follows on the same deal takes the place they leave.
  const rewards = plan.rewards.map((reward) => rewardRow(accountId, reward));
  await putVersioned(
    session,
    'rewards',
    rewards.filter((reward) => !stands(reward)),
  );
  await putVersioned(session, 'rewards', rewards.filter(stands));
  await insertRows(
    session,
    'decisions',
    plan.decisions.map((decision) => decisionRow(accountId, decision)),
  );
  await insertRows(
    session,
    'postings',
    plan.journals.flatMap((journal) => postingRows(accountId, journal)),
  );
  await insertRows(
    session,
    'journals',
    plan.journals.map((journal) => journalRow(accountId, journal)),
  );
  const orders = Map.groupBy(plan.intents, ({ kind = 'issue' }) => (kind === 'issue' ? 'new' : 'recalls'));
  await insertRows(
    session,
    'intents',
    (orders.get('new') ?? []).map(({ id, rewardId, provider, at: orderAt }) => ({
      account_id: accountId,
      id,
      reward_id: rewardId,
      provider,
      kind: 'issue',
      state: 'pending',
      run_at: orderAt ?? at,
      due_at: orderAt ?? at,
      claim: null,
      attempts: 0,
      parked: 0,
      error: null,
    })),
  );
  await recallOrders(session, accountId, orders.get('recalls') ?? [], at);
  await keepCases(session, accountId, plan);
  await changeTallies(session, accountId, plan.tallies, at);
  await keepWaiting(session, accountId, plan.waiting);
  await insertRows(
    session,
    'attribution_decisions',
    plan.attributions.map((decision) => attributionRow(accountId, decision)),
  );
  await keepTiers(session, accountId, plan);
  await keepEdges(session, accountId, plan.identity ?? []);
  await keepConsents(session, accountId, plan.consents ?? []);
  const contacts = await contactsOfPeople(session, accountId, plan.people ?? []);
  await markMirror(session, accountId, [...plan.mirror, ...contacts], at);
  await lookAtWaits(session, accountId, plan, at);
  await tellOfPlan(session, accountId, watched, plan, at);
  await askAt(session, accountId, plan.wakes);
  // A wake that lies ahead is found when it is due; everything else waits for somebody from the end of this transaction on.
  if (plan.intents.some(({ at: orderAt }) => orderAt === null || orderAt <= at))
    tell(session, 'intents', { accountId, connectionId: null });
  for (const { record, at: wakeAt } of plan.wakes)
    if (wakeAt <= at) tell(session, 'work', { accountId, connectionId: record.connectionId });
}

/** @throws Fault `ledger_unbalanced`. The database refuses the same; here the fault names the journal. */
export function assertBalanced(journals: readonly Journal[]): void {
  for (const { id, postings } of journals) {
    const sums = imbalance(postings);
    if (postings.length >= 2 && sums.size === 0) continue;
    const off = [...sums].map(([currency, minor]) => `${minor} ${currency}`).join(', ');
    throw new Fault('ledger_unbalanced', { kind: 'never' }, 'A booking does not add up and was not made.', {
      message: `journal ${id} has ${postings.length} postings and is off by ${off || 'nothing'}`,
    });
  }
}

function stands(reward: Row<'rewards'>): boolean {
  return (STANDING_STATES as readonly string[]).includes(reward.state) && reward.reversal_pending === 0;
}

/** A place of their own for the length of this transaction: the database compares row by row, and one takes over what the other has. */
async function giveUpContacts({ db, dialect }: Session, accountId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`update referrals set contact_id = id where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(
    db,
  );
}

type Versioned = 'members' | 'referrals' | 'rewards';

/** Version 1 is inserted; any other replaces the one before it, and only that one. */
async function putVersioned<T extends Versioned>(session: Session, table: T, rows: readonly Row<T>[]): Promise<void> {
  await insertRows(
    session,
    table,
    rows.filter(({ version }) => version === 1),
  );
  const changed = rows.filter(({ version }) => version !== 1);
  if (changed.length === 0) return;
  const columns = Object.keys(TABLES[table]).filter((column) => column !== 'account_id' && column !== 'id');
  const set = columns.map((column) => `${column} = next.${column}`).join(', ');
  const written = await overRows(
    session,
    TABLES[table],
    changed,
    (next) => `update ${table} set ${set} from ${next} as next
      where ${table}.account_id = next.account_id and ${table}.id = next.id and ${table}.version = next.version - 1`,
  );
  if (written.changed !== changed.length) throw new Conflict(`${table} changed meanwhile`);
}

/**
 * What an order gave is to be undone, now or at a time. A worker that is at it for another reason finds its claim gone: what it was told is
 * asked again, and the provider says the same.
 */
async function recallOrders(
  { db }: Session,
  accountId: string,
  intents: readonly PayoutIntent[],
  now: Instant,
): Promise<void> {
  for (const { id, kind, at } of intents) {
    const runAt = at ?? now;
    const { numAffectedRows } = await sql`update intents set kind = ${kind}, state = 'pending', run_at = ${runAt},
        due_at = ${runAt}, claim = null, attempts = 0, parked = 0, error = null
      where account_id = ${accountId} and id = ${id} and (state = 'done' or kind <> 'issue')`.execute(db);
    if (numAffectedRows !== 1n) throw new Conflict('what is to be undone was not carried out');
  }
}

/** An order that nobody has picked up is withdrawn. One that was never placed, as for a held reward, has nothing to withdraw. */
async function cancelIntents(session: Session, accountId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { db, dialect } = session;
  const isNamed: RawBuilder<unknown> = sql`account_id = ${accountId} and ${dialect.isIn('id', ids)}`;
  await sql`update intents set state = 'cancelled', due_at = null, parked = 0
    where ${isNamed} and state = 'pending' and claim is null`.execute(db);
  const { rows } = await sql`select id from intents where ${isNamed} and state <> 'cancelled' limit 1`.execute(db);
  if (rows.length > 0) throw new Conflict('an order is with its provider already');
}

/**
 * The newest time that a commit's own parts bear, and so "now or a little earlier" for what it makes due. The store has no clock;
 * 0, for a commit that bears none, is due as well.
 */
function momentOf({ plan, snapshots }: Pick<Commit, 'plan' | 'snapshots'>): Instant {
  return Math.max(
    0,
    ...snapshots.map(({ readAt }) => readAt),
    ...plan.decisions.map(({ recordedAt }) => recordedAt),
    ...plan.rewards.map(({ updatedAt }) => updatedAt),
    ...plan.tierChanges.map(({ recordedAt }) => recordedAt),
    ...plan.attributions.map(({ recordedAt }) => recordedAt),
    ...plan.members.map(({ createdAt }) => createdAt),
    ...plan.referrals.map(({ submittedAt }) => submittedAt),
  );
}
