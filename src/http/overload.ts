import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { bodyOf, HttpProblem, tryAgain } from './problem.ts';

/**
 * What one process has under way at once. HubSpot sends ten deliveries of one app at a time, a page a handful of calls; a thousand
 * open requests are a second of work on one core, and whoever comes far behind them is answered after its caller has gone.
 */
const REQUESTS_MAX = 1_000;
/**
 * Their bodies together: what a delivery costs grows with its events. A hundred and twenty of the largest that HubSpot sends are twelve
 * times what it sends at once and a few seconds of work on a busy machine.
 */
const BODY_BYTES_MAX = 4 * 2 ** 20;
/**
 * How late the event loop may be for deliveries to be taken. A request takes several turns of it (accepted, headers, body, commit), so
 * what comes when each takes longer than this is answered when the CRM has gone after its five seconds and sends it again. On a machine
 * that others share this is reached long before the counts above.
 */
const LATE_MAX_MS = 500;
/** Twice what HubSpot sends at once: as long as no more are open, one long turn or one that is stuck is its own affair. */
const OPEN_FREELY = 20;
/** How often it is looked at. */
const LATENESS_EVERY_MS = 100;
/** Only these: a CRM sends again by itself. Calls of people and programs are few. */
const DELIVERIES = '/webhooks/';
/** HubSpot's workflows come again as well; after 429 when they are told to, which they read in milliseconds. */
const ACTIONS = '/hubspot/actions/';
/** A body whose length is not said may be as large as the largest that is taken. */
const UNKNOWN_BODY_BYTES = 2 ** 20;
/** What is open is done in a few seconds, or it never is. */
const RETRY_AFTER_S = 2;
/** A log line for each refusal would be what breaks next. */
const LOG_EVERY_MS = 1_000;
/** HubSpot waits five seconds; whatever keeps a delivery for longer than this has forgotten it. */
const RECEIVE_TIMEOUT_MS = 12_000;
/**
 * While one delivery has been waiting for this long, whatever it is that it waits for, the next would be answered after the CRM has
 * gone. Half of its patience; without this ten times the sustainable rate for six seconds was a queue that took a minute.
 */
const WAITED_MAX_MS = 2_500;

/** Asked by whoever decides whether this process may live: it must not be killed for being busy. */
const ALWAYS_ANSWERED = ['/livez', '/readyz', '/metrics'];

export interface OverloadDeps {
  readonly now: () => number;
  readonly newRef: () => string;
  readonly log: { warn(fields: object, message: string): void };
  /** Of the event loop, in milliseconds; see `createLateness`. */
  readonly lateMs: () => number;
  /** Told of each refusal. */
  readonly onRefused: (method: string) => void;
  /** For tests. */
  readonly requestsMax?: number;
  readonly bodyBytesMax?: number;
  readonly openFreely?: number;
}

/**
 * Refuses what is too much before anything is read of it: 503 with Retry-After costs a tenth of an answer, and every caller that
 * counts comes again. What is open stays bounded, and so does the memory.
 */
export function shedding(listener: RequestListener, deps: OverloadDeps): RequestListener {
  const {
    now,
    newRef,
    log,
    lateMs,
    onRefused,
    requestsMax = REQUESTS_MAX,
    bodyBytesMax = BODY_BYTES_MAX,
    openFreely = OPEN_FREELY,
  } = deps;
  let requests = 0;
  let bodyBytes = 0;
  let refused = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;

  function refuse(request: IncomingMessage, response: ServerResponse, path: string): void {
    refused += 1;
    onRefused(request.method ?? '');
    if (now() - loggedAt >= LOG_EVERY_MS) {
      log.warn(
        { refused, requests, bodyBytes, lateMs: Math.round(lateMs()) },
        'too much at once, requests are refused',
      );
      loggedAt = now();
      refused = 0;
    }
    const why = 'More is being answered than can be. Send it again.';
    const problem = path.startsWith(ACTIONS)
      ? new HttpProblem('too_many_requests', why, { headers: { 'Retry-After': String(RETRY_AFTER_S * 1_000) } })
      : tryAgain(why, RETRY_AFTER_S, 'busy');
    const text = JSON.stringify(bodyOf(problem, newRef()));
    response
      .writeHead(problem.status, {
        ...problem.headers,
        'Cache-Control': 'no-store',
        'Content-Type': 'application/problem+json',
        'Content-Length': Buffer.byteLength(text),
      })
      .end(text);
  }

  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    if (ALWAYS_ANSWERED.includes(path)) return listener(request, response);
    const bytes = bodyBytesOf(request);
    const isSentAgain = path.startsWith(DELIVERIES) || path.startsWith(ACTIONS);
    const isLate = isSentAgain && requests >= openFreely && lateMs() > LATE_MAX_MS;
    const isTooMuch = isLate || requests + 1 > requestsMax || bodyBytes + bytes > bodyBytesMax;
    // One that is alone is never too much: its own limit is the route's affair.
    if (isTooMuch && requests > 0) return refuse(request, response, path);
    requests += 1;
    bodyBytes += bytes;
    response.once('close', () => {
      requests -= 1;
      bodyBytes -= bytes;
    });
    listener(request, response);
  };
}

export interface Lateness {
  /** By how much the event loop is behind, now or when it was last looked at, in milliseconds. */
  ms(): number;
  stop(): void;
}

export function createLateness(): Lateness {
  let expectedAt = performance.now() + LATENESS_EVERY_MS;
  let last = 0;
  const timer = setInterval(() => {
    last = performance.now() - expectedAt;
    expectedAt = performance.now() + LATENESS_EVERY_MS;
  }, LATENESS_EVERY_MS);
  timer.unref();
  return {
    // A turn that is long already is late before the timer can say so.
    ms: () => Math.max(last, performance.now() - expectedAt),
    stop: () => clearInterval(timer),
  };
}

function bodyBytesOf({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return UNKNOWN_BODY_BYTES;
  return Number(headers['content-length'] ?? 0);
}

export interface ReceiveLimits {
  readonly timeoutMs?: number;
  readonly waitedMaxMs?: number;
  readonly waitingFreely?: number;
}

/**
 * Answers in time, whatever the database does: at once when those before it wait too long already, and when its own time is over. What
 * was given up may still come to pass; sent again, it is known already.
 */
export function answeredInTime<Request, Result>(
  receive: (request: Request) => Promise<Result>,
  { timeoutMs = RECEIVE_TIMEOUT_MS, waitedMaxMs = WAITED_MAX_MS, waitingFreely = OPEN_FREELY }: ReceiveLimits = {},
): (request: Request) => Promise<Result> {
  /** In the order in which they came, so that the first is the one that has waited for the longest time. */
  const since = new Map<symbol, number>();

  return async (request) => {
    const now = performance.now();
    const [oldest = now] = since.values();
    if (since.size >= waitingFreely && now - oldest > waitedMaxMs)
      throw tryAgain('Those before it wait too long already.', RETRY_AFTER_S, 'busy');
    const own = Symbol();
    since.set(own, now);
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(tryAgain('The database does not answer.', undefined, 'storage')), timeoutMs);
    try {
      return await Promise.race([receive(request), promise]);
    } finally {
      clearTimeout(timer);
      since.delete(own);
    }
  };
}
