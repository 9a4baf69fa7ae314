import { EventEmitter } from 'node:events';
import { Logger, type Runner, run as runJobs, runMigrations, type WorkerEvents } from 'graphile-worker';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import { z } from 'zod';
import type { Hop, Shard, SharedQueue } from '../application/ports/store.ts';
import type { EngineExtras } from './dialect.ts';
import type { Schema, Told } from './schema.ts';
import { endWhenSilent } from './silent-connection.ts';

/*
 * How nodes on one PostgreSQL share their work: graphile-worker carries which shard has something due, one job per hop and shard (its
 * key), put on the list in the transaction that made it due. The node that gets the job drains the shard in batches, so what the
 * engine costs is paid once for up to 500 records: as a queue of its own per record it did 1,000 a second where this did 60,000.
 *
 * A job is a word and not the work. Two cases lose one, and jobs/shared-dispatch.ts tells every due shard again each second: a job
 * that is taken between the two statements of add_jobs, and one whose node died, which graphile-worker keeps locked for four hours.
 */

/** A node that missed the notification asks again after this long. */
const POLL_INTERVAL_MS = 2_000;

/**
 * Failures in a row of one worker after which a listener ends, to be started anew. One that lost the database before it had learned the
 * numbers of its tasks keeps that failure for ever (graphile-worker 0.18).
 */
const FAILURES_MAX = 3;

/** One that listens for each hop, and as many that fetch and finish jobs; these take a millisecond each. */
const CONNECTIONS_MAX = 6;

/** Any number that nothing else in the database takes an advisory lock on; beside the one of migrations/migrate.ts. */
const ADVISORY_LOCK = 9_669_274;

/** Nodes that start together wait for the one that makes the tables. */
const PREPARE_TIMEOUT = '5min';

/** What graphile-worker has to say is said by our own log when a batch fails. */
const silent = new Logger(() => () => {});

const payloadSchema = z.object({ accountId: z.string(), connectionId: z.string().nullable() });

export function createSharedQueue(settings: pg.PoolConfig, onConnectionError: (error: Error) => void): EngineExtras {
  const pool = new pg.Pool({ ...settings, max: CONNECTIONS_MAX, application_name: 'wonward jobs' });
  pool.on('error', onConnectionError);
  pool.on('connect', (client) => {
    client.on('error', onConnectionError);
    endWhenSilent(client, Number(settings.statement_timeout));
  });

  const shared: SharedQueue = {
    async listen(hop, concurrency, run) {
      const events: WorkerEvents = new EventEmitter();
      let failures = 0;
      const reset = () => {
        failures = 0;
      };
      events.on('worker:getJob:empty', reset);
      events.on('job:start', reset);
      events.on('worker:getJob:error', () => {
        failures += 1;
        if (failures === FAILURES_MAX * concurrency) void stop();
      });
      const runner: Runner = await runJobs({
        pgPool: pool,
        concurrency,
        events,
        noHandleSignals: true,
        pollInterval: POLL_INTERVAL_MS,
        logger: silent,
        // Each at once, but in the batch's way: the other one leaves a failure to nobody, and that ends the process.
        preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
        taskList: { [taskOf(hop)]: (payload) => run(payloadSchema.parse(payload)) },
      });
      const ended = runner.promise.catch(() => undefined);
      async function stop(): Promise<void> {
        // It may have ended a moment ago, and says so by throwing.
        await runner.stop().catch(() => undefined);
        await ended;
      }
      return { ended, stop };
    },
    async tell(hop, shards) {
      const { text, values } = addJobs(shards.map((shard) => ({ hop, shard })));
      await pool.query(text, values);
    },
  };

  return {
    shared,
    async prepare() {
      const client = await pool.connect();
      try {
        await client.query(`SET lock_timeout = '${PREPARE_TIMEOUT}'`);
        await client.query(`SET statement_timeout = '${PREPARE_TIMEOUT}'`);
        await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
        await runMigrations({ pgPool: pool, logger: silent, noHandleSignals: true });
      } finally {
        // Ends the session, and with it the lock and the time-outs.
        client.release(true);
      }
    },
    async spread(db: Kysely<Schema>, told: readonly Told[]) {
      const [json] = addJobs(told).values;
      await sql`select count(*) from graphile_worker.add_jobs((${sql.raw(SPECS)} from json_to_recordset(${json}::json) ${sql.raw(FIELDS)}), true)`.execute(
        db,
      );
    },
    close: () => pool.end(),
  };
}

const SPECS = `select array_agg(row(told.task, told.payload, null, null, null, told.key, null, null)::graphile_worker.job_spec order by told.key)`;
const FIELDS = 'as told(task text, payload json, key text)';

/** A job that waits already keeps its place: whoever tells often must not push a shard back. */
function addJobs(told: readonly Told[]): { text: string; values: [string] } {
  const jobs = told.map(({ hop, shard }) => ({ task: taskOf(hop), payload: shard, key: keyOf(hop, shard) }));
  return {
    text: `select count(*) from graphile_worker.add_jobs((${SPECS} from json_to_recordset($1::json) ${FIELDS}), true)`,
    values: [JSON.stringify(jobs)],
  };
}

function taskOf(hop: Hop): string {
  return `wonward ${hop}`;
}

function keyOf(hop: Hop, { accountId, connectionId }: Shard): string {
  return `${hop} ${accountId} ${connectionId ?? ''}`;
}
