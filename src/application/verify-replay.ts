import { qualifiedAt, tierIn, tierReachedIn, wonReferralsIn } from '../domain/as-judged.ts';
import { decide, type FriendFacts } from '../domain/decide.ts';
import { type Decision, type Reward, standingMinor } from '../domain/decision.ts';
import {
  DECIDED_HERE_CONDITION,
  judge,
  judgeAgain,
  judgeHold,
  NOT_STAFF_CONDITION,
  RECRUITER_CONDITION,
} from '../domain/eligibility.ts';
import type { Money } from '../domain/money.ts';
import type { State } from '../domain/plan.ts';
import {
  beginOf,
  holdEnd,
  limitsOf,
  needsTier,
  type ProgramVersion,
  publishedRule,
  type RewardRule,
  restsOnCount,
  rulesFor,
  triggerOf,
} from '../domain/program.ts';
import { propertyFactsOf } from '../domain/property.ts';
import type { Rates } from '../domain/rates.ts';
import type { Reason } from '../domain/reason.ts';
import { type RecordRef, recordKey } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import { addTo, givenBack } from '../domain/tally.ts';
import type { HeldTier } from '../domain/tier-scheme.ts';
import type { Instant } from '../domain/time.ts';
import { dealsAt } from '../domain/timeline.ts';
import type { AuditAccount, AuditPage, MappingVersion } from './ports/audit.ts';
import { contactsOf, friendOf, mappingThen, recordedElsewhere, withoutMerged } from './recorded.ts';
import { stands } from './verify-books.ts';
import { blockedChains, chainKey, riskProblem } from './verify-risk.ts';

/*
 * Law 6: what is stored about a referral, derived again from the facts as they were last read.
 *
 * Three questions, each of which finds what the others can't:
 * - Does every decision follow from the deal's history at its moment? It finds a wrong amount and an invented decision.
 * - Would processing the referral once more change anything? It finds a decision, a reversal or a reward that is missing.
 * - Does deciding from nothing, as if the referral had never been looked at, give the same rewards? It finds what rests on nothing.
 *
 * The facts that are kept are the newest reading of each record, with the history that the CRM keeps of stage, pipeline, amount and
 * currency. What the CRM keeps no history of (associations, deletions, merges) can therefore not always be derived again; those cases
 * are told with their reason, and count neither as right nor as wrong.
 */

export const UNDERIVABLE = {
  no_facts: 'the record that was decided on has never been kept',
  deal_deleted: 'the deal was deleted in the CRM, and its history with it',
  deal_merged: 'deals were merged, and the CRM shows one history for all of them',
  history_cut: 'the CRM no longer shows the history that was decided on',
  no_history: 'associations, deletions and refusals have no history in the CRM',
  contact_gone: 'the contact was deleted or erased in the CRM',
  contact_merged: 'the contact was merged into another one, whose referral goes on',
  mapping_changed: 'the meaning of stages has changed since, and the past is not judged anew',
  shared_deal: 'several referred contacts are on the deal; the first one who was rewarded stays',
  first_known: 'several deals were won; the one that was known first was rewarded',
  order_stood: 'the deal was won again while the provider had the order, which then stood',
  amount_stood: 'the amount changed after the reward had been issued; what was issued is only ever cut',
  a_person: 'a person approved or rejected it, gave the referral to another member, or wrote off what was owed back',
  not_used: 'it was not used in time, which its provider knows and no record of the CRM',
  risk_then: 'what was known of the people then decided on the risk, and the CRM keeps no history of it',
  limits_then: 'limits, budgets and tiers count what was granted before, in the order in which it was',
  two_connections: 'the friend is known in several connections, and what was known first was rewarded',
  recruiter_then: 'who is a recruiter is told by the CRM as it is now',
  rate_then: 'it waited for an exchange rate that was entered later',
  property_then: "a contact's and a company's properties have no history here, and were others then",
  test_over: 'the test of a program has ended, and nothing is decided in it any more',
  version_gone: 'the program or mapping version that the decision names is not there',
} as const;

export type Underivable = keyof typeof UNDERIVABLE;

