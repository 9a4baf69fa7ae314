import { nextCut } from '../domain/batch-schedule.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Store } from './ports/store.ts';

/** Cut in one go; the rest follows ten minutes later. */
const CUT_AT_ONCE_MAX = 500;

export interface CutBatchesDeps {
  readonly store: Pick<Store, 'batches'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Called when orders came up to be sent. */
  readonly onApproved: () => void;
}

/**
 * Cuts every batch whose day has come. A node that was down cuts late, once: what joined meanwhile goes along, and the next cut is the next day
 * of the schedule.
 */
export function createCutBatches({ store, clock, log, onApproved }: CutBatchesDeps) {
  return async (signal?: AbortSignal): Promise<number> => {
    let cut = 0;
    for (const due of await store.batches.dueBatchings(clock.now(), CUT_AT_ONCE_MAX)) {
      if (signal?.aborted) break;
      const now = clock.now();
      // One without a schedule has no next time, and is not due.
      if (due.schedule === null) continue;
      if (!(await store.batches.cutDue(due, nextCut(due.schedule, now), now))) continue;
      cut += 1;
      log.info({ account: due.accountId, provider: due.provider, approval: due.approval }, 'batch cut on schedule');
      if (due.approval === 'none') onApproved();
    }
    return cut;
  };
}
