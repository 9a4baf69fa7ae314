import type pg from 'pg';

/*
 * Of a table that was never analysed PostgreSQL takes an index on the first two columns of a key for as good as the key itself, since both
 * promise one row: a claim of 500 records read the account's whole list for each of them and took 1.8 seconds instead of 20 milliseconds.
 * Autovacuum looks once a minute, and in the first minute of a portal thousands of records come. So a node analyses what has grown and was
 * never analysed; from then on autovacuum keeps up.
 */

/** A portal's first batches take longer than this. */
const LOOK_EVERY_MS = 2_000;

/** Below this many rows no plan is slow. */
const ROWS_MIN = 100;

const GROWN = `select quote_ident(schemaname) || '.' || quote_ident(relname) as name from pg_stat_user_tables
  where schemaname in (current_schema(), 'graphile_worker') and analyze_count = 0 and autoanalyze_count = 0
    and n_mod_since_analyze >= ${ROWS_MIN}`;

export interface FirstStatistics {
  stop(): Promise<void>;
}

export function keepFirstStatistics(pool: pg.Pool): FirstStatistics {
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    try {
      const { rows } = await pool.query<{ name: string }>(GROWN);
      // A node that is at it already has the table; autovacuum too.
      for (const { name } of rows) await pool.query(`analyze (skip_locked) ${name}`);
    } catch {
      // A database that is away has nothing to plan; the next look finds the same tables.
    }
  }

  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = null;
    });
  }, LOOK_EVERY_MS);
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
