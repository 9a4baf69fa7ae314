import { attribute, byAge, enrol, memberOfContact, referralsOfFriend } from './attribution.ts';
import { createChains } from './chains.ts';
import { concernedElsewhere, copyReason, dealsElsewhere } from './copies.ts';
import { STANDING_STATES } from './decision.ts';
import { elsewhereOf, friendIdsIn, recognise } from './identity.ts';
import { advance } from './lifecycle.ts';
import { createDraft, type Draft, type Plan, type State } from './plan.ts';
import { appliesIn } from './program-choice.ts';
import { type ContactFacts, type DealFacts, type RecordRef, recordKey } from './record.ts';
import type { Referral } from './referral.ts';
import { moveTier, restOnScore, tiersOf } from './tier.ts';
import { addDays, type Instant } from './time.ts';
import { type DealAt, dealsAt, momentsOf } from './timeline.ts';
import { wonDealsOf } from './won-deals.ts';

/** A friend as the CRM shows them now, with all of their deals. */
export interface FriendFacts {
  readonly contact: ContactFacts;
  /** Every deal associated with the friend, and every deal that a decision was ever made on, deleted ones included. */
  readonly deals: readonly DealFacts[];
}

export interface DecideInput {
  readonly friends: readonly FriendFacts[];
  /** Contacts by id: those that friends name as their referrers, and those of members. */
  readonly contacts: ReadonlyMap<string, ContactFacts>;
  readonly state: State;
  readonly now: Instant;
}

/**
 * The business, top to bottom: whose friend is this, where does the referral stand, and what does each rule make of each deal.
 *
 * It is level-triggered. What it is told is the present and the history that the CRM keeps, never an event, so hints that come
 * twice, late, in another order or not at all lead to the same plan once the records have been read.
 */
export function decide({ friends, contacts, state, now }: DecideInput): Plan {
  const draft = createDraft(state);
  // Of friends who are new together the one who comes first is decided on first, in whatever order they were found.
  const open = friends.map(withoutMergedAway).sort((a, b) => byAge(a.contact.ref.id, b.contact.ref.id));
  for (const friend of open) decideOn(draft, state, friend, contacts, now);
  // A deal that one friend has lost may be another's on it, who was judged before it was free.
  const isFreed = ({ decisions, referrals }: Plan) =>
    decisions.some(({ outcome }) => outcome === 'reversed') || referrals.some(({ wonDeals }) => wonDeals);
  if (open.length > 1 && isFreed(draft.plan()))
    for (const friend of open) decideOn(draft, state, friend, contacts, now);
  lookAtEngagement(draft, state, now);
  if (state.elsewhere) lookAtTied(draft, state, now);
  return draft.plan();
}

/** What members do is counted where it is kept: they are looked at as soon as it is written. */
function lookAtEngagement(draft: Draft, state: State, now: Instant): void {
  const { referrals, touches } = draft.plan();
  for (const programId of new Set(state.programs.map((program) => program.programId))) {
    const by = tiersOf(state.programs, programId)?.tiers.by;
    if (by?.kind !== 'engagement') continue;
    const active = by.counts === 'touches' ? touches : referrals.filter(({ version }) => version === 1);
    for (const { memberId } of active) draft.lookAtTier({ memberId, programId, lookedAt: now, at: now });
  }
}

function decideOn(
  draft: Draft,
  state: State,
  friend: FriendFacts,
  contacts: DecideInput['contacts'],
  now: Instant,
): void {
  if (friend.contact.presence === 'deleted') {
    recognise(draft, state, friend.contact, now);
    for (const referral of [...referralsOfFriend(draft, friend.contact), ...onceOfFriend(draft, friend.contact)])
      followUp(draft, state, referral, friend, contacts, now);
    return;
  }
  recognise(draft, state, friend.contact, now);
  refreshMember(draft, state, friend.contact, now);
  markJoined(draft, friend.contact);
  const referral = attribute(draft, state, friend.contact, contacts, now, firstWonAt(state, friend, now));
  const once = onceOfFriend(draft, friend.contact);
  if (!referral) {
    for (const other of once) followUp(draft, state, other, friend, contacts, now);
    return;
  }
  const present = withElsewhere(draft, state, referral, presentDeals(draft, state, referral, friend, now), friend, now);
  const standing = countTowardsTier(draft, state, advance(draft, referral, present, now), present, now);
  settle(draft, state, standing, friend, contacts, true, now);
  markMerged(draft, standing, friend);
  const joined = referralsOfFriend(draft, friend.contact).filter(({ id }) => id !== referral.id);
  for (const other of [...joined, ...once]) followUp(draft, state, other, friend, contacts, now);
}