export interface ReplayResult {
  readonly problems: readonly string[];
  /** What could not be derived again, and how often. */
  readonly underivable: readonly Underivable[];
  /** Decisions that were derived again and are the same. */
  readonly decisions: number;
  /** True when the rewards that stand are those that deciding from nothing gives. */
  readonly isDerived: boolean;
  /** True when a record is still to be looked at, so that nothing can be said yet of what is missing. */
  readonly waits: boolean;
}

export interface ReplayInput {
  readonly accountId: string;
  readonly account: AuditAccount;
  readonly page: AuditPage;
}

/** For one page: what is shared by its referrals is put in order once. */
export function createReplay({ accountId, account, page }: ReplayInput): (referral: Referral) => ReplayResult {
  const current = withoutMerged(page);
  const waiting = new Set(page.waiting.map(recordKey));

  /** One connection's part: what is decided there is decided by what is known there, and by what the others show. */
  function replay(referral: Referral, contactRef: RecordRef, isOnly: boolean): ReplayResult {
    const here = contactRef.connectionId;
    const own = page.decisions.filter(
      ({ referralId, deal }) => referralId === referral.id && (isOnly || deal.connectionId === here),
    );
    const friend = friendOf(referral, contactRef, page, current);
    if (friend === 'unknown') return { ...nothing, underivable: own.map(() => 'no_facts') };
    if (friend === 'merged') return { ...nothing, underivable: own.map(() => 'contact_merged') };

    const rewards = page.rewards.filter(
      ({ referralId, deal }) => referralId === referral.id && (isOnly || deal.connectionId === here),
    );
    const connection = account.connections.find(({ id }) => id === contactRef.connectionId);
    const versions = account.mappings.get(contactRef.connectionId) ?? [];
    const seenAt = Math.max(
      ...friend.readAt,
      ...own.map(({ recordedAt }) => recordedAt),
      ...rewards.map(({ updatedAt }) => updatedAt),
    );
    const mapping = mappingThen(versions, friend.judgedBy, seenAt);
    if (!connection || !mapping) return { ...nothing, underivable: own.map(() => 'version_gone') };

    const underivable: Underivable[] = [];
    const problems: string[] = [];
    let derived = 0;
    for (const decision of own) {
      const outcome = orPropertyThen(
        decision,
        rejudge(
          decision,
          referral,
          own,
          friend.facts,
          account.programs,
          versions,
          connection.connectedAt,
          account.rates,
        ),
      );
      if (outcome === 'same') derived += 1;
      else if (typeof outcome === 'string') underivable.push(outcome);
      else problems.push(`decision ${decision.id} (${decision.outcome} ${decision.reason.code}): ${outcome.differs}`);
    }

    const state: State = {
      ...page.state,
      accountId,
      programs: account.programs,
      choices: account.choices,
      connectedAt: connection.connectedAt,
      mapping,
      rates: account.rates,
      ...recordedElsewhere(account, page, here, seenAt, friend.judgedBy),
    };
    const input = { friends: [friend.facts], contacts: current.contactsIn(here), now: seenAt };
    const concerned = [
      ...contactsOf(referral, page),
      ...friend.facts.deals.map(({ ref }) => ref),
      ...(state.elsewhere?.deals ?? []).map(({ facts }) => facts.ref),
    ];
    const waits = concerned.some((ref) => waiting.has(recordKey(ref)));
    const news = newsOf(decide({ ...input, state }), referral, blockedChains(own));
    // What was granted for one deal was taken back with the test, and nobody asks what that makes of another one.
    const isOver = connection.testOf !== undefined && connection.status !== 'connected';
    if (news.length > 0 && !waits && !isOver)
      problems.push(`referral ${referral.id}: processing it again would ${news.join(', ')}`);

    const standing = textOfRewards(rewards.filter(stands), friend.facts);
    const fromNothing = standingFromNothing(input, state, referral, rewards, friend.facts);
    const isDerived = standing === fromNothing;
    if (!isDerived && !waits && problems.length === 0) {
      const why = isOver ? 'test_over' : whyNotDerived(referral, own, friend.facts, versions, account.programs, page);
      if (why) underivable.push(why);
      else problems.push(`referral ${referral.id}: ${standing} stands, the facts alone give ${fromNothing}`);
    }
    return { problems, underivable, decisions: derived, isDerived, waits };
  }

  return (referral) => {
    const contacts = contactsOf(referral, page);
    const results = contacts.map((contact) => replay(referral, contact, contacts.length === 1));
    if (results.length === 1) return results[0] as ReplayResult;
    return {
      problems: [...new Set(results.flatMap(({ problems }) => problems))],
      underivable: results.flatMap(({ underivable }) => underivable),
      decisions: results.reduce((sum, { decisions }) => sum + decisions, 0),
      isDerived: results.length > 0 && results.every(({ isDerived }) => isDerived),
      waits: results.some(({ waits }) => waits),
    };
  };
}

