import type { CaseOutcome } from '../domain/case.ts';
import type { Reward } from '../domain/decision.ts';
import { EMPTY_PLAN, type Plan } from '../domain/plan.ts';
import type { Clock } from '../platform/clock.ts';
import { createDesk, type DeskDecided } from './desk.ts';
import type { CaseStore, DeskStore, Store } from './ports/store.ts';
import { createReattribute } from './re-attribute.ts';
import { createReview } from './review.ts';

export interface AskedOutcome {
  readonly outcome: CaseOutcome;
  /** Of `reattributed`, where the dispute names nobody or somebody else. */
  readonly memberId?: string | undefined;
  readonly by: string;
}

export type DeskEffects = (
  accountId: string,
  caseId: string,
  asked: AskedOutcome,
) => Promise<
  | {
      readonly kind: 'would';
      readonly plan: Plan;
      /** Rewards as they are now, by their ids. */
      readonly before: ReadonlyMap<string, Reward>;
    }
  | Exclude<DeskDecided, { readonly kind: 'decided' }>
>;

/**
 * What would follow from a word on a case, without saying it. It is the very decision, over a store that keeps the plan instead of writing it:
 * what is shown cannot be another thing than what is done then.
 */
export function createDeskEffects({
  store,
  clock,
}: {
  readonly store: Pick<
    Store,
    'cases' | 'desk' | 'drift' | 'reads' | 'accounts' | 'programs' | 'attribution' | 'connections'
  >;
  readonly clock: Pick<Clock, 'now'>;
}): DeskEffects {
  return async (accountId, caseId, { outcome, memberId, by }) => {
    let plan: Plan | null = null;
    const before = new Map<string, Reward>();
    const cases: CaseStore = {
      ...store.cases,
      async load(keys) {
        const loaded = await store.cases.load(keys);
        for (const reward of loaded.rewards) before.set(reward.id, reward);
        return loaded;
      },
      async commit(commits) {
        plan = commits[0]?.plan ?? null;
        return commits.map(() => 'committed' as const);
      },
    };
    const desk: DeskStore = {
      ...store.desk,
      async decide(account, id) {
        const found = await store.desk.get(account, id);
        if (found?.case.state === 'open') plan = EMPTY_PLAN;
        return found ? { kind: 'awaits_nobody', case: found.case } : { kind: 'no_such_case' };
      },
    };
    const trying = { ...store, cases, desk };
    const nobody = () => {};
    const decided = await createDesk({
      store: trying,
      clock,
      review: createReview({ store: trying, clock, onDecided: nobody }),
      reattribute: createReattribute({ store: trying, clock, onAsked: nobody }),
      newId: () => '',
      onAsked: nobody,
    }).decide(accountId, caseId, { outcome, by, why: '', memberId });
    if (plan !== null) return { kind: 'would', plan, before };
    if (decided.kind === 'decided') throw new RangeError(`case ${caseId} was decided by a store that writes nothing`);
    return decided;
  };
}
