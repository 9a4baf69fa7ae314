import { RETENTION_ITEMS, type RetentionItem, type RetentionSettings, retentionDays } from '../domain/retention.ts';
import { addDays, type Instant } from '../domain/time.ts';
import { WEBHOOK_EVENTS_KEPT_DAYS } from '../domain/webhook.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Store } from './ports/store.ts';
import type { Reconciliation } from './reconciliation.ts';

/** Rows of one transaction: a database that writes one at a time must answer webhooks between two of them. */
const ROWS_PER_WRITE = 1_000;

/** Of one kind and connection in one run. What has gathered in years goes in a few days, and a run ends before the next one begins. */
const ROWS_PER_RUN_MAX = 200_000;

/** Events of one transaction, each with its deliveries and their attempts. */
const EVENTS_PER_WRITE = 200;

export interface PruneDeps {
  readonly store: Pick<
    Store,
    'accounts' | 'connections' | 'workflowCalls' | 'accountSettings' | 'retention' | 'webhooks'
  >;
  readonly reconciliation: Pick<Reconciliation, 'prune'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** Forgets what has had its time, of every account by its own settings. One that fails does not stop the others. */
export function createPrune({ store, reconciliation, clock, log }: PruneDeps): (signal?: AbortSignal) => Promise<void> {
  /** Until nothing is left, or enough was forgotten for one run; how many rows. */
  async function inChunks(
    before: Instant | null,
    signal: AbortSignal | undefined,
    some: (before: Instant) => Promise<number>,
    perWrite = ROWS_PER_WRITE,
  ): Promise<number> {
    let rows = 0;
    if (before === null) return 0;
    for (let last = perWrite; last === perWrite && rows < ROWS_PER_RUN_MAX && !signal?.aborted; rows += last)
      last = await some(before);
    return rows;
  }

  /** How many calls of workflows it forgot; what else it forgets counts itself. */
  async function pruneConnection(
    accountId: string,
    connectionId: string,
    ends: Ends,
    now: Instant,
    signal?: AbortSignal,
  ): Promise<number> {
    const { workflowCalls, inbox, reports, reportLists } = ends;
    const own = [accountId, connectionId] as const;
    const calls = await inChunks(workflowCalls, signal, (before) =>
      store.workflowCalls.prune(...own, before, ROWS_PER_WRITE),
    );
    const deliveries = await inChunks(inbox, signal, (before) =>
      store.retention.pruneInbox(...own, before, { now, limit: ROWS_PER_WRITE }),
    );
    if (calls + deliveries > 0) log.info({ connection: connectionId, calls, deliveries }, 'what was old is forgotten');
    await reconciliation.prune(...own, signal, { reportsBefore: reports ?? 0, listsBefore: reportLists ?? 0 });
    return calls;
  }

  async function pruneAccount(accountId: string, signal?: AbortSignal): Promise<void> {
    const now = clock.now();
    const settings = (await store.accountSettings.newest(accountId, 'retention'))?.settings ?? {};
    const ends = endsOf(settings, now);
    let calls = 0;
    for (const { id: connectionId } of await store.connections.list(accountId)) {
      if (signal?.aborted) return;
      try {
        calls += await pruneConnection(accountId, connectionId, ends, now, signal);
      } catch (err) {
        log.error({ connection: connectionId, err }, 'what is old could not be forgotten');
      }
    }
    const lines = await inChunks(ends.auditLog, signal, (before) =>
      store.retention.pruneAuditLog(accountId, before, ROWS_PER_WRITE),
    );
    if (lines > 0) log.info({ account: accountId, lines }, 'old lines of the audit log forgotten');
    const rows: Partial<Record<RetentionItem, number>> = { workflowCalls: calls, auditLog: lines };
    await store.retention.note(
      accountId,
      RETENTION_ITEMS.flatMap((item) => {
        const upTo = ends[item];
        return upTo === null ? [] : [{ item, upTo, at: now, rows: rows[item] ?? 0 }];
      }),
    );
  }

  async function pruneEvents(accountId: string, signal?: AbortSignal): Promise<void> {
    const end = addDays(clock.now(), -WEBHOOK_EVENTS_KEPT_DAYS);
    const events = await inChunks(
      end,
      signal,
      (before) => store.webhooks.prune(accountId, before, EVENTS_PER_WRITE),
      EVENTS_PER_WRITE,
    );
    if (events > 0) log.info({ account: accountId, events }, 'old events of webhooks forgotten');
  }

  return async (signal) => {
    for (const { id: accountId } of await store.accounts.list()) {
      if (signal?.aborted) return;
      try {
        await pruneEvents(accountId, signal);
        await pruneAccount(accountId, signal);
      } catch (err) {
        log.error({ account: accountId, err }, 'what is old could not be forgotten');
      }
    }
  };
}

/** What came before is forgotten; null: nothing is. */
type Ends = Readonly<Record<RetentionItem, Instant | null>>;

function endsOf(settings: RetentionSettings, now: Instant): Ends {
  const endOf = (item: RetentionItem) => {
    const days = retentionDays(settings, item);
    return [item, days === null ? null : addDays(now, -days)];
  };
  return Object.fromEntries(RETENTION_ITEMS.map(endOf)) as Ends;
}
