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
  readonly store: Pick<Store, 'accountSettings'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createCharts({ store: { accountSettings }, clock }: ChartsDeps): Charts {
  return {
    async read(accountId) {
      const kept = await accountSettings.newest(accountId, 'chart');
      return { version: kept?.version ?? 0, entries: kept?.settings ?? [] };
    },
    async save(accountId, entries, { basis, by }) {
      const saved = await accountSettings.save(accountId, 'chart', entries, { basis, by, now: clock.now() });
      return saved && { version: saved.version, entries: saved.settings };
    },
  };
}
