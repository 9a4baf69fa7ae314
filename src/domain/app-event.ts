import { derivedId } from './ids.ts';
import { decimalOf } from './money.ts';
import type { Plan } from './plan.ts';
import type { Party } from './program.ts';
import { textWithoutQuotes } from './reason.ts';
import type { Instant } from './time.ts';
import type { StoodBefore } from './webhook-event.ts';

export type AppEventNews = 'referral_begun' | 'referral_won' | 'reward_granted' | 'reward_issued' | 'reward_taken_back';

/**
 * A fact as the timeline of a contact in a CRM tells it. What a CRM has been told this way nobody can change or remove: it is made of
 * ids, amounts, times and sentences of ours, and of no name and no word that a person has written.
 */
export interface AppEvent {
  /** From the cause: the same change is the same event, however often it is committed or sent. */
  readonly id: string;
  readonly news: AppEventNews;
  /** Whose timeline it stands on: a member's id, or a referral's for its friend. */
  readonly personId: string;
  /** What they are in it. */
  readonly role: Party;
  readonly referralId: string;
  readonly rewardId: string | null;
  readonly programId: string;
  readonly money: { readonly amount: string; readonly currency: string } | null;
  /** Null where it was a person's word. */
  readonly reason: string | null;
  /** When it happened. */
  readonly at: Instant;
}

/** What a plan means for the timelines of those it is about. It follows from the plan and from how things stood, so that it is written with it. */
export function appEventsOfPlan(accountId: string, plan: Plan, before: StoodBefore): AppEvent[] {
  const made = (event: Omit<AppEvent, 'id'>, version: number): AppEvent => ({
    id: derivedId('aev', accountId, event.news, event.rewardId ?? event.referralId, event.role, version),
    ...event,
  });
  const ofReferrals = plan.referrals.flatMap((referral) => {
    const stood = before.referrals.get(referral.id);
    const { id: referralId, memberId, programId, stage, version } = referral;
    const hasEnded = stage === 'declined' || stage === 'expired';
    const reason = textWithoutQuotes(referral.reason);
    const told: Pick<AppEvent, 'news' | 'reason' | 'at'>[] = [
      ...(stood || hasEnded ? [] : [{ news: 'referral_begun' as const, reason: null, at: referral.submittedAt }]),
      ...(stage === 'won' && stood?.stage !== 'won'
        ? [{ news: 'referral_won' as const, reason, at: referral.stageSince }]
        : []),
    ];
    // Both sides of it: who looks at either contact finds it.
    return told.flatMap((news) =>
      [
        { role: 'member' as const, personId: memberId },
        { role: 'friend' as const, personId: referralId },
      ].map((who) => made({ ...news, ...who, referralId, programId, rewardId: null, money: null }, version)),
    );
  });
  const ofRewards = plan.rewards.flatMap((reward) => {
    const { id: rewardId, referralId, programId, party, beneficiaryId, money, state, version } = reward;
    const stood = before.rewards.get(rewardId)?.state;
    const isTakenBack = state === 'voided' || state === 'clawed_back';
    const news: AppEventNews[] = [
      ...(stood === undefined && !isTakenBack ? (['reward_granted'] as const) : []),
      ...(state === 'issued' && stood !== 'issued' && stood !== 'redeemed' ? (['reward_issued'] as const) : []),
      ...(isTakenBack && stood !== undefined && stood !== state ? (['reward_taken_back'] as const) : []),
    ];
    return news.map((one) =>
      made(
        {
          news: one,
          personId: party === 'friend' ? referralId : beneficiaryId,
          role: party,
          referralId,
          rewardId,
          programId,
          money: { amount: decimalOf(money), currency: money.currency },
          reason: textWithoutQuotes(reward.reason),
          at: reward.updatedAt,
        },
        version,
      ),
    );
  });
  return [...ofReferrals, ...ofRewards];
}
