import type { AttributionPolicy } from '../domain/attribution-policy.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { type DryRunReport, policyDryRun } from './dry-run.ts';
import type { Store } from './ports/store.ts';

export interface TryAttributionDeps {
  readonly store: Pick<Store, 'attribution' | 'audited'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What a draft of the attribution policy would change about what is paid, over all that is recorded. Changes nothing. */
export type TryAttribution = (
  accountId: string,
  policy: AttributionPolicy,
  period: { readonly from: Instant; readonly to: Instant },
) => Promise<DryRunReport>;

export function createTryAttribution({ store, clock }: TryAttributionDeps): TryAttribution {
  return async (accountId, attribution, period) => {
    const attributionInForce = await store.attribution.newest(accountId);
    const input = { accountId, ...period, attribution, attributionInForce };
    return store.audited(clock.now(), (audit) => policyDryRun(audit, input));
  };
}
