import type Database from 'better-sqlite3';
import type { Portal, SimContact, SimDeal } from './crm.ts';
import { type ExpectedFriend, type Published, wonByMetadata } from './oracle.ts';
import type { Receiver, Whereabouts } from './payout.ts';

/** The laws of the mission, asked of the database and of the CRM when everything has come to rest. Each gives what is wrong, in sentences. */

const STANDING = ['held', 'in_review', 'approved', 'issuing', 'issued', 'redeemed', 'failed'];
const GIVEN = ['issued', 'redeemed', 'clawed_back'];
const DAY_MS = 86_400_000;
const HOUR_AND_MORE_MS = 70 * 60_000;
/** What waits for a person may wait as long as the person does. */
const AT_REST = ['issued', 'redeemed', 'failed', 'voided', 'clawed_back', 'in_review'];
const GRANTS = ['rewarded', 'held', 'in_review'];

interface RewardRow {
  id: string;
  referral_id: string;
  connection_id: string;
  deal_id: string;
  rule_key: string;
  party: string;
  beneficiary_id: string;
  minor: number;
  currency: string;
  state: string;
  reason: string;
  cancels_issued: number;
  payout: string;
  program_id: string;
  reversal_pending: number;
  netted: number;
  clawed_back: number;
  written_off: number;
  created_at: number;
  release_at: number | null;
}
interface DecisionRow {
  id: string;
  referral_id: string;
  connection_id: string;
  deal_id: string;
  rule_key: string;
  party: string;
  sequence: number;
  outcome: string;
  reason: string;
  reward_id: string | null;
  minor: number | null;
  currency: string | null;
  recorded_at: number;
}
interface ReferralRow {
  id: string;
  member_id: string;
  connection_id: string | null;
  contact_id: string | null;
  stage: string;
  submitted_at: number;
  friend_erased_at: number | null;
}
interface MemberRow {
  id: string;
  code: string;
  connection_id: string | null;
  contact_id: string | null;
}
interface PostingRow {
  journal_id: string;
  ledger_account: string;
  currency: string;
  minor: number;
}
interface JournalRow {
  id: string;
  kind: string;
  reward_id: string;
  decision_id: string | null;
}

export interface Books {
  readonly accountId: string;
  readonly connectionId: string;
  readonly portal: Portal;
  readonly rewards: readonly RewardRow[];
  readonly decisions: readonly DecisionRow[];
  readonly referrals: readonly ReferralRow[];
  readonly members: readonly MemberRow[];
  readonly journals: readonly JournalRow[];
  readonly postings: readonly PostingRow[];
}

export function booksOf(db: Database.Database, accountId: string, connectionId: string, portal: Portal): Books {
  const all = <T>(table: string) =>
    db.prepare(`select * from ${table} where account_id = ? order by 2, 3`).all(accountId) as T[];
  return {
    accountId,
    connectionId,
    portal,
    rewards: all('rewards'),
    decisions: all('decisions'),
    referrals: all('referrals'),
    members: all('members'),
    journals: all('journals'),
    postings: all('postings'),
  };
}

/** What must not change by a replay: everything that was decided, and all money. */
export function fingerprintOf(
  { rewards, decisions, referrals, members, journals, postings }: Books,
  hasCertainStage: (contactId: string) => boolean,
): string {
  return JSON.stringify([
    rewards.map(({ id, state, minor, currency, reversal_pending }) => [id, state, minor, currency, reversal_pending]),
    decisions.map(({ id }) => id),
    referrals.map(({ id, member_id, contact_id, stage }) => [
      id,
      member_id,
      contact_id,
      contact_id === null || hasCertainStage(contact_id) ? stage : null,
    ]),
    members.map(({ id, contact_id }) => [id, contact_id]),
    journals.map(({ id }) => id),
    postings.map(({ journal_id, minor }) => [journal_id, minor]),
  ]);
}

export function stands({ state, reversal_pending }: RewardRow): boolean {
  return STANDING.includes(state) && reversal_pending === 0;
}

