import type { Hint } from '../application/ports/crm.ts';
import type { Connection, InboxStore } from '../application/ports/store.ts';
import type { Instant } from '../domain/time.ts';
import { toFlag } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row } from './schema.ts';
import { askNow } from './work.ts';

export function createInboxStore(engine: Engine): InboxStore {
  return {
    append: (connection, hints, now) =>
      engine.write(async (session) => {
        const rows = distinct(hints).map((hint) => inboxRow(connection, hint, now));
        const answers = await insertRows<'inbox', { event_key: string }>(
          session,
          'inbox',
          rows,
          'on conflict (account_id, connection_id, event_key) do nothing returning event_key',
        );
        const fresh = new Set(answers.map(({ event_key }) => event_key));
        const accepted = hints.filter(({ eventKey }) => fresh.has(eventKey));
        await askNow(session, connection, accepted.filter(asksForWork), now);
        return { accepted: fresh.size, duplicates: hints.length - fresh.size };
      }),
  };
}

/** Kept as evidence all the same: what was ignored, and what came back of our own writes. */
function asksForWork({ kind, echo }: Hint): boolean {
  return kind !== 'ignored' && !echo;
}

function distinct(hints: readonly Hint[]): Hint[] {
  return [...new Map(hints.map((hint) => [hint.eventKey, hint])).values()];
}

function inboxRow(connection: Pick<Connection, 'id' | 'accountId'>, hint: Hint, now: Instant): Row<'inbox'> {
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
