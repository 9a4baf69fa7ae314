import { couponHash } from '../domain/ids.ts';
import type { Money } from '../domain/money.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { payoutContext, type Seal } from '../platform/seal.ts';
import { readCsv } from './csv-read.ts';
import type { PayoutNewsDesk } from './payout-news.ts';
import type { CouponCount, PayoutRecordState, SealedCoupon, Store } from './ports/store.ts';

/** Far longer than any code that a person types. */
const CODE_LENGTH_MAX = 64;

export type RedeemResult = 'redeemed' | 'already_redeemed' | 'withdrawn' | 'unknown';

/** What became of one row of a file. `line` counts as an editor shows it. */
export interface ImportedRedemption {
  readonly line: number;
  readonly result: RedeemResult | 'unreadable';
}

/** What a provider has of a reward, with the code or link in the clear: whoever reads it can use it. */
export interface RewardPayout {
  readonly provider: string;
  readonly state: PayoutRecordState;
  readonly reference: string | null;
  readonly voucher: string | null;
  readonly updatedAt: Instant;
}

/** What people do with codes, and what was given for a reward. */
export interface PayoutDesk {
  /** Null while nothing was given, or where nothing is left behind, as by credit. */
  payoutOf(accountId: string, rewardId: string): Promise<RewardPayout | null>;
  /** Puts codes of one value into the pool. Codes that are there already stay as they are. */
  addCoupons(accountId: string, codes: readonly string[], money: Money): Promise<{ added: number; duplicates: number }>;
  couponCounts(accountId: string): Promise<CouponCount[]>;
  /** What the shop tells of codes that were used; in the order in which they were given. */
  redeemCoupons(accountId: string, codes: readonly string[]): Promise<RedeemResult[]>;
  /** The same from a file with a column "code"; the same file again changes nothing. */
  importRedemptions(
    accountId: string,
    csv: string,
  ): Promise<
    { readonly ok: true; readonly rows: ImportedRedemption[] } | { readonly ok: false; readonly problem: string }
  >;
}

export interface PayoutDeskDeps {
  readonly store: Pick<Store, 'coupons' | 'payoutRecords'>;
  readonly seal: Pick<Seal, 'seal' | 'open'>;
  readonly news: Pick<PayoutNewsDesk, 'take'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createPayoutDesk({ store, seal, news, clock }: PayoutDeskDeps): PayoutDesk {
  const { coupons } = store;

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

    async importRedemptions(accountId, csv) {
      const read = readCsv(csv, ['code']);
      if (!read.ok) return read;
      const rows: ImportedRedemption[] = [];
      for (const { line, fields } of read.rows) {
        const code = fields.get('code') ?? '';
        const isReadable = code !== '' && code.length <= CODE_LENGTH_MAX;
        rows.push({ line, result: isReadable ? await redeem(accountId, code) : 'unreadable' });
      }
      return { ok: true, rows };
    },
  };
}
