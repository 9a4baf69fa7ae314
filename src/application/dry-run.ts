import type { AttributionPolicy, AttributionPolicyVersion } from '../domain/attribution-policy.ts';
import { decide } from '../domain/decide.ts';
import { type Decision, standingMinor } from '../domain/decision.ts';
import { companyOf, withinLimits } from '../domain/limit.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { type Money, textOf } from '../domain/money.ts';
import type { State } from '../domain/plan.ts';
import {
  conditionsWithin,
  isReviewed,
  type Party,
  type ProgramVersion,
  publishedKey,
  type RewardRule,
  rulesFor,
} from '../domain/program.ts';
import { reason, reasonText } from '../domain/reason.ts';
import type { ContactFacts, RecordRef } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import { paceHours } from '../domain/risk.ts';
import { addTo, type Tally, tallyKey, wonTally } from '../domain/tally.ts';
import type { TierScheme } from '../domain/tier-scheme.ts';
import type { Instant } from '../domain/time.ts';
import { asPublished, whoseByDraft } from './dry-run-attribution.ts';
import { eventsOf, type TierEvent, tiersOverTime } from './dry-run-tiers.ts';
import type { Audit, AuditAccount, AuditPage } from './ports/audit.ts';
import { contactsOf, friendOf, mappingAt, type Recorded, recordedElsewhere, withoutMerged } from './recorded.ts';
import { stands } from './verify-books.ts';

/*
 * What a program would have paid, told before it is published: the very same `decide` goes over all that was recorded, from nothing, with
 * the draft in the place of what was published. Limits are then applied over all referrals together, in the order of the events.
 */

const REFERRALS_PER_PAGE = 100;

/** Why a referral pays nothing that belongs to nobody by the draft of an attribution policy. */
const NOBODYS = 'By the draft the friend belongs to nobody: none of the evidence counts.';

/** Kept one by one, for a table that a person may scroll through; all of them are counted. */
const DIFFERENCES_MAX = 50_000;

export interface DryRunInput {
  readonly accountId: string;
  readonly draft: Pick<ProgramVersion, 'programId' | 'name' | 'rules' | 'risk' | 'tiers'>;
  /** Events from `from` on and before `to`, by the CRM's clock. */
  readonly from: Instant;
  readonly to: Instant;
}

/** A draft of what all programs rest on, tried with the programs as they are published. */
export interface PolicyDryRunInput extends Pick<DryRunInput, 'accountId' | 'from' | 'to'> {
  readonly mapping?: { readonly connectionId: string; readonly mapping: StageMapping };
  readonly attribution?: AttributionPolicy;
  /** The one that is published; null for none. */
  readonly attributionInForce: AttributionPolicyVersion | null;
}

/** What is gone through: programs by their versions, and what stands in the place of what is in force. */
interface Trial extends Omit<PolicyDryRunInput, 'attributionInForce'> {
  readonly attributionInForce?: AttributionPolicyVersion | null;
  readonly programs: readonly ProgramVersion[];
  /** Absent: when the connection was made. */
  readonly connectedAt?: Instant;
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
  /** Whose it is and would be, where a draft of the attribution policy was tried. */
  readonly memberBefore?: string | null;
  readonly memberAfter?: string | null;
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
  readonly programId: string;
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
  readonly memberId?: string;
}

/** What came of going through everything. */
interface Pass {
  readonly candidates: readonly Candidate[];
  readonly refusals: ReadonlyMap<string, string>;
  readonly referrals: number;
  readonly unknown: number;
}

export async function dryRun(audit: Audit, input: DryRunInput): Promise<DryRunReport> {
  const account = await audit.account(input.accountId);
  const { accountId, from, to, draft } = input;
  const programs = [{ ...draft, version: 1, publishedAt: from }];
  const standing: Standing[] = [];
  const pass = await goThrough(audit, account, { accountId, from, to, programs, connectedAt: from }, (referral, page) =>
    standing.push(...standingOf(referral, page, input)),
  );
  return compare(input, pass, applyLimits(pass.candidates), standing);
}

