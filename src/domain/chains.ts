import type { CalculationStep } from './amount.ts';
import { qualifiedAt, tierThen, wonReferralsIn } from './as-judged.ts';
import { byAge, comesBefore } from './attribution.ts';
import { type Chain, createChainBook } from './chain-book.ts';
import { describeCondition } from './condition.ts';
import { copyReason, rewardedReason, twinOf } from './copies.ts';
import type { FriendFacts } from './decide.ts';
import {
  type ConditionResult,
  type Decision,
  decisionIdOf,
  type Outcome,
  type Reward,
  STANDING_STATES,
  standingMinor,
} from './decision.ts';
import { judge, judgeAgain, judgeHold, type Verdict } from './eligibility.ts';
import { friendIdsIn } from './identity.ts';
import { derivedId } from './ids.ts';
import { companyOf, type LimitOutcome, withinLimits } from './limit.ts';
import { type Money, textOf } from './money.ts';
import type { Draft, State } from './plan.ts';
import {
  beginOf,
  holdEnd,
  isReviewed,
  needsTier,
  type Party,
  type ProgramVersion,
  presentOf,
  publishedKey,
  type RewardRule,
  restsOnCount,
  rulesNow,
  TRIGGER_STAGES,
  triggerOf,
  versionFor,
} from './program.ts';
import { type Reason, type ReasonCode, reason, reasonText } from './reason.ts';
import { termsOf } from './recall.ts';
import type { ContactFacts, DealFacts, RecordRef } from './record.ts';
import type { Referral } from './referral.ts';
import { adjust, grant, release, reverse } from './reward.ts';
import { assessRisk, findingsText, isInCircle, paceOf, type RiskAssessment } from './risk.ts';
import { budgetTally, rateTally, type Tally, wonTally } from './tally.ts';
import { heldTier, restOnScore } from './tier.ts';
import type { HeldTier } from './tier-scheme.ts';
import { addDays, dayOf, type Instant, nextDayOfMonth } from './time.ts';
import { type DealAt, dealsAt } from './timeline.ts';

/** A rule looks at the other deals only for whether one is rewarded, so two passes settle it; far more is a mistake of ours. */
const PASSES_MAX = 100;

/** While the provider is asked nothing can be changed; its answer is there within this time as a rule. */
const ASK_AGAIN_MS = 60_000;

export interface ChainsInput {
  readonly draft: Draft;
  readonly state: State;
  readonly referral: Referral;
  readonly friend: FriendFacts;
  /** By id, the member's among them where it is remembered. */
  readonly contacts: ReadonlyMap<string, ContactFacts>;
  readonly now: Instant;
}

function isStanding(reward: Reward | undefined): reward is Reward {
  return reward !== undefined && STANDING_STATES.includes(reward.state) && !reward.reversalPending;
}

/** A rule that a deal has reached the stage of. */
interface Reached {
  readonly dealAt: DealAt;
  readonly since: Instant;
  readonly version: ProgramVersion;
  readonly rule: RewardRule;
}

/** What a rule pays, or would have paid. */
type Paying = Extract<Verdict, { kind: 'pays' | 'history' }>;

type Basis = Pick<Decision, 'deal' | 'party' | 'program'>;
type Made = Pick<Decision, 'outcome' | 'reason' | 'effectiveAt'> &
  Partial<Pick<Decision, 'conditions' | 'calculation' | 'risk' | 'money' | 'releaseAt' | 'rewardId'>>;

