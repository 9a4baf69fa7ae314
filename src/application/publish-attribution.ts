import {
  type AttributionPolicy,
  type AttributionPolicyVersion,
  countsCompanies,
} from '../domain/attribution-policy.ts';
import { policyHash } from '../domain/policy.ts';
import { policyDryRun } from './dry-run.ts';
import { createDryRuns, type DryRunRefusal, type DryRunsDeps, type Period, type Publisher } from './keep-dry-run.ts';
import { createLookAgain } from './look-again.ts';
import type { KeptDryRun, Store, TriedAttribution } from './ports/store.ts';

export interface PublishAttributionDeps extends Omit<DryRunsDeps, 'store'> {
  readonly store: Pick<Store, 'attribution' | 'dryRuns' | 'audited' | 'reads' | 'work'>;
  /** Told when records were asked for. */
  readonly onAsked: () => void;
}

/** From a draft of the attribution policy to a version. */
export interface PublishAttribution {
  /** What it would change about what is paid, over all that is recorded. Changes nothing. */
  tryOut(
    accountId: string,
    policy: AttributionPolicy,
    period: Period,
    by: string,
  ): Promise<KeptDryRun<TriedAttribution>>;
  publish(
    accountId: string,
    policy: AttributionPolicy,
    publisher: Publisher,
  ): Promise<{ readonly kind: 'published'; readonly version: AttributionPolicyVersion } | DryRunRefusal>;
}

export function createPublishAttribution({ store, clock, newId, onAsked }: PublishAttributionDeps): PublishAttribution {
  const dryRuns = createDryRuns({ store, clock, newId });
  const lookAgain = createLookAgain({ store, clock, onAsked });
  return {
    async tryOut(accountId, attribution, period, by) {
      const attributionInForce = await store.attribution.newest(accountId);
      const input = { accountId, ...period, attribution, attributionInForce };
      const of = { kind: 'attribution_policy' } as const;
      return dryRuns.keep(accountId, { of, contentHash: policyHash(attribution), by }, (audit) =>
        policyDryRun(audit, input),
      );
    },

    async publish(accountId, policy, { by, dryRunId }) {
      const refusal = await dryRuns.refusalOf(accountId, dryRunId, policyHash(policy));
      if (refusal) return refusal;
      const version = await store.attribution.publish(accountId, policy, by, clock.now(), dryRunId);
      // Which company friends work for was not read before anybody asked. Also when it was in force: whoever published it may have died.
      if (countsCompanies(policy)) await lookAgain(accountId);
      return { kind: 'published', version };
    },
  };
}