function follow<R extends { readonly id: string; mergedInto: string | null }>(
  records: ReadonlyMap<string, R>,
  id: string | null,
): R | undefined {
  let record = id === null ? undefined : records.get(id);
  while (record?.mergedInto) record = records.get(record.mergedInto);
  return record;
}

function moneyOf({ minor, currency }: { minor: number; currency: string }): string {
  return `${minor} ${currency}`;
}

/** Law 1: what the CRM's records say is what stands, and once. */
export function whatTheCrmSays(
  { portal, rewards, referrals, members, decisions }: Books,
  expected: readonly ExpectedFriend[],
  hasCertainStage: (contactId: string) => boolean,
  { orderedAt }: Pick<Receiver, 'orderedAt'>,
  now: number,
): string[] {
  const problems: string[] = [];
  const contactIdOf = (id: string | null) => follow(portal.contacts, id)?.id;
  const memberContact = new Map(members.map(({ id, contact_id }) => [id, contactIdOf(contact_id)]));
  const standing = rewards.filter(stands);
  const known = new Set<string>();

  for (const { friendId, referrerIds, stage, rewards: ought, earlier } of expected) {
    const mine = referrals
      .filter(({ contact_id }) => contactIdOf(contact_id) === friendId)
      .sort((a, b) => a.submitted_at - b.submitted_at || (a.id < b.id ? -1 : 1));
    for (const { id } of mine) known.add(id);
    const formerIds = portal.contacts.get(friendId)?.formerIds ?? [];
    const [referral] = mine;
    if (!referral || (mine.length > 1 && formerIds.length === 0)) {
      problems.push(`law 1: friend ${friendId} has ${mine.length} referrals`);
      continue;
    }
    const referrer = memberContact.get(referral.member_id);
    if (!referrerIds.includes(referrer ?? ''))
      problems.push(`law 1: friend ${friendId} belongs to ${referrer}, not to ${referrerIds.join(' or ')}`);
    if (referral.stage !== stage && [friendId, ...formerIds].every(hasCertainStage))
      problems.push(`law 1: the referral of friend ${friendId} is ${referral.stage}, should be ${stage}`);
    for (const [rule, pays] of ought) {
      const own = standing.filter(
        ({ referral_id, rule_key }) => rule_key === rule && mine.some(({ id }) => id === referral_id),
      );
      const paid = own.map((reward) => `${moneyOf(reward)} for deal ${follow(portal.deals, reward.deal_id)?.id}`);
      const actual = paid.join(' and ') || 'nothing';
      const allowed = [...new Set(pays.map((pay) => (pay ? `${pay.amount} for deal ${pay.dealId}` : 'nothing')))];
      // Two friends who were paid for apart, and turn out to be one: what was earned stays, once for each of them.
      const [only] = own;
      const dealId = follow(portal.deals, only?.deal_id ?? null)?.id;
      const isRevived =
        only !== undefined &&
        own.length === 1 &&
        isWonAgain(only, decisions, orderedAt) &&
        pays.some((pay) => pay?.dealId === dealId) &&
        (earlier.get(rule) ?? []).some((pay) => pay.dealId === dealId && pay.amount === moneyOf(only));
      const isEarnedApart =
        new Set(own.map(({ referral_id }) => referral_id)).size === own.length &&
        paid.every((one) => allowed.includes(one));
      if (!(own.length > 1 ? isEarnedApart : isRevived || allowed.includes(actual)))
        problems.push(
          `law 1: ${rule} of friend ${friendId}: ${actual} stands, should be ${allowed.join(' or ') || 'nothing'}`,
        );
    }
  }

  for (const { id, contact_id } of referrals) {
    const contact = follow(portal.contacts, contact_id);
    if (!known.has(id) && contact && !contact.isDeleted && contact_id !== null)
      problems.push(`law 1: referral ${id} is of contact ${contact_id}, whom nobody has referred`);
  }

  const present = new Map(wonByMetadata(portal).map((deal) => [deal.id, deal]));
  const seen = new Map<string, RewardRow>();
  for (const reward of standing) {
    const deal = present.get(follow(portal.deals, reward.deal_id)?.id ?? '');
    const name = `${reward.rule_key} of ${moneyOf(reward)} for deal ${reward.deal_id} (reward ${reward.id})`;
    if (!deal) problems.push(`law 1: ${name} stands, and the deal is gone`);
    else if (deal.points.at(-1)?.meaning !== 'won') problems.push(`law 1: ${name} stands, and the deal is not won`);
    const key = `${deal?.id} ${reward.rule_key}`;
    const before = seen.get(key);
    // KNOWN GAP: of two friends who were each paid for a deal of their own, both keep it when the two deals turn out to be one.
    const isOfTwo = before && before.referral_id !== reward.referral_id && before.deal_id !== reward.deal_id;
    if (deal && before && !isOfTwo) problems.push(`law 1: ${name} stands beside reward ${before.id}`);
    seen.set(key, reward);
  }
  for (const { id, state, reversal_pending, release_at } of rewards) {
    const isOnHold = state === 'held' && release_at !== null && release_at > now;
    if (!(AT_REST.includes(state) || isOnHold) || reversal_pending === 1)
      problems.push(
        `law 8: reward ${id} has come to rest as ${state}${reversal_pending === 1 ? ', its reversal pending' : ''}`,
      );
  }
  return problems;
}

