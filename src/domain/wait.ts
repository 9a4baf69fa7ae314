import type { Decision, Reward } from './decision.ts';
import { decimalOf } from './money.ts';
import type { Party } from './program.ts';
import type { Referral } from './referral.ts';

/** What somebody waits for: a reward of a referral, or that of one program, rule, party or deal of it. */
export interface Awaited {
  readonly programId: string | null;
  readonly ruleKey: string | null;
  readonly party: Party | null;
  readonly dealId: string | null;
  /** Where the deal is: two portals of one account give out the same ids. */
  readonly connectionId: string;
}

/** How a wait ends. Of these only `rewarded` is a reward; the others say why there will be none. */
export const WAIT_OUTCOMES = ['rewarded', 'rejected', 'taken_back', 'expired', 'lost', 'declined', 'gone'] as const;
export type WaitOutcome = (typeof WAIT_OUTCOMES)[number];

export interface WaitResult {
  readonly outcome: WaitOutcome;
  readonly reward: Reward | null;
}

/** The parts of a referral's story that are waited for. */
export function meantBy<T extends Pick<Reward | Decision, 'ruleKey' | 'deal' | 'party'>>(
  awaited: Awaited,
  all: readonly T[],
  programOf: (one: T) => string,
): T[] {
  return all.filter(
    (one) =>
      (awaited.ruleKey === null || one.ruleKey === awaited.ruleKey) &&
      (awaited.party === null || one.party === awaited.party) &&
      (awaited.dealId === null || (one.deal.id === awaited.dealId && one.deal.connectionId === awaited.connectionId)) &&
      (awaited.programId === null || programOf(one) === awaited.programId),
  );
}

/**
 * What is known by now; null while a reward may still come. A rule that skipped a deal is no end: the deal may change, and the friend may win
 * another one. A payment that failed is none either, since an admin looks at it.
 */
export function resultOfWait(awaited: Awaited, referral: Referral | null, all: readonly Reward[]): WaitResult | null {
  if (referral === null) return { outcome: 'gone', reward: null };
  const rewards = meantBy(awaited, all, ({ programId }) => programId).sort((a, b) => b.updatedAt - a.updatedAt);
  const paid = rewards.find(({ state }) => state === 'issued' || state === 'redeemed');
  if (paid) return { outcome: 'rewarded', reward: paid };
  if (rewards.some(({ state }) => OPEN.has(state))) return null;
  const [last] = rewards;
  if (last?.reason.code === 'review_rejected') return { outcome: 'rejected', reward: last };
  if (last?.state === 'clawed_back') return { outcome: 'taken_back', reward: last };
  if (last?.state === 'expired') return { outcome: 'expired', reward: last };
  const { stage } = referral;
  return stage === 'lost' || stage === 'declined' || stage === 'expired'
    ? { outcome: stage, reward: last ?? null }
    : null;
}

const OPEN: ReadonlySet<string> = new Set(['held', 'in_review', 'approved', 'issuing', 'failed']);

/** What the one who waited is told beside the outcome. */
export function factsOf({ reward }: WaitResult): Readonly<Record<'rewardId' | 'amount' | 'currency', string | null>> {
  return {
    rewardId: reward?.id ?? null,
    amount: reward && decimalOf(reward.money),
    currency: reward?.money.currency ?? null,
  };
}