/** The rewards of one referral while its history is gone through: what each rule has decided on each deal, and what it decides next. */
export function createChains({ draft, state, referral, friend, contacts, now }: ChainsInput) {
  const last = (chain: Chain) => chain.decisions.at(-1);

  const book = createChainBook(draft, referral.id, friend.deals);
  /** A look at one connection says nothing of the deals in others. */
  const here = friend.contact.ref.connectionId;
  const chains = () => book.all().filter(({ connectionId }) => connectionId === here);
  const rewarded = () => chains().filter(({ hasReward }) => hasReward);
  /** Those that `close` can find something to end in. */
  const unended = () => chains().filter((chain) => chain.hasReward || chain.decisions.slice(-1).some(isWait));
  const chainOf = (deal: DealFacts, rule: RewardRule) => book.of(deal, rule.key);
  /** Rules by which a reward was granted in this pass. */
  const granted = new Set<RewardRule>();
  let judged: { readonly then: readonly DealAt[]; readonly decisions: number } | null = null;

  /** The rule as it was in the version that the chain was last decided by. */
  function ruleOf(chain: Chain): RewardRule | undefined {
    const program = last(chain)?.program;
    const version = state.programs.find((one) => one.programId === program?.id && one.version === program.version);
    return version && rulesNow(version.rules, referral, now).find(({ key }) => key === chain.ruleKey);
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
    if (!chain.hasReward) return undefined;
    const rewards = chain.decisions.map(({ rewardId }) => (rewardId === null ? undefined : draft.reward(rewardId)));
    return rewards.findLast(isStanding);
  }

  /** More than one only when deals became one that a rule for every deal had rewarded each. */
  function countStanding(chain: Chain): number {
    const ids = new Set(chain.decisions.flatMap(({ rewardId }) => rewardId ?? []));
    return [...ids].filter((id) => isStanding(draft.reward(id))).length;
  }

  function nextSequence(chain: Chain): number {
    return 1 + Math.max(0, ...chain.decisions.map((decision) => decision.sequence));
  }

  function record(chain: Chain, basis: Basis, made: Made): Decision {
    const sequence = nextSequence(chain);
    const decision: Decision = {
      conditions: [],
      calculation: [],
      money: null,
      releaseAt: null,
      rewardId: null,
      deal: basis.deal,
      party: basis.party,
      program: basis.program,
      ...made,
      id: decisionIdOf(
        state.accountId,
        { referralId: referral.id, deal: basis.deal, ruleKey: chain.ruleKey },
        sequence,
      ),
      referralId: referral.id,
      ruleKey: chain.ruleKey,
      sequence,
      mappingVersion: state.mapping.version,
      // Never before the one it follows: nodes' clocks differ, and the newest decision has to stay the last of its chain.
      recordedAt: Math.max(presentOf(referral, now), ...chain.decisions.map((earlier) => earlier.recordedAt)),
    };
    draft.addDecision(decision);
    return decision;
  }

  /** Ends a chain's reward, or its wait, for a reason that lies in the deal. */
  function close(chain: Chain, why: Reason, effectiveAt: Instant): void {
    const before = last(chain);
    const reward = standingReward(chain);
    if (!before) return;
    const outcome: Outcome | null = reward ? 'reversed' : isWait(before) ? 'skipped' : null;
    if (!outcome) return;
    const decision = record(chain, before, {
      outcome,
      reason: why,
      money: reward?.money ?? null,
      effectiveAt,
      ...(reward ? { rewardId: reward.id } : {}),
    });
    if (reward) reverse(draft, reward, decision);
  }

  /** The deal of another connection that looked like this one when its reward was granted. */
  function twinAtGrant(chain: Chain, { id }: Reward): string | undefined {
    return chain.decisions
      .filter(({ rewardId }) => rewardId === id)
      .flatMap(({ conditions }) => conditions)
      .find(({ condition, verdict }) => condition === TWIN_CONDITION && verdict === 'unmet')?.actual;
  }

  /** What spoke against a reward when it was granted. */
  function riskAtGrant(chain: Chain, { id }: Reward): RiskAssessment | undefined {
    return chain.decisions.find(({ rewardId, risk }) => rewardId === id && risk !== undefined)?.risk;
  }

  /** What speaks against paying for the deal, by the policy in force; nothing where the program asks for nothing. */
  function riskOf({ dealAt, version: { risk: policy } }: Reached): RiskAssessment | undefined {
    if (!policy) return undefined;
    const member = draft.member(referral.memberId);
    return assessRisk({
      policy,
      accountId: state.accountId,
      referral,
      member,
      friend: friend.contact,
      memberContact: member?.contact?.connectionId === here ? contacts.get(member.contact.id) : undefined,
      dealAt,
      deals: friend.deals,
      mapping: state.mapping,
      pace: paceOf(draft, state, referral),
      knowledge: state.risk,
      inCircle: isInCircle(draft, referral, friend.contact),
    });
  }

  function hasLeft(chain: Chain, dealAt: DealAt): boolean {
    const rule = ruleOf(chain);
    // A stage that the mapping does not know is no reason to take anything back.
    return dealAt.stage !== null && dealAt.since[rule ? triggerOf(rule) : 'won'] === null;
  }

  function leftReason(chain: Chain, { deal }: DealAt): Reason {
    const rule = ruleOf(chain);
    const stage = rule ? triggerOf(rule) : 'won';
    if (stage === 'won') return reason('left_won', { deal: deal.ref.id });
    return reason('left_stage', { deal: deal.ref.id, stage });
  }

  /** Of deals that became one, the reward that was decided on first stays. */
  function endSpare(): void {
    const isSpare = (chain: Chain) => chain.dealIds.length > 1 && countStanding(chain) > 1;
    for (let chain = chains().find(isSpare); chain; chain = chains().find(isSpare))
      close(chain, reason('deal_merged'), now);
  }

  return {
    /** Pays out holds whose end has come, at the moment they ended. */
    releaseHolds(isOver: (releaseAt: Instant) => boolean): void {
      for (const chain of rewarded()) {
        const before = last(chain);
        const reward = standingReward(chain);
        if (!before || reward?.state !== 'held' || reward.releaseAt === null || !isOver(reward.releaseAt)) continue;
        const isToReview = reward.review === 'needed';
        const decision = record(chain, before, {
          outcome: isToReview ? 'in_review' : 'rewarded',
          reason: isToReview
            ? whyReview(chain, reward)
            : reason('hold_ended', { deal: chain.dealIds[0] ?? before.deal.id }),
          conditions: before.conditions,
          calculation: before.calculation,
          money: reward.money,
          effectiveAt: reward.releaseAt,
          rewardId: reward.id,
        });
        release(draft, { ...reward, orderAt: orderDay(ruleOf(chain), now) }, decision);
      }
    },

    /** Ends the wait of holds whose event has come: their days count from then. */
    meetHolds(then: readonly DealAt[], at: Instant | null): void {
      for (const chain of rewarded()) {
        const before = last(chain);
        const reward = standingReward(chain);
        const rule = ruleOf(chain);
        const dealAt = then.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (!before || reward?.state !== 'held' || !rule?.holdUntil || !dealAt || isHoldMet(chain, reward)) continue;
        const { result } = judgeHold(rule.holdUntil, dealAt, referral, friend.contact);
        if (result.verdict !== 'met') continue;
        meetHold(chain, before, reward, rule, result, at ?? dealAt.point.at);
      }
    },

    /** Reverses what rests on a deal that is no longer where its rule wants it at this moment. */
    takeBack(then: readonly DealAt[], at: Instant): void {
      for (const chain of unended()) {
        const dealAt = then.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (dealAt && hasLeft(chain, dealAt)) close(chain, leftReason(chain, dealAt), at);
      }
    },

    /** The same against the present, and for deals that are deleted, not the friend's any more, or one with another now. */
    takeBackWhatIsGone(present: readonly DealAt[]): void {
      endSpare();
      for (const chain of unended()) {
        if (referral.stage === 'declined') {
          close(chain, reason('referral_declined', { why: reasonText(referral.reason) }), now);
          continue;
        }
        const dealAt = present.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (dealAt) {
          if (hasLeft(chain, dealAt)) close(chain, leftReason(chain, dealAt), dealAt.point.at);
          continue;
        }
        const known = friend.deals.find(({ ref, formerIds }) =>
          chain.dealIds.some((id) => id === ref.id || formerIds.includes(id)),
        );
        // Without facts nothing is concluded: a deal that was not read is not a deal that is gone.
        if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);
      }
    },

    /**
     * Rewards of rules that follow the deal's amount. Before its provider has it a reward ends and is granted anew by `judgeReached`; one that
     * was issued gives back the part that is too much, or gets back what it had given back.
     */
    followAmounts(then: readonly DealAt[], mayWin: boolean): void {
      for (const chain of rewarded()) {
        const reward = standingReward(chain);
        const rule = ruleOf(chain);
        const dealAt = then.find(({ deal }) => chain.dealIds.includes(deal.ref.id));
        if (!reward || rule?.amountChanges !== 'follow' || !dealAt || dealAt.since[triggerOf(rule)] === null) continue;
        follow(
          chain,
          reward,
          judgeAgain(rule, dealAt, referral, friend.contact, countAtGrant(chain), tierAtGrant(chain), state.rates),
          dealAt,
          mayWin,
        );
      }
    },

    /** Ends what rests on whose the referral was; who has it now is judged from the beginning. */
    endForMember(why: Reason): void {
      for (const chain of book.all()) {
        const before = last(chain);
        const reward = standingReward(chain);
        if (!before || before.party === 'friend') continue;
        if (before.party === 'recruiter' && reward && reward.beneficiaryId === recruiterId()) continue;
        if (reward) close(chain, why, now);
        else record(chain, before, { outcome: 'skipped', reason: why, effectiveAt: now });
      }
    },

    /** Judges every deal by every rule whose stage it has reached, by the version in force then; `at` is null for the present. */
    judgeReached(then: readonly DealAt[], at: Instant | null): void {
      if (isJudged(then)) return;
      const all = reachedOf(then, state.programs, referral, now);
      // A reward for one deal changes what its rule makes of the others, and its group of this one: they are judged again until none is granted.
      let concerned: readonly Reached[] = all;
      let passes = 0;
      do {
        granted.clear();
        passes += 1;
        // Rather one record is parked than every portal waits for a loop that does not end.
        if (passes > PASSES_MAX) throw new Error(`the decisions on ${then.length} deals do not come to rest`);
        for (const reached of concerned) judgeOne(reached, at ?? reached.dealAt.changedAt, all);
        concerned = all.filter(({ rule }) => [...granted].some((one) => isConcerned(rule, one)));
      } while (concerned.length > 0);
      judged = { then, decisions: draft.decisionsOf(referral.id).length };
    },
  };

  /** The present mostly is the last moment of the history once more: where nothing was decided in between, nothing is. */
  function isJudged(then: readonly DealAt[]): boolean {
    if (!judged || judged.decisions !== draft.decisionsOf(referral.id).length) return false;
    const before = judged.then;
    return (
      before.length === then.length &&
      then.every(({ deal, point, changedAt }, index) => {
        const one = before[index];
        return one?.deal === deal && one.point === point && one.changedAt === changedAt;
      })
    );
  }

  function isHoldMet(chain: Chain, reward: Reward): boolean {
    return chain.decisions.some(({ rewardId, reason: { code } }) => rewardId === reward.id && code === 'hold_met');
  }

  function meetHold(
    chain: Chain,
    before: Decision,
    reward: Reward,
    rule: RewardRule,
    { condition, expected, actual }: ConditionResult,
    at: Instant,
  ): void {
    const releaseAt = rule.holdDays > 0 ? addDays(at, rule.holdDays) : null;
    const isAsked = isReviewed(rule, reward.money) || isDoubtful(chain, riskAtGrant(chain, reward));
    const review = reward.review === 'approved' ? 'approved' : isAsked ? 'needed' : 'none';
    const decision = record(chain, before, {
      outcome: releaseAt !== null ? 'held' : review === 'needed' ? 'in_review' : 'rewarded',
      reason: reason('hold_met', { condition, expected, actual }),
      conditions: before.conditions,
      calculation: before.calculation,
      money: reward.money,
      releaseAt,
      effectiveAt: at,
      rewardId: reward.id,
    });
    const waits = { ...reward, review, releaseAt } as const;
    if (releaseAt === null) {
      release(draft, { ...waits, orderAt: orderDay(rule, now) }, decision);
      return;
    }
    draft.putReward({ ...waits, reason: decision.reason, updatedAt: decision.recordedAt });
    draft.wake({ record: reward.deal, at: releaseAt });
  }

  function whyReview(chain: Chain, reward: Reward): Reason {
    const rule = ruleOf(chain);
    const seen = twinAtGrant(chain, reward);
    if (seen !== undefined) return reason('review_needed', { why: seen });
    if (!rule?.holdUntil || isHoldMet(chain, reward))
      return reviewReason(rule, referral, reward.money, riskAtGrant(chain, reward));
    const { condition, expected } = describeCondition(rule.holdUntil.met);
    return reason('hold_unmet', { condition, expected, until: dayOf(reward.releaseAt ?? now) });
  }

  function follow(chain: Chain, reward: Reward, verdict: Verdict, dealAt: DealAt, mayWin: boolean): void {
    const at = dealAt.changedAt;
    if (verdict.kind !== 'pays') {
      // A fact that is missing takes nothing back.
      if (verdict.kind === 'refuses') close(chain, verdict.reason, at);
      return;
    }
    const stands: Money = { minor: standingMinor(reward), currency: reward.money.currency };
    const wanted = verdict.money;
    const isCut = last(chain)?.calculation.some(({ step }) => step === 'limited') ?? false;
    if (wanted.currency === stands.currency) {
      if (wanted.minor === stands.minor || (isCut && wanted.minor > stands.minor)) return;
    }
    const values = { from: textOf(stands), to: textOf(wanted) };
    if (reward.state === 'issuing') {
      draft.wake({ record: reward.deal, at: now + ASK_AGAIN_MS });
      return;
    }
    const isIssued = reward.state === 'issued' || reward.state === 'redeemed';
    if (!isIssued || wanted.currency !== stands.currency) {
      if (mayWin) close(chain, reason('amount_changed', values), at);
      return;
    }
    // More than was granted is not paid later on; what was taken back of it before is.
    const change =
      wanted.minor < stands.minor
        ? stands.minor - wanted.minor
        : -least(wanted.minor - stands.minor, reward.clawedBack);
    if (change === 0n) return;
    const amount = { minor: change < 0n ? -change : change, currency: stands.currency };
    const before = last(chain);
    if (!before) return;
    const decision = record(chain, before, {
      outcome: 'adjusted',
      reason:
        change > 0n
          ? shrunkReason(verdict.calculation, { from: textOf(reward.money), back: textOf(amount) })
          : reason('amount_restored', { again: textOf(amount) }),
      conditions: verdict.conditions,
      calculation: verdict.calculation,
      money: { minor: stands.minor - change, currency: stands.currency },
      effectiveAt: at,
      rewardId: reward.id,
    });
    adjust(draft, reward, change, decision);
  }

  /** Which won referral of the member it was when the chain's reward was granted: others that are won later change nothing about it. */
  function countAtGrant(chain: Chain): number {
    const step = chain.decisions
      .flatMap(({ calculation }) => calculation)
      .findLast((one) => one.step === 'step_by_count');
    return Number(step?.values.count ?? wonReferrals());
  }

  /** The tier that the chain's reward was granted for: rising and falling later changes nothing about it. */
  function tierAtGrant(chain: Chain): HeldTier | null {
    const program = last(chain)?.program;
    const version = state.programs.find(
      ({ programId, version: number }) => programId === program?.id && number === program.version,
    );
    if (!version) return null;
    const step = chain.decisions
      .flatMap(({ calculation }) => calculation)
      .findLast((one) => one.step === 'step_by_tier');
    const now = tierFor(version, null, chain.decisions[0]?.effectiveAt ?? 0);
    const then = step?.values.tier ?? null;
    return step && now ? { ...now, held: then === '' ? null : then } : now;
  }

  function tierFor(version: ProgramVersion, rule: RewardRule | null, at: Instant): HeldTier | null {
    const scoreAsOf = rule?.trigger === 'tier_reached' ? now : null;
    return heldTier(draft, state, version, referral.memberId, { at, scoreAsOf });
  }

  /** Whom the rules for recruiters pay; null when nobody of the account stands behind the referral. */
  function recruiterId(): string | null {
    if (referral.recruiterId !== undefined) return referral.recruiterId;
    return draft.member(referral.memberId)?.isStaff ? referral.memberId : null;
  }

  function beneficiaryOf(party: Party): string | null {
    switch (party) {
      case 'member':
        return referral.memberId;
      case 'friend':
        return referral.id;
      case 'recruiter':
        return recruiterId();
      case 'assist':
        return referral.assist?.memberId ?? null;
    }
  }

  function recruiterFor({ rules }: ProgramVersion): 'none' | 'member' | 'other' {
    const id = recruiterId();
    if (id === null) return 'none';
    return id === referral.memberId && rules.some(({ party }) => party === 'recruiter') ? 'member' : 'other';
  }

  /** Won referrals of the member, this one included whether it is counted yet or not. */
  function wonReferrals(): number {
    const { count } = draft.tally(wonTally(referral.memberId));
    return count + (draft.referral(referral.id)?.stage === 'won' ? 0 : 1);
  }

  function judgeOne(reached: Reached, effectiveAt: Instant, all: readonly Reached[]): void {
    const { dealAt, rule, version } = reached;
    const chain = chainOf(dealAt.deal, rule);
    if (standingReward(chain) || wasRejected(chain) || hasExpired(chain)) return;
    const basis: Basis = {
      deal: dealAt.deal.ref,
      party: rule.party,
      program: { id: version.programId, version: version.version },
    };
    const verdict = verdictOn(reached, chain);
    const isAlone =
      rule.party === 'assist' && !leavesPart(book.of(dealAt.deal, publishedKey(rule.key)), verdict.kind === 'history');
    if (verdict.kind !== 'pays' && verdict.kind !== 'history') {
      notPay(chain, basis, verdict, effectiveAt);
      return;
    }
    const better = betterRule(reached, verdict, all);
    if (better) {
      const why = reason('other_rule_better', { rule: better.name });
      notPay(chain, basis, { kind: 'refuses', reason: why, conditions: verdict.conditions }, effectiveAt);
    } else if (isAlone) {
      notPay(
        chain,
        basis,
        { kind: 'refuses', reason: reason('assist_alone'), conditions: verdict.conditions },
        effectiveAt,
      );
    } else if (verdict.kind === 'pays') pay(chain, basis, reached, verdict, effectiveAt);
    else {
      const { reason: why, conditions, calculation, money } = verdict;
      sayIfNews(chain, basis, { outcome: 'history', reason: why, conditions, calculation, money, effectiveAt });
    }
  }

  /** Whether the member has got less than the whole, for the other one to have a part: what was granted before it was shared is all theirs. */
  function leavesPart(membersOwn: Chain, isHistory: boolean): boolean {
    const granted = standingReward(membersOwn);
    const newest = last(membersOwn);
    const of = granted
      ? membersOwn.decisions.filter(({ rewardId }) => rewardId === granted.id)
      : isHistory && newest?.outcome === 'history'
        ? [newest]
        : [];
    return of.some(({ calculation }) => calculation.some(({ step }) => step === 'shared'));
  }

  /**
   * What was decided on this win of the deal before. The n-th win stays the n-th, and the tier is that of its moment: others that are won
   * later do not make it pay.
   */
  function judgedBefore(chain: Chain, { since }: Reached): readonly Decision[] {
    return sinceMoved(chain).filter(({ effectiveAt }) => effectiveAt >= since);
  }

  /**
   * A deal that found no room, or whose rate was not there, is paid by what it was when it qualified, where its rule ignores what comes after:
   * not by what it happens to be at the look that finds room.
   */
  function asQualified(dealAt: DealAt, rule: RewardRule, before: readonly Decision[]): DealAt {
    const at = qualifiedAt(rule, before);
    return at === null ? dealAt : (dealsAt([dealAt.deal], state.mapping, at)[0] ?? dealAt);
  }

  function verdictOn(reached: Reached, chain: Chain): Verdict {
    const { dealAt, rule, since, version } = reached;
    const before = judgedBefore(chain, reached);
    return judge({
      rule,
      referral,
      friend: friend.contact,
      dealAt: asQualified(dealAt, rule, before),
      reachedAt: since,
      startsAt: startsAt(),
      isReleased: isReleased(chain),
      otherDealsRewarded: otherDealsRewarded(dealAt.deal, rule, since),
      otherReferralCredited: isCreditedElsewhere(dealAt.deal, rule),
      decidedElsewhere: decidedElsewhere(dealAt.deal, rule),
      wonReferrals: before.map(wonReferralsIn).find((count) => count !== null) ?? wonReferrals(),
      tier: tierThen(tierFor(version, rule, since), before),
      recruiter: recruiterFor(version),
      rates: state.rates,
    });
  }

  /** What was won before is history: nothing is paid for it by itself. */
  function startsAt(): Instant {
    return Math.max(beginOf(state.programs, referral.programId), state.connectedAt);
  }

  /**
   * Of the rules of one group that pay for the deal, one that pays more, has paid already, or comes first among equals; of history, of those
   * that would have paid.
   */
  function betterRule(reached: Reached, { kind, money }: Paying, all: readonly Reached[]): RewardRule | undefined {
    const { rule, dealAt } = reached;
    if (rule.bestOf === undefined) return undefined;
    const others = all.filter(
      (other) =>
        other.rule.bestOf === rule.bestOf &&
        other.rule.key !== rule.key &&
        other.dealAt.deal.ref.id === dealAt.deal.ref.id,
    );
    return others.find((other) => {
      const chain = chainOf(dealAt.deal, other.rule);
      if (standingReward(chain)) return true;
      const verdict = verdictOn(other, chain);
      if (verdict.kind !== kind || verdict.money.currency !== money.currency) return false;
      if (verdict.money.minor !== money.minor) return verdict.money.minor > money.minor;
      return all.indexOf(other) < all.indexOf(reached);
    })?.rule;
  }

  /** Rewards of the rule on other deals of the referral, within the time that its policy looks at. */
  function otherDealsRewarded(deal: DealFacts, rule: RewardRule, since: Instant): number {
    const others = book
      .ofRule(rule.key)
      .filter((other) => other.connectionId !== here || !other.dealIds.includes(deal.ref.id))
      // Of deals that are history one would have been paid, and it stands in no later one's way.
      .filter(
        (other) =>
          standingReward(other) !== undefined ||
          hasExpired(other) ||
          (since < startsAt() && last(other)?.outcome === 'history'),
      );
    const policy = rule.deals;
    if (policy?.kind !== 'up_to' || policy.withinDays === null) return others.length;
    const starts = others.map(({ decisions }) => decisions[0]?.effectiveAt ?? since);
    const isTooLate = starts.length > 0 && since > addDays(Math.min(...starts), policy.withinDays);
    return isTooLate ? policy.count : others.length;
  }

  /** Undefined where the account has one connection, null where the deal is this one's. */
  function decidedElsewhere(deal: DealFacts, rule: RewardRule): Reason | null | undefined {
    if (!state.elsewhere) return undefined;
    return (
      copyReason(draft, state, referral.id, deal, friend.deals) ??
      rewardedReason(draft, state, referral.id, deal, rule.key) ??
      null
    );
  }

  /** An earlier referral of another contact on the deal is the one that the deal belongs to; so is one that holds a reward for it. */
  function isCreditedElsewhere(deal: DealFacts, rule: RewardRule): boolean {
    const others = draft
      .referrals()
      .filter(
        (other) =>
          other.id !== referral.id &&
          other.stage !== 'declined' &&
          friendIdsIn(draft, other, here).some((id) => deal.contactIds.includes(id)),
      );
    const holder = draft.rewards().find(
      (reward) =>
        reward.referralId !== referral.id &&
        reward.ruleKey === rule.key &&
        reward.deal.connectionId === deal.ref.connectionId &&
        [deal.ref.id, ...deal.formerIds].includes(reward.deal.id) &&
        STANDING_STATES.includes(reward.state) &&
        // One that is to end as soon as its provider has answered stands in nobody's way: no look follows when it has.
        !reward.reversalPending,
    );
    return holder !== undefined || others.some((other) => comesBefore(other, referral));
  }

  function pay(
    chain: Chain,
    basis: Basis,
    reached: Reached,
    verdict: Extract<Verdict, { kind: 'pays' }>,
    effectiveAt: Instant,
  ): void {
    const { rule, since, version } = reached;
    const beneficiaryId = beneficiaryOf(rule.party);
    if (beneficiaryId === null) throw new RangeError(`the ${rule.party} is to be paid, and there is none`);
    const pending = newestReward(chain);
    // One that was another member's until now is not this one's.
    if (pending?.reversalPending && pending.beneficiaryId === beneficiaryId) {
      granted.add(rule);
      // Re-won while the provider still has the order: that order stands after all, a second one would pay twice.
      const why = reason('rewarded', { deal: basis.deal.id });
      draft.putReward({ ...pending, reversalPending: false, reason: why, updatedAt: now });
      record(chain, basis, {
        outcome: 'rewarded',
        reason: why,
        conditions: verdict.conditions,
        // As it was granted; a later change of the deal has to know what a limit left of it.
        calculation:
          chain.decisions.findLast((one) => one.rewardId === pending.id && one.calculation.length > 0)?.calculation ??
          [],
        money: pending.money,
        effectiveAt,
        rewardId: pending.id,
      });
      return;
    }
    const risk = riskOf(reached);
    if (risk?.verdict === 'block' && isDoubtful(chain, risk)) {
      const values = {
        amount: textOf(verdict.money),
        score: String(risk.score),
        limit: String(version.risk?.blockAt),
        findings: findingsText(risk.raised),
      };
      const made = {
        reason: reason('risk_blocked', values),
        conditions: [...verdict.conditions, riskResult(risk, version)],
        // A person may allow it: then it is still judged by the win and the tier of this moment.
        calculation: verdict.calculation,
      };
      sayIfNews(chain, basis, { ...made, outcome: 'skipped', risk, effectiveAt });
      return;
    }
    const limited = withinLimits({
      rule,
      programId: version.programId,
      memberId: rule.party === 'friend' ? referral.memberId : beneficiaryId,
      referralId: referral.id,
      company: companyOf(friend.contact),
      at: since,
      money: verdict.money,
      tally: draft.tally,
    });
    const conditions = [...verdict.conditions, ...(risk ? [riskResult(risk, version)] : []), ...limited.results];
    if (limited.kind !== 'fits') {
      const full = limited as LimitOutcome & { kind: 'full' | 'budget_spent' };
      stayOut(chain, basis, full, { conditions, calculation: verdict.calculation }, effectiveAt, version.programId);
      return;
    }
    if (version.tiers && needsTier(rule)) restOnScore(draft, referral.memberId, version.tiers);
    if (restsOnCount(rule)) draft.count({ ...wonTally(referral.memberId), count: 0, minor: 0n }, 'rests');
    const releaseAt = holdEnd(rule, since);
    const twin = twinOf(draft, state, referral, reached.dealAt, rule.key, friend.deals, now);
    // Who waits for an event in vain ends with a person.
    const isDoubted =
      twin !== undefined ||
      referral.doubt !== undefined ||
      rule.holdUntil ||
      isReviewed(rule, limited.money) ||
      isDoubtful(chain, risk);
    const review = isDoubted ? 'needed' : 'none';
    const rewardId = derivedId(
      'rwd',
      state.accountId,
      referral.id,
      basis.deal.connectionId,
      basis.deal.id,
      rule.key,
      nextSequence(chain),
    );
    granted.add(rule);
    const asksFor = twin
      ? reason('review_needed', { why: twinText(twin) })
      : isDoubted
        ? reviewReason(rule, referral, limited.money, risk)
        : null;
    const why = grantReason(rule, basis.deal, releaseAt, asksFor);
    const decision = record(chain, basis, {
      outcome: releaseAt !== null ? 'held' : review === 'needed' ? 'in_review' : 'rewarded',
      reason: why,
      conditions: [...conditions, ...(twin ? [twinResult(twin)] : [])],
      ...(risk ? { risk } : {}),
      calculation: [...verdict.calculation, ...cutStep(verdict.money, limited.money)],
      money: limited.money,
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
      beneficiaryId,
      money: limited.money,
      reason: why,
      payout: rule.payout,
      programId: basis.program.id,
      releaseAt,
      orderAt: orderDay(rule, now),
      review,
      uses: limited.uses,
      ...termsOf(rule),
      createdAt: now,
      updatedAt: now,
    });
  }

  /** A limit is reached or the budget is spent. The deal is looked at again when there is room. */
  function stayOut(
    chain: Chain,
    basis: Basis,
    { kind, results, uses, money }: LimitOutcome & { kind: 'full' | 'budget_spent' },
    // With the amount it was judged by: which win it was stays so, whenever there is room.
    judgedBy: Pick<Decision, 'conditions' | 'calculation'>,
    effectiveAt: Instant,
    programId: string,
  ): void {
    const unmet = results.find(({ verdict }) => verdict === 'unmet');
    const values = {
      limit: unmet?.condition ?? '',
      expected: unmet?.expected ?? '',
      actual: unmet?.actual ?? '',
    };
    const budget = budgetTally(programId, money.currency);
    const why =
      kind === 'full'
        ? reason('limit_reached', values)
        : reason('budget_spent', {
            amount: textOf(money),
            left: textOf({ minor: draft.tally(budget).minor, currency: money.currency }),
          });
    const on: ReadonlyArray<Pick<Tally, 'owner' | 'key' | 'currency'>> =
      kind === 'full' ? uses.map(({ owner, key, currency }) => ({ owner, key, currency })) : [budget];
    // Since it found no room for the first time; a reward that it had before, and what it waited for then, give it no place in the line.
    const before = last(chain);
    const since = before && (before.outcome === 'capped' || before.outcome === 'queued') ? before.recordedAt : now;
    for (const one of on) draft.waitFor({ on: one, record: basis.deal, since });
    sayIfNews(chain, basis, { outcome: kind === 'full' ? 'capped' : 'queued', reason: why, ...judgedBy, effectiveAt });
  }

  function notPay(
    chain: Chain,
    basis: Basis,
    verdict: Extract<Verdict, { kind: 'waits' | 'refuses' }>,
    effectiveAt: Instant,
  ): void {
    const outcome: Outcome = verdict.kind === 'waits' ? 'waiting' : 'skipped';
    const { code, values } = verdict.reason;
    // Which of the two is the base is not known before there is a rate.
    if (code === 'rate_missing')
      for (const currency of values.pair?.split(' ') ?? [])
        draft.waitFor({ on: rateTally(currency), record: basis.deal, since: now });
    sayIfNews(chain, basis, {
      outcome,
      reason: verdict.reason,
      conditions: verdict.conditions,
      calculation: verdict.calculation ?? [],
      effectiveAt,
    });
  }

  function sayIfNews(chain: Chain, basis: Basis, made: Made): void {
    const before = last(chain);
    // What ended a reward says at the same time that there is none.
    const isTold = before?.outcome === made.outcome || before?.outcome === 'reversed';
    if (!isTold || !isSameReason(before.reason, made.reason)) record(chain, basis, made);
  }
}

