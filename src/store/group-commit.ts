import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Engine } from './dialect.ts';
import type { Session } from './schema.ts';

interface Waiting<Input, Output> {
  readonly input: Input;
  resolve(output: Output): void;
  reject(error: unknown): void;
}

/** More would hold the database for longer than the flush that they share. */
const TOGETHER_MAX = 50;

/**
 * Small writes that come at the same time share one transaction: a flush to the disk costs more than all of the rest of one. Each has
 * a savepoint, so that one which is refused takes nothing back of the others; when the database cannot do it, it is said to all of them.
 */
export function createGroupCommit<Input, Output>(
  engine: Engine,
  run: (session: Session, input: Input) => Promise<Output>,
  /** The answer to one whose writes were refused; undefined for what is a failure. */
  refused: (error: unknown) => Output | undefined,
): (input: Input) => Promise<Output> {
  const waiting: Array<Waiting<Input, Output>> = [];
  let isWriting = false;

  async function guarded(session: Session, input: Input): Promise<Output> {
    await sql`savepoint one_write`.execute(session.db);
    let output: Output;
    try {
      output = await run(session, input);
    } catch (error) {
      const answer = refused(error);
      if (answer === undefined) throw error;
      await sql`rollback to savepoint one_write`.execute(session.db);
      output = answer;
    }
    await sql`release savepoint one_write`.execute(session.db);
    return output;
  }

  async function writeTogether(batch: ReadonlyArray<Waiting<Input, Output>>): Promise<void> {
    try {
      const outputs = await engine.write(async (session) => {
        const answers: Output[] = [];
        for (const { input } of batch) answers.push(await guarded(session, input));
        return answers;
      });
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index] as Output);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      await nextTurn();
      await writeTogether(waiting.splice(0, TOGETHER_MAX));
    }
    isWriting = false;
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject });
      if (!isWriting) void writeAll();
    });
}
