import { couponHash } from '../domain/ids.ts';
import { decimalOf, type Money } from '../domain/money.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { payoutContext, type Seal } from '../platform/seal.ts';
import { csvOf } from './csv.ts';
import type { PayoutNewsDesk } from './payout-news.ts';
import type { CouponCount, ManualBatch, ManualRow, PayoutRecordState, SealedCoupon, Store } from './ports/store.ts';

export type RedeemResult = 'redeemed' | 'already_redeemed' | 'withdrawn' | 'unknown';

export interface ManualMark {
  readonly key: string;
  readonly state: 'paid' | 'refused';
  readonly why: string | null;
}

export type MarkResult = 'marked' | 'settled';

/** What a provider has of a reward, with the code or link in the clear: whoever reads it can use it. */
export interface RewardPayout {
  readonly provider: string;
  readonly state: PayoutRecordState;
  readonly reference: string | null;
  readonly voucher: string | null;
  readonly updatedAt: Instant;
}

/** What people do with codes and with batches that are paid by hand. */
export interface PayoutDesk {
  /** Null while nothing was given, or where nothing is left behind, as by credit. */
  payoutOf(accountId: string, rewardId: string): Promise<RewardPayout | null>;
  /** Puts codes of one value into the pool. Codes that are there already stay as they are. */
  addCoupons(accountId: string, codes: readonly string[], money: Money): Promise<{ added: number; duplicates: number }>;
  couponCounts(accountId: string): Promise<CouponCount[]>;
  /** What the shop tells of codes that were used; in the order in which they were given. */
  redeemCoupons(accountId: string, codes: readonly string[]): Promise<RedeemResult[]>;
  batches(accountId: string): Promise<ManualBatch[]>;
  batch(accountId: string, batchId: string): Promise<{ batch: ManualBatch; rows: ManualRow[] } | null>;
  /** Closes the batch, if it is open, and writes what is to be paid as CSV. Null when there is no such batch. */
  export(accountId: string, batchId: string): Promise<{ fileName: string; csv: string } | null>;
  /**
   * All or, when an order is none of the batch's, nothing. A batch that is still open is closed first: what is marked as paid cannot be
   * withdrawn at the same time.
   */
  mark(
    accountId: string,
    batchId: string,
    marks: readonly ManualMark[],
  ): Promise<
    { readonly ok: true; readonly results: MarkResult[] } | { readonly ok: false; readonly unknown: number } | null
  >;
}

export interface PayoutDeskDeps {
  readonly store: Pick<Store, 'coupons' | 'manual' | 'payoutRecords'>;
  readonly seal: Pick<Seal, 'seal' | 'open'>;
  readonly news: Pick<PayoutNewsDesk, 'take'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when an order has come up to be settled. */
  readonly onSettled: () => void;
}

export function createPayoutDesk({ store, seal, news, clock, onSettled }: PayoutDeskDeps): PayoutDesk {
  const { coupons, manual } = store;

  async function redeem(accountId: string, code: string): Promise<RedeemResult> {
    const now = clock.now();
    const hash = couponHash(accountId, code);
    const before = await coupons.redeem(accountId, hash, now);
    if (!before) return 'unknown';
    if (before.withdrawnAt !== null) return 'withdrawn';
    // Told even when it was told before: the node that heard it first may have died before it told the reward.
    const told = { eventId: `redeemed ${hash}`, kind: 'redeemed', key: before.key, reference: hash } as const;
    const { accepted } = await news.take(accountId, 'coupon', [{ ...told, why: null, at: now }]);
    return accepted === 1 ? 'redeemed' : 'already_redeemed';
  }

  return {
    async payoutOf(accountId, rewardId) {
      const record = await store.payoutRecords.recordOfReward(accountId, rewardId);
      if (!record) return null;
      const { key, provider, state, reference, voucher, updatedAt } = record;
      return {
        provider,
        state,
        // Until it has answered, it is what we chose for it, and nothing of the provider's.
        reference: state === 'asked' ? null : reference,
        voucher: voucher === null ? null : seal.open(voucher, payoutContext(accountId, 'voucher', key)),
        updatedAt,
      };
    },

    addCoupons(accountId, codes, money) {
      const sealed = new Map<string, SealedCoupon>();
      for (const code of codes) {
        const hash = couponHash(accountId, code);
        if (!sealed.has(hash))
          sealed.set(hash, { hash, sealed: seal.seal(code.trim(), payoutContext(accountId, 'coupon', hash)) });
      }
      return coupons
        .add(accountId, [...sealed.values()], money, clock.now())
        .then(({ added }) => ({ added, duplicates: codes.length - added }));
    },

    couponCounts: coupons.counts,

    async redeemCoupons(accountId, codes) {
      const results: RedeemResult[] = [];
      for (const code of codes) results.push(await redeem(accountId, code));
      return results;
    },

    batches: manual.batches,

    async batch(accountId, batchId) {
      const batch = await manual.batch(accountId, batchId);
      return batch && { batch, rows: await manual.rows(accountId, batchId) };
    },

    async export(accountId, batchId) {
      await manual.cut(accountId, batchId, clock.now());
      const batch = await manual.batch(accountId, batchId);
      if (!batch) return null;
      const rows = (await manual.rows(accountId, batchId)).filter(({ state }) => state === 'waiting');
      return {
        fileName: `wonward-payouts-${String(batch.number).padStart(4, '0')}.csv`,
        csv: csvOf(
          ['order', 'reward', 'name', 'email', 'amount', 'currency', 'party'],
          rows.map(({ key, rewardId, name, email, money, party }) => [
            key,
            rewardId,
            name ?? '',
            email ?? '',
            decimalOf(money),
            money.currency,
            party,
          ]),
        ),
      };
    },

    async mark(accountId, batchId, marks) {
      if (!(await manual.batch(accountId, batchId))) return null;
      const items = await Promise.all(marks.map(({ key }) => manual.item(accountId, key)));
      const unknown = items.findIndex((item) => item?.batchId !== batchId);
      if (unknown !== -1) return { ok: false, unknown };
      await manual.cut(accountId, batchId, clock.now());
      const results: MarkResult[] = [];
      for (const mark of marks)
        results.push((await manual.mark(accountId, batchId, mark, clock.now())) === 'marked' ? 'marked' : 'settled');
      onSettled();
      return { ok: true, results };
    },
  };
}
