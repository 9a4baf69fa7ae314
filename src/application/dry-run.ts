import { decide } from '../domain/decide.ts';
import { type Decision, standingMinor } from '../domain/decision.ts';
import { companyOf, withinLimits } from '../domain/limit.ts';
import { type Money, textOf } from '../domain/money.ts';
import type { State } from '../domain/plan.ts';
import { conditionsWithin, isReviewed, type Party, type ProgramVersion, type RewardRule } from '../domain/program.ts';
import { reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import { paceHours } from '../domain/risk.ts';
import { addTo, type Tally, tallyKey, wonTally } from '../domain/tally.ts';
import type { TierScheme } from '../domain/tier-scheme.ts';
import type { Instant } from '../domain/time.ts';
import { eventsOf, type TierEvent, tiersOverTime } from './dry-run-tiers.ts';
import type { Audit, AuditAccount, AuditPage } from './ports/audit.ts';
import { contactsOf, friendOf, mappingAt, type Recorded, recordedElsewhere, withoutMerged } from './recorded.ts';
import { stands } from './verify-books.ts';

/*
 * What a program would have paid, told before it is published: the very same `decide` goes over all that was recorded, from nothing, with
 * the draft in the place of what was published. Limits are then applied over all referrals together, in the order of the events.
 */

const REFERRALS_PER_PAGE = 100;

/** Kept one by one, for a table that a person may scroll through; all of them are counted. */
const DIFFERENCES_MAX = 50_000;

export interface DryRunInput {
  readonly accountId: string;
  readonly draft: Pick<ProgramVersion, 'programId' | 'name' | 'rules' | 'risk' | 'tiers'>;
  /** Events from `from` on and before `to`, by the CRM's clock. */
  readonly from: Instant;
  readonly to: Instant;
}

export interface Difference {
  readonly kind: 'new' | 'lost' | 'changed';
  readonly referralId: string;
  readonly deal: RecordRef;
  readonly ruleKey: string;
  readonly party: Party;
  /** What stands, and what the draft would have granted; null for nothing. */
  readonly before: Money | null;
  readonly after: Money | null;
  /** Why the draft pays what it pays, or does not. */
  readonly why: string;
}

export interface DryRunReport {
  readonly from: Instant;
  readonly to: Instant;
  readonly referrals: number;
  /** Referrals that nothing can be said about, as their contact was deleted or merged away: left out on both sides. */
  readonly unknown: number;
  readonly counts: Readonly<Record<Difference['kind'] | 'same', number>>;
  /** In minor units, by currency. */
  readonly totals: ReadonlyArray<{ readonly currency: string; readonly before: bigint; readonly after: bigint }>;
  /** Rewards that a person would have had to approve. */
  readonly toReview: number;
  /** Rewards that a limit would have kept back, whole or in part. */
  readonly limited: number;
  /** What the rules that use the budget would have asked of it. */
  readonly budget: readonly Money[];
  /** The first of them, in the order of the events. */
  readonly differences: readonly Difference[];
}

/** A reward as the draft would have granted it, before limits. */
interface Candidate {
  readonly referral: Pick<Referral, 'id' | 'memberId'>;
  readonly company: ReturnType<typeof companyOf>;
  readonly deal: RecordRef;
  readonly rule: RewardRule;
  readonly at: Instant;
  readonly money: Money;
  /** Something speaks against it. */
  readonly isDoubtful: boolean;
  readonly why: string;
}

interface Standing {
  readonly referralId: string;
  readonly deal: RecordRef;
  readonly ruleKey: string;
  readonly party: Party;
  readonly money: Money;
  readonly at: Instant;
}

export async function dryRun(audit: Audit, input: DryRunInput): Promise<DryRunReport> {
  const account = await audit.account(input.accountId);
  const ordinals = needsOrdinals(input.draft.rules) ? await wonInOrder(audit, account, input) : null;
  const tiers = input.draft.tiers ? await tiersInOrder(audit, account, input, input.draft.tiers) : undefined;
  const candidates: Candidate[] = [];
  const standing: Standing[] = [];
  const refusals = new Map<string, string>();
  let referrals = 0;
  let unknown = 0;
  await eachReferral(audit, input.accountId, input.draft, (referral, page, recorded) => {
    referrals += 1;
    const decided = decideAnew(referral, page, recorded, account, input, { ordinals, tiers });
    if (!decided) {
      unknown += 1;
      return;
    }
    candidates.push(...decided.candidates);
    for (const [key, why] of decided.refusals) refusals.set(key, why);
    standing.push(...standingOf(referral, page, input));
  });
  return compare(input, { candidates, standing, refusals, referrals, unknown });
}

function needsOrdinals(rules: readonly RewardRule[]): boolean {
  return rules.some(
    ({ amount, conditions }) =>
      amount.kind === 'by_count' || conditionsWithin(conditions).some(({ fact }) => fact === 'member.won_referrals'),
  );
}

async function eachReferral(
  audit: Audit,
  accountId: string,
  { risk }: Pick<ProgramVersion, 'risk'>,
  visit: (referral: Referral, page: AuditPage, recorded: Recorded) => void,
): Promise<void> {
  const riskHours = risk && paceHours([risk]);
  for (let after: string | null = null; ; ) {
    const page: AuditPage = await audit.page(accountId, after, REFERRALS_PER_PAGE, riskHours);
    if (page.referrals.length === 0) return;
    const recorded = withoutMerged(page);
    for (const referral of page.referrals) visit(referral, page, recorded);
    after = page.referrals.at(-1)?.id ?? null;
  }
}

/** What depends on all referrals together, as it was at the moment of each. */
interface Then {
  readonly ordinals: ReadonlyMap<string, number> | null;
  readonly tiers: State['tiersThen'];
}

const NOTHING_THEN: Then = { ordinals: null, tiers: () => null };

/** Which tier each member would have been in, at any moment. */
async function tiersInOrder(
  audit: Audit,
  account: AuditAccount,
  input: DryRunInput,
  scheme: TierScheme,
): Promise<State['tiersThen']> {
  const events: TierEvent[] = [];
  const touched = new Set<string>();
  const countsTouches = scheme.by.kind === 'engagement' && scheme.by.counts === 'touches';
  await eachReferral(audit, input.accountId, input.draft, (referral, page, recorded) => {
    const decided = decideAnew(referral, page, recorded, account, input, NOTHING_THEN);
    if (decided) events.push(...eventsOf(scheme, decided.referral));
    for (const { id, memberId, at } of countsTouches ? page.touches : []) {
      if (touched.has(id)) continue;
      touched.add(id);
      events.push({ memberId, at, amount: 1n });
    }
  });
  return tiersOverTime(scheme, events);
}

/** Which won referral of its member each one is, in the order in which they were won. */
async function wonInOrder(
  audit: Audit,
  account: AuditAccount,
  input: DryRunInput,
): Promise<ReadonlyMap<string, number>> {
  const won: Array<{ id: string; memberId: string; at: Instant }> = [];
  const probe: RewardRule = {
    key: 'probe',
    name: 'probe',
    party: 'member',
    amount: { kind: 'fixed', money: { minor: 1n, currency: 'EUR' } },
    conditions: [],
    holdDays: 0,
    payout: 'credit',
  };
  const probing = { ...input, draft: { ...input.draft, rules: [probe], risk: undefined } };
  await eachReferral(audit, input.accountId, probing.draft, (referral, page, recorded) => {
    const first = decideAnew(referral, page, recorded, account, probing, NOTHING_THEN)?.candidates[0];
    if (first) won.push({ id: referral.id, memberId: referral.memberId, at: first.at });
  });
  won.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  const counts = new Map<string, number>();
  return new Map(
    won.map(({ id, memberId }) => {
      const count = 1 + (counts.get(memberId) ?? 0);
      counts.set(memberId, count);
      return [id, count];
    }),
  );
}

/** What the draft makes of one referral, as if nothing had been decided on it; null when its facts are not there. */
function decideAnew(
  referral: Referral,
  page: AuditPage,
  recorded: Recorded,
  account: AuditAccount,
  { accountId, draft, from, to }: DryRunInput,
  { ordinals, tiers }: Then,
): { candidates: Candidate[]; refusals: ReadonlyMap<string, string>; referral: Referral } | null {
  if (referral.friend.contact === null) return { candidates: [], refusals: new Map(), referral };
  const won = wonTally(referral.memberId);
  const before = (ordinals?.get(referral.id) ?? 1) - 1;
  const candidates: Candidate[] = [];
  const refusals = new Map<string, string>();
  let isKnown = false;
  let state: Pick<State, 'referrals' | 'decisions' | 'rewards'> = {
    referrals: page.state.referrals.map((one) =>
      // What it counted towards a tier is counted anew.
      one.stage === 'won' ? { ...one, stage: 'accepted' as const, wonDeals: undefined } : one,
    ),
    decisions: [],
    rewards: [],
  };
  // One connection after the other, each with what the earlier ones decided.
  for (const contact of contactsOf(referral, page)) {
    const here = contact.connectionId;
    const friend = friendOf(referral, contact, page, recorded);
    const mapping = mappingAt(account.mappings.get(here) ?? [], Number.POSITIVE_INFINITY);
    if (friend === 'unknown' || friend === 'merged' || friend.facts.contact.presence === 'deleted' || !mapping)
      continue;
    isKnown = true;
    const plan = decide({
      friends: [friend.facts],
      contacts: recorded.contactsIn(here),
      now: Math.max(...friend.readAt),
      state: {
        ...state,
        accountId,
        programs: [
          {
            ...draft,
            version: 1,
            publishedAt: from,
            rules: draft.rules.map((rule) => withoutWhatIsSharedWithOthers(rule)),
          },
        ],
        connectedAt: from,
        mapping,
        rates: account.rates,
        members: page.state.members,
        tallies: new Map([[tallyKey(won), { ...won, count: before, minor: 0n }]]),
        risk: page.state.risk,
        tiersThen: tiers,
        ...recordedElsewhere(account, page, here, Number.POSITIVE_INFINITY),
      },
    });
    const own = plan.decisions.filter(({ referralId }) => referralId === referral.id);
    for (const reward of plan.rewards) {
      if (reward.referralId !== referral.id || !stands(reward)) continue;
      const grant = own.find(({ rewardId }) => rewardId === reward.id);
      const rule = draft.rules.find(({ key }) => key === reward.ruleKey);
      if (!grant || !rule || grant.effectiveAt < from || grant.effectiveAt >= to) continue;
      candidates.push({
        referral,
        company: companyOf(friend.facts.contact),
        deal: reward.deal,
        rule,
        at: grant.effectiveAt,
        money: reward.money,
        isDoubtful: reward.review === 'needed',
        why: reasonText(grant.reason),
      });
    }
    for (const decision of own) refusals.set(keyOf(decision), reasonText(decision.reason));
    const changed = new Map(plan.referrals.map((one) => [one.id, one]));
    state = {
      referrals: state.referrals.map((one) => changed.get(one.id) ?? one),
      decisions: [...state.decisions, ...plan.decisions],
      rewards: [...state.rewards.filter(({ id }) => !plan.rewards.some((one) => one.id === id)), ...plan.rewards],
    };
  }
  if (!isKnown) return null;
  return { candidates, refusals, referral: state.referrals.find(({ id }) => id === referral.id) ?? referral };
}

/** Limits and the budget are applied when all referrals are known; a review and a hold change nothing about what would be paid. */
function withoutWhatIsSharedWithOthers(rule: RewardRule): RewardRule {
  return { ...rule, limits: [], usesBudget: false, review: undefined };
}

function keyOf({ referralId, deal, ruleKey }: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>): string {
  return `${referralId} ${deal.connectionId} ${deal.id} ${ruleKey}`;
}

function standingOf(referral: Referral, page: AuditPage, { draft, from, to }: DryRunInput): Standing[] {
  return page.rewards
    .filter((reward) => reward.referralId === referral.id && reward.programId === draft.programId && stands(reward))
    .flatMap((reward) => {
      const grant = page.decisions.find(({ rewardId }) => rewardId === reward.id);
      const at = grant?.effectiveAt ?? reward.createdAt;
      if (at < from || at >= to) return [];
      const money = { minor: standingMinor(reward), currency: reward.money.currency };
      return [{ referralId: referral.id, deal: reward.deal, ruleKey: reward.ruleKey, party: reward.party, money, at }];
    });
}

interface Gone {
  readonly candidates: readonly Candidate[];
  readonly standing: readonly Standing[];
  readonly refusals: ReadonlyMap<string, string>;
  readonly referrals: number;
  readonly unknown: number;
}

function compare(input: DryRunInput, { candidates, standing, refusals, referrals, unknown }: Gone): DryRunReport {
  const granted = applyLimits(input.draft.programId, candidates);
  const before = new Map(standing.map((one) => [keyOf(one), one]));
  const after = new Map(
    granted.lines.map((line) => [keyOf({ ...line, referralId: line.referral.id, ruleKey: line.rule.key }), line]),
  );
  const counts = { same: 0, new: 0, lost: 0, changed: 0 };
  const differences: Array<Difference & { at: Instant }> = [];
  const tell = (difference: Difference & { at: Instant }) => {
    counts[difference.kind] += 1;
    differences.push(difference);
  };
  for (const [key, { referral, deal, rule, money, at, why }] of after) {
    const known = before.get(key);
    const line = { referralId: referral.id, deal, ruleKey: rule.key, party: rule.party, after: money, why, at };
    if (!known) tell({ ...line, kind: 'new', before: null });
    else if (textOf(known.money) !== textOf(money)) tell({ ...line, kind: 'changed', before: known.money });
    else counts.same += 1;
  }
  for (const [key, one] of before) {
    if (after.has(key)) continue;
    const why = granted.kept.get(key) ?? refusals.get(key) ?? 'The draft has no rule of this key.';
    const { referralId, deal, ruleKey, party, money, at } = one;
    tell({ referralId, deal, ruleKey, party, at, kind: 'lost', before: money, after: null, why });
  }
  differences.sort((a, b) => a.at - b.at || (`${a.referralId} ${a.ruleKey}` < `${b.referralId} ${b.ruleKey}` ? -1 : 1));
  return {
    from: input.from,
    to: input.to,
    referrals,
    unknown,
    counts,
    totals: totalsOf([...before.values()], [...after.values()]),
    toReview: granted.lines.filter(({ rule, money, isDoubtful }) => isDoubtful || isReviewed(rule, money)).length,
    limited: granted.limited,
    budget: sumByCurrency(granted.lines.filter(({ rule }) => rule.usesBudget)),
    differences: differences.slice(0, DIFFERENCES_MAX).map(({ at: _, ...difference }) => difference),
  };
}

/** Limits over all referrals, in the order of the events; what each one keeps back, and why. */
function applyLimits(programId: string, candidates: readonly Candidate[]) {
  const tallies = new Map<string, Tally>();
  const lines: Candidate[] = [];
  const kept = new Map<string, string>();
  let limited = 0;
  const inOrder = candidates.toSorted((a, b) => a.at - b.at || (a.referral.id < b.referral.id ? -1 : 1));
  for (const candidate of inOrder) {
    const { referral, rule, at, money, company } = candidate;
    const outcome = withinLimits({
      rule: { ...rule, usesBudget: false },
      programId,
      memberId: referral.memberId,
      referralId: referral.id,
      company,
      at,
      money,
      tally: (of) => tallies.get(tallyKey(of)) ?? { count: 0, minor: 0n },
    });
    if (outcome.kind !== 'fits') {
      limited += 1;
      const unmet = outcome.results.find(({ verdict }) => verdict === 'unmet');
      const why = `The ${unmet?.condition} is ${unmet?.expected}, and there were ${unmet?.actual}.`;
      kept.set(keyOf({ ...candidate, referralId: referral.id, ruleKey: rule.key }), why);
      continue;
    }
    if (outcome.money.minor < money.minor) limited += 1;
    addTo(
      tallies,
      outcome.uses.map((use) => ({ ...use, basis: null })),
    );
    lines.push({ ...candidate, money: outcome.money });
  }
  return { lines, kept, limited };
}

function totalsOf(before: readonly { money: Money }[], after: readonly { money: Money }[]): DryRunReport['totals'] {
  const [was, is] = [sumByCurrency(before), sumByCurrency(after)];
  const currencies = [...new Set([...was, ...is].map(({ currency }) => currency))].sort();
  const of = (sums: readonly Money[], code: string) => sums.find(({ currency }) => currency === code)?.minor ?? 0n;
  return currencies.map((currency) => ({ currency, before: of(was, currency), after: of(is, currency) }));
}

function sumByCurrency(lines: readonly { money: Money }[]): Money[] {
  const sums = new Map<string, bigint>();
  for (const { money } of lines) sums.set(money.currency, (sums.get(money.currency) ?? 0n) + money.minor);
  return [...sums].map(([currency, minor]) => ({ minor, currency })).sort((a, b) => (a.currency < b.currency ? -1 : 1));
}
