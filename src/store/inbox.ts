import type { Hint } from '../application/ports/crm.ts';
import type { Connection, InboxStore } from '../application/ports/store.ts';
import type { Instant } from '../domain/time.ts';
import { toFlag } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { askNow } from './work.ts';

type Origin = Pick<Connection, 'id' | 'accountId'>;
type Outcome = Awaited<ReturnType<InboxStore['append']>>;

interface Delivery {
  readonly connection: Origin;
  readonly hints: readonly Hint[];
  readonly now: Instant;
  readonly rows: readonly Row<'inbox'>[];
}

interface Waiting {
  readonly delivery: Delivery;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** Hints of one transaction. A flush costs as much for a thousand rows as for one; more would only make the first one wait. */
const HINTS_PER_COMMIT_MAX = 1_000;

/**
 * Deliveries that come while one is being written share the next transaction: a flush to the disk is what a delivery costs, nine
 * times the rest when each has its own.
 */
export function createInboxStore(engine: Engine): InboxStore {
  const waiting: Waiting[] = [];
  let isWriting = false;

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) await writeTogether(engine, takeBatch(waiting));
    isWriting = false;
  }

  return {
    append: (connection, hints, now) =>
      new Promise((resolve, reject) => {
        const rows = hints.map((hint) => inboxRow(connection, hint, now));
        waiting.push({ delivery: { connection, hints, now, rows }, resolve, reject });
        if (!isWriting) void writeAll();
      }),
  };
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
    const outcomes = await engine.write((session) =>
      keep(
        session,
        batch.map(({ delivery }) => delivery),
      ),
    );
    for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as Outcome);
  } catch (error) {
    // One that cannot be kept must not fail those it happened to travel with.
    if (batch.length > 1) for (const one of batch) await writeTogether(engine, [one]);
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
  for (const { connection, hints, rows, now } of deliveries) {
    // Of an event that is new and came twice, the first delivery is the one that brought it.
    const accepted = hints.filter((_, index) => {
      const row = rows[index];
      return row !== undefined && fresh.delete(keyOf(row));
    });
    await askNow(session, connection, accepted.filter(asksForWork), now);
    outcomes.push({ accepted: accepted.length, duplicates: hints.length - accepted.length });
  }
  return outcomes;
}

type InboxKey = Pick<Row<'inbox'>, 'account_id' | 'connection_id' | 'event_key'>;

function keyOf({ account_id, connection_id, event_key }: InboxKey): string {
  return JSON.stringify([account_id, connection_id, event_key]);
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
