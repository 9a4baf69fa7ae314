import type { Decision } from '../domain/decision.ts';
import type { RiskPolicy } from '../domain/risk.ts';
import { weigh } from '../domain/risk.ts';

/*
 * What was seen of people when a reward was decided on stands in its decision; the CRM keeps no history of it. What follows from that is
 * derived again: the weights are the policy's, the sum is theirs, and nothing doubtful is paid without a person.
 */

/** What is wrong with the risk of a decision that pays, or does not for that reason; null when nothing is. */
export function riskProblem(
  decision: Decision,
  policy: RiskPolicy | undefined,
  own: readonly Decision[],
): string | null {
  const { risk, outcome } = decision;
  if (!policy) return risk ? 'its program version looks for no risk' : null;
  if (!risk) return 'its program version looks for risk, and it tells of none';
  for (const { signal, weight } of risk.raised) {
    const rule = policy.signals.find((one) => one.signal === signal);
    if (!rule) return `its program version does not look for "${signal}"`;
    if (rule.weight !== weight) return `its program version gives "${signal}" a weight of ${rule.weight}`;
  }
  const { score, verdict } = weigh(policy, risk.raised);
  if (score !== risk.score || verdict !== risk.verdict) return `its signals add up to ${score} (${verdict})`;
  const isAllowed = own.some(
    ({ reason, deal, ruleKey, sequence }) =>
      reason.code === 'risk_allowed' &&
      deal.id === decision.deal.id &&
      ruleKey === decision.ruleKey &&
      sequence < decision.sequence,
  );
  if (isAllowed) return null;
  if (verdict === 'review' && outcome === 'rewarded') return `a risk of ${score} was paid without a person`;
  if (verdict === 'block' && outcome !== 'skipped') return `a risk of ${score} is not paid for`;
  if (verdict !== 'block' && decision.reason.code === 'risk_blocked') return `a risk of ${score} is paid for`;
  return null;
}

/** Chains that the risk policy keeps from being paid; people may have changed since, and nobody looked again. */
export function blockedChains(own: readonly Decision[]): ReadonlySet<string> {
  const last = new Map(
    own.toSorted((a, b) => a.sequence - b.sequence).map((decision) => [chainKey(decision), decision]),
  );
  return new Set([...last].filter(([, { reason }]) => reason.code === 'risk_blocked').map(([key]) => key));
}

export function chainKey({ deal, ruleKey }: Pick<Decision, 'deal' | 'ruleKey'>): string {
  return `${deal.id} ${ruleKey}`;
}
