import type { ChartEntry } from '../domain/period.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** The company's chart of accounts, as somebody saved it; version 0 before anybody did. */
export interface Chart {
  readonly version: number;
  readonly entries: readonly ChartEntry[];
}

export interface Charts {
  read(accountId: string): Promise<Chart>;
  /** Null when another than `basis` is the newest version. */
  save(
    accountId: string,
    entries: readonly ChartEntry[],
    as: { readonly basis: number; readonly by: string },
  ): Promise<Chart | null>;
}

export interface ChartsDeps {
  readonly store: Pick<Store, 'financeSettings'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createCharts({ store: { financeSettings }, clock }: ChartsDeps): Charts {
  return {
    async read(accountId) {
      const kept = await financeSettings.newest(accountId, 'chart');
      return kept
        ? { version: kept.version, entries: kept.body as readonly ChartEntry[] }
        : { version: 0, entries: [] };
    },
    async save(accountId, entries, { basis, by }) {
      const isSaved = await financeSettings.save(accountId, 'chart', entries, { basis, by, now: clock.now() });
      return isSaved ? { version: basis + 1, entries } : null;
    },
  };
}
