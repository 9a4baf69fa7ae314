import {
  RETENTION,
  RETENTION_ITEMS,
  type RetentionItem,
  type RetentionRule,
  type RetentionSettings,
  retentionDays,
} from '../domain/retention.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { KeptSettings, Pruning, Store } from './ports/store.ts';

export interface RetentionDeps {
  readonly store: Pick<Store, 'accountSettings' | 'retention'>;
  readonly clock: Pick<Clock, 'now'>;
  /** When what is old is forgotten next. */
  readonly nextPruneAt: (now: Instant) => Instant;
}

export interface KeptItem extends RetentionRule {
  readonly item: RetentionItem;
  /** What holds; null for ever. */
  readonly days: number | null;
  readonly pruned: Pruning | null;
}

export interface RetentionView {
  readonly version: number;
  readonly items: readonly KeptItem[];
  readonly nextPruneAt: Instant;
}

export interface Retention {
  of(accountId: string): Promise<RetentionView>;
  /** What is not said stays as it is. Null when another version is in force than the one that was read. */
  save(
    accountId: string,
    said: RetentionSettings,
    as: { readonly basis: number; readonly by: string },
  ): Promise<KeptSettings<RetentionSettings> | null>;
}

/** For how long an account keeps what need not be kept for ever. */
export function createRetention({ store, clock, nextPruneAt }: RetentionDeps): Retention {
  const { accountSettings, retention } = store;
  return {
    async of(accountId) {
      const kept = await accountSettings.newest(accountId, 'retention');
      const prunings = await retention.prunings(accountId);
      return {
        version: kept?.version ?? 0,
        items: RETENTION_ITEMS.map((item) => ({
          item,
          ...RETENTION[item],
          days: retentionDays(kept?.settings ?? {}, item),
          pruned: prunings.find((pruning) => pruning.item === item) ?? null,
        })),
        nextPruneAt: nextPruneAt(clock.now()),
      };
    },

    async save(accountId, said, { basis, by }) {
      const settings = { ...(await accountSettings.newest(accountId, 'retention'))?.settings, ...said };
      return accountSettings.save(accountId, 'retention', settings, { basis, by, now: clock.now() });
    },
  };
}