/**
 * What a draft of the stage mapping or of the attribution policy would change, with the programs as they were published. Compared is with
 * the same run without the draft: what persons have decided since is no difference that the draft makes.
 */
export async function policyDryRun(audit: Audit, input: PolicyDryRunInput): Promise<DryRunReport> {
  const account = await audit.account(input.accountId);
  const { accountId, from, to } = input;
  const { programs } = account;
  const { attributionInForce } = input;
  const current = { accountId, from, to, programs, attributionInForce };
  const asItIs = applyLimits((await goThrough(audit, account, current)).candidates);
  const pass = await goThrough(audit, account, { ...input, programs });
  const standing = asItIs.lines.map(
    ({ referral, deal, rule, money, at }): Standing => ({
      referralId: referral.id,
      memberId: referral.memberId,
      deal,
      ruleKey: rule.key,
      party: rule.party,
      money,
      at,
    }),
  );
  return compare(input, pass, applyLimits(pass.candidates), standing);
}

async function goThrough(
  audit: Audit,
  account: AuditAccount,
  trial: Trial,
  visit: (referral: Referral, page: AuditPage) => void = () => {},
): Promise<Pass> {
  const scheme = trial.programs.findLast(({ tiers }) => tiers)?.tiers;
  const ordinals = needsOrdinals(trial.programs.flatMap(({ rules }) => rules))
    ? await wonInOrder(audit, account, trial)
    : null;
  const tiers = scheme ? await tiersInOrder(audit, account, trial, scheme) : undefined;
  const candidates: Candidate[] = [];
  const refusals = new Map<string, string>();
  let referrals = 0;
  let unknown = 0;
  await eachReferral(audit, trial, (referral, page, recorded) => {
    referrals += 1;
    const decided = decideAnew(referral, page, recorded, account, trial, { ordinals, tiers });
    if (!decided) {
      unknown += 1;
      return;
    }
    candidates.push(...decided.candidates);
    for (const [key, why] of decided.refusals) refusals.set(key, why);
    visit(referral, page);
  });
  return { candidates, refusals, referrals, unknown };
}

function needsOrdinals(rules: readonly RewardRule[]): boolean {
  return rules.some(
    ({ amount, conditions }) =>
      amount.kind === 'by_count' || conditionsWithin(conditions).some(({ fact }) => fact === 'member.won_referrals'),
  );
}

