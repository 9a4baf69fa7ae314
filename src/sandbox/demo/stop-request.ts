/** Aborted by Ctrl-C, by a stop of the process, and by a reader of the output that has gone. */
export function stopRequest(): AbortSignal {
  const controller = new AbortController();
  // A second one changes nothing: npm passes on what the terminal has already sent, and stopping is bounded in time.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort());
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
}
