import { join } from 'node:path';
import type { QueueQuestion } from '../baselines/ordered-queue.ts';
import { startPostgres } from '../postgres.ts';
import type { ProcessQuestion, ProcessReport } from '../process-loop.ts';
import { startChild } from '../processes.ts';
import { type Context, figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const WON_EVERY = 5;
const FRIENDS_PER_MEMBER = 5;
/** As in `limit`. */
const CHANGES = 10_000;

export const row: Row = {
  name: 'postgres',
  what: 'Changes processed per second by the process hop on PostgreSQL against SQLite on the same machine, both durable; and, ordered per record with everything that follows, against graphile-worker with one queue per record whose task does nothing.',
  target: '≥ 0.8× SQLite; ≥ 12× graphile-worker',
  isCheap: false,
  async run(context) {
    const server = await startPostgres(context);
    const changes = context.pick(CHANGES, 100);
    const jobs = context.pick(3_000, 100);
    const measured: Array<{ postgres: number; sqlite: number; queue: number }> = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      const sqlite = await process(context, `sqlite:${join(await context.directory(), 'wonward.db')}`, changes);
      const postgres = await process(context, await server.freshDatabase(), changes);
      const queue = await orderedQueue(context, await server.freshDatabase(), jobs);
      measured.push({ postgres, sqlite, queue });
      context.say(
        `round ${round}: PostgreSQL ${postgres.toFixed(0)}/s, SQLite ${sqlite.toFixed(0)}/s, graphile-worker ${queue.toFixed(0)}/s`,
      );
    }
    return [
      figure('postgres against SQLite', median(measured.map(({ postgres, sqlite }) => postgres / sqlite)), '×', {
        atLeast: 0.8,
      }),
      figure(
        'postgres against ordered graphile-worker',
        median(measured.map(({ postgres, queue }) => postgres / queue)),
        '×',
        { atLeast: 12 },
      ),
      figure('postgres, Wonward on PostgreSQL', median(measured.map(({ postgres }) => postgres)), 'changes/s'),
      figure('postgres, Wonward on SQLite', median(measured.map(({ sqlite }) => sqlite)), 'changes/s'),
      figure('postgres, graphile-worker', median(measured.map(({ queue }) => queue)), 'jobs/s'),
    ];
  },
};

async function process(context: Context, databaseUrl: string, deals: number): Promise<number> {
  const engine = await startChild(context, 'bench/process-loop.ts');
  const ask = <T>(question: ProcessQuestion) => engine.ask<T>(question);
  await ask({ kind: 'prepare', databaseUrl, deals, friendsPerMember: FRIENDS_PER_MEMBER });
  await ask({ kind: 'change', wonEvery: WON_EVERY });
  const { records, seconds } = await ask<ProcessReport>({ kind: 'run' });
  await engine.kill('SIGKILL');
  if (records !== deals) throw new Error(`${records} of ${deals} changes were processed`);
  return records / seconds;
}

async function orderedQueue(context: Context, databaseUrl: string, jobs: number): Promise<number> {
  const child = await startChild(context, 'bench/baselines/ordered-queue.ts');
  // Four changes a record, so that order matters.
  const question: QueueQuestion = { kind: 'run', databaseUrl, jobs, records: Math.ceil(jobs / 4) };
  const { seconds } = await child.ask<{ seconds: number }>(question);
  await child.kill('SIGKILL');
  return jobs / seconds;
}