const WORDS_MAY_VARY: ReadonlySet<ReasonCode> = new Set(['limit_reached', 'budget_spent', 'risk_blocked']);

/** What is left of a limit or a budget changes with every other reward, and what else is known of people by the hour; that alone is no news. */
function isSameReason(a: Reason, b: Reason): boolean {
  if (a.code !== b.code) return false;
  if (WORDS_MAY_VARY.has(a.code)) return true;
  const keys = Object.keys(a.values);
  return keys.length === Object.keys(b.values).length && keys.every((key) => a.values[key] === b.values[key]);
}

/** Each deal with each rule whose stage it has reached: those that came first before the others, so that the first one is paid. */
function reachedOf(
  then: readonly DealAt[],
  programs: readonly ProgramVersion[],
  referral: Referral,
  now: Instant,
): Reached[] {
  const reached = then.flatMap((dealAt) =>
    TRIGGER_STAGES.flatMap((stage) => {
      const since = dealAt.since[stage];
      if (since === null) return [];
      const version = versionFor(programs, referral, since);
      if (!version) return [];
      return rulesNow(version.rules, referral, now)
        .filter((rule) => triggerOf(rule) === stage)
        .map((rule) => ({ dealAt, since, version, rule }));
    }),
  );
  return reached.sort((a, b) => a.since - b.since || byAge(a.dealAt.deal.ref.id, b.dealAt.deal.ref.id));
}

