import type { ProgramVersion } from '../domain/program.ts';
import { programHash } from '../domain/program-hash.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { dryRun } from './dry-run.ts';
import type { KeptDryRun, Store } from './ports/store.ts';

export type Draft = Pick<ProgramVersion, 'programId' | 'name' | 'rules' | 'tiers'>;

export type PublishResult =
  | { readonly kind: 'published'; readonly version: ProgramVersion }
  | { readonly kind: 'refused'; readonly code: 'no_such_dry_run' | 'other_draft' };

export interface PublishDeps {
  readonly store: Pick<Store, 'programs' | 'dryRuns' | 'audited'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
}

/** From a draft to a version: tried on all of history, and published on what was seen then. */
export interface Publish {
  /** Runs over everything that is recorded, in a snapshot of its own, and keeps what came of it. Pays and changes nothing. */
  tryOut(accountId: string, draft: Draft, period: { from: Instant; to: Instant }, by: string): Promise<KeptDryRun>;
  /** With a dry run, only the very draft that it was of. */
  publish(accountId: string, draft: Draft, by: string, dryRunId: string | null): Promise<PublishResult>;
}

export function createPublish({ store, clock, newId }: PublishDeps): Publish {
  return {
    async tryOut(accountId, draft, period, by) {
      const at = clock.now();
      const report = await store.audited(at, (audit) => dryRun(audit, { accountId, draft, ...period }));
      const run: KeptDryRun = {
        id: `dry_${newId()}`,
        programId: draft.programId,
        contentHash: programHash(draft),
        report,
        by,
        at,
      };
      await store.dryRuns.keep(accountId, run);
      return run;
    },

    async publish(accountId, draft, by, dryRunId) {
      if (dryRunId !== null) {
        const seen = await store.dryRuns.get(accountId, dryRunId);
        if (!seen) return { kind: 'refused', code: 'no_such_dry_run' };
        if (seen.contentHash !== programHash(draft)) return { kind: 'refused', code: 'other_draft' };
      }
      const program = { ...draft, publishedBy: by, ...(dryRunId === null ? {} : { dryRunId }) };
      return { kind: 'published', version: await store.programs.publish(accountId, program, clock.now()) };
    },
  };
}
