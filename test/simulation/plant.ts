import type { Bug } from './bugs.ts';
import type { Theme } from './faults.ts';
import type { HistoryReport } from './history.ts';
import { HangingHistory, liveAll } from './pool.ts';

export interface PlantInput {
  readonly from: number;
  /** At most so many histories are lived. */
  readonly seeds: number;
  readonly threads?: number;
  readonly theme?: Theme | null;
}

export interface Planted {
  /** Histories that were lived until the mistake was found, or all of them. */
  readonly lived: number;
  /** What has given the mistake away; null when nothing has. */
  readonly caughtBy: string | null;
}

/** Lives histories with one mistake in the source until a law is broken or a history never ends. */
export async function plant(
  { edits, theme: about }: Bug,
  { from, seeds, threads, theme }: PlantInput,
): Promise<Planted> {
  let lived = 0;
  let caught: HistoryReport | null = null;
  let hanging: HangingHistory | null = null;
  await liveAll({
    from,
    seeds,
    edits,
    theme: theme ?? about ?? null,
    ...(threads === undefined ? {} : { threads }),
    onReport(report) {
      lived += 1;
      if (report.problems.length > 0) caught ??= report;
      return caught !== null;
    },
  }).catch((error: unknown) => {
    if (!(error instanceof HangingHistory)) throw error;
    hanging = error;
  });
  const [by, stuck] = [caught as HistoryReport | null, hanging as HangingHistory | null];
  if (by) return { lived, caughtBy: `seed ${by.seed}: ${by.problems[0]}` };
  return { lived, caughtBy: stuck?.message ?? null };
}
