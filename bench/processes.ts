import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Context } from './row.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A busy machine compiles a service in five seconds; this is one that does not start at all. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** Of a log, in a message about a process that failed. */
const LOG_TAIL_CHARS = 12_000;

/** A program of this repository as a process of its own. */
export interface Child {
  readonly pid: number;
  readonly exited: Promise<void>;
  isAlive(): boolean;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Sends a question over the IPC channel and waits for its answer. */
  ask<T>(question: object): Promise<T>;
  log(): string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
  readonly cwd?: string;
}

/** Its output goes to a file, as that of a service does: a pipe would be read by us, on the same cores. */
export async function startChild(context: Context, script: string, options: StartOptions = {}): Promise<Child> {
  const logFile = join(await context.directory(), 'log');
  const out = openSync(logFile, 'a');
  const child: ChildProcess = spawn(process.execPath, [...(options.execArgv ?? []), script, ...(options.args ?? [])], {
    cwd: options.cwd ?? ROOT,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...options.env },
    stdio: ['ignore', out, out, 'ipc'],
    // Numbers as numbers and typed arrays as typed arrays.
    serialization: 'advanced',
  });
  closeSync(out);
  const log = () => readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARS);
  const exited = once(child, 'exit').then(() => {});
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let questions = 0;
  child.on('message', (message: { readonly id: number; readonly answer?: unknown; readonly error?: string }) => {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.answer);
    else asked?.reject(new Error(message.error));
  });
  void exited.then(() => {
    for (const asked of waiting.values()) asked.reject(new Error(`${script} ended:\n${log()}`));
  });
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const started: Child = {
    pid: child.pid ?? 0,
    exited,
    isAlive,
    log,
    async kill(signal) {
      if (!isAlive()) return;
      child.kill(signal);
      const ended = await Promise.race([exited.then(() => true), sleep(STOP_TIMEOUT_MS, false, { ref: false })]);
      if (ended) return;
      child.kill('SIGKILL');
      await exited;
    },
    ask<T>(question: object) {
      questions += 1;
      const asked = Promise.withResolvers<unknown>();
      waiting.set(questions, asked);
      child.send({ id: questions, ...question });
      return asked.promise as Promise<T>;
    },
  };
  // What matters was measured before; a graceful stop waits for calls to a CRM that may have been made slow.
  context.onEnd(() => started.kill('SIGKILL'));
  return started;
}

/** The other end of `ask`, in the child. The process ends with its parent. */
export function answerQuestions<Q extends object>(answer: (question: Q) => Promise<unknown> | unknown): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (question: Q & { readonly id: number }) => {
    try {
      process.send?.({ id: question.id, answer: await answer(question) });
    } catch (error) {
      process.send?.({
        id: question.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  });
}

/** Looks again and again until it is true. @throws when it does not come true in time. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  { timeoutMs = START_TIMEOUT_MS, everyMs = 20, child }: { timeoutMs?: number; everyMs?: number; child?: Child } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (child && !child.isAlive()) throw new Error(`ended before ${what}:\n${child.log()}`);
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}\n${child?.log() ?? ''}`);
    await sleep(everyMs);
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Megabytes (10⁶) that a process has in memory now, and the most it ever had. Null where the system does not say. */
export function memoryOf(pid: number): { residentMb: number; peakMb: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
    return { residentMb: (kilobytes('VmRSS') * 1_024) / 1e6, peakMb: (kilobytes('VmHWM') * 1_024) / 1e6 };
  } catch {
    return null;
  }
}

/** Clock ticks of Linux's /proc: 100 a second on every system that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor that a process has used so far. Null where the system does not say. */
export function processorSecondsOf(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