/**
 * Won again while the provider was being asked: the one order stands, with the amount of the win that it was placed for (decision 4 of
 * src/README.md). Nothing but such an order can outlive a reversal: one that was not placed yet is withdrawn, one that was carried out is
 * claimed back.
 */
function isWonAgain(
  { id, payout }: RewardRow,
  decisions: readonly DecisionRow[],
  orderedAt: ReadonlyMap<string, number>,
): boolean {
  const [before, newest] = decisions
    .filter(({ reward_id }) => reward_id === id)
    .sort((a, b) => a.recorded_at - b.recorded_at || a.sequence - b.sequence)
    .slice(-2);
  if (before?.outcome !== 'reversed' || newest?.outcome !== 'rewarded') return false;
  // What is credited is carried out by ourselves, without an order that anybody else has seen.
  return payout === 'credit' || (orderedAt.get(id) ?? Number.POSITIVE_INFINITY) < newest.recorded_at + HOUR_AND_MORE_MS;
}

/** Law 1 for deals that several friends are on, none of whom has another: one of them is paid. */
export function sharedDealsPayOnce({ portal, rewards }: Books, expected: readonly ExpectedFriend[]): string[] {
  const friends = new Map(expected.map((friend) => [friend.friendId, friend]));
  const deals = wonByMetadata(portal);
  return deals.flatMap(({ id, contactIds }) => {
    const own = contactIds.flatMap((contactId) => friends.get(contactId) ?? []);
    const others = deals.filter(
      (deal) =>
        deal.id !== id && deal.contactIds.some((contactId) => friends.has(contactId) && contactIds.includes(contactId)),
    );
    if (own.length < 2 || others.length > 0) return [];
    return [...(own[0]?.rewards ?? [])].flatMap(([rule, pays]) => {
      const mustPay = pays.some((pay) => pay?.dealId === id) && portal.deals.get(id)?.formerIds.length === 0;
      const count = rewards.filter(
        (reward) => stands(reward) && reward.rule_key === rule && reward.deal_id === id,
      ).length;
      // Whether it pays at all is certain for a rule with a fixed amount and no condition.
      return mustPay && rule === 'friend-won' && count !== 1
        ? [`law 1: ${rule} for the shared deal ${id} stands ${count} times`]
        : [];
    });
  });
}