/** None where the referral's program does not apply. */
function presentDeals(draft: Draft, state: State, referral: Referral, friend: FriendFacts, now: Instant): DealAt[] {
  if (!appliesIn(state.choices, friend.contact.ref.connectionId, referral)) return [];
  return dealsAt(
    ownDeals(friend, othersOf(draft, state, referral, friend)),
    state.mapping,
    presentOf(friend.deals, now),
  );
}

/**
 * Contacts of another CRM that were entered twice with one address are tied to one referral both: a deal that the one is not on is the
 * other's, and has left nobody.
 */
function othersOf(draft: Draft, { elsewhere }: State, referral: Referral, { contact }: FriendFacts): readonly string[] {
  return elsewhere ? friendIdsIn(draft, referral, contact.ref.connectionId) : [];
}

/** Referrals that the contact was tied to and is no more: what was decided on its deals for them still runs. */
function onceOfFriend(draft: Draft, contact: ContactFacts): Referral[] {
  return draft.identity.onceOf(contact).flatMap((id) => draft.referral(id) ?? []);
}

/** With the friend's deals in other connections; a deal that is seen in several counts once, where it is decided. */
function withElsewhere(
  draft: Draft,
  state: State,
  referral: Referral,
  present: readonly DealAt[],
  friend: FriendFacts,
  now: Instant,
): readonly DealAt[] {
  if (!state.elsewhere) return present;
  return [
    ...present.filter(({ deal }) => copyReason(draft, state, referral.id, deal, friend.deals) === undefined),
    ...dealsElsewhere(draft, state, referral, friend.deals, now),
  ];
}

/** Of a friend who was found to be two, each referral has the deals that were decided on for it. */
function decidedFor(draft: Draft, { id }: Referral, present: readonly DealAt[]): DealAt[] {
  const decided = new Set(draft.decisionsOf(id).map(({ deal }) => recordKey(deal)));
  return present.filter(({ deal: { ref, formerIds } }) =>
    [ref.id, ...formerIds].some((one) => decided.has(recordKey({ ...ref, id: one }))),
  );
}

/** Contacts that are tied to somebody whose address has changed may not be theirs any more, and others may have become so. */
function lookAtTied(draft: Draft, state: State, now: Instant): void {
  const emailBefore = new Map([
    ...state.members.map(({ id, email }) => [id, email] as const),
    ...state.referrals.map(({ id, friend }) => [id, friend.email] as const),
  ]);
  const { members, referrals } = draft.plan();
  const changed = [
    ...members.map(({ id, email }) => ({ id, email })),
    ...referrals.map(({ id, friend }) => ({ id, email: friend.email })),
  ].filter(({ id, email }) => emailBefore.has(id) && emailBefore.get(id) !== email);
  for (const { id } of changed) for (const record of draft.identity.contactsOf(id)) draft.wake({ record, at: now });
}

/** Since when the friend is a customer: of the deals that are won now. */
function firstWonAt(state: State, friend: FriendFacts, now: Instant): Instant | null {
  const won = dealsAt(ownDeals(friend), state.mapping, presentOf(friend.deals, now)).flatMap(
    ({ since }) => since.won ?? [],
  );
  return won.length === 0 ? null : Math.min(...won);
}

/** Of two deals that became one between two readings, the first reading still shows both: what the other says of it is newer. */
function withoutMergedAway(friend: FriendFacts): FriendFacts {
  const mergedAway = new Set(friend.deals.flatMap(({ formerIds }) => formerIds));
  return { ...friend, deals: friend.deals.filter(({ ref }) => !mergedAway.has(ref.id)) };
}

/**
 * A friend whose contact is gone, or has become one with another friend, wins nothing new and loses nothing by that. The deals that were
 * decided on still run: a hold ends, and a deal that is lost or deleted takes its rewards back.
 */
function followUp(
  draft: Draft,
  state: State,
  referral: Referral,
  friend: FriendFacts,
  contacts: DecideInput['contacts'],
  now: Instant,
): void {
  if (friend.deals.length === 0) return;
  const own = presentDeals(draft, state, referral, friend, now);
  const present = state.elsewhere
    ? withElsewhere(draft, state, referral, decidedFor(draft, referral, own), friend, now)
    : own;
  const advanced = present.length > 0 ? advance(draft, referral, present, now) : referral;
  settle(draft, state, countTowardsTier(draft, state, advanced, present, now), friend, contacts, false, now);
}

