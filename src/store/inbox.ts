import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hint } from '../application/ports/crm.ts';
import type { Connection, InboxStore, StreamProgress } from '../application/ports/store.ts';
import { Fault } from '../domain/errors.ts';
import type { Instant } from '../domain/time.ts';
import { toFlag } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { keepProgress } from './stream.ts';
import { askNow } from './work.ts';

type Origin = Pick<Connection, 'id' | 'accountId'>;
type Outcome = Awaited<ReturnType<InboxStore['append']>>;

interface Delivery {
  readonly connection: Origin;
  readonly hints: readonly Hint[];
  readonly now: Instant;
  readonly rows: readonly Row<'inbox'>[];
  readonly stream: StreamProgress | undefined;
}

interface Waiting {
  readonly delivery: Delivery;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** Hints of one transaction. A flush costs as much for a thousand rows as for one; more would only make the first one wait. */
const HINTS_PER_COMMIT_MAX = 1_000;

/** Turns of the event loop in which deliveries may join those that wait: a stream that never pauses must not keep the first one waiting. */
const TURNS_MAX = 5;

/**
 * What may wait for its commit, in hints and in bytes of their payloads. A disk keeps 20,000 in about a second; who would wait for
 * several is better told at once than left to find out after the CRM's five seconds, when it has sent everything once more. The bytes
 * bound the memory when hints are large.
 */
const WAITING_HINTS_MAX = 20_000;
const WAITING_BYTES_MAX = 64 * 2 ** 20;

/**
 * A commit that takes longer is given up by whoever waits for it: the CRM has gone after five seconds. It may still come to pass; what
 * is then sent again is known already.
 */
const WRITE_TIMEOUT_MS = 10_000;

/** The earliest time at which asking again is worth while: a full queue is written in about a second. */
const FULL_RETRY_MS = 2_000;

/**
 * Deliveries that come while one is being written share the next transaction: a flush to the disk is what a delivery costs, nine
 * times the rest when each has its own.
 *
 * Before each transaction the event loop goes round, and again for as long as that brings more. SQLite answers at once, so without that a
 * delivery would be read, written and flushed before the next one's socket is looked at, and none would ever share.
 */
export function createInboxStore(engine: Engine): InboxStore {
  const waiting: Waiting[] = [];
  let isWriting = false;
  let waitingHints = 0;
  let waitingBytes = 0;

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      let before = 0;
      for (
        let turns = 0;
        turns < TURNS_MAX && waiting.length > before && waitingHints < HINTS_PER_COMMIT_MAX;
        turns += 1
      ) {
        before = waiting.length;
        await nextTurn();
      }
      await writeTogether(engine, takeBatch(waiting));
    }
    isWriting = false;
  }

  return {
    async append(connection, hints, now, stream) {
      const rows = hints.map((hint) => inboxRow(connection, hint, now));
      const bytes = rows.reduce((sum, { payload }) => sum + payload.length, 0);
      // One that is alone may be of any size: the door has its own limit.
      const isFull = waitingHints + rows.length > WAITING_HINTS_MAX || waitingBytes + bytes > WAITING_BYTES_MAX;
      if (isFull && waitingHints > 0) throw tooMuchWaits();
      waitingHints += rows.length;
      waitingBytes += bytes;
      try {
        return await new Promise<Outcome>((resolve, reject) => {
          waiting.push({ delivery: { connection, hints, now, rows, stream }, resolve, reject });
          if (!isWriting) void writeAll();
        });
      } finally {
        waitingHints -= rows.length;
        waitingBytes -= bytes;
      }
    },
  };
}

function tooMuchWaits(): Fault {
  return new Fault('busy', { kind: 'retry', afterMs: FULL_RETRY_MS }, 'More is waiting to be kept than can be held.');
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `a commit of the inbox took longer than ${WRITE_TIMEOUT_MS} ms`;
    reject(new Fault('storage', { kind: 'retry' }, 'The database does not answer.', { message }));
  }, WRITE_TIMEOUT_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function takeBatch(waiting: Waiting[]): Waiting[] {
  let size = 0;
  let end = 0;
  for (const { delivery } of waiting) {
    size += delivery.hints.length;
    if (end > 0 && size > HINTS_PER_COMMIT_MAX) break;
    end += 1;
  }
  return waiting.splice(0, end);
}

async function writeTogether(engine: Engine, batch: readonly Waiting[]): Promise<void> {
  try {
    const outcomes = await inTime(
      engine.write((session) =>
        keep(
          session,
          batch.map(({ delivery }) => delivery),
        ),
      ),
    );
    for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as Outcome);
  } catch (error) {
    // One that cannot be kept must not fail those it happened to travel with. What the database could not do, it cannot for any.
    if (batch.length > 1 && !(error instanceof Fault)) for (const one of batch) await writeTogether(engine, [one]);
    else for (const { reject } of batch) reject(error);
  }
}

async function keep(session: Session, deliveries: readonly Delivery[]): Promise<Outcome[]> {
  const first = new Map<string, Row<'inbox'>>();
  for (const row of deliveries.flatMap(({ rows }) => rows)) if (!first.has(keyOf(row))) first.set(keyOf(row), row);
  const answers = await insertRows<'inbox', InboxKey>(
    session,
    'inbox',
    [...first.values()],
    `on conflict (account_id, connection_id, event_key) do nothing
      returning account_id, connection_id, event_key`,
  );
  const fresh = new Set(answers.map(keyOf));
  const outcomes: Outcome[] = [];
  const asked = new Map<string, { connection: Origin; hints: Hint[]; now: Instant }>();
  for (const { connection, hints, rows, now } of deliveries) {
    // Of an event that is new and came twice, the first delivery is the one that brought it.
    const accepted = hints.filter((_, index) => {
      const row = rows[index];
      return row !== undefined && fresh.delete(keyOf(row));
    });
    const key = `${connection.accountId} ${connection.id}`;
    const together = asked.get(key) ?? { connection, hints: [], now };
    asked.set(key, together);
    together.hints.push(...accepted.filter(asksForWork));
    outcomes.push({ accepted: accepted.length, duplicates: hints.length - accepted.length });
  }
  // Once for all deliveries of a connection, which ask for the same records again and again.
  for (const { connection, hints, now } of asked.values()) await askNow(session, connection, hints, now);
  for (const { connection, hints, now, stream } of deliveries)
    if (stream) await keepProgress(session, connection, stream, hints, now);
  return outcomes;
}

type InboxKey = Pick<Row<'inbox'>, 'account_id' | 'connection_id' | 'event_key'>;

function keyOf({ account_id, connection_id, event_key }: InboxKey): string {
  // Our own ids have no spaces.
  return `${account_id} ${connection_id} ${event_key}`;
}

/** Kept as evidence all the same: what was ignored, and what came back of our own writes. */
function asksForWork({ kind, echo }: Hint): boolean {
  return kind !== 'ignored' && !echo;
}

function inboxRow(connection: Origin, hint: Hint, now: Instant): Row<'inbox'> {
  return {
    account_id: connection.accountId,
    connection_id: connection.id,
    event_key: hint.eventKey,
    kind: hint.kind,
    echo: toFlag(hint.echo),
    occurred_at: hint.occurredAt,
    received_at: now,
    records: JSON.stringify(hint.records),
    payload: JSON.stringify(hint.payload ?? null),
  };
}