/** Law 2: every reward names a decision, and the chains tell a story without a gap. */
export function decisionsTellTheStory({ portal, decisions, rewards, referrals }: Books): string[] {
  const problems: string[] = [];
  const rewardOf = new Map(rewards.map((reward) => [reward.id, reward]));
  const referralIds = new Set(referrals.map(({ id }) => id));
  // Of deals that became one the chains go on as one, under the id of any of them.
  const dealOf = (id: string) => follow(portal.deals, id)?.id ?? id;
  // That a debt is given up says nothing of what stands.
  const moving = decisions.filter(({ reason }) => JSON.parse(reason).code !== 'written_off');
  const chains = Map.groupBy(moving, (one) => `${one.referral_id} ${dealOf(one.deal_id)} ${one.rule_key}`);
  for (const [key, chain] of chains) {
    const isOfOneDeal = new Set(chain.map(({ deal_id }) => deal_id)).size === 1;
    let standing: string | null = null;
    let before: DecisionRow | null = null;
    const granted = new Map<string, string>();
    const left = chain.toSorted((a, b) => a.recorded_at - b.recorded_at || a.sequence - b.sequence);
    while (left.length > 0) {
      const decision = nextToTell(left, standing);
      left.splice(left.indexOf(decision), 1);
      const { outcome, reward_id, sequence } = decision;
      // From a hold into a person's hands, out of either, or on with the hold when the person has said yes.
      const from = granted.get(reward_id ?? '');
      const isRelease =
        standing === reward_id &&
        (from === 'held' || (from === 'in_review' && outcome === 'rewarded')) &&
        (!isOfOneDeal || before?.outcome === from);
      const isOdd = GRANTS.includes(outcome)
        ? (standing !== null && !isRelease) || reward_id === null
        : outcome === 'reversed' || outcome === 'adjusted'
          ? standing !== reward_id
          : isOfOneDeal && standing !== null;
      if (isOdd)
        problems.push(`law 2: decision ${sequence} of ${key} is ${outcome} for ${reward_id} while ${standing} stands`);
      if (GRANTS.includes(outcome)) {
        standing = reward_id;
        granted.set(reward_id ?? '', outcome);
      }
      if (outcome === 'reversed') standing = null;
      before = decision;
    }
    const reward = standing === null ? undefined : rewardOf.get(standing);
    if (standing !== null && (!reward || !stands(reward)))
      problems.push(`law 2: the newest decision of ${key} stands for ${standing}, which has ended`);
  }
  for (const reward of rewards) {
    const own = decisions.filter(({ reward_id }) => reward_id === reward.id);
    const granted = own.filter(({ outcome }) => GRANTS.includes(outcome));
    if (granted.length === 0) problems.push(`law 2: no decision has granted reward ${reward.id}`);
    if (granted.some(({ minor, currency }) => minor !== reward.minor || currency !== reward.currency))
      problems.push(`law 2: reward ${reward.id} has another amount than its decision`);
    if (!stands(reward) && !own.some(({ outcome }) => outcome === 'reversed'))
      problems.push(`law 2: reward ${reward.id} has ended without a decision`);
    if (!referralIds.has(reward.referral_id)) problems.push(`law 2: reward ${reward.id} belongs to no referral`);
  }
  return problems;
}

/**
 * Of two deals that became one, each may have had its own reward by then, and what was decided on both in one commit bears one time: of the
 * next decision on each, the earliest that goes on from what stands comes first.
 */
function nextToTell(left: readonly DecisionRow[], standing: string | null): DecisionRow {
  const first = left[0] as DecisionRow;
  const heads = left.filter((one, index) => left.findIndex(({ deal_id }) => deal_id === one.deal_id) === index);
  const goesOn = ({ outcome, reward_id }: DecisionRow) =>
    outcome === 'reversed' || outcome === 'adjusted'
      ? reward_id === standing
      : GRANTS.includes(outcome)
        ? standing === null || standing === reward_id
        : true;
  return heads.find(goesOn) ?? first;
}

