import { attribute, byAge, enrol, memberOfContact, referralsOfFriend } from './attribution.ts';
import { type Decision, type Outcome, type Reward, STANDING_STATES } from './decision.ts';
import { judge, type Verdict } from './eligibility.ts';
import { derivedId } from './ids.ts';
import { advance } from './lifecycle.ts';
import type { Money } from './money.ts';
import { createDraft, type Draft, type Plan, type State } from './plan.ts';
import { type ProgramVersion, type RewardRule, versionAt } from './program.ts';
import { type Reason, reason, reasonText } from './reason.ts';
import type { ContactFacts, DealFacts, RecordRef } from './record.ts';
import type { Referral } from './referral.ts';
import { grant, release, reverse } from './reward.ts';
import { addDays, dayOf, type Instant } from './time.ts';
import { type DealAt, dealsAt, momentsOf } from './timeline.ts';

/** A friend as the CRM shows them now, with all of their deals. */
export interface FriendFacts {
  readonly contact: ContactFacts;
  /** Every deal associated with the friend, and every deal that a decision was ever made on, deleted ones included. */
  readonly deals: readonly DealFacts[];
}

export interface DecideInput {
  readonly friends: readonly FriendFacts[];
  /** Contacts by id: those that friends name as their referrers. */
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
  for (const friend of friends.map(withoutMergedAway)) {
    if (friend.contact.presence === 'deleted') {
      for (const referral of referralsOfFriend(draft, friend.contact)) followUp(draft, state, referral, friend, now);
      continue;
    }
    refreshMember(draft, state, friend.contact, now);
    const referral = attribute(draft, state, friend.contact, contacts, now);
    if (!referral) continue;
    const present = dealsAt(ownDeals(friend), state.mapping, presentOf(friend.deals, now));
    const standing = advance(draft, referral, present, now);
    settle(draft, state, standing, friend, true, now);
    markReturned(draft, standing, friend);
    const joined = referralsOfFriend(draft, friend.contact).filter(({ id }) => id !== referral.id);
    for (const other of joined) followUp(draft, state, other, friend, now);
  }
  return draft.plan();
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
function followUp(draft: Draft, state: State, referral: Referral, friend: FriendFacts, now: Instant): void {
  if (friend.deals.length === 0) return;
  const present = dealsAt(ownDeals(friend), state.mapping, presentOf(friend.deals, now));
  const standing = present.length > 0 ? advance(draft, referral, present, now) : referral;
  settle(draft, state, standing, friend, false, now);
}

/** The rewards of a referral that stands where it should; `isOpen` when it may win new ones. What is news is claimed and shown. */
function settle(
  draft: Draft,
  state: State,
  referral: Referral,
  friend: FriendFacts,
  isOpen: boolean,
  now: Instant,
): void {
  const decided = draft.decisionsOf(referral.id).length;
  decideRewards(draft, state, referral, friend, isOpen, now);
  if (draft.decisionsOf(referral.id).length > decided) draft.claimReferral(referral.id);
  if (draft.changed()) markMirrors(draft, referral, friend);
}

/** A contact who refers others is kept in step too: name, e-mail address, and the id after a merge. */
function refreshMember(draft: Draft, state: State, contact: ContactFacts, now: Instant): void {
  const before = memberOfContact(draft, contact);
  if (before && enrol(draft, state, contact, now) !== before) draft.markMirror(contact.ref);
}

/** The CRM's clock may run ahead of ours: what it has recorded is past, whatever our clock says. */
function presentOf(deals: readonly DealFacts[], now: Instant): Instant {
  return Math.max(now, ...deals.flatMap(({ history }) => history.map(({ at }) => at)));
}

/**
 * The deals that are the friend's now; one that only past decisions know is not among them. With a contact the CRM deletes what tied
 * it to its deals, so for one that is gone they are the deals that were decided on.
 */
function ownDeals({ contact, deals }: FriendFacts): DealFacts[] {
  return deals.filter(
    (deal) =>
      deal.presence === 'present' && (contact.presence === 'deleted' || deal.contactIds.includes(contact.ref.id)),
  );
}

function markMirrors(draft: Draft, referral: Referral, friend: FriendFacts): void {
  if (friend.contact.presence === 'present') draft.markMirror(friend.contact.ref);
  draft.markMirror(draft.member(referral.memberId)?.contact ?? null);
  for (const deal of friend.deals) if (deal.presence === 'present') draft.markMirror(deal.ref);
}

/**
 * A merge makes a record of its own and fills its fields from both, and a deal that is restored shows what it showed when it was deleted: what
 * was decided before is written to it, news or not.
 */
function markReturned(draft: Draft, referral: Referral, { deals }: FriendFacts): void {
  const decisions = draft.decisionsOf(referral.id);
  const decidedOn = new Set(decisions.map(({ deal }) => deal.id));
  const wereDeleted = new Set(decisions.flatMap(({ deal, reason }) => (reason.code === 'deal_deleted' ? deal.id : [])));
  for (const { ref, presence, formerIds } of deals) {
    if (presence !== 'present') continue;
    if (wereDeleted.has(ref.id) || formerIds.some((id) => decidedOn.has(id))) draft.markMirror(ref);
  }
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
  isOpen: boolean,
  now: Instant,
): void {
  const deals = ownDeals(friend);
  const mayWin = isOpen && referral.stage !== 'declined';
  const chains = createChains(draft, state, referral, friend, now);
  const decidedUpTo = Math.max(
    Number.NEGATIVE_INFINITY,
    ...draft.decisionsOf(referral.id).map(({ effectiveAt }) => effectiveAt),
  );
  const moments = momentsOf(deals).filter((at) => at > decidedUpTo);
  if (referral.stage !== 'declined') {
    for (const at of moments) {
      const then = dealsAt(deals, state.mapping, at);
      chains.releaseHolds((releaseAt) => releaseAt < at);
      chains.takeBack(then, at);
      chains.releaseHolds((releaseAt) => releaseAt <= at);
      if (mayWin) chains.judgeWins(then, at);
    }
  }
  // The present once more, for what has no history in the CRM: associations, merges, deletions, late attributions.
  const present = dealsAt(deals, state.mapping, presentOf(deals, now));
  chains.takeBackWhatIsGone(present);
  chains.releaseHolds((releaseAt) => releaseAt <= now);
  if (mayWin) chains.judgeWins(present, null);
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

/** A stage that the mapping does not know is no reason to take anything back. */
function hasLeftWon({ stage, wonSince }: DealAt): boolean {
  return stage !== null && wonSince === null;
}

/** A rule looks at the other deals only for whether one is rewarded, so two passes settle it; far more is a mistake of ours. */
const PASSES_MAX = 100;

/** One rule's decisions on one deal of the referral, newest last. */
interface Chain {
  readonly dealIds: readonly string[];
  readonly ruleKey: string;
  readonly decisions: readonly Decision[];
}

/** The rewards of one referral while its history is gone through. */
function createChains(draft: Draft, state: State, referral: Referral, friend: FriendFacts, now: Instant) {
  const last = (chain: Chain) => chain.decisions.at(-1);

  function chains(): Chain[] {
    const byKey = new Map<string, { dealIds: string[]; ruleKey: string; decisions: Decision[] }>();
    for (const decision of draft.decisionsOf(referral.id)) {
      const dealIds = idsOf(decision.deal);
      const key = `${dealIds[0]} ${decision.ruleKey}`;
      const chain = byKey.get(key) ?? { dealIds, ruleKey: decision.ruleKey, decisions: [] };
      chain.decisions.push(decision);
      byKey.set(key, chain);
    }
    for (const chain of byKey.values()) {
      chain.decisions.sort((a, b) => a.recordedAt - b.recordedAt || a.sequence - b.sequence);
    }
    return [...byKey.values()];
  }

  /** A deal's present id first, then the ids that were merged into it. */
  function idsOf(deal: RecordRef): string[] {
    const current = friend.deals.find(({ ref, formerIds }) => ref.id === deal.id || formerIds.includes(deal.id));
    return current ? [current.ref.id, ...current.formerIds] : [deal.id];
  }

  function chainOf(deal: DealFacts, rule: RewardRule): Chain {
    const existing = chains().find(({ dealIds, ruleKey }) => ruleKey === rule.key && dealIds.includes(deal.ref.id));
    return existing ?? { dealIds: [deal.ref.id, ...deal.formerIds], ruleKey: rule.key, decisions: [] };
  }

  function newestReward(chain: Chain): Reward | undefined {
    const rewardId = chain.decisions.findLast((decision) => decision.rewardId !== null)?.rewardId;
    return rewardId == null ? undefined : draft.reward(rewardId);
  }

  /**
   * The reward of a chain that has not ended and is not to end. Of one deal it is its newest; of two that became one the newest decision
   * may be the end of the one's reward, made together with the other's.
   */
  function standingReward(chain: Chain): Reward | undefined {
    const rewards = chain.decisions.map(({ rewardId }) => (rewardId === null ? undefined : draft.reward(rewardId)));
    return rewards.findLast((one) => one && STANDING_STATES.includes(one.state) && !one.reversalPending);
  }

  function record(
    chain: Chain,
    basis: Pick<Decision, 'deal' | 'party' | 'program'>,
    made: Pick<Decision, 'outcome' | 'reason' | 'conditions' | 'money' | 'releaseAt' | 'effectiveAt'> & {
      rewardId?: string;
    },
  ): Decision {
    const sequence = 1 + Math.max(0, ...chain.decisions.map((decision) => decision.sequence));
    const decision: Decision = {
      rewardId: null,
      ...basis,
      ...made,
      id: derivedId('dec', state.accountId, referral.id, basis.deal.id, chain.ruleKey, sequence),
      referralId: referral.id,
      ruleKey: chain.ruleKey,
      sequence,
      mappingVersion: state.mapping.version,
      // Never before the one it follows: nodes' clocks differ, and the newest decision has to stay the last of its chain.
      recordedAt: Math.max(now, ...chain.decisions.map((earlier) => earlier.recordedAt)),
    };
    draft.addDecision(decision);
    return decision;
  }

  /** Ends a chain's reward, or its wait, for a reason that lies in the deal. */
  function close(chain: Chain, why: Reason, effectiveAt: Instant): void {
    const before = last(chain);
    const reward = standingReward(chain);
    if (!before) return;
    const outcome: Outcome | null = reward ? 'reversed' : before.outcome === 'waiting' ? 'skipped' : null;
    if (!outcome) return;
    const decision = record(chain, before, {
      outcome,
      reason: why,
      conditions: [],
      money: reward?.money ?? null,
      releaseAt: null,
      effectiveAt,
      ...(reward ? { rewardId: reward.id } : {}),
    });
    if (reward) reverse(draft, reward, decision);
  }

  return {
    /** Pays out holds whose end has come, at the moment they ended. */
    releaseHolds(isOver: (releaseAt: Instant) => boolean): void {
      for (const chain of chains()) {
        const before = last(chain);
        const reward = standingReward(chain);
        if (!before || reward?.state !== 'held' || reward.releaseAt === null || !isOver(reward.releaseAt)) continue;
        const decision = record(chain, before, {
          outcome: 'rewarded',
          reason: reason('hold_ended', { deal: chain.dealIds[0] ?? before.deal.id }),
          conditions: before.conditions,
          money: reward.money,
          releaseAt: null,
          effectiveAt: reward.releaseAt,
          rewardId: reward.id,
        });
        release(draft, reward, decision);
      }
    },

    /** Reverses what rests on a deal that is no longer won at this moment. */
    takeBack(then: readonly DealAt[], at: Instant): void {
      for (const chain of chains()) {
        const dealAt = then.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (dealAt && hasLeftWon(dealAt)) close(chain, reason('left_won', { deal: dealAt.deal.ref.id }), at);
      }
    },

    /** The same against the present, and for deals that are deleted, or not the friend's any more. */
    takeBackWhatIsGone(present: readonly DealAt[]): void {
      for (const chain of chains()) {
        if (referral.stage === 'declined') {
          close(chain, reason('referral_declined', { why: reasonText(referral.reason) }), now);
          continue;
        }
        const dealAt = present.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (dealAt) {
          if (hasLeftWon(dealAt)) close(chain, reason('left_won', { deal: dealAt.deal.ref.id }), dealAt.point.at);
          continue;
        }
        const known = friend.deals.find(({ ref, formerIds }) =>
          chain.dealIds.some((id) => id === ref.id || formerIds.includes(id)),
        );
        // Without facts nothing is concluded: a deal that was not read is not a deal that is gone.
        if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);
      }
    },

    /** Judges every won deal by every rule in force when it was won; `at` is null for the present. */
    judgeWins(then: readonly DealAt[], at: Instant | null): void {
      const won = then
        .filter((dealAt): dealAt is DealAt & { wonSince: Instant } => dealAt.wonSince !== null)
        .sort((a, b) => a.wonSince - b.wonSince || byAge(a.deal.ref.id, b.deal.ref.id));
      // A reward for one deal changes what the rule makes of the others: they are judged again until nothing is news.
      let news: number;
      let passes = 0;
      do {
        news = draft.decisionsOf(referral.id).length;
        passes += 1;
        // Rather one record is parked than every portal waits for a loop that does not end.
        if (passes > PASSES_MAX) throw new Error(`the decisions on ${won.length} deals do not come to rest`);
        for (const dealAt of won) {
          const version = versionAt(state.programs, dealAt.wonSince) ?? state.programs[0];
          if (!version) continue;
          for (const rule of version.rules) judgeOne(dealAt, version, rule, at ?? dealAt.point.at);
        }
      } while (draft.decisionsOf(referral.id).length > news);
    },
  };

  function judgeOne(
    dealAt: DealAt & { wonSince: Instant },
    version: ProgramVersion,
    rule: RewardRule,
    effectiveAt: Instant,
  ): void {
    const chain = chainOf(dealAt.deal, rule);
    if (standingReward(chain)) return;
    const verdict = judge({
      rule,
      referral,
      dealAt,
      wonAt: dealAt.wonSince,
      startsAt: Math.max(state.programs[0]?.publishedAt ?? 0, state.connectedAt),
      otherDealRewarded: chains().some(
        (other) =>
          other.ruleKey === rule.key &&
          !other.dealIds.includes(dealAt.deal.ref.id) &&
          standingReward(other) !== undefined,
      ),
      otherReferralCredited: isCreditedElsewhere(dealAt.deal, rule),
    });
    const basis = {
      deal: dealAt.deal.ref,
      party: rule.party,
      program: { id: version.programId, version: version.version },
    };
    if (verdict.kind === 'pays') pay(chain, basis, rule, dealAt, verdict, effectiveAt);
    else notPay(chain, basis, verdict, effectiveAt);
  }

  /** An earlier referral of another contact on the deal is the one that the deal belongs to; so is one that holds a reward for it. */
  function isCreditedElsewhere(deal: DealFacts, rule: RewardRule): boolean {
    const others = draft
      .referrals()
      .filter(
        (other) =>
          other.id !== referral.id &&
          other.stage !== 'declined' &&
          other.friend.contact?.connectionId === deal.ref.connectionId &&
          deal.contactIds.includes(other.friend.contact.id),
      );
    const holder = draft
      .rewards()
      .find(
        (reward) =>
          reward.referralId !== referral.id &&
          reward.ruleKey === rule.key &&
          reward.deal.connectionId === deal.ref.connectionId &&
          [deal.ref.id, ...deal.formerIds].includes(reward.deal.id) &&
          STANDING_STATES.includes(reward.state),
      );
    return holder !== undefined || others.some((other) => comesBefore(other, referral));
  }

  function pay(
    chain: Chain,
    basis: Pick<Decision, 'deal' | 'party' | 'program'>,
    rule: RewardRule,
    dealAt: DealAt & { wonSince: Instant },
    { money, conditions }: { money: Money; conditions: Decision['conditions'] },
    effectiveAt: Instant,
  ): void {
    const pending = newestReward(chain);
    if (pending?.reversalPending) {
      // Re-won while the provider still has the order: that order stands after all, a second one would pay twice.
      const why = reason('rewarded', { deal: dealAt.deal.ref.id });
      draft.putReward({ ...pending, reversalPending: false, reason: why, updatedAt: now });
      record(chain, basis, {
        outcome: 'rewarded',
        reason: why,
        conditions,
        money: pending.money,
        releaseAt: null,
        effectiveAt,
        rewardId: pending.id,
      });
      return;
    }
    const releaseAt = rule.holdDays > 0 ? addDays(dealAt.wonSince, rule.holdDays) : null;
    const sequence = 1 + Math.max(0, ...chain.decisions.map((decision) => decision.sequence));
    const rewardId = derivedId('rwd', state.accountId, referral.id, basis.deal.id, rule.key, sequence);
    const values = {
      deal: dealAt.deal.ref.id,
      days: String(rule.holdDays),
      until: releaseAt === null ? '' : dayOf(releaseAt),
    };
    const why = reason(releaseAt === null ? 'rewarded' : 'held', values);
    const decision = record(chain, basis, {
      outcome: releaseAt === null ? 'rewarded' : 'held',
      reason: why,
      conditions,
      money,
      releaseAt,
      effectiveAt,
      rewardId,
    });
    grant(draft, decision, {
      id: rewardId,
      referralId: referral.id,
      deal: basis.deal,
      ruleKey: rule.key,
      party: rule.party,
      beneficiaryId: rule.party === 'member' ? referral.memberId : referral.id,
      money,
      reason: why,
      payout: rule.payout,
      programId: basis.program.id,
      releaseAt,
      reversalPending: false,
      createdAt: now,
      updatedAt: now,
    });
  }

  function notPay(
    chain: Chain,
    basis: Pick<Decision, 'deal' | 'party' | 'program'>,
    verdict: Extract<Verdict, { kind: 'waits' | 'refuses' }>,
    effectiveAt: Instant,
  ): void {
    const outcome: Outcome = verdict.kind === 'waits' ? 'waiting' : 'skipped';
    const before = last(chain);
    const isNews = before?.outcome !== outcome || JSON.stringify(before.reason) !== JSON.stringify(verdict.reason);
    if (!isNews) return;
    record(chain, basis, {
      outcome,
      reason: verdict.reason,
      conditions: verdict.conditions,
      money: null,
      releaseAt: null,
      effectiveAt,
    });
  }
}

/**
 * Which of two referrals a shared deal belongs to: a submission comes before an inference, an earlier submission before a later
 * one, and among inferences the older contact. Nothing here depends on which hint arrived first.
 */
function comesBefore(a: Referral, b: Referral): boolean {
  const submitted = (referral: Referral) => referral.source === 'explicit' || referral.source === 'email';
  if (submitted(a) !== submitted(b)) return submitted(a);
  if (submitted(a) && a.submittedAt !== b.submittedAt) return a.submittedAt < b.submittedAt;
  return byAge(a.friend.contact?.id ?? '', b.friend.contact?.id ?? '') < 0;
}
