import { sql } from 'kysely';
import type { AppEventStore, ClaimedAppEvent, ClaimInput, Shard } from '../application/ports/store.ts';
import type { AppEvent } from '../domain/app-event.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, toFlag, toJson, toText } from './codec.ts';
import { type Columns, type Engine, insertRows, overRows } from './dialect.ts';
import { candidates, claimRows, counts, dueShards, nextDueAt, tell } from './queue.ts';
import type { Row, Session } from './schema.ts';

/** A connection whose contacts' timelines are told of what happens, and since when. */
export interface EventPlace {
  readonly connectionId: string;
  readonly since: Instant;
}

export function createAppEventStore(engine: Engine): AppEventStore {
  return {
    claim: async (input) => {
      // Whoever writes to records looks here as well, each time and nearly always for nothing: that costs no transaction that writes.
      if (!(await engine.read((session) => isSomethingDue(session, input)))) return [];
      return engine.write(async (session) => {
        for (const shard of await candidates(session, 'app_events', input)) {
          const events = await claimOf(session, shard, input);
          if (events.length > 0) return events;
        }
        return [];
      });
    },
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'app_events', now, limit)),

    isHeldUp: (accountId, connectionId, error) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql`select id from app_events
          where account_id = ${accountId} and connection_id = ${connectionId} and parked = 1 and error = ${error}
          limit 1`.execute(db);
        return rows.length > 0;
      }),

    end: (events) =>
      engine.write(async (session) => {
        await overRows(
          session,
          HELD,
          events.map(heldRow),
          (held) => `delete from app_events where (account_id, connection_id, id, claim) in (
              select account_id, connection_id, id, claim from ${held} as held)`,
        );
      }),

    defer: (events, { runAt, error, parked }) =>
      engine.write(async (session) => {
        const rows = events.map((event) => ({
          ...heldRow(event),
          run_at: runAt,
          due_at: parked ? null : runAt,
          error: toText(error),
          parked: toFlag(parked),
        }));
        await overRows(
          session,
          { ...HELD, run_at: 'int', due_at: 'int?', error: 'text', parked: 'int' },
          rows,
          (held) => `update app_events set claim = null, attempts = app_events.attempts + 1, error = held.error,
              run_at = held.run_at, due_at = held.due_at, parked = held.parked
            from ${held} as held where ${IS_HELD}`,
        );
      }),

    nextDueAt: () => engine.read((session) => nextDueAt(session, 'app_events')),
    counts: (now) => engine.read((session) => counts(session, 'app_events', now)),
  };
}

async function isSomethingDue({ db }: Session, { shard, now }: ClaimInput): Promise<boolean> {
  if (!shard) return true;
  const { rows } = await sql`select id from app_events where account_id = ${shard.accountId}
    and connection_id = ${shard.connectionId} and due_at <= ${now} limit 1`.execute(db);
  return rows.length > 0;
}

async function claimOf(
  session: Session,
  { accountId, connectionId }: Shard,
  input: ClaimInput,
): Promise<ClaimedAppEvent[]> {
  if (connectionId === null) return [];
  const rows = await claimRows(session, 'app_events', { accountId, connectionId }, input);
  if (rows.length === 0) return [];
  const people = [...new Set(rows.map(({ person_id }) => person_id))];
  const known = await knownAs(session, accountId, connectionId, people);
  return rows
    .sort((a, b) => a.run_at - b.run_at || (a.id < b.id ? -1 : 1))
    .map((row) => ({
      accountId,
      connectionId,
      event: fromJson<AppEvent>(row.body),
      contactId: known.get(row.person_id)?.contactId ?? null,
      isForgotten: known.get(row.person_id)?.isForgotten ?? false,
      keptAt: row.kept_at,
      claim: row.claim ?? '',
      attempts: row.attempts,
    }));
}

interface Known {
  readonly contactId: string | null;
  readonly isForgotten: boolean;
}

/** By member or referral: their contact in this connection, be it their home or tied to it. */
async function knownAs(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  people: readonly string[],
): Promise<ReadonlyMap<string, Known>> {
  // By id alone: with the connection beside it SQLite might go through all contacts of that.
  const { rows } = await sql<{ person: string; place: string | null; contact: string | null; erased: number | null }>`
    select id as person, connection_id as place, contact_id as contact, erased_at as erased from members
      where account_id = ${accountId} and ${dialect.isIn('id', people)}
    union all select id, connection_id, contact_id, friend_erased_at from referrals
      where account_id = ${accountId} and ${dialect.isIn('id', people)}
    union all select subject, connection_id, record_id, null from identity_edges
      where account_id = ${accountId} and until is null and ${dialect.isIn('subject', people)}`.execute(db);
  const byPerson = Map.groupBy(rows, ({ person }) => person);
  return new Map(
    [...byPerson].map(([person, own]) => {
      const isForgotten = own.some(({ erased }) => erased !== null);
      const here = own.find(({ place, contact }) => place === connectionId && contact !== null);
      return [person, { contactId: isForgotten ? null : (here?.contact ?? null), isForgotten }];
    }),
  );
}

/** Where an account wants timelines to be told; no row for nearly all accounts, and that is all that it costs them. */
export async function eventPlaces({ db }: Session, accountId: string): Promise<EventPlace[]> {
  const { rows } = await sql<{ connection_id: string; events_since: number }>`
    select connection_id, events_since from app_settings
    where account_id = ${accountId} and events_since is not null and not exists (
      select 1 from app_settings later where later.account_id = app_settings.account_id
        and later.connection_id = app_settings.connection_id and later.version > app_settings.version)`.execute(db);
  return rows.map(({ connection_id, events_since }) => ({ connectionId: connection_id, since: events_since }));
}

/** What the timelines are to be told, as part of the commit that it follows from. What happened before somebody wanted it is left out. */
export async function keepAppEvents(
  session: Session,
  accountId: string,
  places: readonly EventPlace[],
  events: readonly AppEvent[],
  now: Instant,
): Promise<void> {
  const rows = places.flatMap(({ connectionId, since }) =>
    events
      .filter(({ at }) => at >= since)
      .map(
        (event): Row<'app_events'> => ({
          account_id: accountId,
          connection_id: connectionId,
          id: event.id,
          person_id: event.personId,
          body: toJson(event),
          kept_at: now,
          run_at: now,
          due_at: now,
          claim: null,
          attempts: 0,
          parked: 0,
          error: null,
        }),
      ),
  );
  await insertRows(session, 'app_events', rows, 'on conflict do nothing');
  for (const { connection_id: connectionId } of rows) tell(session, 'app_events', { accountId, connectionId });
}

const HELD: Columns = { account_id: 'text', connection_id: 'text', id: 'text', claim: 'text' };

function heldRow({ accountId, connectionId, event, claim }: ClaimedAppEvent) {
  return { account_id: accountId, connection_id: connectionId, id: event.id, claim };
}

const IS_HELD = `app_events.account_id = held.account_id and app_events.connection_id = held.connection_id
  and app_events.id = held.id and app_events.claim = held.claim`;
