import { buildConsole } from '../../scripts/build-console.ts';

/** The browser tests open the console as it is served. */
export default function setup(): void {
  buildConsole({ ifStale: true });
}
