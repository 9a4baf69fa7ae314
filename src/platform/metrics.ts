import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FaultCode } from '../domain/errors.ts';

/** From a cached read to the time-out of a request. */
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From an event that comes at once to what was missed while nobody listened; a vendor keeps three days. */
const STREAM_LAG_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400];
/** One batch reads up to a hundred records from a CRM that may make us wait for its rate limit. */
const PROCESS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export type Queue = 'work' | 'payouts' | 'mirror' | 'callbacks' | 'webhooks';
export type QueueState = 'due' | 'claimed' | 'later' | 'parked';
export type QueueCounts = Readonly<Record<QueueState, number>>;
export type PutBackReason = FaultCode | 'unexpected' | 'other';
export type RefreshResult = 'renewed' | 'revoked' | 'misconfigured' | 'failed';

/** What is read of the database at each scrape beside the lengths of the queues. */
export interface VitalReading {
  /** How long ago the row that is due the longest became due; 0 when nothing is due. */
  readonly oldestDueSeconds: Readonly<Record<Queue, number>>;
  readonly connections: ReadonlyArray<{
    readonly provider: string;
    readonly status: string;
    readonly count: number;
    /** Of these connections, how long ago the one that was swept the longest ago was swept. */
    readonly sweptSecondsAgo: number;
    readonly drifts: number;
  }>;
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number } | null;
}

/**
 * What an operator watches. Every label has a handful of values that the code names, never an id, an address or a path as it
 * came: a busy tenant or an attacker must not make the number of series grow.
 */
export interface Metrics {
  /** One delivery to /webhooks/<provider>. */
  webhook(provider: string, outcome: WebhookOutcome): void;
  hints(provider: string, kind: 'accepted' | 'duplicate' | 'ignored' | 'echo' | 'unknown', count: number): void;
  /** One drained batch of the process hop. */
  processed(records: number, seconds: number): void;
  decision(outcome: string): void;
  payout(provider: string, result: 'issued' | 'refused' | 'deferred'): void;
  crmCall(provider: string, method: string, status: number | 'no_answer'): void;
  /** A record, an order or a write-back that could not be finished: tried again later, or left for a person. */
  putBack(queue: Queue, reason: PutBackReason, parked: boolean): void;
  /** A CRM was asked for a new access token. */
  tokenRefresh(provider: string, result: RefreshResult): void;
  /** The database refused, did not answer, or answered something that makes no sense. `part` is a part of the store. */
  storeError(part: string): void;
  mirrorWrites(result: 'written' | 'same' | 'gone' | 'unprovisioned' | 'rejected' | 'retry', count: number): void;
  /** One attempt to tell another system of an event. */
  webhookSent(result: (typeof SENT)[number]): void;
  /** How many streams of changes this node listens to now. */
  streamsOpen(provider: string, count: number): void;
  streamBroke(provider: string, reason: keyof typeof STREAM_BREAKS): void;
  streamUndecodable(provider: string, events: number): void;
  /** From a change in the CRM until it was kept. */
  streamLag(provider: string, seconds: number): void;
  /** `route` is the template ("/api/v1/members/:memberId"), or "unmatched". */
  httpRequest(input: { method: string; route: string; status: number; seconds: number }): void;
  /** Asked at each scrape: how long the queues are. A queue that cannot be counted is left out of that scrape. */
  watchQueues(count: () => Promise<Partial<Record<Queue, QueueCounts>>>): void;
  /** Asked at each scrape. What cannot be read is left out of that scrape. */
  watchVitals(read: () => Promise<VitalReading>): void;
  /**
   * Shows every counter of these names at zero: to Prometheus a counter that appears with its first event has not risen, and an
   * alert on its rise would miss just that event.
   */
  expect(names: Record<'crms' | 'payouts' | 'storeParts', readonly string[]>): void;
  /** The text that Prometheus reads. */
  render(): Promise<{ contentType: string; text: string }>;
}

export type WebhookOutcome =
  | 'accepted'
  | 'unsigned'
  | 'malformed'
  | 'too_large'
  | 'unreadable'
  | 'failed'
  /** Nobody is connected under this provider's name. */
  | 'unknown_provider';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

const WEBHOOK_OUTCOMES: Readonly<Record<Exclude<WebhookOutcome, 'unknown_provider'>, true>> = {
  accepted: true,
  unsigned: true,
  malformed: true,
  too_large: true,
  unreadable: true,
  failed: true,
};

