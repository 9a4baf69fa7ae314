import type Database from 'better-sqlite3';
import type { Portal, SimTask } from './crm.ts';

/**
 * Whoever chose to be told of cases by tasks has one for each that is open, and none of one that was decided is left to do. `topics`: those that
 * they chose to be told of, since before any of them was opened.
 */
export function tasksAreRight({
  accountId,
  portal,
  db,
  isTold,
}: {
  readonly accountId: string;
  readonly portal: Portal;
  readonly db: Database.Database;
  readonly isTold: (topic: string) => boolean;
}): string[] {
  const cases = db.prepare('select id, topic, state from desk_cases where account_id = ?').all(accountId) as Array<{
    id: string;
    topic: string;
    state: string;
  }>;
  const tasks = [...portal.tasks.values()];
  const problems: string[] = [];
  for (const { id, topic, state } of cases) {
    const own = tasks.filter(({ title }) => title.includes(`(${id})`));
    const isOpen = (task: SimTask) => !task.isDone;
    if (own.length > 1) problems.push(`tasks: case ${id} has ${own.length} tasks`);
    if (own.length > 0 && !isTold(topic)) problems.push(`tasks: nobody wanted to be told of case ${id} (${topic})`);
    if (state === 'open' && isTold(topic) && own.filter(isOpen).length !== 1)
      problems.push(`tasks: case ${id} (${topic}) is open, and ${own.filter(isOpen).length} tasks say so`);
    if (state !== 'open' && own.some(isOpen))
      problems.push(`tasks: case ${id} (${topic}) is decided, its task is not done`);
  }
  for (const { id, title } of tasks)
    if (!cases.some((one) => title.includes(`(${one.id})`)))
      problems.push(`tasks: task ${id} "${title}" is of no case`);
  return problems;
}
