import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Engine } from './dialect.ts';
import type { Session } from './schema.ts';

interface Waiting<Input, Output> {
  readonly input: Input;
  resolve(output: Output): void;
  reject(error: unknown): void;
}

/**
 * Runs inside a savepoint of its own, which is taken back when the writes are refused or their outcome says that nothing is to stay.
 * `refused` gives the answer to an error, or undefined when it is a failure of the whole transaction.
 */
export async function guarded<Output>(
  { db }: Session,
  run: () => Promise<Output>,
  refused: (error: unknown) => Output | undefined,
  stays: (output: Output) => boolean = () => true,
): Promise<Output> {
  await sql`savepoint one_write`.execute(db);
  let output: Output;
  let isKept: boolean;
  try {
    output = await run();
    isKept = stays(output);
  } catch (error) {
    const answer = refused(error);
    if (answer === undefined) throw error;
    output = answer;
    isKept = false;
  }
  if (!isKept) await sql`rollback to savepoint one_write`.execute(db);
  await sql`release savepoint one_write`.execute(db);
  return output;
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
  /** All of several by the same few statements, tried first; null when anything is in the way of one. */
  runAll?: (session: Session, inputs: readonly Input[]) => Promise<readonly Output[] | null>,
): (input: Input) => Promise<Output> {
  const waiting: Array<Waiting<Input, Output>> = [];
  let isWriting = false;

  async function attemptAll(
    session: Session,
    batch: ReadonlyArray<Waiting<Input, Output>>,
  ): Promise<readonly Output[] | null> {
    if (!runAll || batch.length === 1) return null;
    const inputs = batch.map(({ input }) => input);
    return guarded<readonly Output[] | null>(
      session,
      () => runAll(session, inputs),
      (error) => (refused(error) === undefined ? undefined : null),
      (answers) => answers !== null,
    );
  }

  async function writeTogether(batch: ReadonlyArray<Waiting<Input, Output>>): Promise<void> {
    try {
      const outputs = await engine.write(async (session) => {
        const together = await attemptAll(session, batch);
        if (together) return together;
        const answers: Output[] = [];
        for (const { input } of batch) answers.push(await guarded(session, () => run(session, input), refused));
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