const nothing: ReplayResult = { problems: [], underivable: [], decisions: 0, isDerived: false, waits: false };

/** Decisions that people made. */
const BY_PERSON: ReadonlySet<string> = new Set([
  'review_approved',
  'review_rejected',
  're_attributed',
  'risk_allowed',
  'history_released',
  'taken_back_by_person',
  'written_off',
]);

// ── Each decision ───────────────────────────────────────────────────────────────────────────────────────────────────

/** What rests on a property of a person or a company is judged by what it is now, and may have been another then. */
function orPropertyThen({ conditions }: Decision, outcome: Rejudged): Rejudged {
  const restsOnPerson = conditions.some(({ condition }) => /^(friend's|company's) property /.test(condition));
  return typeof outcome === 'object' && restsOnPerson ? 'property_then' : outcome;
}

type Rejudged = 'same' | Underivable | { readonly differs: string };

function rejudge(
  decision: Decision,
  referral: Referral,
  own: readonly Decision[],
  { contact, deals }: FriendFacts,
  programs: readonly ProgramVersion[],
  versions: readonly MappingVersion[],
  connectedAt: Instant,
  rates: Rates,
): Rejudged {
  const deal = deals.find(({ ref, formerIds }) => ref.id === decision.deal.id || formerIds.includes(decision.deal.id));
  if (!deal) return 'no_facts';
  const { code } = decision.reason;
  if (code === 'rate_missing') return 'rate_then';
  if (BY_PERSON.has(code)) return 'a_person';
  if (code === 'expired_unused') return 'not_used';
  if (code === 'deal_deleted' || code === 'deal_detached' || code === 'referral_declined') return 'no_history';
  if (code === 'deal_merged') return 'deal_merged';
  if (deal.presence === 'deleted') return 'deal_deleted';
  // The history of a merged deal is that of all of them, and was another one when it was decided on.
  if (deal.ref.id !== decision.deal.id || deal.formerIds.some((id) => own.some((other) => other.deal.id === id)))
    return 'deal_merged';
  const mapping = versions.find(({ version }) => version === decision.mappingVersion);
  const program = programs.find(
    ({ programId, version }) => programId === decision.program.id && version === decision.program.version,
  );
  const rule =
    program && rulesFor(program.rules, referral, decision.recordedAt).find(({ key }) => key === decision.ruleKey);
  if (!mapping || !program) return 'version_gone';
  if (!rule) return { differs: `its program version has no rule ${decision.ruleKey}` };
  const [dealAt] = dealsAt([deal], mapping, decision.effectiveAt);
  if (!dealAt) return 'history_cut';
  const since = dealAt.since[triggerOf(rule)];

  if (code === 'left_won' || code === 'left_stage') {
    return dealAt.stage !== null && since === null ? 'same' : { differs: 'the deal had not left its stage' };
  }
  const isHoldOver =
    code === 'hold_ended' || code === 'hold_unmet' || (code === 'review_needed' && decision.sequence > 1);
  if (since === null) {
    // A stage that the mapping does not know takes nothing back.
    if (isHoldOver && dealAt.stage === null) return 'same';
    return { differs: 'the deal was not where the rule wants it' };
  }
  if (isHoldOver) return 'same';
  if (code === 'hold_met') {
    const isMet = rule.holdUntil && judgeHold(rule.holdUntil, dealAt, referral, contact).result.verdict === 'met';
    return isMet ? 'same' : { differs: 'what the hold waited for had not come' };
  }

  // What is taken back has no conditions of its own: it goes by the win and the tier that were decided with what was given.
  const judged =
    own.findLast(
      ({ ruleKey, deal: of, sequence, conditions }) =>
        ruleKey === decision.ruleKey &&
        of.id === decision.deal.id &&
        sequence <= decision.sequence &&
        conditions.length > 0,
    ) ?? decision;
  const again = judgeAgain(rule, dealAt, referral, contact, wonReferralsThen(judged), tierThen(judged, program), rates);
  if (decision.outcome === 'reversed') {
    const isFollowed = rule.amountChanges === 'follow';
    if (isFollowed && code === 'amount_changed' && again.kind === 'pays') return 'same';
    if (isFollowed && again.kind === 'refuses' && again.reason.code === code) return 'same';
    return { differs: `nothing is taken back for "${code}"` };
  }
  if (decision.outcome === 'adjusted') {
    const isCut = again.kind === 'pays' && (decision.money?.minor ?? 0n) <= again.money.minor;
    return isCut ? 'same' : { differs: 'the facts leave less of the reward' };
  }
  const wasYes = (condition: string) =>
    decision.conditions.find((result) => result.condition === condition)?.verdict !== 'unmet';
  const waitedFrom = qualifiedAt(
    rule,
    own.filter(
      ({ ruleKey, deal: of, sequence, effectiveAt }) =>
        ruleKey === decision.ruleKey &&
        of.id === decision.deal.id &&
        sequence < decision.sequence &&
        effectiveAt >= since,
    ),
  );
  const verdict = judge({
    rule,
    referral,
    friend: contact,
    // Of one that waited for room: as it was when it qualified.
    dealAt: waitedFrom === null ? dealAt : (dealsAt([deal], mapping, waitedFrom)[0] ?? dealAt),
    reachedAt: since,
    startsAt: Math.max(beginOf(programs, referral.programId), connectedAt),
    isReleased: own.some(
      (other) =>
        other.reason.code === 'history_released' &&
        other.ruleKey === decision.ruleKey &&
        other.deal.id === decision.deal.id &&
        other.sequence < decision.sequence,
    ),
    // Who else was credited is no fact about this deal; it is asked for by deciding from nothing.
    otherDealsRewarded:
      wasYes('first rewarded deal of the referral') && wasYes('rewarded deals of the referral')
        ? 0
        : Number.POSITIVE_INFINITY,
    otherReferralCredited: !wasYes('first referral on the deal'),
    decidedElsewhere: decidedElsewhereThen(decision),
    wonReferrals: wonReferralsThen(decision),
    rates,
    tier: tierThen(decision, program),
    recruiter: !wasYes(RECRUITER_CONDITION) ? 'none' : !wasYes(NOT_STAFF_CONDITION) ? 'member' : 'other',
  });
  switch (decision.outcome) {
    case 'rewarded':
    case 'held':
    case 'in_review': {
      if (verdict.kind !== 'pays') return { differs: `the facts give "${verdict.reason.code}"` };
      const revived = own.some((other) => other.rewardId === decision.rewardId && other.sequence < decision.sequence);
      if (revived) return 'order_stood';
      if (!isAmount(decision, verdict.money))
        return { differs: `the facts give ${verdict.money.minor} ${verdict.money.currency} (minor units)` };
      const risky = riskProblem(decision, program.risk, own);
      if (risky !== null) return { differs: risky };
      return holdEnd(rule, since) === decision.releaseAt
        ? 'same'
        : { differs: 'the facts give another end of the hold' };
    }
    case 'capped':
    case 'queued':
      return verdict.kind === 'pays' ? 'same' : { differs: `the facts give "${verdict.reason.code}"` };
    case 'history':
      if (verdict.kind !== 'history')
        return {
          differs: verdict.kind === 'pays' ? 'the facts give a reward' : `the facts give "${verdict.reason.code}"`,
        };
      return isAmount(decision, verdict.money)
        ? 'same'
        : { differs: `the facts give ${verdict.money.minor} ${verdict.money.currency} (minor units)` };
    case 'waiting':
    case 'skipped': {
      const wouldPay = verdict.kind === 'pays' || verdict.kind === 'history';
      if ((code === 'other_rule_better' || code === 'assist_alone') && wouldPay) return 'same';
      // Said before there was a list of what would have been paid.
      if (code === 'deal_before_program' && verdict.kind === 'history') return 'same';
      if (code === 'risk_blocked' && verdict.kind === 'pays') {
        const risky = riskProblem(decision, program.risk, own);
        return risky === null ? 'same' : { differs: risky };
      }
      const wanted = decision.outcome === 'waiting' ? 'waits' : 'refuses';
      if (verdict.kind === wanted && verdict.reason.code === code) return 'same';
      return {
        differs: verdict.kind === 'pays' ? 'the facts give a reward' : `the facts give "${verdict.reason.code}"`,
      };
    }
  }
}

