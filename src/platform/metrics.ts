import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From a cached read to the time-out of a request. */
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** One batch reads up to a hundred records from a CRM that may make us wait for its rate limit. */
const PROCESS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export type Queue = 'work' | 'payouts' | 'mirror';
export type QueueState = 'due' | 'claimed' | 'later' | 'parked';
export type QueueCounts = Readonly<Record<QueueState, number>>;

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
  mirrorWrites(result: 'written' | 'same' | 'gone' | 'unprovisioned' | 'rejected' | 'retry', count: number): void;
  /** `route` is the template ("/api/v1/members/:memberId"), or "unmatched". */
  httpRequest(input: { method: string; route: string; status: number; seconds: number }): void;
  /** Asked at each scrape: how long the queues are. A queue that cannot be counted is left out of that scrape. */
  watchQueues(count: () => Promise<Partial<Record<Queue, QueueCounts>>>): void;
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

/** `withProcess` adds Node's own numbers (memory, event loop); tests leave it out, since it starts an observer. */
export function createMetrics({ withProcess = true }: { withProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (withProcess) collectDefaultMetrics({ register: registry, prefix: 'wonward_' });

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
    help: 'Calls to a CRM, by class of the answer.',
    labelNames: ['provider', 'method', 'status'],
    registers,
  });
  const mirrorWrites = new Counter({
    name: 'wonward_mirror_writes_total',
    help: 'Rows of write-backs to a CRM. same: the CRM already had the values.',
    labelNames: ['result'],
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
    hints: (provider, kind, count) => hints.inc({ provider, kind }, count),
    processed(count, seconds) {
      batches.inc();
      records.inc(count);
      processSeconds.observe(seconds);
    },
    decision: (outcome) => decisions.inc({ outcome }),
    payout: (provider, result) => payouts.inc({ provider, result }),
    crmCall: (provider, method, status) =>
      crmCalls.inc({ provider, method: methodOf(method), status: classOf(status) }),
    mirrorWrites: (result, count) => mirrorWrites.inc({ result }, count),
    httpRequest: ({ method, route, status, seconds }) =>
      httpSeconds.observe({ method: methodOf(method), route, status: classOf(status) }, seconds),
    watchQueues(count) {
      const lengths = new Gauge({
        name: 'wonward_queue_rows',
        help: 'due: to be done now. claimed: being done. later: not due yet. parked: waits for a person.',
        labelNames: ['queue', 'state'],
        registers,
        async collect() {
          this.reset();
          const queues = await count().catch(() => ({}));
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

/** Methods are chosen by the caller: an invented one is "other". */
function methodOf(method: string): string {
  return METHODS.includes(method) ? method : 'other';
}

function classOf(status: number | 'no_answer'): string {
  return status === 'no_answer' ? status : `${Math.floor(status / 100)}xx`;
}
