import type { Money } from '../../domain/money.ts';
import type { Party } from '../../domain/program.ts';
import type { PayoutNews } from '../../domain/reward.ts';
import type { Instant } from '../../domain/time.ts';
import type { RawRequest } from './crm.ts';
import type { BatchStore, CouponStore } from './store.ts';

/** What a provider is asked to do. The same order may come again with the same key after a crash or a lost answer. */
export interface PayoutOrder {
  /** Equal for every attempt at the same reward, different for any two rewards. Providers use it as their idempotency key. */
  readonly key: string;
  readonly accountId: string;
  readonly rewardId: string;
  readonly referralId: string;
  readonly beneficiary: {
    readonly party: Party;
    readonly id: string;
    readonly name: string | null;
    readonly email: string | null;
  };
  readonly money: Money;
  /** The sentence that says why it is paid. */
  readonly reason: string;
}

/** What a provider decided for an order before it acted, so that a later attempt acts on the same. */
export interface OrderMemory {
  /**
   * What was chosen under the order's key by an earlier attempt, without asking anew; or what `find` finds now, kept before anything is
   * done with it. Null when `find` finds nothing.
   */
  choose(find: () => Promise<string | null>): Promise<string | null>;
}

/** A provider's final answer to an order. */
export type IssueResult =
  | {
      readonly ok: true;
      /** The provider's own id of what it gave; null where there is none. */
      readonly reference: string | null;
      /** The code or link that the beneficiary is handed; null where the provider reaches them itself. Whoever has it has the reward. */
      readonly voucher: string | null;
    }
  | { readonly ok: false; readonly why: string };

/** One thing that a provider needs to be told before it can be used; a form is drawn from these. */
export interface CredentialField {
  readonly name: string;
  readonly label: string;
  /** Where to find it, in a sentence. */
  readonly help: string;
  /** Never shown again once it is given. */
  readonly secret: boolean;
  readonly required: boolean;
  /** The values it can have; absent: any text. The first is taken when none is given. */
  readonly choices?: readonly string[];
}

/** What a provider takes of one currency in one order. */
export interface AmountRange {
  readonly currency: string;
  readonly minMinor: bigint;
  /** Null where the vendor publishes no limit. */
  readonly maxMinor: bigint | null;
  /** Amounts are multiples of this: 100 where a vendor takes only whole units of a currency that has cents. */
  readonly stepMinor: bigint;
}

export interface PayoutDescription {
  readonly label: string;
  /** One sentence. */
  readonly summary: string;
  readonly fields: readonly CredentialField[];
  /** One entry for each currency that is taken; null: any currency, any amount. */
  readonly amounts: readonly AmountRange[] | null;
  /** What can still be stopped once it was issued, in a sentence; `can` is for programs. */
  readonly cancelling: { readonly can: 'never' | 'until_used' | 'until_claimed' | 'until_paid'; readonly how: string };
  /** Whether orders can be sent in batches that a person approves: always, where the account says so, or (absent) never. */
  readonly batching?: 'always' | 'optional';
  /** Whether "issued" stays true, or the money may still come back. */
  readonly issued: 'final' | 'may_come_back';
  /**
   * For how long the provider recognises a key that it has seen; null: for ever, or it is ours to recognise. An order that could not be
   * settled for longer than this is not sent again, since that could pay twice: a person looks at it.
   */
  readonly keyLifeMs: number | null;
}

/** What an account has told us for one provider, by the names of the description's fields. */
export interface PayoutCredentials {
  readonly accountId: string;
  readonly values: Readonly<Record<string, string>>;
}

export type TestResult =
  | { readonly ok: true; readonly detail: string }
  /** `field`: which of the credentials is wrong; null when that cannot be told. */
  | { readonly ok: false; readonly field: string | null; readonly problem: string };

/** One movement as the provider has it, for comparing with the ledger. */
export interface PayoutEntry {
  /** Ours; null for what was not ordered by us. */
  readonly key: string | null;
  readonly reference: string;
  readonly money: Money | null;
  readonly state: 'pending' | 'paid' | 'failed' | 'cancelled';
  readonly at: Instant;
}

/** A provider with the credentials of one account. */
export interface PayoutSession {
  /**
   * A result is final: paid, or refused for good. Everything else ("I do not know", "not now", "not yet") is a thrown `Fault` whose retry
   * rule says when to ask again with the same key. By then the beneficiary may have another name and address: what the key does not
   * cover is chosen once, in `memory`.
   */
  issue(order: PayoutOrder, memory: OrderMemory): Promise<IssueResult>;
  /**
   * `cancelled`: nothing is or will be paid under this key, or what was paid has come back. `too_late`: it stays paid, or nobody can say.
   * Without a reference, of an order whose answer is not known.
   */
  cancel?(order: { readonly key: string; readonly reference: string | null }): Promise<'cancelled' | 'too_late'>;
  /** What the provider knows of an order; null: nothing. Some find it by their reference only. */
  lookUp?(order: { readonly key: string; readonly reference: string | null }): Promise<PayoutEntry | null>;
  /** What moved from `from` up to but not including `to`. */
  entries?(from: Instant, to: Instant): Promise<PayoutEntry[]>;
  /** Whether the credentials work. Moves no money. */
  test(): Promise<TestResult>;
  /**
   * What a call to our webhook says, once its signature holds over the raw bytes. A call that says nothing of interest gives no news.
   *
   * @throws Fault `payout_news_unsigned` when the signature does not hold, `payout_news_malformed` when a signed call cannot be read.
   */
  readNews?(request: RawRequest): Promise<PayoutNews[]>;
}

/** One way of giving somebody their reward; one folder under src/payout/. */
export interface PayoutProvider {
  readonly name: string;
  readonly description: PayoutDescription;
  /** Loads what the provider needs (an SDK) when it is first used. @throws Fault `payout_credentials` when they cannot be used at all. */
  open(credentials: PayoutCredentials): Promise<PayoutSession>;
}

/** What providers are configured by. Each takes what is its own and is absent (null) without it. */
export interface PayoutSettings {
  readonly rewardWebhook: { readonly url: URL; readonly secret: string } | null;
  /** True lets orders go to private addresses, for the local sandbox. */
  readonly allowPrivateDestinations: boolean;
  /** By provider: where the local sandbox stands in for the vendor. Empty except in development. */
  readonly localProviders: Readonly<Record<string, URL>>;
  readonly now: () => number;
  /** Bytes that nobody can guess. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Keeps a text from whoever reads the database. The context names the account and what it is. */
  readonly seal: {
    seal(plain: string, context: string): string;
    open(sealed: string, context: string): string;
  };
  readonly coupons: CouponStore;
  readonly batches: BatchStore;
}
