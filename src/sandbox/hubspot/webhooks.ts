import type { Change } from './changes.ts';
import type { Faults } from './faults.ts';
import type { Portal } from './portal.ts';
import type { Random } from './random.ts';
import { signatureHeaders } from './signature.ts';
import { eventsOf, type Subscription, type WebhookEvent } from './webhook-events.ts';

/** "a maximum of 100 events per request". */
const MAX_EVENTS_PER_REQUEST = 100;
/** "longer than five seconds to send back a response" is a failure. */
export const RESPONSE_TIMEOUT_MS = 5_000;
/** "resend failed notifications up to 10 times": here ten requests in all, the first included. */
export const MAX_ATTEMPTS = 10;
/** Delays before attempts 2 to 10 in units of `retryBaseMs`; with a minute as the unit they fill 22 hours. */
const RETRY_UNITS = [1, 5, 15, 30, 60, 120, 240, 360, 480];
/** "Individual notifications will have some randomization applied": up to a tenth either way. */
const RETRY_JITTER = 0.1;
/** Older deliveries are forgotten; the log is for people and tests, not a queue. */
const LOG_LIMIT = 2_000;

export interface Attempt {
  attemptNumber: number;
  /** Milliseconds since the epoch, also the signed timestamp. */
  at: number;
  url: string;
  /** The bytes that were sent. */
  body: string;
  headers: Record<string, string>;
  /** null: no answer. */
  status: number | null;
  error?: string;
  durationMs: number;
}

export interface Delivery {
  id: number;
  portalId: number;
  events: WebhookEvent[];
  state: 'queued' | 'in_flight' | 'waiting_for_retry' | 'delivered' | 'given_up';
  attempts: Attempt[];
}

export interface WebhooksDeps {
  clock: () => number;
  random: Random;
  faults: Faults;
  appId: number;
  clientSecret: string;
  targetUrl: string;
  maxConcurrentRequests: number;
  /** How long events gather before they leave together, in milliseconds. */
  batchDelayMs: number;
  /** Unit of the retry schedule, in milliseconds. */
  retryBaseMs: number;
}

export interface Webhooks {
  tell(portal: Portal, change: Change): void;
  deliveries(portalId?: number): Delivery[];
  /** Sends the bytes of a delivery's last attempt again, freshly signed. */
  redeliver(id: number): Promise<Attempt>;
  /** What gathers leaves now. */
  hurry(): void;
  /** Resolves when nothing gathers, flies or waits. */
  idle(): Promise<void>;
  subscriptions: Subscription[];
  /** Where events go; may be changed while running. */
  target: { url: string };
  /** Drops everything that has not been delivered and forgets the log. */
  reset(): void;
}

interface Lane {
  gathering: WebhookEvent[];
  timer: NodeJS.Timeout | undefined;
  shuffled: boolean;
  queue: Delivery[];
  inFlight: number;
}

