import type Database from 'better-sqlite3';
import type { Container } from '../../src/container.ts';
import type { CaseOutcome } from '../../src/domain/case.ts';
import type { ContactTraits } from '../../src/domain/record.ts';
import type { RiskPolicy } from '../../src/domain/risk.ts';
import type { Random } from '../crash/random.ts';
import type { Portal } from './crm.ts';
import { type Counters, isReviewed, type Weather } from './faults.ts';
import type { Receiver } from './payout.ts';
import type { Scheduler } from './scheduler.ts';

/*
 * A program with a risk policy. What speaks against a friend here never changes, so what the policy says of them is certain; what a person has
 * said since is known to whoever said it.
 */

const PHONE_WEIGHT = 50;
const ADDRESS_WEIGHT = 40;

export function drawRisk(random: Random): RiskPolicy {
  return {
    signals: [
      { signal: 'same_phone', weight: PHONE_WEIGHT },
      { signal: 'same_household', weight: ADDRESS_WEIGHT },
    ],
    reviewAt: PHONE_WEIGHT,
    // One sign is for a person to judge; both are too much, where the program says so.
    ...(random.chance(0.75) ? { blockAt: PHONE_WEIGHT + ADDRESS_WEIGHT } : {}),
  };
}

/** Of somebody who shares a phone or an address with whoever else does. */
export function drawTraits(random: Random, isMember: boolean): ContactTraits {
  const drawn = (value: string, own: string) => (isMember || random.chance(0.5) ? value : own);
  const own = String(random.integer(1, 1_000_000));
  return { phones: [drawn('+4930111', `+4930${own}`)], address: drawn('lane 1 10115 de', `lane ${own} 10115 de`) };
}

export type Verdict = 'pass' | 'review' | 'block';

/** What the policy says of a friend of this member. */
export function verdictOn(
  { reviewAt, blockAt }: RiskPolicy,
  friend: ContactTraits | undefined,
  member: ContactTraits | undefined,
): Verdict {
  const isSame = <T>(of: (traits: ContactTraits | undefined) => T) =>
    of(friend) !== undefined && of(friend) === of(member);
  const score =
    (isSame((one) => one?.phones?.[0]) ? PHONE_WEIGHT : 0) + (isSame((one) => one?.address) ? ADDRESS_WEIGHT : 0);
  if (blockAt !== undefined && score >= blockAt) return 'block';
  return score >= reviewAt ? 'review' : 'pass';
}

interface CaseRow {
  id: string;
  topic: string;
  state: string;
  outcome: string | null;
  reward_id: string | null;
  referral_id: string;
  dedupe_key: string;
}

export interface Reviewers {
  begin(): void;
  /** Cases, and what was said of each, whether or not it has arrived. */
  readonly said: ReadonlyMap<string, ReadonlySet<CaseOutcome>>;
  /** Cases, and what somebody was told that they have come to. */
  readonly heard: ReadonlyMap<string, CaseOutcome>;
}