function isConcerned(rule: RewardRule, granted: RewardRule): boolean {
  return (
    publishedKey(rule.key) === publishedKey(granted.key) ||
    (rule.bestOf !== undefined && rule.bestOf === granted.bestOf)
  );
}

/** What ends with the deal though no reward does: a wait, and what would have been paid. */
function isWait({ outcome }: Decision): boolean {
  return outcome === 'waiting' || outcome === 'capped' || outcome === 'queued' || outcome === 'history';
}

/** A person said that it is paid though it is history; what was said for another member says nothing about this one. */
function isReleased(chain: Chain): boolean {
  return sinceMoved(chain).some(({ reason: { code } }) => code === 'history_released');
}

/** Something speaks against it, and no person has allowed it all the same. */
function isDoubtful({ decisions }: Chain, risk: RiskAssessment | undefined): boolean {
  const isAllowed = decisions.some(({ reason: { code } }) => code === 'risk_allowed');
  return risk !== undefined && risk.verdict !== 'pass' && !isAllowed;
}

/** What a person has decided against is not granted again by a rule. */
function wasRejected(chain: Chain): boolean {
  return sinceMoved(chain).some(
    ({ reason: { code } }) => code === 'review_rejected' || code === 'taken_back_by_person',
  );
}

/** What was decided while the referral was another member's says nothing about this one. */
function sinceMoved({ decisions }: Chain): readonly Decision[] {
  return decisions.slice(1 + decisions.findLastIndex(({ reason: { code } }) => code === 're_attributed'));
}

