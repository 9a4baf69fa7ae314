/** Builds the console into dist/console: `npm run build`. With --if-stale only when a source is newer than what is there. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SOURCE = fileURLToPath(new URL('../src/web/console/', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/console/index.html', import.meta.url));

/** @throws Error with what the build said. */
export function buildConsole({ ifStale = false } = {}): void {
  if (ifStale && builtAt() > newestOf(SOURCE)) return;
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  // In a process of its own: what a test runner says of the environment would build React's version for developers.
  const made = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: SOURCE,
    env: { ...process.env, NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`The console cannot be built:\n${made.stdout}${made.stderr}`);
}

function builtAt(): number {
  return statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestOf(folder: string): number {
  const times = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  return Math.max(...times);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  buildConsole({ ifStale: process.argv.includes('--if-stale') });
}
