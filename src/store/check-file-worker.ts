import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** The thread of `checkFile`: goes through every page of the file and tells what is wrong with it. */
const database = new Database(String(workerData), { readonly: true, timeout: 5_000 });
try {
  const lines = database.pragma('quick_check(10)') as Array<{ quick_check: string }>;
  parentPort?.postMessage(lines.map(({ quick_check }) => quick_check).filter((line) => line !== 'ok'));
} finally {
  database.close();
}
