import {
  type Decision,
  type Outcome,
  orderedMinor,
  type Reward,
  STANDING_STATES,
  standingMinor,
} from '../domain/decision.ts';
import { derivedId } from '../domain/ids.ts';
import { imbalance, type Journal, type JournalKind, journalFor, journalId, type Posting } from '../domain/ledger.ts';
import type { ProgramVersion, RewardRule } from '../domain/program.ts';
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
  readonly programs: readonly ProgramVersion[];
}

/** Outcomes that name a reward that stands by them. */
const PAYING: readonly Outcome[] = ['rewarded', 'held', 'in_review', 'adjusted'];

export function stands({ state, reversalPending }: Reward): boolean {
  return STANDING_STATES.includes(state) && !reversalPending;
}

/** What is wrong with the books of one referral; nothing when they agree. */
export function booksProblems({ decisions, rewards, journals, intents, programs }: Books): string[] {
  const journalsOf = Map.groupBy(journals, ({ rewardId }) => rewardId);
  const intentOf = new Map(intents.map((intent) => [intent.rewardId, intent]));
  return [
    ...chainProblems(decisions, rewards),
    ...doubleProblems(rewards, programs),
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
    const pays = PAYING.includes(decision.outcome);
    if (pays !== (decision.money !== null && decision.rewardId !== null) && decision.outcome !== 'reversed')
      problems.push(`decision ${decision.id} is ${decision.outcome} ${pays ? 'without' : 'and names'} a reward`);
  }
  return problems;
}

/** One rule pays a deal once, and a referral as often as its policy on deals says in one of its versions. */
function doubleProblems(rewards: readonly Reward[], programs: readonly ProgramVersion[]): string[] {
  const standing = Map.groupBy(rewards.filter(stands), ({ ruleKey }) => ruleKey);
  return [...standing].flatMap(([key, group]) => {
    const ids = group.map(({ id }) => id).join(', ');
    const policies = programs.flatMap(({ rules }) => rules.filter((rule) => rule.key === key));
    const most = Math.max(1, ...policies.map(mostDeals));
    if (group.length > most) return [`rule ${key} has ${group.length} rewards standing: ${ids}`];
    const deals = new Set(group.map(({ deal }) => `${deal.connectionId} ${deal.id}`));
    return deals.size < group.length ? [`rule ${key} has two rewards standing for one deal: ${ids}`] : [];
  });
}

function mostDeals({ deals = { kind: 'first' } }: RewardRule): number {
  return deals.kind === 'first' ? 1 : deals.kind === 'every' ? Number.POSITIVE_INFINITY : deals.count;
}