export function createWebhooks(deps: WebhooksDeps & { subscriptions: Subscription[] }): Webhooks {
  const { clock, random, faults } = deps;
  const target = { url: deps.targetUrl };
  const lanes = new Map<number, Lane>();
  const timers = new Set<NodeJS.Timeout>();
  const deliveries = new Map<number, Delivery>();
  const flights = new Set<AbortController>();
  let nextId = 1;
  let epoch = 0;
  let idlers: Array<() => void> = [];

  function laneOf(portalId: number): Lane {
    const lane = lanes.get(portalId) ?? { gathering: [], timer: undefined, shuffled: false, queue: [], inFlight: 0 };
    lanes.set(portalId, lane);
    return lane;
  }

  function busy(): boolean {
    if (timers.size > 0) return true;
    for (const lane of lanes.values()) {
      if (lane.gathering.length > 0 || lane.queue.length > 0 || lane.inFlight > 0) return true;
    }
    return false;
  }

  function settle(): void {
    if (busy()) return;
    const waiting = idlers;
    idlers = [];
    for (const resolve of waiting) resolve();
  }

  function later(ms: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
      settle();
    }, ms);
    timers.add(timer);
    return timer;
  }

  function gather(portalId: number, event: WebhookEvent): void {
    const lane = laneOf(portalId);
    lane.gathering.push(event);
    lane.timer ??= later(deps.batchDelayMs, () => {
      lane.timer = undefined;
      leave(portalId, lane);
    });
  }

  function leave(portalId: number, lane: Lane): void {
    const events = lane.shuffled ? random.shuffle(lane.gathering) : lane.gathering;
    const size = lane.shuffled ? 1 : MAX_EVENTS_PER_REQUEST;
    lane.gathering = [];
    lane.shuffled = false;
    for (let start = 0; start < events.length; start += size) {
      enqueue(portalId, events.slice(start, start + size));
    }
  }

  function enqueue(portalId: number, events: WebhookEvent[]): void {
    const delivery: Delivery = { id: nextId, portalId, events, state: 'queued', attempts: [] };
    nextId += 1;
    deliveries.set(delivery.id, delivery);
    for (const [id, old] of deliveries) {
      if (deliveries.size <= LOG_LIMIT) break;
      if (old.state === 'delivered' || old.state === 'given_up') deliveries.delete(id);
    }
    laneOf(portalId).queue.push(delivery);
    pump(portalId);
  }

  function pump(portalId: number): void {
    const lane = laneOf(portalId);
    while (lane.inFlight < deps.maxConcurrentRequests) {
      const delivery = lane.queue.shift();
      if (!delivery) break;
      lane.inFlight += 1;
      const started = epoch;
      void attempt(delivery).then((done) => {
        if (started !== epoch) return;
        lane.inFlight -= 1;
        if (!done) retry(delivery);
        pump(portalId);
        settle();
      });
    }
  }

  function retry(delivery: Delivery): void {
    const unit = RETRY_UNITS[delivery.attempts.length - 1];
    if (unit === undefined || delivery.attempts.length >= MAX_ATTEMPTS) {
      delivery.state = 'given_up';
      return;
    }
    delivery.state = 'waiting_for_retry';
    const jitter = 1 + (random.next() * 2 - 1) * RETRY_JITTER;
    later(unit * deps.retryBaseMs * jitter, () => {
      delivery.state = 'queued';
      laneOf(delivery.portalId).queue.push(delivery);
      pump(delivery.portalId);
    });
  }

  async function attempt(delivery: Delivery): Promise<boolean> {
    const attemptNumber = delivery.attempts.length;
    delivery.state = 'in_flight';
    for (const event of delivery.events) event.attemptNumber = attemptNumber;
    const made = await post(JSON.stringify(delivery.events), attemptNumber);
    delivery.attempts.push(made);
    const done = made.status !== null && made.status >= 200 && made.status < 300;
    if (done) delivery.state = 'delivered';
    return done;
  }

  async function post(body: string, attemptNumber: number): Promise<Attempt> {
    const timestamp = clock();
    const url = target.url;
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)',
      ...signatureHeaders({
        clientSecret: deps.clientSecret,
        method: 'POST',
        uri: url,
        rawBody: body,
        timestamp,
        older: 'v1',
      }),
    };
    const started = performance.now();
    const controller = new AbortController();
    flights.add(controller);
    const timeout = setTimeout(() => controller.abort(new Error('no answer within 5 seconds')), RESPONSE_TIMEOUT_MS);
    const made: Attempt = { attemptNumber, at: timestamp, url, body, headers, status: null, durationMs: 0 };
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: controller.signal,
      });
      await response.arrayBuffer();
      made.status = response.status;
    } catch (error) {
      made.error =
        error instanceof Error
          ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`
          : String(error);
    } finally {
      clearTimeout(timeout);
      flights.delete(controller);
    }
    made.durationMs = performance.now() - started;
    return made;
  }

  /** Sends an event on its way as the faults want it. */
  function dispatch(portalId: number, event: WebhookEvent): void {
    let delayMs = 0;
    let copies = 0;
    for (const effect of faults.webhook({ portalId, subscriptionType: event.subscriptionType })) {
      if (effect.kind === 'drop') return;
      if (effect.kind === 'duplicate') copies += effect.copies;
      if (effect.kind === 'delay') delayMs += effect.delayMs;
      if (effect.kind === 'reorder') laneOf(portalId).shuffled = true;
    }
    if (delayMs > 0) later(delayMs, () => gather(portalId, event));
    else gather(portalId, event);
    for (let copy = 1; copy <= copies; copy += 1) {
      // A later request of its own: at-least-once delivery does not repeat inside one array.
      later(delayMs + deps.batchDelayMs * (copy + 1), () => enqueue(portalId, [{ ...event }]));
    }
  }

  return {
    subscriptions: deps.subscriptions,
    target,
    tell(portal, change) {
      if (!portal.installation || portal.suspended) return;
      for (const event of eventsOf(change, deps.subscriptions, portal.id, deps.appId, random))
        dispatch(portal.id, event);
    },
    deliveries: (portalId) =>
      [...deliveries.values()].filter((delivery) => portalId === undefined || delivery.portalId === portalId),
    async redeliver(id) {
      const delivery = deliveries.get(id);
      if (!delivery) throw new Error(`no delivery ${id}`);
      const last = delivery.attempts.at(-1);
      const made = await post(last?.body ?? JSON.stringify(delivery.events), last?.attemptNumber ?? 0);
      delivery.attempts.push(made);
      return made;
    },
    hurry() {
      for (const [portalId, lane] of lanes) {
        if (lane.timer === undefined) continue;
        clearTimeout(lane.timer);
        timers.delete(lane.timer);
        lane.timer = undefined;
        leave(portalId, lane);
      }
    },
    idle() {
      return new Promise((resolve) => {
        idlers.push(resolve);
        settle();
      });
    },
    reset() {
      epoch += 1;
      for (const timer of timers) clearTimeout(timer);
      for (const controller of flights) controller.abort(new Error('sandbox reset'));
      timers.clear();
      lanes.clear();
      deliveries.clear();
      settle();
    },
  };
}
