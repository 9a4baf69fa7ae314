import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildConsole } from '../../scripts/build-console.ts';

const SOURCE = fileURLToPath(new URL('../../src/web/console/', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/console/', import.meta.url));

/** What is loaded before any screen: React, the router, the components of the frame. */
const SHELL_BYTES_MAX = 200_000;

test('every component that is used has its styles', () => {
  const loaded = readFileSync(`${SOURCE}src/app/styles.ts`, 'utf8');
  const missing = globSync(`${SOURCE}src/**/*.tsx`).flatMap((file) => {
    const imports = readFileSync(file, 'utf8').matchAll(/import \{([^}]*)\} from '@mantine\/core'/g);
    const names = [...imports].flatMap(([, list = '']) => list.split(',').map((name) => name.trim()));
    return names.filter(
      (name) =>
        existsSync(`${SOURCE}node_modules/@mantine/core/styles/${name}.css`) && !loaded.includes(`/${name}.css'`),
    );
  });
  expect([...new Set(missing)]).toEqual([]);
});

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

/** A file and what it cannot run without. */
function filesOf(manifest: Readonly<Record<string, Chunk>>, name: string, found = new Set<string>()): Set<string> {
  const chunk = manifest[name];
  if (!chunk || found.has(chunk.file)) return found;
  for (const file of [chunk.file, ...(chunk.css ?? [])]) found.add(file);
  for (const next of chunk.imports ?? []) filesOf(manifest, next, found);
  return found;
}

test('the shell takes less than 200 kB', () => {
  buildConsole({ ifStale: true });
  const manifest = JSON.parse(readFileSync(`${BUILT}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;
  const files = filesOf(manifest, 'index.html');
  expect(files.size).toBeGreaterThan(1);
  const bytes = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(`${BUILT}${file}`)).length, 0);
  expect(bytes).toBeLessThan(SHELL_BYTES_MAX);
});
