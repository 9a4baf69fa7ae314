import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { signatureHeaders } from '../src/sandbox/hubspot/signature.ts';
import type { Change, ClosedLoop, LoadQuestion, LoadReport } from './load.ts';
import { answerQuestions } from './processes.ts';

/*
 * HTTP/1.1 written by hand on kept-alive sockets, one request at a time on each: a client library costs as much processor as the
 * service that it asks, on the same cores.
 */

/** HubSpot waits a minute; what is measured here is the service and not the wait. */
const SEND_AGAIN_AFTER_MS = 100;
const REFUSED_FOR_NOW = [0, 429, 503];

type Prepare = Extract<LoadQuestion, { kind: 'prepare' }>;

let requests: Buffer[] = [];
let port = 0;
/** Never given out twice, so that no event is a duplicate by chance. */
let nextEventId = 1;

function prepare({ changes, eventsPerDelivery, url, secret, appId, isUnsigned, ...rest }: Prepare): void {
  port = rest.port;
  requests = [];
  const now = Date.now();
  for (let start = 0; start < changes.length; start += eventsPerDelivery) {
    const events = changes.slice(start, start + eventsPerDelivery).map((change) => eventOf(change, appId, now));
    const body = JSON.stringify(events);
    const { host, pathname } = new URL(url);
    const signed = isUnsigned
      ? {}
      : signatureHeaders({
          clientSecret: secret,
          method: 'POST',
          uri: url,
          rawBody: body,
          timestamp: now,
          older: 'v1',
        });
    const headers = {
      Host: host,
      'User-Agent': 'HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)',
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...signed,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    requests.push(Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`));
  }
}

/** As HubSpot's documentation shows it. */
function eventOf({ portalId, dealId, stage = 'closedwon' }: Change, appId: number, now: number): object {
  nextEventId += 1;
  return {
    eventId: nextEventId,
    subscriptionId: 7_562_681,
    portalId,
    appId,
    occurredAt: now,
    subscriptionType: 'object.propertyChange',
    attemptNumber: 0,
    objectId: Number(dealId),
    objectTypeId: '0-3',
    changeSource: 'CRM_UI',
    sourceId: 'userId:9876543',
    propertyName: 'dealstage',
    propertyValue: stage,
    isSensitive: false,
  };
}

/** Milliseconds since the epoch with fractions, from a clock that is never set back. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** One kept-alive connection; `send` resolves with the status, 0 when it broke. */
function createLine() {
  let socket: Socket | null = null;
  let answered: ((status: number) => void) | null = null;
  let received: Buffer = Buffer.alloc(0);

  function settle(status: number): void {
    const resolve = answered;
    answered = null;
    received = Buffer.alloc(0);
    resolve?.(status);
  }

  function onData(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = received.toString('latin1', 0, end);
    const length = /content-length: *(\d+)/i.exec(head)?.[1];
    const isWhole =
      length === undefined
        ? received.toString('latin1', received.length - 5) === '0\r\n\r\n' || !/transfer-encoding/i.test(head)
        : received.length >= end + 4 + Number(length);
    if (isWhole) settle(Number(head.slice(9, 12)));
  }

  function open(): Socket {
    const made = connect({ port, host: '127.0.0.1', noDelay: true });
    made.on('data', onData);
    made.on('error', () => {});
    made.on('close', () => {
      if (socket === made) socket = null;
      settle(0);
    });
    return made;
  }

  return {
    send(request: Buffer): Promise<number> {
      return new Promise((resolve) => {
        answered = resolve;
        socket ??= open();
        socket.write(request);
      });
    },
    close() {
      const open = socket;
      socket = null;
      open?.destroy();
    },
  };
}

type Line = ReturnType<typeof createLine>;

function createRecorder() {
  const acknowledgedAt = new Float64Array(requests.length);
  const latencies: number[] = [];
  const statuses: Record<number, number> = {};
  const startedAt = now();
  let sent = 0;
  let endedAt = startedAt;
  return {
    startedAt,
    /** False when it was refused because there is too much at once, or the connection broke. */
    async send(line: Line, index: number, dueAt: number): Promise<boolean> {
      const request = requests[index];
      if (!request) return true;
      sent += 1;
      const status = await line.send(request);
      const at = now();
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status < 200 || status > 299) return !REFUSED_FOR_NOW.includes(status);
      acknowledgedAt[index] = at;
      latencies.push(at - dueAt);
      endedAt = at;
      return true;
    },
    report: (): LoadReport => ({
      sent,
      acknowledged: latencies.length,
      statuses,
      startedAt,
      endedAt,
      acknowledgedAt,
      latencies: Float64Array.from(latencies),
    }),
  };
}

async function closedLoop({ connections, seconds, sendsAgain = false }: ClosedLoop): Promise<LoadReport> {
  const lines = Array.from({ length: connections }, createLine);
  const recorder = createRecorder();
  const endAt = recorder.startedAt + seconds * 1_000;
  let next = 0;
  await Promise.all(
    lines.map(async (line) => {
      while (next < requests.length && now() < endAt) {
        const index = next;
        next += 1;
        const dueAt = now();
        while (!(await recorder.send(line, index, dueAt)) && sendsAgain && now() < endAt)
          await sleep(SEND_AGAIN_AFTER_MS);
      }
    }),
  );
  for (const line of lines) line.close();
  return recorder.report();
}

async function openLoop({
  connections,
  perSecond,
  seconds,
}: Extract<LoadQuestion, { kind: 'open' }>): Promise<LoadReport> {
  const idle = Array.from({ length: connections }, createLine);
  const lines = [...idle];
  const total = Math.min(requests.length, Math.floor(perSecond * seconds));
  const recorder = createRecorder();
  const dueAt = (index: number) => recorder.startedAt + (index * 1_000) / perSecond;
  let next = 0;
  let open = 0;
  await new Promise<void>((resolve) => {
    const pump = () => {
      for (;;) {
        const line = next < total && dueAt(next) <= now() ? idle.pop() : undefined;
        if (!line) break;
        const index = next;
        next += 1;
        open += 1;
        void recorder.send(line, index, dueAt(index)).then(() => {
          open -= 1;
          idle.push(line);
          // Whoever waits for a free connection is late already.
          pump();
        });
      }
      if (next >= total && open === 0) {
        clearInterval(timer);
        resolve();
      }
    };
    const timer = setInterval(pump, 1);
    pump();
  });
  for (const line of lines) line.close();
  return recorder.report();
}

answerQuestions<LoadQuestion>((question) => {
  switch (question.kind) {
    case 'prepare':
      return prepare(question);
    case 'closed':
      return closedLoop(question);
    case 'open':
      return openLoop(question);
  }
});
