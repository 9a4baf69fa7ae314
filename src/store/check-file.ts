import { Worker } from 'node:worker_threads';

export interface FileCheck {
  /** What is wrong with the file, in SQLite's words; empty when nothing was found, or the check could not be made. */
  readonly problems: Promise<readonly string[]>;
  stop(): Promise<void>;
}

/**
 * Looks at every page of a SQLite file that others are using, in a thread of its own: a file of a gigabyte takes seconds, during which
 * the service serves. SQLite itself notices damage only where it happens to read.
 */
export function checkFile(path: string): FileCheck {
  const worker = new Worker(new URL('./check-file-worker.ts', import.meta.url), { workerData: path });
  worker.unref();
  const problems = new Promise<readonly string[]>((resolve) => {
    worker.once('message', (found: string[]) => resolve(found));
    worker.once('error', (error) => {
      const isDamage = 'code' in error && /^SQLITE_(CORRUPT|NOTADB)/.test(String(error.code));
      resolve(isDamage ? [error.message] : []);
    });
    worker.once('exit', () => resolve([]));
  });
  return { problems, stop: async () => void (await worker.terminate()) };
}