const PUT_BACK_REASONS: Readonly<Record<PutBackReason, true>> = {
  crm_unavailable: true,
  crm_rate_limited: true,
  crm_locked: true,
  crm_rejected: true,
  crm_forbidden: true,
  crm_unreadable_answer: true,
  authorisation_revoked: true,
  app_misconfigured: true,
  mail_unavailable: true,
  sign_in_unavailable: true,
  sign_in_refused: true,
  payout_unavailable: true,
  payout_rejected: true,
  payout_credentials: true,
  payout_news_unsigned: true,
  payout_news_malformed: true,
  destination_refused: true,
  unsealable: true,
  ledger_unbalanced: true,
  storage: true,
  busy: true,
  unexpected: true,
  other: true,
};

const STREAM_BREAKS = {
  ended: true,
  broken: true,
  silent: true,
  unauthorised: true,
  position_lost: true,
  unavailable_here: true,
  failed: true,
} as const;

/** Those that put back what they could not finish by a fault; webhooks count their attempts themselves. */
const QUEUES: readonly Queue[] = ['work', 'payouts', 'mirror', 'callbacks'];

const SENT = ['delivered', 'retried', 'failed', 'switched_off'] as const;
const REFRESH_RESULTS: readonly RefreshResult[] = ['renewed', 'revoked', 'misconfigured', 'failed'];

/**
 * A reading of the database that took longer than this is not repeated before READING_REST times that time has passed: counting a
 * million rows that wait takes a second, and must not take a second of every scrape.
 */
const READING_CHEAP_MS = 50;
const READING_REST = 20;

export interface MetricsOptions {
  /** Adds Node's own numbers (memory, event loop); tests leave it out, since it starts an observer. */
  readonly withProcess?: boolean;
  /** Of this program, for `wonward_build_info`. */
  readonly version?: string;
  /** Milliseconds that only ever rise. */
  readonly monotonic?: () => number;
}

