import module from 'node:module';

/** Writing takes a tenth of a second of our only thread: what was waiting at the start goes first. */
const WRITE_AFTER_MS = 10_000;

/**
 * Where Node keeps what it has compiled (see start.js), it writes it when a process ends in good order. One that is killed has written it all the
 * same after this. What lies there already is not written again, and where nothing is kept nothing happens.
 */
export function writeCompiledSoon(afterMs: number = WRITE_AFTER_MS): void {
  setTimeout(() => module.flushCompileCache(), afterMs).unref();
}
