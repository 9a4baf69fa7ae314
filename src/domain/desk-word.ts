import { type Decision, decisionIdOf, type Reward, STANDING_STATES } from './decision.ts';
import type { Draft } from './plan.ts';
import { reason } from './reason.ts';
import { sameRecord } from './record.ts';
import { reverse } from './reward.ts';
import type { Instant } from './time.ts';

/** What a person says in a case. */
export interface DeskWord {
  /** As the account names them; never more of a person than has to be kept for ever. */
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

/** True for a reward that a dispute can still take back. */
export function canBeTakenBack({ state, reversalPending }: Reward): boolean {
  return STANDING_STATES.includes(state) && !reversalPending;
}

/**
 * A person takes a reward back, as after a dispute: a further decision of its chain, and what follows from it. No rule grants it again.
 *
 * @throws RangeError for a reward that does not stand.
 */
export function takeBackByPerson(draft: Draft, accountId: string, reward: Reward, word: DeskWord): Decision {
  if (!canBeTakenBack(reward)) throw new RangeError(`reward ${reward.id} is ${reward.state} and does not stand`);
  const before = chainOf(draft, reward).findLast(({ rewardId }) => rewardId === reward.id);
  if (!before) throw new RangeError(`reward ${reward.id} was granted by no decision`);
  const decision = next(draft, accountId, before, word, {
    outcome: 'reversed',
    reason: reason('taken_back_by_person', { by: word.by, why: word.why }),
    money: reward.money,
    rewardId: reward.id,
    releaseAt: null,
  });
  reverse(draft, reward, decision);
  // Another deal of the friend may be the one that the rule pays for now.
  draft.wake({ record: reward.deal, at: decision.recordedAt });
  return decision;
}

/**
 * A person lets a deal be paid though the risk policy would not: it is judged again at once, and what speaks against it counts no more.
 * Null when the policy is not what keeps it from being paid any more.
 */
export function allowByPerson(
  draft: Draft,
  accountId: string,
  of: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>,
  word: DeskWord,
): Decision | null {
  const before = chainOf(draft, of).at(-1);
  if (before?.reason.code !== 'risk_blocked') return null;
  const decision = next(draft, accountId, before, word, {
    outcome: 'waiting',
    reason: reason('risk_allowed', { by: word.by, why: word.why }),
    money: null,
    rewardId: null,
    releaseAt: null,
  });
  draft.wake({ record: before.deal, at: word.at });
  return decision;
}

/**
 * A person lets a deal be paid though it was won before the program or the connection began: it is judged again at once by everything else.
 * Null when it is not history that keeps it from being paid any more, as when it was released before.
 */
export function releaseByPerson(
  draft: Draft,
  accountId: string,
  of: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>,
  word: DeskWord,
): Decision | null {
  const before = chainOf(draft, of).at(-1);
  if (before?.outcome !== 'history') return null;
  const decision = next(draft, accountId, before, word, {
    outcome: 'waiting',
    reason: reason('history_released', { by: word.by, why: word.why }),
    money: null,
    rewardId: null,
    releaseAt: null,
  });
  draft.wake({ record: before.deal, at: word.at });
  return decision;
}

function chainOf(draft: Draft, { referralId, deal, ruleKey }: Pick<Decision, 'referralId' | 'deal' | 'ruleKey'>) {
  return draft
    .decisionsOf(referralId)
    .filter((decision) => decision.ruleKey === ruleKey && sameRecord(decision.deal, deal))
    .sort((a, b) => a.sequence - b.sequence);
}

function next(
  draft: Draft,
  accountId: string,
  before: Decision,
  { at }: DeskWord,
  made: Pick<Decision, 'outcome' | 'reason' | 'money' | 'rewardId' | 'releaseAt'>,
): Decision {
  const chain = chainOf(draft, before);
  const sequence = 1 + Math.max(...chain.map((decision) => decision.sequence));
  const { risk: _, ...basis } = before;
  const decision: Decision = {
    ...basis,
    ...made,
    id: decisionIdOf(accountId, before, sequence),
    sequence,
    recordedAt: Math.max(at, ...chain.map(({ recordedAt }) => recordedAt)),
  };
  draft.addDecision(decision);
  draft.claimReferral(before.referralId);
  draft.markConcerned(before);
  return decision;
}
