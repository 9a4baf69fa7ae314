import type { Referral } from '../domain/referral.ts';
import { assess, type Scores, type TierChange } from '../domain/tier.ts';
import { currencyOf, type TierScheme } from '../domain/tier-scheme.ts';
import { dayNumber, type Instant } from '../domain/time.ts';

/** Something that brought a member closer to a tier. */
export interface TierEvent {
  readonly memberId: string;
  readonly at: Instant;
  /** A count, or minor units. */
  readonly amount: bigint;
}

/** What a won referral, or its submission, is worth under a scheme. */
export function eventsOf(
  { by, ...scheme }: TierScheme,
  referral: Pick<Referral, 'memberId' | 'submittedAt' | 'wonDeals'>,
): TierEvent[] {
  const { memberId, submittedAt, wonDeals = [] } = referral;
  const [first] = wonDeals;
  switch (by.kind) {
    case 'won_referrals':
      return first ? [{ memberId, at: first.at, amount: 1n }] : [];
    case 'revenue':
      return wonDeals.flatMap(({ at, money }) =>
        money?.currency === currencyOf(scheme) ? [{ memberId, at, amount: money.minor }] : [],
      );
    case 'engagement':
      return by.counts === 'submissions' ? [{ memberId, at: submittedAt, amount: 1n }] : [];
  }
}

/** Which tier each member would have had at any moment, had the scheme been there from the first event on. */
export function tiersOverTime(
  scheme: TierScheme,
  events: readonly TierEvent[],
): (memberId: string, at: Instant) => string | null {
  const moves = new Map(
    [...Map.groupBy(events, ({ memberId }) => memberId)].map(([memberId, own]) => [memberId, movesOf(scheme, own)]),
  );
  return (memberId, at) => moves.get(memberId)?.findLast((move) => move.recordedAt <= at)?.to?.key ?? null;
}

function movesOf(scheme: TierScheme, events: readonly TierEvent[]): TierChange[] {
  const chain: TierChange[] = [];
  const days = new Map<number, bigint>();
  let life = 0n;
  let next: Instant | null = null;
  const look = (now: Instant) => {
    const scores: Scores = { life, on: (day) => days.get(day) ?? 0n };
    const { move, lookAt } = assess(scheme, chain.at(-1), scores, now);
    next = lookAt;
    if (!move) return;
    chain.push({
      id: '',
      memberId: '',
      program: { id: '', version: 0 },
      sequence: chain.length + 1,
      move: move.kind,
      from: chain.at(-1)?.to ?? null,
      to: move.to,
      reason: { code: 'tier_kept', values: {} },
      evidence: { by: 'won_referrals', score: move.score, currency: '', sinceDay: null },
      recordedAt: now,
    });
  };
  for (const { at, amount } of events.toSorted((a, b) => a.at - b.at)) {
    while (next !== null && next <= at) look(next);
    life += amount;
    days.set(dayNumber(at), (days.get(dayNumber(at)) ?? 0n) + amount);
    look(at);
  }
  while (next !== null) {
    const before: Instant = next;
    look(next);
    // One that finds nothing new at its own moment would look for ever.
    if (next !== null && next <= before) break;
  }
  return chain;
}