/** The amount of a decision is that of the facts, or what a limit had left of it. */
function isAmount({ money, calculation }: Decision, facts: Money): boolean {
  if (money?.currency !== facts.currency) return false;
  return calculation.some(({ step }) => step === 'limited') ? money.minor < facts.minor : money.minor === facts.minor;
}

/** How many referrals of the member were won then is no fact about this deal; the decision says it where it mattered. */
function wonReferralsThen(decision: Decision): number {
  return wonReferralsIn(decision) ?? 1;
}

/** Nor what another connection decides; whether that was right is asked for by deciding again, and from nothing. */
function decidedElsewhereThen({ conditions, reason }: Decision): Reason | null | undefined {
  const told = conditions.find(({ condition }) => condition === DECIDED_HERE_CONDITION);
  return told && (told.verdict === 'unmet' ? reason : null);
}

/** Nor is the tier: by which one it was decided, the decision says. */
function tierThen(decision: Decision, { tiers }: ProgramVersion): HeldTier | null {
  if (!tiers) return null;
  return { levels: tiers.levels, held: tierIn(decision) ?? null, reached: tierReachedIn(decision) ?? null };
}

// ── All of them together ────────────────────────────────────────────────────────────────────────────────────────────

/** What a plan would change about the referral's stage and money; names, touches and looks ahead are not news. */
function newsOf(plan: ReturnType<typeof decide>, referral: Referral, blocked: ReadonlySet<string>): string[] {
  const changed = plan.referrals.find(({ id }) => id === referral.id);
  return [
    ...plan.decisions
      .filter((decision) => !blocked.has(chainKey(decision)))
      .map(
        ({ outcome, ruleKey, deal, reason }) => `decide "${outcome} ${reason.code}" for ${ruleKey} on deal ${deal.id}`,
      ),
    ...plan.rewards
      .filter(({ id }) => !plan.decisions.some(({ rewardId }) => rewardId === id))
      .map(({ id, state }) => `make reward ${id} ${state}`),
    ...(changed && changed.stage !== referral.stage ? [`move it from ${referral.stage} to ${changed.stage}`] : []),
    ...(changed && JSON.stringify(wonText(changed)) !== JSON.stringify(wonText(referral))
      ? ['count other deals towards a tier']
      : []),
  ];
}

