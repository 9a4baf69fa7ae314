import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Two idle cores start a service in three seconds and three at once in ten; beside other work it has taken a minute. */
const START_TIMEOUT_MS = 150_000;
const LOG_LINES_KEPT = 400;
/** Often enough not to add to the run, seldom enough not to take the processor from what is waited for. */
const POLL_MS = 50;

/** A program of this repository as a process of its own. */
export interface Child {
  readonly pid: number;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  isAlive(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** The last lines that it wrote. */
  log(): readonly string[];
  /** The first line of its standard output. */
  readonly firstLine: Promise<string>;
}

const children = new Set<Child>();

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Another user of this machine; only root may start a process for one. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export function startChild(
  script: string,
  env: Readonly<Record<string, string>>,
  { args = [], user }: ChildOptions = {},
): Child {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], {
    cwd: ROOT,
    ...user,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const first = Promise.withResolvers<string>();
  first.promise.catch(() => undefined);
  let rest = '';
  const collect = (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      first.resolve(line);
      lines.push(line);
    }
    lines.splice(0, Math.max(0, lines.length - LOG_LINES_KEPT));
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const started: Child = {
    pid: child.pid ?? 0,
    exited,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => void child.kill(signal),
    log: () => (rest === '' ? lines : [...lines, rest]),
    firstLine: first.promise,
  };
  children.add(started);
  void exited.then(() => {
    children.delete(started);
    first.reject(new Error(`${script} ended before it said anything:\n${lines.join('\n')}`));
  });
  return started;
}

/** For afterAll: whatever a failed run has left behind. */
export async function killAllChildren(): Promise<void> {
  const left = [...children];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map(({ exited }) => exited));
}

/** Resolves when the service answers that it is ready. */
export async function untilReady(child: Child, url: string): Promise<void> {
  await until(`${url} is ready`, START_TIMEOUT_MS, async () => {
    if (!child.isAlive()) throw new Error(`the service ended while it started:\n${child.log().join('\n')}`);
    const response = await fetch(`${url}/readyz`, { headers: OWN_CONNECTION }).catch(() => null);
    await response?.arrayBuffer();
    return response?.status === 200;
  });
}

/**
 * For requests to another process: each on a connection of its own. One that is kept is closed by the other side after five seconds, and
 * on a busy machine just while it is used again; such a request can neither be known to have arrived nor be sent twice.
 */
export const OWN_CONNECTION = { connection: 'close' } as const;

/** Looks again and again. @throws when it has not come true in time; `explain` says what it was instead. */
export async function until(
  what: string,
  timeoutMs: number,
  isTrue: () => boolean | Promise<boolean>,
  explain: () => string = () => '',
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what} ${explain()}`);
    await sleep(POLL_MS);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