/** Nor is what was given once and not used in time. */
function hasExpired({ decisions }: Chain): boolean {
  return decisions.some(({ reason: { code } }) => code === 'expired_unused');
}

const DOUBTS: Readonly<Record<NonNullable<Referral['doubt']>, string>> = {
  existing_customer: 'the friend was a customer before the referral',
  self_referral: 'the member and the friend are the same person',
};

/** A doubt about whose the referral is comes first, then a rule that asks for a look; else what speaks against the referral. */
function reviewReason(
  rule: RewardRule | undefined,
  { doubt }: Referral,
  money: Money,
  risk: RiskAssessment | undefined,
): Reason {
  if (doubt !== undefined) return reason('review_needed', { why: DOUBTS[doubt] });
  const review = rule?.review;
  const signs = risk !== undefined && risk.verdict !== 'pass' ? findingsText(risk.raised) : null;
  const isAsked = rule === undefined || isReviewed(rule, money) || signs === null;
  const asked = review?.when === 'over' ? `it is over ${textOf(review.money)}` : 'its rule asks for it';
  const doubts = signs === null ? [] : [`something speaks against it: ${signs}`];
  return reason('review_needed', { why: [...(isAsked ? [asked] : []), ...doubts].join('; ') });
}

function riskResult({ score, verdict, raised }: RiskAssessment, { risk }: ProgramVersion): ConditionResult {
  return {
    condition: 'risk',
    expected: `below ${risk?.reviewAt}`,
    actual: raised.length === 0 ? String(score) : `${score}: ${findingsText(raised)}`,
    verdict: verdict === 'pass' ? 'met' : 'unmet',
  };
}

