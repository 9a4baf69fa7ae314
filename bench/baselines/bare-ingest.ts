import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import Database from 'better-sqlite3';

/*
 * The least that somebody would write by hand who wants HubSpot's webhooks kept: `node:http`, the v3 signature, one table with a
 * unique key per event, and one transaction for all deliveries that came in the same turn of the event loop. No tenants, no
 * checks of the content, no limits, no log, no metrics, and nothing asks for a record to be processed.
 */

const secret = process.env.BARE_SECRET ?? '';
const publicUrl = process.env.BARE_URL ?? '';
const STALE_AFTER_MS = 300_000;

const database = new Database(process.env.BARE_DATABASE ?? '');
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.pragma('wal_autocheckpoint = 10000');
database.exec(`CREATE TABLE IF NOT EXISTS inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, event_key TEXT NOT NULL UNIQUE, received_at INTEGER NOT NULL, payload TEXT NOT NULL
) STRICT`);
const insert = database.prepare(
  'INSERT INTO inbox (event_key, received_at, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
);

interface Event {
  readonly portalId: number;
  readonly subscriptionType: string;
  readonly objectId: number;
  readonly eventId: number;
  readonly occurredAt: number;
  readonly propertyName: string;
}

interface Waiting {
  readonly events: readonly Event[];
  answer(status: number): void;
}

let waiting: Waiting[] = [];

const keep = database.transaction((deliveries: readonly Waiting[]) => {
  const now = Date.now();
  for (const { events } of deliveries) {
    for (const event of events) {
      const { portalId, subscriptionType, objectId, eventId, occurredAt, propertyName } = event;
      const key = `${portalId} ${subscriptionType} ${objectId} ${eventId} ${occurredAt} ${propertyName}`;
      insert.run(key, now, JSON.stringify(event));
    }
  }
});

function flush(): void {
  const batch = waiting;
  waiting = [];
  keep(batch);
  for (const { answer } of batch) answer(200);
}

function isSigned(body: Buffer, signature: unknown, timestamp: unknown): boolean {
  if (typeof signature !== 'string' || typeof timestamp !== 'string') return false;
  if (Math.abs(Date.now() - Number(timestamp)) > STALE_AFTER_MS) return false;
  const expected = createHmac('sha256', secret).update(`POST${publicUrl}`).update(body).update(timestamp).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp } = request.headers;
    if (!isSigned(body, signature, timestamp)) {
      response.writeHead(401).end();
      return;
    }
    waiting.push({
      events: JSON.parse(body.toString('utf8')) as Event[],
      answer: (status) => response.writeHead(status, { 'content-length': 0 }).end(),
    });
    if (waiting.length === 1) setImmediate(flush);
  });
});

server.listen(Number(process.env.BARE_PORT), '127.0.0.1');
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
