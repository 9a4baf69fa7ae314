import { Fault } from '../domain/errors.ts';
import { isCredit } from '../domain/ledger.ts';
import { type Money, textOf } from '../domain/money.ts';
import type { PayoutIntent } from '../domain/plan.ts';
import type { Clock } from '../platform/clock.ts';
import { payoutContext, type Seal } from '../platform/seal.ts';
import type { PayoutAccounts } from './payout-accounts.ts';
import type { IssueResult, PayoutDescription, PayoutOrder } from './ports/payout.ts';
import type { BatchStore, ClaimedPayout, GivenPayout, PayoutRecordStore } from './ports/store.ts';

/** A provider forgets a key on a day of its own clock; this long before, an order is not sent again any more. */
const KEY_LIFE_MARGIN_MS = 86_400_000;

export interface PayoutOrders {
  /**
   * Whether a claimed order may be sent now. `held`: it waits in a batch, and is nobody's until that is approved. `taken_back`: it was to
   * wait there, and its reward is to end.
   */
  admit(payout: ClaimedPayout, money: Money): Promise<'go' | 'held' | 'taken_back'>;
  /** Asks the provider to undo what it gave. `given` is what is to be noted when it has. */
  recall(
    payout: ClaimedPayout,
  ): Promise<{ readonly outcome: 'cancelled' | 'too_late'; readonly given: GivenPayout | undefined }>;
  /**
   * Sends an order to its provider, under everything that the provider's description promises. `given` is what is to be noted with the
   * booking; undefined for a provider that leaves nothing behind.
   */
  carryOut(
    intent: PayoutIntent,
    order: PayoutOrder,
    options: { readonly isTakenBack: boolean },
  ): Promise<{ readonly result: IssueResult; readonly given: GivenPayout | undefined }>;
}

export interface PayoutOrdersDeps {
  readonly records: Pick<PayoutRecordStore, 'begin' | 'choose' | 'record'>;
  readonly batches: Pick<BatchStore, 'admit' | 'batching'>;
  readonly accounts: Pick<PayoutAccounts, 'open'>;
  readonly seal: Pick<Seal, 'seal'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createPayoutOrders({ records, batches, accounts, seal, clock }: PayoutOrdersDeps): PayoutOrders {
  return {
    async admit(payout, money) {
      const { accountId, intent } = payout;
      const { provider } = await accounts.open(accountId, intent.provider);
      const { batching } = provider.description;
      if (batching === undefined) return 'go';
      if (batching === 'optional' && !(await batches.batching(accountId, provider.name))) return 'go';
      // What it would not take is refused at once, and not on the day of the batch.
      if (refusalOf(provider.description, money) !== null) return 'go';
      return batches.admit(payout, money, clock.now());
    },

    async recall({ accountId, intent, reward }) {
      // Credit is ours: nobody has to be asked.
      if (isCredit(reward)) return { outcome: 'cancelled', given: undefined };
      const { session } = await accounts.open(accountId, intent.provider);
      if (!session.cancel) return { outcome: 'too_late', given: undefined };
      const known = await records.record(accountId, intent.id);
      const reference = known?.reference ?? null;
      const outcome = await session.cancel({ key: intent.id, reference });
      const isUndone = outcome === 'cancelled' && known !== null;
      return { outcome, given: isUndone ? { reference, voucher: known.voucher, state: 'cancelled' } : undefined };
    },

    async carryOut(intent, order, { isTakenBack }) {
      const { accountId, key } = order;
      const { provider, session } = await accounts.open(accountId, intent.provider);
      const { keyLifeMs } = provider.description;
      const refusal = refusalOf(provider.description, order.money);
      if (refusal !== null) return { result: { ok: false, why: refusal }, given: undefined };
      if (isTakenBack && session.cancel) {
        const known = await records.record(accountId, key);
        if (
          (await session.cancel({ key, reference: known && known.state !== 'asked' ? known.reference : null })) ===
          'cancelled'
        )
          return { result: { ok: false, why: 'taken back before it was paid' }, given: undefined };
      }
      // Whether there is a row that says "asked", which a refusal has to answer too.
      let isBegun = keyLifeMs !== null;
      if (keyLifeMs !== null) {
        const age = clock.now() - (await records.begin(accountId, intent, clock.now()));
        if (age > keyLifeMs - KEY_LIFE_MARGIN_MS) throw tooOld(provider.description.label, keyLifeMs);
      }
      const memory = {
        choose: async (find: () => Promise<string | null>) => {
          const before = await records.record(accountId, key);
          isBegun ||= before !== null;
          if (before && before.reference !== null) return before.reference;
          const found = await find();
          if (found === null) return null;
          await records.begin(accountId, intent, clock.now());
          isBegun = true;
          return records.choose(accountId, key, found, clock.now());
        },
      };
      const result = await session.issue(order, memory);
      if (!result.ok && isBegun) return { result, given: { reference: null, voucher: null, state: 'refused' } };
      return { result, given: givenOf(accountId, key, result) };
    },
  };

  /** The voucher is sealed before it goes anywhere near the database. */
  function givenOf(accountId: string, key: string, result: IssueResult): GivenPayout | undefined {
    if (!result.ok || (result.reference === null && result.voucher === null)) return undefined;
    const { reference, voucher } = result;
    const context = payoutContext(accountId, 'voucher', key);
    return { reference, voucher: voucher === null ? null : seal.seal(voucher, context), state: 'issued' };
  }
}

function tooOld(label: string, keyLifeMs: number): Fault {
  const days = Math.floor(keyLifeMs / 86_400_000);
  return new Fault(
    'payout_rejected',
    { kind: 'never' },
    `${label} recognises an order for ${days} days, and this one is older: sent again, it could be paid twice. Look there whether it was paid.`,
  );
}

/** Why a provider would not take an amount, in a sentence that says what it takes; null when it does. */
export function refusalOf({ label, amounts }: PayoutDescription, money: Money): string | null {
  if (amounts === null) return null;
  const range = amounts.find(({ currency }) => currency === money.currency);
  if (!range) {
    const taken = amounts.map(({ currency }) => currency);
    const shown =
      taken.length > 12 ? `${taken.slice(0, 12).join(', ')} and ${taken.length - 12} more` : taken.join(', ');
    return `${label} does not pay in ${money.currency}; it takes ${shown}.`;
  }
  const { currency, minMinor, maxMinor, stepMinor } = range;
  const isWithin = money.minor >= minMinor && (maxMinor === null || money.minor <= maxMinor);
  if (isWithin && money.minor % stepMinor === 0n) return null;
  const from = textOf({ minor: minMinor, currency });
  const upTo = maxMinor === null ? '' : ` up to ${textOf({ minor: maxMinor, currency })}`;
  const steps = stepMinor === 1n ? '' : `, in steps of ${textOf({ minor: stepMinor, currency })}`;
  return `${label} takes orders from ${from}${upTo}${steps}; this one is ${textOf(money)}.`;
}
