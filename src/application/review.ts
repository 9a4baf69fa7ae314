import type { Reward } from '../domain/decision.ts';
import { Fault } from '../domain/errors.ts';
import { createDraft, stateWith } from '../domain/plan.ts';
import { awaitsPerson, decideByPerson, type PersonsVerdict } from '../domain/review.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

export interface ReviewDeps {
  readonly store: Pick<Store, 'cases' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when a payout was ordered. */
  readonly onDecided: () => void;
}

export type ReviewResult =
  | { readonly kind: 'decided'; readonly reward: Reward }
  | { readonly kind: 'refused'; readonly code: 'no_such_reward' }
  /** Somebody else has decided, or the deal has: the reward as it is now. */
  | { readonly kind: 'refused'; readonly code: 'awaits_nobody'; readonly reward: Reward };

/** A person's word on a reward that waits for one. The only way in which a person, and not a rule, moves money. */
export type Review = (
  accountId: string,
  rewardId: string,
  verdict: Omit<PersonsVerdict, 'at'>,
) => Promise<ReviewResult>;

export function createReview({ store, clock, onDecided }: ReviewDeps): Review {
  return async (accountId, rewardId, verdict) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const known = await store.reads.reward(accountId, rewardId);
      if (!known) return { kind: 'refused', code: 'no_such_reward' };
      const loaded = await store.cases.load({
        accountId,
        connectionId: known.deal.connectionId,
        contactIds: [],
        dealIds: [known.deal.id],
        emails: [],
        codes: [],
        companies: [],
      });
      const reward = loaded.rewards.find(({ id }) => id === rewardId) ?? known;
      if (!awaitsPerson(reward)) return { kind: 'refused', code: 'awaits_nobody', reward };
      const draft = createDraft(stateWith(accountId, loaded));
      decideByPerson(draft, accountId, reward, { ...verdict, at: clock.now() });
      const plan = draft.plan();
      const [result] = await store.cases.commit([
        { accountId, plan, snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (result !== 'committed') continue;
      if (plan.intents.length > 0) onDecided();
      return { kind: 'decided', reward: draft.reward(rewardId) ?? reward };
    }
    throw new Fault(
      'busy',
      { kind: 'retry' },
      'Others changed the same referral at the same time. Nothing was written.',
    );
  };
}