/** What a decision tells of a deal in another connection that may be the same. */
export const TWIN_CONDITION = 'no such deal in another connection';

type Twin = NonNullable<ReturnType<typeof twinOf>>;

function twinText({ crm, dealId, amount }: Twin): string {
  return `a deal of the same friend over ${amount} was rewarded in ${crm} (${dealId}), and may be the same one`;
}

function twinResult(twin: Twin): ConditionResult {
  return { condition: TWIN_CONDITION, expected: 'yes', actual: twinText(twin), verdict: 'unmet' };
}

function grantReason(rule: RewardRule, deal: RecordRef, releaseAt: Instant | null, review: Reason | null): Reason {
  const stage = triggerOf(rule);
  if (rule.holdUntil) return reason('held_until', { deal: deal.id, ...describeCondition(rule.holdUntil.met) });
  if (releaseAt !== null) {
    const values = { deal: deal.id, days: String(rule.holdDays), until: dayOf(releaseAt) };
    return stage === 'won' ? reason('held', values) : reason('stage_held', { ...values, stage });
  }
  if (review) return review;
  const values = { deal: deal.id, days: String(rule.holdDays), until: '' };
  return stage === 'won' ? reason('rewarded', values) : reason('stage_reached', { deal: deal.id, stage });
}

function shrunkReason(calculation: readonly CalculationStep[], values: { from: string; back: string }): Reason {
  const isRefunded = calculation.some(({ step }) => step === 'refunded');
  return isRefunded ? reason('refunded_part', values) : reason('amount_shrank', values);
}

function orderDay(rule: RewardRule | undefined, now: Instant): Instant | null {
  return rule?.payOnDay === undefined ? null : nextDayOfMonth(now, rule.payOnDay);
}

function cutStep(wanted: Money, granted: Money): CalculationStep[] {
  return wanted.minor === granted.minor ? [] : [{ step: 'limited', values: {}, result: textOf(granted) }];
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
