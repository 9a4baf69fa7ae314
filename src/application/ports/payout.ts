import type { Money } from '../../domain/money.ts';
import type { PayoutResult } from '../../domain/reward.ts';

/** What a provider is asked to do. The same order may come again with the same key after a crash or a lost answer. */
export interface PayoutOrder {
  /** Equal for every attempt at the same reward, different for any two rewards. Providers use it as their idempotency key. */
  readonly key: string;
  readonly accountId: string;
  readonly rewardId: string;
  readonly referralId: string;
  readonly beneficiary: {
    readonly party: 'member' | 'friend';
    readonly id: string;
    readonly name: string | null;
    readonly email: string | null;
  };
  readonly money: Money;
  /** The sentence that says why it is paid. */
  readonly reason: string;
}

/**
 * One way of giving somebody their reward; one folder under src/payout/.
 *
 * A result is final: paid, or refused for good. Everything else ("I do not know", "not now") is a thrown `Fault` whose retry rule
 * says when to ask again with the same key.
 */
export interface PayoutProvider {
  readonly name: string;
  issue(order: PayoutOrder): Promise<PayoutResult>;
}

/** What providers are configured by. Each takes what is its own and is absent (null) without it. */
export interface PayoutSettings {
  readonly rewardWebhook: { readonly url: URL; readonly secret: string } | null;
  /** True lets orders go to private addresses, for the local sandbox. */
  readonly allowPrivateDestinations: boolean;
  readonly now: () => number;
}