/** What the referral counts towards its member's tier, and the tier that follows from it; nothing where no program has tiers. */
function countTowardsTier(
  draft: Draft,
  state: State,
  referral: Referral,
  present: readonly DealAt[],
  now: Instant,
): Referral {
  if (!state.programs.some(({ tiers }) => tiers)) return referral;
  const wonDeals = wonDealsOf(draft, referral, present);
  if (wonDeals.length === 0 && referral.wonDeals === undefined) return referral;
  const counted = draft.putReferral({ ...referral, wonDeals });
  const { memberId, programId } = referral;
  const version = tiersOf(state.programs, programId);
  if (counted === referral || !version || state.tiersThen) return counted;
  restOnScore(draft, memberId, version.tiers);
  moveTier(draft, state, { memberId, programId, now });
  return counted;
}

/** The rewards of a referral that stands where it should; `isOpen` when it may win new ones. What is news is claimed and shown. */
function settle(
  draft: Draft,
  state: State,
  referral: Referral,
  friend: FriendFacts,
  contacts: DecideInput['contacts'],
  isOpen: boolean,
  now: Instant,
): void {
  const decided = draft.decisionsOf(referral.id).length;
  decideRewards(draft, state, referral, friend, contacts, isOpen, now);
  const isNews = draft.decisionsOf(referral.id).length > decided;
  if (isNews) draft.claimReferral(referral.id);
  if (draft.changed()) markMirrors(draft, referral, friend);
  if (state.elsewhere) tellElsewhere(draft, state, referral, friend, isNews, now);
}

/** What was decided here may change what is to be decided in other connections, and who came here what is known there. */
function tellElsewhere(
  draft: Draft,
  state: State,
  referral: Referral,
  { contact, deals }: FriendFacts,
  isNews: boolean,
  now: Instant,
): void {
  const before = state.referrals.find(({ id }) => id === referral.id);
  if (before === undefined && state.elsewhere) {
    const own = elsewhereOf(state.accountId, state.elsewhere.policy, contact);
    for (const { ref, sharedKey, phoneKey } of state.elsewhere.contacts)
      if ((sharedKey ?? phoneKey) !== null && (sharedKey === own.sharedKey || phoneKey === own.phoneKey))
        draft.wake({ record: ref, at: now });
  }
  if (!isNews && before?.stage === referral.stage) return;
  for (const { ref, presence } of concernedElsewhere(draft, state, referral, deals))
    if (presence === 'present') {
      draft.wake({ record: ref, at: now });
      // It may have nothing to decide there, and shows how far the referral is.
      draft.markMirror(ref);
    }
}

/** A contact who refers others is kept in step too: name, e-mail address, and the id after a merge. */
function refreshMember(draft: Draft, state: State, contact: ContactFacts, now: Instant): void {
  const before = memberOfContact(draft, contact);
  if (before && enrol(draft, state, contact, now) !== before) draft.markMirror(contact.ref);
}

/** The CRM's clock may run ahead of ours: what it has recorded is past, whatever our clock says. */
function presentOf(deals: readonly DealFacts[], now: Instant): Instant {
  return Math.max(now, ...momentsOf(deals));
}

/**
 * The deals that are the friend's now; one that only past decisions know is not among them. With a contact the CRM deletes what tied
 * it to its deals, so for one that is gone they are the deals that were decided on.
 */
function ownDeals({ contact, deals }: FriendFacts, others: readonly string[] = []): DealFacts[] {
  const ids = [contact.ref.id, ...others];
  return deals.filter(
    (deal) =>
      deal.presence === 'present' && (contact.presence === 'deleted' || deal.contactIds.some((id) => ids.includes(id))),
  );
}

function markMirrors(draft: Draft, referral: Referral, friend: FriendFacts): void {
  if (friend.contact.presence === 'present') draft.markMirror(friend.contact.ref);
  draft.markMirror(draft.member(referral.memberId)?.contact ?? null);
  if (referral.assist) draft.markMirror(draft.member(referral.assist.memberId)?.contact ?? null);
  // The record at home, and those that are tied to the two: they show the referral too.
  if (referral.friend.contact?.connectionId !== friend.contact.ref.connectionId)
    draft.markMirror(referral.friend.contact);
  for (const subject of [referral.id, referral.memberId, ...(referral.assist ? [referral.assist.memberId] : [])])
    for (const record of draft.identity.contactsOf(subject)) draft.markMirror(record);
  for (const deal of friend.deals) if (deal.presence === 'present') draft.markMirror(deal.ref);
}