/** A rule with a hold pays when it has ended, counted from a win of the deal. */
export function holdsAreObserved({ rewards, portal }: Books, published: readonly Published[]): string[] {
  return rewards.flatMap(({ id, rule_key, deal_id, release_at }) => {
    const days = published
      .flatMap(({ rules }) => rules.filter(({ key }) => key === rule_key.replace('+assist', '')))
      .map(({ holdDays }) => holdDays);
    const deal = portal.deals.get(deal_id);
    const moments = new Set(Object.values(deal?.history ?? {}).flatMap((revisions) => revisions.map(({ at }) => at)));
    const isRight = days.some((count) =>
      count === 0 ? release_at === null : moments.has((release_at ?? 0) - count * DAY_MS),
    );
    return isRight
      ? []
      : [
          `law 2: reward ${id} for deal ${deal_id} is released at ${release_at}, with a hold of ${days.join(' or ')} days`,
        ];
  });
}

/** Law 3: every journal sums to zero, and the books say what the rewards say. */
export function ledgerBalances({ journals, postings, rewards, decisions }: Books): string[] {
  const problems: string[] = [];
  const decisionIds = new Set(decisions.map(({ id }) => id));
  const postingsOf = Map.groupBy(postings, ({ journal_id }) => journal_id);
  const folded = new Map<string, number>();
  const add = (sums: Map<string, number>, key: string, minor: number) => sums.set(key, (sums.get(key) ?? 0) + minor);
  for (const posting of postings) add(folded, `${posting.ledger_account} ${posting.currency}`, posting.minor);
  for (const { id, kind, decision_id } of journals) {
    const sums = new Map<string, number>();
    for (const { currency, minor } of postingsOf.get(id) ?? []) add(sums, currency, minor);
    for (const [currency, sum] of sums)
      if (sum !== 0) problems.push(`law 3: journal ${id} is off by ${sum} ${currency}`);
    if ((postingsOf.get(id) ?? []).length < 2) problems.push(`law 3: journal ${id} has no two postings`);
    if (decision_id === null ? kind === 'accrue' || kind === 'release' : !decisionIds.has(decision_id))
      problems.push(`law 2: journal ${id} (${kind}) moves money without a decision`);
  }
  for (const id of postingsOf.keys())
    if (!journals.some((journal) => journal.id === id)) problems.push(`law 3: postings of ${id} without a journal`);
  const ought = new Map<string, number>();
  for (const reward of rewards) {
    const {
      beneficiary_id,
      payout,
      program_id,
      state,
      minor,
      currency,
      netted,
      clawed_back: parts,
      written_off,
    } = reward;
    // Who shares the credit of a referral is a member like all others, with one account for all that they are owed.
    const party = reward.party === 'assist' ? 'member' : reward.party;
    const put = (account: string, amount: number) => add(ought, `${account} ${currency}`, amount);
    const isCredit = payout === 'credit';
    const back = `${isCredit ? 'credit' : 'receivable'}:${party}:${beneficiary_id}`;
    const sent = minor - netted;
    if (STANDING.includes(state)) put(`expense:${program_id}`, minor - parts);
    // What was taken back and then came back is nobody's debt any more.
    const isBack = state === 'clawed_back' && cameBack(reward);
    if (isBack) put(back, -sent);
    else if (GIVEN.includes(state)) put(isCredit ? `credit:${party}:${beneficiary_id}` : `provider:${payout}`, -sent);
    else if (state === 'held' || state === 'in_review') put(`held:${party}:${beneficiary_id}`, -minor);
    else if (STANDING.includes(state)) put(`payable:${party}:${beneficiary_id}`, -sent);
    // What is owed back: what was taken back, less what was kept from later rewards.
    if (state === 'clawed_back') put(back, minor);
    else if (state !== 'voided') put(back, parts);
    if (state !== 'voided') put(`receivable:${party}:${beneficiary_id}`, -netted);
    // What somebody has given up is lost, and nobody's debt.
    put(`receivable:${party}:${beneficiary_id}`, -written_off);
    put(`expense:${program_id}`, written_off);
  }
  for (const key of new Set([...folded.keys(), ...ought.keys()]))
    if ((folded.get(key) ?? 0) !== (ought.get(key) ?? 0))
      problems.push(`law 3: ${key} is ${folded.get(key) ?? 0} in the books, ${ought.get(key) ?? 0} by the rewards`);
  return problems;
}

