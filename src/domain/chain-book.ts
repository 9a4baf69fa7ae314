import type { Decision } from './decision.ts';
import type { Draft } from './plan.ts';
import type { DealFacts, RecordRef } from './record.ts';

/** One rule's decisions on one deal of the referral, newest last. It is never changed: a further decision makes another one of it. */
export interface Chain {
  readonly connectionId: string;
  readonly dealIds: readonly string[];
  readonly ruleKey: string;
  readonly decisions: readonly Decision[];
  /** Whether any of its decisions is about a reward: of 200 rules most never grant one. */
  readonly hasReward: boolean;
}

/** Two connections may give two deals one id. */
function keyOf({ connectionId, dealIds, ruleKey }: Pick<Chain, 'connectionId' | 'dealIds' | 'ruleKey'>): string {
  return `${connectionId} ${dealIds[0]} ${ruleKey}`;
}

/**
 * The chains of one referral, found without going through all of them: under a program of 200 rules each judgement asks for its own, and for
 * the others of its rule.
 */
export function createChainBook(draft: Draft, referralId: string, deals: readonly DealFacts[]) {
  /** In the order in which they began. */
  const byKey = new Map<string, Chain>();
  const byRule = new Map<string, Map<string, Chain>>();
  let known = 0;

  /** A deal's present id first, then the ids that were merged into it. */
  function idsOf(deal: RecordRef): string[] {
    const current = deals.find(
      ({ ref, formerIds }) =>
        ref.connectionId === deal.connectionId && (ref.id === deal.id || formerIds.includes(deal.id)),
    );
    return current ? [current.ref.id, ...current.formerIds] : [deal.id];
  }

  function put(chain: Chain): void {
    const key = keyOf(chain);
    byKey.set(key, chain);
    const ofRule = byRule.get(chain.ruleKey) ?? new Map<string, Chain>();
    byRule.set(chain.ruleKey, ofRule.set(key, chain));
  }

  /** Takes up what was decided since. */
  function refresh(): void {
    const decisions = draft.decisionsOf(referralId);
    const touched = new Map<string, Chain>();
    for (; known < decisions.length; known += 1) {
      const decision = decisions[known] as Decision;
      const dealIds = idsOf(decision.deal);
      const { ruleKey } = decision;
      const { connectionId } = decision.deal;
      const none: Chain = { connectionId, dealIds, ruleKey, decisions: [], hasReward: false };
      const key = keyOf(none);
      const before = touched.get(key) ?? byKey.get(key) ?? none;
      const hasReward = before.hasReward || decision.rewardId !== null;
      touched.set(key, { ...before, decisions: [...before.decisions, decision], hasReward });
    }
    for (const chain of touched.values())
      put({
        ...chain,
        decisions: chain.decisions.toSorted((a, b) => a.recordedAt - b.recordedAt || a.sequence - b.sequence),
      });
  }

  return {
    all(): Chain[] {
      refresh();
      return [...byKey.values()];
    },
    of(deal: DealFacts, ruleKey: string): Chain {
      refresh();
      const { connectionId, id } = deal.ref;
      const none: Chain = { connectionId, dealIds: [id, ...deal.formerIds], ruleKey, decisions: [], hasReward: false };
      return byKey.get(keyOf(none)) ?? none;
    },
    ofRule(ruleKey: string): Chain[] {
      refresh();
      return [...(byRule.get(ruleKey)?.values() ?? [])];
    },
  };
}