function wonText({ wonDeals = [] }: Referral): string[] {
  return wonDeals.map(({ id, at, money }) => `${id} ${at} ${money?.minor} ${money?.currency}`);
}

function standingFromNothing(
  input: Pick<Parameters<typeof decide>[0], 'friends' | 'contacts' | 'now'>,
  state: State,
  referral: Referral,
  rewards: readonly Reward[],
  friend: FriendFacts,
): string {
  // Who was referred only after this reward was granted does not take it away.
  const grantedAt = Math.min(...rewards.filter(stands).map(({ createdAt }) => createdAt));
  // What other connections decided on their deals stands.
  const isElsewhere = (deal: RecordRef) =>
    state.elsewhere !== undefined && deal.connectionId !== friend.contact.ref.connectionId;
  const tallies = new Map(state.tallies);
  addTo(
    tallies,
    rewards.filter(stands).flatMap(({ uses }) => givenBack(uses)),
  );
  const plan = decide({
    ...input,
    state: {
      ...state,
      tallies,
      referrals: state.referrals.filter(({ id, submittedAt }) => id === referral.id || submittedAt <= grantedAt),
      decisions: state.decisions.filter(({ referralId, deal }) => referralId !== referral.id || isElsewhere(deal)),
      rewards: state.rewards.filter(({ referralId, deal }) => referralId !== referral.id || isElsewhere(deal)),
    },
  });
  return textOfRewards(
    plan.rewards.filter((reward) => reward.referralId === referral.id && stands(reward) && !isElsewhere(reward.deal)),
    friend,
  );
}