export function createMetrics({
  withProcess = true,
  version = 'unknown',
  monotonic = () => performance.now(),
}: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (withProcess) collectDefaultMetrics({ register: registry, prefix: 'wonward_' });

  new Gauge({
    name: 'wonward_build_info',
    help: 'Always 1. Which version of Wonward and of Node runs.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);

  const webhooks = new Counter({
    name: 'wonward_webhook_deliveries_total',
    help: 'Deliveries received from a CRM, by what became of them.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const hints = new Counter({
    name: 'wonward_hints_total',
    help: 'Events in accepted deliveries. accepted: kept for the first time. echo: caused by our own writes.',
    labelNames: ['provider', 'kind'],
    registers,
  });
  const batches = new Counter({
    name: 'wonward_process_batches_total',
    help: 'Batches of records that the process hop has finished.',
    registers,
  });
  const records = new Counter({
    name: 'wonward_process_records_total',
    help: 'Records in those batches.',
    registers,
  });
  const processSeconds = new Histogram({
    name: 'wonward_process_batch_seconds',
    help: 'From the claim of a batch to its commit.',
    buckets: PROCESS_SECONDS,
    registers,
  });
  const decisions = new Counter({
    name: 'wonward_decisions_total',
    help: 'Decisions recorded, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const payouts = new Counter({
    name: 'wonward_payouts_total',
    help: 'Orders to reward providers. deferred: no final answer yet, tried again with the same key.',
    labelNames: ['provider', 'result'],
    registers,
  });
  const crmCalls = new Counter({
    name: 'wonward_crm_calls_total',
    help: 'Calls to a CRM, by class of the answer. 429: the CRM asks us to slow down; it is not among the 4xx.',
    labelNames: ['provider', 'method', 'status'],
    registers,
  });
  const putBack = new Counter({
    name: 'wonward_put_back_total',
    help: 'Records, orders and write-backs that could not be finished, by the fault. parked: left for a person.',
    labelNames: ['queue', 'reason', 'parked'],
    registers,
  });
  const tokenRefreshes = new Counter({
    name: 'wonward_token_refreshes_total',
    help: 'Renewals of an authorisation. revoked: an admin has to connect again. misconfigured: our client id or secret.',
    labelNames: ['provider', 'result'],
    registers,
  });
  const storeErrors = new Counter({
    name: 'wonward_store_errors_total',
    help: 'Operations that the database failed, by part of the store.',
    labelNames: ['part'],
    registers,
  });
  const mirrorWrites = new Counter({
    name: 'wonward_mirror_writes_total',
    help: 'Rows of write-backs to a CRM. same: the CRM already had the values.',
    labelNames: ['result'],
    registers,
  });
  const webhooksSent = new Counter({
    name: 'wonward_webhooks_sent_total',
    help: 'Attempts to tell other systems of an event. retried: tried again later. failed: the last attempt; the account looks. switched_off: the endpoint was.',
    labelNames: ['result'],
    registers,
  });
  const streamsOpen = new Gauge({
    name: 'wonward_streams_open',
    help: 'Streams of changes that this node listens to. One node listens to all of them.',
    labelNames: ['provider'],
    registers,
  });
  const streamBreaks = new Counter({
    name: 'wonward_stream_breaks_total',
    help: 'Streams of changes that ended, by why. They are opened again; what was missed comes then, or is found by the sweep.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const streamUndecodable = new Counter({
    name: 'wonward_stream_undecodable_total',
    help: 'Events of a stream that could not be read. What changed meanwhile is found by the sweep.',
    labelNames: ['provider'],
    registers,
  });
  const streamLag = new Histogram({
    name: 'wonward_stream_lag_seconds',
    help: 'From the newest change of a batch, by the clock of the CRM, until the batch was kept.',
    labelNames: ['provider'],
    buckets: STREAM_LAG_SECONDS,
    registers,
  });
  const httpSeconds = new Histogram({
    name: 'wonward_http_request_seconds',
    help: 'Requests answered, by route template.',
    labelNames: ['method', 'route', 'status'],
    buckets: HTTP_SECONDS,
    registers,
  });

  return {
    webhook: (provider, outcome) => webhooks.inc({ provider, outcome }),
    hints(provider, kind, count) {
      if (count > 0) hints.inc({ provider, kind }, count);
    },
    processed(count, seconds) {
      batches.inc();
      records.inc(count);
      processSeconds.observe(seconds);
    },
    decision: (outcome) => decisions.inc({ outcome }),
    payout: (provider, result) => payouts.inc({ provider, result }),
    crmCall: (provider, method, status) =>
      crmCalls.inc({ provider, method: methodOf(method), status: status === 429 ? '429' : classOf(status) }),
    putBack: (queue, reason, parked) => putBack.inc({ queue, reason, parked: String(parked) }),
    tokenRefresh: (provider, result) => tokenRefreshes.inc({ provider, result }),
    storeError: (part) => storeErrors.inc({ part }),
    mirrorWrites: (result, count) => mirrorWrites.inc({ result }, count),
    webhookSent: (result) => webhooksSent.inc({ result }),
    streamsOpen: (provider, count) => streamsOpen.set({ provider }, count),
    streamBroke: (provider, reason) => streamBreaks.inc({ provider, reason }),
    streamUndecodable: (provider, events) => streamUndecodable.inc({ provider }, events),
    streamLag: (provider, seconds) => streamLag.observe({ provider }, Math.max(0, seconds)),
    httpRequest: ({ method, route, status, seconds }) =>
      httpSeconds.observe({ method: methodOf(method), route, status: classOf(status) }, seconds),
    expect({ crms, payouts: providers, storeParts }) {
      for (const part of storeParts) storeErrors.inc({ part }, 0);
      for (const provider of crms) {
        for (const outcome of Object.keys(WEBHOOK_OUTCOMES)) webhooks.inc({ provider, outcome }, 0);
        for (const kind of ['accepted', 'duplicate', 'ignored', 'echo', 'unknown']) hints.inc({ provider, kind }, 0);
        for (const result of REFRESH_RESULTS) tokenRefreshes.inc({ provider, result }, 0);
        for (const reason of Object.keys(STREAM_BREAKS)) streamBreaks.inc({ provider, reason }, 0);
        streamUndecodable.inc({ provider }, 0);
        for (const method of ['GET', 'POST'])
          for (const status of ['2xx', '4xx', '429', '5xx', 'no_answer']) crmCalls.inc({ provider, method, status }, 0);
      }
      for (const provider of providers)
        for (const result of ['issued', 'refused', 'deferred']) payouts.inc({ provider, result }, 0);
      for (const outcome of ['rewarded', 'held', 'waiting', 'skipped', 'history', 'reversed'])
        decisions.inc({ outcome }, 0);
      for (const result of ['written', 'same', 'gone', 'unprovisioned', 'rejected', 'retry'])
        mirrorWrites.inc({ result }, 0);
      for (const result of SENT) webhooksSent.inc({ result }, 0);
      for (const queue of QUEUES)
        for (const reason of Object.keys(PUT_BACK_REASONS))
          for (const parked of ['true', 'false']) putBack.inc({ queue, reason, parked }, 0);
    },
    watchVitals(read) {
      const thrifty = thriftily(read, monotonic);
      const oldestDue = new Gauge({
        name: 'wonward_queue_oldest_due_seconds',
        help: 'How long the row that is due the longest has been due; 0 when nothing is due.',
        labelNames: ['queue'],
        registers,
        async collect() {
          this.reset();
          const reading = await thrifty().catch(() => null);
          for (const [queue, seconds] of Object.entries(reading?.oldestDueSeconds ?? {})) this.set({ queue }, seconds);
        },
      });
      const connections = new Gauge({
        name: 'wonward_connections',
        help: 'Connected CRMs, and those that were disconnected.',
        labelNames: ['provider', 'status'],
        registers,
        async collect() {
          this.reset();
          const reading = await thrifty().catch(() => null);
          for (const { provider, status, count } of reading?.connections ?? []) this.set({ provider, status }, count);
        },
      });
      const swept = new Gauge({
        name: 'wonward_sweep_oldest_seconds',
        help: 'Of the connected CRMs, how long ago the one that was swept the longest ago was swept.',
        labelNames: ['provider'],
        registers,
        async collect() {
          this.reset();
          const reading = await thrifty().catch(() => null);
          for (const { provider, status, sweptSecondsAgo } of reading?.connections ?? [])
            if (status === 'connected') this.set({ provider }, sweptSecondsAgo);
        },
      });
      const drifts = new Gauge({
        name: 'wonward_drift_alerts',
        help: 'Open alerts about what has changed in CRMs since an admin looked at them.',
        labelNames: ['provider'],
        registers,
        async collect() {
          this.reset();
          const reading = await thrifty().catch(() => null);
          for (const { provider, drifts: open } of reading?.connections ?? []) this.inc({ provider }, open);
        },
      });
      const disk = new Gauge({
        name: 'wonward_disk_bytes',
        help: 'The file system that the SQLite file lies on. Absent with PostgreSQL.',
        labelNames: ['kind'],
        registers,
        async collect() {
          this.reset();
          const reading = await thrifty().catch(() => null);
          if (!reading?.disk) return;
          this.set({ kind: 'free' }, reading.disk.freeBytes);
          this.set({ kind: 'size' }, reading.disk.sizeBytes);
        },
      });
      for (const gauge of [oldestDue, connections, swept, drifts, disk]) gauge.reset();
    },
    watchQueues(count) {
      const thrifty = thriftily(count, monotonic);
      const lengths = new Gauge({
        name: 'wonward_queue_rows',
        help: 'due: to be done now. claimed: being done. later: not due yet. parked: waits for a person.',
        labelNames: ['queue', 'state'],
        registers,
        async collect() {
          this.reset();
          const queues = await thrifty().catch(() => ({}));
          for (const [queue, counts] of Object.entries(queues)) {
            for (const [state, rows] of Object.entries(counts)) this.set({ queue, state }, rows);
          }
        },
      });
      lengths.reset();
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** One reading shared by whoever asks at the same time, and after a slow one the same answer for a while. */
function thriftily<T>(read: () => Promise<T>, monotonic: () => number): () => Promise<T> {
  let running: Promise<T> | null = null;
  let last: { readonly value: T; readonly until: number } | null = null;
  return () => {
    if (last && monotonic() < last.until) return Promise.resolve(last.value);
    running ??= (async () => {
      const startedAt = monotonic();
      try {
        const value = await read();
        const tookMs = monotonic() - startedAt;
        last = tookMs > READING_CHEAP_MS ? { value, until: monotonic() + tookMs * READING_REST } : null;
        return value;
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

/** The reason that a queue keeps with a row begins with the fault's code; anything else must not become a label. */
export function putBackReasonOf(error: string): PutBackReason {
  const code = /^[a-z_]+/.exec(error)?.[0] ?? '';
  return Object.hasOwn(PUT_BACK_REASONS, code) ? (code as PutBackReason) : 'other';
}

/** Methods are chosen by the caller: an invented one is "other". */
function methodOf(method: string): string {
  return METHODS.includes(method) ? method : 'other';
}

function classOf(status: number | 'no_answer'): string {
  return status === 'no_answer' ? status : `${Math.floor(status / 100)}xx`;
}
