import type { Decision } from './decision.ts';
import type { Draft } from './plan.ts';
import type { DealFacts, RecordRef } from './record.ts';

/** One rule's decisions on one deal of the referral, newest last. It is never changed: a further decision makes another one of it. */
export interface Chain {
  readonly dealIds: readonly string[];
  readonly ruleKey: string;
  readonly decisions: readonly Decision[];
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
    const current = deals.find(({ ref, formerIds }) => ref.id === deal.id || formerIds.includes(deal.id));
    return current ? [current.ref.id, ...current.formerIds] : [deal.id];
  }

  function put(chain: Chain): void {
    const key = `${chain.dealIds[0]} ${chain.ruleKey}`;
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
      const key = `${dealIds[0]} ${decision.ruleKey}`;
      const before = touched.get(key) ?? byKey.get(key) ?? { dealIds, ruleKey: decision.ruleKey, decisions: [] };
      const next = { ...before, decisions: [...before.decisions, decision] };
      touched.set(key, next);
      put(next);
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
      const key = `${deal.ref.id} ${ruleKey}`;
      return byKey.get(key) ?? { dealIds: [deal.ref.id, ...deal.formerIds], ruleKey, decisions: [] };
    },
    ofRule(ruleKey: string): Chain[] {
      refresh();
      return [...(byRule.get(ruleKey)?.values() ?? [])];
    },
  };
}
