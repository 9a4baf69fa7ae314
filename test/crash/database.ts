import Database from 'better-sqlite3';
import type { CrmDelivery, CrmEvent } from './crm.ts';

/** A look into the service's file, as an operator could take it with the sqlite3 command. */
export type Inspection<T> = (database: Database.Database) => T;

export function inspect<T>(path: string, look: Inspection<T>): T {
  const database = new Database(path, { timeout: 5_000 });
  try {
    return look(database);
  } finally {
    database.close();
  }
}

export function integrity(path: string): string[] {
  return inspect(path, (database) => {
    const rows = database.pragma('integrity_check') as Array<{ integrity_check: string }>;
    const broken = database.pragma('foreign_key_check') as unknown[];
    return [
      ...rows.map(({ integrity_check }) => integrity_check).filter((line) => line !== 'ok'),
      ...broken.map((row) => `foreign key: ${JSON.stringify(row)}`),
    ];
  });
}

/** Law 4: events that HubSpot was told 2xx for and that the inbox does not have. */
export function lostEvents(path: string, deliveries: readonly CrmDelivery[]): { acknowledged: number; lost: string[] } {
  const kept = inspect(path, (database) => {
    const rows = database.prepare('SELECT event_key FROM inbox').pluck().all() as string[];
    // Portal, type, object type, object, event, time: what HubSpot calls an event.
    return new Set(rows.map((key) => eventId(...pick(JSON.parse(key) as unknown[]))));
  });
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

export interface Waiting {
  readonly work: number;
  readonly payouts: number;
  readonly mirror: number;
  readonly parked: readonly string[];
}

export function waiting(path: string): Waiting {
  return inspect(path, (database) => {
    const count = (table: string) =>
      database
        .prepare(`SELECT count(*) FROM ${table} WHERE due_at < ?`)
        .pluck()
        .get(Date.now() + SOON_MS) as number;
    const parked = ['work', 'mirror', 'intents'].flatMap((table) =>
      (database.prepare(`SELECT * FROM ${table} WHERE parked = 1`).all() as Array<Record<string, unknown>>).map(
        (row) => `${table} ${JSON.stringify(row)}`,
      ),
    );
    return { work: count('work'), payouts: count('intents'), mirror: count('mirror'), parked };
  });
}

/** Whose work a process has taken up and not put down. */
export function claims(path: string): Set<string> {
  return inspect(path, (database) => {
    const tables = ['work', 'mirror', 'intents'].map((table) => `SELECT claim FROM ${table} WHERE claim IS NOT NULL`);
    return new Set(database.prepare(tables.join(' UNION ')).pluck().all() as string[]);
  });
}

/**
 * Time passes while the service is down: leases of two to ten minutes run out. A test cannot wait for that, so what they say is
 * moved instead of the clock. Only ever done to a file that no process has open.
 */
export function letLeasesRunOut(path: string): void {
  inspect(path, (database) => {
    const now = Date.now();
    for (const table of ['work', 'mirror', 'intents'])
      database.prepare(`UPDATE ${table} SET due_at = ? WHERE claim IS NOT NULL AND due_at > ?`).run(now, now);
    database.prepare('UPDATE leases SET until = 0').run();
  });
}

/** As much time that also every pause after a failed attempt is over; with doubling pauses that is minutes after a storm. */
export function letPausesRunOut(path: string): void {
  letLeasesRunOut(path);
  inspect(path, (database) => {
    const now = Date.now();
    for (const table of ['work', 'mirror', 'intents'])
      database
        .prepare(`UPDATE ${table} SET due_at = :now, run_at = min(run_at, :now) WHERE due_at > :now AND due_at < :soon`)
        .run({ now, soon: now + SOON_MS });
  });
}

/** How far the sweep has come: the earliest of its marks, null while one is missing. */
export function sweptTo(path: string, marks: number): number | null {
  return inspect(path, (database) => {
    const rows = database.prepare('SELECT up_to FROM sweep_marks').pluck().all() as number[];
    return rows.length < marks ? null : Math.min(...rows);
  });
}

/** Of these records, those that were last read before `since`, or never. */
export function notReadSince(path: string, ids: readonly string[], since: number): string[] {
  return inspect(path, (database) => {
    const read = new Set(
      database.prepare('SELECT record_id FROM records WHERE read_at >= ?').pluck().all(since) as string[],
    );
    return ids.filter((id) => !read.has(id));
  });
}

/** As if a hint had come for every record that was ever read. */
export function askForEverything(path: string): void {
  inspect(path, (database) => {
    database
      .prepare(
        `INSERT INTO work (account_id, connection_id, object, record_id, wanted, erase, run_at, due_at, attempts, parked)
          SELECT account_id, connection_id, object, record_id, 1, 0, :now, :now, 0, 0 FROM records WHERE true
          ON CONFLICT DO UPDATE SET wanted = wanted + 1`,
      )
      .run({ now: Date.now() });
  });
}