async function eachReferral(
  audit: Audit,
  { accountId, programs }: Pick<Trial, 'accountId' | 'programs'>,
  visit: (referral: Referral, page: AuditPage, recorded: Recorded) => void,
): Promise<void> {
  const policies = programs.flatMap(({ risk }) => risk ?? []);
  const riskHours = policies.length > 0 ? paceHours(policies) : undefined;
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
  trial: Trial,
  scheme: TierScheme,
): Promise<State['tiersThen']> {
  const events: TierEvent[] = [];
  const touched = new Set<string>();
  const countsTouches = scheme.by.kind === 'engagement' && scheme.by.counts === 'touches';
  await eachReferral(audit, trial, (referral, page, recorded) => {
    const decided = decideAnew(referral, page, recorded, account, trial, NOTHING_THEN);
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
async function wonInOrder(audit: Audit, account: AuditAccount, trial: Trial): Promise<ReadonlyMap<string, number>> {
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
  const programs = trial.programs.map((version) => ({ ...version, rules: [probe], risk: undefined }));
  const probing = { ...trial, programs };
  await eachReferral(audit, probing, (referral, page, recorded) => {
    const first = decideAnew(referral, page, recorded, account, probing, NOTHING_THEN)?.candidates[0];
    if (first) won.push({ id: referral.id, memberId: first.referral.memberId, at: first.at });
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

/** What the trial makes of one referral, as if nothing had been decided on it; null when its facts are not there. */
function decideAnew(
  stored: Referral,
  page: AuditPage,
  recorded: Recorded,
  account: AuditAccount,
  trial: Trial,
  { ordinals, tiers }: Then,
): { candidates: Candidate[]; refusals: ReadonlyMap<string, string>; referral: Referral } | null {
  const { accountId, from, to } = trial;
  if (stored.friend.contact === null) return { candidates: [], refusals: new Map(), referral: stored };
  const programs = trial.programs.map((version) => ({
    ...version,
    rules: version.rules.map((rule) => withoutWhatIsSharedWithOthers(rule)),
  }));
  const candidates: Candidate[] = [];
  const refusals = new Map<string, string>();
  /** Whose it is by the trial; known with the first contact that can be read. */
  let referral: Referral | null = null;
  let decided: Pick<State, 'referrals' | 'decisions' | 'rewards'> = {
    referrals: page.state.referrals.map(anew),
    decisions: [],
    rewards: [],
  };
  // One connection after the other, each with what the earlier ones decided.
  for (const contact of contactsOf(stored, page)) {
    const here = contact.connectionId;
    const friend = friendOf(stored, contact, page, recorded);
    const inForce = mappingAt(account.mappings.get(here) ?? [], Number.POSITIVE_INFINITY);
    const mapping = trial.mapping?.connectionId === here ? trial.mapping.mapping : inForce;
    if (friend === 'unknown' || friend === 'merged' || friend.facts.contact.presence === 'deleted' || !mapping)
      continue;
    const contacts = recorded.contactsIn(here);
    const about: State = {
      ...decided,
      accountId,
      programs,
      choices: account.choices,
      connectedAt: trial.connectedAt ?? account.connections.find(({ id }) => id === here)?.connectedAt ?? from,
      mapping,
      rates: account.rates,
      members: page.state.members,
      tallies: new Map(),
      risk: page.state.risk,
      tiersThen: tiers,
      companies: followed(stored, friend.facts.contact),
      attribution: trial.attribution ? asPublished(trial.attribution) : (trial.attributionInForce ?? undefined),
      ...recordedElsewhere(account, page, here, Number.POSITIVE_INFINITY),
    };
    if (referral === null) {
      const whose =
        trial.attribution === undefined
          ? stored
          : whoseByDraft(trial.attribution, { stored, page, friend: friend.facts, contacts, state: about });
      if (!whose) return { candidates: [], refusals: new Map([[stored.id, NOBODYS]]), referral: stored };
      referral = whose;
      const others = decided.referrals.filter(({ id }) => id !== stored.id);
      decided = { ...decided, referrals: [...others, anew(referral)] };
    }
    const { id, memberId } = referral;
    const won = wonTally(memberId);
    const before = (ordinals?.get(id) ?? 1) - 1;
    const now = Math.max(...friend.readAt);
    const plan = decide({
      friends: [friend.facts],
      contacts,
      now,
      state: { ...about, ...decided, tallies: new Map([[tallyKey(won), { ...won, count: before, minor: 0n }]]) },
    });
    const own = plan.decisions.filter(({ referralId }) => referralId === id);
    for (const reward of plan.rewards) {
      if (reward.referralId !== id || !stands(reward)) continue;
      const grant = own.find(({ rewardId }) => rewardId === reward.id);
      const version = trial.programs.find(
        (one) => one.programId === grant?.program.id && one.version === grant.program.version,
      );
      const rule = version && rulesFor(version.rules, referral, now).find(({ key }) => key === reward.ruleKey);
      if (!grant || !rule || grant.effectiveAt < from || grant.effectiveAt >= to) continue;
      candidates.push({
        referral: { id, memberId: rule.party === 'assist' ? (referral.assist?.memberId ?? memberId) : memberId },
        company: companyOf(friend.facts.contact),
        deal: reward.deal,
        programId: grant.program.id,
        rule,
        at: grant.effectiveAt,
        money: reward.money,
        isDoubtful: reward.review === 'needed',
        why: reasonText(grant.reason),
      });
    }
    for (const decision of own) refusals.set(keyOf(decision), reasonText(decision.reason));
    const changed = new Map(plan.referrals.map((one) => [one.id, one]));
    decided = {
      referrals: decided.referrals.map((one) => changed.get(one.id) ?? one),
      decisions: [...decided.decisions, ...plan.decisions],
      rewards: [
        ...decided.rewards.filter((one) => !plan.rewards.some(({ id: newer }) => newer === one.id)),
        ...plan.rewards,
      ],
    };
  }
  if (referral === null) return null;
  const { id } = referral;
  return { candidates, refusals, referral: decided.referrals.find((one) => one.id === id) ?? referral };
}

/** The colleague's referral that it was concluded from, as `decide` is told of it. */
function followed({ follows }: Referral, { company }: ContactFacts): State['companies'] {
  return follows && company ? new Map([[company.id, follows.referralId]]) : undefined;
}

/** What it counted towards a tier is counted anew. */
function anew(referral: Referral): Referral {
  return referral.stage === 'won' ? { ...referral, stage: 'accepted', wonDeals: undefined } : referral;
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

function compare(
  { from, to, attribution }: Pick<PolicyDryRunInput, 'from' | 'to' | 'attribution'>,
  { refusals, referrals, unknown }: Pass,
  granted: ReturnType<typeof applyLimits>,
  standing: readonly Standing[],
): DryRunReport {
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
    const line = {
      ...{ referralId: referral.id, deal, ruleKey: rule.key, party: rule.party, after: money, why, at },
      ...(attribution ? { memberBefore: known?.memberId ?? null, memberAfter: referral.memberId } : {}),
    };
    const isOfMember = rule.party === 'member' || rule.party === 'assist';
    const isAnothers = attribution && isOfMember && known?.memberId !== referral.memberId;
    if (!known) tell({ ...line, kind: 'new', before: null });
    else if (isAnothers || textOf(known.money) !== textOf(money))
      tell({ ...line, kind: 'changed', before: known.money });
    else counts.same += 1;
  }
  for (const [key, one] of before) {
    if (after.has(key)) continue;
    const { referralId, deal, ruleKey, party, money, at } = one;
    const why =
      granted.kept.get(key) ?? refusals.get(key) ?? refusals.get(referralId) ?? 'The draft has no rule of this key.';
    const member = attribution ? { memberBefore: one.memberId ?? null, memberAfter: null } : {};
    tell({ referralId, deal, ruleKey, party, at, kind: 'lost', before: money, after: null, ...member, why });
  }
  differences.sort((a, b) => a.at - b.at || (`${a.referralId} ${a.ruleKey}` < `${b.referralId} ${b.ruleKey}` ? -1 : 1));
  return {
    from,
    to,
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
function applyLimits(candidates: readonly Candidate[]) {
  const tallies = new Map<string, Tally>();
  const lines: Candidate[] = [];
  const kept = new Map<string, string>();
  let limited = 0;
  const inOrder = candidates.toSorted((a, b) => a.at - b.at || (a.referral.id < b.referral.id ? -1 : 1));
  const given = new Set<string>();
  for (const candidate of inOrder) {
    const { referral, programId, rule, at, money, company } = candidate;
    const keyBy = (ruleKey: string) => keyOf({ ...candidate, referralId: referral.id, ruleKey });
    // Of a shared credit the member's part comes first, and there is no other part without it.
    if (rule.party === 'assist' && !given.has(keyBy(publishedKey(rule.key)))) {
      kept.set(keyBy(rule.key), reasonText(reason('assist_alone')));
      continue;
    }
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
      kept.set(keyBy(rule.key), why);
      continue;
    }
    if (outcome.money.minor < money.minor) limited += 1;
    addTo(
      tallies,
      outcome.uses.map((use) => ({ ...use, basis: null })),
    );
    given.add(keyBy(rule.key));
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