/** People who decide cases at any moment, now and then twice, to two nodes, and not always the same. */
export function createReviewers(
  {
    accountId,
    db,
    scheduler,
    random,
    weather,
    counters,
  }: {
    accountId: string;
    db: Database.Database;
    scheduler: Scheduler;
    random: Random;
    weather: Weather;
    counters: Counters;
  },
  containers: () => readonly Container[],
): Reviewers {
  const said = new Map<string, Set<CaseOutcome>>();
  const heard = new Map<string, CaseOutcome>();

  function decide(): void {
    const cases = db
      .prepare(
        `select * from desk_cases where account_id = ? and state = 'open' and topic in ('reward_review', 'risk_blocked') order by id`,
      )
      .all(accountId) as CaseRow[];
    if (cases.length === 0) return;
    const { id, topic } = random.pick(cases);
    for (let times = random.chance(0.5) ? 2 : 1; times > 0; times -= 1)
      say(id, topic === 'risk_blocked' ? 'allowed' : random.chance(0.6) ? 'approved' : 'rejected');
  }

  function say(caseId: string, outcome: CaseOutcome): void {
    const up = containers();
    if (up.length === 0) return;
    counters['case decided'] += 1;
    said.set(caseId, (said.get(caseId) ?? new Set()).add(outcome));
    scheduler.note('reviewer', `says ${outcome} to ${caseId}`);
    random
      .pick(up)
      .desk.decide(accountId, caseId, { outcome, by: 'reviewer', why: 'seen' })
      .then(
        (result) => {
          if (result.kind === 'decided' && result.case.outcome) heard.set(caseId, result.case.outcome);
        },
        (error: unknown) => scheduler.note('reviewer', `is not heard: ${String(error)}`),
      );
  }

  return {
    said,
    heard,
    begin() {
      if (!isReviewed(weather.theme)) return;
      for (let count = 12; count > 0; count -= 1) scheduler.after(random.integer(1, weather.spanMs * 1.3), decide);
    },
  };
}

const PAID = ['approved', 'issuing', 'issued', 'redeemed', 'failed'];

/**
 * What is known of one rule's reward for one friend, who has one deal here: nothing may stand; it may only since a person has said so, when
 * the deal may have been another; or the policy has no say in what is right.
 */
export type Say = 'closed' | 'late' | 'none';

interface ChainRow {
  rule_key: string;
  referral_id: string;
  reward_id: string | null;
  code: string;
  contact_id: string;
}

export interface ReviewedInput {
  readonly accountId: string;
  readonly policy: RiskPolicy | undefined;
  readonly db: Database.Database;
  readonly portal: Portal;
}

function verdicts({ accountId, policy, db, portal }: ReviewedInput): (contactId: string | null) => Verdict {
  const memberOf = new Map(
    (
      db
        .prepare(
          `select r.contact_id, m.contact_id as member from referrals r
           join members m on m.account_id = r.account_id and m.id = r.member_id where r.account_id = ?`,
        )
        .all(accountId) as Array<{ contact_id: string; member: string }>
    ).map(({ contact_id, member }) => [contact_id, member]),
  );
  const traitsOf = (id: string | null | undefined) => portal.contacts.get(id ?? '')?.traits;
  return (contactId) =>
    policy ? verdictOn(policy, traitsOf(contactId), traitsOf(memberOf.get(contactId ?? ''))) : 'pass';
}

/** Oldest first. */
function decided({ accountId, db }: ReviewedInput): ChainRow[] {
  return db
    .prepare(
      `select d.rule_key, d.referral_id, d.reward_id, json_extract(d.reason, '$.code') as code, r.contact_id from decisions d
       join referrals r on r.account_id = d.account_id and r.id = d.referral_id
       where d.account_id = ? order by d.sequence`,
    )
    .all(accountId) as ChainRow[];
}

/** What the policy, and people since, make of it; that they have said what the books tell is asked by `reviewsAreRight`. */
export function sayOn(input: ReviewedInput): (contactId: string, ruleKey: string) => Say {
  if (!input.policy) return () => 'none';
  const verdictOf = verdicts(input);
  const chains = Map.groupBy(decided(input), ({ contact_id, rule_key }) => `${contact_id} ${rule_key}`);
  return (contactId, ruleKey) => {
    const codes = (chains.get(`${contactId} ${ruleKey}`) ?? []).map(({ code }) => code);
    if (codes.includes('review_rejected')) return 'closed';
    if (verdictOf(contactId) !== 'block') return 'none';
    return codes.includes('risk_allowed') ? 'late' : 'closed';
  };
}

