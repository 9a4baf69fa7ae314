import Database from 'better-sqlite3';
import pg from 'pg';

/** What was decided, read from the database as anybody could: an answer of 200 proves nothing. */
export interface Ledger {
  /** Deliveries kept, by event. */
  inbox(): Promise<number>;
  referrals(): Promise<number>;
  decisions(): Promise<number>;
  /** Rewards granted that have their journal. */
  rewards(): Promise<number>;
  /** Records that are waiting for, or in, processing, and mirror rows that are to be written. */
  waiting(): Promise<number>;
  /** Currencies in which the postings do not add up to zero: none, or something is broken. */
  imbalances(): Promise<number>;
  close(): Promise<void>;
}

export async function openLedger(databaseUrl: string): Promise<Ledger> {
  const count = databaseUrl.startsWith('sqlite:') ? sqliteCounter(databaseUrl) : await postgresCounter(databaseUrl);
  return {
    inbox: () => count.one('select count(*) as n from inbox'),
    referrals: () => count.one('select count(*) as n from referrals'),
    decisions: () => count.one('select count(*) as n from decisions'),
    rewards: () => count.one(`select count(*) as n from journals where kind = 'accrue'`),
    waiting: () =>
      count.one(
        `select (select count(*) from work where claim is not null or due_at <= ?)
          + (select count(*) from mirror where due_at is not null)
          + (select count(*) from intents where due_at is not null) as n`,
        Date.now(),
      ),
    imbalances: () =>
      count.one(
        'select count(*) as n from (select currency from postings group by currency having sum(minor) <> 0) as off',
      ),
    close: () => count.close(),
  };
}

interface Counter {
  one(sql: string, ...parameters: readonly number[]): Promise<number>;
  close(): Promise<void>;
}

/** A reader of its own: in WAL mode it holds up nobody. */
export function openReader(databaseUrl: string): Database.Database {
  return new Database(databaseUrl.replace(/^sqlite:/, ''), { readonly: true, timeout: 5_000 });
}

function sqliteCounter(databaseUrl: string): Counter {
  const database = openReader(databaseUrl);
  return {
    one: async (sql, ...parameters) => (database.prepare(sql).get(...parameters) as { n: number }).n,
    close: async () => void database.close(),
  };
}

async function postgresCounter(databaseUrl: string): Promise<Counter> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return {
    async one(sql, ...parameters) {
      let place = 0;
      const numbered = sql.replace(/\?/g, () => `$${++place}`);
      const { rows } = await client.query<{ n: string }>(numbered, [...parameters]);
      return Number(rows[0]?.n);
    },
    close: () => client.end(),
  };
}
