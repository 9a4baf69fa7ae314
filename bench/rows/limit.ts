import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { LoopQuestion } from '../baselines/prepared-loop.ts';
import type { ProcessQuestion, ProcessReport } from '../process-loop.ts';
import { startChild } from '../processes.ts';
import { type Context, figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';

/** One in five changes is a Closed Won, four change the amount of an open deal. */
const WON_EVERY = 5;
const FRIENDS_PER_MEMBER = 5;
/** So many that a process which has just begun is no part of the figure: after 3,000 its code is compiled, and a service runs for weeks. */
const CHANGES = 10_000;
const CONNECTION = 'con_bench';

/** What both must leave behind, row for row. */
const COMPARED = [
  'decisions',
  'rewards',
  'tallies',
  'journals',
  'postings',
  'intents',
  'mirror',
  'work',
  'wakes',
  'records',
  'record_links',
];

export const row: Row = {
  name: 'limit',
  what: 'Changes processed per second by the process hop (claim, gather, decide, commit; the CRM answers from memory), one in five a Closed Won, against a hand-written loop of prepared statements that leaves the same rows in the same tables.',
  target: '≥ 0.6',
  isCheap: true,
  async run(context) {
    const measured: Array<{ engine: number; loop: number; processor: number }> = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      const one = await measure(context, context.pick(CHANGES, 100));
      measured.push(one);
      context.say(`round ${round}: engine ${one.engine.toFixed(0)}/s, loop ${one.loop.toFixed(0)}/s`);
    }
    return [
      figure('limit', median(measured.map(({ engine, loop }) => engine / loop)), '×', { atLeast: 0.6 }),
      figure('limit, Wonward', median(measured.map(({ engine }) => engine)), 'changes/s'),
      figure('limit, hand-written loop', median(measured.map(({ loop }) => loop)), 'changes/s'),
      figure('limit, Wonward, processor', median(measured.map(({ processor }) => processor)), 'µs/change'),
    ];
  },
};

async function measure(context: Context, deals: number): Promise<{ engine: number; loop: number; processor: number }> {
  const directory = await context.directory();
  const [own, copy] = [join(directory, 'engine.db'), join(directory, 'loop.db')];
  const engine = await startChild(context, 'bench/process-loop.ts');
  const ask = <T>(question: ProcessQuestion) => engine.ask<T>(question);
  const accountId = await ask<string>({
    kind: 'prepare',
    databaseUrl: `sqlite:${own}`,
    deals,
    friendsPerMember: FRIENDS_PER_MEMBER,
  });
  await ask({ kind: 'change', wonEvery: WON_EVERY });
  const database = new Database(own);
  database.exec(`vacuum into '${copy}'`);
  database.close();

  const byEngine = await ask<ProcessReport>({ kind: 'run' });
  const loop = await startChild(context, 'bench/baselines/prepared-loop.ts');
  const question: LoopQuestion = { kind: 'run', path: copy, accountId, connectionId: CONNECTION, wonEvery: WON_EVERY };
  const byLoop = await loop.ask<{ records: number; seconds: number }>(question);
  const [left, right] = [countsOf(own), countsOf(copy)];
  if (byEngine.records !== deals || byLoop.records !== deals || JSON.stringify(left) !== JSON.stringify(right)) {
    throw new Error(`the two have not done the same: ${JSON.stringify({ byEngine, byLoop, left, right })}`);
  }
  await Promise.all([engine.kill('SIGKILL'), loop.kill('SIGKILL')]);
  return {
    engine: byEngine.records / byEngine.seconds,
    loop: byLoop.records / byLoop.seconds,
    processor: (byEngine.processorSeconds * 1e6) / byEngine.records,
  };
}

function countsOf(path: string): Record<string, number> {
  const database = new Database(path, { readonly: true });
  const counts = COMPARED.map((table) => {
    const { n } = database.prepare(`select count(*) as n from ${table}`).get() as { n: number };
    return [table, n];
  });
  database.close();
  return Object.fromEntries(counts);
}
