import { TEST_PROVIDER } from '../domain/test-run.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { PayoutAccounts } from './payout-accounts.ts';
import type { PayoutProvider } from './ports/payout.ts';
import type { KeptPayoutReport, Page, PageInput, Store } from './ports/store.ts';
import { createReconcilePayouts, type DifferenceKind } from './reconcile-payouts.ts';

/** What somebody does about each kind of difference. */
export const REMEDIES: Readonly<Record<DifferenceKind, string>> = {
  paid_not_booked:
    'The order is sent again by itself under its key and then booked. If it is parked, look why, and try it again.',
  booked_not_paid:
    'Look at the provider whether it was paid there under another id. If it was not, the beneficiary has nothing: tell us of it as the provider’s message would, or pay by hand.',
  amount_differs: 'Compare both at the provider: an order is of one amount, so one of the two was changed by hand.',
  not_ours: 'Somebody else pays through the same account; nothing is to be done here.',
  open: 'Nothing yet: the provider has not said the last word, and is asked again.',
};

export interface PayoutReports {
  /** Compares a provider with the ledger and keeps what was found. Null when there is no such provider. */
  make(
    accountId: string,
    asked: { readonly provider: string; readonly from: Instant; readonly to: Instant; readonly by: string },
  ): Promise<KeptPayoutReport | null>;
  get(accountId: string, id: string): Promise<KeptPayoutReport | null>;
  list(accountId: string, page: PageInput): Promise<Page<KeptPayoutReport>>;
}

export interface PayoutReportsDeps {
  readonly store: Pick<Store, 'payoutRecords' | 'payoutReports' | 'reads'>;
  readonly accounts: Pick<PayoutAccounts, 'open'>;
  readonly providers: ReadonlyMap<string, Pick<PayoutProvider, 'name'>>;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
}

export function createPayoutReports({ store, accounts, providers, clock, newId }: PayoutReportsDeps): PayoutReports {
  const reconcile = createReconcilePayouts({ store, accounts });
  return {
    async make(accountId, { provider, from, to, by }) {
      if (!providers.has(provider) || provider === TEST_PROVIDER) return null;
      const report = await reconcile(accountId, provider, from, to);
      const kept = { id: `rep_${newId()}`, from, to, report, by, at: clock.now() };
      await store.payoutReports.keep(accountId, kept);
      return kept;
    },
    get: store.payoutReports.get,
    list: store.payoutReports.list,
  };
}
