import { type Decision, decisionIdOf, type Reward } from './decision.ts';
import { textOf } from './money.ts';
import type { Draft } from './plan.ts';
import { reason } from './reason.ts';
import { sameRecord } from './record.ts';
import { claimedMinor, writeOff } from './reward.ts';
import { owedTally } from './tally.ts';
import type { Instant } from './time.ts';

/** Who gives up what is owed back, and on which ground. Kept for ever: a role or a key's label, and no member's name. */
export interface WriteOff {
  readonly by: string;
  readonly why: string;
  readonly at: Instant;
}

/**
 * Minor units of a reward that are owed back still. A debt is paid by whatever is owed next, and not reward by reward; so it is what was
 * claimed of this one, and at most what the beneficiary owes at all.
 */
export function owedOf(draft: Pick<Draft, 'tally'>, reward: Reward): bigint {
  const claimed = claimedMinor(reward);
  const debt = draft.tally(owedTally(reward.beneficiaryId, reward.money.currency)).minor;
  const owed = claimed < debt ? claimed : debt;
  return owed > 0n ? owed : 0n;
}

/**
 * Books that a person gives up what is owed back of a reward: a further decision of its chain, and its journal.
 *
 * @throws RangeError when nothing of it is owed.
 */
export function writeOffByPerson(draft: Draft, accountId: string, reward: Reward, { by, why, at }: WriteOff): Decision {
  const minor = owedOf(draft, reward);
  if (minor === 0n) throw new RangeError(`nothing of reward ${reward.id} is owed back`);
  const stands = reward.state !== 'clawed_back';
  const amount = textOf({ minor, currency: reward.money.currency });
  const decision = nextOfChain(draft, accountId, reward, {
    // What is left of it stands, or has ended, as before.
    outcome: stands ? 'adjusted' : 'reversed',
    reason: reason('written_off', { by, why, amount }),
    money: stands ? { minor: reward.money.minor - reward.clawedBack, currency: reward.money.currency } : reward.money,
    at,
  });
  writeOff(draft, reward, minor, decision);
  draft.markConcerned(reward);
  return decision;
}

/**
 * A decision on a reward that no fact of the CRM has led to: the next one of its chain, at the CRM's time of the one before, so that
 * what happened to the deal since is still gone through.
 */
export function nextOfChain(
  draft: Draft,
  accountId: string,
  reward: Reward,
  { at, ...made }: Pick<Decision, 'outcome' | 'reason' | 'money'> & { readonly at: Instant },
): Decision {
  const chain = draft
    .decisionsOf(reward.referralId)
    .filter(({ ruleKey, deal }) => ruleKey === reward.ruleKey && sameRecord(deal, reward.deal))
    .sort((a, b) => a.sequence - b.sequence);
  const before = chain.findLast(({ rewardId }) => rewardId === reward.id);
  if (!before) throw new RangeError(`reward ${reward.id} was granted by no decision`);
  const sequence = 1 + Math.max(...chain.map((decision) => decision.sequence));
  const decision: Decision = {
    ...before,
    ...made,
    id: decisionIdOf(accountId, reward, sequence),
    sequence,
    rewardId: reward.id,
    releaseAt: null,
    recordedAt: Math.max(at, ...chain.map(({ recordedAt }) => recordedAt)),
  };
  draft.addDecision(decision);
  draft.claimReferral(reward.referralId);
  return decision;
}
