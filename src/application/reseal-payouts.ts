import { type PayoutSecret, payoutContext, type Seal } from '../platform/seal.ts';
import type { PayoutRecordStore, SealedPayoutSecret } from './ports/store.ts';

/** Read at once; each is then written on its own, so an end at any moment leaves every secret readable. */
const PAGE_SIZE = 200;

const KINDS: readonly PayoutSecret[] = ['settings', 'voucher', 'coupon'];

export interface ResealedPayouts {
  readonly resealed: number;
  /** Somebody wrote them at this moment; the next run finds them. */
  readonly remaining: number;
  /** Those that no configured key opens. They stay as they are. */
  readonly unreadable: ReadonlyArray<{ readonly kind: PayoutSecret; readonly accountId: string; readonly id: string }>;
}

/**
 * Seals providers' credentials, vouchers and coupon codes with the first of the configured keys. Safe beside running nodes, safe to repeat,
 * and safe to stop: a text is replaced only where it is still the one that was read.
 */
export async function resealPayouts(
  records: Pick<PayoutRecordStore, 'listSealed' | 'replaceSealed'>,
  seal: Seal,
): Promise<ResealedPayouts> {
  let resealed = 0;
  let remaining = 0;
  const unreadable: Array<ResealedPayouts['unreadable'][number]> = [];

  function freshOf(kind: PayoutSecret, { accountId, id, sealed }: SealedPayoutSecret): string | null {
    const context = payoutContext(accountId, kind, id);
    try {
      return seal.seal(seal.open(sealed, context), context);
    } catch {
      return null;
    }
  }

  for (const kind of KINDS) {
    let after: SealedPayoutSecret | null = null;
    for (;;) {
      const page: SealedPayoutSecret[] = await records.listSealed(kind, after, PAGE_SIZE);
      for (const secret of page) {
        if (seal.keyIdOf(secret.sealed) === seal.currentKeyId) continue;
        const fresh = freshOf(kind, secret);
        if (fresh === null) unreadable.push({ kind, accountId: secret.accountId, id: secret.id });
        else if (await records.replaceSealed(kind, secret, fresh)) resealed += 1;
        else remaining += 1;
      }
      after = page.at(-1) ?? null;
      if (after === null) break;
    }
  }
  return { resealed, remaining, unreadable };
}