/** A reward is what a decision granted, and whether it stands is what the last decision on it says. */
function grantProblems(reward: Reward, own: readonly Decision[]): string[] {
  const problems: string[] = [];
  const say = (what: string) => void problems.push(`reward ${reward.id} ${what}`);
  const inOrder = own.toSorted((a, b) => a.sequence - b.sequence);
  const [grant] = inOrder;
  const last = inOrder.at(-1);
  if (!grant || !last || !PAYING.includes(grant.outcome) || grant.outcome === 'adjusted') {
    say('was granted by no decision');
    return problems;
  }
  for (const { id, money, ruleKey, party, outcome } of own) {
    if (outcome === 'adjusted') continue;
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
  for (const [state, outcome] of [
    ['held', 'held'],
    ['in_review', 'in_review'],
  ] as const) {
    if (stands(reward) && (reward.state === state) !== (last.outcome === outcome))
      say(`is ${reward.state}, though its last decision is ${last.outcome}`);
  }
  const adjusted = inOrder.findLast(({ outcome }) => outcome === 'adjusted');
  // Of one that has ended with all of its money back nothing is claimed in parts any more.
  const isUndone = reward.state === 'expired' || reward.state === 'voided';
  if (adjusted && !isUndone && adjusted.money?.minor !== standingMinor(reward))
    say(`stands for ${standingMinor(reward)}, its last adjustment says ${adjusted.money?.minor}`);
  return problems;
}

/** The journals that a reward in its state must have: these, and no other. Parts that were taken back or given again are added up apart. */
function expectedJournals(reward: Reward, own: readonly Decision[], found: readonly Journal[]): Journal[] {
  const isFrom = (outcome: Outcome) => own.some((decision) => decision.outcome === outcome);
  const wasHeld = isFrom('held') || isFrom('in_review');
  const wasReleased = wasHeld && isFrom('rewarded');
  const whileHeld = wasHeld && !wasReleased;
  const ordered = orderedMinor(reward);
  const kinds = new Map<JournalKind, bigint>([['accrue', reward.money.minor]]);
  const book = (kind: JournalKind, minor: bigint) => {
    if (minor !== 0n) kinds.set(kind, minor);
  };
  if (wasReleased) book('release', reward.money.minor);
  book('net', reward.netted);
  switch (reward.state) {
    case 'held':
    case 'in_review':
    case 'approved':
    case 'issuing':
    case 'failed':
      break;
    case 'issued':
    case 'redeemed':
      book('issue', ordered);
      break;
    case 'voided':
      book('void', ordered);
      book('unnet', reward.netted);
      break;
    case 'clawed_back':
      book('issue', ordered);
      book('claw_back', standingMinor(reward));
      break;
    case 'expired':
      book('issue', ordered);
      book('expire', ordered);
      break;
  }
  // What a provider gave back was booked as issued first; it stays owed, or is no longer claimed from the beneficiary.
  const cameBack = found.some(({ kind }) => kind === 'return');
  const mayComeBack = reward.state === 'failed' || reward.state === 'voided' || reward.state === 'clawed_back';
  if (cameBack && mayComeBack) {
    book('issue', ordered);
    book('return', ordered);
  }
  return [...kinds].map(([kind, minor]) => {
    const { decisionId = null, effectiveAt = 0, recordedAt = 0 } = found.find((journal) => journal.kind === kind) ?? {};
    return journalFor({
      reward,
      kind,
      minor,
      whileHeld: kind === 'accrue' ? wasHeld : whileHeld,
      afterClawBack: reward.state === 'clawed_back',
      decisionId,
      effectiveAt,
      recordedAt,
    });
  });
}

/** Kinds that a reward may see more than once, which add up: what undoes the first of each pair is the second. */
const PARTS = [
  ['claw_back_part', 'restore'],
  ['write_off', 'unwrite_off'],
] as const satisfies ReadonlyArray<readonly [JournalKind, JournalKind]>;

function isPart({ kind }: Journal): boolean {
  return PARTS.some((pair) => (pair as readonly JournalKind[]).includes(kind));
}

/** What was booked of the one kind, less what was undone by the other. */
function sumOf(found: readonly Journal[], [kind, undoing]: readonly [JournalKind, JournalKind]): bigint {
  const of = (wanted: JournalKind) =>
    found.filter((one) => one.kind === wanted).reduce((sum, { postings }) => sum + (postings[0]?.minor ?? 0n), 0n);
  return of(kind) - of(undoing);
}

function journalProblems(reward: Reward, own: readonly Decision[], found: readonly Journal[]): string[] {
  const problems: string[] = [];
  for (const { id, postings, kind, decisionId, rewardId } of found) {
    for (const [currency, minor] of imbalance(postings)) problems.push(`journal ${id} is off by ${minor} ${currency}`);
    if (postings.length < 2) problems.push(`journal ${id} has ${postings.length} postings`);
    if (id !== journalId(rewardId, kind, decisionId))
      problems.push(`journal ${id} has an id that its cause does not give`);
    if (decisionId === null && NEEDS_DECISION.includes(kind))
      problems.push(`journal ${id} moves money without a decision`);
    if (decisionId !== null && !own.some((decision) => decision.id === decisionId))
      problems.push(`journal ${id} names decision ${decisionId}, which is about something else`);
  }
  const expected = expectedJournals(reward, own, found);
  for (const journal of expected) {
    const same = found.find(({ kind }) => kind === journal.kind);
    if (!same) problems.push(`reward ${reward.id} is ${reward.state}, but was never booked as "${journal.kind}"`);
    else if (textOf(same.postings) !== textOf(journal.postings))
      problems.push(`journal ${same.id} books ${textOf(same.postings)}, should book ${textOf(journal.postings)}`);
  }
  const [taken, writtenOff] = [sumOf(found, PARTS[0]), sumOf(found, PARTS[1])];
  if (taken !== reward.clawedBack)
    problems.push(`reward ${reward.id} says ${reward.clawedBack} were taken back in parts, its journals ${taken}`);
  if (writtenOff !== (reward.writtenOff ?? 0n))
    problems.push(`reward ${reward.id} says ${reward.writtenOff ?? 0n} were written off, its journals ${writtenOff}`);
  for (const journal of found)
    if (!isPart(journal) && !expected.some(({ kind }) => kind === journal.kind))
      problems.push(
        `journal ${journal.id} books "${journal.kind}", which reward ${reward.id} (${reward.state}) has no reason for`,
      );
  return problems;
}

/** Money that comes to be owed, or changes what is owed, has a decision behind it; an answer of a provider has none. */
const NEEDS_DECISION: readonly JournalKind[] = [
  'accrue',
  'release',
  'net',
  'claw_back_part',
  'restore',
  'expire',
  'write_off',
];

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
  expired: [],
  clawed_back: ['done'],
};

/** What was given may be undone in these: it was taken back, or its time may run out. */
const WAS_ISSUED: readonly Reward['state'][] = ['issued', 'redeemed', 'failed', 'voided', 'expired', 'clawed_back'];

function intentProblems(reward: Reward, intent: AuditedIntent | undefined): string[] {
  const problems: string[] = [];
  const state = intent?.state ?? 'none';
  // One that was kept whole for what was owed back has no order.
  const isKept = orderedMinor(reward) === 0n;
  const isRecall = intent !== undefined && (intent.kind ?? 'issue') !== 'issue';
  if (isRecall && !WAS_ISSUED.includes(reward.state))
    problems.push(`reward ${reward.id} is ${reward.state}, and its order is to undo what was never given`);
  if (isRecall ? state === 'cancelled' : !(isKept && state === 'none') && !ORDERS[reward.state].includes(state))
    problems.push(`reward ${reward.id} is ${reward.state}, and its order is ${state}`);
  if (intent && intent.id !== derivedId('pay', reward.id))
    problems.push(`order ${intent.id} has a key that reward ${reward.id} does not give: a provider would pay it again`);
  if (intent && intent.provider !== reward.payout)
    problems.push(`order ${intent.id} goes to ${intent.provider}, reward ${reward.id} to ${reward.payout}`);
  return problems;
}