const BACK: readonly Whereabouts[] = ['returned', 'cancelled'];

function cameBack({ reason }: Pick<RewardRow, 'reason'>): boolean {
  return JSON.parse(reason).code === 'payout_returned';
}

/** Where the money of each order is by now stands in the books, in whatever order it was told. */
export function newsIsBooked({ rewards }: Books, { given, whereabouts }: Receiver): string[] {
  const problems: string[] = [];
  for (const [key, { rewardId }] of given) {
    const reward = rewards.find(({ id }) => id === rewardId);
    const where = whereabouts.get(key) ?? 'given';
    if (!reward) continue;
    const { state } = reward;
    const isRight = BACK.includes(where)
      ? state === 'failed' || state === 'voided' || (state === 'clawed_back' && cameBack(reward))
      : state === (where === 'used' ? 'redeemed' : 'issued') || (state === 'clawed_back' && !cameBack(reward));
    if (where === 'given' && state === 'clawed_back' && reward.cancels_issued === 1)
      problems.push(`law 4: reward ${rewardId} was taken back, and nobody has undone what was given for it`);
    if (!isRight)
      problems.push(
        `law 4: what was given for reward ${rewardId} is ${where}, and the reward is ${state}${cameBack(reward) ? ', returned' : ''}`,
      );
  }
  return problems;
}

/** Money that left: each reward under one key and once, for a reward that says so. */
export function receiverAgrees(books: readonly Books[], receiver: Receiver): string[] {
  const problems: string[] = receiver.problems.map((problem) => `law 2: ${problem}`);
  const keysOf = Map.groupBy(receiver.given.keys(), (key) => receiver.given.get(key)?.rewardId ?? '');
  const known = new Map(
    books.flatMap(({ accountId, rewards }) => rewards.map((reward) => [reward.id, { accountId, reward }] as const)),
  );
  for (const { reward } of known.values()) {
    const count = keysOf.get(reward.id)?.length ?? 0;
    const isSent = reward.payout === 'webhook' && reward.minor > reward.netted;
    const isBack = (keysOf.get(reward.id) ?? []).some((key) => BACK.includes(receiver.whereabouts.get(key) ?? 'given'));
    const wanted = isBack || (isSent && GIVEN.includes(reward.state)) ? 1 : 0;
    if (count !== wanted)
      problems.push(`law 2: reward ${reward.id} (${reward.payout}, ${reward.state}) was given ${count} times`);
  }
  for (const order of receiver.given.values()) {
    const about = known.get(order.rewardId);
    if (!about) problems.push(`law 2: reward ${order.rewardId} was given, and nobody knows it`);
    // Nodes' clocks are wrong by an hour at most.
    else if (about.reward.release_at !== null && order.at < about.reward.release_at - HOUR_AND_MORE_MS)
      problems.push(`law 2: reward ${order.rewardId} was given before its hold had ended`);
    else if (
      order.money.minor !== BigInt(about.reward.minor - about.reward.netted) ||
      order.money.currency !== about.reward.currency ||
      order.accountId !== about.accountId
    )
      problems.push(
        `law 2: ${order.money.minor} ${order.money.currency} of ${order.accountId} was given for reward ${order.rewardId} of ${moneyOf(about.reward)}`,
      );
  }
  return problems;
}

/** Law 5: the CRM shows what the books say. */
export function mirrorIsEqual(books: Books): string[] {
  const { portal, members, referrals } = books;
  return [
    ...[...portal.contacts.values()].filter(isThere).flatMap((contact) =>
      contactShows(
        books,
        contact,
        members.find(({ contact_id }) => contact_id === contact.id),
        referrals.filter(({ contact_id }) => contact_id === contact.id),
      ),
    ),
    ...dealsShow(books),
  ];
}

function isThere(record: SimContact | SimDeal): boolean {
  return !record.isDeleted && record.mergedInto === null;
}

