import { Fault } from '../domain/errors.ts';
import { createDraft, stateWith } from '../domain/plan.ts';
import type { LifecycleStage } from '../domain/referral.ts';
import { placeByPerson, type StageSet } from '../domain/stage-by-person.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

export interface SetStageDeps {
  readonly store: Pick<Store, 'cases' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when records are to be looked at. */
  readonly onAsked: () => void;
}

/** Null when the account has no such referral. The same word again is the same word. */
export type SetStage = (
  accountId: string,
  referralId: string,
  said: { readonly stage: LifecycleStage; readonly by: string; readonly why: string },
) => Promise<StageSet | null>;

/** A person, or a flow in a person's name, says where a referral stands that no deal speaks of. */
export function createSetStage({ store, clock, onAsked }: SetStageDeps): SetStage {
  return async (accountId, referralId, said) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const referral = await store.reads.referral(accountId, referralId);
      if (!referral) return null;
      const draft = createDraft(stateWith(accountId, { referrals: [referral] }));
      const result = placeByPerson(draft, referral, { ...said, at: clock.now() });
      if (result.kind !== 'set') return result;
      const plan = draft.plan();
      const [outcome] = await store.cases.commit([
        { accountId, plan, snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (outcome !== 'committed') continue;
      onAsked();
      return result;
    }
    throw new Fault(
      'busy',
      { kind: 'retry' },
      'Others changed the same referral at the same time. Nothing was written.',
    );
  };
}
