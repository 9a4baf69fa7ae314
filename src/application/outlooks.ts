import { STANDING_STATES } from '../domain/decision.ts';
import { type Outlook, outlookOfRule } from '../domain/explain.ts';
import { findStage, type StageMapping } from '../domain/mapping.ts';
import { beginOf, type Party, type RewardRule, rulesNow } from '../domain/program.ts';
import type { Rates } from '../domain/rates.ts';
import type { DealNames } from '../domain/reason.ts';
import { type DealFacts, type DealPoint, type RecordRef, sameRecord } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { type DealAt, dealsAt } from '../domain/timeline.ts';
import type { CardContext, StoryFacts } from './card-facts.ts';
import type { Batching } from './ports/store.ts';

export interface OutlookContext extends CardContext {
  /** Absent where no rule pays in another currency than the deal's. */
  readonly rates: Rates | undefined;
  /** How the account's orders are gathered, by provider. */
  readonly batchings: readonly Batching[];
}

/** A referral and what is known of it. */
export interface Told {
  readonly referral: Referral;
  readonly member: Member;
  readonly facts: StoryFacts;
}

export function nameOf({ name, email, code }: Member): string {
  return name ?? email ?? code;
}

export function friendNameOf({ friend }: Referral): string {
  return friend.name ?? friend.email ?? 'Friend';
}

export function beneficiariesOf({ referral, member, facts }: Told): Readonly<Record<Party, string>> {
  const { recruiter, assist } = facts;
  return {
    member: nameOf(member),
    friend: friendNameOf(referral),
    recruiter: recruiter ? nameOf(recruiter) : 'Recruiter',
    assist: assist ? nameOf(assist) : 'Another member',
  };
}

export function namesOf(deals: readonly DealFacts[]): DealNames {
  return new Map(deals.flatMap(({ ref, name }) => (name === null ? [] : [[ref.id, name] as const])));
}

/** What rules that have decided nothing yet would make of the friend's furthest open deal. */
export function outlooksOfReferral(context: OutlookContext, told: Told): Outlook[] {
  const { deals, undecided } = told.facts;
  const here = deals.filter(({ ref }) => ref.connectionId === context.connection.id);
  const present = dealsAt(here, context.mapping, Number.POSITIVE_INFINITY);
  const open = present.find(({ since, stage }) => since.won === null && stage !== 'lost') ?? null;
  return preview(context, told, undecided, open, namesOf(deals));
}

/**
 * What the rules in force would make of one deal: of each that has decided nothing on it. The same for a card in one CRM and for a row in
 * the other.
 */
export function outlooksOfDeal(
  context: OutlookContext,
  told: Told,
  deal: DealFacts,
  decidedRules: ReadonlySet<string>,
): Outlook[] {
  const { version } = told.facts;
  const rules = rulesNow(version?.rules ?? [], told.referral, context.now);
  const [dealAt] = dealsAt([deal], context.mapping, Number.POSITIVE_INFINITY);
  // What is won and not yet decided on is about to be.
  if (!dealAt || dealAt.since.won !== null) return [];
  const undecided = rules.filter(({ key }) => !decidedRules.has(key));
  return preview(context, told, undecided, dealAt, namesOf([deal]));
}

function preview(
  { programs, connection, mapping, rates, batchings, now }: OutlookContext,
  told: Told,
  rules: readonly RewardRule[],
  dealAt: DealAt | null,
  names: DealNames,
): Outlook[] {
  if (rules.length === 0) return [];
  const { referral, member, facts } = told;
  const { version, recruiter, friend, wonReferrals, tier, rewards } = facts;
  const isPaidAsOne = recruiter?.id === member.id && version?.rules.some(({ party }) => party === 'recruiter');
  const beneficiaries = beneficiariesOf(told);
  const isOther = (deal: RecordRef) => dealAt !== null && !sameRecord(deal, dealAt.deal.ref);
  return (
    rules
      // Nobody waits for what only a recruiter gets, where there is none.
      .filter(({ party }) => party !== 'recruiter' || recruiter !== null)
      .map((rule) =>
        outlookOfRule({
          rule,
          referral,
          friend: friend ?? {},
          dealAt,
          beneficiary: beneficiaries[rule.party],
          names,
          stageLabel: dealAt ? stageLabelOf(dealAt.point, mapping) : '',
          startsAt: Math.max(beginOf(programs, referral.programId), connection.connectedAt),
          wonReferrals: wonReferrals + (referral.stage === 'won' ? 0 : 1),
          tier: version?.tiers && { levels: version.tiers.levels, held: tier, reached: tier },
          recruiter: recruiter === null ? 'none' : isPaidAsOne ? 'member' : 'other',
          otherDealsRewarded: rewards.filter(
            (reward) => reward.ruleKey === rule.key && STANDING_STATES.includes(reward.state) && isOther(reward.deal),
          ).length,
          batch: batchings.find(({ provider }) => provider === rule.payout)?.schedule,
          rates,
          now,
        }),
      )
  );
}

export function stageLabelOf({ pipelineId, stageId }: DealPoint, mapping: StageMapping): string {
  return findStage(mapping, pipelineId, stageId)?.stageLabel ?? stageId;
}