function textOfRewards(rewards: readonly Reward[], { deals }: FriendFacts): string {
  const texts = rewards.map(({ deal, ruleKey, party, beneficiaryId, money, clawedBack, state, payout }) => {
    const minor = standingMinor({ money, clawedBack });
    const current = deals.find(({ ref, formerIds }) => ref.id === deal.id || formerIds.includes(deal.id));
    const isHeld = state === 'held' || state === 'in_review' ? 'held' : 'owed';
    return `${ruleKey} ${isHeld} ${minor} ${money.currency} for deal ${current?.ref.id ?? deal.id} to ${party} ${beneficiaryId} by ${payout}`;
  });
  return texts.sort().join(' and ') || 'nothing';
}

/** Why deciding from nothing may rightly give something else than what was decided step by step. */
function whyNotDerived(
  referral: Referral,
  own: readonly Decision[],
  { contact, deals }: FriendFacts,
  versions: readonly MappingVersion[],
  programs: readonly ProgramVersion[],
  page: AuditPage,
): Underivable | null {
  if (contact.presence === 'deleted') return 'contact_gone';
  if (deals.some(({ formerIds }) => formerIds.some((id) => own.some(({ deal }) => deal.id === id))))
    return 'deal_merged';
  if (new Set([...own.map(({ mappingVersion }) => mappingVersion), versions.at(-1)?.version]).size > 1)
    return 'mapping_changed';
  if (own.some(({ reason }) => ['deal_detached', 'deal_deleted', 'referral_declined'].includes(reason.code)))
    return 'no_history';
  const revived = own.some(
    ({ outcome, rewardId, sequence, reason }) =>
      outcome === 'rewarded' &&
      reason.code === 'rewarded' &&
      own.some((other) => other.rewardId === rewardId && other.sequence < sequence),
  );
  if (revived) return 'order_stood';
  if (own.some(({ reason: { code } }) => BY_PERSON.has(code))) return 'a_person';
  if (own.some(({ risk }) => risk !== undefined)) return 'risk_then';
  if (own.some(({ reason: { code } }) => code === 'expired_unused')) return 'not_used';
  const rules = rulesOf(own, programs);
  if (
    rules.some(({ amountChanges }) => amountChanges === 'follow') &&
    own.some(({ outcome }) => outcome === 'rewarded')
  )
    return 'amount_stood';
  if (rules.some((rule) => limitsOf(rule).length > 0 || rule.usesBudget || needsTier(rule) || restsOnCount(rule)))
    return 'limits_then';
  if (rules.some(({ party }) => party === 'recruiter')) return 'recruiter_then';
  if (rules.some((rule) => propertyFactsOf(rule).some(({ fact }) => fact !== 'deal.property'))) return 'property_then';
  const decided = new Map(own.map(({ deal, effectiveAt }) => [deal.id, effectiveAt]));
  if (deals.some(({ ref, history }) => (decided.get(ref.id) ?? Number.POSITIVE_INFINITY) < (history[0]?.at ?? 0)))
    return 'history_cut';
  const isShared = page.state.referrals.some(
    ({ id, friend }) =>
      id !== referral.id &&
      friend.contact !== null &&
      deals.some((deal) => deal.contactIds.includes(friend.contact?.id ?? '')),
  );
  if (isShared) return 'shared_deal';
  // The other connection's decision may have come first, and stays.
  const allOwn = page.decisions.filter(({ referralId }) => referralId === referral.id);
  if (new Set(allOwn.map(({ deal }) => deal.connectionId)).size > 1) return 'two_connections';
  return deals.length > 1 ? 'first_known' : null;
}

function rulesOf(own: readonly Decision[], programs: readonly ProgramVersion[]): RewardRule[] {
  return own.flatMap(({ program, ruleKey }) => {
    const version = programs.find((one) => one.programId === program.id && one.version === program.version);
    return (version && publishedRule(version.rules, ruleKey)) ?? [];
  });
}