/** Nothing doubtful is paid without a person's word, every word is somebody's, and each question that is open has a case. */
export function reviewsAreRight(
  input: ReviewedInput & { readonly reviewers: Reviewers; readonly receiver: Pick<Receiver, 'given'> },
): string[] {
  const { accountId, policy, db, reviewers, receiver } = input;
  if (!policy) return [];
  const problems: string[] = [];
  const verdictOf = verdicts(input);
  const all = <T>(table: string) => db.prepare(`select * from ${table} where account_id = ?`).all(accountId) as T[];
  const rows = decided(input);
  const cases = all<CaseRow>('desk_cases').filter(({ topic }) => topic === 'reward_review' || topic === 'risk_blocked');
  const contactOf = new Map(
    all<{ id: string; contact_id: string }>('referrals').map((one) => [one.id, one.contact_id]),
  );
  const wasGiven = new Set([...receiver.given.values()].map(({ rewardId }) => rewardId));
  const saidOf = (of: (one: CaseRow) => boolean) =>
    new Set(cases.filter(of).flatMap(({ id }) => [...(reviewers.said.get(id) ?? [])]));

  for (const { code, reward_id, rule_key, referral_id } of rows) {
    const isAllowed = code === 'risk_allowed';
    const word = isAllowed ? 'allowed' : code === 'review_approved' ? 'approved' : 'rejected';
    if (!isAllowed && code !== 'review_approved' && code !== 'review_rejected') continue;
    const about = isAllowed
      ? (one: CaseRow) =>
          one.dedupe_key.startsWith(`blocked ${referral_id} `) && one.dedupe_key.endsWith(` ${rule_key}`)
      : (one: CaseRow) => one.reward_id === reward_id;
    if (!saidOf(about).has(word))
      problems.push(`reviews: ${rule_key} of ${referral_id} was ${word}, and nobody has said so`);
  }
  for (const { id, outcome } of cases) {
    const told = reviewers.heard.get(id);
    if (told !== undefined && told !== outcome)
      problems.push(`reviews: somebody was told that case ${id} is ${told}, and it is ${outcome}`);
  }

  const rewards = all<{ id: string; referral_id: string; rule_key: string; state: string }>('rewards');
  for (const { id, referral_id, rule_key, state } of rewards) {
    const own = rows.filter((row) => row.referral_id === referral_id && row.rule_key === rule_key);
    const isAllowed = own.some(({ code }) => code === 'risk_allowed');
    const isApproved = own.some(({ code, reward_id }) => code === 'review_approved' && reward_id === id);
    const verdict = verdictOf(contactOf.get(referral_id) ?? null);
    if (verdict === 'block' && !isAllowed) problems.push(`reviews: reward ${id} was granted, and the policy blocks it`);
    const isPaid = PAID.includes(state) || wasGiven.has(id);
    if (verdict === 'review' && isPaid && !isApproved)
      problems.push(
        `reviews: reward ${id} is ${state}${wasGiven.has(id) ? ' and was given' : ''}, and nobody has approved it`,
      );
    if (verdict === 'pass' && state === 'in_review')
      problems.push(`reviews: reward ${id} waits for a person, and nothing speaks against it`);
  }

  const isOpen = ({ state }: CaseRow) => state === 'open';
  const asked = cases.filter((one) => isOpen(one) && one.topic === 'reward_review').map(({ reward_id }) => reward_id);
  const waiting = rewards.filter(({ state }) => state === 'in_review').map(({ id }) => id);
  if (asked.sort().join() !== waiting.sort().join())
    problems.push(`reviews: rewards ${waiting.join(', ')} wait, and there are cases of ${asked.join(', ')}`);
  for (const chain of Map.groupBy(rows, ({ referral_id, rule_key }) => `${referral_id} ${rule_key}`).values()) {
    const { code, referral_id, rule_key } = chain.at(-1) as ChainRow;
    if (code !== 'risk_blocked') continue;
    const open = cases.filter(
      (one) =>
        isOpen(one) && one.dedupe_key.startsWith(`blocked ${referral_id} `) && one.dedupe_key.endsWith(` ${rule_key}`),
    );
    if (open.length !== 1)
      problems.push(`reviews: ${rule_key} of ${referral_id} is blocked, and has ${open.length} cases`);
  }
  return problems;
}
