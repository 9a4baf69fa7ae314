import type { Instant } from '../../domain/time.ts';
import type { ConnectionStatus } from './store.ts';

/** What an operator asks of the database beside what is in it: for metrics and `doctor`. Crosses accounts; shown to nobody else. */
export interface Vitals {
  /** Cheap enough for every scrape: its cost grows with the number of connections and with nothing else. */
  signs(): Promise<VitalSigns>;
  /** Works on a database that has not been migrated, too. */
  facts(): Promise<DatabaseFacts>;
  /** Reads the whole of a SQLite file. One sentence per thing that is broken; none when the database is whole. */
  damage(): Promise<string[]>;
  /** Waits for a person, of all accounts or one; at most `limit` of each queue. */
  parked(input: { accountId: string | null; limit: number }): Promise<ParkedItem[]>;
}

export interface VitalSigns {
  readonly connections: ReadonlyArray<{
    readonly provider: string;
    readonly status: ConnectionStatus;
    readonly count: number;
    /** Of these connections, how far the one that was swept the longest ago has come; its install when it never was. */
    readonly sweptTo: Instant;
    /** Alerts about drift that were open when these connections were last looked at. */
    readonly drifts: number;
  }>;
  /** Null when the database is on another machine or in memory. */
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number } | null;
}

export interface DatabaseFacts {
  readonly engine: 'sqlite' | 'postgres';
  readonly version: string;
  /** The database's own clock; null when it has none but ours. */
  readonly now: Instant | null;
  /** Names, oldest first: what the database has been through, and what this program knows. */
  readonly migrations: readonly string[];
  /** Of these, those with which this program does not start. */
  readonly unfit: readonly string[];
  /** Why the database must not be served, as after a move; null when it may. */
  readonly outOfService: string | null;
  readonly knownMigrations: readonly string[];
  /** Where the file lies; null when the database is on another machine or in memory. */
  readonly directory: string | null;
  /** Settings with which a power cut loses what was acknowledged. */
  readonly unsafe: ReadonlyArray<{ readonly name: string; readonly value: string; readonly wanted: string }>;
}

export interface ParkedItem {
  readonly queue: 'work' | 'payouts' | 'mirror' | 'callbacks' | 'appEvents';
  readonly accountId: string;
  /** "deal 123", the id of a reward, or "workflow" or "event" and the id of its call or event. */
  readonly item: string;
  readonly error: string;
  readonly attempts: number;
}