/** Those whose contact was merged into this one are shown by it: their own is gone. */
function markJoined(draft: Draft, { ref, formerIds }: ContactFacts): void {
  if (formerIds.length === 0) return;
  const isFormer = (contact: RecordRef | null) =>
    contact?.connectionId === ref.connectionId && formerIds.includes(contact.id);
  const isShown =
    draft.members().some(({ contact }) => isFormer(contact)) ||
    draft.referrals().some(({ friend }) => isFormer(friend.contact));
  if (isShown) draft.markMirror(ref);
}

/** A merge makes a record of its own and fills its fields from both: what was decided before is written to it, news or not. */
function markMerged(draft: Draft, referral: Referral, { deals }: FriendFacts): void {
  const decidedOn = new Set(draft.decisionsOf(referral.id).map(({ deal }) => deal.id));
  for (const { ref, presence, formerIds } of deals)
    if (presence === 'present' && formerIds.some((id) => decidedOn.has(id))) draft.markMirror(ref);
}

/**
 * Goes through the history of all the friend's deals together, moment by moment, from the last thing decided on to the present.
 * A deal that was won and re-opened between two reads is therefore seen as if it had been read after every change.
 */
function decideRewards(
  draft: Draft,
  state: State,
  referral: Referral,
  friend: FriendFacts,
  contacts: DecideInput['contacts'],
  isOpen: boolean,
  now: Instant,
): void {
  const deals = ownDeals(friend, othersOf(draft, state, referral, friend));
  const mayWin =
    isOpen && referral.stage !== 'declined' && appliesIn(state.choices, friend.contact.ref.connectionId, referral);
  const chains = createChains({ draft, state, referral, friend, contacts, now });
  const decidedUpTo = Math.max(
    Number.NEGATIVE_INFINITY,
    ...draft
      .decisionsOf(referral.id)
      .filter(({ deal }) => deal.connectionId === friend.contact.ref.connectionId)
      .map(({ effectiveAt }) => effectiveAt),
  );
  const moments = momentsOf(deals).filter((at) => at > decidedUpTo);
  if (referral.stage !== 'declined') {
    for (const at of moments) {
      const then = dealsAt(deals, state.mapping, at);
      chains.releaseHolds((releaseAt) => releaseAt < at);
      chains.takeBack(then, at);
      chains.releaseHolds((releaseAt) => releaseAt <= at);
      chains.followAmounts(then, mayWin);
      if (mayWin) chains.judgeReached(then, at);
      chains.meetHolds(then, at);
    }
  }
  // The present once more, for what has no history in the CRM: associations, merges, deletions, late attributions.
  const present = dealsAt(deals, state.mapping, presentOf(deals, now));
  chains.takeBackWhatIsGone(present);
  chains.releaseHolds((releaseAt) => releaseAt <= now);
  chains.followAmounts(present, mayWin);
  if (mayWin) chains.judgeReached(present, null);
  chains.meetHolds(present, null);
  // What was met a while ago may be over by now.
  chains.releaseHolds((releaseAt) => releaseAt <= now);
  lookAgain(draft, referral, present, now);
}

/** A deal that matters is looked at after a day, and then each time it is twice as old, for the better part of a year. */
const LOOKS_MAX = 9;

/**
 * A deletion is the one change that no search of the CRM ever shows: when its webhook is lost, only looking at the deal finds it. The
 * moments lie fixed behind the reward, or behind the creation of a deal that is open, so however often a deal is processed there is one next
 * look and not one more each time.
 */
function lookAgain(draft: Draft, referral: Referral, present: readonly DealAt[], now: Instant): void {
  const look = (deal: RecordRef, since: Instant) => {
    for (let times = 0; times < LOOKS_MAX; times += 1) {
      const at = addDays(since, 2 ** times);
      if (at <= now) continue;
      draft.wake({ record: deal, at });
      break;
    }
  };
  for (const { referralId, state, deal, createdAt } of draft.rewards())
    if (referralId === referral.id && state !== 'held' && STANDING_STATES.includes(state)) look(deal, createdAt);
  for (const { deal, stage } of present)
    if (stage === 'opportunity') look(deal.ref, deal.history[0]?.at ?? referral.submittedAt);
}
