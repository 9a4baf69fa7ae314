import { type Decision, type Reward, STANDING_STATES } from '../domain/decision.ts';
import { derivedId } from '../domain/ids.ts';
import { imbalance, type Journal, type JournalKind, journalFor, type Posting } from '../domain/ledger.ts';
import type { AuditedIntent } from './ports/audit.ts';

/*
 * Law 3, and the half of law 2 that needs no fact: whether rewards, journals and orders are what the decisions on a referral make of
 * them. Everything here compares stored rows with stored rows.
 */

export interface Books {
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  readonly journals: readonly Journal[];
  readonly intents: readonly AuditedIntent[];
}

export function stands({ state, reversalPending }: Reward): boolean {
  return STANDING_STATES.includes(state) && !reversalPending;
}

/** What is wrong with the books of one referral; nothing when they agree. */
export function booksProblems({ decisions, rewards, journals, intents }: Books): string[] {
  const journalsOf = Map.groupBy(journals, ({ rewardId }) => rewardId);
  const intentOf = new Map(intents.map((intent) => [intent.rewardId, intent]));
  return [
    ...chainProblems(decisions, rewards),
    ...doubleProblems(rewards),
    ...rewards.flatMap((reward) => {
      const own = decisions.filter(({ rewardId }) => rewardId === reward.id);
      return [
        ...grantProblems(reward, own),
        ...journalProblems(reward, own, journalsOf.get(reward.id) ?? []),
        ...intentProblems(reward, intentOf.get(reward.id)),
      ];
    }),
  ];
}

/** The decisions of one rule on one deal tell a story without a gap or a contradiction. */
function chainProblems(decisions: readonly Decision[], rewards: readonly Reward[]): string[] {
  const problems: string[] = [];
  for (const ofRule of Map.groupBy(decisions, ({ ruleKey }) => ruleKey).values()) {
    const numbers = new Set(ofRule.map(({ sequence }) => sequence));
    for (const [dealId, chain] of Map.groupBy(ofRule, ({ deal }) => `${deal.connectionId} ${deal.id}`)) {
      chain.sort((a, b) => a.sequence - b.sequence);
      const [first] = chain;
      if (!first) continue;
      const name = `${first.ruleKey} on deal ${dealId} of ${first.referralId}`;
      // The chain of a deal that another was merged into goes on behind that one's.
      if (first.sequence !== 1 && !numbers.has(first.sequence - 1))
        problems.push(`the decisions of ${name} begin with number ${first.sequence}`);
      chain.forEach(({ sequence }, index) => {
        const before = chain[index - 1];
        if (before && sequence !== before.sequence + 1)
          problems.push(`decision ${sequence} of ${name} follows on ${before.sequence}`);
      });
    }
  }
  for (const decision of decisions) {
    if (decision.rewardId !== null && !rewards.some(({ id }) => id === decision.rewardId))
      problems.push(`decision ${decision.id} names reward ${decision.rewardId}, which is not one of its referral`);
    const pays = decision.outcome === 'rewarded' || decision.outcome === 'held';
    if (pays !== (decision.money !== null && decision.rewardId !== null) && decision.outcome !== 'reversed')
      problems.push(`decision ${decision.id} is ${decision.outcome} ${pays ? 'without' : 'and names'} a reward`);
  }
  return problems;
}

/** One rule pays a referral once, and a deal once. */
function doubleProblems(rewards: readonly Reward[]): string[] {
  const standing = Map.groupBy(rewards.filter(stands), ({ ruleKey }) => ruleKey);
  return [...standing].flatMap(([rule, group]) =>
    group.length > 1
      ? [`rule ${rule} has ${group.length} rewards standing: ${group.map(({ id }) => id).join(', ')}`]
      : [],
  );
}

/** A reward is what a decision granted, and whether it stands is what the last decision on it says. */
function grantProblems(reward: Reward, own: readonly Decision[]): string[] {
  const problems: string[] = [];
  const say = (what: string) => void problems.push(`reward ${reward.id} ${what}`);
  const inOrder = own.toSorted((a, b) => a.sequence - b.sequence);
  const [grant] = inOrder;
  const last = inOrder.at(-1);
  if (!grant || !last || (grant.outcome !== 'rewarded' && grant.outcome !== 'held')) {
    say('was granted by no decision');
    return problems;
  }
  for (const { id, money, ruleKey, party, outcome } of own) {
    if (money?.minor !== reward.money.minor || money.currency !== reward.money.currency)
      say(`is ${amountOf(reward.money)}, its decision ${id} says ${money ? amountOf(money) : 'nothing'}`);
    if (ruleKey !== reward.ruleKey || party !== reward.party)
      say(`is of another rule or party than its decision ${id}`);
    if (outcome === 'waiting' || outcome === 'skipped') say(`is named by decision ${id}, which is ${outcome}`);
  }
  if (grant.releaseAt !== reward.releaseAt) say('ends its hold at another time than its decision says');
  const isTaken = last.outcome === 'reversed';
  if (isTaken === stands(reward)) {
    say(
      isTaken
        ? `stands (${reward.state}), though decision ${last.id} took it back`
        : `has ended (${reward.state}) without a decision`,
    );
  }
  const isHeld = reward.state === 'held' || reward.state === 'in_review';
  if (stands(reward) && isHeld !== (last.outcome === 'held'))
    say(`is ${reward.state}, though its last decision is ${last.outcome}`);
  return problems;
}