function shows(
  record: SimContact | SimDeal,
  what: string,
  ought: Readonly<Record<string, string | number | null>>,
): string[] {
  const shown = (record.mirror ?? {}) as unknown as Record<string, string | number | null>;
  return Object.entries(ought).flatMap(([field, value]) =>
    (shown[field] ?? null) === value
      ? []
      : [`law 5: ${what} ${record.id} shows ${field} "${shown[field] ?? ''}", should be "${value ?? ''}"`],
  );
}

/** What a contact shows that is this member, or this friend. */
export function contactShows(
  { referrals, rewards }: Books,
  contact: SimContact,
  member: MemberRow | undefined,
  asFriend: readonly ReferralRow[],
): string[] {
  if (!member && asFriend.length === 0) return [];
  const made = member ? referrals.filter(({ member_id }) => member_id === member.id) : [];
  const own = new Set([...(member ? [member.id] : []), ...asFriend.map(({ id }) => id)]);
  const mine = rewards.filter(({ beneficiary_id }) => own.has(beneficiary_id));
  return shows(contact, 'contact', {
    memberId: member?.id ?? null,
    code: member?.code ?? null,
    referrals: member ? made.length : null,
    wonReferrals: member ? made.filter(({ stage }) => stage === 'won').length : null,
    rewardsHeld: sumText(mine, ['held', 'in_review']),
    rewardsApproved: sumText(mine, ['approved', 'issuing', 'failed']),
    rewardsIssued: sumText(mine, ['issued', 'redeemed']),
    rewardsReversed: sumText(
      [
        ...mine,
        // What was taken back of one that stands for the rest.
        ...mine
          .filter(({ state }) => STANDING.includes(state))
          .map((one) => ({ ...one, state: 'voided', minor: one.clawed_back, clawed_back: 0 })),
      ].filter(({ minor }) => minor > 0),
      ['voided', 'clawed_back', 'expired'],
    ),
  });
}

/** Law 5 for deals. */
export function dealsShow({ portal, referrals, rewards, decisions }: Books): string[] {
  const problems: string[] = [];
  for (const deal of [...portal.deals.values()].filter(isThere)) {
    const ids = [deal.id, ...deal.formerIds];
    const own = decisions.filter(({ deal_id }) => ids.includes(deal_id));
    if (own.length === 0) continue;
    // Of two friends on one deal each may hold the reward of another rule: either is shown.
    const holders = rewards
      .filter((reward) => ids.includes(reward.deal_id) && STANDING.includes(reward.state))
      .map(({ referral_id }) => referral_id);
    const shownId = (deal.mirror as { referralId?: string | null } | null)?.referralId ?? '';
    if (!(holders.length > 0 ? holders : own.map(({ referral_id }) => referral_id)).includes(shownId)) {
      problems.push(
        `law 5: deal ${deal.id} shows referral "${shownId}", should be "${holders.join(' or ') || 'one that decided'}"`,
      );
      continue;
    }
    // Of two deals in one, which of the two chains is shown is a question of words.
    if (deal.formerIds.length > 0) continue;
    const parts = [
      ...Map.groupBy(
        own.filter(({ referral_id }) => referral_id === shownId),
        ({ rule_key }) => rule_key,
      ).values(),
    ].map((chain) => {
      const newest = chain.toSorted((a, b) => b.sequence - a.sequence)[0] as DecisionRow;
      const reward = rewards.find(({ id }) => id === newest.reward_id);
      return `${newest.party}: ${wordOf(reward?.state ?? newest.outcome)}`;
    });
    const shown = String((deal.mirror as { rewardState?: string | null } | null)?.rewardState ?? '')
      .split(', ')
      .sort()
      .join(', ');
    if (shown !== parts.sort().join(', '))
      problems.push(`law 5: deal ${deal.id} shows "${shown}", should be "${parts.join(', ')}"`);
    problems.push(...shows(deal, 'deal', { stage: referrals.find(({ id }) => id === shownId)?.stage ?? null }));
  }
  return problems;
}

function wordOf(state: string): string {
  return ({ clawed_back: 'taken back', in_review: 'in review' } as Record<string, string>)[state] ?? state;
}

