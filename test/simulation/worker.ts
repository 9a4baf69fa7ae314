import { parentPort, workerData } from 'node:worker_threads';
import type { Theme } from './faults.ts';
import { type Edit, install } from './hooks.ts';

/** One thread that lives histories, with or without a planted mistake. Modules are loaded after the mistake was planted. */
const { edits, isVerbose, theme } = workerData as {
  edits: readonly Edit[];
  isVerbose: boolean;
  theme: Theme | null;
};
const assertPlanted = install(edits);
const { live } = await import('./history.ts');
assertPlanted();
/** What nobody awaits and nobody catches would end a real process. */
const unheard: string[] = [];
process.on(
  'unhandledRejection',
  (reason) => void unheard.push(`law 8: nobody has heard of a fault: ${String(reason)}`),
);
parentPort?.postMessage({ ready: true });
parentPort?.on('message', ({ seed, twice }: { seed: number; twice: boolean }) => {
  void (async () => {
    const report = await live(seed, { theme });
    const again = twice ? await live(seed, { theme }) : report;
    const problems =
      again.digest === report.digest
        ? [...report.problems, ...unheard.splice(0)]
        : [...report.problems, `the same seed gave two histories: ${report.digest} and ${again.digest}`];
    // The timeline of a history without a problem is not worth the copying.
    parentPort?.postMessage({ ...report, problems, timeline: isVerbose || problems.length > 0 ? report.timeline : [] });
  })();
});
