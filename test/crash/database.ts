import SqliteDatabase from 'better-sqlite3';
import pg from 'pg';
import type { CrmObject } from '../../src/domain/record.ts';
import { openStore } from '../../src/store/open.ts';
import type { CrmDelivery, CrmEvent } from './crm.ts';

type Value = string | number;
type Row = Readonly<Record<string, unknown>>;

/** A look into the service's database from outside, as an operator could take it with sqlite3 or psql. */
export interface Database {
  readonly url: string;
  /** One statement that both databases read alike; parameters are written `?`. */
  query<R extends Row>(text: string, parameters?: readonly Value[]): Promise<R[]>;
  /** What the database itself finds wrong with its files. */
  integrity(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opened anew for each look: the file's locks are the service's own affair. */
export function sqliteDatabase(path: string): Database {
  async function look<T>(run: (database: SqliteDatabase.Database) => T): Promise<T> {
    const database = new SqliteDatabase(path, { timeout: 5_000 });
    try {
      return run(database);
    } finally {
      database.close();
    }
  }
  return {
    url: `sqlite:${path}`,
    query: (text, parameters = []) =>
      look((database) => {
        const statement = database.prepare(text);
        if (statement.reader) return statement.all(...parameters) as never;
        statement.run(...parameters);
        return [];
      }),
    integrity: () =>
      look((database) => {
        const rows = database.pragma('integrity_check') as Array<{ integrity_check: string }>;
        const broken = database.pragma('foreign_key_check') as unknown[];
        return [
          ...rows.map(({ integrity_check }) => integrity_check).filter((line) => line !== 'ok'),
          ...broken.map((row) => `foreign key: ${JSON.stringify(row)}`),
        ];
      }),
    close: async () => {},
  };
}

const INT8_OID = 20;
/** A server that was killed takes its clients with it; the next look has a new connection, and the server may still be starting. */
const LOOK_ATTEMPTS_MAX = 200;
const LOOK_PAUSE_MS = 100;

export function postgresDatabase(url: string): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  pool.on('error', () => undefined);
  const query = async <R extends Row>(text: string, parameters: readonly Value[] = []): Promise<R[]> => {
    let index = 0;
    const numbered = text.replaceAll('?', () => {
      index += 1;
      return `$${index}`;
    });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await pool.query(numbered, [...parameters])).rows as R[];
      } catch (error) {
        // What the server says of the statement has a code that does not begin so.
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        // A deadlock, or a wait for a node that sleeps with a row in its hands, is the same: nothing was done yet.
        const mayPass = /^(|57P0\d|08.*|E[A-Z]+|40001|40P01|55P03)$/.test(code);
        if (!mayPass || attempt === LOOK_ATTEMPTS_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
      }
    }
  };
  return {
    url,
    query,
    async integrity() {
      await query('CREATE EXTENSION IF NOT EXISTS amcheck');
      // Every index of ours against its table, and every table against itself; what is wrong is thrown, or told in rows.
      try {
        await query(`SELECT bt_index_check(index => c.oid, heapallindexed => true)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
          WHERE a.amname = 'btree' AND c.relkind = 'i' AND n.nspname NOT IN ('pg_catalog', 'pg_toast')`);
        const rows = await query<{ relname: string; msg: string }>(`SELECT c.relname, h.msg
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, verify_heapam(c.oid) h
          WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`);
        return rows.map(({ relname, msg }) => `${relname}: ${msg}`);
      } catch (error) {
        return [String(error)];
      }
    },
    close: () => pool.end(),
  };
}

/** Law 4: events that HubSpot was told 2xx for and that the inbox does not have. */
export async function lostEvents(
  database: Database,
  deliveries: readonly CrmDelivery[],
): Promise<{ acknowledged: number; lost: string[] }> {
  const rows = await database.query<{ event_key: string }>('SELECT event_key FROM inbox');
  // Portal, type, object type, object, event, time: what HubSpot calls an event.
  const kept = new Set(rows.map(({ event_key }) => eventId(...pick(JSON.parse(event_key) as unknown[]))));
  const acknowledged = new Set<string>();
  for (const { attempts } of deliveries) {
    for (const { status, body } of attempts) {
      if (status === null || status < 200 || status >= 300) continue;
      for (const event of JSON.parse(body) as CrmEvent[])
        acknowledged.add(
          eventId(event.portalId, event.subscriptionType, event.objectId, event.eventId, event.occurredAt),
        );
    }
  }
  return { acknowledged: acknowledged.size, lost: [...acknowledged].filter((id) => !kept.has(id)) };
}

function pick([portal, type, , object, event, at]: readonly unknown[]): [unknown, unknown, unknown, unknown, unknown] {
  return [portal, type, object, event, at];
}

