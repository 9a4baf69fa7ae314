import { comesBefore } from './attribution.ts';
import { readAmount } from './eligibility.ts';
import { friendIdsIn } from './identity.ts';
import type { Draft } from './plan.ts';
import type { RecordRef } from './record.ts';
import type { Referral, WonDeal } from './referral.ts';
import { revenueTally, type Tally, wonTally } from './tally.ts';
import { dayNumber } from './time.ts';
import type { DealAt } from './timeline.ts';

/** Beyond this a deal's amount counts as this much: a mistyped one must not fill what a running total can hold. */
const REVENUE_COUNTED_MAX = 10n ** 14n;

/** The deals that a referral counts towards its member's tier, as they are now. A deal that several friends are on counts once. */
export function wonDealsOf(draft: Draft, referral: Referral, present: readonly DealAt[]): WonDeal[] {
  if (referral.stage !== 'won') return [];
  const before = new Map((referral.wonDeals ?? []).map((deal) => [deal.id, deal]));
  return present
    .flatMap((dealAt): WonDeal[] => {
      const { deal, stage, since } = dealAt;
      const id = countedAs(referral, deal.ref);
      if (isOfEarlier(draft, referral, dealAt)) return [];
      // A stage that the mapping does not know takes nothing back.
      if (stage === null) return [before.get(id) ?? []].flat();
      if (since.won === null) return [];
      const amount = readAmount(dealAt);
      return [{ id, at: since.won, money: amount.ok ? amount.money : null }];
    })
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** Two connections may give two deals one id; in the friend's own one it is the deal's. */
function countedAs({ friend }: Referral, { connectionId, id }: RecordRef): string {
  return friend.contact?.connectionId === connectionId ? id : `${connectionId} ${id}`;
}

function isOfEarlier(draft: Draft, referral: Referral, { deal }: DealAt): boolean {
  return draft
    .referrals()
    .some(
      (other) =>
        other.id !== referral.id &&
        other.stage !== 'declined' &&
        (friendIdsIn(draft, other, deal.ref.connectionId).some((id) => deal.contactIds.includes(id)) ||
          other.wonDeals?.some(({ id }) => id === countedAs(other, deal.ref))) &&
        comesBefore(other, referral),
    );
}

/** What a referral adds to its member's running totals: for life and by day, won referrals and revenue. */
export function contributionsOf({ memberId, wonDeals = [] }: Pick<Referral, 'memberId' | 'wonDeals'>): Tally[] {
  const [first] = wonDeals;
  return [
    ...(first ? [{ ...wonTally(memberId, dayNumber(first.at)), count: 1, minor: 0n }] : []),
    ...wonDeals.flatMap(({ at, money }) => {
      if (!money || money.minor === 0n) return [];
      const minor = money.minor < REVENUE_COUNTED_MAX ? money.minor : REVENUE_COUNTED_MAX;
      return [
        { ...revenueTally(memberId, money.currency), count: 0, minor },
        { ...revenueTally(memberId, money.currency, dayNumber(at)), count: 0, minor },
      ];
    }),
  ];
}