/** The journals that a reward in its state must have: these, and no other. */
function expectedJournals(reward: Reward, own: readonly Decision[], found: readonly Journal[]): Journal[] | null {
  const wasHeld = own.some(({ outcome }) => outcome === 'held');
  const wasReleased = own.some(({ reason }) => reason.code === 'hold_ended');
  const whileHeld = wasHeld && !wasReleased;
  const kinds: JournalKind[] = ['accrue', ...(wasReleased ? (['release'] as const) : [])];
  switch (reward.state) {
    case 'held':
    case 'in_review':
    case 'approved':
    case 'issuing':
    case 'failed':
      break;
    case 'issued':
    case 'redeemed':
      kinds.push('issue');
      break;
    case 'voided':
      kinds.push('void');
      break;
    case 'clawed_back':
      kinds.push('issue', 'claw_back');
      break;
    case 'expired':
      return null;
  }
  // What a provider gave back was booked as issued first; it stays owed, or is no longer claimed from the beneficiary.
  const cameBack = found.some(({ kind }) => kind === 'return');
  const mayComeBack = reward.state === 'failed' || reward.state === 'voided' || reward.state === 'clawed_back';
  if (cameBack && mayComeBack) {
    if (!kinds.includes('issue')) kinds.push('issue');
    kinds.push('return');
  }
  return kinds.map((kind) => {
    const { decisionId = null, effectiveAt = 0, recordedAt = 0 } = found.find((journal) => journal.kind === kind) ?? {};
    return journalFor({
      reward,
      kind,
      whileHeld: kind === 'accrue' ? wasHeld : whileHeld,
      afterClawBack: reward.state === 'clawed_back',
      decisionId,
      effectiveAt,
      recordedAt,
    });
  });
}

function journalProblems(reward: Reward, own: readonly Decision[], found: readonly Journal[]): string[] {
  const problems: string[] = [];
  for (const { id, postings, kind, decisionId, rewardId } of found) {
    for (const [currency, minor] of imbalance(postings)) problems.push(`journal ${id} is off by ${minor} ${currency}`);
    if (postings.length < 2) problems.push(`journal ${id} has ${postings.length} postings`);
    if (id !== derivedId('jrn', rewardId, kind)) problems.push(`journal ${id} has an id that its cause does not give`);
    if (decisionId === null && (kind === 'accrue' || kind === 'release'))
      problems.push(`journal ${id} owes money without a decision`);
    if (decisionId !== null && !own.some((decision) => decision.id === decisionId))
      problems.push(`journal ${id} names decision ${decisionId}, which is about something else`);
  }
  const expected = expectedJournals(reward, own, found);
  if (!expected) return [...problems, `reward ${reward.id} is ${reward.state}, which nothing here knows how to book`];
  for (const journal of expected) {
    const same = found.find(({ kind }) => kind === journal.kind);
    if (!same) problems.push(`reward ${reward.id} is ${reward.state}, but was never booked as "${journal.kind}"`);
    else if (textOf(same.postings) !== textOf(journal.postings))
      problems.push(`journal ${same.id} books ${textOf(same.postings)}, should book ${textOf(journal.postings)}`);
  }
  for (const { id, kind } of found)
    if (!expected.some((journal) => journal.kind === kind))
      problems.push(`journal ${id} books "${kind}", which reward ${reward.id} (${reward.state}) has no reason for`);
  return problems;
}

function textOf(postings: readonly Posting[]): string {
  return postings
    .map(({ account, minor, currency }) => `${account} ${minor} ${currency}`)
    .sort()
    .join(', ');
}

function amountOf({ minor, currency }: Reward['money']): string {
  return `${minor} ${currency} (minor units)`;
}

/** What its order may be while a reward is in a state; `none` for a reward that was never ordered. */
const ORDERS: Readonly<Record<Reward['state'], readonly string[]>> = {
  held: ['none'],
  in_review: ['none'],
  approved: ['pending'],
  issuing: ['pending'],
  issued: ['done'],
  redeemed: ['done'],
  failed: ['done'],
  // Taken back while it was held, before it went out, or after the provider had refused.
  voided: ['none', 'cancelled', 'done'],
  expired: ['none', 'cancelled'],
  clawed_back: ['done'],
};

function intentProblems(reward: Reward, intent: AuditedIntent | undefined): string[] {
  const problems: string[] = [];
  const state = intent?.state ?? 'none';
  if (!ORDERS[reward.state].includes(state))
    problems.push(`reward ${reward.id} is ${reward.state}, and its order is ${state}`);
  if (intent && intent.id !== derivedId('pay', reward.id))
    problems.push(`order ${intent.id} has a key that reward ${reward.id} does not give: a provider would pay it again`);
  if (intent && intent.provider !== reward.payout)
    problems.push(`order ${intent.id} goes to ${intent.provider}, reward ${reward.id} to ${reward.payout}`);
  return problems;
}
