import type { Reward } from '../domain/decision.ts';
import { Fault } from '../domain/errors.ts';
import { createDraft, stateWith } from '../domain/plan.ts';
import { owedOf, writeOffByPerson } from '../domain/write-off.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

export interface WriteOffDeps {
  readonly store: Pick<Store, 'cases' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
}

export type WriteOffResult =
  | { readonly kind: 'written_off'; readonly reward: Reward; readonly minor: bigint }
  | { readonly kind: 'refused'; readonly code: 'no_such_reward' | 'nothing_owed' };

/** `by`: who has authorised it, as the account names them. */
export type WriteOffReward = (
  accountId: string,
  rewardId: string,
  given: { readonly by: string; readonly why: string },
) => Promise<WriteOffResult>;

/** A person gives up what a beneficiary owes back of a reward. */
export function createWriteOff({ store, clock }: WriteOffDeps): WriteOffReward {
  return async (accountId, rewardId, given) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const known = await store.reads.reward(accountId, rewardId);
      if (!known) return { kind: 'refused', code: 'no_such_reward' };
      const { connectionId, id } = known.deal;
      const keys = { accountId, connectionId, contactIds: [], dealIds: [id], emails: [], codes: [], companies: [] };
      const loaded = await store.cases.load(keys);
      const reward = loaded.rewards.find((one) => one.id === rewardId) ?? known;
      const draft = createDraft(stateWith(accountId, loaded));
      const minor = owedOf(draft, reward);
      if (minor === 0n) return { kind: 'refused', code: 'nothing_owed' };
      writeOffByPerson(draft, accountId, reward, { ...given, at: clock.now() });
      const [result] = await store.cases.commit([
        { accountId, plan: draft.plan(), snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (result === 'committed') return { kind: 'written_off', reward: draft.reward(rewardId) ?? reward, minor };
    }
    throw new Fault(
      'busy',
      { kind: 'retry' },
      'Others changed the same referral at the same time. Nothing was written.',
    );
  };
}