function sumText(rewards: readonly RewardRow[], states: readonly string[]): string | null {
  const sums = new Map<string, number>();
  for (const { state, currency, minor, clawed_back } of rewards)
    if (states.includes(state))
      sums.set(currency, (sums.get(currency) ?? 0) + minor - (STANDING.includes(state) ? clawed_back : 0));
  const textOf = (minor: number, currency: string) =>
    currency === 'JPY'
      ? String(minor)
      : `${minor < 0 ? '-' : ''}${Math.trunc(Math.abs(minor) / 100)}.${String(Math.abs(minor) % 100).padStart(2, '0')}`;
  const texts = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, minor]) => `${textOf(minor, currency)} ${currency}`);
  return texts.length === 0 ? null : texts.join(', ');
}

/** Whoever was late for the end of a test leaves a row with it that nobody looks at: its connection ended first. */
const OVER = `select account_id from connections where test_of is not null and status <> 'connected'`;

/** Laws 4 and 8: what was acknowledged is kept, and nothing is left undone. */
export function nothingIsLost(db: Database.Database, acknowledged: ReadonlySet<string>, now: number): string[] {
  const kept = new Set(
    (db.prepare('select event_key from inbox').all() as { event_key: string }[]).map(({ event_key }) => event_key),
  );
  const problems = [...acknowledged]
    .filter((key) => !kept.has(key))
    .map((key) => `law 4: event ${key} was acknowledged and is not kept`);
  for (const table of ['work', 'intents', 'mirror']) {
    const rows = db
      .prepare(
        `select * from ${table} where (parked = 1 or claim is not null or (due_at is not null and due_at <= ?))
           and account_id not in (${OVER})`,
      )
      .all(now) as Array<{ record_id?: string; id?: string; parked: number; error: string | null }>;
    for (const row of rows)
      problems.push(
        `law 8: ${table} ${row.record_id ?? row.id} is left ${row.parked === 1 ? 'parked' : 'undone'}: ${row.error ?? ''}`,
      );
  }
  // That of a test ends with it.
  const ended = db
    .prepare(`select id, status_reason from connections where status <> 'connected' and test_of is null`)
    .all() as Array<{
    id: string;
    status_reason: string;
  }>;
  for (const { id, status_reason } of ended) problems.push(`law 8: connection ${id} is lost: ${status_reason}`);
  return problems;
}

/** A reward for referring is that of the member whose the referral is by now, whoever it was when it was granted. */
export function rewardsAreTheReferrers({ rewards, referrals }: Books): string[] {
  const memberOf = new Map(referrals.map(({ id, member_id }) => [id, member_id]));
  return rewards
    .filter((reward) => stands(reward) && reward.party === 'member')
    .filter(({ referral_id, beneficiary_id }) => memberOf.get(referral_id) !== beneficiary_id)
    .map(
      ({ id, referral_id, beneficiary_id }) =>
        `law 1: reward ${id} stands for member ${beneficiary_id}, and referral ${referral_id} is ${memberOf.get(referral_id)}'s`,
    );
}

/** Law 7: nothing of the other account, though its records bear the same ids. */
export function onlyItsOwn(
  { accountId, referrals, rewards, members }: Books,
  connectionIds: readonly string[],
  db: Database.Database,
): string[] {
  const foreign = [...referrals, ...rewards, ...members].filter(
    (row) => row.connection_id !== null && !connectionIds.includes(row.connection_id),
  );
  const problems = foreign.map(({ id }) => `law 7: ${id} of ${accountId} names a record of another connection`);
  for (const table of ['inbox', 'work', 'mirror', 'records', 'record_links', 'wakes', 'decisions']) {
    const { count } = db
      .prepare(
        `select count(*) as count from ${table} where account_id = ? and connection_id not in (select value from json_each(?))`,
      )
      .get(accountId, JSON.stringify(connectionIds)) as { count: number };
    if (count > 0) problems.push(`law 7: ${table} has ${count} rows of ${accountId} with another's connection`);
  }
  return problems;
}
