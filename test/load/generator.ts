import { Agent, request } from 'node:http';
import { dealEvent, signedHeaders } from '../support/service-process.ts';

/*
 * HubSpot in a hurry, as a process of its own: deliveries leave when they are due, whether or not the ones before them were answered
 * (an open loop), or as fast as they are answered (a closed one). Prints one JSON line with what became of them.
 */

export interface GeneratorInput {
  readonly port: number;
  readonly publicUrl: string;
  readonly dealIds: readonly number[];
  readonly firstEventId: number;
  readonly eventsPerDelivery: number;
  readonly seconds: number;
  /** Deliveries a second, whatever is answered; null: a closed loop. */
  readonly perSecond: number | null;
  /**
   * Opened before anything is sent and kept, as by a proxy in front. In an open loop, what finds none free is lost like what is not
   * answered.
   */
  readonly connections: number;
}

export interface GeneratorReport {
  /** Deliveries that were due. */
  readonly offered: number;
  /** By status; 0 for none within HubSpot's patience. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Refused without a word on when to come again. */
  readonly withoutRetryAfter: number;
  /** Found no connection free. */
  readonly unsent: number;
  readonly acknowledgedEvents: readonly (readonly [from: number, to: number])[];
  readonly tookMs: number;
  /** Of the acknowledged ones, in milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** HubSpot waits five seconds for an answer. */
const PATIENCE_MS = 5_000;
const TICK_MS = 5;

async function generate(input: GeneratorInput): Promise<GeneratorReport> {
  const { port, publicUrl, dealIds, eventsPerDelivery, connections } = input;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  const statuses: Record<string, number> = {};
  const acknowledged: Array<[number, number]> = [];
  const latencies: number[] = [];
  let nextEvent = input.firstEventId;
  let offered = 0;
  let unsent = 0;
  let open = 0;
  let withoutRetryAfter = 0;

  function send(): Promise<void> {
    const from = nextEvent;
    nextEvent += eventsPerDelivery;
    const events = Array.from({ length: eventsPerDelivery }, (_, index) =>
      dealEvent(dealIds[(from + index) % dealIds.length] ?? 0, from + index),
    );
    const body = JSON.stringify(events);
    const headers = { ...signedHeaders(publicUrl, body), 'content-length': String(Buffer.byteLength(body)) };
    const sentAt = performance.now();
    open += 1;
    return new Promise((resolve) => {
      let isDone = false;
      const done = (status: number) => {
        if (isDone) return;
        isDone = true;
        open -= 1;
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === 200) {
          acknowledged.push([from, from + eventsPerDelivery - 1]);
          latencies.push(performance.now() - sentAt);
        }
        resolve();
      };
      const call = request(
        { host: '127.0.0.1', port, method: 'POST', path: '/webhooks/hubspot', headers, agent },
        (response) => {
          const status = response.statusCode ?? 0;
          if (status >= 400 && response.headers['retry-after'] === undefined) withoutRetryAfter += 1;
          // The status is what HubSpot goes by; the rest only frees the connection.
          response.resume();
          done(status);
        },
      );
      call.setTimeout(PATIENCE_MS, () => call.destroy());
      call.once('error', () => done(0));
      call.once('close', () => done(0));
      call.end(body);
    });
  }

  /** A connection each: Node accepts one in each turn of its event loop, which a storm would make the bottleneck. */
  await Promise.all(Array.from({ length: connections }, () => knock(port, agent)));
  const startedAt = performance.now();
  const until = startedAt + input.seconds * 1_000;
  if (input.perSecond === null) {
    const loop = async () => {
      while (performance.now() < until) {
        offered += 1;
        await send();
      }
    };
    await Promise.all(Array.from({ length: connections }, loop));
  } else {
    const flights: Promise<void>[] = [];
    while (performance.now() < until) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * input.perSecond);
      while (offered < due) {
        offered += 1;
        if (open < connections) flights.push(send());
        else unsent += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(flights);
  }
  const tookMs = performance.now() - startedAt;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (part: number) => Math.round(latencies[Math.floor(latencies.length * part)] ?? 0);
  return {
    offered,
    statuses,
    withoutRetryAfter,
    unsent,
    acknowledgedEvents: acknowledged,
    tookMs,
    latencyMs: { p50: at(0.5), p99: at(0.99) },
  };
}

function knock(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/livez', agent }, (response) => {
      response.resume();
      response.once('end', resolve);
    });
    call.once('error', reject);
    call.end();
  });
}

const text = process.env.LOAD_GENERATOR;
if (text !== undefined) {
  const report = await generate(JSON.parse(text) as GeneratorInput);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
