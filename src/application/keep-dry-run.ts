import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { DryRunReport } from './dry-run.ts';
import type { Audit } from './ports/audit.ts';
import type { KeptDryRun, Store, Tried } from './ports/store.ts';

export interface DryRunsDeps {
  readonly store: Pick<Store, 'dryRuns' | 'audited'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
}

/** Events from `from` on and before `to`, by the CRM's clock. */
export interface Period {
  readonly from: Instant;
  readonly to: Instant;
}

/** Who publishes, and on what. */
export interface Publisher {
  readonly by: string;
  /** Publishes only the very draft that this dry run was of. */
  readonly dryRunId: string | null;
}

export interface DryRunRefusal {
  readonly kind: 'refused';
  readonly code: 'no_such_dry_run' | 'other_draft';
}

/** Dry runs of whatever can be tried: kept as somebody saw them, so that it is published on what was seen. */
export interface DryRuns {
  /** Runs over everything that is recorded, in a snapshot of its own, and keeps what came of it. Pays and changes nothing. */
  keep<T extends Tried>(
    accountId: string,
    draft: Pick<KeptDryRun<T>, 'of' | 'contentHash' | 'by'>,
    run: (audit: Audit) => Promise<DryRunReport>,
  ): Promise<KeptDryRun<T>>;
  /** Why a draft cannot be published on this dry run; null when it can, and when none is named. */
  refusalOf(accountId: string, dryRunId: string | null, contentHash: string): Promise<DryRunRefusal | null>;
}

export function createDryRuns({ store, clock, newId }: DryRunsDeps): DryRuns {
  return {
    async keep(accountId, draft, run) {
      const at = clock.now();
      const kept = { ...draft, id: `dry_${newId()}`, report: await store.audited(at, run), at };
      await store.dryRuns.keep(accountId, kept);
      return kept;
    },

    async refusalOf(accountId, dryRunId, contentHash) {
      if (dryRunId === null) return null;
      const seen = await store.dryRuns.get(accountId, dryRunId);
      if (!seen) return { kind: 'refused', code: 'no_such_dry_run' };
      return seen.contentHash === contentHash ? null : { kind: 'refused', code: 'other_draft' };
    },
  };
}
