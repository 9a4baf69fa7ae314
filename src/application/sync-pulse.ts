import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Store, SyncCount, SyncMeasure } from './ports/store.ts';

/**
 * Upper bounds by which lags are told apart: they are added up over nodes and hours, which single values could not be. The last one has
 * none.
 */
export const LAG_BOUNDS_MS = [
  1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
] as const;

/** The label of what is longer than all of them. */
const LONGER = 'longer';

/** What a node knows for this long only is lost when it dies: figures, and nothing that anything rests on. */
const FLUSH_MS = 10_000;

interface Subject {
  readonly accountId: string;
  readonly connectionId: string;
}

export interface SyncPulse {
  lag(of: Subject, measure: 'decision_lag' | 'mirror_lag', ms: number): void;
  failure(of: Subject, error: string): void;
  /** A request to a portal or org, by its vendor's id. */
  call(provider: string, externalId: string, status: number | 'no_answer'): void;
  /** Writes what was counted since the last time. */
  flush(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface SyncPulseDeps {
  readonly store: Pick<Store, 'sync' | 'connections'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Log;
}

/** Counts in memory what every batch would else have to write, and adds it to the store now and then. */
export function createSyncPulse({ store, clock, log }: SyncPulseDeps): SyncPulse {
  let counted = new Map<string, { of: Subject; counts: Map<string, SyncCount> }>();
  let calls = new Map<string, { provider: string; externalId: string; counts: Map<string, number> }>();
  let running: Promise<void> | null = null;
  const stopping = new AbortController();
  let flushing: Promise<void> = Promise.resolve();

  function add(of: Subject, measure: SyncMeasure, label: string, value: number, times = 1): void {
    const key = `${of.accountId} ${of.connectionId}`;
    const entry = counted.get(key) ?? { of, counts: new Map<string, SyncCount>() };
    counted.set(key, entry);
    const before = entry.counts.get(`${measure} ${label}`) ?? { measure, label, n: 0, total: 0, peak: 0 };
    entry.counts.set(`${measure} ${label}`, {
      measure,
      label,
      n: before.n + times,
      total: before.total + value,
      peak: Math.max(before.peak, value),
    });
  }

  async function write(): Promise<void> {
    const tookCalls = calls;
    calls = new Map();
    for (const { provider, externalId, counts } of tookCalls.values()) {
      const connection = await store.connections.findByExternalId(provider, externalId);
      if (!connection) continue;
      const of = { accountId: connection.accountId, connectionId: connection.id };
      for (const [label, times] of counts) add(of, 'calls', label, 0, times);
    }
    const took = counted;
    counted = new Map();
    const at = clock.now();
    for (const { of, counts } of took.values())
      await store.sync.count(of.accountId, of.connectionId, [...counts.values()], at);
  }

  function flush(): Promise<void> {
    flushing = flushing.then(write).catch((err: unknown) => log.warn({ err }, 'figures of connections not kept'));
    return flushing;
  }

  async function flushNowAndThen(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(FLUSH_MS, stopping.signal);
      await flush();
    }
  }

  return {
    lag(of, measure, ms) {
      const bound = LAG_BOUNDS_MS.find((limit) => ms <= limit);
      add(of, measure, bound === undefined ? LONGER : String(bound), Math.max(0, Math.round(ms)));
    },
    failure: (of, error) => add(of, 'failures', causeOf(error), 0),
    call(provider, externalId, status) {
      const key = `${provider} ${externalId}`;
      const entry = calls.get(key) ?? { provider, externalId, counts: new Map<string, number>() };
      calls.set(key, entry);
      const label = callLabel(status);
      entry.counts.set(label, (entry.counts.get(label) ?? 0) + 1);
    },
    flush,
    start() {
      running ??= flushNowAndThen();
    },
    async stop() {
      stopping.abort();
      await running;
      await flush();
    },
  };
}

/** The code at the beginning of an error's text; what has none is unexpected. */
export function causeOf(error: string): string {
  return /^([a-z_]+):/.exec(error)?.[1] ?? 'unexpected';
}

function callLabel(status: number | 'no_answer'): string {
  if (status === 'no_answer') return status;
  if (status === 429) return 'limited';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'ok';
}
