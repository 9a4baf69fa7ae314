import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { answerQuestions } from '../processes.ts';

/*
 * The obvious way to process in order per record on PostgreSQL: graphile-worker with one queue per record. The task does nothing, so
 * what is measured is the engine alone. Enqueued beforehand; the clock runs from the first job to the last.
 */

export interface QueueQuestion {
  readonly kind: 'run';
  readonly databaseUrl: string;
  readonly jobs: number;
  readonly records: number;
}

const CONCURRENCY = 8;

async function runJobs({ databaseUrl, jobs, records }: QueueQuestion): Promise<{ jobs: number; seconds: number }> {
  const logger = new Logger(() => () => {});
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONCURRENCY + 2 });
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  for (let start = 0; start < jobs; start += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, jobs - start) }, (_, index) => (start + index) % records);
    await pool.query(
      `select graphile_worker.add_job('nothing', json_build_object('record', record), queue_name := 'record ' || record)
        from unnest($1::int[]) as record`,
      [rows],
    );
  }
  await pool.query('analyze');
  const done = Promise.withResolvers<void>();
  let count = 0;
  const startedAt = performance.now();
  const runner = await run({
    pgPool: pool,
    logger,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    taskList: {
      nothing: async () => {
        count += 1;
        if (count === jobs) done.resolve();
      },
    },
  });
  await done.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  await runner.stop();
  await utils.release();
  await pool.end();
  return { jobs: count, seconds };
}

answerQuestions<QueueQuestion>(runJobs);