function eventId(portal: unknown, type: unknown, object: unknown, event: unknown, at: unknown): string {
  return [portal, type, object, event, at].join(' ');
}

/** A pause after a failed attempt takes ten minutes at most. What is due later than this was put there for another day. */
const SOON_MS = 3_600_000;

const QUEUES = ['work', 'mirror', 'intents'] as const;

export interface Waiting {
  readonly work: number;
  readonly payouts: number;
  readonly mirror: number;
  readonly parked: readonly string[];
}

export async function waiting(database: Database): Promise<Waiting> {
  const soon = Date.now() + SOON_MS;
  const rows = await database.query<{ queue: string; rows: number }>(
    QUEUES.map((table) => `SELECT '${table}' AS queue, count(*) AS rows FROM ${table} WHERE due_at < ?`).join(
      ' UNION ALL ',
    ),
    QUEUES.map(() => soon),
  );
  const count = (queue: string) => rows.find((row) => row.queue === queue)?.rows ?? 0;
  const parked: string[] = [];
  for (const table of QUEUES) {
    const found = await database.query(`SELECT * FROM ${table} WHERE parked = 1`);
    parked.push(...found.map((row) => `${table} ${JSON.stringify(row)}`));
  }
  return { work: count('work'), payouts: count('intents'), mirror: count('mirror'), parked };
}

/** What processes have taken up and not put down: claims of work, and leases with their owners. */
export interface Held {
  readonly claims: ReadonlySet<string>;
  readonly leases: readonly { readonly name: string; readonly owner: string }[];
}

export const NOTHING_HELD: Held = { claims: new Set(), leases: [] };

export async function held(database: Database): Promise<Held> {
  const claims = await database.query<{ claim: string }>(
    QUEUES.map((table) => `SELECT claim FROM ${table} WHERE claim IS NOT NULL`).join(' UNION '),
  );
  const leases = await database.query<{ name: string; owner: string }>('SELECT name, owner FROM leases');
  return { claims: new Set(claims.map(({ claim }) => claim)), leases };
}

/**
 * Time passes: leases of two to ten minutes run out. A test cannot wait for that, so what they say is moved instead of the clock.
 * Only of what `by` names, so that the leases of nodes that live stay as they are.
 */
export async function letLeasesRunOut(database: Database, by: Held): Promise<void> {
  const now = Date.now();
  for (const claim of by.claims)
    for (const table of QUEUES)
      await database.query(`UPDATE ${table} SET due_at = ? WHERE claim = ? AND due_at > ?`, [now, claim, now]);
  for (const { name, owner } of by.leases)
    await database.query('UPDATE leases SET until = 0 WHERE name = ? AND owner = ?', [name, owner]);
}

/** As much time that also every pause after a failed attempt is over; with doubling pauses that is minutes after a storm. */
export async function letPausesRunOut(database: Database): Promise<void> {
  await letLeasesRunOut(database, await held(database));
  const now = Date.now();
  for (const table of QUEUES)
    await database.query(
      `UPDATE ${table} SET due_at = ?, run_at = CASE WHEN run_at > ? THEN ? ELSE run_at END
        WHERE due_at > ? AND due_at < ?`,
      [now, now, now, now, now + SOON_MS],
    );
}

/** How far the sweep has come: the earliest of its marks, null while one is missing. */
export async function sweptTo(database: Database, marks: number): Promise<number | null> {
  const rows = await database.query<{ up_to: number }>('SELECT up_to FROM sweep_marks');
  return rows.length < marks ? null : Math.min(...rows.map(({ up_to }) => up_to));
}

/** Of these records, those that were last read before `since`, or never. */
export async function notReadSince(database: Database, ids: readonly string[], since: number): Promise<string[]> {
  const rows = await database.query<{ record_id: string }>('SELECT record_id FROM records WHERE read_at >= ?', [since]);
  const read = new Set(rows.map(({ record_id }) => record_id));
  return ids.filter((id) => !read.has(id));
}

interface RecordRow extends Row {
  readonly account_id: string;
  readonly connection_id: string;
  readonly object: CrmObject;
  readonly record_id: string;
}

/** As if a hold had ended for every record that was ever read: asked for by the store's own words, from a process beside the nodes. */
export async function askForEverything(database: Database): Promise<void> {
  const rows = await database.query<RecordRow>('SELECT account_id, connection_id, object, record_id FROM records');
  const store = await openStore({ url: database.url });
  const now = Date.now();
  try {
    for (const [accountId, records] of Map.groupBy(rows, ({ account_id }) => account_id))
      await store.work.ask(
        accountId,
        records.map(({ connection_id: connectionId, object, record_id: id }) => ({
          record: { connectionId, object, id },
          at: now,
        })),
      );
  } finally {
    await store.close();
  }
}
